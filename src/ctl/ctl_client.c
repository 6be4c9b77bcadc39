/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/ctl_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "ctl/ctl_json.h"
#include "ctl/ctl_line.h"

struct ctl_client {
	int fd;
	int timeout_ms; /* for each step without progress */
	struct ctl_line in;
	int heard_fd; /* -1: none */
	void (*heard)(void *ctx);
	void *heard_ctx;
};

static int
lost(struct err *err, const char *what)
{
	return err_set(err, ERR_NETWORK, "%s: %s", what, strerror(errno));
}

/* Connecting to a Unix socket is at once, or EAGAIN while its backlog is
 * full. */
static int
connect_path(const struct ctl_client *c, const char *path, struct err *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (!str_copy(sa.sun_path, sizeof(sa.sun_path), bytes_str(path)))
		return err_set(err, ERR_NETWORK,
		    "%s: the path is too long for a socket", path);
	for (int waited_ms = 0;; waited_ms += 50) {
		if (connect(c->fd, (const struct sockaddr *)&sa, sizeof(sa)) ==
		    0)
			return 0;
		if (errno != EAGAIN || waited_ms >= c->timeout_ms)
			return lost(err, path);
		(void)poll(NULL, 0, 50);
	}
}

int
ctl_client_open(
    const char *path, int timeout_ms, struct ctl_client **ret, struct err *err)
{
	struct ctl_client *c = xcalloc(1, sizeof(*c));

	c->timeout_ms = timeout_ms;
	c->heard_fd = -1;
	ctl_line_init(&c->in, CTL_REPLY_MAX);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0) {
		(void)lost(err, "socket");
		goto fail;
	}
	if (connect_path(c, path, err) != 0)
		goto fail;
	*ret = c;
	return 0;
fail:
	ctl_client_free(c);
	return -1;
}

void
ctl_client_free(struct ctl_client *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		(void)close(c->fd); /* every reply was read */
	ctl_line_clear(&c->in);
	free(c);
}

void
ctl_client_patience(struct ctl_client *c, int timeout_ms)
{
	c->timeout_ms = timeout_ms;
}

static int
wait_for(const struct ctl_client *c, short events, struct err *err)
{
	int n;

	for (;;) {
		struct pollfd pfd[] = { { .fd = c->fd, .events = events },
			{ .fd = c->heard_fd, .events = POLLIN } };

		n = poll(pfd, 2, c->timeout_ms);
		if (n > 0 && pfd[1].revents != 0)
			c->heard(c->heard_ctx);
		if (n > 0 && pfd[0].revents != 0)
			return 0;
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
	}
	if (n == 0)
		return err_set(
		    err, ERR_NETWORK, "no answer from relaisd in time");
	return lost(err, "poll");
}

static int
send_all(const struct ctl_client *c, struct buf *out, struct err *err)
{
	while (buf_len(out) > 0) {
		ssize_t n = send(
		    c->fd, buf_str(out), buf_len(out), MSG_NOSIGNAL);

		if (n > 0)
			buf_drop(out, (size_t)n);
		else if (errno == EAGAIN) {
			if (wait_for(c, POLLOUT, err) != 0)
				return -1;
		} else if (errno != EINTR)
			return lost(err, "connection to relaisd lost");
	}
	return 0;
}

void
ctl_client_listen(
    struct ctl_client *c, int fd, void (*told)(void *ctx), void *ctx)
{
	c->heard_fd = fd;
	c->heard = told;
	c->heard_ctx = ctx;
}

/* Takes it over. */
static int
send_json(const struct ctl_client *c, json_t *line, struct err *err)
{
	struct buf out;
	int rc = -1;

	buf_init(&out, CTL_REQUEST_MAX);
	if (ctl_json_encode(&out, line))
		rc = send_all(c, &out, err);
	else
		(void)err_set(err, ERR_INPUT, "the request is too long");
	json_decref(line);
	buf_wipe(&out); /* perhaps a password */
	return rc;
}

int
ctl_client_line(struct ctl_client *c, const char *text, struct err *err)
{
	return send_json(
	    c, json_pack("{s:o}", "line", ctl_json_text(text)), err);
}

static int
send_request(
    const struct ctl_client *c, const char *verb, json_t *args, struct err *err)
{
	json_t *request = json_pack("{s:s}", "verb", verb);

	if (args != NULL)
		(void)json_object_set(request, "args", args);
	return send_json(c, request, err);
}

static int
read_more(struct ctl_client *c, struct err *err)
{
	char piece[16384];
	ssize_t n = recv(c->fd, piece, sizeof(piece), 0);

	if (n > 0 && ctl_line_put(&c->in, piece, (size_t)n) == (size_t)n)
		return 0;
	if (n > 0)
		return err_set(err, ERR_NETWORK, "the reply is too long");
	if (n == 0)
		return err_set(
		    err, ERR_NETWORK, "relaisd closed the connection");
	if (errno == EAGAIN || errno == EINTR)
		return wait_for(c, POLLIN, err);
	return lost(err, "connection to relaisd lost");
}

/* Borrowed until the next call. */
static int
next_line(struct ctl_client *c, struct bytes *ret, struct err *err)
{
	enum ctl_line_state state;

	while ((state = ctl_line_next(&c->in, ret)) == CTL_LINE_MORE)
		if (read_more(c, err) != 0)
			return -1;
	if (state == CTL_LINE_TOO_LONG)
		return err_set(err, ERR_NETWORK, "the reply is too long");
	return 0;
}

/* *ret is the caller's. */
static int
next_reply(struct ctl_client *c, json_t **ret, struct err *err)
{
	struct bytes line;

	if (next_line(c, &line, err) != 0)
		return -1;
	if (ctl_json_decode(line, ret, err) != 0)
		return err_set(
		    err, ERR_NETWORK, "malformed reply from relaisd");
	return 0;
}

int
ctl_client_call(struct ctl_client *c, const char *verb, json_t *args,
    void (*item)(void *ctx, json_t *item), void *ctx, json_t **ret_result,
    struct err *err)
{
	json_t *reply, *one;
	const char *why;
	int rc = 0;

	if (send_request(c, verb, args, err) != 0 ||
	    next_reply(c, &reply, err) != 0)
		return -1;
	while ((one = json_object_get(reply, "item")) != NULL) {
		if (item != NULL)
			item(ctx, one);
		json_decref(reply);
		if (next_reply(c, &reply, err) != 0)
			return -1;
	}
	if (!json_is_true(json_object_get(reply, "ok"))) {
		why = ctl_json_string(reply, "error");
		rc = err_set(
		    err, ERR_INPUT, "%s", why != NULL ? why : "refused");
	} else if (ret_result != NULL) {
		json_t *result = json_object_get(reply, "result");

		*ret_result = result != NULL ? json_incref(result)
					     : json_null();
	}
	json_decref(reply);
	return rc;
}
