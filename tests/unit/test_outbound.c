/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An account at work: the queue on one side, a provider that misbehaves on the
 * other, in one process and over the loopback.  The clock can be set forward,
 * so that a day of waiting takes a moment. */
#include "tests/lib/check.h"

#include <ftw.h>
#include <gnutls/crypto.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account/accounts.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cred/cred.h"
#include "net/listen.h"
#include "net/loop.h"
#include "outbound/outbound.h"
#include "queue/queue.h"
#include "store/spool.h"
#include "sys/clock_sys.h"
#include "sys/fs_sys.h"
#include "tests/lib/certs.h"
#include "tests/lib/provider.h"
#include "tests/lib/quiet.h"
#include "tests/lib/random_source.h"
#include "tests/lib/temp.h"

/* --- keys ---------------------------------------------------------------- */

static struct {
	pthread_t thread; /* of the loop */
	_Atomic int calls, on_loop;
	_Atomic int sleep_ms;
} derived;

int __real_gnutls_pbkdf2(gnutls_mac_algorithm_t mac, const gnutls_datum_t *key,
    const gnutls_datum_t *salt, unsigned iterations, void *output,
    size_t length);
int __wrap_gnutls_pbkdf2(gnutls_mac_algorithm_t mac, const gnutls_datum_t *key,
    const gnutls_datum_t *salt, unsigned iterations, void *output,
    size_t length);

int
__wrap_gnutls_pbkdf2(gnutls_mac_algorithm_t mac, const gnutls_datum_t *key,
    const gnutls_datum_t *salt, unsigned iterations, void *output,
    size_t length)
{
	derived.on_loop += pthread_equal(pthread_self(), derived.thread) != 0;
	derived.calls++;
	(void)usleep((useconds_t)derived.sleep_ms * 1000);
	return __real_gnutls_pbkdf2(mac, key, salt, iterations, output, length);
}

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
enum { JOBS_MAX = 64 };

static struct certs *certs;

struct bench {
	char dir[64];
	int64_t ahead_ms; /* of the real clock */
	struct clock clock;
	const struct rng *rng; /* of the queue */
	struct loop *loop;
	struct store *store;
	struct queue *q;
	struct queue_opts queue_opts;
	struct accounts *accounts;
	struct outbound *o;
	struct account_opts opts;
	bool is_disk_slow; /* jobs wait for finish_jobs() */
	struct work *jobs[JOBS_MAX];
	size_t njobs;
	const char *password; /* of the account, read by a worker */
	const char *fresh; /* a token's successor; NULL: it is no token */
	enum cred_result token; /* what a token server has to say */
	struct bench *count; /* ourselves, for him to count in */
	_Atomic int fetches;
	int alerts; /* that something is wrong */
	char event[32]; /* of the newest */

	struct provider p;
	struct listener *listener;
	int connections; /* so far */
	int logins; /* likewise, as the log has it */
	struct log_sink sink;
	size_t most; /* connections at once */
};

/* --- time, disk and what the queue asks ---------------------------------- */

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

static void
submit_job(void *ctx, struct work *w)
{
	struct bench *b = ctx;

	if (b->is_disk_slow) {
		assert_true(b->njobs < JOBS_MAX);
		b->jobs[b->njobs++] = w;
		return;
	}
	w->run(w);
	w->done(w);
}

static bool
cancel_job(void *ctx, struct work *w)
{
	(void)ctx;
	(void)w;
	return false;
}

static void
finish_jobs(struct bench *b)
{
	b->is_disk_slow = false;
	for (size_t i = 0; i < b->njobs; i++) {
		b->jobs[i]->run(b->jobs[i]);
		b->jobs[i]->done(b->jobs[i]);
	}
	b->njobs = 0;
}

static int
route(void *ctx, const struct envelope *e)
{
	const struct bench *b = ctx;

	(void)e;
	return b->o != NULL && accounts_count(b->accounts) > 0
		   ? accounts_handle(b->accounts, 0)
		   : -1;
}

static void
wake(void *ctx, int account)
{
	struct bench *b = ctx;

	if (b->o != NULL)
		outbound_wake(b->o, account);
}

static void
open_queue(struct bench *b)
{
	struct queue_opts o = {
		.clock = &b->clock,
		.rng = b->rng,
		.pool = { submit_job, cancel_job, b },
		.hooks = { .route = route, .wake = wake, .ctx = b },
		.naccounts = 1,
		.retry_after_ms = MINUTE,
		.retry_max_ms = HOUR,
		.lifetime_ms = INT64_C(120) * HOUR,
		.max_size_bytes = 1024 * 1024,
	};
	struct err err;

	assert_int_equal(spool_open(b->dir, fs_sys(), &b->store, &err), 0);
	o.store = b->store;
	b->queue_opts = o;
	b->q = queue_new(&o);
}

/* --- the account --------------------------------------------------------- */

static enum cred_result
fetch_secret(const void *ctx, const struct cred_wish *wish, struct secret **ret,
    struct cred_facts *facts, struct err *err)
{
	const struct bench *b = ctx;

	b->count->fetches++;
	if (b->fresh != NULL) {
		facts->serial = wish->need == CRED_FRESH ? wish->refused + 1
							 : 1;
		if (b->token != CRED_OK) {
			(void)err_set(err, ERR_SECRET, "no token today");
			return b->token;
		}
	}
	*ret = secret_new(bytes_str(
	    b->fresh != NULL && facts->serial > 1 ? b->fresh : b->password));
	return CRED_OK;
}

static void
alert(void *ctx, const char *account, const char *event, const char *reason)
{
	struct bench *b = ctx;

	assert_string_equal(account, "work");
	if (reason == NULL)
		return; /* over, as far as that goes */
	b->alerts++;
	(void)snprintf(b->event, sizeof(b->event), "%s", event);
}

static void
on_accepted(void *ctx, int fd)
{
	struct bench *b = ctx;
	size_t n = 0;

	b->connections++;
	provider_session_start(&b->p, fd, false);
	list_foreach (it, &b->p.sessions)
		n++;
	b->most = n > b->most ? n : b->most;
}

static struct account_opts
work_opts(struct bench *b, int port)
{
	return (struct account_opts) {
		.name = "work",
		.host = "127.0.0.1",
		.ports = { { port, SC_TLS_STARTTLS } },
		.nports = 1,
		.tls = { .ca_file = certs_path(certs, "ca.pem") },
		.wants_auth = true,
		.user = "me",
		.identity = { .mode = IDENTITY_KEEP },
		.max_connections = 1,
		.retry_after_ms = MINUTE,
		.fetch_secret = fetch_secret,
		.fetch_ctx = b,
	};
}

static void
open_provider(struct bench *b)
{
	struct tls_server_opts tls = {
		.cert_file = certs_path(certs, "server.pem"),
		.key_file = certs_path(certs, "server.key"),
	};
	struct err err;
	int fd;

	b->p = (struct provider) {
		.loop = b->loop,
		.smtp = { .hostname = "provider.test",
		    .max_size_bytes = 1024 * 1024,
		    .may_chunk = true },
		.login = { .may_starttls = true,
		    .must_starttls = true,
		    .must_auth = true,
		    .mechanisms = "PLAIN" },
		.user = { .name = "me", .password = "right" },
		.store_dirfd = -1,
	};
	list_init(&b->p.sessions);
	assert_int_equal(tls_ctx_new_server(&tls, &b->p.tls, &err), 0);
	fd = listen_tcp("127.0.0.1", 0, &err);
	assert_true(fd >= 0);
	b->opts = work_opts(b, listen_port(fd));
	assert_int_equal(
	    listener_new(b->loop, fd, on_accepted, b, &b->listener, &err), 0);
}

/* --- life ---------------------------------------------------------------- */

static void
count_login(void *ctx, enum log_level level, const char *line, const char *kind)
{
	(void)kind;
	(void)level;
	((struct bench *)ctx)->logins += strncmp(line, "connected ", 10) == 0;
}

static int
setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	struct err err;

	temp_dir(b->dir, sizeof(b->dir), "relais-outbound");
	b->clock = (struct clock) { boot_ms, wall_ms, utc_offset_s, b };
	b->rng = rng_sys();
	b->password = "right";
	b->count = b;
	assert_int_equal(loop_new(&b->clock, &b->loop, &err), 0);
	open_provider(b);
	open_queue(b);
	b->sink = (struct log_sink) { count_login, b };
	*state = b;
	return 0;
}

/* These accounts, in this order, and all mail is asked about anew. */
static void
reload_as(struct bench *b, const struct account_opts *accounts, size_t n)
{
	struct account_opts *opts[4];

	for (size_t i = 0; i < n; i++)
		opts[i] = account_opts_new(&accounts[i]);
	accounts_set(b->accounts, opts, n);
	queue_reroute(b->q, accounts_handles(b->accounts));
}

static void
reload(struct bench *b)
{
	reload_as(b, &b->opts, 1);
}

static char *
read_state(void *ctx, const char *name)
{
	return queue_state_read(((struct bench *)ctx)->q, name);
}

static int
write_state(void *ctx, const char *name, struct bytes text, struct err *err)
{
	return queue_state_write(((struct bench *)ctx)->q, name, text, err);
}

/* Once a test has said what is special about the account. */
static void
start(struct bench *b)
{
	struct account_hooks of_accounts = { .read = read_state,
		.write = write_state,
		.alert = alert,
		.ctx = b };
	struct outbound_hooks of_outbound = { .ctx = b };

	b->accounts = accounts_new(b->loop, b->rng, &of_accounts);
	b->o = outbound_new(b->loop, b->q, b->accounts, &of_outbound);
	log_to(&b->sink);
	reload(b);
}

static void
close_account(struct bench *b)
{
	outbound_cut(b->o);
	accounts_stop(b->accounts);
	queue_free(b->q);
	store_free(b->store);
	outbound_free(b->o);
	accounts_free(b->accounts);
	b->accounts = NULL;
	b->o = NULL;
}

static void
restart(struct bench *b)
{
	close_account(b);
	open_queue(b);
	start(b);
}

/* Removes what is in the spool; the queue is closed. */
static void
queue_dir_empty(struct bench *b)
{
	temp_dir_remove(b->dir);
	assert_int_equal(mkdir(b->dir, 0700), 0);
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	finish_jobs(b);
	close_account(b);
	log_to(NULL);
	listener_free(b->listener);
	provider_stop_sessions(&b->p);
	loop_free(b->loop);
	tls_ctx_free(b->p.tls);
	temp_dir_remove(b->dir);
	free(b);
	return 0;
}

/* --- turning ------------------------------------------------------------- */

static void
turn(struct bench *b)
{
	loop_run_once(b->loop, false);
	(void)queue_tick(b->q);
	outbound_turn(b->o);
}

/* Until that is so, for a minute without news at most. */
#define until(b, condition)                                                    \
	do {                                                                   \
		int left_ = 60000;                                             \
		while (!(condition)) {                                         \
			assert_true(--left_ > 0);                              \
			turn(b);                                               \
			(void)loop_is_quiet(b->loop);                          \
		}                                                              \
	} while (0)

/* Until nothing more happens before some time has passed. */
static void
settle(struct bench *b)
{
	int quiet = 0;

	for (int left = 60000; quiet < 3; left--) {
		assert_true(left > 0);
		turn(b);
		quiet = loop_is_quiet(b->loop) ? quiet + 1 : 0;
	}
}

static void
pass(struct bench *b, int64_t ms)
{
	b->ahead_ms += ms;
	turn(b);
}

static enum account_state
state_of(struct bench *b)
{
	struct account_status st;

	assert_true(
	    accounts_status(b->accounts, accounts_handle(b->accounts, 0), &st));
	return st.state;
}

static void
never_told(void *ctx, const struct queue_told *t)
{
	(void)ctx;
	(void)t;
}

/* To r0@x.test ... */
static void
submit_from(struct bench *b, const char *sender, size_t nrcpts, char *ret_id)
{
	static const char text[] = "Subject: hi\r\n\r\nhello\r\n";
	struct envelope *e = envelope_new();
	struct queue_draft *d = queue_draft_new(b->q);
	struct err err;
	char rcpt[32];

	envelope_set(&e->sender, sender);
	envelope_set(&e->peer, "unix");
	for (size_t i = 0; i < nrcpts; i++) {
		(void)snprintf(rcpt, sizeof(rcpt), "r%zu@x.test", i);
		(void)envelope_add_rcpt(e, rcpt);
	}
	if (ret_id != NULL)
		(void)snprintf(
		    ret_id, ENVELOPE_ID_SIZE, "%s", queue_draft_id(d));
	assert_int_equal(queue_draft_write(d, text, strlen(text), &err), 0);
	queue_draft_end(d, e, QUEUE_MODE_ACCEPTED, 0, never_told, NULL);
	queue_draft_free(d);
	envelope_free(e);
}

static void
submit(struct bench *b, size_t nrcpts)
{
	submit_from(b, "me@x.test", nrcpts, NULL);
}

static void
submit_some(struct bench *b, int n)
{
	for (int i = 0; i < n; i++)
		submit(b, 1);
}

static struct queue_item
item(struct bench *b, const char *id)
{
	struct queue_item it;

	assert_true(queue_find(b->q, id, &it));
	return it;
}

static void
fault(struct bench *b, enum fault_kind kind, const char *spec)
{
	assert_true(fault_add(&b->p.faults, kind, spec));
}

static void
all_is_sent(struct bench *b, unsigned long messages)
{
	until(b, b->p.messages == messages && queue_count(b->q) == 0);
}

/* --- the login ----------------------------------------------------------- */

static void
R56_a_refused_password_holds_the_account_and_fails_nothing(void **state)
{
	struct bench *b = *state;

	b->password = "wrong";
	b->opts.max_connections = 4; /* one finds out for all */
	start(b);
	submit(b, 1);
	submit(b, 1);
	until(b, state_of(b) == ACCOUNT_HELD);
	assert_int_equal(b->connections, 1);
	assert_int_equal(queue_count(b->q), 2);
	assert_string_equal(b->event, "account-held");
	assert_int_equal(b->alerts, 1);
	accounts_network_changed(b->accounts); /* is no cure */
	pass(b, 59 * SECOND);
	settle(b);
	assert_int_equal(b->connections, 1);
	pass(b, 2 * SECOND);
	until(b, b->connections == 2 && state_of(b) == ACCOUNT_HELD);
	/* Mended, it is noticed. */
	b->password = "right";
	pass(b, 20 * SECOND);
	all_is_sent(b, 2);
	assert_int_equal(state_of(b), ACCOUNT_READY);
}

static void
R57_a_refused_password_is_tried_a_dozen_times_a_day(void **state)
{
	struct bench *b = *state;

	b->password = "wrong";
	start(b);
	submit(b, 1);
	until(b, state_of(b) == ACCOUNT_HELD);
	for (int minutes = 0; minutes < 24 * 60; minutes++) {
		pass(b, MINUTE);
		for (int i = 0; i < 200 && state_of(b) != ACCOUNT_HELD; i++) {
			turn(b);
			(void)usleep(500);
		}
	}
	assert_true(b->connections > 3);
	assert_true(b->connections <= 12);
	assert_int_equal(queue_count(b->q), 1);
}

static const struct cred_source signed_in = { .kind = CRED_OAUTH };

static void
a_refused_token_is_replaced_once_and_tried_on_another_connection(void **state)
{
	struct bench *b = *state;

	b->password = "ended";
	b->fresh = "right";
	b->opts.secret = &signed_in;
	start(b);
	submit(b, 1);
	all_is_sent(b, 1);
	assert_int_equal(b->connections, 2);
	assert_int_equal(state_of(b), ACCOUNT_READY);
	assert_int_equal(b->alerts, 0);
}

static void
a_token_refused_again_holds_the_account_with_what_to_type(void **state)
{
	struct bench *b = *state;
	struct account_status st;

	b->password = "ended";
	b->fresh = "revoked";
	b->opts.secret = &signed_in;
	start(b);
	submit(b, 1);
	until(b, state_of(b) == ACCOUNT_HELD);
	assert_int_equal(b->connections, 2);
	assert_true(
	    accounts_status(b->accounts, accounts_handle(b->accounts, 0), &st));
	assert_non_null(strstr(st.reason, "Run: relais login work"));
	/* The next try of the hold does not ask for another at once. */
	pass(b, 61 * SECOND);
	until(b, b->connections == 3 && state_of(b) == ACCOUNT_HELD);
	settle(b);
	assert_int_equal(b->connections, 3);
}

static void
a_token_server_that_is_away_fails_nothing(void **state)
{
	struct bench *b = *state;

	b->fresh = "right";
	b->token = CRED_LATER;
	b->opts.secret = &signed_in;
	start(b);
	submit(b, 1);
	submit(b, 1);
	until(b, state_of(b) == ACCOUNT_PAUSED);
	for (int i = 0; i < 24; i++) {
		pass(b, HOUR);
		settle(b);
	}
	until(b, state_of(b) == ACCOUNT_PAUSED);
	assert_int_equal(queue_count(b->q), 2);
	b->token = CRED_OK;
	pass(b, HOUR + MINUTE);
	all_is_sent(b, 2);
	/* While a sign-in that has ended needs a person. */
	b->token = CRED_NEVER;
	pass(b, 25 * HOUR);
	until(b, state_of(b) == ACCOUNT_HELD);
}

static void
a_hold_outlasts_a_restart(void **state)
{
	struct bench *b = *state;

	b->password = "wrong";
	start(b);
	submit(b, 1);
	until(b, state_of(b) == ACCOUNT_HELD);
	restart(b);
	settle(b);
	assert_int_equal(state_of(b), ACCOUNT_HELD);
	assert_int_equal(b->connections, 1);
}

/* --- limits -------------------------------------------------------------- */

static void
a_used_up_quota_stops_all_tries_until_it_reopens(void **state)
{
	struct bench *b = *state;

	fault(b, FAULT_FAIL, "end:554:5.2.0:submission quota exceeded:1");
	start(b);
	submit(b, 1);
	until(b, state_of(b) == ACCOUNT_PAUSED);
	submit(b, 1);
	assert_string_equal(b->event, "quota");
	accounts_network_changed(b->accounts);
	for (int hours = 0; hours < 3; hours++) {
		pass(b, HOUR);
		settle(b);
	}
	assert_int_equal(b->connections, 1);
	assert_int_equal(queue_count(b->q), 2);
	restart(b); /* is no cure either */
	settle(b);
	assert_int_equal(b->connections, 1);
	pass(b, 2 * HOUR);
	all_is_sent(b, 2);
}

/* A filter that speaks of limits, a sender that the provider counts apart: mail
 * that is the only one to hear of a quota must not keep all others waiting. */
static void
two_messages_that_alone_hear_of_a_quota_hold_up_no_others(void **state)
{
	static const char *const odd[] = { "odd1@x.test", "odd2@x.test" };
	struct bench *b = *state;
	char ids[2][ENVELOPE_ID_SIZE];

	fault(
	    b, FAULT_FAIL, "mail/odd*@*:450:4.7.1:Daily sending limit reached");
	start(b);
	for (size_t i = 0; i < 2; i++)
		submit_from(b, odd[i], 1, ids[i]);
	until(b, state_of(b) == ACCOUNT_PAUSED);
	/* Younger than both. */
	submit(b, 1);
	submit(b, 1);
	/* The second one hears it, too; the first comes last by then. */
	pass(b, HOUR + MINUTE);
	until(b, state_of(b) == ACCOUNT_PAUSED);
	/* Now each is known: they wait by themselves, and the account works. */
	pass(b, HOUR + MINUTE);
	until(b, b->p.messages == 2 && item(b, ids[0]).attempts > 0 &&
		     item(b, ids[1]).attempts > 0);
	assert_int_equal(state_of(b), ACCOUNT_READY);
	submit(b, 1);
	until(b, b->p.messages == 3 && queue_count(b->q) == 2);
}

/* An answer that takes longer than a silent connection is given: other mail
 * waits, so each would be closed before it, for ever. */
static void
a_slow_provider_gets_all_of_it_over_one_connection(void **state)
{
	struct bench *b = *state;

	b->p.delay_ms = 45 * SECOND;
	b->opts.max_connections = 1;
	start(b);
	for (int i = 0; i < 4; i++)
		submit(b, 1);
	for (int s = 0; s < 3600 && queue_count(b->q) > 0; s += 3) {
		pass(b, 3 * SECOND);
		settle(b);
	}
	assert_int_equal(queue_count(b->q), 0);
	assert_int_equal(b->p.messages, 4);
	/* It is not pestered. */
	assert_true(b->connections <= 4);
}

/* What a new process would find: "max_per_hour SLOT COUNT COUNT ...". */
static long
spent_as_stored(const struct bench *b)
{
	char path[128], word[32];
	long sum = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/state/budget.work", b->dir);
	f = fopen(path, "r");
	assert_non_null(f);
	for (int i = 0; fscanf(f, "%31s", word) == 1; i++)
		sum += i >= 2 ? strtol(word, NULL, 10) : 0;
	assert_int_equal(fclose(f), 0);
	return sum;
}

static void
an_accounts_own_limit_closes_the_window_first(void **state)
{
	struct bench *b = *state;

	b->opts.max_per_hour = 2;
	start(b);
	for (int i = 0; i < 3; i++)
		submit(b, 1);
	until(b, b->p.messages == 2 && state_of(b) == ACCOUNT_PAUSED);
	assert_int_equal(spent_as_stored(b), 2); /* a kill changes nothing */
	accounts_flush(b->accounts, -1, false);
	settle(b);
	assert_int_equal(b->p.messages, 2);
	restart(b);
	settle(b);
	assert_int_equal(b->p.messages, 2);
	pass(b, 62 * MINUTE);
	all_is_sent(b, 3);
}

static void
no_more_connections_are_opened_than_allowed(void **state)
{
	struct bench *b = *state;

	b->opts.max_connections = 2;
	b->p.delay_ms = 2;
	start(b);
	submit_some(b, 200); /* enough to want a third one */
	all_is_sent(b, 200);
	assert_int_equal(b->most, 2);
}

static void
a_connection_carries_no_more_than_allowed(void **state)
{
	struct bench *b = *state;

	b->opts.max_per_connection = 3;
	start(b);
	for (int i = 0; i < 7; i++)
		submit(b, 1);
	all_is_sent(b, 7);
	assert_true(b->connections >= 3);
}

/* LIMITS MAILMAX (RFC 9422): also of a message that takes several. */
static void
a_stated_limit_of_transactions_ends_a_connection_at_once(void **state)
{
	struct bench *b = *state;

	b->p.smtp.limits = "MAILMAX=2 RCPTMAX=1";
	b->opts.max_connections = 2;
	start(b);
	for (int i = 0; i < 5; i++)
		submit(b, 1);
	all_is_sent(b, 5);
	submit(b, 7);
	all_is_sent(b, 12);
	assert_true(b->connections >= 6);
	assert_true(b->most <= 2);
	assert_int_equal(state_of(b), ACCOUNT_READY);
}

/* --- reloads ------------------------------------------------------------- */

static char path_a[] = "/a";
static struct cred_source file_a = { .kind = CRED_FILE, .value = path_a };
static char path_b[] = "/b";
static struct cred_source file_b = { .kind = CRED_FILE, .value = path_b };

static struct account_status
status_of(struct bench *b, size_t i)
{
	struct account_status st;

	assert_true(
	    accounts_status(b->accounts, accounts_handle(b->accounts, i), &st));
	return st;
}

static void
what_was_spent_outlives_a_reload(void **state)
{
	struct bench *b = *state;

	b->opts.max_per_hour = 5;
	start(b);
	submit_some(b, 4);
	all_is_sent(b, 4);
	reload(b);
	submit_some(b, 4);
	until(b, state_of(b) == ACCOUNT_PAUSED);
	for (int i = 0; i < 8; i++) {
		reload(b);
		settle(b);
	}
	assert_int_equal(b->p.messages, 5);
	assert_int_equal(spent_as_stored(b), 5);
	assert_int_equal(status_of(b, 0).sent, 5);
	assert_int_equal(queue_count(b->q), 3);
	b->opts.max_per_hour = 7;
	reload(b);
	until(b, b->p.messages == 7 && state_of(b) == ACCOUNT_PAUSED);
	settle(b);
	assert_int_equal(b->p.messages, 7);
	b->opts.max_per_hour = 0;
	reload(b);
	all_is_sent(b, 8);
}

static void
a_limit_that_is_set_later_counts_what_went_before(void **state)
{
	struct bench *b = *state;

	start(b);
	submit_some(b, 3);
	all_is_sent(b, 3);
	b->opts.max_per_day = 4;
	reload(b);
	submit_some(b, 2);
	until(b, b->p.messages == 4 && state_of(b) == ACCOUNT_PAUSED);
	b->opts.max_per_day = 0;
	b->opts.max_per_hour = 4;
	reload(b);
	settle(b);
	assert_int_equal(b->p.messages, 4);
}

/* And comes back before the disk has been told what it had spent. */
static void
an_account_that_was_removed_has_spent_what_it_has(void **state)
{
	struct bench *b = *state;
	struct account_opts other;

	b->opts.max_per_hour = 3;
	start(b);
	submit_some(b, 2);
	all_is_sent(b, 2);
	b->is_disk_slow = true;
	other = b->opts;
	other.name = "other";
	other.max_per_hour = 0;
	reload_as(b, &other, 1);
	until(b, outbound_has_stopped(b->o));
	turn(b);
	assert_int_equal(accounts_count(b->accounts), 1);
	reload(b);
	submit_some(b, 2);
	until(b, b->p.messages == 3);
	settle(b);
	assert_int_equal(b->p.messages, 3);
	assert_int_equal(state_of(b), ACCOUNT_PAUSED);
	finish_jobs(b);
}

static void
an_account_keeps_its_handle_wherever_it_stands(void **state)
{
	struct bench *b = *state;
	struct account_opts three[3];
	int work, second;

	start(b);
	submit(b, 1);
	all_is_sent(b, 1);
	work = accounts_handle(b->accounts, 0);
	for (int i = 0; i < 3; i++)
		three[i] = b->opts;
	three[0].name = "second";
	three[2].name = "third";
	reload_as(b, three, 3);
	assert_int_equal(accounts_handle(b->accounts, 1), work);
	assert_int_equal(status_of(b, 1).sent, 1);
	assert_int_equal(status_of(b, 0).sent, 0);
	second = accounts_handle(b->accounts, 0);
	reload_as(b, &three[0], 1);
	assert_int_equal(accounts_handle(b->accounts, 0), second);
	turn(b);
	/* A new name begins anew, whatever had its handle. */
	three[1].name = "fourth";
	reload_as(b, three, 2);
	assert_int_equal(status_of(b, 1).sent, 0);
	assert_string_equal(status_of(b, 1).name, "fourth");
	assert_int_not_equal(accounts_handle(b->accounts, 1), second);
}

static void
a_reload_that_changes_nothing_cuts_no_connection(void **state)
{
	struct bench *b = *state;

	start(b);
	submit(b, 1);
	all_is_sent(b, 1);
	for (int i = 2; i < 12; i++) {
		b->opts.max_per_hour = (uint64_t)(100 + i);
		reload(b);
		submit(b, 1);
		all_is_sent(b, (unsigned long)i);
	}
	assert_int_equal(b->connections, 1);
}

static void
another_login_wants_another_connection(void **state)
{
	struct bench *b = *state;

	b->opts.secret = &file_a;
	b->p.delay_ms = 50;
	start(b);
	submit_some(b, 3);
	until(b, b->p.messages == 1);
	b->opts.secret = &file_b;
	reload(b);
	/* What was under way ends well where it was; what comes meanwhile does
	 * not go there. */
	submit_some(b, 3);
	all_is_sent(b, 6);
	assert_int_equal(b->connections, 2);
	assert_int_equal(b->most, 1); /* max_connections holds for both */
	assert_int_equal(status_of(b, 0).sent, 6);
}

static void
another_provider_is_asked_anew(void **state)
{
	struct bench *b = *state;

	b->p.per_connection = 3;
	b->p.per_connection_reply = "452 4.4.5 Too many messages per session";
	start(b);
	submit_some(b, 6);
	all_is_sent(b, 6);
	b->p.per_connection = 0;
	b->connections = 0;
	b->opts.host = "localhost";
	reload(b);
	submit_some(b, 6);
	all_is_sent(b, 12);
	assert_int_equal(b->connections, 1);
}

/* Where nobody listens, and nobody can. */
static int
closed_port(int *ret_fd)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sin);

	*ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(*ret_fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(
	    getsockname(*ret_fd, (struct sockaddr *)&sin, &len), 0);
	return ntohs(sin.sin_port);
}

static void
what_is_known_of_a_port_outlives_a_reload(void **state)
{
	struct bench *b = *state;
	struct account_port *ports = b->opts.ports;
	int fd;

	ports[1] = ports[0];
	ports[0].port = closed_port(&fd);
	b->opts.nports = 2;
	start(b);
	submit(b, 1);
	all_is_sent(b, 1);
	assert_non_null(strstr(status_of(b, 0).ports, "works"));
	ports[2] = ports[0];
	ports[2].tls = SC_TLS_IMPLICIT;
	b->opts.nports = 3;
	reload(b);
	assert_non_null(strstr(status_of(b, 0).ports, "works"));
	(void)close(fd);
}

static const struct {
	const char *what;
	bool is_same; /* the place of the secret: what stands there is new */
} late_words[] = {
	{ "mail:550:5.7.705:Access denied, threshold exceeded:1", false },
	{ "mail:550:5.7.705:Access denied, threshold exceeded:1", true },
	{ "mail:554:5.2.0:submission quota exceeded:1", false },
};

/* The word about the old login comes when it has been mended. */
static void
a_late_word_over_an_old_connection_stops_nothing(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(late_words); i++) {
		unsigned long sent = b->p.messages;
		char id[ENVELOPE_ID_SIZE];

		b->opts.secret = &file_a;
		b->p.faults.n = 0;
		fault(b, FAULT_FAIL, late_words[i].what);
		b->p.delay_ms = 20 * SECOND;
		if (b->o == NULL)
			start(b);
		else
			reload(b);
		submit_from(b, "me@x.test", 1, id);
		/* The answer to MAIL has been made up, and is held back. */
		until(b, b->p.faults.v[0].left == 0);
		assert_int_equal(item(b, id).state, QUEUE_STATE_ACTIVE);
		if (!late_words[i].is_same)
			b->opts.secret = &file_b;
		reload(b);
		pass(b, b->p.delay_ms);
		b->p.delay_ms = 0;
		all_is_sent(b, sent + 1);
		assert_int_equal(state_of(b), ACCOUNT_READY);
		assert_int_equal(b->alerts, 0);
	}
}

/* As it is when the password was being checked at the time. */
static void
a_refusal_that_crosses_a_reload_is_asked_about_once_more(void **state)
{
	struct bench *b = *state;

	b->password = "wrong";
	start(b);
	submit(b, 1);
	until(b, b->fetches == 1);
	b->password = "right";
	reload(b);
	all_is_sent(b, 1);
	assert_int_equal(b->alerts, 0);
	assert_int_equal(b->connections, 2);
	/* If it has not been mended, it is the same with one try more. */
	restart(b);
	b->password = "wrong";
	submit(b, 1);
	for (int i = 0; i < 20 && state_of(b) != ACCOUNT_HELD; i++) {
		int before = b->fetches;

		until(b, b->fetches > before || state_of(b) == ACCOUNT_HELD);
		reload(b);
	}
	assert_int_equal(state_of(b), ACCOUNT_HELD);
	assert_int_equal(b->connections, 4);
}

static void
a_storm_of_reloads_tries_a_refused_login_once(void **state)
{
	struct bench *b = *state;

	b->password = "wrong";
	b->opts.secret = &file_a;
	start(b);
	submit(b, 1);
	until(b, state_of(b) == ACCOUNT_HELD);
	for (int i = 0; i < 10; i++) {
		b->opts.max_per_hour = (uint64_t)(100 + i);
		reload(b);
		settle(b);
	}
	assert_int_equal(b->connections, 2);
	assert_int_equal(state_of(b), ACCOUNT_HELD);
	/* A secret that has been changed where it was is seen at once. */
	b->password = "right";
	reload(b);
	all_is_sent(b, 1);
	assert_int_equal(b->connections, 3);
}

static void
another_login_clears_a_hold(void **state)
{
	struct bench *b = *state;

	b->password = "wrong";
	b->opts.secret = &file_a;
	start(b);
	submit(b, 1);
	for (int i = 0; i < 4; i++) {
		until(b, state_of(b) == ACCOUNT_HELD);
		assert_int_equal(b->connections, i + 1);
		b->opts.secret = i % 2 == 0 ? &file_b : &file_a;
		reload(b);
		until(b, state_of(b) != ACCOUNT_HELD);
	}
	until(b, state_of(b) == ACCOUNT_HELD);
	assert_int_equal(b->alerts, 5); /* each is news */
	b->opts.auth = "PLAIN";
	b->password = "right";
	reload(b);
	all_is_sent(b, 1);
	assert_int_equal(state_of(b), ACCOUNT_READY);
}

static void
a_storm_of_reloads_does_not_open_a_quota(void **state)
{
	struct bench *b = *state;

	fault(b, FAULT_FAIL, "end:554:5.2.0:submission quota exceeded:2");
	start(b);
	submit(b, 1);
	until(b, state_of(b) == ACCOUNT_PAUSED);
	for (int i = 0; i < 8; i++) {
		reload(b);
		settle(b);
	}
	assert_int_equal(state_of(b), ACCOUNT_PAUSED);
	assert_int_equal(b->p.messages, 0);
	assert_int_equal(queue_count(b->q), 1);
}

static void
a_hold_ends_with_the_login_it_was_about(void **state)
{
	struct bench *b = *state;

	b->password = "wrong";
	b->opts.secret = &file_a;
	start(b);
	submit(b, 1);
	until(b, state_of(b) == ACCOUNT_HELD);
	b->password = "right"; /* corrected while nobody looked */
	restart(b);
	all_is_sent(b, 1);
	assert_int_equal(b->connections, 2);
	/* The same with the options. */
	b->password = "wrong";
	restart(b);
	submit(b, 1);
	until(b, state_of(b) == ACCOUNT_HELD);
	b->opts.secret = &file_b;
	restart(b);
	until(b, b->connections == 4 && state_of(b) == ACCOUNT_HELD);
	/* What has not changed is not tried. */
	restart(b);
	settle(b);
	assert_int_equal(b->connections, 4);
	assert_int_equal(state_of(b), ACCOUNT_HELD);
}

/* Whoever reads the spool learns no password from it. */
static void
a_kept_hold_does_not_hold_the_secret(void **state)
{
	struct bench *b = *state;
	char path[128], text[2048];
	size_t n;
	FILE *f;

	b->password = "wrongwrongwrong";
	start(b);
	submit(b, 1);
	until(b, state_of(b) == ACCOUNT_HELD);
	(void)snprintf(path, sizeof(path), "%s/state/standing.work", b->dir);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	assert_int_equal(fclose(f), 0);
	assert_non_null(strstr(text, "\nabout "));
	assert_null(strstr(text, "wrongwrong"));
}

/* --- trouble ------------------------------------------------------------- */

static void
trouble_of_the_provider_is_charged_to_no_message(void **state)
{
	static const struct {
		enum fault_kind kind;
		const char *spec;
	} rows[] = {
		{ FAULT_FAIL, "greeting:421:4.3.2:not now:1" },
		{ FAULT_DROP, "greeting:1" },
		{ FAULT_FAIL, "ehlo:554:5.3.2:never:1" },
		{ FAULT_DROP, "starttls:1" },
		{ FAULT_FAIL, "auth:454:4.7.0:not now:1" },
		{ FAULT_FAIL, "mail:421:4.3.2:not now:1" },
	};
	struct bench *b = *state;

	start(b);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char id[ENVELOPE_ID_SIZE];

		b->p.faults.n = 0;
		fault(b, rows[i].kind, rows[i].spec);
		submit_from(b, "me@x.test", 1, id);
		until(b, state_of(b) == ACCOUNT_PAUSED);
		assert_int_equal(item(b, id).attempts, 0);
		assert_int_equal(item(b, id).state, QUEUE_STATE_DUE);
		pass(b, 20 * MINUTE);
		all_is_sent(b, i + 1);
		pass(b, MINUTE); /* the next one wants its own connection */
		until(b, outbound_has_stopped(b->o));
	}
	assert_int_equal(b->alerts, 0);
}

/* retry_after is a minute. */
static void
each_pause_is_twice_the_one_before_up_to_a_quarter_of_an_hour(void **state)
{
	struct bench *b = *state;
	int64_t want = 15 * SECOND;

	fault(b, FAULT_FAIL, "greeting:421:4.3.2:not now");
	start(b);
	submit(b, 1);
	for (int i = 1; i <= 9; i++) {
		struct account_status st;
		int64_t wait;

		until(b, b->connections == i && state_of(b) == ACCOUNT_PAUSED);
		accounts_status(b->accounts, 0, &st);
		wait = st.until_ms - boot_ms(b);
		assert_in_range(wait, want - 2 * SECOND, want + want / 10);
		want = want < 7 * MINUTE ? 2 * want : 15 * MINUTE;
		pass(b, wait + SECOND);
	}
}

static void
R49_a_message_that_breaks_connections_lets_others_pass(void **state)
{
	struct bench *b = *state;
	char poison[ENVELOPE_ID_SIZE];

	fault(b, FAULT_FAIL, "end/poison*:421:4.7.0:spam");
	start(b);
	submit_from(b, "poison@x.test", 1, poison);
	turn(b);
	submit(b, 1);
	until(b, item(b, poison).attempts == 1); /* the first break counts */
	assert_int_equal(b->p.messages, 0); /* before any other was taken */
	/* It has its own wait, which is longer than the account's pause. */
	for (int i = 0; i < 20 && queue_count(b->q) == 2; i++) {
		pass(b, 10 * SECOND);
		settle(b);
	}
	assert_int_equal(queue_count(b->q), 1);
	assert_int_equal(b->p.messages, 1);
}

static void
sender_rights_hold_the_message_and_tell_a_person(void **state)
{
	struct bench *b = *state;
	char id[ENVELOPE_ID_SIZE];

	fault(b, FAULT_FAIL, "rcpt:550:5.7.60:SendAsDenied:1");
	start(b);
	submit_from(b, "me@x.test", 1, id);
	until(b, item(b, id).state == QUEUE_STATE_HELD);
	assert_string_equal(b->event, "message-held");
	assert_int_equal(state_of(b), ACCOUNT_READY);
	submit(b, 1); /* is not the account's trouble */
	until(b, b->p.messages == 1);
}

static void
a_session_that_lost_the_thread_is_followed_by_a_new_one(void **state)
{
	struct bench *b = *state;
	char id[ENVELOPE_ID_SIZE];

	fault(b, FAULT_FAIL, "mail:503:5.5.1:need EHLO and AUTH first:1");
	start(b);
	submit_from(b, "me@x.test", 1, id);
	until(b, b->connections == 2);
	all_is_sent(b, 1);
	assert_int_equal(b->alerts, 0);
	assert_int_equal(state_of(b), ACCOUNT_READY);
}

static void
sessions_that_keep_losing_the_thread_hold_the_account(void **state)
{
	struct bench *b = *state;
	char id[ENVELOPE_ID_SIZE];

	fault(b, FAULT_FAIL, "mail:503:5.5.1:bad sequence of commands");
	start(b);
	submit_from(b, "me@x.test", 1, id);
	submit(b, 1);
	until(b, state_of(b) == ACCOUNT_HELD);
	assert_int_equal(b->connections, 3);
	assert_string_equal(b->event, "account-held");
	assert_int_equal(queue_count(b->q), 2);
	assert_int_equal(item(b, id).attempts, 0);
}

static void
a_refusal_of_the_sender_that_nobody_knows_holds_the_message(void **state)
{
	struct bench *b = *state;
	char id[ENVELOPE_ID_SIZE];

	fault(b, FAULT_FAIL, "mail:550:5.9.9:something no table knows:1");
	start(b);
	submit_from(b, "me@x.test", 1, id);
	until(b, item(b, id).state == QUEUE_STATE_HELD);
	assert_string_equal(b->event, "message-held");
	assert_int_equal(state_of(b), ACCOUNT_READY);
}

/* 530 after a login is about the sender, before one about the account. */
static void
a_login_that_is_wanted_again_holds_the_message(void **state)
{
	struct bench *b = *state;
	char id[ENVELOPE_ID_SIZE];

	fault(b, FAULT_FAIL, "mail:530:5.7.0:not from this sender:1");
	start(b);
	submit_from(b, "me@x.test", 1, id);
	until(b, item(b, id).state == QUEUE_STATE_HELD);
	assert_int_equal(state_of(b), ACCOUNT_READY);
	assert_non_null(strstr(item(b, id).reason, "relais release ID"));
	submit(b, 1);
	until(b, b->p.messages == 1);
}

static void
an_account_without_a_login_is_held_where_one_is_wanted(void **state)
{
	struct bench *b = *state;

	b->opts.wants_auth = false;
	b->p.login.must_auth = false;
	fault(b, FAULT_FAIL, "mail:530:5.7.0:log in first");
	start(b);
	submit(b, 1);
	until(b, state_of(b) == ACCOUNT_HELD);
}

/* However long the reply is, and after a restart, too. */
static void
a_reason_is_never_cut_at_what_is_to_be_done(void **state)
{
	struct bench *b = *state;
	char id[ENVELOPE_ID_SIZE], spec[480];
	size_t n;

	n = (size_t)snprintf(
	    spec, sizeof(spec), "mail:550:5.9.9:no idea what this is");
	memset(spec + n, 'x', sizeof(spec) - n);
	(void)snprintf(spec + sizeof(spec) - 3, 3, ":1");
	fault(b, FAULT_FAIL, spec);
	start(b);
	submit_from(b, "me@x.test", 1, id);
	until(b, item(b, id).state == QUEUE_STATE_HELD);
	assert_non_null(strstr(item(b, id).reason, "then: relais release ID"));
	restart(b);
	until(b, queue_count(b->q) == 1);
	assert_non_null(strstr(item(b, id).reason, "then: relais release ID"));
}

static void
a_full_mailbox_fails_its_recipient_alone(void **state)
{
	struct bench *b = *state;
	char id[ENVELOPE_ID_SIZE];

	fault(b, FAULT_FAIL, "rcpt/r1@*:552:5.2.2:mailbox is over quota");
	start(b);
	submit_from(b, "me@x.test", 3, id);
	until(b, b->p.messages == 1 && item(b, id).state == QUEUE_STATE_FAILED);
	assert_int_equal(state_of(b), ACCOUNT_READY);
	assert_int_equal(b->alerts, 0);
}

static void
R62_a_success_for_some_is_durable_before_more_is_taken(void **state)
{
	struct bench *b = *state;

	fault(b, FAULT_FAIL, "rcpt/r1*:450:4.2.0:later:1");
	start(b);
	submit(b, 2);
	b->is_disk_slow = true;
	until(b, b->p.messages == 1);
	settle(b);
	submit(b, 1);
	settle(b);
	assert_int_equal(b->p.messages, 1);
	finish_jobs(b);
	until(b, b->p.messages == 2);
	pass(b, 2 * MINUTE);
	all_is_sent(b, 3);
}

static void
R61_too_many_recipients_follow_at_once(void **state)
{
	struct bench *b = *state;

	b->p.smtp.max_rcpts = 2;
	start(b);
	submit(b, 5);
	all_is_sent(b, 3);
	assert_int_equal(b->connections, 1);
}

/* --- providers that do not do what they say ------------------------------ */

static void
a_name_in_ehlo_that_is_refused_is_followed_by_the_next(void **state)
{
	struct bench *b = *state;

	b->opts.identity.hostname = "pve1.example.test";
	fault(b, FAULT_FAIL, "ehlo/[*:501:5.5.4:Invalid EHLO argument");
	start(b);
	submit(b, 1);
	all_is_sent(b, 1);
	assert_int_equal(b->connections, 1);
	/* It is remembered, and what is refused is not said again. */
	b->p.faults.n = 0;
	fault(b, FAULT_DROP, "ehlo/[*");
	restart(b);
	submit(b, 1);
	all_is_sent(b, 2);
	assert_int_equal(b->connections, 2);
	assert_int_equal(b->alerts, 0);
}

static void
a_server_that_hangs_up_over_a_name_gets_the_next_on_a_new_connection(
    void **state)
{
	struct bench *b = *state;

	b->opts.identity.hostname = "pve1.example.test";
	fault(b, FAULT_CUT, "ehlo/[*:501 5.5.4 Invalid argument\\r\\n");
	start(b);
	submit(b, 1);
	all_is_sent(b, 1);
	assert_int_equal(b->connections, 2);
	assert_int_equal(b->alerts, 0);
}

static void
a_server_that_takes_no_name_holds_the_account_with_advice(void **state)
{
	struct bench *b = *state;
	struct account_status st;
	char id[ENVELOPE_ID_SIZE];

	b->opts.identity.hostname = "pve1.example.test";
	fault(b, FAULT_FAIL, "ehlo:504:5.5.2:need fully-qualified hostname");
	start(b);
	submit_from(b, "me@x.test", 1, id);
	until(b, state_of(b) == ACCOUNT_HELD);
	assert_int_equal(b->connections, 1);
	assert_true(
	    accounts_status(b->accounts, accounts_handle(b->accounts, 0), &st));
	assert_non_null(strstr(st.reason, "set hostname in [relais]"));
	assert_int_equal(item(b, id).attempts, 0);
	b->p.faults.n = 0;
	accounts_flush(b->accounts, 0, false);
	all_is_sent(b, 1);
}

/* Postfix keeps its judgement of the name until RCPT. */
static void
a_name_that_is_refused_at_rcpt_is_followed_by_the_next(void **state)
{
	struct bench *b = *state;

	b->opts.identity.hostname = "pve1.example.test";
	fault(b, FAULT_FAIL,
	    "rcpt:504:5.5.2:<[127.0.0.1]>: Helo command rejected: need "
	    "fully-qualified hostname:1");
	start(b);
	submit(b, 1);
	all_is_sent(b, 1);
	assert_int_equal(b->connections, 2);
	assert_int_equal(b->alerts, 0);
}

static void
an_initial_response_that_is_refused_is_not_sent_again(void **state)
{
	struct bench *b = *state;

	fault(b, FAULT_FAIL, "auth/* +:501:5.5.4:Bad argument:1");
	start(b);
	submit(b, 1);
	all_is_sent(b, 1);
	fault(b, FAULT_FAIL, "auth/* +:535:5.7.8:sent again");
	restart(b);
	submit(b, 1);
	all_is_sent(b, 2);
	assert_int_equal(b->alerts, 0);
}

static void
a_mechanism_that_fails_is_followed_by_the_next(void **state)
{
	struct bench *b = *state;

	b->p.login.mechanisms = "PLAIN LOGIN";
	fault(b, FAULT_FAIL, "auth/PLAIN*:553:5.3.0:Auth failure");
	start(b);
	submit(b, 1);
	all_is_sent(b, 1);
	assert_int_equal(b->connections, 1);
	assert_int_equal(b->alerts, 0);
}

static void
mechanisms_that_all_fail_hold_the_account_without_a_word_of_passwords(
    void **state)
{
	struct bench *b = *state;
	struct account_status st;

	b->p.login.mechanisms = "PLAIN LOGIN";
	fault(b, FAULT_FAIL, "auth:504:5.5.4:Unrecognized authentication type");
	start(b);
	submit(b, 1);
	until(b, state_of(b) == ACCOUNT_HELD);
	assert_int_equal(b->connections, 1);
	assert_true(
	    accounts_status(b->accounts, accounts_handle(b->accounts, 0), &st));
	assert_non_null(strstr(st.reason, "no login method"));
	assert_null(strstr(st.reason, "password"));
	assert_int_equal(queue_count(b->q), 1);
}

/* Up to a second of work, at the provider's will. */
static void
a_key_is_derived_while_the_loop_goes_on(void **state)
{
	struct bench *b = *state;

	b->p.login.mechanisms = "SCRAM-SHA-256";
	derived.thread = pthread_self();
	derived.calls = derived.on_loop = 0;
	start(b);
	submit(b, 1);
	all_is_sent(b, 1);
	assert_int_equal(derived.calls, 1);
	assert_int_equal(derived.on_loop, 0);
}

static void
a_connection_may_end_while_its_key_is_derived(void **state)
{
	struct bench *b = *state;

	b->p.login.mechanisms = "SCRAM-SHA-256";
	derived.calls = 0;
	derived.sleep_ms = 300;
	start(b);
	submit(b, 1);
	until(b, derived.calls == 1);
	provider_stop_sessions(&b->p);
	until(b, state_of(b) == ACCOUNT_PAUSED);
	pass(b, HOUR);
	all_is_sent(b, 1);
	derived.sleep_ms = 0;
}

/* What stands in a body must not be taken for a command by the second one. */
static void
a_box_that_lists_chunking_and_does_not_know_it_gets_data(void **state)
{
	struct bench *b = *state;
	char id[ENVELOPE_ID_SIZE];

	b->p.smtp.may_chunk = false;
	b->p.smtp.limits = "RCPTMAX=100\nCHUNKING";
	start(b);
	submit_from(b, "me@x.test", 2, id);
	submit(b, 1);
	until(b, b->connections == 2);
	assert_true(b->p.messages > 0 || item(b, id).attempts == 0);
	all_is_sent(b, 2);
	assert_int_equal(b->connections, 2);
	restart(b);
	submit(b, 1);
	all_is_sent(b, 3);
	assert_int_equal(b->connections, 3);
	assert_int_equal(b->alerts, 0);
}

/* Its answer may be lost with the connection, when it hangs up over the
 * body. */
static void
a_box_that_hangs_up_over_bdat_gets_data(void **state)
{
	struct bench *b = *state;

	fault(b, FAULT_CUT, "end::2");
	start(b);
	submit(b, 1);
	until(b, b->connections == 1 && b->p.faults.v[0].left == 1);
	settle(b);
	assert_int_equal(b->p.messages, 0);
	for (int i = 0; i < 20 && b->p.faults.v[0].left == 1; i++) {
		pass(b, 10 * SECOND);
		settle(b);
	}
	b->p.smtp.may_chunk = false;
	b->p.smtp.limits = "RCPTMAX=100\nCHUNKING";
	for (int i = 0; i < 40 && queue_count(b->q) > 0; i++) {
		pass(b, 10 * SECOND);
		settle(b);
	}
	all_is_sent(b, 1);
	assert_int_equal(b->connections, 3);
}

static void
parameters_that_are_offered_and_refused_are_left_out(void **state)
{
	struct bench *b = *state;

	b->p.smtp.hide_size = true;
	b->p.smtp.limits = "RCPTMAX=100\nSIZE";
	start(b);
	submit(b, 1);
	all_is_sent(b, 1);
	assert_int_equal(b->connections, 2);
	restart(b);
	submit(b, 1);
	all_is_sent(b, 2);
	assert_int_equal(b->connections, 3);
	assert_int_equal(b->alerts, 0);
}

static void
limits_that_cannot_be_meant_bounce_nothing(void **state)
{
	struct bench *b = *state;
	struct account_status st;

	b->p.smtp.hide_size = true;
	b->p.smtp.limits = "RCPTMAX=0 MAILMAX=0\nSIZE 1";
	fault(b, FAULT_FAIL, "rcpt/never*:550:5.1.1:never");
	start(b);
	submit(b, 3);
	submit(b, 1);
	all_is_sent(b, 2);
	assert_true(
	    accounts_status(b->accounts, accounts_handle(b->accounts, 0), &st));
	assert_int_equal(st.size_max_bytes, 0);
	assert_int_equal(b->alerts, 0);
}

static void
a_notice_from_nobody_that_is_refused_goes_with_the_accounts_address(
    void **state)
{
	static const char *const refusals[] = {
		"mail/<>:553:5.7.1:no mail from nobody here",
		"mail/<>:501:5.1.7:bad sender",
		"rcpt/r*:550:5.7.1:<>: Sender address rejected: not owned by",
		"rcpt/r*:554:5.7.1:we want no null sender",
		"mail/<>:553:5.1.8:blank sender rejected",
		"mail/<>:550:5.7.1:null reverse-path",
		"rcpt/r*:550:5.1.0:blank sender not allowed",
		"rcpt/r*:550:5.7.1:Null Reverse-Path is refused",
		"rcpt/r*:554:5.7.1:empty from",
		"rcpt/r*:550:5.5.0:Sender address required",
		"end:550:5.7.1:Message with blank sender",
		"end:554:5.6.0:null reverse-path",
		"end:550:5.7.1:Null envelope sender",
		"end:550:5.7.1:Empty MAIL FROM is spam",
		"end:554:5.7.1:The envelope sender is missing",
		"end:550:5.7.1:no return-path",
		"end:554:5.7.1:Sender address required",
	};
	struct bench *b = *state;

	b->opts.identity.address = "me@x.test";
	b->opts.identity.keeps_null_sender = true;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		char path[128], spec[100];
		bool is_mail = strncmp(refusals[i], "mail", 4) == 0;

		(void)snprintf(
		    path, sizeof(path), "%s/state/learnt.work", b->dir);
		(void)unlink(path);
		/* Behind MAIL it cannot be told to look at the sender. */
		(void)snprintf(spec, sizeof(spec), "%s%s", refusals[i],
		    is_mail ? "" : ":1");
		b->p.faults.n = 0;
		fault(b, FAULT_FAIL, spec);
		b->alerts = 0;
		if (i == 0)
			start(b);
		else
			restart(b);
		submit_from(b, "", 1, NULL);
		submit_from(b, "", 1, NULL);
		all_is_sent(b, 2 * (i + 1));
		assert_string_equal(b->event, "null-sender");
		assert_int_equal(b->alerts, 1);
		/* For good, over a restart. */
		b->p.faults.n = 0;
		fault(b, FAULT_DROP, "mail/<>");
		restart(b);
		submit_from(b, "", 1, NULL);
		until(b, queue_count(b->q) == 0);
		b->p.messages--;
		assert_int_equal(b->alerts, 1);
	}
}

/* A recipient who is not there is no matter of the sender. */
static void
a_notice_to_nobody_fails_and_the_null_sender_stays(void **state)
{
	static const char *const refusals[] = {
		"rcpt:550:5.1.1:no such user:1",
		"rcpt:550:5.1.1:user unknown, and you have no reverse DNS:1",
		"rcpt:550:5.1.1:user unknown, missing reverse-DNS:1",
		"rcpt:550:5.1.1:mailbox unavailable, null MX:1",
		"rcpt:550:5.2.1:the recipient has bounced before:1",
		"end:554:5.7.1:an empty attachment, from a list of spam:1",
	};
	struct bench *b = *state;

	b->opts.identity.address = "me@x.test";
	b->opts.identity.keeps_null_sender = true;
	start(b);
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		char id[ENVELOPE_ID_SIZE];

		b->p.faults.n = 0;
		fault(b, FAULT_FAIL, refusals[i]);
		submit_from(b, "", 1, id);
		until(b, item(b, id).state == QUEUE_STATE_FAILED);
		assert_int_equal(b->alerts, 0);
	}
	b->p.faults.n = 0;
	fault(b, FAULT_DROP, "mail/me@*");
	submit_from(b, "", 1, NULL);
	until(b, b->p.messages == 1);
}

/* The bench's queue allows for that many. */
static void
a_message_to_a_hundred_arrives_in_full_and_the_number_is_learnt(void **state)
{
	static const char *const refusals[] = {
		"rcpt{6}:550:5.5.3:Too many recipients",
		"rcpt{6}:452:4.5.3:Too many recipients",
		"rcpt{6}:552:5.5.3:Too many recipients",
		"rcpt{6}:554:5.7.1:Maximum number of recipients exceeded",
	};
	struct bench *b = *state;
	unsigned long sent = 0;

	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		b->p.faults.n = 0;
		fault(b, FAULT_FAIL, refusals[i]);
		b->p.nrcpts = 0;
		if (i == 0)
			start(b);
		else
			restart(b);
		submit(b, 100);
		sent += 20;
		all_is_sent(b, sent);
		assert_int_equal(b->p.nrcpts, 100);
	}
	/* Nobody is refused now, over a restart. */
	b->p.faults.n = 0;
	fault(b, FAULT_FAIL, "rcpt{6}:550:5.1.1:asked again");
	restart(b);
	submit(b, 12);
	all_is_sent(b, sent + 3);
	assert_int_equal(b->alerts, 0);
}

/* 552 is a full mailbox, too. */
static void
a_recipient_who_is_put_off_is_no_limit(void **state)
{
	struct bench *b = *state;

	fault(b, FAULT_FAIL, "rcpt/r2@*:552:5.0.0:not this one:1");
	start(b);
	submit(b, 3);
	all_is_sent(b, 2);
	submit(b, 20);
	all_is_sent(b, 3);
}

/* --- what a kill leaves --------------------------------------------------- */

static char found[256];

static int
find_file(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)w;
	if (type == FTW_F)
		(void)snprintf(found, sizeof(found), "%s", path);
	return 0;
}

/* The only file of the queue has these words. */
static bool
file_says(struct bench *b, const char *words)
{
	char dir[80], text[8192] = "";
	FILE *f;

	(void)snprintf(dir, sizeof(dir), "%s/queue", b->dir);
	found[0] = '\0';
	(void)nftw(dir, find_file, 16, FTW_PHYS);
	f = fopen(found, "r");
	if (f == NULL)
		return false;
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	(void)fclose(f);
	return strstr(text, words) != NULL;
}

struct witness {
	struct bench *b;
	int sent, noted; /* lines; and the file said so by then */
};

static void
watch_log(void *ctx, enum log_level level, const char *line, const char *kind)
{
	(void)kind;
	struct witness *w = ctx;

	(void)level;
	if (strncmp(line, "sent ", 5) != 0)
		return;
	w->sent++;
	w->noted += file_says(w->b, " done ");
}

static void
what_is_logged_as_sent_is_noted_in_its_file(void **state)
{
	struct bench *b = *state;
	struct witness w = { .b = b };
	struct log_sink sink = { watch_log, &w };

	start(b);
	submit(b, 1);
	b->is_disk_slow = true; /* and removes nothing */
	log_to(&sink);
	until(b, w.sent == 1);
	log_to(NULL);
	assert_int_equal(w.noted, 1);
}

static void
a_transaction_is_noted_before_the_next_one_is_answered(void **state)
{
	struct bench *b = *state;

	b->p.smtp.max_rcpts = 2;
	start(b);
	submit(b, 5);
	b->is_disk_slow = true;
	until(b, b->p.messages == 2);
	assert_true(file_says(b, "rcpt 0 sent") && file_says(b, "rcpt 1 sent"));
	until(b, b->p.messages == 3);
}

/* sync_results = 0 */
static void
each_result_is_durable_before_more_is_taken_if_asked_for(void **state)
{
	struct bench *b = *state;

	b->queue_opts.policy.syncs_each = true;
	queue_set_opts(b->q, &b->queue_opts);
	start(b);
	submit(b, 1);
	b->is_disk_slow = true;
	until(b, b->p.messages == 1);
	settle(b);
	submit(b, 1);
	settle(b);
	assert_int_equal(b->p.messages, 1);
	finish_jobs(b);
	all_is_sent(b, 2);
}

static void
start_anew(struct bench *b)
{
	close_account(b);
	provider_stop_sessions(&b->p);
	queue_dir_empty(b);
	b->p.faults.n = 0;
	b->p.messages = 0;
	b->connections = 0;
	b->most = 0;
	b->logins = 0;
	open_queue(b);
}

/* --- messages that break connections -------------------------------------- */

enum {
	POISONS = 15,
	GOOD = 40,
	/* While most of those that are left untried are bad ones, so is most of
	 * what is drawn, and the pauses grow. */
	FEW = 5
};

/* From and to the same, so that a fault at any stage knows it by its name. */
static void
submit_named(struct bench *b, const char *kind, size_t i)
{
	static const char text[] = "Subject: hi\r\n\r\nhello\r\n";
	struct envelope *e = envelope_new();
	struct queue_draft *d = queue_draft_new(b->q);
	struct err err;
	char addr[64];

	(void)snprintf(addr, sizeof(addr), "%s%zu@x.test", kind, i);
	envelope_set(&e->sender, addr);
	envelope_set(&e->peer, "unix");
	(void)envelope_add_rcpt(e, addr);
	assert_int_equal(queue_draft_write(d, text, strlen(text), &err), 0);
	queue_draft_end(d, e, QUEUE_MODE_ACCEPTED, 0, never_told, NULL);
	queue_draft_free(d);
	envelope_free(e);
}

/* Nothing happens without time, whatever the machine is busy with: no login is
 * under way, which waits for a thread, and the rest is in one process. */
static bool
is_stuck(struct bench *b)
{
	unsigned long messages = b->p.messages;
	int connections = b->connections;
	size_t left = queue_count(b->q);

	for (int i = 0; i < 30; i++) {
		if (state_of(b) != ACCOUNT_READY)
			return false;
		turn(b);
		if (b->logins < b->connections)
			(void)usleep(100);
		if (b->p.messages != messages ||
		    b->connections != connections || queue_count(b->q) != left)
			return false;
	}
	return b->logins == b->connections;
}

static void
let_time_pass(struct bench *b)
{
	struct account_status st;

	accounts_status(b->accounts, 0, &st);
	if (st.state != ACCOUNT_READY)
		pass(b, st.until_ms - boot_ms(b) + 1);
	else if (is_stuck(b))
		pass(b, SECOND);
}

/* Returns how much time passed until so many messages were left. */
static int64_t
time_until_left(struct bench *b, size_t left, int64_t max_ms)
{
	int64_t began = b->ahead_ms;

	while (queue_count(b->q) > left && b->ahead_ms - began < max_ms)
		let_time_pass(b);
	return b->ahead_ms - began;
}

static bool
count_good(void *ctx, const struct queue_item *it)
{
	*(size_t *)ctx += strncmp(it->sender, "good", 4) == 0;
	return true;
}

static size_t
good_left(struct bench *b)
{
	size_t n = 0;

	queue_each(b->q, count_good, &n);
	return n;
}

/* For how long more than so many good ones are left. */
static int64_t
time_until_good_left(struct bench *b, size_t left, int64_t max_ms)
{
	int64_t began = b->ahead_ms;

	while (good_left(b) > left && b->ahead_ms - began < max_ms)
		let_time_pass(b);
	return b->ahead_ms - began;
}

static const struct {
	enum fault_kind kind;
	const char *spec;
	bool is_chunked, is_pipelined;
} breaks[] = {
	{ FAULT_DROP, "mail/poison*", true, true },
	{ FAULT_FAIL, "mail/poison*:421:4.3.0:bye", true, true },
	{ FAULT_DROP, "rcpt/poison*", false, true },
	{ FAULT_FAIL, "rcpt/poison*:421:4.3.0:bye", true, true },
	{ FAULT_DROP, "data/poison*", false, false },
	{ FAULT_FAIL, "data/poison*:421:4.3.0:bye", false, false },
	{ FAULT_DROP, "body/poison*", false, true },
	{ FAULT_DROP, "body/poison*", true, true },
	{ FAULT_DROP, "end/poison*", false, true },
	{ FAULT_DROP, "end/poison*", true, true },
	{ FAULT_FAIL, "end/poison*:421:4.7.0:spam", false, true },
	{ FAULT_FAIL, "end/poison*:421:4.7.0:spam", true, true },
	{ FAULT_SAY, "end/poison*:what?\\r\\n", true, true },
};

/* The same luck in every run. */
static void
fill_fixed(void *ctx, void *p, size_t n)
{
	unsigned char *to = p;

	(void)ctx;
	while (n-- > 0)
		*to++ = (unsigned char)random_below(256);
}

static const struct rng fixed_rng = { fill_fixed, NULL };

/* Fifteen in front of forty good ones, or in between. */
static void
submit_poisons_and_good(struct bench *b, bool is_mixed)
{
	for (size_t i = 0, bad = 0; i < POISONS + GOOD; i++)
		if (bad < POISONS &&
		    (!is_mixed || i * POISONS >= bad * (POISONS + GOOD)))
			submit_named(b, "poison", bad++);
		else
			submit_named(b, "good", i);
}

/* At each stage, over one connection or two. */
static void
R49_messages_that_break_connections_hold_back_no_others(void **state)
{
	struct bench *b = *state;

	b->rng = &fixed_rng;
	for (size_t i = 0; i < 2 * ARRAY_LEN(breaks); i++) {
		b->p.smtp.may_chunk = breaks[i / 2].is_chunked;
		b->p.smtp.hide_pipelining = !breaks[i / 2].is_pipelined;
		b->opts.max_connections = 1 + (i / 2 + i) % 2;
		random_seed = (uint32_t)i;
		fault(b, breaks[i / 2].kind, breaks[i / 2].spec);
		start(b);
		submit_poisons_and_good(b, i % 2 == 1);
		assert_true(time_until_good_left(b, FEW, HOUR) < 30 * SECOND);
		assert_true(time_until_good_left(b, 0, HOUR) < HOUR);
		assert_true(b->p.messages >= GOOD);
		assert_true(b->connections < 8 * POISONS);
		start_anew(b);
	}
}

/* Most have the same sender, so one of another is tried before long. */
static void
R49_many_of_one_sender_that_break_connections_hold_back_no_others(void **state)
{
	struct bench *b = *state;

	b->rng = &fixed_rng;
	fault(b, FAULT_DROP, "end/poison*");
	start(b);
	for (size_t i = 0; i < 100; i++)
		submit_named(b, "poison", 0);
	for (size_t i = 0; i < 3; i++)
		submit_named(b, "good", i);
	assert_true(time_until_left(b, 100, 10 * MINUTE) < MINUTE);
}

static const struct {
	const char *spec;
	bool is_chunked, is_pipelined;
} silences[] = {
	{ "mail/poison*", true, true },
	{ "rcpt/poison*", true, true },
	{ "rcpt/poison*", false, false },
	{ "data/poison*", false, false },
};

/* The sum, because what is drawn at random may be a bad one again. */
static void
R49_messages_that_silence_connections_hold_back_no_others(void **state)
{
	struct bench *b = *state;
	int64_t sum = 0;

	b->rng = &fixed_rng;
	b->opts.max_connections = 2;
	for (size_t i = 0; i < 2 * ARRAY_LEN(silences); i++) {
		b->p.smtp.may_chunk = silences[i / 2].is_chunked;
		b->p.smtp.hide_pipelining = !silences[i / 2].is_pipelined;
		random_seed = (uint32_t)i;
		fault(b, FAULT_HANG, silences[i / 2].spec);
		start(b);
		submit_poisons_and_good(b, i % 2 == 1);
		sum += time_until_good_left(b, 0, HOUR);
		assert_int_equal(good_left(b), 0);
		assert_true(b->connections < 2 * POISONS);
		start_anew(b);
	}
	/* Half a minute for each of them was 230 s. */
	assert_true(sum < (int64_t)(2 * ARRAY_LEN(silences)) * 150 * SECOND);
}

static bool
count_tried(void *ctx, const struct queue_item *it)
{
	*(size_t *)ctx += it->attempts > 0;
	return true;
}

static bool
all_are_tried(struct bench *b)
{
	size_t n = 0;

	queue_each(b->q, count_tried, &n);
	return n == queue_count(b->q);
}

/* Even when the answer to the end has its ten minutes. */
static void
R49_messages_that_silenced_connections_leave_one_to_the_others(void **state)
{
	static const char *const stages[] = { "rcpt/poison*", "end/poison*" };
	struct bench *b = *state;

	b->opts.max_connections = 2;
	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		fault(b, FAULT_HANG, stages[i]);
		start(b);
		for (size_t k = 0; k < POISONS; k++)
			submit_named(b, "poison", k);
		while (!all_are_tried(b))
			let_time_pass(b);
		for (size_t k = 0; k < GOOD; k++) {
			for (int s = 0; s < 10; s++)
				let_time_pass(b);
			submit_named(b, "good", k);
			assert_true(
			    time_until_good_left(b, 0, HOUR) <= 2 * SECOND);
		}
		assert_int_equal(queue_count(b->q), POISONS);
		start_anew(b);
	}
}

/* Whatever message is tried. */
static void
a_provider_that_breaks_off_everything_is_left_alone(void **state)
{
	static const char *const stages[] = { "mail", "rcpt", "end" };
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		fault(b, FAULT_DROP, stages[i]);
		start(b);
		for (size_t k = 0; k < GOOD; k++)
			submit_named(b, "good", k);
		(void)time_until_left(b, 0, HOUR);
		assert_int_equal(queue_count(b->q), GOOD);
		/* Five short pauses, then each is twice the one before. */
		assert_in_range(b->connections, 8, 15);
		start_anew(b);
	}
}

/* --- connections that have served their time ------------------------------ */

static const char *const session_limits[] = {
	"452 4.4.5 Maximum number of messages per session exceeded.",
	"421 #4.x.2 Too many messages for this session",
	"421 4.7.0 closing connection, come again",
	"421 Session limit",
	"421 4.3.0 too many messages",
	"451 too many mails in this connection",
	"550 5.7.1 You have sent too many messages in one session",
};

/* A reply to the MAIL behind the third message of each connection. */
static void
a_limit_of_the_session_is_followed_by_a_new_one_at_once(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(session_limits); i++) {
		bool names_number = strstr(session_limits[i], "closing") ==
				    NULL;

		b->p.per_connection = 3;
		b->p.per_connection_reply = session_limits[i];
		start(b);
		for (int k = 0; k < 12; k++)
			submit(b, 1);
		all_is_sent(b, 12);
		assert_int_equal(state_of(b), ACCOUNT_READY);
		assert_int_equal(b->alerts, 0);
		assert_int_equal(b->connections, 4);
		/* What was learnt is kept to, also after a restart: nothing is
		 * refused any more. */
		b->p.over_connection = 0;
		if (i % 2 == 0)
			restart(b);
		for (int k = 0; k < 6; k++)
			submit(b, 1);
		all_is_sent(b, 18);
		assert_int_equal(b->p.over_connection == 0, names_number);
		start_anew(b);
	}
}

/* A message that takes seven transactions, three on each connection. */
static void
a_limit_of_the_session_within_a_message_sends_the_rest_at_once(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(session_limits); i++) {
		b->p.smtp.limits = "RCPTMAX=1";
		b->p.per_connection = 3;
		b->p.per_connection_reply = session_limits[i];
		start(b);
		submit(b, 7);
		all_is_sent(b, 7);
		assert_int_equal(b->connections, 3);
		assert_int_equal(state_of(b), ACCOUNT_READY);
		assert_int_equal(b->alerts, 0);
		start_anew(b);
	}
}

/* Two of them to a connection; the first two wait. */
static void
recipients_that_wait_are_asked_once_before_the_others_go(void **state)
{
	struct bench *b = *state;
	char id[ENVELOPE_ID_SIZE];

	b->p.smtp.limits = "MAILMAX=1 RCPTMAX=2";
	b->opts.max_per_hour = 12; /* each is counted when it is asked */
	fault(b, FAULT_FAIL, "rcpt/r0*:450:4.2.0:later:1");
	fault(b, FAULT_FAIL, "rcpt/r1*:450:4.2.0:later:2");
	start(b);
	submit_from(b, "me@x.test", 8, id);
	until(b, b->p.messages == 3 && b->connections == 4);
	until(b, item(b, id).attempts == 1);
	settle(b);
	assert_int_equal(b->connections, 4);
	/* As long as after one attempt. */
	pass(b, 2 * MINUTE);
	until(b, b->p.messages == 4 && item(b, id).attempts == 2);
	assert_int_equal(b->connections, 5);
	pass(b, 4 * MINUTE);
	all_is_sent(b, 5);
	assert_int_equal(b->connections, 6);
	assert_int_equal(spent_as_stored(b), 11);
}

static void
the_rest_of_a_message_waits_for_the_limit_as_others_do(void **state)
{
	struct bench *b = *state;
	char id[ENVELOPE_ID_SIZE];

	b->p.smtp.limits = "RCPTMAX=2";
	b->opts.max_per_hour = 4;
	start(b);
	submit_from(b, "me@x.test", 8, id);
	until(b, b->p.messages == 2);
	settle(b);
	assert_int_equal(b->p.messages, 2);
	assert_int_equal(spent_as_stored(b), 4);
	pass(b, 61 * MINUTE);
	until(b, b->p.messages == 4);
	all_is_sent(b, 4);
}

/* The server ended the connection while it was idle, for whatever reason. */
static void
a_421_to_a_connection_that_was_idle_means_another_one(void **state)
{
	struct bench *b = *state;

	start(b);
	for (int i = 0; i < 4; i++) {
		char id[ENVELOPE_ID_SIZE];

		submit(b, 1);
		until(b, b->p.messages == 2UL * (unsigned long)i + 1);
		settle(b);
		fault(b, FAULT_FAIL, "mail:421:4.3.2:shutting down:1");
		submit_from(b, "me@x.test", 1, id);
		all_is_sent(b, 2UL * (unsigned long)i + 2);
		assert_int_equal(state_of(b), ACCOUNT_READY);
	}
	assert_int_equal(b->connections, 5);
	assert_int_equal(b->alerts, 0);
}

static void
a_421_to_an_idle_connection_that_has_taken_nothing_yet_does_too(void **state)
{
	struct bench *b = *state;
	char id[ENVELOPE_ID_SIZE];

	fault(b, FAULT_FAIL, "rcpt:550:5.1.1:no such user:1");
	start(b);
	submit_from(b, "me@x.test", 1, id);
	until(b, item(b, id).state == QUEUE_STATE_FAILED);
	settle(b);
	fault(b, FAULT_FAIL, "mail:421:4.7.0:not now:1");
	submit(b, 1);
	until(b, state_of(b) != ACCOUNT_READY || b->p.messages == 1);
	assert_int_equal(state_of(b), ACCOUNT_READY);
	assert_int_equal(b->connections, 2);
	assert_int_equal(b->alerts, 0);
}

static void
a_421_to_a_new_connection_is_trouble_all_the_same(void **state)
{
	struct bench *b = *state;

	fault(b, FAULT_FAIL, "mail:421:4.7.0:too many messages:1");
	start(b);
	submit(b, 1);
	until(b, state_of(b) == ACCOUNT_PAUSED);
}

/* It says nothing of why, and comes in the middle of work that went well. */
static const char *const bare_421s[] = {
	"421 bye",
	"421 4.2.1 closing",
	"421 4.3.2 Service shutting down",
	"421 provider.test ESMTP timeout",
};

static void
a_421_after_a_message_that_went_well_means_a_new_connection(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(bare_421s); i++) {
		b->p.per_connection = (int)(1 + i % 3);
		b->p.per_connection_reply = bare_421s[i];
		start(b);
		for (int k = 0; k < 12; k++)
			submit(b, 1);
		until(b, state_of(b) != ACCOUNT_READY ||
			     (b->p.messages == 12 && queue_count(b->q) == 0));
		assert_int_equal(state_of(b), ACCOUNT_READY);
		assert_int_equal(b->connections, 12 / b->p.per_connection);
		assert_int_equal(b->alerts, 0);
		start_anew(b);
	}
}

/* To whatever it is the answer; those behind it lose nothing. */
static void
a_421_in_the_middle_of_a_message_sends_it_over_a_new_connection(void **state)
{
	static const char *const stages[] = {
		"mail/late@*:421:4.2.1:closing:1",
		"rcpt{2}:421:4.2.1:closing:1",
		"end/late@*:421:4.2.1:closing:1",
	};
	struct bench *b = *state;

	for (size_t i = 0; i < 2 * ARRAY_LEN(stages); i++) {
		b->p.smtp.may_chunk = i % 2 == 0;
		fault(b, FAULT_FAIL, stages[i / 2]);
		start(b);
		submit(b, 1);
		submit(b, 1);
		submit_from(b, "late@x.test", 2, NULL);
		for (int k = 0; k < 5; k++)
			submit(b, 1);
		until(
		    b, state_of(b) != ACCOUNT_READY || queue_count(b->q) == 0);
		assert_int_equal(state_of(b), ACCOUNT_READY);
		assert_int_equal(b->p.messages, 8);
		assert_int_equal(b->connections, 2);
		start_anew(b);
	}
	b->p.smtp.may_chunk = true;
}

/* Once more at once is enough, and what is said of a time is believed. */
static void
a_421_to_the_new_connection_too_pauses_the_account(void **state)
{
	static const struct {
		const char *spec;
		int connections;
	} rows[] = {
		{ "mail/late@*:421:4.3.2:Service shutting down", 2 },
		{ "mail/late@*:421:4.7.0:hourly message limit exceeded", 1 },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char id[ENVELOPE_ID_SIZE];

		fault(b, FAULT_FAIL, rows[i].spec);
		start(b);
		submit(b, 1);
		submit(b, 1);
		submit_from(b, "late@x.test", 1, id);
		until(b, state_of(b) == ACCOUNT_PAUSED);
		assert_int_equal(b->p.messages, 2);
		assert_int_equal(b->connections, rows[i].connections);
		assert_int_equal(item(b, id).attempts, 0);
		start_anew(b);
	}
}

/* --- silence -------------------------------------------------------------- */

enum { CROWD = 20 };

/* One message that the provider falls silent about, then a crowd. */
static void
submit_stuck_and_crowd(struct bench *b, const char *hang, char *ret_id)
{
	b->p.smtp.may_chunk = strstr(hang, "data") == NULL;
	fault(b, FAULT_HANG, hang);
	start(b);
	submit_from(b, "stuck@x.test", 1, ret_id);
	settle(b);
	for (int i = 0; i < CROWD; i++)
		submit(b, 1);
	settle(b);
}

static const char *const hangs[] = {
	"greeting:1",
	"ehlo:1",
	"starttls:1",
	"auth:1",
	"mail/stuck*:1",
	"rcpt:1",
	"data:1",
	"body/stuck*:1",
	"end/stuck*:1",
};

static void
a_silent_connection_holds_back_no_other_mail(void **state)
{
	struct bench *b = *state;

	b->opts.max_connections = 2;
	for (size_t i = 0; i < ARRAY_LEN(hangs); i++) {
		int64_t began = b->ahead_ms;
		char id[ENVELOPE_ID_SIZE];

		submit_stuck_and_crowd(b, hangs[i], id);
		while (b->p.messages < CROWD && b->ahead_ms < began + MINUTE) {
			pass(b, SECOND / 10);
			settle(b);
		}
		assert_true(b->ahead_ms < began + 4 * SECOND);
		assert_true(b->connections <= 2);
		assert_int_equal(state_of(b), ACCOUNT_READY);
		start_anew(b);
	}
}

static void
when_all_are_silent_the_longest_silent_makes_room(void **state)
{
	struct bench *b = *state;
	struct queue_item it;
	char id[ENVELOPE_ID_SIZE];

	for (size_t i = 1; i < ARRAY_LEN(hangs); i++) {
		bool is_at_end = strncmp(hangs[i], "end", 3) == 0;
		bool is_sent = is_at_end || strncmp(hangs[i], "body", 4) == 0;

		submit_stuck_and_crowd(b, hangs[i], id);
		pass(b, 25 * SECOND);
		settle(b);
		assert_int_equal(b->connections, 1);
		pass(b, 7 * SECOND);
		if (is_sent) {
			/* It may have the message: its ten minutes. */
			pass(b, 9 * MINUTE);
			settle(b);
			assert_int_equal(b->connections, 1);
			pass(b, MINUTE);
		}
		until(b, b->p.messages >= CROWD);
		assert_int_equal(b->connections, 2);
		if (i > 3 && queue_find(b->q, id, &it))
			assert_int_equal(it.is_uncertain, is_sent);
		start_anew(b);
	}
}

/* Did the body of a message leave with its envelope, on a new connection whose
 * server says nothing to RCPT? */
static bool
goes_whole(struct bench *b)
{
	char id[ENVELOPE_ID_SIZE];

	fault(b, FAULT_HANG, "rcpt:1");
	submit_from(b, "stuck@x.test", 1, id);
	settle(b);
	pass(b, 32 * SECOND); /* a second one can only be made then */
	submit(b, 1);
	settle(b);
	return item(b, id).is_uncertain;
}

enum { EARN = 20 }; /* so many messages open the window */

static void
what_a_connection_has_earned_counts_for_the_next_one(void **state)
{
	static const struct {
		int messages;
		int64_t later_ms;
		bool expect;
	} rows[] = {
		{ EARN, 0, true },
		{ EARN, 5 * SECOND, true },
		{ 2, 0, false },
		{ EARN, 15 * SECOND, false },
	};
	struct bench *b = *state;

	b->p.smtp.may_chunk = true;
	b->opts.max_connections = 1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		b->opts.max_per_connection = (size_t)rows[i].messages;
		start(b);
		for (int k = 0; k < rows[i].messages; k++)
			submit(b, 1);
		all_is_sent(b, (unsigned long)rows[i].messages);
		settle(b);
		pass(b, rows[i].later_ms);
		assert_int_equal(goes_whole(b), rows[i].expect);
		start_anew(b);
	}
}

static void
what_was_earned_is_lost_when_a_connection_stalls(void **state)
{
	struct bench *b = *state;
	char second[ENVELOPE_ID_SIZE], third[ENVELOPE_ID_SIZE];

	b->p.smtp.may_chunk = true;
	b->opts.max_connections = 2;
	b->opts.max_per_connection = EARN;
	start(b);
	for (int k = 0; k < EARN; k++)
		submit(b, 1);
	all_is_sent(b, EARN);
	settle(b);
	fault(b, FAULT_HANG, "rcpt:2");
	submit_from(b, "second@x.test", 1, second);
	settle(b);
	pass(b, 3 * SECOND);
	submit_from(b, "third@x.test", 1, third);
	until(b, b->p.faults.v[0].left == 0);
	assert_int_equal(b->connections, 3);
	for (int i = 0; i < 6; i++)
		pass(b, MINUTE); /* both connections are given up */
	assert_true(item(b, second).is_uncertain);
	assert_false(item(b, third).is_uncertain);
}

static void
a_provider_that_is_always_silent_is_paused(void **state)
{
	struct bench *b = *state;

	fault(b, FAULT_HANG, "mail");
	start(b);
	for (int i = 0; i < 3; i++)
		submit(b, 1);
	for (int64_t began = b->ahead_ms;
	     state_of(b) == ACCOUNT_READY && b->ahead_ms - began < 2 * MINUTE;)
		if (is_stuck(b))
			pass(b, SECOND);
	assert_int_equal(state_of(b), ACCOUNT_PAUSED);
	assert_int_equal(b->connections, 2);
	assert_int_equal(queue_count(b->q), 3);
}

/* Enough for a second connection, however slowly that logs in. */
static void
keep_busy(struct bench *b)
{
	while (queue_count(b->q) < 100)
		submit(b, 1);
}

static void
the_end_of_one_of_several_connections_pauses_nothing(void **state)
{
	struct bench *b = *state;

	b->opts.max_connections = 2;
	b->p.delay_ms = 2;
	start(b);
	until(b, (keep_busy(b), b->logins == 2));
	/* At MAIL it would be the end of a connection that was idle. */
	fault(b, FAULT_DROP, "end:1");
	/* The other one goes on, so that by then the end has been heard of. */
	for (unsigned long more = 0; more < 30;) {
		unsigned long n = b->p.messages;

		turn(b);
		(void)loop_is_quiet(b->loop);
		assert_int_equal(state_of(b), ACCOUNT_READY);
		if (b->p.faults.v[0].left == 0)
			more += b->p.messages - n;
	}
	/* Those that were on it have a wait of their own. */
	for (int i = 0; i < 100 && queue_count(b->q) > 0; i++) {
		settle(b);
		pass(b, 10 * SECOND);
	}
	assert_int_equal(queue_count(b->q), 0);
}

static void
a_password_that_is_not_answered_is_tried_twice_at_most(void **state)
{
	struct bench *b = *state;

	b->opts.max_connections = 5;
	fault(b, FAULT_HANG, "auth");
	start(b);
	for (int i = 0; i < 100; i++)
		submit(b, 1);
	for (int i = 0; i < 25; i++) {
		settle(b);
		pass(b, SECOND);
	}
	assert_int_equal(b->connections, 2);
}

static int
set_up_all(void **state)
{
	static const struct cert_spec spec = {
		.file = "server", .dns = { "localhost" }, .ip = "127.0.0.1"
	};

	(void)state;
	certs = certs_new();
	certs_make(certs, &spec);
	return 0;
}

static int
tear_down_all(void **state)
{
	(void)state;
	certs_free(certs);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(
		    R56_a_refused_password_holds_the_account_and_fails_nothing),
		TEST(R57_a_refused_password_is_tried_a_dozen_times_a_day),
		TEST(
		    a_refused_token_is_replaced_once_and_tried_on_another_connection),
		TEST(a_token_refused_again_holds_the_account_with_what_to_type),
		TEST(a_token_server_that_is_away_fails_nothing),
		TEST(a_hold_outlasts_a_restart),
		TEST(a_used_up_quota_stops_all_tries_until_it_reopens),
		TEST(a_slow_provider_gets_all_of_it_over_one_connection),
		TEST(two_messages_that_alone_hear_of_a_quota_hold_up_no_others),
		TEST(an_accounts_own_limit_closes_the_window_first),
		TEST(no_more_connections_are_opened_than_allowed),
		TEST(a_connection_carries_no_more_than_allowed),
		TEST(a_stated_limit_of_transactions_ends_a_connection_at_once),
		TEST(what_was_spent_outlives_a_reload),
		TEST(a_limit_that_is_set_later_counts_what_went_before),
		TEST(an_account_that_was_removed_has_spent_what_it_has),
		TEST(an_account_keeps_its_handle_wherever_it_stands),
		TEST(a_reload_that_changes_nothing_cuts_no_connection),
		TEST(another_login_wants_another_connection),
		TEST(another_provider_is_asked_anew),
		TEST(what_is_known_of_a_port_outlives_a_reload),
		TEST(a_late_word_over_an_old_connection_stops_nothing),
		TEST(a_refusal_that_crosses_a_reload_is_asked_about_once_more),
		TEST(a_storm_of_reloads_tries_a_refused_login_once),
		TEST(another_login_clears_a_hold),
		TEST(a_storm_of_reloads_does_not_open_a_quota),
		TEST(a_hold_ends_with_the_login_it_was_about),
		TEST(a_kept_hold_does_not_hold_the_secret),
		TEST(trouble_of_the_provider_is_charged_to_no_message),
		TEST(
		    each_pause_is_twice_the_one_before_up_to_a_quarter_of_an_hour),
		TEST(R49_a_message_that_breaks_connections_lets_others_pass),
		TEST(R49_messages_that_break_connections_hold_back_no_others),
		TEST(R49_messages_that_silence_connections_hold_back_no_others),
		TEST(
		    R49_messages_that_silenced_connections_leave_one_to_the_others),
		TEST(
		    R49_many_of_one_sender_that_break_connections_hold_back_no_others),
		TEST(a_provider_that_breaks_off_everything_is_left_alone),
		TEST(sender_rights_hold_the_message_and_tell_a_person),
		TEST(a_session_that_lost_the_thread_is_followed_by_a_new_one),
		TEST(sessions_that_keep_losing_the_thread_hold_the_account),
		TEST(
		    a_refusal_of_the_sender_that_nobody_knows_holds_the_message),
		TEST(a_full_mailbox_fails_its_recipient_alone),
		TEST(a_login_that_is_wanted_again_holds_the_message),
		TEST(an_account_without_a_login_is_held_where_one_is_wanted),
		TEST(a_reason_is_never_cut_at_what_is_to_be_done),
		TEST(R62_a_success_for_some_is_durable_before_more_is_taken),
		TEST(R61_too_many_recipients_follow_at_once),
		TEST(a_name_in_ehlo_that_is_refused_is_followed_by_the_next),
		TEST(
		    a_server_that_hangs_up_over_a_name_gets_the_next_on_a_new_connection),
		TEST(a_server_that_takes_no_name_holds_the_account_with_advice),
		TEST(a_name_that_is_refused_at_rcpt_is_followed_by_the_next),
		TEST(an_initial_response_that_is_refused_is_not_sent_again),
		TEST(a_mechanism_that_fails_is_followed_by_the_next),
		TEST(
		    mechanisms_that_all_fail_hold_the_account_without_a_word_of_passwords),
		TEST(a_key_is_derived_while_the_loop_goes_on),
		TEST(a_connection_may_end_while_its_key_is_derived),
		TEST(a_box_that_lists_chunking_and_does_not_know_it_gets_data),
		TEST(a_box_that_hangs_up_over_bdat_gets_data),
		TEST(parameters_that_are_offered_and_refused_are_left_out),
		TEST(limits_that_cannot_be_meant_bounce_nothing),
		TEST(
		    a_notice_from_nobody_that_is_refused_goes_with_the_accounts_address),
		TEST(a_notice_to_nobody_fails_and_the_null_sender_stays),
		TEST(
		    a_message_to_a_hundred_arrives_in_full_and_the_number_is_learnt),
		TEST(a_recipient_who_is_put_off_is_no_limit),
		TEST(what_is_logged_as_sent_is_noted_in_its_file),
		TEST(a_transaction_is_noted_before_the_next_one_is_answered),
		TEST(each_result_is_durable_before_more_is_taken_if_asked_for),
		TEST(a_limit_of_the_session_is_followed_by_a_new_one_at_once),
		TEST(
		    a_limit_of_the_session_within_a_message_sends_the_rest_at_once),
		TEST(recipients_that_wait_are_asked_once_before_the_others_go),
		TEST(the_rest_of_a_message_waits_for_the_limit_as_others_do),
		TEST(a_421_to_a_connection_that_was_idle_means_another_one),
		TEST(
		    a_421_to_an_idle_connection_that_has_taken_nothing_yet_does_too),
		TEST(a_421_to_a_new_connection_is_trouble_all_the_same),
		TEST(
		    a_421_after_a_message_that_went_well_means_a_new_connection),
		TEST(
		    a_421_in_the_middle_of_a_message_sends_it_over_a_new_connection),
		TEST(a_421_to_the_new_connection_too_pauses_the_account),
		TEST(a_silent_connection_holds_back_no_other_mail),
		TEST(when_all_are_silent_the_longest_silent_makes_room),
		TEST(what_a_connection_has_earned_counts_for_the_next_one),
		TEST(what_was_earned_is_lost_when_a_connection_stalls),
		TEST(a_provider_that_is_always_silent_is_paused),
		TEST(the_end_of_one_of_several_connections_pauses_nothing),
		TEST(a_password_that_is_not_answered_is_tried_twice_at_most),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
