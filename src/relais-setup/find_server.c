/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose mail it is, and the server that takes it. */
#include <string.h>

#include "base/intl.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "mail/addr.h"
#include "mail/idna.h"
#include "relais-setup/autoconfig.h"
#include "relais-setup/dialogue.h"
#include "relais-setup/setup.h"
#include "sys/said.h"

enum {
	TRIES = 3, /* of one question */
	QUESTIONS_MAX = 3 /* what can be assumed is not asked then */
};

/* --- whom ----------------------------------------------------------------- */

bool
setup_is_address(const char *text)
{
	struct bytes b = bytes_str(text);

	return addr_is_mailbox(b) && addr_domain_is_name(addr_domain(b)) &&
	       autoconfig_is_host(strrchr(text, '@') + 1);
}

/* Blanks around it, what ends an item of a list or a sentence, and quotes
 * around all of it. */
static struct bytes
without_wrapping(struct bytes b)
{
	b = bytes_trim(b);
	while (b.n > 1 && strchr(".,;", b.p[b.n - 1]) != NULL)
		b = bytes_trim(bytes_of(b.p, b.n - 1));
	if (b.n > 1 && (b.p[0] == '\'' || b.p[0] == '"') &&
	    b.p[b.n - 1] == b.p[0])
		b = bytes_trim(bytes_of(b.p + 1, b.n - 2));
	return b;
}

/* What people paste: "Jane <jane@example.org>", "mailto:jane@example.org?cc=x",
 * an item of a list. */
static void
take_address_out(char **address)
{
	struct bytes b = without_wrapping(bytes_str(*address));
	const char *open = b.n > 0 ? memrchr(b.p, '<', b.n) : NULL;
	static const char scheme[] = "mailto:";
	char *at;

	if (open != NULL && b.p[b.n - 1] == '>')
		b = bytes_trim(
		    bytes_of(open + 1, (size_t)(b.p + b.n - 1 - (open + 1))));
	if (bytes_has_prefix_nocase(b, scheme)) {
		b = bytes_of(
		    b.p + sizeof(scheme) - 1, b.n - (sizeof(scheme) - 1));
		b = bytes_cut(&b, '?');
	}
	b = without_wrapping(b);
	at = xstrndup(b.p, b.n);
	free(*address);
	*address = at;
	/* As everybody writes it; what is before the @ may depend on it. */
	if ((at = strrchr(*address, '@')) != NULL)
		for (; *at != '\0'; at++)
			if (*at >= 'A' && *at <= 'Z')
				*at = (char)(*at - 'A' + 'a');
}

/* The domain in its ASCII form, as DNS and certificates have it. */
static void
to_ascii(char **address)
{
	struct buf b;

	buf_init(&b, ADDR_MAX);
	if (idna_addr(&b, bytes_str(*address))) {
		free(*address);
		*address = xstrdup(buf_str(&b));
	}
	buf_clear(&b);
}

/* What was typed or given, as it is meant. */
static bool
take_address(char **address)
{
	take_address_out(address);
	to_ascii(address);
	return setup_is_address(*address);
}

/* Until it is one: a mistake in typing ends nothing.  NULL: the person does not
 * want to, or cannot; to be freed. */
static char *
ask_address(const char *question, const char *dflt)
{
	for (int i = 0; i < TRIES; i++) {
		char *text = dialogue_ask(question, dflt);

		if (text == NULL)
			return NULL;
		if (take_address(&text))
			return text;
		dialogue_say("\"%s\" is no email address", text);
		free(text);
	}
	return NULL;
}

enum setup_status
setup_find_address(struct setup *s)
{
	if (s->address == NULL && !dialogue_has_person())
		return setup_stop(s->report, SETUP_PERSON,
		    "no address is given; for example, type: relais setup "
		    "me@example.org --password-file FILE --yes");
	if (s->address == NULL) {
		s->questions++;
		s->address = ask_address(
		    _("Email address that this machine sends as"), NULL);
	}
	if (s->address == NULL)
		return setup_stop(
		    s->report, SETUP_PERSON, "Nothing was written.");
	if (!take_address(&s->address))
		return setup_stop(s->report, SETUP_PERSON,
		    "\"%s\" is no email address", s->address);
	setup_report(s, "address", s->address);
	return SETUP_DONE;
}

enum setup_status
setup_find_admin(struct setup *s)
{
	if (s->args.admin != NULL)
		s->admin = xstrdup(s->args.admin);
	else if (s->old != NULL && s->old->admin != NULL)
		return SETUP_DONE;
	else if (s->args.is_yes || s->questions >= QUESTIONS_MAX ||
		 !dialogue_has_person())
		s->admin = xstrdup(s->address);
	else
		s->admin = ask_address(
		    _("Mail for root and cron goes to"), s->address);
	if (s->admin == NULL)
		return setup_stop(
		    s->report, SETUP_PERSON, "Nothing was written.");
	if (!take_address(&s->admin))
		return setup_stop(s->report, SETUP_PERSON,
		    "\"%s\" is no email address; nothing was written",
		    s->admin);
	return SETUP_DONE;
}

/* --- where ---------------------------------------------------------------- */

enum setup_status
setup_take_provider(struct setup *s)
{
	struct err err = { 0 };

	s->found.preset = providers_find(
	    s->presets, s->args.provider, &s->preset_host, &err);
	if (s->found.preset == NULL)
		return setup_stop(s->report, SETUP_PERSON, "%s", err.text);
	s->found.from = xasprintf("preset %s", s->found.preset->key);
	return SETUP_DONE;
}

/* As DNS and certificates have it; to be freed. */
static char *
ascii_name(const char *host)
{
	char *name;
	struct buf b;

	buf_init(&b, ADDR_MAX);
	name = idna_domain(&b, bytes_str(host)) ? xstrdup(buf_str(&b))
						: xstrdup(host);
	buf_clear(&b);
	return name;
}

enum setup_status
setup_take_host(struct setup *s)
{
	bool is_implicit = str_eq(s->args.tls, "implicit");
	uint64_t port = 0;

	if (s->args.tls != NULL && !is_implicit &&
	    !str_eq(s->args.tls, "starttls"))
		return setup_stop(s->report, SETUP_PERSON,
		    "--tls \"%s\": expected implicit or starttls", s->args.tls);
	if (s->args.port != NULL &&
	    (!num_u64_max(bytes_str(s->args.port), 65535, &port) || port == 0))
		return setup_stop(s->report, SETUP_PERSON,
		    "--port \"%s\": no port", s->args.port);
	/* One colon: a port; more: an address of IPv6. */
	if (strchr(s->args.host, '/') != NULL ||
	    (strchr(s->args.host, ':') != NULL &&
		strchr(s->args.host, ':') == strrchr(s->args.host, ':')))
		return setup_stop(s->report, SETUP_PERSON,
		    "--host \"%s\": give the name alone; the port goes to "
		    "--port",
		    s->args.host);
	s->found.from = xstrdup(N_("named by hand"));
	s->found.host = ascii_name(s->args.host);
	if (port != 0) {
		is_implicit = is_implicit ||
			      (s->args.tls == NULL && port == 465);
		s->found.ports[s->found.nports++] = (struct conf_port) {
			(int)port,
			is_implicit ? CONF_TLS_IMPLICIT : CONF_TLS_STARTTLS
		};
		return SETUP_DONE;
	}
	if (s->args.tls == NULL || is_implicit)
		s->found.ports[s->found.nports++] = (struct conf_port) { 465,
			CONF_TLS_IMPLICIT };
	if (!is_implicit) {
		s->found.ports[s->found.nports++] = (struct conf_port) { 587,
			CONF_TLS_STARTTLS };
		s->found.ports[s->found.nports++] = (struct conf_port) { 2525,
			CONF_TLS_STARTTLS };
	}
	return SETUP_DONE;
}

static enum setup_status
search(struct setup *s)
{
	struct discover_opts opts = { s->address, s->presets, s->mozilla };
	struct err err = { 0 };

	if (discover(&opts, &s->found, &err) != 0)
		return setup_stop(s->report,
		    err.class == ERR_NETWORK ? SETUP_LATER : SETUP_PERSON, "%s",
		    err.text);
	setup_report(s, "source", discover_source_name(s->found.source));
	return SETUP_DONE;
}

/* Of the domain, a preset's by that domain, or chosen by the user: no question.
 * A sign-in happens at the provider's own page. */
static enum setup_status
confirm_host(struct setup *s)
{
	char *question;
	bool is_yes;

	if (s->args.is_yes || s->args.provider != NULL ||
	    s->args.host != NULL ||
	    (s->found.preset != NULL &&
		(s->found.source == DISCOVER_PRESET || setup_signs_in(s))) ||
	    discovery_is_own_host(setup_host(s), s->address))
		return SETUP_DONE;
	if (!dialogue_has_person())
		return setup_stop(s->report, SETUP_PERSON,
		    "%s is not of %s; to agree, add --yes", setup_host(s),
		    strrchr(s->address, '@') + 1);
	question = xasprintf(_("%s is not of %s. Use it?"), setup_host(s),
	    strrchr(s->address, '@') + 1);
	s->questions++;
	is_yes = dialogue_confirm(question);
	free(question);
	return is_yes ? SETUP_DONE
		      : setup_stop(s->report, SETUP_PERSON,
			    "Nothing was written. Name the server with --host "
			    "or --provider.");
}

enum setup_status
setup_find_server(struct setup *s)
{
	const struct provider *p;
	char *from;
	enum setup_status status = s->args.provider != NULL
				       ? setup_take_provider(s)
				   : s->args.host != NULL ? setup_take_host(s)
							  : search(s);

	if (status != SETUP_DONE)
		return status;
	p = s->found.preset;
	if (p != NULL && p->refusal != NULL)
		return setup_stop(s->report, SETUP_PERSON, "%s", p->refusal);
	if (p != NULL && s->preset_host == NULL) {
		struct err err = { 0 };

		if (providers_find(s->presets, p->key, &s->preset_host, &err) ==
		    NULL)
			return setup_stop(
			    s->report, SETUP_PERSON, "%s", err.text);
	}
	from = said(s->found.from);
	dialogue_say("%s: %s (%s)", strrchr(s->address, '@') + 1,
	    setup_provider_name(s), from);
	free(from);
	setup_report(s, "from", s->found.from);
	setup_report(s, "provider", p != NULL ? p->key : NULL);
	setup_report(s, "host", setup_host(s));
	return confirm_host(s);
}
