/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R78: address lists of every shape, in one bounded pass. */
#include "tests/lib/check.h"

#include <stdlib.h>

#include "base/str.h"
#include "mail/addr.h"
#include "mail/addr_list.h"

/* "addr|addr", then "!" for malformed, "~" for loose, "?" for hidden recipients
 * and "+" for a joined name. */
static void
check_names(const char *text, const char *expect,
    bool (*is_name)(void *ctx, const char *word))
{
	struct addr_list l;
	struct buf got;

	buf_init(&got, 4096);
	addr_list_parse_names(&l, bytes_str(text), is_name, NULL);
	for (size_t i = 0; i < l.n; i++) {
		assert_true(buf_adds(&got, i > 0 ? "|" : ""));
		assert_true(buf_adds(&got, l.items[i].addr));
	}
	assert_true(buf_adds(&got, l.is_malformed ? "!" : ""));
	assert_true(buf_adds(&got, l.is_loose ? "~" : ""));
	assert_true(buf_adds(&got, l.hides_rcpts ? "?" : ""));
	assert_true(buf_adds(&got, l.has_joined ? "+" : ""));
	if (strcmp(buf_str(&got), expect) != 0)
		fail_msg("%s: got %s, not %s", text, buf_str(&got), expect);
	addr_list_clear(&l);
	buf_clear(&got);
}

static void
check_list(const char *text, const char *expect)
{
	check_names(text, expect, NULL);
}

static void
lists_of_every_shape_give_their_addresses(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "   \r\n ", "" },
		{ "root", "root" },
		{ "a@b", "a@b" },
		{ "a@b, c@d", "a@b|c@d" },
		{ "a@b,c@d,", "a@b|c@d~" },
		{ ",,a@b,,", "a@b~" },
		{ ", a@b", "a@b~" },
		{ "a@b, (c), c@d", "a@b|c@d~" },
		{ "a@b, <>", "a@b~" },
		{ "A: , a@b;", "a@b~" },
		{ "A: a@b, ;", "a@b~" },
		{ "A:;, B: a@b;, c@d", "a@b|c@d" },
		{ "Joe Doe <a@b>", "a@b" },
		{ "\"Doe, Joe\" <a@b>, x@y", "a@b|x@y" },
		{ "J. R. Doe <a@b>", "a@b" },
		{ "joe@c <a@b>", "a@b~" },
		/* names that some readers take for the end of the address */
		{ "[Team] =?utf-8?q?x?= <a@b>", "a@b~" },
		{ ".Joe <a@b>", "a@b~" },
		{ ">Joe <a@b>, c@d", "a@b|c@d~" },
		{ "Joe] D <a@b>", "a@b~" },
		{ "Joe \"J\" D. <a@b>", "a@b" },
		{ "Te\"am: a@b;", "a@b~" },
		{ "[x] Team: a@b;", "a@b~" },
		{ "<a@b>", "a@b" },
		{ "<>", "~" },
		{ "a@b (Joe, the one)", "a@b" },
		{ "(c) a (c) @ (c) b (c (d (e)) f)", "a@b~" },
		{ "a@b (un\\)closed)", "a@b" },
		{ " a . b @ c . d ", "a.b@c.d~" },
		{ "a\r\n @\r\n\tb", "a@b~" },
		{ "\"a b\"@c", "\"a b\"@c" },
		{ "\"a\r\n b\"@c", "\"a b\"@c~" },
		{ "\"a\\\"b\"@c", "\"a\\\"b\"@c" },
		{ "a@[192.0.2.1]", "a@[192.0.2.1]" },
		{ "<@x,@y.z:a@b>", "a@b~" },
		{ "<@x:a@b>, c@d", "a@b|c@d~" },
		{ "undisclosed-recipients:;", "?" },
		{ "A Group: a@b, C <c@d>;, e@f", "a@b|c@d|e@f" },
		{ "A: a@b;, B: c@d;", "a@b|c@d" },
		{ "A: a@b; x@y", "a@b|x@y" },
		{ "j\xc3\xb6rg@b\xc3\xbc", "j\xc3\xb6rg@b\xc3\xbc" },
		{ "J\xc3\xb6 <a@b>", "a@b" },
		/* what nobody sees and nobody meant */
		{ "\xe2\x80\x8b"
		  "a@b\xc2\xa0,\xef\xbb\xbf"
		  "c@d\xe2\x80\x8f",
		    "a@b|c@d" },
		{ "J\xc2\xa0"
		  "D\xc2\xa0<a@b>,\xe3\x80\x80<\xe2\x80\x8b"
		  "c@d>",
		    "a@b|c@d" },
		{ "a\xc2\xad@b", "a@b~" },
		{ "a\xe2\x80\x8b"
		  "b@c, d@e",
		    "d@e!" },
		{ "a@b;c@d", "a@b|c@d~" },
		/* malformed, and how far it carries */
		{ "a b", "!" },
		{ "a b@c, d@e", "d@e!" },
		{ "a@b@c, d@e", "d@e!" },
		{ "@b", "!" },
		{ "a@", "!" },
		{ "<a@b", "a@b!" },
		{ "<r:ot@b>", "ot@b!" },
		{ "a@b>, c@d", "c@d!" },
		{ "<a@b> <c@d>", "a@b|c@d!" },
		{ "<a@b> c@d", "a@b|c@d!" },
		{ "\"open <a@b>", "!~" },
		{ "(open a@b", "!" },
		{ "a@b, (open", "a@b!" },
		{ "a@[open", "!" },
		{ "a)b@c, d@e", "d@e!" },
		{ "a@b\xff, c@d", "c@d!" },
		{ "a\x01@b, c@d", "c@d!" },
		{ "[1.2.3.4], a@b", "a@b!" },
		/* what has no end spoils its own member only */
		{ "bob[@y, a@b", "a@b!" },
		{ "\"open, a@b, c@d", "a@b|c@d!" },
		{ "\"Joe <x@y>, a@b", "a@b!~" },
		{ "Joe (x <x@y>, a@b (c), d@e", "a@b|d@e!~" },
		{ "a@b, <x@y, c@d", "a@b|x@y|c@d!" },
		{ "a@b x@y, c@d", "c@d!" },
		{ "a@b;; c@d", "a@b|c@d~" },
		/* no group has a name that is an address */
		{ "a@b:c@d", "c@d!~" },
		{ "a@b\r\n Cc: c@d", "c@d!~" },
		/* nor is an address a name */
		{ "a@b <>, c@d", "c@d!~" },
		{ "\"a@b\" <>", "!~" },
		{ "a@b:25, c@d", "25|c@d!~" },
		{ "a\\, c@d", "c@d!" },
		/* obsolete forms, in the one that an envelope has */
		{ "a.\"b\".c@d.e", "a.b.c@d.e~" },
		{ "\"a\".\"b\"@d", "a.b@d~" },
		{ "\"a b\".c@d", "\"a b.c\"@d~" },
		{ "\"a\\\"\".c@d", "\"a\\\".c\"@d~" },
		{ "\"\".\"\"@d", ".@d~" },
		{ "\"a@x\".b@d", "\"a@x.b\"@d~" },
		{ "a@b.example.", "a@b.example~" },
		{ "Joe <a (c) @ b. c>", "a@b.c~" },
		{ "<@r.x : a@b>", "a@b~" },
		{ "< a@b >", "a@b" },
		{ "\"joe\"@d", "\"joe\"@d" },
		{ "a@[ 192.0.2.1 ]", "a@[192.0.2.1]~" },
		{ "mailto:a@b", "a@b~" },
		{ "team: a@b", "a@b~" },
		{ "a: b: c@d;", "c@d~" },
		/* nobody */
		{ "Undisclosed-Recipients", "~?" },
		{ "undisclosed-recipients;;", "~?" },
		{ "undisclosed recipients:", "~?" },
		{ "undisclosed, recipients", "~?" },
		{ "Recipients, Undisclosed", "~?" },
		{ "<undisclosed recipients>", "~?" },
		{ "undisclosed recipients", "~?" },
		{ "<Undisclosed-Recipient:;>", "~?" },
		{ "Undisclosed recipients <>", "~?" },
		{ "\"Undisclosed-Recipient\":;", "?" },
		{ "\"Undisclosed-Recipient:;\"", "~?" },
		{ "undisclosed-recipients:;@example.net", "~?" },
		{ "undisclosed-recipients@localhost", "~?" },
		{ "undisclosed-recipients@example.net",
		    "undisclosed-recipients@example.net" },
		{ "Recipient list not shown:", "~?" },
		{ "Recipient List Suppressed:;", "?" },
		{ "unlisted-recipients:; (no To-header on input)", "?" },
		{ "UNDISCLOSED-RECIPIENTS:,", "~?" },
		{ "undisclosed-recipients, a@b", "a@b~?" },
		{ "undisclosed-recipients: a@b;", "a@b?" },
		{ "list@b", "list@b" },
		{ "recipients", "recipients" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_list(rows[i][0], rows[i][1]);
}

/* Users of this machine have a small letter here. */
static bool
is_small(void *ctx, const char *word)
{
	(void)ctx;
	return word[0] >= 'a' && word[0] <= 'z';
}

static void
a_comma_in_a_name_is_a_part_of_it(void **state)
{
	static const char *const rows[][2] = {
		{ "Smith, John <a@b>", "a@b~+" },
		{ "Dr. Smith, John <a@b>", "a@b~+" },
		{ "Dr. Smith, Jr., John <a@b>, Doe, Jane <c@d>", "a@b|c@d~+" },
		{ "Smith, <a@b>", "a@b~+" },
		{ "=?utf-8?q?M=C3=BCller?=, J <a@b>", "a@b~+" },
		{ "M\xc3\xbcller, J <a@b>", "a@b~+" },
		{ "T: Smith, John <a@b>;", "a@b~+" },
		{ "root, John <a@b>", "root|a@b" },
		{ "root, Smith, John <a@b>", "root|a@b~+" },
		{ "Smith, root, John <a@b>", "Smith|root|a@b" },
		{ "Smith, x@y, John <a@b>", "Smith|x@y|a@b" },
		{ "Smith, a@b", "Smith|a@b" },
		{ "root, a@b", "root|a@b" },
		{ "Smith", "Smith" },
		{ "Smith; John <a@b>", "Smith|a@b~" },
		{ "two words, a@b", "a@b!" },
		{ "two words, root, J <a@b>", "root|a@b!" },
		{ "A, B, C, D, E, F, G, H, I, J <a@b>", "A|a@b~+" },
		{ "\"Smith\", John <a@b>", "a@b~+" },
		{ "Smith, j@c <a@b>", "Smith|a@b~" },
		{ "Smith, (x John <a@b>, c@d", "Smith|c@d!~" },
		{ "\"\", a@b", "a@b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_names(rows[i][0], rows[i][1], is_small);
}

static void
a_joined_name_reaches_to_its_first_word(void **state)
{
	struct addr_list l;
	struct buf name;
	const char *text = "root, Dr. Smith,\r\n Jr., John <a@b>";

	(void)state;
	buf_init(&name, 100);
	addr_list_parse_names(&l, bytes_str(text), is_small, NULL);
	assert_int_equal(l.n, 2);
	addr_item_name(&l.items[1], &name);
	assert_buf(&name, "Dr. Smith, Jr., John");
	buf_clear(&name);
	addr_list_clear(&l);
}

static void
the_first_bad_entry_is_told(void **state)
{
	static const char *const rows[][2] = {
		{ "a@b, bob[@y, c@d", "bob[@y" },
		{ "a@b, \"Joe <x@y>, z z", "\"Joe <x@y>" },
		{ "a@b x@y", "a@b x@y" },
		{ "<a@b> <c@d>, e@f", "<c@d>" },
		{ "a@b, <c@d", "<c@d" },
		{ "a@b, (c", "(c" },
		{ "a@b, c@d", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr_list l;

		addr_list_parse(&l, bytes_str(rows[i][0]));
		assert_true(bytes_eq(l.bad, rows[i][1]));
		addr_list_clear(&l);
	}
}

static void
an_item_says_where_it_stands_and_what_it_is_called(void **state)
{
	static const struct {
		const char *text, *spec, *phrase, *name;
	} rows[] = {
		{ "Joe Doe <a@b>", "a@b", "Joe Doe", "Joe Doe" },
		{ "\"Doe, \\\"J\\\"\" < a@b >", "a@b", "\"Doe, \\\"J\\\"\"",
		    "Doe, \"J\"" },
		{ "root (Cron Daemon)", "root", "", "Cron Daemon" },
		{ "<a@b> (x)", "a@b", "", "x" },
		{ "a . b@c", "a . b@c", "", "" },
		{ "=?utf-8?q?J=C3=B6?= <a@b>", "a@b",
		    "=?utf-8?q?J=C3=B6?=", "=?utf-8?q?J=C3=B6?=" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr_list l;
		struct buf name;

		buf_init(&name, 100);
		addr_list_parse(&l, bytes_str(rows[i].text));
		assert_int_equal(l.n, 1);
		assert_true(bytes_eq(l.items[0].spec, rows[i].spec));
		assert_true(bytes_eq(l.items[0].phrase, rows[i].phrase));
		addr_item_name(&l.items[0], &name);
		assert_buf(&name, rows[i].name);
		buf_clear(&name);
		addr_list_clear(&l);
	}
}

static void
a_comment_after_an_empty_address_belongs_to_nobody(void **state)
{
	struct addr_list l;
	const char *text = "a@b (x), <> (y)";

	(void)state;
	addr_list_parse(&l, bytes_str(text));
	assert_int_equal(l.n, 1);
	assert_true(bytes_eq(l.items[0].comment, "x"));
	addr_list_clear(&l);
}

static void
every_prefix_of_a_list_is_survived_and_safe(void **state)
{
	static const char text[] =
	    "G: \"a\\\" , \" <@x,@y:\"q\\\\\"@z>, (c(d\\)) e) f . g@[1.2.3.4],"
	    "h@i;, =?x?= <j@k> (l)";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		/* Of the exact size, so that the sanitizer sees a step
		 * beyond the end. */
		char *copy = malloc(n > 0 ? n : 1);
		struct addr_list l;

		memcpy(copy, text, n);
		addr_list_parse(&l, bytes_of(copy, n));
		for (size_t i = 0; i < l.n; i++)
			assert_true(addr_is_safe(bytes_str(l.items[i].addr)));
		addr_list_clear(&l);
		free(copy);
	}
}

static void
deep_nesting_and_long_lists_cost_one_pass(void **state)
{
	enum { N = 100000 };
	char *text = malloc(N);
	struct addr_list l;

	(void)state;
	memset(text, '(', N);
	addr_list_parse(&l, bytes_of(text, N));
	assert_true(l.is_malformed);
	addr_list_clear(&l);
	for (size_t i = 0; i < N; i++)
		text[i] = i % 2 == 0 ? 'a' : ',';
	addr_list_parse(&l, bytes_of(text, N));
	assert_int_equal(l.n, ADDR_LIST_MAX);
	assert_true(l.is_malformed);
	addr_list_clear(&l);
	memset(text, 'a', N);
	addr_list_parse(&l, bytes_of(text, N));
	assert_int_equal(l.n, 0);
	assert_true(l.is_malformed);
	addr_list_clear(&l);
	free(text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_every_shape_give_their_addresses),
		cmocka_unit_test(a_comma_in_a_name_is_a_part_of_it),
		cmocka_unit_test(a_joined_name_reaches_to_its_first_word),
		cmocka_unit_test(the_first_bad_entry_is_told),
		cmocka_unit_test(
		    an_item_says_where_it_stands_and_what_it_is_called),
		cmocka_unit_test(
		    a_comment_after_an_empty_address_belongs_to_nobody),
		cmocka_unit_test(every_prefix_of_a_list_is_survived_and_safe),
		cmocka_unit_test(deep_nesting_and_long_lists_cost_one_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
