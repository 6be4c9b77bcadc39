/* SPDX-License-Identifier: GPL-3.0-or-later */
/* max_per_user: a runaway script loses nothing, and holds up nobody else. */
#include "tests/lib/check.h"

#include <stdlib.h>
#include <string.h>

#include "queue/queue.h"
#include "tests/lib/lab.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
enum { SCRIPT = 33, PERSON = 1000 };

static const struct bytes hello = { "Subject: hi\r\n\r\nhello\r\n", 22 };

static void
set_limit(struct lab *l, uint64_t max)
{
	l->max_per_user = max;
	lab_set_policy(l);
}

static int
setup(void **state)
{
	struct lab *l;

	(void)lab_setup_in_memory(state);
	l = *state;
	set_limit(l, 3);
	return 0;
}

static void
submit(struct lab *l, uint32_t uid, size_t nrcpts, char id[ENVELOPE_ID_SIZE])
{
	struct lab_client c;

	l->uid = uid;
	lab_submit(l, &c, QUEUE_MODE_SAFE, nrcpts, hello);
	lab_tick(l);
	assert_int_equal(c.told, 1);
	assert_int_equal(c.t.outcome, QUEUE_SAFE);
	lab_client_done(&c);
	if (id != NULL)
		memcpy(id, c.id, ENVELOPE_ID_SIZE);
}

static size_t
deliver_all(struct lab *l)
{
	size_t n = 0;

	while (lab_deliver(l, VERDICT_OK))
		n++;
	return n;
}

static void
what_is_over_the_limit_waits_and_lets_others_pass(void **state)
{
	struct lab *l = *state;
	struct queue_claim *d;
	struct queue_item it;
	char id[ENVELOPE_ID_SIZE], other[ENVELOPE_ID_SIZE];

	for (int i = 0; i < 10; i++)
		submit(l, SCRIPT, 1, id);
	assert_int_equal(lab_files(l, "queue"), 10);
	assert_int_equal(deliver_all(l), 3);
	submit(l, PERSON, 1, other);
	d = queue_take(l->q, 0);
	assert_non_null(d);
	assert_string_equal(queue_claim_envelope(d)->id, other);
	queue_claim_end(d, QUEUE_END_TRIED,
	    &(struct verdict) { .class = VERDICT_OK }, 0, NULL, NULL);
	assert_false(queue_has_due(l->q, 0)); /* so nobody logs in for it */
	assert_true(queue_find(l->q, id, &it));
	assert_int_equal(it.state, QUEUE_STATE_DUE);
	assert_non_null(strstr(it.reason, "max_per_user = 3"));
	assert_true(it.next_try_ms > l->boot_ms + 50 * MINUTE);
	assert_int_equal(it.attempts, 0);
	/* Nor does a flush help. */
	queue_flush(l->q, -1);
	assert_int_equal(deliver_all(l), 0);
	for (int left = 7; left > 0; left -= 3) {
		lab_pass(l, 61 * MINUTE);
		assert_int_equal(deliver_all(l), left < 3 ? left : 3);
	}
	assert_int_equal(queue_count(l->q), 0);
}

static void
a_kill_does_not_open_the_window(void **state)
{
	struct lab *l = *state;
	char *text;

	for (int i = 0; i < 5; i++)
		submit(l, SCRIPT, 1, NULL);
	assert_int_equal(deliver_all(l), 3);
	/* What a new process would find, whatever becomes of this one. */
	text = queue_state_read(l->q, "users");
	assert_non_null(text);
	assert_non_null(strstr(text, " 3 "));
	free(text);
}

static void
a_person_is_told_once_and_when_it_is_over(void **state)
{
	struct lab *l = *state;

	for (int i = 0; i < 8; i++)
		submit(l, SCRIPT, 1, NULL);
	assert_int_equal(deliver_all(l), 3);
	assert_int_equal(l->limited, 1);
	assert_int_equal(l->limited_uid, SCRIPT);
	lab_pass(l, 61 * MINUTE);
	assert_int_equal(deliver_all(l), 3);
	assert_int_equal(l->limited, 1);
	assert_int_equal(l->limits_over, 0);
	lab_pass(l, 61 * MINUTE);
	assert_int_equal(deliver_all(l), 2);
	assert_int_equal(l->limits_over, 1);
}

static void
what_was_tried_does_not_wait_for_room_any_more(void **state)
{
	struct lab *l = *state;

	for (int i = 0; i < 4; i++)
		submit(l, SCRIPT, 1, NULL);
	assert_int_equal(deliver_all(l), 3);
	lab_pass(l, 61 * MINUTE);
	assert_int_equal(l->limits_over, 0);
	assert_true(lab_deliver(l, VERDICT_LATER));
	assert_int_equal(l->limits_over, 1);
	assert_int_equal(queue_count(l->q), 1);
}

static void
a_restart_does_not_open_the_window(void **state)
{
	struct lab *l = *state;

	for (int i = 0; i < 5; i++)
		submit(l, SCRIPT, 1, NULL);
	assert_int_equal(deliver_all(l), 3);
	lab_restart(l);
	lab_tick(l);
	assert_int_equal(queue_count(l->q), 2);
	assert_int_equal(deliver_all(l), 0);
	assert_int_equal(l->limited, 2); /* a new process tells anew */
	lab_pass(l, 61 * MINUTE);
	assert_int_equal(deliver_all(l), 2);
}

/* R47 */
static void
a_clock_that_jumps_opens_no_window_and_closes_none(void **state)
{
	static const int64_t years_ms = INT64_C(10) * 365 * DAY;
	struct lab *l = *state;

	for (int i = 0; i < 10; i++)
		submit(l, SCRIPT, 1, NULL);
	assert_int_equal(deliver_all(l), 3);
	l->wall_ms += years_ms;
	queue_flush(l->q, -1);
	assert_int_equal(deliver_all(l), 0);
	lab_pass(l, 61 * MINUTE);
	assert_int_equal(deliver_all(l), 3);
	l->wall_ms -= 2 * years_ms;
	lab_pass(l, 61 * MINUTE);
	assert_int_equal(deliver_all(l), 3);
	/* What was spent before a restart moves back with the clock. */
	lab_restart(l);
	lab_tick(l);
	assert_int_equal(deliver_all(l), 0);
	lab_pass(l, 61 * MINUTE);
	assert_int_equal(deliver_all(l), 1);
}

static void
attempts_do_not_count_only_messages_do(void **state)
{
	struct lab *l = *state;
	struct verdict later = lab_verdict(VERDICT_LATER, "not now");

	submit(l, SCRIPT, 1, NULL);
	submit(l, SCRIPT, 1, NULL);
	for (int i = 0; i < 20; i++) {
		struct queue_claim *d = queue_take(l->q, 0);

		assert_non_null(d);
		queue_claim_end(d, i % 2 ? QUEUE_END_TRIED : QUEUE_END_UNTRIED,
		    &later, 0, NULL, NULL);
		lab_pass(l, 5 * MINUTE);
	}
	assert_int_equal(l->limited, 0);
}

static void
recipients_count(void **state)
{
	struct lab *l = *state;

	submit(l, SCRIPT, 2, NULL);
	submit(l, SCRIPT, 4, NULL); /* there is room for one */
	submit(l, SCRIPT, 1, NULL);
	assert_int_equal(deliver_all(l), 2);
	assert_int_equal(queue_count(l->q), 1);
}

static void
who_waits_for_a_verdict_hears_that_it_is_queued(void **state)
{
	struct lab *l = *state;
	struct lab_client c;

	for (int i = 0; i < 3; i++)
		submit(l, SCRIPT, 1, NULL);
	assert_int_equal(deliver_all(l), 3);
	l->head_start_ms = 1000;
	lab_restart(l);
	lab_tick(l);
	lab_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	assert_false(queue_has_due(l->q, 0));
	lab_tick(l);
	assert_int_equal(c.told, 1);
	assert_int_equal(c.t.outcome, QUEUE_SAFE);
	assert_int_equal(c.t.verdict.class, VERDICT_NONE);
	assert_int_equal(lab_files(l, "queue"), 1);
	lab_client_done(&c);
}

static void
what_waits_for_room_does_not_grow_old(void **state)
{
	struct lab *l = *state;
	char id[ENVELOPE_ID_SIZE];
	struct queue_item it;

	set_limit(l, 1);
	for (int i = 0; i < 200; i++)
		submit(l, SCRIPT, 1, id);
	for (int i = 0; i < 199; i++) {
		assert_true(lab_deliver(l, VERDICT_OK));
		assert_false(lab_deliver(l, VERDICT_OK));
		lab_pass(l, 61 * MINUTE);
	}
	assert_true(lab_deliver(l, VERDICT_LATER)); /* after more than 5 days */
	assert_true(queue_find(l->q, id, &it));
	assert_int_equal(it.state, QUEUE_STATE_DUE);
	assert_int_equal(l->failed, 0);
}

static void
a_higher_limit_lets_go_at_once(void **state)
{
	struct lab *l = *state;

	for (int i = 0; i < 10; i++)
		submit(l, SCRIPT, 1, NULL);
	assert_int_equal(deliver_all(l), 3);
	set_limit(l, 5);
	assert_int_equal(deliver_all(l), 2);
	set_limit(l, 0);
	assert_int_equal(deliver_all(l), 5);
	assert_int_equal(l->limits_over, 1);
}

static void
who_is_not_known_has_no_limit(void **state)
{
	struct lab *l = *state;

	for (int i = 0; i < 10; i++)
		submit(l, UID_UNKNOWN, 1, NULL);
	assert_int_equal(deliver_all(l), 10);
}

/* Or whoever hangs up early has a limit of his own for each mail, which is
 * none. */
static void
those_who_hide_share_one_limit(void **state)
{
	struct lab *l = *state;

	for (int i = 0; i < 10; i++)
		submit(l, UID_HIDDEN, 1, NULL);
	assert_int_equal(deliver_all(l), 3);
	assert_int_equal(l->limits_over, 0);
}

static void
what_is_deleted_does_not_wait(void **state)
{
	struct lab *l = *state;
	char id[ENVELOPE_ID_SIZE];

	for (int i = 0; i < 4; i++)
		submit(l, SCRIPT, 1, id);
	assert_int_equal(deliver_all(l), 3);
	assert_int_equal(l->limits_over, 0);
	assert_true(queue_delete(l->q, id));
	lab_tick(l);
	assert_int_equal(l->limits_over, 1);
}

/* Many users, and each with his own window. */
static void
more_users_than_are_remembered_lose_nothing(void **state)
{
	struct lab *l = *state;

	set_limit(l, 1);
	for (uint32_t uid = 1; uid <= 600; uid++) {
		submit(l, uid, 1, NULL);
		submit(l, uid, 1, NULL);
	}
	(void)deliver_all(l);
	lab_restart(l);
	lab_tick(l);
	for (int i = 0; i < 3; i++) {
		(void)deliver_all(l);
		lab_pass(l, 61 * MINUTE);
	}
	assert_int_equal(queue_count(l->q), 0);
	assert_int_equal(l->limited > 500, 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, lab_teardown)
	static const struct CMUnitTest tests[] = {
		T(what_is_over_the_limit_waits_and_lets_others_pass),
		T(a_person_is_told_once_and_when_it_is_over),
		T(what_was_tried_does_not_wait_for_room_any_more),
		T(a_kill_does_not_open_the_window),
		T(a_restart_does_not_open_the_window),
		T(a_clock_that_jumps_opens_no_window_and_closes_none),
		T(attempts_do_not_count_only_messages_do),
		T(recipients_count),
		T(who_waits_for_a_verdict_hears_that_it_is_queued),
		T(what_waits_for_room_does_not_grow_old),
		T(a_higher_limit_lets_go_at_once),
		T(who_is_not_known_has_no_limit),
		T(those_who_hide_share_one_limit),
		T(what_is_deleted_does_not_wait),
		T(more_users_than_are_remembered_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
