/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a connection may carry no more, and what a limit looks like. */
#include "tests/lib/check.h"

#include <stdio.h>

#include "outbound/reuse.h"

static struct verdict
reply(enum verdict_stage stage, int code, const char *text)
{
	struct verdict v = { .stage = stage,
		.code = code,
		.class = code / 100 == 2   ? VERDICT_OK
			 : code / 100 == 5 ? VERDICT_NEVER
					   : VERDICT_LATER };

	(void)snprintf(v.text, sizeof(v.text), "%s", text);
	return v;
}

static enum reuse_news
hear(struct reuse *s, enum verdict_stage stage, int code, const char *text,
    enum diagnosis_act act)
{
	struct verdict v = reply(stage, code, text);

	return reuse_heard(s, &v, act, false);
}

/* After so many accepted messages. */
static struct reuse
after(size_t n)
{
	struct reuse s = { 0 };

	for (size_t i = 0; i < n; i++) {
		reuse_carry(&s, i == 0);
		assert_int_equal(hear(&s, STAGE_END, 250, "ok", DIAGNOSIS_NONE),
		    REUSE_GOES_ON);
	}
	assert_int_equal(s.carried, n);
	assert_int_equal(s.answered, n);
	return s;
}

static void
an_answer_means_this_after_so_many_messages(void **state)
{
	static const struct {
		size_t n;
		enum verdict_stage stage;
		int code;
		const char *text;
		enum diagnosis_act act;
		enum reuse_news news;
	} rows[] = {
		{ 1, STAGE_MAIL, 421, "closing", DIAGNOSIS_PAUSE, REUSE_SPENT },
		{ 0, STAGE_MAIL, 421, "closing", DIAGNOSIS_PAUSE,
		    REUSE_GOES_ON },
		{ 5, STAGE_MAIL, 421, "closing", DIAGNOSIS_PAUSE,
		    REUSE_MAYBE_LIMIT },
		{ 2, STAGE_MAIL, 421, "too many messages in this session",
		    DIAGNOSIS_PAUSE, REUSE_LIMIT },
		{ 2, STAGE_MAIL, 451, "too many messages, reconnect",
		    DIAGNOSIS_RECONNECT, REUSE_LIMIT },
		{ 0, STAGE_MAIL, 451, "reconnect", DIAGNOSIS_RECONNECT,
		    REUSE_BROKEN },
		/* A limit of the account, unless it names the session. */
		{ 2, STAGE_END, 421, "hourly limit", DIAGNOSIS_QUOTA,
		    REUSE_GOES_ON },
		{ 2, STAGE_END, 421, "limit of this connection",
		    DIAGNOSIS_QUOTA, REUSE_LIMIT },
		/* The session has forgotten the login. */
		{ 2, STAGE_MAIL, 503, "login first", DIAGNOSIS_RECONNECT,
		    REUSE_BROKEN },
		{ 2, STAGE_END, 550, "no", DIAGNOSIS_FAIL, REUSE_GOES_ON },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reuse s = after(rows[i].n);
		enum reuse_news news;

		reuse_carry(&s, false);
		news = hear(
		    &s, rows[i].stage, rows[i].code, rows[i].text, rows[i].act);
		if (news != rows[i].news)
			fail_msg("%s: %d", rows[i].text, news);
		assert_int_equal(s.is_over, news != REUSE_GOES_ON);
	}
}

static void
a_void_verdict_and_what_follows_the_end_say_nothing(void **state)
{
	struct reuse s = after(1);
	struct verdict v = reply(STAGE_MAIL, 421, "closing");

	(void)state;
	assert_int_equal(
	    reuse_heard(&s, &v, DIAGNOSIS_PAUSE, true), REUSE_GOES_ON);
	assert_false(s.is_over);
	assert_int_equal(
	    reuse_heard(&s, &v, DIAGNOSIS_PAUSE, false), REUSE_SPENT);
	assert_int_equal(
	    reuse_heard(&s, &v, DIAGNOSIS_PAUSE, false), REUSE_GOES_ON);
	assert_int_equal(s.answered, 1);
}

static void
an_idle_connection_that_breaks_at_mail_may_have_been_closed(void **state)
{
	struct reuse s = after(1), fresh = { 0 };

	(void)state;
	reuse_carry(&s, true);
	assert_true(s.is_reused);
	(void)hear(&s, STAGE_MAIL, 0, "connection lost", DIAGNOSIS_RETRY);
	assert_true(s.has_broken && s.was_idle);
	reuse_carry(&fresh, true);
	(void)hear(&fresh, STAGE_MAIL, 0, "connection lost", DIAGNOSIS_RETRY);
	assert_true(fresh.has_broken && !fresh.was_idle);
	/* The first break counts. */
	(void)hear(&s, STAGE_END, 0, "connection lost", DIAGNOSIS_RETRY);
	assert_true(s.was_idle);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_means_this_after_so_many_messages),
		cmocka_unit_test(
		    a_void_verdict_and_what_follows_the_end_say_nothing),
		cmocka_unit_test(
		    an_idle_connection_that_breaks_at_mail_may_have_been_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
