/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log.h - writes one log line per event, to a sink chosen at the start.
 *
 * A line is a word for the event and "key=value" pairs.  Values that came from
 * outside are escaped here and nowhere else (R79); numbers and our own words
 * are not.  There is no function that takes a secret.
 *
 *	struct log_line l;
 *
 *	log_begin(&l, LOG_LEVEL_NOTICE, "sent");
 *	log_str(&l, "id", id);
 *	log_bytes(&l, "reply", reply);
 *	log_end(&l);
 *
 * Only the folders of the app layer (src/LAYERS) and the programs log.  The
 * sink is the one global of the program; without one, lines are dropped.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/buf.h"

struct err;

/* Named away from syslog's macros; the values are syslog's. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6
};

struct log_sink {
	/* line: NUL-terminated, no newline, already escaped.  Lines of the same
	 * kind count as equal (log_end_as()). */
	void (*write)(void *ctx, enum log_level level, const char *line,
	    const char *kind);
	void *ctx;
};

/* The sink is borrowed until the next call; NULL for none. */
void log_to(const struct log_sink *sink);

struct log_line {
	enum log_level level;
	bool is_wanted; /* there is a sink */
	struct buf text;
};

void log_begin(struct log_line *l, enum log_level level, const char *event);
void log_str(struct log_line *l, const char *key, const char *value);
void log_bytes(struct log_line *l, const char *key, struct bytes value);
/* For text that must be readable to its end, such as a reason or a remedy.  It
 * is not cut after STR_ESCAPE_MAX bytes, so a reply in it must have been. */
void log_sentence(struct log_line *l, const char *key, const char *value);
void log_num(struct log_line *l, const char *key, int64_t value);
/* An address in angle brackets, as mail logs have it: from=<a@b>. */
void log_addr(struct log_line *l, const char *key, const char *addr);
void log_end(struct log_line *l);
/* As log_end(), for a line of which others can vary at will what does not
 * matter.  kind has what matters: all lines of this kind count as equal for the
 * limit of sys/log_limit.h.  The kind of any other line is the line itself. */
void log_end_as(struct log_line *l, const char *kind);

/* A whole line at once: a sentence, or an error with what we were doing. */
void log_text(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void log_err(enum log_level level, const struct err *err);

#endif
