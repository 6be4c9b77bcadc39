/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The user's rows about replies: they count before the shipped ones, and a file
 * that is wrong is told by name and line and changes nothing. */
#include "tests/lib/files.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "conf/replies.h"
#include "mail/diagnosis.h"

static enum diagnosis_act
act_on(const char *text)
{
	struct verdict v;

	verdict_from_reply(
	    &v, STAGE_END, 550, bytes_of("", 0), bytes_str(text));
	return diagnose(&v, "mail.corp.example").act;
}

static int
load(const char *text, struct replies **ret, struct err *err)
{
	struct files f;
	int rc;

	files_init(&f);
	err_clear(err);
	rc = replies_load(files_put(&f, "replies", text, 0644), ret, err);
	files_clear(&f);
	return rc;
}

static void
own_rows_count_until_others_do(void **state)
{
	struct replies *r = NULL, *none = NULL;
	struct err err;

	(void)state;
	assert_int_equal(load("# ours\n*.corp.example data 550 * hold-account\n"
			      "\ttext licence\n",
			     &r, &err),
	    0);
	replies_use(r);
	assert_int_equal(act_on("no Licence"), DIAGNOSIS_HOLD_ACCOUNT);
	assert_int_equal(act_on("no"), DIAGNOSIS_FAIL);
	assert_int_equal(replies_load("/nonexistent/replies", &none, &err), 0);
	assert_null(none);
	replies_use(none);
	assert_int_equal(act_on("no licence"), DIAGNOSIS_FAIL);
	replies_free(r);
	replies_free(NULL);
}

static void
a_wrong_file_is_named_and_nothing_of_it_counts(void **state)
{
	struct replies *r = NULL;
	struct err err;
	char *big;

	(void)state;
	assert_int_equal(
	    load("* data 550 * retry\n\n* data 550 * perhaps\n", &r, &err), -1);
	assert_null(r);
	assert_non_null(strstr(err.text, "/replies: line 3: "));
	assert_non_null(strstr(err.text, "unknown action \"perhaps\""));
	replies_use(r);
	assert_int_equal(act_on("no"), DIAGNOSIS_FAIL);
	big = xmalloc(1200000);
	memset(big, '#', 1200000);
	big[1199999] = '\0';
	assert_int_equal(load(big, &r, &err), -1);
	assert_non_null(strstr(err.text, "is larger than"));
	free(big);
	assert_int_equal(replies_load("/", &r, &err), -1);
	assert_non_null(strstr(err.text, "cannot read /"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_rows_count_until_others_do),
		cmocka_unit_test(
		    a_wrong_file_is_named_and_nothing_of_it_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
