/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/delivery_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "mail/diagnosis.h"
#include "mail/envelope.h"
#include "queue/queue.h"

enum { LOGGED_RCPTS_MAX = 5, HEAD_MAX = 64 * 1024 };

static bool
is_hold(const struct delivery *d, const struct verdict *v)
{
	return d->hold.verdict.class != VERDICT_NONE &&
	       v->class == VERDICT_LATER && v->code == d->hold.verdict.code &&
	       strcmp(v->text, d->hold.verdict.text) == 0;
}

static const char *
class_word(const struct delivery *d, const struct verdict *v)
{
	static const char *words[] = {
		[VERDICT_NONE] = "untried",
		[VERDICT_OK] = "sent",
		[VERDICT_LATER] = "deferred",
		[VERDICT_NEVER] = "failed",
	};

	if (is_hold(d, v))
		return "held";
	return v->is_uncertain ? "uncertain" : words[v->class];
}

static void
log_submitter(struct log_line *l, const struct envelope *e)
{
	if (e->user != NULL)
		log_str(l, "user", e->user);
	else if (uid_is_known(e->uid))
		log_num(l, "uid", e->uid);
	else
		log_str(l, "peer", e->peer);
}

static bool
same_answer(const struct verdict *a, const struct verdict *b)
{
	return a->class == b->class && a->code == b->code &&
	       a->is_uncertain == b->is_uncertain &&
	       strcmp(a->text, b->text) == 0;
}

/* The identity that the provider saw, if it differs from what was submitted. */
static void
log_identity(struct log_line *l, const struct delivery *d)
{
	const struct identity_result *id = content_identity(d->content);

	if ((id->changed & IDENTITY_CHANGED_ENVELOPE) != 0)
		log_addr(l, "as", id->sender);
	if ((id->changed & IDENTITY_CHANGED_FROM) != 0)
		log_addr(l, "header_from_was", id->old_from);
	if (content_is_repaired(d->content))
		log_str(l, "body", "re-encoded");
}

static void
log_advice(struct log_line *l, const struct delivery *d, const struct answer *a)
{
	const struct diagnosis *meaning = &a->meaning;

	/* The courier reports what is wrong with the session. */
	if (d->is_void && a->verdict.class == VERDICT_LATER)
		return;
	if (meaning->act != DIAGNOSIS_NONE && meaning->cause[0] != '\0')
		log_sentence(l, "cause", meaning->cause);
	if (meaning->act != DIAGNOSIS_NONE && meaning->remedy[0] != '\0')
		log_sentence(l, "remedy", meaning->remedy);
}

/* One line for all recipients that got the same answer as recipient i. */
static void
log_group(const struct delivery *d, size_t i)
{
	const struct verdict *v = answers_verdict(&d->answers, i);
	const struct envelope *e = d->env;
	char text[NUM_TEXT_SIZE];
	struct log_line l;
	size_t n = 0;

	log_begin(&l,
	    v->class == VERDICT_OK ? LOG_LEVEL_INFO
	    : is_hold(d, v)        ? LOG_LEVEL_ERROR
				   : LOG_LEVEL_WARNING,
	    class_word(d, v));
	log_str(&l, "id", e->id);
	log_submitter(&l, e);
	log_addr(&l, "from", e->sender);
	log_identity(&l, d);
	for (size_t k = i; k < e->nrcpts; k++)
		if (same_answer(v, answers_verdict(&d->answers, k)) &&
		    n++ < LOGGED_RCPTS_MAX)
			log_addr(&l, "to", e->rcpts[k].addr);
	if (n > 1)
		log_num(&l, "nrcpts", (int64_t)n);
	log_str(&l, "account", d->opts->name);
	log_str(&l, "remote", d->remote->who);
	log_str(&l, "tls", d->remote->tls[0] != '\0' ? d->remote->tls : "none");
	log_num(&l, "code", v->code);
	log_str(&l, "reply", v->text);
	log_advice(&l, d, answers_get(&d->answers, i));
	log_str(&l, "delay",
	    num_duration_text(
		clock_wall_ms(loop_clock(d->pool->loop)) - e->arrived_s * 1000,
		text));
	log_num(&l, "took_ms", delivery_now_ms(d) - d->began_ms);
	log_num(&l, "attempt", queue_claim_attempts(d->qd) + 1);
	log_end(&l);
}

static void
log_outcome(const struct delivery *d)
{
	for (size_t i = 0; i < d->env->nrcpts; i++) {
		bool is_told = false;

		if (answers_verdict(&d->answers, i)->class == VERDICT_NONE)
			continue;
		for (size_t k = 0; k < i && !is_told; k++)
			is_told = same_answer(answers_verdict(&d->answers, k),
			    answers_verdict(&d->answers, i));
		if (!is_told)
			log_group(d, i);
	}
}

static enum account_deferral
deferral_of(const struct delivery *d, const struct answer *a)
{
	static const enum account_deferral of_acts[] = {
		[DIAGNOSIS_RECONNECT] = ACCOUNT_DEFERRED_CONNECTION,
		[DIAGNOSIS_PAUSE] = ACCOUNT_DEFERRED_CONNECTION,
		[DIAGNOSIS_QUOTA] = ACCOUNT_DEFERRED_LIMIT,
		[DIAGNOSIS_NEXT_MECHANISM] = ACCOUNT_DEFERRED_LOGIN,
		[DIAGNOSIS_HOLD_ACCOUNT] = ACCOUNT_DEFERRED_LOGIN,
		[DIAGNOSIS_FAIL] = ACCOUNT_DEFERRED_MESSAGE, /* as all others */
	};

	if (is_hold(d, &a->verdict))
		return ACCOUNT_DEFERRED_HELD;
	return a->verdict.code == 0 ? ACCOUNT_DEFERRED_CONNECTION
				    : of_acts[a->meaning.act];
}

static void
count_deferred(const struct delivery *d)
{
	for (size_t i = 0; i < d->env->nrcpts; i++)
		if (answers_verdict(&d->answers, i)->class == VERDICT_LATER)
			account_deferred(d->pool->account,
			    deferral_of(d, answers_get(&d->answers, i)), 1);
}

/* A partial result must be durable before any courier takes more work. */
static bool
is_partial(const struct delivery *d)
{
	bool has_ok = false, has_other = false;

	for (size_t i = 0; i < d->env->nrcpts; i++) {
		/* Decided before this delivery. */
		if (d->env->rcpts[i].state != RCPT_WAITING &&
		    answers_verdict(&d->answers, i)->class == VERDICT_NONE)
			continue;
		if (answers_verdict(&d->answers, i)->class == VERDICT_OK)
			has_ok = true;
		else
			has_other = true;
	}
	return has_ok && has_other;
}

/* The connection broke, or was broken off, while this message was being
 * answered: it may be the cause. */
static bool
broke_it(const struct answer *a)
{
	const struct verdict *v = &a->verdict;

	return v->class == VERDICT_LATER &&
	       (v->code == 0 || v->code == 421 ||
		   a->meaning.act == DIAGNOSIS_RECONNECT) &&
	       (v->stage == STAGE_MAIL || v->stage == STAGE_RCPT ||
		   v->stage == STAGE_DATA || v->stage == STAGE_END);
}

/* Sets d->blame.  True: the message is charged with the attempt.
 *
 * A message that breaks every connection must not be the first on each (R49):
 * it waits like one that was deferred.  A single break at MAIL does not count,
 * because the server may just have closed an idle connection; nor does the end
 * of a connection that has reached its limit. */
static bool
judge_suspicion(struct delivery *d)
{
	bool is_spent = d->remote->is_spent;

	for (size_t i = 0; i < d->env->nrcpts; i++) {
		const struct answer *a = answers_get(&d->answers, i);
		enum verdict_stage stage = a->verdict.stage;

		if (!broke_it(a))
			continue;
		if (is_spent && stage != STAGE_END)
			return false;
		pool_suspects(d->pool, d->qd);
		d->blame = pool_is_known_cause(d->pool, d->qd)
			       ? DELIVERY_CAUSE
			       : DELIVERY_SUSPECTED;
		if (a->meaning.act == DIAGNOSIS_RECONNECT)
			return d->blame == DELIVERY_CAUSE;
		return d->was_suspect || (stage != STAGE_MAIL && !is_spent);
	}
	return false;
}

/* Reports the answers to the account, which may pause or be held.  True: the
 * trouble is the account's and no answer is final, so nothing is charged to the
 * message. */
static bool
report_answers(struct delivery *d)
{
	bool is_account = !judge_suspicion(d);

	for (size_t i = 0; i < d->env->nrcpts; i++) {
		const struct answer *a = answers_get(&d->answers, i);
		const struct verdict *v = &a->verdict;

		if (v->class == VERDICT_NONE)
			continue;
		/* The courier reports a lost connection; one that has reached
		 * its limit is no trouble. */
		if (v->is_uncertain ||
		    (!(d->is_void && v->class == VERDICT_LATER) &&
			!(v->code == 0 && broke_it(a)) &&
			!(v->code == 421 && d->remote->is_spent) &&
			!pool_report_answer(d->pool, d->opts, a, d->qd)))
			is_account = false;
	}
	return is_account;
}

static bool
wants_relayed(const struct delivery *d)
{
	for (size_t i = 0; i < d->env->nrcpts; i++)
		if (answers_verdict(&d->answers, i)->class == VERDICT_OK &&
		    (d->env->rcpts[i].notify & DSN_NOTIFY_SUCCESS) != 0)
			return true;
	return false;
}

/* RFC 3461 5.2.2: NOTIFY=SUCCESS ends here, and its sender is told. */
static void
tell_relayed(const struct delivery *d)
{
	const struct outbound_hooks *hooks = d->pool->hooks;
	struct envelope *env;
	char *head;
	size_t n = 0;

	if (d->has_dsn || hooks->relayed == NULL || !wants_relayed(d))
		return;
	env = envelope_dup(d->env);
	for (size_t i = 0; i < env->nrcpts; i++) {
		struct rcpt *r = &env->rcpts[i];

		/* Earlier attempts have reported theirs. */
		r->state = answers_verdict(&d->answers, i)->class == VERDICT_OK
			       ? RCPT_SENT
			       : RCPT_WAITING;
		if (r->state == RCPT_SENT)
			rcpt_set_verdict(r, answers_verdict(&d->answers, i));
	}
	head = xmalloc(HEAD_MAX);
	/* A notice without the header is better than none. */
	IGNORE(queue_claim_read(d->qd, 0, head, HEAD_MAX, &n, NULL));
	hooks->relayed(hooks->ctx, env, bytes_of(head, n));
	free(head);
	envelope_free(env);
}

/* This message waits for a person. */
static void
alert_held(const struct pool *p, const char *id, const char *why)
{
	struct queue_item it;
	char text[ENVELOPE_ID_SIZE + DIAGNOSIS_REASON_MAX + 2];

	/* A client that waited has been told. */
	if (!queue_find(p->queue, id, &it) || it.state != QUEUE_STATE_HELD)
		return;
	(void)snprintf(text, sizeof(text), "%s: %s", id, why);
	account_alert(p->account, "message-held", text);
}

static void
end_held(struct delivery *d, bool must_settle)
{
	char id[ENVELOPE_ID_SIZE];
	struct buf why;

	memcpy(id, d->env->id, sizeof(id));
	buf_init(&why, DIAGNOSIS_REASON_MAX);
	diagnosis_reason(&d->hold.verdict, &d->hold.meaning, &why);
	queue_claim_end(d->qd, QUEUE_END_HELD, &d->hold.verdict, 0,
	    must_settle ? pool_settled : NULL, d->pool);
	alert_held(d->pool, id, buf_str(&why));
	buf_clear(&why);
}

enum delivery_blame
delivery_end(struct delivery *d, const struct verdict *v)
{
	bool must_settle = is_partial(d) || queue_syncs_each(d->pool->queue);
	enum delivery_blame blame;
	bool untried;

	/* Written before it is logged, so that a kill cannot undo it. */
	queue_claim_note(d->qd);
	log_outcome(d);
	count_deferred(d);
	tell_relayed(d);
	untried = report_answers(d) && (v == NULL || v->stage != STAGE_LOCAL);
	if (d->is_sent)
		pool_sent(d->pool, d->opts);
	if (must_settle && !untried)
		pool_settling(d->pool);
	if (untried)
		queue_claim_end(d->qd, QUEUE_END_UNTRIED, NULL, 0, NULL, NULL);
	else if (d->hold.verdict.class != VERDICT_NONE)
		end_held(d, must_settle);
	else
		queue_claim_end(d->qd, QUEUE_END_TRIED, v, 0,
		    must_settle ? pool_settled : NULL, d->pool);
	list_remove(&d->link);
	for (size_t i = 0; i < d->naddrs; i++)
		free(d->addrs[i]);
	free(d->addrs);
	free(d->sender);
	content_free(d->content);
	account_opts_free(d->opts);
	free(d->rcpts);
	free(d->index);
	free(d->offered);
	answers_clear(&d->answers);
	blame = d->blame;
	free(d);
	return blame;
}
