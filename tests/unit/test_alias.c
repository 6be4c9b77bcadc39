/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The aliases file: what it may say, and where mail for local names goes. */
#include "tests/lib/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/alias.h"
#include "conf/conf.h"
#include "tests/lib/temp.h"

static const char file[] = "/etc/aliases";

static const char text[] = "# comment\n"
			   "postmaster: root\n"
			   "ROOT: me@example.org, ops@example.org # both\n"
			   "www: www-data\n"
			   "\n"
			   "www-data: shop@example.org,\n"
			   "\t# in between\n"
			   "  web\n"
			   "web: root\n"
			   "loop: pool\n"
			   "pool: loop, self@example.org\n"
			   "me-too: me-too\n"
			   "backup@nas.lan: nas@example.org\n"
			   "boss@example.com: chief@example.org\n"
			   "\"odd name\": odd@example.org\n"
			   "literal: \\root\n"
			   "empty:\n"
			   "default: rest@example.org\n";

static struct aliases *
parse(const char *s, struct conf_problems *p)
{
	return alias_parse(file, bytes_str(s), p);
}

/* Blank separated; "-" if nobody. */
static void
check(const struct aliases *a, const struct alias_opts *o, const char *addr,
    const char *want)
{
	struct addr_list to = { 0 };
	struct buf b;

	buf_init(&b, 4096);
	if (!alias_resolve(a, o, addr, &to)) {
		assert_int_equal(to.n, 0);
		assert_true(buf_adds(&b, "-"));
	}
	for (size_t i = 0; i < to.n; i++)
		assert_true(
		    buf_addf(&b, i > 0 ? " %s" : "%s", to.items[i].addr));
	assert_string_equal(buf_str(&b), want);
	buf_clear(&b);
	addr_list_clear(&to);
}

static const struct {
	const char *addr, *to;
} rows[] = {
	{ "root", "me@example.org ops@example.org" },
	{ "Root", "me@example.org ops@example.org" },
	{ "root@localhost", "me@example.org ops@example.org" },
	{ "root@pve1", "me@example.org ops@example.org" },
	{ "root@pve1.lan", "me@example.org ops@example.org" },
	{ "root@host.example.net", "me@example.org ops@example.org" },
	{ "root+cron", "me@example.org ops@example.org" },
	{ "\"root\"@localhost", "me@example.org ops@example.org" },
	{ "postmaster", "me@example.org ops@example.org" },
	{ "www", "shop@example.org me@example.org ops@example.org" },
	{ "www-data", "shop@example.org me@example.org ops@example.org" },
	{ "loop", "self@example.org" },
	{ "me-too", "admin@example.org" },
	{ "empty", "admin@example.org" },
	{ "backup@nas.lan", "nas@example.org" },
	{ "backup", "rest@example.org" },
	{ "nobody", "rest@example.org" },
	{ "\"odd name\"", "odd@example.org" },
	{ "literal", "me@example.org ops@example.org" },
	/* Not of this machine. */
	{ "joe@example.org", "joe@example.org" },
	{ "root@example.org", "root@example.org" },
	{ "root@nothost.example.net", "root@nothost.example.net" },
	/* Named in the file all the same. */
	{ "boss@example.com", "chief@example.org" },
};

static void
names_lead_to_addresses(void **state)
{
	static const struct alias_opts o = { { "host.example.net", NULL },
		"admin@example.org" };
	struct conf_problems p = { 0 };
	struct aliases *a = parse(text, &p);

	(void)state;
	assert_int_equal(p.n, 0);
	assert_int_equal(alias_count(a), 14);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(a, &o, rows[i].addr, rows[i].to);
	alias_free(a);
}

static void
without_an_alias_the_admin_gets_it_and_without_an_admin_nobody(void **state)
{
	static const struct alias_opts o = { { NULL, NULL }, "me@example.org" };
	static const struct alias_opts none = { { NULL, NULL }, NULL };
	struct conf_problems p = { 0 };
	struct aliases *a = parse("bob: bob@example.org, joe", &p);

	(void)state;
	check(a, &o, "root", "me@example.org");
	check(a, &o, "bob", "bob@example.org me@example.org");
	check(a, &none, "root", "-");
	check(a, &none, "joe", "-");
	check(a, &none, "bob", "bob@example.org");
	check(a, &none, "x@example.org", "x@example.org");
	alias_free(a);
}

static void
every_problem_is_told_with_its_line_and_the_rest_stays(void **state)
{
	static const struct {
		int line;
		const char *part;
	} want[] = {
		{ 1, "continues" },
		{ 2, "a program" },
		{ 3, "a program" },
		{ 4, "a file" },
		{ 4, ":include:" },
		{ 5, "name: target" },
		{ 7, "not a valid address" },
		{ 8, "\\x1b" },
		{ 10, ":blackhole:" },
		{ 11, "a file" },
		{ 9, "already defined on line 2" },
	};
	struct conf_problems p = { 0 };
	struct aliases *a = parse(" joe\n"
				  "a: |/bin/x, a@example.org\n"
				  "b: \"| /bin/x -a, b\"\n"
				  "c: /var/mail/c, :include:/etc/list\n"
				  "no colon\n"
				  "d: d@example.org,\n"
				  "   bad@@example..org\n"
				  "e: \x1b[2J\n"
				  "A: again@example.org\n"
				  "f: :blackhole:, f@example.org\r\n"
				  "g: \"/dev/null\"\n",
	    &p);
	static const struct alias_opts o = { { NULL, NULL }, "z@example.org" };

	(void)state;
	assert_int_equal(p.n, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_int_equal(p.v[i].line, want[i].line);
		assert_string_equal(p.v[i].file, file);
		assert_non_null(strstr(p.v[i].text, want[i].part));
		assert_non_null(strstr(p.v[i].text, file));
	}
	check(a, &o, "a", "a@example.org");
	check(a, &o, "b", "z@example.org");
	check(a, &o, "d", "d@example.org");
	check(a, &o, "f", "f@example.org");
	conf_problems_clear(&p);
	alias_free(a);
}

/* Each name leads to the next, and back. */
static void
a_long_chain_neither_recurses_nor_runs_for_ever(void **state)
{
	enum { LINKS = (ALIAS_TARGETS_MAX - 1) / 2 };
	static const struct alias_opts o = { { NULL, NULL }, NULL };
	struct conf_problems p = { 0 };
	struct aliases *a;
	struct buf b;

	(void)state;
	buf_init(&b, 4 * 1024 * 1024);
	for (int i = 0; i < LINKS; i++)
		assert_true(buf_addf(&b, "n%d: n%d, n0\n", i, i + 1));
	assert_true(buf_addf(&b, "n%d: end@example.org\n", LINKS));
	a = parse(buf_str(&b), &p);
	check(a, &o, "n0", "end@example.org");
	alias_free(a);
	buf_clear(&b);
}

/* What could stop the loop for a second is told when the file is read; nobody
 * gets mail for a list that is only a part of one. */
static void
an_entry_beyond_the_targets_of_a_file_is_told_and_ignored(void **state)
{
	static const struct alias_opts o = { { NULL, NULL }, "z@example.org" };
	struct conf_problems p = { 0 };
	struct addr_list to = { 0 };
	struct aliases *a;
	struct buf b;

	(void)state;
	buf_init(&b, 4 * 1024 * 1024);
	assert_true(buf_adds(&b, "one: a@x.example\nall: b@x.example"));
	for (int i = 2; i < ALIAS_TARGETS_MAX; i++)
		assert_true(buf_addf(&b, ",\n t%d@x.example", i));
	assert_true(
	    buf_adds(&b, "\nmore: c@x.example,\n d@x.example\nempty:\n"));
	a = parse(buf_str(&b), &p);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.v[0].line, ALIAS_TARGETS_MAX + 1);
	assert_non_null(strstr(p.v[0].text, "more"));
	assert_non_null(strstr(p.v[0].text, "too many targets"));
	check(a, &o, "more", "z@example.org");
	assert_true(alias_resolve(a, &o, "all", &to));
	assert_int_equal(to.n, ALIAS_TARGETS_MAX - 1);
	addr_list_clear(&to);
	conf_problems_clear(&p);
	alias_free(a);
	/* Of an entry that goes beyond, nothing is left. */
	assert_true(buf_adds(&b, "all2: a@x.example"));
	a = parse(strstr(buf_str(&b), "\nall:") + 1, &p);
	check(a, &o, "more", "z@example.org");
	check(a, &o, "all2", "z@example.org");
	alias_free(a);
	conf_problems_clear(&p);
	buf_clear(&b);
}

static void
a_host_name_that_has_mailboxes_elsewhere_is_not_local(void **state)
{
	struct conf_account account = { .address = NULL,
		.user = (char *)(uintptr_t) "me@example.org" };
	struct conf c = {
		.host_found = (char *)(uintptr_t) "example.org",
		.host_machine = (char *)(uintptr_t) "pve1.example.net",
		.admin = (char *)(uintptr_t) "me@example.com",
		.accounts = &account,
		.naccounts = 1,
	};
	struct alias_opts o = alias_opts_of(&c);

	(void)state;
	assert_false(alias_is_local(&o, "colleague@example.org"));
	assert_true(alias_is_local(&o, "root@pve1.example.net"));
	c.host_found = (char *)(uintptr_t) "Example.COM";
	o = alias_opts_of(&c);
	assert_false(alias_is_local(&o, "colleague@example.com"));
}

static void
a_file_that_changed_is_stale(void **state)
{
	char dir[64], path[80];
	int fd;
	struct conf_problems p = { 0 };
	struct aliases *a;

	(void)state;
	temp_dir(dir, sizeof(dir), "relais-alias");
	(void)snprintf(path, sizeof(path), "%s/aliases", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a: b@example.org\n", 17), 17);
	a = alias_load(path, &p);
	assert_int_equal(p.n, 0);
	assert_int_equal(alias_count(a), 1);
	assert_false(alias_is_stale(a));
	assert_int_equal(write(fd, "c: d@example.org\n", 17), 17);
	assert_true(alias_is_stale(a));
	alias_free(a);
	a = alias_load(path, &p);
	assert_int_equal(alias_count(a), 2);
	assert_int_equal(unlink(path), 0);
	assert_true(alias_is_stale(a));
	alias_free(a);
	assert_int_equal(close(fd), 0);
	assert_int_equal(rmdir(dir), 0);

	a = alias_load(path, &p);
	assert_int_equal(p.n, 1);
	assert_non_null(strstr(p.v[0].text, path));
	assert_false(alias_is_stale(a));
	alias_free(a);
	conf_problems_clear(&p);
}

/* One list for all names of a message: an entry that was gone through already
 * adds nothing, a name that leads nowhere is told each time. */
static void
an_entry_is_gone_through_once_for_a_list(void **state)
{
	static const char lines[] =
	    "ops: a@example.org, web\nweb: b@example.org\n"
	    "loop: pool\npool: loop\n";
	struct conf_problems problems = { 0 };
	struct aliases *a = alias_parse("aliases", bytes_str(lines), &problems);
	struct alias_opts o = { .admin = NULL };
	struct addr_list to = { 0 };

	(void)state;
	assert_true(alias_resolve(a, &o, "ops", &to));
	assert_true(addr_list_is_marked(&to, "ops"));
	assert_false(addr_list_is_marked(&to, "web"));
	assert_int_equal(to.n, 2);
	assert_true(alias_resolve(a, &o, "ops+x", &to));
	assert_true(alias_resolve(a, &o, "OPS@localhost", &to));
	assert_true(alias_resolve(a, &o, "web", &to));
	assert_true(alias_resolve(a, &o, "a@example.org", &to));
	assert_int_equal(to.n, 2);
	assert_false(alias_resolve(a, &o, "loop", &to));
	assert_false(alias_resolve(a, &o, "loop", &to));
	assert_false(alias_resolve(a, &o, "pool", &to));
	assert_int_equal(to.n, 2);
	addr_list_clear(&to);
	conf_problems_clear(&problems);
	alias_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_is_gone_through_once_for_a_list),
		cmocka_unit_test(names_lead_to_addresses),
		cmocka_unit_test(
		    without_an_alias_the_admin_gets_it_and_without_an_admin_nobody),
		cmocka_unit_test(
		    every_problem_is_told_with_its_line_and_the_rest_stays),
		cmocka_unit_test(
		    a_long_chain_neither_recurses_nor_runs_for_ever),
		cmocka_unit_test(
		    an_entry_beyond_the_targets_of_a_file_is_told_and_ignored),
		cmocka_unit_test(
		    a_host_name_that_has_mailboxes_elsewhere_is_not_local),
		cmocka_unit_test(a_file_that_changed_is_stale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
