/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client engine against a server that is a text: what it must say, what it
 * hears, which events come of it, at every chunk size in both directions. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "smtp/smtp_client.h"
#include "smtp/smtp_limits.h"

/* --- the scripted server ---------------------------------------------------
 *
 * A script has one line each: "S: " is said by the server once everything that
 * stands before it was heard; "C: " is what the client must say, byte for
 * byte.  "B: " is a piece of body without a line end. */

enum { MAX_EVENTS_TEXT = 16384, MAX_JOBS = 8, STEPS_MAX = 400000 };

struct mail {
	struct smtp_job job;
	struct smtp_job_rcpt rcpts[3];
	const char *body;
};

struct play {
	const char *name;
	const char *script;
	const char *events;
	struct smtp_client_opts opts;
	const char *secret;
	const char *binding;
	const char *bodies[MAX_JOBS]; /* one message each, to r0@x, ... */
	size_t nrcpts; /* 0: one */
	bool quits;
	size_t body_fails; /* job number from 1; 0: none */
};

struct cue {
	size_t at; /* bytes of the client heard before */
	size_t from, to; /* in the server's text */
};

struct stage {
	const struct play *play;
	struct smtp_client *c;
	struct mail mails[MAX_JOBS];
	size_t nmails, next_mail;
	struct buf server; /* all that the server will say */
	struct buf wanted; /* all that the client must say */
	struct buf heard; /* what it said */
	struct buf events;
	struct cue cues[200];
	size_t ncues, cue;
	size_t said; /* bytes of server */
	size_t drop_at; /* the connection breaks after so many */
	size_t chunk;
	size_t body_at[MAX_JOBS];
	bool wants_body;
	uint64_t body_tag;
	bool is_closed;
	bool is_eof;
	unsigned njobs_ok, nuncertain;
};

static void
no_random(void *ctx, void *p, size_t n)
{
	(void)ctx;
	memset(p, 7, n);
}
static const struct rng rng = { no_random, NULL };

static void
add(struct buf *b, const char *p, size_t n)
{
	assert_true(buf_add(b, p, n));
}

static void
read_script(struct stage *st)
{
	const char *p = st->play->script;

	while (*p != '\0') {
		size_t n = strcspn(p, "\n");

		assert_true(n >= 2 && p[1] == ':');
		if (p[0] == 'S') {
			struct cue *q = &st->cues[st->ncues++];

			q->at = buf_len(&st->wanted);
			q->from = buf_len(&st->server);
			add(&st->server, p + 3, n - 3);
			add(&st->server, "\r\n", 2);
			q->to = buf_len(&st->server);
		} else {
			if (n > 3)
				add(&st->wanted, p + 3, n - 3);
			if (p[0] == 'C')
				add(&st->wanted, "\r\n", 2);
		}
		p += n + (p[n] == '\n');
	}
}

static void
make_mails(struct stage *st)
{
	static const char *addrs[] = { "r0@x", "r1@x", "r2@x" };
	const struct play *pl = st->play;

	for (size_t i = 0; i < MAX_JOBS && pl->bodies[i] != NULL; i++) {
		struct mail *m = &st->mails[st->nmails++];
		size_t n = pl->nrcpts != 0 ? pl->nrcpts : 1;

		m->body = pl->bodies[i];
		for (size_t r = 0; r < n; r++)
			m->rcpts[r].addr = addrs[r];
		m->job = (struct smtp_job) { .tag = i + 1,
			.sender = "me@x",
			.rcpts = m->rcpts,
			.nrcpts = n,
			.size_bytes = strlen(m->body) };
	}
}

static void
stage_open(struct stage *st, const struct play *pl, size_t chunk)
{
	struct smtp_client_opts opts = pl->opts;

	*st = (struct stage) { .play = pl, .chunk = chunk };
	st->drop_at = SIZE_MAX;
	buf_init(&st->server, 1 << 20);
	buf_init(&st->wanted, 1 << 20);
	buf_init(&st->heard, 1 << 20);
	buf_init(&st->events, MAX_EVENTS_TEXT);
	read_script(st);
	make_mails(st);
	if (opts.ehlo_name == NULL)
		opts.ehlo_name = "[192.0.2.1]";
	opts.host = "mx.example";
	opts.port = 587;
	opts.rng = &rng;
	st->c = smtp_client_new(&opts);
}

static void
stage_close(struct stage *st)
{
	smtp_client_free(st->c);
	buf_clear(&st->server);
	buf_clear(&st->wanted);
	buf_clear(&st->heard);
	buf_clear(&st->events);
}

static void
note_verdict(struct stage *st, const struct verdict *v)
{
	assert_true(buf_addf(&st->events, " %s %s %d%s%s%s",
	    verdict_class_name(v->class), verdict_stage_name(v->stage), v->code,
	    v->enhanced[0] != '\0' ? " " : "", v->enhanced,
	    v->is_uncertain ? " uncertain" : ""));
}

static const char *troubles[] = { "none", "lost", "protocol", "refused",
	"no-tls", "no-auth", "auth", "auth-later", "cred" };

static void
give_cred(struct stage *st)
{
	const struct play *pl = st->play;
	struct secret *s;

	if (pl->secret == NULL) {
		smtp_client_no_cred(st->c, "no secret");
		return;
	}
	s = secret_new(bytes_of(pl->secret, strlen(pl->secret)));
	smtp_client_cred(st->c, s, pl->binding != NULL ? "tls-exporter" : NULL,
	    bytes_of(pl->binding, pl->binding != NULL ? 32 : 0));
	secret_free(s);
}

static void
on_event(struct stage *st, enum sc_event ev, const struct sc_info *info)
{
	struct buf *e = &st->events;

	switch (ev) {
	case SC_IDLE:
		break;
	case SC_STARTTLS:
		assert_int_equal(smtp_client_room(st->c), 0);
		assert_true(buf_adds(e, "tls\n"));
		smtp_client_tls_up(st->c);
		break;
	case SC_NEED_CRED:
		give_cred(st);
		break;
	case SC_READY:
		assert_true(buf_addf(e, "ready %.*s\n", (int)info->text.n,
		    info->text.n > 0 ? info->text.p : ""));
		break;
	case SC_WANT_BODY:
		assert_false(st->wants_body);
		st->wants_body = true;
		st->body_tag = info->job;
		break;
	case SC_RCPT_DONE:
		assert_true(buf_addf(e, "%d.%zu", (int)info->job, info->rcpt));
		note_verdict(st, &info->verdict);
		assert_true(buf_adds(e, "\n"));
		break;
	case SC_JOB_DONE:
		assert_true(buf_addf(e, "%d", (int)info->job));
		note_verdict(st, &info->verdict);
		assert_true(buf_adds(e, "\n"));
		st->njobs_ok += info->verdict.class == VERDICT_OK;
		st->nuncertain += info->verdict.is_uncertain;
		if (st->wants_body && st->body_tag == info->job)
			st->wants_body = false;
		break;
	case SC_CLOSE:
		assert_false(st->is_closed);
		st->is_closed = true;
		assert_true(buf_addf(e, "close %s", troubles[info->trouble]));
		note_verdict(st, &info->verdict);
		assert_true(buf_adds(e, "\n"));
		break;
	}
}

static bool
serve(struct stage *st)
{
	const struct cue *q = &st->cues[st->cue];
	size_t n, room = smtp_client_room(st->c);

	if (st->said >= st->drop_at && !st->is_eof) {
		st->is_eof = true;
		smtp_client_eof(st->c, "the connection broke");
		return true;
	}
	if (st->cue >= st->ncues || st->is_eof || buf_len(&st->heard) < q->at ||
	    room == 0)
		return false;
	n = q->to - st->said;
	if (n > st->chunk)
		n = st->chunk;
	if (n > st->drop_at - st->said)
		n = st->drop_at - st->said;
	if (n > room)
		n = room;
	smtp_client_put(st->c, buf_str(&st->server) + st->said, n);
	st->said += n;
	st->cue += st->said == q->to;
	return true;
}

static bool
feed(struct stage *st)
{
	size_t i = (size_t)st->body_tag - 1, n;
	const char *body;

	if (!st->wants_body)
		return false;
	st->wants_body = false;
	body = st->mails[i].body;
	if (st->play->body_fails == st->body_tag) {
		smtp_client_body_failed(st->c, "the disk is gone");
		return true;
	}
	n = strlen(body) - st->body_at[i];
	if (n > st->chunk)
		n = st->chunk;
	st->body_at[i] += smtp_client_body(st->c, body + st->body_at[i], n);
	return true;
}

static bool
listen(struct stage *st)
{
	const void *p;
	size_t n = smtp_client_peek(st->c, &p);

	if (n == 0 || st->is_eof)
		return false;
	if (n > st->chunk)
		n = st->chunk;
	add(&st->heard, p, n);
	smtp_client_sent(st->c, n);
	return true;
}

static bool
load(struct stage *st)
{
	if (st->next_mail < st->nmails && smtp_client_may_send(st->c)) {
		smtp_client_send(st->c, &st->mails[st->next_mail++].job);
		return true;
	}
	if (st->play->quits && st->next_mail == st->nmails &&
	    smtp_client_is_idle(st->c)) {
		smtp_client_quit(st->c);
		return true;
	}
	return false;
}

static void
perform(struct stage *st)
{
	for (size_t i = 0;; i++) {
		struct sc_info info;
		enum sc_event ev;
		bool went = serve(st);

		assert_true(i < STEPS_MAX);
		smtp_client_tick(st->c, 1000);
		while ((ev = smtp_client_next(st->c, &info)) != SC_IDLE) {
			on_event(st, ev, &info);
			went = true;
		}
		if (!st->is_closed)
			went = load(st) || went;
		went = feed(st) || went;
		went = listen(st) || went;
		if (!went)
			return;
	}
}

static void
compare(const struct play *pl, size_t chunk, const char *what,
    const struct buf *have, struct bytes want)
{
	if (have->len == want.n && memcmp(buf_str(have), want.p, want.n) == 0)
		return;
	fail_msg("%s, %zu at a time, %s:\n--- have\n%s\n--- want\n%.*s",
	    pl->name, chunk, what, buf_str(have), (int)want.n, want.p);
}

static void
play_once(const void *row, size_t chunk)
{
	const struct play *pl = row;
	struct stage st;

	stage_open(&st, pl, chunk);
	perform(&st);
	compare(pl, chunk, "said", &st.heard, buf_bytes(&st.wanted));
	compare(pl, chunk, "events", &st.events,
	    bytes_of(pl->events, strlen(pl->events)));
	stage_close(&st);
}

static void
play(const struct play *pl)
{
	for (size_t chunk = 1; chunk < 80; chunk++)
		play_once(pl, chunk);
	play_once(pl, 1 << 20);
}

/* --- pieces of scripts ---------------------------------------------------- */

#define HELLO_PLAIN                                                            \
	"S: 220 mx ESMTP\n"                                                    \
	"C: EHLO [192.0.2.1]\n"                                                \
	"S: 250-mx\n"                                                          \
	"S: 250 SIZE 1000000\n"
#define HELLO_PIPE                                                             \
	"S: 220 mx ESMTP\n"                                                    \
	"C: EHLO [192.0.2.1]\n"                                                \
	"S: 250-mx\n"                                                          \
	"S: 250-SIZE 1000000\n"                                                \
	"S: 250 PIPELINING\n"
#define HELLO_CHUNK                                                            \
	"S: 220 mx ESMTP\n"                                                    \
	"C: EHLO [192.0.2.1]\n"                                                \
	"S: 250-mx\n"                                                          \
	"S: 250-CHUNKING\n"                                                    \
	"S: 250 PIPELINING\n"
#define BYE                                                                    \
	"C: QUIT\n"                                                            \
	"S: 221 bye\n"

static const struct play happy[] = {
	{ .name = "plain: one command at a time, dots stuffed",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n.b\r\n", "c\r\n" },
	    .quits = true,
	    .script = HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=7\nS: 250 ok\n"
				  "C: RCPT TO:<r0@x>\nS: 250 ok\n"
				  "C: DATA\nS: 354 go\n"
				  "C: a\nC: ..b\nC: .\nS: 250 2.0.0 taken\n"
				  "C: MAIL FROM:<me@x> SIZE=3\nS: 250 ok\n"
				  "C: RCPT TO:<r0@x>\nS: 250 ok\n"
				  "C: DATA\nS: 354 go\n"
				  "C: c\nC: .\nS: 250 taken\n" BYE,
	    .events = "ready \n"
		      "1.0 ok end 250 2.0.0\n1 ok end 250 2.0.0\n"
		      "2.0 ok end 250\n2 ok end 250\n"
		      "close none none local 0\n" },
	{ .name = "pipelining: the envelope and DATA leave together, and the "
		  "next envelope with the dot",
	    .opts = { .tls = SC_TLS_IMPLICIT },
	    .bodies = { "a\r\n", "c\r\n" },
	    .nrcpts = 2,
	    .quits = true,
	    .script = HELLO_PIPE "C: MAIL FROM:<me@x> SIZE=3\n"
				 "C: RCPT TO:<r0@x>\nC: RCPT TO:<r1@x>\n"
				 "C: DATA\n"
				 "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
				 "C: a\nC: .\n"
				 "C: RSET\nC: MAIL FROM:<me@x> SIZE=3\n"
				 "C: RCPT TO:<r0@x>\nC: RCPT TO:<r1@x>\n"
				 "C: DATA\n"
				 "S: 250 first\nS: 250 reset\nS: 250 ok\n"
				 "S: 250 ok\nS: 550 5.1.1 unknown\nS: 354 go\n"
				 "C: c\nC: .\nS: 250 second\n" BYE,
	    .events = "ready \n"
		      "1.0 ok end 250\n1.1 ok end 250\n1 ok end 250\n"
		      "2.1 never rcpt 550 5.1.1\n"
		      "2.0 ok end 250\n2 ok end 250\n"
		      "close none none local 0\n" },
	{ .name = "chunking: everything in one flight, bytes as given",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { ".a\r\n", "b\r\n" },
	    .quits = true,
	    .script = HELLO_CHUNK
	    "C: MAIL FROM:<me@x>\nC: RCPT TO:<r0@x>\n"
	    "C: BDAT 4 LAST\nC: .a\n"
	    "C: RSET\nC: MAIL FROM:<me@x>\nC: RCPT TO:<r0@x>\n"
	    "C: BDAT 3 LAST\nC: b\n"
	    "S: 250 ok\nS: 250 ok\nS: 250 2.0.0 taken\n"
	    "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 taken\n" BYE,
	    .events = "ready \n"
		      "1.0 ok end 250 2.0.0\n1 ok end 250 2.0.0\n"
		      "2.0 ok end 250\n2 ok end 250\n"
		      "close none none local 0\n" },
};

static void
mail_is_sent_and_verdicts_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(happy); i++)
		play(&happy[i]);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_is_sent_and_verdicts_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
