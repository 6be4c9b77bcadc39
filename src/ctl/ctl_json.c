/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/ctl_json.h"

#include <string.h>

#include "base/str.h"

int
ctl_json_decode(struct bytes line, json_t **ret, struct err *err)
{
	json_error_t why;
	json_t *value = json_loadb(
	    line.p, line.n, JSON_REJECT_DUPLICATES, &why);

	if (json_is_object(value)) {
		*ret = value;
		return 0;
	}
	json_decref(value);
	return err_set(err, ERR_INPUT, "not a JSON object");
}

static int
add_piece(const char *p, size_t n, void *to)
{
	return buf_add(to, p, n) ? 0 : -1;
}

bool
ctl_json_encode(struct buf *to, const json_t *value)
{
	size_t before = buf_len(to);

	if (json_dump_callback(value, add_piece, to, JSON_COMPACT) == 0 &&
	    buf_addc(to, '\n'))
		return true;
	buf_truncate(to, before);
	return false;
}

json_t *
ctl_json_bytes(struct bytes b)
{
	struct buf shown;
	json_t *s;

	/* JSON itself escapes controls; NUL and what is no UTF-8 it cannot
	 * carry. */
	if (str_is_utf8(b) && memchr(b.p, '\0', b.n) == NULL &&
	    (s = json_stringn(b.p, b.n)) != NULL)
		return s;
	buf_init(&shown, 4 * b.n + 4);
	IGNORE(str_escape(&shown, b, b.n)); /* there is room for all of it */
	s = json_stringn(buf_str(&shown), buf_len(&shown));
	buf_clear(&shown);
	return s;
}

json_t *
ctl_json_text(const char *s)
{
	return s != NULL ? ctl_json_bytes(bytes_str(s)) : json_string("");
}

/* Most text needs no look at its characters beyond this one. */
static bool
is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~' || *s == '"' || *s == '\\')
			return false;
	return true;
}

static void
add_key(struct buf *to, const char *key)
{
	size_t n = buf_len(to);

	/* Full buffers are the caller's affair, here and below. */
	if (n > 0 && strchr("{[", buf_str(to)[n - 1]) == NULL)
		IGNORE(buf_addc(to, ','));
	IGNORE(buf_addc(to, '"'));
	IGNORE(buf_adds(to, key));
	IGNORE(buf_adds(to, "\":"));
}

static void
add_string(struct buf *to, const char *s)
{
	json_t *text;

	if (is_plain(s)) {
		IGNORE(buf_addc(to, '"'));
		IGNORE(buf_adds(to, s));
		IGNORE(buf_addc(to, '"'));
		return;
	}
	text = ctl_json_text(s);
	(void)json_dump_callback(
	    text, add_piece, to, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(text);
}

void
ctl_json_add_text(struct buf *to, const char *key, const char *value)
{
	add_key(to, key);
	add_string(to, value != NULL ? value : "");
}

void
ctl_json_add_texts(
    struct buf *to, const char *key, const char *const *values, size_t n)
{
	add_key(to, key);
	IGNORE(buf_addc(to, '['));
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			IGNORE(buf_addc(to, ','));
		add_string(to, values[i]);
	}
	IGNORE(buf_addc(to, ']'));
}

void
ctl_json_add_raw(struct buf *to, const char *key, const char *value)
{
	add_key(to, key);
	IGNORE(buf_adds(to, value));
}

void
ctl_json_add_number(struct buf *to, const char *key, int64_t value)
{
	add_key(to, key);
	IGNORE(buf_addi(to, value));
}

const char *
ctl_json_string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}
