/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/budget.h"

#include <inttypes.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "base/str.h"

static const struct {
	const char *name;
	int64_t slot_s; /* a sixtieth of the window */
} kinds[BUDGET_WINDOWS] = {
	{ "max_per_minute", 1 },
	{ "max_per_hour", 60 },
	{ "max_per_day", 1440 },
};

void
budget_init(
    struct budget *b, uint64_t per_minute, uint64_t per_hour, uint64_t per_day)
{
	*b = (struct budget) { .windows = { { .max = per_minute },
				   { .max = per_hour }, { .max = per_day } } };
}

void
budget_set_limits(
    struct budget *b, uint64_t per_minute, uint64_t per_hour, uint64_t per_day)
{
	const uint64_t max[BUDGET_WINDOWS] = { per_minute, per_hour, per_day };

	for (size_t i = 0; i < BUDGET_WINDOWS; i++)
		b->windows[i].max = max[i];
}

/* The clock was wrong when this was spent, or it is now: what counts is how
 * long ago it seems, so all of it moves back with the clock.  Otherwise a limit
 * would stay used up until the clock has caught up, which may take years. */
static void
move_back(struct budget_window *w, int64_t slot)
{
	struct budget_window was = *w;

	for (int64_t k = 0; k < BUDGET_SLOTS; k++)
		w->counts[(slot + BUDGET_SLOTS - k) % BUDGET_SLOTS] =
		    was.counts[(was.slot + BUDGET_SLOTS - k) % BUDGET_SLOTS];
	w->slot = slot;
}

/* Forgets the slots that have left the window.  One slot more than the window
 * is long is kept, so that what was spent early in a slot is not forgotten
 * before its time. */
static void
move_on(struct budget_window *w, int64_t now_s, int64_t slot_s)
{
	int64_t slot = now_s / slot_s;

	if (slot < w->slot)
		move_back(w, slot);
	if (slot >= w->slot + BUDGET_SLOTS) {
		memset(w->counts, 0, sizeof(w->counts));
		w->sum = 0;
		w->slot = slot;
	}
	while (w->slot < slot) {
		uint32_t *c = &w->counts[++w->slot % BUDGET_SLOTS];

		w->sum -= *c;
		*c = 0;
	}
	if (w->sum * 10 < w->max * 8)
		w->is_warned = false;
}

void
budget_spend(struct budget *b, uint32_t n, int64_t now_s)
{
	for (size_t i = 0; i < BUDGET_WINDOWS; i++) {
		struct budget_window *w = &b->windows[i];

		move_on(w, now_s, kinds[i].slot_s);
		w->counts[w->slot % BUDGET_SLOTS] += n;
		w->sum += n;
	}
}

/* All of a slot counts as if it had been spent at its end, so that nothing is
 * forgotten too early. */
static void
add_slot(struct budget_window *to, int64_t at_s, int64_t slot_s, uint32_t n)
{
	int64_t slot = at_s / slot_s;
	uint32_t *c = &to->counts[slot % BUDGET_SLOTS];

	if (slot <= to->slot - BUDGET_SLOTS)
		return; /* it has left the window */
	if (n > UINT32_MAX - *c)
		n = UINT32_MAX - *c;
	*c += n;
	to->sum += n;
}

void
budget_add(struct budget *b, int64_t now_s, const struct budget *other,
    int64_t other_now_s)
{
	struct budget from = *other;

	for (size_t i = 0; i < BUDGET_WINDOWS; i++) {
		struct budget_window *w = &from.windows[i];
		int64_t slot_s = kinds[i].slot_s;

		move_on(&b->windows[i], now_s, slot_s);
		move_on(w, other_now_s, slot_s);
		for (int64_t k = 0; k < BUDGET_SLOTS && k <= w->slot; k++) {
			int64_t slot = w->slot - k;
			int64_t end_s = (slot + 1) * slot_s - 1;
			int64_t ago_s = end_s < other_now_s
					    ? other_now_s - end_s
					    : 0;

			add_slot(&b->windows[i], now_s - ago_s, slot_s,
			    w->counts[slot % BUDGET_SLOTS]);
		}
	}
}

/* Slots until enough of the oldest counts have left. */
static int64_t
slots_to_wait(const struct budget_window *w)
{
	uint64_t sum = w->sum;

	for (int64_t k = 1; k <= BUDGET_SLOTS; k++) {
		sum -= w->counts[(w->slot + k) % BUDGET_SLOTS];
		if (sum < w->max)
			return k;
	}
	return BUDGET_SLOTS;
}

int64_t
budget_wait_s(
    struct budget *b, int64_t now_s, const char **ret_name, uint64_t *ret_max)
{
	int64_t longest = 0;

	for (size_t i = 0; i < BUDGET_WINDOWS; i++) {
		struct budget_window *w = &b->windows[i];
		int64_t wait;

		if (w->max == 0)
			continue;
		move_on(w, now_s, kinds[i].slot_s);
		if (w->sum < w->max)
			continue;
		wait = (w->slot + slots_to_wait(w)) * kinds[i].slot_s - now_s;
		if (wait <= longest)
			continue;
		longest = wait;
		if (ret_name != NULL)
			*ret_name = kinds[i].name;
		if (ret_max != NULL)
			*ret_max = w->max;
	}
	return longest;
}

const char *
budget_warning(struct budget *b, int64_t now_s)
{
	for (size_t i = 0; i < BUDGET_WINDOWS; i++) {
		struct budget_window *w = &b->windows[i];

		if (w->max == 0)
			continue;
		move_on(w, now_s, kinds[i].slot_s);
		if (w->is_warned || w->sum * 10 < w->max * 8)
			continue;
		w->is_warned = true;
		return kinds[i].name;
	}
	return NULL;
}

size_t
budget_uses(const struct budget *b, int64_t now_s,
    struct budget_use ret[BUDGET_WINDOWS])
{
	struct budget now = *b;
	size_t n = 0;

	for (size_t i = 0; i < BUDGET_WINDOWS; i++) {
		struct budget_window *w = &now.windows[i];

		if (w->max == 0)
			continue;
		move_on(w, now_s, kinds[i].slot_s);
		ret[n++] = (struct budget_use) {
			strrchr(kinds[i].name, '_') + 1, w->sum, w->max
		};
	}
	return n;
}

void
budget_save(const struct budget *b, struct buf *to)
{
	for (size_t i = 0; i < BUDGET_WINDOWS; i++) {
		const struct budget_window *w = &b->windows[i];

		if (w->max == 0)
			continue;
		IGNORE(buf_addf(to, "%s %" PRId64, kinds[i].name, w->slot));
		for (size_t k = 0; k < BUDGET_SLOTS; k++)
			IGNORE(buf_addf(to, " %" PRIu32, w->counts[k]));
		IGNORE(buf_addc(to, '\n')); /* too long to keep: forgotten */
	}
}

static void
load_line(struct budget *b, struct bytes line)
{
	struct bytes name = bytes_cut(&line, ' ');
	uint64_t slot, n;

	if (!num_u64_max(bytes_cut(&line, ' '), INT64_MAX / 1440 - 100, &slot))
		return;
	for (size_t i = 0; i < BUDGET_WINDOWS; i++) {
		struct budget_window *w = &b->windows[i];

		if (!bytes_eq(name, kinds[i].name))
			continue;
		w->slot = (int64_t)slot;
		w->sum = 0;
		for (size_t k = 0; k < BUDGET_SLOTS; k++) {
			bool ok = num_u64_max(
			    bytes_cut(&line, ' '), UINT32_MAX, &n);

			w->counts[k] = ok ? (uint32_t)n : 0;
			w->sum += w->counts[k];
		}
	}
}

void
budget_load(struct budget *b, struct bytes saved)
{
	while (saved.n > 0)
		load_line(b, bytes_cut(&saved, '\n'));
}
