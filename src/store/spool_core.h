/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spool_core.h - declarations shared by the files behind spool.h; no other file
 * includes it.
 *
 *  disk.h           short calls over the table of disk functions
 *  spool_folder.c   directories; one sync for all threads that wait for it
 *  spool.c          opening, free space, small files
 *  spool_path.c     names and paths
 *  spool_scan.c     finds the messages
 *  spool_write.c    writes, changes, moves and removes a message
 *  spool_read.c     reads a message
 *  spool_history.c  what became of messages that are gone
 *
 * Everything here blocks on the disk and may run on any thread.
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
	/* Bytes that are read first of a file, or of its end. */
	SPOOL_FIRST_READ = 4096
};

/* A directory whose sync is shared; see dir_sync(). */
struct dir {
	int fd;
	bool is_syncing;
	/* numbers of the syncs started, done, failed */
	uint64_t started, done, failed;
};

/* One of queue/XX, open while messages are written to it. */
struct folder {
	struct list link;
	char name[QID_FOLDER_SIZE];
	struct dir dir;
	unsigned refs;
	bool is_anchored; /* its own name in queue/ is durable */
	bool is_lost; /* making its name durable has failed */
};

enum part { PART_QUEUE, PART_FAILED, PART_CORRUPT, PART_DROP, PART_STATE };
enum { NPARTS = PART_STATE + 1 };

/* Which folders have lost files since their last sync. */
struct spool_lost {
	uint64_t folders[QID_FOLDERS / 64];
	bool has_failed;
};

/* The history file that lines are appended to (spool_history.c). */
struct spool_history {
	int fd; /* -1: not open yet */
	uint64_t size, lines;
	int64_t first_ms; /* time of its first entry; 0: it has none */
	bool is_torn; /* its last line is unfinished */
};

struct spool {
	struct store store; /* store.name is the path of the spool */
	const struct fs *fs;
	int fd, lock_fd;
	uid_t uid;
	bool is_volume; /* its folder belongs to root; see spool.c */
	struct dir dirs[NPARTS];
	pthread_mutex_t mutex; /* folders, and the counters in struct dir */
	pthread_cond_t synced;
	struct list folders; /* the one used last is first */
	struct spool_lost lost; /* under the mutex */
	struct spool_history history; /* used only by the thread that appends */
};

static inline struct spool *
spool_of(struct store *s)
{
	return (struct spool *)(void *)s;
}

/* --- spool_path.c --------------------------------------------------------- */

int spool_open_at(struct spool *s, int dirfd, const char *name, int flags);
/* Relative to the spool. */
void spool_path(
    enum store_place place, const char *id, char ret[SPOOL_PATH_SIZE]);

/* --- spool_folder.c ------------------------------------------------------- */

/* Syncs a directory.  On return every change made before the call is durable;
 * one sync serves all callers that wait.  -1 and errno: it is not durable, and
 * asking again would prove nothing. */
int dir_sync(struct spool *s, struct dir *d);

/* The folder of an id, created if necessary.  Give it back with folder_put(),
 * which takes NULL. */
struct folder *folder_get(struct spool *s, const char *id, struct err *err);
struct folder *folder_get_named(
    struct spool *s, const char *name, struct err *err);
void folder_put(struct spool *s, struct folder *f);
/* Makes durable what was put into the folder, and the folder itself. */
int folder_sync(struct spool *s, struct folder *f);
void folder_free(struct spool *s, struct folder *f);

/* --- the functions of the table (store.h) --------------------------------- */

/* spool_write.c */
int spool_put(struct store *st, const char *id, struct bytes header,
    struct bytes message, const struct store_notes *notes, struct err *err);
int spool_draft_new(struct store *st, const char *id, struct store_draft **ret,
    struct err *err);
int spool_draft_write(
    struct store_draft *sd, const void *p, size_t n, struct err *err);
int spool_draft_read(struct store_draft *sd, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err);
int spool_draft_end(
    struct store_draft *sd, const struct envelope *env, struct err *err);
int spool_draft_commit(
    struct store_draft *sd, const struct store_notes *notes, struct err *err);
void spool_draft_free(struct store_draft *sd);
int spool_append(struct store *st, enum store_place place, const char *id,
    struct bytes lines, bool must_sync, struct err *err);
int spool_finish(struct store *st, enum store_place *place, enum store_place to,
    const char *id, struct bytes lines, struct err *err);
int spool_remove(
    struct store *st, enum store_place place, const char *id, struct err *err);
int spool_sync(struct store *st, struct err *err);

/* spool_read.c */
enum store_result spool_load(struct store *st, enum store_place place,
    const char *id, struct store_message **ret, struct err *err);
void spool_message_mend(struct store_message *sm);
int spool_message_journal(
    struct store_message *sm, struct buf *to, struct err *err);
int spool_message_read(struct store_message *sm, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err);
void spool_message_free(struct store_message *sm);

/* spool_scan.c */
struct store_scan *spool_scan_new(struct store *st, int64_t wall_ms);
enum store_found spool_scan_next(struct store_scan *scan,
    enum store_place *ret_place, char ret_id[QID_SIZE], struct err *err);
void spool_scan_free(struct store_scan *scan);

/* spool_history.c */
int spool_history_add(struct store *st, struct bytes lines,
    const struct store_history_limits *limits, int64_t wall_ms,
    struct err *err);
int spool_history_open(struct store *st, bool is_backward,
    struct store_history **ret, struct err *err);
int spool_history_read(struct store_history *h, struct bytes *ret,
    const char **ret_node, struct err *err);
void spool_history_close(struct store_history *h);
/* Closes what spool_history_add() left open. */
void spool_history_free(struct spool *s);

#endif
