/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dirwatch.h - reports when a folder has got a new file (inotify(7)).
 *
 * It reports once for each dirwatch_arm(), so a user who creates thousands of
 * files cannot wake the program more often than it looks.  Arm first, then
 * look: a file that arrives in between is reported.
 *
 * Only changes through this kernel are seen, not those that other machines make
 * on a network file system.  Needs no privilege but to read the folder.  Does
 * not block.
 */
#ifndef NET_DIRWATCH_H
#define NET_DIRWATCH_H

#include <stdbool.h>

#include "base/err.h"
#include "base/must.h"

struct dirwatch;
struct loop;

/* dirfd is borrowed and must stay open; it needs /proc. */
int dirwatch_new(struct loop *l, int dirfd, void (*changed)(void *ctx),
    void *ctx, struct dirwatch **ret, struct err *err);
/* False: the folder cannot be watched at the moment. */
bool dirwatch_arm(struct dirwatch *w) MUST_CHECK;
void dirwatch_free(struct dirwatch *w);

#endif
