/* SPDX-License-Identifier: GPL-3.0-or-later */
/* duplicate_key.h - finds equal messages, and marks the one that stands for
 * others.
 *
 * The text of two messages is equal if all its bytes are, except Date,
 * Message-ID and Received, which always differ; policy/fold.c compares the
 * rest.  A message that is sent for several states
 * their number in its subject, where people look, and in a field of its own.
 *
 * Pure.
 */
#ifndef REWRITE_DUPLICATE_KEY_H
#define REWRITE_DUPLICATE_KEY_H

#include <stdint.h>

struct header;
struct siphash;

/* Hashes the rest of the header; the caller adds the body. */
void duplicate_key_put_header(const struct header *h, struct siphash *s);

/* h stands for n others, the last of which came at that time.  A subject
 * without room for the number stays as it is. */
void duplicate_key_tell(struct header *h, uint32_t n, int64_t last_s);

#endif
