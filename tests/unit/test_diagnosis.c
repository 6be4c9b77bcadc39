/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The replies of PROVIDERS section E mean what that list says, and the general
 * rules of DESIGN section 6 hold for all others (R56, R60). */
#include "tests/lib/check.h"

#include "mail/diagnosis.h"

static const struct {
	const char *host;
	enum verdict_stage stage;
	int code;
	const char *enhanced, *text;
	enum diagnosis_act act;
} rows[] = {
	{ "smtp.gmail.com", STAGE_END, 550, "5.4.5",
	    "Daily user sending limit exceeded.", DIAGNOSIS_QUOTA },
	{ "smtp.gmail.com", STAGE_MAIL, 421, "4.3.0", "Try again",
	    DIAGNOSIS_PAUSE },
	{ "smtp.gmail.com", STAGE_AUTH, 454, "4.7.0", "Too many login attempts",
	    DIAGNOSIS_PAUSE },
	{ "smtp.gmail.com", STAGE_AUTH, 535, "5.7.8", "BadCredentials",
	    DIAGNOSIS_HOLD_ACCOUNT },
	{ "smtp.gmail.com", STAGE_AUTH, 534, "5.7.9",
	    "Application-specific password required", DIAGNOSIS_HOLD_ACCOUNT },
	{ "smtp.office365.com", STAGE_MAIL, 432, "4.3.2",
	    "Concurrent connections limit exceeded", DIAGNOSIS_PAUSE },
	{ "smtp.office365.com", STAGE_END, 554, "5.2.0",
	    "STOREDRV.Submission.Exception:SubmissionQuotaExceeded",
	    DIAGNOSIS_QUOTA },
	{ "smtp.office365.com", STAGE_END, 550, "5.7.60",
	    "Client does not have permissions to send as this sender",
	    DIAGNOSIS_HOLD_MESSAGE },
	{ "smtp.office365.com", STAGE_AUTH, 535, "5.7.139",
	    "Authentication unsuccessful, SmtpClientAuthentication is disabled",
	    DIAGNOSIS_HOLD_ACCOUNT },
	{ "smtp.office365.com", STAGE_AUTH, 550, "5.7.30",
	    "Basic authentication is not supported", DIAGNOSIS_HOLD_ACCOUNT },
	{ "smtp.mail.me.com", STAGE_RCPT, 550, "5.7.1",
	    "Mailbox sending limit exceeded for today", DIAGNOSIS_QUOTA },
	{ "smtp.ionos.de", STAGE_RCPT, 450, "",
	    "Requested mail action not taken: mailbox unavailable. Mail send "
	    "limit exceeded.",
	    DIAGNOSIS_QUOTA },
	{ "email-smtp.eu-west-1.amazonaws.com", STAGE_END, 454, "",
	    "Throttling failure: Maximum sending rate exceeded.",
	    DIAGNOSIS_QUOTA },
	{ "email-smtp.eu-west-1.amazonaws.com", STAGE_END, 554, "",
	    "Message rejected: Email address is not verified.",
	    DIAGNOSIS_HOLD_MESSAGE },
	{ "smtp.office365.com", STAGE_END, 554, "5.2.0",
	    "STOREDRV.Submission.Exception:SendAsDeniedException."
	    "MapiExceptionSendAsDenied",
	    DIAGNOSIS_HOLD_MESSAGE },
	/* The sender is not fit: a setting is wrong, not the message. */
	{ "smtp.gmail.com", STAGE_MAIL, 553, "5.1.7",
	    "The sender address <root> is not a valid RFC-5321 address.",
	    DIAGNOSIS_HOLD_MESSAGE },
	{ "smtp.gmail.com", STAGE_RCPT, 553, "5.1.3",
	    "The recipient address <root> is not a valid RFC-5321 address.",
	    DIAGNOSIS_FAIL },
	{ "smtp.yandex.com", STAGE_MAIL, 501, "5.1.7",
	    "Bad address mailbox syntax.", DIAGNOSIS_HOLD_MESSAGE },
	{ "email-smtp.eu-west-1.amazonaws.com", STAGE_MAIL, 501, "",
	    "Invalid MAIL FROM address provided", DIAGNOSIS_HOLD_MESSAGE },
	{ "mail.gmx.net", STAGE_MAIL, 550, "",
	    "Requested action not taken: mailbox unavailable Sender address is "
	    "not allowed.",
	    DIAGNOSIS_HOLD_MESSAGE },
	{ "smtp.fastmail.com", STAGE_END, 551, "5.7.1",
	    "Not authorised to send from this header address",
	    DIAGNOSIS_HOLD_MESSAGE },
	{ "mail.example.org", STAGE_RCPT, 504, "5.5.2",
	    "<pve1>: Helo command rejected: need fully-qualified hostname",
	    DIAGNOSIS_HOLD_MESSAGE },
	{ "smtp.yandex.com", STAGE_MAIL, 553, "5.7.1",
	    "Sender address rejected: not owned by auth user.",
	    DIAGNOSIS_HOLD_MESSAGE },
	{ "smtp.zoho.eu", STAGE_END, 553, "", "Relaying disallowed as x@y",
	    DIAGNOSIS_HOLD_MESSAGE },
	{ "mail.example.org", STAGE_MAIL, 553, "5.7.1",
	    "<a@b>: Sender address rejected: not owned by user me",
	    DIAGNOSIS_HOLD_MESSAGE },
	{ "mail.example.org", STAGE_EHLO, 504, "5.5.2",
	    "<localhost>: Helo command rejected: need fully-qualified hostname",
	    DIAGNOSIS_HOLD_MESSAGE },
	{ "mail.example.org", STAGE_MAIL, 530, "5.7.0",
	    "Authentication required", DIAGNOSIS_HOLD_ACCOUNT },

	{ "mail.example.org", STAGE_RCPT, 550, "5.1.1", "User unknown",
	    DIAGNOSIS_FAIL },
	{ "mail.example.org", STAGE_RCPT, 450, "4.2.0", "Greylisted",
	    DIAGNOSIS_RETRY },
	{ "mail.example.org", STAGE_RCPT, 552, "5.5.3", "Too many recipients",
	    DIAGNOSIS_SPLIT },
	{ "mail.example.org", STAGE_RCPT, 452, "4.5.3",
	    "Recipient limit exceeded", DIAGNOSIS_SPLIT },
	{ "mail.example.org", STAGE_RCPT, 452, "", "Too many recipients",
	    DIAGNOSIS_SPLIT },
	{ "mail.example.org", STAGE_RCPT, 452, "4.2.2", "Mailbox full",
	    DIAGNOSIS_RETRY },
	{ "smtp.gmail.com", STAGE_RCPT, 451, "4.3.0",
	    "Multiple destination domains per transaction is unsupported.",
	    DIAGNOSIS_SPLIT_DOMAINS },
	{ "mail.example.org", STAGE_DATA, 451, "4.3.0",
	    "multiple destination domains per transaction",
	    DIAGNOSIS_SPLIT_DOMAINS },
	{ "mail.example.org", STAGE_END, 554, "5.7.1", "Spam", DIAGNOSIS_FAIL },
	{ "mail.example.org", STAGE_END, 451, "4.3.0", "Try later",
	    DIAGNOSIS_RETRY },
	{ "mail.example.org", STAGE_GREETING, 554, "", "No service",
	    DIAGNOSIS_PAUSE },
	{ "mail.example.org", STAGE_AUTH, 535, "5.7.8", "no",
	    DIAGNOSIS_HOLD_ACCOUNT },
	{ "mail.example.org", STAGE_AUTH, 454, "4.7.0", "backend away",
	    DIAGNOSIS_PAUSE },
	{ "mail.example.org", STAGE_DATA, 421, "4.3.2", "shutting down",
	    DIAGNOSIS_PAUSE },
};

static void
replies_mean_what_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct verdict v;
		struct diagnosis d;

		verdict_from_reply(&v, rows[i].stage, rows[i].code,
		    bytes_of(rows[i].enhanced, strlen(rows[i].enhanced)),
		    bytes_of(rows[i].text, strlen(rows[i].text)));
		d = diagnose(&v, rows[i].host);
		if (d.act != rows[i].act)
			fail_msg("%s %d %s %s: %s, expected %s", rows[i].host,
			    rows[i].code, rows[i].enhanced, rows[i].text,
			    diagnosis_act_name(d.act),
			    diagnosis_act_name(rows[i].act));
	}
}

static void
no_login_trouble_ever_fails_a_message(void **state)
{
	(void)state;
	for (int code = 400; code < 600; code++) {
		struct verdict v;
		struct diagnosis d;

		verdict_from_reply(
		    &v, STAGE_AUTH, code, bytes_of("", 0), bytes_of("no", 2));
		d = diagnose(&v, "mail.example.org");
		assert_true(d.act == DIAGNOSIS_PAUSE ||
			    d.act == DIAGNOSIS_HOLD_ACCOUNT);
	}
}

static void
every_closed_window_says_when_it_reopens(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct verdict v;
		struct diagnosis d;

		verdict_from_reply(&v, rows[i].stage, rows[i].code,
		    bytes_of(rows[i].enhanced, strlen(rows[i].enhanced)),
		    bytes_of(rows[i].text, strlen(rows[i].text)));
		d = diagnose(&v, rows[i].host);
		assert_int_equal(d.act == DIAGNOSIS_QUOTA, d.pause_ms > 0);
	}
}

static void
a_pasted_reply_is_understood(void **state)
{
	static const struct {
		const char *text, *word;
		enum diagnosis_act act;
	} pasted[] = {
		{ "535 5.7.139 Authentication unsuccessful", "SMTP AUTH",
		    DIAGNOSIS_HOLD_ACCOUNT },
		{ "535-5.7.8 Username and Password not accepted", "",
		    DIAGNOSIS_HOLD_ACCOUNT },
		{ "5.7.60 SendAsDenied", "Send", DIAGNOSIS_HOLD_MESSAGE },
		{ "550 5.1.1 <x@y>: Recipient address rejected: User unknown",
		    "recipient", DIAGNOSIS_FAIL },
		{ "  550 5.4.5 Daily user sending limit exceeded ", "limit",
		    DIAGNOSIS_QUOTA },
		{ "450 mail send limit exceeded", "limit", DIAGNOSIS_QUOTA },
		{ "452 4.5.3 too many recipients", "too many recipients",
		    DIAGNOSIS_SPLIT },
		{ "smtp.gmail.com[192.0.2.1] said: 535-5.7.8 Username and "
		  "Password not accepted\n535 5.7.8 see support.google.com",
		    "user name or password", DIAGNOSIS_HOLD_ACCOUNT },
		{ "450\tmail send limit exceeded", "limit", DIAGNOSIS_QUOTA },
		{ "your daily limit of 500 messages is used up", "limit",
		    DIAGNOSIS_QUOTA },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pasted); i++) {
		struct verdict v;
		struct diagnosis d;

		(void)diagnosis_read(
		    bytes_of(pasted[i].text, strlen(pasted[i].text)), &v);
		d = diagnose(&v, "");
		assert_int_equal(d.act, pasted[i].act);
		assert_non_null(strstr(d.cause, pasted[i].word));
	}
}

/* What everybody says is not taken for one provider's. */
static void
a_pasted_reply_of_nobody_in_particular_has_no_cause(void **state)
{
	static const struct {
		const char *text;
		bool has_codes;
	} pasted[] = {
		{ "550 5.7.1 no", true },
		{ "451 too many things", true },
		{ "", false },
		{ "gibberish", false },
		{ "we had 550 visitors", false },
		{ "5.7.", false },
		{ "-", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pasted); i++) {
		struct verdict v;

		assert_int_equal(
		    diagnosis_read(
			bytes_of(pasted[i].text, strlen(pasted[i].text)), &v),
		    pasted[i].has_codes);
		assert_string_equal(diagnose(&v, "").cause, "");
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_mean_what_the_table_says),
		cmocka_unit_test(no_login_trouble_ever_fails_a_message),
		cmocka_unit_test(every_closed_window_says_when_it_reopens),
		cmocka_unit_test(a_pasted_reply_is_understood),
		cmocka_unit_test(
		    a_pasted_reply_of_nobody_in_particular_has_no_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
