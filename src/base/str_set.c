/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/str_set.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* Which way to go is the lowest bit of a number; the rest is an index. */
enum { IS_KEY = 1 };

struct str_set_key {
	char *p;
	uint32_t n;
};

/* Below it all texts are the same up to one bit of this byte. */
struct str_set_fork {
	uint32_t child[2]; /* 2 * index, with IS_KEY or without */
	uint32_t at;
	unsigned char bit;
};

/* A text goes on with NULs behind its end. */
static unsigned char
byte_of(const char *p, size_t n, size_t at)
{
	return at < n ? (unsigned char)p[at] : 0;
}

static int
side(const struct str_set_fork *f, struct bytes text)
{
	return (byte_of(text.p, text.n, f->at) & f->bit) != 0;
}

/* The only one that can be equal. */
static const struct str_set_key *
nearest(const struct str_set *s, struct bytes text)
{
	uint32_t at = s->root;

	while ((at & IS_KEY) == 0) {
		const struct str_set_fork *f = &s->forks[at / 2];

		at = f->child[side(f, text)];
	}
	return &s->keys[at / 2];
}

/* The first byte that differs; false: none does. */
static bool
differs(const struct str_set_key *k, struct bytes text, size_t *ret_at)
{
	size_t longest = k->n > text.n ? k->n : text.n;

	for (size_t i = 0; i < longest; i++)
		if (byte_of(k->p, k->n, i) != byte_of(text.p, text.n, i)) {
			*ret_at = i;
			return true;
		}
	return false;
}

bool
str_set_has(const struct str_set *s, struct bytes text)
{
	size_t at;

	return s->n > 0 && !differs(nearest(s, text), text, &at);
}

static void
grow(struct str_set *s)
{
	if ((s->n & (s->n - 1)) != 0)
		return;
	s->keys = xrealloc(
	    s->keys, s->n == 0 ? 1 : (size_t)s->n * 2, sizeof(*s->keys));
	s->forks = xrealloc(
	    s->forks, s->n == 0 ? 1 : (size_t)s->n * 2, sizeof(*s->forks));
}

static uint32_t
add_key(struct str_set *s, struct bytes text)
{
	s->keys[s->n] = (struct str_set_key) { xstrndup(text.p, text.n),
		(uint32_t)text.n };
	return 2 * s->n++ + IS_KEY;
}

bool
str_set_add(struct str_set *s, struct bytes text)
{
	struct str_set_fork fork = { .bit = 0x80 };
	const struct str_set_key *k;
	uint32_t *link = &s->root;
	unsigned char diff;
	size_t at;
	int way;

	assert(text.n < UINT32_MAX && s->n < UINT32_MAX / 2);
	if (s->n == 0) {
		grow(s);
		s->root = add_key(s, text);
		return true;
	}
	k = nearest(s, text);
	if (!differs(k, text, &at))
		return false;
	diff = byte_of(k->p, k->n, at) ^ byte_of(text.p, text.n, at);
	while ((diff & fork.bit) == 0)
		fork.bit >>= 1;
	fork.at = (uint32_t)at;
	way = side(&fork, text);
	grow(s);
	/* Forks are in order of what they look at, from the root down. */
	while ((*link & IS_KEY) == 0) {
		struct str_set_fork *f = &s->forks[*link / 2];

		if (f->at > fork.at || (f->at == fork.at && f->bit < fork.bit))
			break;
		link = &f->child[side(f, text)];
	}
	fork.child[!way] = *link;
	*link = 2 * (s->n - 1);
	fork.child[way] = add_key(s, text);
	s->forks[s->n - 2] = fork;
	return true;
}

void
str_set_clear(struct str_set *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		free(s->keys[i].p);
	free(s->keys);
	free(s->forks);
	*s = (struct str_set) { 0 };
}
