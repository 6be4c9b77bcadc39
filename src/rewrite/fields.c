/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/fields.h"

#include <string.h>

#include "base/str.h"
#include "mail/field_name.h"
#include "mail/mailbox.h"
#include "mime/rfc2047.h"
#include "mime/words.h"
#include "rewrite/notes.h"

enum { NAME_LEN_MAX = 100 };

/* --- empty ---------------------------------------------------------------- */

/* Nothing but blanks, what nobody sees, punctuation and comments? */
static bool
says_nothing(struct bytes b)
{
	size_t depth = 0, skip;

	for (size_t i = 0; i < b.n; i++) {
		char c = b.p[i];

		skip = str_invisible(bytes_of(b.p + i, b.n - i));
		if (skip > 0)
			i += skip - 1;
		else if (c == '\\' && depth > 0)
			i++;
		else if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth == 0 &&
			 (c == '\0' || !strchr(" \t\r\n,;:<>\"\xa0", c)))
			return false;
	}
	return depth == 0;
}

static bool
is_empty(struct bytes b)
{
	struct buf read;
	bool is_so;

	if (!words_has(b))
		return says_nothing(b);
	buf_init(&read, 2 * b.n + 8);
	IGNORE(words_read(&read, b));
	is_so = says_nothing(buf_bytes(&read));
	buf_clear(&read);
	return is_so;
}

/* Fields of addresses, and those of ids, which are written like them. */
static bool
wants_something(struct bytes name)
{
	static const char *const of_ids[] = { "In-Reply-To", "References",
		NULL };

	return field_name_roles(name, NULL) != 0 ||
	       bytes_is_one_of(name, of_ids);
}

void
fields_remove_empty(struct header *h, unsigned *notes)
{
	for (size_t i = header_find(h, NULL, 0); i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1)) {
		struct header_field f = header_at(h, i);

		if (wants_something(f.name) && is_empty(f.body)) {
			header_remove(h, i);
			*notes |= NOTE_BIT(NOTE_EMPTY);
		}
	}
}

/* --- encoded words -------------------------------------------------------- */

static bool
has_half_word(struct bytes b)
{
	return words_has(b) && !str_is_ascii(b);
}

static bool
mend_words(struct header *h, size_t i, unsigned *notes)
{
	char name[NAME_LEN_MAX + 1];
	struct buf value, mended;
	bool ok = true;

	if (!str_copy(name, sizeof(name), header_at(h, i).name))
		return true; /* it is not for any reader */
	buf_init(&value, HEADER_VALUE_MAX);
	buf_init(&mended, 16 * HEADER_VALUE_MAX);
	ok = header_value(h, i, &value) &&
	     rfc2047_mend(&mended, buf_bytes(&value));
	if (ok && (buf_len(&mended) != buf_len(&value) ||
		      memcmp(buf_str(&mended), buf_str(&value),
			  buf_len(&value)) != 0)) {
		/* A word too long for a line is for lines_fold(). */
		if (header_replace(h, i, name, buf_bytes(&mended)))
			*notes |= NOTE_BIT(NOTE_WORD);
	}
	buf_clear(&value);
	buf_clear(&mended);
	return ok;
}

bool
fields_mend_words(struct header *h, unsigned *notes)
{
	for (size_t i = header_find(h, NULL, 0); i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1))
		if (has_half_word(header_at(h, i).body) &&
		    !mend_words(h, i, notes))
			return false;
	return true;
}

/* --- addresses in encoded words ------------------------------------------ */

static bool
decode_field(struct header *h, size_t i, unsigned *notes)
{
	char name[NAME_LEN_MAX + 1];
	struct buf value, out;
	bool ok, found;

	buf_init(&value, HEADER_VALUE_MAX);
	buf_init(&out, 16 * HEADER_VALUE_MAX);
	/* Both fit. */
	IGNORE(str_copy(name, sizeof(name), header_at(h, i).name));
	IGNORE(header_value(h, i, &value));
	ok = mailbox_decode_list(&out, buf_bytes(&value), &found);
	if (ok && found) {
		*notes |= NOTE_BIT(NOTE_ADDRESS);
		ok = header_replace(h, i, name, buf_bytes(&out));
	}
	buf_clear(&value);
	buf_clear(&out);
	return ok;
}

bool
fields_decode_addresses(struct header *h, unsigned *notes)
{
	for (size_t i = header_find(h, NULL, 0); i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1))
		if (field_name_roles(header_at(h, i).name, NULL) != 0 &&
		    words_has(header_at(h, i).body) &&
		    !decode_field(h, i, notes))
			return false;
	return true;
}
