/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Presets: the shipped file is sound, own rows win, errors name the nearest. */
#include "tests/lib/files.h"

#include "conf/provider.h"

static const char *
shipped(void)
{
	static char path[1000];
	const char *srcdir = getenv("srcdir");

	(void)snprintf(path, sizeof(path), "%s/src/conf/providers",
	    srcdir != NULL ? srcdir : ".");
	return path;
}

static struct providers *
load_shipped(void)
{
	struct providers *p = providers_new();
	struct err err;

	err_clear(&err);
	if (providers_read(p, shipped(), &err) != 0)
		fail_msg("%s", err.text);
	return p;
}

static void
every_shipped_row_can_be_used_or_says_why_not(void **state)
{
	struct providers *ps = load_shipped();
	const struct provider *p;
	size_t i;

	(void)state;
	for (i = 0; (p = providers_at(ps, i)) != NULL; i++) {
		if (p->refusal != NULL)
			continue;
		assert_true(p->nports > 0 && strchr(p->host, '.') != NULL);
		for (size_t k = 0; k < p->nports; k++)
			if (p->ports[k].port == 25)
				fail_msg("%s uses port 25", p->key);
	}
	assert_true(i >= 40);
	providers_free(ps);
}

static void
the_built_in_copy_is_the_shipped_file(void **state)
{
	struct providers *file = load_shipped(), *copy = providers_new();
	size_t i = 0;

	(void)state;
	providers_read_built_in(copy);
	for (; providers_at(file, i) != NULL; i++) {
		const struct provider *a = providers_at(file, i);
		const struct provider *b = providers_at(copy, i);

		assert_non_null(b);
		assert_string_equal(a->key, b->key);
		assert_int_equal(a->nports, b->nports);
		assert_int_equal(a->settings.n, b->settings.n);
	}
	assert_null(providers_at(copy, i));
	providers_free(file);
	providers_free(copy);
}

static void
firm_limits_are_in_the_presets(void **state)
{
	static const struct {
		const char *key, *setting;
	} rows[] = {
		{ "gmail", "max_recipients=100" },
		{ "gandi", "max_recipients=40" },
		{ "infomaniak", "max_recipients=10" },
		{ "yandex", "max_recipients=35" },
		{ "postmark", "max_recipients=50" },
		{ "icloud", "max_recipients=500" },
		{ "office365", "max_connections=3" },
	};
	struct providers *ps = load_shipped();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *host;
		const struct provider *p = providers_find(
		    ps, rows[i].key, &host, NULL);

		assert_non_null(p);
		assert_string_equal(p->settings.v[0], rows[i].setting);
		free(host);
	}
	providers_free(ps);
}

static void
a_region_becomes_part_of_the_host(void **state)
{
	struct providers *ps = load_shipped();
	char *host = NULL;

	(void)state;
	assert_non_null(providers_find(ps, "ses:eu-west-1", &host, NULL));
	assert_string_equal(host, "email-smtp.eu-west-1.amazonaws.com");
	free(host);
	providers_free(ps);
}

static void
what_cannot_be_found_is_explained(void **state)
{
	static const struct {
		const char *spec, *why;
	} rows[] = {
		{ "gmial", "did you mean \"gmail\"?" },
		{ "fast mail", "did you mean \"fastmail\"?" },
		{ "nowhere-at-all", "set host instead" },
		{ "ses", "ses needs a region, for example \"ses:eu-west-1\"" },
		{ "ses:", "needs a region" },
		{ "ses:evil.example", "needs a region" },
		{ "gmail:eu", "gmail has no regions" },
		{ "tuta", "no other mail program" },
	};
	struct providers *ps = load_shipped();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *host = NULL;
		struct err err;

		err_clear(&err);
		assert_null(providers_find(ps, rows[i].spec, &host, &err));
		if (strstr(err.text, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].spec, err.text);
	}
	providers_free(ps);
}

static void
own_rows_replace_shipped_ones(void **state)
{
	struct providers *ps = load_shipped();
	const struct provider *p;
	struct files f;
	char *host;

	(void)state;
	files_init(&f);
	assert_int_equal(
	    providers_read(ps,
		files_put(&f, "providers",
		    "# mine\n\ngmail relay.example 2525 S lit:me word "
		    "allow-domain max_per_day=9 # own\n",
		    0644),
		NULL),
	    0);
	p = providers_find(ps, "gmail", &host, NULL);
	assert_non_null(p);
	assert_string_equal(host, "relay.example");
	assert_int_equal(p->nports, 1);
	assert_int_equal(p->ports[0].tls, CONF_TLS_STARTTLS);
	assert_string_equal(p->login_word, "me");
	assert_string_equal(p->settings.v[0], "max_per_day=9");
	free(host);
	files_clear(&f);
	providers_free(ps);
}

static void
a_bad_row_is_named_by_line(void **state)
{
	static const struct {
		const char *row, *why;
	} rows[] = {
		{ "x", "no host" },
		{ "x h", "no port" },
		{ "x h 587", "I or S" },
		{ "x h 587 X addr p force", "I or S" },
		{ "x h 587 S addr p", "expected KEY HOST PORT" },
		{ "x h 587 S addr p all", "\"all\" is not force" },
		{ "x h 587 S addr p force max_size", "is not a limit" },
		{ "x h 587 S addr p force password=x", "is not a limit" },
		{ "x h 587 S addr p force max_per_day=x", "a number" },
		{ "x h 1 S 2 S 3 S 4 S 5 S 6 S 7 S 8 S 9 S addr p force",
		    "at most 8 ports" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct providers *ps = providers_new();
		char *text = xasprintf("# one\n%s\n", rows[i].row);
		struct files f;
		struct err err;

		files_init(&f);
		err_clear(&err);
		assert_int_equal(
		    providers_read(
			ps, files_put(&f, "providers", text, 0644), &err),
		    -1);
		if (strstr(err.text, rows[i].why) == NULL ||
		    strstr(err.text, "line 2 of ") == NULL)
			fail_msg("%s: %s", rows[i].row, err.text);
		files_clear(&f);
		free(text);
		providers_free(ps);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shipped_row_can_be_used_or_says_why_not),
		cmocka_unit_test(the_built_in_copy_is_the_shipped_file),
		cmocka_unit_test(firm_limits_are_in_the_presets),
		cmocka_unit_test(a_region_becomes_part_of_the_host),
		cmocka_unit_test(what_cannot_be_found_is_explained),
		cmocka_unit_test(own_rows_replace_shipped_ones),
		cmocka_unit_test(a_bad_row_is_named_by_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
