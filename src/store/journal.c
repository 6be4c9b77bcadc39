/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Notation, with crc and field as spool_word.h has them:
 *
 *   note    = crc SP event *( SP field ) LF
 */
#include "store/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "store/spool_word.h"

/* --- writing -------------------------------------------------------------- */

static bool
note_times(struct buf *to, const char *event, int64_t wall_ms, int64_t seen_ms)
{
	size_t start;

	return spool_line_begin(to, &start) && buf_adds(to, event) &&
	       spool_number_field(to, spool_since_1970(wall_ms)) &&
	       spool_number_field(to, spool_since_1970(seen_ms)) &&
	       spool_line_end(to, start);
}

static bool
note_time(struct buf *to, const char *event, int64_t wall_ms)
{
	size_t start;

	return spool_line_begin(to, &start) && buf_adds(to, event) &&
	       spool_number_field(to, spool_since_1970(wall_ms)) &&
	       spool_line_end(to, start);
}

bool
journal_attempt(struct buf *to, int64_t wall_ms, int64_t seen_ms)
{
	return note_times(to, "attempt", wall_ms, seen_ms);
}

bool
journal_seen(struct buf *to, int64_t wall_ms, int64_t seen_ms)
{
	return note_times(to, "seen", wall_ms, seen_ms);
}

static const char *const state_names[] = { [RCPT_WAITING] = "waiting",
	[RCPT_SENT] = "sent",
	[RCPT_FAILED] = "failed" };
enum { NSTATES = sizeof(state_names) / sizeof(state_names[0]) };

bool
journal_add_verdict(struct buf *to, const struct verdict *v)
{
	return buf_adds(to, verdict_class_name(v->class)) &&
	       buf_addc(to, ' ') &&
	       buf_adds(to, verdict_stage_name(v->stage)) &&
	       spool_number_field(to, v->code > 0 ? (uint64_t)v->code : 0) &&
	       spool_escape_field(to, v->enhanced) &&
	       buf_adds(to, v->is_uncertain   ? " uncertain"
			    : v->is_logged_in ? " login"
					      : " sure") &&
	       spool_escape_field(to, v->who) && buf_addc(to, ' ') &&
	       spool_escape(to, v->text);
}

bool
journal_rcpt(struct buf *to, size_t index, const struct rcpt *r)
{
	static const struct verdict none;
	size_t start;

	return spool_line_begin(to, &start) && buf_adds(to, "rcpt") &&
	       spool_number_field(to, index) &&
	       spool_escape_field(to, state_names[r->state]) &&
	       buf_addc(to, ' ') &&
	       journal_add_verdict(to, r->last != NULL ? r->last : &none) &&
	       spool_line_end(to, start);
}

/* "0-99,120,122"; "-" is none. */
static bool
note_ranges(struct buf *to, const size_t *v, size_t n)
{
	if (n == 0)
		return buf_addc(to, '-');
	for (size_t i = 0, last; i < n; i = last + 1) {
		for (last = i; last + 1 < n && v[last + 1] == v[last] + 1;)
			last++;
		if ((i > 0 && !buf_addc(to, ',')) ||
		    !buf_addi(to, (int64_t)v[i]) ||
		    (last > i && (!buf_addc(to, '-') ||
				     !buf_addi(to, (int64_t)v[last]))))
			return false;
	}
	return true;
}

bool
journal_mark(struct buf *to, int64_t wall_ms, const char *who,
    const size_t *rcpts, size_t n)
{
	size_t start;

	return spool_line_begin(to, &start) && buf_adds(to, "offer") &&
	       spool_number_field(to, spool_since_1970(wall_ms)) &&
	       spool_escape_field(to, who) && buf_addc(to, ' ') &&
	       note_ranges(to, rcpts, n) && spool_line_end(to, start);
}

bool
journal_next(struct buf *to, int64_t next_wall_ms)
{
	return note_time(to, "next", next_wall_ms);
}

bool
journal_hold(struct buf *to, int64_t wall_ms, const char *why)
{
	size_t start;

	return spool_line_begin(to, &start) && buf_adds(to, "hold") &&
	       spool_number_field(to, spool_since_1970(wall_ms)) &&
	       buf_addc(to, ' ') && spool_escape(to, why) &&
	       spool_line_end(to, start);
}

bool
journal_equal(struct buf *to, int64_t wall_ms)
{
	return note_time(to, "equal", wall_ms);
}

bool
journal_release(struct buf *to, int64_t wall_ms)
{
	return note_time(to, "release", wall_ms);
}

bool
journal_told(struct buf *to, int64_t wall_ms, size_t index)
{
	size_t start;

	return spool_line_begin(to, &start) && buf_adds(to, "told") &&
	       spool_number_field(to, spool_since_1970(wall_ms)) &&
	       spool_number_field(to, index) && spool_line_end(to, start);
}

bool
journal_delay_told(struct buf *to, int64_t wall_ms)
{
	return note_time(to, "delay-told", wall_ms);
}

bool
journal_requeue(struct buf *to, int64_t wall_ms)
{
	return note_time(to, "requeue", wall_ms);
}

bool
journal_done(struct buf *to, int64_t wall_ms)
{
	return note_time(to, "done", wall_ms);
}

/* --- reading -------------------------------------------------------------- */

struct replay {
	struct envelope *env;
	struct journal_state *st;
	bool *offered; /* one per recipient; NULL: none is */
	char who[VERDICT_WHO_MAX]; /* to whom */
};

static bool
replay_seen(struct replay *f, struct bytes args)
{
	struct bytes wall;
	int64_t at, seen;

	if (!spool_take_field(&args, &wall) || !spool_number(wall, &at) ||
	    !spool_number(args, &seen))
		return false;
	f->st->seen_ms = seen;
	return true;
}

static void
forget_offer(struct replay *f)
{
	free(f->offered);
	f->offered = NULL;
}

static bool
replay_attempt(struct replay *f, struct bytes args)
{
	struct bytes rest = args, wall;

	if (!replay_seen(f, args) || f->st->attempts == INT32_MAX ||
	    !spool_take_field(&rest, &wall) ||
	    !spool_number(wall, &f->st->tried_wall_ms))
		return false;
	f->st->attempts++;
	f->st->is_marked = false;
	forget_offer(f);
	return true;
}

static bool
copy_field(char *to, size_t size, char *text)
{
	bool ok = text != NULL && str_copy(to, size, bytes_str(text));

	free(text);
	return ok;
}

/* "3" or "3-5" */
static bool
mark_range(struct replay *f, struct bytes range)
{
	struct bytes first = bytes_cut(&range, '-');
	uint64_t from, to;

	if (!num_u64_max(first, f->env->nrcpts - 1, &from))
		return false;
	to = from;
	if (range.n > 0 && !num_u64_max(range, f->env->nrcpts - 1, &to))
		return false;
	for (uint64_t i = from; i <= to; i++)
		f->offered[i] = true;
	return from <= to;
}

static bool
replay_offer(struct replay *f, struct bytes args)
{
	struct bytes wall, who;
	int64_t at;

	if (!spool_take_field(&args, &wall) || !spool_number(wall, &at) ||
	    !spool_take_field(&args, &who) ||
	    !copy_field(f->who, sizeof(f->who), spool_unescape_field(who)))
		return false;
	if (bytes_eq(args, "-")) {
		f->st->is_marked = false;
		forget_offer(f);
		return true;
	}
	if (f->offered == NULL)
		f->offered = xcalloc(f->env->nrcpts, sizeof(*f->offered));
	f->st->is_marked = true;
	while (args.n > 0)
		if (!mark_range(f, bytes_cut(&args, ',')))
			return false;
	return true;
}

bool
journal_verdict(struct bytes args, struct verdict *v)
{
	struct bytes class, stage, code, enhanced, sure, who;
	uint64_t n;

	if (!spool_take_field(&args, &class) ||
	    !spool_take_field(&args, &stage) ||
	    !spool_take_field(&args, &code) ||
	    !spool_take_field(&args, &enhanced) ||
	    !spool_take_field(&args, &sure) || !spool_take_field(&args, &who))
		return false;
	if (!verdict_class_from(class, &v->class) ||
	    !verdict_stage_from(stage, &v->stage) ||
	    !num_u64_max(code, 999, &n))
		return false;
	v->code = (int)n;
	v->is_uncertain = bytes_eq(sure, "uncertain");
	v->is_logged_in = bytes_eq(sure, "login");
	return copy_field(v->enhanced, sizeof(v->enhanced),
		   spool_unescape_field(enhanced)) &&
	       copy_field(v->who, sizeof(v->who), spool_unescape_field(who)) &&
	       copy_field(v->text, sizeof(v->text), spool_unescape(args));
}

static bool
replay_rcpt(struct replay *f, struct bytes args)
{
	struct verdict v = { 0 };
	struct bytes index, state;
	uint64_t i;
	size_t s = 0;

	if (!spool_take_field(&args, &index) ||
	    !spool_take_field(&args, &state) ||
	    !num_u64_max(index, f->env->nrcpts - 1, &i) ||
	    !journal_verdict(args, &v))
		return false;
	while (s < NSTATES && !bytes_eq(state, state_names[s]))
		s++;
	if (s == NSTATES)
		return false;
	f->env->rcpts[i].state = (enum rcpt_state)s;
	f->env->rcpts[i].is_told = false;
	if (f->offered != NULL)
		f->offered[i] = false;
	if (v.class != VERDICT_NONE)
		rcpt_set_verdict(&f->env->rcpts[i], &v);
	return true;
}

static bool
replay_next(struct replay *f, struct bytes args)
{
	return spool_number(args, &f->st->next_wall_ms);
}

static bool
replay_hold(struct replay *f, struct bytes args)
{
	struct bytes wall;
	int64_t at;
	char *why;

	if (!spool_take_field(&args, &wall) || !spool_number(wall, &at) ||
	    (why = spool_unescape(args)) == NULL)
		return false;
	f->st->is_held = true;
	f->st->is_marked = false; /* a person will see to it */
	/* Cut is fine: it is for people. */
	IGNORE(copy_field(f->st->reason, sizeof(f->st->reason), why));
	return true;
}

static bool
replay_release(struct replay *f, struct bytes args)
{
	int64_t at;

	if (!spool_number(args, &at))
		return false;
	f->st->is_held = f->st->is_marked = false;
	f->st->reason[0] = '\0';
	f->st->life_from_s = at / 1000;
	return true;
}

static bool
replay_equal(struct replay *f, struct bytes args)
{
	int64_t at;

	if (!spool_number(args, &at) || f->env->nfolded == UINT32_MAX)
		return false;
	f->env->nfolded++;
	f->env->last_folded_s = at / 1000;
	return true;
}

static bool
replay_told(struct replay *f, struct bytes args)
{
	struct bytes wall;
	int64_t at;
	uint64_t i;

	if (!spool_take_field(&args, &wall) || !spool_number(wall, &at) ||
	    !num_u64_max(args, f->env->nrcpts - 1, &i))
		return false;
	f->env->rcpts[i].is_told = f->env->rcpts[i].state == RCPT_FAILED;
	return true;
}

static bool
replay_delay_told(struct replay *f, struct bytes args)
{
	int64_t at;

	if (!spool_number(args, &at))
		return false;
	f->st->is_delay_told = true;
	return true;
}

static bool
replay_requeue(struct replay *f, struct bytes args)
{
	int64_t at;

	if (!spool_number(args, &at))
		return false;
	for (size_t i = 0; i < f->env->nrcpts; i++) {
		if (f->env->rcpts[i].state == RCPT_FAILED)
			f->env->rcpts[i].state = RCPT_WAITING;
		f->env->rcpts[i].is_told = false;
	}
	forget_offer(f);
	*f->st = (struct journal_state) { .life_from_s = at / 1000 };
	return true;
}

static bool
replay_done(struct replay *f, struct bytes args)
{
	int64_t at;

	if (!spool_number(args, &at))
		return false;
	f->st->is_done = true;
	return true;
}

static const struct {
	const char *event;
	bool (*fold)(struct replay *f, struct bytes args);
} events[] = {
	{ "attempt", replay_attempt },
	{ "seen", replay_seen },
	{ "rcpt", replay_rcpt },
	{ "offer", replay_offer },
	{ "next", replay_next },
	{ "hold", replay_hold },
	{ "release", replay_release },
	{ "requeue", replay_requeue },
	{ "told", replay_told },
	{ "delay-told", replay_delay_told },
	{ "equal", replay_equal },
	{ "done", replay_done },
};
enum { NEVENTS = sizeof(events) / sizeof(events[0]) };

static bool
replay_line(struct replay *f, struct bytes line)
{
	struct bytes event;

	if (!spool_take_field(&line, &event))
		return false;
	for (size_t i = 0; i < NEVENTS; i++)
		if (bytes_eq(event, events[i].event))
			return events[i].fold(f, line);
	return false;
}

/* What no answer was noted for. */
static void
settle_offer(struct replay *f)
{
	struct verdict v;

	if (f->offered == NULL)
		return;
	verdict_unanswered(&v, f->who);
	for (size_t i = 0; i < f->env->nrcpts; i++)
		if (f->offered[i] && f->env->rcpts[i].state == RCPT_WAITING)
			rcpt_set_verdict(&f->env->rcpts[i], &v);
}

static bool
replay_lines(struct replay *f, struct bytes journal, size_t *ret_good)
{
	struct bytes rest = journal, line;
	bool is_torn = false;

	*ret_good = 0;
	while (spool_take_line(&rest, &line)) {
		struct bytes note;

		if (!spool_line_check(line, &note)) {
			is_torn = true;
			continue;
		}
		/* A sound line behind a bad one: that was no crash. */
		if (is_torn || !replay_line(f, note))
			return false;
		*ret_good = journal.n - rest.n;
	}
	return true;
}

bool
journal_parse(struct bytes journal, struct envelope *env,
    struct journal_state *st, size_t *ret_good)
{
	struct replay f = { .env = env, .st = st };
	size_t good;
	bool ok = replay_lines(&f, journal, &good);

	if (ok) {
		settle_offer(&f);
		*ret_good = good;
	}
	forget_offer(&f);
	return ok;
}
