/* SPDX-License-Identifier: GPL-3.0-or-later */
/* addr_list.h - the addresses of a From, To, Cc, ... field (RFC 5322 3.4, 4.4).
 *
 *	address-list = (mailbox / group) *("," (mailbox / group))
 *	mailbox      = addr-spec / [phrase] "<" [route ":"] addr-spec ">"
 *	group        = phrase ":" [mailbox-list] ";"
 *
 * Understands display names, comments (nested, without recursion), groups,
 * quoted strings, folding, empty list members, routes and the blanks around
 * dots that old grammars allow; UTF-8 counts as letters (RFC 6532).  A bare
 * name without "@" is an address: it is qualified later.
 *
 * What cannot be understood is skipped up to the next comma, reported by
 * is_malformed, and never stops the rest.  One pass, linear time; at most
 * ADDR_LIST_MAX addresses, more makes the list malformed too.
 */
#ifndef MAIL_ADDR_LIST_H
#define MAIL_ADDR_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str_set.h"

enum {
	ADDR_LIST_MAX = 20000, /* of one field */
	ADDR_LIST_ADDED_MAX = 100000 /* by addr_list_add() */
};

/* The bytes borrow the text that was parsed. */
struct addr_item {
	char *addr; /* without comments and blanks; passes addr_is_safe() */
	struct bytes spec; /* where it stands in the text, blanks and all */
	struct bytes phrase; /* the display name as written, or empty */
	struct bytes comment; /* last comment, without "(" and ")", or empty */
};

struct addr_list {
	struct addr_item *items;
	size_t n;
	bool is_malformed;
	struct str_set known; /* of addr_list_add() and addr_list_mark() */
};

/* value: a field body, folded or not.  The caller gives it to _clear(). */
void addr_list_parse(struct addr_list *ret, struct bytes value);
void addr_list_clear(struct addr_list *l);

/* Adds one address, which passes addr_is_safe(), unless it is there already or
 * the list is full.  Only addr is set. */
void addr_list_add(struct addr_list *l, const char *addr);
/* Notes that all addresses of a source, an alias for example, have been added,
 * so that nobody needs to go through them again however often it is named. */
void addr_list_mark(struct addr_list *l, const char *source);
bool addr_list_is_marked(const struct addr_list *l, const char *source);

/* The display name of an item in plain words: quotes and folding taken off,
 * encoded words left alone; the comment if there is no phrase ("root (Cron
 * Daemon)").  What does not fit is left out. */
void addr_item_name(const struct addr_item *it, struct buf *to);

#endif
