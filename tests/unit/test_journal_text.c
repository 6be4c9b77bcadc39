/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal as sentences: every line that the journal can hold is said in
 * words or left out on purpose, and no line is shown as it stands in the
 * file. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/journal.h"
#include "store/journal_text.h"

static struct envelope *
envelope_to(const char *first, const char *second)
{
	struct envelope *e = envelope_new();

	envelope_set(&e->sender, "me@example.org");
	(void)envelope_add_rcpt(e, first);
	(void)envelope_add_rcpt(e, second);
	return e;
}

/* The note in b, written by the real writer, as a sentence; its time. */
static int64_t
said(struct buf *b, const struct envelope *e, char *to, size_t size)
{
	struct bytes line = buf_bytes(b);
	struct buf text;
	int64_t at_ms = -1;

	buf_init(&text, 4096);
	assert_true(line.n > 10);
	/* Without checksum and LF, as journal_text.h wants it. */
	if (!journal_text(bytes_of(line.p + 9, line.n - 10), e, &text, &at_ms))
		assert_int_equal(buf_len(&text), 0);
	(void)snprintf(to, size, "%s", buf_str(&text));
	buf_clear(&text);
	buf_clear(b);
	buf_init(b, 4096);
	return at_ms;
}

static void
every_event_is_a_sentence(void **state)
{
	struct envelope *e = envelope_to("a@example.net", "b@example.net");
	const size_t both[] = { 0, 1 };
	struct verdict v;
	struct buf b;
	char text[1000];

	(void)state;
	buf_init(&b, 4096);
	assert_true(journal_attempt(&b, 1750000000123, 5));
	assert_int_equal(said(&b, e, text, sizeof(text)), 1750000000123);
	assert_string_equal(text, "delivery attempt");

	verdict_from_reply(&v, STAGE_RCPT, 451, bytes_of("4.7.1", 5),
	    bytes_of("Greylisted \\ wait", 17));
	(void)snprintf(v.who, sizeof(v.who), "mx.example.net[192.0.2.1]:465");
	rcpt_set_verdict(&e->rcpts[1], &v);
	assert_true(journal_rcpt(&b, 1, &e->rcpts[1]));
	assert_int_equal(said(&b, e, text, sizeof(text)), -1);
	assert_string_equal(text,
	    "b@example.net: is tried again: 451 4.7.1 Greylisted \\ wait "
	    "(said by mx.example.net[192.0.2.1]:465 to RCPT)");
	e->rcpts[1].state = RCPT_FAILED;
	assert_true(journal_rcpt(&b, 1, &e->rcpts[1]));
	(void)said(&b, e, text, sizeof(text));
	assert_memory_equal(text, "b@example.net: failed: 451", 26);

	assert_true(journal_mark(&b, 1000, "mx[192.0.2.1]:465", both, 2));
	assert_int_equal(said(&b, e, text, sizeof(text)), 1000);
	assert_string_equal(
	    text, "the end of the message is sent to mx[192.0.2.1]:465");
	assert_true(journal_hold(&b, 2000, "held by a person"));
	assert_int_equal(said(&b, e, text, sizeof(text)), 2000);
	assert_string_equal(text, "held: held by a person");
	assert_true(journal_release(&b, 3000));
	assert_int_equal(said(&b, e, text, sizeof(text)), 3000);
	assert_string_equal(text, "released");
	assert_true(journal_requeue(&b, 3000));
	(void)said(&b, e, text, sizeof(text));
	assert_string_equal(text, "put back into the queue");
	assert_true(journal_told(&b, 4000, 0));
	assert_int_equal(said(&b, e, text, sizeof(text)), 4000);
	assert_string_equal(
	    text, "a notice says that a@example.net has failed");
	assert_true(journal_delay_told(&b, 5000));
	(void)said(&b, e, text, sizeof(text));
	assert_string_equal(text, "a notice tells the sender of the delay");
	assert_true(journal_equal(&b, 6000));
	(void)said(&b, e, text, sizeof(text));
	assert_string_equal(
	    text, "one more equal message is folded into this one");
	buf_clear(&b);
	envelope_free(e);
}

static void
what_only_the_schedule_needs_is_left_out(void **state)
{
	struct envelope *e = envelope_to("a@example.net", "b@example.net");
	struct buf b;
	char text[1000];

	(void)state;
	buf_init(&b, 4096);
	assert_true(journal_seen(&b, 1000, 5));
	assert_int_equal(said(&b, e, text, sizeof(text)), -1);
	assert_true(journal_next(&b, 1000));
	assert_int_equal(said(&b, e, text, sizeof(text)), -1);
	assert_true(journal_mark(&b, 1000, "mx", NULL, 0));
	assert_int_equal(said(&b, e, text, sizeof(text)), -1);
	buf_clear(&b);
	envelope_free(e);
}

static void
lines_that_are_not_understood_are_left_out(void **state)
{
	static const char *const lines[] = { "", " ", "nonsense", "rcpt",
		"rcpt 2 sent ok end 250 - sure - done", "rcpt 0", "attempt",
		"attempt x", "hold x why", "told 1 2", "offer 1 mx",
		"offer 1 \\xzz 0" };
	struct envelope *e = envelope_to("a@example.net", "b@example.net");
	struct buf text;

	(void)state;
	buf_init(&text, 4096);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		int64_t at_ms = 7;

		if (journal_text(bytes_str(lines[i]), e, &text, &at_ms))
			fail_msg("\"%s\" is shown as \"%s\"", lines[i],
			    buf_str(&text));
		assert_int_equal(buf_len(&text), 0);
		assert_int_equal(at_ms, 7);
	}
	buf_clear(&text);
	envelope_free(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event_is_a_sentence),
		cmocka_unit_test(what_only_the_schedule_needs_is_left_out),
		cmocka_unit_test(lines_that_are_not_understood_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
