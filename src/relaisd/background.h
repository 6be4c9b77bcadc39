/* SPDX-License-Identifier: GPL-3.0-or-later */
/* background.h - moves the daemon to the background and reports how the start
 * went.
 */
#ifndef RELAISD_BACKGROUND_H
#define RELAISD_BACKGROUND_H

/* Forks.  The child returns; the parent waits until the child is up or has
 * failed, and exits with its status, so that the user who typed the command
 * sees what went wrong.  Returns the pipe for background_report(), or -1 with
 * errno set. */
int background_go(void);
/* In the child, when it is up: lets the parent exit.  Closes fd; -1: no parent
 * waits. */
void background_report(int fd);

#endif
