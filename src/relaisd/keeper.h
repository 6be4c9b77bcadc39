/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keeper.h - the process that may reach out, and keeps a worker at work.
 *
 * It knows the configuration and its secrets, starts relais-cred and
 * alert_command, asks the user database and the resolver, and holds the
 * listening sockets.  It never reads a byte that a client or server sent, and
 * believes nothing the worker says (relaisd/line.h).
 *
 * A worker that dies is replaced within a second; clients meanwhile wait in the
 * listeners' queues.  A keeper that dies takes along a worker that has only
 * begun; any other finishes what is under way.  Each errand runs in a process
 * of its own, so that no secret stays here and a name service that hangs stops
 * nothing.
 */
#ifndef RELAISD_KEEPER_H
#define RELAISD_KEEPER_H

struct conf;
struct startup;
struct startup_bound;

/* Until it is told to stop.  Takes over conf, borrows the others.  report_fd:
 * of background.h, or -1.  Returns the exit status. */
int keeper_main(struct startup *s, struct startup_bound *bound,
    struct conf *conf, int report_fd);

#endif
