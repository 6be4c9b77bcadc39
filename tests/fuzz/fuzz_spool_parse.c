/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spool files: any bytes give an answer, and what is accepted is written again
 * as the same.  Checksums would keep a fuzzer out, so the first byte says
 * whether the rest is a file as it is, the lines of a header, or the events of
 * a journal, to which the right checksums are then added. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "base/crc32.h"
#include "store/journal.h"
#include "store/store_text.h"

enum { MAX = 1024 * 1024 };

static void
check_journal(struct bytes journal, struct envelope *env)
{
	struct journal_state st = { 0 };
	size_t good = SIZE_MAX;

	if (journal_parse(journal, env, &st, &good))
		FUZZ_REQUIRE(good <= journal.n);
	FUZZ_REQUIRE(st.attempts >= 0);
	FUZZ_REQUIRE(memchr(st.reason, '\0', sizeof(st.reason)) != NULL);
}

static void
check_again(enum store_text_kind kind, const struct envelope *env)
{
	struct envelope *again = NULL;
	struct buf a, b;
	size_t body = 0;

	buf_init(&a, MAX);
	buf_init(&b, MAX);
	FUZZ_REQUIRE(store_text_header(&a, kind, env, 0));
	FUZZ_REQUIRE(store_text_header_parse(
			 kind, buf_bytes(&a), &again, &body) == STORE_TEXT_OK);
	FUZZ_REQUIRE(body == buf_len(&a));
	FUZZ_REQUIRE(store_text_header(&b, kind, again, 0));
	FUZZ_REQUIRE(buf_len(&a) == buf_len(&b));
	FUZZ_REQUIRE(memcmp(buf_str(&a), buf_str(&b), buf_len(&a)) == 0);
	envelope_free(again);
	buf_clear(&a);
	buf_clear(&b);
}

static void
check_file(struct bytes file)
{
	for (int kind = 0; kind < 2; kind++) {
		struct envelope *env = NULL;
		size_t body = 0, used = 0;
		uint64_t at;
		uint32_t crc;

		if (store_text_header_parse((enum store_text_kind)kind, file,
			&env, &body) != STORE_TEXT_OK)
			continue;
		FUZZ_REQUIRE(env->nrcpts > 0 && body <= file.n);
		check_again((enum store_text_kind)kind, env);
		at = body + env->size_bytes;
		if (at <= file.n &&
		    store_text_end_parse(
			bytes_of(file.p + at, file.n - (size_t)at),
			env->size_bytes, &crc, &used) == STORE_TEXT_OK)
			check_journal(bytes_of(file.p + at + used,
					  file.n - (size_t)at - used),
			    env);
		envelope_free(env);
	}
}

static void
check_header(const uint8_t *data, size_t size, const char *first_line)
{
	struct buf b;

	buf_init(&b, MAX);
	if (buf_adds(&b, first_line) && buf_add(&b, data, size) &&
	    buf_addf(&b, "sum: %08x\n\nbody\r\nend 6 12345678\n",
		crc32_of(0, buf_str(&b), buf_len(&b))))
		check_file(buf_bytes(&b));
	buf_clear(&b);
}

static void
check_events(const uint8_t *data, size_t size)
{
	struct envelope *env = envelope_new();
	struct buf b;

	buf_init(&b, MAX);
	(void)envelope_add_rcpt(env, "a@example.org");
	(void)envelope_add_rcpt(env, "b@example.org");
	while (size > 0) {
		const uint8_t *lf = memchr(data, '\n', size);
		size_t n = lf != NULL ? (size_t)(lf - data) : size;

		if (!buf_addf(&b, "%08x ", crc32_of(0, data, n)) ||
		    !buf_add(&b, data, n) || !buf_addc(&b, '\n'))
			break;
		n += lf != NULL;
		data += n;
		size -= n;
	}
	check_journal(buf_bytes(&b), env);
	buf_clear(&b);
	envelope_free(env);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > MAX / 32)
		return 0;
	switch (data[0]) {
	case 'h':
		check_header(data + 1, size - 1, "relais-spool 1\n");
		break;
	case 'd':
		check_header(data + 1, size - 1, "relais-drop 1\n");
		break;
	case 'j':
		check_events(data + 1, size - 1);
		break;
	default:
		check_file(bytes_of(data, size));
		break;
	}
	return 0;
}
