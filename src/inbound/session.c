/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inbound/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "mail/addr.h"
#include "mime/rfc2047.h"
#include "net/loop.h"
#include "net/people.h"
#include "net/stream.h"
#include "smtp/smtp_limits.h"
#include "smtp/smtp_server.h"

enum {
	LINGER_MS = 5000,
	/* So much is read from one session at once; the rest waits for the next
	 * turn of the loop, and all waiting sessions together may take this
	 * long in a turn. */
	PIECE_BYTES = 16384,
	TURN_MS = 5
};

struct session {
	struct list link;
	struct list wait_link; /* in set->waiting, or in none */
	struct session_set *set;
	const struct inbound_listener *listener;
	struct stream *stream;
	struct smtp_server *smtp;
	struct loop_timer *timer;
	uint32_t uid; /* or UID_UNKNOWN, UID_HIDDEN */
	struct person *by; /* who that is, since MAIL */
	struct people_ask *ask; /* MAIL waits to hear it */
	char *hostname; /* as it was when the session began */
	char peer[80];
	bool has_handed_in; /* a message, and has been answered */
	bool is_closing;

	/* The transaction under way. */
	struct envelope *env;
	struct addr_list known; /* its recipients */
	enum ss_mode asked; /* for; see mode_of() */
	struct incoming *incoming; /* from the first byte on */
	bool is_waiting; /* for the queue's word */
};

struct session *
session_of_link(struct list *link)
{
	return list_entry(link, struct session, link);
}

/* --- the transaction ------------------------------------------------------ */

/* Every transaction ends here, successful or not (R10). */
static void
reset_transaction(struct session *s)
{
	incoming_free(s->incoming);
	s->incoming = NULL;
	envelope_free(s->env);
	s->env = NULL;
	addr_list_clear(&s->known);
	s->is_waiting = false;
}

/* The recipients are complete and the message begins. */
static void
begin_message(struct session *s)
{
	if (s->incoming != NULL)
		return;
	s->incoming = incoming_new(
	    s->set->shared, s->env, s->by, smtp_server_with(s->smtp));
}

/* --- what the queue says -------------------------------------------------- */

static void drive(struct session *s);

/* The words of the reply carry the id, so that the sender can be found in the
 * log and by relais(1) later. */
static void
say_safe(struct session *s, const struct queue_told *t)
{
	const struct inbound_opts *o = &s->set->shared->opts;
	const struct verdict *v = &t->verdict;
	const char *name = s->listener->is_unix && t->account >= 0
			       ? o->account_name(o->ctx, t->account)
			       : NULL;
	char text[VERDICT_TEXT_MAX + 256];

	if (v->class == VERDICT_OK)
		(void)snprintf(text, sizeof(text), "%s sent%s%s: %d %s",
		    s->env->id, name != NULL ? " by account " : "",
		    name != NULL ? name : "", v->code, v->text);
	else if (t->folded_into[0] != '\0')
		(void)snprintf(text, sizeof(text),
		    "%s queued: it counts among the equal messages for which "
		    "%s "
		    "will be sent",
		    s->env->id, t->folded_into);
	else
		(void)snprintf(text, sizeof(text), "%s queued%s%s", s->env->id,
		    name != NULL ? " for account " : "",
		    name != NULL ? name : "");
	incoming_log_accepted(s->incoming, t->folded_into);
	smtp_server_reply(s->smtp, 250, "2.0.0", text);
}

static void
say_verdict(struct session *s, const struct verdict *v)
{
	incoming_log_refused(s->incoming, v);
	smtp_server_reply(s->smtp, v->code != 0 ? v->code : 554,
	    v->enhanced[0] != '\0' ? v->enhanced : NULL, v->text);
}

static void
on_told(void *ctx, const struct queue_told *t)
{
	struct session *s = ctx;

	switch (t->outcome) {
	case QUEUE_SAFE:
		say_safe(s, t);
		break;
	case QUEUE_REFUSED:
		say_verdict(s, &t->verdict);
		break;
	case QUEUE_FAILED:
		log_err(LOG_LEVEL_ERROR, &t->err);
		incoming_refuse(s->incoming, 452, "4.3.1",
		    "the spool cannot keep this message now");
		say_verdict(s, incoming_refusal(s->incoming));
		break;
	}
	reset_transaction(s);
	s->has_handed_in = true;
	drive(s);
}

/* --- events of the engine ------------------------------------------------- */

static bool
is_beyond_pace(const struct session *s)
{
	struct inbound_shared *sh = s->set->shared;

	return pace_is_beyond(&sh->pace, s->uid,
	    s->listener->is_unix ? "" : stream_peer_host(s->stream),
	    loop_now_ms(sh->loop));
}

static enum queue_mode
mode_of(const struct session *s, enum ss_mode asked)
{
	static const enum queue_mode modes[] = {
		[SS_MODE_SAFE] = QUEUE_MODE_SAFE,
		[SS_MODE_VERDICT] = QUEUE_MODE_VERDICT,
		[SS_MODE_QUEUE] = QUEUE_MODE_QUEUE,
	};

	if (asked != SS_MODE_UNSET)
		return modes[asked];
	if (s->listener->is_auto && is_beyond_pace(s))
		return QUEUE_MODE_SAFE;
	return s->listener->mode;
}

/* True: this user may not submit, and has been told. */
static bool
is_barred(struct session *s)
{
	const struct inbound_opts *o = &s->set->shared->opts;
	bool is_unsure = false;
	const char *rule = o->bars(o->ctx, s->by, &is_unsure);
	char text[160];

	if (rule == NULL)
		return false;
	if (is_unsure) {
		log_text(LOG_LEVEL_WARNING,
		    "put off uid %lu on %s: the user database does not answer, "
		    "and %s needs it",
		    (unsigned long)s->uid, s->peer, rule);
		(void)snprintf(text, sizeof(text),
		    "the user database does not answer (%s); try again later",
		    rule);
		smtp_server_reply(s->smtp, 451, "4.3.0", text);
		return true;
	}
	log_text(LOG_LEVEL_NOTICE, "refused user %s on %s: not in %s",
	    s->by->name != NULL ? s->by->name : "(unknown)", s->peer, rule);
	(void)snprintf(
	    text, sizeof(text), "you may not submit mail here (%s)", rule);
	smtp_server_reply(s->smtp, 550, "5.7.1", text);
	return true;
}

/* RFC 6531 requires SMTPUTF8 with such a sender, and many programs do not know
 * it.  If identity replaces the address, SMTPUTF8 is not needed.  Bytes that
 * are not UTF-8 are taken for ISO 8859-1, so that the log can show them.
 * False: refused, and told. */
static bool
take_8bit_sender(struct session *s, const char *addr, struct buf *to)
{
	const struct inbound_opts *o = &s->set->shared->opts;

	if (mime_utf8(to, bytes_str(addr)) && addr_is_safe(buf_bytes(to)) &&
	    !o->keeps_sender(o->ctx, buf_str(to)))
		return true;
	smtp_server_reply(s->smtp, 553, "5.6.7",
	    "this sender address needs SMTPUTF8, because an account sends "
	    "under it (identity)");
	return false;
}

static bool
take_sender(struct session *s, const struct ss_info *info)
{
	struct buf utf8;
	bool ok = true;

	buf_init(&utf8, 2 * ADDR_MAX);
	if (info->lacks_utf8)
		ok = take_8bit_sender(s, info->addr, &utf8);
	if (ok) {
		s->env = envelope_new();
		envelope_set(&s->env->sender,
		    info->lacks_utf8 ? buf_str(&utf8) : info->addr);
	}
	buf_clear(&utf8);
	return ok;
}

/* The user database has answered, or failed: MAIL can be answered. */
static void
on_person(void *ctx, const struct person *who)
{
	struct session *s = ctx;
	bool has_waited = s->ask != NULL;

	s->ask = NULL;
	person_free(s->by);
	s->by = person_ref(who);
	if (is_barred(s)) {
		reset_transaction(s);
	} else {
		envelope_set(&s->env->user, who->name);
		smtp_server_reply(s->smtp, 250, "2.1.0", "sender taken");
	}
	if (has_waited)
		drive(s);
}

static void
on_mail(struct session *s, const struct ss_info *info)
{
	const struct inbound_opts *o = &s->set->shared->opts;
	struct err err;

	if (!queue_has_room(
		s->set->shared->queue, info->mail.size_bytes, &err)) {
		log_text(
		    LOG_LEVEL_NOTICE, "refusing mail with 452: %s", err.text);
		smtp_server_reply(s->smtp, 452, "4.3.1",
		    "the spool cannot keep mail now; try again later");
		return;
	}
	if (!take_sender(s, info))
		return;
	envelope_set(&s->env->envid, info->mail.envid);
	s->env->ret = info->mail.ret;
	s->env->is_8bit = info->mail.is_8bit;
	s->env->is_utf8 = info->mail.is_utf8;
	s->env->uid = s->uid;
	envelope_set(&s->env->peer, s->peer);
	envelope_set(&s->env->helo, smtp_server_helo(s->smtp));
	envelope_set(&s->env->listener, s->listener->name);
	envelope_set(&s->env->account, info->mail.account);
	s->asked = info->mail.mode;
	s->ask = people_ask(o->people, s->uid, on_person, s);
}

static void
on_rcpt(struct session *s, const struct ss_info *info)
{
	const struct inbound_opts *o = &s->set->shared->opts;
	struct locals_rcpt given = { info->addr, info->rcpt.orcpt,
		info->rcpt.notify };

	if (!locals_add_rcpt(
		&o->locals, o->hostname, s->env, &s->known, &given)) {
		smtp_server_reply(s->smtp, 550, "5.1.1", LOCALS_NOBODY);
		return;
	}
	smtp_server_reply(s->smtp, 250, "2.1.5", "recipient taken");
}

static void
on_end(struct session *s)
{
	begin_message(s);
	s->is_waiting = incoming_offer(
	    s->incoming, mode_of(s, s->asked), on_told, s);
	if (s->is_waiting)
		return;
	say_verdict(s, incoming_refusal(s->incoming));
	reset_transaction(s);
	s->has_handed_in = true;
}

static void
on_close(struct session *s, const struct ss_info *info)
{
	/* A client that says QUIT is not logged. */
	if (bytes_eq(info->text, "quit")) {
		stream_said_bye(s->stream);
	} else if (info->text.n > 0) {
		struct log_line l;

		log_begin(&l, LOG_LEVEL_INFO, "closed");
		log_str(&l, "peer", s->peer);
		log_bytes(&l, "reason", info->text);
		log_end(&l);
	}
	s->is_closing = true;
}

static void
on_event(struct session *s, enum ss_event ev, const struct ss_info *info)
{
	switch (ev) {
	case SS_IDLE:
		break;
	case SS_COMMAND:
		/* has_commands is not set, so the engine never asks. */
		break;
	case SS_MAIL:
		on_mail(s, info);
		break;
	case SS_RCPT:
		on_rcpt(s, info);
		break;
	case SS_BODY:
		begin_message(s);
		incoming_put(s->incoming, info->body);
		break;
	case SS_END:
		on_end(s);
		break;
	case SS_ABORT:
		/* The client left before it got the answer: the message is
		 * delivered anyway. */
		if (s->is_waiting)
			incoming_log_unheard(s->incoming);
		reset_transaction(s);
		break;
	case SS_CLOSE:
		on_close(s, info);
		break;
	}
}

/* --- the crank ------------------------------------------------------------ */

/* A part of the input, so that its events are handled before more. */
static size_t
take_input(struct session *s, size_t most)
{
	size_t room = smtp_server_room(s->smtp);
	const void *p;
	size_t n;

	if (room == 0)
		return 0;
	n = stream_peek(s->stream, &p);
	if (n > room)
		n = room;
	if (n > most)
		n = most;
	if (n > 0) {
		smtp_server_put(s->smtp, p, n);
		stream_used(s->stream, n);
	}
	return n;
}

/* A client that sends without end must not block the others. */
static void
wait_for_turn(struct session *s)
{
	const void *p;

	if (smtp_server_room(s->smtp) == 0 || stream_peek(s->stream, &p) == 0)
		return;
	list_remove(&s->wait_link);
	list_append(&s->set->waiting, &s->wait_link);
	loop_soon(s->set->shared->loop, &s->set->task);
}

/* True: some was taken, so there may be room for input again. */
static bool
give_output(struct session *s)
{
	const void *p;
	size_t n;
	bool any = false;

	while ((n = smtp_server_peek(s->smtp, &p)) > 0 &&
	       (n = stream_write(s->stream, p, n)) > 0) {
		smtp_server_sent(s->smtp, n);
		any = true;
	}
	return any;
}

/* In a stop: it has nothing under way, and is not about to. */
static bool
may_be_ended(const struct session *s)
{
	if (!s->set->is_stopping || s->is_waiting)
		return false;
	return s->set->is_hurried || (s->env == NULL && s->has_handed_in);
}

static void
drive(struct session *s)
{
	struct ss_info info;
	enum ss_event ev;
	size_t left = PIECE_BYTES, took;
	bool was_full, goes_on;

	do {
		was_full = smtp_server_room(s->smtp) == 0;
		if (may_be_ended(s))
			smtp_server_shutdown(
			    s->smtp, "relais is stopping; try again soon");
		took = take_input(s, left);
		left -= took;
		if (stream_at_eof(s->stream) || stream_error(s->stream) != NULL)
			smtp_server_eof(s->smtp);
		smtp_server_tick(s->smtp, loop_now_ms(s->set->shared->loop));
		while (!s->is_closing &&
		       (ev = smtp_server_next(s->smtp, &info)) != SS_IDLE)
			on_event(s, ev, &info);
		/* Replies to the commands before the message are sent together
		 * with the answer to it. */
		goes_on = !s->is_waiting && give_output(s) && was_full;
	} while ((took > 0 || goes_on) && !s->is_closing);
	/* The client goes on while the rest of this turn is done. */
	stream_flush(s->stream);
	if (s->is_closing) {
		session_free(s);
		return;
	}
	if (left == 0)
		wait_for_turn(s);
	loop_timer_set(s->timer, smtp_server_deadline(s->smtp));
}

static void
on_ready(void *ctx)
{
	drive(ctx);
}

/* A piece of each, or of as many as there is time for. */
static void
on_turn(struct loop_task *t)
{
	struct session_set *set = list_entry(t, struct session_set, task);
	const struct clock *clock = loop_clock(set->shared->loop);
	int64_t until = clock_boot_ms(clock) + TURN_MS;

	while (!list_is_empty(&set->waiting) && clock_boot_ms(clock) < until) {
		struct list *it = set->waiting.next;

		list_remove(it);
		drive(list_entry(it, struct session, wait_link));
	}
	if (!list_is_empty(&set->waiting))
		loop_soon(set->shared->loop, t);
}

void
session_set_init(struct session_set *set, struct inbound_shared *sh)
{
	set->shared = sh;
	list_init(&set->sessions);
	list_init(&set->waiting);
	loop_task_init(&set->task, on_turn);
}

/* --- life ----------------------------------------------------------------- */

static void
name_peer(struct session *s)
{
	s->uid = stream_peer_uid(s->stream);
	if (s->listener->is_unix)
		(void)snprintf(s->peer, sizeof(s->peer), "unix");
	else
		(void)snprintf(s->peer, sizeof(s->peer), "%s:%d",
		    stream_peer_host(s->stream), stream_peer_port(s->stream));
}

/* Two clients of one user, or of one machine whose users are not known. */
static bool
is_same_submitter(const struct session *a, const struct session *b)
{
	const char *port = strrchr(a->peer, ':');

	if (a->uid != UID_UNKNOWN || b->uid != UID_UNKNOWN)
		return a->uid == b->uid;
	return port != NULL &&
	       strncmp(a->peer, b->peer, (size_t)(port + 1 - a->peer)) == 0;
}

/* In percent.  A user whose closed connections hide the name has sessions under
 * the name as well: both shares together must leave some to others. */
static int
share_of(const struct session *s)
{
	return s->uid == UID_HIDDEN ? SMTP_SESSIONS_OF_HIDDEN
				    : SMTP_SESSIONS_OF_ONE;
}

/* R68: others must get a session as well. */
static bool
has_too_many(const struct session *s)
{
	size_t max = s->set->shared->opts.max_sessions;
	size_t most = max * (size_t)share_of(s) / 100, n = 0;

	if (most == 0)
		most = 1;
	if (max <= 1 || s->set->count <= most)
		return false;
	list_foreach (it, &s->set->sessions)
		n += is_same_submitter(s, list_entry(it, struct session, link));
	return n > most;
}

/* True: this peer is not served, and has been told.  Trust is by listener and
 * explicit list, never by "private range" (R36). */
static bool
is_turned_away(struct session *s)
{
	const struct inbound_listener *li = s->listener;
	char text[160];

	if (!li->is_unix && !li->allows(li->ctx, stream_peer_host(s->stream))) {
		(void)snprintf(text, sizeof(text),
		    "you may not submit mail here (allow_from of listener %s)",
		    li->name);
		smtp_server_turn_away(s->smtp, 550, "5.7.1", text);
	} else if (s->set->count > s->set->shared->opts.max_sessions) {
		(void)snprintf(text, sizeof(text),
		    "too many sessions (max_sessions); try again soon");
		smtp_server_turn_away(s->smtp, 421, "4.3.2", text);
	} else if (has_too_many(s)) {
		(void)snprintf(text, sizeof(text),
		    "too many sessions of one user (%d %% of max_sessions); "
		    "try again soon",
		    share_of(s));
		smtp_server_turn_away(s->smtp, 421, "4.3.2", text);
	} else {
		return false;
	}
	log_text(LOG_LEVEL_NOTICE, "turned away %s: %s", s->peer, text);
	return true;
}

void
session_start(
    struct session_set *set, const struct inbound_listener *listener, int fd)
{
	const struct inbound_shared *sh = set->shared;
	struct session *s = xcalloc(1, sizeof(*s));
	struct smtp_server_opts opts = {
		.max_size_bytes = sh->opts.max_size(sh->opts.ctx),
		.max_rcpts = sh->opts.max_rcpts,
		.may_chunk = listener->is_unix,
		.may_xrelais = listener->is_unix,
	};

	s->set = set;
	list_init(&s->wait_link);
	s->listener = listener;
	opts.hostname = s->hostname = xstrdup(sh->opts.hostname);
	s->stream = stream_new(sh->loop, fd, on_ready, s);
	s->smtp = smtp_server_new(&opts);
	s->timer = loop_timer_new(sh->loop, on_ready, s);
	name_peer(s);
	list_append(&set->sessions, &s->link);
	set->count++;
	IGNORE(is_turned_away(s)); /* then it only has to say so */
	drive(s);
}

bool
session_came_by(
    const struct session *s, const struct inbound_listener *listener)
{
	return s->listener == listener;
}

void
session_stop(struct session *s)
{
	drive(s);
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	reset_transaction(s);
	list_remove(&s->link);
	list_remove(&s->wait_link);
	s->set->count--;
	smtp_server_free(s->smtp);
	loop_timer_free(s->timer);
	stream_finish(s->stream, LINGER_MS);
	people_forget(s->ask);
	person_free(s->by);
	free(s->hostname);
	free(s);
}
