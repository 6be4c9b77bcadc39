/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sockets.h - connected sockets on loopback, and turning the loop until
 * something is true.
 */
#ifndef TESTS_LIB_SOCKETS_H
#define TESTS_LIB_SOCKETS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listen.h"
#include "net/loop.h"
#include "tests/lib/check.h"

/* Hangs if it never comes true: call alarm() in main(). */
#define TURN_UNTIL(l, condition)                                               \
	do {                                                                   \
		while (!(condition))                                           \
			loop_run_once((l), true);                              \
	} while (0)

enum { TEST_ALARM_S = 300 };

static inline int
connect_to(int family, int port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (family == AF_INET)
		assert_int_equal(
		    connect(fd, (struct sockaddr *)&v4, sizeof(v4)), 0);
	else
		assert_int_equal(
		    connect(fd, (struct sockaddr *)&v6, sizeof(v6)), 0);
	return fd;
}

/* Both ends of a TCP connection; fds[0] is the accepted one.  A small buffer
 * (0: as it comes) makes every write a partial one. */
static inline void
tcp_pair(int fds[2], int buffer_bytes)
{
	struct err err;
	int listening = listen_tcp("127.0.0.1", 0, &err);

	assert_true(listening >= 0);
	if (buffer_bytes > 0)
		assert_int_equal(setsockopt(listening, SOL_SOCKET, SO_RCVBUF,
				     &buffer_bytes, sizeof(buffer_bytes)),
		    0);
	fds[1] = connect_to(AF_INET, listen_port(listening));
	fds[0] = accept(listening, NULL, NULL);
	assert_true(fds[0] >= 0);
	(void)close(listening);
	for (int i = 0; i < 2 && buffer_bytes > 0; i++)
		assert_int_equal(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF,
				     &buffer_bytes, sizeof(buffer_bytes)),
		    0);
}

#endif
