/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R20: nothing that comes over the control socket harms the daemon; listings
 * are never held whole; nobody keeps the others out. */
#include "tests/lib/check.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/ctl_client.h"
#include "ctl/ctl_json.h"
#include "ctl/ctl_line.h"
#include "ctl/ctl_server.h"
#include "net/listen.h"
#include "net/loop.h"
#include "tests/lib/temp.h"

enum { ITEMS = 20000, OTHER_UID = 54321 };

struct bench {
	char dir[64], path[80];
	int64_t now_ms;
	struct clock clock;
	struct loop *loop;
	struct ctl_server *server;
	size_t most_rounds; /* how often the listing was called */
	size_t echoes; /* requests answered */
	struct ctl_call *waiting; /* the call of "wait"; NULL: it is over */
	int news; /* what it has to tell */
	size_t refusals; /* to listen, of "deaf" */
};

static int64_t
now(void *ctx)
{
	return ((struct bench *)ctx)->now_ms;
}

static int32_t
offset(void *ctx, int64_t at)
{
	(void)ctx;
	(void)at;
	return 0;
}

static void
on_echo(void *ctx, struct ctl_call *call)
{
	((struct bench *)ctx)->echoes++;
	ctl_call_done(call, json_object_get(ctl_call_args(call), "text"));
}

static void
on_list(void *ctx, struct ctl_call *call)
{
	struct bench *b = ctx;
	size_t *at = ctl_call_state(call);
	json_t *item;

	if (at == NULL) {
		at = calloc(1, sizeof(*at));
		ctl_call_keep(call, at, free);
	}

	b->most_rounds++;
	for (; *at < ITEMS; (*at)++) {
		if (!ctl_call_has_room(call))
			return;
		item = json_integer((json_int_t)*at);
		ctl_call_item(call, item);
		json_decref(item);
	}
	ctl_call_done(call, NULL);
}

static void
on_no(void *ctx, struct ctl_call *call)
{
	(void)ctx;
	ctl_call_refuse(call, "no, %s", "never \xff");
}

static void
on_over(void *state)
{
	((struct bench *)state)->waiting = NULL;
}

/* One item for each piece of news; the last is 0. */
static void
on_wait(void *ctx, struct ctl_call *call)
{
	struct bench *b = ctx;
	json_t *item;

	if (ctl_call_state(call) == NULL) {
		ctl_call_keep(call, b, on_over);
		b->waiting = call;
		ctl_call_wait(call);
		return;
	}
	item = json_integer(b->news);
	if (b->news == 0) {
		ctl_call_done(call, item);
	} else {
		ctl_call_item(call, item);
		ctl_call_wait(call);
	}
	json_decref(item);
}

/* Says what it hears, until it hears "bye". */
static void
on_hear(void *ctx, struct ctl_call *call)
{
	struct bench *b = ctx;
	bool is_over = false;
	char *line;

	if (ctl_call_state(call) == NULL) {
		ctl_call_keep(call, b, on_over);
		ctl_call_listen(call);
	}
	while (!is_over && (line = ctl_call_line(call)) != NULL) {
		json_t *item = json_string(line);

		is_over = strcmp(line, "bye") == 0;
		ctl_call_item(call, item);
		json_decref(item);
		free(line);
	}
	if (is_over)
		ctl_call_done(call, NULL);
	else
		ctl_call_wait(call);
}

/* Listens, but looks at no line before there is news. */
static void
on_deaf(void *ctx, struct ctl_call *call)
{
	struct bench *b = ctx;

	if (ctl_call_state(call) == NULL) {
		ctl_call_listen(call);
	} else if (b->news != 0) {
		on_hear(ctx, call);
		return;
	}
	b->refusals++;
	ctl_call_keep(call, b, on_over);
	b->waiting = call;
	ctl_call_wait(call);
}

static void
on_as(void *ctx, struct ctl_call *call)
{
	(void)ctx;
	ctl_call_look_as(call, OTHER_UID);
	ctl_call_done(call, NULL);
}

static void
on_who(void *ctx, struct ctl_call *call)
{
	json_t *uid = json_integer(ctl_call_uid(call));

	(void)ctx;
	ctl_call_done(call, uid);
	json_decref(uid);
}

static const struct ctl_verb verbs[] = {
	{ "hear", CTL_CHANGE, on_hear },
	{ "deaf", CTL_CHANGE, on_deaf },
	{ "as", CTL_CHANGE, on_as },
	{ "who", CTL_LOOK, on_who },
	{ "echo", CTL_LOOK, on_echo },
	{ "list", CTL_CHANGE, on_list },
	{ "no", CTL_CHANGE, on_no },
	{ "secret", CTL_PRIVILEGED, on_echo },
	{ "wait", CTL_CHANGE, on_wait },
	{ NULL, CTL_LOOK, NULL },
};

static int
bench_up(void **state)
{
	static struct bench b;
	int fd;

	b = (struct bench) { 0 };
	temp_dir(b.dir, sizeof(b.dir), "relais-ctl");
	(void)snprintf(b.path, sizeof(b.path), "%s/s", b.dir);
	b.now_ms = 1000;
	b.clock = (struct clock) { now, now, offset, &b };
	assert_int_equal(loop_new(&b.clock, &b.loop, NULL), 0);
	assert_int_equal(chmod(b.dir, 0711), 0);
	fd = listen_unix(b.path, 0666, NULL);
	assert_true(fd >= 0);
	assert_int_equal(
	    ctl_server_new(b.loop, fd, verbs, &b, &b.server, NULL), 0);
	*state = &b;
	return 0;
}

static int
bench_down(void **state)
{
	struct bench *b = *state;

	ctl_server_free(b->server);
	loop_free(b->loop);
	assert_int_equal(unlink(b->path), 0);
	assert_int_equal(rmdir(b->dir), 0);
	return 0;
}

static int
dial(const struct bench *b)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", b->path);
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void
turn(const struct bench *b)
{
	for (int i = 0; i < 20; i++)
		loop_run_once(b->loop, false);
}

/* Everything that comes until the server closes or has nothing to say. */
static void
drain(const struct bench *b, int fd, struct buf *to, bool *ret_is_closed)
{
	char piece[4096];
	ssize_t n;

	*ret_is_closed = false;
	for (int idle = 0; idle < 3; idle++) {
		turn(b);
		while ((n = read(fd, piece, sizeof(piece))) > 0) {
			assert_true(buf_add(to, piece, (size_t)n));
			idle = 0;
		}
		if (n == 0 || errno != EAGAIN) {
			*ret_is_closed = true;
			return;
		}
	}
}

static void
talk(const struct bench *b, const char *said, size_t chunk, const char *heard,
    bool is_closed)
{
	int fd = dial(b);
	struct buf got;
	bool closed;

	buf_init(&got, 1000000);
	for (size_t at = 0, len = strlen(said); at < len; at += chunk) {
		size_t n = len - at < chunk ? len - at : chunk;

		/* It may have hung up on us already. */
		if (send(fd, said + at, n, MSG_NOSIGNAL) < 0)
			break;
		turn(b);
	}
	drain(b, fd, &got, &closed);
	assert_string_equal(buf_str(&got), heard);
	assert_int_equal(closed, is_closed);
	(void)close(fd);
	turn(b);
	buf_clear(&got);
}

static void
requests_are_answered_in_order(void **state)
{
	static const char two[] = "{\"verb\":\"echo\",\"args\":{\"text\":1}}\n"
				  "{\"verb\":\"echo\"}\n{\"verb\":\"no\"}\n";

	for (size_t chunk = 1; chunk <= sizeof(two); chunk += 7)
		talk(*state, two, chunk,
		    "{\"ok\":true,\"result\":1}\n{\"ok\":true}\n"
		    "{\"ok\":false,\"error\":\"no, never \\\\xff\"}\n",
		    false);
}

static void
wrong_requests_are_refused_and_garbage_hung_up_on(void **state)
{
	talk(*state, "{\"verb\":\"nope\"}\n", 100,
	    "{\"ok\":false,\"error\":\"no such verb\"}\n", false);
	talk(*state, "{\"verb\":5}\n", 100,
	    "{\"ok\":false,\"error\":\"no such verb\"}\n", false);
	talk(*state, "{\"verb\":\"echo\",\"args\":[]}\n", 100,
	    "{\"ok\":false,\"error\":\"args is not an object\"}\n", false);
	talk(*state, "GET / HTTP/1.1\r\n\r\n{\"verb\":\"echo\"}\n", 100,
	    "{\"ok\":false,\"error\":\"not a JSON object\"}\n", true);
	talk(*state, "{\"verb\":\"echo\"}", 3, "", false);
}

static void
a_request_has_a_limit(void **state)
{
	struct bench *b = *state;
	static char line[CTL_REQUEST_MAX + 1000];

	memset(line, ' ', sizeof(line) - 1);
	talk(b, line, sizeof(line),
	    "{\"ok\":false,\"error\":\"the request is too long\"}\n", true);
}

/* Millions of bytes in both directions and nobody reading: the daemon holds a
 * bounded part of it and goes on serving others. */
static void
who_does_not_read_is_left_waiting(void **state)
{
	struct bench *b = *state;
	static const char ask[] = "{\"verb\":\"list\"}\n";
	int fd = dial(b);
	struct buf got;
	bool closed;
	size_t lines = 0;

	for (int i = 0; i < 50; i++) {
		IGNORE(send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) < 0);
		turn(b);
	}
	talk(b, "{\"verb\":\"echo\"}\n", 100, "{\"ok\":true}\n", false);
	assert_true(b->most_rounds < 40);
	buf_init(&got, 100000000);
	drain(b, fd, &got, &closed);
	for (const char *p = buf_str(&got); *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 50 * (ITEMS + 1));
	(void)close(fd);
	buf_clear(&got);
	turn(b);
}

static void
breaking_off_at_any_byte_does_no_harm(void **state)
{
	struct bench *b = *state;
	static const char said[] = "{\"verb\":\"list\"}\n{\"verb\":\"echo\"}\n";

	for (size_t n = 0; n < sizeof(said); n++) {
		int fd = dial(b);

		IGNORE(send(fd, said, n, MSG_NOSIGNAL) < 0);
		if (n % 2 == 0)
			turn(b);
		(void)close(fd);
		turn(b);
	}
	talk(b, "{\"verb\":\"echo\"}\n", 100, "{\"ok\":true}\n", false);
}

static void
each_user_has_so_many_connections(void **state)
{
	struct bench *b = *state;
	int fds[CTL_CONNECTIONS_PER_UID];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial(b);
		turn(b);
	}
	talk(b, "", 1, "{\"ok\":false,\"error\":\"too many connections\"}\n",
	    true);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		(void)close(fds[i]);
	turn(b);
	talk(b, "{\"verb\":\"echo\"}\n", 100, "{\"ok\":true}\n", false);
}

static size_t
count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

/* Who is refused need not hang up; it would leave none for mail. */
static void
who_is_refused_holds_few_descriptors(void **state)
{
	enum { MANY = 300 };
	struct bench *b = *state;
	size_t before = count_descriptors();
	int fds[MANY];

	for (size_t i = 0; i < MANY; i++) {
		fds[i] = dial(b);
		turn(b);
	}
	assert_in_range(count_descriptors() - before - MANY, 1, 100);
	for (size_t i = 0; i < MANY; i++)
		(void)close(fds[i]);
	turn(b);
	talk(b, "{\"verb\":\"echo\"}\n", 100, "{\"ok\":true}\n", false);
}

static void
who_says_nothing_is_hung_up_on(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);
	char c;

	turn(b);
	b->now_ms += CTL_IDLE_MS - 1;
	turn(b);
	assert_int_equal(read(fd, &c, 1), -1);
	assert_int_equal(errno, EAGAIN);
	b->now_ms += 1;
	turn(b);
	assert_int_equal(read(fd, &c, 1), 0);
	assert_int_equal(close(fd), 0);
}

/* --- whose right it is --------------------------------------------------- */

/* From here on we are this user, for the kernel and whoever asks it. */
static void
hear(const struct bench *b, int fd, const char *what)
{
	struct buf got;
	bool is_closed;

	buf_init(&got, 1000);
	drain(b, fd, &got, &is_closed);
	assert_string_equal(buf_str(&got), what);
	assert_false(is_closed);
	buf_clear(&got);
}

static void
tell(struct bench *b, int news)
{
	assert_non_null(b->waiting);
	b->news = news;
	ctl_call_wake(b->waiting);
}

/* Each line leaves when there is something to say, however long that takes, and
 * the next request waits for the last of them. */
static void
a_verb_may_wait_and_tell_bit_by_bit(void **state)
{
	static const char said[] = "{\"verb\":\"wait\"}\n{\"verb\":\"echo\"}\n";
	struct bench *b = *state;
	int fd = dial(b);

	assert_int_equal(send(fd, said, sizeof(said) - 1, 0), sizeof(said) - 1);
	hear(b, fd, "");
	b->now_ms += 10 * CTL_IDLE_MS;
	hear(b, fd, "");
	tell(b, 7);
	hear(b, fd, "{\"item\":7}\n");
	b->now_ms += 10 * CTL_IDLE_MS;
	tell(b, 8);
	hear(b, fd, "{\"item\":8}\n");
	tell(b, 0);
	hear(b, fd, "{\"ok\":true,\"result\":0}\n{\"ok\":true}\n");
	assert_null(b->waiting);
	(void)close(fd);
	turn(b);
}

/* What is no line is left out, and what follows the end is the next request. */
static void
a_client_may_answer_while_a_verb_waits(void **state)
{
	static const char said[] = "{\"verb\":\"hear\"}\n{\"line\":\"a\"}\n";
	static const char more[] = "{\"line\":7}\nnot JSON\n"
				   "{\"line\":\"bye\"}\n{\"verb\":\"echo\"}\n";
	struct bench *b = *state;
	int fd = dial(b);

	assert_int_equal(send(fd, said, sizeof(said) - 1, 0), sizeof(said) - 1);
	hear(b, fd, "{\"item\":\"a\"}\n");
	b->now_ms += 10 * CTL_IDLE_MS;
	hear(b, fd, "");
	assert_int_equal(send(fd, more, sizeof(more) - 1, 0), sizeof(more) - 1);
	hear(b, fd, "{\"item\":\"bye\"}\n{\"ok\":true}\n{\"ok\":true}\n");
	(void)close(fd);
	turn(b);
}

/* A line that comes too early: the daemon does not turn in circles until it is
 * wanted, and nothing of it is lost. */
static void
a_line_waits_until_the_verb_wants_it(void **state)
{
	static const char said[] = "{\"verb\":\"deaf\"}\n{\"line\":\"a\"}\n";
	static const char more[] = "{\"line\":\"bye\"}\n{\"verb\":\"echo\"}\n";
	struct bench *b = *state;
	int fd = dial(b);
	size_t refusals;

	b->news = 0;
	assert_int_equal(send(fd, said, sizeof(said) - 1, 0), sizeof(said) - 1);
	hear(b, fd, "");
	refusals = b->refusals;
	turn(b);
	assert_int_equal(b->refusals, refusals);
	assert_int_equal(send(fd, more, sizeof(more) - 1, 0), sizeof(more) - 1);
	hear(b, fd, "");
	tell(b, 1);
	hear(b, fd,
	    "{\"item\":\"a\"}\n{\"item\":\"bye\"}\n{\"ok\":true}\n"
	    "{\"ok\":true}\n");
	(void)close(fd);
	turn(b);
}

static void
who_hangs_up_with_a_line_unheard_is_noticed(void **state)
{
	static const char said[] = "{\"verb\":\"deaf\"}\n{\"line\":\"a\"}\n";
	struct bench *b = *state;
	int fd = dial(b);

	b->news = 0;
	assert_int_equal(send(fd, said, sizeof(said) - 1, 0), sizeof(said) - 1);
	hear(b, fd, "");
	assert_non_null(b->waiting);
	(void)close(fd);
	turn(b);
	assert_null(b->waiting);
}

/* Ctrl-C at a check: what it waits for ends with it. */
static void
who_hangs_up_ends_what_is_waited_for(void **state)
{
	static const char said[] = "{\"verb\":\"wait\"}\n";
	struct bench *b = *state;
	int fd = dial(b);

	assert_int_equal(send(fd, said, sizeof(said) - 1, 0), sizeof(said) - 1);
	hear(b, fd, "");
	assert_non_null(b->waiting);
	(void)close(fd);
	turn(b);
	assert_null(b->waiting);
}

static void
become(uid_t uid)
{
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(seteuid(uid), 0);
}

/* The socket's peer is this process: its user is the daemon's. */
static void
the_daemons_own_user_is_privileged(void **state)
{
	talk(*state, "{\"verb\":\"secret\"}\n", 100, "{\"ok\":true}\n", false);
	if (getuid() != 0)
		return;
	become(OTHER_UID);
	talk(*state, "{\"verb\":\"secret\"}\n", 100, "{\"ok\":true}\n", false);
	become(0);
}

static void
others_may_not_do_what_is_privileged(void **state)
{
	static const char said[] = "{\"verb\":\"secret\"}\n";
	struct bench *b = *state;
	struct buf got;
	bool is_closed;
	int fd;

	if (getuid() != 0)
		skip();
	become(OTHER_UID);
	fd = dial(b);
	become(0);
	assert_int_equal(write(fd, said, strlen(said)), strlen(said));
	buf_init(&got, 1000);
	drain(b, fd, &got, &is_closed);
	assert_buf(&got,
	    "{\"ok\":false,\"error\":\"only root and the user of relaisd may "
	    "do this\"}\n");
	buf_clear(&got);
	assert_int_equal(close(fd), 0);
	turn(b);
}

/* Not even what its own rights would allow. */
static void
a_connection_that_looks_as_another_user_does_only_that(void **state)
{
	if (getuid() != 0)
		skip();
	talk(*state,
	    "{\"verb\":\"who\"}\n{\"verb\":\"as\"}\n{\"verb\":\"who\"}\n"
	    "{\"verb\":\"list\"}\n{\"verb\":\"as\"}\n{\"verb\":\"secret\"}\n",
	    100,
	    "{\"ok\":true,\"result\":0}\n{\"ok\":true}\n"
	    "{\"ok\":true,\"result\":54321}\n"
	    "{\"ok\":false,\"error\":\"this connection may only look\"}\n"
	    "{\"ok\":false,\"error\":\"this connection may only look\"}\n"
	    "{\"ok\":false,\"error\":\"only root and the user of relaisd may "
	    "do this\"}\n",
	    false);
}

static void
R20_users_leave_room_for_the_administrator(void **state)
{
	enum { PLACES = CTL_CONNECTIONS_MAX - CTL_CONNECTIONS_RESERVED };
	struct bench *b = *state;
	int fds[PLACES + 1];
	struct buf got;
	bool is_closed;

	if (getuid() != 0)
		skip();
	for (unsigned i = 0; i <= PLACES; i++) {
		become(OTHER_UID + i / CTL_CONNECTIONS_PER_UID);
		fds[i] = dial(b);
		become(0);
		turn(b);
	}
	buf_init(&got, 1000);
	drain(b, fds[PLACES], &got, &is_closed);
	assert_true(is_closed);
	assert_buf(&got, "{\"ok\":false,\"error\":\"too many connections\"}\n");
	buf_clear(&got);
	talk(b, "{\"verb\":\"echo\"}\n", 100, "{\"ok\":true}\n", false);
	for (unsigned i = 0; i <= PLACES; i++)
		assert_int_equal(close(fds[i]), 0);
	turn(b);
}

/* Or somebody who sends two thousand at once has all others wait. */
static void
of_many_requests_at_once_one_is_answered_in_a_turn(void **state)
{
	struct bench *b = *state;
	size_t first = b->echoes, before;
	int fd = dial(b);
	struct buf all;

	buf_init(&all, 65536);
	for (int i = 0; i < 500; i++)
		assert_true(buf_adds(&all, "{\"verb\":\"echo\"}\n"));
	assert_int_equal(
	    write(fd, buf_str(&all), buf_len(&all)), buf_len(&all));
	buf_clear(&all);
	for (int i = 0; i < 5000 && b->echoes < first + 500; i++) {
		before = b->echoes;
		loop_run_once(b->loop, false);
		assert_true(b->echoes <= before + 1);
	}
	assert_int_equal(b->echoes, first + 500);
	(void)close(fd);
	turn(b);
}

/* A listing takes turns with the others, too. */
static void
a_listing_and_a_request_of_another_go_side_by_side(void **state)
{
	struct bench *b = *state;
	int slow = dial(b), quick = dial(b);
	size_t rounds = b->most_rounds, echoes = b->echoes;

	assert_int_equal(write(slow, "{\"verb\":\"list\"}\n", 16), 16);
	turn(b);
	assert_true(b->most_rounds > rounds && b->most_rounds < rounds + 40);
	assert_int_equal(write(quick, "{\"verb\":\"echo\"}\n", 16), 16);
	turn(b);
	assert_int_equal(b->echoes, echoes + 1);
	(void)close(slow);
	(void)close(quick);
	turn(b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_answered_in_order),
		cmocka_unit_test(
		    wrong_requests_are_refused_and_garbage_hung_up_on),
		cmocka_unit_test(a_request_has_a_limit),
		cmocka_unit_test(who_does_not_read_is_left_waiting),
		cmocka_unit_test(
		    of_many_requests_at_once_one_is_answered_in_a_turn),
		cmocka_unit_test(
		    a_listing_and_a_request_of_another_go_side_by_side),
		cmocka_unit_test(breaking_off_at_any_byte_does_no_harm),
		cmocka_unit_test(each_user_has_so_many_connections),
		cmocka_unit_test(who_is_refused_holds_few_descriptors),
		cmocka_unit_test(who_says_nothing_is_hung_up_on),
		cmocka_unit_test(a_verb_may_wait_and_tell_bit_by_bit),
		cmocka_unit_test(a_client_may_answer_while_a_verb_waits),
		cmocka_unit_test(a_line_waits_until_the_verb_wants_it),
		cmocka_unit_test(who_hangs_up_with_a_line_unheard_is_noticed),
		cmocka_unit_test(who_hangs_up_ends_what_is_waited_for),
		cmocka_unit_test(
		    a_connection_that_looks_as_another_user_does_only_that),
		cmocka_unit_test(others_may_not_do_what_is_privileged),
		cmocka_unit_test(R20_users_leave_room_for_the_administrator),
		cmocka_unit_test(the_daemons_own_user_is_privileged),
	};

	return cmocka_run_group_tests(tests, bench_up, bench_down);
}
