/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client engine against a server that is a text: what it must say, what it
 * hears, which events come of it, at every chunk size in both directions. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "outbound/login.h"
#include "smtp/smtp_caps.h"
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
	const char *auth; /* mechanisms */
	bool is_token;
	const char *secret;
	const char *binding;
	const char *bodies[MAX_JOBS]; /* one message each, to r0@x, ... */
	size_t nrcpts; /* 0: one */
	bool quits;
	size_t body_fails; /* job number from 1; 0: none */
	void (*tweak)(struct smtp_job *job, struct smtp_job_rcpt *rcpts);
};

struct cue {
	size_t at; /* bytes of the client heard before */
	size_t from, to; /* in the server's text */
};

struct stage {
	const struct play *play;
	struct smtp_client *c;
	struct sasl_login *login;
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
		if (pl->tweak != NULL)
			pl->tweak(&m->job, m->rcpts);
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
	if (opts.window_first == 0)
		opts.window_first = SMTP_WINDOW_JOBS_MAX;
	st->c = smtp_client_new(&opts);
	st->login = sasl_login_new(&(struct sasl_login_opts) { .user = "u",
	    .allowed = pl->auth,
	    .is_token = pl->is_token,
	    .host = "mx.example",
	    .port = 587 });
}

static void
stage_close(struct stage *st)
{
	smtp_client_free(st->c);
	sasl_login_free(st->login);
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
	"no-tls", "no-auth", "auth", "auth-later", "cred", "name", "broken",
	"offer" };

static void
log_in(struct stage *st, enum sasl_act act)
{
	const struct play *pl = st->play;
	struct sasl_key *key;
	struct secret *s;
	struct verdict v;

	if (act == SASL_DERIVE) {
		key = sasl_login_take_key(st->login);
		sasl_key_derive(key);
		sasl_login_keyed(st->login, key);
		sasl_key_free(key);
	} else if (act != SASL_FETCH) {
		return;
	} else if (pl->secret == NULL) {
		verdict_local(
		    &v, VERDICT_LATER, STAGE_LOCAL, 0, NULL, "no secret");
		smtp_client_no_login(st->c, SC_TROUBLE_CRED, &v);
		return;
	} else {
		s = secret_new(bytes_str(pl->secret));
		sasl_login_secret(st->login, s,
		    pl->binding != NULL ? "tls-exporter" : NULL,
		    bytes_of(pl->binding, pl->binding != NULL ? 32 : 0));
		secret_free(s);
	}
	log_in(st, login_go_on(st->login, st->c));
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
	case SC_AUTH:
	case SC_CHALLENGE:
	case SC_ACCEPTED:
		log_in(st, login_event(st->login, st->c, ev, info));
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
		assert_true(buf_adds(e, info->is_void ? " void\n" : "\n"));
		break;
	case SC_JOB_DONE:
		assert_true(buf_addf(e, "%d", (int)info->job));
		note_verdict(st, &info->verdict);
		assert_true(buf_adds(e, info->is_void ? " void\n" : "\n"));
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
		smtp_client_eof(st->c, "connection lost");
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
	compare(pl, chunk, "events", &st.events, bytes_str(pl->events));
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

static void
run_all(const struct play *plays, size_t n)
{
	for (size_t i = 0; i < n; i++)
		play(&plays[i]);
}

/* --- TLS ------------------------------------------------------------------ */

#define TO_TLS                                                                 \
	"S: 220 mx\nC: EHLO [192.0.2.1]\n"                                     \
	"S: 250-mx\nS: 250-AUTH PLAIN LOGIN\nS: 250 STARTTLS\n"                \
	"C: STARTTLS\nS: 220 go\nC: EHLO [192.0.2.1]\n"
#define AUTH_OPTS .wants_auth = true
#define CLOSED    "close none none local 0\n"

static const struct play tls[] = {
	{ .name = "STARTTLS, EHLO again, login",
	    .opts = { AUTH_OPTS },
	    .secret = "pw",
	    .quits = true,
	    .script = TO_TLS "S: 250-mx\nS: 250 AUTH PLAIN\n"
			     "C: AUTH PLAIN AHUAcHc=\nS: 235 in\n" BYE,
	    .events = "tls\nready PLAIN\n" CLOSED },
	{ .name = "R5: what was offered in clear does not count",
	    .opts = { AUTH_OPTS },
	    .secret = "pw",
	    .script = TO_TLS "S: 250-mx\nS: 250 STARTTLS\nC: QUIT\n",
	    .events = "tls\nclose no-auth later auth 0\n" },
	{ .name = "R6: STARTTLS was stripped",
	    .opts = { AUTH_OPTS },
	    .secret = "pw",
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\n"
		      "S: 250-mx\nS: 250 AUTH PLAIN\nC: QUIT\n",
	    .events = "close no-tls later tls 0\n" },
	{ .name = "R6: STARTTLS refused for now",
	    .opts = { AUTH_OPTS },
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\n"
		      "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\n"
		      "S: 454 4.7.0 no\nC: QUIT\n",
	    .events = "close no-tls later tls 454 4.7.0\n" },
	{ .name = "R6: STARTTLS refused for good",
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\n"
		      "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\n"
		      "S: 501 what\nC: QUIT\n",
	    .events = "close no-tls later tls 501\n" },
	{ .name = "an odd yes to STARTTLS",
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\n"
		      "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 250 ok\n",
	    .events = "close protocol later tls 0\n" },
	{ .name = "R6: without EHLO there is no TLS, so no HELO",
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\nS: 502 what\nC: QUIT\n",
	    .events = "close refused later ehlo 502\n" },
};

static void
nothing_is_sent_in_clear_once_tls_is_wanted(void **state)
{
	(void)state;
	run_all(tls, ARRAY_LEN(tls));
}

/* R5, CVE-2021-38371: clear text behind the 220, in the same packet. */
static void
an_answer_injected_behind_starttls_ends_the_session(void **state)
{
	static const struct play pl = { .name = "injection",
		.opts = { AUTH_OPTS },
		.secret = "pw",
		.script = "S: 220 mx\nC: EHLO [192.0.2.1]\n"
			  "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\n",
		.events = "close no-tls later tls 0\n" };
	static const char *behind[] = {
		"220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n", "220 go\r\n\r\n",
		"220 go\r\n2", "220 go\n\x16"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(behind); i++) {
		struct stage st;

		stage_open(&st, &pl, 1000);
		perform(&st);
		smtp_client_put(st.c, behind[i], strlen(behind[i]));
		perform(&st);
		assert_string_equal(buf_str(&st.events), pl.events);
		compare(&pl, i, "said", &st.heard, buf_bytes(&st.wanted));
		stage_close(&st);
	}
}

/* --- the beginning -------------------------------------------------------- */

static const struct play beginnings[] = {
	{ .name = "a greeting of many lines",
	    .opts = { .tls = SC_TLS_OFF },
	    .quits = true,
	    .script = "S: 220-mx\nS: 220-no spam\nS: 220\n"
		      "C: EHLO [192.0.2.1]\nS: 250\n" BYE,
	    .events = "ready \n" CLOSED },
	{ .name = "HELO where neither TLS nor AUTH is wanted",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\nS: 500 what\n"
		      "C: HELO [192.0.2.1]\nS: 250-mx\nS: 250 PIPELINING\n"
		      "C: MAIL FROM:<me@x>\nS: 250 ok\n"
		      "C: RCPT TO:<r0@x>\nS: 250 ok\nC: DATA\nS: 354 go\n"
		      "C: a\nC: .\nS: 250 ok\n" BYE,
	    .events = "ready \n1.0 ok end 250\n1 ok end 250\n" CLOSED },
	{ .name = "R58: no HELO where a login is wanted",
	    .opts = { .tls = SC_TLS_OFF, AUTH_OPTS },
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\nS: 500 what\nC: QUIT\n",
	    .events = "close refused later ehlo 500\n" },
	{ .name = "EHLO with an address literal refused: the host name",
	    .opts = { .tls = SC_TLS_OFF, .ehlo_others = { "me.example" } },
	    .quits = true,
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\n"
		      "S: 501 5.5.4 Syntactically invalid EHLO argument\n"
		      "C: EHLO me.example\nS: 250 mx\n" BYE,
	    .events = "ready \n" CLOSED },
	{ .name = "each name once, whatever the server does not like of it",
	    .opts = { .tls = SC_TLS_OFF,
		.ehlo_name = "pve1.lan",
		.ehlo_others = { "[192.0.2.1]", "me.example" } },
	    .quits = true,
	    .script =
		"S: 220 mx\nC: EHLO pve1.lan\nS: 550 5.7.1 no such hostname\n"
		"C: EHLO [192.0.2.1]\nS: 504 5.5.2 no literals\n"
		"C: EHLO me.example\nS: 250 mx\n" BYE,
	    .events = "ready \n" CLOSED },
	{ .name = "no name is taken",
	    .opts = { .ehlo_others = { "me.example" } },
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\nS: 501 what\n"
		      "C: EHLO me.example\nS: 504 5.5.2 who\nC: QUIT\n",
	    .events = "close name later ehlo 504 5.5.2\n" },
	{ .name = "a name that was refused before is not said first",
	    .opts = { .tls = SC_TLS_OFF,
		.ehlo_others = { "me.example" },
		.ehlo_refused = 1 },
	    .quits = true,
	    .script = "S: 220 mx\nC: EHLO me.example\nS: 250 mx\n" BYE,
	    .events = "ready \n" CLOSED },
	{ .name = "behind STARTTLS the name that was taken is said again",
	    .opts = { .ehlo_others = { "me.example" } },
	    .quits = true,
	    .script =
		"S: 220 mx\nC: EHLO [192.0.2.1]\nS: 501 what\n"
		"C: EHLO me.example\nS: 250-mx\nS: 250 STARTTLS\n"
		"C: STARTTLS\nS: 220 go\nC: EHLO me.example\nS: 250 mx\n" BYE,
	    .events = "tls\nready \n" CLOSED },
	{ .name = "HELO behind the last name, where it may be said",
	    .opts = { .tls = SC_TLS_OFF, .ehlo_others = { "me.example" } },
	    .quits = true,
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\nS: 501 what\n"
		      "C: EHLO me.example\nS: 501 what\n"
		      "C: HELO [192.0.2.1]\nS: 250 mx\n" BYE,
	    .events = "ready \n" CLOSED },
	{ .name = "a 550 to EHLO that is about our address",
	    .opts = { .ehlo_others = { "me.example" } },
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\n"
		      "S: 550 5.7.1 [192.0.2.1] is on a list\nC: QUIT\n",
	    .events = "close refused later ehlo 550 5.7.1\n" },
	{ .name = "another 5yz to EHLO is not about the name",
	    .opts = { .ehlo_others = { "me.example" } },
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\nS: 554 5.3.2 never\n"
		      "C: QUIT\n",
	    .events = "close refused later ehlo 554 5.3.2\n" },
	{ .name = "HELO refused too",
	    .opts = { .tls = SC_TLS_OFF },
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\nS: 500 what\n"
		      "C: HELO [192.0.2.1]\nS: 550 no\nC: QUIT\n",
	    .events = "close refused later ehlo 550\n" },
	{ .name = "a greeting that refuses",
	    .script = "S: 554 5.7.1 go away\nC: QUIT\n",
	    .events = "close refused later greeting 554 5.7.1\n" },
	{ .name = "a greeting that is busy",
	    .script = "S: 421 4.3.2 later\n",
	    .events = "close refused later greeting 421 4.3.2\n" },
	{ .name = "an odd greeting",
	    .script = "S: 250 ok\n",
	    .events = "close protocol later greeting 0\n" },
	{ .name = "a web server",
	    .script = "S: HTTP/1.1 400 Bad Request\n",
	    .events = "close protocol later greeting 0\n" },
	{ .name = "EHLO refused for now",
	    .opts = { .tls = SC_TLS_OFF },
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\nS: 450 no\nC: QUIT\n",
	    .events = "close refused later ehlo 450\n" },
	{ .name = "the server is idle and goes",
	    .opts = { .tls = SC_TLS_OFF },
	    .script = HELLO_PLAIN "S: 421 4.4.2 bye\n",
	    .events = "ready \nclose lost later connect 421 4.4.2\n" },
	{ .name = "R64: an answer nobody asked for",
	    .opts = { .tls = SC_TLS_OFF },
	    .script = HELLO_PLAIN "S: 250 ok\n",
	    .events = "ready \nclose protocol later connect 0\n" },
};

static void
a_session_begins_or_says_why_not(void **state)
{
	(void)state;
	run_all(beginnings, ARRAY_LEN(beginnings));
}

/* A server that hangs up over a name, or over a second EHLO. */
static void
a_refused_name_is_known_when_the_connection_is_lost(void **state)
{
	static const struct play pl = { .name = "hangs up",
		.opts = { .ehlo_others = { "me.example" } },
		.script = "S: 220 mx\nC: EHLO [192.0.2.1]\nS: 501 what\n"
			  "C: EHLO me.example\n" };
	struct stage st;

	(void)state;
	stage_open(&st, &pl, 1000);
	perform(&st);
	smtp_client_eof(st.c, "gone");
	perform(&st);
	assert_string_equal(buf_str(&st.events), "close lost later ehlo 0\n");
	assert_int_equal(smtp_client_ehlo_refused(st.c), 1);
	stage_close(&st);
}

static void
what_the_close_says(const struct play *pl, const char *want)
{
	struct stage st;
	struct sc_info info;
	enum sc_event ev;

	stage_open(&st, pl, 1000);
	smtp_client_put(st.c, buf_str(&st.server), buf_len(&st.server));
	while ((ev = smtp_client_next(st.c, &info)) != SC_CLOSE)
		assert_int_not_equal(ev, SC_IDLE);
	if (strstr(info.verdict.text, want) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", info.verdict.text, want);
	stage_close(&st);
}

static void
usual_mistakes_have_their_own_sentence(void **state)
{
	static const struct play alert = { .script = "S: \x15\x03\x01",
		.events = "" };
	static const struct play web = { .script = "S: HTTP/1.1 400 Bad",
		.events = "" };

	(void)state;
	what_the_close_says(&alert, "set tls = implicit");
	what_the_close_says(&web, "not a mail server");
}

static void
a_reply_beyond_the_caps_ends_the_session(void **state)
{
	static const struct play pl = { .name = "1000 lines",
		.opts = { .tls = SC_TLS_OFF },
		.script = "S: 220 mx\nC: EHLO [192.0.2.1]\n",
		.events = "close protocol later ehlo 0\n" };
	struct stage st;

	(void)state;
	stage_open(&st, &pl, 1000);
	perform(&st);
	for (int i = 0; i < 1000 && !st.is_closed; i++) {
		smtp_client_put(st.c, "250-SIZE\r\n", 10);
		perform(&st);
	}
	assert_string_equal(buf_str(&st.events), pl.events);
	assert_int_equal(smtp_client_room(st.c), 0);
	assert_int_equal(smtp_client_deadline(st.c), INT64_MAX);
	stage_close(&st);
}

/* --- login ---------------------------------------------------------------- */

#define AUTH(list)                                                             \
	"S: 220 mx\nC: EHLO [192.0.2.1]\nS: 250-mx\nS: 250 AUTH " list "\n"
#define IN_TLS  .tls = SC_TLS_IMPLICIT, AUTH_OPTS
#define BINDING "0123456789abcdef0123456789abcdef"

static const struct play logins[] = {
	{ .name = "LOGIN, prompted in base64 and in plain words",
	    .opts = { IN_TLS },
	    .auth = "login",
	    .secret = "pw",
	    .quits = true,
	    .script = AUTH("PLAIN LOGIN") "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\n"
					  "C: dQ==\nS: 334 Password:\n"
					  "C: cHc=\nS: 235 in\n" BYE,
	    .events = "ready LOGIN\n" CLOSED },
	{ .name = "a mechanism the server cannot do after all: the next",
	    .opts = { IN_TLS },
	    .auth = "XOAUTH2 PLAIN LOGIN",
	    .secret = "pw",
	    .quits = true,
	    .script = AUTH(
		"PLAIN LOGIN XOAUTH2") "C: AUTH XOAUTH2 "
				       "dXNlcj11AWF1dGg9QmVhcmVyIHB3AQE=\n"
				       "S: 504 5.5.4 no\n"
				       "C: AUTH PLAIN AHUAcHc=\nS: 502 5.5.2 "
				       "what\n"
				       "C: AUTH LOGIN\nS: 334 \nC: dQ==\nS: "
				       "334\nC: cHc=\nS: 235 in\n" BYE,
	    .events = "ready LOGIN\n" CLOSED },
	{ .name = "R57: a refused password is not offered again",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .script = AUTH("PLAIN LOGIN") "C: AUTH PLAIN AHUAcHc=\n"
					  "S: 535 5.7.8 no\nC: QUIT\n",
	    .events = "close auth later auth 535 5.7.8\n" },
	{ .name = "R57: and 535 says so without an enhanced code",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .script = AUTH("PLAIN LOGIN") "C: AUTH PLAIN AHUAcHc=\n"
					  "S: 535 no\nC: QUIT\n",
	    .events = "close auth later auth 535\n" },
	{ .name = "501 to an initial response: the same without it",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .quits = true,
	    .script = AUTH("PLAIN LOGIN") "C: AUTH PLAIN AHUAcHc=\n"
					  "S: 501 5.5.4 Bad parameter\n"
					  "C: AUTH PLAIN\nS: 334 \n"
					  "C: AHUAcHc=\nS: 235 in\n" BYE,
	    .events = "ready PLAIN\n" CLOSED },
	{ .name = "501 to EXTERNAL's: the empty one behind the 334",
	    .opts = { IN_TLS },
	    .auth = "EXTERNAL",
	    .quits = true,
	    .script = AUTH("EXTERNAL") "C: AUTH EXTERNAL =\nS: 501 what\n"
				       "C: AUTH EXTERNAL\nS: 334 \nC: \n"
				       "S: 235 in\n" BYE,
	    .events = "ready EXTERNAL\n" CLOSED },
	{ .name = "501 twice: the next mechanism",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .quits = true,
	    .script = AUTH("PLAIN LOGIN") "C: AUTH PLAIN AHUAcHc=\n"
					  "S: 501 what\nC: AUTH PLAIN\n"
					  "S: 501 what\nC: AUTH LOGIN\n"
					  "S: 334 \nC: dQ==\nS: 334\nC: cHc=\n"
					  "S: 235 in\n" BYE,
	    .events = "ready LOGIN\n" CLOSED },
	{ .name = "where none was taken before, none is sent",
	    .opts = { IN_TLS, .is_bare_auth = true },
	    .secret = "pw",
	    .quits = true,
	    .script = AUTH("PLAIN") "C: AUTH PLAIN\nS: 334 \n"
				    "C: AHUAcHc=\nS: 235 in\n" BYE,
	    .events = "ready PLAIN\n" CLOSED },
	{ .name = "any other 5yz to one mechanism: the next",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .quits = true,
	    .script = AUTH("PLAIN LOGIN") "C: AUTH PLAIN AHUAcHc=\n"
					  "S: 553 5.3.0 Auth failure\n"
					  "C: AUTH LOGIN\nS: 334 \nC: dQ==\n"
					  "S: 334\nC: cHc=\nS: 235 in\n" BYE,
	    .events = "ready LOGIN\n" CLOSED },
	{ .name = "none is left: the answer that says most counts, and not the "
		  "last",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .script = AUTH("PLAIN LOGIN") "C: AUTH PLAIN AHUAcHc=\n"
					  "S: 553 5.3.0 Auth failure\n"
					  "C: AUTH LOGIN\nS: 504 5.5.4 no\n"
					  "C: QUIT\n",
	    .events = "close auth later auth 553 5.3.0\n" },
	{ .name = "none is left: and not the first",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .script = AUTH("PLAIN LOGIN") "C: AUTH PLAIN AHUAcHc=\n"
					  "S: 503 5.5.1 not offered\n"
					  "C: AUTH LOGIN\nS: 554 5.7.1 no\n"
					  "C: QUIT\n",
	    .events = "close auth later auth 554 5.7.1\n" },
	{ .name = "535 ends it wherever it comes",
	    .opts = { IN_TLS },
	    .auth = "XOAUTH2 PLAIN LOGIN",
	    .secret = "pw",
	    .script = AUTH(
		"PLAIN LOGIN XOAUTH2") "C: AUTH XOAUTH2 "
				       "dXNlcj11AWF1dGg9QmVhcmVyIHB3AQE=\n"
				       "S: 553 5.3.0 no\n"
				       "C: AUTH PLAIN AHUAcHc=\n"
				       "S: 535 5.7.8 no\nC: QUIT\n",
	    .events = "close auth later auth 535 5.7.8\n" },
	{ .name = "what is about the account ends it with any code",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .script = AUTH("PLAIN LOGIN") "C: AUTH PLAIN AHUAcHc=\n"
					  "S: 550 5.7.30 Basic authentication "
					  "is not supported\nC: QUIT\n",
	    .events = "close auth later auth 550 5.7.30\n" },
	{ .name = "RFC 4954: too weak a mechanism",
	    .opts = { IN_TLS },
	    .auth = "LOGIN PLAIN",
	    .secret = "pw",
	    .quits = true,
	    .script = AUTH("PLAIN LOGIN") "C: AUTH LOGIN\n"
					  "S: 534 5.7.9 Authentication "
					  "mechanism is too weak\n"
					  "C: AUTH PLAIN AHUAcHc=\n"
					  "S: 235 in\n" BYE,
	    .events = "ready PLAIN\n" CLOSED },
	{ .name = "534 is a refusal too",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .script = AUTH(
		"PLAIN LOGIN") "C: AUTH PLAIN AHUAcHc=\n"
			       "S: 534 5.7.9 app password\nC: QUIT\n",
	    .events = "close auth later auth 534 5.7.9\n" },
	{ .name = "no mechanism is left",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .script = AUTH("PLAIN") "C: AUTH PLAIN AHUAcHc=\n"
				    "S: 504 5.5.4 no\nC: QUIT\n",
	    .events = "close no-auth later auth 504 5.5.4\n" },
	{ .name = "the server's trouble is not the password's",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .script = AUTH("PLAIN") "C: AUTH PLAIN AHUAcHc=\n"
				    "S: 454 4.7.0 database\nC: QUIT\n",
	    .events = "close auth-later later auth 454 4.7.0\n" },
	{ .name = "only 235 is a login: 250 is one less way to log in",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .bodies = { "a\r\n" },
	    .script = AUTH("PLAIN LOGIN") "C: AUTH PLAIN AHUAcHc=\n"
					  "S: 250 2.7.0 hello u\n"
					  "C: AUTH LOGIN\n"
					  "S: 503 5.5.1 you are in\nC: QUIT\n",
	    .events = "close no-auth later auth 0\n" },
	{ .name = "250 to AUTH, and the next mechanism is taken",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .quits = true,
	    .script = AUTH("PLAIN LOGIN") "C: AUTH PLAIN AHUAcHc=\n"
					  "S: 250 ok\nC: AUTH LOGIN\n"
					  "S: 334 VXNlcm5hbWU6\nC: dQ==\n"
					  "S: 334 UGFzc3dvcmQ6\nC: cHc=\n"
					  "S: 235 in\n" BYE,
	    .events = "ready LOGIN\n" CLOSED },
	{ .name = "421 to AUTH",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .script = AUTH("PLAIN") "C: AUTH PLAIN AHUAcHc=\nS: 421 full\n",
	    .events = "close auth-later later auth 421\n" },
	{ .name = "R58: no AUTH, no mail",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .bodies = { "a\r\n" },
	    .script = HELLO_PLAIN "C: QUIT\n",
	    .events = "close no-auth later auth 0\n" },
	{ .name = "R23: nothing in common",
	    .opts = { IN_TLS },
	    .secret = "pw",
	    .script = AUTH("NTLM GSSAPI DIGEST-MD5 XOAUTH2") "C: QUIT\n",
	    .events = "close no-auth later auth 0\n" },
	{ .name = "no secret to be had",
	    .opts = { IN_TLS },
	    .script = AUTH("PLAIN") "C: QUIT\n",
	    .events = "close cred later local 0\n" },
	{ .name = "EXTERNAL needs no secret",
	    .opts = { IN_TLS },
	    .auth = "EXTERNAL",
	    .quits = true,
	    .script = AUTH("PLAIN EXTERNAL") "C: AUTH EXTERNAL =\n"
					     "S: 235 in\n" BYE,
	    .events = "ready EXTERNAL\n" CLOSED },
	{ .name = "a challenge that is not base64",
	    .opts = { IN_TLS },
	    .auth = "CRAM-MD5",
	    .secret = "pw",
	    .script = AUTH("CRAM-MD5") "C: AUTH CRAM-MD5\n"
				       "S: 334 <1@x>\nC: *\n",
	    .events = "close auth later auth 0\n" },
	{ .name = "one challenge too many",
	    .opts = { IN_TLS },
	    .auth = "PLAIN",
	    .secret = "pw",
	    .script = AUTH("PLAIN") "C: AUTH PLAIN AHUAcHc=\n"
				    "S: 334 YWdhaW4=\nC: *\n",
	    .events = "close auth later auth 0\n" },
	{ .name = "R74: XOAUTH2, refused with a reason",
	    .opts = { IN_TLS },
	    .is_token = true,
	    .secret = "tok",
	    .script = AUTH(
		"PLAIN XOAUTH2") "C: AUTH XOAUTH2 "
				 "dXNlcj11AWF1dGg9QmVhcmVyIHRvawEB\n"
				 "S: 334 eyJzdGF0dXMiOiI0MDAifQ==\nC: \n"
				 "S: 535 5.7.8 no\nC: QUIT\n",
	    .events = "close auth later auth 535 5.7.8\n" },
	{ .name = "R74: OAUTHBEARER, refused with a reason",
	    .opts = { IN_TLS },
	    .is_token = true,
	    .secret = "tok",
	    .script = AUTH(
		"OAUTHBEARER XOAUTH2") "C: AUTH OAUTHBEARER "
				       "bixhPXUsAWhvc3Q9bXguZXhhbXBsZQFwb3J0PTU"
				       "4NwFh"
				       "dXRoPUJlYXJlciB0b2sBAQ==\n"
				       "S: 334 eyJzdGF0dXMiOiI0MDAifQ==\nC: "
				       "AQ==\n"
				       "S: 535 5.7.8 no\nC: QUIT\n",
	    .events = "close auth later auth 535 5.7.8\n" },
	{ .name = "R72: AUTH is spoken in clear only where tls = off",
	    .opts = { .tls = SC_TLS_OFF, AUTH_OPTS },
	    .secret = "pw",
	    .quits = true,
	    .script = AUTH("PLAIN") "C: AUTH PLAIN AHUAcHc=\nS: 235 in\n" BYE,
	    .events = "ready PLAIN\n" CLOSED },
};

static void
logins_end_as_the_server_says(void **state)
{
	(void)state;
	run_all(logins, ARRAY_LEN(logins));
}

/* R57: many mechanisms, each of them refused in every way. */
static void
the_tries_of_one_login_are_bounded(void **state)
{
	static const struct play pl = { .name = "501 to all",
		.opts = { IN_TLS },
		.auth = "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 "
			"SCRAM-SHA-1 OAUTHBEARER XOAUTH2 PLAIN LOGIN "
			"CRAM-MD5 EXTERNAL",
		.secret = "pw",
		.binding = BINDING,
		.script = AUTH(
		    "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 "
		    "SCRAM-SHA-1 OAUTHBEARER XOAUTH2 PLAIN LOGIN CRAM-MD5 "
		    "EXTERNAL") };
	struct stage st;
	size_t n = 0;

	(void)state;
	stage_open(&st, &pl, 1000);
	perform(&st);
	for (int i = 0; i < 30 && !st.is_closed; i++) {
		smtp_client_put(st.c, "501 no\r\n", 8);
		perform(&st);
	}
	assert_string_equal(
	    buf_str(&st.events), "close no-auth later auth 501\n");
	for (const char *p = buf_str(&st.heard);
	     (p = strstr(p, "AUTH ")) != NULL; p++)
		n++;
	assert_int_equal(n, 8);
	stage_close(&st);
}

/* R73: yes without a proof. */
static void
a_yes_to_scram_without_the_proof_is_an_attack(void **state)
{
	static const struct play pl = { .name = "early 235",
		.opts = { IN_TLS },
		.secret = "pw",
		.binding = BINDING,
		.script = AUTH("SCRAM-SHA-256-PLUS PLAIN"),
		.events = "close auth later auth 0\n" };
	struct stage st;

	(void)state;
	stage_open(&st, &pl, 1000);
	perform(&st);
	assert_non_null(strstr(buf_str(&st.heard), "AUTH SCRAM-SHA-256-PLUS "));
	smtp_client_put(st.c, "235 welcome\r\n", 13);
	perform(&st);
	assert_string_equal(buf_str(&st.events), pl.events);
	assert_non_null(strstr(buf_str(&st.heard), "\r\n*\r\n"));
	stage_close(&st);
}

/* R67: a long token follows behind the 334, and leaves nothing in memory that
 * could be sent twice. */
static void
a_long_token_does_not_go_into_the_auth_line(void **state)
{
	static char token[12289];
	static struct play pl = { .name = "long token",
		.opts = { IN_TLS },
		.is_token = true,
		.secret = token,
		.script = AUTH("XOAUTH2") "C: AUTH XOAUTH2\nS: 334\n",
		.events = "ready XOAUTH2\n" };
	struct buf raw, code;
	struct stage st;

	(void)state;
	memset(token, 't', sizeof(token) - 1);
	buf_init(&raw, 100000);
	buf_init(&code, 100000);
	assert_true(buf_addf(&raw, "user=u\001auth=Bearer %s\001\001", token));
	assert_true(base64_encode(&code, buf_bytes(&raw)));
	stage_open(&st, &pl, 1000);
	perform(&st);
	add(&st.wanted, buf_str(&code), buf_len(&code));
	add(&st.wanted, "\r\n", 2);
	compare(&pl, 0, "said", &st.heard, buf_bytes(&st.wanted));
	smtp_client_put(st.c, "235 in\r\n", 8);
	perform(&st);
	assert_string_equal(buf_str(&st.events), pl.events);
	stage_close(&st);
	buf_clear(&raw);
	buf_clear(&code);
}

/* --- refusals, one by one ------------------------------------------------- */

#define MAIL1 "C: MAIL FROM:<me@x>\n"
#define RCPT3 "C: RCPT TO:<r0@x>\nC: RCPT TO:<r1@x>\nC: RCPT TO:<r2@x>\n"

static const struct play refusals[] = {
	{ .name = "chunking: a recipient refused beside two accepted",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .nrcpts = 3,
	    .quits = true,
	    .script = HELLO_CHUNK MAIL1 RCPT3
	    "C: BDAT 3 LAST\nC: a\n"
	    "S: 250 ok\nS: 250 ok\nS: 450 4.2.1 busy\nS: 250 ok\n"
	    "S: 250 taken\n" BYE,
	    .events = "ready \n1.1 later rcpt 450 4.2.1\n"
		      "1.0 ok end 250\n1.2 ok end 250\n1 ok end 250\n" CLOSED },
	{ .name = "chunking: all recipients refused, and so the chunk",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .nrcpts = 3,
	    .quits = true,
	    .script = HELLO_CHUNK MAIL1 RCPT3
	    "C: BDAT 3 LAST\nC: a\n"
	    "S: 250 ok\nS: 550 5.1.1 no\nS: 450 busy\nS: 550 no\n"
	    "S: 503 5.5.1 no recipients\n" BYE,
	    .events = "ready \n1.0 never rcpt 550 5.1.1\n1.1 later rcpt 450\n"
		      "1.2 never rcpt 550\n1 later rcpt 450\n" CLOSED },
	{ .name = "chunking: MAIL refused",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .nrcpts = 3,
	    .quits = true,
	    .script = HELLO_CHUNK MAIL1 RCPT3
	    "C: BDAT 3 LAST\nC: a\n"
	    "S: 550 5.7.1 not you\nS: 503 no\nS: 503 no\nS: 503 no\n"
	    "S: 503 no\n" BYE,
	    .events = "ready \n1.0 never mail 550 5.7.1\n"
		      "1.1 never mail 550 5.7.1\n1.2 never mail 550 5.7.1\n"
		      "1 never mail 550 5.7.1\n" CLOSED },
	{ .name = "chunking: the message refused, RSET in front of the next",
	    .opts = { .tls = SC_TLS_OFF, .window_jobs = 1 },
	    .bodies = { "a\r\n", "b\r\n" },
	    .quits = true,
	    .script = HELLO_CHUNK MAIL1
	    "C: RCPT TO:<r0@x>\nC: BDAT 3 LAST\nC: a\n"
	    "S: 250 ok\nS: 250 ok\nS: 554 5.7.1 spam\n"
	    "C: RSET\nC: MAIL FROM:<me@x>\nC: RCPT TO:<r0@x>\n"
	    "C: BDAT 3 LAST\nC: b\n"
	    "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 taken\n" BYE,
	    .events = "ready \n1.0 never end 554 5.7.1\n"
		      "1 never end 554 5.7.1\n"
		      "2.0 ok end 250\n2 ok end 250\n" CLOSED },
	{ .name = "pipelining: all refused, DATA too",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n", "b\r\n" },
	    .quits = true,
	    .script = HELLO_PIPE "C: MAIL FROM:<me@x> SIZE=3\n"
				 "C: RCPT TO:<r0@x>\nC: DATA\n"
				 "S: 250 ok\nS: 550 no\nS: 554 nobody\n"
				 "C: RSET\nC: MAIL FROM:<me@x> SIZE=3\n"
				 "C: RCPT TO:<r0@x>\nC: DATA\n"
				 "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
				 "C: b\nC: .\nS: 250 ok\n" BYE,
	    .events = "ready \n1.0 never rcpt 550\n1 never rcpt 550\n"
		      "2.0 ok end 250\n2 ok end 250\n" CLOSED },
	{ .name = "RFC 2920 3.1: 354 with nobody accepted gets a lone dot",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .script = HELLO_PIPE "C: MAIL FROM:<me@x> SIZE=3\n"
				 "C: RCPT TO:<r0@x>\nC: DATA\n"
				 "S: 250 ok\nS: 550 no\nS: 354 go\n"
				 "C: .\nS: 554 nobody\n" BYE,
	    .events = "ready \n1.0 never rcpt 550\n1 never rcpt 550\n" CLOSED },
	{ .name = "a lone dot that is taken does not deliver anything",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .script = HELLO_PIPE "C: MAIL FROM:<me@x> SIZE=3\n"
				 "C: RCPT TO:<r0@x>\nC: DATA\n"
				 "S: 250 ok\nS: 450 no\nS: 354 go\n"
				 "C: .\nS: 250 ok\n" BYE,
	    .events = "ready \n1.0 later rcpt 450\n1 later rcpt 450\n" CLOSED },
	{ .name = "plain: MAIL refused, no DATA",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n", "b\r\n" },
	    .quits = true,
	    .script = HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=3\nS: 451 wait\n"
				  "C: RCPT TO:<r0@x>\nS: 503 no\n"
				  "C: RSET\nS: 250 ok\n"
				  "C: MAIL FROM:<me@x> SIZE=3\nS: 250 ok\n"
				  "C: RCPT TO:<r0@x>\nS: 252 maybe\n"
				  "C: DATA\nS: 354 go\n"
				  "C: b\nC: .\nS: 250 ok\n" BYE,
	    .events = "ready \n1.0 later mail 451\n1 later mail 451\n"
		      "2.0 ok end 250\n2 ok end 250\n" CLOSED },
	{ .name = "plain: all refused, no DATA",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .nrcpts = 2,
	    .quits = true,
	    .script = HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=3\nS: 250 ok\n"
				  "C: RCPT TO:<r0@x>\nS: 550 no\n"
				  "C: RCPT TO:<r1@x>\nS: 552 5.5.3 many\n" BYE,
	    .events = "ready \n1.0 never rcpt 550\n1.1 later rcpt 552 5.5.3\n"
		      "1 later rcpt 552 5.5.3\n" CLOSED },
	{ .name = "DATA refused",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .nrcpts = 2,
	    .quits = true,
	    .script = HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=3\nS: 250 ok\n"
				  "C: RCPT TO:<r0@x>\nS: 250 ok\n"
				  "C: RCPT TO:<r1@x>\nS: 550 no\n"
				  "C: DATA\nS: 451 4.3.0 not now\n" BYE,
	    .events = "ready \n1.1 never rcpt 550\n1.0 later data 451 4.3.0\n"
		      "1 later data 451 4.3.0\n" CLOSED },
	{ .name = "R64: 250 to DATA",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .script = HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=3\nS: 250 ok\n"
				  "C: RCPT TO:<r0@x>\nS: 250 ok\n"
				  "C: DATA\nS: 250 ok\n",
	    .events = "ready \n1.0 later data 0\n1 later data 0\n"
		      "close protocol later data 0\n" },
	{ .name = "R64: 354 to BDAT: the message may have been taken",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .script = HELLO_CHUNK MAIL1
	    "C: RCPT TO:<r0@x>\nC: BDAT 3 LAST\nC: a\n"
	    "S: 250 ok\nS: 250 ok\nS: 354 go\n",
	    .events = "ready \n1.0 later end 0 uncertain\n"
		      "1 later end 0 uncertain\n"
		      "close protocol later end 0\n" },
	{ .name = "RSET refused: nothing that follows can be trusted",
	    .opts = { .tls = SC_TLS_OFF, .window_jobs = 1 },
	    .bodies = { "a\r\n", "b\r\n" },
	    .script = HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=3\nS: 550 no\n"
				  "C: RCPT TO:<r0@x>\nS: 503 no\n"
				  "C: RSET\nS: 500 what\n",
	    .events = "ready \n1.0 never mail 550\n1 never mail 550\n"
		      "2.0 later mail 0\n2 later mail 0\n"
		      "close protocol later mail 0\n" },
	{ .name = "MAIL refused, yet the message taken: nonsense",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .script = HELLO_CHUNK MAIL1
	    "C: RCPT TO:<r0@x>\nC: BDAT 3 LAST\nC: a\n"
	    "S: 550 no\nS: 250 ok\nS: 250 ok\n",
	    .events = "ready \n1.0 never mail 550\n1 never mail 550\n"
		      "close protocol later connect 0\n" },
	{ .name = "is_plain_spoken: what is offered is left alone",
	    .opts = { .tls = SC_TLS_OFF, .is_plain_spoken = true },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .script = HELLO_CHUNK MAIL1
	    "S: 250 ok\nC: RCPT TO:<r0@x>\nS: 250 ok\nC: DATA\nS: 354 go\n"
	    "C: a\nC: .\nS: 250 ok\n" BYE,
	    .events = "ready \n1.0 ok end 250\n1 ok end 250\n" CLOSED },
	{ .name = "the last line without its end gets one, in DATA",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { ".\r\nlast" },
	    .quits = true,
	    .script = HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=7\nS: 250 ok\n"
				  "C: RCPT TO:<r0@x>\nS: 250 ok\n"
				  "C: DATA\nS: 354 go\n"
				  "C: ..\nC: last\nC: .\nS: 250 ok\n" BYE,
	    .events = "ready \n1.0 ok end 250\n1 ok end 250\n" CLOSED },
	{ .name = "an empty message, chunked",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "" },
	    .quits = true,
	    .script = HELLO_CHUNK MAIL1 "C: RCPT TO:<r0@x>\nC: BDAT 0 LAST\n"
					"S: 250 ok\nS: 250 ok\nS: 250 ok\n" BYE,
	    .events = "ready \n1.0 ok end 250\n1 ok end 250\n" CLOSED },
	{ .name = "RFC 9422: MAILMAX",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n", "b\r\n" },
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\n"
		      "S: 250-mx\nS: 250-CHUNKING\nS: 250-PIPELINING\n"
		      "S: 250 LIMITS MAILMAX=1 RCPTMAX=7\n" MAIL1
		      "C: RCPT TO:<r0@x>\nC: BDAT 3 LAST\nC: a\n"
		      "S: 250 ok\nS: 250 ok\nS: 250 ok\n",
	    .events = "ready \n1.0 ok end 250\n1 ok end 250\n" },
	{ .name = "the body cannot be read: the one before keeps its answer",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n", "b\r\n" },
	    .body_fails = 2,
	    .script = HELLO_CHUNK MAIL1
	    "C: RCPT TO:<r0@x>\nC: BDAT 3 LAST\nC: a\n"
	    "C: RSET\nC: MAIL FROM:<me@x>\nC: RCPT TO:<r0@x>\n"
	    "C: BDAT 3 LAST\n"
	    "S: 250 ok\nS: 250 ok\nS: 250 taken\n",
	    .events = "ready \n1.0 ok end 250\n1 ok end 250\n"
		      "2.0 later local 0\n2 later local 0\n"
		      "close lost later local 0\n" },
};

static void
every_refusal_reaches_whom_it_concerns(void **state)
{
	(void)state;
	run_all(refusals, ARRAY_LEN(refusals));
}

/* --- sessions that are of no more use ------------------------------------- */

#define RCPT1 "C: RCPT TO:<r0@x>\n"

static const struct play broken[] = {
	{ .name = "503 to MAIL: the server forgot the login",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n", "b\r\n" },
	    .nrcpts = 2,
	    .script = HELLO_PIPE "C: MAIL FROM:<me@x> SIZE=3\n" RCPT1
				 "C: RCPT TO:<r1@x>\nC: DATA\n"
				 "S: 503 Error: need EHLO and AUTH first !\n"
				 "S: 503 no\nS: 503 no\nS: 503 no\nC: QUIT\n",
	    .events = "ready \n1.0 later mail 503 void\n"
		      "1.1 later mail 503 void\n1 later mail 503 void\n"
		      "close broken later mail 503\n" },
	{ .name = "503 to MAIL, one command at a time",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .script = HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=3\n"
				  "S: 503 5.5.1 bad sequence\n" RCPT1
				  "S: 503 5.5.1 no\nC: QUIT\n",
	    .events = "ready \n1.0 later mail 503 5.5.1 void\n"
		      "1 later mail 503 5.5.1 void\n"
		      "close broken later mail 503 5.5.1\n" },
	{ .name = "503 to MAIL about the sender is no broken session",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .script = HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=3\n"
				  "S: 503 sender not authorized\n" RCPT1
				  "S: 503 need MAIL\n" BYE,
	    .events = "ready \n1.0 never mail 503\n"
		      "1 never mail 503\n" CLOSED },
	{ .name = "503 to RCPT",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .script = HELLO_PIPE "C: MAIL FROM:<me@x> SIZE=3\n" RCPT1
				 "C: DATA\nS: 250 ok\nS: 503 MAIL first\n"
				 "S: 503 no\nC: QUIT\n",
	    .events = "ready \n1.0 later rcpt 503 void\n"
		      "1 later rcpt 503 void\n"
		      "close broken later rcpt 503\n" },
	{ .name = "503 to DATA although somebody was accepted",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .nrcpts = 2,
	    .script = HELLO_PIPE "C: MAIL FROM:<me@x> SIZE=3\n" RCPT1
				 "C: RCPT TO:<r1@x>\nC: DATA\n"
				 "S: 250 ok\nS: 550 5.1.1 no\nS: 250 ok\n"
				 "S: 503 5.5.1 bad sequence\nC: QUIT\n",
	    .events = "ready \n1.0 never rcpt 550 5.1.1\n"
		      "1.1 later data 503 5.5.1 void\n"
		      "1 later data 503 5.5.1 void\n"
		      "close broken later data 503 5.5.1\n" },
	{ .name = "503 to DATA behind refusals is in order",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .script = HELLO_PIPE "C: MAIL FROM:<me@x> SIZE=3\n" RCPT1
				 "C: DATA\nS: 250 ok\nS: 550 5.1.1 no\n"
				 "S: 503 5.5.1 nobody\n" BYE,
	    .events = "ready \n1.0 never rcpt 550 5.1.1\n"
		      "1 never rcpt 550 5.1.1\n" CLOSED },
	{ .name = "503 to a BDAT that went well before: what is under way is "
		  "heard to its end",
	    .opts = { .tls = SC_TLS_OFF, .window_jobs = 2 },
	    .bodies = { "a\r\n", "b\r\n", "c\r\n", "never said\r\n" },
	    .script = HELLO_CHUNK MAIL1 RCPT1
	    "C: BDAT 3 LAST\nC: a\n"
	    "C: RSET\nC: MAIL FROM:<me@x>\n" RCPT1 "C: BDAT 3 LAST\nC: b\n"
	    "S: 250 ok\nS: 250 ok\nS: 250 taken\n"
	    "C: RSET\nC: MAIL FROM:<me@x>\n" RCPT1 "C: BDAT 3 LAST\nC: c\n"
	    "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 503 5.5.1 bad sequence\n"
	    "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 taken\nC: QUIT\n",
	    .events = "ready \n1.0 ok end 250\n1 ok end 250\n"
		      "2.0 later end 503 5.5.1 void\n"
		      "2 later end 503 5.5.1 void\n"
		      "3.0 ok end 250\n3 ok end 250\n"
		      "close broken later end 503 5.5.1\n" },
	{ .name = "a name in EHLO that is refused at RCPT",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .script = HELLO_PIPE
	    "C: MAIL FROM:<me@x> SIZE=3\n" RCPT1 "C: DATA\nS: 250 ok\n"
	    "S: 504 5.5.2 <[192.0.2.1]>: Helo command rejected: need "
	    "fully-qualified hostname\nS: 554 5.5.1 nobody\nC: QUIT\n",
	    .events = "ready \n1.0 later rcpt 504 5.5.2 void\n"
		      "1 later rcpt 504 5.5.2 void\n"
		      "close name later rcpt 504 5.5.2\n" },
	{ .name = "parameters of MAIL that were offered and are not taken",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .script = HELLO_PIPE "C: MAIL FROM:<me@x> SIZE=3\n" RCPT1
				 "C: DATA\nS: 555 5.5.4 unsupported\n"
				 "S: 503 no\nS: 503 no\nC: QUIT\n",
	    .events = "ready \n1.0 later mail 555 5.5.4 void\n"
		      "1 later mail 555 5.5.4 void\n"
		      "close offer later mail 555 5.5.4\n" },
	{ .name = "and in words",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .script = HELLO_PIPE "C: MAIL FROM:<me@x> SIZE=3\n" RCPT1
				 "C: DATA\nS: 501 Unknown option SIZE=3\n"
				 "S: 503 no\nS: 503 no\nC: QUIT\n",
	    .events = "ready \n1.0 later mail 501 void\n"
		      "1 later mail 501 void\n"
		      "close offer later mail 501\n" },
	{ .name = "an address is no parameter",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .script = HELLO_PIPE "C: MAIL FROM:<me@x> SIZE=3\n" RCPT1
				 "C: DATA\nS: 501 5.1.7 bad argument\n"
				 "S: 503 no\nS: 503 no\n" BYE,
	    .events = "ready \n1.0 never mail 501 5.1.7\n"
		      "1 never mail 501 5.1.7\n" CLOSED },
	{ .name = "nor is a session that was forgotten",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .script = HELLO_PIPE "C: MAIL FROM:<me@x> SIZE=3\n" RCPT1
				 "C: DATA\nS: 501 5.5.4 need HELO first\n"
				 "S: 503 no\nS: 503 no\n" BYE,
	    .events = "ready \n1.0 never mail 501 5.5.4\n"
		      "1 never mail 501 5.5.4\n" CLOSED },
	{ .name = "what did not work before is not said; it was not the cause",
	    .opts = { .tls = SC_TLS_OFF,
		.distrust = SMTP_DISTRUST_PARAMS | SMTP_DISTRUST_CHUNKING },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .script = "S: 220 mx\nC: EHLO [192.0.2.1]\nS: 250-mx\n"
		      "S: 250-SIZE\nS: 250-DSN\nS: 250-CHUNKING\n"
		      "S: 250 PIPELINING\n" MAIL1 RCPT1
		      "C: DATA\nS: 555 5.5.4 still not\nS: 503 no\n"
		      "S: 503 no\n" BYE,
	    .events = "ready \n1.0 never mail 555 5.5.4\n"
		      "1 never mail 555 5.5.4\n" CLOSED },
};

static void
a_session_of_no_more_use_is_nobodys_fault(void **state)
{
	(void)state;
	run_all(broken, ARRAY_LEN(broken));
}

/* A box that lists CHUNKING and does not know it takes the message for
 * commands: nothing more may be said to it, not even QUIT.  500 and 502 stand
 * for the next message, too; behind 503 that may have been taken. */
static void
a_bdat_that_is_not_known_ends_the_connection_at_once(void **state)
{
	static const int codes[] = { 500, 502, 503, 501, 504 };
	static const char script[] = HELLO_CHUNK MAIL1 RCPT1
	    "C: BDAT 3 LAST\nC: a\n"
	    "C: RSET\nC: MAIL FROM:<me@x>\n" RCPT1 "C: BDAT 3 LAST\nC: b\n"
	    "S: 250 ok\nS: 250 ok\nS: %d 5.5.1 what\n"
	    "S: 500 what\nS: 250 ok\nS: 250 ok\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		char said[sizeof(script) + 8], events[400];
		struct play pl = { .name = "BDAT",
			.opts = { .tls = SC_TLS_OFF },
			.bodies = { "a\r\n", "b\r\n" },
			.script = said,
			.events = events };
		const char *doubt = codes[i] == 503 ? " uncertain" : "";

		(void)snprintf(said, sizeof(said), script, codes[i]);
		(void)snprintf(events, sizeof(events),
		    "ready \n1.0 later end %d 5.5.1 void\n"
		    "1 later end %d 5.5.1 void\n"
		    "2.0 later connect %d 5.5.1%s void\n"
		    "2 later connect %d 5.5.1%s void\n"
		    "close offer later end %d 5.5.1\n",
		    codes[i], codes[i], codes[i], doubt, codes[i], doubt,
		    codes[i]);
		play(&pl);
	}
}

/* --- answers that fit no question ---------------------------------------- */

static void
hear(struct smtp_client *c, const char *text)
{
	smtp_client_put(c, text, strlen(text));
}

/* What the client wants to say now; only what it says is compared. */
#define assert_says(c, text)                                                   \
	do {                                                                   \
		const void *p_;                                                \
		size_t n_ = smtp_client_peek(c, &p_);                          \
		assert_int_equal(n_, strlen(text));                            \
		assert_memory_equal(p_, text, n_);                             \
	} while (0)

static void
sent_all(struct smtp_client *c)
{
	const void *p;

	smtp_client_sent(c, smtp_client_peek(c, &p));
}

/* A session in clear that is ready for mail, at a server that offers this. */
static struct smtp_client *
client_with(bool is_plain_spoken, size_t window_first, int64_t round_trip_ms,
    const char *offers)
{
	struct smtp_client_opts opts = { .ehlo_name = "me",
		.tls = SC_TLS_OFF,
		.is_plain_spoken = is_plain_spoken,
		.window_first = window_first };
	struct smtp_client *c = smtp_client_new(&opts);
	struct sc_info info;

	smtp_client_tick(c, 0);
	hear(c, "220 mx\r\n");
	assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
	sent_all(c);
	smtp_client_tick(c, round_trip_ms);
	hear(c, offers);
	assert_int_equal(smtp_client_next(c, &info), SC_READY);
	assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
	return c;
}

/* The same, once the server is trusted to answer. */
static struct smtp_client *
ready_client(bool is_plain_spoken, const char *offers)
{
	return client_with(is_plain_spoken, SMTP_WINDOW_JOBS_MAX, 0, offers);
}

static const struct smtp_job_rcpt two_rcpts[] = { { .addr = "r0@x" },
	{ .addr = "r1@x" } };
static const struct smtp_job for_two = { .tag = 1,
	.sender = "me@x",
	.rcpts = (struct smtp_job_rcpt *)(uintptr_t)two_rcpts,
	.nrcpts = 2,
	.size_bytes = 3 };

/* The events up to the close: of what class the job was, and the trouble. */
static enum sc_trouble
ends_with(struct smtp_client *c, enum verdict_class *ret_job)
{
	struct sc_info info;
	enum sc_event ev;

	while ((ev = smtp_client_next(c, &info)) != SC_CLOSE) {
		assert_int_not_equal(ev, SC_IDLE);
		if (ev == SC_JOB_DONE)
			*ret_job = info.verdict.class;
	}
	return info.trouble;
}

static void
R64_an_answer_that_nobody_asked_for_ends_the_session(void **state)
{
	static const struct {
		bool is_sent; /* MAIL */
		const char *heard;
	} rows[] = {
		{ true, "250 sender\r\n250 recipient\r\n" },
		{ false, "250 sender\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct smtp_client *c = ready_client(false, "250 mx\r\n");
		enum verdict_class job = VERDICT_NONE;

		smtp_client_send(c, &for_two);
		assert_says(c, "MAIL FROM:<me@x>\r\n");
		if (rows[i].is_sent)
			sent_all(c);
		hear(c, rows[i].heard);
		assert_int_equal(ends_with(c, &job), SC_TROUBLE_PROTOCOL);
		assert_int_equal(job, VERDICT_LATER);
		smtp_client_free(c);
	}
}

static void
a_session_says_what_is_not_to_be_trusted(void **state)
{
	static const struct {
		const char *offers, *heard;
		unsigned distrust;
	} rows[] = {
		{ "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n",
		    "250 ok\r\n250 ok\r\n250 ok\r\n502 what\r\n",
		    SMTP_DISTRUST_CHUNKING },
		{ "250-mx\r\n250-PIPELINING\r\n250 SIZE\r\n",
		    "555 SIZE?\r\n503 x\r\n503 x\r\n503 x\r\n",
		    SMTP_DISTRUST_PARAMS },
		{ "250-mx\r\n250-PIPELINING\r\n250 SIZE\r\n",
		    "503 x\r\n503 x\r\n503 x\r\n503 x\r\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct smtp_client *c = ready_client(false, rows[i].offers);
		enum verdict_class job = VERDICT_NONE;
		struct sc_info info;

		smtp_client_send(c, &for_two);
		if (smtp_client_next(c, &info) == SC_WANT_BODY)
			assert_int_equal(smtp_client_body(c, "a\r\n", 3), 3);
		sent_all(c);
		hear(c, rows[i].heard);
		assert_int_equal(ends_with(c, &job), rows[i].distrust != 0
							 ? SC_TROUBLE_OFFER
							 : SC_TROUBLE_BROKEN);
		assert_int_equal(job, VERDICT_LATER);
		assert_int_equal(smtp_client_distrust(c), rows[i].distrust);
		smtp_client_free(c);
	}
}

static void
a_connection_lost_over_a_first_bdat_is_told(void **state)
{
	static const struct {
		const char *heard;
		bool lost;
	} rows[] = {
		{ "250 ok\r\n250 ok\r\n250 ok\r\n", true },
		{ "250 ok\r\n250 ok\r\n", false },
		{ "250 ok\r\n250 ok\r\n250 ok\r\n250 taken\r\n", false },
		{ "250 ok\r\n250 ok\r\n250 ok\r\n421 4.3.2 bye\r\n", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct smtp_client *c = ready_client(
		    false, "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
		enum verdict_class job = VERDICT_NONE;
		struct sc_info info;

		smtp_client_send(c, &for_two);
		assert_int_equal(smtp_client_next(c, &info), SC_WANT_BODY);
		assert_int_equal(smtp_client_body(c, "a\r\n", 3), 3);
		sent_all(c);
		hear(c, rows[i].heard);
		smtp_client_eof(c, "gone");
		assert_int_equal(ends_with(c, &job), SC_TROUBLE_LOST);
		assert_int_equal(smtp_client_lost_bdat(c), rows[i].lost);
		smtp_client_free(c);
	}
}

/* Whatever ends a session that is of no more use, it stays that. */
static void
a_broken_session_that_is_cut_is_still_broken(void **state)
{
	static const char *ends[] = { "421 4.7.0 too many errors\r\n", "",
		"\xff\r\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct smtp_client *c = ready_client(
		    false, "250-mx\r\n250 PIPELINING\r\n");
		enum verdict_class job = VERDICT_NONE;

		smtp_client_send(c, &for_two);
		sent_all(c);
		hear(c, "503 login first\r\n");
		hear(c, ends[i]);
		if (ends[i][0] == '\0')
			smtp_client_eof(c, "gone");
		assert_int_equal(ends_with(c, &job), SC_TROUBLE_BROKEN);
		assert_int_equal(job, VERDICT_LATER);
		smtp_client_free(c);
	}
}

static void
who_was_not_answered_shares_no_refusal(void **state)
{
	struct smtp_client *c = ready_client(
	    false, "250-mx\r\n250 PIPELINING\r\n");
	struct sc_info info;

	(void)state;
	smtp_client_send(c, &for_two);
	sent_all(c);
	hear(c, "250 sender\r\n550 5.1.1 nobody\r\n");
	assert_int_equal(smtp_client_next(c, &info), SC_RCPT_DONE);
	assert_int_equal(info.rcpt, 0);
	assert_int_equal(info.verdict.class, VERDICT_NEVER);
	assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
	smtp_client_eof(c, "connection lost");
	assert_int_equal(smtp_client_next(c, &info), SC_RCPT_DONE);
	assert_int_equal(info.rcpt, 1);
	assert_int_equal(info.verdict.class, VERDICT_LATER);
	assert_int_equal(smtp_client_next(c, &info), SC_JOB_DONE);
	assert_int_equal(info.verdict.class, VERDICT_LATER);
	smtp_client_free(c);
}

static void
a_server_that_lost_the_thread_is_spoken_to_plainly(void **state)
{
	struct smtp_client *c = ready_client(
	    true, "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
	struct sc_info info;

	(void)state;
	smtp_client_send(c, &for_two);
	assert_says(c, "MAIL FROM:<me@x>\r\n");
	sent_all(c);
	hear(c, "250 ok\r\n");
	assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
	assert_says(c, "RCPT TO:<r0@x>\r\n");
	sent_all(c);
	hear(c, "250 ok\r\n");
	assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
	assert_says(c, "RCPT TO:<r1@x>\r\n");
	sent_all(c);
	hear(c, "250 ok\r\n");
	assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
	assert_says(c, "DATA\r\n");
	smtp_client_free(c);
}

static const struct play window = { .name = "window of five",
	.opts = { .tls = SC_TLS_OFF },
	.bodies = { "1\r\n", "2\r\n", "3\r\n", "4\r\n", "5\r\n" },
	.nrcpts = 2,
	.quits = true,
#define NEXT(n)                                                                \
	"C: RSET\nC: MAIL FROM:<me@x>\nC: RCPT TO:<r0@x>\nC: RCPT TO:<r1@x>\n" \
	"C: BDAT 3 LAST\nC: " n "\n"
	.script = HELLO_CHUNK
	"C: MAIL FROM:<me@x>\nC: RCPT TO:<r0@x>\nC: RCPT TO:<r1@x>\n"
	"C: BDAT 3 LAST\nC: 1\n" NEXT("2") NEXT("3") NEXT("4") NEXT(
	    "5") "S: 250 m\nS: 250 r\nS: 250 r\nS: 250 one\n"
		 "S: 250 x\nS: 250 m\nS: 250 r\nS: 250 r\nS: 250 two\n"
		 "S: 250 x\nS: 250 m\nS: 550 5.1.1 r\nS: 250 r\nS: 250 three\n"
		 "S: 250 x\nS: 250 m\nS: 250 r\nS: 250 r\nS: 552 5.3.4 four\n"
		 "S: 250 x\nS: 250 m\nS: 250 r\nS: 250 r\nS: 250 five\n" BYE,
	.events = "ready \n"
		  "1.0 ok end 250\n1.1 ok end 250\n1 ok end 250\n"
		  "2.0 ok end 250\n2.1 ok end 250\n2 ok end 250\n"
		  "3.0 never rcpt 550 5.1.1\n"
		  "3.1 ok end 250\n3 ok end 250\n"
		  "4.0 never end 552 5.3.4\n4.1 never end 552 5.3.4\n"
		  "4 never end 552 5.3.4\n"
		  "5.0 ok end 250\n5.1 ok end 250\n5 ok end 250\n" CLOSED };

static void
five_messages_share_a_flight_and_keep_their_own_verdicts(void **state)
{
	(void)state;
	play(&window);
}

/* The whole window lies ready in one peek. */
static void
a_window_leaves_in_one_flight(void **state)
{
	struct stage st;
	const void *p;
	size_t n;

	(void)state;
	stage_open(&st, &window, 100000);
	while (st.next_mail == 0)
		(void)(serve(&st) || ({
			struct sc_info info;
			enum sc_event ev = smtp_client_next(st.c, &info);

			on_event(&st, ev, &info);
			ev != SC_IDLE;
		}) || listen(&st) ||
		       load(&st));
	for (int i = 0; i < 50; i++) {
		struct sc_info info;

		on_event(&st, smtp_client_next(st.c, &info), &info);
		(void)(feed(&st) || load(&st));
	}
	n = smtp_client_peek(st.c, &p);
	assert_int_equal(
	    buf_len(&st.heard) + n, buf_len(&st.wanted) - strlen("QUIT\r\n"));
	stage_close(&st);
}

/* --- what the server cannot take ------------------------------------------ */

static void
tweak_utf8(struct smtp_job *job, struct smtp_job_rcpt *rcpts)
{
	(void)job;
	rcpts[0].addr = "j\xc3\xb6@x";
}

static void
tweak_8bit(struct smtp_job *job, struct smtp_job_rcpt *rcpts)
{
	(void)rcpts;
	job->is_8bit = true;
}

static void
tweak_big(struct smtp_job *job, struct smtp_job_rcpt *rcpts)
{
	(void)rcpts;
	job->size_bytes = 1000001;
}

static void
tweak_newline(struct smtp_job *job, struct smtp_job_rcpt *rcpts)
{
	(void)job;
	rcpts[0].addr = "r0@x>\r\nRCPT TO:<evil@x";
}

static void
tweak_orcpt(struct smtp_job *job, struct smtp_job_rcpt *rcpts)
{
	(void)job;
	rcpts[0].orcpt = "rfc822;a NOTIFY=NEVER";
}

static void
tweak_sender(struct smtp_job *job, struct smtp_job_rcpt *rcpts)
{
	(void)rcpts;
	job->sender = "me\177@x";
}

static void
tweak_all(struct smtp_job *job, struct smtp_job_rcpt *rcpts)
{
	job->is_8bit = job->needs_utf8 = true;
	job->envid = "QQ+3D";
	job->ret = DSN_RET_HDRS;
	rcpts[0].notify = DSN_NOTIFY_NEVER;
	rcpts[0].orcpt = "rfc822;a+2Bb@x";
	rcpts[1].notify = DSN_NOTIFY_SUCCESS | DSN_NOTIFY_FAILURE |
			  DSN_NOTIFY_DELAY;
	rcpts[2].notify = DSN_NOTIFY_FAILURE;
}

static void
tweak_dsn(struct smtp_job *job, struct smtp_job_rcpt *rcpts)
{
	job->sender = "";
	job->envid = "id";
	job->ret = DSN_RET_FULL;
	rcpts[0].notify = DSN_NOTIFY_NEVER;
	rcpts[0].orcpt = "rfc822;a";
}

#define REFUSED_BY_US(code)                                                    \
	"ready \n1.0 never local " code "\n1 never local " code "\n" CLOSED

static const struct play params[] = {
	{ .name = "RFC 1870: larger than SIZE",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .tweak = tweak_big,
	    .script = HELLO_PLAIN BYE,
	    .events = REFUSED_BY_US("552 5.3.4") },
	{ .name = "RFC 6531: an address beyond ASCII",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .tweak = tweak_utf8,
	    .script = HELLO_PLAIN BYE,
	    .events = REFUSED_BY_US("550 5.6.7") },
	{ .name = "R12: 8-bit text without 8BITMIME",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .tweak = tweak_8bit,
	    .script = HELLO_PLAIN BYE,
	    .events = REFUSED_BY_US("554 5.6.3") },
	{ .name = "R8: a command inside an address",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .tweak = tweak_newline,
	    .script = HELLO_PLAIN BYE,
	    .events = REFUSED_BY_US("501 5.1.3") },
	{ .name = "R8: a parameter inside ORCPT",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .tweak = tweak_orcpt,
	    .script = HELLO_PLAIN BYE,
	    .events = REFUSED_BY_US("501 5.1.3") },
	{ .name = "R8: DEL in the sender",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .tweak = tweak_sender,
	    .script = HELLO_PLAIN BYE,
	    .events = REFUSED_BY_US("501 5.1.3") },
	{ .name = "every parameter, where all is offered",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .nrcpts = 3,
	    .quits = true,
	    .tweak = tweak_all,
	    .script =
		"S: 220 mx\nC: EHLO [192.0.2.1]\nS: 250-mx\n"
		"S: 250-SIZE\nS: 250-8BITMIME\nS: 250-SMTPUTF8\n"
		"S: 250-DSN\nS: 250-CHUNKING\nS: 250 PIPELINING\n"
		"C: MAIL FROM:<me@x> SIZE=3 BODY=8BITMIME SMTPUTF8 "
		"RET=HDRS ENVID=QQ+3D\n"
		"C: RCPT TO:<r0@x> NOTIFY=NEVER ORCPT=rfc822;a+2Bb@x\n"
		"C: RCPT TO:<r1@x> NOTIFY=SUCCESS,FAILURE,DELAY\n"
		"C: RCPT TO:<r2@x> NOTIFY=FAILURE\n"
		"C: BDAT 3 LAST\nC: a\n"
		"S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 ok\n" BYE,
	    .events = "ready \n1.0 ok end 250\n1.1 ok end 250\n"
		      "1.2 ok end 250\n1 ok end 250\n" CLOSED },
	{ .name = "no parameter where nothing is offered; the null sender",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .tweak = tweak_dsn,
	    .script = HELLO_CHUNK "C: MAIL FROM:<>\nC: RCPT TO:<r0@x>\n"
				  "C: BDAT 3 LAST\nC: a\n"
				  "S: 250 ok\nS: 250 ok\nS: 250 ok\n" BYE,
	    .events = "ready \n1.0 ok end 250\n1 ok end 250\n" CLOSED },
};

static void
only_what_is_offered_is_said(void **state)
{
	(void)state;
	run_all(params, ARRAY_LEN(params));
}

/* --- faults at every place ------------------------------------------------ */

#define TWO(last1, last2)                                                      \
	"C: MAIL FROM:<me@x> SIZE=7\nC: RCPT TO:<r0@x>\nC: DATA\n"             \
	"S: 250 ok\nS: 250 ok\nS: 354 go\n"                                    \
	"C: body1\nC: .\n"                                                     \
	"C: RSET\nC: MAIL FROM:<me@x> SIZE=7\nC: RCPT TO:<r0@x>\nC: DATA\n"    \
	"S: " last1 "\nS: 250 x\nS: 250 ok\nS: 250 ok\nS: 354 go\n"            \
	"C: body2\nC: .\nS: " last2 "\n"

/* "job1" and "job2" stand only in the answers to the end of the message. */
static const struct play faulty[] = {
	{ .name = "plain",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "body1\r\n", "body2\r\n" },
	    .script = HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=7\nS: 250 ok\n"
				  "C: RCPT TO:<r0@x>\nS: 250 ok\n"
				  "C: DATA\nS: 354 go\n"
				  "C: body1\nC: .\nS: 250-x\nS: 250 job1\n"
				  "C: MAIL FROM:<me@x> SIZE=7\nS: 250 ok\n"
				  "C: RCPT TO:<r0@x>\nS: 250 ok\n"
				  "C: DATA\nS: 354 go\n"
				  "C: body2\nC: .\nS: 250 job2\n" },
	{ .name = "pipelining",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "body1\r\n", "body2\r\n" },
	    .script = HELLO_PIPE TWO("250 job1", "250 job2") },
	{ .name = "chunking",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "body1\r\n", "body2\r\n" },
	    .script = HELLO_CHUNK
	    "C: MAIL FROM:<me@x>\nC: RCPT TO:<r0@x>\n"
	    "C: BDAT 7 LAST\nC: body1\n"
	    "S: 250 ok\nS: 250 ok\n"
	    "C: RSET\nC: MAIL FROM:<me@x>\nC: RCPT TO:<r0@x>\n"
	    "C: BDAT 7 LAST\nC: body2\n"
	    "S: 250 job1\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 job2\n" },
};

static bool
was_heard(const struct buf *b, const char *what)
{
	return strstr(buf_str(b), what) != NULL;
}

/* The oldest job without an answer is told the stage it had reached, those
 * behind it have no part in the break. */
static bool
was_lost(const struct stage *st, unsigned i, bool is_oldest, bool is_uncertain)
{
	static const char *const stages[] = { "connect", "mail", "rcpt", "data",
		"end" };
	char line[60];

	for (size_t k = is_oldest; k < (is_oldest ? 5 : 1); k++) {
		(void)snprintf(line, sizeof(line), "\n%u later %s 0%s\n", i,
		    stages[k], is_uncertain ? " uncertain" : "");
		if (was_heard(&st->events, line))
			return true;
	}
	return false;
}

/* Job i is ok exactly if its final reply came whole, and uncertain exactly if
 * its last byte was sent and that reply did not come. */
static void
check_job(const struct stage *st, unsigned i, size_t chunk)
{
	bool is_data = was_heard(&st->wanted, "DATA");
	char answer[20], end[20], ok[40];
	struct bytes said = bytes_of(buf_str(&st->server), st->said);
	struct buf prefix;
	bool has_answer, was_sent, was_given = st->next_mail >= i;

	buf_init(&prefix, 1 << 20);
	add(&prefix, said.p, said.n);
	(void)snprintf(answer, sizeof(answer), "job%u\r\n", i);
	(void)snprintf(
	    end, sizeof(end), "body%u\r\n%s", i, is_data ? ".\r\n" : "");
	(void)snprintf(ok, sizeof(ok), "\n%u ok end 250\n", i);
	has_answer = was_heard(&prefix, answer);
	was_sent = was_heard(&st->heard, end);
	if (has_answer && (!was_sent || !was_heard(&st->events, ok)))
		fail_msg("%s, drop at %zu, %zu: job %u lost its answer:\n%s",
		    st->play->name, st->drop_at, chunk, i,
		    buf_str(&st->events));
	if (!has_answer && was_given &&
	    !was_lost(
		st, i, i == 1 || was_heard(&prefix, "job1\r\n"), was_sent))
		fail_msg("%s, drop at %zu, %zu: job %u is not lost%s in\n%s",
		    st->play->name, st->drop_at, chunk, i,
		    was_sent ? " (uncertain)" : "", buf_str(&st->events));
	buf_clear(&prefix);
}

/* R65, R71: the promise, wherever the connection breaks. */
static void
a_break_at_any_byte_leaves_every_verdict_true(void **state)
{
	static const size_t chunks[] = { 1, 3, 7, 1000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faulty); i++) {
		for (size_t k = 0; k < ARRAY_LEN(chunks); k++) {
			size_t drop = 0, len;

			do {
				struct stage st;

				stage_open(&st, &faulty[i], chunks[k]);
				st.drop_at = drop;
				perform(&st);
				len = buf_len(&st.server);
				assert_true(st.is_closed);
				assert_true(
				    was_heard(&st.events, "close lost later"));
				check_job(&st, 1, chunks[k]);
				check_job(&st, 2, chunks[k]);
				stage_close(&st);
			} while (++drop <= len);
		}
	}
}

#define REFUSED_END                                                            \
	HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=7\nS: 250 ok\n"                  \
		    "C: RCPT TO:<r0@x>\nS: 250 ok\nC: DATA\nS: 354 go\n"       \
		    "C: body1\nC: .\n"

/* What is missing of it could not make it an acceptance: so the message is not
 * said to have been delivered maybe. */
static void
a_refusal_that_is_cut_off_counts(void **state)
{
	static const struct {
		struct play play;
		bool is_silent; /* no end of the connection */
	} rows[] = {
		{ { .script = REFUSED_END "S: 550-5.7.1 no\nS: see above\n",
		      .events = "1.0 never end 550 5.7.1\n"
				"1 never end 550 5.7.1\n"
				"close lost later connect 0\n" },
		    false },
		{ { .script = REFUSED_END "S: 452-4.3.1 no\n",
		      .events = "1.0 later end 452 4.3.1\n"
				"1 later end 452 4.3.1\n"
				"close lost later connect 0\n" },
		    true },
		{ { .script = REFUSED_END "S: 421-4.3.2 no\n",
		      .events = "1.0 later end 421 4.3.2\n"
				"1 later end 421 4.3.2\n"
				"close lost later end 421 4.3.2\n" },
		    false },
		{ { .script = REFUSED_END "S: 250-2.0.0 job1\n",
		      .events = "1.0 later end 0 uncertain\n"
				"1 later end 0 uncertain\n"
				"close lost later connect 0\n" },
		    false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct play pl = rows[i].play;
		struct stage st;

		pl.name = "cut off";
		pl.opts.tls = SC_TLS_OFF;
		pl.bodies[0] = "body1\r\n";
		stage_open(&st, &pl, 5);
		if (!rows[i].is_silent)
			st.drop_at = buf_len(&st.server);
		perform(&st);
		if (rows[i].is_silent) {
			smtp_client_tick(st.c, smtp_client_deadline(st.c) + 1);
			perform(&st);
		}
		assert_true(st.is_closed);
		if (!was_heard(&st.events, pl.events))
			fail_msg("%zu: %s", i, buf_str(&st.events));
		stage_close(&st);
	}
}

/* Replaces the answer number n of the server; false: there is none. */
static bool
with_answer(const struct play *pl, size_t n, const char *line, size_t chunk,
    struct stage *st)
{
	struct buf text;
	size_t grown;

	stage_open(st, pl, chunk);
	if (n >= st->ncues) {
		stage_close(st);
		return false;
	}
	buf_init(&text, 1 << 20);
	add(&text, buf_str(&st->server), st->cues[n].from);
	add(&text, line, strlen(line));
	grown = buf_len(&text);
	st->cues[n].to = grown;
	st->ncues = n + 1;
	buf_reset(&st->server);
	add(&st->server, buf_str(&text), buf_len(&text));
	buf_clear(&text);
	perform(st);
	return true;
}

static unsigned
count(const struct buf *b, const char *what)
{
	unsigned n = 0;

	for (const char *p = buf_str(b); (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

/* 421 and nonsense instead of each answer in turn: no message is lost from
 * sight, none is believed delivered that was not confirmed, and the connection
 * is never used again (R64). */
static void
nonsense_at_any_place_ends_it_cleanly(void **state)
{
	static const char *lines[] = { "421 4.3.2 closing\r\n", "nonsense\r\n",
		"999 what\r\n", "\r\n", "250-a\r\n251 b\r\n",
		"\xff\xfe\x01\r\n" };
	struct stage st;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faulty); i++)
		for (size_t l = 0; l < ARRAY_LEN(lines); l++)
			for (size_t n = 0;
			     with_answer(&faulty[i], n, lines[l], 5, &st);
			     n++) {
				assert_true(st.is_closed);
				if (st.njobs_ok != count(&st.server, " job") ||
				    count(&st.events, "\n1 ") !=
					(st.next_mail >= 1) ||
				    count(&st.events, "\n2 ") !=
					(st.next_mail >= 2))
					fail_msg("%s, answer %zu:\n%s",
					    faulty[i].name, n,
					    buf_str(&st.events));
				/* It says that nothing behind it was looked
				 * at.  (Inside another reply it is nonsense.)
				 */
				if (was_heard(&st.events, " 421 "))
					assert_int_equal(st.nuncertain, 0);
				else
					assert_true(
					    l > 0 || was_heard(&st.events,
							 "close protocol"));
				stage_close(&st);
			}
}

/* --- large bodies --------------------------------------------------------- */

struct big {
	struct smtp_client *c;
	struct smtp_job_rcpt rcpt;
	struct smtp_job job;
	struct sc_info info;
};

static void
big_say(struct big *b, const char *line)
{
	smtp_client_put(b->c, line, strlen(line));
}

static size_t
big_hear(struct big *b, struct buf *to)
{
	const void *p;
	size_t n = smtp_client_peek(b->c, &p);

	add(to, p, n);
	smtp_client_sent(b->c, n);
	return n;
}

static void
big_open(struct big *b, const char *ehlo, uint64_t size)
{
	struct buf heard;

	buf_init(&heard, 4096);
	b->c = smtp_client_new(
	    &(struct smtp_client_opts) { .tls = SC_TLS_OFF, .ehlo_name = "h" });
	b->rcpt = (struct smtp_job_rcpt) { .addr = "r@x" };
	b->job = (struct smtp_job) { .tag = 1,
		.sender = "",
		.rcpts = &b->rcpt,
		.nrcpts = 1,
		.size_bytes = size };
	smtp_client_tick(b->c, 0);
	big_say(b, "220 x\r\n");
	assert_int_equal(smtp_client_next(b->c, &b->info), SC_IDLE);
	(void)big_hear(b, &heard);
	big_say(b, ehlo);
	assert_int_equal(smtp_client_next(b->c, &b->info), SC_READY);
	smtp_client_send(b->c, &b->job);
	buf_clear(&heard);
}

static void
a_large_chunk_waits_for_its_envelope(void **state)
{
	struct big b;
	struct buf heard;

	(void)state;
	buf_init(&heard, 1 << 20);
	for (int refused = 0; refused < 2; refused++) {
		big_open(&b, "250-x\r\n250-CHUNKING\r\n250 PIPELINING\r\n",
		    10000000);
		assert_int_equal(smtp_client_next(b.c, &b.info), SC_IDLE);
		buf_reset(&heard);
		(void)big_hear(&b, &heard);
		assert_buf(&heard, "MAIL FROM:<>\r\nRCPT TO:<r@x>\r\n");
		big_say(&b,
		    refused ? "250 ok\r\n550 no\r\n" : "250 ok\r\n250 ok\r\n");
		buf_reset(&heard);
		if (refused) {
			assert_int_equal(
			    smtp_client_next(b.c, &b.info), SC_RCPT_DONE);
			assert_int_equal(
			    smtp_client_next(b.c, &b.info), SC_JOB_DONE);
			assert_int_equal(b.info.verdict.code, 550);
			assert_true(smtp_client_is_idle(b.c));
			assert_int_equal(big_hear(&b, &heard), 0);
		} else {
			assert_int_equal(
			    smtp_client_next(b.c, &b.info), SC_WANT_BODY);
			(void)big_hear(&b, &heard);
			assert_buf(&heard, "BDAT 10000000 LAST\r\n");
		}
		smtp_client_free(b.c);
	}
	buf_clear(&heard);
}

/* R65: the server refuses in the middle of the body; its answer counts, and an
 * early yes is never believed. */
static void
an_answer_in_the_middle_of_the_body_counts_if_it_is_no(void **state)
{
	static const char *hello[] = { "250 x\r\n",
		"250-x\r\n250-CHUNKING\r\n250 PIPELINING\r\n" };
	static const char *answers[] = { "552 5.3.4 too big\r\n",
		"250 fine\r\n", "421 4.3.2 bye\r\n" };
	static const char piece[1000] = "x";

	(void)state;
	for (size_t h = 0; h < 2; h++)
		for (size_t a = 0; a < 3; a++) {
			struct big b;
			struct buf heard;

			buf_init(&heard, 1 << 20);
			big_open(&b, hello[h], 500000);
			for (int i = 0; i < 3; i++) {
				(void)smtp_client_next(b.c, &b.info);
				(void)big_hear(&b, &heard);
				if (i < 2)
					big_say(&b, "250 ok\r\n");
				else if (h == 0)
					big_say(&b, "354 go\r\n");
			}
			if (h == 0)
				assert_int_equal(smtp_client_next(b.c, &b.info),
				    SC_WANT_BODY);
			assert_int_equal(
			    smtp_client_body(b.c, piece, sizeof(piece)),
			    sizeof(piece));
			(void)big_hear(&b, &heard);
			big_say(&b, answers[a]);
			assert_int_equal(
			    smtp_client_next(b.c, &b.info), SC_RCPT_DONE);
			assert_int_equal(b.info.verdict.class,
			    a == 0 ? VERDICT_NEVER : VERDICT_LATER);
			assert_false(b.info.verdict.is_uncertain);
			assert_int_equal(
			    smtp_client_next(b.c, &b.info), SC_JOB_DONE);
			assert_int_equal(
			    smtp_client_body(b.c, piece, sizeof(piece)), 0);
			assert_int_equal(
			    smtp_client_next(b.c, &b.info), SC_CLOSE);
			/* Nothing may follow that could end the message. */
			assert_int_equal(big_hear(&b, &heard), 0);
			smtp_client_free(b.c);
			buf_clear(&heard);
		}
}

/* A slow transport: the engine takes what it has room for and asks again. */
static void
a_full_engine_takes_less_and_asks_again(void **state)
{
	static char piece[100000];
	struct big b;
	struct buf heard;
	size_t given = 0, wants = 0;

	(void)state;
	memset(piece, 'x', sizeof(piece));
	buf_init(&heard, 4 << 20);
	big_open(&b, "250-x\r\n250-CHUNKING\r\n250 PIPELINING\r\n", 1000000);
	(void)big_hear(&b, &heard);
	big_say(&b, "250 ok\r\n250 ok\r\n");
	while (given < 1000000) {
		enum sc_event ev = smtp_client_next(b.c, &b.info);
		size_t n;

		if (ev == SC_IDLE) {
			const void *p;

			n = smtp_client_peek(b.c, &p);
			assert_true(n <= SMTP_CLIENT_OUT_MAX);
			n = n > 5000 ? 5000 : n;
			add(&heard, p, n);
			smtp_client_sent(b.c, n);
			continue;
		}
		assert_int_equal(ev, SC_WANT_BODY);
		wants++;
		while (given < 1000000 &&
		       (n = smtp_client_body(b.c, piece, sizeof(piece))) > 0)
			given += n;
	}
	assert_int_equal(given, 1000000);
	assert_true(wants > 3);
	(void)big_hear(&b, &heard);
	assert_int_equal(buf_len(&heard),
	    strlen("MAIL FROM:<>\r\nRCPT TO:<r@x>\r\nBDAT 1000000 LAST\r\n") +
		1000000);
	buf_clear(&heard);
	smtp_client_free(b.c);
}

/* --- time ----------------------------------------------------------------- */

static const struct {
	const char *script; /* what happens before the silence */
	int64_t ms;
	const char *text;
} silences[] = {
	{ "", SMTP_GREETING_MS,
	    "sent no greeting within 5m; if it wants TLS from the first byte" },
	{ "S: 220 x\nC: EHLO [192.0.2.1]\n", SMTP_EHLO_MS,
	    "did not answer EHLO within 5m" },
	{ HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=3\n", SMTP_MAIL_MS,
	    "did not answer MAIL within 5m" },
	{ HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=3\nS: 250 ok\n"
		      "C: RCPT TO:<r0@x>\n",
	    SMTP_RCPT_MS, "did not answer RCPT within 5m" },
	{ HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=3\nS: 250 ok\n"
		      "C: RCPT TO:<r0@x>\nS: 250 ok\nC: DATA\n",
	    SMTP_DATA_MS, "did not answer DATA within 2m" },
	{ HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=3\nS: 250 ok\n"
		      "C: RCPT TO:<r0@x>\nS: 250 ok\nC: DATA\nS: 354 go\n"
		      "C: a\nC: .\n",
	    SMTP_END_MS, "did not answer the end of the message within 10m" },
};

/* R48, R63, R64: each step has its own patience, and says whose it was. */
static void
silence_ends_the_session_and_names_the_command(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(silences); i++) {
		struct play pl = { .name = silences[i].text,
			.opts = { .tls = SC_TLS_OFF },
			.bodies = { "a\r\n" },
			.script = silences[i].script };
		struct sc_info info;
		struct stage st;
		enum sc_event ev;

		stage_open(&st, &pl, 1000);
		perform(&st);
		compare(&pl, i, "said", &st.heard, buf_bytes(&st.wanted));
		assert_int_equal(
		    smtp_client_deadline(st.c), 1000 + silences[i].ms);
		smtp_client_tick(st.c, 1000 + silences[i].ms - 1);
		assert_int_equal(smtp_client_next(st.c, &info), SC_IDLE);
		smtp_client_tick(st.c, 1000 + silences[i].ms);
		while ((ev = smtp_client_next(st.c, &info)) != SC_CLOSE) {
			assert_int_not_equal(ev, SC_IDLE);
			assert_int_equal(info.verdict.class, VERDICT_LATER);
			assert_int_equal(info.verdict.is_uncertain,
			    silences[i].ms == SMTP_END_MS);
		}
		assert_int_equal(info.trouble, SC_TROUBLE_LOST);
		if (strstr(info.verdict.text, silences[i].text) == NULL)
			fail_msg("%s", info.verdict.text);
		stage_close(&st);
	}
}

/* --- the window and silence ----------------------------------------------- */

static struct smtp_job jobs_of_one[100];

/* Sends as many as it may; returns how many. */
static size_t
send_all_it_may(struct smtp_client *c)
{
	struct sc_info info;
	size_t n = 0;

	while (smtp_client_may_send(c)) {
		struct smtp_job *job = &jobs_of_one[n++];

		*job = for_two;
		job->nrcpts = 1;
		smtp_client_send(c, job);
		if (smtp_client_next(c, &info) == SC_WANT_BODY) {
			assert_int_equal(smtp_client_body(c, "a\r\n", 3), 3);
			assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
		}
	}
	return n;
}

/* What has been queued; it leaves. */
static bool
says(struct smtp_client *c, const char *text)
{
	const void *p;
	size_t n = smtp_client_peek(c, &p);
	bool found = memmem(p, n, text, strlen(text)) != NULL;

	smtp_client_sent(c, n);
	return found;
}

/* Two events each: of the recipient and the job. */
static void
hear_ok(struct smtp_client *c, size_t jobs)
{
	struct sc_info info;

	for (size_t i = 0; i < jobs; i++) {
		hear(c, "250 ok\r\n250 ok\r\n250 ok\r\n");
		while (smtp_client_next(c, &info) != SC_JOB_DONE)
			;
	}
}

static const char pipelining[] = "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n";

/* One message, whose body waits for the envelope. */
static struct smtp_client *
client_with_one_answered(int64_t round_trip_ms)
{
	struct smtp_client *c = client_with(
	    false, 1, round_trip_ms, pipelining);
	struct sc_info info;

	smtp_client_tick(c, 1000);
	assert_int_equal(send_all_it_may(c), 1);
	assert_false(says(c, "BDAT"));
	smtp_client_tick(c, 1000 + round_trip_ms);
	hear(c, "250 ok\r\n250 ok\r\n");
	assert_int_equal(smtp_client_next(c, &info), SC_WANT_BODY);
	assert_int_equal(smtp_client_body(c, "a\r\n", 3), 3);
	assert_true(says(c, "BDAT"));
	assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
	assert_false(smtp_client_may_send(c));
	smtp_client_tick(c, 1000 + 2 * round_trip_ms);
	hear(c, "250 ok\r\n");
	assert_int_equal(smtp_client_next(c, &info), SC_RCPT_DONE);
	assert_int_equal(smtp_client_next(c, &info), SC_JOB_DONE);
	return c;
}

static void
a_new_connection_carries_one_message_and_answers_widen_it(void **state)
{
	struct smtp_client *c = client_with_one_answered(50);
	size_t n, most = 1;

	(void)state;
	assert_true(smtp_client_is_growing(c));
	n = send_all_it_may(c);
	assert_int_equal(n, 2);
	assert_true(says(c, "BDAT")); /* with its envelope */
	while (n > most) {
		most = n;
		/* The RSET in front of all but the first. */
		hear_ok(c, 1);
		for (size_t i = 1; i < n; i++) {
			hear(c, "250 reset\r\n");
			hear_ok(c, 1);
		}
		n = send_all_it_may(c);
		IGNORE(says(c, "BDAT"));
	}
	assert_int_equal(most, SMTP_WINDOW_JOBS_MAX);
	assert_false(smtp_client_is_growing(c));
	smtp_client_free(c);
}

static struct smtp_client *
client_that_is_vouched_for(void)
{
	struct smtp_client_opts opts = { .ehlo_name = "me", .tls = SC_TLS_OFF };
	struct smtp_client *c = smtp_client_new(&opts);
	struct sc_info info;

	hear(c, "220 mx\r\n");
	assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
	sent_all(c);
	hear(c, pipelining);
	assert_int_equal(smtp_client_next(c, &info), SC_READY);
	smtp_client_vouch(c);
	smtp_client_tick(c, 1000);
	return c;
}

/* One message with its envelope in front, and its answer after so long. */
static void
one_answer_is_enough(struct smtp_client *c, int64_t now_ms)
{
	assert_int_equal(send_all_it_may(c), 1);
	assert_false(smtp_client_is_trusted(c));
	assert_true(says(c, "BDAT"));
	smtp_client_tick(c, now_ms);
	hear_ok(c, 1);
	assert_true(smtp_client_is_trusted(c));
}

static void
send_whole(struct smtp_client *c, const struct smtp_job *job)
{
	struct sc_info info;

	smtp_client_send(c, job);
	assert_int_equal(smtp_client_next(c, &info), SC_WANT_BODY);
	assert_int_equal(smtp_client_body(c, "a\r\n", 3), 3);
	assert_true(says(c, "MAIL"));
}

static void
one_that_is_vouched_for_needs_one_answer_until_it_was_silent(void **state)
{
	struct smtp_client *c = client_that_is_vouched_for();
	struct smtp_job job = for_two;

	(void)state;
	assert_true(smtp_client_is_growing(c));
	one_answer_is_enough(c, 1050);
	job.nrcpts = 1;
	send_whole(c, &job);
	smtp_client_tick(c, 1050 + SMTP_STALL_MS);
	hear_ok(c, 1); /* at last */
	assert_false(smtp_client_is_trusted(c));
	assert_int_equal(send_all_it_may(c), 1);
	assert_false(says(c, "BDAT"));
	smtp_client_free(c);
}

/* So that there is room for more.  Returns the time at the end. */
static int64_t
answer_five(struct smtp_client *c, int64_t t, int64_t rtt)
{
	struct smtp_job job = for_two;

	job.nrcpts = 1;
	for (int k = 0; k < 5; k++) {
		send_whole(c, &job);
		t += rtt;
		smtp_client_tick(c, t);
		hear_ok(c, 1);
	}
	assert_int_equal(smtp_client_stalls_at(c), INT64_MAX);
	return t;
}

static void
where_much_is_under_way_nothing_follows_once_an_answer_is_late(void **state)
{
	struct smtp_client *c = client_with_one_answered(50);
	int64_t t = answer_five(c, 1100, 50);

	(void)state;
	for (int i = 0; i < SMTP_OVERDUE_JOBS; i++)
		send_whole(c, &for_two);
	smtp_client_tick(c, t + SMTP_OVERDUE_MS - 1);
	assert_true(smtp_client_may_send(c));
	smtp_client_tick(c, t + SMTP_OVERDUE_MS);
	assert_false(smtp_client_may_send(c));
	smtp_client_free(c);
}

static void
where_one_is_under_way_nothing_follows_once_the_connection_is_stalled(
    void **state)
{
	struct smtp_client *c = client_with_one_answered(50);
	int64_t t = answer_five(c, 1100, 50);

	(void)state;
	send_whole(c, &for_two);
	smtp_client_tick(c, t + SMTP_STALL_MS - 1);
	assert_true(smtp_client_may_send(c));
	smtp_client_tick(c, t + SMTP_STALL_MS);
	assert_false(smtp_client_may_send(c));
	smtp_client_free(c);
}

static void
nothing_new_goes_behind_an_answer_that_is_missing(void **state)
{
	static const struct {
		int64_t round_trip_ms, overdue_ms, stalled_ms;
	} rows[] = {
		{ 1, SMTP_OVERDUE_MS, SMTP_STALL_MS },
		{ 50, SMTP_OVERDUE_MS, SMTP_STALL_MS },
		{ 700, 4 * 700, 8 * 700 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t rtt = rows[i].round_trip_ms, t = 1000 + 2 * rtt;
		struct smtp_client *c = client_with_one_answered(rtt);
		struct sc_info info;
		enum sc_event ev;

		t = answer_five(c, t, rtt);
		send_whole(c, &for_two);
		assert_int_equal(
		    smtp_client_stalls_at(c), t + rows[i].stalled_ms);
		smtp_client_tick(c, t + rows[i].overdue_ms - 1);
		assert_true(smtp_client_may_send(c));
		assert_true(smtp_client_is_growing(c));
		smtp_client_tick(c, t + rows[i].overdue_ms);
		assert_false(smtp_client_is_growing(c));
		assert_int_equal(send_all_it_may(c), SMTP_OVERDUE_JOBS - 1);
		assert_false(says(c, "BDAT"));
		smtp_client_tick(c, t + rows[i].stalled_ms - 1);
		assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
		smtp_client_tick(c, t + rows[i].stalled_ms);
		assert_int_equal(smtp_client_next(c, &info), SC_JOB_DONE);
		assert_int_equal(info.verdict.class, VERDICT_NONE);
		assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
		assert_int_equal(send_all_it_may(c), 0);
		/* It comes to life: the window is as at first.  Three answers
		 * belong to what was given back. */
		hear(c, "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n");
		hear(c, "250 ok\r\n250 ok\r\n");
		while (smtp_client_next(c, &info) != SC_JOB_DONE)
			assert_int_equal(info.verdict.class, VERDICT_OK);
		assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
		assert_false(smtp_client_may_send(c));
		assert_int_not_equal(smtp_client_waits_since(c), INT64_MAX);
		hear(c, "550 no\r\n");
		while ((ev = smtp_client_next(c, &info)) != SC_IDLE)
			assert_int_not_equal(ev, SC_CLOSE);
		assert_true(smtp_client_is_idle(c));
		assert_int_equal(smtp_client_waits_since(c), INT64_MAX);
		assert_int_equal(send_all_it_may(c), 1);
		assert_true(says(c, "RSET\r\nMAIL FROM")); /* to be sure */
		smtp_client_free(c);
	}
}

/* The only one may be why it is silent, and what was begun may be complete for
 * all that the server says. */
static void
nothing_is_given_back_that_is_alone_or_has_begun(void **state)
{
	struct smtp_client *c = client_with_one_answered(50);
	struct smtp_job job = for_two, second = for_two;
	struct sc_info info;

	(void)state;
	smtp_client_tick(c, 1100 + SMTP_STALL_MS);
	smtp_client_send(c, &job);
	assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
	assert_false(says(c, "BDAT"));
	smtp_client_tick(c, 1100 + 2 * SMTP_STALL_MS);
	assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
	smtp_client_free(c);

	c = client_with_one_answered(50);
	smtp_client_send(c, &job);
	assert_int_equal(smtp_client_next(c, &info), SC_WANT_BODY);
	assert_int_equal(smtp_client_body(c, "a\r\n", 3), 3);
	smtp_client_send(c, &second);
	assert_int_equal(smtp_client_next(c, &info), SC_WANT_BODY);
	assert_true(says(c, "BDAT 3 LAST\r\na\r\nRSET\r\n"));
	smtp_client_tick(c, 1100 + 2 * SMTP_STALL_MS);
	assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
	smtp_client_free(c);
}

static void
after_a_pause_one_message_asks_and_the_window_is_earned_anew(void **state)
{
	struct smtp_client *c = client_with_one_answered(50);
	int64_t t;

	(void)state;
	smtp_client_tick(c, 1100 + SMTP_STALL_MS - 1);
	assert_true(smtp_client_may_send(c));
	smtp_client_tick(c, 1100 + SMTP_STALL_MS);
	assert_int_equal(send_all_it_may(c), 1);
	assert_false(says(c, "BDAT"));
	smtp_client_free(c);

	c = client_with_one_answered(50);
	t = answer_five(c, answer_five(c, 1100, 50), 50);
	assert_true(smtp_client_is_trusted(c));
	smtp_client_tick(c, t + SMTP_STALL_MS);
	one_answer_is_enough(c, t + SMTP_STALL_MS + 50);
	smtp_client_free(c);
}

/* G2: the last byte has gone out, and its answer is missing. */
static void
only_what_has_left_may_have_been_delivered(void **state)
{
	static const struct {
		size_t unsent; /* of what the transport has taken */
		bool is_uncertain;
	} rows[] = { { 0, true }, { 1, true }, { 5000, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct smtp_client *c = client_with_one_answered(50);
		struct sc_info info;
		enum sc_event ev;
		char body[4000];
		struct smtp_job job = for_two;

		memset(body, 'a', sizeof(body));
		memcpy(body + sizeof(body) - 2, "\r\n", 2);
		job.nrcpts = 1;
		job.size_bytes = sizeof(body);
		smtp_client_send(c, &job);
		assert_int_equal(smtp_client_next(c, &info), SC_WANT_BODY);
		assert_int_equal(
		    smtp_client_body(c, body, sizeof(body)), sizeof(body));
		assert_true(says(c, "BDAT"));
		smtp_client_unsent(c, rows[i].unsent);
		assert_int_equal(
		    smtp_client_awaits_end(c), false); /* but MAIL */
		hear(c, "250 ok\r\n250 ok\r\n");
		assert_int_equal(smtp_client_next(c, &info), SC_IDLE);
		assert_int_equal(
		    smtp_client_awaits_end(c), rows[i].unsent == 0);
		smtp_client_eof(c, "gone");
		while ((ev = smtp_client_next(c, &info)) != SC_JOB_DONE)
			assert_int_equal(ev, SC_RCPT_DONE);
		assert_int_equal(
		    info.verdict.is_uncertain, rows[i].is_uncertain);
		smtp_client_free(c);
	}
}

static void
an_idle_session_has_no_deadline(void **state)
{
	static const struct play pl = { .name = "idle",
		.opts = { .tls = SC_TLS_OFF },
		.script = HELLO_PLAIN };
	struct stage st;

	(void)state;
	stage_open(&st, &pl, 1000);
	perform(&st);
	assert_true(smtp_client_is_idle(st.c));
	assert_int_equal(smtp_client_deadline(st.c), INT64_MAX);
	stage_close(&st);
}

static void
a_blocked_transport_and_a_lost_quit_end_in_time(void **state)
{
	static const struct play pl = { .name = "quit",
		.opts = { .tls = SC_TLS_OFF },
		.quits = true,
		.script = HELLO_PLAIN "C: QUIT\n" };
	struct sc_info info;
	struct stage st;

	(void)state;
	stage_open(&st, &pl, 1000);
	perform(&st);
	assert_int_equal(smtp_client_deadline(st.c), 1000 + SMTP_QUIT_MS);
	smtp_client_tick(st.c, 1000 + SMTP_QUIT_MS);
	assert_int_equal(smtp_client_next(st.c, &info), SC_CLOSE);
	assert_int_equal(info.trouble, SC_TROUBLE_NONE);
	stage_close(&st);

	stage_open(&st, &pl, 1000);
	smtp_client_put(st.c, "220 x\r\n", 7);
	smtp_client_tick(st.c, 5);
	assert_int_equal(smtp_client_next(st.c, &info), SC_IDLE);
	assert_int_equal(smtp_client_deadline(st.c), 5 + SMTP_BLOCK_MS);
	smtp_client_tick(st.c, 5 + SMTP_BLOCK_MS);
	assert_int_equal(smtp_client_next(st.c, &info), SC_CLOSE);
	assert_non_null(strstr(info.verdict.text, "took no more bytes"));
	stage_close(&st);
}

/* A server takes so many bytes of a large message every so often; the time at
 * which it is given up, or has it all. */
static int64_t
trickle(size_t bytes, int64_t every_ms, struct sc_info *ret)
{
	static char piece[4096];
	struct big b;
	struct buf heard;
	enum sc_event ev;
	int64_t now = 0;
	size_t given = 0, n;
	const void *p;

	buf_init(&heard, 4096);
	big_open(&b, "250-x\r\n250-CHUNKING\r\n250 PIPELINING\r\n", 3000000);
	(void)big_hear(&b, &heard);
	big_say(&b, "250 ok\r\n250 ok\r\n");
	while ((ev = smtp_client_next(b.c, &b.info)) != SC_CLOSE &&
	       (given < 3000000 || smtp_client_peek(b.c, &p) > 0)) {
		if (ev == SC_WANT_BODY)
			while (
			    given < 3000000 && (n = smtp_client_body(b.c, piece,
						    sizeof(piece))) > 0)
				given += n;
		if (ev != SC_IDLE)
			continue;
		now += every_ms;
		smtp_client_tick(b.c, now);
		n = smtp_client_peek(b.c, &p);
		smtp_client_sent(b.c, n < bytes ? n : bytes);
		assert_true(smtp_client_deadline(b.c) >= now);
		smtp_client_tick(b.c, now);
	}
	*ret = b.info;
	smtp_client_free(b.c);
	buf_clear(&heard);
	return now;
}

/* R68 */
static void
a_server_that_takes_a_byte_now_and_then_is_given_up(void **state)
{
	enum { MINUTE = 60 * 1000 };
	struct sc_info info;

	(void)state;
	assert_int_equal(trickle(1, MINUTE, &info), 11 * MINUTE);
	assert_int_equal(info.trouble, SC_TROUBLE_LOST);
	assert_non_null(
	    strstr(info.verdict.text, "took less than 500 bytes a second"));
	assert_true(trickle(20000, MINUTE, &info) <= 32 * MINUTE);
	assert_int_equal(info.trouble, SC_TROUBLE_LOST);
	/* Slow, and not that slow. */
	assert_int_not_equal(trickle(36000, MINUTE, &info), 0);
	assert_int_equal(info.trouble, SC_TROUBLE_NONE);
}

static void
the_options_shorten_the_patience(void **state)
{
	struct play pl = { .name = "short",
		.opts = { .greeting_ms = 700, .step_ms_max = 900 },
		.script = "S: 220 x\n" };
	struct stage st;

	(void)state;
	stage_open(&st, &pl, 1000);
	smtp_client_tick(st.c, 50);
	assert_int_equal(smtp_client_deadline(st.c), 750);
	perform(&st);
	assert_int_equal(smtp_client_deadline(st.c), 1000 + 900);
	stage_close(&st);
}

/* The pieces of the JSON are for people, in the words of the verdict. */
static void
the_reason_of_a_token_refusal_is_told(void **state)
{
	struct sc_info info;
	struct stage st;
	const struct play *pl = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(logins); i++)
		if (strstr(logins[i].name, "R74: XOAUTH2") != NULL)
			pl = &logins[i];
	assert_non_null(pl);
	stage_open(&st, pl, 1000);
	for (int i = 0; i < 100; i++) {
		enum sc_event ev;

		(void)(serve(&st) || listen(&st));
		smtp_client_tick(st.c, 1000);
		ev = smtp_client_next(st.c, &info);
		if (ev == SC_CLOSE)
			break;
		on_event(&st, ev, &info);
	}
	assert_string_equal(info.verdict.text, "no (status 400)");
	stage_close(&st);
}

/* --- to relaisd, from sendmail -------------------------------------------- */

static const struct smtp_caps of_relaisd = {
	.has_pipelining = true, .has_chunking = true, .has_size = true
};

#define FROM_SENDMAIL                                                          \
	.tls = SC_TLS_OFF, .is_last_try = true, .if_relaisd = &of_relaisd,     \
	.distrust = SMTP_DISTRUST_CHUNKING
#define AHEAD                                                                  \
	"S: 220 mx ESMTP XRELAIS ready\n"                                      \
	"C: EHLO [192.0.2.1]\nC: MAIL FROM:<me@x> SIZE=3\n"                    \
	"C: RCPT TO:<r0@x>\nC: BDAT 3 LAST\nC: a\n"

static void
ask_for_a_mode(struct smtp_job *job, struct smtp_job_rcpt *rcpts)
{
	(void)rcpts;
	job->params = "XMODE=safe XACCOUNT=work";
}

static void
probe(struct smtp_job *job, struct smtp_job_rcpt *rcpts)
{
	(void)rcpts;
	job->is_probe = true;
}

static const struct play last_tries[] = {
	{ .name = "relaisd by its greeting: all of it before an answer",
	    .opts = { FROM_SENDMAIL },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .script = AHEAD "S: 250-mx\nS: 250 PIPELINING\nS: 250 ok\n"
			    "S: 250 ok\nS: 250 2.0.0 taken\n" BYE,
	    .events = "ready \n"
		      "1.0 ok end 250 2.0.0\n1 ok end 250 2.0.0\n" CLOSED },
	{ .name = "its EHLO refused: nothing behind it counts",
	    .opts = { FROM_SENDMAIL },
	    .bodies = { "a\r\n" },
	    .script = AHEAD "S: 501 5.5.4 who\nS: 250 ok\nS: 250 ok\n"
			    "S: 250 2.0.0 taken\n",
	    .events = "ready \n"
		      "1.0 later mail 501 5.5.4\n1 later mail 501 5.5.4\n"
		      "close refused later ehlo 501 5.5.4\n" },
	{ .name = "no greeting of relaisd: EHLO is waited for",
	    .opts = { FROM_SENDMAIL },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .script = "S: 220 XRELAIS mx ESMTP\nC: EHLO [192.0.2.1]\n"
		      "S: 250-mx\nS: 250-CHUNKING\nS: 250 PIPELINING\n"
		      "C: MAIL FROM:<me@x>\nC: RCPT TO:<r0@x>\nC: DATA\n"
		      "S: 250 ok\nS: 250 ok\nS: 354 go\n"
		      "C: a\nC: .\nS: 250 taken\n" BYE,
	    .events = "ready \n"
		      "1.0 ok end 250\n1 ok end 250\n" CLOSED },
	{ .name = "nobody tries again: a refusal is one, whatever its words",
	    .opts = { .tls = SC_TLS_OFF, .is_last_try = true },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .script = HELLO_PLAIN "C: MAIL FROM:<me@x> SIZE=3\n"
				  "S: 501 5.5.4 bad parameter\n"
				  "C: RCPT TO:<r0@x>\nS: 503 no\n" BYE,
	    .events =
		"ready \n"
		"1.0 never mail 501 5.5.4\n1 never mail 501 5.5.4\n" CLOSED },
	{ .name = "parameters of the caller's, as they are",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "a\r\n" },
	    .quits = true,
	    .tweak = ask_for_a_mode,
	    .script = HELLO_PLAIN
	    "C: MAIL FROM:<me@x> SIZE=3 XMODE=safe "
	    "XACCOUNT=work\nS: 550 no\nC: RCPT TO:<r0@x>\nS: 503 no\n" BYE,
	    .events = "ready \n"
		      "1.0 never mail 550\n1 never mail 550\n" CLOSED },
	{ .name = "a probe: each recipient's answer, and no message",
	    .opts = { .tls = SC_TLS_OFF },
	    .bodies = { "" },
	    .nrcpts = 3,
	    .quits = true,
	    .tweak = probe,
	    .script = HELLO_PIPE "C: MAIL FROM:<me@x> SIZE=0\n"
				 "C: RCPT TO:<r0@x>\nC: RCPT TO:<r1@x>\n"
				 "C: RCPT TO:<r2@x>\n"
				 "S: 250 ok\nS: 250 2.1.5 yes\n"
				 "S: 550 5.1.1 no\nS: 251 2.1.5 yes\n" BYE,
	    .events = "ready \n"
		      "1.0 ok rcpt 250 2.1.5\n1.1 never rcpt 550 5.1.1\n"
		      "1.2 ok rcpt 251 2.1.5\n1 ok rcpt 250\n" CLOSED },
};

static void
the_last_try_is_told_as_it_was_said(void **state)
{
	(void)state;
	run_all(last_tries, ARRAY_LEN(last_tries));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_try_is_told_as_it_was_said),
		cmocka_unit_test(mail_is_sent_and_verdicts_are_told),
		cmocka_unit_test(nothing_is_sent_in_clear_once_tls_is_wanted),
		cmocka_unit_test(
		    an_answer_injected_behind_starttls_ends_the_session),
		cmocka_unit_test(a_session_begins_or_says_why_not),
		cmocka_unit_test(
		    a_refused_name_is_known_when_the_connection_is_lost),
		cmocka_unit_test(usual_mistakes_have_their_own_sentence),
		cmocka_unit_test(a_reply_beyond_the_caps_ends_the_session),
		cmocka_unit_test(logins_end_as_the_server_says),
		cmocka_unit_test(the_tries_of_one_login_are_bounded),
		cmocka_unit_test(a_yes_to_scram_without_the_proof_is_an_attack),
		cmocka_unit_test(a_long_token_does_not_go_into_the_auth_line),
		cmocka_unit_test(the_reason_of_a_token_refusal_is_told),
		cmocka_unit_test(every_refusal_reaches_whom_it_concerns),
		cmocka_unit_test(a_session_of_no_more_use_is_nobodys_fault),
		cmocka_unit_test(
		    a_bdat_that_is_not_known_ends_the_connection_at_once),
		cmocka_unit_test(a_session_says_what_is_not_to_be_trusted),
		cmocka_unit_test(a_connection_lost_over_a_first_bdat_is_told),
		cmocka_unit_test(a_broken_session_that_is_cut_is_still_broken),
		cmocka_unit_test(
		    R64_an_answer_that_nobody_asked_for_ends_the_session),
		cmocka_unit_test(who_was_not_answered_shares_no_refusal),
		cmocka_unit_test(
		    a_server_that_lost_the_thread_is_spoken_to_plainly),
		cmocka_unit_test(
		    five_messages_share_a_flight_and_keep_their_own_verdicts),
		cmocka_unit_test(a_window_leaves_in_one_flight),
		cmocka_unit_test(only_what_is_offered_is_said),
		cmocka_unit_test(a_break_at_any_byte_leaves_every_verdict_true),
		cmocka_unit_test(a_refusal_that_is_cut_off_counts),
		cmocka_unit_test(nonsense_at_any_place_ends_it_cleanly),
		cmocka_unit_test(a_large_chunk_waits_for_its_envelope),
		cmocka_unit_test(
		    an_answer_in_the_middle_of_the_body_counts_if_it_is_no),
		cmocka_unit_test(a_full_engine_takes_less_and_asks_again),
		cmocka_unit_test(
		    silence_ends_the_session_and_names_the_command),
		cmocka_unit_test(
		    a_new_connection_carries_one_message_and_answers_widen_it),
		cmocka_unit_test(
		    one_that_is_vouched_for_needs_one_answer_until_it_was_silent),
		cmocka_unit_test(
		    where_much_is_under_way_nothing_follows_once_an_answer_is_late),
		cmocka_unit_test(
		    where_one_is_under_way_nothing_follows_once_the_connection_is_stalled),
		cmocka_unit_test(
		    nothing_new_goes_behind_an_answer_that_is_missing),
		cmocka_unit_test(
		    nothing_is_given_back_that_is_alone_or_has_begun),
		cmocka_unit_test(
		    after_a_pause_one_message_asks_and_the_window_is_earned_anew),
		cmocka_unit_test(only_what_has_left_may_have_been_delivered),
		cmocka_unit_test(an_idle_session_has_no_deadline),
		cmocka_unit_test(
		    a_blocked_transport_and_a_lost_quit_end_in_time),
		cmocka_unit_test(
		    a_server_that_takes_a_byte_now_and_then_is_given_up),
		cmocka_unit_test(the_options_shorten_the_patience),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
