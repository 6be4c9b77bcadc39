/* SPDX-License-Identifier: GPL-3.0-or-later */
/* str_set.h - a set of texts, for finding duplicates in received data.
 *
 * A crit-bit tree: the time of a call depends on the length of the text, not on
 * how many others there are or who chose them, so no random key is needed,
 * unlike with a hash table.  Texts are copied and must not contain a NUL.  A
 * value: all zero is the empty set.
 */
#ifndef BASE_STR_SET_H
#define BASE_STR_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct str_set {
	struct str_set_key *keys;
	struct str_set_fork *forks; /* one less than keys */
	uint32_t n;
	uint32_t root;
};

/* Adds a text.  True: the set did not have it yet. */
bool str_set_add(struct str_set *s, struct bytes text);
bool str_set_has(const struct str_set *s, struct bytes text);
void str_set_clear(struct str_set *s);

#endif
