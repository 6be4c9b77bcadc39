/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "net/dirwatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "net/loop.h"
#include "net/loop_inside.h"

struct dirwatch {
	uv_poll_t uv;
	int fd;
	char path[40];
	void (*changed)(void *ctx);
	void *ctx;
};

enum { WANTED = IN_CREATE | IN_MOVED_TO };

/* Besides the events asked for, the kernel reports the end of the watch. */
static bool
has_wanted(const char *p, size_t n)
{
	struct inotify_event e;

	for (size_t at = 0; at + sizeof(e) <= n; at += sizeof(e) + e.len) {
		memcpy(&e, p + at, sizeof(e));
		if ((e.mask & WANTED) != 0)
			return true;
	}
	return false;
}

/* The content does not matter. */
static void
on_events(uv_poll_t *h, int status, int events)
{
	struct dirwatch *w = h->data;
	bool is_wanted = false;
	char bytes[4096];
	ssize_t n;

	(void)status;
	(void)events;
	while ((n = read(w->fd, bytes, sizeof(bytes))) > 0)
		is_wanted |= has_wanted(bytes, (size_t)n);
	if (is_wanted)
		w->changed(w->ctx);
}

bool
dirwatch_arm(struct dirwatch *w)
{
	return inotify_add_watch(
		   w->fd, w->path, WANTED | IN_ONESHOT | IN_ONLYDIR) >= 0;
}

int
dirwatch_new(struct loop *l, int dirfd, void (*changed)(void *ctx), void *ctx,
    struct dirwatch **ret, struct err *err)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), rc;
	struct dirwatch *w;

	if (fd < 0)
		return err_sys(err, "inotify");
	w = xcalloc(1, sizeof(*w));
	w->fd = fd;
	w->changed = changed;
	w->ctx = ctx;
	(void)snprintf(w->path, sizeof(w->path), "/proc/self/fd/%d", dirfd);
	rc = uv_poll_init(loop_uv(l), &w->uv, fd);
	if (rc != 0) {
		(void)close(fd); /* unused */
		free(w);
		return err_set(err, ERR_SYSTEM, "inotify: %s", uv_strerror(rc));
	}
	w->uv.data = w;
	(void)uv_poll_start(&w->uv, UV_READABLE, on_events); /* is open */
	*ret = w;
	return 0;
}

void
dirwatch_free(struct dirwatch *w)
{
	if (w == NULL)
		return;
	uv_close((uv_handle_t *)&w->uv, loop_free_data);
	(void)close(w->fd); /* only read from */
}
