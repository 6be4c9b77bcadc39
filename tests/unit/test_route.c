/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The choice of the account: first whose conditions hold, else the default. */
#include "tests/lib/check.h"

#include "conf/conf.h"
#include "conf/route.h"
#include "conf/setting.h"
#include "mail/envelope.h"

enum { WORK, LISTS, BUILD, HOME, SPARE, ACCOUNTS };

static char names[ACCOUNTS][8] = { "work", "lists", "build", "home", "spare" };
static struct conf_account accounts[ACCOUNTS];
static const struct conf conf = {
	.accounts = accounts, .naccounts = ACCOUNTS, .default_account = HOME
};

static const struct {
	const char *sender, *rcpts, *user;
	uint32_t uid;
	const char *asked;
	int account;
	const char *why;
} rows[] = {
	{ "me@work.example", "a@x", "me", 1000, NULL, WORK, "conditions" },
	{ "ME@Work.Example", "a@x", NULL, UID_UNKNOWN, NULL, WORK, "cond" },
	{ "me@home.example", "a@x", "me", 1000, NULL, HOME, "default" },
	{ "", "a@x", NULL, UID_UNKNOWN, NULL, HOME, "default" },
	{ "me@home.example", "a@lists.example b@lists.example", "me", 1000,
	    NULL, LISTS, "conditions" },
	/* One recipient is elsewhere, so the message as a whole is not. */
	{ "me@home.example", "a@lists.example b@x", "me", 1000, NULL, HOME,
	    "default" },
	/* Both conditions of [account build] must hold. */
	{ "ci@x", "a@x", "builder", 990, NULL, BUILD, "conditions" },
	{ "ci@x", "a@x", NULL, 990, NULL, BUILD, "conditions" },
	{ "ci@x", "a@x", "other", 1001, NULL, HOME, "default" },
	{ "no@x", "a@x", "builder", 990, NULL, HOME, "default" },
	/* The first that fits, though the second fits, too. */
	{ "me@work.example", "a@lists.example", "me", 1000, NULL, WORK,
	    "conditions" },
	{ "me@work.example", "a@x", "me", 1000, "spare", SPARE, "by name" },
	{ "me@work.example", "a@x", "me", 1000, "gone", -1, "does not exist" },
	/* By name only for whom it is. */
	{ "me@work.example", "a@x", "me", 1000, "build", -1,
	    "does not serve this" },
	{ "me@work.example", "a@x", "builder", 990, "build", BUILD, "by name" },
	/* Sub-addresses, and case. */
	{ "me@home.example", "Boss+urgent@Y.example", "me", 1000, NULL, LISTS,
	    "conditions" },
	{ "me@home.example", "boss+urgent@z.example", "me", 1000, NULL, HOME,
	    "default" },
	{ "me+tag@work.example", "a@x", "me", 1000, NULL, WORK, "conditions" },
};

static struct envelope *
envelope_of(size_t i)
{
	struct envelope *e = envelope_new();
	struct conf_list to = { NULL, 0 };

	envelope_set(&e->sender, rows[i].sender);
	setting_split_list(rows[i].rcpts, &to);
	for (size_t k = 0; k < to.n; k++)
		IGNORE(envelope_add_rcpt(e, to.v[k]) == NULL);
	conf_list_clear(&to);
	if (rows[i].user != NULL)
		envelope_set(&e->user, rows[i].user);
	if (rows[i].asked != NULL)
		envelope_set(&e->account, rows[i].asked);
	e->uid = rows[i].uid;
	return e;
}

static void
messages_find_their_account(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct envelope *e = envelope_of(i);
		const char *why = "";

		assert_int_equal(conf_route(&conf, e, &why), rows[i].account);
		assert_non_null(strstr(why, rows[i].why));
		envelope_free(e);
	}
}

static void
recipients_that_are_done_do_not_count(void **state)
{
	struct envelope *e = envelope_of(5);

	(void)state;
	e->rcpts[1].state = RCPT_SENT;
	assert_int_equal(conf_route(&conf, e, NULL), LISTS);
	envelope_free(e);
}

static int
set_up(void **state)
{
	(void)state;
	for (int i = 0; i < ACCOUNTS; i++)
		accounts[i].name = names[i];
	setting_split_list("*@work.example", &accounts[WORK].senders);
	setting_split_list(
	    "*@lists.example boss@y.example", &accounts[LISTS].recipients);
	setting_split_list("builder 990", &accounts[BUILD].users);
	setting_split_list("ci@*", &accounts[BUILD].senders);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	conf_list_clear(&accounts[WORK].senders);
	conf_list_clear(&accounts[LISTS].recipients);
	conf_list_clear(&accounts[BUILD].users);
	conf_list_clear(&accounts[BUILD].senders);
	return 0;
}

static void
without_a_default_mail_may_have_no_account(void **state)
{
	struct conf none = conf;
	struct envelope *e = envelope_of(2), *taken = envelope_of(0);
	const char *why = "";

	(void)state;
	none.default_account = -1;
	assert_int_equal(conf_route(&none, e, &why), -1);
	assert_non_null(strstr(why, "no account is the default"));
	assert_int_equal(conf_route(&none, taken, &why), WORK);
	envelope_free(e);
	envelope_free(taken);
}

static void
whoever_submits_hears_why_no_account_takes_it(void **state)
{
	static const struct {
		const char *account, *user, *want;
	} cases[] = {
		{ "wrk", NULL,
		    "unknown account \"wrk\": did you mean \"work\"?" },
		{ "nothing-like-it", NULL,
		    "unknown account \"nothing-like-it\"" },
		{ "\x1b[2J\r\n250 ok", NULL,
		    "unknown account \"\\x1b[2J\\x0d\\x0a250 ok\"" },
		{ "build", "me",
		    "the requested account does not serve this user (users)" },
		{ "build", "builder", NULL },
		{ NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct envelope *e = envelope_of(0);
		struct buf why;

		buf_init(&why, 512);
		envelope_set(&e->account, cases[i].account);
		envelope_set(&e->user, cases[i].user);
		assert_int_equal(
		    conf_route_refuses(&conf, e, &why), cases[i].want != NULL);
		assert_string_equal(
		    buf_str(&why), cases[i].want != NULL ? cases[i].want : "");
		buf_clear(&why);
		envelope_free(e);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_find_their_account),
		cmocka_unit_test(without_a_default_mail_may_have_no_account),
		cmocka_unit_test(recipients_that_are_done_do_not_count),
		cmocka_unit_test(whoever_submits_hears_why_no_account_takes_it),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
