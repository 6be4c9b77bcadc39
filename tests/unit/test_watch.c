/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a desktop is told, and that it is told once. */
#include "tests/lib/check.h"

#include <jansson.h>

#include "base/buf.h"
#include "relais-notify/watch.h"

static struct buf told;

static void
tell(void *ctx, const char *key, const char *title, const char *body)
{
	(void)ctx;
	assert_true(buf_addf(&told, "%s: %s: %s\n", key,
	    title != NULL ? title : "", body != NULL ? body : "over"));
}

static void
check_told(const char *want)
{
	assert_string_equal(buf_str(&told), want);
	buf_reset(&told);
}

static int
set_up(void **state)
{
	buf_init(&told, 100000);
	*state = watch_new(tell, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	watch_free(*state);
	buf_clear(&told);
	return 0;
}

static bool
see(struct watch *w, int failed, const char *state)
{
	json_t *status = json_pack("{s:{s:i, s:i}, s:[{s:s, s:s, s:s}]}",
	    "queue", "held", 0, "failed", failed, "accounts", "name", "work",
	    "state", state, "reason", "535 no");
	bool wants = watch_status(w, status);

	json_decref(status);
	return wants;
}

/* Messages with the numbers from first to last, the newest first. */
static void
see_messages(struct watch *w, int first, int last, const char *state)
{
	json_t *all = json_array();
	char id[20];

	for (int i = last; i >= first; i--) {
		(void)snprintf(id, sizeof(id), "id%d", i);
		assert_int_equal(
		    json_array_append_new(all,
			json_pack("{s:s, s:s, s:[s], s:s}", "id", id, "state",
			    state, "recipients", "a@b", "reason", "550 no")),
		    0);
	}
	watch_messages(w, all);
	json_decref(all);
}

static void
an_account_is_told_once_and_again_after_it_was_mended(void **state)
{
	static const char held[] = "account work: Mail account work needs you: "
				   "535 no\nTo see what is wrong: relais check "
				   "work\n";

	(void)see(*state, 0, "held");
	check_told(held);
	(void)see(*state, 0, "held");
	check_told("");
	(void)see(*state, 0, "ready");
	check_told("account work: : over\n");
	(void)see(*state, 0, "paused"); /* no person is needed */
	check_told("");
	(void)see(*state, 0, "held");
	check_told(held);
}

static void
what_failed_before_the_start_is_not_told(void **state)
{
	assert_true(see(*state, 2, "ready"));
	see_messages(*state, 1, 2, "failed");
	check_told("");
	assert_true(see(*state, 3, "ready"));
	see_messages(*state, 1, 3, "failed");
	check_told("id3: Mail to a@b has failed: 550 no\nMore: relais show "
		   "id3\n");
	see_messages(*state, 1, 3, "failed");
	check_told("");
}

static void
without_messages_in_trouble_none_are_asked_for(void **state)
{
	assert_true(see(*state, 0, "ready")); /* to know what there is */
	see_messages(*state, 1, 0, "failed");
	assert_false(see(*state, 0, "ready"));
	assert_true(see(*state, 1, "ready"));
	see_messages(*state, 1, 1, "held");
	check_told("id1: Mail to a@b is held: 550 no\nMore: relais show "
		   "id1\n");
}

static void
many_at_once_are_a_number(void **state)
{
	see_messages(*state, 1, 0, "failed");
	see_messages(*state, 1, WATCH_TOLD + 1, "failed");
	check_told(
	    "messages: 4 messages were held or have failed: To see them: "
	    "relais queue\n");
	see_messages(*state, 10, 9 + WATCH_LISTED, "failed");
	check_told("messages: 50 or more messages were held or have failed: To "
		   "see them: relais queue\n");
}

static void
an_answer_that_lacks_everything_tells_nothing(void **state)
{
	json_t *nothing = json_pack("{s:[{}], s:i}", "accounts", "queue", 5);

	(void)watch_status(*state, nothing);
	watch_messages(*state, nothing);
	watch_messages(*state, json_object_get(nothing, "accounts"));
	watch_messages(*state, NULL);
	(void)watch_status(*state, NULL);
	check_told("");
	json_decref(nothing);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(an_account_is_told_once_and_again_after_it_was_mended),
		TEST(what_failed_before_the_start_is_not_told),
		TEST(without_messages_in_trouble_none_are_asked_for),
		TEST(many_at_once_are_a_number),
		TEST(an_answer_that_lacks_everything_tells_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
