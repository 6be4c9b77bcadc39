/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker.h - puts the parts together and runs them until told to stop.
 *
 * The only place that knows all of conf, queue, inbound, outbound and ctl, and
 * that turns settings into their options.  It reads what strangers send, so it
 * starts no program and asks no database: the keeper does (relaisd/link.h).
 */
#ifndef RELAISD_WORKER_H
#define RELAISD_WORKER_H

struct conf;
struct startup;
struct startup_bound;

struct worker_opts {
	struct startup *startup;
	struct startup_bound *bound; /* control_fd is taken over */
	struct conf *conf; /* taken over */
	int line_fd; /* to the keeper, or -1: one process, which also reloads
		      * and tells the service manager */
	int report_fd; /* one process: whom to tell that it runs, or -1 */
};

/* Returns the exit status. */
int worker_main(const struct worker_opts *opts);

#endif
