/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may submit, by what the user database said, or did not say. */
#include "tests/lib/check.h"

#include "account/accounts.h"
#include "conf/conf.h"
#include "mail/envelope.h"
#include "net/people.h"
#include "relaisd/admission.h"

/* Not asked here. */
int
accounts_handle(const struct accounts *accounts, size_t i)
{
	(void)accounts;
	return (int)i;
}

bool
accounts_status(const struct accounts *accounts, int handle,
    struct account_status *ret_status)
{
	(void)accounts;
	(void)handle;
	(void)ret_status;
	return false;
}

static char me[] = "me", number[] = "1000", staff[] = "staff",
	    wheel[] = "wheel";
static char *by_name[] = { me }, *by_number[] = { number };
static char *in_staff[] = { staff }, *in_both[] = { wheel, staff };

static const struct person known = { .uid = 1000,
	.name = me,
	.has_groups = true,
	.groups = in_both,
	.ngroups = 2 };
static const struct person other = { .uid = 1001,
	.name = wheel,
	.has_groups = true,
	.groups = by_name,
	.ngroups = 1 };
static const struct person no_groups = { .uid = 1000, .name = me };
static const struct person unnamed = { .uid = 1000 };
static const struct person silent = { .uid = 1000, .is_silent = true };
static const struct person hidden = { .uid = UID_HIDDEN };

enum rule { NO_RULE, USER_BY_NAME, USER_BY_NUMBER, GROUP, BOTH, ROUTE };

static const struct {
	const struct person *who;
	enum rule rule;
	const char *bars;
	bool is_unsure;
} rows[] = {
	{ &known, NO_RULE, NULL, false },
	{ &silent, NO_RULE, NULL, false },
	{ &hidden, NO_RULE, NULL, false },
	{ &known, USER_BY_NAME, NULL, false },
	{ &known, USER_BY_NUMBER, NULL, false },
	{ &other, USER_BY_NAME, "allow_users", false },
	{ &unnamed, USER_BY_NAME, "allow_users", false },
	{ &unnamed, USER_BY_NUMBER, NULL, false },
	{ &hidden, USER_BY_NUMBER, "allow_users", false },
	/* His number is enough; for his name he has to wait. */
	{ &silent, USER_BY_NUMBER, NULL, false },
	{ &silent, USER_BY_NAME, "allow_users", true },
	{ &known, GROUP, NULL, false },
	{ &other, GROUP, "allow_groups", false },
	{ &no_groups, GROUP, "allow_groups", true },
	{ &silent, GROUP, "allow_groups", true },
	{ &no_groups, BOTH, NULL, false },
	{ &other, BOTH, "allow_users, allow_groups", false },
	/* Through which account his mail goes depends on who he is. */
	{ &known, ROUTE, NULL, false },
	{ &unnamed, ROUTE, NULL, false },
	{ &silent, ROUTE, "users", true },
};

static void
set_rule(struct conf *c, struct conf_account *a, enum rule rule)
{
	*a = (struct conf_account) { .name = me };
	*c = (struct conf) { .accounts = a, .naccounts = 1 };
	if (rule == USER_BY_NAME || rule == BOTH)
		c->allow_users = (struct conf_list) { by_name, 1 };
	if (rule == USER_BY_NUMBER)
		c->allow_users = (struct conf_list) { by_number, 1 };
	if (rule == GROUP || rule == BOTH)
		c->allow_groups = (struct conf_list) { in_staff, 1 };
	if (rule == ROUTE)
		a->users = (struct conf_list) { by_name, 1 };
}

static void
who_may_submit_is_told_by_what_is_known_of_him(void **state)
{
	struct conf_account account;
	struct conf conf;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool is_unsure = false;
		const char *bars;

		set_rule(&conf, &account, rows[i].rule);
		bars = admission_bars(&conf, rows[i].who, &is_unsure);
		if (rows[i].bars == NULL) {
			assert_null(bars);
			continue;
		}
		assert_non_null(bars);
		assert_string_equal(bars, rows[i].bars);
		assert_int_equal(is_unsure, rows[i].is_unsure);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    who_may_submit_is_told_by_what_is_known_of_him),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
