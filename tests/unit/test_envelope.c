/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An envelope owns its strings; a copy shares nothing with the original. */
#include "tests/lib/check.h"

#include <stdio.h>

#include "mail/envelope.h"

static struct envelope *
with_rcpts(size_t n)
{
	struct envelope *e = envelope_new();
	char addr[32];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(addr, sizeof(addr), "r%zu@example.org", i);
		assert_string_equal(envelope_add_rcpt(e, addr)->addr, addr);
	}
	return e;
}

static void
a_new_envelope_is_from_nobody_to_nobody(void **state)
{
	struct envelope *e = envelope_new();

	(void)state;
	assert_string_equal(e->sender, "");
	assert_string_equal(e->peer, "");
	assert_string_equal(e->id, "");
	assert_true(e->uid == UID_UNKNOWN);
	assert_int_equal(e->nrcpts, 0);
	assert_int_equal(envelope_waiting(e), 0);
	envelope_free(e);
	envelope_free(NULL);
}

static void
a_copy_outlives_the_original_and_can_grow(void **state)
{
	(void)state;
	for (size_t n = 0; n < 20; n++) {
		struct envelope *e = with_rcpts(n), *c;
		struct verdict v;

		verdict_local(&v, VERDICT_LATER, STAGE_RCPT, 450, NULL, "busy");
		envelope_set(&e->sender, "me@example.org");
		envelope_set(&e->envid, "QQ+2B");
		if (n > 0) {
			envelope_set(&e->rcpts[n - 1].orcpt, "rfc822;x");
			e->rcpts[n - 1].notify = DSN_NOTIFY_DELAY;
			rcpt_set_verdict(&e->rcpts[n - 1], &v);
		}
		c = envelope_dup(e);
		envelope_free(e);
		assert_string_equal(c->sender, "me@example.org");
		assert_string_equal(c->envid, "QQ+2B");
		assert_int_equal(c->nrcpts, n);
		if (n > 0) {
			assert_string_equal(c->rcpts[n - 1].orcpt, "rfc822;x");
			assert_int_equal(
			    c->rcpts[n - 1].notify, DSN_NOTIFY_DELAY);
			assert_string_equal(c->rcpts[n - 1].last->text, "busy");
		}
		for (size_t i = 0; i < 3; i++)
			envelope_add_rcpt(c, "more@example.org");
		assert_int_equal(envelope_waiting(c), n + 3);
		envelope_free(c);
	}
}

static void
waiting_counts_those_that_still_wait(void **state)
{
	struct envelope *e = with_rcpts(5);

	(void)state;
	e->rcpts[0].state = RCPT_SENT;
	e->rcpts[3].state = RCPT_FAILED;
	assert_int_equal(envelope_waiting(e), 3);
	envelope_free(e);
}

static void
a_field_may_be_set_from_its_own_old_value(void **state)
{
	struct envelope *e = envelope_new();

	(void)state;
	envelope_set(&e->user, "postmaster");
	envelope_set(&e->user, e->user + 4);
	assert_string_equal(e->user, "master");
	envelope_set(&e->user, NULL);
	assert_null(e->user);
	envelope_free(e);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_envelope_is_from_nobody_to_nobody),
		cmocka_unit_test(a_copy_outlives_the_original_and_can_grow),
		cmocka_unit_test(waiting_counts_those_that_still_wait),
		cmocka_unit_test(a_field_may_be_set_from_its_own_old_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
