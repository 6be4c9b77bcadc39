/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/mailbox.h"

#include <string.h>

#include "base/ascii.h"
#include "base/str.h"
#include "mail/addr.h"
#include "mime/rfc2047.h"
#include "mime/words.h"

enum { NAME_SIZE_MAX = 4096 };

/* A tab is a blank, which a folded name has. */
static bool
has_control(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (ascii_is_control(b.p[i]) && b.p[i] != '\t')
			return true;
	return false;
}

/* RFC 5322 3.2.5: atoms (encoded words are some), dots, quoted strings, and
 * nothing that would end the phrase or need a newer reader. */
static bool
is_sound(struct bytes phrase)
{
	bool is_quoted = false;

	if (has_control(phrase) || !str_is_ascii(phrase) ||
	    bytes_has_prefix_nocase(phrase, "."))
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

/* Empty: none that may stay as it is.  Encoded words may stand in a comment
 * just as well (RFC 2047 5); encoding them again would show them as they
 * are. */
static struct bytes
ready_name(const struct addr_item *it)
{
	struct bytes name = it->phrase.n > 0 ? it->phrase
					     : bytes_trim(it->comment);

	if (!is_sound(name) || (it->phrase.n == 0 && !words_has(name)))
		name.n = 0;
	return name;
}

/* Encoded words beside bytes over 127, and nothing that would have to be
 * quoted: these words must not be encoded a second time. */
static bool
is_mixed(struct bytes phrase)
{
	if (!words_has(phrase) || str_is_ascii(phrase))
		return false;
	for (size_t i = 0; i < phrase.n; i++)
		if (strchr("\"()<>[]:;@\\,", phrase.p[i]) != NULL)
			return false;
	return !has_control(phrase);
}

static bool
add_mixed(struct buf *to, struct bytes phrase)
{
	struct buf text;
	bool ok;

	buf_init(&text, 2 * NAME_SIZE_MAX);
	ok = mime_utf8(&text, phrase) && rfc2047_mixed(to, buf_bytes(&text));
	buf_clear(&text);
	return ok;
}

/* The name in plain words, as UTF-8; cut where the buffer is full. */
static void
plain_name(const struct addr_item *it, struct buf *to)
{
	struct buf raw, read;

	buf_init(&raw, NAME_SIZE_MAX);
	buf_init(&read, NAME_SIZE_MAX);
	addr_item_name(it, &raw);
	/* Words in it would be encoded a second time.  Those that hold a
	 * control are none. */
	if (!has_control(buf_bytes(&raw)) &&
	    words_read(&read, buf_bytes(&raw)) == WORDS_UTF8)
		IGNORE(mime_utf8(to, buf_bytes(&read)));
	else
		IGNORE(mime_utf8(to, buf_bytes(&raw)));
	buf_clear(&raw);
	buf_clear(&read);
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
	ok = rfc2047_mailbox(to, buf_bytes(&name), addr);
	buf_clear(&name);
	return ok;
}

/* --- authors -------------------------------------------------------------- */

static size_t
count(struct bytes b, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < b.n; i++)
		n += b.p[i] == c;
	return n;
}

static bool
repeats_address(const struct addr_item *it, struct bytes addr)
{
	struct buf read;
	bool repeats;

	buf_init(&read, NAME_SIZE_MAX);
	addr_item_name(it, &read);
	repeats = bytes_same_nocase(bytes_trim(buf_bytes(&read)), addr);
	buf_clear(&read);
	return repeats;
}

bool
mailbox_is_plain(const struct addr_item *it, struct bytes field)
{
	size_t at = (size_t)(it->spec.p - field.p), end = at + it->spec.n;
	struct buf others, read;
	enum words_read how;
	struct bytes seen;
	bool is_plain;

	buf_init(&others, field.n + 1);
	buf_init(&read, 2 * field.n + 8);
	IGNORE(buf_add(&others, field.p, at) &&
	       buf_add(&others, field.p + end, field.n - end)); /* they fit */
	how = words_read(&read, buf_bytes(&others));
	seen = buf_bytes(&read);
	is_plain = how != WORDS_HIDDEN && count(seen, '<') <= 1 &&
		   count(seen, '>') <= 1 &&
		   (count(seen, '@') == 0 ||
		       (is_sound(it->phrase) && it->comment.n == 0 &&
			   repeats_address(it, bytes_str(it->addr))));
	buf_clear(&others);
	buf_clear(&read);
	return is_plain;
}

/* The name as readers show it.  False: they may show something else. */
static bool
read_name(const struct addr_item *it, struct buf *to)
{
	enum words_read how;
	struct buf raw;

	buf_init(&raw, NAME_SIZE_MAX);
	addr_item_name(it, &raw);
	how = words_read(to, buf_bytes(&raw));
	buf_clear(&raw);
	return how == WORDS_UTF8 ||
	       (how == WORDS_BYTES && strpbrk(buf_str(to), "@<>") == NULL);
}

bool
mailbox_add_plain(struct buf *to, const struct addr_item *it, struct bytes addr)
{
	struct buf read, name;
	bool ok, is_read;

	buf_init(&read, NAME_SIZE_MAX);
	buf_init(&name, 4 * NAME_SIZE_MAX);
	is_read = read_name(it, &read);
	/* A word that only begins may go on in the address for readers that do
	 * not look for its end. */
	if ((is_read && strpbrk(buf_str(&read), "@<>") == NULL &&
		strstr(buf_str(&read), "=?") == NULL) ||
	    repeats_address(it, addr)) {
		ok = mailbox_add(to, it, addr);
	} else {
		for (size_t i = 0; is_read && i < buf_len(&read); i++) {
			char c = buf_str(&read)[i];

			if (c == '@')
				IGNORE(buf_adds(&name, " at "));
			else if (c != '<' && c != '>')
				IGNORE(buf_addc(&name, c));
		}
		ok = rfc2047_mailbox(to, buf_bytes(&name), addr);
	}
	buf_clear(&read);
	buf_clear(&name);
	return ok;
}

/* --- addresses in encoded words ------------------------------------------ */

static bool
are_mailboxes(const struct addr_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!addr_is_mailbox(bytes_str(l->items[i].addr)))
			return false;
	return l->n > 0 && !l->is_malformed;
}

/* The name stays in the charset it was in. */
static bool
add_in_charset(struct buf *to, const struct addr_item *it, struct bytes charset)
{
	struct bytes addr = bytes_str(it->addr);
	struct buf name;
	bool ok;

	buf_init(&name, NAME_SIZE_MAX);
	addr_item_name(it, &name);
	ok = str_is_ascii(buf_bytes(&name))
		 ? rfc2047_mailbox(to, buf_bytes(&name), addr)
		 : rfc2047_words_in(to, charset, buf_bytes(&name)) &&
		       buf_adds(to, " <") && buf_add(to, addr.p, addr.n) &&
		       buf_addc(to, '>');
	buf_clear(&name);
	return ok;
}

/* Length of the quoted string, if there is one; it may lack its end. */
static size_t
unit_len(struct bytes b)
{
	size_t n = 1;

	if (b.p[0] != '"')
		return 1;
	while (n < b.n && b.p[n] != '"')
		n += b.p[n] == '\\' ? 2 : 1;
	return n < b.n ? n + 1 : b.n;
}

/* Decodes words at the front, also in quotes, where RFC 2047 5 has none; how
 * long they are, 0: there are none. */
static size_t
decode_words(struct buf *to, struct bytes b, struct bytes *ret_charset)
{
	size_t n = unit_len(b);

	if (n < 3)
		return rfc2047_decode(to, b, ret_charset);
	return rfc2047_decode(to, bytes_of(b.p + 1, n - 2), ret_charset) ==
		       n - 2
		   ? n
		   : 0;
}

/* A comma in the words stands for itself. */
static bool
is_no_name(void *ctx, const char *word)
{
	(void)ctx;
	(void)word;
	return false;
}

/* A member of the list that is nothing but encoded words, at the front; *ret_n
 * is its length, 0 if there is none. */
static bool
add_decoded_member(struct buf *to, struct bytes b, size_t *ret_n)
{
	struct addr_list l = { 0 };
	struct bytes charset;
	struct buf text;
	bool ok = true;
	size_t n;

	buf_init(&text, b.n + 1);
	n = decode_words(&text, b, &charset);
	if (n > 0 && (n == b.n || b.p[n] == ','))
		addr_list_parse_names(&l, buf_bytes(&text), is_no_name, NULL);
	*ret_n = are_mailboxes(&l) ? n : 0;
	for (size_t i = 0; ok && *ret_n > 0 && i < l.n; i++)
		ok = (i == 0 || buf_adds(to, ", ")) &&
		     add_in_charset(to, &l.items[i], charset);
	addr_list_clear(&l);
	buf_clear(&text);
	return ok;
}

/* "<", encoded words and ">", at the front. */
static bool
add_decoded_angle(struct buf *to, struct bytes b, size_t *ret_n)
{
	struct bytes inside = bytes_of(b.p + 1, b.n - 1), charset;
	struct buf text;
	bool ok = true;
	size_t n;

	buf_init(&text, b.n);
	*ret_n = 0;
	n = rfc2047_decode(&text, inside, &charset);
	if (n > 0 && n < inside.n && inside.p[n] == '>' &&
	    addr_is_mailbox(buf_bytes(&text))) {
		*ret_n = n + 2;
		ok = buf_addc(to, '<') &&
		     buf_add(to, buf_str(&text), buf_len(&text)) &&
		     buf_addc(to, '>');
	}
	buf_clear(&text);
	return ok;
}

bool
mailbox_decode_list(struct buf *to, struct bytes b, bool *ret_found)
{
	bool is_start = true, ok = true;

	*ret_found = false;
	while (ok && b.n > 0) {
		size_t n = 0;

		if (is_start)
			ok = add_decoded_member(to, b, &n);
		if (ok && n == 0 && b.p[0] == '<')
			ok = add_decoded_angle(to, b, &n);
		*ret_found |= n > 0;
		if (n == 0) {
			n = unit_len(b);
			ok = ok && buf_add(to, b.p, n);
		}
		is_start = b.p[0] == ',' || (is_start && b.p[0] == ' ');
		b = bytes_of(b.p + n, b.n - n);
	}
	return ok;
}
