/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A user who asks for more than others waits longer than they do. */
#include "tests/lib/check.h"

#include "relais-web/places.h"

#include <time.h>

enum { ALICE = 1, BOB, CAROL, LONG_S = 60 };

struct seeker {
	struct places *p;
	uint32_t uid;
	pthread_t thread;
	bool has_place;
};

static void *
seek(void *ctx)
{
	struct seeker *s = ctx;

	s->has_place = places_take(s->p, s->uid, LONG_S);
	return NULL;
}

static size_t
count_waiting(struct places *p)
{
	size_t n = 0;

	(void)pthread_mutex_lock(&p->lock);
	list_foreach (it, &p->waiting)
		n += it != NULL;
	(void)pthread_mutex_unlock(&p->lock);
	return n;
}

/* Returns when it waits. */
static void
begin(struct seeker *s, struct places *p, uint32_t uid)
{
	static const struct timespec ms = { .tv_nsec = 1000000 };
	size_t before = count_waiting(p);

	*s = (struct seeker) { .p = p, .uid = uid };
	assert_int_equal(pthread_create(&s->thread, NULL, seek, s), 0);
	for (int i = 0; i < 60000 && count_waiting(p) == before; i++)
		(void)nanosleep(&ms, NULL);
	assert_int_equal(count_waiting(p), before + 1);
}

static bool
end(struct seeker *s)
{
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	return s->has_place;
}

static void
take(struct places *p, uint32_t uid, int n)
{
	while (n-- > 0)
		assert_true(places_take(p, uid, 0));
}

static void
one_user_leaves_places_to_others(void **state)
{
	struct places p;

	(void)state;
	places_init(&p);
	take(&p, BOB, PLACES_PER_UID);
	assert_false(places_take(&p, BOB, 0));
	take(&p, ALICE, 1);
	places_leave(&p, BOB);
	take(&p, BOB, 1);
}

static void
who_waits_in_vain_keeps_nobody_out(void **state)
{
	struct places p;

	(void)state;
	places_init(&p);
	take(&p, BOB, PLACES_PER_UID);
	assert_false(places_take(&p, BOB, 0));
	take(&p, CAROL, PLACES_MAX - PLACES_PER_UID);
	assert_false(places_take(&p, ALICE, 0));
	places_leave(&p, CAROL);
	take(&p, ALICE, 1);
}

static void
a_free_place_is_for_who_has_fewest(void **state)
{
	struct places p;
	struct seeker bob, alice;

	(void)state;
	places_init(&p);
	take(&p, BOB, PLACES_PER_UID);
	take(&p, CAROL, PLACES_PER_UID);
	begin(&bob, &p, BOB);
	begin(&alice, &p, ALICE);
	places_leave(&p, BOB);
	assert_true(end(&alice));
	assert_int_equal(count_waiting(&p), 1);
	places_leave(&p, ALICE);
	assert_true(end(&bob));
}

static void
of_equals_the_first_is_served_first(void **state)
{
	struct places p;
	struct seeker alice, dave;

	(void)state;
	places_init(&p);
	take(&p, BOB, PLACES_PER_UID);
	take(&p, CAROL, PLACES_PER_UID);
	begin(&dave, &p, CAROL + 1);
	begin(&alice, &p, ALICE);
	places_leave(&p, BOB);
	assert_true(end(&dave));
	assert_int_equal(count_waiting(&p), 1);
	places_leave(&p, BOB);
	assert_true(end(&alice));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_user_leaves_places_to_others),
		cmocka_unit_test(who_waits_in_vain_keeps_nobody_out),
		cmocka_unit_test(a_free_place_is_for_who_has_fewest),
		cmocka_unit_test(of_equals_the_first_is_served_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
