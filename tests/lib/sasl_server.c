/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/sasl_server.h"

#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "smtp/smtp_caps.h"

enum { MESSAGE_MAX = SECRET_MAX + 2048 };

enum phase {
	BETWEEN = 0, /* no exchange is under way */
	RUNNING,
	PROVED, /* SCRAM's last message is out; an empty line is due */
	REFUSED /* the reason is out; any line is due, then 535 */
};

struct sasl_server {
	struct sasl_server_opts opts;
	Gsasl *lib;
	Gsasl_session *session; /* NULL: a token mechanism, or none */
	enum phase phase;
	const char *user;
};

static const struct sasl_server_user *
find_user(const struct sasl_server *s, const char *name)
{
	for (size_t i = 0; name != NULL && i < s->opts.nusers; i++)
		if (strcmp(s->opts.users[i].name, name) == 0)
			return &s->opts.users[i];
	return NULL;
}

/* PLAIN and LOGIN: the library has both and asks whether they fit. */
static int
validate_simple(struct sasl_server *s, Gsasl_session *session)
{
	const char *given = gsasl_property_fast(session, GSASL_PASSWORD);
	const struct sasl_server_user *u = find_user(
	    s, gsasl_property_fast(session, GSASL_AUTHID));

	return u != NULL && u->password != NULL && given != NULL &&
		       strcmp(u->password, given) == 0
		   ? GSASL_OK
		   : GSASL_AUTHENTICATION_ERROR;
}

static int
set_binding(struct sasl_server *s, Gsasl_session *session, Gsasl_property prop)
{
	const char *type = prop == GSASL_CB_TLS_EXPORTER ? "tls-exporter"
							 : "tls-unique";
	struct buf code;
	int rc = GSASL_NO_CALLBACK;

	if (s->opts.binding_type == NULL ||
	    strcmp(s->opts.binding_type, type) != 0)
		return rc;
	buf_init(&code, 1024);
	if (base64_encode(&code, s->opts.binding))
		rc = gsasl_property_set(session, prop, buf_str(&code));
	buf_clear(&code);
	return rc;
}

static int
set_password(struct sasl_server *s, Gsasl_session *session)
{
	const struct sasl_server_user *u = find_user(
	    s, gsasl_property_fast(session, GSASL_AUTHID));

	if (u == NULL || u->password == NULL)
		return GSASL_NO_PASSWORD;
	return gsasl_property_set(session, GSASL_PASSWORD, u->password);
}

static int
on_ask(Gsasl *lib, Gsasl_session *session, Gsasl_property prop)
{
	struct sasl_server *s = gsasl_callback_hook_get(lib);
	const char *iterations = s->opts.scram_iterations;

	if (prop == GSASL_VALIDATE_SIMPLE)
		return validate_simple(s, session);
	if (prop == GSASL_PASSWORD)
		return set_password(s, session);
	if (prop == GSASL_CB_TLS_EXPORTER || prop == GSASL_CB_TLS_UNIQUE)
		return set_binding(s, session, prop);
	if (prop == GSASL_SCRAM_ITER)
		return gsasl_property_set(
		    session, prop, iterations != NULL ? iterations : "4096");
	/* The rest has defaults. */
	return GSASL_NO_CALLBACK;
}

struct sasl_server *
sasl_server_new(const struct sasl_server_opts *opts)
{
	struct sasl_server *s = xcalloc(1, sizeof(*s));

	s->opts = *opts;
	if (gsasl_init(&s->lib) != GSASL_OK) {
		free(s);
		return NULL;
	}
	gsasl_callback_hook_set(s->lib, s);
	gsasl_callback_set(s->lib, on_ask);
	return s;
}

static void
end_exchange(struct sasl_server *s)
{
	if (s->session != NULL)
		gsasl_finish(s->session);
	s->session = NULL;
	s->phase = BETWEEN;
}

void
sasl_server_free(struct sasl_server *s)
{
	if (s == NULL)
		return;
	end_exchange(s);
	gsasl_done(s->lib);
	free(s);
}

const char *
sasl_server_user(const struct sasl_server *s)
{
	return s->user;
}

const char *
sasl_server_enhanced(int code)
{
	switch (code) {
	case 235:
		return "2.7.0";
	case 501:
		return "5.5.2";
	case 504:
		return "5.5.4";
	case 535:
		return "5.7.8";
	default:
		return NULL;
	}
}

static int
answer(struct sasl_server *s, struct buf *text, int code, const char *words)
{
	buf_reset(text);
	IGNORE(buf_adds(text, words)); /* a cut sentence does no harm */
	if (code != 334)
		end_exchange(s);
	return code;
}

static int
challenge(struct sasl_server *s, struct buf *text, struct bytes raw)
{
	buf_reset(text);
	if (!base64_encode(text, raw))
		return answer(s, text, 501, "The exchange is too long");
	return 334;
}

static int
welcome(struct sasl_server *s, struct buf *text, const char *name)
{
	const struct sasl_server_user *u = find_user(s, name);

	if (u == NULL)
		return answer(s, text, 535, "Authentication failed");
	s->user = u->name;
	return answer(s, text, 235, "Authentication succeeded");
}

/* One response to GNU SASL. */
static int
step_library(struct sasl_server *s, struct bytes in, struct buf *text)
{
	char *out = NULL;
	size_t n = 0;
	int rc, code;

	rc = gsasl_step(s->session, in.n > 0 ? in.p : "", in.n, &out, &n);
	if (rc == GSASL_NEEDS_MORE) {
		code = challenge(s, text, bytes_of(out, n));
	} else if (rc == GSASL_OK && n > 0) {
		/* SMTP's 235 carries no data: what SCRAM says last is one
		 * more challenge (RFC 4954 4). */
		code = challenge(s, text, bytes_of(out, n));
		s->phase = code == 334 ? PROVED : BETWEEN;
	} else if (rc == GSASL_OK) {
		code = welcome(
		    s, text, gsasl_property_fast(s->session, GSASL_AUTHID));
	} else {
		code = answer(s, text, 535, "Authentication failed");
	}
	gsasl_free(out);
	return code;
}

/* The bytes between the mark and the next 01, or to the end. */
static struct bytes
field_after(struct bytes in, const char *mark)
{
	size_t len = strlen(mark);

	for (size_t i = 0; i + len <= in.n; i++) {
		size_t to = i + len;

		if (memcmp(in.p + i, mark, len) != 0)
			continue;
		while (to < in.n && in.p[to] != '\001')
			to++;
		return bytes_of(in.p + i + len, to - i - len);
	}
	return bytes_of("", 0);
}

/* RFC 5801 4: a name of the GS2 header against one of ours. */
static bool
is_name(struct bytes given, bool is_saslname, const char *name)
{
	size_t i = 0;

	for (; *name != '\0'; name++, i++) {
		if (i >= given.n)
			return false;
		if (is_saslname && (*name == ',' || *name == '=')) {
			const char *code = *name == ',' ? "=2C" : "=3D";

			if (given.n - i < 3 ||
			    memcmp(given.p + i, code, 3) != 0)
				return false;
			i += 2;
		} else if (given.p[i] != *name) {
			return false;
		}
	}
	return i == given.n;
}

/* XOAUTH2 "user=NAME^Aauth=Bearer TOKEN^A^A" and RFC 7628
 * "n,a=NAME,^A...^Aauth=Bearer TOKEN^A^A". */
static int
step_token(struct sasl_server *s, struct bytes in, struct buf *text)
{
	static const char reason[] =
	    "{\"status\":\"401\",\"schemes\":\"bearer\"}";
	struct bytes name, token = field_after(in, "auth=Bearer ");
	bool is_gs2 = !bytes_has_prefix_nocase(in, "user=");

	if (in.n == 0)
		return answer(s, text, 334, "");
	name = field_after(in, is_gs2 ? "n,a=" : "user=");
	if (is_gs2 && name.n > 0) /* the comma that ends the GS2 header */
		name.n--;
	for (size_t i = 0; i < s->opts.nusers; i++) {
		const struct sasl_server_user *u = &s->opts.users[i];

		if (is_name(name, is_gs2, u->name) && u->token != NULL &&
		    bytes_eq(token, u->token))
			return welcome(s, text, u->name);
	}
	s->phase = REFUSED;
	return challenge(s, text, bytes_str(reason));
}

static int
step(struct sasl_server *s, struct bytes in, struct buf *text)
{
	switch (s->phase) {
	case PROVED:
		return welcome(
		    s, text, gsasl_property_fast(s->session, GSASL_AUTHID));
	case REFUSED:
		return answer(s, text, 535, "Authentication failed");
	case RUNNING:
	case BETWEEN:
		break;
	}
	return s->session != NULL ? step_library(s, in, text)
				  : step_token(s, in, text);
}

static int
step_base64(struct sasl_server *s, struct bytes line, struct buf *text)
{
	struct buf raw;
	int code;

	buf_init(&raw, MESSAGE_MAX);
	if (bytes_eq(line, "=")) /* an empty initial response */
		line.n = 0;
	code = base64_decode(&raw, line)
		   ? step(s, buf_bytes(&raw), text)
		   : answer(s, text, 501, "That is not base64");
	buf_wipe(&raw);
	return code;
}

static int
start(struct sasl_server *s, struct bytes line, struct buf *text)
{
	const char *blank = memchr(line.p, ' ', line.n);
	size_t n = blank != NULL ? (size_t)(blank - line.p) : line.n;
	struct bytes initial = bytes_of("", 0);
	char mech[24];

	if (!str_copy(mech, sizeof(mech), bytes_of(line.p, n)) ||
	    !smtp_caps_has_word(s->opts.mechanisms, mech))
		return answer(s, text, 504, "Mechanism not offered");
	if (blank != NULL)
		initial = bytes_of(blank + 1, line.n - n - 1);
	for (char *p = mech; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	if (strcmp(mech, "XOAUTH2") != 0 && strcmp(mech, "OAUTHBEARER") != 0 &&
	    gsasl_server_start(s->lib, mech, &s->session) != GSASL_OK) {
		s->session = NULL;
		return answer(s, text, 504, "Mechanism not known");
	}
	s->phase = RUNNING;
	if (strcmp(mech, "LOGIN") == 0 && initial.n > 0) {
		/* The library asks for the name first, whatever came. */
		int code = step(s, bytes_of("", 0), text);

		if (code != 334)
			return code;
	}
	return step_base64(s, initial, text);
}

int
sasl_server_step(struct sasl_server *s, struct bytes line, struct buf *text)
{
	if (s->phase == BETWEEN)
		return start(s, line, text);
	if (bytes_eq(line, "*"))
		return answer(s, text, 501, "Cancelled");
	return step_base64(s, line, text);
}
