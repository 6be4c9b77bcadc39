/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one submitting user may send in an hour, before it is taken for a
 * runaway script.  What is over the limit is as safe as any other mail; it only
 * lets the others pass, and the account's own limits are not spent on it.
 *
 * A message counts when it is taken for its first attempt, so that what waits
 * for an account that is away does not leave in one rush. */
#include "queue/queue_core.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"

enum {
	USERS_MAX = 512, /* of whom we know; the state fits STORE_STATE_MAX */
	SAVE_MS = 10 * 1000
};
static const char state_name[] = "users";

/* The wall clock as it was at the start, moved on by the boot clock: somebody
 * who sets the clock neither opens nor closes a window (R47). */
static int64_t
steady_s(const struct queue *q)
{
	return (queue_now(q) + q->users.wall_ahead_ms) / 1000;
}

static struct user *
find(const struct queue *q, uint32_t uid)
{
	for (size_t i = 0; i < q->users.count; i++)
		if (q->users.v[i].uid == uid)
			return &q->users.v[i];
	return NULL;
}

/* The one whose newest mail is the oldest is forgotten where there are too
 * many, but for those whose mail waits here. */
static struct user *
make_room(struct users *us)
{
	struct user *found = NULL;

	if (us->count < USERS_MAX) {
		us->v = xrealloc(us->v, us->count + 1, sizeof(*us->v));
		return &us->v[us->count++];
	}
	for (size_t i = 0; i < us->count; i++) {
		struct user *u = &us->v[i];

		if (u->waiting == 0 &&
		    (found == NULL || u->used_ms < found->used_ms))
			found = u;
	}
	return found;
}

/* NULL: more users than anybody has have mail waiting. */
static struct user *
get(struct queue *q, uint32_t uid)
{
	struct user *u = find(q, uid);

	if (u == NULL && (u = make_room(&q->users)) != NULL) {
		*u = (struct user) { .uid = uid };
		budget_init(&u->budget, 0, q->o.policy.max_per_user, 0);
	}
	if (u != NULL)
		u->used_ms = queue_now(q);
	return u;
}

/* --- over restarts -------------------------------------------------------- */

static void
save(struct queue *q)
{
	struct buf b;
	struct err err;

	buf_init(&b, STORE_STATE_MAX);
	for (size_t i = 0; i < q->users.count; i++) {
		/* Too long to keep: forgotten. */
		IGNORE(buf_addf(&b, "user %" PRIu32 "\n", q->users.v[i].uid));
		budget_save(&q->users.v[i].budget, &b);
	}
	if (queue_state_write(q, state_name, buf_bytes(&b), &err) != 0)
		queue_trouble(q, state_name, &err);
	buf_clear(&b);
	q->users.is_dirty = false;
	q->users.saved_ms = queue_now(q);
}

void
users_save(struct queue *q)
{
	if (q->users.is_dirty)
		save(q);
}

void
users_load(struct queue *q)
{
	char *text = queue_state_read(q, state_name);
	struct bytes rest = bytes_of(
	    text != NULL ? text : "", text != NULL ? strlen(text) : 0);
	struct user *u = NULL;

	q->users.wall_ahead_ms = queue_wall(q) - queue_now(q);
	while (rest.n > 0) {
		struct bytes line = bytes_cut(&rest, '\n'), words = line;
		uint64_t uid;

		if (!bytes_eq(bytes_cut(&words, ' '), "user")) {
			if (u != NULL)
				budget_load(&u->budget, line);
		} else if (num_u64_max(words, UID_UNKNOWN - 1, &uid)) {
			u = get(q, (uint32_t)uid);
		}
	}
	free(text);
}

void
users_clear(struct queue *q)
{
	free(q->users.v);
	q->users.v = NULL;
	q->users.count = 0;
}

/* --- the limit ------------------------------------------------------------ */

static void
tell(struct queue *q, uint32_t uid, bool is_over)
{
	if (q->o.hooks.user_limit != NULL && !q->is_closing)
		q->o.hooks.user_limit(q->o.hooks.ctx, uid, is_over);
}

void
user_let_go(struct queue *q, struct entry *e)
{
	struct user *u;

	if (!e->is_put_off)
		return;
	e->is_put_off = false;
	u = find(q, e->uid);
	if (u != NULL && --u->waiting == 0)
		tell(q, u->uid, false);
}

static void
put_off(struct queue *q, struct entry *e, struct user *u, int64_t wait_ms)
{
	char why[120];

	e->next_ms = queue_now(q) + wait_ms;
	if (!e->is_put_off) {
		e->is_put_off = true;
		if (u->waiting++ == 0) {
			users_save(q); /* lest a kill opens the window */
			tell(q, u->uid, true);
		}
		(void)snprintf(why, sizeof(why),
		    "max_per_user = %" PRIu64 " of this user is used up; it "
		    "waits until there is room again",
		    q->o.policy.max_per_user);
		entry_set_reason(q, e, why);
	}
	entry_wait(q, e);
	/* Who waits for the provider hears that it is queued. */
	if (e->fl != NULL && e->fl->client != CLIENT_TOLD) {
		e->fl->verdict_by_ms = e->fl->store_at_ms = queue_now(q);
		q->is_todo = true;
		queue_rescheduled(q);
	}
}

bool
user_puts_off(struct queue *q, struct entry *e)
{
	struct user *u;
	int64_t wait_s;

	if (q->o.policy.max_per_user == 0 || e->is_counted ||
	    e->uid == UID_UNKNOWN || (u = get(q, e->uid)) == NULL)
		return false;
	wait_s = budget_wait_s(&u->budget, steady_s(q), NULL, NULL);
	if (wait_s == 0)
		return false;
	put_off(q, e, u, wait_s * 1000);
	return true;
}

void
user_spend(struct queue *q, struct entry *e)
{
	struct user *u;

	if (e->is_put_off) /* the time it had to wait was not its own */
		e->life_from_s = queue_wall(q) / 1000;
	user_let_go(q, e);
	if (q->o.policy.max_per_user == 0 || e->is_counted ||
	    e->uid == UID_UNKNOWN || (u = get(q, e->uid)) == NULL)
		return;
	e->is_counted = true;
	budget_spend(&u->budget, e->nrcpts, steady_s(q));
	q->users.is_dirty = true;
	if (queue_now(q) >= q->users.saved_ms + SAVE_MS)
		save(q);
}

void
users_set_limit(struct queue *q, uint64_t max)
{
	for (size_t i = 0; i < q->users.count; i++)
		budget_set_limits(&q->users.v[i].budget, 0, max, 0);
	/* All that waits for room is looked at anew. */
	list_foreach (it, &q->listed) {
		struct entry *e = list_entry(it, struct entry, link);

		if (!e->is_put_off)
			continue;
		e->next_ms = queue_now(q);
		if (due_is_in_heap(&e->node))
			entry_wait(q, e);
	}
}
