/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the other relays have, for who looks at it or wants to change it.  What
 * is ours the queue knows better. */
#include "postgres/pg_core.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "mail/envelope.h"

enum {
	LIST_ROWS = 200,
	NUMBER_SIZE = 24, /* of a number as text, at most */
	LIST_BYTES = 1024 * 1024 /* in one answer, or one row */
};

/* --- looking -------------------------------------------------------------- */

/* Whose message it is: of nobody in particular ($2 is empty), or of this user
 * of this relay. */
#define VISIBLE(m, uid, node)                                                  \
	" AND (" uid " = '' OR (" m ".origin = " node " AND " m ".uid = " uid  \
	"::bigint))"

#define OTHERS(compare, order)                                                 \
	"SELECT l.id, l.place, l.header, l.journal, coalesce(n.name, '')"      \
	" FROM (SELECT *, sum(octet_length(header) + octet_length(journal))"   \
	" OVER (ORDER BY id " order ") AS bytes FROM"                          \
	" (SELECT id, place, owner, header, journal FROM relais_message m"     \
	" WHERE m.owner <> $1 AND m.place < 2 AND m.id " compare               \
	" $4" VISIBLE(                                                         \
	    "m", "$2", "$3") " ORDER BY id " order                             \
			     " LIMIT $5) few) l LEFT JOIN relais_node n"       \
			     " ON n.id = l.owner AND NOT n.is_dead"            \
			     " WHERE bytes - octet_length(header) - "          \
			     "octet_length(journal) < $6"                      \
			     " ORDER BY l.id " order

static struct pg_arg
uid_arg(const uint32_t *uid)
{
	return uid != NULL ? PG_NUMBER(*uid) : PG_TEXT("");
}

static enum pg_said
run_others(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct store_look *l = t->ctx;
	const struct pg_arg args[] = { PG_ME(s), uid_arg(l->uid),
		PG_TEXT(s->store.node), PG_TEXT(l->from),
		PG_NUMBER(l->max > 0 ? l->max : LIST_ROWS),
		PG_NUMBER(LIST_BYTES) };

	if (l->is_backward && l->from[0] != '\0')
		return pg_ask(
		    c, OTHERS("<", "DESC"), args, 6, &t->rows, t->err);
	return pg_ask(c,
	    l->is_backward ? OTHERS(">", "DESC") : OTHERS(">", "ASC"), args, 6,
	    &t->rows, t->err);
}

static void
see(PGresult *r, int row, struct store_look *l,
    void (*seen)(void *ctx, const struct store_seen *m), void *ctx)
{
	struct bytes id = pg_bytes(r, row, 0), node = pg_bytes(r, row, 4);
	struct envelope *env;
	struct journal_state state = { 0 };
	char *name = xstrndup(node.p, node.n);
	size_t used;

	if (id.n == QID_LEN && qid_is_valid(id.p)) {
		memcpy(l->from, id.p, QID_LEN);
		l->from[QID_LEN] = '\0';
	}
	if (store_text_header_parse(STORE_TEXT_MESSAGE, pg_bytes(r, row, 2),
		&env, &used) == STORE_TEXT_OK) {
		memcpy(env->id, l->from, QID_SIZE);
		if (journal_parse(pg_bytes(r, row, 3), env, &state, &used) &&
		    !state.is_done && !envelope_is_sent(env))
			seen(ctx,
			    &(struct store_seen) {
				.place = (enum store_place)pg_int(r, row, 1),
				.node = name,
				.origin = "",
				.env = env,
				.state = &state });
		envelope_free(env);
	}
	free(name);
}

int
pg_others(struct store *st, struct store_look *l,
    void (*seen)(void *ctx, const struct store_seen *m), void *ctx,
    bool *ret_is_over, struct err *err)
{
	struct pg_task t = { .run = run_others, .ctx = l, .err = err };
	int n;

	if (pg_perform(pg_of(st), &t) != PG_DONE)
		return -1;
	n = PQntuples(t.rows);
	for (int i = 0; i < n; i++)
		see(t.rows, i, l, seen, ctx);
	PQclear(t.rows);
	*ret_is_over = n == 0;
	return 0;
}

static enum pg_said
run_totals(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct pg_arg args[] = { PG_ME(s) };

	return pg_ask(c,
	    "SELECT * FROM (SELECT count(*), coalesce(sum(due), 0)::bigint,"
	    " coalesce(sum(active), 0)::bigint,"
	    " coalesce(sum(held), 0)::bigint,"
	    " coalesce(sum(failed), 0)::bigint,"
	    " coalesce(min(oldest) FILTER (WHERE oldest > 0), 0)"
	    " FROM relais_node WHERE id <> $1 AND NOT is_dead) n,"
	    " (SELECT count(*) FILTER (WHERE place = 0),"
	    " count(*) FILTER (WHERE place = 1) FROM relais_message"
	    " WHERE owner IN (SELECT id FROM relais_node WHERE is_dead)) m",
	    args, 1, &t->rows, t->err);
}

int
pg_totals(struct store *st, struct store_totals *ret, struct err *err)
{
	struct pg_task t = { .run = run_totals, .err = err };

	if (pg_perform(pg_of(st), &t) != PG_DONE)
		return -1;
	*ret = (struct store_totals) {
		.relays = (uint64_t)pg_int(t.rows, 0, 0),
		.counts = { .due = (uint64_t)pg_int(t.rows, 0, 1) +
				   (uint64_t)pg_int(t.rows, 0, 6),
		    .active = (uint64_t)pg_int(t.rows, 0, 2),
		    .held = (uint64_t)pg_int(t.rows, 0, 3),
		    .failed = (uint64_t)pg_int(t.rows, 0, 4) +
			      (uint64_t)pg_int(t.rows, 0, 7),
		    .oldest_s = pg_int(t.rows, 0, 5) },
	};
	PQclear(t.rows);
	return 0;
}

/* --- asking the owner ----------------------------------------------------- */

struct asking {
	const char *ids;
	int64_t batch;
	enum store_wish what;
	const uint32_t *uid;
};

/* A second run finds what the first has written. */
static enum pg_said
run_ask(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct asking *a = t->ctx;
	const struct pg_arg args[] = { PG_NUMBER(a->batch), PG_NUMBER(a->what),
		PG_TEXT(a->ids), uid_arg(a->uid), PG_TEXT(s->store.node) };
	enum pg_said said = pg_ask(c,
	    "INSERT INTO relais_request (batch, message, what)"
	    " SELECT $1::bigint, m.id, $2::smallint FROM relais_message m"
	    " WHERE m.id = ANY($3::text[]) AND m.place < 2" VISIBLE(
		"m", "$4", "$5") " ON CONFLICT DO NOTHING",
	    args, 5, NULL, t->err);
	return said != PG_DONE ? said
			       : pg_ask(c,
				     "SELECT message, state FROM relais_request"
				     " WHERE batch = $1",
				     args, 1, &t->rows, t->err);
}

static void
take_answers(const PGresult *r, struct store_request *v, size_t n)
{
	for (int row = 0; row < PQntuples(r); row++) {
		struct bytes id = pg_bytes(r, row, 0);

		for (size_t i = 0; i < n; i++)
			if (id.n == QID_LEN &&
			    memcmp(v[i].id, id.p, QID_LEN) == 0)
				v[i].answer = (enum store_answer)pg_int(
				    r, row, 1);
	}
}

int
pg_ask_owners(struct store *st, enum store_wish what, const uint32_t *uid,
    struct store_request *v, size_t n, int64_t *ret_batch, struct err *err)
{
	struct pg_store *s = pg_of(st);
	char *ids = pg_ids(n > 0 ? v[0].id : NULL, sizeof(v[0]), n);
	struct asking a = { .ids = ids, .what = what, .uid = uid };
	struct pg_task t = { .run = run_ask, .ctx = &a, .err = err };
	int rc = -1;

	(void)pthread_mutex_lock(&s->mutex);
	a.batch = (int64_t)((uint64_t)s->me << 24 | (s->batches++ & 0xffffff));
	(void)pthread_mutex_unlock(&s->mutex);
	*ret_batch = a.batch;
	if (pg_perform(s, &t) == PG_DONE) {
		for (size_t i = 0; i < n; i++)
			v[i].answer = STORE_ANSWER_NONE;
		take_answers(t.rows, v, n);
		PQclear(t.rows);
		rc = 0;
	}
	free(ids);
	return rc;
}

/* What nobody has heard of is too old to be taken from now on, if it is the
 * last time; a second run changes nothing, and reads the same. */
static enum pg_said
run_answers(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const int64_t *batch = t->ctx;
	const struct pg_arg args[] = { PG_NUMBER(*batch) };
	enum pg_said said = PG_DONE;

	(void)s;
	if (t->n != 0)
		said = pg_ask(c,
		    "UPDATE relais_request SET made = made - interval '1 hour'"
		    " WHERE batch = $1 AND state = 0",
		    args, 1, NULL, t->err);
	return said != PG_DONE ? said
			       : pg_ask(c,
				     "SELECT message, state FROM relais_request"
				     " WHERE batch = $1",
				     args, 1, &t->rows, t->err);
}

/* Else a relay does some minutes later. */
static enum pg_said
run_forget(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const int64_t *batch = t->ctx;
	const struct pg_arg args[] = { PG_NUMBER(*batch) };

	(void)s;
	return pg_ask(c, "DELETE FROM relais_request WHERE batch = $1", args, 1,
	    NULL, t->err);
}

int
pg_answers(struct store *st, int64_t batch, bool is_last,
    struct store_request *v, size_t n, struct err *err)
{
	struct pg_task t = {
		.run = run_answers, .ctx = &batch, .n = is_last, .err = err
	};

	if (pg_perform(pg_of(st), &t) != PG_DONE)
		return -1;
	take_answers(t.rows, v, n);
	PQclear(t.rows);
	t.run = run_forget;
	t.is_again = false;
	if (is_last)
		IGNORE(pg_perform(pg_of(st), &t) == PG_DONE);
	return 0;
}

/* --- being asked ---------------------------------------------------------- */

/* Taken for good: if this process dies now, who asked hears that nobody
 * knows. */
static enum pg_said
run_asked(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct pg_arg args[] = { PG_ME(s), PG_NUMBER(t->n) };

	return pg_ask(c,
	    "UPDATE relais_request SET state = 1 WHERE id IN"
	    " (SELECT r.id FROM relais_request r JOIN relais_message m"
	    " ON m.id = r.message WHERE m.owner = $1 AND r.state = 0"
	    " AND r.made > now() - interval '1 minute' ORDER BY r.id"
	    " LIMIT $2 FOR UPDATE OF r SKIP LOCKED)"
	    " RETURNING id, message, what",
	    args, 2, &t->rows, t->err);
}

int
pg_asked(struct store *st, struct store_request *v, size_t max, struct err *err)
{
	struct pg_task t = { .run = run_asked, .n = (int64_t)max, .err = err };
	int n = 0;

	if (pg_perform(pg_of(st), &t) != PG_DONE)
		return -1;
	for (int i = 0; i < PQntuples(t.rows) && (size_t)n < max; i++) {
		struct bytes id = pg_bytes(t.rows, i, 1);

		if (id.n != QID_LEN)
			continue;
		v[n] = (struct store_request) {
			.number = pg_int(t.rows, i, 0),
			.what = (enum store_wish)pg_int(t.rows, i, 2),
		};
		memcpy(v[n++].id, id.p, QID_LEN);
	}
	PQclear(t.rows);
	return n;
}

struct lists {
	struct buf numbers, answers; /* "{1,2}" */
};

static void
add_number(struct buf *to, int64_t n)
{
	IGNORE(buf_addf(to, "%s%" PRId64, buf_len(to) == 0 ? "{" : ",", n));
}

static enum pg_said
run_answer(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct lists *l = t->ctx;
	const struct pg_arg args[] = { PG_TEXT(buf_str(&l->numbers)),
		PG_TEXT(buf_str(&l->answers)) };

	(void)s;
	return pg_ask(c,
	    "UPDATE relais_request r SET state = v.state FROM"
	    " unnest($1::bigint[], $2::smallint[]) AS v (id, state)"
	    " WHERE r.id = v.id",
	    args, 2, NULL, t->err);
}

int
pg_answer(
    struct store *st, const struct store_request *v, size_t n, struct err *err)
{
	struct lists l;
	struct pg_task t = { .run = run_answer, .ctx = &l, .err = err };
	int rc;

	buf_init(&l.numbers, (n + 1) * NUMBER_SIZE);
	buf_init(&l.answers, (n + 1) * NUMBER_SIZE);
	for (size_t i = 0; i < n; i++) {
		add_number(&l.numbers, v[i].number);
		add_number(&l.answers, (int64_t)v[i].answer);
	}
	IGNORE(buf_addc(&l.numbers, '}'));
	IGNORE(buf_addc(&l.answers, '}'));
	rc = pg_perform(pg_of(st), &t) == PG_DONE ? 0 : -1;
	buf_clear(&l.numbers);
	buf_clear(&l.answers);
	return rc;
}
