/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/journal_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "base/str.h"
#include "mail/verdict.h"
#include "store/journal.h"
#include "store/spool_word.h"

/* The recipient with this number, or NULL. */
static const struct rcpt *
rcpt_at(const struct envelope *env, struct bytes index)
{
	uint64_t i;

	return env->nrcpts > 0 && num_u64_max(index, env->nrcpts - 1, &i)
		   ? &env->rcpts[i]
		   : NULL;
}

static bool
say_rcpt(struct bytes args, const struct envelope *env, struct buf *to)
{
	static const struct {
		const char *state, *words;
	} states[] = {
		{ "waiting", "is tried again" },
		{ "sent", "sent" },
		{ "failed", "failed" },
	};
	struct verdict v = { 0 };
	const struct rcpt *r;
	struct bytes index, state;

	if (!spool_take_field(&args, &index) ||
	    !spool_take_field(&args, &state) ||
	    (r = rcpt_at(env, index)) == NULL || !journal_verdict(args, &v))
		return false;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (bytes_eq(state, states[i].state)) {
			IGNORE(buf_addf(to, "%s: %s: ", r->addr,
			    states[i].words)); /* cut if it is full */
			verdict_text(&v, to);
			return true;
		}
	return false;
}

static bool
say_attempt(struct bytes args, const struct envelope *env, struct buf *to)
{
	(void)args;
	(void)env;
	return buf_adds(to, "delivery attempt");
}

static bool
say_offer(struct bytes args, const struct envelope *env, struct buf *to)
{
	struct bytes who;
	char *name;
	bool ok;

	(void)env;
	/* "-": every answer has come, and each has a line of its own. */
	if (!spool_take_field(&args, &who) || bytes_eq(args, "-") ||
	    (name = spool_unescape_field(who)) == NULL)
		return false;
	ok = buf_addf(to, "the end of the message is sent to %s", name);
	free(name);
	return ok;
}

static bool
say_hold(struct bytes args, const struct envelope *env, struct buf *to)
{
	char *why = spool_unescape(args);
	bool ok = why != NULL && buf_addf(to, "held: %s", why);

	(void)env;
	free(why);
	return ok;
}

static bool
say_told(struct bytes args, const struct envelope *env, struct buf *to)
{
	const struct rcpt *r = rcpt_at(env, args);

	return r != NULL &&
	       buf_addf(to, "a notice says that %s has failed", r->addr);
}

static bool
say_release(struct bytes args, const struct envelope *env, struct buf *to)
{
	(void)args;
	(void)env;
	return buf_adds(to, "released");
}

static bool
say_requeue(struct bytes args, const struct envelope *env, struct buf *to)
{
	(void)args;
	(void)env;
	return buf_adds(to, "put back into the queue");
}

static bool
say_delay_told(struct bytes args, const struct envelope *env, struct buf *to)
{
	(void)args;
	(void)env;
	return buf_adds(to, "a notice tells the sender of the delay");
}

static bool
say_equal(struct bytes args, const struct envelope *env, struct buf *to)
{
	(void)args;
	(void)env;
	return buf_adds(to, "one more equal message is folded into this one");
}

/* "seen" and "next" are for the schedule alone; the listing says when the next
 * attempt is. */
static const struct {
	const char *event;
	bool has_time;
	bool (*say)(
	    struct bytes args, const struct envelope *env, struct buf *to);
} events[] = {
	{ "attempt", true, say_attempt },
	{ "rcpt", false, say_rcpt },
	{ "offer", true, say_offer },
	{ "hold", true, say_hold },
	{ "release", true, say_release },
	{ "requeue", true, say_requeue },
	{ "told", true, say_told },
	{ "delay-told", true, say_delay_told },
	{ "equal", true, say_equal },
};

/* What stands before the first blank, or all of it. */
static struct bytes
take_word(struct bytes *from)
{
	struct bytes word;

	if (spool_take_field(from, &word))
		return word;
	word = *from;
	*from = bytes_of(from->p + from->n, 0);
	return word;
}

bool
journal_text(struct bytes line, const struct envelope *env, struct buf *to,
    int64_t *ret_wall_ms)
{
	struct bytes event = take_word(&line);
	int64_t at_ms = *ret_wall_ms;

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (!bytes_eq(event, events[i].event))
			continue;
		if (events[i].has_time &&
		    !spool_number(take_word(&line), &at_ms))
			return false;
		if (!events[i].say(line, env, to))
			return false;
		*ret_wall_ms = at_ms;
		return true;
	}
	return false;
}
