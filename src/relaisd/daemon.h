/* SPDX-License-Identifier: GPL-3.0-or-later */
/* daemon.h - puts the parts together and runs them until told to stop.
 *
 * The only place that knows all of conf, queue, inbound, outbound and ctl, and
 * that turns settings into their options.
 */
#ifndef RELAISD_DAEMON_H
#define RELAISD_DAEMON_H

#include <stdbool.h>

struct daemon_args {
	const char *conf_file; /* NULL: the default of the mode */
	bool is_foreground;
	bool is_user;
	bool is_check;
};

/* Returns the exit status of the program (sysexits). */
int daemon_main(const struct daemon_args *args);

#endif
