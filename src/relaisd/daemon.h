/* SPDX-License-Identifier: GPL-3.0-or-later */
/* daemon.h - starts relaisd: reads the configuration, binds the sockets, drops
 * root privileges, and runs as keeper and worker or as one process.
 */
#ifndef RELAISD_DAEMON_H
#define RELAISD_DAEMON_H

#include <stdbool.h>

struct conf;
struct startup;

struct daemon_args {
	const char *conf_file; /* NULL: the default of the mode */
	bool is_foreground;
	bool is_user;
	bool is_environment; /* settings in environment variables count */
	bool is_check;
	bool is_one_process; /* keeper and worker in one: for debugging */
};

/* Returns the exit status of the program (sysexits). */
int daemon_main(const struct daemon_args *args);

#endif
