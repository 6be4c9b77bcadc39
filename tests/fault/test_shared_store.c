/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What PostgreSQL as a store promises to relays that share it: whose a message
 * is, that what comes late changes nothing, and that a commit whose answer was
 * lost counts once.
 *
 * Each relay here is a store that this process has opened; the server is the
 * one that TEST_STORE names (tests/e2e/stores.sh), with nobody else on it. */
#include "tests/lib/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "store/store.h"
#include "store/store_module.h"
#include "store/store_move.h"
#include "store/store_text.h"
#include "sys/fs_sys.h"
#include "tests/lib/database.h"
#include "tests/lib/temp.h"

enum { BEAT_MS = 4000, LARGE = 600 * 1000, UID = 1000 };

static const char id1[] = "0000000000000001", id2[] = "0000000000000002";
static const struct bytes hello = { "Subject: hi\r\n\r\nhello\r\n", 22 };
static const struct bytes line = { "a line\n", 7 };

/* --- relays --------------------------------------------------------------- */

/* Theirs; it goes on by itself only where a test says so. */
static atomic_llong boot_ms;

static int64_t
boot(void *ctx)
{
	(void)ctx;
	return boot_ms;
}

static int64_t
wall(void *ctx)
{
	(void)ctx;
	return INT64_C(1750000000000);
}

static const struct clock slow_clock = { boot, wall, NULL, NULL };

enum { A, B, RELAYS };

struct fixture {
	char dir[RELAYS][64];
	struct store *relay[RELAYS];
	struct err err; /* of the newest call */
	pthread_t thread; /* of begin() */
};

static struct store *
enter(struct fixture *f, int relay, const char *name)
{
	struct err err = { 0 };

	if (database_open(name, f->dir[relay], fs_sys(), &slow_clock,
		&f->relay[relay], &err) != 0)
		fail_msg("%s", err.text);
	return f->relay[relay];
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	boot_ms = 1000000;
	database_empty();
	for (int i = 0; i < RELAYS; i++)
		temp_dir(f->dir[i], sizeof(f->dir[i]), "relais-shared");
	(void)enter(f, A, "a");
	(void)enter(f, B, "b");
	*state = f;
	return 0;
}

static void
leave(struct fixture *f, int relay)
{
	store_free(f->relay[relay]);
	f->relay[relay] = NULL;
}

static void
set(const char *name, const char *value)
{
	char sql[200];

	(void)snprintf(
	    sql, sizeof(sql), "ALTER SYSTEM SET %s = '%s'", name, value);
	(void)database_ask(sql);
	(void)database_ask("SELECT pg_reload_conf()");
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) WHERE current_setting('%s') = '%s'", name, value);
	for (int i = 0; i < 3000; i++) {
		if (database_ask(sql) != 0)
			return;
		(void)usleep(20 * 1000);
	}
	fail_msg("%s does not become %s", name, value);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	(void)database_ask("ALTER SYSTEM RESET ALL");
	(void)database_ask("SELECT pg_reload_conf()");
	for (int i = 0; i < RELAYS; i++) {
		leave(f, i);
		temp_dir_remove(f->dir[i]);
	}
	free(f);
	return 0;
}

static const struct store_counts none;

static int
beat(struct store *s, struct err *err)
{
	return s->ops->heartbeat(s, &none, err);
}

/* So long that it may take from the dead. */
static void
beat_on(struct store *s)
{
	struct err err = { 0 };

	for (int i = 0; i < 4; i++) {
		if (beat(s, &err) < 0)
			fail_msg("%s", err.text);
		boot_ms += BEAT_MS;
	}
}

/* After a failure of the server: the next beats may find a connection that is
 * gone, and the pause before another. */
static void
beat_again(struct store *s)
{
	struct err err = { 0 };

	for (int i = 0; i < 4; i++) {
		if (beat(s, &err) >= 0)
			return;
		boot_ms += 1000;
		(void)usleep(100 * 1000);
	}
	fail_msg("%s", err.text);
}

static void
is_silent(int relay, const char *since)
{
	char sql[200];

	(void)snprintf(sql, sizeof(sql),
	    "UPDATE relais_node SET pid = 0, seen = now() - interval '%s'"
	    " WHERE name = '%s'",
	    since, relay == A ? "a" : "b");
	(void)database_ask(sql);
}

static void
take_for_dead(int relay)
{
	(void)database_ask(
	    relay == A
		? "UPDATE relais_node SET is_dead = true WHERE name = 'a'"
		: "UPDATE relais_node SET is_dead = true WHERE name = 'b'");
}

/* Messages that a scan finds; the last one's id. */
static size_t
scan(struct store *s, char id[QID_SIZE])
{
	struct store_scan *c = s->ops->scan_new(s, 0);
	enum store_place place;
	struct err err;
	size_t n = 0;

	while (s->ops->scan_next(c, &place, id, &err) == STORE_FOUND_ONE)
		n++;
	s->ops->scan_free(c);
	return n;
}

/* What its scan finds after one beat. */
static size_t
found_at_beat(struct fixture *f, int relay)
{
	char id[QID_SIZE];

	assert_true(beat(f->relay[relay], &f->err) >= 0);
	return scan(f->relay[relay], id);
}

/* --- messages ------------------------------------------------------------- */

static struct envelope *
envelope(size_t size)
{
	struct envelope *e = envelope_new();

	envelope_set(&e->sender, "sender@example.org");
	(void)envelope_add_rcpt(e, "to@example.net");
	e->uid = UID;
	e->size_bytes = size;
	return e;
}

static int
put_noted(struct store *s, const char *id, const struct store_notes *notes,
    struct err *err)
{
	struct envelope *e = envelope(hello.n);
	struct buf header;
	int rc;

	buf_init(&header, STORE_HEADER_MAX);
	assert_true(store_text_header(&header, STORE_TEXT_MESSAGE, e, 0));
	rc = s->ops->put(s, id, buf_bytes(&header), hello, notes, err);
	buf_clear(&header);
	envelope_free(e);
	return rc;
}

static void
put(struct store *s, const char *id)
{
	struct err err = { 0 };

	if (put_noted(s, id, NULL, &err) != 0)
		fail_msg("%s", err.text);
}

static int
put_large(struct store *s, const char *id, struct err *err)
{
	struct envelope *e = envelope(LARGE);
	char *text = malloc(LARGE);
	struct store_draft *d;
	int rc;

	for (int i = 0; i < LARGE; i++)
		text[i] = (char)('a' + i / 1000 % 26);
	assert_int_equal(s->ops->draft_new(s, id, &d, err), 0);
	assert_int_equal(s->ops->draft_write(d, text, LARGE, err), 0);
	assert_int_equal(s->ops->draft_end(d, e, err), 0);
	rc = s->ops->draft_commit(d, NULL, err);
	s->ops->draft_free(d);
	free(text);
	envelope_free(e);
	return rc;
}

static struct store_message *
load(struct store *s, const char *id)
{
	struct store_message *m = NULL;
	struct err err = { 0 };

	if (s->ops->load(s, STORE_QUEUE, id, &m, &err) != STORE_OK)
		fail_msg("not loaded: %s", err.text);
	return m;
}

static size_t
messages(void)
{
	return database_ask("SELECT count(*) FROM relais_message");
}

static size_t
journal_bytes(void)
{
	return database_ask("SELECT length(journal) FROM relais_message");
}

/* A has a message, is taken for dead, and B has it. */
static void
take_over(struct fixture *f)
{
	char id[QID_SIZE] = "";
	struct err err = { 0 };

	put(f->relay[A], id1);
	take_for_dead(A);
	assert_true(beat(f->relay[B], &err) >= 0);
	assert_int_equal(scan(f->relay[B], id), 1);
	assert_string_equal(id, id1);
}

/* --- what comes late ------------------------------------------------------ */

static void
a_late_line_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct store *a = f->relay[A];

	take_over(f);
	assert_int_equal(
	    a->ops->append(a, STORE_QUEUE, id1, line, true, &f->err), -1);
	assert_int_equal(f->err.class, ERR_LOST);
	assert_int_equal(journal_bytes(), 0);
}

static void
a_late_move_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct store *a = f->relay[A];
	enum store_place place = STORE_QUEUE;

	take_over(f);
	assert_int_equal(
	    a->ops->finish(a, &place, STORE_FAILED, id1, line, &f->err), -1);
	assert_int_equal(f->err.class, ERR_LOST);
	assert_int_equal(place, STORE_QUEUE);
	assert_int_equal(journal_bytes(), 0);
	assert_int_equal(
	    database_ask("SELECT place FROM relais_message"), STORE_QUEUE);
}

static void
a_late_removal_removes_nothing(void **state)
{
	struct fixture *f = *state;
	struct store *a = f->relay[A];

	take_over(f);
	assert_int_equal(a->ops->remove(a, STORE_QUEUE, id1, &f->err), 0);
	assert_int_equal(messages(), 1);
	assert_int_equal(database_ask("SELECT count(*) FROM relais_body"), 1);
}

static void
what_is_anothers_is_not_loaded(void **state)
{
	struct fixture *f = *state;
	struct store *a = f->relay[A];
	struct store_message *m;

	take_over(f);
	assert_int_equal(
	    a->ops->load(a, STORE_QUEUE, id1, &m, &f->err), STORE_GONE);
}

/* It was loaded while it was ours. */
static void
what_has_become_anothers_is_not_read(void **state)
{
	struct fixture *f = *state;
	struct store *a = f->relay[A];
	struct store_message *m;

	put(a, id1);
	m = load(a, id1);
	take_for_dead(A);
	assert_true(beat(f->relay[B], &f->err) >= 0);
	assert_int_not_equal(a->ops->message_fetch(m, &f->err), STORE_OK);
	a->ops->message_free(m);
}

static void
a_relay_taken_for_dead_makes_no_message(void **state)
{
	struct fixture *f = *state;

	take_for_dead(A);
	assert_int_equal(put_noted(f->relay[A], id1, NULL, &f->err), -1);
	assert_int_equal(messages(), 0);
}

static void
a_relay_taken_for_dead_makes_no_large_message(void **state)
{
	struct fixture *f = *state;

	take_for_dead(A);
	assert_int_equal(put_large(f->relay[A], id1, &f->err), -1);
	assert_int_equal(messages(), 0);
}

static void
a_relay_taken_for_dead_learns_it_at_its_beat(void **state)
{
	struct fixture *f = *state;

	take_for_dead(A);
	assert_int_equal(beat(f->relay[A], &f->err), -1);
	assert_int_equal(f->err.class, ERR_LOST);
}

/* --- whose a message is --------------------------------------------------- */

static void
what_a_relay_leaves_is_anothers_at_once(void **state)
{
	struct fixture *f = *state;

	put(f->relay[A], id1);
	leave(f, A);
	assert_int_equal(found_at_beat(f, B), 1);
}

static void
what_a_living_relay_has_stays_its(void **state)
{
	struct fixture *f = *state;
	char id[QID_SIZE];

	put(f->relay[A], id1);
	is_silent(A, "8 s");
	beat_on(f->relay[B]);
	assert_int_equal(scan(f->relay[B], id), 0);
	assert_true(beat(f->relay[A], &f->err) >= 0);
}

static void
what_a_silent_relay_has_is_anothers_after_ten_seconds(void **state)
{
	struct fixture *f = *state;
	char id[QID_SIZE];

	put(f->relay[A], id1);
	is_silent(A, "11 s");
	beat_on(f->relay[B]);
	assert_int_equal(scan(f->relay[B], id), 1);
}

/* After a pause of the database all are late at once. */
static void
who_was_not_heard_itself_takes_nothing(void **state)
{
	struct fixture *f = *state;
	char id[QID_SIZE];

	put(f->relay[A], id1);
	is_silent(A, "11 s");
	for (int i = 0; i < 3; i++) {
		boot_ms += 2 * BEAT_MS;
		assert_true(beat(f->relay[B], &f->err) >= 0);
	}
	assert_int_equal(scan(f->relay[B], id), 0);
}

static void
a_damaged_message_waits_for_a_person(void **state)
{
	struct fixture *f = *state;

	put(f->relay[A], id1);
	(void)database_ask("UPDATE relais_message SET place = 2");
	leave(f, A);
	assert_int_equal(found_at_beat(f, B), 0);
}

/* It is one of another machine. */
static void
the_uid_of_another_relays_message_is_nobodys(void **state)
{
	struct fixture *f = *state;
	struct store *b = f->relay[B];
	struct store_message *m;
	struct store_scan *c;
	enum store_place place;
	char id[QID_SIZE];

	put(b, id2);
	put(f->relay[A], id1);
	take_for_dead(A);
	assert_true(beat(b, &f->err) >= 0);
	/* What a scan has just handed out, and what is asked for. */
	c = b->ops->scan_new(b, 0);
	assert_int_equal(
	    b->ops->scan_next(c, &place, id, &f->err), STORE_FOUND_ONE);
	for (int i = 0; i < 2; i++) {
		m = load(b, id1);
		assert_int_equal(m->env->uid, UID_UNKNOWN);
		b->ops->message_free(m);
	}
	b->ops->scan_free(c);
	m = load(b, id2);
	assert_int_equal(m->env->uid, UID);
	b->ops->message_free(m);
}

static void
a_second_message_of_the_same_id_is_refused(void **state)
{
	struct fixture *f = *state;

	put(f->relay[A], id1);
	assert_int_equal(put_noted(f->relay[A], id1, NULL, &f->err), -1);
	assert_int_equal(put_large(f->relay[A], id1, &f->err), -1);
	assert_int_equal(
	    database_ask("SELECT length(part) FROM relais_body"), hello.n);
}

static void
what_moves_is_no_relays(void **state)
{
	static const char ids[1][QID_SIZE] = { "0000000000000001" };
	const struct store_module *m;
	struct fixture *f = *state;
	char id[QID_SIZE];

	assert_int_equal(store_module_load("postgres", &m, &f->err), 0);
	m->set_move(f->relay[A], 7);
	put(f->relay[A], id1);
	beat_on(f->relay[B]);
	assert_int_equal(scan(f->relay[B], id), 0);
	assert_int_equal(m->mover->give(f->relay[A], ids, 1, &f->err), 0);
	assert_int_equal(found_at_beat(f, B), 1);
}

/* --- answers that are lost ------------------------------------------------ */

/* The commit of a relay waits for a standby that there is none of. */
static void
wait_for_commit(void)
{
	for (int i = 0; i < 3000; i++) {
		if (database_ask("SELECT count(*) FROM pg_stat_activity"
				 " WHERE wait_event = 'SyncRep'") > 0)
			return;
		(void)usleep(20 * 1000);
	}
	fail_msg("there is no commit to wait for");
}

/* They have ended when it returns, for both sides. */
static void
end_connections(const char *which)
{
	char *sql = xasprintf("SELECT count(pg_terminate_backend(pid, 10000))"
			      " FROM pg_stat_activity WHERE %s",
	    which);

	(void)database_ask(sql);
	free(sql);
}

static void
standby(bool wants)
{
	set("synchronous_standby_names", wants ? "nobody" : "");
}

/* The connection goes while the commit, which is done, waits. */
static void *
lose_answer(void *arg)
{
	wait_for_commit();
	end_connections("wait_event = 'SyncRep'");
	standby(false);
	return arg;
}

/* And the server takes no other one. */
static void *
lose_server(void *arg)
{
	wait_for_commit();
	set("full_page_writes", "off");
	end_connections("wait_event = 'SyncRep'");
	(void)usleep(300 * 1000);
	boot_ms += 60 * 1000;
	return arg;
}

/* Somebody cancels the wait: the server only warns then. */
static void *
cancel_wait(void *arg)
{
	wait_for_commit();
	(void)database_ask("SELECT count(pg_cancel_backend(pid))"
			   " FROM pg_stat_activity"
			   " WHERE wait_event = 'SyncRep'");
	wait_for_commit();
	standby(false);
	return arg;
}

/* Something happens to the commit that comes next. */
static void
begin(struct fixture *f, void *(*run)(void *arg))
{
	standby(true);
	assert_int_equal(pthread_create(&f->thread, NULL, run, NULL), 0);
}

static void
end(struct fixture *f)
{
	(void)pthread_join(f->thread, NULL);
}

struct noted {
	int taken, written;
};

static struct bytes
take_notes(void *ctx)
{
	((struct noted *)ctx)->taken++;
	return line;
}

static void
notes_written(void *ctx)
{
	((struct noted *)ctx)->written++;
}

static void
a_message_whose_answer_is_lost_is_there_once(void **state)
{
	struct fixture *f = *state;
	struct noted n = { 0 };
	const struct store_notes notes = { take_notes, notes_written, &n };
	int rc;

	begin(f, lose_answer);
	rc = put_noted(f->relay[A], id1, &notes, &f->err);
	end(f);
	assert_int_equal(rc, 0);
	assert_int_equal(n.taken, 1);
	assert_int_equal(n.written, 1);
	assert_int_equal(messages(), 1);
	assert_int_equal(journal_bytes(), line.n);
}

static void
a_large_message_whose_answer_is_lost_is_there_once(void **state)
{
	struct fixture *f = *state;
	int rc;

	begin(f, lose_answer);
	rc = put_large(f->relay[A], id1, &f->err);
	end(f);
	assert_int_equal(rc, 0);
	assert_int_equal(messages(), 1);
}

static void
a_wait_that_is_cancelled_is_no_answer(void **state)
{
	struct fixture *f = *state;
	int rc;

	begin(f, cancel_wait);
	rc = put_noted(f->relay[A], id1, NULL, &f->err);
	end(f);
	assert_int_equal(rc, 0);
	assert_int_equal(messages(), 1);
}

static void
a_line_whose_answer_is_lost_is_there_once(void **state)
{
	struct fixture *f = *state;
	struct store *a = f->relay[A];
	int rc;

	put(a, id1);
	begin(f, lose_answer);
	rc = a->ops->append(a, STORE_QUEUE, id1, line, true, &f->err);
	end(f);
	assert_int_equal(rc, 0);
	assert_int_equal(journal_bytes(), line.n);
}

static void
a_move_whose_answer_is_lost_is_done_once(void **state)
{
	struct fixture *f = *state;
	struct store *a = f->relay[A];
	enum store_place place = STORE_QUEUE;
	int rc;

	put(a, id1);
	begin(f, lose_answer);
	rc = a->ops->finish(a, &place, STORE_FAILED, id1, line, &f->err);
	end(f);
	assert_int_equal(rc, 0);
	assert_int_equal(place, STORE_FAILED);
	assert_int_equal(journal_bytes(), line.n);
}

static void
history_whose_answer_is_lost_is_there_once(void **state)
{
	const struct store_history_limits limits = { 1000, 1000 * 1000 };
	struct fixture *f = *state;
	struct store *a = f->relay[A];
	int rc;

	begin(f, lose_answer);
	rc = a->ops->history_add(a, line, &limits, 0, &f->err);
	end(f);
	assert_int_equal(rc, 0);
	assert_int_equal(
	    database_ask("SELECT sum(length(lines)) FROM relais_history"),
	    line.n);
}

/* Its client hears that it is refused. */
static void
a_message_whose_answer_never_comes_is_removed(void **state)
{
	struct fixture *f = *state;
	int rc;

	begin(f, lose_server);
	rc = put_noted(f->relay[A], id1, NULL, &f->err);
	end(f);
	assert_int_equal(rc, -1);
	standby(false);
	set("full_page_writes", "on");
	assert_int_equal(messages(), 1);
	beat_again(f->relay[A]);
	assert_int_equal(messages(), 0);
}

/* --- what the server promises --------------------------------------------- */

static void
a_server_that_can_lose_mail_is_refused(void **state)
{
	static const char *const names[] = { "fsync", "full_page_writes",
		"synchronous_commit" };
	struct fixture *f = *state;

	leave(f, B);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct err err = { 0 };

		set(names[i], "off");
		assert_int_equal(database_open("b", f->dir[B], fs_sys(),
				     &slow_clock, &f->relay[B], &err),
		    -1);
		assert_non_null(strstr(err.text, names[i]));
		set(names[i], "on");
	}
}

/* A connection is as good as the server was when it was made. */
static void
each_new_connection_is_checked(void **state)
{
	struct fixture *f = *state;

	put(f->relay[A], id1);
	set("synchronous_commit", "off");
	end_connections("application_name LIKE 'relais%'");
	assert_int_equal(put_noted(f->relay[A], id2, NULL, &f->err), -1);
	assert_int_equal(messages(), 1);
}

static void
the_loop_waits_for_no_connection(void **state)
{
	const struct store_module *m;
	struct fixture *f = *state;

	assert_int_equal(store_module_load("postgres", &m, &f->err), 0);
	m->start(f->relay[A]);
	put(f->relay[A], id1); /* over one that is there */
	end_connections("application_name LIKE 'relais%'");
	assert_int_equal(put_noted(f->relay[A], id2, NULL, &f->err), -1);
	assert_int_equal(f->err.class, ERR_NETWORK);
}

/* --- reading ------------------------------------------------------------- */

static void
a_message_with_a_changed_byte_is_damaged(void **state)
{
	struct fixture *f = *state;
	struct store *a = f->relay[A];
	struct store_message *m;
	char text[100];
	size_t n;

	put(a, id1);
	(void)database_ask(
	    "UPDATE relais_body SET part = set_byte(part, 3, 0)");
	m = load(a, id1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    a->ops->message_read(m, 0, text, sizeof(text), &n, &f->err),
		    -1);
	assert_true(m->is_damaged);
	a->ops->message_free(m);
}

static void
the_end_of_a_large_message_needs_all_before_it(void **state)
{
	struct fixture *f = *state;
	struct store *a = f->relay[A];
	struct store_message *m;
	char text[4096];
	uint64_t at = 0;
	size_t n = 1;
	int rc = 0;

	assert_int_equal(put_large(a, id1, &f->err), 0);
	(void)database_ask("UPDATE relais_body SET part = set_byte(part, 3, 0)"
			   " WHERE n = 0");
	m = load(a, id1);
	for (; n > 0; at += n) {
		rc = a->ops->message_read(
		    m, at, text, sizeof(text), &n, &f->err);
		if (rc != 0)
			break;
	}
	assert_int_equal(rc, -1);
	assert_true(m->is_damaged);
	assert_true(at < LARGE);
	assert_int_equal(a->ops->message_fetch(m, &f->err), STORE_DAMAGED);
	a->ops->message_free(m);
}

static void
a_message_without_one_of_its_parts_is_damaged(void **state)
{
	struct fixture *f = *state;
	struct store *a = f->relay[A];
	struct store_message *m;

	assert_int_equal(put_large(a, id1, &f->err), 0);
	(void)database_ask("DELETE FROM relais_body WHERE n = 1");
	m = load(a, id1);
	assert_int_equal(a->ops->message_fetch(m, &f->err), STORE_DAMAGED);
	a->ops->message_free(m);
}

/* --- what others have ---------------------------------------------------- */

static void
count_seen(void *ctx, const struct store_seen *m)
{
	(void)m;
	++*(int *)ctx;
}

/* What B sees as this user, or with -1 as the administrator. */
static int
seen_by(struct store *s, int64_t uid)
{
	uint32_t user = (uint32_t)uid;
	struct store_look look = { .uid = uid < 0 ? NULL : &user };
	struct err err = { 0 };
	bool is_over;
	int n = 0;

	assert_int_equal(
	    s->ops->others(s, &look, count_seen, &n, &is_over, &err), 0);
	return n;
}

static enum store_answer
asked_by(struct store *s, int64_t uid)
{
	uint32_t user = (uint32_t)uid;
	struct store_request r = { .what = STORE_HOLD };
	struct err err = { 0 };
	int64_t batch;

	memcpy(r.id, id1, QID_SIZE);
	assert_int_equal(s->ops->ask(s, STORE_HOLD, uid < 0 ? NULL : &user, &r,
			     1, &batch, &err),
	    0);
	return r.answer;
}

static void
a_user_sees_and_changes_what_is_of_that_user_there(void **state)
{
	struct fixture *f = *state;
	struct store *b = f->relay[B];

	put(f->relay[A], id1);
	assert_int_equal(seen_by(b, -1), 1);
	assert_int_equal(seen_by(b, UID), 0); /* of another machine */
	assert_int_equal(asked_by(b, UID), STORE_ANSWER_NONE);
	assert_int_equal(asked_by(b, -1), STORE_ANSWER_WAITS);
	leave(f, B);
	b = enter(f, B, "a"); /* the next run of the relay */
	assert_int_equal(seen_by(b, UID), 1);
	assert_int_equal(seen_by(b, UID + 1), 0);
	assert_int_equal(asked_by(b, UID + 1), STORE_ANSWER_NONE);
	assert_int_equal(asked_by(b, UID), STORE_ANSWER_WAITS);
}

static void
only_the_owner_hears_what_is_wanted_and_once(void **state)
{
	struct fixture *f = *state;
	struct store *a = f->relay[A], *b = f->relay[B];
	struct store_request want = { .what = STORE_HOLD }, r[2];
	int64_t batch;

	put(a, id1);
	memcpy(want.id, id1, QID_SIZE);
	assert_int_equal(
	    b->ops->ask(b, STORE_HOLD, NULL, &want, 1, &batch, &f->err), 0);
	assert_int_equal(b->ops->asked(b, r, 2, &f->err), 0);
	assert_int_equal(a->ops->asked(a, r, 2, &f->err), 1);
	assert_string_equal(r[0].id, id1);
	assert_int_equal(r[0].what, STORE_HOLD);
	assert_int_equal(a->ops->asked(a, &r[1], 1, &f->err), 0);
	r[0].answer = STORE_ANSWER_DONE;
	assert_int_equal(a->ops->answer(a, r, 1, &f->err), 0);
	assert_int_equal(b->ops->answers(b, batch, true, &want, 1, &f->err), 0);
	assert_int_equal(want.answer, STORE_ANSWER_DONE);
	assert_int_equal(
	    database_ask("SELECT count(*) FROM relais_request"), 0);
}

/* Who has asked is told that nobody knows, and may have asked again. */
static void
what_was_wanted_long_ago_is_not_done(void **state)
{
	struct fixture *f = *state;
	struct store *a = f->relay[A];
	struct store_request r;

	put(a, id1);
	assert_int_equal(asked_by(f->relay[B], -1), STORE_ANSWER_WAITS);
	(void)database_ask("UPDATE relais_request"
			   " SET made = now() - interval '2 minutes'");
	assert_int_equal(a->ops->asked(a, &r, 1, &f->err), 0);
}

/* --- what they have in common -------------------------------------------- */

struct turn {
	struct store *other; /* takes a turn in the middle of ours */
	size_t nlive;
};

static void
add_one(void *ctx, const struct share_turn *turn, struct buf *text)
{
	struct turn *t = ctx;
	struct store *other = t->other;
	struct err err = { 0 };

	t->other = NULL;
	t->nlive = turn->nlive;
	if (other != NULL)
		assert_int_equal(other->ops->shared_change(other, "fact",
				     add_one, &(struct turn) { NULL, 0 }, &err),
		    0);
	assert_true(buf_addc(text, 'x'));
}

static size_t
change(struct store *s, struct store *other)
{
	struct turn t = { other, 0 };
	struct err err = { 0 };

	assert_int_equal(
	    s->ops->shared_change(s, "fact", add_one, &t, &err), 0);
	return t.nlive;
}

static void
no_turn_undoes_another(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++) /* the first makes it */
		(void)change(f->relay[A], f->relay[B]);
	assert_int_equal(
	    database_ask("SELECT length(content) FROM relais_shared"), 6);
}

static void
the_dead_have_no_part_in_a_turn(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(change(f->relay[A], NULL), 2);
	take_for_dead(B);
	assert_int_equal(change(f->relay[A], NULL), 1);
}

static void
count_changed(void *ctx, const char *name)
{
	assert_string_equal(name, "fact");
	++*(int *)ctx;
}

static int
changed(struct store *s)
{
	struct err err = { 0 };
	int n = 0;

	assert_int_equal(s->ops->shared_look(s, count_changed, &n, &err), 0);
	return n;
}

static void
what_another_has_changed_is_told_once(void **state)
{
	struct fixture *f = *state;

	(void)change(f->relay[A], NULL);
	assert_int_equal(changed(f->relay[A]), 0);
	assert_int_equal(changed(f->relay[B]), 1);
	assert_int_equal(changed(f->relay[B]), 0);
	(void)change(f->relay[A], NULL);
	assert_int_equal(changed(f->relay[B]), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(a_late_line_changes_nothing),
		T(a_late_move_changes_nothing),
		T(a_late_removal_removes_nothing),
		T(what_is_anothers_is_not_loaded),
		T(what_has_become_anothers_is_not_read),
		T(a_relay_taken_for_dead_makes_no_message),
		T(a_relay_taken_for_dead_makes_no_large_message),
		T(a_relay_taken_for_dead_learns_it_at_its_beat),
		T(what_a_relay_leaves_is_anothers_at_once),
		T(what_a_living_relay_has_stays_its),
		T(what_a_silent_relay_has_is_anothers_after_ten_seconds),
		T(who_was_not_heard_itself_takes_nothing),
		T(a_damaged_message_waits_for_a_person),
		T(the_uid_of_another_relays_message_is_nobodys),
		T(a_second_message_of_the_same_id_is_refused),
		T(what_moves_is_no_relays),
		T(a_message_whose_answer_is_lost_is_there_once),
		T(a_large_message_whose_answer_is_lost_is_there_once),
		T(a_wait_that_is_cancelled_is_no_answer),
		T(a_line_whose_answer_is_lost_is_there_once),
		T(a_move_whose_answer_is_lost_is_done_once),
		T(history_whose_answer_is_lost_is_there_once),
		T(a_message_whose_answer_never_comes_is_removed),
		T(a_server_that_can_lose_mail_is_refused),
		T(each_new_connection_is_checked),
		T(the_loop_waits_for_no_connection),
		T(a_message_with_a_changed_byte_is_damaged),
		T(the_end_of_a_large_message_needs_all_before_it),
		T(a_message_without_one_of_its_parts_is_damaged),
		T(a_user_sees_and_changes_what_is_of_that_user_there),
		T(only_the_owner_hears_what_is_wanted_and_once),
		T(what_was_wanted_long_ago_is_not_done),
		T(no_turn_undoes_another),
		T(the_dead_have_no_part_in_a_turn),
		T(what_another_has_changed_is_told_once),
	};

	if (getenv("TEST_STORE") == NULL)
		return 77; /* tests/e2e/stores.sh runs it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
