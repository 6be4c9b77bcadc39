/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file_replace.h - writes a small file as a whole: a configuration, a secret.
 *
 * Whatever the moment of a crash, the path names the old content or the new
 * one.
 *
 * Blocks on the disk.
 */
#ifndef SYS_FILE_REPLACE_H
#define SYS_FILE_REPLACE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/must.h"

/* Writes a file beside the path, syncs it, renames it, and syncs the folder.
 * The file has this mode and owner ((uid_t)-1, (gid_t)-1: the caller) from the
 * moment it exists, so no other user can read it meanwhile.  A link at the path
 * stays, and the file that it leads to is replaced.  An existing file that is
 * not regular, such as /dev/null, is refused. */
int file_replace(const char *path, struct bytes content, mode_t mode, uid_t uid,
    gid_t gid, struct err *err) MUST_CHECK;

#endif
