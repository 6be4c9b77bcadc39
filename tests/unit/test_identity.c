/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R41, R14: every sender field is the account's or allowed, in one go. */
#include "tests/lib/check.h"

#include "rewrite/identity.h"

static const char *const patterns[] = { "*@allowed.example", "al@x.example" };

static struct identity_opts
the_opts(enum identity_mode mode)
{
	return (struct identity_opts) {
		.mode = mode,
		.address = "me@example.org",
		.allowed = patterns,
		.nallowed = ARRAY_LEN(patterns),
		.hostname = "pve1.example.net",
	};
}

static struct header *
read_text(const char *text)
{
	struct header *h = header_new();

	header_put(h, text, strlen(text));
	header_end(h);
	return h;
}

/* Fields without the line end of the last; the changes as bits. */
static const struct row {
	enum identity_mode mode;
	const char *sender, *in;
	const char *new_sender, *out;
	unsigned changed;
} rows[] = {
	/* what is right stays byte for byte */
	{ IDENTITY_ALLOW, "me@example.org", "FROM :  ME@example.org (x)",
	    "me@example.org", "FROM :  ME@example.org (x)", 0 },
	{ IDENTITY_ALLOW, "a@Allowed.example",
	    "From: A <a@allowed.example>\r\nSender: b@allowed.example",
	    "a@Allowed.example",
	    "From: A <a@allowed.example>\r\nSender: b@allowed.example", 0 },
	{ IDENTITY_ALLOW, "b@ALLOWED.EXAMPLE",
	    "From: B\r\n <b@Allowed.Example>", "b@ALLOWED.EXAMPLE",
	    "From: B\r\n <b@Allowed.Example>", 0 },
	{ IDENTITY_ALLOW, "me@example.org", "From: team: me@example.org;",
	    "me@example.org", "From: me@example.org", IDENTITY_CHANGED_FROM },
	/* another author in the name of a group or a mailbox */
	{ IDENTITY_FORCE, "me@example.org",
	    "From: \"boss@corp.example\": a, b;", "me@example.org",
	    "From: a on pve1 <me@example.org>", IDENTITY_CHANGED_FROM },
	{ IDENTITY_FORCE, "me@example.org",
	    "From: boss@corp.example:;, me@example.org", "me@example.org",
	    "From: me@example.org", IDENTITY_CHANGED_FROM },
	{ IDENTITY_FORCE, "me@example.org",
	    "From: boss@corp.example <me@example.org>", "me@example.org",
	    "From: \"boss at corp.example\" <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	{ IDENTITY_FORCE, "me@example.org",
	    "From: =?utf-8?q?boss=40corp=2Eexample?= <me@example.org>\r\n"
	    "Sender: \"boss@corp.example\" <me@example.org>",
	    "me@example.org", "From: \"boss at corp.example\" <me@example.org>",
	    IDENTITY_CHANGED_FROM | IDENTITY_CHANGED_SENDER },
	{ IDENTITY_FORCE, "me@example.org",
	    "From: me@example.org\r\n"
	    "Sender: me@example.org (boss@corp.example)\r\n"
	    "Resent-From: me@example.org (boss@corp.example)",
	    "me@example.org",
	    "From: me@example.org\r\nSender: me@example.org\r\n"
	    "Resent-From: \"boss at corp.example\" <me@example.org>",
	    IDENTITY_CHANGED_SENDER | IDENTITY_CHANGED_RESENT },
	/* a mailing list's name, which only "force" forbids */
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: \"joe@corp.example via list\" <me@example.org>",
	    "me@example.org",
	    "From: \"joe@corp.example via list\" <me@example.org>", 0 },
	/* a tag behind the user is the user's own affair */
	{ IDENTITY_ALLOW, "me+cron@example.org",
	    "From: Me <ME+x@example.org>\r\nSender: al+y@x.example",
	    "me+cron@example.org",
	    "From: Me <ME+x@example.org>\r\nSender: al+y@x.example", 0 },
	{ IDENTITY_FORCE, "me+cron@example.org", "From: me+x@example.org",
	    "me@example.org",
	    "From: \"me+x at example.org\" <me@example.org>\r\n"
	    "Reply-To: <me+x@example.org>",
	    IDENTITY_CHANGED_ENVELOPE | IDENTITY_CHANGED_FROM |
		IDENTITY_ADDED_REPLY_TO },
	{ IDENTITY_KEEP, "root", "From: root\r\nSender: x", "root",
	    "From: root\r\nSender: x", 0 },
	{ IDENTITY_FORCE, "me@example.org",
	    "From: me@example.org\r\nDKIM-Signature: h=From; b=x",
	    "me@example.org",
	    "From: me@example.org\r\nDKIM-Signature: h=From; b=x", 0 },
	/* cron and friends */
	{ IDENTITY_ALLOW, "root", "From: root (Cron Daemon)", "me@example.org",
	    "From: Cron Daemon <me@example.org>",
	    IDENTITY_CHANGED_ENVELOPE | IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "root@pve1", "From: root@pve1", "me@example.org",
	    "From: root on pve1 <me@example.org>",
	    IDENTITY_CHANGED_ENVELOPE | IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "From: www-data", "me@example.org",
	    "From: www-data on pve1 <me@example.org>", IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "From: root@localhost",
	    "me@example.org", "From: root on pve1 <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "From: root@pve1.example.net",
	    "me@example.org", "From: root on pve1 <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	/* a name that says no more than the address */
	{ IDENTITY_ALLOW, "me@example.org", "From: root <root@pve1>",
	    "me@example.org", "From: root on pve1 <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "From: root@pve1 (Root)",
	    "me@example.org", "From: root on pve1 <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "From: eve <eve@other.example>",
	    "me@example.org",
	    "From: eve <me@example.org>\r\nReply-To: <eve@other.example>",
	    IDENTITY_CHANGED_FROM | IDENTITY_ADDED_REPLY_TO },
	/* a name that is made of what looks like another address */
	{ IDENTITY_FORCE, "me@example.org", "From: \"a<b@c.example>\"",
	    "me@example.org",
	    "From: \"\\\"a b c.example \\\" on pve1\" <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	/* address literals */
	{ IDENTITY_ALLOW, "root@[127.0.0.1]", "From: root@[127.0.0.1]",
	    "me@example.org", "From: root on pve1 <me@example.org>",
	    IDENTITY_CHANGED_ENVELOPE | IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "From: root@localhost.localdomain",
	    "me@example.org", "From: root on pve1 <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "From: nas@[192.168.1.9]",
	    "me@example.org", "From: \"nas at [192.168.1.9]\" <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	/* the display name */
	{ IDENTITY_ALLOW, "me@example.org", "From: root (=?utf-8?q?J=C3=B6?=)",
	    "me@example.org", "From: =?utf-8?q?J=C3=B6?= <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "From: J\xf6rg <www-data>",
	    "me@example.org", "From: =?utf-8?q?J=C3=B6rg?= <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "From: Shop: web@lan;",
	    "me@example.org", "From: web on lan <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: =?utf-8?q?J=C3=B6?= \"D, E.\"\r\n <root>", "me@example.org",
	    "From: =?utf-8?q?J=C3=B6?= \"D, E.\" <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "From: [Web] Boss <root>",
	    "me@example.org", "From: \"[Web] Boss\" <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: A\x01"
	    "B <root>",
	    "me@example.org", "From: A B <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "From: J\xc3\xb6 <root>",
	    "me@example.org", "From: =?utf-8?q?J=C3=B6?= <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "From: [Web] J\xc3\xb6 <root>",
	    "me@example.org",
	    "From: =?utf-8?q?=5BWeb=5D_J=C3=B6?= <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	/* Reply-To only for who can be reached, and only if there is none */
	{ IDENTITY_ALLOW, "me@example.org", "From: Eve <eve@other.example>",
	    "me@example.org",
	    "From: Eve <me@example.org>\r\nReply-To: <eve@other.example>",
	    IDENTITY_CHANGED_FROM | IDENTITY_ADDED_REPLY_TO },
	{ IDENTITY_ALLOW, "me@example.org", "From: eve@other.example",
	    "me@example.org",
	    "From: \"eve at other.example\" <me@example.org>\r\n"
	    "Reply-To: <eve@other.example>",
	    IDENTITY_CHANGED_FROM | IDENTITY_ADDED_REPLY_TO },
	{ IDENTITY_ALLOW, "me@example.org",
	    "Reply-To: x@y.example\r\nFrom: Eve <eve@other.example>",
	    "me@example.org",
	    "Reply-To: x@y.example\r\nFrom: Eve <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "From: R <root@nas.local>",
	    "me@example.org", "From: R <me@example.org>",
	    IDENTITY_CHANGED_FROM },
	/* an empty one is none */
	{ IDENTITY_ALLOW, "me@example.org",
	    "Reply-To:\r\nFrom: Eve <eve@other.example>", "me@example.org",
	    "From: Eve <me@example.org>\r\nReply-To: <eve@other.example>",
	    IDENTITY_CHANGED_FROM | IDENTITY_ADDED_REPLY_TO },
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: J <j\xc3\xb6rg@other.example>", "me@example.org",
	    "From: J <me@example.org>", IDENTITY_CHANGED_FROM },
	/* force takes what allow would leave */
	{ IDENTITY_FORCE, "a@allowed.example", "From: A <a@allowed.example>",
	    "me@example.org",
	    "From: A <me@example.org>\r\nReply-To: <a@allowed.example>",
	    IDENTITY_CHANGED_ENVELOPE | IDENTITY_CHANGED_FROM |
		IDENTITY_ADDED_REPLY_TO },
	/* all fields together */
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: root\r\nSender: www-data\r\nReturn-Path: <x>\r\n"
	    "Resent-From: r <root>\r\nResent-Sender: root",
	    "me@example.org",
	    "From: root on pve1 <me@example.org>\r\n"
	    "Resent-From: r <me@example.org>",
	    IDENTITY_CHANGED_FROM | IDENTITY_CHANGED_SENDER |
		IDENTITY_CHANGED_RESENT | IDENTITY_REMOVED_RETURN_PATH },
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: me@example.org\r\nSender: www-data", "me@example.org",
	    "From: me@example.org\r\nSender: me@example.org",
	    IDENTITY_CHANGED_SENDER },
	/* each by itself */
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: me@example.org\r\nResent-Sender: root\r\n"
	    "Resent-Sender: me@example.org",
	    "me@example.org",
	    "From: me@example.org\r\nResent-Sender: me@example.org\r\n"
	    "Resent-Sender: me@example.org",
	    IDENTITY_CHANGED_RESENT },
	/* hiding places */
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: me@example.org, <\xe9ve@other.example>", "me@example.org",
	    "From: me@example.org", IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: me@example.org, \"open <eve@other.example>",
	    "me@example.org", "From: me@example.org", IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: me@example.org\r\nX: y\r\nfrom: eve@other.example",
	    "me@example.org", "From: me@example.org\r\nX: y",
	    IDENTITY_CHANGED_FROM },
	/* one author, all of them can be answered */
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: eve@other.example, Me <me@example.org>, root",
	    "me@example.org",
	    "From: Me <me@example.org>\r\n"
	    "Reply-To: <eve@other.example>, <me@example.org>",
	    IDENTITY_CHANGED_FROM | IDENTITY_ADDED_REPLY_TO },
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: A <a@allowed.example>, al@x.example\r\n"
	    "Sender: a@allowed.example",
	    "me@example.org",
	    "From: A <a@allowed.example>\r\n"
	    "Reply-To: <a@allowed.example>, <al@x.example>",
	    IDENTITY_CHANGED_FROM | IDENTITY_CHANGED_SENDER |
		IDENTITY_ADDED_REPLY_TO },
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: Eve <eve@other.example>, Bob <bob@other.example>",
	    "me@example.org",
	    "From: Eve <me@example.org>\r\n"
	    "Reply-To: <eve@other.example>, <bob@other.example>",
	    IDENTITY_CHANGED_FROM | IDENTITY_ADDED_REPLY_TO },
	/* half understood: written anew */
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: Me <me@example.org>, \"eve@other.example", "me@example.org",
	    "From: Me <me@example.org>", IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: me@example.org <eve@other.example>", "me@example.org",
	    "From: \"me@example.org\" <me@example.org>\r\n"
	    "Reply-To: <eve@other.example>",
	    IDENTITY_CHANGED_FROM | IDENTITY_ADDED_REPLY_TO },
	{ IDENTITY_ALLOW, "me@example.org",
	    "From: me@example.org eve@other.example", "me@example.org",
	    "From: me@example.org", IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "From:", "me@example.org",
	    "From: me@example.org", IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "From: undisclosed:;",
	    "me@example.org", "From: me@example.org", IDENTITY_CHANGED_FROM },
	/* the Sender of a list, and blocks of a resender */
	{ IDENTITY_ALLOW, "lists@lists.example",
	    "From: Eve <eve@other.example>\r\nSender: lists@lists.example\r\n"
	    "Reply-To: list@lists.example",
	    "me@example.org",
	    "From: Eve <me@example.org>\r\nReply-To: list@lists.example",
	    IDENTITY_CHANGED_ENVELOPE | IDENTITY_CHANGED_FROM |
		IDENTITY_CHANGED_SENDER },
	{ IDENTITY_ALLOW, "me@example.org",
	    "Resent-From: me@example.org\r\nResent-To: x@y.example\r\n"
	    "Resent-From: R <root@pve1>\r\nResent-Sender: www-data\r\n"
	    "From: me@example.org",
	    "me@example.org",
	    "Resent-From: me@example.org\r\nResent-To: x@y.example\r\n"
	    "Resent-From: R <me@example.org>\r\nFrom: me@example.org",
	    IDENTITY_CHANGED_RESENT },
	{ IDENTITY_ALLOW, "me@example.org", "From: a b c", "me@example.org",
	    "From: me@example.org", IDENTITY_CHANGED_FROM },
	{ IDENTITY_ALLOW, "me@example.org", "X: y", "me@example.org",
	    "X: y\r\nFrom: me@example.org", IDENTITY_CHANGED_FROM },
	/* signatures */
	{ IDENTITY_ALLOW, "me@example.org",
	    "DKIM-Signature: v=1; h=To:\r\n from : Date; b=x\r\nFrom: R <root>",
	    "me@example.org", "From: R <me@example.org>",
	    IDENTITY_CHANGED_FROM | IDENTITY_REMOVED_SIGNATURE },
	{ IDENTITY_ALLOW, "me@example.org",
	    "DKIM-Signature: h=From:Sender\r\nDKIM-Signature: h=From:To; "
	    "x=y\r\n"
	    "From: me@example.org\r\nSender: root",
	    "me@example.org",
	    "DKIM-Signature: h=From:To; x=y\r\nFrom: me@example.org\r\n"
	    "Sender: me@example.org",
	    IDENTITY_CHANGED_SENDER | IDENTITY_REMOVED_SIGNATURE },
	/* nobody */
	{ IDENTITY_ALLOW, "", "From: me@example.org", "me@example.org",
	    "From: me@example.org\r\nAuto-Submitted: auto-replied",
	    IDENTITY_CHANGED_ENVELOPE | IDENTITY_ADDED_AUTO_SUBMITTED },
	{ IDENTITY_ALLOW, "",
	    "From: me@example.org\r\nAuto-Submitted: auto-generated",
	    "me@example.org",
	    "From: me@example.org\r\nAuto-Submitted: auto-generated",
	    IDENTITY_CHANGED_ENVELOPE },
	{ IDENTITY_KEEP, "", "From: x", "me@example.org",
	    "From: x\r\nAuto-Submitted: auto-replied",
	    IDENTITY_CHANGED_ENVELOPE | IDENTITY_ADDED_AUTO_SUBMITTED },
};

static void
check_row(const struct row *row)
{
	struct identity_opts opts = the_opts(row->mode);
	struct identity_result ret;
	struct header *h = read_text(row->in);
	struct buf out;

	buf_init(&out, 4000);
	assert_true(identity_apply(h, row->sender, &opts, &ret));
	assert_true(header_write(h, &out));
	buf_truncate(&out, buf_len(&out) - 2);
	if (strcmp(buf_str(&out), row->out) != 0)
		fail_msg("got\n%s\nnot\n%s", buf_str(&out), row->out);
	assert_string_equal(ret.sender, row->new_sender);
	assert_int_equal(ret.changed, row->changed);
	buf_clear(&out);
	header_free(h);
}

static void
every_sender_field_follows_one_policy(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i]);
}

/* Applied to its own result it finds nothing more to do. */
static void
what_was_made_is_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct identity_opts opts = the_opts(rows[i].mode);
		struct identity_result ret;
		struct header *h = read_text(rows[i].in);

		assert_true(identity_apply(h, rows[i].sender, &opts, &ret));
		assert_true(identity_apply(h, ret.sender, &opts, &ret));
		assert_int_equal(ret.changed, 0);
		header_free(h);
	}
}

static void
the_full_name_stands_in_for_a_missing_one(void **state)
{
	struct identity_opts opts = the_opts(IDENTITY_ALLOW);
	struct identity_result ret;
	struct header *h = read_text("From: root@pve1");

	(void)state;
	opts.full_name = "Home, \xc3\xb6";
	assert_true(identity_apply(h, "root", &opts, &ret));
	assert_string_equal(ret.old_from, "root@pve1");
	assert_memory_equal(header_at(h, 0).raw.p,
	    "From: =?utf-8?q?Home=2C_=C3=B6?= <me@example.org>\r\n", 51);
	header_free(h);
}

static void
nobody_stays_nobody_where_the_provider_takes_it(void **state)
{
	struct identity_opts opts = the_opts(IDENTITY_FORCE);
	struct identity_result ret;
	struct header *h = read_text("From: me@example.org");

	(void)state;
	opts.keeps_null_sender = true;
	assert_true(identity_apply(h, "", &opts, &ret));
	assert_string_equal(ret.sender, "");
	assert_int_equal(ret.changed, 0);
	header_free(h);
}

/* What the provider does not take does not go out because a mode says so: our
 * own notices have no sender. */
static void
keep_replaces_the_null_sender_alone_where_the_provider_refuses_it(void **state)
{
	struct identity_opts opts = the_opts(IDENTITY_KEEP);
	struct identity_result ret;
	struct header *h = read_text("From: eve@other.example");

	(void)state;
	assert_true(identity_apply(h, "", &opts, &ret));
	assert_string_equal(ret.sender, "me@example.org");
	assert_int_equal(ret.changed,
	    IDENTITY_CHANGED_ENVELOPE | IDENTITY_ADDED_AUTO_SUBMITTED);
	header_free(h);

	h = read_text("From: eve@other.example");
	assert_true(identity_apply(h, "eve@other.example", &opts, &ret));
	assert_string_equal(ret.sender, "eve@other.example");
	assert_int_equal(ret.changed, 0);
	opts.keeps_null_sender = true;
	assert_true(identity_apply(h, "", &opts, &ret));
	assert_string_equal(ret.sender, "");
	assert_int_equal(ret.changed, 0);
	opts.keeps_null_sender = false;
	opts.address = NULL; /* there is nothing to put in its place */
	assert_true(identity_apply(h, "", &opts, &ret));
	assert_string_equal(ret.sender, "");
	header_free(h);
}

/* "*" says that the provider takes every address; a bare name is none. */
static void
no_pattern_lets_a_bare_name_out(void **state)
{
	static const char *const all[] = { "*" };
	struct identity_opts opts = the_opts(IDENTITY_ALLOW);

	(void)state;
	opts.allowed = all;
	opts.nallowed = 1;
	assert_true(identity_allows(&opts, "eve@other.example"));
	assert_true(identity_allows(&opts, "nas@[192.0.2.1]"));
	assert_false(identity_allows(&opts, "root"));
	assert_false(identity_allows(&opts, "root@"));
	assert_false(identity_allows(&opts, "@pve1"));
}

static void
without_an_address_nothing_can_be_replaced(void **state)
{
	struct identity_opts opts = the_opts(IDENTITY_FORCE);
	struct identity_result ret;
	struct header *h = read_text("From: root");

	(void)state;
	opts.address = NULL;
	assert_true(identity_apply(h, "root", &opts, &ret));
	assert_string_equal(ret.sender, "root");
	assert_int_equal(ret.changed, 0);
	header_free(h);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sender_field_follows_one_policy),
		cmocka_unit_test(what_was_made_is_accepted),
		cmocka_unit_test(the_full_name_stands_in_for_a_missing_one),
		cmocka_unit_test(
		    nobody_stays_nobody_where_the_provider_takes_it),
		cmocka_unit_test(
		    keep_replaces_the_null_sender_alone_where_the_provider_refuses_it),
		cmocka_unit_test(no_pattern_lets_a_bare_name_out),
		cmocka_unit_test(without_an_address_nothing_can_be_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
