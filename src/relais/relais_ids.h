/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais_ids.h - short ids: the last characters of a queue id, as many as are
 * needed to tell the messages apart that the caller may see.  The first
 * characters are a clock and differ little.
 */
#ifndef RELAIS_RELAIS_IDS_H
#define RELAIS_RELAIS_IDS_H

#include <stddef.h>

#include "relais/relais.h"

enum { SHORT_ID_LEAST = 4 };

/* The ids of a listing; zeroed before. */
struct short_ids {
	char **v;
	size_t n, cap;
};
/* Adds a copy of id. */
void short_ids_add(struct short_ids *s, const char *id);
/* How many characters to show of each. */
size_t short_ids_length(struct short_ids *s);
void short_ids_clear(struct short_ids *s);

/* The id that ends with this text, for the caller to free; the text itself if
 * it is a whole id, or if no id matches.  NULL: several ids match, or the
 * daemon cannot be asked; the problem was printed. */
char *relais_full_id(struct relais *r, const char *text);

#endif
