/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A person is told once per cause, by a program that gets nothing of ours. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/conf.h"
#include "cred/cred_run.h"
#include "net/loop.h"
#include "notice/alert.h"
#include "relaisd/alert_command.h"
#include "relaisd/alert_queue.h"
#include "relaisd/link.h"
#include "tests/lib/quiet.h"
#include "tests/lib/temp.h"

struct bench {
	char dir[64], script[96], told[96];
	int64_t now_ms;
	struct clock clock;
	struct loop *loop;
	struct conf conf, *in_force;
	struct conf_account accounts[6];
	char *argv[3];
	struct alerts *alerts;
	struct link *link;
	struct alert_queue *commands;
};

static int64_t
boot_ms(void *ctx)
{
	return ((struct bench *)ctx)->now_ms;
}

static int32_t
offset_s(void *ctx, int64_t wall_ms)
{
	(void)ctx;
	(void)wall_ms;
	return 0;
}

static void
on_alert(void *ctx, const struct alert *a)
{
	struct bench *b = ctx;

	alert_queue_add(b->commands, b->in_force, a, 7);
}

static void
write_script(struct bench *b, const char *text)
{
	FILE *f = fopen(b->script, "w");

	assert_non_null(f);
	(void)fprintf(f, "#!/bin/sh\n%s\n", text);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(b->script, 0755), 0);
}

static int
setup(void **state)
{
	static const char *const names[] = { "work", "home", "a", "b", "c",
		"d" };
	struct bench *b = calloc(1, sizeof(*b));
	struct alert_opts opts;
	struct err err;
	char text[400];

	temp_dir(b->dir, sizeof(b->dir), "relais-alert");
	(void)snprintf(b->script, sizeof(b->script), "%s/alert", b->dir);
	(void)snprintf(b->told, sizeof(b->told), "%s/told", b->dir);
	(void)snprintf(text, sizeof(text),
	    "read -r json\nprintf '%%s|%%s|%%s|%%s|%%s|%%s|%%s\\n' "
	    "\"$RELAIS_EVENT\" \"$RELAIS_ACCOUNT\" \"$RELAIS_REASON\" "
	    "\"$RELAIS_QUEUE\" \"$1\" \"$SECRET_OF_OURS\" \"$json\" >>%s",
	    b->told);
	write_script(b, text);
	b->argv[0] = b->script;
	b->argv[1] = (char *)(uintptr_t) "; echo no shell";
	b->conf.alert_command = (struct conf_list) { b->argv, 2 };
	for (size_t i = 0; i < ARRAY_LEN(b->accounts); i++)
		b->accounts[i].name = (char *)(uintptr_t)names[i];
	b->conf.accounts = b->accounts;
	b->conf.naccounts = ARRAY_LEN(b->accounts);
	b->in_force = &b->conf;
	b->now_ms = 1000;
	b->clock = (struct clock) { boot_ms, boot_ms, offset_s, b };
	assert_int_equal(loop_new(&b->clock, &b->loop, &err), 0);
	b->link = link_new(-1, NULL);
	b->commands = alert_queue_new(b->loop, b->link);
	opts = (struct alert_opts) { &b->clock, on_alert, b };
	b->alerts = alert_new(&opts);
	assert_int_equal(setenv("SECRET_OF_OURS", "leaked", 1), 0);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	alert_free(b->alerts);
	alert_queue_free(b->commands);
	loop_free(b->loop);
	link_free(b->link);
	(void)unlink(b->script); /* it may never have been */
	(void)unlink(b->told);
	(void)rmdir(b->dir);
	free(b);
	return 0;
}

/* What was told so far, once there are so many lines or no more is to come. */
static const char *
told(struct bench *b, int lines)
{
	static char text[4096];
	int have = 0, quiet = 0;

	for (int tries = 0; tries < 20000; tries++) {
		FILE *f = fopen(b->told, "r");
		size_t n = 0;

		if (f != NULL) {
			n = fread(text, 1, sizeof(text) - 1, f);
			(void)fclose(f); /* was only read */
		}
		text[n] = '\0';
		have = 0;
		for (size_t i = 0; i < n; i++)
			have += text[i] == '\n';
		if (have >= lines && quiet >= 3)
			break;
		loop_run_once(b->loop, false);
		quiet = loop_is_quiet(b->loop) ? quiet + 1 : 0;
	}
	assert_int_equal(have, lines);
	return text;
}

static void
a_cause_is_told_once_until_it_is_over(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 3; i++)
		alert_raise(b->alerts, "account-held", "work", "no");
	alert_raise(b->alerts, "account-held", "home", "no");
	alert_raise(b->alerts, "quota", "work", "no");
	(void)told(b, 3);
	alert_over(b->alerts, "account-held", "work");
	alert_over(b->alerts, "disk", NULL); /* never was */
	alert_raise(b->alerts, "account-held", "home", "no");
	alert_raise(b->alerts, "account-held", "work", "again");
	(void)told(b, 4);
}

static void
what_comes_and_goes_is_told_again_after_hours(void **state)
{
	struct bench *b = *state;

	for (int hours = 0; hours < 13; hours++) {
		alert_raise(b->alerts, "quota", "work", "no");
		alert_over(b->alerts, "quota", "work");
		b->now_ms += 3600 * 1000;
	}
	(void)told(b, 3);
}

static void
R16_the_program_gets_the_facts_and_nothing_else(void **state)
{
	struct bench *b = *state;

	alert_raise(b->alerts, "account-held", "work",
	    "535 said \"no\"\nRELAIS_ACCOUNT=forged \xff $(id)");
	assert_string_equal(told(b, 1),
	    "account-held|work|535 said \"no\" RELAIS_ACCOUNT=forged \\xff "
	    "$(id)"
	    "|7|; echo no shell||"
	    "{\"event\":\"account-held\",\"account\":\"work\",\"user\":\"\","
	    "\"reason\":"
	    "\"535 said \\\"no\\\" RELAIS_ACCOUNT=forged \\\\xff $(id)\","
	    "\"queue\":7}\n");
}

static void
a_program_that_is_missing_or_fails_harms_nothing(void **state)
{
	struct bench *b = *state;
	char *relative[] = { (char *)(uintptr_t) "alert" };
	char *missing[] = { (char *)(uintptr_t) "/nonexistent/alert" };
	struct conf others[] = {
		{ .alert_command = { relative, 1 } },
		{ .alert_command = { missing, 1 } },
		{ .alert_command = { NULL, 0 } },
	};
	char text[300];

	/* Nobody searches for it. */
	assert_int_equal(setenv("PATH", b->dir, 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		b->in_force = &others[i];
		alert_raise(b->alerts, "account-held",
		    b->accounts[2 + i % 2].name, "no");
		alert_over(
		    b->alerts, "account-held", b->accounts[2 + i % 2].name);
	}
	b->in_force = &b->conf;
	(void)snprintf(
	    text, sizeof(text), "echo $RELAIS_ACCOUNT >>%s; exit 3", b->told);
	write_script(b, text);
	alert_raise(b->alerts, "account-held", "c", "d");
	alert_raise(b->alerts, "account-held", "d", "e");
	assert_string_equal(told(b, 2), "c\nd\n");
}

/* Whatever the worker has checked, the keeper runs it. */
static void
a_program_without_a_path_is_not_run(void **state)
{
	struct bench *b = *state;
	char *relative[] = { (char *)(uintptr_t) "alert" };
	struct conf_list command = { relative, 1 };
	struct alert a = { "account-held", "work", "", "no" };
	struct cred_run run;

	assert_int_equal(chdir(b->dir), 0);
	assert_int_equal(setenv("PATH", b->dir, 1), 0);
	cred_run_init(&run);
	assert_int_equal(
	    alert_command_run(&command, &a, 7, &run), CRED_RAN_NOT);
	cred_run_clear(&run);
}

static void
alerts_do_not_pile_up_behind_a_slow_program(void **state)
{
	enum { WAITING_MAX = 64 };
	struct bench *b = *state;
	char text[300], account[16];

	(void)snprintf(text, sizeof(text), "echo >>%s", b->told);
	write_script(b, text);
	for (int i = 0; i < 2 * WAITING_MAX; i++) {
		(void)snprintf(account, sizeof(account), "a%d", i);
		alert_raise(b->alerts, "account-held", account, "no");
	}
	(void)told(b, 1 + WAITING_MAX); /* one runs, the others wait */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_cause_is_told_once_until_it_is_over, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_comes_and_goes_is_told_again_after_hours, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    R16_the_program_gets_the_facts_and_nothing_else, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    alerts_do_not_pile_up_behind_a_slow_program, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_program_that_is_missing_or_fails_harms_nothing, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_program_without_a_path_is_not_run, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
