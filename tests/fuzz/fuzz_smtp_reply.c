/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Replies of any kind (R25): the answer does not depend on the cut, and the
 * caps hold.  The first byte is the size of the pieces. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "smtp/smtp_caps.h"
#include "smtp/smtp_limits.h"
#include "smtp/smtp_reply.h"

static enum smtp_reply_result
parse(struct smtp_reply *r, const uint8_t *p, size_t size, size_t chunk,
    size_t *ret_used)
{
	enum smtp_reply_result res = SMTP_REPLY_MORE;

	*ret_used = 0;
	while (res == SMTP_REPLY_MORE && *ret_used < size) {
		size_t n = size - *ret_used < chunk ? size - *ret_used : chunk;
		size_t used;

		res = smtp_reply_put(r, p + *ret_used, n, &used);
		FUZZ_REQUIRE(used <= n);
		*ret_used += used;
	}
	return res;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_reply whole, cut;
	size_t used_whole, used_cut;
	enum smtp_reply_result res;
	struct smtp_caps caps;
	struct verdict v;

	if (size < 1)
		return 0;
	smtp_reply_init(&whole);
	smtp_reply_init(&cut);
	res = parse(&whole, data + 1, size - 1, size, &used_whole);
	if (res != SMTP_REPLY_BAD || used_whole < SMTP_REPLY_LINE_MAX) {
		enum smtp_reply_result again = parse(
		    &cut, data + 1, size - 1, data[0] % 16 + 1, &used_cut);

		FUZZ_REQUIRE(again == res);
		FUZZ_REQUIRE(res == SMTP_REPLY_BAD || used_cut == used_whole);
	}
	if (res == SMTP_REPLY_DONE) {
		FUZZ_REQUIRE(whole.code >= 200 && whole.code <= 599);
		FUZZ_REQUIRE(whole.code == cut.code);
		FUZZ_REQUIRE(buf_len(&whole.text) == buf_len(&cut.text));
		smtp_reply_verdict(&whole, STAGE_END, &v);
		FUZZ_REQUIRE(strlen(v.text) < VERDICT_TEXT_MAX);
		smtp_caps_parse(&caps, smtp_reply_text(&whole));
		FUZZ_REQUIRE(strlen(caps.auth) < SMTP_CAPS_AUTH_MAX);
	}
	smtp_reply_clear(&whole);
	smtp_reply_clear(&cut);
	return 0;
}
