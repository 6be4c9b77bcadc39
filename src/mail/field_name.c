/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/field_name.h"

#include <stdint.h>
#include <string.h>

#include "base/ascii.h"
#include "base/str.h"
#include "mail/addr.h"

unsigned
field_name_roles(struct bytes name, const char **ret_spelling)
{
	enum { MAILBOXES = FIELD_RCPTS | FIELD_PHRASES };
	static const struct {
		const char *name;
		unsigned roles;
	} rows[] = {
		{ "To", MAILBOXES | FIELD_REQUIRED | FIELD_LISTS },
		{ "Cc", MAILBOXES | FIELD_LISTS },
		{ "Reply-To", MAILBOXES | FIELD_LISTS },
		{ "Resent-To", MAILBOXES | FIELD_REQUIRED | FIELD_LISTS },
		{ "Resent-Cc", MAILBOXES | FIELD_LISTS },
		{ "Resent-Reply-To", MAILBOXES },
		{ "Errors-To", MAILBOXES },
		{ "Return-Receipt-To", MAILBOXES },
		{ "Disposition-Notification-To", MAILBOXES },
		{ "Mail-Followup-To", MAILBOXES },
		{ "Mail-Reply-To", MAILBOXES },
		{ "Apparently-To", FIELD_RCPTS },
		{ "X-Errors-To", FIELD_RCPTS },
		{ "X-Reply-To", FIELD_RCPTS },
		{ "X-Confirm-Reading-To", FIELD_RCPTS },
		{ "Read-Receipt-To", FIELD_RCPTS },
		{ "Delivered-To", FIELD_TRACE },
		{ "Envelope-To", FIELD_TRACE },
		{ "X-Envelope-To", FIELD_TRACE },
		{ "X-Original-To", FIELD_TRACE },
		{ "X-Delivered-To", FIELD_TRACE },
		{ "X-Rcpt-To", FIELD_TRACE },
		{ "From", FIELD_AUTHORS | FIELD_PHRASES },
		{ "Sender", FIELD_AUTHORS | FIELD_PHRASES },
		{ "Resent-From", FIELD_AUTHORS | FIELD_PHRASES },
		{ "Resent-Sender", FIELD_AUTHORS | FIELD_PHRASES },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (bytes_eq_nocase(name, rows[i].name)) {
			if (ret_spelling != NULL)
				*ret_spelling = rows[i].name;
			return rows[i].roles;
		}
	return 0;
}

bool
field_name_is_known(struct bytes name)
{
	static const char *const names[] = { "From", "Sender", "Reply-To", "To",
		"Cc", "Bcc", "Subject", "Date", "Message-ID", "In-Reply-To",
		"References", "Received", "Return-Path", "MIME-Version",
		"Auto-Submitted", "Precedence", "Importance", "Priority",
		"User-Agent", "Organization", "Errors-To", "Delivered-To",
		"DKIM-Signature", "Return-Receipt-To", "Mail-Followup-To",
		"Disposition-Notification-To", "Comments", "Keywords", NULL };
	static const char *const prefixes[] = { "X-", "Content-", "Resent-",
		"List-", "ARC-", NULL };

	return bytes_is_one_of(name, names) ||
	       bytes_has_one_of_prefixes(name, prefixes);
}

/* --- hidden copies -------------------------------------------------------- */

/* Length of what looks like nothing at the front of b, in UTF-8 or ISO
 * 8859-1. */
static size_t
invisible(struct bytes b)
{
	if (b.n > 0 && (ascii_is_wsp(b.p[0]) || b.p[0] == '\xa0'))
		return 1;
	return str_invisible(b);
}

/* Does it end in "bcc", and no letter in front of it?  '-' is a sign, '*' a
 * letter of another alphabet: a sign, too, or whatever it looks like. */
static bool
ends_in_bcc(const char *seen, size_t n, bool is_any)
{
	size_t nplain = 0;

	for (const char *want = "ccb"; *want != '\0'; want++) {
		while (n > 0 &&
		       (seen[n - 1] == '-' || (seen[n - 1] == '*' && !is_any)))
			n--;
		if (n == 0 || (seen[n - 1] != *want && seen[n - 1] != '*'))
			return false;
		nplain += seen[--n] != '*';
	}
	return nplain > 0 &&
	       (n == 0 || seen[n - 1] == '-' || seen[n - 1] == '*');
}

/* Does it have the words that "bcc" stands for, whatever signs are between?
 * More letters may follow, but "Blind-Token" is another word. */
static bool
has_blind_copy(const char *seen, size_t n)
{
	static const char *const words[] = { "blindcarbon", "blindcop",
		"blindcc", "blindrecipient" };
	static const char to[] = "blindto";
	char letters[FIELD_NAME_GUESS_MAX];
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (seen[i] != '-')
			letters[len++] = seen[i];
		if (len >= strlen(to) &&
		    memcmp(letters + len - strlen(to), to, strlen(to)) == 0 &&
		    (i + 1 == n || seen[i + 1] == '-'))
			return true;
	}
	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
		if (memmem(letters, len, words[k], strlen(words[k])) != NULL)
			return true;
	return false;
}

/* The letter of a-z that the character in front of b is in other clothes (full
 * width, circled, squared, mathematical), and its length; 0: it is none. */
static size_t
dressed_letter(struct bytes b, char *ret)
{
	static const struct {
		uint32_t from, to; /* of alphabets of 26 letters */
	} alphabets[] = {
		{ 0x249c, 0x24e9 }, /* in parentheses, circled */
		{ 0xff21, 0xff3a }, /* full width */
		{ 0xff41, 0xff5a },
		{ 0x1d400, 0x1d6a3 }, /* mathematical */
		{ 0x1f110, 0x1f129 }, /* in parentheses, squared, circled */
		{ 0x1f130, 0x1f149 },
		{ 0x1f150, 0x1f169 },
		{ 0x1f170, 0x1f189 },
	};
	unsigned char lead = b.n > 0 ? (unsigned char)b.p[0] : 0;
	size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 0;
	uint32_t c = lead & (n == 4 ? 0x07 : 0x0f);

	if (b.n < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)b.p[i] & 0x3f);
	for (size_t i = 0;
	     n > 0 && i < sizeof(alphabets) / sizeof(alphabets[0]); i++)
		if (c >= alphabets[i].from && c <= alphabets[i].to) {
			*ret = (char)('a' + (c - alphabets[i].from) % 26);
			return n;
		}
	return 0;
}

/* "b" or "c" if people read it as that, and it belongs to another alphabet, or
 * is small, raised or has a mark; else 0. */
static char
looks_like(struct bytes b)
{
	static const struct {
		const char *utf8;
		char as;
	} letters[] = {
		{ "\xc6\x81", 'b' }, /* Latin */
		{ "\xc6\x82", 'b' },
		{ "\xc6\x83", 'b' },
		{ "\xc6\x84", 'b' },
		{ "\xc6\x85", 'b' },
		{ "\xc9\x93", 'b' },
		{ "\xca\x99", 'b' },
		{ "\xe1\xb4\x83", 'b' },
		{ "\xe1\xb4\xae", 'b' },
		{ "\xe1\xb5\x87", 'b' },
		{ "\xe2\x84\xac", 'b' },
		{ "\xc3\x87", 'c' },
		{ "\xc3\xa7", 'c' },
		{ "\xc6\x87", 'c' },
		{ "\xc6\x88", 'c' },
		{ "\xe1\xb4\x84", 'c' },
		{ "\xe1\xb6\x9c", 'c' },
		{ "\xe2\x84\x82", 'c' },
		{ "\xe2\x84\xad", 'c' },
		{ "\xe2\x85\xad", 'c' },
		{ "\xe2\x85\xbd", 'c' },
		{ "\xce\x92", 'b' }, /* Greek, Coptic */
		{ "\xce\xb2", 'b' },
		{ "\xe2\xb2\x82", 'b' },
		{ "\xcf\xb2", 'c' },
		{ "\xcf\xb9", 'c' },
		{ "\xe2\xb2\xa4", 'c' },
		{ "\xe2\xb2\xa5", 'c' },
		{ "\xd0\x92", 'b' }, /* Cyrillic */
		{ "\xd0\xb2", 'b' },
		{ "\xd0\xac", 'b' },
		{ "\xd1\x8c", 'b' },
		{ "\xd0\xa1", 'c' },
		{ "\xd1\x81", 'c' },
		{ "\xe1\x8f\xb4", 'b' }, /* others */
		{ "\xe1\x8f\x9f", 'c' },
		{ "\xea\x93\x90", 'b' },
		{ "\xea\x93\x9a", 'c' },
	};

	if ((unsigned char)b.p[0] < 0xc3)
		return 0;
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (b.n >= strlen(letters[i].utf8) &&
		    memcmp(b.p, letters[i].utf8, strlen(letters[i].utf8)) == 0)
			return letters[i].as;
	return 0;
}

bool
field_name_is_bcc(struct bytes name)
{
	char seen[FIELD_NAME_GUESS_MAX], last[3] = "";
	bool has_bcc = false;
	size_t n = 0;

	for (size_t i = 0, skip; i<name.n; i += skip> 0 ? skip : 1) {
		struct bytes b = bytes_of(name.p + i, name.n - i);
		unsigned char c = (unsigned char)name.p[i];
		char alike = looks_like(b);
		bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
		char dressed = '*';

		skip = invisible(b);
		if (skip > 0)
			continue;
		skip = c < 0xc0 ? 0 : dressed_letter(b, &dressed);
		if (n == sizeof(seen)) /* the end counts */
			memmove(seen, seen + 1, --n);
		seen[n++] = c >= 0xc0   ? dressed
			    : is_letter ? (char)(c | 0x20)
					: '-';
		if (alike != 0)
			skip = c >= 0xe0 ? 3 : 2;
		last[0] = last[1];
		last[1] = last[2];
		last[2] = alike != 0 ? alike : seen[n - 1];
		has_bcc |= memcmp(last, "bcc", 3) == 0;
	}
	return has_bcc || ends_in_bcc(seen, n, false) ||
	       ends_in_bcc(seen, n, true) || has_blind_copy(seen, n);
}

/* --- what was meant ------------------------------------------------------- */

/* ":", or what looks like it; 0: neither. */
static size_t
colon_len(struct bytes b)
{
	static const char full_width[] = "\xef\xbc\x9a";

	if (b.n > 0 && b.p[0] == ':')
		return 1;
	return b.n >= 3 && memcmp(b.p, full_width, 3) == 0 ? 3 : 0;
}

/* Is it "B cc", "- Bcc", "Blind copy" or "Cc, Bcc": letters that make up words
 * of such names and nothing else?  Any other name of several words is text. */
static bool
is_torn_bcc(struct bytes name)
{
	/* None begins with another. */
	static const char *const words[] = { "bcc", "cc", "to", "resent",
		"blind", "carbon", "copy", "copies", "recipient", "list", "and",
		"s", "x" };
	char letters[FIELD_NAME_GUESS_MAX];
	struct bytes rest = bytes_of(letters, 0);
	size_t n;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if ((unsigned char)c < 0x80 && !ascii_is_alnum(c))
			continue;
		if (rest.n == sizeof(letters))
			return false;
		letters[rest.n++] = c;
	}
	if (!field_name_is_bcc(rest))
		return false;
	do {
		n = 0;
		for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
			if (bytes_has_prefix_nocase(rest, words[k]))
				n = strlen(words[k]);
		rest = bytes_of(rest.p + n, rest.n - n);
	} while (n > 0);
	return rest.n == 0;
}

/* Length of such a name in front of a colon and an address; 0: it is none. */
static size_t
bcc_len(struct bytes line)
{
	struct bytes name;
	size_t n = 0;

	while (n < line.n && n < FIELD_NAME_GUESS_MAX &&
	       colon_len(bytes_of(line.p + n, line.n - n)) == 0)
		n++;
	if (n == line.n || n == FIELD_NAME_GUESS_MAX ||
	    memchr(line.p + n, '@', line.n - n) == NULL)
		return 0;
	name = bytes_trim(bytes_of(line.p, n));
	if (memchr(name.p, ' ', name.n) != NULL ||
	    memchr(name.p, '\n', name.n) != NULL)
		return is_torn_bcc(name) ? n : 0;
	return field_name_is_bcc(name) ? n : 0;
}

/* Does it stand in place of the colon?  The last of these marks is NUL; beyond
 * ASCII there are blanks, and more that look like a colon. */
static bool
is_mark(char c)
{
	static const char marks[] = ";.,=>-?";

	return (unsigned char)c >= 0x80 ||
	       memchr(marks, c, sizeof(marks)) != NULL;
}

/* Is there an address behind the name of a hidden copy, on its own or with what
 * stands in place of the colon? */
static bool
has_hidden_address(struct bytes rest)
{
	return (is_mark(rest.p[0]) || ascii_is_blank(rest.p[0]) ||
		   rest.p[0] == '<') &&
	       memchr(rest.p, '@', rest.n) != NULL;
}

bool
field_name_is_plain_list(struct bytes value)
{
	if (value.n > 0 && value.p[value.n - 1] == ';')
		value.n--;
	do {
		struct bytes b = bytes_trim(bytes_cut(&value, ','));

		if (b.n > 1 && b.p[0] == '<' && b.p[b.n - 1] == '>')
			b = bytes_of(b.p + 1, b.n - 2);
		if (!str_is_ascii(b) || memchr(b.p, '"', b.n) != NULL ||
		    !addr_is_mailbox(b))
			return false;
	} while (value.n > 0);
	return true;
}

static bool
has_plain_list(struct bytes rest)
{
	return ascii_is_wsp(rest.p[0]) &&
	       field_name_is_plain_list(bytes_trim(rest));
}

/* Length of the name at the front of a line that lacks its colon: one of these,
 * and the rest, which is not empty, is what such a field holds.  0: none. */
static size_t
bare_len(struct bytes line, const char *const *names,
    bool (*is_body)(struct bytes rest))
{
	for (; *names != NULL; names++) {
		size_t n = strlen(*names);

		if (line.n > n && bytes_has_prefix_nocase(line, *names) &&
		    is_body(bytes_of(line.p + n, line.n - n)))
			return n;
	}
	return 0;
}

/* "Bcc joe@example.net" */
static size_t
bare_bcc_len(struct bytes line)
{
	static const char *const names[] = { "Bcc", "Resent-Bcc", NULL };

	return bare_len(line, names, has_hidden_address);
}

/* "To joe@example.net", and nothing else. */
static size_t
bare_list_len(struct bytes line)
{
	static const char *const names[] = { "To", "Cc", "Resent-To",
		"Resent-Cc", NULL };

	return bare_len(line, names, has_plain_list);
}

size_t
field_name_bcc_len(struct bytes field)
{
	size_t n = bcc_len(field);

	return n > 0 ? n + colon_len(bytes_of(field.p + n, field.n - n))
		     : bare_bcc_len(field);
}

static bool
guess_known(struct bytes line, char name[FIELD_NAME_GUESS_MAX], size_t *ret_n,
    size_t *at)
{
	size_t i = 0, n = 0, skip;

	while (i < line.n && n < FIELD_NAME_GUESS_MAX) {
		struct bytes b = bytes_of(line.p + i, line.n - i);

		skip = colon_len(b);
		if (skip > 0) {
			if (!field_name_is_known(bytes_of(name, n)))
				return false;
			*ret_n = n;
			*at = i + skip;
			return true;
		}
		skip = invisible(b);
		if (skip == 0) {
			/* NUL is "?" further on. */
			if (b.p[0] != '\0' &&
			    ((unsigned char)b.p[0] <= ' ' ||
				(unsigned char)b.p[0] >= 0x7f))
				return false;
			name[n++] = b.p[0];
			skip = 1;
		} else if (n > 0 && ascii_is_wsp(b.p[0]) &&
			   colon_len(bytes_of(b.p + 1, b.n - 1)) == 0 &&
			   invisible(bytes_of(b.p + 1, b.n - 1)) == 0) {
			return false; /* two words */
		}
		i += skip;
	}
	return false;
}

bool
field_name_guess(struct bytes line, char ret_name[FIELD_NAME_GUESS_MAX],
    size_t *ret_n, size_t *ret_at)
{
	size_t i = 0, n, skip;
	struct bytes rest;

	while ((skip = invisible(bytes_of(line.p + i, line.n - i))) > 0)
		i += skip;
	rest = bytes_of(line.p + i, line.n - i);
	if (guess_known(rest, ret_name, ret_n, ret_at)) {
		*ret_at += i;
		return true;
	}
	n = bare_bcc_len(rest);
	if (n > 0) {
		memcpy(ret_name, rest.p, n);
		*ret_n = n;
		for (i += n; is_mark(line.p[i]); i++) /* there is an "@" */
			continue;
		*ret_at = i;
		return true;
	}
	n = bare_list_len(line);
	if (n > 0) {
		memcpy(ret_name, line.p, n);
		*ret_n = *ret_at = n;
		return true;
	}
	n = field_name_bcc_len(rest);
	if (n == 0)
		return false;
	memcpy(ret_name, "Bcc", 3);
	*ret_n = 3;
	*ret_at = i + n;
	return true;
}
