/* SPDX-License-Identifier: GPL-3.0-or-later */
/* offline.h - relaisd --check: checks, without the network, whether everything
 * that a configuration names exists and may be used by the daemon's user.
 *
 * Loading the configuration has found the mistakes in the file; this is about
 * its surroundings: aliases, certificates, secrets, commands, users, the spool.
 * Each problem is one log line with file, line and what to do.
 *
 * Root becomes the daemon's user for good, because only trying shows what that
 * user can read.  Blocks on the disk.
 */
#ifndef RELAISD_OFFLINE_H
#define RELAISD_OFFLINE_H

#include <stddef.h>

struct conf;
struct conf_env;

/* Returns the number of problems, without warnings.  replies: the path of the
 * user's rows; env: as given to conf_load(). */
size_t offline_check(
    const struct conf *c, const char *replies, const struct conf_env *env);

#endif
