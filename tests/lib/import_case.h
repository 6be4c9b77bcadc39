/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_case.h - a configuration of another program as one text.
 *
 *	case = *( "=== " PATH LF *line )
 *
 * What follows a heading is the file of that path.  The headings that are no
 * paths are for the test: relais.conf, secrets and notes say what is expected.
 * tests/corpus/import_* holds them, for the test and for the fuzzer. */
#ifndef TESTS_LIB_IMPORT_CASE_H
#define TESTS_LIB_IMPORT_CASE_H

#include <string.h>

#include "base/str.h"
#include "relais-setup/import.h"

static inline bool
case_part(struct bytes text, const char *name, struct buf *to)
{
	bool is_in = false, is_there = false;

	while (text.n > 0) {
		const char *nl = memchr(text.p, '\n', text.n);
		size_t n = nl != NULL ? (size_t)(nl - text.p) + 1 : text.n;
		struct bytes line = bytes_of(text.p, n);

		text = bytes_of(text.p + n, text.n - n);
		if (n > 4 && memcmp(line.p, "=== ", 4) == 0) {
			is_in = bytes_eq(
			    bytes_trim(bytes_of(line.p + 4, n - 4)), name);
			is_there |= is_in;
		} else if (is_in && !buf_add(to, line.p, n)) {
			return false;
		}
	}
	return is_there;
}

/* ctx is the struct bytes of the case. */
static inline bool
case_read(void *ctx, const char *path, struct buf *to)
{
	const struct bytes *text = ctx;

	return case_part(*text, path, to);
}

#endif
