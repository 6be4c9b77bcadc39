/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/account_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "account/fetch.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "mail/diagnosis.h"

enum {
	PATIENCE_MS = 30 * 1000,
	PATIENCE_AUTO_MS = 4 * 1000 /* another port is waiting */
};

const char *const account_deferrals[ACCOUNT_DEFERRALS] = {
	[ACCOUNT_DEFERRED_MESSAGE] = "message",
	[ACCOUNT_DEFERRED_CONNECTION] = "connection",
	[ACCOUNT_DEFERRED_LIMIT] = "limit",
	[ACCOUNT_DEFERRED_LOGIN] = "login",
	[ACCOUNT_DEFERRED_HELD] = "held",
};

/* --- the token ------------------------------------------------------------ */

struct cred_wish
account_wish(const struct account *a)
{
	return token_wish(&a->token);
}

void
account_fetched(struct account *a, const struct fetched *got)
{
	if (got->result == CRED_OK && account_has_token(a))
		token_heard(&a->token, &got->facts);
}

bool
account_renews(
    struct account *a, const struct account_opts *o, const struct verdict *v)
{
	if (!account_has_token(a) || account_is_past(a, o) ||
	    !token_may_renew(&a->token, v, account_now_ms(a)))
		return false;
	log_text(LOG_LEVEL_NOTICE,
	    "account %s: the provider refuses its token; another one is "
	    "fetched and tried once: %s",
	    a->opts->name, v->text);
	return true;
}

/* A provider that is not asked for months forgets the sign-in. */
static void
on_kept(void *ctx, const struct fetched *got)
{
	struct account *a = ctx;
	int64_t days;

	a->kept = NULL;
	account_fetched(a, got);
	loop_timer_set(a->keep, account_now_ms(a) + TOKEN_KEEP_MS);
	if (got->result == CRED_OK || a->is_stopped)
		return;
	log_err(LOG_LEVEL_WARNING, &got->err);
	days = token_days_left(&a->token, account_wall_s(a));
	if (got->result == CRED_NEVER) {
		account_hold(a, a->opts,
		    &(struct standing_why) { .reason = got->err.text });
		account_secret_refused(a, NULL);
	} else if (days >= 0) {
		log_text(LOG_LEVEL_WARNING,
		    "account %s: the sign-in ends in %" PRId64
		    " days unless the token server can be reached before",
		    a->opts->name, days);
	}
}

static void
on_keep(void *ctx)
{
	struct account *a = ctx;

	if (account_has_token(a) && a->kept == NULL && !a->is_stopped)
		a->kept = fetch_new(a->loop, a->opts,
		    (struct cred_wish) { CRED_KEEP, 0 }, on_kept, a);
}

void
account_signed_in(struct account *a)
{
	a->token.is_refused = false;
	loop_timer_set(a->keep, account_now_ms(a));
	a->standing.refusals = 0;
	account_flush(a, false);
}

/* --- life ----------------------------------------------------------------- */

struct account *
account_new(struct loop *l, const struct rng *rng, int handle,
    const struct account_hooks *hooks, struct account_opts *opts)
{
	struct account *a = xcalloc(1, sizeof(*a));

	a->loop = l;
	a->rng = rng;
	a->hooks = hooks;
	a->handle = handle;
	a->opts = opts;
	a->wall_ahead_ms = clock_wall_ms(loop_clock(l)) - account_now_ms(a);
	a->keep = loop_timer_new(l, on_keep, a);
	loop_timer_set(
	    a->keep, account_has_token(a) ? account_now_ms(a) : INT64_MAX);
	port_memory_init(&a->ports, opts->ports, opts->nports);
	a->reservation = (struct reservation) {
		.is_shared = hooks->share != NULL, .has_news = true
	};
	account_set_limits(a);
	account_load(a);
	/* What is known from the time when it was alone. */
	a->shared.has_news = a->standing.state != ACCOUNT_READY;
	a->shared.has_learnt = true;
	account_standing_begin(a);
	account_share(a);
	return a;
}

void
account_stop(struct account *a)
{
	a->is_stopped = true;
	account_save_counts(a, true);
}

void
account_free(struct account *a)
{
	if (a == NULL)
		return;
	account_standing_end(a);
	fetch_forget(a->kept);
	loop_timer_free(a->keep);
	tls_ctx_free(a->tls);
	free(a->ports_text);
	account_opts_free(a->opts);
	free(a);
}

void
account_flush(struct account *a, bool is_gentle)
{
	account_share_flush(a);
	if (is_gentle &&
	    (a->standing.state == ACCOUNT_HELD || a->standing.is_window_closed))
		return;
	if (!is_gentle)
		account_share_standing(a, STANDING_PERSON, true);
	account_let_try(a);
}

/* --- other options -------------------------------------------------------- */

bool
account_is_past(const struct account *a, const struct account_opts *o)
{
	return o != a->opts && !account_opts_same_way(o, a->opts);
}

/* Knowledge about ports is kept while the host stays the same. */
static void
change_ports(struct account *a, bool is_same_host)
{
	struct buf known;

	buf_init(&known, ACCOUNT_KEPT_MAX);
	if (is_same_host)
		port_memory_save(&a->ports, &known);
	port_memory_init(&a->ports, a->opts->ports, a->opts->nports);
	port_memory_load(&a->ports, buf_bytes(&known));
	buf_clear(&known);
	account_save_ports(a);
}

static void
forget_provider(struct account *a)
{
	a->learnt = (struct learnt) { 0 };
	a->absurd[0] = '\0';
	a->size_max_bytes = 0;
	a->size_s = 0;
	account_save_size(a);
	account_save_learnt(a);
}

static void
change_way(struct account *a, const struct account_opts *was)
{
	bool is_same_host = strcmp(was->host, a->opts->host) == 0;

	if (!is_same_host)
		forget_provider(a);
	if (!is_same_host || !account_opts_same_ports(was, a->opts))
		change_ports(a, is_same_host);
	if (!account_opts_same_tls(was, a->opts)) {
		tls_ctx_free(a->tls);
		a->tls = NULL;
	}
	a->standing.is_proven = false;
	IGNORE(
	    learnt_set(&a->learnt, LEARNT_NAMES_TRIED, 0, account_learnt_s(a)));
	account_changed(a, ACCOUNT_GOES_ELSEWHERE);
}

void
account_set_opts(struct account *a, struct account_opts *opts)
{
	struct account_opts *was = a->opts;

	a->opts = opts;
	a->is_stopped = false;
	account_set_limits(a);
	if (!account_opts_same_way(was, opts))
		change_way(a, was);
	if (!account_opts_same_login(was, opts)) {
		a->token = (struct token) { .is_refused = false };
		loop_timer_set(a->keep,
		    account_has_token(a) ? account_now_ms(a) : INT64_MAX);
		account_clear_trouble(a);
	} else {
		account_look_again(a);
	}
	account_opts_free(was);
}

/* --- facts ---------------------------------------------------------------- */

void
account_status(const struct account *a, struct account_status *ret)
{
	*ret = (struct account_status) {
		.name = a->opts->name,
		.host = a->opts->host,
		.state = a->standing.state,
		.reason = a->standing.reason,
		.public_reason = a->standing.public_reason,
		.until_ms = a->standing.until_ms,
		.ports = a->ports_text,
		.sent = a->sent,
		.deferred = a->deferred,
		.cert_until_s = a->cert_until_s,
		.last_sent_s = a->last_sent_s,
		.size_max_bytes = a->size_max_bytes,
		.token = account_has_token(a) ? &a->token.facts : NULL,
		.reservation = a->reservation.is_shared ? &a->reservation
							: NULL,
	};
}

size_t
account_budget(const struct account *a, struct budget_use *ret)
{
	return budget_uses(&a->budget, account_steady_s(a), ret);
}

bool
account_is_away(const struct account *a)
{
	const struct standing *s = &a->standing;

	return s->state == ACCOUNT_HELD ||
	       (s->state == ACCOUNT_PAUSED &&
		   account_now_ms(a) - s->troubled_since_ms >= ACCOUNT_AWAY_MS);
}

int
account_handle(const struct account *a)
{
	return a->handle;
}

struct account_opts *
account_options(const struct account *a)
{
	return a->opts;
}

enum account_trust
account_trust(const struct account *a)
{
	const struct standing *s = &a->standing;

	return s->state != ACCOUNT_READY ? ACCOUNT_NOT_NOW
	       : s->is_on_trial          ? ACCOUNT_ON_TRIAL
	       : s->is_proven            ? ACCOUNT_PROVEN
					 : ACCOUNT_UNPROVEN;
}

void
account_way(const struct account *a, struct account_way *ret)
{
	*ret = (struct account_way) {
		.opts = a->opts,
		.port = *port_memory_current(&a->ports),
		.patience_ms = port_memory_has_next(&a->ports)
				   ? PATIENCE_AUTO_MS
				   : PATIENCE_MS,
	};
}

int
account_tls(struct account *a, struct tls_ctx **ret, struct err *err)
{
	if (a->tls == NULL &&
	    tls_ctx_new_client(&a->opts->tls, &a->tls, err) != 0)
		return -1;
	*ret = a->tls;
	return 0;
}

void
account_trim(struct account *a)
{
	/* Keys and authorities are read again when they are needed. */
	if (a->tls != NULL)
		tls_ctx_trim(a->tls);
	xtrim();
}

void
account_spend(struct account *a, size_t nrcpts)
{
	const char *name;

	budget_spend(&a->budget, (uint32_t)nrcpts, account_steady_s(a));
	reservation_spend(&a->reservation, (uint32_t)nrcpts, account_now_ms(a));
	account_share(a);
	a->are_counts_dirty = true;
	account_save_counts(a, false);
	name = budget_warning(&a->budget, account_steady_s(a));
	if (name != NULL)
		log_text(LOG_LEVEL_WARNING,
		    "account %s: 80 %% of %s is used up", a->opts->name, name);
	account_check_budget(a);
}

uint32_t
account_fact(const struct account *a, enum learnt_fact f)
{
	/* Asked several times for each message: without the clock, mostly. */
	return learnt_is_blank(&a->learnt, f)
		   ? 0
		   : learnt_value(&a->learnt, f, account_learnt_s(a));
}

void
account_learn(struct account *a, const struct account_opts *o,
    enum learnt_fact f, uint32_t value)
{
	struct buf text;

	if (account_is_past(a, o) ||
	    !learnt_set(&a->learnt, f, value, account_learnt_s(a)))
		return;
	if (f < LEARNT_KEPT) {
		account_save_learnt(a);
		account_share_learnt(a);
	}
	if (value == 0)
		return;
	buf_init(&text, DIAGNOSIS_REASON_MAX);
	learnt_text(f, value, &text);
	if (buf_len(&text) > 0)
		log_text(LOG_LEVEL_NOTICE, "account %s: %s", a->opts->name,
		    buf_str(&text));
	buf_clear(&text);
}

void
account_deferred(struct account *a, enum account_deferral why, size_t nrcpts)
{
	a->deferred[why] += nrcpts;
}
