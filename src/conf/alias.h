/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alias.h - reads the aliases file, which says where mail for local names goes.
 *
 *	root: me@example.org, ops@example.org
 *	www-data@shop.lan: shop@example.org,
 *		web		# a line that begins with a blank goes on
 *	web: root
 *	default: postmaster@example.org
 *
 * A name is a user, user@host, or "default" for users without an entry; case
 * does not count, and user+tag falls back to user.  A target is an address or
 * another name.  Programs, files and :include: are refused, because relais
 * neither delivers to mailboxes nor runs programs: each is reported with its
 * line and ignored.  Loops end: a name that leads back to itself adds nothing.
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

struct aliases;
struct conf;
struct conf_problems;

/* Reads the file, and the users' names from /etc/passwd; blocks on the disk.
 * Never NULL: with problems it holds what was right.  A file that does not
 * exist is a problem unless it is the one looked for by default. */
struct aliases *alias_load(const char *file, struct conf_problems *problems);
/* Likewise, in place of was, which may be NULL and is freed.  If the same file
 * cannot be read any more, the aliases of was stay. */
struct aliases *alias_reload(
    struct aliases *was, const char *file, struct conf_problems *problems);
/* The same from memory; file is for the problems. */
struct aliases *alias_parse(
    const char *file, struct bytes text, struct conf_problems *problems);
void alias_free(struct aliases *a);

/* How many names there are. */
size_t alias_count(const struct aliases *a);
/* The aliases file has changed since it was loaded.  One stat(2). */
bool alias_is_stale(const struct aliases *a);
/* It or the file of users has, which alias_is_name() reads and
 * alias_resolve() does not. */
bool alias_names_are_stale(const struct aliases *a);

/* Borrowed. */
struct alias_opts {
	/* Names of this machine beside those that addr_is_local_name() knows;
	 * or NULL. */
	const char *hosts[2];
	const char *admin; /* or NULL */
};
/* A host name that is also the domain of an account or of the admin is left
 * out, because other people have mailboxes there. */
struct alias_opts alias_opts_of(const struct conf *c);

/* Is mail for this address for a name of this machine? */
bool alias_is_local(const struct alias_opts *o, const char *addr);

/* Is there a user of this machine or an alias of this name?  "default" makes no
 * name of a word. */
bool alias_is_name(const struct aliases *a, const char *word);

/* Adds those who get the mail for addr, each once: addr itself if it is
 * neither local nor in the file.  False: nobody, to is as it was.
 *
 * With one list for all names of a message, the targets of an entry are gone
 * through once, however many names lead to it: the time depends on the number
 * of names plus the size of the file, not on their product. */
bool alias_resolve(const struct aliases *a, const struct alias_opts *o,
    const char *addr, struct addr_list *to) MUST_CHECK;

#endif
