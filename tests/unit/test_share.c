/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several relays with one account: their turns at its text in the store, as
 * src/relaisd/sharing.c takes them. */
#include "tests/lib/check.h"

#include <stdlib.h>

#include "account/carry.h"
#include "account/reservation.h"
#include "account/share.h"
#include "base/clock.h"
#include "tests/lib/memory_store.h"

enum {
	RELAYS = 4,
	HOUR_S = 3600,
	BOOT_MS = 5000, /* a relay's clock and the store's differ */
	SENT_MAX = 100000
};

struct relay {
	struct reservation reservation;
	int64_t id;
	bool is_dead;
	size_t connections; /* that it has opened */
};

struct lab {
	struct store *store;
	int64_t now_ms; /* of the store */
	struct relay relays[RELAYS];
	size_t n;
	int64_t live[RELAYS];
	uint64_t limits[BUDGET_WINDOWS];
	size_t max_connections;
	int64_t *sent_ms;
	size_t nsent;
	uint64_t random;
};

static int
setup(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));

	l->store = memory_store_new();
	l->now_ms = 1700000000000;
	l->n = 3;
	l->max_connections = 6;
	l->sent_ms = calloc(SENT_MAX, sizeof(*l->sent_ms));
	l->random = 1;
	for (size_t i = 0; i < RELAYS; i++)
		l->relays[i] = (struct relay) { .id = (int64_t)i + 1,
			.reservation = { .is_shared = true } };
	*state = l;
	return 0;
}

static int
teardown(void **state)
{
	struct lab *l = *state;

	store_free(l->store);
	free(l->sent_ms);
	free(l);
	return 0;
}

static void
set_limits(struct lab *l, uint64_t minute, uint64_t hour)
{
	l->limits[0] = minute;
	l->limits[1] = hour;
	for (size_t i = 0; i < RELAYS; i++)
		l->relays[i].reservation.block = share_block(l->limits);
}

static unsigned
below(struct lab *l, unsigned n)
{
	l->random = l->random * UINT64_C(6364136223846793005) +
		    UINT64_C(1442695040888963407);
	return (unsigned)(l->random >> 33) % n;
}

static int64_t
boot(const struct lab *l)
{
	return l->now_ms - 1700000000000 + BOOT_MS;
}

struct change {
	struct share_ask ask;
	struct share_answer answer;
};

static void
change(void *ctx, const struct share_turn *turn, struct buf *text)
{
	struct change *ch = ctx;

	share_take_turn(text, turn, &ch->ask, &ch->answer);
}

/* Whatever it has to say. */
static void
take_turn(struct lab *l, struct relay *r)
{
	struct change ch;
	struct share_turn turn = {
		.me = r->id, .now_ms = l->now_ms, .live = l->live
	};

	for (size_t i = 0; i < l->n; i++)
		if (!l->relays[i].is_dead)
			l->live[turn.nlive++] = l->relays[i].id;
	memory_store_turn(l->store, &turn);
	share_ask_init(&ch.ask);
	share_answer_init(&ch.answer);
	ch.ask.max_connections = l->max_connections;
	memcpy(ch.ask.limits, l->limits, sizeof(l->limits));
	reservation_ask(&r->reservation, &ch.ask, boot(l));
	if (l->store->ops->shared_change(
		l->store, "account.a", change, &ch, NULL) == 0)
		reservation_told(&r->reservation, &ch.answer, boot(l), boot(l));
	else
		reservation_failed(&r->reservation, &ch.ask, boot(l));
	share_ask_clear(&ch.ask);
	share_answer_clear(&ch.answer);
}

static void
take_due_turns(struct lab *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->relays[i].is_dead &&
		    reservation_turn_at(&l->relays[i].reservation, boot(l)) <=
			boot(l))
			take_turn(l, &l->relays[i]);
}

/* Sends as many as it may, at most max. */
static unsigned
send(struct lab *l, struct relay *r, unsigned max)
{
	unsigned n = 0;

	while (n < max && reservation_may_send(&r->reservation, boot(l))) {
		reservation_spend(&r->reservation, 1, boot(l));
		assert_true(l->nsent < SENT_MAX);
		l->sent_ms[l->nsent++] = l->now_ms;
		n++;
	}
	if (n < max)
		reservation_want(&r->reservation, boot(l));
	return n;
}

/* The most that were sent within any window of that length. */
static size_t
most_within(const struct lab *l, int64_t window_ms)
{
	size_t most = 0, first = 0;

	for (size_t i = 0; i < l->nsent; i++) {
		while (l->sent_ms[i] - l->sent_ms[first] >= window_ms)
			first++;
		if (i - first + 1 > most)
			most = i - first + 1;
	}
	return most;
}

/* Within a second each hears of what others have changed. */
static void
pass(struct lab *l, int64_t ms)
{
	l->now_ms += ms;
	take_due_turns(l);
	for (size_t i = 0; ms >= 1000 && i < l->n; i++)
		if (!l->relays[i].is_dead)
			take_turn(l, &l->relays[i]);
}

/* --- limits --------------------------------------------------------------- */

static void
no_limit_is_exceeded_by_all_together(void **state)
{
	struct lab *l = *state;

	set_limits(l, 10, 100);
	for (int64_t end = l->now_ms + 5 * HOUR_S * 1000; l->now_ms < end;) {
		pass(l, 1 + below(l, 700));
		IGNORE(send(l, &l->relays[below(l, 3)], 1 + below(l, 4)));
		/* A busy relay may answer late. */
		if (below(l, 200) == 0)
			l->now_ms += below(l, 9000);
		take_due_turns(l);
	}
	assert_true(most_within(l, 60 * 1000) <= 10);
	assert_true(most_within(l, HOUR_S * 1000) <= 100);
	/* And what is allowed is used. */
	assert_int_equal(most_within(l, HOUR_S * 1000), 100);
	assert_true(l->nsent > 480);
}

static int64_t
an_hour_behind(void *ctx)
{
	return ((const struct lab *)ctx)->now_ms - HOUR_S * 1000;
}

/* Written by a relay that was alone, whose clock is wrong. */
static void
keep_spent(struct lab *l, uint32_t n)
{
	struct budget b;
	struct buf text;

	buf_init(&text, 8192);
	budget_init(&b, 0, 100, 0);
	budget_spend(&b, n, an_hour_behind(l) / 1000);
	budget_save(&b, &text);
	assert_int_equal(l->store->ops->state_write(
			     l->store, "budget.a", buf_bytes(&text), NULL),
	    0);
	buf_clear(&text);
}

static void
what_a_relay_has_spent_alone_is_spent_for_all(void **state)
{
	struct lab *l = *state;
	const struct clock clock = { .wall_ms = an_hour_behind, .ctx = l };
	struct share_turn turn = { .now_ms = l->now_ms };

	set_limits(l, 0, 100);
	keep_spent(l, 60);
	memory_store_turn(l->store, &turn);
	for (int i = 0; i < 2; i++) /* once */
		assert_int_equal(carry_spent(l->store, "a", &clock, NULL), 0);
	for (int64_t end = l->now_ms + (HOUR_S - 1) * 1000; l->now_ms < end;) {
		pass(l, 1000);
		for (size_t i = 0; i < l->n; i++)
			IGNORE(send(l, &l->relays[i], 3));
	}
	assert_int_equal(l->nsent, 40);
}

static void
and_is_its_own_again_when_it_is_alone(void **state)
{
	struct lab *l = *state;
	const struct clock clock = { .wall_ms = an_hour_behind, .ctx = l };
	struct share_turn turn = { .now_ms = l->now_ms };
	struct budget b;
	struct buf saved;

	set_limits(l, 0, 100);
	keep_spent(l, 60);
	memory_store_turn(l->store, &turn);
	assert_int_equal(carry_spent(l->store, "a", &clock, NULL), 0);
	reservation_want(&l->relays[0].reservation, boot(l));
	take_due_turns(l); /* and a block is reserved */
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    carry_spent_back(l->store, "a", &clock, NULL), 0);
	buf_init(&saved, STORE_STATE_MAX);
	assert_int_equal(
	    l->store->ops->state_read(l->store, "budget.a", &saved, NULL), 0);
	budget_init(&b, 0, 100, 0);
	budget_load(&b, buf_bytes(&saved));
	buf_clear(&saved);
	budget_spend(&b, 34, an_hour_behind(l) / 1000);
	assert_int_equal(
	    budget_wait_s(&b, an_hour_behind(l) / 1000, NULL, NULL), 0);
	budget_spend(&b, 1, an_hour_behind(l) / 1000);
	assert_true(
	    budget_wait_s(&b, an_hour_behind(l) / 1000, NULL, NULL) > 0);
}

static void
a_relay_that_dies_costs_one_block(void **state)
{
	struct lab *l = *state;

	set_limits(l, 0, 100);
	reservation_want(&l->relays[0].reservation, boot(l));
	take_due_turns(l);
	assert_int_equal(l->relays[0].reservation.left, 5);
	l->relays[0].is_dead = true;
	for (int i = 0; i < 600; i++) {
		pass(l, 1000);
		IGNORE(send(l, &l->relays[1], 5));
		IGNORE(send(l, &l->relays[2], 5));
	}
	assert_int_equal(l->nsent, 95);
}

static void
one_that_lives_and_says_nothing_costs_as_much(void **state)
{
	struct lab *l = *state;

	set_limits(l, 0, 100);
	reservation_want(&l->relays[0].reservation, boot(l));
	take_turn(l, &l->relays[0]);
	for (int i = 0; i < 600; i++) {
		l->now_ms += 1000;
		take_turn(l, &l->relays[1]);
		IGNORE(send(l, &l->relays[1], 100));
	}
	assert_int_equal(l->nsent, 95);
	/* Nor does it send what it may not have any more. */
	assert_int_equal(send(l, &l->relays[0], 1), 0);
}

static void
what_is_not_used_is_given_back(void **state)
{
	struct lab *l = *state;

	set_limits(l, 0, 100);
	for (size_t i = 0; i < 3; i++)
		reservation_want(&l->relays[i].reservation, boot(l));
	pass(l, 1);
	assert_int_equal(send(l, &l->relays[0], 1), 1);
	for (int i = 0; i < 30; i++)
		pass(l, 1000);
	assert_int_equal(l->relays[1].reservation.left, 0);
	for (int i = 0; i < 60; i++) {
		pass(l, 1000);
		IGNORE(send(l, &l->relays[2], 10));
	}
	assert_int_equal(l->nsent, 100);
}

static void
without_the_store_only_what_is_reserved_is_sent(void **state)
{
	struct lab *l = *state;

	set_limits(l, 0, 100);
	reservation_want(&l->relays[0].reservation, boot(l));
	pass(l, 1);
	memory_store_fail(l->store, ERR_SYSTEM);
	assert_int_equal(send(l, &l->relays[0], 100), 5);
	pass(l, 5000);
	assert_int_equal(send(l, &l->relays[0], 100), 0);
	memory_store_fail(l->store, ERR_NONE);
	pass(l, 5000);
	assert_int_equal(send(l, &l->relays[0], 100), 5);
	/* What was sent meanwhile is counted. */
	for (int i = 0; i < 100; i++) {
		pass(l, 1000);
		IGNORE(send(l, &l->relays[1], 100));
	}
	assert_int_equal(l->nsent, 100);
}

static void
one_without_limits_needs_no_turn(void **state)
{
	struct lab *l = *state;

	set_limits(l, 0, 0);
	pass(l, 1000);
	assert_int_equal(send(l, &l->relays[0], 1000), 1000);
	assert_true(reservation_turn_at(&l->relays[0].reservation, boot(l)) ==
		    INT64_MAX);
}

/* A few turns for each block, not one for each mail. */
static void
there_are_fewer_turns_than_mails(void **state)
{
	struct lab *l = *state;
	unsigned turns = 0;

	set_limits(l, 0, 10000);
	for (int i = 0; i < 8000; i++) {
		l->now_ms += 10;
		if (reservation_turn_at(&l->relays[0].reservation, boot(l)) <=
		    boot(l)) {
			take_turn(l, &l->relays[0]);
			turns++;
		}
		IGNORE(send(l, &l->relays[0], 1));
	}
	assert_true(l->nsent > 7990);
	assert_true(turns < 100);
}

/* --- connections ---------------------------------------------------------- */

/* Opens and closes as src/outbound does, to have so many if it may. */
static void
connect(struct lab *l, size_t i, size_t wanted)
{
	struct relay *r = &l->relays[i];

	while (r->connections < wanted &&
	       reservation_may_connect(&r->reservation, r->connections))
		r->connections++;
	while (
	    r->connections > wanted || r->connections > r->reservation.allowed)
		r->connections--;
	reservation_connections(
	    &r->reservation, r->connections, wanted, boot(l));
	take_due_turns(l);
}

static size_t
connections(const struct lab *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->relays[i].is_dead ? 0 : l->relays[i].connections;
	return n;
}

static void
all_want(struct lab *l, size_t wanted, int seconds)
{
	for (int s = 0; s < seconds; s++) {
		for (size_t i = 0; i < l->n; i++)
			if (!l->relays[i].is_dead)
				connect(l, i, wanted);
		assert_true(connections(l) <= l->max_connections);
		pass(l, 1000);
	}
}

static void
connections_of_all_stay_within_the_limit(void **state)
{
	struct lab *l = *state;

	all_want(l, 5, 20);
	assert_int_equal(connections(l), 6);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(l->relays[i].connections, 2);
}

static void
who_comes_later_gets_an_equal_part(void **state)
{
	struct lab *l = *state;

	for (int i = 0; i < 10; i++) {
		connect(l, 0, 6);
		pass(l, 1000);
	}
	assert_int_equal(l->relays[0].connections, 6);
	all_want(l, 6, 20);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(l->relays[i].connections, 2);
	/* And the others get them back. */
	for (int i = 0; i < 20; i++) {
		connect(l, 0, 6);
		connect(l, 1, 0);
		connect(l, 2, 0);
		pass(l, 1000);
	}
	assert_int_equal(l->relays[0].connections, 6);
}

static void
a_single_connection_goes_round(void **state)
{
	struct lab *l = *state;
	size_t had[RELAYS] = { 0 };

	l->max_connections = 1;
	for (int s = 0; s < 120; s++) {
		all_want(l, 3, 1);
		for (size_t i = 0; i < l->n; i++)
			had[i] += l->relays[i].connections;
	}
	for (size_t i = 0; i < l->n; i++)
		assert_true(had[i] >= 25);
}

static void
those_of_a_dead_relay_are_free(void **state)
{
	struct lab *l = *state;

	all_want(l, 6, 20);
	l->relays[0].is_dead = true;
	all_want(l, 6, 20);
	assert_int_equal(connections(l), 6);
	assert_int_equal(l->relays[1].connections, 3);
}

static void
a_lower_limit_is_reached_soon(void **state)
{
	struct lab *l = *state;

	all_want(l, 5, 20);
	l->max_connections = 3;
	for (int s = 0; s < 10; s++) {
		for (size_t i = 0; i < l->n; i++)
			take_turn(l, &l->relays[i]);
		for (size_t i = 0; i < l->n; i++)
			connect(l, i, 5);
		pass(l, 1000);
	}
	assert_true(connections(l) <= 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(l->relays[i].connections > 0);
}

static void
without_the_store_there_is_one_connection(void **state)
{
	struct lab *l = *state;

	memory_store_fail(l->store, ERR_SYSTEM);
	for (int i = 0; i < 5; i++) {
		connect(l, 0, 3);
		pass(l, 1000);
	}
	assert_int_equal(l->relays[0].connections, 1);
}

/* --- the text ------------------------------------------------------------- */

/* One relay alone with a text. */
struct one {
	int64_t me;
	struct share_turn turn;
	struct share_ask ask;
	struct share_answer answer;
	struct buf text;
};

static int
setup_one(void **state)
{
	struct one *o = calloc(1, sizeof(*o));

	o->me = 1;
	o->turn = (struct share_turn) { 1, 1700000000000, &o->me, 1 };
	share_ask_init(&o->ask);
	share_answer_init(&o->answer);
	o->ask.limits[1] = 100;
	o->ask.wants_more = true;
	o->ask.wanted = o->ask.max_connections = 3;
	buf_init(&o->text, STORE_STATE_MAX);
	*state = o;
	return 0;
}

static int
teardown_one(void **state)
{
	struct one *o = *state;

	share_ask_clear(&o->ask);
	share_answer_clear(&o->answer);
	buf_clear(&o->text);
	free(o);
	return 0;
}

static void
turn(struct one *o)
{
	share_take_turn(&o->text, &o->turn, &o->ask, &o->answer);
}

static void
say(struct one *o, const char *standing, uint64_t heard, bool must)
{
	o->ask.has_standing = standing[0] != '\0';
	o->ask.must_standing = must;
	o->ask.standing.version = heard;
	buf_reset(&o->ask.standing.text);
	IGNORE(buf_adds(&o->ask.standing.text, standing));
	turn(o);
}

static void
nonsense_in_the_text_is_skipped(void **state)
{
	struct one *o = *state;

	IGNORE(
	    buf_adds(&o->text, "relais-account 1\nnode 7 x 3 4 5 6\nnode 1 2\n"
			       "max_per_hour nonsense\nfuture 1 2 3\n\n"
			       "standing x\nlearnt\nis\nlearnt a b c d e\n"));
	turn(o);
	assert_int_equal(o->answer.left, 5);
	assert_int_equal(o->answer.connections, 3);
	assert_int_equal(o->answer.standing.version, 0);
}

static void
a_relay_that_was_declared_dead_gets_nothing(void **state)
{
	struct one *o = *state;

	o->turn.nlive = 0;
	say(o, "held 1 1 because\n", 0, true);
	assert_int_equal(o->answer.left, 0);
	assert_int_equal(o->answer.connections, 0);
	assert_int_equal(o->answer.standing.version, 0);
}

static void
who_has_not_heard_the_newest_is_not_heard_either(void **state)
{
	struct one *o = *state;

	say(o, "held 1 1 because\nabout it\n", 0, true);
	assert_int_equal(o->answer.standing.version, 1);
	say(o, "ready worked\n", 0, false);
	assert_int_equal(o->answer.standing.version, 1);
	assert_buf(&o->answer.standing.text, "held 1 1 because\nabout it\n");
	say(o, "ready worked\n", 1, false);
	assert_int_equal(o->answer.standing.version, 2);
	assert_buf(&o->answer.standing.text, "ready worked\n");
	/* But a refused login is. */
	say(o, "held 2 2 again\n", 0, true);
	assert_int_equal(o->answer.standing.version, 3);
	say(o, "", 0, false);
	assert_buf(&o->answer.standing.text, "held 2 2 again\n");
}

static void
learn(struct one *o, const char *lines)
{
	buf_reset(&o->ask.learnt);
	IGNORE(buf_adds(&o->ask.learnt, lines));
	turn(o);
}

static void
the_newest_fact_of_any_relay_counts(void **state)
{
	struct one *o = *state;

	learn(o, "mx rcpt_max 5 100\nmx ehlo 1 100\n");
	learn(o, "mx rcpt_max 7 50\nmx bare_auth 1 60\n");
	assert_buf(&o->answer.learnt,
	    "mx rcpt_max 5 100\nmx ehlo 1 100\nmx bare_auth 1 60\n");
	learn(o, "mx rcpt_max 0 101\nother rcpt_max 9 1\nmx ehlo 1 100\n");
	assert_buf(&o->answer.learnt,
	    "mx ehlo 1 100\nmx bare_auth 1 60\nmx rcpt_max 0 101\n"
	    "other rcpt_max 9 1\n");
	learn(o, "");
	assert_non_null(strstr(buf_str(&o->answer.learnt), "rcpt_max 0 101"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    no_limit_is_exceeded_by_all_together, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_a_relay_has_spent_alone_is_spent_for_all, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    and_is_its_own_again_when_it_is_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_relay_that_dies_costs_one_block, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    one_that_lives_and_says_nothing_costs_as_much, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_not_used_is_given_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    without_the_store_only_what_is_reserved_is_sent, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    one_without_limits_needs_no_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    there_are_fewer_turns_than_mails, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    connections_of_all_stay_within_the_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    who_comes_later_gets_an_equal_part, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_single_connection_goes_round, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    those_of_a_dead_relay_are_free, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_lower_limit_is_reached_soon, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    without_the_store_there_is_one_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    nonsense_in_the_text_is_skipped, setup_one, teardown_one),
		cmocka_unit_test_setup_teardown(
		    a_relay_that_was_declared_dead_gets_nothing, setup_one,
		    teardown_one),
		cmocka_unit_test_setup_teardown(
		    who_has_not_heard_the_newest_is_not_heard_either, setup_one,
		    teardown_one),
		cmocka_unit_test_setup_teardown(
		    the_newest_fact_of_any_relay_counts, setup_one,
		    teardown_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
