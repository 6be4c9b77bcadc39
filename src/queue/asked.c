/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/inside.h"

static bool
hold(struct queue *q, const char *id)
{
	return queue_hold(q, id, QUEUE_HELD_BY_PERSON);
}

static bool (*const does[])(struct queue *q, const char *id) = {
	[STORE_HOLD] = hold,
	[STORE_RELEASE] = queue_release,
	[STORE_RETRY] = queue_retry,
	[STORE_DELETE] = queue_delete,
};

static enum store_answer
answer(struct queue *q, const struct store_request *r)
{
	struct queue_item it;

	if (!queue_find(q, r->id, &it))
		return STORE_ANSWER_NONE;
	if ((size_t)r->what < sizeof(does) / sizeof(does[0]) &&
	    does[r->what](q, r->id))
		return STORE_ANSWER_DONE;
	return it.state == QUEUE_STATE_ACTIVE ? STORE_ANSWER_BUSY
					      : STORE_ANSWER_CANNOT;
}

static int
run(void *ctx, struct store *s, struct err *err)
{
	struct asked *a = &((struct queue *)ctx)->asked;
	int n;

	if (a->n > 0 && s->ops->answer(s, a->v, a->n, err) != 0)
		return -1; /* with the next look */
	a->n = 0;
	n = s->ops->asked(s, a->v, ASKED_MAX, err);
	if (n < 0)
		return -1;
	a->n = (size_t)n;
	return 0;
}

/* A store that is away says so at the beat. */
static void
done(void *ctx, int rc, const struct err *err)
{
	struct queue *q = ctx;
	struct asked *a = &q->asked;

	(void)err;
	a->is_running = false;
	if (rc != 0)
		return;
	for (size_t i = 0; i < a->n; i++)
		a->v[i].answer = answer(q, &a->v[i]);
	if (a->n > 0)
		asked_look(q);
}

void
asked_look(struct queue *q)
{
	const struct queue_ask ask = { run, done, q };

	if (q->store->ops->asked == NULL || q->asked.is_running ||
	    q->is_closing)
		return;
	q->asked.is_running = true;
	queue_ask_store(q, &ask);
}
