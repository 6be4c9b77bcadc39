/* SPDX-License-Identifier: GPL-3.0-or-later */
/* entry.h - a message in memory: what a listing shows, and when it is due.
 *
 * There is one entry for each message in the store, perhaps a hundred thousand,
 * so an entry is small and is allocated in a slab.  The queue owns all entries.
 * What a message needs only while something happens to it is in struct
 * queue_message (message.h), which the entry points to.
 *
 * Nothing blocks.  Unless noted, nothing fails.
 */
#ifndef QUEUE_ENTRY_H
#define QUEUE_ENTRY_H

#include <string.h>

#include "base/due.h"
#include "base/list.h"
#include "base/slab.h"
#include "mail/envelope.h"
#include "mail/verdict.h"
#include "store/store.h"

struct queue;
struct queue_message;

struct reason { /* one text, shared by the entries that have this reason */
	unsigned refs;
	char text[];
};

enum { ACCOUNT_NONE = -1, ACCOUNT_UNASKED = -2 };

struct entry_times {
	int64_t next_ms; /* next attempt, boot clock */
	int64_t born_ms; /* boot clock; entry_seen_ms() counts from here */
	int64_t arrived_s, life_from_s;
};

struct entry {
	struct due_node node; /* in a heap of schedule.h while it waits */
	struct entry *hash_next;
	struct list link; /* in order of arrival; unlinked: not listed */
	struct reason *reason;
	struct queue_message *msg;
	struct entry_times times;
	uint64_t size_bytes;
	/* entry_seen_ms() as the journal has it, in seconds */
	uint32_t noted_s;
	uint32_t nrcpts;
	uint32_t uid;
	uint32_t suspicion; /* queue_claim_suspect() */
	uint32_t next_rcpt; /* queue_claim_next_rcpt() */
	int16_t account; /* index, ACCOUNT_NONE or ACCOUNT_UNASKED */
	uint16_t attempts;
	bool is_held : 1;
	bool is_failed : 1;
	bool is_gone : 1; /* no longer a message; a job still uses the entry */
	bool in_failed : 1; /* the message is in failed/ */
	/* recipients have failed, and no notice says so yet */
	bool is_untold : 1;
	bool is_delay_told : 1;
	bool is_counted : 1; /* counted by the attempt gate */
	bool is_put_off : 1; /* put off by the attempt gate */
	/* a waiting recipient may have got the message */
	bool is_uncertain : 1;
	unsigned tallied_as : 3; /* 0: in no tally; else 1 + the state */
	char id[QID_SIZE];
	/* sender NUL recipient NUL; the recipient still waits, if one does */
	char names[];
};

/* All entries of a queue: by id in a hash table, in order of arrival in a
 * list. */
struct entries {
	struct slab slab; /* entries live longer than what arrives with them */
	struct entry **buckets;
	size_t nbuckets, count;
	struct list listed;
	size_t nlisted;
	struct list walks; /* struct queue_walk */
	bool is_unsorted;
	struct reason *last_reason;
};

static inline enum store_place
entry_place(const struct entry *e)
{
	return e->in_failed ? STORE_FAILED : STORE_QUEUE;
}

/* A recipient that still waits, or any recipient if none does; borrowed. */
static inline const char *
entry_rcpt(const struct entry *e)
{
	return e->names + strlen(e->names) + 1;
}

/* Makes an entry that entry_lookup() finds.  It is neither listed nor due. */
struct entry *entry_new(struct queue *q, const char *id);
/* The entry of this id, listed or not; NULL: there is none. */
struct entry *entry_lookup(struct queue *q, const char *id);
/* Frees e, which must be neither listed nor due and must have no queue_message:
 * message_forget() sees to that. */
void entry_free(struct queue *q, struct entry *e);
/* Stores the sender and a recipient in e.  e may move: use the returned
 * pointer.  Only for a new entry that is neither listed nor due and has no
 * queue_message. */
struct entry *entry_name(
    struct queue *q, struct entry *e, const struct envelope *env) MUST_CHECK;
/* Stores the recipient that env names now in place of the one stored before.
 * env must be the envelope that entry_name() was called with. */
void entry_name_rcpt(struct entry *e, const struct envelope *env);
/* Copies recipient count, size, arrival and uid from env. */
void entry_describe(struct entry *e, const struct envelope *env);
/* Puts e at the end of the listing, or takes it out (harmless if it is not
 * listed).  entry_sort() restores the order of arrival after a scan. */
void entry_list(struct queue *q, struct entry *e);
void entry_unlist(struct queue *q, struct entry *e);
void entry_sort(struct queue *q);
/* A person must act first, or has; counts the entry by its new state. */
void entry_set_held(struct queue *q, struct entry *e, bool is_held);
/* The text that a listing gives as the reason, or "".  Copied; entries with the
 * same text share one copy.  entry_set_verdict() makes it from a verdict; NULL
 * changes nothing. */
void entry_set_reason(struct queue *q, struct entry *e, const char *text);
void entry_forget_reasons(struct queue *q);
void entry_set_verdict(
    struct queue *q, struct entry *e, const struct verdict *v);
/* How long the queue has known the message, on a clock that does not jump;
 * counted on across restarts from what the journal has. */
int64_t entry_seen_ms(const struct queue *q, const struct entry *e);
/* Records that the journal has this value of entry_seen_ms() or soon will. */
void entry_noted(struct entry *e, int64_t seen_ms);
/* True: the journal's value is hours old and should be written again. */
bool entry_must_note(const struct queue *q, const struct entry *e);
/* The age since arrival or the last release (retry_age_ms()). */
int64_t entry_age_ms(const struct queue *q, const struct entry *e);
bool entry_is_expired(const struct queue *q, const struct entry *e);

/* The listed entry of this id.  NULL: id is invalid, or people may not know of
 * the message. */
struct entry *entry_find_listed(struct queue *q, const char *id);

#endif
