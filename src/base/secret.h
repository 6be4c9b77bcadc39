/* SPDX-License-Identifier: GPL-3.0-or-later */
/* secret.h - a password or token in memory.
 *
 * Locked into memory and kept out of core dumps where the system allows it,
 * overwritten when freed.  No log, format or environment function accepts a
 * struct secret.  Code that needs the bytes calls secret_bytes() and copies
 * them only into memory that is wiped (buf_wipe()).
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>

#include "base/buf.h"

struct secret;

/* The most a secret may hold; OAuth2 tokens reach 12 KiB (R67). */
enum { SECRET_MAX = 16384 };

/* Copies; NULL if it is longer than SECRET_MAX.  The caller owns it. */
struct secret *secret_new(struct bytes from);
struct secret *secret_dup(const struct secret *s); /* NULL of NULL */
void secret_free(struct secret *s);

/* Borrowed until secret_free(); followed by a NUL that is not counted. */
struct bytes secret_bytes(const struct secret *s);
/* Takes as long for equal as for different secrets of the same length. */
bool secret_eq(const struct secret *a, const struct secret *b);

#endif
