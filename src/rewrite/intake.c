/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/intake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "mail/header.h"
#include "mail/received.h"
#include "rewrite/bcc.h"
#include "rewrite/fields.h"
#include "rewrite/fold_hash.h"
#include "rewrite/lines.h"
#include "rewrite/mime_stream.h"
#include "rewrite/missing_fields.h"
#include "rewrite/notes.h"
#include "rewrite/signature.h"
#include "rewrite/single_fields.h"
#include "rewrite/trace.h"

enum {
	STORED_MAX = HEADER_MAX + HEADER_OWN_MAX, /* what can be read again */
	HEAD_MAX = STORED_MAX + 2 * HEADER_MAX, /* with the body's beginning */
	ACCOUNT_NAME_MAX = 128
};

struct intake {
	const struct intake_facts *facts;
	struct header *header; /* NULL once it has been written to head */
	struct buf head; /* mended header, start of the body; then CRLF */
	struct bytes body; /* what the caller's last chunk has left */
	struct verdict verdict;
	struct intake_seen seen;
	char *message_id, *account;
	struct mime_stream *parts; /* NULL: a leaf that may be encoded */
	struct part top; /* of one that has none */
	struct buf mended; /* the caller's last chunk without its NULs */
	struct buf alike; /* some of it, on its way there */
	struct siphash fold_hash; /* with a key */
	size_t line_len; /* of the line under way */
	char last; /* byte that was seen last, NUL at the start */
};

struct intake *
intake_new(const struct intake_facts *facts)
{
	struct intake *in = xcalloc(1, sizeof(*in));

	in->facts = facts;
	in->header = header_new();
	header_mend(in->header);
	if (facts->fold_key != NULL)
		siphash_init(&in->fold_hash, facts->fold_key);
	buf_init(&in->head, HEAD_MAX);
	buf_init(&in->mended, SIZE_MAX / 4); /* as the caller's chunks are */
	buf_init(&in->alike, SIZE_MAX / 4);
	in->message_id = xstrdup("");
	in->seen.message_id = in->message_id;
	in->account = xstrdup("");
	in->seen.account = in->account;
	return in;
}

void
intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	header_free(in->header);
	mime_stream_free(in->parts);
	buf_clear(&in->head);
	buf_clear(&in->mended);
	buf_clear(&in->alike);
	free(in->message_id);
	free(in->account);
	free(in);
}

/* --- what is seen --------------------------------------------------------- */

static bool
has_8bit(struct bytes b)
{
	uint64_t eight, any = 0;

	for (; b.n >= sizeof(eight); b.n -= sizeof(eight)) {
		memcpy(&eight, b.p, sizeof(eight));
		any |= eight;
		b.p += sizeof(eight);
	}
	for (; b.n > 0; b.n--)
		any |= (unsigned char)*b.p++;
	return (any & UINT64_C(0x8080808080808080)) != 0;
}

static void
see_line_end(struct intake *in)
{
	if (in->line_len > in->seen.longest_line)
		in->seen.longest_line = in->line_len;
}

/* Line lengths leave a CR before the LF out, also one of an earlier chunk. */
static void
see_lines(struct intake *in, struct bytes b)
{
	const char *nl;

	while (b.n > 0 && (nl = memchr(b.p, '\n', b.n)) != NULL) {
		size_t n = (size_t)(nl - b.p);
		char before = n > 0 ? nl[-1] : in->last;

		in->line_len += n;
		if (before == '\r' && in->line_len > 0)
			in->line_len--;
		see_line_end(in);
		in->line_len = 0;
		in->last = '\n';
		b = bytes_of(nl + 1, b.n - n - 1);
	}
	if (b.n > 0) {
		in->line_len += b.n;
		in->last = b.p[b.n - 1];
	}
}

/* Only what is sealed matters here: whether it can be sent at all. */
static void
see_parts(struct intake *in)
{
	struct mime_part info;

	while (mime_stream_next(in->parts, &info) != MIME_MORE)
		continue;
}

static bool
is_sealed_too_long(const struct intake *in)
{
	return in->parts != NULL &&
	       mime_stream_longest_sealed(in->parts) > LINES_MAX;
}

static void
see_body(struct intake *in, struct bytes b)
{
	if (in->parts != NULL) {
		mime_stream_put(in->parts, b.p, b.n);
		see_parts(in);
	}
	if (!in->seen.has_8bit_body)
		in->seen.has_8bit_body = has_8bit(b);
	see_lines(in, b);
	if (in->facts->fold_key != NULL)
		siphash_put(&in->fold_hash, b.p, b.n);
}

static void
see_message_id(struct intake *in)
{
	size_t i = header_find(in->header, "Message-ID", 0);
	struct buf value;

	if (i == HEADER_NONE)
		return;
	buf_init(&value, HEADER_VALUE_MAX);
	IGNORE(header_value(in->header, i, &value)); /* always fits */
	free(in->message_id);
	in->message_id = buf_steal(&value);
	in->seen.message_id = in->message_id;
}

/* --- the header ----------------------------------------------------------- */

static bool
refuse(struct intake *in, int code, const char *enhanced, const char *text)
{
	verdict_local(
	    &in->verdict, VERDICT_NEVER, STAGE_LOCAL, code, enhanced, text);
	header_free(in->header);
	in->header = NULL;
	buf_reset(&in->head);
	in->body = bytes_of(NULL, 0);
	return false;
}

/* For clients that cannot use "sendmail -a"; it is removed, because it concerns
 * no one else (X-). */
static void
take_account(struct intake *in)
{
	static const char name[] = "X-Relais-Account";
	size_t i = header_find(in->header, name, 0);
	struct bytes value;

	if (i == HEADER_NONE)
		return;
	value = bytes_trim(header_at(in->header, i).body);
	if (value.n > ACCOUNT_NAME_MAX)
		value.n = ACCOUNT_NAME_MAX;
	free(in->account);
	in->account = xstrndup(value.p, value.n);
	in->seen.account = in->account;
	IGNORE(header_remove_all(in->header, name) > 0);
}

static void
note_mended(struct intake *in)
{
	unsigned mended = header_mended(in->header);

	if ((mended & HEADER_MENDED_NAME) != 0)
		in->seen.notes |= NOTE_BIT(NOTE_NAME);
	if ((mended & HEADER_MENDED_STRAY) != 0)
		in->seen.notes |= NOTE_BIT(NOTE_STRAY);
	if ((mended & HEADER_MENDED_LIST) != 0)
		in->seen.notes |= NOTE_BIT(NOTE_LIST);
}

static bool
refuse_form(struct intake *in, const char *text)
{
	return refuse(in, 554, "5.6.0", text);
}

static bool
refuse_loop(struct intake *in, const char *text)
{
	return refuse(in, 554, "5.4.6", text);
}

/* The rules, in their order.  False: the message is refused. */
static bool
apply_rules(struct intake *in)
{
	const struct intake_facts *f = in->facts;
	struct header *h = in->header;
	unsigned *notes = &in->seen.notes;
	struct missing_facts facts = {
		.env = f->env,
		.hostname = f->hostname,
		.wall_ms = f->wall_ms,
		.utc_offset_s = f->utc_offset_s,
		.full_name = f->full_name,
		.notes = notes,
	};
	struct received_opts trace = {
		.env = f->env,
		.hostname = f->hostname,
		.with = f->with,
		.wall_ms = f->wall_ms,
		.utc_offset_s = f->utc_offset_s,
		.hide_submitter = f->hide_submitter,
	};
	bool has_long_word;

	if (trace_is_loop(h))
		return refuse_loop(in,
		    "mail loop: the message has been through more than 100 "
		    "systems");
	if (f->is_here != NULL && trace_has_come_back(h, f->is_here, f->ctx))
		return refuse_loop(in,
		    "mail loop: the message has come back and is still in the "
		    "queue");
	note_mended(in);
	take_account(in);
	fields_remove_empty(h, notes);
	if (!fields_mend_words(h, notes) || !fields_decode_addresses(h, notes))
		return refuse_form(in, "the encoded words are too long");
	bcc_remove(h);
	single_fields_repair(h, f->locals, notes);
	if (f->locals != NULL && !locals_repair(h, f->locals, notes))
		return refuse_form(
		    in, "the names in To or Cc lead to too many addresses");
	if (!missing_add_from(h, &facts))
		return refuse_form(in, "no From field could be created");
	if (!missing_add_date(h, &facts))
		return refuse_form(in, "no Date field could be created");
	if (!missing_add_message_id(h, &facts))
		return refuse_form(in, "no Message-ID could be created");
	if (!missing_add_resent(h, &facts))
		return refuse_form(in, "no Resent- fields could be created");
	has_long_word = lines_has_long_word(h);
	if (has_long_word)
		*notes |= NOTE_BIT(NOTE_LONG_WORD);
	if (!lines_fold(h))
		return refuse_form(in,
		    "a header field of the message is too long to be folded");
	/* A word of a thousand letters cannot be, and is X-Original-From now;
	 * what stood beside it may be a name of this machine. */
	if (has_long_word && f->locals != NULL &&
	    !locals_repair(h, f->locals, notes))
		return refuse_form(
		    in, "the names in To or Cc lead to too many addresses");
	if (!missing_add_from(h, &facts) || !missing_add_resent(h, &facts))
		return refuse_form(in, "no From field could be created");
	IGNORE(signature_remove_stale(h));
	if (!trace_add(h, &trace))
		return refuse_form(in, "no Received field could be created");
	return true;
}

/* The header is complete: mends it and writes it to head, with the empty line
 * and whatever was taken of the body. */
static bool
finish_header(struct intake *in)
{
	struct bytes rest;

	if (!apply_rules(in))
		return false;
	see_message_id(in);
	if (in->facts->fold_key != NULL)
		fold_hash_put_header(in->header, &in->fold_hash);
	in->parts = mime_stream_new(in->header);
	in->top = *mime_stream_top(in->parts);
	if (in->top.kind == PART_LEAF && !in->top.is_sealed) {
		mime_stream_free(in->parts);
		in->parts = NULL;
	}
	if (!header_write(in->header, &in->head) ||
	    buf_len(&in->head) > STORED_MAX || !buf_adds(&in->head, "\r\n"))
		return refuse(
		    in, 552, "5.3.4", "the header of the message is too large");
	see_lines(in, buf_bytes(&in->head));
	rest = header_rest(in->header);
	see_body(in, rest);
	if (!buf_add(&in->head, rest.p, rest.n))
		return refuse(
		    in, 552, "5.3.4", "the header of the message is too large");
	header_free(in->header);
	in->header = NULL;
	return true;
}

/* What reading the header has come to. */
static bool
check_header(struct intake *in)
{
	switch (header_state(in->header)) {
	case HEADER_MORE:
		return true;
	case HEADER_DONE:
		return finish_header(in);
	case HEADER_TOO_BIG:
		return refuse(in, 552, "5.3.4",
		    "the header of the message is larger than 1 MiB or has "
		    "more than 20000 fields");
	}
	return false;
}

/* --- the message ---------------------------------------------------------- */

static bool
is_refused(const struct intake *in)
{
	return in->verdict.class != VERDICT_NONE;
}

/* Takes bytes without NUL; *ret is what of them belongs to the body. */
static bool
take_bytes(struct intake *in, struct bytes b, struct bytes *ret)
{
	if (in->header != NULL) {
		size_t taken = header_put(in->header, b.p, b.n);

		if (!check_header(in))
			return false;
		b = bytes_of(b.p + taken, b.n - taken);
	}
	if (b.n > 0)
		see_body(in, b);
	*ret = b;
	return true;
}

/* What stands for a NUL here. */
static struct bytes
substitute(const struct intake *in)
{
	const struct part *leaf = in->parts != NULL
				      ? mime_stream_leaf(in->parts)
				      : &in->top;

	/* In a signed part nothing could be done for an 8-bit one later. */
	if (in->header == NULL && leaf != NULL && leaf->is_utf8 &&
	    !leaf->is_sealed)
		switch (leaf->encoding) {
		case CONTENT_7BIT:
		case CONTENT_8BIT:
		case CONTENT_BINARY:
			return bytes_of("\xef\xbf\xbd", 3);
		case CONTENT_QP:
			return bytes_of("=EF=BF=BD", 9);
		case CONTENT_BASE64:
		case CONTENT_OTHER:
			break;
		}
	return bytes_of("?", 1);
}

/* How much of b has the same substitute: what a part is changes where a line
 * ends. */
static size_t
len_alike(const struct intake *in, struct bytes b)
{
	const char *nl;

	if (in->header == NULL && in->parts == NULL)
		return b.n;
	nl = memchr(b.p, '\n', b.n);
	return nl != NULL ? (size_t)(nl + 1 - b.p) : b.n;
}

static void
replace_nul(struct buf *to, struct bytes b, struct bytes by)
{
	while (b.n > 0) {
		const char *nul = memchr(b.p, '\0', b.n);
		size_t n = nul != NULL ? (size_t)(nul - b.p) : b.n;

		if (!buf_add(to, b.p, n) ||
		    (nul != NULL && !buf_add(to, by.p, by.n)))
			abort(); /* nine times a chunk */
		n += nul != NULL;
		b = bytes_of(b.p + n, b.n - n);
	}
}

/* What is taken for a NUL depends on what was before. */
static bool
take_without_nul(struct intake *in, struct bytes b)
{
	in->seen.notes |= NOTE_BIT(NOTE_NUL);
	buf_reset(&in->mended);
	while (b.n > 0) {
		size_t n = len_alike(in, b);
		struct bytes piece;

		buf_reset(&in->alike);
		replace_nul(&in->alike, bytes_of(b.p, n), substitute(in));
		if (!take_bytes(in, buf_bytes(&in->alike), &piece))
			return false;
		if (!buf_add(&in->mended, piece.p, piece.n))
			abort(); /* nine times a chunk */
		b = bytes_of(b.p + n, b.n - n);
	}
	in->body = buf_bytes(&in->mended);
	return true;
}

bool
intake_put(struct intake *in, const void *p, size_t n)
{
	struct bytes b = bytes_of(p, n);

	assert(in->body.n == 0 && buf_len(&in->head) == 0);
	if (is_refused(in))
		return false;
	if (memchr(p, '\0', n) != NULL)
		return take_without_nul(in, b);
	return take_bytes(in, b, &in->body);
}

bool
intake_end(struct intake *in)
{
	assert(in->body.n == 0 && buf_len(&in->head) == 0);
	if (is_refused(in))
		return false;
	if (in->header != NULL) {
		header_end(in->header);
		if (!check_header(in))
			return false;
	}
	if (in->last != '\n') {
		/* A CR alone is completed, not doubled. */
		const char *end = in->last == '\r' ? "\n" : "\r\n";

		IGNORE(buf_adds(&in->head, end)); /* HEAD_MAX is generous */
		see_body(in, bytes_str(end));
	}
	if (in->parts != NULL) {
		mime_stream_end(in->parts);
		see_parts(in);
	}
	/* R13: what could not be mended when it is to go is not taken. */
	if (in->parts != NULL && mime_stream_is_beyond(in->parts) &&
	    in->seen.longest_line > LINES_MAX)
		return refuse(in, 554, "5.6.0",
		    "the message has a line of more than 998 octets, and too "
		    "many parts, or parts nested too deep, to be repaired");
	if (is_sealed_too_long(in))
		return refuse(in, 554, "5.6.0",
		    "a signed or encrypted part of the message, or a "
		    "message/partial, has a line of more than 998 octets, "
		    "which no server accepts and which "
		    "must not be changed");
	if (in->facts->fold_key != NULL)
		in->seen.fold_hash = siphash_end(&in->fold_hash);
	return true;
}

size_t
intake_peek(struct intake *in, const void **ret_p)
{
	if (buf_len(&in->head) > 0) {
		*ret_p = buf_str(&in->head);
		return buf_len(&in->head);
	}
	*ret_p = in->body.p;
	return in->body.n;
}

void
intake_took(struct intake *in, size_t n)
{
	if (buf_len(&in->head) > 0) {
		buf_drop(&in->head, n);
		if (buf_len(&in->head) == 0)
			buf_clear(&in->head); /* bodies are long, it is not */
		return;
	}
	assert(n <= in->body.n);
	in->body = bytes_of(in->body.p + n, in->body.n - n);
}

const struct verdict *
intake_verdict(const struct intake *in)
{
	return &in->verdict;
}

const struct intake_seen *
intake_seen(const struct intake *in)
{
	return &in->seen;
}

void
intake_mark(const struct intake *in, struct envelope *env)
{
	const struct intake_seen *seen = intake_seen(in);

	if (env->account == NULL && seen->account[0] != '\0')
		envelope_set(&env->account, seen->account);
	if (seen->has_8bit_body)
		env->is_8bit = true;
	env->is_long = seen->longest_line > LINES_MAX;
	env->fold_hash = seen->fold_hash;
}
