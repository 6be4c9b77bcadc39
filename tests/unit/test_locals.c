/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of this machine in To and Cc, which providers refuse. */
#include "tests/lib/check.h"

#include "mail/addr.h"
#include "rewrite/locals.h"
#include "rewrite/notes.h"

static bool
is_local(void *ctx, const char *addr)
{
	(void)ctx;
	return addr_is_local_name(bytes_str(addr), "host.example");
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

/* Those of this machine have a small letter. */
static bool
is_name(void *ctx, const char *word)
{
	(void)ctx;
	return word[0] >= 'a' && word[0] <= 'z';
}

static const struct locals_opts opts = { is_local, resolve, is_name, NULL };

static const struct row {
	const char *in, *out;
	unsigned notes;
} rows[] = {
	{ "To: root\r\n", "To: me@example.org\r\n", 0 },
	{ "To: root@localhost\r\n", "To: me@example.org\r\n", 0 },
	{ "TO:root@host.example\r\n", "To: me@example.org\r\n", 0 },
	{ "To: Charlie Root <root>\r\n",
	    "To: Charlie Root <me@example.org>\r\n", 0 },
	{ "To: root@pve1 (Cron)\r\n", "To: Cron <me@example.org>\r\n", 0 },
	{ "To: \"R, oot\" <root@nas.local>, Bob <bob@example.net>\r\n",
	    "To: \"R, oot\" <me@example.org>, Bob <bob@example.net>\r\n", 0 },
	{ "Cc: ops, root\r\n", "Cc: me@example.org, you@example.org\r\n", 0 },
	/* a comma in a name */
	{ "To: Smith, John <j@example.net>\r\n",
	    "To: \"Smith, John\" <j@example.net>\r\n", NOTE_BIT(NOTE_COMMA) },
	{ "Cc: Dr. Smith, John <j@example.net>, root\r\n",
	    "Cc: \"Dr. Smith, John\" <j@example.net>, me@example.org\r\n",
	    NOTE_BIT(NOTE_COMMA) },
	{ "From: Smith, John <j@example.net>\r\n",
	    "From: \"Smith, John\" <j@example.net>\r\n", NOTE_BIT(NOTE_COMMA) },
	{ "Reply-To: =?utf-8?q?M=C3=BC?=, J <j@example.net>\r\n",
	    "Reply-To: =?utf-8?q?M=C3=BC=2C_J?= <j@example.net>\r\n",
	    NOTE_BIT(NOTE_COMMA) },
	{ "To: root, John <j@example.net>\r\n",
	    "To: me@example.org, John <j@example.net>\r\n", 0 },
	{ "To: Smith, j@example.net\r\n", "To: j@example.net\r\n",
	    NOTE_BIT(NOTE_STRANGER) },
	/* The admin gets its mail, and is nobody's to see. */
	{ "To: Smith\r\n", "To: undisclosed-recipients:;\r\n",
	    NOTE_BIT(NOTE_STRANGER) },
	{ "To: \"no address\"\r\nReply-To: John <Smith>\r\n",
	    "To: undisclosed-recipients:;\r\n", NOTE_BIT(NOTE_STRANGER) },
	{ "Cc: Smith\r\nTo: root\r\n", "To: me@example.org\r\n",
	    NOTE_BIT(NOTE_STRANGER) },
	{ "To: root, bob[@y, j@example.net\r\n",
	    "To: me@example.org, j@example.net\r\n", NOTE_BIT(NOTE_BAD) },
	/* nobody */
	{ "To: Undisclosed-Recipients\r\n", "To: undisclosed-recipients:;\r\n",
	    NOTE_BIT(NOTE_NOBODY) },
	{ "To: undisclosed-recipients;;\r\n",
	    "To: undisclosed-recipients:;\r\n", NOTE_BIT(NOTE_NOBODY) },
	{ "To: undisclosed recipients:\r\n", "To: undisclosed-recipients:;\r\n",
	    NOTE_BIT(NOTE_NOBODY) },
	{ "Cc: Undisclosed recipients\r\nTo: j@example.net\r\n",
	    "To: j@example.net\r\n", NOTE_BIT(NOTE_NOBODY) },
	{ "Cc: Undisclosed-recipients:;\r\n",
	    "Cc: Undisclosed-recipients:;\r\n", 0 },
	/* other fields */
	{ "Errors-To: root\r\n", "Errors-To: me@example.org\r\n", 0 },
	{ "Return-receipt-to: root@localhost\r\n",
	    "Return-Receipt-To: me@example.org\r\n", 0 },
	{ "Disposition-Notification-To: Root <root>\r\n",
	    "Disposition-Notification-To: Root <me@example.org>\r\n", 0 },
	{ "Mail-Followup-To: ops, j@example.net\r\n",
	    "Mail-Followup-To: me@example.org, you@example.org, "
	    "j@example.net\r\n",
	    0 },
	{ "Mail-Reply-To: nobody\r\nTo: j@example.net\r\n",
	    "To: j@example.net\r\n", 0 },
	{ "Delivered-To: root@host.example\r\nX-Original-To: root\r\n"
	  "Delivered-To: j@example.net\r\n",
	    "Delivered-To: j@example.net\r\n", 0 },
	/* obsolete forms */
	{ "To: a.\"b\".c@d.example\r\n", "To: a.b.c@d.example\r\n", 0 },
	{ "From: J <@r.example:j@d.example>\r\n", "From: J <j@d.example>\r\n",
	    0 },
	{ "Sender: j @ d . example.\r\n", "Sender: j@d.example\r\n", 0 },
	{ "To: a@x.example; b@y.example\r\n",
	    "To: a@x.example, b@y.example\r\n", 0 },
	{ "To: , a@x.example,, <>, b@y.example,\r\n",
	    "To: a@x.example, b@y.example\r\n", 0 },
	{ "To: Joe <>, Ann <a@x.example>\r\nCc: Joe <>\r\n",
	    "To: Ann <a@x.example>\r\n", NOTE_BIT(NOTE_EMPTY) },
	{ "From: J <j@d.example>, \r\n", "From: J <j@d.example>\r\n", 0 },
	{ "From: boss@corp.example <j@d.example>\r\n",
	    "From: \"boss@corp.example\" <j@d.example>\r\n", 0 },
	{ "From: A;B <j@d.example>\r\n", "From: \"A, B\" <j@d.example>\r\n",
	    NOTE_BIT(NOTE_COMMA) },
	{ "To: A;B\r\nCc: a;b\r\n",
	    "To: undisclosed-recipients:;\r\nCc: me@example.org\r\n",
	    NOTE_BIT(NOTE_STRANGER) },
	/* no address, and as an encoded word none either */
	{ "To: j)@d.\xc2\xa0x\r\nCc: j)@d.\xe9\r\nReply-To: j)@d.example\r\n",
	    "To: undisclosed-recipients:;\r\nReply-To: j)@d.example\r\n",
	    NOTE_BIT(NOTE_BAD) | NOTE_BIT(NOTE_EMPTY) },
	/* names that only some readers understand */
	{ "To: Joe [x] <a@x.example>, .Ann <b@y.example>\r\n",
	    "To: \"Joe [x]\" <a@x.example>, \".Ann\" <b@y.example>\r\n", 0 },
	{ "Cc: >Joe <a@x.example>\r\nFrom: @Joe <j@d.example>\r\n",
	    "Cc: Joe <a@x.example>\r\nFrom: \"@Joe\" <j@d.example>\r\n", 0 },
	{ "To: Te\"am: a@x.example;\r\n", "To: a@x.example\r\n", 0 },
	{ "To: team: root, b@example.net;\r\n",
	    "To: me@example.org, b@example.net\r\n", 0 },
	{ "To: a@example.net,\r\n\troot\r\n",
	    "To: a@example.net, me@example.org\r\n", 0 },
	{ "To: nobody\r\n", "To: undisclosed-recipients:;\r\n", 0 },
	{ "To: a@example.net\r\nCc: nobody\r\n", "To: a@example.net\r\n", 0 },
	{ "To: nobody, a@example.net\r\n", "To: a@example.net\r\n", 0 },
	{ "Reply-To: root, Bob <bob@example.net>\r\n",
	    "Reply-To: me@example.org, Bob <bob@example.net>\r\n", 0 },
	{ "Reply-To: nobody\r\nTo: a@example.net\r\n", "To: a@example.net\r\n",
	    0 },
	{ "To: root (=?utf-8?q?J=C3=B6?=)\r\n",
	    "To: =?utf-8?q?J=C3=B6?= <me@example.org>\r\n", 0 },
	{ "To: [Web] <root>, J\xf6 <ops>\r\n",
	    "To: \"[Web]\" <me@example.org>, =?utf-8?q?J=C3=B6?= "
	    "<you@example.org>\r\n",
	    0 },
	{ "Resent-To: root\r\nResent-Cc: root\r\n",
	    "Resent-To: me@example.org\r\nResent-Cc: me@example.org\r\n", 0 },
	{ "To: root\r\nTo: ops\r\n",
	    "To: me@example.org\r\nTo: me@example.org, you@example.org\r\n",
	    0 },
	/* What needs nothing stays byte for byte. */
	{ "TO :  A B <a@example.net>,\r\n  team: b@example.net ;\r\n",
	    "TO :  A B <a@example.net>,\r\n  team: b@example.net ;\r\n", 0 },
	{ "From: root\r\nSender: root\r\nSubject: To: root\r\n",
	    "From: root\r\nSender: root\r\nSubject: To: root\r\n", 0 },
	{ "To: undisclosed-recipients:;\r\n",
	    "To: undisclosed-recipients:;\r\n", 0 },
	{ "To:\r\n", "To:\r\n", 0 },
};

static void
local_names_are_replaced_by_who_gets_their_mail(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct header *h = header_new();
		unsigned notes = 0;
		struct buf out;

		header_put(h, rows[i].in, strlen(rows[i].in));
		header_end(h);
		assert_true(locals_repair(h, &opts, &notes));
		buf_init(&out, HEADER_MAX);
		assert_true(header_write(h, &out));
		assert_string_equal(buf_str(&out), rows[i].out);
		assert_int_equal(notes, rows[i].notes);
		buf_clear(&out);
		header_free(h);
	}
}

static void
what_was_repaired_needs_no_repair(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct header *h = header_new();
		unsigned notes = 0;
		struct buf out;

		header_put(h, rows[i].out, strlen(rows[i].out));
		header_end(h);
		assert_true(locals_repair(h, &opts, &notes));
		buf_init(&out, HEADER_MAX);
		assert_true(header_write(h, &out));
		if (strcmp(rows[i].in, rows[i].out) != 0)
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
	unsigned notes = 0;
	struct buf in, out;

	(void)state;
	buf_init(&in, 102400);
	buf_init(&out, HEADER_MAX);
	assert_true(buf_adds(&in, "To: a@example.net"));
	while (buf_len(&in) < 102400 - 16)
		assert_true(buf_adds(&in, ",\r\n b"));
	header_put(h, buf_str(&in), buf_len(&in));
	header_end(h);
	assert_true(locals_repair(h, &opts, &notes));
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
		cmocka_unit_test(what_was_repaired_needs_no_repair),
		cmocka_unit_test(many_names_take_linear_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
