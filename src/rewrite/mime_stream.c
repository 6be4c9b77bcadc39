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
	bool is_bare; /* no part has begun */
	bool has_8bit; /* in front of the first part */
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
	bool has_bare_8bit; /* in a multipart that was closed */

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

static bool
is_seal(const struct content_type *t)
{
	return is_multipart(t) && (strcmp(t->subtype, "signed") == 0 ||
				      strcmp(t->subtype, "encrypted") == 0);
}

/* RFC 2046 5.2.2, 5.2.3: these are put together or looked up as they stand, so
 * they must not be encoded. */
static bool
is_fixed(const struct content_type *t)
{
	return strcmp(t->type, "message") == 0 &&
	       (strcmp(t->subtype, "partial") == 0 ||
		   strcmp(t->subtype, "external-body") == 0);
}

/* A multipart without a boundary cannot be taken apart. */
static enum part_kind
kind_of(struct mime_stream *m)
{
	/* Readers take a multipart apart whatever encoding it claims (RFC 2045
	 * 6.4 allows none), but decode an attached message that has one. */
	if (is_message(&m->type) && m->part.encoding != CONTENT_QP &&
	    m->part.encoding != CONTENT_BASE64)
		return PART_MESSAGE;
	if (!is_multipart(&m->type) || m->type.boundary[0] == '\0')
		return PART_LEAF;
	if (m->depth == MIME_PARTS_DEPTH_MAX) {
		m->is_beyond = true;
		return PART_LEAF;
	}
	return PART_MULTIPART;
}

static void
classify(struct mime_stream *m, const struct header *h)
{
	bool is_digest = m->depth > 0 && !m->is_inner &&
			 m->levels[m->depth - 1].is_digest;
	struct buf value;

	field_value(h, "Content-Type", &value);
	if (buf_len(&value) == 0 && is_digest) /* RFC 2046 5.1.5 */
		IGNORE(buf_adds(&value, "message/rfc822"));
	content_type_parse(&m->type, buf_bytes(&value));
	buf_clear(&value);
	field_value(h, "Content-Transfer-Encoding", &value);
	m->part = (struct part) {
		.encoding = content_encoding_parse(buf_bytes(&value)),
		.is_sealed = m->sealed_at != 0,
		.is_utf8 = strcmp(m->type.type, "text") == 0 &&
			   str_eq_nocase(m->type.charset, "utf-8"),
		.is_inner = m->is_inner,
		.is_whole = is_multipart(&m->type),
	};
	buf_clear(&value);
	m->part.kind = kind_of(m);
	/* Without the empty line nothing separates two headers.  After the
	 * message's own header the writer adds one. */
	if (m->part.kind == PART_MESSAGE && m->nparts > 0 &&
	    !header_has_blank(h))
		m->part.kind = PART_LEAF;
	if (m->part.kind == PART_LEAF)
		m->part.leaf = m->nleaves++;
	if (m->part.encoding != CONTENT_QP &&
	    m->part.encoding != CONTENT_BASE64)
		m->part.is_sealed |= is_fixed(&m->type);
}

static void
open_level(struct mime_stream *m)
{
	struct level *l;

	if (m->levels == NULL) /* most messages have none */
		m->levels = xcalloc(MIME_PARTS_DEPTH_MAX, sizeof(*m->levels));
	l = &m->levels[m->depth++];
	memcpy(l->boundary, m->type.boundary, sizeof(l->boundary));
	l->is_digest = strcmp(m->type.subtype, "digest") == 0;
	l->is_bare = true;
	l->has_8bit = false;
	if (m->sealed_at == 0 && is_seal(&m->type))
		m->sealed_at = m->depth;
}

static void
begin_header(struct mime_stream *m, bool is_inner)
{
	if (++m->nparts > MIME_PARTS_MAX) {
		m->is_beyond = true;
		m->state = BEYOND;
		return;
	}
	m->header = header_new();
	header_keep_mbox(m->header);
	m->is_inner = is_inner;
	m->state = IN_HEADER;
}

static void
begin_body(struct mime_stream *m)
{
	switch (m->part.kind) {
	case PART_LEAF:
		m->state = IN_LEAF;
		break;
	case PART_MULTIPART:
		open_level(m);
		m->state = IN_FRAME;
		break;
	case PART_MESSAGE:
		begin_header(m, true);
		break;
	}
}

static struct bytes
spilled(const struct mime_stream *m)
{
	return bytes_of(
	    buf_str(&m->spill) + m->spill_at, buf_len(&m->spill) - m->spill_at);
}

/* --- life ----------------------------------------------------------------- */

static struct mime_stream *
empty(void)
{
	struct mime_stream *m = xcalloc(1, sizeof(*m));

	buf_init(&m->spill, SPILL_MAX);
	m->is_line_start = true;
	return m;
}

struct mime_stream *
mime_stream_new(const struct header *header)
{
	struct mime_stream *m = empty();

	classify(m, header);
	m->top = m->part;
	m->top_type = m->type;
	begin_body(m);
	return m;
}

struct mime_stream *
mime_stream_again(const struct mime_stream *old)
{
	struct mime_stream *m = empty();

	m->part = m->top = old->top;
	m->type = m->top_type = old->top_type;
	m->nleaves = m->top.kind == PART_LEAF;
	begin_body(m);
	return m;
}

void
mime_stream_free(struct mime_stream *m)
{
	if (m == NULL)
		return;
	header_free(m->header);
	buf_clear(&m->spill);
	free(m->levels);
	free(m);
}

const struct part *
mime_stream_top(const struct mime_stream *m)
{
	return &m->top;
}

const struct part *
mime_stream_leaf(const struct mime_stream *m)
{
	return m->state == IN_LEAF ? &m->part : NULL;
}

bool
mime_stream_is_beyond(const struct mime_stream *m)
{
	return m->is_beyond;
}

size_t
mime_stream_longest_sealed(const struct mime_stream *m)
{
	return m->measured.longest;
}

bool
mime_stream_is_bare(const struct mime_stream *m)
{
	return m->top.kind == PART_MULTIPART && m->nparts == 0 &&
	       !is_seal(&m->top_type);
}

const struct part *
mime_stream_flatten(struct mime_stream *m)
{
	m->top.kind = PART_LEAF;
	/* No multipart has such an encoding, whatever it claims. */
	if (m->top.encoding == CONTENT_QP || m->top.encoding == CONTENT_BASE64)
		m->top.encoding = CONTENT_OTHER;
	return &m->top;
}

/* Has the innermost multipart text over 127 and no part? */
static bool
is_bare_8bit(const struct mime_stream *m)
{
	const struct level *l = m->depth > 0 ? &m->levels[m->depth - 1] : NULL;

	return l != NULL && l->is_bare && l->has_8bit;
}

bool
mime_stream_has_bare_8bit(const struct mime_stream *m)
{
	return m->has_bare_8bit || is_bare_8bit(m);
}

void
mime_stream_put(struct mime_stream *m, const void *data, size_t n)
{
	assert(m->in.n == 0);
	m->in = bytes_of(data, n);
}

void
mime_stream_end(struct mime_stream *m)
{
	m->is_over = true;
}

/* --- line lengths --------------------------------------------------------- */

static void
count(struct mime_stream *m, struct bytes b)
{
	if (m->sealed_at == 0 && !(m->state == IN_LEAF && m->part.is_sealed))
		return;
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '\n') {
			size_t n = m->measured.line_len - m->measured.has_cr;

			if (n > m->measured.longest)
				m->measured.longest = n;
			m->measured.line_len = 0;
			m->measured.has_cr = false;
			continue;
		}
		m->measured.has_cr = b.p[i] == '\r';
		m->measured.line_len++;
	}
}

/* --- delimiters ----------------------------------------------------------- */

/* Sets match and is_last if the held line is a delimiter. */
static void
match_line(struct mime_stream *m)
{
	struct bytes b = bytes_of(m->held.line + 2, m->held.n);

	m->held.match = 0;
	while (b.n > 0 && ascii_is_blank(b.p[b.n - 1]))
		b.n--;
	if (b.n < 3 || b.p[0] != '-' || b.p[1] != '-')
		return;
	b = bytes_of(b.p + 2, b.n - 2);
	for (size_t k = m->depth; k > 0; k--) {
		const char *boundary = m->levels[k - 1].boundary;
		size_t n = strlen(boundary);

		if (b.n < n || memcmp(b.p, boundary, n) != 0)
			continue;
		if (b.n == n ||
		    (b.n == n + 2 && b.p[n] == '-' && b.p[n + 1] == '-')) {
			m->held.match = k;
			m->held.is_last = b.n > n;
			return;
		}
	}
}

/* The line that ended a header because it is no field was checked before the
 * header opened its level.  True: it is that level's delimiter, and held. */
static bool
hold_line(struct mime_stream *m, struct bytes line)
{
	if (m->depth == 0 || m->held.n > 0 || line.n < 3 || line.n > HOLD_MAX ||
	    memchr(line.p, '\n', line.n - 1) != NULL)
		return false;
	memcpy(m->held.line + 2, line.p, line.n);
	m->held.n = line.n;
	match_line(m);
	if (m->held.match == 0)
		m->held.n = 0;
	return m->held.match != 0;
}

/* Reads the start of a line until its kind is clear; false: more bytes are
 * needed. */
static bool
judge(struct mime_stream *m)
{
	bool is_clear = m->in.n == 0; /* the end of the message */

	while (!is_clear && m->in.n > 0) {
		char c = m->in.p[0];

		if (m->held.n < 2 && c != '-') {
			is_clear = true;
			break;
		}
		m->held.line[2 + m->held.n++] = c;
		m->in = bytes_of(m->in.p + 1, m->in.n - 1);
		is_clear = c == '\n' || m->held.n == HOLD_MAX;
	}
	if (!is_clear)
		return false;
	m->is_line_start = false;
	match_line(m);
	count(m, bytes_of(m->held.line + 2, m->held.n));
	if (m->held.match == 0) {
		IGNORE(buf_add(&m->spill, m->held.line + 2, m->held.n));
		m->held.n = 0;
	}
	return true;
}

/* The header's event has been seen. */
static void
leave_header(struct mime_stream *m)
{
	struct header *h = m->header;
	struct bytes rest = header_rest(h), after = spilled(m);
	bool was_sealed = m->sealed_at != 0;
	struct buf spill;

	buf_init(&spill, SPILL_MAX);
	m->header = NULL;
	begin_body(m);
	if (!was_sealed) /* the line in which the seal begins */
		count(m, rest);
	if (!hold_line(m, rest))
		IGNORE(buf_add(&spill, rest.p, rest.n)); /* it fits */
	IGNORE(buf_add(&spill, after.p, after.n));
	buf_clear(&m->spill);
	m->spill = spill;
	m->spill_at = 0;
	header_free(h);
}

/* --- events --------------------------------------------------------------- */

static enum mime_event
tell_header(struct mime_stream *m, struct mime_part *ret)
{
	classify(m, m->header);
	m->state = HEADER_TOLD;
	*ret = (struct mime_part) { .part = &m->part,
		.is_sealed = m->sealed_at != 0,
		.header = m->header };
	return MIME_HEADER;
}

static enum mime_event
give_event(struct mime_stream *m, enum mime_event ev, struct bytes b,
    struct mime_part *ret)
{
	*ret = (struct mime_part) {
		.part = &m->part, .is_sealed = m->sealed_at != 0, .bytes = b
	};
	return ev;
}

/* A delimiter is held: ends the current part, step by step. */
static enum mime_event
close_part(struct mime_stream *m, struct mime_part *ret)
{
	char *from = m->held.line + 2 - m->late.n;
	size_t n = m->late.n + m->held.n;

	if (m->state == IN_HEADER) {
		header_end(m->header);
		return tell_header(m, ret);
	}
	if (m->state == IN_LEAF) {
		m->state = IN_FRAME;
		return give_event(m, MIME_LEAF_END, bytes_of("", 0), ret);
	}
	memcpy(from, m->late.end, m->late.n);
	m->late.n = m->held.n = 0;
	*ret = (struct mime_part) { .part = &m->part,
		.is_sealed = m->sealed_at != 0,
		.bytes = bytes_of(from, n) };
	if (m->held.is_last || m->held.match < m->depth)
		m->has_bare_8bit |= is_bare_8bit(m);
	m->depth = m->held.is_last ? m->held.match - 1 : m->held.match;
	if (m->depth < m->sealed_at)
		m->sealed_at = 0;
	m->held.match = 0;
	m->is_line_start = true;
	m->state = IN_FRAME;
	if (!m->held.is_last) {
		m->levels[m->depth - 1].is_bare = false;
		begin_header(m, false);
	}
	return MIME_FRAME;
}

/* How much of b holds no line start that must be judged. */
static size_t
smooth(const struct mime_stream *m, struct bytes b)
{
	const char *at = b.p, *end = b.p + b.n, *nl;

	if (m->depth == 0)
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
take_source(struct mime_stream *m, struct bytes *src, size_t n)
{
	if (src == &m->in) /* the spill has been counted */
		count(m, bytes_of(src->p, n));
	if (n > 0)
		m->is_line_start = src->p[n - 1] == '\n';
	*src = bytes_of(src->p + n, src->n - n);
}

static bool
take_header(struct mime_stream *m, struct bytes *src, struct mime_part *ret,
    enum mime_event *ret_ev)
{
	const char *nl = memchr(src->p, '\n', src->n);
	size_t n = nl != NULL ? (size_t)(nl + 1 - src->p) : src->n;

	take_source(m, src, header_put(m->header, src->p, n));
	switch (header_state(m->header)) {
	case HEADER_MORE:
		return false;
	case HEADER_DONE:
		*ret_ev = tell_header(m, ret);
		return true;
	case HEADER_TOO_BIG:
		break;
	}
	m->is_beyond = true;
	m->state = BEYOND;
	return false;
}

static bool
take_leaf(struct mime_stream *m, struct bytes *src, struct mime_part *ret,
    enum mime_event *ret_ev)
{
	size_t n = smooth(m, *src), line_end = 0;
	struct bytes b = bytes_of(src->p, n);

	if (m->late.n == 1 && m->late.end[0] == '\r' && b.p[0] == '\n') {
		take_source(m, src, 1);
		m->late.end[m->late.n++] = '\n';
		return false;
	}
	if (m->late.n > 0) {
		memcpy(m->late.told, m->late.end, m->late.n);
		*ret_ev = give_event(
		    m, MIME_BODY, bytes_of(m->late.told, m->late.n), ret);
		m->late.n = 0;
		return true;
	}
	if (m->depth > 0) {
		if (b.p[n - 1] == '\n')
			line_end = n > 1 && b.p[n - 2] == '\r' ? 2 : 1;
		else
			line_end = b.p[n - 1] == '\r';
	}
	m->late.n = line_end;
	memcpy(m->late.end, b.p + n - line_end, line_end);
	take_source(m, src, n);
	*ret_ev = give_event(m, MIME_BODY, bytes_of(b.p, n - line_end), ret);
	return n > line_end;
}

/* Ordinary bytes, in whatever state; false: no event came of it. */
static bool
take_some(struct mime_stream *m, struct bytes *src, struct mime_part *ret,
    enum mime_event *ret_ev)
{
	struct bytes b = *src;

	switch (m->state) {
	case IN_HEADER:
		return take_header(m, src, ret, ret_ev);
	case IN_LEAF:
		return take_leaf(m, src, ret, ret_ev);
	case IN_FRAME:
		b.n = smooth(m, b);
		take_source(m, src, b.n);
		if (m->depth > 0 && m->sealed_at == 0)
			m->levels[m->depth - 1].has_8bit |= !str_is_ascii(b);
		*ret_ev = give_event(m, MIME_FRAME, b, ret);
		return true;
	case HEADER_TOLD:
	case BEYOND:
		break;
	}
	take_source(m, src, b.n);
	*ret_ev = give_event(m, MIME_FRAME, b, ret);
	return true;
}

static bool
take_spill(
    struct mime_stream *m, struct mime_part *ret, enum mime_event *ret_ev)
{
	struct bytes src = spilled(m);
	bool has_event = take_some(m, &src, ret, ret_ev);

	m->spill_at = buf_len(&m->spill) - src.n;
	return has_event;
}

/* After the last byte. */
static enum mime_event
finish_input(struct mime_stream *m, struct mime_part *ret)
{
	if (m->state == IN_HEADER) {
		header_end(m->header);
		return tell_header(m, ret);
	}
	if (m->late.n > 0) {
		memcpy(m->late.told, m->late.end, m->late.n);
		give_event(
		    m, MIME_BODY, bytes_of(m->late.told, m->late.n), ret);
		m->late.n = 0;
		return MIME_BODY;
	}
	if (m->state != IN_LEAF)
		return MIME_MORE;
	m->state = IN_FRAME;
	return give_event(m, MIME_LEAF_END, bytes_of("", 0), ret);
}

enum mime_event
mime_stream_next(struct mime_stream *m, struct mime_part *ret)
{
	enum mime_event ev;

	if (m->spill_at > 0 && spilled(m).n == 0) {
		/* The last event borrowed these bytes until now. */
		buf_reset(&m->spill);
		m->spill_at = 0;
	}
	for (;;) {
		if (m->state == HEADER_TOLD) {
			leave_header(m);
		} else if (spilled(m).n > 0) {
			/* Even before a delimiter: bytes that a header returned
			 * when the delimiter ended it. */
			if (take_spill(m, ret, &ev))
				return ev;
		} else if (m->held.match != 0) {
			return close_part(m, ret);
		} else if (m->in.n == 0 && !m->is_over) {
			return MIME_MORE;
		} else if (m->is_line_start && m->depth > 0 &&
			   m->state != BEYOND &&
			   (m->in.n > 0 || m->held.n > 0)) {
			if (!judge(m))
				return MIME_MORE;
		} else if (m->in.n == 0) {
			return finish_input(m, ret);
		} else if (take_some(m, &m->in, ret, &ev)) {
			return ev;
		}
	}
}
