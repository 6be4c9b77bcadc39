/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A verdict says what the reply said, and nothing that it did not. */
#include "tests/lib/check.h"

#include "mail/verdict.h"

static struct bytes
b(const char *s)
{
	return bytes_str(s);
}

static void
the_class_follows_from_the_first_digit(void **state)
{
	static const struct {
		int code;
		enum verdict_class class;
	} rows[] = {
		{ 250, VERDICT_OK },
		{ 251, VERDICT_OK },
		{ 299, VERDICT_OK },
		{ 421, VERDICT_LATER },
		{ 499, VERDICT_LATER },
		{ 550, VERDICT_NEVER },
		{ 599, VERDICT_NEVER },
		{ 354, VERDICT_LATER },
		{ 150, VERDICT_LATER },
	};
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		verdict_from_reply(
		    &v, STAGE_RCPT, rows[i].code, b(""), b("text"));
		assert_int_equal(v.class, rows[i].class);
		assert_int_equal(v.code, rows[i].code);
		assert_int_equal(v.stage, STAGE_RCPT);
	}
}

static void
an_enhanced_code_that_does_not_fit_is_ignored(void **state)
{
	static const struct {
		int code;
		const char *in, *out;
	} rows[] = {
		{ 550, "5.1.1", "5.1.1" },
		{ 550, "5.123.456", "5.123.456" },
		{ 550, "4.1.1", "" },
		{ 250, "5.1.1", "" },
		{ 550, "", "" },
		{ 550, "5", "" },
		{ 550, "5.", "" },
		{ 550, "5.1", "" },
		{ 550, "5.1.", "" },
		{ 550, "5.1.1.1", "" },
		{ 550, "5.1234.1", "" },
		{ 550, "5.1.1234", "" },
		{ 550, "5..1", "" },
		{ 550, "5.1.1 ", "" },
		{ 550, "55.1.1", "" },
	};
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		verdict_from_reply(
		    &v, STAGE_END, rows[i].code, b(rows[i].in), b(""));
		assert_string_equal(v.enhanced, rows[i].out);
	}
}

static void
text_loses_its_control_characters_and_is_cut(void **state)
{
	char longest[2 * VERDICT_TEXT_MAX];
	struct verdict v;

	(void)state;
	verdict_from_reply(&v, STAGE_END, 250, b(""),
	    bytes_of("a\rb\nc\0d\x7f"
		     "e\xc3\xa9",
		10));
	assert_string_equal(v.text, "a b c d e\xc3");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	verdict_local(&v, VERDICT_NEVER, STAGE_LOCAL, 554, "5.4.6", longest);
	assert_int_equal(strlen(v.text), VERDICT_TEXT_MAX - 1);
	assert_string_equal(v.enhanced, "5.4.6");
}

static void
the_line_for_people_says_who_and_when(void **state)
{
	struct verdict v;
	struct buf line;

	(void)state;
	buf_init(&line, 2000);
	verdict_from_reply(&v, STAGE_RCPT, 550, b("5.1.1"), b("No such user"));
	memcpy(v.who, "mx", 3);
	verdict_text(&v, &line);
	assert_buf(&line, "550 5.1.1 No such user (said by mx to RCPT)");
	buf_reset(&line);
	verdict_local(
	    &v, VERDICT_LATER, STAGE_CONNECT, 0, NULL, "Connection refused");
	memcpy(v.who, "mx", 3);
	verdict_text(&v, &line);
	assert_buf(&line, "Connection refused (mx, connecting)");
	buf_reset(&line);
	verdict_local(&v, VERDICT_NEVER, STAGE_LOCAL, 554, "5.4.6", "Loop");
	verdict_text(&v, &line);
	assert_buf(&line, "554 5.4.6 Loop");
	buf_reset(&line);
	verdict_unanswered(&v, "mx");
	assert_int_equal(v.class, VERDICT_LATER);
	verdict_text(&v, &line);
	assert_buf(&line,
	    "may have been delivered: the whole message was sent, but the "
	    "reply is not known (mx, after the end of the message)");
	buf_clear(&line);
}

/* Of a login everybody may read what was said: no message was concerned. */
static void
a_public_one_has_no_text_about_a_message(void **state)
{
	struct verdict v, public;
	struct buf line;

	(void)state;
	buf_init(&line, 2000);
	verdict_from_reply(&v, STAGE_MAIL, 452, b("4.5.3"), b("too much, bob"));
	memcpy(v.who, "mx", 3);
	public = verdict_public(&v);
	verdict_text(&public, &line);
	assert_buf(&line, "452 4.5.3 (said by mx to MAIL)");
	v.stage = STAGE_AUTH;
	public = verdict_public(&v);
	assert_true(verdict_eq(&v, &public));
	verdict_local(&v, VERDICT_LATER, STAGE_DATA, 0, NULL, "no answer");
	public = verdict_public(&v);
	assert_true(verdict_eq(&v, &public));
	buf_clear(&line);
}

static void
names_go_there_and_back(void **state)
{
	enum verdict_stage s = STAGE_LOCAL;
	enum verdict_class c = VERDICT_NONE;

	(void)state;
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		assert_true(verdict_stage_from(
		    b(verdict_stage_name((enum verdict_stage)i)), &s));
		assert_int_equal(s, i);
	}
	for (unsigned i = 0; i <= VERDICT_NEVER; i++) {
		assert_true(verdict_class_from(
		    b(verdict_class_name((enum verdict_class)i)), &c));
		assert_int_equal(c, i);
	}
	assert_false(verdict_stage_from(b("rcp"), &s));
	assert_false(verdict_class_from(b(""), &c));
}

static void
two_are_the_same_in_every_respect_or_not_at_all(void **state)
{
	const struct verdict a = { VERDICT_LATER, STAGE_RCPT, 450, "4.7.1",
		false, false, "not now", "mx.example[192.0.2.1]:25" };
	struct verdict v[9];

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		v[i] = a;
	assert_true(verdict_eq(&a, &v[8]));
	v[0].class = VERDICT_NEVER;
	v[1].stage = STAGE_MAIL;
	v[2].code = 451;
	v[3].enhanced[4] = '2';
	v[4].is_uncertain = true;
	v[5].is_logged_in = true;
	v[6].text[0] = 'N';
	v[7].who[0] = 'M';
	for (size_t i = 0; i < 8; i++)
		assert_false(verdict_eq(&a, &v[i]));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_class_follows_from_the_first_digit),
		cmocka_unit_test(an_enhanced_code_that_does_not_fit_is_ignored),
		cmocka_unit_test(text_loses_its_control_characters_and_is_cut),
		cmocka_unit_test(the_line_for_people_says_who_and_when),
		cmocka_unit_test(a_public_one_has_no_text_about_a_message),
		cmocka_unit_test(names_go_there_and_back),
		cmocka_unit_test(
		    two_are_the_same_in_every_respect_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
