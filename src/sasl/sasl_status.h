/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sasl_status.h - why a token was refused, without the JSON around it.
 *
 * Servers report the reason in JSON (RFC 7628 3.2.2, and XOAUTH2 likewise), as
 * a challenge or in the reply itself, plain or in base64.  A person needs one
 * word of it.  Pure.
 */
#ifndef SASL_SASL_STATUS_H
#define SASL_SASL_STATUS_H

#include "base/buf.h"
#include "base/must.h"

/* The value of "status", such as "400" or "invalid_token"; points into json.
 * Empty: there is none that may be shown. */
struct bytes sasl_status(struct bytes json);

/* Appends the text of a reply in which each JSON text, plain or in base64, is
 * replaced by "(status WORD)" or left out.  False: the buffer is full. */
bool sasl_status_reduce(struct bytes text, struct buf *to) MUST_CHECK;

#endif
