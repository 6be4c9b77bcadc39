/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk.h - short calls over the table of disk functions (base/fs.h).
 *
 * What every writer and reader of the spool and of the drop folder does: whole
 * pieces, interrupted calls taken up again, errno kept.  Blocks on the disk.
 */
#ifndef STORE_DISK_H
#define STORE_DISK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/fs.h"

/* Class ERR_DISK, "WHAT NAME: " and errno's words; returns -1. */
int disk_err(struct err *err, const char *what, const char *name);

/* For descriptors that were only read from, or whose failure is reported
 * already; keeps errno.  -1 is allowed. */
void disk_close(const struct fs *fs, int fd);
/* Syncs and closes; the descriptor is gone either way. */
int disk_sync_close(const struct fs *fs, int fd);

/* All of it, or -1 and errno. */
int disk_write(const struct fs *fs, int fd, const void *p, size_t n);
int disk_pwrite(const struct fs *fs, int fd, const void *p, size_t n, off_t to);
/* As many bytes as there are, at most n; -1 and errno. */
ssize_t disk_pread(
    const struct fs *fs, int fd, void *p, size_t n, uint64_t from);

/* Moves a file to a folder where nothing is replaced, under this name or, where
 * that is taken, NAME.1 and so on. */
int disk_set_aside(
    const struct fs *fs, int dir, const char *path, int to, const char *name);

#endif
