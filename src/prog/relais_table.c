/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prog/relais_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

enum { COLUMNS_MAX = 10, CELL_MAX = 4 * STR_ESCAPE_MAX + 4 };

struct cell {
	char *text; /* escaped */
	size_t width; /* as it is shown */
	enum relais_colour colour;
};

struct row {
	struct cell cells[COLUMNS_MAX];
	size_t n;
	struct cell note; /* text NULL: none */
};

struct table {
	const char *const *titles;
	size_t columns;
	struct row *rows;
	size_t n, cap;
};

struct table *
table_new(const char *const *titles, size_t columns)
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->titles = titles;
	t->columns = columns < COLUMNS_MAX ? columns : COLUMNS_MAX;
	return t;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++) {
		for (size_t k = 0; k < t->rows[i].n; k++)
			free(t->rows[i].cells[k].text);
		free(t->rows[i].note.text);
	}
	free(t->rows);
	free(t);
}

/* Characters of UTF-8: every byte that does not continue one. */
static size_t
width_of(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static struct cell
cell_of(enum relais_colour colour, const char *text)
{
	struct cell cell = { .colour = colour };
	struct buf b;

	buf_init(&b, CELL_MAX);
	IGNORE(str_escape(&b, bytes_of(text, strlen(text)), STR_ESCAPE_MAX));
	cell.width = width_of(buf_str(&b));
	cell.text = buf_steal(&b);
	return cell;
}

void
table_row(struct table *t)
{
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 32 : t->cap * 2;
		t->rows = xrealloc(t->rows, t->cap, sizeof(struct row));
	}
	t->rows[t->n++] = (struct row) { 0 };
}

void
table_cell(struct table *t, enum relais_colour colour, const char *text)
{
	struct row *row = &t->rows[t->n - 1];

	if (row->n < t->columns)
		row->cells[row->n++] = cell_of(colour, text);
}

void
table_note(struct table *t, enum relais_colour colour, const char *text)
{
	struct row *row = &t->rows[t->n - 1];

	free(row->note.text);
	row->note = cell_of(colour, text);
}

static const char *
title_of(const struct table *t, size_t column, bool *ret_is_right)
{
	const char *title = t->titles[column];

	*ret_is_right = title[0] == '>';
	return title + *ret_is_right;
}

static void
measure(const struct table *t, size_t widths[COLUMNS_MAX])
{
	bool is_right;

	for (size_t k = 0; k < t->columns; k++)
		widths[k] = width_of(title_of(t, k, &is_right));
	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < t->rows[i].n; k++) {
			size_t w = t->rows[i].cells[k].width;

			if (w > widths[k])
				widths[k] = w;
		}
}

static void
print_blanks(size_t n)
{
	static const char blanks[] = "                                ";
	const size_t all = sizeof(blanks) - 1;

	for (; n > all; n -= all)
		(void)fwrite(blanks, 1, all, stdout);
	(void)fwrite(blanks, 1, n, stdout);
}

static void
print_cell(const struct table *t, const struct relais *r, size_t column,
    const struct cell *cell, size_t width)
{
	size_t pad = width - cell->width;
	bool is_right, is_last = column + 1 == t->columns;

	(void)title_of(t, column, &is_right);
	if (is_right)
		print_blanks(pad);
	relais_print(r, cell->colour, cell->text);
	if (is_last)
		(void)putchar('\n');
	else
		print_blanks((is_right ? 0 : pad) + 2);
}

void
table_print(const struct table *t, const struct relais *r)
{
	size_t widths[COLUMNS_MAX];

	measure(t, widths);
	for (size_t k = 0; k < t->columns; k++) {
		bool is_right;
		struct cell head = cell_of(
		    COLOUR_BOLD, title_of(t, k, &is_right));

		print_cell(t, r, k, &head, widths[k]);
		free(head.text);
	}
	for (size_t i = 0; i < t->n; i++) {
		const struct row *row = &t->rows[i];

		for (size_t k = 0; k < row->n; k++)
			print_cell(t, r, k, &row->cells[k], widths[k]);
		if (row->note.text != NULL) {
			(void)fputs("    ", stdout);
			relais_print(r, row->note.colour, row->note.text);
			(void)putchar('\n');
		}
	}
}
