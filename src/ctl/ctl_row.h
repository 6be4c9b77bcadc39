/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl_row.h - one item of a listing as its members, without a tree of objects:
 * a listing may have a hundred thousand, and building that many trees takes
 * longer than everything else.
 *
 * Reads what relaisd writes: an object of strings, whole numbers, true, false,
 * null and lists of strings, of which the first counts, without blanks between
 * them.
 */
#ifndef CTL_CTL_ROW_H
#define CTL_CTL_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/must.h"

enum { CTL_ROW_MEMBERS_MAX = 32 };

struct ctl_row { /* kept from item to item; private but for its size */
	struct buf text;
	struct ctl_row_member {
		const char *key, *value;
		bool is_text;
	} members[CTL_ROW_MEMBERS_MAX];
	size_t n;
};

void ctl_row_init(struct ctl_row *r);
void ctl_row_clear(struct ctl_row *r);

/* Takes over from the item before it.  -1: ERR_INPUT, not such an object; r is
 * empty then. */
int ctl_row_read(
    struct ctl_row *r, struct bytes item, struct err *err) MUST_CHECK;

/* A member, borrowed until the next call of ctl_row_read().  "" and 0 if there
 * is none of that name or of another kind. */
const char *ctl_row_text(const struct ctl_row *r, const char *key);
long long ctl_row_number(const struct ctl_row *r, const char *key);
/* Is there one, and is it not null? */
bool ctl_row_has(const struct ctl_row *r, const char *key);
bool ctl_row_is_true(const struct ctl_row *r, const char *key);

#endif
