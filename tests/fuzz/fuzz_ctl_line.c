/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R20: lines of the control protocol, cut anywhere, are the same lines; what is
 * taken for an object is written back as one. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "ctl/ctl_json.h"
#include "ctl/ctl_line.h"

enum { LINE_LIMIT = 512 };

static void
check_line(struct bytes line)
{
	json_t *value = NULL, *again = NULL;
	struct buf out;

	if (ctl_json_decode(line, &value, NULL) != 0)
		return;
	buf_init(&out, 8 * LINE_LIMIT);
	if (ctl_json_encode(&out, value)) {
		/* One line, and it means the same. */
		FUZZ_REQUIRE(memchr(buf_str(&out), '\n', buf_len(&out)) ==
			     buf_str(&out) + buf_len(&out) - 1);
		FUZZ_REQUIRE(
		    ctl_json_decode(buf_bytes(&out), &again, NULL) == 0);
		FUZZ_REQUIRE(json_equal(value, again));
	}
	json_decref(value);
	json_decref(again);
	buf_clear(&out);
}

/* Puts the input in chunks; the sum of all lines goes to *ret. */
static enum ctl_line_state
read_all(const uint8_t *p, size_t n, size_t chunk, struct buf *ret)
{
	enum ctl_line_state state = CTL_LINE_MORE;
	struct ctl_line l;
	struct bytes line;

	ctl_line_init(&l, LINE_LIMIT);
	while (n > 0 && state != CTL_LINE_TOO_LONG) {
		size_t used = ctl_line_put(&l, p, n < chunk ? n : chunk);

		FUZZ_REQUIRE(used > 0);
		p += used;
		n -= used;
		while ((state = ctl_line_next(&l, &line)) == CTL_LINE_READY) {
			FUZZ_REQUIRE(line.n < LINE_LIMIT);
			IGNORE(buf_add(ret, line.p, line.n) &&
			       buf_addc(ret, '\n'));
		}
	}
	ctl_line_clear(&l);
	return state;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, pieces;
	enum ctl_line_state state;
	const char *p, *lf;

	buf_init(&whole, size + 1);
	buf_init(&pieces, size + 1);
	state = read_all(data, size, size, &whole);
	FUZZ_REQUIRE(read_all(data, size, 1, &pieces) == state);
	FUZZ_REQUIRE(
	    buf_len(&whole) == buf_len(&pieces) &&
	    memcmp(buf_str(&whole), buf_str(&pieces), buf_len(&whole)) == 0);
	for (p = buf_str(&whole);
	     (lf = memchr(p, '\n',
		  buf_len(&whole) - (size_t)(p - buf_str(&whole)))) != NULL;
	     p = lf + 1) {
		check_line(bytes_of(p, (size_t)(lf - p)));
	}
	buf_clear(&whole);
	buf_clear(&pieces);
	return 0;
}
