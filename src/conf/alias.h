/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alias.h - reads the aliases file, which says where mail for local names goes.
 *
 *	root: me@example.org, ops@example.org
 *	www-data@shop.lan: shop@example.org,
 *		web		# a line that begins with a blank goes on
 *	web: root
 *	default: postmaster@example.org
 *
 * A name is a user, user@host, or "default" for users without an entry.  Case
 * does not count, and user+tag falls back to user.  A target is an address or
 * another name.  Programs, files and :include: are refused, because relais
 * neither delivers to mailboxes nor runs programs: each is reported with its
 * line and ignored.  A name that leads back to itself adds nothing.
 *
 * Mail for a name that leads to no address goes to `admin`.
 */
#ifndef CONF_ALIAS_H
#define CONF_ALIAS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/must.h"
#include "mail/addr_list.h"

/* Targets of all entries of a file; an entry beyond is reported and ignored.
 * Expanding a name may take all of them, on the loop. */
enum { ALIAS_TARGETS_MAX = 50000 };

struct aliases;
struct conf;
struct conf_problems;

/* Reads the file, and the names of users from /etc/passwd; blocks on the disk.
 * Never NULL: if there are problems, the result has the valid entries.  A file
 * that does not exist is a problem unless it is the default one. */
struct aliases *alias_load(const char *file, struct conf_problems *problems);
/* The same at a reload; frees was, which may be NULL.  If the same file cannot
 * be read any more, the result has the aliases of was. */
struct aliases *alias_reload(
    struct aliases *was, const char *file, struct conf_problems *problems);
/* The same from memory; file is used in problems only. */
struct aliases *alias_parse(
    const char *file, struct bytes text, struct conf_problems *problems);
void alias_free(struct aliases *a);

/* The number of entries. */
size_t alias_count(const struct aliases *a);
/* True: the aliases file has changed since it was loaded.  One stat(2). */
bool alias_is_stale(const struct aliases *a);
/* True: the aliases file or /etc/passwd has changed.  alias_is_name() uses the
 * latter, alias_resolve() does not. */
bool alias_names_are_stale(const struct aliases *a);

/* Borrowed. */
struct alias_opts {
	/* Names of this machine besides those that addr_is_local_name() knows;
	 * or NULL. */
	const char *hosts[2];
	const char *admin; /* or NULL */
};
/* Fills in the options.  A host name that is also the domain of an account or
 * of the admin is left out, because other people have mailboxes there. */
struct alias_opts alias_opts_of(const struct conf *c);

/* True: addr is a name of this machine. */
bool alias_is_local(const struct alias_opts *o, const char *addr);

/* True: word is a user of this machine or has an entry.  "default" does not
 * count. */
bool alias_is_name(const struct aliases *a, const char *word);

/* Adds the addresses that get mail for addr, each once: addr itself if it is
 * neither local nor in the file.  False: there are none, and to is unchanged.
 *
 * If one list is used for all names of a message, each entry is expanded once,
 * however many names lead to it: the time depends on the number of names plus
 * the size of the file, not on their product. */
bool alias_resolve(const struct aliases *a, const struct alias_opts *o,
    const char *addr, struct addr_list *to) MUST_CHECK;

#endif
