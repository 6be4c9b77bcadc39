/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Domains in UTF-8 become A-labels; local parts never change (RFC 6531). */
#include "tests/lib/check.h"

#include "mail/idna.h"

static void
only_the_domain_of_an_address_is_translated(void **state)
{
	static const char *const rows[][2] = {
		{ "a@example.org", "a@example.org" },
		{ "a@b\xc3\xbc"
		  "cher.example",
		    "a@xn--bcher-kva.example" },
		{ "a@B\xc3\x9c"
		  "CHER.example",
		    "a@xn--bcher-kva.example" },
		{ "\xc3\xb6@\xc3\xb6.de", "\xc3\xb6@xn--nda.de" },
		{ "a@\xc3\xb6.de\xe3\x80\x82", "a@xn--nda.de" },
		{ "root", "root" },
		{ "a@[192.0.2.1]", "a@[192.0.2.1]" },
		{ "\"@\xc3\xb6\"@\xc3\xb6.de", "\"@\xc3\xb6\"@xn--nda.de" },
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_init(&b, 400);
		assert_true(idna_addr(&b, bytes_str(rows[i][0])));
		assert_buf(&b, rows[i][1]);
		buf_clear(&b);
	}
}

static void
what_is_no_domain_is_refused_whole(void **state)
{
	static const char *const rows[] = { "a@\xc3\xb6 x", "a@\xc3\xb6..de",
		"a@\xe2\x80\xae.de", "a@\xff", "a@b\xef\xbc\x9a.de",
		"a@b\xef\xbc\xa0.de" };
	struct buf b;

	(void)state;
	buf_init(&b, 400);
	assert_true(buf_adds(&b, "kept"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_false(idna_addr(&b, bytes_str(rows[i])));
		assert_buf(&b, "kept");
	}
	buf_clear(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_domain_of_an_address_is_translated),
		cmocka_unit_test(what_is_no_domain_is_refused_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
