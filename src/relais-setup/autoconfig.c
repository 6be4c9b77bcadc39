/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-setup/autoconfig.h"

#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include "base/ascii.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/setting.h"

enum { DEPTH_MAX = 16, TEXT_MAX = 500, DOMAINS_MAX = 2000 };

/* What one outgoingServer says. */
struct server {
	char *host, *user;
	struct conf_port at;
	bool is_plain, takes_password, takes_oauth;
};

struct reading {
	XML_Parser parser;
	struct autoconfig *to;
	const char *error; /* why it was stopped, or NULL */
	int depth;
	bool is_in_provider; /* clientConfig/emailProvider */
	bool is_in_smtp; /* outgoingServer type="smtp" in there */
	struct server server;
	struct buf text; /* of the element that is open */
};

/* --- values --------------------------------------------------------------- */

bool
autoconfig_is_host(const char *text)
{
	size_t n = strlen(text), label = 0;
	bool has_dot = false;

	if (n == 0 || n > 253)
		return false;
	for (size_t i = 0; i <= n; i++) {
		if (text[i] == '.' || text[i] == '\0') {
			if (label == 0 || label > 63 || text[i - 1] == '-')
				return false;
			has_dot = has_dot || text[i] == '.';
			label = 0;
		} else if (ascii_is_alnum(text[i]) ||
			   (text[i] == '-' && label > 0)) {
			label++;
		} else {
			return false;
		}
	}
	return has_dot;
}

static void
lower(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

/* What the element holds, without blanks around it; NULL: nothing, or what no
 * value of ours may hold. */
static char *
take_text(struct reading *r)
{
	struct bytes t = bytes_trim(buf_bytes(&r->text));

	for (size_t i = 0; i < t.n; i++)
		if (ascii_is_control(t.p[i]))
			return NULL;
	return t.n > 0 ? xstrndup(t.p, t.n) : NULL;
}

static void
put_text(char **to, char *text)
{
	if (*to == NULL)
		*to = text;
	else
		free(text); /* the first one counts */
}

/* --- servers -------------------------------------------------------------- */

static void
server_clear(struct server *s)
{
	free(s->host);
	free(s->user);
	*s = (struct server) { NULL, NULL, { 0, CONF_TLS_STARTTLS }, false,
		false, false };
}

/* The first one decides about the host; others add ports of it. */
static void
end_server(struct reading *r)
{
	struct server *s = &r->server;
	struct autoconfig *to = r->to;

	if (!s->is_plain && s->host != NULL && s->at.port > 0 &&
	    (s->takes_password || s->takes_oauth) &&
	    (to->host == NULL || strcmp(to->host, s->host) == 0) &&
	    to->nports < CONF_PORTS_MAX) {
		if (to->host == NULL) {
			to->host = s->host;
			to->user = s->user;
			s->host = s->user = NULL;
		}
		to->ports[to->nports++] = s->at;
		to->takes_password |= s->takes_password;
		to->takes_oauth |= s->takes_oauth;
	}
	server_clear(s);
}

static void
take_authentication(struct server *s, const char *text)
{
	if (str_eq_nocase(text, "OAuth2"))
		s->takes_oauth = true;
	else if (strncmp(text, "password-", 9) == 0 ||
		 strcmp(text, "plain") == 0 || strcmp(text, "secure") == 0)
		s->takes_password = true;
}

static void
take_socket_type(struct server *s, const char *text)
{
	s->is_plain = false;
	if (str_eq_nocase(text, "SSL"))
		s->at.tls = CONF_TLS_IMPLICIT;
	else if (str_eq_nocase(text, "STARTTLS"))
		s->at.tls = CONF_TLS_STARTTLS;
	else
		s->is_plain = true;
}

static void
end_of_server_field(struct reading *r, const char *name, char *text)
{
	struct server *s = &r->server;
	uint64_t port;

	if (strcmp(name, "hostname") == 0 && s->host == NULL &&
	    autoconfig_is_host(text)) {
		lower(text);
		s->host = text;
		return;
	}
	if (strcmp(name, "username") == 0 && s->user == NULL &&
	    strpbrk(text, " \t") == NULL) {
		s->user = text;
		return;
	}
	if (strcmp(name, "port") == 0 &&
	    num_u64_max(bytes_str(text), 65535, &port))
		s->at.port = (int)port;
	else if (strcmp(name, "socketType") == 0)
		take_socket_type(s, text);
	else if (strcmp(name, "authentication") == 0)
		take_authentication(s, text);
	free(text);
}

/* --- elements ------------------------------------------------------------- */

static const char *
attribute(const XML_Char **atts, const char *name)
{
	for (; atts[0] != NULL; atts += 2)
		if (strcmp(atts[0], name) == 0)
			return atts[1];
	return NULL;
}

static void
stop(struct reading *r, const char *why)
{
	if (r->error == NULL)
		r->error = why;
	(void)XML_StopParser(r->parser, XML_FALSE); /* or stopped already */
}

static void
on_start(void *user, const XML_Char *name, const XML_Char **atts)
{
	struct reading *r = user;
	const char *url;

	buf_reset(&r->text);
	if (++r->depth > DEPTH_MAX) {
		stop(r, "it is nested too deeply");
	} else if (r->depth == 1 && strcmp(name, "clientConfig") != 0) {
		stop(r, "it is no clientConfig");
	} else if (r->depth == 2) {
		r->is_in_provider = strcmp(name, "emailProvider") == 0;
	} else if (r->depth == 3 && r->is_in_provider) {
		const char *type = attribute(atts, "type");

		r->is_in_smtp = strcmp(name, "outgoingServer") == 0 &&
				type != NULL && strcmp(type, "smtp") == 0;
		/* No socketType is in clear text, as far as we know. */
		r->server.is_plain = r->is_in_smtp;
		url = strcmp(name, "documentation") == 0
			  ? attribute(atts, "url")
			  : NULL;
		if (url != NULL && strncmp(url, "https://", 8) == 0 &&
		    strlen(url) < TEXT_MAX &&
		    strpbrk(url, " \t\r\n\x7f") == NULL)
			put_text(&r->to->page, xstrdup(url));
	}
}

static void
end_of_provider_field(struct reading *r, const char *name)
{
	char *text = take_text(r);

	if (text == NULL)
		return;
	if (strcmp(name, "domain") == 0 && autoconfig_is_host(text) &&
	    r->to->domains.n < DOMAINS_MAX) {
		lower(text);
		conf_list_add(&r->to->domains, text, strlen(text));
		free(text);
	} else if (strcmp(name, "displayName") == 0) {
		put_text(&r->to->name, text);
	} else {
		free(text);
	}
}

static void
on_end(void *user, const XML_Char *name)
{
	struct reading *r = user;

	if (r->depth == 3 && r->is_in_smtp) {
		end_server(r);
		r->is_in_smtp = false;
	} else if (r->depth == 3 && r->is_in_provider) {
		end_of_provider_field(r, name);
	} else if (r->depth == 4 && r->is_in_smtp) {
		char *text = take_text(r);

		if (text != NULL)
			end_of_server_field(r, name, text);
	}
	r->depth--;
	buf_reset(&r->text);
}

static void
on_text(void *user, const XML_Char *s, int n)
{
	struct reading *r = user;

	/* What is longer is no value of ours. */
	IGNORE(buf_add(&r->text, s, (size_t)n));
}

static void
on_doctype(void *user, const XML_Char *name, const XML_Char *sysid,
    const XML_Char *pubid, int has_internal_subset)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)has_internal_subset;
	stop(user, "it has a DOCTYPE");
}

/* --- the file ------------------------------------------------------------- */

static const char *
parse_xml(struct reading *r, struct bytes xml)
{
	enum XML_Status status;

	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	status = XML_Parse(r->parser, xml.p, (int)xml.n, XML_TRUE);
	if (r->error != NULL)
		return r->error;
	if (status != XML_STATUS_OK)
		return XML_ErrorString(XML_GetErrorCode(r->parser));
	return r->to->host == NULL
		   ? "it names no submission server with TLS and a login"
		   : NULL;
}

int
autoconfig_parse(struct bytes xml, struct autoconfig *ret, struct err *err)
{
	struct autoconfig a = { .nports = 0 };
	struct reading r = { .to = &a };
	const char *why = "it is too long";

	buf_init(&r.text, TEXT_MAX);
	r.parser = XML_ParserCreate(NULL);
	if (r.parser == NULL)
		abort(); /* out of memory */
	if (xml.n <= AUTOCONFIG_MAX)
		why = parse_xml(&r, xml);
	XML_ParserFree(r.parser);
	server_clear(&r.server);
	buf_clear(&r.text);
	if (why != NULL) {
		autoconfig_clear(&a);
		return err_set(err, ERR_INPUT, "%s", why);
	}
	*ret = a;
	return 0;
}

void
autoconfig_clear(struct autoconfig *a)
{
	free(a->host);
	free(a->user);
	free(a->name);
	free(a->page);
	conf_list_clear(&a->domains);
	*a = (struct autoconfig) { .nports = 0 };
}

char *
autoconfig_user(const struct autoconfig *a, const char *address)
{
	static const char *const marks[] = { "%EMAILADDRESS%",
		"%EMAILLOCALPART%", "%EMAILDOMAIN%" };
	const char *at = strrchr(address, '@');
	const char *from = a->user != NULL ? a->user : marks[0];
	struct bytes values[] = { bytes_str(address),
		bytes_of(address, (size_t)(at - address)), bytes_str(at + 1) };
	struct buf b;

	buf_init(&b, 4096);
	while (*from != '\0') {
		size_t k = 0;
		bool fits;

		while (k < 3 && strncmp(from, marks[k], strlen(marks[k])) != 0)
			k++;
		fits = k < 3 ? buf_add(&b, values[k].p, values[k].n)
			     : buf_addc(&b, *from);
		if (!fits)
			break;
		from += k < 3 ? strlen(marks[k]) : 1;
	}
	return buf_steal(&b);
}
