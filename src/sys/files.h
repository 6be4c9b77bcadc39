/* SPDX-License-Identifier: GPL-3.0-or-later */
/* files.h - opens a file that the program was told of by its path, and reads or
 * writes all of a descriptor.
 *
 * Blocks.
 *
 * A process that may not open files (sys/sandbox.h) has another process do it:
 * it installs a way, once, before its second thread.  Without one it is
 * open(2), with O_CLOEXEC.
 */
#ifndef SYS_FILES_H
#define SYS_FILES_H

#include <stdio.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/must.h"

/* A descriptor, or -1 and errno. */
int files_open(const char *path, int flags, mode_t mode);
/* A regular file to read.  Another one is EISDIR or EINVAL, whatever it has to
 * say: a pipe is not waited for, and a device may have no end. */
int files_open_regular(const char *path);
/* Likewise; NULL and errno, EFBIG beyond FILES_READ_MAX. */
FILE *files_read(const char *path);
enum { FILES_READ_MAX = 4 * 1024 * 1024 };
/* Why one of these two failed, as strerror(3). */
const char *files_reason(int os);
/* err_sys() with that reason: "what path: reason". */
int files_err(struct err *err, const char *what, const char *path);

/* Adds all that fd has until its end.  -1 and errno: a read failed, or (EFBIG)
 * there is more than the buffer may hold; it has what came before. */
int files_read_all(int fd, struct buf *to) MUST_CHECK;
/* -1 and errno: some of it may have been written. */
int files_write_all(int fd, struct bytes b) MUST_CHECK;

/* What way() cannot open (ENOSYS) is opened directly. */
void files_open_by(int (*way)(void *ctx, const char *path), void *ctx);

#endif
