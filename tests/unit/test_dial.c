/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The classes of failure and their sentences.  R54. */
#include "tests/lib/check.h"

#include "net/dial.h"
#include "net/stream.h"
#include "sys/clock_sys.h"
#include "tests/lib/loop_fixture.h"
#include "tests/lib/sockets.h"

static struct dial_result got;
static int told;

static void
on_told(void *ctx, const struct dial_result *r)
{
	(void)ctx;
	told++;
	got = *r;
}

static void
dial(const char *host, int port, int64_t timeout_ms)
{
	struct dial *d;

	told = 0;
	d = dial_new(l, host, port, timeout_ms, on_told, NULL);
	assert_int_equal(told, 0); /* never from within */
	TURN_UNTIL(l, told > 0);
	dial_free(d);
	loop_run_once(l, false);
	assert_int_equal(told, 1);
	if (got.fault != DIAL_OK) {
		assert_null(got.stream);
		assert_int_equal(got.err.class, ERR_NETWORK);
		assert_non_null(strstr(got.err.text, host));
	}
}

static void
names_and_addresses_are_dialled(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost" };
	struct err err;
	int fd = listen_tcp("127.0.0.1", 0, &err);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		dial(hosts[i], listen_port(fd), 5000);
		assert_int_equal(got.fault, DIAL_OK);
		assert_non_null(got.stream);
		assert_string_equal(stream_peer_host(got.stream), "127.0.0.1");
		assert_int_equal(stream_peer_port(got.stream), listen_port(fd));
		stream_free(got.stream);
	}
	(void)close(fd);
}

static void
an_address_may_stand_in_brackets(void **state)
{
	struct err err;
	int fd = listen_tcp("::1", 0, &err);

	(void)state;
	if (fd < 0)
		skip(); /* no IPv6 here */
	dial("[::1]", listen_port(fd), 5000);
	assert_int_equal(got.fault, DIAL_OK);
	assert_string_equal(stream_peer_host(got.stream), "::1");
	assert_string_equal(stream_local_literal(got.stream), "[IPv6:::1]");
	stream_free(got.stream);
	(void)close(fd);
}

static void
a_refusal_is_told_as_one(void **state)
{
	struct err err;
	int fd = listen_tcp("127.0.0.1", 0, &err), port = listen_port(fd);

	(void)state;
	(void)close(fd);
	dial("127.0.0.1", port, 5000);
	assert_int_equal(got.fault, DIAL_REFUSED);
	assert_non_null(
	    strstr(got.err.text, "connection refused; nothing listens"));
}

static void
silence_is_told_as_a_filter(void **state)
{
	struct err err;
	int fd = listen_tcp("127.0.0.1", 0, &err);
	int filling[8];
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)listen_port(fd)),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };

	(void)state;
	assert_int_equal(listen(fd, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(filling); i++) {
		filling[i] = socket(
		    AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		IGNORE(connect(filling[i], (struct sockaddr *)&to, sizeof(to)));
	}
	(void)usleep(50000);
	dial("127.0.0.1", listen_port(fd), 300);
	assert_int_equal(got.fault, DIAL_SILENT);
	assert_non_null(strstr(got.err.text, "no answer within"));
	assert_non_null(strstr(got.err.text, "filtered"));
	for (size_t i = 0; i < ARRAY_LEN(filling); i++)
		(void)close(filling[i]);
	(void)close(fd);
}

/* .invalid never resolves (RFC 6761); the resolver itself may be away, which
 * is the same to us: never permanent, always the same class. */
static void
a_name_without_address_is_told(void **state)
{
	(void)state;
	dial("no-such-host.invalid", 465, 20000);
	assert_int_equal(got.fault, DIAL_LOOKUP);
	assert_non_null(
	    strstr(got.err.text, "no address for no-such-host.invalid: "));
	assert_non_null(strstr(got.err.text, "/etc/resolv.conf"));
	dial("a..b", 465, 20000);
	assert_int_equal(got.fault, DIAL_LOOKUP);
}

/* Of a host whose addresses are known one may be chosen. */
static void
a_chosen_address_is_dialled(void **state)
{
	struct err err;
	int fd = listen_tcp("127.0.0.1", 0, &err);
	struct sockaddr_storage to = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&to;
	struct dial *d;

	(void)state;
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)listen_port(fd));
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	told = 0;
	d = dial_new_to(l,
	    &(struct dial_target) { .host = "no-such-host.invalid",
		.port = listen_port(fd),
		.addrs = &to,
		.n = 1 },
	    5000, on_told, NULL);
	TURN_UNTIL(l, told > 0);
	dial_free(d);
	assert_int_equal(got.fault, DIAL_OK);
	stream_free(got.stream);
	(void)close(fd);
}

static void
on_given_up(void *ctx, const struct dial_result *r)
{
	const bool *is_given_up = ctx;

	(void)r; /* the look-up may have failed before */
	assert_false(*is_given_up);
}

static void
a_dial_can_be_given_up_at_any_moment(void **state)
{
	bool is_given_up[4] = { false };

	(void)state;
	for (int turns = 0; turns < 4; turns++) {
		struct dial *d = dial_new(l, "no-such-host.invalid", 465, 5000,
		    on_given_up, &is_given_up[turns]);

		for (int i = 0; i < turns; i++)
			loop_run_once(l, false);
		dial_free(d);
		is_given_up[turns] = true;
	}
	dial_free(NULL);
	for (int i = 0; i < 10; i++)
		loop_run_once(l, false);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_addresses_are_dialled),
		cmocka_unit_test(an_address_may_stand_in_brackets),
		cmocka_unit_test(a_refusal_is_told_as_one),
		cmocka_unit_test(silence_is_told_as_a_filter),
		cmocka_unit_test(a_name_without_address_is_told),
		cmocka_unit_test(a_chosen_address_is_dialled),
		cmocka_unit_test(a_dial_can_be_given_up_at_any_moment),
	};

	(void)alarm(TEST_ALARM_S);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
