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
 * and RELAYHOST, SMTP_SERVER and others that images of mail servers have used
 * for long are other names of an account's keys.  What other programs and
 * Kubernetes set is left out.
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
	char *text; /* without the end of its line */
	/* In place of text for a secret; NULL if it is too long. */
	struct secret *secret;
};

struct conf_vars {
	struct conf_variable *v;
	size_t n;
};

/* Takes the variables that may be settings out of env, which is environ.  A
 * secret is wiped where it stands, so that neither /proc nor a child shows it;
 * the others stay there, too. */
struct conf_vars *conf_vars_take(char **env);
void conf_vars_free(struct conf_vars *vars);

/* What a variable sets; section is the caller's. */
struct conf_target {
	const struct setting *st;
	char *section; /* NULL: [relais], or the one without a name */
};
/* False: no such setting, and why continues "NAME: ". */
bool conf_vars_target(
    const char *name, struct conf_target *ret, struct buf *why) MUST_CHECK;

/* RELAYHOST is host and port in one, "[host]:port": cuts the port off text.
 * NULL: there is none.  Owned. */
char *conf_vars_take_port(const char *name, char *text);

/* Would the variable's NAME mean the section of this name?  Capitals, and "_"
 * for what a variable cannot contain. */
bool conf_vars_is_section(const char *wanted, const char *name);

#endif
