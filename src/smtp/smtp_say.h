/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_say.h - writes a reply of the server as it goes over the wire (RFC 5321
 * 4.2).
 *
 * Pure.
 */
#ifndef SMTP_SMTP_SAY_H
#define SMTP_SMTP_SAY_H

#include "base/buf.h"

/* A refusal; those of the engine are constants. */
struct smtp_refusal {
	int code;
	const char *enhanced; /* RFC 3463, or NULL */
	const char *text;
};

/* Appends the reply to out: one line for each line of text (separated by \n),
 * long ones broken at a blank, all with the same code.  The enhanced code is
 * left out when it is NULL or its class is not that of the code (RFC 2034 4).
 * Control characters become blanks, accents are removed, and other bytes that
 * are not ASCII become "?", so that text from elsewhere cannot end a line; text
 * beyond SMTP_SAY_TEXT_MAX is cut. out must have room for SMTP_SAY_SPACE. */
void smtp_say(
    struct buf *out, int code, const char *enhanced, const char *text);

enum { SMTP_SAY_SPACE = 16384 };

#endif
