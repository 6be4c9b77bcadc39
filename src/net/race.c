/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/race.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "net/loop.h"
#include "net/loop_inside.h"

enum {
	STAGGER_MS = 250, /* RFC 8305 section 5 */
	REMEMBER_MS = 3600 * 1000,
	USER_TIMEOUT_MS = 120 * 1000
};

struct attempt {
	uv_poll_t uv;
	struct race *r;
	struct list link;
	int fd;
	int family;
};

struct race {
	struct loop *l;
	race_told *told;
	void *ctx;
	struct sockaddr_storage addrs[RACE_MAX];
	size_t naddrs, next;
	struct list attempts; /* under way */
	struct loop_timer *stagger;
	struct loop_task start;
	int os; /* the best reason so far */
};

/* --- the order of addresses --------------------------------------------- */

/* The family to begin with: the resolver's choice (RFC 6724), unless it lost
 * lately. */
static int
first_family(struct loop *l, const struct sockaddr_storage *a)
{
	const struct loop_memory *m = loop_memory(l);

	if (a->ss_family == m->lost_family && loop_now_ms(l) < m->lost_until_ms)
		return a->ss_family == AF_INET ? AF_INET6 : AF_INET;
	return a->ss_family;
}

static const struct sockaddr_storage *
nth_of_family(const struct sockaddr_storage *a, size_t n, bool is_like,
    int family, size_t nth)
{
	for (size_t i = 0; i < n; i++)
		if ((a[i].ss_family == family) == is_like && nth-- == 0)
			return &a[i];
	return NULL;
}

static void
interleave(struct race *r, const struct sockaddr_storage *a, size_t n)
{
	int family = first_family(r->l, &a[0]);

	for (size_t i = 0; i < n && r->naddrs < RACE_MAX; i++)
		for (int side = 0; side < 2 && r->naddrs < RACE_MAX; side++) {
			const struct sockaddr_storage *one = nth_of_family(
			    a, n, side == 0, family, i);

			if (one != NULL)
				r->addrs[r->naddrs++] = *one;
		}
}

/* --- attempts ----------------------------------------------------------- */

/* The caller has taken the descriptor or wants it closed. */
static void
attempt_end(struct attempt *a, bool keep_fd)
{
	list_remove(&a->link);
	uv_close((uv_handle_t *)&a->uv, loop_free_data);
	if (!keep_fd)
		(void)close(a->fd); /* nothing was sent */
}

static void
drop_all(struct race *r)
{
	list_foreach (it, &r->attempts)
		attempt_end(list_entry(it, struct attempt, link), false);
	loop_timer_set(r->stagger, INT64_MAX);
	loop_soon_cancel(&r->start);
}

/* The most useful error if several addresses failed differently. */
static int
weight(int os)
{
	switch (os) {
	case 0:
		return 0;
	case ENETUNREACH:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return 1;
	case EHOSTUNREACH:
		return 2;
	case ECONNREFUSED:
		return 4;
	default:
		return 3;
	}
}

static void
note_failure(struct race *r, int os)
{
	if (weight(os) > weight(r->os))
		r->os = os;
}

static void
remember_loser(struct race *r, int winner)
{
	struct loop_memory *m = loop_memory(r->l);
	int first = r->addrs[0].ss_family;

	if (winner == m->lost_family)
		m->lost_family = 0;
	if (winner == first)
		return;
	m->lost_family = first;
	m->lost_until_ms = loop_now_ms(r->l) + REMEMBER_MS;
}

static void try_next(struct race *r);

static void
on_outcome(uv_poll_t *h, int status, int events)
{
	struct attempt *a = h->data;
	struct race *r = a->r;
	int os = 0, fd = a->fd;
	socklen_t len = sizeof(os);

	(void)events;
	/* For a failed connect libuv says only "bad descriptor". */
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &os, &len) != 0)
		os = errno;
	if (os == 0 && status < 0)
		os = -status;
	attempt_end(a, os == 0);
	if (os != 0) {
		note_failure(r, os);
		try_next(r);
		return;
	}
	remember_loser(r, a->family); /* freed only when the loop turns */
	drop_all(r);
	r->told(r->ctx, fd, 0);
}

/* All best effort: a connection without them works too. */
static void
set_options(int fd)
{
	int on = 1;
	unsigned ms = USER_TIMEOUT_MS;

	IGNORE(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
	IGNORE(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)));
	/* A peer that vanished is noticed even while we only send (R48). */
	IGNORE(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)));
}

static int
watch(struct race *r, int fd, int family)
{
	struct attempt *a = xcalloc(1, sizeof(*a));

	if (uv_poll_init(loop_uv(r->l), &a->uv, fd) != 0) {
		free(a);
		return -1;
	}
	a->uv.data = a;
	a->r = r;
	a->fd = fd;
	a->family = family;
	list_append(&r->attempts, &a->link);
	(void)uv_poll_start(&a->uv, UV_WRITABLE, on_outcome); /* is open */
	return 0;
}

/* 0: under way.  Else the errno. */
static int
attempt_start(struct race *r, const struct sockaddr_storage *to)
{
	socklen_t len = to->ss_family == AF_INET ? sizeof(struct sockaddr_in)
						 : sizeof(struct sockaddr_in6);
	int fd = socket(
	    to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int os;

	if (fd < 0)
		return errno;
	set_options(fd);
	if ((connect(fd, (const struct sockaddr *)to, len) == 0 ||
		errno == EINPROGRESS) &&
	    watch(r, fd, to->ss_family) == 0)
		return 0;
	os = errno;
	(void)close(fd); /* unused */
	return os != 0 ? os : ENOMEM;
}

static void
try_next(struct race *r)
{
	while (r->next < r->naddrs) {
		int os = attempt_start(r, &r->addrs[r->next++]);

		if (os == 0) {
			loop_timer_set(
			    r->stagger, loop_now_ms(r->l) + STAGGER_MS);
			return;
		}
		note_failure(r, os);
	}
	loop_timer_set(r->stagger, INT64_MAX);
	if (list_is_empty(&r->attempts))
		r->told(r->ctx, -1, r->os);
}

static void
on_stagger(void *ctx)
{
	struct race *r = ctx;

	if (r->next < r->naddrs)
		try_next(r);
}

static void
on_start(struct loop_task *t)
{
	try_next(list_entry(t, struct race, start));
}

struct race *
race_new(struct loop *l, const struct sockaddr_storage *addrs, size_t n,
    race_told *told, void *ctx)
{
	struct race *r = xcalloc(1, sizeof(*r));

	r->l = l;
	r->told = told;
	r->ctx = ctx;
	list_init(&r->attempts);
	interleave(r, addrs, n);
	r->stagger = loop_timer_new(l, on_stagger, r);
	loop_task_init(&r->start, on_start);
	loop_soon(l, &r->start);
	return r;
}

void
race_free(struct race *r)
{
	if (r == NULL)
		return;
	drop_all(r);
	loop_timer_free(r->stagger);
	free(r);
}
