/* SPDX-License-Identifier: GPL-3.0-or-later */
/* offline.h - relaisd --check: looks, without the network, whether what a
 * configuration names is there and may be used by the daemon's user.
 *
 * Reading the configuration has found what is wrong in the file; this is about
 * what is around it: aliases, certificates, secrets, commands, users, the
 * spool.  Each problem is one log line with file, line and what to do.
 *
 * If it is run by root it ends as the daemon's user, for good: what that user
 * cannot read is found out by trying.
 */
#ifndef RELAISD_OFFLINE_H
#define RELAISD_OFFLINE_H

#include <stddef.h>

struct conf;
struct conf_env;

/* The number of problems; warnings do not count.  replies: the user's rows;
 * env: with which c was loaded. */
size_t offline_check(
    const struct conf *c, const char *replies, const struct conf_env *env);

#endif
