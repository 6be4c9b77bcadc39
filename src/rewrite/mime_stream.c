/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/mime_stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/str.h"
#include "base/xalloc.h"

/* A delimiter with many trailing blanks. */
enum {
	HOLD_MAX = 2 + BOUNDARY_MAX + 2 + 64,
	SPILL_MAX = HEADER_MAX + 2 * HOLD_MAX /* what a header took, at most */
};

enum state {
	IN_LEAF,
	IN_FRAME, /* preamble, epilogue */
	IN_HEADER,
	HEADER_TOLD, /* its event was returned */
	BEYOND
};

struct level { /* an open multipart */
	char boundary[BOUNDARY_MAX + 1];
	bool is_digest;
};

/* The start of a line that may be a delimiter. */
struct held {
	char line[2 + HOLD_MAX]; /* with room for the line end before it */
	size_t n;
	size_t match; /* a delimiter of this level is held; 0: none */
	bool is_last; /* it closes the level */
};

/* The line end of a leaf, which belongs to a delimiter if one follows. */
struct late {
	char end[2], told[2];
	size_t n;
};

/* The lines of sealed parts. */
struct measured {
	size_t line_len, longest;
	bool has_cr;
};

struct mime_stream {
	enum state state;
	struct part top, part;
	struct content_type type, top_type; /* of part, of top */
	struct header *header;
	struct level
	    *levels; /* MIME_PARTS_DEPTH_MAX; NULL: none was open yet */
	size_t depth;
	size_t sealed_at; /* the depth that seals; 0: none */
	size_t nleaves, nparts;
	bool is_inner; /* the header is that of a message in a part */
	bool is_beyond, is_over;

	struct bytes in;
	struct buf spill; /* comes before in; its lines have been checked */
	size_t spill_at; /* so much of it has been told */
	bool is_line_start;
	struct held held;
	struct late late;
	struct measured measured;
};

/* --- what a part is ------------------------------------------------------- */

static void
field_value(const struct header *h, const char *name, struct buf *to)
{
	size_t i = header_find(h, name, 0);

	buf_init(to, HEADER_VALUE_MAX);
	if (i != HEADER_NONE)
		IGNORE(header_value(h, i, to)); /* it fits */
}

static bool
is_message(const struct content_type *t)
{
	return strcmp(t->type, "message") == 0 &&
	       (strcmp(t->subtype, "rfc822") == 0 ||
		   strcmp(t->subtype, "global") == 0);
}

static bool
is_multipart(const struct content_type *t)
{
	return strcmp(t->type, "multipart") == 0;
}

/* A multipart without a boundary cannot be taken apart. */
static enum part_kind
kind_of(struct mime_stream *p)
{
	/* Readers take a multipart apart whatever encoding it claims (RFC 2045
	 * 6.4 allows none), but decode an attached message that has one. */
	if (is_message(&p->type) && p->part.encoding != CONTENT_QP &&
	    p->part.encoding != CONTENT_BASE64)
		return PART_MESSAGE;
	if (!is_multipart(&p->type) || p->type.boundary[0] == '\0')
		return PART_LEAF;
	if (p->depth == MIME_PARTS_DEPTH_MAX) {
		p->is_beyond = true;
		return PART_LEAF;
	}
	return PART_MULTIPART;
}

static void
classify(struct mime_stream *p, const struct header *h)
{
	bool is_digest = p->depth > 0 && !p->is_inner &&
			 p->levels[p->depth - 1].is_digest;
	struct buf value;

	field_value(h, "Content-Type", &value);
	if (buf_len(&value) == 0 && is_digest) /* RFC 2046 5.1.5 */
		IGNORE(buf_adds(&value, "message/rfc822"));
	content_type_parse(&p->type, buf_bytes(&value));
	buf_clear(&value);
	field_value(h, "Content-Transfer-Encoding", &value);
	p->part = (struct part) {
		.encoding = content_encoding_parse(buf_bytes(&value)),
		.is_sealed = p->sealed_at != 0,
		.is_utf8 = strcmp(p->type.type, "text") == 0 &&
			   str_eq_nocase(p->type.charset, "utf-8"),
		.is_inner = p->is_inner,
		.is_whole = is_multipart(&p->type),
	};
	buf_clear(&value);
	p->part.kind = kind_of(p);
	/* Without the empty line nothing separates two headers.  After the
	 * message's own header the writer adds one. */
	if (p->part.kind == PART_MESSAGE && p->nparts > 0 &&
	    !header_has_blank(h))
		p->part.kind = PART_LEAF;
	if (p->part.kind == PART_LEAF)
		p->part.leaf = p->nleaves++;
}

static void
open_level(struct mime_stream *p)
{
	struct level *l;

	if (p->levels == NULL) /* most messages have none */
		p->levels = xcalloc(MIME_PARTS_DEPTH_MAX, sizeof(*p->levels));
	l = &p->levels[p->depth++];
	memcpy(l->boundary, p->type.boundary, sizeof(l->boundary));
	l->is_digest = strcmp(p->type.subtype, "digest") == 0;
	if (p->sealed_at == 0 && (strcmp(p->type.subtype, "signed") == 0 ||
				     strcmp(p->type.subtype, "encrypted") == 0))
		p->sealed_at = p->depth;
}

static void
begin_header(struct mime_stream *p, bool is_inner)
{
	if (++p->nparts > MIME_PARTS_MAX) {
		p->is_beyond = true;
		p->state = BEYOND;
		return;
	}
	p->header = header_new();
	header_keep_mbox(p->header);
	p->is_inner = is_inner;
	p->state = IN_HEADER;
}

static void
begin_body(struct mime_stream *p)
{
	switch (p->part.kind) {
	case PART_LEAF:
		p->state = IN_LEAF;
		break;
	case PART_MULTIPART:
		open_level(p);
		p->state = IN_FRAME;
		break;
	case PART_MESSAGE:
		begin_header(p, true);
		break;
	}
}

static struct bytes
spilled(const struct mime_stream *p)
{
	return bytes_of(
	    buf_str(&p->spill) + p->spill_at, buf_len(&p->spill) - p->spill_at);
}

/* --- life ----------------------------------------------------------------- */

static struct mime_stream *
empty(void)
{
	struct mime_stream *p = xcalloc(1, sizeof(*p));

	buf_init(&p->spill, SPILL_MAX);
	p->is_line_start = true;
	return p;
}

struct mime_stream *
mime_stream_new(const struct header *header)
{
	struct mime_stream *p = empty();

	classify(p, header);
	p->top = p->part;
	p->top_type = p->type;
	begin_body(p);
	return p;
}

struct mime_stream *
mime_stream_again(const struct mime_stream *old)
{
	struct mime_stream *p = empty();

	p->part = p->top = old->top;
	p->type = p->top_type = old->top_type;
	p->nleaves = p->top.kind == PART_LEAF;
	begin_body(p);
	return p;
}

void
mime_stream_free(struct mime_stream *p)
{
	if (p == NULL)
		return;
	header_free(p->header);
	buf_clear(&p->spill);
	free(p->levels);
	free(p);
}

const struct part *
mime_stream_top(const struct mime_stream *p)
{
	return &p->top;
}

const struct part *
mime_stream_leaf(const struct mime_stream *p)
{
	return p->state == IN_LEAF ? &p->part : NULL;
}

bool
mime_stream_is_beyond(const struct mime_stream *p)
{
	return p->is_beyond;
}

size_t
mime_stream_longest_sealed(const struct mime_stream *p)
{
	return p->measured.longest;
}

void
mime_stream_put(struct mime_stream *p, const void *data, size_t n)
{
	assert(p->in.n == 0);
	p->in = bytes_of(data, n);
}

void
mime_stream_end(struct mime_stream *p)
{
	p->is_over = true;
}

/* --- line lengths --------------------------------------------------------- */

static void
count(struct mime_stream *p, struct bytes b)
{
	if (p->sealed_at == 0)
		return;
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '\n') {
			size_t n = p->measured.line_len - p->measured.has_cr;

			if (n > p->measured.longest)
				p->measured.longest = n;
			p->measured.line_len = 0;
			p->measured.has_cr = false;
			continue;
		}
		p->measured.has_cr = b.p[i] == '\r';
		p->measured.line_len++;
	}
}

/* --- delimiters ----------------------------------------------------------- */

/* Sets match and is_last if the held line is a delimiter. */
static void
match_line(struct mime_stream *p)
{
	struct bytes b = bytes_of(p->held.line + 2, p->held.n);

	p->held.match = 0;
	while (b.n > 0 && ascii_is_blank(b.p[b.n - 1]))
		b.n--;
	if (b.n < 3 || b.p[0] != '-' || b.p[1] != '-')
		return;
	b = bytes_of(b.p + 2, b.n - 2);
	for (size_t k = p->depth; k > 0; k--) {
		const char *boundary = p->levels[k - 1].boundary;
		size_t n = strlen(boundary);

		if (b.n < n || memcmp(b.p, boundary, n) != 0)
			continue;
		if (b.n == n ||
		    (b.n == n + 2 && b.p[n] == '-' && b.p[n + 1] == '-')) {
			p->held.match = k;
			p->held.is_last = b.n > n;
			return;
		}
	}
}

/* The line that ended a header because it is no field was checked before the
 * header opened its level.  True: it is that level's delimiter, and held. */
static bool
hold_line(struct mime_stream *p, struct bytes line)
{
	if (p->depth == 0 || p->held.n > 0 || line.n < 3 || line.n > HOLD_MAX ||
	    memchr(line.p, '\n', line.n - 1) != NULL)
		return false;
	memcpy(p->held.line + 2, line.p, line.n);
	p->held.n = line.n;
	match_line(p);
	if (p->held.match == 0)
		p->held.n = 0;
	return p->held.match != 0;
}

/* Reads the start of a line until its kind is clear; false: more bytes are
 * needed. */
static bool
judge(struct mime_stream *p)
{
	bool is_clear = p->in.n == 0; /* the end of the message */

	while (!is_clear && p->in.n > 0) {
		char c = p->in.p[0];

		if (p->held.n < 2 && c != '-') {
			is_clear = true;
			break;
		}
		p->held.line[2 + p->held.n++] = c;
		p->in = bytes_of(p->in.p + 1, p->in.n - 1);
		is_clear = c == '\n' || p->held.n == HOLD_MAX;
	}
	if (!is_clear)
		return false;
	p->is_line_start = false;
	match_line(p);
	count(p, bytes_of(p->held.line + 2, p->held.n));
	if (p->held.match == 0) {
		IGNORE(buf_add(&p->spill, p->held.line + 2, p->held.n));
		p->held.n = 0;
	}
	return true;
}

/* The header's event has been seen. */
static void
leave_header(struct mime_stream *p)
{
	struct header *h = p->header;
	struct bytes rest = header_rest(h), after = spilled(p);
	struct buf spill;

	buf_init(&spill, SPILL_MAX);
	p->header = NULL;
	begin_body(p);
	if (!hold_line(p, rest))
		IGNORE(buf_add(&spill, rest.p, rest.n)); /* it fits */
	IGNORE(buf_add(&spill, after.p, after.n));
	buf_clear(&p->spill);
	p->spill = spill;
	p->spill_at = 0;
	header_free(h);
}

/* --- events --------------------------------------------------------------- */

static enum mime_event
tell_header(struct mime_stream *p, struct mime_part *ret)
{
	classify(p, p->header);
	p->state = HEADER_TOLD;
	*ret = (struct mime_part) { .part = &p->part,
		.is_sealed = p->sealed_at != 0,
		.header = p->header };
	return MIME_HEADER;
}

static enum mime_event
tell(struct mime_stream *p, enum mime_event ev, struct bytes b,
    struct mime_part *ret)
{
	*ret = (struct mime_part) {
		.part = &p->part, .is_sealed = p->sealed_at != 0, .bytes = b
	};
	return ev;
}

/* A delimiter is held: ends the current part, step by step. */
static enum mime_event
close_part(struct mime_stream *p, struct mime_part *ret)
{
	char *from = p->held.line + 2 - p->late.n;
	size_t n = p->late.n + p->held.n;

	if (p->state == IN_HEADER) {
		header_end(p->header);
		return tell_header(p, ret);
	}
	if (p->state == IN_LEAF) {
		p->state = IN_FRAME;
		return tell(p, MIME_LEAF_END, bytes_of("", 0), ret);
	}
	memcpy(from, p->late.end, p->late.n);
	p->late.n = p->held.n = 0;
	*ret = (struct mime_part) { .part = &p->part,
		.is_sealed = p->sealed_at != 0,
		.bytes = bytes_of(from, n) };
	p->depth = p->held.is_last ? p->held.match - 1 : p->held.match;
	if (p->depth < p->sealed_at)
		p->sealed_at = 0;
	p->held.match = 0;
	p->is_line_start = true;
	p->state = IN_FRAME;
	if (!p->held.is_last)
		begin_header(p, false);
	return MIME_FRAME;
}

/* How much of b holds no line start that must be judged. */
static size_t
smooth(const struct mime_stream *p, struct bytes b)
{
	const char *at = b.p, *end = b.p + b.n, *nl;

	if (p->depth == 0)
		return b.n;
	while ((nl = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		if (nl + 1 == end || nl[1] == '-')
			return (size_t)(nl + 1 - b.p);
		at = nl + 1;
	}
	return b.n;
}

/* Takes n bytes off the source. */
static void
take(struct mime_stream *p, struct bytes *src, size_t n)
{
	if (src == &p->in) /* the spill has been counted */
		count(p, bytes_of(src->p, n));
	if (n > 0)
		p->is_line_start = src->p[n - 1] == '\n';
	*src = bytes_of(src->p + n, src->n - n);
}

static bool
take_header(struct mime_stream *p, struct bytes *src, struct mime_part *ret,
    enum mime_event *ret_ev)
{
	const char *nl = memchr(src->p, '\n', src->n);
	size_t n = nl != NULL ? (size_t)(nl + 1 - src->p) : src->n;

	take(p, src, header_put(p->header, src->p, n));
	switch (header_state(p->header)) {
	case HEADER_MORE:
		return false;
	case HEADER_DONE:
		*ret_ev = tell_header(p, ret);
		return true;
	case HEADER_TOO_BIG:
		break;
	}
	p->is_beyond = true;
	p->state = BEYOND;
	return false;
}

static bool
take_leaf(struct mime_stream *p, struct bytes *src, struct mime_part *ret,
    enum mime_event *ret_ev)
{
	size_t n = smooth(p, *src), line_end = 0;
	struct bytes b = bytes_of(src->p, n);

	if (p->late.n == 1 && p->late.end[0] == '\r' && b.p[0] == '\n') {
		take(p, src, 1);
		p->late.end[p->late.n++] = '\n';
		return false;
	}
	if (p->late.n > 0) {
		memcpy(p->late.told, p->late.end, p->late.n);
		*ret_ev = tell(
		    p, MIME_BODY, bytes_of(p->late.told, p->late.n), ret);
		p->late.n = 0;
		return true;
	}
	if (p->depth > 0) {
		if (b.p[n - 1] == '\n')
			line_end = n > 1 && b.p[n - 2] == '\r' ? 2 : 1;
		else
			line_end = b.p[n - 1] == '\r';
	}
	p->late.n = line_end;
	memcpy(p->late.end, b.p + n - line_end, line_end);
	take(p, src, n);
	*ret_ev = tell(p, MIME_BODY, bytes_of(b.p, n - line_end), ret);
	return n > line_end;
}

/* Ordinary bytes, in whatever state; false: no event came of it. */
static bool
take_some(struct mime_stream *p, struct bytes *src, struct mime_part *ret,
    enum mime_event *ret_ev)
{
	struct bytes b = *src;

	switch (p->state) {
	case IN_HEADER:
		return take_header(p, src, ret, ret_ev);
	case IN_LEAF:
		return take_leaf(p, src, ret, ret_ev);
	case IN_FRAME:
		b.n = smooth(p, b);
		take(p, src, b.n);
		*ret_ev = tell(p, MIME_FRAME, b, ret);
		return true;
	case HEADER_TOLD:
	case BEYOND:
		break;
	}
	take(p, src, b.n);
	*ret_ev = tell(p, MIME_FRAME, b, ret);
	return true;
}

static bool
take_spill(
    struct mime_stream *p, struct mime_part *ret, enum mime_event *ret_ev)
{
	struct bytes src = spilled(p);
	bool has_event = take_some(p, &src, ret, ret_ev);

	p->spill_at = buf_len(&p->spill) - src.n;
	return has_event;
}

/* After the last byte. */
static enum mime_event
finish(struct mime_stream *p, struct mime_part *ret)
{
	if (p->state == IN_HEADER) {
		header_end(p->header);
		return tell_header(p, ret);
	}
	if (p->late.n > 0) {
		memcpy(p->late.told, p->late.end, p->late.n);
		tell(p, MIME_BODY, bytes_of(p->late.told, p->late.n), ret);
		p->late.n = 0;
		return MIME_BODY;
	}
	if (p->state != IN_LEAF)
		return MIME_MORE;
	p->state = IN_FRAME;
	return tell(p, MIME_LEAF_END, bytes_of("", 0), ret);
}

enum mime_event
mime_stream_next(struct mime_stream *p, struct mime_part *ret)
{
	enum mime_event ev;

	if (p->spill_at > 0 && spilled(p).n == 0) {
		/* The last event borrowed these bytes until now. */
		buf_reset(&p->spill);
		p->spill_at = 0;
	}
	for (;;) {
		if (p->state == HEADER_TOLD) {
			leave_header(p);
		} else if (spilled(p).n > 0) {
			/* Even before a delimiter: bytes that a header returned
			 * when the delimiter ended it. */
			if (take_spill(p, ret, &ev))
				return ev;
		} else if (p->held.match != 0) {
			return close_part(p, ret);
		} else if (p->in.n == 0 && !p->is_over) {
			return MIME_MORE;
		} else if (p->is_line_start && p->depth > 0 &&
			   p->state != BEYOND &&
			   (p->in.n > 0 || p->held.n > 0)) {
			if (!judge(p))
				return MIME_MORE;
		} else if (p->in.n == 0) {
			return finish(p, ret);
		} else if (take_some(p, &p->in, ret, &ev)) {
			return ev;
		}
	}
}
