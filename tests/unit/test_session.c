/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions beside each other, over real sockets: who gets in, whose turn it is,
 * and who waits for the provider's word. */
#include "tests/lib/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "inbound/session.h"
#include "net/peer.h"
#include "net/people.h"
#include "queue/queue.h"
#include "smtp/smtp_limits.h"
#include "store/spool.h"
#include "sys/clock_sys.h"
#include "sys/fs_sys.h"
#include "tests/lib/sockets.h"
#include "tests/lib/temp.h"

enum {
	ALICE = 1000,
	BOB = 1001,
	SESSIONS_MAX = 20,
	LINE_BYTES = 512, /* of a command in a flood */
	FLOOD_LINES = 120, /* just less than the loop reads at once */
	PIECE_LINES = 32, /* that a session is read in its turn */
	STEP_MS = 3, /* of the clock: behind one piece a turn is over */
	CROWD = 12
};

struct bench {
	char dir[64];
	int64_t now, step; /* of the clock, and how far it goes at each look */
	struct clock clock;
	struct loop *loop;
	struct store *store;
	struct queue *q;
	struct people *people;
	struct inbound_shared shared;
	struct session_set set;
	struct inbound_listener listener;
	const char *barred; /* the name of the user who may not submit */
	bool is_unsure;
	const char *refusal; /* of every message; NULL: none */
};

static uint32_t next_uid; /* who connects now */
uint32_t __wrap_peer_uid(
    struct peer_diag *d, int fd, const struct sockaddr_storage *peer);

uint32_t
__wrap_peer_uid(
    struct peer_diag *d, int fd, const struct sockaddr_storage *peer)
{
	(void)d;
	(void)fd;
	(void)peer;
	return next_uid;
}

/* --- what is around it ---------------------------------------------------- */

static int64_t
boot_ms(void *ctx)
{
	struct bench *b = ctx;

	return b->now += b->step;
}

static int64_t
wall_ms(void *ctx)
{
	return INT64_C(1700000000000) + ((struct bench *)ctx)->now;
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
	(void)ctx;
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

static int
route(void *ctx, const struct envelope *e)
{
	(void)ctx;
	(void)e;
	return 0;
}

static void
wake(void *ctx, int account)
{
	(void)ctx;
	(void)account;
}

static void
look_up(void *ctx, struct person *who, bool wants_groups)
{
	(void)ctx;
	(void)wants_groups;
	who->name = xstrdup(who->uid == ALICE ? "alice" : "bob");
}

static uint64_t
max_size(void *ctx)
{
	(void)ctx;
	return 1024 * 1024;
}

static const char *
bars(void *ctx, const struct person *who, bool *ret_is_unsure)
{
	const struct bench *b = ctx;

	*ret_is_unsure = b->is_unsure;
	return b->barred != NULL && who->name != NULL &&
		       strcmp(who->name, b->barred) == 0
		   ? "allow_users"
		   : NULL;
}

static bool
yes(void *ctx, const char *addr)
{
	(void)ctx;
	(void)addr;
	return true;
}

static bool
refuses(void *ctx, const struct envelope *e, struct verdict *ret_why)
{
	const struct bench *b = ctx;

	(void)e;
	if (b->refusal == NULL)
		return false;
	verdict_local(
	    ret_why, VERDICT_NEVER, STAGE_LOCAL, 552, "5.3.4", b->refusal);
	return true;
}

static bool
is_local(void *ctx, const char *addr)
{
	(void)ctx;
	(void)addr;
	return false;
}

static bool
resolve(void *ctx, const char *addr, struct addr_list *to)
{
	(void)ctx;
	addr_list_add(to, addr);
	return true;
}

static bool
allows_all_but_one(const void *ctx, const char *client)
{
	(void)ctx;
	return strcmp(client, "127.0.0.9") != 0;
}

static int
setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	struct queue_opts o;
	struct err err;

	temp_dir(b->dir, sizeof(b->dir), "relais-session");
	b->now = 1000;
	b->clock = (struct clock) { boot_ms, wall_ms, utc_offset_s, b };
	assert_int_equal(loop_new(&b->clock, &b->loop, &err), 0);
	b->people = people_new(b->loop, look_up, NULL);
	assert_int_equal(spool_open(b->dir, fs_sys(), &b->store, &err), 0);
	o = (struct queue_opts) {
		.store = b->store,
		.clock = &b->clock,
		.rng = rng_sys(),
		.pool = { submit_job, cancel_job, b },
		.hooks = { .route = route, .wake = wake, .ctx = b },
		.naccounts = 1,
		.retry_after_ms = 60000,
		.retry_max_ms = 3600000,
		.lifetime_ms = INT64_C(432000000),
		.max_size_bytes = 1024 * 1024,
	};
	b->q = queue_new(&o);
	b->shared = (struct inbound_shared) {
		.loop = b->loop,
		.queue = b->q,
		.opts = {
		    .hostname = "client.test",
		    .max_size = max_size,
		    .max_rcpts = 100,
		    .max_sessions = SESSIONS_MAX,
		    .verdict_ms = 60000,
		    .people = b->people,
		    .bars = bars,
		    .keeps_sender = yes,
		    .refuses = refuses,
		    .locals = { is_local, resolve, NULL, NULL },
		    .ctx = b,
		},
	};
	session_set_init(&b->set, &b->shared);
	b->listener = (struct inbound_listener) {
		.name = "tcp",
		.mode = QUEUE_MODE_SAFE,
		.allows = allows_all_but_one,
	};
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	b->step = 0;
	list_foreach (it, &b->set.sessions)
		session_free(session_of_link(it));
	loop_soon_cancel(&b->set.task);
	people_free(b->people);
	queue_free(b->q);
	store_free(b->store);
	assert_true(loop_free(b->loop));
	temp_dir_remove(b->dir);
	free(b);
	return 0;
}

/* --- clients ------------------------------------------------------------- */

struct client {
	int fd;
	size_t lines; /* of replies so far */
	size_t n;
	char heard[1024]; /* the end of them */
};

/* From this address of the loopback, as this user. */
static struct client
come_from(struct bench *b, const char *host, uint32_t uid)
{
	struct sockaddr_in to, from = { .sin_family = AF_INET };
	socklen_t len = sizeof(to);
	struct client c = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
	struct err err;
	int listening = listen_tcp("127.0.0.1", 0, &err), fd, on = 1;

	assert_true(listening >= 0 && c.fd >= 0);
	assert_int_equal(inet_pton(AF_INET, host, &from.sin_addr), 1);
	assert_int_equal(bind(c.fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(
	    getsockname(listening, (struct sockaddr *)&to, &len), 0);
	assert_int_equal(connect(c.fd, (struct sockaddr *)&to, len), 0);
	fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	/* As those of a listener (net/listen.h) are. */
	assert_int_equal(
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	assert_true(fd >= 0);
	(void)close(listening);
	next_uid = uid;
	session_start(&b->set, &b->listener, fd);
	return c;
}

static struct client
come(struct bench *b, uint32_t uid)
{
	return come_from(b, "127.0.0.1", uid);
}

static void
say(struct client *c, const char *text)
{
	assert_int_equal(
	    send(c->fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

/* What has come by now. */
static void
hear(struct client *c)
{
	char buf[4096];
	ssize_t n;

	while ((n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		size_t keep = (size_t)n < sizeof(c->heard) / 2
				  ? (size_t)n
				  : sizeof(c->heard) / 2;

		for (ssize_t i = 0; i < n; i++)
			c->lines += buf[i] == '\n';
		if (c->n + keep >= sizeof(c->heard))
			c->n = 0;
		memcpy(c->heard + c->n, buf + n - keep, keep);
		c->n += keep;
		c->heard[c->n] = '\0';
	}
}

static bool
has_heard(struct client *c, const char *what)
{
	hear(c);
	return strstr(c->heard, what) != NULL;
}

static void
turn(struct bench *b)
{
	loop_run_once(b->loop, false);
	(void)queue_tick(b->q);
}

/* Half a minute at most. */
#define until(b, condition)                                                    \
	do {                                                                   \
		int left_ = 60000;                                             \
		while (!(condition)) {                                         \
			assert_true(--left_ > 0);                              \
			turn(b);                                               \
			(void)usleep(500);                                     \
		}                                                              \
	} while (0)

/* Comes, and hears so. */
static void
is_greeted(struct bench *b, struct client c, const char *with)
{
	until(b, has_heard(&c, "\n"));
	assert_memory_equal(c.heard, with, strlen(with));
}

/* --- who gets in --------------------------------------------------------- */

static void
R68_one_user_leaves_sessions_to_others(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < SESSIONS_MAX * SMTP_SESSIONS_OF_ONE / 100; i++)
		is_greeted(b, come(b, ALICE), "220 ");
	is_greeted(b, come(b, ALICE), "421 ");
	is_greeted(b, come(b, BOB), "220 ");
}

static void
R68_one_foreign_machine_leaves_sessions_to_others(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < SESSIONS_MAX * SMTP_SESSIONS_OF_ONE / 100; i++)
		is_greeted(b, come_from(b, "127.0.0.2", UID_UNKNOWN), "220 ");
	is_greeted(b, come_from(b, "127.0.0.2", UID_UNKNOWN), "421 ");
	is_greeted(b, come_from(b, "127.0.0.3", UID_UNKNOWN), "220 ");
	is_greeted(b, come(b, BOB), "220 ");
}

/* Whoever it is may have all the sessions of a user beside them. */
static void
R68_those_who_hide_share_a_smaller_part(void **state)
{
	struct bench *b = *state;
	int i;

	for (i = 0; i < SESSIONS_MAX * SMTP_SESSIONS_OF_HIDDEN / 100; i++)
		is_greeted(b, come(b, UID_HIDDEN), "220 ");
	is_greeted(b, come_from(b, "127.0.0.2", UID_HIDDEN), "421 ");
	for (i = 0; i < SESSIONS_MAX * SMTP_SESSIONS_OF_ONE / 100; i++)
		is_greeted(b, come(b, ALICE), "220 ");
	is_greeted(b, come(b, BOB), "220 ");
}

static void
there_are_no_more_sessions_than_allowed(void **state)
{
	struct bench *b = *state;

	for (uint32_t i = 0; i < SESSIONS_MAX; i++)
		is_greeted(b, come(b, ALICE + i), "220 ");
	is_greeted(b, come(b, ALICE + SESSIONS_MAX), "421 ");
}

static void
a_machine_that_is_not_allowed_is_turned_away(void **state)
{
	struct bench *b = *state;

	is_greeted(b, come_from(b, "127.0.0.9", UID_UNKNOWN), "550 ");
	is_greeted(b, come_from(b, "127.0.0.8", UID_UNKNOWN), "220 ");
}

static void
keep_kind(void *ctx, enum log_level level, const char *line, const char *kind)
{
	(void)level;
	if (strncmp(line, "refused id=", 11) == 0)
		assert_true(buf_addf(ctx, "%s\n", kind));
}

/* A client that varies sender and content cannot fill the log with it. */
static void
messages_refused_for_one_reason_are_lines_of_one_kind(void **state)
{
	struct bench *b = *state;
	struct client alice = come(b, ALICE);
	struct buf kinds;
	struct log_sink sink = { keep_kind, &kinds };
	struct bytes rest, first;

	buf_init(&kinds, 10000);
	log_to(&sink);
	b->refusal = "larger than any account takes";
	say(&alice, "EHLO a.test\r\nMAIL FROM:<a@x.test>\r\n"
		    "RCPT TO:<r@x.test>\r\nDATA\r\n");
	until(b, has_heard(&alice, "354"));
	say(&alice, "Subject: 1\r\n\r\n.\r\n");
	until(b, has_heard(&alice, "552"));
	alice.n = 0;
	alice.heard[0] = '\0';
	say(&alice, "MAIL FROM:<b@x.test>\r\nRCPT TO:<r@x.test>\r\n"
		    "DATA\r\n");
	until(b, has_heard(&alice, "354"));
	say(&alice, "Subject: 2\r\n\r\n.\r\n");
	until(b, has_heard(&alice, "552"));
	log_to(NULL);
	rest = buf_bytes(&kinds);
	first = bytes_cut(&rest, '\n');
	assert_true(first.n > 0 && memmem(first.p, first.n, "552", 3) != NULL);
	rest = bytes_cut(&rest, '\n');
	assert_int_equal(first.n, rest.n);
	assert_memory_equal(first.p, rest.p, first.n);
	buf_clear(&kinds);
}

static void
a_user_who_may_not_submit_hears_so_at_mail(void **state)
{
	struct bench *b = *state;
	struct client alice, bob;

	b->barred = "alice";
	alice = come(b, ALICE);
	bob = come(b, BOB);
	say(&alice, "EHLO a.test\r\nMAIL FROM:<a@x.test>\r\n");
	say(&bob, "EHLO b.test\r\nMAIL FROM:<b@x.test>\r\n");
	until(b, has_heard(&alice, "550 5.7.1"));
	until(b, has_heard(&bob, "250 2.1.0"));
	/* The database does not answer: he is not refused for good. */
	b->is_unsure = true;
	say(&alice, "MAIL FROM:<a@x.test>\r\n");
	until(b, has_heard(&alice, "451 4.3.0"));
}

/* --- whose turn it is ---------------------------------------------------- */

static void
flood(struct client *c)
{
	static char lines[FLOOD_LINES * LINE_BYTES + 1];

	for (char *p = lines; p < lines + FLOOD_LINES * LINE_BYTES;
	     p += LINE_BYTES) {
		memset(p, 'x', LINE_BYTES);
		memcpy(p, "NOOP ", 5);
		memcpy(p + LINE_BYTES - 2, "\r\n", 2);
	}
	say(c, lines);
}

static void
who_sends_without_end_is_read_in_pieces(void **state)
{
	struct bench *b = *state;
	struct client c = come(b, ALICE);
	size_t before;
	int turns = 0;

	until(b, has_heard(&c, "220 "));
	before = c.lines;
	b->step = STEP_MS;
	flood(&c);
	while (c.lines < 1 + FLOOD_LINES) {
		turn(b);
		hear(&c);
		/* What was said in a turn may leave in the next. */
		assert_true(c.lines <= before + 3 * PIECE_LINES);
		before = c.lines;
		assert_true(++turns < 100); /* without another word of theirs */
	}
}

static void
come_and_flood(struct bench *b, struct client *crowd)
{
	for (uint32_t i = 0; i < CROWD; i++) {
		crowd[i] = come(b, ALICE + i);
		until(b, has_heard(&crowd[i], "220 "));
	}
	b->step = STEP_MS;
	for (size_t i = 0; i < CROWD; i++)
		flood(&crowd[i]);
}

static size_t
count_lines(struct client *crowd)
{
	size_t n = 0;

	for (size_t i = 0; i < CROWD; i++) {
		hear(&crowd[i]);
		n += crowd[i].lines;
	}
	return n;
}

static void
however_many_send_without_end_a_turn_is_short(void **state)
{
	struct bench *b = *state;
	struct client crowd[CROWD];
	size_t before;
	int turns = 0;

	come_and_flood(b, crowd);
	turn(b); /* each is read, and has had a piece */
	before = count_lines(crowd);
	assert_true(before <= CROWD * (1 + PIECE_LINES));
	while (before < CROWD * (1 + FLOOD_LINES)) {
		size_t now;

		turn(b);
		now = count_lines(crowd);
		assert_true(now <= before + 3 * PIECE_LINES);
		before = now;
		assert_true(++turns < 20 * CROWD);
	}
}

static void
those_who_send_without_end_take_turns(void **state)
{
	struct bench *b = *state;
	struct client crowd[CROWD];
	int turns = 0;

	come_and_flood(b, crowd);
	turn(b); /* each is read, and has had a piece */
	while (count_lines(crowd) < CROWD * (1 + FLOOD_LINES)) {
		size_t least = SIZE_MAX, most = 0;

		turn(b);
		(void)count_lines(crowd);
		for (size_t i = 0; i < CROWD; i++) {
			least = crowd[i].lines < least ? crowd[i].lines : least;
			most = crowd[i].lines > most ? crowd[i].lines : most;
		}
		assert_true(most - least <= 2 * PIECE_LINES);
		assert_true(++turns < 20 * CROWD);
	}
}

/* It reads no reply until nothing moves any more, and resets. */
static void
who_reads_nothing_and_resets_has_no_session_left(void **state)
{
	static const char noops[] = "NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n";
	struct bench *b = *state;
	struct client c = come(b, ALICE);
	struct linger at_once = { .l_onoff = 1 };
	int idle = 0;

	until(b, has_heard(&c, "220 "));
	while (idle < 50) {
		idle++;
		while (send(c.fd, noops, sizeof(noops) - 1, MSG_DONTWAIT) > 0)
			idle = 0;
		turn(b);
	}
	assert_false(list_is_empty(&b->set.sessions));
	assert_int_equal(
	    setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
	    0);
	assert_int_equal(close(c.fd), 0);
	until(b, list_is_empty(&b->set.sessions));
}

/* --- whose word is waited for -------------------------------------------- */

static void
send_one(struct client *c)
{
	say(c, "EHLO a.test\r\nMAIL FROM:<a@x.test>\r\n"
	       "RCPT TO:<b@x.test>\r\nDATA\r\n");
}

static void
send_body(struct bench *b, struct client *c)
{
	until(b, has_heard(c, "354 "));
	say(c, "Subject: hi\r\n\r\nhello\r\n.\r\n");
	for (int i = 0; i < 20; i++)
		turn(b);
}

static void
who_sends_much_does_not_wait_for_the_providers_word(void **state)
{
	struct bench *b = *state;
	struct client c;

	b->listener.mode = QUEUE_MODE_VERDICT;
	b->listener.is_auto = true;
	for (int i = 0; i < PACE_MAX; i++) {
		c = come(b, ALICE);
		send_one(&c);
		send_body(b, &c);
		assert_false(has_heard(&c, "queued"));
	}
	c = come(b, ALICE);
	send_one(&c);
	send_body(b, &c);
	until(b, has_heard(&c, "queued"));
	/* Somebody else does, and the same a minute later. */
	c = come(b, BOB);
	send_one(&c);
	send_body(b, &c);
	assert_false(has_heard(&c, "queued"));
	b->now += PACE_MS;
	c = come(b, ALICE);
	send_one(&c);
	send_body(b, &c);
	assert_false(has_heard(&c, "queued"));
}

static void
who_asked_for_the_providers_word_waits_for_each(void **state)
{
	struct bench *b = *state;
	struct client c;

	b->listener.mode = QUEUE_MODE_VERDICT;
	for (int i = 0; i < PACE_MAX + 2; i++) {
		c = come(b, ALICE);
		send_one(&c);
		send_body(b, &c);
		assert_false(has_heard(&c, "queued"));
	}
}

/* --- answers -------------------------------------------------------------- */

/* The loop does not run meanwhile. */
static bool
has_come(struct client *c, const char *what)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	return poll(&p, 1, 5000) == 1 && has_heard(c, what);
}

static void
an_answer_does_not_wait_for_what_else_a_turn_has_to_do(void **state)
{
	struct bench *b = *state;
	struct client c = come(b, ALICE);

	assert_true(has_come(&c, "220 "));
}

/* --- a stop -------------------------------------------------------------- */

static void
stop(struct bench *b)
{
	b->set.is_stopping = true;
	list_foreach (it, &b->set.sessions)
		session_stop(session_of_link(it));
}

#define BEGIN   "HELO x\r\nMAIL FROM:<a@example.org>\r\n"
#define REST    "RCPT TO:<b@example.org>\r\nDATA\r\n"
#define MESSAGE "Subject: x\r\n\r\nx\r\n.\r\n"

/* An upgrade restarts relaisd under its clients. */
static void
in_a_stop_a_message_that_is_under_way_is_taken(void **state)
{
	struct bench *b = *state;
	struct client come_only = come(b, ALICE), begun = come(b, ALICE),
		      idle = come(b, ALICE);

	say(&begun, BEGIN);
	say(&idle, BEGIN REST);
	until(b, has_heard(&come_only, "220 ") &&
		     has_heard(&begun, "250 2.1.0") &&
		     has_heard(&idle, "354 "));
	say(&idle, MESSAGE);
	until(b, has_heard(&idle, "250 2.0.0"));
	assert_false(has_heard(&idle, "421 "));

	stop(b);
	until(b, has_heard(&idle, "421 4.3.2"));
	turn(b);
	assert_false(has_heard(&come_only, "421 "));
	assert_false(has_heard(&begun, "421 "));
	say(&begun, REST);
	say(&come_only, BEGIN REST);
	until(b, has_heard(&begun, "354 ") && has_heard(&come_only, "354 "));
	say(&begun, MESSAGE);
	say(&come_only, MESSAGE);
	until(b, has_heard(&begun, "421 4.3.2"));
	until(b, has_heard(&come_only, "421 4.3.2"));
	assert_true(has_heard(&begun, "250 2.0.0"));
	assert_true(has_heard(&come_only, "250 2.0.0"));
}

static void
in_a_stop_nobody_takes_too_long(void **state)
{
	struct bench *b = *state;
	struct client come_only = come(b, ALICE), begun = come(b, ALICE);

	say(&begun, BEGIN REST);
	until(b, has_heard(&come_only, "220 ") && has_heard(&begun, "354 "));
	stop(b);
	b->set.is_hurried = true;
	stop(b);
	until(b, has_heard(&come_only, "421 4.3.2"));
	until(b, has_heard(&begun, "421 4.3.2"));
	until(b, list_is_empty(&b->set.sessions));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(R68_one_user_leaves_sessions_to_others),
		TEST(R68_one_foreign_machine_leaves_sessions_to_others),
		TEST(R68_those_who_hide_share_a_smaller_part),
		TEST(an_answer_does_not_wait_for_what_else_a_turn_has_to_do),
		TEST(in_a_stop_a_message_that_is_under_way_is_taken),
		TEST(in_a_stop_nobody_takes_too_long),
		TEST(there_are_no_more_sessions_than_allowed),
		TEST(a_machine_that_is_not_allowed_is_turned_away),
		TEST(a_user_who_may_not_submit_hears_so_at_mail),
		TEST(messages_refused_for_one_reason_are_lines_of_one_kind),
		TEST(who_sends_without_end_is_read_in_pieces),
		TEST(however_many_send_without_end_a_turn_is_short),
		TEST(those_who_send_without_end_take_turns),
		TEST(who_reads_nothing_and_resets_has_no_session_left),
		TEST(who_sends_much_does_not_wait_for_the_providers_word),
		TEST(who_asked_for_the_providers_word_waits_for_each),
	};

	alarm(TEST_ALARM_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
