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

/* Those with an answer are written down, the others stay. */
static int
write_answers(struct remote_requests *a, struct store *s, struct err *err)
{
	struct store_request answered[REMOTE_REQUESTS_MAX],
	    open[REMOTE_REQUESTS_MAX];
	size_t n = 0, nopen = 0;

	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].answer == STORE_ANSWER_TAKEN)
			open[nopen++] = a->v[i];
		else
			answered[n++] = a->v[i];
	if (n > 0 && s->ops->answer(s, answered, n, err) != 0)
		return -1; /* with the next look */
	for (size_t i = 0; i < nopen; i++)
		a->v[i] = open[i];
	a->n = nopen;
	return 0;
}

static int
exchange_answers(void *ctx, struct store *s, struct err *err)
{
	struct remote_requests *a = &((struct queue *)ctx)->requests;
	int n;

	if (write_answers(a, s, err) != 0)
		return -1;
	n = s->ops->asked(s, a->v + a->n, REMOTE_REQUESTS_MAX - a->n, err);
	if (n < 0)
		return -1;
	a->n += (size_t)n;
	return 0;
}

static void look_for_requests(struct queue *q);

/* A store that is away says so at the heartbeat. */
static void
answers_exchanged(void *ctx, int rc, const struct err *err)
{
	struct queue *q = ctx;
	struct remote_requests *a = &q->requests;
	bool has_answers = false;

	(void)err;
	a->is_running = false;
	if (rc != 0)
		return;
	for (size_t i = 0; i < a->n; i++) {
		struct store_request *r = &a->v[i];

		if (r->answer != STORE_ANSWER_WAITS)
			continue;
		r->answer = answer(q, r);
		if (r->answer == STORE_ANSWER_NONE)
			r->answer = STORE_ANSWER_TAKEN;
		has_answers |= r->answer != STORE_ANSWER_TAKEN;
	}
	if (has_answers && !q->is_closing)
		look_for_requests(q);
}

static void
look_for_requests(struct queue *q)
{
	const struct queue_ask ask = { exchange_answers, answers_exchanged, q };

	q->requests.is_running = true;
	queue_ask_store(q, &ask);
}

void
remote_requests_look(struct queue *q)
{
	struct remote_requests *a = &q->requests;

	/* A heartbeat that is under way may be taking something over: another
	 * scan follows. */
	if (q->store->ops->asked == NULL || a->is_running ||
	    q->remote.is_running || q->is_closing)
		return;
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].answer == STORE_ANSWER_TAKEN)
			a->v[i].answer = answer(q, &a->v[i]);
	look_for_requests(q);
}
