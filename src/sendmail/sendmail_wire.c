/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sendmail/sendmail_wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"
#include "sys/clock_sys.h"

enum {
	OUT_MAX = 65536,
	IN_MAX = 65536,
	REPLY_TEXT_MAX = 65536, /* R25 */
	WRITE_MS = 3 * 60 * 1000 /* RFC 5321 4.5.3.2.5: data block */
};

void
wire_init(struct wire *w, int fd)
{
	w->fd = fd;
	buf_init(&w->in, IN_MAX);
	buf_init(&w->out, OUT_MAX);
	buf_init(&w->text, REPLY_TEXT_MAX);
}

void
wire_clear(struct wire *w)
{
	if (w->fd >= 0)
		(void)close(w->fd); /* nothing is promised by a close */
	w->fd = -1;
	buf_clear(&w->in);
	buf_clear(&w->out);
	buf_clear(&w->text);
}

/* Waits until events come or the clock says no. */
static int
wait_for(struct wire *w, short events, int64_t until_ms, struct err *err)
{
	for (;;) {
		struct pollfd pfd = { .fd = w->fd, .events = events };
		int64_t left = until_ms - clock_boot_ms(clock_sys());
		int n;

		if (left <= 0)
			return err_set(
			    err, ERR_NETWORK, "no answer within the time");
		n = poll(&pfd, 1, (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_sys(err, "poll");
	}
}

int
wire_flush(struct wire *w, struct err *err)
{
	int64_t until = clock_boot_ms(clock_sys()) + WRITE_MS;

	while (buf_len(&w->out) > 0) {
		ssize_t n = send(w->fd, buf_str(&w->out), buf_len(&w->out),
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			buf_drop(&w->out, (size_t)n);
		else if (errno == EAGAIN) {
			if (wait_for(w, POLLOUT, until, err) != 0)
				return -1;
		} else if (errno != EINTR) {
			(void)err_sys(err, "connection lost");
			err->class = ERR_NETWORK;
			return -1;
		}
	}
	return 0;
}

int
wire_put(struct wire *w, const void *p, size_t n, struct err *err)
{
	const char *from = p;

	while (n > 0) {
		size_t part = n < OUT_MAX ? n : OUT_MAX;

		if (!buf_add(&w->out, from, part)) {
			if (wire_flush(w, err) != 0)
				return -1;
			continue;
		}
		from += part;
		n -= part;
	}
	return 0;
}

static int
read_more(struct wire *w, int64_t until_ms, struct err *err)
{
	char *to = buf_space(&w->in, 4096);
	ssize_t n;

	if (to == NULL)
		return err_set(err, ERR_NETWORK, "the reply is too long");
	do {
		if (wait_for(w, POLLIN, until_ms, err) != 0)
			return -1;
		n = recv(w->fd, to, 4096, MSG_DONTWAIT);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n == 0)
		return err_set(
		    err, ERR_NETWORK, "the other side closed the connection");
	if (n < 0) {
		(void)err_sys(err, "connection lost");
		err->class = ERR_NETWORK;
		return -1;
	}
	buf_added(&w->in, (size_t)n);
	return 0;
}

/* One line, CRLF or LF taken off; it stays in w->in at the front, *ret_whole
 * bytes of it. */
static int
read_line(struct wire *w, int64_t until_ms, struct bytes *ret,
    size_t *ret_whole, struct err *err)
{
	size_t seen = 0;
	const char *lf;

	while ((lf = memchr(buf_str(&w->in) + seen, '\n',
		    buf_len(&w->in) - seen)) == NULL) {
		seen = buf_len(&w->in);
		if (read_more(w, until_ms, err) != 0)
			return -1;
	}
	*ret_whole = (size_t)(lf - buf_str(&w->in)) + 1;
	*ret = bytes_of(buf_str(&w->in), *ret_whole - 1);
	if (ret->n > 0 && ret->p[ret->n - 1] == '\r')
		ret->n--;
	return 0;
}

/* RFC 5321 4.2: three digits, "-" on all lines but the last, text. */
int
wire_reply(struct wire *w, int timeout_ms, struct err *err)
{
	int64_t until = clock_boot_ms(clock_sys()) + timeout_ms;
	uint64_t code, first = 0;
	bool is_last;

	buf_reset(&w->text);
	do {
		struct bytes line;
		size_t whole;

		if (read_line(w, until, &line, &whole, err) != 0)
			return -1;
		if (line.n < 3 ||
		    !num_u64_max(bytes_of(line.p, 3), 599, &code) ||
		    code < 200 || (first != 0 && code != first) ||
		    (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-'))
			return err_set(
			    err, ERR_NETWORK, "the other side speaks no SMTP");
		is_last = line.n == 3 || line.p[3] == ' ';
		if ((first != 0 && !buf_addc(&w->text, '\n')) ||
		    (line.n > 4 && !buf_add(&w->text, line.p + 4, line.n - 4)))
			return err_set(
			    err, ERR_NETWORK, "the reply is too long");
		first = code;
		buf_drop(&w->in, whole);
	} while (!is_last);
	return (int)code;
}

/* "5.1.1" and the blank behind it: how many bytes, 0 if there is none. */
static size_t
enhanced_len(struct bytes text)
{
	size_t n = 0, dots = 0;

	while (n < text.n &&
	       (text.p[n] == '.' || (text.p[n] >= '0' && text.p[n] <= '9')))
		dots += text.p[n++] == '.';
	return dots == 2 && n >= 5 && (n == text.n || text.p[n] == ' ') ? n : 0;
}

void
wire_verdict(const struct wire *w, enum verdict_stage stage, int code,
    struct verdict *ret)
{
	struct bytes text = buf_bytes(&w->text);
	size_t n = enhanced_len(text);

	verdict_from_reply(ret, stage, code, bytes_of(text.p, n),
	    bytes_trim(bytes_of(text.p + n, text.n - n)));
}
