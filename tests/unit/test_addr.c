/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R8: no envelope address can become a second command; RFC 5321 4.1.2. */
#include "tests/lib/check.h"

#include "base/str.h"
#include "mail/addr.h"

static struct bytes
b(const char *s)
{
	return bytes_str(s);
}

static void
no_control_byte_is_safe_anywhere(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		for (size_t at = 0; at < 7; at++) {
			char addr[] = "abc@def";
			bool is_control = c < 0x20 || c == 0x7f;

			addr[at] = (char)c;
			if (is_control)
				assert_false(addr_is_safe(bytes_of(addr, 7)));
		}
	}
	for (unsigned c = 0; c < 0x20; c++) {
		char addr[] = "\"a b\"@def";

		addr[2] = (char)c;
		assert_false(addr_is_safe(bytes_of(addr, 9)));
	}
}

static void
what_would_leave_the_angle_brackets_is_not_safe(void **state)
{
	static const char *const bad[] = { "a@b> NOTIFY=NEVER", "a b@c",
		"<a@b>", "a@b>", "\"a@b", "a@b\"", "a\\@b", "\"a\\\"@b",
		"a@b\xff", "\xc3@b", "\"a\"b\" c\"@d e" };
	static const char *const good[] = { "", "root", "a@b", "\"a b\"@c",
		"\"a>b\"@c", "\"a\\\"b\"@c", "j\xc3\xb6rg@b\xc3\xbc.example",
		"a@[192.0.2.1]", "!#$%&'*+-/=?^_`{|}~@x" };
	char longest[ADDR_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(addr_is_safe(b(bad[i])));
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(addr_is_safe(b(good[i])));
	memset(longest, 'x', sizeof(longest));
	assert_true(addr_is_safe(bytes_of(longest, ADDR_MAX)));
	assert_false(addr_is_safe(bytes_of(longest, ADDR_MAX + 1)));
}

static void
a_mailbox_has_a_local_part_and_a_domain(void **state)
{
	static const char *const bad[] = { "", "root", "@b", "a@", "a@b..c",
		"a@.b", "a@b c", "\"a\"b@c", "a\"b\"@c", "a,b@c", "a@b/c",
		"a@[", "a@[]", "a@[1.2.3.4", "(a)@b", "a@b@c" };
	static const char *const good[] = { "a@b", "a.b@c.d", ".a..b.@c",
		"\"\"@c", "\"a@b\"@c", "a@b.", "a@[192.0.2.1]",
		"a@[IPv6:2001:db8::1]", "a+b@c_d.e", "\xc3\xb6@\xc3\xb6.de" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (addr_is_mailbox(b(bad[i])))
			fail_msg("taken: %s", bad[i]);
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!addr_is_mailbox(b(good[i])))
			fail_msg("not taken: %s", good[i]);
}

static void
the_domain_is_what_follows_the_last_at_outside_quotes(void **state)
{
	static const struct {
		const char *addr, *local, *domain;
	} rows[] = {
		{ "a@b", "a", "b" },
		{ "\"a@b\"@c", "\"a@b\"", "c" },
		{ "\"a\\\"@b\"@c", "\"a\\\"@b\"", "c" },
		{ "root", "root", "" },
		{ "\"a@b\"", "\"a@b\"", "" },
		{ "", "", "" },
		{ "a@", "a", "" },
	};
	struct bytes local, domain;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool has = addr_split(b(rows[i].addr), &local, &domain);

		assert_true(bytes_eq(local, rows[i].local));
		assert_true(bytes_eq(domain, rows[i].domain));
		assert_int_equal(has, local.n < strlen(rows[i].addr));
	}
}

static void
domains_differ_by_more_than_case_local_parts_by_case(void **state)
{
	(void)state;
	assert_true(addr_eq(b("a@Example.ORG"), b("a@example.org.")));
	assert_true(addr_eq(b("\"a\"@b"), b("a@b")));
	assert_true(addr_eq(b("\"a\\b\"@c"), b("ab@c")));
	assert_true(addr_eq(b(""), b("")));
	assert_false(addr_eq(b("A@example.org"), b("a@example.org")));
	assert_false(addr_eq(b("a@b"), b("a")));
	assert_false(addr_eq(b("a@b"), b("ab@b")));
	assert_false(addr_eq(b("a@b"), b("a@bc")));
	assert_false(addr_eq(b(""), b("a")));
}

/* Two addresses have the same key exactly if they are equal. */
static void
the_key_of_an_address_is_that_of_its_mailbox(void **state)
{
	static const char *const addrs[] = { "", "a", "a@b", "A@b", "a@B",
		"a@b.", "\"a\"@b", "\"\\a\"@b", "ab@b", "a@bb", "\"a@b\"",
		"\"a@b\"@c", "a@b@c", "aa", "\"a b\"@c", "ab@c" };
	struct buf x, y;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(addrs); i++)
		for (size_t k = 0; k < ARRAY_LEN(addrs); k++) {
			buf_init(&x, 100);
			buf_init(&y, 100);
			assert_true(addr_add_key(&x, b(addrs[i])));
			assert_true(addr_add_key(&y, b(addrs[k])));
			assert_int_equal(strcmp(buf_str(&x), buf_str(&y)) == 0,
			    addr_eq(b(addrs[i]), b(addrs[k])));
			buf_clear(&x);
			buf_clear(&y);
		}
}

static void
local_names_are_those_no_provider_can_deliver(void **state)
{
	static const char *const local[] = { "root", "root@", "root@localhost",
		"root@LocalHost.LocalDomain", "root@nas", "root@nas.local",
		"root@a.b.LAN", "root@pve1.example.org",
		"root@PVE1.example.org.", "root@[127.0.0.1]", "root@[IPv6:::1]",
		"root@fritz.home.arpa", "\"a b\"@localhost" };
	static const char *const remote[] = { "", "a@example.org",
		"a@local.example.org", "a@notlocal.org", "a@xlan.de",
		"a@[192.0.2.1]", "a@sub.pve1.example.org", "a@example.land",
		"a@mylocal.x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(local); i++)
		if (!addr_is_local_name(b(local[i]), "pve1.example.org"))
			fail_msg("not local: %s", local[i]);
	for (size_t i = 0; i < ARRAY_LEN(remote); i++)
		if (addr_is_local_name(b(remote[i]), "pve1.example.org"))
			fail_msg("local: %s", remote[i]);
	assert_false(addr_is_local_name(b("a@example.org"), NULL));
}

static void
public_domains_are_names_with_a_dot(void **state)
{
	static const char *const public[] = { "example.org", "a.b.c.",
		"b\xc3\xbc"
		"cher.example",
		"1.2.3.x4" };
	static const char *const private[] = { "", ".", "localhost",
		"localhost.localdomain", "nas.local", "x.lan", "nas",
		"10.0.0.1", "[192.0.2.1]", "a..b", "a b.c", "x.home.arpa",
		"12345" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(public); i++)
		assert_true(addr_domain_is_public(b(public[i])));
	for (size_t i = 0; i < ARRAY_LEN(private); i++)
		if (addr_domain_is_public(b(private[i])))
			fail_msg("public: %s", private[i]);
}

static void
a_tag_comes_off_the_user(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "me+tag@example.org", "me@example.org" },
		{ "me+a+b@example.org", "me@example.org" },
		{ "me@example.org", NULL },
		{ "+tag@example.org", NULL },
		{ "me+tag", NULL },
		{ "\"me+tag\"@example.org", NULL },
		{ "me@ex+ample.org", NULL },
		{ "", NULL },
	};
	char out[ADDR_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool has = addr_without_tag(cases[i].in, out);

		assert_int_equal(has, cases[i].out != NULL);
		if (has)
			assert_string_equal(out, cases[i].out);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_of_an_address_is_that_of_its_mailbox),
		cmocka_unit_test(no_control_byte_is_safe_anywhere),
		cmocka_unit_test(
		    what_would_leave_the_angle_brackets_is_not_safe),
		cmocka_unit_test(a_mailbox_has_a_local_part_and_a_domain),
		cmocka_unit_test(
		    the_domain_is_what_follows_the_last_at_outside_quotes),
		cmocka_unit_test(
		    domains_differ_by_more_than_case_local_parts_by_case),
		cmocka_unit_test(local_names_are_those_no_provider_can_deliver),
		cmocka_unit_test(public_domains_are_names_with_a_dot),
		cmocka_unit_test(a_tag_comes_off_the_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
