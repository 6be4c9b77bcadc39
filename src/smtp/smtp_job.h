/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_job.h - the envelope of one transaction as commands: MAIL and RCPT with
 * the parameters that the server offers.
 *
 * struct smtp_job is the driver's (smtp_client.h).  Pure; the text goes to an
 * smtp_out, false: it has no room for the command now.
 */
#ifndef SMTP_SMTP_JOB_H
#define SMTP_SMTP_JOB_H

#include <stdbool.h>

#include "mail/verdict.h"
#include "smtp/smtp_caps.h"
#include "smtp/smtp_client.h"
#include "smtp/smtp_out.h"

/* True: this server cannot accept the message, and *ret says why; nothing is to
 * be sent. */
bool smtp_job_is_refused(const struct smtp_job *j, const struct smtp_caps *caps,
    struct verdict *ret);

/* MAIL with SIZE, BODY, SMTPUTF8, RET and ENVID, RCPT with NOTIFY and ORCPT,
 * each only if the server offers it (RFC 1870, 6152, 6531, 3461). */
bool smtp_job_say_mail(
    const struct smtp_job *j, const struct smtp_caps *caps, struct smtp_out *o);
bool smtp_job_say_rcpt(const struct smtp_job_rcpt *r,
    const struct smtp_caps *caps, struct smtp_out *o);

/* True: the command has a parameter that would be left out if the server were
 * distrusted. */
bool smtp_job_has_mail_params(
    const struct smtp_job *j, const struct smtp_caps *caps);
bool smtp_job_has_rcpt_params(
    const struct smtp_job_rcpt *r, const struct smtp_caps *caps);

#endif
