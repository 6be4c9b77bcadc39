/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "postgres/pg_core.h"

#include <string.h>
#include <time.h>

#include "base/xalloc.h"

enum {
	TRIES_MS = 3000, /* for a connection that was lost under a statement */
	PAUSE_MS = 200
};

static void
pause_ms(int64_t ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL); /* shorter is fine */
}

enum pg_said
pg_perform(struct pg_store *s, struct pg_task *t)
{
	int64_t until = pg_now_ms(s) + TRIES_MS;
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
		if (pg_now_ms(s) >= until || !pg_may_wait(s->pool))
			return PG_LOST;
		pause_ms(PAUSE_MS);
	}
}

enum pg_said
pg_change(struct pg_conn *c, struct pg_task *t, const char *sql,
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

int
pg_outcome(const struct pg_task *t, enum pg_said said)
{
	if (said != PG_DONE)
		return -1;
	return t->is_none ? err_set(t->err, ERR_LOST,
				"it belongs to another relay now")
			  : 0;
}

char *
pg_ids(const char *first, size_t stride, size_t n)
{
	char *text = xmalloc(2 + n * (QID_LEN + 1) + 1), *p = text;

	*p++ = '{';
	for (size_t i = 0; i < n; i++) {
		memcpy(p, first + i * stride, QID_LEN);
		p += QID_LEN;
		*p++ = ',';
	}
	p -= n > 0; /* the last comma */
	memcpy(p, "}", 2);
	return text;
}
