/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows about replies: what is wrong in them is told by line, and words are
 * found where people mean them. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <string.h>

#include "mail/reply_table.h"

static void
a_bad_row_is_named_by_line(void **state)
{
	static const struct {
		const char *row, *why;
	} rows[] = {
		{ "x", "expected HOST STAGES CODES ENHANCED ACT" },
		{ "* message 550 *", "expected HOST STAGES CODES" },
		{ "nobody message 550 * fail", "neither a provider" },
		{ "*.example? message 550 * fail", "neither a provider" },
		{ "* nowhere 550 * fail", "\"nowhere\" is not connect" },
		{ "* message 250 * fail", "\"250\" is not a list of codes" },
		{ "* message 55 * fail", "\"55\" is not a list of codes" },
		{ "* message 550 * quota 1h x", "too many fields" },
		{ "* message 550 5.7 fail",
		    "\"5.7\" is not a list of enhanced codes" },
		{ "* message 550 * explode", "unknown action \"explode\"" },
		{ "* message 550 * quota", "how long to wait" },
		{ "* message 550 * quota soon", "is not a time" },
		{ "* message 550 * quota 2d", "is not a time from 1s to 1d" },
		{ "* message 550 * fail 1h", "only quota" },
		/* Nobody's mail fails over a login. */
		{ "* auth 550 * fail", "fail cannot be the answer" },
		{ "* auth,mail 550 * hold-message", "hold-message cannot" },
		{ "* message 550 * next-mechanism", "next-mechanism cannot" },
		{ "* mail 550 * split", "split cannot be the answer" },
		{ "\ttext x", "without a row above it" },
		{ "provider", "expected provider NAME HOST" },
		{ "provider X", "expected provider NAME HOST" },
		{ "provider A234567890123456789012345 x.y", "at most 24" },
		{ "* * 550 * pause\n\tor x",
		    "line 3: expected text or not after \"or\"" },
		{ "* * 550 * pause\n\ttext", "line 3: nothing follows" },
		{ "* * 550 * pause\n\ttext a || b", "nothing between two" },
		{ "* * 550 * pause\n\tword x", "\"word\" is not text, or" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reply_table *t = NULL;
		struct err err;
		char text[400];

		(void)snprintf(text, sizeof(text), "# one\n%s\n", rows[i].row);
		err_clear(&err);
		assert_int_equal(
		    reply_table_parse(bytes_str(text), NULL, &t, &err), -1);
		assert_null(t);
		if (strstr(err.text, rows[i].why) == NULL ||
		    strncmp(err.text, "line ", 5) != 0)
			fail_msg("%s: %s", rows[i].row, err.text);
	}
}

static void
a_sentence_is_never_too_long_to_be_shown_whole(void **state)
{
	struct reply_table *t = NULL;
	struct err err;
	char text[600], sentence[400];

	(void)state;
	memset(sentence, 'x', sizeof(sentence));
	sentence[241] = '\0';
	(void)snprintf(
	    text, sizeof(text), "* * 550 * pause\n\tremedy %s\n", sentence);
	assert_int_equal(
	    reply_table_parse(bytes_str(text), NULL, &t, &err), -1);
	assert_non_null(strstr(err.text, "line 2: a sentence has at most 240"));
}

/* Does a row with these words fit that reply? */
static bool
fits(const char *words, const char *reply)
{
	struct reply_table *t = NULL;
	struct diagnosis d;
	struct verdict v;
	struct err err;
	char text[400];
	bool found;

	(void)snprintf(text, sizeof(text), "* * * * pause\n%s\n", words);
	err_clear(&err);
	if (reply_table_parse(bytes_str(text), NULL, &t, &err) != 0)
		fail_msg("%s: %s", words, err.text);
	verdict_from_reply(
	    &v, STAGE_END, 550, bytes_of("", 0), bytes_str(reply));
	found = reply_table_find(t, &v, "mail.example.org", &d);
	reply_table_free(t);
	return found;
}

static void
words_are_found_where_people_mean_them(void **state)
{
	static const struct {
		const char *words, *reply;
		bool fits;
	} rows[] = {
		{ "\ttext rate", "Rate exceeded", true },
		{ "\ttext rate", "corporate policy", false },
		{ "\ttext send", "sending is off", true },
		{ "\ttext send as", "MapiExceptionSendAsDenied", true },
		{ "\ttext send as", "send-as denied", true },
		{ "\ttext too many | limit", "over the limit", true },
		{ "\ttext too many | limit", "too  many", true },
		{ "\ttext too many | limit", "too much", false },
		{ "\ttext too many\n\tor limit", "limit", true },
		{ "\ttext limit\n\ttext sending", "sending limit", true },
		{ "\ttext limit\n\ttext sending", "size limit", false },
		{ "\tnot size\n\ttext limit", "size limit", false },
		{ "\tnot size\n\tor line\n\ttext limit", "line limit", false },
		{ "\tnot size\n\tor line\n\ttext limit", "day's limit", true },
		/* What is quoted of us does not speak. */
		{ "\ttext quota", "<quota@a.example>: unknown", false },
		{ "\ttext quota", "no quota@a.example here", false },
		{ "\ttext quota", "<quota>: unknown", false },
		{ "\ttext quota", "see https://a.example/quota/x", false },
		{ "\ttext spamhaus", "https://www.spamhaus.org/query", true },
		{ "\ttext quota", "<a@b.example> is over quota", true },
		{ "\ttext quota", "1 < 2, quota", true },
		/* Accents and how they are written do not count. */
		{ "\ttext empfaenger", "Empf\xc3\xa4nger", true },
		{ "\ttext empfaenger", "EMPF\xc4NGER", true },
		{ "\ttext Empf\xc3\xa4nger", "Empfaenger", true },
		{ "\ttext envoi",
		    "l\xe2\x80\x99"
		    "envoi",
		    true },
		{ "\ttext \xd0\xbd\xd0\xb5\xd1\x82", "\xd0\xbd\xd0\xb5\xd1\x82",
		    true },
		{ "\ttext \xd0\xbd\xd0\xb5\xd1\x82", "\xd0\xb4\xd0\xb0\xd0\xb0",
		    false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (fits(rows[i].words, rows[i].reply) != rows[i].fits)
			fail_msg("%s: %s", rows[i].words, rows[i].reply);
}

static void
codes_and_hosts_are_patterns(void **state)
{
	static const char text[] =
	    "provider Corp *.corp.example mx.other.example\n"
	    "corp message 45x,550 x.7.1,5.2.2 fail\n"
	    "*.single.example auth * * hold-account\n"
	    "* mail,login 530 * hold-message\n";
	static const struct {
		const char *host;
		enum verdict_stage stage;
		int code;
		const char *enhanced;
		bool is_logged_in, fits;
	} rows[] = {
		{ "a.corp.example", STAGE_END, 550, "5.7.1", false, true },
		{ "MX.other.example", STAGE_END, 452, "4.7.1", false, true },
		{ "a.corp.example", STAGE_END, 551, "5.7.1", false, false },
		{ "a.corp.example", STAGE_END, 550, "5.7.10", false, false },
		{ "a.corp.example", STAGE_END, 550, "", false, false },
		{ "a.corp.example", STAGE_AUTH, 550, "5.7.1", false, false },
		{ "corp.example.org", STAGE_END, 550, "5.7.1", false, false },
		{ "", STAGE_END, 550, "5.7.1", false, false },
		{ "a.single.example", STAGE_AUTH, 500, "", false, true },
		{ "x.example", STAGE_MAIL, 530, "", true, true },
		{ "x.example", STAGE_MAIL, 530, "", false, false },
	};
	struct reply_table *t = NULL;
	struct err err;

	(void)state;
	assert_int_equal(reply_table_parse(bytes_str(text), NULL, &t, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct diagnosis d;
		struct verdict v;

		verdict_from_reply(&v, rows[i].stage, rows[i].code,
		    bytes_str(rows[i].enhanced), bytes_of("", 0));
		v.is_logged_in = rows[i].is_logged_in;
		if (reply_table_find(t, &v, rows[i].host, &d) != rows[i].fits)
			fail_msg("%s %d %s", rows[i].host, rows[i].code,
			    rows[i].enhanced);
	}
	reply_table_free(t);
}

static void
own_rows_come_before_the_shipped_ones(void **state)
{
	/* A provider of the shipped rows. */
	static const char text[] =
	    "Google data 550 * retry\n\ttext spam\n\tcause ours\n";
	struct reply_table *t = NULL;
	struct verdict v;
	struct err err;

	(void)state;
	err_clear(&err);
	if (reply_table_parse(bytes_str(text), diagnosis_shipped(), &t, &err) !=
	    0)
		fail_msg("%s", err.text);
	verdict_from_reply(
	    &v, STAGE_END, 550, bytes_of("", 0), bytes_str("spam"));
	assert_int_equal(diagnose(&v, "smtp.gmail.com").act, DIAGNOSIS_FAIL);
	diagnosis_use(t);
	assert_int_equal(diagnose(&v, "smtp.gmail.com").act, DIAGNOSIS_RETRY);
	assert_string_equal(diagnose(&v, "smtp.gmail.com").cause, "ours");
	assert_int_equal(diagnose(&v, "mail.example.org").act, DIAGNOSIS_FAIL);
	diagnosis_use(NULL);
	assert_int_equal(diagnose(&v, "smtp.gmail.com").act, DIAGNOSIS_FAIL);
	reply_table_free(t);
}

/* Any bytes give an answer. */
static void
no_text_is_too_odd(void **state)
{
	static const char *texts[] = { "", "\n\n\n", "#", " ", "\t\n", "?",
		"? * * * *", "provider  \t", "* * * * pause\n\ttext |",
		"* , * * pause", "* * , * pause", "* * * , pause", "\xff\xfe",
		"* * * * pause\n\tnot <\n\ttext @" };
	static const char *replies[] = { "", "<", "<<>", "@", " @ ", "://",
		"://a/", "a<b@c", "\xff\xff" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (size_t k = 0; k < ARRAY_LEN(replies); k++) {
			struct reply_table *t = NULL;
			struct diagnosis d;
			struct verdict v;
			struct err err;

			if (reply_table_parse(
				bytes_str(texts[i]), NULL, &t, &err) != 0)
				continue;
			verdict_from_reply(&v, STAGE_END, 550, bytes_of("", 0),
			    bytes_str(replies[k]));
			(void)reply_table_find(t, &v, "x", &d);
			reply_table_free(t);
		}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_row_is_named_by_line),
		cmocka_unit_test(
		    a_sentence_is_never_too_long_to_be_shown_whole),
		cmocka_unit_test(words_are_found_where_people_mean_them),
		cmocka_unit_test(codes_and_hosts_are_patterns),
		cmocka_unit_test(own_rows_come_before_the_shipped_ones),
		cmocka_unit_test(no_text_is_too_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
