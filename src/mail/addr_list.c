/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/addr_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/str.h"
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

enum {
	/* Searches for the end of a quote, comment or literal that find none;
	 * beyond that, every one is taken to have none.  Keeps the time
	 * linear. */
	SEARCHES_MAX = 16,
	PIECES_MAX = 8, /* of one name, commas between */
	NOBODY_MAX = 64
};

/* The text, token by token. */
struct scan {
	struct bytes text;
	size_t at; /* behind the current token */
	size_t start; /* of the current token */
	size_t searches; /* that found nothing */
};

/* What has been read of the address under way. */
struct parse {
	struct addr_list *list;
	struct scan scan;
	size_t entry; /* where the current member of the list begins */
	bool in_group;
	bool is_damaged; /* the member has a quote or bracket without end */
	bool lacks_comma; /* in front of the member */
	/* The last items of the list that may be pieces of a name; those with
	 * several words have no address. */
	size_t npieces;
	bool (*is_name)(void *ctx, const char *word); /* NULL: no pieces */
	void *ctx;

	struct buf spec; /* the addr-spec so far, blanks left out */
	size_t spec_from, spec_to; /* where it stands */
	char before; /* what the spec ends in: 0, 'w'ord, '.', '@', 'l'iteral */
	bool has_at, has_quote, has_word;
	bool is_phrase; /* words and dots only */
	bool is_bad; /* this is no addr-spec (it may still be a phrase) */
	bool is_angle; /* between < and > */
	bool is_over; /* behind >: only a comment or a comma may follow */
	bool has_item; /* and this address is the last of the list */
	struct bytes phrase, comment;
};

static bool
is_special(char c)
{
	return c == '\0' || strchr(",;:<>.@()[]\"\\", c) != NULL;
}

/* Moves behind the closing mark; false: there is none. */
static bool
skip_to(struct scan *s, char close)
{
	while (s->at < s->text.n) {
		char c = s->text.p[s->at++];

		if (c == close)
			return true;
		if (c == '\\' && s->at < s->text.n)
			s->at++;
	}
	return false;
}

static bool
skip_comment(struct scan *s)
{
	size_t depth = 1; /* counted, not recursed into */

	while (s->at < s->text.n && depth > 0) {
		char c = s->text.p[s->at++];

		if (c == '\\' && s->at < s->text.n)
			s->at++;
		depth += c == '(';
		depth -= c == ')';
	}
	return depth == 0;
}

/* The token that is to have an end; if it has none, the mark alone is broken
 * and what follows is read as if it were not there. */
static enum token
closed(struct scan *s, enum token t)
{
	bool is_whole = false;

	if (s->searches < SEARCHES_MAX) {
		switch (t) {
		case TOKEN_COMMENT:
			is_whole = skip_comment(s);
			break;
		case TOKEN_LITERAL:
			is_whole = skip_to(s, ']');
			break;
		case TOKEN_WORD:
			is_whole = skip_to(s, '"');
			break;
		case TOKEN_END:
		case TOKEN_SPECIAL:
		case TOKEN_BROKEN:
			break;
		}
		s->searches += !is_whole;
	}
	if (is_whole)
		return t;
	s->at = s->start + 1;
	return TOKEN_BROKEN;
}

/* Length of a blank, or of what looks like one or like nothing, at the current
 * place; 0: none. */
static size_t
blank_len(const struct scan *s)
{
	struct bytes b = bytes_of(s->text.p + s->at, s->text.n - s->at);

	return b.n > 0 && ascii_is_blank(b.p[0]) ? 1 : str_invisible(b);
}

static enum token
next_token(struct scan *s)
{
	size_t n;

	while ((n = blank_len(s)) > 0)
		s->at += n;
	s->start = s->at;
	if (s->at == s->text.n)
		return TOKEN_END;
	switch (s->text.p[s->at++]) {
	case '"':
		return closed(s, TOKEN_WORD);
	case '(':
		return closed(s, TOKEN_COMMENT);
	case '[':
		return closed(s, TOKEN_LITERAL);
	default:
		if (is_special(s->text.p[s->start]))
			return TOKEN_SPECIAL;
		while (s->at < s->text.n && blank_len(s) == 0 &&
		       !is_special(s->text.p[s->at]))
			s->at++;
		return TOKEN_WORD;
	}
}

static void
forget_spec(struct parse *p)
{
	buf_reset(&p->spec);
	p->spec_from = p->spec_to = 0;
	p->before = '\0';
	p->has_at = p->has_quote = p->has_word = false;
	p->is_phrase = true;
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

/* The next member of the list begins behind the current token. */
static void
start_entry(struct parse *p)
{
	start_address(p);
	p->entry = p->scan.at;
	p->is_damaged = false;
	p->lacks_comma = false;
}

/* Adds the current token.  Line ends inside a quoted string are folding and
 * not part of it, nor are the blanks in a literal (RFC 5322 3.4.1). */
static void
add_spec(struct parse *p, char kind)
{
	if (p->before == '\0')
		p->spec_from = p->scan.start;
	p->spec_to = p->scan.at;
	p->before = kind;
	for (size_t i = p->scan.start; i < p->scan.at; i++) {
		char c = p->scan.text.p[i];

		if (c == '\r' || c == '\n' || (kind == 'l' && ascii_is_wsp(c)))
			continue;
		if (!buf_addc(&p->spec, c))
			p->is_bad = true; /* longer than any address */
	}
}

static void
add_word(struct parse *p, char kind)
{
	bool follows_word = p->before == 'w' || p->before == 'l';

	if (follows_word || (kind == 'l' && p->before != '@'))
		p->is_bad = true;
	p->has_quote |= p->scan.text.p[p->scan.start] == '"';
	p->has_word = true;
	p->is_phrase &= kind == 'w';
	add_spec(p, kind);
}

static void
add_at(struct parse *p)
{
	if (p->has_at || p->before == '\0')
		p->is_bad = true;
	p->has_at = true;
	p->is_phrase = false;
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

static struct bytes
slice(const struct parse *p, size_t from, size_t to)
{
	return bytes_of(p->scan.text.p + from, to > from ? to - from : 0);
}

static void
note_bad(struct parse *p, struct bytes b)
{
	p->list->is_malformed = true;
	if (p->list->bad.n == 0)
		p->list->bad = bytes_trim(b);
}

/* All of the member under way, which reaches to the next comma. */
static void
note_bad_entry(struct parse *p)
{
	const char *end = p->list->bad.n > 0
			      ? NULL
			      : memchr(p->scan.text.p + p->scan.at, ',',
				    p->scan.text.n - p->scan.at);

	note_bad(p,
	    slice(p, p->entry,
		end != NULL ? (size_t)(end - p->scan.text.p) : p->scan.text.n));
}

/* --- nobody --------------------------------------------------------------- */

static bool
has_any(const char *s, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strstr(s, *words) != NULL)
			return true;
	return false;
}

/* The letters of a short text, in small.  False: it is not short. */
static bool
only_letters(struct bytes b, char letters[NOBODY_MAX + 1])
{
	size_t n = 0;

	if (b.n > 4 * NOBODY_MAX)
		return false;
	for (size_t i = 0; i < b.n; i++) {
		char c = b.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		if (c < 'a' || c > 'z')
			continue;
		if (n == NOBODY_MAX)
			return false;
		letters[n++] = c;
	}
	letters[n] = '\0';
	return true;
}

/* What programs write where they do not tell the recipients: "Undisclosed
 * recipients", "unlisted-recipients", "Recipient list not shown". */
static bool
means_nobody(struct bytes b)
{
	static const char *const hidden[] = { "undisclos", "undiclos",
		"nondisclos", "notdisclos", "unlisted", "suppressed",
		"notshown", "hidden", NULL };
	static const char *const whom[] = { "recip", "receip", "reciep", NULL };
	char letters[NOBODY_MAX + 1];

	return only_letters(b, letters) &&
	       (strcmp(letters, "undisclosed") == 0 ||
		   (has_any(letters, hidden) && has_any(letters, whom)));
}

/* The same words with a comma or a bracket too many, and nothing else. */
static bool
is_all_nobody(struct bytes list)
{
	static const char *const all[] = { "undisclosedrecipients",
		"undisclosedrecipient", "recipientsundisclosed" };
	char letters[NOBODY_MAX + 1];

	if (!only_letters(list, letters))
		return false;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(letters, all[i]) == 0)
			return true;
	return false;
}

/* "undisclosed-recipients", or with a name of this machine behind the "@". */
static bool
is_nobody(struct bytes addr)
{
	struct bytes local, domain;

	return (!addr_split(addr, &local, &domain) ||
		   addr_is_local_name(addr, NULL)) &&
	       means_nobody(local);
}

/* --- pieces of names ------------------------------------------------------ */

/* Those without an address were none, then; the others are what they say. */
static void
settle_pieces(struct parse *p)
{
	struct addr_list *l = p->list;
	size_t to = l->n - p->npieces;

	for (size_t i = to; i < l->n; i++)
		if (l->items[i].addr != NULL)
			l->items[to++] = l->items[i];
		else
			note_bad(p, l->items[i].spec);
	l->n = to;
	p->npieces = 0;
}

/* Of more than PIECES_MAX the first is none. */
static void
settle_first(struct parse *p)
{
	struct addr_list *l = p->list;
	struct addr_item *first = &l->items[l->n - p->npieces];

	p->npieces--;
	if (first->addr != NULL)
		return;
	note_bad(p, first->spec);
	memmove(first, first + 1, p->npieces * sizeof(*first));
	l->n--;
}

/* Words and dots that no angle follows: a bare word may be an address, more
 * than one cannot.  True: it is a piece. */
static bool
is_piece(const struct parse *p)
{
	return p->is_name != NULL && p->is_phrase && p->has_word &&
	       !p->is_angle && !p->is_damaged && !p->lacks_comma;
}

static void
add_piece(struct parse *p)
{
	struct bytes spec = buf_bytes(&p->spec);
	bool is_word = !p->is_bad && addr_is_safe(spec);

	if (p->list->n == ADDR_LIST_MAX) {
		note_bad(p, slice(p, p->entry, p->scan.start));
		return;
	}
	add_item(p->list, &(struct addr_item) {
			      .addr = is_word ? xstrndup(spec.p, spec.n) : NULL,
			      .spec = slice(p, p->spec_from, p->spec_to),
			      .phrase = p->phrase,
			      .comment = p->comment,
			  });
	p->has_item = true;
	if (++p->npieces > PIECES_MAX)
		settle_first(p);
}

/* What stands before "<" is the display name, with the pieces in front of it
 * that are nobody's. */
static void
join_pieces(struct parse *p)
{
	struct addr_list *l = p->list;
	size_t end = p->before != '\0' ? p->spec_to : p->scan.start;

	while (p->npieces > 0) {
		struct addr_item *it = &l->items[l->n - 1];

		if (it->addr != NULL && p->is_name(p->ctx, it->addr))
			break;
		p->phrase = slice(
		    p, (size_t)(it->spec.p - p->scan.text.p), end);
		free(it->addr);
		l->n--;
		p->npieces--;
		l->has_joined = l->is_loose = true;
	}
	settle_pieces(p);
	while (
	    p->phrase.n > 0 && strchr(" \t\r\n,", p->phrase.p[p->phrase.n - 1]))
		p->phrase.n--;
}

/* --- addresses ------------------------------------------------------------ */

static bool
is_plain(char c)
{
	return (unsigned char)c >= 0x80 ||
	       (c > ' ' && c < 0x7f && strchr("()<>[]:;@\\,\"", c) == NULL);
}

/* The local part in one piece: as it is if it needs no quotes, else as one
 * quoted string.  False: longer than any address. */
static bool
add_local(struct buf *to, struct bytes local)
{
	struct buf plain;
	bool needs_quotes = false, ok = true;

	buf_init(&plain, ADDR_MAX);
	for (size_t i = 0; ok && i < local.n; i++) {
		char c = local.p[i];

		if (c == '"')
			continue;
		if (c == '\\' && i + 1 < local.n)
			c = local.p[++i];
		needs_quotes |= !is_plain(c);
		ok = buf_addc(&plain, c);
	}
	needs_quotes |= buf_len(&plain) == 0;
	ok = ok && (!needs_quotes || buf_addc(to, '"'));
	for (size_t i = 0; ok && i < buf_len(&plain); i++) {
		char c = buf_str(&plain)[i];

		ok = ((c != '"' && c != '\\') || buf_addc(to, '\\')) &&
		     buf_addc(to, c);
	}
	buf_clear(&plain);
	return ok && (!needs_quotes || buf_addc(to, '"'));
}

static bool
is_one_string(struct bytes local)
{
	size_t i = 1;

	while (i < local.n && local.p[i] != '"')
		i += local.p[i] == '\\' ? 2 : 1;
	return local.n > 1 && local.p[0] == '"' && i == local.n - 1;
}

/* RFC 5322 4.4 allows "a . "b" @ c."; an envelope does not.  NULL: no
 * address. */
static char *
envelope_form(const struct parse *p)
{
	struct bytes spec = buf_bytes(&p->spec), local, domain;
	bool has_at = addr_split(spec, &local, &domain), ok = true;
	struct buf form;

	if (domain.n > 1 && domain.p[domain.n - 1] == '.')
		domain.n--;
	buf_init(&form, ADDR_MAX + 1);
	if (p->has_quote && !is_one_string(local))
		ok = add_local(&form, local);
	else
		ok = buf_add(&form, local.p, local.n);
	ok = ok && (!has_at || (buf_addc(&form, '@') &&
				   buf_add(&form, domain.p, domain.n)));
	ok = ok && addr_is_safe(buf_bytes(&form));
	if (ok)
		return buf_steal(&form);
	buf_clear(&form);
	return NULL;
}

static bool
same_text(struct bytes b, const char *s)
{
	return b.n == strlen(s) && memcmp(b.p, s, b.n) == 0;
}

/* Does a comma too many stand beside the empty member (RFC 5322 4.4)?  The one
 * behind a group has its place. */
static bool
has_idle_comma(const struct parse *p)
{
	struct bytes t = p->scan.text;
	char before = p->entry > 0 ? t.p[p->entry - 1] : '\0';

	return before == ',' || (before != ';' && p->scan.start < t.n &&
				    t.p[p->scan.start] == ',');
}

static void
append_item(struct parse *p)
{
	struct addr_list *l = p->list;
	struct bytes spec = slice(p, p->spec_from, p->spec_to);
	char *addr = NULL;

	bool is_empty = p->before == '\0' && !p->is_damaged;

	if ((is_empty ? p->is_angle : !p->has_at) &&
	    means_nobody(
		p->is_angle ? p->phrase : slice(p, p->entry, p->scan.start))) {
		l->hides_rcpts = l->is_loose = true;
		return;
	}
	if (is_empty) { /* nothing between two commas, or in <> */
		l->is_loose |= p->is_angle || has_idle_comma(p);
		if (memchr(p->phrase.p, '@', p->phrase.n) != NULL)
			note_bad(p, slice(p, p->entry, p->scan.at));
		return;
	}
	if (bytes_eq(spec, "\"\""))
		return; /* it says nothing either */
	if (is_piece(p)) {
		add_piece(p);
		return;
	}
	settle_pieces(p);
	if (!p->is_bad && !p->is_damaged && p->before != '@' &&
	    p->before != '\0' && l->n < ADDR_LIST_MAX)
		addr = envelope_form(p);
	if (addr == NULL) {
		note_bad(p, slice(p, p->entry,
				p->is_angle ? p->scan.at : p->scan.start));
		return;
	}
	if (is_nobody(bytes_str(addr))) {
		l->hides_rcpts = l->is_loose = true;
		free(addr);
		return;
	}
	l->is_loose |= !same_text(spec, addr);
	add_item(l, &(struct addr_item) { .addr = addr,
			.spec = spec,
			.phrase = p->phrase,
			.comment = p->comment });
	p->has_item = true;
}

static void
end_address(struct parse *p)
{
	if (!p->is_over)
		append_item(p);
	if (p->is_angle || p->lacks_comma) /* ">" is missing */
		note_bad(p, slice(p, p->entry, p->scan.start));
	start_entry(p);
}

/* Is what has been read no name by RFC 5322 3.2.5 and 4.1?  Readers differ
 * about where it ends. */
static bool
is_odd_phrase(const struct parse *p)
{
	return !p->is_phrase || p->is_damaged ||
	       (p->before != '\0' && p->scan.text.p[p->spec_from] == '.');
}

/* What stood before "<" was the display name. */
static void
open_angle(struct parse *p)
{
	if (p->is_angle)
		note_bad_entry(p);
	p->list->is_loose |= is_odd_phrase(p);
	if (p->before != '\0')
		p->phrase = slice(p, p->spec_from, p->spec_to);
	if (p->npieces > 0 && !p->is_damaged &&
	    (p->is_phrase || p->before == '\0'))
		join_pieces(p);
	settle_pieces(p);
	forget_spec(p);
	p->is_angle = true;
}

static void
close_angle(struct parse *p)
{
	if (!p->is_angle) {
		p->is_bad = true;
		p->is_phrase = false;
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
	struct addr_list *l = p->list;
	bool is_route = p->is_angle && buf_str(&p->spec)[0] == '@';
	bool hides = means_nobody(slice(p, p->entry, p->scan.start));

	l->is_loose |= is_route || (!p->is_angle && !hides && is_odd_phrase(p));
	/* Readers may differ about anything else there. */
	if (p->is_angle && !is_route && !hides)
		note_bad_entry(p);
	/* An address, rather than the name of a group. */
	if (!p->is_angle && p->has_at && !hides)
		note_bad_entry(p);
	forget_spec(p);
	if (p->is_angle && !hides)
		return;
	l->hides_rcpts |= hides;
	l->is_loose |= p->in_group || p->is_angle;
	l->has_group = p->in_group = true;
	settle_pieces(p);
	start_entry(p);
}

static void
on_semicolon(struct parse *p)
{
	end_address(p);
	settle_pieces(p);
	p->list->is_loose |= !p->in_group;
	p->in_group = false;
}

static void
on_special(struct parse *p)
{
	switch (p->scan.text.p[p->scan.start]) {
	case ',':
		/* "<@a,@b:joe@c>": a comma inside a route. */
		if (p->is_angle && buf_str(&p->spec)[0] == '@')
			forget_spec(p);
		else
			end_address(p);
		break;
	case ';':
		on_semicolon(p);
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
		p->is_phrase = false;
		add_spec(p, 'w');
	}
}

static void
on_comment(struct parse *p)
{
	struct bytes inside = bytes_of(
	    p->scan.text.p + p->scan.start + 1, p->scan.at - p->scan.start - 2);

	p->comment = inside;
	if (p->has_item)
		p->list->items[p->list->n - 1].comment = inside;
}

/* Something other than a comma follows ">": the comma is missing. */
static void
demand_comma(struct parse *p, enum token t)
{
	char c = t == TOKEN_SPECIAL ? p->scan.text.p[p->scan.start] : '\0';
	size_t at = p->scan.at;

	if (!p->is_over || t == TOKEN_COMMENT || t == TOKEN_END || c == ',' ||
	    c == ';')
		return;
	p->scan.at = p->scan.start;
	start_entry(p);
	p->scan.at = at;
	p->lacks_comma = true;
}

static void
end_list(struct parse *p)
{
	struct addr_list *l = p->list;

	end_address(p);
	settle_pieces(p);
	l->is_loose |= p->in_group;
	if (is_all_nobody(p->scan.text) && (l->n > 0 || l->is_malformed)) {
		l->hides_rcpts = l->is_loose = true;
		while (l->n > 0)
			free(l->items[--l->n].addr);
	}
	/* Whatever stands beside it means the same. */
	if (l->hides_rcpts && l->n == 0 && l->is_malformed) {
		l->is_malformed = false;
		l->is_loose = true;
	}
}

void
addr_list_parse_names(struct addr_list *ret, struct bytes value,
    bool (*is_name)(void *ctx, const char *word), void *ctx)
{
	struct parse p = { .list = ret,
		.scan = { .text = value },
		.is_name = is_name,
		.ctx = ctx };
	enum token t;

	*ret = (struct addr_list) { 0 };
	buf_init(&p.spec, ADDR_MAX + 1);
	start_entry(&p);
	do {
		t = next_token(&p.scan);
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
			p.is_damaged = true;
			break;
		case TOKEN_END:
			end_list(&p);
			break;
		}
	} while (t != TOKEN_END);
	buf_clear(&p.spec);
}

void
addr_list_parse(struct addr_list *ret, struct bytes value)
{
	addr_list_parse_names(ret, value, NULL, NULL);
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
	struct bytes b = bytes_str(addr);

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

	(void)str_set_add(&l->known, bytes_str(key));
	free(key);
}

bool
addr_list_is_marked(const struct addr_list *l, const char *source)
{
	char *key = mark_of(source);
	bool is_there = str_set_has(&l->known, bytes_str(key));

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
