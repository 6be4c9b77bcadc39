/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/stream.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uv.h>

#include "base/xalloc.h"
#include "net/loop.h"
#include "net/loop_inside.h"
#include "net/peer.h"
#include "tls/tls_pipe.h"

/* What the kernel did not take at once.  It must not move while libuv has it,
 * so it exists only while a write is under way, and never twice. */
struct flight {
	uv_write_t req;
	struct buf bytes;
	struct stream *s;
};

enum {
	LINGER_BYTES_MAX = 65536,
	RECORD_MAX = 16384 /* clear text of one: RFC 8446 section 5.1 */
};

/* The end of a stream whose owner is gone: the rest is sent. */
struct lingering {
	struct list link; /* of loop_memory()->lingering */
	struct loop_timer *timer;
	size_t dropped; /* bytes of the peer, since then */
	bool is_on;
	bool has_said_bye; /* the peer sends no more */
};

/* What the driver is to be told. */
struct driver {
	void (*ready)(void *ctx);
	void *ctx;
	bool is_told; /* within ready() */
	bool wants_ready;
	bool wants_room; /* it has filled the stream */
};

/* Both ends. */
struct ends {
	struct sockaddr_storage peer; /* of no family: it has hung up */
	int peer_port;
	char peer_host[INET6_ADDRSTRLEN];
	char literal[INET6_ADDRSTRLEN + sizeof("[IPv6:]")];
};

struct stream {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} uv;
	struct loop *l;
	struct driver driver;
	struct loop_task soon; /* flush, then tell what is to be told */
	struct tls_pipe *tls;
	/* Clear bytes in the loop's read buffer; only within ready(). */
	const char *view;
	size_t view_len;
	struct buf unread; /* clear text; nothing is read while it has some */
	struct buf out; /* what leaves in the next flush */
	struct flight *flight;
	struct err *err; /* allocated when it breaks */
	struct lingering lingering;
	bool is_reading;
	bool is_eof;
	bool is_closed;
	bool has_had_bytes;
	int write_error; /* the peer hung up on us; reading may still work */
	size_t lost; /* bytes that were taken and never left */
	struct ends ends;
};

static void stream_read_on(struct stream *s);
static void flush_now(struct stream *s);

/* --- being told, breaking, closing -------------------------------------- */

static void
on_closed(uv_handle_t *h)
{
	struct stream *s = h->data;

	free(s->err);
	free(s);
}

static void
close_now(struct stream *s)
{
	s->is_closed = true;
	s->driver.ready = NULL;
	loop_soon_cancel(&s->soon);
	list_remove(&s->lingering.link);
	loop_timer_free(s->lingering.timer);
	tls_pipe_free(s->tls);
	s->lingering.timer = NULL;
	s->tls = NULL;
	s->view_len = 0;
	buf_clear(&s->unread);
	buf_clear(&s->out);
	uv_close(&s->uv.handle, on_closed);
}

static void
tell_soon(struct stream *s)
{
	s->driver.wants_ready = true;
	loop_soon(s->l, &s->soon);
}

static void
stop_reading(struct stream *s)
{
	if (s->is_reading)
		(void)uv_read_stop(&s->uv.stream); /* always succeeds */
	s->is_reading = false;
}

static void
lose_waiting(struct stream *s)
{
	s->lost += buf_len(&s->out);
	buf_clear(&s->out);
}

/* The stream is broken for good; err is told by the next ready(). */
static void
take_error(struct stream *s, const struct err *err)
{
	if (s->err != NULL || s->is_closed)
		return;
	s->err = xmalloc(sizeof(*s->err));
	*s->err = *err;
	stop_reading(s);
	lose_waiting(s);
	tell_soon(s);
}

static void
break_with(struct stream *s, int uv_errno)
{
	struct err err;

	(void)err_set(&err, ERR_NETWORK, "%s%sconnection lost: %s",
	    s->ends.peer_host, s->ends.peer_host[0] != '\0' ? ": " : "",
	    uv_strerror(uv_errno));
	err.os = -uv_errno; /* libuv negates errno on Unix */
	take_error(s, &err);
}

/* What the peer said before it closed matters more than the broken pipe, for
 * example a 4xx or 5xx in the middle of DATA (R65).  So the error is reported
 * after everything was read. */
static void
break_writing(struct stream *s, int uv_errno)
{
	if ((uv_errno == UV_EPIPE || uv_errno == UV_ECONNRESET) && !s->is_eof &&
	    !s->lingering.is_on) {
		s->write_error = uv_errno;
		lose_waiting(s);
		stream_read_on(s);
		return;
	}
	break_with(s, uv_errno);
}

/* --- writing ------------------------------------------------------------ */

static void
on_written(uv_write_t *req, int status)
{
	struct flight *f = req->data;
	struct stream *s = f->s;

	if (status < 0)
		s->lost += buf_len(&f->bytes);
	buf_clear(&f->bytes);
	free(f);
	s->flight = NULL;
	if (s->is_closed)
		return;
	if (status < 0)
		break_writing(s, status);
	else
		flush_now(s);
	if (s->driver.ready != NULL || s->lingering.is_on)
		tell_soon(s);
}

/* True: the bytes left, or are on their way. */
static bool
send_bytes(struct stream *s, const void *p, size_t n)
{
	/* libuv lacks a const here. */
	uv_buf_t b = uv_buf_init((char *)(uintptr_t)p, (unsigned)n);
	struct flight *f;
	int rc;

	rc = uv_try_write(&s->uv.stream, &b, 1);
	if (rc < 0 && rc != UV_EAGAIN) {
		break_writing(s, rc);
		return false;
	}
	if (rc > 0 && (size_t)rc == n)
		return true;
	f = xcalloc(1, sizeof(*f));
	f->s = s;
	f->req.data = f;
	buf_init(&f->bytes, n);
	IGNORE(buf_add(&f->bytes, (const char *)p + (rc > 0 ? rc : 0),
	    n - (size_t)(rc > 0 ? rc : 0))); /* the maximum was just set */
	b = uv_buf_init(
	    f->bytes.p + f->bytes.head, (unsigned)buf_len(&f->bytes));
	rc = uv_write(&f->req, &s->uv.stream, &b, 1, on_written);
	if (rc != 0) {
		buf_clear(&f->bytes);
		free(f);
		break_writing(s, rc);
		return false;
	}
	s->flight = f;
	return true;
}

static void
send_waiting(struct stream *s)
{
	const void *p;
	size_t n;

	if (s->is_closed || s->flight != NULL || s->err != NULL)
		return;
	n = buf_len(&s->out);
	if (n > 0 && send_bytes(s, buf_str(&s->out), n))
		buf_clear(&s->out);
	if (s->tls == NULL || s->flight != NULL || s->err != NULL)
		return;
	n = tls_pipe_peek(s->tls, &p);
	if (n == 0)
		return;
	if (s->write_error != 0)
		s->lost += n;
	else if (!send_bytes(s, p, n))
		return;
	tls_pipe_sent(s->tls, n);
}

/* A driver that filled the stream is told when there is room again, also when
 * the kernel took everything at once and so nothing was left in flight. */
static void
flush_now(struct stream *s)
{
	send_waiting(s);
	if (!s->driver.wants_room || s->is_closed || s->flight != NULL)
		return;
	s->driver.wants_room = false;
	tell_soon(s);
}

static size_t
waiting(const struct stream *s)
{
	size_t n = buf_len(&s->out);
	const void *p;

	if (s->tls != NULL)
		n += tls_pipe_peek(s->tls, &p);
	if (s->flight != NULL)
		n += buf_len(&s->flight->bytes);
	return n;
}

size_t
stream_unsent(const struct stream *s)
{
	size_t n = waiting(s) + s->lost;

	/* Of what is in flight the kernel may have a part. */
	if (s->flight != NULL)
		n -= buf_len(&s->flight->bytes) -
		     uv_stream_get_write_queue_size(&s->uv.stream);
	return n;
}

size_t
stream_room(const struct stream *s)
{
	size_t n;

	if (s->err != NULL || s->write_error != 0)
		return STREAM_UNSENT_MAX; /* it is dropped, so that the
					   * driver does not wait */
	if (s->tls != NULL && !tls_pipe_is_up(s->tls))
		return 0;
	n = waiting(s);
	return n < STREAM_UNSENT_MAX ? STREAM_UNSENT_MAX - n : 0;
}

size_t
stream_write(struct stream *s, const void *p, size_t n)
{
	size_t room = stream_room(s);
	struct err err;

	if (n >= room) {
		n = room;
		s->driver.wants_room = true;
	}
	if (s->err != NULL || s->write_error != 0) {
		s->lost += n;
		return n;
	}
	if (n == 0)
		return 0;
	if (s->tls == NULL)
		IGNORE(buf_add(&s->out, p, n)); /* room was looked at */
	else if (tls_pipe_write(s->tls, p, n, &err) != 0)
		take_error(s, &err);
	loop_soon(s->l, &s->soon);
	return n;
}

void
stream_flush(struct stream *s)
{
	flush_now(s);
	if (!s->driver.wants_ready && !s->lingering.is_on)
		loop_soon_cancel(&s->soon); /* it has nothing left to do */
}

/* --- reading ------------------------------------------------------------ */

/* Keeps what the driver left unread; nothing more is read until that is
 * taken. */
static void
keep_view(struct stream *s)
{
	if (s->view_len > 0) {
		IGNORE(buf_add(&s->unread, s->view, s->view_len)); /* fits */
		s->view_len = 0;
	}
	s->view = NULL;
}

/* Clear text that TLS has ready, if the driver has taken all before it. */
static void
decrypt(struct stream *s)
{
	struct err err;
	char record[RECORD_MAX]; /* most looks find nothing to keep */
	size_t n;

	if (buf_len(&s->unread) == 0) {
		n = tls_pipe_read(s->tls, record, sizeof(record));
		if (n > 0)
			IGNORE(buf_add(&s->unread, record, n)); /* fits */
	}
	if (buf_len(&s->unread) > 0)
		return;
	/* A bad record breaks the pipe; this reports it. */
	if (tls_pipe_run(s->tls, &err) != 0)
		take_error(s, &err);
}

/* Calls the driver.  It may free the stream; the memory lasts until libuv
 * has closed the handle, so is_closed can be asked afterwards. */
static void
call_driver(struct stream *s)
{
	bool is_full;

	s->driver.wants_ready = false;
	if (s->tls != NULL && tls_pipe_is_up(s->tls))
		decrypt(s);
	s->driver.is_told = true;
	if (s->driver.ready != NULL)
		s->driver.ready(s->driver.ctx);
	s->driver.is_told = false;
	if (s->is_closed || s->lingering.is_on)
		return; /* finish_step() comes in its own turn */
	keep_view(s);
	if (s->tls != NULL && tls_pipe_is_up(s->tls))
		decrypt(s);
	if (buf_len(&s->unread) > 0)
		stop_reading(s);
	else
		stream_read_on(s);
	is_full = s->driver.wants_room;
	stream_flush(s);
	/* A driver that fills it will do so again. */
	if (!is_full && s->tls != NULL)
		tls_pipe_rest(s->tls);
}

static void
finish_step(struct stream *s)
{
	uv_os_fd_t fd;

	if (s->err != NULL) {
		close_now(s);
		return;
	}
	if (waiting(s) > 0)
		return;
	/* Closing while the peer still sends would answer with a reset, which
	 * may overtake our last words; so its bytes are read and dropped until
	 * it closes too, has sent too much, or the linger time is over. */
	if (s->is_eof || s->lingering.has_said_bye ||
	    uv_fileno(&s->uv.handle, &fd) != 0)
		close_now(s);
	else
		IGNORE(shutdown(fd, SHUT_WR)); /* else the time limit ends it */
}

static void
on_soon(struct loop_task *t)
{
	struct stream *s = list_entry(t, struct stream, soon);

	flush_now(s);
	if (s->lingering.is_on)
		finish_step(s);
	else if (s->driver.wants_ready)
		call_driver(s);
}

static void
on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
	struct stream *s = h->data;

	(void)suggested;
	*ret = uv_buf_init(loop_read_buf(s->l), LOOP_READ_SIZE);
}

static void
on_tls_bytes(struct stream *s, const char *p, size_t n)
{
	struct err err;
	bool is_up;

	if (tls_pipe_put(s->tls, p, n, &err) != 0) {
		flush_now(s); /* the alert says why */
		take_error(s, &err);
		return;
	}
	is_up = tls_pipe_is_up(s->tls);
	/* Nothing to tell while shaking hands. */
	if (is_up)
		call_driver(s);
	else
		flush_now(s);
}

static void
on_end(struct stream *s, int status)
{
	struct err err;

	stop_reading(s);
	s->is_eof = true;
	if (s->tls != NULL && !tls_pipe_is_up(s->tls)) {
		tls_pipe_eof(s->tls);
		if (tls_pipe_run(s->tls, &err) != 0)
			take_error(s, &err);
	} else if (s->tls != NULL)
		tls_pipe_eof(s->tls);
	if (status != UV_EOF)
		break_with(s, status);
	else if (s->write_error != 0)
		break_with(s, s->write_error);
	call_driver(s);
}

static void
on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
	struct stream *s = h->data;

	if (n == 0)
		return;
	if (s->lingering.is_on) {
		if (n > 0)
			s->lingering.dropped += (size_t)n;
		if (n < 0 || s->lingering.dropped > LINGER_BYTES_MAX) {
			stop_reading(s);
			s->is_eof = true;
			tell_soon(s);
		}
		return;
	}
	if (n < 0) {
		on_end(s, (int)n);
		return;
	}
	s->has_had_bytes = true;
	if (s->tls != NULL) {
		on_tls_bytes(s, b->base, (size_t)n);
		return;
	}
	s->view = b->base;
	s->view_len = (size_t)n;
	call_driver(s);
}

static void
stream_read_on(struct stream *s)
{
	int rc;

	if (s->is_reading || s->is_eof || s->err != NULL || s->is_closed)
		return;
	rc = uv_read_start(&s->uv.stream, on_alloc, on_read);
	if (rc != 0)
		break_with(s, rc);
	else
		s->is_reading = true;
}

size_t
stream_peek(struct stream *s, const void **ret_p)
{
	if (s->tls != NULL && tls_pipe_is_up(s->tls)) {
		decrypt(s);
		if (buf_len(&s->unread) == 0)
			stream_read_on(s);
	}
	if (buf_len(&s->unread) > 0) {
		*ret_p = buf_str(&s->unread);
		return buf_len(&s->unread);
	}
	*ret_p = s->view;
	return s->view_len;
}

void
stream_used(struct stream *s, size_t n)
{
	if (buf_len(&s->unread) == 0) {
		assert(n <= s->view_len);
		s->view += n;
		s->view_len -= n;
		return;
	}
	buf_drop(&s->unread, n);
	if (buf_len(&s->unread) > 0)
		return;
	buf_clear(&s->unread);
	if (s->driver.is_told)
		return; /* tell() looks after it */
	/* More may be waiting in TLS, with no event of the socket to come. */
	if (s->tls != NULL)
		tell_soon(s);
	else
		stream_read_on(s);
}

bool
stream_at_eof(const struct stream *s)
{
	if (s->view_len > 0 || buf_len(&s->unread) > 0)
		return false;
	return s->tls != NULL ? tls_pipe_at_eof(s->tls) : s->is_eof;
}

const struct err *
stream_error(const struct stream *s)
{
	return s->err;
}

/* --- addresses ---------------------------------------------------------- */

/* An IPv4 address that came through an IPv6 socket is shown as IPv4. */
static int
address_text(const struct sockaddr_storage *ss, char *to, size_t size)
{
	const struct sockaddr_in *v4 = (const void *)ss;
	const struct sockaddr_in6 *v6 = (const void *)ss;

	to[0] = '\0';
	if (ss->ss_family == AF_INET) {
		IGNORE(inet_ntop(AF_INET, &v4->sin_addr, to, (socklen_t)size));
		return ntohs(v4->sin_port);
	}
	if (ss->ss_family != AF_INET6)
		return 0;
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		IGNORE(inet_ntop(
		    AF_INET, &v6->sin6_addr.s6_addr[12], to, (socklen_t)size));
	else
		IGNORE(
		    inet_ntop(AF_INET6, &v6->sin6_addr, to, (socklen_t)size));
	return ntohs(v6->sin6_port);
}

/* Returns the family. */
static int
note_peer(struct stream *s, int fd)
{
	struct sockaddr_storage *ss = &s->ends.peer;
	socklen_t len = sizeof(*ss);
	int family = 0;

	if (getpeername(fd, (struct sockaddr *)ss, &len) == 0) {
		s->ends.peer_port = address_text(
		    ss, s->ends.peer_host, sizeof(s->ends.peer_host));
		return ss->ss_family;
	}
	/* It has hung up already. */
	len = sizeof(family);
	IGNORE(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len));
	return family;
}

const char *
stream_peer_host(const struct stream *s)
{
	return s->ends.peer_host;
}

int
stream_peer_port(const struct stream *s)
{
	return s->ends.peer_port;
}

const char *
stream_local_literal(struct stream *s)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	char text[INET6_ADDRSTRLEN];
	uv_os_fd_t fd;

	if (s->is_closed || uv_fileno(&s->uv.handle, &fd) != 0 ||
	    getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		return s->ends.literal;
	(void)address_text(&ss, text, sizeof(text));
	if (text[0] != '\0')
		(void)snprintf(s->ends.literal, sizeof(s->ends.literal),
		    "[%s%s]", strchr(text, ':') != NULL ? "IPv6:" : "", text);
	return s->ends.literal;
}

uint32_t
stream_peer_uid(const struct stream *s)
{
	uv_os_fd_t fd;

	if (s->is_closed || uv_fileno(&s->uv.handle, &fd) != 0)
		return UID_UNKNOWN;
	return peer_uid(&loop_memory(s->l)->diag, fd, &s->ends.peer);
}

/* --- life --------------------------------------------------------------- */

static int
handle_open(struct stream *s, int fd)
{
	if (note_peer(s, fd) == AF_UNIX) {
		(void)uv_pipe_init(loop_uv(s->l), &s->uv.pipe, 0); /* is 0 */
		return uv_pipe_open(&s->uv.pipe, fd);
	}
	(void)uv_tcp_init(loop_uv(s->l), &s->uv.tcp); /* only fills it in */
	return uv_tcp_open(&s->uv.tcp, fd);
}

struct stream *
stream_new(struct loop *l, int fd, void (*ready)(void *ctx), void *ctx)
{
	struct stream *s = xcalloc(1, sizeof(*s));
	int rc;

	s->l = l;
	s->driver.ready = ready;
	s->driver.ctx = ctx;
	buf_init(&s->unread, STREAM_UNREAD_MAX);
	/* As much again for records that a finishing TLS stream leaves. */
	buf_init(&s->out, 2 * (size_t)STREAM_UNSENT_MAX);
	loop_task_init(&s->soon, on_soon);
	list_init(&s->lingering.link);
	rc = handle_open(s, fd);
	s->uv.handle.data = s;
	if (rc != 0) {
		(void)close(fd); /* libuv did not take it */
		break_with(s, rc);
	} else
		stream_read_on(s);
	return s;
}

void
stream_on_ready(struct stream *s, void (*ready)(void *ctx), void *ctx)
{
	s->driver.ready = ready;
	s->driver.ctx = ctx;
}

void
stream_free(struct stream *s)
{
	if (s != NULL)
		close_now(s);
}

static void
on_linger_over(void *ctx)
{
	close_now(ctx);
}

static void
cut_lingering(struct list *link)
{
	close_now(list_entry(link, struct stream, lingering.link));
}

/* The owner may free the context once it has finished the stream; only bytes
 * are left to send. */
static void
let_go_of_tls(struct stream *s)
{
	const void *p;
	size_t n;

	if (s->tls == NULL)
		return;
	tls_pipe_bye(s->tls);
	n = tls_pipe_peek(s->tls, &p);
	IGNORE(buf_add(&s->out, p, n)); /* fits: see stream_new() */
	tls_pipe_free(s->tls);
	s->tls = NULL;
}

void
stream_said_bye(struct stream *s)
{
	/* Unread bytes would be answered with a reset. */
	s->lingering.has_said_bye = s->view_len == 0 &&
				    buf_len(&s->unread) == 0;
}

void
stream_finish(struct stream *s, int64_t linger_ms)
{
	if (s == NULL)
		return;
	s->driver.ready = NULL;
	s->lingering.is_on = true;
	s->view_len = 0;
	buf_clear(&s->unread);
	if (s->err != NULL || s->write_error != 0) {
		close_now(s);
		return;
	}
	let_go_of_tls(s);
	loop_memory(s->l)->cut = cut_lingering;
	list_append(&loop_memory(s->l)->lingering, &s->lingering.link);
	s->lingering.timer = loop_timer_new(s->l, on_linger_over, s);
	loop_timer_set(s->lingering.timer, loop_now_ms(s->l) + linger_ms);
	stream_read_on(s);
	tell_soon(s);
}

/* --- TLS ---------------------------------------------------------------- */

int
stream_start_tls(
    struct stream *s, struct tls_ctx *ctx, const char *name, struct err *err)
{
	struct tls_pipe *t;

	assert(s->tls == NULL);
	if (s->view_len > 0 || buf_len(&s->unread) > 0)
		return err_set(err, ERR_TLS,
		    "%zu bytes of clear text followed the reply to STARTTLS: "
		    "refused, because someone may be tampering with the "
		    "connection",
		    s->view_len + buf_len(&s->unread));
	if (s->is_eof || s->err != NULL)
		return err_set(err, ERR_NETWORK,
		    "the connection was closed before TLS could start");
	if (tls_pipe_new(ctx, name, &t, err) != 0)
		return -1;
	if (s->has_had_bytes)
		tls_pipe_upgraded(t);
	flush_now(s); /* clear bytes that were written before go first */
	if (tls_pipe_run(t, err) != 0) {
		tls_pipe_free(t);
		return -1;
	}
	s->tls = t;
	stream_read_on(s);
	loop_soon(s->l, &s->soon);
	return 0;
}

bool
stream_tls_is_up(const struct stream *s)
{
	return s->tls != NULL && tls_pipe_is_up(s->tls);
}

struct tls_pipe *
stream_tls(struct stream *s)
{
	return s->tls;
}
