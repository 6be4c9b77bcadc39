/* SPDX-License-Identifier: GPL-3.0-or-later */
/* delay - a TCP proxy that plays a far provider: every byte arrives half a
 * round trip late, in both directions, and a new connection costs what it does
 * at that distance: one round trip until the client may speak, two until it
 * has heard the greeting.  Bandwidth is not limited, and TCP does not start
 * slowly.
 *
 *	delay LISTEN_PORT TARGET_PORT ROUND_TRIP_MS
 *
 * On 127.0.0.1 only.  Ends with SIGTERM.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/xalloc.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/stream.h"
#include "sys/clock_sys.h"

enum { LINGER_MS = 2000 };

struct piece {
	struct list link;
	int64_t at_ms; /* when it arrives */
	size_t n, sent; /* n 0: the end */
	char bytes[];
};

struct pair;

struct side {
	struct pair *pair;
	struct stream *stream; /* NULL until connected, and when closed */
	struct side *other;
	struct list coming; /* pieces on their way to this side */
	struct loop_timer *timer;
	bool has_ended; /* its end is on the way to the other */
};

struct pair {
	struct delay *d;
	struct side near, far;
	struct loop_timer *dial;
	struct loop_task gone;
};

struct delay {
	struct loop *loop;
	struct listener *listener;
	int target;
	int64_t half_ms;
};

static int64_t
now_ms(void)
{
	return clock_boot_ms(clock_sys());
}

static void
side_free(struct side *s)
{
	list_foreach (it, &s->coming)
		free(list_entry(it, struct piece, link));
	loop_timer_free(s->timer);
	if (s->stream != NULL)
		stream_finish(s->stream, LINGER_MS);
}

static void
on_gone(struct loop_task *t)
{
	struct pair *p = list_entry(t, struct pair, gone);

	side_free(&p->near);
	side_free(&p->far);
	loop_timer_free(p->dial);
	free(p);
}

static void
send_on(struct side *s, const void *bytes, size_t n)
{
	struct piece *x = xmalloc(sizeof(*x) + n);

	x->at_ms = now_ms() + s->pair->d->half_ms;
	x->n = n;
	x->sent = 0;
	memcpy(x->bytes, bytes, n);
	if (list_is_empty(&s->coming))
		loop_timer_set(s->timer, x->at_ms);
	list_append(&s->coming, &x->link);
}

/* What has arrived by now goes out. */
static void
deliver(void *ctx)
{
	struct side *s = ctx;

	if (s->stream == NULL)
		return;
	list_foreach (it, &s->coming) {
		struct piece *x = list_entry(it, struct piece, link);

		if (x->at_ms > now_ms()) {
			loop_timer_set(s->timer, x->at_ms);
			return;
		}
		if (x->n == 0) {
			loop_soon(s->pair->d->loop, &s->pair->gone);
			return;
		}
		x->sent += stream_write(
		    s->stream, x->bytes + x->sent, x->n - x->sent);
		if (x->sent < x->n)
			return; /* on_ready() goes on */
		list_remove(it);
		free(x);
	}
}

static void
on_ready(void *ctx)
{
	struct side *s = ctx;
	const void *p;
	size_t n;

	while ((n = stream_peek(s->stream, &p)) > 0) {
		send_on(s->other, p, n);
		stream_used(s->stream, n);
	}
	if (!s->has_ended &&
	    (stream_at_eof(s->stream) || stream_error(s->stream) != NULL)) {
		s->has_ended = true;
		send_on(s->other, "", 0);
	}
	deliver(s);
}

static void
on_dial(void *ctx)
{
	struct pair *p = ctx;
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)p->d->target),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		(void)close(fd); /* or never open */
		loop_soon(p->d->loop, &p->gone);
		return;
	}
	p->far.stream = stream_new(p->d->loop, fd, on_ready, &p->far);
	deliver(&p->far);
}

static void
side_init(struct side *s, struct pair *p, struct side *other)
{
	s->pair = p;
	s->other = other;
	list_init(&s->coming);
	s->timer = loop_timer_new(p->d->loop, deliver, s);
}

static void
on_accepted(void *ctx, int fd)
{
	struct delay *d = ctx;
	struct pair *p = xcalloc(1, sizeof(*p));

	p->d = d;
	side_init(&p->near, p, &p->far);
	side_init(&p->far, p, &p->near);
	loop_task_init(&p->gone, on_gone);
	p->near.stream = stream_new(d->loop, fd, on_ready, &p->near);
	/* The kernel has taken it at once.  From afar the server would see the
	 * last third of the handshake after one and a half round trips, and
	 * its greeting needs another half. */
	p->dial = loop_timer_new(d->loop, on_dial, p);
	loop_timer_set(p->dial, now_ms() + 3 * d->half_ms);
}

static void
on_signal(void *ctx, int sig)
{
	(void)sig;
	loop_stop(ctx);
}

int
main(int argc, char **argv)
{
	struct delay d = { 0 };
	struct err err;
	int fd;

	if (argc != 4) {
		(void)fprintf(stderr,
		    "usage: delay LISTEN_PORT TARGET_PORT ROUND_TRIP_MS\n");
		return EXIT_FAILURE;
	}
	d.target = atoi(argv[2]);
	d.half_ms = atoi(argv[3]) / 2;
	if (loop_new(clock_sys(), &d.loop, &err) != 0 ||
	    loop_on_signal(d.loop, SIGTERM, on_signal, d.loop, &err) != 0 ||
	    (fd = listen_tcp("127.0.0.1", atoi(argv[1]), &err)) < 0 ||
	    listener_new(d.loop, fd, on_accepted, &d, &d.listener, &err) != 0) {
		(void)fprintf(stderr, "delay: %s\n", err.text);
		return EXIT_FAILURE;
	}
	loop_run(d.loop);
	return EXIT_SUCCESS;
}
