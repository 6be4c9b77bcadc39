/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_params.h - the parameters of MAIL and RCPT (RFC 1870, 3461, 4954, 6152,
 * 6531), as the server takes them.
 */
#ifndef SMTP_SMTP_PARAMS_H
#define SMTP_SMTP_PARAMS_H

#include "base/buf.h"
#include "smtp/smtp_limits.h"
#include "smtp/smtp_say.h"
#include "smtp/smtp_server.h"

/* Extensions whose parameters are known; a parameter that was not offered in
 * the reply to EHLO gets 555 5.5.4 (RFC 5321 4.1.1.11). */
enum smtp_offer {
	SMTP_OFFER_SIZE = 1,
	SMTP_OFFER_8BITMIME = 2,
	SMTP_OFFER_SMTPUTF8 = 4,
	SMTP_OFFER_DSN = 8,
	SMTP_OFFER_AUTH = 16,
	SMTP_OFFER_XRELAIS = 32
};

/* mail.envid, mail.account and rcpt.orcpt point into the struct beside them. */
struct smtp_mail_params {
	struct ss_mail mail;
	char envid[SMTP_ENVID_MAX + 1];
	char account[SMTP_ACCOUNT_MAX + 1];
};

struct smtp_rcpt_params {
	struct ss_rcpt rcpt;
	char orcpt[SMTP_ORCPT_ASCII_MAX + 1];
};

/* list is the text after the path.  NULL: valid, and *ret is filled; else the
 * reply to send, and *ret is undefined.  AUTH= is checked and dropped: this
 * relay does not pass it on (RFC 4954 5). */
const struct smtp_refusal *smtp_params_mail(
    struct bytes list, unsigned offered, struct smtp_mail_params *ret);
const struct smtp_refusal *smtp_params_rcpt(
    struct bytes list, unsigned offered, struct smtp_rcpt_params *ret);

#endif
