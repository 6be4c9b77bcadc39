/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail_input.h - reads the message from standard input.
 *
 * A filter: bytes in any pieces, lines with CRLF out.  LF, CR, CRLF and CR CR
 * LF each end one line; a final line without end gets one.  Unless dots are
 * ignored, a line with a single dot ends the message, and the rest of the input
 * is dropped.
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

/* In memory, because there may be no file system to write to; what relaisd
 * takes is far below. */
#define SENDMAIL_INPUT_MAX ((size_t)512 * 1024 * 1024)

struct sendmail_input {
	struct buf text; /* lines that are complete, and the one under way */
	size_t line; /* where in text the line under way begins */
	bool ignores_dots;
	int crs; /* held back: a LF may belong to them; at most two */
	bool is_over; /* the lone dot has come */
};

void sendmail_input_init(struct sendmail_input *in, bool ignores_dots);
void sendmail_input_clear(struct sendmail_input *in);

/* -1: over SENDMAIL_INPUT_MAX (ERR_INPUT). */
int sendmail_input_put(
    struct sendmail_input *in, const char *p, size_t n, struct err *err);
int sendmail_input_end(struct sendmail_input *in, struct err *err);

/* All of it from a descriptor, to its end.  Blocks. */
int sendmail_input_read(struct sendmail_input *in, int fd, struct err *err);

#endif
