/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "base/intl.h"
#include "ctl/ctl_json.h"
#include "relais/relais.h"
#include "sys/privilege.h"
#include "sys/said.h"

enum {
	/* A person has a quarter of an hour, perhaps for each of two ways. */
	PATIENCE_MS = 40 * 60 * 1000,
	PASTE_MAX = 60000
};

struct login {
	struct relais *r;
	struct buf typed;
};

/* --- the terminal --------------------------------------------------------- */

/* A line that a terminal collects itself is cut at 4,096 bytes, and an address
 * with a code in it can be longer; so each key is read as it comes. */
static struct termios before;
static volatile sig_atomic_t is_changed;

static void
restore(void)
{
	if (is_changed)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
	is_changed = 0;
}

static void
on_signal(int sig)
{
	restore();
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

static void
read_keys(void)
{
	struct termios t;

	if (is_changed || tcgetattr(STDIN_FILENO, &before) != 0)
		return;
	t = before;
	t.c_lflag &= ~(tcflag_t)ICANON;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	(void)atexit(restore);
	(void)signal(SIGINT, on_signal);
	(void)signal(SIGTERM, on_signal);
	(void)signal(SIGHUP, on_signal);
	is_changed = tcsetattr(STDIN_FILENO, TCSANOW, &t) == 0;
}

/* --- the conversation ----------------------------------------------------- */

static void
take_key(struct login *l, char c)
{
	if (c == '\n' || c == '\r') {
		if (buf_len(&l->typed) > 0)
			relais_say(l->r, buf_str(&l->typed));
		buf_wipe(&l->typed);
	} else if (is_changed && (c == 0x7f || c == '\b')) {
		if (buf_len(&l->typed) > 0) {
			buf_truncate(&l->typed, buf_len(&l->typed) - 1);
			(void)fputs("\b\b\b   \b\b\b", stdout);
			(void)fflush(stdout);
		}
	} else if ((unsigned char)c > 0x20 && (unsigned char)c < 0x7f) {
		/* Blanks are what a terminal's line ends leave in a paste. */
		IGNORE(buf_addc(&l->typed, c)); /* too long: refused there */
	}
}

static void
on_typed(void *ctx)
{
	struct login *l = ctx;
	char keys[4096];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) /* the browser may still bring the answer */
		relais_listen(l->r, -1, NULL, NULL);
	for (ssize_t i = 0; i < n; i++)
		take_key(l, keys[i]);
	explicit_bzero(keys, sizeof(keys));
}

static void
on_item(void *ctx, json_t *item)
{
	struct login *l = ctx;
	const char *say = relais_string(item, "say");
	const char *text = relais_string(item, "text");
	bool is_ask = strcmp(say, "ask") == 0;

	if (relais_is_json(l->r)) {
		relais_print_json(item);
	} else if (strcmp(say, "open") == 0) {
		(void)puts(_("Open this address in a browser, on any device, "
			     "and sign in:\n"));
		/* On a line of its own, plain and not wrapped, to be copied. */
		relais_print(l->r, COLOUR_NONE, text);
		(void)puts("\n");
	} else if (strcmp(say, "code") == 0) {
		(void)fputs(_("and enter this code:    "), stdout);
		relais_print(l->r, COLOUR_BOLD, text);
		(void)puts("\n");
	} else if (is_ask) {
		relais_printf_wrapped(l->r, 0,
		    "If the browser runs on this machine, that is all.  "
		    "Otherwise it ends on a page that cannot be shown: copy "
		    "the whole address of that page and paste it here.");
	} else {
		char *own = said(text);

		relais_print_wrapped(l->r, COLOUR_NONE, 0, own);
		free(own);
	}
	if (is_ask) {
		if (!relais_is_json(l->r))
			(void)fputs(_("\nAddress: "), stdout);
		read_keys();
		relais_listen(l->r, STDIN_FILENO, on_typed, l);
	}
	(void)fflush(stdout);
}

/* False: not understood. */
static bool
read_args(int argc, char *const *argv, json_t *to)
{
	const char *account = NULL;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--browser") == 0 ||
		    strcmp(argv[i], "--device") == 0)
			(void)json_object_set_new(
			    to, "flow", json_string(argv[i] + 2));
		else if (argv[i][0] == '-' || account != NULL)
			return false;
		else
			account = argv[i];
	}
	if (account != NULL)
		(void)json_object_set_new(to, "account", json_string(account));
	return account != NULL;
}

static void
tell_end(const struct relais *r, const json_t *result)
{
	char *text = relais_said(result, "text");

	relais_printf_wrapped(
	    r, 0, "\n%s; relais renews the token by itself from now on", text);
	free(text);
}

static int
run_login(struct relais *r, int argc, char *const *argv)
{
	struct login l = { .r = r };
	json_t *args = json_object(), *result = NULL;
	int status;

	if (!read_args(argc, argv, args)) {
		json_decref(args);
		return relais_complain(r, RELAIS_USAGE, "expected one account");
	}
	IGNORE(privilege_hide_memory(NULL) != 0); /* best effort */
	ctl_json_wipe_freed();
	buf_init(&l.typed, PASTE_MAX);
	relais_be_patient(r, PATIENCE_MS);
	status = relais_ask(r, "login", args, on_item, &l, &result);
	restore();
	if (status == RELAIS_DONE && relais_is_json(r))
		relais_print_json(result);
	else if (status == RELAIS_DONE)
		tell_end(r, result);
	json_decref(result);
	buf_wipe(&l.typed);
	return status;
}

const struct relais_command cmd_login = {
	.name = "login",
	.args = N_("[--browser | --device] ACCOUNT"),
	.help = N_("signs an account in by OAuth2"),
	.details = N_(
	    "Shows an address to open in a browser on any device, and a code "
	    "to enter\nthere where the provider has that.  With --browser, or "
	    "where the provider\nhas no codes for mail programs, the browser "
	    "brings the answer back itself if\nit runs on this machine; from "
	    "another one you paste the address that it ends at."),
	.run = run_login,
};
