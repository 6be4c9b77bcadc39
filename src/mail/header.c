/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/header.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "mail/field_name.h"
#include "mime/content_type.h"
#include "mime/rfc2047.h"

enum { NAME_MAX_SEEN = 1024 };

/* Offsets into the text, which moves as it grows. */
struct field {
	size_t at, n; /* all of it; n is 0 for a field that was removed */
	size_t name_n;
	size_t body_at; /* behind the colon, from at */
	bool is_changed; /* removed, replaced or appended here */
};

struct header {
	/* What was read and, behind it, what was made.  Only the fields say
	 * which parts count. */
	struct buf text;
	struct field *fields;
	size_t nfields, cap;
	enum header_state state;
	size_t line; /* start of the line under way */
	size_t mbox_n; /* of a "From " line that waits for a field */
	size_t kept_n; /* of one that is to be written */
	bool keeps_mbox;
	size_t slack; /* the limits are wider by so much */
	size_t rest_at, rest_n;
	bool has_blank;

	bool is_mending;
	unsigned mended;
	/* Of the lines since one that is no field; while has_stray. */
	bool has_stray;
	size_t stray_field; /* the first of them */
	size_t nknown, nothers;
};

struct header *
header_new(void)
{
	struct header *h = xcalloc(1, sizeof(*h));

	buf_init(&h->text, 2 * HEADER_MAX + HEADER_WORK_MAX);
	return h;
}

void
header_free(struct header *h)
{
	if (h == NULL)
		return;
	buf_clear(&h->text);
	free(h->fields);
	free(h);
}

/* --- reading -------------------------------------------------------------- */

void
header_keep_mbox(struct header *h)
{
	h->keeps_mbox = true;
}

void
header_widen(struct header *h)
{
	h->slack = HEADER_OWN_MAX;
	h->text.max += 2 * HEADER_OWN_MAX; /* a full header, and a line */
}

void
header_mend(struct header *h)
{
	h->is_mending = true;
}

unsigned
header_mended(const struct header *h)
{
	return h->mended;
}

struct bytes
header_mbox(const struct header *h)
{
	return bytes_of(buf_str(&h->text), h->kept_n);
}

void
header_drop_mbox(struct header *h)
{
	h->kept_n = 0;
}

/* In a name, RFC 5322 2.2.  NUL counts as what it is replaced by further on. */
static bool
is_name_char(char c)
{
	return c == '\0' || (c > ' ' && c < 0x7f && c != ':');
}

/* RFC 5322 2.2 and, for the blanks, 4.5.8: fills the lengths of f from a line
 * that begins a field. */
static bool
parse_name(struct bytes line, struct field *f)
{
	size_t n = 0, colon;

	while (n < line.n && is_name_char(line.p[n]))
		n++;
	colon = n;
	while (colon < line.n && ascii_is_wsp(line.p[colon]))
		colon++;
	if (n == 0 || colon == line.n || line.p[colon] != ':')
		return false;
	f->name_n = n;
	f->body_at = colon + 1;
	return true;
}

static bool
is_mbox_line(struct bytes line)
{
	if (line.n > 0 && line.p[0] == '>')
		line = bytes_of(line.p + 1, line.n - 1);
	return line.n >= 5 && memcmp(line.p, "From ", 5) == 0;
}

static bool
is_empty_line(struct bytes line)
{
	return bytes_eq(line, "\r\n") || bytes_eq(line, "\n");
}

/* Makes room for one more at place i. */
static struct field *
insert_field(struct header *h, size_t i)
{
	if (h->nfields == h->cap) {
		h->cap = h->cap == 0 ? 32 : h->cap * 2;
		h->fields = xrealloc(h->fields, h->cap, sizeof(*h->fields));
	}
	memmove(h->fields + i + 1, h->fields + i,
	    (h->nfields - i) * sizeof(*h->fields));
	h->nfields++;
	return &h->fields[i];
}

static void
begin_body(struct header *h, size_t at)
{
	h->rest_at = at;
	h->rest_n = buf_len(&h->text) - at;
	h->state = HEADER_DONE;
}

static void
add_line(struct header *h, struct field *f, size_t n)
{
	f->n += n;
	h->line += n;
	if (h->line > HEADER_MAX + h->slack)
		h->state = HEADER_TOO_BIG;
}

static void
add_field(struct header *h, const struct field *f, size_t n)
{
	/* Nothing that we add is shorter than three bytes. */
	if (h->nfields >= HEADER_FIELDS_MAX + h->slack / 3) {
		h->state = HEADER_TOO_BIG;
		return;
	}
	*insert_field(h, h->nfields) = *f;
	add_line(h, &h->fields[h->nfields - 1], n);
}

/* --- mistakes ------------------------------------------------------------- */

/* Writes the line at the end of the text as "name:" and what is behind at.  The
 * name may be NULL with its length: it stands there already. */
static struct bytes
rename_line(struct header *h, struct bytes name, size_t at)
{
	size_t n = buf_len(&h->text) - h->line;
	char *line;

	if (!buf_addc(&h->text, ':')) /* it may get longer by that */
		abort();
	line = h->text.p + h->text.head + h->line;
	memmove(line + name.n + 1, line + at, n - at);
	if (name.p != NULL)
		memcpy(line, name.p, name.n);
	line[name.n] = ':';
	n = n + name.n + 1 - at;
	buf_truncate(&h->text, h->line + n);
	h->mended |= HEADER_MENDED_NAME;
	return bytes_of(line, n);
}

/* Does the line begin a field, as it is or as it was meant?  A mended name is
 * no change to a signature: RFC 6376 3.4.2 takes the blanks off as well. */
static bool
begins_field(struct header *h, struct bytes *line, struct field *f)
{
	char name[FIELD_NAME_GUESS_MAX];
	size_t n, at;

	if (parse_name(*line, f)) {
		/* What may be text stays as it is. */
		if (h->is_mending && f->body_at > f->name_n + 1 &&
		    (!h->has_stray ||
			field_name_is_known(bytes_of(line->p, f->name_n)))) {
			*line = rename_line(
			    h, bytes_of(NULL, f->name_n), f->body_at);
			f->body_at = f->name_n + 1;
		}
		return true;
	}
	if (!h->is_mending || !field_name_guess(*line, name, &n, &at))
		return false;
	*line = rename_line(h, bytes_of(name, n), at);
	f->name_n = n;
	f->body_at = n + 1;
	return true;
}

static bool
is_bcc(const struct header *h, const struct field *f)
{
	return field_name_is_bcc(
	    bytes_of(buf_str(&h->text) + f->at, f->name_n));
}

/* Appends a copy of what stands there; there is room for a header once more. */
static void
copy_text(struct header *h, size_t at, size_t n)
{
	char *to = buf_space(&h->text, n);

	if (to == NULL)
		abort();
	memcpy(to, buf_str(&h->text) + at, n);
	buf_added(&h->text, n);
}

/* The first line that is no field.  A mbox line in front was none, either. */
static void
begin_stray(struct header *h)
{
	h->has_stray = true;
	h->stray_field = h->nfields;
	if (h->mbox_n > 0)
		*insert_field(
		    h, h->nfields) = (struct field) { .n = h->mbox_n };
	h->mbox_n = 0;
}

/* Is what stands between that line and the empty one a header all the same? */
static bool
is_header_still(const struct header *h)
{
	size_t least = h->stray_field == 0 ? 2 : 1;

	return h->has_blank && h->nknown >= least && h->nknown >= h->nothers &&
	       h->fields[h->nfields - 1].name_n > 0;
}

/* Text in front of a body that is encoded would be decoded with it. */
static bool
is_encoded(const struct header *h)
{
	size_t i = header_find(h, "Content-Transfer-Encoding", 0);

	if (i == HEADER_NONE)
		return false;
	switch (content_encoding_parse(header_at(h, i).body)) {
	case CONTENT_7BIT:
	case CONTENT_8BIT:
	case CONTENT_BINARY:
		return false;
	case CONTENT_QP:
	case CONTENT_BASE64:
	case CONTENT_OTHER:
		break;
	}
	return true;
}

/* The text goes into fields instead, one for each line. */
static void
keep_stray(struct header *h)
{
	struct buf text, value;
	struct bytes rest;

	buf_init(&text, HEADER_MAX);
	buf_init(&value, HEADER_MAX);
	IGNORE(buf_add(&text, buf_str(&h->text) + h->rest_at, h->rest_n));
	h->rest_n = 0;
	for (rest = buf_bytes(&text); rest.n > 0;) {
		struct bytes line = bytes_trim(bytes_cut(&rest, '\n'));

		buf_reset(&value);
		/* RFC2047_TEXT_MAX of it, which always fits. */
		if (line.n > 0 && rfc2047_text(&value, line))
			IGNORE(header_append(
			    h, "X-Original-Line", buf_bytes(&value)));
	}
	buf_clear(&text);
	buf_clear(&value);
}

/* Takes the blanks in front of the colon out, in a copy. */
static void
close_name(struct header *h, struct field *f)
{
	size_t at = buf_len(&h->text), gap = f->body_at - f->name_n - 1;

	if (gap == 0)
		return;
	copy_text(h, f->at, f->name_n);
	copy_text(h, f->at + f->body_at - 1, f->n - f->body_at + 1);
	f->at = at;
	f->n -= gap;
	f->body_at -= gap;
	h->mended |= HEADER_MENDED_NAME;
}

/* "Bcc", then " : jane@example.net": what no line shows, because the name is
 * folded, or its colon is missing. */
static void
mend_folded_bcc(struct header *h, struct field *f)
{
	char *raw = h->text.p + h->text.head + f->at;
	size_t n = field_name_bcc_len(bytes_of(raw, f->n));

	if (n == 0)
		return;
	memset(raw, ' ', n);
	memcpy(raw, "Bcc", 3);
	if (n == 3)
		raw[n++] = ' '; /* the line end: */
	raw[3] = ':';
	f->name_n = 3;
	f->body_at = 4;
	h->nothers--;
	h->nknown++;
	h->mended |= HEADER_MENDED_NAME;
}

/* An empty line, a limit or the end is reached: tells the fields from the text,
 * which becomes the start of the body. */
static void
settle_stray(struct header *h)
{
	size_t kept = h->stray_field, end = buf_len(&h->text);
	bool is_header;

	for (size_t i = h->stray_field; i < h->nfields; i++)
		if (h->fields[i].name_n == 0)
			mend_folded_bcc(h, &h->fields[i]);
	is_header = is_header_still(h);

	h->rest_at = end;
	for (size_t i = h->stray_field; i < h->nfields; i++) {
		struct field f = h->fields[i];
		struct bytes raw = bytes_of(buf_str(&h->text) + f.at, f.n);

		if (f.name_n > 0 && (is_header || is_bcc(h, &f)))
			h->fields[kept++] = f;
		else if (!is_header || !is_mbox_line(raw))
			copy_text(h, f.at, f.n);
	}
	h->nfields = kept;
	if (!is_header)
		copy_text(h, h->line, end - h->line);
	h->has_blank = is_header;
	h->rest_n = buf_len(&h->text) - h->rest_at;
	h->mended |= HEADER_MENDED_STRAY;
	for (size_t i = h->stray_field; i < h->nfields; i++)
		close_name(h, &h->fields[i]);
	h->line = buf_len(&h->text);
	h->state = HEADER_DONE;
	if (is_header && is_encoded(h))
		keep_stray(h);
}

/* A name is letters, digits and "-" by custom, and a blank follows the colon:
 * "{"a": 1}", "10:15 done", "http://x" and "C:\x" are text. */
static bool
is_doubtful(const struct header *h, const struct field *f, size_t n)
{
	struct bytes line = bytes_of(buf_str(&h->text) + f->at, n);
	struct bytes name = bytes_of(line.p, f->name_n);

	if (field_name_is_known(name) || field_name_is_bcc(name))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_is_alnum(name.p[i]) &&
		    (i == 0 || memchr("-_.", name.p[i], 3) == NULL))
			return true;
	return ascii_is_digit(name.p[0]) || !ascii_is_blank(line.p[f->body_at]);
}

static void
on_field(struct header *h, const struct field *f, size_t n)
{
	if (h->is_mending && h->nfields == 0 && !h->has_stray &&
	    is_doubtful(h, f, n))
		begin_stray(h);
	if (h->keeps_mbox && h->mbox_n > 0)
		h->kept_n = h->mbox_n;
	h->mbox_n = 0;
	if (h->has_stray) {
		struct bytes name = bytes_of(
		    buf_str(&h->text) + f->at, f->name_n);

		if (field_name_is_known(name) || field_name_is_bcc(name))
			h->nknown++;
		else
			h->nothers++;
	}
	add_field(h, f, n);
}

static void
on_stray(struct header *h, size_t n)
{
	struct field f = { .at = h->line };

	if (!h->has_stray)
		begin_stray(h);
	h->nothers++;
	add_field(h, &f, n);
}

/* "To: joe@example.net", then " Bcc: jane@example.net": the blank in front
 * makes it a part of the line before, where everybody reads it; nobody means
 * that. */
static bool
is_indented_bcc(const struct header *h, struct bytes line)
{
	char name[FIELD_NAME_GUESS_MAX];
	size_t n, at;

	return h->is_mending && field_name_guess(line, name, &n, &at) &&
	       field_name_is_bcc(bytes_of(name, n)) &&
	       memchr(":\x9a", line.p[at - 1], 2) != NULL &&
	       memchr(line.p + at, '@', line.n - at) != NULL;
}

/* Would this line be a hidden copy if an address followed?  Enough of it to
 * see that. */
static bool
begins_indented_bcc(const struct header *h, struct bytes line)
{
	char seen[2 * FIELD_NAME_GUESS_MAX];
	size_t n = line.n < sizeof(seen) - 1 ? line.n : sizeof(seen) - 1;

	memcpy(seen, line.p, n);
	seen[n] = '@';
	return is_indented_bcc(h, bytes_of(seen, n + 1));
}

/* " Bcc: Jane", then " <jane@example.net>": where in the last field the lines
 * begin that are a hidden copy together with this one; 0: nowhere. */
static size_t
folded_bcc_at(const struct header *h, struct bytes line)
{
	const struct field *f = &h->fields[h->nfields - 1];
	const char *field = buf_str(&h->text) + f->at;
	size_t end = f->n, at;

	if (!h->is_mending || memchr(line.p, '@', line.n) == NULL)
		return 0;
	/* Each line is looked at once: the next search stops at this "@". */
	for (; end > 0; end = at) {
		const char *nl = memrchr(field, '\n', end - 1);
		struct bytes one;

		if (nl == NULL)
			return 0;
		at = (size_t)(nl + 1 - field);
		one = bytes_of(field + at, end - at);
		if (memchr(one.p, '@', one.n) != NULL)
			return 0;
		if (begins_indented_bcc(h, one))
			return f->at + at;
	}
	return 0;
}

static bool
is_open_list(struct bytes b)
{
	return b.n > 0 && (b.p[b.n - 1] == ',' || b.p[b.n - 1] == ';');
}

/* "Jane Doe <jane@example.net>", "J, joe@example.net (Joe)": is the last thing
 * a mailbox? */
static bool
ends_in_mailbox(struct bytes b)
{
	const char *from;

	while (is_open_list(b))
		b = bytes_trim(bytes_of(b.p, b.n - 1));
	if (b.n > 0 && b.p[b.n - 1] == ')' &&
	    (from = memrchr(b.p, '(', b.n)) != NULL)
		b.n = (size_t)(from - b.p);
	from = memrchr(b.p, ',', b.n);
	if (from != NULL)
		b = bytes_of(from + 1, (size_t)(b.p + b.n - from) - 1);
	b = bytes_trim(b);
	if (field_name_is_plain_list(b))
		return true;
	from = memrchr(b.p, '<', b.n);
	return from != NULL && field_name_is_plain_list(
				   bytes_of(from, (size_t)(b.p + b.n - from)));
}

/* "To: joe@example.net,", then "jane@example.net": the blank in front is
 * missing.  What stands in front of it then; NULL: it does not belong to the
 * list.  Where the comma is missing, too, it has to be addresses and nothing
 * else; in a hidden copy anything may be in front of the last: rather a line of
 * text is lost than a recipient is shown to all others. */
static const char *
list_goes_on(const struct header *h, struct bytes line)
{
	const struct field *f = &h->fields[h->nfields - 1];
	const char *raw = buf_str(&h->text) + f->at;
	struct bytes body;
	bool is_hidden;

	if (!h->is_mending || memchr(line.p, '@', line.n) == NULL ||
	    is_mbox_line(line))
		return NULL;
	is_hidden = is_bcc(h, f);
	if (!is_hidden && (field_name_roles(bytes_of(raw, f->name_n), NULL) &
			      FIELD_LISTS) == 0)
		return NULL;
	body = bytes_trim(bytes_of(raw + f->body_at, f->n - f->body_at));
	if (is_open_list(body))
		return " ";
	line = bytes_trim(line);
	if (!field_name_is_plain_list(line) &&
	    !(is_hidden && ends_in_mailbox(line)))
		return NULL;
	return body.n > 0 ? " , " : " ";
}

/* Puts blanks in front of the line at the end of the text. */
static void
indent_line(struct header *h, const char *blanks)
{
	size_t n = buf_len(&h->text) - h->line, more = strlen(blanks);
	char *line;

	if (!buf_adds(&h->text, blanks))
		abort();
	line = h->text.p + h->text.head + h->line;
	memmove(line + more, line, n);
	memcpy(line, blanks, more);
	h->mended |= HEADER_MENDED_LIST;
	add_line(h, &h->fields[h->nfields - 1], n + more);
}

/* A line of text goes on: no field begins with a colon. */
static bool
continues_text(const struct header *h, struct bytes line)
{
	return h->has_stray && h->nfields > h->stray_field &&
	       h->fields[h->nfields - 1].name_n == 0 && line.p[0] == ':';
}

/* Judges the line that begins at h->line and reaches to the end of the text.
 * It is complete, or longer than a header may be, or the last. */
static void
on_line(struct header *h)
{
	struct bytes line = bytes_of(
	    buf_str(&h->text) + h->line, buf_len(&h->text) - h->line);
	bool is_first = h->line == 0;
	struct field f = { .at = h->line };
	const char *blanks;
	size_t at;

	if (h->nfields > 0 && ascii_is_wsp(line.p[0]) &&
	    (at = folded_bcc_at(h, line)) > 0) {
		h->fields[h->nfields - 1].n -= h->line - at;
		f.at = h->line = at;
		line = bytes_of(buf_str(&h->text) + at, buf_len(&h->text) - at);
	}
	if (is_empty_line(line) && h->mbox_n == 0) {
		h->has_blank = true;
		h->state = HEADER_DONE;
	} else if (h->nfields > 0 &&
		   ((ascii_is_wsp(line.p[0]) && !is_indented_bcc(h, line)) ||
		       continues_text(h, line))) {
		add_line(h, &h->fields[h->nfields - 1], line.n);
	} else if (begins_field(h, &line, &f)) {
		on_field(h, &f, line.n);
	} else if (is_first && is_mbox_line(line)) {
		h->mbox_n = line.n;
		h->line += line.n;
	} else if (h->nfields > 0 && (blanks = list_goes_on(h, line)) != NULL) {
		indent_line(h, blanks);
	} else if (h->is_mending && !is_empty_line(line)) {
		on_stray(h, line.n);
	} else {
		begin_body(h, h->nfields == 0 ? 0 : h->line);
	}
	if (h->has_stray && h->state != HEADER_MORE)
		settle_stray(h);
}

size_t
header_put(struct header *h, const void *p, size_t n)
{
	const char *from = p;
	size_t taken = 0;

	while (taken < n && h->state == HEADER_MORE) {
		size_t had = buf_len(&h->text) - h->line;
		size_t take = n - taken;
		/* Of a line beyond the limit enough to see what it is. */
		size_t max = HEADER_MAX + h->slack + NAME_MAX_SEEN - h->line;
		const char *nl;

		if (take > max + 1 - had)
			take = max + 1 - had;
		nl = memchr(from + taken, '\n', take);
		if (nl != NULL)
			take = (size_t)(nl - (from + taken)) + 1;
		/* There is room for a header and more. */
		if (!buf_add(&h->text, from + taken, take))
			abort();
		taken += take;
		if (nl != NULL || had + take > max)
			on_line(h);
	}
	return taken;
}

void
header_end(struct header *h)
{
	if (h->state == HEADER_MORE && h->line < buf_len(&h->text))
		on_line(h);
	if (h->state == HEADER_MORE && h->mbox_n > 0)
		begin_body(h, 0);
	if (h->state == HEADER_MORE && h->has_stray)
		settle_stray(h);
	if (h->state == HEADER_MORE)
		h->state = HEADER_DONE;
}

enum header_state
header_state(const struct header *h)
{
	return h->state;
}

bool
header_has_blank(const struct header *h)
{
	return h->has_blank;
}

struct bytes
header_rest(const struct header *h)
{
	return bytes_of(buf_str(&h->text) + h->rest_at, h->rest_n);
}

/* --- looking -------------------------------------------------------------- */

size_t
header_count(const struct header *h)
{
	return h->nfields;
}

size_t
header_find(const struct header *h, const char *name, size_t from)
{
	const char *text = buf_str(&h->text);

	for (size_t i = from; i < h->nfields; i++) {
		const struct field *f = &h->fields[i];

		if (f->n > 0 &&
		    (name == NULL ||
			bytes_eq_nocase(
			    bytes_of(text + f->at, f->name_n), name)))
			return i;
	}
	return HEADER_NONE;
}

static struct bytes
without_eol(struct bytes b)
{
	if (b.n > 0 && b.p[b.n - 1] == '\n')
		b.n--;
	if (b.n > 0 && b.p[b.n - 1] == '\r')
		b.n--;
	return b;
}

struct header_field
header_at(const struct header *h, size_t i)
{
	const struct field *f = &h->fields[i];
	const char *p = buf_str(&h->text) + f->at;

	assert(i < h->nfields && f->n > 0);
	return (struct header_field) {
		.name = bytes_of(p, f->name_n),
		.body = without_eol(
		    bytes_of(p + f->body_at, f->n - f->body_at)),
		.raw = bytes_of(p, f->n),
	};
}

size_t
header_block_end(const struct header *h, size_t first)
{
	static const char *const names[] = { "Resent-Date", "Resent-From",
		"Resent-Sender", "Resent-To", "Resent-Cc", "Resent-Bcc",
		"Resent-Message-ID", "Resent-Reply-To" };
	unsigned seen = 0;

	for (size_t i = first; i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1)) {
		struct bytes name = header_at(h, i).name;

		if (!bytes_has_prefix_nocase(name, "Resent-"))
			return i;
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			if (!bytes_eq_nocase(name, names[k]))
				continue;
			if ((seen & (1u << k)) != 0)
				return i;
			seen |= 1u << k;
		}
	}
	return header_count(h);
}

bool
header_value(const struct header *h, size_t i, struct buf *to)
{
	struct bytes body = bytes_trim(header_at(h, i).body);
	size_t before = buf_len(to);

	while (body.n > 0) {
		const char *nl = memchr(body.p, '\n', body.n);
		size_t n = nl != NULL ? (size_t)(nl - body.p) + 1 : body.n;
		struct bytes line = bytes_of(body.p, n);

		if (nl != NULL)
			line = without_eol(line);
		if (!buf_add(to, line.p, line.n)) {
			buf_truncate(to, before);
			return false;
		}
		body = bytes_of(body.p + n, body.n - n);
	}
	return true;
}

size_t
header_find_change(const struct header *h, size_t from, struct bytes *ret_name)
{
	for (size_t i = from; i < h->nfields; i++)
		if (h->fields[i].is_changed) {
			*ret_name = bytes_of(
			    buf_str(&h->text) + h->fields[i].at,
			    h->fields[i].name_n);
			return i;
		}
	return HEADER_NONE;
}

/* --- changing ------------------------------------------------------------- */

void
header_remove(struct header *h, size_t i)
{
	assert(i < h->nfields);
	h->fields[i].n = 0;
	h->fields[i].is_changed = true;
}

size_t
header_remove_all(struct header *h, const char *name)
{
	size_t n = 0;

	for (size_t i = header_find(h, name, 0); i != HEADER_NONE;
	     i = header_find(h, name, i + 1)) {
		header_remove(h, i);
		n++;
	}
	return n;
}

/* A blank, or what becomes one. */
static bool
is_gap(char c)
{
	return c == ' ' || ascii_is_control(c);
}

/* Appends one word with the n blanks in front of it, on a new line if the
 * current one gets too long. */
static bool
fold_word(struct buf *to, size_t *column, size_t blanks, struct bytes word)
{
	if (blanks > 0 && *column + blanks + word.n > HEADER_FOLD) {
		if (!buf_adds(to, "\r\n"))
			return false;
		*column = 0;
	}
	*column += blanks + word.n;
	if (*column > HEADER_LINE_MAX)
		return false;
	for (size_t i = 0; i < blanks; i++)
		if (!buf_addc(to, ' '))
			return false;
	return buf_add(to, word.p, word.n);
}

static bool
fold_words(struct buf *to, size_t column, struct bytes value)
{
	bool is_first = true;

	for (size_t i = 0, start; i < value.n; is_first = false) {
		size_t blanks = 0;

		for (; i < value.n && is_gap(value.p[i]); i++)
			blanks++;
		if (blanks > HEADER_FOLD)
			blanks = 1; /* no line could hold them */
		start = i;
		while (i < value.n && !is_gap(value.p[i]))
			i++;
		/* Blanks at the end would make a line of nothing else. */
		if (i > start && !fold_word(to, &column, is_first ? 0 : blanks,
				     bytes_of(value.p + start, i - start)))
			return false;
	}
	return true;
}

bool
header_fold(struct buf *to, const char *name, struct bytes value)
{
	size_t before = buf_len(to);

	if (buf_adds(to, name) && buf_adds(to, ": ") &&
	    fold_words(to, strlen(name) + 2, value) && buf_adds(to, "\r\n"))
		return true;
	buf_truncate(to, before);
	return false;
}

/* Writes the field behind the text and describes it. */
static bool
make_field(
    struct header *h, const char *name, struct bytes value, struct field *ret)
{
	size_t at = buf_len(&h->text);

	assert(h->state != HEADER_MORE || h->line == at); /* not in a line */
	if (!header_fold(&h->text, name, value))
		return false;
	*ret = (struct field) { .at = at,
		.n = buf_len(&h->text) - at,
		.name_n = strlen(name),
		.body_at = strlen(name) + 1 };
	h->line = buf_len(&h->text);
	return true;
}

bool
header_insert(struct header *h, size_t i, const char *name, struct bytes value)
{
	struct field f;

	assert(i <= h->nfields);
	if (!make_field(h, name, value, &f))
		return false;
	*insert_field(h, i) = f;
	return true;
}

bool
header_prepend(struct header *h, const char *name, struct bytes value)
{
	return header_insert(h, 0, name, value);
}

bool
header_append(struct header *h, const char *name, struct bytes value)
{
	struct field f;

	if (!make_field(h, name, value, &f))
		return false;
	f.is_changed = true;
	*insert_field(h, h->nfields) = f;
	return true;
}

bool
header_replace(struct header *h, size_t i, const char *name, struct bytes value)
{
	struct field *f = &h->fields[i], old = *f;
	const char *text;

	assert(i < h->nfields);
	if (!make_field(h, name, value, f))
		return false;
	text = buf_str(&h->text);
	/* What was written as it stood before is no change. */
	f->is_changed = old.is_changed || f->n != old.n ||
			memcmp(text + f->at, text + old.at, f->n) != 0;
	return true;
}

bool
header_write(const struct header *h, struct buf *to)
{
	const char *text = buf_str(&h->text);

	/* Without a field behind it such a line would be the body. */
	if (header_find(h, NULL, 0) != HEADER_NONE &&
	    !buf_add(to, text, h->kept_n))
		return false;
	for (size_t i = 0; i < h->nfields; i++) {
		const struct field *f = &h->fields[i];

		if (f->n == 0)
			continue;
		if (!buf_add(to, text + f->at, f->n))
			return false;
		if (text[f->at + f->n - 1] != '\n' && !buf_adds(to, "\r\n"))
			return false;
	}
	return true;
}
