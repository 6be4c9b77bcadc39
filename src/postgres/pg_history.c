/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "postgres/pg_core.h"

#include <stdlib.h>

#include "base/xalloc.h"

/* What became of messages is each relay's own to tell. */
struct store_history {
	const struct store_ops *ops;
	struct store_history *inner;
};

int
pg_history_add(struct store *st, struct bytes lines,
    const struct store_history_limits *limits, int64_t wall_ms, struct err *err)
{
	struct pg_store *s = pg_of(st);

	return s->here->ops->history_add(s->here, lines, limits, wall_ms, err);
}

int
pg_history_open(struct store *st, bool is_backward, struct store_history **ret,
    struct err *err)
{
	struct pg_store *s = pg_of(st);
	struct store_history *inner, *h;

	if (s->here->ops->history_open(s->here, is_backward, &inner, err) != 0)
		return -1;
	h = xcalloc(1, sizeof(*h));
	h->ops = s->here->ops;
	h->inner = inner;
	*ret = h;
	return 0;
}

int
pg_history_read(struct store_history *h, struct bytes *ret, struct err *err)
{
	return h->ops->history_read(h->inner, ret, err);
}

void
pg_history_close(struct store_history *h)
{
	if (h == NULL)
		return;
	h->ops->history_close(h->inner);
	free(h);
}
