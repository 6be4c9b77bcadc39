/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail_proxy.h - "sendmail -bs": SMTP on standard input and output, spoken
 * by the daemon.  Bytes are carried both ways and not looked at. */
#ifndef PROG_SENDMAIL_PROXY_H
#define PROG_SENDMAIL_PROXY_H

#include "base/err.h"

/* Until the daemon closes.  Takes over fd.  Blocks. */
int proxy_run(int fd, int from, int to, struct err *err);

#endif
