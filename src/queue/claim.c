/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/queue_core.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/xalloc.h"

/* --- content from the disk ------------------------------------------------ */

/* The whole of a small message, its checksum verified. */
static int
slurp(struct flight *fl, struct err *err)
{
	size_t size = (size_t)fl->env->size_bytes, n = 0;

	fl->bytes = xmalloc(size + 1);
	for (size_t at = 0; at == 0 || at < size; at += n) {
		if (fl->q->store->ops->message_read(fl->message, at,
			fl->bytes + at, size - at, &n, err) != 0)
			return -1;
		if (n == 0)
			break;
	}
	fl->q->store->ops->message_free(fl->message);
	fl->message = NULL;
	return 0;
}

static void
cannot_load(struct flight *fl, enum store_result res, struct err *why)
{
	struct queue *q = fl->q;
	struct entry *e = fl->e;

	if (res == STORE_ERROR) { /* perhaps later */
		queue_trouble(q, e->id, why);
		if (fl->is_unsaved)
			flight_drop_message(fl);
		else
			flight_drop_content(fl);
		e->next_ms = queue_now(q) + QUEUE_UNREADABLE_MS;
		entry_wait(q, e);
		flight_advance(fl);
		return;
	}
	if (res == STORE_GONE) {
		err_set(
		    why, ERR_DISK, "somebody has removed it from the spool");
		queue_trouble(q, e->id, why);
	} else {
		if (res == STORE_UNFINISHED)
			err_set(why, ERR_DISK, "it has become shorter");
		queue_set_aside(
		    q, e->in_failed ? STORE_FAILED : STORE_QUEUE, e->id, why);
	}
	entry_free(q, e);
}

bool
flight_load(struct flight *fl, bool with_body)
{
	struct err err;
	struct store_message *m;
	enum store_result res;

	if (fl->env != NULL &&
	    (!with_body || fl->bytes != NULL || fl->draft != NULL))
		return true;
	res = fl->q->store->ops->load(fl->q->store,
	    fl->e->in_failed ? STORE_FAILED : STORE_QUEUE, fl->e->id, &m, &err);
	if (res != STORE_OK) {
		cannot_load(fl, res, &err);
		return false;
	}
	if (fl->message != NULL)
		fl->q->store->ops->message_free(fl->message);
	fl->message = m;
	if (fl->env == NULL) /* else it knows more than the disk */
		fl->env = store_message_take_envelope(m);
	if (with_body && fl->env->size_bytes <= QUEUE_MEMORY_MAX &&
	    slurp(fl, &err) != 0) {
		cannot_load(
		    fl, m->is_damaged ? STORE_DAMAGED : STORE_ERROR, &err);
		return false;
	}
	return true;
}

/* --- taking --------------------------------------------------------------- */

/* Those whose user has had enough for now step back on the way. */
static struct entry *
first_due(struct queue *q, int account)
{
	struct due_node *n;

	if (account < 0 || account >= q->naccounts)
		return NULL; /* one of before a reload */
	while (!removals_are_full(q) &&
	       (n = due_first(&q->accounts[account].due)) != NULL &&
	       n->due_ms <= queue_now(q)) {
		struct entry *e = list_entry(n, struct entry, node);

		if (!entry_is_put_off(q, e))
			return e;
	}
	return NULL;
}

bool
queue_has_due(struct queue *q, int account)
{
	return first_due(q, account) != NULL;
}

/* While something was due, queue_tick() did not look for what comes next. */
static void
note_taken(struct queue *q, int account)
{
	struct account *a = &q->accounts[account];

	a->is_woken = queue_has_due(q, account);
	if (!a->is_woken && due_first(&a->due) != NULL)
		queue_rescheduled(q);
}

size_t
queue_backlog(const struct queue *q, int account)
{
	return q->accounts[account].due.count;
}

struct queue_claim *
queue_take(struct queue *q, int account)
{
	struct entry *e;

	while ((e = first_due(q, account)) != NULL) {
		struct flight *fl = flight_get(q, e);

		entry_unwait(q, e);
		if (!flight_load(fl, true)) {
			note_taken(q, account);
			continue;
		}
		entry_begins(q, e);
		fl->is_active = true;
		entry_count(q, e);
		fl->result = RESULT_NONE;
		fl->answers = xcalloc(
		    fl->env->nrcpts, sizeof(struct verdict *));
		note_taken(q, account);
		return &fl->delivery;
	}
	if (account >= 0 && account < q->naccounts)
		q->accounts[account].is_woken = false;
	return NULL;
}

const struct envelope *
queue_claim_envelope(const struct queue_claim *d)
{
	return d->fl->env;
}

int
queue_claim_attempts(const struct queue_claim *d)
{
	return d->fl->e->attempts;
}

struct bytes
queue_claim_bytes(const struct queue_claim *d)
{
	return bytes_of(d->fl->bytes, (size_t)d->fl->env->size_bytes);
}

int
queue_claim_read(struct queue_claim *d, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err)
{
	struct flight *fl = d->fl;
	uint64_t size = fl->env->size_bytes;

	if (fl->bytes != NULL) {
		uint64_t left = at < size ? size - at : 0;

		if (n > left)
			n = (size_t)left;
		memcpy(p, fl->bytes + (left > 0 ? at : 0), n);
		*ret_n = n;
		return 0;
	}
	if (fl->draft != NULL)
		return fl->q->store->ops->draft_read(
		    fl->draft, at, p, n, ret_n, err);
	return fl->q->store->ops->message_read(
	    fl->message, at, p, n, ret_n, err);
}

/* --- giving back ---------------------------------------------------------- */

static void
set_answer(struct verdict **to, const struct verdict *v)
{
	if (*to == NULL)
		*to = xmalloc(sizeof(**to));
	**to = *v;
}

bool
queue_claim_offer(struct queue_claim *d, const size_t *rcpts, size_t n,
    const char *who, void (*noted)(void *ctx), void *ctx)
{
	struct flight *fl = d->fl;
	struct verdict v;

	assert(fl->is_active && fl->noted == NULL);
	verdict_unanswered(&v, who);
	set_answer(&fl->unanswered, &v);
	if (fl->offered == NULL)
		fl->offered = xcalloc(fl->env->nrcpts, sizeof(*fl->offered));
	for (size_t i = 0; i < n; i++)
		fl->offered[rcpts[i]] = true;
	flight_noted(
	    fl, journal_offer(&fl->notes, queue_wall(fl->q), who, rcpts, n));
	/* A kill leaves in the page cache what was written.  A power cut may
	 * take it, and then a person knows less; only where the note decides
	 * whether the message is sent again it is worth a sync. */
	if (fl->q->o.policy.holds_uncertain)
		fl->must_sync = true;
	fl->offer = OFFER_UNWRITTEN;
	flight_write_offer(fl);
	/* Where the disk has not got the message, nobody has been told that it
	 * is safe, and nobody will be before this note is there as well. */
	if (fl->offer != OFFER_WRITING)
		return true;
	fl->noted = noted;
	fl->noted_ctx = ctx;
	return false;
}

void
queue_claim_rcpt(struct queue_claim *d, size_t i, const struct verdict *v)
{
	assert(i < d->fl->env->nrcpts);
	set_answer(&d->fl->answers[i], v);
	if (d->fl->offered != NULL)
		d->fl->offered[i] = false;
}

static bool
same_verdict(const struct verdict *a, const struct verdict *b)
{
	return a != NULL && a->class == b->class && a->stage == b->stage &&
	       a->code == b->code && a->is_uncertain == b->is_uncertain &&
	       strcmp(a->enhanced, b->enhanced) == 0 &&
	       strcmp(a->text, b->text) == 0 && strcmp(a->who, b->who) == 0;
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

/* Notes only what is news: a retry that hears the same again writes nothing
 * about the recipient. */
static void
apply_verdict(struct flight *fl, size_t i, const struct verdict *v)
{
	struct rcpt *r = &fl->env->rcpts[i];
	enum rcpt_state was = r->state;

	r->state = state_after(v);
	if (r->state == was && same_verdict(r->last, v))
		return;
	if (v->class != VERDICT_NONE)
		rcpt_set_verdict(r, v);
	flight_noted(fl, journal_rcpt(&fl->notes, i, r));
	/* What has been decided must not be tried again. */
	if (r->state != RCPT_WAITING)
		fl->must_sync = fl->must_settle = true;
	if (r->state == RCPT_FAILED)
		fl->must_tell_failed = true;
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
telling_verdict(const struct flight *fl, enum rcpt_state state)
{
	for (size_t i = 0; i < fl->env->nrcpts; i++)
		if (fl->env->rcpts[i].state == state &&
		    fl->env->rcpts[i].last != NULL)
			return fl->env->rcpts[i].last;
	return NULL;
}

static void
expire_rcpts(struct flight *fl)
{
	char text[VERDICT_TEXT_MAX], age[NUM_TEXT_SIZE];
	struct envelope *env = fl->env;
	struct verdict v;

	for (size_t i = 0; i < env->nrcpts; i++) {
		const struct rcpt *r = &env->rcpts[i];

		if (r->state != RCPT_WAITING)
			continue;
		(void)snprintf(text, sizeof(text),
		    "not delivered within %s; last: %.400s",
		    num_duration_text(fl->q->o.lifetime_ms, age),
		    r->last != NULL ? r->last->text : "never tried");
		verdict_local(
		    &v, VERDICT_NEVER, STAGE_LOCAL, 554, "5.4.7", text);
		apply_verdict(fl, i, &v);
	}
}

static bool
has_file(const struct flight *fl)
{
	return fl->disk == DISK_SAFE || fl->disk == DISK_WRITING;
}

/* No recipient is left to try. */
static void
finish(struct flight *fl)
{
	bool none_sent = count_state(fl->env, RCPT_SENT) == 0;
	bool all_sent = count_state(fl->env, RCPT_FAILED) == 0;
	const struct verdict *v;

	fl->result = all_sent ? RESULT_SENT : RESULT_FAILED;
	v = telling_verdict(fl, all_sent ? RCPT_SENT : RCPT_FAILED);
	if (v != NULL)
		fl->verdict = *v;
	/* Nobody is told "accepted" about a mail that was refused while they
	 * waited, and who was told "refused" gets no bounce. */
	fl->is_refused = none_sent && fl->client == CLIENT_WAITING &&
			 fl->mode != QUEUE_MODE_ACCEPTED;
	/* What a kill must not undo has been written.  A duplicate is the worst
	 * that a power cut brings: no need to keep the connection waiting,
	 * unless somebody asked for it. */
	if (all_sent || none_sent)
		fl->must_settle = queue_syncs_each(fl->q) && has_file(fl);
	if (all_sent && fl->must_settle)
		flight_noted(fl, journal_done(&fl->notes, queue_wall(fl->q)));
	entry_set_verdict(fl->q, fl->e, v);
}

bool
queue_syncs_each(const struct queue *q)
{
	return q->o.policy.syncs_each;
}

void
flight_expire(struct flight *fl)
{
	expire_rcpts(fl);
	finish(fl);
	entry_name_rcpt(fl->e, fl->env);
	fl->is_unsaved = false;
	fl->must_settle = false;
}

static void
plan_next(struct flight *fl, int64_t not_before_ms)
{
	struct queue *q = fl->q;
	struct entry *e = fl->e;
	int64_t now = queue_now(q);

	e->next_ms = now + retry_wait_ms(&q->retry, e->attempts, q->o.rng);
	if (e->next_ms < not_before_ms)
		e->next_ms = not_before_ms;
	flight_noted(
	    fl, journal_next(&fl->notes, queue_wall(q) + e->next_ms - now));
}

static const struct verdict *
answer_for(const struct flight *fl, size_t i, const struct verdict *v)
{
	if (fl->answers[i] != NULL)
		return fl->answers[i];
	return v->class == VERDICT_NONE && fl->offered != NULL && fl->offered[i]
		   ? fl->unanswered
		   : v;
}

static bool
is_sent_to_all(const struct flight *fl, const struct verdict *v)
{
	for (size_t i = 0; i < fl->env->nrcpts; i++)
		if (fl->env->rcpts[i].state != RCPT_SENT &&
		    (fl->env->rcpts[i].state != RCPT_WAITING ||
			answer_for(fl, i, v)->class != VERDICT_OK))
			return false;
	return true;
}

static void
take_all(struct flight *fl, const struct verdict *v)
{
	for (size_t i = 0; i < fl->env->nrcpts; i++) {
		struct rcpt *r = &fl->env->rcpts[i];

		if (r->state == RCPT_WAITING)
			rcpt_set_verdict(r, answer_for(fl, i, v));
		r->state = RCPT_SENT;
	}
}

/* The attempt is counted, and everybody who waited has an answer. */
static void
note_attempt(struct flight *fl, const struct verdict *v)
{
	struct queue *q = fl->q;
	struct entry *e = fl->e;
	int64_t seen = entry_seen_ms(q, e);

	if (e->attempts < UINT16_MAX)
		e->attempts++;
	entry_noted(e, seen);
	/* What has been sent to all is removed: nobody would read the notes. */
	if (is_sent_to_all(fl, v)) {
		take_all(fl, v);
		return;
	}
	flight_noted(fl, journal_attempt(&fl->notes, queue_wall(q), seen));
	for (size_t i = 0; i < fl->env->nrcpts; i++)
		if (fl->env->rcpts[i].state == RCPT_WAITING)
			apply_verdict(fl, i, answer_for(fl, i, v));
}

/* Only when the recipients' server itself says "later": a notice about a dead
 * account would wait behind the message it is about, and tell of a delay that
 * is over. */
static void
see_delay(struct flight *fl)
{
	struct queue *q = fl->q;
	struct entry *e = fl->e;

	if (e->is_delay_told || q->o.delay_notice_ms <= 0 ||
	    entry_age_ms(q, e) < q->o.delay_notice_ms)
		return;
	e->is_delay_told = true;
	fl->must_tell_delayed = true;
	flight_noted(fl, journal_delay_told(&fl->notes, queue_wall(q)));
}

static void
hold(struct flight *fl, const char *why)
{
	fl->e->is_held = true;
	entry_count(fl->q, fl->e);
	fl->must_sync = true;
	flight_noted(fl, journal_hold(&fl->notes, queue_wall(fl->q), why));
}

/* To be sent again, which may be twice, or to wait for a person. */
static void
plan_uncertain(struct flight *fl, int64_t not_before_ms)
{
	if (!fl->q->o.policy.holds_uncertain) {
		plan_next(fl, not_before_ms);
		return;
	}
	hold(fl, fl->e->reason != NULL ? fl->e->reason->text : "");
	fl->must_tell_held = true;
}

void
flight_recover(struct flight *fl)
{
	struct queue *q = fl->q;
	struct entry *e = fl->e;
	int64_t seen = entry_seen_ms(q, e);

	if (e->attempts < UINT16_MAX)
		e->attempts++;
	entry_noted(e, seen);
	flight_noted(fl, journal_attempt(&fl->notes, queue_wall(q), seen));
	for (size_t i = 0; i < fl->env->nrcpts; i++) {
		const struct rcpt *r = &fl->env->rcpts[i];

		if (rcpt_is_in_doubt(r))
			flight_noted(fl, journal_rcpt(&fl->notes, i, r));
	}
	plan_uncertain(fl, 0);
}

static bool
has_one_taken_it(const struct flight *fl)
{
	for (size_t i = 0; i < fl->env->nrcpts; i++)
		if (fl->answers[i] != NULL &&
		    fl->answers[i]->class == VERDICT_OK)
			return true;
	return false;
}

static void
tell_taken(struct flight *fl)
{
	void (*taken)(void *ctx) = fl->taken;

	if (taken == NULL || !has_one_taken_it(fl))
		return;
	fl->taken = NULL;
	taken(fl->taken_ctx);
}

/* Only what is known of each recipient: the verdict that ends the delivery may
 * say something else of those without an answer. */
void
queue_claim_note(struct queue_claim *d)
{
	struct flight *fl = d->fl;
	bool must_sync = fl->must_sync, must_settle = fl->must_settle;
	static const struct verdict none;

	tell_taken(fl);
	if (is_sent_to_all(fl, &none)) {
		flight_write_done(fl);
		return;
	}
	for (size_t i = 0; i < fl->env->nrcpts; i++)
		if (fl->answers[i] != NULL &&
		    fl->env->rcpts[i].state == RCPT_WAITING &&
		    state_after(fl->answers[i]) != RCPT_WAITING)
			apply_verdict(fl, i, fl->answers[i]);
	/* Or the next transaction would wait for a sync that is due only at the
	 * end of the delivery. */
	fl->is_unsynced = fl->is_unsynced || fl->must_sync;
	entry_name_rcpt(fl->e, fl->env);
	fl->must_sync = must_sync;
	fl->must_settle = must_settle;
	flight_write_notes(fl);
}

static void
end_tried(struct flight *fl, const struct verdict *v, int64_t not_before_ms)
{
	note_attempt(fl, v);
	fl->e->is_uncertain = envelope_is_in_doubt(fl->env);
	if (fl->e->is_uncertain && fl->q->o.policy.holds_uncertain) {
		fl->result = RESULT_LATER;
		entry_set_verdict(
		    fl->q, fl->e, telling_verdict(fl, RCPT_WAITING));
		plan_uncertain(fl, 0);
		return;
	}
	if (envelope_waiting(fl->env) > 0 && entry_is_expired(fl->q, fl->e))
		expire_rcpts(fl);
	if (envelope_waiting(fl->env) == 0) {
		finish(fl);
		/* The answer to the end of the message says more than that to
		 * RCPT. */
		if (fl->result == RESULT_SENT && v->class == VERDICT_OK)
			fl->verdict = *v;
		return;
	}
	fl->result = RESULT_LATER;
	entry_set_verdict(fl->q, fl->e, telling_verdict(fl, RCPT_WAITING));
	plan_next(fl, not_before_ms);
	see_delay(fl);
}

static bool
may_refuse(const struct flight *fl)
{
	return fl->client == CLIENT_WAITING && fl->mode == QUEUE_MODE_VERDICT &&
	       count_state(fl->env, RCPT_SENT) == 0;
}

/* Too old or not: who is told to mend a setting gets the time to do it. */
static void
end_held(struct flight *fl, const struct verdict *v)
{
	struct queue *q = fl->q;
	struct entry *e = fl->e;
	struct diagnosis d;
	struct buf why;
	struct verdict later = *v;

	later.class = VERDICT_LATER;
	note_attempt(fl, &later);
	if (envelope_waiting(fl->env) == 0) {
		finish(fl);
		return;
	}
	fl->result = RESULT_LATER;
	fl->verdict = *v;
	if (may_refuse(fl)) {
		fl->is_refused = true;
		return;
	}
	d = diagnosis_of(v);
	buf_init(&why, DIAGNOSIS_REASON_MAX);
	diagnosis_reason(v, &d, &why);
	entry_set_reason(q, e, buf_str(&why));
	buf_clear(&why);
	e->is_uncertain = envelope_is_in_doubt(fl->env);
	hold(fl, e->reason->text);
}

static bool
is_answer_missing(const struct flight *fl)
{
	for (size_t i = 0; i < fl->env->nrcpts; i++)
		if (fl->offered[i])
			return true;
	return false;
}

static void
end_untried(struct flight *fl, const struct verdict *v, int64_t not_before_ms)
{
	struct queue *q = fl->q;
	struct entry *e = fl->e;
	int64_t now = queue_now(q), seen = entry_seen_ms(q, e);

	fl->result = RESULT_UNTRIED;
	e->next_ms = not_before_ms > now ? not_before_ms : now;
	entry_set_verdict(q, e, v);
	if (fl->offered != NULL && !is_answer_missing(fl))
		flight_noted(
		    fl, journal_offer(&fl->notes, queue_wall(q), "", NULL, 0));
	/* So that restarts do not keep a message young for ever. */
	if (entry_must_note(q, e)) {
		entry_noted(e, seen);
		flight_noted(fl, journal_seen(&fl->notes, queue_wall(q), seen));
	}
}

void
queue_claim_end(struct queue_claim *d, enum queue_end how,
    const struct verdict *v, int64_t not_before_ms, void (*settled)(void *ctx),
    void *ctx)
{
	static const struct verdict none;
	struct flight *fl = d->fl;

	assert(fl->is_active);
	if (v == NULL)
		v = &none;
	if (fl->message != NULL && fl->message->is_damaged) {
		struct err why;

		/* Found by reading, which comes before any offer. */
		assert(fl->job == NULL);
		err_set(&why, ERR_DISK, "its checksum is wrong");
		flight_drop_answers(fl);
		fl->is_active = false;
		entry_count(fl->q, fl->e);
		cannot_load(fl, STORE_DAMAGED, &why);
		if (settled != NULL)
			settled(ctx);
		return;
	}
	fl->is_active = false;
	entry_count(fl->q, fl->e);
	fl->is_fresh = false;
	fl->is_unsaved = false;
	fl->offer = OFFER_NONE;
	fl->noted = NULL;
	if (fl->is_unsynced)
		fl->must_sync = fl->must_settle = true;
	fl->is_unsynced = false;
	fl->settled = settled;
	fl->settled_ctx = ctx;
	switch (how) {
	case QUEUE_END_TRIED:
		end_tried(fl, v, not_before_ms);
		break;
	case QUEUE_END_HELD:
		end_held(fl, v);
		break;
	case QUEUE_END_UNTRIED:
		end_untried(fl, v, not_before_ms);
		break;
	}
	entry_name_rcpt(fl->e, fl->env);
	flight_drop_answers(fl);
	if (fl->result == RESULT_SENT)
		pace_sent(fl);
	pace_attempt_over(fl);
	flight_advance(fl);
}
