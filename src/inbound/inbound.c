/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inbound/inbound.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/xalloc.h"
#include "inbound/session.h"
#include "net/listen.h"

struct door { /* one listener */
	struct list link;
	struct inbound *in;
	struct listener *listener;
	struct inbound_listener opts;
	char *name;
	struct inbound_range *allow_from;
};

struct inbound {
	struct session_shared shared;
	struct list doors;
};

struct inbound *
inbound_new(struct loop *l, struct queue *q, const struct inbound_opts *opts)
{
	struct inbound *in = xcalloc(1, sizeof(*in));

	in->shared.loop = l;
	in->shared.queue = q;
	in->shared.opts = *opts;
	list_init(&in->shared.sessions);
	list_init(&in->doors);
	return in;
}

void
inbound_set_opts(struct inbound *in, const struct inbound_opts *opts)
{
	in->shared.opts = *opts;
}

/* --- who may come in ------------------------------------------------------ */

/* The peer's address, IPv4-mapped IPv6 taken apart. */
static size_t
peer_bytes(
    const struct sockaddr_storage *sa, int *ret_family, unsigned char out[16])
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0xff, 0xff };

	*ret_family = sa->ss_family;
	if (sa->ss_family == AF_INET) {
		memcpy(out, &((const struct sockaddr_in *)sa)->sin_addr, 4);
		return 4;
	}
	if (sa->ss_family != AF_INET6)
		return 0;
	memcpy(out, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
	if (memcmp(out, mapped, sizeof(mapped)) != 0)
		return 16;
	memmove(out, out + 12, 4);
	*ret_family = AF_INET;
	return 4;
}

static bool
is_loopback(int family, const unsigned char *a)
{
	static const unsigned char one[16] = { [15] = 1 };

	return family == AF_INET ? a[0] == 127 : memcmp(a, one, 16) == 0;
}

static bool
in_range(const struct inbound_range *r, int family, const unsigned char *a)
{
	unsigned whole = r->prefix_bits / 8, rest = r->prefix_bits % 8;

	if (r->family != family || memcmp(r->addr, a, whole) != 0)
		return false;
	return rest == 0 || ((r->addr[whole] ^ a[whole]) >> (8 - rest)) == 0;
}

/* Trust is by listener and explicit list, never by "private range" (R36). */
static bool
is_allowed(const struct door *d, int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	unsigned char a[16];
	int family;

	if (d->opts.is_unix)
		return true;
	if (getpeername(fd, (struct sockaddr *)&sa, &len) != 0 ||
	    peer_bytes(&sa, &family, a) == 0)
		return false;
	for (size_t i = 0; i < d->opts.nallow_from; i++)
		if (in_range(&d->opts.allow_from[i], family, a))
			return true;
	return d->opts.nallow_from == 0 && is_loopback(family, a);
}

static void
on_accept(void *ctx, int fd)
{
	struct door *d = ctx;
	struct session_shared *sh = &d->in->shared;
	const char *refuse = NULL;

	if (!is_allowed(d, fd))
		refuse = "your address is not in allow_from of this listener";
	else if (sh->count >= sh->opts.max_sessions)
		refuse = "too many sessions (max_sessions); try again soon";
	session_start(sh, &d->opts, fd, refuse);
}

/* --- life ----------------------------------------------------------------- */

static void
door_free(struct door *d)
{
	list_remove(&d->link);
	listener_free(d->listener);
	free(d->name);
	free(d->allow_from);
	free(d);
}

int
inbound_listen(struct inbound *in, int fd, const struct inbound_listener *opts,
    struct err *err)
{
	struct door *d = xcalloc(1, sizeof(*d));
	size_t bytes = opts->nallow_from * sizeof(*opts->allow_from);

	d->in = in;
	d->opts = *opts;
	d->opts.name = d->name = xstrdup(opts->name);
	d->allow_from = xmalloc(bytes);
	if (bytes > 0)
		memcpy(d->allow_from, opts->allow_from, bytes);
	d->opts.allow_from = d->allow_from;
	list_append(&in->doors, &d->link);
	if (listener_new(
		in->shared.loop, fd, on_accept, d, &d->listener, err) != 0) {
		door_free(d);
		return -1;
	}
	return 0;
}

void
inbound_stop(struct inbound *in)
{
	in->shared.is_stopping = true;
	list_foreach (it, &in->doors)
		listener_pause(
		    list_entry(it, struct door, link)->listener, true);
	list_foreach (it, &in->shared.sessions)
		session_stop(session_of_link(it));
}

size_t
inbound_sessions(const struct inbound *in)
{
	return in->shared.count;
}

void
inbound_free(struct inbound *in)
{
	if (in == NULL)
		return;
	list_foreach (it, &in->shared.sessions)
		session_free(session_of_link(it));
	list_foreach (it, &in->doors)
		door_free(list_entry(it, struct door, link));
	free(in);
}
