/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timers on the boot clock, tasks, signals, jobs.  R21, R47. */
#include "tests/lib/check.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/loop.h"
#include "sys/clock_sys.h"
#include "tests/lib/sockets.h"

static int64_t fake_ms;

static int64_t
fake_boot_ms(void *ctx)
{
	(void)ctx;
	return fake_ms;
}

static const struct clock fake = { .boot_ms = fake_boot_ms };

static struct loop *
new_loop(const struct clock *c)
{
	struct loop *l = NULL;
	struct err err;

	assert_int_equal(loop_new(c, &l, &err), 0);
	return l;
}

static void
count(void *ctx)
{
	++*(int *)ctx;
}

/* --- timers ------------------------------------------------------------- */

static void
a_timer_fires_once_when_its_time_has_come(void **state)
{
	struct loop *l = new_loop(&fake);
	int fired = 0;
	struct loop_timer *t = loop_timer_new(l, count, &fired);

	(void)state;
	fake_ms = 1000;
	loop_timer_set(t, 2000);
	loop_run_once(l, false);
	fake_ms = 1999;
	loop_run_once(l, false);
	assert_int_equal(fired, 0);
	fake_ms = 2000;
	loop_run_once(l, false);
	loop_run_once(l, false);
	assert_int_equal(fired, 1);

	loop_timer_set(t, 3000);
	loop_timer_set(t, 5000); /* replaces */
	fake_ms = 4000;
	loop_run_once(l, false);
	assert_int_equal(fired, 1);
	loop_timer_set(t, INT64_MAX); /* disarms */
	fake_ms = 9000;
	loop_run_once(l, false);
	assert_int_equal(fired, 1);
	loop_timer_free(t);
	loop_timer_free(NULL);
	loop_free(l);
}

enum { MANY = 300 };

static struct {
	struct loop_timer *t;
	int64_t at;
	int fired;
} many[MANY];
static int64_t last_at;

static void
note_order(void *ctx)
{
	int i = *(int *)ctx;

	assert_true(many[i].at >= last_at);
	assert_true(many[i].at <= fake_ms);
	last_at = many[i].at;
	many[i].fired++;
}

static void
many_timers_fire_in_order_whatever_is_removed(void **state)
{
	struct loop *l = new_loop(&fake);
	static int index[MANY];
	unsigned seed = 7;

	(void)state;
	fake_ms = 0;
	last_at = 0;
	for (int i = 0; i < MANY; i++) {
		index[i] = i;
		many[i].fired = 0;
		many[i].t = loop_timer_new(l, note_order, &index[i]);
	}
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < MANY; i++) {
			seed = seed * 1103515245u + 12345u;
			many[i].at = 1 + (seed >> 8) % 1000;
			loop_timer_set(many[i].t, many[i].at);
		}
	for (int i = 0; i < MANY; i += 3)
		loop_timer_set(many[i].t, INT64_MAX);
	for (fake_ms = 0; fake_ms <= 1000; fake_ms += 10)
		loop_run_once(l, false);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(many[i].fired, i % 3 == 0 ? 0 : 1);
		loop_timer_free(many[i].t);
	}
	loop_free(l);
}

struct self {
	struct loop_timer *t;
	int fired;
};

static void
again_now(void *ctx)
{
	struct self *s = ctx;

	s->fired++;
	loop_timer_set(s->t, 0);
}

static void
a_timer_that_is_always_due_does_not_take_the_loop(void **state)
{
	struct loop *l = new_loop(&fake);
	struct self s = { .fired = 0 };

	(void)state;
	s.t = loop_timer_new(l, again_now, &s);
	loop_timer_set(s.t, 0);
	loop_run_once(l, false); /* comes back */
	assert_true(s.fired >= 1 && s.fired <= 2);
	loop_timer_free(s.t);
	loop_free(l);
}

static void
free_self(void *ctx)
{
	struct self *s = ctx;

	s->fired++;
	loop_timer_free(s->t);
}

static void
a_timer_may_free_itself(void **state)
{
	struct loop *l = new_loop(&fake);
	struct self s = { .fired = 0 };

	(void)state;
	s.t = loop_timer_new(l, free_self, &s);
	loop_timer_set(s.t, 0);
	loop_run_once(l, false);
	loop_run_once(l, false);
	assert_int_equal(s.fired, 1);
	loop_free(l);
}

static void
stop_loop(void *ctx)
{
	loop_stop(ctx);
}

static void
the_real_clock_wakes_a_waiting_loop(void **state)
{
	struct loop *l = new_loop(clock_sys());
	struct loop_timer *far, *near;
	int64_t began = clock_boot_ms(clock_sys()), took;
	int fired = 0;

	(void)state;
	far = loop_timer_new(l, count, &fired);
	near = loop_timer_new(l, stop_loop, l);
	loop_timer_set(far, began + 3600000);
	loop_timer_set(near, began + 50);
	loop_run(l);
	took = clock_boot_ms(clock_sys()) - began;
	assert_true(took >= 50 && took < 5000);
	assert_int_equal(fired, 0);
	loop_timer_free(far);
	loop_timer_free(near);
	loop_free(l);
}

/* --- tasks -------------------------------------------------------------- */

struct counted {
	struct loop_task task;
	struct loop *l;
	int ran;
	bool again;
};

static void
run_counted(struct loop_task *t)
{
	struct counted *c = list_entry(t, struct counted, task);

	c->ran++;
	if (c->again)
		loop_soon(c->l, t);
}

static void
a_task_runs_once_per_turn(void **state)
{
	struct loop *l = new_loop(clock_sys());
	struct counted a = { .l = l }, b = { .l = l }, c = { .l = l };

	(void)state;
	loop_task_init(&a.task, run_counted);
	loop_task_init(&b.task, run_counted);
	loop_task_init(&c.task, run_counted);
	loop_soon(l, &a.task);
	loop_soon(l, &a.task);
	loop_soon(l, &b.task);
	loop_soon(l, &c.task);
	loop_soon_cancel(&b.task);
	c.again = true;
	loop_run_once(l, true); /* does not wait: there is something to do */
	assert_int_equal(a.ran, 1);
	assert_int_equal(b.ran, 0);
	assert_int_equal(c.ran, 1);
	loop_run_once(l, true);
	assert_int_equal(a.ran, 1);
	assert_int_equal(c.ran, 2);
	loop_soon_cancel(&c.task);
	loop_soon_cancel(&c.task);
	loop_free(l);
}

/* --- signals and jobs --------------------------------------------------- */

static int got_signal;

static void
on_signal(void *ctx, int sig)
{
	(void)ctx;
	got_signal = sig;
}

static void
a_signal_is_told_on_the_loop(void **state)
{
	struct loop *l = new_loop(clock_sys());
	struct err err;

	(void)state;
	assert_int_equal(loop_on_signal(l, SIGUSR1, on_signal, NULL, &err), 0);
	assert_int_equal(loop_on_signal(l, SIGKILL, on_signal, NULL, &err), -1);
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	assert_int_equal(got_signal, 0); /* not in the handler */
	TURN_UNTIL(l, got_signal != 0);
	assert_int_equal(got_signal, SIGUSR1);
	loop_free(l);
}

struct job {
	struct work work;
	int ran, done;
	atomic_bool *gate; /* ends when that is true; or NULL */
};

static void
job_run(struct work *w)
{
	struct job *job = list_entry(w, struct job, work);

	while (job->gate != NULL && !*job->gate)
		(void)usleep(1000);
	job->ran++;
}

static void
job_done(struct work *w)
{
	list_entry(w, struct job, work)->done++;
}

static void
jobs_run_elsewhere_and_end_here(void **state)
{
	struct loop *l = new_loop(clock_sys());
	struct job jobs[60] = { 0 };
	atomic_bool gate = false;
	int done = 0, cancelled = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		jobs[i].work.run = job_run;
		jobs[i].work.done = job_done;
		jobs[i].gate = &gate;
		loop_submit(l, &jobs[i].work);
	}
	/* The last ones still wait for a thread. */
	for (size_t i = ARRAY_LEN(jobs) - 2; i < ARRAY_LEN(jobs); i++)
		cancelled += loop_cancel(l, &jobs[i].work);
	assert_int_equal(cancelled, 2);
	gate = true;
	while (done < (int)ARRAY_LEN(jobs) - cancelled) {
		loop_run_once(l, true);
		done = 0;
		for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
			done += jobs[i].done;
	}
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		bool is_cancelled = i >= ARRAY_LEN(jobs) - 2;

		assert_int_equal(jobs[i].ran, is_cancelled ? 0 : 1);
		assert_int_equal(jobs[i].done, is_cancelled ? 0 : 1);
	}
	loop_free(l);
}

static void
slow_jobs_leave_workers_to_the_others(void **state)
{
	struct loop *l = new_loop(clock_sys());
	struct job slow[LOOP_LANES][12] = { 0 };
	atomic_bool gate = false;
	struct job quick = { .work = { .run = job_run, .done = job_done } };
	int done = 0;

	(void)state;
	for (int lane = 0; lane < LOOP_LANES; lane++)
		for (size_t i = 0; i < ARRAY_LEN(slow[lane]); i++) {
			slow[lane][i].work.run = job_run;
			slow[lane][i].work.done = job_done;
			slow[lane][i].gate = &gate;
			loop_submit_slow(
			    l, (enum loop_lane)lane, &slow[lane][i].work);
		}
	loop_submit(l, &quick.work);
	while (quick.done == 0) /* if there were none, for ever */
		loop_run_once(l, true);
	gate = true;
	while (done < LOOP_LANES * (int)ARRAY_LEN(slow[0])) {
		loop_run_once(l, true);
		done = 0;
		for (int lane = 0; lane < LOOP_LANES; lane++)
			for (size_t i = 0; i < ARRAY_LEN(slow[lane]); i++)
				done += slow[lane][i].done;
	}
	loop_free(l);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_timer_fires_once_when_its_time_has_come),
		cmocka_unit_test(many_timers_fire_in_order_whatever_is_removed),
		cmocka_unit_test(
		    a_timer_that_is_always_due_does_not_take_the_loop),
		cmocka_unit_test(a_timer_may_free_itself),
		cmocka_unit_test(the_real_clock_wakes_a_waiting_loop),
		cmocka_unit_test(a_task_runs_once_per_turn),
		cmocka_unit_test(a_signal_is_told_on_the_loop),
		cmocka_unit_test(jobs_run_elsewhere_and_end_here),
		cmocka_unit_test(slow_jobs_leave_workers_to_the_others),
	};

	(void)alarm(TEST_ALARM_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
