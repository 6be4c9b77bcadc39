/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Binding, accepting, being activated.  R29, R52. */
#include "tests/lib/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/xalloc.h"
#include "net/listen.h"
#include "net/loop.h"
#include "sys/clock_sys.h"
#include "tests/lib/sockets.h"
#include "tests/lib/temp.h"

static struct loop *l;
static char dir[64];

static int
set_up(void **state)
{
	struct err err;

	(void)state;
	temp_dir(dir, sizeof(dir), "relais-listen");
	return loop_new(clock_sys(), &l, &err);
}

static int
tear_down(void **state)
{
	(void)state;
	loop_free(l);
	return rmdir(dir);
}

/* --- accepting ---------------------------------------------------------- */

static int naccepted, accepted[64];

static void
on_accepted(void *ctx, int fd)
{
	(void)ctx;
	assert_true(naccepted < 64);
	accepted[naccepted++] = fd;
}

static void
close_accepted(void)
{
	while (naccepted > 0)
		(void)close(accepted[--naccepted]);
}

static struct listener *
new_listener(int *ret_port)
{
	struct listener *li = NULL;
	struct err err;
	int fd = listen_tcp("127.0.0.1", 0, &err);

	assert_true(fd >= 0);
	*ret_port = listen_port(fd);
	assert_int_equal(listener_new(l, fd, on_accepted, NULL, &li, &err), 0);
	return li;
}

static void
connections_are_handed_over(void **state)
{
	struct listener *li;
	int port, fds[3];

	(void)state;
	li = new_listener(&port);
	for (int i = 0; i < 3; i++)
		fds[i] = connect_to(AF_INET, port);
	TURN_UNTIL(l, naccepted == 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
		    fcntl(accepted[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		assert_int_equal(
		    fcntl(accepted[i], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
		(void)close(fds[i]);
	}
	close_accepted();
	listener_free(li);
	listener_free(NULL);
}

static void
a_paused_listener_accepts_nothing(void **state)
{
	struct listener *li;
	int port, fd;

	(void)state;
	li = new_listener(&port);
	listener_pause(li, true);
	fd = connect_to(AF_INET, port);
	for (int i = 0; i < 10; i++)
		loop_run_once(l, false);
	assert_int_equal(naccepted, 0);
	listener_pause(li, false);
	TURN_UNTIL(l, naccepted == 1);
	(void)close(fd);
	close_accepted();
	listener_free(li);
}

/* R52: no descriptor left.  The loop must neither spin nor lose the waiting
 * connection. */
static void
without_descriptors_it_waits_a_moment(void **state)
{
	struct rlimit was, none;
	struct listener *li;
	int port, fd, turns = 0;
	int64_t began;

	(void)state;
	li = new_listener(&port);
	fd = connect_to(AF_INET, port);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = (rlim_t)fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	began = clock_boot_ms(clock_sys());
	while (clock_boot_ms(clock_sys()) < began + 600) {
		loop_run_once(l, true);
		turns++;
	}
	assert_int_equal(naccepted, 0);
	assert_true(turns < 20);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	TURN_UNTIL(l, naccepted == 1);
	(void)close(fd);
	close_accepted();
	listener_free(li);
}

/* --- TCP ---------------------------------------------------------------- */

static void
a_port_in_use_says_how_to_find_its_owner(void **state)
{
	struct err err;
	char words[64];
	int fd = listen_tcp("127.0.0.1", 0, &err);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(listen_tcp("127.0.0.1", listen_port(fd), &err), -1);
	assert_int_equal(err.class, ERR_BUSY);
	assert_int_equal(err.os, EADDRINUSE);
	(void)snprintf(
	    words, sizeof(words), "ss -ltnp 'sport = :%d'", listen_port(fd));
	assert_non_null(strstr(err.text, words));
	(void)close(fd);
}

static void
both_families_can_have_the_same_port(void **state)
{
	struct err err;
	int v4 = listen_tcp("0.0.0.0", 0, &err), v6;

	(void)state;
	assert_true(v4 >= 0);
	v6 = listen_tcp("::", listen_port(v4), &err);
	if (v6 < 0 && err.os == EAFNOSUPPORT) {
		(void)close(v4);
		skip();
	}
	assert_true(v6 >= 0);
	(void)close(v4);
	(void)close(v6);
}

static void
an_address_of_others_is_refused(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(listen_tcp("192.0.2.1", 2525, &err), -1);
	assert_int_equal(err.os, EADDRNOTAVAIL);
	assert_non_null(strstr(err.text, "does not have that address"));
}

/* --- Unix --------------------------------------------------------------- */

static void
a_unix_socket_has_its_mode_and_replaces_a_dead_one(void **state)
{
	char *path = xasprintf("%s/s", dir);
	struct stat st;
	struct err err;
	int fd;

	(void)state;
	fd = listen_unix(path, 0666, &err);
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	assert_int_equal(listen_unix(path, 0666, &err), -1);
	assert_int_equal(err.class, ERR_BUSY);
	assert_non_null(strstr(err.text, path));
	(void)close(fd); /* dies without removing it */
	fd = listen_unix(path, 0600, &err);
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	(void)close(fd);
	assert_int_equal(unlink(path), 0);
	free(path);
}

static void
what_is_no_socket_is_left_alone(void **state)
{
	char *path = xasprintf("%s/f", dir), *far;
	struct err err;
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(listen_unix(path, 0600, &err), -1);
	assert_int_equal(err.class, ERR_CONFIG);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(unlink(path), 0);

	far = xasprintf("%s/%0100d", dir, 0);
	assert_int_equal(listen_unix(far, 0600, &err), -1);
	assert_int_equal(err.class, ERR_CONFIG);
	free(far);
	free(path);
}

/* --- the service manager ------------------------------------------------ */

/* In a process of its own, because the descriptors begin at 3. */
static int
inherit_in_child(int fd, const char *pid, const char *count)
{
	struct err err;
	int n;

	if (fd != 3 && dup2(fd, 3) != 3)
		return -2;
	(void)fcntl(3, F_SETFD, 0);
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", count, 1);
	n = listen_inherited(&err);
	if (n == 1 && (fcntl(3, F_GETFD) & FD_CLOEXEC) == 0)
		return -3;
	return n;
}

static int
inherit_some(int fd, const char *count, bool is_ours)
{
	char pid[32];
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		(void)snprintf(
		    pid, sizeof(pid), "%d", (int)getpid() + !is_ours);
		status = inherit_in_child(fd, pid, count);
		_exit(status < 0 ? 50 : status);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
inherit(int fd, bool is_ours)
{
	return inherit_some(fd, "1", is_ours);
}

static void
descriptors_are_inherited_if_they_are_ours(void **state)
{
	struct err err;
	int fd = listen_tcp("127.0.0.1", 0, &err);
	int deaf = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int pipes[2];

	(void)state;
	assert_int_equal(inherit(fd, true), 1);
	assert_int_equal(inherit(fd, false), 0);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(inherit(pipes[0], true), 50); /* refused */
	assert_int_equal(inherit(deaf, true), 50);
	assert_int_equal(inherit_some(fd, "0", true), 0);
	assert_int_equal(inherit_some(fd, "65", true), 50);
	assert_int_equal(inherit_some(fd, "4294967297", true), 50);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
	(void)close(deaf);
	(void)close(fd);
}

static void
the_manager_is_told(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char got[32] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/n", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	listen_notify("READY=1"); /* nobody asked */
	assert_int_equal(setenv("NOTIFY_SOCKET", sun.sun_path, 1), 0);
	listen_notify("READY=1");
	assert_int_equal(recv(fd, got, sizeof(got), 0), 7);
	assert_string_equal(got, "READY=1");
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	(void)close(fd);
	assert_int_equal(unlink(sun.sun_path), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_are_handed_over),
		cmocka_unit_test(a_paused_listener_accepts_nothing),
		cmocka_unit_test(without_descriptors_it_waits_a_moment),
		cmocka_unit_test(a_port_in_use_says_how_to_find_its_owner),
		cmocka_unit_test(both_families_can_have_the_same_port),
		cmocka_unit_test(an_address_of_others_is_refused),
		cmocka_unit_test(
		    a_unix_socket_has_its_mode_and_replaces_a_dead_one),
		cmocka_unit_test(what_is_no_socket_is_left_alone),
		cmocka_unit_test(descriptors_are_inherited_if_they_are_ours),
		cmocka_unit_test(the_manager_is_told),
	};

	(void)alarm(TEST_ALARM_S);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
