/* SPDX-License-Identifier: GPL-3.0-or-later */
/* provider.h - the presets: what is known about a provider in advance, and
 * which mailboxes are at that provider.
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
	char *name; /* for people; the key if the file gives none */
	struct conf_list aliases, domains, mx;
	char *page; /* where to get the secret, or NULL */
	char *note; /* what one has to know about the secret, or NULL */
	int line;
};

struct providers;

struct providers *providers_new(void);
void providers_free(struct providers *p);

/* Adds the rows of a file, in place of rows with the same key.  A row that is
 * wrong stops it with one sentence. */
int providers_read(
    struct providers *p, const char *file, struct err *err) MUST_CHECK;

/* Adds the rows that were built into this program, which may run before they
 * are installed, or alone in a container. */
void providers_read_built_in(struct providers *p);

/* The shipped rows (the built-in ones if the file is not there), then the
 * user's rows, from the file in env.  Nobody but root and owner may be able to
 * change the own ones.  NULL: err says what is wrong. */
struct providers *providers_load(
    const struct conf_env *env, uid_t owner, struct err *err);

/* The row for "KEY" or "KEY:REGION", or an alias of KEY; *ret_host is the host
 * with the region put in, for the caller to free.  NULL: err says why, with the
 * nearest key. */
const struct provider *providers_find(const struct providers *p,
    const char *spec, char **ret_host, struct err *err);

/* The row whose `domains' name this domain, or NULL.  It may be a refusal. */
const struct provider *providers_by_domain(
    const struct providers *p, const char *domain);

/* The row whose `mx' is the longest suffix of this name of a mail server, two
 * labels at least; or NULL.  It may be a refusal. */
const struct provider *providers_by_mx(
    const struct providers *p, const char *mx_host);

/* Does the row contain the word: in its key, name, host, aliases or domains? */
bool provider_matches(const struct provider *p, const char *word);

/* "app password", "mailbox password", "sign-in": what the provider asks for
 * first, as it reads in a sentence.  Borrowed. */
const char *provider_secret_name(const struct provider *p);
/* KEY of the first "oauth:KEY" of its secrets, or NULL; is_first: only if the
 * provider has no better one. */
char *provider_oauth(const struct provider *p, bool is_first);

/* In the order of the files, for listings; NULL after the last. */
const struct provider *providers_at(const struct providers *p, size_t i);

#endif
