/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines and JSON of the control protocol, however the socket cut them. */
#include "tests/lib/check.h"

#include "ctl/ctl_json.h"
#include "ctl/ctl_line.h"

struct row {
	const char *in;
	size_t max;
	const char *out; /* every line, "|" behind each; "!" if too long */
};

static const struct row rows[] = {
	{ "", 10, "" },
	{ "abc", 10, "" },
	{ "abc\n", 10, "abc|" },
	{ "\n\n", 10, "||" },
	{ "a\r\nb\n", 10, "a|b|" },
	{ "a\rb\n", 10, "a\rb|" },
	{ "one\ntwo\nthree\nfo", 6, "one|two|three|" },
	{ "123456", 6, "!" },
	{ "12345\n123456\n", 6, "12345|!" },
};

/* As a server does: put what came, take what is there. */
static void
feed(const void *arg, size_t chunk)
{
	const struct row *row = arg;
	size_t len = strlen(row->in), at = 0;
	enum ctl_line_state state = CTL_LINE_MORE;
	struct ctl_line l;
	struct buf got;

	buf_init(&got, 1000);
	ctl_line_init(&l, row->max);
	while (at < len && state != CTL_LINE_TOO_LONG) {
		size_t n = len - at < chunk ? len - at : chunk;
		struct bytes line;

		at += ctl_line_put(&l, row->in + at, n);
		while ((state = ctl_line_next(&l, &line)) == CTL_LINE_READY)
			assert_true(buf_add(&got, line.p, line.n) &&
				    buf_addc(&got, '|'));
	}
	if (state == CTL_LINE_TOO_LONG)
		assert_true(buf_addc(&got, '!'));
	assert_string_equal(buf_str(&got), row->out);
	ctl_line_clear(&l);
	buf_clear(&got);
}

static void
lines_come_whole_and_have_a_limit(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_chunks(feed, &rows[i], strlen(rows[i].in));
}

/* R20 */
static void
what_is_no_object_is_refused(void **state)
{
	static const char *const bad[] = { "", "x", "[]", "1", "\"a\"", "{",
		"{}x", "{\"a\":1,\"a\":2}", "{\"a\":\"\xff\"}", "null",
		"{\"a\":1e999}" };
	json_t *value = NULL;
	struct buf deep;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = { 0 };

		assert_int_equal(
		    ctl_json_decode(bytes_str(bad[i]), &value, &err), -1);
		assert_int_equal(err.class, ERR_INPUT);
	}
	buf_init(&deep, 200000);
	for (int i = 0; i < 60000; i++)
		assert_true(buf_addc(&deep, '['));
	assert_int_equal(ctl_json_decode(buf_bytes(&deep), &value, NULL), -1);
	buf_clear(&deep);
}

static void
objects_travel_unchanged(void **state)
{
	static const char line[] =
	    "{\"verb\":\"show\",\"args\":{\"id\":\"x\"}}";
	json_t *value = NULL;
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(
	    ctl_json_decode(bytes_of(line, sizeof(line) - 1), &value, NULL), 0);
	assert_string_equal(ctl_json_string(value, "verb"), "show");
	assert_null(ctl_json_string(value, "args"));
	assert_null(ctl_json_string(value, "none"));
	assert_true(ctl_json_encode(&b, value));
	assert_int_equal(buf_len(&b), sizeof(line));
	assert_memory_equal(buf_str(&b), line, sizeof(line) - 1);
	/* There is room for two; the third leaves nothing behind. */
	assert_true(ctl_json_encode(&b, value));
	assert_false(ctl_json_encode(&b, value));
	assert_int_equal(buf_len(&b), 2 * sizeof(line));
	json_decref(value);
	buf_clear(&b);
}

static void
foreign_text_becomes_valid_json(void **state)
{
	static const struct {
		const char *in, *out;
	} texts[] = {
		{ "na\xc3\xafve \"\\\n", "na\xc3\xafve \"\\\n" },
		{ "\xff", "\\xff" },
		{ "a\x1b\xc3", "a\\x1b\\xc3" },
		{ NULL, "" },
	};
	json_t *s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		s = ctl_json_text(texts[i].in);
		assert_string_equal(json_string_value(s), texts[i].out);
		json_decref(s);
	}
	s = ctl_json_bytes(bytes_of("a\0b", 3));
	assert_string_equal(json_string_value(s), "a\\x00b");
	json_decref(s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_whole_and_have_a_limit),
		cmocka_unit_test(what_is_no_object_is_refused),
		cmocka_unit_test(objects_travel_unchanged),
		cmocka_unit_test(foreign_text_becomes_valid_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
