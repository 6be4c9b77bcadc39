/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one submitting user may send in an hour, before it is taken for a
 * runaway script.  What is over the limit is as safe as any other mail; it only
 * lets the others pass, and the account's own limits are not spent on it.
 *
 * A message counts when it is taken for its first attempt, so that what waits
 * for an account that is away does not leave in one rush. */
#include "policy/user_limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "mail/envelope.h"
#include "store/store.h"

enum {
	USERS_MAX = 512, /* of whom we know; the state fits STORE_STATE_MAX */
	SAVE_MS = 10 * 1000
};
static const char state_name[] = "users";

struct user {
	uint32_t uid;
	struct budget budget;
	size_t waiting; /* messages that are put off */
	int64_t used_ms;
};

struct user_limit {
	const struct clock *clock;
	struct queue *q; /* NULL: none yet */
	uint64_t max;
	void (*on_limit)(void *ctx, uint32_t uid, bool is_over);
	void *ctx;
	struct user *v;
	size_t count;
	int64_t wall_ahead_ms; /* of the boot clock, at first */
	bool is_dirty; /* else than it was saved */
	int64_t saved_ms;
};

/* The wall clock as it was at the start, moved on by the boot clock: somebody
 * who sets the clock neither opens nor closes a window (R47). */
static int64_t
steady_s(const struct user_limit *l)
{
	return (clock_boot_ms(l->clock) + l->wall_ahead_ms) / 1000;
}

static struct user *
find_user(const struct user_limit *l, uint32_t uid)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->v[i].uid == uid)
			return &l->v[i];
	return NULL;
}

/* The one whose newest mail is the oldest is forgotten where there are too
 * many, but for those whose mail waits here. */
static struct user *
make_room(struct user_limit *l)
{
	struct user *found = NULL;

	if (l->count < USERS_MAX) {
		l->v = xrealloc(l->v, l->count + 1, sizeof(*l->v));
		return &l->v[l->count++];
	}
	for (size_t i = 0; i < l->count; i++) {
		struct user *u = &l->v[i];

		if (u->waiting == 0 &&
		    (found == NULL || u->used_ms < found->used_ms))
			found = u;
	}
	return found;
}

/* NULL: more users than anybody has have mail waiting. */
static struct user *
get_user(struct user_limit *l, uint32_t uid)
{
	struct user *u = find_user(l, uid);

	if (u == NULL && (u = make_room(l)) != NULL) {
		*u = (struct user) { .uid = uid };
		budget_init(&u->budget, 0, l->max, 0);
	}
	if (u != NULL)
		u->used_ms = clock_boot_ms(l->clock);
	return u;
}

/* The one to count, or NULL. */
static struct user *
counted(struct user_limit *l, uint32_t uid)
{
	return l->max != 0 && uid != UID_UNKNOWN ? get_user(l, uid) : NULL;
}

/* --- over restarts -------------------------------------------------------- */

static void
save(struct user_limit *l)
{
	struct buf b;
	struct err err;

	buf_init(&b, STORE_STATE_MAX);
	for (size_t i = 0; i < l->count; i++) {
		/* Too long to keep: forgotten. */
		IGNORE(buf_addf(&b, "user %" PRIu32 "\n", l->v[i].uid));
		budget_save(&l->v[i].budget, &b);
	}
	if (queue_state_write(l->q, state_name, buf_bytes(&b), &err) != 0)
		queue_trouble(l->q, state_name, &err);
	buf_clear(&b);
	l->is_dirty = false;
	l->saved_ms = clock_boot_ms(l->clock);
}

void
user_limit_save(struct user_limit *l)
{
	if (l->is_dirty)
		save(l);
}

void
user_limit_attach(struct user_limit *l, struct queue *q)
{
	char *text = queue_state_read(q, state_name);
	struct bytes rest = bytes_str(text != NULL ? text : "");
	struct user *u = NULL;

	l->q = q;
	while (rest.n > 0) {
		struct bytes line = bytes_cut(&rest, '\n'), words = line;
		uint64_t uid;

		if (!bytes_eq(bytes_cut(&words, ' '), "user")) {
			if (u != NULL)
				budget_load(&u->budget, line);
		} else if (num_u64_max(words, UID_UNKNOWN - 1, &uid)) {
			u = get_user(l, (uint32_t)uid);
		}
	}
	free(text);
}

struct user_limit *
user_limit_new(const struct clock *clock, uint64_t max,
    void (*on_limit)(void *ctx, uint32_t uid, bool is_over), void *ctx)
{
	struct user_limit *l = xcalloc(1, sizeof(*l));

	l->clock = clock;
	l->max = max;
	l->on_limit = on_limit;
	l->ctx = ctx;
	l->wall_ahead_ms = clock_wall_ms(clock) - clock_boot_ms(clock);
	return l;
}

void
user_limit_free(struct user_limit *l)
{
	if (l == NULL)
		return;
	free(l->v);
	free(l);
}

/* --- the limit ------------------------------------------------------------ */

static int64_t
wait_ms(void *ctx, uint32_t uid)
{
	struct user_limit *l = ctx;
	struct user *u = counted(l, uid);

	return u == NULL
		   ? 0
		   : budget_wait_s(&u->budget, steady_s(l), NULL, NULL) * 1000;
}

static void
put_off(void *ctx, uint32_t uid, char why[QUEUE_WHY_MAX])
{
	struct user_limit *l = ctx;
	struct user *u = find_user(l, uid);

	(void)snprintf(why, QUEUE_WHY_MAX,
	    "max_per_user = %" PRIu64 " of this user is used up; the message "
	    "waits until the limit allows it",
	    l->max);
	if (u == NULL || u->waiting++ > 0)
		return;
	user_limit_save(l); /* so that a kill does not open the window */
	l->on_limit(l->ctx, uid, true);
}

static void
let_go(void *ctx, uint32_t uid)
{
	struct user_limit *l = ctx;
	struct user *u = find_user(l, uid);

	if (u != NULL && --u->waiting == 0)
		l->on_limit(l->ctx, uid, false);
}

static bool
begins(void *ctx, uint32_t uid, uint32_t nrcpts)
{
	struct user_limit *l = ctx;
	struct user *u = counted(l, uid);

	if (u == NULL)
		return false;
	budget_spend(&u->budget, nrcpts, steady_s(l));
	l->is_dirty = true;
	if (clock_boot_ms(l->clock) >= l->saved_ms + SAVE_MS)
		save(l);
	return true;
}

struct queue_attempt_gate
user_limit_gate(struct user_limit *l)
{
	return (
	    struct queue_attempt_gate) { wait_ms, put_off, let_go, begins, l };
}

void
user_limit_set(struct user_limit *l, uint64_t max)
{
	if (max == l->max)
		return;
	l->max = max;
	for (size_t i = 0; i < l->count; i++)
		budget_set_limits(&l->v[i].budget, 0, max, 0);
	queue_ask_again(l->q);
}
