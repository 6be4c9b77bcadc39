/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-cred/oauth.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "cred/cred_wire.h"
#include "relais-cred/oauth_client.h"
#include "relais-cred/oauth_http.h"
#include "relais-cred/oauth_jwt.h"
#include "relais-cred/oauth_store.h"

enum {
	/* A login must not begin with a token that ends during it. */
	SPARE_MAX_MS = 300 * 1000,
	SPARE_MIN_MS = 60 * 1000,
	LAST_USE_MS = 10 * 1000,
	IDLE_S = 6 * 86400 + 43200, /* "weekly", asked once a day */
	NOT_BEFORE_MAX_S = 3600
};

static const char *
get_setting(const struct cred_wire *w, enum cred_oauth_key key)
{
	return cred_oauth_get(&w->oauth, key);
}

/* --- what is in the file -------------------------------------------------- */

static void
replace(char **to, const char *with)
{
	if (with == NULL)
		return;
	str_wipe(*to);
	*to = xstrdup(with);
}

void
oauth_take_grant(struct oauth_token *t, const struct oauth_answer *a,
    const struct oauth_now *asked)
{
	t->serial++;
	replace(&t->access, a->access_token);
	replace(&t->refresh, a->refresh_token);
	replace(&t->user, a->user);
	replace(&t->boot_id, asked->boot_id);
	t->obtained_s = t->refreshed_s = asked->wall_s;
	t->obtained_boot_ms = asked->boot_ms;
	t->expires_s = a->expires_s;
	t->not_before_s = 0;
	free(t->needs_login);
	t->needs_login = NULL;
}

static enum cred_result
needs_login(const struct cred_wire *w, const char *why, struct err *err)
{
	if (cred_oauth_is_unattended(&w->oauth))
		err_set(err, ERR_SECRET, "%s", why);
	else
		err_set(err, ERR_SECRET, "%s. Run: relais login %s", why,
		    w->account);
	return CRED_NEVER;
}

/* "https://host/" of an address. */
static size_t
origin_len(const char *url)
{
	const char *host = strstr(url, "://");

	return host != NULL ? (size_t)(host - url) + 3 + strcspn(host + 3, "/")
			    : strlen(url);
}

/* NULL: it is of this account as it is configured now. */
static const char *
mismatch(const struct cred_wire *w, const struct oauth_token *t)
{
	const char *url = get_setting(w, CRED_OAUTH_TOKEN);
	size_t n = origin_len(url);

	if (t->serial == 0)
		return "nobody has signed in yet";
	if (!str_eq(t->client_id, get_setting(w, CRED_OAUTH_CLIENT_ID)))
		return "client_id is another one than at the sign-in";
	if (!str_eq(t->login, w->login))
		return "user is another one than at the sign-in";
	/* A tenant that was named later is the same provider. */
	if (t->token_url == NULL || strncmp(t->token_url, url, n) != 0 ||
	    origin_len(t->token_url) != n)
		return "the provider is another one than at the sign-in";
	return NULL;
}

static void
fill_facts(const struct cred_wire *w, const struct oauth_token *t,
    const struct oauth_now *now, struct cred_facts *f)
{
	uint64_t days;

	*f = (struct cred_facts) {
		.serial = t->serial,
		.valid_ms = oauth_token_left_ms(t, now),
		.signed_in_s = t->signed_in_s,
		.refreshed_s = t->refreshed_s,
	};
	IGNORE(str_copy(f->user, sizeof(f->user), bytes_str(t->user)));
	if (t->refresh != NULL &&
	    num_u64_max(bytes_str(get_setting(w, CRED_OAUTH_UNUSED_DAYS)),
		10000, &days))
		f->ends_s = t->refreshed_s + (int64_t)days * 86400;
}

/* --- refreshing ----------------------------------------------------------- */

static enum cred_result
fill_form(const struct cred_wire *w, const struct oauth_token *t,
    const struct oauth_now *now, struct buf *form, struct err *err)
{
	const char *flow = get_setting(w, CRED_OAUTH_FLOW);
	const char *scope = get_setting(w, CRED_OAUTH_SCOPE_UNATTENDED);
	enum cred_result r = CRED_OK;
	struct buf jwt;
	bool ok;

	if (strcmp(flow, "jwt") == 0) {
		/* The scope is in the statement. */
		buf_init(&jwt, OAUTH_BODY_MAX);
		r = oauth_jwt(w, now->wall_s, &jwt, err);
		ok = oauth_query_add(form, "grant_type",
			 "urn:ietf:params:oauth:grant-type:jwt-bearer") &&
		     oauth_query_add(form, "assertion", buf_str(&jwt));
		buf_wipe(&jwt);
	} else if (strcmp(flow, "client") == 0) {
		ok = oauth_query_add(
			 form, "grant_type", "client_credentials") &&
		     oauth_query_add(form, "scope", scope);
		r = oauth_add_client(form, w, err);
	} else {
		/* Microsoft wants the scope every time. */
		ok = oauth_query_add(form, "grant_type", "refresh_token") &&
		     oauth_query_add(form, "refresh_token", t->refresh) &&
		     oauth_query_add(form, "scope",
			 t->scope != NULL ? t->scope
					  : get_setting(w, CRED_OAUTH_SCOPE));
		r = oauth_add_client(form, w, err);
	}
	if (r == CRED_OK && !ok) {
		err_set(err, ERR_SECRET, "the request for a token is too long");
		r = CRED_NEVER;
	}
	return r;
}

/* A signed statement is dated; a wrong clock is the usual reason for a no. */
static void
add_clock(
    const struct cred_wire *w, const struct oauth_reply *reply, struct buf *why)
{
	char text[NUM_TEXT_SIZE];
	int64_t off = reply->server_ahead_s;

	if (strcmp(get_setting(w, CRED_OAUTH_FLOW), "jwt") == 0 &&
	    (off > 60 || off < -60))
		IGNORE(buf_addf(why, "; the clock of this machine is %s %s",
		    num_duration_text((off < 0 ? -off : off) * 1000, text),
		    off > 0 ? "slow" : "fast")); /* cut when full */
}

/* Somebody else, who does not know our lock, has signed in meanwhile. */
static bool
has_changed(struct oauth_store *s, struct oauth_token *t)
{
	struct oauth_token again;

	if (oauth_store_read(s, &again, NULL) == 0 && again.serial != 0 &&
	    !str_eq(again.refresh, t->refresh)) {
		oauth_token_clear(t);
		*t = again;
		return true;
	}
	oauth_token_clear(&again);
	return false;
}

/* The server has said no; what is remembered of that goes into the file, so
 * that it is not asked the same again. */
static enum cred_result
refused(const struct cred_wire *w, struct oauth_store *s, struct oauth_token *t,
    const struct oauth_reply *reply, const struct oauth_now *now,
    struct err *err)
{
	enum oauth_next next = oauth_reply_next(reply);
	enum cred_result r = CRED_LATER;
	struct buf why;
	bool is_new;

	buf_init(&why, 400);
	oauth_reply_text(reply, &why);
	add_clock(w, reply, &why);
	if (next == OAUTH_WRONG_CLIENT ||
	    (next != OAUTH_LATER && cred_oauth_is_unattended(&w->oauth))) {
		err_set(err, ERR_SECRET,
		    "the provider gives no token to this client: %s; check "
		    "client_id, the client's secret and oauth",
		    buf_str(&why));
		r = CRED_NEVER;
	} else if (next != OAUTH_LATER) {
		free(t->needs_login);
		t->needs_login = xasprintf(
		    "the provider has ended the sign-in (%s)", buf_str(&why));
		r = needs_login(w, t->needs_login, err);
	} else {
		err_set(err, ERR_SECRET, "the token could not be refreshed: %s",
		    buf_str(&why));
		t->not_before_s = reply->retry_after_s > 0
				      ? now->wall_s + reply->retry_after_s
				      : 0;
	}
	buf_clear(&why);
	/* A token of no use, and a successor of the refresh token, which is
	 * used up. */
	is_new = next == OAUTH_LATER && reply->status / 100 == 2 &&
		 reply->answer.refresh_token != NULL;
	if (is_new)
		replace(&t->refresh, reply->answer.refresh_token);
	if (t->serial > 0 &&
	    (is_new || t->needs_login != NULL || t->not_before_s > 0))
		/* Else it is asked once more than needed. */
		IGNORE(oauth_store_write(s, t, NULL) != 0);
	return r;
}

static enum cred_result
granted(const struct cred_wire *w, struct oauth_store *s, struct oauth_token *t,
    const struct oauth_answer *a, const struct oauth_now *asked,
    struct err *err)
{
	if (t->signed_in_s == 0)
		t->signed_in_s = asked->wall_s;
	replace(&t->client_id, get_setting(w, CRED_OAUTH_CLIENT_ID));
	replace(&t->login, w->login);
	if (t->token_url == NULL || cred_oauth_is_unattended(&w->oauth))
		replace(&t->token_url, get_setting(w, CRED_OAUTH_TOKEN));
	oauth_take_grant(t, a, asked);
	return oauth_store_write(s, t, err) == 0 ? CRED_OK : CRED_LATER;
}

static enum cred_result
refresh(const struct cred_wire *w, struct oauth_store *s, struct oauth_token *t,
    struct err *err)
{
	struct oauth_now now;
	struct oauth_reply reply = { .status = 0 };
	enum cred_result r;
	struct buf form;

	oauth_now(&now);
	if (t->not_before_s > now.wall_s &&
	    t->not_before_s <= now.wall_s + NOT_BEFORE_MAX_S) {
		err_set(err, ERR_SECRET,
		    "the token server wants no request for another %lld s",
		    (long long)(t->not_before_s - now.wall_s));
		return CRED_LATER;
	}
	/* A refresh token that is used up and cannot be replaced is lost. */
	if (oauth_store_reserve(s, err) != 0)
		return CRED_LATER;
	buf_init(&form, OAUTH_BODY_MAX);
	r = fill_form(w, t, &now, &form, err);
	if (r == CRED_OK && oauth_post(cred_oauth_is_unattended(&w->oauth)
					   ? get_setting(w, CRED_OAUTH_TOKEN)
					   : t->token_url,
				&form, &reply, err) != 0)
		r = CRED_LATER;
	buf_wipe(&form);
	if (r == CRED_OK && oauth_reply_next(&reply) == OAUTH_GRANTED)
		r = granted(w, s, t, &reply.answer, &now, err);
	else if (r == CRED_OK && !has_changed(s, t))
		r = refused(w, s, t, &reply, &now, err);
	oauth_reply_clear(&reply);
	return r;
}

/* --- the decision --------------------------------------------------------- */

static bool
is_fresh_enough(const struct cred_wire *w, const struct oauth_token *t,
    const struct oauth_now *now, int64_t left_ms)
{
	int64_t spare_ms = t->expires_s * 100; /* a tenth */
	int64_t idle_s = now->wall_s - t->refreshed_s;

	if (spare_ms > SPARE_MAX_MS)
		spare_ms = SPARE_MAX_MS;
	if (spare_ms < SPARE_MIN_MS)
		spare_ms = SPARE_MIN_MS;
	/* One that never lives longer than that is used as it is. */
	if (spare_ms > t->expires_s * 500)
		spare_ms = t->expires_s * 500;
	switch (w->need) {
	case CRED_KEEP:
		return cred_oauth_is_unattended(&w->oauth) ||
		       (idle_s >= 0 && idle_s < IDLE_S);
	case CRED_FRESH:
		return t->serial != w->refused && left_ms > spare_ms;
	case CRED_USE:
	case CRED_LOOK:
		break;
	}
	return left_ms > spare_ms;
}

static enum cred_result
decide(const struct cred_wire *w, struct oauth_store *s, struct oauth_token *t,
    struct err *err)
{
	bool is_unattended = cred_oauth_is_unattended(&w->oauth);
	const char *why = mismatch(w, t);
	struct oauth_now now;
	int64_t left_ms;
	enum cred_result r;

	oauth_now(&now);
	if (why != NULL && !is_unattended)
		return needs_login(w, why, err);
	if (why != NULL)
		oauth_token_clear(t);
	left_ms = oauth_token_left_ms(t, &now);
	if (is_fresh_enough(w, t, &now, left_ms))
		return CRED_OK;
	if (t->needs_login != NULL && !is_unattended)
		return needs_login(w, t->needs_login, err);
	if (w->need == CRED_LOOK) {
		err_set(err, ERR_SECRET, "the token has ended");
		return CRED_LATER;
	}
	if (!is_unattended && t->refresh == NULL)
		return needs_login(w, "the sign-in has ended", err);
	r = refresh(w, s, t, err);
	/* The old one serves as long as it lives. */
	if (r == CRED_LATER && w->need == CRED_USE && left_ms > LAST_USE_MS)
		return CRED_OK;
	return r;
}

enum cred_result
oauth_fetch(const struct cred_wire *w, struct secret **ret,
    struct cred_facts *facts, struct err *err)
{
	struct oauth_token t = { 0 };
	struct oauth_store *s;
	struct oauth_now now;
	enum cred_result r;

	/* If this waited longer, it would be killed before the server's answer
	 * is stored. */
	if (oauth_open(w, w->timeout_ms - OAUTH_HTTP_MS, &s, err) != 0)
		return err->class == ERR_SECRET ? CRED_NEVER : CRED_LATER;
	if (oauth_store_read(s, &t, err) != 0) {
		oauth_store_close(s);
		return CRED_NEVER;
	}
	r = decide(w, s, &t, err);
	oauth_store_close(s);
	oauth_now(&now);
	if (r == CRED_OK) {
		fill_facts(w, &t, &now, facts);
		/* CRED_KEEP may find none, and needs none. */
		*ret = secret_new(
		    bytes_str(t.access != NULL ? t.access : "none"));
	}
	oauth_token_clear(&t);
	return r;
}
