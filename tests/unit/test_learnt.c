/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was found out about a provider: kept, forgotten in time, and never
 * believed of another one. */
#include "tests/lib/check.h"

#include "account/learnt.h"
#include "smtp/smtp_caps.h"

enum { NOW = 1000000, DAY = 86400 };

static void
a_fact_counts_for_thirty_days(void **state)
{
	struct learnt l = { 0 };

	(void)state;
	assert_int_equal(learnt_value(&l, LEARNT_RCPT_MAX, NOW), 0);
	assert_true(learnt_set(&l, LEARNT_RCPT_MAX, 5, NOW));
	assert_false(learnt_set(&l, LEARNT_RCPT_MAX, 5, NOW + DAY));
	assert_int_equal(learnt_value(&l, LEARNT_RCPT_MAX, NOW + 30 * DAY), 5);
	assert_int_equal(
	    learnt_value(&l, LEARNT_RCPT_MAX, NOW + 30 * DAY + 1), 0);
	assert_true(learnt_set(&l, LEARNT_RCPT_MAX, 5, NOW + 31 * DAY));
	/* The clock may have been wrong. */
	assert_int_equal(learnt_value(&l, LEARNT_RCPT_MAX, NOW), 5);
	assert_true(learnt_set(&l, LEARNT_RCPT_MAX, 0, NOW));
	assert_int_equal(learnt_value(&l, LEARNT_RCPT_MAX, NOW), 0);
}

static void
names_that_were_refused_depend_on_the_one_configured(void **state)
{
	uint32_t v = learnt_ehlo(5, "me.example");

	(void)state;
	assert_int_equal(learnt_ehlo_refused(v, "me.example"), 5);
	assert_int_equal(learnt_ehlo_refused(v, "other.example"), 0);
	assert_int_equal(learnt_ehlo_refused(v, NULL), 0);
	assert_int_equal(learnt_ehlo_refused(learnt_ehlo(1, NULL), NULL), 1);
	assert_int_equal(learnt_ehlo(0, "me.example"), 0);
	assert_int_equal(learnt_ehlo_refused(0, NULL), 0);
}

static void
facts_survive_a_restart_and_no_change_of_host(void **state)
{
	struct learnt l = { 0 }, again = { 0 }, other = { 0 };
	struct buf b;

	(void)state;
	for (int i = 0; i < LEARNT_COUNT; i++)
		assert_true(learnt_set(&l, (enum learnt_fact)i, 1, NOW + i));
	assert_true(
	    learnt_set(&l, LEARNT_EHLO, learnt_ehlo(3, "me.example"), NOW));
	buf_init(&b, 4096);
	learnt_save(&l, "mx.example", &b);
	learnt_load(&again, "mx.example", buf_bytes(&b));
	learnt_load(&other, "mx.example.org", buf_bytes(&b));
	for (int i = 0; i < LEARNT_COUNT; i++) {
		bool is_kept = i < LEARNT_KEPT;

		assert_int_equal(
		    again.facts[i].value, is_kept ? l.facts[i].value : 0);
		assert_int_equal(
		    again.facts[i].when_s, is_kept ? l.facts[i].when_s : 0);
		assert_int_equal(other.facts[i].value, 0);
	}
	buf_clear(&b);
}

static void
what_makes_no_sense_is_skipped(void **state)
{
	static const char text[] = "\nh\nh rcpt_max\nh rcpt_max 5\n"
				   "h rcpt_max -5 1\nh rcpt_max 5 x\n"
				   "h rcpt_max 100001 1\nh distrust 4 1\n"
				   "h bare_auth 2 1\nh what 1 1\n"
				   "h no_null_sender 1 7\nh";
	struct learnt l = { 0 };

	(void)state;
	learnt_load(&l, "h", bytes_str(text));
	for (int i = 0; i < LEARNT_COUNT; i++)
		assert_int_equal(
		    l.facts[i].value, i == LEARNT_NO_NULL_SENDER ? 1 : 0);
}

static void
every_fact_has_its_sentence(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (int i = 0; i < LEARNT_KEPT; i++) {
		buf_reset(&b);
		learnt_text((enum learnt_fact)i, 2, &b);
		assert_non_null(strstr(buf_str(&b), "the provider "));
	}
	for (uint32_t v = 1; v <= 3; v++) {
		buf_reset(&b);
		learnt_text(LEARNT_DISTRUST, v, &b);
		assert_int_equal(strstr(buf_str(&b), "BDAT") != NULL,
		    (v & SMTP_DISTRUST_CHUNKING) != 0);
		assert_int_equal(strstr(buf_str(&b), "parameters") != NULL,
		    (v & SMTP_DISTRUST_PARAMS) != 0);
	}
	buf_clear(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fact_counts_for_thirty_days),
		cmocka_unit_test(
		    names_that_were_refused_depend_on_the_one_configured),
		cmocka_unit_test(facts_survive_a_restart_and_no_change_of_host),
		cmocka_unit_test(what_makes_no_sense_is_skipped),
		cmocka_unit_test(every_fact_has_its_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
