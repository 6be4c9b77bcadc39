/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inbound/inbound.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "inbound/pickup.h"
#include "inbound/session.h"
#include "net/listen.h"

struct door { /* one listener */
	struct list link;
	struct inbound *in;
	struct listener *listener; /* NULL: closed, a session came by it */
	struct inbound_listener opts;
	char *name;
};

struct inbound {
	struct inbound_shared shared;
	struct session_set set;
	struct pickup *pickup;
	struct list doors;
};

struct inbound *
inbound_new(struct loop *l, struct queue *q, const struct inbound_opts *opts)
{
	struct inbound *in = xcalloc(1, sizeof(*in));

	in->shared.loop = l;
	in->shared.queue = q;
	in->shared.opts = *opts;
	session_set_init(&in->set, &in->shared);
	list_init(&in->doors);
	in->pickup = pickup_new(&in->shared);
	return in;
}

void
inbound_set_opts(struct inbound *in, const struct inbound_opts *opts)
{
	in->shared.opts = *opts;
}

static void
on_accept(void *ctx, int fd)
{
	struct door *d = ctx;

	session_start(&d->in->set, &d->opts, fd);
}

/* --- life ----------------------------------------------------------------- */

static void
door_free(struct door *d)
{
	list_remove(&d->link);
	listener_free(d->listener);
	free(d->name);
	free(d);
}

int
inbound_listen(struct inbound *in, int fd, const struct inbound_listener *opts,
    struct err *err)
{
	struct door *d = xcalloc(1, sizeof(*d));

	d->in = in;
	d->opts = *opts;
	d->opts.name = d->name = xstrdup(opts->name);
	list_append(&in->doors, &d->link);
	if (listener_new(
		in->shared.loop, fd, on_accept, d, &d->listener, err) != 0) {
		door_free(d);
		return -1;
	}
	return 0;
}

static void
stop_sessions(struct inbound *in)
{
	list_foreach (it, &in->set.sessions)
		session_stop(session_of_link(it));
}

void
inbound_stop(struct inbound *in)
{
	in->set.is_stopping = true;
	pickup_stop(in->pickup);
	list_foreach (it, &in->doors) {
		const struct door *d = list_entry(it, struct door, link);

		if (d->listener != NULL)
			listener_pause(d->listener, true);
	}
	stop_sessions(in);
}

void
inbound_hurry(struct inbound *in)
{
	if (in->set.is_hurried)
		return;
	in->set.is_hurried = true;
	stop_sessions(in);
}

static bool
is_used(const struct inbound *in, const struct door *d)
{
	list_foreach (it, &in->set.sessions)
		if (session_came_by(session_of_link(it), &d->opts))
			return true;
	return false;
}

void
inbound_close(struct inbound *in)
{
	list_foreach (it, &in->doors) {
		struct door *d = list_entry(it, struct door, link);

		listener_free(d->listener);
		d->listener = NULL;
		if (!is_used(in, d))
			door_free(d);
	}
}

uint64_t
inbound_accepted(const struct inbound *in)
{
	return in->shared.accepted;
}

size_t
inbound_sessions(const struct inbound *in)
{
	return in->set.count;
}

void
inbound_free(struct inbound *in)
{
	if (in == NULL)
		return;
	list_foreach (it, &in->set.sessions)
		session_free(session_of_link(it));
	list_foreach (it, &in->doors)
		door_free(list_entry(it, struct door, link));
	pickup_free(in->pickup);
	loop_soon_cancel(&in->set.task);
	free(in);
}
