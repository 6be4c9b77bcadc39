/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/memory_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/xalloc.h"

enum { BYTES_MAX = 64 * 1024 * 1024, NAME_MAX_BYTES = 64, ASKED_MAX = 100 };

struct kept { /* a message, or a draft of one */
	struct store_draft draft;
	struct list link;
	struct memory_store *s;
	enum store_place place;
	char id[QID_SIZE];
	struct buf header, bytes, journal;
	bool is_whole;
	bool is_open; /* as a draft */
	bool is_removed; /* and only still open */
};

struct fact {
	struct list link;
	char name[NAME_MAX_BYTES];
	struct buf text;
};

struct memory_store {
	struct store store;
	struct list kept, facts;
	enum err_class fault;
	struct share_turn turn;
	struct buf history;
	struct store_counts counts; /* of the last heartbeat */
	struct store_request asked[ASKED_MAX];
	size_t nasked, taken;
};

struct store_history {
	struct buf lines;
	bool is_read;
};

struct loaded {
	struct store_message message;
	struct buf bytes, journal; /* as they were then */
};

struct store_scan {
	char (*ids)[QID_SIZE];
	enum store_place *places;
	size_t count, at;
};

static struct memory_store *
memory_of(struct store *s)
{
	return (struct memory_store *)(void *)s;
}

static void
add(struct buf *to, struct bytes b)
{
	if (!buf_add(to, b.p, b.n))
		abort();
}

static struct kept *
find(struct store *st, enum store_place place, const char *id)
{
	list_foreach (it, &memory_of(st)->kept) {
		struct kept *k = list_entry(it, struct kept, link);

		if (k->place == place && strcmp(k->id, id) == 0)
			return k;
	}
	return NULL;
}

static struct kept *
kept_new(struct memory_store *s, const char *id)
{
	struct kept *k = xcalloc(1, sizeof(*k));

	k->s = s;
	k->place = STORE_QUEUE;
	memcpy(k->id, id, QID_SIZE);
	buf_init(&k->header, STORE_HEADER_MAX);
	buf_init(&k->bytes, BYTES_MAX);
	buf_init(&k->journal, JOURNAL_MAX);
	list_append(&s->kept, &k->link);
	return k;
}

static void
kept_free(struct kept *k)
{
	list_remove(&k->link);
	buf_clear(&k->header);
	buf_clear(&k->bytes);
	buf_clear(&k->journal);
	free(k);
}

static void
memory_free(struct store *st)
{
	struct memory_store *s = memory_of(st);

	list_foreach (it, &s->kept)
		kept_free(list_entry(it, struct kept, link));
	list_foreach (it, &s->facts) {
		struct fact *f = list_entry(it, struct fact, link);

		buf_clear(&f->text);
		free(f);
	}
	buf_clear(&s->history);
	free(s);
}

static bool
memory_is_free(struct store *st, const char *id)
{
	return find(st, STORE_QUEUE, id) == NULL;
}

/* --- writing -------------------------------------------------------------- */

static void
make_whole(struct kept *k, const struct store_notes *notes)
{
	if (notes != NULL)
		add(&k->journal, notes->take(notes->ctx));
	k->is_whole = true;
	if (notes != NULL)
		notes->written(notes->ctx);
}

static int
faulty(struct store *st, struct err *err)
{
	if (memory_of(st)->fault == ERR_NONE)
		return 0;
	return err_set(err, memory_of(st)->fault, "as the test wants it");
}

static int
memory_put(struct store *st, const char *id, struct bytes header,
    struct bytes message, const struct store_notes *notes, struct err *err)
{
	struct kept *k;

	if (faulty(st, err) != 0) {
		if (notes != NULL) { /* too late for more of them */
			(void)notes->take(notes->ctx);
			notes->written(notes->ctx);
		}
		return -1;
	}
	k = kept_new(memory_of(st), id);
	add(&k->header, header);
	add(&k->bytes, message);
	make_whole(k, notes);
	return 0;
}

static int
memory_draft_new(
    struct store *st, const char *id, struct store_draft **ret, struct err *err)
{
	struct kept *k = kept_new(memory_of(st), id);

	(void)err;
	k->is_open = true;
	*ret = &k->draft;
	return 0;
}

static int
memory_draft_write(
    struct store_draft *d, const void *p, size_t n, struct err *err)
{
	struct kept *k = (struct kept *)(void *)d;

	(void)err;
	add(&k->bytes, bytes_of(p, n));
	d->size_bytes += n;
	return 0;
}

static int
read_at(const struct buf *from, uint64_t at, void *p, size_t n, size_t *ret_n)
{
	size_t left = at < buf_len(from) ? buf_len(from) - (size_t)at : 0;

	*ret_n = n < left ? n : left;
	if (*ret_n > 0)
		memcpy(p, buf_str(from) + at, *ret_n);
	return 0;
}

static int
memory_draft_read(struct store_draft *d, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err)
{
	(void)err;
	return read_at(&((struct kept *)(void *)d)->bytes, at, p, n, ret_n);
}

static int
memory_draft_end(
    struct store_draft *d, const struct envelope *env, struct err *err)
{
	struct kept *k = (struct kept *)(void *)d;

	return store_text_header(&k->header, STORE_TEXT_MESSAGE, env, 0)
		   ? 0
		   : err_set(err, ERR_INPUT, "the envelope is too long");
}

static int
memory_draft_commit(
    struct store_draft *d, const struct store_notes *notes, struct err *err)
{
	(void)err;
	make_whole((struct kept *)(void *)d, notes);
	return 0;
}

static void
memory_draft_free(struct store_draft *d)
{
	struct kept *k = (struct kept *)(void *)d;

	if (k == NULL)
		return;
	k->is_open = false;
	if (!k->is_whole || k->is_removed)
		kept_free(k);
}

/* --- changing ------------------------------------------------------------- */

static int
memory_append(struct store *st, enum store_place place, const char *id,
    struct bytes lines, bool must_sync, struct err *err)
{
	struct kept *k = find(st, place, id);

	(void)must_sync;
	if (faulty(st, err) != 0)
		return -1;
	if (k == NULL)
		return err_set(err, ERR_DISK, "%s is gone", id);
	add(&k->journal, lines);
	return 0;
}

static int
memory_finish(struct store *st, enum store_place *place, enum store_place to,
    const char *id, struct bytes lines, struct err *err)
{
	struct kept *k = find(st, *place, id);

	if (faulty(st, err) != 0)
		return -1;
	if (k == NULL)
		return err_set(err, ERR_DISK, "%s is gone", id);
	add(&k->journal, lines);
	k->place = *place = to;
	return 0;
}

static int
memory_remove(
    struct store *st, enum store_place place, const char *id, struct err *err)
{
	struct kept *k = find(st, place, id);

	if (faulty(st, err) != 0)
		return -1;
	if (k == NULL)
		return 0;
	list_remove(&k->link);
	k->is_removed = true;
	if (!k->is_open)
		kept_free(k);
	return 0;
}

static int
memory_sync(struct store *st, struct err *err)
{
	(void)st;
	(void)err;
	return 0;
}

/* --- reading -------------------------------------------------------------- */

static void
memory_message_free(struct store_message *m)
{
	struct loaded *l = (struct loaded *)(void *)m;

	if (l == NULL)
		return;
	envelope_free(m->env);
	buf_clear(&l->bytes);
	buf_clear(&l->journal);
	free(l);
}

static enum store_result
memory_load(struct store *st, enum store_place place, const char *id,
    struct store_message **ret, struct err *err)
{
	const struct kept *k = find(st, place, id);
	struct loaded *l;
	size_t n;

	if (memory_of(st)->fault == ERR_LOST)
		return STORE_GONE;
	if (faulty(st, err) != 0)
		return STORE_ERROR;
	if (k == NULL)
		return STORE_GONE;
	if (!k->is_whole)
		return STORE_UNFINISHED;
	l = xcalloc(1, sizeof(*l));
	buf_init(&l->bytes, BYTES_MAX);
	buf_init(&l->journal, JOURNAL_MAX);
	add(&l->bytes, buf_bytes(&k->bytes));
	add(&l->journal, buf_bytes(&k->journal));
	if (store_text_header_parse(STORE_TEXT_MESSAGE, buf_bytes(&k->header),
		&l->message.env, &n) == STORE_TEXT_OK &&
	    journal_parse(buf_bytes(&k->journal), l->message.env,
		&l->message.state, &n)) {
		*ret = &l->message;
		return STORE_OK;
	}
	memory_message_free(&l->message);
	err_set(err, ERR_DISK, "%s is damaged", id);
	return STORE_DAMAGED;
}

static void
memory_message_mend(struct store_message *m)
{
	(void)m;
}

static int
memory_message_journal(struct store_message *m, struct buf *to, struct err *err)
{
	const struct loaded *l = (const struct loaded *)(const void *)m;

	(void)err;
	IGNORE(buf_add(to, buf_str(&l->journal), buf_len(&l->journal)));
	return 0;
}

static int
memory_message_read(struct store_message *m, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err)
{
	(void)err;
	return read_at(&((struct loaded *)(void *)m)->bytes, at, p, n, ret_n);
}

static struct store_scan *
memory_scan_new(struct store *st, int64_t wall_ms)
{
	struct store_scan *c = xcalloc(1, sizeof(*c));
	size_t n = 0;

	(void)wall_ms;
	list_foreach (it, &memory_of(st)->kept)
		n++;
	c->ids = xcalloc(n + 1, QID_SIZE);
	c->places = xcalloc(n + 1, sizeof(*c->places));
	list_foreach (it, &memory_of(st)->kept) {
		const struct kept *k = list_entry(it, struct kept, link);

		if (!k->is_whole || k->place == STORE_CORRUPT)
			continue;
		memcpy(c->ids[c->count], k->id, QID_SIZE);
		c->places[c->count++] = k->place;
	}
	return c;
}

static enum store_found
memory_scan_next(struct store_scan *c, enum store_place *ret_place,
    char ret_id[QID_SIZE], struct err *err)
{
	(void)err;
	if (c->at == c->count)
		return STORE_FOUND_END;
	*ret_place = c->places[c->at];
	memcpy(ret_id, c->ids[c->at++], QID_SIZE);
	return STORE_FOUND_ONE;
}

static void
memory_scan_free(struct store_scan *c)
{
	free(c->ids);
	free(c->places);
	free(c);
}

/* --- the rest ------------------------------------------------------------- */

static bool
memory_has_room(struct store *st, uint64_t size_bytes, struct err *err)
{
	(void)st;
	(void)err;
	return size_bytes < BYTES_MAX;
}

static int
memory_room(struct store *st, uint64_t *ret_bytes, struct err *err)
{
	(void)st;
	(void)err;
	*ret_bytes = BYTES_MAX;
	return 0;
}

static struct fact *
find_fact(struct store *st, const char *name)
{
	list_foreach (it, &memory_of(st)->facts) {
		struct fact *f = list_entry(it, struct fact, link);

		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

static int
memory_state_read(
    struct store *st, const char *name, struct buf *to, struct err *err)
{
	const struct fact *f = find_fact(st, name);

	(void)err;
	if (f != NULL)
		add(to, buf_bytes(&f->text));
	return 0;
}

static int
memory_state_write(
    struct store *st, const char *name, struct bytes content, struct err *err)
{
	struct fact *f = find_fact(st, name);

	(void)err;
	if (f == NULL) {
		f = xcalloc(1, sizeof(*f));
		strncpy(f->name, name, sizeof(f->name) - 1);
		buf_init(&f->text, STORE_STATE_MAX);
		list_append(&memory_of(st)->facts, &f->link);
	}
	buf_reset(&f->text);
	add(&f->text, content);
	return 0;
}

/* --- a remote one --------------------------------------------------------- */

static int
memory_shared_change(struct store *st, const char *name,
    void (*change)(void *ctx, const struct share_turn *turn, struct buf *text),
    void *ctx, struct err *err)
{
	const struct memory_store *s = memory_of(st);
	struct buf text;

	if (faulty(st, err) != 0)
		return -1;
	buf_init(&text, STORE_STATE_MAX);
	IGNORE(memory_state_read(st, name, &text, err));
	change(ctx, &s->turn, &text);
	IGNORE(memory_state_write(st, name, buf_bytes(&text), err));
	buf_clear(&text);
	return 0;
}

/* Who has its turn knows all. */
static int
memory_shared_look(struct store *st,
    void (*changed)(void *ctx, const char *name), void *ctx, struct err *err)
{
	(void)changed;
	(void)ctx;
	return faulty(st, err);
}

void
memory_store_turn(struct store *st, const struct share_turn *turn)
{
	memory_of(st)->turn = *turn;
}

static int
memory_heartbeat(
    struct store *st, const struct store_counts *ours, struct err *err)
{
	memory_of(st)->counts = *ours;
	return faulty(st, err);
}

static int
memory_asked(
    struct store *st, struct store_request *v, size_t max, struct err *err)
{
	struct memory_store *s = memory_of(st);
	size_t n = s->nasked - s->taken < max ? s->nasked - s->taken : max;

	if (faulty(st, err) != 0)
		return -1;
	memcpy(v, s->asked + s->taken, n * sizeof(*v));
	s->taken += n;
	return (int)n;
}

static int
memory_answer(
    struct store *st, const struct store_request *v, size_t n, struct err *err)
{
	struct memory_store *s = memory_of(st);

	if (faulty(st, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		s->asked[v[i].number].answer = v[i].answer;
	return 0;
}

void
memory_store_ask(struct store *st, const char *id, enum store_wish what)
{
	struct memory_store *s = memory_of(st);
	struct store_request *r = &s->asked[s->nasked];

	if (s->nasked == ASKED_MAX)
		abort();
	*r = (struct store_request) { .number = (int64_t)s->nasked++,
		.what = what };
	memcpy(r->id, id, QID_SIZE);
}

enum store_answer
memory_store_answer(const struct store *st, size_t n)
{
	const struct memory_store *s = (const struct memory_store *)st;

	return s->asked[n].answer;
}

const struct store_counts *
memory_store_counts(const struct store *st)
{
	return &((const struct memory_store *)st)->counts;
}

static enum store_result
memory_message_fetch(struct store_message *m, struct err *err)
{
	(void)m;
	(void)err;
	return STORE_OK;
}

/* --- history -------------------------------------------------------------- */

static int
memory_history_add(struct store *st, struct bytes lines,
    const struct store_history_limits *limits, int64_t wall_ms, struct err *err)
{
	(void)limits;
	(void)wall_ms;
	(void)err;
	add(&memory_of(st)->history, lines);
	return 0;
}

static int
memory_history_open(struct store *st, bool is_backward,
    struct store_history **ret, struct err *err)
{
	struct store_history *h = xcalloc(1, sizeof(*h));

	(void)is_backward;
	(void)err;
	buf_init(&h->lines, BYTES_MAX);
	add(&h->lines, buf_bytes(&memory_of(st)->history));
	*ret = h;
	return 0;
}

static int
memory_history_read(struct store_history *h, struct bytes *ret,
    const char **ret_node, struct err *err)
{
	(void)err;
	*ret_node = NULL;
	*ret = h->is_read ? bytes_of("", 0) : buf_bytes(&h->lines);
	h->is_read = true;
	return 0;
}

static void
memory_history_close(struct store_history *h)
{
	buf_clear(&h->lines);
	free(h);
}

struct store *
memory_store_new(void)
{
	static const struct store_ops ops = {
		.heartbeat = memory_heartbeat,
		.asked = memory_asked,
		.answer = memory_answer,
		.message_fetch = memory_message_fetch,
		.free = memory_free,
		.is_free = memory_is_free,
		.put = memory_put,
		.draft_new = memory_draft_new,
		.draft_write = memory_draft_write,
		.draft_read = memory_draft_read,
		.draft_end = memory_draft_end,
		.draft_commit = memory_draft_commit,
		.draft_free = memory_draft_free,
		.append = memory_append,
		.finish = memory_finish,
		.remove = memory_remove,
		.sync = memory_sync,
		.load = memory_load,
		.message_mend = memory_message_mend,
		.message_journal = memory_message_journal,
		.message_read = memory_message_read,
		.message_free = memory_message_free,
		.scan_new = memory_scan_new,
		.scan_next = memory_scan_next,
		.scan_free = memory_scan_free,
		.has_room = memory_has_room,
		.room = memory_room,
		.state_read = memory_state_read,
		.state_write = memory_state_write,
		.shared_change = memory_shared_change,
		.shared_look = memory_shared_look,
		.history_add = memory_history_add,
		.history_open = memory_history_open,
		.history_read = memory_history_read,
		.history_close = memory_history_close,
	};
	struct memory_store *s = xcalloc(1, sizeof(*s));

	s->store.ops = &ops;
	buf_init(&s->history, BYTES_MAX);
	s->store.name = "in memory";
	list_init(&s->kept);
	list_init(&s->facts);
	return &s->store;
}

size_t
memory_store_count(const struct store *st, enum store_place place)
{
	const struct memory_store *s =
	    (const struct memory_store *)(const void *)st;
	size_t n = 0;

	list_foreach (it, &s->kept) {
		const struct kept *k = list_entry(it, struct kept, link);

		n += k->is_whole && k->place == place;
	}
	return n;
}

void
memory_store_fail(struct store *s, enum err_class class)
{
	memory_of(s)->fault = class;
}

bool
memory_store_has(struct store *s, const char *id, const char *text)
{
	const struct kept *k = find(s, STORE_QUEUE, id);

	return k != NULL && strstr(buf_str(&k->journal), text) != NULL;
}
