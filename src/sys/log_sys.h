/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log_sys.h - writes log lines to standard error, syslog, a file or the
 * journal.
 *
 * Standard error gets a time stamp on a terminal or a pipe, and the priority
 * prefix that the journal understands when it is connected to the journal.
 * Writing may block as long as the receiver does.  Of equal lines only some are
 * written in a second, and then their number (sys/log_limit.h).
 */
#ifndef SYS_LOG_SYS_H
#define SYS_LOG_SYS_H

#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "base/must.h"
#include "sys/log_format.h"

/* where: "stderr", "stdout", "syslog" or an absolute path, which is opened for
 * appending, mode 0640; with LOG_FORMAT_JOURNAL it is the journal's own socket,
 * whatever where says.  Replaces the sink in force (a reload, a rotated file);
 * on failure that one stays. */
int log_sys_open(
    const char *where, enum log_format format, struct err *err) MUST_CHECK;
void log_sys_close(void);

/* withheld() is called when a first line was not written; log_sys_tell() is due
 * a second later, and when its result says (boot clock; INT64_MAX: never). */
void log_sys_on_withheld(void (*withheld)(void *ctx), void *ctx);
int64_t log_sys_tell(void);

#endif
