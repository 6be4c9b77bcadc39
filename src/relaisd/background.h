/* SPDX-License-Identifier: GPL-3.0-or-later */
/* background.h - moves the daemon to the background and reports how the start
 * went.
 */
#ifndef RELAISD_BACKGROUND_H
#define RELAISD_BACKGROUND_H

/* The child goes on; the parent waits until the child runs or has failed, and
 * ends with its status, so that the user who typed the command sees what went
 * wrong.  Returns the pipe to report on, or -1 with errno set. */
int background_go(void);
/* In the child, when it is up: lets the parent end.  Closes fd; -1: there is no
 * parent that waits. */
void background_report(int fd);

#endif
