/* SPDX-License-Identifier: GPL-3.0-or-later */
/* files.h - opens a file that the program was told of by its path, and reads or
 * writes all of a descriptor.
 *
 * Blocks.
 *
 * A process that may not open files (sys/sandbox.h) has another process do it:
 * it installs a way, once, before its second thread.  Without one it is open(2),
 * with O_CLOEXEC.
 */
#ifndef SYS_FILES_H
#define SYS_FILES_H

#include <stdio.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/must.h"

/* A descriptor, or -1 and errno. */
int files_open(const char *path, int flags, mode_t mode);
/* Likewise to read; NULL and errno. */
FILE *files_read(const char *path);

/* Adds all that fd has until its end.  -1 and errno: a read failed, or (EFBIG)
 * there is more than the buffer may hold; it has what came before. */
int files_read_all(int fd, struct buf *to) MUST_CHECK;
/* -1 and errno: some of it may have been written. */
int files_write_all(int fd, struct bytes b) MUST_CHECK;

/* What way() cannot open (ENOSYS) is opened directly. */
void files_open_by(int (*way)(void *ctx, const char *path), void *ctx);

#endif
