/* SPDX-License-Identifier: GPL-3.0-or-later */
/* budget.h - counts how many recipients an account or a user may still send to,
 * in rolling windows.
 *
 * There are three windows: a minute, an hour and a day.  Each counts
 * recipients, as providers do, in slots of a sixtieth of its length, so that in
 * no window, wherever it begins, the limit is exceeded (except by one message
 * with many recipients, which may be sent when there is room for one
 * recipient).
 *
 * Times are seconds since 1970, because the counts survive a restart.  If the
 * clock is set back, the counts move back with it: no limit is exceeded, and
 * nothing waits until the clock has caught up (R47).  A value without I/O.
 */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { BUDGET_WINDOWS = 3, BUDGET_SLOTS = 61 };

struct budget {
	struct budget_window {
		uint64_t max; /* 0: no limit */
		int64_t slot; /* the newest one counted in */
		uint32_t counts[BUDGET_SLOTS]; /* by slot modulo */
		uint64_t sum;
		bool is_warned; /* the 80 % warning was given */
	} windows[BUDGET_WINDOWS];
};

void budget_init(
    struct budget *b, uint64_t per_minute, uint64_t per_hour, uint64_t per_day);

/* Changes the limits; counts stay. */
void budget_set_limits(
    struct budget *b, uint64_t per_minute, uint64_t per_hour, uint64_t per_day);

/* Counts n recipients in every window, because a limit may be set later. */
void budget_spend(struct budget *b, uint32_t n, int64_t now_s);
/* Adds the counts of other, whose clock says other_now_s when this one says
 * now_s, with the same age. */
void budget_add(struct budget *b, int64_t now_s, const struct budget *other,
    int64_t other_now_s);
/* Seconds until one more recipient is allowed; 0: now.  If they are not NULL,
 * *ret_name ("max_per_hour") and *ret_max tell the limit that is used up. */
int64_t budget_wait_s(
    struct budget *b, int64_t now_s, const char **ret_name, uint64_t *ret_max);
/* The name of a limit that has just reached 80 %, once each time; NULL:
 * none. */
const char *budget_warning(struct budget *b, int64_t now_s);

/* Fills in how much of each window with a limit is used; returns the number of
 * these windows. */
struct budget_use {
	const char *window; /* "minute", "hour", "day" */
	uint64_t used, max;
};
size_t budget_uses(const struct budget *b, int64_t now_s,
    struct budget_use ret[BUDGET_WINDOWS]);

/* Saves one line per window with a limit; reads them.  Invalid lines are
 * skipped. */
void budget_save(const struct budget *b, struct buf *to);
void budget_load(struct budget *b, struct bytes saved);

#endif
