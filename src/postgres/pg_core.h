/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pg_core.h - what the files behind pg_store.h share; nobody else includes it.
 *
 *   pg_pool.h      connections and single statements
 *   pg_schema.h    the tables
 *   pg_task.c      a statement is asked again when its connection is lost
 *   pg_write.c     a message goes to the database, changes, goes away
 *   pg_read.c      and comes back
 *   pg_node.c      this relay among the others: the beat, what has become ours
 *   pg_shared.c    small facts that the relays have in common
 *   pg_list.c      what the other relays have
 *   pg_history.c   what became of messages that are gone
 *   pg_move.c      messages on their way to a spool, or from one
 *   pg_store.c     opening, room, small files
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
	PG_PART_BYTES = 256 * 1024, /* of a message in one row */
	PG_SMALL_BYTES = PG_PART_BYTES, /* is kept in memory */
	PG_LATE_BYTES = 4 * 1024 * 1024 /* likewise, of the history */
};

struct pg_store {
	struct store store;
	struct store *here; /* the spool */
	struct pg_pool *pool;
	const struct clock *clock;
	char *name; /* of this relay */
	int64_t me; /* the number of this node */
	pthread_mutex_t mutex;
	struct list found, doubts; /* under the mutex, */
	uint64_t batches; /* of requests; likewise */
	struct list facts; /* as well: pg_shared.c */
	int64_t steady_from_ms, beat_ms, sweep_ms; /* of beat() alone */
	struct pg_history { /* of history_add() alone */
		struct buf late; /* lines that are not written yet */
		size_t row_bytes,
		    row_lines; /* of them, the row that was begun */
		uint64_t batch; /* its number, among those of this node */
		uint64_t lost; /* lines for which there was no room */
		uint64_t untrimmed; /* lines */
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

/* What runs within one connection: PG_LOST and it is run again on another one,
 * so it must be right twice. */
struct pg_task {
	enum pg_said (*run)(
	    struct pg_store *s, struct pg_conn *c, struct pg_task *t);
	const char *id;
	enum store_place place;
	struct bytes a, b; /* header and message, or lines */
	const struct store_notes *notes;
	struct pg_parts *parts;
	const void *ctx; /* of run()'s own */
	struct buf kept; /* notes */
	bool is_again; /* an earlier run may have succeeded */
	bool is_none; /* we have no such message */
	int64_t n; /* a number, or a result */
	PGresult *rows; /* likewise; the caller's */
	struct err *err;
};

#define PG_ID(t) PG_TEXT((t)->id)
#define PG_ME(s) PG_NUMBER((s)->me)

enum pg_said pg_perform(struct pg_store *s, struct pg_task *t);
/* One statement that changes the message, if it is ours. */
enum pg_said pg_change(struct pg_conn *c, struct pg_task *t, const char *sql,
    const struct pg_arg *args, int nargs);
/* What the table of the store returns for it. */
int pg_outcome(const struct pg_task *t, enum pg_said said);
/* "{a,b}" of n ids, each stride bytes behind the last; the caller frees it.
 * They have no character that means something there. */
char *pg_ids(const char *first, size_t stride, size_t n);

/* --- pg_write.c ----------------------------------------------------------- */

/* A message that goes there in several rows. */
struct pg_parts {
	int (*read)(void *ctx, uint64_t at, void *p, size_t n, size_t *ret_n,
	    struct err *err);
	void *ctx;
	uint64_t size;
	uint32_t uid;
};
int pg_put_parts(struct pg_store *s, const char *id, struct bytes header,
    struct pg_parts *parts, const struct store_notes *notes, struct err *err);

/* Deletes what may have been committed although its client heard "no". */
void pg_clear_doubts(struct pg_store *s);
void pg_forget_doubts(struct pg_store *s);

/* --- pg_node.c ------------------------------------------------------------ */

struct pg_found { /* has become ours */
	struct list link;
	enum store_place place;
	char id[QID_SIZE];
	struct buf header, journal;
	char ending[STORE_END_MAX];
	bool is_foreign; /* another relay has accepted it */
};

/* What a scan has just handed out needs no question, once.  NULL: it is another
 * one; else it is freed with pg_found_free(). */
struct pg_found *pg_take_found(struct pg_store *s, const char *id);
void pg_found_free(struct pg_found *f);
/* Rows of id, place, header, ending, journal, and whether another relay has
 * accepted it: a scan finds them. */
void pg_add_found(struct pg_store *s, const PGresult *r);
/* This run of the relay gets its number; it is over, and others may have at
 * once what is left. */
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
int pg_beat(struct store *st, const struct store_counts *ours, struct err *err);

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
