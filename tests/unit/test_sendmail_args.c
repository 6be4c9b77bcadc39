/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every flag of the old sendmail is taken, none opens a file (R17), and no
 * argv does harm (R19). */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "sendmail/sendmail_args.h"

enum { WORDS_MAX = 20 };

/* A command line as a C array ends with NULL. */
static int
parse(const char *const *words, struct sendmail_args *ret, struct err *err)
{
	int n = 0;

	while (words[n] != NULL)
		n++;
	return sendmail_args_parse(
	    n, (char *const *)(uintptr_t)words, ret, err);
}

#define WORDS(...) ((const char *const[]) { __VA_ARGS__, NULL })

static void
values_may_be_joined_or_the_next_word(void **state)
{
	static const char *const lines[][WORDS_MAX] = {
		{ "sendmail", "-fme@x", "-FMy Name", "-Nnever", "-Rhdrs",
		    "-Vid1", "-awork", "-odq", "-bm", "to@x", NULL },
		{ "sendmail", "-f", "me@x", "-F", "My Name", "-N", "never",
		    "-R", "hdrs", "-V", "id1", "-a", "work", "-o", "dq", "to@x",
		    NULL },
		{ "sendmail", "-r", "me@x", "-F", "My Name", "-NNEVER",
		    "-RHDRS", "-Vid1", "-awork", "-O", "DeliveryMode=q", "--",
		    "to@x", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct sendmail_args a;
		struct err err;

		assert_int_equal(parse(lines[i], &a, &err), 0);
		assert_string_equal(a.sender, "me@x");
		assert_string_equal(a.full_name, "My Name");
		assert_string_equal(a.envid, "id1");
		assert_string_equal(a.account, "work");
		assert_int_equal(a.notify, DSN_NOTIFY_NEVER);
		assert_int_equal(a.ret, DSN_RET_HDRS);
		assert_int_equal(a.delivery, SENDMAIL_DELIVERY_QUEUE);
		assert_int_equal(a.naddrs, 1);
		assert_string_equal(a.addrs[0], "to@x");
	}
}

static void
letters_without_value_stand_together(void **state)
{
	struct sendmail_args a;
	struct err err;

	(void)state;
	assert_int_equal(
	    parse(WORDS("sendmail", "-tiv", "-fme@x"), &a, &err), 0);
	assert_true(a.has_header_rcpts && a.ignores_dots && a.is_verbose);
	assert_int_equal(
	    parse(WORDS("sendmail", "-itfme@x", "a@x"), &a, &err), 0);
	assert_string_equal(a.sender, "me@x");
	assert_string_equal(a.addrs[0], "a@x");
}

/* Every flag of history with a value must swallow it, or it would become a
 * recipient. */
static void
flags_of_history_are_taken_and_ignored(void **state)
{
	static const char *const with_value[] = { "-A", "-B", "-C", "-D", "-L",
		"-M", "-O", "-X", "-h", "-o", "-p" };
	static const char *const alone[] = { "-G", "-T", "-U", "-d", "-d0-99.1",
		"-e", "-em", "-ee", "-m", "-n", "-oem", "-oee", "-oep", "-oew",
		"-oeq", "-om", "-oQ/tmp/q", "-o7", "-s", "-x", "-Ac", "-X/x",
		"-C/etc/passwd", "-OQueueDirectory=/tmp", "-Zunknown", "-E",
		"-J", "-bm", "--strange" };
	struct sendmail_args a;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(with_value); i++) {
		assert_int_equal(
		    parse(WORDS("sendmail", with_value[i], "/x", "to@x"), &a,
			&err),
		    0);
		assert_int_equal(a.naddrs, 1);
		assert_string_equal(a.addrs[0], "to@x");
		assert_int_equal(a.action, SENDMAIL_SEND);
	}
	for (size_t i = 0; i < ARRAY_LEN(alone); i++) {
		assert_int_equal(
		    parse(WORDS("sendmail", alone[i], "to@x"), &a, &err), 0);
		assert_int_equal(a.naddrs, 1);
		assert_string_equal(a.addrs[0], "to@x");
	}
}

static void
delivery_modes_have_their_letters(void **state)
{
	static const struct {
		const char *word;
		enum sendmail_delivery mode;
	} rows[] = {
		{ "-odb", SENDMAIL_DELIVERY_SAFE },
		{ "-odi", SENDMAIL_DELIVERY_VERDICT },
		{ "-odq", SENDMAIL_DELIVERY_QUEUE },
		{ "-odd", SENDMAIL_DELIVERY_QUEUE },
		{ "-od", SENDMAIL_DELIVERY_UNSET },
		{ "-odx", SENDMAIL_DELIVERY_UNSET },
		{ "-ODeliveryMode=interactive", SENDMAIL_DELIVERY_VERDICT },
		{ "-odeliverymode=background", SENDMAIL_DELIVERY_UNSET },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sendmail_args a;
		struct err err;

		assert_int_equal(
		    parse(WORDS("sendmail", rows[i].word), &a, &err), 0);
		assert_int_equal(a.delivery, rows[i].mode);
	}
}

static void
a_lone_dot_is_data_for_i_in_every_form(void **state)
{
	static const char *const forms[] = { "-i", "-oi", "-OIgnoreDots",
		"-OIgnoreDots=true" };
	struct sendmail_args a;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		assert_int_equal(
		    parse(WORDS("sendmail", forms[i]), &a, &err), 0);
		assert_true(a.ignores_dots);
	}
	assert_int_equal(
	    parse(WORDS("sendmail", "-OIgnoreDots=false"), &a, &err), 0);
	assert_false(a.ignores_dots);
}

static void
modes_come_from_b_and_from_the_name(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		enum sendmail_action action;
	} rows[] = {
		{ { "sendmail", "-bm" }, SENDMAIL_SEND },
		{ { "sendmail", "-bs" }, SENDMAIL_SMTP },
		{ { "sendmail", "-b", "s" }, SENDMAIL_SMTP },
		{ { "sendmail", "-bv", "a@x" }, SENDMAIL_VERIFY },
		{ { "sendmail", "-bp" }, SENDMAIL_MAILQ },
		{ { "sendmail", "-bi" }, SENDMAIL_ALIASES },
		{ { "sendmail", "-I" }, SENDMAIL_ALIASES },
		{ { "sendmail", "-q" }, SENDMAIL_FLUSH },
		{ { "sendmail", "-q30m" }, SENDMAIL_FLUSH },
		{ { "/usr/bin/mailq" }, SENDMAIL_MAILQ },
		{ { "newaliases" }, SENDMAIL_ALIASES },
		{ { "/mailq/sendmail" }, SENDMAIL_SEND },
		{ { "sendmail", "--help" }, SENDMAIL_HELP },
		{ { "sendmail", "--version" }, SENDMAIL_VERSION },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sendmail_args a;
		struct err err;

		assert_int_equal(parse(rows[i].words, &a, &err), 0);
		assert_int_equal(a.action, rows[i].action);
	}
}

static void
what_cannot_be_meant_is_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		const char *says;
	} rows[] = {
		{ { "sendmail", "-bd" }, "relaisd(8)" },
		{ { "sendmail", "-bD" }, "relaisd(8)" },
		{ { "sendmail", "-bt" }, "-b needs" },
		{ { "sendmail", "-bmx" }, "-b needs" },
		{ { "sendmail", "-f" }, "-f needs a value" },
		{ { "sendmail", "-Nsometimes", "x" }, "-N needs" },
		{ { "sendmail", "-Nnever,delay", "x" }, "never cannot" },
		{ { "sendmail", "-N", "" }, "-N needs" },
		{ { "sendmail", "-Rsome" }, "-R needs" },
		{ { "sendmail", "-V", "a\nb" }, "-V needs" },
		{ { "sendmail", "-a", "x\nBcc: y" }, "-a needs" },
		{ { "sendmail", "-a", "x BODY=7BIT" }, "-a needs" },
		{ { "sendmail", "-a", "" }, "-a needs" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sendmail_args a;
		struct err err = { 0 };

		assert_int_equal(parse(rows[i].words, &a, &err), -1);
		assert_int_equal(err.class, ERR_INPUT);
		assert_non_null(strstr(err.text, rows[i].says));
	}
}

static void
nothing_behind_an_address_or_two_dashes_is_an_option(void **state)
{
	struct sendmail_args a;
	struct err err;

	(void)state;
	assert_int_equal(
	    parse(WORDS("sendmail", "to@x", "-t", "-f", "x"), &a, &err), 0);
	assert_int_equal(a.naddrs, 4);
	assert_false(a.has_header_rcpts);
	assert_null(a.sender);
	assert_int_equal(
	    parse(WORDS("sendmail", "--", "-t", "a@x"), &a, &err), 0);
	assert_int_equal(a.naddrs, 2);
	assert_false(a.has_header_rcpts);
}

/* PHP appends its own -f to what is configured. */
static void
the_last_sender_counts(void **state)
{
	struct sendmail_args a;
	struct err err;

	(void)state;
	assert_int_equal(
	    parse(WORDS("sendmail", "-fa@x", "-t", "-r", "b@x"), &a, &err), 0);
	assert_string_equal(a.sender, "b@x");
	assert_int_equal(parse(WORDS("sendmail", "-f", ""), &a, &err), 0);
	assert_string_equal(a.sender, "");
}

static void
notify_lists_are_ored(void **state)
{
	struct sendmail_args a;
	struct err err;

	(void)state;
	assert_int_equal(
	    parse(WORDS("sendmail", "-N", "success, DELAY"), &a, &err), 0);
	assert_int_equal(a.notify, DSN_NOTIFY_SUCCESS | DSN_NOTIFY_DELAY);
}

/* R19 */
static void
values_and_addresses_have_a_length(void **state)
{
	static char value[SENDMAIL_VALUE_MAX + 2];
	static char addr[SENDMAIL_ADDR_MAX + 2];
	struct sendmail_args a;
	struct err err;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	memset(addr, 'x', sizeof(addr) - 1);
	assert_int_equal(parse(WORDS("sendmail", "-F", value), &a, &err), -1);
	assert_int_equal(parse(WORDS("sendmail", "-X", value), &a, &err), -1);
	assert_int_equal(parse(WORDS("sendmail", addr), &a, &err), -1);
	value[SENDMAIL_VALUE_MAX] = '\0';
	addr[SENDMAIL_ADDR_MAX] = '\0';
	assert_int_equal(
	    parse(WORDS("sendmail", "-F", value, addr), &a, &err), 0);
}

static void
an_empty_argv_is_survived(void **state)
{
	char *const none[] = { NULL };
	struct sendmail_args a;
	struct err err;

	(void)state;
	assert_int_equal(sendmail_args_parse(0, none, &a, &err), 0);
	assert_int_equal(a.naddrs, 0);
}

/* R19: random words; the sanitizers watch, and every borrowed string must lie
 * in argv. */
static void
random_arguments_do_no_harm(void **state)
{
	static const char letters[] = "-ftiFNRVBobqvaAXCDLMOhp=@x\n\xff ,dsm";
	unsigned seed = 4711;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char words[6][12];
		char *argv[7];
		struct sendmail_args a;
		struct err err;
		int argc = 0;

		for (; argc < 6; argc++) {
			size_t n = 0;

			seed = seed * 1103515245u + 12345u;
			for (; n < (seed >> 16) % 11; n++) {
				unsigned r = seed >> (n + 3);

				words[argc][n] =
				    letters[r % (sizeof(letters) - 1)];
			}
			words[argc][n] = '\0';
			if ((seed >> 20) % 3 != 0 && n > 0)
				words[argc][0] = '-';
			argv[argc] = words[argc];
		}
		argv[argc] = NULL;
		if (sendmail_args_parse(argc, argv, &a, &err) != 0) {
			assert_int_equal(err.class, ERR_INPUT);
			assert_true(err.text[0] != '\0');
			continue;
		}
		assert_true(a.naddrs <= 5);
		if (a.naddrs > 0)
			assert_ptr_equal(a.addrs + a.naddrs, argv + argc);
		if (a.sender != NULL)
			assert_true(
			    a.sender >= words[0] && a.sender < words[5] + 12);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_may_be_joined_or_the_next_word),
		cmocka_unit_test(letters_without_value_stand_together),
		cmocka_unit_test(flags_of_history_are_taken_and_ignored),
		cmocka_unit_test(delivery_modes_have_their_letters),
		cmocka_unit_test(a_lone_dot_is_data_for_i_in_every_form),
		cmocka_unit_test(modes_come_from_b_and_from_the_name),
		cmocka_unit_test(
		    what_cannot_be_meant_is_refused_with_a_sentence),
		cmocka_unit_test(
		    nothing_behind_an_address_or_two_dashes_is_an_option),
		cmocka_unit_test(the_last_sender_counts),
		cmocka_unit_test(notify_lists_are_ored),
		cmocka_unit_test(values_and_addresses_have_a_length),
		cmocka_unit_test(an_empty_argv_is_survived),
		cmocka_unit_test(random_arguments_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
