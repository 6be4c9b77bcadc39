/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sendmail/sendmail_input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void
sendmail_input_init(struct sendmail_input *in, bool ignores_dots)
{
	*in = (struct sendmail_input) { .ignores_dots = ignores_dots };
	buf_init(&in->text, SENDMAIL_INPUT_MAX);
}

void
sendmail_input_clear(struct sendmail_input *in)
{
	buf_clear(&in->text);
}

static int
add_input(struct sendmail_input *in, const char *p, size_t n, struct err *err)
{
	if (buf_add(&in->text, p, n))
		return 0;
	return err_set(
	    err, ERR_INPUT, "the message is too large for this program");
}

static int
end_line(struct sendmail_input *in, struct err *err)
{
	size_t len = buf_len(&in->text) - in->line;

	if (!in->ignores_dots && len == 1 &&
	    buf_str(&in->text)[in->line] == '.') {
		buf_truncate(&in->text, in->line);
		in->is_over = true;
		return 0;
	}
	if (add_input(in, "\r\n", 2, err) != 0)
		return -1;
	in->line = buf_len(&in->text);
	return 0;
}

/* Bytes up to the next CR or LF. */
static size_t
run_length(const char *p, size_t n)
{
	const char *lf = memchr(p, '\n', n);
	const char *cr;

	if (lf != NULL)
		n = (size_t)(lf - p);
	cr = memchr(p, '\r', n);
	return cr != NULL ? (size_t)(cr - p) : n;
}

/* The CRs that were held stood alone: each ended a line. */
static int
end_held(struct sendmail_input *in, struct err *err)
{
	for (; in->crs > 0 && !in->is_over; in->crs--)
		if (end_line(in, err) != 0)
			return -1;
	return 0;
}

int
sendmail_input_put(
    struct sendmail_input *in, const char *p, size_t n, struct err *err)
{
	while (n > 0 && !in->is_over) {
		size_t run = run_length(p, n);
		int rc = 0;

		if (run > 0) {
			rc = end_held(in, err);
			if (rc == 0 && !in->is_over)
				rc = add_input(in, p, run, err);
		} else if (*p == '\n') {
			in->crs = 0;
			rc = end_line(in, err);
		} else if (in->crs < 2) {
			in->crs++;
		} else {
			rc = end_line(in, err);
		}
		if (rc != 0)
			return -1;
		p += run > 0 ? run : 1;
		n -= run > 0 ? run : 1;
	}
	return 0;
}

int
sendmail_input_end(struct sendmail_input *in, struct err *err)
{
	if (end_held(in, err) != 0)
		return -1;
	if (!in->is_over && buf_len(&in->text) > in->line)
		return end_line(in, err);
	return 0;
}

int
sendmail_input_read(struct sendmail_input *in, int fd, struct err *err)
{
	char piece[65536];
	ssize_t n;

	while (!in->is_over && (n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read the message");
		if (sendmail_input_put(in, piece, (size_t)n, err) != 0)
			return -1;
	}
	return sendmail_input_end(in, err);
}
