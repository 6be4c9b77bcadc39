/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais/relais_ids.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "store/qid.h"

void
short_ids_add(struct short_ids *s, const char *id)
{
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 32 : s->cap * 2;
		s->v = xrealloc(s->v, s->cap, sizeof(*s->v));
	}
	s->v[s->n++] = xstrdup(id);
}

void
short_ids_clear(struct short_ids *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct short_ids) { 0 };
}

/* Equal characters at the end. */
static size_t
common_end(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), n = 0;

	while (n < na && n < nb && a[na - n - 1] == b[nb - n - 1])
		n++;
	return n;
}

/* In the order of the texts read backwards, where those with the most equal
 * characters at the end are neighbours. */
static int
compare_ends(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	size_t nx = strlen(x), ny = strlen(y), n = common_end(x, y);

	if (n == nx || n == ny)
		return (nx > ny) - (nx < ny);
	return (unsigned char)x[nx - n - 1] - (unsigned char)y[ny - n - 1];
}

size_t
short_ids_length(struct short_ids *s)
{
	size_t most = SHORT_ID_LEAST;

	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), compare_ends);
	for (size_t i = 1; i < s->n; i++) {
		size_t n = common_end(s->v[i - 1], s->v[i]) + 1;

		most = n > most ? n : most;
	}
	return most;
}

struct search {
	const char *end;
	char *id; /* the first that fits */
	size_t n; /* how many do */
};

static void
on_item(void *ctx, json_t *item)
{
	struct search *s = ctx;
	const char *id = relais_string(item, "id");

	if (strlen(id) < strlen(s->end) ||
	    strcmp(id + strlen(id) - strlen(s->end), s->end) != 0)
		return;
	if (s->n++ == 0)
		s->id = xstrdup(id);
}

char *
relais_full_id(struct relais *r, const char *text)
{
	struct search s = { .end = text };

	if (strlen(text) < SHORT_ID_LEAST || qid_is_valid(text))
		return xstrdup(text);
	if (relais_ask(r, "queue", NULL, on_item, &s, NULL) != RELAIS_DONE)
		return NULL;
	if (s.n > 1) {
		(void)relais_complain(r, RELAIS_FAILED,
		    "%s: %zu messages have ids that end like this", text, s.n);
		free(s.id);
		return NULL;
	}
	return s.n == 1 ? s.id : xstrdup(text);
}
