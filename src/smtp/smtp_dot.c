/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/smtp_dot.h"

#include <assert.h>
#include <string.h>

/* What precedes the next byte. */
enum state {
	START, /* CR LF, or nothing at all */
	DOT, /* CR LF . */
	DOT_CR, /* CR LF . CR */
	TEXT, /* anything else */
	SOFT_START, /* a bare LF or CR that was repaired */
	CR, /* CR, not yet written */
	CR_CR /* CR CR, neither yet written */
};

/* The number of bytes that fit whatever they are. */
static size_t
fitting(const struct buf *out, size_t n)
{
	size_t room = buf_room(out);
	size_t fits = room > SMTP_DOT_SPACE(0) ? (room - SMTP_DOT_SPACE(0)) / 2
					       : 0;

	return n < fits ? n : fits;
}

/* How far to look for a line end: a little over what a line may have.  Without
 * a bound, input with no LF in it would be searched to its end for every CR. */
enum { LOOK_AHEAD = 1024 };

/* The length of the whole lines at p that can be copied: CR LF at the end, no
 * CR inside, no dot at the start.  Nearly every byte of a message takes this
 * path, hence memchr() and one copy for many lines. */
static size_t
clean_lines(const char *p, size_t n)
{
	size_t done = 0;

	while (done < n && p[done] != '.') {
		const char *line = p + done;
		size_t len = n - done < LOOK_AHEAD ? n - done : LOOK_AHEAD;
		const char *lf = memchr(line, '\n', len);

		if (lf == NULL || lf == line || lf[-1] != '\r')
			break;
		len = (size_t)(lf - line);
		if (memchr(line, '\r', len - 1) != NULL)
			break;
		done += len + 1;
	}
	return done;
}

/* A plain loop: memchr() for each of the two would scan the whole rest
 * repeatedly if only one of them occurs. */
static size_t
until_cr_lf(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] != '\r' && p[i] != '\n')
		i++;
	return i;
}

static char *
append(char *to, const char *p, size_t n)
{
	memcpy(to, p, n);
	return to + n;
}

static char *
crlf(char *to)
{
	return append(to, "\r\n", 2);
}

/* --- in ------------------------------------------------------------------ */

void
smtp_dot_init(struct smtp_dot *d, enum smtp_dot_kind kind)
{
	*d = (struct smtp_dot) { .kind = kind, .state = START };
}

/* A byte that is neither CR, LF nor a dot with a meaning: text. */
static char *
put_text(struct smtp_dot *d, char *to, const char *p, size_t n, size_t *used)
{
	size_t run = until_cr_lf(p, n);

	*used = run;
	d->state = TEXT;
	return append(to, p, run);
}

/* At the start of a line, after a true CR LF. */
static char *
put_start(struct smtp_dot *d, char *to, const char *p, size_t n, size_t *used)
{
	size_t run;

	if (*p == '.' && d->kind == SMTP_DOT_DATA) {
		d->state = DOT;
		*used = 1;
		return to;
	}
	run = clean_lines(p, n);
	*used = run;
	if (run == 0)
		d->state = TEXT; /* and look again, line by line */
	return append(to, p, run);
}

/* CR or LF in the middle of things. */
static char *
put_break(struct smtp_dot *d, char *to, char c)
{
	bool is_held = d->state == CR || d->state == CR_CR;

	if (c == '\r') {
		if (d->state == CR_CR) {
			d->had_bare = true;
			to = crlf(to);
		}
		d->state = is_held ? CR_CR : CR;
		return to;
	}
	d->had_bare |= d->state != CR;
	d->state = is_held ? START : SOFT_START;
	return crlf(to);
}

/* The CRs held back are not part of a line end. */
static char *
put_held(struct smtp_dot *d, char *to)
{
	d->had_bare = true;
	if (d->state == CR_CR)
		to = crlf(to);
	d->state = SOFT_START;
	return crlf(to);
}

/* One or more bytes at p, n > 0; *used says how many. */
static char *
put_some(struct smtp_dot *d, char *to, const char *p, size_t n, size_t *used)
{
	bool is_break = *p == '\r' || *p == '\n';

	*used = 0;
	switch ((enum state)d->state) {
	case START:
		if (is_break)
			break;
		return put_start(d, to, p, n, used);
	case DOT:
		/* The dot is removed, unless it is the end. */
		d->state = *p == '\r' ? DOT_CR : TEXT;
		*used = *p == '\r';
		return to;
	case DOT_CR:
		d->is_end = *p == '\n';
		d->state = CR;
		*used = *p == '\n';
		return to;
	case CR:
	case CR_CR:
		if (!is_break)
			return put_held(d, to);
		break;
	case TEXT:
	case SOFT_START:
		if (!is_break)
			return put_text(d, to, p, n, used);
		break;
	}
	*used = 1;
	return put_break(d, to, *p);
}

size_t
smtp_dot_put(struct smtp_dot *d, const void *bytes, size_t n, struct buf *out)
{
	const char *p = bytes;
	char *start, *to;
	size_t i = 0, used;

	n = fitting(out, n);
	if (n == 0)
		return 0;
	start = to = buf_space(out, SMTP_DOT_SPACE(n));
	while (i < n && !d->is_end) {
		to = put_some(d, to, p + i, n - i, &used);
		i += used;
	}
	buf_added(out, (size_t)(to - start));
	return i;
}

bool
smtp_dot_finish(struct smtp_dot *d, struct buf *out)
{
	char *start, *to;

	assert(d->kind == SMTP_DOT_CHUNK);
	if ((start = to = buf_space(out, SMTP_DOT_SPACE(0))) == NULL)
		return false;
	if (d->state == CR || d->state == CR_CR)
		to = put_held(d, to);
	else if (d->state == TEXT)
		to = crlf(to);
	buf_added(out, (size_t)(to - start));
	d->state = START;
	return true;
}

/* --- out ----------------------------------------------------------------- */

void
smtp_stuff_init(struct smtp_stuff *s)
{
	*s = (struct smtp_stuff) { false };
}

/* Line by line, for input that clean_lines() does not take. */
static char *
stuff_some(
    struct smtp_stuff *s, char *to, const char *p, size_t n, size_t *used)
{
	size_t run = until_cr_lf(p, n);

	if (s->has_cr || *p == '\n') {
		*used = *p == '\n';
		s->has_cr = false;
		s->is_inside = false;
		return crlf(to);
	}
	if (*p == '\r') {
		*used = 1;
		s->has_cr = true;
		return to;
	}
	if (!s->is_inside && *p == '.')
		*to++ = '.';
	s->is_inside = true;
	*used = run;
	return append(to, p, run);
}

static char *
stuff_run(struct smtp_stuff *s, char *to, const char *p, size_t n)
{
	size_t i = 0, used;

	while (i < n) {
		used = s->is_inside || s->has_cr ? 0
						 : clean_lines(p + i, n - i);
		to = append(to, p + i, used);
		if (used == 0)
			to = stuff_some(s, to, p + i, n - i, &used);
		i += used;
	}
	return to;
}

size_t
smtp_stuff_put(
    struct smtp_stuff *s, const void *bytes, size_t n, struct buf *out)
{
	const char *p = bytes, *end, *nul;
	char *start, *to;

	n = fitting(out, n);
	if (n == 0)
		return 0;
	start = to = buf_space(out, SMTP_DOT_SPACE(n));
	for (end = p + n; p < end; p = nul + 1) {
		nul = memchr(p, '\0', (size_t)(end - p));
		if (nul == NULL || s->keeps_nul)
			nul = end;
		to = stuff_run(s, to, p, (size_t)(nul - p));
	}
	buf_added(out, (size_t)(to - start));
	return n;
}

bool
smtp_stuff_end(struct smtp_stuff *s, struct buf *out)
{
	char *start, *to;

	if ((start = to = buf_space(out, SMTP_DOT_SPACE(0))) == NULL)
		return false;
	if (s->is_inside || s->has_cr)
		to = crlf(to);
	to = append(to, ".\r\n", 3);
	buf_added(out, (size_t)(to - start));
	smtp_stuff_init(s);
	return true;
}
