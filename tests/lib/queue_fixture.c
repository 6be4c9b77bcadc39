/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/queue_fixture.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "store/history.h"
#include "sys/fs_sys.h"
#include "tests/lib/check.h"
#include "tests/lib/database.h"
#include "tests/lib/memory_store.h"
#include "tests/lib/temp.h"

static int64_t
boot_ms(void *ctx)
{
	return ((struct queue_fixture *)ctx)->boot_ms;
}

static int64_t
wall_ms(void *ctx)
{
	return ((struct queue_fixture *)ctx)->wall_ms;
}

static int32_t
utc_offset_s(void *ctx, int64_t at)
{
	(void)ctx;
	(void)at;
	return 0;
}

static void
fill(void *ctx, void *p, size_t n)
{
	struct queue_fixture *l = ctx;
	unsigned char *to = p;

	while (n-- > 0) {
		l->seed = l->seed * UINT64_C(6364136223846793005) + 1442695040;
		*to++ = (unsigned char)(l->seed >> 56);
	}
}

static void
submit(void *ctx, struct work *w)
{
	struct queue_fixture *l = ctx;

	if (!l->is_delayed) {
		w->run(w);
		w->done(w);
		return;
	}
	if (l->njobs == FIXTURE_JOBS)
		abort();
	l->jobs[l->njobs++] = w;
}

static void
forget_job(struct queue_fixture *l, size_t i)
{
	l->njobs--;
	memmove(
	    &l->jobs[i], &l->jobs[i + 1], (l->njobs - i) * sizeof(l->jobs[0]));
}

static bool
cancel(void *ctx, struct work *w)
{
	struct queue_fixture *l = ctx;

	for (size_t i = 0; i < l->njobs; i++)
		if (l->jobs[i] == w) {
			forget_job(l, i);
			return true;
		}
	return false;
}

static int
route(void *ctx, const struct envelope *e)
{
	(void)e;
	return ((struct queue_fixture *)ctx)->account;
}

static void
wake(void *ctx, int account)
{
	((struct queue_fixture *)ctx)->wakes += account >= 0;
	((struct queue_fixture *)ctx)->turns_asked += account < 0;
}

static void
trouble(void *ctx, const char *id, const struct err *why)
{
	struct queue_fixture *l = ctx;

	(void)id;
	l->troubles++;
	l->trouble = *why;
	if (getenv("FIXTURE_VERBOSE") != NULL)
		fprintf(stderr, "trouble: %s: %s\n", id, why->text);
}

static void
failed(void *ctx, const char *id)
{
	struct queue_fixture *l = ctx;

	(void)id;
	l->failed++;
}

static void
held(void *ctx, const char *id)
{
	struct queue_fixture *l = ctx;

	(void)id;
	l->held++;
}

static void
user_limit(void *ctx, uint32_t uid, bool is_over)
{
	struct queue_fixture *l = ctx;

	l->limited_uid = uid;
	l->limited += is_over;
	l->limits_over += !is_over;
}

static void
delayed(void *ctx, const char *id)
{
	struct queue_fixture *l = ctx;

	(void)id;
	l->delayed++;
}

static void
ended(void *ctx, const struct history_entry *how, int account,
    struct queue_claim *claim)
{
	struct queue_fixture *l = ctx;
	char first[8];
	size_t n = 0;

	(void)account;
	IGNORE(buf_adds(&l->ended, history_state_name(how->state)));
	for (size_t i = 0; i < how->nnamed; i++)
		IGNORE(buf_addf(&l->ended, " %.*s",
		    (int)strcspn(how->rcpts[i], "@"), how->rcpts[i]));
	IGNORE(buf_addf(&l->ended, ": %s\n", how->answer.text));
	l->could_read = claim != NULL &&
			queue_claim_read(
			    claim, 0, first, sizeof(first), &n, NULL) == 0 &&
			n == sizeof(first) && memcmp(first, "Subject:", 8) == 0;
}

/* --- PostgreSQL ----------------------------------------------------------- */

/* The server's clock does not stand still, but ours is to count. */
static int
beat(struct store *s, const struct store_counts *ours, struct err *err)
{
	const struct queue_fixture *l = (const struct queue_fixture
		*)(const void *)((const char *)s->ops -
				 offsetof(struct queue_fixture, ops));
	int rc = l->heartbeat(s, ours, err);

	s->ahead_ms = 0;
	return rc;
}

static int
open_database(struct queue_fixture *l, struct err *err)
{
	if (database_open(
		"bench", l->dir, &l->disk.fs, &l->clock, &l->store, err) != 0)
		return -1;
	l->ops = *l->store->ops;
	l->heartbeat = l->ops.heartbeat;
	l->ops.heartbeat = beat;
	l->store->ops = &l->ops;
	/* What the last one left is there from the start, as on a disk. */
	return beat(l->store, &(struct store_counts) { .due = 0 }, err) < 0 ? -1
									    : 0;
}

static bool
is_in_memory(const struct queue_fixture *l)
{
	return l->kind == FIXTURE_MEMORY || l->kind == FIXTURE_REMOTE;
}

static int
open_store(struct queue_fixture *l, struct err *err)
{
	if (l->kind == FIXTURE_POSTGRES)
		return open_database(l, err);
	if (l->kind == FIXTURE_DISK)
		return spool_open(l->dir, &l->disk.fs, &l->store, err);
	l->store = memory_store_new();
	if (l->kind == FIXTURE_REMOTE)
		memory_store_is_remote(l->store);
	return 0;
}

int
fixture_try_open(struct queue_fixture *l, struct err *err)
{
	struct queue_opts o = {
		.clock = &l->clock,
		.rng = &l->rng,
		.pool = l->pool.submit != NULL
			    ? l->pool
			    : (struct work_pool) { submit, cancel, l },
		.hooks = { .route = route,
		    .wake = wake,
		    .trouble = trouble,
		    .failed = failed,
		    .held = held,
		    .delayed = delayed,
		    .ended = ended,
		    .ctx = l },
		.naccounts = 2,
		.retry_after_ms = 60 * 1000,
		.retry_max_ms = 60 * 60 * 1000,
		.lifetime_ms = INT64_C(5) * 24 * 60 * 60 * 1000,
		.delay_notice_ms = 4 * 60 * 60 * 1000,
		.max_size_bytes = 64 * 1024 * 1024,
		.head_start_ms = l->head_start_ms,
		.policy = l->policy,
	};

	if (l->store == NULL && open_store(l, err) != 0)
		return -1;
	l->fold = fold_new(&l->clock, &l->rng, &l->fold_opts);
	l->user_limit = user_limit_new(
	    &l->clock, l->max_per_user, user_limit, l);
	o.store = l->store;
	o.arrival = fold_gate(l->fold);
	o.attempt = user_limit_gate(l->user_limit);
	l->opts = o;
	l->q = queue_new(&o);
	fold_attach(l->fold, l->q);
	user_limit_attach(l->user_limit, l->q);
	return 0;
}

void
fixture_set_policy(struct queue_fixture *l)
{
	l->opts.policy = l->policy;
	queue_set_opts(l->q, &l->opts);
	fold_set_opts(l->fold, &l->fold_opts);
	user_limit_set(l->user_limit, l->max_per_user);
}

void
fixture_open(struct queue_fixture *l)
{
	struct err err;

	if (fixture_try_open(l, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
}

void
fixture_count(void *ctx)
{
	++*(int *)ctx;
}

static enum fixture_store
store_of(enum fixture_store kind)
{
	const char *name = getenv("TEST_STORE");

	if (name == NULL || kind == FIXTURE_REMOTE)
		return kind;
	return strcmp(name, "remote") == 0 ? FIXTURE_REMOTE : FIXTURE_POSTGRES;
}

void
fixture_init(struct queue_fixture *l, enum fixture_store kind)
{
	memset(l, 0, sizeof(*l));
	l->kind = store_of(kind);
	if (!is_in_memory(l)) {
		temp_dir(l->dir, sizeof(l->dir), "relais-fixture");
		if (chmod(l->dir, 0711) != 0)
			abort();
		fault_fs_init(&l->disk);
	}
	if (l->kind == FIXTURE_POSTGRES)
		database_empty();
	l->boot_ms = 1000 * 1000;
	l->wall_ms = INT64_C(1750000000000);
	l->clock = (struct clock) { boot_ms, wall_ms, utc_offset_s, l };
	l->rng = (struct rng) { fill, l };
	l->seed = 42;
	l->uid = 1000;
	buf_init(&l->ended, 64 * 1024);
	fixture_open(l);
}

void
fixture_needs_disk(void)
{
	if (store_of(FIXTURE_DISK) != FIXTURE_DISK)
		skip();
}

/* A test that failed half way has left its clients on a stack that is gone:
 * nobody may be told any more. */
static void
free_drafts(struct queue_fixture *l)
{
	for (size_t i = 0; i < FIXTURE_DRAFTS; i++) {
		queue_draft_free(l->drafts[i]);
		l->drafts[i] = NULL;
	}
}

static void
keep_draft(struct queue_fixture *l, struct queue_draft *d)
{
	size_t i = 0;

	while (i < FIXTURE_DRAFTS && l->drafts[i] != NULL)
		i++;
	if (i == FIXTURE_DRAFTS)
		abort();
	l->drafts[i] = d;
}

void
fixture_close(struct queue_fixture *l)
{
	if (l->q != NULL)
		user_limit_save(l->user_limit);
	queue_free(l->q);
	l->q = NULL;
	user_limit_free(l->user_limit);
	fold_free(l->fold);
	l->user_limit = NULL;
	l->fold = NULL;
	if (is_in_memory(l))
		return;
	store_free(l->store);
	l->store = NULL;
}

void
fixture_clear(struct queue_fixture *l)
{
	free_drafts(l);
	fixture_close(l);
	store_free(l->store);
	buf_clear(&l->ended);
	if (is_in_memory(l))
		return;
	temp_dir_remove(l->dir);
	fault_fs_clear(&l->disk);
}

void
fixture_restart(struct queue_fixture *l)
{
	fixture_close(l);
	fixture_open(l);
}

static int
set_up(void **state, enum fixture_store kind)
{
	struct queue_fixture *l = xmalloc(sizeof(*l));

	fixture_init(l, kind);
	*state = l;
	return 0;
}

int
fixture_setup(void **state)
{
	return set_up(state, FIXTURE_DISK);
}

int
fixture_setup_in_memory(void **state)
{
	return set_up(state, FIXTURE_MEMORY);
}

int
fixture_setup_remote(void **state)
{
	return set_up(state, FIXTURE_REMOTE);
}

int
fixture_teardown(void **state)
{
	fixture_clear(*state);
	free(*state);
	return 0;
}

/* What is kept as it changes is what a look at all of them finds. */
static void
check_counts(struct queue_fixture *l)
{
	struct queue_counts all = { .oldest_s = 0 }, own = all, got;
	struct queue_walk *w = queue_walk_new(l->q, QUEUE_OLDEST_FIRST);
	struct queue_item it;

	while (queue_walk_next(w, &it)) {
		bool is_own = it.uid == l->uid;

		all.of[it.state]++;
		own.of[it.state] += is_own;
		if (it.state == QUEUE_STATE_FAILED)
			continue;
		if (all.oldest_s == 0)
			all.oldest_s = it.arrived_s;
		if (is_own && own.oldest_s == 0)
			own.oldest_s = it.arrived_s;
	}
	queue_walk_free(w);
	queue_counts(l->q, &got);
	if (memcmp(&got, &all, sizeof(got)) != 0)
		abort();
	queue_counts_of(l->q, l->uid, &got);
	if (memcmp(&got, &own, sizeof(got)) != 0)
		abort();
}

int64_t
fixture_tick(struct queue_fixture *l)
{
	int64_t next;

	check_counts(l);

	for (int i = 0; i < 10000; i++) {
		next = queue_tick(l->q);
		if (next > l->boot_ms)
			return next;
		/* A slice ends by the clock, which stands still here. */
	}
	abort();
}

void
fixture_pass(struct queue_fixture *l, int64_t ms)
{
	l->boot_ms += ms;
	l->wall_ms += ms;
	(void)fixture_tick(l);
}

bool
fixture_run_one(struct queue_fixture *l)
{
	struct work *w;

	if (l->njobs == 0)
		return false;
	w = l->jobs[0];
	forget_job(l, 0);
	w->run(w);
	w->done(w);
	return true;
}

void
fixture_start_one(struct queue_fixture *l)
{
	if (l->njobs == 0 || l->running != NULL)
		abort();
	l->running = l->jobs[0];
	forget_job(l, 0);
	l->running->run(l->running);
}

void
fixture_finish_one(struct queue_fixture *l)
{
	struct work *w = l->running;

	l->running = NULL;
	w->done(w);
}

void
fixture_run(struct queue_fixture *l)
{
	while (fixture_run_one(l))
		;
}

static void
told(void *ctx, const struct queue_told *t)
{
	struct fixture_client *c = ctx;

	c->told++;
	c->t = *t;
	c->had_fault = c->l->disk.fired;
}

void
fixture_submit(struct queue_fixture *l, struct fixture_client *c,
    enum queue_mode mode, size_t nrcpts, struct bytes message)
{
	struct envelope *e = envelope_new();
	struct err err = { 0 };
	char rcpt[64];

	memset(c, 0, sizeof(*c));
	envelope_set(&e->sender, "sender@example.org");
	for (size_t i = 0; i < nrcpts; i++) {
		(void)snprintf(rcpt, sizeof(rcpt), "r%zu@example.net", i);
		(void)envelope_add_rcpt(e, rcpt);
	}
	e->uid = l->uid;
	e->fold_hash = l->fold_hash;
	envelope_set(&e->envid, l->envid);
	envelope_set(&e->peer, "unix");
	c->l = l;
	c->d = queue_draft_new(l->q);
	keep_draft(l, c->d);
	(void)snprintf(c->id, sizeof(c->id), "%s", queue_draft_id(c->d));
	if (queue_draft_write(c->d, message.p, message.n, &err) != 0) {
		c->told = 1;
		c->t = (struct queue_told) { .outcome = QUEUE_FAILED,
			.err = err };
		fixture_client_done(c);
	} else {
		queue_draft_end(c->d, e, mode, l->boot_ms + 10 * 1000, told, c);
	}
	envelope_free(e);
}

void
fixture_client_done(struct fixture_client *c)
{
	for (size_t i = 0; i < FIXTURE_DRAFTS; i++)
		if (c->l->drafts[i] == c->d)
			c->l->drafts[i] = NULL;
	queue_draft_free(c->d);
	c->d = NULL;
}

struct verdict
fixture_verdict(enum verdict_class class, const char *text)
{
	static const int codes[] = { 0, 250, 451, 550 };
	struct verdict v;

	verdict_local(&v, class, STAGE_END, codes[class], "", text);
	return v;
}

bool
fixture_deliver(struct queue_fixture *l, enum verdict_class class)
{
	struct queue_claim *d = queue_take(l->q, l->account);
	struct verdict v = fixture_verdict(class, "so says the provider");

	if (d == NULL)
		return false;
	queue_claim_end(d, QUEUE_END_TRIED, &v, 0, NULL, NULL);
	return true;
}

static size_t files_seen;
static char file_seen[512];

static int
count_it(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)where;
	if (type != FTW_D) {
		files_seen++;
		(void)snprintf(file_seen, sizeof(file_seen), "%s", path);
	}
	return 0;
}

size_t
fixture_files(const struct queue_fixture *l, const char *part)
{
	enum store_place place = strcmp(part, "queue") == 0    ? STORE_QUEUE
				 : strcmp(part, "failed") == 0 ? STORE_FAILED
							       : STORE_CORRUPT;
	char path[128];

	if (is_in_memory(l))
		return memory_store_count(l->store, place);
	if (l->kind == FIXTURE_POSTGRES) {
		(void)snprintf(path, sizeof(path),
		    "SELECT count(*) FROM relais_message WHERE place = %d",
		    (int)place);
		return database_ask(path);
	}
	(void)snprintf(path, sizeof(path), "%s/%s", l->dir, part);
	files_seen = 0;
	(void)nftw(path, count_it, 16, FTW_PHYS);
	return files_seen;
}

bool
fixture_only_file(
    const struct queue_fixture *l, const char *part, char path[512])
{
	if (fixture_files(l, part) != 1)
		return false;
	memcpy(path, file_seen, sizeof(file_seen));
	return true;
}
