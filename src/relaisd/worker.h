/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker.h - creates the parts of the daemon and runs them until told to stop.
 *
 * Only the worker knows all of conf, queue, inbound, outbound and ctl.  With
 * routing.h and inbound_hooks.h it turns settings into their options.  It reads
 * input of strangers, so it starts no program and queries no database: the
 * keeper does (relaisd/link.h).
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
	/* to the keeper; -1: one process, which also reloads and reports to the
	 * service manager */
	int line_fd;
	int report_fd; /* one process: for background_report(), or -1 */
};

/* Returns the exit status. */
int worker_main(const struct worker_opts *opts);

#endif
