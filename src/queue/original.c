/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/original.h"

#include <string.h>

#include "queue/inside.h"

enum { HEADER_MAX = 64 * 1024 };

/* --- reading, on whatever thread ----------------------------------------- */

/* Cut behind its empty line. */
static void
keep_header(struct buf *text)
{
	struct bytes b = buf_bytes(text);
	const char *end = memmem(b.p, b.n, "\r\n\r\n", 4);

	if (end != NULL)
		buf_truncate(text, (size_t)(end - b.p) + 4);
}

static int
read_text(struct store *s, struct store_message *m, size_t max, struct buf *to)
{
	uint64_t at = 0;
	size_t n;

	for (;;) {
		size_t want = max - (size_t)at < 16384 ? max - (size_t)at
						       : 16384;
		char *p = want > 0 ? buf_space(to, want) : NULL;

		if (p == NULL)
			return 0;
		if (s->ops->message_read(m, at, p, want, &n, NULL) != 0)
			return -1;
		if (n == 0)
			return 0;
		buf_added(to, n);
		at += n;
	}
}

static void
take_text(struct store *s, struct store_message *m, size_t max_bytes,
    struct queue_original *o)
{
	uint64_t size = m->env->size_bytes;
	size_t max;

	o->is_whole = size <= max_bytes;
	max = o->is_whole ? (size_t)size : HEADER_MAX;
	buf_init(&o->text, max + 1);
	/* A message whose body is damaged is still worth a notice. */
	if (read_text(s, m, max, &o->text) != 0)
		o->is_whole = false;
	if (!o->is_whole)
		keep_header(&o->text);
}

/* What f asks for; a store that is away has it later. */
static int
read_it(struct original *f, struct store *s)
{
	struct store_message *m;
	enum store_result res;

	err_set(&f->err, ERR_DISK, "%s has left the spool", f->id);
	res = s->ops->load(s, f->place, f->id, &m, &f->err);
	if (res == STORE_ERROR && s->is_remote)
		f->err.class = ERR_BUSY;
	if (res != STORE_OK)
		return -1;
	f->got = (struct queue_original) { .tried_ms = m->state.tried_wall_ms };
	take_text(s, m, f->max_bytes, &f->got);
	f->got.env = store_message_take_envelope(m);
	s->ops->message_free(m);
	return 0;
}

/* --- of a store behind a network ----------------------------------------- */

static int
read_remote(void *ctx, struct store *s, struct err *err)
{
	(void)err;
	return read_it(&((struct queue *)ctx)->original, s);
}

static void
remote_read(void *ctx, int rc, const struct err *err)
{
	struct queue *q = ctx;

	(void)err;
	q->original.is_running = false;
	q->original.is_here = true;
	q->original.rc = rc;
	if (!q->is_closing && q->o.hooks.original != NULL)
		q->o.hooks.original(q->o.hooks.ctx);
}

void
original_clear(struct queue *q)
{
	if (q->original.is_here && q->original.rc == 0)
		queue_original_clear(&q->original.got);
	q->original.is_here = false;
}

static bool
is_same(const struct original *a, const struct original *b)
{
	return strcmp(a->id, b->id) == 0 && a->place == b->place &&
	       a->max_bytes == b->max_bytes;
}

/* Begins to read it, unless it is here or another one is being read. */
static bool
is_here(struct queue *q, const struct original *wish)
{
	const struct queue_ask ask = { read_remote, remote_read, q };
	struct original *f = &q->original;

	if (!f->is_running && !(f->is_here && is_same(f, wish))) {
		original_clear(q);
		*f = *wish;
		f->is_running = true;
		queue_ask_store(q, &ask);
	}
	return f->is_here && is_same(f, wish);
}

static int
take_it(struct queue *q, struct original *wish)
{
	if (!is_here(q, wish)) {
		err_set(&wish->err, ERR_BUSY, "%s is being read", wish->id);
		return -1;
	}
	*wish = q->original;
	q->original.is_here = false;
	return wish->rc;
}

/* --- both ----------------------------------------------------------------- */

int
queue_original(struct queue *q, const char *id, size_t max_bytes,
    struct queue_original *ret, struct err *err)
{
	const struct entry *e = entry_find_listed(q, id);
	struct original wish = { .max_bytes = max_bytes };
	int rc;

	if (e == NULL)
		return err_set(err, ERR_INPUT, "no message %.40s", id);
	if (e->msg != NULL &&
	    (e->msg->disk.job != NULL || e->msg->disk.state != DISK_SAFE))
		return err_set(err, ERR_BUSY, "%s is being written", id);
	wish.place = entry_place(e);
	memcpy(wish.id, e->id, QID_SIZE);
	rc = q->store->is_remote ? take_it(q, &wish) : read_it(&wish, q->store);
	if (rc != 0) {
		if (err != NULL)
			*err = wish.err;
		return -1;
	}
	*ret = wish.got;
	ret->give_up_ms = e->times.life_from_s * 1000 + q->o.lifetime_ms;
	return 0;
}

void
queue_original_clear(struct queue_original *o)
{
	envelope_free(o->env);
	buf_clear(&o->text);
	*o = (struct queue_original) { .env = NULL };
}
