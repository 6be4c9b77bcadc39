/* SPDX-License-Identifier: GPL-3.0-or-later */
/* budget.h - counts how much an account or a user may still send, in
 * rolling windows.
 *
 * Three windows, a minute, an hour and a day; each counts recipients, as
 * providers do, in slots of a sixtieth of its length, so that in no window,
 * wherever it begins, more than the limit is spent (but by one message with
 * many recipients: it goes when there is room for one).
 *
 * Times are seconds since 1970, because the counts survive a restart; from one
 * call to the next they should go on as time does.  If the clock is set back,
 * the counts move back with it: no limit is exceeded, and nothing waits until
 * the clock has caught up (R47).  A value without I/O.
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
		bool is_warned; /* 80 % has been told */
	} windows[BUDGET_WINDOWS];
};

void budget_init(
    struct budget *b, uint64_t per_minute, uint64_t per_hour, uint64_t per_day);

/* Other limits; what has been spent stays spent. */
void budget_set_limits(
    struct budget *b, uint64_t per_minute, uint64_t per_hour, uint64_t per_day);

/* Counts in every window, because a limit may be set later. */
void budget_spend(struct budget *b, uint32_t n, int64_t now_s);
/* What was counted elsewhere, by a clock that said other_now_s when this one
 * says now_s, is counted here, too, as long ago as there. */
void budget_add(struct budget *b, int64_t now_s, const struct budget *other,
    int64_t other_now_s);
/* Seconds until there is room for one more, 0: now.  The limit that is used up
 * goes to *ret_name ("max_per_hour") and *ret_max if they are not NULL. */
int64_t budget_wait_s(
    struct budget *b, int64_t now_s, const char **ret_name, uint64_t *ret_max);
/* The name of a limit of which 80 % is used, once per time that happens; NULL:
 * none. */
const char *budget_warning(struct budget *b, int64_t now_s);

/* What is used of each window with a limit; how many there are. */
struct budget_use {
	const char *window; /* "minute", "hour", "day" */
	uint64_t used, max;
};
size_t budget_uses(const struct budget *b, int64_t now_s,
    struct budget_use ret[BUDGET_WINDOWS]);

/* One line per window with a limit, to be kept; and back.  Nonsense is
 * skipped. */
void budget_save(const struct budget *b, struct buf *to);
void budget_load(struct budget *b, struct bytes saved);

#endif
