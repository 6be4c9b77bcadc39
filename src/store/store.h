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
 * remote one: there put() makes a message ours from the start, beat() those
 * that nobody has, and append(), finish(), load() and remove() find out that it
 * no longer is.
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

/* Small facts, each replaced as a whole. */
enum { STORE_STATE_MAX = 1024 * 1024 };

enum { STORE_BEAT_MS = 1000, STORE_HAS_MORE = 1 };

/* How much of the history is kept, at least half of it and at most all; entries
 * 0: none of it, and what is there is removed. */
struct store_history_limits {
	uint64_t entries;
	int64_t life_ms;
};

/* What became of a message while it was being written.  take() is asked for the
 * first lines of its journal when everything else has been written; they become
 * part of the message together with its end, so there is no moment at which it
 * is complete without them.  From written() on append() may add to it, without
 * a sync, although the write has not returned. */
struct store_notes {
	struct bytes (*take)(void *ctx);
	void (*written)(void *ctx);
	void *ctx;
};

/* The messages of other relays that share the store, for a listing. */
struct store_seen { /* as it is written down; borrowed */
	enum store_place place;
	const char *node; /* the relay that has it; "": none at the moment */
	const char *origin; /* who accepted it; "": not known */
	const struct envelope *env; /* uid is one of origin's machine */
	const struct journal_state *state;
};
struct store_look {
	/* NULL: of anybody; else of this user of this relay, wherever it is. */
	const uint32_t *uid;
	bool is_backward; /* the newest first */
	size_t max; /* at once; 0: as many as is good */
	char from[QID_SIZE]; /* how far it got */
};
struct store_counts {
	uint64_t due, active, held, failed;
	int64_t oldest_s; /* arrival, 0: none */
};
struct store_totals {
	uint64_t relays; /* others that run */
	struct store_counts counts; /* theirs, and of those that are gone */
};

/* What is wanted of a message that another relay has, and what became of that:
 * only its owner changes it. */
enum store_wish { STORE_HOLD, STORE_RELEASE, STORE_RETRY, STORE_DELETE };
enum store_answer {
	STORE_ANSWER_WAITS, /* nobody has heard of it */
	STORE_ANSWER_TAKEN, /* the owner has, and it may be done */
	STORE_ANSWER_DONE,
	STORE_ANSWER_CANNOT, /* not in its state */
	STORE_ANSWER_BUSY, /* it is being delivered */
	STORE_ANSWER_NONE /* no such message */
};
struct store_request {
	int64_t number; /* of the owner's */
	char id[QID_SIZE];
	enum store_wish what;
	enum store_answer answer;
};

/* What every store begins its own with. */
struct store_draft { /* a message whose size is not known yet */
	uint64_t size_bytes; /* so far */
};
struct store_message { /* one that was loaded */
	struct envelope *env; /* the caller may change it, or take it away */
	struct journal_state state;
	bool is_damaged; /* found out while it was being read */
};
struct store {
	const struct store_ops *ops;
	const char *name; /* for messages to a person */
	/* Of this relay among those that share the store; NULL: it is alone. */
	const char *node;
	/* Where mail waits that came without us (drop_folder.h); NULL:
	 * nowhere. */
	struct drop_folder *drop;
	/* It is at the other end of a network: its calls are slow, and it may
	 * be away.  Nothing goes there without being durable, so an append()
	 * has to be waited for on another thread, and a message is brought here
	 * there, too, with message_fetch(). */
	bool is_remote;
	/* What its wall clock is ahead of ours, as of its last beat(); 0: it
	 * has none.  Times in a journal are by its clock, because others read
	 * them. */
	int64_t ahead_ms;
};

/* More than 25 members, because it is all that a store does; each group below
 * is about one kind of thing, and a store is written as a whole. */
struct store_ops {
	void (*free)(struct store *s);
	/* True: no message of this id is in the queue. */
	bool (*is_free)(struct store *s, const char *id);

	/* A whole message with the header that store_text_header() made for it.
	 * -1: nothing of it is left.  notes may be NULL. */
	int (*put)(struct store *s, const char *id, struct bytes header,
	    struct bytes message, const struct store_notes *notes,
	    struct err *err);
	/* A message that comes in pieces; no scan sees it before its end. */
	int (*draft_new)(struct store *s, const char *id,
	    struct store_draft **ret, struct err *err);
	int (*draft_write)(
	    struct store_draft *d, const void *p, size_t n, struct err *err);
	/* Bytes from offset at; *ret_n is 0 at the end. */
	int (*draft_read)(struct store_draft *d, uint64_t at, void *p, size_t n,
	    size_t *ret_n, struct err *err);
	/* The message is complete.  Does not block: the commit may then run on
	 * another thread without the envelope, whose size_bytes is set. */
	int (*draft_end)(
	    struct store_draft *d, const struct envelope *env, struct err *err);
	/* At most once; failure is final.  notes may be NULL. */
	int (*draft_commit)(struct store_draft *d,
	    const struct store_notes *notes, struct err *err);
	/* Always the last call; what was not committed is deleted.  NULL is
	 * allowed. */
	void (*draft_free)(struct store_draft *d);

	/* Adds lines to the journal; with must_sync they are durable on return.
	 * -1: nothing was added, or (class ERR_DISK after a failed sync) it may
	 * be lost. */
	int (*append)(struct store *s, enum store_place place, const char *id,
	    struct bytes lines, bool must_sync, struct err *err);
	/* Adds lines, which may be none, and moves it; durable on return.  -1:
	 * one of both has failed; *place says where it is now.  (Moved all the
	 * same: a power cut may undo that.)  On the way to failed/ and corrupt/
	 * it is moved even if the lines cannot be written, for where a message
	 * lies says the most; and what lies in corrupt/ is never replaced. */
	int (*finish)(struct store *s, enum store_place *place,
	    enum store_place to, const char *id, struct bytes lines,
	    struct err *err);
	/* Until sync() a power cut may bring it back. */
	int (*remove)(struct store *s, enum store_place place, const char *id,
	    struct err *err);
	/* Makes durable what was removed since the last one. */
	int (*sync)(struct store *s, struct err *err);

	/* Header, end and journal, not the message.  OK: the caller frees
	 * *ret. */
	enum store_result (*load)(struct store *s, enum store_place place,
	    const char *id, struct store_message **ret, struct err *err);
	/* Cuts off a journal line that a crash left incomplete, so that the
	 * next append does not make it look like damage.  Only while nobody may
	 * be appending: at the scan. */
	void (*message_mend)(struct store_message *m);
	/* Adds the lines of the journal, as far as there is room. */
	int (*message_journal)(
	    struct store_message *m, struct buf *to, struct err *err);
	/* Bytes of the message from offset at; *ret_n is 0 at the end.  The
	 * checksum is verified on the way: the last bytes are handed out only
	 * if all that went before were right.  -1 and is_damaged: they were
	 * not. */
	int (*message_read)(struct store_message *m, uint64_t at, void *p,
	    size_t n, size_t *ret_n, struct err *err);
	void (*message_free)(struct store_message *m);

	/* All that is there, in small steps, the oldest first as far as ids
	 * tell that by now; what comes meanwhile is seen or not.  Must be freed
	 * before the store. */
	struct store_scan *(*scan_new)(struct store *s, int64_t wall_ms);
	enum store_found (*scan_next)(struct store_scan *scan,
	    enum store_place *ret_place, char ret_id[QID_SIZE],
	    struct err *err);
	void (*scan_free)(struct store_scan *scan);

	/* False: too little is left for a message of that size (R44). */
	bool (*has_room)(struct store *s, uint64_t size_bytes, struct err *err);
	/* So much is left on this machine's disk.  -1: it does not say. */
	int (*room)(struct store *s, uint64_t *ret_bytes, struct err *err);

	/* Small facts, replaced as a whole and durably.  Reading one that is
	 * not there gives nothing and is no error. */
	int (*state_read)(
	    struct store *s, const char *name, struct buf *to, struct err *err);
	int (*state_write)(struct store *s, const char *name,
	    struct bytes content, struct err *err);

	/* What became of messages (history.h).  Adds whole lines, which may be
	 * none, and forgets what is beyond the limits.  Never synced.  One call
	 * at a time.  -1: some of the lines are lost, and no message is.  A
	 * remote store that is away keeps many of them for the next call
	 * instead. */
	int (*history_add)(struct store *s, struct bytes lines,
	    const struct store_history_limits *limits, int64_t wall_ms,
	    struct err *err);
	/* All that is there at the time of the call, whatever is added
	 * afterwards; the oldest first, or the newest.  Not while history_add()
	 * is under way.  Must be closed before the store.  What several relays
	 * share is only about in order, and asked again after its end it gives
	 * what has come meanwhile. */
	int (*history_open)(struct store *s, bool is_backward,
	    struct store_history **ret, struct err *err);
	/* The next lines, each with its LF and the oldest first in either case,
	 * and the relay that has written them, NULL: this one; borrowed until
	 * the next call; n 0: that was all.  What is damaged may be among
	 * them. */
	int (*history_read)(struct store_history *h, struct bytes *ret,
	    const char **ret_node, struct err *err);
	void (*history_close)(struct store_history *h);

	/* --- of a remote store; elsewhere NULL --------------------------- */

	/* As history_open(), without what is there: only what comes from now
	 * on, or has come in the last second. */
	int (*history_follow)(
	    struct store *s, struct store_history **ret, struct err *err);

	/* Says that this process lives, every STORE_BEAT_MS, and makes ours
	 * what nobody has: a scan that begins afterwards finds it.
	 * STORE_HAS_MORE: there is more, for the next call soon.  -1: the store
	 * is away; class ERR_LOST: all that was ours belongs to others now, for
	 * good, and this process must begin anew. */
	int (*beat)(
	    struct store *s, const struct store_counts *ours, struct err *err);
	/* Some of what other relays have, in the order of ids; goes on behind
	 * look->from.  What is damaged is left out. */
	int (*others)(struct store *s, struct store_look *look,
	    void (*seen)(void *ctx, const struct store_seen *m), void *ctx,
	    bool *ret_is_over, struct err *err);
	/* One message, wherever it is; m is borrowed. */
	enum store_result (*peek)(struct store *s, const char *id,
	    void (*seen)(void *ctx, struct store_message *m,
		const struct store_seen *seen),
	    void *ctx, struct err *err);
	/* As they were at their last beats. */
	int (*totals)(
	    struct store *s, struct store_totals *ret, struct err *err);
	/* Asks the owners of n messages, whose ids are in v, for the same; uid
	 * as in struct store_look.  answers() fills in what has become of it,
	 * and with is_last takes back what nobody has heard of. */
	int (*ask)(struct store *s, enum store_wish what, const uint32_t *uid,
	    struct store_request *v, size_t n, int64_t *ret_batch,
	    struct err *err);
	int (*answers)(struct store *s, int64_t batch, bool is_last,
	    struct store_request *v, size_t n, struct err *err);
	/* What others ask of us: how many, -1.  Each is to be answered. */
	int (*asked)(struct store *s, struct store_request *v, size_t max,
	    struct err *err);
	int (*answer)(struct store *s, const struct store_request *v, size_t n,
	    struct err *err);
	/* Brings all bytes of a message here, so that message_read() goes
	 * through no network. */
	enum store_result (*message_fetch)(
	    struct store_message *m, struct err *err);
	/* A small fact that all relays have in common: change() gets it, as it
	 * is, and makes another of it or leaves it, and nobody else changes it
	 * in between.  For that it may be called several times; the last one
	 * counts. */
	int (*shared_change)(struct store *s, const char *name,
	    void (*change)(
		void *ctx, const struct share_turn *turn, struct buf *text),
	    void *ctx, struct err *err);
	/* Those that others have changed since this was called, or this one
	 * took its last turn at them.  One call at a time. */
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

/* The caller frees it with envelope_free(). */
static inline struct envelope *
store_message_take_envelope(struct store_message *m)
{
	struct envelope *e = m->env;

	m->env = NULL;
	return e;
}

#endif
