/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Message-ID looks public and is never of localhost. */
#include "tests/lib/check.h"

#include "mail/msgid.h"

static void
the_domain_is_the_first_that_looks_public(void **state)
{
	static const char *const rows[][3] = {
		{ "mx.example.org", "a@example.com", "mx.example.org" },
		{ "mx.example.org.", NULL, "mx.example.org" },
		{ "pve1", "a@example.com", "example.com" },
		{ "localhost", "a@example.com", "example.com" },
		{ "nas.local", "root@nas.lan", "nas.local.invalid" },
		{ "localhost", "root", "localhost.invalid" },
		{ "pve1", "", "pve1.invalid" },
		{ NULL, NULL, "relais.invalid" },
		{ "", "", "relais.invalid" },
		{ "a b>\r\nX..", "", "a-b---X.invalid" },
		{ "..", "", "invalid" },
		{ "x", "a@b\xc3\xbc.de", "x.invalid" },
		{ "x", "a@[192.0.2.1]", "x.invalid" },
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_init(&b, 400);
		assert_true(msgid_domain(&b, rows[i][0], rows[i][1]));
		assert_buf(&b, rows[i][2]);
		buf_clear(&b);
	}
}

static void
the_id_holds_the_moment_and_the_queue_id(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 400);
	assert_true(msgid_value(
	    &b, "aB>1", "h.example.org", "", INT64_C(1787313785000)));
	assert_buf(&b, "<20260821120305.aB-1@h.example.org>");
	buf_reset(&b);
	assert_true(
	    msgid_value(&b, "", "h.example.org", "", INT64_C(1787313785000)));
	assert_buf(&b, "<20260821120305@h.example.org>");
	buf_clear(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_domain_is_the_first_that_looks_public),
		cmocka_unit_test(the_id_holds_the_moment_and_the_queue_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
