/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/standing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"

/* Begins the line of what everybody is told, where that is another sentence. */
static const char told_word[] = "told ";

enum {
	PAUSE_MIN_MS = 500,
	PAUSE_MAX_MS = 15 * 60 * 1000,
	DOUBTS_MAX = 5 /* short pauses */
};

void
standing_down(struct standing *s, enum account_state state,
    const struct standing_why *why, int64_t now_ms, int64_t wait_ms)
{
	if (s->reason[0] == '\0')
		s->troubled_since_ms = now_ms;
	s->state = state;
	s->is_proven = false;
	(void)snprintf(s->reason, sizeof(s->reason), "%s", why->reason);
	(void)snprintf(s->public_reason, sizeof(s->public_reason), "%s",
	    why->public_reason != NULL ? why->public_reason : why->reason);
	s->until_ms = now_ms + wait_ms;
}

/* The first wait is a quarter of retry_after; it doubles up to a quarter of an
 * hour, with a tenth of jitter. */
int64_t
standing_pause_ms(struct standing *s, enum standing_blame blame,
    int64_t retry_after_ms, const struct rng *rng)
{
	int64_t wait = retry_after_ms / 4;

	if (blame == BLAME_MESSAGE)
		wait = PAUSE_MIN_MS;
	else if (blame == BLAME_OPEN && s->doubts < DOUBTS_MAX)
		wait >>= DOUBTS_MAX - s->doubts++;
	else
		for (int i = s->troubles++; i > 0 && wait < PAUSE_MAX_MS; i--)
			wait *= 2;
	if (wait < PAUSE_MIN_MS)
		wait = PAUSE_MIN_MS;
	if (wait > PAUSE_MAX_MS)
		wait = PAUSE_MAX_MS;
	return wait + rng_below(rng, (uint32_t)(wait / 10 + 1));
}

/* R57: tries after a refused login, at most 12 a day. */
int64_t
standing_hold_ms(struct standing *s)
{
	static const int64_t waits_s[] = { 60, 15 * 60, 3600, 6 * 3600 };
	size_t last = sizeof(waits_s) / sizeof(waits_s[0]) - 1;
	size_t i = (size_t)s->refusals < last ? (size_t)s->refusals : last;

	s->refusals++;
	return waits_s[i] * 1000;
}

void
standing_let_try(struct standing *s)
{
	s->state = ACCOUNT_READY;
	s->until_ms = 0;
	s->is_window_closed = s->is_own_limit = false;
}

void
standing_forget_reason(struct standing *s)
{
	s->reason[0] = s->public_reason[0] = '\0';
}

void
standing_clear(struct standing *s)
{
	*s = (struct standing) { .state = ACCOUNT_READY,
		.is_proven = s->is_proven };
}

/* One line: state, when it ends (wall clock), refusals in a row, reason; one
 * that says which login it is about; and what everybody is told. */
void
standing_save(
    const struct standing *s, int64_t now_ms, int64_t now_s, struct buf *to)
{
	/* Our own limits follow from what has been spent. */
	if (s->state == ACCOUNT_READY || s->is_own_limit)
		return;
	IGNORE(buf_addf(to, "%s %" PRId64 " %d %s\n",
	    s->state == ACCOUNT_HELD ? "held"
	    : s->is_window_closed    ? "quota"
				     : "paused",
	    now_s + (s->until_ms - now_ms) / 1000, s->refusals,
	    s->reason)); /* fits: DIAGNOSIS_REASON_MAX */
	if (s->state == ACCOUNT_HELD && s->mark.is_set)
		login_mark_save(&s->mark, to);
	if (strcmp(s->public_reason, s->reason) != 0)
		IGNORE(buf_addf(to, "%s%s\n", told_word, s->public_reason));
}

static void
load_line(struct standing *s, const char *line)
{
	size_t n = strlen(told_word);

	if (strncmp(line, told_word, n) == 0)
		(void)snprintf(
		    s->public_reason, sizeof(s->public_reason), "%s", line + n);
	else if (s->state == ACCOUNT_HELD)
		login_mark_load(&s->mark, line);
}

void
standing_load(
    struct standing *s, int64_t now_ms, int64_t now_s, struct bytes saved)
{
	char *text = xstrndup(saved.p, saved.n), *reason = text;
	const char *until, *refusals;
	uint64_t at, n;

	(void)strsep(&reason, " ");
	until = strsep(&reason, " ");
	refusals = strsep(&reason, " ");
	if (reason != NULL &&
	    num_u64_max(
		bytes_of(until, strlen(until)), INT64_MAX / 1000, &at) &&
	    num_u64_max(bytes_of(refusals, strlen(refusals)), 1000, &n) &&
	    (int64_t)at > now_s && (int64_t)at < now_s + 86400 + 3600 &&
	    strcmp(text, "paused") != 0) {
		char *rest = reason, *line;

		reason = strsep(&rest, "\n");
		s->state = strcmp(text, "held") == 0 ? ACCOUNT_HELD
						     : ACCOUNT_PAUSED;
		s->is_window_closed = s->state == ACCOUNT_PAUSED;
		s->is_on_trial = s->is_window_closed;
		s->refusals = (int)n;
		s->until_ms = now_ms + ((int64_t)at - now_s) * 1000;
		(void)snprintf(s->reason, sizeof(s->reason), "%s", reason);
		(void)snprintf(
		    s->public_reason, sizeof(s->public_reason), "%s", reason);
		while ((line = strsep(&rest, "\n")) != NULL)
			load_line(s, line);
	}
	free(text);
}

static const char *const causes[STANDING_CAUSES] = {
	[STANDING_WORKED] = "ready worked\n",
	[STANDING_PERSON] = "ready person\n",
	[STANDING_RENEWED] = "ready renewed\n",
};

void
standing_say(const struct standing *s, enum standing_cause cause,
    int64_t now_ms, int64_t now_s, struct buf *to)
{
	if (s->state == ACCOUNT_HELD ||
	    (s->is_window_closed && !s->is_own_limit))
		standing_save(s, now_ms, now_s, to);
	else if (cause != STANDING_NONE)
		IGNORE(buf_adds(to, causes[cause])); /* fits */
}

bool
standing_hear(struct standing *ret, enum standing_cause *ret_cause,
    int64_t now_ms, int64_t now_s, struct bytes said)
{
	for (int i = STANDING_NONE + 1; i < STANDING_CAUSES; i++)
		if (bytes_eq(said, causes[i])) {
			*ret_cause = (enum standing_cause)i;
			return false;
		}
	*ret = (struct standing) { .state = ACCOUNT_READY };
	standing_load(ret, now_ms, now_s, said);
	*ret_cause = STANDING_PERSON; /* its time is over: as if somebody had */
	return ret->state != ACCOUNT_READY;
}
