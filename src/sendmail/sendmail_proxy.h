/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail_proxy.h - "sendmail -bs": SMTP on standard input and output, spoken
 * by the daemon.  Bytes are carried both ways as they are, but a conversation
 * whose first line ends with LF alone gets CR LF at the end of every line: so
 * scripts speak, and the daemon takes nothing else (RFC 5321 2.3.8).
 */
#ifndef SENDMAIL_SENDMAIL_PROXY_H
#define SENDMAIL_SENDMAIL_PROXY_H

#include "base/err.h"

/* Until the daemon closes.  Takes over fd.  Blocks. */
int proxy_run(int fd, int from, int to, struct err *err);

#endif
