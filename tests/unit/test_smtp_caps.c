/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include <stdio.h>

#include "smtp/smtp_caps.h"

static void
parse(struct smtp_caps *caps, const char *text)
{
	smtp_caps_parse(caps, bytes_str(text));
}

static void
everything_that_is_offered_is_known(void **state)
{
	struct smtp_caps c;

	(void)state;
	parse(&c, "mx.example at your service\nPIPELINING\nCHUNKING\n"
		  "SIZE 35882577\n8BITMIME\nSMTPUTF8\nDSN\nSTARTTLS\n"
		  "AUTH LOGIN PLAIN XOAUTH2\nENHANCEDSTATUSCODES\n"
		  "BINARYMIME\nLIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=1");
	assert_true(c.has_pipelining && c.has_chunking && c.has_8bitmime &&
		    c.has_smtputf8 && c.has_dsn && c.has_starttls &&
		    c.has_auth && c.has_size);
	assert_int_equal(c.size_max_bytes, 35882577);
	assert_string_equal(c.auth, "LOGIN PLAIN XOAUTH2");
	assert_int_equal(c.rcpt_max, 20);
	assert_int_equal(c.rcpt_domain_max, 1);
	assert_int_equal(c.mail_max, 5);
}

static void
case_and_blanks_do_not_matter(void **state)
{
	struct smtp_caps c;

	(void)state;
	parse(&c, "mx\npipelining\n  Size  100000 \nauth\tplain   login ");
	assert_true(c.has_pipelining);
	assert_int_equal(c.size_max_bytes, 100000);
	assert_string_equal(c.auth, "PLAIN LOGIN");
}

static void
the_first_line_is_a_name_and_offers_nothing(void **state)
{
	struct smtp_caps c;

	(void)state;
	parse(&c, "STARTTLS");
	assert_false(c.has_starttls);
	parse(&c, "");
	assert_false(c.has_auth);
}

static void
the_old_form_of_auth_is_understood_beside_the_new(void **state)
{
	struct smtp_caps c;

	(void)state;
	parse(&c, "mx\nAUTH=LOGIN PLAIN");
	assert_string_equal(c.auth, "LOGIN PLAIN");
	parse(&c, "mx\nAUTH LOGIN CRAM-MD5\nAUTH=login PLAIN");
	assert_string_equal(c.auth, "LOGIN CRAM-MD5 PLAIN");
}

static void
commas_between_mechanisms_are_blanks(void **state)
{
	struct smtp_caps c;

	(void)state;
	parse(&c, "mx\nAUTH  PLAIN,LOGIN, CRAM-MD5");
	assert_string_equal(c.auth, "PLAIN LOGIN CRAM-MD5");
}

static void
malformed_values_are_passed_over(void **state)
{
	struct smtp_caps c;

	(void)state;
	parse(&c, "mx\nSIZE 99999999999999999999999\nSIZE -1\nSIZE\n"
		  "LIMITS RCPTMAX=0 RCPTMAX= MAILMAX=12345678 MAILMAX=x "
		  "RCPTMAX=-3\nAUTH PL@IN \xff\xff LOGIN\nX\n\n \nPIPELINING2");
	assert_true(c.has_size);
	assert_int_equal(c.size_max_bytes, 0);
	assert_int_equal(c.rcpt_max, 0);
	assert_int_equal(c.mail_max, 0);
	assert_string_equal(c.auth, "LOGIN");
	assert_false(c.has_pipelining);
}

/* Whoever believed them could send nothing. */
static void
limits_that_cannot_be_meant_are_ignored_and_named(void **state)
{
	static const struct {
		const char *line, *absurd;
		uint64_t size, rcpts, mails;
	} rows[] = {
		{ "SIZE 1", "SIZE 1", 0, 0, 0 },
		{ "SIZE 65535", "SIZE 65535", 0, 0, 0 },
		{ "SIZE 65536", "", 65536, 0, 0 },
		{ "SIZE 0", "", 0, 0, 0 },
		{ "SIZE", "", 0, 0, 0 },
		{ "LIMITS RCPTMAX=0 MAILMAX=3", "LIMITS RCPTMAX=0", 0, 0, 3 },
		{ "LIMITS MAILMAX=0", "LIMITS MAILMAX=0", 0, 0, 0 },
		{ "LIMITS RCPTDOMAINMAX=-1 RCPTMAX=1",
		    "LIMITS RCPTDOMAINMAX=-1", 0, 1, 0 },
		{ "LIMITS RCPTMAX=99999999999999999999999999999999",
		    "LIMITS RCPTMAX=9999999999999999999999", 0, 0, 0 },
		{ "LIMITS OTHER=0", "", 0, 0, 0 },
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct smtp_caps c;

		(void)snprintf(text, sizeof(text), "mx\n%s", rows[i].line);
		parse(&c, text);
		assert_string_equal(c.absurd, rows[i].absurd);
		assert_int_equal(c.size_max_bytes, rows[i].size);
		assert_int_equal(c.rcpt_max, rows[i].rcpts);
		assert_int_equal(c.mail_max, rows[i].mails);
		assert_int_equal(c.rcpt_domain_max, 0);
	}
}

static void
what_is_not_to_be_trusted_is_not_offered(void **state)
{
	static const char all[] = "mx\nPIPELINING\nCHUNKING\nBINARYMIME\n"
				  "8BITMIME\nSMTPUTF8\nDSN\nSIZE 100000";
	struct smtp_caps c;

	(void)state;
	parse(&c, all);
	smtp_caps_distrust(&c, SMTP_DISTRUST_CHUNKING);
	assert_false(c.has_chunking);
	assert_true(c.has_8bitmime && c.has_dsn && c.has_size &&
		    c.has_smtputf8 && c.has_pipelining);
	parse(&c, all);
	smtp_caps_distrust(&c, SMTP_DISTRUST_PARAMS);
	assert_false(c.has_8bitmime || c.has_dsn || c.has_size);
	assert_true(c.has_chunking && c.has_smtputf8 && c.has_pipelining);
}

static void
a_long_list_of_mechanisms_is_cut_between_names(void **state)
{
	struct smtp_caps c;
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	assert_true(buf_adds(&b, "mx\nAUTH"));
	for (int i = 0; i < 1000; i++)
		assert_true(buf_addf(&b, " MECH-%04d", i));
	smtp_caps_parse(&c, buf_bytes(&b));
	assert_true(strlen(c.auth) < sizeof(c.auth));
	assert_int_equal((strlen(c.auth) + 1) % strlen("MECH-0000 "), 0);
	assert_true(smtp_caps_has_word(c.auth, "mech-0007"));
	assert_false(smtp_caps_has_word(c.auth, "MECH-000"));
	buf_clear(&b);
}

/* R5: nothing is left of what an earlier EHLO said. */
static void
each_reply_replaces_the_one_before(void **state)
{
	struct smtp_caps c;

	(void)state;
	parse(&c, "mx\nAUTH PLAIN\nSIZE 500000\nSTARTTLS\nLIMITS MAILMAX=1");
	parse(&c, "mx\nDSN");
	assert_true(c.has_dsn);
	assert_false(c.has_auth || c.has_size || c.has_starttls);
	assert_string_equal(c.auth, "");
	assert_int_equal(c.size_max_bytes, 0);
	assert_int_equal(c.mail_max, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_that_is_offered_is_known),
		cmocka_unit_test(case_and_blanks_do_not_matter),
		cmocka_unit_test(the_first_line_is_a_name_and_offers_nothing),
		cmocka_unit_test(
		    the_old_form_of_auth_is_understood_beside_the_new),
		cmocka_unit_test(commas_between_mechanisms_are_blanks),
		cmocka_unit_test(malformed_values_are_passed_over),
		cmocka_unit_test(
		    limits_that_cannot_be_meant_are_ignored_and_named),
		cmocka_unit_test(what_is_not_to_be_trusted_is_not_offered),
		cmocka_unit_test(
		    a_long_list_of_mechanisms_is_cut_between_names),
		cmocka_unit_test(each_reply_replaces_the_one_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
