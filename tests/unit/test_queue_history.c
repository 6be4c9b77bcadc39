/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The history hears of each recipient once, when it is decided, with what was
 * said about it. */
#include "tests/lib/check.h"

#include <stdio.h>

#include "queue/queue.h"
#include "tests/lib/queue_fixture.h"

static const struct bytes hello = { "Subject: hi\r\n\r\nhello\r\n", 22 };

enum { MINUTE = 60 * 1000, DAY = 24 * 60 * MINUTE };

/* Accepted, and its file is there. */
static void
submit(struct queue_fixture *l, struct fixture_client *c, size_t nrcpts)
{
	fixture_submit(l, c, QUEUE_MODE_SAFE, nrcpts, hello);
	fixture_run(l);
	fixture_tick(l);
	assert_int_equal(c->told, 1);
	fixture_client_done(c);
}

static void
assert_heard(struct queue_fixture *l, const char *lines)
{
	assert_string_equal(buf_str(&l->ended), lines);
	buf_reset(&l->ended);
}

static void
a_delivery_is_heard_with_the_answer_to_its_end(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	submit(l, &c, 3);
	assert_heard(l, "");
	assert_true(fixture_deliver(l, VERDICT_LATER));
	assert_heard(l, "");
	fixture_pass(l, 2 * MINUTE);
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_heard(l, "delivered r0 r1 r2: so says the provider\n");
	assert_true(l->could_read);
	fixture_restart(l);
	fixture_tick(l);
	assert_heard(l, "");
}

/* One answer, one entry: a message that went in two transactions has two names
 * at the provider.  The one who waits is heard of later. */
static void
each_recipient_is_heard_of_when_it_is_decided(void **state)
{
	struct verdict first = fixture_verdict(VERDICT_OK, "queued as A"),
		       second = fixture_verdict(VERDICT_OK, "queued as B"),
		       unknown = fixture_verdict(VERDICT_NEVER, "unknown"),
		       full = fixture_verdict(VERDICT_NEVER, "full"),
		       later = fixture_verdict(VERDICT_LATER, "later");
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;

	submit(l, &c, 7);
	d = queue_take(l->q, 0);
	queue_claim_rcpt(d, 0, &first);
	queue_claim_rcpt(d, 1, &unknown);
	queue_claim_rcpt(d, 2, &full);
	queue_claim_rcpt(d, 3, &unknown);
	queue_claim_rcpt(d, 4, &first);
	queue_claim_rcpt(d, 5, &later);
	queue_claim_rcpt(d, 6, &second);
	queue_claim_note(d);
	assert_heard(l, "");
	queue_claim_end(d, QUEUE_END_TRIED, &second, 0, NULL, NULL);
	fixture_run(l);
	assert_heard(l, "delivered r0 r4: queued as A\n"
			"failed r1 r3: unknown\n"
			"failed r2: full\n"
			"delivered r6: queued as B\n");
	fixture_restart(l);
	fixture_tick(l);
	fixture_pass(l, 2 * MINUTE);
	assert_true(fixture_deliver(l, VERDICT_OK));
	fixture_run(l);
	assert_heard(l, "delivered r5: so says the provider\n");
}

static void
who_is_refused_while_they_wait_is_heard_of_as_refused(void **state)
{
	struct verdict never = fixture_verdict(VERDICT_NEVER, "no such user"),
		       rights = fixture_verdict(VERDICT_NEVER, "not yours");
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 2, hello);
	d = queue_take(l->q, 0);
	queue_claim_end(d, QUEUE_END_TRIED, &never, 0, NULL, NULL);
	assert_int_equal(c.t.outcome, QUEUE_REFUSED);
	fixture_client_done(&c);
	assert_heard(l, "refused r0 r1: no such user\n");

	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	d = queue_take(l->q, 0);
	queue_claim_end(d, QUEUE_END_HELD, &rights, 0, NULL, NULL);
	assert_int_equal(c.t.outcome, QUEUE_REFUSED);
	fixture_client_done(&c);
	assert_heard(l, "refused r0: not yours\n");
}

static void
what_waits_for_a_person_has_not_ended(void **state)
{
	struct verdict rights = fixture_verdict(VERDICT_NEVER, "not yours");
	struct queue_fixture *l = *state;
	struct fixture_client c;

	submit(l, &c, 1);
	queue_claim_end(
	    queue_take(l->q, 0), QUEUE_END_HELD, &rights, 0, NULL, NULL);
	fixture_run(l);
	assert_heard(l, "");
}

static void
what_is_too_old_has_failed(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	submit(l, &c, 2);
	assert_true(fixture_deliver(l, VERDICT_LATER));
	fixture_pass(l, INT64_C(6) * DAY);
	fixture_run(l);
	assert_heard(l, "failed r0 r1: not delivered within 5d; last: so says "
			"the provider\n");
}

/* As no account could be used, for days. */
static void
what_nobody_took_has_failed_too(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	submit(l, &c, 1);
	l->account = -1;
	queue_reroute(l->q, 2);
	for (int i = 0; i < 7; i++)
		fixture_pass(l, DAY);
	fixture_run(l);
	assert_heard(
	    l, "failed r0: not delivered within 5d; last: never tried\n");
}

static void
what_a_person_deletes_is_heard_of(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	submit(l, &c, 1);
	assert_true(queue_delete(l->q, c.id));
	fixture_run(l);
	assert_heard(l, "deleted r0: \n");
	assert_false(l->could_read);
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_delivery_is_heard_with_the_answer_to_its_end),
		TEST(each_recipient_is_heard_of_when_it_is_decided),
		TEST(who_is_refused_while_they_wait_is_heard_of_as_refused),
		TEST(what_waits_for_a_person_has_not_ended),
		TEST(what_is_too_old_has_failed),
		TEST(what_nobody_took_has_failed_too),
		TEST(what_a_person_deletes_is_heard_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
