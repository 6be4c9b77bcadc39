/* SPDX-License-Identifier: GPL-3.0-or-later */
/* own_daemon.h - decides whether the caller's own daemon (relaisd --user) is
 * used, or the machine's.
 *
 * One rule for relais, mailq and sendmail: the own daemon is used if a process
 * of the caller listens on smtp.sock in the caller's runtime folder.  A socket
 * that a stopped daemon left behind does not count.
 */
#ifndef SYS_OWN_DAEMON_H
#define SYS_OWN_DAEMON_H

#include <stdbool.h>

/* The path of a socket below $XDG_RUNTIME_DIR/relais; if that is not set, as in
 * cron, below /run/user/UID/relais.  A process with more rights than its user
 * ignores the environment.  The caller frees the result. */
char *own_daemon_socket(const char *name);

/* True: the process that listens at the other end of this socket is the
 * caller's.  A user who took over another user's environment (su, sudo -E) must
 * not give mail to that user. */
bool own_daemon_is_mine(int fd);

/* The rule.  Does not block. */
bool own_daemon_is_meant(void);

/* The control socket for a program that reads no configuration: given if it is
 * not NULL, else RELAIS_CONTROL, the own daemon's, the machine's.  The caller
 * frees it. */
char *own_daemon_control(const char *given);

#endif
