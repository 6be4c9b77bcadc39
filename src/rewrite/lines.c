/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/lines.h"

#include <string.h>

#include "base/ascii.h"
#include "base/str.h"
#include "mime/rfc2047.h"

/* Together they fit into a line. */
enum { NAME_LEN_MAX = 100, WORD_LEN_MAX = RFC2047_WORD_MAX };

/* Of a field that servers and readers take apart. */
static bool
has_grammar(struct bytes name)
{
	static const char *const names[] = { "From", "Sender", "Reply-To", "To",
		"Cc", "Bcc", "Date", "Message-ID", "In-Reply-To", "References",
		"Received", "Return-Path", "Errors-To", "Delivered-To",
		"Return-Receipt-To", "Mail-Followup-To", "Mail-Reply-To",
		"Disposition-Notification-To", "MIME-Version", "DKIM-Signature",
		"DomainKey-Signature", "X-Google-DKIM-Signature",
		"Authentication-Results", "Received-SPF", "Autocrypt",
		"Newsgroups", "Followup-To", "Auto-Submitted", "Content-Type",
		"Content-Disposition", "Content-Transfer-Encoding",
		"Content-ID", "Content-Location", "Content-Language", NULL };
	static const char *const prefixes[] = { "Resent-", "List-", "ARC-",
		NULL };

	return bytes_is_one_of(name, names) ||
	       bytes_has_one_of_prefixes(name, prefixes);
}

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

/* --- fields with a grammar ------------------------------------------------ */

static size_t
longest_word(struct bytes b)
{
	size_t longest = 0, n = 0;

	for (size_t i = 0; i < b.n; i++) {
		n = ascii_is_blank(b.p[i]) ? 0 : n + 1;
		longest = n > longest ? n : longest;
	}
	return longest;
}

/* Where a reader of a field is. */
struct place {
	bool is_url, is_signature; /* what the field is */
	bool is_quoted, is_angle, is_b; /* in b= of a signature */
	size_t depth; /* of comments */
	char tag; /* last letter before "=", if the tag has one */
	size_t tag_len;
	size_t run; /* since the last blank */
};

static void
read_tag(struct place *w, char c)
{
	if (c == ';') {
		w->is_b = false;
		w->tag_len = 0;
	} else if (c == '=' && !w->is_b) {
		w->is_b = w->tag_len == 1 && w->tag == 'b';
		w->tag_len = 2; /* a value */
	} else if (!ascii_is_blank(c)) {
		w->tag = c;
		w->tag_len++;
	}
}

/* May a blank stand between c and next? */
static bool
has_room(const struct place *w, char c, char next)
{
	if (w->is_quoted || w->depth > 0)
		return false;
	if (w->is_signature)
		return c == ';' ||
		       (w->is_b && next != ';' && w->run >= WORD_LEN_MAX / 2);
	if (w->is_angle)
		return w->is_url && w->run >= WORD_LEN_MAX / 2;
	return c == ',' || c == ';' || (c == '>' && next == '<');
}

static void
step(struct place *w, struct bytes b, size_t *i)
{
	char c = b.p[*i];

	if (c == '\\' && (w->is_quoted || w->depth > 0) && *i + 1 < b.n)
		++*i;
	else if (w->is_quoted)
		w->is_quoted = c != '"';
	else if (c == '(' && !w->is_angle && !w->is_signature)
		w->depth++;
	else if (c == ')' && w->depth > 0)
		w->depth--;
	else if (w->depth == 0 && c == '"')
		w->is_quoted = true;
	else if (w->depth == 0 && (c == '<' || c == '>'))
		w->is_angle = c == '<';
	if (w->is_signature)
		read_tag(w, c);
}

/* The value with blanks where its grammar has room for them. */
static bool
add_with_room(struct buf *to, struct bytes name, struct bytes b)
{
	struct place w = {
		.is_url = bytes_has_prefix_nocase(name, "List-"),
		.is_signature = bytes_eq_nocase(name, "DKIM-Signature") ||
				bytes_has_prefix_nocase(name, "ARC-"),
	};

	for (size_t i = 0; i < b.n; i++) {
		size_t from = i;

		step(&w, b, &i);
		w.run = ascii_is_blank(b.p[i]) ? 0 : w.run + (i - from) + 1;
		if (!buf_add(to, b.p + from, i - from + 1))
			return false;
		if (i + 1 < b.n && !ascii_is_blank(b.p[i]) &&
		    !ascii_is_blank(b.p[i + 1]) &&
		    has_room(&w, b.p[i], b.p[i + 1])) {
			if (!buf_addc(to, ' '))
				return false;
			w.run = 0;
		}
	}
	return true;
}

/* Of a list, whose members stand for themselves. */
static bool
is_list(const char *name)
{
	static const char *const names[] = { "DKIM-Signature",
		"DomainKey-Signature", "X-Google-DKIM-Signature", "Received",
		"Authentication-Results", "Received-SPF", "Autocrypt" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq_nocase(name, names[i]))
			return false;
	return !bytes_has_prefix_nocase(bytes_str(name), "ARC-");
}

/* Length of the member at the front, a blank or what has none outside
 * quotes. */
static size_t
member_len(struct bytes b)
{
	bool is_quoted = false;
	size_t n = 0;

	for (; n < b.n && (is_quoted || !ascii_is_blank(b.p[n])); n++) {
		if (b.p[n] == '\\' && is_quoted && n + 1 < b.n)
			n++;
		else if (b.p[n] == '"')
			is_quoted = !is_quoted;
	}
	return n > 0 ? n : 1;
}

/* The members that a line can hold. */
static bool
add_short(struct buf *to, struct bytes b)
{
	while (b.n > 0) {
		size_t n = member_len(b);

		if (longest_word(bytes_of(b.p, n)) <= WORD_LEN_MAX &&
		    !buf_add(to, b.p, n))
			return false;
		b = bytes_of(b.p + n, b.n - n);
	}
	b = bytes_trim(buf_bytes(to));
	while (b.n > 0 && strchr(",; ", b.p[b.n - 1]) != NULL)
		b.n--;
	buf_truncate(to, (size_t)(b.p + b.n - buf_str(to)));
	return true;
}

static bool
add_text(struct buf *to, struct bytes value)
{
	struct buf mended, utf8;
	bool ok;

	if (longest_word(value) <= WORD_LEN_MAX)
		return buf_add(to, value.p, value.n);
	buf_init(&mended, 9 * HEADER_VALUE_MAX);
	buf_init(&utf8, 18 * HEADER_VALUE_MAX);
	ok = rfc2047_mend(&mended, value) &&
	     mime_utf8(&utf8, buf_bytes(&mended)) &&
	     rfc2047_mixed(to, buf_bytes(&utf8));
	buf_clear(&mended);
	buf_clear(&utf8);
	return ok;
}

/* Tells the whole field under another name, and keeps of it what can be
 * sent. */
static bool
keep_original(struct header *h, size_t i, const char *name, struct bytes value,
    struct bytes with_room)
{
	char original[sizeof("X-Original-") + NAME_LEN_MAX] = "X-Original-";
	struct buf out;
	bool ok;

	memcpy(original + strlen(original), name, strlen(name) + 1);
	buf_init(&out, 8 * HEADER_VALUE_MAX);
	ok = add_text(&out, value) &&
	     header_append(h, original, buf_bytes(&out));
	buf_reset(&out);
	ok = ok && (!is_list(name) || add_short(&out, with_room));
	if (buf_len(&out) == 0)
		header_remove(h, i);
	else
		ok = ok && header_replace(h, i, name, buf_bytes(&out));
	buf_clear(&out);
	return ok;
}

/* --- the whole ------------------------------------------------------------ */

/* The field as it can be sent, in place of field i. */
static bool
put_field(struct header *h, size_t i, const char *name, struct bytes value)
{
	struct bytes n = bytes_str(name);
	struct buf out;
	bool ok;

	buf_init(&out, 8 * HEADER_VALUE_MAX);
	ok = has_grammar(n) ? add_with_room(&out, n, value)
			    : add_text(&out, value);
	if (ok && longest_word(buf_bytes(&out)) > WORD_LEN_MAX)
		ok = keep_original(h, i, name, value, buf_bytes(&out));
	else
		ok = ok && header_replace(h, i, name, buf_bytes(&out));
	buf_clear(&out);
	return ok;
}

static bool
fold_field(struct header *h, size_t i)
{
	char name[NAME_LEN_MAX + 1];
	struct buf value;
	bool ok;

	if (!str_copy(name, sizeof(name), header_at(h, i).name)) {
		header_remove(h, i); /* nobody asks for such a field */
		return true;
	}
	buf_init(&value, HEADER_VALUE_MAX);
	ok = header_value(h, i, &value) &&
	     put_field(h, i, name, buf_bytes(&value));
	buf_clear(&value);
	return ok;
}

bool
lines_has_long_word(const struct header *h)
{
	for (size_t i = header_find(h, NULL, 0); i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1))
		if (has_long_line(header_at(h, i).raw) &&
		    longest_word(header_at(h, i).body) > WORD_LEN_MAX)
			return true;
	return false;
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
