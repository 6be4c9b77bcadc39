/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/notifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account/accounts.h"
#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "conf/alias.h"
#include "conf/conf.h"
#include "conf/route.h"
#include "mail/envelope.h"
#include "mail/msgid.h"
#include "net/loop.h"
#include "net/people.h"
#include "notice/alert.h"
#include "notice/notices.h"
#include "queue/queue.h"
#include "relaisd/alert_queue.h"
#include "relaisd/routing.h"
#include "sys/clock_sys.h"
#include "sys/said.h"

struct notifier {
	struct alerts *alerts;
	struct alert_queue *commands;
	struct people *people;
	/* NULL before notifier_start() and after notifier_stop(): */
	struct notices *notices;
	struct queue *queue;
	struct accounts *accounts;
	const struct routing *routing;
	void (*wake)(void *ctx);
	void *ctx;
};

static struct conf *
conf_of(const struct notifier *t)
{
	return routing_conf(t->routing);
}

/* --- alerts --------------------------------------------------------------- */

static void
on_alert(void *ctx, const struct alert *a)
{
	struct notifier *t = ctx;
	struct log_line l;

	log_begin(&l, LOG_LEVEL_ERROR, "alert");
	log_str(&l, "event", a->event);
	if (a->account[0] != '\0')
		log_str(&l, "account", a->account);
	if (a->user[0] != '\0')
		log_str(&l, "user", a->user);
	log_sentence(&l, "reason", a->reason);
	log_end(&l);
	alert_queue_add(t->commands, conf_of(t), a, queue_count(t->queue));
}

struct held {
	const struct accounts *accounts;
	const char *account;
	size_t count;
};

static bool
count_held(void *ctx, const struct queue_item *it)
{
	struct held *h = ctx;
	struct account_status st;

	h->count += it->state == QUEUE_STATE_HELD &&
		    accounts_status(h->accounts, it->account, &st) &&
		    strcmp(st.name, h->account) == 0;
	return h->count <= 1; /* more make no difference */
}

/* Held messages are one cause until the last has been dealt with. */
static void
see_held_are_new(struct notifier *t, const char *account)
{
	struct held h = { t->accounts, account, 0 };

	queue_each(t->queue, count_held, &h);
	if (h.count <= 1)
		alert_over(t->alerts, "message-held", account);
}

void
notifier_account(struct notifier *t, const char *account, const char *event,
    const char *reason)
{
	if (t->queue == NULL)
		return;
	if (reason == NULL) {
		alert_over(t->alerts, event, account);
		return;
	}
	if (strcmp(event, "message-held") == 0)
		see_held_are_new(t, account);
	alert_raise(t->alerts, event, account, reason);
}

void
notifier_held(struct notifier *t, const char *id)
{
	struct account_status st = { .name = "" };
	struct queue_item it;
	char why[600];

	if (t->queue == NULL || !queue_find(t->queue, id, &it))
		return;
	(void)snprintf(why, sizeof(why),
	    "%s: %s; to send it again, type: relais release %s; to discard it, "
	    "type: relais delete %s",
	    id, it.reason, id, id);
	(void)accounts_status(t->accounts, it.account, &st); /* or "" */
	notifier_account(t, st.name, "message-held", why);
}

/* Of these, each is news, and the caller or the table in notice/alert.c sees to
 * it that they are few. */
static void
raise_each(struct notifier *t, const char *event, const char *reason)
{
	alert_over(t->alerts, event, NULL);
	alert_raise(t->alerts, event, NULL, reason);
}

void
notifier_disk(struct notifier *t, const char *text)
{
	if (t->queue != NULL)
		raise_each(t, "disk", text);
}

struct limit_news {
	struct notifier *t;
	bool is_over;
};

static void
tell_user_limit(void *ctx, const struct person *who)
{
	struct limit_news *n = ctx;
	struct notifier *t = n->t;
	bool is_over = n->is_over;
	char user[64], why[300];

	free(n);
	if (t->queue == NULL)
		return;
	if (who->name != NULL)
		(void)snprintf(user, sizeof(user), "%s", who->name);
	else if (who->uid == UID_HIDDEN)
		(void)snprintf(user, sizeof(user), "unknown");
	else
		(void)snprintf(
		    user, sizeof(user), "%lu", (unsigned long)who->uid);
	(void)snprintf(why, sizeof(why),
	    "max_per_user = %d of user %s is used up; further messages are "
	    "kept and sent when the limit allows it; to see them, type: relais "
	    "queue",
	    conf_of(t)->max_per_user, user);
	if (is_over)
		alert_raise(t->alerts, "user-limit", user, why);
	else
		alert_over(t->alerts, "user-limit", user);
}

void
notifier_user_limit(struct notifier *t, uint32_t uid, bool is_over)
{
	struct limit_news *n = xmalloc(sizeof(*n));

	*n = (struct limit_news) { t, is_over };
	IGNORE(people_ask(t->people, uid, tell_user_limit, n));
}

/* --- notices -------------------------------------------------------------- */

static void
on_wake(void *ctx)
{
	const struct notifier *t = ctx;

	t->wake(t->ctx);
}

static const char *
hostname(void *ctx)
{
	return conf_of(ctx)->host_found;
}

static const char *
admin(void *ctx)
{
	return conf_of(ctx)->admin;
}

static bool
is_local(void *ctx, const char *sender)
{
	struct alias_opts o = alias_opts_of(conf_of(ctx));

	return alias_is_local(&o, sender);
}

/* The account that had the message; it may have left since. */
static const struct conf_account *
account_of(const struct notifier *t, const struct envelope *about)
{
	const struct conf *c = conf_of(t);
	struct account_status st;
	struct queue_item it;
	int i = -1;

	if (queue_find(t->queue, about->id, &it) &&
	    accounts_status(t->accounts, it.account, &st))
		i = conf_account_find(c, st.name);
	if (i < 0)
		i = c->default_account >= 0 ? c->default_account : 0;
	return &c->accounts[i];
}

/* A notice to the sender takes the account of their message; the one to the
 * administrator its own, or else that of what it tells of. */
static const struct conf_account *
account_for(const struct notifier *t, struct envelope *notice,
    const struct envelope *about)
{
	const struct conf *c = conf_of(t);
	const struct conf_account *a;
	int i = -1;

	if (about == NULL || strcmp(notice->rcpts[0].addr, about->sender) != 0)
		i = conf_route(c, notice, NULL);
	if (i >= 0)
		return &c->accounts[i];
	if (about == NULL)
		return &c->accounts[0];
	a = account_of(t, about);
	envelope_set(&notice->account, a->name);
	notice->uid = about->uid;
	envelope_set(&notice->user, about->user);
	return a;
}

static void
route(void *ctx, struct envelope *notice, const struct envelope *about,
    struct buf *ret_from)
{
	const struct notifier *t = ctx;
	const struct conf_account *a = account_for(t, notice, about);

	/* The provider would not take a stranger's address. */
	if (a->address != NULL) {
		IGNORE(buf_adds(ret_from, a->address)); /* an address fits */
		return;
	}
	IGNORE(buf_adds(ret_from, "mailer-daemon@"));
	IGNORE(msgid_domain(ret_from, conf_of(t)->host_found, NULL));
}

static void
on_made(void *ctx, const struct notice_made *m)
{
	static const char *const words[] = {
		[DSN_FAILED] = "failed",
		[DSN_DELAYED] = "delayed",
		[DSN_RELAYED] = "relayed",
	};
	struct log_line l;

	(void)ctx;
	log_begin(&l, LOG_LEVEL_NOTICE, "notice");
	log_str(&l, "id", m->id);
	log_addr(&l, "to", m->to);
	log_str(&l, "action", words[m->action]);
	if (m->about != NULL)
		log_str(&l, "about", m->about);
	if (m->nabout > 1)
		log_num(&l, "messages", (int64_t)m->nabout);
	log_end(&l);
}

static void
on_trouble(void *ctx, const struct err *why)
{
	(void)ctx;
	log_err(LOG_LEVEL_ERROR, why);
}

static void
on_notices_alert(void *ctx, const char *event, const char *reason)
{
	raise_each(ctx, event, reason);
}

struct notices *
notifier_notices(struct notifier *t)
{
	return t->notices;
}

/* --- life ----------------------------------------------------------------- */

struct notifier *
notifier_new(struct loop *l, struct link *link, struct people *people)
{
	struct notifier *t = xcalloc(1, sizeof(*t));
	struct alert_opts opts = { loop_clock(l), on_alert, t };

	t->alerts = alert_new(&opts);
	t->commands = alert_queue_new(l, link);
	t->people = people;
	return t;
}

void
notifier_start(struct notifier *t, struct queue *queue,
    struct accounts *accounts, const struct routing *routing,
    void (*wake)(void *ctx), void *ctx)
{
	struct notices_opts opts = {
		.queue = queue,
		.clock = clock_sys(),
		.rng = rng_sys(),
		.wake = on_wake,
		.hostname = hostname,
		.admin = admin,
		.is_local = is_local,
		.route = route,
		.say = said_to_person(),
		.made = on_made,
		.trouble = on_trouble,
		.alert = on_notices_alert,
		.ctx = t,
	};

	t->queue = queue;
	t->accounts = accounts;
	t->routing = routing;
	t->wake = wake;
	t->ctx = ctx;
	t->notices = notices_new(&opts);
}

void
notifier_stop(struct notifier *t)
{
	if (t == NULL)
		return;
	notices_free(t->notices);
	t->notices = NULL;
	t->queue = NULL;
}

void
notifier_free(struct notifier *t)
{
	if (t == NULL)
		return;
	alert_free(t->alerts);
	alert_queue_free(t->commands);
	free(t);
}
