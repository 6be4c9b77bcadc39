/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What became of a message comes back as it was written; what is no entry is
 * none; the provider's name for a message is found where providers write it. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/history.h"

static const char *rcpts[] = { "bob@example.net", "\"a b\\c\"@example.net" };

static struct history_entry
make_entry(void)
{
	struct history_entry e = { .state = HISTORY_FAILED,
		.at_ms = 1750000000123,
		.arrived_s = 1749999990,
		.id = "1a2b3c4d5e6f7a8b",
		.account = "my mail",
		.user = "anna",
		.sender = "anna@example.org",
		.subject = "Back up \xc3\xa9 \\ \n done",
		.rcpts = rcpts,
		.nnamed = 2,
		.nrcpts = 3,
		.uid = 1000,
		.attempts = 4,
		.size_bytes = 512 };

	verdict_from_reply(&e.answer, STAGE_RCPT, 550, bytes_str("5.1.1"),
	    bytes_str("No such \\user"));
	(void)snprintf(e.answer.who, sizeof(e.answer.who),
	    "mx.example.net[192.0.2.1]:465");
	return e;
}

static struct bytes
line_of(struct buf *b, const struct history_entry *e)
{
	buf_init(b, 4 * HISTORY_LINE_MAX);
	assert_true(history_line(b, e));
	assert_int_equal(buf_str(b)[buf_len(b) - 1], '\n');
	return bytes_of(buf_str(b), buf_len(b) - 1);
}

static void
an_entry_comes_back_as_it_was_written(void **state)
{
	struct history_entry e = make_entry(), *got;
	struct buf b;
	struct bytes line = line_of(&b, &e);

	(void)state;
	assert_null(memchr(line.p, '\n', line.n));
	got = history_parse(line);
	assert_non_null(got);
	assert_int_equal(got->state, e.state);
	assert_int_equal(got->at_ms, e.at_ms);
	assert_int_equal(got->arrived_s, e.arrived_s);
	assert_string_equal(got->id, e.id);
	assert_string_equal(got->account, e.account);
	assert_string_equal(got->user, e.user);
	assert_string_equal(got->sender, e.sender);
	assert_string_equal(got->subject, e.subject);
	assert_int_equal(got->nnamed, 2);
	assert_string_equal(got->rcpts[0], rcpts[0]);
	assert_string_equal(got->rcpts[1], rcpts[1]);
	assert_int_equal(got->nrcpts, 3);
	assert_int_equal(got->uid, 1000);
	assert_int_equal(got->attempts, 4);
	assert_int_equal(got->size_bytes, 512);
	assert_true(verdict_eq(&got->answer, &e.answer));
	history_entry_free(got);
	buf_clear(&b);
}

static void
empty_texts_come_back_empty(void **state)
{
	struct history_entry e = { .state = HISTORY_DELETED,
		.id = "",
		.account = "",
		.user = "",
		.sender = "",
		.subject = "" };
	struct history_entry *got;
	struct buf b;

	(void)state;
	got = history_parse(line_of(&b, &e));
	assert_non_null(got);
	assert_string_equal(got->account, "");
	assert_string_equal(got->sender, "");
	assert_int_equal(got->answer.class, VERDICT_NONE);
	assert_string_equal(got->answer.text, "");
	history_entry_free(got);
	buf_clear(&b);
}

static void
what_makes_a_line_too_long_is_left_out(void **state)
{
	static char long_rcpt[400], long_subject[HISTORY_LINE_MAX];
	const char *many[HISTORY_RCPTS_MAX + 50];
	struct history_entry e = make_entry(), *got;
	struct buf b;
	struct bytes line;

	(void)state;
	memset(long_rcpt, 'a', sizeof(long_rcpt) - 1);
	memset(long_subject, 's', sizeof(long_subject) - 1);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = long_rcpt;
	e.rcpts = many;
	e.nnamed = e.nrcpts = ARRAY_LEN(many);
	line = line_of(&b, &e);
	assert_true(line.n < HISTORY_LINE_MAX);
	got = history_parse(line);
	assert_non_null(got);
	assert_true(got->nnamed > 10);
	assert_int_equal(got->nrcpts, ARRAY_LEN(many));
	assert_string_equal(got->subject, e.subject);
	history_entry_free(got);
	buf_clear(&b);

	e.subject = long_subject;
	got = history_parse(line_of(&b, &e));
	assert_non_null(got);
	assert_string_equal(got->subject, "");
	history_entry_free(got);
	buf_clear(&b);
}

/* No part of a line, and no line with another byte, is a line. */
static void
a_damaged_line_is_none(void **state)
{
	struct history_entry e = make_entry();
	struct buf b;
	struct bytes line = line_of(&b, &e);
	char *copy = malloc(line.n);

	(void)state;
	assert_non_null(copy);
	for (size_t n = 0; n < line.n; n++) {
		assert_null(history_parse(bytes_of(line.p, n)));
		memcpy(copy, line.p, line.n);
		copy[n] = (char)(copy[n] ^ 1);
		assert_null(history_parse(bytes_of(copy, line.n)));
	}
	free(copy);
	buf_clear(&b);
}

static void
a_full_buffer_takes_no_part_of_a_line(void **state)
{
	struct history_entry e = make_entry();
	struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, 100);
	assert_true(buf_adds(&b, "before"));
	assert_false(history_line(&b, &e));
	assert_buf(&b, "before");
	buf_clear(&b);

	/* Nor a line that says less, for which there would be room. */
	n = line_of(&b, &e).n;
	buf_clear(&b);
	buf_init(&b, n);
	assert_false(history_line(&b, &e));
	assert_int_equal(buf_len(&b), 0);
	buf_clear(&b);
}

static void
the_provider_s_name_for_a_message_is_found(void **state)
{
	static const struct {
		const char *text, *id;
	} rows[] = {
		{ "Ok: queued as 4Xyz12AbCdz9", "4Xyz12AbCdz9" },
		{ "OK: queued as <202506.123@smtp-relay.example>",
		    "202506.123@smtp-relay.example" },
		{ "OK  1750000000 6b393ak8lar5u6pg-12.3 - gsmtp",
		    "6b393ak8lar5u6pg-12.3" },
		{ "OK id=1uQabc-00000001abc-1xYz", "1uQabc-00000001abc-1xYz" },
		{ "Requested mail action okay, completed: id=0MbAAA-1uQ3",
		    "0MbAAA-1uQ3" },
		{ "<a@b> [InternalId=9663676416, Hostname=X.example.com] "
		  "1234 bytes in 0.1, 8 KB/sec Queued mail for delivery",
		    "9663676416" },
		{ "ok 1750000000 qp 12345", "12345" },
		{ "Message Queued (2B7C1F2A-11.1)", "2B7C1F2A-11.1" },
		{ "55B1q2w3012345 Message accepted for delivery",
		    "55B1q2w3012345" },
		{ "Ok 0100019a7f3c1b2d-3c4d-000000",
		    "0100019a7f3c1b2d-3c4d-000000" },
		{ "Ok", "" },
		{ "OK Message accepted for delivery", "" },
		{ "Requested mail action okay, completed", "" },
		{ "Ok, 2 recipients", "" },
		{ "valid=1234 ", "" },
		{ "queued as ", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct verdict v;
		struct bytes id;
		char text[200];

		verdict_from_reply(&v, STAGE_END, 250, bytes_str("2.0.0"),
		    bytes_str(rows[i].text));
		id = history_remote_id(&v);
		(void)snprintf(text, sizeof(text), "%.*s", (int)id.n, id.p);
		assert_string_equal(text, rows[i].id);
		v.class = VERDICT_NEVER;
		assert_int_equal(history_remote_id(&v).n, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_comes_back_as_it_was_written),
		cmocka_unit_test(empty_texts_come_back_empty),
		cmocka_unit_test(what_makes_a_line_too_long_is_left_out),
		cmocka_unit_test(a_damaged_line_is_none),
		cmocka_unit_test(a_full_buffer_takes_no_part_of_a_line),
		cmocka_unit_test(the_provider_s_name_for_a_message_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
