/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of this machine in To and Cc, which providers refuse. */
#include "tests/lib/check.h"

#include "fixup/locals.h"
#include "mail/addr.h"

static bool
is_local(void *ctx, const char *addr)
{
	(void)ctx;
	return addr_is_local_name(bytes_of(addr, strlen(addr)), "host.example");
}

/* ops: two; nobody: none; the others: the admin. */
static bool
resolve(void *ctx, const char *addr, struct addr_list *to)
{
	(void)ctx;
	if (strncmp(addr, "nobody", 6) == 0)
		return false;
	addr_list_add(to, "me@example.org");
	if (strncmp(addr, "ops", 3) == 0)
		addr_list_add(to, "you@example.org");
	return true;
}

static const struct locals_opts opts = { is_local, resolve, NULL };

static const struct row {
	const char *in, *out;
} rows[] = {
	{ "To: root\r\n", "To: me@example.org\r\n" },
	{ "To: root@localhost\r\n", "To: me@example.org\r\n" },
	{ "TO:root@host.example\r\n", "To: me@example.org\r\n" },
	{ "To: Charlie Root <root>\r\n",
	    "To: Charlie Root <me@example.org>\r\n" },
	{ "To: root@pve1 (Cron)\r\n", "To: Cron <me@example.org>\r\n" },
	{ "To: \"R, oot\" <root@nas.local>, Bob <bob@example.net>\r\n",
	    "To: \"R, oot\" <me@example.org>, Bob <bob@example.net>\r\n" },
	{ "Cc: ops, root\r\n", "Cc: me@example.org, you@example.org\r\n" },
	{ "To: team: root, b@example.net;\r\n",
	    "To: me@example.org, b@example.net\r\n" },
	{ "To: a@example.net,\r\n\troot\r\n",
	    "To: a@example.net, me@example.org\r\n" },
	{ "To: nobody\r\n", "To: undisclosed-recipients:;\r\n" },
	{ "To: a@example.net\r\nCc: nobody\r\n", "To: a@example.net\r\n" },
	{ "To: nobody, a@example.net\r\n", "To: a@example.net\r\n" },
	{ "Reply-To: root, Bob <bob@example.net>\r\n",
	    "Reply-To: me@example.org, Bob <bob@example.net>\r\n" },
	{ "Reply-To: nobody\r\nTo: a@example.net\r\n",
	    "To: a@example.net\r\n" },
	{ "To: root (=?utf-8?q?J=C3=B6?=)\r\n",
	    "To: =?utf-8?q?J=C3=B6?= <me@example.org>\r\n" },
	{ "To: [Web] <root>, J\xf6 <ops>\r\n",
	    "To: \"[Web]\" <me@example.org>, =?utf-8?q?J=C3=B6?= "
	    "<you@example.org>\r\n" },
	{ "Resent-To: root\r\nResent-Cc: root\r\n",
	    "Resent-To: me@example.org\r\nResent-Cc: me@example.org\r\n" },
	{ "To: root\r\nTo: ops\r\n",
	    "To: me@example.org\r\nTo: me@example.org, you@example.org\r\n" },
	/* What needs nothing stays byte for byte. */
	{ "TO :  A B <a@example.net>,\r\n  team: b@example.net ;\r\n",
	    "TO :  A B <a@example.net>,\r\n  team: b@example.net ;\r\n" },
	{ "From: root\r\nSender: root\r\nSubject: To: root\r\n",
	    "From: root\r\nSender: root\r\nSubject: To: root\r\n" },
	{ "To: undisclosed-recipients:;\r\n",
	    "To: undisclosed-recipients:;\r\n" },
	{ "To:\r\n", "To:\r\n" },
};

static void
local_names_are_replaced_by_who_gets_their_mail(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct header *h = header_new();
		struct buf out;

		header_put(h, rows[i].in, strlen(rows[i].in));
		header_end(h);
		assert_true(locals_repair(h, &opts));
		buf_init(&out, HEADER_MAX);
		assert_true(header_write(h, &out));
		assert_string_equal(buf_str(&out), rows[i].out);
		buf_clear(&out);
		header_free(h);
	}
}

/* The largest field there may be, all of local names. */
static void
many_names_take_linear_time(void **state)
{
	struct header *h = header_new();
	struct buf in, out;

	(void)state;
	buf_init(&in, 102400);
	buf_init(&out, HEADER_MAX);
	assert_true(buf_adds(&in, "To: a@example.net"));
	while (buf_len(&in) < 102400 - 16)
		assert_true(buf_adds(&in, ",\r\n b"));
	header_put(h, buf_str(&in), buf_len(&in));
	header_end(h);
	assert_true(locals_repair(h, &opts));
	assert_true(header_write(h, &out));
	assert_string_equal(
	    buf_str(&out), "To: a@example.net, me@example.org\r\n");
	buf_clear(&in);
	buf_clear(&out);
	header_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    local_names_are_replaced_by_who_gets_their_mail),
		cmocka_unit_test(many_names_take_linear_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
