/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths and parameters: lenient where it is harmless, R8 where not. */
#include "tests/lib/check.h"

#include "smtp/smtp_limits.h"
#include "smtp/syntax.h"

static struct bytes
text(const char *s)
{
	return bytes_str(s);
}

static void
assert_bytes(struct bytes have, const char *want)
{
	assert_int_equal(have.n, strlen(want));
	assert_memory_equal(have.p, want, have.n);
}

static void
paths_are_read_as_programs_write_them(void **state)
{
	static const struct {
		const char *in, *addr, *rest;
	} rows[] = {
		{ "<a@example.org>", "a@example.org", "" },
		{ "<>", "", "" },
		{ "< >", "", "" },
		{ " <a@example.org>", "a@example.org", "" },
		{ "< a@example.org >", "a@example.org", "" },
		{ "a@example.org", "a@example.org", "" },
		{ "a@example.org SIZE=1", "a@example.org", "SIZE=1" },
		{ "<a@example.org>  SIZE=1 X", "a@example.org", "SIZE=1 X" },
		{ "<root>", "root", "" },
		{ "root", "root", "" },
		{ "<Postmaster>", "Postmaster", "" },
		{ "<a..b.@example.org>", "a..b.@example.org", "" },
		{ "<a.>", "a.", "" },
		{ "<a@example.org.>", "a@example.org", "" },
		{ "<a@my_host>", "a@my_host", "" },
		{ "<a@[192.0.2.1]>", "a@[192.0.2.1]", "" },
		{ "<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", "" },
		{ "<#@[]>", "#@[]", "" },
		{ "<\"a b\"@example.org>", "\"a b\"@example.org", "" },
		{ "\"a b>\"@example.org X", "\"a b>\"@example.org", "X" },
		{ "<\"a\\\"@x\"@example.org>", "\"a\\\"@x\"@example.org", "" },
		{ "<\"\"@example.org>", "\"\"@example.org", "" },
		{ "<@one,@two.org:a@example.org>", "a@example.org", "" },
		{ "<@one, @two:\"q\"@x>", "\"q\"@x", "" },
		{ "<a+b=c/d%e!f@x>", "a+b=c/d%e!f@x", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct syntax_path path;

		assert_true(syntax_path(text(rows[i].in), &path));
		assert_bytes(path.addr, rows[i].addr);
		assert_bytes(path.rest, rows[i].rest);
		assert_false(path.is_utf8);
	}
}

static void
what_is_no_path_is_refused(void **state)
{
	static const char *bad[] = { "", " ", "<", "<a", "a>", "<a@>",
		"<@example.org>", "<a@b@c>", "<a b@c>", "<a@b>x", "<a@b><c@d>",
		"<<a@b>>", "<a@b..c>", "<a@.b>", "<a@b c>", "<\"a@b>",
		"<\"a\"b@c>", "<\"a\\", "<a@[1>", "<a@1]>", "<a@[1]x>", "<@a:>",
		"<@a b@c>", "<@a,b:c@d>", "<a,b@c>", "<a;b@c>", "<a(b)@c>",
		"<a@b!c>", "<a@b>,<c@d>" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct syntax_path path = { .is_utf8 = true };

		assert_false(syntax_path(text(bad[i]), &path));
		assert_true(path.is_utf8); /* untouched */
	}
}

/* R8 */
static void
no_control_character_is_part_of_a_path(void **state)
{
	static const char *const good[] = { "<a@b.org>", "<\"a b\"@b.org>",
		"<@r:a@[1]> SIZE=1" };
	char line[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		for (size_t at = 0; at < strlen(good[i]); at++)
			for (int c = 0; c < 0x80; c++) {
				struct syntax_path path;

				memcpy(line, good[i], strlen(good[i]));
				line[at] = (char)c;
				if (c >= 0x20 && c != 0x7f)
					continue;
				assert_false(syntax_path(
				    bytes_of(line, strlen(good[i])), &path));
			}
}

static void
bytes_over_127_are_noticed(void **state)
{
	struct syntax_path path;

	(void)state;
	assert_true(syntax_path(text("<\xc3\xa9@example.org>"), &path));
	assert_true(path.is_utf8);
	assert_true(syntax_path(text("<a@\xc3\xa9.org>"), &path));
	assert_true(path.is_utf8);
	assert_true(syntax_path(text("<\"\xc3\xa9\"@x>"), &path));
	assert_true(path.is_utf8);
	assert_true(syntax_path(text("<\xe9@example.org>"), &path));
	assert_true(path.is_8bit && !path.is_utf8);
	assert_true(syntax_path(text("<\xc0\xaf@example.org>"), &path));
	assert_true(path.is_8bit && !path.is_utf8);
	assert_true(syntax_path(text("<a@example.org>"), &path));
	assert_false(path.is_8bit || path.is_utf8);
}

static void
an_address_has_a_longest_length(void **state)
{
	char in[SMTP_PATH_MAX + 1];
	struct syntax_path path;

	(void)state;
	memset(in, 'a', sizeof(in));
	assert_true(syntax_path(bytes_of(in, SMTP_PATH_MAX), &path));
	assert_false(syntax_path(bytes_of(in, SMTP_PATH_MAX + 1), &path));
}

static void
parameters_come_one_by_one(void **state)
{
	struct bytes list = text("  SIZE=100 x-a1 ORCPT=rfc822;<a@b>\t");
	struct syntax_param param;

	(void)state;
	assert_int_equal(syntax_param(&list, &param), SYNTAX_PARAM);
	assert_bytes(param.key, "SIZE");
	assert_bytes(param.value, "100");
	assert_int_equal(syntax_param(&list, &param), SYNTAX_PARAM);
	assert_bytes(param.key, "x-a1");
	assert_bytes(param.value, "");
	assert_int_equal(syntax_param(&list, &param), SYNTAX_PARAM);
	assert_bytes(param.key, "ORCPT");
	assert_bytes(param.value, "rfc822;<a@b>");
	assert_int_equal(syntax_param(&list, &param), SYNTAX_END);
}

static void
malformed_parameters_are_told(void **state)
{
	static const char *const bad[] = { "=", "=1", "SIZE=", "-A", "A_B",
		"A=b=c", "A=\x01", "\xc3\xa9" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct bytes list = text(bad[i]);
		struct syntax_param param;

		assert_int_equal(syntax_param(&list, &param), SYNTAX_BAD);
	}
}

static void
an_odd_host_name_is_no_reason_to_refuse(void **state)
{
	char long_name[SMTP_DOMAIN_MAX + 1];
	struct bytes name;

	(void)state;
	assert_true(syntax_helo(text("[127.0.0.1]"), &name));
	assert_bytes(name, "[127.0.0.1]");
	assert_true(syntax_helo(text(" my_pc (home)"), &name));
	assert_bytes(name, "my_pc");
	assert_false(syntax_helo(text(" "), &name));
	memset(long_name, 'a', sizeof(long_name));
	assert_true(syntax_helo(bytes_of(long_name, SMTP_DOMAIN_MAX), &name));
	assert_false(
	    syntax_helo(bytes_of(long_name, SMTP_DOMAIN_MAX + 1), &name));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_read_as_programs_write_them),
		cmocka_unit_test(what_is_no_path_is_refused),
		cmocka_unit_test(no_control_character_is_part_of_a_path),
		cmocka_unit_test(bytes_over_127_are_noticed),
		cmocka_unit_test(an_address_has_a_longest_length),
		cmocka_unit_test(parameters_come_one_by_one),
		cmocka_unit_test(malformed_parameters_are_told),
		cmocka_unit_test(an_odd_host_name_is_no_reason_to_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
