/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list.h - a doubly linked list threaded through its elements.
 *
 * The list owns nothing.  A struct list is both the head (made with
 * list_init()) and the link inside an element; a link that is in no list
 * points to itself once initialised, so list_remove() is always safe.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

static inline void
list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool
list_is_empty(const struct list *l)
{
	return l->next == l;
}

static inline void
list_append(struct list *head, struct list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

static inline void
list_prepend(struct list *head, struct list *link)
{
	list_append(head->next, link);
}

static inline void
list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

#define list_entry(link, type, member)                                         \
	((type *)(void *)((char *)(link)-offsetof(type, member)))

/* The body may remove the current element, nothing else. */
#define list_foreach(it, head)                                                 \
	for (struct list *it = (head)->next, *it##_next = it->next;            \
	     it != (head); it = it##_next, it##_next = it->next)

#endif
