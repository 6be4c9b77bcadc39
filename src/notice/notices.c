/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "notice/notices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/list.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "notice/bounce.h"
#include "notice/digest.h"
#include "notice/notice_cap.h"
#include "queue/queue.h"

enum {
	GATHER_MS = 60 * 1000,
	APART_MS = 15 * 60 * 1000,
	AGAIN_MS = 1000, /* a message that is just being written */
	FULL_AGAIN_MS = 60 * 1000, /* the queue had no room for the notice */
	SAVE_MS = 10 * 1000, /* what was counted, at most so often */
	SLICE = 50, /* messages looked at before the loop goes on */
	DIGEST_SLICE = 1000
};

#define STATE_NAME "notices"
enum { STATE_MAX = 1024 * 1024, FROM_MAX = 1024 };

/* A message somebody is to be told of. */
struct todo {
	struct list link;
	char id[ENVELOPE_ID_SIZE];
	enum dsn_action action;
	bool wants_all; /* its sender does: the whole message */
};

/* Messages that are told of together. */
struct batch {
	struct list link; /* in senders, if it is for one */
	char *sender; /* or NULL */
	struct list todo;
	int64_t due_ms; /* INT64_MAX: there is nothing to tell */
	int64_t last_ms; /* 0: none yet */
	struct sending *making; /* what it tells of, so far; or NULL */
	struct buf list; /* of that */
	size_t left; /* so many more at most */
	size_t relayed; /* a sender's, handed on to a server without DSN */
};

struct about {
	char id[ENVELOPE_ID_SIZE];
	enum dsn_action action;
	struct envelope *env;
};

/* A notice on its way into the queue, and what it tells of. */
struct sending {
	struct list link;
	struct notices *n;
	struct queue_draft *draft;
	struct about *about;
	size_t nabout;
	bool is_told; /* about to be freed */
};

struct notices {
	struct notices_opts o;
	struct list todo;
	struct batch admin;
	struct batch notices; /* that have failed: for log and alert alone */
	struct list senders; /* batches of those who had their share */
	struct notice_cap *cap;
	int64_t save_ms; /* boot clock; INT64_MAX: it is saved */
	struct list sending;
	int64_t again_ms; /* boot clock; when messages can be read again */
	int64_t next_ms; /* boot clock; when there is something to do */
};

/* --- life ----------------------------------------------------------------- */

/* There is something to do at once. */
static void
wake(struct notices *n)
{
	n->next_ms = 0;
	n->o.wake(n->o.ctx);
}

static void
batch_init(struct batch *d)
{
	list_init(&d->link);
	list_init(&d->todo);
	d->due_ms = INT64_MAX;
}

static void
load_cap(struct notices *n)
{
	char *text = queue_state_read(n->o.queue, STATE_NAME);

	n->cap = notice_cap_new();
	if (text != NULL)
		notice_cap_load(n->cap, bytes_str(text));
	free(text);
	n->save_ms = INT64_MAX;
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
	batch_init(&n->admin);
	batch_init(&n->notices);
	list_init(&n->senders);
	load_cap(n);
	list_init(&n->sending);
	return n;
}

static int64_t
now_ms(const struct notices *n)
{
	return clock_boot_ms(n->o.clock);
}

static int64_t
wall_ms(const struct notices *n)
{
	return clock_wall_ms(n->o.clock);
}

/* A crash loses the last seconds of it, so that a burst is one write. */
static void
save_cap(struct notices *n)
{
	struct buf text;
	struct err err;

	if (n->save_ms == INT64_MAX)
		return;
	n->save_ms = INT64_MAX;
	buf_init(&text, STATE_MAX);
	notice_cap_save(n->cap, wall_ms(n) / 1000, &text);
	IGNORE(queue_state_write(/* it is not that long */
	    n->o.queue, STATE_NAME, buf_bytes(&text), &err));
	buf_clear(&text);
}

static void
cap_changed(struct notices *n)
{
	if (n->save_ms == INT64_MAX)
		n->save_ms = now_ms(n) + SAVE_MS;
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

static void
free_todo(struct list *all)
{
	list_foreach (it, all)
		todo_free(list_entry(it, struct todo, link));
}

static void
batch_clear(struct batch *d)
{
	free_todo(&d->todo);
	if (d->making != NULL) {
		sending_free(d->making);
		buf_clear(&d->list);
	}
}

/* Of a sender. */
static void
batch_free(struct batch *d)
{
	batch_clear(d);
	list_remove(&d->link);
	free(d->sender);
	free(d);
}

void
notices_free(struct notices *n)
{
	if (n == NULL)
		return;
	save_cap(n);
	notice_cap_free(n->cap);
	free_todo(&n->todo);
	batch_clear(&n->admin);
	batch_clear(&n->notices);
	list_foreach (it, &n->senders)
		batch_free(list_entry(it, struct batch, link));
	list_foreach (it, &n->sending)
		sending_free(list_entry(it, struct sending, link));
	free(n);
}

static int32_t
offset_s(const struct notices *n)
{
	return clock_utc_offset_s(n->o.clock, wall_ms(n));
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
	wake(n);
}

void
notices_delayed(struct notices *n, const char *id)
{
	add_todo(n, id, DSN_DELAYED);
	wake(n);
}

void
notices_read(struct notices *n)
{
	n->again_ms = 0;
	wake(n);
}

static void
wait_to_read(struct notices *n)
{
	n->again_ms = now_ms(n) + AGAIN_MS;
}

/* --- into the queue ------------------------------------------------------- */

static void
tell_made(const struct sending *s, const struct envelope *env)
{
	const struct about *first = s->nabout > 0 ? s->about : NULL;
	struct notice_made m = {
		.id = queue_draft_id(s->draft),
		.to = env->rcpts[0].addr,
		.action = first != NULL ? first->action : DSN_RELAYED,
		.about = first != NULL ? first->id : NULL,
		.nabout = s->nabout,
	};

	s->n->o.made(s->n->o.ctx, &m);
}

static void
on_told(void *ctx, const struct queue_told *t)
{
	struct sending *s = ctx;
	struct notices *n = s->n;
	struct err err;

	for (size_t i = 0; i < s->nabout; i++) {
		struct about *a = &s->about[i];

		if (t->outcome == QUEUE_FAILED)
			add_todo(n, a->id, a->action);
		else if (a->action == DSN_FAILED)
			queue_told_failed(n->o.queue, a->id, a->env);
	}
	if (t->outcome == QUEUE_FAILED) {
		err = t->err;
		(void)err_ctx(
		    &err, "cannot store a notice, which is made again later");
		n->o.trouble(n->o.ctx, &err);
		n->again_ms = now_ms(n) + FULL_AGAIN_MS;
	}
	s->is_told = true;
	wake(n);
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
	tell_made(s, env);
	queue_draft_end(s->draft, env, QUEUE_MODE_ACCEPTED, 0, on_told, s);
}

/* From nobody, and nothing answers it.  Who submitted what it is about may see
 * it in the queue. */
static struct envelope *
new_envelope(const char *to, const struct envelope *like)
{
	struct envelope *env = envelope_new();

	envelope_add_rcpt(env, to)->notify = DSN_NOTIFY_NEVER;
	envelope_set(&env->peer, "notices");
	env->uid = UID_UNKNOWN;
	if (like != NULL) {
		env->uid = like->uid;
		envelope_set(&env->user, like->user);
	}
	env->is_utf8 = !str_is_ascii(bytes_str(to));
	return env;
}

static struct sending *
sending_new(void)
{
	struct sending *s = xcalloc(1, sizeof(*s));

	list_init(&s->link);
	return s;
}

static void
sending_about(
    struct sending *s, const struct todo *t, const struct envelope *env)
{
	struct about *a;

	s->about = xrealloc(s->about, s->nabout + 1, sizeof(*s->about));
	a = &s->about[s->nabout++];
	(void)snprintf(a->id, sizeof(a->id), "%s", t->id);
	a->action = t->action;
	a->env = envelope_dup(env);
}

/* --- to the sender -------------------------------------------------------- */

/* Takes over s. */
static void
send_dsn(struct notices *n, struct sending *s, enum dsn_action action,
    const struct queue_original *o)
{
	struct envelope *env = new_envelope(o->env->sender, o->env);
	struct buf from, text;
	struct err err;
	struct dsn_opts dsn = {
		.action = action,
		.env = o->env,
		.hostname = n->o.hostname(n->o.ctx),
		.original = buf_bytes(&o->text),
		.original_is_whole = o->is_whole,
		.wall_ms = wall_ms(n),
		.utc_offset_s = offset_s(n),
		.tried_ms = o->tried_ms,
		.give_up_ms = o->give_up_ms,
		.rng = n->o.rng,
	};

	buf_init(&from, FROM_MAX);
	n->o.route(n->o.ctx, env, o->env, &from);
	dsn.from = buf_str(&from);
	buf_init(&text, DSN_MAX);
	if (dsn_build(&text, &dsn, &env->is_8bit)) {
		submit(n, s, env, buf_bytes(&text));
	} else { /* cannot be: what it returns of the original is bounded */
		(void)err_set(&err, ERR_SYSTEM,
		    "%s: the notice about it is too long", o->env->id);
		n->o.trouble(n->o.ctx, &err);
		sending_free(s);
	}
	buf_clear(&text);
	buf_clear(&from);
	envelope_free(env);
}

static bool
is_local(const struct notices *n, const char *sender)
{
	return n->o.is_local(n->o.ctx, sender);
}

/* --- a sender who has had enough ----------------------------------------- */

/* False: this one is told of together with others. */
static bool
take_share(struct notices *n, const char *sender)
{
	if (!notice_cap_take(n->cap, sender, wall_ms(n) / 1000))
		return false;
	cap_changed(n);
	return true;
}

/* Due in a while: more may follow. */
static struct batch *
digest_of(struct notices *n, const char *sender)
{
	int64_t now_s = wall_ms(n) / 1000, wait_s;
	struct batch *d;

	list_foreach (it, &n->senders) {
		d = list_entry(it, struct batch, link);
		if (strcasecmp(d->sender, sender) == 0)
			return d;
	}
	d = xcalloc(1, sizeof(*d));
	batch_init(d);
	d->sender = xstrdup(sender);
	list_append(&n->senders, &d->link);
	wait_s = notice_cap_digest_s(n->cap, sender, now_s) - now_s;
	d->due_ms = now_ms(n) + wait_s * 1000;
	if (wait_s * 1000 < n->o.gather_ms)
		d->due_ms = now_ms(n) + n->o.gather_ms;
	wake(n);
	return d;
}

static void
put_off(struct batch *d, struct todo *t)
{
	list_remove(&t->link);
	list_append(&d->todo, &t->link);
}

void
notices_relayed(
    struct notices *n, const struct envelope *env, struct bytes header)
{
	struct queue_original o = { .tried_ms = wall_ms(n) };

	if (bounce_to(env, DSN_RELAYED, header, is_local(n, env->sender)) !=
	    BOUNCE_SENDER)
		return;
	if (!take_share(n, env->sender)) {
		digest_of(n, env->sender)->relayed++;
		return;
	}
	o.env = envelope_dup(env);
	buf_init(&o.text, header.n + 1);
	IGNORE(buf_add(&o.text, header.p, header.n)); /* has the room */
	send_dsn(n, sending_new(), DSN_RELAYED, &o);
	queue_original_clear(&o);
}

/* --- many at once -------------------------------------------------------- */

static void
gather(struct notices *n, struct batch *d, int64_t gather_ms, struct todo *t)
{
	int64_t due = now_ms(n) + gather_ms;

	put_off(d, t);
	if (d->last_ms != 0 && due < d->last_ms + n->o.apart_ms)
		due = d->last_ms + n->o.apart_ms;
	if (d->due_ms == INT64_MAX)
		d->due_ms = due;
}

/* Takes those of the digest, at most DIGEST_SLICE: what it is about, and the
 * list of the first of them.  What does not fit there is counted.  False: it
 * goes on when the next one can be read. */
static bool
collect(struct notices *n, struct batch *d)
{
	if (d->making == NULL) {
		d->making = sending_new();
		buf_init(&d->list, DIGEST_MAX);
		d->left = DIGEST_SLICE;
	}
	list_foreach (it, &d->todo) {
		struct todo *t = list_entry(it, struct todo, link);
		struct queue_original o;
		struct err err = { 0 };

		if (d->left == 0)
			break;
		if (queue_original(n->o.queue, t->id, 0, &o, &err) == 0) {
			sending_about(d->making, t, o.env);
			if (d->making->nabout <= DIGEST_LISTED_MAX)
				IGNORE(digest_list_add(&d->list, o.env,
				    t->action, offset_s(n),
				    d == &n->admin ? n->o.say : NULL));
			queue_original_clear(&o);
		} else if (err.class == ERR_BUSY) {
			wait_to_read(n);
			return false;
		} /* else somebody has deleted it */
		todo_free(t);
		d->left--;
	}
	return true;
}

/* What collect() has made; the caller clears *ret_list. */
static struct sending *
take_made(struct batch *d, struct buf *ret_list)
{
	struct sending *s = d->making;

	*ret_list = d->list;
	d->making = NULL;
	return s;
}

static const struct rcpt *
first_failed(const struct envelope *env)
{
	for (size_t i = 0; i < env->nrcpts; i++)
		if (env->rcpts[i].state == RCPT_FAILED)
			return &env->rcpts[i];
	return &env->rcpts[0];
}

/* what: "message" or "notice" */
static void
raise_failed(const struct notices *n, const struct sending *s, const char *what)
{
	const struct rcpt *r;
	char text[700];

	if (s->nabout == 0)
		return;
	r = first_failed(s->about[0].env);
	(void)snprintf(text, sizeof(text),
	    "%zu %s%s could not be delivered; the first is %s to "
	    "%.200s%s%.200s; "
	    "see: relais show %s",
	    s->nabout, what, s->nabout == 1 ? "" : "s", s->about[0].id, r->addr,
	    r->last != NULL ? ": " : "", r->last != NULL ? r->last->text : "",
	    s->about[0].id);
	n->o.alert(n->o.ctx, "mail-failed", text);
}

/* Takes over s; d: the sender's, or NULL. */
static void
send_digest(struct notices *n, struct sending *s, const struct batch *d,
    struct bytes list)
{
	const char *to = d != NULL ? d->sender : n->o.admin(n->o.ctx);
	const struct envelope *about = s->nabout > 0 ? s->about[0].env : NULL;
	struct envelope *env = new_envelope(to, d != NULL ? about : NULL);
	struct buf text, from;
	struct digest_opts b = {
		.hostname = n->o.hostname(n->o.ctx),
		.to = to,
		.is_for_sender = d != NULL,
		.list = list,
		.nrelayed = d != NULL ? d->relayed : 0,
		.wall_ms = wall_ms(n),
		.utc_offset_s = offset_s(n),
		.rng = n->o.rng,
		.say = n->o.say,
	};

	for (size_t i = 0; i < s->nabout; i++)
		*(s->about[i].action == DSN_FAILED ? &b.nmessages
						   : &b.ndelayed) += 1;
	buf_init(&from, FROM_MAX);
	n->o.route(n->o.ctx, env, about, &from);
	b.from = buf_str(&from);
	buf_init(&text, DIGEST_MAX + 8192);
	IGNORE(digest_build(&text, &b)); /* that is enough */
	env->is_8bit = !str_is_ascii(buf_bytes(&text));
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
digest_made(struct notices *n, struct batch *d)
{
	d->last_ms = now_ms(n);
	d->due_ms = list_is_empty(&d->todo) ? INT64_MAX
					    : d->last_ms + n->o.apart_ms;
}

static void
tell_admin(struct notices *n)
{
	struct sending *s;
	struct buf list;

	if (!collect(n, &n->admin))
		return;
	s = take_made(&n->admin, &list);
	digest_made(n, &n->admin);
	raise_failed(n, s, "message");
	if (s->nabout > 0 && n->o.admin(n->o.ctx) != NULL)
		send_digest(n, s, NULL, buf_bytes(&list));
	else
		send_nothing(n, s);
	buf_clear(&list);
}

/* Of notices that have failed nobody can be told by mail. */
static void
tell_of_notices(struct notices *n)
{
	struct sending *s;
	struct buf list;

	if (!collect(n, &n->notices))
		return;
	s = take_made(&n->notices, &list);
	digest_made(n, &n->notices);
	raise_failed(n, s, "notice");
	send_nothing(n, s);
	buf_clear(&list);
}

static void
tell_sender(struct notices *n, struct batch *d)
{
	struct sending *s;
	struct buf list;

	if (!collect(n, d))
		return;
	s = take_made(d, &list);
	if (s->nabout > 0 || d->relayed > 0) {
		notice_cap_digested(n->cap, d->sender, wall_ms(n) / 1000);
		cap_changed(n);
		send_digest(n, s, d, buf_bytes(&list));
	} else {
		sending_free(s);
	}
	buf_clear(&list);
	d->relayed = 0;
	d->due_ms = now_ms(n) + NOTICE_CAP_S * 1000;
	if (list_is_empty(&d->todo))
		batch_free(d);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the next one is, or the rest of one. */
static int64_t
make_digests(struct notices *n)
{
	int64_t now = now_ms(n), next;

	if (now >= n->admin.due_ms && n->again_ms <= now)
		tell_admin(n);
	if (now >= n->notices.due_ms && n->again_ms <= now)
		tell_of_notices(n);
	next = earlier(n->admin.due_ms, n->notices.due_ms);
	list_foreach (it, &n->senders) {
		struct batch *d = list_entry(it, struct batch, link);

		if (now >= d->due_ms && n->again_ms <= now)
			tell_sender(n, d); /* may free it */
		else
			next = earlier(next, d->due_ms);
	}
	return n->again_ms > now ? n->again_ms : next;
}

/* --- one message ---------------------------------------------------------- */

/* As much of the original as its sender asked for. */
static int
load(struct notices *n, struct todo *t, struct queue_original *o,
    struct err *err)
{
	if (!t->wants_all) {
		if (queue_original(n->o.queue, t->id, 0, o, err) != 0)
			return -1;
		if (o->env->ret != DSN_RET_FULL || t->action != DSN_FAILED)
			return 0;
		queue_original_clear(o);
		t->wants_all = true;
	}
	return queue_original(n->o.queue, t->id, DSN_FULL_MAX, o, err);
}

/* Takes over t. */
static void
tell_people(struct notices *n, struct todo *t, const struct queue_original *o)
{
	struct bytes text = buf_bytes(&o->text);
	struct sending *s;

	switch (
	    bounce_to(o->env, t->action, text, is_local(n, o->env->sender))) {
	case BOUNCE_SENDER:
		if (!take_share(n, o->env->sender)) {
			put_off(digest_of(n, o->env->sender), t);
			return;
		}
		s = sending_new();
		sending_about(s, t, o->env);
		send_dsn(n, s, t->action, o);
		todo_free(t);
		return;
	case BOUNCE_ADMIN:
		gather(n, &n->admin, n->o.gather_ms, t);
		return;
	case BOUNCE_NOBODY:
		break;
	}
	if (t->action == DSN_FAILED &&
	    (o->env->sender[0] == '\0' || bounce_is_notice(text))) {
		gather(n, &n->notices, 0, t);
		return;
	}
	if (t->action == DSN_FAILED) /* NOTIFY=NEVER, or told before */
		queue_told_failed(n->o.queue, t->id, o->env);
	todo_free(t);
}

int64_t
notices_tick(struct notices *n)
{
	int left = SLICE;
	int64_t next;

	if (now_ms(n) < n->next_ms)
		return n->next_ms;
	n->next_ms = INT64_MAX;
	free_told(n);
	list_foreach (it, &n->todo) {
		struct todo *t = list_entry(it, struct todo, link);
		struct queue_original o;
		struct err err = { 0 };

		if (n->again_ms > now_ms(n) || left-- == 0)
			break;
		if (load(n, t, &o, &err) == 0) {
			tell_people(n, t, &o);
			queue_original_clear(&o);
		} else if (err.class == ERR_BUSY) {
			wait_to_read(n);
		} else {
			todo_free(t);
		}
	}
	next = make_digests(n);
	if (!list_is_empty(&n->todo) && n->again_ms < next)
		next = n->again_ms;
	if (now_ms(n) >= n->save_ms)
		save_cap(n);
	if (n->save_ms < next)
		next = n->save_ms;
	if (next < n->next_ms) /* else it is wanted at once */
		n->next_ms = next;
	return n->next_ms;
}
