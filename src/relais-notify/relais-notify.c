/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais-notify - tells the user of a desktop when mail fails;
 * relais-notify(1). */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/intl.h"
#include "base/num.h"
#include "ctl/ctl_client.h"
#include "relais-notify/bubble.h"
#include "relais-notify/watch.h"
#include "sys/language.h"
#include "sys/own_daemon.h"
#include "sys/said.h"

enum {
	EX_OK = 0,
	EX_WRONG_USAGE = 64,
	INTERVAL_S = 10,
	INTERVAL_MAX_S = 3600,
	ANSWER_MS = 10000
};

struct notifier {
	const char *control; /* NULL: looked for each time */
	struct watch *watch;
	struct bubbles *bubbles;
	char said[2][sizeof(((struct err *)NULL)->text)]; /* "": all is well */
};

enum trouble { WITH_DAEMON, WITH_DESKTOP };

/* A sentence once, and not again before that was over. */
static void
say(struct notifier *n, enum trouble what, const struct err *err)
{
	const char *text = err != NULL ? err->text : "";
	char *own = said(text);

	if (*text != '\0' && n->said[what][0] == '\0')
		(void)fprintf(stderr,
		    _("relais-notify: %s; what there is to tell waits\n"), own);
	free(own);
	(void)snprintf(n->said[what], sizeof(n->said[what]), "%s", text);
}

static void
show_bubble(void *ctx, const char *key, const char *title, const char *body)
{
	bubbles_show(ctx, key, title, body);
}

static void
add_message(void *ctx, json_t *message)
{
	(void)json_array_append(ctx, message);
}

static int
ask_messages(struct notifier *n, struct ctl_client *c, struct err *err)
{
	json_t *args = json_pack("{s:[s, s], s:b, s:i}", "states", "held",
	    "failed", "newest_first", 1, "limit", WATCH_LISTED);
	json_t *all = json_array();
	int rc = ctl_client_call(c, "queue", args, add_message, all, NULL, err);

	if (rc == 0)
		watch_messages(n->watch, all);
	json_decref(all);
	json_decref(args);
	return rc;
}

static int
ask_daemon(struct notifier *n, struct err *err)
{
	char *path = own_daemon_control(n->control);
	struct ctl_client *c = NULL;
	json_t *status = NULL;
	int rc = ctl_client_open(path, ANSWER_MS, &c, err);

	free(path);
	if (rc == 0)
		rc = ctl_client_call(
		    c, "status", NULL, NULL, NULL, &status, err);
	if (rc == 0 && watch_status(n->watch, status))
		rc = ask_messages(n, c, err);
	json_decref(status);
	ctl_client_free(c);
	return rc;
}

static void
look_at_sides(struct notifier *n)
{
	struct err err = { 0 };

	say(n, WITH_DAEMON, ask_daemon(n, &err) != 0 ? &err : NULL);
	say(n, WITH_DESKTOP,
	    bubbles_flush(n->bubbles, &err) != 0 ? &err : NULL);
}

static void
watch_until(const char *control, int64_t interval_ms)
{
	const struct timespec pause = { .tv_sec = interval_ms / 1000,
		.tv_nsec = interval_ms % 1000 * 1000000 };
	struct notifier n = { .control = control };
	sigset_t ends;

	/* GLib starts a thread of its own, which inherits this. */
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &ends, NULL); /* valid arguments */
	n.bubbles = bubbles_new();
	n.watch = watch_new(show_bubble, n.bubbles);
	do
		look_at_sides(&n);
	while (sigtimedwait(&ends, NULL, &pause) < 0);
	watch_free(n.watch);
	bubbles_free(n.bubbles);
}

static int
complain(const char *text)
{
	(void)fprintf(stderr, "relais-notify: %s\n", _(text));
	return EX_WRONG_USAGE;
}

static int
print_help(void)
{
	language_convert_output();
	return printf(_("usage: relais-notify [--control SOCKET] "
			"[--interval TIME]\n\n"
			"Shows a notification on the desktop when your mail "
			"fails or is held, or an account\nneeds you.  "
			"relais-notify(1) has more.\n")) < 0;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "control", required_argument, NULL, 'c' },
		{ "interval", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	const char *control = NULL;
	int64_t interval_ms = INTERVAL_S * 1000;
	int c;

	language_choose();
	language_convert_errors();
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (c) {
		case 'c':
			control = optarg;
			break;
		case 'i':
			if (num_duration_ms(bytes_str(optarg), &interval_ms) &&
			    interval_ms >= 1000 &&
			    interval_ms <= INTERVAL_MAX_S * 1000)
				break;
			return complain(N_("--interval: expected a time from "
					   "1s to 1h"));
		case 'h':
			return print_help();
		case 'v':
			return printf("relais-notify %s\n", PACKAGE_VERSION) <
			       0;
		default:
			return EX_WRONG_USAGE; /* getopt has said why */
		}
	if (optind < argc)
		return complain(N_("takes no arguments; for the options, type: "
				   "relais-notify --help"));
	watch_until(control, interval_ms);
	return EX_OK;
}
