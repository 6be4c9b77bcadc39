/* SPDX-License-Identifier: GPL-3.0-or-later */
/* drop.h - the drop folder: how mail is submitted while no daemon answers.
 *
 * sendmail writes a message into `drop/', complete and durable before it
 * reports success; relaisd takes it in later.  Every user can write to the
 * folder, so the reader trusts only what the kernel says about a file: its
 * owner is the submitter.  A file is taken only if it is a regular file with
 * one name, ends where it says, and has the group that the folder's
 * set-group-id bit gives to files made in it.  Without this check a user could
 * move a file there that another user wrote elsewhere, and submit it in that
 * user's name.
 *
 * A file is like one of the spool, with another first line, a random name, and
 * no journal (doc/formats/spool).
 *
 * Needs base, mail and store_text only, so that sendmail stays small.  Blocks
 * on the disk.
 */
#ifndef STORE_DROP_H
#define STORE_DROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/must.h"
#include "base/rng.h"
#include "mail/envelope.h"

/* Recipients in one file; every max_recipients allows as many. */
enum { DROP_RCPTS_MAX = 100 };

/* Writes one message, given in pieces; durable on return.  Of e only sender,
 * recipients, DSN wishes, is_8bit, is_utf8 and account are used.  More than
 * DROP_RCPTS_MAX recipients make several files.  -1: no file is left, except
 * those that were already taken in.  The folder need not be readable. */
int drop_write(const struct fs *fs, const struct rng *rng, const char *dir,
    const struct envelope *e, const struct bytes *pieces, size_t npieces,
    struct err *err);

struct drop_file;

enum drop_result {
	DROP_OK,
	/* The file no longer exists. */
	DROP_GONE,
	DROP_UNFINISHED, /* shorter than it says, or still being written */
	DROP_BAD, /* err says why it will never be taken */
	DROP_REFUSED, /* likewise, but sendmail may have written it */
	DROP_ERROR /* cannot be read at the moment */
};

/* True for the names that drop_write() gives to finished files. */
bool drop_is_name(const char *name);

struct drop_limits {
	uint64_t size_bytes; /* of the message */
	size_t rcpts;
};

/* Opens and checks a file.  Follows no link and never waits for a pipe.  OK:
 * the caller owns *ret. */
enum drop_result drop_open(const struct fs *fs, int dirfd, const char *name,
    const struct drop_limits *max, struct drop_file **ret,
    struct err *err) MUST_CHECK;
void drop_close(struct drop_file *f);

uint32_t drop_uid(const struct drop_file *f);
/* Borrowed.  Has only what drop_write() uses, and size_bytes.  The contents are
 * the user's words, to be checked like those of any client. */
const struct envelope *drop_envelope(const struct drop_file *f);
/* Reads the message from front to back; *ret_n is 0 at the end.  The end is
 * reached only if the checksum of exactly these bytes is right, because the
 * owner may change a file while it is read. */
int drop_read(
    struct drop_file *f, void *p, size_t n, size_t *ret_n, struct err *err);

#endif
