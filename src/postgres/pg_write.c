/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "postgres/pg_core.h"

#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "base/xalloc.h"

enum { DOUBT_HEARTBEATS = 60 };

/* A relay that was taken for dead makes nothing more; what is below 0 is none
 * (pg_move.c). */
#define MAY_MAKE                                                               \
	"($2::bigint < 0 OR EXISTS (SELECT FROM relais_node"                   \
	" WHERE id = $2::bigint AND NOT is_dead))"

/* A message whose commit has no answer, and whose client heard "no": it is
 * deleted for as long as a commit may still be under way. */
struct doubt {
	struct list link;
	char id[QID_SIZE];
	int heartbeats;
};

struct pg_draft {
	struct store_draft draft;
	struct pg_store *s;
	struct store_draft *local;
	char id[QID_SIZE];
	struct buf header;
	uint32_t uid;
};

/* --- a new message -------------------------------------------------------- */

/* There is one: it is ours, if an earlier run of this has made it.  A change,
 * not a question, because a server that crashed shows what its standby never
 * got, and only a commit waits for that. */
static enum pg_said
see_whose(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct pg_arg args[] = { PG_ID(t), PG_ME(s) };
	PGresult *r;
	enum pg_said said = pg_ask(c,
	    "UPDATE relais_message SET owner = owner"
	    " WHERE id = $1 AND owner = $2 RETURNING 1",
	    args, 2, &r, t->err);

	if (said != PG_DONE)
		return said;
	if (PQntuples(r) != 1 || !t->is_again) {
		err_set(t->err, ERR_BUSY,
		    "%s: there is such a message already, or this relay was "
		    "taken for dead",
		    t->id);
		said = PG_REFUSED;
	}
	PQclear(r);
	return said;
}

/* From here on lines come later, by append(). */
static void
take_notes(struct pg_task *t)
{
	if (t->notes == NULL)
		return;
	if (!t->kept.max) {
		struct bytes lines = t->notes->take(t->notes->ctx);

		buf_init(&t->kept, lines.n + 1);
		IGNORE(buf_add(&t->kept, lines.p, lines.n)); /* fits */
		t->notes->written(t->notes->ctx);
	}
}

static enum pg_said
run_put(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	char ending[STORE_END_MAX];
	struct pg_arg args[8];
	enum pg_said said;

	take_notes(t);
	(void)store_text_end(ending, t->b.n, crc32_of(0, t->b.p, t->b.n));
	args[0] = PG_ID(t);
	args[1] = PG_ME(s);
	args[2] = PG_BYTES(t->a);
	args[3] = PG_TEXT(ending);
	args[4] = PG_BYTES(buf_bytes(&t->kept));
	args[5] = PG_BYTES(t->b);
	args[6] = PG_TEXT(s->store.node);
	args[7] = PG_NUMBER(t->n);
	/* A commit under way elsewhere is waited for. */
	said = pg_change(c, t,
	    "WITH m AS (INSERT INTO relais_message"
	    " (id, owner, header, ending, journal, origin, uid)"
	    " SELECT $1, $2::bigint, $3::bytea, $4, $5::bytea, $7, $8::bigint"
	    " WHERE " MAY_MAKE " ON CONFLICT DO NOTHING RETURNING id)"
	    " INSERT INTO relais_body (id, n, part)"
	    " SELECT id, 0, $6::bytea FROM m",
	    args, 8);
	if (said == PG_DONE && t->is_none) {
		t->is_none = false;
		return see_whose(s, c, t);
	}
	return said;
}

/* The parts of a draft; its checksum. */
static enum pg_said
send_parts(struct pg_conn *c, struct pg_task *t, uint32_t *ret_crc)
{
	const struct pg_parts *parts = t->parts;
	char *part = xmalloc(PG_PART_BYTES);
	uint64_t size = parts->size;
	enum pg_said said = PG_DONE;
	size_t n = 0;

	*ret_crc = 0;
	for (uint64_t at = 0; said == PG_DONE && at < size; at += n) {
		struct pg_arg args[3];

		if (parts->read(
			parts->ctx, at, part, PG_PART_BYTES, &n, t->err) != 0 ||
		    n == 0) {
			said = PG_REFUSED;
			break;
		}
		*ret_crc = crc32_of(*ret_crc, part, n);
		args[0] = PG_ID(t);
		args[1] = PG_NUMBER(at / PG_PART_BYTES);
		args[2] = PG_BYTES(bytes_of(part, n));
		said = pg_ask(c,
		    "INSERT INTO relais_body (id, n, part)"
		    " VALUES ($1, $2, $3)",
		    args, 3, NULL, t->err);
	}
	free(part);
	return said;
}

/* The row comes first, so that one that was committed without our knowing of it
 * is found; what is true only at the end is written into it then. */
static enum pg_said
run_draft(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	struct pg_arg args[5];
	char ending[STORE_END_MAX];
	enum pg_said said = pg_ask(c, "BEGIN", NULL, 0, NULL, t->err);
	uint32_t crc;

	if (said != PG_DONE)
		return said;
	args[0] = PG_ID(t);
	args[1] = PG_ME(s);
	args[2] = PG_BYTES(t->a);
	args[3] = PG_TEXT(s->store.node);
	args[4] = PG_NUMBER(t->parts->uid);
	said = pg_change(c, t,
	    "INSERT INTO relais_message"
	    " (id, owner, header, ending, journal, origin, uid)"
	    " SELECT $1, $2::bigint, $3::bytea, '', '', $4, $5::bigint"
	    " WHERE " MAY_MAKE " ON CONFLICT DO NOTHING",
	    args, 5);
	if (said == PG_DONE && t->is_none) {
		t->is_none = false;
		said = see_whose(s, c, t);
		return said == PG_DONE
			   ? pg_ask(c, "COMMIT", NULL, 0, NULL, t->err)
			   : said;
	}
	if (said == PG_DONE)
		said = send_parts(c, t, &crc);
	if (said != PG_DONE)
		return said; /* the connection is closed: rolled back */
	take_notes(t);
	(void)store_text_end(ending, t->parts->size, crc);
	args[0] = PG_ID(t);
	args[1] = PG_TEXT(ending);
	args[2] = PG_BYTES(buf_bytes(&t->kept));
	said = pg_ask(c,
	    "UPDATE relais_message SET ending = $2, journal = $3 WHERE id = $1",
	    args, 3, NULL, t->err);
	return said == PG_DONE ? pg_ask(c, "COMMIT", NULL, 0, NULL, t->err)
			       : said;
}

static void
add_doubt(struct pg_store *s, const char *id)
{
	struct doubt *d = xcalloc(1, sizeof(*d));

	memcpy(d->id, id, QID_SIZE);
	d->heartbeats = DOUBT_HEARTBEATS;
	(void)pthread_mutex_lock(&s->mutex);
	list_append(&s->doubts, &d->link);
	(void)pthread_mutex_unlock(&s->mutex);
}

static int
make(struct pg_store *s, struct pg_task *t)
{
	enum pg_said said = pg_perform(s, t);

	if (t->kept.max)
		buf_clear(&t->kept);
	if (said == PG_LOST)
		add_doubt(s, t->id);
	return said == PG_DONE ? 0 : -1;
}

/* The submitter, from the header of the message. */
static int64_t
uid_of(struct bytes header)
{
	struct envelope *env;
	size_t used;
	int64_t uid = UID_UNKNOWN;

	if (store_text_header_parse(STORE_TEXT_MESSAGE, header, &env, &used) ==
	    STORE_TEXT_OK) {
		uid = env->uid;
		envelope_free(env);
	}
	return uid;
}

int
pg_put(struct store *st, const char *id, struct bytes header,
    struct bytes message, const struct store_notes *notes, struct err *err)
{
	struct pg_task t = { .run = run_put,
		.id = id,
		.a = header,
		.b = message,
		.notes = notes,
		.n = uid_of(header),
		.err = err };

	return make(pg_of(st), &t);
}

/* A large message is a file of the spool until it is complete. */
int
pg_draft_new(
    struct store *st, const char *id, struct store_draft **ret, struct err *err)
{
	struct pg_store *s = pg_of(st);
	struct pg_draft *d;
	struct store_draft *local;

	if (s->here->ops->draft_new(s->here, id, &local, err) != 0)
		return -1;
	d = xcalloc(1, sizeof(*d));
	d->s = s;
	d->local = local;
	memcpy(d->id, id, QID_SIZE);
	buf_init(&d->header, STORE_HEADER_MAX);
	*ret = &d->draft;
	return 0;
}

static struct pg_draft *
draft_of(struct store_draft *d)
{
	return (struct pg_draft *)(void *)d;
}

int
pg_draft_write(struct store_draft *sd, const void *p, size_t n, struct err *err)
{
	struct pg_draft *d = draft_of(sd);

	if (d->s->here->ops->draft_write(d->local, p, n, err) != 0)
		return -1;
	sd->size_bytes = d->local->size_bytes;
	return 0;
}

int
pg_draft_read(struct store_draft *sd, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err)
{
	struct pg_draft *d = draft_of(sd);

	return d->s->here->ops->draft_read(d->local, at, p, n, ret_n, err);
}

int
pg_draft_end(
    struct store_draft *sd, const struct envelope *env, struct err *err)
{
	struct pg_draft *d = draft_of(sd);

	d->uid = env->uid;
	return store_text_header(&d->header, STORE_TEXT_MESSAGE, env, 0)
		   ? 0
		   : err_set(err, ERR_INPUT, "the envelope is too long");
}

static int
read_draft(
    void *ctx, uint64_t at, void *p, size_t n, size_t *ret_n, struct err *err)
{
	const struct pg_draft *d = ctx;

	return d->s->here->ops->draft_read(d->local, at, p, n, ret_n, err);
}

int
pg_put_parts(struct pg_store *s, const char *id, struct bytes header,
    struct pg_parts *parts, const struct store_notes *notes, struct err *err)
{
	struct pg_task t = { .run = run_draft,
		.id = id,
		.a = header,
		.parts = parts,
		.notes = notes,
		.err = err };

	return make(s, &t);
}

int
pg_draft_commit(
    struct store_draft *sd, const struct store_notes *notes, struct err *err)
{
	struct pg_draft *d = draft_of(sd);
	struct pg_parts parts = { read_draft, d, sd->size_bytes, d->uid };

	return pg_put_parts(
	    d->s, d->id, buf_bytes(&d->header), &parts, notes, err);
}

void
pg_draft_free(struct store_draft *sd)
{
	struct pg_draft *d = draft_of(sd);

	if (d == NULL)
		return;
	d->s->here->ops->draft_free(d->local);
	buf_clear(&d->header);
	free(d);
}

/* --- changing ------------------------------------------------------------- */

/* The tail of the journal shows whether an earlier run has added them. */
static enum pg_said
run_append(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct pg_arg args[] = { PG_ID(t), PG_ME(s), PG_BYTES(t->a) };

	return pg_change(c, t,
	    t->is_again ? "UPDATE relais_message SET journal = CASE WHEN"
			  " substring(journal from octet_length(journal) -"
			  " octet_length($3::bytea) + 1) = $3::bytea"
			  " THEN journal ELSE journal || $3::bytea END"
			  " WHERE id = $1 AND owner = $2"
			: "UPDATE relais_message SET journal = journal ||"
			  " $3::bytea WHERE id = $1 AND owner = $2",
	    args, 3);
}

int
pg_append(struct store *st, enum store_place place, const char *id,
    struct bytes lines, bool must_sync, struct err *err)
{
	struct pg_task t = {
		.run = run_append, .id = id, .a = lines, .err = err
	};

	(void)place; /* an id is in one place */
	(void)must_sync; /* it is durable always */
	return pg_outcome(&t, pg_perform(pg_of(st), &t));
}

static enum pg_said
run_finish(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	struct pg_arg args[] = { PG_ID(t), PG_ME(s), PG_BYTES(t->a),
		PG_NUMBER(t->place) };

	return pg_change(c, t,
	    "UPDATE relais_message SET place = $4, journal = CASE WHEN"
	    " place = $4 THEN journal ELSE journal || $3::bytea END"
	    " WHERE id = $1 AND owner = $2",
	    args, 4);
}

int
pg_finish(struct store *st, enum store_place *place, enum store_place to,
    const char *id, struct bytes lines, struct err *err)
{
	struct pg_task t = {
		.run = run_finish, .id = id, .a = lines, .place = to, .err = err
	};
	int rc;

	if (*place == to && lines.n > 0)
		t.run = run_append;
	rc = pg_outcome(&t, pg_perform(pg_of(st), &t));
	if (rc == 0)
		*place = to;
	return rc;
}

static enum pg_said
run_remove(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct pg_arg args[] = { PG_ID(t), PG_ME(s) };

	return pg_ask(c,
	    "WITH m AS (DELETE FROM relais_message WHERE id = $1 AND owner = $2"
	    " RETURNING id) DELETE FROM relais_body b USING m"
	    " WHERE b.id = m.id",
	    args, 2, NULL, t->err);
}

int
pg_remove(
    struct store *st, enum store_place place, const char *id, struct err *err)
{
	struct pg_task t = { .run = run_remove, .id = id, .err = err };

	(void)place;
	return pg_perform(pg_of(st), &t) == PG_DONE ? 0 : -1;
}

int
pg_sync(struct store *st, struct err *err)
{
	(void)st;
	(void)err;
	return 0;
}

/* --- what nobody knows ---------------------------------------------------- */

void
pg_clear_doubts(struct pg_store *s)
{
	struct doubt *d;
	struct list todo;

	list_init(&todo);
	(void)pthread_mutex_lock(&s->mutex);
	while (!list_is_empty(&s->doubts)) {
		d = list_entry(s->doubts.next, struct doubt, link);
		list_remove(&d->link);
		list_append(&todo, &d->link);
	}
	(void)pthread_mutex_unlock(&s->mutex);
	while (!list_is_empty(&todo)) {
		d = list_entry(todo.next, struct doubt, link);
		list_remove(&d->link);
		if (pg_remove(&s->store, STORE_QUEUE, d->id, NULL) == 0)
			d->heartbeats--;
		if (d->heartbeats == 0) {
			free(d);
			continue;
		}
		(void)pthread_mutex_lock(&s->mutex);
		list_append(&s->doubts, &d->link);
		(void)pthread_mutex_unlock(&s->mutex);
	}
}

void
pg_forget_doubts(struct pg_store *s)
{
	while (!list_is_empty(&s->doubts)) {
		struct doubt *d = list_entry(
		    s->doubts.next, struct doubt, link);

		list_remove(&d->link);
		free(d);
	}
}
