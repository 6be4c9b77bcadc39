/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The intake filter: the chunk size changes nothing, the output ends in a line
 * end, holds no Bcc and no NUL, and has one Date and one Message-ID that are
 * fit. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "mail/date_parse.h"
#include "mail/header.h"
#include "mail/msgid.h"
#include "rewrite/intake.h"

static void
drain(struct intake *in, struct buf *out)
{
	const void *p;
	size_t n;

	while ((n = intake_peek(in, &p)) > 0) {
		FUZZ_REQUIRE(buf_add(out, p, n));
		intake_took(in, n);
	}
}

static bool
run(const uint8_t *data, size_t size, size_t chunk, struct buf *out,
    struct intake_seen *ret)
{
	struct envelope *e = envelope_new();
	struct intake_facts facts = {
		.env = e, .hostname = "h.example", .with = "SMTP"
	};
	struct intake *in = intake_new(&facts);
	bool ok = true;

	for (size_t at = 0, n; ok && at < size; at += n) {
		n = size - at < chunk ? size - at : chunk;
		ok = intake_put(in, data + at, n);
		drain(in, out);
	}
	ok = ok && intake_end(in);
	drain(in, out);
	FUZZ_REQUIRE(ok == (intake_verdict(in)->class == VERDICT_NONE));
	*ret = *intake_seen(in);
	intake_free(in);
	envelope_free(e);
	return ok;
}

/* One of them, in the form that servers take. */
static void
check_stamp(
    const struct header *h, const char *name, bool (*is_fit)(struct bytes v))
{
	size_t i = header_find(h, name, 0);
	struct buf value;

	buf_init(&value, HEADER_VALUE_MAX);
	FUZZ_REQUIRE(i != HEADER_NONE);
	FUZZ_REQUIRE(header_find(h, name, i + 1) == HEADER_NONE);
	FUZZ_REQUIRE(header_value(h, i, &value));
	FUZZ_REQUIRE(is_fit(buf_bytes(&value)));
	buf_clear(&value);
}

static void
check_output(const struct buf *out)
{
	struct header *h = header_new();

	FUZZ_REQUIRE(buf_str(out)[buf_len(out) - 1] == '\n');
	FUZZ_REQUIRE(memchr(buf_str(out), '\0', buf_len(out)) == NULL);
	header_put(h, buf_str(out), buf_len(out));
	header_end(h);
	if (header_state(h) == HEADER_DONE) {
		FUZZ_REQUIRE(header_find(h, "Bcc", 0) == HEADER_NONE);
		FUZZ_REQUIRE(header_find(h, "Received", 0) == 0);
		FUZZ_REQUIRE(header_find(h, "From", 0) != HEADER_NONE);
		FUZZ_REQUIRE(header_find(h, "Date", 0) != HEADER_NONE);
		FUZZ_REQUIRE(header_has_blank(h));
		check_stamp(h, "Date", date_is_strict);
		check_stamp(h, "Message-ID", msgid_is_fit);
	}
	header_free(h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct intake_seen seen_a, seen_b;
	struct buf a, b;
	bool ok;

	buf_init(&a, size + 8 * HEADER_MAX);
	buf_init(&b, size + 8 * HEADER_MAX);
	ok = run(data, size, size + 1, &a, &seen_a);
	FUZZ_REQUIRE(ok == run(data, size, size % 11 + 1, &b, &seen_b));
	if (ok) {
		FUZZ_REQUIRE(buf_len(&a) == buf_len(&b));
		FUZZ_REQUIRE(
		    memcmp(buf_str(&a), buf_str(&b), buf_len(&a)) == 0);
		FUZZ_REQUIRE(seen_a.longest_line == seen_b.longest_line);
		FUZZ_REQUIRE(seen_a.has_8bit_body == seen_b.has_8bit_body);
		check_output(&a);
	}
	buf_clear(&a);
	buf_clear(&b);
	return 0;
}
