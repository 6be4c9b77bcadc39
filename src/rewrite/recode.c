/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/recode.h"

#include <assert.h>

#include "base/base64.h"

/* RFC 2045 6.7 (5), 6.8; the last column is for the "=" of a soft break. */
enum { LINE_MAX = 76, QP_LINE_MAX = LINE_MAX - 1 };

void
recode_init(struct recode *r, enum recode_how how)
{
	*r = (struct recode) { .how = how };
}

static void
add_encoded(struct buf *out, const char *p, size_t n)
{
	bool has_room = buf_add(out, p, n);

	assert(has_room); /* the caller saw to it */
}

/* --- quoted-printable ----------------------------------------------------- */

static void
soft_break(struct recode *r, struct buf *out)
{
	add_encoded(out, "=\r\n", 3);
	r->column = 0;
}

/* One unit that must not be cut.  A break of ours must not put "--" at the
 * start of a line, where it could be the delimiter of a part. */
static void
add_unit(struct recode *r, struct buf *out, const char *p, size_t n)
{
	if (r->column + n > QP_LINE_MAX) {
		soft_break(r, out);
		if (*p == '-')
			p = "=2D", n = 3;
	}
	add_encoded(out, p, n);
	r->column += n;
}

static void
add_hex(struct recode *r, struct buf *out, char c)
{
	static const char hex[] = "0123456789ABCDEF";
	char unit[] = { '=', hex[(unsigned char)c >> 4],
		hex[(unsigned char)c & 15] };

	add_unit(r, out, unit, sizeof(unit));
}

static void
add_line_end(struct recode *r, struct buf *out)
{
	add_encoded(out, "\r\n", 2);
	r->column = 0;
	r->has_cr = false;
	r->hex_left = 0;
}

/* The blank that waited: there is more on its line, or not. */
static void
add_blank(struct recode *r, struct buf *out, bool is_last)
{
	char c = r->blank;

	r->blank = '\0';
	if (c == '\0')
		return;
	if (is_last)
		add_hex(r, out, c);
	else
		add_unit(r, out, &c, 1);
}

static void
put_qp(struct recode *r, char c, struct buf *out)
{
	if (r->has_cr && c == '\n') {
		add_blank(r, out, true);
		add_line_end(r, out);
		return;
	}
	if (c == '\r' && !r->has_cr) {
		r->has_cr = true;
		return; /* a blank waits on */
	}
	add_blank(r, out, false);
	if (r->has_cr)
		add_hex(r, out, '\r');
	r->has_cr = c == '\r';
	if (c == ' ' || c == '\t')
		r->blank = c;
	else if (c > ' ' && c < 0x7f && c != '=')
		add_unit(r, out, &c, 1);
	else if (c != '\r')
		add_hex(r, out, c);
}

/* Blanks that turned out not to end their line. */
static void
add_held(struct recode *r, struct buf *out)
{
	for (size_t i = 0; i < r->nline; i++)
		add_unit(r, out, &r->line[i], 1);
	if (r->nline > 0)
		r->hex_left = 0;
	r->nline = 0;
}

static void
mend_qp(struct recode *r, char c, struct buf *out)
{
	if (r->has_cr && c == '\n') {
		/* RFC 2045 6.7 (3): trailing blanks do not count.  A soft break
		 * among them would make them count, and would change the
		 * meaning of a "=" before them. */
		r->nline = 0;
		add_line_end(r, out);
		return;
	}
	if ((c == ' ' || c == '\t') && !r->has_cr) {
		r->line[r->nline++] = c;
		if (r->nline == sizeof(r->line))
			add_held(r, out);
		return;
	}
	if (c != '\r' || r->has_cr)
		add_held(r, out);
	if (r->has_cr)
		add_hex(r, out, '\r');
	r->has_cr = c == '\r';
	if (r->has_cr)
		return;
	if (c == '\n' || (unsigned char)c >= 0x7f || c == '\0') {
		r->hex_left = 0;
		add_hex(r, out, c);
	} else if (c == '=') {
		/* Also where digits were expected: then the "=" before it is
		 * literal. */
		if (r->column + 3 > QP_LINE_MAX)
			soft_break(r, out);
		add_encoded(out, &c, 1);
		r->column++;
		r->hex_left = 2;
	} else if (r->hex_left > 0) {
		add_encoded(out, &c, 1);
		r->column++;
		r->hex_left--;
	} else {
		add_unit(r, out, &c, 1);
	}
}

/* --- base64 --------------------------------------------------------------- */

static void
break_line(struct recode *r, struct buf *out)
{
	if (r->column == 0)
		return;
	add_encoded(out, "\r\n", 2);
	r->column = 0;
}

static void
end_line(struct recode *r, struct buf *out)
{
	size_t before = buf_len(out);
	bool has_room;

	break_line(r, out);
	has_room = base64_encode(out, bytes_of(r->line, r->nline));
	assert(has_room);
	r->column = buf_len(out) - before;
	r->nline = 0;
}

static void
put_base64(struct recode *r, char c, struct buf *out)
{
	r->line[r->nline++] = c;
	if (r->nline == sizeof(r->line))
		end_line(r, out);
}

/* RFC 2045 6.8: readers skip characters outside the alphabet. */
static void
mend_base64(struct recode *r, char c, struct buf *out)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=') {
		if (r->column == LINE_MAX)
			break_line(r, out);
		add_encoded(out, &c, 1);
		r->column++;
	}
}

/* --- the whole ------------------------------------------------------------ */

static void (*const puts_char[])(struct recode *r, char c, struct buf *out) = {
	[RECODE_QP] = put_qp,
	[RECODE_BASE64] = put_base64,
	[RECODE_MEND_QP] = mend_qp,
	[RECODE_MEND_BASE64] = mend_base64,
};

void
recode_put(struct recode *r, struct bytes b, struct buf *out)
{
	if (r->how == RECODE_KEEP) {
		add_encoded(out, b.p, b.n);
		return;
	}
	for (size_t i = 0; i < b.n; i++)
		puts_char[r->how](r, b.p[i], out);
}

void
recode_end(struct recode *r, struct buf *out)
{
	add_blank(r, out, !r->has_cr);
	if (r->has_cr)
		add_hex(r, out, '\r');
	if (r->nline > 0 && r->how == RECODE_BASE64)
		end_line(r, out);
	recode_init(r, r->how);
}
