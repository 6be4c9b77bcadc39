/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the secret is kept: a file of the daemon's user, the desktop's keyring,
 * or a credential that systemd encrypts and hands to the daemon. */
#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/intl.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "cred/cred_oauth.h"
#include "relais-setup/dialogue.h"
#include "relais-setup/setup.h"
#include "sys/file_replace.h"
#include "sys/privilege.h"

#define SECRET_TOOL   "/usr/bin/secret-tool"
#define SYSTEMD_CREDS "/usr/bin/systemd-creds"
#define DROP_INS      "/etc/systemd/system/relais.service.d"

enum { PATIENCE_MS = 60000, POLL_MS = 50 }; /* a person may have to unlock */

const char *const setup_keep_names[] = { "file", "keyring", "credential" };

/* --- folders and programs ------------------------------------------------- */

static char *
folder_of(const char *file)
{
	char *copy = xstrdup(file);
	char *dir = xstrdup(dirname(copy));

	free(copy);
	return dir;
}

static int
make_folder(const char *path, mode_t mode, struct err *err)
{
	char *up;
	int rc;

	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return err_sys(err, "cannot make the folder %s", path);
	up = folder_of(path);
	rc = make_folder(up, 0755, err);
	free(up);
	if (rc == 0 && mkdir(path, mode) != 0)
		rc = err_sys(err, "cannot make the folder %s", path);
	return rc;
}

int
setup_make_folder_for(const char *file, mode_t mode, struct err *err)
{
	char *dir = folder_of(file);
	int rc = make_folder(dir, mode, err);

	free(dir);
	return rc;
}

/* Ended by itself, well, and in time. */
static bool
ends_well(pid_t pid)
{
	int status = -1;

	for (int ms = 0; ms < PATIENCE_MS; ms += POLL_MS) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid)
			return status == 0;
		if (got < 0 && errno != EINTR)
			return false;
		(void)poll(NULL, 0, POLL_MS);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	return false;
}

/* Runs a program that gets the secret on its standard input: neither arguments
 * nor environment have it.  A socket, because a program that is gone would end
 * us by a pipe. */
static bool
feed(char *const *argv, struct bytes secret)
{
	posix_spawn_file_actions_t acts;
	bool is_good;
	pid_t pid;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return false;
	(void)posix_spawn_file_actions_init(&acts);
	(void)posix_spawn_file_actions_adddup2(&acts, fds[0], 0);
	is_good = posix_spawn(&pid, argv[0], &acts, NULL, argv, environ) == 0;
	(void)posix_spawn_file_actions_destroy(&acts);
	(void)close(fds[0]);
	/* It fits the socket's buffer: SECRET_MAX. */
	if (is_good)
		IGNORE(send(fds[1], secret.p, secret.n, MSG_NOSIGNAL) < 0);
	(void)close(fds[1]);
	return is_good && ends_well(pid);
}

/* --- the choice ----------------------------------------------------------- */

static bool
has_keyring(const struct setup *s)
{
	char *helper = setup_program(RELAIS_LIBEXEC_DIR, "relais-keyring");
	bool has_one = s->env.is_user && s->args.conf_file == NULL &&
		       getenv("DBUS_SESSION_BUS_ADDRESS") != NULL &&
		       helper != NULL && access(SECRET_TOOL, X_OK) == 0;

	free(helper);
	return has_one;
}

static bool
has_credentials(const struct setup *s)
{
	return !s->env.is_user && s->args.conf_file == NULL &&
	       access("/run/systemd/system", F_OK) == 0 &&
	       access(SYSTEMD_CREDS, X_OK) == 0;
}

/* What a unit and a file name can have as it is. */
static bool
is_plain_word(const char *name)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return *name != '\0' && strspn(name, chars) == strlen(name);
}

/* The password, or the secret of a client. */
static bool
is_credential(const struct cred_source *s)
{
	return s->kind == CRED_SYSTEMD ||
	       (s->oauth != NULL &&
		   (s->oauth->v[CRED_OAUTH_CLIENT_SECRET_CREDENTIAL] != NULL ||
		       s->oauth->v[CRED_OAUTH_JWT_KEY_CREDENTIAL] != NULL));
}

/* What was asked for; else what this account has; else the keyring where there
 * is one. */
enum setup_status
setup_choose_keep(struct setup *s, const struct conf_account *old)
{
	bool is_named = s->args.secret_in != NULL;
	size_t i = 0;

	while (is_named && i < SETUP_KEEPS &&
	       !str_eq(s->args.secret_in, setup_keep_names[i]))
		i++;
	if (i == SETUP_KEEPS)
		return setup_stop(s->report, SETUP_PERSON,
		    "--secret \"%s\": expected file, keyring or credential",
		    s->args.secret_in);
	if (is_named)
		s->keep = (enum setup_keep)i;
	else if (has_keyring(s) &&
		 (old == NULL || old->secret.kind != CRED_FILE))
		s->keep = SETUP_IN_KEYRING;
	else if (old != NULL && is_credential(&old->secret) &&
		 has_credentials(s))
		s->keep = SETUP_IN_CREDENTIAL;
	if (s->keep == SETUP_IN_KEYRING && !has_keyring(s))
		return setup_stop(s->report, SETUP_PERSON,
		    "--secret keyring: this needs a daemon of one's own, a "
		    "desktop session, and the programs relais-keyring and "
		    "secret-tool (packages relais-keyring, libsecret-tools)");
	if (s->keep == SETUP_IN_CREDENTIAL && !has_credentials(s))
		return setup_stop(s->report, SETUP_PERSON,
		    "--secret credential: this needs root, systemd that runs, "
		    "its program systemd-creds, and no -c");
	if (s->keep == SETUP_IN_CREDENTIAL && !is_plain_word(s->account))
		return setup_stop(s->report, SETUP_PERSON,
		    "--secret credential: account \"%s\" is no name for one; "
		    "choose letters and digits with --account",
		    s->account);
	return SETUP_DONE;
}

/* --- keeping it ----------------------------------------------------------- */

/* Whose the secret is: the daemon's user's. */
static void
find_owner(const struct setup *s, struct privilege_user *ret)
{
	privilege_self(ret);
	if (geteuid() == 0 &&
	    privilege_find(
		s->old != NULL ? s->old->user : "relais", ret, NULL) != 0)
		privilege_self(ret);
}

/* The folder can be entered, but not listed: the secret itself is its
 * user's. */
static int
make_secret_folder(const struct setup *s, struct err *err)
{
	return setup_make_folder_for(
	    s->secret_file, geteuid() == 0 ? 0711 : 0700, err);
}

static int
keep_in_file(struct setup *s, struct err *err)
{
	struct privilege_user owner;
	struct bytes b = secret_bytes(s->secret);
	struct buf line;
	int rc;

	find_owner(s, &owner);
	buf_init(&line, SECRET_MAX + 1);
	rc = make_secret_folder(s, err);
	s->is_secret_new = access(s->secret_file, F_OK) != 0;
	if (rc == 0 && buf_add(&line, b.p, b.n) && buf_addc(&line, '\n'))
		rc = file_replace(s->secret_file, buf_bytes(&line), 0600,
		    owner.uid, owner.gid, err);
	buf_wipe(&line);
	return rc;
}

/* By secret-tool, so that GLib and D-Bus stay out of this program. */
static bool
keep_in_keyring(struct setup *s)
{
	char *label = xasprintf("relais: %s", s->account);
	char label_option[] = "--label", tool[] = SECRET_TOOL;
	char store[] = "store", service[] = "service", us[] = "relais";
	char key[] = "account";
	char *argv[] = { tool, store, label_option, label, service, us, key,
		s->account, NULL };
	bool is_good = feed(argv, secret_bytes(s->secret));

	free(label);
	return is_good;
}

static char *
drop_in(const struct setup *s)
{
	return xasprintf("%s/secret-%s.conf", DROP_INS, s->account);
}

/* What systemd hands to the daemon when it starts it. */
static int
write_drop_in(const struct setup *s, const char *sealed, struct err *err)
{
	char *path = drop_in(s);
	char *text = xasprintf("# Written by relais setup.\n[Service]\n"
			       "LoadCredentialEncrypted=%s:%s\n",
	    s->account, sealed);
	int rc = setup_make_folder_for(path, 0755, err);

	if (rc == 0)
		rc = file_replace(
		    path, bytes_str(text), 0644, (uid_t)-1, (gid_t)-1, err);
	free(text);
	free(path);
	return rc;
}

/* Encrypted with the TPM or a key of this machine, as systemd-creds chooses. */
static int
keep_in_credential(struct setup *s, struct err *err)
{
	char tool[] = SYSTEMD_CREDS, encrypt[] = "encrypt", in[] = "-";
	char *name = xasprintf("--name=%s", s->account);
	char *sealed = xasprintf("%s.cred", s->secret_file);
	char *argv[] = { tool, encrypt, name, in, sealed, NULL };
	int rc = make_secret_folder(s, err);

	if (rc == 0 && !feed(argv, secret_bytes(s->secret)))
		rc = err_set(err, ERR_SECRET,
		    "systemd-creds could not encrypt the secret; with "
		    "--secret file it goes to a file");
	if (rc == 0 && chmod(sealed, 0600) != 0)
		rc = err_sys(err, "cannot change the mode of %s", sealed);
	if (rc == 0)
		rc = write_drop_in(s, sealed, err);
	free(sealed);
	free(name);
	return rc;
}

int
setup_keep_secret(struct setup *s, struct err *err)
{
	if (s->keep == SETUP_IN_CREDENTIAL)
		return keep_in_credential(s, err);
	if (s->keep == SETUP_IN_KEYRING && keep_in_keyring(s))
		return 0;
	if (s->keep == SETUP_IN_KEYRING)
		dialogue_say("The keyring took nothing, so a file does it.");
	s->keep = SETUP_IN_FILE;
	return keep_in_file(s, err);
}

void
setup_lose_secret(const struct setup *s)
{
	char *sealed = xasprintf("%s.cred", s->secret_file);
	char *told = drop_in(s);

	char *folder = folder_of(s->secret_file);

	if (s->keep == SETUP_IN_FILE && s->is_secret_new)
		IGNORE(unlink(s->secret_file) != 0); /* was it written? */
	if (s->keep == SETUP_IN_CREDENTIAL) {
		IGNORE(unlink(sealed) != 0);
		IGNORE(unlink(told) != 0);
	}
	IGNORE(rmdir(folder) != 0); /* unless it has others */
	free(folder);
	free(told);
	free(sealed);
}

void
setup_forget_file(const struct setup *s)
{
	if (s->keep != SETUP_IN_FILE && unlink(s->secret_file) == 0)
		dialogue_say("Removed: %s", s->secret_file);
}

char *
setup_secret_place(const struct setup *s)
{
	switch (s->keep) {
	case SETUP_IN_KEYRING:
		return xstrdup(N_("the keyring"));
	case SETUP_IN_CREDENTIAL:
		return xasprintf(N_("%s.cred (encrypted)"), s->secret_file);
	case SETUP_IN_FILE:
		break;
	}
	return xasprintf("%s (0600)", s->secret_file);
}
