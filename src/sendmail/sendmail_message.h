/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail_message.h - prepares a message and its recipients for submission.
 *
 * Takes the raw text (CRLF lines), reads the recipients from the header for -t,
 * removes Bcc and Resent-Bcc (R15), and adds From if there is none, because
 * only this program knows the caller's full name.  relaisd adds everything else
 * that is missing.
 *
 * With -t the recipients are those of To, Cc and Bcc; if the message is resent,
 * those of the newest block of Resent- fields instead (RFC 5322 3.6.6).
 * Recipients on the command line are added to them.
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
	bool has_guess; /* a line was read as part of the list before it */
	struct submit_rcpt *rcpts; /* each once; owns the addresses */
	size_t nrcpts;
};

void sendmail_message_init(struct sendmail_message *m);
void sendmail_message_clear(struct sendmail_message *m);

/* Adds a word of the command line: an address or a comma-separated list.  -1:
 * ERR_INPUT, and err names an address that is invalid, begins with "-", or has
 * a control character (R8). */
int sendmail_message_add_word(
    struct sendmail_message *m, const char *word, struct err *err);

struct sendmail_wishes {
	bool has_header_rcpts; /* -t */
	const char *from; /* value of From if the message has none */
	/* True: this word in front of a comma may be a name of this machine;
	 * otherwise it is part of the name behind it (mail/addr_list.h).  NULL:
	 * always true. */
	bool (*is_name)(void *ctx, const char *word);
	void *ctx;
};

/* text is borrowed while m exists.  relaisd replaces a NUL in it.  -1:
 * ERR_INPUT, the header is too big, or a recipient field has something that is
 * not an address, which err names.  Then the message must not be sent to
 * anyone, because a caller who corrects it would send it twice to the
 * others. */
int sendmail_message_set(struct sendmail_message *m, struct bytes text,
    const struct sendmail_wishes *wishes, struct err *err);

#endif
