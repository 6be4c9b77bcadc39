/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A job that fails every second must not send a mail every second.
 *
 * Messages are equal if submitter, envelope and every byte are, but for Date,
 * Message-ID and Received.  The first max_equal of them within equal_ms go as
 * they are.  The next one, the carrier, waits for equal_ms; those after it are
 * folded into it: each is one line in its journal, synced before its client
 * hears "accepted", and then it is gone.  The carrier goes out with the count.
 * While it waits for nothing else the next carrier follows, until a whole
 * equal_ms had no more than max_equal.
 *
 * What has been counted lives in memory: after a restart counting begins anew,
 * while a carrier and what it carries are on the disk. */
#include "queue/queue_core.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/xalloc.h"

enum {
	KINDS_MAX = 256, /* of messages that are counted */
	/* Lines of a journal; then the next carrier begins. */
	FOLDED_MAX = 10000
};

void
fold_clear(struct queue *q)
{
	free(q->kinds.v);
	q->kinds.v = NULL;
	q->kinds.count = 0;
}

const unsigned char *
queue_likeness_key(const struct queue *q)
{
	return q->o.policy.max_equal != 0 ? q->kinds.key : NULL;
}

/* --- which are equal ------------------------------------------------------ */

static void
put_text(struct siphash *s, const char *text)
{
	if (text != NULL)
		siphash_put(s, text, strlen(text));
	siphash_put(s, text != NULL ? "" : "-", 1);
}

/* The user, or whoever is at the other end. */
static void
put_submitter(struct siphash *s, const struct envelope *e)
{
	const char *port = strrchr(e->peer, ':');

	siphash_put(s, &e->uid, sizeof(e->uid));
	if (e->uid == UID_UNKNOWN)
		siphash_put(s, e->peer,
		    port != NULL ? (size_t)(port - e->peer) : strlen(e->peer));
	put_text(s, e->listener);
}

/* 0: it is like no other. */
static uint64_t
kind_of(const struct queue *q, const struct envelope *e)
{
	struct siphash s;

	/* Whoever names his mails wants to hear of each. */
	if (q->o.policy.max_equal == 0 || e->likeness == 0 || e->envid != NULL)
		return 0;
	siphash_init(&s, q->kinds.key);
	siphash_put(&s, &e->likeness, sizeof(e->likeness));
	put_submitter(&s, e);
	put_text(&s, e->sender);
	put_text(&s, e->account);
	siphash_put(&s, &e->ret, sizeof(e->ret));
	for (size_t i = 0; i < e->nrcpts; i++) {
		put_text(&s, e->rcpts[i].addr);
		put_text(&s, e->rcpts[i].orcpt);
		siphash_put(
		    &s, &e->rcpts[i].notify, sizeof(e->rcpts[i].notify));
	}
	return siphash_end(&s) | 1; /* never 0 */
}

/* Known, or in the place of the one that is out of use the longest. */
static struct kind *
get(struct queue *q, uint64_t key)
{
	struct kinds *all = &q->kinds;
	struct kind *oldest = NULL;

	if (all->v == NULL)
		all->v = xcalloc(KINDS_MAX, sizeof(*all->v));
	for (size_t i = 0; i < all->count; i++) {
		struct kind *k = &all->v[i];

		if (k->key == key)
			return k;
		if (oldest == NULL || k->used_ms < oldest->used_ms)
			oldest = k;
	}
	if (all->count < KINDS_MAX)
		oldest = &all->v[all->count++];
	*oldest = (struct kind) { .key = key, .since_ms = queue_now(q) };
	return oldest;
}

/* One more.  True: that is too many. */
static bool
count(const struct queue *q, struct kind *k)
{
	const struct queue_policy *p = &q->o.policy;
	int64_t now = queue_now(q), age = now - k->since_ms;

	k->used_ms = now;
	if (age >= p->equal_ms) {
		k->is_storm = k->count > p->max_equal && age < 2 * p->equal_ms;
		k->count = 0;
		k->since_ms = now;
	}
	k->count++;
	return k->is_storm || k->count > p->max_equal;
}

/* --- the carrier ---------------------------------------------------------- */

void
fold_describe(struct queue *q, struct entry *carrier, uint64_t n)
{
	char text[160];

	(void)snprintf(text, sizeof(text),
	    "stands for %" PRIu64
	    " equal messages (max_equal, equal_time); more "
	    "may join until it is sent",
	    n + 1);
	entry_set_reason(q, carrier, text);
}

/* It is on the disk or will be, and its turn is still to come. */
static bool
may_carry(const struct queue *q, const struct kind *k, const struct entry *e)
{
	const struct flight *fl = e->fl;

	if (k->folded >= FOLDED_MAX || e->is_failed || e->is_gone ||
	    e->attempts > 0 || e->next_ms <= queue_now(q))
		return false;
	return fl == NULL ||
	       (!fl->is_active && !fl->is_dropped && !fl->is_unsaved &&
		   fl->result == RESULT_NONE && fl->disk != DISK_LOST);
}

/* Waiting must not make it too old to be tried. */
static int64_t
carrying_ms(const struct queue *q)
{
	int64_t most = q->o.lifetime_ms / 2;

	return q->o.policy.equal_ms < most ? q->o.policy.equal_ms : most;
}

static void
carry(struct flight *fl, struct kind *k)
{
	struct queue *q = fl->q;
	struct entry *e = fl->e;
	int64_t wait_ms = carrying_ms(q);
	char every[NUM_TEXT_SIZE];
	struct err err;

	memcpy(k->carrier, e->id, QID_SIZE);
	k->folded = 0;
	e->next_ms = queue_now(q) + wait_ms;
	flight_noted(fl, journal_next(&fl->notes, queue_wall(q) + wait_ms));
	fl->mode = QUEUE_MODE_QUEUE;
	fl->is_fresh = false;
	fold_describe(q, e, 0);
	if (k->is_told)
		return;
	k->is_told = true;
	err_set(&err, ERR_NONE,
	    "more than %u equal messages of %s%s%.40s within %s: those that "
	    "follow are folded into this one",
	    q->o.policy.max_equal, fl->env->user != NULL ? "user " : "",
	    fl->env->user != NULL ? fl->env->user : "",
	    fl->env->user != NULL ? "" : fl->env->peer,
	    num_duration_text(q->o.policy.equal_ms, every));
	queue_trouble(q, e->id, &err);
}

/* --- folding -------------------------------------------------------------- */

static void
join(struct flight *fl, struct kind *k, struct entry *carrier)
{
	struct queue *q = fl->q;
	struct flight *to = flight_get(q, carrier);

	fl->e->is_gone = true;
	fl->mode = QUEUE_MODE_QUEUE;
	fl->disk = DISK_WRITING;
	flight_drop_message(fl);
	fl->carrier = to;
	fl->fold_turn = ++to->folds;
	memcpy(fl->folded_into, carrier->id, QID_SIZE);
	flight_noted(to, journal_equal(&to->notes, queue_wall(q)));
	to->must_sync = true;
	if (to->env != NULL) {
		to->env->nequal++;
		to->env->equal_last_s = queue_wall(q) / 1000;
	}
	k->folded++;
	fold_describe(q, carrier, k->folded);
	entry_unwait(q, carrier);
	flight_advance(to);
}

enum fold_result
fold_offer(struct flight *fl)
{
	struct queue *q = fl->q;
	uint64_t key = kind_of(q, fl->env);
	struct entry *carrier;
	struct kind *k;

	if (key == 0)
		return FOLD_NOT;
	k = get(q, key);
	if (!count(q, k)) {
		k->is_told = false;
		return FOLD_NOT;
	}
	carrier = k->carrier[0] != '\0' ? entry_lookup(q, k->carrier) : NULL;
	if (carrier != NULL && may_carry(q, k, carrier)) {
		join(fl, k, carrier);
		return FOLD_JOINED;
	}
	carry(fl, k);
	return FOLD_CARRIES;
}

static void
add_folding(struct queue *q, const uint32_t *uid, struct queue_folding *ret)
{
	*ret = (struct queue_folding) { 0 };
	for (size_t i = 0; i < q->kinds.count; i++) {
		const struct kind *k = &q->kinds.v[i];
		const struct entry *e;

		if (k->carrier[0] == '\0' ||
		    (e = entry_lookup(q, k->carrier)) == NULL ||
		    (uid != NULL && e->uid != *uid) || !may_carry(q, k, e))
			continue;
		ret->carriers++;
		ret->folded += k->folded;
	}
}

void
queue_folding(struct queue *q, struct queue_folding *ret)
{
	add_folding(q, NULL, ret);
}

void
queue_folding_of(struct queue *q, uint32_t uid, struct queue_folding *ret)
{
	add_folding(q, &uid, ret);
}

/* They are told at the next turn of the queue: this is called from within
 * something else. */
static void
settle(struct flight *carrier, uint64_t turn, const struct err *why)
{
	struct queue *q = carrier->q;

	list_foreach (it, &q->clients) {
		struct flight *fl = list_entry(it, struct flight, client_link);

		if (fl->carrier != carrier || fl->fold_turn > turn)
			continue;
		fl->carrier = NULL;
		fl->disk = why == NULL ? DISK_SAFE : DISK_LOST;
		if (why != NULL)
			fl->disk_err = *why;
		q->is_todo = true;
	}
	if (q->is_todo)
		queue_rescheduled(q);
}

void
fold_written(struct flight *carrier, const struct job *j)
{
	settle(carrier, j->folds, j->rc == 0 ? NULL : &j->err);
}

void
fold_abandon(struct flight *carrier)
{
	struct err err;

	err_set(&err, ERR_DISK, "the message that was to stand for it is gone");
	settle(carrier, carrier->folds, &err);
}
