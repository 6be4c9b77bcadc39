/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/intl.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "ctl/ctl_client.h"
#include "relais-setup/dialogue.h"
#include "relais-setup/setup.h"
#include "sys/files.h"

enum {
	ANSWER_MS = 5000,
	TRIES = 150, /* of a tenth of a second, for the daemon to be there */
	OUTPUT_MAX = 8192
};

static void
wait_a_tenth(void)
{
	(void)poll(NULL, 0, 100);
}

/* --- the daemon ----------------------------------------------------------- */

/* NULL: there is no answer. */
static json_t *
ask_daemon(const struct setup *s, const char *verb, struct err *err)
{
	struct ctl_client *c;
	json_t *result = NULL;

	if (ctl_client_open(s->old->control, ANSWER_MS, &c, err) != 0)
		return NULL;
	if (ctl_client_call(c, verb, NULL, NULL, NULL, &result, err) != 0)
		result = NULL;
	ctl_client_free(c);
	return result;
}

static bool
has_account(const json_t *status, const char *name)
{
	const json_t *accounts = json_object_get(status, "accounts"), *one;
	size_t i;

	json_array_foreach(accounts, i,
	    one) if (str_eq(json_string_value(json_object_get(one, "name")),
			 name)) return true;
	return false;
}

/* The daemon knows the account by now. */
static bool
wait_for_account(const struct setup *s)
{
	for (int i = 0; i < TRIES; i++) {
		json_t *status = ask_daemon(s, "status", NULL);
		bool is_there = has_account(status, s->account);

		json_decref(status);
		if (is_there)
			return true;
		wait_a_tenth();
	}
	return false;
}

/* Runs a program whose output goes where ours goes. */
static bool
run_program(char *const *argv)
{
	posix_spawn_file_actions_t acts;
	int status = -1;
	pid_t pid;
	bool is_good;

	(void)posix_spawn_file_actions_init(&acts);
	(void)posix_spawn_file_actions_addopen(
	    &acts, 1, "/dev/null", O_WRONLY, 0);
	is_good = posix_spawn(&pid, argv[0], &acts, NULL, argv, environ) == 0 &&
		  waitpid(pid, &status, 0) == pid && status == 0;
	(void)posix_spawn_file_actions_destroy(&acts);
	return is_good;
}

/* systemctl with these words, up to a NULL. */
static bool
systemctl(const struct setup *s, const char *const *words)
{
	static const char *const places[] = { "/usr/bin/systemctl",
		"/bin/systemctl" };
	enum { WORDS = 8 };
	const char *argv[WORDS] = { NULL };
	size_t n = 0;

	if (access("/run/systemd/system", F_OK) != 0 ||
	    s->args.conf_file != NULL)
		return false;
	for (size_t i = 0; argv[0] == NULL && i < 2; i++)
		if (access(places[i], X_OK) == 0)
			argv[0] = places[i];
	if (argv[0] == NULL)
		return false;
	if (s->env.is_user)
		argv[++n] = "--user";
	while (*words != NULL && n + 2 < WORDS)
		argv[++n] = *words++;
	return run_program((char *const *)(uintptr_t)argv);
}

static bool
enable_service(const struct setup *s)
{
	static const char *const words[] = { "enable", "--now", "relais.socket",
		"relais.service", NULL };

	return systemctl(s, words);
}

/* A credential is handed over when the daemon starts; who connects meanwhile
 * waits at the socket. */
static bool
start_with_credential(const struct setup *s)
{
	static const char *const again[] = { "daemon-reload", NULL };
	static const char *const restart[] = { "restart", "relais.service",
		NULL };

	return systemctl(s, again) && enable_service(s) &&
	       systemctl(s, restart);
}

static bool
reload(const struct setup *s)
{
	json_t *result = ask_daemon(s, "reload", NULL);
	bool is_good = result != NULL;

	json_decref(result);
	return is_good;
}

enum setup_status
setup_start(struct setup *s)
{
	json_t *status = ask_daemon(s, "status", NULL);
	bool has_daemon = status != NULL;
	bool is_handed_over = s->keep == SETUP_IN_CREDENTIAL &&
			      (s->oauth == NULL || setup_is_unattended(s));
	bool is_good = is_handed_over ? start_with_credential(s)
		       : has_daemon   ? reload(s)
				      : enable_service(s);

	json_decref(status);
	if (is_good && wait_for_account(s)) {
		s->is_running = true;
		dialogue_say(
		    "%s", has_daemon && !is_handed_over
			      ? N_("relaisd has reloaded its configuration.")
			      : N_("relaisd runs."));
		return SETUP_DONE;
	}
	if (has_daemon || is_good)
		return setup_stop(s->report, SETUP_PERSON,
		    "relaisd does not know the account yet; see its log, then "
		    "type: relais status");
	return setup_stop(s->report, SETUP_PERSON,
	    "relaisd does not run yet; start it, and let the machine start it "
	    "at boot: %s/relaisd%s%s%s; then type: relais test",
	    RELAIS_SBIN_DIR, s->env.is_user ? " --user" : "",
	    s->args.conf_file != NULL ? " -c " : "",
	    s->args.conf_file != NULL ? s->args.conf_file : "");
}

/* --- the first message ---------------------------------------------------- */

static char *
make_message(const struct setup *s)
{
	char *body = xasprintf(_("This message was sent by relais setup "
				 "through the account %s,\nwhich uses %s.\n"),
	    s->account, setup_host(s));
	char *text = xasprintf("From: <%s>\nTo: <%s>\n"
			       "Subject: relais works on %s\n"
			       "MIME-Version: 1.0\nContent-Type: text/plain; "
			       "charset=utf-8\n\n%s",
	    s->address, s->admin != NULL ? s->admin : s->address, s->hostname,
	    body);

	free(body);
	return text;
}

/* Exit status of sendmail, whose output goes to *output; -1: it did not run. */
static int
submit(
    const struct setup *s, const char *path, const char *to, struct buf *output)
{
	char name[] = "sendmail", v[] = "-v", i[] = "-i", f[] = "-f";
	char wait[] = "-odi"; /* for what the provider says */
	char *from = xstrdup(s->address), *rcpt = xstrdup(to);
	char *text = make_message(s);
	char *argv[] = { name, v, i, wait, f, from, rcpt, NULL };
	posix_spawn_file_actions_t acts;
	int in[2], out[2], status = -1;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		abort(); /* out of descriptors */
	(void)posix_spawn_file_actions_init(&acts);
	(void)posix_spawn_file_actions_adddup2(&acts, in[0], 0);
	(void)posix_spawn_file_actions_adddup2(&acts, out[1], 1);
	(void)posix_spawn_file_actions_adddup2(&acts, out[1], 2);
	if (posix_spawn(&pid, path, &acts, NULL, argv, environ) != 0)
		pid = -1;
	(void)posix_spawn_file_actions_destroy(&acts);
	(void)close(in[0]);
	(void)close(out[1]);
	/* It is shorter than a pipe. */
	if (pid > 0)
		IGNORE(write(in[1], text, strlen(text)) < 0);
	(void)close(in[1]);
	IGNORE(files_read_all(out[0], output) != 0); /* what there is counts */
	(void)close(out[0]);
	if (pid > 0 && waitpid(pid, &status, 0) != pid)
		status = -1;
	free(text);
	free(from);
	free(rcpt);
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* "sendmail: 250 2.0.0 OK ...: jane@example.org" without its first word. */
static struct bytes
first_line(const struct buf *output)
{
	struct bytes rest = buf_bytes(output);
	struct bytes line = bytes_cut(&rest, '\n');
	static const char mark[] = "sendmail: ";

	if (bytes_has_prefix_nocase(line, mark))
		line = bytes_of(
		    line.p + sizeof(mark) - 1, line.n - (sizeof(mark) - 1));
	return bytes_trim(line);
}

/* A message that is only in the queue has heard 250 as well. */
static bool
is_sent(const char *said)
{
	return strstr(said, " sent by account ") != NULL;
}

enum setup_status
setup_send(struct setup *s)
{
	const char *to = s->admin != NULL ? s->admin : s->address;
	char *path = setup_program(RELAIS_SBIN_DIR, "sendmail");
	enum setup_status status = SETUP_DONE;
	struct buf output;
	struct bytes line;
	int rc;

	if (path == NULL)
		return setup_stop(s->report, SETUP_PERSON,
		    "relais's own sendmail is not installed, so no message was "
		    "sent");
	(void)setenv("RELAIS_SOCKET", s->old->socket, 1);
	(void)setenv("LC_ALL", "C", 1); /* what it says is for the report too */
	buf_init(&output, OUTPUT_MAX);
	rc = submit(s, path, to, &output);
	line = first_line(&output);
	char *said = xstrndup(line.p, line.n);

	if (rc != 0) {
		status = setup_stop(s->report, SETUP_LATER,
		    "The message to %s was not sent: %s; see: relais queue", to,
		    said);
	} else if (!is_sent(said)) {
		status = setup_stop(s->report, SETUP_LATER,
		    "The message to %s waits: %s; to see why, type: relais "
		    "check %s",
		    to, said, s->account);
	} else {
		dialogue_say("Test message to %s: sent, \"%s\"", to, said);
		(void)json_object_set_new(s->report, "sent", json_string(said));
	}
	free(said);
	buf_clear(&output);
	free(path);
	return status;
}
