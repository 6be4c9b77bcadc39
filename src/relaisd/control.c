/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <config.h>

#include "relaisd/control_core.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account/accounts.h"
#include "account/reservation.h"
#include "base/budget.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/config_json.h"
#include "cred/cred.h"
#include "ctl/ctl_json.h"
#include "ctl/ctl_server.h"
#include "net/loop.h"
#include "net/peer.h"
#include "net/people.h"
#include "outbound/outbound.h"
#include "policy/fold.h"
#include "queue/queue.h"
#include "relaisd/attack.h"
#include "relaisd/confine.h"
#include "relaisd/control_check.h"
#include "relaisd/control_log.h"
#include "relaisd/control_login.h"
#include "relaisd/link.h"
#include "relaisd/recorder.h"
#include "relaisd/routing.h"
#include "relaisd/store_query.h"
#include "store/store_view.h"

static const struct conf *
conf_of(const struct control *c)
{
	return routing_conf(c->opts.routing);
}

/* --- flush ---------------------------------------------------------------- */

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
		control_flush_own(c, call);
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
	struct control_login_opts o = { .loop = c->opts.loop,
		.start = c->opts.sign_in,
		.start_ctx = c->opts.ctx,
		.done = signed_in,
		.done_ctx = c };

	if (ctl_call_state(call) != NULL) {
		control_login_run(call, NULL);
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
	control_login_run(call, &o);
}

/* --- how many of each account -------------------------------------------- */

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
	const char *name = control_account_name(c, it->account);
	json_t *of, *n;

	name = name != NULL ? name : "";
	of = json_object_get(t->accounts, name);
	if (of == NULL) {
		of = json_pack("{s:i, s:i, s:i, s:i}", "due", 0, "active", 0,
		    "held", 0, "failed", 0);
		(void)json_object_set_new(t->accounts, name, of);
	}
	n = json_object_get(of, control_state_name(it->state));
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
	for (int i = 0; i < CONTROL_STEP_MESSAGES && ctl_call_has_time(call);
	     i++) {
		if (!queue_walk_next(t->walk, &it))
			return json_incref(t->accounts);
		if (control_may_see(call, &it))
			tally_add(c, t, &it);
	}
	return NULL;
}

/* --- status, config, version ---------------------------------------------- */

/* Of those here that the caller may see. */
static void
count_own(const struct control *c, const struct ctl_call *call,
    struct queue_counts *ret)
{
	if (ctl_call_is_privileged(call))
		queue_counts(c->opts.queue, ret);
	else
		queue_counts_of(c->opts.queue, ctl_call_uid(call), ret);
}

static json_t *
counts_json(const struct control *c, const struct ctl_call *call)
{
	struct queue_counts n;
	uint32_t uid = ctl_call_uid(call);
	struct fold_totals f;
	int64_t age_s = 0;

	count_own(c, call, &n);
	fold_totals(
	    c->opts.fold, ctl_call_is_privileged(call) ? NULL : &uid, &f);
	if (n.oldest_s != 0)
		age_s = control_wall_ms(c) / 1000 - n.oldest_s;
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

/* What this relay has of what all share; NULL: all of it. */
static json_t *
shared_json(const struct reservation *p)
{
	if (p == NULL)
		return NULL;
	return json_pack("{s:I, s:I, s:b}", "connections",
	    (json_int_t)p->allowed, "recipients", (json_int_t)p->left, "waits",
	    p->wanted > 0 && p->allowed == 0);
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
	left_ms = st.until_ms - control_now_ms(c);
	if (st.state != ACCOUNT_READY && st.until_ms != INT64_MAX)
		next = json_integer(left_ms > 0 ? (left_ms + 999) / 1000 : 0);
	ret = json_pack("{s:o, s:o, s:s, s:o, s:o, s:I, s:o, s:I, s:I, s:o*, "
			"s:o*}",
	    "name", ctl_json_text(st.name), "host", ctl_json_text(st.host),
	    "state", states[st.state], "reason",
	    ctl_json_text(control_account_reason(call, &st)), "next_try", next,
	    "connections",
	    (json_int_t)outbound_couriers(c->opts.outbound, account), "ports",
	    ctl_json_text(st.ports), "sent", (json_int_t)st.sent, "last_sent",
	    (json_int_t)st.last_sent_s, "sign_in", sign_in_json(st.token),
	    "shared", shared_json(st.reservation));
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

/* --- what all relays have ------------------------------------------------ */

struct totals {
	struct store_query query;
	struct store *store;
	struct store_totals of_others;
	bool is_asked;
	struct store_look look; /* how far a user's own are counted */
	uint32_t uid;
	bool is_over;
};

static void
totals_clear(struct store_query *f)
{
	free(list_entry(f, struct totals, query));
}

static void
totals_free(void *state)
{
	struct totals *t = state;

	store_query_leave(&t->query);
}

/* As a listing has them. */
static void
count_one(void *ctx, const struct store_seen *m)
{
	struct store_counts *n = ctx;

	switch (store_phase(m->place, m->state, m->node[0] != '\0')) {
	case STORE_GIVEN_UP:
		n->failed++;
		return;
	case STORE_HELD:
		n->held++;
		break;
	case STORE_ACTIVE:
		n->active++;
		break;
	case STORE_DUE:
		n->due++;
		break;
	}
	if (n->oldest_s == 0 || m->env->arrived_s < n->oldest_s)
		n->oldest_s = m->env->arrived_s;
}

/* What relays say at their heartbeats is about all users, so those of one are
 * counted, a page at a time. */
static int
ask_totals(struct store_query *f)
{
	struct totals *t = list_entry(f, struct totals, query);
	const struct store_ops *ops = t->store->ops;

	if (t->is_asked)
		return ops->others(t->store, &t->look, count_one,
		    &t->of_others.counts, &t->is_over, &f->err);
	if (ops->totals(t->store, &t->of_others, &f->err) != 0)
		return -1;
	t->is_asked = true;
	t->is_over = t->look.uid == NULL;
	if (!t->is_over)
		t->of_others.counts = (struct store_counts) { 0 };
	return 0;
}

/* False: they come. */
static bool
has_totals(struct control *c, struct ctl_call *call)
{
	struct totals *t = ctl_call_state(call);

	if (control_shared(c) == NULL)
		return true;
	if (t == NULL) {
		t = xcalloc(1, sizeof(*t));
		store_query_init(&t->query, c->queries, call, totals_clear);
		t->store = control_shared(c);
		t->uid = ctl_call_uid(call);
		t->look.uid = ctl_call_is_privileged(call) ? NULL : &t->uid;
		ctl_call_keep(call, t, totals_free);
	}
	if (t->query.rc != 0 || t->is_over)
		return true;
	store_query_ask(&t->query, ask_totals);
	return false;
}

static json_t *
totals_json(const struct control *c, const struct totals *t)
{
	const struct store_counts *n = &t->of_others.counts;
	struct queue_counts ours;
	int64_t oldest_s = n->oldest_s, age_s = 0;

	count_own(c, t->query.call, &ours);
	if (oldest_s == 0 || (ours.oldest_s != 0 && ours.oldest_s < oldest_s))
		oldest_s = ours.oldest_s;
	if (oldest_s != 0)
		age_s = control_wall_ms(c) / 1000 - oldest_s;
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "relays",
	    (json_int_t)t->of_others.relays + 1, "due",
	    (json_int_t)(n->due + ours.of[QUEUE_STATE_DUE]), "active",
	    (json_int_t)(n->active + ours.of[QUEUE_STATE_ACTIVE]), "held",
	    (json_int_t)(n->held + ours.of[QUEUE_STATE_HELD]), "failed",
	    (json_int_t)(n->failed + ours.of[QUEUE_STATE_FAILED]), "oldest_age",
	    (json_int_t)(age_s > 0 ? age_s : 0));
}

static void
add_totals(const struct control *c, const struct totals *t, json_t *result)
{
	(void)json_object_set_new(
	    result, "node", ctl_json_text(c->opts.store->node));
	if (t->query.rc == 0)
		(void)json_object_set_new(result, "shared", totals_json(c, t));
	else
		(void)json_object_set_new(
		    result, "unseen", ctl_json_text(t->query.err.text));
}

static void
on_status(void *ctx, struct ctl_call *call)
{
	struct control *c = ctx;
	const struct accounts *all = c->opts.accounts;
	json_t *accounts, *result, *by_account = NULL;
	bool is_by_account = json_is_true(
	    json_object_get(ctl_call_args(call), "by_account"));

	if (is_by_account && (by_account = tally_step(c, call)) == NULL)
		return; /* there is more */
	if (!is_by_account && !has_totals(c, call))
		return; /* they come */
	accounts = json_array();
	for (size_t i = 0; i < accounts_count(all); i++)
		(void)json_array_append_new(
		    accounts, account_json(c, call, accounts_handle(all, i)));
	result = json_pack(
	    "{s:s, s:I, s:I, s:o, s:I, s:I, s:o, s:o, s:o, s:I, s:o*}",
	    "version", PACKAGE_VERSION, "pid", (json_int_t)c->opts.pid,
	    "worker", (json_int_t)getpid(), "protections",
	    protections_json(c->opts.confine), "uptime",
	    (json_int_t)((control_now_ms(c) - c->started_ms) / 1000),
	    "sessions", (json_int_t)c->opts.sessions(c->opts.ctx), "queue",
	    counts_json(c, call), "outcomes", outcomes_json(c), "accounts",
	    accounts, "accepted", (json_int_t)c->opts.accepted(c->opts.ctx),
	    "disk_free", room_json(c));
	if (by_account != NULL)
		(void)json_object_set_new(
		    json_object_get(result, "queue"), "by_account", by_account);
	else if (ctl_call_state(call) != NULL)
		add_totals(c, ctl_call_state(call), result);
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

/* relais-web(8) runs as this user.  It shows people what they may see, and
 * knows from the kernel who they are. */
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
	    call, c->opts.loop, c->opts.recorder, c->opts.store, c->queries);
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
struct raid {
	struct work work;
	sem_t over;
	const char *name, *target;
	uint32_t next;
	int rc;
};

static void
raid_run(struct work *w)
{
	struct raid *r = list_entry(w, struct raid, work);

	r->rc = attack(r->name, r->target, r->next);
	(void)sem_post(&r->over); /* once */
}

static void
raid_done(struct work *w)
{
	free(list_entry(w, struct raid, work));
}

/* On a thread of the pool, if that is wished for. */
static void
on_attack(void *ctx, struct ctl_call *call)
{
	const struct control *c = ctx;
	const json_t *args = ctl_call_args(call);
	struct raid *r = xcalloc(1, sizeof(*r));
	json_t *result;

	r->work = (struct work) { .run = raid_run, .done = raid_done };
	r->name = json_string_value(json_object_get(args, "name"));
	r->target = json_string_value(json_object_get(args, "target"));
	r->next = link_next(c->opts.link);
	(void)sem_init(&r->over, 0, 0); /* cannot fail */
	if (json_is_true(json_object_get(args, "thread"))) {
		loop_submit(c->opts.loop, &r->work);
		(void)sem_wait(&r->over);
		result = json_pack("{s:i}", "errno", r->rc);
	} else {
		raid_run(&r->work);
		result = json_pack("{s:i}", "errno", r->rc);
		free(r);
	}
	ctl_call_done(call, result);
	json_decref(result);
}
#endif

/* --- the table ------------------------------------------------------------ */

static const struct ctl_verb verbs[] = {
	{ "status", CTL_LOOK, on_status },
	{ "queue", CTL_LOOK, control_queue },
	{ "show", CTL_LOOK, control_show },
	{ "log", CTL_LOOK, on_log },
	{ "as", CTL_CHANGE, on_as },
	{ "flush", CTL_CHANGE, on_flush },
	{ "hold", CTL_CHANGE, control_hold },
	{ "release", CTL_CHANGE, control_release },
	{ "retry", CTL_CHANGE, control_retry },
	{ "delete", CTL_CHANGE, control_delete },
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
	c->started_ms = control_now_ms(c);
	c->queries = store_queries_new(opts->loop);
	ctl_json_wipe_freed(); /* "check" is given passwords */
	if (ctl_server_new(opts->loop, fd, verbs, c, &c->server, err) != 0) {
		store_queries_free(c->queries);
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
	store_queries_free(c->queries);
	free(c);
}
