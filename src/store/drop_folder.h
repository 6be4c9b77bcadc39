/* SPDX-License-Identifier: GPL-3.0-or-later */
/* drop_folder.h - what lies in the drop folder, and what is done with it.
 *
 * drop.h reads one file; this finds them, sets aside in corrupt/ what will
 * never be taken (that no sendmail of ours wrote, or for somebody else), and
 * removes what is no mail.  The folder is open to everybody, so each user has
 * room for so much and no more:
 *
 *   other names, links, pipes, folders   removed after DROP_FOREIGN_S
 *   a draft that was given up            removed after DROP_DRAFT_S
 *   both                                 at once beyond DROP_FILES, DROP_BYTES
 *   named like mail, but none            likewise, of those whom a look cannot
 *                                        hand out
 *   set aside in corrupt/                DROP_ASIDE_FILES, DROP_ASIDE_BYTES;
 *                                        more is removed
 *
 * Blocks on the disk.  drop_folder_look() may run on a worker while the others
 * are called.
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
/* Nothing lies there.  Reads the first piece of a directory. */
bool drop_folder_is_empty(const struct drop_folder *f);

/* What a user has in a folder. */
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
	/* Files of mail: so many names of each user that nobody is hidden by
	 * the files of another one. */
	char (*names)[QID_SIZE];
	size_t count;
	int64_t again_s; /* from now; INT64_MAX: nothing to wait for */
	size_t removed, stuck; /* names that are no mail */
	uint32_t removed_uid, stuck_uid; /* whose one of them was */
	struct drop_charges aside; /* in corrupt/ */
	int rc; /* -1: err says why not all was seen */
	struct err err;
};
void drop_folder_look(
    const struct drop_folder *f, int64_t wall_s, struct drop_found *ret);
/* On the thread of the others: it counts from now on. */
void drop_folder_looked(struct drop_folder *f, struct drop_found *found);
void drop_found_clear(struct drop_found *found);

enum drop_opened {
	DROP_OPENED, /* the caller owns *ret */
	DROP_NOT_NOW, /* gone, or being written: *ret_again_s, INT64_MAX */
	DROP_TELL /* it cannot be read, or was set aside; err says which */
};
enum drop_opened drop_folder_open(struct drop_folder *f, const char *name,
    const struct drop_limits *max, int64_t wall_s, struct drop_file **ret,
    int64_t *ret_again_s, struct err *err) MUST_CHECK;
/* It is safe elsewhere.  -1: err says what became of it instead. */
int drop_folder_remove(
    struct drop_folder *f, const char *name, struct err *err);
/* It will never be taken; what became of it is added to why.  must_keep:
 * however much its user has there already, as sendmail may have accepted it.
 * False: it is gone. */
bool drop_folder_set_aside(
    struct drop_folder *f, const char *name, bool must_keep, struct err *why);

#endif
