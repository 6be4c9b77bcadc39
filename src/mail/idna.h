/* SPDX-License-Identifier: GPL-3.0-or-later */
/* idna.h - converts UTF-8 domains to A-labels (RFC 5890, IDNA2008).
 *
 * This is a separate file so that a program that does not need it does not link
 * libidn2.  Pure.
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
