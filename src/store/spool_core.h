/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spool_core.h - what the files behind spool.h share; nobody else includes it.
 *
 *   disk.h           short calls over the table of disk functions
 *   spool_folder.c   directories, and one sync for all who wait for it
 *   spool.c          names, opening, listing, room, small files
 *   spool_write.c    a message goes to the disk, changes, moves, goes away
 *   spool_read.c     and comes back
 */
#ifndef STORE_SPOOL_CORE_H
#define STORE_SPOOL_CORE_H

#include <pthread.h>
#include <sys/types.h>

#include "base/list.h"
#include "store/disk.h"
#include "store/qid.h"
#include "store/spool.h"

enum {
	SPOOL_PATH_SIZE = sizeof("corrupt/") + QID_LEN + 8,
	/* What a first look at a file, or at its end, takes. */
	SPOOL_FIRST_READ = 4096
};

/* A directory whose sync is shared; see dir_sync(). */
struct dir {
	int fd;
	bool is_syncing;
	uint64_t started, done, failed; /* numbers of syncs */
};

/* One of queue/XX, open while messages are written to it. */
struct folder {
	struct list link;
	char name[QID_FOLDER_SIZE];
	struct dir dir;
	unsigned refs;
	bool is_anchored; /* its own name in queue/ is durable */
	bool is_lost; /* making it so has failed */
};

enum part { PART_QUEUE, PART_FAILED, PART_CORRUPT, PART_DROP, PART_STATE };
enum { NPARTS = PART_STATE + 1 };

struct spool {
	const struct fs *fs;
	char *path; /* for messages */
	int fd, lock_fd;
	uid_t uid;
	struct dir dirs[NPARTS];
	pthread_mutex_t mutex; /* folders, and the counters in struct dir */
	pthread_cond_t synced;
	struct list folders; /* the one used last in front */
};

/* --- spool.c -------------------------------------------------------------- */

int spool_open_at(struct spool *s, int dirfd, const char *name, int flags);
/* Relative to the spool. */
void spool_path(
    enum spool_place place, const char *id, char ret[SPOOL_PATH_SIZE]);
/* A name in corrupt/ that is not taken; -1 and errno. */
int spool_corrupt_path(
    struct spool *s, const char *id, char ret[SPOOL_PATH_SIZE]);

/* --- spool_folder.c ------------------------------------------------------- */

/* Returns when the directory is durable as it was at the time of the call; one
 * sync serves all who wait.  -1 and errno: it is not, and asking again would
 * prove nothing. */
int dir_sync(struct spool *s, struct dir *d);

/* The folder an id belongs to, made if need be; given back with _put, which
 * takes NULL. */
struct folder *folder_get(struct spool *s, const char *id, struct err *err);
void folder_put(struct spool *s, struct folder *f);
/* Makes what was put into the folder durable, and the folder itself. */
int folder_sync(struct spool *s, struct folder *f);
void folder_free(struct spool *s, struct folder *f);

#endif
