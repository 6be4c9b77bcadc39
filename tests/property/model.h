/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model.h - what relais may do to a message, written down a second time.
 *
 * A reference for the tests, simple and slow: it works on whole messages, knows
 * no stream, and shares no code with src/mail and src/rewrite.  Given what a
 * program submitted and what a server got, it says whether the one is the other
 * but for the repairs that doc/man/relais.conf.5 and the headers of src/rewrite
 * promise:
 *
 *	line ends	CR LF CR-CR-LF each end one line; the last line has one
 *	in front	one Received field of ours
 *	taken out	Bcc Resent-Bcc Return-Path X-Relais-Account; empty From,
 *			Date, Message-ID; a leading mbox line; the second of
 *			fields that may stand once (lists are joined);
 *			Sender where From was replaced, and a Reply-To that
 *			names nobody; DKIM-Signature over what changed;
 *			Content-Length and Lines of a body that changed
 *	moved		a line of the header that is no field, into the body or
 *			X-Original-Line; what is odd in a field's name is gone
 *	stamps		Date and Message-ID that are not fit are written anew,
 *			of several one stays; X-Original-... has the others
 *	resent		the newest block has Resent-From, -Date and -Message-ID
 *	put in		From, Date, Message-ID; Reply-To where From was
 *			replaced; Auto-Submitted where the null sender was;
 *			MIME-Version and the fields of a part that was encoded
 *	replaced	From, Sender, Resent-From, Resent-Sender that may not
 *			stay, and all but one author; names of this machine in
 *			To, Cc, Reply-To, Resent-To and Resent-Cc
 *	folded		fields with a line over 998 octets: blanks may move
 *	encoded		fields over 127 (RFC 2047) unless SMTPUTF8 was asked for
 *			and is there; domains as A-labels
 *	recoded		leaves with a line over 998, or with a byte over 127 for
 *			a server without 8BITMIME: decoded they are equal;
 *			sealed ones never
 *
 * Everything else must be there, once, in order, byte for byte.
 */
#ifndef TESTS_PROPERTY_MODEL_H
#define TESTS_PROPERTY_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* The account, the machine and the server of the test. */
#define MODEL_ADDRESS        "acct@example.org"
#define MODEL_ALLOWED_DOMAIN "allowed.example"
#define MODEL_HOST           "pve1.lan"
#define MODEL_ADMIN          "admin@example.org"

struct model_rules {
	bool has_8bitmime, has_smtputf8; /* the server */
	bool wants_utf8, is_8bit; /* SMTPUTF8, BODY=8BITMIME were said */
	/* Who is put in From where there is none, or where it is empty. */
	const char *author, *author_of_empty;
	bool is_from_nobody; /* the null sender was given */
};

/* Lines as they must be: CRLF at the end of each. */
void model_lines(struct bytes given, struct buf *to);

bool model_allows(const char *addr); /* as sender */
bool model_is_local(const char *addr); /* a name of this machine */

/* What must become of a message. */
enum model_fate {
	MODEL_SENT,
	MODEL_REFUSED, /* when it is submitted */
	MODEL_UNSENDABLE /* through this server */
};
struct model_judgment {
	enum model_fate fate;
	const char *enhanced; /* unless it is sent */
	bool is_vague; /* its MIME structure is open to doubt */
	bool is_repaired;
};
/* text: from model_lines(). */
struct model_judgment model_judge(
    struct bytes text, const struct model_rules *rules);

/* False: why tells. */
bool model_same(struct bytes text, struct bytes wire,
    const struct model_rules *rules, struct buf *why);

/* How often a comparison had to be lenient because the text was too odd to
 * have one meaning. */
extern unsigned long model_vague;

#endif
