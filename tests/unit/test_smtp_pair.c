/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Our client against our server over a pipe in memory that cuts the bytes at
 * random: every message arrives byte for byte or not at all, and both sides
 * agree on what became of it (R1-R3, R62, R66). */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "outbound/login.h"
#include "smtp/smtp_server.h"
#include "tests/lib/sasl_server.h"
#include "tests/lib/ss_login.h"

enum { NMAILS = 30, NRCPTS = 3, TURNS_MAX = 4000000 };

/* What the server's answer will be, written into the address or body. */
enum fate { TAKEN, BUSY, UNKNOWN };

struct mail {
	struct smtp_job job;
	struct smtp_job_rcpt rcpts[NRCPTS];
	char addr[NRCPTS][40];
	enum fate fate[NRCPTS];
	bool is_mail_refused, is_body_refused;
	struct buf body;
	size_t given;
	unsigned narrived, ndone;
	unsigned rcpt_done[NRCPTS];
};

struct pair {
	struct smtp_client *c;
	struct sasl_login *login;
	struct smtp_server *s;
	struct ss_login server_login;
	struct sasl_server *sasl;
	struct mail mails[NMAILS];
	size_t next;
	struct mail *body; /* whose body the client wants */
	/* what the server has of the transaction under way */
	size_t arriving;
	size_t naccepted;
	struct buf arrived;
	uint64_t dice;
	bool is_closed;
	bool client_in_tls, server_in_tls;
};

static uint32_t
roll(struct pair *p, uint32_t bound)
{
	p->dice = p->dice * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(p->dice >> 33) % bound;
}

/* --- messages ------------------------------------------------------------- */

static void
add_line(struct pair *p, struct buf *b)
{
	static const char *lines[] = { ".", "..", ".a", "", "QUIT", "From x",
		"a.", ". ", "\xc3\xa9", ".\t." };
	bool ok;

	if (roll(p, 2) == 0) {
		ok = buf_adds(b, lines[roll(p, ARRAY_LEN(lines))]);
	} else {
		size_t n = roll(p, 998);
		char *to = buf_space(b, n);

		ok = to != NULL;
		if (ok) {
			for (size_t i = 0; i < n; i++)
				to[i] = (char)(' ' + roll(p, 95));
			buf_added(b, n);
		}
	}
	assert_true(ok && buf_adds(b, "\r\n"));
}

static void
make_mail(struct pair *p, size_t i)
{
	static const char *words[] = { "taken", "busy", "unknown" };
	struct mail *m = &p->mails[i];
	size_t nlines = i % 10 == 9 ? 700 : roll(p, 12);
	size_t nrcpts = 1 + roll(p, NRCPTS);

	buf_init(&m->body, 1 << 20);
	m->is_mail_refused = roll(p, 8) == 0;
	m->is_body_refused = roll(p, 8) == 0;
	for (size_t k = 0; k < nlines; k++)
		add_line(p, &m->body);
	for (size_t r = 0; r < nrcpts; r++) {
		m->fate[r] = roll(p, 2) == 0 ? TAKEN : roll(p, 3);
		(void)snprintf(m->addr[r], sizeof(m->addr[r]), "%s.%zu@x",
		    words[m->fate[r]], r);
		m->rcpts[r].addr = m->addr[r];
	}
	m->job = (struct smtp_job) { .tag = i,
		.sender = m->is_mail_refused ? "refused@x" : "me@x",
		.rcpts = m->rcpts,
		.nrcpts = nrcpts,
		.is_8bit = true,
		.size_bytes = buf_len(&m->body) };
}

/* --- the server's side ---------------------------------------------------- */

static void
on_rcpt(struct pair *p, const char *addr)
{
	if (strncmp(addr, "busy", 4) == 0) {
		smtp_server_reply(p->s, 450, "4.2.1", "busy");
	} else if (strncmp(addr, "unknown", 7) == 0) {
		smtp_server_reply(p->s, 550, "5.1.1", "unknown");
	} else {
		p->naccepted++;
		smtp_server_reply(p->s, 250, "2.1.5", "ok");
	}
}

static bool
has_taker(const struct mail *m)
{
	for (size_t r = 0; r < m->job.nrcpts; r++)
		if (m->fate[r] == TAKEN)
			return true;
	return false;
}

/* Which message it is follows from their order: the client never says two at
 * once, and those whose MAIL or recipients were all refused do not end. */
static void
on_end(struct pair *p)
{
	struct mail *m;

	for (;; p->arriving++) {
		assert_true(p->arriving < NMAILS);
		m = &p->mails[p->arriving];
		if (!m->is_mail_refused && has_taker(m))
			break;
	}
	p->arriving++;
	m->narrived++;
	assert_int_equal(buf_len(&p->arrived), buf_len(&m->body));
	assert_memory_equal(
	    buf_str(&p->arrived), buf_str(&m->body), buf_len(&m->body));
	buf_reset(&p->arrived);
	if (m->is_body_refused)
		smtp_server_reply(p->s, 554, "5.7.1", "spam");
	else
		smtp_server_reply(p->s, 250, "2.0.0", "taken");
}

static void
on_auth(struct pair *p, struct bytes line)
{
	struct buf text;
	int code;

	buf_init(&text, 65536);
	code = sasl_server_step(p->sasl, line, &text);
	ss_login_answer(
	    &p->server_login, code, sasl_server_enhanced(code), buf_str(&text));
	buf_clear(&text);
}

static void
on_command(struct pair *p, const struct ss_info *info)
{
	struct bytes line;

	switch (ss_login_command(&p->server_login, info, &line)) {
	case SS_LOGIN_NOTHING:
		break;
	case SS_LOGIN_TLS:
		p->server_in_tls = true;
		break;
	case SS_LOGIN_LINE:
		on_auth(p, line);
		break;
	}
}

static bool
turn_server(struct pair *p)
{
	struct ss_info info;
	enum ss_event ev;
	bool went = false;

	while ((ev = smtp_server_next(p->s, &info)) != SS_IDLE) {
		went = true;
		switch (ev) {
		case SS_IDLE:
		case SS_CLOSE:
			break;
		case SS_ABORT:
			buf_reset(&p->arrived);
			break;
		case SS_COMMAND:
			on_command(p, &info);
			break;
		case SS_MAIL:
			if (ss_login_refuses_mail(&p->server_login))
				break;
			p->naccepted = 0;
			if (strcmp(info.addr, "refused@x") == 0)
				smtp_server_reply(p->s, 550, "5.7.1", "no");
			else
				smtp_server_reply(p->s, 250, "2.1.0", "ok");
			break;
		case SS_RCPT:
			on_rcpt(p, info.addr);
			break;
		case SS_BODY:
			assert_true(
			    buf_add(&p->arrived, info.body.p, info.body.n));
			break;
		case SS_END:
			assert_true(p->naccepted > 0);
			on_end(p);
			break;
		}
		if (ev == SS_CLOSE)
			break;
	}
	return went;
}

/* --- the client's side ---------------------------------------------------- */

static void
check_rcpt(struct mail *m, size_t r, const struct verdict *v)
{
	static const int codes[] = { 250, 450, 550 };
	int want = codes[m->fate[r]];

	if (m->is_mail_refused)
		want = 550;
	else if (m->fate[r] == TAKEN && m->is_body_refused)
		want = 554;
	assert_int_equal(v->code, want);
	assert_int_equal(v->class == VERDICT_OK, want == 250);
	assert_int_equal(m->rcpt_done[r]++, 0);
}

static void
check_job(struct mail *m)
{
	assert_int_equal(m->ndone++, 0);
	for (size_t r = 0; r < m->job.nrcpts; r++)
		assert_int_equal(m->rcpt_done[r], 1);
}

static void
log_in(struct pair *p, enum sasl_act act)
{
	struct sasl_key *key;
	struct secret *s;

	if (act == SASL_FETCH) {
		s = secret_new(bytes_of("pw", 2));
		sasl_login_secret(p->login, s, NULL, bytes_of("", 0));
		secret_free(s);
	} else if (act == SASL_DERIVE) {
		key = sasl_login_take_key(p->login);
		sasl_key_derive(key);
		sasl_login_keyed(p->login, key);
		sasl_key_free(key);
	} else {
		return;
	}
	log_in(p, login_go_on(p->login, p->c));
}

static bool
turn_client(struct pair *p)
{
	struct sc_info info;
	enum sc_event ev;
	bool went = false;

	smtp_client_tick(p->c, 1);
	while ((ev = smtp_client_next(p->c, &info)) != SC_IDLE) {
		went = true;
		switch (ev) {
		case SC_IDLE:
		case SC_READY:
			break;
		case SC_STARTTLS:
			p->client_in_tls = true;
			break;
		case SC_AUTH:
		case SC_CHALLENGE:
		case SC_ACCEPTED:
			log_in(p, login_event(p->login, p->c, ev, &info));
			break;
		case SC_WANT_BODY:
			p->body = &p->mails[info.job];
			break;
		case SC_RCPT_DONE:
			check_rcpt(
			    &p->mails[info.job], info.rcpt, &info.verdict);
			break;
		case SC_JOB_DONE:
			check_job(&p->mails[info.job]);
			break;
		case SC_CLOSE:
			if (info.trouble != SC_TROUBLE_NONE)
				fail_msg("%s", info.verdict.text);
			p->is_closed = true;
			return true;
		}
	}
	return went;
}

static bool
load_client(struct pair *p)
{
	struct mail *m = p->body;

	if (m != NULL) {
		size_t left = buf_len(&m->body) - m->given;
		size_t n = roll(p, 3000) + 1;

		p->body = NULL;
		m->given += smtp_client_body(
		    p->c, buf_str(&m->body) + m->given, n < left ? n : left);
		return true;
	}
	if (p->next < NMAILS && smtp_client_may_send(p->c)) {
		smtp_client_send(p->c, &p->mails[p->next++].job);
		return true;
	}
	if (p->next == NMAILS && smtp_client_is_idle(p->c)) {
		smtp_client_quit(p->c);
		return true;
	}
	return false;
}

/* --- the pipe ------------------------------------------------------------- */

static bool
carry(struct pair *p)
{
	const void *bytes;
	size_t n, room;
	bool went = false;

	n = smtp_client_peek(p->c, &bytes);
	room = smtp_server_room(p->s);
	n = n < room ? n : room;
	if (n > 0) {
		n = roll(p, 2) == 0 ? n : 1 + roll(p, (uint32_t)n);
		smtp_server_put(p->s, bytes, n);
		smtp_client_sent(p->c, n);
		went = true;
	}
	n = smtp_server_peek(p->s, &bytes);
	room = smtp_client_room(p->c);
	n = n < room ? n : room;
	if (n > 0) {
		n = roll(p, 2) == 0 ? n : 1 + roll(p, (uint32_t)n);
		smtp_client_put(p->c, bytes, n);
		smtp_server_sent(p->s, n);
		went = true;
	}
	return went;
}

/* Both sides have asked for TLS: the pipe is wrapped. */
static bool
wrap(struct pair *p)
{
	const void *bytes;

	if (!p->client_in_tls || !p->server_in_tls)
		return false;
	if (smtp_server_peek(p->s, &bytes) > 0)
		return false; /* the 220 leaves in clear */
	p->client_in_tls = p->server_in_tls = false;
	ss_login_tls_up(&p->server_login);
	smtp_client_tls_up(p->c);
	return true;
}

static void
converse(const struct smtp_server_opts *so, const struct ss_login_opts *lo,
    const struct smtp_client_opts *co, uint64_t seed)
{
	static const struct sasl_server_user users[] = { { "u", "pw", NULL } };
	struct sasl_server_opts ao = { .mechanisms = lo->mechanisms,
		.users = users,
		.nusers = 1,
		.hostname = "mx" };
	struct pair p = { .dice = seed };
	bool went = true;

	buf_init(&p.arrived, 1 << 20);
	p.c = smtp_client_new(co);
	p.login = sasl_login_new(&(struct sasl_login_opts) { .user = "u",
	    .allowed = lo->mechanisms,
	    .host = "mx",
	    .port = 587 });
	p.s = smtp_server_new(so);
	ss_login_init(&p.server_login, lo, p.s);
	p.sasl = sasl_server_new(&ao);
	for (size_t i = 0; i < NMAILS; i++)
		make_mail(&p, i);
	for (int turn = 0; went && !p.is_closed; turn++) {
		assert_true(turn < TURNS_MAX);
		went = carry(&p);
		went = turn_server(&p) || went;
		went = turn_client(&p) || went;
		went = wrap(&p) || went;
		if (!p.is_closed)
			went = load_client(&p) || went;
	}
	assert_true(p.is_closed);
	for (size_t i = 0; i < NMAILS; i++) {
		bool is_due = !p.mails[i].is_mail_refused &&
			      has_taker(&p.mails[i]);

		assert_int_equal(p.mails[i].ndone, 1);
		assert_int_equal(p.mails[i].narrived, is_due);
		buf_clear(&p.mails[i].body);
	}
	buf_clear(&p.arrived);
	smtp_client_free(p.c);
	sasl_login_free(p.login);
	smtp_server_free(p.s);
	sasl_server_free(p.sasl);
}

static void
everything_arrives_byte_for_byte(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 8; bits++) {
		struct smtp_server_opts so = { .hostname = "mx",
			.may_chunk = (bits & 1) != 0,
			.hide_pipelining = (bits & 2) != 0 };
		struct ss_login_opts lo = { .must_auth = false };
		struct smtp_client_opts co = { .ehlo_name = "me",
			.tls = SC_TLS_OFF,
			.is_plain_spoken = (bits & 4) != 0 };

		for (uint64_t seed = 1; seed <= 6; seed++)
			converse(&so, &lo, &co, seed * 977 + bits);
	}
}

static void
tls_and_login_come_first(void **state)
{
	static const char *mechs[] = { "PLAIN", "LOGIN", "SCRAM-SHA-256",
		"SCRAM-SHA-1", "CRAM-MD5" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mechs); i++) {
		struct smtp_server_opts so = { .hostname = "mx",
			.may_chunk = true,
			.has_commands = true };
		struct ss_login_opts lo = { .may_starttls = true,
			.must_starttls = true,
			.must_auth = true,
			.mechanisms = mechs[i] };
		struct smtp_client_opts co = { .ehlo_name = "me",
			.wants_auth = true };

		for (uint64_t seed = 1; seed <= 4; seed++)
			converse(&so, &lo, &co, seed * 31 + i);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_arrives_byte_for_byte),
		cmocka_unit_test(tls_and_login_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
