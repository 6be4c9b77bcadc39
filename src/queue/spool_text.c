/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Notation:
 *
 *   file    = "relais-spool 1" LF *( key ": " value LF ) "sum: " crc LF LF
 *             message "end " length SP crc LF *note
 *   note    = crc SP event *( SP field ) LF
 *   value   = *( byte / escape ), to the end of the line
 *   escape  = "\x" 2hex
 *   crc     = 8hex
 */
#include "queue/spool_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"

static const char *const first_lines[] = {
	[SPOOL_TEXT_MESSAGE] = "relais-spool 1\n",
	[SPOOL_TEXT_DROP] = "relais-drop 1\n",
};

enum { CRC_LEN = 8 };

/* --- bytes ---------------------------------------------------------------- */

static bool
escape(struct buf *to, const char *text, bool is_field)
{
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		bool plain = c >= 0x20 && c != 0x7f && c != '\\' &&
			     !(is_field && c == ' ');

		if (plain ? !buf_addc(to, *p) : !buf_addf(to, "\\x%02x", c))
			return false;
	}
	return true;
}

/* One of several in a line: blanks are escaped too, and nothing is "-". */
static bool
escape_field(struct buf *to, const char *text)
{
	if (!buf_addc(to, ' '))
		return false;
	if (text[0] == '\0')
		return buf_addc(to, '-');
	if (strcmp(text, "-") == 0)
		return buf_adds(to, "\\x2d");
	return escape(to, text, true);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
hex_u32(struct bytes b, uint32_t *ret)
{
	uint32_t v = 0;

	if (b.n != CRC_LEN)
		return false;
	for (size_t i = 0; i < b.n; i++) {
		int d = hex_digit(b.p[i]);

		if (d < 0)
			return false;
		v = v << 4 | (uint32_t)d;
	}
	*ret = v;
	return true;
}

/* The caller frees the result; NULL: not what escape() writes. */
static char *
unescape(struct bytes b)
{
	char *text = xmalloc(b.n + 1), *to = text;

	for (size_t i = 0; i < b.n; i++) {
		int high, low;

		if ((unsigned char)b.p[i] < 0x20 || b.p[i] == 0x7f)
			goto bad;
		if (b.p[i] != '\\') {
			*to++ = b.p[i];
			continue;
		}
		if (b.n - i < 4 || b.p[i + 1] != 'x')
			goto bad;
		high = hex_digit(b.p[i + 2]);
		low = hex_digit(b.p[i + 3]);
		if (high < 0 || low < 0 || high + low == 0)
			goto bad;
		*to++ = (char)(high << 4 | low);
		i += 3;
	}
	*to = '\0';
	return text;
bad:
	free(text);
	return NULL;
}

static char *
unescape_field(struct bytes b)
{
	return bytes_eq(b, "-") ? xstrdup("") : unescape(b);
}

/* Takes a line, without its LF, off the front; false: there is none. */
static bool
take_line(struct bytes *from, struct bytes *ret)
{
	const char *lf = from->n > 0 ? memchr(from->p, '\n', from->n) : NULL;
	size_t n;

	if (lf == NULL)
		return false;
	n = (size_t)(lf - from->p);
	*ret = bytes_of(from->p, n);
	*from = bytes_of(lf + 1, from->n - n - 1);
	return true;
}

/* Takes what stands before a blank; false: no blank. */
static bool
take_field(struct bytes *from, struct bytes *ret)
{
	const char *sp = from->n > 0 ? memchr(from->p, ' ', from->n) : NULL;
	size_t n;

	if (sp == NULL)
		return false;
	n = (size_t)(sp - from->p);
	*ret = bytes_of(from->p, n);
	*from = bytes_of(sp + 1, from->n - n - 1);
	return true;
}

static bool
parse_i64(struct bytes b, int64_t *ret)
{
	uint64_t v;

	if (!num_u64_max(b, INT64_MAX, &v))
		return false;
	*ret = (int64_t)v;
	return true;
}

/* Times before 1970 are not written. */
static uint64_t
since_1970(int64_t t)
{
	return t > 0 ? (uint64_t)t : 0;
}

/* --- header --------------------------------------------------------------- */

/* Keys whose value is simply a string of the envelope. */
static const struct {
	const char *key;
	size_t at;
} strings[] = {
	{ "from", offsetof(struct envelope, sender) },
	{ "envid", offsetof(struct envelope, envid) },
	{ "user", offsetof(struct envelope, user) },
	{ "peer", offsetof(struct envelope, peer) },
	{ "helo", offsetof(struct envelope, helo) },
	{ "listener", offsetof(struct envelope, listener) },
	{ "account", offsetof(struct envelope, account) },
};
enum { NSTRINGS = sizeof(strings) / sizeof(strings[0]) };

static const struct {
	unsigned bit;
	const char *name;
} notifies[] = {
	{ DSN_NOTIFY_NEVER, "never" },
	{ DSN_NOTIFY_SUCCESS, "success" },
	{ DSN_NOTIFY_FAILURE, "failure" },
	{ DSN_NOTIFY_DELAY, "delay" },
};
enum { NNOTIFIES = sizeof(notifies) / sizeof(notifies[0]) };

static bool
add_string(struct buf *to, const char *key, const char *value)
{
	return value == NULL ||
	       (buf_addf(to, "%s: ", key) && escape(to, value, false) &&
		   buf_addc(to, '\n'));
}

static bool
add_strings(struct buf *to, const struct envelope *e)
{
	for (size_t i = 0; i < NSTRINGS; i++) {
		char *value;

		memcpy(&value, (const char *)e + strings[i].at, sizeof(value));
		if (!add_string(to, strings[i].key, value))
			return false;
	}
	return true;
}

static bool
add_notify(struct buf *to, unsigned notify)
{
	const char *between = "notify: ";

	if (notify == DSN_NOTIFY_UNSET)
		return true;
	for (size_t i = 0; i < NNOTIFIES; i++) {
		if ((notify & notifies[i].bit) == 0)
			continue;
		if (!buf_addf(to, "%s%s", between, notifies[i].name))
			return false;
		between = ",";
	}
	return buf_addc(to, '\n');
}

/* By is_long and is_8bit. */
static const char *const body_words[] = { "", "8bit", "long", "8bit long" };

static bool
add_facts(struct buf *to, const struct envelope *e)
{
	static const char *const ret_names[] = {
		[DSN_RET_FULL] = "full", [DSN_RET_HDRS] = "hdrs"
	};
	const char *body = body_words[2 * e->is_long + e->is_8bit];

	return (e->ret == DSN_RET_UNSET ||
		   buf_addf(to, "ret: %s\n", ret_names[e->ret])) &&
	       (body[0] == '\0' || buf_addf(to, "body: %s\n", body)) &&
	       (!e->is_utf8 || buf_adds(to, "utf8: yes\n")) &&
	       (e->uid == UID_UNKNOWN ||
		   buf_addf(to, "uid: %" PRIu32 "\n", e->uid));
}

static bool
add_rcpts(struct buf *to, const struct envelope *e)
{
	for (size_t i = 0; i < e->nrcpts; i++)
		if (!add_string(to, "rcpt", e->rcpts[i].addr) ||
		    !add_notify(to, e->rcpts[i].notify) ||
		    !add_string(to, "orcpt", e->rcpts[i].orcpt))
			return false;
	return true;
}

/* A line of blanks, so that a header written later fills its place. */
static bool
add_padding(struct buf *to, size_t start, size_t total)
{
	static const char key[] = "pad: ";
	size_t tail = strlen("sum: \n\n") + CRC_LEN, used, n;
	char *p;

	if (total == 0)
		return true;
	used = buf_len(to) - start + strlen(key) + 1 + tail;
	if (used > total)
		return false;
	n = total - used;
	if (!buf_adds(to, key) || (p = buf_space(to, n)) == NULL)
		return false;
	memset(p, ' ', n);
	buf_added(to, n);
	return buf_addc(to, '\n');
}

bool
spool_text_header(struct buf *to, enum spool_text_kind kind,
    const struct envelope *e, size_t total)
{
	size_t start = buf_len(to);

	if (!buf_adds(to, first_lines[kind]) ||
	    !buf_addf(to, "size: %" PRIu64 "\nid: %s\narrived: %" PRIu64 "\n",
		e->size_bytes, e->id, since_1970(e->arrived_s)) ||
	    !add_strings(to, e) || !add_facts(to, e) || !add_rcpts(to, e) ||
	    !add_padding(to, start, total))
		return false;
	return buf_addf(to, "sum: %08" PRIx32 "\n\n",
	    crc32_of(0, buf_str(to) + start, buf_len(to) - start));
}

static bool
set_string(char **field, struct bytes value)
{
	char *text = unescape(value);

	if (text == NULL)
		return false;
	free(*field);
	*field = text;
	return true;
}

static bool
get_size(struct envelope *e, struct bytes v)
{
	/* Half the range: sums of sizes then cannot overflow. */
	return num_u64_max(v, INT64_MAX / 2, &e->size_bytes);
}

static bool
get_id(struct envelope *e, struct bytes v)
{
	return str_copy(e->id, sizeof(e->id), v);
}

static bool
get_arrived(struct envelope *e, struct bytes v)
{
	uint64_t s;

	if (!num_u64_max(v, INT64_MAX / 1000, &s)) /* fits as milliseconds */
		return false;
	e->arrived_s = (int64_t)s;
	return true;
}

static bool
get_ret(struct envelope *e, struct bytes v)
{
	if (bytes_eq(v, "full"))
		e->ret = DSN_RET_FULL;
	else if (bytes_eq(v, "hdrs"))
		e->ret = DSN_RET_HDRS;
	else
		return false;
	return true;
}

static bool
get_body(struct envelope *e, struct bytes v)
{
	for (size_t i = 1; i < sizeof(body_words) / sizeof(body_words[0]); i++)
		if (bytes_eq(v, body_words[i])) {
			e->is_8bit = (i & 1) != 0;
			e->is_long = (i & 2) != 0;
			return true;
		}
	return false;
}

static bool
get_utf8(struct envelope *e, struct bytes v)
{
	return e->is_utf8 = bytes_eq(v, "yes");
}

static bool
get_uid(struct envelope *e, struct bytes v)
{
	uint64_t uid;

	if (!num_u64_max(v, UINT32_MAX, &uid))
		return false;
	e->uid = (uint32_t)uid;
	return true;
}

static bool
get_rcpt(struct envelope *e, struct bytes v)
{
	char *addr = unescape(v);

	if (addr == NULL)
		return false;
	(void)envelope_add_rcpt(e, addr); /* borrowed; found again at the end */
	free(addr);
	return true;
}

static bool
get_notify(struct envelope *e, struct bytes v)
{
	unsigned notify = 0;

	if (e->nrcpts == 0)
		return false;
	while (v.n > 0) {
		const char *comma = memchr(v.p, ',', v.n);
		size_t n = comma != NULL ? (size_t)(comma - v.p) : v.n;
		size_t i = 0;

		while (i < NNOTIFIES &&
		       !bytes_eq(bytes_of(v.p, n), notifies[i].name))
			i++;
		if (i == NNOTIFIES)
			return false;
		notify |= notifies[i].bit;
		n += comma != NULL;
		v = bytes_of(v.p + n, v.n - n);
	}
	e->rcpts[e->nrcpts - 1].notify = notify;
	return true;
}

static bool
get_orcpt(struct envelope *e, struct bytes v)
{
	return e->nrcpts > 0 && set_string(&e->rcpts[e->nrcpts - 1].orcpt, v);
}

static bool
get_pad(struct envelope *e, struct bytes v)
{
	(void)e;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] != ' ')
			return false;
	return true;
}

static const struct {
	const char *key;
	bool (*get)(struct envelope *e, struct bytes value);
} facts[] = {
	{ "size", get_size },
	{ "id", get_id },
	{ "arrived", get_arrived },
	{ "ret", get_ret },
	{ "body", get_body },
	{ "utf8", get_utf8 },
	{ "uid", get_uid },
	{ "rcpt", get_rcpt },
	{ "notify", get_notify },
	{ "orcpt", get_orcpt },
	{ "pad", get_pad },
};
enum { NFACTS = sizeof(facts) / sizeof(facts[0]) };

static bool
get_line(struct envelope *e, struct bytes line)
{
	struct bytes key;

	if (!take_field(&line, &key) || key.n < 2 || key.p[key.n - 1] != ':')
		return false;
	key.n--;
	for (size_t i = 0; i < NSTRINGS; i++)
		if (bytes_eq(key, strings[i].key))
			return set_string(
			    (char **)(void *)((char *)e + strings[i].at), line);
	for (size_t i = 0; i < NFACTS; i++)
		if (bytes_eq(key, facts[i].key))
			return facts[i].get(e, line);
	return false;
}

static bool
is_prefix_of(struct bytes b, const char *text)
{
	return b.n <= strlen(text) && (b.n == 0 || memcmp(b.p, text, b.n) == 0);
}

static bool
starts_with(struct bytes b, const char *text)
{
	return b.n >= strlen(text) && memcmp(b.p, text, strlen(text)) == 0;
}

/* The lines between the first and the empty one. */
static enum spool_text_result
get_lines(
    struct bytes file, size_t at_first, struct envelope *e, size_t *ret_body)
{
	struct bytes rest = bytes_of(file.p + at_first, file.n - at_first);
	struct bytes line;
	uint32_t sum;

	for (;;) {
		size_t at = file.n - rest.n;

		if (!take_line(&rest, &line))
			return SPOOL_TEXT_SHORT;
		if (starts_with(line, "sum: ")) {
			line = bytes_of(line.p + 5, line.n - 5);
			if (!hex_u32(line, &sum) ||
			    sum != crc32_of(0, file.p, at))
				return SPOOL_TEXT_BAD;
			break;
		}
		if (!get_line(e, line))
			return SPOOL_TEXT_BAD;
	}
	if (rest.n == 0)
		return SPOOL_TEXT_SHORT;
	if (rest.p[0] != '\n' || e->nrcpts == 0)
		return SPOOL_TEXT_BAD;
	*ret_body = file.n - rest.n + 1;
	return SPOOL_TEXT_OK;
}

enum spool_text_result
spool_text_header_parse(enum spool_text_kind kind, struct bytes file,
    struct envelope **ret_env, size_t *ret_body)
{
	const char *first = first_lines[kind];
	struct envelope *e;
	enum spool_text_result res;

	if (starts_with(file, SPOOL_DRAFT_MARK) ||
	    is_prefix_of(file, SPOOL_DRAFT_MARK) || is_prefix_of(file, first))
		return SPOOL_TEXT_SHORT;
	if (!starts_with(file, first))
		return SPOOL_TEXT_BAD;
	e = envelope_new();
	e->uid = UID_UNKNOWN;
	res = get_lines(file, strlen(first), e, ret_body);
	if (res == SPOOL_TEXT_OK)
		*ret_env = e;
	else
		envelope_free(e);
	return res;
}

/* --- end record ----------------------------------------------------------- */

size_t
spool_text_end(char to[SPOOL_END_MAX], uint64_t size, uint32_t crc)
{
	return (size_t)snprintf(
	    to, SPOOL_END_MAX, "end %" PRIu64 " %08" PRIx32 "\n", size, crc);
}

enum spool_text_result
spool_text_end_parse(
    struct bytes file, uint64_t size, uint32_t *ret_crc, size_t *ret_used)
{
	char want[SPOOL_END_MAX];
	size_t len = spool_text_end(want, size, 0), fixed = len - CRC_LEN - 1;
	uint32_t crc;

	/* The part that is known must be there as far as the file goes. */
	if (memcmp(file.n > 0 ? file.p : "", want,
		file.n < fixed ? file.n : fixed) != 0)
		return SPOOL_TEXT_BAD;
	if (file.n < len) {
		for (size_t i = fixed; i < file.n; i++)
			if (hex_digit(file.p[i]) < 0)
				return SPOOL_TEXT_BAD;
		return SPOOL_TEXT_SHORT;
	}
	if (!hex_u32(bytes_of(file.p + fixed, CRC_LEN), &crc) ||
	    file.p[len - 1] != '\n')
		return SPOOL_TEXT_BAD;
	*ret_crc = crc;
	*ret_used = len;
	return SPOOL_TEXT_OK;
}

/* --- journal: writing ----------------------------------------------------- */

/* A line is built behind a place kept for its checksum. */
static bool
note_begin(struct buf *to, size_t *ret_start)
{
	*ret_start = buf_len(to);
	return buf_adds(to, "00000000 ");
}

static bool
note_end(struct buf *to, size_t start)
{
	char hex[CRC_LEN + 1];
	char *line = to->p + to->head + start;

	(void)snprintf(hex, sizeof(hex), "%08" PRIx32,
	    crc32_of(0, line + CRC_LEN + 1, buf_len(to) - start - CRC_LEN - 1));
	memcpy(line, hex, CRC_LEN);
	return buf_addc(to, '\n');
}

static bool
note_times(struct buf *to, const char *event, int64_t wall_ms, int64_t seen_ms)
{
	size_t start;

	return note_begin(to, &start) &&
	       buf_addf(to, "%s %" PRIu64 " %" PRIu64, event,
		   since_1970(wall_ms), since_1970(seen_ms)) &&
	       note_end(to, start);
}

static bool
note_time(struct buf *to, const char *event, int64_t wall_ms)
{
	size_t start;

	return note_begin(to, &start) &&
	       buf_addf(to, "%s %" PRIu64, event, since_1970(wall_ms)) &&
	       note_end(to, start);
}

bool
spool_note_attempt(struct buf *to, int64_t wall_ms, int64_t seen_ms)
{
	return note_times(to, "attempt", wall_ms, seen_ms);
}

bool
spool_note_seen(struct buf *to, int64_t wall_ms, int64_t seen_ms)
{
	return note_times(to, "seen", wall_ms, seen_ms);
}

static const char *const state_names[] = { [RCPT_WAITING] = "waiting",
	[RCPT_SENT] = "sent",
	[RCPT_FAILED] = "failed" };
enum { NSTATES = sizeof(state_names) / sizeof(state_names[0]) };

bool
spool_note_rcpt(struct buf *to, size_t index, const struct rcpt *r)
{
	static const struct verdict none;
	const struct verdict *v = r->last != NULL ? r->last : &none;
	size_t start;

	return note_begin(to, &start) &&
	       buf_addf(to, "rcpt %zu %s %s %s %d", index,
		   state_names[r->state], verdict_class_name(v->class),
		   verdict_stage_name(v->stage), v->code > 0 ? v->code : 0) &&
	       escape_field(to, v->enhanced) &&
	       buf_adds(to, v->is_uncertain ? " uncertain" : " sure") &&
	       escape_field(to, v->who) && buf_addc(to, ' ') &&
	       escape(to, v->text, false) && note_end(to, start);
}

/* "0-99,120,122"; "-" is none. */
static bool
note_ranges(struct buf *to, const size_t *v, size_t n)
{
	if (n == 0)
		return buf_addc(to, '-');
	for (size_t i = 0, last; i < n; i = last + 1) {
		for (last = i; last + 1 < n && v[last + 1] == v[last] + 1;)
			last++;
		if (!buf_addf(to, "%s%zu", i > 0 ? "," : "", v[i]) ||
		    (last > i && !buf_addf(to, "-%zu", v[last])))
			return false;
	}
	return true;
}

bool
spool_note_offer(struct buf *to, int64_t wall_ms, const char *who,
    const size_t *rcpts, size_t n)
{
	size_t start;

	return note_begin(to, &start) &&
	       buf_addf(to, "offer %" PRIu64, since_1970(wall_ms)) &&
	       escape_field(to, who) && buf_addc(to, ' ') &&
	       note_ranges(to, rcpts, n) && note_end(to, start);
}

bool
spool_note_next(struct buf *to, int64_t next_wall_ms)
{
	return note_time(to, "next", next_wall_ms);
}

bool
spool_note_hold(struct buf *to, int64_t wall_ms, const char *why)
{
	size_t start;

	return note_begin(to, &start) &&
	       buf_addf(to, "hold %" PRIu64 " ", since_1970(wall_ms)) &&
	       escape(to, why, false) && note_end(to, start);
}

bool
spool_note_equal(struct buf *to, int64_t wall_ms)
{
	return note_time(to, "equal", wall_ms);
}

bool
spool_note_release(struct buf *to, int64_t wall_ms)
{
	return note_time(to, "release", wall_ms);
}

bool
spool_note_told(struct buf *to, int64_t wall_ms, size_t index)
{
	size_t start;

	return note_begin(to, &start) &&
	       buf_addf(
		   to, "told %" PRIu64 " %zu", since_1970(wall_ms), index) &&
	       note_end(to, start);
}

bool
spool_note_delay_told(struct buf *to, int64_t wall_ms)
{
	return note_time(to, "delay-told", wall_ms);
}

bool
spool_note_requeue(struct buf *to, int64_t wall_ms)
{
	return note_time(to, "requeue", wall_ms);
}

/* --- journal: reading ----------------------------------------------------- */

struct fold {
	struct envelope *env;
	struct spool_state *st;
	bool *offered; /* one per recipient; NULL: none is */
	char who[VERDICT_WHO_MAX]; /* to whom */
};

static bool
fold_seen(struct fold *f, struct bytes args)
{
	struct bytes wall;
	int64_t at, seen;

	if (!take_field(&args, &wall) || !parse_i64(wall, &at) ||
	    !parse_i64(args, &seen))
		return false;
	f->st->seen_ms = seen;
	return true;
}

static void
forget_offer(struct fold *f)
{
	free(f->offered);
	f->offered = NULL;
}

static bool
fold_attempt(struct fold *f, struct bytes args)
{
	struct bytes rest = args, wall;

	if (!fold_seen(f, args) || f->st->attempts == INT32_MAX ||
	    !take_field(&rest, &wall) ||
	    !parse_i64(wall, &f->st->tried_wall_ms))
		return false;
	f->st->attempts++;
	f->st->is_offered = false;
	forget_offer(f);
	return true;
}

static bool
copy_field(char *to, size_t size, char *text)
{
	bool ok = text != NULL &&
		  str_copy(to, size, bytes_of(text, strlen(text)));

	free(text);
	return ok;
}

/* "3" or "3-5" */
static bool
mark_range(struct fold *f, struct bytes range)
{
	struct bytes first = bytes_cut(&range, '-');
	uint64_t from, to;

	if (!num_u64_max(first, f->env->nrcpts - 1, &from))
		return false;
	to = from;
	if (range.n > 0 && !num_u64_max(range, f->env->nrcpts - 1, &to))
		return false;
	for (uint64_t i = from; i <= to; i++)
		f->offered[i] = true;
	return from <= to;
}

static bool
fold_offer(struct fold *f, struct bytes args)
{
	struct bytes wall, who;
	int64_t at;

	if (!take_field(&args, &wall) || !parse_i64(wall, &at) ||
	    !take_field(&args, &who) ||
	    !copy_field(f->who, sizeof(f->who), unescape_field(who)))
		return false;
	if (bytes_eq(args, "-")) {
		f->st->is_offered = false;
		forget_offer(f);
		return true;
	}
	if (f->offered == NULL)
		f->offered = xcalloc(f->env->nrcpts, sizeof(*f->offered));
	f->st->is_offered = true;
	while (args.n > 0)
		if (!mark_range(f, bytes_cut(&args, ',')))
			return false;
	return true;
}

static bool
parse_verdict(struct bytes args, struct verdict *v)
{
	struct bytes class, stage, code, enhanced, sure, who;
	uint64_t n;

	if (!take_field(&args, &class) || !take_field(&args, &stage) ||
	    !take_field(&args, &code) || !take_field(&args, &enhanced) ||
	    !take_field(&args, &sure) || !take_field(&args, &who))
		return false;
	if (!verdict_class_from(class, &v->class) ||
	    !verdict_stage_from(stage, &v->stage) ||
	    !num_u64_max(code, 999, &n))
		return false;
	v->code = (int)n;
	v->is_uncertain = bytes_eq(sure, "uncertain");
	return copy_field(v->enhanced, sizeof(v->enhanced),
		   unescape_field(enhanced)) &&
	       copy_field(v->who, sizeof(v->who), unescape_field(who)) &&
	       copy_field(v->text, sizeof(v->text), unescape(args));
}

static bool
fold_rcpt(struct fold *f, struct bytes args)
{
	struct verdict v = { 0 };
	struct bytes index, state;
	uint64_t i;
	size_t s = 0;

	if (!take_field(&args, &index) || !take_field(&args, &state) ||
	    !num_u64_max(index, f->env->nrcpts - 1, &i) ||
	    !parse_verdict(args, &v))
		return false;
	while (s < NSTATES && !bytes_eq(state, state_names[s]))
		s++;
	if (s == NSTATES)
		return false;
	f->env->rcpts[i].state = (enum rcpt_state)s;
	f->env->rcpts[i].is_told = false;
	if (f->offered != NULL)
		f->offered[i] = false;
	if (v.class != VERDICT_NONE)
		rcpt_set_verdict(&f->env->rcpts[i], &v);
	return true;
}

static bool
fold_next(struct fold *f, struct bytes args)
{
	return parse_i64(args, &f->st->next_wall_ms);
}

static bool
fold_hold(struct fold *f, struct bytes args)
{
	struct bytes wall;
	int64_t at;
	char *why;

	if (!take_field(&args, &wall) || !parse_i64(wall, &at) ||
	    (why = unescape(args)) == NULL)
		return false;
	f->st->is_held = true;
	f->st->is_offered = false; /* a person will see to it */
	/* Cut is fine: it is for people. */
	IGNORE(copy_field(f->st->reason, sizeof(f->st->reason), why));
	return true;
}

static bool
fold_release(struct fold *f, struct bytes args)
{
	int64_t at;

	if (!parse_i64(args, &at))
		return false;
	f->st->is_held = f->st->is_offered = false;
	f->st->reason[0] = '\0';
	f->st->life_from_s = at / 1000;
	return true;
}

static bool
fold_equal(struct fold *f, struct bytes args)
{
	int64_t at;

	if (!parse_i64(args, &at) || f->env->nequal == UINT32_MAX)
		return false;
	f->env->nequal++;
	f->env->equal_last_s = at / 1000;
	return true;
}

static bool
fold_told(struct fold *f, struct bytes args)
{
	struct bytes wall;
	int64_t at;
	uint64_t i;

	if (!take_field(&args, &wall) || !parse_i64(wall, &at) ||
	    !num_u64_max(args, f->env->nrcpts - 1, &i))
		return false;
	f->env->rcpts[i].is_told = f->env->rcpts[i].state == RCPT_FAILED;
	return true;
}

static bool
fold_delay_told(struct fold *f, struct bytes args)
{
	int64_t at;

	if (!parse_i64(args, &at))
		return false;
	f->st->is_delay_told = true;
	return true;
}

static bool
fold_requeue(struct fold *f, struct bytes args)
{
	int64_t at;

	if (!parse_i64(args, &at))
		return false;
	for (size_t i = 0; i < f->env->nrcpts; i++) {
		if (f->env->rcpts[i].state == RCPT_FAILED)
			f->env->rcpts[i].state = RCPT_WAITING;
		f->env->rcpts[i].is_told = false;
	}
	forget_offer(f);
	*f->st = (struct spool_state) { .life_from_s = at / 1000 };
	return true;
}

static const struct {
	const char *event;
	bool (*fold)(struct fold *f, struct bytes args);
} events[] = {
	{ "attempt", fold_attempt },
	{ "seen", fold_seen },
	{ "rcpt", fold_rcpt },
	{ "offer", fold_offer },
	{ "next", fold_next },
	{ "hold", fold_hold },
	{ "release", fold_release },
	{ "requeue", fold_requeue },
	{ "told", fold_told },
	{ "delay-told", fold_delay_told },
	{ "equal", fold_equal },
};
enum { NEVENTS = sizeof(events) / sizeof(events[0]) };

static bool
is_sound(struct bytes line)
{
	uint32_t crc;

	return line.n > CRC_LEN && line.p[CRC_LEN] == ' ' &&
	       hex_u32(bytes_of(line.p, CRC_LEN), &crc) &&
	       crc == crc32_of(0, line.p + CRC_LEN + 1, line.n - CRC_LEN - 1);
}

static bool
fold_line(struct fold *f, struct bytes line)
{
	struct bytes event;

	line = bytes_of(line.p + CRC_LEN + 1, line.n - CRC_LEN - 1);
	if (!take_field(&line, &event))
		return false;
	for (size_t i = 0; i < NEVENTS; i++)
		if (bytes_eq(event, events[i].event))
			return events[i].fold(f, line);
	return false;
}

/* What no answer was noted for. */
static void
settle_offer(struct fold *f)
{
	struct verdict v;

	if (f->offered == NULL)
		return;
	verdict_unanswered(&v, f->who);
	for (size_t i = 0; i < f->env->nrcpts; i++)
		if (f->offered[i] && f->env->rcpts[i].state == RCPT_WAITING)
			rcpt_set_verdict(&f->env->rcpts[i], &v);
}

static bool
fold_lines(struct fold *f, struct bytes journal, size_t *ret_good)
{
	struct bytes rest = journal, line;
	bool is_torn = false;

	*ret_good = 0;
	while (take_line(&rest, &line)) {
		if (!is_sound(line)) {
			is_torn = true;
			continue;
		}
		/* A sound line behind a bad one: that was no crash. */
		if (is_torn || !fold_line(f, line))
			return false;
		*ret_good = journal.n - rest.n;
	}
	return true;
}

bool
spool_text_journal_parse(struct bytes journal, struct envelope *env,
    struct spool_state *st, size_t *ret_good)
{
	struct fold f = { .env = env, .st = st };
	size_t good;
	bool ok = fold_lines(&f, journal, &good);

	if (ok) {
		settle_offer(&f);
		*ret_good = good;
	}
	forget_offer(&f);
	return ok;
}
