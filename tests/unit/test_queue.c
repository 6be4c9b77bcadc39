/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The promise: safe means the disk or the provider has it; nothing accepted is
 * lost; nobody hears "accepted" about what was refused while they waited. */
#include "tests/lib/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "queue/queue.h"
#include "store/qid.h"
#include "store/spool.h"
#include "store/store_text.h"
#include "sys/fs_sys.h"
#include "tests/lib/queue_fixture.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static const struct bytes hello = { "Subject: hi\r\n\r\nhello\r\n", 22 };

/* Any size, and different everywhere. */
static struct bytes
long_message(size_t n)
{
	char *p = malloc(n);

	for (size_t i = 0; i < n; i++)
		p[i] = (char)('a' + (i * 7 + i / 251) % 26);
	return bytes_of(p, n);
}

/* When the queue wants to be called again; a remote store wants to hear of us
 * before that. */
static void
is_due(const struct queue_fixture *l, int64_t next, int64_t want)
{
	if (l->store->is_remote)
		assert_in_range(next, l->boot_ms + 1, want);
	else
		assert_int_equal(next, want);
}

static void
damage_only_file(const struct queue_fixture *l)
{
	char path[512];
	int fd;

	assert_true(fixture_only_file(l, "queue", path));
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "?", 1, 1000), 1);
	assert_int_equal(close(fd), 0);
}

static struct queue_item
only_item(struct queue_fixture *l, const char *id)
{
	struct queue_item it;

	assert_int_equal(queue_count(l->q), 1);
	assert_true(queue_find(l->q, id, &it));
	return it;
}

static void
end(struct queue_claim *d, enum verdict_class class)
{
	struct verdict v = fixture_verdict(class, "so says the provider");

	queue_claim_end(d, QUEUE_END_TRIED, &v, 0, NULL, NULL);
}

static void
assert_told(const struct fixture_client *c, enum queue_outcome outcome)
{
	assert_int_equal(c->told, 1);
	assert_int_equal(c->t.outcome, outcome);
}

/* What a delivery reads is the message, whatever it is read from. */
static void
assert_reads(struct queue_claim *d, struct bytes want, size_t step)
{
	char *p = malloc(step);
	struct err err;
	size_t n, at = 0;

	do {
		assert_int_equal(queue_claim_read(d, at, p, step, &n, &err), 0);
		assert_true(at + n <= want.n);
		assert_memory_equal(p, want.p + at, n);
		at += n;
	} while (n > 0);
	assert_int_equal(at, want.n);
	free(p);
}

/* --- safe mode ------------------------------------------------------------ */

static void
safe_is_told_when_the_disk_has_it(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	assert_int_equal(c.told, 0);
	fixture_run(l);
	assert_told(&c, QUEUE_SAFE);
	assert_int_equal(c.t.verdict.class, VERDICT_NONE);
	assert_int_equal(fixture_files(l, "queue"), 1);
	fixture_client_done(&c);
	assert_true(fixture_deliver(l, VERDICT_OK));
	fixture_run(l);
	assert_int_equal(fixture_files(l, "queue"), 0);
	assert_int_equal(queue_count(l->q), 0);
}

static void
told_is_never_called_from_within_the_end_of_the_draft(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	assert_int_equal(c.told, 0);
	fixture_tick(l);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
}

static void
a_provider_quicker_than_the_disk_leaves_the_disk_untouched(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	l->is_delayed = true;
	buf_reset(&l->disk.order);
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 2, hello);
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_told(&c, QUEUE_SAFE);
	assert_int_equal(c.t.verdict.class, VERDICT_OK);
	assert_int_equal(l->njobs, 0);
	assert_buf(&l->disk.order, "");
	assert_int_equal(queue_count(l->q), 0);
	fixture_client_done(&c);
}

static void
a_provider_quicker_than_a_running_sync_leaves_no_file(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_start_one(l);
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
	assert_int_equal(queue_count(l->q), 0);
	fixture_finish_one(l);
	fixture_run(l);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static void
a_provider_saves_what_the_disk_cannot_keep(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_needs_disk();
	fault_fs_arm(&l->disk, 1, ENOSPC);
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	assert_int_equal(c.told, 0);
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_told(&c, QUEUE_SAFE);
	assert_int_equal(c.t.verdict.class, VERDICT_OK);
	assert_int_equal(l->troubles, 1); /* nobody else says it */
	fixture_client_done(&c);
}

static void
disk_and_provider_failing_fails_and_leaves_nothing(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_needs_disk();
	for (int untried = 0; untried < 2; untried++) {
		struct queue_claim *d;

		fault_fs_arm(&l->disk, 3, ENOSPC);
		fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
		d = queue_take(l->q, 0);
		fixture_pass(l, HOUR); /* bounded by the delivery alone */
		assert_int_equal(c.told, 0);
		if (untried)
			queue_claim_end(
			    d, QUEUE_END_UNTRIED, NULL, 0, NULL, NULL);
		else
			end(d, VERDICT_LATER);
		assert_told(&c, QUEUE_FAILED);
		assert_int_equal(c.t.err.os, ENOSPC);
		fixture_client_done(&c);
		assert_int_equal(queue_count(l->q), 0);
		assert_int_equal(fixture_files(l, "queue"), 0);
	}
	assert_int_equal(l->troubles, 0); /* the client's side says it */
}

static void
a_failed_disk_does_not_wait_for_ever_for_a_provider(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	int64_t next;

	fixture_needs_disk();
	fault_fs_arm(&l->disk, 1, EIO);
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	next = fixture_tick(l);
	assert_int_equal(c.told, 0);
	assert_true(next <= l->boot_ms + 10 * 1000);
	fixture_pass(l, next - l->boot_ms);
	assert_told(&c, QUEUE_FAILED);
	fixture_client_done(&c);
	assert_null(queue_take(l->q, 0));
}

static void
refused_while_waiting_is_told_in_safe_mode_too(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 2, hello);
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	assert_told(&c, QUEUE_REFUSED);
	fixture_client_done(&c);
	fixture_run(l);
	assert_int_equal(queue_count(l->q), 0);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static void
partly_sent_with_a_failed_disk_fails(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct queue_claim *d;
	struct verdict ok = fixture_verdict(VERDICT_OK, "ok");

	fixture_needs_disk();
	fault_fs_arm(&l->disk, 2, EIO);
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 2, hello);
	d = queue_take(l->q, 0);
	queue_claim_rcpt(d, 0, &ok);
	end(d, VERDICT_LATER);
	assert_told(&c, QUEUE_FAILED);
	fixture_client_done(&c);
	assert_int_equal(queue_count(l->q), 0);
}

static void
a_draft_given_up_leaves_no_trace(void **state)
{
	struct queue_fixture *l = *state;
	struct bytes big = long_message(300000);
	struct err err;

	for (int large = 0; large < 2; large++) {
		struct queue_draft *d = queue_draft_new(l->q);

		assert_int_equal(
		    queue_draft_write(d, big.p, large ? big.n : 100, &err), 0);
		if (l->kind == FIXTURE_DISK)
			assert_int_equal(
			    fixture_files(l, "queue"), (size_t)large);
		queue_draft_free(d);
		assert_int_equal(fixture_files(l, "queue"), 0);
	}
	assert_int_equal(queue_count(l->q), 0);
	free((char *)(uintptr_t)big.p);
}

/* --- the client goes away ------------------------------------------------- */

static void
a_message_whose_client_has_gone_goes_its_way(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	fixture_client_done(&c);
	fixture_run(l);
	assert_int_equal(fixture_files(l, "queue"), 1);
	assert_true(fixture_deliver(l, VERDICT_OK));
	fixture_run(l);
	assert_int_equal(fixture_files(l, "queue"), 0);
	assert_int_equal(c.told, 0);
}

static void
refused_without_anybody_to_tell_is_kept_as_failed(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	fixture_client_done(&c);
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	assert_int_equal(only_item(l, c.id).state, QUEUE_STATE_FAILED);
	assert_int_equal(fixture_files(l, "failed"), 1);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static void
a_failure_noted_but_not_moved_is_moved_after_a_restart(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_needs_disk();
	fixture_submit(l, &c, QUEUE_MODE_QUEUE, 1, hello);
	fixture_client_done(&c);
	fixture_pass(l, 2 * MINUTE);
	fault_fs_arm(&l->disk, 1, EIO);
	l->disk.only = "r";
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	assert_int_equal(fixture_files(l, "queue"), 1);
	fault_fs_arm(&l->disk, 0, 0);
	fixture_restart(l);
	fixture_tick(l);
	assert_int_equal(only_item(l, c.id).state, QUEUE_STATE_FAILED);
	assert_int_equal(fixture_files(l, "failed"), 1);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static void
a_failed_disk_without_a_client_is_told_as_trouble(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_needs_disk();
	fault_fs_arm(&l->disk, 1, EIO);
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_client_done(&c);
	fixture_pass(l, MINUTE);
	assert_int_equal(l->troubles, 1);
	assert_int_equal(queue_count(l->q), 0);
}

/* --- verdict mode --------------------------------------------------------- */

static void
verdict_mode_hears_the_provider(void **state)
{
	static const struct {
		enum verdict_class class;
		enum queue_outcome outcome;
		enum verdict_class told;
		size_t left;
	} rows[] = {
		{ VERDICT_OK, QUEUE_SAFE, VERDICT_OK, 0 },
		{ VERDICT_NEVER, QUEUE_REFUSED, VERDICT_NEVER, 0 },
		{ VERDICT_LATER, QUEUE_SAFE, VERDICT_NONE, 1 },
	};
	struct queue_fixture *l = *state;
	struct fixture_client c;

	/* Before, while, and after the disk is at work. */
	for (int when = 0; when < 3; when++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			l->is_delayed = true;
			fixture_submit(l, &c, QUEUE_MODE_VERDICT, 2, hello);
			if (when == 1)
				fixture_start_one(l);
			else if (when == 2)
				fixture_run(l);
			fixture_tick(l);
			assert_int_equal(c.told, 0);
			assert_true(fixture_deliver(l, rows[i].class));
			if (rows[i].class != VERDICT_LATER)
				assert_int_equal(c.told, 1);
			if (when == 1)
				fixture_finish_one(l);
			fixture_run(l);
			assert_told(&c, rows[i].outcome);
			assert_int_equal(c.t.verdict.class, rows[i].told);
			assert_int_equal(
			    fixture_files(l, "queue"), rows[i].left);
			assert_int_equal(queue_count(l->q), rows[i].left);
			fixture_client_done(&c);
			if (rows[i].left > 0)
				assert_true(queue_delete(l->q, c.id));
			fixture_run(l);
			assert_int_equal(fixture_files(l, "failed"), 0);
		}
}

static void
verdict_mode_ends_at_its_deadline(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct queue_claim *d;
	int64_t next;

	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	d = queue_take(l->q, 0);
	next = fixture_tick(l);
	assert_int_equal(c.told, 0);
	is_due(l, next, l->boot_ms + 10 * 1000);
	fixture_pass(l, 10 * 1000);
	assert_told(&c, QUEUE_SAFE);
	assert_int_equal(c.t.verdict.class, VERDICT_NONE);
	fixture_client_done(&c);
	/* Refused now: it was accepted, so it is not just dropped. */
	end(d, VERDICT_NEVER);
	assert_int_equal(fixture_files(l, "failed"), 1);
}

/* While the disk writes there is no deadline to wait for, so the one who turns
 * the queue must be told when there is. */
static void
a_deadline_is_made_known_once_the_disk_has_it(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct queue_claim *d;
	int asked;

	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	d = queue_take(l->q, 0);
	(void)fixture_tick(l);
	asked = l->turns_asked;
	fixture_run(l);
	assert_int_equal(c.told, 0);
	assert_true(l->turns_asked > asked);
	is_due(l, fixture_tick(l), l->boot_ms + 10 * 1000);
	fixture_pass(l, 10 * 1000);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
	end(d, VERDICT_OK);
}

static void
at_its_deadline_a_slow_disk_is_still_waited_for(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	fixture_pass(l, MINUTE);
	assert_int_equal(c.told, 0);
	fixture_run(l);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
}

static void
verdict_mode_does_not_wait_for_a_provider_that_will_not_be_asked(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct queue_claim *d;

	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	d = queue_take(l->q, 0);
	queue_claim_end(d, QUEUE_END_UNTRIED, NULL, l->boot_ms + 1000, NULL,
	    NULL); /* once more within the deadline */
	assert_int_equal(c.told, 0);
	fixture_pass(l, 1000);
	d = queue_take(l->q, 0);
	assert_non_null(d);
	queue_claim_end(
	    d, QUEUE_END_UNTRIED, NULL, l->boot_ms + MINUTE, NULL, NULL);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);

	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	fixture_tick(l);
	assert_int_equal(c.told, 0);
	queue_give_up_waiting(l->q, 1);
	fixture_tick(l);
	assert_int_equal(c.told, 0);
	queue_give_up_waiting(l->q, 0);
	fixture_tick(l);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);

	/* At a stop nobody waits, not even for what is under way. */
	fixture_pass(l, MINUTE);
	while (fixture_deliver(l, VERDICT_OK))
		;
	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	d = queue_take(l->q, 0);
	queue_give_up_waiting(l->q, 0);
	fixture_tick(l);
	assert_int_equal(c.told, 0);
	queue_give_up_waiting(l->q, -1);
	fixture_tick(l);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
	queue_claim_end(
	    d, QUEUE_END_UNTRIED, NULL, l->boot_ms + MINUTE, NULL, NULL);

	l->account = -1;
	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	fixture_tick(l);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
}

static void
mixed_recipients_are_safe_and_the_refused_go_to_failed(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct queue_claim *d;
	struct verdict ok = fixture_verdict(VERDICT_OK, "ok");

	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 2, hello);
	d = queue_take(l->q, 0);
	queue_claim_rcpt(d, 0, &ok);
	end(d, VERDICT_NEVER);
	assert_told(&c, QUEUE_SAFE);
	assert_int_equal(c.t.verdict.class, VERDICT_NONE);
	fixture_client_done(&c);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(only_item(l, c.id).state, QUEUE_STATE_FAILED);
		assert_int_equal(fixture_files(l, "failed"), 1);
		fixture_restart(l);
		fixture_tick(l);
	}
	/* A person sends it again: only to whom it has not gone. */
	assert_true(queue_retry(l->q, c.id));
	assert_int_equal(fixture_files(l, "queue"), 1);
	fixture_restart(l);
	fixture_tick(l);
	d = queue_take(l->q, 0);
	assert_non_null(d);
	assert_int_equal(queue_claim_envelope(d)->rcpts[0].state, RCPT_SENT);
	assert_int_equal(queue_claim_envelope(d)->rcpts[1].state, RCPT_WAITING);
	assert_int_equal(queue_claim_attempts(d), 0);
	end(d, VERDICT_OK);
	assert_int_equal(queue_count(l->q), 0);
}

static void
what_was_accepted_long_ago_is_never_just_refused(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_needs_disk();
	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_ACCEPTED, 2, hello);
	assert_true(fixture_deliver(l, VERDICT_NEVER)); /* before the disk */
	assert_int_equal(c.told, 0);
	fixture_run(l);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
	assert_int_equal(fixture_files(l, "failed"), 1);
	assert_int_equal(only_item(l, c.id).state, QUEUE_STATE_FAILED);

	/* Neither provider nor disk: it has to be offered again. */
	l->is_delayed = false;
	fault_fs_arm(&l->disk, 1, ENOSPC);
	fixture_submit(l, &c, QUEUE_MODE_ACCEPTED, 2, hello);
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	assert_told(&c, QUEUE_FAILED);
	fixture_client_done(&c);
}

/* --- the provider's head start -------------------------------------------- */

static void
with_head_start(struct queue_fixture *l)
{
	l->is_delayed = false;
	l->head_start_ms = 1000;
	fixture_restart(l);
	fixture_tick(l);
	l->is_delayed = true;
	buf_reset(&l->disk.order);
}

static void
while_a_session_waits_for_the_provider_the_disk_is_left_alone(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	with_head_start(l);
	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 2, hello);
	fixture_pass(l, 999);
	assert_int_equal(l->njobs, 0);
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_told(&c, QUEUE_SAFE);
	assert_int_equal(c.t.verdict.class, VERDICT_OK);
	assert_int_equal(l->njobs, 0);
	assert_buf(&l->disk.order, "");
	assert_int_equal(queue_count(l->q), 0);
	fixture_client_done(&c);
}

static void
a_head_start_ends_and_the_queue_asks_to_be_called_then(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	with_head_start(l);
	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	assert_int_equal(fixture_tick(l), l->boot_ms + 1000);
	fixture_pass(l, 1000);
	assert_int_equal(l->njobs, 1 + l->store->is_remote); /* its heartbeat */
	fixture_run(l);
	assert_int_equal(c.told, 0);
	assert_int_equal(fixture_files(l, "queue"), 1);
	fixture_pass(l, 9000);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
}

/* Each message takes the provider 1 ms and the disk 3 ms; a hundred at once
 * wait up to 100 ms for the provider, and that is no reason to write them all
 * down. */
static void
many_at_once_do_not_make_the_provider_slow(void **state)
{
	enum { MANY = 100 };
	struct queue_fixture *l = *state;
	struct fixture_client c[MANY];
	size_t stored = 0;

	with_head_start(l);
	for (int i = 0; i < 20; i++) { /* what is known of both */
		fixture_submit(l, &c[0], QUEUE_MODE_SAFE, 1, hello);
		fixture_pass(l, 3);
		fixture_run(l);
		fixture_submit(l, &c[1], QUEUE_MODE_VERDICT, 1, hello);
		fixture_pass(l, 1);
		while (fixture_deliver(l, VERDICT_OK))
			;
		fixture_run(l);
		fixture_client_done(&c[0]);
		fixture_client_done(&c[1]);
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++)
			fixture_submit(l, &c[i], QUEUE_MODE_SAFE, 1, hello);
		for (int i = 0; i < MANY; i++) {
			fixture_pass(l, 1);
			stored += l->njobs;
			fixture_run(l);
			assert_true(fixture_deliver(l, VERDICT_OK));
			fixture_run(l);
		}
		for (int i = 0; i < MANY; i++) {
			assert_told(&c[i], QUEUE_SAFE);
			fixture_client_done(&c[i]);
		}
	}
	/* The few that tell how quick the disk is. */
	assert_in_range(stored, 1, 3 * MANY / 10);
}

/* A large message is in its file already; what the head start saves is the
 * sync. */
static void
a_large_message_has_a_head_start_too(void **state)
{
	struct queue_fixture *l = *state;
	struct bytes large = long_message(QUEUE_MEMORY_MAX + 1);
	struct fixture_client c;

	with_head_start(l);
	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, large);
	assert_int_equal(l->njobs, 0);
	assert_true(fixture_deliver(l, VERDICT_OK));
	fixture_run(l);
	assert_told(&c, QUEUE_SAFE);
	assert_int_equal(fixture_files(l, "queue"), 0);
	fixture_client_done(&c);

	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, large);
	fixture_pass(l, 1000);
	fixture_run(l);
	fixture_pass(l, 9000);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
	fixture_restart(l);
	fixture_tick(l);
	assert_int_equal(queue_count(l->q), 1);
	free((char *)(uintptr_t)large.p);
}

static void
an_attempt_that_came_to_nothing_ends_the_head_start(void **state)
{
	static const enum queue_end ends[] = { QUEUE_END_TRIED,
		QUEUE_END_UNTRIED };
	struct verdict later = fixture_verdict(VERDICT_LATER, "not now");
	struct queue_fixture *l = *state;

	with_head_start(l);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct queue_claim *d;
		struct fixture_client c;

		fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
		d = queue_take(l->q, 0);
		assert_non_null(d);
		queue_claim_end(d, ends[i], &later, 0, NULL, NULL);
		assert_int_equal(c.told, 0);
		fixture_run(l);
		assert_int_equal(fixture_files(l, "queue"), i + 1);
		queue_give_up_waiting(l->q, 0);
		fixture_tick(l);
		assert_told(&c, QUEUE_SAFE);
		fixture_client_done(&c);
		assert_true(queue_hold(l->q, c.id, "so that it rests"));
		fixture_run(l);
	}
	fixture_restart(l); /* and it is all there */
	fixture_tick(l);
	assert_int_equal(queue_count(l->q), ARRAY_LEN(ends));
}

static void
a_provider_that_will_not_be_asked_has_no_head_start(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	with_head_start(l);
	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	queue_give_up_waiting(l->q, 0);
	fixture_tick(l);
	fixture_run(l);
	fixture_tick(l);
	assert_told(&c, QUEUE_SAFE);
	assert_int_equal(fixture_files(l, "queue"), 1);
	fixture_client_done(&c);
}

static void
a_client_that_leaves_during_the_head_start_loses_nothing(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	with_head_start(l);
	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	fixture_client_done(&c);
	fixture_pass(l, 1000);
	fixture_run(l);
	assert_int_equal(fixture_files(l, "queue"), 1);
	assert_true(fixture_deliver(l, VERDICT_OK));
	fixture_run(l);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static void
a_disk_that_fails_after_the_head_start_is_told(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_needs_disk();
	with_head_start(l);
	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	fault_fs_arm(&l->disk, 1, EIO);
	fixture_pass(l, 1000);
	fixture_run(l);
	fixture_pass(l, 20000);
	assert_told(&c, QUEUE_FAILED);
	fixture_client_done(&c);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static void
closing_during_the_head_start_makes_it_safe(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	with_head_start(l);
	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 1, hello);
	fixture_close(l);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
	fixture_open(l);
	fixture_tick(l);
	assert_int_equal(queue_count(l->q), 1);
}

/* One message for which the disk would take disk_ms and the provider takes
 * provider_ms; true: the disk was asked at once. */
static bool
race(struct queue_fixture *l, int64_t disk_ms, int64_t provider_ms)
{
	struct queue_claim *d;
	struct fixture_client c;
	bool is_asked;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	is_asked = l->njobs > 0;
	d = queue_take(l->q, 0);
	assert_non_null(d);
	queue_claim_round_trip(d, l->round_trip_ms);
	if (disk_ms < provider_ms) {
		fixture_pass(l, disk_ms);
		fixture_run(l);
		assert_int_equal(c.told, is_asked);
		fixture_pass(l, provider_ms - disk_ms);
	} else {
		fixture_pass(l, provider_ms);
	}
	end(d, VERDICT_OK);
	fixture_run(l);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
	return is_asked;
}

static int
races(struct queue_fixture *l, int n, int64_t disk_ms, int64_t provider_ms)
{
	int asked = 0;

	while (n-- > 0)
		asked += race(l, disk_ms, provider_ms);
	return asked;
}

static void
in_safe_mode_the_quicker_of_the_two_goes_first(void **state)
{
	struct queue_fixture *l = *state;

	with_head_start(l);
	assert_int_equal(races(l, 100, 5, 6), 100); /* the disk wins */
	(void)races(l, 100, 5, 2); /* not any more: that is found out */
	/* One in 64 looks how quick the disk is. */
	assert_int_equal(races(l, 640, 5, 2), 10);
	/* But not one in 64 of what comes within a moment. */
	assert_in_range(races(l, 640, 5, 0), 0, 1);
	fixture_pass(l, 1000);
	assert_in_range(races(l, 640, 5, 0), 1, 3);
	(void)races(l, 100, 5, 30);
	assert_int_equal(races(l, 100, 5, 30), 100);
	assert_int_equal(queue_count(l->q), 0);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

/* So many share its time that it seems quick, but each one waits a round
 * trip. */
static void
in_safe_mode_a_far_provider_has_no_head_start(void **state)
{
	struct queue_fixture *l = *state;

	with_head_start(l);
	(void)races(l, 20, 5, 6);
	(void)races(l, 100, 5, 2);
	l->round_trip_ms = 1; /* less than the clock can tell */
	assert_in_range(races(l, 100, 5, 2), 1, 3);
	l->round_trip_ms = 50;
	(void)races(l, 2, 5, 2);
	assert_int_equal(races(l, 100, 5, 2), 100);
	(void)races(l, 100, 60, 70); /* a disk that is slower still */
	(void)races(l, 100, 60, 50);
	assert_in_range(races(l, 100, 60, 50), 1, 3);
}

static void
in_safe_mode_a_slow_provider_keeps_nobody_waiting(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	with_head_start(l);
	(void)races(l, 20, 5, 6);
	(void)races(l, 100, 5, 2);
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	if (l->njobs > 0) { /* that was the one that looks */
		fixture_run(l);
		fixture_client_done(&c);
		fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	}
	assert_non_null(queue_take(l->q, 0));
	assert_int_equal(l->njobs, 0);
	fixture_pass(l, 20);
	fixture_run(l);
	assert_told(&c, QUEUE_SAFE);
	assert_int_equal(fixture_files(l, "queue"), 1);
	fixture_client_done(&c);
}

/* Woken for what was held before it came; the next one wakes it again. */
static void
a_wake_for_nothing_does_not_swallow_the_next(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_QUEUE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	fixture_pass(l, 2 * MINUTE);
	l->wakes = 0;
	assert_true(queue_hold(l->q, c.id, "not yet"));
	fixture_tick(l);
	assert_true(queue_release(l->q, c.id));
	assert_int_equal(l->wakes, 1);
}

/* --- queue mode ----------------------------------------------------------- */

static void
queue_mode_makes_no_attempt_until_its_time(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_needs_disk();
	fixture_submit(l, &c, QUEUE_MODE_QUEUE, 1, hello);
	fixture_tick(l);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
	assert_false(queue_has_due(l->q, 0));
	queue_flush(l->q, -1);
	assert_true(queue_has_due(l->q, 0));

	fault_fs_arm(&l->disk, 1, EIO);
	fixture_submit(l, &c, QUEUE_MODE_QUEUE, 1, hello);
	fixture_tick(l);
	assert_told(&c, QUEUE_FAILED);
	fixture_client_done(&c);
}

/* --- later attempts ------------------------------------------------------- */

static void
a_message_survives_a_restart_and_is_delivered(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct queue_claim *d;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 2, hello);
	fixture_tick(l);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
	fixture_restart(l);
	assert_null(queue_take(l->q, 0));
	fixture_tick(l);
	d = queue_take(l->q, 0);
	assert_non_null(d);
	assert_string_equal(queue_claim_envelope(d)->id, c.id);
	assert_string_equal(
	    queue_claim_envelope(d)->sender, "sender@example.org");
	assert_int_equal(queue_claim_envelope(d)->nrcpts, 2);
	assert_int_equal(queue_claim_envelope(d)->uid, 1000);
	assert_int_equal(queue_claim_bytes(d).n, hello.n);
	assert_reads(d, hello, 5);
	end(d, VERDICT_OK);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static void
R62_a_partial_success_is_synced_before_it_is_settled(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct queue_claim *d;
	struct verdict ok = fixture_verdict(VERDICT_OK, "ok");
	struct verdict later = fixture_verdict(VERDICT_LATER, "not now");
	int settled = 0;

	fixture_needs_disk();
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 3, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	l->is_delayed = true;
	d = queue_take(l->q, 0);
	queue_claim_rcpt(d, 1, &ok);
	buf_reset(&l->disk.order);
	queue_claim_end(d, QUEUE_END_TRIED, &later, 0, fixture_count, &settled);
	assert_int_equal(settled, 0);
	fixture_run(l);
	assert_int_equal(settled, 1);
	assert_buf(&l->disk.order, "owsx");
	l->is_delayed = false;
	fixture_restart(l);
	fixture_pass(l, 2 * MINUTE);
	d = queue_take(l->q, 0);
	assert_non_null(d);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(queue_claim_envelope(d)->rcpts[i].state,
		    i == 1 ? RCPT_SENT : RCPT_WAITING);
	end(d, VERDICT_OK);
	assert_int_equal(queue_count(l->q), 0);
}

/* What listings name. */
static void
assert_named(struct queue_fixture *l, const char *id, const char *rcpt)
{
	struct queue_item it;

	assert_true(queue_find(l->q, id, &it));
	assert_string_equal(it.rcpt, rcpt);
	assert_string_equal(it.sender, "sender@example.org");
}

static void
the_recipient_named_is_one_that_still_waits(void **state)
{
	struct queue_fixture *l = *state;
	struct verdict ok = fixture_verdict(VERDICT_OK, "ok");
	struct verdict never = fixture_verdict(VERDICT_NEVER, "no");
	struct verdict later = fixture_verdict(VERDICT_LATER, "not now");
	struct queue_claim *d;
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 12, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	assert_named(l, c.id, "r0@example.net");
	d = queue_take(l->q, 0);
	queue_claim_rcpt(d, 0, &ok);
	queue_claim_note(d);
	assert_named(l, c.id, "r1@example.net"); /* also meanwhile */
	queue_claim_rcpt(d, 1, &never);
	for (size_t i = 2; i < 10; i++)
		queue_claim_rcpt(d, i, &ok);
	queue_claim_end(d, QUEUE_END_TRIED, &later, 0, NULL, NULL);
	assert_named(l, c.id, "r10@example.net"); /* and that is longer */
	fixture_restart(l);
	fixture_tick(l);
	assert_named(l, c.id, "r10@example.net");
	fixture_pass(l, 2 * MINUTE);
	d = queue_take(l->q, 0);
	assert_non_null(d);
	queue_claim_rcpt(d, 10, &ok);
	queue_claim_rcpt(d, 11, &ok);
	queue_claim_end(d, QUEUE_END_TRIED, &ok, 0, NULL, NULL);
	assert_named(l, c.id, "r1@example.net"); /* who has failed */
	fixture_restart(l);
	fixture_tick(l);
	assert_named(l, c.id, "r1@example.net");
}

static void
it_is_said_to_be_taken_before_its_answer_is_logged(void **state)
{
	static const enum queue_mode modes[] = { QUEUE_MODE_SAFE,
		QUEUE_MODE_VERDICT, QUEUE_MODE_ACCEPTED };
	struct queue_fixture *l = *state;
	struct verdict ok = fixture_verdict(VERDICT_OK, "ok");
	struct verdict later = fixture_verdict(VERDICT_LATER, "not now");
	struct queue_claim *d;
	struct fixture_client c;

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		int taken = 0;

		l->is_delayed = true;
		fixture_submit(l, &c, modes[i], 2, hello);
		queue_draft_on_taken(c.d, fixture_count, &taken);
		d = queue_take(l->q, 0);
		queue_claim_rcpt(d, 0, &later);
		queue_claim_note(d);
		assert_int_equal(taken, 0); /* nobody has it */
		queue_claim_rcpt(d, 1, &ok);
		queue_claim_note(d);
		queue_claim_note(d);
		assert_int_equal(taken, 1);
		assert_int_equal(c.told, 0);
		queue_claim_end(d, QUEUE_END_TRIED, &later, 0, NULL, NULL);
		fixture_run(l);
		assert_told(&c, QUEUE_SAFE);
		fixture_client_done(&c);
		assert_int_equal(taken, 1);
		assert_true(queue_delete(l->q, c.id));
		fixture_run(l);
	}
}

static void
who_has_left_or_knows_is_not_told_that_it_is_taken(void **state)
{
	struct queue_fixture *l = *state;
	struct verdict ok = fixture_verdict(VERDICT_OK, "ok");
	struct fixture_client c;
	int taken = 0;

	for (int is_told = 0; is_told < 2; is_told++) {
		struct queue_claim *d;

		l->is_delayed = true;
		fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
		queue_draft_on_taken(c.d, fixture_count, &taken);
		if (is_told)
			fixture_run(l);
		else
			fixture_client_done(&c);
		d = queue_take(l->q, 0);
		queue_claim_rcpt(d, 0, &ok);
		queue_claim_note(d);
		queue_claim_end(d, QUEUE_END_TRIED, &ok, 0, NULL, NULL);
		if (is_told)
			fixture_client_done(&c);
		fixture_run(l);
	}
	assert_int_equal(taken, 0);
}

static void
what_needs_no_sync_is_settled_at_once(void **state)
{
	static const enum verdict_class classes[] = { VERDICT_OK, VERDICT_LATER,
		VERDICT_NEVER };
	struct queue_fixture *l = *state;
	struct fixture_client c;

	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		struct verdict v = fixture_verdict(classes[i], "so it is");
		int settled = 0;

		l->is_delayed = true;
		fixture_submit(l, &c, QUEUE_MODE_SAFE, 2, hello);
		fixture_run(l);
		fixture_client_done(&c);
		queue_claim_end(queue_take(l->q, 0), QUEUE_END_TRIED, &v, 0,
		    fixture_count, &settled);
		assert_int_equal(settled, 1);
		fixture_run(l);
	}
}

static void
retries_come_later_and_later_also_after_a_restart(void **state)
{
	static const int64_t waits[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		int64_t wait = waits[i] * MINUTE;

		assert_true(fixture_deliver(l, VERDICT_LATER));
		assert_int_equal(only_item(l, c.id).attempts, (int)i + 1);
		if (i % 2 == 0) {
			fixture_restart(l);
			fixture_tick(l);
			assert_int_equal(
			    only_item(l, c.id).attempts, (int)i + 1);
		}
		fixture_pass(l, wait * 9 / 10 - 1000);
		assert_false(fixture_deliver(l, VERDICT_LATER));
		fixture_pass(l, wait * 2 / 10 + 2000);
		assert_true(queue_has_due(l->q, 0));
	}
	assert_non_null(
	    strstr(only_item(l, c.id).reason, "so says the provider"));
}

static void
untried_charges_nothing(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct queue_item it;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	buf_reset(&l->disk.order);
	queue_claim_end(queue_take(l->q, 0), QUEUE_END_UNTRIED, NULL,
	    l->boot_ms + 5 * MINUTE, NULL, NULL);
	it = only_item(l, c.id);
	assert_int_equal(it.attempts, 0);
	assert_int_equal(it.next_try_ms, l->boot_ms + 5 * MINUTE);
	assert_buf(&l->disk.order, "");
}

static void
R47_only_time_that_really_passed_expires_a_message(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	int64_t next;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	l->wall_ms += INT64_C(40) * 365 * DAY;
	assert_true(fixture_deliver(l, VERDICT_LATER));
	assert_int_equal(only_item(l, c.id).state, QUEUE_STATE_DUE);
	fixture_restart(l); /* the machine was off for forty years */
	fixture_tick(l);
	assert_int_equal(only_item(l, c.id).state, QUEUE_STATE_DUE);
	next = only_item(l, c.id).next_try_ms - l->boot_ms;
	assert_true(next >= 0 && next <= 66 * MINUTE);
	l->wall_ms -= INT64_C(80) * 365 * DAY;
	fixture_restart(l);
	fixture_tick(l);
	next = only_item(l, c.id).next_try_ms - l->boot_ms;
	assert_true(next >= 0 && next <= 66 * MINUTE);
	fixture_pass(l, INT64_C(6) * DAY);
	fixture_pass(l, HOUR);
	assert_int_equal(only_item(l, c.id).state, QUEUE_STATE_DUE);
	l->wall_ms += INT64_C(40) * 365 * DAY;
	assert_true(fixture_deliver(l, VERDICT_LATER));
	assert_int_equal(only_item(l, c.id).state, QUEUE_STATE_FAILED);
	assert_int_equal(fixture_files(l, "failed"), 1);
}

static void
what_nobody_ever_took_is_too_old_one_day(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	for (int i = 0; i < 120; i++) { /* more than one sweep takes */
		fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
		fixture_tick(l);
		fixture_client_done(&c);
	}
	fixture_pass(l, INT64_C(5) * DAY - HOUR);
	assert_int_equal(fixture_files(l, "failed"), 0);
	fixture_pass(l, 2 * HOUR);
	fixture_pass(l, 1000);
	fixture_pass(l, 1000);
	assert_int_equal(fixture_files(l, "failed"), 120);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static void
R44_a_full_disk_does_not_serve_anybody_twice(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct queue_claim *d;
	struct verdict ok = fixture_verdict(VERDICT_OK, "ok");
	int settled = 0;

	fixture_needs_disk();
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 3, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	l->disk.only = "w";
	l->disk.is_lasting = true;
	fault_fs_arm(&l->disk, 1, ENOSPC);
	for (size_t i = 0; i < 2; i++) {
		struct verdict later = fixture_verdict(
		    VERDICT_LATER, "not now");

		d = queue_take(l->q, 0);
		assert_non_null(d);
		assert_reads(d, hello, 100);
		assert_int_equal(
		    envelope_waiting(queue_claim_envelope(d)), 3 - i);
		queue_claim_rcpt(d, i, &ok);
		queue_claim_end(
		    d, QUEUE_END_TRIED, &later, 0, fixture_count, &settled);
		assert_int_equal(settled, (int)i + 1);
		assert_int_equal(l->troubles, (int)i + 1);
		fixture_pass(l, 10 * MINUTE);
	}
	/* When there is room again, all of it is written. */
	fault_fs_arm(&l->disk, 0, 0);
	fixture_restart(l);
	fixture_pass(l, HOUR);
	assert_int_equal(only_item(l, c.id).attempts, 2);
	d = queue_take(l->q, 0);
	assert_int_equal(envelope_waiting(queue_claim_envelope(d)), 1);
	end(d, VERDICT_OK);
	assert_int_equal(queue_count(l->q), 0);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

/* --- content -------------------------------------------------------------- */

static void
a_large_message_is_read_from_the_file_at_any_stage(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct bytes big = long_message(300001);
	/* One header fits the place kept for it, the other does not. */
	static const size_t nrcpts[] = { 1, 500 };

	for (size_t i = 0; i < ARRAY_LEN(nrcpts); i++) {
		struct queue_claim *d;

		l->is_delayed = true;
		fixture_submit(l, &c, QUEUE_MODE_SAFE, nrcpts[i], big);
		d = queue_take(l->q, 0);
		assert_null(queue_claim_bytes(d).p);
		assert_reads(d, big, 1000);
		fixture_run(l);
		assert_told(&c, QUEUE_SAFE);
		fixture_client_done(&c);
		assert_reads(d, big, 65536);
		end(d, VERDICT_LATER);
		fixture_run(l);
		l->is_delayed = false;
		fixture_pass(l, 2 * MINUTE);
		d = queue_take(l->q, 0);
		assert_reads(d, big, 40000);
		end(d, VERDICT_LATER);
		fixture_restart(l);
		fixture_pass(l, 3 * MINUTE);
		d = queue_take(l->q, 0);
		assert_int_equal(queue_claim_envelope(d)->nrcpts, nrcpts[i]);
		assert_reads(d, big, 999);
		end(d, VERDICT_OK);
		assert_int_equal(fixture_files(l, "queue"), 0);
	}
	free((char *)(uintptr_t)big.p);
}

static void
many_fresh_messages_do_not_stay_in_memory(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct bytes big = long_message(QUEUE_MEMORY_MAX);
	struct queue_claim *d;
	int n = 0;

	for (int i = 0; i < 200; i++) { /* 25 MB */
		fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, big);
		fixture_tick(l);
		fixture_client_done(&c);
	}
	while ((d = queue_take(l->q, 0)) != NULL) {
		assert_reads(d, big, 100000);
		end(d, VERDICT_OK);
		n++;
	}
	assert_int_equal(n, 200);
	free((char *)(uintptr_t)big.p);
}

static void
R46_a_damaged_message_is_set_aside_and_blocks_nothing(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct bytes sizes[] = { hello, { NULL, 0 } };

	fixture_needs_disk();
	sizes[1] = long_message(200000);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct queue_claim *d;
		char path[512], buf[1000];
		struct err err;
		FILE *f;
		size_t n, at = 0;
		int rc;

		fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, sizes[i]);
		fixture_tick(l);
		fixture_client_done(&c);
		assert_true(fixture_only_file(l, "queue", path));
		fixture_restart(l);
		fixture_tick(l);
		f = fopen(path, "r+");
		assert_int_equal(fseek(f, -25, SEEK_END), 0);
		assert_int_equal(fputc('#', f), '#'); /* in the body */
		assert_int_equal(fclose(f), 0);
		fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
		fixture_tick(l);
		fixture_client_done(&c);
		l->troubles = 0;
		d = queue_take(l->q, 0);
		if (i == 1) { /* the last bytes never come out */
			while ((rc = queue_claim_read(
				    d, at, buf, sizeof(buf), &n, &err)) == 0)
				at += n;
			assert_true(at < sizes[i].n);
			queue_claim_end(
			    d, QUEUE_END_UNTRIED, NULL, 0, NULL, NULL);
			d = queue_take(l->q, 0);
		}
		assert_int_equal(l->troubles, 1);
		assert_string_equal(queue_claim_envelope(d)->id, c.id);
		end(d, VERDICT_OK);
		assert_int_equal(fixture_files(l, "corrupt"), i + 1);
		assert_int_equal(queue_count(l->q), 0);
	}
	free((char *)(uintptr_t)sizes[1].p);
}

static void
mail_comes_and_goes_while_a_long_queue_is_scanned(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	char id[ENVELOPE_ID_SIZE];
	size_t n = 0;

	for (int i = 0; i < 1200; i++) {
		fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
		(void)queue_tick(l->q);
		fixture_client_done(&c);
		l->wall_ms += 100;
	}
	fixture_restart(l);
	(void)queue_tick(l->q);
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	(void)queue_tick(l->q);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
	memcpy(id, c.id, sizeof(id));
	assert_true(queue_count(l->q) < 1201);
	for (int i = 0; i < 10; i++) { /* a database gives some at a time */
		while (fixture_deliver(l, VERDICT_OK))
			n++;
		fixture_pass(l, 100);
	}
	assert_int_equal(n, 1201);
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static int failing_opens;

static int
open_or_not(void *ctx, int dirfd, const char *name, int flags, mode_t mode)
{
	if (strncmp(name, "queue/", 6) == 0 && failing_opens > 0) {
		failing_opens--;
		errno = EMFILE;
		return -1;
	}
	return fs_sys()->open(ctx, dirfd, name, flags, mode);
}

static void
what_cannot_be_read_at_the_start_is_looked_for_again(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	int64_t next;

	fixture_needs_disk();
	for (int i = 0; i < 3; i++) {
		fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
		fixture_tick(l);
		fixture_client_done(&c);
	}
	failing_opens = 2;
	l->disk.fs.open = open_or_not;
	fixture_restart(l);
	next = fixture_tick(l);
	assert_int_equal(queue_count(l->q), 1);
	assert_int_equal(l->troubles, 2);
	assert_true(next <= l->boot_ms + 10 * MINUTE);
	fixture_pass(l, next - l->boot_ms);
	assert_int_equal(queue_count(l->q), 3);
	/* And so is what cannot be read when its turn has come. */
	failing_opens = 1;
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_false(fixture_deliver(l, VERDICT_OK));
	fixture_pass(l, 10 * MINUTE);
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_int_equal(queue_count(l->q), 0);
}

static void
damage(const struct queue_fixture *l, const char *id)
{
	char path[512], folder[QID_FOLDER_SIZE];
	int fd;

	qid_folder(id, folder);
	(void)snprintf(
	    path, sizeof(path), "%s/queue/%s/%s", l->dir, folder, id);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "X", 1, 20), 1);
	assert_int_equal(close(fd), 0);
}

/* It syncs two directories; a disk that is slow would stop the loop. */
static void
a_damaged_message_is_moved_by_a_worker_thread(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_needs_disk();
	for (int i = 0; i < 2; i++) {
		fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
		fixture_tick(l);
		fixture_client_done(&c);
		if (i == 0) { /* found at the start */
			fixture_close(l);
			damage(l, c.id);
			l->is_delayed = true;
			fixture_open(l);
			fixture_tick(l);
		} else { /* found when its turn has come */
			fixture_restart(l);
			fixture_tick(l);
			damage(l, c.id);
			l->is_delayed = true;
			assert_null(queue_take(l->q, 0));
		}
		assert_int_equal(l->njobs, 1);
		assert_int_equal(fixture_files(l, "corrupt"), i);
		assert_int_equal(l->troubles, i); /* told when it is moved */
		fixture_run(l);
		assert_int_equal(fixture_files(l, "corrupt"), i + 1);
		assert_int_equal(l->troubles, i + 1);
		assert_non_null(strstr(l->trouble.text, "corrupt/"));
		l->is_delayed = false;
	}
}

static void
a_damaged_message_that_is_found_twice_is_told_once(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	char ids[2][ENVELOPE_ID_SIZE];
	int64_t next;

	fixture_needs_disk();
	for (int i = 0; i < 2; i++) {
		fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
		fixture_tick(l);
		fixture_client_done(&c);
		memcpy(ids[i], c.id, sizeof(ids[i]));
	}
	fixture_close(l);
	damage(l, ids[0]);
	damage(l, ids[1]);
	failing_opens = 1; /* so that the store is scanned a second time */
	l->disk.fs.open = open_or_not;
	l->is_delayed = true;
	fixture_open(l);
	next = fixture_tick(l);
	assert_int_equal(l->njobs, 1);
	fixture_pass(l, next - l->boot_ms);
	assert_int_equal(l->njobs, 2);
	fixture_run(l);
	assert_int_equal(l->troubles, 1 + 2);
	assert_int_equal(fixture_files(l, "corrupt"), 2);
}

/* --- people --------------------------------------------------------------- */

static void
held_messages_wait_also_after_a_restart(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	assert_false(queue_hold(l->q, "0000000000000000", "x"));
	assert_true(queue_hold(l->q, c.id, "a setting\nis wrong"));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(only_item(l, c.id).state, QUEUE_STATE_HELD);
		assert_string_equal(
		    only_item(l, c.id).reason, "a setting\nis wrong");
		queue_flush(l->q, -1);
		assert_false(queue_has_due(l->q, 0));
		fixture_restart(l);
		fixture_pass(l, DAY);
	}
	assert_true(queue_release(l->q, c.id));
	assert_false(queue_release(l->q, c.id));
	fixture_restart(l);
	fixture_tick(l);
	assert_true(fixture_deliver(l, VERDICT_OK));
}

static void
holding_what_is_under_way_holds_it_afterwards(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct queue_claim *d;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	d = queue_take(l->q, 0);
	assert_true(queue_hold(l->q, c.id, "stop"));
	assert_false(queue_delete(l->q, c.id));
	end(d, VERDICT_LATER);
	assert_int_equal(only_item(l, c.id).state, QUEUE_STATE_HELD);
	fixture_pass(l, DAY);
	assert_null(queue_take(l->q, 0));
	assert_true(queue_retry(l->q, c.id));
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_int_equal(fixture_files(l, "queue"), 0);
}

static void
deleting_leaves_nothing(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	assert_false(queue_delete(l->q, c.id)); /* somebody waits for it */
	fixture_tick(l);
	fixture_client_done(&c);
	assert_true(queue_delete(l->q, c.id));
	assert_false(queue_delete(l->q, c.id));
	assert_int_equal(fixture_files(l, "queue"), 0);
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	assert_true(queue_delete(l->q, c.id));
	assert_int_equal(fixture_files(l, "failed"), 0);
	assert_int_equal(queue_count(l->q), 0);
}

struct order {
	int64_t last;
	size_t n;
};

static bool
in_order(void *ctx, const struct queue_item *it)
{
	struct order *o = ctx;

	assert_true(it->arrived_s >= o->last);
	assert_string_equal(it->sender, "sender@example.org");
	assert_string_equal(it->rcpt, "r0@example.net");
	o->last = it->arrived_s;
	o->n++;
	return true;
}

static void
listings_are_in_order_of_arrival(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct order o = { 0, 0 };

	for (int i = 0; i < 50; i++) {
		fixture_submit(l, &c, QUEUE_MODE_SAFE, 3, hello);
		fixture_pass(l, 37 * MINUTE); /* folders come round meanwhile */
		fixture_client_done(&c);
	}
	fixture_restart(l);
	fixture_tick(l);
	queue_each(l->q, in_order, &o);
	assert_int_equal(o.n, 50);
}

static void
a_listing_in_pieces_survives_what_leaves_meanwhile(void **state)
{
	struct queue_fixture *l = *state;
	char ids[6][ENVELOPE_ID_SIZE];
	struct queue_walk *w, *other;
	struct queue_item it;
	struct fixture_client c;

	for (int i = 0; i < 6; i++) {
		fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
		fixture_pass(l, 1000);
		memcpy(ids[i], c.id, sizeof(ids[i]));
		fixture_client_done(&c);
	}
	w = queue_walk_new(l->q, QUEUE_OLDEST_FIRST);
	other = queue_walk_new(l->q, QUEUE_OLDEST_FIRST);
	assert_true(queue_walk_next(w, &it));
	assert_string_equal(it.id, ids[0]);
	assert_true(queue_delete(l->q, ids[0]));
	assert_true(queue_delete(l->q, ids[1])); /* the next of both */
	assert_true(queue_delete(l->q, ids[2]));
	fixture_tick(l);
	assert_true(queue_walk_next(w, &it));
	assert_string_equal(it.id, ids[3]);
	assert_true(queue_walk_next(other, &it));
	assert_string_equal(it.id, ids[3]);
	queue_walk_free(other);
	assert_true(queue_delete(l->q, ids[4]));
	assert_true(queue_delete(l->q, ids[5]));
	fixture_tick(l);
	assert_false(queue_walk_next(w, &it));
	queue_walk_free(w);
}

static void
a_listing_from_the_newest_survives_what_leaves_meanwhile(void **state)
{
	struct queue_fixture *l = *state;
	char ids[4][ENVELOPE_ID_SIZE];
	struct queue_walk *w;
	struct queue_item it;
	struct fixture_client c;

	for (int i = 0; i < 4; i++) {
		fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
		fixture_pass(l, 1000);
		memcpy(ids[i], c.id, sizeof(ids[i]));
		fixture_client_done(&c);
	}
	w = queue_walk_new(l->q, QUEUE_NEWEST_FIRST);
	assert_true(queue_walk_next(w, &it));
	assert_string_equal(it.id, ids[3]);
	assert_true(queue_delete(l->q, ids[2])); /* the next one */
	fixture_tick(l);
	assert_true(queue_walk_next(w, &it));
	assert_string_equal(it.id, ids[1]);
	assert_true(queue_walk_next(w, &it));
	assert_string_equal(it.id, ids[0]);
	assert_false(queue_walk_next(w, &it));
	queue_walk_free(w);
}

static void
what_is_held_and_what_is_oldest_is_known_without_looking(void **state)
{
	struct queue_fixture *l = *state;
	char ids[3][ENVELOPE_ID_SIZE];
	struct queue_counts n;
	struct fixture_client c;
	int64_t first;

	for (int i = 0; i < 3; i++) {
		fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
		fixture_pass(l, 60 * 1000);
		memcpy(ids[i], c.id, sizeof(ids[i]));
		fixture_client_done(&c);
	}
	queue_counts(l->q, &n);
	first = n.oldest_s;
	assert_int_equal(n.of[QUEUE_STATE_DUE], 3);
	assert_true(queue_hold(l->q, ids[1], "x"));
	queue_counts(l->q, &n);
	assert_int_equal(n.of[QUEUE_STATE_DUE], 2);
	assert_int_equal(n.of[QUEUE_STATE_HELD], 1);
	assert_true(queue_delete(l->q, ids[0]));
	fixture_tick(l);
	queue_counts(l->q, &n);
	assert_int_equal(n.oldest_s, first + 60);
	queue_counts_of(l->q, l->uid + 1, &n);
	assert_int_equal(n.of[QUEUE_STATE_DUE] + n.of[QUEUE_STATE_HELD], 0);
	assert_int_equal(n.oldest_s, 0);
	fixture_restart(l);
	fixture_tick(l);
	queue_counts_of(l->q, l->uid, &n);
	assert_int_equal(n.of[QUEUE_STATE_HELD], 1);
	assert_int_equal(n.oldest_s, first + 60);
}

static void
showing_gives_envelope_journal_and_header(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct envelope *env;
	struct err err;
	char *text;

	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	assert_int_equal(queue_show(l->q, c.id, &env, &text, &err), 0);
	assert_string_equal(text, "\nSubject: hi\r\n");
	envelope_free(env);
	free(text);
	fixture_run(l);
	fixture_client_done(&c);
	assert_true(fixture_deliver(l, VERDICT_LATER));
	fixture_run(l);
	assert_int_equal(queue_show(l->q, c.id, &env, &text, &err), 0);
	assert_string_equal(env->rcpts[0].last->text, "so says the provider");
	assert_non_null(strstr(text, "\nrcpt 0 waiting later end 451 "));
	assert_non_null(strstr(text, "\n\nSubject: hi\r\n"));
	envelope_free(env);
	free(text);
	assert_int_equal(queue_show(l->q, "nonsense", &env, &text, &err), -1);
}

/* --- suspects ------------------------------------------------------------ */

/* And one that nobody takes does not hide that others come. */
static void
a_message_under_suspicion_is_in_front_of_no_other(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct queue_claim *d;
	char suspect[ENVELOPE_ID_SIZE];

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	d = queue_take(l->q, 0);
	assert_non_null(d);
	memcpy(suspect, queue_claim_envelope(d)->id, sizeof(suspect));
	queue_claim_suspect(d, 1);
	queue_claim_end(d, QUEUE_END_UNTRIED, NULL, 0, NULL, NULL);
	fixture_tick(l);
	assert_true(queue_has_suspect_due(l->q, 0));
	assert_false(queue_has_due(l->q, 0));
	assert_null(queue_take(l->q, 0));
	assert_null(queue_take_other(l->q, 0));

	l->wakes = 0;
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	assert_true(l->wakes > 0);
	assert_true(fixture_deliver(l, VERDICT_OK));
	d = queue_take_suspect(l->q, 0);
	assert_non_null(d);
	assert_string_equal(queue_claim_envelope(d)->id, suspect);
	queue_claim_end(d, QUEUE_END_UNTRIED, NULL, 0, NULL, NULL);
}

/* --- accounts ------------------------------------------------------------- */

static void
messages_without_an_account_are_asked_about_again(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	l->account = -1;
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	assert_int_equal(only_item(l, c.id).account, -1);
	l->account = 1;
	fixture_pass(l, 2 * MINUTE);
	assert_int_equal(only_item(l, c.id).account, 1);
	assert_false(queue_has_due(l->q, 0));
	l->account = 0;
	queue_reroute(l->q, 1);
	l->wakes = 0;
	fixture_tick(l);
	assert_int_equal(l->wakes, 1);
	assert_true(fixture_deliver(l, VERDICT_OK));
}

static void
a_reroute_reaches_what_is_on_disk_under_way_held_and_failed(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c, held, failed;
	struct queue_claim *d;

	fixture_submit(l, &held, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&held);
	assert_true(queue_hold(l->q, held.id, "x"));
	fixture_submit(l, &failed, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&failed);
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	d = queue_take(l->q, 0);
	l->account = 2;
	queue_reroute(l->q, 3);
	fixture_tick(l);
	end(d, VERDICT_LATER);
	fixture_pass(l, 2 * MINUTE);
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_true(queue_release(l->q, held.id));
	assert_true(queue_retry(l->q, failed.id));
	fixture_tick(l);
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_int_equal(queue_count(l->q), 0);
}

static void
outbound_is_woken_when_something_becomes_due(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	int64_t next;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	assert_int_equal(l->wakes, 1);
	fixture_tick(l);
	fixture_client_done(&c);
	assert_true(fixture_deliver(l, VERDICT_LATER));
	l->wakes = 0;
	next = fixture_tick(l);
	assert_int_equal(l->wakes, 0);
	is_due(l, next, only_item(l, c.id).next_try_ms);
	fixture_pass(l, only_item(l, c.id).next_try_ms - l->boot_ms);
	assert_int_equal(l->wakes, 1);
	fixture_tick(l);
	assert_int_equal(l->wakes, 1); /* once is enough */
}

static void
a_reroute_leaves_alone_what_is_being_settled(void **state)
{
	static const enum verdict_class classes[] = { VERDICT_NEVER,
		VERDICT_LATER, VERDICT_OK };
	struct queue_fixture *l = *state;
	struct fixture_client c;

	l->is_delayed = true;
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		for (int stored = 0; stored < 2; stored++) {
			fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
			if (stored)
				fixture_run(l);
			fixture_client_done(&c);
			if (!stored)
				fixture_start_one(l);
			assert_true(fixture_deliver(l, classes[i]));
			if (stored)
				fixture_start_one(l);
			queue_reroute(l->q, 2);
			fixture_tick(l);
			queue_flush(l->q, -1);
			assert_null(queue_take(l->q, 0));
			fixture_finish_one(l);
			fixture_run(l);
			fixture_tick(l);
			assert_int_equal(fixture_files(l, "queue"),
			    classes[i] == VERDICT_LATER);
			assert_int_equal(fixture_files(l, "failed"),
			    classes[i] == VERDICT_NEVER);
			assert_int_equal(l->troubles, 0);
			if (classes[i] != VERDICT_OK)
				assert_true(queue_delete(l->q, c.id));
			fixture_run(l);
			assert_int_equal(queue_count(l->q), 0);
		}
}

/* --- room, state, closing ------------------------------------------------- */

static uint64_t free_blocks;

static int
little_space(void *ctx, int dirfd, struct statvfs *ret)
{
	(void)ctx;
	(void)dirfd;
	memset(ret, 0, sizeof(*ret));
	ret->f_bavail = (fsblkcnt_t)free_blocks;
	ret->f_frsize = 1024;
	ret->f_files = 1000;
	ret->f_favail = 1000;
	return 0;
}

static void
R44_a_full_disk_is_said_early(void **state)
{
	struct queue_fixture *l = *state;
	struct err err;

	fixture_needs_disk();
	assert_true(queue_has_room(l->q, 1000, &err));
	l->disk.fs.space = little_space;
	free_blocks = 10;
	assert_false(queue_has_room(l->q, 1000, &err));
	assert_non_null(strstr(err.text, "disk is full"));
	assert_int_equal(l->troubles, 1);
	/* Room comes and goes while mail leaves: no news for an hour. */
	for (int i = 0; i < 5; i++) {
		free_blocks = 1024 * 1024;
		assert_true(queue_has_room(l->q, 1000, &err));
		free_blocks = 10;
		assert_false(queue_has_room(l->q, 1000, &err));
	}
	assert_int_equal(l->troubles, 1);
	l->boot_ms += HOUR;
	assert_false(queue_has_room(l->q, 1000, &err));
	assert_int_equal(l->troubles, 2);
	free_blocks = 1024 * 1024;
	assert_true(queue_has_room(l->q, 1000, &err));
	assert_false(queue_has_room(l->q, UINT64_MAX, &err));
}

static void
R45_a_disk_that_keeps_failing_is_not_trusted_with_more(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	struct err err;

	fixture_needs_disk();
	for (int i = 0; i < 3; i++) {
		assert_true(queue_has_room(l->q, 0, &err));
		l->disk.only = "s";
		fault_fs_arm(&l->disk, 1, EIO);
		fixture_submit(l, &c, QUEUE_MODE_QUEUE, 1, hello);
		fixture_tick(l);
		assert_told(&c, QUEUE_FAILED);
		fixture_client_done(&c);
	}
	assert_int_equal(l->troubles, 0); /* so far the clients have heard */
	for (int i = 0; i < 10; i++)
		assert_false(queue_has_room(l->q, 0, &err));
	assert_int_equal(l->troubles, 1); /* a person hears once */
	assert_int_equal(l->trouble.class, ERR_DISK);
	assert_non_null(strstr(l->trouble.text, "failed 3 times in a row"));
	fixture_pass(l, MINUTE);
	assert_true(queue_has_room(l->q, 0, &err));
	assert_int_equal(fixture_files(l, "queue"), 0);
}

/* The disk has it: what waits for a provider that is away takes no memory. */
static void
what_is_not_tried_soon_does_not_stay_in_memory(void **state)
{
	struct queue_fixture *l = *state;
	struct bytes large;
	struct queue_claim *d;
	struct fixture_client c;

	fixture_needs_disk();
	large = long_message(100 * 1000);
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, large);
	fixture_tick(l);
	fixture_client_done(&c);
	fault_fs_arm(&l->disk, 0, 0);
	assert_true(
	    fixture_tick(l) <= l->boot_ms + 10000); /* asks to be called */
	fixture_pass(l, 9999);
	assert_true(fixture_tick(l) <= l->boot_ms + 10000);
	fixture_pass(l, 10000);
	/* Only a look at the file tells: it is not the one that was sent. */
	damage_only_file(l);
	d = queue_take(l->q, 0);
	assert_null(d);
	assert_int_equal(fixture_files(l, "corrupt"), 1);
	free((char *)(uintptr_t)large.p);
}

/* Its file is written before there is anything to sync. */
static void
R45_large_messages_that_cannot_be_written_count_as_well(void **state)
{
	static const char *const calls[] = { "c", "w", "w" };
	struct queue_fixture *l = *state;
	struct bytes large;
	struct queue_draft *d;
	struct fixture_client c;
	struct err err;

	fixture_needs_disk();
	large = long_message(QUEUE_MEMORY_MAX + 1000);
	for (int i = 0; i < 3; i++) {
		assert_true(queue_has_room(l->q, 0, &err));
		l->disk.only = calls[i];
		fault_fs_arm(&l->disk, i == 2 ? 2 : 1, EIO);
		fixture_submit(l, &c, QUEUE_MODE_QUEUE, 1, large);
		assert_told(&c, QUEUE_FAILED);
	}
	assert_false(queue_has_room(l->q, 0, &err));
	assert_int_equal(l->troubles, 1);
	assert_non_null(strstr(l->trouble.text, "failed 3 times in a row"));
	fixture_pass(l, MINUTE);
	assert_true(queue_has_room(l->q, 0, &err));
	/* One message that is tried piece by piece counts once. */
	fault_fs_arm(&l->disk, 0, 0);
	fixture_submit(l, &c, QUEUE_MODE_QUEUE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	d = queue_draft_new(l->q);
	fault_fs_arm(&l->disk, 1, EIO);
	l->disk.is_lasting = true;
	for (int i = 0; i < 5; i++)
		assert_int_equal(
		    queue_draft_write(d, large.p, large.n, &err), -1);
	assert_true(queue_has_room(l->q, 0, &err));
	queue_draft_free(d);
	free((char *)(uintptr_t)large.p);
}

static void
small_facts_survive_a_restart(void **state)
{
	struct queue_fixture *l = *state;
	struct err err;
	char *text;

	assert_null(queue_state_read(l->q, "ports.mail"));
	l->is_delayed = true;
	for (int i = 0; i < 3; i++) {
		const char *facts[] = { "465", "587", "2525" };

		assert_int_equal(queue_state_write(l->q, "ports.mail",
				     bytes_str(facts[i]), &err),
		    0);
	}
	assert_int_equal(l->njobs, 1);
	fixture_run(l);
	l->is_delayed = false;
	fixture_restart(l);
	text = queue_state_read(l->q, "ports.mail");
	assert_string_equal(text, "2525");
	free(text);
}

static void
closing_tells_everybody_who_waits(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client waits, unsafe, under_way;

	fixture_needs_disk();
	fixture_submit(l, &waits, QUEUE_MODE_VERDICT, 1, hello);
	fault_fs_arm(&l->disk, 1, EIO);
	fixture_submit(l, &unsafe, QUEUE_MODE_SAFE, 1, hello);
	l->is_delayed = true;
	fixture_submit(l, &under_way, QUEUE_MODE_SAFE, 1, hello);
	assert_non_null(queue_take(l->q, 0));
	fixture_close(l);
	assert_told(&waits, QUEUE_SAFE);
	assert_told(&unsafe, QUEUE_FAILED);
	assert_told(&under_way, QUEUE_SAFE);
	fixture_client_done(&waits);
	fixture_client_done(&unsafe);
	fixture_client_done(&under_way);
	l->is_delayed = false;
	fixture_open(l);
	fixture_tick(l);
	assert_int_equal(queue_count(l->q), 2);
}

static void
closing_waits_for_a_job_that_runs(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	l->is_delayed = true;
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_start_one(l);
	fixture_close(l);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
	fixture_finish_one(l); /* the loop hears of it when the queue is gone */
	fixture_open(l);
}

static void
a_second_daemon_on_the_same_spool_is_refused(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_fixture other = *l;
	struct err err = { 0 };

	fixture_needs_disk();
	other.store = NULL;
	assert_int_equal(fixture_try_open(&other, &err), -1);
	assert_int_equal(err.class, ERR_BUSY);
	assert_non_null(strstr(err.text, l->dir));
}

/* --- a person must act ---------------------------------------------------- */

static struct verdict
not_yours(void)
{
	struct verdict v;

	verdict_from_reply(&v, STAGE_MAIL, 550, bytes_of("5.7.60", 6),
	    bytes_of("client does not have permissions to send as this", 48));
	return v;
}

static void
sender_rights_hold_the_message_for_a_person(void **state)
{
	struct queue_fixture *l = *state;
	struct verdict v = not_yours();
	struct fixture_client c;
	struct queue_item it;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 2, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	queue_claim_end(queue_take(l->q, 0), QUEUE_END_HELD, &v, 0, NULL, NULL);
	for (int again = 0; again < 2; again++) {
		it = only_item(l, c.id);
		assert_int_equal(it.state, QUEUE_STATE_HELD);
		assert_non_null(strstr(it.reason, "550 5.7.60"));
		assert_int_equal(it.attempts, 1);
		fixture_pass(
		    l, 30 * (int64_t)DAY); /* neither tried nor failed */
		assert_null(queue_take(l->q, 0));
		fixture_restart(l);
		fixture_tick(l);
	}
	assert_int_equal(fixture_files(l, "queue"), 1);
	assert_true(queue_release(l->q, c.id));
	/* Its five days begin now. */
	assert_true(fixture_deliver(l, VERDICT_LATER));
	assert_int_equal(only_item(l, c.id).state, QUEUE_STATE_DUE);
	fixture_restart(l);
	fixture_pass(l, HOUR);
	assert_int_equal(only_item(l, c.id).state, QUEUE_STATE_DUE);
	assert_true(fixture_deliver(l, VERDICT_OK));
	assert_int_equal(queue_count(l->q), 0);
}

static void
who_waits_for_the_verdict_hears_why_and_nothing_is_held(void **state)
{
	struct queue_fixture *l = *state;
	struct verdict v = not_yours();
	struct fixture_client c;

	for (int is_delayed = 0; is_delayed < 2; is_delayed++) {
		l->is_delayed = is_delayed;
		fixture_submit(l, &c, QUEUE_MODE_VERDICT, 2, hello);
		fixture_tick(l);
		assert_int_equal(c.told, 0);
		queue_claim_end(
		    queue_take(l->q, 0), QUEUE_END_HELD, &v, 0, NULL, NULL);
		assert_told(&c, QUEUE_REFUSED);
		assert_int_equal(c.t.verdict.code, 550);
		assert_int_equal(c.t.verdict.class, VERDICT_NEVER);
		fixture_client_done(&c);
		fixture_run(l);
		assert_int_equal(queue_count(l->q), 0);
		assert_int_equal(fixture_files(l, "queue"), 0);
	}
}

static void
what_somebody_has_taken_is_held_for_the_others_alone(void **state)
{
	struct queue_fixture *l = *state;
	struct verdict v = not_yours(), ok = fixture_verdict(VERDICT_OK, "yes");
	struct fixture_client c;
	struct queue_claim *d;

	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 2, hello);
	fixture_tick(l);
	d = queue_take(l->q, 0);
	queue_claim_rcpt(d, 0, &ok);
	queue_claim_end(d, QUEUE_END_HELD, &v, 0, NULL, NULL);
	assert_told(&c, QUEUE_SAFE);
	fixture_client_done(&c);
	assert_int_equal(only_item(l, c.id).state, QUEUE_STATE_HELD);
	assert_true(queue_retry(l->q, c.id));
	d = queue_take(l->q, 0);
	assert_int_equal(envelope_waiting(queue_claim_envelope(d)), 1);
	end(d, VERDICT_OK);
	assert_int_equal(queue_count(l->q), 0);
}

static void
what_is_due_a_little_later_is_not_forgotten(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client a, b;
	struct queue_claim *d;
	int before;

	fixture_submit(l, &a, QUEUE_MODE_QUEUE, 1, hello);
	fixture_pass(l, 20 * 1000);
	fixture_submit(l, &b, QUEUE_MODE_QUEUE, 1, hello);
	while (!queue_has_due(l->q, 0))
		fixture_pass(l, fixture_tick(l) - l->boot_ms);
	before = l->turns_asked;
	d = queue_take(l->q, 0);
	assert_string_equal(queue_claim_envelope(d)->id, a.id);
	assert_true(l->turns_asked > before); /* the timer must be set for b */
	end(d, VERDICT_OK);
	assert_true(fixture_tick(l) < l->boot_ms + MINUTE);
	fixture_client_done(&a);
	fixture_client_done(&b);
}

/* --- telling people ------------------------------------------------------- */

static struct queue_original
original(struct queue_fixture *l, const char *id, size_t max)
{
	struct queue_original o;
	struct err err = { 0 };

	if (queue_original(l->q, id, max, &o, &err) == 0)
		return o;
	assert_int_equal(err.class, ERR_BUSY); /* a worker reads it */
	fixture_run(l);
	assert_int_equal(queue_original(l->q, id, max, &o, &err), 0);
	return o;
}

static void
a_failure_is_told_when_the_disk_knows_it(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_original o;
	struct fixture_client c;
	struct err err;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 2, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	l->is_delayed = true;
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	assert_int_equal(l->failed, 0);
	assert_int_equal(queue_original(l->q, c.id, 0, &o, &err), -1);
	assert_int_equal(err.class, ERR_BUSY);
	fixture_run(l);
	assert_int_equal(l->failed, 1);
	o = original(l, c.id, 0);
	assert_false(o.is_whole);
	assert_buf(&o.text, "Subject: hi\r\n\r\n");
	assert_int_equal(o.tried_ms, l->wall_ms);
	queue_original_clear(&o);
	o = original(l, c.id, 22);
	assert_true(o.is_whole);
	assert_int_equal(buf_len(&o.text), 22);
	assert_int_equal(o.env->rcpts[1].state, RCPT_FAILED);
	queue_original_clear(&o);
}

/* A crash between a failure and its notice must not swallow the notice. */
static void
a_failure_is_told_again_after_a_restart_until_somebody_knows(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_original o;
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 2, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	for (int n = 1; n <= 3; n++) {
		assert_int_equal(l->failed, n);
		fixture_restart(l);
		fixture_tick(l);
	}
	o = original(l, c.id, 0);
	queue_told_failed(l->q, c.id, o.env);
	queue_original_clear(&o);
	fixture_restart(l);
	fixture_tick(l);
	assert_int_equal(l->failed, 4);
	/* Somebody tries it again, and it fails again: that is news. */
	assert_true(queue_retry(l->q, c.id));
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	assert_int_equal(l->failed, 5);
	o = original(l, c.id, 0);
	assert_false(o.env->rcpts[0].is_told);
	queue_original_clear(&o);
}

static void
R62_one_recipient_is_told_while_the_others_still_wait(void **state)
{
	struct queue_fixture *l = *state;
	struct verdict never = fixture_verdict(VERDICT_NEVER, "no");
	struct queue_original o;
	struct fixture_client c;
	struct queue_claim *d;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 3, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	d = queue_take(l->q, 0);
	queue_claim_rcpt(d, 1, &never);
	end(d, VERDICT_LATER);
	assert_int_equal(l->failed, 1);
	o = original(l, c.id, 0);
	assert_int_equal(o.env->rcpts[1].state, RCPT_FAILED);
	assert_int_equal(envelope_waiting(o.env), 2);
	queue_told_failed(l->q, c.id, o.env);
	queue_original_clear(&o);
	fixture_pass(l, HOUR);
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	assert_int_equal(l->failed, 2);
	o = original(l, c.id, 0);
	assert_true(o.env->rcpts[1].is_told);
	assert_false(o.env->rcpts[0].is_told);
	queue_original_clear(&o);
}

static void
a_failure_that_the_disk_cannot_keep_is_told_later(void **state)
{
	struct queue_fixture *l = *state;
	struct verdict never = fixture_verdict(VERDICT_NEVER, "no");
	struct fixture_client c;
	struct queue_claim *d;

	fixture_needs_disk();
	fixture_submit(l, &c, QUEUE_MODE_SAFE, 2, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	d = queue_take(l->q, 0);
	queue_claim_rcpt(d, 0, &never);
	l->disk.is_lasting = true;
	fault_fs_arm(&l->disk, 1, ENOSPC);
	end(d, VERDICT_LATER);
	assert_int_equal(l->failed, 0);
	fault_fs_arm(&l->disk, 0, 0);
	fixture_pass(l, HOUR);
	assert_true(fixture_deliver(l, VERDICT_LATER));
	assert_int_equal(l->failed, 1);
}

static void
what_the_journal_says_is_done_is_not_done_again(void **state)
{
	struct queue_fixture *l = *state;
	struct rcpt sent = { .state = RCPT_SENT };
	struct store *s;
	struct fixture_client c;
	struct buf lines;
	struct err err;

	fixture_needs_disk();
	fixture_submit(l, &c, QUEUE_MODE_QUEUE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	fixture_close(l);
	buf_init(&lines, 1000);
	assert_true(journal_rcpt(&lines, 0, &sent));
	assert_int_equal(spool_open(l->dir, fs_sys(), &s, &err), 0);
	assert_int_equal(
	    s->ops->append(s, STORE_QUEUE, c.id, buf_bytes(&lines), true, &err),
	    0);
	store_free(s);
	buf_clear(&lines);
	fixture_open(l);
	fixture_tick(l);
	assert_int_equal(queue_count(l->q), 0);
	assert_int_equal(
	    fixture_files(l, "queue") + fixture_files(l, "failed"), 0);
}

static void
what_is_damaged_is_set_aside_and_told(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;
	char path[512];
	int fd;

	fixture_needs_disk();
	fixture_submit(l, &c, QUEUE_MODE_QUEUE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	assert_true(fixture_only_file(l, "queue", path));
	fixture_close(l);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "X", 1, 20), 1);
	assert_int_equal(close(fd), 0);
	fixture_open(l);
	fixture_tick(l);
	assert_int_equal(l->troubles, 1);
	assert_int_equal(fixture_files(l, "queue"), 0);
	assert_int_equal(fixture_files(l, "corrupt"), 1);
	assert_int_equal(queue_count(l->q), 0);
}

static void
what_was_told_too_late_does_not_hide_the_next_failure(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_original o;
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	o = original(l, c.id, 0);
	assert_true(queue_retry(l->q, c.id));
	queue_told_failed(l->q, c.id, o.env);
	queue_original_clear(&o);
	fixture_restart(l);
	fixture_tick(l);
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	o = original(l, c.id, 0);
	assert_false(o.env->rcpts[0].is_told);
	queue_original_clear(&o);
}

static void
who_heard_the_refusal_is_not_told_again(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_VERDICT, 2, hello);
	fixture_tick(l);
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	assert_told(&c, QUEUE_REFUSED);
	fixture_client_done(&c);
	fixture_run(l);
	assert_int_equal(l->failed, 0);
}

static void
a_delay_is_told_once(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	for (int hours = 0; hours < 48; hours++) {
		assert_true(fixture_deliver(l, VERDICT_LATER));
		assert_int_equal(l->delayed, hours >= 4);
		fixture_pass(l, HOUR + HOUR / 5);
		if (hours == 20) {
			fixture_restart(l);
			fixture_tick(l);
		}
	}
}

static void
an_account_in_trouble_tells_nobody_of_delays(void **state)
{
	struct queue_fixture *l = *state;
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, hello);
	fixture_tick(l);
	fixture_client_done(&c);
	for (int hours = 0; hours < 48; hours++) {
		queue_claim_end(queue_take(l->q, 0), QUEUE_END_UNTRIED, NULL,
		    l->boot_ms + HOUR, NULL, NULL);
		fixture_pass(l, HOUR);
	}
	assert_int_equal(l->delayed, 0);
}

/* --- failed/ -------------------------------------------------------------- */

/* One message in failed/, known to somebody or not. */
static void
fail_one(struct queue_fixture *l, struct bytes message, bool is_told, char *id)
{
	struct queue_original o;
	struct fixture_client c;

	fixture_submit(l, &c, QUEUE_MODE_SAFE, 1, message);
	fixture_tick(l);
	fixture_client_done(&c);
	assert_true(fixture_deliver(l, VERDICT_NEVER));
	(void)snprintf(id, ENVELOPE_ID_SIZE, "%s", c.id);
	if (!is_told)
		return;
	o = original(l, id, 0);
	queue_told_failed(l->q, id, o.env);
	queue_original_clear(&o);
}

static void
what_failed_long_ago_is_removed_if_somebody_knows(void **state)
{
	struct queue_fixture *l = *state;
	char told[ENVELOPE_ID_SIZE], untold[ENVELOPE_ID_SIZE];
	struct queue_item it;

	fail_one(l, hello, true, told);
	fail_one(l, hello, false, untold);
	for (int days = 0; days < 34; days++)
		fixture_pass(l, DAY);
	assert_true(queue_find(l->q, told, &it));
	fixture_pass(l, DAY);
	fixture_pass(l, DAY);
	assert_false(queue_find(l->q, told, &it));
	assert_true(queue_find(l->q, untold, &it));
	assert_int_equal(fixture_files(l, "failed"), 1);
}

static void
R47_a_jump_of_the_clock_removes_nothing_from_failed(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_item it;
	char id[ENVELOPE_ID_SIZE];

	fail_one(l, hello, true, id);
	l->wall_ms += 3650 * (int64_t)DAY;
	for (int n = 0; n < 3; n++) {
		fixture_pass(l, DAY);
		fixture_restart(l);
		fixture_tick(l);
		assert_true(queue_find(l->q, id, &it));
	}
}

static void
failed_holds_so_much_and_the_oldest_goes_first(void **state)
{
	struct queue_fixture *l = *state;
	struct bytes big = long_message(40 * 1024 * 1024);
	char id[3][ENVELOPE_ID_SIZE];
	struct queue_item it;

	for (int i = 0; i < 3; i++) {
		fail_one(l, big, true, id[i]);
		fixture_pass(l, MINUTE);
	}
	assert_int_equal(fixture_files(l, "failed"), 3);
	fixture_restart(l);
	fixture_tick(l);
	assert_false(queue_find(l->q, id[0], &it));
	assert_true(queue_find(l->q, id[1], &it));
	assert_true(queue_find(l->q, id[2], &it));
	assert_int_equal(fixture_files(l, "failed"), 2);
	free((char *)(uintptr_t)big.p);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    safe_is_told_when_the_disk_has_it, fixture_setup_in_memory,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    told_is_never_called_from_within_the_end_of_the_draft,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_provider_quicker_than_the_disk_leaves_the_disk_untouched,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_provider_quicker_than_a_running_sync_leaves_no_file,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_provider_saves_what_the_disk_cannot_keep, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    disk_and_provider_failing_fails_and_leaves_nothing,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_failed_disk_does_not_wait_for_ever_for_a_provider,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    refused_while_waiting_is_told_in_safe_mode_too,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    partly_sent_with_a_failed_disk_fails, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_draft_given_up_leaves_no_trace, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_message_whose_client_has_gone_goes_its_way,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    refused_without_anybody_to_tell_is_kept_as_failed,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_failure_noted_but_not_moved_is_moved_after_a_restart,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_failed_disk_without_a_client_is_told_as_trouble,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(verdict_mode_hears_the_provider,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    verdict_mode_ends_at_its_deadline, fixture_setup_in_memory,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_deadline_is_made_known_once_the_disk_has_it,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    at_its_deadline_a_slow_disk_is_still_waited_for,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    verdict_mode_does_not_wait_for_a_provider_that_will_not_be_asked,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    mixed_recipients_are_safe_and_the_refused_go_to_failed,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_was_accepted_long_ago_is_never_just_refused,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    while_a_session_waits_for_the_provider_the_disk_is_left_alone,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_wake_for_nothing_does_not_swallow_the_next,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_head_start_ends_and_the_queue_asks_to_be_called_then,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    many_at_once_do_not_make_the_provider_slow, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_large_message_has_a_head_start_too, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    an_attempt_that_came_to_nothing_ends_the_head_start,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_provider_that_will_not_be_asked_has_no_head_start,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_client_that_leaves_during_the_head_start_loses_nothing,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_disk_that_fails_after_the_head_start_is_told,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    closing_during_the_head_start_makes_it_safe, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    in_safe_mode_the_quicker_of_the_two_goes_first,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    in_safe_mode_a_far_provider_has_no_head_start,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    in_safe_mode_a_slow_provider_keeps_nobody_waiting,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    queue_mode_makes_no_attempt_until_its_time, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_message_survives_a_restart_and_is_delivered,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    R62_a_partial_success_is_synced_before_it_is_settled,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    the_recipient_named_is_one_that_still_waits,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    it_is_said_to_be_taken_before_its_answer_is_logged,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    who_has_left_or_knows_is_not_told_that_it_is_taken,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_needs_no_sync_is_settled_at_once,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    retries_come_later_and_later_also_after_a_restart,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    untried_charges_nothing, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    R47_only_time_that_really_passed_expires_a_message,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_nobody_ever_took_is_too_old_one_day,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    R44_a_full_disk_does_not_serve_anybody_twice, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_large_message_is_read_from_the_file_at_any_stage,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    many_fresh_messages_do_not_stay_in_memory,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    R46_a_damaged_message_is_set_aside_and_blocks_nothing,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    mail_comes_and_goes_while_a_long_queue_is_scanned,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_cannot_be_read_at_the_start_is_looked_for_again,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_damaged_message_is_moved_by_a_worker_thread,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_damaged_message_that_is_found_twice_is_told_once,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    held_messages_wait_also_after_a_restart,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    holding_what_is_under_way_holds_it_afterwards,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(deleting_leaves_nothing,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    listings_are_in_order_of_arrival, fixture_setup_in_memory,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_listing_in_pieces_survives_what_leaves_meanwhile,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_listing_from_the_newest_survives_what_leaves_meanwhile,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_held_and_what_is_oldest_is_known_without_looking,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    showing_gives_envelope_journal_and_header,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_message_under_suspicion_is_in_front_of_no_other,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    messages_without_an_account_are_asked_about_again,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_reroute_reaches_what_is_on_disk_under_way_held_and_failed,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    outbound_is_woken_when_something_becomes_due,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_reroute_leaves_alone_what_is_being_settled,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(R44_a_full_disk_is_said_early,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_not_tried_soon_does_not_stay_in_memory,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    R45_large_messages_that_cannot_be_written_count_as_well,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    R45_a_disk_that_keeps_failing_is_not_trusted_with_more,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_failure_is_told_when_the_disk_knows_it,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_failure_is_told_again_after_a_restart_until_somebody_knows,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    R62_one_recipient_is_told_while_the_others_still_wait,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_failure_that_the_disk_cannot_keep_is_told_later,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_the_journal_says_is_done_is_not_done_again,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_damaged_is_set_aside_and_told, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_was_told_too_late_does_not_hide_the_next_failure,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    who_heard_the_refusal_is_not_told_again,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_delay_is_told_once,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    an_account_in_trouble_tells_nobody_of_delays,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_failed_long_ago_is_removed_if_somebody_knows,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    R47_a_jump_of_the_clock_removes_nothing_from_failed,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    failed_holds_so_much_and_the_oldest_goes_first,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(small_facts_survive_a_restart,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    closing_tells_everybody_who_waits, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    closing_waits_for_a_job_that_runs, fixture_setup_in_memory,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_second_daemon_on_the_same_spool_is_refused, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_due_a_little_later_is_not_forgotten,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    sender_rights_hold_the_message_for_a_person,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    who_waits_for_the_verdict_hears_why_and_nothing_is_held,
		    fixture_setup_in_memory, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_somebody_has_taken_is_held_for_the_others_alone,
		    fixture_setup_in_memory, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
