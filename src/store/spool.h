/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spool.h - messages at rest.
 *
 * A message in the spool is complete or absent, whatever the moment of a
 * crash.  spool_store() or spool_draft_commit() returning 0 is the only event
 * that lets a caller promise delivery (SMTP 250, exit status 0).
 *
 * One file per message, `queue/XX/ID`, written once and then only appended to
 * (relais-spool(5)); beside it failed/, corrupt/, drop/, state/ and the lock.
 *
 * Everything here blocks on the disk.  Any number of threads may work on
 * different messages at the same time; two calls about the same message must
 * not overlap, except spool_draft_read() beside spool_draft_commit(), and what
 * struct spool_notes allows.  One process owns a spool: spool_open() holds a
 * lock.
 */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/must.h"
#include "mail/envelope.h"
#include "store/journal.h"
#include "store/store_text.h"

struct spool;
struct spool_draft;
struct spool_message;

enum spool_place { SPOOL_QUEUE, SPOOL_FAILED, SPOOL_CORRUPT };

/* Makes what is missing (the parent must exist), checks owner and modes, takes
 * the lock (ERR_BUSY: another process has it).  The error names the path and
 * the command that helps.  The caller owns *ret; fs must outlive it. */
int spool_open(
    const char *dir, const struct fs *fs, struct spool **ret, struct err *err);
void spool_free(struct spool *s);

/* True: no file of this id is in the queue. */
bool spool_is_free(struct spool *s, const char *id);

/* --- writing -------------------------------------------------------------- */

/* What became of a message while it was being written.  take() is asked for the
 * first lines of its journal when everything else has been written; they go to
 * the file in the same call as the end record, so there is no moment at which
 * the message is complete without them.  From written() on spool_append() may
 * add to the file, without a sync, although the write has not returned. */
struct spool_notes {
	struct bytes (*take)(void *ctx);
	void (*written)(void *ctx);
	void *ctx;
};

/* A whole message with the header that store_text_header() made for it.  -1:
 * nothing of it is left on the disk.  notes may be NULL. */
int spool_store(struct spool *s, const char *id, struct bytes header,
    struct bytes message, const struct spool_notes *notes, struct err *err);

/* A message whose size is not known yet; delivery cannot see it.  It borrows
 * the spool. */
int spool_draft_new(
    struct spool *s, const char *id, struct spool_draft **ret, struct err *err);
int spool_draft_write(
    struct spool_draft *d, const void *p, size_t n, struct err *err);
uint64_t spool_draft_size(const struct spool_draft *d);
/* Bytes from offset at; *ret_n is 0 at the end. */
int spool_draft_read(struct spool_draft *d, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err);
/* The message is complete.  Does not touch the disk: the commit may then run
 * on another thread without the envelope, whose size_bytes is set already. */
int spool_draft_end(
    struct spool_draft *d, const struct envelope *env, struct err *err);
/* At most once; failure is final.  notes may be NULL. */
int spool_draft_commit(
    struct spool_draft *d, const struct spool_notes *notes, struct err *err);
/* Always the caller's last call, committed or not; an uncommitted draft is
 * deleted from the disk.  NULL is allowed. */
void spool_draft_free(struct spool_draft *d);

/* --- changing ------------------------------------------------------------- */

/* Adds lines to the journal; with must_sync they are durable on return.  -1:
 * nothing was added, or (class ERR_DISK after a failed sync) it may be lost.
 * The remains of a line that a crash left behind are cut off first. */
int spool_append(struct spool *s, enum spool_place place, const char *id,
    struct bytes lines, bool must_sync, struct err *err);
/* Durable on return.  SPOOL_CORRUPT: whatever lies there is not replaced.  -1
 * and *ret_place == to: it has moved, but a power cut may undo that. */
int spool_move(struct spool *s, enum spool_place from, enum spool_place to,
    const char *id, enum spool_place *ret_place, struct err *err);
/* Not synced: until spool_sync() a power cut may bring the file back. */
int spool_remove(
    struct spool *s, enum spool_place place, const char *id, struct err *err);
/* Makes durable what was put into, and removed from, the folder of this id. */
int spool_sync(
    struct spool *s, enum spool_place place, const char *id, struct err *err);

/* --- reading -------------------------------------------------------------- */

enum spool_result {
	SPOOL_OK,
	SPOOL_GONE, /* no such file */
	SPOOL_UNFINISHED, /* it ends early: it was never promised */
	SPOOL_DAMAGED, /* err says how */
	SPOOL_ERROR /* it cannot be read just now; err says why */
};

/* Reads header, end record and journal, not the message.  OK: the caller owns
 * *ret, which keeps the file open. */
enum spool_result spool_load(struct spool *s, enum spool_place place,
    const char *id, struct spool_message **ret, struct err *err) MUST_CHECK;
void spool_message_free(struct spool_message *m);
/* Cuts off what a crash left of a journal line, lest the next append make it
 * look like damage.  Only while nobody may be appending: at the scan. */
void spool_message_mend(struct spool_message *m);

/* Borrowed from m; the envelope may be changed. */
struct envelope *spool_message_envelope(struct spool_message *m);
const struct journal_state *spool_message_state(const struct spool_message *m);
/* The caller frees it with envelope_free(). */
struct envelope *spool_message_take_envelope(struct spool_message *m);

/* Adds the lines of the journal, as far as there is room. */
int spool_message_journal(
    struct spool_message *m, struct buf *to, struct err *err);

/* Bytes of the message from offset at; *ret_n is 0 at the end.  The checksum
 * is verified on the way: the last bytes are handed out only if all that went
 * before were right.  -1 and spool_message_is_damaged(): they were not. */
int spool_message_read(struct spool_message *m, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err);
bool spool_message_is_damaged(const struct spool_message *m);

/* Which of the QID_FOLDERS folders of the queue are there. */
int spool_folders(struct spool *s, bool *ret_is_there, struct err *err);

/* Calls each() for every id in a folder of the queue (0 <= folder <
 * QID_FOLDERS), or in failed/ (folder ignored), in no order.  A folder that is
 * not there is empty. */
int spool_list(struct spool *s, enum spool_place place, unsigned folder,
    bool (*each)(void *arg, const char *id), void *arg, struct err *err);

/* --- room, small files, drop ---------------------------------------------- */

/* False: the disk has too little left for a message of that size (R44). */
bool spool_has_room(struct spool *s, uint64_t size_bytes, struct err *err);

/* Small files in state/, replaced as a whole and durably.  Reading one that is
 * not there gives nothing and is no error. */
enum { SPOOL_STATE_MAX = 1024 * 1024 };
int spool_state_read(
    struct spool *s, const char *name, struct buf *to, struct err *err);
int spool_state_write(
    struct spool *s, const char *name, struct bytes content, struct err *err);

/* The drop folder, for store/drop.h; borrowed.  And a file of it to corrupt/;
 * not synced. */
int spool_drop_dirfd(const struct spool *s);
int spool_corrupt_dirfd(const struct spool *s);
int spool_drop_set_aside(struct spool *s, const char *name, struct err *err);

#endif
