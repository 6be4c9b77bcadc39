/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cred_file.h - reads files that contain a secret, and checks who else could
 * read them.
 *
 * Blocks on the disk.
 */
#ifndef CRED_CRED_FILE_H
#define CRED_CRED_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/must.h"
#include "base/secret.h"

struct stat;

/* 0: only the owner may read the file, besides this group ((gid_t)-1: none) or,
 * for a file of root, one of our groups.  -1: err ends with the command to type
 * (R31). */
int cred_file_mode(const char *path, const struct stat *st, gid_t group,
    struct err *err) MUST_CHECK;

/* Adds to err the command that lets the daemon, a member of group, read the
 * file. */
void cred_file_advise(const char *path, gid_t group, struct err *err);

/* Reads the first line, without its line end.  The file must be a regular file,
 * possibly behind a link, that only root and we can change or replace
 * (sys/trust.h).  err->os is ENOENT if it does not exist, EACCES if we may not
 * open it. */
int cred_file_read(const char *path, gid_t group, struct secret **ret,
    struct err *err) MUST_CHECK;
/* The same, but for a file below the folder credentials ("": none) the mode
 * does not matter: the folder keeps others out, and the access list that
 * systemd puts on credentials looks like a right of the group. */
int cred_file_read_below(const char *path, const char *credentials, gid_t group,
    struct secret **ret, struct err *err) MUST_CHECK;
/* The path of a credential in the folder of the service manager (NULL or "":
 * there is none), for the caller to free.  -1: the name is invalid, or there is
 * no folder. */
int cred_file_of_credential(const char *credentials, const char *name,
    char **ret, struct err *err) MUST_CHECK;
/* What identifies the present content of a file.  False: the file cannot be
 * checked. */
struct cred_source;
struct cred_stamp;
bool cred_file_stamp(const char *path, struct cred_stamp *ret);
/* True: the file still matches the stamp, as far as we can see: in a folder
 * that is closed to us nothing can be seen. */
bool cred_file_is_same(const struct cred_source *s);

/* Checks without reading: the file exists, is regular, is not readable by
 * others, and can be changed only by root and owner, the daemon's user.  A file
 * that we may not reach is no error: the daemon may run as another user. */
int cred_file_check(
    const char *path, gid_t group, uid_t owner, struct err *err) MUST_CHECK;

struct buf;
/* The first line of b as a secret, for the caller to free.  -1: it is empty,
 * longer than SECRET_MAX, or has a NUL (RFC 4616 2); what says where it was
 * found. */
int cred_first_line(const char *what, const struct buf *b, struct secret **ret,
    struct err *err) MUST_CHECK;

#endif
