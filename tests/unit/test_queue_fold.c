/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Equal messages: many become one, none is lost, and what differs stays. */
#include "tests/lib/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/queue.h"
#include "tests/lib/queue_fixture.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };

static const struct bytes hello = { "Subject: hi\r\n\r\nhello\r\n", 22 };

static void
fold_more_than_three(struct queue_fixture *l)
{
	l->fold_opts.max_equal = 3;
	l->fold_opts.equal_ms = HOUR;
	fixture_set_policy(l);
	l->fold_hash = 7;
}

static int
setup(void **state)
{
	(void)fixture_setup_in_memory(state);
	fold_more_than_three(*state);
	return 0;
}

static int
setup_on_disk(void **state)
{
	(void)fixture_setup(state);
	fold_more_than_three(*state);
	return 0;
}

/* Submits one, which is told that it is safe; true: folded into another. */
static bool
submit(struct queue_fixture *l, char id[ENVELOPE_ID_SIZE])
{
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	assert_int_equal(c.told, 1);
	assert_int_equal(c.t.outcome, QUEUE_SAFE);
	fixture_client_done(&c);
	if (id != NULL)
		(void)snprintf(id, ENVELOPE_ID_SIZE, "%s",
		    c.t.folded_into[0] != '\0' ? c.t.folded_into : c.id);
	return c.t.folded_into[0] != '\0';
}

static void
assert_folding(struct queue_fixture *l, size_t carriers, uint64_t folded)
{
	struct fold_totals all, mine, of_another;
	const uint32_t other_uid = l->uid + 1;

	fold_totals(l->fold, NULL, &all);
	fold_totals(l->fold, &l->uid, &mine);
	fold_totals(l->fold, &other_uid, &of_another);
	assert_int_equal(all.carriers, carriers);
	assert_int_equal(all.folded, folded);
	assert_int_equal(mine.carriers, carriers);
	assert_int_equal(mine.folded, folded);
	assert_int_equal(of_another.carriers + of_another.folded, 0);
}

/* Submits n and delivers what is due; how many went. */
static size_t
storm(struct queue_fixture *l, size_t n)
{
	size_t went = 0;

	for (size_t i = 0; i < n; i++) {
		(void)submit(l, NULL);
		while (fixture_deliver(l, VERDICT_OK))
			went++;
	}
	return went;
}

/* How many others the message stands for, as the disk has it. */
static uint32_t
count_of(struct queue_fixture *l, const char *id)
{
	struct envelope *env;
	struct err err;
	uint32_t n;
	char *text;

	assert_int_equal(queue_show(l->q, id, &env, &text, &err), 0);
	n = env->nfolded;
	envelope_free(env);
	free(text);
	return n;
}

static void
the_first_go_and_the_others_become_one(void **state)
{
	struct queue_fixture *l = *state;
	char carrier[ENVELOPE_ID_SIZE], id[ENVELOPE_ID_SIZE];
	struct queue_claim *d;
	struct queue_item it;

	assert_int_equal(storm(l, 3), 3);
	assert_false(submit(l, carrier));
	for (int i = 0; i < 50; i++) {
		assert_true(submit(l, id));
		assert_string_equal(id, carrier);
	}
	assert_int_equal(queue_count(l->q), 1);
	assert_int_equal(fixture_files(l, "queue"), 1);
	assert_null(queue_take(l->q, 0));
	assert_true(queue_find(l->q, carrier, &it));
	assert_non_null(strstr(it.reason, "stands for 51 equal messages"));
	assert_int_equal(l->troubles, 1); /* one line in the log */
	assert_folding(l, 1, 50);
	fixture_pass(l, HOUR);
	assert_folding(l, 0, 0); /* its turn has come: nothing joins it */
	d = queue_take(l->q, 0);
	assert_non_null(d);
	assert_int_equal(queue_claim_envelope(d)->nfolded, 50);
	queue_claim_end(d, QUEUE_END_TRIED,
	    &(struct verdict) { .class = VERDICT_OK }, 0, NULL, NULL);
	assert_int_equal(queue_count(l->q), 0);
}

static void
nobody_hears_accepted_before_the_disk_has_counted_him(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c[3];

	fixture_needs_disk();
	assert_int_equal(storm(l, 3), 3);
	(void)submit(l, NULL);
	l->is_delayed = true;
	buf_reset(&l->disk.order);
	for (int i = 0; i < 3; i++) {
		fixture_submit(l, &c[i], QUEUE_MODE_VERDICT, 1, hello);
		fixture_tick(l);
		assert_int_equal(c[i].told, 0);
	}
	assert_int_equal(l->njobs, 1);
	assert_true(fixture_run_one(l));
	fixture_tick(l);
	assert_int_equal(c[0].told, 1);
	assert_int_equal(c[1].told, 0); /* came while that was being synced */
	fixture_run(l);
	fixture_tick(l);
	assert_int_equal(c[1].told, 1);
	assert_int_equal(c[2].told, 1);
	assert_buf(&l->disk.order, "owsxowsx"); /* and two of them share one */
	for (int i = 0; i < 3; i++)
		fixture_client_done(&c[i]);
	assert_int_equal(count_of(l, c[0].t.folded_into), 3);
}

/* Any disk call fails while they come; whoever hears "safe" is counted. */
static void
who_was_told_is_counted_whatever_the_disk_does(void **state)
{
	static const int errors[] = { EIO, ENOSPC };

	(void)state;
	for (size_t e = 0; e < ARRAY_LEN(errors); e++) {
		bool fired = true;

		for (int nth = 1; fired; nth++) {
			struct queue_fixture *l;
			char id[ENVELOPE_ID_SIZE];
			uint32_t safe = 0, failed = 0;

			assert_int_equal(setup((void **)&l), 0);
			assert_int_equal(storm(l, 3), 3);
			(void)submit(l, id);
			fault_fs_arm(&l->disk, nth, errors[e]);
			for (int i = 0; i < 5; i++) {
				struct fixture_client c;

				fixture_submit(
				    l, &c, QUEUE_MODE_SAFE, 1, hello);
				fixture_tick(l);
				assert_int_equal(c.told, 1);
				safe += c.t.outcome == QUEUE_SAFE;
				failed += c.t.outcome == QUEUE_FAILED;
				fixture_client_done(&c);
			}
			fired = l->disk.fired;
			fault_fs_arm(&l->disk, 0, 0);
			fixture_restart(l);
			fixture_tick(l);
			assert_int_equal(safe + failed, 5);
			assert_true(count_of(l, id) >= safe);
			assert_int_equal(failed, fired ? 1 : 0);
			assert_int_equal(queue_count(l->q), 1);
			(void)fixture_teardown((void **)&l);
		}
	}
}

static void
what_differs_is_never_folded(void **state)
{
	struct queue_fixture *l = *state;

	for (int i = 0; i < 20; i++) {
		l->fold_hash = 100 + (uint64_t)i; /* another text */
		assert_int_equal(storm(l, 1), 1);
	}
	l->fold_hash = 7;
	for (int i = 0; i < 20; i++) {
		l->uid = 1000 + (uint32_t)i; /* another user */
		assert_int_equal(storm(l, 1), 1);
	}
	l->fold_hash = 0; /* nothing is known */
	l->uid = 1;
	assert_int_equal(storm(l, 20), 20);
	l->fold_hash = 7;
	l->envid = "QQ314159"; /* whoever names it asks about it */
	assert_int_equal(storm(l, 20), 20);
	l->envid = NULL;
	l->fold_hash = 8;
	for (size_t n = 1; n <= 20; n++) { /* other recipients */
		struct fixture_client c;

		fixture_submit(l, &c, QUEUE_MODE_SAFE, n, hello);
		fixture_client_done(&c);
		assert_true(fixture_deliver(l, VERDICT_OK));
	}
	l->fold_opts.max_equal = 0; /* nobody asks */
	fixture_set_policy(l);
	assert_null(queue_fold_key(l->q));
	assert_int_equal(storm(l, 20), 20);
}

static void
other_rcpt(struct envelope *e, const char *text)
{
	envelope_clear_rcpts(e);
	(void)envelope_add_rcpt(e, text);
}

static void
other_sender(struct envelope *e, const char *text)
{
	envelope_set(&e->sender, text);
}

static void
other_orcpt(struct envelope *e, const char *text)
{
	envelope_set(&e->rcpts[0].orcpt, text);
}

static void
other_account(struct envelope *e, const char *text)
{
	envelope_set(&e->account, text);
}

static void
has_envid(struct envelope *e, const char *text)
{
	(void)text;
	envelope_set(&e->envid, "always-the-same");
}

static void
ignore(void *ctx, const struct queue_told *t)
{
	(void)ctx;
	(void)t;
}

/* Each field of the envelope by itself. */
static void
what_differs_in_one_field_is_never_folded(void **state)
{
	static void (*const differ[])(struct envelope * e, const char *text) = {
		other_rcpt, other_sender, other_orcpt, other_account, has_envid
	};
	struct queue_fixture *l = *state;

	for (size_t i = 0; i < ARRAY_LEN(differ); i++)
		for (int n = 0; n < 10; n++) {
			struct envelope *e = envelope_new();
			struct queue_draft *d = queue_draft_new(l->q);
			struct err err;
			char text[16];

			envelope_set(&e->sender, "me@example.org");
			(void)envelope_add_rcpt(e, "you@example.net");
			e->fold_hash = 70 + i;
			(void)snprintf(text, sizeof(text), "x%d@y.test", n);
			differ[i](e, text);
			assert_int_equal(
			    queue_draft_write(d, hello.p, hello.n, &err), 0);
			queue_draft_end(d, e, QUEUE_MODE_SAFE, 0, ignore, NULL);
			fixture_tick(l);
			queue_draft_free(d);
			envelope_free(e);
			assert_true(fixture_deliver(l, VERDICT_OK));
		}
}

static void
slow_repetitions_are_no_storm(void **state)
{
	struct queue_fixture *l = *state;

	for (int i = 0; i < 50; i++) {
		assert_int_equal(storm(l, 1), 1);
		fixture_pass(l, 21 * MINUTE);
	}
}

static void
a_storm_goes_on_with_one_message_an_hour_until_it_ends(void **state)
{
	struct queue_fixture *l = *state;
	size_t went = 0;

	for (int i = 0; i < 10 * 60; i++) { /* ten hours, one a minute */
		went += storm(l, 1);
		fixture_pass(l, MINUTE);
	}
	assert_true(went >= 3 + 9 && went <= 3 + 11);
	assert_int_equal(l->troubles, 1);
	fixture_pass(l, 3 * HOUR);
	while (fixture_deliver(l, VERDICT_OK))
		continue;
	assert_int_equal(queue_count(l->q), 0);
	assert_int_equal(storm(l, 3), 3); /* and it is over */
}

static void
a_flush_sends_what_was_counted_and_a_new_one_follows(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	char first[ENVELOPE_ID_SIZE], second[ENVELOPE_ID_SIZE];

	assert_int_equal(storm(l, 3), 3);
	(void)submit(l, first);
	assert_true(submit(l, NULL));
	queue_flush(l->q, -1);
	d = queue_take(l->q, 0);
	assert_int_equal(queue_claim_envelope(d)->nfolded, 1);
	assert_false(submit(l, second)); /* what goes cannot change */
	assert_string_not_equal(first, second);
	queue_claim_end(d, QUEUE_END_TRIED,
	    &(struct verdict) { .class = VERDICT_LATER }, 0, NULL, NULL);
	assert_true(submit(l, NULL));
	assert_int_equal(count_of(l, first), 1);
	assert_int_equal(count_of(l, second), 1);
}

static void
a_restart_keeps_the_count_and_when_it_goes(void **state)
{
	struct queue_fixture *l = *state;
	char id[ENVELOPE_ID_SIZE];
	struct queue_item it;

	assert_int_equal(storm(l, 3), 3);
	(void)submit(l, id);
	assert_int_equal(storm(l, 9), 0);
	fixture_pass(l, 20 * MINUTE);
	fixture_restart(l);
	fixture_tick(l);
	assert_true(queue_find(l->q, id, &it));
	assert_non_null(strstr(it.reason, "stands for 10 equal"));
	assert_int_equal(count_of(l, id), 9);
	assert_true(it.next_try_ms >= l->boot_ms + 39 * MINUTE);
	assert_int_equal(storm(l, 3), 3); /* counting begins anew */
}

/* Its account is away, say: it must not be kept from going by ever more. */
static void
nothing_joins_what_is_due(void **state)
{
	struct queue_fixture *l = *state;
	char first[ENVELOPE_ID_SIZE], second[ENVELOPE_ID_SIZE];

	assert_int_equal(storm(l, 3), 3);
	(void)submit(l, first);
	for (int i = 0; i < 3; i++)
		assert_true(submit(l, NULL));
	fixture_pass(l, HOUR);
	assert_false(submit(l, second));
	assert_string_not_equal(first, second);
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_false(fixture_deliver(l, VERDICT_OK));
}

static void
a_carrier_has_its_fill(void **state)
{
	struct queue_fixture *l = *state;

	assert_int_equal(storm(l, 3 + 1 + 10000 + 1 + 5), 3);
	assert_int_equal(queue_count(l->q), 2);
}

static void
a_long_wait_does_not_outlive_the_message(void **state)
{
	struct queue_fixture *l = *state;

	l->fold_opts.equal_ms = INT64_C(10) * 24 *
				HOUR; /* lifetime is 5 days */
	fixture_set_policy(l);
	assert_int_equal(storm(l, 10), 3);
	for (int h = 0; h < 61; h++)
		fixture_pass(l, HOUR);
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_int_equal(queue_count(l->q), 0);
	assert_int_equal(l->failed, 0);
}

static void
who_waits_on_a_message_that_goes_away_hears_no(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c[2];
	char id[ENVELOPE_ID_SIZE];

	assert_int_equal(storm(l, 3), 3);
	(void)submit(l, id);
	l->is_delayed = true;
	fixture_submit(l, &c[0], QUEUE_MODE_SAFE, 1, hello);
	fixture_submit(l, &c[1], QUEUE_MODE_SAFE, 1, hello);
	assert_true(queue_delete(l->q, id));
	fixture_run(l);
	fixture_tick(l);
	assert_int_equal(c[0].told, 1); /* it was counted, and deleted */
	assert_int_equal(c[1].told, 1);
	assert_int_equal(c[1].t.outcome, QUEUE_FAILED);
	fixture_client_done(&c[0]);
	fixture_client_done(&c[1]);
	fixture_run(l);
	assert_int_equal(queue_count(l->q), 0);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static void
a_carrier_that_the_disk_refuses_takes_nobody_along(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c[2];

	fixture_needs_disk();
	assert_int_equal(storm(l, 3), 3);
	l->is_delayed = true;
	fixture_submit(l, &c[0], QUEUE_MODE_SAFE, 1, hello);
	fixture_submit(l, &c[1], QUEUE_MODE_SAFE, 1, hello);
	fault_fs_arm(&l->disk, 1, ENOSPC);
	fixture_run(l);
	fixture_tick(l);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(c[i].told, 1);
		assert_int_equal(c[i].t.outcome, QUEUE_FAILED);
		fixture_client_done(&c[i]);
	}
	assert_int_equal(queue_count(l->q), 0);
	l->is_delayed = false;
	assert_int_equal(storm(l, 5), 0); /* a new one carries */
	assert_int_equal(queue_count(l->q), 1);
}

static void
clients_that_left_are_counted_too(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	char id[ENVELOPE_ID_SIZE];

	assert_int_equal(storm(l, 3), 3);
	(void)submit(l, id);
	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_client_done(&c);
	fixture_run(l);
	fixture_tick(l);
	assert_int_equal(c.told, 0);
	assert_int_equal(count_of(l, id), 1);
	l->is_delayed = false;
	fixture_restart(l); /* nothing is left behind */
}

/* An end in the middle of everything: nobody is left waiting. */
static void
an_orderly_end_writes_what_is_counted(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c[4];
	uint32_t safe = 0;

	assert_int_equal(storm(l, 3), 3);
	l->is_delayed = true;
	for (int i = 0; i < 4; i++)
		fixture_submit(l, &c[i], QUEUE_MODE_SAFE, 1, hello);
	fixture_start_one(l);
	fixture_close(l);
	fixture_finish_one(l);
	l->is_delayed = false;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(c[i].told, 1);
		safe += c[i].t.outcome == QUEUE_SAFE;
		fixture_client_done(&c[i]);
	}
	fixture_open(l);
	fixture_tick(l);
	assert_int_equal(queue_count(l->q), 1);
	assert_int_equal(count_of(l, c[0].id), safe - 1);
}

static void
many_kinds_do_not_push_out_a_storm(void **state)
{
	struct queue_fixture *l = *state;

	for (uint64_t i = 0; i < 1000; i++) {
		l->fold_hash = 100 + i;
		assert_int_equal(storm(l, 1), 1);
		l->fold_hash = 7;
		(void)storm(l, 1);
		l->boot_ms += 1;
	}
	assert_int_equal(queue_count(l->q), 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fixture_teardown)
#define ON_DISK(f)                                                             \
	cmocka_unit_test_setup_teardown(f, setup_on_disk, fixture_teardown)
	static const struct CMUnitTest tests[] = {
		T(the_first_go_and_the_others_become_one),
		ON_DISK(nobody_hears_accepted_before_the_disk_has_counted_him),
		cmocka_unit_test(
		    who_was_told_is_counted_whatever_the_disk_does),
		T(what_differs_is_never_folded),
		T(what_differs_in_one_field_is_never_folded),
		T(slow_repetitions_are_no_storm),
		T(a_storm_goes_on_with_one_message_an_hour_until_it_ends),
		T(a_flush_sends_what_was_counted_and_a_new_one_follows),
		T(a_restart_keeps_the_count_and_when_it_goes),
		T(nothing_joins_what_is_due),
		T(a_carrier_has_its_fill),
		T(a_long_wait_does_not_outlive_the_message),
		T(who_waits_on_a_message_that_goes_away_hears_no),
		ON_DISK(a_carrier_that_the_disk_refuses_takes_nobody_along),
		T(clients_that_left_are_counted_too),
		T(an_orderly_end_writes_what_is_counted),
		T(many_kinds_do_not_push_out_a_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
