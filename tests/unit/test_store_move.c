/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All messages of a store go to another one, whatever breaks it off. */
#include "tests/lib/check.h"

#include <stdlib.h>
#include <string.h>

#include "store/store_move.h"
#include "store/store_text.h"
#include "tests/lib/memory_store.h"

struct fixture {
	struct store *here, *far;
	struct store_move move;
};

static struct fixture *the; /* of the mover's functions */
static size_t given;
static bool cannot_give;

static int
take(struct store *far, size_t max, struct err *err)
{
	(void)max;
	(void)err;
	return (int)(memory_store_count(far, STORE_QUEUE) +
		     memory_store_count(far, STORE_FAILED));
}

static int
give(struct store *far, const char (*ids)[QID_SIZE], size_t n, struct err *err)
{
	(void)far;
	(void)ids;
	if (cannot_give)
		return err_set(err, ERR_NETWORK, "away");
	given += n;
	return 0;
}

static struct bytes
all_lines(void *ctx)
{
	return *(const struct bytes *)ctx;
}

static void
written(void *ctx)
{
	(void)ctx;
}

static int
put(struct store *far, const char *id, struct bytes header, struct store *from,
    struct store_message *m, const struct store_notes *notes, struct err *err)
{
	size_t size = (size_t)m->env->size_bytes, n = 0, more = 1;
	char *p = malloc(size + 1);
	int rc;

	assert_non_null(p);
	while (n < size && more > 0) {
		assert_int_equal(
		    from->ops->message_read(m, n, p + n, size - n, &more, err),
		    0);
		n += more;
	}
	rc = far->ops->put(far, id, header, bytes_of(p, n), notes, err);
	free(p);
	return rc;
}

static const struct store_mover mover = { take, give, put };

static int
setup(void **state)
{
	static struct fixture f;

	f = (struct fixture) { .here = memory_store_new(),
		.far = memory_store_new() };
	f.move = (struct store_move) {
		.here = f.here, .far = f.far, .mover = &mover
	};
	the = &f;
	given = 0;
	cannot_give = false;
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	store_free(f->here);
	store_free(f->far);
	return 0;
}

/* One of so many bytes, and what its journal is to have. */
static void
keep(struct store *s, const char *id, size_t size, enum store_place place,
    bool is_held)
{
	struct envelope *env = envelope_new();
	struct buf header, journal;
	struct bytes lines;
	const struct store_notes notes = { all_lines, written, &lines };
	enum store_place at = STORE_QUEUE;
	char *p = malloc(size);
	struct err err;

	assert_non_null(p);
	memset(p, 'x', size);
	memcpy(env->id, id, QID_SIZE);
	envelope_set(&env->sender, "a@example.test");
	envelope_set(&env->peer, "unix");
	(void)envelope_add_rcpt(env, "b@example.test");
	env->size_bytes = size;
	env->arrived_s = 1000;
	buf_init(&header, STORE_HEADER_MAX);
	buf_init(&journal, 10000);
	assert_true(store_text_header(&header, STORE_TEXT_MESSAGE, env, 0));
	assert_true(journal_attempt(&journal, 5000, 4000));
	if (is_held)
		assert_true(journal_hold(&journal, 6000, "by hand"));
	lines = buf_bytes(&journal);
	assert_int_equal(s->ops->put(s, id, buf_bytes(&header),
			     bytes_of(p, size), &notes, &err),
	    0);
	if (place != at)
		assert_int_equal(
		    s->ops->finish(s, &at, place, id, bytes_of("", 0), &err),
		    0);
	buf_clear(&header);
	buf_clear(&journal);
	envelope_free(env);
	free(p);
}

static const char small[] = "00000000aaaaaaaa", large[] = "00000000bbbbbbbb",
		  failed[] = "00000000cccccccc";

static void
keep_three(struct store *s)
{
	keep(s, small, 100, STORE_QUEUE, true);
	keep(s, large, 1000000, STORE_QUEUE, false);
	keep(s, failed, 10, STORE_FAILED, false);
}

static void
assert_moved(struct store *from, struct store *to)
{
	struct store_message *m;
	struct err err;

	assert_int_equal(memory_store_count(from, STORE_QUEUE), 0);
	assert_int_equal(memory_store_count(from, STORE_FAILED), 0);
	assert_int_equal(memory_store_count(to, STORE_QUEUE), 2);
	assert_int_equal(memory_store_count(to, STORE_FAILED), 1);
	assert_true(memory_store_has(to, small, "hold "));
	assert_int_equal(
	    to->ops->load(to, STORE_QUEUE, small, &m, &err), STORE_OK);
	assert_true(m->state.is_held);
	assert_int_equal(m->state.attempts, 1);
	assert_int_equal(m->env->size_bytes, 100);
	to->ops->message_free(m);
	assert_int_equal(
	    to->ops->load(to, STORE_QUEUE, large, &m, &err), STORE_OK);
	assert_int_equal(m->env->size_bytes, 1000000);
	to->ops->message_free(m);
}

static void
all_go_there_with_what_happened_to_them(void **state)
{
	struct fixture *f = *state;
	struct err err;

	keep_three(f->here);
	assert_int_equal(store_move_run(&f->move, &err), 0);
	assert_moved(f->here, f->far);
	assert_int_equal(f->move.moved, 3);
	assert_int_equal(given, 3);
}

static void
and_back(void **state)
{
	struct fixture *f = *state;
	struct err err;

	keep_three(f->far);
	f->move.is_export = true;
	assert_int_equal(store_move_run(&f->move, &err), 0);
	assert_moved(f->far, f->here);
}

/* The moment between writing there and removing here, and the one between
 * removing here and letting go there. */
static void
what_was_broken_off_goes_on(void **state)
{
	struct fixture *f = *state;
	struct err err;

	keep_three(f->here);
	keep(f->far, small, 100, STORE_QUEUE, true);
	keep(f->far, failed, 10, STORE_QUEUE, false);
	cannot_give = true;
	assert_int_equal(store_move_run(&f->move, &err), -1);
	cannot_give = false;
	assert_int_equal(store_move_run(&f->move, &err), 0);
	assert_moved(f->here, f->far);
}

static void
what_is_sent_does_not_come_back(void **state)
{
	struct fixture *f = *state;
	struct buf line;
	struct err err;

	keep_three(f->here);
	buf_init(&line, 1000);
	assert_true(journal_done(&line, 7000));
	assert_int_equal(f->here->ops->append(f->here, STORE_QUEUE, small,
			     buf_bytes(&line), true, &err),
	    0);
	buf_clear(&line);
	assert_int_equal(store_move_run(&f->move, &err), 0);
	assert_int_equal(memory_store_count(f->here, STORE_QUEUE), 0);
	assert_int_equal(memory_store_count(f->far, STORE_QUEUE), 1);
}

static void
a_store_that_is_away_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct err err;

	keep_three(f->here);
	memory_store_fail(f->far, ERR_NETWORK);
	assert_int_equal(store_move_run(&f->move, &err), -1);
	assert_int_equal(memory_store_count(f->here, STORE_QUEUE), 2);
	assert_int_equal(memory_store_count(f->here, STORE_FAILED), 1);
	memory_store_fail(f->far, ERR_NONE);
	assert_int_equal(store_move_run(&f->move, &err), 0);
	assert_moved(f->here, f->far);
}

static void
until_its_end_nothing_else_begins(void **state)
{
	struct fixture *f = *state;
	int64_t number, again;
	struct err err;

	assert_int_equal(store_move_check(f->here, &err), 0);
	assert_int_equal(
	    store_move_begin(f->here, false, "db", 12345678, &number, &err), 0);
	assert_true(number > 0);
	assert_int_equal(store_move_check(f->here, &err), -1);
	assert_non_null(strstr(err.text, "relais store import"));
	assert_int_equal(
	    store_move_begin(f->here, false, "db", 999999999, &again, &err), 0);
	assert_int_equal(again, number);
	assert_int_equal(
	    store_move_begin(f->here, true, "db", 1, &again, &err), -1);
	assert_int_equal(
	    store_move_begin(f->here, false, "other", 1, &again, &err), -1);
	assert_int_equal(store_move_end(f->here, &err), 0);
	assert_int_equal(store_move_check(f->here, &err), 0);
	assert_int_equal(
	    store_move_begin(f->here, true, "db", 999999999, &again, &err), 0);
	assert_int_not_equal(again, number);
}

static void
a_damaged_note_is_said(void **state)
{
	static const char *const notes[] = { "x", "import", "import \n",
		"import 7", "import x db\n", "export 0 db\n", "wrong 7 db\n" };
	struct fixture *f = *state;
	int64_t number;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
		assert_int_equal(f->here->ops->state_write(f->here, "moving",
				     bytes_str(notes[i]), &err),
		    0);
		assert_int_equal(
		    store_move_begin(f->here, false, "db", 1, &number, &err),
		    -1);
		assert_non_null(strstr(err.text, "is damaged"));
	}
}

int
main(void)
{
#define MOVE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static const struct CMUnitTest tests[] = {
		MOVE(all_go_there_with_what_happened_to_them),
		MOVE(and_back),
		MOVE(what_was_broken_off_goes_on),
		MOVE(what_is_sent_does_not_come_back),
		MOVE(a_store_that_is_away_loses_nothing),
		MOVE(until_its_end_nothing_else_begins),
		MOVE(a_damaged_note_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
