/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Worlds that are broken in one place: the check names that stage, and no
 * other.  Against the throw-away provider in the same process, over the
 * loopback. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <sys/socket.h>

#include "account/account_opts.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "check/check.h"
#include "net/listen.h"
#include "net/lookup.h"
#include "net/loop.h"
#include "sys/clock_sys.h"
#include "tests/lib/certs.h"
#include "tests/lib/provider.h"
#include "tests/lib/quiet.h"
#include "tests/lib/sockets.h"

enum { RESULTS_MAX = 40, DAY_S = 24 * 3600, TURNS_MAX = 1000000 };

static struct certs *certs;

struct bench {
	int64_t ahead_ms; /* of the real clock */
	struct clock clock;
	struct loop *loop;
	struct provider p;
	struct listener *listener;
	bool is_implicit; /* as the provider speaks */
	int connections;
	struct account_opts opts;
	const char *password; /* NULL: there is none */
	const char *send_to;
	struct check_result results[RESULTS_MAX];
	size_t n;
	int overs;
	enum check_verdict worst;
};

static int64_t
boot_ms(void *ctx)
{
	return clock_boot_ms(clock_sys()) + ((struct bench *)ctx)->ahead_ms;
}

static int64_t
wall_ms(void *ctx)
{
	return clock_wall_ms(clock_sys()) + ((struct bench *)ctx)->ahead_ms;
}

static int32_t
utc_offset_s(void *ctx, int64_t at)
{
	(void)ctx;
	(void)at;
	return 0;
}

static enum cred_result
fetch_secret(const void *ctx, const struct cred_wish *wish, struct secret **ret,
    struct cred_facts *facts, struct err *err)
{
	const struct bench *b = ctx;

	(void)wish;
	(void)facts;
	if (b->password == NULL) {
		(void)err_set(err, ERR_SECRET,
		    "cannot read the secret: permission denied; type: chmod");
		return CRED_NEVER;
	}
	*ret = secret_new(bytes_str(b->password));
	return CRED_OK;
}

static void
on_accepted(void *ctx, int fd)
{
	struct bench *b = ctx;

	b->connections++;
	provider_session_start(&b->p, fd, b->is_implicit);
}

static void
use_certificate(struct bench *b, const char *pem, const char *key)
{
	struct tls_server_opts tls = { .cert_file = certs_path(certs, pem),
		.key_file = certs_path(certs, key) };
	struct err err;

	tls_ctx_free(b->p.tls);
	assert_int_equal(tls_ctx_new_server(&tls, &b->p.tls, &err), 0);
}

static int
setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	struct err err;
	int fd;

	b->clock = (struct clock) { boot_ms, wall_ms, utc_offset_s, b };
	assert_int_equal(loop_new(&b->clock, &b->loop, &err), 0);
	b->p = (struct provider) {
		.loop = b->loop,
		.smtp = { .hostname = "provider.test",
		    .max_size_bytes = 1024 * 1024 },
		.login = { .may_starttls = true,
		    .must_starttls = true,
		    .must_auth = true,
		    .mechanisms = "PLAIN" },
		.user = { .name = "me", .password = "right" },
		.store_dirfd = -1,
	};
	list_init(&b->p.sessions);
	use_certificate(b, "server.pem", "server.key");
	fd = listen_tcp("127.0.0.1", 0, &err);
	assert_true(fd >= 0);
	b->password = "right";
	b->opts = (struct account_opts) {
		.name = "work",
		.host = "127.0.0.1",
		.ports = { { listen_port(fd), SC_TLS_STARTTLS } },
		.nports = 1,
		.tls = { .ca_file = certs_path(certs, "ca.pem") },
		.wants_auth = true,
		.user = "me",
		.identity = { .address = "me@example.org" },
		.fetch_secret = fetch_secret,
		.fetch_ctx = b,
	};
	assert_int_equal(
	    listener_new(b->loop, fd, on_accepted, b, &b->listener, &err), 0);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	listener_free(b->listener);
	provider_stop_sessions(&b->p);
	tls_ctx_free(b->p.tls);
	loop_free(b->loop);
	free(b);
	return 0;
}

/* --- a run ---------------------------------------------------------------- */

static void
on_told(void *ctx, const struct check_result *r)
{
	struct bench *b = ctx;

	assert_true(b->n < RESULTS_MAX);
	assert_int_equal(b->overs, 0);
	b->results[b->n++] = *r;
}

static void
on_over(void *ctx, enum check_verdict worst)
{
	struct bench *b = ctx;

	b->overs++;
	b->worst = worst;
}

static struct check *
begin(struct bench *b)
{
	struct account_opts *opts = account_opts_new(&b->opts);
	struct check_opts o = { .account = opts,
		.send_to = b->send_to,
		.rng = rng_sys(),
		.connect_ms = 2000,
		.step_ms = 2000 };
	struct check_hooks hooks = { on_told, on_over, b };
	struct check *c = check_new(b->loop, &o, &hooks);

	account_opts_free(opts); /* the check has its own reference */
	return c;
}

static void
run(struct bench *b)
{
	struct check *c = begin(b);

	assert_int_equal(b->n, 0); /* never from within */
	for (int i = 0; b->overs == 0; i++) {
		assert_true(i < TURNS_MAX);
		loop_run_once(b->loop, false);
		if (loop_is_quiet(b->loop))
			b->ahead_ms += 100; /* of two seconds for each step */
	}
	check_free(c);
	for (int i = 0; i < 10; i++)
		loop_run_once(b->loop, false);
	assert_int_equal(b->overs, 1);
}

static const struct check_result *
find(const struct bench *b, enum check_stage stage)
{
	const struct check_result *last = NULL;

	for (size_t i = 0; i < b->n; i++)
		if (b->results[i].stage == stage)
			last = &b->results[i];
	assert_non_null(last);
	return last;
}

/* One stage is broken; those before it went well, those behind it were not
 * tried (but for the secret, which needs no network). */
static void
is_broken(const struct bench *b, enum check_stage stage,
    enum check_verdict verdict, const char *words)
{
	const struct check_result *r = find(b, stage);

	assert_int_equal(r->verdict, verdict);
	assert_int_equal(b->worst, verdict);
	if (strstr(r->seen, words) == NULL && strstr(r->advice, words) == NULL)
		fail_msg("%s: no \"%s\" in \"%s\", \"%s\"",
		    check_stage_name(stage), words, r->seen, r->advice);
	for (size_t i = 0; i < b->n; i++) {
		const struct check_result *o = &b->results[i];

		if (o->stage > stage && o->stage != CHECK_SECRET)
			assert_int_equal(o->verdict, CHECK_SKIPPED);
		else if (o->stage != stage)
			assert_true(o->verdict <= CHECK_NOTE);
	}
}

static void
misbehave(struct bench *b, enum fault_kind kind, const char *spec)
{
	assert_true(fault_add(&b->p.faults, kind, spec));
}

/* --- worlds --------------------------------------------------------------- */

static void
a_good_account_passes_every_stage(void **state)
{
	struct bench *b = *state;

	run(b);
	assert_int_equal(b->worst, CHECK_OK);
	assert_int_equal(find(b, CHECK_DNS)->verdict, CHECK_SKIPPED);
	for (enum check_stage s = CHECK_TCP; s <= CHECK_MAIL; s++)
		assert_int_equal(find(b, s)->verdict, CHECK_OK);
	assert_non_null(strstr(find(b, CHECK_TLS)->seen, "good until"));
	assert_non_null(strstr(find(b, CHECK_EHLO)->seen, "AUTH PLAIN"));
	assert_non_null(strstr(find(b, CHECK_AUTH)->seen, "PLAIN as me"));
	for (size_t i = 0; i < b->n; i++)
		assert_int_not_equal(b->results[i].stage, CHECK_SEND);
	assert_int_equal(b->p.messages, 0);
	assert_int_equal(b->connections, 1);
}

static void
a_message_leaves_if_it_is_asked_for(void **state)
{
	struct bench *b = *state;

	b->send_to = "you@example.net";
	run(b);
	assert_int_equal(b->worst, CHECK_OK);
	assert_non_null(strstr(find(b, CHECK_SEND)->seen, "250"));
	assert_int_equal(b->p.messages, 1);
	assert_int_equal(b->connections, 1);
}

static void
a_message_that_is_refused_is_told(void **state)
{
	struct bench *b = *state;

	b->send_to = "you@example.net";
	misbehave(b, FAULT_FAIL, "end:554:5.7.1:it looks like spam");
	run(b);
	is_broken(b, CHECK_SEND, CHECK_PERSON, "it looks like spam");
}

static void
a_host_without_a_name_needs_a_person(void **state)
{
	struct bench *b = *state;

	b->opts.host = "a..b";
	run(b);
	assert_true(find(b, CHECK_DNS)->verdict >= CHECK_LATER);
	assert_int_equal(find(b, CHECK_TCP)->verdict, CHECK_SKIPPED);
	/* That the secret can be had is worth knowing all the same. */
	assert_int_equal(find(b, CHECK_SECRET)->verdict, CHECK_OK);
}

static void
a_closed_port_is_named(void **state)
{
	struct bench *b = *state;

	listener_free(b->listener);
	b->listener = NULL;
	loop_run_once(b->loop, false);
	run(b);
	assert_int_equal(b->worst, CHECK_PERSON);
	assert_non_null(
	    strstr(find(b, CHECK_TCP)->seen, "nothing listens on port"));
	assert_int_equal(find(b, CHECK_TLS)->verdict, CHECK_SKIPPED);
}

static void
a_closed_port_beside_an_open_one_is_a_note(void **state)
{
	struct bench *b = *state;

	b->opts.ports[1] = b->opts.ports[0];
	b->opts.ports[0] = (struct account_port) { 1, SC_TLS_IMPLICIT };
	b->opts.nports = 2;
	run(b);
	assert_true(b->worst <= CHECK_NOTE);
	assert_int_equal(b->results[1].stage, CHECK_TCP);
	assert_int_equal(b->results[1].port, 1);
	assert_int_equal(b->results[1].verdict, CHECK_NOTE);
	assert_int_equal(find(b, CHECK_MAIL)->verdict, CHECK_OK);
}

static void
a_certificate_of_somebody_else_is_an_interception(void **state)
{
	struct bench *b = *state;

	use_certificate(b, "other.pem", "other.key");
	run(b);
	is_broken(b, CHECK_TLS, CHECK_PERSON, "intercepted");
	assert_non_null(strstr(find(b, CHECK_TLS)->seen, "hotspot.test"));
}

static void
an_expired_certificate_is_named(void **state)
{
	struct bench *b = *state;

	use_certificate(b, "old.pem", "old.key");
	run(b);
	is_broken(b, CHECK_TLS, CHECK_PERSON, "expired");
}

static void
clear_text_where_tls_was_due_is_named(void **state)
{
	struct bench *b = *state;

	b->opts.ports[0].tls = SC_TLS_IMPLICIT;
	run(b);
	is_broken(b, CHECK_TLS, CHECK_PERSON, "speaks clear text first");
}

static void
tls_where_clear_text_was_due_is_named(void **state)
{
	struct bench *b = *state;

	b->is_implicit = true;
	run(b);
	is_broken(b, CHECK_TLS, CHECK_PERSON, "set tls = implicit");
}

static void
a_port_without_a_greeting_is_named(void **state)
{
	struct bench *b = *state;

	misbehave(b, FAULT_HANG, "greeting");
	run(b);
	is_broken(b, CHECK_EHLO, CHECK_LATER, "nothing greets there");
}

static void
the_next_port_is_tried_where_one_is_intercepted(void **state)
{
	struct bench *b = *state;

	b->opts.ports[1] = b->opts.ports[0];
	b->opts.ports[0].tls = SC_TLS_IMPLICIT; /* gets clear text */
	b->opts.nports = 2;
	run(b);
	assert_int_equal(b->worst, CHECK_NOTE);
	assert_int_equal(find(b, CHECK_TLS)->verdict, CHECK_OK);
	assert_int_equal(find(b, CHECK_MAIL)->verdict, CHECK_OK);
}

static void
starttls_that_was_taken_away_is_an_interception(void **state)
{
	struct bench *b = *state;

	b->p.login.may_starttls = b->p.login.must_starttls = false;
	run(b);
	is_broken(b, CHECK_TLS, CHECK_PERSON, "takes STARTTLS away");
}

static void
a_server_without_auth_is_named(void **state)
{
	struct bench *b = *state;

	b->p.login.mechanisms = "";
	run(b);
	is_broken(b, CHECK_AUTH, CHECK_PERSON, "takes no login");
}

static void
a_server_with_other_mechanisms_is_named(void **state)
{
	struct bench *b = *state;

	b->opts.auth = "SCRAM-SHA-256";
	run(b);
	is_broken(b, CHECK_AUTH, CHECK_PERSON, "check auth");
	assert_non_null(strstr(find(b, CHECK_AUTH)->seen, "PLAIN"));
}

static void
a_secret_that_cannot_be_read_is_named(void **state)
{
	struct bench *b = *state;

	b->password = NULL;
	run(b);
	is_broken(b, CHECK_SECRET, CHECK_PERSON, "permission denied");
}

static void
a_wrong_password_is_said_once(void **state)
{
	struct bench *b = *state;

	b->password = "wrong";
	run(b);
	is_broken(b, CHECK_AUTH, CHECK_PERSON, "535");
	assert_int_equal(b->connections, 1);
}

static void
a_login_that_is_put_off_is_no_wrong_password(void **state)
{
	struct bench *b = *state;

	misbehave(b, FAULT_FAIL, "auth:454:4.7.0:try later");
	run(b);
	is_broken(b, CHECK_AUTH, CHECK_LATER, "try later");
}

static void
a_sender_that_is_refused_is_named(void **state)
{
	struct bench *b = *state;

	misbehave(b, FAULT_FAIL, "mail:550:5.7.60:send as denied");
	run(b);
	is_broken(b, CHECK_MAIL, CHECK_PERSON, "send as denied");
}

static void
a_recipient_that_is_refused_is_named(void **state)
{
	struct bench *b = *state;

	misbehave(b, FAULT_FAIL, "rcpt:550:5.7.1:relaying denied");
	run(b);
	is_broken(b, CHECK_MAIL, CHECK_PERSON, "relaying denied");
}

static void
an_account_without_login_needs_no_secret(void **state)
{
	struct bench *b = *state;

	b->opts.wants_auth = false;
	b->p.login.must_auth = false;
	b->password = NULL;
	run(b);
	assert_int_equal(b->worst, CHECK_OK);
	assert_int_equal(find(b, CHECK_SECRET)->verdict, CHECK_SKIPPED);
	assert_int_equal(find(b, CHECK_AUTH)->verdict, CHECK_SKIPPED);
	assert_int_equal(find(b, CHECK_MAIL)->verdict, CHECK_OK);
}

/* --- the comparison ------------------------------------------------------- */

enum { LOOKUP_END_MS = 1100 };

/* Two ports of the account that are closed; of the witness, one is silent. */
struct line {
	_Atomic int64_t now_ms;
	int own[2], silent, open; /* sockets */
	int queue[2]; /* connections that nobody accepts */
	int asked; /* how often the open port was tried */
};

static int64_t
line_now(void *ctx)
{
	return ((struct line *)ctx)->now_ms;
}

/* Another address of this machine, and one that does not look like it; the
 * witness is found a while later. */
static void
line_lookup(void *ctx, const char *host, struct lookup_answer *ret)
{
	struct line *l = ctx;
	bool is_witness = strcmp(host, "witness.test") == 0;
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(
		    is_witness ? INADDR_LOOPBACK + 1 : INADDR_ANY) };

	*ret = (struct lookup_answer) { .n = 1 };
	memcpy(&ret->addrs[0], &sa, sizeof(sa));
	if (is_witness)
		l->now_ms = LOOKUP_END_MS;
}

static int
socket_at(uint32_t addr, int port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(addr) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void
line_up(struct line *l)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1) };

	/* The account's are bound and do not listen: nobody else does. */
	for (size_t i = 0; i < 2; i++)
		l->own[i] = socket_at(INADDR_LOOPBACK, 0);
	l->silent = socket_at(INADDR_LOOPBACK + 1, listen_port(l->own[0]));
	l->open = socket_at(INADDR_LOOPBACK + 1, listen_port(l->own[1]));
	assert_int_equal(listen(l->silent, 0), 0);
	assert_int_equal(listen(l->open, 10), 0);
	sa.sin_port = htons((uint16_t)listen_port(l->silent));
	for (size_t i = 0; i < 2; i++) {
		l->queue[i] = socket_at(INADDR_LOOPBACK + 1, 0);
		IGNORE(connect(l->queue[i], (struct sockaddr *)&sa,
			   sizeof(sa)) != 0); /* it is under way */
	}
	l->now_ms = 1000;
}

static void
on_asked(void *ctx, int fd)
{
	((struct line *)ctx)->asked++;
	(void)close(fd);
}

static void
the_witness_is_asked_once_however_long_it_is_silent(void **state)
{
	enum { CONNECT_MS = 2000 };
	struct bench *b = *state;
	struct line l = { .asked = 0 };
	struct clock clock = { line_now, line_now, NULL, &l };
	struct check_opts o = { .witness = "witness.test",
		.rng = rng_sys(),
		.connect_ms = CONNECT_MS,
		.step_ms = CONNECT_MS };
	struct check_hooks hooks = { on_told, on_over, b };
	struct listener *listener;
	struct loop *loop;
	struct check *c;
	struct err err;

	line_up(&l);
	assert_int_equal(loop_new(&clock, &loop, &err), 0);
	lookup_by(loop, line_lookup, &l);
	assert_int_equal(
	    listener_new(loop, l.open, on_asked, &l, &listener, &err), 0);
	b->opts.host = "own.test";
	for (size_t i = 0; i < 2; i++)
		b->opts.ports[i] = (struct account_port) {
			listen_port(l.own[i]), SC_TLS_STARTTLS
		};
	b->opts.nports = 2;
	o.account = account_opts_new(&b->opts);
	c = check_new(loop, &o, &hooks);
	account_opts_free(o.account);
	TURN_UNTIL(loop, l.asked > 0);
	/* Behind the look-up's time, before that of the connections. */
	l.now_ms = 1000 + CONNECT_MS + 50;
	for (int i = 0; i < 50; i++)
		loop_run_once(loop, false);
	assert_int_equal(b->overs, 0);
	l.now_ms = LOOKUP_END_MS + CONNECT_MS;
	for (int i = 0; i < 50; i++)
		loop_run_once(loop, false);
	assert_int_equal(l.asked, 1);
	TURN_UNTIL(loop, b->overs > 0);
	check_free(c);
	listener_free(listener);
	loop_free(loop);
	for (size_t i = 0; i < 2; i++) {
		(void)close(l.own[i]);
		(void)close(l.queue[i]);
	}
	(void)close(l.silent);
}

static void
a_check_can_be_given_up_at_any_moment(void **state)
{
	struct bench *b = *state;

	for (int turns = 0; turns < 60; turns++) {
		struct check *c = begin(b);

		for (int i = 0; i < turns && b->overs == 0; i++)
			loop_run_once(b->loop, false);
		check_free(c);
		b->n = 0;
		b->overs = 0;
	}
	check_free(NULL);
}

static int
setup_all(void **state)
{
	static const struct cert_spec specs[] = {
		{ .file = "server", .ip = "127.0.0.1" },
		{ .file = "other", .dns = { "hotspot.test" } },
		{ .file = "old",
		    .ip = "127.0.0.1",
		    .from_s = -9 * DAY_S,
		    .until_s = -2 * DAY_S },
	};

	(void)state;
	certs = certs_new();
	for (size_t i = 0; i < ARRAY_LEN(specs); i++)
		certs_make(certs, &specs[i]);
	return 0;
}

static int
teardown_all(void **state)
{
	(void)state;
	certs_free(certs);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_account_passes_every_stage),
		TEST(a_message_leaves_if_it_is_asked_for),
		TEST(a_message_that_is_refused_is_told),
		TEST(a_host_without_a_name_needs_a_person),
		TEST(a_closed_port_is_named),
		TEST(a_closed_port_beside_an_open_one_is_a_note),
		TEST(a_certificate_of_somebody_else_is_an_interception),
		TEST(an_expired_certificate_is_named),
		TEST(clear_text_where_tls_was_due_is_named),
		TEST(tls_where_clear_text_was_due_is_named),
		TEST(a_port_without_a_greeting_is_named),
		TEST(the_next_port_is_tried_where_one_is_intercepted),
		TEST(starttls_that_was_taken_away_is_an_interception),
		TEST(a_server_without_auth_is_named),
		TEST(a_server_with_other_mechanisms_is_named),
		TEST(a_secret_that_cannot_be_read_is_named),
		TEST(a_wrong_password_is_said_once),
		TEST(a_login_that_is_put_off_is_no_wrong_password),
		TEST(a_sender_that_is_refused_is_named),
		TEST(a_recipient_that_is_refused_is_named),
		TEST(an_account_without_login_needs_no_secret),
		TEST(the_witness_is_asked_once_however_long_it_is_silent),
		TEST(a_check_can_be_given_up_at_any_moment),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
