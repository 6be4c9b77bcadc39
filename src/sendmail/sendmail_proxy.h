/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail_proxy.h - "sendmail -bs": SMTP on standard input and output, spoken
 * by the daemon.
 *
 * Bytes are passed both ways unchanged.  But if the first line of the client
 * ends with LF alone, as scripts write it, every line gets CR LF, because the
 * daemon accepts nothing else (RFC 5321 2.3.8).
 */
#ifndef SENDMAIL_SENDMAIL_PROXY_H
#define SENDMAIL_SENDMAIL_PROXY_H

#include "base/err.h"

/* Runs until the daemon closes the connection.  Takes over fd.  Blocks. */
int proxy_run(int fd, int from, int to, struct err *err);

#endif
