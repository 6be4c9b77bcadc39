/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sign-in by OAuth2.  It is the daemon's, which keeps the tokens; so it comes
 * after the configuration. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/intl.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/oauth_rows.h"
#include "cred/cred_file.h"
#include "relais-setup/dialogue.h"
#include "relais-setup/setup.h"
#include "sys/files.h"

/* --- whether -------------------------------------------------------------- */

static bool
is_asked_for(const struct setup *s)
{
	return setup_is_unattended(s) || s->args.client_id != NULL ||
	       s->args.tenant != NULL;
}

bool
setup_signs_in(const struct setup *s)
{
	char *oauth;
	bool is_only;

	if (s->args.password_file != NULL)
		return false;
	if (is_asked_for(s))
		return true;
	if (s->found.preset == NULL)
		return s->found.is_oauth;
	oauth = provider_oauth(s->found.preset, true);
	is_only = oauth != NULL;
	free(oauth);
	return is_only;
}

/* --- as which client ------------------------------------------------------ */

/* NULL: err says why. */
static struct cred_oauth *
find_row(const struct setup *s, struct err *err)
{
	struct oauth_rows *rows = oauth_rows_new();
	struct cred_oauth *o = NULL;

	if (access(s->paths.oauth_own, F_OK) != 0 ||
	    oauth_rows_read(rows, s->paths.oauth_own, err) == 0)
		o = oauth_rows_find(rows, s->oauth, err);
	oauth_rows_free(rows);
	return o;
}

/* "KEY:TENANT"; false: the provider has no sign-in. */
static bool
choose_row(struct setup *s)
{
	char *key = s->found.preset != NULL
			? provider_oauth(s->found.preset, false)
			: NULL;

	if (key == NULL)
		return false;
	s->oauth = s->args.tenant != NULL
		       ? xasprintf("%s:%s", key, s->args.tenant)
		       : xstrdup(key);
	free(key);
	return true;
}

/* A key is many lines. */
static int
read_key(int fd, const char *name, struct secret **ret, struct err *err)
{
	struct buf b;
	int rc = 0;

	buf_init(&b, SECRET_MAX + 512);
	if (files_read_all(fd, &b) != 0 && errno != EFBIG)
		rc = err_sys(err, "cannot read %s", name);
	else if ((*ret = secret_new(bytes_trim(buf_bytes(&b)))) == NULL)
		rc = err_set(err, ERR_SECRET, "%s is longer than %d bytes",
		    name, (int)SECRET_MAX);
	buf_wipe(&b);
	return rc;
}

static int
read_key_file(
    const char *path, gid_t group, struct secret **ret, struct err *err)
{
	struct secret *first = NULL;
	int fd, rc;

	/* For its checks: who may read it, and who could replace it. */
	if (cred_file_read(path, group, &first, err) != 0)
		return -1;
	secret_free(first);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "cannot read %s", path);
	rc = read_key(fd, path, ret, err);
	(void)close(fd); /* only read */
	return rc;
}

static enum setup_status
read_client_secret(struct setup *s)
{
	const char *file = s->args.jwt_key_file != NULL
			       ? s->args.jwt_key_file
			       : s->args.client_secret_file;
	struct err err = { 0 };
	int rc;

	if (strcmp(file, "-") == 0)
		rc = read_key(
		    STDIN_FILENO, N_("standard input"), &s->secret, &err);
	else if (s->args.jwt_key_file != NULL)
		rc = read_key_file(file, s->env.group, &s->secret, &err);
	else
		rc = cred_file_read(file, s->env.group, &s->secret, &err);
	return rc == 0 ? SETUP_DONE
		       : setup_stop(s->report, SETUP_PERSON, "%s", err.text);
}

/* The options belong together. */
static enum setup_status
check_unattended(struct setup *s, const struct cred_oauth *row)
{
	if (s->args.jwt_key_file != NULL && s->args.client_secret_file != NULL)
		return setup_stop(s->report, SETUP_PERSON,
		    "--client-secret-file and --jwt-key-file are two ways: "
		    "give one of them");
	if (cred_oauth_get(row, CRED_OAUTH_SCOPE_UNATTENDED)[0] == '\0')
		return setup_stop(s->report, SETUP_PERSON,
		    "%s has no sign-in without a person that relais knows",
		    setup_provider_name(s));
	if (s->args.client_secret_file != NULL && s->args.client_id == NULL)
		return setup_stop(s->report, SETUP_PERSON,
		    "--client-secret-file is the secret of a client: add "
		    "--client-id ID");
	if (s->keep == SETUP_IN_KEYRING && s->args.secret_in != NULL)
		return setup_stop(s->report, SETUP_PERSON,
		    "the secret of a client is kept in a file or as a "
		    "credential: leave out --secret keyring");
	if (s->keep == SETUP_IN_KEYRING)
		s->keep = SETUP_IN_FILE;
	return SETUP_DONE;
}

static enum setup_status
ask_client(struct setup *s)
{
	if (!dialogue_has_person())
		return setup_stop(s->report, SETUP_PERSON,
		    "%s takes a sign-in instead of a password, for which a "
		    "client has to be registered there: add --client-id ID, "
		    "and --client-secret-file FILE if no person is to sign "
		    "in; see client_id in relais.conf(5)",
		    setup_provider_name(s));
	s->questions++;
	s->client_answer = dialogue_ask(
	    _("Client ID of the application that you registered there "
	      "(client_id in relais.conf(5))"),
	    NULL);
	s->args.client_id = s->client_answer;
	return s->args.client_id != NULL && s->args.client_id[0] != '\0'
		   ? SETUP_DONE
		   : setup_stop(
			 s->report, SETUP_PERSON, "Nothing was written.");
}

static enum setup_status
find_client(struct setup *s, const struct cred_oauth *row)
{
	enum setup_status status;

	if (!setup_is_unattended(s))
		return s->args.client_id != NULL ||
			       cred_oauth_get(row, CRED_OAUTH_CLIENT_ID)[0] !=
				   '\0'
			   ? SETUP_DONE
			   : ask_client(s);
	status = check_unattended(s, row);
	return status == SETUP_DONE ? read_client_secret(s) : status;
}

enum setup_status
setup_prepare_sign_in(struct setup *s)
{
	struct err err = { 0 };
	struct cred_oauth *row;
	bool is_refused;
	enum setup_status status;

	if (!choose_row(s) && s->found.is_oauth)
		return setup_stop(s->report, SETUP_PERSON,
		    "%s takes a sign-in by OAuth2 instead of a password; see "
		    "oauth in relais.conf(5)",
		    setup_provider_name(s));
	if (s->oauth == NULL)
		return setup_stop(s->report, SETUP_PERSON,
		    "%s has no sign-in by OAuth2 that relais knows; see oauth "
		    "in relais.conf(5)",
		    setup_provider_name(s));
	if ((row = find_row(s, &err)) == NULL)
		return setup_stop(s->report, SETUP_PERSON, "%s", err.text);
	status = setup_try(s, &is_refused);
	if (status == SETUP_DONE || s->args.is_forced) {
		if (!setup_is_unattended(s))
			dialogue_say(
			    "%s takes a sign-in instead of a password.",
			    setup_provider_name(s));
		status = find_client(s, row);
	}
	cred_oauth_free(row);
	return status;
}

/* --- the sign-in ---------------------------------------------------------- */

/* "relais VERB ACCOUNT", on our terminal; its exit status. */
static int
run_relais(const struct setup *s, const char *path, const char *verb)
{
	char name[] = "relais", c[] = "-c";
	char *word = xstrdup(verb), *file = xstrdup(s->file);
	char *argv[] = { name, word, s->account,
		s->args.conf_file != NULL ? c : NULL, file, NULL };
	posix_spawn_file_actions_t acts;
	int status = -1;
	pid_t pid;

	(void)posix_spawn_file_actions_init(&acts);
	if (s->args.is_json) /* ours is the only text there */
		(void)posix_spawn_file_actions_addopen(
		    &acts, 1, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&pid, path, &acts, NULL, argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid)
		status = -1;
	(void)posix_spawn_file_actions_destroy(&acts);
	free(word);
	free(file);
	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

/* The daemon fetches the token. */
static int
check_unattended_login(struct setup *s, const char *path)
{
	int status;

	if (!s->is_running)
		return SETUP_DONE; /* nobody wants a message yet */
	status = path != NULL ? run_relais(s, path, "check") : 2;
	if (status != 0)
		(void)setup_stop(s->report, SETUP_PERSON,
		    "the account is written, but does not log in yet; try "
		    "again with: relais check %s",
		    s->account);
	return status;
}

enum setup_status
setup_sign_in(struct setup *s)
{
	char *path = setup_program(RELAIS_BIN_DIR, "relais");
	int status = 2;

	if (setup_is_unattended(s))
		status = check_unattended_login(s, path);
	else if (path == NULL || !dialogue_has_person())
		status = (int)setup_stop(s->report, SETUP_PERSON,
		    "sign in with: relais login %s", s->account);
	else if ((status = run_relais(s, path, "login")) != 0)
		status = (int)setup_stop(s->report, SETUP_PERSON,
		    "not signed in yet; try again with: relais login %s",
		    s->account);
	else
		status = run_relais(s, path, "check");
	free(path);
	return (enum setup_status)status;
}
