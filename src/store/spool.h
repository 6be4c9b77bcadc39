/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spool.h - messages at rest on the disk: the store of a machine of its own.
 *
 * One file per message, `queue/XX/ID`, written once and then only appended to
 * (relais-spool(5)); beside it failed/, corrupt/, drop/, state/ and the lock.
 */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include "base/err.h"
#include "base/fs.h"
#include "store/store.h"

/* Creates what is missing (the parent folder must exist), checks owner and
 * modes, and takes the lock (ERR_BUSY: another process has it).  The error
 * names the path and the command that helps.  The caller frees *ret with
 * store_free(); fs must outlive it.  Blocks on the disk. */
int spool_open(
    const char *dir, const struct fs *fs, struct store **ret, struct err *err);

#endif
