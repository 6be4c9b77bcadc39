/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inbound/reception.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "fixup/intake.h"
#include "net/loop.h"

enum { LOGGED_RCPTS_MAX = 5 };

struct reception {
	struct inbound_shared *shared;
	struct envelope *env;
	struct intake_facts facts; /* what intake borrows */
	struct intake *intake;
	struct queue_draft *draft;
	struct verdict refusal; /* class set: the rest is thrown away */
};

void
submitter_find(struct submitter *s, uint32_t uid)
{
	struct passwd pw, *found = NULL;
	char room[2048];

	*s = (struct submitter) { .uid = uid };
	if (uid == UID_UNKNOWN ||
	    getpwuid_r(uid, &pw, room, sizeof(room), &found) != 0 ||
	    found == NULL)
		return;
	s->user = xstrdup(found->pw_name);
	s->full_name = xstrndup(found->pw_gecos, strcspn(found->pw_gecos, ","));
}

void
submitter_clear(struct submitter *s)
{
	free(s->user);
	free(s->full_name);
	*s = (struct submitter) { .uid = UID_UNKNOWN };
}

/* --- refusing ------------------------------------------------------------- */

static bool
is_refused(const struct reception *r)
{
	return r->refusal.class != VERDICT_NONE;
}

void
reception_refuse(
    struct reception *r, int code, const char *enhanced, const char *text)
{
	if (is_refused(r))
		return;
	verdict_local(&r->refusal, code < 500 ? VERDICT_LATER : VERDICT_NEVER,
	    STAGE_LOCAL, code, enhanced, text);
}

static void
refuse_for_disk(struct reception *r, const struct err *err)
{
	log_text(LOG_LEVEL_ERROR, "refused a message of %s with 452: %s",
	    r->env->peer, err->text);
	reception_refuse(
	    r, 452, "4.3.1", "the spool cannot keep this message now");
}

/* --- life ----------------------------------------------------------------- */

struct reception *
reception_new(struct inbound_shared *sh, struct envelope *env,
    const struct submitter *by, const char *with)
{
	const struct clock *clock = loop_clock(sh->loop);
	struct reception *r = xcalloc(1, sizeof(*r));
	int64_t wall_ms = clock_wall_ms(clock);
	const char *why;

	r->shared = sh;
	r->env = env;
	r->draft = queue_draft_new(sh->queue);
	(void)snprintf(
	    env->id, sizeof(env->id), "%s", queue_draft_id(r->draft));
	env->arrived_s = wall_ms / 1000;
	r->facts = (struct intake_facts) {
		.env = env,
		.hostname = sh->opts.hostname,
		.with = with,
		.wall_ms = wall_ms,
		.utc_offset_s = clock_utc_offset_s(clock, wall_ms),
		.full_name = by->full_name,
		.hide_submitter = sh->opts.hide_submitter,
	};
	r->intake = intake_new(&r->facts);
	why = sh->opts.refuses(sh->opts.ctx, env);
	if (why != NULL)
		reception_refuse(r, 550, "5.7.1", why);
	return r;
}

void
reception_free(struct reception *r)
{
	if (r == NULL)
		return;
	intake_free(r->intake);
	queue_draft_free(r->draft);
	free(r);
}

/* --- the road ------------------------------------------------------------- */

/* Moves what the fix-ups have ready into the draft. */
static void
drain(struct reception *r)
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
reception_put(struct reception *r, struct bytes body)
{
	if (is_refused(r))
		return;
	if (!intake_put(r->intake, body.p, body.n))
		r->refusal = *intake_verdict(r->intake);
	drain(r);
}

bool
reception_offer(struct reception *r, enum queue_mode mode,
    void (*told)(void *ctx, const struct queue_told *t), void *ctx)
{
	const struct inbound_shared *sh = r->shared;

	if (!is_refused(r) && !intake_end(r->intake))
		r->refusal = *intake_verdict(r->intake);
	drain(r);
	if (is_refused(r))
		return false;
	if (intake_seen(r->intake)->has_8bit_body)
		r->env->is_8bit = true;
	queue_draft_end(r->draft, r->env, mode,
	    clock_boot_ms(loop_clock(sh->loop)) + sh->opts.verdict_ms, told,
	    ctx);
	return true;
}

const struct verdict *
reception_refusal(const struct reception *r)
{
	return &r->refusal;
}

/* --- the log -------------------------------------------------------------- */

static void
log_who(struct log_line *l, const struct envelope *e)
{
	log_str(l, "peer", e->peer);
	if (e->uid != UID_UNKNOWN)
		log_num(l, "uid", e->uid);
	if (e->user != NULL)
		log_str(l, "user", e->user);
	log_addr(l, "from", e->sender);
}

void
reception_log(const struct reception *r, const char *word)
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
	log_str(&l, "msgid", intake_seen(r->intake)->message_id);
	log_end(&l);
}

void
reception_log_refused(const struct reception *r, const struct verdict *v)
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
