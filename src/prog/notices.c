/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prog/notices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/account.h"
#include "conf/alias.h"
#include "conf/conf.h"
#include "mail/msgid.h"
#include "net/loop.h"
#include "queue/bounce.h"
#include "queue/queue.h"

enum {
	GATHER_MS = 60 * 1000,
	APART_MS = 15 * 60 * 1000,
	AGAIN_MS = 1000, /* a message that is just being written */
	FULL_AGAIN_MS = 60 * 1000, /* the queue had no room for the notice */
	SLICE = 50, /* messages looked at before the loop goes on */
	DIGEST_SLICE = 1000
};

/* A message somebody is to be told of. */
struct todo {
	struct list link;
	char id[ENVELOPE_ID_SIZE];
	enum dsn_action action;
	bool is_notice; /* itself: told by log and alert only */
};

struct about {
	char id[ENVELOPE_ID_SIZE];
	struct envelope *env;
};

/* A notice on its way into the queue, and what it tells of. */
struct sending {
	struct list link;
	struct notices *n;
	struct queue_draft *draft;
	struct about *about;
	size_t nabout;
	enum dsn_action action;
	bool is_told; /* about to be freed */
};

struct notices {
	struct notices_opts o;
	struct list todo;
	struct list digest; /* struct todo, for the administrator */
	struct list sending;
	struct loop_task soon;
	struct loop_timer *timer;
	int64_t again_ms; /* boot clock; when to look at todo */
	int64_t digest_ms; /* when the next digest is due */
	int64_t last_digest_ms; /* 0: none yet */
};

/* --- life ----------------------------------------------------------------- */

static void work(struct notices *n);

static void
on_soon(struct loop_task *t)
{
	work(list_entry(t, struct notices, soon));
}

static void
on_timer(void *ctx)
{
	work(ctx);
}

struct notices *
notices_new(const struct notices_opts *opts)
{
	struct notices *n = xcalloc(1, sizeof(*n));

	n->o = *opts;
	if (n->o.gather_ms == 0)
		n->o.gather_ms = GATHER_MS;
	if (n->o.apart_ms == 0)
		n->o.apart_ms = APART_MS;
	list_init(&n->todo);
	list_init(&n->digest);
	list_init(&n->sending);
	loop_task_init(&n->soon, on_soon);
	n->timer = loop_timer_new(opts->loop, on_timer, n);
	n->digest_ms = INT64_MAX;
	return n;
}

static void
todo_free(struct todo *t)
{
	list_remove(&t->link);
	free(t);
}

static void
sending_free(struct sending *s)
{
	list_remove(&s->link);
	queue_draft_free(s->draft);
	for (size_t i = 0; i < s->nabout; i++)
		envelope_free(s->about[i].env);
	free(s->about);
	free(s);
}

void
notices_free(struct notices *n)
{
	if (n == NULL)
		return;
	list_foreach (it, &n->todo)
		todo_free(list_entry(it, struct todo, link));
	list_foreach (it, &n->digest)
		todo_free(list_entry(it, struct todo, link));
	list_foreach (it, &n->sending)
		sending_free(list_entry(it, struct sending, link));
	loop_soon_cancel(&n->soon);
	loop_timer_free(n->timer);
	free(n);
}

static int64_t
now_ms(const struct notices *n)
{
	return clock_boot_ms(loop_clock(n->o.loop));
}

static int64_t
wall_ms(const struct notices *n)
{
	return clock_wall_ms(loop_clock(n->o.loop));
}

static int32_t
offset_s(const struct notices *n)
{
	return clock_utc_offset_s(loop_clock(n->o.loop), wall_ms(n));
}

static const struct conf *
conf_of(const struct notices *n)
{
	return n->o.conf(n->o.ctx);
}

static void
add_todo(struct notices *n, const char *id, enum dsn_action action)
{
	struct todo *t = xcalloc(1, sizeof(*t));

	(void)snprintf(t->id, sizeof(t->id), "%s", id);
	t->action = action;
	list_append(&n->todo, &t->link);
}

void
notices_failed(struct notices *n, const char *id)
{
	add_todo(n, id, DSN_FAILED);
	loop_soon(n->o.loop, &n->soon);
}

void
notices_delayed(struct notices *n, const char *id)
{
	add_todo(n, id, DSN_DELAYED);
	loop_soon(n->o.loop, &n->soon);
}

/* --- into the queue ------------------------------------------------------- */

static void
log_made(const struct sending *s, const struct envelope *env)
{
	static const char *const words[] = {
		[DSN_FAILED] = "failed",
		[DSN_DELAYED] = "delayed",
		[DSN_RELAYED] = "relayed",
	};
	struct log_line l;

	log_begin(&l, LOG_LEVEL_NOTICE, "notice");
	log_str(&l, "id", queue_draft_id(s->draft));
	log_addr(&l, "to", env->rcpts[0].addr);
	log_str(&l, "action", words[s->action]);
	if (s->nabout > 0)
		log_str(&l, "about", s->about[0].id);
	if (s->nabout > 1)
		log_num(&l, "messages", (int64_t)s->nabout);
	log_end(&l);
}

static void
on_told(void *ctx, const struct queue_told *t)
{
	struct sending *s = ctx;
	struct notices *n = s->n;

	for (size_t i = 0; i < s->nabout; i++) {
		struct about *a = &s->about[i];

		if (t->outcome == QUEUE_FAILED)
			add_todo(n, a->id, s->action);
		else if (s->action == DSN_FAILED)
			queue_told_failed(n->o.queue, a->id, a->env);
	}
	if (t->outcome == QUEUE_FAILED) {
		log_text(LOG_LEVEL_ERROR,
		    "a notice cannot be kept and is made again later: %s",
		    t->err.text);
		n->again_ms = now_ms(n) + FULL_AGAIN_MS;
	}
	s->is_told = true;
	loop_soon(n->o.loop, &n->soon);
}

static void
free_told(struct notices *n)
{
	list_foreach (it, &n->sending) {
		struct sending *s = list_entry(it, struct sending, link);

		if (s->is_told)
			sending_free(s);
	}
}

/* Takes over s. */
static void
submit(struct notices *n, struct sending *s, const struct envelope *env,
    struct bytes text)
{
	struct queue_told failed = { .outcome = QUEUE_FAILED };

	s->n = n;
	s->draft = queue_draft_new(n->o.queue);
	list_append(&n->sending, &s->link);
	if (queue_draft_write(s->draft, text.p, text.n, &failed.err) != 0) {
		on_told(s, &failed);
		return;
	}
	log_made(s, env);
	queue_draft_end(s->draft, env, QUEUE_MODE_ACCEPTED, 0, on_told, s);
}

/* From nobody, and nothing answers it.  Who submitted what it is about may see
 * it in the queue. */
static struct envelope *
new_envelope(const char *to, const struct envelope *like, bool is_8bit)
{
	struct envelope *env = envelope_new();

	envelope_add_rcpt(env, to)->notify = DSN_NOTIFY_NEVER;
	envelope_set(&env->peer, "notices");
	env->uid = UID_UNKNOWN;
	if (like != NULL) {
		env->uid = like->uid;
		envelope_set(&env->user, like->user);
	}
	env->is_8bit = is_8bit;
	env->is_utf8 = !str_is_ascii(bytes_of(to, strlen(to)));
	return env;
}

/* The account that had the message has its notice. */
static const struct conf_account *
account_of(const struct notices *n, const struct envelope *about)
{
	const struct conf *c = conf_of(n);
	struct queue_item it;
	int i = -1;

	if (queue_find(n->o.queue, about->id, &it))
		i = it.account;
	if (i < 0 || (size_t)i >= c->naccounts)
		i = c->default_account >= 0 ? c->default_account : 0;
	return &c->accounts[i];
}

/* For the From field; the provider would not take a stranger's. */
static void
from_address(
    const struct notices *n, const struct conf_account *a, struct buf *to)
{
	buf_init(to, 1024);
	if (a->address != NULL) {
		IGNORE(buf_adds(to, a->address)); /* an address fits */
		return;
	}
	IGNORE(buf_adds(to, "mailer-daemon@"));
	IGNORE(msgid_domain(to, conf_of(n)->host_found, NULL));
}

static struct sending *
sending_new(enum dsn_action action)
{
	struct sending *s = xcalloc(1, sizeof(*s));

	list_init(&s->link);
	s->action = action;
	return s;
}

static void
sending_about(struct sending *s, const char *id, const struct envelope *env)
{
	struct about *a;

	s->about = xrealloc(s->about, s->nabout + 1, sizeof(*s->about));
	a = &s->about[s->nabout++];
	(void)snprintf(a->id, sizeof(a->id), "%s", id);
	a->env = envelope_dup(env);
}

/* --- to the sender -------------------------------------------------------- */

static void
submit_dsn(struct notices *n, struct sending *s, const char *account,
    const struct dsn_opts *dsn)
{
	struct envelope *env;
	struct buf text;
	bool is_8bit = false;

	buf_init(&text, DSN_MAX);
	if (dsn_build(&text, dsn, &is_8bit)) {
		env = new_envelope(dsn->env->sender, dsn->env, is_8bit);
		envelope_set(&env->account, account);
		submit(n, s, env, buf_bytes(&text));
		envelope_free(env);
	} else { /* cannot be: what it returns of the original is bounded */
		log_text(LOG_LEVEL_ERROR, "%s: the notice about it is too long",
		    dsn->env->id);
		sending_free(s);
	}
	buf_clear(&text);
}

static void
send_dsn(struct notices *n, struct sending *s, const struct queue_original *o)
{
	const struct conf_account *a = account_of(n, o->env);
	struct buf from;
	struct dsn_opts dsn = {
		.action = s->action,
		.env = o->env,
		.hostname = conf_of(n)->host_found,
		.original = buf_bytes(&o->text),
		.original_is_whole = o->is_whole,
		.wall_ms = wall_ms(n),
		.utc_offset_s = offset_s(n),
		.tried_ms = o->tried_ms,
		.give_up_ms = o->give_up_ms,
		.rng = n->o.rng,
	};

	from_address(n, a, &from);
	dsn.from = buf_str(&from);
	submit_dsn(n, s, a->name, &dsn);
	buf_clear(&from);
}

static bool
is_local(const struct notices *n, const char *sender)
{
	struct alias_opts opts = alias_opts_of(conf_of(n));

	return alias_is_local(&opts, sender);
}

void
notices_relayed(
    struct notices *n, const struct envelope *env, struct bytes header)
{
	struct queue_original o = { .tried_ms = wall_ms(n) };

	if (bounce_to(env, DSN_RELAYED, header, is_local(n, env->sender)) !=
	    BOUNCE_SENDER)
		return;
	o.env = envelope_dup(env);
	buf_init(&o.text, header.n + 1);
	IGNORE(buf_add(&o.text, header.p, header.n)); /* has the room */
	send_dsn(n, sending_new(DSN_RELAYED), &o);
	queue_original_clear(&o);
}

/* --- to the administrator ------------------------------------------------- */

static void
gather(struct notices *n, struct todo *t)
{
	int64_t due = now_ms(n) + n->o.gather_ms;

	list_remove(&t->link);
	list_append(&n->digest, &t->link);
	if (n->last_digest_ms != 0 && due < n->last_digest_ms + n->o.apart_ms)
		due = n->last_digest_ms + n->o.apart_ms;
	if (n->digest_ms == INT64_MAX)
		n->digest_ms = due;
}

/* Takes those of the digest, at most DIGEST_SLICE: what the mail is about, what
 * only log and alert tell of, and the list of the first of them. */
static void
collect(struct notices *n, struct sending *s, struct sending *silent,
    struct buf *list)
{
	size_t left = DIGEST_SLICE;

	list_foreach (it, &n->digest) {
		struct todo *t = list_entry(it, struct todo, link);
		struct queue_original o;

		if (left-- == 0)
			return;
		if (queue_original(n->o.queue, t->id, 0, &o, NULL) != 0) {
			todo_free(t); /* somebody has deleted it */
			continue;
		}
		sending_about(t->is_notice ? silent : s, t->id, o.env);
		if (!t->is_notice && s->nabout <= BOUNCE_LISTED_MAX)
			/* What does not fit is counted. */
			IGNORE(bounce_list_add(list, o.env, offset_s(n)));
		queue_original_clear(&o);
		todo_free(t);
	}
}

static void
raise_failed(const struct notices *n, const struct sending *s,
    const struct sending *silent)
{
	size_t all = s->nabout + silent->nabout;
	const struct about *first = s->nabout > 0 ? s->about : silent->about;
	char text[400];

	if (all == 0)
		return;
	(void)snprintf(text, sizeof(text),
	    "%zu message%s could not be delivered%s; the first is %s to "
	    "%.200s; see: relais queue",
	    all, all == 1 ? "" : "s",
	    silent->nabout > 0 ? ", among them notices" : "", first->id,
	    first->env->rcpts[0].addr);
	n->o.alert(n->o.ctx, "mail-failed", text);
}

/* By its own route, else by that of what it tells of. */
static const struct conf_account *
route_digest(
    const struct notices *n, struct envelope *env, const struct envelope *like)
{
	const struct conf *c = conf_of(n);
	int i = conf_route(c, env, NULL);
	const struct conf_account *a;

	if (i >= 0)
		return &c->accounts[i];
	a = account_of(n, like);
	envelope_set(&env->account, a->name);
	env->uid = like->uid;
	envelope_set(&env->user, like->user);
	return a;
}

/* Takes over s. */
static void
send_digest(struct notices *n, struct sending *s, struct bytes list)
{
	const struct conf *c = conf_of(n);
	struct envelope *env = new_envelope(c->admin, NULL, false);
	struct buf text, from;
	struct bounce_digest d = {
		.hostname = c->host_found,
		.to = c->admin,
		.list = list,
		.nmessages = s->nabout,
		.wall_ms = wall_ms(n),
		.utc_offset_s = offset_s(n),
		.rng = n->o.rng,
	};

	from_address(n, route_digest(n, env, s->about[0].env), &from);
	d.from = buf_str(&from);
	buf_init(&text, BOUNCE_DIGEST_MAX + 8192);
	IGNORE(bounce_digest(&text, &d)); /* that is enough */
	submit(n, s, env, buf_bytes(&text));
	buf_clear(&text);
	buf_clear(&from);
	envelope_free(env);
}

/* Takes over s, of which log and alert have said all that can be said. */
static void
send_nothing(struct notices *n, struct sending *s)
{
	for (size_t i = 0; i < s->nabout; i++)
		queue_told_failed(n->o.queue, s->about[i].id, s->about[i].env);
	sending_free(s);
}

static void
make_digest(struct notices *n)
{
	struct sending *s = sending_new(DSN_FAILED);
	struct sending *silent = sending_new(DSN_FAILED);
	struct buf list;

	buf_init(&list, BOUNCE_DIGEST_MAX);
	collect(n, s, silent, &list);
	n->last_digest_ms = now_ms(n);
	n->digest_ms = list_is_empty(&n->digest)
			   ? INT64_MAX
			   : n->last_digest_ms + n->o.apart_ms;
	raise_failed(n, s, silent);
	if (s->nabout > 0 && conf_of(n)->admin != NULL)
		send_digest(n, s, buf_bytes(&list));
	else
		send_nothing(n, s);
	send_nothing(n, silent);
	buf_clear(&list);
}

/* --- one message ---------------------------------------------------------- */

/* As much of the original as its sender asked for. */
static int
load(struct notices *n, const struct todo *t, struct queue_original *o,
    struct err *err)
{
	if (queue_original(n->o.queue, t->id, 0, o, err) != 0)
		return -1;
	if (o->env->ret != DSN_RET_FULL || t->action != DSN_FAILED)
		return 0;
	queue_original_clear(o);
	return queue_original(n->o.queue, t->id, DSN_FULL_MAX, o, err);
}

/* Takes over t. */
static void
tell(struct notices *n, struct todo *t, const struct queue_original *o)
{
	struct bytes text = buf_bytes(&o->text);
	struct sending *s;

	switch (
	    bounce_to(o->env, t->action, text, is_local(n, o->env->sender))) {
	case BOUNCE_SENDER:
		s = sending_new(t->action);
		sending_about(s, t->id, o->env);
		send_dsn(n, s, o);
		todo_free(t);
		return;
	case BOUNCE_ADMIN:
		gather(n, t);
		return;
	case BOUNCE_NOBODY:
		break;
	}
	t->is_notice = o->env->sender[0] == '\0' || bounce_is_notice(text);
	if (t->action == DSN_FAILED && t->is_notice) {
		gather(n, t);
		return;
	}
	if (t->action == DSN_FAILED) /* NOTIFY=NEVER, or told before */
		queue_told_failed(n->o.queue, t->id, o->env);
	todo_free(t);
}

static void
work(struct notices *n)
{
	int left = SLICE;

	free_told(n);
	list_foreach (it, &n->todo) {
		struct todo *t = list_entry(it, struct todo, link);
		struct queue_original o;
		struct err err = { 0 };

		if (n->again_ms > now_ms(n) || left-- == 0)
			break;
		if (load(n, t, &o, &err) == 0) {
			tell(n, t, &o);
			queue_original_clear(&o);
		} else if (err.class == ERR_BUSY) {
			n->again_ms = now_ms(n) + AGAIN_MS;
		} else {
			todo_free(t);
		}
	}
	if (now_ms(n) >= n->digest_ms)
		make_digest(n);
	loop_timer_set(
	    n->timer, !list_is_empty(&n->todo) && n->again_ms < n->digest_ms
			  ? n->again_ms
			  : n->digest_ms);
}
