/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Past port filters: every port is tried once a round, the one that worked
 * first, and what was found survives a restart. */
#include "tests/lib/check.h"

#include "account/port_memory.h"

static const struct account_port ports[] = {
	{ 465, SC_TLS_IMPLICIT },
	{ 587, SC_TLS_STARTTLS },
	{ 2525, SC_TLS_STARTTLS },
};

static void
a_round_tries_each_port_once(void **state)
{
	struct port_memory r;

	(void)state;
	port_memory_init(&r, ports, ARRAY_LEN(ports));
	assert_int_equal(port_memory_current(&r)->port, 465);
	assert_true(port_memory_has_next(&r));
	assert_true(port_memory_failed(&r, PORT_SILENT, 1));
	assert_int_equal(port_memory_current(&r)->port, 587);
	assert_true(port_memory_failed(&r, PORT_REFUSED, 2));
	assert_int_equal(port_memory_current(&r)->port, 2525);
	assert_false(port_memory_has_next(&r));
	assert_false(port_memory_failed(&r, PORT_RESET, 3));
	assert_int_equal(port_memory_current(&r)->port, 465);
}

static void
the_next_round_begins_with_the_port_that_worked(void **state)
{
	struct port_memory r;
	int seen[3];

	(void)state;
	for (size_t works = 0; works < ARRAY_LEN(ports); works++) {
		port_memory_init(&r, ports, ARRAY_LEN(ports));
		for (size_t i = 0; i < works; i++)
			assert_true(port_memory_failed(&r, PORT_SILENT, 1));
		assert_true(port_memory_worked(&r, 2));
		assert_false(port_memory_worked(&r, 3)); /* no news */
		for (size_t i = 0; i < 3; i++) {
			seen[i] = port_memory_current(&r)->port;
			assert_int_equal(
			    port_memory_failed(&r, PORT_SILENT, 4), i < 2);
		}
		assert_int_equal(seen[0], ports[works].port);
		assert_int_not_equal(seen[1], seen[0]);
		assert_int_not_equal(seen[2], seen[0]);
		assert_int_not_equal(seen[2], seen[1]);
	}
}

static void
one_port_has_no_other(void **state)
{
	struct port_memory r;

	(void)state;
	port_memory_init(&r, ports, 1);
	assert_false(port_memory_has_next(&r));
	assert_false(port_memory_failed(&r, PORT_SILENT, 1));
	assert_int_equal(port_memory_current(&r)->port, 465);
}

static void
what_was_found_survives_a_restart(void **state)
{
	struct port_memory r, again;
	struct buf b, text, text_again;

	(void)state;
	buf_init(&b, 500);
	buf_init(&text, 500);
	buf_init(&text_again, 500);
	port_memory_init(&r, ports, ARRAY_LEN(ports));
	assert_true(port_memory_failed(&r, PORT_SILENT, 1700000000));
	assert_true(port_memory_worked(&r, 1700000005));
	port_memory_save(&r, &b);
	port_memory_init(&again, ports, ARRAY_LEN(ports));
	port_memory_load(&again, buf_bytes(&b));
	assert_int_equal(port_memory_current(&again)->port, 587);
	port_memory_text(&r, &text);
	port_memory_text(&again, &text_again);
	assert_buf(
	    &text, "465 filtered (no answer), 587 works, 2525 not tried");
	assert_buf(&text_again, buf_str(&text));
	buf_clear(&b);
	buf_clear(&text);
	buf_clear(&text_again);
}

static void
nonsense_in_the_saved_state_is_skipped(void **state)
{
	static const char saved[] = "\n587\nabc works 1\n587 flies 1\n"
				    "587 works x\n70000 works 1\n25 works 1\n";
	struct port_memory r;

	(void)state;
	port_memory_init(&r, ports, ARRAY_LEN(ports));
	for (size_t n = 0; n < sizeof(saved); n++)
		port_memory_load(&r, bytes_of(saved, n));
	assert_int_equal(port_memory_current(&r)->port, 465);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_round_tries_each_port_once),
		cmocka_unit_test(
		    the_next_round_begins_with_the_port_that_worked),
		cmocka_unit_test(one_port_has_no_other),
		cmocka_unit_test(what_was_found_survives_a_restart),
		cmocka_unit_test(nonsense_in_the_saved_state_is_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
