/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_out.h - the unsent output of a client engine.
 *
 * Command lines are put together piece by piece and ended once; a line that
 * does not fit is taken back as a whole and may be tried again later.  A line
 * that contains CR, LF or NUL is never sent (R8): it would be a bug of ours,
 * and the process aborts instead.
 *
 * All bytes are counted, so that it is known whether the last byte of a message
 * was sent.  A value without I/O.
 */
#ifndef SMTP_SMTP_OUT_H
#define SMTP_SMTP_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

struct smtp_out {
	struct buf buf;
	uint64_t sent_bytes; /* handed to the transport since the beginning */
	size_t line; /* where the current command begins in buf */
	bool is_cut; /* a piece of it did not fit */
	bool has_secret; /* overwrite the memory after sending */
	/* Sent bytes, in the form they have on the wire, that have not left the
	 * process. */
	size_t unsent;
};

void smtp_out_init(struct smtp_out *o, size_t max);
void smtp_out_clear(struct smtp_out *o);
/* Frees large memory if everything is sent: an idle connection keeps none. */
void smtp_out_shrink(struct smtp_out *o);
/* Drops everything that was not sent. */
void smtp_out_drop_all(struct smtp_out *o);

/* One command: _begin(), _add() any number of times, _end(). */
void smtp_out_begin(struct smtp_out *o, const char *text);
void smtp_out_add(struct smtp_out *o, const char *text);
void smtp_out_add_num(struct smtp_out *o, uint64_t n);
/* Adds CR LF.  False: there was no room, nothing was queued. */
bool smtp_out_end(struct smtp_out *o) MUST_CHECK;

/* The transport took n bytes off the front. */
void smtp_out_sent(struct smtp_out *o, size_t n);

static inline uint64_t
smtp_out_queued_bytes(const struct smtp_out *o)
{
	return o->sent_bytes + buf_len(&o->buf);
}

/* The number of bytes that the kernel may have.  Under TLS the unsent bytes are
 * slightly more than the clear text they contain; in doubt a byte counts as
 * sent. */
static inline uint64_t
smtp_out_left_bytes(const struct smtp_out *o)
{
	size_t padding = o->unsent / 8 + 64;
	size_t kept = o->unsent > padding ? o->unsent - padding : 0;

	return o->sent_bytes > kept ? o->sent_bytes - kept : 0;
}

static inline bool
smtp_out_is_empty(const struct smtp_out *o)
{
	return buf_len(&o->buf) == 0;
}

#endif
