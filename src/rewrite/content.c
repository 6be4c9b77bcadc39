/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/content.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mail/envelope.h"
#include "rewrite/outgoing.h"

enum { PIECE_BYTES = 65536 };

struct content {
	struct content_source source;
	struct outgoing *outgoing;
	uint64_t stored; /* bytes of the message at its source */
	uint64_t at; /* position in what is handed out */
	uint64_t size; /* of all that */
	bool is_8bit;
	const struct repair_seen *seen; /* NULL: nobody looked */
	struct repair *repair; /* NULL: the body goes out as it is stored */
	uint64_t body_at; /* stored bytes that the repair has had */
	struct bytes mended; /* what it has made of them and is not used */
	bool is_over;
	char *piece; /* stored bytes read from the disk ... */
	uint64_t piece_at; /* ... which begin here ... */
	size_t piece_n; /* ... and are so many */
};

/* Stored bytes from position at on; borrowed until the next call. */
static int
stored_bytes(struct content *c, uint64_t at, struct bytes *ret, struct err *err)
{
	struct bytes all = c->source.bytes(c->source.ctx);

	if (all.p != NULL) {
		*ret = bytes_of(all.p + at, all.n - (size_t)at);
		return 0;
	}
	if (at < c->piece_at || at >= c->piece_at + c->piece_n) {
		if (c->piece == NULL)
			c->piece = xmalloc(PIECE_BYTES);
		c->piece_at = at;
		c->piece_n = 0;
		if (c->source.read(c->source.ctx, at, c->piece, PIECE_BYTES,
			&c->piece_n, err) != 0)
			return -1;
	}
	*ret = bytes_of(c->piece + (at - c->piece_at),
	    c->piece_n - (size_t)(at - c->piece_at));
	return 0;
}

/* The header; the body's beginning may be read along with it. */
static int
read_header(struct content *c, struct err *err)
{
	struct bytes piece;
	uint64_t at = 0;

	do {
		if (stored_bytes(c, at, &piece, err) != 0)
			return -1;
		at += piece.n;
	} while (outgoing_put(c->outgoing, piece.p, piece.n));
	return 0;
}

/* Shows the whole body to the repair. */
static int
show_body(struct content *c, struct repair *r, struct err *err)
{
	uint64_t at = outgoing_body_at(c->outgoing);
	struct bytes piece;

	for (; at < c->stored; at += piece.n) {
		if (stored_bytes(c, at, &piece, err) != 0)
			return -1;
		repair_look(r, piece);
	}
	repair_looked(r);
	if (repair_refuses(r) != NULL)
		return err_set(err, ERR_INPUT, "%s", repair_refuses(r));
	return 0;
}

static int
finish_header(
    struct content *c, const struct content_opts *opts, struct err *err)
{
	const struct envelope *e = c->source.env;
	struct outgoing_opts o = { .identity = opts->identity,
		.may_utf8 = opts->has_smtputf8 && e->is_utf8,
		.nfolded = e->nfolded,
		.last_folded_s = e->last_folded_s };

	if (outgoing_finish(c->outgoing, e->sender, &o))
		return 0;
	return err_set(err, ERR_INPUT,
	    "the header is too large to insert the account's address");
}

/* How many bytes the repaired body has: the way there is the way to know. */
static int
measure(struct content *c, struct err *err)
{
	struct bytes piece;

	content_rewind(c);
	do {
		if (content_peek(c, &piece, err) != 0)
			return -1;
		content_used(c, piece.n);
	} while (piece.n > 0);
	c->size = c->at;
	content_rewind(c);
	return 0;
}

static int
prepare(struct content *c, const struct content_opts *opts, struct err *err)
{
	const struct envelope *e = c->source.env;
	struct repair_opts mend = { .is_7bit = e->is_8bit &&
					       !opts->has_8bitmime };
	struct repair *r = NULL;

	if (read_header(c, err) != 0)
		return -1;
	if (e->is_long || mend.is_7bit) {
		r = outgoing_repair(c->outgoing, &mend);
		if (show_body(c, r, err) != 0)
			return -1;
		c->seen = repair_seen(r);
	}
	c->is_8bit = e->is_8bit && (!mend.is_7bit || c->seen->has_stuck_8bit);
	if (finish_header(c, opts, err) != 0)
		return -1;
	c->repair = outgoing_mended(c->outgoing);
	if (c->repair != NULL)
		return measure(c, err);
	c->size = c->stored - outgoing_skip(c->outgoing) +
		  outgoing_head(c->outgoing).n;
	return 0;
}

int
content_new(const struct content_source *source,
    const struct content_opts *opts, struct content **ret, struct err *err)
{
	struct content *c = xcalloc(1, sizeof(*c));

	c->source = *source;
	c->outgoing = outgoing_new();
	c->stored = source->env->size_bytes;
	if (prepare(c, opts, err) != 0) {
		content_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

void
content_free(struct content *c)
{
	if (c == NULL)
		return;
	outgoing_free(c->outgoing);
	free(c->piece);
	free(c);
}

uint64_t
content_size(const struct content *c)
{
	return c->size;
}

bool
content_is_8bit(const struct content *c)
{
	return c->is_8bit;
}

bool
content_needs_utf8(const struct content *c)
{
	return outgoing_needs_utf8(c->outgoing);
}

const struct repair_seen *
content_repair_seen(const struct content *c)
{
	return c->seen;
}

bool
content_is_repaired(const struct content *c)
{
	return c->repair != NULL;
}

const struct identity_result *
content_identity(const struct content *c)
{
	return outgoing_identity(c->outgoing);
}

/* --- handing out ---------------------------------------------------------- */

/* The repaired body, which has no positions, only a next piece. */
static int
pull(struct content *c, struct bytes *ret, struct err *err)
{
	struct bytes piece;

	while (c->mended.n == 0) {
		c->mended = repair_pull(c->repair);
		if (c->mended.n > 0 || c->is_over)
			break;
		if (c->body_at == c->stored) {
			c->is_over = true;
			repair_end(c->repair);
			continue;
		}
		if (stored_bytes(c, c->body_at, &piece, err) != 0)
			return -1;
		c->body_at += piece.n;
		repair_put(c->repair, piece);
	}
	*ret = c->mended;
	return 0;
}

int
content_peek(struct content *c, struct bytes *ret, struct err *err)
{
	struct bytes head = outgoing_head(c->outgoing);

	if (c->at < head.n) {
		*ret = bytes_of(head.p + c->at, head.n - (size_t)c->at);
		return 0;
	}
	if (c->repair != NULL)
		return pull(c, ret, err);
	if (c->at == c->size) {
		*ret = bytes_of("", 0);
		return 0;
	}
	return stored_bytes(
	    c, c->at - head.n + outgoing_skip(c->outgoing), ret, err);
}

bool
content_ends_with(const struct content *c, struct bytes piece)
{
	return c->at + piece.n == c->size;
}

void
content_used(struct content *c, size_t n)
{
	if (c->at >= outgoing_head(c->outgoing).n && c->repair != NULL)
		c->mended = bytes_of(c->mended.p + n, c->mended.n - n);
	c->at += n;
}

void
content_rewind(struct content *c)
{
	c->at = 0;
	if (c->repair == NULL)
		return;
	repair_begin(c->repair);
	c->mended = bytes_of("", 0);
	c->body_at = outgoing_body_at(c->outgoing);
	c->is_over = false;
}
