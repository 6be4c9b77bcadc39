/* SPDX-License-Identifier: GPL-3.0-or-later */
/* loop.h - the event loop of the program, over libuv.
 *
 * There is one loop, on one thread.  The loop owns the shared read buffer,
 * timers, "soon" tasks, signal handlers, and the jobs of the worker threads.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/work.h"

struct loop;
struct loop_timer;

/* clock is borrowed.  From then on the process ignores SIGPIPE. */
int loop_new(const struct clock *clock, struct loop **ret, struct err *err);
/* All streams, listeners and timers must have been freed.  Completes pending
 * closes and cuts lingering streams.  Waits at most a second for jobs on worker
 * threads (a slow name look-up).  False: a job is still running, and what it
 * works on must not be freed. */
bool loop_free(struct loop *l);
/* loop_run() runs until loop_stop(), which may be called on the loop only.
 * loop_run_once() runs one turn, waiting or not, for tests. */
void loop_run(struct loop *l);
void loop_run_once(struct loop *l, bool may_wait);
void loop_stop(struct loop *l);
const struct clock *loop_clock(const struct loop *l);
int64_t loop_now_ms(const struct loop *l); /* on the boot clock */

/* A timer on the boot clock.  Setting it replaces the time; INT64_MAX disarms
 * it.  fire() is called once for each setting. */
struct loop_timer *loop_timer_new(
    struct loop *l, void (*fire)(void *ctx), void *ctx);
void loop_timer_set(struct loop_timer *t, int64_t at_boot_ms);
void loop_timer_free(struct loop_timer *t);

/* A task that runs after the current callback, before the loop waits again.  It
 * is embedded in its owner.  run() is called once, however often loop_soon()
 * was called before.  loop_task_init() first; loop_soon_cancel() before the
 * owner is freed (harmless if no call is due). */
struct loop_task {
	struct list link;
	void (*run)(struct loop_task *t);
};
void loop_task_init(struct loop_task *t, void (*run)(struct loop_task *t));
void loop_soon(struct loop *l, struct loop_task *t);
void loop_soon_cancel(struct loop_task *t);

/* fire() is called on the loop, never in a signal handler (R21).  Stays in
 * force until loop_free(). */
int loop_on_signal(struct loop *l, int sig, void (*fire)(void *ctx, int sig),
    void *ctx, struct err *err);

/* Calls ready() while fd is readable.  fd still belongs to the caller. */
struct loop_watch;
int loop_watch_new(struct loop *l, int fd, void (*ready)(void *ctx), void *ctx,
    struct loop_watch **ret, struct err *err);
void loop_watch_free(struct loop_watch *w); /* before fd is closed */

/* The worker threads (base/work.h).  w is borrowed until its done().
 * loop_cancel() true: w had not started and never will, and done() is not
 * called. */
struct work_pool loop_pool(struct loop *l);
void loop_submit(struct loop *l, struct work *w);
bool loop_cancel(struct loop *l, struct work *w);

/* Jobs whose duration others control, by kind.  Only a few of each kind run at
 * once and the rest wait, so that the disk always finds a free worker thread: a
 * name service, a password command or a provider that hangs must not stop
 * messages that do not need it.  These jobs cannot be cancelled. */
enum loop_lane {
	LOOP_LANE_NAMES, /* addresses of hosts */
	LOOP_LANE_PEOPLE, /* the user database */
	LOOP_LANE_SECRETS, /* files, commands, keyrings */
	LOOP_LANE_KEYS, /* keys derived from passwords */
	LOOP_LANE_VIEWS, /* queries of people to a remote store */
	LOOP_LANES
};
void loop_submit_slow(struct loop *l, enum loop_lane lane, struct work *w);

#endif
