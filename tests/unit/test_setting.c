/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The option table: complete, consistent, and what each type takes. */
#include "tests/lib/check.h"

#include <stdio.h>

#include "conf/conf.h"
#include "conf/setting.h"

/* Scripts, packages and people rely on these names. */
static const struct {
	enum setting_section section;
	const char *names;
} promised[] = {
	{ SETTING_RELAIS,
	    "admin hostname listen socket control spool user verdict_timeout "
	    "max_size max_recipients max_sessions max_per_user max_equal "
	    "equal_time retry_after "
	    "lifetime "
	    "delay_notice uncertain alert_command allow_users allow_groups "
	    "aliases log" },
	{ SETTING_LISTEN, "address mode allow_from" },
	{ SETTING_ACCOUNT,
	    "provider host port tls tls_ca_file tls_pin tls_cert tls_key user "
	    "password password_file password_command password_credential "
	    "password_keyring auth address full_name identity allowed_senders "
	    "null_sender senders recipients users default fallback "
	    "max_connections "
	    "max_per_connection max_per_minute max_per_hour max_per_day "
	    "max_recipients max_size" },
};

static void
every_promised_name_is_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(promised); i++) {
		struct conf_list names = { NULL, 0 };

		setting_split_list(promised[i].names, &names);
		for (size_t k = 0; k < names.n; k++)
			if (setting_find(promised[i].section, names.v[k]) ==
			    NULL)
				fail_msg("%s is gone", names.v[k]);
		conf_list_clear(&names);
	}
}

static void
every_default_passes_its_own_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < nsettings; i++) {
		struct buf why;

		buf_init(&why, 400);
		if (settings[i].dflt != NULL &&
		    !setting_check(&settings[i], settings[i].dflt, &why))
			fail_msg("%s: %s", settings[i].name, buf_str(&why));
		buf_clear(&why);
	}
}

static void
no_option_stands_twice_and_each_has_help(void **state)
{
	(void)state;
	for (size_t i = 0; i < nsettings; i++) {
		const struct setting *st = &settings[i];
		size_t n = strlen(st->help);

		assert_ptr_equal(setting_find(st->section, st->name), st);
		assert_true(n > 10 && n < 80 && st->help[n - 1] != '.');
	}
}

/* NULL: taken; else a part of the sentence. */
static const struct {
	enum setting_section section;
	const char *name, *value, *why;
} values[] = {
	{ SETTING_ACCOUNT, "port", "587", NULL },
	{ SETTING_ACCOUNT, "port", "465, 587 2525", NULL },
	{ SETTING_ACCOUNT, "port", "AUTO", NULL },
	{ SETTING_ACCOUNT, "port", "0", "a port from 1 to 65535, or auto" },
	{ SETTING_ACCOUNT, "port", "65536", "a port from 1 to 65535" },
	{ SETTING_ACCOUNT, "port", "smtp", "a port from 1 to 65535" },
	{ SETTING_ACCOUNT, "port", "", "a port from 1 to 65535" },
	{ SETTING_ACCOUNT, "port", "1 2 3 4 5 6 7 8 9", "a port" },
	{ SETTING_ACCOUNT, "tls", "StartTLS", NULL },
	{ SETTING_ACCOUNT, "tls", "startls",
	    "expected auto, starttls, implicit or off; did you mean "
	    "\"starttls\"?" },
	{ SETTING_ACCOUNT, "tls", "", "expected auto" },
	{ SETTING_ACCOUNT, "auth", "plain login", NULL },
	{ SETTING_ACCOUNT, "auth", "plain ntlm", "expected auto" },
	{ SETTING_ACCOUNT, "default", "yes", NULL },
	{ SETTING_ACCOUNT, "default", "0", NULL },
	{ SETTING_ACCOUNT, "default", "maybe", "expected yes or no" },
	{ SETTING_ACCOUNT, "address", "me@example.org", NULL },
	{ SETTING_ACCOUNT, "address", "me@caf\xc3\xa9.example", NULL },
	{ SETTING_ACCOUNT, "address", "me", "an email address such as" },
	{ SETTING_ACCOUNT, "address", "@x", "an email address" },
	{ SETTING_ACCOUNT, "address", "me@", "an email address" },
	{ SETTING_ACCOUNT, "address", "Me <me@x>", "an email address" },
	{ SETTING_ACCOUNT, "host", "two words", "one word" },
	{ SETTING_ACCOUNT, "host", "", "one word" },
	{ SETTING_ACCOUNT, "full_name", "Two Words", NULL },
	{ SETTING_ACCOUNT, "full_name", "", "expected a value" },
	{ SETTING_ACCOUNT, "password_file", "secret", "starts with /" },
	{ SETTING_ACCOUNT, "password_file", "~/secret", NULL },
	{ SETTING_ACCOUNT, "password_command", "pass 'x",
	    "a closing quote is missing" },
	{ SETTING_ACCOUNT, "password_command", "", "a program" },
	{ SETTING_ACCOUNT, "max_connections", "0", "a number from 1 to 100" },
	{ SETTING_ACCOUNT, "max_connections", "-1", "a number from 1" },
	{ SETTING_ACCOUNT, "max_connections", "99999999999999999999",
	    "a number from 1" },
	{ SETTING_RELAIS, "max_recipients", "99", "a number from 100" },
	{ SETTING_RELAIS, "max_size", "35M", NULL },
	{ SETTING_RELAIS, "max_size", "35 MB", "a size such as" },
	{ SETTING_RELAIS, "lifetime", "5d", NULL },
	{ SETTING_RELAIS, "lifetime", "5 days", "a time such as" },
	{ SETTING_RELAIS, "log", "syslog", NULL },
	{ SETTING_RELAIS, "log", "/var/log/relais", NULL },
	{ SETTING_RELAIS, "log", "sylog", "did you mean \"syslog\"?" },
	{ SETTING_RELAIS, "listen", "", NULL },
	{ SETTING_LISTEN, "mode", "queue", NULL },
	{ SETTING_LISTEN, "mode", "slow",
	    "expected safe, verdict, queue or auto" },
};

static void
values_are_taken_or_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		const struct setting *st = setting_find(
		    values[i].section, values[i].name);
		struct buf why;
		bool is_good;

		assert_non_null(st);
		buf_init(&why, 400);
		is_good = setting_check(st, values[i].value, &why);
		if (is_good != (values[i].why == NULL) ||
		    (!is_good && !strstr(buf_str(&why), values[i].why)))
			fail_msg("%s = %s: %s", values[i].name, values[i].value,
			    buf_str(&why));
		buf_clear(&why);
	}
}

static void
the_nearest_name_is_found_or_none(void **state)
{
	static const struct {
		const char *typed, *meant;
	} rows[] = {
		{ "prot", "port" },
		{ "hots", "host" },
		{ "pasword_file", "password_file" },
		{ "maxconnections", "max_connections" },
		{ "password-command", "password_command" },
		{ "xyzzy", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct setting *st = setting_nearest(
		    SETTING_ACCOUNT, rows[i].typed);

		if (rows[i].meant == NULL)
			assert_null(st);
		else
			assert_string_equal(st->name, rows[i].meant);
	}
}

static void
lists_are_cut_at_blanks_and_commas(void **state)
{
	struct conf_list l = { NULL, 0 };

	(void)state;
	setting_split_list(" a,b , c\t,d,, ", &l);
	assert_int_equal(l.n, 4);
	assert_string_equal(l.v[3], "d");
	assert_null(l.v[4]);
	conf_list_clear(&l);
	assert_int_equal(l.n, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_promised_name_is_there),
		cmocka_unit_test(every_default_passes_its_own_check),
		cmocka_unit_test(no_option_stands_twice_and_each_has_help),
		cmocka_unit_test(values_are_taken_or_explained),
		cmocka_unit_test(the_nearest_name_is_found_or_none),
		cmocka_unit_test(lists_are_cut_at_blanks_and_commas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
