/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages on their way from or to a spool (store/store_move.h).  They belong
 * to a number below 0, which no relay has, so none of them is touched. */
#include "postgres/pg_core.h"

#include <stdlib.h>
#include <string.h>

#include "postgres/pg_store.h"

static enum pg_said
run_take(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct pg_arg args[] = { PG_ME(s), PG_NUMBER(t->n),
		PG_TEXT(s->store.node) };
	enum pg_said said = pg_ask(c,
	    "UPDATE relais_node SET is_dead = true WHERE NOT is_dead AND"
	    " seen < now() - " PG_DEAD_AFTER,
	    NULL, 0, NULL, t->err);

	if (said == PG_DONE)
		said = pg_ask(c,
		    "UPDATE relais_message SET owner = $1 WHERE id IN"
		    " (SELECT id FROM relais_message WHERE place < 2 AND"
		    " owner IN (SELECT id FROM relais_node WHERE is_dead)"
		    " ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)",
		    args, 2, NULL, t->err);
	return said != PG_DONE
		   ? said
		   : pg_ask(c,
			 "SELECT id, place, header, ending, journal,"
			 " origin <> $3 FROM relais_message"
			 " WHERE owner = $1 AND place < 2 ORDER BY id LIMIT $2",
			 args, 3, &t->rows, t->err);
}

static int
take_messages(struct store *st, size_t max, struct err *err)
{
	struct pg_store *s = pg_of(st);
	struct pg_task t = { .run = run_take, .n = (int64_t)max, .err = err };
	int n;

	if (pg_perform(s, &t) != PG_DONE)
		return -1;
	n = PQntuples(t.rows);
	pg_add_found(s, t.rows);
	PQclear(t.rows);
	return n;
}

/* A relay that is dead from the start has them then. */
static enum pg_said
run_give(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const char *ids = t->ctx;
	const struct pg_arg args[] = { PG_ME(s), PG_TEXT(s->store.node),
		PG_TEXT(ids) };

	return pg_ask(c,
	    "WITH n AS (INSERT INTO relais_node (name, pid, is_dead)"
	    " SELECT $2, 0, true WHERE EXISTS"
	    " (SELECT FROM relais_message WHERE owner = $1) RETURNING id)"
	    " UPDATE relais_message m SET owner = n.id FROM n"
	    " WHERE m.owner = $1 AND ($3 = '{}' OR m.id = ANY($3::text[]))",
	    args, 3, NULL, t->err);
}

static int
give(struct store *st, const char (*ids)[QID_SIZE], size_t n, struct err *err)
{
	char *text = pg_ids(n > 0 ? ids[0] : NULL, sizeof(ids[0]), n);
	struct pg_task t = { .run = run_give, .ctx = text, .err = err };
	int rc = pg_perform(pg_of(st), &t) == PG_DONE ? 0 : -1;

	free(text);
	return rc;
}

struct source {
	struct store *store;
	struct store_message *m;
};

static int
read_source(
    void *ctx, uint64_t at, void *p, size_t n, size_t *ret_n, struct err *err)
{
	const struct source *f = ctx;

	return f->store->ops->message_read(f->m, at, p, n, ret_n, err);
}

static int
put_message(struct store *st, const char *id, struct bytes header,
    struct store *from, struct store_message *m,
    const struct store_notes *notes, struct err *err)
{
	struct source source = { from, m };
	struct pg_parts parts = { .read = read_source,
		.ctx = &source,
		.size = m->env->size_bytes,
		.uid = m->env->uid };

	return pg_put_parts(pg_of(st), id, header, &parts, notes, err);
}

const struct store_mover pg_mover = { take_messages, give, put_message };
