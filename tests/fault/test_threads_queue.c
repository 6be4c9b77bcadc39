/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The queue with real threads under it: many messages, providers that are
 * quicker or slower than the disk, and nothing lost or served twice.  Meant for
 * the thread sanitizer too. */
#include "tests/lib/check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/queue_fixture.h"

enum { THREADS = 4, MESSAGES = 400, PENDING = 1024 };

struct pool {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct work *todo[PENDING], *ended[PENDING];
	size_t ntodo, nended, nrunning;
	bool is_over;
	pthread_t threads[THREADS];
};

static void
pool_submit(void *ctx, struct work *w)
{
	struct pool *p = ctx;

	(void)pthread_mutex_lock(&p->mutex);
	assert_true(p->ntodo < PENDING);
	p->todo[p->ntodo++] = w;
	(void)pthread_cond_signal(&p->changed);
	(void)pthread_mutex_unlock(&p->mutex);
}

static bool
pool_cancel(void *ctx, struct work *w)
{
	struct pool *p = ctx;
	bool found = false;

	(void)pthread_mutex_lock(&p->mutex);
	for (size_t i = 0; i < p->ntodo && !found; i++)
		if (p->todo[i] == w) {
			found = true;
			p->todo[i] = p->todo[--p->ntodo];
		}
	(void)pthread_mutex_unlock(&p->mutex);
	return found;
}

static void *
pool_thread(void *arg)
{
	struct pool *p = arg;

	(void)pthread_mutex_lock(&p->mutex);
	while (!p->is_over) {
		struct work *w;

		if (p->ntodo == 0) {
			(void)pthread_cond_wait(&p->changed, &p->mutex);
			continue;
		}
		w = p->todo[--p->ntodo]; /* no order is promised */
		p->nrunning++;
		(void)pthread_mutex_unlock(&p->mutex);
		w->run(w);
		(void)pthread_mutex_lock(&p->mutex);
		p->nrunning--;
		p->ended[p->nended++] = w;
	}
	(void)pthread_mutex_unlock(&p->mutex);
	return NULL;
}

/* What a loop does between two turns. */
static bool
pool_turn(struct pool *p)
{
	struct work *w = NULL;
	bool is_busy;

	(void)pthread_mutex_lock(&p->mutex);
	if (p->nended > 0)
		w = p->ended[--p->nended];
	is_busy = w != NULL || p->ntodo > 0 || p->nrunning > 0;
	(void)pthread_mutex_unlock(&p->mutex);
	if (w != NULL)
		w->done(w);
	return is_busy;
}

static void
pool_start(struct pool *p)
{
	memset(p, 0, sizeof(*p));
	(void)pthread_mutex_init(&p->mutex, NULL);
	(void)pthread_cond_init(&p->changed, NULL);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&p->threads[i], NULL, pool_thread, p), 0);
}

static void
pool_stop(struct pool *p)
{
	(void)pthread_mutex_lock(&p->mutex);
	p->is_over = true;
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->mutex);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(p->threads[i], NULL), 0);
	while (p->nended > 0) /* the queue may be gone already */
		(void)pool_turn(p);
}

static int
slow_sync(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	(void)usleep(300);
	return 0;
}

struct client {
	struct queue_draft *d;
	int told;
	enum queue_outcome outcome;
};

static void
told(void *ctx, const struct queue_told *t)
{
	struct client *c = ctx;

	c->told++;
	c->outcome = t->outcome;
	queue_draft_free(c->d); /* from within, as sessions do */
	c->d = NULL;
}

static void
submit(struct queue_fixture *l, struct client *c, unsigned i)
{
	static char text[200000];
	struct envelope *e = envelope_new();
	struct err err;

	memset(text, 'a' + (int)(i % 26), sizeof(text));
	(void)envelope_add_rcpt(e, "a@example.net");
	(void)envelope_add_rcpt(e, "b@example.net");
	c->d = queue_draft_new(l->q);
	assert_int_equal(queue_draft_write(c->d, text,
			     i % 10 == 0 ? sizeof(text) : 100 + i, &err),
	    0);
	queue_draft_end(c->d, e,
	    i % 3 == 0 ? QUEUE_MODE_VERDICT : QUEUE_MODE_SAFE,
	    l->boot_ms + 10000, told, c);
	envelope_free(e);
}

static void
deliver_some(struct queue_fixture *l, unsigned turn)
{
	struct verdict ok = fixture_verdict(VERDICT_OK, "ok");
	struct verdict later = fixture_verdict(VERDICT_LATER, "later");
	struct verdict never = fixture_verdict(VERDICT_NEVER, "never");
	struct queue_claim *d;
	char byte;
	size_t n;

	if (turn % 2 == 0 || (d = queue_take(l->q, 0)) == NULL)
		return;
	assert_int_equal(queue_claim_read(d, 50, &byte, 1, &n, NULL), 0);
	assert_int_equal(n, 1);
	if (turn % 7 == 0)
		queue_claim_rcpt(d, 0, &ok);
	queue_claim_end(d, turn % 11 == 0 ? QUEUE_END_UNTRIED : QUEUE_END_TRIED,
	    turn % 5 == 0   ? &later
	    : turn % 9 == 0 ? &never
			    : &ok,
	    0, NULL, NULL);
}

static void
nothing_is_lost_between_threads(void **state)
{
	static struct client clients[MESSAGES];
	static struct pool p;
	struct queue_fixture l;
	unsigned turn = 0;
	size_t safe = 0;

	(void)state;
	fixture_init(&l, FIXTURE_DISK);
	fixture_close(&l);
	l.disk.fs.sync = slow_sync;
	l.pool = (struct work_pool) { pool_submit, pool_cancel, &p };
	pool_start(&p);
	fixture_open(&l);
	for (unsigned i = 0; i < MESSAGES; i++) {
		submit(&l, &clients[i], i);
		for (int k = 0; k < 3; k++) {
			(void)pool_turn(&p);
			deliver_some(&l, ++turn);
			(void)queue_tick(l.q);
		}
	}
	while (pool_turn(&p))
		deliver_some(&l, ++turn);
	fixture_pass(&l, 11000);
	for (unsigned i = 0; i < MESSAGES; i++) {
		assert_int_equal(clients[i].told, 1);
		assert_int_not_equal(clients[i].outcome, QUEUE_FAILED);
		safe += clients[i].outcome == QUEUE_SAFE;
	}
	assert_true(safe > 0);
	while (pool_turn(&p))
		;
	assert_int_equal(queue_count(l.q),
	    fixture_files(&l, "queue") + fixture_files(&l, "failed"));

	/* Closing in the middle of it. */
	for (unsigned i = 0; i < 20; i++)
		submit(&l, &clients[i], i);
	fixture_close(&l);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(clients[i].told, 2);
	pool_stop(&p);
	l.pool = (struct work_pool) { 0 };
	fixture_open(&l);
	fixture_tick(&l);
	assert_int_equal(queue_count(l.q),
	    fixture_files(&l, "queue") + fixture_files(&l, "failed"));
	assert_int_equal(fixture_files(&l, "corrupt"), 0);
	fixture_clear(&l);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
