/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is at the other end.  R20, R38. */
#include "tests/lib/check.h"

#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "net/peer.h"
#include "sys/clock_sys.h"
#include "tests/lib/loop_fixture.h"
#include "tests/lib/sockets.h"
#include "tests/lib/temp.h"
#include "tests/lib/userns.h"

enum { OTHER_UID = 65534 };

static struct peer_diag diag = { .fd = -1 };

/* The kernel of some sandboxes answers no questions about sockets. */
static bool
can_ask(void)
{
	int fds[2];
	bool ok;

	tcp_pair(fds, 0);
	ok = peer_uid(&diag, fds[0], NULL) < UID_HIDDEN;
	(void)close(fds[0]);
	(void)close(fds[1]);
	return ok;
}

static void
both_families_name_the_user(void **state)
{
	static const struct {
		const char *host;
		int family;
	} rows[] = { { "127.0.0.1", AF_INET }, { "::1", AF_INET6 } };

	(void)state;
	if (!can_ask())
		skip();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err;
		int listening = listen_tcp(rows[i].host, 0, &err), fd, own;

		if (listening < 0)
			continue; /* no IPv6 here */
		fd = connect_to(rows[i].family, listen_port(listening));
		own = accept(listening, NULL, NULL);
		assert_int_equal(peer_uid(&diag, own, NULL), getuid());
		assert_int_equal(
		    peer_uid(&diag, own, NULL), getuid()); /* again */
		(void)close(fd);
		(void)close(own);
		(void)close(listening);
	}
}

/* A client on an IPv6 socket that speaks IPv4. */
static void
mapped_addresses_are_found(void **state)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	struct err err;
	int listening = listen_tcp("127.0.0.1", 0, &err);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), own;

	(void)state;
	if (fd < 0 || !can_ask())
		skip();
	to.sin6_port = htons((uint16_t)listen_port(listening));
	to.sin6_addr.s6_addr[10] = to.sin6_addr.s6_addr[11] = 0xff;
	to.sin6_addr.s6_addr[12] = 127;
	to.sin6_addr.s6_addr[15] = 1;
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	own = accept(listening, NULL, NULL);
	assert_int_equal(peer_uid(&diag, own, NULL), getuid());
	(void)close(fd);
	(void)close(own);
	(void)close(listening);
}

/* The kernel reports root for a socket whose process has closed it. */
static void
a_client_that_has_hung_up_is_hidden_and_not_root(void **state)
{
	int fds[2];

	(void)state;
	tcp_pair(fds, 0);
	assert_int_equal(send(fds[1], "EHLO x\r\n", 8, 0), 8);
	(void)close(fds[1]);
	assert_int_equal(peer_uid(&diag, fds[0], NULL), UID_HIDDEN);
	(void)close(fds[0]);
}

/* A connection whose client has vanished without a word to its peer, as if it
 * had been on another machine all along, and a listener on the client's port.
 * -1: somebody else took the port first.  False: only root can do that. */
static bool
vanish_and_listen(int *ret_own, int *ret_again)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct err err;
	socklen_t len = sizeof(from);
	int fds[2], on = 1;

	tcp_pair(fds, 0);
	assert_int_equal(
	    getsockname(fds[1], (struct sockaddr *)&from, &len), 0);
	*ret_own = fds[0];
	if (setsockopt(fds[1], IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) != 0)
		return false;
	(void)close(fds[1]);
	*ret_again = listen_tcp("127.0.0.1", ntohs(from.sin_port), &err);
	return true;
}

/* With no such connection the kernel offers a listening socket on the same
 * port instead; its owner is not the client. */
static void
a_listener_on_the_clients_port_is_not_the_client(void **state)
{
	int own, again = -1;

	(void)state;
	for (int i = 0; again < 0 && i < 20; i++) {
		if (i > 0)
			(void)close(own);
		if (!vanish_and_listen(&own, &again))
			skip();
	}
	assert_true(again >= 0);
	assert_int_equal(peer_uid(&diag, own, NULL), UID_HIDDEN);
	(void)close(again);
	(void)close(own);
}

static int
connect_as(uid_t uid, const char *path, int port)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (setuid(uid) != 0)
		return 1;
	if (path == NULL)
		fd = connect_to(AF_INET, port);
	else {
		memcpy(sun.sun_path, path, strlen(path));
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0)
			return 1;
	}
	(void)pause();
	return fd >= 0 ? 0 : 1;
}

static void
check_other(int listening, const char *path, int port)
{
	pid_t child = fork();
	int own;

	assert_true(child >= 0);
	if (child == 0)
		_exit(connect_as(OTHER_UID, path, port));
	own = accept(listening, NULL, NULL);
	assert_int_equal(peer_uid(&diag, own, NULL), OTHER_UID);
	assert_int_equal(kill(child, SIGTERM), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	(void)close(own);
	(void)close(listening);
}

static void
another_user_is_told_apart(void **state)
{
	char dir[64], path[80];
	struct err err;
	int fd;

	(void)state;
	if (getuid() != 0 || !can_ask())
		skip();
	fd = listen_tcp("127.0.0.1", 0, &err);
	check_other(fd, NULL, listen_port(fd));

	temp_dir(dir, sizeof(dir), "relais-peer");
	assert_int_equal(chown(dir, OTHER_UID, (gid_t)-1), 0);
	(void)snprintf(path, sizeof(path), "%s/s", dir);
	fd = listen_unix(path, 0666, &err);
	check_other(fd, path, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* The daemon has given up root by then. */
static void
asking_needs_no_privilege(void **state)
{
	pid_t child;
	int fds[2], status;

	(void)state;
	if (getuid() != 0 || !can_ask())
		skip();
	tcp_pair(fds, 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct peer_diag own = { .fd = -1 };

		if (setuid(OTHER_UID) != 0)
			_exit(2);
		_exit(peer_uid(&own, fds[0], NULL) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* 65534 there is everybody else, and must not be taken for user nobody. */
static void
whom_a_user_namespace_hides_is_hidden(void **state)
{
	enum { CANNOT = 77 };
	int fds[2], of_unix[2], status;
	pid_t child;

	(void)state;
	if (getuid() != 0 || !can_ask())
		skip();
	tcp_pair(fds, 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, of_unix), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct peer_diag own = { .fd = -1 };

		if (!enter_own_userns(4711))
			_exit(CANNOT);
		_exit(peer_uid(&own, fds[0], NULL) != UID_HIDDEN ||
		      peer_uid(&own, of_unix[0], NULL) != UID_HIDDEN);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)close(of_unix[0]);
	(void)close(of_unix[1]);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == CANNOT)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_families_name_the_user),
		cmocka_unit_test(mapped_addresses_are_found),
		cmocka_unit_test(
		    a_client_that_has_hung_up_is_hidden_and_not_root),
		cmocka_unit_test(
		    a_listener_on_the_clients_port_is_not_the_client),
		cmocka_unit_test(another_user_is_told_apart),
		cmocka_unit_test(asking_needs_no_privilege),
		cmocka_unit_test(whom_a_user_namespace_hides_is_hidden),
	};

	(void)alarm(TEST_ALARM_S);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
