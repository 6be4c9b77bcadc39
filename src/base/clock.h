/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock.h - the time, as a table of functions, so that tests can fake it.
 *
 * Intervals are measured on boot_ms, which never jumps and counts suspend
 * (CLOCK_BOOTTIME, R47); wall_ms is for people and for ages that must survive
 * a restart.  The real clock is sys/clock_sys.h.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
	int64_t (*boot_ms)(void *ctx);
	int64_t (*wall_ms)(void *ctx);
	/* Seconds east of UTC that local time is at that moment. */
	int32_t (*utc_offset_s)(void *ctx, int64_t wall_ms);
	void *ctx;
};

static inline int64_t
clock_boot_ms(const struct clock *c)
{
	return c->boot_ms(c->ctx);
}

static inline int64_t
clock_wall_ms(const struct clock *c)
{
	return c->wall_ms(c->ctx);
}

static inline int32_t
clock_utc_offset_s(const struct clock *c, int64_t wall_ms)
{
	return c->utc_offset_s(c->ctx, wall_ms);
}

#endif
