/* SPDX-License-Identifier: GPL-3.0-or-later */
/* own_daemon.h - whether the caller's own daemon (relaisd --user) is meant, or
 * the machine's.
 *
 * One rule for relais, mailq and sendmail: the own daemon, if a socket of the
 * caller's listens at smtp.sock in the caller's runtime folder.  A socket that
 * was left by a daemon that is gone does not count.
 */
#ifndef SYS_OWN_DAEMON_H
#define SYS_OWN_DAEMON_H

#include <stdbool.h>

/* Below $XDG_RUNTIME_DIR/relais; where that is not set, as in cron, below
 * /run/user/UID/relais.  The environment of a user with fewer rights than this
 * process has does not count.  The caller frees it. */
char *own_daemon_socket(const char *name);

/* Is the process that listens at the other end of this socket the caller's?
 * One who took over another's environment (su, sudo -E) must not give his mail
 * to that user. */
bool own_daemon_is_mine(int fd);

/* The rule.  Does not wait. */
bool own_daemon_is_meant(void);

/* The control socket a program asks that reads no configuration: given if it is
 * not NULL, else RELAIS_CONTROL, the own daemon's, the machine's.  The caller
 * frees it. */
char *own_daemon_control(const char *given);

#endif
