/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "postgres/pg_core.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"

/* A relay that finds a newer version looks at that; each time at least one of
 * them succeeds. */
enum { TRIES_MAX = 200 };

struct fact {
	struct list link;
	char *name;
	int64_t version; /* that this relay has seen last */
};

/* --- what is known of them ------------------------------------------------ */

static struct fact *
find_fact(struct pg_store *s, struct bytes name)
{
	list_foreach (it, &s->facts) {
		struct fact *f = list_entry(it, struct fact, link);

		if (bytes_eq(name, f->name))
			return f;
	}
	return NULL;
}

static void
has_seen(struct pg_store *s, const char *name, int64_t version)
{
	struct fact *f;

	(void)pthread_mutex_lock(&s->mutex);
	f = find_fact(s, bytes_str(name));
	if (f == NULL) {
		f = xcalloc(1, sizeof(*f));
		f->name = xstrdup(name);
		list_append(&s->facts, &f->link);
	}
	f->version = version;
	(void)pthread_mutex_unlock(&s->mutex);
}

static bool
is_news(struct pg_store *s, struct bytes name, int64_t version)
{
	const struct fact *f;
	bool is;

	(void)pthread_mutex_lock(&s->mutex);
	f = find_fact(s, name);
	is = f == NULL || f->version != version;
	(void)pthread_mutex_unlock(&s->mutex);
	return is;
}

void
pg_forget_facts(struct pg_store *s)
{
	while (!list_is_empty(&s->facts)) {
		struct fact *f = list_entry(s->facts.next, struct fact, link);

		list_remove(&f->link);
		free(f->name);
		free(f);
	}
}

/* --- a turn --------------------------------------------------------------- */

struct change {
	struct pg_task task; /* first */
	void (*change)(
	    void *ctx, const struct share_turn *turn, struct buf *text);
	void *ctx;
	int64_t *live;
};

/* "1 2 3" */
static size_t
read_ids(struct change *ch, struct bytes list)
{
	size_t n = 0;
	uint64_t id;

	free(ch->live);
	ch->live = xcalloc(list.n / 2 + 1, sizeof(*ch->live));
	while (list.n > 0)
		if (num_u64_max(bytes_cut(&list, ' '), INT64_MAX, &id))
			ch->live[n++] = (int64_t)id;
	return n;
}

static enum pg_said
write_it(struct pg_conn *c, struct change *ch, int64_t version,
    const struct buf *text)
{
	const struct pg_arg args[] = { PG_ID(&ch->task),
		PG_BYTES(buf_bytes(text)), PG_NUMBER(version) };

	return version == 0
		   ? pg_change(c, &ch->task,
			 "INSERT INTO relais_shared (name, content, version)"
			 " VALUES ($1, $2, 1) ON CONFLICT DO NOTHING",
			 args, 2)
		   : pg_change(c, &ch->task,
			 "UPDATE relais_shared SET content = $2,"
			 " version = version + 1"
			 " WHERE name = $1 AND version = $3",
			 args, 3);
}

/* is_none: another relay was quicker. */
static enum pg_said
try_once(struct pg_store *s, struct pg_conn *c, struct change *ch)
{
	const struct pg_arg args[] = { PG_ID(&ch->task) };
	struct share_turn turn = { .me = s->me };
	PGresult *r;
	enum pg_said said = pg_ask(c,
	    "SELECT (extract(epoch FROM now()) * 1000)::bigint,"
	    " (SELECT string_agg(id::text, ' ') FROM relais_node"
	    " WHERE NOT is_dead), coalesce(s.version, 0), s.content"
	    " FROM (SELECT) t LEFT JOIN relais_shared s ON s.name = $1",
	    args, 1, &r, ch->task.err);
	struct bytes was;
	struct buf text;
	int64_t version;

	if (said != PG_DONE)
		return said;
	turn.now_ms = pg_int(r, 0, 0);
	turn.nlive = read_ids(ch, pg_bytes(r, 0, 1));
	turn.live = ch->live;
	version = pg_int(r, 0, 2);
	was = pg_bytes(r, 0, 3);
	buf_init(&text, STORE_STATE_MAX);
	IGNORE(buf_add(&text, was.p, was.n)); /* one of ours: it fits */
	ch->change(ch->ctx, &turn, &text);
	ch->task.is_none = false;
	if (was.n != buf_len(&text) ||
	    memcmp(was.p, buf_str(&text), was.n) != 0) {
		said = write_it(c, ch, version, &text);
		version++;
	}
	if (said == PG_DONE && !ch->task.is_none)
		has_seen(s, ch->task.id, version);
	buf_clear(&text);
	PQclear(r);
	return said;
}

static enum pg_said
run_change(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	struct change *ch = (struct change *)(void *)t;
	enum pg_said said = PG_DONE;

	t->is_none = true;
	for (int i = 0; said == PG_DONE && t->is_none && i < TRIES_MAX; i++)
		said = try_once(s, c, ch);
	if (said == PG_DONE && t->is_none) {
		err_set(t->err, ERR_BUSY, "%s: it changes too often", t->id);
		return PG_REFUSED;
	}
	return said;
}

int
pg_shared_change(struct store *st, const char *name,
    void (*change)(void *ctx, const struct share_turn *turn, struct buf *text),
    void *ctx, struct err *err)
{
	struct change ch = {
		.task = { .run = run_change, .id = name, .err = err },
		.change = change,
		.ctx = ctx,
	};
	enum pg_said said = pg_perform(pg_of(st), &ch.task);

	free(ch.live);
	return said == PG_DONE ? 0 : -1;
}

/* --- what has changed ----------------------------------------------------- */

static enum pg_said
run_look(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	(void)s;
	return pg_ask(c, "SELECT name, version FROM relais_shared", NULL, 0,
	    &t->rows, t->err);
}

int
pg_shared_look(struct store *st, void (*changed)(void *ctx, const char *name),
    void *ctx, struct err *err)
{
	struct pg_store *s = pg_of(st);
	struct pg_task t = { .run = run_look, .err = err };

	if (pg_perform(s, &t) != PG_DONE)
		return -1;
	for (int i = 0; i < PQntuples(t.rows); i++) {
		struct bytes name = pg_bytes(t.rows, i, 0);
		int64_t version = pg_int(t.rows, i, 1);
		char *text;

		if (!is_news(s, name, version))
			continue;
		text = xstrndup(name.p, name.n);
		has_seen(s, text, version);
		changed(ctx, text);
		free(text);
	}
	PQclear(t.rows);
	return 0;
}
