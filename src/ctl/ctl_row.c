/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/ctl_row.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "ctl/ctl_line.h"

void
ctl_row_init(struct ctl_row *r)
{
	r->n = 0;
	buf_init(&r->text, CTL_REPLY_MAX);
}

void
ctl_row_clear(struct ctl_row *r)
{
	buf_clear(&r->text);
	r->n = 0;
}

/* --- reading --------------------------------------------------------------- */

/* What is cut is ended by a NUL in place of the character behind it, which is
 * looked at before. */
struct cursor {
	char *p; /* a NUL ends the text */
};

static bool
skip(struct cursor *c, char what)
{
	if (*c->p != what)
		return false;
	c->p++;
	return true;
}

/* Behind its opening quote. */
static char *
string_end(char *p)
{
	for (; *p != '"'; p++)
		if (*p == '\0' || (*p == '\\' && *++p == '\0'))
			return NULL;
	return p;
}

/* In place: what an escape stands for is never longer than the escape. */
static bool
unescape(char *begin, char *end)
{
	json_t *s = json_loadb(
	    begin - 1, (size_t)(end - begin) + 2, JSON_DECODE_ANY, NULL);

	if (s == NULL)
		return false;
	memcpy(begin, json_string_value(s), json_string_length(s) + 1);
	json_decref(s);
	return true;
}

static const char *
cut_string(struct cursor *c)
{
	char *begin = c->p, *end = string_end(begin);
	bool is_plain;

	if (end == NULL)
		return NULL;
	c->p = end + 1;
	is_plain = memchr(begin, '\\', (size_t)(end - begin)) == NULL;
	if (!is_plain && !unescape(begin, end))
		return NULL;
	if (is_plain)
		*end = '\0';
	return begin;
}

static const char *
cut_list(struct cursor *c)
{
	const char *first = "", *one;
	bool is_first = true;

	if (skip(c, ']'))
		return first;
	do {
		if (!skip(c, '"') || (one = cut_string(c)) == NULL)
			return NULL;
		if (is_first)
			first = one;
		is_first = false;
	} while (skip(c, ','));
	return skip(c, ']') ? first : NULL;
}

/* A number, or true, false, null. */
static const char *
cut_word(struct cursor *c, char *ret_behind)
{
	char *begin = c->p;
	size_t n = strspn(begin, "-0123456789abcdefghijklmnopqrstuvwxyz");

	if (n == 0)
		return NULL;
	*ret_behind = begin[n];
	begin[n] = '\0';
	c->p = begin + n;
	return begin;
}

static bool
cut_member(struct cursor *c, struct ctl_row_member *m, char *ret_behind)
{
	if (!skip(c, '"') || (m->key = cut_string(c)) == NULL || !skip(c, ':'))
		return false;
	m->is_text = *c->p == '"' || *c->p == '[';
	if (skip(c, '"'))
		m->value = cut_string(c);
	else if (skip(c, '['))
		m->value = cut_list(c);
	else
		m->value = cut_word(c, ret_behind);
	if (m->is_text)
		*ret_behind = *c->p;
	if (m->value != NULL && *ret_behind != '\0')
		c->p++;
	return m->value != NULL;
}

static bool
read_members(struct ctl_row *r)
{
	struct cursor c = { r->text.p + r->text.head };
	char behind = ',';

	if (!skip(&c, '{'))
		return false;
	if (skip(&c, '}'))
		return *c.p == '\0';
	while (behind == ',') {
		if (r->n == CTL_ROW_MEMBERS_MAX ||
		    !cut_member(&c, &r->members[r->n++], &behind))
			return false;
	}
	return behind == '}' && *c.p == '\0';
}

int
ctl_row_read(struct ctl_row *r, struct bytes item, struct err *err)
{
	r->n = 0;
	buf_reset(&r->text);
	if (memchr(item.p, '\0', item.n) == NULL &&
	    buf_add(&r->text, item.p, item.n) && read_members(r))
		return 0;
	r->n = 0;
	return err_set(err, ERR_INPUT, "not an item of a listing");
}

/* --- members -------------------------------------------------------------- */

static const struct ctl_row_member *
find(const struct ctl_row *r, const char *key)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->members[i].key, key) == 0)
			return &r->members[i];
	return NULL;
}

const char *
ctl_row_text(const struct ctl_row *r, const char *key)
{
	const struct ctl_row_member *m = find(r, key);

	return m != NULL && m->is_text ? m->value : "";
}

long long
ctl_row_number(const struct ctl_row *r, const char *key)
{
	const struct ctl_row_member *m = find(r, key);

	return m != NULL && !m->is_text ? strtoll(m->value, NULL, 10) : 0;
}

bool
ctl_row_has(const struct ctl_row *r, const char *key)
{
	const struct ctl_row_member *m = find(r, key);

	return m != NULL && (m->is_text || strcmp(m->value, "null") != 0);
}

bool
ctl_row_is_true(const struct ctl_row *r, const char *key)
{
	const struct ctl_row_member *m = find(r, key);

	return m != NULL && !m->is_text && strcmp(m->value, "true") == 0;
}
