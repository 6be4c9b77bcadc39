/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What token endpoints, device endpoints and browsers say, and what it
 * means. */
#include "tests/lib/check.h"

#include <stdio.h>

#include "base/str.h"
#include "relais-cred/oauth_answer.h"

static void
a_grant_is_read_in_all_its_spellings(void **state)
{
	static const struct {
		const char *text;
		int64_t expires_s;
		const char *refresh;
	} cases[] = {
		{ "{\"access_token\":\"at\",\"expires_in\":3600,"
		  "\"refresh_token\":\"rt\",\"token_type\":\"Bearer\"}",
		    3600, "rt" },
		{ "{\"access_token\":\"at\",\"expires_in\":\"3599\"}", 3599,
		    NULL },
		{ "{\"access_token\":\"at\"}", OAUTH_EXPIRES_S, NULL },
		{ "{\"access_token\":\"at\",\"expires_in\":-5}",
		    OAUTH_EXPIRES_S, NULL },
		{ "{\"access_token\":\"at\",\"expires_in\":0}", OAUTH_EXPIRES_S,
		    NULL },
		{ "{\"access_token\":\"at\",\"expires_in\":\"3600 \"}", 3600,
		    NULL },
		{ "\xef\xbb\xbf{\"access_token\":\"at\\r\\n\","
		  "\"refresh_token\":\" rt\\n\"}\r\n",
		    OAUTH_EXPIRES_S, "rt" },
		{ "{\"access_token\":\"at\",\"expires_in\":3599.9}", 3599,
		    NULL },
		{ "{\"access_token\":\"at\",\"expires_in\":1e300}",
		    OAUTH_EXPIRES_MAX_S, NULL },
		{ "{\"access_token\":\"at\",\"expires_in\":null,"
		  "\"refresh_token\":\"\"}",
		    OAUTH_EXPIRES_S, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct oauth_answer a;

		assert_true(oauth_answer_parse(bytes_str(cases[i].text), &a));
		assert_string_equal(a.access_token, "at");
		assert_int_equal(a.expires_s, cases[i].expires_s);
		assert_true(str_eq(a.refresh_token, cases[i].refresh));
		assert_int_equal(oauth_next(200, &a), OAUTH_GRANTED);
		oauth_answer_clear(&a);
	}
}

static void
a_token_that_would_break_a_line_is_none(void **state)
{
	static const char *const texts[] = {
		"{\"access_token\":\"a b\"}",
		"{\"access_token\":\"a\\u0001b\"}",
		"{\"access_token\":\"a\\nb\"}",
		"{\"access_token\":\"\\u00e9\"}",
		"{\"access_token\":17}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct oauth_answer a;

		assert_true(oauth_answer_parse(bytes_str(texts[i]), &a));
		assert_null(a.access_token);
		assert_int_equal(oauth_next(200, &a), OAUTH_LATER);
		oauth_answer_clear(&a);
	}
}

static void
what_is_no_answer_is_left_for_later(void **state)
{
	static const char *const texts[] = { "", "<html>busy</html>", "[]",
		"\"at\"", "{\"access_token\":\"at\"", "{} x",
		"{\"a\":[[[[[[[[1]]]]]]]]}", "[{\"access_token\":\"at\"}]",
		"\xff\xfe{", "{\"access_token\":\"at\",}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct oauth_answer a;

		assert_false(oauth_answer_parse(bytes_str(texts[i]), &a));
		assert_int_equal(oauth_next(200, NULL), OAUTH_LATER);
		oauth_answer_clear(&a);
	}
}

static void
the_error_alone_decides(void **state)
{
	static const struct {
		const char *error;
		int status;
		enum oauth_next next;
	} cases[] = {
		{ "authorization_pending", 400, OAUTH_PENDING },
		{ "slow_down", 400, OAUTH_SLOWER },
		{ "access_denied", 403, OAUTH_DENIED },
		{ "authorization_declined", 400, OAUTH_DENIED },
		{ "expired_token", 400, OAUTH_CODE_ENDED },
		{ "invalid_grant", 400, OAUTH_NEEDS_LOGIN },
		{ "invalid_grant", 500, OAUTH_NEEDS_LOGIN },
		{ "interaction_required", 400, OAUTH_NEEDS_LOGIN },
		{ "invalid_client", 401, OAUTH_WRONG_CLIENT },
		{ "unauthorized_client", 400, OAUTH_WRONG_CLIENT },
		{ "invalid_scope", 400, OAUTH_WRONG_CLIENT },
		{ "something_new", 400, OAUTH_WRONG_CLIENT },
		{ "something_new", 503, OAUTH_LATER },
		{ "something_new", 429, OAUTH_LATER },
		{ "temporarily_unavailable", 400, OAUTH_LATER },
		{ "server_error", 200, OAUTH_LATER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct oauth_answer a;
		char text[200];

		(void)snprintf(
		    text, sizeof(text), "{\"error\":\"%s\"}", cases[i].error);
		assert_true(oauth_answer_parse(bytes_str(text), &a));
		if (oauth_next(cases[i].status, &a) != cases[i].next)
			fail_msg("%s %d", cases[i].error, cases[i].status);
		oauth_answer_clear(&a);
	}
}

static void
people_read_the_reason_without_trace_ids(void **state)
{
	struct oauth_answer a;
	struct buf b;

	(void)state;
	buf_init(&b, 500);
	assert_true(oauth_answer_parse(
	    bytes_str("{\"error\":\"invalid_grant\",\"error_description\":"
		      "\"AADSTS700082: The refresh token has expired.\\u001b[2J"
		      " Trace ID: 1-2 Correlation ID: 3\"}"),
	    &a));
	oauth_answer_text(400, &a, &b);
	assert_buf(&b, "invalid_grant: AADSTS700082: The refresh token has "
		       "expired.\\x1b[2J");
	buf_reset(&b);
	oauth_answer_text(302, NULL, &b);
	assert_non_null(strstr(buf_str(&b), "HTTP status 302"));
	buf_clear(&b);
	oauth_answer_clear(&a);
}

static void
a_code_for_a_person_has_a_page_to_type_it(void **state)
{
	struct oauth_answer a;

	(void)state;
	assert_true(oauth_answer_parse(
	    bytes_str("{\"device_code\":\"dc\",\"user_code\":\"AB-CD\","
		      "\"verification_url\":\"https://id.example/d\"}"),
	    &a));
	assert_string_equal(a.verification_url, "https://id.example/d");
	assert_int_equal(a.interval_s, OAUTH_INTERVAL_S);
	assert_int_equal(a.expires_s, OAUTH_CODE_S);
	oauth_answer_clear(&a);
	assert_true(oauth_answer_parse(
	    bytes_str("{\"device_code\":\"dc\",\"verification_uri\":"
		      "\"javascript:alert(1)\",\"interval\":\"7\"}"),
	    &a));
	assert_null(a.verification_url);
	assert_int_equal(a.interval_s, 7);
	oauth_answer_clear(&a);
}

static void
the_id_token_says_who_signed_in(void **state)
{
	struct oauth_answer a;

	(void)state;
	/* {"email":"jane@firm.example"} */
	assert_true(oauth_answer_parse(
	    bytes_str("{\"access_token\":\"at\",\"id_token\":\"e30."
		      "eyJlbWFpbCI6ImphbmVAZmlybS5leGFtcGxlIn0.x\"}"),
	    &a));
	assert_string_equal(a.user, "jane@firm.example");
	oauth_answer_clear(&a);
	assert_true(oauth_answer_parse(
	    bytes_str("{\"access_token\":\"at\",\"id_token\":\"e30.!.x\"}"),
	    &a));
	assert_null(a.user);
	oauth_answer_clear(&a);
}

static void
a_query_gives_and_takes_what_was_put_in(void **state)
{
	static const char odd[] = "a b&c=d%+~/?#\"";
	struct buf b;
	char *got;

	(void)state;
	buf_init(&b, 1000);
	assert_true(oauth_query_add(&b, "x", "1"));
	assert_true(oauth_query_add(&b, "y", odd));
	assert_null(strchr(buf_str(&b), ' '));
	got = oauth_query_get(buf_bytes(&b), "y");
	assert_string_equal(got, odd);
	free(got);
	assert_null(oauth_query_get(buf_bytes(&b), "z"));
	assert_null(oauth_query_get(bytes_str("y=%0a"), "y"));
	assert_null(oauth_query_get(bytes_str("y=%4"), "y"));
	assert_null(oauth_query_get(bytes_str("y=%zz"), "y"));
	buf_clear(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_grant_is_read_in_all_its_spellings),
		cmocka_unit_test(a_token_that_would_break_a_line_is_none),
		cmocka_unit_test(what_is_no_answer_is_left_for_later),
		cmocka_unit_test(the_error_alone_decides),
		cmocka_unit_test(people_read_the_reason_without_trace_ids),
		cmocka_unit_test(a_code_for_a_person_has_a_page_to_type_it),
		cmocka_unit_test(the_id_token_says_who_signed_in),
		cmocka_unit_test(a_query_gives_and_takes_what_was_put_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
