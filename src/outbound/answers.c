/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/answers.h"

#include <stdlib.h>

#include "base/xalloc.h"

void
answers_init(struct answers *s, size_t nrcpts)
{
	*s = (struct answers) { .of = xcalloc(nrcpts, sizeof(*s->of)) };
}

void
answers_clear(struct answers *s)
{
	for (size_t i = 0; i < s->nheard; i++)
		free(s->heard[i]);
	free(s->heard);
	free(s->of);
}

void
answers_keep(struct answers *s, size_t i, const struct answer *a)
{
	struct answer *newest = s->nheard > 0 ? s->heard[s->nheard - 1] : NULL;

	if (newest == NULL || !verdict_eq(&newest->verdict, &a->verdict)) {
		newest = xmalloc(sizeof(*newest));
		*newest = *a;
		s->heard = xrealloc(
		    s->heard, s->nheard + 1, sizeof(struct answer *));
		s->heard[s->nheard++] = newest;
	}
	s->of[i] = newest;
}

const struct answer *
answers_get(const struct answers *s, size_t i)
{
	static const struct answer nothing = { .verdict = {
						   .class = VERDICT_NONE } };

	return s->of[i] != NULL ? s->of[i] : &nothing;
}

const struct verdict *
answers_verdict(const struct answers *s, size_t i)
{
	return &answers_get(s, i)->verdict;
}
