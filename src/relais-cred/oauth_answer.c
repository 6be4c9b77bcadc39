/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-cred/oauth_answer.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/ascii.h"
#include "base/base64.h"
#include "base/num.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/xalloc.h"

/* --- JSON ----------------------------------------------------------------- */

/* Brackets outside strings, so that no body makes the parser dig. */
static bool
is_shallow(struct bytes b)
{
	int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < b.n; i++) {
		if (in_string && b.p[i] == '\\')
			i++;
		else if (b.p[i] == '"')
			in_string = !in_string;
		else if (!in_string && (b.p[i] == '{' || b.p[i] == '['))
			depth++;
		else if (!in_string && (b.p[i] == '}' || b.p[i] == ']'))
			depth--;
		if (depth > OAUTH_DEPTH_MAX)
			return false;
	}
	return true;
}

static json_t *
parse_object(struct bytes b)
{
	static const char bom[] = "\xef\xbb\xbf";
	json_t *j;

	/* RFC 8259 section 8.1 lets us pass over it. */
	if (bytes_has_prefix_nocase(b, bom))
		b = bytes_of(b.p + 3, b.n - 3);

	if (b.n > OAUTH_BODY_MAX || !is_shallow(b))
		return NULL;
	j = json_loadb(b.p, b.n, 0, NULL);
	if (j != NULL && !json_is_object(j)) {
		json_decref(j);
		return NULL;
	}
	return j;
}

static bool
is_visible(const char *s, unsigned char least)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < least || (unsigned char)*s > 0x7e)
			return false;
	return true;
}

/* Owned; NULL if it is not there or holds other than printable ASCII. */
static char *
take_word(const json_t *j, const char *key, unsigned char least, size_t max)
{
	struct bytes b = bytes_trim(
	    bytes_str(json_string_value(json_object_get(j, key))));
	char *word;

	/* Line ends around it do not belong to it; a token that was refused for
	 * them could not be asked for again. */
	while (b.n > 0 && (b.p[b.n - 1] == '\n' || b.p[b.n - 1] == '\r'))
		b = bytes_trim(bytes_of(b.p, b.n - 1));
	if (b.n == 0 || b.n > max)
		return NULL;
	word = xstrndup(b.p, b.n);
	if (is_visible(word, least))
		return word;
	str_wipe(word);
	return NULL;
}

/* A number, or one in quotes, as some servers write it. */
static int64_t
take_seconds(const json_t *j, const char *key, int64_t dflt, int64_t max)
{
	const json_t *v = json_object_get(j, key);
	uint64_t n;
	double d;

	if (json_is_string(v))
		return num_u64_max(bytes_trim(bytes_str(json_string_value(v))),
			   (uint64_t)max, &n) &&
			       n > 0
			   ? (int64_t)n
			   : dflt;
	if (!json_is_number(v))
		return dflt;
	d = json_number_value(v);
	/* None, or less: who gives out a token does not mean that. */
	return d < 1 ? dflt : d > (double)max ? max : (int64_t)d;
}

/* Text for people; it is escaped where it is shown. */
static char *
take_text(const json_t *j, const char *key)
{
	return xstrdup(json_string_value(json_object_get(j, key)));
}

static bool
is_https(const char *url)
{
	return url != NULL && strncmp(url, "https://", 8) == 0;
}

/* The claims of an id_token (OpenID Connect Core 3.1.3.7: one that came from
 * the token endpoint by TLS needs no check of its signature). */
static char *
user_of(const json_t *answer)
{
	static const char *const claims[] = { "email", "preferred_username",
		"upn" };
	const char *token = json_string_value(
	    json_object_get(answer, "id_token"));
	const char *from = token != NULL ? strchr(token, '.') : NULL;
	char *user = NULL;
	struct buf text, json;
	json_t *j = NULL;

	if (from == NULL)
		return NULL;
	buf_init(&text, OAUTH_BODY_MAX);
	buf_init(&json, OAUTH_BODY_MAX);
	for (from++; *from != '\0' && *from != '.'; from++)
		if (!buf_addc(&text, *from == '-'   ? '+'
				     : *from == '_' ? '/'
						    : *from))
			break;
	while (buf_len(&text) % 4 != 0 && buf_addc(&text, '='))
		;
	if (base64_decode(&json, buf_bytes(&text)))
		j = parse_object(buf_bytes(&json));
	for (size_t i = 0; i < 3 && j != NULL && user == NULL; i++)
		user = take_word(j, claims[i], 0x21, 254);
	json_decref(j);
	buf_clear(&text);
	buf_clear(&json);
	return user;
}

bool
oauth_answer_parse(struct bytes body, struct oauth_answer *ret)
{
	json_t *j = parse_object(body);
	char *url;

	*ret = (struct oauth_answer) { NULL };
	if (j == NULL)
		return false;
	ret->access_token = take_word(j, "access_token", 0x21, SECRET_MAX);
	ret->refresh_token = take_word(j, "refresh_token", 0x20, SECRET_MAX);
	ret->scope = take_word(j, "scope", 0x20, 4096);
	ret->error = take_word(j, "error", 0x21, 100);
	ret->description = take_text(j, "error_description");
	ret->user = user_of(j);
	ret->device_code = take_word(j, "device_code", 0x20, SECRET_MAX);
	ret->user_code = take_word(j, "user_code", 0x20, 64);
	/* RFC 8628 says _uri, Google said _url. */
	url = take_word(j, "verification_uri", 0x21, 2048);
	if (url == NULL)
		url = take_word(j, "verification_url", 0x21, 2048);
	if (is_https(url))
		ret->verification_url = url;
	else
		free(url);
	ret->expires_s = take_seconds(j, "expires_in",
	    ret->device_code != NULL ? OAUTH_CODE_S : OAUTH_EXPIRES_S,
	    OAUTH_EXPIRES_MAX_S);
	ret->interval_s = take_seconds(
	    j, "interval", OAUTH_INTERVAL_S, OAUTH_INTERVAL_MAX_S);
	json_decref(j);
	return true;
}

void
oauth_answer_clear(struct oauth_answer *a)
{
	str_wipe(a->access_token);
	str_wipe(a->refresh_token);
	str_wipe(a->device_code);
	free(a->scope);
	free(a->error);
	free(a->description);
	free(a->user);
	free(a->user_code);
	free(a->verification_url);
	*a = (struct oauth_answer) { NULL };
}

/* --- what an error means ------------------------------------------------- */

enum oauth_next
oauth_next(int status, const struct oauth_answer *a)
{
	static const struct {
		const char *error;
		enum oauth_next next;
	} rows[] = {
		{ "authorization_pending", OAUTH_PENDING },
		{ "slow_down", OAUTH_SLOWER },
		{ "access_denied", OAUTH_DENIED },
		{ "authorization_declined", OAUTH_DENIED }, /* Microsoft */
		{ "expired_token", OAUTH_CODE_ENDED },
		{ "bad_verification_code", OAUTH_CODE_ENDED },
		{ "code_expired", OAUTH_CODE_ENDED },
		{ "invalid_grant", OAUTH_NEEDS_LOGIN },
		{ "interaction_required", OAUTH_NEEDS_LOGIN },
		{ "consent_required", OAUTH_NEEDS_LOGIN },
		{ "login_required", OAUTH_NEEDS_LOGIN },
		{ "temporarily_unavailable", OAUTH_LATER },
		{ "server_error", OAUTH_LATER },
	};

	if (a != NULL && a->error != NULL)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (strcmp(a->error, rows[i].error) == 0)
				return rows[i].next;
	if (status == 429 || status >= 500 || a == NULL)
		return OAUTH_LATER;
	if (a->error != NULL)
		return OAUTH_WRONG_CLIENT;
	return status >= 200 && status < 300 &&
		       (a->access_token != NULL || a->device_code != NULL)
		   ? OAUTH_GRANTED
		   : OAUTH_LATER;
}

void
oauth_answer_text(int status, const struct oauth_answer *a, struct buf *to)
{
	static const char *const ends[] = { "\r", "\n",
		" Trace ID:", "Correlation ID:" };
	struct bytes d;

	if (a == NULL || a->error == NULL) {
		IGNORE(buf_addf(to,
		    "the token server's answer is not one of OAuth2 (HTTP "
		    "status %d)",
		    status)); /* fits */
		return;
	}
	IGNORE(buf_adds(to, a->error));
	d = bytes_str(a->description != NULL ? a->description : "");
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const char *end = memmem(d.p, d.n, ends[i], strlen(ends[i]));

		if (end != NULL)
			d.n = (size_t)(end - d.p);
	}
	d = bytes_trim(d);
	if (d.n > 0 && buf_adds(to, ": "))
		IGNORE(str_escape(to, d, STR_ESCAPE_MAX)); /* cut when full */
}

/* --- queries -------------------------------------------------------------- */

static int
hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* Owned; NULL: malformed. */
static char *
decode(struct bytes b)
{
	struct buf out;
	bool ok = true;

	buf_init(&out, OAUTH_BODY_MAX);
	for (size_t i = 0; i < b.n && ok; i++) {
		char c = b.p[i] == '+' ? ' ' : b.p[i];

		if (c == '%') {
			if (i + 2 >= b.n || hex(b.p[i + 1]) < 0 ||
			    hex(b.p[i + 2]) < 0) {
				ok = false;
				break;
			}
			c = (char)(hex(b.p[i + 1]) * 16 + hex(b.p[i + 2]));
			i += 2;
		}
		ok = c >= 0x20 && c <= 0x7e && buf_addc(&out, c);
	}
	if (ok)
		return buf_steal(&out);
	buf_wipe(&out);
	return NULL;
}

char *
oauth_query_get(struct bytes query, const char *name)
{
	while (query.n > 0) {
		struct bytes value = bytes_cut(&query, '&');
		struct bytes key = bytes_cut(&value, '=');

		if (bytes_eq(key, name))
			return decode(value);
	}
	return NULL;
}

bool
oauth_query_add(struct buf *to, const char *name, const char *value)
{
	bool ok = (buf_len(to) == 0 || buf_addc(to, '&')) &&
		  buf_addf(to, "%s=", name);

	for (; ok && *value != '\0'; value++)
		ok = ascii_is_alnum(*value) || strchr("-._~", *value) != NULL
			 ? buf_addc(to, *value)
			 : buf_addf(to, "%%%02X", (unsigned char)*value);
	return ok;
}

bool
oauth_base64url(struct buf *to, struct bytes from)
{
	struct buf b;
	struct bytes text;
	bool ok;

	buf_init(&b, from.n * 2 + 8);
	ok = base64_encode(&b, from);
	text = buf_bytes(&b);
	while (text.n > 0 && text.p[text.n - 1] == '=')
		text.n--;
	for (size_t i = 0; i < text.n && ok; i++)
		ok = buf_addc(to, text.p[i] == '+'   ? '-'
				  : text.p[i] == '/' ? '_'
						     : text.p[i]);
	buf_wipe(&b);
	return ok;
}
