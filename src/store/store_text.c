/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Notation, with value and crc as spool_word.h has them:
 *
 *   file    = "relais-spool 1" LF *( key ": " value LF ) "sum: " crc LF LF
 *             message "end " length SP crc LF *note
 */
#include "store/store_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/crc32.h"
#include "base/num.h"
#include "base/str.h"
#include "store/spool_word.h"

static const char *const first_lines[] = {
	[STORE_TEXT_MESSAGE] = "relais-spool 1\n",
	[STORE_TEXT_DROP] = "relais-drop 1\n",
};

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
	       (buf_addf(to, "%s: ", key) && spool_escape(to, value) &&
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
	size_t tail = strlen("sum: \n\n") + SPOOL_CRC_LEN, used, n;
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
store_text_header(struct buf *to, enum store_text_kind kind,
    const struct envelope *e, size_t total)
{
	size_t start = buf_len(to);

	if (!buf_adds(to, first_lines[kind]) ||
	    !buf_addf(to, "size: %" PRIu64 "\nid: %s\narrived: %" PRIu64 "\n",
		e->size_bytes, e->id, spool_since_1970(e->arrived_s)) ||
	    !add_strings(to, e) || !add_facts(to, e) || !add_rcpts(to, e) ||
	    !add_padding(to, start, total))
		return false;
	return buf_addf(to, "sum: %08" PRIx32 "\n\n",
	    crc32_of(0, buf_str(to) + start, buf_len(to) - start));
}

static bool
set_string(char **field, struct bytes value)
{
	char *text = spool_unescape(value);

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
	char *addr = spool_unescape(v);

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

/* The bits of the keys that belong to one recipient. */
static unsigned
of_a_rcpt(void)
{
	unsigned bits = 0;

	for (size_t i = 0; i < NFACTS; i++)
		if (facts[i].get == get_notify || facts[i].get == get_orcpt)
			bits |= 1u << (NSTRINGS + i);
	return bits;
}

/* True: it was not there yet; seen has a bit for each key. */
static bool
is_first(unsigned *seen, size_t key)
{
	unsigned bit = 1u << key;
	bool was_seen = (*seen & bit) != 0;

	*seen |= bit;
	return !was_seen;
}

/* Each key stands once, and those of a recipient once for each. */
static bool
get_line(struct envelope *e, struct bytes line, unsigned *seen)
{
	struct bytes key;

	if (!spool_take_field(&line, &key) || key.n < 2 ||
	    key.p[key.n - 1] != ':')
		return false;
	key.n--;
	for (size_t i = 0; i < NSTRINGS; i++)
		if (bytes_eq(key, strings[i].key))
			return is_first(seen, i) &&
			       set_string(
				   (char **)(void *)((char *)e + strings[i].at),
				   line);
	for (size_t i = 0; i < NFACTS; i++)
		if (bytes_eq(key, facts[i].key)) {
			if (facts[i].get == get_rcpt)
				*seen &= ~of_a_rcpt();
			else if (!is_first(seen, NSTRINGS + i))
				return false;
			return facts[i].get(e, line);
		}
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
static enum store_text_result
get_lines(
    struct bytes file, size_t at_first, struct envelope *e, size_t *ret_body)
{
	struct bytes rest = bytes_of(file.p + at_first, file.n - at_first);
	struct bytes line;
	unsigned seen = 0;
	uint32_t sum;

	for (;;) {
		size_t at = file.n - rest.n;

		if (!spool_take_line(&rest, &line))
			return STORE_TEXT_SHORT;
		if (starts_with(line, "sum: ")) {
			line = bytes_of(line.p + 5, line.n - 5);
			if (!spool_crc(line, &sum) ||
			    sum != crc32_of(0, file.p, at))
				return STORE_TEXT_BAD;
			break;
		}
		if (!get_line(e, line, &seen))
			return STORE_TEXT_BAD;
	}
	if (rest.n == 0)
		return STORE_TEXT_SHORT;
	if (rest.p[0] != '\n' || e->nrcpts == 0)
		return STORE_TEXT_BAD;
	*ret_body = file.n - rest.n + 1;
	return STORE_TEXT_OK;
}

enum store_text_result
store_text_header_parse(enum store_text_kind kind, struct bytes file,
    struct envelope **ret_env, size_t *ret_body)
{
	const char *first = first_lines[kind];
	struct envelope *e;
	enum store_text_result res;

	if (starts_with(file, STORE_DRAFT_MARK) ||
	    is_prefix_of(file, STORE_DRAFT_MARK) || is_prefix_of(file, first))
		return STORE_TEXT_SHORT;
	if (!starts_with(file, first))
		return STORE_TEXT_BAD;
	e = envelope_new();
	e->uid = UID_UNKNOWN;
	res = get_lines(file, strlen(first), e, ret_body);
	if (res == STORE_TEXT_OK)
		*ret_env = e;
	else
		envelope_free(e);
	return res;
}

/* --- end record ----------------------------------------------------------- */

size_t
store_text_end(char to[STORE_END_MAX], uint64_t size, uint32_t crc)
{
	return (size_t)snprintf(
	    to, STORE_END_MAX, "end %" PRIu64 " %08" PRIx32 "\n", size, crc);
}

enum store_text_result
store_text_end_parse(
    struct bytes file, uint64_t size, uint32_t *ret_crc, size_t *ret_used)
{
	char want[STORE_END_MAX];
	size_t len = store_text_end(want, size, 0),
	       fixed = len - SPOOL_CRC_LEN - 1;
	uint32_t crc;

	/* The part that is known must be there as far as the file goes. */
	if (memcmp(file.n > 0 ? file.p : "", want,
		file.n < fixed ? file.n : fixed) != 0)
		return STORE_TEXT_BAD;
	if (file.n < len) {
		for (size_t i = fixed; i < file.n; i++)
			if (ascii_hex_value(file.p[i], 'a') < 0)
				return STORE_TEXT_BAD;
		return STORE_TEXT_SHORT;
	}
	if (!spool_crc(bytes_of(file.p + fixed, SPOOL_CRC_LEN), &crc) ||
	    file.p[len - 1] != '\n')
		return STORE_TEXT_BAD;
	*ret_crc = crc;
	*ret_used = len;
	return STORE_TEXT_OK;
}
