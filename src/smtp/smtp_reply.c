/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/smtp_reply.h"

#include <string.h>

#include "base/ascii.h"

#include "smtp/smtp_limits.h"

enum { CODE_DIGITS = 3 };

void
smtp_reply_init(struct smtp_reply *r)
{
	*r = (struct smtp_reply) { 0 };
	buf_init(&r->line, SMTP_REPLY_LINE_MAX);
	buf_init(&r->text, SMTP_REPLY_MAX);
}

void
smtp_reply_clear(struct smtp_reply *r)
{
	buf_clear(&r->line);
	buf_clear(&r->text);
	smtp_reply_reset(r);
}

void
smtp_reply_reset(struct smtp_reply *r)
{
	r->code = 0;
	r->nlines = 0;
	r->nbytes = 0;
	buf_reset(&r->line);
	buf_reset(&r->text);
}

struct bytes
smtp_reply_text(const struct smtp_reply *r)
{
	return buf_bytes(&r->text);
}

/* 0: the line does not begin with a code. */
static int
code_of(struct bytes line)
{
	if (line.n < CODE_DIGITS || line.p[0] < '2' || line.p[0] > '5' ||
	    !ascii_is_digit(line.p[1]) || !ascii_is_digit(line.p[2]))
		return 0;
	return (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 +
	       (line.p[2] - '0');
}

/* A filter in front of a server puts its own code before the server's, or
 * behind it.  With two refusals it is clear that nothing was accepted. */
static bool
may_follow(int before, int code)
{
	return code == before || (code >= 400 && before >= 400);
}

/* Code and separator. */
static bool
has_code(struct bytes line)
{
	/* "250" alone is legal (RFC 5321 4.2): without text there is no
	 * separator. */
	return code_of(line) != 0 &&
	       (line.n == CODE_DIGITS || line.p[CODE_DIGITS] == ' ' ||
		   line.p[CODE_DIGITS] == '-');
}

bool
smtp_reply_is_refusal(const struct smtp_reply *r)
{
	return r->nlines > 0 && r->code >= 400;
}

static bool
add_text(struct smtp_reply *r, struct bytes text)
{
	return (r->nlines == 1 || buf_addc(&r->text, '\n')) &&
	       buf_add(&r->text, text.p, text.n);
}

/* One whole line without its LF. */
static enum smtp_reply_result
take_line(struct smtp_reply *r, struct bytes line)
{
	bool is_first = r->nlines == 0, is_last = false;
	size_t skip = 0;

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (++r->nlines > SMTP_REPLY_LINES_MAX)
		return SMTP_REPLY_BAD;
	if (has_code(line)) {
		if (!is_first && !may_follow(r->code, code_of(line)))
			return SMTP_REPLY_BAD;
		r->code = code_of(line);
		is_last = line.n == CODE_DIGITS || line.p[CODE_DIGITS] == ' ';
		skip = line.n == CODE_DIGITS ? line.n : CODE_DIGITS + 1;
	} else if (is_first || !smtp_reply_is_refusal(r)) {
		return SMTP_REPLY_BAD;
	}
	if (!add_text(r, bytes_of(line.p + skip, line.n - skip)))
		return SMTP_REPLY_BAD;
	return is_last ? SMTP_REPLY_DONE : SMTP_REPLY_MORE;
}

/* The rest of a line that began in an earlier chunk, or a line that lies whole
 * in this one: the common case, which is not copied. */
static enum smtp_reply_result
take_piece(struct smtp_reply *r, const char *p, size_t n, bool has_lf)
{
	enum smtp_reply_result res;

	if (has_lf && buf_len(&r->line) == 0)
		return n <= SMTP_REPLY_LINE_MAX ? take_line(r, bytes_of(p, n))
						: SMTP_REPLY_BAD;
	if (!buf_add(&r->line, p, n))
		return SMTP_REPLY_BAD;
	if (!has_lf)
		return SMTP_REPLY_MORE;
	res = take_line(r, buf_bytes(&r->line));
	buf_reset(&r->line);
	return res;
}

enum smtp_reply_result
smtp_reply_put(
    struct smtp_reply *r, const void *bytes, size_t n, size_t *ret_used)
{
	enum smtp_reply_result res = SMTP_REPLY_MORE;
	const char *p = bytes;
	size_t used = 0;

	while (res == SMTP_REPLY_MORE && used < n) {
		const char *lf = memchr(p + used, '\n', n - used);
		size_t len = lf != NULL ? (size_t)(lf - p) - used : n - used;

		res = take_piece(r, p + used, len, lf != NULL);
		len += lf != NULL;
		used += len;
		r->nbytes += len;
		if (r->nbytes > SMTP_REPLY_MAX)
			res = SMTP_REPLY_BAD;
	}
	*ret_used = used;
	return res;
}

/* 1*3DIGIT from *i on; false: none. */
static bool
skip_digits(struct bytes text, size_t *i)
{
	size_t from = *i;

	while (*i < text.n && *i < from + 3 && ascii_is_digit(text.p[*i]))
		(*i)++;
	return *i > from;
}

/*	enhanced = class "." 1*3DIGIT "." 1*3DIGIT, then SP or the end
 *	RFC 3463 2 */
struct bytes
smtp_reply_enhanced(struct bytes text, int code)
{
	static const struct bytes none = { "", 0 };
	size_t i = 2;

	if (text.n < 2 || text.p[0] != '0' + code / 100 || text.p[1] != '.')
		return none;
	if (!skip_digits(text, &i) || i >= text.n || text.p[i++] != '.')
		return none;
	if (!skip_digits(text, &i))
		return none;
	if (i < text.n && text.p[i] != ' ' && text.p[i] != '\n')
		return none;
	return bytes_of(text.p, i);
}

void
smtp_reply_verdict(
    const struct smtp_reply *r, enum verdict_stage stage, struct verdict *ret)
{
	struct bytes rest = smtp_reply_text(r);
	struct bytes enhanced = smtp_reply_enhanced(rest, r->code);
	struct buf joined;

	buf_init(&joined, VERDICT_TEXT_MAX);
	while (rest.n > 0) {
		const char *lf = memchr(rest.p, '\n', rest.n);
		struct bytes line = bytes_of(
		    rest.p, lf != NULL ? (size_t)(lf - rest.p) : rest.n);
		size_t step = line.n + (lf != NULL);
		size_t skip = smtp_reply_enhanced(line, r->code).n;

		rest = bytes_of(rest.p + step, rest.n - step);
		while (skip < line.n && line.p[skip] == ' ')
			skip++;
		line = bytes_of(line.p + skip, line.n - skip);
		if (line.n == 0)
			continue;
		if (buf_len(&joined) > 0)
			IGNORE(buf_addc(&joined, ' ')); /* full: text is cut */
		if (line.n > buf_room(&joined))
			line.n = buf_room(&joined);
		IGNORE(buf_add(&joined, line.p, line.n)); /* made to fit */
	}
	verdict_from_reply(ret, stage, r->code, enhanced, buf_bytes(&joined));
	buf_clear(&joined);
}
