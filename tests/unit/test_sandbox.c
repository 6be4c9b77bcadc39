/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The filter of each machine, and what the kernel of this one denies. */
#include "tests/lib/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/sandbox.h"
#include "tests/lib/temp.h"

/* Behind socketcall(2), whose arguments the filter does not see. */
#ifdef __i386__
static const bool hides_sockets = true;
#else
static const bool hides_sockets = false;
#endif

/* A name that is new in libseccomp or in our table shows here, and on which
 * machines.  SECCOMP_WRITE=1 writes the lists anew. */
static void
each_machine_has_its_list(void **state)
{
	static const char *const archs[] = { "x86_64", "x86", "aarch64", "arm",
		"riscv64" };
	static char is[16384], should[16384];
	const char *srcdir = getenv("srcdir");
	char path[512];
	FILE *f;
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(archs); i++) {
		if (sandbox_seccomp_list(archs[i], is, sizeof(is)) != 0)
			skip(); /* built without it */
		(void)snprintf(path, sizeof(path), "%s/tests/unit/seccomp/%s",
		    srcdir != NULL ? srcdir : ".", archs[i]);
		f = fopen(path, getenv("SECCOMP_WRITE") ? "w+" : "r");
		assert_non_null(f);
		if (getenv("SECCOMP_WRITE") != NULL) {
			(void)fputs(is, f);
			rewind(f);
		}
		n = fread(should, 1, sizeof(should) - 1, f);
		should[n] = '\0';
		(void)fclose(f); /* was read */
		assert_string_equal(is, should);
	}
}

/* The exit status of a process that does this; 128 and more: by a signal. */
static int
in_process(int (*what)(const char *path), const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(what(path));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

enum { NOT_HERE = 77 };

static int
only_this_folder(const char *dir)
{
	const char *rw[] = { dir, NULL }, *ro[] = { "/etc/ssl", NULL };
	const int port = 587;
	struct sandbox_files f = { rw, ro, &port, 1 };
	struct sandbox_state s;
	char path[200];

	sandbox_no_new_privileges(&s);
	if (!s.holds)
		return 1;
	sandbox_landlock(&f, &s);
	if (!s.holds)
		return NOT_HERE;
	(void)snprintf(path, sizeof(path), "%s/x", dir);
	if (open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0)
		return 2;
	if (unlink(path) != 0)
		return 3;
	if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES)
		return 4;
	if (open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0)
		return 5;
	return 0;
}

static void
a_file_outside_cannot_be_opened(void **state)
{
	char dir[64];
	int rc;

	(void)state;
	temp_dir(dir, sizeof(dir), "relais-sandbox");
	rc = in_process(only_this_folder, dir);
	(void)rmdir(dir);
	if (rc == NOT_HERE)
		skip();
	assert_int_equal(rc, 0);
}

static int
unknown_call(const char *unused)
{
	struct sandbox_state s;

	(void)unused;
	sandbox_no_new_privileges(&s);
	sandbox_seccomp(false, SANDBOX_NO_DATABASE, &s);
	if (!s.holds)
		return NOT_HERE;
	if (syscall(999999) != -1 || errno != ENOSYS)
		return 1;
	if (!hides_sockets && socket(AF_UNIX, SOCK_STREAM, 0) >= 0)
		return 2;
	if (socket(AF_INET, SOCK_STREAM, 0) < 0)
		return 3;
	return 0;
}

static int
start_program(const char *unused)
{
	struct sandbox_state s;

	(void)unused;
	sandbox_no_new_privileges(&s);
	sandbox_seccomp(false, SANDBOX_NO_DATABASE, &s);
	if (!s.holds)
		return NOT_HERE;
	(void)execl("/bin/true", "true", (char *)NULL);
	return 1;
}

static void
an_unknown_call_fails_and_a_program_kills(void **state)
{
	int rc = in_process(unknown_call, NULL);

	(void)state;
	if (rc == NOT_HERE)
		skip();
	assert_int_equal(rc, 0);
	assert_int_equal(in_process(start_program, NULL), 128 + 31);
}

/* As libuv from 1.45 on, whatever libuv is here. */
static int
ring(const char *arg)
{
	struct sandbox_state s;
	char params[120] = { 0 };
	bool is_refused;

	(void)arg;
	sandbox_no_io_uring();
	is_refused = syscall(SYS_io_uring_setup, 8, params) == -1 &&
		     errno == ENOSYS;
	sandbox_no_new_privileges(&s);
	sandbox_seccomp(false, SANDBOX_NO_DATABASE, &s);
	if (!s.holds)
		return NOT_HERE;
	return is_refused ? 0 : 1;
}

static void
a_loop_gets_no_ring_and_lives(void **state)
{
	int rc = in_process(ring, NULL);

	(void)state;
	if (rc == NOT_HERE)
		skip();
	assert_int_equal(rc, 0);
}

static bool
is_denied(long rc)
{
	return rc == -1 && errno == ENOSYS;
}

static bool
is_not_connected(ssize_t rc)
{
	return rc == -1 && (errno == EPIPE || errno == ENOTCONN);
}

/* 0, or the number of the first that does not hold. */
static int
arguments(const char *dir)
{
	struct sandbox_state s;
	struct rlimit limit;
	struct iovec io = { (void *)(uintptr_t) "x", 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
	struct mmsghdr many = { .msg_hdr = m };
	char path[200];
	int fd;

	sandbox_no_new_privileges(&s);
	sandbox_seccomp(false, SANDBOX_NO_DATABASE, &s);
	if (!s.holds)
		return NOT_HERE;
	if (prlimit(0, RLIMIT_NOFILE, NULL, &limit) != 0)
		return 1;
	if (!is_denied(prlimit(getppid(), RLIMIT_NOFILE, NULL, &limit)))
		return 2;
	if (fcntl(1, F_GETFD) < 0 || fcntl(1, F_GETFL) < 0)
		return 3;
	if (!is_denied(fcntl(1, F_SETOWN, getppid())) ||
	    !is_denied(fcntl(1, F_SETFL, 0)))
		return 4;
	(void)snprintf(path, sizeof(path), "%s/x", dir);
	if (!is_denied(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 04700)) ||
	    !is_denied(open(dir, O_WRONLY | O_TMPFILE | O_CLOEXEC, 02700)) ||
	    !is_denied(mkdir(path, 02700)) || !is_denied(chmod(dir, 0777)) ||
	    !is_denied(fchmod(1, 0777)))
		return 5;
	if (syscall(SYS_openat, AT_FDCWD, dir, O_RDONLY, 07777) < 0)
		return 6;
	if (mkdir(path, 0700) != 0 || rmdir(path) != -1 ||
	    unlinkat(AT_FDCWD, path, AT_REMOVEDIR) != 0)
		return 7;
	if (open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 ||
	    unlink(path) != 0)
		return 8;
	if (hides_sockets)
		return 0;
	if (socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) < 0 ||
	    !is_denied(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)))
		return 12;
	fd = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	if (fd < 0 || !is_denied(socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP)))
		return 9;
	if (!is_denied(sendto(fd, "x", 1, MSG_FASTOPEN, NULL, 0)) ||
	    !is_denied(sendmsg(fd, &m, MSG_FASTOPEN)) ||
	    !is_denied(sendmmsg(fd, &many, 1, 0)))
		return 10;
	if (!is_not_connected(send(fd, "x", 1, MSG_NOSIGNAL)) ||
	    !is_not_connected(sendmsg(fd, &m, MSG_NOSIGNAL)))
		return 11;
	return 0;
}

static void
some_calls_are_allowed_by_their_arguments(void **state)
{
	char dir[64];
	int rc;

	(void)state;
	temp_dir(dir, sizeof(dir), "relais-sandbox");
	rc = in_process(arguments, dir);
	(void)rmdir(dir);
	if (rc == NOT_HERE)
		skip();
	assert_int_equal(rc, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_machine_has_its_list),
		cmocka_unit_test(a_file_outside_cannot_be_opened),
		cmocka_unit_test(an_unknown_call_fails_and_a_program_kills),
		cmocka_unit_test(a_loop_gets_no_ring_and_lives),
		cmocka_unit_test(some_calls_are_allowed_by_their_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
