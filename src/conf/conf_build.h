/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conf_build.h - builds struct conf from checked text.
 *
 * Internal to conf.  The functions are called in the order below.  Each adds
 * its problems and continues, so that one run reports all of them.
 */
#ifndef CONF_CONF_BUILD_H
#define CONF_CONF_BUILD_H

#include "conf/conf.h"
#include "conf/conf_read.h"
#include "conf/provider.h"

struct conf_build {
	const struct conf_env *env;
	const struct conf_raw *raw;
	struct conf_problems *problems;
	struct conf *conf; /* under construction */
	/* read when the first account needs them */
	struct providers *providers;
	struct oauth_rows *oauth; /* likewise */
	bool has_asked; /* they were read, or a problem says why not */
	/* besides root, the owner whose files are trusted (sys/trust.h) */
	uid_t owner;
};

/* conf_listen.c: `listen`, `socket`, [listen NAME]. */
void conf_build_listens(struct conf_build *b);
/* True for loopback addresses and "localhost". */
bool conf_is_loopback(const char *host);

/* conf_account.c: [account NAME]. */
void conf_build_accounts(struct conf_build *b);
void conf_account_clear(struct conf_account *a);

#endif
