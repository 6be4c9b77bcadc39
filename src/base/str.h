/* SPDX-License-Identifier: GPL-3.0-or-later */
/* str.h - compares, escapes and matches text.
 *
 * ASCII rules only; no function here looks at the locale.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

/* nocase: without regard to ASCII case.  Two NULLs are equal, and NULL differs
 * from every text; if one argument is bytes, the other must not be NULL. */
bool str_eq(const char *a, const char *b);
bool str_eq_nocase(const char *a, const char *b);
bool bytes_eq_nocase_whole(struct bytes a, const char *b);
/* Most names are told apart by their first letter. */
static inline bool
bytes_eq_nocase(struct bytes a, const char *b)
{
	if (a.n == 0)
		return *b == '\0';
	return ((a.p[0] ^ *b) & ~0x20) == 0 && bytes_eq_nocase_whole(a, b);
}
bool bytes_same_nocase(struct bytes a, struct bytes b);
bool bytes_eq(struct bytes a, const char *b);
bool bytes_has_prefix_nocase(struct bytes a, const char *prefix);
/* The same with any of several texts; a NULL ends the array. */
bool bytes_is_one_of(struct bytes a, const char *const *texts);
bool bytes_has_one_of_prefixes(struct bytes a, const char *const *prefixes);

/* The bytes without leading and trailing blanks (space, tab, CR, LF). */
struct bytes bytes_trim(struct bytes b);

/* Cuts off and returns the text before the first sep, and drops the sep;
 * without one, returns all of it.  *rest is the remaining text. */
struct bytes bytes_cut(struct bytes *rest, char sep);

/* Copies and adds a NUL.  False: it did not fit; to holds what did. */
bool str_copy(char *to, size_t size, struct bytes from);

/* Overwrites and frees a text that held a secret; NULL is allowed. */
void str_wipe(char *s);

/* True if b is well-formed UTF-8 (RFC 3629: no surrogates, no over-long
 * forms).  ASCII is. */
bool str_is_utf8(struct bytes b);
/* Length of the invisible UTF-8 character at the front of b, as it comes along
 * when text is copied: a no-break space, a space of no width, a direction mark,
 * a byte order mark.  0: none. */
size_t str_invisible(struct bytes b);
bool str_is_ascii(struct bytes b);

/* True: text matches pattern, in which "*" matches any run and everything else
 * itself without regard to case; for `senders', `recipients' and
 * `allowed_senders'. */
bool str_match(const char *pattern, const char *text);
bool str_ends_with(const char *text, const char *end);

/* The escape function of R79: makes foreign text safe for a log line, a
 * terminal or a listing.  C0, DEL, C1, bidirectional controls and bytes that
 * are not UTF-8 become \xNN; at most max input bytes are shown, then "...".  A
 * backslash stays as it is, so text that was escaped before does not change.
 * False: the buffer is full. */
bool str_escape(struct buf *to, struct bytes from, size_t max) MUST_CHECK;

enum { STR_ESCAPE_MAX = 200 };

/* An accented Latin letter, U+00C0 to U+017F, in lower case without its accent;
 * NUL for any other character. */
char str_plain_letter(uint32_t c);
/* For text where accents do not count or only ASCII is allowed: Latin letters
 * lose their accents (and ae, oe, ue, ss are written in German), typographic
 * quotes, dashes and blanks become plain ones.  Bytes that are not UTF-8 are
 * read as ISO 8859-1; other characters stay.  False: the buffer is full. */
bool str_add_plain(struct buf *to, struct bytes from) MUST_CHECK;

/* The number of characters of UTF-8 text: columns on a terminal, except that
 * wide and combining characters count as one. */
size_t str_width(struct bytes text);
/* How many bytes of text fit on a line of so many columns: whole words, and at
 * least one word, however long it is. */
size_t str_wrap(const char *text, size_t columns);

/* The edit distance for "did you mean"; if it is more than limit, limit + 1.
 * Words longer than 63 characters never match. */
int str_distance(const char *a, const char *b, int limit);
/* To find the nearest of many candidates: true if this one is at most *limit
 * from word; *limit is then lowered, so that only a nearer candidate is
 * accepted next. */
bool str_is_nearer(const char *word, const char *candidate, int *limit);

#endif
