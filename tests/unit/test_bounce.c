/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/check.h"

#include <string.h>

#include "base/str.h"
#include "mail/addr.h"
#include "notice/bounce.h"
#include "notice/digest.h"

static struct bytes
text(const char *s)
{
	return bytes_str(s);
}

static void
fill(void *ctx, void *p, size_t n)
{
	(void)ctx;
	memset(p, 0xa5, n);
}
static const struct rng rng = { fill, NULL };

static struct envelope *
from(const char *sender, unsigned notify, enum rcpt_state state)
{
	struct envelope *e = envelope_new();
	struct rcpt *r = envelope_add_rcpt(e, "bob@example.net");

	envelope_set(&e->sender, sender);
	r->notify = notify;
	r->state = state;
	return e;
}

/* --- who ------------------------------------------------------------------ */

#define PLAIN "Subject: x\r\n\r\n"

static const struct {
	const char *sender;
	unsigned notify;
	const char *header;
	enum bounce_to failed, delayed, relayed;
} rows[] = {
	/* real addresses elsewhere */
	{ "me@example.org", 0, PLAIN, BOUNCE_SENDER, BOUNCE_SENDER,
	    BOUNCE_NOBODY },
	{ "me@example.org", DSN_NOTIFY_NEVER, PLAIN, BOUNCE_NOBODY,
	    BOUNCE_NOBODY, BOUNCE_NOBODY },
	{ "me@example.org", DSN_NOTIFY_FAILURE, PLAIN, BOUNCE_SENDER,
	    BOUNCE_NOBODY, BOUNCE_NOBODY },
	{ "me@example.org", DSN_NOTIFY_DELAY, PLAIN, BOUNCE_NOBODY,
	    BOUNCE_SENDER, BOUNCE_NOBODY },
	{ "me@example.org", DSN_NOTIFY_SUCCESS | DSN_NOTIFY_FAILURE, PLAIN,
	    BOUNCE_SENDER, BOUNCE_NOBODY, BOUNCE_SENDER },
	{ "root@other.example.org", 0, PLAIN, BOUNCE_SENDER, BOUNCE_SENDER,
	    BOUNCE_NOBODY },
	/* automata of this machine */
	{ "root", 0, PLAIN, BOUNCE_ADMIN, BOUNCE_NOBODY, BOUNCE_NOBODY },
	{ "cron@localhost", 0, PLAIN, BOUNCE_ADMIN, BOUNCE_NOBODY,
	    BOUNCE_NOBODY },
	{ "root@PVE1.example.com", 0, PLAIN, BOUNCE_ADMIN, BOUNCE_NOBODY,
	    BOUNCE_NOBODY },
	{ "www-data@nas.lan", 0, PLAIN, BOUNCE_ADMIN, BOUNCE_NOBODY,
	    BOUNCE_NOBODY },
	{ "root", DSN_NOTIFY_NEVER, PLAIN, BOUNCE_NOBODY, BOUNCE_NOBODY,
	    BOUNCE_NOBODY },
	{ "root", DSN_NOTIFY_SUCCESS, PLAIN, BOUNCE_NOBODY, BOUNCE_NOBODY,
	    BOUNCE_NOBODY },
	/* cron says so, and still wants to be heard (RFC 3834 5.1) */
	{ "root", 0, "Auto-Submitted: auto-generated\r\n\r\n", BOUNCE_ADMIN,
	    BOUNCE_NOBODY, BOUNCE_NOBODY },
	{ "me@example.org", 0, "Auto-Submitted: no\r\n\r\n", BOUNCE_SENDER,
	    BOUNCE_SENDER, BOUNCE_NOBODY },
	/* R39: nothing answers a notice */
	{ "", 0, PLAIN, BOUNCE_NOBODY, BOUNCE_NOBODY, BOUNCE_NOBODY },
	{ "", DSN_NOTIFY_FAILURE | DSN_NOTIFY_SUCCESS, PLAIN, BOUNCE_NOBODY,
	    BOUNCE_NOBODY, BOUNCE_NOBODY },
	{ "me@example.org", 0, "auto-submitted:\r\n Auto-Replied; x\r\n\r\n",
	    BOUNCE_NOBODY, BOUNCE_NOBODY, BOUNCE_NOBODY },
	{ "me@example.org", DSN_NOTIFY_SUCCESS,
	    "Content-Type: Multipart/Report; report-type=x\r\n\r\n",
	    BOUNCE_NOBODY, BOUNCE_NOBODY, BOUNCE_NOBODY },
	{ "root", 0,
	    "Message-ID: <20260821120305.notice-a5a5@mx.example.org>\r\n\r\n",
	    BOUNCE_NOBODY, BOUNCE_NOBODY, BOUNCE_NOBODY },
	{ "root", 0, "Message-ID: <a.notice-b@mx.example.org>\r\n\r\n",
	    BOUNCE_ADMIN, BOUNCE_NOBODY, BOUNCE_NOBODY },
	/* in the body it means nothing */
	{ "me@example.org", 0,
	    "Subject: x\r\n\r\nAuto-Submitted: auto-replied\r\n", BOUNCE_SENDER,
	    BOUNCE_SENDER, BOUNCE_NOBODY },
	{ "me@example.org", 0, "", BOUNCE_SENDER, BOUNCE_SENDER,
	    BOUNCE_NOBODY },
};

static enum bounce_to
who(size_t i, enum dsn_action action, enum rcpt_state state)
{
	struct envelope *e = from(rows[i].sender, rows[i].notify, state);
	enum bounce_to to = bounce_to(e, action, text(rows[i].header),
	    addr_is_local_name(text(rows[i].sender), "pve1.example.com"));

	envelope_free(e);
	return to;
}

static void
R39_the_table_says_who_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("row %zu\n", i);
		assert_int_equal(
		    who(i, DSN_FAILED, RCPT_FAILED), rows[i].failed);
		assert_int_equal(
		    who(i, DSN_DELAYED, RCPT_WAITING), rows[i].delayed);
		assert_int_equal(
		    who(i, DSN_RELAYED, RCPT_SENT), rows[i].relayed);
	}
}

static void
what_somebody_knows_is_not_told_again(void **state)
{
	struct envelope *e = from("me@example.org", 0, RCPT_FAILED);

	(void)state;
	e->rcpts[0].is_told = true;
	assert_int_equal(
	    bounce_to(e, DSN_FAILED, text(PLAIN), false), BOUNCE_NOBODY);
	(void)envelope_add_rcpt(e, "new@example.net");
	e->rcpts[1].state = RCPT_FAILED;
	assert_int_equal(
	    bounce_to(e, DSN_FAILED, text(PLAIN), false), BOUNCE_SENDER);
	envelope_free(e);
}

/* Which notices we make are notices to ourselves. */
static void
R39_our_own_notices_are_known_as_such(void **state)
{
	struct envelope *e = from("me@example.org", 0, RCPT_FAILED);
	struct dsn_opts dsn = { .action = DSN_FAILED,
		.env = e,
		.hostname = "h.example.org",
		.from = "relay@example.org",
		.wall_ms = 1750000000000,
		.rng = &rng };
	struct digest_opts digest = { .hostname = "h.example.org",
		.from = "relay@example.org",
		.to = "admin@example.org",
		.nmessages = 1,
		.wall_ms = 1750000000000,
		.rng = &rng };
	struct buf b;
	bool is_8bit;

	(void)state;
	buf_init(&b, DSN_MAX);
	assert_true(dsn_build(&b, &dsn, &is_8bit));
	assert_true(bounce_is_notice(buf_bytes(&b)));
	buf_reset(&b);
	assert_true(digest_build(&b, &digest));
	assert_true(bounce_is_notice(buf_bytes(&b)));
	buf_clear(&b);
	envelope_free(e);
}

/* --- the digest ----------------------------------------------------------- */

static void
the_digest_says_what_failed_why_and_what_to_do(void **state)
{
	struct envelope *e = from("root", 0, RCPT_FAILED);
	struct digest_opts d = { .hostname = "pve1",
		.from = "relay@example.org",
		.to = "admin@example.org",
		.nmessages = 1,
		.wall_ms = 1750000000000,
		.rng = &rng };
	struct verdict v;
	struct buf list, b;

	(void)state;
	strcpy(e->id, "0123456789abcdef");
	envelope_set(&e->user, "root");
	e->arrived_s = 1750000000;
	verdict_from_reply(
	    &v, STAGE_RCPT, 550, text("5.1.1"), text("no such \x1b[1m user"));
	strcpy(v.who, "mx.example.org[192.0.2.1]:465");
	rcpt_set_verdict(&e->rcpts[0], &v);
	(void)envelope_add_rcpt(e, "sent@example.net");
	e->rcpts[1].state = RCPT_SENT;
	(void)envelope_add_rcpt(e, "carol@example.net");
	e->rcpts[2].state = RCPT_FAILED;
	rcpt_set_verdict(&e->rcpts[2], &v);
	buf_init(&list, DIGEST_MAX);
	buf_init(&b, DIGEST_MAX);
	assert_true(digest_list_add(&list, e, DSN_FAILED, 0, NULL));
	d.list = buf_bytes(&list);
	assert_true(digest_build(&b, &d));
	assert_buf(&b,
	    "From: Mail relay <relay@example.org>\r\nTo: "
	    "<admin@example.org>\r\nSubject: Mail failed on pve1\r\nDate: Sun, "
	    "15 Jun 2025 15:06:40 +0000\r\nMessage-ID: "
	    "<20250615150640.notice-a5a5a5a5a5a5a5a5a5a5a5a5@example.org>"
	    "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: "
	    "1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nThis is "
	    "the mail relay on pve1.\r\n\r\nA message that a program on this "
	    "machine submitted could not be\r\ndelivered. It is kept in "
	    "failed/ for some time.\r\n\r\n0123456789abcdef\r\n  Arrived:    "
	    "Sun, 15 Jun 2025 15:06:40 +0000\r\n  From:       <root>, "
	    "submitted by root\r\n  To:         <bob@example.net>\r\n  To:     "
	    "    <carol@example.net>\r\n  Reason:     550 5.1.1 no such  [1m "
	    "user (said by\r\n              mx.example.org[192.0.2.1]:465 to "
	    "RCPT)\r\n  Cause:      the provider does not accept this "
	    "recipient\r\n  Remedy:     check the address\r\n\r\n    relais "
	    "show ID      shows the details of a message\r\n    relais retry "
	    "ID     sends it again\r\n    relais delete ID    deletes it\r\n");
	buf_clear(&b);
	buf_clear(&list);
	envelope_free(e);
}

/* It says so itself: us-ascii. */
static void
the_digest_is_ascii_whatever_it_tells_of(void **state)
{
	struct envelope *e = from("j\xc3\xbcrgen@example.org", 0, RCPT_FAILED);
	struct verdict v;
	struct buf list;

	(void)state;
	envelope_set(&e->user, "\xff\r\nX: y");
	verdict_from_reply(
	    &v, STAGE_RCPT, 550, text("5.1.1"), text("n\xc3\xb6"));
	rcpt_set_verdict(&e->rcpts[0], &v);
	buf_init(&list, DIGEST_MAX);
	assert_true(digest_list_add(&list, e, DSN_FAILED, 0, NULL));
	assert_true(str_is_ascii(buf_bytes(&list)));
	assert_null(strstr(buf_str(&list), "\nX: y"));
	assert_non_null(strstr(buf_str(&list), "<j??rgen@example.org>"));
	buf_clear(&list);
	envelope_free(e);
}

static void
a_sender_with_many_notices_gets_the_others_in_one(void **state)
{
	struct envelope *e = from("me@example.org", 0, RCPT_FAILED);
	struct digest_opts d = { .hostname = "pve1",
		.from = "relay@example.org",
		.to = "me@example.org",
		.is_for_sender = true,
		.nmessages = DIGEST_LISTED_MAX + 7,
		.ndelayed = 1,
		.nrelayed = 2,
		.wall_ms = 1750000000000,
		.rng = &rng };
	struct buf list, b;

	(void)state;
	buf_init(&list, DIGEST_MAX);
	buf_init(&b, DIGEST_MAX);
	strcpy(e->id, "0123456789abcdef");
	assert_true(digest_list_add(&list, e, DSN_FAILED, 0, NULL));
	assert_null(strstr(buf_str(&list), "still being attempted"));
	e->rcpts[0].state = RCPT_WAITING;
	assert_true(digest_list_add(&list, e, DSN_DELAYED, 0, NULL));
	assert_non_null(strstr(buf_str(&list), "still being attempted"));
	d.list = buf_bytes(&list);
	assert_true(digest_build(&b, &d));
	assert_true(bounce_is_notice(buf_bytes(&b)));
	assert_non_null(strstr(buf_str(&b), "60 more notices about your mail"));
	assert_non_null(strstr(buf_str(&b), "\r\n57 messages could not be"));
	assert_non_null(strstr(buf_str(&b), "\r\n1 message is late"));
	assert_non_null(strstr(buf_str(&b), "\r\n2 messages were relayed"));
	assert_non_null(strstr(buf_str(&b), "<bob@example.net>"));
	assert_non_null(strstr(buf_str(&b), "... and 8 more\r\n"));
	/* Commands of this machine are of no use elsewhere. */
	assert_null(strstr(buf_str(&b), "relais show"));
	buf_clear(&b);
	buf_clear(&list);
	envelope_free(e);
}

static void
many_failures_are_counted_and_a_full_list_is_left_as_it_was(void **state)
{
	struct envelope *e = from("root", 0, RCPT_FAILED);
	struct digest_opts d = { .hostname = "pve1",
		.from = "relay@example.org",
		.to = "admin@example.org",
		.nmessages = DIGEST_LISTED_MAX + 7,
		.wall_ms = 1750000000000,
		.rng = &rng };
	struct buf list, b;
	size_t n;

	(void)state;
	buf_init(&list, 300);
	while (digest_list_add(&list, e, DSN_FAILED, 0, NULL))
		n = buf_len(&list);
	assert_int_equal(buf_len(&list), n);
	buf_init(&b, DIGEST_MAX);
	d.list = buf_bytes(&list);
	assert_true(digest_build(&b, &d));
	assert_non_null(strstr(buf_str(&b), "57 messages that programs"));
	assert_non_null(strstr(buf_str(&b), "... and 7 more: relais queue"));
	buf_clear(&b);
	buf_init(&b, 300);
	assert_false(digest_build(&b, &d));
	assert_int_equal(buf_len(&b), 0);
	buf_clear(&b);
	buf_clear(&list);
	envelope_free(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R39_the_table_says_who_is_told),
		cmocka_unit_test(what_somebody_knows_is_not_told_again),
		cmocka_unit_test(R39_our_own_notices_are_known_as_such),
		cmocka_unit_test(
		    the_digest_says_what_failed_why_and_what_to_do),
		cmocka_unit_test(the_digest_is_ascii_whatever_it_tells_of),
		cmocka_unit_test(
		    a_sender_with_many_notices_gets_the_others_in_one),
		cmocka_unit_test(
		    many_failures_are_counted_and_a_full_list_is_left_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
