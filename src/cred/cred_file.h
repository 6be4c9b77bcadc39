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

/* 0 if nobody but the owner may read the file, or besides him only this group
 * ((gid_t)-1: none), or a group of ours if it is root's.  -1: the sentence ends
 * with what to type (R31). */
int cred_file_mode(const char *path, const struct stat *st, gid_t group,
    struct err *err) MUST_CHECK;

/* Adds what to type so that the daemon, a member of group, can read it. */
void cred_file_advise(const char *path, gid_t group, struct err *err);

/* The first line without its line end.  Must be a regular file, perhaps behind
 * a link, that only root and we can change or replace (sys/trust.h).  err->os
 * is ENOENT if it does not exist, EACCES if we may not. */
int cred_file_read(const char *path, gid_t group, struct secret **ret,
    struct err *err) MUST_CHECK;
/* The same, but below the folder credentials ("": none) whatever the file's
 * mode: the folder keeps others out, and the access list that systemd puts on
 * credentials looks like a group's right. */
int cred_file_read_below(const char *path, const char *credentials, gid_t group,
    struct secret **ret, struct err *err) MUST_CHECK;
/* The path of this credential in the folder of the service manager (NULL or "":
 * there is none), to be freed.  -1: the name is invalid, or there is no
 * folder. */
int cred_file_of_credential(const char *credentials, const char *name,
    char **ret, struct err *err) MUST_CHECK;
/* By what a file is known again; false: it cannot be looked at. */
struct cred_source;
struct cred_stamp;
bool cred_file_stamp(const char *path, struct cred_stamp *ret);
/* The file still is what its stamp says, as far as we can see: in a folder that
 * is closed to us nothing can be seen. */
bool cred_file_is_same(const struct cred_source *s);

/* Only looks: exists, is regular, is not open to others, and is safe from all
 * but root and owner, the daemon's user.  A file we may not reach is no error:
 * the daemon may be another user. */
int cred_file_check(
    const char *path, gid_t group, uid_t owner, struct err *err) MUST_CHECK;

struct buf;
/* The first line of what is in b, as a secret of the caller's.  -1: it is
 * empty or longer than SECRET_MAX, or has a NUL (RFC 4616 2); what: where it
 * stood, for the sentence. */
int cred_first_line(const char *what, const struct buf *b, struct secret **ret,
    struct err *err) MUST_CHECK;

#endif
