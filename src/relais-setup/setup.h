/* SPDX-License-Identifier: GPL-3.0-or-later */
/* setup.h - one run of `relais setup': its arguments, its findings, and the
 * steps that use them.
 *
 * Each step reports to the person what it does, and returns enum setup_status.
 * Steps call each other only as declared here; run.c alone knows their order.
 */
#ifndef RELAIS_SETUP_SETUP_H
#define RELAIS_SETUP_SETUP_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"
#include "base/must.h"
#include "base/secret.h"
#include "conf/conf.h"
#include "conf/provider.h"
#include "relais-setup/discover.h"

/* Also the exit status. */
enum setup_status { SETUP_DONE = 0, SETUP_LATER = 1, SETUP_PERSON = 2 };

/* What the command line says; borrowed. */
struct setup_args {
	const char *conf_file, *provider, *host, *port, *tls, *tls_ca_file;
	const char *user, *password_file, *admin, *account;
	const char *client_id, *tenant, *client_secret_file, *jwt_key_file;
	const char *send_to, *secret_in;
	bool is_yes, no_send, is_json, is_forced;
};

/* Where the secret is kept. */
enum setup_keep { SETUP_IN_FILE = 0, SETUP_IN_KEYRING, SETUP_IN_CREDENTIAL };
enum { SETUP_KEEPS = SETUP_IN_CREDENTIAL + 1 };

struct setup {
	struct setup_args args;

	/* The surroundings. */
	char hostname[256];
	struct conf_env env;
	struct conf_paths paths;
	const char *file; /* the configuration to write */
	struct providers *presets, *mozilla;
	struct conf *old; /* the present configuration, or NULL */

	/* The account to be. */
	char *address;
	struct discovery found;
	/* found.host with the region put in; NULL: found.host */
	char *preset_host;
	char *account; /* its name */
	char *user; /* the login name */
	char *admin;
	struct secret *secret;
	const char *secret_from; /* for people */
	enum setup_keep keep;
	/* path, if the secret is in a file; a credential is beside it */
	char *secret_file;
	bool is_secret_new; /* no file of that name was there before */
	/* A sign-in instead of a password: "KEY" or "KEY:TENANT"; or NULL.  The
	 * secret, if any, is then that of the client. */
	char *oauth;
	char *client_answer; /* what was typed for client_id */
	bool has_tried; /* setup_try() has reported on the server */
	bool is_running; /* relaisd is running and knows the account */

	int questions; /* questions asked so far */
	json_t *report; /* for --json */
};

/* Frees all that it owns. */
void setup_clear(struct setup *s);
/* A line of the report; value NULL: null. */
void setup_report(struct setup *s, const char *key, const char *value);

const char *setup_host(const struct setup *s);
/* "Orange", "IONOS"; the host if nobody knows. */
const char *setup_provider_name(const struct setup *s);
const struct conf_port *setup_ports(const struct setup *s, size_t *ret_n);

/* Prints the sentence, which becomes the advice in the report.  Returns
 * status. */
enum setup_status setup_stop(json_t *report, enum setup_status status,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The path of a program of ours, installed or beside this one in the build
 * folder, for the caller to free.  NULL: there is none. */
char *setup_program(const char *folder, const char *name);

/* --- find_server.c -------------------------------------------------------- */

bool setup_is_address(const char *text);
enum setup_status setup_find_address(struct setup *s);
/* Finds out who gets mail for root and cron. */
enum setup_status setup_find_admin(struct setup *s);
/* Finds the server that was named, or that of the address; a host outside the
 * domain only if the person agrees. */
enum setup_status setup_find_server(struct setup *s);
enum setup_status setup_take_provider(struct setup *s); /* --provider */
enum setup_status setup_take_host(struct setup *s); /* --host */

/* --- log_in.c ------------------------------------------------------------- */

/* Finds the login name. */
enum setup_status setup_find_user(struct setup *s);
/* Asks for a secret until the server accepts it, or prepares a sign-in. */
enum setup_status setup_log_in(struct setup *s);
/* For `check' with an address: asks for login name and secret, which are not
 * tried. */
enum setup_status setup_find_check_login(struct setup *s);

/* --- try.c ---------------------------------------------------------------- */

/* Connects to every port, with a login if there is a secret, and reports each
 * result as it comes.  *ret_is_refused: the provider refused the login. */
enum setup_status setup_try(struct setup *s, bool *ret_is_refused);

/* --- write.c -------------------------------------------------------------- */

/* Chooses the name of the account, and where the secret is kept. */
enum setup_status setup_choose_names(struct setup *s);
/* Writes secret and configuration.  The old files stay if the result could not
 * be loaded. */
enum setup_status setup_write(struct setup *s);

/* --- keep.c --------------------------------------------------------------- */

extern const char *const setup_keep_names[]; /* of --secret */
/* old: the account as it is configured, or NULL. */
enum setup_status setup_choose_keep(
    struct setup *s, const struct conf_account *old);
/* Keeps the secret.  If the keyring refuses it, it is kept in a file. */
int setup_keep_secret(struct setup *s, struct err *err) MUST_CHECK;
/* Removes the new secret again, except from a keyring. */
void setup_lose_secret(const struct setup *s);
/* Removes the file that had the secret before it was kept in another place. */
void setup_forget_file(const struct setup *s);
/* Where the secret is, for people; for the caller to free. */
char *setup_secret_place(const struct setup *s);

/* Creates the folder for this file, parents included. */
int setup_make_folder_for(
    const char *file, mode_t mode, struct err *err) MUST_CHECK;

/* --- sign_in.c ------------------------------------------------------------ */

/* True: the account uses OAuth2, on request or because there is nothing
 * else. */
bool setup_signs_in(const struct setup *s);
/* True: the account signs in as a program, with a secret or a key of its own
 * instead of a person. */
static inline bool
setup_is_unattended(const struct setup *s)
{
	return s->args.client_secret_file != NULL ||
	       s->args.jwt_key_file != NULL;
}
/* Prepares the sign-in.  The server is tried without a login. */
enum setup_status setup_prepare_sign_in(struct setup *s);
/* Once the daemon knows the account: lets the person sign in, if that is
 * necessary, and checks the account. */
enum setup_status setup_sign_in(struct setup *s);

/* --- start.c -------------------------------------------------------------- */

/* Starts the daemon, or makes it reload the configuration. */
enum setup_status setup_start(struct setup *s);
/* Sends a message through the daemon, as any program would. */
enum setup_status setup_send(struct setup *s);

#endif
