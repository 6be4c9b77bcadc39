/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include <string.h>

#include "sendmail/sendmail_caller.h"

static const char file[] =
    "# comment:x:7:7:not me:/:/bin/sh\n"
    "root:x:0:0:Root,,,:/root:/bin/bash\n"
    "+nis:x:7:7:nor me:/:/bin/sh\n"
    "-nis:x:7:7:nor me:/:/bin/sh\n"
    "\n"
    "short:x:7\n"
    "toor:x:0:0:second:/root:/bin/sh\n"
    "bad:x:8z:0:bad:/:/bin/sh\n"
    "alice:x:1000:1000:Alice & Co, room 1:/home/a:/bin/sh\n"
    "last:x:4294967294:0::/:/bin/sh";

static void
the_first_line_of_a_uid_names_it(void **state)
{
	static const struct {
		uid_t uid;
		const char *login, *gecos;
	} rows[] = { { 0, "root", "Root,,," }, { 7, "short", "" },
		{ 1000, "alice", "Alice & Co, room 1" },
		{ 4294967294u, "last", "" } };
	struct caller c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(caller_from(&c, bytes_str(file), rows[i].uid));
		assert_string_equal(c.login, rows[i].login);
		assert_string_equal(c.gecos, rows[i].gecos);
	}
	assert_false(caller_from(&c, bytes_str(file), 8));
	assert_false(caller_from(&c, bytes_str(file), 100));
	assert_false(caller_from(&c, bytes_of("", 0), 0));
	assert_string_equal(c.login, "last"); /* untouched */
}

static void
long_names_are_cut(void **state)
{
	struct caller c;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (int i = 0; i < 100; i++)
		assert_true(buf_addc(&b, 'n'));
	assert_true(buf_adds(&b, ":x:5:5:"));
	for (int i = 0; i < 1000; i++)
		assert_true(buf_addc(&b, 'g'));
	assert_true(caller_from(&c, buf_bytes(&b), 5));
	assert_int_equal(strlen(c.login), CALLER_LOGIN_SIZE - 1);
	assert_int_equal(strlen(c.gecos), CALLER_GECOS_SIZE - 1);
	buf_clear(&b);
}

static void
everybody_has_some_name(void **state)
{
	struct caller c;

	(void)state;
	caller_find(&c, 0);
	assert_string_equal(c.login, "root");
	caller_find(&c, 3999999999u);
	assert_string_equal(c.login, "uid3999999999");
	assert_string_equal(c.gecos, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_line_of_a_uid_names_it),
		cmocka_unit_test(long_names_are_cut),
		cmocka_unit_test(everybody_has_some_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
