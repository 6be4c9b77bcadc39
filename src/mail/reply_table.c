/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/reply_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"

/* Sets of stages. */
enum {
	AT_CONNECT = 1u << STAGE_CONNECT | 1u << STAGE_TLS |
		     1u << STAGE_GREETING | 1u << STAGE_EHLO,
	AT_AUTH = 1u << STAGE_AUTH,
	AT_RCPT = 1u << STAGE_RCPT,
	AT_CONTENT = 1u << STAGE_DATA | 1u << STAGE_END,
	AT_MESSAGE = 1u << STAGE_MAIL | AT_RCPT | AT_CONTENT,
	AT_ANY = AT_CONNECT | AT_AUTH | AT_MESSAGE
};

static const struct {
	const char *word;
	unsigned stages;
} stage_words[] = {
	{ "*", AT_ANY },
	{ "connect", AT_CONNECT },
	{ "auth", AT_AUTH },
	{ "mail", 1u << STAGE_MAIL },
	{ "rcpt", AT_RCPT },
	{ "data", AT_CONTENT },
	{ "message", AT_MESSAGE },
};

/* What may be done where: nobody's mail fails over a login. */
static const struct {
	const char *word;
	unsigned stages;
	enum diagnosis_act act;
} acts[] = {
	{ "retry", AT_MESSAGE, DIAGNOSIS_RETRY },
	{ "split", AT_RCPT, DIAGNOSIS_SPLIT },
	{ "split-domains", AT_MESSAGE, DIAGNOSIS_SPLIT_DOMAINS },
	{ "reconnect", AT_MESSAGE, DIAGNOSIS_RECONNECT },
	{ "next-mechanism", AT_AUTH, DIAGNOSIS_NEXT_MECHANISM },
	{ "pause", AT_ANY, DIAGNOSIS_PAUSE },
	{ "quota", AT_ANY, DIAGNOSIS_QUOTA },
	{ "hold-account", AT_ANY, DIAGNOSIS_HOLD_ACCOUNT },
	{ "hold-message", AT_MESSAGE, DIAGNOSIS_HOLD_MESSAGE },
	{ "fail", AT_MESSAGE, DIAGNOSIS_FAIL },
};

enum {
	ROWS_MAX = 2000,
	CAUSE_MAX = 240, /* and a provider's name in front */
	PROVIDER_MAX = 24,
	HOST_MAX = 128,
	PAUSE_MAX_MS = 24 * 60 * 60 * 1000,
	FOLDED_MAX = 2 * VERDICT_TEXT_MAX
};

/* All pieces are pieces of the text. */
struct reply_provider {
	struct bytes name;
	struct bytes hosts; /* patterns */
};

enum word_kind { WORDS_TEXT, WORDS_OR, WORDS_NOT };

struct reply_words {
	enum word_kind kind;
	struct bytes any; /* "one|two words" */
};

struct reply_row {
	struct bytes provider; /* its name, or empty */
	struct bytes hosts; /* patterns, or empty: any */
	bool is_telling; /* fits although the host is not known */
	bool needs_login;
	unsigned stages;
	struct bytes codes, enhanced;
	size_t words, nwords; /* into the table's */
	enum diagnosis_act act;
	int64_t pause_ms;
	struct bytes cause, remedy;
};

struct reply_table {
	const struct reply_table *base;
	struct reply_provider *providers;
	size_t nproviders;
	struct reply_row *rows;
	size_t nrows;
	struct reply_words *words;
	size_t nwords;
};

/* --- reading -------------------------------------------------------------- */

static struct bytes
cut_word(struct bytes *line)
{
	struct bytes w = *line = bytes_trim(*line);

	w.n = 0;
	while (w.n < line->n && line->p[w.n] != ' ' && line->p[w.n] != '\t')
		w.n++;
	line->p += w.n;
	line->n -= w.n;
	return w;
}

static const struct reply_provider *
find_provider(const struct reply_table *t, struct bytes name)
{
	for (; t != NULL; t = t->base)
		for (size_t i = 0; i < t->nproviders; i++)
			if (bytes_same_nocase(t->providers[i].name, name))
				return &t->providers[i];
	return NULL;
}

static int
parse_provider(struct reply_table *t, struct bytes line, struct err *err)
{
	struct reply_provider p;

	p.name = cut_word(&line);
	p.hosts = bytes_trim(line);
	if (p.hosts.n == 0)
		return err_set(
		    err, ERR_CONFIG, "expected provider NAME HOST ...");
	if (p.name.n > PROVIDER_MAX)
		return err_set(err, ERR_CONFIG,
		    "the name of a provider has at most %d characters",
		    PROVIDER_MAX);
	t->providers = xrealloc(
	    t->providers, t->nproviders + 1, sizeof(*t->providers));
	t->providers[t->nproviders++] = p;
	return 0;
}

/* "*", "NAME", "NAME?" or a pattern for host names. */
static int
parse_host(const struct reply_table *t, struct bytes word,
    struct reply_row *row, struct err *err)
{
	const struct reply_provider *p;

	if (bytes_eq(word, "*"))
		return 0;
	if (word.p[word.n - 1] == '?') {
		row->is_telling = true;
		word.n--;
	}
	p = find_provider(t, word);
	if (p != NULL) {
		row->provider = p->name;
		row->hosts = p->hosts;
		return 0;
	}
	if (row->is_telling || memchr(word.p, '.', word.n) == NULL)
		return err_set(err, ERR_CONFIG,
		    "\"%.*s\" is neither a provider that was named before nor "
		    "a host",
		    (int)word.n, word.p);
	row->hosts = word;
	return 0;
}

static int
parse_stages(struct bytes word, struct reply_row *row, struct err *err)
{
	while (word.n > 0) {
		struct bytes one = bytes_cut(&word, ',');
		size_t i = 0, n = sizeof(stage_words) / sizeof(stage_words[0]);

		if (bytes_eq(one, "login")) {
			row->needs_login = true;
			continue;
		}
		while (i < n && !bytes_eq(one, stage_words[i].word))
			i++;
		if (i == n)
			return err_set(err, ERR_CONFIG,
			    "\"%.*s\" is not connect, auth, mail, rcpt, data, "
			    "message or login",
			    (int)one.n, one.p);
		row->stages |= stage_words[i].stages;
	}
	if (row->stages == 0)
		row->stages = AT_ANY;
	return 0;
}

static bool
is_made_of(struct bytes b, const char *set)
{
	for (size_t i = 0; i < b.n; i++)
		if (strchr(set, b.p[i]) == NULL)
			return false;
	return true;
}

/* "550,4xx" or "*". */
static bool
is_codes(struct bytes word)
{
	if (bytes_eq(word, "*"))
		return true;
	while (word.n > 0) {
		struct bytes one = bytes_cut(&word, ',');

		if (one.n != 3 || (one.p[0] != '4' && one.p[0] != '5') ||
		    !is_made_of(one, "0123456789x"))
			return false;
	}
	return true;
}

/* "x.7.1,5.2.2" or "*". */
static bool
is_enhanced(struct bytes word)
{
	if (bytes_eq(word, "*"))
		return true;
	while (word.n > 0) {
		struct bytes one = bytes_cut(&word, ',');
		size_t dots = 0;

		for (size_t i = 0; i < one.n; i++)
			dots += one.p[i] == '.';
		if (one.n < 5 || dots != 2 || !is_made_of(one, "0123456789x."))
			return false;
	}
	return true;
}

static int
parse_act(struct bytes line, struct reply_row *row, struct err *err)
{
	struct bytes word = cut_word(&line), pause = cut_word(&line);
	size_t i = 0, n = sizeof(acts) / sizeof(acts[0]);

	while (i < n && !bytes_eq(word, acts[i].word))
		i++;
	if (i == n)
		return err_set(err, ERR_CONFIG, "unknown action \"%.*s\"",
		    (int)word.n, word.p);
	row->act = acts[i].act;
	if (row->stages != AT_ANY && (row->stages & ~acts[i].stages) != 0)
		return err_set(err, ERR_CONFIG,
		    "%s cannot be the answer at that stage", acts[i].word);
	row->stages &= acts[i].stages;
	if ((row->act == DIAGNOSIS_QUOTA) != (pause.n > 0))
		return err_set(err, ERR_CONFIG,
		    row->act == DIAGNOSIS_QUOTA
			? "expected how long to wait after quota, such as 1h"
			: "only quota is followed by how long to wait");
	if (pause.n > 0 &&
	    (!num_duration_ms(pause, &row->pause_ms) || row->pause_ms < 1000 ||
		row->pause_ms > PAUSE_MAX_MS))
		return err_set(err, ERR_CONFIG,
		    "\"%.*s\" is not a time from 1s to 1d", (int)pause.n,
		    pause.p);
	if (bytes_trim(line).n > 0)
		return err_set(err, ERR_CONFIG, "too many fields on this line");
	return 0;
}

static int
parse_row(struct reply_table *t, struct bytes line, struct err *err)
{
	struct reply_row row = { .words = t->nwords };
	struct bytes host = cut_word(&line), stages = cut_word(&line);

	row.codes = cut_word(&line);
	row.enhanced = cut_word(&line);
	if (bytes_trim(line).n == 0)
		return err_set(
		    err, ERR_CONFIG, "expected HOST STAGES CODES ENHANCED ACT");
	if (parse_host(t, host, &row, err) != 0 ||
	    parse_stages(stages, &row, err) != 0)
		return -1;
	if (!is_codes(row.codes))
		return err_set(err, ERR_CONFIG,
		    "\"%.*s\" is not a list of codes such as 550 or 4xx,550",
		    (int)row.codes.n, row.codes.p);
	if (!is_enhanced(row.enhanced))
		return err_set(err, ERR_CONFIG,
		    "\"%.*s\" is not a list of enhanced codes such as 5.7.1 or "
		    "x.2.2",
		    (int)row.enhanced.n, row.enhanced.p);
	if (parse_act(line, &row, err) != 0)
		return -1;
	if (t->nrows == ROWS_MAX)
		return err_set(err, ERR_CONFIG, "at most %d rows", ROWS_MAX);
	t->rows = xrealloc(t->rows, t->nrows + 1, sizeof(*t->rows));
	t->rows[t->nrows++] = row;
	return 0;
}

static int
add_words(struct reply_table *t, struct reply_row *row, enum word_kind kind,
    struct bytes any, struct err *err)
{
	struct bytes rest = any;

	if (kind == WORDS_OR && row->nwords == 0)
		return err_set(
		    err, ERR_CONFIG, "expected text or not after \"or\"");
	while (rest.n > 0)
		if (bytes_trim(bytes_cut(&rest, '|')).n == 0)
			return err_set(
			    err, ERR_CONFIG, "nothing between two |");
	t->words = xrealloc(t->words, t->nwords + 1, sizeof(*t->words));
	t->words[t->nwords++] = (struct reply_words) { kind, any };
	row->nwords++;
	return 0;
}

static int
set_sentence(struct bytes *to, struct bytes text, struct err *err)
{
	if (text.n > CAUSE_MAX)
		return err_set(err, ERR_CONFIG,
		    "a sentence has at most %d characters", CAUSE_MAX);
	*to = text;
	return 0;
}

/* An indented line: more about the row above. */
static int
parse_detail(struct reply_table *t, struct bytes line, struct err *err)
{
	struct bytes key = cut_word(&line), text = bytes_trim(line);
	struct reply_row *row;

	if (t->nrows == 0)
		return err_set(
		    err, ERR_CONFIG, "indented line without a row above it");
	row = &t->rows[t->nrows - 1];
	if (text.n == 0)
		return err_set(err, ERR_CONFIG, "nothing follows \"%.*s\"",
		    (int)key.n, key.p);
	if (bytes_eq(key, "text"))
		return add_words(t, row, WORDS_TEXT, text, err);
	if (bytes_eq(key, "or"))
		return add_words(t, row, WORDS_OR, text, err);
	if (bytes_eq(key, "not"))
		return add_words(t, row, WORDS_NOT, text, err);
	if (bytes_eq(key, "cause"))
		return set_sentence(&row->cause, text, err);
	if (bytes_eq(key, "remedy"))
		return set_sentence(&row->remedy, text, err);
	return err_set(err, ERR_CONFIG,
	    "\"%.*s\" is not text, or, not, cause or remedy", (int)key.n,
	    key.p);
}

static int
parse_line(struct reply_table *t, struct bytes line, struct err *err)
{
	struct bytes all = bytes_trim(line), rest = all;

	if (all.n == 0 || all.p[0] == '#')
		return 0;
	if (memchr(all.p, '\0', all.n) != NULL)
		return err_set(err, ERR_CONFIG, "the file contains a NUL byte");
	if (line.p[0] == ' ' || line.p[0] == '\t')
		return parse_detail(t, all, err);
	if (bytes_eq(cut_word(&rest), "provider"))
		return parse_provider(t, rest, err);
	return parse_row(t, all, err);
}

int
reply_table_parse(struct bytes text, const struct reply_table *base,
    struct reply_table **ret, struct err *err)
{
	struct reply_table *t = xcalloc(1, sizeof(*t));

	t->base = base;
	for (int line = 1; text.n > 0; line++)
		if (parse_line(t, bytes_cut(&text, '\n'), err) != 0) {
			reply_table_free(t);
			return err_ctx(err, "line %d", line);
		}
	*ret = t;
	return 0;
}

void
reply_table_free(struct reply_table *t)
{
	if (t == NULL)
		return;
	free(t->providers);
	free(t->rows);
	free(t->words);
	free(t);
}

/* --- a reply's text, folded ----------------------------------------------- */

struct folded {
	char text[FOLDED_MAX + 1];
	size_t n;
};

/* Capitals, hyphens and underscores are a matter of taste. */
static char
fold(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c == '-' || c == '_' || c == '\t' ? ' ' : c;
}

static void
add_folded(struct folded *f, char c)
{
	if (c == ' ' && (f->n == 0 || f->text[f->n - 1] == ' '))
		return;
	if (f->n < FOLDED_MAX)
		f->text[f->n++] = c;
}

/* What does not speak: <...>, a word with an @, and what follows the host in a
 * URL.  A name may read "quota" or "spam".  Returns how long that is. */
static size_t
mute(struct bytes at, bool is_word_start)
{
	struct bytes word = at;
	const char *end;

	if (at.p[0] == '<' && (end = memchr(at.p, '>', at.n)) != NULL)
		return (size_t)(end - at.p) + 1;
	if (!is_word_start)
		return 0;
	word.n = 0;
	while (word.n < at.n && strchr(" \t<>,;", at.p[word.n]) == NULL)
		word.n++;
	return memchr(word.p, '@', word.n) != NULL ? word.n : 0;
}

static size_t
url_path(struct bytes at)
{
	size_t n = 0;

	if (at.p[0] != '/')
		return 0;
	while (n < at.n && strchr(" \t<>", at.p[n]) == NULL)
		n++;
	return n;
}

static void
fold_ascii(struct bytes text, struct folded *f)
{
	bool is_url = false;

	f->n = 0;
	for (size_t i = 0; i < text.n; i++) {
		struct bytes at = bytes_of(text.p + i, text.n - i);
		char was = i > 0 ? text.p[i - 1] : ' ', c = text.p[i];
		size_t n = mute(at, was == ' ' || was == '\t');

		if (at.n >= 3 && memcmp(at.p, "://", 3) == 0) {
			is_url = true;
			i += 2;
			add_folded(f, ' ');
			continue;
		}
		if (n == 0 && is_url && (n = url_path(at)) > 0)
			is_url = false;
		if (c == ' ')
			is_url = false;
		if (n > 0) {
			i += n - 1;
			add_folded(f, ' ');
			continue;
		}
		/* "SendAsDenied" */
		if (c >= 'A' && c <= 'Z' && was >= 'a' && was <= 'z')
			add_folded(f, ' ');
		add_folded(f, fold(c));
	}
	f->text[f->n] = '\0';
}

/* Nobody knows whether a server writes "ungültig" in UTF-8, in ISO 8859-1, or
 * "ungueltig". */
static void
fold_text(struct bytes text, struct folded *f)
{
	struct buf plain;

	if (str_is_ascii(text)) {
		fold_ascii(text, f);
		return;
	}
	buf_init(&plain, FOLDED_MAX);
	IGNORE(str_add_plain(&plain, text)); /* cut when full */
	fold_ascii(buf_bytes(&plain), f);
	buf_clear(&plain);
}

/* At the beginning of a word, "rate" is no part of "corporate". */
static bool
has_words(const struct folded *f, struct bytes words)
{
	struct folded plain;

	if (!str_is_ascii(words)) {
		fold_text(words, &plain);
		words = bytes_of(plain.text, plain.n);
	}
	for (size_t i = 0; i + words.n <= f->n; i++) {
		size_t k = 0;

		if (ascii_is_alnum(words.p[0]) && i > 0 &&
		    ascii_is_alnum(f->text[i - 1]))
			continue;
		while (k < words.n && f->text[i + k] == fold(words.p[k]))
			k++;
		if (k == words.n)
			return true;
	}
	return false;
}

static bool
has_any(const struct folded *f, struct bytes any)
{
	while (any.n > 0)
		if (has_words(f, bytes_trim(bytes_cut(&any, '|'))))
			return true;
	return false;
}

/* --- finding -------------------------------------------------------------- */

/* A verdict, as the rows look at it. */
struct look {
	const struct verdict *v;
	const char *host;
	struct folded text;
};

static bool
words_fit(const struct reply_table *t, const struct reply_row *row,
    const struct folded *text)
{
	const struct reply_words *w = &t->words[row->words];
	size_t i = 0;

	while (i < row->nwords) {
		bool wanted = w[i].kind == WORDS_TEXT;
		bool found = has_any(text, w[i].any);

		while (++i < row->nwords && w[i].kind == WORDS_OR)
			found = found || has_any(text, w[i].any);
		if (found != wanted)
			return false;
	}
	return true;
}

static bool
hosts_fit(struct bytes hosts, const char *host)
{
	while ((hosts = bytes_trim(hosts)).n > 0) {
		char one[HOST_MAX];

		if (str_copy(one, sizeof(one), cut_word(&hosts)) &&
		    str_match(one, host))
			return true;
	}
	return false;
}

bool
reply_table_knows(const struct reply_table *t, const char *host)
{
	for (size_t i = 0; i < t->nproviders; i++)
		if (hosts_fit(t->providers[i].hosts, host))
			return true;
	return false;
}

static bool
host_fits(const struct reply_row *row, const char *host)
{
	if (row->hosts.n == 0)
		return true;
	return host[0] == '\0' ? row->is_telling : hosts_fit(row->hosts, host);
}

static bool
code_fits(const struct reply_row *row, int code)
{
	struct bytes rest = row->codes;
	char digits[16];

	if (bytes_eq(rest, "*"))
		return true;
	(void)snprintf(digits, sizeof(digits), "%03d", code);
	while (rest.n > 0) {
		struct bytes one = bytes_cut(&rest, ',');

		/* A pasted "5.7.60" has no code but its class. */
		if (code % 100 == 0 && !bytes_eq(row->enhanced, "*") &&
		    one.p[0] == digits[0])
			return true;
		if (one.p[0] == digits[0] &&
		    (one.p[1] == 'x' || one.p[1] == digits[1]) &&
		    (one.p[2] == 'x' || one.p[2] == digits[2]))
			return true;
	}
	return false;
}

/* Is each number of it the same, or an x? */
static bool
is_like(struct bytes pattern, const char *enhanced)
{
	struct bytes have = bytes_str(enhanced);

	while (pattern.n > 0) {
		struct bytes a = bytes_cut(&pattern, '.');
		struct bytes b = bytes_cut(&have, '.');

		if (!bytes_eq(a, "x") && !bytes_same_nocase(a, b))
			return false;
	}
	return have.n == 0;
}

static bool
enhanced_fits(const struct reply_row *row, const char *enhanced)
{
	struct bytes rest = row->enhanced;

	if (bytes_eq(rest, "*"))
		return true;
	while (rest.n > 0 && enhanced[0] != '\0')
		if (is_like(bytes_cut(&rest, ','), enhanced))
			return true;
	return false;
}

static bool
row_fits(const struct reply_table *t, const struct reply_row *row,
    const struct look *l)
{
	return (row->stages & 1u << l->v->stage) != 0 &&
	       (!row->needs_login || l->v->is_logged_in) &&
	       code_fits(row, l->v->code) &&
	       enhanced_fits(row, l->v->enhanced) && host_fits(row, l->host) &&
	       words_fit(t, row, &l->text);
}

static void
fill_diagnosis(
    const struct reply_row *row, const char *host, struct diagnosis *ret)
{
	bool is_guess = host[0] == '\0' && row->provider.n > 0;

	*ret = (struct diagnosis) { .act = row->act,
		.pause_ms = row->pause_ms };
	(void)snprintf(ret->cause, sizeof(ret->cause), "%s%.*s%s%.*s",
	    is_guess ? "if the provider is " : "",
	    is_guess ? (int)row->provider.n : 0, row->provider.p,
	    is_guess ? ": " : "", (int)row->cause.n, row->cause.p);
	(void)snprintf(ret->remedy, sizeof(ret->remedy), "%.*s",
	    (int)row->remedy.n, row->remedy.p);
}

bool
reply_table_find(const struct reply_table *t, const struct verdict *v,
    const char *host, struct diagnosis *ret)
{
	struct look l = { .v = v, .host = host };

	fold_text(bytes_str(v->text), &l.text);
	for (size_t i = 0; i < t->nrows; i++)
		if (row_fits(t, &t->rows[i], &l)) {
			fill_diagnosis(&t->rows[i], host, ret);
			return true;
		}
	return false;
}
