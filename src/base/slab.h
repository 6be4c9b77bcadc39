/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slab.h - stores many small, long-lived objects side by side.
 *
 * A long-lived object among short-lived ones keeps a whole page from being
 * returned to the system.  Objects of a slab share blocks of their own, one
 * kind of block per size.  A block is freed when all its objects are gone.
 *
 * Pure.  Like xalloc, it aborts when memory is exhausted.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>

#include "base/list.h"

enum {
	SLAB_STEP = 16,
	SLAB_MAX = 512
}; /* larger objects are allocated separately */

struct slab {
	struct list blocks[SLAB_MAX / SLAB_STEP]; /* with room, per size */
	size_t nblocks;
};

void slab_init(struct slab *s);

/* Zeroed; aligned for pointers and 64-bit numbers. */
void *slab_alloc(struct slab *s, size_t n);
/* p grows or shrinks to n bytes and may move; old_n is what it has now. */
void *slab_resize(struct slab *s, void *p, size_t old_n, size_t n);
/* NULL is allowed. */
void slab_free(struct slab *s, void *p);

#endif
