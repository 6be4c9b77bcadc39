/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum { NOTE_SEEN_MS = 6 * 60 * 60 * 1000 };

enum { FIRST_BUCKETS = 64, PER_BUCKET = 2, REASON_MAX = 300 };

int64_t
queue_now(const struct queue *q)
{
	return clock_boot_ms(q->o.clock);
}

int64_t
queue_wall(const struct queue *q)
{
	return clock_wall_ms(q->o.clock) + q->remote.wall_ahead_ms;
}

/* --- by id ---------------------------------------------------------------- */

/* Half of an id is random, so adding it up is hash enough (FNV-1a). */
static size_t
hash(const char *id)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *id != '\0'; id++)
		h = (h ^ (unsigned char)*id) * UINT64_C(1099511628211);
	return (size_t)(h ^ h >> 32);
}

static void
grow(struct queue *q)
{
	size_t n = q->entries.nbuckets == 0 ? FIRST_BUCKETS
					    : q->entries.nbuckets * 2;
	struct entry **to = xcalloc(n, sizeof(struct entry *));

	for (size_t i = 0; i < q->entries.nbuckets; i++) {
		struct entry *e = q->entries.buckets[i], *next;

		for (; e != NULL; e = next) {
			struct entry **b = &to[hash(e->id) & (n - 1)];

			next = e->hash_next;
			e->hash_next = *b;
			*b = e;
		}
	}
	free(q->entries.buckets);
	q->entries.buckets = to;
	q->entries.nbuckets = n;
}

static struct entry **
bucket_of(struct queue *q, const char *id)
{
	return &q->entries.buckets[hash(id) & (q->entries.nbuckets - 1)];
}

struct entry *
entry_new(struct queue *q, const char *id)
{
	struct entry *e = slab_alloc(&q->entries.slab, sizeof(*e));
	struct entry **b;

	if (q->entries.count >= q->entries.nbuckets * PER_BUCKET)
		grow(q);
	memcpy(e->id, id, QID_SIZE);
	e->account = ACCOUNT_UNASKED;
	e->times.born_ms = queue_now(q);
	list_init(&e->link);
	b = bucket_of(q, id);
	e->hash_next = *b;
	*b = e;
	q->entries.count++;
	return e;
}

/* The pointer to it in the table. */
static struct entry **
place_of(struct queue *q, const struct entry *e)
{
	struct entry **at = bucket_of(q, e->id);

	while (*at != e)
		at = &(*at)->hash_next;
	return at;
}

struct entry *
entry_lookup(struct queue *q, const char *id)
{
	struct entry *e;

	if (q->entries.nbuckets == 0)
		return NULL;
	e = *bucket_of(q, id);
	while (e != NULL && strcmp(e->id, id) != 0)
		e = e->hash_next;
	return e;
}

static void
reason_put(struct reason *r)
{
	if (r != NULL && --r->refs == 0)
		free(r);
}

void
entry_free(struct queue *q, struct entry *e)
{
	*place_of(q, e) = e->hash_next;
	q->entries.count--;
	reason_put(e->reason);
	slab_free(&q->entries.slab, e);
}

/* --- listing -------------------------------------------------------------- */

/* Its room is that of the longest: which of them is named changes. */
void
entry_name_rcpt(struct entry *e, const struct envelope *env)
{
	const char *addr = envelope_rcpt_to_name(env)->addr;

	memcpy(e->names + strlen(e->names) + 1, addr, strlen(addr) + 1);
}

static size_t
longest_rcpt(const struct envelope *env)
{
	size_t longest = 0;

	for (size_t i = 0; i < env->nrcpts; i++) {
		size_t n = strlen(env->rcpts[i].addr);

		if (n > longest)
			longest = n;
	}
	return longest;
}

struct entry *
entry_name(struct queue *q, struct entry *e, const struct envelope *env)
{
	struct entry **at = place_of(q, e);
	size_t n = strlen(env->sender) + 1;
	size_t m = longest_rcpt(env) + 1;

	assert(e->msg == NULL && list_is_empty(&e->link) &&
	       !due_is_in_heap(&e->node));
	/* Not sizeof: names begin within its padding. */
	e = slab_resize(&q->entries.slab, e, sizeof(*e),
	    offsetof(struct entry, names) + n + m);
	list_init(&e->link); /* which points to itself */
	memcpy(e->names, env->sender, n);
	entry_name_rcpt(e, env);
	*at = e;
	return e;
}

void
entry_describe(struct entry *e, const struct envelope *env)
{
	e->nrcpts = (uint32_t)env->nrcpts;
	e->size_bytes = env->size_bytes;
	e->times.arrived_s = env->arrived_s;
	e->times.life_from_s = env->arrived_s;
	e->uid = env->uid;
}

struct queue_walk {
	struct list link;
	struct queue *q;
	struct list *at; /* the next one */
	enum queue_order order;
};

static struct list *
walk_behind(const struct queue_walk *w, const struct list *at)
{
	return w->order == QUEUE_NEWEST_FIRST ? at->prev : at->next;
}

static void
walks_pass(struct queue *q, struct entry *e)
{
	list_foreach (it, &q->entries.walks) {
		struct queue_walk *w = list_entry(it, struct queue_walk, link);

		if (w->at == &e->link)
			w->at = walk_behind(w, &e->link);
	}
}

void
entry_list(struct queue *q, struct entry *e)
{
	list_append(&q->entries.listed, &e->link);
	q->entries.nlisted++;
	entry_count(q, e);
}

void
entry_unlist(struct queue *q, struct entry *e)
{
	if (list_is_empty(&e->link))
		return;
	walks_pass(q, e);
	entry_uncount(q, e);
	list_remove(&e->link);
	q->entries.nlisted--;
}

static int
by_arrival(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a;
	const struct entry *y = *(struct entry *const *)b;

	if (x->times.arrived_s != y->times.arrived_s)
		return x->times.arrived_s < y->times.arrived_s ? -1 : 1;
	return strcmp(x->id, y->id);
}

/* New mail comes in order; only what a scan finds does not. */
void
entry_sort(struct queue *q)
{
	struct entry **all;
	size_t n = 0;

	if (!q->entries.is_unsorted || q->entries.nlisted == 0)
		return;
	all = xmalloc(q->entries.nlisted * sizeof(*all));
	list_foreach (it, &q->entries.listed) {
		all[n++] = list_entry(it, struct entry, link);
		list_remove(it);
	}
	qsort(all, n, sizeof(struct entry *), by_arrival);
	for (size_t i = 0; i < n; i++)
		list_append(&q->entries.listed, &all[i]->link);
	free(all);
	q->entries.is_unsorted = false;
	counts_sorted(q);
}

void
entry_set_held(struct queue *q, struct entry *e, bool is_held)
{
	e->is_held = is_held;
	entry_count(q, e);
}

/* A provider that is down says the same about every message: one copy. */
void
entry_set_reason(struct queue *q, struct entry *e, const char *text)
{
	struct reason *r = NULL;
	size_t n = strlen(text);

	if (n > 0 && q->entries.last_reason != NULL &&
	    strcmp(q->entries.last_reason->text, text) == 0) {
		r = q->entries.last_reason;
		r->refs++;
	} else if (n > 0) {
		r = xmalloc(sizeof(*r) + n + 1);
		memcpy(r->text, text, n + 1);
		r->refs = 2;
		reason_put(q->entries.last_reason);
		q->entries.last_reason = r;
	}
	reason_put(e->reason);
	e->reason = r;
}

void
entry_forget_reasons(struct queue *q)
{
	reason_put(q->entries.last_reason);
	q->entries.last_reason = NULL;
}

void
entry_set_verdict(struct queue *q, struct entry *e, const struct verdict *v)
{
	struct buf b;

	if (v == NULL || v->class == VERDICT_NONE)
		return;
	buf_init(&b, VERDICT_TEXT_MAX + VERDICT_WHO_MAX + 128);
	verdict_text(v, &b);
	if (buf_len(&b) > REASON_MAX)
		buf_truncate(&b, REASON_MAX);
	entry_set_reason(q, e, buf_str(&b));
	buf_clear(&b);
}

/* --- time ----------------------------------------------------------------- */

int64_t
entry_seen_ms(const struct queue *q, const struct entry *e)
{
	return queue_now(q) - e->times.born_ms;
}

/* A hundred and thirty-six years are enough. */
static uint32_t
seconds_of(int64_t ms)
{
	int64_t s = ms > 0 ? ms / 1000 : 0;

	return s < UINT32_MAX ? (uint32_t)s : UINT32_MAX;
}

void
entry_noted(struct entry *e, int64_t seen_ms)
{
	e->noted_s = seconds_of(seen_ms);
}

bool
entry_must_note(const struct queue *q, const struct entry *e)
{
	int64_t noted_ms = (int64_t)e->noted_s * 1000;

	return entry_seen_ms(q, e) - noted_ms >= NOTE_SEEN_MS;
}

int64_t
entry_age_ms(const struct queue *q, const struct entry *e)
{
	return retry_age_ms(
	    e->times.life_from_s * 1000, queue_wall(q), entry_seen_ms(q, e));
}

bool
entry_is_expired(const struct queue *q, const struct entry *e)
{
	return entry_age_ms(q, e) >= q->o.lifetime_ms;
}

void
queue_trouble(struct queue *q, const char *id, const struct err *err)
{
	if (q->o.hooks.trouble != NULL)
		q->o.hooks.trouble(q->o.hooks.ctx, id, err);
}

/* --- asking --------------------------------------------------------------- */

static struct queue_item
item_of(const struct entry *e)
{
	return (struct queue_item) {
		.id = e->id,
		.sender = e->names,
		.rcpt = entry_rcpt(e),
		.nrcpts = e->nrcpts,
		.size_bytes = e->size_bytes,
		.arrived_s = e->times.arrived_s,
		.next_try_ms = e->times.next_ms,
		.attempts = e->attempts,
		.account = e->account >= 0 ? e->account : -1,
		.uid = e->uid,
		.state = entry_state(e),
		.is_uncertain = e->is_uncertain,
		.reason = e->reason != NULL ? e->reason->text : "",
	};
}

void
queue_each(struct queue *q,
    bool (*each)(void *ctx, const struct queue_item *it), void *ctx)
{
	entry_sort(q);
	list_foreach (it, &q->entries.listed) {
		struct queue_item item = item_of(
		    list_entry(it, struct entry, link));

		if (!each(ctx, &item))
			break;
	}
}

struct queue_walk *
queue_walk_new(struct queue *q, enum queue_order order)
{
	struct queue_walk *w = xcalloc(1, sizeof(*w));

	entry_sort(q);
	w->q = q;
	w->order = order;
	w->at = walk_behind(w, &q->entries.listed);
	list_append(&q->entries.walks, &w->link);
	return w;
}

bool
queue_walk_peek(const struct queue_walk *w, struct queue_item *ret)
{
	if (w->at == &w->q->entries.listed)
		return false;
	*ret = item_of(list_entry(w->at, struct entry, link));
	return true;
}

bool
queue_walk_next(struct queue_walk *w, struct queue_item *ret)
{
	if (!queue_walk_peek(w, ret))
		return false;
	w->at = walk_behind(w, w->at);
	return true;
}

void
queue_walk_free(struct queue_walk *w)
{
	if (w == NULL)
		return;
	list_remove(&w->link);
	free(w);
}

/* NULL: nothing of that name that a person may know of. */
struct entry *
entry_find_listed(struct queue *q, const char *id)
{
	struct entry *e = qid_is_valid(id) ? entry_lookup(q, id) : NULL;

	return e != NULL && !list_is_empty(&e->link) ? e : NULL;
}

bool
queue_find(struct queue *q, const char *id, struct queue_item *ret)
{
	const struct entry *e = entry_find_listed(q, id);

	if (e == NULL)
		return false;
	*ret = item_of(e);
	return true;
}

size_t
queue_count(const struct queue *q)
{
	return q->entries.nlisted;
}
