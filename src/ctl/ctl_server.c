/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/ctl_server.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/xalloc.h"
#include "ctl/ctl_json.h"
#include "ctl/ctl_line.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/stream.h"

enum {
	OUT_MAX = CTL_REPLY_MAX,
	/* A listing goes on while less than this waits to be read. */
	OUT_ENOUGH = 65536,
	/* What all connections together may take of a turn of the loop. */
	TURN_MS = 5,
	LINGER_MS = 5000,
	LINGERING_MAX = 64 /* that begin to within LINGER_MS */
};

struct ctl_server {
	struct loop *loop;
	struct listener *listener;
	const struct ctl_verb *verbs;
	void *ctx;
	struct list calls;
	size_t ncalls;
	struct loop_task task; /* the steps of the next turn, */
	struct list ready; /* in this order */
	int64_t turn_ends_ms; /* of the turn under way, or the last */
	int64_t lingering_since_ms;
	unsigned lingering; /* since then */
};

/* One connection, and the request of it that is being answered. */
struct ctl_call {
	struct list link;
	struct ctl_server *server;
	struct stream *stream;
	struct list ready_link; /* in server->ready, or in none */
	struct loop_timer *timer;
	uint32_t peer; /* who has opened it */
	uint32_t uid; /* who is asking; another one after ctl_call_look_as() */
	bool is_privileged;
	bool only_looks;
	struct ctl_line in;
	bool has_more; /* in may hold a line that nobody has looked at */
	struct buf out;
	const struct ctl_verb *verb; /* NULL: waits for a request */
	json_t *args;
	void *state;
	void (*free_state)(void *state);
	bool is_listening; /* for lines of the client */
	bool is_waiting; /* its handler, for something that is not ours */
	bool is_closing; /* flush and hang up */
};

static void
call_end(struct ctl_call *c)
{
	json_decref(c->args);
	c->args = NULL;
	c->verb = NULL;
	c->is_listening = false;
	c->is_waiting = false;
	c->has_more = true; /* which is the next request's */
	if (c->state != NULL)
		c->free_state(c->state);
	c->state = NULL;
}

static void
call_free(struct ctl_call *c)
{
	call_end(c);
	list_remove(&c->link);
	c->server->ncalls--;
	list_remove(&c->ready_link);
	loop_timer_free(c->timer);
	stream_free(c->stream); /* NULL after stream_finish() */
	ctl_line_clear(&c->in);
	buf_clear(&c->out);
	free(c);
}

/* --- replies -------------------------------------------------------------- */

uint32_t
ctl_call_uid(const struct ctl_call *call)
{
	return call->uid;
}

bool
ctl_call_is_privileged(const struct ctl_call *call)
{
	return call->is_privileged;
}

static bool
is_privileged(uint32_t uid)
{
	return uid == 0 || uid == geteuid();
}

void
ctl_call_look_as(struct ctl_call *call, uint32_t uid)
{
	call->uid = uid;
	call->is_privileged = is_privileged(uid);
	call->only_looks = true;
}

const json_t *
ctl_call_args(const struct ctl_call *call)
{
	return call->args;
}

void *
ctl_call_state(const struct ctl_call *call)
{
	return call->state;
}

void
ctl_call_keep(struct ctl_call *call, void *state, void (*free_it)(void *state))
{
	call->state = state;
	call->free_state = free_it;
}

void
ctl_call_wait(struct ctl_call *call)
{
	call->is_waiting = true;
}

void
ctl_call_wake(struct ctl_call *call)
{
	if (!call->is_waiting)
		return;
	call->is_waiting = false;
	list_remove(&call->ready_link);
	list_append(&call->server->ready, &call->ready_link);
	loop_soon(call->server->loop, &call->server->task);
}

void
ctl_call_listen(struct ctl_call *call)
{
	call->is_listening = true;
}

/* What is no line of this kind is left out. */
char *
ctl_call_line(struct ctl_call *call)
{
	struct bytes line;

	for (;;) {
		json_t *object = NULL;
		char *text = NULL;

		if (ctl_line_next(&call->in, &line) != CTL_LINE_READY) {
			call->has_more = false;
			return NULL;
		}
		if (ctl_json_decode(line, &object, NULL) == 0)
			text = xstrdup(ctl_json_string(object, "line"));
		json_decref(object);
		if (text != NULL)
			return text;
	}
}

bool
ctl_call_has_room(const struct ctl_call *call)
{
	return buf_len(&call->out) < OUT_ENOUGH;
}

bool
ctl_call_has_time(const struct ctl_call *call)
{
	const struct ctl_server *s = call->server;

	return loop_now_ms(s->loop) < s->turn_ends_ms;
}

static void
put_line(struct ctl_call *c, const json_t *value)
{
	/* Longer than any reply may be: the client hears nothing rather than
	 * half of it. */
	if (!ctl_json_encode(&c->out, value))
		c->is_closing = true;
}

void
ctl_call_item(struct ctl_call *call, json_t *item)
{
	json_t *line = json_pack("{s:O}", "item", item);

	put_line(call, line);
	json_decref(line);
}

void
ctl_call_done(struct ctl_call *call, json_t *result)
{
	json_t *line = json_pack("{s:b}", "ok", 1);

	if (result != NULL)
		(void)json_object_set(line, "result", result);
	put_line(call, line);
	json_decref(line);
	call_end(call);
}

static void
refuse(struct ctl_call *c, const char *why)
{
	json_t *text = ctl_json_text(why);
	json_t *line = json_pack("{s:b, s:O}", "ok", 0, "error", text);

	put_line(c, line);
	json_decref(line);
	json_decref(text);
	call_end(c);
}

void
ctl_call_refuse(struct ctl_call *call, const char *fmt, ...)
{
	struct buf why;
	va_list ap;

	buf_init(&why, 4096);
	va_start(ap, fmt);
	IGNORE(buf_vaddf(&why, fmt, ap)); /* a sentence fits */
	va_end(ap);
	refuse(call, buf_str(&why));
	buf_clear(&why);
}

/* --- requests ------------------------------------------------------------- */

static const struct ctl_verb *
verb_find(const struct ctl_server *s, const char *name)
{
	for (const struct ctl_verb *v = s->verbs; v->name != NULL; v++)
		if (name != NULL && strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

/* What is no request at all ends the connection: who sends it is not our
 * client, and the rest of what he sends means nothing either. */
static void
request(struct ctl_call *c, struct bytes line)
{
	json_t *object = NULL, *args;
	const struct ctl_verb *verb;
	struct err err = { 0 };

	if (ctl_json_decode(line, &object, &err) != 0) {
		refuse(c, err.text);
		c->is_closing = true;
		return;
	}
	args = json_object_get(object, "args");
	verb = verb_find(c->server, ctl_json_string(object, "verb"));
	if (verb == NULL)
		refuse(c, "no such verb");
	else if (args != NULL && !json_is_object(args))
		refuse(c, "args is not an object");
	else if (verb->right == CTL_PRIVILEGED && !c->is_privileged)
		refuse(c, "only root and the user of relaisd may do this");
	else if (verb->right != CTL_LOOK && c->only_looks)
		refuse(c, "this connection may only look");
	else {
		c->verb = verb;
		c->args = args != NULL ? json_incref(args) : json_object();
	}
	json_decref(object);
}

/* --- the connection ------------------------------------------------------- */

static bool
take_in(struct ctl_call *c)
{
	const void *p;
	size_t n = stream_peek(c->stream, &p);

	if (n > 0 && !c->is_closing)
		n = ctl_line_put(&c->in, p, n);
	if (n > 0) {
		stream_used(c->stream, n);
		c->has_more = true;
	}
	return n > 0;
}

static bool
send_out(struct ctl_call *c)
{
	size_t n = stream_write(c->stream, buf_str(&c->out), buf_len(&c->out));

	buf_drop(&c->out, n);
	return n > 0;
}

/* Is there anything that step() could do? */
static bool
may_step(const struct ctl_call *c)
{
	return !c->is_closing && ctl_call_has_room(c) &&
	       (c->verb != NULL
		       ? !c->is_waiting || (c->is_listening && c->has_more)
		       : c->has_more);
}

static void
step(struct ctl_call *c)
{
	struct bytes line;

	if (c->verb == NULL) {
		switch (ctl_line_next(&c->in, &line)) {
		case CTL_LINE_MORE:
			c->has_more = false;
			return;
		case CTL_LINE_READY:
			request(c, line);
			break;
		case CTL_LINE_TOO_LONG:
			refuse(c, "the request is too long");
			c->is_closing = true;
			return;
		}
	}
	c->is_waiting = false;
	if (c->verb != NULL)
		c->verb->run(c->server->ctx, c);
	/* It has left what it does not want yet. */
	if (c->is_waiting)
		c->has_more = false;
}

/* A client that lingers is no connection any more, but keeps a descriptor. */
static bool
may_linger(struct ctl_server *s)
{
	int64_t now = loop_now_ms(s->loop);

	if (now - s->lingering_since_ms >= LINGER_MS) {
		s->lingering_since_ms = now;
		s->lingering = 0;
	}
	return s->lingering++ < LINGERING_MAX;
}

static void
finish_call(struct ctl_call *c)
{
	if (stream_at_eof(c->stream) || may_linger(c->server)) {
		stream_finish(c->stream, LINGER_MS);
		c->stream = NULL;
	} else {
		stream_flush(c->stream); /* and call_free() closes it */
	}
	call_free(c);
}

/* Moves bytes in and out as far as they go; steps have their own time. */
static void
on_ready(void *ctx)
{
	struct ctl_call *c = ctx;
	int64_t now = loop_now_ms(c->server->loop);
	bool moved;

	if (stream_error(c->stream) != NULL) {
		call_free(c);
		return;
	}
	/* What a handler waits for has a time limit of its own. */
	loop_timer_set(c->timer, c->is_waiting ? INT64_MAX : now + CTL_IDLE_MS);
	do {
		moved = take_in(c);
		moved = send_out(c) || moved;
	} while (moved);
	if (may_step(c)) {
		list_remove(&c->ready_link);
		list_append(&c->server->ready, &c->ready_link);
		loop_soon(c->server->loop, &c->server->task);
		return;
	}
	if (stream_at_eof(c->stream) && c->is_waiting) {
		call_free(c); /* the person has given up */
		return;
	}
	if (stream_at_eof(c->stream) && c->verb == NULL)
		c->is_closing = true;
	if (c->is_closing && buf_len(&c->out) == 0)
		finish_call(c);
}

/* One step for each, or as many as there is time for; who wants another one
 * waits for the next turn, behind all others. */
static void
on_turn(struct loop_task *t)
{
	struct ctl_server *s = list_entry(t, struct ctl_server, task);
	const struct clock *clock = loop_clock(s->loop);
	struct list now;

	s->turn_ends_ms = clock_boot_ms(clock) + TURN_MS;
	list_init(&now);
	while (!list_is_empty(&s->ready)) {
		struct list *it = s->ready.next;

		list_remove(it);
		list_append(&now, it);
	}
	while (!list_is_empty(&now)) {
		struct ctl_call *c = list_entry(
		    now.next, struct ctl_call, ready_link);

		if (clock_boot_ms(clock) >= s->turn_ends_ms)
			break;
		list_remove(&c->ready_link);
		if (may_step(c))
			step(c);
		on_ready(c);
	}
	while (!list_is_empty(&now)) {
		struct list *it = now.prev;

		list_remove(it);
		list_prepend(&s->ready, it);
	}
	if (!list_is_empty(&s->ready))
		loop_soon(s->loop, &s->task);
}

static void
on_idle(void *ctx)
{
	call_free(ctx);
}

/* R20: no user can keep the others out. */
static bool
has_place(const struct ctl_server *s, uint32_t uid)
{
	size_t same = 0;

	list_foreach (it, &s->calls)
		same += list_entry(it, struct ctl_call, link)->peer == uid;
	return same < CTL_CONNECTIONS_PER_UID &&
	       s->ncalls <
		   CTL_CONNECTIONS_MAX -
		       (is_privileged(uid) ? 0 : CTL_CONNECTIONS_RESERVED);
}

static void
on_accept(void *ctx, int fd)
{
	struct ctl_server *s = ctx;
	struct ctl_call *c = xcalloc(1, sizeof(*c));

	c->server = s;
	c->stream = stream_new(s->loop, fd, on_ready, c);
	c->peer = c->uid = stream_peer_uid(c->stream);
	c->is_privileged = is_privileged(c->uid);
	ctl_line_init(&c->in, CTL_REQUEST_MAX);
	buf_init(&c->out, OUT_MAX);
	c->timer = loop_timer_new(s->loop, on_idle, c);
	list_init(&c->ready_link);
	if (!has_place(s, c->peer)) {
		refuse(c, "too many connections");
		c->is_closing = true;
	}
	list_append(&s->calls, &c->link);
	s->ncalls++;
	on_ready(c);
}

int
ctl_server_new(struct loop *l, int fd, const struct ctl_verb *verbs, void *ctx,
    struct ctl_server **ret, struct err *err)
{
	struct ctl_server *s = xcalloc(1, sizeof(*s));

	s->loop = l;
	s->verbs = verbs;
	s->ctx = ctx;
	list_init(&s->calls);
	list_init(&s->ready);
	loop_task_init(&s->task, on_turn);
	if (listener_new(l, fd, on_accept, s, &s->listener, err) != 0) {
		free(s);
		return -1;
	}
	listener_use_reserve(s->listener); /* to see what is wrong */
	*ret = s;
	return 0;
}

void
ctl_server_free(struct ctl_server *s)
{
	if (s == NULL)
		return;
	listener_free(s->listener);
	loop_soon_cancel(&s->task);
	list_foreach (it, &s->calls)
		call_free(list_entry(it, struct ctl_call, link));
	free(s);
}
