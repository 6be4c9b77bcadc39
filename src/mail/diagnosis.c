/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/diagnosis.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "mail/reply_table.h"

enum { REPLY_SHOWN = 200 };

/* src/mail/replies, made a string by src/mail/local.mk. */
static const char built_in[] =
#include "mail/replies.inc"
    ;

/* The one state of this folder: what every part of a program means by "the
 * replies we know".  The shipped rows are read when the first is needed. */
static struct reply_table *shipped;
static const struct reply_table *own;

const struct reply_table *
diagnosis_shipped(void)
{
	struct err err;
	int rc;

	if (shipped == NULL) {
		err_clear(&err);
		rc = reply_table_parse(
		    bytes_str(built_in), NULL, &shipped, &err);
		assert(rc == 0); /* a unit test reads the same rows */
		IGNORE(rc);
	}
	return shipped;
}

void
diagnosis_use(const struct reply_table *rows)
{
	own = rows;
}

/* What we said ourselves needs no table: its class is its meaning. */
static struct diagnosis
of_our_own(const struct verdict *v)
{
	return (struct diagnosis) {
		.act = v->class == VERDICT_NEVER ? DIAGNOSIS_FAIL
						 : DIAGNOSIS_RETRY,
		.cause = "",
		.remedy = "",
	};
}

/* The provider may have taken it: nothing was said. */
static struct diagnosis
of_the_lost(void)
{
	return (struct diagnosis) {
		.act = DIAGNOSIS_RETRY,
		.cause = "the provider received the whole message, but its "
			 "reply was lost",
		.remedy = "nothing: the message is sent again and may arrive "
			  "twice; to hold it instead, set uncertain = hold",
	};
}

struct diagnosis
diagnose(const struct verdict *v, const char *host)
{
	struct diagnosis d = { .act = DIAGNOSIS_RETRY };

	if (v->class == VERDICT_OK || v->class == VERDICT_NONE)
		return (struct diagnosis) { DIAGNOSIS_NONE, 0, "", "" };
	if (v->is_uncertain)
		return of_the_lost();
	if (v->stage == STAGE_LOCAL)
		return of_our_own(v);
	/* The last of the shipped rows fits everything. */
	if (own == NULL || !reply_table_find(own, v, host, &d))
		IGNORE(reply_table_find(diagnosis_shipped(), v, host, &d));
	return d;
}

struct diagnosis
diagnosis_of(const struct verdict *v)
{
	char host[VERDICT_WHO_MAX];

	(void)snprintf(
	    host, sizeof(host), "%.*s", (int)strcspn(v->who, "["), v->who);
	return diagnose(v, host);
}

void
diagnosis_reason(
    const struct verdict *v, const struct diagnosis *d, struct buf *to)
{
	struct verdict shown = *v;
	int n = REPLY_SHOWN;

	if (strlen(v->text) > REPLY_SHOWN) {
		/* Not within a character of UTF-8. */
		while (n > REPLY_SHOWN - 4 && (v->text[n] & 0xc0) == 0x80)
			n--;
		(void)snprintf(
		    shown.text, sizeof(shown.text), "%.*s...", n, v->text);
	}
	verdict_text(&shown, to);
	if (d->cause[0] != '\0')
		IGNORE(
		    buf_addf(to, "; %s", d->cause)); /* fits, see the header */
	if (d->remedy[0] != '\0')
		IGNORE(buf_addf(to, "; %s", d->remedy));
}

/* "5.7.139": class, subject and detail of RFC 3463. */
static bool
is_enhanced(struct bytes w)
{
	size_t dots = 0;

	if (w.n < 5 || w.n > 11 || w.p[0] < '2' || w.p[0] > '5')
		return false;
	for (size_t i = 0; i < w.n; i++) {
		if (w.p[i] == '.')
			dots++;
		else if (w.p[i] < '0' || w.p[i] > '9')
			return false;
	}
	return dots == 2;
}

static bool
is_code(struct bytes w, uint64_t *ret)
{
	return w.n == 3 && num_u64_max(w, 599, ret) && *ret >= 200;
}

/* The next word of *text, and what is left; a "-" ends one too, as in a line
 * of a longer reply, "550-5.7.1 ...". */
static struct bytes
cut_word(struct bytes *text)
{
	struct bytes w = *text = bytes_trim(*text);

	w.n = 0;
	while (w.n < text->n && strchr(" \t\r\n-", text->p[w.n]) == NULL)
		w.n++;
	text->p += w.n;
	text->n -= w.n;
	if (text->n > 0 && *text->p == '-') {
		text->p++;
		text->n--;
	}
	return w;
}

/* The codes at the start of *text, which are cut off. */
static bool
cut_codes(struct bytes *text, uint64_t *ret_code, struct bytes *ret_enhanced)
{
	struct bytes rest = *text, w = cut_word(&rest);
	bool has_code = is_code(w, ret_code);

	if (has_code) {
		*text = rest;
		w = cut_word(&rest);
	} else {
		*ret_code = 0;
	}
	*ret_enhanced = bytes_of("", 0);
	if (!is_enhanced(w))
		return has_code;
	*ret_enhanced = w;
	*text = rest;
	if (!has_code)
		*ret_code = (uint64_t)(w.p[0] - '0') * 100;
	return true;
}

/* As cut_codes(), behind whatever a log has in front of the reply: there only
 * an enhanced code, or a code behind a colon, is told from any other number;
 * ports such as 465 and 587 are no codes (RFC 5321 4.2: the second digit). */
static bool
find_codes(struct bytes *text, uint64_t *ret_code, struct bytes *ret_enhanced)
{
	struct bytes rest = *text;
	bool is_behind_colon = false;

	if (cut_codes(text, ret_code, ret_enhanced))
		return true;
	while (rest.n > 0) {
		struct bytes from = rest, w;

		if (cut_codes(&from, ret_code, ret_enhanced) &&
		    (ret_enhanced->n > 0 ||
			(is_behind_colon && *ret_code >= 400 &&
			    *ret_code / 10 % 10 <= 5))) {
			*text = from;
			return true;
		}
		w = cut_word(&rest); /* looked at just now */
		is_behind_colon = w.n > 0 && w.p[w.n - 1] == ':';
	}
	*ret_code = 0;
	return false;
}

/* Case-insensitive search for one alternative of "a|b|c". */
static bool
has_text(struct bytes in, const char *alternatives)
{
	for (const char *a = alternatives; *a != '\0';) {
		size_t n = strcspn(a, "|");
		char one[64];

		if (str_copy(one, sizeof(one), bytes_of(a, n)))
			for (size_t i = 0; i + n <= in.n; i++)
				if (bytes_has_prefix_nocase(
					bytes_of(in.p + i, in.n - i), one))
					return true;
		a += n;
		if (*a == '|')
			a++;
	}
	return false;
}

static bool
is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '-';
}

/* A pasted reply does not say what it was the answer to. */
static enum verdict_stage
likely_stage(uint64_t code, struct bytes enhanced, struct bytes text)
{
	/* Said to AUTH and nothing else (RFC 4954 6). */
	if (code == 535 || code == 534 || code == 538)
		return STAGE_AUTH;
	if (code == 454)
		return has_text(text, "auth|sign|login") ? STAGE_AUTH
							 : STAGE_END;
	if (has_text(text, "helo|ehlo"))
		return STAGE_EHLO;
	if (code == 530 || has_text(text, "sender"))
		return STAGE_MAIL;
	/* x.1.1 to x.1.6 are about the recipient, x.5.3 is about their number
	 * (RFC 3463 3.2, 3.6). */
	if (enhanced.n >= 5 &&
	    ((enhanced.p[2] == '1' && enhanced.p[4] <= '6') ||
		(enhanced.p[2] == '5' && enhanced.p[4] == '3')))
		return STAGE_RCPT;
	return STAGE_END;
}

/* "smtp.gmail.com[192.0.2.1]:465 said: 550 ...": the last word before the reply
 * that is a known provider's server. */
static void
find_host(struct bytes before, char *ret, size_t size)
{
	while (before.n > 0) {
		struct bytes w = before;
		char host[VERDICT_WHO_MAX];

		w.n = 0;
		while (w.n < before.n && is_host_char(before.p[w.n]))
			w.n++;
		if (w.n > 0 && str_copy(host, sizeof(host), w) &&
		    reply_table_knows(diagnosis_shipped(), host))
			IGNORE(str_copy(ret, size, w)); /* fits: as before */
		w.n += w.n < before.n;
		before.p += w.n;
		before.n -= w.n;
	}
}

bool
diagnosis_read(struct bytes text, struct verdict *ret)
{
	struct bytes enhanced, before = text;
	uint64_t code;
	bool has_codes = find_codes(&text, &code, &enhanced);

	before.n -= text.n;
	text = bytes_trim(text);
	verdict_from_reply(ret, likely_stage(code, enhanced, text),
	    has_codes ? (int)code : 500, enhanced, text);
	find_host(before, ret->who, sizeof(ret->who));
	return has_codes;
}

const char *
diagnosis_act_name(enum diagnosis_act a)
{
	static const char *names[] = {
		[DIAGNOSIS_NONE] = "none",
		[DIAGNOSIS_RETRY] = "retry",
		[DIAGNOSIS_SPLIT] = "split",
		[DIAGNOSIS_SPLIT_DOMAINS] = "split-domains",
		[DIAGNOSIS_RECONNECT] = "reconnect",
		[DIAGNOSIS_NEXT_MECHANISM] = "next-mechanism",
		[DIAGNOSIS_PAUSE] = "pause",
		[DIAGNOSIS_QUOTA] = "quota",
		[DIAGNOSIS_HOLD_ACCOUNT] = "hold-account",
		[DIAGNOSIS_HOLD_MESSAGE] = "hold-message",
		[DIAGNOSIS_FAIL] = "fail",
	};

	return names[a];
}
