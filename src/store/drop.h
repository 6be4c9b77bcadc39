/* SPDX-License-Identifier: GPL-3.0-or-later */
/* drop.h - the drop folder: how mail gets in while no daemon answers.
 *
 * sendmail writes a message into `drop/`, complete and durable before it says
 * so; relaisd takes it in when it is back.  The folder is open to everybody for
 * writing, so the reader believes nothing but what the kernel says about the
 * file: its owner is the submitter, and only a regular file with one name that
 * ends where it says is taken.  It must have been made in the folder, whose
 * set-group-id bit then gave it the folder's group: or somebody could move
 * there what another user once wrote elsewhere, and submit it in their name.
 *
 * A file looks like one of the spool, with another first line, a random name,
 * and without a journal; doc/formats/spool.
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

/* So many recipients a file: what every max_recipients allows. */
enum { DROP_RCPTS_MAX = 100 };

/* Writes one message, given in pieces; durable on return.  Of e count sender,
 * recipients, DSN wishes, is_8bit, is_utf8 and account.  More than
 * DROP_RCPTS_MAX recipients make several files.  -1: nothing is left that would
 * be taken in, unless it was already.  The folder needs no read permission. */
int drop_write(const struct fs *fs, const struct rng *rng, const char *dir,
    const struct envelope *e, const struct bytes *pieces, size_t npieces,
    struct err *err);

struct drop_file;

enum drop_result {
	DROP_OK,
	DROP_GONE,
	DROP_UNFINISHED, /* shorter than it says, or still being written */
	DROP_BAD, /* err says why it will never be taken */
	DROP_REFUSED, /* the same, and it may well be a message of sendmail's */
	DROP_ERROR /* cannot be read just now */
};

/* True for the names that drop_write() gives to finished files. */
bool drop_is_name(const char *name);

struct drop_limits {
	uint64_t size_bytes; /* of the message */
	size_t rcpts;
};

/* Opens and checks a file; follows no link and never waits for a pipe.  OK: the
 * caller owns *ret. */
enum drop_result drop_open(const struct fs *fs, int dirfd, const char *name,
    const struct drop_limits *max, struct drop_file **ret,
    struct err *err) MUST_CHECK;
void drop_close(struct drop_file *f);

uint32_t drop_uid(const struct drop_file *f);
/* Borrowed.  Only what drop_write() counts, and size_bytes: words of a user, to
 * be checked like those of any client. */
const struct envelope *drop_envelope(const struct drop_file *f);
/* From front to back; *ret_n is 0 at the end, which is reached only if the
 * checksum of exactly these bytes is right: its owner may change a file while
 * it is read. */
int drop_read(
    struct drop_file *f, void *p, size_t n, size_t *ret_n, struct err *err);

#endif
