/* SPDX-License-Identifier: GPL-3.0-or-later */
/* files.h - opens a file by its path, and reads or writes a whole descriptor.
 *
 * A process that may not open files (sys/sandbox.h) has another process do it:
 * it installs a way, once, before its second thread.  Without one, open(2) is
 * used, with O_CLOEXEC.
 *
 * Blocks.
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
/* Opens a regular file for reading.  Any other file is EISDIR or EINVAL: a pipe
 * could wait, and a device may have no end. */
int files_open_regular(const char *path);
/* The same as a stream; NULL and errno, EFBIG beyond FILES_READ_MAX. */
FILE *files_read(const char *path);
enum { FILES_READ_MAX = 4 * 1024 * 1024 };
/* The reason why one of the last two failed, as strerror(3). */
const char *files_reason(int os);
/* err_sys() with that reason: "what path: reason". */
int files_err(struct err *err, const char *what, const char *path);

/* Appends everything from fd until its end.  -1 and errno: a read failed, or
 * (EFBIG) there is more than the buffer can hold; the buffer has what was
 * read. */
int files_read_all(int fd, struct buf *to) MUST_CHECK;
/* Writes all bytes.  -1 and errno: some of them may have been written. */
int files_write_all(int fd, struct bytes b) MUST_CHECK;

/* Sets the way.  A path that way() does not know (ENOSYS) is opened
 * directly. */
void files_open_by(int (*way)(void *ctx, const char *path), void *ctx);

#endif
