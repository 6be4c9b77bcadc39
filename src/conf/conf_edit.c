/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/conf_edit.h"

#include "base/ascii.h"
#include "base/str.h"
#include "conf/setting.h"

/* --- lines ---------------------------------------------------------------- */

enum line_type { LINE_OTHER, LINE_SECTION, LINE_KEY };

struct line {
	enum line_type kind;
	struct bytes all; /* with its line end */
	struct bytes name; /* of the section, or the key */
	struct bytes value; /* of the key, with what follows on the line */
};

/* Takes the next line off rest; false: there is none. */
static bool
next_line(struct bytes *rest, struct line *ret)
{
	static const char bom[] = "\xef\xbb\xbf";
	const char *nl, *end;
	struct bytes t;
	size_t n = 0;

	if (rest->n == 0)
		return false;
	nl = memchr(rest->p, '\n', rest->n);
	n = nl != NULL ? (size_t)(nl - rest->p) + 1 : rest->n;
	*ret = (struct line) { .all = bytes_of(rest->p, n) };
	*rest = bytes_of(rest->p + n, rest->n - n);

	t = ret->all;
	while (t.n > 0 && (t.p[t.n - 1] == '\n' || t.p[t.n - 1] == '\r'))
		t.n--;
	if (bytes_has_prefix_nocase(t, bom))
		t = bytes_of(t.p + 3, t.n - 3);
	while (t.n > 0 && ascii_is_wsp(t.p[0]))
		t = bytes_of(t.p + 1, t.n - 1);
	if (t.n == 0 || t.p[0] == '#' || t.p[0] == ';')
		return true;
	if (t.p[0] == '[') {
		if ((end = memchr(t.p, ']', t.n)) != NULL) {
			ret->kind = LINE_SECTION;
			ret->name = bytes_trim(
			    bytes_of(t.p + 1, (size_t)(end - t.p) - 1));
		}
		return true;
	}
	for (n = 1; n < t.n && t.p[n] != '=' && t.p[n] != ':'; n++)
		continue;
	if (n >= t.n)
		return true;
	ret->kind = LINE_KEY;
	ret->name = bytes_trim(bytes_of(t.p, n));
	for (n++; n < t.n && ascii_is_wsp(t.p[n]); n++)
		continue;
	ret->value = bytes_of(t.p + n, t.n - n);
	return true;
}

/* "account  work" is "account work". */
static bool
is_same_section(struct bytes a, const char *section)
{
	struct bytes b = bytes_trim(bytes_str(section));
	size_t i = 0, k = 0;

	while (i < a.n && k < b.n) {
		if (ascii_is_wsp(a.p[i]) != ascii_is_wsp(b.p[k]))
			return false;
		if (ascii_is_wsp(a.p[i])) {
			while (ascii_is_wsp(a.p[i]))
				i++;
			while (ascii_is_wsp(b.p[k]))
				k++;
		} else if (a.p[i++] != b.p[k++]) {
			return false;
		}
	}
	return i == a.n && k == b.n;
}

/* --- what stands there ---------------------------------------------------- */

static const struct setting *
setting_of(const char *section, const char *key)
{
	struct bytes kind = bytes_trim(bytes_str(section));
	size_t n = 0;

	while (n < kind.n && !ascii_is_wsp(kind.p[n]))
		n++;
	kind.n = n;
	for (int k = 0; k < SETTING_SECTIONS; k++)
		if (bytes_eq(
			kind, setting_section_name((enum setting_section)k)))
			return setting_find((enum setting_section)k, key);
	return NULL;
}

/* The blanks and the comment after the value of a line. */
static struct bytes
comment_of(const struct setting *st, struct bytes v)
{
	size_t n = v.n;

	for (size_t i = 0; setting_has_comment(st) && i < v.n; i++)
		if ((v.p[i] == '#' || v.p[i] == ';') &&
		    (i == 0 || ascii_is_wsp(v.p[i - 1]))) {
			n = i;
			while (n > 0 && ascii_is_wsp(v.p[n - 1]))
				n--;
			break;
		}
	return bytes_of(v.p + n, v.n - n);
}

/* Would the value be read back as it is? */
static bool
is_writable(const struct setting *st, const char *value)
{
	struct bytes v = bytes_str(value);

	for (size_t i = 0; i < v.n; i++)
		if (ascii_is_control(v.p[i]))
			return false;
	if (v.n > 0 &&
	    (ascii_is_wsp(v.p[0]) ||
		(st->type != SETTING_SECRET && ascii_is_wsp(v.p[v.n - 1]))))
		return false;
	return comment_of(st, v).n == 0;
}

static int
check_value(const struct setting *st, const char *key, const char *value,
    struct err *err)
{
	struct buf why;
	int rc = 0;

	if (st == NULL)
		return err_set(err, ERR_CONFIG, "%s: no such setting", key);
	if (!is_writable(st, value))
		return err_set(err, ERR_CONFIG,
		    "%s: this value cannot stand in a configuration file", key);
	buf_init(&why, 400);
	if (st->type != SETTING_SECRET && !setting_check(st, value, &why))
		rc = err_set(err, ERR_CONFIG, "%s = \"%s\": %s", key, value,
		    buf_str(&why));
	buf_clear(&why);
	return rc;
}

bool
conf_edit_has_section(struct bytes text, const char *section)
{
	struct line l;

	while (next_line(&text, &l))
		if (l.kind == LINE_SECTION && is_same_section(l.name, section))
			return true;
	return false;
}

/* --- changing ------------------------------------------------------------- */

static const char *
line_end_of(struct bytes text)
{
	const char *nl = memchr(text.p, '\n', text.n);

	return nl != NULL && nl > text.p && nl[-1] == '\r' ? "\r\n" : "\n";
}

static bool
add_bytes(struct buf *to, struct bytes b)
{
	return buf_add(to, b.p, b.n);
}

static bool
end_last_line(struct buf *to, const char *eol)
{
	size_t n = buf_len(to);

	return n == 0 || buf_str(to)[n - 1] == '\n' || buf_adds(to, eol);
}

static bool
add_setting(struct buf *to, const char *key, const char *value, const char *eol)
{
	return end_last_line(to, eol) &&
	       buf_addf(to, "%s = %s%s", key, value, eol);
}

static bool
add_replaced(struct buf *to, const struct line *l, const struct setting *st,
    const char *value)
{
	struct bytes comment = comment_of(st, l->value);
	const char *end = l->value.p + l->value.n;
	const char *from = comment.n > 0 ? comment.p : end;

	return buf_add(to, l->all.p, (size_t)(l->value.p - l->all.p)) &&
	       buf_adds(to, value) &&
	       (comment.n == 0 || ascii_is_wsp(*from) || buf_addc(to, ' ')) &&
	       buf_add(to, from, (size_t)(l->all.p + l->all.n - from));
}

/* Where a new line of the section belongs: after its head or its last key,
 * before comments that may be about the next section.  SIZE_MAX: there is no
 * such section. *ret_is_set: the key is there. */
static size_t
find_place(
    struct bytes text, const char *section, const char *key, bool *ret_is_set)
{
	struct bytes rest = text;
	size_t place = SIZE_MAX;
	bool is_in = false;
	struct line l;

	*ret_is_set = false;
	while (next_line(&rest, &l)) {
		if (l.kind == LINE_SECTION)
			is_in = is_same_section(l.name, section);
		if (!is_in || l.kind == LINE_OTHER)
			continue;
		place = (size_t)(rest.p - text.p);
		if (l.kind == LINE_KEY && bytes_eq(l.name, key))
			*ret_is_set = true;
	}
	return place;
}

/* Copies text and gives the key this value (NULL: takes it out). */
static bool
rewrite(struct buf *to, struct bytes text, const char *section, const char *key,
    const char *value)
{
	const struct setting *st = setting_of(section, key);
	const char *eol = line_end_of(text);
	struct bytes rest = text;
	bool is_in = false, is_set, is_good = true;
	size_t place = find_place(text, section, key, &is_set);
	struct line l;

	while (is_good && next_line(&rest, &l)) {
		if (l.kind == LINE_SECTION)
			is_in = is_same_section(l.name, section);
		if (!is_in || l.kind != LINE_KEY || !bytes_eq(l.name, key)) {
			is_good = add_bytes(to, l.all);
		} else if (value != NULL) {
			is_good = add_replaced(to, &l, st, value);
			value = NULL;
		}
		if (is_good && value != NULL && !is_set &&
		    (size_t)(rest.p - text.p) == place)
			is_good = add_setting(to, key, value, eol);
	}
	if (is_good && value != NULL && place == SIZE_MAX)
		is_good = end_last_line(to, eol) &&
			  buf_addf(to, "%s[%s]%s", text.n > 0 ? eol : "",
			      section, eol) &&
			  add_setting(to, key, value, eol);
	return is_good;
}

static bool
change(
    struct buf *text, const char *section, const char *key, const char *value)
{
	struct buf to;
	bool is_good;

	buf_init(&to, text->max);
	is_good = rewrite(&to, buf_bytes(text), section, key, value);
	if (is_good) {
		buf_wipe(text); /* an old password perhaps */
		*text = to;
	} else {
		buf_wipe(&to);
	}
	return is_good;
}

int
conf_edit_set(struct buf *text, const char *section, const char *key,
    const char *value, struct err *err)
{
	if (check_value(setting_of(section, key), key, value, err) != 0)
		return -1;
	return change(text, section, key, value)
		   ? 0
		   : err_set(err, ERR_CONFIG, "the file is too large");
}

void
conf_edit_unset(struct buf *text, const char *section, const char *key)
{
	/* It does not grow. */
	IGNORE(!change(text, section, key, NULL));
}
