/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/content.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "fixup/outgoing.h"
#include "mail/envelope.h"
#include "queue/queue.h"

enum { PIECE_BYTES = 65536 };

struct content {
	struct queue_delivery *qd;
	struct outgoing *outgoing;
	uint64_t stored; /* bytes of the message in the queue */
	uint64_t at; /* position in what is handed out */
	char *piece; /* stored bytes read from the disk ... */
	uint64_t piece_at; /* ... which begin here ... */
	size_t piece_n; /* ... and are so many */
};

/* Stored bytes from position at on; borrowed until the next call. */
static int
stored_bytes(struct content *c, uint64_t at, struct bytes *ret, struct err *err)
{
	struct bytes all = queue_delivery_bytes(c->qd);

	if (all.p != NULL) {
		*ret = bytes_of(all.p + at, all.n - (size_t)at);
		return 0;
	}
	if (at < c->piece_at || at >= c->piece_at + c->piece_n) {
		if (c->piece == NULL)
			c->piece = xmalloc(PIECE_BYTES);
		c->piece_at = at;
		c->piece_n = 0;
		if (queue_delivery_read(c->qd, at, c->piece, PIECE_BYTES,
			&c->piece_n, err) != 0)
			return -1;
	}
	*ret = bytes_of(c->piece + (at - c->piece_at),
	    c->piece_n - (size_t)(at - c->piece_at));
	return 0;
}

static int
read_header(
    struct content *c, const struct identity_opts *opts, struct err *err)
{
	const char *sender = queue_delivery_envelope(c->qd)->sender;
	struct bytes piece;
	uint64_t at = 0;

	do {
		if (stored_bytes(c, at, &piece, err) != 0)
			return -1;
		at += piece.n;
	} while (outgoing_put(c->outgoing, piece.p, piece.n));
	if (!outgoing_finish(c->outgoing, sender, opts))
		return err_set(err, ERR_INPUT,
		    "its header is too large to put the account's address in");
	return 0;
}

int
content_new(struct queue_delivery *qd, const struct identity_opts *opts,
    struct content **ret, struct err *err)
{
	struct content *c = xcalloc(1, sizeof(*c));

	c->qd = qd;
	c->outgoing = outgoing_new();
	c->stored = queue_delivery_envelope(qd)->size_bytes;
	if (read_header(c, opts, err) != 0) {
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
	return c->stored - outgoing_skip(c->outgoing) +
	       outgoing_head(c->outgoing).n;
}

const struct identity_result *
content_identity(const struct content *c)
{
	return outgoing_identity(c->outgoing);
}

int
content_peek(struct content *c, struct bytes *ret, struct err *err)
{
	struct bytes head = outgoing_head(c->outgoing);

	if (c->at == content_size(c)) {
		*ret = bytes_of("", 0);
		return 0;
	}
	if (c->at < head.n) {
		*ret = bytes_of(head.p + c->at, head.n - (size_t)c->at);
		return 0;
	}
	return stored_bytes(
	    c, c->at - head.n + outgoing_skip(c->outgoing), ret, err);
}

void
content_used(struct content *c, size_t n)
{
	c->at += n;
}

void
content_rewind(struct content *c)
{
	c->at = 0;
}
