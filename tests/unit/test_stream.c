/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streams on real sockets.  R5, R65, R66, R71. */
#include "tests/lib/check.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "net/loop.h"
#include "net/peer.h"
#include "net/stream.h"
#include "sys/clock_sys.h"
#include "tests/lib/certs.h"
#include "tests/lib/loop_fixture.h"
#include "tests/lib/sockets.h"
#include "tls/tls_ctx.h"
#include "tls/tls_pipe.h"

#define HOST "smtp.example.org"

/* One end: what it has got, what it still wants to say. */
struct end {
	struct stream *s;
	struct buf got;
	size_t to_send, sent;
	size_t take_max; /* bytes read in one ready(), 0: all */
	int ready;
	bool is_eof, has_failed, is_deaf;
	bool echoes;
};

static char
pattern(size_t at)
{
	return (char)(at * 7 + at / 251);
}

static void
send_more(struct end *e)
{
	char part[5000];
	size_t n;

	while (e->sent < e->to_send && (n = stream_room(e->s)) > 0) {
		if (n > sizeof(part))
			n = sizeof(part);
		if (n > e->to_send - e->sent)
			n = e->to_send - e->sent;
		for (size_t i = 0; i < n; i++)
			part[i] = pattern(e->sent + i);
		assert_int_equal(stream_write(e->s, part, n), n);
		e->sent += n;
	}
}

static void
read_more(struct end *e)
{
	size_t n, taken = 0;
	const void *p;

	while ((n = stream_peek(e->s, &p)) > 0 &&
	       (e->take_max == 0 || taken < e->take_max)) {
		if (e->take_max > 0 && n > e->take_max - taken)
			n = e->take_max - taken;
		assert_true(buf_add(&e->got, p, n));
		if (e->echoes)
			assert_int_equal(stream_write(e->s, p, n), n);
		stream_used(e->s, n);
		taken += n;
	}
}

static void
on_ready(void *ctx)
{
	struct end *e = ctx;

	e->ready++;
	if (stream_error(e->s) != NULL)
		e->has_failed = true;
	if (!e->is_deaf)
		read_more(e);
	if (stream_at_eof(e->s))
		e->is_eof = true;
	send_more(e);
}

static void
end_open(struct end *e, int fd)
{
	*e = (struct end) { 0 };
	buf_init(&e->got, 8000000);
	e->s = stream_new(l, fd, on_ready, e);
}

static void
end_close(struct end *e)
{
	stream_free(e->s);
	buf_clear(&e->got);
}

static bool
got_pattern(const struct end *e, size_t n)
{
	const char *p = buf_str(&e->got);

	if (buf_len(&e->got) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (p[i] != pattern(i))
			return false;
	return true;
}

/* --- in clear ----------------------------------------------------------- */

static void
what_is_written_comes_back(void **state)
{
	struct end a, b;
	int fds[2];

	(void)state;
	tcp_pair(fds, 0);
	end_open(&a, fds[0]);
	end_open(&b, fds[1]);
	b.echoes = true;
	a.to_send = 1000;
	send_more(&a);
	assert_int_equal(stream_unsent(a.s), 1000); /* not before the turn */
	TURN_UNTIL(l, buf_len(&a.got) == 1000);
	assert_true(got_pattern(&a, 1000));
	assert_string_equal(stream_peer_host(a.s), "127.0.0.1");
	assert_true(stream_peer_port(a.s) > 0);
	assert_string_equal(stream_local_literal(a.s), "[127.0.0.1]");
	assert_int_equal(stream_peer_uid(a.s), getuid());
	end_close(&a);
	end_close(&b);
}

static void
a_unix_socket_serves_as_well(void **state)
{
	struct end a, b;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	end_open(&a, fds[0]);
	end_open(&b, fds[1]);
	a.to_send = b.to_send = 300000;
	send_more(&a);
	send_more(&b);
	TURN_UNTIL(l, buf_len(&a.got) == 300000 && buf_len(&b.got) == 300000);
	assert_true(got_pattern(&a, 300000));
	assert_true(got_pattern(&b, 300000));
	assert_string_equal(stream_peer_host(a.s), "");
	assert_string_equal(stream_local_literal(a.s), "");
	assert_int_equal(stream_peer_uid(a.s), getuid());
	end_close(&a);
	end_close(&b);
}

/* R66: the smallest buffers the kernel gives, both ways at once, and readers
 * that take a little at a time. */
static void
partial_writes_lose_nothing(void **state)
{
	static const size_t takes[] = { 1000, 0 };
	enum { SIZE = 1000000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(takes); i++) {
		struct end a, b;
		int fds[2];

		tcp_pair(fds, 1);
		end_open(&a, fds[0]);
		end_open(&b, fds[1]);
		a.to_send = b.to_send = SIZE;
		a.take_max = takes[i];
		send_more(&a);
		send_more(&b);
		/* A reader who left something looks again by himself. */
		while (buf_len(&a.got) < SIZE || buf_len(&b.got) < SIZE) {
			loop_run_once(l, takes[i] == 0);
			read_more(&a);
		}
		assert_true(got_pattern(&a, SIZE));
		assert_true(got_pattern(&b, SIZE));
		end_close(&a);
		end_close(&b);
	}
}

/* Where the kernel takes a full stream at once nothing is left in flight, so
 * no end of a write tells the driver to go on. */
static void
a_driver_that_filled_the_stream_is_told_of_room(void **state)
{
	enum { SIZE = 3000000, SNDBUF = 8000000 };
	struct end a, b;
	int fds[2], size = SNDBUF;

	(void)state;
	tcp_pair(fds, 0);
	IGNORE(setsockopt(
	    fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size))); /* as much
	    as this machine lets us */
	end_open(&a, fds[0]);
	end_open(&b, fds[1]);
	a.to_send = SIZE;
	send_more(&a);
	TURN_UNTIL(l, buf_len(&b.got) == SIZE);
	assert_true(got_pattern(&b, SIZE));
	end_close(&a);
	end_close(&b);
}

static void
a_driver_that_does_not_read_stops_the_sender(void **state)
{
	struct end a, b;
	int fds[2];

	(void)state;
	tcp_pair(fds, 1);
	end_open(&a, fds[0]);
	end_open(&b, fds[1]);
	a.is_deaf = true;
	b.to_send = 4000000;
	send_more(&b);
	for (int i = 0; i < 2000; i++)
		loop_run_once(l, false);
	assert_true(b.sent < 1000000);
	assert_true(stream_unsent(b.s) <= STREAM_UNSENT_MAX);
	a.is_deaf = false;
	read_more(&a); /* and reading goes on, without any event before */
	TURN_UNTIL(l, buf_len(&a.got) == 4000000);
	assert_true(got_pattern(&a, 4000000));
	end_close(&a);
	end_close(&b);
}

static void
the_end_comes_after_the_last_byte(void **state)
{
	struct end a;
	int fds[2];

	(void)state;
	tcp_pair(fds, 0);
	end_open(&a, fds[0]);
	assert_int_equal(send(fds[1], "bye\r\n", 5, 0), 5);
	(void)close(fds[1]);
	TURN_UNTIL(l, a.is_eof);
	assert_buf(&a.got, "bye\r\n");
	assert_null(stream_error(a.s));
	end_close(&a);
}

static void
a_reset_is_an_error_with_a_sentence(void **state)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	struct end a;
	int fds[2];

	(void)state;
	tcp_pair(fds, 0);
	end_open(&a, fds[0]);
	assert_int_equal(
	    setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
	(void)close(fds[1]);
	TURN_UNTIL(l, a.has_failed);
	assert_int_equal(stream_error(a.s)->class, ERR_NETWORK);
	assert_int_equal(stream_error(a.s)->os, ECONNRESET);
	assert_non_null(strstr(stream_error(a.s)->text, "127.0.0.1"));
	/* Writing to it neither stalls nor grows. */
	assert_int_equal(stream_write(a.s, "x", 1), 1);
	assert_int_equal(stream_unsent(a.s), 1); /* nobody got it */
	assert_int_equal(stream_room(a.s), STREAM_UNSENT_MAX);
	end_close(&a);
}

/* R65: a 5xx in the middle of DATA, then a hang-up. */
static void
the_last_words_of_a_peer_that_hung_up_are_heard(void **state)
{
	struct end a;
	int fds[2];

	(void)state;
	tcp_pair(fds, 0);
	end_open(&a, fds[0]);
	assert_int_equal(send(fds[1], "552 full\r\n", 10, 0), 10);
	(void)close(fds[1]);
	/* Two writes: the first draws the reset, the second finds it. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(stream_write(a.s, "body\r\n", 6), 6);
		stream_flush(a.s);
		(void)usleep(20000);
	}
	TURN_UNTIL(l, a.has_failed || a.is_eof);
	assert_buf(&a.got, "552 full\r\n");
	end_close(&a);
}

static void
bytes_that_are_left_are_there_later(void **state)
{
	struct end a;
	int fds[2];
	const void *p;

	(void)state;
	tcp_pair(fds, 0);
	end_open(&a, fds[0]);
	a.take_max = 3;
	assert_int_equal(send(fds[1], "abcdef", 6, 0), 6);
	TURN_UNTIL(l, buf_len(&a.got) == 3);
	assert_int_equal(stream_peek(a.s, &p), 3);
	assert_memory_equal(p, "def", 3);
	assert_int_equal(send(fds[1], "ghi", 3, 0), 3);
	stream_used(a.s, 3); /* nothing left: reading goes on by itself */
	buf_reset(&a.got);
	TURN_UNTIL(l, buf_len(&a.got) == 3);
	assert_buf(&a.got, "ghi");
	end_close(&a);
	(void)close(fds[1]);
}

static void
finishing_sends_the_rest(void **state)
{
	struct end a, b;
	int fds[2];

	(void)state;
	tcp_pair(fds, 1);
	end_open(&a, fds[0]);
	end_open(&b, fds[1]);
	a.to_send = 200000;
	send_more(&a);
	assert_int_equal(a.sent, 200000);
	stream_finish(a.s, 5000);
	TURN_UNTIL(l, b.is_eof);
	assert_true(got_pattern(&b, 200000));
	assert_null(stream_error(b.s));
	end_close(&b);
	buf_clear(&a.got);
}

/* A peer that is still talking must not lose our last words to a reset. */
static void
finishing_outlasts_a_talkative_peer(void **state)
{
	struct end a;
	char got[64] = "";
	int fds[2];

	(void)state;
	tcp_pair(fds, 0);
	end_open(&a, fds[0]);
	a.is_deaf = true;
	assert_int_equal(stream_write(a.s, "521 go away\r\n", 13), 13);
	stream_finish(a.s, 5000);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(send(fds[1], "POST / ", 7, MSG_NOSIGNAL), 7);
		loop_run_once(l, false);
		(void)usleep(1000);
	}
	assert_int_equal(recv(fds[1], got, sizeof(got), 0), 13);
	assert_string_equal(got, "521 go away\r\n");
	assert_int_equal(recv(fds[1], got, sizeof(got), 0), 0);
	(void)close(fds[1]);
	buf_clear(&a.got);
}

static void
finishing_does_not_wait_for_one_who_said_goodbye(void **state)
{
	struct end a, b;
	char got[16] = "";
	int fds[2];

	(void)state;
	tcp_pair(fds, 1);
	end_open(&a, fds[0]);
	end_open(&b, fds[1]);
	a.to_send = 200000;
	send_more(&a);
	stream_said_bye(a.s);
	stream_finish(a.s, 5000);
	TURN_UNTIL(l, b.is_eof);
	assert_true(got_pattern(&b, 200000));
	assert_null(stream_error(b.s));
	end_close(&b);
	buf_clear(&a.got);

	tcp_pair(fds, 0);
	end_open(&a, fds[0]);
	assert_int_equal(stream_write(a.s, "221 bye\r\n", 9), 9);
	stream_said_bye(a.s);
	stream_finish(a.s, 5000);
	loop_run_once(l, false);
	loop_run_once(l, false);
	assert_int_equal(recv(fds[1], got, sizeof(got), MSG_DONTWAIT), 9);
	assert_string_equal(got, "221 bye\r\n");
	assert_int_equal(recv(fds[1], got, sizeof(got), MSG_DONTWAIT), 0);
	/* Closed, not only shut: nobody takes this. */
	assert_int_equal(send(fds[1], "x", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(send(fds[1], "x", 1, MSG_NOSIGNAL), -1);
	(void)close(fds[1]);
	buf_clear(&a.got);
}

static void
finishing_gives_up_in_time(void **state)
{
	struct end a;
	char got[16];
	int fds[2];

	(void)state;
	tcp_pair(fds, 1);
	end_open(&a, fds[0]);
	a.to_send = 250000;
	send_more(&a);
	stream_finish(a.s, 50);
	for (int i = 0; i < 100; i++) {
		loop_run_once(l, false);
		(void)usleep(1000);
	}
	/* Closed with bytes unsent: the reader finds an end. */
	while (recv(fds[1], got, sizeof(got), MSG_DONTWAIT) > 0)
		;
	assert_true(errno != EAGAIN);
	(void)close(fds[1]);
	buf_clear(&a.got);
}

static void
idle_streams_hold_no_buffers(void **state)
{
	enum { MANY = 200, EACH_MAX = 1024 };
	struct end ends[MANY];
	int fds[MANY][2];
	size_t before, after;

	(void)state;
	for (int i = 0; i < MANY; i++)
		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]), 0);
	loop_run_once(l, false);
	before = mallinfo2().uordblks;
	for (int i = 0; i < MANY; i++) {
		end_open(&ends[i], fds[i][0]);
		assert_int_equal(send(fds[i][1], "NOOP\r\n", 6, 0), 6);
	}
	for (int i = 0; i < MANY; i++) {
		TURN_UNTIL(l, buf_len(&ends[i].got) == 6);
		assert_int_equal(stream_write(ends[i].s, "250\r\n", 5), 5);
		buf_clear(&ends[i].got);
	}
	loop_run_once(l, false);
	after = mallinfo2().uordblks;
	if (before != 0) /* a sanitizer has its own allocator */
		assert_true((after - before) / MANY < EACH_MAX);
	for (int i = 0; i < MANY; i++) {
		end_close(&ends[i]);
		(void)close(fds[i][1]);
	}
}

/* --- under TLS ---------------------------------------------------------- */

struct tls_ends {
	struct certs *certs;
	struct tls_ctx *client_ctx, *server_ctx;
	struct end client, server;
};

static void
tls_open(struct tls_ends *t, int buffer_bytes)
{
	static const struct cert_spec spec = { .file = "good",
		.dns = { HOST } };
	struct tls_client_opts client = { 0 };
	struct tls_server_opts server = { 0 };
	struct err err;
	int fds[2];

	t->certs = certs_new();
	certs_make(t->certs, &spec);
	client.ca_file = certs_path(t->certs, "ca.pem");
	server.cert_file = certs_path(t->certs, "good.pem");
	server.key_file = certs_path(t->certs, "good.key");
	assert_int_equal(tls_ctx_new_client(&client, &t->client_ctx, &err), 0);
	assert_int_equal(tls_ctx_new_server(&server, &t->server_ctx, &err), 0);
	tcp_pair(fds, buffer_bytes);
	end_open(&t->server, fds[0]);
	end_open(&t->client, fds[1]);
}

static void
tls_start(struct tls_ends *t)
{
	struct err err;

	assert_int_equal(
	    stream_start_tls(t->server.s, t->server_ctx, NULL, &err), 0);
	assert_int_equal(
	    stream_start_tls(t->client.s, t->client_ctx, HOST, &err), 0);
}

static void
tls_close(struct tls_ends *t)
{
	end_close(&t->client);
	end_close(&t->server);
	tls_ctx_free(t->client_ctx);
	tls_ctx_free(t->server_ctx);
	certs_free(t->certs);
}

static void
tls_carries_the_same_bytes(void **state)
{
	struct tls_ends t;
	enum { SIZE = 1000000 };

	(void)state;
	tls_open(&t, 1);
	tls_start(&t);
	assert_int_equal(stream_room(t.client.s), 0); /* not yet */
	TURN_UNTIL(
	    l, stream_tls_is_up(t.client.s) && stream_tls_is_up(t.server.s));
	t.client.to_send = t.server.to_send = SIZE;
	t.client.take_max = 100;
	send_more(&t.client);
	send_more(&t.server);
	while (buf_len(&t.client.got) < SIZE || buf_len(&t.server.got) < SIZE) {
		loop_run_once(l, false);
		read_more(&t.client);
	}
	assert_true(got_pattern(&t.client, SIZE));
	assert_true(got_pattern(&t.server, SIZE));
	tls_close(&t);
}

static void
starttls_wraps_what_follows(void **state)
{
	struct tls_ends t;

	(void)state;
	tls_open(&t, 0);
	assert_int_equal(stream_write(t.server.s, "220 ready\r\n", 11), 11);
	TURN_UNTIL(l, buf_len(&t.client.got) == 11);
	buf_reset(&t.client.got);
	tls_start(&t);
	TURN_UNTIL(l, stream_tls_is_up(t.client.s) && t.client.ready > 1);
	assert_int_equal(stream_write(t.client.s, "EHLO\r\n", 6), 6);
	TURN_UNTIL(l, buf_len(&t.server.got) == 6);
	assert_buf(&t.server.got, "EHLO\r\n");
	stream_finish(t.server.s, 1000);
	TURN_UNTIL(l, t.client.is_eof);
	assert_int_equal(
	    tls_pipe_write(stream_tls(t.client.s), "x", 1, NULL), 0);
	t.server.s = NULL;
	tls_close(&t);
}

/* R5: what was injected behind the answer to STARTTLS. */
static void
clear_bytes_before_tls_are_refused(void **state)
{
	struct tls_ends t;
	struct err err;

	(void)state;
	tls_open(&t, 0);
	t.client.take_max = 11;
	assert_int_equal(
	    stream_write(t.server.s, "220 ready\r\n250 evil\r\n", 21), 21);
	TURN_UNTIL(l, buf_len(&t.client.got) == 11);
	assert_int_equal(
	    stream_start_tls(t.client.s, t.client_ctx, HOST, &err), -1);
	assert_int_equal(err.class, ERR_TLS);
	assert_non_null(strstr(err.text, "STARTTLS"));
	tls_close(&t);
}

static void
a_failed_handshake_is_told(void **state)
{
	struct tls_ends t;
	struct err err;

	(void)state;
	tls_open(&t, 0);
	assert_int_equal(
	    stream_start_tls(t.server.s, t.server_ctx, NULL, &err), 0);
	assert_int_equal(stream_start_tls(t.client.s, t.client_ctx,
			     "wrong.example.org", &err),
	    0);
	TURN_UNTIL(l, t.client.has_failed && t.server.has_failed);
	assert_int_equal(stream_error(t.client.s)->class, ERR_CERTIFICATE);
	assert_non_null(strstr(stream_error(t.client.s)->text,
	    "is for " HOST ", not wrong.example.org"));
	assert_false(stream_tls_is_up(t.client.s));
	tls_close(&t);
}

static void
a_peer_that_closes_within_the_handshake_is_told(void **state)
{
	struct tls_ends t;
	struct err err;

	(void)state;
	tls_open(&t, 0);
	assert_int_equal(
	    stream_start_tls(t.client.s, t.client_ctx, HOST, &err), 0);
	stream_finish(t.server.s, 1000);
	t.server.s = NULL;
	TURN_UNTIL(l, t.client.has_failed);
	assert_non_null(
	    strstr(stream_error(t.client.s)->text, "closed the connection"));
	tls_close(&t);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_comes_back),
		cmocka_unit_test(a_unix_socket_serves_as_well),
		cmocka_unit_test(partial_writes_lose_nothing),
		cmocka_unit_test(
		    a_driver_that_filled_the_stream_is_told_of_room),
		cmocka_unit_test(a_driver_that_does_not_read_stops_the_sender),
		cmocka_unit_test(the_end_comes_after_the_last_byte),
		cmocka_unit_test(a_reset_is_an_error_with_a_sentence),
		cmocka_unit_test(
		    the_last_words_of_a_peer_that_hung_up_are_heard),
		cmocka_unit_test(bytes_that_are_left_are_there_later),
		cmocka_unit_test(finishing_sends_the_rest),
		cmocka_unit_test(finishing_outlasts_a_talkative_peer),
		cmocka_unit_test(
		    finishing_does_not_wait_for_one_who_said_goodbye),
		cmocka_unit_test(finishing_gives_up_in_time),
		cmocka_unit_test(idle_streams_hold_no_buffers),
		cmocka_unit_test(tls_carries_the_same_bytes),
		cmocka_unit_test(starttls_wraps_what_follows),
		cmocka_unit_test(clear_bytes_before_tls_are_refused),
		cmocka_unit_test(a_failed_handshake_is_told),
		cmocka_unit_test(
		    a_peer_that_closes_within_the_handshake_is_told),
	};

	(void)alarm(TEST_ALARM_S);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
