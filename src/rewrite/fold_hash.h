/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fold_hash.h - finds equal messages, and marks a message that stands for
 * others.
 *
 * Two messages are equal if all their bytes are, except Date, Message-ID and
 * Received, which always differ (policy/fold.c compares the hashes).  A message
 * that is sent for several states their number in its subject, where people
 * look, and in a field of its own.
 *
 * Pure.
 */
#ifndef REWRITE_FOLD_HASH_H
#define REWRITE_FOLD_HASH_H

#include <stdint.h>

struct header;
struct siphash;

/* Adds the header, without those fields, to the hash; the caller adds the
 * body. */
void fold_hash_put_header(const struct header *h, struct siphash *s);

/* Marks h as standing for n others, the last of which came at last_s.  A
 * subject without room for the number stays as it is. */
void fold_hash_tell(struct header *h, uint32_t n, int64_t last_s);

#endif
