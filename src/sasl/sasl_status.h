/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sasl_status.h - why a token was refused, without the JSON around it.
 *
 * Servers say it in a JSON text (RFC 7628 3.2.2, and XOAUTH2 likewise), as a
 * challenge, or in the reply itself, plain or in base64.  Of that a person
 * needs one word.
 */
#ifndef SASL_SASL_STATUS_H
#define SASL_SASL_STATUS_H

#include "base/buf.h"
#include "base/must.h"

/* The value of "status", "400" or "invalid_token"; it points into json and is
 * empty if there is none that could be shown. */
struct bytes sasl_status(struct bytes json);

/* Adds the text of a reply with each JSON in it, plain or in base64, put down
 * as "(status WORD)" or left out.  False: the buffer is full. */
bool sasl_status_reduce(struct bytes text, struct buf *to) MUST_CHECK;

#endif
