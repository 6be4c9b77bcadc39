/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock_sys.h - the real clock (base/clock.h) and random source (base/rng.h).
 *
 * CLOCK_BOOTTIME for intervals, CLOCK_REALTIME for people, getrandom(2) for
 * the rest.  None of them fails or blocks once the machine is up.
 */
#ifndef SYS_CLOCK_SYS_H
#define SYS_CLOCK_SYS_H

#include "base/clock.h"
#include "base/rng.h"

/* Constant tables, for any thread. */
const struct clock *clock_sys(void);
const struct rng *rng_sys(void);

#endif
