/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_dot.h - where a message begins and ends on the wire, and its line ends.
 *
 * The only place that decides framing on the way in and writes it on the way
 * out (R3).
 *
 * In: only CR LF .  CR LF ends DATA, or .  CR LF as the very first bytes (R1,
 * RFC 5321 4.1.1.4).  Everything that merely resembles it is content.  Line
 * ends are repaired: a CR or LF that stands alone becomes CR LF; CR CR LF, as
 * text-mode files on other systems produce it, becomes one CR LF.  A dot is
 * removed only after a true CR LF, as in RFC 5321 4.5.2, so that a client which
 * sends bare LF and stuffs only after CR LF loses nothing.
 *
 * Out: CR LF only, dots doubled, whatever the input (R2).
 *
 * Values without allocation of their own; what they write goes to a struct buf
 * of the caller.  The result never depends on how the bytes were cut into
 * pieces.
 */
#ifndef SMTP_SMTP_DOT_H
#define SMTP_SMTP_DOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* What n bytes of input can become at most, here and below. */
#define SMTP_DOT_SPACE(n) (2 * (n) + 8)

/* --- in ------------------------------------------------------------------ */

enum smtp_dot_kind {
	SMTP_DOT_DATA, /* stuffed, ends by a lone dot */
	SMTP_DOT_CHUNK /* BDAT or a file: not stuffed, ends when told */
};

struct smtp_dot {
	enum smtp_dot_kind kind;
	int state; /* private */
	bool is_end; /* the lone dot was seen */
	bool had_bare; /* a bare CR or LF was repaired */
};

void smtp_dot_init(struct smtp_dot *d, enum smtp_dot_kind kind);

/* Takes up to n bytes and appends what they mean to out.  Returns how many
 * were taken: less than n when the end was found (is_end; the rest are
 * commands) or when out has no space for more.  Takes nothing after the end. */
size_t smtp_dot_put(
    struct smtp_dot *d, const void *p, size_t n, struct buf *out) MUST_CHECK;

/* The end of a SMTP_DOT_CHUNK message: appends the CR LF that its last line
 * lacks.  False: out is full, nothing happened. */
bool smtp_dot_finish(struct smtp_dot *d, struct buf *out) MUST_CHECK;

/* --- out ----------------------------------------------------------------- */

struct smtp_stuff {
	bool is_inside; /* of a line; private */
	bool has_cr; /* a CR is held back; private */
	/* NUL is kept: for relaisd, which replaces it.  Set after _init(). */
	bool keeps_nul;
};

void smtp_stuff_init(struct smtp_stuff *s);

/* Appends n bytes of a message, stuffed; a CR or LF that stands alone becomes
 * CR LF and a NUL is left out (both are repaired on the way in already; this is
 * a second safeguard).  Returns how many bytes were taken; less than n only
 * when out has no space for SMTP_DOT_SPACE of the rest. */
size_t smtp_stuff_put(
    struct smtp_stuff *s, const void *p, size_t n, struct buf *out) MUST_CHECK;

/* Appends the CR LF that the last line lacks, then the lone dot.  False: out
 * is full, nothing happened. */
bool smtp_stuff_end(struct smtp_stuff *s, struct buf *out) MUST_CHECK;

#endif
