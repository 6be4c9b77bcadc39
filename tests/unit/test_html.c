/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nothing foreign on a page is understood as HTML. */
#include "tests/lib/check.h"

#include "relais-web/html.h"

static void
check_page(const char *foreign, const char *page)
{
	struct html h;

	html_init(&h);
	html(&h, "<b title=\"%s\">%s</b>", foreign, foreign);
	assert_string_equal(buf_str(&h.out), page);
	assert_false(h.is_full);
	html_clear(&h);
}

static void
foreign_text_is_shown_and_not_understood(void **state)
{
	(void)state;
	check_page("plain text, grüße", "<b title=\"plain text, grüße\">"
					"plain text, grüße</b>");
	check_page("<script>&'\"",
	    "<b title=\"&lt;script&gt;&amp;&#39;&quot;\">"
	    "&lt;script&gt;&amp;&#39;&quot;</b>");
	check_page("", "<b title=\"\"></b>");
	check_page(NULL, "<b title=\"\"></b>");
	check_page("100 %s", "<b title=\"100 %s\">100 %s</b>");
}

/* A right-to-left override would turn "evil" around in the line it is in. */
static void
what_cannot_be_seen_is_made_visible(void **state)
{
	(void)state;
	check_page("a\xe2\x80\xae"
		   "b\r\n\x1b[1m",
	    "<b title=\"a\\xe2\\x80\\xaeb\\x0d\\x0a\\x1b[1m\">"
	    "a\\xe2\\x80\\xaeb\\x0d\\x0a\\x1b[1m</b>");
	check_page("\xff<", "<b title=\"\\xff&lt;\">\\xff&lt;</b>");
}

static void
numbers_and_lines_are_written(void **state)
{
	struct html h;

	(void)state;
	html_init(&h);
	html(&h, "%lld and %lld", -5LL, 9000000000LL);
	html_lines(&h, "\na:\t<b>\r\n c\n", 100);
	html_lines(&h, "12345678", 4);
	assert_string_equal(
	    buf_str(&h.out), "-5 and 9000000000\na: &lt;b&gt;\n c\n1234\n");
	html_clear(&h);
}

static void
a_page_without_end_is_cut(void **state)
{
	struct html h;

	(void)state;
	html_init(&h);
	for (int i = 0; i < 5000 && !h.is_full; i++)
		html_lines(&h,
		    "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
		    "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
		    "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
		    "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
		    "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
		    "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
		    "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
		    "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
		    "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
		    "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<",
		    600);
	assert_true(h.is_full);
	html_clear(&h);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_text_is_shown_and_not_understood),
		cmocka_unit_test(what_cannot_be_seen_is_made_visible),
		cmocka_unit_test(numbers_and_lines_are_written),
		cmocka_unit_test(a_page_without_end_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
