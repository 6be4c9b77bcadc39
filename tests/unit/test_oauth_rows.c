/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OAuth2 endpoints: the shipped rows are sound, own rows win, errors help. */
#include "tests/lib/files.h"

#include "base/err.h"
#include "conf/oauth_rows.h"

static const char *
get(const struct cred_oauth *o, enum cred_oauth_key key)
{
	return cred_oauth_get(o, key);
}

static void
every_shipped_row_can_be_used(void **state)
{
	static const char *const keys[] = { "google", "microsoft", "yahoo",
		"aol", "fastmail", "yandex", "mailru", "comcast" };
	struct oauth_rows *rows = oauth_rows_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct cred_oauth *o = oauth_rows_find(rows, keys[i], NULL);

		assert_non_null(o);
		assert_true(get(o, CRED_OAUTH_AUTHORIZE)[0] != '\0');
		assert_true(get(o, CRED_OAUTH_SCOPE)[0] != '\0');
		assert_true(get(o, CRED_OAUTH_REDIRECT)[0] != '\0');
		/* Nobody's client is borrowed. */
		assert_string_equal(get(o, CRED_OAUTH_CLIENT_ID), "");
		cred_oauth_free(o);
	}
	oauth_rows_free(rows);
}

static void
a_tenant_becomes_part_of_the_endpoints(void **state)
{
	struct oauth_rows *rows = oauth_rows_new();
	struct cred_oauth *o = oauth_rows_find(rows, "microsoft", NULL);

	(void)state;
	assert_string_equal(get(o, CRED_OAUTH_TOKEN),
	    "https://login.microsoftonline.com/common/oauth2/v2.0/token");
	assert_string_equal(get(o, CRED_OAUTH_SCOPE),
	    "https://outlook.office.com/SMTP.Send offline_access");
	cred_oauth_free(o);
	o = oauth_rows_find(rows, "microsoft:firm.example", NULL);
	assert_string_equal(get(o, CRED_OAUTH_DEVICE),
	    "https://login.microsoftonline.com/firm.example/oauth2/v2.0/"
	    "devicecode");
	cred_oauth_free(o);
	oauth_rows_free(rows);
}

static void
what_cannot_be_found_is_explained(void **state)
{
	static const struct {
		const char *spec, *why;
	} cases[] = {
		{ "gogle", "did you mean \"google\"?" },
		{ "nowhere-at-all", "add a row" },
		{ "google:firm", "has no tenants" },
		{ "microsoft:", "is not a tenant" },
		{ "microsoft:a/../b", "is not a tenant" },
		{ "microsoft:a?b", "is not a tenant" },
	};
	struct oauth_rows *rows = oauth_rows_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err;

		err_clear(&err);
		assert_null(oauth_rows_find(rows, cases[i].spec, &err));
		if (strstr(err.text, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].spec, err.text);
	}
	oauth_rows_free(rows);
}

/* -1 and the reason, or 0. */
static int
read_text(struct oauth_rows *rows, const char *text, struct err *err)
{
	struct files f;
	int rc;

	files_init(&f);
	err_clear(err);
	rc = oauth_rows_read(rows, files_put(&f, "oauth2", text, 0600), err);
	files_clear(&f);
	return rc;
}

static void
own_rows_replace_shipped_ones(void **state)
{
	struct oauth_rows *rows = oauth_rows_new();
	struct cred_oauth *o;
	struct err err;

	(void)state;
	assert_int_equal(read_text(rows,
			     "google token=https://id.example/t scope=a\n"
			     "\tscope=b\n\n# a comment\n"
			     "firm\n  authorize=https://id.example/a?x=1\n"
			     "  token=https://id.example/t  client_id=relais\n",
			     &err),
	    0);
	o = oauth_rows_find(rows, "google", NULL);
	assert_string_equal(get(o, CRED_OAUTH_SCOPE), "a b");
	assert_string_equal(get(o, CRED_OAUTH_AUTHORIZE), "");
	cred_oauth_free(o);
	o = oauth_rows_find(rows, "FIRM", NULL);
	assert_string_equal(
	    get(o, CRED_OAUTH_AUTHORIZE), "https://id.example/a?x=1");
	assert_string_equal(get(o, CRED_OAUTH_CLIENT_ID), "relais");
	cred_oauth_free(o);
	oauth_rows_free(rows);
}

static void
a_wrong_row_is_told_with_its_line(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "\ttoken=https://id.example/\n", "line 1" },
		{ "a token=http://id.example/\n", "https://" },
		{ "a\n\ttoken=https://id.example/\n\tcolour=red\n", "line 3" },
		{ "a\n\tfolder=/tmp\n", "\"folder\" is not known here" },
		{ "a token\n", "NAME=VALUE" },
		{ "a scope=b\n", "row a has no token" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct oauth_rows *rows = oauth_rows_new();
		struct err err;

		assert_int_equal(read_text(rows, cases[i].text, &err), -1);
		if (strstr(err.text, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].text, err.text);
		oauth_rows_free(rows);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shipped_row_can_be_used),
		cmocka_unit_test(a_tenant_becomes_part_of_the_endpoints),
		cmocka_unit_test(what_cannot_be_found_is_explained),
		cmocka_unit_test(own_rows_replace_shipped_ones),
		cmocka_unit_test(a_wrong_row_is_told_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
