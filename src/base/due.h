/* SPDX-License-Identifier: GPL-3.0-or-later */
/* due.h - a binary heap of elements by their time, threaded through the
 * elements.
 *
 * The heap owns only its array.  Adding and removing take O(log n), looking
 * O(1).  Elements with the same time come out in the order in which they were
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
/* Empties the heap and frees the array. */
void due_clear(struct due *h);

/* The node must be in no heap. */
void due_add(struct due *h, struct due_node *n, int64_t due_ms);
/* The node must be in this heap or in none; if in none, nothing happens. */
void due_remove(struct due *h, struct due_node *n);
/* The element with the earliest time, or NULL. */
struct due_node *due_first(const struct due *h);
/* Some element that is due at that time, or NULL.  A random n gives each of
 * them a chance. */
struct due_node *due_any(const struct due *h, uint32_t n, int64_t now_ms);

static inline bool
due_is_in_heap(const struct due_node *n)
{
	return n->place != 0;
}

#endif
