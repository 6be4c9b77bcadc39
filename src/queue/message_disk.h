/* SPDX-License-Identifier: GPL-3.0-or-later */
/* message_disk.h - what the disk has of a message. */
#ifndef QUEUE_MESSAGE_DISK_H
#define QUEUE_MESSAGE_DISK_H

#include "base/buf.h"
#include "base/err.h"
#include "queue/job.h"

enum disk_state {
	DISK_SAFE, /* the file is there, promised */
	DISK_WAITING, /* the provider has a head start; nothing is there yet */
	DISK_WRITING, /* a job is at it, or will be */
	DISK_LOST /* it cannot be kept */
};

/* The commit mark: the note that a message may have been delivered from now
 * on. */
enum mark {
	MARK_NONE, /* or it is on the disk */
	MARK_UNWRITTEN, /* the message is not there yet */
	MARK_WRITING
};

/* What the disk has of it, and is about to get. */
struct message_disk {
	enum disk_state state;
	struct err err; /* DISK_LOST */
	struct job *job; /* under way */
	struct buf notes; /* lines for the journal */
	enum mark mark;
	bool must_sync;
	bool is_unsaved; /* writing them has failed: with the next ones */
	bool is_unsynced; /* results were noted that need a sync in the end */
	bool is_done_noted; /* the file says that it may go */
};

/* A new message: goes to the disk, now or when the head start of the provider
 * is over. */
void message_begin(struct queue_message *msg);
/* The head start is over. */
void message_store(struct queue_message *msg);
/* Of all messages. */
void message_store_due(struct queue *q);
/* One that joined another: its line is being written; it is there, or why
 * not. */
void message_is_carried(struct queue_message *msg);
void message_is_stored(struct queue_message *msg, const struct err *why);
/* Its commit mark is among the notes: goes to the disk if the message is there.
 * True: nothing is to be waited for. */
bool message_mark(struct queue_message *msg);
/* As far as it is not written yet. */
void message_write_mark(struct queue_message *msg);
/* The notes are to be synced. */
void message_must_sync(struct queue_message *msg);
/* What has failed to be written is tried again. */
void message_save_again(struct queue_message *msg);
/* The notes go to the page cache; that they need a sync, unless they did
 * before, is kept for the end of the attempt. */
void message_write_unsynced(struct queue_message *msg, bool did_before);
/* True: notes of the attempt need a sync now. */
bool message_attempt_over(struct queue_message *msg);
/* Its file, if there is one, says from now on that it may go. */
void message_write_done(struct queue_message *msg);
/* Adds to the journal; too long a journal loses its newest lines, which is
 * reported and harmless. */
void message_noted(struct queue_message *msg, bool ok);
/* All notes, by a job. */
void message_submit(struct queue_message *msg, enum job_kind kind);
/* What is to go need not come. */
void message_cancel_store(struct queue_message *msg);
void message_disk_done(struct queue_message *msg, struct job *j);

#endif
