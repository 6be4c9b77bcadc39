/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R63: before the last byte of a message goes, the disk knows that it may be
 * delivered from then on, if the disk knows the message at all. */
#include "tests/lib/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/queue.h"
#include "tests/lib/queue_fixture.h"

enum { MINUTE = 60 * 1000 };

static const struct bytes hello = { "Subject: hi\r\n\r\nhello\r\n", 22 };
static const char mx[] = "mx.example.net[192.0.2.1]:587";

/* Says so for the first n recipients. */
static bool
offer(struct queue_claim *d, size_t n, int *noted)
{
	static const size_t all[] = { 0, 1, 2, 3 };

	return queue_claim_mark(d, all, n, mx, fixture_count, noted);
}

/* Accepted and stored, and its delivery begun. */
static struct queue_claim *
take_stored(struct queue_fixture *l, struct fixture_client *c, size_t nrcpts)
{
	fixture_submit(l, c, QUEUE_MODE_SAFE, nrcpts, hello);
	fixture_run(l);
	fixture_tick(l);
	assert_int_equal(c->told, 1);
	fixture_client_done(c);
	buf_reset(&l->disk.order);
	return queue_take(l->q, 0);
}

/* Ends here, and begins again: what lies on the disk is all that is known. */
static struct queue_item
after_a_crash(struct queue_fixture *l, const char *id)
{
	struct queue_item it;

	fixture_run(l);
	l->is_delayed = false;
	fixture_restart(l);
	fixture_tick(l);
	assert_int_equal(queue_count(l->q), 1);
	assert_true(queue_find(l->q, id, &it));
	return it;
}

static void
hold_everything(struct queue_fixture *l)
{
	l->policy.holds_uncertain = true;
	fixture_set_policy(l);
}

static void
the_disk_knows_before_the_end_goes(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;
	struct queue_item it;
	int noted = 0;

	fixture_needs_disk();
	l->is_delayed = true;
	d = take_stored(l, &c, 1);
	assert_true(offer(d, 1, &noted));
	assert_int_equal(l->njobs, 0);
	assert_buf(&l->disk.order, "owx"); /* which outlives a kill */
	it = after_a_crash(l, c.id);
	assert_true(it.is_uncertain);
	assert_int_equal(it.state, QUEUE_STATE_DUE);
	assert_int_equal(it.attempts, 1);
	assert_ptr_equal(
	    strstr(it.reason, "may have been delivered: "), it.reason);
	assert_non_null(strstr(it.reason, mx));
	assert_true(it.next_try_ms > l->boot_ms);
	assert_int_equal(l->troubles, 1); /* and one line in the log */
	/* A second restart says the same and adds no attempt. */
	it = after_a_crash(l, c.id);
	assert_true(it.is_uncertain);
	assert_int_equal(it.attempts, 1);
	assert_int_equal(l->troubles, 1);
	fixture_pass(l, 2 * MINUTE);
	assert_true(fixture_deliver(l, VERDICT_LATER));
	assert_true(queue_find(l->q, c.id, &it));
	assert_false(it.is_uncertain);
	it = after_a_crash(l, c.id);
	assert_false(it.is_uncertain);
	assert_int_equal(it.attempts, 2);
}

static void
what_is_not_on_the_disk_needs_no_note(void **state)
{
	struct verdict ok = fixture_verdict(VERDICT_OK, "taken");
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;
	int noted = 0;

	l->head_start_ms = 1000;
	fixture_restart(l);
	fixture_tick(l);
	l->is_delayed = true;
	buf_reset(&l->disk.order);
	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 2, hello);
	d = queue_take(l->q, 0);
	assert_true(offer(d, 2, &noted));
	queue_claim_end(d, QUEUE_END_TRIED, &ok, 0, NULL, NULL);
	assert_int_equal(c.told, 1);
	assert_int_equal(l->njobs, 0);
	assert_buf(&l->disk.order, "");
	assert_int_equal(noted, 0);
	fixture_client_done(&c);
}

/* The disk is slower than the provider's ear: the end has gone, and then the
 * message becomes safe.  It is promised with the note or not at all. */
static void
a_message_becomes_safe_together_with_its_note(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;
	int noted = 0;

	fixture_needs_disk();
	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	d = queue_take(l->q, 0);
	assert_true(offer(d, 1, &noted));
	assert_true(fixture_run_one(l)); /* it is stored */
	assert_int_equal(fixture_files(l, "queue"), 1);
	assert_int_equal(c.told, 1);
	fixture_client_done(&c);
	assert_true(after_a_crash(l, c.id).is_uncertain);

	hold_everything(l);
	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	d = queue_take(l->q, 0);
	assert_true(offer(d, 1, &noted));
	assert_true(fixture_run_one(l));
	assert_int_equal(l->njobs, 1);
	fixture_pass(l, MINUTE);
	assert_true(
	    fixture_tick(l) > l->boot_ms); /* and nobody spins meanwhile */
	assert_int_equal(c.told, 0);
	fixture_run(l);
	assert_int_equal(c.told, 1);
	fixture_client_done(&c);
	assert_int_equal(noted, 0); /* for it did not wait */
}

static void
an_answer_that_came_is_no_doubt(void **state)
{
	struct verdict busy = fixture_verdict(VERDICT_LATER, "closing"),
		       greylisted = fixture_verdict(
			   VERDICT_LATER, "in a minute");
	struct queue_fixture *l = *state;

	for (int untried = 0; untried < 2; untried++) {
		struct queue_claim *d;
		struct fixture_client c;
		int noted = 0;

		d = take_stored(l, &c, 2);
		assert_true(offer(d, 2, &noted)); /* jobs run at once here */
		for (size_t i = 0; i < 2; i++)
			queue_claim_rcpt(d, i, &greylisted);
		queue_claim_end(d,
		    untried ? QUEUE_END_UNTRIED : QUEUE_END_TRIED, &busy, 0,
		    NULL, NULL);
		assert_false(after_a_crash(l, c.id).is_uncertain);
		assert_int_equal(l->troubles, 0);
		assert_true(queue_delete(l->q, c.id));
	}
}

/* An orderly end with the answer still out is no better than a crash. */
static void
check_missing_answer(struct queue_fixture *l, enum queue_end how)
{
	struct queue_claim *d;
	struct fixture_client c;
	struct envelope *env;
	struct err err;
	int noted = 0;
	char *text;

	d = take_stored(l, &c, 4);
	assert_true(offer(d, 2, &noted));
	queue_claim_end(d, how, NULL, 0, NULL, NULL);
	assert_true(after_a_crash(l, c.id).is_uncertain);
	assert_int_equal(queue_show(l->q, c.id, &env, &text, &err), 0);
	for (size_t i = 0; i < 4; i++) /* only those who were offered */
		assert_int_equal(env->rcpts[i].last != NULL &&
				     env->rcpts[i].last->is_uncertain,
		    i < 2);
	envelope_free(env);
	free(text);
	assert_true(queue_delete(l->q, c.id));
	fixture_tick(l);
}

static void
an_answer_that_did_not_come_is(void **state)
{
	check_missing_answer(*state, QUEUE_END_UNTRIED);
	check_missing_answer(*state, QUEUE_END_TRIED);
}

static void
the_end_of_a_delivery_does_not_wait_for_its_note(void **state)
{
	struct verdict ok = fixture_verdict(VERDICT_OK, "taken");
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;
	int noted = 0;

	hold_everything(l);
	l->is_delayed = true;
	for (int i = 0; i < 2; i++) {
		d = take_stored(l, &c, 1);
		assert_false(offer(d, 1, &noted));
		if (i == 1)
			fixture_start_one(l);
		queue_claim_end(d, QUEUE_END_TRIED, &ok, 0, NULL, NULL);
		if (i == 1)
			fixture_finish_one(l);
		fixture_run(l);
		assert_int_equal(noted, 0);
		assert_int_equal(queue_count(l->q), 0);
		assert_int_equal(fixture_files(l, "queue"), 0);
	}
}

static void
a_disk_that_cannot_note_does_not_stop_a_delivery(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;
	int noted = 0;

	fixture_needs_disk();
	l->is_delayed = true;
	for (int synced = 0; synced < 2; synced++) {
		if (synced)
			hold_everything(l);
		d = take_stored(l, &c, 1);
		fault_fs_arm(&l->disk, 2, ENOSPC);
		assert_int_equal(offer(d, 1, &noted), !synced);
		fixture_run(l);
		assert_int_equal(noted, synced);
		assert_int_equal(l->troubles, synced + 1);
		queue_claim_end(d, QUEUE_END_TRIED,
		    &(struct verdict) { .class = VERDICT_OK }, 0, NULL, NULL);
		fixture_run(l);
		assert_int_equal(queue_count(l->q), 0);
		assert_int_equal(fixture_files(l, "queue"), 0);
	}
}

/* --- uncertain = hold ----------------------------------------------------- */

static void
with_hold_the_note_is_synced_and_a_person_decides(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;
	struct queue_item it;
	int noted = 0;

	fixture_needs_disk();
	hold_everything(l);
	d = take_stored(l, &c, 1);
	assert_true(offer(d, 1, &noted));
	assert_buf(&l->disk.order, "owsx");
	for (int i = 0; i < 2; i++) {
		it = after_a_crash(l, c.id);
		assert_int_equal(it.state, QUEUE_STATE_HELD);
		assert_true(it.is_uncertain);
		assert_non_null(strstr(it.reason, "may have been delivered"));
		assert_int_equal(l->held, 1); /* told once */
	}
	assert_null(queue_take(l->q, 0));
	assert_true(queue_release(l->q, c.id));
	/* Who has decided is not asked again. */
	it = after_a_crash(l, c.id);
	assert_int_equal(it.state, QUEUE_STATE_DUE);
	assert_true(it.is_uncertain);
	assert_int_equal(l->held, 1);
	fixture_pass(l, 2 * MINUTE);
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_int_equal(queue_count(l->q), 0);
}

static void
with_hold_a_broken_connection_is_the_same(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;
	struct verdict lost;
	struct queue_item it;
	int noted = 0;

	for (int hold = 0; hold < 2; hold++) {
		if (hold)
			hold_everything(l);
		d = take_stored(l, &c, 2);
		assert_true(offer(d, 2, &noted));
		verdict_unanswered(&lost, mx);
		queue_claim_rcpt(d, 0, &lost);
		queue_claim_rcpt(d, 1, &lost);
		queue_claim_end(d, QUEUE_END_TRIED, &lost, 0, NULL, NULL);
		assert_true(queue_find(l->q, c.id, &it));
		assert_true(it.is_uncertain);
		assert_int_equal(
		    it.state, hold ? QUEUE_STATE_HELD : QUEUE_STATE_DUE);
		assert_int_equal(l->held, hold);
		assert_int_equal(after_a_crash(l, c.id).attempts, 1);
		assert_true(queue_delete(l->q, c.id));
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    the_disk_knows_before_the_end_goes, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_not_on_the_disk_needs_no_note, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_message_becomes_safe_together_with_its_note,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(an_answer_that_came_is_no_doubt,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(an_answer_that_did_not_come_is,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    the_end_of_a_delivery_does_not_wait_for_its_note,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_disk_that_cannot_note_does_not_stop_a_delivery,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    with_hold_the_note_is_synced_and_a_person_decides,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    with_hold_a_broken_connection_is_the_same, fixture_setup,
		    fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
