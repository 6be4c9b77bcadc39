/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether an account may work, as it is kept and as relays tell each other. */
#include "tests/lib/check.h"

#include "account/standing.h"

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
	standing_say(s, STANDING_WORKED, NOW_MS, NOW_S, &said);
	assert_true(
	    standing_hear(ret, &cause, NOW_MS, NOW_S, buf_bytes(&said)));
	buf_clear(&said);
}

/* The reply to somebody's message: on each relay those who may not see it read the
 * other sentence. */
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
	assert_string_equal(heard.told, quoted.told);
	standing_down(&s, ACCOUNT_HELD, &quoted, NOW_MS, 60 * 1000);
	s.mark = (struct login_mark) { .is_set = true };
	tell(&s, &heard);
	assert_int_equal(heard.state, ACCOUNT_HELD);
	assert_string_equal(heard.reason, quoted.reason);
	assert_string_equal(heard.told, quoted.told);
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
	assert_string_equal(heard.told, why.reason);
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
	assert_string_equal(kept.told, quoted.told);
	buf_clear(&text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_is_told_to_everybody_goes_to_other_relays_as_well),
		cmocka_unit_test(a_reason_that_quotes_nothing_is_told_as_it_is),
		cmocka_unit_test(what_is_told_outlasts_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
