/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines and the lone dot, however the pipe cut the bytes. */
#include "tests/lib/check.h"

#include "sendmail/sendmail_input.h"

struct row {
	const char *in;
	bool ignores_dots;
	const char *out;
};

static const struct row rows[] = {
	{ "", false, "" },
	{ "a\nb\n", false, "a\r\nb\r\n" },
	{ "a\r\nb\r\n", false, "a\r\nb\r\n" },
	{ "no end", false, "no end\r\n" },
	{ "a\n.\nb\n", false, "a\r\n" },
	{ "a\n.\nb\n", true, "a\r\n.\r\nb\r\n" },
	{ "a\r\n.\r\nb\r\n", false, "a\r\n" },
	{ ".\n", false, "" },
	{ ".", false, "" },
	{ ".", true, ".\r\n" },
	{ "..\n.a\n", false, "..\r\n.a\r\n" },
	{ "10%\r20%\r", false, "10%\r\n20%\r\n" },
	{ "a\r.\rb", false, "a\r\n" },
	{ "a\r\r\nb\n", false, "a\r\nb\r\n" },
	{ "a\r\r\rb", false, "a\r\n\r\n\r\nb\r\n" },
	{ "a\n\n\nb", false, "a\r\n\r\n\r\nb\r\n" },
	{ "a\r\n\r\nb", false, "a\r\n\r\nb\r\n" },
	{ "a\r", false, "a\r\n" },
};

static void
feed(const void *arg, size_t chunk)
{
	const struct row *row = arg;
	size_t len = strlen(row->in);
	struct sendmail_input in;

	sendmail_input_init(&in, row->ignores_dots);
	for (size_t at = 0; at < len; at += chunk) {
		size_t n = len - at < chunk ? len - at : chunk;

		assert_int_equal(
		    sendmail_input_put(&in, row->in + at, n, NULL), 0);
	}
	assert_int_equal(sendmail_input_end(&in, NULL), 0);
	assert_buf(&in.text, row->out);
	sendmail_input_clear(&in);
}

static void
lines_end_in_crlf_and_a_lone_dot_ends_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_chunks(feed, &rows[i], strlen(rows[i].in));
}

static void
a_nul_is_carried_on(void **state)
{
	struct sendmail_input in;

	(void)state;
	sendmail_input_init(&in, false);
	assert_int_equal(sendmail_input_put(&in, "a\0b\n", 4, NULL), 0);
	assert_int_equal(sendmail_input_end(&in, NULL), 0);
	assert_int_equal(buf_len(&in.text), 5);
	assert_memory_equal(buf_str(&in.text), "a\0b\r\n", 5);
	sendmail_input_clear(&in);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_end_in_crlf_and_a_lone_dot_ends_all),
		cmocka_unit_test(a_nul_is_carried_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
