/* SPDX-License-Identifier: GPL-3.0-or-later */
/* max_per_user: a runaway script loses nothing, and holds up nobody else. */
#include "tests/lib/check.h"

#include <stdlib.h>
#include <string.h>

#include "queue/queue.h"
#include "tests/lib/queue_fixture.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
enum { SCRIPT = 33, PERSON = 1000 };

static const struct bytes hello = { "Subject: hi\r\n\r\nhello\r\n", 22 };

static void
set_limit(struct queue_fixture *l, uint64_t max)
{
	l->max_per_user = max;
	fixture_set_policy(l);
}

static int
setup(void **state)
{
	struct queue_fixture *l;

	(void)fixture_setup_in_memory(state);
	l = *state;
	set_limit(l, 3);
	return 0;
}

static void
submit(struct queue_fixture *l, uint32_t uid, size_t nrcpts,
    char id[ENVELOPE_ID_SIZE])
{
	struct fixture_client c;

	l->uid = uid;
	fixture_submit(l, &c, QUEUE_MODE_SAFE, nrcpts, hello);
	fixture_tick(l);
	assert_int_equal(c.told, 1);
	assert_int_equal(c.t.outcome, QUEUE_SAFE);
	fixture_client_done(&c);
	if (id != NULL)
		memcpy(id, c.id, ENVELOPE_ID_SIZE);
}

static size_t
deliver_all(struct queue_fixture *l)
{
	size_t n = 0;

	while (fixture_deliver(l, VERDICT_OK))
		n++;
	return n;
}

static void
what_is_over_the_limit_waits_and_lets_others_pass(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct queue_item it;
	char id[ENVELOPE_ID_SIZE], other[ENVELOPE_ID_SIZE];

	for (int i = 0; i < 10; i++)
		submit(l, SCRIPT, 1, id);
	assert_int_equal(fixture_files(l, "queue"), 10);
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
		fixture_pass(l, 61 * MINUTE);
		assert_int_equal(deliver_all(l), left < 3 ? left : 3);
	}
	assert_int_equal(queue_count(l->q), 0);
}

static void
a_kill_does_not_open_the_window(void **state)
{
	struct queue_fixture *l = *state;
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
	struct queue_fixture *l = *state;

	for (int i = 0; i < 8; i++)
		submit(l, SCRIPT, 1, NULL);
	assert_int_equal(deliver_all(l), 3);
	assert_int_equal(l->limited, 1);
	assert_int_equal(l->limited_uid, SCRIPT);
	fixture_pass(l, 61 * MINUTE);
	assert_int_equal(deliver_all(l), 3);
	assert_int_equal(l->limited, 1);
	assert_int_equal(l->limits_over, 0);
	fixture_pass(l, 61 * MINUTE);
	assert_int_equal(deliver_all(l), 2);
	assert_int_equal(l->limits_over, 1);
}

static void
what_was_tried_does_not_wait_for_room_any_more(void **state)
{
	struct queue_fixture *l = *state;

	for (int i = 0; i < 4; i++)
		submit(l, SCRIPT, 1, NULL);
	assert_int_equal(deliver_all(l), 3);
	fixture_pass(l, 61 * MINUTE);
	assert_int_equal(l->limits_over, 0);
	assert_true(fixture_deliver(l, VERDICT_LATER));
	assert_int_equal(l->limits_over, 1);
	assert_int_equal(queue_count(l->q), 1);
}

static void
a_restart_does_not_open_the_window(void **state)
{
	struct queue_fixture *l = *state;

	for (int i = 0; i < 5; i++)
		submit(l, SCRIPT, 1, NULL);
	assert_int_equal(deliver_all(l), 3);
	fixture_restart(l);
	fixture_tick(l);
	assert_int_equal(queue_count(l->q), 2);
	assert_int_equal(deliver_all(l), 0);
	assert_int_equal(l->limited, 2); /* a new process tells anew */
	fixture_pass(l, 61 * MINUTE);
	assert_int_equal(deliver_all(l), 2);
}

/* R47 */
static void
a_clock_that_jumps_opens_no_window_and_closes_none(void **state)
{
	static const int64_t years_ms = INT64_C(10) * 365 * DAY;
	struct queue_fixture *l = *state;

	for (int i = 0; i < 10; i++)
		submit(l, SCRIPT, 1, NULL);
	assert_int_equal(deliver_all(l), 3);
	l->wall_ms += years_ms;
	queue_flush(l->q, -1);
	assert_int_equal(deliver_all(l), 0);
	fixture_pass(l, 61 * MINUTE);
	assert_int_equal(deliver_all(l), 3);
	l->wall_ms -= 2 * years_ms;
	fixture_pass(l, 61 * MINUTE);
	assert_int_equal(deliver_all(l), 3);
	/* What was spent before a restart moves back with the clock. */
	fixture_restart(l);
	fixture_tick(l);
	assert_int_equal(deliver_all(l), 0);
	fixture_pass(l, 61 * MINUTE);
	assert_int_equal(deliver_all(l), 1);
}

static void
attempts_do_not_count_only_messages_do(void **state)
{
	struct queue_fixture *l = *state;
	struct verdict later = fixture_verdict(VERDICT_LATER, "not now");

	submit(l, SCRIPT, 1, NULL);
	submit(l, SCRIPT, 1, NULL);
	for (int i = 0; i < 20; i++) {
		struct queue_claim *d = queue_take(l->q, 0);

		assert_non_null(d);
		queue_claim_end(d, i % 2 ? QUEUE_END_TRIED : QUEUE_END_UNTRIED,
		    &later, 0, NULL, NULL);
		fixture_pass(l, 5 * MINUTE);
	}
	assert_int_equal(l->limited, 0);
}

static void
recipients_count(void **state)
{
	struct queue_fixture *l = *state;

	submit(l, SCRIPT, 2, NULL);
	submit(l, SCRIPT, 4, NULL); /* there is room for one */
	submit(l, SCRIPT, 1, NULL);
	assert_int_equal(deliver_all(l), 2);
	assert_int_equal(queue_count(l->q), 1);
}

static void
who_waits_for_a_verdict_hears_that_it_is_queued(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	for (int i = 0; i < 3; i++)
		submit(l, SCRIPT, 1, NULL);
	assert_int_equal(deliver_all(l), 3);
	l->head_start_ms = 1000;
	fixture_restart(l);
	fixture_tick(l);
	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	assert_false(queue_has_due(l->q, 0));
	fixture_tick(l);
	assert_int_equal(c.told, 1);
	assert_int_equal(c.t.outcome, QUEUE_SAFE);
	assert_int_equal(c.t.verdict.class, VERDICT_NONE);
	assert_int_equal(fixture_files(l, "queue"), 1);
	fixture_client_done(&c);
}

static void
what_waits_for_room_does_not_grow_old(void **state)
{
	struct queue_fixture *l = *state;
	char id[ENVELOPE_ID_SIZE];
	struct queue_item it;

	set_limit(l, 1);
	for (int i = 0; i < 200; i++)
		submit(l, SCRIPT, 1, id);
	for (int i = 0; i < 199; i++) {
		assert_true(fixture_deliver(l, VERDICT_OK));
		assert_false(fixture_deliver(l, VERDICT_OK));
		fixture_pass(l, 61 * MINUTE);
	}
	assert_true(
	    fixture_deliver(l, VERDICT_LATER)); /* after more than 5 days */
	assert_true(queue_find(l->q, id, &it));
	assert_int_equal(it.state, QUEUE_STATE_DUE);
	assert_int_equal(l->failed, 0);
}

static void
a_higher_limit_lets_go_at_once(void **state)
{
	struct queue_fixture *l = *state;

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
	struct queue_fixture *l = *state;

	for (int i = 0; i < 10; i++)
		submit(l, UID_UNKNOWN, 1, NULL);
	assert_int_equal(deliver_all(l), 10);
}

/* Or whoever hangs up early has a limit of his own for each mail, which is
 * none. */
static void
those_who_hide_share_one_limit(void **state)
{
	struct queue_fixture *l = *state;

	for (int i = 0; i < 10; i++)
		submit(l, UID_HIDDEN, 1, NULL);
	assert_int_equal(deliver_all(l), 3);
	assert_int_equal(l->limits_over, 0);
}

static void
what_is_deleted_does_not_wait(void **state)
{
	struct queue_fixture *l = *state;
	char id[ENVELOPE_ID_SIZE];

	for (int i = 0; i < 4; i++)
		submit(l, SCRIPT, 1, id);
	assert_int_equal(deliver_all(l), 3);
	assert_int_equal(l->limits_over, 0);
	assert_true(queue_delete(l->q, id));
	fixture_tick(l);
	assert_int_equal(l->limits_over, 1);
}

/* Many users, and each with his own window. */
static void
more_users_than_are_remembered_lose_nothing(void **state)
{
	struct queue_fixture *l = *state;

	set_limit(l, 1);
	for (uint32_t uid = 1; uid <= 600; uid++) {
		submit(l, uid, 1, NULL);
		submit(l, uid, 1, NULL);
	}
	(void)deliver_all(l);
	fixture_restart(l);
	fixture_tick(l);
	for (int i = 0; i < 3; i++) {
		(void)deliver_all(l);
		fixture_pass(l, 61 * MINUTE);
	}
	assert_int_equal(queue_count(l->q), 0);
	assert_int_equal(l->limited > 500, 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fixture_teardown)
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
