/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/clock_sys.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t
read_ms(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		abort(); /* Linux has had each of these clocks since 2011 */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t
sys_boot_ms(void *ctx)
{
	(void)ctx;
	return read_ms(CLOCK_BOOTTIME);
}

static int64_t
sys_wall_ms(void *ctx)
{
	(void)ctx;
	return read_ms(CLOCK_REALTIME);
}

static int32_t
sys_utc_offset_s(void *ctx, int64_t wall_ms)
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;

	(void)ctx;
	/* A time_t of 32 bits has no zone to tell beyond 2038. */
	if (t != wall_ms / 1000 || localtime_r(&t, &tm) == NULL)
		return 0;
	return (int32_t)tm.tm_gmtoff;
}

static void
sys_fill(void *ctx, void *p, size_t n)
{
	unsigned char *q = p;

	(void)ctx;
	while (n > 0) {
		ssize_t got = getrandom(q, n, 0);

		if (got < 0)
			continue; /* EINTR; nothing else can happen here */
		q += got;
		n -= (size_t)got;
	}
}

const struct clock *
clock_sys(void)
{
	static const struct clock c = { sys_boot_ms, sys_wall_ms,
		sys_utc_offset_s, NULL };

	return &c;
}

const struct rng *
rng_sys(void)
{
	static const struct rng r = { sys_fill, NULL };

	return &r;
}
