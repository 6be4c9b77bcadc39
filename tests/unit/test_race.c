/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RFC 8305 on loopback.  A port that is "filtered" is played by a listening
 * socket whose backlog is full: the kernel drops what comes then.  R55. */
#include "tests/lib/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>

#include "base/clock.h"
#include "net/race.h"
#include "tests/lib/sockets.h"

static struct loop *l;

/* Stands still unless a test moves it: what happens then needed no waiting. */
static int64_t fake_ms;

static int64_t
fake_boot_ms(void *ctx)
{
	(void)ctx;
	return fake_ms;
}

static const struct clock fake = { .boot_ms = fake_boot_ms };

static struct sockaddr_storage
address(const char *text, int port)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port) };

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		memcpy(&ss, &v4, sizeof(v4));
	else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		memcpy(&ss, &v6, sizeof(v6));
	return ss;
}

/* Nobody will ever answer there. */
struct hole {
	int listening, filling[8];
	int port;
};

static void
hole_open(struct hole *h, const char *host)
{
	struct sockaddr_storage to;
	struct err err;

	h->listening = listen_tcp(host, 0, &err);
	assert_true(h->listening >= 0);
	assert_int_equal(listen(h->listening, 0), 0);
	h->port = listen_port(h->listening);
	to = address(host, h->port);
	for (size_t i = 0; i < ARRAY_LEN(h->filling); i++) {
		h->filling[i] = socket(to.ss_family,
		    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		IGNORE(connect(h->filling[i], (struct sockaddr *)&to,
		    to.ss_family == AF_INET ? sizeof(struct sockaddr_in)
					    : sizeof(struct sockaddr_in6)));
	}
	(void)usleep(50000);
}

static void
hole_close(struct hole *h)
{
	for (size_t i = 0; i < ARRAY_LEN(h->filling); i++)
		(void)close(h->filling[i]);
	(void)close(h->listening);
}

static int told, got_fd, got_os;

static void
on_told(void *ctx, int fd, int os)
{
	(void)ctx;
	told++;
	got_fd = fd;
	got_os = os;
}

/* The winner is in got_fd. */
static void
run_race(const struct sockaddr_storage *addrs, size_t n, int64_t wait_ms)
{
	struct race *r;

	told = 0;
	r = race_new(l, addrs, n, on_told, NULL);
	assert_int_equal(told, 0); /* never from within */
	if (wait_ms > 0) {
		for (int i = 0; i < 20; i++) {
			loop_run_once(l, false);
			(void)usleep(1000);
		}
		fake_ms += wait_ms - 1;
		loop_run_once(l, false);
		assert_int_equal(told, 0);
		fake_ms++;
	}
	TURN_UNTIL(l, told > 0);
	race_free(r);
	for (int i = 0; i < 5; i++)
		loop_run_once(l, false);
	assert_int_equal(told, 1);
}

static int
peer_family(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	assert_int_equal(getpeername(fd, (struct sockaddr *)&ss, &len), 0);
	return ss.ss_family;
}

static int
set_up(void **state)
{
	struct err err;

	(void)state;
	return loop_new(&fake, &l, &err);
}

static int
tear_down(void **state)
{
	(void)state;
	loop_free(l);
	return 0;
}

static int
open_v4(void)
{
	struct err err;
	int fd = listen_tcp("127.0.0.1", 0, &err);

	assert_true(fd >= 0);
	return fd;
}

static bool
has_ipv6(void)
{
	struct err err;
	int fd = listen_tcp("::1", 0, &err);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

static int
refusing_port(void)
{
	int fd = open_v4(), port = listen_port(fd);

	(void)close(fd);
	return port;
}

static void
the_only_address_wins(void **state)
{
	int fd = open_v4();
	struct sockaddr_storage a = address("127.0.0.1", listen_port(fd));
	int on = 0;
	unsigned ms = 0;
	socklen_t len = sizeof(on);

	(void)state;
	run_race(&a, 1, 0);
	assert_true(got_fd >= 0);
	assert_true((fcntl(got_fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(got_fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(
	    getsockopt(got_fd, SOL_SOCKET, SO_KEEPALIVE, &on, &len), 0);
	assert_int_equal(on, 1);
	/* R48: bytes that nobody acknowledges are an error before long. */
	len = sizeof(ms);
	assert_int_equal(
	    getsockopt(got_fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &len), 0);
	assert_true(ms > 0 && ms <= 5 * 60 * 1000);
	(void)close(got_fd);
	(void)close(fd);
}

static void
a_refusal_moves_on_at_once(void **state)
{
	int fd = open_v4();
	struct sockaddr_storage a[3] = { address("127.0.0.1", refusing_port()),
		address("127.0.0.1", refusing_port()),
		address("127.0.0.1", listen_port(fd)) };

	(void)state;
	run_race(a, 3, 0);
	assert_true(got_fd >= 0);
	(void)close(got_fd);
	(void)close(fd);
}

static void
all_refusing_is_told_as_refused(void **state)
{
	struct sockaddr_storage a[2] = { address("127.0.0.1", refusing_port()),
		address("127.0.0.1", refusing_port()) };

	(void)state;
	run_race(a, 2, 0);
	assert_int_equal(got_fd, -1);
	assert_int_equal(got_os, ECONNREFUSED);
}

/* R55: the first byte does not wait for a dead IPv6; and the next race begins
 * with the family that worked. */
static void
a_silent_family_costs_a_quarter_second_once(void **state)
{
	int fd = open_v4();
	struct sockaddr_storage a[3];
	struct hole hole;

	(void)state;
	if (!has_ipv6()) {
		(void)close(fd);
		skip();
	}
	hole_open(&hole, "::1");
	a[0] = address("::1", hole.port);
	a[1] = address("::1", hole.port);
	a[2] = address("127.0.0.1", listen_port(fd));
	/* The families alternate: one silent attempt, not two. */
	run_race(a, 3, 250);
	assert_int_equal(peer_family(got_fd), AF_INET);
	(void)close(got_fd);

	run_race(a, 3, 0);
	assert_int_equal(peer_family(got_fd), AF_INET);
	(void)close(got_fd);

	fake_ms += 3600 * 1000; /* forgotten after an hour */
	run_race(a, 3, 250);
	assert_int_equal(peer_family(got_fd), AF_INET);
	(void)close(got_fd);
	hole_close(&hole);
	(void)close(fd);
}

static void
a_race_can_be_given_up(void **state)
{
	struct sockaddr_storage a;
	struct hole hole;
	struct race *r;

	(void)state;
	hole_open(&hole, "127.0.0.1");
	a = address("127.0.0.1", hole.port);
	told = 0;
	r = race_new(l, &a, 1, on_told, NULL);
	race_free(r); /* before it began */
	r = race_new(l, &a, 1, on_told, NULL);
	for (int i = 0; i < 5; i++)
		loop_run_once(l, false);
	race_free(r);
	for (int i = 0; i < 5; i++)
		loop_run_once(l, false);
	assert_int_equal(told, 0);
	hole_close(&hole);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_only_address_wins),
		cmocka_unit_test(a_refusal_moves_on_at_once),
		cmocka_unit_test(all_refusing_is_told_as_refused),
		cmocka_unit_test(a_silent_family_costs_a_quarter_second_once),
		cmocka_unit_test(a_race_can_be_given_up),
	};

	(void)alarm(TEST_ALARM_S);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
