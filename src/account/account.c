/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/account_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account/fetch.h"
#include "base/must.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "mail/diagnosis.h"

enum {
	PATIENCE_MS = 30 * 1000,
	PATIENCE_AUTO_MS = 4 * 1000, /* another port is waiting */
	WAKE_JITTER_MS = 2000,
	BROKEN_MAX = 3,
	LONG_PAUSE_MS = 60 * 60 * 1000, /* then a person is told */
	LONG_WINDOW_MS = 15 * 60 * 1000,
	KEPT_MAX = 8192,
	COUNTS_SAVE_MS = 10 * 1000,
	WATCH_MS = 15 * 1000
};

const char *const account_deferrals[ACCOUNT_DEFERRALS] = {
	[ACCOUNT_DEFERRED_MESSAGE] = "message",
	[ACCOUNT_DEFERRED_CONNECTION] = "connection",
	[ACCOUNT_DEFERRED_LIMIT] = "limit",
	[ACCOUNT_DEFERRED_LOGIN] = "login",
	[ACCOUNT_DEFERRED_HELD] = "held",
};

static int64_t
now_s(const struct account *a)
{
	return clock_wall_ms(loop_clock(a->loop)) / 1000;
}

void
account_changed(struct account *a, enum account_change what)
{
	if (a->hooks->changed != NULL)
		a->hooks->changed(a->hooks->listener, a, what);
}

void
account_alert(const struct account *a, const char *event, const char *reason)
{
	if (a->hooks->alert != NULL)
		a->hooks->alert(a->hooks->ctx, a->opts->name, event, reason);
}

/* --- what is kept across restarts ----------------------------------------- */

/* The content of this account's file of that kind; the caller frees it. */
static char *
kept(const struct account *a, const char *kind)
{
	char *name = xasprintf("%s.%s", kind, a->opts->name);
	char *text = a->hooks->read(a->hooks->ctx, name);

	free(name);
	return text != NULL ? text : xstrdup("");
}

/* Takes text over. */
static void
keep(const struct account *a, const char *kind, struct buf *text)
{
	char *name = xasprintf("%s.%s", kind, a->opts->name);
	struct err err;

	if (a->hooks->write(a->hooks->ctx, name, buf_bytes(text), &err) != 0)
		log_err(LOG_LEVEL_WARNING, &err);
	free(name);
	buf_clear(text);
}

static void
refresh_ports_text(struct account *a)
{
	struct buf b;

	buf_init(&b, KEPT_MAX);
	port_memory_text(&a->ports, &b);
	free(a->ports_text);
	a->ports_text = buf_steal(&b);
}

static void
save_ports(struct account *a)
{
	struct buf b;

	refresh_ports_text(a);
	buf_init(&b, KEPT_MAX);
	port_memory_save(&a->ports, &b);
	keep(a, "reach", &b);
}

/* How many it has sent, and when the last one went: "COUNT SECONDS". */
static void
save_sent(struct account *a)
{
	struct buf b;

	buf_init(&b, KEPT_MAX);
	IGNORE(buf_addf(&b, "%" PRIu64 " %" PRId64 "\n", a->sent,
	    a->last_sent_s)); /* fits: two numbers */
	keep(a, "sent", &b);
}

static void
load_sent(struct account *a)
{
	char *text = kept(a, "sent"), *last = text;
	const char *count = strsep(&last, " ");
	uint64_t n, s;

	if (last != NULL && num_u64(bytes_str(count), &n) &&
	    num_u64(bytes_of(last, strcspn(last, "\n")), &s) &&
	    s <= INT64_MAX) {
		a->sent = n;
		a->last_sent_s = (int64_t)s;
	}
	free(text);
}

/* Not for every message: a crash forgets less than a minute. */
static void
save_counts(struct account *a, bool is_last)
{
	struct buf b;

	if (!a->are_counts_dirty ||
	    (!is_last &&
		account_now_ms(a) < a->counts_saved_ms + COUNTS_SAVE_MS))
		return;
	if (!a->portion.is_shared) {
		buf_init(&b, KEPT_MAX);
		budget_save(&a->budget, &b);
		keep(a, "budget", &b);
	}
	save_sent(a);
	a->are_counts_dirty = false;
	a->counts_saved_ms = account_now_ms(a);
}

void
account_save_standing(struct account *a)
{
	struct buf b;

	buf_init(&b, KEPT_MAX);
	standing_save(&a->standing, account_now_ms(a), now_s(a), &b);
	keep(a, "standing", &b);
}

/* "HOST SIZE": the limit of another provider does not count. */
static void
save_size(struct account *a)
{
	struct buf b;

	buf_init(&b, KEPT_MAX);
	IGNORE(buf_addf(&b, "%s %" PRIu64 "\n", a->opts->host,
	    a->size_max_bytes)); /* fits: a host name and a number */
	keep(a, "size", &b);
}

static void
load_size(struct account *a)
{
	char *text = kept(a, "size"), *size = text;
	const char *host = strsep(&size, " ");
	uint64_t n;

	if (size != NULL && strcmp(host, a->opts->host) == 0 &&
	    num_u64(bytes_of(size, strcspn(size, "\n")), &n) &&
	    n >= SMTP_CAPS_SIZE_MIN)
		a->size_max_bytes = n;
	free(text);
}

static void
save_learnt(struct account *a)
{
	struct buf b;

	buf_init(&b, KEPT_MAX);
	learnt_save(&a->learnt, a->opts->host, &b);
	keep(a, "learnt", &b);
}

static void
load_kept(struct account *a)
{
	char *text = kept(a, "reach");

	port_memory_load(&a->ports, bytes_str(text));
	free(text);
	refresh_ports_text(a);
	if (!a->portion.is_shared) {
		text = kept(a, "budget");
		budget_load(&a->budget, bytes_str(text));
		free(text);
	}
	load_size(a);
	load_sent(a);
	text = kept(a, "learnt");
	learnt_load(&a->learnt, a->opts->host, bytes_str(text));
	free(text);
	text = kept(a, "standing");
	standing_load(
	    &a->standing, account_now_ms(a), now_s(a), bytes_str(text));
	free(text);
}

/* --- standing ------------------------------------------------------------- */

void
account_log_standing(
    const struct account *a, enum log_level level, const char *event)
{
	char wait[NUM_TEXT_SIZE];
	struct log_line l;

	log_begin(&l, level, event);
	log_str(&l, "account", a->opts->name);
	log_sentence(&l, "reason", a->standing.reason);
	log_str(&l, "retry_in",
	    num_duration_text(a->standing.until_ms - account_now_ms(a), wait));
	log_end(&l);
}

static void
stand_down(struct account *a, enum account_state state,
    const struct standing_why *why, int64_t wait_ms)
{
	standing_down(&a->standing, state, why, account_now_ms(a), wait_ms);
	loop_timer_set(a->timer, a->standing.until_ms);
	account_save_standing(a);
	account_changed(a, ACCOUNT_STANDS_DOWN);
}

static void
pause_for(struct account *a, const struct standing_why *why,
    enum standing_blame blame)
{
	struct standing *s = &a->standing;

	if (s->state != ACCOUNT_READY)
		return;
	stand_down(a, ACCOUNT_PAUSED, why,
	    standing_pause_ms(s, blame, a->opts->retry_after_ms, a->rng));
	account_log_standing(a, LOG_LEVEL_WARNING, "paused");
	if (s->paused_since_ms == 0)
		s->paused_since_ms = account_now_ms(a);
	else if (account_now_ms(a) - s->paused_since_ms >= LONG_PAUSE_MS)
		account_alert(a, "account-paused", s->reason);
}

/* o: as account_heard() has it. */
static void
hold(struct account *a, const struct account_opts *o,
    const struct standing_why *why)
{
	struct standing *s = &a->standing;

	if (s->state == ACCOUNT_HELD)
		return;
	if (o != a->opts && !s->has_tried_again) {
		s->has_tried_again = true;
		log_text(LOG_LEVEL_NOTICE,
		    "account %s: a connection from before the reload heard "
		    "this, so it is tried once more: %s",
		    a->opts->name, why->reason);
		return;
	}
	login_mark_set(&s->mark, a->opts, a->rng);
	stand_down(a, ACCOUNT_HELD, why, standing_hold_ms(s));
	account_share_standing(a, STANDING_WORKED, true);
	account_log_standing(a, LOG_LEVEL_ERROR, "held");
	account_alert(a, "account-held", s->reason);
}

/* All relays find out at once that a limit of theirs is used up. */
static bool
is_ours_to_tell(const struct account *a)
{
	return !a->standing.is_own_limit || !a->portion.is_shared ||
	       a->shared.is_speaker;
}

/* The window is closed: no attempt until it reopens, because with some
 * providers each attempt extends the wait. */
static void
close_window(struct account *a, const struct standing_why *why, int64_t wait_ms)
{
	if (a->standing.state != ACCOUNT_READY)
		return;
	a->standing.is_window_closed = true;
	stand_down(a, ACCOUNT_PAUSED, why, wait_ms);
	if (!a->standing.is_own_limit)
		account_share_standing(a, STANDING_WORKED, true);
	account_log_standing(a, LOG_LEVEL_ERROR, "quota");
	/* A short wait for a limit per minute is normal. */
	if (wait_ms >= LONG_WINDOW_MS && is_ours_to_tell(a))
		account_alert(a, "quota", a->standing.reason);
}

/* Our own limits close the window before the provider does. */
void
account_check_budget(struct account *a)
{
	const char *name = NULL;
	uint64_t max = 0;
	int64_t wait_s = budget_wait_s(
	    &a->budget, account_steady_s(a), &name, &max);
	char why[200];

	if (wait_s == 0 || a->standing.state != ACCOUNT_READY)
		return;
	a->standing.is_own_limit = true;
	save_counts(a, true); /* so that a kill does not open the window */
	(void)snprintf(why, sizeof(why),
	    "%s = %" PRIu64 " of account %s is used up; messages wait until "
	    "the limit allows more",
	    name, max, a->opts->name);
	close_window(
	    a, &(struct standing_why) { .reason = why }, wait_s * 1000);
}

void
account_limits(const struct account *a, uint64_t ret[BUDGET_WINDOWS])
{
	ret[0] = a->opts->max_per_minute;
	ret[1] = a->opts->max_per_hour;
	ret[2] = a->opts->max_per_day;
}

void
account_set_limits(struct account *a)
{
	uint64_t max[BUDGET_WINDOWS];

	account_limits(a, max);
	budget_set_limits(&a->budget, max[0], max[1], max[2]);
	a->portion.block = share_block(max);
}

void
account_let_try(struct account *a)
{
	standing_let_try(&a->standing);
	loop_timer_set(a->timer, INT64_MAX);
	account_changed(a, ACCOUNT_MAY_TRY);
	account_check_budget(a);
}

static void
on_timer(void *ctx)
{
	struct account *a = ctx;

	if (a->standing.state != ACCOUNT_READY)
		account_let_try(a);
}

void
account_troubles_are_over(const struct account *a)
{
	account_alert(a, "account-held", NULL);
	account_alert(a, "account-paused", NULL);
	account_alert(a, "quota", NULL);
}

static void
clear_trouble(struct account *a)
{
	account_troubles_are_over(a);
	standing_clear(&a->standing);
	account_share_standing(a, STANDING_RENEWED, true);
	account_let_try(a);
	account_save_standing(a);
}

/* --- a refused secret ------------------------------------------------------ */

bool
account_is_watching(const struct account *a)
{
	return a->standing.state == ACCOUNT_HELD &&
	       a->standing.mark.has_secret && !a->is_stopped;
}

static void
on_watched(void *ctx, const struct fetched *got)
{
	struct account *a = ctx;
	const struct secret *now = got->secret; /* the rest is told when a
						 * connection asks */

	a->watched = NULL;
	if (!account_is_watching(a))
		return;
	if (now == NULL || login_mark_fits_secret(&a->standing.mark, now)) {
		loop_timer_set(a->watch, account_now_ms(a) + WATCH_MS);
		return;
	}
	log_text(LOG_LEVEL_NOTICE,
	    "account %s: its secret has changed, so it is tried again at once",
	    a->opts->name);
	a->standing.refusals = 0;
	account_share_standing(a, STANDING_RENEWED, true);
	account_let_try(a);
}

static void
on_watch(void *ctx)
{
	struct account *a = ctx;

	if (account_is_watching(a) && a->watched == NULL)
		a->watched = fetch_new(a->loop, a->opts,
		    (struct cred_wish) { CRED_LOOK, 0 }, on_watched, a);
}

static void
secret_refused(struct account *a, const struct secret *secret)
{
	struct standing *s = &a->standing;

	/* A second connection has tried it: this counts as well. */
	if (s->state == ACCOUNT_HELD)
		s->refusals++;
	login_mark_set(&s->mark, a->opts, a->rng);
	login_mark_set_secret(&s->mark, secret);
	loop_timer_set(a->watch, account_now_ms(a) + WATCH_MS);
}

/* --- the token ------------------------------------------------------------ */

static bool
has_token(const struct account *a)
{
	const struct cred_source *s = a->opts->secret;

	return s != NULL && s->kind == CRED_OAUTH;
}

struct cred_wish
account_wish(const struct account *a)
{
	return token_wish(&a->token);
}

void
account_fetched(struct account *a, const struct fetched *got)
{
	if (got->result == CRED_OK && has_token(a))
		token_heard(&a->token, &got->facts);
}

bool
account_renews(
    struct account *a, const struct account_opts *o, const struct verdict *v)
{
	if (!has_token(a) || account_is_past(a, o) ||
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
	days = token_days_left(&a->token, now_s(a));
	if (got->result == CRED_NEVER) {
		hold(a, a->opts,
		    &(struct standing_why) { .reason = got->err.text });
		secret_refused(a, NULL);
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

	if (has_token(a) && a->kept == NULL && !a->is_stopped)
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

/* The login of a saved hold may have been corrected meanwhile. */
static void
check_mark(struct account *a)
{
	const struct standing *s = &a->standing;

	if (s->state != ACCOUNT_HELD || !s->mark.is_set)
		return;
	if (!login_mark_fits(&s->mark, a->opts))
		clear_trouble(a);
	else if (s->mark.has_secret)
		loop_timer_set(a->watch, account_now_ms(a));
}

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
	a->timer = loop_timer_new(l, on_timer, a);
	a->watch = loop_timer_new(l, on_watch, a);
	a->keep = loop_timer_new(l, on_keep, a);
	loop_timer_set(a->keep, has_token(a) ? account_now_ms(a) : INT64_MAX);
	port_memory_init(&a->ports, opts->ports, opts->nports);
	a->portion = (struct portion) { .is_shared = hooks->share != NULL,
		.has_news = true };
	account_set_limits(a);
	load_kept(a);
	if (a->standing.state != ACCOUNT_READY)
		loop_timer_set(a->timer, a->standing.until_ms);
	/* What is known from the time when it was alone. */
	a->shared.has_news = a->standing.state != ACCOUNT_READY;
	a->shared.has_learnt = true;
	check_mark(a);
	account_check_budget(a);
	account_share(a);
	return a;
}

void
account_stop(struct account *a)
{
	a->is_stopped = true;
	save_counts(a, true);
}

void
account_free(struct account *a)
{
	if (a == NULL)
		return;
	fetch_forget(a->watched);
	fetch_forget(a->kept);
	loop_timer_free(a->keep);
	loop_timer_free(a->timer);
	loop_timer_free(a->watch);
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

void
account_network_changed(struct account *a)
{
	struct standing *s = &a->standing;

	if (s->state != ACCOUNT_PAUSED || s->is_window_closed)
		return;
	s->troubles = 0;
	s->until_ms = account_now_ms(a) + 500 +
		      rng_below(a->rng, WAKE_JITTER_MS);
	loop_timer_set(a->timer, s->until_ms);
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

	buf_init(&known, KEPT_MAX);
	if (is_same_host)
		port_memory_save(&a->ports, &known);
	port_memory_init(&a->ports, a->opts->ports, a->opts->nports);
	port_memory_load(&a->ports, buf_bytes(&known));
	buf_clear(&known);
	save_ports(a);
}

static void
forget_provider(struct account *a)
{
	a->learnt = (struct learnt) { 0 };
	a->absurd[0] = '\0';
	a->size_max_bytes = 0;
	a->size_s = 0;
	save_size(a);
	save_learnt(a);
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

static void
look_again(struct account *a)
{
	struct standing *s = &a->standing;

	if (s->state == ACCOUNT_READY || s->is_own_limit) {
		account_let_try(a);
	} else if (!s->has_tried_again) {
		s->has_tried_again = true;
		account_let_try(a);
	} else if (s->mark.has_secret) {
		loop_timer_set(a->watch, account_now_ms(a));
	}
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
		loop_timer_set(
		    a->keep, has_token(a) ? account_now_ms(a) : INT64_MAX);
		clear_trouble(a);
	} else {
		look_again(a);
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
		.told = a->standing.told,
		.until_ms = a->standing.until_ms,
		.ports = a->ports_text,
		.sent = a->sent,
		.deferred = a->deferred,
		.cert_until_s = a->cert_until_s,
		.last_sent_s = a->last_sent_s,
		.size_max_bytes = a->size_max_bytes,
		.token = has_token(a) ? &a->token.facts : NULL,
		.portion = a->portion.is_shared ? &a->portion : NULL,
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
account_rest(struct account *a)
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
	portion_spend(&a->portion, (uint32_t)nrcpts, account_now_ms(a));
	account_share(a);
	a->are_counts_dirty = true;
	save_counts(a, false);
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
		save_learnt(a);
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

/* --- what was heard ------------------------------------------------------- */

static void
warn_absurd(struct account *a, const char *what)
{
	if (what[0] == '\0' || strcmp(a->absurd, what) == 0)
		return;
	(void)snprintf(a->absurd, sizeof(a->absurd), "%s", what);
	log_text(LOG_LEVEL_WARNING,
	    "account %s: the provider states \"%s\", which is implausible and "
	    "ignored",
	    a->opts->name, what);
}

static void
logged_in(struct account *a, const struct account_news *n)
{
	struct standing *s = &a->standing;

	warn_absurd(a, n->absurd);
	if (n->cert_until_s != 0)
		a->cert_until_s = n->cert_until_s;
	if (n->size_max_bytes != a->size_max_bytes) {
		a->size_max_bytes = n->size_max_bytes;
		a->size_s = account_learnt_s(a);
		save_size(a);
		account_share_learnt(a);
	}
	s->refusals = 0;
	s->is_proven = true;
	s->mark = (struct login_mark) { .is_set = false };
	if (port_memory_worked(&a->ports, now_s(a)))
		save_ports(a);
	/* Another connection has been refused meanwhile. */
	if (s->state != ACCOUNT_READY)
		return;
	if (s->reason[0] != '\0') {
		log_text(
		    LOG_LEVEL_NOTICE, "account %s works again", a->opts->name);
		standing_forget_reason(s);
		account_save_standing(a);
	}
	if (!a->shared.is_ready && !s->is_on_trial)
		account_share_standing(a, STANDING_WORKED, false);
	account_changed(a, ACCOUNT_MAY_WORK);
}

static void
mail_was_taken(struct account *a)
{
	struct standing *s = &a->standing;

	account_troubles_are_over(a);
	if (s->is_on_trial)
		account_share_standing(a, STANDING_WORKED, false);
	s->has_tried_again = s->is_on_trial = false;
	s->paused_since_ms = 0;
	/* Not earlier: a provider that accepts the login and nothing else is in
	 * trouble as well, and must not be tried again at once forever. */
	s->troubles = s->doubts = s->broken = 0;
	IGNORE(
	    learnt_set(&a->learnt, LEARNT_LOST_BDAT, 0, account_learnt_s(a)));
}

void
account_deferred(struct account *a, enum account_deferral why, size_t nrcpts)
{
	a->deferred[why] += nrcpts;
}

static bool
concerns_account(enum diagnosis_act act)
{
	return act == DIAGNOSIS_RECONNECT || act == DIAGNOSIS_NEXT_MECHANISM ||
	       act == DIAGNOSIS_PAUSE || act == DIAGNOSIS_QUOTA ||
	       act == DIAGNOSIS_HOLD_ACCOUNT;
}

/* An answer as the reason of a pause or a hold: in full, and for everybody. */
struct reasons {
	struct buf full, told;
	struct standing_why why; /* borrows these */
};

static void
reasons_init(
    struct reasons *r, const struct verdict *v, const struct diagnosis *d)
{
	struct verdict public = verdict_public(v);

	buf_init(&r->full, DIAGNOSIS_REASON_MAX);
	buf_init(&r->told, DIAGNOSIS_REASON_MAX);
	diagnosis_reason(v, d, &r->full);
	diagnosis_reason(&public, d, &r->told);
	r->why.reason = buf_str(&r->full);
	r->why.told = buf_str(&r->told);
}

static void
reasons_clear(struct reasons *r)
{
	buf_clear(&r->full);
	buf_clear(&r->told);
}

/* Does to the account what the answer calls for (mail/diagnosis.h). */
static void
act_on(struct account *a, const struct account_opts *o,
    const struct account_news *n)
{
	const struct answer *answer = n->answer;
	const struct diagnosis *d = &answer->meaning;
	struct diagnosis signed_in;
	struct reasons r;

	if (has_token(a) && answer->verdict.stage == STAGE_AUTH &&
	    d->act == DIAGNOSIS_HOLD_ACCOUNT &&
	    !token_is_beside_the_point(&answer->verdict)) {
		signed_in = *d;
		(void)snprintf(signed_in.remedy, sizeof(signed_in.remedy),
		    "Run: relais login %s", a->opts->name);
		d = &signed_in;
	}
	if (d->act == DIAGNOSIS_RECONNECT)
		return; /* the connection handles it */
	reasons_init(&r, &answer->verdict, d);
	if (d->act == DIAGNOSIS_PAUSE) {
		pause_for(a, &r.why, n->blame);
	} else if (d->act == DIAGNOSIS_QUOTA) {
		a->standing.is_on_trial = true;
		close_window(a, &r.why, d->pause_ms);
	} else {
		hold(a, o, &r.why);
	}
	reasons_clear(&r);
}

static void
broken_off(struct account *a, const struct account_opts *o,
    const struct answer *answer)
{
	static const struct diagnosis d = {
		.cause = "the last three sessions ended like this before a "
			 "message was accepted",
		.remedy = "check port, tls and user of this account, or ask "
			  "the provider; then: relais flush",
	};
	struct reasons r;

	if (++a->standing.broken < BROKEN_MAX)
		return;
	reasons_init(&r, &answer->verdict, &d);
	hold(a, o, &r.why);
	reasons_clear(&r);
}

/* Pauses because no port leads to the provider: the reason is the newest error
 * and, if there are several ports, the state of each. */
static void
pause_unreached(struct account *a, const char *text)
{
	char why[DIAGNOSIS_REASON_MAX];

	if (a->ports.n > 1)
		(void)snprintf(why, sizeof(why), "%s (ports of %s: %s)", text,
		    a->opts->host, a->ports_text);
	else
		(void)snprintf(why, sizeof(why), "%s", text);
	pause_for(a, &(struct standing_why) { .reason = why }, BLAME_PROVIDER);
}

static void
port_failed(struct account *a, const struct account_news *n)
{
	bool has_next;

	/* If another connection has reported this already, the next port is
	 * being tried. */
	if (n->port.port != port_memory_current(&a->ports)->port)
		return;
	has_next = port_memory_failed(&a->ports, n->fault, now_s(a));
	save_ports(a);
	if (!has_next) {
		pause_unreached(a, n->why);
		return;
	}
	/* The next connection is opened when the failed one is gone. */
	log_text(LOG_LEVEL_NOTICE,
	    "account %s: port %d does not lead to the provider (%s); trying "
	    "port %d next",
	    a->opts->name, n->port.port, n->why,
	    port_memory_current(&a->ports)->port);
}

static void
was_silent(struct account *a, const struct standing_why *why)
{
	if (a->standing.troubles > 0) {
		pause_for(a, why, BLAME_PROVIDER);
		return;
	}
	a->standing.troubles++;
	log_text(LOG_LEVEL_NOTICE,
	    "account %s: %s; another connection is opened", a->opts->name,
	    why->reason);
}

bool
account_heard(struct account *a, const struct account_opts *o,
    const struct account_news *n)
{
	bool is_past = account_is_past(a, o);
	struct standing_why why = { n->why, n->told };

	if (n->kind == ACCOUNT_ANSWERED) {
		if (!concerns_account(n->answer->meaning.act))
			return false;
		if (!is_past)
			act_on(a, o, n);
		return true;
	}
	if (n->kind == ACCOUNT_SENT) {
		a->sent++;
		a->last_sent_s = now_s(a);
		a->are_counts_dirty = true;
	}
	if (is_past)
		return true;
	switch (n->kind) {
	case ACCOUNT_LOGGED_IN:
		logged_in(a, n);
		break;
	case ACCOUNT_SENT:
		mail_was_taken(a);
		break;
	case ACCOUNT_SECRET_REFUSED:
		secret_refused(a, n->secret);
		break;
	case ACCOUNT_BROKEN_OFF:
		broken_off(a, o, n->answer);
		break;
	case ACCOUNT_NO_WAY:
		port_failed(a, n);
		break;
	case ACCOUNT_TROUBLE:
		pause_for(a, &why, n->blame);
		break;
	case ACCOUNT_SILENT:
		was_silent(a, &why);
		break;
	case ACCOUNT_NO_LOGIN:
		hold(a, o, &why);
		break;
	case ACCOUNT_ANSWERED:
		break;
	}
	return true;
}
