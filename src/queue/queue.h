/* SPDX-License-Identifier: GPL-3.0-or-later */
/* queue.h - where incoming and outgoing meet: the store plus the schedule.
 *
 * Inbound offers a draft and is told once: safe, refused, or cannot be kept.
 * Outbound takes what is due and returns verdicts.  Neither knows the other.
 *
 * The promise lives here.  QUEUE_SAFE is reported when, and only when, the
 * provider has taken the message for every recipient or the disk holds it:
 * file synced, directory synced (whichever comes first).  Delivery and disk
 * run side by side.
 *
 * Single-threaded.  On the caller's thread a local store is read: by
 * queue_take*(), queue_claim_read(), queue_original(), queue_show(),
 * queue_state_read(), queue_drop_*() and queue_tick(), which scans it; and
 * large drafts and unsynced notes are written into the page cache.  Whatever
 * syncs, and every call of a remote store that a message needs, runs through
 * struct work_pool on worker threads, on objects handed over whole, and comes
 * back on the loop.  queue_free() waits for all of it.
 */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/intl.h"
#include "base/must.h"
#include "base/rng.h"
#include "base/work.h"
#include "mail/envelope.h"
#include "mail/verdict.h"

struct history_entry;
struct queue;
struct store;
struct queue_draft;
struct queue_claim;

/* What the queue asks of the program around it.  All are called from within
 * queue functions: those that return nothing only take note, and call nothing
 * of the queue but to read a claim that they were given.  Those after trouble()
 * may be NULL.  Arguments are borrowed for the call. */
struct queue_hooks {
	/* The handle of the account that sends this message, less than
	 * naccounts; -1: none can be named now, so the message waits and the
	 * queue asks again. */
	int (*route)(void *ctx, const struct envelope *e);
	/* A message is due for this account; -1: the schedule has changed, so
	 * queue_tick() must be called again. */
	void (*wake)(void *ctx, int account);
	/* A failure that nobody waits to hear of, for the log: a damaged file
	 * was set aside, a sync has failed. */
	void (*trouble)(void *ctx, const char *id, const struct err *why);
	/* Recipients of this message have failed for good, the disk knows it,
	 * and nobody has been told: see queue_original().  Called again after a
	 * restart until queue_told_failed(). */
	void (*failed)(void *ctx, const char *id);
	/* The original that queue_original() was waiting for has been read. */
	void (*original)(void *ctx);
	/* The message is held from now on, because it may have been delivered
	 * already; the disk knows. */
	void (*held)(void *ctx, const char *id);
	/* The message has been here for delay_notice_ms, and its recipients'
	 * server says "later".  Once per message. */
	void (*delayed)(void *ctx, const char *id);
	/* The relays that share the store consider this one dead and have taken
	 * its messages: the worker must end, and another start. */
	void (*lost)(void *ctx);
	/* These recipients have a final result; the disk may not know yet.
	 * claim, if not NULL, can still read the message.  how->account is
	 * "". */
	void (*ended)(void *ctx, const struct history_entry *how, int account,
	    struct queue_claim *claim);
	void *ctx;
};

/* What a reload may change. */
struct queue_policy {
	/* A message whose answer was lost, by the network or by a crash, waits
	 * for a person instead of being sent once more. */
	bool holds_uncertain;
	/* The longest time between removing the file of a finished message and
	 * syncing the removal. */
	int64_t sync_results_ms;
	/* Each result is synced before the account carries another message. */
	bool syncs_each;
};

/* Two gates at which the queue asks a policy (src/policy).  A policy answers
 * with a value and changes nothing; it may call the functions of the section
 * "control" that only read.  All zero: no policy is installed. */

enum queue_arrives {
	QUEUE_ARRIVES, /* and goes its way */
	QUEUE_CARRIER, /* waits, and stands for those that are folded into it */
	QUEUE_FOLDED /* is one line of another; nothing else is done with it */
};
struct queue_arrival {
	enum queue_arrives what;
	int64_t wait_ms; /* QUEUE_CARRIER */
	char carrier[ENVELOPE_ID_SIZE]; /* QUEUE_FOLDED, */
	unsigned nfolded; /* with this one */
};
/* A message is complete, and nothing is decided about it. */
struct queue_arrival_gate {
	/* See queue_fold_key(). */
	const unsigned char *(*fold_key)(void *ctx);
	void (*decide)(
	    void *ctx, const struct envelope *e, struct queue_arrival *ret);
	void *ctx;
};

enum { QUEUE_WHY_MAX = 120 };
/* A message is about to be taken for its first attempt. */
struct queue_attempt_gate {
	/* 0: the message may be sent now.  Otherwise it is put off for so
	 * long, and then the gate is asked again. */
	int64_t (*wait_ms)(void *ctx, uint32_t uid);
	/* put_off(): the message is put off for the first time; fill in why,
	 * which listings show.  let_go(): it was taken or removed. */
	void (*put_off)(void *ctx, uint32_t uid, char why[QUEUE_WHY_MAX]);
	void (*let_go)(void *ctx, uint32_t uid);
	/* The message is taken.  True: it is counted, and the gate is never
	 * asked about it again. */
	bool (*begins)(void *ctx, uint32_t uid, uint32_t nrcpts);
	void *ctx;
};

struct queue_opts {
	struct store *store; /* must outlive the queue */
	const struct clock *clock;
	const struct rng *rng;
	struct work_pool pool;
	struct queue_hooks hooks;
	int naccounts;
	int64_t retry_after_ms; /* first wait; doubled up to retry_max_ms */
	int64_t retry_max_ms;
	int64_t lifetime_ms;
	int64_t delay_notice_ms; /* 0: none */
	uint64_t max_size_bytes;
	/* The longest head start of the provider: while a session waits for the
	 * verdict, or where the provider has lately been quicker than the disk,
	 * a message is written only when this time is over.  The promise is the
	 * same: no message is safe before the provider or the disk has it.
	 * 0: every message is written at once. */
	int64_t head_start_ms;
	struct queue_policy policy;
	struct queue_arrival_gate arrival;
	struct queue_attempt_gate attempt;
};

/* Starts the scan of what the store holds; queue_tick() carries it on in
 * slices, so a long queue does not delay the first greeting. */
struct queue *queue_new(const struct queue_opts *opts);
/* Ends claims that are still out as if they had never been taken; their
 * pointers are invalid from then on.  Waits for jobs under way.  Clients whose
 * message is not safe by then hear QUEUE_FAILED.  NULL is allowed. */
void queue_free(struct queue *q);

/* After a reload: accounts have changed, ask route() about everything. */
void queue_reroute(struct queue *q, int naccounts);

/* Does what is due; returns when to call again (boot clock, INT64_MAX: only
 * after some other call). */
int64_t queue_tick(struct queue *q);

/* After a reload: takes over retry_after_ms, retry_max_ms, lifetime_ms,
 * delay_notice_ms, max_size_bytes and policy.  The other options stay. */
void queue_set_opts(struct queue *q, const struct queue_opts *opts);

/* --- inbound -------------------------------------------------------------- */

enum queue_mode {
	QUEUE_MODE_SAFE, /* told as soon as provider or disk has it */
	QUEUE_MODE_VERDICT, /* waits for the provider until verdict_by_ms */
	QUEUE_MODE_QUEUE, /* disk only; no attempt until the next run */
	/* As SAFE, but the submitter was told "accepted" long ago (the drop
	 * folder) and no longer waits: a refusal is kept in failed/ like any
	 * later one, and QUEUE_REFUSED is never told. */
	QUEUE_MODE_ACCEPTED
};

enum queue_outcome {
	QUEUE_SAFE, /* the disk has it, or the provider took all of it;
			* the verdict is the provider's if it took it */
	QUEUE_REFUSED, /* never, for every recipient, while the client still
			* waited (in any mode); nothing of it is kept */
	QUEUE_FAILED /* it cannot be kept; nothing of it is left: say 452 */
};

struct queue_told {
	enum queue_outcome outcome;
	/* QUEUE_SAFE by the provider, QUEUE_REFUSED: what it said; else its
	 * class is VERDICT_NONE.  QUEUE_FAILED: err says why. */
	struct verdict verdict;
	struct err err;
	/* QUEUE_SAFE: the message that stands for this one as well; or "". */
	char folded_into[ENVELOPE_ID_SIZE];
	int account; /* that has sent it or will; -1: none yet */
};

/* A message still arriving; it has its id from the start.  queue_has_room()
 * first: false means the disk or the queue is full, or the disk keeps failing;
 * err says which, and trouble() is told, at most once an hour (R44, R45). */
bool queue_has_room(struct queue *q, uint64_t size_bytes, struct err *err);
struct queue_draft *queue_draft_new(struct queue *q);
const char *queue_draft_id(const struct queue_draft *d);
/* Up to QUEUE_MEMORY_MAX stays in memory, more goes to the file at once.  -1:
 * it cannot be kept (full disk); free the draft and say 452. */
enum { QUEUE_MEMORY_MAX = 128 * 1024 };
int queue_draft_write(
    struct queue_draft *d, const void *p, size_t n, struct err *err);
/* 16 bytes, by which envelope.fold_hash is to be made; NULL: nobody asks. */
const unsigned char *queue_fold_key(const struct queue *q);
/* The message is complete.  env is copied; its id is set.  on_accepted() is
 * called once, later, never from within this call, unless the draft is freed
 * before: then the message goes on its way untold.  verdict_by_ms is on the
 * boot clock and matters to QUEUE_MODE_VERDICT only. */
void queue_draft_end(struct queue_draft *d, const struct envelope *env,
    enum queue_mode mode, int64_t verdict_by_ms,
    void (*on_accepted)(void *ctx, const struct queue_told *t), void *ctx);
/* After queue_draft_end(): on_taken() is called when the first recipient has
 * the message and on_accepted() has not been called yet.  It counts as accepted
 * from then on, so a log can say that before it says "sent".  At most once; it
 * may call nothing of the queue. */
void queue_draft_on_taken(
    struct queue_draft *d, void (*on_taken)(void *ctx), void *ctx);
/* Always the caller's last call.  Before queue_draft_end() it removes every
 * trace of the draft.  NULL is allowed. */
void queue_draft_free(struct queue_draft *d);

/* --- outbound ------------------------------------------------------------- */

/* The next message due for this account, marked as under way.  NULL: none is
 * due, or it is being fetched from a remote store, and wake() follows.  The
 * caller gives each claim back by queue_claim_end(). */
struct queue_claim *queue_take(struct queue *q, int account);
/* Likewise, but drawn at random from all messages that are due, if possible one
 * whose sender is not that of the last suspect. */
struct queue_claim *queue_take_other(struct queue *q, int account);
/* The message may be the cause of trouble with the provider.  mark: when, by a
 * count of the caller's, not 0.  The first mark stays, until a restart. */
void queue_claim_suspect(struct queue_claim *d, uint32_t mark);
uint32_t queue_claim_suspicion(const struct queue_claim *d); /* 0: none */
/* The waiting recipient with whom the attempt begins, or goes on. */
size_t queue_claim_next_rcpt(const struct queue_claim *d);
/* True: a message is due for this account. */
bool queue_has_due(struct queue *q, int account);
/* How many messages of the account wait, due or not. */
size_t queue_backlog(const struct queue *q, int account);
/* The functions above know nothing of messages under suspicion, which wait
 * apart. */
struct queue_claim *queue_take_suspect(struct queue *q, int account);
bool queue_has_suspect_due(struct queue *q, int account);

/* Borrowed until queue_claim_end().  Recipients that are not RCPT_WAITING
 * are done and must not be tried again. */
const struct envelope *queue_claim_envelope(const struct queue_claim *d);
int queue_claim_attempts(const struct queue_claim *d); /* before this */
/* The whole message if it is small or still in memory, else p is NULL and it
 * is read in pieces. */
struct bytes queue_claim_bytes(const struct queue_claim *d);
/* Bytes of the message from offset at; *ret_n 0 at the end.  Reads the page
 * cache or the disk.  The checksum of a message of up to QUEUE_MEMORY_MAX was
 * verified when it was taken; of a larger one the last bytes come only if the
 * checksum of the whole is right. */
int queue_claim_read(struct queue_claim *d, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err);

/* The last byte of a transaction for these recipients (ascending) is about to
 * go to `who'.  From there on they may be served without our hearing of it, so
 * if the disk has the message it must know that first: after a crash it is
 * shown as "may have been delivered" and dealt with as policy says (R63).
 * True: go on.  False (it must be synced): on_marked() is called later, when
 * that has been done or has failed, but not after the end of the claim. */
bool queue_claim_mark(struct queue_claim *d, const size_t *rcpts, size_t n,
    const char *who, void (*on_marked)(void *ctx), void *ctx) MUST_CHECK;
/* Asked in on_marked().  False: the mark could not be written to a store that
 * several relays share, so the last byte must not go: another relay may have
 * the message by now. */
bool queue_claim_may_end(const struct queue_claim *d);
/* Round-trip time of the connection that carries the message, in ms; 0: not
 * known.  New messages are written at once where the disk is quicker. */
void queue_claim_round_trip(struct queue_claim *d, int64_t ms);
/* The newest verdict about recipient i; the last one before the end counts. */
void queue_claim_rcpt(struct queue_claim *d, size_t i, const struct verdict *v);
/* Before a result is told or logged: answers that are final are noted in the
 * message's file, so that a kill does not lose them.  Writes to the page cache.
 * At the end of each transaction, and before queue_claim_end() unless it is
 * QUEUE_END_UNTRIED. */
void queue_claim_note(struct queue_claim *d);
/* Policy, see above. */
bool queue_syncs_each(const struct queue *q);
/* How a claim ends. */
enum queue_end {
	QUEUE_END_TRIED, /* recipients have their verdicts; those without one
			  * get v.  If v is NULL and some were asked, the
			  * attempt goes on at once with the others. */
	QUEUE_END_HELD, /* as tried, but v says why a person must act first:
			 * a client without another answer keeps waiting, and
			 * the message is held.  A client who still waits in
			 * verdict mode, while nobody has taken it, hears v and
			 * nothing is kept. */
	QUEUE_END_UNTRIED /* the account could not be reached or was refused:
			   * nothing is charged to the message, it stays due
			   * at not_before_ms */
};
/* on_durable() is called once when the result is durable: a partial success is
 * synced before the connection may be used again.  May be called from within.
 * The claim is gone after this call. */
void queue_claim_end(struct queue_claim *d, enum queue_end how,
    const struct verdict *v, int64_t not_before_ms,
    void (*on_durable)(void *ctx), void *ctx);

/* The provider will not be asked soon: sessions in QUEUE_MODE_VERDICT whose
 * message goes through this account hear QUEUE_SAFE as soon as the disk has
 * it, instead of waiting for their deadline.  Not those whose message is under
 * way; -1: all, and those too. */
void queue_give_up_waiting(struct queue *q, int account);

/* Small facts that other modules keep across restarts, one file each under
 * state/.  Reading blocks on the disk and is meant for the start; the caller
 * frees the text, NULL: there is none.  Writing replaces the file as a whole
 * and durably, soon, on a worker thread; the newest content wins, and what
 * goes wrong then goes to trouble().  -1: more than 1 MiB. */
char *queue_state_read(struct queue *q, const char *name);
int queue_state_write(
    struct queue *q, const char *name, struct bytes text, struct err *err);

/* For what shares more of a store than its messages.  Copies *ask.  run() may
 * block, on a worker thread, or on the loop's during queue_free(); done()
 * follows on the loop, in queue_free() at the latest.  Several may run at a
 * time. */
struct queue_ask {
	int (*run)(void *ctx, struct store *s, struct err *err);
	void (*done)(void *ctx, int rc, const struct err *err);
	void *ctx;
};
void queue_ask_store(struct queue *q, const struct queue_ask *ask);

/* --- telling people ------------------------------------------------------- */

/* A message as a notice about it needs it. */
struct queue_original {
	struct envelope *env; /* with all verdicts so far */
	struct buf text; /* its header, or all of it */
	bool is_whole;
	int64_t tried_ms, give_up_ms; /* wall clock; 0: not known */
};
/* All of the message if it is not larger than max bytes, else only its header.
 * Reads the disk; another store is read on a worker thread, and the hook
 * original() says when to ask for the same again.  -1 and class ERR_BUSY: ask
 * again later; any other: there is no such message any more, or it cannot be
 * read.  On 0 the caller clears it. */
int queue_original(struct queue *q, const char *id, size_t max_bytes,
    struct queue_original *ret, struct err *err);
void queue_original_clear(struct queue_original *o);
/* Recipients that have failed in env, from queue_original(), are known to
 * somebody now, or to nobody who wants to know. */
void queue_told_failed(
    struct queue *q, const char *id, const struct envelope *env);

/* Failed messages are kept QUEUE_FAILED_DAYS after their lifetime, at most
 * QUEUE_FAILED_BYTES in total; the oldest are removed first, after the start
 * and then daily.  A message stays while nobody has been told of its failure.
 * trouble() hears of each removal, with class ERR_NONE. */
enum { QUEUE_FAILED_DAYS = 30 };
#define QUEUE_FAILED_BYTES (UINT64_C(100) * 1024 * 1024)

/* --- the drop folder ------------------------------------------------------ */

/* What sendmail wrote while no daemon answered (store/drop_folder.h); a store
 * that has none must not be asked.  The caller
 * takes each file through the same intake as everything else:
 *
 *	queue_drop_scan(q, done, ctx);
 *	when done: while (queue_drop_next(q, max_rcpts, &d))
 *		if d is not NULL, read it, offer it as a draft, and when told:
 *		queue_drop_end()
 *
 * What is set aside or removed instead is told to trouble(). */
struct queue_drop;

/* True: the drop folder has no file.  Reads the first piece of the
 * directory. */
bool queue_drop_is_empty(struct queue *q);
/* Scans the drop folder on a worker thread; then done() is called.  It takes
 * only so many names of each user that the files of one do not hide those of
 * another.  Does nothing while another scan is under way.  done NULL: the
 * done() of that scan is not called. */
void queue_drop_scan(struct queue *q, void (*done)(void *ctx), void *ctx);
/* When to scan again if the last scan left files (boot clock); INT64_MAX: it
 * left none. */
int64_t queue_drop_again_ms(const struct queue *q);
/* For inotify(7); borrowed. */
int queue_drop_dirfd(const struct queue *q);
/* Opens the next file, one in a call; *ret is NULL if it is not to be taken, or
 * not now.  False: there are no more names. */
bool queue_drop_next(
    struct queue *q, size_t max_rcpts, struct queue_drop **ret) MUST_CHECK;
/* The owner of the file, by the kernel. */
uint32_t queue_drop_uid(const struct queue_drop *d);
/* Sender, recipients, DSN wishes, 8-bit and UTF-8 flags, account asked for:
 * the user's words, to be checked like those of any client.  Everything else
 * in it is unset. */
const struct envelope *queue_drop_envelope(const struct queue_drop *d);
/* The message from front to back; *ret_n is 0 at its end.  -1: the checksum is
 * wrong or it cannot be read; what was read before must be thrown away. */
int queue_drop_read(
    struct queue_drop *d, void *p, size_t n, size_t *ret_n, struct err *err);
/* The last call.  The file is removed if the message is safe in the queue; else
 * it is there again at the next scan. */
enum queue_drop_end {
	QUEUE_DROP_TAKEN,
	QUEUE_DROP_LATER,
	QUEUE_DROP_BAD, /* never to be taken: set aside in corrupt/ */
	/* The same, but it was accepted by sendmail, so its user has more room
	 * there (store/drop_folder.h). */
	QUEUE_DROP_REFUSED
};
/* why, for the last two, is told; or NULL. */
void queue_drop_end(
    struct queue_drop *d, enum queue_drop_end how, const char *why);

/* --- control -------------------------------------------------------------- */

enum queue_state {
	QUEUE_STATE_DUE, /* waits for its turn or its time */
	QUEUE_STATE_ACTIVE, /* under way */
	QUEUE_STATE_HELD, /* waits for a person */
	QUEUE_STATE_FAILED /* in failed/ */
};

struct queue_item { /* borrowed until the next call on q */
	const char *id, *sender, *rcpt; /* one that still needs it */
	size_t nrcpts;
	uint64_t size_bytes;
	int64_t arrived_s; /* wall clock */
	int64_t next_try_ms; /* boot clock */
	int attempts;
	int account; /* handle or -1 */
	uint32_t uid;
	enum queue_state state;
	bool is_uncertain; /* some who wait may have been served */
	const char *reason; /* newest verdict in words, "" if none */
};
/* In order of arrival, until each() returns false; from memory, no disk. */
void queue_each(struct queue *q,
    bool (*each)(void *ctx, const struct queue_item *it), void *ctx);
bool queue_find(struct queue *q, const char *id, struct queue_item *ret);
size_t queue_count(const struct queue *q);

/* The same in pieces, while the queue changes: a message that is removed in
 * between is left out, a new one may be.  A walk must not outlive q. */
struct queue_walk;
enum queue_order { QUEUE_OLDEST_FIRST, QUEUE_NEWEST_FIRST };
struct queue_walk *queue_walk_new(struct queue *q, enum queue_order order);
bool queue_walk_next(struct queue_walk *w, struct queue_item *ret);
/* The item that queue_walk_next() will give, without moving on. */
bool queue_walk_peek(const struct queue_walk *w, struct queue_item *ret);
void queue_walk_free(struct queue_walk *w);

/* How many messages are in each state; kept up to date, so asking costs
 * nothing. */
struct queue_counts {
	size_t of[QUEUE_STATE_FAILED + 1]; /* by state */
	/* arrival of the oldest that has not failed (wall clock); 0: none */
	int64_t oldest_s;
};
void queue_counts(const struct queue *q, struct queue_counts *ret);
void queue_counts_of(
    const struct queue *q, uint32_t uid, struct queue_counts *ret);

/* True: the message is safe and waits for its first attempt, so equal ones may
 * be folded into it. */
bool queue_may_carry(struct queue *q, const char *id);
/* The attempt gate may answer differently now: it is asked again about every
 * message that was put off. */
void queue_ask_again(struct queue *q);
/* Calls the hook trouble(). */
void queue_trouble(struct queue *q, const char *id, const struct err *err);

/* Envelope, journal and header for `relais show`; the caller frees *ret_text.
 * Reads the disk. */
int queue_show(struct queue *q, const char *id, struct envelope **ret_env,
    char **ret_text, struct err *err);

#define QUEUE_HELD_BY_PERSON N_("held by a person")
/* False from any of these: there is no such message; from queue_delete(): or it
 * is under way. */
bool queue_hold(struct queue *q, const char *id, const char *why);
/* The message is due now.  Its lifetime starts again, because the wait was not
 * the message's fault. */
bool queue_release(struct queue *q, const char *id);
/* The message is due now; a failed one returns to the queue. */
bool queue_retry(struct queue *q, const char *id);
bool queue_delete(struct queue *q, const char *id);
/* Every message of this account (-1: of all) that is not held is due now. */
void queue_flush(struct queue *q, int account);

#endif
