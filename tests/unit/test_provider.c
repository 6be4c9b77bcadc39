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

static void
a_mailbox_is_recognized_by_its_domain(void **state)
{
	static const struct {
		const char *domain, *key;
	} rows[] = {
		{ "gmail.com", "gmail" },
		{ "GoogleMail.com", "gmail" },
		{ "orange.fr", "orange" },
		{ "wanadoo.fr", "orange" },
		{ "free.fr", "free" },
		{ "aliceadsl.fr", "alice" },
		{ "bbox.fr", "bouygues" },
		{ "laposte.net", "laposte" },
		{ "sfr.fr", "sfr" },
		{ "neuf.fr", "sfr" },
		{ "hotmail.fr", "outlook" },
		{ "msn.com", "outlook" },
		{ "live.fr", "outlook" },
		{ "yahoo.fr", "yahoo" },
		{ "aol.com", "aol" },
		{ "tutanota.com", "tuta" },
		{ "example.org", NULL },
		{ "xgmail.com", NULL },
		{ "mail.gmail.com", NULL },
		{ "", NULL },
	};
	struct providers *ps = load_shipped();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct provider *p = providers_by_domain(
		    ps, rows[i].domain);

		if (rows[i].key == NULL && p == NULL)
			continue;
		if (p == NULL || rows[i].key == NULL ||
		    strcmp(p->key, rows[i].key) != 0)
			fail_msg("%s: %s", rows[i].domain,
			    p != NULL ? p->key : "none");
	}
	providers_free(ps);
}

static void
a_hosted_domain_is_recognized_by_its_mail_server(void **state)
{
	static const struct {
		const char *mx, *key;
	} rows[] = {
		{ "mx00.ionos.de", "ionos-de" },
		{ "mx01.ionos.fr", "ionos" },
		{ "aspmx.l.google.com", "workspace" },
		{ "firm-example.mail.protection.outlook.com", "office365" },
		{ "x.olc.protection.outlook.com", "outlook" },
		{ "mx1.mail.ovh.net", "ovh" },
		{ "spool.mail.gandi.net", "gandi" },
		{ "in1-smtp.MessagingEngine.com", "fastmail" },
		{ "mx.example.com", NULL },
		{ "com", NULL },
		{ "net", NULL },
		{ "notionos.de", NULL },
		{ "", NULL },
	};
	struct providers *ps = load_shipped();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct provider *p = providers_by_mx(ps, rows[i].mx);

		if (rows[i].key == NULL && p == NULL)
			continue;
		if (p == NULL || rows[i].key == NULL ||
		    strcmp(p->key, rows[i].key) != 0)
			fail_msg(
			    "%s: %s", rows[i].mx, p != NULL ? p->key : "none");
	}
	providers_free(ps);
}

static void
the_names_that_people_use_are_aliases(void **state)
{
	static const char *const words[][2] = { { "hotmail", "outlook" },
		{ "live", "outlook" }, { "msn", "outlook" },
		{ "ionos", "ionos" }, { "bbox", "bouygues" },
		{ "Wanadoo", "orange" }, { "googlemail", "gmail" },
		{ "aliceadsl", "alice" } };
	struct providers *ps = load_shipped();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		char *host = NULL;
		const struct provider *p = providers_find(
		    ps, words[i][0], &host, NULL);

		assert_non_null(p);
		assert_string_equal(p->key, words[i][1]);
		free(host);
	}
	providers_free(ps);
}

static void
no_word_leads_to_two_providers(void **state)
{
	struct providers *ps = load_shipped();
	const struct provider *a, *b;

	(void)state;
	for (size_t i = 0; (a = providers_at(ps, i)) != NULL; i++) {
		assert_true(
		    a->page == NULL || strncmp(a->page, "https://", 8) == 0);
		for (size_t k = 0; k < a->domains.n; k++)
			if (providers_by_domain(ps, a->domains.v[k]) != a)
				fail_msg("%s: twice", a->domains.v[k]);
		for (size_t k = 0; k < a->mx.n; k++)
			if (providers_by_mx(ps, a->mx.v[k]) != a)
				fail_msg("%s: twice", a->mx.v[k]);
		for (size_t j = 0; (b = providers_at(ps, j)) != NULL; j++)
			for (size_t k = 0; k < a->aliases.n; k++)
				assert_true(
				    strcmp(a->aliases.v[k], b->key) != 0);
	}
	providers_free(ps);
}

static void
indented_lines_belong_to_the_row_above(void **state)
{
	struct providers *ps = providers_new();
	const struct provider *p;
	struct files f;

	(void)state;
	files_init(&f);
	assert_int_equal(
	    providers_read(ps,
		files_put(&f, "providers",
		    "corp mail.corp.example 465 I addr app-password|oauth:own "
		    "force domains=corp.example,corp.test\n"
		    "\tname=The Company # ours\n"
		    "    domains=a.example b.example\n# x\n"
		    "    page=https://corp.example/#mail\n"
		    "    max_per_day=9\n",
		    0644),
		NULL),
	    0);
	p = providers_by_domain(ps, "B.example");
	assert_non_null(p);
	assert_ptr_equal(p, providers_by_domain(ps, "corp.test"));
	assert_string_equal(p->name, "The Company");
	assert_string_equal(p->page, "https://corp.example/#mail");
	assert_string_equal(p->settings.v[0], "max_per_day=9");
	assert_string_equal(provider_secret_name(p), "app password");
	assert_null(provider_oauth(p, true));
	char *oauth = provider_oauth(p, false);
	assert_string_equal(oauth, "own");
	free(oauth);
	assert_true(provider_matches(p, "compan"));
	assert_false(provider_matches(p, "gmail"));
	files_clear(&f);
	providers_free(ps);
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
		cmocka_unit_test(a_mailbox_is_recognized_by_its_domain),
		cmocka_unit_test(
		    a_hosted_domain_is_recognized_by_its_mail_server),
		cmocka_unit_test(the_names_that_people_use_are_aliases),
		cmocka_unit_test(no_word_leads_to_two_providers),
		cmocka_unit_test(indented_lines_belong_to_the_row_above),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
