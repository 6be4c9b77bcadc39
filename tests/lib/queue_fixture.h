/* SPDX-License-Identifier: GPL-3.0-or-later */
/* queue_fixture.h - a queue on a bench: a temporary store, a clock that stands
 * still, a random source that repeats, a work pool that runs jobs when told to,
 * and a client and a courier without a network.
 *
 * TEST_STORE in the environment names another store for the same tests:
 * "remote" is the one in memory, as if behind a network (tests/unit/remote); a
 * URL is a database with the tables of relais, which are emptied
 * (tests/e2e/stores.sh).
 */
#ifndef TESTS_LIB_QUEUE_FIXTURE_H
#define TESTS_LIB_QUEUE_FIXTURE_H

#include "policy/fold.h"
#include "policy/user_limit.h"
#include "queue/queue.h"
#include "store/spool.h"
#include "tests/lib/fault_fs.h"

enum { FIXTURE_JOBS = 256, FIXTURE_DRAFTS = 128 };

enum fixture_store {
	FIXTURE_DISK,
	FIXTURE_MEMORY, /* memory_store.h: quicker, without faults and files */
	FIXTURE_REMOTE, /* the same, behind a network; no other instead */
	FIXTURE_POSTGRES
};

struct queue_fixture {
	char dir[64];
	struct fault_fs disk;
	int64_t boot_ms, wall_ms;
	struct clock clock;
	uint64_t seed;
	struct rng rng;

	int64_t head_start_ms; /* for the next fixture_open() */
	int64_t round_trip_ms; /* to the provider */
	struct queue_policy policy; /* likewise, */
	struct queue_opts opts; /* of q */
	struct fold_opts fold_opts;
	uint64_t max_per_user;
	struct work_pool pool; /* of the test's; submit NULL: this one: */
	bool is_delayed; /* jobs wait for fixture_run() */
	struct work *jobs[FIXTURE_JOBS];
	size_t njobs;
	struct work *running; /* started by fixture_start_one() */

	struct queue_draft *drafts[FIXTURE_DRAFTS]; /* not freed yet */
	enum fixture_store kind;
	struct store_ops
	    ops; /* of PostgreSQL, with a heartbeat that knows our clock */
	int (*heartbeat)(
	    struct store *s, const struct store_counts *ours, struct err *err);
	struct store *store; /* outlives fixture_close() if it is in memory */
	struct queue *q;
	struct fold *fold;
	struct user_limit *user_limit;
	uint32_t uid; /* of who submits; 1000 at first */
	char kept[ENVELOPE_ID_SIZE]; /* a message that a test begins with */
	const char *envid; /* of what is submitted, or NULL */
	uint64_t fold_hash; /* of what is submitted; 0 at first */
	int account; /* what route() answers */
	int wakes; /* accounts with something due */
	int turns_asked; /* the queue wants its queue_tick() */
	int troubles;
	struct err trouble; /* the newest */
	uint32_t limited_uid; /* the newest whose limit is used up, */
	int limited, limits_over; /* times that was, or was over */
	int failed, delayed, held; /* times the queue asked to tell somebody */
	/* What the history heard, a line each: "delivered r0 r1: the
	 * answer". */
	struct buf ended;
	bool could_read; /* the newest of them was at hand */
};

/* Makes an empty store, the one that the environment names instead of this
 * one, and opens the queue, two accounts. */
void fixture_init(struct queue_fixture *l, enum fixture_store kind);
/* Frees the queue, and the store with all that is in it. */
void fixture_clear(struct queue_fixture *l);

/* Of cmocka: *state is a fixture of its own. */
int fixture_setup(void **state); /* FIXTURE_DISK */
int fixture_setup_in_memory(void **state);
int fixture_setup_remote(void **state);
int fixture_teardown(void **state);
/* The test is about files, or calls of the disk that fail or are counted: with
 * another store it is skipped. */
void fixture_needs_disk(void);

void fixture_open(struct queue_fixture *l);
int fixture_try_open(struct queue_fixture *l, struct err *err);
void fixture_close(struct queue_fixture *l);
void fixture_restart(struct queue_fixture *l); /* closes in order, and opens */
/* As after a reload: what policy, fold_opts and max_per_user say now. */
void fixture_set_policy(struct queue_fixture *l);
/* queue_tick() until it wants to wait. */
int64_t fixture_tick(struct queue_fixture *l);
void fixture_pass(
    struct queue_fixture *l, int64_t ms); /* both clocks, and a tick */
/* Jobs that wait: starts and ends the oldest; all of them. */
bool fixture_run_one(struct queue_fixture *l);
/* Starts the oldest: its work is done, the loop does not know yet; ends it. */
void fixture_start_one(struct queue_fixture *l);
void fixture_finish_one(struct queue_fixture *l);
void fixture_run(struct queue_fixture *l);

struct fixture_client {
	int told;
	struct queue_told t;
	bool had_fault; /* a disk call had failed by then */
	char id[ENVELOPE_ID_SIZE];
	struct queue_draft *d;
	struct queue_fixture *l;
};

/* One message from sender@example.org to n recipients r0@example.net ... */
void fixture_submit(struct queue_fixture *l, struct fixture_client *c,
    enum queue_mode mode, size_t nrcpts, struct bytes message);
/* Ends that client; before it was told: it has gone away. */
void fixture_client_done(struct fixture_client *c);

struct verdict fixture_verdict(enum verdict_class class, const char *text);
/* Takes one and ends it with that verdict for all; false: none is due. */
bool fixture_deliver(struct queue_fixture *l, enum verdict_class class);

/* A settled() that counts: ctx is an int. */
void fixture_count(void *ctx);

/* Files under a part of the spool ("queue", "failed", "corrupt"; on a disk
 * whatever else lies there). */
size_t fixture_files(const struct queue_fixture *l, const char *part);
/* The path of the only one; false: there is none or more. */
bool fixture_only_file(
    const struct queue_fixture *l, const char *part, char path[512]);

#endif
