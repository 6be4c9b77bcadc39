/* SPDX-License-Identifier: GPL-3.0-or-later */
/* message_disk.h - what the store has of a message, and what is being written.
 *
 * Notes about a message (attempts, verdicts, its next time) are lines for its
 * journal.  They are gathered in memory and written by a job on a worker
 * thread, synced where a promise depends on them.  Notes that need no sync are
 * appended to a local spool at once, into the page cache.
 *
 * Functions that write begin a job or append at once, do not wait for a sync,
 * and report trouble through queue_trouble(); none returns an error.  What a
 * job came to is recorded by message_disk_done().
 */
#ifndef QUEUE_MESSAGE_DISK_H
#define QUEUE_MESSAGE_DISK_H

#include "base/buf.h"
#include "base/err.h"
#include "queue/job.h"

enum disk_state {
	DISK_SAFE, /* the file is complete and synced */
	/* nothing is written yet: the provider has a head start */
	DISK_WAITING,
	DISK_WRITING, /* a job is writing the file, or soon will */
	DISK_LOST /* the file could not be written; err says why */
};

/* The commit mark: the note that from now on the message may have been
 * delivered (queue_claim_mark()). */
enum mark {
	MARK_NONE, /* no mark is wanted, or it is written */
	MARK_UNWRITTEN, /* to be written when the file is complete */
	MARK_WRITING
};

/* message_disk.c decides about it.  The other files add lines to the notes, and
 * remote_store.c begins and ends the job that fetches a message. */
struct message_disk {
	enum disk_state state;
	struct err err; /* DISK_LOST */
	struct job *job; /* the running job, or NULL */
	struct buf notes; /* journal lines that no job has taken yet */
	enum mark mark;
	/* The notes must be synced. */
	bool must_sync;
	/* writing the notes failed; retried with the next ones */
	bool is_unsaved;
	/* results were written whose sync was left to the end of the attempt */
	bool is_unsynced;
	bool is_done_noted; /* the journal says that the file may be removed */
};

/* A new message: begins to write it, or lets the provider have its head
 * start. */
void message_begin(struct queue_message *msg);
/* Begins the job that writes the message, with the notes so far. */
void message_store(struct queue_message *msg);
/* Calls message_store() for every message whose head start is over. */
void message_store_due(struct queue *q);
/* For a message that was folded into another (gate.h) and has no file of its
 * own: its line in the other's journal is being written; the line is safe, or
 * why says why not. */
void message_set_carried(struct queue_message *msg);
void message_set_stored(struct queue_message *msg, const struct err *why);
/* The commit mark has been added to the notes: writes it if the file is
 * complete.  True: the caller need not wait.  False: message_tell_attempt()
 * says when the mark has been written. */
bool message_mark(struct queue_message *msg);
/* Writes a commit mark that had to wait until the file was complete. */
void message_write_mark(struct queue_message *msg);
/* The notes so far must be synced when they are written. */
void message_must_sync(struct queue_message *msg);
/* Notes that could not be written are no longer held back. */
void message_save_again(struct queue_message *msg);
/* Writes the notes without a sync.  Whether they need one is remembered until
 * message_attempt_over().  did_before: they needed one before these were added,
 * so must_sync stays set. */
void message_write_unsynced(struct queue_message *msg, bool did_before);
/* The attempt has ended.  True: notes of it were written without a sync and
 * need one now. */
bool message_attempt_over(struct queue_message *msg);
/* Writes into the journal, if there is a file, that nothing of the message is
 * needed any more; after a crash the next scan removes the file. */
void message_write_done(struct queue_message *msg);
/* To be called with the result of every addition to the notes.  False is
 * reported: the journal is full and loses its newest lines, which is
 * harmless. */
void message_noted(struct queue_message *msg, bool ok);
/* Begins a job of this kind that writes all notes.  No other job may be
 * running. */
void message_submit(struct queue_message *msg, enum job_kind kind);
/* Cancels the job that writes the file if the file would only be removed again
 * and the job has not begun. */
void message_cancel_store(struct queue_message *msg);
/* Records the result of j, which must be the running job. */
void message_disk_done(struct queue_message *msg, struct job *j);

#endif
