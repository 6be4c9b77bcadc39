/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/log_format.h"

#include <string.h>

#include "base/num.h"
#include "base/str.h"

/* --- a line, taken apart ------------------------------------------------- */

struct pair {
	struct bytes key, value;
};

static size_t
span_key(struct bytes b)
{
	size_t n = 0;

	while (n < b.n && ((b.p[n] >= 'a' && b.p[n] <= 'z') || b.p[n] == '_'))
		n++;
	return n;
}

static struct bytes
skip(struct bytes b, size_t n)
{
	return bytes_of(b.p + n, b.n - n);
}

/* "<address>", in which a quoted part may have blanks and brackets; 0: it is
 * none, or was cut. */
static size_t
span_address(struct bytes b)
{
	bool is_quoted = false;

	if (b.n == 0 || b.p[0] != '<')
		return 0;
	for (size_t n = 1; n < b.n; n++) {
		if (b.p[n] == '\\' && is_quoted)
			n++;
		else if (b.p[n] == '"')
			is_quoted = !is_quoted;
		else if (b.p[n] == '>' && !is_quoted)
			return n + 1;
	}
	return 0;
}

/* An alert has a pair of the name that its own word gets. */
static struct bytes
name_of(struct bytes key)
{
	return bytes_eq(key, "event") ? bytes_str("alert") : key;
}

/* ' key=value', ' key="a value"' or ' key=<address>'; the last one of a line
 * that was cut may lack its end.  False: something else stands there. */
static bool
take_pair(struct bytes *rest, struct pair *ret)
{
	struct bytes b = *rest;
	const char *end;
	size_t n;

	if (b.n == 0 || b.p[0] != ' ')
		return false;
	b = skip(b, 1);
	n = span_key(b);
	if (n == 0 || n == b.n || b.p[n] != '=')
		return false;
	ret->key = name_of(bytes_of(b.p, n));
	b = skip(b, n + 1);
	if (b.n > 0 && b.p[0] == '"') {
		b = skip(b, 1);
		end = memchr(b.p, '"', b.n);
		n = end != NULL ? (size_t)(end - b.p) : b.n;
		ret->value = bytes_of(b.p, n);
		*rest = skip(b, end != NULL ? n + 1 : n);
		return true;
	}
	n = span_address(b);
	if (n > 0) {
		ret->value = bytes_of(b.p + 1, n - 2);
		*rest = skip(b, n);
		return true;
	}
	end = b.n > 0 ? memchr(b.p, ' ', b.n) : NULL;
	n = end != NULL ? (size_t)(end - b.p) : b.n;
	ret->value = bytes_of(b.p, n);
	*rest = skip(b, n);
	return true;
}

/* The word of an event, with its pairs in *ret_pairs; n 0: it is a sentence. */
static struct bytes
take_event(const char *line, struct bytes *ret_pairs)
{
	size_t n = strcspn(line, " ");
	struct bytes rest = bytes_str(line + n);
	struct pair p;

	*ret_pairs = rest;
	if (rest.n == 0)
		return bytes_of(line, 0);
	while (rest.n > 0)
		if (!take_pair(&rest, &p))
			return bytes_of(line, 0);
	return bytes_of(line, n);
}

/* --- JSON ---------------------------------------------------------------- */

/* What else would need an escape is escaped in the line already. */
static bool
add_string(struct buf *to, struct bytes text)
{
	bool ok = buf_addc(to, '"');

	for (size_t i = 0; i < text.n && ok; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '"' || c == '\\')
			ok = buf_addc(to, '\\') && buf_addc(to, text.p[i]);
		else if (c < 0x20)
			ok = buf_addf(to, "\\u%04x", c);
		else
			ok = buf_addc(to, text.p[i]);
	}
	return ok && buf_addc(to, '"');
}

static bool
add_member(struct buf *to, const char *key, struct bytes value)
{
	return buf_addf(to, ",\"%s\":", key) && add_string(to, value);
}

/* Those that log_num() writes: the type of a member never changes. */
static bool
has_number(struct bytes key)
{
	static const char *const keys[] = { "attempt", "code", "messages",
		"nrcpts", "size", "took_ms", "uid" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (bytes_eq(key, keys[i]))
			return true;
	return false;
}

/* A line that was cut may end in the middle of one. */
static bool
add_number(struct buf *to, struct bytes text)
{
	uint64_t n;

	return num_u64(text, &n) ? buf_add(to, text.p, text.n)
				 : buf_adds(to, "null");
}

static bool
add_key(struct buf *to, struct bytes key)
{
	return buf_adds(to, ",\"") && buf_add(to, key.p, key.n) &&
	       buf_adds(to, "\":");
}

/* Recipients: a line has one pair for each, one behind the other. */
static bool
add_list(struct buf *to, struct bytes *pairs, struct pair *first)
{
	struct pair p = *first;
	struct bytes rest;
	bool ok = buf_addc(to, '[') && add_string(to, p.value);

	for (rest = *pairs; ok && take_pair(&rest, &p) && bytes_eq(p.key, "to");
	     *pairs = rest)
		ok = buf_addc(to, ',') && add_string(to, p.value);
	return ok && buf_addc(to, ']');
}

static bool
add_pairs(struct buf *to, struct bytes pairs)
{
	struct pair p;
	bool ok = true;

	while (ok && take_pair(&pairs, &p)) {
		ok = add_key(to, p.key);
		if (ok && bytes_eq(p.key, "to"))
			ok = add_list(to, &pairs, &p);
		else if (ok && has_number(p.key))
			ok = add_number(to, p.value);
		else if (ok)
			ok = add_string(to, p.value);
	}
	return ok;
}

static const char *
level_name(enum log_level level)
{
	static const char *const names[] = { [LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARNING] = "warning",
		[LOG_LEVEL_NOTICE] = "notice",
		[LOG_LEVEL_INFO] = "info" };

	return names[level];
}

bool
log_format_json(
    struct buf *to, const char *time, enum log_level level, const char *line)
{
	struct bytes pairs, event = take_event(line, &pairs);

	if (!buf_adds(to, "{\"time\":") || !add_string(to, bytes_str(time)) ||
	    !add_member(to, "level", bytes_str(level_name(level))))
		return false;
	if (event.n == 0)
		return add_member(to, "message", bytes_str(line)) &&
		       buf_addc(to, '}');
	return add_member(to, "event", event) && add_pairs(to, pairs) &&
	       buf_addc(to, '}');
}

/* --- the journal --------------------------------------------------------- */

static bool
add_field(struct buf *to, struct bytes key, struct bytes value)
{
	bool ok = buf_adds(to, "RELAIS_");

	for (size_t i = 0; i < key.n && ok; i++)
		ok = buf_addc(
		    to, (char)(key.p[i] == '_' ? '_' : key.p[i] - 'a' + 'A'));
	return ok && buf_addc(to, '=') && buf_add(to, value.p, value.n) &&
	       buf_addc(to, '\n');
}

bool
log_format_journal(struct buf *to, enum log_level level, const char *line)
{
	struct bytes pairs, event = take_event(line, &pairs);
	struct pair p;

	if (!buf_addf(to,
		"PRIORITY=%d\nSYSLOG_IDENTIFIER=relaisd\nMESSAGE=%s\n",
		(int)level, line))
		return false;
	if (event.n == 0)
		return true;
	if (!add_field(to, bytes_str("event"), event))
		return false;
	while (take_pair(&pairs, &p))
		if (!add_field(to, p.key, p.value))
			return false;
	return true;
}
