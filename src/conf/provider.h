/* SPDX-License-Identifier: GPL-3.0-or-later */
/* provider.h - the presets: what is known about providers in advance, and which
 * mailboxes they have.
 *
 * They are data, not code: rows in a text file, whose header describes the
 * format; the administrator can add more.
 *
 * Only providers_read() and providers_load() block on the disk.
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
	PROVIDER_LOGIN_LOCAL, /* the part before the @ */
	PROVIDER_LOGIN_FIXED, /* login_word itself */
	/* something else; login_word is the provider's name for it */
	PROVIDER_LOGIN_OTHER
};

enum provider_senders {
	PROVIDER_SENDERS_FORCE,
	PROVIDER_SENDERS_ALIASES,
	PROVIDER_SENDERS_DOMAIN
};

/* Owned by its struct providers. */
struct provider {
	char *key;
	char *refusal; /* why the provider cannot be used; or NULL, and then: */
	char *host; /* may hold REGION */
	struct conf_port ports[CONF_PORTS_MAX];
	size_t nports;
	enum provider_login login;
	char *login_word;
	char *secret; /* the kinds of secret, best first */
	enum provider_senders senders;
	/* shown in groups; the blanks do not belong to it */
	bool has_grouped_secret;
	/* "max_recipients=100" ...: valid settings */
	struct conf_list settings;
	char *name; /* for people; the key if the file has no name */
	struct conf_list aliases, domains, mx;
	char *page; /* where to get the secret, or NULL */
	char *note; /* what a person must know about the secret, or NULL */
	int line;
};

struct providers;

struct providers *providers_new(void);
void providers_free(struct providers *p);

/* Adds the rows of a file; a row replaces one with the same key.  An invalid
 * row ends the reading: -1, and err says what is wrong. */
int providers_read(
    struct providers *p, const char *file, struct err *err) MUST_CHECK;

/* Adds the built-in rows, for a program that is not installed or runs alone in
 * a container. */
void providers_read_built_in(struct providers *p);

/* The shipped rows (the built-in ones if the file does not exist), then the
 * user's rows from the file in env.  Only root and owner may be able to change
 * the user's file.  NULL: err says what is wrong. */
struct providers *providers_load(
    const struct conf_env *env, uid_t owner, struct err *err);

/* The row for "KEY" or "KEY:REGION"; KEY may be an alias.  *ret_host is the
 * host name with the region put in, for the caller to free.  NULL: err says
 * why, and names the nearest key. */
const struct provider *providers_find(const struct providers *p,
    const char *spec, char **ret_host, struct err *err);

/* The row whose `domains' has this domain, or NULL.  The row may be a
 * refusal. */
const struct provider *providers_by_domain(
    const struct providers *p, const char *domain);

/* The row whose `mx' is the longest suffix of this mail server's name, at least
 * two labels, or NULL.  The row may be a refusal. */
const struct provider *providers_by_mx(
    const struct providers *p, const char *mx_host);

/* True: key, name, host, aliases or domains of the row contain the word. */
bool provider_matches(const struct provider *p, const char *word);

/* What the provider asks for first, as part of a sentence: "app password",
 * "mailbox password", "sign-in".  Borrowed. */
const char *provider_secret_name(const struct provider *p);
/* KEY of the first "oauth:KEY" among its secrets, or NULL; is_first: only if it
 * comes first.  The caller frees it. */
char *provider_oauth(const struct provider *p, bool is_first);

/* The i-th row, in the order of the files, for listings; NULL: i is too
 * large. */
const struct provider *providers_at(const struct providers *p, size_t i);

#endif
