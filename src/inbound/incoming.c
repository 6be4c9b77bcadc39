/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inbound/incoming.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "net/loop.h"
#include "net/people.h"
#include "rewrite/intake.h"
#include "rewrite/notes.h"

enum { LOGGED_RCPTS_MAX = 5 };

struct incoming {
	struct inbound_shared *shared;
	char *hostname; /* a reload may come while the message does */
	struct locals_opts locals;
	struct envelope *env;
	struct intake_facts facts; /* what intake borrows */
	struct intake *intake;
	struct queue_draft *draft;
	struct verdict refusal; /* class set: the rest is thrown away */
	const char *accepted; /* the log's word for it */
	bool is_accepted; /* and the log says so */
};

/* --- refusing ------------------------------------------------------------- */

static bool
is_refused(const struct incoming *r)
{
	return r->refusal.class != VERDICT_NONE;
}

void
incoming_refuse(
    struct incoming *r, int code, const char *enhanced, const char *text)
{
	if (is_refused(r))
		return;
	verdict_local(&r->refusal, code < 500 ? VERDICT_LATER : VERDICT_NEVER,
	    STAGE_LOCAL, code, enhanced, text);
}

static void
refuse_for_disk(struct incoming *r, const struct err *err)
{
	log_text(LOG_LEVEL_ERROR, "refused a message of %s with 452: %s",
	    r->env->peer, err->text);
	incoming_refuse(
	    r, 452, "4.3.1", "the spool cannot keep this message now");
}

/* --- life ----------------------------------------------------------------- */

static bool
is_here(void *ctx, const char *id)
{
	struct queue_item it;

	return queue_find(ctx, id, &it) && it.state != QUEUE_STATE_FAILED;
}

struct incoming *
incoming_new(struct inbound_shared *sh, struct envelope *env,
    const struct person *by, const char *with)
{
	const struct clock *clock = loop_clock(sh->loop);
	struct incoming *r = xcalloc(1, sizeof(*r));
	int64_t wall_ms = clock_wall_ms(clock);

	r->shared = sh;
	r->env = env;
	r->hostname = xstrdup(sh->opts.hostname);
	r->locals = sh->opts.locals;
	r->draft = queue_draft_new(sh->queue);
	(void)snprintf(
	    env->id, sizeof(env->id), "%s", queue_draft_id(r->draft));
	env->arrived_s = wall_ms / 1000;
	r->facts = (struct intake_facts) {
		.env = env,
		.hostname = r->hostname,
		.with = with,
		.wall_ms = wall_ms,
		.utc_offset_s = clock_utc_offset_s(clock, wall_ms),
		.full_name = by->full_name,
		.hide_submitter = sh->opts.hide_submitter,
		.locals = &r->locals,
		.is_here = is_here,
		.ctx = sh->queue,
		.likeness_key = queue_likeness_key(sh->queue),
	};
	r->intake = intake_new(&r->facts);
	return r;
}

void
incoming_free(struct incoming *r)
{
	if (r == NULL)
		return;
	intake_free(r->intake);
	queue_draft_free(r->draft);
	free(r->hostname);
	free(r);
}

/* --- the road ------------------------------------------------------------- */

/* Moves what the intake has ready into the draft. */
static void
drain(struct incoming *r)
{
	struct err err;
	const void *p;
	size_t n;

	while ((n = intake_peek(r->intake, &p)) > 0) {
		if (!is_refused(r) &&
		    queue_draft_write(r->draft, p, n, &err) != 0)
			refuse_for_disk(r, &err);
		r->env->size_bytes += n;
		intake_took(r->intake, n);
	}
}

void
incoming_put(struct incoming *r, struct bytes body)
{
	if (is_refused(r))
		return;
	if (!intake_put(r->intake, body.p, body.n))
		r->refusal = *intake_verdict(r->intake);
	drain(r);
}

/* The repairs that were guesses, once for each message. */
static void
log_notes(const struct incoming *r)
{
	unsigned notes = intake_seen(r->intake)->notes;
	struct log_line l;

	if (notes == 0)
		return;
	log_begin(&l, LOG_LEVEL_NOTICE, "repaired");
	log_str(&l, "id", r->env->id);
	for (unsigned n = 0; n < NOTE_COUNT; n++)
		if ((notes & NOTE_BIT(n)) != 0)
			log_str(&l, "what", note_text(n));
	log_end(&l);
}

/* The message is complete, so it is known which account it asks for and how
 * large it is. */
static void
check_account(struct incoming *r)
{
	const struct inbound_opts *o = &r->shared->opts;

	intake_mark(r->intake, r->env);
	if (!is_refused(r))
		IGNORE(o->refuses(o->ctx, r->env, &r->refusal));
}

static void
on_taken(void *ctx)
{
	incoming_log_accepted(ctx, "");
}

bool
incoming_offer(struct incoming *r, enum queue_mode mode,
    void (*told)(void *ctx, const struct queue_told *t), void *ctx)
{
	const struct inbound_shared *sh = r->shared;

	if (!is_refused(r) && !intake_end(r->intake))
		r->refusal = *intake_verdict(r->intake);
	drain(r);
	check_account(r);
	if (is_refused(r))
		return false;
	log_notes(r);
	queue_draft_end(r->draft, r->env, mode,
	    clock_boot_ms(loop_clock(sh->loop)) + sh->opts.verdict_ms, told,
	    ctx);
	r->accepted = mode == QUEUE_MODE_ACCEPTED ? "picked-up" : "accepted";
	queue_draft_on_taken(r->draft, on_taken, r);
	return true;
}

const struct verdict *
incoming_refusal(const struct incoming *r)
{
	return &r->refusal;
}

/* --- the log -------------------------------------------------------------- */

static void
log_who(struct log_line *l, const struct envelope *e)
{
	log_str(l, "peer", e->peer);
	if (uid_is_known(e->uid))
		log_num(l, "uid", e->uid);
	if (e->user != NULL)
		log_str(l, "user", e->user);
	log_addr(l, "from", e->sender);
}

static void
log_message(const struct incoming *r, const char *word, const char *into)
{
	const struct envelope *e = r->env;
	struct log_line l;

	log_begin(&l, LOG_LEVEL_INFO, word);
	log_str(&l, "id", e->id);
	log_who(&l, e);
	for (size_t i = 0; i < e->nrcpts && i < LOGGED_RCPTS_MAX; i++)
		log_addr(&l, "to", e->rcpts[i].addr);
	log_num(&l, "nrcpts", (int64_t)e->nrcpts);
	log_num(&l, "size", (int64_t)e->size_bytes);
	if (into[0] != '\0')
		log_str(&l, "into", into);
	log_str(&l, "msgid", intake_seen(r->intake)->message_id);
	log_end(&l);
}

void
incoming_log_accepted(struct incoming *r, const char *into)
{
	if (!r->is_accepted)
		log_message(r, r->accepted, into);
	r->is_accepted = true;
}

void
incoming_log_unheard(const struct incoming *r)
{
	log_message(r, "unheard", "");
}

void
incoming_log_refused(const struct incoming *r, const struct verdict *v)
{
	struct log_line l;

	log_begin(&l, LOG_LEVEL_NOTICE, "refused");
	log_str(&l, "id", r->env->id);
	log_who(&l, r->env);
	log_num(&l, "code", v->code);
	log_str(&l, "reason", v->text);
	if (v->who[0] != '\0')
		log_str(&l, "by", v->who);
	log_end(&l);
}
