/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "postgres/pg_store.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "postgres/pg_core.h"
#include "postgres/pg_schema.h"

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

	return size_bytes <= PG_SMALL_BYTES ||
	       s->here->ops->has_room(s->here, size_bytes, err);
}

static int
pg_room(struct store *st, uint64_t *ret_bytes, struct err *err)
{
	struct pg_store *s = pg_of(st);

	return s->here->ops->room(s->here, ret_bytes, err);
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

static void
store_clear(struct pg_store *s)
{
	while (!list_is_empty(&s->found))
		pg_found_free(list_entry(s->found.next, struct pg_found, link));
	pg_forget_doubts(s);
	pg_forget_facts(s);
	buf_clear(&s->history.late);
	pg_pool_free(s->pool);
	free(s->name);
	(void)pthread_mutex_destroy(&s->mutex);
	free(s);
}

static void
pg_free(struct store *st)
{
	struct pg_store *s = pg_of(st);

	pg_clear_doubts(s);
	pg_pool_stop(s->pool);
	pg_leave(s);
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
	.room = pg_room,
	.state_read = pg_state_read,
	.state_write = pg_state_write,
	.history_add = pg_history_add,
	.history_open = pg_history_open,
	.history_read = pg_history_read,
	.history_close = pg_history_close,
	.history_follow = pg_history_follow,
	.heartbeat = pg_heartbeat,
	.others = pg_others,
	.peek = pg_peek,
	.totals = pg_totals,
	.ask = pg_ask_owners,
	.answers = pg_answers,
	.asked = pg_asked,
	.answer = pg_answer,
	.message_fetch = pg_message_fetch,
	.shared_change = pg_shared_change,
	.shared_look = pg_shared_look,
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
			 "messages that wait in the spool %s: %zu, from the "
			 "time "
			 "before store = postgres; type: relais store import",
			 here->name, n);
}

static int
store_new(
    const struct store_module_opts *o, struct pg_store **ret, struct err *err)
{
	struct pg_store *s;
	struct pg_pool *pool;

	if (pg_pool_new(o->url, &pool, err) != 0)
		return -1;
	pg_pool_check_by(pool, pg_schema_check);
	s = xcalloc(1, sizeof(*s));
	s->pool = pool;
	s->here = o->here;
	s->clock = o->clock;
	(void)pthread_mutex_init(&s->mutex, NULL); /* cannot fail on Linux */
	list_init(&s->found);
	list_init(&s->doubts);
	list_init(&s->facts);
	buf_init(&s->history.late, PG_LATE_BYTES);
	s->steady_from_ms = s->heartbeat_ms = pg_now_ms(s);
	s->name = xstrdup(o->name);
	s->store = (struct store) { .ops = &ops,
		.name = pg_pool_name(pool),
		.node = s->name,
		.drop = o->here->drop,
		.is_remote = true };
	if (pg_pool_look_up(pool, err) != 0) {
		store_clear(s);
		return -1;
	}
	*ret = s;
	return 0;
}

int
pg_store_open(
    const struct store_module_opts *o, struct store **ret, struct err *err)
{
	struct pg_store *s;

	if (clean_spool(o->here, err) != 0 || store_new(o, &s, err) != 0)
		return -1;
	if (pg_enter(s, o->name, err) != 0) {
		store_clear(s);
		return -1;
	}
	*ret = &s->store;
	return 0;
}

int
pg_store_open_move(
    const struct store_module_opts *o, struct store **ret, struct err *err)
{
	struct pg_store *s;

	if (store_new(o, &s, err) != 0)
		return -1;
	*ret = &s->store;
	return 0;
}

void
pg_store_set_move(struct store *st, int64_t number)
{
	pg_of(st)->me = -number;
}

void
pg_store_start(struct store *st)
{
	pg_pool_start(pg_of(st)->pool);
}
