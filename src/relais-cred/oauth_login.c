/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-cred/oauth_login.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "cred/cred_wire.h"
#include "relais-cred/oauth.h"
#include "relais-cred/oauth_browser.h"
#include "relais-cred/oauth_client.h"
#include "relais-cred/oauth_http.h"
#include "relais-cred/oauth_store.h"
#include "sys/files.h"

enum {
	LINE_MAX_BYTES = 8192,
	BROWSER_MS = 15 * 60 * 1000,
	RANDOM_LEN = 32,
	HASH_LEN = 32,
	POLL_FAILS_MAX = 20
};

/* How one way to sign in has ended. */
enum way {
	WAY_DONE, /* reply grants the token */
	WAY_DENIED, /* this way is closed; another may be open */
	WAY_CODE_ENDED,
	WAY_FAILED, /* why says it */
	WAY_GONE /* nobody is there any more */
};

struct login {
	const struct cred_wire *w;
	struct oauth_browser *browser;
	int port;
	struct oauth_now asked;
	struct oauth_reply reply;
	struct buf why;
};

static const char *
get_setting(const struct login *l, enum cred_oauth_key key)
{
	return cred_oauth_get(&l->w->oauth, key);
}

/* --- lines ---------------------------------------------------------------- */

/* One line to the person; what others wrote in it is escaped. */
static void say(const char *word, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(const char *word, const char *fmt, ...)
{
	struct buf raw, line;
	va_list ap;

	buf_init(&raw, LINE_MAX_BYTES);
	buf_init(&line, 4 * LINE_MAX_BYTES);
	va_start(ap, fmt);
	IGNORE(buf_vaddf(&raw, fmt, ap)); /* empty if it is too long */
	va_end(ap);
	if (buf_addf(&line, "%s ", word) &&
	    str_escape(&line, buf_bytes(&raw), LINE_MAX_BYTES) &&
	    buf_addc(&line, '\n'))
		/* If that fails, the end of the input follows. */
		IGNORE(files_write_all(STDOUT_FILENO, buf_bytes(&line)) != 0);
	buf_clear(&raw);
	buf_clear(&line);
}

static enum way
failed(struct login *l, const char *text)
{
	buf_reset(&l->why);
	IGNORE(buf_adds(&l->why, text)); /* cut when full */
	return WAY_FAILED;
}

/* --- what both ways do ---------------------------------------------------- */

/* POSTs and wipes the form. */
static enum way
post(struct login *l, const char *url, struct buf *form)
{
	struct err err;
	int rc;

	err_clear(&err);
	oauth_reply_clear(&l->reply);
	oauth_now(&l->asked);
	rc = oauth_post(url, form, &l->reply, &err);
	buf_wipe(form);
	return rc == 0 ? WAY_DONE : failed(l, err.text);
}

/* Microsoft tells the policy only in words (AADSTS53003). */
static bool
is_policy(const struct oauth_reply *r)
{
	const char *text = r->answer.description;

	return text != NULL && strstr(text, "53003") != NULL;
}

static enum way
judge(struct login *l)
{
	enum oauth_next next = oauth_reply_next(&l->reply);

	if (next == OAUTH_GRANTED)
		return WAY_DONE;
	buf_reset(&l->why);
	oauth_reply_text(&l->reply, &l->why);
	if (next == OAUTH_DENIED || is_policy(&l->reply))
		return WAY_DENIED;
	return next == OAUTH_CODE_ENDED ? WAY_CODE_ENDED : WAY_FAILED;
}

static bool
start_form(struct login *l, struct buf *form)
{
	struct err err;

	buf_init(form, OAUTH_BODY_MAX);
	err_clear(&err);
	if (oauth_add_client(form, l->w, &err) == CRED_OK)
		return true;
	(void)failed(l, err.text);
	buf_wipe(form);
	return false;
}

/* --- the way by a code ---------------------------------------------------- */

static enum way
poll_once(struct login *l, const char *device_code)
{
	struct buf form;

	if (!start_form(l, &form))
		return WAY_FAILED;
	IGNORE(oauth_query_add(&form, "grant_type",
		   "urn:ietf:params:oauth:grant-type:device_code") &&
	       oauth_query_add(&form, "device_code", device_code)); /* fits */
	return post(l, get_setting(l, CRED_OAUTH_TOKEN), &form);
}

/* Waits until the person has typed the code. */
static enum way
poll_device(struct login *l, const char *device_code, int64_t interval_s,
    int64_t expires_s)
{
	int fails = 0;

	for (int64_t waited_s = 0; waited_s < expires_s;
	     waited_s += interval_s) {
		char *none = NULL;
		enum oauth_next next;

		if (oauth_browser_wait(l->browser, NULL, interval_s * 1000,
			&none) == OAUTH_CAME_END)
			return WAY_GONE;
		next = poll_once(l, device_code) == WAY_DONE
			   ? oauth_reply_next(&l->reply)
			   : OAUTH_LATER;
		if (next == OAUTH_SLOWER)
			interval_s += OAUTH_INTERVAL_S; /* for good, RFC 8628 */
		/* A server in trouble is given time, but not for ever. */
		if (next == OAUTH_LATER && ++fails < POLL_FAILS_MAX)
			continue;
		if (next != OAUTH_PENDING && next != OAUTH_SLOWER)
			return judge(l);
	}
	return WAY_CODE_ENDED;
}

static enum way
by_device(struct login *l)
{
	struct oauth_answer a;
	struct buf form;
	enum way way;

	if (!start_form(l, &form))
		return WAY_FAILED;
	IGNORE(
	    oauth_query_add(&form, "scope", get_setting(l, CRED_OAUTH_SCOPE)));
	if ((way = post(l, get_setting(l, CRED_OAUTH_DEVICE), &form)) !=
		WAY_DONE ||
	    (way = judge(l)) != WAY_DONE)
		return way;
	a = l->reply.answer; /* taken over */
	l->reply.answer = (struct oauth_answer) { NULL };
	if (a.device_code == NULL || a.user_code == NULL ||
	    a.verification_url == NULL) {
		way = failed(l, "the provider's answer has no code");
	} else {
		say("open", "%s", a.verification_url);
		say("code", "%s", a.user_code);
		way = poll_device(l, a.device_code,
		    a.interval_s > 0 ? a.interval_s : 1, a.expires_s);
	}
	oauth_answer_clear(&a);
	return way;
}

/* --- the way through a browser -------------------------------------------- */

/* Something that nobody guesses, fit for a URL. */
static bool
random_text(struct buf *to)
{
	unsigned char raw[RANDOM_LEN];
	bool ok = gnutls_rnd(GNUTLS_RND_KEY, raw, sizeof(raw)) == 0 &&
		  oauth_base64url(to, bytes_of(raw, sizeof(raw)));

	explicit_bzero(raw, sizeof(raw));
	return ok;
}

static bool
put_address(struct login *l, const char *redirect, const char *state,
    const char *verifier, struct buf *to)
{
	unsigned char hash[HASH_LEN];
	const char *more = get_setting(l, CRED_OAUTH_QUERY);
	const char *base = get_setting(l, CRED_OAUTH_AUTHORIZE);
	struct buf q, challenge;
	bool ok;

	buf_init(&q, LINE_MAX_BYTES);
	buf_init(&challenge, 100);
	ok = gnutls_hash_fast(
		 GNUTLS_DIG_SHA256, verifier, strlen(verifier), hash) == 0 &&
	     oauth_base64url(&challenge, bytes_of(hash, sizeof(hash))) &&
	     oauth_query_add(
		 &q, "client_id", get_setting(l, CRED_OAUTH_CLIENT_ID)) &&
	     oauth_query_add(&q, "response_type", "code") &&
	     oauth_query_add(&q, "redirect_uri", redirect) &&
	     oauth_query_add(&q, "scope", get_setting(l, CRED_OAUTH_SCOPE)) &&
	     oauth_query_add(&q, "state", state) &&
	     oauth_query_add(&q, "code_challenge", buf_str(&challenge)) &&
	     oauth_query_add(&q, "code_challenge_method", "S256") &&
	     oauth_query_add(&q, "login_hint", l->w->login) &&
	     (more[0] == '\0' || buf_addf(&q, "&%s", more)) &&
	     buf_addf(to, "%s%c%s", base, strchr(base, '?') != NULL ? '&' : '?',
		 buf_str(&q));
	buf_clear(&q);
	buf_clear(&challenge);
	return ok;
}

static enum way
exchange(struct login *l, const char *code, const char *redirect,
    const char *verifier)
{
	struct buf form;
	enum way way;

	if (!start_form(l, &form))
		return WAY_FAILED;
	if (!oauth_query_add(&form, "grant_type", "authorization_code") ||
	    !oauth_query_add(&form, "code", code) ||
	    !oauth_query_add(&form, "redirect_uri", redirect) ||
	    !oauth_query_add(&form, "code_verifier", verifier)) {
		buf_wipe(&form);
		return failed(l, "the code is too long");
	}
	way = post(l, get_setting(l, CRED_OAUTH_TOKEN), &form);
	return way == WAY_DONE ? judge(l) : way;
}

/* What the browser has brought: a code or a no (RFC 6749 4.1.2, RFC 9207). */
static enum way
take_query(struct login *l, const char *query, const char *redirect,
    const char *verifier)
{
	struct bytes q = bytes_str(query);
	char *code = oauth_query_get(q, "code");
	char *error = oauth_query_get(q, "error");
	char *iss = oauth_query_get(q, "iss");
	const char *issuer = get_setting(l, CRED_OAUTH_ISSUER);
	enum way way;

	/* Microsoft's issuer names the tenant, not "common". */
	if (iss != NULL && issuer[0] != '\0' && strcmp(iss, issuer) != 0 &&
	    get_setting(l, CRED_OAUTH_TENANT)[0] == '\0') {
		way = failed(l, "the answer came from another provider");
	} else if (code != NULL) {
		way = exchange(l, code, redirect, verifier);
	} else {
		char *text = oauth_query_get(q, "error_description");

		buf_reset(&l->why);
		IGNORE(buf_addf(&l->why, "%s%s%.200s",
		    error != NULL ? error : "no code", text != NULL ? ": " : "",
		    text != NULL ? text : ""));
		way = str_eq(error, "access_denied") ? WAY_DENIED : WAY_FAILED;
		free(text);
	}
	str_wipe(code);
	free(error);
	free(iss);
	return way;
}

static enum way
wait_browser(struct login *l, const char *state, const char *redirect,
    const char *verifier)
{
	for (;;) {
		char *query = NULL;
		enum way way;

		switch (
		    oauth_browser_wait(l->browser, state, BROWSER_MS, &query)) {
		case OAUTH_CAME_QUERY:
			way = take_query(l, query, redirect, verifier);
			str_wipe(query);
			return way;
		case OAUTH_CAME_WRONG:
			say("note", "this is not the address that the browser "
				    "ended at; it contains code= and state=");
			say("ask", "paste");
			break;
		case OAUTH_CAME_END:
			return WAY_GONE;
		case OAUTH_CAME_TIMEOUT:
			return failed(
			    l, "nobody has signed in for a quarter of an hour");
		}
	}
}

static enum way
by_browser(struct login *l)
{
	const char *base = get_setting(l, CRED_OAUTH_REDIRECT);
	char *redirect = xasprintf("%s:%d",
	    base[0] != '\0' ? base : "http://127.0.0.1",
	    l->port > 0 ? l->port : 1);
	struct buf address, state, verifier;
	enum way way = WAY_FAILED;

	buf_init(&address, 2 * LINE_MAX_BYTES);
	buf_init(&state, 100);
	buf_init(&verifier, 100);
	if (random_text(&state) && random_text(&verifier) &&
	    put_address(
		l, redirect, buf_str(&state), buf_str(&verifier), &address)) {
		say("open", "%s", buf_str(&address));
		say("ask", "paste");
		way = wait_browser(
		    l, buf_str(&state), redirect, buf_str(&verifier));
	} else {
		(void)failed(l, "the address to open is too long");
	}
	buf_clear(&address);
	buf_clear(&state);
	buf_wipe(&verifier);
	free(redirect);
	return way;
}

/* --- which way ------------------------------------------------------------ */

static enum way
sign_in(struct login *l)
{
	const char *flow = get_setting(l, CRED_OAUTH_FLOW);
	bool is_auto = flow[0] == '\0' || strcmp(flow, "auto") == 0;
	bool has_browser = get_setting(l, CRED_OAUTH_AUTHORIZE)[0] != '\0';
	enum way way;

	if (strcmp(flow, "browser") == 0 ||
	    (is_auto && get_setting(l, CRED_OAUTH_DEVICE)[0] == '\0'))
		return has_browser ? by_browser(l)
				   : failed(l, "the provider has no "
					       "authorize endpoint");
	if (get_setting(l, CRED_OAUTH_DEVICE)[0] == '\0')
		return failed(l, "this provider has no codes for mail "
				 "programs; leave out --device");
	way = by_device(l);
	if (way == WAY_CODE_ENDED) {
		say("note", "the code has ended; here is a new one");
		way = by_device(l);
	}
	if (way != WAY_DENIED || !is_auto || !has_browser)
		return way;
	say("note",
	    "the provider does not allow a code on another device (%s); "
	    "the other way is a page in a browser",
	    buf_str(&l->why));
	return by_browser(l);
}

/* What was asked for first is what mail needs; a person may have unticked
 * it. */
static bool
has_scope(const struct login *l)
{
	const char *got = l->reply.answer.scope;
	struct bytes want = bytes_str(get_setting(l, CRED_OAUTH_SCOPE));
	struct bytes have = bytes_str(got);
	struct bytes first = bytes_cut(&want, ' ');

	if (got == NULL)
		return true;
	while (have.n > 0)
		if (bytes_same_nocase(bytes_cut(&have, ' '), first))
			return true;
	return false;
}

static int
store(struct login *l, struct err *err)
{
	struct oauth_token t = { 0 }, was = { 0 };
	struct oauth_store *s;
	int rc;

	if (oauth_open(l->w, l->w->timeout_ms, &s, err) != 0)
		return -1;
	/* What cannot be read is replaced all the same. */
	IGNORE(oauth_store_read(s, &was, NULL) != 0);
	t.serial = was.serial;
	oauth_token_clear(&was);
	t.client_id = xstrdup(get_setting(l, CRED_OAUTH_CLIENT_ID));
	t.token_url = xstrdup(get_setting(l, CRED_OAUTH_TOKEN));
	t.scope = xstrdup(get_setting(l, CRED_OAUTH_SCOPE));
	t.login = xstrdup(l->w->login);
	t.signed_in_s = l->asked.wall_s;
	oauth_take_grant(&t, &l->reply.answer, &l->asked);
	rc = oauth_store_write(s, &t, err);
	oauth_token_clear(&t);
	oauth_store_close(s);
	return rc;
}

static bool
finish_login(struct login *l)
{
	const char *user = l->reply.answer.user;
	struct err err;

	if (l->reply.answer.access_token == NULL)
		(void)failed(l, "the provider's answer has no token");
	else if (l->reply.answer.refresh_token == NULL)
		(void)failed(l, "the provider gave no refresh token, so the "
				"sign-in would end within the hour; see the "
				"scope and the client's rights");
	else if (!has_scope(l))
		(void)failed(l, "the right to send mail was not given; tick "
				"its box when you sign in again");
	else {
		err_clear(&err);
		if (store(l, &err) == 0) {
			if (user != NULL && !str_eq_nocase(user, l->w->login))
				say("note",
				    "you signed in as %s, but the account logs "
				    "in as %s; that works only if the provider "
				    "lets the one send as the other",
				    user, l->w->login);
			say("done", "signed in as %s",
			    user != NULL ? user : l->w->login);
			return true;
		}
		(void)failed(l, err.text);
	}
	return false;
}

enum cred_result
oauth_login(const struct cred_wire *w)
{
	struct login l = { .w = w };
	enum way way;
	bool ok = false;

	if (cred_oauth_is_unattended(&w->oauth)) {
		say("fail", "%s",
		    "oauth_flow of this account needs no sign-in");
		return CRED_NEVER;
	}
	/* The starter waits for us, not for the person. */
	switch (fork()) {
	case -1:
		say("fail", "fork: %s", strerror(errno));
		return CRED_LATER;
	case 0:
		break;
	default:
		_exit(CRED_OK);
	}
	buf_init(&l.why, 1000);
	l.browser = oauth_browser_new(&l.port);
	way = sign_in(&l);
	if (way == WAY_DONE)
		ok = finish_login(&l);
	else if (way == WAY_DENIED)
		(void)failed(&l, "the sign-in was refused in the browser");
	else if (way == WAY_CODE_ENDED)
		(void)failed(&l, "nobody has entered the code in time");
	if (!ok && way != WAY_GONE)
		say("fail", "%s", buf_str(&l.why));
	oauth_browser_free(l.browser);
	oauth_reply_clear(&l.reply);
	buf_clear(&l.why);
	return ok ? CRED_OK : CRED_NEVER;
}
