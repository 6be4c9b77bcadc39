/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a kill must not undo: a result is in the message's file before anybody
 * hears of it; what is finished goes away in the background, and not too much
 * waits for that. */
#include "tests/lib/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/queue.h"
#include "tests/lib/queue_fixture.h"

enum { MINUTE = 60 * 1000, MANY = 2500 };

static const struct bytes hello = { "Subject: hi\r\n\r\nhello\r\n", 22 };

/* What the only file of the queue says. */
static void
assert_file_says(const struct queue_fixture *l, const char *word, bool says)
{
	char path[512];
	char text[4096] = "";
	FILE *f;

	assert_true(fixture_only_file(l, "queue", path));
	f = fopen(path, "r");
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	(void)fclose(f);
	if ((strstr(text, word) != NULL) != says)
		fail_msg("\"%s\" in: %s", word, text);
}

static struct queue_claim *
take_with_answer(struct queue_fixture *l, size_t rcpt, enum verdict_class class)
{
	struct queue_claim *d = queue_take(l->q, 0);
	struct verdict v = fixture_verdict(class, "so says the provider");

	assert_non_null(d);
	queue_claim_rcpt(d, rcpt, &v);
	return d;
}

static void
end(struct queue_claim *d, enum verdict_class class, int *settled)
{
	struct verdict v = fixture_verdict(class, "so says the provider");

	queue_claim_end(d, QUEUE_END_TRIED, &v, 0,
	    settled != NULL ? fixture_count : NULL, settled);
}

static void
submit(struct queue_fixture *l, size_t nrcpts, struct fixture_client *c)
{
	fixture_submit(l, c, QUEUE_MODE_SAFE, nrcpts, hello);
	(void)fixture_tick(l);
	fixture_client_done(c);
}

/* --- noted ---------------------------------------------------------------- */

static void
a_message_that_all_have_says_so_before_its_delivery_ends(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;

	fixture_needs_disk();
	submit(l, 1, &c);
	l->is_delayed = true;
	d = take_with_answer(l, 0, VERDICT_OK);
	assert_file_says(l, " done ", false);
	buf_reset(&l->disk.order);
	queue_claim_note(d);
	assert_file_says(l, " done ", true);
	assert_null(strchr(buf_str(&l->disk.order), 's'));
	end(d, VERDICT_OK, NULL);
	assert_file_says(l, " done ", true); /* it is removed later */
	fixture_run(l);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static void
a_message_that_is_served_while_it_is_written_says_so_from_the_start(
    void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;

	fixture_needs_disk();
	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	d = take_with_answer(l, 0, VERDICT_OK);
	queue_claim_note(d);
	fixture_start_one(l);
	assert_file_says(l, " done ", true);
	end(d, VERDICT_OK, NULL);
	fixture_client_done(&c);
	fixture_finish_one(l);
	fixture_run(l);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static void
a_message_that_is_served_while_it_is_synced_says_so(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;

	fixture_needs_disk();
	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	d = take_with_answer(l, 0, VERDICT_OK);
	fixture_start_one(l);
	assert_file_says(l, " done ", false);
	queue_claim_note(d);
	assert_file_says(l, " done ", true);
	end(d, VERDICT_OK, NULL);
	fixture_client_done(&c);
	fixture_finish_one(l);
	fixture_run(l);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static void
who_was_served_by_a_first_transaction_is_noted_before_the_next(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;
	int settled = 0;
	size_t second = 1;

	fixture_needs_disk();
	submit(l, 2, &c);
	l->is_delayed = true;
	d = take_with_answer(l, 0, VERDICT_OK);
	buf_reset(&l->disk.order);
	queue_claim_note(d);
	assert_file_says(l, "rcpt 0 sent", true);
	/* Not synced, and the next one does not wait for a sync. */
	assert_true(queue_claim_mark(d, &second, 1, "mx", NULL, NULL));
	assert_null(strchr(buf_str(&l->disk.order), 's'));
	end(d, VERDICT_LATER, &settled);
	assert_int_equal(settled, 0);
	fixture_run(l);
	assert_int_equal(settled, 1);
	assert_non_null(strchr(buf_str(&l->disk.order), 's'));
	assert_file_says(l, "rcpt 0 sent", true);
}

static void
who_was_served_before_the_disk_had_the_message_is_in_it_from_the_start(
    void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;
	int settled = 0;

	fixture_needs_disk();
	l->is_delayed = true;
	l->head_start_ms = 1000;
	fixture_restart(l);
	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 2, hello);
	d = take_with_answer(l, 0, VERDICT_OK);
	queue_claim_note(d);
	assert_int_equal(l->njobs, 0);
	end(d, VERDICT_LATER, &settled);
	assert_int_equal(l->njobs, 1);
	fixture_start_one(l);
	assert_file_says(l, "rcpt 0 sent", true);
	assert_int_equal(settled, 0);
	fixture_finish_one(l);
	assert_int_equal(settled, 1);
	fixture_client_done(&c);
}

static void
a_file_that_takes_no_line_goes_at_once(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;

	fixture_needs_disk();
	submit(l, 1, &c);
	l->is_delayed = true;
	d = take_with_answer(l, 0, VERDICT_OK);
	l->disk.only = "w";
	fault_fs_arm(&l->disk, 1, ENOSPC);
	queue_claim_note(d);
	assert_true(l->disk.fired);
	assert_int_equal(fixture_files(l, "queue"), 0);
	assert_int_equal(l->troubles, 1);
	end(d, VERDICT_OK, NULL);
	fixture_run(l);
	assert_int_equal(l->troubles, 1);
}

static void
a_deleted_message_does_not_come_back_after_a_kill(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_needs_disk();
	submit(l, 1, &c);
	l->is_delayed = true;
	assert_true(queue_delete(l->q, c.id));
	assert_file_says(l, " done ", true);
	fixture_run(l);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

/* --- removed -------------------------------------------------------------- */

static int
no_sync(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	return 0;
}

static void
submit_many(struct queue_fixture *l, size_t n)
{
	struct fixture_client c;

	l->disk.fs.sync = no_sync;
	for (size_t i = 0; i < n; i++)
		submit(l, 1, &c);
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
a_disk_that_removes_nothing_makes_the_deliveries_wait(void **state)
{
	struct queue_fixture *l = *state;
	size_t n, left = MANY;

	submit_many(l, MANY);
	l->is_delayed = true;
	n = deliver_all(l);
	assert_true(n >= 1000 && n < MANY);
	assert_true(l->njobs <= 2); /* others have work for the threads, too */
	assert_false(queue_has_due(l->q, 0));
	(void)fixture_tick(l);
	l->wakes = 0;
	(void)fixture_tick(l);
	assert_int_equal(l->wakes, 0); /* there is nothing to come for */
	for (left -= n; fixture_run_one(l) && !queue_has_due(l->q, 0);)
		;
	assert_true(l->njobs > 0); /* not only when all is gone */
	(void)fixture_tick(l);
	assert_int_equal(l->wakes, 1);
	fixture_run(l);
	assert_int_equal(deliver_all(l), left);
	fixture_run(l);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static void
files_are_removed_many_at_a_time(void **state)
{
	struct queue_fixture *l = *state;

	fixture_needs_disk();
	fixture_close(l);
	l->policy.sync_results_ms = 1000;
	fixture_open(l);
	submit_many(l, 17);
	l->is_delayed = true;
	for (int i = 0; i < 15; i++)
		assert_true(fixture_deliver(l, VERDICT_OK));
	assert_int_equal(l->njobs, 0);
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_int_equal(l->njobs, 1);
	assert_true(fixture_run_one(l));
	assert_int_equal(fixture_files(l, "queue"), 1);
	/* The last one does not wait for others that never come. */
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_int_equal(l->njobs, 0);
	assert_true(fixture_tick(l) <= l->boot_ms + 100);
	fixture_pass(l, 100);
	fixture_run(l);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static struct queue_fixture *slow;
static int (*quick_unlink)(void *ctx, int dirfd, const char *path);

static int
slow_unlink(void *ctx, int dirfd, const char *path)
{
	slow->boot_ms += 100;
	return quick_unlink(ctx, dirfd, path);
}

static void
closing_leaves_to_the_next_start_what_is_removed_too_slowly(void **state)
{
	struct queue_fixture *l = *state;
	size_t left;

	fixture_needs_disk();
	submit_many(l, 100);
	l->is_delayed = true;
	assert_int_equal(deliver_all(l), 100);
	slow = l;
	quick_unlink = l->disk.fs.unlink;
	l->disk.fs.unlink = slow_unlink;
	fixture_close(l);
	left = fixture_files(l, "queue");
	assert_in_range(left, 1, 99);
	l->njobs = 0;
	l->is_delayed = false;
	l->disk.fs.unlink = quick_unlink;
	fixture_open(l);
	(void)fixture_tick(l);
	assert_int_equal(queue_count(l->q), 0);
	assert_false(fixture_deliver(l, VERDICT_OK));
	assert_int_equal(fixture_files(l, "queue"), 0);
}

/* --- synced --------------------------------------------------------------- */

static size_t
folder_syncs(const struct queue_fixture *l)
{
	size_t n = 0;

	for (const char *p = buf_str(&l->disk.order); *p != '\0'; p++)
		n += *p == 'd';
	return n;
}

static void
what_was_removed_within_a_time_is_synced_in_one_go(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_needs_disk();
	fixture_close(l);
	l->policy.sync_results_ms = 1000;
	fixture_open(l);
	for (int i = 0; i < 5; i++)
		submit(l, 1, &c);
	buf_reset(&l->disk.order);
	assert_int_equal(deliver_all(l), 5);
	assert_int_equal(folder_syncs(l), 0);
	fixture_pass(l, 100);
	assert_int_equal(fixture_files(l, "queue"), 0);
	assert_int_equal(fixture_tick(l), l->boot_ms + 900);
	fixture_pass(l, 899);
	assert_int_equal(folder_syncs(l), 0);
	fixture_pass(l, 1);
	assert_int_equal(folder_syncs(l), 1);
	/* And then it asks for nothing more. */
	assert_true(fixture_tick(l) > l->boot_ms + MINUTE);
}

static void
what_was_removed_from_failed_is_synced_too(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_needs_disk();
	fixture_close(l);
	l->policy.sync_results_ms = 1000;
	fixture_open(l);
	submit(l, 1, &c);
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	fixture_pass(l, MINUTE);
	assert_int_equal(fixture_files(l, "failed"), 1);
	assert_true(queue_delete(l->q, c.id));
	buf_reset(&l->disk.order);
	fixture_pass(l, 100);
	assert_int_equal(fixture_files(l, "failed"), 0);
	fixture_pass(l, 900);
	assert_int_equal(folder_syncs(l), 1);
}

static void
each_result_is_synced_before_the_next_message_if_asked_for(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_claim *d;
	struct fixture_client c;
	int settled = 0;

	fixture_needs_disk();
	fixture_close(l);
	l->policy.syncs_each = true;
	fixture_open(l);
	assert_true(queue_syncs_each(l->q));
	submit(l, 1, &c);
	l->is_delayed = true;
	d = take_with_answer(l, 0, VERDICT_OK);
	queue_claim_note(d);
	buf_reset(&l->disk.order);
	end(d, VERDICT_OK, &settled);
	assert_int_equal(settled, 0);
	assert_true(fixture_run_one(l));
	assert_int_equal(settled, 1);
	assert_non_null(strchr(buf_str(&l->disk.order), 's'));
	fixture_run(l);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

/* The disk has nothing of it, or will not get it: nothing to wait for. */
static void
what_never_came_to_the_disk_is_settled_at_once(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	int settled = 0;

	fixture_close(l);
	l->policy.syncs_each = true;
	l->is_delayed = true;
	for (int head_start = 0; head_start < 2; head_start++) {
		l->head_start_ms = head_start ? 1000 : 0;
		fixture_open(l);
		settled = 0;
		fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
		end(take_with_answer(l, 0, VERDICT_OK), VERDICT_OK, &settled);
		assert_int_equal(settled, 1);
		assert_int_equal(c.told, 1);
		fixture_client_done(&c);
		assert_int_equal(l->njobs, 0);
		assert_int_equal(l->troubles, 0);
		if (head_start == 0)
			fixture_close(l);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(a_message_that_all_have_says_so_before_its_delivery_ends),
		T(a_message_that_is_served_while_it_is_written_says_so_from_the_start),
		T(a_message_that_is_served_while_it_is_synced_says_so),
		T(who_was_served_by_a_first_transaction_is_noted_before_the_next),
		T(who_was_served_before_the_disk_had_the_message_is_in_it_from_the_start),
		T(a_file_that_takes_no_line_goes_at_once),
		T(a_deleted_message_does_not_come_back_after_a_kill),
		T(a_disk_that_removes_nothing_makes_the_deliveries_wait),
		T(files_are_removed_many_at_a_time),
		T(closing_leaves_to_the_next_start_what_is_removed_too_slowly),
		T(what_was_removed_within_a_time_is_synced_in_one_go),
		T(what_was_removed_from_failed_is_synced_too),
		T(each_result_is_synced_before_the_next_message_if_asked_for),
		T(what_never_came_to_the_disk_is_settled_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
