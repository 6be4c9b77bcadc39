/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R14: a display name that goes into a field again means only itself. */
#include "tests/lib/check.h"

#include "mail/mailbox.h"

static const struct {
	const char *in, *out;
} rows[] = {
	{ "root", "me@example.org" },
	{ "\"\" <root>", "\"\" <me@example.org>" },
	/* as it was written */
	{ "Cron Daemon <root>", "Cron Daemon <me@example.org>" },
	{ "\"D, E.\" <root>", "\"D, E.\" <me@example.org>" },
	{ "\"a \\\" b\" <root>", "\"a \\\" b\" <me@example.org>" },
	{ "J. R. <root>", "J. R. <me@example.org>" },
	{ "=?utf-8?q?J=C3=B6?= =?utf-8?q?X?= <root>",
	    "=?utf-8?q?J=C3=B6?= =?utf-8?q?X?= <me@example.org>" },
	/* comments */
	{ "root (Cron Daemon)", "Cron Daemon <me@example.org>" },
	{ "root (Cron, daily)", "\"Cron, daily\" <me@example.org>" },
	{ "root (=?utf-8?q?J=C3=B6?=)",
	    "=?utf-8?q?J=C3=B6?= <me@example.org>" },
	{ "root ( =?utf-8?q?J=C3=B6?= (x) )",
	    "=?utf-8?q?J=C3=B6_=28x=29?= <me@example.org>" },
	{ "root (\xc3\xb6)", "=?utf-8?q?=C3=B6?= <me@example.org>" },
	/* made fit */
	{ "[Web] <root>", "\"[Web]\" <me@example.org>" },
	{ ".Web <root>", "\".Web\" <me@example.org>" },
	{ "a@b <root>", "\"a@b\" <me@example.org>" },
	{ "J\xc3\xb6 \"K.\" <root>",
	    "=?utf-8?q?J=C3=B6_K=2E?= <me@example.org>" },
	{ "\"x\\\"y\" =?utf-8?q?J=C3=B6rg?= M\xc3\xbcller <root>",
	    "=?utf-8?q?x=22y_J=C3=B6rg_M=C3=BCller?= <me@example.org>" },
	/* folded with a tab: words are not encoded again */
	{ "\"x\\\"y\"\t=?utf-8?q?J=C3=B6rg?= <root>",
	    "\"x\\\"y\"\t=?utf-8?q?J=C3=B6rg?= <me@example.org>" },
	{ "[x]\t=?utf-8?q?J=C3=B6rg?= <root>",
	    "=?utf-8?q?=5Bx=5D_J=C3=B6rg?= <me@example.org>" },
	{ "J\xf6rg <root>", "=?utf-8?q?J=C3=B6rg?= <me@example.org>" },
	{ "\"a\x01\x7f z\" <root>", "a   z <me@example.org>" },
};

/* Whatever a reader takes for an address, he finds the account's. */
static void
an_author_is_plain_or_made_so(void **state)
{
	static const struct {
		const char *in;
		bool is_plain;
		const char *out;
	} authors[] = {
		{ "me@x", true, "me@x" },
		{ "Joe <me@x>", true, "Joe <me@x>" },
		{ "\"Doe, J.\" <me@x> (x)", true, "\"Doe, J.\" <me@x>" },
		{ "\"me@x\" <me@x>", true, "\"me@x\" <me@x>" },
		{ "=?koi8-r?q?=C1=C2?= <me@x>", true,
		    "=?koi8-r?q?=C1=C2?= <me@x>" },
		{ "\"boss@corp\" <me@x>", false, "boss at corp <me@x>" },
		{ "boss@corp <me@x>", false, "boss at corp <me@x>" },
		{ "=?utf-8?q?boss=40corp?= <me@x>", false,
		    "boss at corp <me@x>" },
		{ "\"=?utf-8?b?Ym9zc0Bjb3Jw?=\" <me@x>", false,
		    "boss at corp <me@x>" },
		{ "=?utf-8?q?=3Cboss=40corp=3E?= <me@x>", false,
		    "boss at corp <me@x>" },
		{ "=?utf-7?q?boss+AEA-corp?= <me@x>", false, "me@x" },
		{ "=?koi8-r?q?=C1@corp?= <me@x>", false, "me@x" },
		{ "me@x (boss@corp)", false, "boss at corp <me@x>" },
		{ "(boss@corp) me@x (z)", false, "z <me@x>" },
		{ "\"<boss>\" <me@x>", false, "boss <me@x>" },
		/* a word without its end, which some read on */
		{ "=?utf-8?q?=22boss=22 <me@x>", true,
		    "=?utf-8?q?=3D=3Futf-8=3Fq=3F=3D22boss=3D22?= <me@x>" },
		{ "\"me@x\" <me@x> (boss@corp)", false, "\"me@x\" <me@x>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(authors); i++) {
		struct bytes in = bytes_str(authors[i].in);
		struct addr_list l;
		struct buf out;

		addr_list_parse(&l, in);
		assert_int_equal(l.n, 1);
		if (mailbox_is_plain(&l.items[0], in) != authors[i].is_plain)
			fail_msg("%s", authors[i].in);
		buf_init(&out, 1000);
		assert_true(
		    mailbox_add_plain(&out, &l.items[0], bytes_of("me@x", 4)));
		assert_string_equal(buf_str(&out), authors[i].out);
		buf_clear(&out);
		addr_list_clear(&l);
	}
}

static void
the_name_stays_and_the_address_is_ours(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr_list l;
		struct buf out;

		addr_list_parse(&l, bytes_str(rows[i].in));
		assert_int_equal(l.n, 1);
		buf_init(&out, 1000);
		assert_true(mailbox_add(
		    &out, &l.items[0], bytes_of("me@example.org", 14)));
		assert_string_equal(buf_str(&out), rows[i].out);
		buf_clear(&out);
		addr_list_clear(&l);
	}
}

static void
a_full_buffer_is_told(void **state)
{
	struct addr_list l;

	(void)state;
	for (size_t room = 0; room < 22; room++) {
		struct buf out;

		addr_list_parse(&l, bytes_of("Cron D <x>", 10));
		buf_init(&out, room);
		assert_false(mailbox_add(
		    &out, &l.items[0], bytes_of("me@example.org", 14)));
		buf_clear(&out);
		addr_list_clear(&l);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_author_is_plain_or_made_so),
		cmocka_unit_test(the_name_stays_and_the_address_is_ours),
		cmocka_unit_test(a_full_buffer_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
