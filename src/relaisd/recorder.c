/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/recorder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/must.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "mail/header.h"
#include "mime/words.h"
#include "net/loop.h"
#include "queue/queue.h"
#include "store/qid.h"

enum {
	HEADER_LOOK = 16 *
		      1024, /* the subject is in so much of it, or unknown */
	TRIM_MS = 24 * 60 * 60 * 1000, /* so often old entries are forgotten */
	AGAIN_MS = 5 * 1000, /* a remote store that was away is asked again */
	ENOUGH = RECORDER_MAX / 4 /* lines do not wait for more */
};

/* Lines on their way to the store; it is alone with the worker until it is
 * back. */
struct writing {
	struct work work;
	struct recorder *r; /* NULL: gone meanwhile */
	struct store *store;
	struct store_history_limits limits;
	int64_t wall_ms;
	struct buf lines;
	int rc;
	struct err err;
	pthread_mutex_t mutex;
	pthread_cond_t over;
	bool is_over;
};

struct recorder {
	struct loop *loop;
	struct store *store;
	struct store_history_limits limits;
	bool keeps_subject;
	char subject_id[QID_SIZE]; /* the message that was looked at last */
	struct buf subject; /* of it */
	struct recorder_totals totals;
	struct buf lines; /* not written yet */
	struct loop_timer *timer;
	struct writing *writing; /* or NULL */
	struct list waiting; /* readers, for what is in lines */
	struct list next_waiting; /* for what is in writing */
	struct list following;
	bool has_failed, has_lost, is_damaged; /* and that was told */
};

static int64_t
wall_ms(const struct recorder *r)
{
	return clock_wall_ms(loop_clock(r->loop));
}

static int64_t
boot_ms(const struct recorder *r)
{
	return loop_now_ms(r->loop);
}

/* --- writing -------------------------------------------------------------- */

static int
write_lines(struct writing *w)
{
	return w->store->ops->history_add(
	    w->store, buf_bytes(&w->lines), &w->limits, w->wall_ms, &w->err);
}

static void
run_writing(struct work *work)
{
	struct writing *w = list_entry(work, struct writing, work);

	w->rc = write_lines(w);
	(void)pthread_mutex_lock(&w->mutex);
	w->is_over = true;
	(void)pthread_cond_signal(&w->over);
	(void)pthread_mutex_unlock(&w->mutex);
}

static void
writing_free(struct writing *w)
{
	buf_clear(&w->lines);
	(void)pthread_cond_destroy(&w->over);
	(void)pthread_mutex_destroy(&w->mutex);
	free(w);
}

static void
tell_result(struct recorder *r, const struct writing *w)
{
	if (w->rc == 0) {
		if (r->has_failed)
			log_text(LOG_LEVEL_NOTICE,
			    r->store->is_remote
				? "the history is written again"
				: "the history is written again; it lacks some "
				  "messages");
		r->has_failed = false;
		return;
	}
	if (!r->has_failed)
		log_text(LOG_LEVEL_ERROR,
		    r->store->is_remote
			? "%s; mail is delivered as before, and relais log has "
			  "it later"
			: "%s; mail is delivered as before, and relais log "
			  "lacks it",
		    w->err.text);
	r->has_failed = true;
}

static void written(struct work *work);

/* What was noted so far, even if that is nothing. */
static void
begin_writing(struct recorder *r)
{
	struct writing *w = xcalloc(1, sizeof(*w));

	*w = (struct writing) { .work = { .run = run_writing, .done = written },
		.r = r,
		.store = r->store,
		.limits = r->limits,
		.wall_ms = wall_ms(r),
		.lines = r->lines };
	(void)pthread_mutex_init(&w->mutex, NULL);
	(void)pthread_cond_init(&w->over, NULL);
	buf_init(&r->lines, RECORDER_MAX);
	r->has_lost = false;
	r->writing = w;
	list_foreach (it, &r->waiting) {
		list_remove(it);
		list_append(&r->next_waiting, it);
	}
	loop_timer_set(r->timer, boot_ms(r) + TRIM_MS);
	loop_submit(r->loop, &w->work);
}

static void
release(struct recorder *r)
{
	list_foreach (it, &r->next_waiting) {
		struct recorder_reader *reader = list_entry(
		    it, struct recorder_reader, link);

		list_remove(it);
		if (reader->entry != NULL)
			list_append(&r->following, it);
		reader->done(reader->ctx);
	}
}

static void
written(struct work *work)
{
	struct writing *w = list_entry(work, struct writing, work);
	struct recorder *r = w->r;

	if (r != NULL) {
		r->writing = NULL;
		tell_result(r, w);
		release(r);
		if (!list_is_empty(&r->waiting) || buf_len(&r->lines) >= ENOUGH)
			begin_writing(r);
		else if (buf_len(&r->lines) > 0)
			loop_timer_set(r->timer, boot_ms(r) + RECORDER_WAIT_MS);
		else if (w->rc != 0 && r->store->is_remote)
			loop_timer_set(r->timer, boot_ms(r) + AGAIN_MS);
	}
	writing_free(w);
}

static void
on_timer(void *ctx)
{
	struct recorder *r = ctx;

	if (r->writing == NULL)
		begin_writing(r);
	else /* what was set meanwhile is for the next one */
		loop_timer_set(r->timer, boot_ms(r) + RECORDER_WAIT_MS);
}

/* --- noting --------------------------------------------------------------- */

/* In one line of text, as a person reads it. */
static void
read_subject(struct queue_claim *claim, struct buf *to)
{
	struct header *h = header_new();
	char *head = xmalloc(HEADER_LOOK);
	struct buf value;
	size_t n = 0, i;

	buf_init(&value, HEADER_VALUE_MAX);
	if (queue_claim_read(claim, 0, head, HEADER_LOOK, &n, NULL) == 0) {
		IGNORE(header_put(h, head, n));
		header_end(h);
	}
	i = header_find(h, "Subject", 0);
	if (i != HEADER_NONE) {
		IGNORE(header_value(h, i, &value));
		IGNORE(words_read(to, buf_bytes(&value)));
	}
	buf_clear(&value);
	free(head);
	header_free(h);
}

/* A message has an entry for each answer, and one subject. */
static const char *
find_subject(struct recorder *r, const char *id, struct queue_claim *claim)
{
	if (strcmp(r->subject_id, id) != 0) {
		IGNORE(str_copy(
		    r->subject_id, sizeof(r->subject_id), bytes_str(id)));
		buf_reset(&r->subject);
		read_subject(claim, &r->subject);
	}
	return buf_str(&r->subject);
}

const int recorder_steps[RECORDER_STEPS] = { 1, 5, 30, 60, 300, 3600, 14400,
	86400 };

static void
count(struct recorder_totals *t, const struct history_entry *e)
{
	int64_t took_s = e->at_ms / 1000 - e->arrived_s;
	int i = 0;

	t->of[e->state] += e->nrcpts;
	if (e->state != HISTORY_DELIVERED)
		return;
	if (took_s < 0)
		took_s = 0; /* the clock was set */
	while (i < RECORDER_STEPS && took_s > recorder_steps[i])
		i++;
	t->took[i] += e->nrcpts;
	t->took_s += (uint64_t)took_s * e->nrcpts;
}

void
recorder_totals(const struct recorder *r, struct recorder_totals *ret)
{
	*ret = r->totals;
}

static void
add_line(struct recorder *r, const struct history_entry *e)
{
	bool was_empty = buf_len(&r->lines) == 0;

	if (r->limits.entries == 0)
		return;
	if (!history_line(&r->lines, e)) {
		if (!r->has_lost)
			log_text(LOG_LEVEL_WARNING,
			    "the history lacks messages: the disk does not "
			    "take them in time");
		r->has_lost = true;
	}
	if (r->writing != NULL)
		return;
	if (buf_len(&r->lines) >= ENOUGH)
		begin_writing(r);
	else if (was_empty)
		loop_timer_set(r->timer, boot_ms(r) + RECORDER_WAIT_MS);
}

void
recorder_note(struct recorder *r, const struct history_entry *e,
    struct queue_claim *claim)
{
	struct history_entry own = *e;

	count(&r->totals, e);
	if (r->limits.entries == 0 && list_is_empty(&r->following))
		return;
	if (r->keeps_subject && claim != NULL)
		own.subject = find_subject(r, e->id, claim);
	add_line(r, &own);
	list_foreach (it, &r->following) {
		struct recorder_reader *reader = list_entry(
		    it, struct recorder_reader, link);

		reader->entry(reader->ctx, &own);
	}
}

/* --- reading -------------------------------------------------------------- */

void
recorder_read(struct recorder *r, struct recorder_reader *reader)
{
	list_append(&r->waiting, &reader->link);
	if (r->writing == NULL)
		begin_writing(r);
}

void
recorder_leave(struct recorder_reader *reader)
{
	list_remove(&reader->link);
}

void
recorder_note_damage(struct recorder *r)
{
	if (!r->is_damaged)
		log_text(LOG_LEVEL_WARNING,
		    "lines of the history are damaged and left out; mail is "
		    "not affected");
	r->is_damaged = true;
}

int64_t
recorder_life_ms(const struct recorder *r)
{
	return r->limits.life_ms;
}

/* --- life ----------------------------------------------------------------- */

struct recorder *
recorder_new(struct loop *l, struct store *store)
{
	struct recorder *r = xcalloc(1, sizeof(*r));

	r->loop = l;
	r->store = store;
	buf_init(&r->lines, RECORDER_MAX);
	buf_init(&r->subject, HISTORY_SUBJECT_MAX);
	list_init(&r->waiting);
	list_init(&r->next_waiting);
	list_init(&r->following);
	r->timer = loop_timer_new(l, on_timer, r);
	return r;
}

void
recorder_set(struct recorder *r, const struct conf *c)
{
	r->limits.entries = (uint64_t)c->history;
	r->limits.life_ms = c->history_life_ms;
	r->keeps_subject = c->history_subject;
	loop_timer_set(r->timer, boot_ms(r) + RECORDER_WAIT_MS);
}

static void
await(struct writing *w)
{
	(void)pthread_mutex_lock(&w->mutex);
	while (!w->is_over)
		(void)pthread_cond_wait(&w->over, &w->mutex);
	(void)pthread_mutex_unlock(&w->mutex);
}

void
recorder_free(struct recorder *r)
{
	struct writing last = { 0 };

	if (r == NULL)
		return;
	if (r->writing != NULL) {
		await(r->writing);
		r->writing->r = NULL;
	}
	if (buf_len(&r->lines) > 0) {
		last.store = r->store;
		last.limits = r->limits;
		last.wall_ms = wall_ms(r);
		last.lines = r->lines;
		last.rc = write_lines(&last);
		tell_result(r, &last);
	}
	buf_clear(&r->lines);
	buf_clear(&r->subject);
	loop_timer_free(r->timer);
	free(r);
}
