/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "base/intl.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "check/check_result.h"
#include "conf/conf.h"
#include "conf/config_json.h"
#include "cred/cred_file.h"
#include "ctl/ctl_json.h"
#include "relais/relais.h"
#include "relais/relais_conf.h"
#include "sys/file_replace.h"
#include "sys/privilege.h"
#include "sys/trust.h"

enum { PATIENCE_MS = 120 * 1000 };

struct passwd {
	struct relais *r;
	const char *account, *password_file;
	bool is_forced;
	struct conf *conf;
	char *path; /* where the daemon looks for the secret */
	struct secret *secret;
	json_t *asked; /* what the daemon is asked, until it answers */
};

/* --- what is configured --------------------------------------------------- */

/* Only a file can be written for everybody; err says where else the secret
 * is. */
static int
find_path(struct passwd *p, const json_t *settings)
{
	static const struct {
		const char *name, *advice;
	} others[] = {
		{ "password",
		    N_("it is written in the configuration; move it to a file "
		       "and set password_file") },
		{ "password_command",
		    N_("change it where that command takes it from") },
		{ "password_credential",
		    N_("change it with systemd-creds and restart relais") },
		{ "password_keyring", N_("change it in the keyring, with "
					 "secret-tool or the desktop's "
					 "program") },
		{ "oauth",
		    N_("there is no password; sign in with: relais login") },
	};
	const char *path = relais_string(settings, "password_file");

	if (*path != '\0') {
		p->path = xstrdup(path);
		return RELAIS_DONE;
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (*relais_string(settings, others[i].name) != '\0')
			return relais_complain(p->r, RELAIS_FAILED,
			    "account %s takes its secret from %s: %s",
			    p->account, others[i].name, _(others[i].advice));
	return relais_complain(
	    p->r, RELAIS_FAILED, "account %s does not log in", p->account);
}

/* Read here: root writes a file where this says, so the daemon is not asked,
 * which talks to the network. */
static int
load_conf(struct passwd *p)
{
	const struct conf_env env = { .is_user = geteuid() != 0,
		.home = getenv("HOME"),
		.config_home = getenv("XDG_CONFIG_HOME"),
		.uid = getuid() };
	const char *file = relais_conf_file(p->r);
	struct conf_paths paths;
	int rc;

	conf_paths_init(&paths, &env);
	rc = relais_conf_load(file != NULL ? file : paths.file, true, &p->conf);
	conf_paths_clear(&paths);
	return rc == 0 ? RELAIS_DONE : RELAIS_FAILED;
}

static int
look_at_account(struct passwd *p)
{
	json_t *config;
	const json_t *sections, *one, *found = NULL;
	int status = load_conf(p);
	size_t i;

	if (status != RELAIS_DONE)
		return status;
	config = config_json(p->conf);
	sections = json_object_get(config, "sections");
	json_array_foreach(sections, i,
	    one) if (strcmp(relais_string(one, "kind"), "account") == 0 &&
		     strcmp(relais_string(one, "name"), p->account) == 0)
	    found = one;
	status = found != NULL
		     ? find_path(p, json_object_get(found, "settings"))
		     : relais_complain(p->r, RELAIS_FAILED,
			   "unknown account \"%s\"", p->account);
	json_decref(config);
	return status;
}

/* --- the new one ---------------------------------------------------------- */

/* Line by line, as a terminal is: what is longer than its 4,096 bytes comes
 * from a file. */
static int
read_terminal(struct passwd *p, struct err *err)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios old, now;
	struct buf line;
	bool is_whole;
	ssize_t n;
	int rc;

	if (fd < 0 || tcgetattr(fd, &old) != 0) {
		if (fd >= 0)
			(void)close(fd); /* nothing was written */
		return err_set(err, ERR_INPUT,
		    "there is no terminal; give --password-file FILE, or - for "
		    "the standard input");
	}
	now = old;
	/* No signals, which would leave the terminal like this: Ctrl-C and
	 * Ctrl-\ end the line. */
	now.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	now.c_cc[VEOL] = old.c_cc[VINTR];
	now.c_cc[VEOL2] = old.c_cc[VQUIT];
	(void)tcsetattr(fd, TCSAFLUSH, &now);
	(void)dprintf(fd, _("Password of account %s: "), p->account);
	buf_init(&line, SECRET_MAX + 2);
	n = read(fd, buf_space(&line, SECRET_MAX), SECRET_MAX);
	if (n > 0)
		buf_added(&line, (size_t)n);
	is_whole = n > 0 && buf_str(&line)[n - 1] == '\n';
	(void)tcsetattr(fd, TCSAFLUSH, &old);
	(void)dprintf(fd, "\n");
	(void)close(fd); /* a terminal */
	rc = is_whole ? cred_first_line(N_("the input"), &line, &p->secret, err)
		      : err_set(err, ERR_INPUT, "no line was typed");
	buf_wipe(&line);
	return rc;
}

static int
read_stdin(struct passwd *p, struct err *err)
{
	struct buf text;
	ssize_t n = 0;
	int rc;

	buf_init(&text, SECRET_MAX + 2);
	while (buf_room(&text) > 0 &&
	       (n = read(STDIN_FILENO, buf_space(&text, buf_room(&text)),
		    buf_room(&text))) > 0)
		buf_added(&text, (size_t)n);
	rc = n < 0 ? err_sys(err, "cannot read the standard input")
		   : cred_first_line(
			 N_("the standard input"), &text, &p->secret, err);
	buf_wipe(&text);
	return rc;
}

static int
read_secret(struct passwd *p)
{
	struct err err = { 0 };
	int rc;

	if (p->password_file == NULL)
		rc = read_terminal(p, &err);
	else if (strcmp(p->password_file, "-") == 0)
		rc = read_stdin(p, &err);
	else
		rc = cred_file_read(
		    p->password_file, (gid_t)-1, &p->secret, &err);
	return rc == 0 ? RELAIS_DONE
		       : relais_complain(p->r, RELAIS_FAILED, "%s", err.text);
}

/* --- trying and storing --------------------------------------------------- */

static void
on_item(void *ctx, json_t *item)
{
	struct passwd *p = ctx;
	struct check_result res;

	/* It has it now, and a login takes long. */
	(void)json_object_del(p->asked, "password");
	if (!check_result_from_json(item, &res) || relais_is_json(p->r))
		return;
	relais_print_check(p->r, &res);
	(void)fflush(stdout);
}

/* The daemon logs in with it. */
static int
try_it(struct passwd *p)
{
	json_t *result = NULL;
	json_t *args = json_pack("{s:s, s:o}", "account", p->account,
	    "password", ctl_json_bytes(secret_bytes(p->secret)));
	int status;

	p->asked = args;
	relais_be_patient(p->r, PATIENCE_MS);
	status = relais_ask(p->r, "check", args, on_item, p, &result);
	if (status == RELAIS_DONE) {
		status = (int)relais_number(result, "exit");
		if (status != 0 && p->is_forced)
			status = RELAIS_DONE;
		else if (status != 0)
			(void)relais_complain(p->r, status == 2 ? 1 : status,
			    "nothing was stored; to store it all the same, add "
			    "--force");
	}
	json_decref(result);
	return status;
}

static int
store(const struct passwd *p)
{
	struct bytes b = secret_bytes(p->secret);
	struct privilege_user owner;
	struct err err = { 0 };
	struct buf line;
	int rc = 0;

	privilege_self(&owner);
	if (geteuid() == 0)
		rc = privilege_find(p->conf->user, &owner, &err);
	/* Again: since it was loaded, somebody has typed. */
	if (rc == 0)
		rc = trust_file(p->path, owner.uid, &err);
	buf_init(&line, SECRET_MAX + 2);
	IGNORE(buf_add(&line, b.p, b.n) && buf_addc(&line, '\n')); /* fits */
	if (rc == 0)
		rc = file_replace(p->path, buf_bytes(&line), 0600,
		    geteuid() == 0 ? owner.uid : (uid_t)-1, (gid_t)-1, &err);
	buf_wipe(&line);
	return rc == 0 ? RELAIS_DONE
		       : relais_complain(p->r, RELAIS_FAILED, "%s", err.text);
}

/* The daemon may have kept the old one, and the account may be held for it. */
static int
resume(const struct passwd *p)
{
	int status = relais_ask(p->r, "reload", NULL, NULL, NULL, NULL);

	if (status == RELAIS_DONE)
		status = relais_ask(p->r, "flush",
		    json_pack("{s:s}", "account", p->account), NULL, NULL,
		    NULL);
	if (status == RELAIS_DONE && !relais_is_json(p->r))
		(void)printf(_("stored in %s; account %s is in use again\n"),
		    p->path, p->account);
	else if (status == RELAIS_DONE)
		(void)printf("{\"stored\": true}\n");
	return status;
}

static int
run_passwd(struct relais *r, int argc, char *const *argv)
{
	struct passwd p = { .r = r };
	int status;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--password-file") == 0 && i + 1 < argc)
			p.password_file = argv[++i];
		else if (strncmp(argv[i], "--password-file=", 16) == 0)
			p.password_file = argv[i] + 16;
		else if (strcmp(argv[i], "--force") == 0)
			p.is_forced = true;
		else if (argv[i][0] != '-' && p.account == NULL)
			p.account = argv[i];
		else
			return relais_complain(
			    r, RELAIS_USAGE, "unexpected \"%s\"", argv[i]);
	}
	if (p.account == NULL)
		return relais_complain(r, RELAIS_USAGE, "expected an account");
	IGNORE(privilege_hide_memory(NULL) != 0); /* best effort */
	ctl_json_wipe_freed();
	status = look_at_account(&p);
	if (status == RELAIS_DONE)
		status = read_secret(&p);
	if (status == RELAIS_DONE)
		status = try_it(&p);
	if (status == RELAIS_DONE)
		status = store(&p);
	secret_free(p.secret);
	if (status == RELAIS_DONE)
		status = resume(&p);
	conf_free(p.conf);
	free(p.path);
	return status;
}

const struct relais_command cmd_passwd = {
	.name = "passwd",
	.args = N_("ACCOUNT [--password-file FILE] [--force]"),
	.help = N_("replaces the password of an account"),
	.details = N_(
	    "Asks for the new one, lets the daemon log in with it, and stores "
	    "it in the file\n"
	    "that password_file names, for the daemon's user only; then the "
	    "account is used\n"
	    "again.  --password-file reads it from a file, or from standard "
	    "input (-).\n"
	    "Nothing is stored if the login fails, unless --force is given.  "
	    "The exit status\n"
	    "is that of relais check."),
	.has_secret = true,
	.run = run_passwd,
};
