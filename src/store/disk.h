/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk.h - short calls over the table of disk functions (base/fs.h).
 *
 * What every writer and reader of the spool and of the drop folder needs: all
 * bytes are transferred, interrupted calls are repeated, errno is kept.  Blocks
 * on the disk.
 */
#ifndef STORE_DISK_H
#define STORE_DISK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/fs.h"

/* Sets err, class ERR_DISK: "WHAT NAME: " and the text for errno.  Returns
 * -1. */
int disk_err(struct err *err, const char *what, const char *name);

/* Closes a descriptor that was only read from, or whose failure was reported;
 * keeps errno.  -1 is allowed. */
void disk_close(const struct fs *fs, int fd);
/* Syncs and closes.  -1 and errno: the sync failed; the descriptor is closed in
 * any case. */
int disk_sync_close(const struct fs *fs, int fd);

/* Writes all n bytes.  -1 and errno: some of them may have been written. */
int disk_write(const struct fs *fs, int fd, const void *p, size_t n);
int disk_pwrite(const struct fs *fs, int fd, const void *p, size_t n, off_t to);
/* Reads n bytes, or fewer at the end of the file.  -1 and errno: a read
 * failed. */
ssize_t disk_pread(
    const struct fs *fs, int fd, void *p, size_t n, uint64_t from);

/* Moves a file to the folder `to' under this name or, if the name is taken,
 * under NAME.1 and so on, so that nothing is replaced. */
int disk_set_aside(
    const struct fs *fs, int dir, const char *path, int to, const char *name);

#endif
