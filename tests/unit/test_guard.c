/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What comes from the drop folder is held to what a client is held to: no
 * address or parameter means more than itself (R8, R9), and the limits are the
 * same. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "inbound/guard.h"
#include "smtp/smtp_limits.h"

static struct envelope *
make_envelope(void)
{
	struct envelope *e = envelope_new();

	envelope_set(&e->sender, "me@example.org");
	(void)envelope_add_rcpt(e, "you@example.net");
	envelope_add_rcpt(e, "root")->notify = DSN_NOTIFY_NEVER;
	envelope_set(&e->account, "work");
	envelope_set(&e->envid, "id+2B");
	envelope_set(&e->rcpts[0].orcpt, "rfc822;you@example.net");
	e->ret = DSN_RET_HDRS;
	return e;
}

enum what { SENDER, RCPT, ORCPT, ENVID, ACCOUNT };

static char **
field_of(struct envelope *e, enum what what)
{
	switch (what) {
	case SENDER:
		return &e->sender;
	case RCPT:
		return &e->rcpts[1].addr;
	case ORCPT:
		return &e->rcpts[1].orcpt;
	case ENVID:
		return &e->envid;
	case ACCOUNT:
		break;
	}
	return &e->account;
}

static bool
is_taken(enum what what, const char *text)
{
	struct envelope *e = make_envelope();
	bool ok;

	envelope_set(field_of(e, what), text);
	ok = guard_refuses(e) == NULL;
	envelope_free(e);
	return ok;
}

static void
what_a_client_may_say_is_taken(void **state)
{
	(void)state;
	assert_true(is_taken(SENDER, ""));
	assert_true(is_taken(SENDER, "root"));
	assert_true(is_taken(SENDER, "\"a b\"@c.example"));
	assert_true(is_taken(RCPT, "a+b@[192.0.2.1]"));
	assert_true(is_taken(ORCPT, NULL));
	assert_true(is_taken(ENVID, NULL));
	assert_true(is_taken(ACCOUNT, NULL));
}

static void
R8_R9_what_would_say_more_is_refused(void **state)
{
	static const struct {
		enum what what;
		const char *text;
	} rows[] = {
		{ SENDER, "a@b\r\nRCPT TO:<c@d>" },
		{ SENDER, "a@b> BODY=8BITMIME RET=FULL" },
		{ SENDER, "\"a@b" },
		{ SENDER, "<a@b" },
		{ SENDER, "@c:a@b" },
		{ RCPT, "" },
		{ RCPT, "a b@c" },
		{ RCPT, "a@b>\n" },
		{ RCPT, "a@b> NOTIFY=NEVER" },
		{ RCPT, "a\x7f@b" },
		{ RCPT, "\xff@b" },
		{ RCPT, "j\xc3\xb6@b.example" }, /* without SMTPUTF8 */
		{ ORCPT, "rfc822" },
		{ ORCPT, "rfc822;" },
		{ ORCPT, ";a@b" },
		{ ORCPT, "" },
		{ ORCPT, "rfc822;a@b NOTIFY=NEVER" },
		{ ORCPT, "rfc822;a+0D+0A" },
		{ ENVID, "" },
		{ ENVID, "a b" },
		{ ENVID, "a\r\nQUIT" },
		{ ENVID, "a XACCOUNT=other" },
		{ ENVID, "a RET=FULL" },
		{ ACCOUNT, "work RET=FULL" },
		{ ACCOUNT, "" },
		{ ACCOUNT, "a b" },
		{ ACCOUNT, "a+20b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (is_taken(rows[i].what, rows[i].text))
			fail_msg("row %zu is taken", i);
}

/* n times 'a' and then the rest. */
static bool
is_taken_long(enum what what, size_t n, const char *rest)
{
	char text[3 * SMTP_COMMAND_LINE_MAX];

	memset(text, 'a', n);
	(void)snprintf(text + n, sizeof(text) - n, "%s", rest);
	return is_taken(what, text);
}

static void
lengths_have_the_limits_of_smtp(void **state)
{
	static const struct {
		enum what what;
		size_t max; /* of a's */
		const char *rest;
	} rows[] = {
		{ SENDER, SMTP_PATH_MAX - 2, "@b" },
		{ RCPT, SMTP_PATH_MAX - 2, "@b" },
		{ ENVID, SMTP_ENVID_MAX, "" },
		{ ACCOUNT, SMTP_ACCOUNT_MAX, "" },
		{ ORCPT, SMTP_ORCPT_MAX - 2, ";b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!is_taken_long(rows[i].what, rows[i].max, rows[i].rest) ||
		    is_taken_long(
			rows[i].what, rows[i].max + 1, rows[i].rest) ||
		    is_taken_long(
			rows[i].what, SMTP_COMMAND_LINE_MAX, rows[i].rest))
			fail_msg("row %zu", i);
	}
}

static void
never_stands_alone_and_utf8_is_to_be_asked_for(void **state)
{
	struct envelope *e = make_envelope();

	(void)state;
	e->rcpts[1].notify |= DSN_NOTIFY_DELAY;
	assert_non_null(guard_refuses(e));
	e->rcpts[1].notify = DSN_NOTIFY_DELAY | DSN_NOTIFY_FAILURE;
	assert_null(guard_refuses(e));
	envelope_set(&e->rcpts[0].addr, "j\xc3\xb6@b.example");
	assert_non_null(guard_refuses(e));
	e->is_utf8 = true;
	assert_null(guard_refuses(e));
	envelope_free(e);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_client_may_say_is_taken),
		cmocka_unit_test(R8_R9_what_would_say_more_is_refused),
		cmocka_unit_test(lengths_have_the_limits_of_smtp),
		cmocka_unit_test(
		    never_stands_alone_and_utf8_is_to_be_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
