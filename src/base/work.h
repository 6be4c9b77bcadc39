/* SPDX-License-Identifier: GPL-3.0-or-later */
/* work.h - one blocking piece of work, and the table of functions that runs it.
 *
 * The event loop runs work on its worker threads (net/loop.h); tests run it at
 * once or when they choose.
 */
#ifndef BASE_WORK_H
#define BASE_WORK_H

#include <stdbool.h>

/* run() is called on another thread, and done() afterwards on the loop's
 * thread; in tests both on the same thread.  Embedded in its owner, which must
 * not free it before done(). */
struct work {
	void (*run)(struct work *w);
	void (*done)(struct work *w);
	void *priv; /* for the pool */
};

struct work_pool {
	void (*submit)(void *ctx, struct work *w);
	/* True: w had not started and never will; done() is not called. */
	bool (*cancel)(void *ctx, struct work *w);
	void *ctx;
};

#endif
