/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R79: what is shown of foreign text is harmless; matching and distances. */
#include "tests/lib/check.h"

#include "base/str.h"

static void
escaping_leaves_nothing_a_terminal_obeys(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "plain text", "plain text" },
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "\x1b[31mred", "\\x1b[31mred" },
		{ "a\nb\rc", "a\\x0ab\\x0dc" },
		{ "DOMAIN\\user", "DOMAIN\\user" },
		{ "escaped \\x80 before", "escaped \\x80 before" },
		{ "\x7f", "\\x7f" },
		{ "\xc2\x9b", "\\xc2\\x9b" }, /* C1 */
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae" }, /* bidi override */
		{ "\xff\xc3", "\\xff\\xc3" }, /* not UTF-8 */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" }, /* surrogate */
		{ "\xc0\xaf", "\\xc0\\xaf" }, /* over-long */
		{ "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf" }, /* likewise */
		{ "\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b;

		buf_init(&b, 200);
		assert_true(
		    str_escape(&b, bytes_str(rows[i].in), STR_ESCAPE_MAX));
		assert_buf(&b, rows[i].out);
		buf_clear(&b);
	}
}

static void
escaping_stops_at_the_limit(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 200);
	assert_true(str_escape(&b, bytes_of("abcdef", 6), 3));
	assert_buf(&b, "abc...");
	buf_clear(&b);
}

static void
accents_go_and_other_alphabets_stay(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "plain", "plain" },
		{ "Empf\xc3\xa4nger ung\xc3\xbcltig", "Empfaenger ungueltig" },
		{ "Empf\xe4nger ung\xfcltig", "Empfaenger ungueltig" },
		{ "d\xc3\xa9pass\xc3\xa9, bo\xc3\xaete", "depasse, boite" },
		{ "d\xe9pass\xe9, bo\xeete", "depasse, boite" },
		{ "\xc3\x89t\xc3\xa9 \xc3\x96l \xc3\x9f", "Ete OEl ss" },
		{ "l\xe2\x80\x99"
		  "envoi\xc2\xa0\xe2\x80\x93 x",
		    "l'envoi - x" },
		{ "l\xc3\xadmite a\xc3\xb1o", "limite ano" },
		{ "skrzynka pe\xc5\x82na", "skrzynka pelna" },
		{ "\xd0\xbd\xd0\xb5\xd1\x82", "\xd0\xbd\xd0\xb5\xd1\x82" },
		{ "\xff\xc3", "yA" }, /* ISO 8859-1 */
		{ "\x80\x9b", "\x80\x9b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b;

		buf_init(&b, 200);
		assert_true(str_add_plain(
		    &b, bytes_of(rows[i].in, strlen(rows[i].in))));
		assert_buf(&b, rows[i].out);
		buf_clear(&b);
		buf_init(&b, 1);
		assert_false(str_add_plain(&b, bytes_of("\xe4", 1)));
		buf_clear(&b);
	}
}

static void
patterns_match_as_documented(void **state)
{
	(void)state;
	assert_true(str_match("*", ""));
	assert_true(str_match("*@example.org", "Me@EXAMPLE.org"));
	assert_true(str_match("a*b*c", "a-b-b-c"));
	assert_false(str_match("*@example.org", "me@example.com"));
	assert_false(str_match("a*b", "a"));
	assert_true(str_match("me", "ME"));
	assert_false(str_match("", "x"));
}

static void
a_line_is_cut_into_its_pieces(void **state)
{
	struct bytes rest = bytes_of("a  bc", 5);

	(void)state;
	assert_true(bytes_eq(bytes_cut(&rest, ' '), "a"));
	assert_true(bytes_eq(bytes_cut(&rest, ' '), ""));
	assert_true(bytes_eq(bytes_cut(&rest, ' '), "bc"));
	assert_int_equal(rest.n, 0);
	assert_true(bytes_eq(bytes_cut(&rest, ' '), ""));
}

static void
distance_finds_the_nearest_word(void **state)
{
	(void)state;
	assert_int_equal(str_distance("prot", "port", 3), 2);
	assert_int_equal(str_distance("port", "PORT", 3), 0);
	assert_int_equal(str_distance("abcdef", "uvwxyz", 3), 4);
}

/* The text of an event that has none; the sanitizer watches. */
static void
an_empty_piece_may_be_nowhere(void **state)
{
	struct bytes none = { NULL, 0 };
	char to[4] = "abc";

	(void)state;
	assert_true(str_copy(to, sizeof(to), none));
	assert_string_equal(to, "");
	assert_true(bytes_eq(none, ""));
	assert_false(bytes_eq(none, "a"));
}

static void
lines_are_wrapped_at_words(void **state)
{
	static const struct {
		const char *text;
		size_t columns, first;
	} rows[] = {
		{ "", 10, 0 },
		{ "one", 10, 3 },
		{ "one two three", 7, 7 },
		{ "one two three", 6, 3 },
		{ "one two three", 100, 13 },
		{ "a-word-longer-than-that and", 10, 23 },
		/* Characters are counted, not bytes. */
		{ "\xc3\xa9\xc3\xa9\xc3\xa9 x y", 5, 8 },
		{ "  indented text", 10, 10 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_wrap(rows[i].text, rows[i].columns) != rows[i].first)
			fail_msg("\"%s\" at %zu: %zu bytes, not %zu",
			    rows[i].text, rows[i].columns,
			    str_wrap(rows[i].text, rows[i].columns),
			    rows[i].first);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(escaping_leaves_nothing_a_terminal_obeys),
		cmocka_unit_test(escaping_stops_at_the_limit),
		cmocka_unit_test(accents_go_and_other_alphabets_stay),
		cmocka_unit_test(patterns_match_as_documented),
		cmocka_unit_test(a_line_is_cut_into_its_pieces),
		cmocka_unit_test(distance_finds_the_nearest_word),
		cmocka_unit_test(an_empty_piece_may_be_nowhere),
		cmocka_unit_test(lines_are_wrapped_at_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
