/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A store that several relays share: what is not written there is not done, and
 * what has become another's is let go. */
#include "tests/lib/check.h"

#include <stdlib.h>

#include "queue/queue.h"
#include "store/store.h"
#include "tests/lib/memory_store.h"
#include "tests/lib/queue_fixture.h"

enum { MINUTE = 60 * 1000 };

static const struct bytes hello = { "Subject: hi\r\n\r\nhello\r\n", 22 };
static const size_t first[] = { 0 };

/* One that waits, and of which the queue knows no more than that. */
static void
keep_one(struct queue_fixture *l, char id[ENVELOPE_ID_SIZE])
{
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_QUEUE, 1, hello);
	fixture_tick(l);
	assert_int_equal(c.told, 1);
	assert_int_equal(c.t.outcome, QUEUE_SAFE);
	memcpy(id, c.id, ENVELOPE_ID_SIZE);
	fixture_client_done(&c);
	fixture_pass(l, MINUTE); /* it is fresh no longer */
	fixture_pass(l, MINUTE);
}

static int
setup_kept(void **state)
{
	int rc = fixture_setup_remote(state);
	struct queue_fixture *l = *state;

	if (rc == 0)
		keep_one(l, l->kept);
	return rc;
}

static struct queue_claim *
take(struct queue_fixture *l)
{
	struct queue_claim *d = queue_take(l->q, 0);

	if (d == NULL)
		d = queue_take(l->q, 0);
	return d;
}

static void
answer_ok(struct queue_claim *d)
{
	struct verdict ok = fixture_verdict(VERDICT_OK, "taken");

	queue_claim_end(d, QUEUE_END_TRIED, &ok, 0, NULL, NULL);
}

/* The commit mark is on its way to the store; *ret_marked counts its end. */
static void
begin_mark(struct queue_claim *d, int *ret_marked)
{
	assert_false(
	    queue_claim_mark(d, first, 1, "there", fixture_count, ret_marked));
}

static void
a_message_comes_here_before_it_is_taken(void **state)
{
	struct queue_fixture *l = *state;

	l->is_delayed = true;
	assert_null(queue_take(l->q, 0));
	assert_int_equal(l->njobs, 1);
	l->wakes = 0;
	fixture_run(l);
	assert_true(l->wakes > 0);
	l->is_delayed = false;
	assert_true(fixture_deliver(l, VERDICT_OK));
	fixture_tick(l);
	assert_int_equal(memory_store_count(l->store, STORE_QUEUE), 0);
}

static void
no_more_come_than_are_wanted_soon(void **state)
{
	struct queue_fixture *l = *state;
	char id[ENVELOPE_ID_SIZE];
	int n = 0;

	for (int i = 0; i < 30; i++)
		keep_one(l, id);
	l->is_delayed = true;
	assert_null(queue_take(l->q, 0));
	assert_in_range(l->njobs, 1, 8);
	l->is_delayed = false;
	fixture_run(l);
	for (int i = 0; i < 200 && n < 30; i++) {
		n += fixture_deliver(l, VERDICT_OK);
		fixture_tick(l);
	}
	assert_int_equal(n, 30);
}

static void
the_last_byte_waits_for_the_mark(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d = take(l);
	int marked = 0;

	assert_non_null(d);
	l->is_delayed = true;
	begin_mark(d, &marked);
	assert_int_equal(marked, 0);
	fixture_run(l);
	assert_int_equal(marked, 1);
	assert_true(queue_claim_may_end(d));
	answer_ok(d);
	fixture_run(l);
}

static void
a_mark_becomes_part_of_a_message_that_is_still_to_be_written(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct queue_claim *d;

	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	d = queue_take(l->q, 0);
	assert_true(queue_claim_mark(d, first, 1, "there", NULL, NULL));
	fixture_start_one(l);
	assert_true(memory_store_has(l->store, c.id, "offer "));
	fixture_finish_one(l);
	answer_ok(d);
	fixture_run(l);
	fixture_client_done(&c);
}

/* The message is there, or will be, and knows nothing of the mark. */
static void
a_mark_that_comes_too_late_for_that_is_waited_for(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct queue_claim *d;
	int marked = 0;

	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	d = queue_take(l->q, 0);
	fixture_start_one(l);
	begin_mark(d, &marked);
	fixture_finish_one(l);
	assert_int_equal(marked, 0);
	fixture_run(l);
	assert_int_equal(marked, 1);
	assert_true(memory_store_has(l->store, c.id, "offer "));
	answer_ok(d);
	fixture_run(l);
	fixture_client_done(&c);
}

static void
a_mark_does_not_wait_for_a_message_that_cannot_be_kept(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct queue_claim *d;
	int marked = 0;

	l->is_delayed = true;
	memory_store_fail(l->store, ERR_NETWORK);
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	d = queue_take(l->q, 0);
	fixture_start_one(l);
	if (!queue_claim_mark(d, first, 1, "there", fixture_count, &marked)) {
		fixture_finish_one(l);
		assert_int_equal(marked, 1);
	} else {
		fixture_finish_one(l);
	}
	assert_true(queue_claim_may_end(d));
	answer_ok(d);
	fixture_run(l);
	fixture_tick(l);
	assert_int_equal(c.told, 1);
	assert_int_equal(c.t.outcome, QUEUE_SAFE);
	fixture_client_done(&c);
}

static void
without_a_mark_nothing_may_be_offered(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d = take(l);
	struct queue_item it;
	struct verdict later = fixture_verdict(VERDICT_LATER, "given up");
	int marked = 0;

	l->is_delayed = true;
	begin_mark(d, &marked);
	memory_store_fail(l->store, ERR_NETWORK);
	fixture_run(l);
	assert_int_equal(marked, 1);
	assert_false(queue_claim_may_end(d));
	memory_store_fail(l->store, ERR_NONE);
	l->is_delayed = false;
	queue_claim_end(d, QUEUE_END_TRIED, &later, 0, NULL, NULL);
	fixture_tick(l);
	/* It is neither lost nor in doubt, and is tried again. */
	assert_true(queue_find(l->q, l->kept, &it));
	assert_false(it.is_uncertain);
	fixture_pass(l, 10 * MINUTE);
	assert_non_null(d = take(l));
	assert_true(queue_claim_may_end(d));
	queue_claim_end(d, QUEUE_END_UNTRIED, NULL, 0, NULL, NULL);
}

static void
what_is_anothers_is_let_go_and_not_written_to(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d = take(l);
	struct queue_item it;
	struct verdict later = fixture_verdict(VERDICT_LATER, "given up");
	int marked = 0, durable = 0;

	l->is_delayed = true;
	begin_mark(d, &marked);
	memory_store_fail(l->store, ERR_LOST);
	l->troubles = 0;
	fixture_run(l);
	assert_false(queue_claim_may_end(d));
	l->is_delayed = false;
	queue_claim_end(d, QUEUE_END_TRIED, &later, 0, fixture_count, &durable);
	assert_int_equal(durable, 1);
	fixture_tick(l);
	assert_int_equal(l->troubles, 1);
	assert_false(queue_find(l->q, l->kept, &it));
	/* The other has it still. */
	memory_store_fail(l->store, ERR_NONE);
	fixture_pass(l, 10 * MINUTE);
	assert_int_equal(memory_store_count(l->store, STORE_QUEUE), 1);
}

static void
one_that_went_to_another_is_not_taken(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_item it;

	memory_store_fail(l->store, ERR_LOST);
	assert_null(take(l));
	fixture_tick(l);
	assert_false(queue_find(l->q, l->kept, &it));
}

static void
while_the_store_is_away_new_mail_is_the_providers(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c, none;
	struct queue_claim *d;
	struct queue_item it;
	struct err err;

	memory_store_fail(l->store, ERR_NETWORK);
	fixture_pass(l, 3 * STORE_HEARTBEAT_MS);
	for (int i = 0; i < 5; i++) {
		assert_true(queue_has_room(l->q, 100, &err));
		fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
		fixture_tick(l);
		assert_int_equal(c.told, 0);
		assert_true(fixture_deliver(l, VERDICT_OK));
		fixture_tick(l);
		assert_int_equal(c.told, 1);
		assert_int_equal(c.t.outcome, QUEUE_SAFE);
		fixture_client_done(&c);
	}
	/* Neither takes it. */
	fixture_submit(l, &none, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	assert_true(fixture_deliver(l, VERDICT_LATER));
	fixture_tick(l);
	assert_int_equal(none.told, 1);
	assert_int_equal(none.t.outcome, QUEUE_FAILED);
	fixture_client_done(&none);
	/* What it has waits for it. */
	memory_store_fail(l->store, ERR_NONE);
	fixture_pass(l, MINUTE);
	assert_true(queue_find(l->q, l->kept, &it));
	assert_non_null(d = take(l));
	queue_claim_end(d, QUEUE_END_UNTRIED, NULL, 0, NULL, NULL);
	assert_int_equal(memory_store_count(l->store, STORE_QUEUE), 1);
}

static void
what_is_finished_goes_as_soon_as_the_store_is_back(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d = take(l);

	memory_store_fail(l->store, ERR_NETWORK);
	answer_ok(d);
	fixture_tick(l);
	assert_int_equal(memory_store_count(l->store, STORE_QUEUE), 1);
	memory_store_fail(l->store, ERR_NONE);
	fixture_pass(l, MINUTE);
	assert_int_equal(memory_store_count(l->store, STORE_QUEUE), 0);
}

/* --- for a notice -------------------------------------------------------- */

static int
read_original(struct queue_fixture *l, const char *id, enum err_class *ret)
{
	struct queue_original o;
	struct err err = { 0 };
	int rc = queue_original(l->q, id, 0, &o, &err);

	*ret = err.class;
	if (rc == 0) {
		assert_buf(&o.text, "Subject: hi\r\n\r\n");
		queue_original_clear(&o);
	}
	return rc;
}

static void
what_a_notice_is_about_is_read_on_a_worker(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	enum err_class class;
	int before;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	fixture_tick(l);
	l->is_delayed = true;
	before = (int)l->njobs;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(read_original(l, c.id, &class), -1);
		assert_int_equal(class, ERR_BUSY);
		assert_int_equal((int)l->njobs, before + 1);
	}
	fixture_run(l);
	assert_int_equal(read_original(l, c.id, &class), 0);
	/* What is not there just now is not given up. */
	l->is_delayed = false;
	memory_store_fail(l->store, ERR_NETWORK);
	assert_int_equal(read_original(l, c.id, &class), -1);
	assert_int_equal(class, ERR_BUSY);
	memory_store_fail(l->store, ERR_NONE);
	assert_int_equal(read_original(l, c.id, &class), 0);
	/* And of one that is not taken nothing stays. */
	l->is_delayed = true;
	assert_int_equal(read_original(l, c.id, &class), -1);
	fixture_run(l);
}

/* --- among other relays --------------------------------------------------- */

static enum queue_state
state_of(struct queue_fixture *l, const char *id)
{
	struct queue_item it;

	assert_true(queue_find(l->q, id, &it));
	return it.state;
}

static void
what_another_relay_asks_for_is_done_and_answered(void **state)
{
	struct queue_fixture *l = *state;

	memory_store_ask(l->store, l->kept, STORE_HOLD);
	memory_store_ask(l->store, l->kept, STORE_HOLD);
	memory_store_ask(l->store, "0000000000000000", STORE_HOLD);
	fixture_pass(l, STORE_HEARTBEAT_MS);
	assert_int_equal(state_of(l, l->kept), QUEUE_STATE_HELD);
	assert_int_equal(memory_store_answer(l->store, 0), STORE_ANSWER_DONE);
	assert_int_equal(memory_store_answer(l->store, 1), STORE_ANSWER_DONE);
	/* It may be about to be found. */
	assert_int_equal(memory_store_answer(l->store, 2), STORE_ANSWER_WAITS);
	fixture_pass(l, STORE_HEARTBEAT_MS);
	assert_int_equal(memory_store_answer(l->store, 2), STORE_ANSWER_NONE);
	memory_store_ask(l->store, l->kept, STORE_RELEASE);
	memory_store_ask(l->store, l->kept, STORE_RELEASE);
	fixture_pass(l, STORE_HEARTBEAT_MS);
	assert_int_equal(state_of(l, l->kept), QUEUE_STATE_DUE);
	assert_int_equal(memory_store_answer(l->store, 3), STORE_ANSWER_DONE);
	assert_int_equal(memory_store_answer(l->store, 4), STORE_ANSWER_CANNOT);
}

/* A beat has made it ours, and no scan has seen it. */
static void
what_is_asked_of_a_message_just_taken_over_is_done(void **state)
{
	struct queue_fixture *l = *state;

	memory_store_fail(l->store, ERR_LOST);
	assert_null(take(l));
	fixture_tick(l);
	memory_store_fail(l->store, ERR_NONE);
	memory_store_ask(l->store, l->kept, STORE_HOLD);
	l->is_delayed = true;
	fixture_pass(l, STORE_HEARTBEAT_MS);
	while (l->njobs > 0) {
		fixture_start_one(l);
		fixture_finish_one(l);
	}
	l->is_delayed = false;
	fixture_pass(l, STORE_HEARTBEAT_MS);
	assert_int_equal(memory_store_answer(l->store, 0), STORE_ANSWER_DONE);
	assert_int_equal(state_of(l, l->kept), QUEUE_STATE_HELD);
}

static void
what_is_under_way_is_not_deleted_for_another_relay(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d = take(l);

	memory_store_ask(l->store, l->kept, STORE_DELETE);
	fixture_pass(l, STORE_HEARTBEAT_MS);
	assert_int_equal(memory_store_answer(l->store, 0), STORE_ANSWER_BUSY);
	answer_ok(d);
	fixture_run(l);
}

static void
all_that_is_asked_is_done_after_one_beat(void **state)
{
	struct queue_fixture *l = *state;

	for (int i = 0; i < 90; i++)
		memory_store_ask(l->store, l->kept, STORE_HOLD);
	fixture_pass(l, STORE_HEARTBEAT_MS);
	for (int i = 0; i < 90; i++)
		assert_int_equal(memory_store_answer(l->store, (size_t)i),
		    STORE_ANSWER_DONE);
}

static void
an_answer_that_cannot_be_written_down_is_at_the_next_beat(void **state)
{
	struct queue_fixture *l = *state;

	memory_store_ask(l->store, l->kept, STORE_DELETE);
	l->is_delayed = true;
	fixture_pass(l, STORE_HEARTBEAT_MS);
	for (int i = 0; i < 3; i++) { /* the beat; what is asked */
		fixture_start_one(l);
		fixture_finish_one(l);
		fixture_tick(l); /* and the scan, after a beat */
		if (i == 1)
			memory_store_fail(l->store, ERR_NETWORK);
	}
	l->is_delayed = false;
	fixture_run(l);
	assert_int_equal(memory_store_answer(l->store, 0), STORE_ANSWER_WAITS);
	memory_store_fail(l->store, ERR_NONE);
	fixture_pass(l, MINUTE);
	assert_int_equal(memory_store_answer(l->store, 0), STORE_ANSWER_DONE);
}

static void
each_beat_says_how_many_there_are(void **state)
{
	struct queue_fixture *l = *state;
	char id[ENVELOPE_ID_SIZE];

	keep_one(l, id);
	keep_one(l, id);
	assert_true(queue_hold(l->q, id, "held"));
	fixture_pass(l, STORE_HEARTBEAT_MS);
	assert_int_equal(memory_store_counts(l->store)->due, 1);
	assert_int_equal(memory_store_counts(l->store)->held, 1);
	assert_true(memory_store_counts(l->store)->oldest_s > 0);
}

struct put_off {
	int64_t now;
	int n;
};

static bool
count_put_off(void *ctx, const struct queue_item *it)
{
	struct put_off *p = ctx;

	p->n += it->next_try_ms > p->now;
	return true;
}

static int
put_off(struct queue_fixture *l)
{
	struct put_off p = { clock_boot_ms(&l->clock), 0 };

	queue_each(l->q, count_put_off, &p);
	return p.n;
}

/* All of them at once would take longer than a client waits. */
static void
a_backlog_without_its_store_is_put_off_in_turns(void **state)
{
	enum { BACKLOG = 1000 };
	struct queue_fixture *l = *state;
	char id[ENVELOPE_ID_SIZE];

	for (int i = 0; i < BACKLOG; i++)
		keep_one(l, id);
	memory_store_fail(l->store, ERR_NETWORK);
	fixture_pass(l, STORE_HEARTBEAT_MS);
	assert_null(queue_take(l->q, 0));
	assert_in_range(put_off(l), 1, BACKLOG / 2);
	for (int i = 0; i < 10; i++) {
		l->wakes = 0;
		fixture_tick(l);
		if (put_off(l) < BACKLOG)
			assert_true(l->wakes > 0);
		assert_null(queue_take(l->q, 0));
	}
	assert_int_equal(put_off(l), BACKLOG);
}

int
main(void)
{
#define REMOTE(test)                                                           \
	cmocka_unit_test_setup_teardown(                                       \
	    test, fixture_setup_remote, fixture_teardown)
#define KEPT(test)                                                             \
	cmocka_unit_test_setup_teardown(test, setup_kept, fixture_teardown)
	static const struct CMUnitTest tests[] = {
		KEPT(a_message_comes_here_before_it_is_taken),
		REMOTE(no_more_come_than_are_wanted_soon),
		KEPT(the_last_byte_waits_for_the_mark),
		REMOTE(
		    a_mark_becomes_part_of_a_message_that_is_still_to_be_written),
		REMOTE(a_mark_that_comes_too_late_for_that_is_waited_for),
		REMOTE(a_mark_does_not_wait_for_a_message_that_cannot_be_kept),
		KEPT(without_a_mark_nothing_may_be_offered),
		KEPT(what_is_anothers_is_let_go_and_not_written_to),
		KEPT(one_that_went_to_another_is_not_taken),
		KEPT(while_the_store_is_away_new_mail_is_the_providers),
		KEPT(what_is_finished_goes_as_soon_as_the_store_is_back),
		REMOTE(what_a_notice_is_about_is_read_on_a_worker),
		KEPT(what_another_relay_asks_for_is_done_and_answered),
		KEPT(what_is_asked_of_a_message_just_taken_over_is_done),
		KEPT(what_is_under_way_is_not_deleted_for_another_relay),
		KEPT(all_that_is_asked_is_done_after_one_beat),
		KEPT(an_answer_that_cannot_be_written_down_is_at_the_next_beat),
		REMOTE(each_beat_says_how_many_there_are),
		REMOTE(a_backlog_without_its_store_is_put_off_in_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
