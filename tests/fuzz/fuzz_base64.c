/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R22: what the decoder takes is exactly what the encoder makes. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "base/base64.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of its own size, so that one byte too far is seen. */
	char *copy = malloc(size + (size == 0));
	struct buf raw, code;

	FUZZ_REQUIRE(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	buf_init(&raw, size + 4);
	buf_init(&code, 2 * size + 4);
	if (base64_decode(&raw, bytes_of(copy, size))) {
		FUZZ_REQUIRE(base64_encode(&code, buf_bytes(&raw)));
		FUZZ_REQUIRE(buf_len(&code) == size);
		FUZZ_REQUIRE(memcmp(buf_str(&code), copy, size) == 0);
	}
	buf_reset(&raw);
	buf_reset(&code);
	FUZZ_REQUIRE(base64_encode(&code, bytes_of(copy, size)));
	FUZZ_REQUIRE(base64_decode(&raw, buf_bytes(&code)));
	FUZZ_REQUIRE(
	    buf_len(&raw) == size && memcmp(buf_str(&raw), copy, size) == 0);
	buf_clear(&raw);
	buf_clear(&code);
	free(copy);
	return 0;
}
