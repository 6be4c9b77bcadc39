/* SPDX-License-Identifier: GPL-3.0-or-later */
/* due.h - what is due first: a binary heap threaded through its elements.
 *
 * The heap owns nothing but its array.  Adding and removing cost O(log n),
 * looking O(1).  What is due at the same time comes out in the order it was
 * added.  Pure.
 */
#ifndef BASE_DUE_H
#define BASE_DUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct due_node { /* inside the element; all zero: in no heap */
	int64_t due_ms;
	uint32_t place; /* index in the heap plus one */
	uint32_t turn; /* breaks ties */
};

struct due {
	struct due_node **nodes;
	size_t count, cap;
	uint32_t turn;
};

void due_init(struct due *h);
/* Forgets its elements and frees the array. */
void due_clear(struct due *h);

/* The node must be in no heap. */
void due_add(struct due *h, struct due_node *n, int64_t due_ms);
/* The node must be in this heap, or in none: then nothing happens. */
void due_remove(struct due *h, struct due_node *n);
/* The one due first, or NULL. */
struct due_node *due_first(const struct due *h);
/* Some element that is due at that time, or NULL; each other number may give
 * another one.  For n at random each of them has a chance. */
struct due_node *due_any(const struct due *h, uint32_t n, int64_t now_ms);

static inline bool
due_is_in_heap(const struct due_node *n)
{
	return n->place != 0;
}

#endif
