/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pg_core.h - declarations shared by the files behind pg_store.h; no other file
 * includes it.
 *
 *  pg_pool.h      connections and single statements
 *  pg_schema.h    the tables
 *  pg_task.c      repeats a statement if its connection is lost
 *  pg_write.c     writes, changes and removes a message
 *  pg_read.c      reads a message
 *  pg_node.c      this relay among the others: the heartbeat, takeovers
 *  pg_shared.c    small facts that the relays share
 *  pg_list.c      messages of the other relays
 *  pg_history.c   what became of messages that are gone
 *  pg_move.c      messages on their way to or from a spool
 *  pg_store.c     opening, free space, small files
 *
 * Everything here blocks on the network.  Any number of worker threads may
 * call; on the loop's thread a call fails at once if no connection is free
 * (pg_pool.h).
 */
#ifndef POSTGRES_PG_CORE_H
#define POSTGRES_PG_CORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "postgres/pg_pool.h"
#include "postgres/pg_schema.h"
#include "store/qid.h"
#include "store/store.h"
#include "store/store_text.h"

enum {
	PG_PART_BYTES = 256 * 1024, /* bytes of a message in one row */
	/* a message up to this size is kept in memory */
	PG_SMALL_BYTES = PG_PART_BYTES,
	/* history lines kept in memory while the server does not answer */
	PG_LATE_BYTES = 4 * 1024 * 1024
};

struct pg_store {
	struct store store;
	struct store *here; /* the spool of this machine; owned */
	struct pg_pool *pool;
	const struct clock *clock;
	char *name; /* name of this relay; owned */
	int64_t me; /* number of this run of the relay (pg_store.h) */
	pthread_mutex_t mutex;
	/* under the mutex: what pg_take_found() hands out; messages that may
	 * have been committed although the commit failed */
	struct list found, doubts;
	/* number of the last batch of requests; under the mutex */
	uint64_t batches;
	struct list facts; /* shared facts, under the mutex (pg_shared.c) */
	/* used by heartbeat() alone */
	int64_t steady_from_ms, heartbeat_ms, sweep_ms;
	struct pg_history { /* used by history_add() alone */
		struct buf late; /* lines that are not written yet */
		size_t row_bytes,
		    row_lines; /* size of the row that was begun */
		/* number of that row among those of this node */
		uint64_t batch;
		uint64_t lost; /* lines that were dropped for lack of room */
		uint64_t untrimmed; /* lines added since the last trimming */
		int64_t trimmed_ms;
	} history;
};

static inline struct pg_store *
pg_of(struct store *s)
{
	return (struct pg_store *)(void *)s;
}

static inline int64_t
pg_now_ms(const struct pg_store *s)
{
	return clock_boot_ms(s->clock);
}

/* --- pg_task.c ------------------------------------------------------------ */

/* A piece of work on one connection.  If the connection is lost (PG_LOST) run()
 * is called again on another one, so running it twice must be correct. */
struct pg_task {
	enum pg_said (*run)(
	    struct pg_store *s, struct pg_conn *c, struct pg_task *t);
	const char *id;
	enum store_place place;
	struct bytes a, b; /* header and message, or journal lines */
	const struct store_notes *notes;
	struct pg_parts *parts;
	const void *ctx; /* for run() */
	struct buf kept; /* the notes, kept for a second run */
	/* this is not the first run; an earlier one may have succeeded */
	bool is_again;
	bool is_none; /* the message does not exist or is not ours */
	int64_t n; /* input or result of run() */
	PGresult *rows; /* result of run(); the caller clears it */
	struct err *err;
};

#define PG_ID(t) PG_TEXT((t)->id)
#define PG_ME(s) PG_NUMBER((s)->me)

/* Runs t on a connection of the pool, again if it is lost. */
enum pg_said pg_perform(struct pg_store *s, struct pg_task *t);
/* Runs one statement that changes the message if it is ours. */
enum pg_said pg_change(struct pg_conn *c, struct pg_task *t, const char *sql,
    const struct pg_arg *args, int nargs);
/* The result that a function of struct store_ops returns for what t came to. */
int pg_outcome(const struct pg_task *t, enum pg_said said);
/* The array literal "{a,b}" of n ids, which lie stride bytes apart.  The caller
 * frees it.  Ids have no character that has a meaning there. */
char *pg_ids(const char *first, size_t stride, size_t n);

/* --- pg_write.c ----------------------------------------------------------- */

/* A message that is written in several rows. */
struct pg_parts {
	int (*read)(void *ctx, uint64_t at, void *p, size_t n, size_t *ret_n,
	    struct err *err);
	void *ctx;
	uint64_t size;
	uint32_t uid;
};
int pg_put_parts(struct pg_store *s, const char *id, struct bytes header,
    struct pg_parts *parts, const struct store_notes *notes, struct err *err);

/* Deletes messages that may have been committed although the client was told
 * "no". */
void pg_clear_doubts(struct pg_store *s);
void pg_forget_doubts(struct pg_store *s);

/* --- pg_node.c ------------------------------------------------------------ */

struct pg_found { /* a message that we have taken over */
	struct list link;
	enum store_place place;
	char id[QID_SIZE];
	struct buf header, journal;
	char ending[STORE_END_MAX];
	bool is_foreign; /* accepted by another relay */
};

/* The data of a message that a scan has just reported, once, so that loading it
 * needs no query.  NULL: not that message.  pg_found_free() frees it. */
struct pg_found *pg_take_found(struct pg_store *s, const char *id);
void pg_found_free(struct pg_found *f);
/* Adds the rows of r (id, place, header, ending, journal, whether another relay
 * accepted it) to what a scan finds. */
void pg_add_found(struct pg_store *s, const PGresult *r);
/* pg_enter() registers this run of the relay and gets its number; pg_leave()
 * ends it, so that others may take its messages at once. */
int pg_enter(struct pg_store *s, const char *name, struct err *err);
void pg_leave(struct pg_store *s);

/* --- pg_shared.c ---------------------------------------------------------- */

void pg_forget_facts(struct pg_store *s);

/* --- the functions of the table (store.h) --------------------------------- */

/* pg_write.c */
int pg_put(struct store *st, const char *id, struct bytes header,
    struct bytes message, const struct store_notes *notes, struct err *err);
int pg_draft_new(struct store *st, const char *id, struct store_draft **ret,
    struct err *err);
int pg_draft_write(
    struct store_draft *sd, const void *p, size_t n, struct err *err);
int pg_draft_read(struct store_draft *sd, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err);
int pg_draft_end(
    struct store_draft *sd, const struct envelope *env, struct err *err);
int pg_draft_commit(
    struct store_draft *sd, const struct store_notes *notes, struct err *err);
void pg_draft_free(struct store_draft *sd);
int pg_append(struct store *st, enum store_place place, const char *id,
    struct bytes lines, bool must_sync, struct err *err);
int pg_finish(struct store *st, enum store_place *place, enum store_place to,
    const char *id, struct bytes lines, struct err *err);
int pg_remove(
    struct store *st, enum store_place place, const char *id, struct err *err);
int pg_sync(struct store *st, struct err *err);

/* pg_read.c */
enum store_result pg_load(struct store *st, enum store_place place,
    const char *id, struct store_message **ret, struct err *err);
void pg_message_mend(struct store_message *m);
int pg_message_journal(
    struct store_message *m, struct buf *to, struct err *err);
int pg_message_read(struct store_message *m, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err);
void pg_message_free(struct store_message *m);
enum store_result pg_message_fetch(struct store_message *m, struct err *err);
enum store_result pg_peek(struct store *st, const char *id,
    void (*seen)(
	void *ctx, struct store_message *m, const struct store_seen *seen),
    void *ctx, struct err *err);

/* pg_node.c */
struct store_scan *pg_scan_new(struct store *st, int64_t wall_ms);
enum store_found pg_scan_next(struct store_scan *c, enum store_place *ret_place,
    char ret_id[QID_SIZE], struct err *err);
void pg_scan_free(struct store_scan *c);
int pg_heartbeat(
    struct store *st, const struct store_counts *ours, struct err *err);

/* pg_list.c */
int pg_others(struct store *st, struct store_look *l,
    void (*seen)(void *ctx, const struct store_seen *m), void *ctx,
    bool *ret_is_over, struct err *err);
int pg_totals(struct store *st, struct store_totals *ret, struct err *err);
int pg_ask_owners(struct store *st, enum store_wish what, const uint32_t *uid,
    struct store_request *v, size_t n, int64_t *ret_batch, struct err *err);
int pg_answers(struct store *st, int64_t batch, bool is_last,
    struct store_request *v, size_t n, struct err *err);
int pg_asked(
    struct store *st, struct store_request *v, size_t max, struct err *err);
int pg_answer(
    struct store *st, const struct store_request *v, size_t n, struct err *err);

/* pg_shared.c */
int pg_shared_change(struct store *st, const char *name,
    void (*change)(void *ctx, const struct share_turn *turn, struct buf *text),
    void *ctx, struct err *err);
int pg_shared_look(struct store *st,
    void (*changed)(void *ctx, const char *name), void *ctx, struct err *err);

/* pg_history.c */
int pg_history_add(struct store *st, struct bytes lines,
    const struct store_history_limits *limits, int64_t wall_ms,
    struct err *err);
int pg_history_open(struct store *st, bool is_backward,
    struct store_history **ret, struct err *err);
int pg_history_follow(
    struct store *st, struct store_history **ret, struct err *err);
int pg_history_read(struct store_history *h, struct bytes *ret,
    const char **ret_node, struct err *err);
void pg_history_close(struct store_history *h);

#endif
