/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/repair.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "rewrite/eightbit.h"
#include "rewrite/lines.h"
#include "rewrite/mime_stream.h"
#include "rewrite/recode.h"

enum {
	PIECE_MAX = 8192,
	OUT_MAX = 2 * (HEADER_MAX + HEADER_OWN_MAX),
	/* If more than one byte in this many needs encoding, base64 is shorter,
	 * and quoted-printable would be unreadable anyway. */
	QP_SHARE = 4
};

/* What the first pass found in a leaf, and what is done about it. */
struct plan {
	unsigned char how; /* enum recode_how */
	bool has_8bit, is_utf8;
};

/* Of the leaf under way. */
struct look {
	size_t line, longest;
	uint64_t bytes, odd; /* odd ones take three octets in QP */
	bool has_8bit, has_cr;
	bool is_utf8;
	unsigned char tail[4]; /* of a character that is not complete */
	size_t ntail;
};

struct repair {
	struct repair_opts opts;
	struct header *header;
	struct mime_stream *parts;
	struct look look;
	struct plan *plan;
	size_t nplan;
	struct repair_seen seen;
	const char *why; /* it cannot be done */

	struct recode recode;
	struct bytes body; /* of the event, not yet re-encoded */
	struct buf out;
	size_t frame_column;
	char last; /* byte that went out */
	bool is_over, is_told;
};

struct repair *
repair_new(struct header *header, const struct repair_opts *o)
{
	struct repair *r = xcalloc(1, sizeof(*r));

	r->opts = *o;
	r->header = header;
	r->parts = mime_stream_new(header);
	r->look.is_utf8 = true;
	buf_init(&r->out, OUT_MAX);
	return r;
}

void
repair_free(struct repair *r)
{
	if (r == NULL)
		return;
	mime_stream_free(r->parts);
	free(r->plan);
	buf_clear(&r->out);
	free(r);
}

/* --- looking -------------------------------------------------------------- */

/* UTF-8 in pieces: a character cut in two waits for its rest. */
static void
look_utf8(struct look *l, struct bytes b)
{
	size_t n = b.n;

	while (l->ntail > 0 && b.n > 0 && l->is_utf8) {
		l->tail[l->ntail++] = (unsigned char)b.p[0];
		b = bytes_of(b.p + 1, b.n - 1);
		if (str_is_utf8(bytes_of(l->tail, l->ntail)))
			l->ntail = 0;
		else if (l->ntail == sizeof(l->tail))
			l->is_utf8 = false;
	}
	if (b.n == 0 || !l->is_utf8)
		return;
	/* The start of a character is at most three bytes from the end. */
	n = b.n;
	while (
	    n > 0 && b.n - n < 3 && ((unsigned char)b.p[n - 1] & 0xc0) == 0x80)
		n--;
	if (n > 0 && ((unsigned char)b.p[n - 1] & 0xc0) == 0xc0)
		n--;
	else
		n = b.n;
	if (str_is_utf8(b))
		return;
	l->is_utf8 = str_is_utf8(bytes_of(b.p, n));
	l->ntail = b.n - n;
	memcpy(l->tail, b.p + n, l->ntail);
}

static bool
is_odd(char c)
{
	return c == '=' || ((unsigned char)c < ' ' && c != '\t') ||
	       (unsigned char)c >= 0x7f;
}

static void
look_body(struct look *l, struct bytes b)
{
	if (l->is_utf8)
		look_utf8(l, b);
	l->bytes += b.n;
	for (size_t i = 0; i < b.n; i++) {
		char c = b.p[i];

		if (c == '\n') {
			if (l->line - l->has_cr > l->longest)
				l->longest = l->line - l->has_cr;
			l->line = 0;
			l->has_cr = false;
			continue;
		}
		l->line++;
		l->has_cr = c == '\r';
		l->odd += c != '\r' && is_odd(c);
		l->has_8bit |= (unsigned char)c >= 0x80;
	}
}

static enum recode_how
choose(const struct repair *r, const struct part *part)
{
	const struct look *l = &r->look;

	if (l->longest <= LINES_MAX && !(r->opts.is_7bit && l->has_8bit))
		return RECODE_KEEP;
	switch (part->encoding) {
	case CONTENT_QP:
		return RECODE_MEND_QP;
	case CONTENT_BASE64:
		return RECODE_MEND_BASE64;
	case CONTENT_7BIT:
	case CONTENT_8BIT:
	case CONTENT_BINARY:
		break;
	case CONTENT_OTHER:
		/* RFC 2045 6.4: bytes of unknown meaning. */
		return RECODE_BASE64;
	}
	return l->odd > l->bytes / QP_SHARE ? RECODE_BASE64 : RECODE_QP;
}

static void
note_choice(struct repair *r, enum recode_how how)
{
	r->seen.nqp += how == RECODE_QP;
	r->seen.nbase64 += how == RECODE_BASE64;
	r->seen.nmended += how == RECODE_MEND_QP || how == RECODE_MEND_BASE64;
}

static void
end_leaf(struct repair *r, const struct part *part)
{
	struct look *l = &r->look;
	struct plan p = { .how = RECODE_KEEP };

	if (l->line > l->longest)
		l->longest = l->line;
	p.has_8bit = l->has_8bit;
	p.is_utf8 = l->is_utf8 && l->ntail == 0;
	if (!part->is_sealed)
		p.how = (unsigned char)choose(r, part);
	else if (l->has_8bit)
		r->seen.has_stuck_8bit = true;
	note_choice(r, p.how);
	assert(part->leaf == r->nplan);
	if ((r->nplan & (r->nplan - 1)) == 0)
		r->plan = xrealloc(r->plan, r->nplan == 0 ? 1 : r->nplan * 2,
		    sizeof(*r->plan));
	r->plan[r->nplan++] = p;
}

/* Would the second pass change it? */
static void
look_frame(struct repair *r, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++) {
		r->frame_column = b.p[i] == '\n' || b.p[i] == '\r'
				      ? 0
				      : r->frame_column + 1;
		if (r->frame_column > LINES_MAX ||
		    (r->opts.is_7bit && (unsigned char)b.p[i] >= 0x80))
			r->seen.has_frame = true;
	}
}

/* A part's own header counts as text between the parts.  It is encoded as in
 * the second pass, to see what cannot be encoded. */
static void
look_header(struct repair *r, struct header *h)
{
	r->frame_column = 0;
	look_frame(r, header_mbox(h));
	for (size_t i = header_find(h, NULL, 0); i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1))
		look_frame(r, header_at(h, i).raw);
	r->frame_column = 0;
	if (r->opts.is_7bit && eightbit_must(h, false) &&
	    (!lines_fold(h) || !eightbit_header(h, false) || eightbit_has(h)))
		r->seen.has_stuck_8bit = true;
}

static void
look_events(struct repair *r)
{
	struct mime_part info;
	enum mime_event ev;

	while ((ev = mime_stream_next(r->parts, &info)) != MIME_MORE) {
		switch (ev) {
		case MIME_MORE:
			break;
		case MIME_HEADER:
			r->look = (struct look) { .is_utf8 = true };
			if (!info.is_sealed)
				look_header(r, info.header);
			else if (eightbit_has(info.header) ||
				 !str_is_ascii(header_mbox(info.header)))
				r->seen.has_stuck_8bit = true;
			break;
		case MIME_BODY:
			look_body(&r->look, info.bytes);
			break;
		case MIME_LEAF_END:
			end_leaf(r, info.part);
			break;
		case MIME_FRAME:
			if (mime_stream_is_bare(r->parts))
				look_body(&r->look, info.bytes);
			if (!info.is_sealed)
				look_frame(r, info.bytes);
			else if (!str_is_ascii(info.bytes))
				r->seen.has_stuck_8bit = true;
			break;
		}
	}
}

void
repair_look(struct repair *r, struct bytes body)
{
	mime_stream_put(r->parts, body.p, body.n);
	look_events(r);
}

void
repair_looked(struct repair *r)
{
	mime_stream_end(r->parts);
	look_events(r);
	/* Its text is no preamble: nobody would see anything else. */
	if (mime_stream_is_bare(r->parts)) {
		end_leaf(r, mime_stream_flatten(r->parts));
		r->seen.has_frame = false;
	} else if (r->opts.is_7bit && mime_stream_has_bare_8bit(r->parts)) {
		r->seen.has_stuck_8bit = true;
	}
	if (mime_stream_is_beyond(r->parts))
		r->why = "the message has too many parts, or parts nested too "
			 "deep, to be repaired";
	else if (mime_stream_longest_sealed(r->parts) > LINES_MAX)
		r->why =
		    "a signed or encrypted part, or a message/partial, has a "
		    "line of more than 998 octets, which no server "
		    "accepts";
}

const struct repair_seen *
repair_seen(const struct repair *r)
{
	return &r->seen;
}

bool
repair_changes(const struct repair *r)
{
	return r->seen.nqp + r->seen.nbase64 + r->seen.nmended > 0 ||
	       r->seen.has_frame;
}

const char *
repair_refuses(const struct repair *r)
{
	return r->why;
}

/* --- headers -------------------------------------------------------------- */

static bool
set_field(struct header *h, const char *name, const char *value)
{
	size_t i = header_find(h, name, 0), more = i;

	if (i == HEADER_NONE)
		return header_append(h, name, bytes_str(value));
	while ((more = header_find(h, name, more + 1)) != HEADER_NONE)
		header_remove(h, more);
	return header_replace(h, i, name, bytes_str(value));
}

/* RFC 2045 4: without MIME-Version the header's description of the body does
 * not count. */
static bool
set_mime(struct header *h)
{
	return header_find(h, "MIME-Version", 0) != HEADER_NONE ||
	       header_append(h, "MIME-Version", bytes_str("1.0"));
}

/* Keeps the old value of the field: an encoding outside MIME ("x-uuencode")
 * gets base64 around it. */
static bool
keep(struct header *h, const char *name, const char *original)
{
	size_t i = header_find(h, name, 0);
	struct buf value;
	bool ok;

	if (i == HEADER_NONE)
		return true;
	buf_init(&value, HEADER_VALUE_MAX);
	ok = header_value(h, i, &value) &&
	     header_append(h, original, buf_bytes(&value));
	buf_clear(&value);
	return ok;
}

static bool
set_leaf(struct header *h, const struct plan *p, const struct part *part)
{
	static const char encoding[] = "Content-Transfer-Encoding";

	if (p->how != RECODE_QP && p->how != RECODE_BASE64)
		return true;
	if (part->encoding == CONTENT_OTHER &&
	    !keep(h, encoding, "X-Original-Content-Transfer-Encoding"))
		return false;
	/* A multipart that cannot be taken apart becomes text, because a
	 * multipart must not be encoded. */
	if (part->is_whole) {
		if (!keep(h, "Content-Type", "X-Original-Content-Type") ||
		    !set_field(h, "Content-Type", "text/plain"))
			return false;
	}
	/* Without a type, or a charset, it is text in ASCII, which it is
	 * not. */
	if (p->has_8bit &&
	    (part->is_whole ||
		header_find(h, "Content-Type", 0) == HEADER_NONE) &&
	    !set_field(h, "Content-Type",
		p->is_utf8 ? "text/plain; charset=utf-8"
			   : "text/plain; charset=unknown-8bit"))
		return false;
	return set_field(
	    h, encoding, p->how == RECODE_QP ? "quoted-printable" : "base64");
}

/* RFC 2045 6.4: a part without 8-bit data must not claim any. */
static bool
set_7bit(struct header *h, const struct part *part)
{
	if (part->encoding != CONTENT_8BIT && part->encoding != CONTENT_BINARY)
		return true;
	return set_field(h, "Content-Transfer-Encoding", "7bit");
}

static const struct plan *
plan_of(const struct repair *r, const struct part *part)
{
	assert(part->leaf < r->nplan);
	return &r->plan[part->leaf];
}

/* A line outside all parts need not be preserved. */
static void
mend_mbox(const struct repair *r, struct header *h)
{
	struct bytes line = header_mbox(h);

	if (line.n > LINES_MAX || (r->opts.is_7bit && !str_is_ascii(line)))
		header_drop_mbox(h);
}

static bool
mend_header(struct repair *r, struct header *h, const struct part *part)
{
	mend_mbox(r, h);
	/* First: what no line can hold is then out of the way of those
	 * below. */
	if (!lines_fold(h))
		return false;
	if (part->kind == PART_LEAF && plan_of(r, part)->how != RECODE_KEEP) {
		if ((part->is_inner && !set_mime(h)) ||
		    !set_leaf(h, plan_of(r, part), part))
			return false;
	} else if (r->opts.is_7bit && !r->seen.has_stuck_8bit &&
		   !set_7bit(h, part)) {
		return false;
	}
	return !r->opts.is_7bit || eightbit_header(h, false);
}

bool
repair_header(struct repair *r)
{
	struct header *h = r->header;

	if (!set_mime(h))
		return false;
	/* These fields describe the old body. */
	IGNORE(header_remove_all(h, "DKIM-Signature"));
	IGNORE(header_remove_all(h, "Content-Length"));
	IGNORE(header_remove_all(h, "Lines"));
	return mend_header(r, h, mime_stream_top(r->parts));
}

/* --- the second pass ------------------------------------------------------ */

void
repair_begin(struct repair *r)
{
	/* The header may have been changed since. */
	struct mime_stream *again = mime_stream_again(r->parts);

	mime_stream_free(r->parts);
	r->parts = again;
	r->body = bytes_of("", 0);
	buf_reset(&r->out);
	r->frame_column = 0;
	r->last = '\n';
	r->is_over = r->is_told = false;
	recode_init(&r->recode, r->nplan > 0 ? r->plan[0].how : RECODE_KEEP);
}

void
repair_put(struct repair *r, struct bytes body)
{
	mime_stream_put(r->parts, body.p, body.n);
}

void
repair_end(struct repair *r)
{
	r->is_over = true;
	mime_stream_end(r->parts);
}

static void
add_output(struct repair *r, const char *p, size_t n)
{
	bool has_room = buf_add(&r->out, p, n);

	assert(has_room); /* OUT_MAX holds a header and then some */
}

static void
on_header(struct repair *r, const struct mime_part *info)
{
	struct header *h = info->header;
	bool has_blank = header_has_blank(h),
	     had_fields = header_find(h, NULL, 0) != HEADER_NONE;

	if (!info->is_sealed) {
		/* No room: the part keeps the header it had. */
		IGNORE(mend_header(r, h, info->part));
		/* Changed text must not be taken for a field. */
		has_blank |= info->part->kind == PART_LEAF
				 ? plan_of(r, info->part)->how != RECODE_KEEP
				 : r->seen.has_frame;
		if (!has_blank && had_fields &&
		    header_find(h, NULL, 0) == HEADER_NONE) {
			/* Nor must text where no field is left in front of it;
			 * in a digest an empty header would begin a message. */
			IGNORE(set_field(h, "Content-Type", "text/plain"));
			has_blank = true;
		}
	}
	IGNORE(header_write(h, &r->out)); /* there is room */
	if (has_blank)
		add_output(r, "\r\n", 2);
	r->frame_column = 0;
	if (info->part->kind == PART_LEAF)
		recode_init(&r->recode, plan_of(r, info->part)->how);
}

/* Text that no reader shows, so it may be wrapped. */
static void
on_frame(struct repair *r, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++) {
		char c = b.p[i];

		if (r->opts.is_7bit && (unsigned char)c >= 0x80)
			c = '?';
		if (c == '\n' || c == '\r') {
			r->frame_column = 0;
		} else if (r->frame_column++ == LINES_MAX) {
			/* The blank, so that it does not look like a
			 * delimiter. */
			add_output(r, "\r\n ", 3);
			r->frame_column = 2;
		}
		add_output(r, &c, 1);
	}
}

/* True: the bytes go out as they came. */
static bool
on_event(struct repair *r, enum mime_event ev, const struct mime_part *info)
{
	switch (ev) {
	case MIME_HEADER:
		on_header(r, info);
		return false;
	case MIME_BODY:
		if (r->recode.how == RECODE_KEEP)
			return true;
		r->body = info->bytes;
		return false;
	case MIME_LEAF_END:
		recode_end(&r->recode, &r->out);
		return false;
	case MIME_FRAME:
		if (info->is_sealed || !r->seen.has_frame)
			return true;
		r->body = info->bytes;
		r->recode.how = RECODE_KEEP;
		return false;
	case MIME_MORE:
		break;
	}
	return false;
}

static struct bytes
told(struct repair *r, struct bytes b)
{
	if (b.n > 0)
		r->last = b.p[b.n - 1];
	return b;
}

/* Handles some of the available bytes. */
static void
work(struct repair *r)
{
	size_t n = r->body.n < PIECE_MAX ? r->body.n : PIECE_MAX;
	struct bytes b = bytes_of(r->body.p, n);

	r->body = bytes_of(r->body.p + n, r->body.n - n);
	if (r->recode.how == RECODE_KEEP)
		on_frame(r, b);
	else
		recode_put(&r->recode, b, &r->out);
}

struct bytes
repair_pull(struct repair *r)
{
	struct mime_part info;
	enum mime_event ev;

	buf_reset(&r->out); /* was told last time */
	for (;;) {
		if (buf_len(&r->out) > 0)
			return told(r, buf_bytes(&r->out));
		if (r->body.n > 0) {
			work(r);
			continue;
		}
		ev = mime_stream_next(r->parts, &info);
		if (ev == MIME_MORE)
			break;
		if (on_event(r, ev, &info))
			return told(r, info.bytes);
	}
	/* Re-encoded text may have lost its last line end. */
	if (r->is_over && !r->is_told && r->last != '\n') {
		r->is_told = true;
		return told(r, bytes_of("\r\n", 2));
	}
	return bytes_of("", 0);
}
