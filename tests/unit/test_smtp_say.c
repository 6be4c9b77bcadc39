/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Replies on the wire: one shape, whatever the text holds. */
#include "tests/lib/check.h"

#include "smtp/smtp_limits.h"
#include "smtp/smtp_say.h"

static void
replies_have_the_shape_of_rfc_5321(void **state)
{
	static const struct {
		int code;
		const char *enhanced, *text, *out;
	} rows[] = {
		{ 250, "2.0.0", "ok", "250 2.0.0 ok\r\n" },
		{ 250, NULL, "ok", "250 ok\r\n" },
		{ 250, NULL, "", "250 \r\n" },
		{ 250, NULL, "a\nb", "250-a\r\n250 b\r\n" },
		{ 550, "5.1.1", "a\n\nb\n",
		    "550-5.1.1 a\r\n550-5.1.1 \r\n550 5.1.1 b\r\n" },
		/* The class of the enhanced code must fit. */
		{ 250, "5.0.0", "ok", "250 ok\r\n" },
		{ 354, "2.0.0", "go", "354 go\r\n" },
		{ 550, "", "no", "550 no\r\n" },
		/* Foreign text ends no line. */
		{ 550, NULL, "a\r250 b\x01\x7f\x1b[1m\xc3\xa9",
		    "550 a 250 b ? [1me\r\n" },
		{ 550, NULL, "Empf\xc3\xa4nger d\xe9pass\xe9 \xd0\x9d",
		    "550 Empfaenger depasse ??\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out;

		buf_init(&out, SMTP_SAY_SPACE);
		smtp_say(&out, rows[i].code, rows[i].enhanced, rows[i].text);
		assert_buf(&out, rows[i].out);
		buf_clear(&out);
	}
}

/* Every line of the reply is at most 512 bytes and the last one only has a
 * blank behind its code, however much text there is and of what kind. */
static void
long_text_becomes_several_lines_within_bounds(void **state)
{
	static const char kinds[] = { 'x', ' ', '\n' };
	char text[3 * SMTP_SAY_TEXT_MAX];

	(void)state;
	for (size_t kind = 0; kind < sizeof(kinds); kind++)
		for (size_t n = 1; n < sizeof(text); n += n < 600 ? 1 : 499) {
			struct buf out;
			const char *p, *lf;

			memset(text, 'a', n);
			for (size_t i = 0; i < n; i += kind + 1)
				text[i] = kinds[kind];
			text[n] = '\0';
			buf_init(&out, SMTP_SAY_SPACE);
			smtp_say(&out, 550, "5.7.1", text);
			p = buf_str(&out);
			while ((lf = strchr(p, '\n')) != NULL) {
				assert_true(lf - p < SMTP_SAY_LINE_MAX);
				assert_true(lf[-1] == '\r');
				assert_memory_equal(p, "550", 3);
				assert_int_equal(
				    p[3], lf[1] == '\0' ? ' ' : '-');
				p = lf + 1;
			}
			assert_int_equal(*p, '\0');
			buf_clear(&out);
		}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_have_the_shape_of_rfc_5321),
		cmocka_unit_test(long_text_becomes_several_lines_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
