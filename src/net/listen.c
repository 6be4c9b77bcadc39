/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <uv.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "net/loop.h"
#include "net/loop_inside.h"

enum {
	BACKLOG = 1024,
	ACCEPT_MAX = 64, /* per event, so that others get their turn */
	PAUSE_MS = 250, /* when descriptors or memory have run out */
	RESERVE_MAX = 64 /* descriptors, or a quarter if that is less */
};

struct listener {
	uv_poll_t uv;
	struct loop *l;
	int fd;
	void (*accepted)(void *ctx, int fd);
	void *ctx;
	struct loop_timer *again;
	int newest; /* the descriptor accepted last */
	int reserve_from; /* descriptors from here on are for others */
	bool is_paused; /* by the owner */
	bool is_closed;
};

/* --- accepting ---------------------------------------------------------- */

static void on_pending(uv_poll_t *h, int status, int events);

static void
watch(struct listener *li)
{
	/* Refuses only a closed handle. */
	(void)uv_poll_start(&li->uv, UV_READABLE, on_pending);
}

static void
on_again(void *ctx)
{
	struct listener *li = ctx;

	if (!li->is_paused)
		watch(li);
}

static bool
is_shortage(int e)
{
	return e == EMFILE || e == ENFILE || e == ENOMEM || e == ENOBUFS;
}

/* A listening socket stays readable while a connection waits, so accepting
 * without descriptors would spin (R52). */
static void
pause_a_moment(struct listener *li)
{
	(void)uv_poll_stop(&li->uv); /* cannot fail */
	loop_timer_set(li->again, loop_now_ms(li->l) + PAUSE_MS);
}

static int
reserve_from(void)
{
	struct rlimit r;
	rlim_t most = RESERVE_MAX;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= INT_MAX)
		return INT_MAX;
	return (
	    int)(r.rlim_cur - (r.rlim_cur / 4 < most ? r.rlim_cur / 4 : most));
}

/* The kernel hands out the lowest number that is free, so the next one tells
 * how many are in use; it is asked only if the last one was high. */
static bool
is_reserve_reached(struct listener *li)
{
	int fd;

	if (li->newest < li->reserve_from)
		return false;
	fd = fcntl(li->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return true;
	(void)close(fd); /* a copy */
	li->newest = fd;
	return fd >= li->reserve_from;
}

static void
on_pending(uv_poll_t *h, int status, int events)
{
	struct listener *li = h->data;
	int fd;

	(void)events;
	if (status < 0) { /* libuv has stopped watching */
		pause_a_moment(li);
		return;
	}
	for (int i = 0; i < ACCEPT_MAX && !li->is_paused; i++) {
		if (is_reserve_reached(li)) {
			pause_a_moment(li);
			return;
		}
		fd = accept4(li->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			li->newest = fd;
			li->accepted(li->ctx, fd); /* may free or pause li */
			if (li->is_closed)
				return;
		} else if (is_shortage(errno)) {
			pause_a_moment(li);
			return;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		/* else: that client has left; the next may be there */
	}
}

int
listener_new(struct loop *l, int fd, void (*accepted)(void *ctx, int fd),
    void *ctx, struct listener **ret, struct err *err)
{
	struct listener *li = xcalloc(1, sizeof(*li));
	int rc, on = 1;

	/* Handed down to every connection: a stream writes all output of a turn
	 * at once, so waiting for more gains nothing.  Best effort. */
	IGNORE(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
	li->l = l;
	li->fd = fd;
	li->reserve_from = reserve_from();
	li->accepted = accepted;
	li->ctx = ctx;
	rc = uv_poll_init(loop_uv(l), &li->uv, fd); /* makes it non-blocking */
	if (rc != 0) {
		free(li);
		return err_set(err, ERR_SYSTEM,
		    "cannot listen on descriptor %d: %s", fd, uv_strerror(rc));
	}
	li->uv.data = li;
	li->again = loop_timer_new(l, on_again, li);
	watch(li);
	*ret = li;
	return 0;
}

void
listener_use_reserve(struct listener *li)
{
	li->reserve_from = INT_MAX;
}

void
listener_pause(struct listener *li, bool is_paused)
{
	if (li->is_paused == is_paused)
		return;
	li->is_paused = is_paused;
	loop_timer_set(li->again, INT64_MAX);
	if (is_paused)
		(void)uv_poll_stop(&li->uv); /* cannot fail */
	else
		watch(li);
}

void
listener_free(struct listener *li)
{
	if (li == NULL)
		return;
	li->is_closed = true;
	loop_timer_free(li->again);
	uv_close((uv_handle_t *)&li->uv, loop_free_data);
	(void)close(li->fd); /* nothing was written */
}

/* --- binding: TCP ------------------------------------------------------- */

static int
bind_error(const char *host, int port, struct err *err)
{
	int os = errno;

	if (os == EADDRINUSE)
		(void)err_set(err, ERR_BUSY,
		    "cannot listen on %s port %d: another program uses it; "
		    "choose another port with `listen`, or stop that program; "
		    "to see its name, type: ss -ltnp 'sport = :%d'",
		    host, port, port);
	else if (os == EACCES)
		(void)err_set(err, ERR_SYSTEM,
		    "cannot listen on port %d: permission denied; ports below "
		    "1024 need root, a systemd socket unit, or "
		    "CAP_NET_BIND_SERVICE",
		    port);
	else if (os == EADDRNOTAVAIL || os == EAFNOSUPPORT)
		(void)err_set(err, ERR_SYSTEM,
		    "cannot listen on %s port %d: this machine does not have "
		    "that address",
		    host, port);
	else {
		errno = os;
		(void)err_sys(err, "cannot listen on %s port %d", host, port);
	}
	err->os = os;
	return -1;
}

static int
listen_on(const struct addrinfo *ai)
{
	int on = 1, saved;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* Best effort, both: without them a restart may have to wait, or
	 * [::] takes the IPv4 port along. */
	IGNORE(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	if (ai->ai_family == AF_INET6)
		IGNORE(
		    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	(void)close(fd); /* unused */
	errno = saved;
	return -1;
}

int
listen_tcp(const char *host, int port, struct err *err)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST |
					      AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *ai = NULL;
	struct err unused;
	char service[16];
	int rc, fd;

	if (err == NULL)
		err = &unused;
	(void)snprintf(service, sizeof(service), "%d", port);
	rc = getaddrinfo(host, service, &hints, &ai);
	if (rc != 0)
		return err_set(err, ERR_CONFIG,
		    "cannot listen on %s: %s; give an address of this machine, "
		    "for example localhost:25",
		    host, gai_strerror(rc));
	fd = listen_on(ai);
	if (fd < 0)
		(void)bind_error(host, port, err);
	freeaddrinfo(ai);
	return fd;
}

int
listen_port(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		return 0;
	memcpy(&v4, &ss, sizeof(v4));
	memcpy(&v6, &ss, sizeof(v6));
	return ss.ss_family == AF_INET    ? ntohs(v4.sin_port)
	       : ss.ss_family == AF_INET6 ? ntohs(v6.sin6_port)
					  : 0;
}

/* --- binding: Unix ------------------------------------------------------ */

/* The socket has its permissions from its first moment on. */
static int
bind_unix(int fd, const struct sockaddr_un *sun, unsigned mode)
{
	mode_t was = umask(~mode & 0777);
	int rc = bind(fd, (const struct sockaddr *)sun, sizeof(*sun));
	int saved = errno;

	(void)umask(was); /* returns what we set */
	errno = saved;
	return rc;
}

/* The path exists: a live socket, a dead one, or something else? */
static int
clear_stale(const struct sockaddr_un *sun, struct err *err)
{
	const char *path = sun->sun_path;
	struct stat st;
	int fd, rc, os;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : err_sys(err, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_CONFIG,
		    "%s exists and is not a socket: remove it or choose "
		    "another path",
		    path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, "cannot create a socket");
	rc = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	os = errno;
	(void)close(fd); /* only asked whether it answers */
	if (rc == 0 || (os != ECONNREFUSED && os != ENOENT))
		return err_set(err, ERR_BUSY,
		    "cannot listen on %s: another program answers there; is "
		    "relaisd already running?",
		    path);
	if (unlink(path) != 0 && errno != ENOENT)
		return err_sys(err, "cannot remove the stale socket %s", path);
	return 0;
}

int
listen_unix(const char *path, unsigned mode, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (!str_copy(sun.sun_path, sizeof(sun.sun_path), bytes_str(path)))
		return err_set(err, ERR_CONFIG,
		    "cannot listen on %s: the path is too long for a socket "
		    "(at most %zu bytes)",
		    path, sizeof(sun.sun_path) - 1);
	if (clear_stale(&sun, err) != 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "cannot create a socket");
	if (bind_unix(fd, &sun, mode) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	(void)err_sys(err, "cannot listen on %s", path);
	(void)close(fd); /* unused */
	return -1;
}
