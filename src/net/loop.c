/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <uv.h>

#include "base/due.h"
#include "base/list.h"
#include "base/xalloc.h"
#include "net/loop_inside.h"

enum { FREE_WAIT_MS = 1000 };

/* The lanes take theirs, and what is left is the disk's alone. */
#define WORKER_THREADS "22"
static const int lane_max[LOOP_LANES] = {
	[LOOP_LANE_NAMES] = 8,
	[LOOP_LANE_PEOPLE] = 2,
	[LOOP_LANE_SECRETS] = 4,
	[LOOP_LANE_KEYS] = 2,
	[LOOP_LANE_VIEWS] = 2,
};

/* libuv's own timers count CLOCK_MONOTONIC, which stands still while the
 * machine sleeps; ours wake through one timerfd on CLOCK_BOOTTIME (R47,
 * R48). */
struct loop_timer {
	struct loop *l;
	void (*fire)(void *ctx);
	void *ctx;
	struct due_node node; /* in no heap: disarmed */
};

struct loop_signal {
	uv_signal_t uv;
	struct list link;
	void (*fire)(void *ctx, int sig);
	void *ctx;
};

/* Freed when libuv has given it back, which may be after the job is gone. */
struct job_req {
	uv_work_t uv;
	struct work *work; /* NULL: cancelled */
	struct loop *l;
	struct lane *lane; /* or NULL */
	struct list link; /* among those that wait in it */
};

struct lane {
	int left; /* so many more may run */
	struct list waiting;
};

struct loop {
	uv_loop_t uv;
	const struct clock *clock;
	uv_prepare_t prepare;
	uv_idle_t idle; /* active: do not wait for events */
	uv_poll_t wake;
	int timer_fd;
	int64_t armed_ms; /* when timer_fd will wake us; INT64_MAX: never */
	bool is_single; /* within loop_run_once() */
	struct due timers;
	struct list soon;
	struct list signals;
	struct lane lanes[LOOP_LANES];
	char *read_buf;
	struct loop_memory memory;
};

uv_loop_t *
loop_uv(struct loop *l)
{
	return &l->uv;
}

char *
loop_read_buf(struct loop *l)
{
	if (l->read_buf == NULL)
		l->read_buf = xmalloc(LOOP_READ_SIZE);
	return l->read_buf;
}

struct loop_memory *
loop_memory(struct loop *l)
{
	return &l->memory;
}

const struct clock *
loop_clock(const struct loop *l)
{
	return l->clock;
}

int64_t
loop_now_ms(const struct loop *l)
{
	return clock_boot_ms(l->clock);
}

/* --- timers ------------------------------------------------------------- */

struct loop_timer *
loop_timer_new(struct loop *l, void (*fire)(void *ctx), void *ctx)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	*t = (struct loop_timer) { .l = l, .fire = fire, .ctx = ctx };
	return t;
}

void
loop_timer_set(struct loop_timer *t, int64_t at_boot_ms)
{
	due_remove(&t->l->timers, &t->node);
	if (at_boot_ms != INT64_MAX)
		due_add(&t->l->timers, &t->node, at_boot_ms);
}

void
loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
		return;
	due_remove(&t->l->timers, &t->node);
	free(t);
}

/* True: something was called. */
static bool
timers_fire(struct loop *l)
{
	int64_t now = clock_boot_ms(l->clock);
	/* A timer that sets itself for now again waits for the next turn, so
	 * that it cannot keep the loop from its descriptors. */
	size_t most = l->timers.count;
	struct due_node *n;
	bool any = false;

	while (most-- > 0 && (n = due_first(&l->timers)) != NULL &&
	       n->due_ms <= now) {
		struct loop_timer *t = list_entry(n, struct loop_timer, node);

		due_remove(&l->timers, n);
		any = true;
		t->fire(t->ctx); /* may free t */
	}
	return any;
}

/* Only an earlier time needs the system call: a wake-up that comes too soon
 * finds nothing due and arms the right one.  So a session that pushes its
 * idle limit ahead with every command costs nothing here. */
static void
timers_arm(struct loop *l)
{
	const struct due_node *n = due_first(&l->timers);
	struct itimerspec its = { 0 };
	int64_t delay;

	if (n == NULL || n->due_ms >= l->armed_ms)
		return;
	l->armed_ms = n->due_ms;
	delay = l->armed_ms - clock_boot_ms(l->clock);
	if (delay <= 0)
		its.it_value.tv_nsec = 1;
	else {
		its.it_value.tv_sec = (time_t)(delay / 1000);
		its.it_value.tv_nsec = (long)(delay % 1000) * 1000000;
	}
	if (timerfd_settime(l->timer_fd, 0, &its, NULL) != 0)
		abort(); /* our own descriptor and a valid time */
}

static void
on_wake(uv_poll_t *h, int status, int events)
{
	struct loop *l = h->data;
	uint64_t times;

	(void)status;
	(void)events;
	if (read(l->timer_fd, &times, sizeof(times)) > 0)
		l->armed_ms = INT64_MAX;
	(void)timers_fire(l); /* the next prepare arms what is left */
}

/* --- soon --------------------------------------------------------------- */

void
loop_task_init(struct loop_task *t, void (*run)(struct loop_task *t))
{
	list_init(&t->link);
	t->run = run;
}

void
loop_soon(struct loop *l, struct loop_task *t)
{
	if (list_is_empty(&t->link))
		list_append(&l->soon, &t->link);
}

void
loop_soon_cancel(struct loop_task *t)
{
	list_remove(&t->link);
}

/* Runs the tasks that were due before this; tasks that they add wait for the
 * next turn. */
static bool
soon_run(struct loop *l)
{
	struct list now;
	bool any = false;

	if (list_is_empty(&l->soon))
		return false;
	list_init(&now);
	list_append(&l->soon, &now); /* all tasks before it run now */
	while (l->soon.next != &now) {
		struct list *link = l->soon.next;
		struct loop_task *t = list_entry(link, struct loop_task, link);

		list_remove(link);
		any = true;
		t->run(t);
	}
	list_remove(&now);
	return any;
}

static void
on_idle(uv_idle_t *h)
{
	(void)h; /* being active is all it is for */
}

/* Called right before the loop waits. */
static void
on_prepare(uv_prepare_t *h)
{
	struct loop *l = h->data;
	bool any = timers_fire(l);

	any |= soon_run(l);
	timers_arm(l);
	if (!list_is_empty(&l->soon) || (any && l->is_single))
		(void)uv_idle_start(&l->idle, on_idle); /* cannot fail */
	else
		(void)uv_idle_stop(&l->idle); /* cannot fail */
}

/* --- watches ------------------------------------------------------------ */

struct loop_watch {
	uv_poll_t uv;
	void (*ready)(void *ctx);
	void *ctx;
};

static void
on_readable(uv_poll_t *h, int status, int events)
{
	struct loop_watch *w = h->data;

	(void)status; /* reading will tell */
	(void)events;
	w->ready(w->ctx);
}

int
loop_watch_new(struct loop *l, int fd, void (*ready)(void *ctx), void *ctx,
    struct loop_watch **ret, struct err *err)
{
	struct loop_watch *w = xcalloc(1, sizeof(*w));
	int rc = uv_poll_init(&l->uv, &w->uv, fd);

	if (rc != 0) {
		free(w);
		return err_set(err, ERR_SYSTEM,
		    "cannot wait for descriptor %d: %s", fd, uv_strerror(rc));
	}
	w->uv.data = w;
	w->ready = ready;
	w->ctx = ctx;
	(void)uv_poll_start(&w->uv, UV_READABLE, on_readable); /* is open */
	*ret = w;
	return 0;
}

void
loop_watch_free(struct loop_watch *w)
{
	if (w != NULL)
		uv_close((uv_handle_t *)&w->uv, loop_free_data);
}

/* --- signals and jobs --------------------------------------------------- */

static void
on_signal(uv_signal_t *h, int sig)
{
	struct loop_signal *s = h->data;

	s->fire(s->ctx, sig);
}

void
loop_free_data(uv_handle_t *h)
{
	free(h->data);
}

int
loop_on_signal(struct loop *l, int sig, void (*fire)(void *ctx, int sig),
    void *ctx, struct err *err)
{
	struct loop_signal *s = xcalloc(1, sizeof(*s));
	int rc = uv_signal_init(&l->uv, &s->uv);

	if (rc != 0) {
		free(s);
		return err_set(err, ERR_SYSTEM, "cannot receive signals: %s",
		    uv_strerror(rc));
	}
	s->uv.data = s;
	s->fire = fire;
	s->ctx = ctx;
	rc = uv_signal_start(&s->uv, on_signal, sig);
	if (rc != 0) {
		uv_close((uv_handle_t *)&s->uv, loop_free_data);
		return err_set(err, ERR_SYSTEM, "cannot receive signal %d: %s",
		    sig, uv_strerror(rc));
	}
	list_append(&l->signals, &s->link);
	return 0;
}

static void
job_run(uv_work_t *w)
{
	struct job_req *r = w->data;

	r->work->run(r->work);
}

static void job_done(uv_work_t *w, int status);

static void
job_start(struct job_req *r)
{
	if (uv_queue_work(&r->l->uv, &r->uv, job_run, job_done) != 0)
		abort(); /* only refuses a missing function */
}

/* The next of this lane, if any waits and one may. */
static void
lane_go_on(struct lane *lane)
{
	struct list *first = lane->waiting.next;

	if (lane->left == 0 || list_is_empty(&lane->waiting))
		return;
	lane->left--;
	list_remove(first);
	job_start(list_entry(first, struct job_req, link));
}

static void
job_done(uv_work_t *uv, int status)
{
	struct job_req *r = uv->data;
	struct work *w = r->work;

	(void)status;
	if (r->lane != NULL) {
		r->lane->left++;
		lane_go_on(r->lane);
	}
	free(r);
	if (w != NULL)
		w->done(w);
}

static struct job_req *
job_new(struct loop *l, struct work *w)
{
	struct job_req *r = xcalloc(1, sizeof(*r));

	r->uv.data = r;
	r->l = l;
	r->work = w;
	w->priv = r;
	return r;
}

void
loop_submit(struct loop *l, struct work *w)
{
	job_start(job_new(l, w));
}

void
loop_submit_slow(struct loop *l, enum loop_lane lane, struct work *w)
{
	struct job_req *r = job_new(l, w);

	r->lane = &l->lanes[lane];
	list_append(&r->lane->waiting, &r->link);
	lane_go_on(r->lane);
}

bool
loop_cancel(struct loop *l, struct work *w)
{
	struct job_req *r = w->priv;

	(void)l;
	if (uv_cancel((uv_req_t *)&r->uv) != 0)
		return false;
	r->work = NULL;
	return true;
}

static void
pool_submit(void *ctx, struct work *w)
{
	loop_submit(ctx, w);
}

static bool
pool_cancel(void *ctx, struct work *w)
{
	return loop_cancel(ctx, w);
}

struct work_pool
loop_pool(struct loop *l)
{
	return (struct work_pool) { pool_submit, pool_cancel, l };
}

/* --- life --------------------------------------------------------------- */

static int
loop_init_handles(struct loop *l)
{
	int rc;

	/* These two cannot fail; the third refuses a bad descriptor. */
	(void)uv_prepare_init(&l->uv, &l->prepare);
	(void)uv_idle_init(&l->uv, &l->idle);
	rc = uv_poll_init(&l->uv, &l->wake, l->timer_fd);
	if (rc != 0)
		return rc;
	l->prepare.data = l->idle.data = l->wake.data = l;
	(void)uv_prepare_start(&l->prepare, on_prepare); /* cannot fail */
	return uv_poll_start(&l->wake, UV_READABLE, on_wake);
}

int
loop_new(const struct clock *clock, struct loop **ret, struct err *err)
{
	struct loop *l = xcalloc(1, sizeof(*l));
	int rc;

	/* libuv writes with write(2): a peer that hung up must be an error
	 * code, not the end of the process. */
	(void)signal(SIGPIPE, SIG_IGN); /* cannot fail for this signal */
	/* Worker threads mostly wait for the disk, which serves several at once
	 * for little more than the price of one.  No memory for the name:
	 * libuv's own number will do. */
	(void)setenv("UV_THREADPOOL_SIZE", WORKER_THREADS, 0);
	l->clock = clock;
	l->armed_ms = INT64_MAX;
	l->memory.diag.fd = -1;
	list_init(&l->soon);
	list_init(&l->signals);
	for (size_t i = 0; i < LOOP_LANES; i++) {
		l->lanes[i].left = lane_max[i];
		list_init(&l->lanes[i].waiting);
	}
	list_init(&l->memory.lingering);
	l->timer_fd = timerfd_create(
	    CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->timer_fd < 0) {
		free(l);
		return err_sys(err, "cannot create a timer");
	}
	rc = uv_loop_init(&l->uv);
	if (rc == 0)
		rc = loop_init_handles(l);
	if (rc != 0) {
		/* At start, out of descriptors or memory: the program ends,
		 * so what libuv holds is not taken apart again. */
		(void)close(l->timer_fd);
		free(l);
		return err_set(err, ERR_SYSTEM,
		    "cannot create an event loop: %s", uv_strerror(rc));
	}
	*ret = l;
	return 0;
}

static void
close_own_handles(struct loop *l)
{
	list_foreach (it, &l->memory.lingering)
		l->memory.cut(it);
	list_foreach (it, &l->signals) {
		struct loop_signal *s = list_entry(
		    it, struct loop_signal, link);

		list_remove(it);
		uv_close((uv_handle_t *)&s->uv, loop_free_data);
	}
	uv_close((uv_handle_t *)&l->wake, NULL);
	uv_close((uv_handle_t *)&l->prepare, NULL);
	uv_close((uv_handle_t *)&l->idle, NULL);
}

bool
loop_free(struct loop *l)
{
	uint64_t until;

	if (l == NULL)
		return true;
	close_own_handles(l);
	until = uv_hrtime() / 1000000 + FREE_WAIT_MS;
	while (
	    uv_run(&l->uv, UV_RUN_NOWAIT) != 0 && uv_hrtime() / 1000000 < until)
		uv_sleep(1);
	(void)close(l->timer_fd); /* holds no data */
	if (l->memory.diag.fd >= 0)
		(void)close(l->memory.diag.fd); /* holds no data */
	due_clear(&l->timers);
	free(l->read_buf);
	l->read_buf = NULL;
	if (uv_loop_close(&l->uv) != 0)
		return false; /* a worker thread still uses it */
	free(l);
	return true;
}

void
loop_run(struct loop *l)
{
	(void)uv_run(&l->uv, UV_RUN_DEFAULT); /* says only what is left */
}

void
loop_run_once(struct loop *l, bool may_wait)
{
	l->is_single = true;
	/* Says only what is left. */
	(void)uv_run(&l->uv, may_wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
	l->is_single = false;
}

void
loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}
