/* SPDX-License-Identifier: GPL-3.0-or-later */
/* work.h - one blocking piece of work, and who does it.
 *
 * The event loop does it on its worker threads (net/loop.h); tests do it at
 * once, or when they want.
 */
#ifndef BASE_WORK_H
#define BASE_WORK_H

#include <stdbool.h>

/* run() is called on some other thread, and done() afterwards on the loop's; in
 * tests both at once.  Embedded in what owns it, and the owner's until
 * done(). */
struct work {
	void (*run)(struct work *w);
	void (*done)(struct work *w);
	void *priv; /* for the pool */
};

struct work_pool {
	void (*submit)(void *ctx, struct work *w);
	/* True: it had not started and never will; done() is not called. */
	bool (*cancel)(void *ctx, struct work *w);
	void *ctx;
};

#endif
