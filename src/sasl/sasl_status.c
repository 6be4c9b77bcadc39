/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sasl/sasl_status.h"

#include <string.h>

#include "base/base64.h"
#include "base/str.h"

enum { STATUS_MAX = 40, JSON_MAX = 2048 };

static bool
is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static struct bytes
skip(struct bytes b, const char *set)
{
	while (b.n > 0 && *b.p != '\0' && strchr(set, *b.p) != NULL)
		b = bytes_of(b.p + 1, b.n - 1);
	return b;
}

struct bytes
sasl_status(struct bytes json)
{
	static const char key[] = "\"status\"";
	struct bytes word;

	while (json.n > 0 && !bytes_has_prefix_nocase(json, key))
		json = bytes_of(json.p + 1, json.n - 1);
	if (json.n == 0)
		return json;
	word = skip(
	    bytes_of(json.p + strlen(key), json.n - strlen(key)), " \t:\"");
	json = word;
	word.n = 0;
	while (word.n < json.n && is_word_char(json.p[word.n]))
		word.n++;
	return word.n <= STATUS_MAX ? word : bytes_of("", 0);
}

static bool
add_status(struct bytes json, struct buf *to)
{
	struct bytes word = sasl_status(json);

	return word.n == 0 ||
	       (buf_adds(to, "(status ") && buf_add(to, word.p, word.n) &&
		   buf_addc(to, ')'));
}

/* "eyJ" is the base64 of '{"'.  False: that is none. */
static bool
decode(struct bytes word, struct buf *json)
{
	return bytes_has_prefix_nocase(word, "eyJ") &&
	       base64_decode(json, word) && buf_len(json) > 0 &&
	       *buf_str(json) == '{';
}

static bool
add_word(struct bytes word, struct buf *to)
{
	struct buf json;
	bool ok;

	buf_init(&json, JSON_MAX);
	ok = decode(word, &json) ? add_status(buf_bytes(&json), to)
				 : buf_add(to, word.p, word.n);
	buf_clear(&json);
	return ok;
}

/* The end of the JSON text that begins here: after its last brace, or the end
 * of the text if one is missing. */
static size_t
json_len(struct bytes b)
{
	size_t depth = 0;

	for (size_t i = 0; i < b.n; i++) {
		depth += b.p[i] == '{';
		depth -= b.p[i] == '}';
		if (depth == 0)
			return i + 1;
	}
	return b.n;
}

bool
sasl_status_reduce(struct bytes text, struct buf *to)
{
	bool ok = true;

	while (ok && text.n > 0) {
		struct bytes word = text;

		if (*text.p == '{') {
			word.n = json_len(text);
			ok = add_status(word, to);
		} else if (*text.p == ' ') {
			word.n = 1;
			ok = buf_addc(to, ' ');
		} else {
			word.n = 0;
			while (word.n < text.n && text.p[word.n] != ' ' &&
			       (word.n == 0 || text.p[word.n] != '{'))
				word.n++;
			ok = add_word(word, to);
		}
		text = bytes_of(text.p + word.n, text.n - word.n);
	}
	return ok;
}
