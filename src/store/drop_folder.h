/* SPDX-License-Identifier: GPL-3.0-or-later */
/* drop_folder.h - finds the files in the drop folder, and disposes of those
 * that are no mail.
 *
 * drop.h reads one file.  This module lists the files, moves to corrupt/ those
 * that will never be taken (not written by our sendmail, or meant for another
 * user), and removes everything else that is no mail.  Every user can write to
 * the folder, so each has limited room:
 *
 *  other names, links, pipes, folders   removed after DROP_FOREIGN_S
 *  a draft that was given up            removed after DROP_DRAFT_S
 *  both                                 at once beyond DROP_FILES, DROP_BYTES
 *  named like mail, but none            likewise, if a look cannot list it
 *  set aside in corrupt/                DROP_ASIDE_FILES, DROP_ASIDE_BYTES;
 *                                       more is removed
 *  of these, what sendmail may have     DROP_FILES, DROP_BYTES in corrupt/;
 *  accepted: whole, but refused here    more is removed
 *
 * What is removed is told, with its user.  Of what sendmail accepted the files
 * that are there stay and the new one goes: so a flood does not push out what
 * was accepted, and told, before it.
 *
 * Blocks on the disk.  drop_folder_look() may run on a worker thread while the
 * other functions are called.
 */
#ifndef STORE_DROP_FOLDER_H
#define STORE_DROP_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "store/drop.h"
#include "store/qid.h"

enum {
	DROP_FOREIGN_S = 60,
	DROP_DRAFT_S = 60 * 60,
	DROP_FILES = 1000,
	DROP_BYTES = 256 * 1024 * 1024,
	DROP_ASIDE_FILES = 100,
	DROP_ASIDE_BYTES = 16 * 1024 * 1024
};

struct drop_folder;

/* Borrows both. */
struct drop_folder *drop_folder_new(const struct fs *fs, int drop, int corrupt);
void drop_folder_free(struct drop_folder *f); /* NULL is allowed */
/* For inotify(7); borrowed. */
int drop_folder_dirfd(const struct drop_folder *f);
/* True: the folder is empty.  Reads the first piece of the directory. */
bool drop_folder_is_empty(const struct drop_folder *f);

/* What one user has in a folder. */
struct drop_charge {
	uint32_t uid;
	size_t files, names;
	uint64_t bytes;
};
struct drop_charges { /* sorted by uid */
	struct drop_charge *v;
	size_t n;
};

struct drop_found {
	/* Names of mail, from each user so many that no user hides the files of
	 * another.  Owned. */
	char (*names)[QID_SIZE];
	size_t count;
	int64_t again_s; /* look again after this time; INT64_MAX: no need */
	/* names that are no mail: removed, could not be removed */
	size_t removed, stuck;
	uint32_t removed_uid, stuck_uid; /* the owner of one of them */
	struct drop_charges aside; /* what users have in corrupt/ */
	int rc; /* -1: err says why the look is incomplete */
	struct err err;
};
/* Lists the folder, and removes what is no mail.  The caller gives *ret to
 * drop_found_clear(). */
void drop_folder_look(
    const struct drop_folder *f, int64_t wall_s, struct drop_found *ret);
/* Takes over the counts of a look.  On the thread that calls the other
 * functions. */
void drop_folder_looked(struct drop_folder *f, struct drop_found *found);
void drop_found_clear(struct drop_found *found);

enum drop_opened {
	DROP_OPENED, /* the caller owns *ret */
	/* gone, or being written; *ret_again_s: try again then, or INT64_MAX */
	DROP_NOT_NOW,
	DROP_TELL /* it cannot be read, or was set aside; err says which */
};
enum drop_opened drop_folder_open(struct drop_folder *f, const char *name,
    const struct drop_limits *max, int64_t wall_s, struct drop_file **ret,
    int64_t *ret_again_s, struct err *err) MUST_CHECK;
/* Removes a file whose message is safe elsewhere.  -1: err says what happened
 * to the file instead. */
int drop_folder_remove(
    struct drop_folder *f, const char *name, struct err *err);
/* Moves a file that will never be taken to corrupt/, and adds to why what
 * became of it.  was_accepted: sendmail may have said yes to the message, so
 * its user has more room for it there.  False: the file is gone. */
bool drop_folder_set_aside(struct drop_folder *f, const char *name,
    bool was_accepted, struct err *why);

#endif
