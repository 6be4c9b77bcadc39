/* SPDX-License-Identifier: GPL-3.0-or-later */
/* setup.h - one run of `relais setup': what was given, what was found, and the
 * steps that use it.
 *
 * Each step tells the person what it does, and returns enum setup_status.  The
 * steps know each other as far as they are declared here; run.c alone knows
 * their order.
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

/* The exit status as well. */
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
	struct conf *old; /* what is configured, or NULL */

	/* The account to be. */
	char *address;
	struct discovery found;
	char *preset_host; /* with a region put in; NULL: found.host */
	char *account; /* its name */
	char *user; /* what AUTH is given */
	char *admin;
	struct secret *secret;
	const char *secret_from; /* for people */
	enum setup_keep keep;
	char *secret_file; /* if it is in a file; a credential beside it */
	bool is_secret_new; /* no file of that name was there before */
	/* A sign-in instead of a password: "KEY" or "KEY:TENANT"; or NULL.  The
	 * secret then is the client's, if there is one. */
	char *oauth;
	char *client_answer; /* what was typed for client_id */
	bool has_tried; /* setup_try() has told about the server */
	bool is_running; /* relaisd, and it knows the account */

	int questions; /* that were asked */
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

/* Says the sentence; in the report it is the advice.  Returns status. */
enum setup_status setup_stop(json_t *report, enum setup_status status,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A program of ours: as installed, or beside this one where both were built.
 * NULL: there is none; to be freed. */
char *setup_program(const char *folder, const char *name);

/* --- find_server.c -------------------------------------------------------- */

bool setup_is_address(const char *text);
enum setup_status setup_find_address(struct setup *s);
/* Who gets the mail for root and cron. */
enum setup_status setup_find_admin(struct setup *s);
/* As it was named, or by the address; another's server only if the person
 * agrees. */
enum setup_status setup_find_server(struct setup *s);
enum setup_status setup_take_provider(struct setup *s); /* --provider */
enum setup_status setup_take_host(struct setup *s); /* --host */

/* --- log_in.c ------------------------------------------------------------- */

/* The login name. */
enum setup_status setup_find_user(struct setup *s);
/* A secret that the server takes, or what a sign-in needs. */
enum setup_status setup_log_in(struct setup *s);
/* For an address, if one was given: name and secret, which are not tried. */
enum setup_status setup_find_check_login(struct setup *s);

/* --- try.c ---------------------------------------------------------------- */

/* Connects to every port, with a login if there is a secret, and tells each
 * result as it comes.  *ret_is_refused: the provider did not take the login. */
enum setup_status setup_try(struct setup *s, bool *ret_is_refused);

/* --- write.c -------------------------------------------------------------- */

/* Chooses the name of the account, and where the secret goes. */
enum setup_status setup_choose_names(struct setup *s);
/* Secret and configuration; what was there before stays if the result could not
 * be loaded. */
enum setup_status setup_write(struct setup *s);

/* --- keep.c --------------------------------------------------------------- */

extern const char *const setup_keep_names[]; /* of --secret */
/* old: the account as it is configured, or NULL. */
enum setup_status setup_choose_keep(
    struct setup *s, const struct conf_account *old);
/* A keyring that does not take the secret leaves it to a file. */
int setup_keep_secret(struct setup *s, struct err *err) MUST_CHECK;
/* Removes it again, except from a keyring. */
void setup_lose_secret(const struct setup *s);
/* Removes the file that had the secret before it was kept in another place. */
void setup_forget_file(const struct setup *s);
/* For people; to be freed. */
char *setup_secret_place(const struct setup *s);

/* The folder that this file is to be in, parents included. */
int setup_make_folder_for(
    const char *file, mode_t mode, struct err *err) MUST_CHECK;

/* --- sign_in.c ------------------------------------------------------------ */

/* By OAuth2: because it was asked for, or there is nothing else. */
bool setup_signs_in(const struct setup *s);
/* As a program, with a secret or a key of its own instead of a person? */
static inline bool
setup_is_unattended(const struct setup *s)
{
	return s->args.client_secret_file != NULL ||
	       s->args.jwt_key_file != NULL;
}
/* What the sign-in needs; the server is tried without a login. */
enum setup_status setup_prepare_sign_in(struct setup *s);
/* Once the daemon knows the account: lets the person sign in, if it takes one,
 * and checks the account. */
enum setup_status setup_sign_in(struct setup *s);

/* --- start.c -------------------------------------------------------------- */

/* Starts the daemon or lets it read the configuration anew. */
enum setup_status setup_start(struct setup *s);
/* Sends a message through the daemon, as any program would. */
enum setup_status setup_send(struct setup *s);

#endif
