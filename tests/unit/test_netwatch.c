/* SPDX-License-Identifier: GPL-3.0-or-later */
/* In a network of our own, so that the machine's is left alone. */
#include "config.h"

#include "tests/lib/check.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "net/netwatch.h"
#include "sys/clock_sys.h"
#include "tests/lib/sockets.h"

static void
count(void *ctx)
{
	++*(int *)ctx;
}

static bool
switch_loopback(bool is_on)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	ifr.ifr_flags = is_on ? IFF_UP : 0;
	rc = ioctl(fd, SIOCSIFFLAGS, &ifr);
	(void)close(fd);
	return rc == 0;
}

enum { GOOD, CANNOT, NO_WATCH, TOO_EARLY, NOT_ONCE };

static int64_t ahead_ms; /* of the real clock */

static int64_t
boot_ms(void *ctx)
{
	(void)ctx;
	return clock_boot_ms(clock_sys()) + ahead_ms;
}

/* Three changes in a row are told once, after a quiet second. */
static int
watch_in_child(void)
{
	const struct clock clock = { .boot_ms = boot_ms };
	struct netwatch *w = NULL;
	struct loop *l = NULL;
	struct err err;
	int64_t began, first;
	int changes = 0;

	if (unshare(CLONE_NEWNET) != 0)
		return CANNOT;
	if (loop_new(&clock, &l, &err) != 0 ||
	    netwatch_new(l, count, &changes, &w, &err) != 0)
		return NO_WATCH;
	if (!switch_loopback(true) || !switch_loopback(false) ||
	    !switch_loopback(true))
		return CANNOT;
	began = boot_ms(NULL);
	while (changes == 0 && boot_ms(NULL) < began + 20000) {
		loop_run_once(l, false);
		(void)usleep(5000);
	}
	first = boot_ms(NULL);
	/* Long enough for a second one. */
	for (int i = 0; i < 20; i++) {
		ahead_ms += 100;
		loop_run_once(l, false);
		(void)usleep(1000);
	}
	netwatch_free(w);
	loop_free(l);
	if (first - began < 900)
		return TOO_EARLY;
	return changes == 1 ? GOOD : NOT_ONCE;
}

static void
a_burst_of_changes_is_told_once(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(watch_in_child());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == CANNOT)
		skip(); /* not root, or a sandbox */
	assert_int_equal(WEXITSTATUS(status), GOOD);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_of_changes_is_told_once),
	};

	(void)alarm(TEST_ALARM_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
