/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum { SWEEP_MS = 10 * 60 * 1000, SWEEP_MAX = 50 }; /* for what is too old */

struct queue *
queue_new(const struct queue_opts *opts)
{
	struct queue *q = xcalloc(1, sizeof(*q));

	q->o = *opts;
	q->retry = (struct retry) { opts->retry_after_ms, opts->retry_max_ms };
	q->store = opts->store;
	q->remote.wall_ahead_ms = q->store->ahead_ms;
	slab_init(&q->entries.slab);
	list_init(&q->entries.listed);
	list_init(&q->entries.walks);
	list_init(&q->messages);
	list_init(&q->clients);
	list_init(&q->jobs.list);
	drops_init(q);
	(void)pthread_mutex_init(
	    &q->jobs.mutex, NULL); /* cannot fail on Linux */
	(void)pthread_cond_init(&q->jobs.finished, NULL);
	schedule_init(q, opts->naccounts);
	q->sweep_ms = queue_now(q) + SWEEP_MS;
	q->clean_ms = queue_now(q);
	return q;
}

/* Deliveries that outbound has not given back are as if they had not been. */
static void
abandon_messages(struct queue *q)
{
	list_foreach (it, &q->messages) {
		struct queue_message *msg = list_entry(
		    it, struct queue_message, link);

		message_end_attempt(msg);
		message_wait_no_more(msg);
		message_save_again(msg); /* one last try */
	}
	while (!list_is_empty(&q->clients)) {
		struct queue_message *msg = list_entry(
		    q->clients.next, struct queue_message, client.link);

		message_advance(msg);
	}
	list_foreach (it, &q->messages)
		message_advance(list_entry(it, struct queue_message, link));
}

void
queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	q->is_closing = true;
	removals_close(q);
	job_finish_all(q);
	abandon_messages(q);
	job_finish_all(q);
	removals_clear(q);
	for (size_t i = 0; i < q->entries.nbuckets; i++)
		while (q->entries.buckets[i] != NULL)
			message_forget(q, q->entries.buckets[i]);
	entry_forget_reasons(q);
	scan_clear(q);
	original_clear(q);
	drops_clear(q);
	counts_clear(q);
	schedule_clear(q);
	free(q->entries.buckets);
	(void)pthread_cond_destroy(&q->jobs.finished);
	(void)pthread_mutex_destroy(&q->jobs.mutex);
	free(q);
}

/* Everything goes to the heap of those without an account, due at once, and
 * is asked about in slices. */
void
queue_reroute(struct queue *q, int naccounts)
{
	schedule_clear(q);
	schedule_init(q, naccounts);
	entry_sort(q);
	list_foreach (it, &q->entries.listed) {
		struct entry *e = list_entry(it, struct entry, link);

		e->account = ACCOUNT_UNASKED;
		entry_wait(q, e);
	}
}

static bool
route_one(struct queue *q)
{
	struct due_node *n = due_first(
	    &q->accounts[q->naccounts].heaps[HEAP_ORDINARY].due);
	struct entry *e;
	struct queue_message *msg;

	if (n == NULL || n->due_ms > queue_now(q))
		return false;
	e = (struct entry *)(void *)((char *)n - offsetof(struct entry, node));
	entry_unwait(q, e);
	msg = message_get(q, e);
	if (message_load(msg, false)) {
		entry_route(q, e, msg->env);
		if (msg->body.loaded != NULL) /* was read for this alone */
			message_drop_content(msg);
		entry_wait(q, e);
		message_advance(msg);
	}
	return true;
}

static bool
route_step(struct queue *q)
{
	int64_t until = queue_now(q) + QUEUE_SLICE_MS;

	for (int i = 0; i < QUEUE_SLICE_FILES && queue_now(q) < until; i++)
		if (!route_one(q))
			return false;
	return true;
}

/* Returns when the next one will be due. */
static int64_t
wake_for(struct queue *q, int account, enum heap_kind kind)
{
	struct due_heap *l = &q->accounts[account].heaps[kind];
	struct due_node *n = due_first(&l->due);

	if (n != NULL && n->due_ms <= queue_now(q)) {
		if (!removals_are_full(q))
			queue_wake(q, account, kind, false);
		return INT64_MAX;
	}
	/* It may never have come to take what it was woken for. */
	l->is_woken = false;
	return n != NULL ? n->due_ms : INT64_MAX;
}

/* Wakes who has something due; when the next one will be. */
static int64_t
wake_accounts(struct queue *q)
{
	int64_t next = INT64_MAX;

	for (int i = 0; i < q->naccounts; i++)
		for (int k = 0; k < HEAPS; k++)
			next = earlier_of(
			    next, wake_for(q, i, (enum heap_kind)k));
	return next;
}

/* --- the turn of the crank ------------------------------------------------ */

/* One at a time, from the start again: a callback may change the list. */
static void
tell_clients(struct queue *q)
{
	struct queue_message *found;

	do {
		found = NULL;
		list_foreach (it, &q->clients) {
			struct queue_message *msg = list_entry(
			    it, struct queue_message, client.link);

			if (found == NULL && message_can_tell(msg))
				found = msg;
		}
		if (found != NULL)
			message_advance(found);
	} while (found != NULL);
	q->is_todo = false;
}

void
queue_give_up_waiting(struct queue *q, int account)
{
	int64_t now = queue_now(q);

	list_foreach (it, &q->clients) {
		struct queue_message *msg = list_entry(
		    it, struct queue_message, client.link);

		if ((account >= 0 && (msg->e->account != account ||
					 msg->attempt.is_active)) ||
		    msg->client.verdict_by_ms <= now)
			continue;
		message_hurry(msg);
		q->is_todo = true;
	}
	if (q->is_todo)
		queue_rescheduled(q);
}

static void
expire(struct queue *q, struct entry *e)
{
	struct queue_message *msg = message_get(q, e);

	entry_unwait(q, e);
	if (!message_load(msg, false))
		return;
	message_expire(msg);
	message_advance(msg);
}

static bool
may_expire(const struct queue *q, const struct entry *e)
{
	return !e->is_held && !e->is_failed && !e->is_gone && !e->is_put_off &&
	       (e->msg == NULL ||
		   (!e->msg->attempt.is_active && e->msg->disk.job == NULL &&
		       e->msg->client.state == CLIENT_TOLD)) &&
	       entry_is_expired(q, e);
}

/* Expires messages whose account never returns. */
static void
sweep(struct queue *q)
{
	struct entry *old[SWEEP_MAX];
	int64_t now = queue_now(q);
	size_t n = 0;

	if (now < q->sweep_ms)
		return;
	list_foreach (it, &q->entries.listed) {
		struct entry *e = list_entry(it, struct entry, link);

		if (n < SWEEP_MAX && may_expire(q, e))
			old[n++] = e;
	}
	q->sweep_ms = n == SWEEP_MAX ? now + 1 : now + SWEEP_MS;
	for (size_t i = 0; i < n; i++)
		expire(q, old[i]);
}

void
queue_set_opts(struct queue *q, const struct queue_opts *opts)
{
	q->o.retry_after_ms = opts->retry_after_ms;
	q->o.retry_max_ms = opts->retry_max_ms;
	q->o.lifetime_ms = opts->lifetime_ms;
	q->o.delay_notice_ms = opts->delay_notice_ms;
	q->o.max_size_bytes = opts->max_size_bytes;
	q->retry = (struct retry) { opts->retry_after_ms, opts->retry_max_ms };
	q->o.policy = opts->policy;
}

static int64_t
next_deadline(struct queue *q)
{
	struct due_node *n = due_first(
	    &q->accounts[q->naccounts].heaps[HEAP_ORDINARY].due);
	int64_t next = n != NULL ? n->due_ms : INT64_MAX;

	list_foreach (it, &q->clients)
		next = earlier_of(next,
		    message_deadline(
			list_entry(it, struct queue_message, client.link)));
	next = earlier_of(next, scan_again_ms(q));
	return q->entries.nlisted > 0
		   ? earlier_of(next, earlier_of(q->sweep_ms, q->clean_ms))
		   : next;
}

int64_t
queue_tick(struct queue *q)
{
	bool has_more;
	int64_t next;

	q->is_ticking = true;
	message_store_due(q);
	tell_clients(q);
	has_more = scan_step(q);
	has_more |= route_step(q);
	sweep(q);
	queue_clean_failed(q);
	next = earlier_of(wake_accounts(q), removals_tick(q));
	next = earlier_of(next, fresh_tick(q));
	next = earlier_of(next, remote_store_tick(q));
	q->is_ticking = false;
	if (has_more || q->is_todo)
		return queue_now(q);
	return earlier_of(next, next_deadline(q));
}

/* --- small files ---------------------------------------------------------- */

static struct job *
find_state_job(struct queue *q, const char *name)
{
	list_foreach (it, &q->jobs.list) {
		struct job *j = list_entry(it, struct job, link);

		if (j->kind == JOB_STATE && strcmp(j->state.name, name) == 0)
			return j;
	}
	return NULL;
}

/* What is about to be written is newer than what the disk has. */
char *
queue_state_read(struct queue *q, const char *name)
{
	const struct job *j = find_state_job(q, name);
	struct buf b;
	struct err err;
	char *text = NULL;

	buf_init(&b, STORE_STATE_MAX);
	if (j != NULL)
		IGNORE(buf_add(&b,
		    buf_str(j->state.has_next ? &j->state.next : &j->text),
		    buf_len(j->state.has_next ? &j->state.next
					      : &j->text))); /* fits */
	else if (q->store->ops->state_read(q->store, name, &b, &err) != 0)
		queue_trouble(q, name, &err);
	if (buf_len(&b) > 0)
		text = buf_steal(&b);
	buf_clear(&b);
	return text;
}

static void
state_done(struct job *j)
{
	struct queue *q = j->q;

	if (j->rc != 0)
		queue_trouble(q, j->state.name, &j->err);
	if (j->state.has_next) {
		struct job *k = job_new(q, JOB_STATE, NULL, state_done);
		struct buf swap = k->text;

		k->text = j->state.next;
		j->state.next = swap;
		k->state.name = xstrdup(j->state.name);
		job_submit(k);
	}
}

int
queue_state_write(
    struct queue *q, const char *name, struct bytes text, struct err *err)
{
	struct job *j = find_state_job(q, name);
	struct buf *to;

	assert(strchr(name, '/') == NULL && name[0] != '.');
	if (text.n > STORE_STATE_MAX)
		return err_set(err, ERR_INPUT, "state %s is too long", name);
	if (j != NULL) { /* being written: the newest comes after it */
		j->state.has_next = true;
		to = &j->state.next;
	} else {
		j = job_new(q, JOB_STATE, NULL, state_done);
		j->state.name = xstrdup(name);
		to = &j->text;
	}
	buf_reset(to);
	IGNORE(buf_add(to, text.p, text.n)); /* fits, see above */
	if (to == &j->text)
		job_submit(j);
	return 0;
}
