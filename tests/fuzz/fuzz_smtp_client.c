/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A server that says anything at all.  Whatever it says, every message gets
 * one verdict per recipient and one for itself, none is "ok" before its last
 * byte was sent, and the session ends when the connection does.
 *
 * The first byte chooses the options, the second the size of the pieces. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "outbound/login.h"

enum { NJOBS = 4, NRCPTS = 2, TURNS_MAX = 100000 };

static const char *const bodies[NJOBS] = { "one\r\n", "", ".two\r\n..\r\n",
	"f\r\n" };

struct session {
	struct smtp_client *c;
	struct sasl_login *login;
	struct smtp_job jobs[NJOBS];
	struct smtp_job_rcpt rcpts[NRCPTS];
	size_t next;
	size_t given[NJOBS];
	unsigned ndone[NJOBS], nrcpts[NJOBS];
	size_t wants; /* body of job, or NJOBS */
	uint64_t queued, sent;
	uint64_t ends[NJOBS]; /* where in the stream its body ended */
	bool is_closed;
};

static void
log_in(struct session *s, enum sasl_act act)
{
	struct secret *secret;
	struct sasl_key *key;

	if (act == SASL_FETCH) {
		secret = secret_new(bytes_of("pw", 2));
		sasl_login_secret(s->login, secret, "tls-exporter",
		    bytes_of("0123456789abcdef0123456789abcdef", 32));
		secret_free(secret);
	} else if (act == SASL_DERIVE) {
		key = sasl_login_take_key(s->login);
		sasl_key_derive(key);
		sasl_login_keyed(s->login, key);
		sasl_key_free(key);
	} else {
		return;
	}
	log_in(s, login_go_on(s->login, s->c));
}

static void
on_event(struct session *s, enum sc_event ev, const struct sc_info *info)
{
	FUZZ_REQUIRE(!s->is_closed);
	switch (ev) {
	case SC_IDLE:
	case SC_READY:
		break;
	case SC_STARTTLS:
		FUZZ_REQUIRE(smtp_client_room(s->c) == 0);
		smtp_client_tls_up(s->c);
		break;
	case SC_AUTH:
	case SC_CHALLENGE:
	case SC_ACCEPTED:
		log_in(s, login_event(s->login, s->c, ev, info));
		break;
	case SC_WANT_BODY:
		FUZZ_REQUIRE(info->job < s->next);
		s->wants = info->job;
		break;
	case SC_RCPT_DONE:
		FUZZ_REQUIRE(info->rcpt < NRCPTS && s->ndone[info->job] == 0);
		s->nrcpts[info->job]++;
		break;
	case SC_JOB_DONE:
		FUZZ_REQUIRE(s->ndone[info->job]++ == 0);
		FUZZ_REQUIRE(s->nrcpts[info->job] == NRCPTS);
		if (info->verdict.class == VERDICT_OK)
			FUZZ_REQUIRE(
			    s->given[info->job] == strlen(bodies[info->job]) &&
			    s->sent >= s->ends[info->job]);
		FUZZ_REQUIRE(info->verdict.class != VERDICT_NONE);
		if (s->wants == info->job)
			s->wants = NJOBS;
		break;
	case SC_CLOSE:
		s->is_closed = true;
		for (size_t i = 0; i < s->next; i++)
			FUZZ_REQUIRE(s->ndone[i] == 1);
		break;
	}
}

static void
feed(struct session *s)
{
	size_t i = s->wants, left;
	const void *p;

	if (i == NJOBS)
		return;
	s->wants = NJOBS;
	left = strlen(bodies[i]) - s->given[i];
	s->given[i] += smtp_client_body(s->c, bodies[i] + s->given[i], left);
	s->ends[i] = s->sent + smtp_client_peek(s->c, &p);
}

static void
turn(struct session *s)
{
	struct sc_info info;
	enum sc_event ev;
	const void *p;
	size_t n;

	smtp_client_tick(s->c, 1);
	while ((ev = smtp_client_next(s->c, &info)) != SC_IDLE)
		on_event(s, ev, &info);
	if (s->is_closed)
		return;
	if (s->next < NJOBS && smtp_client_may_send(s->c)) {
		smtp_client_send(s->c, &s->jobs[s->next]);
		s->next++;
	} else if (s->next == NJOBS && smtp_client_is_idle(s->c)) {
		smtp_client_quit(s->c);
	}
	feed(s);
	n = smtp_client_peek(s->c, &p);
	smtp_client_sent(s->c, n);
	s->sent += n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session s = { .wants = NJOBS };
	struct smtp_client_opts opts = { .ehlo_name = "h" };
	struct sasl_login_opts login = { .user = "u", .host = "mx", .port = 1 };
	size_t at = 2, chunk;

	if (size < 2)
		return 0;
	opts.tls = data[0] % 3;
	opts.wants_auth = (data[0] & 4) != 0;
	login.is_token = (data[0] & 8) != 0;
	opts.is_plain_spoken = (data[0] & 16) != 0;
	opts.window_first = (data[0] & 32) != 0 ? NJOBS : 0;
	chunk = data[1] % 32 + 1;
	for (size_t i = 0; i < NRCPTS; i++)
		s.rcpts[i].addr = i == 0 ? "a@x" : "b@x";
	for (size_t i = 0; i < NJOBS; i++)
		s.jobs[i] = (struct smtp_job) { .tag = i,
			.sender = "s@x",
			.rcpts = s.rcpts,
			.nrcpts = NRCPTS,
			.size_bytes = strlen(bodies[i]) };
	s.c = smtp_client_new(&opts);
	s.login = sasl_login_new(&login);
	for (int i = 0; !s.is_closed; i++) {
		size_t n = smtp_client_room(s.c);

		FUZZ_REQUIRE(i < TURNS_MAX);
		n = n < chunk ? n : chunk;
		n = n < size - at ? n : size - at;
		smtp_client_put(s.c, data + at, n);
		at += n;
		if (at == size)
			smtp_client_eof(s.c, "end");
		turn(&s);
	}
	smtp_client_free(s.c);
	sasl_login_free(s.login);
	return 0;
}
