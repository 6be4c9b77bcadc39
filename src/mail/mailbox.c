/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/mailbox.h"

#include <string.h>

#include "base/str.h"
#include "mail/mime.h"

enum { NAME_SIZE_MAX = 4096 };

/* RFC 5322 3.2.5: atoms (encoded words are some), dots, quoted strings, and
 * nothing that would end the phrase or need a newer reader. */
static bool
is_sound(struct bytes phrase)
{
	bool is_quoted = false;

	for (size_t i = 0; i < phrase.n; i++)
		if ((unsigned char)phrase.p[i] < ' ' ||
		    (unsigned char)phrase.p[i] >= 0x7f)
			return false;
	for (size_t i = 0; i < phrase.n; i++) {
		char c = phrase.p[i];

		if (c == '"')
			is_quoted = !is_quoted;
		else if (c == '\\' && is_quoted && i + 1 < phrase.n)
			i++;
		else if (!is_quoted && strchr("()<>[]:;@\\,", c) != NULL)
			return false;
	}
	return phrase.n > 0 && !is_quoted;
}

static bool
has_encoded_word(struct bytes b)
{
	for (size_t i = 0; i + 1 < b.n; i++)
		if (b.p[i] == '=' && b.p[i + 1] == '?')
			return true;
	return false;
}

/* Empty: none that may stay as it is.  Encoded words may stand in a comment
 * just as well (RFC 2047 5); encoding them again would show them as they are. */
static struct bytes
ready_name(const struct addr_item *it)
{
	struct bytes name = it->phrase.n > 0 ? it->phrase
					     : bytes_trim(it->comment);

	if (!is_sound(name) || (it->phrase.n == 0 && !has_encoded_word(name)))
		name.n = 0;
	return name;
}

/* Encoded words beside bytes over 127, and nothing that would have to be quoted:
 * these words must not be encoded a second time. */
static bool
is_mixed(struct bytes phrase)
{
	if (!has_encoded_word(phrase) || str_is_ascii(phrase))
		return false;
	for (size_t i = 0; i < phrase.n; i++)
		if (((unsigned char)phrase.p[i] < ' ' && phrase.p[i] != '\t') ||
		    strchr("\"()<>[]:;@\\,\x7f", phrase.p[i]) != NULL)
			return false;
	return true;
}

static bool
add_mixed(struct buf *to, struct bytes phrase)
{
	struct buf text;
	bool ok;

	buf_init(&text, 2 * NAME_SIZE_MAX);
	ok = mime_utf8(&text, phrase) && mime_mixed(to, buf_bytes(&text));
	buf_clear(&text);
	return ok;
}

/* The name in plain words, as UTF-8; cut where the buffer is full. */
static void
plain_name(const struct addr_item *it, struct buf *to)
{
	struct buf raw;

	buf_init(&raw, NAME_SIZE_MAX);
	addr_item_name(it, &raw);
	IGNORE(mime_utf8(to, buf_bytes(&raw)));
	buf_clear(&raw);
}

bool
mailbox_add(struct buf *to, const struct addr_item *it, struct bytes addr)
{
	struct bytes ready = ready_name(it);
	bool mixed = ready.n == 0 && is_mixed(it->phrase);
	struct buf name;
	bool ok;

	if (ready.n > 0 || mixed)
		return (mixed ? add_mixed(to, it->phrase)
			      : buf_add(to, ready.p, ready.n)) &&
		       buf_adds(to, " <") && buf_add(to, addr.p, addr.n) &&
		       buf_addc(to, '>');
	buf_init(&name, 2 * NAME_SIZE_MAX);
	plain_name(it, &name);
	ok = mime_mailbox(to, buf_bytes(&name), addr);
	buf_clear(&name);
	return ok;
}
