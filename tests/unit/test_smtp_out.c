/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R8, the last lock: a command that holds a line end is never written.  What
 * got so far has passed every check, so it is our bug and the process dies. */
#include "tests/lib/check.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smtp/smtp_out.h"

/* What becomes of a process that says MAIL with these bytes in it: 0, or the
 * signal that ended it. */
static int
end_of_one_who_says(const char *bytes, size_t n)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct smtp_out o;

		(void)signal(SIGABRT, SIG_DFL);
		(void)close(STDERR_FILENO);
		smtp_out_init(&o, 1000);
		smtp_out_begin(&o, "MAIL FROM:<");
		_exit(!buf_add(&o.buf, bytes, n) || !smtp_out_end(&o));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status);
	assert_int_equal(WEXITSTATUS(status), 0);
	return 0;
}

static void
R8_no_line_end_is_written_within_a_command(void **state)
{
	(void)state;
	assert_int_equal(end_of_one_who_says("a@x>", 4), 0);
	assert_int_equal(end_of_one_who_says("a\r@x>", 5), SIGABRT);
	assert_int_equal(end_of_one_who_says("a\n@x>", 5), SIGABRT);
	assert_int_equal(end_of_one_who_says("a\0@x>", 5), SIGABRT);
}

static void
a_command_without_room_leaves_nothing(void **state)
{
	struct smtp_out o;

	(void)state;
	smtp_out_init(&o, 12);
	smtp_out_begin(&o, "NOOP");
	assert_true(smtp_out_end(&o));
	smtp_out_begin(&o, "MAIL");
	smtp_out_add_num(&o, 12);
	assert_false(smtp_out_end(&o));
	assert_buf(&o.buf, "NOOP\r\n");
	smtp_out_clear(&o);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(R8_no_line_end_is_written_within_a_command),
		cmocka_unit_test(a_command_without_room_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
