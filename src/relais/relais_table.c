/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais/relais_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/intl.h"
#include "base/str.h"
#include "base/xalloc.h"

enum {
	COLUMNS_MAX = 10,
	NOTE_MAX = 2000, /* a reason with its remedy */
	GAP = 2, /* blanks between columns */
	INDENT = 4 /* of what stands below a row */
};

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

static struct cell
cell_of(enum relais_colour colour, const char *text, size_t max)
{
	struct cell cell = { .colour = colour };
	struct buf b;

	buf_init(&b, 4 * max + 4);
	IGNORE(str_escape(&b, bytes_str(text), max));
	cell.width = str_width(buf_bytes(&b));
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
		row->cells[row->n++] = cell_of(colour, text, STR_ESCAPE_MAX);
}

void
table_note(struct table *t, enum relais_colour colour, const char *text)
{
	struct row *row = &t->rows[t->n - 1];

	free(row->note.text);
	row->note = cell_of(colour, text, NOTE_MAX);
}

void
table_keep_end(struct table *t, size_t column, size_t n)
{
	for (size_t i = 0; i < t->n; i++) {
		struct cell *cell = &t->rows[i].cells[column];
		size_t len = strlen(cell->text);

		if (column >= t->rows[i].n || len <= n)
			continue;
		memmove(cell->text, cell->text + len - n, n + 1);
		cell->width = str_width(bytes_str(cell->text));
	}
}

void
table_drop_last(struct table *t)
{
	t->columns--;
	for (size_t i = 0; i < t->n; i++) {
		struct row *row = &t->rows[i];

		if (row->n > t->columns)
			free(row->cells[--row->n].text);
	}
}

static const char *
title_of(const struct table *t, size_t column, bool *ret_is_right)
{
	const char *title = t->titles[column][0] != '\0' ? _(t->titles[column])
							 : "";

	*ret_is_right = title[0] == '>';
	return title + *ret_is_right;
}

static void
measure(const struct table *t, size_t widths[COLUMNS_MAX])
{
	bool is_right;

	for (size_t k = 0; k < t->columns; k++) {
		const char *title = title_of(t, k, &is_right);

		widths[k] = str_width(bytes_str(title));
	}
	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < t->rows[i].n; k++) {
			size_t w = t->rows[i].cells[k].width;

			if (w > widths[k])
				widths[k] = w;
		}
}

/* The first column that stands on a second line, because the row is wider than
 * the terminal; as many as there are columns if all fit. */
static size_t
find_break(const struct table *t, const size_t widths[COLUMNS_MAX], size_t room)
{
	size_t used = 0;

	for (size_t k = 0; k < t->columns; k++) {
		used += widths[k] + (k > 0 ? GAP : 0);
		if (room != 0 && k > 0 && used > room)
			return k;
	}
	return t->columns;
}

static void
print_cell(const struct table *t, const struct relais *r, size_t column,
    const struct cell *cell, size_t width, bool is_last)
{
	size_t pad = width > cell->width ? width - cell->width : 0;
	bool is_right;

	(void)title_of(t, column, &is_right);
	if (is_right)
		(void)printf("%*s", (int)pad, "");
	relais_print(r, cell->colour, cell->text);
	if (is_last)
		(void)putchar('\n');
	else
		(void)printf("%*s", (int)((is_right ? 0 : pad) + GAP), "");
}

/* On the second line the columns are not aligned: what is there is long. */
static void
print_row(const struct table *t, const struct relais *r, const struct row *row,
    const size_t widths[COLUMNS_MAX], size_t second)
{
	for (size_t k = 0; k < row->n; k++) {
		bool is_second = k >= second;

		if (is_second && k == second)
			(void)printf("%*s", INDENT, "");
		print_cell(t, r, k, &row->cells[k], is_second ? 0 : widths[k],
		    k + 1 == second || k + 1 == row->n);
	}
	if (row->note.text != NULL) {
		(void)printf("%*s", INDENT, "");
		relais_print_wrapped(
		    r, row->note.colour, INDENT, row->note.text);
	}
}

void
table_print(const struct table *t, const struct relais *r)
{
	size_t widths[COLUMNS_MAX], second;
	struct row titles = { .n = t->columns };
	bool is_right;

	measure(t, widths);
	second = find_break(t, widths, relais_width(r));
	for (size_t k = 0; k < t->columns; k++)
		titles.cells[k] = cell_of(
		    COLOUR_BOLD, title_of(t, k, &is_right), STR_ESCAPE_MAX);
	print_row(t, r, &titles, widths, second);
	for (size_t i = 0; i < t->n; i++)
		print_row(t, r, &t->rows[i], widths, second);
	for (size_t k = 0; k < t->columns; k++)
		free(titles.cells[k].text);
}
