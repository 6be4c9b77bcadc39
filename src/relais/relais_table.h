/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais_table.h - prints rows of text in aligned columns.
 *
 * Widths are counted in characters, not bytes.  Cells are escaped (R79) and
 * copied.  A row may have a note, which is printed below it.
 */
#ifndef RELAIS_RELAIS_TABLE_H
#define RELAIS_RELAIS_TABLE_H

#include <stddef.h>

#include "relais/relais.h"

struct table;

/* titles: one for each column; a title that begins with ">" aligns its column
 * right.  Titles are translated when they are printed.  Borrowed. */
struct table *table_new(const char *const *titles, size_t columns);
void table_free(struct table *t);

/* Fills the cells of the newest row from the left. */
void table_row(struct table *t);
void table_cell(struct table *t, enum relais_colour colour, const char *text);
void table_note(struct table *t, enum relais_colour colour, const char *text);

/* Prints only the last n characters of the texts in this column. */
void table_keep_end(struct table *t, size_t column, size_t n);
/* Does not print the last column. */
void table_drop_last(struct table *t);
void table_print(const struct table *t, const struct relais *r);

#endif
