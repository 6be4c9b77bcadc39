/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The promise: safe means the disk or the provider has it. */
#include "tests/lib/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "queue/queue.h"
#include "tests/lib/lab.h"

static const struct bytes hello = { "Subject: hi\r\n\r\nhello\r\n", 22 };

static void
safe_mode_is_told_when_the_disk_has_it(void **state)
{
	struct lab l;
	struct lab_client c;

	(void)state;
	lab_init(&l);
	l.is_delayed = true;
	lab_submit(&l, &c, QUEUE_MODE_SAFE, 1, hello);
	lab_tick(&l);
	assert_int_equal(c.told, 0);
	lab_run(&l);
	assert_int_equal(c.told, 1);
	assert_int_equal(c.t.outcome, QUEUE_SAFE);
	assert_int_equal(c.t.verdict.class, VERDICT_NONE);
	assert_int_equal(lab_files(&l, "queue"), 1);
	lab_client_done(&c);
	assert_true(lab_deliver(&l, VERDICT_OK));
	lab_run(&l);
	assert_int_equal(lab_files(&l, "queue"), 0);
	assert_int_equal(queue_count(l.q), 0);
	lab_clear(&l);
}

static void
a_message_survives_a_restart_and_is_delivered(void **state)
{
	struct lab l;
	struct lab_client c;
	struct queue_delivery *d;
	struct verdict ok = lab_verdict(VERDICT_OK, "taken");

	(void)state;
	lab_init(&l);
	lab_submit(&l, &c, QUEUE_MODE_SAFE, 2, hello);
	assert_int_equal(c.told, 0); /* never from within the call */
	lab_tick(&l);
	assert_int_equal(c.told, 1);
	lab_client_done(&c);
	lab_restart(&l);
	assert_null(queue_take(l.q, 0));
	lab_tick(&l);
	d = queue_take(l.q, 0);
	assert_non_null(d);
	assert_string_equal(queue_delivery_envelope(d)->id, c.id);
	assert_int_equal(queue_delivery_envelope(d)->nrcpts, 2);
	assert_int_equal(queue_delivery_bytes(d).n, hello.n);
	assert_memory_equal(queue_delivery_bytes(d).p, hello.p, hello.n);
	queue_delivery_end(d, QUEUE_END_TRIED, &ok, 0, NULL, NULL);
	assert_int_equal(lab_files(&l, "queue"), 0);
	lab_clear(&l);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(safe_mode_is_told_when_the_disk_has_it),
		cmocka_unit_test(a_message_survives_a_restart_and_is_delivered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
