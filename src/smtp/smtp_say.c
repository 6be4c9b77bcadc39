/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/smtp_say.h"

#include <assert.h>
#include <string.h>

#include "base/must.h"
#include "base/str.h"
#include "smtp/smtp_limits.h"

enum {
	ROOM = SMTP_SAY_LINE_MAX - 2 - 4 - 12, /* CR LF, code, enhanced code */
	LINES_MAX = 128
};

/* How much of the line at p goes on one line of the reply. */
static size_t
piece(const char *p, size_t n)
{
	size_t cut = ROOM;

	if (n <= ROOM)
		return n;
	while (cut > ROOM / 2 && p[cut] != ' ')
		cut--;
	return p[cut] == ' ' ? cut : ROOM;
}

static void
say_head(struct buf *out, int code, bool is_last, const char *enhanced)
{
	bool fits = buf_addi(out, code) && buf_addc(out, is_last ? ' ' : '-') &&
		    (*enhanced == '\0' ||
			(buf_adds(out, enhanced) && buf_addc(out, ' ')));

	assert(fits); /* here and below the caller promised SMTP_SAY_SPACE */
}

static void
say_line(struct buf *out, const char *p, size_t n)
{
	char line[SMTP_SAY_LINE_MAX];
	bool fits;

	assert(n <= ROOM);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		line[i] = (char)(c >= 0x7f ? '?' : c < ' ' ? ' ' : c);
	}
	fits = buf_add(out, line, n) && buf_adds(out, "\r\n");
	assert(fits);
}

static void
say_text(struct buf *out, int code, const char *enhanced, struct bytes from)
{
	const char *p = from.p, *text = from.p, *end = from.p + from.n;
	const char *lf;
	size_t n;
	bool is_last = false;

	while (end > text && end[-1] == '\n')
		end--;
	if (enhanced == NULL || enhanced[0] != '0' + code / 100 ||
	    strlen(enhanced) > 11)
		enhanced = "";
	for (int lines = 1; !is_last; lines++) {
		lf = memchr(p, '\n', (size_t)(end - p));
		n = piece(p, (size_t)((lf != NULL ? lf : end) - p));
		is_last = p + n == end || lines == LINES_MAX;
		say_head(out, code, is_last, enhanced);
		say_line(out, p, n);
		p += n;
		if (p < end) /* the line feed or the blank */
			p += *p == '\n' || *p == ' ';
	}
}

void
smtp_say(struct buf *out, int code, const char *enhanced, const char *text)
{
	struct bytes b = bytes_of(text, strnlen(text, SMTP_SAY_TEXT_MAX));
	struct buf plain;

	assert(code >= 200 && code <= 599);
	if (str_is_ascii(b)) {
		say_text(out, code, enhanced, b);
		return;
	}
	buf_init(&plain, SMTP_SAY_TEXT_MAX);
	IGNORE(str_add_plain(&plain, b)); /* cut when full */
	say_text(out, code, enhanced, buf_bytes(&plain));
	buf_clear(&plain);
}
