/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include "base/str.h"
#include "mail/field_name.h"

static void
what_people_read_as_bcc_is_bcc(void **state)
{
	static const char *const names[] = { "Bcc", "bcc", "BCC", "Bcc ",
		"Resent-Bcc", "X-Bcc", "B-cc", "\"Bcc\"", "Bcc?", "Bcc-List",
		"Bcc, Cc", "Blind-Carbon-Copy", "Blind copy", "Bccs",
		"ResentBcc", "X-Mailer-Bcc-List", "MyBcc2", "Abcc", "Cc,Bcc",
		"Blind-Copies", "X-BlindCopy-List", "X-Blind-To",
		"Blind-Carbon", "Blind-Cc", "Blind-Recipients", "Blind-To-2",

		"B\xc2\xad"
		"cc",
		"Bcc\xa0", "Bcc\xef\xbb\xbf",
		"\x01"
		"Bcc",
		/* Cyrillic, Greek, small, full width, circled, a line longer
		 * than is kept */
		"B\xd1\x81\xd1\x81", "\xd0\x92\xd1\x81\xd1\x81",
		"\xce\x92\xcf\xb2\xcf\xb9", "\xca\x99\xe1\xb4\x84\xe1\xb4\x84",
		"\xef\xbc\xa2\xef\xbd\x83\xef\xbd\x83",
		"\xe2\x92\xb7\xe2\x93\x92\xe2\x93\x92",
		"a-name-that-is-longer-than-what-is-kept-of-one-"
		"so-that-only-its-end-counts-Bcc",
		"X-Bcc-of-a-name-that-is-longer-than-what-is-kept-of-one-"
		"so-that-only-its-end-counts" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!field_name_is_bcc(bytes_str(names[i])))
			fail_msg("%s is taken for another field", names[i]);
}

static void
other_names_are_not(void **state)
{
	static const char *const names[] = { "", "To", "Cc", "Bc", "X-Web-Cc",
		"X-Abc-Cc", "Subject", "B", "Copy", "Blind", "X-Blind-Token",
		"X-Blind-Test", "Copy-To", "\xd0\x92\xd1\x81\xd0\xb5\xd0\xbc",
		/* "Otvet" */ "\xd0\x9e\xd1\x82\xd0\xb2\xd0\xb5\xd1\x82" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (field_name_is_bcc(bytes_str(names[i])))
			fail_msg("%s is taken for Bcc", names[i]);
}

static void
a_known_name_is_one_that_messages_have(void **state)
{
	(void)state;
	assert_true(field_name_is_known(bytes_str("subject")));
	assert_true(field_name_is_known(bytes_str("X-Anything")));
	assert_true(field_name_is_known(bytes_str("list-id")));
	assert_false(field_name_is_known(bytes_str("Note")));
	assert_false(field_name_is_known(bytes_str("Sub")));
	assert_false(field_name_is_known(bytes_str("")));
}

static void
a_name_is_guessed_as_it_was_meant(void **state)
{
	static const struct {
		const char *line, *name, *body;
	} cases[] = {
		{ "\xc2\xa0Subject : hi\r\n", "Subject", " hi\r\n" },
		{ "Subject\xef\xbc\x9ahi\r\n", "Subject", "hi\r\n" },
		{ "Sub\xe2\x80\x8bject: hi\r\n", "Subject", " hi\r\n" },
		{ "Bcc s@h\r\n", "Bcc", " s@h\r\n" },
		{ "Resent-Bcc; s@h\r\n", "Resent-Bcc", " s@h\r\n" },
		{ "Bcc=s@h\r\n", "Bcc", "s@h\r\n" },
		{ "Bcc?s@h\r\n", "Bcc", "s@h\r\n" },
		{ "Bcc<s@h>\r\n", "Bcc", "<s@h>\r\n" },
		{ "Bcc\xc2\xa0s@h\r\n", "Bcc", "s@h\r\n" },
		{ "bcc\xa0s@h\r\n", "bcc", "s@h\r\n" },
		{ "Bcc\xe2\x88\xb6 s@h\r\n", "Bcc", " s@h\r\n" },
		{ "Bcc->s@h\r\n", "Bcc", "s@h\r\n" },
		{ "Bcc : s@h\r\n", "Bcc", " s@h\r\n" },
		{ "B cc: s@h\r\n", "Bcc", " s@h\r\n" },
		{ "To s@h\r\n", "To", " s@h\r\n" },
		{ "cc\t<s@h>, t@h\r\n", "cc", "\t<s@h>, t@h\r\n" },
		{ "- Bcc: s@h\r\n", "Bcc", " s@h\r\n" },
		{ "Blind Carbon Copy: s@h\r\n", "Bcc", " s@h\r\n" },
		{ "Cc, Bcc: s@h\r\n", "Bcc", " s@h\r\n" },
		{ "To/Cc and Bcc: s@h\r\n", "Bcc", " s@h\r\n" },
		{ "Blind copies to: s@h\r\n", "Bcc", " s@h\r\n" },
		{ "Resent Bcc list: s@h\r\n", "Bcc", " s@h\r\n" },
		{ "\xe2\x92\xb7\xe2\x93\x92\xe2\x93\x92: s@h\r\n", "Bcc",
		    " s@h\r\n" },
	};
	char name[FIELD_NAME_GUESS_MAX];
	size_t n, at;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bytes line = bytes_str(cases[i].line);

		if (!field_name_guess(line, name, &n, &at))
			fail_msg("%s is taken for text", cases[i].line);
		assert_true(bytes_eq_nocase(bytes_of(name, n), cases[i].name));
		assert_string_equal(line.p + at, cases[i].body);
	}
}

static void
text_is_not_taken_for_a_field_without_a_colon(void **state)
{
	static const char *const lines[] = { "To s@h, please\r\n",
		"To whom it concerns\r\n", "Tom s@h\r\n", "To\r\n", "To s\r\n",
		"Please bcc: s@h\r\n", "Copies to: s@h\r\n",
		"To web, cc: s@h\r\n" };
	char name[FIELD_NAME_GUESS_MAX];
	size_t n, at;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (field_name_guess(bytes_str(lines[i]), name, &n, &at))
			fail_msg("%s is taken for a field", lines[i]);
}

/* It is "?" where the message arrives, and one program must not see another
 * field than the next. */
static void
a_nul_counts_as_what_replaces_it(void **state)
{
	static const char in[] = "\xc2\xa0X-\0: 1\r\n",
			  hidden[] = "Bcc\0s@h\r\n";
	char name[FIELD_NAME_GUESS_MAX];
	size_t n, at;

	(void)state;
	assert_true(
	    field_name_guess(bytes_of(in, sizeof(in) - 1), name, &n, &at));
	assert_int_equal(n, 3);
	assert_int_equal(at, 6);
	assert_true(field_name_guess(
	    bytes_of(hidden, sizeof(hidden) - 1), name, &n, &at));
	assert_int_equal(n, 3);
	assert_int_equal(at, 4);
}

static void
a_line_of_text_has_no_name(void **state)
{
	static const char *const lines[] = { "", "hello\r\n", "Note: so\r\n",
		"Dear all: hello\r\n", "A bcc: s@h\r\n", "Bcc is hidden\r\n",
		"B cc: nobody\r\n", "Bcc'd s@h\r\n", "Bccs@h\r\n" };
	char name[FIELD_NAME_GUESS_MAX];
	size_t n = 4711, at = 4711;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		if (field_name_guess(bytes_str(lines[i]), name, &n, &at))
			fail_msg("%s is taken for a field", lines[i]);
		assert_int_equal(n, 4711);
		assert_int_equal(at, 4711);
	}
}

static void
a_name_that_no_line_shows_is_found(void **state)
{
	static const struct {
		const char *field;
		size_t n;
	} cases[] = { { "Bcc\r\n : s@h\r\n", 7 }, { "Bc\r\n c: s@h\r\n", 7 },
		{ "Bcc\r\n s@h,\r\n t@h\r\n", 3 },
		{ "Bcc\r\n of s: s@h\r\n", 3 }, { "Bcc\r\n : nobody\r\n", 0 },
		{ "hello\r\n s@h\r\n", 0 }, { "", 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
		    field_name_bcc_len(bytes_str(cases[i].field)), cases[i].n);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_people_read_as_bcc_is_bcc),
		cmocka_unit_test(other_names_are_not),
		cmocka_unit_test(a_known_name_is_one_that_messages_have),
		cmocka_unit_test(a_name_is_guessed_as_it_was_meant),
		cmocka_unit_test(text_is_not_taken_for_a_field_without_a_colon),
		cmocka_unit_test(a_nul_counts_as_what_replaces_it),
		cmocka_unit_test(a_line_of_text_has_no_name),
		cmocka_unit_test(a_name_that_no_line_shows_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
