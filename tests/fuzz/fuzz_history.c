/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of the history: any bytes give an answer, and what is accepted is
 * written again as a line that says the same.  The checksum would keep a fuzzer
 * out, so each line of the input gets its own. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "store/history.h"
#include "store/spool_word.h"

static void
check_entry(const struct history_entry *e)
{
	struct history_entry *again;
	struct bytes id = history_remote_id(&e->answer);
	struct buf a, b;

	FUZZ_REQUIRE(id.n <= strlen(e->answer.text));
	FUZZ_REQUIRE(e->nnamed <= e->nrcpts || e->nrcpts == 0);
	buf_init(&a, HISTORY_LINE_MAX);
	buf_init(&b, HISTORY_LINE_MAX);
	if (history_line(&a, e)) {
		again = history_parse(bytes_of(buf_str(&a), buf_len(&a) - 1));
		FUZZ_REQUIRE(again != NULL);
		FUZZ_REQUIRE(history_line(&b, again));
		FUZZ_REQUIRE(buf_len(&a) == buf_len(&b));
		FUZZ_REQUIRE(
		    memcmp(buf_str(&a), buf_str(&b), buf_len(&a)) == 0);
		history_entry_free(again);
	}
	buf_clear(&a);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_of(data, size), line;
	struct history_entry *e;
	struct buf b;
	size_t start;

	buf_init(&b, 2 * HISTORY_LINE_MAX);
	while (spool_take_line(&rest, &line)) {
		history_entry_free(history_parse(line));
		buf_reset(&b);
		if (!spool_line_begin(&b, &start) ||
		    !buf_add(&b, line.p, line.n) || !spool_line_end(&b, start))
			break;
		e = history_parse(bytes_of(buf_str(&b), buf_len(&b) - 1));
		if (e != NULL)
			check_entry(e);
		history_entry_free(e);
	}
	buf_clear(&b);
	return 0;
}
