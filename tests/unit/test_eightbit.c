/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Header fields in bytes over 127, as programs write them, for servers that
 * know ASCII only. */
#include "tests/lib/check.h"

#include "rewrite/eightbit.h"
#include "tests/lib/decode.h"

static const struct {
	const char *in, *out;
} rows[] = {
	{ "Subject: plain\r\n", "Subject: plain\r\n" },
	{ "Subject: Caf\xc3\xa9\r\n", "Subject: =?utf-8?q?Caf=C3=A9?=\r\n" },
	/* What needs nothing beside it stays. */
	{ "Subject: [list] Caf\xc3\xa9 is open\r\n",
	    "Subject: [list] =?utf-8?q?Caf=C3=A9?= is open\r\n" },
	{ "Subject: \xc3\xa4  \xc3\xb6 x\r\n",
	    "Subject: =?utf-8?q?=C3=A4__=C3=B6?= x\r\n" },
	/* ISO 8859-1, beside UTF-8 too */
	{ "Subject: Caf\xe9\r\n", "Subject: =?utf-8?q?Caf=C3=A9?=\r\n" },
	{ "Subject: Caf\xe9 Caf\xc3\xa9\r\n",
	    "Subject: =?utf-8?q?Caf=C3=A9_Caf=C3=A9?=\r\n" },
	/* A blank between encoded words is not shown. */
	{ "Subject: =?utf-8?q?a?= \xc3\xa4 =?utf-8?q?b?= c\r\n",
	    "Subject: =?utf-8?q?a?= =?utf-8?q?_?= =?utf-8?q?=C3=A4?= "
	    "=?utf-8?q?_?=\r\n =?utf-8?q?b?= c\r\n" },
	{ "From: J\xc3\xb6rg <joerg@example.org>\r\n",
	    "From: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>\r\n" },
	{ "To: \"J\xc3\xb6rg, M\" <j@example.org>, \"B, C\" <b@example.org>, "
	  "=?utf-8?q?x?= <c@example.org>\r\n",
	    "To: =?utf-8?q?J=C3=B6rg=2C_M?= <j@example.org>, \"B, C\" "
	    "<b@example.org>,\r\n =?utf-8?q?x?= <c@example.org>\r\n" },
	{ "To: =?utf-8?q?J=C3=B6?= M\xc3\xbcller <j@example.org>\r\n",
	    "To: =?utf-8?q?J=C3=B6?= =?utf-8?q?_?= =?utf-8?q?M=C3=BCller?= "
	    "<j@example.org>\r\n" },
	{ "Cc: x@b\xc3\xbc"
	  "cher.example\r\n",
	    "Cc: x@xn--bcher-kva.example\r\n" },
	/* A local part has no other form. */
	{ "To: j\xc3\xb6rg@b\xc3\xbc"
	  "cher.example\r\n",
	    "To: j\xc3\xb6rg@xn--bcher-kva.example\r\n" },
	{ "Content-Disposition: attachment; filename=\"\xc3\x9c"
	  "bung 1.pdf\"; size=1\r\n",
	    "Content-Disposition: attachment; "
	    "filename=\"=?utf-8?q?=C3=9Cbung_1=2Epdf?=\";\r\n size=1\r\n" },
	{ "Content-Type: text/plain; name=\xc3\x9c"
	  "bung\r\n",
	    "Content-Type: text/plain; name=\"=?utf-8?q?=C3=9Cbung?=\"\r\n" },
	/* A quote is part of the name, a blank too. */
	{ "Content-Disposition: attachment; "
	  "filename=\"\xc3\xa9\\\"\\\\;\xc3\xa9\" ; a=\"\\\"\"\r\n",
	    "Content-Disposition: attachment; "
	    "filename=\"=?utf-8?q?=C3=A9=22=5C=3B=C3=A9?=\";\r\n "
	    "a=\"\\\"\"\r\n" },
	{ "Content-Type: text/plain; name= \xc3\xa9 x.txt ; charset=utf-8;\r\n",
	    "Content-Type: text/plain; name=\"=?utf-8?q?=C3=A9_x=2Etxt?=\"; "
	    "charset=utf-8;\r\n" },
	{ "Content-Type: a/b; name=\xc3\xa9 =?x?q?=E9?= \"\\\"\r\n",
	    "Content-Type: a/b; name=\"=?utf-8?q?=C3=A9?= =?utf-8?q?_?= "
	    "=?x?q?=E9?= \\\"\"\r\n" },
	{ "Content-Type: a/b =?utf-8?q?x?= \xc3\xa9\r\n",
	    "Content-Type: a/b =?utf-8?q?x?= =?utf-8?q?_?= "
	    "=?utf-8?q?=C3=A9?=\r\n" },
	{ "Content-Type: text/plain \xc3\xa9; n\xc3\xa9=\"\xc3\xa9\r\n",
	    "Content-Type: text/plain =?utf-8?q?=C3=A9?=; "
	    "=?utf-8?q?n=C3=A9=3D=22=C3=A9?=\r\n" },
	/* A group of nobody has no mailbox that could keep the name. */
	{ "To: \"Verborgene Empf\xc3\xa4nger\":;\r\n",
	    "To: undisclosed-recipients:;\r\n" },
	/* Not understood as mailboxes: text. */
	{ "To: \xc3\xa4 \xc3\xb6 <\r\n",
	    "To: =?utf-8?q?=C3=A4_=C3=B6?= <\r\n" },
	{ "X-A: b\r\nSubject: \xc3\xa4\r\nX-C: d\r\n",
	    "X-A: b\r\nSubject: =?utf-8?q?=C3=A4?=\r\nX-C: d\r\n" },
};

static void
fields_are_written_in_ascii(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct header *h = header_new();
		struct buf out;

		buf_init(&out, HEADER_MAX);
		header_put(h, rows[i].in, strlen(rows[i].in));
		header_end(h);
		assert_true(eightbit_header(h, false));
		assert_true(header_write(h, &out));
		assert_string_equal(buf_str(&out), rows[i].out);
		assert_int_equal(
		    eightbit_has(h), !decode_is_clean(buf_bytes(&out), true));
		buf_clear(&out);
		header_free(h);
	}
}

static void
what_is_utf8_may_stay_if_the_server_takes_it(void **state)
{
	static const char in[] = "To: j\xc3\xb6rg@x.example\r\n"
				 "Subject: Caf\xc3\xa9\r\nX-Old: Caf\xe9\r\n";
	struct header *h = header_new();
	struct buf out;

	(void)state;
	buf_init(&out, HEADER_MAX);
	header_put(h, in, sizeof(in) - 1);
	header_end(h);
	assert_true(eightbit_must(h, true));
	assert_true(eightbit_header(h, true));
	assert_false(eightbit_must(h, true));
	assert_true(eightbit_has(h));
	assert_true(header_write(h, &out));
	assert_string_equal(buf_str(&out),
	    "To: j\xc3\xb6rg@x.example\r\nSubject: Caf\xc3\xa9\r\n"
	    "X-Old: =?utf-8?q?Caf=C3=A9?=\r\n");
	buf_clear(&out);
	header_free(h);
}

static void
a_long_text_loses_nothing(void **state)
{
	struct header *h = header_new();
	struct buf in, out;
	size_t chars = 0;

	(void)state;
	buf_init(&in, HEADER_MAX);
	buf_init(&out, HEADER_MAX);
	assert_true(buf_adds(&in, "Subject:"));
	for (int i = 0; i < 5000; i++)
		assert_true(buf_adds(&in, i % 5 ? "\xc3\xa4" : " \xc3\xa4"));
	assert_true(buf_adds(&in, "\r\n"));
	header_put(h, buf_str(&in), buf_len(&in));
	header_end(h);
	assert_true(eightbit_header(h, false));
	assert_true(header_write(h, &out));
	assert_true(decode_is_clean(buf_bytes(&out), true));
	assert_true(decode_longest(buf_bytes(&out)) <= 84);
	for (const char *at = buf_str(&out);
	     (at = strstr(at, "=C3=A4")) != NULL; at++)
		chars++;
	assert_int_equal(chars, 5000);
	chars = 0;
	for (const char *at = buf_str(&out); (at = strchr(at, '_')) != NULL;
	     at++)
		chars++;
	assert_int_equal(chars, 999);
	header_free(h);
	buf_clear(&in);
	buf_clear(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_written_in_ascii),
		cmocka_unit_test(what_is_utf8_may_stay_if_the_server_takes_it),
		cmocka_unit_test(a_long_text_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
