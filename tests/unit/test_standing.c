/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether an account may work, as it is kept and as relays tell each other. */
#include "tests/lib/check.h"

#include "account/standing.h"
#include "sys/clock_sys.h"

enum { NOW_MS = 5000000, NOW_S = 1750000000 };

static const struct standing_why quoted = {
	"452 4.7.1 limit exceeded, last by bobs-secret",
	"452 4.7.1 (said by mail.example.test to RCPT); the limit is used up"
};

static void
close_window(struct standing *s, const struct standing_why *why)
{
	*s = (struct standing) { .state = ACCOUNT_READY };
	standing_down(s, ACCOUNT_PAUSED, why, NOW_MS, 3600 * 1000);
	s->is_window_closed = true;
}

/* What it says to another relay, and what that one makes of it. */
static void
tell(const struct standing *s, struct standing *ret)
{
	enum standing_cause cause;
	struct buf said;

	buf_init(&said, 4096);
	standing_say(s, STANDING_NONE, NOW_MS, NOW_S, &said);
	assert_true(
	    standing_hear(ret, &cause, NOW_MS, NOW_S, buf_bytes(&said)));
	buf_clear(&said);
}

static void
pauses_are(struct standing *s, enum standing_blame blame,
    const int64_t *seconds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_in_range(
		    standing_pause_ms(s, blame, 1920 * 1000, rng_sys()),
		    seconds[i] * 1000, seconds[i] * 1100);
}

/* A provider that breaks off over one message takes the next one at once; one
 * that is in trouble is left alone after some attempts more. */
static void
while_the_blame_is_open_five_short_pauses_come_first(void **state)
{
	static const int64_t open[] = { 15, 30, 60, 120, 240, 480, 900, 900 };
	static const int64_t provider[] = { 480, 900, 900 };
	struct standing s = { .state = ACCOUNT_READY };

	(void)state;
	pauses_are(&s, BLAME_OPEN, open, ARRAY_LEN(open));
	s = (struct standing) { .state = ACCOUNT_READY };
	pauses_are(&s, BLAME_PROVIDER, provider, ARRAY_LEN(provider));
}

static void
a_message_that_is_to_blame_costs_half_a_second_each_time(void **state)
{
	struct standing s = { .state = ACCOUNT_READY };

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_in_range(standing_pause_ms(
				    &s, BLAME_MESSAGE, 1920 * 1000, rng_sys()),
		    500, 550);
}

/* The reply to somebody's message: on each relay those who may not see it read
 * the other sentence. */
static void
what_is_told_to_everybody_goes_to_other_relays_as_well(void **state)
{
	struct standing s, heard;

	(void)state;
	close_window(&s, &quoted);
	tell(&s, &heard);
	assert_int_equal(heard.state, ACCOUNT_PAUSED);
	assert_true(heard.is_window_closed);
	assert_string_equal(heard.reason, quoted.reason);
	assert_string_equal(heard.public_reason, quoted.public_reason);
	standing_down(&s, ACCOUNT_HELD, &quoted, NOW_MS, 60 * 1000);
	s.mark = (struct login_mark) { .is_set = true };
	tell(&s, &heard);
	assert_int_equal(heard.state, ACCOUNT_HELD);
	assert_string_equal(heard.reason, quoted.reason);
	assert_string_equal(heard.public_reason, quoted.public_reason);
}

static void
a_reason_that_quotes_nothing_is_told_as_it_is(void **state)
{
	const struct standing_why why = { "connection refused", NULL };
	struct standing s, heard;

	(void)state;
	close_window(&s, &why);
	tell(&s, &heard);
	assert_string_equal(heard.reason, why.reason);
	assert_string_equal(heard.public_reason, why.reason);
}

static void
what_is_told_outlasts_a_restart(void **state)
{
	struct standing s, kept = { .state = ACCOUNT_READY };
	struct buf text;

	(void)state;
	close_window(&s, &quoted);
	buf_init(&text, 4096);
	standing_save(&s, NOW_MS, NOW_S, &text);
	standing_load(&kept, NOW_MS, NOW_S, buf_bytes(&text));
	assert_string_equal(kept.reason, quoted.reason);
	assert_string_equal(kept.public_reason, quoted.public_reason);
	buf_clear(&text);
}

/* Its time was over before anybody was told: that does not prove the login. */
static void
a_hold_that_is_over_is_not_told_as_a_login_that_works(void **state)
{
	struct standing s = { .state = ACCOUNT_READY, .is_on_trial = true };
	struct buf said;

	(void)state;
	buf_init(&said, 4096);
	standing_say(&s, STANDING_NONE, NOW_MS, NOW_S, &said);
	assert_int_equal(buf_len(&said), 0);
	buf_clear(&said);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_is_told_to_everybody_goes_to_other_relays_as_well),
		cmocka_unit_test(
		    while_the_blame_is_open_five_short_pauses_come_first),
		cmocka_unit_test(
		    a_message_that_is_to_blame_costs_half_a_second_each_time),
		cmocka_unit_test(a_reason_that_quotes_nothing_is_told_as_it_is),
		cmocka_unit_test(what_is_told_outlasts_a_restart),
		cmocka_unit_test(
		    a_hold_that_is_over_is_not_told_as_a_login_that_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
