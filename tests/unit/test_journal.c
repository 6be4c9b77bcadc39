/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal of a spool file: what was noted comes back, whatever its bytes,
 * and what a crash left is told from damage (R9, R46). */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crc32.h"
#include "base/xalloc.h"
#include "store/journal.h"
#include "tests/lib/random_source.h"

static struct envelope *
plain_envelope(size_t nrcpts)
{
	struct envelope *e = envelope_new();

	memcpy(e->id, "0123456789abcdef", 17);
	envelope_set(&e->sender, "me@example.org");
	envelope_set(&e->peer, "unix");
	for (size_t i = 0; i < nrcpts; i++)
		(void)envelope_add_rcpt(e, "you@example.net");
	e->arrived_s = 1750000000;
	e->size_bytes = 7;
	return e;
}

static struct verdict
random_verdict(void)
{
	struct verdict v = { 0 };

	v.class = (enum verdict_class)(1 + random_below(3));
	v.stage = (enum verdict_stage)random_below(STAGE_COUNT);
	v.code = (int)random_below(1000);
	v.is_uncertain = random_below(2) != 0;
	random_text(v.enhanced, sizeof(v.enhanced));
	random_text(v.text, sizeof(v.text));
	random_text(v.who, sizeof(v.who));
	if (random_below(5) == 0)
		memcpy(v.who, "-", 2);
	return v;
}

static void
R9_any_verdict_comes_back_as_it_was(void **state)
{
	struct envelope *e = plain_envelope(3);

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct verdict v = random_verdict();
		struct rcpt *r = &e->rcpts[random_below(3)];
		struct journal_state st = { 0 };
		struct buf b;
		size_t good = 0;

		r->state = (enum rcpt_state)random_below(3);
		rcpt_set_verdict(r, &v);
		buf_init(&b, 100000);
		assert_true(journal_rcpt(&b, (size_t)(r - e->rcpts), r));
		r->state = RCPT_WAITING;
		rcpt_set_verdict(r, &(struct verdict) { 0 });
		assert_true(journal_parse(buf_bytes(&b), e, &st, &good));
		assert_int_equal(good, buf_len(&b));
		assert_int_equal(r->last->class, v.class);
		assert_int_equal(r->last->stage, v.stage);
		assert_int_equal(r->last->code, v.code);
		assert_int_equal(r->last->is_uncertain, v.is_uncertain);
		assert_string_equal(r->last->enhanced, v.enhanced);
		assert_string_equal(r->last->text, v.text);
		assert_string_equal(r->last->who, v.who);
		buf_clear(&b);
	}
	envelope_free(e);
}

static void
write_journal(struct buf *b, struct envelope *e)
{
	struct verdict v;

	verdict_local(&v, VERDICT_OK, STAGE_END, 250, "2.0.0", "taken");
	buf_init(b, 10000);
	assert_true(journal_attempt(b, 1750000000000, 1000));
	e->rcpts[1].state = RCPT_SENT;
	rcpt_set_verdict(&e->rcpts[1], &v);
	assert_true(journal_rcpt(b, 1, &e->rcpts[1]));
	assert_true(journal_next(b, 1750000060000));
	assert_true(journal_hold(b, 1750000001000, "why\nnot"));
	assert_true(journal_seen(b, 1750000002000, 5000));
}

static void
a_journal_folds_into_envelope_and_state(void **state)
{
	struct envelope *e = plain_envelope(2), *f = plain_envelope(2);
	struct journal_state st = { 0 };
	struct buf b;
	size_t good = 0;

	(void)state;
	write_journal(&b, e);
	assert_true(journal_parse(buf_bytes(&b), f, &st, &good));
	assert_int_equal(good, buf_len(&b));
	assert_int_equal(st.attempts, 1);
	assert_int_equal(st.next_wall_ms, 1750000060000);
	assert_int_equal(st.seen_ms, 5000);
	assert_true(st.is_held);
	assert_string_equal(st.reason, "why\nnot");
	assert_int_equal(f->rcpts[0].state, RCPT_WAITING);
	assert_int_equal(f->rcpts[1].state, RCPT_SENT);
	assert_true(journal_release(&b, 1750000003000));
	f->rcpts[0].state = RCPT_FAILED;
	assert_true(journal_requeue(&b, 1760000003000));
	st = (struct journal_state) { 0 };
	assert_true(journal_parse(buf_bytes(&b), f, &st, &good));
	assert_false(st.is_held);
	assert_int_equal(st.attempts, 0);
	assert_int_equal(st.life_from_s, 1760000003);
	assert_int_equal(f->rcpts[0].state, RCPT_WAITING);
	assert_int_equal(f->rcpts[1].state, RCPT_SENT);
	buf_clear(&b);
	envelope_free(e);
	envelope_free(f);
}

static bool
doubt(const struct envelope *e, size_t i)
{
	return e->rcpts[i].last != NULL && e->rcpts[i].last->is_uncertain;
}

/* Folds what stands in b; the string has one letter a recipient, x for those
 * who may have been served. */
static void
assert_doubts(struct buf *b, const char *want)
{
	struct envelope *e = plain_envelope(strlen(want));
	struct journal_state st = { 0 };
	size_t good = 0;

	assert_true(journal_parse(buf_bytes(b), e, &st, &good));
	assert_int_equal(good, buf_len(b));
	assert_int_equal(st.is_marked, strchr(want, 'x') != NULL);
	for (size_t i = 0; i < e->nrcpts; i++) {
		assert_int_equal(doubt(e, i), want[i] == 'x');
		if (doubt(e, i))
			assert_string_equal(e->rcpts[i].last->who, "mx a:25");
	}
	envelope_free(e);
}

static void
R63_an_offer_leaves_a_doubt_until_it_is_answered(void **state)
{
	static const size_t some[] = { 0, 1, 2, 4, 6, 7 }, one[] = { 5 };
	struct envelope *e = plain_envelope(8);
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	assert_true(journal_mark(&b, 1750000000000, "mx a:25", some, 6));
	assert_non_null(
	    strstr(buf_str(&b), "offer 1750000000000 mx\\x20a:25 0-2,4,6-7\n"));
	assert_doubts(&b, "xxx.x.xx");
	assert_true(journal_mark(&b, 1750000000001, "mx a:25", one, 1));
	assert_doubts(&b, "xxx.xxxx");
	e->rcpts[1].state = RCPT_WAITING;
	assert_true(journal_rcpt(&b, 1, &e->rcpts[1]));
	assert_doubts(&b, "x.x.xxxx");
	assert_true(journal_attempt(&b, 1750000000002, 5));
	assert_doubts(&b, "........");
	assert_true(journal_mark(&b, 1750000000003, "mx a:25", one, 1));
	assert_doubts(&b, ".....x..");
	assert_true(journal_mark(&b, 1750000000003, "", NULL, 0));
	assert_doubts(&b, "........");
	buf_clear(&b);
	envelope_free(e);
}

static void
an_offer_to_nobody_we_know_is_damage(void **state)
{
	static const size_t bad[] = { 2 };
	struct envelope *e = plain_envelope(2);
	struct journal_state st = { 0 };
	struct buf b;
	size_t good;

	(void)state;
	buf_init(&b, 1000);
	assert_true(journal_mark(&b, 1, "mx", bad, 1));
	assert_false(journal_parse(buf_bytes(&b), e, &st, &good));
	buf_clear(&b);
	envelope_free(e);
}

static void
equal_messages_are_counted(void **state)
{
	struct envelope *e = plain_envelope(1);
	struct journal_state st = { 0 };
	struct buf b;
	size_t good;

	(void)state;
	buf_init(&b, 10000);
	for (int i = 1; i <= 100; i++)
		assert_true(journal_equal(&b, 1750000000000 + i * 1000));
	assert_true(journal_parse(buf_bytes(&b), e, &st, &good));
	assert_int_equal(e->nfolded, 100);
	assert_int_equal(e->last_folded_s, 1750000100);
	buf_clear(&b);
	envelope_free(e);
}

static void
a_torn_last_line_is_ignored_and_a_bad_one_before_is_damage(void **state)
{
	struct envelope *e = plain_envelope(2);
	struct buf b;
	size_t last;

	(void)state;
	write_journal(&b, e);
	last = buf_len(&b) - 1;
	while (buf_str(&b)[last - 1] != '\n')
		last--;
	for (size_t n = 0; n <= buf_len(&b); n++) {
		struct envelope *f = plain_envelope(2);
		struct journal_state st = { 0 };
		size_t good = SIZE_MAX;

		assert_true(
		    journal_parse(bytes_of(buf_str(&b), n), f, &st, &good));
		assert_true(good <= n);
		assert_true(n - good < 100);
		envelope_free(f);
	}
	for (size_t i = 0; i < buf_len(&b) * 8; i++) {
		struct envelope *f = plain_envelope(2);
		struct journal_state st = { 0 };
		size_t good = 0;
		bool ok;

		b.p[b.head + i / 8] ^= (char)(1 << i % 8);
		ok = journal_parse(buf_bytes(&b), f, &st, &good);
		/* Without the line feed between them, the last two are one. */
		assert_int_equal(ok, i / 8 >= last - 1);
		if (ok)
			assert_true(good <= last);
		b.p[b.head + i / 8] ^= (char)(1 << i % 8);
		envelope_free(f);
	}
	buf_clear(&b);
	envelope_free(e);
}

static void
sound_lines_that_make_no_sense_are_damage(void **state)
{
	static const char *const lines[] = { "", "attempt", "attempt 1",
		"attempt x 1", "attempt 1 -1",
		"rcpt 2 sent ok end 250 - sure - x",
		"rcpt 0 gone ok end 250 - sure - x",
		"rcpt 0 sent yes end 250 - sure - x",
		"rcpt 0 sent ok here 250 - sure - x",
		"rcpt 0 sent ok end 1000 - sure - x",
		"rcpt 0 sent ok end 250 1234567890123 sure - x",
		"rcpt 0 sent ok end 250 -", "next", "next x", "hold x y",
		"release -", "requeue 99999999999999999999", "surprise 1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct envelope *f = plain_envelope(2);
		struct journal_state st = { 0 };
		struct buf b;
		size_t good = 0;

		buf_init(&b, 1000);
		assert_true(buf_addf(&b, "%08x %s\n",
		    crc32_of(0, lines[i], strlen(lines[i])), lines[i]));
		assert_false(journal_parse(buf_bytes(&b), f, &st, &good));
		buf_clear(&b);
		envelope_free(f);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(R9_any_verdict_comes_back_as_it_was),
		cmocka_unit_test(a_journal_folds_into_envelope_and_state),
		cmocka_unit_test(
		    R63_an_offer_leaves_a_doubt_until_it_is_answered),
		cmocka_unit_test(equal_messages_are_counted),
		cmocka_unit_test(an_offer_to_nobody_we_know_is_damage),
		cmocka_unit_test(
		    a_torn_last_line_is_ignored_and_a_bad_one_before_is_damage),
		cmocka_unit_test(sound_lines_that_make_no_sense_are_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
