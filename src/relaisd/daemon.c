/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/daemon.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/must.h"
#include "conf/conf.h"
#include "relaisd/background.h"
#include "relaisd/keeper.h"
#include "relaisd/startup.h"
#include "relaisd/worker.h"
#include "sys/log_sys.h"

/* Takes over conf. */
static int
run_daemon(struct startup *s, struct conf *conf)
{
	struct startup_bound bound;
	int report = -1, status;
	struct err err = { 0 };

	if (!s->args->is_foreground && (report = background_go()) < 0) {
		log_text(LOG_LEVEL_ERROR, "cannot go to the background: %s",
		    strerror(errno));
		status = EX_OSERR;
	} else if (startup_bind(s, conf, &bound, &err) != 0) {
		log_text(LOG_LEVEL_ERROR, "relaisd cannot start: %s", err.text);
		status = startup_status(&err);
	} else if (s->args->is_one_process) {
		struct worker_opts o = { s, &bound, conf, -1, report };

		status = worker_main(&o);
		sockets_clear(&bound.sockets);
		return status;
	} else {
		status = keeper_main(s, &bound, conf, report);
		sockets_clear(&bound.sockets);
		return status;
	}
	sockets_clear(&bound.sockets);
	conf_free(conf);
	return status;
}

int
daemon_main(const struct daemon_args *args)
{
	struct startup s;
	struct conf *conf;
	struct err err;
	int status = EX_CONFIG;

	if (!args->is_check)
		startup_let_reload(SIG_BLOCK);
	if (log_sys_open("stderr", LOG_FORMAT_TEXT, &err) != 0)
		return EX_OSERR;
	startup_find(&s, args);
	conf = startup_load(&s, &err);
	if (conf != NULL && args->is_check) {
		status = startup_check(&s, conf);
		conf_free(conf);
	} else if (conf != NULL) {
		/* Until it has its place its form is right. */
		if (conf->log_format == LOG_FORMAT_JSON)
			IGNORE(
			    log_sys_open("stderr", LOG_FORMAT_JSON, &err) != 0);
		status = run_daemon(&s, conf);
	}
	startup_clear(&s);
	log_sys_close();
	return status;
}
