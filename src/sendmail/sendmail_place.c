/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sendmail/sendmail_place.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "sys/clock_sys.h"
#include "sys/own_daemon.h"

enum {
	SOCKETS_MAX = 2,
	RESTART_MS = 2000, /* a daemon without socket activation comes back */
	BUSY_MS = 30000, /* its backlog is full: it is there */
	AGAIN_MS = 50,
	TCP_MS = 10000
};

struct socket_place {
	char *path;
	bool must_be_mine; /* the daemon's uid must be the caller's */
	bool is_used;
};

struct places {
	struct socket_place sockets[SOCKETS_MAX];
	size_t nsockets;
	char *host, *port; /* or NULL */
	bool tcp_is_used;
	int wait_ms; /* for how long the sockets are worth another try */
	bool is_named; /* by the environment */
	bool is_own; /* the newest connection is to the caller's daemon */
	const char *drop;
	char *name;
};

/* NULL if it is not set, or if it was set by a user with fewer rights than this
 * process has: a set-uid program that sends mail must not be told where to. */
static const char *
env(const char *name)
{
	bool is_safe = geteuid() == getuid() && getegid() == getgid();
	const char *value = is_safe ? secure_getenv(name) : NULL;

	return value != NULL && *value != '\0' ? value : NULL;
}

static void
add_socket(struct places *p, char *path, bool must_be_mine)
{
	p->sockets[p->nsockets++] = (struct socket_place) { path, must_be_mine,
		false };
}

/* "host:port", "[::1]:port", "host". */
static void
set_tcp(struct places *p, const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t n = strlen(text);

	if (colon != NULL && strchr(colon, ']') == NULL) {
		n = (size_t)(colon - text);
		p->port = xstrdup(colon + 1);
	} else {
		p->port = xstrdup("25");
	}
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']')
		p->host = xstrndup(text + 1, n - 2);
	else
		p->host = xstrndup(text, n);
}

struct places *
places_new(void)
{
	struct places *p = xcalloc(1, sizeof(*p));
	const char *socket_path = env("RELAIS_SOCKET");
	const char *smtp = env("RELAIS_SMTP");

	p->drop = env("RELAIS_DROP");
	if (socket_path != NULL)
		add_socket(p, xstrdup(socket_path), false);
	if (smtp != NULL)
		set_tcp(p, smtp);
	p->is_named = socket_path != NULL || smtp != NULL;
	if (p->is_named)
		return p;
	add_socket(p, own_daemon_socket("smtp.sock"), true);
	add_socket(p, xstrdup(RELAIS_RUN_DIR "/smtp.sock"), false);
	set_tcp(p, "127.0.0.1:25");
	if (p->drop == NULL)
		p->drop = RELAIS_SPOOL_DIR "/drop";
	return p;
}

void
places_free(struct places *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->nsockets; i++)
		free(p->sockets[i].path);
	free(p->host);
	free(p->port);
	free(p->name);
	free(p);
}

bool
places_is_own(const struct places *p)
{
	return p->is_own;
}

const char *
places_name(const struct places *p)
{
	return p->name != NULL ? p->name : "";
}

const char *
places_drop(const struct places *p)
{
	return p->drop;
}

static void
set_name(struct places *p, char *name)
{
	free(p->name);
	p->name = name;
}

/* -1 and errno. */
static int
connect_unix(const struct socket_place *s)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (!str_copy(sa.sun_path, sizeof(sa.sun_path), bytes_str(s->path))) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0) {
		if (!s->must_be_mine || own_daemon_is_mine(fd))
			return fd;
		errno = EPERM;
	}
	{
		int saved = errno;

		(void)close(fd);
		errno = saved;
	}
	return -1;
}

/* For how long it makes sense to try again after this errno. */
static int
patience_ms(const struct places *p, int why)
{
	switch (why) {
	case EAGAIN:
		return BUSY_MS;
	case ECONNREFUSED:
		return RESTART_MS;
	case ENOENT:
		/* A caller that names a socket has no other place to go. */
		return p->is_named ? RESTART_MS : 0;
	default:
		return 0;
	}
}

/* One round over the sockets.  A daemon that restarts takes its socket away
 * for a moment, so what was worth waiting for once stays so. */
static int
try_sockets(struct places *p, struct err *err)
{
	for (size_t i = 0; i < p->nsockets; i++) {
		struct socket_place *s = &p->sockets[i];
		int fd, ms;

		if (s->is_used)
			continue;
		fd = connect_unix(s);
		if (fd >= 0) {
			s->is_used = true;
			p->is_own = s->must_be_mine;
			set_name(p, xstrdup(s->path));
			return fd;
		}
		ms = patience_ms(p, errno);
		(void)err_sys(err, "%s", s->path);
		if (ms > p->wait_ms)
			p->wait_ms = ms;
		/* It is there, so it is meant (sys/own_daemon.h). */
		if (ms == BUSY_MS)
			break;
	}
	return -1;
}

static int
wait_sockets(struct places *p, struct err *err)
{
	int64_t start = clock_boot_ms(clock_sys());

	p->wait_ms = 0;
	for (;;) {
		int fd = try_sockets(p, err);

		if (fd >= 0 || clock_boot_ms(clock_sys()) - start >= p->wait_ms)
			return fd;
		(void)poll(NULL, 0, AGAIN_MS);
	}
}

/* -1 and errno. */
static int
connect_address(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family,
	    ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
	int why = 0;
	socklen_t n = sizeof(why);

	if (fd < 0)
		return -1;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
		return fd;
	why = errno;
	if (why == EINPROGRESS) {
		struct pollfd pfd = { .fd = fd, .events = POLLOUT };

		why = ETIMEDOUT;
		if (poll(&pfd, 1, TCP_MS) == 1)
			(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &n);
		if (why == 0)
			return fd;
	}
	(void)close(fd);
	errno = why;
	return -1;
}

static int
connect_tcp(struct places *p, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all = NULL;
	int fd = -1;
	int rc;

	p->tcp_is_used = true;
	p->is_own = false;
	set_name(p, xasprintf("%s:%s", p->host, p->port));
	rc = getaddrinfo(p->host, p->port, &hints, &all);
	if (rc != 0)
		return err_set(
		    err, ERR_NETWORK, "%s: %s", p->name, gai_strerror(rc));
	for (struct addrinfo *ai = all; ai != NULL && fd < 0; ai = ai->ai_next)
		fd = connect_address(ai);
	if (fd < 0)
		(void)err_sys(err, "%s", p->name);
	freeaddrinfo(all);
	return fd;
}

int
places_next(struct places *p, struct err *err)
{
	int fd = wait_sockets(p, err);

	if (fd < 0 && p->host != NULL && !p->tcp_is_used)
		fd = connect_tcp(p, err);
	return fd;
}
