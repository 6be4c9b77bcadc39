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

/* The commit mark goes to the disk if the message is there. */
void message_write_mark(struct queue_message *msg);
/* All notes go to the page cache, as far as that can be done at once. */
void message_write_notes(struct queue_message *msg);
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
