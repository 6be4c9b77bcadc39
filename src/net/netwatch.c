/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/netwatch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uv.h>

#include "base/xalloc.h"
#include "net/loop.h"
#include "net/loop_inside.h"

struct netwatch {
	uv_poll_t uv;
	struct loop *l;
	int fd;
	struct loop_timer *quiet;
	int64_t first_ms; /* of the messages not told yet; 0: none */
	void (*changed)(void *ctx);
	void *ctx;
};

static void
on_quiet(void *ctx)
{
	struct netwatch *w = ctx;

	w->first_ms = 0;
	w->changed(w->ctx);
}

static void
note_change(struct netwatch *w)
{
	int64_t now = loop_now_ms(w->l);
	int64_t at = now + NETWATCH_QUIET_MS;

	if (w->first_ms == 0)
		w->first_ms = now;
	if (at > w->first_ms + NETWATCH_LONGEST_MS)
		at = w->first_ms + NETWATCH_LONGEST_MS;
	loop_timer_set(w->quiet, at);
}

/* What exactly changed does not matter, so the messages are not parsed. */
static void
on_messages(uv_poll_t *h, int status, int events)
{
	struct netwatch *w = h->data;
	char drop[4096];
	bool any = false;
	ssize_t n;

	(void)events;
	while ((n = recv(w->fd, drop, sizeof(drop), MSG_DONTWAIT)) > 0 ||
	       (n < 0 && errno == ENOBUFS)) /* so many that some were lost */
		any = true;
	/* An overrun is an error to libuv, and it stops watching. */
	if (status < 0)
		(void)uv_poll_start(h, UV_READABLE, on_messages); /* is open */
	if (any)
		note_change(w);
}

static int
open_socket(void)
{
	struct sockaddr_nl nl = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
			     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	int fd = socket(
	    AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int saved;

	if (fd < 0 || bind(fd, (struct sockaddr *)&nl, sizeof(nl)) == 0)
		return fd;
	saved = errno;
	(void)close(fd); /* unused */
	errno = saved;
	return -1;
}

int
netwatch_new(struct loop *l, void (*changed)(void *ctx), void *ctx,
    struct netwatch **ret, struct err *err)
{
	struct netwatch *w;
	int fd = open_socket(), rc;

	if (fd < 0)
		return err_sys(err, "cannot watch the network");
	w = xcalloc(1, sizeof(*w));
	w->l = l;
	w->fd = fd;
	w->changed = changed;
	w->ctx = ctx;
	rc = uv_poll_init(loop_uv(l), &w->uv, fd);
	if (rc != 0) {
		(void)close(fd); /* unused */
		free(w);
		return err_set(err, ERR_SYSTEM, "cannot watch the network: %s",
		    uv_strerror(rc));
	}
	w->uv.data = w;
	w->quiet = loop_timer_new(l, on_quiet, w);
	(void)uv_poll_start(&w->uv, UV_READABLE, on_messages); /* is open */
	*ret = w;
	return 0;
}

void
netwatch_free(struct netwatch *w)
{
	if (w == NULL)
		return;
	loop_timer_free(w->quiet);
	uv_close((uv_handle_t *)&w->uv, loop_free_data);
	(void)close(w->fd); /* only read from */
}
