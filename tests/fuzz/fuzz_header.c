/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Headers: chunk size changes nothing; what is written reads back as itself;
 * identity leaves nothing that it would change again. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "base/str.h"
#include "mail/header.h"
#include "rewrite/identity.h"

enum { OUT_MAX = 4 * HEADER_MAX };

static struct header *
read_chunks(const uint8_t *data, size_t size, size_t chunk)
{
	struct header *h = header_new();

	for (size_t at = 0; at < size && header_state(h) == HEADER_MORE;) {
		size_t n = size - at < chunk ? size - at : chunk;
		size_t taken = header_put(h, data + at, n);

		FUZZ_REQUIRE(taken == n || header_state(h) != HEADER_MORE);
		at += taken;
	}
	header_end(h);
	return h;
}

static void
write_all(const struct header *h, struct buf *to)
{
	buf_init(to, OUT_MAX);
	FUZZ_REQUIRE(header_write(h, to));
}

static void
check_identity(struct header *h)
{
	static const char *const allowed[] = { "*@a.example" };
	struct identity_opts opts = { .address = "me@example.org",
		.allowed = allowed,
		.nallowed = 1,
		.hostname = "h.example" };
	struct identity_result ret;
	struct buf written;
	struct header *again;

	if (!identity_apply(h, "x@a.example", &opts, &ret))
		return;
	write_all(h, &written);
	again = read_chunks((const uint8_t *)buf_str(&written),
	    buf_len(&written), buf_len(&written) + 1);
	if (header_state(again) == HEADER_DONE &&
	    identity_apply(again, ret.sender, &opts, &ret))
		FUZZ_REQUIRE(ret.changed == 0);
	header_free(again);
	buf_clear(&written);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct header *whole, *bytes;
	struct buf a, b;

	whole = read_chunks(data, size, size + 1);
	bytes = read_chunks(data, size, size % 7 + 1);
	FUZZ_REQUIRE(header_state(whole) == header_state(bytes));
	write_all(whole, &a);
	write_all(bytes, &b);
	FUZZ_REQUIRE(buf_len(&a) == buf_len(&b));
	FUZZ_REQUIRE(memcmp(buf_str(&a), buf_str(&b), buf_len(&a)) == 0);
	buf_clear(&a);
	buf_clear(&b);
	for (size_t i = header_find(whole, NULL, 0); i != HEADER_NONE;
	     i = header_find(whole, NULL, i + 1)) {
		struct header_field f = header_at(whole, i);

		FUZZ_REQUIRE(f.name.n > 0 && f.raw.n > f.name.n);
		FUZZ_REQUIRE(f.body.p + f.body.n <= f.raw.p + f.raw.n);
	}
	if (header_state(whole) == HEADER_DONE)
		check_identity(whole);
	header_free(whole);
	header_free(bytes);
	return 0;
}
