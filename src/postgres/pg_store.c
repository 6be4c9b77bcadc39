/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "postgres/pg_store.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/crc32.h"
#include "base/list.h"
#include "base/xalloc.h"
#include "postgres/pg_pool.h"
#include "postgres/pg_schema.h"

enum {
	PART_BYTES = 256 * 1024, /* of a message in one row */
	SMALL_BYTES = PART_BYTES, /* is kept in memory */
	/* A relay takes from others only when it has been heard itself for so
	 * long: after a pause of the database all are late at once. */
	STEADY_MS = 10 * 1000,
	GAP_MS = 5 * 1000, /* two beats of one that is heard */
	CLAIM_MAX = 1000, /* messages at a time */
	TRIES_MS = 3000, /* for a connection that was lost under a statement */
	PAUSE_MS = 200,
	DOUBT_BEATS = 30,
	NUMBER_SIZE = 24
};

/* A message whose commit has no answer, and whose client heard "no": it is
 * deleted for as long as a commit may still be under way. */
struct doubt {
	struct list link;
	char id[QID_SIZE];
	int beats;
};

struct found { /* has become ours */
	struct list link;
	enum store_place place;
	char id[QID_SIZE];
	struct buf header, journal;
	char ending[STORE_END_MAX];
};

struct pg_store {
	struct store store;
	struct store *here;
	struct pg_pool *pool;
	const struct clock *clock;
	char me[NUMBER_SIZE]; /* the number of this node */
	pthread_mutex_t mutex;
	struct list found, doubts; /* under the mutex */
	int64_t steady_from_ms, beat_ms; /* of beat() alone */
};

struct store_scan {
	struct pg_store *s;
	char last[QID_SIZE]; /* handed out last */
};

struct draft {
	struct store_draft draft;
	struct pg_store *s;
	struct store_draft *local;
	char id[QID_SIZE];
	struct buf header;
};

struct loaded {
	struct store_message message;
	struct pg_store *s;
	char id[QID_SIZE];
	uint64_t size;
	uint32_t crc;
	struct buf journal;
	/* All of it, in one of these, or else one part of it. */
	struct buf bytes;
	bool is_whole;
	struct store_draft *local;
	int part; /* in bytes; -1: none */
};

static struct pg_store *
pg_of(struct store *s)
{
	return (struct pg_store *)(void *)s;
}

static int64_t
now_ms(const struct pg_store *s)
{
	return clock_boot_ms(s->clock);
}

static void
pause_ms(int64_t ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL); /* shorter is fine */
}

/* --- asking ----------------------------------------------------------------- */

/* What runs within one connection: PG_LOST and it is run again on another one, so
 * it must be right twice. */
struct task {
	enum pg_said (*run)(
	    struct pg_store *s, struct pg_conn *c, struct task *t);
	const char *id;
	enum store_place place;
	struct bytes a, b; /* header and message, or lines */
	const struct store_notes *notes;
	struct draft *draft;
	struct buf kept; /* notes */
	bool is_again; /* an earlier run may have succeeded */
	bool is_none; /* ours is no such message */
	int64_t n; /* a result */
	PGresult *rows; /* likewise; the caller's */
	struct err *err;
};

static enum pg_said
perform(struct pg_store *s, struct task *t)
{
	int64_t until = now_ms(s) + TRIES_MS;
	enum pg_said said = PG_REFUSED; /* nothing was sent */
	struct pg_conn *c;

	for (;;) {
		c = pg_take(s->pool, t->err);
		if (c == NULL && !t->is_again)
			return PG_REFUSED;
		if (c != NULL) {
			said = t->run(s, c, t);
			pg_give(c);
			if (said != PG_LOST)
				return said;
			t->is_again = true;
		}
		if (now_ms(s) >= until || !pg_may_wait(s->pool))
			return PG_LOST;
		pause_ms(PAUSE_MS);
	}
}

#define ID(t) PG_TEXT((t)->id)
#define ME(s) PG_TEXT((s)->me)

/* One statement that changes the message, if it is ours. */
static enum pg_said
change(struct pg_conn *c, struct task *t, const char *sql,
    const struct pg_arg *args, int nargs)
{
	PGresult *r;
	enum pg_said said = pg_ask(c, sql, args, nargs, &r, t->err);

	if (said == PG_DONE) {
		t->is_none = pg_changed(r) == 0;
		PQclear(r);
	}
	return said;
}

static int
outcome(const struct task *t, enum pg_said said)
{
	if (said != PG_DONE)
		return -1;
	return t->is_none ? err_set(t->err, ERR_LOST,
				"it belongs to another relay now")
			  : 0;
}

/* --- a new message ---------------------------------------------------------- */

/* There is one: it is ours, if an earlier run of this has made it. */
static enum pg_said
see_whose(struct pg_store *s, struct pg_conn *c, struct task *t)
{
	const struct pg_arg args[] = { ID(t), ME(s) };
	PGresult *r;
	enum pg_said said = pg_ask(c,
	    "SELECT 1 FROM relais_message WHERE id = $1 AND owner = $2", args,
	    2, &r, t->err);

	if (said != PG_DONE)
		return said;
	if (PQntuples(r) != 1 || !t->is_again) {
		err_set(t->err, ERR_BUSY, "%s: there is such a message already",
		    t->id);
		said = PG_REFUSED;
	}
	PQclear(r);
	return said;
}

/* From here on lines come later, by append(). */
static void
take_notes(struct task *t)
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
run_put(struct pg_store *s, struct pg_conn *c, struct task *t)
{
	char ending[STORE_END_MAX];
	struct pg_arg args[6];
	enum pg_said said;

	take_notes(t);
	(void)store_text_end(ending, t->b.n, crc32_of(0, t->b.p, t->b.n));
	args[0] = ID(t);
	args[1] = ME(s);
	args[2] = PG_BYTES(t->a);
	args[3] = PG_TEXT(ending);
	args[4] = PG_BYTES(buf_bytes(&t->kept));
	args[5] = PG_BYTES(t->b);
	/* A commit under way elsewhere is waited for. */
	said = change(c, t,
	    "WITH m AS (INSERT INTO relais_message"
	    " (id, owner, header, ending, journal)"
	    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING id)"
	    " INSERT INTO relais_body (id, n, part)"
	    " SELECT id, 0, $6::bytea FROM m",
	    args, 6);
	if (said == PG_DONE && t->is_none) {
		t->is_none = false;
		return see_whose(s, c, t);
	}
	return said;
}

/* The parts of a draft; its checksum. */
static enum pg_said
send_parts(struct pg_conn *c, struct task *t, uint32_t *ret_crc)
{
	const struct store_ops *here = t->draft->s->here->ops;
	char *part = xmalloc(PART_BYTES), number[NUMBER_SIZE];
	uint64_t size = t->draft->draft.size_bytes;
	enum pg_said said = PG_DONE;
	size_t n = 0;

	*ret_crc = 0;
	for (uint64_t at = 0; said == PG_DONE && at < size; at += n) {
		struct pg_arg args[3];

		if (here->draft_read(t->draft->local, at, part, PART_BYTES, &n,
			t->err) != 0 ||
		    n == 0) {
			said = PG_REFUSED;
			break;
		}
		*ret_crc = crc32_of(*ret_crc, part, n);
		(void)snprintf(number, sizeof(number), "%" PRIu64,
		    at / (uint64_t)PART_BYTES);
		args[0] = ID(t);
		args[1] = PG_TEXT(number);
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
run_draft(struct pg_store *s, struct pg_conn *c, struct task *t)
{
	struct pg_arg args[5];
	char ending[STORE_END_MAX];
	enum pg_said said = pg_ask(c, "BEGIN", NULL, 0, NULL, t->err);
	uint32_t crc;

	if (said != PG_DONE)
		return said;
	args[0] = ID(t);
	args[1] = ME(s);
	args[2] = PG_BYTES(t->a);
	said = change(c, t,
	    "INSERT INTO relais_message (id, owner, header, ending, journal)"
	    " VALUES ($1, $2, $3, '', '') ON CONFLICT DO NOTHING",
	    args, 3);
	if (said == PG_DONE && t->is_none) {
		t->is_none = false;
		said = see_whose(s, c, t);
		return said == PG_DONE
			   ? pg_ask(c, "ROLLBACK", NULL, 0, NULL, NULL)
			   : said;
	}
	if (said == PG_DONE)
		said = send_parts(c, t, &crc);
	if (said != PG_DONE)
		return said; /* the connection is closed: rolled back */
	take_notes(t);
	(void)store_text_end(ending, t->draft->draft.size_bytes, crc);
	args[0] = ID(t);
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
	d->beats = DOUBT_BEATS;
	(void)pthread_mutex_lock(&s->mutex);
	list_append(&s->doubts, &d->link);
	(void)pthread_mutex_unlock(&s->mutex);
}

static int
make(struct pg_store *s, struct task *t)
{
	enum pg_said said = perform(s, t);

	if (t->kept.max)
		buf_clear(&t->kept);
	if (said == PG_LOST)
		add_doubt(s, t->id);
	return said == PG_DONE ? 0 : -1;
}

static int
pg_put(struct store *st, const char *id, struct bytes header,
    struct bytes message, const struct store_notes *notes, struct err *err)
{
	struct task t = { .run = run_put,
		.id = id,
		.a = header,
		.b = message,
		.notes = notes,
		.err = err };

	return make(pg_of(st), &t);
}

/* A large message is a file of the spool until it is complete. */
static int
pg_draft_new(
    struct store *st, const char *id, struct store_draft **ret, struct err *err)
{
	struct pg_store *s = pg_of(st);
	struct draft *d;
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

static struct draft *
draft_of(struct store_draft *d)
{
	return (struct draft *)(void *)d;
}

static int
pg_draft_write(struct store_draft *sd, const void *p, size_t n, struct err *err)
{
	struct draft *d = draft_of(sd);

	if (d->s->here->ops->draft_write(d->local, p, n, err) != 0)
		return -1;
	sd->size_bytes = d->local->size_bytes;
	return 0;
}

static int
pg_draft_read(struct store_draft *sd, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err)
{
	struct draft *d = draft_of(sd);

	return d->s->here->ops->draft_read(d->local, at, p, n, ret_n, err);
}

static int
pg_draft_end(
    struct store_draft *sd, const struct envelope *env, struct err *err)
{
	struct draft *d = draft_of(sd);

	return store_text_header(&d->header, STORE_TEXT_MESSAGE, env, 0)
		   ? 0
		   : err_set(err, ERR_INPUT, "the envelope is too long");
}

static int
pg_draft_commit(
    struct store_draft *sd, const struct store_notes *notes, struct err *err)
{
	struct draft *d = draft_of(sd);
	struct task t = { .run = run_draft,
		.id = d->id,
		.a = buf_bytes(&d->header),
		.draft = d,
		.notes = notes,
		.err = err };

	return make(d->s, &t);
}

static void
pg_draft_free(struct store_draft *sd)
{
	struct draft *d = draft_of(sd);

	if (d == NULL)
		return;
	d->s->here->ops->draft_free(d->local);
	buf_clear(&d->header);
	free(d);
}

/* --- changing --------------------------------------------------------------- */

/* The tail of the journal shows whether an earlier run has added them. */
static enum pg_said
run_append(struct pg_store *s, struct pg_conn *c, struct task *t)
{
	const struct pg_arg args[] = { ID(t), ME(s), PG_BYTES(t->a) };

	return change(c, t,
	    t->is_again ? "UPDATE relais_message SET journal = CASE WHEN"
			  " substring(journal from octet_length(journal) -"
			  " octet_length($3::bytea) + 1) = $3::bytea"
			  " THEN journal ELSE journal || $3::bytea END"
			  " WHERE id = $1 AND owner = $2"
			: "UPDATE relais_message SET journal = journal ||"
			  " $3::bytea WHERE id = $1 AND owner = $2",
	    args, 3);
}

static int
pg_append(struct store *st, enum store_place place, const char *id,
    struct bytes lines, bool must_sync, struct err *err)
{
	struct task t = { .run = run_append, .id = id, .a = lines, .err = err };

	(void)place; /* an id is in one place */
	(void)must_sync; /* it is durable always */
	return outcome(&t, perform(pg_of(st), &t));
}

static enum pg_said
run_finish(struct pg_store *s, struct pg_conn *c, struct task *t)
{
	char place[NUMBER_SIZE];
	struct pg_arg args[] = { ID(t), ME(s), PG_BYTES(t->a), PG_TEXT(place) };

	(void)snprintf(place, sizeof(place), "%d", (int)t->place);
	return change(c, t,
	    "UPDATE relais_message SET place = $4, journal = CASE WHEN"
	    " place = $4 THEN journal ELSE journal || $3::bytea END"
	    " WHERE id = $1 AND owner = $2",
	    args, 4);
}

static int
pg_finish(struct store *st, enum store_place *place, enum store_place to,
    const char *id, struct bytes lines, struct err *err)
{
	struct task t = {
		.run = run_finish, .id = id, .a = lines, .place = to, .err = err
	};
	int rc;

	if (*place == to && lines.n > 0)
		t.run = run_append;
	rc = outcome(&t, perform(pg_of(st), &t));
	if (rc == 0)
		*place = to;
	return rc;
}

static enum pg_said
run_remove(struct pg_store *s, struct pg_conn *c, struct task *t)
{
	const struct pg_arg args[] = { ID(t), ME(s) };

	return pg_ask(c,
	    "WITH m AS (DELETE FROM relais_message WHERE id = $1 AND owner = $2"
	    " RETURNING id) DELETE FROM relais_body b USING m"
	    " WHERE b.id = m.id",
	    args, 2, NULL, t->err);
}

static int
pg_remove(
    struct store *st, enum store_place place, const char *id, struct err *err)
{
	struct task t = { .run = run_remove, .id = id, .err = err };

	(void)place;
	return perform(pg_of(st), &t) == PG_DONE ? 0 : -1;
}

static int
pg_sync(struct store *st, struct err *err)
{
	(void)st;
	(void)err;
	return 0;
}

/* --- reading ---------------------------------------------------------------- */

static void
pg_message_free(struct store_message *m)
{
	struct loaded *l = (struct loaded *)(void *)m;

	if (l == NULL)
		return;
	if (l->local != NULL)
		l->s->here->ops->draft_free(l->local);
	envelope_free(m->env);
	buf_clear(&l->bytes);
	buf_clear(&l->journal);
	free(l);
}

static enum store_result
damaged(const char *id, const char *what, struct err *err)
{
	err_set(err, ERR_DISK, "%s: %s is damaged", id, what);
	return STORE_DAMAGED;
}

/* header, ending and journal as they came from the database. */
static enum store_result
understand(
    struct loaded *l, struct bytes header, struct bytes ending, struct err *err)
{
	size_t used, good;

	if (store_text_header_parse(STORE_TEXT_MESSAGE, header, &l->message.env,
		&used) != STORE_TEXT_OK ||
	    used != header.n)
		return damaged(l->id, "its header", err);
	l->size = l->message.env->size_bytes;
	if (store_text_end_parse(ending, l->size, &l->crc, &used) !=
	    STORE_TEXT_OK)
		return damaged(l->id, "its end", err);
	if (!journal_parse(buf_bytes(&l->journal), l->message.env,
		&l->message.state, &good))
		return damaged(l->id, "its journal", err);
	return STORE_OK;
}

static struct loaded *
loaded_new(struct pg_store *s, const char *id, struct bytes journal)
{
	struct loaded *l = xcalloc(1, sizeof(*l));

	l->s = s;
	memcpy(l->id, id, QID_SIZE);
	l->part = -1;
	buf_init(&l->bytes, PART_BYTES);
	buf_init(&l->journal, JOURNAL_MAX);
	if (!buf_add(&l->journal, journal.p, journal.n))
		buf_reset(&l->journal);
	return l;
}

static enum store_result
load_from(struct pg_store *s, const char *id, const struct bytes texts[3],
    struct store_message **ret, struct err *err)
{
	struct loaded *l = loaded_new(s, id, texts[2]);
	enum store_result res = understand(l, texts[0], texts[1], err);

	if (res == STORE_OK) {
		/* The name of the row counts. */
		memcpy(l->message.env->id, id, QID_SIZE);
		*ret = &l->message;
	} else {
		pg_message_free(&l->message);
	}
	return res;
}

static enum pg_said
run_load(struct pg_store *s, struct pg_conn *c, struct task *t)
{
	char place[NUMBER_SIZE];
	const struct pg_arg args[] = { ID(t), ME(s), PG_TEXT(place) };

	(void)snprintf(place, sizeof(place), "%d", (int)t->place);
	return pg_ask(c,
	    "SELECT header, ending, journal FROM relais_message"
	    " WHERE id = $1 AND owner = $2 AND place = $3",
	    args, 3, &t->rows, t->err);
}

static void
found_free(struct found *f)
{
	list_remove(&f->link);
	buf_clear(&f->header);
	buf_clear(&f->journal);
	free(f);
}

/* What a scan has just handed out needs no question, once. */
static struct found *
take_found(struct pg_store *s, const char *id)
{
	struct found *f = NULL;

	(void)pthread_mutex_lock(&s->mutex);
	if (!list_is_empty(&s->found)) {
		f = list_entry(s->found.next, struct found, link);
		if (strcmp(f->id, id) == 0)
			list_remove(&f->link);
		else
			f = NULL;
	}
	(void)pthread_mutex_unlock(&s->mutex);
	return f;
}

static enum store_result
pg_load(struct store *st, enum store_place place, const char *id,
    struct store_message **ret, struct err *err)
{
	struct pg_store *s = pg_of(st);
	struct task t = {
		.run = run_load, .id = id, .place = place, .err = err
	};
	struct bytes texts[3];
	enum store_result res;
	struct found *f = take_found(s, id);

	if (f != NULL) {
		texts[0] = buf_bytes(&f->header);
		texts[1] = bytes_str(f->ending);
		texts[2] = buf_bytes(&f->journal);
		res = load_from(s, id, texts, ret, err);
		found_free(f);
		return res;
	}
	if (perform(s, &t) != PG_DONE)
		return STORE_ERROR;
	if (PQntuples(t.rows) == 0) {
		PQclear(t.rows);
		return STORE_GONE;
	}
	for (int i = 0; i < 3; i++)
		texts[i] = pg_bytes(t.rows, 0, i);
	res = load_from(s, id, texts, ret, err);
	PQclear(t.rows);
	return res;
}

static void
pg_message_mend(struct store_message *m)
{
	(void)m; /* a line is whole, or not there */
}

static int
pg_message_journal(struct store_message *m, struct buf *to, struct err *err)
{
	const struct loaded *l = (const struct loaded *)(const void *)m;

	(void)err;
	IGNORE(buf_add(to, buf_str(&l->journal), buf_len(&l->journal)));
	return 0;
}

static enum pg_said
run_part(struct pg_store *s, struct pg_conn *c, struct task *t)
{
	char number[NUMBER_SIZE];
	const struct pg_arg args[] = { ID(t), PG_TEXT(number), ME(s) };

	(void)snprintf(number, sizeof(number), "%" PRId64, t->n);
	return pg_ask(c,
	    "SELECT b.part FROM relais_body b JOIN relais_message m USING (id)"
	    " WHERE b.id = $1 AND b.n = $2 AND m.owner = $3",
	    args, 3, &t->rows, t->err);
}

static int
read_part(struct loaded *l, int n, struct err *err)
{
	struct task t = { .run = run_part, .id = l->id, .n = n, .err = err };
	uint64_t left = l->size - (uint64_t)n * PART_BYTES;
	struct bytes part;
	int rc = 0;

	if (l->part == n)
		return 0;
	if (perform(l->s, &t) != PG_DONE)
		return -1;
	buf_reset(&l->bytes);
	l->part = -1;
	if (PQntuples(t.rows) == 1) {
		part = pg_bytes(t.rows, 0, 0);
		if (part.n == (left < PART_BYTES ? left : PART_BYTES) &&
		    buf_add(&l->bytes, part.p, part.n))
			l->part = n;
	}
	if (l->part != n) {
		l->message.is_damaged = true;
		err_set(
		    err, ERR_DISK, "%s: part %d of it is missing", l->id, n);
		rc = -1;
	}
	PQclear(t.rows);
	return rc;
}

static int
check_crc(struct loaded *l, uint32_t crc, struct err *err)
{
	if (crc == l->crc)
		return 0;
	l->message.is_damaged = true;
	return err_set(
	    err, ERR_DISK, "the message is damaged: its checksum is wrong");
}

static int
pg_message_read(struct store_message *m, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err)
{
	struct loaded *l = (struct loaded *)(void *)m;
	uint64_t left = at < l->size ? l->size - at : 0;
	size_t from = (size_t)(at % PART_BYTES), done = 0;

	if (l->local != NULL)
		return l->s->here->ops->draft_read(
		    l->local, at, p, n, ret_n, err);
	n = n < left ? n : (size_t)left;
	while (done < n) {
		size_t more;

		if (read_part(l, (int)((at + done) / PART_BYTES), err) != 0)
			return -1;
		if (l->size <= SMALL_BYTES && !l->is_whole) {
			if (check_crc(l,
				crc32_of(
				    0, buf_str(&l->bytes), buf_len(&l->bytes)),
				err) != 0)
				return -1;
			l->is_whole = true;
		}
		more = buf_len(&l->bytes) - from;
		more = more < n - done ? more : n - done;
		memcpy((char *)p + done, buf_str(&l->bytes) + from, more);
		done += more;
		from = 0;
	}
	*ret_n = done;
	return 0;
}

static int
fetch_large(struct loaded *l, struct err *err)
{
	const struct store_ops *here = l->s->here->ops;
	struct store_draft *local;
	uint32_t crc = 0;
	int rc = here->draft_new(l->s->here, l->id, &local, err);

	if (rc != 0)
		return -1;
	for (uint64_t at = 0; rc == 0 && at < l->size;
	     at += buf_len(&l->bytes)) {
		rc = read_part(l, (int)(at / PART_BYTES), err);
		if (rc != 0)
			break;
		crc = crc32_of(crc, buf_str(&l->bytes), buf_len(&l->bytes));
		rc = here->draft_write(
		    local, buf_str(&l->bytes), buf_len(&l->bytes), err);
	}
	if (rc == 0)
		rc = check_crc(l, crc, err);
	buf_clear(&l->bytes);
	if (rc == 0)
		l->local = local;
	else
		here->draft_free(local);
	return rc;
}

static enum store_result
pg_message_fetch(struct store_message *m, struct err *err)
{
	struct loaded *l = (struct loaded *)(void *)m;
	size_t n;
	char c;
	int rc = l->size > SMALL_BYTES ? fetch_large(l, err)
				       : pg_message_read(m, 0, &c, 1, &n, err);

	if (rc == 0)
		return STORE_OK;
	return m->is_damaged ? STORE_DAMAGED : STORE_ERROR;
}

/* --- what has become ours --------------------------------------------------- */

static struct store_scan *
pg_scan_new(struct store *st, int64_t wall_ms)
{
	struct store_scan *c = xcalloc(1, sizeof(*c));

	(void)wall_ms;
	c->s = pg_of(st);
	return c;
}

static enum store_found
pg_scan_next(struct store_scan *c, enum store_place *ret_place,
    char ret_id[QID_SIZE], struct err *err)
{
	struct pg_store *s = c->s;
	struct found *f = NULL;

	(void)err;
	(void)pthread_mutex_lock(&s->mutex);
	while (!list_is_empty(&s->found)) {
		f = list_entry(s->found.next, struct found, link);
		/* What nobody wanted to load is known already; what is damaged
		 * is a person's, and never the queue's. */
		if (strcmp(f->id, c->last) != 0 && f->place != STORE_CORRUPT)
			break;
		found_free(f);
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

static void
pg_scan_free(struct store_scan *c)
{
	free(c);
}

static void
add_found(struct pg_store *s, PGresult *r)
{
	(void)pthread_mutex_lock(&s->mutex);
	for (int i = 0; i < PQntuples(r); i++) {
		struct found *f;
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
		buf_init(&f->header, header.n + 1);
		buf_init(&f->journal, journal.n + 1);
		IGNORE(buf_add(&f->header, header.p, header.n)); /* fits */
		IGNORE(buf_add(&f->journal, journal.p, journal.n));
		list_append(&s->found, &f->link);
	}
	(void)pthread_mutex_unlock(&s->mutex);
}

/* --- the beat --------------------------------------------------------------- */

static enum pg_said
run_beat(struct pg_store *s, struct pg_conn *c, struct task *t)
{
	const struct pg_arg args[] = { ME(s) };

	return change(c, t,
	    "UPDATE relais_node SET seen = now(), pid = pg_backend_pid()"
	    " WHERE id = $1 AND NOT is_dead",
	    args, 1);
}

/* One whose process has ended has no session; that alone is no proof, because a
 * session can be lost without it. */
static enum pg_said
run_bury(struct pg_store *s, struct pg_conn *c, struct task *t)
{
	const struct pg_arg args[] = { ME(s) };
	enum pg_said said = pg_ask(c,
	    "UPDATE relais_node n SET is_dead = true WHERE id <> $1 AND"
	    " NOT is_dead AND (seen < now() - interval '10 s' OR"
	    " (seen < now() - interval '3 s' AND NOT EXISTS"
	    " (SELECT FROM pg_stat_activity a WHERE a.pid = n.pid)))",
	    args, 1, NULL, t->err);

	/* Not before the last write of the dead has failed for sure. */
	return said != PG_DONE
		   ? said
		   : pg_ask(c,
			 "DELETE FROM relais_node n WHERE is_dead AND"
			 " seen < now() - interval '1 hour' AND NOT EXISTS"
			 " (SELECT FROM relais_message m WHERE m.owner = n.id)",
			 NULL, 0, NULL, t->err);
}

static enum pg_said
run_claim(struct pg_store *s, struct pg_conn *c, struct task *t)
{
	char max[NUMBER_SIZE];
	const struct pg_arg args[] = { ME(s), PG_TEXT(max) };

	(void)snprintf(max, sizeof(max), "%d", (int)CLAIM_MAX);
	return pg_ask(c,
	    "UPDATE relais_message m SET owner = $1 WHERE id IN"
	    " (SELECT id FROM relais_message WHERE owner IN"
	    " (SELECT id FROM relais_node WHERE is_dead)"
	    " LIMIT $2 FOR UPDATE SKIP LOCKED)"
	    " RETURNING m.id, m.place, m.header, m.ending, m.journal",
	    args, 2, &t->rows, t->err);
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

static enum pg_said
is_something_left(struct pg_conn *c, bool *ret, struct err *err)
{
	PGresult *r;
	enum pg_said said = pg_ask(c,
	    "SELECT EXISTS (SELECT FROM relais_message WHERE owner IN"
	    " (SELECT id FROM relais_node WHERE is_dead))",
	    NULL, 0, &r, err);

	if (said == PG_DONE) {
		*ret = pg_int(r, 0, 0) != 0;
		PQclear(r);
	}
	return said;
}

/* If its answer is lost, what was claimed is ours and unknown here; only a new
 * run of this relay, or another one after our end, would find it. */
static int
claim(struct pg_store *s, bool *ret_more, struct err *err)
{
	struct task t = { .err = err };
	struct pg_conn *c;
	enum pg_said said;
	bool is_any = false;

	if (has_found(s))
		return 0;
	c = pg_take(s->pool, err);
	if (c == NULL)
		return -1;
	said = is_something_left(c, &is_any, err);
	if (said == PG_DONE && is_any)
		said = run_claim(s, c, &t);
	pg_give(c);
	if (said == PG_LOST && is_any)
		return err_set(err, ERR_LOST,
		    "the answer of the database about messages taken over is "
		    "lost");
	if (said != PG_DONE)
		return -1;
	if (!is_any)
		return 0;
	add_found(s, t.rows);
	*ret_more = PQntuples(t.rows) == CLAIM_MAX;
	PQclear(t.rows);
	return 0;
}

static void
clear_doubts(struct pg_store *s)
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
			d->beats--;
		if (d->beats == 0) {
			free(d);
			continue;
		}
		(void)pthread_mutex_lock(&s->mutex);
		list_append(&s->doubts, &d->link);
		(void)pthread_mutex_unlock(&s->mutex);
	}
}

static int
pg_beat(struct store *st, struct err *err)
{
	struct pg_store *s = pg_of(st);
	int64_t now = now_ms(s); /* from before the question */
	struct task beat = { .run = run_beat, .err = err },
		    bury = { .run = run_bury, .err = err };
	bool has_more = false;

	if (perform(s, &beat) != PG_DONE)
		return -1;
	if (beat.is_none)
		return err_set(err, ERR_LOST,
		    "%s: this relay was not heard for ten seconds, so others "
		    "have its messages; it starts anew",
		    s->store.name);
	if (now > s->beat_ms + GAP_MS)
		s->steady_from_ms = now;
	s->beat_ms = now;
	clear_doubts(s);
	if (now >= s->steady_from_ms + STEADY_MS &&
	    perform(s, &bury) != PG_DONE)
		return -1;
	if (claim(s, &has_more, err) != 0)
		return -1;
	return has_more ? STORE_HAS_MORE : 0;
}

/* --- the rest --------------------------------------------------------------- */

/* A new message with the id of another one is refused by put(). */
static bool
pg_is_free(struct store *st, const char *id)
{
	(void)st;
	(void)id;
	return true;
}

/* That of the database shows when it is written to. */
static bool
pg_has_room(struct store *st, uint64_t size_bytes, struct err *err)
{
	struct pg_store *s = pg_of(st);

	return size_bytes <= SMALL_BYTES ||
	       s->here->ops->has_room(s->here, size_bytes, err);
}

static int
pg_state_read(
    struct store *st, const char *name, struct buf *to, struct err *err)
{
	struct pg_store *s = pg_of(st);

	return s->here->ops->state_read(s->here, name, to, err);
}

static int
pg_state_write(
    struct store *st, const char *name, struct bytes content, struct err *err)
{
	struct pg_store *s = pg_of(st);

	return s->here->ops->state_write(s->here, name, content, err);
}

/* What became of messages is each relay's own to tell. */
struct store_history {
	const struct store_ops *ops;
	struct store_history *inner;
};

static int
pg_history_add(struct store *st, struct bytes lines,
    const struct store_history_limits *limits, int64_t wall_ms, struct err *err)
{
	struct pg_store *s = pg_of(st);

	return s->here->ops->history_add(s->here, lines, limits, wall_ms, err);
}

static int
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

static int
pg_history_read(struct store_history *h, struct bytes *ret, struct err *err)
{
	return h->ops->history_read(h->inner, ret, err);
}

static void
pg_history_close(struct store_history *h)
{
	if (h == NULL)
		return;
	h->ops->history_close(h->inner);
	free(h);
}

static void
store_clear(struct pg_store *s)
{
	while (!list_is_empty(&s->found))
		found_free(list_entry(s->found.next, struct found, link));
	while (!list_is_empty(&s->doubts)) {
		struct doubt *d = list_entry(
		    s->doubts.next, struct doubt, link);

		list_remove(&d->link);
		free(d);
	}
	pg_pool_free(s->pool);
	(void)pthread_mutex_destroy(&s->mutex);
	free(s);
}

/* Others may have at once what is left. */
static void
pg_free(struct store *st)
{
	struct pg_store *s = pg_of(st);
	const struct pg_arg args[] = { ME(s) };
	struct pg_conn *c;

	clear_doubts(s);
	pg_pool_stop(s->pool);
	c = pg_take(s->pool, NULL);
	if (c != NULL) {
		IGNORE(
		    pg_ask(c,
			"UPDATE relais_node SET is_dead = true WHERE id = $1",
			args, 1, NULL,
			NULL) != PG_DONE); /* or its time runs out */
		pg_give(c);
	}
	store_free(s->here);
	store_clear(s);
}

static const struct store_ops ops = {
	.free = pg_free,
	.is_free = pg_is_free,
	.put = pg_put,
	.draft_new = pg_draft_new,
	.draft_write = pg_draft_write,
	.draft_read = pg_draft_read,
	.draft_end = pg_draft_end,
	.draft_commit = pg_draft_commit,
	.draft_free = pg_draft_free,
	.append = pg_append,
	.finish = pg_finish,
	.remove = pg_remove,
	.sync = pg_sync,
	.load = pg_load,
	.message_mend = pg_message_mend,
	.message_journal = pg_message_journal,
	.message_read = pg_message_read,
	.message_free = pg_message_free,
	.scan_new = pg_scan_new,
	.scan_next = pg_scan_next,
	.scan_free = pg_scan_free,
	.has_room = pg_has_room,
	.state_read = pg_state_read,
	.state_write = pg_state_write,
	.history_add = pg_history_add,
	.history_open = pg_history_open,
	.history_read = pg_history_read,
	.history_close = pg_history_close,
	.beat = pg_beat,
	.message_fetch = pg_message_fetch,
};

/* What a crash left of large messages goes; whole ones are of the time when the
 * spool was the store. */
static int
clean_spool(struct store *here, struct err *err)
{
	struct store_scan *scan = here->ops->scan_new(here, 0);
	struct store_message *m;
	enum store_place place;
	enum store_found found;
	char id[QID_SIZE];
	size_t n = 0;

	while ((found = here->ops->scan_next(scan, &place, id, err)) !=
	       STORE_FOUND_END) {
		if (found == STORE_FOUND_ERROR)
			break;
		if (found != STORE_FOUND_ONE || place != STORE_QUEUE)
			continue;
		switch (here->ops->load(here, place, id, &m, NULL)) {
		case STORE_OK:
			n += !m->state.is_done && !envelope_is_sent(m->env);
			here->ops->message_free(m);
			break;
		case STORE_UNFINISHED:
			IGNORE(here->ops->remove(here, place, id, NULL));
			break;
		case STORE_DAMAGED:
		case STORE_ERROR:
			n++;
			break;
		case STORE_GONE:
			break;
		}
	}
	here->ops->scan_free(scan);
	if (found == STORE_FOUND_ERROR)
		return -1;
	return n == 0
		   ? 0
		   : err_set(err, ERR_CONFIG,
			 "%zu message%s wait%s in the spool %s from the time "
			 "before store = postgres; start relaisd with store "
			 "= disk until they are delivered",
			 n, n == 1 ? "" : "s", n == 1 ? "s" : "", here->name);
}

static int
enter(struct pg_store *s, const char *name, struct err *err)
{
	const struct pg_arg args[] = { PG_TEXT(name) };
	struct pg_conn *c = pg_take(s->pool, err);
	PGresult *r;
	enum pg_said said;

	if (c == NULL)
		return -1;
	said = pg_ask(c,
	    "INSERT INTO relais_node (name, pid)"
	    " VALUES ($1, pg_backend_pid()) RETURNING id",
	    args, 1, &r, err);
	if (said == PG_DONE) {
		(void)snprintf(
		    s->me, sizeof(s->me), "%" PRId64, pg_int(r, 0, 0));
		PQclear(r);
	}
	pg_give(c);
	return said == PG_DONE ? 0 : -1;
}

int
pg_store_open(
    const struct store_module_opts *o, struct store **ret, struct err *err)
{
	struct pg_store *s;
	struct pg_pool *pool;

	if (clean_spool(o->here, err) != 0 ||
	    pg_pool_new(o->url, &pool, err) != 0)
		return -1;
	pg_pool_check_by(pool, pg_schema_check);
	s = xcalloc(1, sizeof(*s));
	s->pool = pool;
	s->here = o->here;
	s->clock = o->clock;
	(void)pthread_mutex_init(&s->mutex, NULL); /* cannot fail on Linux */
	list_init(&s->found);
	list_init(&s->doubts);
	s->steady_from_ms = s->beat_ms = now_ms(s);
	s->store = (struct store) { .ops = &ops,
		.name = pg_pool_name(pool),
		.drop = o->here->drop,
		.is_remote = true };
	if (pg_pool_look_up(pool, err) != 0 || enter(s, o->name, err) != 0) {
		store_clear(s);
		return -1;
	}
	*ret = &s->store;
	return 0;
}

void
pg_store_start(struct store *st)
{
	pg_pool_start(pg_of(st)->pool);
}
