/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log_format.h - log lines for programs: as a JSON object, or as fields of the
 * systemd journal.
 *
 * Both are made of the line as people read it (base/log.h), which splits back
 * into its word and pairs; so there is one place where foreign text is escaped.
 * A line that is a sentence is one text.
 *
 * Pure.
 */
#ifndef SYS_LOG_FORMAT_H
#define SYS_LOG_FORMAT_H

#include "base/buf.h"
#include "base/log.h"
#include "base/must.h"

enum log_format { LOG_FORMAT_TEXT = 0, LOG_FORMAT_JSON, LOG_FORMAT_JOURNAL };

enum { LOG_FORMAT_MAX = 64 * 1024 }; /* bytes of any line in either form */

/* {"time":"...","level":"info","event":"sent","id":"...","code":250} or
 * {"time":"...","level":"info","message":"a sentence"}, without a line's end.
 * time is written as it is; "to" is an array, what log_num() wrote a number,
 * all else a string.  False: the buffer is full. */
bool log_format_json(struct buf *to, const char *time, enum log_level level,
    const char *line) MUST_CHECK;
/* MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, and of the pairs RELAIS_EVENT,
 * RELAIS_ID, ...; as the journal's socket takes them. */
bool log_format_journal(
    struct buf *to, enum log_level level, const char *line) MUST_CHECK;

#endif
