/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/sharing.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "account/accounts.h"
#include "account/carry.h"
#include "account/share.h"
#include "base/xalloc.h"
#include "net/loop.h"
#include "queue/queue.h"
#include "store/store.h"

struct sharing {
	struct loop *loop;
	struct queue *queue;
	struct accounts *accounts; /* NULL: not begun, or over */
	struct loop_timer *timer;
	struct loop_task task;
	bool is_running;
	int64_t look_ms; /* the next time */
};

/* One account in a job. */
struct turn {
	int handle;
	char *account, *name; /* of it, and of its text */
	bool is_due; /* it asks; else only if others have changed something */
	bool is_over; /* answer is one */
	struct share_ask ask;
	struct share_answer answer;
};

struct round {
	struct sharing *sharing;
	const struct clock *clock;
	int64_t began_ms;
	bool looks;
	struct turn *turns;
	size_t n;
};

/* --- on a worker thread --------------------------------------------------- */

static void
change(void *ctx, const struct share_turn *turn, struct buf *text)
{
	struct turn *t = ctx;

	share_take_turn(text, turn, &t->ask, &t->answer);
}

static void
others_changed(void *ctx, const char *name)
{
	struct round *r = ctx;

	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->turns[i].name, name) == 0)
			r->turns[i].is_due = true;
}

static int
take_turns(void *ctx, struct store *s, struct err *err)
{
	struct round *r = ctx;

	if (r->looks && s->ops->shared_look(s, others_changed, r, err) != 0)
		return -1;
	for (size_t i = 0; i < r->n; i++) {
		struct turn *t = &r->turns[i];

		if (!t->is_due)
			continue;
		if (t->ask.is_first &&
		    carry_spent(s, t->account, r->clock, err) != 0)
			return -1;
		if (s->ops->shared_change(s, t->name, change, t, err) != 0)
			return -1;
		t->is_over = true;
	}
	return 0;
}

/* --- on the loop ---------------------------------------------------------- */

static char *
text_name(const struct account *a)
{
	return xasprintf("account.%s", account_options(a)->name);
}

/* It may have left meanwhile. */
static struct account *
account_of(const struct sharing *s, const struct turn *t)
{
	struct account *a = s->accounts == NULL
				? NULL
				: accounts_at(s->accounts, t->handle);
	char *name = a != NULL ? text_name(a) : NULL;

	if (name != NULL && strcmp(name, t->name) != 0)
		a = NULL;
	free(name);
	return a;
}

static void
tell_account(struct account *a, const struct turn *t, int64_t began_ms)
{
	if (t->is_over)
		account_told(a, &t->ask, &t->answer, began_ms);
	else if (t->is_due)
		account_failed(a, &t->ask);
	else
		account_skipped(a, &t->ask);
}

/* The queue tells that the store is away (queue/remote_store.h). */
static void
round_done(void *ctx, int rc, const struct err *err)
{
	struct round *r = ctx;
	struct sharing *s = r->sharing;

	(void)rc;
	(void)err;
	s->is_running = false;
	for (size_t i = 0; i < r->n; i++) {
		struct turn *t = &r->turns[i];
		struct account *a = account_of(s, t);

		if (a != NULL)
			tell_account(a, t, r->began_ms);
		share_ask_clear(&t->ask);
		share_answer_clear(&t->answer);
		free(t->account);
		free(t->name);
	}
	free(r->turns);
	free(r);
	sharing_due(s);
}

static struct round *
round_new(struct sharing *s, int64_t now_ms)
{
	struct round *r = xcalloc(1, sizeof(*r));
	size_t n = (size_t)accounts_handles(s->accounts);

	r->sharing = s;
	r->clock = loop_clock(s->loop);
	r->began_ms = now_ms;
	r->turns = xcalloc(n, sizeof(*r->turns));
	for (size_t i = 0; i < n; i++) {
		struct account *a = accounts_at(s->accounts, (int)i);
		struct turn *t = &r->turns[r->n];

		if (a == NULL)
			continue;
		t->handle = (int)i;
		t->account = xstrdup(account_options(a)->name);
		t->name = text_name(a);
		t->is_due = account_turn_at(a) <= now_ms;
		account_ask(a, &t->ask);
		share_answer_init(&t->answer);
		r->n++;
	}
	return r;
}

static int64_t
next_turn(const struct sharing *s)
{
	int64_t at = INT64_MAX;

	for (int i = 0; i < accounts_handles(s->accounts); i++) {
		const struct account *a = accounts_at(s->accounts, i);

		if (a != NULL && account_turn_at(a) < at)
			at = account_turn_at(a);
	}
	return at;
}

static void
begin_round(struct sharing *s, struct round *r)
{
	const struct queue_ask ask = { take_turns, round_done, r };

	s->is_running = true;
	queue_ask_store(s->queue, &ask);
}

static void
go_on(struct sharing *s)
{
	int64_t now = loop_now_ms(s->loop), at;
	struct round *r;

	if (s->is_running || s->accounts == NULL)
		return;
	at = next_turn(s);
	if (at > s->look_ms)
		at = s->look_ms;
	loop_timer_set(s->timer, at);
	if (at > now)
		return;
	r = round_new(s, now);
	r->looks = s->look_ms <= now;
	if (r->looks)
		s->look_ms = now + SHARING_LOOK_MS;
	begin_round(s, r);
}

static void
on_timer(void *ctx)
{
	go_on(ctx);
}

static void
on_task(struct loop_task *t)
{
	go_on(list_entry(t, struct sharing, task));
}

void
sharing_due(void *sharing)
{
	struct sharing *s = sharing;

	if (s->accounts != NULL && !s->is_running)
		loop_soon(s->loop, &s->task);
}

struct sharing *
sharing_new(struct loop *l, struct queue *q)
{
	struct sharing *s = xcalloc(1, sizeof(*s));

	s->loop = l;
	s->queue = q;
	s->timer = loop_timer_new(l, on_timer, s);
	loop_task_init(&s->task, on_task);
	return s;
}

void
sharing_start(struct sharing *s, struct accounts *accounts)
{
	s->accounts = accounts;
	sharing_due(s);
}

void
sharing_stop(struct sharing *s)
{
	if (s == NULL || s->accounts == NULL)
		return;
	begin_round(s, round_new(s, INT64_MAX));
	s->accounts = NULL;
}

void
sharing_free(struct sharing *s)
{
	if (s == NULL)
		return;
	loop_soon_cancel(&s->task);
	loop_timer_free(s->timer);
	free(s);
}
