/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/learnt.h"

#include <inttypes.h>
#include <string.h>

#include "base/crc32.h"
#include "base/must.h"
#include "base/num.h"
#include "base/str.h"
#include "smtp/smtp_caps.h"

enum { LIFE_S = 30 * 86400, EHLO_BITS = 7 };

static const struct {
	const char *word;
	uint32_t max; /* a greater value is no fact */
} facts[LEARNT_KEPT] = {
	[LEARNT_EHLO] = { "ehlo", UINT32_MAX },
	[LEARNT_DISTRUST] = { "distrust",
	    SMTP_DISTRUST_CHUNKING | SMTP_DISTRUST_PARAMS },
	[LEARNT_BARE_AUTH] = { "bare_auth", 1 },
	[LEARNT_RCPT_MAX] = { "rcpt_max", 100000 },
	[LEARNT_NO_NULL_SENDER] = { "no_null_sender", 1 },
	[LEARNT_PER_CONNECTION] = { "per_connection", 100000 },
};

uint32_t
learnt_value(const struct learnt *l, enum learnt_fact f, int64_t now_s)
{
	return now_s - l->facts[f].when_s > LIFE_S ? 0 : l->facts[f].value;
}

bool
learnt_set(struct learnt *l, enum learnt_fact f, uint32_t value, int64_t now_s)
{
	bool is_news = learnt_value(l, f, now_s) != value;

	if (is_news) {
		l->facts[f].value = value;
		l->facts[f].when_s = now_s;
	}
	return is_news;
}

static uint32_t
ehlo_mark(const char *configured)
{
	const char *name = configured != NULL ? configured : "";

	return crc32_of(0, name, strlen(name)) & ~(uint32_t)EHLO_BITS;
}

uint32_t
learnt_ehlo(unsigned refused, const char *configured)
{
	refused &= EHLO_BITS;
	return refused == 0 ? 0 : ehlo_mark(configured) | refused;
}

unsigned
learnt_ehlo_refused(uint32_t value, const char *configured)
{
	return (value & ~(uint32_t)EHLO_BITS) == ehlo_mark(configured)
		   ? value & EHLO_BITS
		   : 0;
}

static const char *
distrust_text(uint32_t value)
{
	switch (value) {
	case SMTP_DISTRUST_CHUNKING:
		return "the provider offers CHUNKING but does not know BDAT; "
		       "messages are sent with DATA";
	case SMTP_DISTRUST_PARAMS:
		return "the provider does not accept the parameters of MAIL or "
		       "RCPT that it offers; they are left out";
	default:
		return "the provider does not know BDAT or the parameters of "
		       "MAIL or RCPT that it offers; both are left out";
	}
}

void
learnt_text(enum learnt_fact f, uint32_t value, struct buf *to)
{
	switch (f) {
	case LEARNT_EHLO:
		IGNORE(buf_adds(to, /* cut when full, here and below */
		    "the provider refuses a name in EHLO and accepts another, "
		    "which is used"));
		break;
	case LEARNT_DISTRUST:
		IGNORE(buf_adds(to, distrust_text(value)));
		break;
	case LEARNT_BARE_AUTH:
		IGNORE(buf_adds(to, "the provider accepts no initial response "
				    "with AUTH; none is sent"));
		break;
	case LEARNT_RCPT_MAX:
		IGNORE(buf_addf(to,
		    "the provider accepts %" PRIu32
		    " recipients at once; no more are sent together",
		    value));
		break;
	case LEARNT_NO_NULL_SENDER:
		IGNORE(buf_adds(to,
		    "the provider accepts no mail from <>; notices are "
		    "sent with the address of the account"));
		break;
	case LEARNT_PER_CONNECTION:
		IGNORE(buf_addf(to,
		    "the provider accepts %" PRIu32 " messages over one "
		    "connection; no more are tried",
		    value));
		break;
	case LEARNT_ONE_DOMAIN:
		IGNORE(buf_adds(to,
		    "the provider accepts the recipients of only one domain at "
		    "a time; they are sent that way from now on"));
		break;
	case LEARNT_PLAIN:
	case LEARNT_NAMES_TRIED:
	case LEARNT_LOST_BDAT:
	case LEARNT_SPENT:
	case LEARNT_COUNT:
		break;
	}
}

void
learnt_save(const struct learnt *l, const char *host, struct buf *to)
{
	for (size_t i = 0; i < LEARNT_KEPT; i++)
		if (l->facts[i].when_s != 0) /* forgotten is news, too */
			IGNORE(buf_addf(to, "%s %s %" PRIu32 " %" PRId64 "\n",
			    host, facts[i].word, l->facts[i].value,
			    l->facts[i].when_s)); /* fits: a few short lines */
}

static void
load_line(struct learnt *l, const char *host, struct bytes line)
{
	struct bytes at = bytes_cut(&line, ' '), word = bytes_cut(&line, ' ');
	struct bytes number = bytes_cut(&line, ' ');
	uint64_t value, when_s;

	if (!bytes_eq(at, host) || !num_u64_max(line, INT64_MAX, &when_s))
		return;
	for (size_t i = 0; i < LEARNT_KEPT; i++)
		if (bytes_eq(word, facts[i].word) &&
		    num_u64_max(number, facts[i].max, &value)) {
			l->facts[i].value = (uint32_t)value;
			l->facts[i].when_s = (int64_t)when_s;
		}
}

void
learnt_load(struct learnt *l, const char *host, struct bytes saved)
{
	while (saved.n > 0)
		load_line(l, host, bytes_cut(&saved, '\n'));
}

void
learnt_merge(struct learnt *l, const struct learnt *other)
{
	for (size_t i = 0; i < LEARNT_KEPT; i++)
		if (other->facts[i].when_s > l->facts[i].when_s)
			l->facts[i] = other->facts[i];
}
