/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a token server or a browser says: whatever it is, a token fits a line of
 * SASL, and a page for people begins with https. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "relais-cred/oauth_answer.h"
#include "relais-cred/oauth_store.h"

static void
check_word(const char *s, unsigned char least)
{
	for (; s != NULL && *s != '\0'; s++)
		FUZZ_REQUIRE(
		    (unsigned char)*s >= least && (unsigned char)*s <= 0x7e);
}

static void
check_answer(struct bytes in)
{
	struct oauth_answer a;
	struct buf text;

	buf_init(&text, 100);
	if (oauth_answer_parse(in, &a)) {
		check_word(a.access_token, 0x21);
		check_word(a.refresh_token, 0x20);
		check_word(a.user_code, 0x20);
		check_word(a.user, 0x21);
		FUZZ_REQUIRE(a.verification_url == NULL ||
			     strncmp(a.verification_url, "https://", 8) == 0);
		FUZZ_REQUIRE(
		    a.expires_s >= 0 && a.expires_s <= OAUTH_EXPIRES_MAX_S);
		FUZZ_REQUIRE(
		    a.interval_s >= 0 && a.interval_s <= OAUTH_INTERVAL_MAX_S);
		FUZZ_REQUIRE(oauth_next(200, &a) != OAUTH_GRANTED ||
			     a.access_token != NULL || a.device_code != NULL);
		oauth_answer_text(400, &a, &text);
		check_word(a.error, 0x21);
	}
	oauth_answer_clear(&a);
	buf_clear(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + (size == 0));
	struct bytes in = bytes_of(copy, size);
	struct oauth_token t;
	char *value;

	FUZZ_REQUIRE(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	check_answer(in);
	value = oauth_query_get(in, "code");
	check_word(value, 0x20);
	free(value);
	if (oauth_token_parse(in, &t)) {
		struct oauth_now now = { .wall_s = 1000, .boot_ms = 1000 };

		FUZZ_REQUIRE(oauth_token_left_ms(&t, &now) >= 0);
	}
	oauth_token_clear(&t);
	free(copy);
	return 0;
}
