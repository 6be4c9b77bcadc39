/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <config.h>

#include "relaisd/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account/accounts.h"
#include "base/budget.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/config_json.h"
#include "cred/cred.h"
#include "ctl/ctl_json.h"
#include "ctl/ctl_server.h"
#include "mail/diagnosis.h"
#include "mail/envelope.h"
#include "net/loop.h"
#include "net/peer.h"
#include "net/people.h"
#include "outbound/outbound.h"
#include "policy/fold.h"
#include "queue/queue.h"
#include "relaisd/attack.h"
#include "relaisd/confine.h"
#include "relaisd/control_check.h"
#include "relaisd/control_far.h"
#include "relaisd/control_log.h"
#include "relaisd/link.h"
#include "relaisd/recorder.h"
#include "relaisd/routing.h"
#include "relaisd/sign_in.h"
#include "store/journal_text.h"

struct control {
	struct control_opts opts;
	struct ctl_server *server;
	struct fars *fars;
	int64_t started_ms; /* boot clock */
};

static int64_t
now_ms(const struct control *c)
{
	return clock_boot_ms(loop_clock(c->opts.loop));
}

static int64_t
wall_ms(const struct control *c)
{
	return clock_wall_ms(loop_clock(c->opts.loop));
}

static const struct conf *
conf_of(const struct control *c)
{
	return routing_conf(c->opts.routing);
}

/* --- rights --------------------------------------------------------------- */

static bool
may_see(const struct ctl_call *call, const struct queue_item *it)
{
	return ctl_call_is_privileged(call) || it->uid == ctl_call_uid(call);
}

static bool
find_visible(struct control *c, const struct ctl_call *call, const char *id,
    struct queue_item *ret)
{
	return queue_find(c->opts.queue, id, ret) && may_see(call, ret);
}

/* --- messages as JSON ----------------------------------------------------- */

static const char *
state_name(enum queue_state s)
{
	static const char *const names[] = {
		[QUEUE_STATE_DUE] = "due",
		[QUEUE_STATE_ACTIVE] = "active",
		[QUEUE_STATE_HELD] = "held",
		[QUEUE_STATE_FAILED] = "failed",
	};

	return names[s];
}

/* A message waits for its account too: a paused or held one is the reason that
 * nothing happens, and when it tries again is when the message is tried. */
static bool
find_trouble(const struct control *c, int account, struct account_status *ret)
{
	return accounts_status(c->opts.accounts, account, ret) &&
	       ret->state != ACCOUNT_READY;
}

/* Seconds from now; -1: it waits for a person. */
static int64_t
next_try_s(const struct control *c, const struct queue_item *it)
{
	int64_t at_ms = it->next_try_ms, left_ms;
	struct account_status st;

	if (it->state == QUEUE_STATE_HELD || it->state == QUEUE_STATE_FAILED)
		return -1;
	if (it->state == QUEUE_STATE_DUE && find_trouble(c, it->account, &st) &&
	    st.until_ms > at_ms)
		at_ms = st.until_ms;
	if (at_ms == INT64_MAX)
		return -1;
	left_ms = at_ms - now_ms(c);
	return left_ms > 0 ? (left_ms + 999) / 1000 : 0;
}

/* What a provider replied to somebody's message is for those who may see all. */
static const char *
account_reason(const struct ctl_call *call, const struct account_status *st)
{
	return ctl_call_is_privileged(call) ? st->reason : st->told;
}

/* What was said about the message, else what is wrong with its account. */
static const char *
reason_of(const struct control *c, const struct ctl_call *call,
    const struct queue_item *it)
{
	struct account_status st;

	if (it->reason[0] == '\0' && it->state == QUEUE_STATE_DUE &&
	    find_trouble(c, it->account, &st))
		return account_reason(call, &st);
	return it->reason;
}

/* NULL: none. */
static const char *
account_name(const struct control *c, int account)
{
	struct account_status st;

	return accounts_status(c->opts.accounts, account, &st) ? st.name : NULL;
}

static json_t *
item_json(const struct control *c, const struct ctl_call *call,
    const struct queue_item *it)
{
	return ctl_json_message(&(struct ctl_message) {
	    .id = it->id,
	    .state = state_name(it->state),
	    .sender = it->sender,
	    .rcpt = it->rcpt,
	    .nrcpts = it->nrcpts,
	    .size_bytes = it->size_bytes,
	    .arrived_s = it->arrived_s,
	    .now_s = wall_ms(c) / 1000,
	    .next_s = next_try_s(c, it),
	    .account = account_name(c, it->account),
	    .attempts = it->attempts,
	    .uid = it->uid,
	    .is_uncertain = it->is_uncertain,
	    .reason = reason_of(c, call, it),
	});
}

/* --- queue ---------------------------------------------------------------- */

/* So many messages are looked at in one step, so that others have their turn. */
enum { STEP_MESSAGES = 500, STEP_CHANGES = 20, LISTING_TEXT_MAX = 200 };

struct listing {
	struct queue_walk *walk;
	unsigned states; /* bits; those that are wanted */
	char *pattern; /* NULL: any text */
	json_int_t left; /* so many more at most; below 0: no limit */
};

static void
listing_free(void *state)
{
	struct listing *l = state;

	queue_walk_free(l->walk);
	free(l->pattern);
	free(l);
}

static unsigned
states_wanted(const json_t *names)
{
	const json_t *name;
	unsigned states = 0;
	size_t i;

	json_array_foreach(names, i,
	    name) for (enum queue_state s = QUEUE_STATE_DUE;
		       s <= QUEUE_STATE_FAILED;
		       s++) if (str_eq(json_string_value(name), state_name(s)))
	    states |= 1U << s;
	return names != NULL ? states : ~0U;
}

static struct listing *
listing_new(struct control *c, const json_t *args)
{
	const char *text = ctl_json_string(args, "text");
	const json_t *limit = json_object_get(args, "limit");
	struct listing *l = xcalloc(1, sizeof(*l));

	l->walk = queue_walk_new(
	    c->opts.queue, json_is_true(json_object_get(args, "newest_first"))
			       ? QUEUE_NEWEST_FIRST
			       : QUEUE_OLDEST_FIRST);
	l->states = states_wanted(json_object_get(args, "states"));
	if (text != NULL)
		l->pattern = xasprintf("*%.*s*", LISTING_TEXT_MAX, text);
	l->left = json_is_integer(limit) ? json_integer_value(limit) : -1;
	return l;
}

static bool
is_wanted(const struct control *c, const struct ctl_call *call,
    const struct listing *l, const struct queue_item *it)
{
	const char *const texts[] = { it->id, it->sender, it->rcpt,
		account_name(c, it->account), reason_of(c, call, it) };

	if ((l->states >> it->state & 1) == 0)
		return false;
	if (l->pattern == NULL)
		return true;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i] != NULL && str_match(l->pattern, texts[i]))
			return true;
	return false;
}

/* Goes on where the last step stopped.  Messages that come meanwhile may be
 * missing: a listing is no promise. */
static void
on_queue(void *ctx, struct ctl_call *call)
{
	struct control *c = ctx;
	struct listing *l = ctl_call_state(call);
	struct queue_item it;
	bool is_over = false;
	json_t *item;

	if (l == NULL) {
		l = listing_new(c, ctl_call_args(call));
		ctl_call_keep(call, l, listing_free);
	}
	for (int i = 0; i < STEP_MESSAGES && !is_over &&
			ctl_call_has_room(call) && ctl_call_has_time(call);
	     i++) {
		is_over = l->left == 0 || !queue_walk_next(l->walk, &it);
		if (is_over || !may_see(call, &it) ||
		    !is_wanted(c, call, l, &it))
			continue;
		item = item_json(c, call, &it);
		ctl_call_item(call, item);
		json_decref(item);
		l->left -= l->left > 0;
	}
	if (is_over)
		ctl_call_done(call, NULL);
}

/* --- show ----------------------------------------------------------------- */

static json_t *
rcpts_json(const struct envelope *e)
{
	static const char *const states[] = {
		[RCPT_WAITING] = "waiting",
		[RCPT_SENT] = "sent",
		[RCPT_FAILED] = "failed",
	};
	json_t *all = json_array();
	static const struct verdict none;
	struct diagnosis advice;
	struct buf text;

	buf_init(&text, 4096);
	for (size_t i = 0; i < e->nrcpts; i++) {
		const struct rcpt *r = &e->rcpts[i];

		buf_reset(&text);
		if (r->last != NULL)
			verdict_text(r->last, &text);
		advice = diagnosis_of(r->last != NULL ? r->last : &none);
		(void)json_array_append_new(
		    all, json_pack("{s:o, s:s, s:b, s:o, s:s, s:s}", "address",
			     ctl_json_text(r->addr), "state", states[r->state],
			     "uncertain", rcpt_is_in_doubt(r), "verdict",
			     ctl_json_bytes(buf_bytes(&text)), "cause",
			     advice.cause, "remedy", advice.remedy));
	}
	buf_clear(&text);
	return all;
}

/* The journal, which ends at an empty line, as sentences with their times. */
static json_t *
history_json(const char *text, const struct envelope *e)
{
	json_t *all = json_array();
	struct buf sentence;
	int64_t at_ms = e->arrived_s * 1000;

	buf_init(&sentence, 4096);
	while (*text != '\0' && *text != '\n') {
		size_t n = strcspn(text, "\n");

		buf_reset(&sentence);
		if (journal_text(bytes_of(text, n), e, &sentence, &at_ms))
			(void)json_array_append_new(
			    all, json_pack("{s:I, s:o}", "time",
				     (json_int_t)(at_ms / 1000), "text",
				     ctl_json_bytes(buf_bytes(&sentence))));
		text += n + (text[n] == '\n');
	}
	buf_clear(&sentence);
	return all;
}

static json_t *
text_or_null(const char *s)
{
	return s != NULL ? ctl_json_text(s) : json_null();
}

static void
on_show(void *ctx, struct ctl_call *call)
{
	struct control *c = ctx;
	const char *id = ctl_json_string(ctl_call_args(call), "id");
	struct envelope *env = NULL;
	struct queue_item it;
	struct err err = { 0 };
	char *text = NULL;
	json_t *result;

	if (id == NULL || !find_visible(c, call, id, &it)) {
		ctl_call_refuse(
		    call, "no message %.40s", id != NULL ? id : "without id");
		return;
	}
	result = item_json(c, call, &it);
	if (queue_show(c->opts.queue, id, &env, &text, &err) != 0) {
		ctl_call_refuse(call, "%s", err.text);
		json_decref(result);
		return;
	}
	(void)json_object_set_new(result, "recipients", rcpts_json(env));
	(void)json_object_set_new(result, "user", text_or_null(env->user));
	(void)json_object_set_new(result, "peer", ctl_json_text(env->peer));
	(void)json_object_set_new(result, "helo", text_or_null(env->helo));
	(void)json_object_set_new(
	    result, "listener", text_or_null(env->listener));
	(void)json_object_set_new(result, "history", history_json(text, env));
	(void)json_object_set_new(result, "text", ctl_json_text(text));
	ctl_call_done(call, result);
	json_decref(result);
	envelope_free(env);
	free(text);
}

/* --- hold, release, retry, delete ----------------------------------------- */

struct change {
	/* False: not in this state. */
	bool (*apply)(struct queue *q, const char *id);
	unsigned states; /* what --all means */
	const char *cannot;
};

/* How far a request for many messages got. */
struct progress {
	struct queue_walk *walk; /* all of them; NULL: those that are named */
	size_t at; /* the next one of these */
	json_int_t done;
	json_t *failed;
};

static void
progress_free(void *state)
{
	struct progress *p = state;

	queue_walk_free(p->walk);
	json_decref(p->failed);
	free(p);
}

static struct progress *
progress_of(struct control *c, struct ctl_call *call, bool is_all)
{
	struct progress *p = ctl_call_state(call);

	if (p != NULL)
		return p;
	p = xcalloc(1, sizeof(*p));
	p->failed = json_array();
	if (is_all)
		p->walk = queue_walk_new(c->opts.queue, QUEUE_OLDEST_FIRST);
	ctl_call_keep(call, p, progress_free);
	return p;
}

/* A step of what somebody asks for all of them.  False: that was the last. */
static bool
change_some(struct control *c, const struct ctl_call *call,
    const struct change *change, struct progress *p)
{
	struct queue_item it;
	char id[ENVELOPE_ID_SIZE];

	for (int seen = 0, changed = 0;
	     seen < STEP_MESSAGES && changed < STEP_CHANGES; seen++) {
		if (!queue_walk_next(p->walk, &it))
			return false;
		if (!may_see(call, &it) ||
		    (change->states >> it.state & 1) == 0)
			continue;
		(void)snprintf(id, sizeof(id), "%s", it.id);
		p->done += change->apply(c->opts.queue, id);
		changed++;
	}
	return true;
}

/* The sentence for one id, or NULL if it was done. */
static const char *
change_one(struct control *c, const struct ctl_call *call,
    const struct change *change, const char *id)
{
	struct queue_item it;

	if (id == NULL || !find_visible(c, call, id, &it))
		return "no such message";
	if (!change->apply(c->opts.queue, id))
		return it.state == QUEUE_STATE_ACTIVE ? "is being delivered now"
						      : change->cannot;
	return NULL;
}

/* The same for those that are named. */
static bool
change_named(struct control *c, const struct ctl_call *call,
    const struct change *change, struct progress *p)
{
	const json_t *ids = json_object_get(ctl_call_args(call), "ids");

	for (int i = 0; i < STEP_CHANGES; i++, p->at++) {
		const char *name, *why;

		if (p->at >= json_array_size(ids))
			return false;
		name = json_string_value(json_array_get(ids, p->at));
		why = change_one(c, call, change, name);
		if (why == NULL)
			p->done++;
		else
			(void)json_array_append_new(
			    p->failed, json_pack("{s:o, s:s}", "id",
					   ctl_json_text(name), "error", why));
	}
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
	p = progress_of(c, call, is_all);
	if (is_all ? change_some(c, call, what, p)
		   : change_named(c, call, what, p))
		return; /* there is more */
	result = json_pack("{s:I, s:O}", "done", p->done, "failed", p->failed);
	ctl_call_done(call, result);
	json_decref(result);
}

static bool
hold_apply(struct queue *q, const char *id)
{
	return queue_hold(q, id, "held by a person");
}

enum {
	BIT_DUE = 1 << QUEUE_STATE_DUE,
	BIT_ACTIVE = 1 << QUEUE_STATE_ACTIVE,
	BIT_HELD = 1 << QUEUE_STATE_HELD,
	BIT_FAILED = 1 << QUEUE_STATE_FAILED
};

static void
on_hold(void *ctx, struct ctl_call *call)
{
	static const struct change what = { hold_apply, BIT_DUE | BIT_ACTIVE,
		"has failed already" };

	change(ctx, call, &what);
}

static void
on_release(void *ctx, struct ctl_call *call)
{
	static const struct change what = { queue_release, BIT_HELD,
		"is not held" };

	change(ctx, call, &what);
}

static void
on_retry(void *ctx, struct ctl_call *call)
{
	static const struct change what = { queue_retry,
		BIT_DUE | BIT_HELD | BIT_FAILED, "cannot be tried" };

	change(ctx, call, &what);
}

static void
on_delete(void *ctx, struct ctl_call *call)
{
	static const struct change what = { queue_delete,
		BIT_DUE | BIT_HELD | BIT_FAILED, "cannot be deleted now" };

	change(ctx, call, &what);
}

/* --- flush ---------------------------------------------------------------- */

/* An ordinary user's flush is a retry of what waits of his. */
static void
flush_own(struct control *c, struct ctl_call *call)
{
	static const struct change what = { queue_retry, BIT_DUE, "" };
	struct progress *p = progress_of(c, call, true);
	json_t *result;

	if (change_some(c, call, &what, p))
		return; /* there is more */
	result = json_pack("{s:I}", "done", p->done);
	ctl_call_done(call, result);
	json_decref(result);
}

static void
on_flush(void *ctx, struct ctl_call *call)
{
	struct control *c = ctx;
	const char *name = ctl_json_string(ctl_call_args(call), "account");
	int i = -1, account = -1;
	json_t *result;

	if (name != NULL) {
		if ((i = conf_account_find(conf_of(c), name)) < 0) {
			ctl_call_refuse(
			    call, "unknown account \"%.80s\"", name);
			return;
		}
		account = accounts_handle(c->opts.accounts, (size_t)i);
	}
	if (!ctl_call_is_privileged(call)) {
		flush_own(c, call);
		return;
	}
	queue_flush(c->opts.queue, account);
	accounts_flush(c->opts.accounts, account,
	    json_is_true(json_object_get(ctl_call_args(call), "gently")));
	result = json_pack(
	    "{s:I}", "done", (json_int_t)queue_count(c->opts.queue));
	ctl_call_done(call, result);
	json_decref(result);
}

/* --- login ---------------------------------------------------------------- */

static void
signed_in(void *ctx, int account)
{
	const struct control *c = ctx;
	struct account *a = accounts_at(c->opts.accounts, account);

	if (a != NULL)
		account_signed_in(a);
}

static void
on_login(void *ctx, struct ctl_call *call)
{
	struct control *c = ctx;
	struct conf *conf = (struct conf *)(uintptr_t)conf_of(c);
	const char *name = ctl_json_string(ctl_call_args(call), "account");
	int i = conf_account_find(conf, name != NULL ? name : "");
	struct sign_in_opts o = { .loop = c->opts.loop,
		.start = c->opts.sign_in,
		.start_ctx = c->opts.ctx,
		.done = signed_in,
		.done_ctx = c };

	if (ctl_call_state(call) != NULL) {
		sign_in_run(call, NULL);
		return;
	}
	if (i < 0) {
		ctl_call_refuse(call, "unknown account \"%.80s\"",
		    name != NULL ? name : "");
		return;
	}
	if (conf->accounts[i].secret.kind != CRED_OAUTH) {
		ctl_call_refuse(call,
		    "account %s has a password: set oauth and client_id to "
		    "sign in",
		    name);
		return;
	}
	o.conf = conf;
	o.account = (size_t)i;
	o.handle = accounts_handle(c->opts.accounts, (size_t)i);
	sign_in_run(call, &o);
}

/* --- how many of each account ---------------------------------------------- */

struct tally {
	struct queue_walk *walk;
	json_t *accounts; /* object: names to objects as in "queue" */
};

static void
tally_free(void *state)
{
	struct tally *t = state;

	queue_walk_free(t->walk);
	json_decref(t->accounts);
	free(t);
}

/* A message that no account can be named for is under "". */
static void
tally_add(struct control *c, struct tally *t, const struct queue_item *it)
{
	const char *name = account_name(c, it->account);
	json_t *of, *n;

	name = name != NULL ? name : "";
	of = json_object_get(t->accounts, name);
	if (of == NULL) {
		of = json_pack("{s:i, s:i, s:i, s:i}", "due", 0, "active", 0,
		    "held", 0, "failed", 0);
		(void)json_object_set_new(t->accounts, name, of);
	}
	n = json_object_get(of, state_name(it->state));
	(void)json_integer_set(n, json_integer_value(n) + 1);
}

/* A step of the count; NULL: there is more.  The queue keeps no such counts,
 * which would cost each message memory: they are wanted once a minute. */
static json_t *
tally_step(struct control *c, struct ctl_call *call)
{
	struct tally *t = ctl_call_state(call);
	struct queue_item it;

	if (t == NULL) {
		t = xcalloc(1, sizeof(*t));
		t->walk = queue_walk_new(c->opts.queue, QUEUE_OLDEST_FIRST);
		t->accounts = json_object();
		ctl_call_keep(call, t, tally_free);
	}
	for (int i = 0; i < STEP_MESSAGES && ctl_call_has_time(call); i++) {
		if (!queue_walk_next(t->walk, &it))
			return json_incref(t->accounts);
		if (may_see(call, &it))
			tally_add(c, t, &it);
	}
	return NULL;
}

/* --- status, config, version ---------------------------------------------- */

static json_t *
counts_json(const struct control *c, const struct ctl_call *call)
{
	struct queue_counts n;
	uint32_t uid = ctl_call_uid(call);
	struct fold_totals f;
	int64_t age_s = 0;

	if (ctl_call_is_privileged(call)) {
		queue_counts(c->opts.queue, &n);
		fold_totals(c->opts.fold, NULL, &f);
	} else {
		queue_counts_of(c->opts.queue, uid, &n);
		fold_totals(c->opts.fold, &uid, &f);
	}
	if (n.oldest_s != 0)
		age_s = wall_ms(c) / 1000 - n.oldest_s;
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "due",
	    (json_int_t)n.of[QUEUE_STATE_DUE], "active",
	    (json_int_t)n.of[QUEUE_STATE_ACTIVE], "held",
	    (json_int_t)n.of[QUEUE_STATE_HELD], "failed",
	    (json_int_t)n.of[QUEUE_STATE_FAILED], "oldest_age",
	    (json_int_t)(age_s > 0 ? age_s : 0), "folding",
	    (json_int_t)f.carriers, "folded", (json_int_t)f.folded);
}

/* NULL: it does not sign in. */
static json_t *
sign_in_json(const struct cred_facts *f)
{
	if (f == NULL)
		return NULL;
	return json_pack("{s:o, s:I, s:I, s:I}", "user", ctl_json_text(f->user),
	    "signed_in", (json_int_t)f->signed_in_s, "refreshed",
	    (json_int_t)f->refreshed_s, "ends", (json_int_t)f->ends_s);
}

static json_t *
deferred_json(const struct account_status *st)
{
	json_t *all = json_object();

	for (int i = 0; i < ACCOUNT_DEFERRALS; i++)
		(void)json_object_set_new(all, account_deferrals[i],
		    json_integer((json_int_t)st->deferred[i]));
	return all;
}

static json_t *
budgets_json(const struct control *c, int account)
{
	struct account *a = accounts_at(c->opts.accounts, account);
	struct budget_use uses[BUDGET_WINDOWS];
	size_t n = a != NULL ? account_budget(a, uses) : 0;
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(
		    all, json_pack("{s:s, s:I, s:I}", "window", uses[i].window,
			     "used", (json_int_t)uses[i].used, "max",
			     (json_int_t)uses[i].max));
	return all;
}

static json_t *
account_json(const struct control *c, const struct ctl_call *call, int account)
{
	static const char *const states[] = {
		[ACCOUNT_READY] = "ready",
		[ACCOUNT_PAUSED] = "paused",
		[ACCOUNT_HELD] = "held",
	};
	struct account_status st;
	json_t *next = json_null();
	json_t *ret;
	int64_t left_ms;

	if (!accounts_status(c->opts.accounts, account, &st))
		return json_null(); /* cannot be: it is in force */
	left_ms = st.until_ms - now_ms(c);
	if (st.state != ACCOUNT_READY && st.until_ms != INT64_MAX)
		next = json_integer(left_ms > 0 ? (left_ms + 999) / 1000 : 0);
	ret = json_pack("{s:o, s:o, s:s, s:o, s:o, s:I, s:o, s:I, s:I, s:o*}",
	    "name", ctl_json_text(st.name), "host", ctl_json_text(st.host),
	    "state", states[st.state], "reason",
	    ctl_json_text(account_reason(call, &st)), "next_try", next,
	    "connections",
	    (json_int_t)outbound_couriers(c->opts.outbound, account), "ports",
	    ctl_json_text(st.ports), "sent", (json_int_t)st.sent, "last_sent",
	    (json_int_t)st.last_sent_s, "sign_in", sign_in_json(st.token));
	(void)json_object_set_new(ret, "deferred", deferred_json(&st));
	(void)json_object_set_new(ret, "budgets", budgets_json(c, account));
	if (st.cert_until_s != 0)
		(void)json_object_set_new(ret, "certificate_ends",
		    json_integer((json_int_t)st.cert_until_s));
	return ret;
}

/* What the kernel denies the process that reads what strangers send. */
static json_t *
protections_json(const struct confine *c)
{
	json_t *all = json_array();

	for (size_t i = 0; i < CONFINE_KINDS; i++)
		(void)json_array_append_new(all,
		    json_pack("{s:s, s:b, s:s}", "name", confine_names[i],
			"holds", c->states[i].holds, "why", c->states[i].text));
	return all;
}

static json_t *
outcomes_json(const struct control *c)
{
	struct recorder_totals t;
	json_t *all = json_object(), *took = json_array();

	recorder_totals(c->opts.recorder, &t);
	for (int i = 0; i < HISTORY_STATES; i++)
		(void)json_object_set_new(all,
		    history_state_name((enum history_state)i),
		    json_integer((json_int_t)t.of[i]));
	for (int i = 0; i <= RECORDER_STEPS; i++)
		(void)json_array_append_new(took,
		    json_pack("{s:o, s:I}", "within",
			i < RECORDER_STEPS ? json_integer(recorder_steps[i])
					   : json_null(),
			"count", (json_int_t)t.took[i]));
	(void)json_object_set_new(all, "took", took);
	(void)json_object_set_new(
	    all, "took_sum", json_integer((json_int_t)t.took_s));
	return all;
}

/* NULL: the disk does not say. */
static json_t *
room_json(const struct control *c)
{
	struct err err = { 0 };
	uint64_t bytes;

	if (c->opts.store->ops->room(c->opts.store, &bytes, &err) != 0)
		return NULL;
	return json_integer((json_int_t)bytes);
}

static void
on_status(void *ctx, struct ctl_call *call)
{
	struct control *c = ctx;
	const struct accounts *all = c->opts.accounts;
	json_t *accounts, *result, *by_account = NULL;

	if (json_is_true(json_object_get(ctl_call_args(call), "by_account")) &&
	    (by_account = tally_step(c, call)) == NULL)
		return; /* there is more */
	accounts = json_array();
	for (size_t i = 0; i < accounts_count(all); i++)
		(void)json_array_append_new(
		    accounts, account_json(c, call, accounts_handle(all, i)));
	result = json_pack(
	    "{s:s, s:I, s:I, s:o, s:I, s:I, s:o, s:o, s:o, s:I, s:o*}",
	    "version", PACKAGE_VERSION, "pid", (json_int_t)c->opts.pid,
	    "worker", (json_int_t)getpid(), "protections",
	    protections_json(c->opts.confine), "uptime",
	    (json_int_t)((now_ms(c) - c->started_ms) / 1000), "sessions",
	    (json_int_t)c->opts.sessions(c->opts.ctx), "queue",
	    counts_json(c, call), "outcomes", outcomes_json(c), "accounts",
	    accounts, "accepted", (json_int_t)c->opts.accepted(c->opts.ctx),
	    "disk_free", room_json(c));
	if (by_account != NULL)
		(void)json_object_set_new(
		    json_object_get(result, "queue"), "by_account", by_account);
	ctl_call_done(call, result);
	json_decref(result);
}

static void
on_config(void *ctx, struct ctl_call *call)
{
	json_t *result = config_json(conf_of(ctx));

	ctl_call_done(call, result);
	json_decref(result);
}

static void
on_version(void *ctx, struct ctl_call *call)
{
	json_t *result = json_pack("{s:s}", "version", PACKAGE_VERSION);

	(void)ctx;
	ctl_call_done(call, result);
	json_decref(result);
}

/* --- looking as another user ---------------------------------------------- */

/* relais-web(8) runs as this user.  It shows people what they may see, and knows
 * from the kernel who they are. */
static const char web_user[] = "relais-web";

struct looker {
	struct ctl_call *call;
	struct people_ask *ask;
	bool is_known, may;
};

static void
looker_free(void *state)
{
	struct looker *l = state;

	people_forget(l->ask);
	free(l);
}

static void
on_looker(void *ctx, const struct person *who)
{
	struct looker *l = ctx;

	l->ask = NULL;
	l->is_known = true;
	l->may = str_eq(who->name, web_user);
	ctl_call_wake(l->call);
}

static void
on_as(void *ctx, struct ctl_call *call)
{
	struct control *c = ctx;
	const json_t *uid = json_object_get(ctl_call_args(call), "uid");
	struct looker *l = ctl_call_state(call);

	if (!json_is_integer(uid) || json_integer_value(uid) < 0 ||
	    json_integer_value(uid) >= UID_HIDDEN) {
		ctl_call_refuse(call, "expected the uid of a user");
	} else if (ctl_call_is_privileged(call) || (l != NULL && l->may)) {
		ctl_call_look_as(call, (uint32_t)json_integer_value(uid));
		ctl_call_done(call, NULL);
	} else if (l != NULL && l->is_known) {
		ctl_call_refuse(call,
		    "only root, the user of relaisd and %s may do this",
		    web_user);
	} else if (l == NULL) {
		l = xcalloc(1, sizeof(*l));
		l->call = call;
		ctl_call_keep(call, l, looker_free);
		ctl_call_wait(call);
		l->ask = people_ask(
		    c->opts.people, ctl_call_uid(call), on_looker, l);
	}
}

/* --- check, log, reload, stop --------------------------------------------- */

static void
on_check(void *ctx, struct ctl_call *call)
{
	struct control *c = ctx;

	control_check(call, c->opts.loop, c->opts.accounts, conf_of(c));
}

static void
on_log(void *ctx, struct ctl_call *call)
{
	struct control *c = ctx;

	control_log(
	    call, c->opts.loop, c->opts.recorder, c->opts.store, c->fars);
}

static void
on_reload(void *ctx, struct ctl_call *call)
{
	struct control *c = ctx;
	struct err err = { 0 };
	json_t *result;

	if (c->opts.reload(c->opts.ctx, &err) != 0) {
		ctl_call_refuse(call, "%s", err.text);
		return;
	}
	result = json_pack(
	    "{s:I}", "accounts", (json_int_t)conf_of(c)->naccounts);
	ctl_call_done(call, result);
	json_decref(result);
}

static void
nothing_to_free(void *state)
{
	(void)state;
}

/* The answer is that the connection ends, with the program. */
static void
on_stop(void *ctx, struct ctl_call *call)
{
	struct control *c = ctx;
	json_t *item = json_pack("{s:I}", "pid", (json_int_t)c->opts.pid);

	ctl_call_item(call, item);
	json_decref(item);
	ctl_call_keep(call, c, nothing_to_free);
	ctl_call_wait(call);
	c->opts.stop(c->opts.ctx);
}

/* --- for tests ------------------------------------------------------------ */

#ifdef WITH_ATTACK
static void
on_attack(void *ctx, struct ctl_call *call)
{
	const struct control *c = ctx;
	const json_t *args = ctl_call_args(call);
	const char *name = json_string_value(json_object_get(args, "name"));
	const char *target = json_string_value(json_object_get(args, "target"));
	json_t *result = json_pack("{s:i}", "errno",
	    attack(name != NULL ? name : "", target != NULL ? target : "",
		link_next(c->opts.link)));

	ctl_call_done(call, result);
	json_decref(result);
}
#endif

/* --- the table ------------------------------------------------------------ */

static const struct ctl_verb verbs[] = {
	{ "status", CTL_LOOK, on_status },
	{ "queue", CTL_LOOK, on_queue },
	{ "show", CTL_LOOK, on_show },
	{ "log", CTL_LOOK, on_log },
	{ "as", CTL_CHANGE, on_as },
	{ "flush", CTL_CHANGE, on_flush },
	{ "hold", CTL_CHANGE, on_hold },
	{ "release", CTL_CHANGE, on_release },
	{ "retry", CTL_CHANGE, on_retry },
	{ "delete", CTL_CHANGE, on_delete },
	{ "login", CTL_PRIVILEGED, on_login },
	{ "config", CTL_PRIVILEGED, on_config },
	{ "check", CTL_PRIVILEGED, on_check },
	{ "reload", CTL_PRIVILEGED, on_reload },
	{ "stop", CTL_PRIVILEGED, on_stop },
	{ "version", CTL_LOOK, on_version },
#ifdef WITH_ATTACK
	{ "attack", CTL_PRIVILEGED, on_attack },
#endif
	{ NULL, CTL_LOOK, NULL },
};

int
control_new(int fd, const struct control_opts *opts, struct control **ret,
    struct err *err)
{
	struct control *c = xcalloc(1, sizeof(*c));

	c->opts = *opts;
	c->started_ms = now_ms(c);
	c->fars = fars_new(opts->loop);
	ctl_json_wipe_freed(); /* "check" is given passwords */
	if (ctl_server_new(opts->loop, fd, verbs, c, &c->server, err) != 0) {
		fars_free(c->fars);
		free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

void
control_free(struct control *c)
{
	if (c == NULL)
		return;
	ctl_server_free(c->server);
	fars_free(c->fars);
	free(c);
}
