/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conf_vars.h - settings in environment variables, for containers.
 *
 * The names follow from the table of settings, in capitals:
 *
 *	RELAIS_KEY		[relais]
 *	RELAIS_ACCOUNT_KEY	[account default], or the only account of the
 *				file; RELAIS_LISTEN_KEY likewise
 *	RELAIS_ACCOUNT_NAME__KEY	[account name]; RELAIS_LISTEN_NAME__KEY
 *				likewise
 *
 * RELAYHOST, SMTP_SERVER and other names that images of mail servers have long
 * used are aliases for keys of an account.  Variables that other programs and
 * Kubernetes set are ignored.
 */
#ifndef CONF_CONF_VARS_H
#define CONF_CONF_VARS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/must.h"
#include "base/secret.h"
#include "conf/setting.h"

struct conf_variable {
	char *name;
	char *text; /* the value, without a line end */
	/* Instead of text, for a secret; NULL if it is too long. */
	struct secret *secret;
};

struct conf_vars {
	struct conf_variable *v;
	size_t n;
};

/* Copies the variables that may be settings from env, which is environ.  A
 * secret is wiped in env, so that neither /proc nor a child process shows it;
 * other variables stay. */
struct conf_vars *conf_vars_take(char **env);
void conf_vars_free(struct conf_vars *vars);

/* What a variable sets; the caller frees section. */
struct conf_target {
	const struct setting *st;
	char *section; /* NULL: [relais], or the one without a name */
};
/* False: there is no such setting; why gets a text that continues "NAME: ". */
bool conf_vars_target(
    const char *name, struct conf_target *ret, struct buf *why) MUST_CHECK;

/* Cuts the port off the value of RELAYHOST, "[host]:port", and returns it, for
 * the caller to free.  NULL: no port. */
char *conf_vars_take_port(const char *name, char *text);

/* True: the NAME in a variable, wanted, means the section with this name.  NAME
 * is in capitals, with "_" for characters that a variable name cannot have. */
bool conf_vars_is_section(const char *wanted, const char *name);

#endif
