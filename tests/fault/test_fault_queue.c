/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fail the 1st, 2nd, 3rd ... disk call of everything the queue does.  Whatever
 * happens, a promise that was made is kept, nobody ever sees half a message,
 * and nothing is refused or lost without a failed call as an excuse. */
#include "tests/lib/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/queue_fixture.h"

static const struct bytes hello = { "Subject: hi\r\n\r\nhello\r\n", 22 };

struct scene {
	const char *name;
	bool is_large;
	size_t nrcpts;
	/* After the message was accepted, with the clock two minutes on. */
	void (*act)(struct queue_fixture *l, const char *id);
	/* Recipients the provider has taken in act(), if it ran. */
	size_t taken;
	bool may_go; /* act() removes it */
};

struct outcome {
	bool is_promised;
	bool has_fired;
	bool has_unlink_failed;
};

static struct bytes
content(const struct scene *s)
{
	static char big[200000];

	if (!s->is_large)
		return hello;
	memset(big, 'x', sizeof(big));
	return bytes_of(big, sizeof(big));
}

/* --- what is done --------------------------------------------------------- */

static void
end_first_ok(struct queue_fixture *l, enum verdict_class others)
{
	struct queue_claim *d = queue_take(l->q, 0);
	struct verdict ok = fixture_verdict(VERDICT_OK, "taken");
	struct verdict v = fixture_verdict(others, "no");
	int settled = 0;

	if (d == NULL)
		return;
	queue_claim_rcpt(d, 0, &ok);
	queue_claim_end(d, QUEUE_END_TRIED, &v, 0, fixture_count, &settled);
	assert_int_equal(settled, 1); /* failure or not */
}

static void
partial(struct queue_fixture *l, const char *id)
{
	(void)id;
	end_first_ok(l, VERDICT_LATER);
}

static void
mixed(struct queue_fixture *l, const char *id)
{
	(void)id;
	end_first_ok(l, VERDICT_NEVER);
}

static void
later(struct queue_fixture *l, const char *id)
{
	(void)id;
	IGNORE(fixture_deliver(l, VERDICT_LATER));
	fixture_pass(l, 3 * 60 * 1000);
	IGNORE(fixture_deliver(l, VERDICT_LATER));
}

static void
refused(struct queue_fixture *l, const char *id)
{
	(void)id;
	IGNORE(fixture_deliver(l, VERDICT_NEVER));
}

static void
refused_and_requeued(struct queue_fixture *l, const char *id)
{
	IGNORE(fixture_deliver(l, VERDICT_NEVER));
	IGNORE(queue_retry(l->q, id));
	fixture_tick(l);
}

static void
held_and_released(struct queue_fixture *l, const char *id)
{
	IGNORE(queue_hold(l->q, id, "why"));
	IGNORE(queue_release(l->q, id));
}

static void
delivered(struct queue_fixture *l, const char *id)
{
	(void)id;
	IGNORE(fixture_deliver(l, VERDICT_OK));
}

static void
deleted(struct queue_fixture *l, const char *id)
{
	IGNORE(queue_delete(l->q, id));
}

static const struct scene scenes[] = {
	{ "accept", false, 1, NULL, 0, false },
	{ "accept large", true, 1, NULL, 0, false },
	{ "accept large for many", true, 300, NULL, 0, false },
	{ "partial", false, 2, partial, 1, false },
	{ "mixed", false, 2, mixed, 1, false },
	{ "later", false, 2, later, 0, false },
	{ "later, large", true, 2, later, 0, false },
	{ "refused", false, 2, refused, 0, false },
	{ "refused and requeued", false, 2, refused_and_requeued, 0, false },
	{ "held and released", false, 2, held_and_released, 0, false },
	{ "delivered", false, 2, delivered, 2, true },
	{ "deleted", false, 2, deleted, 0, true },
};

/* --- what must hold afterwards -------------------------------------------- */

/* Requeues, releases and delivers whatever is there; how many recipients got
 * it. */
static size_t
deliver_all(struct queue_fixture *l, const struct scene *s, const char *id)
{
	struct queue_item it;
	struct queue_claim *d;
	size_t got = 0;

	if (queue_find(l->q, id, &it)) {
		assert_true(queue_retry(l->q, id));
		fixture_tick(l);
	}
	while ((d = queue_take(l->q, 0)) != NULL) {
		struct verdict ok = fixture_verdict(VERDICT_OK, "ok");
		struct bytes want = content(s);
		char *p = malloc(want.n + 1);
		struct err err;
		size_t n;

		assert_string_equal(queue_claim_envelope(d)->id, id);
		assert_int_equal(queue_claim_envelope(d)->nrcpts, s->nrcpts);
		assert_int_equal(
		    queue_claim_read(d, 0, p, want.n + 1, &n, &err), 0);
		assert_int_equal(n, want.n);
		assert_memory_equal(p, want.p, n);
		free(p);
		got += envelope_waiting(queue_claim_envelope(d));
		queue_claim_end(d, QUEUE_END_TRIED, &ok, 0, NULL, NULL);
	}
	return got;
}

static struct outcome
play(const struct scene *s, int nth, int os, bool is_lasting)
{
	struct outcome o = { false, false, false };
	struct queue_fixture l;
	struct fixture_client c;
	size_t got;

	fixture_init(&l, FIXTURE_DISK);
	if (s->act == NULL)
		fault_fs_arm(&l.disk, nth, os);
	l.disk.is_lasting = is_lasting;
	fixture_submit(&l, &c,
	    s->act == NULL ? QUEUE_MODE_QUEUE : QUEUE_MODE_SAFE, s->nrcpts,
	    content(s));
	fixture_tick(&l);
	assert_int_equal(c.told, 1);
	o.is_promised = c.t.outcome == QUEUE_SAFE;
	if (o.is_promised && c.had_fault)
		fail_msg("%s, call %d (%c) failed: promised all the same",
		    s->name, nth, l.disk.fired_letter);
	if (c.d != NULL)
		fixture_client_done(&c);
	if (s->act != NULL) {
		assert_true(o.is_promised);
		fault_fs_arm(&l.disk, nth, os);
		s->act(&l, c.id);
		fixture_tick(&l);
	}
	o.has_fired = l.disk.fired;
	/* A draft that was synced long ago is only closed. */
	if (o.has_fired && s->act != NULL && l.troubles == 0 &&
	    !(s->is_large && l.disk.fired_letter == 'x'))
		fail_msg("%s, call %d (%c) failed: nobody is told", s->name,
		    nth, l.disk.fired_letter);
	o.has_unlink_failed = l.disk.fired_letter == 'u' || is_lasting;
	/* The disk is well again; sometimes in the same process. */
	fault_fs_arm(&l.disk, 0, 0);
	if (nth % 2 == 0)
		fixture_restart(&l);
	fixture_tick(&l);
	got = deliver_all(&l, s, c.id);
	if (o.is_promised && !s->may_go && got < s->nrcpts - s->taken)
		fail_msg("%s, call %d: %zu served", s->name, nth, got);
	if (!o.is_promised && !o.has_unlink_failed)
		assert_int_equal(got, 0);
	assert_int_equal(fixture_files(&l, "corrupt"), 0);
	fixture_restart(&l);
	fixture_tick(&l);
	if (!s->may_go && !is_lasting)
		assert_int_equal(queue_count(l.q), 0);
	fixture_clear(&l);
	return o;
}

static void
any_disk_call_may_fail(void **state)
{
	static const struct {
		int os;
		bool is_lasting;
	} faults[] = { { EIO, false }, { ENOSPC, true } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		for (size_t k = 0; k < ARRAY_LEN(faults); k++) {
			struct outcome o;
			int nth = 0;

			do {
				o = play(&scenes[i], ++nth, faults[k].os,
				    faults[k].is_lasting);
				/* No excuse to refuse. */
				assert_true(o.is_promised || o.has_fired);
			} while (o.has_fired);
			assert_true(nth > 1);
		}
}

/* --- the order of calls --------------------------------------------------- */

static void
note_promise(void *ctx, const struct queue_told *t)
{
	struct fault_fs *f = ctx;

	assert_int_equal(t->outcome, QUEUE_SAFE);
	assert_true(buf_addc(&f->order, 'P'));
}

/* What cannot be seen by failing calls: a sync that is missing altogether. */
static void
the_promise_comes_after_file_and_folder_are_synced(void **state)
{
	static const struct {
		size_t size, nrcpts;
		const char *order;
	} rows[] = {
		/* folder; file written with its end record, synced, closed;
		 * folder's name synced, folder synced; promised */
		{ 22, 1, "mcwwwsxddP" },
		/* draft and pieces; end record and header, synced; ... */
		{ 200000, 1, "mcwwwwwwsddP" },
		/* header does not fit: written anew under the same name */
		{ 200000, 300, "mcwwwucwwwwwwsxddP" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct envelope *e = envelope_new();
		struct queue_draft *d;
		struct queue_fixture l;
		struct err err;
		char piece[100000];

		fixture_init(&l, FIXTURE_DISK);
		buf_reset(&l.disk.order);
		memset(piece, 'x', sizeof(piece));
		for (size_t k = 0; k < rows[i].nrcpts; k++)
			(void)envelope_add_rcpt(e, "somebody@example.net");
		d = queue_draft_new(l.q);
		for (size_t at = 0; at < rows[i].size; at += sizeof(piece))
			assert_int_equal(
			    queue_draft_write(d, piece,
				rows[i].size < sizeof(piece) ? rows[i].size
							     : sizeof(piece),
				&err),
			    0);
		queue_draft_end(
		    d, e, QUEUE_MODE_QUEUE, 0, note_promise, &l.disk);
		fixture_tick(&l);
		assert_string_equal(buf_str(&l.disk.order), rows[i].order);
		queue_draft_free(d);
		envelope_free(e);
		fixture_clear(&l);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_disk_call_may_fail),
		cmocka_unit_test(
		    the_promise_comes_after_file_and_folder_are_synced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
