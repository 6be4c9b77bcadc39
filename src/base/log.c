/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <string.h>

#include "base/err.h"
#include "base/must.h"
#include "base/str.h"

enum { LINE_MAX_BYTES = 8192, LINE_USUAL_BYTES = 500, SENTENCE_MAX = 2000 };

static const struct log_sink *current_sink;

void
log_to(const struct log_sink *sink)
{
	current_sink = sink;
}

void
log_begin(struct log_line *l, enum log_level level, const char *event)
{
	l->level = level;
	l->is_wanted = current_sink != NULL;
	buf_init(&l->text, LINE_MAX_BYTES);
	if (!l->is_wanted)
		return;
	(void)buf_space(&l->text, LINE_USUAL_BYTES); /* at once */
	IGNORE(buf_adds(&l->text, event)); /* a full line is cut */
}

/* " key=", and what may stand in front of the value. */
static bool
add_key(struct log_line *l, const char *key, const char *front)
{
	return l->is_wanted && buf_addc(&l->text, ' ') &&
	       buf_adds(&l->text, key) && buf_adds(&l->text, front);
}

/* A value with a blank, a quote or nothing in it is quoted, so that a line
 * splits back into its pairs. */
static bool
needs_quotes(struct bytes v)
{
	if (v.n == 0)
		return true;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == ' ' || v.p[i] == '"' || v.p[i] == '=')
			return true;
	return false;
}

/* Text between quotes: a quote inside becomes an apostrophe; the reader is a
 * person, and an escape of an escape serves nobody. */
static void
add_quoted(struct buf *to, struct bytes v, size_t max)
{
	size_t at = buf_len(to) + 1;

	if (!buf_addc(to, '"'))
		return;
	IGNORE(str_escape(to, v, max)); /* cut when full */
	for (size_t i = at; i < buf_len(to); i++)
		if (to->p[to->head + i] == '"')
			to->p[to->head + i] = '\'';
	IGNORE(buf_addc(to, '"'));
}

void
log_bytes(struct log_line *l, const char *key, struct bytes value)
{
	if (!add_key(l, key, "="))
		return;
	if (needs_quotes(value))
		add_quoted(&l->text, value, STR_ESCAPE_MAX);
	else
		IGNORE(str_escape(&l->text, value, STR_ESCAPE_MAX));
}

void
log_str(struct log_line *l, const char *key, const char *value)
{
	log_bytes(l, key, bytes_str(value));
}

void
log_sentence(struct log_line *l, const char *key, const char *value)
{
	if (add_key(l, key, "="))
		add_quoted(&l->text, bytes_str(value), SENTENCE_MAX);
}

void
log_num(struct log_line *l, const char *key, int64_t value)
{
	if (add_key(l, key, "="))
		IGNORE(buf_addi(&l->text, value)); /* cut when full */
}

void
log_addr(struct log_line *l, const char *key, const char *addr)
{
	if (!add_key(l, key, "=<"))
		return;
	IGNORE(str_escape(
	    &l->text, bytes_str(addr), STR_ESCAPE_MAX)); /* cut when full */
	IGNORE(buf_addc(&l->text, '>'));
}

void
log_end_as(struct log_line *l, const char *kind)
{
	if (l->is_wanted)
		current_sink->write(
		    current_sink->ctx, l->level, buf_str(&l->text), kind);
	buf_clear(&l->text);
}

void
log_end(struct log_line *l)
{
	log_end_as(l, buf_str(&l->text));
}

void
log_text(enum log_level level, const char *fmt, ...)
{
	struct buf raw;
	struct log_line l;
	va_list ap;

	if (current_sink == NULL)
		return;
	buf_init(&raw, LINE_MAX_BYTES);
	va_start(ap, fmt);
	if (!buf_vaddf(&raw, fmt, ap))
		IGNORE(buf_adds(&raw, "(a line too long to log)"));
	va_end(ap);
	log_begin(&l, level, "");
	IGNORE(str_escape(&l.text, buf_bytes(&raw), LINE_MAX_BYTES));
	log_end(&l);
	buf_clear(&raw);
}

void
log_err(enum log_level level, const struct err *err)
{
	log_text(level, "%s", err->text);
}
