/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/intl.h"
#include "relais/relais.h"

enum {
	PATIENCE_MS = 60 * 1000, /* relaisd itself gives up sooner */
	GONE_MS = 10 * 1000,
	LOOK_MS = 50
};

static void
on_item(void *ctx, json_t *item)
{
	*(long long *)ctx = relais_number(item, "pid");
}

/* The connection ends a moment before the process does. */
static bool
is_gone(pid_t pid)
{
	for (int waited = 0; waited < GONE_MS; waited += LOOK_MS) {
		if (kill(pid, 0) != 0 && errno == ESRCH)
			return true;
		(void)usleep(LOOK_MS * 1000);
	}
	return false;
}

static int
run_stop(struct relais *r, int argc, char *const *argv)
{
	long long pid = 0;
	struct err err = { 0 };

	(void)argv;
	if (argc > 0)
		return relais_complain(r, RELAIS_USAGE, "takes no arguments");
	relais_be_patient(r, PATIENCE_MS);
	if (relais_call(r, "stop", NULL, on_item, &pid, NULL, &err) == 0 ||
	    pid <= 0) {
		if (err.class != ERR_NONE)
			IGNORE(
			    relais_complain(r, RELAIS_FAILED, "%s", err.text));
		return RELAIS_FAILED;
	}
	if (!is_gone((pid_t)pid))
		return relais_complain(r, RELAIS_FAILED,
		    "relaisd (process %lld) does not end; to end it, type: "
		    "kill %lld",
		    pid, pid);
	if (relais_is_json(r))
		relais_print_json(json_object());
	else
		(void)puts(_("stopped"));
	return RELAIS_DONE;
}

const struct relais_command cmd_stop = {
	.name = "stop",
	.args = "",
	.help = N_("stops relaisd, and waits until it has ended"),
	.details = N_(
	    "The same as SIGTERM: messages under way are finished or go back "
	    "to the queue.\nA service manager or a socket unit may start "
	    "relaisd again; there, use its own\ncommand (systemctl stop "
	    "relais)."),
	.run = run_stop,
};
