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
is_refused(const struct incoming *in)
{
	return in->refusal.class != VERDICT_NONE;
}

void
incoming_refuse(
    struct incoming *in, int code, const char *enhanced, const char *text)
{
	if (is_refused(in))
		return;
	verdict_local(&in->refusal, code < 500 ? VERDICT_LATER : VERDICT_NEVER,
	    STAGE_LOCAL, code, enhanced, text);
}

static void
refuse_for_disk(struct incoming *in, const struct err *err)
{
	log_text(LOG_LEVEL_ERROR, "refused a message of %s with 452: %s",
	    in->env->peer, err->text);
	incoming_refuse(
	    in, 452, "4.3.1", "the spool cannot keep this message now");
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
	struct incoming *in = xcalloc(1, sizeof(*in));
	int64_t wall_ms = clock_wall_ms(clock);

	in->shared = sh;
	in->env = env;
	in->hostname = xstrdup(sh->opts.hostname);
	in->locals = sh->opts.locals;
	in->draft = queue_draft_new(sh->queue);
	(void)snprintf(
	    env->id, sizeof(env->id), "%s", queue_draft_id(in->draft));
	env->arrived_s = wall_ms / 1000;
	in->facts = (struct intake_facts) {
		.env = env,
		.hostname = in->hostname,
		.with = with,
		.wall_ms = wall_ms,
		.utc_offset_s = clock_utc_offset_s(clock, wall_ms),
		.full_name = by->full_name,
		.hide_submitter = sh->opts.hide_submitter,
		.locals = &in->locals,
		.is_here = is_here,
		.ctx = sh->queue,
		.fold_key = queue_fold_key(sh->queue),
	};
	in->intake = intake_new(&in->facts);
	return in;
}

void
incoming_free(struct incoming *in)
{
	if (in == NULL)
		return;
	intake_free(in->intake);
	queue_draft_free(in->draft);
	free(in->hostname);
	free(in);
}

/* --- the road ------------------------------------------------------------- */

/* Moves what the intake has ready into the draft. */
static void
drain(struct incoming *in)
{
	struct err err;
	const void *p;
	size_t n;

	while ((n = intake_peek(in->intake, &p)) > 0) {
		if (!is_refused(in) &&
		    queue_draft_write(in->draft, p, n, &err) != 0)
			refuse_for_disk(in, &err);
		in->env->size_bytes += n;
		intake_took(in->intake, n);
	}
}

void
incoming_put(struct incoming *in, struct bytes body)
{
	if (is_refused(in))
		return;
	if (!intake_put(in->intake, body.p, body.n))
		in->refusal = *intake_verdict(in->intake);
	drain(in);
}

/* The repairs that were guesses, once for each message. */
static void
log_notes(const struct incoming *in)
{
	unsigned notes = intake_seen(in->intake)->notes;
	struct log_line l;

	if (notes == 0)
		return;
	log_begin(&l, LOG_LEVEL_NOTICE, "repaired");
	log_str(&l, "id", in->env->id);
	for (unsigned n = 0; n < NOTE_COUNT; n++)
		if ((notes & NOTE_BIT(n)) != 0)
			log_str(&l, "what", note_text(n));
	log_end(&l);
}

/* The message is complete, so it is known which account it asks for and how
 * large it is. */
static void
check_account(struct incoming *in)
{
	const struct inbound_opts *o = &in->shared->opts;

	intake_mark(in->intake, in->env);
	if (!is_refused(in))
		IGNORE(o->refuses(o->ctx, in->env, &in->refusal));
}

static void
on_taken(void *ctx)
{
	incoming_log_accepted(ctx, "");
}

bool
incoming_offer(struct incoming *in, enum queue_mode mode,
    void (*told)(void *ctx, const struct queue_told *t), void *ctx)
{
	const struct inbound_shared *sh = in->shared;

	if (!is_refused(in) && !intake_end(in->intake))
		in->refusal = *intake_verdict(in->intake);
	drain(in);
	check_account(in);
	if (is_refused(in))
		return false;
	log_notes(in);
	queue_draft_end(in->draft, in->env, mode,
	    loop_now_ms(sh->loop) + sh->opts.verdict_ms, told, ctx);
	in->accepted = mode == QUEUE_MODE_ACCEPTED ? "picked-up" : "accepted";
	queue_draft_on_taken(in->draft, on_taken, in);
	return true;
}

const struct verdict *
incoming_refusal(const struct incoming *in)
{
	return &in->refusal;
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
log_message(const struct incoming *in, const char *word, const char *into)
{
	const struct envelope *e = in->env;
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
	log_str(&l, "msgid", intake_seen(in->intake)->message_id);
	log_end(&l);
}

void
incoming_log_accepted(struct incoming *in, const char *into)
{
	if (in->is_accepted)
		return;
	log_message(in, in->accepted, into);
	in->shared->accepted++;
	in->is_accepted = true;
}

void
incoming_log_unheard(const struct incoming *in)
{
	log_message(in, "unheard", "");
}

void
incoming_log_refused(const struct incoming *in, const struct verdict *v)
{
	const struct envelope *e = in->env;
	struct log_line l;
	char *kind;

	log_begin(&l, LOG_LEVEL_NOTICE, "refused");
	log_str(&l, "id", e->id);
	log_who(&l, e);
	log_num(&l, "code", v->code);
	log_str(&l, "reason", v->text);
	if (v->who[0] != '\0')
		log_str(&l, "by", v->who);
	/* The submitter and the reason: a client can vary the sender, and no
	 * message depends on the line. */
	kind = xasprintf("refused %s %s %d %s %s", e->peer,
	    e->user != NULL ? e->user : "", v->code, v->text, v->who);
	log_end_as(&l, kind);
	free(kind);
}
