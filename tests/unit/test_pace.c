/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who hears the provider's word on a listener with mode = auto. */
#include "tests/lib/check.h"

#include <stdio.h>

#include "inbound/pace.h"
#include "mail/envelope.h"

static void
the_first_ten_of_any_minute_are_not_beyond(void **state)
{
	struct pace p = { 0 };

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_false(pace_is_beyond(&p, 1000, "127.0.0.1", i * 1000));
	assert_true(pace_is_beyond(&p, 1000, "127.0.0.1", 10 * 1000));
	assert_true(pace_is_beyond(&p, 1000, "127.0.0.1", 60 * 1000 - 1));
	/* Of the minute before there are nine, with the two above. */
	assert_false(pace_is_beyond(&p, 1000, "127.0.0.1", 62 * 1000));
	assert_false(pace_is_beyond(&p, 1000, "127.0.0.1", 63 * 1000));
}

static void
who_goes_on_sending_much_stays_beyond(void **state)
{
	struct pace p = { 0 };

	(void)state;
	for (int i = 0; i < 600; i++)
		assert_int_equal(
		    pace_is_beyond(&p, 1000, "127.0.0.1", i * 1000), i >= 10);
}

static void
a_client_is_a_user_or_else_an_address(void **state)
{
	struct pace p = { 0 };

	(void)state;
	for (int i = 0; i < 10; i++) {
		/* Whatever address a user comes from. */
		assert_false(pace_is_beyond(
		    &p, 1000, i % 2 == 0 ? "127.0.0.1" : "::1", 0));
		assert_false(pace_is_beyond(&p, UID_UNKNOWN, "192.0.2.1", 0));
	}
	assert_true(pace_is_beyond(&p, 1000, "127.0.0.2", 0));
	assert_true(pace_is_beyond(&p, UID_UNKNOWN, "192.0.2.1", 0));
	assert_false(pace_is_beyond(&p, 1001, "127.0.0.1", 0));
	assert_false(pace_is_beyond(&p, UID_UNKNOWN, "192.0.2.2", 0));
}

static void
of_too_many_clients_the_quietest_is_forgotten(void **state)
{
	struct pace p = { 0 };
	char host[32];

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_false(pace_is_beyond(&p, 1000, "", i));
		assert_false(pace_is_beyond(&p, 1001, "", i));
	}
	for (int i = 0; i < PACE_CLIENTS - 1; i++) {
		assert_true(pace_is_beyond(&p, 1000, "", 100 + i));
		(void)snprintf(host, sizeof(host), "192.0.2.%d", i);
		assert_false(pace_is_beyond(&p, UID_UNKNOWN, host, 100 + i));
	}
	assert_true(pace_is_beyond(&p, 1000, "", 1000));
	assert_false(pace_is_beyond(&p, 1001, "", 1000));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_ten_of_any_minute_are_not_beyond),
		cmocka_unit_test(who_goes_on_sending_much_stays_beyond),
		cmocka_unit_test(a_client_is_a_user_or_else_an_address),
		cmocka_unit_test(of_too_many_clients_the_quietest_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
