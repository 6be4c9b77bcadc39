/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines into verbs: no case, no fuss about blanks, no guessing. */
#include "tests/lib/check.h"

#include "smtp/cmd.h"

static struct bytes
text(const char *s)
{
	return bytes_str(s);
}

static void
verbs_are_known_in_any_case_and_arguments_trimmed(void **state)
{
	static const struct {
		const char *line;
		enum cmd_verb verb;
		const char *args;
	} rows[] = {
		{ "HELO x", CMD_HELO, "x" },
		{ "ehlo  x y ", CMD_EHLO, "x y" },
		{ "Mail FROM:<a>", CMD_MAIL, "FROM:<a>" },
		{ "RCPT\tTO:<a>", CMD_RCPT, "TO:<a>" },
		{ "DATA", CMD_DATA, "" },
		{ "DATA ", CMD_DATA, "" },
		{ "BDAT 1 LAST", CMD_BDAT, "1 LAST" },
		{ "rset", CMD_RSET, "" },
		{ "NOOP", CMD_NOOP, "" },
		{ "VRFY a", CMD_VRFY, "a" },
		{ "EXPN a", CMD_EXPN, "a" },
		{ "HELP", CMD_HELP, "" },
		{ "QUIT", CMD_QUIT, "" },
		{ "STARTTLS", CMD_STARTTLS, "" },
		{ "AUTH PLAIN =", CMD_AUTH, "PLAIN =" },
		{ "ETRN x", CMD_OTHER, "x" },
		{ "TURN", CMD_OTHER, "" },
		{ "POST / HTTP/1.1", CMD_FOREIGN, "/ HTTP/1.1" },
		{ "", CMD_UNKNOWN, "" },
		{ "MAI", CMD_UNKNOWN, "" },
		{ "MAILS", CMD_UNKNOWN, "" },
		{ "MAIL:", CMD_UNKNOWN, "" },
		{ "MAILFROM:<a>", CMD_UNKNOWN, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cmd cmd = cmd_parse(text(rows[i].line));

		assert_int_equal(cmd.verb, rows[i].verb);
		assert_int_equal(cmd.args.n, strlen(rows[i].args));
		assert_memory_equal(cmd.args.p, rows[i].args, cmd.args.n);
	}
}

/* R11: a NUL ends nothing. */
static void
a_nul_is_part_of_the_word(void **state)
{
	(void)state;
	assert_int_equal(cmd_parse(bytes_of("QUIT\0", 5)).verb, CMD_UNKNOWN);
	assert_int_equal(cmd_parse(bytes_of("QUIT\0 x", 7)).verb, CMD_UNKNOWN);
}

static void
the_keyword_may_have_blanks_around_its_colon(void **state)
{
	static const char *const good[] = { "FROM:<a>", "from: <a>",
		"From :<a>", "FROM : <a>" };
	static const char *const bad[] = { "", "FROM", "FROM<a>", "FROM <a>",
		"FRO:<a>", "TO:<a>" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct bytes args = text(good[i]);

		assert_true(cmd_take_keyword(&args, "FROM"));
		assert_int_equal(args.n, 3);
		assert_memory_equal(args.p, "<a>", 3);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct bytes args = text(bad[i]);

		assert_false(cmd_take_keyword(&args, "FROM"));
		assert_int_equal(args.n, strlen(bad[i])); /* untouched */
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    verbs_are_known_in_any_case_and_arguments_trimmed),
		cmocka_unit_test(a_nul_is_part_of_the_word),
		cmocka_unit_test(the_keyword_may_have_blanks_around_its_colon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
