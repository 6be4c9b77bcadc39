/* SPDX-License-Identifier: GPL-3.0-or-later */
/* provider.h - the presets: what is known about a provider in advance.
 *
 * They are data, not code: the rows are in a text file, whose header describes
 * the format, and the administrator can add more.
 *
 * Blocks on the disk in providers_read() only.
 */
#ifndef CONF_PROVIDER_H
#define CONF_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/must.h"
#include "conf/conf.h"

enum provider_login {
	PROVIDER_LOGIN_ADDR, /* the whole address */
	PROVIDER_LOGIN_LOCAL, /* what stands before the @ */
	PROVIDER_LOGIN_FIXED, /* login_word itself */
	PROVIDER_LOGIN_OTHER /* login_word is what the provider calls it */
};

enum provider_senders {
	PROVIDER_SENDERS_FORCE,
	PROVIDER_SENDERS_ALIASES,
	PROVIDER_SENDERS_DOMAIN
};

/* Owned by its struct providers. */
struct provider {
	char *key;
	char *refusal; /* why it cannot be used, or NULL and then: */
	char *host; /* may hold REGION */
	struct conf_port ports[CONF_PORTS_MAX];
	size_t nports;
	enum provider_login login;
	char *login_word;
	char *secret; /* what the provider calls it */
	enum provider_senders senders;
	bool has_grouped_secret; /* shown with blanks that do not belong */
	struct conf_list settings; /* "max_recipients=100" ...: checked */
	int line;
};

struct providers;

struct providers *providers_new(void);
void providers_free(struct providers *p);

/* Adds the rows of a file, in place of rows with the same key.  A row that is
 * wrong stops it with one sentence. */
int providers_read(
    struct providers *p, const char *file, struct err *err) MUST_CHECK;

/* Adds the rows of the file as it was when this program was built, for one that
 * runs before it is installed, or alone in a container. */
void providers_read_built_in(struct providers *p);

/* The row for "KEY" or "KEY:REGION"; *ret_host is the host with the region put
 * in, for the caller to free.  NULL: err says why, with the nearest key. */
const struct provider *providers_find(const struct providers *p,
    const char *spec, char **ret_host, struct err *err);

/* In the order of the files, for listings; NULL after the last. */
const struct provider *providers_at(const struct providers *p, size_t i);

#endif
