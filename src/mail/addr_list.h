/* SPDX-License-Identifier: GPL-3.0-or-later */
/* addr_list.h - parses the addresses of a From, To, Cc, ... field (RFC
 * 5322 3.4, 4.4).
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
 * A form that different mail programs may read differently makes the list
 * loose: obsolete forms, an "@" outside quotes in a name, ";" between
 * addresses, a group without its end.  Rewritten by mail/mailbox.h, it is safe.
 *
 * "Undisclosed-Recipients" in any of its spellings is neither a name nor an
 * address (hides_rcpts).
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
	ADDR_LIST_ADDED_MAX = 100000 /* added by addr_list_add() */
};

/* The value of a field that names nobody (RFC 5322 3.4: an empty group). */
#define ADDR_LIST_NOBODY "undisclosed-recipients:;"

/* The bytes borrow the text that was parsed. */
struct addr_item {
	/* In the form of an envelope: no comments, blanks or routes, at most
	 * one quoted string, no dot at the end; addr_is_safe() is true. */
	char *addr;
	struct bytes spec; /* where it stands in the text, blanks included */
	struct bytes phrase; /* the display name as written, or empty */
	struct bytes comment; /* last comment, without "(" and ")", or empty */
};

struct addr_list {
	struct addr_item *items;
	size_t n;
	bool is_malformed;
	struct str_set known; /* for addr_list_add() and addr_list_mark() */
	bool is_loose;
	bool has_group;
	bool hides_rcpts;
	bool has_joined; /* a comma was read as part of a name */
	struct bytes bad; /* the first part that was not understood, or empty */
};

/* value: a field body, folded or not.  The caller gives *ret to
 * addr_list_clear(). */
void addr_list_parse(struct addr_list *ret, struct bytes value);

/* The same for a field that people wrote: "Smith, John <john@example.net>" is
 * one mailbox.  Bare words in front of a mailbox with a name belong to that
 * name, back to the last word for which is_name() is true (a name of this
 * machine).  More than one word cannot be an address and belongs to the name in
 * any case.  The phrase of such an item must not be written as it is.
 * is_name() is asked at most once for each word. */
void addr_list_parse_names(struct addr_list *ret, struct bytes value,
    bool (*is_name)(void *ctx, const char *word), void *ctx);
void addr_list_clear(struct addr_list *l);

/* Adds one address that passes addr_is_safe(), unless the list has it or is
 * full.  Only addr is set. */
void addr_list_add(struct addr_list *l, const char *addr);
/* Records that all addresses of a source, for example an alias, have been
 * added, so that a source that is named often is expanded once. */
void addr_list_mark(struct addr_list *l, const char *source);
bool addr_list_is_marked(const struct addr_list *l, const char *source);

/* Appends the display name of an item as plain text: without quotes and
 * folding, encoded words as they are; the comment if there is no phrase ("root
 * (Cron Daemon)").  What does not fit is left out. */
void addr_item_name(const struct addr_item *it, struct buf *to);

#endif
