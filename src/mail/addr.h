/* SPDX-License-Identifier: GPL-3.0-or-later */
/* addr.h - parses and compares mailboxes (RFC 5321 4.1.2, UTF-8 by RFC 6531).
 *
 *	mailbox    = local-part "@" (domain / address-literal)
 *	local-part = dot-string / quoted-string
 *
 * An address here is the bare mailbox, without angle brackets.  Local parts
 * are compared and kept byte for byte, domains without regard to ASCII case
 * and to one trailing dot (RFC 5321 2.4).
 *
 * Pure functions over borrowed bytes; results point into them.  Lists of
 * addresses in header fields: mail/addr_list.h; A-labels: mail/idna.h.
 */
#ifndef MAIL_ADDR_H
#define MAIL_ADDR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/must.h"

/* RFC 5321 4.5.3.1 says 64, 255 and 254; real local parts (bounce addresses)
 * exceed 64, so only the whole is held to a limit. */
enum { ADDR_MAX = 320, ADDR_DOMAIN_MAX = 255 };

/* True: addr may stand between < and > of an SMTP command, whatever its origin
 * (R8).  It has no control byte, no unbalanced quote, no blank or angle bracket
 * outside quotes, is well-formed UTF-8, and has at most ADDR_MAX bytes.  The
 * empty address (the null sender) is safe.  Does not say whether the address
 * makes sense. */
bool addr_is_safe(struct bytes addr);

/* True: addr is local-part@domain by the grammar above, read leniently: dots
 * may stand anywhere in the local part, underscores in the domain. */
bool addr_is_mailbox(struct bytes addr);

/* Splits at the last "@" outside quotes.  False: there is none; *ret_local is
 * then the whole and *ret_domain empty. */
bool addr_split(
    struct bytes addr, struct bytes *ret_local, struct bytes *ret_domain);
struct bytes addr_domain(struct bytes addr); /* empty if it has none */

/* True: the same mailbox.  A local part with unnecessary quotes equals the one
 * without (RFC 5321 4.1.2). */
bool addr_eq(struct bytes a, struct bytes b);
bool addr_domain_eq(struct bytes a, struct bytes b);
/* Appends a spelling that is the same for all addresses of one mailbox and for
 * no other, as a key for a set.  False: no room; twice the length is always
 * enough. */
bool addr_add_key(struct buf *to, struct bytes addr) MUST_CHECK;

/* Writes "user+tag@domain" as "user@domain".  False: addr has no tag; ret is
 * untouched. */
bool addr_without_tag(const char *addr, char ret[ADDR_MAX + 1]);

/* True: labels of letters, digits, hyphens, underscores or UTF-8, none of them
 * empty. */
bool addr_domain_is_name(struct bytes domain);
/* True: "[192.0.2.1]", "[IPv6:2001:db8::1]". */
bool addr_domain_is_literal(struct bytes domain);
/* True: other hosts could know this domain.  It has letters, digits, hyphens
 * (or UTF-8) and a dot inside, is no literal, and is not under localhost,
 * localdomain, local, lan or home.arpa. */
bool addr_domain_is_public(struct bytes domain);

/* True: addr belongs to this machine or its network, so that no provider can
 * deliver to it: a bare name, a domain without a dot, the host's own name, a
 * loopback literal, or a domain under one of those suffixes.  hostname may be
 * NULL. */
bool addr_is_local_name(struct bytes addr, const char *hostname);

#endif
