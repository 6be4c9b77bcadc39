/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail_message.h - prepares a message and its recipients for submission.
 *
 * From the raw text (CRLF lines): takes the recipients out of the header for
 * -t, removes Bcc and Resent-Bcc (R15), and adds From when there is none,
 * because only this program knows the caller's full name.  Everything else that
 * may be missing is added by relaisd.
 *
 * With -t the recipients are those of To, Cc and Bcc; if the message is resent,
 * those of the newest block of Resent- fields instead (RFC 5322 3.6.6).  Words
 * of the command line are added to them.
 *
 * Pure: no descriptor, no clock, no environment.
 */
#ifndef SENDMAIL_SENDMAIL_MESSAGE_H
#define SENDMAIL_SENDMAIL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "sendmail/sendmail_submit.h"

struct sendmail_message {
	struct buf head; /* header, empty line, the body's first bytes */
	struct bytes body; /* borrowed from the text */
	bool is_8bit;
	bool has_guess; /* a line was taken for a part of a list before it */
	struct submit_rcpt *rcpts; /* each once; owns the addresses */
	size_t nrcpts;
};

void sendmail_message_init(struct sendmail_message *m);
void sendmail_message_clear(struct sendmail_message *m);

/* A word of the command line: an address or a comma list.  -1: ERR_INPUT, one
 * of them, which err names, is none, begins with "-", or holds a control
 * character (R8). */
int sendmail_message_add_word(
    struct sendmail_message *m, const char *word, struct err *err);

struct sendmail_wishes {
	bool has_header_rcpts; /* -t */
	const char *from; /* value of From, used if there is none */
	/* May this word in front of a comma be a name of this machine?  Else it
	 * is a part of the name behind it (mail/addr_list.h).  NULL: always. */
	bool (*is_name)(void *ctx, const char *word);
	void *ctx;
};

/* text is borrowed for the life of m.  A NUL in it is for relaisd to replace.
 * -1: ERR_INPUT, the header is too big, or a field of recipients holds
 * something that is not an address, which err names.  Then nobody may get the
 * message, because a caller who corrects it would send it twice to the
 * others. */
int sendmail_message_set(struct sendmail_message *m, struct bytes text,
    const struct sendmail_wishes *wishes, struct err *err);

#endif
