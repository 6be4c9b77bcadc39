/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/account_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "account/fetch.h"
#include "base/num.h"

enum {
	WAKE_JITTER_MS = 2000,
	LONG_PAUSE_MS = 60 * 60 * 1000, /* then a person is told */
	LONG_WINDOW_MS = 15 * 60 * 1000,
	WATCH_MS = 15 * 1000
};

/* --- where it stands ------------------------------------------------------ */

void
account_alert(const struct account *a, const char *event, const char *reason)
{
	if (a->hooks->alert != NULL)
		a->hooks->alert(a->hooks->ctx, a->opts->name, event, reason);
}

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

void
account_pause(struct account *a, const struct standing_why *why,
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

void
account_hold(struct account *a, const struct account_opts *o,
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
	account_share_standing(a, STANDING_NONE, true);
	account_log_standing(a, LOG_LEVEL_ERROR, "held");
	account_alert(a, "account-held", s->reason);
}

/* All relays find out at once that a limit of theirs is used up. */
static bool
is_ours_to_tell(const struct account *a)
{
	return !a->standing.is_own_limit || !a->reservation.is_shared ||
	       a->shared.is_speaker;
}

void
account_close_window(
    struct account *a, const struct standing_why *why, int64_t wait_ms)
{
	if (a->standing.state != ACCOUNT_READY)
		return;
	a->standing.is_window_closed = true;
	stand_down(a, ACCOUNT_PAUSED, why, wait_ms);
	if (!a->standing.is_own_limit)
		account_share_standing(a, STANDING_NONE, true);
	account_log_standing(a, LOG_LEVEL_ERROR, "quota");
	/* A short wait for a limit per minute is normal. */
	if (wait_ms >= LONG_WINDOW_MS && is_ours_to_tell(a))
		account_alert(a, "quota", a->standing.reason);
}

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
	account_save_counts(
	    a, true); /* so that a kill does not open the window */
	(void)snprintf(why, sizeof(why),
	    "%s = %" PRIu64 " of account %s is used up; messages wait until "
	    "the limit allows more",
	    name, max, a->opts->name);
	account_close_window(
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
	a->reservation.block = share_block(max);
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

void
account_clear_trouble(struct account *a)
{
	account_troubles_are_over(a);
	standing_clear(&a->standing);
	account_share_standing(a, STANDING_RENEWED, true);
	account_let_try(a);
	account_save_standing(a);
}

/* --- a refused secret ---------------------------------------------------- */

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

void
account_secret_refused(struct account *a, const struct secret *secret)
{
	struct standing *s = &a->standing;

	/* A second connection has tried it: this counts as well. */
	if (s->state == ACCOUNT_HELD)
		s->refusals++;
	login_mark_set(&s->mark, a->opts, a->rng);
	login_mark_set_secret(&s->mark, secret);
	loop_timer_set(a->watch, account_now_ms(a) + WATCH_MS);
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
		account_clear_trouble(a);
	else if (s->mark.has_secret)
		loop_timer_set(a->watch, account_now_ms(a));
}

void
account_standing_begin(struct account *a)
{
	a->timer = loop_timer_new(a->loop, on_timer, a);
	a->watch = loop_timer_new(a->loop, on_watch, a);
	if (a->standing.state != ACCOUNT_READY)
		loop_timer_set(a->timer, a->standing.until_ms);
	check_mark(a);
	account_check_budget(a);
}

void
account_standing_end(struct account *a)
{
	fetch_forget(a->watched);
	loop_timer_free(a->timer);
	loop_timer_free(a->watch);
}

void
account_look_again(struct account *a)
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
