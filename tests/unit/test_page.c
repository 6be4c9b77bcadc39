/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Foreign text stays in the line of a notice that it was written into. */
#include "tests/lib/check.h"

#include "notice/page.h"

static void
foreign_text_starts_no_field(void **state)
{
	struct buf out;
	struct page p = { .to = &out };

	(void)state;
	buf_init(&out, 4096);
	page_field(&p, "Subject", "%s", "gone\r\nBcc: <eve@example.net>\x7f");
	assert_string_equal(
	    buf_str(&out), "Subject: gone??Bcc: <eve@example.net>?\r\n");
	buf_clear(&out);
}

static void
foreign_text_starts_no_line(void **state)
{
	struct buf out;
	struct page p = { .to = &out };

	(void)state;
	buf_init(&out, 4096);
	page_wrap(&p, "  ", "550 no\n.\r\nQUIT\x1b[2J");
	assert_string_equal(buf_str(&out), "  550 no?.??QUIT?[2J\r\n");
	buf_clear(&out);
}

static void
a_long_text_keeps_its_indent(void **state)
{
	static const char words[] =
	    "words that fill a line until the seventy-two columns are all over";
	struct buf out;
	struct page p = { .to = &out };

	(void)state;
	buf_init(&out, 4096);
	page_wrap(&p, "why:      ", words);
	assert_string_equal(buf_str(&out),
	    "why:      words that fill a line until the seventy-two columns "
	    "are all\r\n"
	    "          over\r\n");
	buf_clear(&out);
}

static void
a_full_page_is_known(void **state)
{
	struct buf out;
	struct page p = { .to = &out };

	(void)state;
	buf_init(&out, 8);
	page_add(&p, "nine bytes");
	assert_true(p.is_full);
	buf_clear(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_text_starts_no_field),
		cmocka_unit_test(foreign_text_starts_no_line),
		cmocka_unit_test(a_long_text_keeps_its_indent),
		cmocka_unit_test(a_full_page_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
