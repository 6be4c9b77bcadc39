/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/property/strict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINE_MAX = 4096, CONTENT_MAX = 1 << 26, SHOWN_MAX = 120 };

static bool
bad(struct strict *s, const char *why, const char *line, size_t n)
{
	(void)snprintf(s->trouble, sizeof(s->trouble), "%s: %.*s", why,
	    (int)(n < SHOWN_MAX ? n : SHOWN_MAX), line);
	return false;
}

static void
say(struct strict *s, const char *text)
{
	if (!buf_adds(&s->out, text))
		abort();
}

static void
forget(struct strict *s)
{
	struct strict_mail *m = &s->mail;

	for (size_t i = 0; i < m->nrcpts; i++) {
		free(m->rcpts[i]);
		free(m->rcpt_params[i]);
	}
	free(m->rcpts);
	free(m->rcpt_params);
	free(m->sender);
	free(m->params);
	m->sender = m->params = NULL;
	m->rcpts = m->rcpt_params = NULL;
	m->nrcpts = 0;
	buf_reset(&m->content);
	s->has_mail = false;
}

void
strict_init(struct strict *s, const struct strict_opts *opts,
    void (*on_mail)(void *ctx, const struct strict_mail *m), void *ctx)
{
	memset(s, 0, sizeof(*s));
	s->opts = *opts;
	s->on_mail = on_mail;
	s->ctx = ctx;
	buf_init(&s->in, CONTENT_MAX);
	buf_init(&s->out, CONTENT_MAX);
	buf_init(&s->mail.content, CONTENT_MAX);
	say(s, "220 strict.example ESMTP\r\n");
}

void
strict_clear(struct strict *s)
{
	forget(s);
	buf_clear(&s->in);
	buf_clear(&s->out);
	buf_clear(&s->mail.content);
}

/* --- paths ---------------------------------------------------------------- */

static bool
is_ascii_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static bool
is_high(char c)
{
	return (unsigned char)c >= 0x80;
}

/* The length of the local part at the front, 0: there is none. */
static size_t
local_part(const char *p, size_t n)
{
	size_t i = 0;

	if (n > 0 && p[0] == '"') {
		for (i = 1; i < n && p[i] != '"'; i++) {
			if (p[i] == '\\')
				i++;
			if (i >= n ||
			    (!is_high(p[i]) && (p[i] < ' ' || p[i] > '~')))
				return 0;
		}
		return i < n ? i + 1 : 0;
	}
	while (i < n && (is_ascii_alnum(p[i]) || is_high(p[i]) ||
			    (p[i] != '\0' &&
				strchr("!#$%&'*+-/=?^_`{|}~.", p[i]) != NULL)))
		i++;
	return i;
}

static bool
is_domain(const char *p, size_t n)
{
	bool is_literal = n >= 2 && p[0] == '[' && p[n - 1] == ']';
	size_t label = 0;

	for (size_t i = is_literal; i < n - is_literal; i++) {
		if (is_literal ? p[i] < '!' || p[i] > '~' ||
				     strchr("[]\\<>", p[i]) != NULL
			       : !is_ascii_alnum(p[i]) && !is_high(p[i]) &&
				     strchr("-_.", p[i]) == NULL)
			return false;
		if (!is_literal && p[i] == '.' && label == 0)
			return false;
		label = p[i] == '.' && !is_literal ? 0 : label + 1;
	}
	return n > 0 && (label > 0 || is_literal);
}

/* "<path>" at the front; *ret_n is the length of the path.  A name without a
 * domain never leaves, so by rights it is no path here. */
static bool
path(const struct strict *s, const char *p, size_t n, size_t *ret_n)
{
	size_t local, domain = 0;

	if (n < 2 || p[0] != '<')
		return false;
	if (p[1] == '>') {
		*ret_n = 0;
		return true;
	}
	local = local_part(p + 1, n - 1);
	if (local == 0 || 1 + local >= n)
		return false;
	if (s->opts.takes_names && p[1 + local] == '>') {
		*ret_n = local;
		return true;
	}
	if (p[1 + local] != '@')
		return false;
	p += local + 2;
	n -= local + 2;
	while (domain < n && p[domain] != '>')
		domain++;
	*ret_n = local + 1 + domain;
	return domain < n && is_domain(p, domain);
}

static bool
has_high(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_high(p[i]))
			return true;
	return false;
}

/* --- parameters ----------------------------------------------------------- */

const char *
strict_param(const char *params, const char *key, size_t *ret_n)
{
	size_t n = strlen(key);

	for (const char *p = params; *p != '\0';) {
		size_t len;

		p += strspn(p, " ");
		len = strcspn(p, " ");
		if (len >= n && strncasecmp(p, key, n) == 0 &&
		    (len == n || p[n] == '=')) {
			*ret_n = len == n ? 0 : len - n - 1;
			return len == n ? "" : p + n + 1;
		}
		p += len;
	}
	return NULL;
}

/* RFC 3461 4: +HH, and no control character comes of it. */
static bool
is_xtext(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '!' || p[i] > '~' || p[i] == '=')
			return false;
		if (p[i] != '+')
			continue;
		if (i + 2 >= n || strchr("234567", p[i + 1]) == NULL ||
		    strchr("0123456789ABCDEF", p[i + 2]) == NULL ||
		    (p[i + 1] == '7' && p[i + 2] == 'F')) {
			/* Bytes over 127 may stand there encoded. */
			if (i + 2 >= n || strchr("89ABCDEF", p[i + 1]) == NULL)
				return false;
		}
		i += 2;
	}
	return n > 0;
}

static bool
is_number(const char *p, size_t n)
{
	return n > 0 && n < 20 && strspn(p, "0123456789") >= n;
}

static bool
is_word(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && strncmp(p, word, n) == 0;
}

static bool
is_notify(const char *p, size_t n)
{
	static const char *const words[] = { "SUCCESS", "FAILURE", "DELAY" };
	size_t at = 0;

	if (is_word(p, n, "NEVER"))
		return true;
	for (size_t i = 0; i < 3 && at < n; i++) {
		size_t len = strlen(words[i]);

		if (n - at < len || strncmp(p + at, words[i], len) != 0)
			continue;
		at += len;
		if (at < n && p[at++] != ',')
			return false;
	}
	return at == n && n > 0 && p[n - 1] != ',';
}

static bool
is_orcpt(const char *p, size_t n)
{
	const char *semi = memchr(p, ';', n);
	size_t type = semi != NULL ? (size_t)(semi - p) : 0;

	return type > 0 && is_xtext(p, type) &&
	       is_xtext(semi + 1, n - type - 1);
}

static bool
one_param(const struct strict *s, bool is_mail, const char *p, size_t n)
{
	const char *eq = memchr(p, '=', n);
	size_t key = eq != NULL ? (size_t)(eq - p) : n;
	const char *v = eq != NULL ? eq + 1 : p + n;
	size_t vn = eq != NULL ? n - key - 1 : 0;

	if (is_mail && is_word(p, key, "SIZE"))
		return s->opts.has_size && is_number(v, vn);
	if (is_mail && is_word(p, key, "BODY"))
		return s->opts.has_8bitmime && is_word(v, vn, "8BITMIME");
	if (is_mail && is_word(p, n, "SMTPUTF8"))
		return s->opts.has_smtputf8;
	if (is_mail && is_word(p, key, "RET"))
		return s->opts.has_dsn &&
		       (is_word(v, vn, "FULL") || is_word(v, vn, "HDRS"));
	if (is_mail && is_word(p, key, "ENVID"))
		return s->opts.has_dsn && is_xtext(v, vn) && vn <= 100;
	if (!is_mail && is_word(p, key, "NOTIFY"))
		return s->opts.has_dsn && is_notify(v, vn);
	if (!is_mail && is_word(p, key, "ORCPT"))
		return s->opts.has_dsn && is_orcpt(v, vn);
	return false;
}

/* One blank before each, each once. */
static bool
all_params(const struct strict *s, bool is_mail, const char *params)
{
	for (const char *p = params; *p != '\0';) {
		const char *eq;
		char key[32];
		size_t len, n;

		if (*p++ != ' ')
			return false;
		len = strcspn(p, " ");
		if (!one_param(s, is_mail, p, len))
			return false;
		eq = memchr(p, '=', len);
		n = eq != NULL ? (size_t)(eq - p) : len;
		(void)snprintf(key, sizeof(key), "%.*s", (int)n, p);
		if (strict_param(p + len, key, &n) != NULL)
			return false;
		p += len;
	}
	return true;
}

/* --- commands ------------------------------------------------------------- */

static char *
copy(const char *p, size_t n)
{
	char *s = strndup(p, n);

	if (s == NULL)
		abort();
	return s;
}

static bool
on_mail(struct strict *s, const char *line, size_t n)
{
	const char *params;
	size_t len;

	if (!s->has_hello || s->has_mail)
		return bad(s, "MAIL out of order", line, n);
	if (!path(s, line + 10, n - 10, &len))
		return bad(s, "no path", line, n);
	params = line + 10 + len + 2;
	s->mail.sender = copy(line + 11, len);
	s->mail.params = copy(params, (size_t)(line + n - params));
	if (!all_params(s, true, s->mail.params))
		return bad(s, "parameters", line, n);
	if (has_high(s->mail.sender, len) &&
	    strict_param(s->mail.params, "SMTPUTF8", &len) == NULL)
		return bad(s, "UTF-8 without SMTPUTF8", line, n);
	s->has_mail = true;
	say(s, "250 2.1.0 ok\r\n");
	return true;
}

static bool
on_rcpt(struct strict *s, const char *line, size_t n)
{
	struct strict_mail *m = &s->mail;
	const char *params;
	size_t len, i = m->nrcpts;

	if (!s->has_mail)
		return bad(s, "RCPT out of order", line, n);
	if (!path(s, line + 8, n - 8, &len) || len == 0)
		return bad(s, "no path", line, n);
	params = line + 8 + len + 2;
	m->rcpts = realloc(m->rcpts, (i + 1) * sizeof(char *));
	m->rcpt_params = realloc(m->rcpt_params, (i + 1) * sizeof(char *));
	if (m->rcpts == NULL || m->rcpt_params == NULL)
		abort();
	m->rcpts[i] = copy(line + 9, len);
	m->rcpt_params[i] = copy(params, (size_t)(line + n - params));
	m->nrcpts++;
	if (!all_params(s, false, m->rcpt_params[i]))
		return bad(s, "parameters", line, n);
	if (has_high(line, n) &&
	    strict_param(m->params, "SMTPUTF8", &len) == NULL)
		return bad(s, "UTF-8 without SMTPUTF8", line, n);
	say(s, "250 2.1.5 ok\r\n");
	return true;
}

static bool
on_hello(struct strict *s, const char *line, size_t n)
{
	static const struct {
		size_t at;
		const char *line;
	} rows[] = {
		{ offsetof(struct strict_opts, has_pipelining), "PIPELINING" },
		{ offsetof(struct strict_opts, has_chunking), "CHUNKING" },
		{ offsetof(struct strict_opts, has_8bitmime), "8BITMIME" },
		{ offsetof(struct strict_opts, has_smtputf8), "SMTPUTF8" },
		{ offsetof(struct strict_opts, has_dsn), "DSN" },
		{ offsetof(struct strict_opts, has_size), "SIZE 0" },
	};

	if (n < 6 || memchr(line + 5, ' ', n - 5) != NULL)
		return bad(s, "EHLO", line, n);
	s->has_hello = true;
	forget(s);
	say(s, "250-strict.example\r\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (*((const bool *)&s->opts + rows[i].at)) {
			say(s, "250-");
			say(s, rows[i].line);
			say(s, "\r\n");
		}
	say(s, "250 ENHANCEDSTATUSCODES\r\n");
	return true;
}

static bool
on_bdat(struct strict *s, const char *line, size_t n)
{
	char *end;

	if (!s->opts.has_chunking || s->mail.nrcpts == 0)
		return bad(s, "BDAT out of order", line, n);
	if (n < 6 || line[5] < '0' || line[5] > '9')
		return bad(s, "BDAT", line, n);
	s->chunk_left = strtoul(line + 5, &end, 10);
	s->is_last_chunk = strcmp(end, " LAST") == 0;
	if (!s->is_last_chunk && *end != '\0')
		return bad(s, "BDAT", line, n);
	s->is_chunk = true;
	return true;
}

static bool
on_data(struct strict *s, const char *line, size_t n)
{
	if (s->mail.nrcpts == 0)
		return bad(s, "DATA out of order", line, n);
	s->is_data = true;
	say(s, "354 go\r\n");
	return true;
}

static bool
on_line(struct strict *s, const char *line, size_t n)
{
	s->ncommands++;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			return bad(s, "control character in", line, n);
	if (strncmp(line, "MAIL FROM:", 10) == 0)
		return on_mail(s, line, n);
	if (strncmp(line, "RCPT TO:", 8) == 0)
		return on_rcpt(s, line, n);
	if (strncmp(line, "EHLO ", 5) == 0)
		return on_hello(s, line, n);
	if (strncmp(line, "BDAT ", 5) == 0)
		return on_bdat(s, line, n);
	if (strcmp(line, "DATA") == 0)
		return on_data(s, line, n);
	if (strcmp(line, "RSET") == 0) {
		forget(s);
		say(s, "250 2.0.0 ok\r\n");
		return true;
	}
	if (strcmp(line, "QUIT") == 0) {
		s->is_over = true;
		say(s, "221 2.0.0 bye\r\n");
		return true;
	}
	return bad(s, "unknown command", line, n);
}

/* --- content -------------------------------------------------------------- */

static bool
end_mail(struct strict *s)
{
	s->is_data = s->is_chunk = false;
	s->nmails++;
	s->on_mail(s->ctx, &s->mail);
	forget(s);
	say(s, "250 2.0.0 taken\r\n");
	return true;
}

static void
keep(struct strict *s, const char *p, size_t n)
{
	if (!buf_add(&s->mail.content, p, n))
		abort();
}

/* A line of DATA, with its CRLF. */
static bool
on_text(struct strict *s, const char *line, size_t n)
{
	if (memchr(line, '\0', n) != NULL || memchr(line, '\r', n - 2) != NULL)
		return bad(s, "NUL or bare CR", line, n);
	if (line[0] == '.') {
		if (n == 3)
			return end_mail(s);
		if (line[1] != '.')
			return bad(s, "a dot that is not doubled", line, n);
		line++;
		n--;
	}
	keep(s, line, n);
	return true;
}

static void
on_chunk(struct strict *s)
{
	size_t n = buf_len(&s->in);

	if (n > s->chunk_left)
		n = s->chunk_left;
	keep(s, buf_str(&s->in), n);
	buf_drop(&s->in, n);
	s->chunk_left -= n;
	if (s->chunk_left > 0)
		return;
	s->is_chunk = false;
	if (s->is_last_chunk)
		IGNORE(end_mail(s));
	else
		say(s, "250 2.0.0 go on\r\n");
}

/* False: more bytes are wanted, or there is trouble. */
static bool
step(struct strict *s)
{
	const char *p = buf_str(&s->in), *lf;
	char line[LINE_MAX + 1];
	size_t n;

	if (s->is_chunk && (buf_len(&s->in) > 0 || s->chunk_left == 0)) {
		on_chunk(s);
		return buf_len(&s->in) > 0;
	}
	lf = memchr(p, '\n', buf_len(&s->in));
	if (lf == NULL)
		return false;
	n = (size_t)(lf - p) + 1;
	if (n < 2 || lf[-1] != '\r')
		return bad(s, "bare LF", p, n);
	if (s->is_over)
		return bad(s, "something behind QUIT", p, n);
	if (s->is_data) {
		bool ok = on_text(s, p, n);

		buf_drop(&s->in, n);
		return ok;
	}
	if (n > LINE_MAX)
		return bad(s, "overlong command", p, n);
	memcpy(line, p, n - 2);
	line[n - 2] = '\0';
	buf_drop(&s->in, n);
	return on_line(s, line, n - 2);
}

bool
strict_put(struct strict *s, const void *p, size_t n)
{
	if (s->trouble[0] != '\0')
		return false;
	if (!buf_add(&s->in, p, n))
		abort();
	while (step(s))
		continue;
	return s->trouble[0] == '\0';
}
