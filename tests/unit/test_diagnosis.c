/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The replies of PROVIDERS section E mean what that list says, and the general
 * rules of DESIGN section 6 hold for all others (R56, R60). */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "mail/diagnosis.h"
#include "mail/reply_table.h"

/* A file of the source tree, as a string. */
static char *
read_file(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[1000], piece[4096];
	struct buf text;
	size_t n;
	FILE *f;

	(void)snprintf(
	    path, sizeof(path), "%s/%s", srcdir != NULL ? srcdir : ".", name);
	f = fopen(path, "r");
	if (f == NULL)
		fail_msg("%s cannot be read", path);
	buf_init(&text, 1024 * 1024);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		assert_true(buf_add(&text, piece, n));
	assert_int_equal(fclose(f), 0);
	return buf_steal(&text);
}

/* --- tests/unit/replies.tsv ---------------------------------------------- */

struct row {
	char host[64];
	enum verdict_stage stage;
	bool is_logged_in;
	struct bytes reply, act;
};

/* "host<TAB>stage<TAB>reply<TAB>act". */
static void
parse(struct bytes line, struct row *ret)
{
	struct bytes host = bytes_cut(&line, '\t');
	struct bytes stage = bytes_cut(&line, '\t');
	struct bytes name = bytes_cut(&stage, '+');

	assert_true(str_copy(ret->host, sizeof(ret->host),
	    bytes_eq(host, "-") ? bytes_of("mail.example.org", 16) : host));
	if (!verdict_stage_from(name, &ret->stage))
		fail_msg("no stage: %.*s", (int)name.n, name.p);
	ret->is_logged_in = bytes_eq(stage, "login");
	ret->reply = bytes_cut(&line, '\t');
	ret->act = line;
	assert_true(ret->reply.n > 4 && ret->act.n > 0);
}

/* As the engine makes it of the bytes. */
static void
heard(const struct row *row, struct verdict *v)
{
	int code = (row->reply.p[0] - '0') * 100 +
		   (row->reply.p[1] - '0') * 10 + row->reply.p[2] - '0';
	struct bytes text = bytes_of(row->reply.p + 4, row->reply.n - 4);
	struct bytes rest = text, first = bytes_cut(&rest, ' ');
	size_t dots = 0;

	for (size_t i = 0; i < first.n; i++)
		dots = first.p[i] == '.'                        ? dots + 1
		       : first.p[i] >= '0' && first.p[i] <= '9' ? dots
								: 99;
	verdict_from_reply(v, row->stage, code,
	    dots == 2 ? first : bytes_of("", 0), dots == 2 ? rest : text);
	v->is_logged_in = row->is_logged_in;
}

/* Calls for each row. */
static size_t
each_row(void (*call)(const struct row *row, const struct verdict *v))
{
	char *file = read_file("tests/unit/replies.tsv");
	struct bytes text = bytes_str(file);
	size_t n = 0;

	while (text.n > 0) {
		struct bytes line = bytes_cut(&text, '\n');
		struct row row;
		struct verdict v;

		if (line.n == 0 || line.p[0] == '#')
			continue;
		parse(line, &row);
		heard(&row, &v);
		call(&row, &v);
		n++;
	}
	free(file);
	return n;
}

static size_t wrong;

static void
check_row(const struct row *row, const struct verdict *v)
{
	struct diagnosis d = diagnose(v, row->host);

	if (bytes_eq(row->act, diagnosis_act_name(d.act)))
		return;
	wrong++;
	print_error("%s %s %.*s: %s, expected %.*s\n", row->host,
	    verdict_stage_name(v->stage), (int)row->reply.n, row->reply.p,
	    diagnosis_act_name(d.act), (int)row->act.n, row->act.p);
}

static void
replies_mean_what_the_table_says(void **state)
{
	(void)state;
	assert_true(each_row(check_row) >= 150);
	assert_int_equal(wrong, 0);
}

static bool
names_provider(const char *text)
{
	static const char *names[] = { "Google", "Gmail", "Microsoft", "Zoho",
		"Yandex", "IONOS", "Amazon", "SES", "iCloud", "SendGrid",
		"Mailgun", "Postmark", "Brevo", "SparkPost", "mailbox.org",
		"Orange", "Defender", "admin centre" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strstr(text, names[i]) != NULL)
			return true;
	return false;
}

static void
check_names(const struct row *row, const struct verdict *v)
{
	struct diagnosis other = diagnose(v, "mail.corp.example");
	struct diagnosis guess = diagnose(v, "");

	if (names_provider(other.cause) || names_provider(other.remedy))
		fail_msg("%.*s: %s; %s", (int)row->reply.n, row->reply.p,
		    other.cause, other.remedy);
	if ((names_provider(guess.cause) || names_provider(guess.remedy)) &&
	    strncmp(guess.cause, "if the provider is ", 19) != 0)
		fail_msg("%.*s: %s; %s", (int)row->reply.n, row->reply.p,
		    guess.cause, guess.remedy);
}

static void
a_provider_is_named_only_if_the_server_is_its_own(void **state)
{
	(void)state;
	assert_true(each_row(check_names) > 0);
}

/* However long the reply is, what a person has to do stands there whole. */
static void
check_reason(const struct row *row, const struct verdict *v)
{
	struct verdict loud = *v;
	struct diagnosis d = diagnose(v, row->host);
	struct buf b;

	memset(loud.text, 'x', sizeof(loud.text) - 1);
	loud.text[sizeof(loud.text) - 1] = '\0';
	memset(loud.who, 'h', sizeof(loud.who) - 1);
	loud.who[sizeof(loud.who) - 1] = '\0';
	buf_init(&b, DIAGNOSIS_REASON_MAX);
	diagnosis_reason(&loud, &d, &b);
	assert_non_null(strstr(buf_str(&b), "xxx..."));
	assert_non_null(strstr(buf_str(&b), d.cause));
	if (d.remedy[0] != '\0')
		assert_string_equal(
		    buf_str(&b) + buf_len(&b) - strlen(d.remedy), d.remedy);
	buf_clear(&b);
}

static void
a_reason_holds_the_whole_remedy(void **state)
{
	struct verdict v;
	struct diagnosis d = { 0 };
	struct buf b;

	(void)state;
	assert_true(each_row(check_reason) > 0);
	/* The longest there may be. */
	verdict_from_reply(
	    &v, STAGE_END, 550, bytes_of("5.123.456", 9), bytes_of("", 0));
	memset(v.text, 'x', sizeof(v.text) - 1);
	memset(v.who, 'h', sizeof(v.who) - 1);
	memset(d.cause, 'c', sizeof(d.cause) - 1);
	memset(d.remedy, 'r', sizeof(d.remedy) - 1);
	v.is_uncertain = true;
	buf_init(&b, DIAGNOSIS_REASON_MAX);
	diagnosis_reason(&v, &d, &b);
	assert_non_null(strstr(buf_str(&b), d.remedy));
	buf_clear(&b);
}

/* Whoever reads the cause should know what to do, and no row is without. */
static void
check_advice(const struct row *row, const struct verdict *v)
{
	struct diagnosis d = diagnose(v, row->host);

	if (d.act == DIAGNOSIS_HOLD_ACCOUNT ||
	    d.act == DIAGNOSIS_HOLD_MESSAGE || d.act == DIAGNOSIS_QUOTA)
		assert_true(d.cause[0] != '\0' && d.remedy[0] != '\0');
	if (d.act == DIAGNOSIS_HOLD_MESSAGE &&
	    strstr(d.remedy, "relais release ID") == NULL)
		fail_msg("%.*s: %s", (int)row->reply.n, row->reply.p, d.remedy);
}

static void
who_must_act_is_told_what_to_do(void **state)
{
	(void)state;
	assert_true(each_row(check_advice) > 0);
}

static void
an_answer_that_no_row_knows_means_what_its_stage_and_class_say(void **state)
{
	static const struct {
		enum verdict_stage stage;
		int code; /* 0: there was none */
		enum diagnosis_act act;
	} rows[] = {
		{ STAGE_CONNECT, 0, DIAGNOSIS_PAUSE },
		{ STAGE_GREETING, 554, DIAGNOSIS_PAUSE },
		{ STAGE_EHLO, 421, DIAGNOSIS_PAUSE },
		{ STAGE_AUTH, 0, DIAGNOSIS_PAUSE },
		{ STAGE_AUTH, 454, DIAGNOSIS_PAUSE },
		{ STAGE_AUTH, 504, DIAGNOSIS_NEXT_MECHANISM },
		{ STAGE_AUTH, 535, DIAGNOSIS_HOLD_ACCOUNT },
		{ STAGE_MAIL, 0, DIAGNOSIS_RETRY },
		{ STAGE_MAIL, 421, DIAGNOSIS_PAUSE },
		{ STAGE_MAIL, 451, DIAGNOSIS_RETRY },
		{ STAGE_MAIL, 503, DIAGNOSIS_RECONNECT },
		{ STAGE_MAIL, 550, DIAGNOSIS_HOLD_MESSAGE },
		{ STAGE_RCPT, 450, DIAGNOSIS_RETRY },
		{ STAGE_RCPT, 550, DIAGNOSIS_FAIL },
		{ STAGE_RCPT, 552, DIAGNOSIS_SPLIT },
		{ STAGE_END, 0, DIAGNOSIS_RETRY },
		{ STAGE_END, 421, DIAGNOSIS_PAUSE },
		{ STAGE_END, 451, DIAGNOSIS_RETRY },
		{ STAGE_END, 554, DIAGNOSIS_FAIL },
	};
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].code == 0)
			verdict_local(&v, VERDICT_LATER, rows[i].stage, 0, NULL,
			    "connection lost");
		else
			verdict_from_reply(&v, rows[i].stage, rows[i].code,
			    bytes_of("", 0), bytes_of("no", 2));
		if (diagnose(&v, "mail.example.org").act != rows[i].act)
			fail_msg("row %zu", i);
	}
	v.is_uncertain = true;
	assert_non_null(
	    strstr(diagnose(&v, "mail.example.org").remedy, "arrive twice"));
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
			    d.act == DIAGNOSIS_HOLD_ACCOUNT ||
			    d.act == DIAGNOSIS_NEXT_MECHANISM);
	}
}

static void
check_window(const struct row *row, const struct verdict *v)
{
	struct diagnosis d = diagnose(v, row->host);

	assert_int_equal(d.act == DIAGNOSIS_QUOTA, d.pause_ms > 0);
}

static void
every_closed_window_says_when_it_reopens(void **state)
{
	(void)state;
	assert_true(each_row(check_window) > 0);
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
		    "Gmail requires an app password", DIAGNOSIS_HOLD_ACCOUNT },
		{ "450\tmail send limit exceeded", "limit", DIAGNOSIS_QUOTA },
		{ "smtp.mailgun.org[192.0.2.1]:587 said: 550 sandbox",
		    "Mailgun", DIAGNOSIS_HOLD_MESSAGE },
		{ "port: 587 said: 450 mail send limit exceeded", "limit",
		    DIAGNOSIS_QUOTA },
		{ "your daily limit of 500 messages is used up", "limit",
		    DIAGNOSIS_QUOTA },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pasted); i++) {
		struct verdict v;
		struct diagnosis d;

		(void)diagnosis_read(bytes_str(pasted[i].text), &v);
		d = diagnose(&v, v.who);
		assert_int_equal(d.act, pasted[i].act);
		if (strstr(d.cause, pasted[i].word) == NULL)
			fail_msg("%s: %s", pasted[i].text, d.cause);
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

		assert_int_equal(diagnosis_read(bytes_str(pasted[i].text), &v),
		    pasted[i].has_codes);
		assert_string_equal(diagnose(&v, v.who).cause, "");
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_mean_what_the_table_says),
		cmocka_unit_test(
		    a_provider_is_named_only_if_the_server_is_its_own),
		cmocka_unit_test(a_reason_holds_the_whole_remedy),
		cmocka_unit_test(who_must_act_is_told_what_to_do),
		cmocka_unit_test(
		    an_answer_that_no_row_knows_means_what_its_stage_and_class_say),
		cmocka_unit_test(no_login_trouble_ever_fails_a_message),
		cmocka_unit_test(every_closed_window_says_when_it_reopens),
		cmocka_unit_test(a_pasted_reply_is_understood),
		cmocka_unit_test(
		    a_pasted_reply_of_nobody_in_particular_has_no_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
