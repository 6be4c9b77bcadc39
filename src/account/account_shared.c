/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/account_impl.h"

#include <inttypes.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "base/str.h"

bool
account_may_send(const struct account *a)
{
	return reservation_may_send(&a->reservation, account_now_ms(a));
}

void
account_want(struct account *a)
{
	reservation_want(&a->reservation, account_now_ms(a));
	account_share(a);
}

bool
account_may_connect(const struct account *a, size_t n)
{
	return reservation_may_connect(&a->reservation, n);
}

void
account_connections(struct account *a, size_t n, size_t wanted)
{
	reservation_connections(&a->reservation, n, wanted, account_now_ms(a));
	account_share(a);
}

int64_t
account_turn_at(const struct account *a)
{
	return reservation_turn_at(&a->reservation, account_now_ms(a));
}

/* While nobody knows whether the login works, or whether a window is open
 * again, one connection of one relay finds out. */
static size_t
connections_max(const struct account *a)
{
	const struct standing *s = &a->standing;

	return !s->is_on_trial && (s->is_proven || a->shared.is_ready)
		   ? a->opts->max_connections
		   : 1;
}

/* A size among them, which learnt.c does not keep. */
static void
say_learnt(const struct account *a, struct buf *to)
{
	learnt_save(&a->learnt, a->opts->host, to);
	if (a->size_s != 0)
		IGNORE(buf_addf(to, "%s size %" PRIu64 " %" PRId64 "\n",
		    a->opts->host, a->size_max_bytes, a->size_s)); /* fits */
}

void
account_ask(struct account *a, struct share_ask *ret)
{
	struct account_shared *sh = &a->shared;

	share_ask_init(ret);
	ret->max_connections = connections_max(a);
	account_limits(a, ret->limits);
	reservation_ask(&a->reservation, ret, account_now_ms(a));
	if (a->is_stopped) {
		ret->left = 0;
		ret->wants_more = false;
	}
	ret->standing.version = sh->version;
	ret->must_standing = sh->must;
	if (sh->has_news)
		standing_say(&a->standing, sh->cause, account_now_ms(a),
		    account_steady_s(a), &ret->standing.text);
	ret->has_standing = buf_len(&ret->standing.text) > 0;
	if (sh->has_learnt)
		say_learnt(a, &ret->learnt);
	ret->is_first = !sh->has_heard;
	ret->has_flush = sh->has_flush;
	sh->has_news = sh->has_learnt = sh->has_flush = false;
}

/* What a turn did not say is said in the next one. */
static void
keep_news(struct account *a, const struct share_ask *ask)
{
	a->shared.has_news |= ask->has_standing;
	a->shared.has_learnt |= buf_len(&ask->learnt) > 0;
	a->shared.has_flush |= ask->has_flush;
	a->reservation.has_news |= a->shared.has_news || a->shared.has_learnt ||
				   a->shared.has_flush;
}

/* Another relay knows that it does not work. */
static void
stand_down_as(struct account *a, const struct standing *heard)
{
	struct standing *s = &a->standing;
	struct standing was = *s;

	if (heard->state == ACCOUNT_HELD && heard->mark.is_set &&
	    !login_mark_fits(&heard->mark, a->opts))
		return; /* theirs is another login */
	*s = *heard;
	s->has_tried_again = was.has_tried_again;
	s->troubled_since_ms = was.reason[0] != '\0' ? was.troubled_since_ms
						     : account_now_ms(a);
	loop_timer_set(a->timer, s->until_ms);
	loop_timer_set(
	    a->watch, account_is_watching(a) ? account_now_ms(a) : INT64_MAX);
	account_save_standing(a);
	account_changed(a, ACCOUNT_STANDS_DOWN);
	account_log_standing(
	    a, LOG_LEVEL_ERROR, s->state == ACCOUNT_HELD ? "held" : "quota");
}

/* Another relay knows that it works, or should be tried. */
static void
stand_up(struct account *a, enum standing_cause cause)
{
	struct standing *s = &a->standing;

	if (cause == STANDING_WORKED) {
		s->is_on_trial = false;
		if (s->state != ACCOUNT_READY)
			account_troubles_are_over(a);
	}
	if (s->state == ACCOUNT_READY || s->is_own_limit)
		return;
	if (cause == STANDING_RENEWED && s->state == ACCOUNT_HELD) {
		/* Ours may be the old one. */
		if (s->mark.has_secret)
			loop_timer_set(a->watch, account_now_ms(a));
		return;
	}
	if (s->state == ACCOUNT_HELD || s->is_window_closed ||
	    cause == STANDING_PERSON)
		account_let_try(a);
}

static bool
is_ours(const struct share_ask *ask, const struct share_standing *said)
{
	struct bytes ours = buf_bytes(&ask->standing.text);
	struct bytes text = buf_bytes(&said->text);

	return ask->has_standing && ours.n == text.n &&
	       memcmp(ours.p, text.p, text.n) == 0;
}

static void
hear_standing(struct account *a, const struct share_ask *ask,
    const struct share_standing *said)
{
	struct account_shared *sh = &a->shared;
	struct standing heard;
	enum standing_cause cause;
	bool is_down;

	if (said->version == sh->version)
		return;
	sh->version = said->version;
	is_down = standing_hear(&heard, &cause, account_now_ms(a),
	    account_steady_s(a), buf_bytes(&said->text));
	sh->is_ready = !is_down && cause == STANDING_WORKED;
	a->reservation.has_news = true; /* it may have more connections now */
	if (is_ours(ask, said) || (sh->has_news && sh->must))
		return; /* or ours comes next */
	sh->has_news = false;
	if (is_down)
		stand_down_as(a, &heard);
	else
		stand_up(a, cause);
}

/* So that those who know nothing need not find out. */
static void
vouch(struct account *a)
{
	const struct standing *s = &a->standing;

	if (s->state == ACCOUNT_READY && s->is_proven && !s->is_on_trial &&
	    !a->shared.is_ready && !a->shared.has_news)
		account_share_standing(a, STANDING_WORKED, false);
}

static void
hear_size(struct account *a, struct bytes line)
{
	struct bytes host = bytes_cut(&line, ' '), word = bytes_cut(&line, ' ');
	struct bytes size = bytes_cut(&line, ' ');
	uint64_t n, when;

	if (!bytes_eq(host, a->opts->host) || !bytes_eq(word, "size") ||
	    !num_u64(size, &n) || !num_u64_max(line, INT64_MAX, &when) ||
	    (int64_t)when <= a->size_s)
		return;
	a->size_max_bytes = n;
	a->size_s = (int64_t)when;
}

static void
hear_learnt(struct account *a, const struct buf *lines)
{
	struct learnt heard = { 0 };
	struct bytes left = buf_bytes(lines);

	learnt_load(&heard, a->opts->host, left);
	learnt_merge(&a->learnt, &heard);
	while (left.n > 0)
		hear_size(a, bytes_cut(&left, '\n'));
}

/* What was wanted before this relay came it need not do. */
static void
hear_flush(struct account *a, const struct share_ask *ask, uint64_t flushes)
{
	struct account_shared *sh = &a->shared;

	if (sh->has_heard && flushes != sh->flushes + ask->has_flush)
		account_changed(a, ACCOUNT_FLUSHED);
	sh->flushes = flushes;
}

/* What all have spent, and what this relay has meanwhile. */
static void
take_budget(struct account *a, const struct budget *b, uint32_t used)
{
	struct budget was = a->budget;

	a->budget = *b;
	for (size_t i = 0; i < BUDGET_WINDOWS; i++)
		a->budget.windows[i].is_warned = was.windows[i].is_warned;
	account_set_limits(a);
	budget_spend(&a->budget, used, account_steady_s(a));
}

/* Wakes the couriers that waited for the answer. */
static void
heard_of_share(struct account *a)
{
	if (a->reservation.connections > a->reservation.allowed)
		account_changed(a, ACCOUNT_GIVES_WAY);
	account_changed(a, ACCOUNT_MAY_WORK);
	account_share(a);
}

void
account_told(struct account *a, const struct share_ask *ask,
    const struct share_answer *answer, int64_t asked_ms)
{
	reservation_told(&a->reservation, answer, asked_ms, account_now_ms(a));
	a->wall_ahead_ms = answer->now_ms - asked_ms;
	take_budget(a, &answer->budget, a->reservation.used);
	hear_learnt(a, &answer->learnt);
	hear_standing(a, ask, &answer->standing);
	a->shared.is_speaker = answer->is_speaker;
	hear_flush(a, ask, answer->flushes);
	a->shared.has_heard = true;
	vouch(a);
	account_check_budget(a);
	heard_of_share(a);
}

void
account_skipped(struct account *a, const struct share_ask *ask)
{
	reservation_skipped(&a->reservation, ask);
	keep_news(a, ask);
}

void
account_failed(struct account *a, const struct share_ask *ask)
{
	reservation_failed(&a->reservation, ask, account_now_ms(a));
	keep_news(a, ask);
	heard_of_share(a);
}
