/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "postgres/pg_core.h"

#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "base/xalloc.h"

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
	bool is_anyones; /* not only ours may be read */
	int next; /* parts before this one were read in order, and */
	uint32_t running; /* this is their checksum */
};

/* --- reading -------------------------------------------------------------- */

void
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
	buf_init(&l->bytes, PG_PART_BYTES);
	buf_init(&l->journal, JOURNAL_MAX);
	if (!buf_add(&l->journal, journal.p, journal.n))
		buf_reset(&l->journal);
	return l;
}

/* The uid of another machine says nothing here. */
static enum store_result
load_from(struct pg_store *s, const char *id, const struct bytes texts[3],
    bool is_foreign, struct store_message **ret, struct err *err)
{
	struct loaded *l = loaded_new(s, id, texts[2]);
	enum store_result res = understand(l, texts[0], texts[1], err);

	if (res == STORE_OK) {
		/* The name of the row counts. */
		memcpy(l->message.env->id, id, QID_SIZE);
		if (is_foreign)
			l->message.env->uid = UID_UNKNOWN;
		*ret = &l->message;
	} else {
		pg_message_free(&l->message);
	}
	return res;
}

static enum pg_said
run_load(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct pg_arg args[] = { PG_ID(t), PG_ME(s), PG_NUMBER(t->place),
		PG_TEXT(s->store.node) };

	return pg_ask(c,
	    "SELECT header, ending, journal, origin <> $4 FROM relais_message"
	    " WHERE id = $1 AND owner = $2 AND place = $3",
	    args, 4, &t->rows, t->err);
}

enum store_result
pg_load(struct store *st, enum store_place place, const char *id,
    struct store_message **ret, struct err *err)
{
	struct pg_store *s = pg_of(st);
	struct pg_task t = {
		.run = run_load, .id = id, .place = place, .err = err
	};
	struct bytes texts[3];
	enum store_result res;
	struct pg_found *f = pg_take_found(s, id);

	if (f != NULL) {
		texts[0] = buf_bytes(&f->header);
		texts[1] = bytes_str(f->ending);
		texts[2] = buf_bytes(&f->journal);
		res = load_from(s, id, texts, f->is_foreign, ret, err);
		pg_found_free(f);
		return res;
	}
	if (pg_perform(s, &t) != PG_DONE)
		return STORE_ERROR;
	if (PQntuples(t.rows) == 0) {
		PQclear(t.rows);
		return STORE_GONE;
	}
	for (int i = 0; i < 3; i++)
		texts[i] = pg_bytes(t.rows, 0, i);
	res = load_from(s, id, texts, pg_int(t.rows, 0, 3) != 0, ret, err);
	PQclear(t.rows);
	return res;
}

void
pg_message_mend(struct store_message *m)
{
	(void)m; /* a line is whole, or not there */
}

int
pg_message_journal(struct store_message *m, struct buf *to, struct err *err)
{
	const struct loaded *l = (const struct loaded *)(const void *)m;

	(void)err;
	IGNORE(buf_add(to, buf_str(&l->journal), buf_len(&l->journal)));
	return 0;
}

static enum pg_said
run_part(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct loaded *l = t->ctx;
	const struct pg_arg args[] = { PG_ID(t), PG_NUMBER(t->n), PG_ME(s),
		PG_TEXT(l->is_anyones ? "t" : "f") };

	return pg_ask(c,
	    "SELECT b.part FROM relais_body b JOIN relais_message m USING (id)"
	    " WHERE b.id = $1 AND b.n = $2 AND (m.owner = $3 OR $4)",
	    args, 4, &t->rows, t->err);
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

/* Read from front to back, the last part is not handed out unless all are
 * right. */
static int
check_order(struct loaded *l, int n, struct err *err)
{
	if (n != l->next)
		return 0;
	l->next++;
	l->running = crc32_of(
	    l->running, buf_str(&l->bytes), buf_len(&l->bytes));
	if ((uint64_t)l->next * PG_PART_BYTES < l->size ||
	    check_crc(l, l->running, err) == 0)
		return 0;
	l->part = -1;
	return -1;
}

static int
read_part(struct loaded *l, int n, struct err *err)
{
	struct pg_task t = {
		.run = run_part, .id = l->id, .ctx = l, .n = n, .err = err
	};
	uint64_t left = l->size - (uint64_t)n * PG_PART_BYTES;
	struct bytes part;
	int rc = 0;

	if (l->part == n)
		return 0;
	if (pg_perform(l->s, &t) != PG_DONE)
		return -1;
	buf_reset(&l->bytes);
	l->part = -1;
	if (PQntuples(t.rows) == 1) {
		part = pg_bytes(t.rows, 0, 0);
		if (part.n == (left < PG_PART_BYTES ? left : PG_PART_BYTES) &&
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
	return rc == 0 ? check_order(l, n, err) : rc;
}

int
pg_message_read(struct store_message *m, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err)
{
	struct loaded *l = (struct loaded *)(void *)m;
	uint64_t left = at < l->size ? l->size - at : 0;
	size_t from = (size_t)(at % PG_PART_BYTES), done = 0;

	if (l->local != NULL)
		return l->s->here->ops->draft_read(
		    l->local, at, p, n, ret_n, err);
	n = n < left ? n : (size_t)left;
	while (done < n) {
		size_t more;

		if (read_part(l, (int)((at + done) / PG_PART_BYTES), err) != 0)
			return -1;
		if (l->size <= PG_SMALL_BYTES && !l->is_whole) {
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
		rc = read_part(l, (int)(at / PG_PART_BYTES), err);
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

enum store_result
pg_message_fetch(struct store_message *m, struct err *err)
{
	struct loaded *l = (struct loaded *)(void *)m;
	size_t n;
	char c;
	int rc = l->size > PG_SMALL_BYTES
		     ? fetch_large(l, err)
		     : pg_message_read(m, 0, &c, 1, &n, err);

	if (rc == 0)
		return STORE_OK;
	return m->is_damaged ? STORE_DAMAGED : STORE_ERROR;
}

/* --- of others ------------------------------------------------------------ */

static enum pg_said
run_peek(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct pg_arg args[] = { PG_ID(t) };

	(void)s;
	return pg_ask(c,
	    "SELECT m.header, m.ending, m.journal, m.place,"
	    " coalesce(n.name, ''), m.origin FROM relais_message m"
	    " LEFT JOIN relais_node n ON n.id = m.owner AND NOT n.is_dead"
	    " WHERE m.id = $1 AND m.place < 2",
	    args, 1, &t->rows, t->err);
}

static char *
text_of(const PGresult *r, int column)
{
	struct bytes b = pg_bytes(r, 0, column);

	return xstrndup(b.p, b.n);
}

static enum store_result
see(struct pg_store *s, const char *id, const PGresult *r,
    void (*seen)(
	void *ctx, struct store_message *m, const struct store_seen *seen),
    void *ctx, struct err *err)
{
	struct loaded *l = loaded_new(s, id, pg_bytes(r, 0, 2));
	enum store_result res = understand(
	    l, pg_bytes(r, 0, 0), pg_bytes(r, 0, 1), err);
	char *node = text_of(r, 4), *origin = text_of(r, 5);

	if (res == STORE_OK) {
		memcpy(l->message.env->id, id, QID_SIZE);
		l->is_anyones = true;
		seen(ctx, &l->message,
		    &(struct store_seen) {
			.place = (enum store_place)pg_int(r, 0, 3),
			.node = node,
			.origin = origin,
			.env = l->message.env,
			.state = &l->message.state });
	}
	free(origin);
	free(node);
	pg_message_free(&l->message);
	return res;
}

enum store_result
pg_peek(struct store *st, const char *id,
    void (*seen)(
	void *ctx, struct store_message *m, const struct store_seen *seen),
    void *ctx, struct err *err)
{
	struct pg_store *s = pg_of(st);
	struct pg_task t = { .run = run_peek, .id = id, .err = err };
	enum store_result res = STORE_GONE;

	if (!qid_is_valid(id))
		return STORE_GONE;
	if (pg_perform(s, &t) != PG_DONE)
		return STORE_ERROR;
	if (PQntuples(t.rows) == 1)
		res = see(s, id, t.rows, seen, ctx, err);
	PQclear(t.rows);
	return res;
}
