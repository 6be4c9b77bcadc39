/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log_sys.h - writes log lines to standard error, syslog, a file or the
 * journal.
 *
 * On a terminal or a pipe, a line on standard error begins with the time; if
 * standard error is connected to the journal, with the priority prefix that the
 * journal understands.  Writing may block as long as the receiver does.  Of
 * equal lines only some are written in a second, then their number
 * (sys/log_limit.h).
 */
#ifndef SYS_LOG_SYS_H
#define SYS_LOG_SYS_H

#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "base/must.h"
#include "sys/log_format.h"

/* Opens a sink and puts it in force.  where: "stderr", "stdout", "syslog" or an
 * absolute path, which is opened for appending, mode 0640; with
 * LOG_FORMAT_JOURNAL the sink is the journal's own socket, whatever where says.
 * Replaces the present sink (a reload, a rotated file), which stays on
 * failure. */
int log_sys_open(
    const char *where, enum log_format format, struct err *err) MUST_CHECK;
void log_sys_close(void);

/* withheld() is called when the first line is held back.  log_sys_tell() must
 * be called a second later, and again at the time it returns (boot clock;
 * INT64_MAX: never). */
void log_sys_on_withheld(void (*withheld)(void *ctx), void *ctx);
int64_t log_sys_tell(void);

#endif
