/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-cred/oauth_browser.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "relais-cred/oauth_answer.h"
#include "sys/clock_sys.h"

enum {
	CLIENTS_MAX = 8,
	REQUEST_MAX = 16384,
	PASTE_MAX = 65536,
	LISTENERS = 2 /* 127.0.0.1 and ::1: "localhost" may be either */
};

struct client {
	int fd; /* -1: none */
	struct buf in;
};

struct oauth_browser {
	int listeners[LISTENERS];
	struct client clients[CLIENTS_MAX];
	size_t next; /* who makes room when all are taken */
	struct buf paste;
};

static int64_t
now_ms(void)
{
	return clock_boot_ms(clock_sys());
}

static int
listen_on(const struct sockaddr *sa, socklen_t n)
{
	int fd = socket(
	    sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && (bind(fd, sa, n) != 0 || listen(fd, CLIENTS_MAX) != 0)) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

struct oauth_browser *
oauth_browser_new(int *ret_port)
{
	struct oauth_browser *b = xcalloc(1, sizeof(*b));
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t n = sizeof(v4);

	buf_init(&b->paste, PASTE_MAX);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		b->clients[i].fd = -1;
		buf_init(&b->clients[i].in, REQUEST_MAX);
	}
	b->listeners[0] = listen_on((struct sockaddr *)&v4, sizeof(v4));
	b->listeners[1] = -1;
	*ret_port = 0;
	if (b->listeners[0] >= 0 &&
	    getsockname(b->listeners[0], (struct sockaddr *)&v4, &n) == 0) {
		*ret_port = ntohs(v4.sin_port);
		v6.sin6_port = v4.sin_port;
		b->listeners[1] = listen_on((struct sockaddr *)&v6, sizeof(v6));
	}
	return b;
}

static void
drop(struct client *c)
{
	if (c->fd >= 0)
		(void)close(c->fd); /* a browser that waits no more */
	c->fd = -1;
	buf_wipe(&c->in);
}

void
oauth_browser_free(struct oauth_browser *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < LISTENERS; i++)
		if (b->listeners[i] >= 0)
			(void)close(b->listeners[i]);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		drop(&b->clients[i]);
	buf_wipe(&b->paste);
	free(b);
}

/* --- the answer ----------------------------------------------------------- */

/* Owned: the query that carries our state and a verdict, or NULL. */
static char *
query_of(struct bytes text, const char *state)
{
	const char *mark = memchr(text.p, '?', text.n);
	char *got, *code, *error;
	bool is_ours;

	if (mark != NULL)
		text = bytes_of(mark + 1, text.n - (size_t)(mark + 1 - text.p));
	text = bytes_cut(&text, '#');
	text = bytes_trim(text);
	got = oauth_query_get(text, "state");
	code = oauth_query_get(text, "code");
	error = oauth_query_get(text, "error");
	is_ours = got != NULL && strcmp(got, state) == 0 &&
		  (code != NULL || error != NULL);
	free(got);
	free(code);
	free(error);
	return is_ours ? xstrndup(text.p, text.n) : NULL;
}

static void
say(const struct client *c, bool is_ours)
{
	static const char page[] =
	    "<!DOCTYPE html><title>relais</title><p>relais has got the answer. "
	    "You can close this page and go back to the terminal.\n";
	char *text = xasprintf("HTTP/1.1 %s\r\nContent-Type: text/html; "
			       "charset=utf-8\r\nContent-Length: %zu\r\n"
			       "Cache-Control: no-store\r\n"
			       "Referrer-Policy: no-referrer\r\n"
			       "Connection: close\r\n\r\n%s",
	    is_ours ? "200 OK" : "404 Not Found",
	    is_ours ? strlen(page) : (size_t)0, is_ours ? page : "");

	/* It fits the socket's buffer; a browser that is gone is no matter. */
	(void)send(c->fd, text, strlen(text), MSG_NOSIGNAL);
	free(text);
}

/* The query if the request is ours; when it is whole it is answered. */
static char *
take_request(struct client *c, const char *state)
{
	struct bytes in = buf_bytes(&c->in);
	char *query = NULL;

	if (memmem(in.p, in.n, "\r\n\r\n", 4) == NULL)
		return NULL;
	if (in.n > 4 && memcmp(in.p, "GET ", 4) == 0) {
		struct bytes target = bytes_of(in.p + 4, in.n - 4);

		target = bytes_cut(&target, ' ');
		if (state != NULL)
			query = query_of(target, state);
	}
	say(c, query != NULL);
	(void)shutdown(c->fd, SHUT_WR);
	drop(c);
	return query;
}

static char *
read_client(struct client *c, const char *state)
{
	char *at = buf_space(&c->in, 2048);
	ssize_t n = at != NULL ? read(c->fd, at, 2048) : 0;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return NULL;
	if (n <= 0) {
		drop(c);
		return NULL;
	}
	buf_added(&c->in, (size_t)n);
	return take_request(c, state);
}

static void
take_client(struct oauth_browser *b, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c = &b->clients[b->next];

	if (fd < 0)
		return;
	for (size_t i = 0; i < CLIENTS_MAX && c->fd >= 0; i++)
		if (b->clients[i].fd < 0)
			c = &b->clients[i];
	b->next = (b->next + 1) % CLIENTS_MAX;
	drop(c);
	c->fd = fd;
}

/* --- the conversation ---------------------------------------------------- */

static enum oauth_came
read_paste(struct oauth_browser *b, const char *state, char **ret_query)
{
	char *at = buf_space(&b->paste, 4096);
	ssize_t n;
	const char *end;

	if (at == NULL) { /* no address is as long as this */
		buf_wipe(&b->paste);
		return OAUTH_CAME_WRONG;
	}
	n = read(STDOUT_FILENO, at, 4096);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return OAUTH_CAME_TIMEOUT;
	if (n <= 0)
		return OAUTH_CAME_END;
	buf_added(&b->paste, (size_t)n);
	end = memchr(buf_str(&b->paste), '\n', buf_len(&b->paste));
	if (end == NULL)
		return OAUTH_CAME_TIMEOUT;
	n = end - buf_str(&b->paste);
	if (state != NULL)
		*ret_query = query_of(
		    bytes_of(buf_str(&b->paste), (size_t)n), state);
	buf_drop(&b->paste, (size_t)n + 1);
	return *ret_query != NULL ? OAUTH_CAME_QUERY : OAUTH_CAME_WRONG;
}

/* One round; OAUTH_CAME_TIMEOUT: nothing of interest yet. */
static enum oauth_came
wait_once(struct oauth_browser *b, const char *state, int ms, char **ret_query)
{
	struct pollfd fds[1 + LISTENERS + CLIENTS_MAX];
	size_t n = 0;

	fds[n++] = (struct pollfd) { STDOUT_FILENO, POLLIN, 0 };
	for (size_t i = 0; i < LISTENERS; i++)
		fds[n++] = (struct pollfd) { b->listeners[i], POLLIN, 0 };
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		fds[n++] = (struct pollfd) { b->clients[i].fd, POLLIN, 0 };
	if (poll(fds, (nfds_t)n, ms) <= 0)
		return OAUTH_CAME_TIMEOUT;
	for (size_t i = 0; i < CLIENTS_MAX && *ret_query == NULL; i++)
		if (fds[1 + LISTENERS + i].revents != 0)
			*ret_query = read_client(&b->clients[i], state);
	for (size_t i = 0; i < LISTENERS; i++)
		if (fds[1 + i].revents != 0)
			take_client(b, b->listeners[i]);
	if (*ret_query != NULL)
		return OAUTH_CAME_QUERY;
	return fds[0].revents != 0 ? read_paste(b, state, ret_query)
				   : OAUTH_CAME_TIMEOUT;
}

enum oauth_came
oauth_browser_wait(struct oauth_browser *b, const char *state,
    int64_t timeout_ms, char **ret_query)
{
	int64_t until = now_ms() + timeout_ms, left;

	*ret_query = NULL;
	while ((left = until - now_ms()) > 0) {
		enum oauth_came came = wait_once(
		    b, state, left > 60000 ? 60000 : (int)left, ret_query);

		if (came != OAUTH_CAME_TIMEOUT &&
		    (came != OAUTH_CAME_WRONG || state != NULL))
			return came;
	}
	return OAUTH_CAME_TIMEOUT;
}
