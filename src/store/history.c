/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Notation, with crc and field as spool_word.h has them, and verdict as
 * journal.c:
 *
 *   entry   = crc SP state SP at SP arrived SP id SP account SP uid SP user
 *             SP attempts SP size SP sender SP subject SP count
 *             SP named *( SP recipient ) SP verdict LF
 */
#include "store/history.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "store/journal.h"
#include "store/spool_word.h"

static const char *const state_names[HISTORY_STATES] = {
	[HISTORY_DELIVERED] = "delivered",
	[HISTORY_FAILED] = "failed",
	[HISTORY_REFUSED] = "refused",
	[HISTORY_DELETED] = "deleted",
};

const char *
history_state_name(enum history_state s)
{
	return state_names[s];
}

/* --- writing -------------------------------------------------------------- */

static bool
add_line(struct buf *to, const struct history_entry *e, const char *subject,
    size_t nnamed)
{
	size_t start;

	if (!spool_line_begin(to, &start) ||
	    !buf_adds(to, state_names[e->state]) ||
	    !spool_number_field(to, spool_since_1970(e->at_ms)) ||
	    !spool_number_field(to, spool_since_1970(e->arrived_s)) ||
	    !spool_escape_field(to, e->id) ||
	    !spool_escape_field(to, e->account) ||
	    !spool_number_field(to, e->uid) ||
	    !spool_escape_field(to, e->user) ||
	    !spool_number_field(to, (uint64_t)e->attempts) ||
	    !spool_number_field(to, e->size_bytes) ||
	    !spool_escape_field(to, e->sender) ||
	    !spool_escape_field(to, subject) ||
	    !spool_number_field(to, e->nrcpts) ||
	    !spool_number_field(to, nnamed))
		return false;
	for (size_t i = 0; i < nnamed; i++)
		if (!spool_escape_field(to, e->rcpts[i]))
			return false;
	return buf_addc(to, ' ') && journal_add_verdict(to, &e->answer) &&
	       spool_line_end(to, start);
}

static bool
fits(struct buf *to, const struct history_entry *e, const char *subject,
    size_t nnamed)
{
	size_t was = buf_len(to);

	if (add_line(to, e, subject, nnamed) &&
	    buf_len(to) - was <= HISTORY_LINE_MAX)
		return true;
	buf_truncate(to, was);
	return false;
}

bool
history_line(struct buf *to, const struct history_entry *e)
{
	size_t n = e->nnamed < HISTORY_RCPTS_MAX ? e->nnamed
						 : HISTORY_RCPTS_MAX;

	for (;; n /= 2) {
		if (fits(to, e, e->subject, n))
			return true;
		/* No line is too long for that: the buffer is full. */
		if (buf_room(to) < HISTORY_LINE_MAX)
			return false;
		if (n == 0)
			return fits(to, e, "", 0);
	}
}

/* --- reading -------------------------------------------------------------- */

static bool
take_number(struct bytes *from, uint64_t max, uint64_t *ret)
{
	struct bytes word;

	return spool_take_field(from, &word) && num_u64_max(word, max, ret);
}

static bool
take_text(struct bytes *from, const char **ret)
{
	struct bytes word;

	return spool_take_field(from, &word) &&
	       (*ret = spool_unescape_field(word)) != NULL;
}

static bool
take_state(struct bytes *from, enum history_state *ret)
{
	struct bytes word;

	if (!spool_take_field(from, &word))
		return false;
	for (size_t i = 0; i < HISTORY_STATES; i++)
		if (bytes_eq(word, state_names[i])) {
			*ret = (enum history_state)i;
			return true;
		}
	return false;
}

static bool
take_rcpts(struct bytes *from, struct history_entry *e)
{
	uint64_t n;

	if (!take_number(from, SIZE_MAX, &n))
		return false;
	e->nrcpts = (size_t)n;
	if (!take_number(
		from, n < HISTORY_RCPTS_MAX ? n : HISTORY_RCPTS_MAX, &n))
		return false;
	e->rcpts = xcalloc((size_t)n + 1, sizeof(*e->rcpts));
	while (e->nnamed < n) {
		if (!take_text(from, &e->rcpts[e->nnamed]))
			return false;
		e->nnamed++;
	}
	return true;
}

static bool
take_entry(struct bytes line, struct history_entry *e)
{
	uint64_t at, arrived, uid, attempts;

	if (!take_state(&line, &e->state) ||
	    !take_number(&line, INT64_MAX, &at) ||
	    !take_number(&line, INT64_MAX, &arrived) ||
	    !take_text(&line, &e->id) || !take_text(&line, &e->account) ||
	    !take_number(&line, UINT32_MAX, &uid) ||
	    !take_text(&line, &e->user) ||
	    !take_number(&line, INT32_MAX, &attempts) ||
	    !take_number(&line, UINT64_MAX, &e->size_bytes) ||
	    !take_text(&line, &e->sender) || !take_text(&line, &e->subject) ||
	    !take_rcpts(&line, e) || !journal_verdict(line, &e->answer))
		return false;
	e->at_ms = (int64_t)at;
	e->arrived_s = (int64_t)arrived;
	e->uid = (uint32_t)uid;
	e->attempts = (int)attempts;
	return true;
}

struct history_entry *
history_parse(struct bytes line)
{
	struct history_entry *e;

	if (line.n > HISTORY_LINE_MAX || !spool_line_check(line, &line))
		return NULL;
	e = xcalloc(1, sizeof(*e));
	if (take_entry(line, e))
		return e;
	history_entry_free(e);
	return NULL;
}

static void
free_text(const char *s)
{
	free((char *)(uintptr_t)s);
}

void
history_entry_free(struct history_entry *e)
{
	if (e == NULL)
		return;
	free_text(e->id);
	free_text(e->account);
	free_text(e->user);
	free_text(e->sender);
	free_text(e->subject);
	for (size_t i = 0; i < e->nnamed; i++)
		free_text(e->rcpts[i]);
	free(e->rcpts);
	free(e);
}

/* --- the provider's name for a message ------------------------------------ */

static bool
is_of_word(char c)
{
	return isgraph((unsigned char)c) && strchr("<>()[],;\"'", c) == NULL;
}

/* Names have digits; "OK" and "Message" have none. */
static bool
is_name(struct bytes word)
{
	bool has_digit = false;

	for (size_t i = 0; i < word.n; i++)
		has_digit = has_digit || isdigit((unsigned char)word.p[i]);
	return has_digit && word.n >= 4 && word.n <= 128;
}

static struct bytes
word_after(const char *text, const char *mark)
{
	const char *p = strcasestr(text, mark), *end;

	if (p == NULL || (p > text && is_of_word(p[-1]) && is_of_word(*mark)))
		return bytes_of("", 0);
	p += strlen(mark);
	p += strspn(p, "<([\"'");
	for (end = p; *end != '\0' && is_of_word(*end); end++)
		;
	while (end > p && end[-1] == '.')
		end--;
	return bytes_of(p, (size_t)(end - p));
}

static struct bytes
word_before(const char *text, const char *mark)
{
	const char *end = strcasestr(text, mark), *p;

	if (end == NULL)
		return bytes_of("", 0);
	for (p = end; p > text && is_of_word(p[-1]); p--)
		;
	return bytes_of(p, (size_t)(end - p));
}

/* "Ok 010001997a3f...-000000": what Amazon says. */
static struct bytes
only_word(const char *text, const char *mark)
{
	struct bytes word;

	if (!bytes_has_prefix_nocase(bytes_str(text), mark))
		return bytes_of("", 0);
	word = bytes_trim(bytes_str(text + strlen(mark)));
	for (size_t i = 0; i < word.n; i++)
		if (!is_of_word(word.p[i]))
			return bytes_of("", 0);
	return word;
}

struct bytes
history_remote_id(const struct verdict *answer)
{
	static const struct {
		struct bytes (*find)(const char *text, const char *mark);
		const char *mark;
	} rows[] = {
		{ word_after, "queued as " }, /* Postfix, and who says as it */
		{ word_after, "InternalId=" }, /* Microsoft */
		{ word_after, "id=" }, /* Exim, GMX */
		{ word_after, "qp " }, /* qmail */
		{ word_after, "Queued (" }, /* Haraka */
		{ word_before, " - gsmtp" }, /* Google */
		{ word_before, " Message accepted" }, /* sendmail, OpenSMTPD */
		{ only_word, "Ok " }, /* Amazon */
	};

	if (answer->class == VERDICT_OK)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct bytes word = rows[i].find(
			    answer->text, rows[i].mark);

			if (is_name(word))
				return word;
		}
	return bytes_of("", 0);
}
