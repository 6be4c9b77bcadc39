/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Of a refusal in JSON a person reads one word (R74). */
#include "tests/lib/check.h"

#include <string.h>

#include "sasl/sasl_status.h"

static struct bytes
text(const char *s)
{
	return bytes_str(s);
}

static void
the_status_is_found_in_any_json(void **state)
{
	static const char *const rows[][2] = {
		{ "{\"status\":\"400\",\"schemes\":\"Bearer\"}", "400" },
		{ "{\"schemes\":\"Bearer\", \"status\" : \"401\"}", "401" },
		{ "{\"status\":\"invalid_token\"}", "invalid_token" },
		{ "{\"status\":400}", "400" },
		{ "{\"status\":\"40", "40" },
		{ "{\"status\":", "" },
		{ "{\"status\"", "" },
		{ "{\"scope\":\"mail\"}", "" },
		{ "", "" },
		{ "{\"status\":"
		  "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
		    "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes word = sasl_status(text(rows[i][0]));

		assert_int_equal(word.n, strlen(rows[i][1]));
		assert_memory_equal(word.p, rows[i][1], word.n);
	}
}

static void
json_in_a_reply_is_reduced(void **state)
{
	static const char *const rows[][2] = {
		{ "eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=",
		    "(status 400)" },
		{ "Failed: eyJzdGF0dXMiOiI0MDAifQ== bye",
		    "Failed: (status 400) bye" },
		{ "Failed: {\"status\":\"401\",\"a\":{\"b\":1}} bye",
		    "Failed: (status 401) bye" },
		{ "why:{\"status\":\"401\"", "why:(status 401)" },
		{ "{\"scope\":\"x\"} no", " no" },
		{ "eyJ is no base64", "eyJ is no base64" },
		{ "Username and Password not accepted",
		    "Username and Password not accepted" },
		{ "}{", "}" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b;

		buf_init(&b, 600);
		assert_true(sasl_status_reduce(text(rows[i][0]), &b));
		assert_string_equal(buf_str(&b), rows[i][1]);
		buf_clear(&b);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_status_is_found_in_any_json),
		cmocka_unit_test(json_in_a_reply_is_reduced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
