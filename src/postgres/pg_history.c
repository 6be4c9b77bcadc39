/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "postgres/pg_core.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	ROW_BYTES = 64 * 1024, /* of lines, or one line */
	READ_BYTES = 1024 * 1024, /* in one answer, or one row */
	READ_ROWS = 500,
	TRIM_MS = 60 * 1000,
	SETTLED_MS = 1000
};

/* --- adding --------------------------------------------------------------- */

struct row {
	uint64_t batch, lines;
	struct bytes text;
};

static struct bytes
first_line(struct bytes from)
{
	const char *lf = memchr(from.p, '\n', from.n);

	return bytes_of(
	    from.p, lf != NULL ? (size_t)(lf - from.p) + 1 : from.n);
}

/* What has come while the database was away waits here, as far as there is
 * room. */
static void
take_lines(struct pg_history *h, struct bytes lines)
{
	while (lines.n > 0) {
		struct bytes line = first_line(lines);

		h->lost += !buf_add(&h->late, line.p, line.n);
		lines = bytes_of(line.p + line.n, lines.n - line.n);
	}
}

/* The lines that go into one row: a part of what is kept, so that old ones can
 * go without taking half of it with them.  If it may be there already it is the
 * same one again. */
static struct row
take_row(struct pg_history *h, const struct store_history_limits *l)
{
	uint64_t most = l->entries / 4 > 0 ? l->entries / 4 : 1;
	struct bytes all = buf_bytes(&h->late);
	bool is_new = h->row_lines == 0;

	while (is_new && h->row_lines < most && h->row_bytes < all.n) {
		size_t n = first_line(
		    bytes_of(all.p + h->row_bytes, all.n - h->row_bytes))
			       .n;

		if (h->row_lines > 0 && h->row_bytes + n > ROW_BYTES)
			break;
		h->row_bytes += n;
		h->row_lines++;
	}
	return (struct row) { h->batch, h->row_lines,
		bytes_of(all.p, h->row_bytes) };
}

static void
row_is_written(struct pg_history *h)
{
	buf_drop(&h->late, h->row_bytes);
	h->untrimmed += h->row_lines;
	h->row_bytes = h->row_lines = 0;
	h->batch++;
}

/* Its number makes a second run find what the first has written. */
static enum pg_said
run_add(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct row *row = t->ctx;
	const struct pg_arg args[] = { PG_ME(s), PG_NUMBER(row->batch),
		PG_TEXT(s->store.node), PG_NUMBER(row->lines),
		PG_BYTES(row->text) };

	return pg_ask(c,
	    "INSERT INTO relais_history (node, batch, name, n, lines)"
	    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
	    args, 5, NULL, t->err);
}

/* Down to seven eighths, because the others add to it until they trim it. */
static enum pg_said
run_trim(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct store_history_limits *l = t->ctx;
	const struct pg_arg args[] = { PG_NUMBER(l->entries - l->entries / 8),
		PG_NUMBER(l->life_ms) };

	(void)s;
	return pg_ask(c,
	    "DELETE FROM relais_history WHERE at < now() -"
	    " $2::float8 * interval '1 ms' OR seq <= (SELECT max(seq) FROM"
	    " (SELECT seq, sum(n) OVER (ORDER BY seq DESC) AS newer"
	    " FROM relais_history) h WHERE newer > $1::numeric)",
	    args, 2, NULL, t->err);
}

static enum pg_said
run_forget(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct pg_arg args[] = { PG_TEXT(s->store.node) };

	return pg_ask(c, "DELETE FROM relais_history WHERE name = $1", args, 1,
	    NULL, t->err);
}

static int
trim(struct pg_store *s, const struct store_history_limits *limits,
    struct err *err)
{
	struct pg_history *h = &s->history;
	struct store_history_limits l = *limits;
	struct pg_task t = { .run = run_trim, .ctx = &l, .err = err };

	if (h->untrimmed < l.entries / 16 &&
	    pg_now_ms(s) < h->trimmed_ms + TRIM_MS)
		return 0;
	if (pg_perform(s, &t) != PG_DONE)
		return -1;
	h->untrimmed = 0;
	h->trimmed_ms = pg_now_ms(s);
	return 0;
}

static int
tell_lost(struct pg_history *h, struct err *err)
{
	uint64_t lost = h->lost;

	h->lost = 0;
	return lost == 0
		   ? 0
		   : err_set(err, ERR_BUSY,
			 "the database was away for too long: the history "
			 "lacks %" PRIu64 " entries",
			 lost);
}

int
pg_history_add(struct store *st, struct bytes lines,
    const struct store_history_limits *limits, int64_t wall_ms, struct err *err)
{
	struct pg_store *s = pg_of(st);
	struct pg_history *h = &s->history;
	struct pg_task t = { .run = run_forget, .err = err };

	(void)wall_ms; /* the server's time counts */
	take_lines(h, lines);
	if (limits->entries == 0) {
		if (pg_perform(s, &t) != PG_DONE)
			return -1;
		buf_reset(&h->late);
		h->row_bytes = h->row_lines = h->lost = 0;
		return 0;
	}
	t.run = run_add;
	while (buf_len(&h->late) > 0) {
		struct row row = take_row(h, limits);

		t.ctx = &row;
		t.is_again = false;
		if (pg_perform(s, &t) != PG_DONE)
			return -1;
		row_is_written(h);
	}
	if (trim(s, limits, err) != 0)
		return -1;
	return tell_lost(h, err);
}

/* --- reading -------------------------------------------------------------- */

struct store_history {
	struct pg_store *s;
	bool is_backward;
	bool is_over; /* once; what comes now came later */
	int64_t at; /* rows before this one, or after it, are still to come */
	PGresult *rows; /* NULL: none */
	int row; /* of them, the next one */
	char *node;
};

static struct store_history *
history_new(struct store *st, bool is_backward)
{
	struct store_history *h = xcalloc(1, sizeof(*h));

	h->s = pg_of(st);
	h->is_backward = is_backward;
	h->at = is_backward ? INT64_MAX : 0;
	return h;
}

int
pg_history_open(struct store *st, bool is_backward, struct store_history **ret,
    struct err *err)
{
	(void)err;
	*ret = history_new(st, is_backward);
	return 0;
}

/* Rows have their numbers before they are there: one that is late must not be
 * passed by who waits for it. */
#define ROWS(compare, order)                                                   \
	"SELECT seq, name, lines FROM (SELECT seq, name, lines,"               \
	" sum(octet_length(lines)) OVER (ORDER BY seq " order ") AS bytes"     \
	" FROM (SELECT seq, name, lines FROM relais_history"                   \
	" WHERE seq " compare " $1 AND at <= clock_timestamp() -"              \
	" $2::float8 * interval '1 ms' ORDER BY seq " order                    \
	" LIMIT $3) few) h WHERE bytes - octet_length(lines) < $4"             \
	" ORDER BY seq " order

static enum pg_said
run_read(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct store_history *h = t->ctx;
	const struct pg_arg args[] = { PG_NUMBER(h->at),
		PG_NUMBER(h->is_over ? SETTLED_MS : 0), PG_NUMBER(READ_ROWS),
		PG_NUMBER(READ_BYTES) };

	(void)s;
	return pg_ask(c, h->is_backward ? ROWS("<", "DESC") : ROWS(">", "ASC"),
	    args, 4, &t->rows, t->err);
}

static int
read_rows(struct store_history *h, struct err *err)
{
	struct pg_task t = { .run = run_read, .ctx = h, .err = err };

	PQclear(h->rows);
	h->rows = NULL;
	h->row = 0;
	if (pg_perform(h->s, &t) != PG_DONE)
		return -1;
	h->rows = t.rows;
	return 0;
}

static enum pg_said
run_follow(struct pg_store *s, struct pg_conn *c, struct pg_task *t)
{
	const struct pg_arg args[] = { PG_NUMBER(SETTLED_MS) };

	(void)s;
	return pg_ask(c,
	    "SELECT coalesce(max(seq), 0) FROM relais_history"
	    " WHERE at <= clock_timestamp() - $1::float8 * interval '1 ms'",
	    args, 1, &t->rows, t->err);
}

int
pg_history_follow(struct store *st, struct store_history **ret, struct err *err)
{
	struct store_history *h;
	struct pg_task t = { .run = run_follow, .err = err };

	if (pg_perform(pg_of(st), &t) != PG_DONE)
		return -1;
	h = history_new(st, false);
	h->is_over = true;
	h->at = pg_int(t.rows, 0, 0);
	PQclear(t.rows);
	*ret = h;
	return 0;
}

int
pg_history_read(struct store_history *h, struct bytes *ret,
    const char **ret_node, struct err *err)
{
	struct bytes name;

	if ((h->rows == NULL || h->row == PQntuples(h->rows)) &&
	    read_rows(h, err) != 0)
		return -1;
	if (PQntuples(h->rows) == 0) {
		h->is_over = true;
		*ret = bytes_of("", 0);
		return 0;
	}
	h->at = pg_int(h->rows, h->row, 0);
	name = pg_bytes(h->rows, h->row, 1);
	free(h->node);
	h->node = xstrndup(name.p, name.n);
	*ret_node = h->node;
	*ret = pg_bytes(h->rows, h->row, 2);
	h->row++;
	return 0;
}

void
pg_history_close(struct store_history *h)
{
	if (h == NULL)
		return;
	PQclear(h->rows);
	free(h->node);
	free(h);
}
