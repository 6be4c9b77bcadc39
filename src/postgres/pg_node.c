/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "postgres/pg_core.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	/* A relay takes from others only when it has been heard itself for so
	 * long: after a pause of the database all are late at once. */
	STEADY_MS = 10 * 1000,
	GAP_MS = 5 * 1000, /* several heartbeats of one that is heard */
	SWEEP_MS = 60 * 1000,
	CLAIM_MAX = 250 /* messages at a time */
};

struct store_scan {
	struct pg_store *s;
	char last[QID_SIZE]; /* handed out last */
};

/* --- what has become ours ------------------------------------------------- */

void
pg_found_free(struct pg_found *f)
{
	list_remove(&f->link);
	buf_clear(&f->header);
	buf_clear(&f->journal);
	free(f);
}

struct pg_found *
pg_take_found(struct pg_store *s, const char *id)
{
	struct pg_found *f = NULL;

	(void)pthread_mutex_lock(&s->mutex);
	if (!list_is_empty(&s->found)) {
		f = list_entry(s->found.next, struct pg_found, link);
		if (strcmp(f->id, id) == 0)
			list_remove(&f->link);
		else
			f = NULL;
	}
	(void)pthread_mutex_unlock(&s->mutex);
	return f;
}

struct store_scan *
pg_scan_new(struct store *st, int64_t wall_ms)
{
	struct store_scan *c = xcalloc(1, sizeof(*c));

	(void)wall_ms;
	c->s = pg_of(st);
	return c;
}

enum store_found
pg_scan_next(struct store_scan *c, enum store_place *ret_place,
    char ret_id[QID_SIZE], struct err *err)
{
	struct pg_store *s = c->s;
	struct pg_found *f = NULL;

	(void)err;
	(void)pthread_mutex_lock(&s->mutex);
	while (!list_is_empty(&s->found)) {
		f = list_entry(s->found.next, struct pg_found, link);
		/* What nobody wanted to load is known already; what is damaged
		 * is a person's, and never the queue's. */
		if (strcmp(f->id, c->last) != 0 && f->place != STORE_CORRUPT)
			break;
		pg_found_free(f);
		f = NULL;
	}
	if (f != NULL) {
		*ret_place = f->place;
		memcpy(ret_id, f->id, QID_SIZE);
		memcpy(c->last, f->id, QID_SIZE);
	}
	(void)pthread_mutex_unlock(&s->mutex);
	return f != NULL ? STORE_FOUND_ONE : STORE_FOUND_END;
}

void
pg_scan_free(struct store_scan *c)
{
	free(c);
}

void
pg_add_found(struct pg_store *s, const PGresult *r)
{
	(void)pthread_mutex_lock(&s->mutex);
	for (int i = 0; i < PQntuples(r); i++) {
		struct pg_found *f;
		struct bytes id = pg_bytes(r, i, 0), ending = pg_bytes(r, i, 3),
			     header = pg_bytes(r, i, 2),
			     journal = pg_bytes(r, i, 4);

		if (id.n != QID_LEN || !qid_is_valid(id.p) ||
		    ending.n >= STORE_END_MAX)
			continue; /* nobody of us made that */
		f = xcalloc(1, sizeof(*f));
		memcpy(f->id, id.p, QID_LEN);
		f->place = (enum store_place)pg_int(r, i, 1);
		memcpy(f->ending, ending.p, ending.n);
		f->is_foreign = pg_int(r, i, 5) != 0;
		buf_init(&f->header, header.n + 1);
		buf_init(&f->journal, journal.n + 1);
		IGNORE(buf_add(&f->header, header.p, header.n)); /* fits */
		IGNORE(buf_add(&f->journal, journal.p, journal.n));
		list_append(&s->found, &f->link);
	}
	(void)pthread_mutex_unlock(&s->mutex);
}

/* --- the heartbeat -------------------------------------------------------- */

static void
set_clock(struct pg_store *s, int64_t its_ms)
{
	s->store.ahead_ms = its_ms - clock_wall_ms(s->clock);
}

#define ITS_MS "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

static enum pg_said
run_heartbeat(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct store_counts *n = t->ctx;
	const struct pg_arg args[] = { PG_ME(s), PG_NUMBER(pg_pid(c)),
		PG_NUMBER(n->due), PG_NUMBER(n->active), PG_NUMBER(n->held),
		PG_NUMBER(n->failed), PG_NUMBER(n->oldest_s) };
	PGresult *r;
	enum pg_said said = pg_ask(c,
	    "UPDATE relais_node SET seen = now(), pid = CASE WHEN"
	    " pg_backend_pid() = $2 THEN $2 ELSE 0 END,"
	    " due = $3, active = $4, held = $5, failed = $6, oldest = $7"
	    " WHERE id = $1 AND NOT is_dead RETURNING " ITS_MS,
	    args, 7, &r, t->err);
	if (said == PG_DONE) {
		t->is_none = PQntuples(r) == 0;
		if (!t->is_none)
			set_clock(s, pg_int(r, 0, 0));
		PQclear(r);
	}
	return said;
}

/* One whose process has ended has no session at all, and speaks no more.
 * Behind a pooler (pid 0) sessions say nothing, and when the server has just
 * started, or has ended all of them, they are all gone: so ours must be some
 * time old. */
static enum pg_said
run_bury(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct pg_arg args[] = { PG_ME(s) };

	return pg_ask(c,
	    "UPDATE relais_node n SET is_dead = true WHERE id <> $1 AND"
	    " NOT is_dead AND (seen < now() - " PG_DEAD_AFTER " OR"
	    " (pid <> 0 AND seen < now() - interval '1200 ms' AND"
	    " pg_postmaster_start_time() < now() - interval '10 s' AND"
	    " (SELECT min(backend_start) FROM pg_stat_activity"
	    " WHERE application_name = 'relais ' || $1::bigint)"
	    " < now() - interval '10 s' AND"
	    " NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = n.pid"
	    " OR a.application_name = 'relais ' || n.id)))",
	    args, 1, NULL, t->err);
}

/* What nobody needs any more. */
static enum pg_said
run_sweep(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	/* Not before the last write of the dead has failed for sure. */
	enum pg_said said = pg_ask(c,
	    "DELETE FROM relais_node n WHERE is_dead AND"
	    " seen < now() - interval '1 hour' AND NOT EXISTS"
	    " (SELECT FROM relais_message m WHERE m.owner = n.id)",
	    NULL, 0, NULL, t->err);

	(void)s;
	/* The relay that asked is gone. */
	if (said == PG_DONE)
		said = pg_ask(c,
		    "DELETE FROM relais_request"
		    " WHERE made < now() - interval '5 minutes'",
		    NULL, 0, NULL, t->err);
	return said;
}

static enum pg_said
run_claim(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct pg_arg args[] = { PG_ME(s), PG_NUMBER(CLAIM_MAX),
		PG_TEXT(s->store.node), PG_NUMBER(t->n) };

	return pg_ask(c,
	    "UPDATE relais_message m SET owner = $1 WHERE id IN"
	    " (SELECT id FROM relais_message WHERE owner BETWEEN $4 AND $4"
	    " ORDER BY owner, id LIMIT $2 FOR UPDATE SKIP LOCKED)"
	    " RETURNING m.id, m.place, m.header, m.ending, m.journal,"
	    " m.origin <> $3",
	    args, 4, &t->rows, t->err);
}

static bool
has_found(struct pg_store *s)
{
	bool has;

	(void)pthread_mutex_lock(&s->mutex);
	has = !list_is_empty(&s->found);
	(void)pthread_mutex_unlock(&s->mutex);
	return has;
}

/* One that is dead and has something; 0: none.  From one owner to the next by
 * the index: asked for the messages of the dead, the server walks through all
 * that wait whenever it expects to find one soon. */
static enum pg_said
find_dead(struct pg_conn *c, int64_t *ret, struct err *err)
{
	PGresult *r;
	enum pg_said said = pg_ask(c,
	    "WITH RECURSIVE o (id) AS"
	    " (SELECT min(owner) FROM relais_message UNION ALL"
	    " SELECT (SELECT min(owner) FROM relais_message"
	    " WHERE owner > o.id) FROM o WHERE o.id IS NOT NULL)"
	    " SELECT n.id FROM o JOIN relais_node n ON n.id = o.id"
	    " WHERE n.is_dead LIMIT 1",
	    NULL, 0, &r, err);

	if (said == PG_DONE) {
		*ret = PQntuples(r) == 1 ? pg_int(r, 0, 0) : 0;
		PQclear(r);
	}
	return said;
}

/* If its answer is lost, what was claimed is ours and unknown here; only a new
 * run of this relay, or another one after our end, would find it. */
static int
claim(struct pg_store *s, bool *ret_more, struct err *err)
{
	struct pg_task t = { .err = err };
	struct pg_conn *c;
	enum pg_said said;

	if (has_found(s))
		return 0;
	c = pg_take(s->pool, err);
	if (c == NULL)
		return -1;
	said = find_dead(c, &t.n, err);
	if (said == PG_DONE && t.n > 0)
		said = run_claim(s, c, &t);
	pg_give(c);
	if (said == PG_LOST && t.n > 0)
		return err_set(err, ERR_LOST,
		    "the answer of the database about messages taken over is "
		    "lost");
	if (said != PG_DONE)
		return -1;
	if (t.n == 0)
		return 0;
	pg_add_found(s, t.rows);
	*ret_more = PQntuples(t.rows) == CLAIM_MAX;
	PQclear(t.rows);
	return 0;
}

int
pg_heartbeat(struct store *st, const struct store_counts *ours, struct err *err)
{
	struct pg_store *s = pg_of(st);
	int64_t now = pg_now_ms(s); /* from before the question */
	struct pg_task heartbeat = { .run = run_heartbeat,
		.ctx = ours,
		.err = err },
		       bury = { .run = run_bury, .err = err },
		       sweep = { .run = run_sweep, .err = err };
	bool has_more = false;

	if (pg_perform(s, &heartbeat) != PG_DONE)
		return -1;
	if (heartbeat.is_none)
		return err_set(err, ERR_LOST,
		    "%s: this relay was not heard for ten seconds, so others "
		    "have its messages; it starts again",
		    s->store.name);
	if (now > s->heartbeat_ms + GAP_MS)
		s->steady_from_ms = now;
	s->heartbeat_ms = now;
	pg_clear_doubts(s);
	pg_pool_rest(s->pool);
	if (now >= s->steady_from_ms + STEADY_MS &&
	    pg_perform(s, &bury) != PG_DONE)
		return -1;
	if (now >= s->sweep_ms) {
		if (pg_perform(s, &sweep) != PG_DONE)
			return -1;
		s->sweep_ms = now + SWEEP_MS;
	}
	if (claim(s, &has_more, err) != 0)
		return -1;
	return has_more ? STORE_HAS_MORE : 0;
}

/* --- coming and going ----------------------------------------------------- */

int
pg_enter(struct pg_store *s, const char *name, struct err *err)
{
	const struct pg_arg args[] = { PG_TEXT(name) };
	struct pg_conn *c = pg_take(s->pool, err);
	char called[32];
	PGresult *r;
	enum pg_said said;

	if (c == NULL)
		return -1;
	said = pg_ask(c,
	    "INSERT INTO relais_node (name, pid) VALUES ($1, 0)"
	    " RETURNING id, " ITS_MS,
	    args, 1, &r, err);
	if (said == PG_DONE) {
		s->me = pg_int(r, 0, 0);
		set_clock(s, pg_int(r, 0, 1));
		PQclear(r);
		(void)snprintf(
		    called, sizeof(called), "relais %" PRId64, s->me);
		pg_pool_call(s->pool, called);
	}
	pg_give(c);
	return said == PG_DONE ? 0 : -1;
}

void
pg_leave(struct pg_store *s)
{
	const struct pg_arg args[] = { PG_ME(s) };
	struct pg_conn *c = pg_take(s->pool, NULL);

	if (c != NULL) {
		IGNORE(
		    pg_ask(c,
			"UPDATE relais_node SET is_dead = true WHERE id = $1",
			args, 1, NULL,
			NULL) != PG_DONE); /* or its time runs out */
		pg_give(c);
	}
}
