/* SPDX-License-Identifier: GPL-3.0-or-later */
/* loop_fixture.h - a loop on the real clock for each test of a program. */
#ifndef TESTS_LIB_LOOP_FIXTURE_H
#define TESTS_LIB_LOOP_FIXTURE_H

#include "net/loop.h"
#include "sys/clock_sys.h"

static struct loop *l;

static int
set_up(void **state)
{
	struct err err;

	(void)state;
	return loop_new(clock_sys(), &l, &err);
}

static int
tear_down(void **state)
{
	(void)state;
	loop_free(l);
	return 0;
}

#endif
