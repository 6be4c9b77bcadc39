/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A page is in the language that its browser asks for. */
#include "tests/lib/check.h"

#include "relais-web/accept.h"

static const char *
chosen(const char *field)
{
	static const char *const offered[] = { "en", "fr" };

	return offered[accept_language(field, offered, 2)];
}

static void
what_is_wanted_most_is_chosen(void **state)
{
	(void)state;
	assert_string_equal(chosen("fr"), "fr");
	assert_string_equal(chosen("fr-CA"), "fr");
	assert_string_equal(chosen("FR-fr,fr;q=0.9,en;q=0.8"), "fr");
	assert_string_equal(chosen("en-GB, en;q=0.9, fr;q=0.8"), "en");
	assert_string_equal(chosen("en;q=0.5, fr ; q=0.625"), "fr");
	assert_string_equal(chosen("de,es;q=0.9,fr;q=0.1"), "fr");
	assert_string_equal(chosen("fr;q=1.000,en"), "fr");
	assert_string_equal(chosen("\tfr\t,\ten"), "fr");
}

static void
without_a_wish_it_is_english(void **state)
{
	(void)state;
	assert_string_equal(chosen(NULL), "en");
	assert_string_equal(chosen(""), "en");
	assert_string_equal(chosen("*"), "en");
	assert_string_equal(chosen("de, es;q=0.9"), "en");
	assert_string_equal(chosen("fr;q=0"), "en");
	assert_string_equal(chosen("frisian, french"), "en");
}

static void
nonsense_is_no_wish(void **state)
{
	(void)state;
	assert_string_equal(chosen("fr;q=2"), "en");
	assert_string_equal(chosen("fr;q=0.x"), "en");
	assert_string_equal(chosen("fr;q="), "en");
	assert_string_equal(chosen("fr;q=0.1234"), "en");
	assert_string_equal(chosen(",;-,;q=1,-fr"), "en");
	assert_string_equal(chosen(";;;,,,fr"), "fr");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wanted_most_is_chosen),
		cmocka_unit_test(without_a_wish_it_is_english),
		cmocka_unit_test(nonsense_is_no_wish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
