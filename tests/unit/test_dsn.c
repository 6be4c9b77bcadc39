/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R39, RFC 3461, 3464, 6522: notices say what happened to whom, to those who
 * want to know, and never answer a notice. */
#include "tests/lib/check.h"

#include <stdlib.h>

#include "notice/dsn.h"

#define HEAD "Subject: hello\r\nMessage-ID: <orig@example.org>\r\nFrom: a@b\r\n"

static void
count_up(void *ctx, void *p, size_t n)
{
	unsigned char *to = p, *next = ctx;

	while (n-- > 0)
		*to++ = (*next)++;
}

static struct envelope *
the_envelope(void)
{
	struct envelope *e = envelope_new();

	memcpy(e->id, "X1", 3);
	envelope_set(&e->sender, "alice@example.org");
	e->arrived_s = 1787313785 - 3600;
	return e;
}

static struct rcpt *
add_rcpt(struct envelope *e, const char *addr, enum rcpt_state state,
    unsigned notify)
{
	struct rcpt *r = envelope_add_rcpt(e, addr);

	r->state = state;
	r->notify = notify;
	return r;
}

static void
set_reply(struct rcpt *r, int code, const char *enhanced, const char *text)
{
	struct verdict v;

	verdict_from_reply(
	    &v, STAGE_RCPT, code, bytes_str(enhanced), bytes_str(text));
	memcpy(v.who, "mx.example.net[192.0.2.1]:465", 30);
	rcpt_set_verdict(r, &v);
}

static bool
build(struct buf *to, const struct envelope *e, enum dsn_action action,
    const char *original, bool is_whole)
{
	unsigned char next = 0;
	struct rng rng = { count_up, &next };
	struct dsn_opts opts = {
		.action = action,
		.env = e,
		.hostname = "mx.example.org",
		.from = "mailer-daemon@mx.example.org",
		.original = bytes_str(original),
		.original_is_whole = is_whole,
		.wall_ms = INT64_C(1787313785000),
		.utc_offset_s = 7200,
		.tried_ms = INT64_C(1787313780000),
		.give_up_ms = INT64_C(1787400000000),
		.rng = &rng,
	};
	bool is_8bit = false;

	assert_true(dsn_build(to, &opts, &is_8bit));
	return is_8bit;
}

static void
assert_has(const struct buf *b, const char *text)
{
	if (strstr(buf_str(b), text) == NULL)
		fail_msg("no \"%s\" in\n%s", text, buf_str(b));
}

static void
assert_has_not(const struct buf *b, const char *text)
{
	if (strstr(buf_str(b), text) != NULL)
		fail_msg("\"%s\" in\n%s", text, buf_str(b));
}

#define BOUNDARY "=_relais_000102030405060708090a0b"
#define PARA     "\r\n\r\n"

static void
a_failure_is_told_to_people_and_programs(void **state)
{
	struct envelope *e = the_envelope();
	struct rcpt *r = add_rcpt(e, "bob@example.net", RCPT_FAILED, 0);
	struct buf b;

	(void)state;
	set_reply(r, 550, "5.1.1", "No such user here");
	r->orcpt = NULL;
	envelope_set(&r->orcpt, "rfc822;bob+2Bx@example.com");
	envelope_set(&e->envid, "QQ+3D1");
	buf_init(&b, DSN_MAX);
	assert_false(build(&b, e, DSN_FAILED, HEAD "\r\nbody\r\n", true));
	assert_buf(&b,
	    "From: Mail relay <mailer-daemon@mx.example.org>\r\n"
	    "To: <alice@example.org>\r\n"
	    "Subject: Message could not be delivered\r\n"
	    "Date: Fri, 21 Aug 2026 14:03:05 +0200\r\n"
	    "Message-ID: <20260821120305.notice-0c0d0e0f1011121314151617"
	    "@mx.example.org>\r\n"
	    "In-Reply-To: <orig@example.org>\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    " boundary=\"" BOUNDARY "\"\r\n"
	    "\r\n--" BOUNDARY "\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n"
	    "\r\n"
	    "This is the mail relay on mx.example.org.\r\n"
	    "\r\n"
	    "Your message of Fri, 21 Aug 2026 13:03:05 +0200 could not be "
	    "delivered\r\n"
	    "to the recipients below. Delivery will not be attempted again.\r\n"
	    "\r\n"
	    "  <bob@example.net>\r\n"
	    "    The server said: 550 5.1.1 No such user here (said by\r\n"
	    "    mx.example.net[192.0.2.1]:465 to RCPT)\r\n"
	    "    Check the address for typing errors, or ask the recipient "
	    "for the\r\n"
	    "    right one, and send the message again.\r\n"
	    "\r\n"
	    "For details, the administrator can type: relais show X1\r\n"
	    "\r\n--" BOUNDARY "\r\n"
	    "Content-Type: message/delivery-status\r\n"
	    "\r\n"
	    "Original-Envelope-Id: QQ=1\r\n"
	    "Reporting-MTA: dns; mx.example.org\r\n"
	    "Arrival-Date: Fri, 21 Aug 2026 13:03:05 +0200\r\n"
	    "X-Relais-Queue-Id: X1\r\n"
	    "\r\n"
	    "Original-Recipient: rfc822; bob+x@example.com\r\n"
	    "Final-Recipient: rfc822; bob@example.net\r\n"
	    "Action: failed\r\n"
	    "Status: 5.1.1\r\n"
	    "Remote-MTA: dns; mx.example.net\r\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 No such user here\r\n"
	    "Last-Attempt-Date: Fri, 21 Aug 2026 14:03:00 +0200\r\n"
	    "\r\n--" BOUNDARY "\r\n"
	    "Content-Type: text/rfc822-headers\r\n"
	    "\r\n" HEAD "\r\n--" BOUNDARY "--\r\n");
	buf_clear(&b);
	envelope_free(e);
}

static void
only_those_who_want_a_notice_get_one(void **state)
{
	static const struct {
		enum rcpt_state state;
		unsigned notify;
		bool failed, delayed, relayed;
	} rows[] = {
		{ RCPT_FAILED, DSN_NOTIFY_UNSET, true, false, false },
		{ RCPT_FAILED, DSN_NOTIFY_NEVER, false, false, false },
		{ RCPT_FAILED, DSN_NOTIFY_FAILURE, true, false, false },
		{ RCPT_FAILED, DSN_NOTIFY_SUCCESS | DSN_NOTIFY_DELAY, false,
		    false, false },
		{ RCPT_WAITING, DSN_NOTIFY_UNSET, false, true, false },
		{ RCPT_WAITING, DSN_NOTIFY_FAILURE, false, false, false },
		{ RCPT_WAITING, DSN_NOTIFY_DELAY, false, true, false },
		{ RCPT_SENT, DSN_NOTIFY_UNSET, false, false, false },
		{ RCPT_SENT, DSN_NOTIFY_SUCCESS, false, false, true },
		{ RCPT_SENT, DSN_NOTIFY_NEVER, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct envelope *e = the_envelope();

		add_rcpt(e, "b@c", rows[i].state, rows[i].notify);
		assert_int_equal(dsn_count(e, DSN_FAILED), rows[i].failed);
		assert_int_equal(dsn_count(e, DSN_DELAYED), rows[i].delayed);
		assert_int_equal(dsn_count(e, DSN_RELAYED), rows[i].relayed);
		envelope_set(&e->sender, ""); /* R39 */
		assert_int_equal(dsn_count(e, DSN_FAILED), 0);
		assert_int_equal(dsn_count(e, DSN_DELAYED), 0);
		assert_int_equal(dsn_count(e, DSN_RELAYED), 0);
		envelope_free(e);
	}
}

static void
a_message_whose_time_ran_out_says_so(void **state)
{
	struct envelope *e = the_envelope();
	struct verdict v;
	struct rcpt *r;
	struct buf b;

	(void)state;
	add_rcpt(e, "other@example.net", RCPT_SENT, 0);
	r = add_rcpt(e, "bob@example.net", RCPT_FAILED, 0);
	verdict_local(&v, VERDICT_LATER, STAGE_CONNECT, 0, NULL, "no route");
	rcpt_set_verdict(r, &v);
	buf_init(&b, DSN_MAX);
	assert_false(build(&b, e, DSN_FAILED, "", false));
	assert_has(&b, "Delivery was attempted for 60 minutes.");
	assert_has(&b, "The reason: no route");
	assert_has(&b, "Status: 4.4.7\r\n");
	assert_has(&b, "Diagnostic-Code: x-relais; no route\r\n");
	assert_has_not(&b, "other@");
	assert_has_not(&b, "Remote-MTA");
	assert_has_not(&b, "rfc822-headers");
	buf_clear(&b);
	envelope_free(e);
}

static void
a_delay_says_until_when_and_a_hand_over_to_whom(void **state)
{
	struct envelope *e = the_envelope();
	struct buf b;

	(void)state;
	set_reply(add_rcpt(e, "w@example.net", RCPT_WAITING, 0), 451, "4.3.0",
	    "busy");
	set_reply(add_rcpt(e, "s@example.net", RCPT_SENT, DSN_NOTIFY_SUCCESS),
	    250, "", "ok");
	buf_init(&b, DSN_MAX);
	assert_false(build(&b, e, DSN_DELAYED, HEAD, false));
	assert_has(&b, "Action: delayed\r\nStatus: 4.3.0\r\n");
	assert_has(&b, "Will-Retry-Until: Sat, 22 Aug 2026 14:00:00 +0200\r\n");
	assert_has(
	    &b, "keep trying until Sat, 22 Aug 2026 14:00:00 +0200.\r\n");
	assert_has_not(&b, "s@example.net");
	buf_reset(&b);
	assert_false(build(&b, e, DSN_RELAYED, HEAD, false));
	assert_has(&b, "Action: relayed\r\nStatus: 2.0.0\r\n");
	assert_has(&b, "Final-Recipient: rfc822; s@example.net\r\n");
	assert_has_not(&b, "Will-Retry-Until");
	assert_has_not(&b, "w@example.net");
	buf_clear(&b);
	envelope_free(e);
}

static void
all_of_it_comes_back_only_if_asked_and_not_too_large(void **state)
{
	struct envelope *e = the_envelope();
	char *large = malloc(DSN_FULL_MAX + 2);
	struct buf b;

	(void)state;
	add_rcpt(e, "b@c", RCPT_FAILED, 0);
	e->ret = DSN_RET_FULL;
	buf_init(&b, DSN_MAX);
	assert_false(build(&b, e, DSN_FAILED, HEAD "\r\nbody", true));
	assert_has(&b, "Content-Type: message/rfc822\r\n\r\n" HEAD
		       "\r\nbody\r\n\r\n--" BOUNDARY "--\r\n");
	buf_reset(&b);
	assert_false(build(&b, e, DSN_FAILED, HEAD "\r\nbody", false));
	assert_has_not(&b, "body");
	buf_reset(&b);
	memset(large, 'x', DSN_FULL_MAX + 1);
	large[DSN_FULL_MAX + 1] = '\0';
	memcpy(large, HEAD "\r\n", strlen(HEAD) + 2);
	assert_false(build(&b, e, DSN_FAILED, large, true));
	assert_has_not(&b, "xxx");
	buf_reset(&b);
	e->ret = DSN_RET_HDRS;
	assert_false(build(&b, e, DSN_FAILED, HEAD "\r\nbody", true));
	assert_has_not(&b, "body");
	buf_clear(&b);
	free(large);
	envelope_free(e);
}

static void
a_long_header_is_cut_at_a_line_end(void **state)
{
	struct envelope *e = the_envelope();
	char *text = malloc(3 * DSN_HEADER_MAX);
	struct buf b;

	(void)state;
	add_rcpt(e, "b@c", RCPT_FAILED, 0);
	memset(text, 'x', 3 * DSN_HEADER_MAX);
	for (size_t at = 0; at + 100 < 3 * DSN_HEADER_MAX; at += 100)
		memcpy(text + at, "\r\nA: ", 5);
	memcpy(text, HEAD, strlen(HEAD));
	text[3 * DSN_HEADER_MAX - 1] = '\0';
	buf_init(&b, DSN_MAX);
	assert_false(build(&b, e, DSN_FAILED, text, false));
	assert_true(buf_len(&b) < DSN_HEADER_MAX + 5000);
	assert_true(buf_len(&b) > DSN_HEADER_MAX);
	assert_has(&b, "xx\r\n\r\n--" BOUNDARY "--\r\n");
	buf_clear(&b);
	free(text);
	envelope_free(e);
}

static void
foreign_text_stays_what_it_is(void **state)
{
	struct envelope *e = the_envelope();
	struct rcpt *r = add_rcpt(e, "b\\\xc3\xb6=@c", RCPT_FAILED, 0);
	struct buf b;

	(void)state;
	set_reply(r, 550, "5.7.1", "caf\xc3\xa9 \x1b[31m\r\nAction: delivered");
	buf_init(&b, DSN_MAX);
	assert_true(build(&b, e, DSN_FAILED, "Subject: \xc3\xb6\r\n", false));
	assert_has(&b, "Final-Recipient: utf-8; b\\x{5C}\\x{F6}\\x{3D}@c\r\n");
	/* Only the original may have 8 bits: accents go. */
	assert_has(&b, "Diagnostic-Code: smtp; 550 5.7.1 cafe");
	assert_has_not(&b, "caf\xc3\xa9");
	assert_has_not(&b, "\r\nAction: delivered");
	assert_has_not(&b, "\x1b");
	assert_has(&b, "Content-Transfer-Encoding: 8bit\r\n");
	buf_clear(&b);
	envelope_free(e);
}

static void
a_notice_about_thousands_stays_bounded(void **state)
{
	struct envelope *e = the_envelope();
	char text[VERDICT_TEXT_MAX];
	int listed = 0;
	struct buf b;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 5000; i++)
		set_reply(add_rcpt(e, "b@c", RCPT_FAILED, 0), 550, "", text);
	buf_init(&b, DSN_MAX);
	assert_false(build(&b, e, DSN_FAILED, HEAD, false));
	assert_has(&b, "... and 4950 more recipients");
	for (const char *at = buf_str(&b);
	     (at = strstr(at, "\nFinal-Recipient: ")) != NULL; at++)
		listed++;
	assert_int_equal(listed, DSN_RCPTS_MAX);
	buf_clear(&b);
	envelope_free(e);
}

static void
a_notice_that_does_not_fit_leaves_nothing(void **state)
{
	struct envelope *e = the_envelope();
	unsigned char next = 0;
	struct rng rng = { count_up, &next };
	struct dsn_opts opts = {
		.env = e, .hostname = "h", .from = "p@h", .rng = &rng
	};
	bool is_8bit = false;
	struct buf b;

	(void)state;
	add_rcpt(e, "b@c", RCPT_FAILED, 0);
	for (size_t max = 3; max < 1500; max += 7) {
		bool ok;

		buf_init(&b, max);
		assert_true(buf_adds(&b, "abc"));
		ok = dsn_build(&b, &opts, &is_8bit);
		if (!ok)
			assert_buf(&b, "abc");
		else
			assert_has(&b, "--\r\n");
		buf_clear(&b);
	}
	envelope_free(e);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_is_told_to_people_and_programs),
		cmocka_unit_test(only_those_who_want_a_notice_get_one),
		cmocka_unit_test(a_message_whose_time_ran_out_says_so),
		cmocka_unit_test(
		    a_delay_says_until_when_and_a_hand_over_to_whom),
		cmocka_unit_test(
		    all_of_it_comes_back_only_if_asked_and_not_too_large),
		cmocka_unit_test(a_long_header_is_cut_at_a_line_end),
		cmocka_unit_test(foreign_text_stays_what_it_is),
		cmocka_unit_test(a_notice_about_thousands_stays_bounded),
		cmocka_unit_test(a_notice_that_does_not_fit_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
