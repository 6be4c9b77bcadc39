/* SPDX-License-Identifier: GPL-3.0-or-later */
/* job.h - one blocking piece of work on another thread.
 *
 * It reads what it was given, which nobody changes or frees until it is
 * back. */
#ifndef QUEUE_JOB_H
#define QUEUE_JOB_H

#include <pthread.h>

#include "base/list.h"
#include "queue/queue.h"
#include "store/store.h"

struct drop_found;
struct queue_message;

enum job_kind {
	JOB_STORE,
	JOB_APPEND,
	JOB_FAIL, /* append, and move to failed/ */
	JOB_REQUEUE, /* append, and move back */
	JOB_REMOVE, /* of many messages */
	JOB_SYNC, /* of what they removed */
	JOB_STATE,
	JOB_DROPS,
	JOB_FETCH, /* of a remote store: a message comes here */
	JOB_BEAT, /* likewise: we live; and what nobody has is ours */
	JOB_ASK /* likewise: what somebody else wants to know of it */
};

/* One message at rest. */
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
	void (*done)(struct job *j);
	struct queue_message
	    *msg; /* not JOB_REMOVE, JOB_SYNC, JOB_STATE, JOB_DROPS, JOB_BEAT,
		   * JOB_ASK */
	char id[QID_SIZE];
	enum store_place place;
	struct buf text; /* header, lines, content */
	bool must_sync;
	/* What only one kind needs. */
	struct {
		struct bytes message; /* borrowed from the queue_message, */
		struct store_draft *draft; /* one of the two */
		/* Under q->jobs.mutex: lines that came meanwhile, until the
		 * file has all it needs; from then on they are added to it. */
		struct buf notes;
		bool is_written;
	} store;
	uint64_t folds; /* up to which line of the message it has them */
	struct files files; /* JOB_REMOVE */
	struct {
		char *name;
		bool has_next; /* a newer content came meanwhile, */
		struct buf next; /* this one */
	} state;
	struct {
		struct drop_found *found;
		int64_t wall_s;
	} drops;
	struct {
		struct store_message *loaded;
		enum store_result result; /* loaded if STORE_OK */
	} fetch;
	struct store_counts counts; /* JOB_BEAT */
	struct queue_ask ask; /* JOB_ASK */
	bool is_finished; /* under q->jobs.mutex */
	int rc;
	struct err err;
};
struct jobs {
	struct list list;
	pthread_mutex_t mutex; /* job.is_finished, job.notes */
	pthread_cond_t finished;
};

/* done(): on the loop, when it is off the list. */
struct job *job_new(struct queue *q, enum job_kind kind,
    struct queue_message *msg, void (*done)(struct job *j));
void job_submit(struct job *j);
/* True: it had not started; it is freed. */
bool job_cancel(struct job *j);
/* For queue_free(): does or awaits all. */
void job_finish_all(struct queue *q);
/* JOB_STORE: these lines become part of the file together with its end record.
 * False: that is too late, the file is complete and can be added to. */
bool job_add_notes(struct job *j, struct bytes lines);

#endif
