/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/addr_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "mail/addr.h"

enum token {
	TOKEN_END, /* of the text */
	TOKEN_WORD, /* atom or quoted string */
	TOKEN_LITERAL, /* "[192.0.2.1]" */
	TOKEN_COMMENT,
	TOKEN_SPECIAL, /* one of ,;:<>.@ or a byte that fits nowhere */
	TOKEN_BROKEN /* quote, comment or literal without its end */
};

/* What has been read of the address under way. */
struct parse {
	struct addr_list *list;
	struct bytes text;
	size_t at; /* behind the current token */
	size_t start; /* of the current token */

	struct buf spec; /* the addr-spec so far, blanks left out */
	size_t spec_from, spec_to; /* where it stands */
	char before; /* what the spec ends in: 0, 'w'ord, '.', '@', 'l'iteral */
	bool has_at;
	bool is_bad; /* this is no addr-spec (it may still be a phrase) */
	bool is_angle; /* between < and > */
	bool is_over; /* behind >: only a comment or a comma may follow */
	bool has_item; /* and this address is the last of the list */
	struct bytes phrase, comment;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_special(char c)
{
	return c == '\0' || strchr(",;:<>.@()[]\"\\", c) != NULL;
}

/* Moves behind the closing mark; false: there is none. */
static bool
skip_to(struct parse *p, char close)
{
	while (p->at < p->text.n) {
		char c = p->text.p[p->at++];

		if (c == close)
			return true;
		if (c == '\\' && p->at < p->text.n)
			p->at++;
	}
	return false;
}

static bool
skip_comment(struct parse *p)
{
	size_t depth = 1; /* counted, not recursed into */

	while (p->at < p->text.n && depth > 0) {
		char c = p->text.p[p->at++];

		if (c == '\\' && p->at < p->text.n)
			p->at++;
		depth += c == '(';
		depth -= c == ')';
	}
	return depth == 0;
}

static enum token
next_token(struct parse *p)
{
	while (p->at < p->text.n && is_blank(p->text.p[p->at]))
		p->at++;
	p->start = p->at;
	if (p->at == p->text.n)
		return TOKEN_END;
	switch (p->text.p[p->at++]) {
	case '"':
		return skip_to(p, '"') ? TOKEN_WORD : TOKEN_BROKEN;
	case '(':
		return skip_comment(p) ? TOKEN_COMMENT : TOKEN_BROKEN;
	case '[':
		return skip_to(p, ']') ? TOKEN_LITERAL : TOKEN_BROKEN;
	default:
		if (is_special(p->text.p[p->start]))
			return TOKEN_SPECIAL;
		while (p->at < p->text.n && !is_blank(p->text.p[p->at]) &&
		       !is_special(p->text.p[p->at]))
			p->at++;
		return TOKEN_WORD;
	}
}

static void
forget_spec(struct parse *p)
{
	buf_reset(&p->spec);
	p->spec_from = p->spec_to = 0;
	p->before = '\0';
	p->has_at = false;
	p->is_bad = false;
}

static void
start_address(struct parse *p)
{
	forget_spec(p);
	p->is_angle = false;
	p->is_over = false;
	p->has_item = false;
	p->phrase = p->comment = bytes_of("", 0);
}

/* Adds the current token.  Line ends inside a quoted string are folding and
 * not part of it. */
static void
add_spec(struct parse *p, char kind)
{
	if (p->before == '\0')
		p->spec_from = p->start;
	p->spec_to = p->at;
	p->before = kind;
	for (size_t i = p->start; i < p->at; i++) {
		char c = p->text.p[i];

		if (c != '\r' && c != '\n' && !buf_addc(&p->spec, c))
			p->is_bad = true; /* longer than any address */
	}
}

static void
add_word(struct parse *p, char kind)
{
	bool follows_word = p->before == 'w' || p->before == 'l';

	if (follows_word || (kind == 'l' && p->before != '@'))
		p->is_bad = true;
	add_spec(p, kind);
}

static void
add_at(struct parse *p)
{
	if (p->has_at || p->before == '\0')
		p->is_bad = true;
	p->has_at = true;
	add_spec(p, '@');
}

static void
add_item(struct addr_list *l, const struct addr_item *it)
{
	if ((l->n & (l->n - 1)) == 0)
		l->items = xrealloc(
		    l->items, l->n == 0 ? 1 : l->n * 2, sizeof(*l->items));
	l->items[l->n++] = *it;
}

static void
append_item(struct parse *p)
{
	struct addr_list *l = p->list;
	struct bytes spec = buf_bytes(&p->spec);

	if (p->before == '\0')
		return; /* nothing between two commas, or <> */
	if (p->is_bad || p->before == '@' || !addr_is_safe(spec) ||
	    l->n == ADDR_LIST_MAX) {
		l->is_malformed = true;
		return;
	}
	add_item(l, &(struct addr_item) {
			.addr = xstrndup(spec.p, spec.n),
			.spec = bytes_of(p->text.p + p->spec_from,
			    p->spec_to - p->spec_from),
			.phrase = p->phrase,
			.comment = p->comment,
		    });
	p->has_item = true;
}

static void
end_address(struct parse *p)
{
	if (p->is_angle)
		p->list->is_malformed = true; /* ">" is missing */
	if (!p->is_over)
		append_item(p);
	start_address(p);
}

/* What stood before "<" was the display name. */
static void
open_angle(struct parse *p)
{
	if (p->is_angle)
		p->list->is_malformed = true;
	if (p->before != '\0')
		p->phrase = bytes_of(
		    p->text.p + p->spec_from, p->spec_to - p->spec_from);
	forget_spec(p);
	p->is_angle = true;
}

static void
close_angle(struct parse *p)
{
	if (!p->is_angle) {
		p->is_bad = true;
		return;
	}
	append_item(p);
	p->is_angle = false;
	p->is_over = true;
}

/* Inside < > a colon ends a route, which is ignored (RFC 5321 4.1.1.3, D.);
 * outside it ends the name of a group. */
static void
on_colon(struct parse *p)
{
	/* A route begins with "@"; readers may differ about anything else. */
	if (p->is_angle && buf_str(&p->spec)[0] != '@')
		p->list->is_malformed = true;
	forget_spec(p);
	if (!p->is_angle)
		start_address(p);
}

static void
on_special(struct parse *p)
{
	switch (p->text.p[p->start]) {
	case ',':
		/* "<@a,@b:joe@c>": a comma inside a route. */
		if (p->is_angle && buf_str(&p->spec)[0] == '@')
			forget_spec(p);
		else
			end_address(p);
		break;
	case ';':
		end_address(p);
		break;
	case ':':
		on_colon(p);
		break;
	case '<':
		open_angle(p);
		break;
	case '>':
		close_angle(p);
		break;
	case '.':
		add_spec(p, '.');
		break;
	case '@':
		add_at(p);
		break;
	default:
		p->is_bad = true;
		add_spec(p, 'w');
	}
}

static void
on_comment(struct parse *p)
{
	struct bytes inside = bytes_of(
	    p->text.p + p->start + 1, p->at - p->start - 2);

	p->comment = inside;
	if (p->has_item)
		p->list->items[p->list->n - 1].comment = inside;
}

/* Something other than a comma follows ">": the comma is missing. */
static void
demand_comma(struct parse *p, enum token t)
{
	char c = t == TOKEN_SPECIAL ? p->text.p[p->start] : '\0';

	if (!p->is_over || t == TOKEN_COMMENT || t == TOKEN_END || c == ',' ||
	    c == ';')
		return;
	p->list->is_malformed = true;
	start_address(p);
}

void
addr_list_parse(struct addr_list *ret, struct bytes value)
{
	struct parse p = { .list = ret, .text = value };
	enum token t;

	*ret = (struct addr_list) { 0 };
	buf_init(&p.spec, ADDR_MAX + 1);
	start_address(&p);
	do {
		t = next_token(&p);
		demand_comma(&p, t);
		switch (t) {
		case TOKEN_WORD:
			add_word(&p, 'w');
			break;
		case TOKEN_LITERAL:
			add_word(&p, 'l');
			break;
		case TOKEN_COMMENT:
			on_comment(&p);
			break;
		case TOKEN_SPECIAL:
			on_special(&p);
			break;
		case TOKEN_BROKEN:
			ret->is_malformed = true;
			start_address(&p);
			break;
		case TOKEN_END:
			end_address(&p);
			break;
		}
	} while (t != TOKEN_END);
	buf_clear(&p.spec);
}

void
addr_list_clear(struct addr_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i].addr);
	free(l->items);
	str_set_clear(&l->known);
	*l = (struct addr_list) { 0 };
}

void
addr_list_add(struct addr_list *l, const char *addr)
{
	struct bytes b = bytes_of(addr, strlen(addr));

	struct buf key;

	if (l->n >= ADDR_LIST_ADDED_MAX)
		return;
	buf_init(&key, 2 * ADDR_MAX + 1);
	/* One that is longer than any address is different from all. */
	if (!addr_add_key(&key, b) || str_set_add(&l->known, buf_bytes(&key)))
		add_item(l, &(struct addr_item) { .addr = xstrdup(addr) });
	buf_clear(&key);
}

/* Two line ends begin no key of an address. */
static char *
mark_of(const char *source)
{
	return xasprintf("\n\n%s", source);
}

void
addr_list_mark(struct addr_list *l, const char *source)
{
	char *key = mark_of(source);

	(void)str_set_add(&l->known, bytes_of(key, strlen(key)));
	free(key);
}

bool
addr_list_is_marked(const struct addr_list *l, const char *source)
{
	char *key = mark_of(source);
	bool is_there = str_set_has(&l->known, bytes_of(key, strlen(key)));

	free(key);
	return is_there;
}

void
addr_item_name(const struct addr_item *it, struct buf *to)
{
	struct bytes name = it->phrase.n > 0 ? it->phrase : it->comment;
	bool is_phrase = it->phrase.n > 0;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == '\r' || c == '\n' || (is_phrase && c == '"'))
			continue;
		if (c == '\\' && i + 1 < name.n)
			c = name.p[++i];
		IGNORE(buf_addc(to, c)); /* a full buffer cuts the name */
	}
}
