/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first byte says which kind and how the rest is cut.  Properties: the cut
 * makes no difference; what comes out has CR LF only; stuffed and decoded again
 * it is the same. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "smtp/smtp_dot.h"

enum { OUT_MAX = 1 << 24 };

static size_t
decode(struct smtp_dot *d, struct bytes in, size_t chunk, struct buf *out)
{
	size_t used = 0, now, took;

	do {
		now = in.n - used < chunk ? in.n - used : chunk;
		took = smtp_dot_put(d, in.p + used, now, out);
		used += took;
		FUZZ_REQUIRE(took == now || d->is_end);
	} while (used < in.n && !d->is_end);
	if (d->kind == SMTP_DOT_CHUNK)
		FUZZ_REQUIRE(smtp_dot_finish(d, out));
	return used;
}

static void
require_same(const struct buf *a, const struct buf *b)
{
	FUZZ_REQUIRE(buf_len(a) == buf_len(b) &&
		     memcmp(buf_str(a), buf_str(b), buf_len(a)) == 0);
}

static void
require_crlf_only(const struct buf *b)
{
	const char *p = buf_str(b);

	for (size_t i = 0; i < buf_len(b); i++) {
		if (p[i] == '\r')
			FUZZ_REQUIRE(i + 1 < buf_len(b) && p[i + 1] == '\n');
		if (p[i] == '\n')
			FUZZ_REQUIRE(i > 0 && p[i - 1] == '\r');
	}
}

static void
require_round_trip(const struct buf *content, size_t chunk)
{
	struct buf wire, again;
	struct smtp_stuff s;
	struct smtp_dot d;
	size_t used = 0;

	buf_init(&wire, OUT_MAX);
	buf_init(&again, OUT_MAX);
	smtp_stuff_init(&s);
	while (used < buf_len(content)) {
		size_t n = buf_len(content) - used;

		n = n < chunk ? n : chunk;
		FUZZ_REQUIRE(
		    smtp_stuff_put(&s, buf_str(content) + used, n, &wire) == n);
		used += n;
	}
	FUZZ_REQUIRE(smtp_stuff_end(&s, &wire));
	require_crlf_only(&wire);
	FUZZ_REQUIRE(memchr(buf_str(&wire), '\0', buf_len(&wire)) == NULL);

	smtp_dot_init(&d, SMTP_DOT_DATA);
	FUZZ_REQUIRE(
	    decode(&d, buf_bytes(&wire), chunk, &again) == buf_len(&wire));
	FUZZ_REQUIRE(d.is_end && !d.had_bare);
	if (memchr(buf_str(content), '\0', buf_len(content)) == NULL)
		require_same(content, &again);
	buf_clear(&wire);
	buf_clear(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum smtp_dot_kind kind;
	struct smtp_dot whole, cut;
	struct buf out, out_cut;
	struct bytes in;
	size_t chunk;

	if (size < 1 || size > 100000)
		return 0;
	kind = (data[0] & 1) != 0 ? SMTP_DOT_CHUNK : SMTP_DOT_DATA;
	chunk = 1 + data[0] / 2;
	in = bytes_of(data + 1, size - 1);
	buf_init(&out, OUT_MAX);
	buf_init(&out_cut, OUT_MAX);
	smtp_dot_init(&whole, kind);
	smtp_dot_init(&cut, kind);
	FUZZ_REQUIRE(decode(&whole, in, SIZE_MAX, &out) ==
		     decode(&cut, in, chunk, &out_cut));
	require_same(&out, &out_cut);
	FUZZ_REQUIRE(
	    whole.is_end == cut.is_end && whole.had_bare == cut.had_bare);
	require_crlf_only(&out);
	if (whole.is_end || kind == SMTP_DOT_CHUNK) {
		FUZZ_REQUIRE(buf_len(&out) == 0 ||
			     buf_str(&out)[buf_len(&out) - 1] == '\n');
		require_round_trip(&out, chunk);
	}
	buf_clear(&out);
	buf_clear(&out_cut);
	return 0;
}
