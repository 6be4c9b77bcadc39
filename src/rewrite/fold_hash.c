/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/fold_hash.h"

#include <inttypes.h>
#include <string.h>

#include "base/siphash.h"
#include "base/str.h"
#include "mail/date.h"
#include "mail/header.h"

static bool
differs_each_time(struct bytes name)
{
	static const char *const names[] = { "Date", "Message-ID", "Received",
		"X-Original-Date", "X-Original-Message-ID" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bytes_eq_nocase(name, names[i]))
			return true;
	return false;
}

void
fold_hash_put_header(const struct header *h, struct siphash *s)
{
	for (size_t i = header_find(h, NULL, 0); i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1)) {
		struct header_field f = header_at(h, i);

		if (!differs_each_time(f.name))
			siphash_put(s, f.raw.p, f.raw.n);
	}
	siphash_put(s, "\r\n", 2);
}

/* "[58 times] Cron <root@nas> backup" */
static void
tell_subject(struct header *h, uint32_t n)
{
	size_t i = header_find(h, "Subject", 0);
	struct buf value;

	buf_init(&value, HEADER_VALUE_MAX + 64);
	IGNORE(buf_addf(&value, "[%" PRIu64 " times] ", (uint64_t)n + 1));
	if (i == HEADER_NONE)
		IGNORE(header_append(h, "Subject", buf_bytes(&value)));
	else if (header_value(h, i, &value))
		IGNORE(header_replace(h, i, "Subject", buf_bytes(&value)));
	buf_clear(&value);
}

void
fold_hash_tell(struct header *h, uint32_t n, int64_t last_s)
{
	char date[DATE_TEXT_SIZE];
	struct buf value;

	tell_subject(h, n);
	/* The signature was over another subject. */
	IGNORE(header_remove_all(h, "DKIM-Signature") > 0);
	buf_init(&value, 200);
	IGNORE(buf_addf(&value, "%" PRIu32 " others, not sent; the last: %s", n,
	    date_rfc5322(last_s * 1000, 0, date)));
	IGNORE(header_append(h, "X-Relais-Equal", buf_bytes(&value)));
	buf_clear(&value);
}
