/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/slab.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum { BLOCK_BYTES = 32 * 1024 };

struct block {
	struct list link; /* unlinked: it is full */
	size_t used, count; /* objects; handed out ever */
	size_t step; /* of one object with its head */
	struct object *free;
	char *objects;
};

/* The head of each: where it belongs to. */
struct object {
	struct block *block; /* NULL: allocated by itself */
};
_Static_assert(sizeof(struct object) <= 8, "objects are aligned to 8");
enum { HEAD = 8 };

void
slab_init(struct slab *s)
{
	for (size_t i = 0; i < SLAB_MAX / SLAB_STEP; i++)
		list_init(&s->blocks[i]);
	s->nblocks = 0;
}

static size_t
kind_of(size_t n)
{
	return n > 0 ? (n - 1) / SLAB_STEP : 0;
}

static struct block *
block_new(struct slab *s, size_t kind)
{
	struct block *b = xmalloc(BLOCK_BYTES);

	*b = (struct block) { .step = HEAD + (kind + 1) * SLAB_STEP };
	b->objects = (char *)b + (sizeof(*b) + 15) / 16 * 16;
	list_init(&b->link);
	list_append(&s->blocks[kind], &b->link);
	s->nblocks++;
	return b;
}

static size_t
capacity(const struct block *b)
{
	return (size_t)((const char *)b + BLOCK_BYTES - b->objects) / b->step;
}

/* What follows the head of a free one. */
static struct object **
next_of(struct object *o)
{
	return (struct object **)(void *)((char *)o + HEAD);
}

static struct object *
take_object(struct block *b)
{
	struct object *o = b->free;

	if (o != NULL)
		b->free = *next_of(o);
	else
		o = (struct object *)(void *)(b->objects +
					      b->count++ * b->step);
	o->block = b;
	if (++b->used == capacity(b))
		list_remove(&b->link);
	return o;
}

void *
slab_alloc(struct slab *s, size_t n)
{
	size_t kind = kind_of(n);
	struct object *o;

	if (n > SLAB_MAX) {
		o = xmalloc(HEAD + n);
		o->block = NULL;
	} else {
		struct list *with_room = &s->blocks[kind];

		o = take_object(
		    list_is_empty(with_room)
			? block_new(s, kind)
			: list_entry(with_room->next, struct block, link));
	}
	return memset((char *)o + HEAD, 0, n);
}

void *
slab_resize(struct slab *s, void *p, size_t old_n, size_t n)
{
	void *to = slab_alloc(s, n);

	memcpy(to, p, old_n < n ? old_n : n);
	slab_free(s, p);
	return to;
}

void
slab_free(struct slab *s, void *p)
{
	struct object *o;
	struct block *b;

	if (p == NULL)
		return;
	o = (struct object *)(void *)((char *)p - HEAD);
	b = o->block;
	if (b == NULL) {
		free(o);
		return;
	}
	if (b->used-- == capacity(b))
		list_append(&s->blocks[kind_of(b->step - HEAD)], &b->link);
	*next_of(o) = b->free;
	b->free = o;
	if (b->used == 0) {
		list_remove(&b->link);
		s->nblocks--;
		free(b);
	}
}
