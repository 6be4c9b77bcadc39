/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais_spool.h - reads the queue from the disk while no daemon runs.
 *
 * Takes the spool's lock while it reads, so it cannot be used while a daemon
 * runs.  Blocks on the disk.
 */
#ifndef RELAIS_RELAIS_SPOOL_H
#define RELAIS_RELAIS_SPOOL_H

#include <jansson.h>

#include "base/err.h"
#include "base/must.h"

struct conf;

/* Calls item() for each message, in no order, with the JSON object that the
 * daemon's verb "queue" would give (doc/formats/control).  Root becomes the
 * user of the daemon for good first, because the spool is that user's.  -1: the
 * spool cannot be read; ERR_BUSY: a daemon has it. */
int relais_spool_list(const struct conf *c,
    void (*item)(void *ctx, json_t *item), void *ctx,
    struct err *err) MUST_CHECK;

#endif
