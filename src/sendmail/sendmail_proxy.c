/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sendmail/sendmail_proxy.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/must.h"

enum { PIPE_MAX = 65536, READ_MAX = 4096 };

/* One direction. */
struct carry {
	int from, to;
	struct buf held;
	bool is_over; /* nothing more comes from "from" */
	/* Lines that end with LF alone are to leave with CR LF. */
	enum ends { AS_THEY_ARE, NOT_KNOWN, REPAIR } ends;
	char last;
};

/* A client that ends the first line with LF alone means LF for a line end
 * throughout, as text on a Unix machine does.  For any other client LF stays
 * what it is, or a line of the body could become the end of the message. */
static bool
needs_cr(struct carry *c, char at)
{
	bool is_bare = at == '\n' && c->last != '\r';

	if (at == '\n' && c->ends == NOT_KNOWN)
		c->ends = is_bare ? REPAIR : AS_THEY_ARE;
	c->last = at;
	return is_bare && c->ends == REPAIR;
}

/* There is room for twice n. */
static void
hold(struct carry *c, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (needs_cr(c, p[i]))
			IGNORE(buf_addc(&c->held, '\r'));
		IGNORE(buf_addc(&c->held, p[i]));
	}
}

/* -1: it broke, or what is left has nowhere to go. */
static int
carry_read(struct carry *c, short revents)
{
	char p[READ_MAX];
	ssize_t n;

	if (revents == 0 || c->is_over || buf_room(&c->held) < 2 * READ_MAX)
		return 0;
	n = read(c->from, p, sizeof(p));
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -1;
	if (n == 0)
		c->is_over = true;
	hold(c, p, (size_t)n);
	return 0;
}

static int
carry_write(struct carry *c, short revents)
{
	ssize_t n;

	if (revents == 0 || buf_len(&c->held) == 0)
		return 0;
	n = write(c->to, buf_str(&c->held), buf_len(&c->held));
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -1;
	buf_drop(&c->held, (size_t)n);
	return 0;
}

/* Descriptors that have nothing to do are left out of poll(2), which would
 * report a hang-up on them for ever. */
static void
set_pollfd(struct pollfd *p, int fd, bool wants, short events)
{
	p->fd = wants ? fd : -1;
	p->events = events;
	p->revents = 0;
}

static int
crank(struct carry *in, struct carry *out)
{
	struct pollfd p[4];

	set_pollfd(&p[0], in->from,
	    !in->is_over && buf_room(&in->held) >= 2 * READ_MAX, POLLIN);
	set_pollfd(&p[1], in->to, buf_len(&in->held) > 0, POLLOUT);
	set_pollfd(&p[2], out->from,
	    !out->is_over && buf_room(&out->held) >= 2 * READ_MAX, POLLIN);
	set_pollfd(&p[3], out->to, buf_len(&out->held) > 0, POLLOUT);
	if (poll(p, 4, -1) < 0)
		return errno == EINTR ? 0 : -1;
	if (carry_read(in, p[0].revents) != 0)
		in->is_over = true;
	/* The daemon may stop listening and still have something to say. */
	if (carry_write(in, p[1].revents) != 0)
		buf_reset(&in->held);
	if (carry_read(out, p[2].revents) != 0)
		out->is_over = true;
	return carry_write(out, p[3].revents);
}

int
proxy_run(int fd, int from, int to, struct err *err)
{
	struct carry in = { .from = from, .to = fd, .ends = NOT_KNOWN };
	struct carry out = { .from = fd, .to = to };
	bool is_shut = false;
	int rc = 0;

	buf_init(&in.held, PIPE_MAX);
	buf_init(&out.held, PIPE_MAX);
	while (rc == 0 && !(out.is_over && buf_len(&out.held) == 0)) {
		if (in.is_over && buf_len(&in.held) == 0 && !is_shut) {
			(void)shutdown(fd, SHUT_WR); /* it may be gone */
			is_shut = true;
		}
		rc = crank(&in, &out);
	}
	if (rc != 0)
		(void)err_sys(err, "connection lost");
	buf_clear(&in.held);
	buf_clear(&out.held);
	(void)close(fd); /* everything was carried */
	return rc;
}
