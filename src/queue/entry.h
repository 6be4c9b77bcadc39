/* SPDX-License-Identifier: GPL-3.0-or-later */
/* entry.h - a message in memory: what a listing shows and when it is due.
 *
 * Small, as there may be a hundred thousand. */
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
	uint32_t suspicion; /* queue_claim_suspect() */
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

static inline enum store_place
entry_place(const struct entry *e)
{
	return e->in_failed ? STORE_FAILED : STORE_QUEUE;
}

/* One that still needs it. */
static inline const char *
entry_rcpt(const struct entry *e)
{
	return e->names + strlen(e->names) + 1;
}

/* Known by its id from now on, neither listed nor due. */
struct entry *entry_new(struct queue *q, const char *id);
/* Any of this id, also one that is not listed. */
struct entry *entry_lookup(struct queue *q, const char *id);
/* Neither listed nor due, and without a message (message_forget()). */
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

/* One that a person may know of, or NULL. */
struct entry *entry_find_listed(struct queue *q, const char *id);

#endif
