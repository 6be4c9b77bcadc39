/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/xalloc.h"

enum {
	/* While a remote store is away, so many are put off at once. */
	LATER_MAX = 200,
	DRAWS_MAX = 200 /* for a message that nothing speaks against */
};

static const struct verdict no_verdict;

/* --- taking --------------------------------------------------------------- */

static struct entry *
first_due(struct queue *q, int account, enum heap_kind kind)
{
	struct due_node *n;

	if (account < 0 || account >= q->naccounts)
		return NULL; /* an account from before a reload */
	while (!removals_are_full(q) &&
	       (n = due_first(&q->accounts[account].heaps[kind].due)) != NULL &&
	       n->due_ms <= queue_now(q)) {
		struct entry *e = list_entry(n, struct entry, node);

		if (!entry_ask_gate(q, e))
			return e;
	}
	return NULL;
}

/* Messages that are trouble for the same reason mostly have the same sender. */
static bool
is_like_suspect(const struct queue *q, const struct entry *e)
{
	const char *sender = q->accounts[e->account].suspect;

	return sender != NULL && strcmp(e->names, sender) == 0;
}

/* Where nothing better is found, the first one. */
static struct entry *
other_due(struct queue *q, int account, enum heap_kind kind)
{
	struct entry *best = first_due(q, account, kind);

	for (int i = 0; best != NULL && i < DRAWS_MAX; i++) {
		const struct due *due = &q->accounts[account].heaps[kind].due;
		struct entry *e = list_entry(
		    due_any(due, rng_below(q->o.rng, (uint32_t)due->count),
			queue_now(q)),
		    struct entry, node);

		if (entry_ask_gate(q, e)) /* as maybe that one */
			best = first_due(q, account, kind);
		else if (!is_like_suspect(q, e))
			return e;
		else
			best = e;
	}
	return best;
}

bool
queue_has_due(struct queue *q, int account)
{
	return first_due(q, account, HEAP_ORDINARY) != NULL;
}

bool
queue_has_suspect_due(struct queue *q, int account)
{
	return first_due(q, account, HEAP_SUSPECTS) != NULL;
}

/* While something was due, queue_tick() did not look for what comes next. */
static void
note_taken(struct queue *q, int account, enum heap_kind kind)
{
	struct due_heap *l = &q->accounts[account].heaps[kind];

	l->is_woken = first_due(q, account, kind) != NULL;
	if (!l->is_woken && due_first(&l->due) != NULL)
		queue_rescheduled(q);
}

size_t
queue_backlog(const struct queue *q, int account)
{
	return q->accounts[account].heaps[HEAP_ORDINARY].due.count;
}

/* The others have their turn, too: what is left is put off in the next one. */
static void
go_on_later(struct queue *q, int account, enum heap_kind kind)
{
	q->accounts[account].heaps[kind].is_woken = false;
	q->is_todo = true;
	queue_rescheduled(q);
}

static struct queue_claim *
take_chosen(struct queue *q, int account, enum heap_kind kind,
    struct entry *(*choose)(struct queue *q, int account, enum heap_kind kind))
{
	struct entry *e;
	int later = 0;

	while ((e = choose(q, account, kind)) != NULL) {
		struct queue_message *msg = message_get(q, e);

		entry_unwait(q, e);
		switch (remote_store_fetch(msg)) {
		case REMOTE_STORE_HERE:
			break;
		case REMOTE_STORE_COMES:
			if (remote_store_is_full(q))
				return NULL; /* it is woken */
			continue;
		case REMOTE_STORE_LATER:
			if (++later < LATER_MAX)
				continue;
			go_on_later(q, account, kind);
			return NULL;
		}
		remote_store_used(msg);
		if (!message_load(msg, true)) {
			note_taken(q, account, kind);
			continue;
		}
		entry_begins(q, e);
		msg->attempt.is_active = true;
		msg->attempt.is_denied = false;
		entry_count(q, e);
		msg->attempt.result = RESULT_NONE;
		msg->attempt.answers = xcalloc(
		    msg->env->nrcpts, sizeof(struct verdict *));
		note_taken(q, account, kind);
		return &msg->attempt.claim;
	}
	if (account >= 0 && account < q->naccounts)
		q->accounts[account].heaps[kind].is_woken = false;
	return NULL;
}

struct queue_claim *
queue_take(struct queue *q, int account)
{
	return take_chosen(q, account, HEAP_ORDINARY, first_due);
}

struct queue_claim *
queue_take_other(struct queue *q, int account)
{
	return take_chosen(q, account, HEAP_ORDINARY, other_due);
}

struct queue_claim *
queue_take_suspect(struct queue *q, int account)
{
	return take_chosen(q, account, HEAP_SUSPECTS, first_due);
}

void
queue_claim_suspect(struct queue_claim *d, uint32_t mark)
{
	struct entry *e = d->msg->e;

	if (e->suspicion == 0)
		e->suspicion = mark;
	if (e->account >= 0) {
		free(d->msg->q->accounts[e->account].suspect);
		d->msg->q->accounts[e->account].suspect = xstrdup(e->names);
	}
}

uint32_t
queue_claim_suspicion(const struct queue_claim *d)
{
	return d->msg->e->suspicion;
}

size_t
queue_claim_next_rcpt(const struct queue_claim *d)
{
	const struct envelope *env = d->msg->env;

	for (size_t i = d->msg->e->next_rcpt; i < env->nrcpts; i++)
		if (env->rcpts[i].state == RCPT_WAITING)
			return i;
	return 0;
}

const struct envelope *
queue_claim_envelope(const struct queue_claim *d)
{
	return d->msg->env;
}

int
queue_claim_attempts(const struct queue_claim *d)
{
	return d->msg->e->attempts;
}

struct bytes
queue_claim_bytes(const struct queue_claim *d)
{
	return bytes_of(d->msg->body.bytes, (size_t)d->msg->env->size_bytes);
}

int
queue_claim_read(struct queue_claim *d, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err)
{
	struct queue_message *msg = d->msg;
	uint64_t size = msg->env->size_bytes;

	if (msg->body.bytes != NULL) {
		uint64_t left = at < size ? size - at : 0;

		if (n > left)
			n = (size_t)left;
		memcpy(p, msg->body.bytes + (left > 0 ? at : 0), n);
		*ret_n = n;
		return 0;
	}
	if (msg->body.draft != NULL)
		return msg->q->store->ops->draft_read(
		    msg->body.draft, at, p, n, ret_n, err);
	return msg->q->store->ops->message_read(
	    msg->body.loaded, at, p, n, ret_n, err);
}

void
queue_claim_round_trip(struct queue_claim *d, int64_t ms)
{
	head_start_round_trip(d->msg, ms);
}

/* --- giving back ---------------------------------------------------------- */

void
message_drop_answers(struct queue_message *msg)
{
	free(msg->attempt.uncertain);
	free(msg->attempt.unanswered);
	msg->attempt.uncertain = NULL;
	msg->attempt.unanswered = NULL;
	if (msg->attempt.answers == NULL)
		return;
	for (size_t i = 0; i < msg->e->nrcpts; i++)
		free(msg->attempt.answers[i]);
	free(msg->attempt.answers);
	msg->attempt.answers = NULL;
}

void
message_end_attempt(struct queue_message *msg)
{
	msg->attempt.is_active = false;
	entry_count(msg->q, msg->e);
}

void
message_set_failed(struct queue_message *msg)
{
	msg->attempt.result = RESULT_FAILED;
}

void
message_forget_attempt(struct queue_message *msg)
{
	msg->attempt.result = RESULT_NONE;
}

static void
set_answer(struct verdict **to, const struct verdict *v)
{
	if (*to == NULL)
		*to = xmalloc(sizeof(**to));
	**to = *v;
}

bool
queue_claim_mark(struct queue_claim *d, const size_t *rcpts, size_t n,
    const char *who, void (*on_marked)(void *ctx), void *ctx)
{
	struct queue_message *msg = d->msg;
	struct verdict v;

	assert(msg->attempt.is_active && msg->attempt.on_marked == NULL);
	verdict_unanswered(&v, who);
	set_answer(&msg->attempt.unanswered, &v);
	if (msg->attempt.uncertain == NULL)
		msg->attempt.uncertain = xcalloc(
		    msg->env->nrcpts, sizeof(*msg->attempt.uncertain));
	for (size_t i = 0; i < n; i++)
		msg->attempt.uncertain[rcpts[i]] = true;
	message_noted(msg,
	    journal_mark(&msg->disk.notes, queue_wall(msg->q), who, rcpts, n));
	/* A kill leaves in the page cache what was written.  A power cut may
	 * take it, and then a person knows less; only where the note decides
	 * whether the message is sent again it is worth a sync. */
	if (msg->q->o.policy.holds_uncertain)
		message_must_sync(msg);
	/* Where the disk has not got the message, nobody has been told that it
	 * is safe, and nobody will be before this note is there as well. */
	if (message_mark(msg))
		return true;
	msg->attempt.on_marked = on_marked;
	msg->attempt.marked_ctx = ctx;
	return false;
}

/* Nobody may have been served: the last byte did not go. */
void
message_deny(struct queue_message *msg)
{
	if (!msg->attempt.is_active || msg->attempt.on_marked == NULL)
		return;
	msg->attempt.is_denied = true;
	if (msg->attempt.uncertain != NULL)
		memset(msg->attempt.uncertain, 0,
		    msg->env->nrcpts * sizeof(*msg->attempt.uncertain));
}

bool
queue_claim_may_end(const struct queue_claim *d)
{
	return !d->msg->attempt.is_denied;
}

void
queue_claim_rcpt(struct queue_claim *d, size_t i, const struct verdict *v)
{
	assert(i < d->msg->env->nrcpts);
	set_answer(&d->msg->attempt.answers[i], v);
	if (d->msg->attempt.uncertain != NULL)
		d->msg->attempt.uncertain[i] = false;
}

static enum rcpt_state
state_after(const struct verdict *v)
{
	switch (v->class) {
	case VERDICT_OK:
		return RCPT_SENT;
	case VERDICT_NEVER:
		return RCPT_FAILED;
	case VERDICT_NONE:
	case VERDICT_LATER:
		break;
	}
	return RCPT_WAITING;
}

/* Notes only what is news: a retry that hears the same again, or did not ask,
 * writes nothing about the recipient. */
static void
apply_verdict(struct queue_message *msg, size_t i, const struct verdict *v)
{
	struct rcpt *r = &msg->env->rcpts[i];
	enum rcpt_state was = r->state;

	r->state = state_after(v);
	if (r->state == was && (v->class == VERDICT_NONE ||
				   (r->last != NULL && verdict_eq(r->last, v))))
		return;
	r->is_news = r->state != RCPT_WAITING;
	if (v->class != VERDICT_NONE)
		rcpt_set_verdict(r, v);
	message_noted(msg, journal_rcpt(&msg->disk.notes, i, r));
	/* What has been decided must not be tried again. */
	if (r->state != RCPT_WAITING) {
		message_must_sync(msg);
		msg->attempt.must_be_durable = true;
	}
	if (r->state == RCPT_FAILED)
		msg->news.has_failed = true;
}

static size_t
count_state(const struct envelope *env, enum rcpt_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < env->nrcpts; i++)
		n += env->rcpts[i].state == state;
	return n;
}

/* The verdict to show for a message whose recipients have theirs. */
static const struct verdict *
telling_verdict(const struct queue_message *msg, enum rcpt_state state)
{
	for (size_t i = 0; i < msg->env->nrcpts; i++)
		if (msg->env->rcpts[i].state == state &&
		    msg->env->rcpts[i].last != NULL)
			return msg->env->rcpts[i].last;
	return NULL;
}

static void
expire_rcpts(struct queue_message *msg)
{
	char text[VERDICT_TEXT_MAX], age[NUM_TEXT_SIZE];
	struct envelope *env = msg->env;
	struct verdict v;

	for (size_t i = 0; i < env->nrcpts; i++) {
		const struct rcpt *r = &env->rcpts[i];

		if (r->state != RCPT_WAITING)
			continue;
		(void)snprintf(text, sizeof(text),
		    "not delivered within %s; last: %.400s",
		    num_duration_text(msg->q->o.lifetime_ms, age),
		    r->last != NULL ? r->last->text : "never tried");
		verdict_local(
		    &v, VERDICT_NEVER, STAGE_LOCAL, 554, "5.4.7", text);
		apply_verdict(msg, i, &v);
	}
}

static bool
has_file(const struct queue_message *msg)
{
	return msg->disk.state == DISK_SAFE || msg->disk.state == DISK_WRITING;
}

/* No recipient is left to try. */
static void
finish(struct queue_message *msg)
{
	bool none_sent = count_state(msg->env, RCPT_SENT) == 0;
	bool all_sent = count_state(msg->env, RCPT_FAILED) == 0;
	const struct verdict *v;

	msg->attempt.result = all_sent ? RESULT_SENT : RESULT_FAILED;
	v = telling_verdict(msg, all_sent ? RCPT_SENT : RCPT_FAILED);
	if (v != NULL)
		msg->attempt.verdict = *v;
	/* A client never hears "accepted" for a message that was refused while
	 * it waited, and a client that heard the refusal gets no bounce. */
	msg->attempt.is_refused = none_sent &&
				  msg->client.state == CLIENT_WAITING &&
				  msg->client.mode != QUEUE_MODE_ACCEPTED;
	/* What a kill must not undo has been written.  A duplicate is the worst
	 * that a power cut brings: no need to keep the connection waiting,
	 * unless somebody asked for it. */
	if (all_sent || none_sent)
		msg->attempt.must_be_durable = queue_syncs_each(msg->q) &&
					       has_file(msg);
	if (all_sent && msg->attempt.must_be_durable)
		message_noted(
		    msg, journal_done(&msg->disk.notes, queue_wall(msg->q)));
	entry_set_verdict(msg->q, msg->e, v);
}

bool
queue_syncs_each(const struct queue *q)
{
	return q->o.policy.syncs_each;
}

void
message_expire(struct queue_message *msg)
{
	expire_rcpts(msg);
	finish(msg);
	message_tell_ended(msg);
	entry_name_rcpt(msg->e, msg->env);
	message_save_again(msg);
	msg->attempt.must_be_durable = false;
}

static void
plan_next(struct queue_message *msg, int64_t not_before_ms)
{
	struct queue *q = msg->q;
	struct entry *e = msg->e;
	int64_t now = queue_now(q);

	e->times.next_ms = now +
			   retry_wait_ms(&q->retry, e->attempts, q->o.rng);
	if (e->times.next_ms < not_before_ms)
		e->times.next_ms = not_before_ms;
	message_noted(msg, journal_next(&msg->disk.notes,
			       queue_wall(q) + e->times.next_ms - now));
}

static const struct verdict *
answer_for(const struct queue_message *msg, size_t i, const struct verdict *v)
{
	if (msg->attempt.answers[i] != NULL)
		return msg->attempt.answers[i];
	if (i < msg->e->next_rcpt)
		return &no_verdict; /* asked over an earlier connection */
	return v->class == VERDICT_NONE && msg->attempt.uncertain != NULL &&
		       msg->attempt.uncertain[i]
		   ? msg->attempt.unanswered
		   : v;
}

/* The first recipient from next_rcpt on that waits and has not been asked; or
 * the number of recipients. */
static size_t
first_unasked(const struct queue_message *msg)
{
	size_t i = msg->e->next_rcpt;

	for (; i < msg->env->nrcpts; i++) {
		const struct verdict *v = answer_for(msg, i, &no_verdict);

		if (msg->env->rcpts[i].state == RCPT_WAITING &&
		    (v->class == VERDICT_NONE ||
			(v->class == VERDICT_LATER && v->stage <= STAGE_MAIL)))
			break;
	}
	return i;
}

/* The connection carried no more, and others are still to be asked: the attempt
 * goes on over another one, from *ret_next on.  This ends, because next_rcpt
 * grows each time. */
static bool
goes_on(
    const struct queue_message *msg, const struct verdict *v, size_t *ret_next)
{
	if (v->class != VERDICT_NONE)
		return false;
	*ret_next = first_unasked(msg);
	return *ret_next > msg->e->next_rcpt && *ret_next < msg->env->nrcpts;
}

static bool
is_sent_to_all(const struct queue_message *msg, const struct verdict *v)
{
	for (size_t i = 0; i < msg->env->nrcpts; i++)
		if (msg->env->rcpts[i].state != RCPT_SENT &&
		    (msg->env->rcpts[i].state != RCPT_WAITING ||
			answer_for(msg, i, v)->class != VERDICT_OK))
			return false;
	return true;
}

static void
take_all(struct queue_message *msg, const struct verdict *v)
{
	for (size_t i = 0; i < msg->env->nrcpts; i++) {
		struct rcpt *r = &msg->env->rcpts[i];

		if (r->state == RCPT_WAITING) {
			rcpt_set_verdict(r, answer_for(msg, i, v));
			r->is_news = true;
		}
		r->state = RCPT_SENT;
	}
}

/* Returns how long the queue has known the message. */
static int64_t
count_attempt(struct queue_message *msg)
{
	struct entry *e = msg->e;
	int64_t seen = entry_seen_ms(msg->q, e);

	if (e->attempts < UINT16_MAX)
		e->attempts++;
	entry_noted(e, seen);
	return seen;
}

static void
note_answers(struct queue_message *msg, const struct verdict *v)
{
	for (size_t i = 0; i < msg->env->nrcpts; i++)
		if (msg->env->rcpts[i].state == RCPT_WAITING)
			apply_verdict(msg, i, answer_for(msg, i, v));
}

/* The attempt is counted, and everybody who waited has an answer. */
static void
note_attempt(struct queue_message *msg, const struct verdict *v)
{
	struct queue *q = msg->q;
	int64_t seen = count_attempt(msg);

	/* What has been sent to all is removed: nobody would read the notes. */
	if (is_sent_to_all(msg, v)) {
		take_all(msg, v);
		return;
	}
	message_noted(
	    msg, journal_attempt(&msg->disk.notes, queue_wall(q), seen));
	note_answers(msg, v);
	msg->e->next_rcpt = 0;
}

/* Recipients that were deferred must not be asked again before the others. */
static void
note_part(struct queue_message *msg, const struct verdict *v, size_t next)
{
	int64_t now = queue_wall(msg->q);

	message_noted(msg, journal_mark(&msg->disk.notes, now, "", NULL, 0));
	note_answers(msg, v);
	msg->e->next_rcpt = (uint32_t)next;
	msg->e->times.next_ms = queue_now(msg->q);
	message_noted(msg, journal_next(&msg->disk.notes, now));
}

/* Only when the recipients' server itself says "later": a notice about a dead
 * account would wait behind the message it is about, and tell of a delay that
 * is over. */
static void
see_delay(struct queue_message *msg)
{
	struct queue *q = msg->q;
	struct entry *e = msg->e;

	if (e->is_delay_told || q->o.delay_notice_ms <= 0 ||
	    entry_age_ms(q, e) < q->o.delay_notice_ms)
		return;
	e->is_delay_told = true;
	msg->news.is_delayed = true;
	message_noted(msg, journal_delay_told(&msg->disk.notes, queue_wall(q)));
}

static void
hold(struct queue_message *msg, const char *why)
{
	entry_set_held(msg->q, msg->e, true);
	message_must_sync(msg);
	message_noted(
	    msg, journal_hold(&msg->disk.notes, queue_wall(msg->q), why));
}

/* To be sent again, which may be twice, or to wait for a person. */
static void
plan_uncertain(struct queue_message *msg, int64_t not_before_ms)
{
	if (!msg->q->o.policy.holds_uncertain) {
		plan_next(msg, not_before_ms);
		return;
	}
	hold(msg, msg->e->reason != NULL ? msg->e->reason->text : "");
	msg->news.is_held = true;
}

void
message_recover(struct queue_message *msg)
{
	struct queue *q = msg->q;
	int64_t seen = count_attempt(msg);

	message_noted(
	    msg, journal_attempt(&msg->disk.notes, queue_wall(q), seen));
	for (size_t i = 0; i < msg->env->nrcpts; i++) {
		const struct rcpt *r = &msg->env->rcpts[i];

		if (rcpt_is_in_doubt(r))
			message_noted(
			    msg, journal_rcpt(&msg->disk.notes, i, r));
	}
	plan_uncertain(msg, 0);
}

static bool
has_one_taken_it(const struct queue_message *msg)
{
	for (size_t i = 0; i < msg->env->nrcpts; i++)
		if (msg->attempt.answers[i] != NULL &&
		    msg->attempt.answers[i]->class == VERDICT_OK)
			return true;
	return false;
}

static void
tell_taken(struct queue_message *msg)
{
	void (*on_taken)(void *ctx) = msg->client.on_taken;
	void *taken_ctx = msg->client.taken_ctx;

	if (on_taken == NULL || !has_one_taken_it(msg))
		return;
	message_calls_taken(msg, NULL, NULL);
	on_taken(taken_ctx);
}

/* Only what is known of each recipient: the verdict that ends the delivery may
 * say something else of those without an answer. */
void
queue_claim_note(struct queue_claim *d)
{
	struct queue_message *msg = d->msg;
	bool must_sync = msg->disk.must_sync,
	     must_be_durable = msg->attempt.must_be_durable;

	tell_taken(msg);
	if (is_sent_to_all(msg, &no_verdict)) {
		message_write_done(msg);
		return;
	}
	for (size_t i = 0; i < msg->env->nrcpts; i++)
		if (msg->attempt.answers[i] != NULL &&
		    msg->env->rcpts[i].state == RCPT_WAITING &&
		    state_after(msg->attempt.answers[i]) != RCPT_WAITING)
			apply_verdict(msg, i, msg->attempt.answers[i]);
	entry_name_rcpt(msg->e, msg->env);
	/* Or the next transaction would wait for a sync that is due only at the
	 * end of the delivery. */
	msg->attempt.must_be_durable = must_be_durable;
	message_write_unsynced(msg, must_sync);
}

static void
end_tried(
    struct queue_message *msg, const struct verdict *v, int64_t not_before_ms)
{
	size_t next = 0;
	bool is_part = goes_on(msg, v, &next);

	if (is_part)
		note_part(msg, v, next);
	else
		note_attempt(msg, v);
	msg->e->is_uncertain = envelope_is_in_doubt(msg->env);
	if (msg->e->is_uncertain && msg->q->o.policy.holds_uncertain) {
		msg->attempt.result = RESULT_LATER;
		entry_set_verdict(
		    msg->q, msg->e, telling_verdict(msg, RCPT_WAITING));
		plan_uncertain(msg, 0);
		return;
	}
	if (envelope_waiting(msg->env) > 0 && entry_is_expired(msg->q, msg->e))
		expire_rcpts(msg);
	if (envelope_waiting(msg->env) == 0) {
		finish(msg);
		/* The answer to the end of the message says more than that to
		 * RCPT. */
		if (msg->attempt.result == RESULT_SENT &&
		    v->class == VERDICT_OK)
			msg->attempt.verdict = *v;
		return;
	}
	msg->attempt.result = RESULT_LATER;
	entry_set_verdict(msg->q, msg->e, telling_verdict(msg, RCPT_WAITING));
	if (!is_part)
		plan_next(msg, not_before_ms);
	see_delay(msg);
}

static bool
may_refuse(const struct queue_message *msg)
{
	return msg->client.state == CLIENT_WAITING &&
	       msg->client.mode == QUEUE_MODE_VERDICT &&
	       count_state(msg->env, RCPT_SENT) == 0;
}

/* Too old or not: who is told to mend a setting gets the time to do it. */
static void
end_held(struct queue_message *msg, const struct verdict *v)
{
	struct queue *q = msg->q;
	struct entry *e = msg->e;
	struct diagnosis d;
	struct buf why;
	struct verdict later = *v;

	later.class = VERDICT_LATER;
	note_attempt(msg, &later);
	if (envelope_waiting(msg->env) == 0) {
		finish(msg);
		return;
	}
	msg->attempt.result = RESULT_LATER;
	msg->attempt.verdict = *v;
	if (may_refuse(msg)) {
		msg->attempt.is_refused = true;
		return;
	}
	d = diagnosis_of(v);
	buf_init(&why, DIAGNOSIS_REASON_MAX);
	diagnosis_reason(v, &d, &why);
	entry_set_reason(q, e, buf_str(&why));
	buf_clear(&why);
	e->is_uncertain = envelope_is_in_doubt(msg->env);
	hold(msg, e->reason->text);
}

static bool
is_answer_missing(const struct queue_message *msg)
{
	for (size_t i = 0; i < msg->env->nrcpts; i++)
		if (msg->attempt.uncertain[i])
			return true;
	return false;
}

static void
end_untried(
    struct queue_message *msg, const struct verdict *v, int64_t not_before_ms)
{
	struct queue *q = msg->q;
	struct entry *e = msg->e;
	int64_t now = queue_now(q), seen = entry_seen_ms(q, e);

	msg->attempt.result = RESULT_UNTRIED;
	e->times.next_ms = not_before_ms > now ? not_before_ms : now;
	entry_set_verdict(q, e, v);
	if (msg->attempt.uncertain != NULL && !is_answer_missing(msg))
		message_noted(msg,
		    journal_mark(&msg->disk.notes, queue_wall(q), "", NULL, 0));
	/* So that restarts do not keep a message young for ever. */
	if (entry_must_note(q, e)) {
		entry_noted(e, seen);
		message_noted(
		    msg, journal_seen(&msg->disk.notes, queue_wall(q), seen));
	}
}

void
queue_claim_end(struct queue_claim *d, enum queue_end how,
    const struct verdict *v, int64_t not_before_ms,
    void (*on_durable)(void *ctx), void *ctx)
{
	struct queue_message *msg = d->msg;

	assert(msg->attempt.is_active);
	if (v == NULL)
		v = &no_verdict;
	if (msg->body.loaded != NULL && msg->body.loaded->is_damaged) {
		struct err why;

		/* Found by reading, which comes before any offer. */
		assert(msg->disk.job == NULL);
		err_set(&why, ERR_DISK, "its checksum is wrong");
		message_drop_answers(msg);
		message_end_attempt(msg);
		message_cannot_load(msg, STORE_DAMAGED, &why);
		if (on_durable != NULL)
			on_durable(ctx);
		return;
	}
	message_end_attempt(msg);
	message_set_stale(msg);
	msg->attempt.on_marked = NULL;
	if (message_attempt_over(msg))
		msg->attempt.must_be_durable = true;
	msg->attempt.on_durable = on_durable;
	msg->attempt.durable_ctx = ctx;
	switch (how) {
	case QUEUE_END_TRIED:
		end_tried(msg, v, not_before_ms);
		break;
	case QUEUE_END_HELD:
		end_held(msg, v);
		break;
	case QUEUE_END_UNTRIED:
		end_untried(msg, v, not_before_ms);
		break;
	}
	message_tell_ended(msg);
	entry_name_rcpt(msg->e, msg->env);
	message_drop_answers(msg);
	if (msg->attempt.result == RESULT_SENT)
		head_start_sent(msg);
	head_start_attempt_over(msg);
	message_advance(msg);
}

/* --- calling back -------------------------------------------------------- */

static void
tell_durable(struct queue_message *msg, struct attempt_calls *c)
{
	bool is_written = msg->disk.job == NULL &&
			  msg->disk.state == DISK_SAFE &&
			  (buf_len(&msg->disk.notes) == 0 ||
			      msg->disk.is_unsaved || msg->is_lost);

	if (msg->attempt.on_durable == NULL || msg->attempt.is_active ||
	    (msg->attempt.must_be_durable && msg->disk.state != DISK_LOST &&
		!is_written))
		return;
	c->on_durable = msg->attempt.on_durable;
	c->durable_ctx = msg->attempt.durable_ctx;
	msg->attempt.on_durable = NULL;
	msg->attempt.must_be_durable = false;
}

static void
tell_marked(struct queue_message *msg, struct attempt_calls *c)
{
	if (msg->attempt.on_marked == NULL || msg->disk.mark != MARK_NONE)
		return;
	c->on_marked = msg->attempt.on_marked;
	c->marked_ctx = msg->attempt.marked_ctx;
	msg->attempt.on_marked = NULL;
}

void
message_tell_attempt(struct queue_message *msg, struct attempt_calls *c)
{
	tell_durable(msg, c);
	tell_marked(msg, c);
}
