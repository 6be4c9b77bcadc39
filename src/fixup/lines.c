/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fixup/lines.h"

#include <string.h>

#include "base/str.h"

/* Together they fit into a line. */
enum { NAME_LEN_MAX = 100, WORD_LEN_MAX = 890 };

static bool
has_long_line(struct bytes b)
{
	while (b.n > 0) {
		const char *nl = memchr(b.p, '\n', b.n);
		size_t n = nl != NULL ? (size_t)(nl - b.p) : b.n;

		size_t cr = nl != NULL && n > 0 && nl[-1] == '\r';

		if (n - cr > LINES_MAX)
			return true;
		n += nl != NULL;
		b = bytes_of(b.p + n, b.n - n);
	}
	return false;
}

/* Where a word may be cut: not inside a character of UTF-8. */
static size_t
cut_at(struct bytes word)
{
	size_t n = WORD_LEN_MAX;

	while (
	    n > WORD_LEN_MAX - 4 && ((unsigned char)word.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static bool
add_words(struct buf *to, struct bytes value)
{
	while (value.n > 0) {
		size_t n = 0;

		while (n < value.n && value.p[n] != ' ' && value.p[n] != '\t')
			n++;
		if (n > WORD_LEN_MAX) {
			n = cut_at(value);
			if (!buf_add(to, value.p, n) || !buf_addc(to, ' '))
				return false;
		} else {
			n += n < value.n; /* with its blank */
			if (!buf_add(to, value.p, n))
				return false;
		}
		value = bytes_of(value.p + n, value.n - n);
	}
	return true;
}

static bool
fold_field(struct header *h, size_t i)
{
	char name[NAME_LEN_MAX + 1];
	struct buf value, words;
	bool ok;

	if (!str_copy(name, sizeof(name), header_at(h, i).name)) {
		header_remove(h, i); /* nobody asks for such a field */
		return true;
	}
	buf_init(&value, HEADER_VALUE_MAX);
	buf_init(&words, 2 * HEADER_VALUE_MAX);
	ok = header_value(h, i, &value) &&
	     add_words(&words, buf_bytes(&value)) &&
	     header_replace(h, i, name, buf_bytes(&words));
	buf_clear(&value);
	buf_clear(&words);
	return ok;
}

bool
lines_fold(struct header *h)
{
	for (size_t i = header_find(h, NULL, 0); i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1))
		if (has_long_line(header_at(h, i).raw) && !fold_field(h, i))
			return false;
	return true;
}
