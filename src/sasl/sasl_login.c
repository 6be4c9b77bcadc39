/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sasl/sasl_login.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "sasl/sasl_status.h"

enum {
	BINDING_MAX = 1024,
	CHALLENGE_MAX = 65536,
	/* AUTH commands of one login: enough for every mechanism, with
	 * repetitions for refused initial responses. */
	TRIES_MAX = 8
};

struct sasl_login {
	struct sasl_login_opts opts;
	char *offered; /* NULL: not told yet */
	struct secret *secret; /* NULL: not fetched */
	char binding_type[32];
	struct buf binding;
	const struct sasl_mech *mech;
	struct sasl *sasl; /* the attempt under way */
	struct buf challenge; /* that waits for a key */
	struct sasl_key *key; /* to be taken */
	struct buf text; /* the response */
	struct bytes said; /* text, as bytes */
	unsigned tried;
	int ncommands; /* AUTH, so far */
	bool is_bare;
	struct verdict worst; /* what was said of the mechanisms so far */
	enum sasl_act act;
	struct verdict why;
};

struct sasl_login *
sasl_login_new(const struct sasl_login_opts *opts)
{
	struct sasl_login *l = xcalloc(1, sizeof(*l));

	l->opts = *opts;
	buf_init(&l->binding, BINDING_MAX);
	buf_init(&l->challenge, CHALLENGE_MAX);
	buf_init(&l->text, SASL_MESSAGE_MAX);
	return l;
}

void
sasl_login_free(struct sasl_login *l)
{
	if (l == NULL)
		return;
	free(l->offered);
	sasl_free(l->sasl);
	sasl_key_free(l->key);
	secret_free(l->secret);
	buf_wipe(&l->binding);
	buf_wipe(&l->challenge);
	buf_wipe(&l->text);
	free(l);
}

/* --- mechanisms ----------------------------------------------------------- */

static void
fail(struct sasl_login *l, enum sasl_act act, const char *text)
{
	verdict_local(&l->why, VERDICT_LATER, STAGE_AUTH, 0, NULL, text);
	l->act = act;
}

/* RFC 4954 4, 6: the mechanism is not accepted, whatever the password.  500,
 * 502 and 503 come from servers that do not know its name; 0: what the server
 * said was no refusal, and no acceptance. */
static bool
is_about_mechanism(int code)
{
	return code == 0 || (code >= 500 && code <= 504);
}

/* No mechanism is left: what was said of them, or that there was none. */
static void
fail_mechanisms(struct sasl_login *l)
{
	char text[VERDICT_TEXT_MAX];

	if (l->worst.class != VERDICT_NONE) {
		l->why = l->worst;
		l->act = is_about_mechanism(l->why.code) ? SASL_NO_MECHANISM
							 : SASL_REFUSED;
		return;
	}
	(void)snprintf(text, sizeof(text),
	    "no login method in common: the server offers \"%.200s\", "
	    "and the account may use %.100s",
	    l->offered,
	    l->opts.allowed != NULL ? l->opts.allowed
	    : l->opts.is_token      ? "OAUTHBEARER or XOAUTH2"
				    : "SCRAM, PLAIN or LOGIN");
	fail(l, SASL_NO_MECHANISM, text);
}

static bool
step(struct sasl_login *l, struct bytes challenge)
{
	bool ok;

	buf_wipe(&l->text);
	ok = sasl_step(l->sasl, challenge, &l->text);
	l->said = buf_bytes(&l->text);
	return ok;
}

/* False: the library cannot do it. */
static bool
begin_attempt(struct sasl_login *l)
{
	sasl_free(l->sasl);
	l->sasl = sasl_new(l->mech, &(struct sasl_opts) {
					.user = l->opts.user,
					.secret = l->secret,
					.host = l->opts.host,
					.port = l->opts.port,
					.binding_type = l->binding_type,
					.binding = buf_bytes(&l->binding),
				    });
	if (l->sasl == NULL ||
	    (sasl_mech_is_client_first(l->mech) && !step(l, bytes_of("", 0))))
		return false;
	l->ncommands++;
	l->act = SASL_BEGIN;
	return true;
}

/* The next mechanism, or the end. */
static void
try_next(struct sasl_login *l)
{
	struct sasl_wish wish = {
		.allowed = l->opts.allowed,
		.offered = l->offered,
		.is_token = l->opts.is_token,
		/* Until the secret is here, anything may be at hand. */
		.has_binding = l->secret == NULL || buf_len(&l->binding) > 0,
	};

	while (l->ncommands < TRIES_MAX &&
	       (l->mech = sasl_pick(&wish, l->tried)) != NULL) {
		if (sasl_mech_needs_secret(l->mech) && l->secret == NULL) {
			l->act = SASL_FETCH;
			return;
		}
		l->tried = sasl_mark_tried(l->tried, l->mech);
		if (begin_attempt(l))
			return;
	}
	fail_mechanisms(l);
}

void
sasl_login_offered(struct sasl_login *l, struct bytes mechanisms)
{
	free(l->offered);
	l->offered = xstrndup(mechanisms.p, mechanisms.n);
	try_next(l);
}

void
sasl_login_secret(struct sasl_login *l, const struct secret *s,
    const char *binding_type, struct bytes binding)
{
	assert(l->act == SASL_FETCH);
	l->secret = secret_dup(s);
	if (binding_type != NULL && binding.n > 0 &&
	    str_copy(l->binding_type, sizeof(l->binding_type),
		bytes_str(binding_type)))
		/* Too long for the buffer: treated as absent. */
		IGNORE(buf_add(&l->binding, binding.p, binding.n));
	try_next(l);
}

/* --- one attempt ---------------------------------------------------------- */

/* The step that the challenge in l->challenge asks for. */
static void
respond(struct sasl_login *l)
{
	if (step(l, buf_bytes(&l->challenge)))
		l->act = SASL_RESPOND;
	else
		fail(l, SASL_REFUSED, sasl_trouble(l->sasl));
	buf_wipe(&l->challenge);
}

void
sasl_login_challenge(struct sasl_login *l, struct bytes challenge)
{
	buf_wipe(&l->challenge);
	if (!buf_add(&l->challenge, challenge.p, challenge.n)) {
		fail(l, SASL_REFUSED, "the server's challenge is too long");
		return;
	}
	sasl_key_free(l->key);
	l->key = sasl_key_new(l->sasl, challenge);
	if (l->key != NULL)
		l->act = SASL_DERIVE;
	else
		respond(l);
}

void
sasl_login_keyed(struct sasl_login *l, const struct sasl_key *k)
{
	assert(l->act == SASL_DERIVE);
	sasl_key_use(l->sasl, k);
	respond(l);
}

void
sasl_login_accepted(struct sasl_login *l)
{
	if (sasl_is_complete(l->sasl))
		l->act = SASL_LOGGED_IN;
	else
		fail(l, SASL_REFUSED,
		    "the server accepted the login without proving that it "
		    "knows the password: it may be an impostor");
}

/* The server has refused the login itself, not the mechanism: another one would
 * send the same password again, and some servers count that (R57).  534 is
 * "mechanism too weak" (RFC 4954 6), and Google's "app password required". */
static bool
is_about_login(const struct verdict *v)
{
	static const char *const enhanced[] = { "5.7.8", "5.7.13", "5.7.14",
		"5.7.30", "5.7.139" };

	if (v->code == 535 || v->code == 525 ||
	    (v->code == 534 && !str_match("*mechanism*", v->text)))
		return true;
	for (size_t i = 0; i < sizeof(enhanced) / sizeof(enhanced[0]); i++)
		if (strcmp(v->enhanced, enhanced[i]) == 0)
			return true;
	return false;
}

/* The reply, followed by the reason that the server gave before, both without
 * JSON. */
static void
set_why(struct sasl_login *l, const struct verdict *v, struct bytes reason)
{
	struct buf said, text;

	buf_init(&said, 2 * VERDICT_TEXT_MAX);
	buf_init(&text, 2 * VERDICT_TEXT_MAX);
	IGNORE(buf_addf(&said, "%.*s%s%.*s", reason.n > 0 ? 200 : -1, v->text,
	    reason.n > 0 ? " " : "", (int)reason.n, reason.p)); /* fits */
	IGNORE(sasl_status_reduce(buf_bytes(&said), &text)); /* gets shorter */
	verdict_from_reply(&l->why, v->stage, v->code, bytes_str(v->enhanced),
	    buf_bytes(&text));
	buf_clear(&said);
	buf_clear(&text);
}

void
sasl_login_refused(struct sasl_login *l, const struct verdict *v, bool is_bare)
{
	struct bytes reason = sasl_server_reason(l->sasl);
	bool may_repeat = is_bare && !l->is_bare;

	l->is_bare = is_bare;
	if (v->class == VERDICT_LATER || is_about_login(v) || reason.n > 0) {
		set_why(l, v, reason);
		l->act = v->class == VERDICT_LATER ? SASL_LATER : SASL_REFUSED;
		return;
	}
	if (may_repeat && l->ncommands < TRIES_MAX && begin_attempt(l))
		return;
	/* Of two refusals, the one that is more specific than "unknown". */
	if (l->worst.class == VERDICT_NONE ||
	    (is_about_mechanism(l->worst.code) && !is_about_mechanism(v->code)))
		l->worst = *v;
	try_next(l);
}

/* --- what is to be said --------------------------------------------------- */

enum sasl_act
sasl_login_act(const struct sasl_login *l)
{
	return l->act;
}

const char *
sasl_login_mechanism(const struct sasl_login *l)
{
	return sasl_mech_name(l->mech);
}

const struct bytes *
sasl_login_initial(const struct sasl_login *l)
{
	return sasl_mech_is_client_first(l->mech) ? &l->said : NULL;
}

struct bytes
sasl_login_response(const struct sasl_login *l)
{
	return l->said;
}

struct sasl_key *
sasl_login_take_key(struct sasl_login *l)
{
	struct sasl_key *k = l->key;

	l->key = NULL;
	return k;
}

const struct verdict *
sasl_login_why(const struct sasl_login *l)
{
	return &l->why;
}
