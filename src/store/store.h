/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store.h - messages at rest, whatever keeps them.
 *
 * The queue knows a store by this table alone.  spool.h is the one on the disk;
 * the tests have one in memory.
 *
 * A message in a store is complete or absent, whatever the moment of a crash.
 * Of what a store does, only put(), draft_commit() and a synced append() that
 * return 0 let a caller promise delivery (SMTP 250, exit status 0).
 *
 * A message is a header (store_text.h), its bytes, and a journal of what
 * happened to it since (journal.h).  Header and journal are text that the
 * caller makes: a store keeps it and gives it back, and need not know what it
 * means.
 *
 * Everything here blocks.  Any number of threads may work on different messages
 * at the same time; two calls about the same message must not overlap, except
 * draft_read() beside draft_commit(), and what struct store_notes allows.
 *
 * A message has one owner.  One process owns all of a store, or several share a
 * remote one: there put() makes a message ours from the start, heartbeat()
 * those that nobody has, and append(), finish(), load() and remove() find out
 * that it no longer is.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/share_turn.h"
#include "mail/envelope.h"
#include "store/journal.h"
#include "store/qid.h"
#include "store/store_text.h"

struct drop_folder;
struct store_history;
struct store_scan;

enum store_place { STORE_QUEUE, STORE_FAILED, STORE_CORRUPT };

enum store_result {
	STORE_OK,
	STORE_GONE, /* no such message */
	STORE_UNFINISHED, /* it ends early: it was never promised */
	STORE_DAMAGED, /* err says how */
	STORE_ERROR /* it cannot be read just now; err says why */
};

enum store_found {
	STORE_FOUND_ONE,
	STORE_FOUND_NONE, /* yet: ask again */
	STORE_FOUND_ERROR, /* something could not be looked at; ask again */
	STORE_FOUND_END
};

/* The maximum size of a small fact (state_read(), shared_change()). */
enum { STORE_STATE_MAX = 1024 * 1024 };

enum { STORE_HEARTBEAT_MS = 1000, STORE_HAS_MORE = 1 };

/* How much of the history is kept: at least half of this, at most all of it.
 * entries 0: nothing, and existing entries are removed. */
struct store_history_limits {
	uint64_t entries;
	int64_t life_ms;
};

/* Callbacks of a write in progress.  take() is called for the first lines of
 * the journal when everything else has been written; they become part of the
 * message together with its end, so there is no moment at which the message is
 * complete without them.  From written() on, append() without a sync is
 * allowed, although the write has not returned. */
struct store_notes {
	struct bytes (*take)(void *ctx);
	void (*written)(void *ctx);
	void *ctx;
};

/* A message of another relay that shares the store, for a listing. */
struct store_seen { /* as stored; borrowed */
	enum store_place place;
	const char *node; /* the relay that owns it; "": none at the moment */
	const char *origin; /* the relay that accepted it; "": not known */
	const struct envelope *env; /* uid is a uid of origin's machine */
	const struct journal_state *state;
};
struct store_look {
	/* NULL: messages of every user; else only those of this user of this
	 * relay, wherever they are. */
	const uint32_t *uid;
	bool is_backward; /* the newest first */
	size_t max; /* messages per call; 0: the store decides */
	char from[QID_SIZE]; /* continues after this id */
};
struct store_counts {
	uint64_t due, active, held, failed;
	int64_t oldest_s; /* arrival, 0: none */
};
struct store_totals {
	uint64_t relays; /* other relays that run */
	/* their messages, and those of dead relays */
	struct store_counts counts;
};

/* What is to be done with a message of another relay, and the answer: only the
 * owner changes a message. */
enum store_wish { STORE_HOLD, STORE_RELEASE, STORE_RETRY, STORE_DELETE };
enum store_answer {
	STORE_ANSWER_WAITS, /* the owner has not seen the request */
	STORE_ANSWER_TAKEN, /* the owner has seen it and may have done it */
	STORE_ANSWER_DONE,
	STORE_ANSWER_CANNOT, /* not possible in the state of the message */
	STORE_ANSWER_BUSY, /* it is being delivered */
	STORE_ANSWER_NONE /* no such message */
};
struct store_request {
	int64_t number; /* used by the owner */
	char id[QID_SIZE];
	enum store_wish what;
	enum store_answer answer;
};

/* Every store's own structs begin with these. */
struct store_draft { /* a message whose size is not known yet */
	uint64_t size_bytes; /* so far */
};
struct store_message { /* one that was loaded */
	struct envelope *env; /* the caller may change it, or take it over */
	struct journal_state state;
	bool is_damaged; /* found while the message was read */
};
struct store {
	const struct store_ops *ops;
	const char *name; /* for people */
	/* The name of this relay among those that share the store; NULL: it is
	 * alone. */
	const char *node;
	/* The drop folder (drop_folder.h); NULL: none. */
	struct drop_folder *drop;
	/* The store is at the other end of a network: calls are slow and may
	 * fail.  Every change is durable, so append() must run on another
	 * thread; and a message must be brought here with message_fetch(), on
	 * another thread, before it is read. */
	bool is_remote;
	/* How far its wall clock is ahead of ours, as of the last heartbeat();
	 * 0: it has no clock of its own.  Times in a journal are by the store's
	 * clock, because other relays read them. */
	int64_t ahead_ms;
};

/* More than 25 members, because this is everything a store does.  Each group
 * below is about one kind of thing; a store implements all of them. */
struct store_ops {
	void (*free)(struct store *s);
	/* True: no message of this id exists in the queue. */
	bool (*is_free)(struct store *s, const char *id);

	/* Stores a complete message with the header that store_text_header()
	 * made for it.  -1: nothing is left of it.  notes may be NULL. */
	int (*put)(struct store *s, const char *id, struct bytes header,
	    struct bytes message, const struct store_notes *notes,
	    struct err *err);
	/* Begins a message that arrives in pieces.  No scan sees it before it
	 * is complete. */
	int (*draft_new)(struct store *s, const char *id,
	    struct store_draft **ret, struct err *err);
	int (*draft_write)(
	    struct store_draft *d, const void *p, size_t n, struct err *err);
	/* Bytes from offset at; *ret_n is 0 at the end. */
	int (*draft_read)(struct store_draft *d, uint64_t at, void *p, size_t n,
	    size_t *ret_n, struct err *err);
	/* Completes the draft.  Does not block: the commit may then run on
	 * another thread without the envelope, whose size_bytes is set. */
	int (*draft_end)(
	    struct store_draft *d, const struct envelope *env, struct err *err);
	/* Makes the message durable.  At most once; failure is final.  notes
	 * may be NULL. */
	int (*draft_commit)(struct store_draft *d,
	    const struct store_notes *notes, struct err *err);
	/* Always the last call.  A draft that was not committed is deleted.
	 * NULL is allowed. */
	void (*draft_free)(struct store_draft *d);

	/* Appends lines to the journal; with must_sync they are durable on
	 * return.  -1: nothing was appended or (class ERR_DISK after a failed
	 * sync) the lines may be lost. */
	int (*append)(struct store *s, enum store_place place, const char *id,
	    struct bytes lines, bool must_sync, struct err *err);
	/* Appends lines, possibly none, and moves the message; durable on
	 * return.  -1: one of the two failed; *place says where the message is
	 * now.  (If it was moved, a power cut may undo that.)  A message on the
	 * way to failed/ or corrupt/ is moved even if the lines cannot be
	 * written, because its place says the most; nothing in corrupt/ is ever
	 * replaced. */
	int (*finish)(struct store *s, enum store_place *place,
	    enum store_place to, const char *id, struct bytes lines,
	    struct err *err);
	/* Removes the message.  Before the next sync() a power cut may bring it
	 * back. */
	int (*remove)(struct store *s, enum store_place place, const char *id,
	    struct err *err);
	/* Makes every removal since the last sync() durable. */
	int (*sync)(struct store *s, struct err *err);

	/* Reads header, end and journal, not the content.  OK: the caller gives
	 * *ret to message_free(). */
	enum store_result (*load)(struct store *s, enum store_place place,
	    const char *id, struct store_message **ret, struct err *err);
	/* Cuts off an incomplete journal line that a crash left, so that the
	 * next append does not make it look like damage.  Only while nothing is
	 * appended: at the scan. */
	void (*message_mend)(struct store_message *m);
	/* Appends the lines of the journal to a buffer, as far as there is
	 * room. */
	int (*message_journal)(
	    struct store_message *m, struct buf *to, struct err *err);
	/* Bytes of the message from offset at; *ret_n is 0 at the end.  The
	 * checksum is verified on the way: the last bytes are handed out only
	 * if all that went before were right.  -1 and is_damaged: they were
	 * not. */
	int (*message_read)(struct store_message *m, uint64_t at, void *p,
	    size_t n, size_t *ret_n, struct err *err);
	void (*message_free)(struct store_message *m);

	/* Finds all messages, in small steps, the oldest first as far as ids
	 * tell.  Messages that arrive during the scan may be missed.  Must be
	 * freed before the store. */
	struct store_scan *(*scan_new)(struct store *s, int64_t wall_ms);
	enum store_found (*scan_next)(struct store_scan *scan,
	    enum store_place *ret_place, char ret_id[QID_SIZE],
	    struct err *err);
	void (*scan_free)(struct store_scan *scan);

	/* False: too little space is left for a message of that size (R44). */
	bool (*has_room)(struct store *s, uint64_t size_bytes, struct err *err);
	/* The free space on this machine's disk.  -1: not known. */
	int (*room)(struct store *s, uint64_t *ret_bytes, struct err *err);

	/* Small facts, replaced as a whole and durably.  Reading one that does
	 * not exist gives nothing and is no error. */
	int (*state_read)(
	    struct store *s, const char *name, struct buf *to, struct err *err);
	int (*state_write)(struct store *s, const char *name,
	    struct bytes content, struct err *err);

	/* Appends whole lines, possibly none, to the history (history.h), and
	 * removes what exceeds the limits.  Never synced.  One call at a time.
	 * -1: some lines are lost, but no message; a remote store that does not
	 * answer keeps many lines for the next call instead. */
	int (*history_add)(struct store *s, struct bytes lines,
	    const struct store_history_limits *limits, int64_t wall_ms,
	    struct err *err);
	/* Opens the history as it is now, whatever is added afterwards;
	 * is_backward: the newest lines first.  Not while history_add() runs.
	 * Must be closed before the store.  A shared history is only roughly in
	 * order; reading on after its end gives what has been added
	 * meanwhile. */
	int (*history_open)(struct store *s, bool is_backward,
	    struct store_history **ret, struct err *err);
	/* The next lines, each with its LF, the oldest of them first in either
	 * case, and the relay that wrote them (NULL: this one); borrowed until
	 * the next call.  n 0: the end.  There may be damaged lines among
	 * them. */
	int (*history_read)(struct store_history *h, struct bytes *ret,
	    const char **ret_node, struct err *err);
	void (*history_close)(struct store_history *h);

	/* --- of a remote store; elsewhere NULL --------------------------- */

	/* As history_open(), but only lines added from now on, or in the last
	 * second. */
	int (*history_follow)(
	    struct store *s, struct store_history **ret, struct err *err);

	/* The heartbeat, every STORE_HEARTBEAT_MS: reports that this process
	 * lives, and takes over messages that nobody owns; a scan that begins
	 * afterwards finds them.  STORE_HAS_MORE: there are more, call again
	 * soon.  -1: the store does not answer; class ERR_LOST: everything that
	 * was ours belongs to others now, for good, and this process must start
	 * again. */
	int (*heartbeat)(
	    struct store *s, const struct store_counts *ours, struct err *err);
	/* Calls seen() for some messages of other relays, in the order of ids,
	 * continuing after look->from.  Damaged messages are left out. */
	int (*others)(struct store *s, struct store_look *look,
	    void (*seen)(void *ctx, const struct store_seen *m), void *ctx,
	    bool *ret_is_over, struct err *err);
	/* Calls seen() for one message, whichever relay owns it; m is
	 * borrowed. */
	enum store_result (*peek)(struct store *s, const char *id,
	    void (*seen)(void *ctx, struct store_message *m,
		const struct store_seen *seen),
	    void *ctx, struct err *err);
	/* The counts of the other relays, as of their last heartbeats. */
	int (*totals)(
	    struct store *s, struct store_totals *ret, struct err *err);
	/* ask() requests the same from the owners of n messages, whose ids are
	 * in v; uid as in struct store_look.  answers() fills in the results,
	 * and with is_last withdraws requests that no owner has seen. */
	int (*ask)(struct store *s, enum store_wish what, const uint32_t *uid,
	    struct store_request *v, size_t n, int64_t *ret_batch,
	    struct err *err);
	int (*answers)(struct store *s, int64_t batch, bool is_last,
	    struct store_request *v, size_t n, struct err *err);
	/* asked() gets requests of other relays: returns how many, or -1.  Each
	 * must be answered with answer(). */
	int (*asked)(struct store *s, struct store_request *v, size_t max,
	    struct err *err);
	int (*answer)(struct store *s, const struct store_request *v, size_t n,
	    struct err *err);
	/* Brings the whole content of a message here, so that message_read()
	 * needs no network. */
	enum store_result (*message_fetch)(
	    struct store_message *m, struct err *err);
	/* A small fact that all relays share.  change() gets the present text
	 * and may change it; no other relay changes it in between.  change()
	 * may be called several times; the last call counts. */
	int (*shared_change)(struct store *s, const char *name,
	    void (*change)(
		void *ctx, const struct share_turn *turn, struct buf *text),
	    void *ctx, struct err *err);
	/* Calls changed() for facts that other relays have changed since the
	 * last call, or since this relay's last shared_change().  One call at a
	 * time. */
	int (*shared_look)(struct store *s,
	    void (*changed)(void *ctx, const char *name), void *ctx,
	    struct err *err);
};

static inline void
store_free(struct store *s)
{
	if (s != NULL)
		s->ops->free(s);
}

/* Takes the envelope out of m; the caller frees it with envelope_free(). */
static inline struct envelope *
store_message_take_envelope(struct store_message *m)
{
	struct envelope *e = m->env;

	m->env = NULL;
	return e;
}

#endif
