/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R9: no byte of an address, name or answer can forge a line. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crc32.h"
#include "base/xalloc.h"
#include "queue/spool_text.h"

static uint32_t seed = 12345;

static uint32_t
dice(uint32_t bound)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % bound;
}

/* Anything a C string can hold, with a liking for what could do harm. */
static void
random_text(char *to, size_t size)
{
	static const char nasty[] = "\n\r \\-x:\t\x7f\x01\xff"
				    "0a";
	size_t n = dice((uint32_t)size);

	for (size_t i = 0; i < n; i++)
		to[i] = dice(2) != 0 ? nasty[dice(sizeof(nasty) - 1)]
				     : (char)(1 + dice(255));
	to[n] = '\0';
}

static char *
random_string(bool may_be_null)
{
	char text[40];

	if (may_be_null && dice(3) == 0)
		return NULL;
	random_text(text, sizeof(text));
	return xstrdup(text);
}

static struct envelope *
random_envelope(void)
{
	struct envelope *e = envelope_new();
	size_t n = 1 + dice(4);

	(void)snprintf(e->id, sizeof(e->id), "0123456789abcd%02u", dice(100));
	free(e->sender);
	e->sender = random_string(false);
	free(e->peer);
	e->peer = random_string(false);
	e->envid = random_string(true);
	e->user = random_string(true);
	e->helo = random_string(true);
	e->listener = random_string(true);
	e->account = random_string(true);
	e->ret = (enum dsn_ret)dice(3);
	e->is_8bit = dice(2) != 0;
	e->is_long = dice(2) != 0;
	e->is_utf8 = dice(2) != 0;
	e->uid = dice(2) != 0 ? UID_UNKNOWN : dice(70000);
	e->arrived_s = dice(2000000000);
	e->size_bytes = dice(100000);
	for (size_t i = 0; i < n; i++) {
		char *addr = random_string(false);
		struct rcpt *r = envelope_add_rcpt(e, addr);

		free(addr);
		r->orcpt = random_string(true);
		r->notify = dice(2) != 0 ? DSN_NOTIFY_NEVER : dice(8) * 2;
	}
	return e;
}

static void
assert_same_text(const char *a, const char *b)
{
	assert_true((a == NULL) == (b == NULL));
	if (a != NULL)
		assert_string_equal(a, b);
}

static void
assert_same_envelope(const struct envelope *a, const struct envelope *b)
{
	assert_same_text(a->id, b->id);
	assert_same_text(a->sender, b->sender);
	assert_same_text(a->peer, b->peer);
	assert_same_text(a->envid, b->envid);
	assert_same_text(a->user, b->user);
	assert_same_text(a->helo, b->helo);
	assert_same_text(a->listener, b->listener);
	assert_same_text(a->account, b->account);
	assert_int_equal(a->ret, b->ret);
	assert_int_equal(a->is_8bit, b->is_8bit);
	assert_int_equal(a->is_long, b->is_long);
	assert_int_equal(a->is_utf8, b->is_utf8);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->arrived_s, b->arrived_s);
	assert_int_equal(a->size_bytes, b->size_bytes);
	assert_int_equal(a->nrcpts, b->nrcpts);
	for (size_t i = 0; i < a->nrcpts; i++) {
		assert_same_text(a->rcpts[i].addr, b->rcpts[i].addr);
		assert_same_text(a->rcpts[i].orcpt, b->rcpts[i].orcpt);
		assert_int_equal(a->rcpts[i].notify, b->rcpts[i].notify);
	}
}

static void
R9_any_envelope_comes_back_as_it_was(void **state)
{
	(void)state;
	for (int i = 0; i < 3000; i++) {
		enum spool_text_kind kind = (enum spool_text_kind)(i & 1);
		struct envelope *e = random_envelope(), *back = NULL;
		size_t total = i % 3 == 0 ? 4096 : 0, body = 0;
		struct buf b;

		buf_init(&b, 100000);
		assert_true(spool_text_header(&b, kind, e, total));
		assert_true(total == 0 || buf_len(&b) == total);
		assert_true(buf_adds(&b, "rcpt: forged@example.org\n"));
		assert_int_equal(
		    spool_text_header_parse(kind, buf_bytes(&b), &back, &body),
		    SPOOL_TEXT_OK);
		assert_string_equal(
		    buf_str(&b) + body, "rcpt: forged@example.org\n");
		assert_same_envelope(e, back);
		envelope_free(back);
		assert_int_equal(
		    spool_text_header_parse(!kind, buf_bytes(&b), &back, &body),
		    SPOOL_TEXT_BAD);
		envelope_free(e);
		buf_clear(&b);
	}
}

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

static void
a_header_cut_anywhere_is_short_and_flipped_anywhere_is_bad(void **state)
{
	struct envelope *e = plain_envelope(2), *back = NULL;
	struct buf b;
	size_t body = 0, len;

	(void)state;
	buf_init(&b, 10000);
	assert_true(spool_text_header(&b, SPOOL_TEXT_MESSAGE, e, 0));
	len = buf_len(&b);
	/* Enough lines behind it to mislead a reader. */
	assert_true(buf_adds(&b, "A: b\n\nend 7 00000000\n"));
	for (size_t n = 0; n < len; n++)
		assert_int_equal(spool_text_header_parse(SPOOL_TEXT_MESSAGE,
				     bytes_of(buf_str(&b), n), &back, &body),
		    SPOOL_TEXT_SHORT);
	for (size_t i = 0; i < len * 8; i++) {
		b.p[b.head + i / 8] ^= (char)(1 << i % 8);
		assert_int_equal(spool_text_header_parse(SPOOL_TEXT_MESSAGE,
				     buf_bytes(&b), &back, &body),
		    SPOOL_TEXT_BAD);
		b.p[b.head + i / 8] ^= (char)(1 << i % 8);
	}
	buf_clear(&b);
	envelope_free(e);
}

static void
headers_nobody_wrote_are_bad(void **state)
{
	static const char *const lines[] = {
		"",
		"size: 7\nid: x\n", /* no recipient */
		"rcpt: a\\x00b\n",
		"rcpt: a\\n\n",
		"rcpt: a\\x0\n",
		"rcpt: a\\x0A\n",
		"rcpt: a\rb\n",
		"orcpt: before its recipient\n",
		"notify: never\n",
		"rcpt: a\nnotify: sometimes\n",
		"rcpt: a\nnotify: never,\n never\n",
		"rcpt: a\nsize: -1\n",
		"rcpt: a\nsize: 18446744073709551615\n",
		"rcpt: a\nsize: 18446744073709551616\n",
		"rcpt: a\narrived: 9223372036854775807\n",
		"rcpt: a\nuid: 4294967296\n",
		"rcpt: a\nret: some\n",
		"rcpt: a\nbody: 7bit\n",
		"rcpt: a\npad: x\n",
		"rcpt: a\nid: 0123456789012345678901234\n",
		"rcpt: a\nunknown: key\n",
		"rcpt: a\n: \n",
		"rcpt: a\n\n",
	};
	struct envelope *back;
	size_t body;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct buf b;

		buf_init(&b, 1000);
		assert_true(buf_addf(&b, "relais-spool 1\n%s", lines[i]));
		assert_true(buf_addf(&b, "sum: %08x\n\n",
		    crc32_of(0, buf_str(&b), buf_len(&b))));
		assert_int_equal(spool_text_header_parse(SPOOL_TEXT_MESSAGE,
				     buf_bytes(&b), &back, &body),
		    SPOOL_TEXT_BAD);
		buf_clear(&b);
	}
}

static void
an_end_record_cut_is_short_and_changed_is_bad(void **state)
{
	char end[SPOOL_END_MAX];
	size_t len = spool_text_end(end, 12345, 0xdeadbeef), used = 0;
	uint32_t crc = 0;

	(void)state;
	assert_string_equal(end, "end 12345 deadbeef\n");
	assert_int_equal(
	    spool_text_end_parse(bytes_of(end, len), 12345, &crc, &used),
	    SPOOL_TEXT_OK);
	assert_int_equal(crc, 0xdeadbeef);
	assert_int_equal(used, len);
	assert_int_equal(
	    spool_text_end_parse(bytes_of(end, len), 12346, &crc, &used),
	    SPOOL_TEXT_BAD);
	for (size_t n = 0; n < len; n++)
		assert_int_equal(
		    spool_text_end_parse(bytes_of(end, n), 12345, &crc, &used),
		    SPOOL_TEXT_SHORT);
	for (size_t i = 0; i < len * 8; i++) {
		enum spool_text_result res;

		end[i / 8] ^= (char)(1 << i % 8);
		res = spool_text_end_parse(
		    bytes_of(end, len), 12345, &crc, &used);
		/* Another checksum is found out when it is compared. */
		assert_true(res == SPOOL_TEXT_BAD ||
			    (res == SPOOL_TEXT_OK && crc != 0xdeadbeef));
		end[i / 8] ^= (char)(1 << i % 8);
	}
}

static struct verdict
random_verdict(void)
{
	struct verdict v = { 0 };

	v.class = (enum verdict_class)(1 + dice(3));
	v.stage = (enum verdict_stage)dice(STAGE_COUNT);
	v.code = (int)dice(1000);
	v.is_uncertain = dice(2) != 0;
	random_text(v.enhanced, sizeof(v.enhanced));
	random_text(v.text, sizeof(v.text));
	random_text(v.who, sizeof(v.who));
	if (dice(5) == 0)
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
		struct rcpt *r = &e->rcpts[dice(3)];
		struct spool_state st = { 0 };
		struct buf b;
		size_t good = 0;

		r->state = (enum rcpt_state)dice(3);
		rcpt_set_verdict(r, &v);
		buf_init(&b, 100000);
		assert_true(spool_note_rcpt(&b, (size_t)(r - e->rcpts), r));
		r->state = RCPT_WAITING;
		rcpt_set_verdict(r, &(struct verdict) { 0 });
		assert_true(
		    spool_text_journal_parse(buf_bytes(&b), e, &st, &good));
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
	assert_true(spool_note_attempt(b, 1750000000000, 1000));
	e->rcpts[1].state = RCPT_SENT;
	rcpt_set_verdict(&e->rcpts[1], &v);
	assert_true(spool_note_rcpt(b, 1, &e->rcpts[1]));
	assert_true(spool_note_next(b, 1750000060000));
	assert_true(spool_note_hold(b, 1750000001000, "why\nnot"));
	assert_true(spool_note_seen(b, 1750000002000, 5000));
}

static void
a_journal_folds_into_envelope_and_state(void **state)
{
	struct envelope *e = plain_envelope(2), *f = plain_envelope(2);
	struct spool_state st = { 0 };
	struct buf b;
	size_t good = 0;

	(void)state;
	write_journal(&b, e);
	assert_true(spool_text_journal_parse(buf_bytes(&b), f, &st, &good));
	assert_int_equal(good, buf_len(&b));
	assert_int_equal(st.attempts, 1);
	assert_int_equal(st.next_wall_ms, 1750000060000);
	assert_int_equal(st.seen_ms, 5000);
	assert_true(st.is_held);
	assert_string_equal(st.reason, "why\nnot");
	assert_int_equal(f->rcpts[0].state, RCPT_WAITING);
	assert_int_equal(f->rcpts[1].state, RCPT_SENT);
	assert_true(spool_note_release(&b, 1750000003000));
	f->rcpts[0].state = RCPT_FAILED;
	assert_true(spool_note_requeue(&b, 1760000003000));
	st = (struct spool_state) { 0 };
	assert_true(spool_text_journal_parse(buf_bytes(&b), f, &st, &good));
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
	struct spool_state st = { 0 };
	size_t good = 0;

	assert_true(spool_text_journal_parse(buf_bytes(b), e, &st, &good));
	assert_int_equal(good, buf_len(b));
	assert_int_equal(st.is_offered, strchr(want, 'x') != NULL);
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
	assert_true(spool_note_offer(&b, 1750000000000, "mx a:25", some, 6));
	assert_non_null(
	    strstr(buf_str(&b), "offer 1750000000000 mx\\x20a:25 0-2,4,6-7\n"));
	assert_doubts(&b, "xxx.x.xx");
	assert_true(spool_note_offer(&b, 1750000000001, "mx a:25", one, 1));
	assert_doubts(&b, "xxx.xxxx");
	e->rcpts[1].state = RCPT_WAITING;
	assert_true(spool_note_rcpt(&b, 1, &e->rcpts[1]));
	assert_doubts(&b, "x.x.xxxx");
	assert_true(spool_note_attempt(&b, 1750000000002, 5));
	assert_doubts(&b, "........");
	assert_true(spool_note_offer(&b, 1750000000003, "mx a:25", one, 1));
	assert_doubts(&b, ".....x..");
	assert_true(spool_note_offer(&b, 1750000000003, "", NULL, 0));
	assert_doubts(&b, "........");
	buf_clear(&b);
	envelope_free(e);
}

static void
an_offer_to_nobody_we_know_is_damage(void **state)
{
	static const size_t bad[] = { 2 };
	struct envelope *e = plain_envelope(2);
	struct spool_state st = { 0 };
	struct buf b;
	size_t good;

	(void)state;
	buf_init(&b, 1000);
	assert_true(spool_note_offer(&b, 1, "mx", bad, 1));
	assert_false(spool_text_journal_parse(buf_bytes(&b), e, &st, &good));
	buf_clear(&b);
	envelope_free(e);
}

static void
equal_messages_are_counted(void **state)
{
	struct envelope *e = plain_envelope(1);
	struct spool_state st = { 0 };
	struct buf b;
	size_t good;

	(void)state;
	buf_init(&b, 10000);
	for (int i = 1; i <= 100; i++)
		assert_true(spool_note_equal(&b, 1750000000000 + i * 1000));
	assert_true(spool_text_journal_parse(buf_bytes(&b), e, &st, &good));
	assert_int_equal(e->nequal, 100);
	assert_int_equal(e->equal_last_s, 1750000100);
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
		struct spool_state st = { 0 };
		size_t good = SIZE_MAX;

		assert_true(spool_text_journal_parse(
		    bytes_of(buf_str(&b), n), f, &st, &good));
		assert_true(good <= n);
		assert_true(n - good < 100);
		envelope_free(f);
	}
	for (size_t i = 0; i < buf_len(&b) * 8; i++) {
		struct envelope *f = plain_envelope(2);
		struct spool_state st = { 0 };
		size_t good = 0;
		bool ok;

		b.p[b.head + i / 8] ^= (char)(1 << i % 8);
		ok = spool_text_journal_parse(buf_bytes(&b), f, &st, &good);
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
		struct spool_state st = { 0 };
		struct buf b;
		size_t good = 0;

		buf_init(&b, 1000);
		assert_true(buf_addf(&b, "%08x %s\n",
		    crc32_of(0, lines[i], strlen(lines[i])), lines[i]));
		assert_false(
		    spool_text_journal_parse(buf_bytes(&b), f, &st, &good));
		buf_clear(&b);
		envelope_free(f);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(R9_any_envelope_comes_back_as_it_was),
		cmocka_unit_test(
		    a_header_cut_anywhere_is_short_and_flipped_anywhere_is_bad),
		cmocka_unit_test(headers_nobody_wrote_are_bad),
		cmocka_unit_test(an_end_record_cut_is_short_and_changed_is_bad),
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
