/* SPDX-License-Identifier: GPL-3.0-or-later */
/* queue_core.h - what the files behind queue.h share; nobody else includes it.
 *
 *   entry    a message in memory: what a listing shows and when it is due.
 *            Small, as there may be a hundred thousand.
 *   message  what an entry has while something happens to it: its content, a
 *            client who waits, an attempt, a job on the disk.
 *   job      one blocking piece of work on another thread.
 *
 * The one rule that keeps this simple: every event (a job came back, a
 * delivery ended, a deadline passed) is noted in the message, and then
 * message_advance() looks at the whole of it and does what can be done.  At most
 * one job per message is under way.  Callbacks are made last of all, when
 * nothing is touched any more.
 *
 * All of it belongs to the loop's thread.  A job reads what it was given,
 * which nobody changes or frees until it is back.
 */
#ifndef QUEUE_QUEUE_CORE_H
#define QUEUE_QUEUE_CORE_H

#include <pthread.h>

#include "base/slab.h"
#include "queue/due.h"
#include "queue/queue.h"
#include "queue/retry.h"
#include "store/drop_folder.h"
#include "store/store.h"

enum {
	/* How long a provider may still rescue a message the disk refused. */
	QUEUE_GRACE_MS = 10 * 1000,
	/* Small messages kept in memory until their first attempt is over, and
	 * what an open file counts for in that. */
	QUEUE_FRESH_MAX = 16 * 1024 * 1024,
	QUEUE_FRESH_FILE = 256 * 1024,
	/* But not much longer than that. */
	QUEUE_FRESH_MS = 10 * 1000,
	/* With so much less of it freed memory goes back to the system. */
	QUEUE_TRIM_BYTES = 1024 * 1024,
	/* How much of the disk queue_tick() looks at before it returns. */
	QUEUE_SLICE_MS = 5,
	QUEUE_SLICE_FILES = 500,
	QUEUE_ASK_AGAIN_MS = 60 * 1000, /* an account nobody could name */
	QUEUE_UNREADABLE_MS = 5 * 60 * 1000,
	QUEUE_SWEEP_MS = 10 * 60 * 1000, /* between looks for what is too old */
	QUEUE_SWEEP_MAX = 50,
	QUEUE_CLEAN_MS = 24 * 60 * 60 * 1000, /* between looks at failed/ */
	QUEUE_CLEAN_MAX = 1000, /* files changed in one go, */
	QUEUE_CLEAN_AGAIN_MS = 1000, /* and the pause then */
	/* Finished messages whose files are still to be removed: with so many
	 * no more is delivered until half of them are gone, and so many threads
	 * remove them. */
	QUEUE_REMOVALS_MAX = 2000,
	QUEUE_REMOVALS_AT_ONCE = 2,
	QUEUE_REMOVALS_CLOSE_MS = 2000, /* at the end, not longer */
	QUEUE_NOTE_SEEN_MS = 6 * 60 * 60 * 1000,
	/* R45: so many messages in a row that the disk did not keep, and nothing
	 * is accepted until this time has passed. */
	QUEUE_BAD_DISK_AFTER = 3,
	QUEUE_BAD_DISK_MS = 60 * 1000,
	/* A person is told of a disk that takes nothing. */
	QUEUE_TELL_DISK_MS = 60 * 60 * 1000
};

struct reason { /* shared by the entries that have the same */
	unsigned refs;
	char text[];
};

enum { ACCOUNT_NONE = -1, ACCOUNT_UNASKED = -2 };

struct entry_times {
	int64_t next_ms; /* boot clock */
	int64_t born_ms; /* boot clock at which the time seen was 0 */
	int64_t arrived_s, life_from_s;
};

struct entry {
	struct due_node node; /* in the heap of its account, while it waits */
	struct entry *hash_next;
	struct list link; /* in order of arrival; unlinked: not listed */
	struct reason *reason;
	struct queue_message *msg;
	struct entry_times times;
	uint64_t size_bytes;
	uint32_t noted_s; /* time seen, as the journal has it */
	uint32_t nrcpts;
	uint32_t uid;
	int16_t account; /* or one of the above */
	uint16_t attempts;
	bool is_held : 1;
	bool is_failed : 1;
	bool is_gone : 1; /* only waits for a job to come back */
	bool in_failed : 1; /* its file is in failed/ */
	bool is_untold : 1; /* recipients have failed, and nobody knows */
	bool is_delay_told : 1;
	bool is_counted : 1; /* by the attempt gate */
	bool is_put_off : 1; /* by it */
	bool is_uncertain : 1; /* some who wait may have been served */
	unsigned counted : 3; /* 0, or 1 + the state it is counted in */
	char id[QID_SIZE];
	char names[]; /* sender NUL a recipient that still needs it NUL */
};

enum disk_state {
	DISK_SAFE, /* the file is there, promised */
	DISK_WAITING, /* the provider has a head start; nothing is there yet */
	DISK_WRITING, /* a job is at it, or will be */
	DISK_LOST /* it cannot be kept */
};
enum client_state {
	CLIENT_TOLD, /* or there never was one */
	CLIENT_WAITING,
	CLIENT_GONE /* before it could be told */
};
enum result { /* of the last attempt */
	RESULT_NONE, /* none has ended */
	RESULT_UNTRIED,
	RESULT_LATER, /* tried, and recipients are left */
	RESULT_SENT, /* to all */
	RESULT_FAILED /* none left to try, and some have failed */
};

/* The commit mark: the note that a message may have been delivered from now
 * on. */
enum mark {
	MARK_NONE, /* or it is on the disk */
	MARK_UNWRITTEN, /* the message is not there yet */
	MARK_WRITING
};

struct queue_claim {
	struct queue_message *msg;
};
struct queue_draft {
	struct queue *q;
	char id[QID_SIZE];
	struct entry *e; /* NULL once the message is complete */
	struct queue_message *msg; /* NULL once the client has been told */
	struct buf bytes; /* as long as the message is small */
	struct store_draft *spill; /* then */
	bool has_failed; /* to be written */
};

/* What is kept in memory of what the message says. */
struct message_body {
	char *bytes; /* the whole message, or one of */
	struct store_draft *draft;
	struct store_message *loaded;
	size_t charged; /* against QUEUE_FRESH_MAX */
	bool is_fresh; /* its first attempt has not ended */
	int64_t fresh_ms; /* since then */
};

/* What the disk has of it, and is about to get. */
struct message_disk {
	enum disk_state state;
	struct err err; /* DISK_LOST */
	struct job *job; /* under way */
	struct buf notes; /* lines for the journal */
	bool must_sync;
	bool is_unsaved; /* writing them has failed: with the next ones */
	bool is_unsynced; /* results were noted that need a sync in the end */
	bool is_done_noted; /* the file says that it may go */
};

/* Who has it first, the provider or the disk (queue_pace.c). */
struct message_race {
	int64_t store_at_ms; /* DISK_WAITING: until then */
	int64_t begun_ms; /* 0: its first attempt is over */
	size_t begun_among; /* so many had theirs before them then, with it */
	int64_t stored_ms; /* when its store job began */
	size_t stored_among; /* likewise, store jobs under way; 0: none */
};

/* Who submitted it. */
struct message_client {
	struct list link; /* in q->clients, until the client is told */
	enum client_state state;
	enum queue_mode mode;
	bool is_ending; /* within queue_draft_end() */
	int64_t verdict_by_ms, grace_ms;
	struct queue_draft *draft;
	void (*on_accepted)(void *ctx, const struct queue_told *t);
	void *accepted_ctx;
	void (*on_taken)(void *ctx);
	void *taken_ctx;
};

/* It stands for others, or another stands for it (queue_gate.c). */
struct message_join {
	struct queue_message *carrier; /* NULL: none, or its line is written */
	uint64_t turn; /* which line that is */
	char into[QID_SIZE]; /* or "" */
	uint64_t lines; /* of a carrier: so far */
};

/* The attempt under way, or the last one (claim.c). */
struct message_attempt {
	bool is_active;
	struct queue_claim claim;
	struct verdict **answers; /* per recipient */
	enum mark mark;
	void (*on_marked)(void *ctx);
	void *marked_ctx;
	bool *offered; /* per recipient: the answer is out; NULL: nobody's is */
	struct verdict *unanswered; /* theirs, if it does not come */
	enum result result;
	struct verdict verdict; /* RESULT_SENT, or is_refused */
	bool is_refused; /* by the provider, while the client waited */
	void (*on_durable)(void *ctx);
	void *durable_ctx;
	bool must_be_durable; /* on_durable() waits for the notes */
};

/* What people are to be told as soon as the disk knows it. */
struct message_news {
	bool has_failed, is_delayed, is_held;
};

struct queue_message {
	struct list link; /* in q->messages */
	struct queue *q;
	struct entry *e;
	struct envelope *env; /* NULL: on the disk only */
	struct message_body body;
	struct message_disk disk;
	struct message_race race;
	struct message_client client;
	struct message_join join;
	struct message_attempt attempt;
	struct message_news news;
	bool is_dropped; /* nothing of it is to stay */
	bool is_requeue; /* from failed/ */
};

enum job_kind {
	JOB_STORE,
	JOB_APPEND,
	JOB_FAIL, /* append, and move to failed/ */
	JOB_REQUEUE, /* append, and move back */
	JOB_REMOVE, /* of many messages */
	JOB_SYNC, /* of what they removed */
	JOB_STATE,
	JOB_DROPS
};

/* One file of the spool. */
struct file {
	enum store_place place;
	char id[QID_SIZE];
};
struct files {
	struct file *v;
	size_t count, cap;
};
struct job {
	struct work work;
	struct list link; /* in q->jobs.list */
	struct queue *q; /* NULL: the queue is gone, only free it */
	enum job_kind kind;
	struct drop_found *found; /* JOB_DROPS */
	int64_t wall_s; /* likewise */
	struct queue_message
	    *msg; /* not JOB_REMOVE, JOB_SYNC, JOB_STATE, JOB_DROPS */
	char id[QID_SIZE];
	enum store_place place;
	struct bytes message; /* JOB_STORE: borrowed from the queue_message, */
	struct store_draft *draft; /* one of the two */
	struct buf text; /* header, lines, content */
	/* JOB_STORE, under q->jobs.mutex: lines that came meanwhile, until the file
	 * has all it needs; from then on they are added to it. */
	struct buf notes;
	bool is_written;
	struct files files; /* JOB_REMOVE */
	bool must_sync;
	uint64_t folds; /* up to which line of the message */
	char *name; /* JOB_STATE */
	bool has_next; /* JOB_STATE: a newer content came meanwhile, */
	struct buf next; /* this one */
	bool is_finished; /* under q->jobs.mutex */
	int rc;
	struct err err;
};

/* How long each message took lately, where many side by side share the time
 * that they all take; in the unit of queue_pace.c. */
struct pace {
	int64_t average;
	unsigned samples;
};

struct account {
	struct pace pace; /* from the offer until all of it was sent */
	struct due due;
	bool is_woken; /* and has not taken all since */
};

/* What is finished and still has a file. */
struct removals {
	struct files waiting;
	size_t under_way; /* of jobs */
	unsigned jobs;
	bool is_full;
	int64_t sync_at_ms; /* 0: all is synced, or being synced */
	bool is_syncing;
	int64_t close_by_ms; /* while the queue closes; 0: it does not */
};

/* Of one user, or of all. */
struct tally {
	uint32_t uid;
	size_t of[QUEUE_STATE_FAILED + 1];
	struct entry *oldest; /* that has not failed */
};
struct tallies {
	struct tally all;
	struct tally *v; /* of those who have messages, by uid */
	size_t n;
};

struct scan {
	struct store_scan *at; /* NULL: it has not begun, or is done */
	bool is_done;
	int64_t again_ms; /* something could not be read: from the start */
};

struct drops {
	char (*names)[QID_SIZE]; /* of the newest scan */
	size_t count, at;
	int64_t again_ms; /* boot clock; INT64_MAX: nothing to wait for */
	bool is_scanning;
	void (*done)(void *ctx); /* tells that it is over */
	void *ctx;
	struct list taken; /* struct queue_drop */
	/* Not a line for each of ten thousand. */
	int64_t told_ms;
	unsigned ntold, nuntold;
	int64_t stuck_told_ms; /* not before */
};

/* All of them, by id and in order of arrival. */
struct entries {
	struct slab slab; /* they outlive what comes with them */
	struct entry **buckets;
	size_t nbuckets, count;
	struct list listed;
	size_t nlisted;
	struct list walks; /* struct queue_walk */
	bool is_unsorted;
	struct reason *last_reason;
};
struct jobs {
	struct list list;
	pthread_mutex_t mutex; /* job.is_finished, job.notes */
	pthread_cond_t finished;
};
struct races {
	struct pace disk;
	size_t begun, storing; /* messages with begun_ms, stored_among */
	unsigned probes;
};
/* Messages kept in memory until their first attempt is over. */
struct fresh {
	size_t bytes, peak;
	int64_t look_ms;
};
struct bad_disk {
	unsigned failures; /* messages that it did not keep, in a row */
	int64_t failed_ms;
	int64_t told_ms; /* that nothing is accepted; 0: never */
};

struct queue {
	struct queue_opts o;
	struct retry retry;
	struct store *store;
	struct account *accounts; /* naccounts, and one for nobody */
	int naccounts;
	struct entries entries;
	struct tallies tallies;
	struct list messages;
	struct list clients; /* messages whose client is not told yet */
	struct jobs jobs;
	bool is_closing;
	bool is_ticking; /* within queue_tick() */
	bool is_todo; /* a client can be told, but not just now */
	struct scan scan;
	struct removals removals;
	struct drops drops;
	struct races race;
	struct fresh fresh;
	struct bad_disk bad_disk;
	int64_t sweep_ms;
	int64_t clean_ms;
};

/* --- queue_entry.c: entries ----------------------------------------------- */

int64_t queue_now(const struct queue *q);
int64_t queue_wall(const struct queue *q);

/* Known by its id from now on, neither listed nor due. */
struct entry *entry_new(struct queue *q, const char *id);
/* Any of this id, also one that is not listed. */
struct entry *entry_lookup(struct queue *q, const char *id);
void entry_free(struct queue *q, struct entry *e);
/* Gives it the names that listings show.  It may move: only for one that is
 * new, neither listed nor due nor in a queue_message. */
struct entry *entry_name(
    struct queue *q, struct entry *e, const struct envelope *env) MUST_CHECK;
/* Names the recipient that is now the one to name; env is the entry's own. */
void entry_name_rcpt(struct entry *e, const struct envelope *env);
/* Takes over what else listings show. */
void entry_describe(struct entry *e, const struct envelope *env);
void entry_list(struct queue *q, struct entry *e);
void entry_unlist(struct queue *q, struct entry *e);
void entry_sort(struct queue *q);
void entry_set_reason(struct queue *q, struct entry *e, const char *text);
void entry_forget_reasons(struct queue *q);
void entry_set_verdict(
    struct queue *q, struct entry *e, const struct verdict *v);
int64_t entry_seen_ms(const struct queue *q, const struct entry *e);
/* The journal has, or is about to get, this time seen; to the second. */
void entry_noted(struct entry *e, int64_t seen_ms);
/* It is long since it got one. */
bool entry_must_note(const struct queue *q, const struct entry *e);
int64_t entry_age_ms(const struct queue *q, const struct entry *e);
bool entry_is_expired(const struct queue *q, const struct entry *e);

void entry_route(struct queue *q, struct entry *e, const struct envelope *env);
/* Into the heap of its account, if it waits for its time. */
void entry_wait(struct queue *q, struct entry *e);
void entry_unwait(struct queue *q, struct entry *e);
/* Tells outbound, unless it knows. */
void queue_wake(struct queue *q, int account, bool even_again);
/* queue_tick() is to be called, to say when it is to be called. */
void queue_rescheduled(struct queue *q);
/* A message could not be written or synced (draft.c). */
void queue_disk_failed(struct queue *q);

/* --- queue_count.c: how many there are ------------------------------------- */

enum queue_state entry_state(const struct entry *e);
/* Its state or its place in the listing may have changed. */
void entry_count(struct queue *q, struct entry *e);
/* It is about to leave the listing. */
void entry_uncount(struct queue *q, struct entry *e);
/* The order has: finds the oldest ones anew. */
void counts_sorted(struct queue *q);
void counts_clear(struct queue *q);
/* Likewise. */
void walks_pass(struct queue *q, struct entry *e);

/* --- queue_job.c: jobs ---------------------------------------------------- */

struct job *job_new(
    struct queue *q, enum job_kind kind, struct queue_message *msg);
void job_submit(struct job *j);
/* True: it had not started; it is freed. */
bool job_cancel(struct job *j);
/* For queue_free(): does or awaits all. */
void job_finish_all(struct queue *q);
/* JOB_STORE: these lines become part of the file together with its end record.
 * False: that is too late, the file is complete and can be added to. */
bool job_add_notes(struct job *j, struct bytes lines);

/* --- queue_remove.c: what is finished goes away --------------------------- */

/* Its file is removed in the background. */
void removal_add(struct queue *q, enum store_place place, const char *id);
/* The disk is slow: what is delivered now would only wait to be removed. */
bool removals_are_full(const struct queue *q);
void removal_job_done(struct queue *q, struct job *j);
void removal_sync_done(struct queue *q, struct job *j);
/* Syncs if it is time to; when it will be, INT64_MAX: never. */
int64_t removals_tick(struct queue *q);
/* The queue is being closed: what takes too long is left to the next scan. */
void removals_close(struct queue *q);
/* All jobs are back. */
void removals_clear(struct queue *q);

/* --- queue_message.c: what happens to a message ---------------------------- */

/* The entry's message, made if need be: of a file that is safe. */
struct queue_message *message_get(struct queue *q, struct entry *e);
/* Without content, client, delivery or job it is not needed any more. */
void message_advance(struct queue_message *msg);
void message_job_done(struct queue_message *msg, struct job *j);
void message_free(struct queue_message *msg);
void message_drop_content(struct queue_message *msg);
void message_drop_message(
    struct queue_message *msg); /* and keep the envelope */
/* Drops what was kept in vain, as its first attempt does not come; when to call
 * again, INT64_MAX: when there is something fresh. */
int64_t fresh_tick(struct queue *q);
/* What was heard in the attempt that is over. */
void message_drop_answers(struct queue_message *msg);
void message_charge(struct queue_message *msg);
/* Can the client of this one be told now? */
bool message_can_tell(const struct queue_message *msg);
/* The boot time at which that can change without an event; INT64_MAX. */
int64_t message_deadline(const struct queue_message *msg);
/* The commit mark goes to the disk if the message is there. */
void message_write_mark(struct queue_message *msg);
/* All notes go to the page cache, as far as that can be done at once. */
void message_write_notes(struct queue_message *msg);
/* Its file, if there is one, says from now on that it may go. */
void message_write_done(struct queue_message *msg);
/* Adds to the journal; too long a journal loses its newest lines, which is
 * reported and harmless. */
void message_noted(struct queue_message *msg, bool ok);

/* --- queue_pace.c: who is to have a new message first ---------------------- */

/* A new message: gives it to the disk, now or when the head start of the
 * provider is over. */
void message_begin(struct queue_message *msg);
/* The head start is over. */
void message_store(struct queue_message *msg);
/* Starts what is due. */
void pace_tick(struct queue *q);
/* What happened; nothing is learnt from what took its time elsewhere. */
void pace_sent(struct queue_message *msg);
void pace_stored(struct queue_message *msg);
/* Its first attempt is over; the store job is back; or it goes away. */
void pace_attempt_over(struct queue_message *msg);
void pace_store_over(struct queue_message *msg);

/* --- delivery.c ----------------------------------------------------------- */

/* False: it cannot be read; the entry has been dealt with and may be gone. */
bool message_load(struct queue_message *msg, bool with_body);
/* All that still wait have failed: too old. */
void message_expire(struct queue_message *msg);
/* A crash has ended the attempt at a message when its answer was awaited. */
void message_recover(struct queue_message *msg);

/* --- queue_gate.c: what policies decide ------------------------------------ */

/* A new message with all it has.  True: it is one line of another now, and
 * nothing else is done with it. */
bool message_joins(struct queue_message *msg);
/* The reason that a listing gives for a carrier of n others. */
void carrier_describe(struct queue *q, struct entry *carrier, uint64_t n);
/* The lines of those that joined by then are on the disk, or are not. */
void carrier_written(struct queue_message *carrier, const struct job *j);
/* The carrier goes, and lines that were not written with it. */
void carrier_abandon(struct queue_message *carrier);
/* True: it waits for later now. */
bool entry_is_put_off(struct queue *q, struct entry *e);
/* It is taken. */
void entry_begins(struct queue *q, struct entry *e);
/* It does not wait any more. */
void entry_let_go(struct queue *q, struct entry *e);

/* --- queue_scan.c --------------------------------------------------------- */

/* One slice; false: there is nothing left to scan. */
bool scan_step(struct queue *q);
/* When there is reason to call it after that; INT64_MAX. */
int64_t scan_again_ms(const struct queue *q);
void scan_clear(struct queue *q);
/* Moves a file to corrupt/ and tells. */
void queue_set_aside(struct queue *q, enum store_place place, const char *id,
    const struct err *why);

/* --- queue_notice.c ------------------------------------------------------- */

/* A job has come back: tells what is to be told now that the disk knows. */
void message_tell_people(struct queue_message *msg);
/* As far as the clock says that it is time to. */
void queue_clean_failed(struct queue *q);

/* --- queue_drop.c --------------------------------------------------------- */

void drops_init(struct queue *q);
void drops_clear(struct queue *q);
/* JOB_DROPS is back. */
void drops_found(struct queue *q, struct drop_found *found);

#endif
