/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/reuse.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum { SPENT_MIN = 5 }; /* messages before a 421 that may be their limit */

void
reuse_carry(struct reuse *s, bool is_idle)
{
	if (is_idle)
		s->is_reused = s->answered > 0;
	s->carried++;
}

/* Any of these words, separated by "|". */
static bool
has_word(const struct verdict *v, const char *words)
{
	char pattern[40];

	for (size_t n; *words != '\0'; words += n + (words[n] == '|')) {
		n = strcspn(words, "|");
		(void)snprintf(
		    pattern, sizeof(pattern), "*%.*s*", (int)n, words);
		if (str_match(pattern, v->text))
			return true;
	}
	return false;
}

/* After accepted messages on this connection, the answer is about their number
 * or about a time limit.  A plain 421 counts as such only once: if the next
 * connection gets one before it has carried anything, the provider is in
 * trouble. */
static bool
is_end_of_reuse(
    const struct reuse *s, const struct verdict *v, enum diagnosis_act act)
{
	bool stops_account = act == DIAGNOSIS_QUOTA ||
			     act == DIAGNOSIS_HOLD_ACCOUNT;

	if (v->class == VERDICT_OK || v->code == 503)
		return false;
	if (s->has_taken && act == DIAGNOSIS_RECONNECT)
		return true;
	if (v->code != 421)
		return false;
	return (s->has_taken &&
		   (!stops_account ||
		       has_word(v, "session|connection|too many messages"))) ||
	       (v->stage == STAGE_MAIL &&
		   (s->is_reused || s->answered >= SPENT_MIN));
}

/* The server says itself that there is a limit. */
static bool
names_limit(const struct verdict *v, enum diagnosis_act act)
{
	return (act == DIAGNOSIS_RECONNECT ||
		   has_word(v, "session|connection|messages")) &&
	       has_word(v, "too many|max|limit|enough");
}

enum reuse_news
reuse_heard(struct reuse *s, const struct verdict *v, enum diagnosis_act act,
    bool is_void)
{
	bool was_reused = s->is_reused;

	/* The first message that ends without an answer broke the
	 * connection. */
	if ((v->code == 0 || v->code == 421) && !s->has_broken &&
	    v->stage != STAGE_LOCAL) {
		s->has_broken = true;
		s->was_idle = v->code == 0 && v->stage == STAGE_MAIL &&
			      s->answered > 0;
	}
	if (s->is_over || is_void)
		return REUSE_GOES_ON;
	s->is_over = is_end_of_reuse(s, v, act);
	s->is_reused = false;
	if (s->is_over) {
		if (names_limit(v, act))
			return REUSE_LIMIT;
		return s->answered >= SPENT_MIN && !was_reused
			   ? REUSE_MAYBE_LIMIT
			   : REUSE_SPENT;
	}
	if (act == DIAGNOSIS_RECONNECT) {
		s->is_over = true;
		return REUSE_BROKEN;
	}
	if (v->code != 0 && v->code != 421) {
		s->answered++;
		s->has_taken |= v->class == VERDICT_OK;
	}
	return REUSE_GOES_ON;
}
