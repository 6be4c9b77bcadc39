/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parameters of MAIL and RCPT, as offered and no others. */
#include "tests/lib/check.h"

#include "smtp/smtp_params.h"

enum {
	ALL = SMTP_OFFER_SIZE | SMTP_OFFER_8BITMIME | SMTP_OFFER_SMTPUTF8 |
	      SMTP_OFFER_DSN | SMTP_OFFER_AUTH | SMTP_OFFER_XRELAIS
};

static int
mail(const char *list, unsigned offered, struct smtp_mail_params *ret)
{
	const struct smtp_refusal *why = smtp_params_mail(
	    bytes_str(list), offered, ret);

	if (why == NULL)
		return 250;
	assert_string_equal(why->enhanced, "5.5.4");
	return why->code;
}

static int
rcpt(const char *list, struct smtp_rcpt_params *ret)
{
	const struct smtp_refusal *why = smtp_params_rcpt(
	    bytes_str(list), ALL, ret);

	return why == NULL ? 250 : why->code;
}

static void
mail_takes_what_the_rfcs_define(void **state)
{
	struct smtp_mail_params m;

	(void)state;
	assert_int_equal(mail("size=18446744073709551615 BODY=8bitmime "
			      "SMTPUTF8 RET=hdrs ENVID=a+2Bb AUTH=<>",
			     ALL, &m),
	    250);
	assert_true(m.mail.size_bytes == UINT64_MAX);
	assert_true(m.mail.is_8bit && m.mail.is_utf8);
	assert_int_equal(m.mail.ret, DSN_RET_HDRS);
	assert_string_equal(m.mail.envid, "a+2Bb");
	assert_int_equal(mail("BODY=7BIT RET=FULL AUTH=a+3D@b", ALL, &m), 250);
	assert_false(m.mail.is_8bit || m.mail.is_utf8);
	assert_int_equal(m.mail.ret, DSN_RET_FULL);
	assert_null(m.mail.envid);
	assert_int_equal(mail("", 0, &m), 250);
	assert_int_equal(m.mail.ret, DSN_RET_UNSET);
}

/* What sendmail's -od and -a become. */
static void
our_own_parameters_choose_mode_and_account(void **state)
{
	struct smtp_mail_params m;

	(void)state;
	assert_int_equal(mail("XMODE=queue XACCOUNT=work", ALL, &m), 250);
	assert_int_equal(m.mail.mode, SS_MODE_QUEUE);
	assert_string_equal(m.mail.account, "work");
	assert_int_equal(mail("xmode=SAFE", ALL, &m), 250);
	assert_int_equal(m.mail.mode, SS_MODE_SAFE);
	assert_null(m.mail.account);
}

/* R8, R28 */
static void
malformed_values_draw_501(void **state)
{
	static const char *const bad[] = { "SIZE", "SIZE=", "SIZE=-1",
		"SIZE=1x", "SIZE=18446744073709551616", "SIZE=1 SIZE=1",
		"BODY=9BIT", "BODY", "SMTPUTF8=1", "RET=BOTH", "RET",
		"ENVID=+0A", "ENVID=a=b", "ENVID", "AUTH=", "AUTH=+0D", "=1",
		"XMODE", "XMODE=fast", "XACCOUNT", "XACCOUNT=a+20b",
		"XACCOUNT=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaa" };
	struct smtp_mail_params m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(mail(bad[i], ALL, &m), 501);
}

static void
what_was_not_offered_draws_555(void **state)
{
	static const struct {
		const char *list;
		enum smtp_offer offer;
	} rows[] = { { "SIZE=1", SMTP_OFFER_SIZE },
		{ "BODY=8BITMIME", SMTP_OFFER_8BITMIME },
		{ "SMTPUTF8", SMTP_OFFER_SMTPUTF8 },
		{ "RET=FULL", SMTP_OFFER_DSN }, { "ENVID=x", SMTP_OFFER_DSN },
		{ "AUTH=<>", SMTP_OFFER_AUTH },
		{ "XMODE=safe", SMTP_OFFER_XRELAIS },
		{ "XACCOUNT=a", SMTP_OFFER_XRELAIS } };
	struct smtp_mail_params m;
	struct smtp_rcpt_params r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(mail(rows[i].list, rows[i].offer, &m), 250);
		assert_int_equal(
		    mail(rows[i].list, ALL & ~(unsigned)rows[i].offer, &m),
		    555);
	}
	assert_int_equal(mail("REQUIRETLS", ALL, &m), 555);
	assert_int_equal(mail("BY=120;R", ALL, &m), 555);
	assert_int_equal(rcpt("SIZE=1", &r), 555);
	assert_int_equal(mail("NOTIFY=NEVER", ALL, &m), 555);
}

static void
rcpt_takes_notify_and_orcpt(void **state)
{
	struct smtp_rcpt_params r;

	(void)state;
	assert_int_equal(
	    rcpt("NOTIFY=success,Delay,FAILURE ORCPT=rfc822;a+2B@b", &r), 250);
	assert_int_equal(r.rcpt.notify,
	    DSN_NOTIFY_SUCCESS | DSN_NOTIFY_DELAY | DSN_NOTIFY_FAILURE);
	assert_string_equal(r.rcpt.orcpt, "rfc822;a+2B@b");
	assert_int_equal(rcpt("NOTIFY=NEVER", &r), 250);
	assert_int_equal(r.rcpt.notify, DSN_NOTIFY_NEVER);
	assert_null(r.rcpt.orcpt);
	assert_int_equal(
	    rcpt("ORCPT=utf-8;+\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80@x", &r),
	    250);
	/* Kept in ASCII, for servers without SMTPUTF8 (RFC 6533 3). */
	assert_string_equal(
	    r.rcpt.orcpt, "utf-8;\\x{2B}\\x{E9}\\x{65E5}\\x{1F600}@x");
	assert_int_equal(rcpt("ORCPT=utf-8;\\x{E9}@x", &r), 250);
}

static void
malformed_dsn_wishes_draw_501(void **state)
{
	static const char *const bad[] = { "NOTIFY",
		"NOTIFY=", "NOTIFY=NEVER,DELAY", "NOTIFY=,", "NOTIFY=DELAY,",
		"NOTIFY=,DELAY", "NOTIFY=SOMETIMES", "ORCPT", "ORCPT=a@b",
		"ORCPT=;a@b", "ORCPT=rfc822;", "ORCPT=rfc822;a+0Ab",
		"ORCPT=rfc822;\xc3\xa9", "ORCPT=utf-8;\xe9",
		"ORCPT=rfc822;a=b" };
	struct smtp_rcpt_params r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(rcpt(bad[i], &r), 501);
}

static void
lengths_are_bounded_exactly(void **state)
{
	char list[SMTP_ORCPT_MAX + 32];
	struct smtp_mail_params m;
	struct smtp_rcpt_params r;

	(void)state;
	memset(list, 'a', sizeof(list));
	memcpy(list, "ENVID=", 6);
	list[6 + SMTP_ENVID_MAX] = '\0';
	assert_int_equal(mail(list, ALL, &m), 250);
	assert_int_equal(strlen(m.mail.envid), SMTP_ENVID_MAX);
	list[6 + SMTP_ENVID_MAX] = 'a';
	list[6 + SMTP_ENVID_MAX + 1] = '\0';
	assert_int_equal(mail(list, ALL, &m), 501);

	memset(list, 'a', sizeof(list));
	memcpy(list, "ORCPT=x;", 8);
	list[6 + SMTP_ORCPT_MAX] = '\0';
	assert_int_equal(rcpt(list, &r), 250);
	list[6 + SMTP_ORCPT_MAX] = 'a';
	list[6 + SMTP_ORCPT_MAX + 1] = '\0';
	assert_int_equal(rcpt(list, &r), 501);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_takes_what_the_rfcs_define),
		cmocka_unit_test(our_own_parameters_choose_mode_and_account),
		cmocka_unit_test(malformed_values_draw_501),
		cmocka_unit_test(what_was_not_offered_draws_555),
		cmocka_unit_test(rcpt_takes_notify_and_orcpt),
		cmocka_unit_test(malformed_dsn_wishes_draw_501),
		cmocka_unit_test(lengths_are_bounded_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
