/* SPDX-License-Identifier: GPL-3.0-or-later */
/* idna.h - domains in UTF-8 as the A-labels of the wire (RFC 5890, IDNA2008).
 *
 * In a file of its own so that a program which never needs it does not pull
 * libidn2 in.
 */
#ifndef MAIL_IDNA_H
#define MAIL_IDNA_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/must.h"

/* Appends the domain with every label in ASCII; an ASCII domain or an address
 * literal is appended as it is.  False: not a domain IDNA2008 knows, or the
 * buffer is full; nothing was appended. */
bool idna_domain(struct buf *to, struct bytes domain) MUST_CHECK;

/* As idna_domain() for the domain of an address; the local part is kept, for
 * there is no ASCII form of it (RFC 6531 3.2).  With an ASCII local part the
 * result needs no SMTPUTF8. */
bool idna_addr(struct buf *to, struct bytes addr) MUST_CHECK;

#endif
