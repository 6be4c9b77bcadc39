/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keeper.h - the process that opens files, asks databases and starts programs
 * for the worker, and keeps a worker running.
 *
 * The keeper knows the configuration and its secrets, starts relais-cred and
 * alert_command, queries the user database and the resolver, and holds the
 * listening sockets.  It never reads a byte that a client or server sent, and
 * trusts nothing that the worker says (relaisd/line.h).
 *
 * A worker that dies is replaced within a second; meanwhile clients wait in the
 * kernel's queue.  If the keeper dies, a worker that has only just started ends
 * as well; any other finishes what is in progress.  Each errand runs in a
 * process of its own, so that no secret stays in the keeper and a name service
 * that hangs stops nothing.
 */
#ifndef RELAISD_KEEPER_H
#define RELAISD_KEEPER_H

struct conf;
struct startup;
struct startup_bound;

/* Runs until told to stop.  Takes over conf, borrows the rest.  report_fd: see
 * background.h; or -1.  Returns the exit status. */
int keeper_main(struct startup *s, struct startup_bound *bound,
    struct conf *conf, int report_fd);

#endif
