/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/retry.h"

/* A tenth, in steps of a thousandth. */
enum { JITTER_STEPS = 100, JITTER_SCALE = 1000 };

int64_t
retry_wait_ms(const struct retry *r, int attempts, const struct rng *rng)
{
	int64_t wait = r->after_ms, step;

	for (int i = 1; i < attempts && wait < r->max_ms; i++)
		wait *= 2;
	if (wait > r->max_ms)
		wait = r->max_ms;
	step = (int64_t)rng_below(rng, 2 * JITTER_STEPS + 1) - JITTER_STEPS;
	return wait + wait / JITTER_SCALE * step +
	       wait % JITTER_SCALE * step / JITTER_SCALE;
}

int64_t
retry_age_ms(int64_t arrived_wall_ms, int64_t now_wall_ms, int64_t seen_ms)
{
	int64_t wall = now_wall_ms - arrived_wall_ms;
	int64_t age = wall < seen_ms ? wall : seen_ms;

	return age > 0 ? age : 0;
}

int64_t
retry_resume_ms(const struct retry *r, int64_t due_wall_ms, int64_t now_wall_ms)
{
	int64_t wait = due_wall_ms - now_wall_ms;

	if (wait < 0)
		return 0;
	return wait < r->max_ms ? wait : r->max_ms;
}
