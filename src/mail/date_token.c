/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/date_token.h"

#include <string.h>

#include "base/ascii.h"
#include "base/str.h"

/* --- characters ----------------------------------------------------------- */

/* Characters with a meaning of their own, as ASCII. */
static const char *
meaning_of(unsigned long c)
{
	static const struct {
		unsigned long c;
		const char *text;
	} rows[] = {
		{ 0xa0, " " },
		{ 0x202f, " " },
		{ 0x2009, " " },
		{ 0x3000, " " },
		{ 0x200e, "" },
		{ 0x200f, "" },
		{ 0x2212, "-" },
		{ 0x2010, "-" },
		{ 0x2013, "-" },
		{ 0xff0c, "," },
		{ 0xff1a, ":" },
		{ 0xff0f, "/" },
		{ 0x5e74, "-" },
		{ 0x6708, "-" },
		{ 0x65e5, " " }, /* CJK */
		{ 0xb144, "-" },
		{ 0xc6d4, "-" },
		{ 0xc77c, " " },
		{ 0x6642, ":" },
		{ 0x65f6, ":" },
		{ 0x5206, ":" },
		{ 0x79d2, " " },
		{ 0xc2dc, ":" },
		{ 0xbd84, ":" },
		{ 0xcd08, " " },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].c == c)
			return rows[i].text;
	return NULL;
}

/* The character at the front and its length; as ISO 8859-1 if it must be. */
static unsigned long
character(struct bytes b, bool is_utf8, size_t *ret_n)
{
	unsigned char c = (unsigned char)b.p[0];
	unsigned long v;
	size_t n;

	*ret_n = 1;
	if (c < 0x80 || !is_utf8)
		return c;
	n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	v = n == 2 ? c & 31u : n == 3 ? c & 15u : c & 7u;
	for (size_t i = 1; i < n; i++)
		v = v << 6 | ((unsigned char)b.p[i] & 63u);
	*ret_n = n;
	return v;
}

/* Small letters of Cyrillic and Greek; the accents of Greek go. */
static unsigned long
small_letter(unsigned long c)
{
	if (c >= 0x410 && c <= 0x42f)
		return c + 0x20;
	if (c >= 0x400 && c <= 0x40f)
		return c + 0x50;
	if (c >= 0x391 && c <= 0x3a9)
		c += 0x20;
	return c == 0x3ac                 ? 0x3b1
	       : c == 0x3af || c == 0x3ca ? 0x3b9
	       : c == 0x390 || c == 0x38a ? 0x3b9
	       : c == 0x3cd               ? 0x3c5
					  : c;
}

static void
add_char(struct date_token *t, char c)
{
	size_t n = strlen(t->word);

	if (n + 1 < sizeof(t->word))
		t->word[n] = c;
}

static void
add_letter(struct date_token *t, unsigned long c)
{
	char plain = str_plain_letter((uint32_t)c);

	c = small_letter(c);
	if (c < 0x80 || plain != '\0') {
		add_char(t, plain != '\0' ? plain : (char)c);
		return;
	}
	if (c < 0x800) {
		add_char(t, (char)(0xc0 | c >> 6));
	} else {
		add_char(t, (char)(0xe0 | (c >> 12 & 15)));
		add_char(t, (char)(0x80 | (c >> 6 & 63)));
	}
	add_char(t, (char)(0x80 | (c & 63)));
}

static struct date_token *
token_for(struct date_text *x, enum date_token_kind kind, bool is_glued)
{
	struct date_token *last = x->n > 0 ? &x->t[x->n - 1] : NULL;

	if (is_glued && last != NULL && last->kind == kind &&
	    kind != DATE_TOKEN_MARK)
		return last;
	if (x->n == DATE_TOKENS_MAX) {
		x->is_bad = true;
		return last;
	}
	x->t[x->n] = (struct date_token) { .kind = kind, .is_glued = is_glued };
	return &x->t[x->n++];
}

static void
put_char(struct date_text *x, unsigned long c, bool *is_glued)
{
	struct date_token *t;

	if (c <= ' ' || c == 0x7f) {
		*is_glued = false;
		return;
	}
	if (c < 0x80 && ascii_is_digit((char)c)) {
		t = token_for(x, DATE_TOKEN_NUMBER, *is_glued);
		t->value = t->value * 10 + (int64_t)(c - '0');
		x->is_bad |= ++t->digits > 15;
	} else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
		add_char(token_for(x, DATE_TOKEN_WORD, *is_glued),
		    (char)(c >= 'a' ? c : c + 32));
	} else if (c < 0x80) {
		add_char(token_for(x, DATE_TOKEN_MARK, *is_glued), (char)c);
	} else {
		add_letter(token_for(x, DATE_TOKEN_WORD, *is_glued), c);
	}
	*is_glued = true;
}

void
date_text_cut(struct date_text *ret, struct bytes b)
{
	bool is_utf8 = str_is_utf8(b), is_glued = false;
	size_t n, depth = 0;

	*ret = (struct date_text) { .n = 0 };
	for (; b.n > 0 && !ret->is_bad; b = bytes_of(b.p + n, b.n - n)) {
		unsigned long c = character(b, is_utf8, &n);
		const char *text = meaning_of(c);

		if (c == '(' || (c == ')' && depth > 0)) {
			depth += c == '(' ? 1 : (size_t)-1;
			is_glued = false;
		} else if (depth > 0) {
			continue;
		} else if (text != NULL) {
			for (; *text != '\0'; text++)
				put_char(ret, (unsigned char)*text, &is_glued);
		} else {
			put_char(ret, c, &is_glued);
		}
	}
}

/* --- names ---------------------------------------------------------------- */

/* By month; "*": whatever follows.  What means two months, or a month in one
 * language and another month in the next, is left out (Polish "lipiec" is July,
 * Croatian "lipanj" June). */
static const char *const month_names[12] = {
	"jan* ian* gen* ene* sty* led* oca* tammi* "
	"\xd1\x8f\xd0\xbd\xd0\xb2* \xd1\x81\xd1\x96\xd1\x87* "
	"\xce\xb9\xce\xb1\xce\xbd*",
	"feb* fev* sub* lut* uno* helmi* \xd1\x84\xd0\xb5\xd0\xb2* "
	"\xd0\xbb\xd1\x8e\xd1\x82* \xcf\x86\xce\xb5\xce\xb2*",
	"mar mars marz marzo marts maart mart martie marc* maerz mrz mrt bre* "
	"maalis* \xd0\xbc\xd0\xb0\xd1\x80* \xd0\xb1\xd0\xb5\xd1\x80* "
	"\xce\xbc\xce\xb1\xcf\x81*",
	"apr* avr* abr* nis* kwi* dub* huhti* \xd0\xb0\xd0\xbf\xd1\x80* "
	"\xd0\xba\xd0\xb2\xd1\x96* \xce\xb1\xcf\x80\xcf\x81*",
	"may* mai maj* mei mag maggio maio kve* touko* "
	"\xd0\xbc\xd0\xb0\xd0\xb9 "
	"\xd0\xbc\xd0\xb0\xd1\x8f \xd1\x82\xd1\x80\xd0\xb0* "
	"\xce\xbc\xce\xb1\xce\xb9*",
	"jun* juin giu* iun* haz* cze* cvn cerven cervna kesa* "
	"\xd0\xb8\xd1\x8e\xd0\xbd* \xd1\x87\xd0\xb5\xd1\x80* "
	"\xce\xb9\xce\xbf\xcf\x85\xce\xbd*",
	"jul* juil* lug* iul* tem* lipca lipiec cvc cervenec cervence heina* "
	"\xd0\xb8\xd1\x8e\xd0\xbb* \xd0\xbb\xd0\xb8\xd0\xbf* "
	"\xce\xb9\xce\xbf\xcf\x85\xce\xbb*",
	"aug* aou* ago* agu* sie* srpna srpen elo* \xd0\xb0\xd0\xb2\xd0\xb3* "
	"\xd1\x81\xd0\xb5\xd1\x80\xd0\xbf* \xce\xb1\xcf\x85\xce\xb3*",
	"sep* set* szept* wrz* zar* eyl* syys* \xd1\x81\xd0\xb5\xd0\xbd* "
	"\xd0\xb2\xd0\xb5\xd1\x80* \xcf\x83\xce\xb5\xcf\x80*",
	"oct* okt* ott* out* eki* paz pazdz* rij* loka* "
	"\xd0\xbe\xd0\xba\xd1\x82* \xd0\xb6\xd0\xbe\xd0\xb2* "
	"\xce\xbf\xce\xba\xcf\x84*",
	"nov* noi* kas* listopadu marras* \xd0\xbd\xd0\xbe\xd1\x8f* "
	"\xd0\xbb\xd0\xb8\xd1\x81* \xce\xbd\xce\xbf\xce\xb5*",
	"dec* dez* des* dic* ara* gru* pro* joulu* \xd0\xb4\xd0\xb5\xd0\xba* "
	"\xd0\xb3\xd1\x80\xd1\x83* \xce\xb4\xce\xb5\xce\xba*",
};

/* Minutes to the east. */
static const struct zone {
	const char *name;
	int minutes;
} zones[] = {
	{ "z", 0 },
	{ "ut", 0 },
	{ "utc", 0 },
	{ "uct", 0 },
	{ "gmt", 0 },
	{ "wet", 0 },
	{ "west", 60 },
	{ "bst", 60 },
	{ "cet", 60 },
	{ "cest", 120 },
	{ "met", 60 },
	{ "mest", 120 },
	{ "mez", 60 },
	{ "mesz", 120 },
	{ "eet", 120 },
	{ "eest", 180 },
	{ "msk", 180 },
	{ "sast", 120 },
	{ "jst", 540 },
	{ "kst", 540 },
	{ "awst", 480 },
	{ "aest", 600 },
	{ "aedt", 660 },
	{ "nzst", 720 },
	{ "nzdt", 780 },
	{ "est", -300 },
	{ "edt", -240 },
	{ "cst", -360 },
	{ "cdt", -300 },
	{ "mst", -420 },
	{ "mdt", -360 },
	{ "pst", -480 },
	{ "pdt", -420 },
	{ "akst", -540 },
	{ "akdt", -480 },
	{ "hst", -600 },
};

static bool
is_in(const char *list, const char *word)
{
	while (*list != '\0') {
		size_t n = strcspn(list, " ");
		bool is_start = list[n - 1] == '*';

		if (is_start ? strncmp(word, list, n - 1) == 0
			     : strlen(word) == n && memcmp(word, list, n) == 0)
			return true;
		list += n;
		list += *list == ' ';
	}
	return false;
}

int64_t
date_token_month(const struct date_token *t)
{
	for (int64_t i = 0; t->kind == DATE_TOKEN_WORD && i < 12; i++)
		if (is_in(month_names[i], t->word))
			return i + 1;
	return 0;
}

bool
date_token_zone(const struct date_token *t, int64_t *ret_minutes)
{
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (t->kind == DATE_TOKEN_WORD &&
		    strcmp(t->word, zones[i].name) == 0) {
			*ret_minutes = zones[i].minutes;
			return true;
		}
	return false;
}
