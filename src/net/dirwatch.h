/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dirwatch.h - tells when something new has come into a folder (inotify(7)).
 *
 * It reports once for each dirwatch_arm(), so that a user who creates thousands
 * of files in the folder wakes the program no more often than it has looked.
 * Arm first, then look: a file that arrives in between is reported.
 *
 * It sees changes made through this kernel only: on a network file system, not
 * those of other machines.  Needs no privilege but to read the folder, and does
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
/* False: it cannot be watched just now. */
bool dirwatch_arm(struct dirwatch *w) MUST_CHECK;
void dirwatch_free(struct dirwatch *w);

#endif
