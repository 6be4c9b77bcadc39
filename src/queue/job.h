/* SPDX-License-Identifier: GPL-3.0-or-later */
/* job.h - one blocking piece of work on a worker thread.
 *
 * A job reads what it was given; nobody changes or frees that until done() is
 * called on the loop.  The queue owns its jobs; each is freed after its done().
 */
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
	JOB_FAIL, /* append lines, and move the message to failed/ */
	JOB_SET_ASIDE, /* move a damaged message to corrupt/ */
	JOB_REQUEUE, /* append lines, and move the message back to the queue */
	JOB_REMOVE, /* removes the files of many messages */
	JOB_SYNC, /* syncs what JOB_REMOVE removed */
	JOB_STATE,
	JOB_DROPS,
	JOB_FETCH, /* remote store: fetch the content of a message */
	JOB_HEARTBEAT, /* remote store: heartbeat, take over what nobody owns */
	JOB_ASK /* runs a question for queue_ask_store() */
};

/* A message in the store. */
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
	struct queue *q; /* NULL: the queue has been freed; free the job */
	enum job_kind kind;
	void (*done)(struct job *j);
	/* NULL for JOB_SET_ASIDE, JOB_REMOVE, JOB_SYNC, JOB_STATE, JOB_DROPS,
	 * JOB_HEARTBEAT, JOB_ASK */
	struct queue_message *msg;
	char id[QID_SIZE];
	enum store_place place;
	struct buf text; /* header, lines, content */
	bool must_sync;
	/* What only one kind needs. */
	struct {
		/* the content, borrowed from the queue_message, */
		struct bytes message;
		struct store_draft *draft; /* or the draft that holds it */
		/* Under q->jobs.mutex: lines that were added until the file was
		 * complete.  From then on lines are appended to the file. */
		struct buf notes;
		bool is_written;
	} store;
	uint64_t
	    fold_lines; /* number of the last folded line (gate.h) in text */
	struct files files; /* JOB_REMOVE */
	struct {
		char *name;
		bool has_next; /* newer content was given while the job ran: */
		struct buf next; /* that content */
	} state;
	struct {
		struct drop_found *found;
		int64_t wall_s;
	} drops;
	struct {
		struct store_message *loaded;
		enum store_result result; /* STORE_OK: loaded is set */
	} fetch;
	struct store_counts counts; /* JOB_HEARTBEAT */
	struct queue_ask ask; /* JOB_ASK */
	bool is_finished; /* under q->jobs.mutex */
	int rc;
	struct err err;
};
struct jobs {
	struct list list;
	pthread_mutex_t mutex; /* job.is_finished, job.store.notes */
	pthread_cond_t finished;
};

/* Makes a job and puts it on the list of q.  done() is called on the loop,
 * after the job was taken off the list; msg may be NULL. */
struct job *job_new(struct queue *q, enum job_kind kind,
    struct queue_message *msg, void (*done)(struct job *j));
/* Hands the job to a worker thread. */
void job_submit(struct job *j);
/* True: the job had not begun, and is freed. */
bool job_cancel(struct job *j);
/* For queue_free(): runs or awaits every job. */
void job_finish_all(struct queue *q);
/* JOB_STORE: adds lines that become part of the file together with its end
 * record.  False: too late, the file is complete; append to it. */
bool job_add_notes(struct job *j, struct bytes lines);

#endif
