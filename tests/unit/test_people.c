/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who a uid is: asked on workers, kept for a while, and never waited for
 * long. */
#include "tests/lib/check.h"

#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "net/loop.h"
#include "net/peer.h"
#include "net/people.h"
#include "tests/lib/sockets.h"

/* A database that answers for even uids at once and for odd ones when it is
 * let. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_open;
	bool fails;
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER };
static atomic_int looks, at_once, most_at_once;
static pthread_t loop_thread;
static atomic_bool was_on_loop;

static int64_t now = 1000;

static int64_t
fake_boot_ms(void *ctx)
{
	(void)ctx;
	return now;
}

static const struct clock fake = { .boot_ms = fake_boot_ms };

static void
slow_look(void *ctx, struct person *who, bool wants_groups)
{
	int n = atomic_fetch_add(&at_once, 1) + 1;

	(void)ctx;
	atomic_fetch_add(&looks, 1);
	if (n > atomic_load(&most_at_once))
		atomic_store(&most_at_once, n);
	if (pthread_equal(pthread_self(), loop_thread))
		atomic_store(&was_on_loop, true);
	(void)pthread_mutex_lock(&gate.lock);
	while (!gate.is_open && who->uid % 2 == 1)
		(void)pthread_cond_wait(&gate.changed, &gate.lock);
	if (gate.fails)
		who->is_silent = true;
	else
		who->name = xstrdup(who->uid == 2 ? "two" : "other");
	who->has_groups = wants_groups;
	(void)pthread_mutex_unlock(&gate.lock);
	atomic_fetch_sub(&at_once, 1);
}

static void
set_gate(bool is_open, bool fails)
{
	(void)pthread_mutex_lock(&gate.lock);
	gate.is_open = is_open;
	gate.fails = fails;
	(void)pthread_cond_broadcast(&gate.changed);
	(void)pthread_mutex_unlock(&gate.lock);
}

/* --- one who asks --------------------------------------------------------- */

struct asker {
	int told;
	bool is_silent, has_groups;
	char name[32];
};

static void
on_told(void *ctx, const struct person *who)
{
	struct asker *a = ctx;

	a->told++;
	a->is_silent = who->is_silent;
	a->has_groups = who->has_groups;
	(void)snprintf(
	    a->name, sizeof(a->name), "%s", who->name != NULL ? who->name : "");
}

static struct people *
begin(struct loop **ret_loop)
{
	struct err err;

	now = 1000;
	loop_thread = pthread_self();
	atomic_store(&looks, 0);
	atomic_store(&most_at_once, 0);
	set_gate(false, false);
	assert_int_equal(loop_new(&fake, ret_loop, &err), 0);
	return people_new(*ret_loop, slow_look, NULL);
}

static void
end(struct people *p, struct loop *l)
{
	people_free(p);
	set_gate(true, false);
	assert_true(loop_free(l));
	assert_false(atomic_load(&was_on_loop));
}

/* Until so many have been told of it; half a minute at most. */
static void
turn_until(struct loop *l, const struct asker *a, int told)
{
	for (int i = 0; i < 30000 && a->told < told; i++) {
		loop_run_once(l, false);
		(void)usleep(1000);
	}
	assert_int_equal(a->told, told);
}

static void
turn(struct loop *l, int ms)
{
	for (int i = 0; i < ms; i++) {
		loop_run_once(l, false);
		(void)usleep(1000);
	}
}

/* Until a worker has begun to ask the database so often. */
static void
until_looked(struct loop *l, int times)
{
	for (int i = 0; i < 30000 && atomic_load(&looks) < times; i++)
		turn(l, 1);
	assert_int_equal(atomic_load(&looks), times);
}

/* --- tests ---------------------------------------------------------------- */

static void
a_slow_answer_about_one_user_delays_no_other(void **state)
{
	struct asker slow = { 0 }, quick = { 0 };
	struct loop *l;
	struct people *p = begin(&l);

	(void)state;
	assert_non_null(people_ask(p, 1, on_told, &slow));
	for (int i = 0; i < 50; i++)
		assert_non_null(people_ask(p, 1, on_told, &slow));
	assert_non_null(people_ask(p, 2, on_told, &quick));
	turn_until(l, &quick, 1);
	assert_string_equal(quick.name, "two");
	assert_int_equal(slow.told, 0);
	set_gate(true, false);
	turn_until(l, &slow, 51);
	assert_int_equal(atomic_load(&looks), 2);
	end(p, l);
}

static void
an_answer_is_kept_for_a_minute(void **state)
{
	struct asker a = { 0 };
	struct loop *l;
	struct people *p = begin(&l);

	(void)state;
	assert_non_null(people_ask(p, 2, on_told, &a));
	turn_until(l, &a, 1);
	now += PEOPLE_KEEP_MS - 1;
	assert_null(people_ask(p, 2, on_told, &a));
	assert_int_equal(a.told, 2);
	now += 1;
	assert_non_null(people_ask(p, 2, on_told, &a));
	turn_until(l, &a, 3);
	assert_int_equal(atomic_load(&looks), 2);
	end(p, l);
}

static void
who_asks_a_silent_database_is_told_so_in_time(void **state)
{
	struct asker a = { 0 };
	struct loop *l;
	struct people *p = begin(&l);

	(void)state;
	assert_non_null(people_ask(p, 1, on_told, &a));
	until_looked(l, 1);
	now += PEOPLE_PATIENCE_MS - 1;
	turn(l, 5);
	assert_int_equal(a.told, 0);
	now += 1;
	turn_until(l, &a, 1);
	assert_true(a.is_silent);
	/* The next one does not wait at all, and asks for nothing more. */
	assert_null(people_ask(p, 1, on_told, &a));
	assert_int_equal(a.told, 2);
	assert_true(a.is_silent);
	assert_int_equal(atomic_load(&looks), 1);
	/* The late answer is of use to those who come later. */
	set_gate(true, false);
	for (int i = 0; i < 30000 && a.is_silent; i++) {
		turn(l, 1);
		assert_null(people_ask(p, 1, on_told, &a));
	}
	assert_false(a.is_silent);
	assert_string_equal(a.name, "other");
	end(p, l);
}

static void
an_old_answer_stands_while_the_database_is_silent(void **state)
{
	struct asker a = { 0 };
	struct loop *l;
	struct people *p = begin(&l);

	(void)state;
	set_gate(true, false);
	assert_non_null(people_ask(p, 1, on_told, &a));
	turn_until(l, &a, 1);
	set_gate(false, false);
	now += PEOPLE_KEEP_MS;
	assert_non_null(people_ask(p, 1, on_told, &a));
	now += PEOPLE_PATIENCE_MS;
	turn_until(l, &a, 2);
	assert_false(a.is_silent);
	assert_string_equal(a.name, "other");
	end(p, l);
}

static void
a_failure_of_the_database_is_not_kept_for_long(void **state)
{
	struct asker a = { 0 };
	struct loop *l;
	struct people *p = begin(&l);

	(void)state;
	set_gate(true, true);
	assert_non_null(people_ask(p, 2, on_told, &a));
	turn_until(l, &a, 1);
	assert_true(a.is_silent);
	set_gate(true, false);
	now += PEOPLE_AGAIN_MS;
	assert_non_null(people_ask(p, 2, on_told, &a));
	turn_until(l, &a, 2);
	assert_false(a.is_silent);
	/* And what is known is not forgotten over one. */
	set_gate(true, true);
	now += PEOPLE_KEEP_MS;
	assert_non_null(people_ask(p, 2, on_told, &a));
	turn_until(l, &a, 3);
	assert_false(a.is_silent);
	assert_string_equal(a.name, "two");
	end(p, l);
}

static void
after_a_reload_everybody_is_asked_for_anew(void **state)
{
	struct asker a = { 0 };
	struct loop *l;
	struct people *p = begin(&l);

	(void)state;
	assert_non_null(people_ask(p, 2, on_told, &a));
	turn_until(l, &a, 1);
	assert_false(a.has_groups);
	people_refresh(p, true);
	assert_non_null(people_ask(p, 2, on_told, &a));
	turn_until(l, &a, 2);
	assert_true(a.has_groups);
	/* What is asked while the reload comes is asked again. */
	assert_non_null(people_ask(p, 1, on_told, &a));
	until_looked(l, 3);
	people_refresh(p, true);
	set_gate(true, false);
	turn_until(l, &a, 3);
	assert_int_equal(atomic_load(&looks), 4);
	end(p, l);
}

static void
few_are_asked_for_at_once(void **state)
{
	struct asker a = { 0 };
	struct loop *l;
	struct people *p = begin(&l);

	(void)state;
	for (uint32_t uid = 1; uid < 41; uid += 2)
		assert_non_null(people_ask(p, uid, on_told, &a));
	for (int i = 0; i < 30000 && atomic_load(&at_once) < 2; i++)
		turn(l, 1);
	turn(l, 50);
	assert_int_equal(atomic_load(&at_once), 2);
	set_gate(true, false);
	turn_until(l, &a, 20);
	assert_int_equal(atomic_load(&most_at_once), 2);
	end(p, l);
}

static void
many_users_do_not_fill_the_memory(void **state)
{
	struct asker a = { 0 };
	struct loop *l;
	struct people *p = begin(&l);
	int told = 0;

	(void)state;
	for (uint32_t uid = 0; uid < 2 * (PEOPLE_MAX + 1); uid += 2) {
		assert_non_null(people_ask(p, uid, on_told, &a));
		turn_until(l, &a, ++told);
	}
	assert_null(people_ask(p, 2, on_told, &a)); /* the second oldest */
	assert_non_null(people_ask(p, 0, on_told, &a)); /* has gone */
	turn_until(l, &a, told + 2);
	end(p, l);
}

static void
who_forgets_is_not_told(void **state)
{
	struct asker a = { 0 }, b = { 0 };
	struct loop *l;
	struct people *p = begin(&l);
	struct people_ask *ask = people_ask(p, 1, on_told, &a);

	(void)state;
	assert_non_null(people_ask(p, 1, on_told, &b));
	people_forget(ask);
	people_forget(NULL);
	set_gate(true, false);
	turn_until(l, &b, 1);
	assert_int_equal(a.told, 0);
	end(p, l);
}

static void
at_the_end_all_are_told_while_a_worker_is_stuck(void **state)
{
	struct asker a = { 0 };
	struct loop *l;
	struct people *p = begin(&l);

	(void)state;
	assert_non_null(people_ask(p, 1, on_told, &a));
	turn(l, 20);
	end(p, l);
	assert_int_equal(a.told, 1);
	assert_true(a.is_silent);
}

static void
a_client_without_a_user_is_nobody_at_once(void **state)
{
	struct asker a = { 0 };
	struct loop *l;
	struct people *p = begin(&l);

	(void)state;
	assert_null(people_ask(p, UID_UNKNOWN, on_told, &a));
	assert_null(people_ask(p, UID_HIDDEN, on_told, &a));
	assert_int_equal(a.told, 2);
	assert_false(a.is_silent);
	assert_string_equal(a.name, "");
	assert_int_equal(atomic_load(&looks), 0);
	end(p, l);
}

static void
the_machine_knows_its_users(void **state)
{
	const struct passwd *pw = getpwuid(0);
	const struct group *gr;
	struct person *who = person_new(0), *nobody = person_new(3999999999);
	bool has_own = false;

	(void)state;
	if (pw == NULL)
		skip();
	people_look_up(NULL, who, false);
	assert_string_equal(who->name, pw->pw_name);
	assert_int_equal(who->ngroups, 0);
	person_free(who);
	who = person_new(0);
	people_look_up(NULL, who, true);
	gr = getgrgid(pw->pw_gid);
	for (size_t i = 0; gr != NULL && i < who->ngroups; i++)
		has_own |= strcmp(who->groups[i], gr->gr_name) == 0;
	assert_int_equal(has_own, gr != NULL);
	people_look_up(NULL, nobody, true);
	assert_null(nobody->name);
	assert_false(nobody->is_silent);
	person_free(who);
	person_free(nobody);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slow_answer_about_one_user_delays_no_other),
		cmocka_unit_test(an_answer_is_kept_for_a_minute),
		cmocka_unit_test(who_asks_a_silent_database_is_told_so_in_time),
		cmocka_unit_test(
		    an_old_answer_stands_while_the_database_is_silent),
		cmocka_unit_test(
		    a_failure_of_the_database_is_not_kept_for_long),
		cmocka_unit_test(after_a_reload_everybody_is_asked_for_anew),
		cmocka_unit_test(few_are_asked_for_at_once),
		cmocka_unit_test(many_users_do_not_fill_the_memory),
		cmocka_unit_test(who_forgets_is_not_told),
		cmocka_unit_test(
		    at_the_end_all_are_told_while_a_worker_is_stuck),
		cmocka_unit_test(a_client_without_a_user_is_nobody_at_once),
		cmocka_unit_test(the_machine_knows_its_users),
	};

	(void)alarm(TEST_ALARM_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
