/* SPDX-License-Identifier: GPL-3.0-or-later */
/* syntax.h - the grammar inside SMTP command lines (RFC 5321, 6531, 3461).
 *
 * Looks at bytes, allocates nothing, copies nothing: what is found is a part of
 * what was given.  Lenient where local programs are careless and the meaning is
 * clear; strict where a byte could become a command (R8).
 */
#ifndef SMTP_SYNTAX_H
#define SMTP_SYNTAX_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/must.h"

/* True: b has a byte 0x00-0x1f or 0x7f, which no envelope field may have
 * (R8). */
bool syntax_has_control(struct bytes b);

/* --- paths ---------------------------------------------------------------- */

struct syntax_path {
	struct bytes addr; /* no brackets, no source route; n == 0: "<>" */
	bool is_8bit; /* has bytes over 127: needs SMTPUTF8 */
	bool is_utf8; /* and they are well-formed UTF-8 */
	struct bytes rest; /* what follows, without leading blanks */
};

/* The argument of MAIL FROM: or RCPT TO:, then whatever follows it.
 *
 *   path       = "<" [ route ] [ mailbox ] ">"  |  mailbox
 *   route      = "@" domain *( "," "@" domain ) ":"     (read and ignored)
 *   mailbox    = local [ "@" ( domain | literal ) ]
 *   local      = 1*( atext | "." | UTF-8 )  |  quoted string
 *   domain     = label *( "." label ) [ "." ]           (the last dot goes)
 *   label      = 1*( letter | digit | "-" | "_" | UTF-8 )
 *   literal    = "[" *( printable except "[" "\" "]" "<" ">" ) "]"
 *
 * More than RFC 5321 4.1.2: no brackets, blanks inside them, a mailbox without
 * a domain (`root`, `postmaster`), dots anywhere in a local part, underscores.
 * A mailbox is at most SMTP_PATH_MAX long.  The whole must hold no control
 * character.  False: not a path; the output is untouched. */
bool syntax_path(struct bytes in, struct syntax_path *ret) MUST_CHECK;

/* --- ESMTP parameters (RFC 5321 4.1.2) ------------------------------------ */

struct syntax_param {
	struct bytes key; /* 1*( letter | digit | "-" ) */
	struct bytes value; /* n == 0: none was given; "KEY=" is malformed */
};

enum syntax_more { SYNTAX_END, SYNTAX_PARAM, SYNTAX_BAD };

/* Takes the next parameter off *list. */
enum syntax_more syntax_param(struct bytes *list, struct syntax_param *ret);

/* --- other ---------------------------------------------------------------- */

/* The first word of the argument of EHLO or HELO; nearly anything is accepted,
 * because an odd name is no reason to refuse mail (RFC 5321 4.1.4).  False:
 * there is none, or it is longer than SMTP_DOMAIN_MAX. */
bool syntax_helo(struct bytes in, struct bytes *ret_name) MUST_CHECK;

/* Takes the first word off *list, and the blanks around it.  n == 0: there is
 * none. */
struct bytes syntax_word(struct bytes *list);

#endif
