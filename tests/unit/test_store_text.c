/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R9: no byte of an address, name or answer can forge a line. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crc32.h"
#include "base/xalloc.h"
#include "store/store_text.h"
#include "tests/lib/random_source.h"

static char *
random_string(bool may_be_null)
{
	char text[40];

	if (may_be_null && random_below(3) == 0)
		return NULL;
	random_text(text, sizeof(text));
	return xstrdup(text);
}

static struct envelope *
random_envelope(void)
{
	struct envelope *e = envelope_new();
	size_t n = 1 + random_below(4);

	(void)snprintf(
	    e->id, sizeof(e->id), "0123456789abcd%02u", random_below(100));
	free(e->sender);
	e->sender = random_string(false);
	free(e->peer);
	e->peer = random_string(false);
	e->envid = random_string(true);
	e->user = random_string(true);
	e->helo = random_string(true);
	e->listener = random_string(true);
	e->account = random_string(true);
	e->ret = (enum dsn_ret)random_below(3);
	e->is_8bit = random_below(2) != 0;
	e->is_long = random_below(2) != 0;
	e->is_utf8 = random_below(2) != 0;
	e->uid = random_below(2) != 0 ? UID_UNKNOWN : random_below(70000);
	e->arrived_s = random_below(2000000000);
	e->size_bytes = random_below(100000);
	for (size_t i = 0; i < n; i++) {
		char *addr = random_string(false);
		struct rcpt *r = envelope_add_rcpt(e, addr);

		free(addr);
		r->orcpt = random_string(true);
		r->notify = random_below(2) != 0 ? DSN_NOTIFY_NEVER
						 : random_below(8) * 2;
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
		enum store_text_kind kind = (enum store_text_kind)(i & 1);
		struct envelope *e = random_envelope(), *back = NULL;
		size_t total = i % 3 == 0 ? 4096 : 0, body = 0;
		struct buf b;

		buf_init(&b, 100000);
		assert_true(store_text_header(&b, kind, e, total));
		assert_true(total == 0 || buf_len(&b) == total);
		assert_true(buf_adds(&b, "rcpt: forged@example.org\n"));
		assert_int_equal(
		    store_text_header_parse(kind, buf_bytes(&b), &back, &body),
		    STORE_TEXT_OK);
		assert_string_equal(
		    buf_str(&b) + body, "rcpt: forged@example.org\n");
		assert_same_envelope(e, back);
		envelope_free(back);
		assert_int_equal(
		    store_text_header_parse(!kind, buf_bytes(&b), &back, &body),
		    STORE_TEXT_BAD);
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
	assert_true(store_text_header(&b, STORE_TEXT_MESSAGE, e, 0));
	len = buf_len(&b);
	/* Enough lines behind it to mislead a reader. */
	assert_true(buf_adds(&b, "A: b\n\nend 7 00000000\n"));
	for (size_t n = 0; n < len; n++)
		assert_int_equal(store_text_header_parse(STORE_TEXT_MESSAGE,
				     bytes_of(buf_str(&b), n), &back, &body),
		    STORE_TEXT_SHORT);
	for (size_t i = 0; i < len * 8; i++) {
		b.p[b.head + i / 8] ^= (char)(1 << i % 8);
		assert_int_equal(store_text_header_parse(STORE_TEXT_MESSAGE,
				     buf_bytes(&b), &back, &body),
		    STORE_TEXT_BAD);
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
		assert_int_equal(store_text_header_parse(STORE_TEXT_MESSAGE,
				     buf_bytes(&b), &back, &body),
		    STORE_TEXT_BAD);
		buf_clear(&b);
	}
}

static void
an_end_record_cut_is_short_and_changed_is_bad(void **state)
{
	char end[STORE_END_MAX];
	size_t len = store_text_end(end, 12345, 0xdeadbeef), used = 0;
	uint32_t crc = 0;

	(void)state;
	assert_string_equal(end, "end 12345 deadbeef\n");
	assert_int_equal(
	    store_text_end_parse(bytes_of(end, len), 12345, &crc, &used),
	    STORE_TEXT_OK);
	assert_int_equal(crc, 0xdeadbeef);
	assert_int_equal(used, len);
	assert_int_equal(
	    store_text_end_parse(bytes_of(end, len), 12346, &crc, &used),
	    STORE_TEXT_BAD);
	for (size_t n = 0; n < len; n++)
		assert_int_equal(
		    store_text_end_parse(bytes_of(end, n), 12345, &crc, &used),
		    STORE_TEXT_SHORT);
	for (size_t i = 0; i < len * 8; i++) {
		enum store_text_result res;

		end[i / 8] ^= (char)(1 << i % 8);
		res = store_text_end_parse(
		    bytes_of(end, len), 12345, &crc, &used);
		/* Another checksum is found out when it is compared. */
		assert_true(res == STORE_TEXT_BAD ||
			    (res == STORE_TEXT_OK && crc != 0xdeadbeef));
		end[i / 8] ^= (char)(1 << i % 8);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
