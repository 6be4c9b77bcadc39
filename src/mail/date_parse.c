/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/date_parse.h"

#include <stddef.h>
#include <string.h>

#include "base/ascii.h"
#include "base/str.h"

enum {
	TEXT_MAX = 256, /* longer is no date */
	TOKENS_MAX = 64,
	WORD_SIZE = 32,
	YEAR_MIN = 1900,
	YEAR_MAX = 9999,
	ZONE_MAX_MIN = 14 * 60
};

/* --- the calendar --------------------------------------------------------- */

struct moment {
	int64_t year, month, day, hour, minute, second;
};

static bool
is_leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int64_t
days_in(int64_t year, int64_t month)
{
	static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

static int64_t
days_before(int64_t year)
{
	int64_t y = year - 1;

	return y * 365 + y / 4 - y / 100 + y / 400;
}

/* Since 1970-01-01; a Thursday. */
static int64_t
day_number(const struct moment *m)
{
	int64_t n = days_before(m->year) - days_before(1970) + m->day - 1;

	for (int64_t k = 1; k < m->month; k++)
		n += days_in(m->year, k);
	return n;
}

/* 0: Sunday. */
static int64_t
weekday(int64_t day)
{
	return ((day + 4) % 7 + 7) % 7;
}

/* RFC 5322 3.3: the year; 60 is a leap second. */
static bool
exists(const struct moment *m)
{
	bool is_midnight = m->hour == 24 && m->minute == 0 && m->second == 0;

	return m->year >= YEAR_MIN && m->year <= YEAR_MAX && m->month >= 1 &&
	       m->month <= 12 && m->day >= 1 &&
	       m->day <= days_in(m->year, m->month) &&
	       (m->hour <= 23 || is_midnight) && m->minute <= 59 &&
	       m->second <= 60;
}

/* --- as it must be -------------------------------------------------------- */

struct scan {
	struct bytes rest;
	bool is_bad;
};

/* RFC 5322 3.2.2, comments within comments without recursion. */
static void
skip_cfws(struct scan *s)
{
	size_t i = 0, depth = 0;

	for (; i < s->rest.n; i++) {
		char c = s->rest.p[i];

		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (c == '\\' && depth > 0)
			i++;
		else if (depth == 0 && strchr(" \t\r\n", c) == NULL)
			break;
	}
	s->is_bad |= depth > 0 || i > s->rest.n;
	i = i < s->rest.n ? i : s->rest.n;
	s->rest = bytes_of(s->rest.p + i, s->rest.n - i);
}

static char
look(const struct scan *s)
{
	return s->rest.n > 0 ? s->rest.p[0] : '\0';
}

static bool
take_char(struct scan *s, char c)
{
	if (look(s) != c || s->rest.n == 0)
		return false;
	s->rest = bytes_of(s->rest.p + 1, s->rest.n - 1);
	return true;
}

/* A number of least to most digits. */
static int64_t
number(struct scan *s, size_t least, size_t most)
{
	int64_t v = 0;
	size_t n = 0;

	while (n < most && ascii_is_digit(look(s))) {
		v = v * 10 + (look(s) - '0');
		IGNORE(take_char(s, look(s)));
		n++;
	}
	s->is_bad |= n < least || ascii_is_digit(look(s));
	return v;
}

/* Which of the names of three letters, from 0; -1: none of them. */
static int64_t
name(struct scan *s, const char *names)
{
	for (int64_t i = 0; names[3 * i] != '\0'; i++) {
		char one[4] = { names[3 * i], names[3 * i + 1],
			names[3 * i + 2] };

		if (bytes_has_prefix_nocase(s->rest, one)) {
			s->rest = bytes_of(s->rest.p + 3, s->rest.n - 3);
			return i;
		}
	}
	return -1;
}

bool
date_is_strict(struct bytes value)
{
	struct scan s = { .rest = value };
	struct moment m = { 0 };
	int64_t day = -1, zone;

	if (value.n > TEXT_MAX || !str_is_ascii(value))
		return false;
	skip_cfws(&s);
	if (!ascii_is_digit(look(&s))) {
		day = name(&s, "SunMonTueWedThuFriSat");
		s.is_bad |= day < 0;
		skip_cfws(&s);
		s.is_bad |= !take_char(&s, ',');
		skip_cfws(&s);
	}
	m.day = number(&s, 1, 2);
	skip_cfws(&s);
	m.month = name(&s, "JanFebMarAprMayJunJulAugSepOctNovDec") + 1;
	skip_cfws(&s);
	m.year = number(&s, 4, 4);
	skip_cfws(&s);
	m.hour = number(&s, 2, 2);
	s.is_bad |= !take_char(&s, ':');
	m.minute = number(&s, 2, 2);
	if (take_char(&s, ':'))
		m.second = number(&s, 2, 2);
	skip_cfws(&s);
	s.is_bad |= !take_char(&s, '+') && !take_char(&s, '-');
	zone = number(&s, 4, 4);
	skip_cfws(&s);
	return !s.is_bad && s.rest.n == 0 && zone % 100 <= 59 && exists(&m) &&
	       m.hour <= 23 && (day < 0 || day == weekday(day_number(&m)));
}

/* --- as it is: tokens ----------------------------------------------------- */

enum token_kind { NUMBER = 0, WORD, MARK };

struct token {
	enum token_kind kind;
	bool is_glued; /* nothing stands in front of it */
	bool is_used;
	int64_t value; /* NUMBER */
	size_t digits;
	char word[WORD_SIZE]; /* small letters without accents; or one mark */
};

struct text {
	struct token t[TOKENS_MAX];
	size_t n;
	bool is_bad;
};

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
add_char(struct token *t, char c)
{
	size_t n = strlen(t->word);

	if (n + 1 < sizeof(t->word))
		t->word[n] = c;
}

static void
add_letter(struct token *t, unsigned long c)
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

static struct token *
token_for(struct text *x, enum token_kind kind, bool is_glued)
{
	struct token *last = x->n > 0 ? &x->t[x->n - 1] : NULL;

	if (is_glued && last != NULL && last->kind == kind && kind != MARK)
		return last;
	if (x->n == TOKENS_MAX) {
		x->is_bad = true;
		return last;
	}
	x->t[x->n] = (struct token) { .kind = kind, .is_glued = is_glued };
	return &x->t[x->n++];
}

static void
put_char(struct text *x, unsigned long c, bool *is_glued)
{
	struct token *t;

	if (c <= ' ' || c == 0x7f) {
		*is_glued = false;
		return;
	}
	if (c < 0x80 && ascii_is_digit((char)c)) {
		t = token_for(x, NUMBER, *is_glued);
		t->value = t->value * 10 + (int64_t)(c - '0');
		x->is_bad |= ++t->digits > 15;
	} else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
		add_char(token_for(x, WORD, *is_glued),
		    (char)(c >= 'a' ? c : c + 32));
	} else if (c < 0x80) {
		add_char(token_for(x, MARK, *is_glued), (char)c);
	} else {
		add_letter(token_for(x, WORD, *is_glued), c);
	}
	*is_glued = true;
}

/* Comments are left out; their text may be anything. */
static void
cut(struct text *x, struct bytes b)
{
	bool is_utf8 = str_is_utf8(b), is_glued = false;
	size_t n, depth = 0;

	for (; b.n > 0 && !x->is_bad; b = bytes_of(b.p + n, b.n - n)) {
		unsigned long c = character(b, is_utf8, &n);
		const char *text = meaning_of(c);

		if (c == '(' || (c == ')' && depth > 0)) {
			depth += c == '(' ? 1 : (size_t)-1;
			is_glued = false;
		} else if (depth > 0) {
			continue;
		} else if (text != NULL) {
			for (; *text != '\0'; text++)
				put_char(x, (unsigned char)*text, &is_glued);
		} else {
			put_char(x, c, &is_glued);
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

static int64_t
month_of(const char *word)
{
	for (int64_t i = 0; i < 12; i++)
		if (is_in(month_names[i], word))
			return i + 1;
	return 0;
}

/* --- as it is: what the tokens mean --------------------------------------- */

static const struct token *
at(const struct text *x, size_t i)
{
	static const struct token none = { .kind = MARK };

	return i < x->n ? &x->t[i] : &none;
}

static bool
is_mark(const struct text *x, size_t i, char c)
{
	return at(x, i)->kind == MARK && at(x, i)->word[0] == c;
}

static bool
is_number(const struct text *x, size_t i)
{
	return i < x->n && at(x, i)->kind == NUMBER && !at(x, i)->is_used;
}

static bool
is_word(const struct text *x, size_t i, const char *word)
{
	return at(x, i)->kind == WORD && strcmp(at(x, i)->word, word) == 0;
}

static void
use(struct text *x, size_t from, size_t n)
{
	for (size_t i = from; i < from + n && i < x->n; i++)
		x->t[i].is_used = true;
}

/* "AM", "p.m." behind a time; returns how many tokens that is. */
static size_t
half_day(const struct text *x, size_t i, bool *ret_is_pm)
{
	if (is_word(x, i, "am") || is_word(x, i, "pm")) {
		*ret_is_pm = at(x, i)->word[0] == 'p';
		return 1;
	}
	if ((is_word(x, i, "a") || is_word(x, i, "p")) &&
	    is_mark(x, i + 1, '.') && is_word(x, i + 2, "m")) {
		*ret_is_pm = at(x, i)->word[0] == 'p';
		return is_mark(x, i + 3, '.') ? 4 : 3;
	}
	return 0;
}

/* Morning or afternoon as it stands in front, in Korean, Chinese, Japanese. */
static void
half_day_before(const struct text *x, int64_t *hour)
{
	for (size_t i = 0; i < x->n; i++) {
		const char *w = at(x, i)->word;
		bool is_pm = strcmp(w, "\xec\x98\xa4\xed\x9b\x84") == 0 ||
			     strcmp(w, "\xe4\xb8\x8b\xe5\x8d\x88") == 0 ||
			     strcmp(w, "\xe5\x8d\x88\xe5\xbe\x8c") == 0;
		bool is_am = strcmp(w, "\xec\x98\xa4\xec\xa0\x84") == 0 ||
			     strcmp(w, "\xe4\xb8\x8a\xe5\x8d\x88") == 0 ||
			     strcmp(w, "\xe5\x8d\x88\xe5\x89\x8d") == 0;

		if (is_pm && *hour < 12)
			*hour += 12;
		if (is_am && *hour == 12)
			*hour = 0;
	}
}

/* hh:mm[:ss[.fraction]]; returns where it ends, 0: there is none. */
static size_t
find_time(struct text *x, struct moment *m)
{
	size_t i = 0, start;
	bool is_pm;

	while (i < x->n && !(is_number(x, i) && is_mark(x, i + 1, ':') &&
			       is_number(x, i + 2)))
		i++;
	if (i >= x->n)
		return 0;
	start = i;
	m->hour = at(x, i)->value;
	m->minute = at(x, i + 2)->value;
	i += 3;
	if (is_mark(x, i, ':') && is_number(x, i + 1)) {
		m->second = at(x, i + 1)->value;
		i += 2;
		if ((is_mark(x, i, '.') || is_mark(x, i, ',')) &&
		    is_number(x, i + 1) && at(x, i + 1)->is_glued)
			i += 2;
	}
	if (half_day(x, i, &is_pm) > 0) {
		if (m->hour < 1 || m->hour > 12)
			x->is_bad = true;
		m->hour = m->hour % 12 + (is_pm ? 12 : 0);
		i += half_day(x, i, &is_pm);
	}
	half_day_before(x, &m->hour);
	use(x, start, i - start);
	return i;
}

/* +hh:mm, +hhmm, +hh or +h from i on; returns where it ends, 0: there is none. */
static size_t
find_offset(struct text *x, size_t i, int64_t *ret_minutes)
{
	bool is_minus = is_mark(x, i, '-');
	int64_t v = at(x, i + 1)->value, minutes;
	size_t end = i + 2;

	if ((!is_minus && !is_mark(x, i, '+')) || !is_number(x, i + 1) ||
	    !at(x, i + 1)->is_glued)
		return 0;
	if (at(x, i + 1)->digits > 2) {
		minutes = v / 100 * 60 + v % 100;
		x->is_bad |= v % 100 > 59;
	} else {
		minutes = v * 60;
		if (is_mark(x, end, ':') && is_number(x, end + 1)) {
			minutes += at(x, end + 1)->value;
			end += 2;
		} else if (is_mark(x, end, '.') || is_mark(x, end, '/') ||
			   is_mark(x, end, '-')) {
			return 0; /* a date */
		}
	}
	if (minutes > ZONE_MAX_MIN)
		return 0;
	*ret_minutes = is_minus ? -minutes : minutes;
	use(x, i, end - i);
	return end;
}

/* Behind the time.  A name may stand further on: "00:42:02 CEST 2022". */
static void
find_zone(struct text *x, size_t i, int64_t *minutes)
{
	if (find_offset(x, i, minutes) > 0)
		return;
	for (size_t k = i; k < x->n; k++)
		for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++)
			if (is_word(x, k, zones[z].name)) {
				*minutes = zones[z].minutes;
				use(x, k, 1);
				IGNORE(find_offset(x, k + 1, minutes) > 0);
				return;
			}
	for (size_t k = i + 1; k < x->n; k++)
		if (is_mark(x, k, '+') && find_offset(x, k, minutes) > 0)
			return;
}

/* The year that two or three digits mean: RFC 5322 4.3. */
static int64_t
full_year(const struct token *t)
{
	if (t->digits >= 4)
		return t->value;
	if (t->digits == 3)
		return 1900 + t->value;
	return t->value + (t->value < 50 ? 2000 : 1900);
}

/* 0: no word is a month, or two are.  "mar" is a Tuesday and "paz" a Sunday where
 * another word is a month. */
static int64_t
find_month(const struct text *x, size_t *ret_at)
{
	int64_t sure = 0, weak = 0;

	for (size_t i = 0; i < x->n; i++) {
		const struct token *t = at(x, i);
		int64_t month = t->kind == WORD && !t->is_used
				    ? month_of(t->word)
				    : 0;

		if (month == 0)
			continue;
		if (is_word(x, i, "mar") || is_word(x, i, "paz")) {
			weak = weak == 0 || weak == month ? month : -1;
			*ret_at = sure == 0 ? i : *ret_at;
		} else if (sure == 0) {
			sure = month;
			*ret_at = i;
		} else {
			return 0;
		}
	}
	return sure != 0 ? sure : weak > 0 ? weak : 0;
}

/* The numbers that are left, at most most; false: there are more. */
static bool
numbers_left(const struct text *x, size_t *to, size_t most, size_t *ret_n)
{
	*ret_n = 0;
	for (size_t i = 0; i < x->n; i++) {
		if (!is_number(x, i))
			continue;
		if (*ret_n == most)
			return false;
		to[(*ret_n)++] = i;
	}
	return true;
}

static bool
date_with_name(const struct text *x, int64_t month, struct moment *m)
{
	const struct token *a, *b;
	size_t left[2], n;

	if (!numbers_left(x, left, 2, &n) || n < 2)
		return false;
	a = at(x, left[0]);
	b = at(x, left[1]);
	if (a->digits > 2) { /* the year first */
		const struct token *t = a;

		a = b;
		b = t;
	}
	if (a->digits > 2 || b->digits > 4)
		return false;
	m->month = month;
	m->day = a->value;
	m->year = full_year(b);
	return true;
}

/* Three numbers; false: they can be read in two ways. */
static bool
date_with_numbers(const struct text *x, const size_t *i, struct moment *m)
{
	const struct token *a = at(x, i[0]), *b = at(x, i[1]), *c = at(x, i[2]);
	char mark = at(x, i[0] + 1)->word[0];

	if (i[1] != i[0] + 2 || i[2] != i[1] + 2 ||
	    !is_mark(x, i[0] + 1, mark) || !is_mark(x, i[1] + 1, mark) ||
	    strchr("-/.", mark) == NULL || b->digits > 2)
		return false;
	if (a->digits == 4 && c->digits <= 2) {
		*m = (struct moment) { a->value, b->value, c->value, m->hour,
			m->minute, m->second };
		return true;
	}
	if (a->digits > 2 ||
	    (c->digits != 4 && !(mark == '.' && c->digits == 2)))
		return false;
	m->year = full_year(c);
	m->day = a->value;
	m->month = b->value;
	if (mark == '.' || a->value > 12 || a->value == b->value)
		return true;
	m->day = b->value;
	m->month = a->value;
	return b->value > 12;
}

/* From the day of the year. */
static bool
set_ordinal(struct moment *m, int64_t day)
{
	if (day < 1 || day > 365 + is_leap(m->year))
		return false;
	for (m->month = 1; day > days_in(m->year, m->month); m->month++)
		day -= days_in(m->year, m->month);
	m->day = day;
	return true;
}

/* ISO 8601: the first week is that of 4 January. */
static bool
set_week(struct moment *m, int64_t week, int64_t day)
{
	struct moment jan4 = { m->year, 1, 4, 0, 0, 0 };
	int64_t ordinal = 4 - (weekday(day_number(&jan4)) + 6) % 7 +
			  (week - 1) * 7 + day - 1;

	if (week < 1 || week > 53 || day < 1 || day > 7)
		return false;
	if (ordinal < 1) {
		m->year--;
		ordinal += 365 + is_leap(m->year);
	} else if (ordinal > 365 + is_leap(m->year)) {
		ordinal -= 365 + is_leap(m->year);
		m->year++;
	}
	return set_ordinal(m, ordinal);
}

static bool
is_year(int64_t y)
{
	return y >= YEAR_MIN && y <= YEAR_MAX;
}

/* 2022-W21-5, 2022W215, 2022-147, 2022147. */
static bool
date_of_week(const struct text *x, const size_t *i, size_t n, struct moment *m)
{
	int64_t v;

	if (n == 0)
		return false;
	v = at(x, i[0])->value;
	if (n == 1 && at(x, i[0])->digits == 7 && is_year(v / 1000)) {
		m->year = v / 1000;
		return set_ordinal(m, v % 1000);
	}
	if (n < 2 || at(x, i[0])->digits != 4 || !is_year(v))
		return false;
	m->year = v;
	v = at(x, i[1])->value;
	if (is_word(x, i[1] - 1, "w") && at(x, i[1])->is_glued) {
		if (n == 2 && at(x, i[1])->digits == 3)
			return set_week(m, v / 10, v % 10);
		return n == 3 && set_week(m, v, at(x, i[2])->value);
	}
	return n == 2 && is_mark(x, i[0] + 1, '-') && i[1] == i[0] + 2 &&
	       at(x, i[1])->digits == 3 && set_ordinal(m, v);
}

/* 20220527T004202, 20220527004202, 20220527; takes the time, too. */
static bool
date_compact(struct text *x, const size_t *i, size_t n, struct moment *m)
{
	const struct token *a = at(x, i[0]), *b = n > 1 ? at(x, i[1]) : a;
	int64_t v = a->value, time = 0;

	if (n == 0 || n > 3 || (a->digits != 8 && a->digits != 14))
		return false;
	if (a->digits == 14) {
		time = v % 1000000;
		v /= 1000000;
	} else if (n > 1 && (b->digits == 6 || b->digits == 4)) {
		time = b->digits == 6 ? b->value : b->value * 100;
		use(x, i[1], 1);
	} else if (n > 1) {
		return false;
	}
	if (time > 0) {
		m->hour = time / 10000;
		m->minute = time / 100 % 100;
		m->second = time % 100;
	}
	m->year = v / 10000;
	m->month = v / 100 % 100;
	m->day = v % 100;
	use(x, i[0], 1);
	return true;
}

static bool
find_date(struct text *x, struct moment *m)
{
	size_t left[3], n, month_at = 0;
	int64_t month = find_month(x, &month_at);

	if (month > 0)
		return date_with_name(x, month, m);
	if (!numbers_left(x, left, 3, &n))
		return false;
	return (n == 3 && date_with_numbers(x, left, m)) ||
	       date_of_week(x, left, n, m) ||
	       (n > 0 && date_compact(x, left, n, m));
}

/* Seconds since 1970, as "date +%s" writes them. */
static bool
is_epoch(const struct text *x, int64_t *ret_s)
{
	size_t i = is_mark(x, 0, '@');

	if (!is_number(x, i) || at(x, i)->digits < 9 || at(x, i)->digits > 10 ||
	    (x->n > i + 1 && !(is_mark(x, i + 1, '.') && x->n == i + 3)))
		return false;
	*ret_s = at(x, i)->value;
	return true;
}

/* Behind 20220527T004202 or 20220527004202. */
static void
find_compact_zone(struct text *x, int64_t *minutes)
{
	if (at(x, 0)->digits == 14)
		find_zone(x, 1, minutes);
	else if (at(x, 0)->digits == 8 && is_word(x, 1, "t"))
		find_zone(x, 3, minutes);
}

bool
date_parse(struct bytes value, int32_t utc_offset_s, int64_t *ret_wall_ms,
    int32_t *ret_utc_offset_s)
{
	int64_t minutes = utc_offset_s / 60, s;
	struct text x = { .n = 0 };
	struct moment m = { 0 };
	size_t end;

	value = bytes_trim(value);
	if (value.n > TEXT_MAX)
		return false;
	cut(&x, value);
	if (x.is_bad)
		return false;
	if (is_epoch(&x, &s)) {
		*ret_wall_ms = s * 1000;
		*ret_utc_offset_s = utc_offset_s;
		return true;
	}
	end = find_time(&x, &m);
	if (end > 0)
		find_zone(&x, end, &minutes);
	else
		find_compact_zone(&x, &minutes);
	if (x.is_bad || !find_date(&x, &m) || x.is_bad || !exists(&m))
		return false;
	s = ((day_number(&m) * 24 + m.hour) * 60 + m.minute) * 60 + m.second;
	*ret_wall_ms = (s - minutes * 60) * 1000;
	*ret_utc_offset_s = (int32_t)(minutes * 60);
	return true;
}
