/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_reply.h - the server's replies, cut out of a stream of bytes.
 *
 * 	reply = *( code "-" [text] EOL ) code [ SP [text] ] EOL
 * 	code  = "2".."5" 2DIGIT, the same on every line     RFC 5321 4.2
 * 	EOL   = [CR] LF
 *
 * A lone LF and bytes over 127 are accepted, because the reply is clear anyway;
 * so are different codes that all refuse, of which the last line's counts, and
 * lines without a code within a refusal: only a line with the code of a refusal
 * can end it.  Everything else is bad, and after a bad reply later ones cannot
 * be trusted: the caller closes.
 *
 * The answer does not depend on how the bytes were cut.  Nothing grows beyond
 * the caps of smtp_limits.h (R25).
 */
#ifndef SMTP_SMTP_REPLY_H
#define SMTP_SMTP_REPLY_H

#include <stddef.h>

#include "base/buf.h"
#include "mail/verdict.h"

enum smtp_reply_result {
	SMTP_REPLY_MORE = 0, /* not complete yet */
	SMTP_REPLY_DONE,
	SMTP_REPLY_BAD /* no reply, or beyond a cap */
};

struct smtp_reply {
	int code; /* valid once it is DONE */
	struct buf line; /* the unfinished line */
	struct buf text; /* the texts of the lines, joined by LF */
	size_t nlines;
	size_t nbytes;
};

void smtp_reply_init(struct smtp_reply *r);
void smtp_reply_clear(struct smtp_reply *r);
/* Ready for the next reply; keeps the memory. */
void smtp_reply_reset(struct smtp_reply *r);

/* Takes bytes up to the end of one reply; *ret_used says how many. */
enum smtp_reply_result smtp_reply_put(
    struct smtp_reply *r, const void *p, size_t n, size_t *ret_used);

/* What was read of the reply so far refuses: the lines that are missing could
 * not change that. */
bool smtp_reply_is_refusal(const struct smtp_reply *r);

/* The texts without code and separator, joined by LF.  Borrowed. */
struct bytes smtp_reply_text(const struct smtp_reply *r);

/* The enhanced code (RFC 2034, 3463) at the start of text, or no bytes: it is
 * one only if its class is the first digit of the reply's code. */
struct bytes smtp_reply_enhanced(struct bytes text, int code);

/* The whole reply as a verdict: lines joined by a blank, the enhanced code
 * taken out of each of them. */
void smtp_reply_verdict(
    const struct smtp_reply *r, enum verdict_stage stage, struct verdict *ret);

#endif
