/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail_input.h - reads the message from standard input.
 *
 * A filter: takes bytes in any pieces, produces lines with CRLF.  LF, CR, CRLF
 * and CR CR LF each end one line; a final line without an end gets one.  Unless
 * dots are ignored, a line with a single dot ends the message, and the rest of
 * the input is dropped.
 *
 * The message is read to its end before any server is contacted, so a program
 * that dies in the middle has sent nothing.
 */
#ifndef SENDMAIL_SENDMAIL_INPUT_H
#define SENDMAIL_SENDMAIL_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* The message is kept in memory, because there may be no writable file system;
 * far above what relaisd accepts. */
#define SENDMAIL_INPUT_MAX ((size_t)512 * 1024 * 1024)

struct sendmail_input {
	struct buf text; /* complete lines, and the present one */
	size_t line; /* where in text the present line begins */
	bool ignores_dots;
	int crs; /* CRs held back, at most two: a LF may follow */
	bool is_over; /* the single dot was read */
};

void sendmail_input_init(struct sendmail_input *in, bool ignores_dots);
void sendmail_input_clear(struct sendmail_input *in);

/* -1: over SENDMAIL_INPUT_MAX (ERR_INPUT). */
int sendmail_input_put(
    struct sendmail_input *in, const char *p, size_t n, struct err *err);
int sendmail_input_end(struct sendmail_input *in, struct err *err);

/* Reads a descriptor to its end.  Blocks. */
int sendmail_input_read(struct sendmail_input *in, int fd, struct err *err);

#endif
