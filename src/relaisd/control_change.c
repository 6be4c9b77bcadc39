/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/control_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "ctl/ctl_json.h"
#include "mail/envelope.h"
#include "store/qid.h"

enum {
	ASK_MAX = 100, /* messages of other relays at once */
	ASK_MS = 200, /* between two looks for answers */
	ASK_PATIENCE_MS = 15 * 1000
};

struct change {
	/* False: not in this state. */
	bool (*apply)(struct queue *q, const char *id);
	enum store_wish wish;
	unsigned states; /* what --all means */
	const char *cannot;
};

/* How far a request for many messages got: first what is here, then what other
 * relays have, whom it is asked of some at a time. */
struct progress {
	struct store_query query;
	struct control *c;
	const struct change *what;
	struct queue_walk *walk; /* all of them; NULL: those that are named */
	size_t at; /* the next one of these */
	json_int_t done;
	json_t *failed;
	bool is_here_over;
	struct store_look look; /* how far all of the others' are listed */
	uint32_t uid;
	bool is_others_over;
	struct store_request asks[ASK_MAX];
	size_t nasks;
	int64_t batch; /* 0: not asked yet */
	int64_t until_ms;
	struct loop_timer *timer;
	bool is_last; /* who has not answered by now is not waited for */
};

static void
progress_clear(struct store_query *f)
{
	struct progress *p = list_entry(f, struct progress, query);

	json_decref(p->failed);
	free(p);
}

static void
progress_free(void *state)
{
	struct progress *p = state;

	queue_walk_free(p->walk);
	loop_timer_free(p->timer);
	store_query_leave(&p->query);
}

static struct progress *
progress_of(struct control *c, struct ctl_call *call, const struct change *what,
    bool is_all)
{
	struct progress *p = ctl_call_state(call);

	if (p != NULL)
		return p;
	p = xcalloc(1, sizeof(*p));
	store_query_init(&p->query, c->queries, call, progress_clear);
	p->c = c;
	p->what = what;
	p->failed = json_array();
	p->uid = ctl_call_uid(call);
	p->look.uid = ctl_call_is_privileged(call) ? NULL : &p->uid;
	p->is_others_over = control_shared(c) == NULL || !is_all;
	if (is_all)
		p->walk = queue_walk_new(c->opts.queue, QUEUE_OLDEST_FIRST);
	ctl_call_keep(call, p, progress_free);
	return p;
}

static void
add_failed(struct progress *p, const char *id, const char *why)
{
	(void)json_array_append_new(p->failed,
	    json_pack("{s:o, s:s}", "id", ctl_json_text(id), "error", why));
}

/* --- what is here --------------------------------------------------------- */

/* A step of what somebody asks for all of them. */
static void
change_some(struct control *c, const struct ctl_call *call, struct progress *p)
{
	struct queue_item it;
	char id[ENVELOPE_ID_SIZE];

	for (int seen = 0, changed = 0;
	     seen < CONTROL_STEP_MESSAGES && changed < CONTROL_STEP_CHANGES;
	     seen++) {
		if (!queue_walk_next(p->walk, &it)) {
			p->is_here_over = true;
			return;
		}
		if (!control_may_see(call, &it) ||
		    (p->what->states >> it.state & 1) == 0)
			continue;
		(void)snprintf(id, sizeof(id), "%s", it.id);
		p->done += p->what->apply(c->opts.queue, id);
		changed++;
	}
}

static void
change_one(struct control *c, const struct ctl_call *call, struct progress *p,
    const char *id)
{
	struct queue_item it;

	if (id == NULL || !control_find_visible(c, call, id, &it)) {
		if (control_shared(c) != NULL && id != NULL &&
		    qid_is_valid(id) && !queue_find(c->opts.queue, id, &it))
			memcpy(p->asks[p->nasks++].id, id, QID_SIZE);
		else
			add_failed(p, id, "no such message");
	} else if (p->what->apply(c->opts.queue, id)) {
		p->done++;
	} else {
		add_failed(p, id,
		    it.state == QUEUE_STATE_ACTIVE ? "is being delivered now"
						   : p->what->cannot);
	}
}

/* The same for those that are named, until there are enough that others are
 * asked about. */
static void
change_named(struct control *c, const struct ctl_call *call, struct progress *p)
{
	const json_t *ids = json_object_get(ctl_call_args(call), "ids");

	for (int i = 0; i < CONTROL_STEP_CHANGES && p->nasks < ASK_MAX;
	     i++, p->at++) {
		if (p->at >= json_array_size(ids)) {
			p->is_here_over = true;
			return;
		}
		change_one(
		    c, call, p, json_string_value(json_array_get(ids, p->at)));
	}
}

/* --- what others have ----------------------------------------------------- */

static void
on_seen(void *ctx, const struct store_seen *m)
{
	static const enum queue_state of_place[] = {
		[STORE_QUEUE] = QUEUE_STATE_DUE,
		[STORE_FAILED] = QUEUE_STATE_FAILED,
	};
	struct progress *p = ctx;
	enum queue_state s = m->place == STORE_QUEUE && m->state->is_held
				 ? QUEUE_STATE_HELD
				 : of_place[m->place];

	if ((p->what->states >> s & 1) != 0 && p->nasks < ASK_MAX)
		memcpy(p->asks[p->nasks++].id, m->env->id, QID_SIZE);
}

/* On a worker thread: finds some, unless they are named, and asks their
 * owners. */
static int
ask_owners(struct store_query *f)
{
	struct progress *p = list_entry(f, struct progress, query);
	struct store *s = p->c->opts.store;

	p->look.max = ASK_MAX;
	if (p->nasks == 0 && s->ops->others(s, &p->look, on_seen, p,
				 &p->is_others_over, &f->err) != 0)
		return -1;
	return p->nasks == 0 ? 0
			     : s->ops->ask(s, p->what->wish, p->look.uid,
				   p->asks, p->nasks, &p->batch, &f->err);
}

static int
hear(struct store_query *f)
{
	struct progress *p = list_entry(f, struct progress, query);
	struct store *s = p->c->opts.store;

	return s->ops->answers(
	    s, p->batch, p->is_last, p->asks, p->nasks, &f->err);
}

static bool
is_answered(const struct progress *p)
{
	for (size_t i = 0; i < p->nasks; i++)
		if (p->asks[i].answer == STORE_ANSWER_WAITS ||
		    p->asks[i].answer == STORE_ANSWER_TAKEN)
			return false;
	return true;
}

static const char *
words_of(const struct progress *p, enum store_answer a)
{
	switch (a) {
	case STORE_ANSWER_WAITS:
		return "its relay does not answer; nothing was changed";
	case STORE_ANSWER_TAKEN:
		return "its relay was told, and has not answered yet";
	case STORE_ANSWER_BUSY:
		return "is being delivered now";
	case STORE_ANSWER_CANNOT:
		return p->what->cannot;
	case STORE_ANSWER_NONE:
		return "no such message";
	case STORE_ANSWER_DONE:
		break;
	}
	return NULL;
}

/* Of all, only what has stayed without an answer is worth a word. */
static void
take_answers(struct progress *p)
{
	for (size_t i = 0; i < p->nasks; i++) {
		enum store_answer a = p->asks[i].answer;

		if (a == STORE_ANSWER_DONE)
			p->done++;
		else if (p->walk == NULL || a == STORE_ANSWER_WAITS ||
			 a == STORE_ANSWER_TAKEN)
			add_failed(p, p->asks[i].id, words_of(p, a));
	}
	p->nasks = 0;
	p->batch = 0;
	p->is_last = false;
}

static void
on_timer(void *ctx)
{
	struct progress *p = ctx;

	store_query_ask(&p->query, hear);
}

/* What is asked; the last look takes back what nobody has heard yet. */
static void
wait_for_answers(struct control *c, struct ctl_call *call, struct progress *p)
{
	int64_t now = control_now_ms(c);

	if (p->until_ms == 0)
		p->until_ms = now + ASK_PATIENCE_MS;
	if (is_answered(p) || now >= p->until_ms) {
		p->is_last = true;
		p->until_ms = 0;
		store_query_ask(&p->query, hear);
		return;
	}
	if (p->timer == NULL)
		p->timer = loop_timer_new(c->opts.loop, on_timer, p);
	loop_timer_set(p->timer, now + ASK_MS);
	ctl_call_wait(call);
}

/* False: there is nothing left to ask. */
static bool
ask_others(struct control *c, struct ctl_call *call, struct progress *p)
{
	if (p->batch != 0 && p->is_last)
		take_answers(p);
	if (p->batch != 0) {
		wait_for_answers(c, call, p);
		return true;
	}
	if (p->nasks == 0 && p->is_others_over)
		return false;
	store_query_ask(&p->query, ask_owners);
	return true;
}

/* --- both ----------------------------------------------------------------- */

/* False: that was the last. */
static bool
go_on(struct control *c, struct ctl_call *call, struct progress *p)
{
	bool asks = p->batch != 0 || p->nasks == ASK_MAX || p->is_here_over;

	if (asks && ask_others(c, call, p))
		return true;
	if (p->is_here_over)
		return false;
	if (p->walk != NULL)
		change_some(c, call, p);
	else
		change_named(c, call, p);
	return true;
}

static void
change(struct control *c, struct ctl_call *call, const struct change *what)
{
	const json_t *args = ctl_call_args(call);
	bool is_all = json_is_true(json_object_get(args, "all"));
	struct progress *p;
	json_t *result;

	if (!is_all && json_array_size(json_object_get(args, "ids")) == 0) {
		ctl_call_refuse(call, "expected the ids of messages, or all");
		return;
	}
	p = progress_of(c, call, what, is_all);
	if (p->query.rc != 0) {
		ctl_call_refuse(call, "%s", p->query.err.text);
		return;
	}
	if (go_on(c, call, p))
		return;
	result = json_pack("{s:I, s:O}", "done", p->done, "failed", p->failed);
	ctl_call_done(call, result);
	json_decref(result);
}

static bool
hold_apply(struct queue *q, const char *id)
{
	return queue_hold(q, id, QUEUE_HELD_BY_PERSON);
}

enum {
	BIT_DUE = 1 << QUEUE_STATE_DUE,
	BIT_ACTIVE = 1 << QUEUE_STATE_ACTIVE,
	BIT_HELD = 1 << QUEUE_STATE_HELD,
	BIT_FAILED = 1 << QUEUE_STATE_FAILED
};

void
control_hold(void *ctx, struct ctl_call *call)
{
	static const struct change what = { hold_apply, STORE_HOLD,
		BIT_DUE | BIT_ACTIVE, "has failed already" };

	change(ctx, call, &what);
}

void
control_release(void *ctx, struct ctl_call *call)
{
	static const struct change what = { queue_release, STORE_RELEASE,
		BIT_HELD, "is not held" };

	change(ctx, call, &what);
}

static const struct change retry = { queue_retry, STORE_RETRY,
	BIT_DUE | BIT_HELD | BIT_FAILED, "cannot be tried" };

void
control_retry(void *ctx, struct ctl_call *call)
{
	change(ctx, call, &retry);
}

void
control_delete(void *ctx, struct ctl_call *call)
{
	static const struct change what = { queue_delete, STORE_DELETE,
		BIT_DUE | BIT_HELD | BIT_FAILED, "cannot be deleted now" };

	change(ctx, call, &what);
}

void
control_flush_own(struct control *c, struct ctl_call *call)
{
	static const struct change what = { queue_retry, STORE_RETRY, BIT_DUE,
		"" };
	struct progress *p = progress_of(c, call, &what, true);
	json_t *result;

	if (p->query.rc != 0) {
		ctl_call_refuse(call, "%s", p->query.err.text);
		return;
	}
	if (go_on(c, call, p))
		return;
	result = json_pack("{s:I}", "done", p->done);
	ctl_call_done(call, result);
	json_decref(result);
}
