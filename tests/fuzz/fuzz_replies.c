/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any table of replies is read, or is wrong in a line that a sentence names;
 * what was read finds an answer or none to any reply. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "mail/reply_table.h"
#include "mail/verdict.h"

static void
check_table(const struct reply_table *t)
{
	static const char *const texts[] = { "", "daily limit exceeded",
		"token expired", "a b c <x@example.org>" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct diagnosis d;
		struct verdict v;

		memset(&v, 0, sizeof(v));
		v.code = i % 2 == 0 ? 550 : 421;
		(void)strncpy(v.text, texts[i], sizeof(v.text) - 1);
		(void)reply_table_find(t, &v, "mail.example.net", &d);
	}
	(void)reply_table_knows(t, "mail.example.net");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply_table *t = NULL;
	struct err err;

	if (reply_table_parse(bytes_of(data, size), NULL, &t, &err) != 0) {
		fuzz_sentence(err.text);
		return 0;
	}
	check_table(t);
	reply_table_free(t);
	return 0;
}
