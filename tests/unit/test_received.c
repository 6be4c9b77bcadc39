/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RFC 5321 4.4 and R14: our trace field, whatever the client called itself. */
#include "tests/lib/check.h"

#include "base/str.h"
#include "mail/received.h"

#define DATE "; Fri, 21 Aug 2026 14:03:05 +0200"

static const struct row {
	const char *peer, *helo, *user;
	uint32_t uid;
	const char *with, *rcpt;
	bool hides;
	const char *expect;
} rows[] = {
	{ "127.0.0.1:40112", "laptop", "alice", 1000, "ESMTP", "b@c", false,
	    "from laptop ([127.0.0.1]) (user alice, uid 1000) by mx.example "
	    "(relais) with ESMTP id X1 for <b@c>" DATE },
	{ "[::1]:40112", "[127.0.0.1]", NULL, 1000, "ESMTP", NULL, false,
	    "from [127.0.0.1] ([IPv6:::1]) (uid 1000) by mx.example (relais) "
	    "with ESMTP id X1" DATE },
	{ "192.0.2.7:1", NULL, NULL, UID_UNKNOWN, "SMTP", NULL, false,
	    "from unknown ([192.0.2.7]) by mx.example (relais) with SMTP id "
	    "X1" DATE },
	{ "unix", "x", "alice", 1000, "ESMTP", NULL, false,
	    "from alice by mx.example (relais, userid 1000) with ESMTP id "
	    "X1" DATE },
	{ "drop", NULL, NULL, 33, "local", "b@c", false,
	    "by mx.example (relais, userid 33) with local id X1 for "
	    "<b@c>" DATE },
	{ "", NULL, NULL, UID_UNKNOWN, NULL, NULL, false,
	    "by mx.example (relais) id X1" DATE },
	{ "127.0.0.1:40112", "laptop", "alice", 1000, "ESMTP", "b@c", true,
	    "by mx.example (relais) with ESMTP id X1 for <b@c>" DATE },
	/* hostile */
	{ "127.0.0.1:40112", "a b) by evil (x\r\nBcc: v", "al(ice\\", 1,
	    "ESMTP", NULL, false,
	    "from a?b??by?evil??x??Bcc:?v ([127.0.0.1]) (user al?ice?, uid 1) "
	    "by mx.example (relais) with ESMTP id X1" DATE },
	{ "1.2.3.4) (x:1", "h", NULL, UID_UNKNOWN, "SMTP", NULL, false,
	    "by mx.example (relais) with SMTP id X1" DATE },
	{ "unix", NULL, NULL, 1, "SMTP", "b@c> x", false,
	    "by mx.example (relais, userid 1) with SMTP id X1" DATE },
	{ "unix", NULL, NULL, 1, "SMTP", "b@\xc3\xb6", false,
	    "by mx.example (relais, userid 1) with SMTP id X1" DATE },
};

static struct envelope *
envelope_of(const struct row *row)
{
	struct envelope *e = envelope_new();

	memcpy(e->id, "X1", 3);
	envelope_set(&e->peer, row->peer);
	envelope_set(&e->helo, row->helo);
	envelope_set(&e->user, row->user);
	e->uid = row->uid;
	if (row->rcpt != NULL)
		envelope_add_rcpt(e, row->rcpt);
	return e;
}

static void
the_field_names_the_submitter_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct envelope *e = envelope_of(&rows[i]);
		struct received_opts opts = {
			.env = e,
			.hostname = "mx.example",
			.with = rows[i].with,
			.wall_ms = INT64_C(1787313785000),
			.utc_offset_s = 7200,
			.hide_submitter = rows[i].hides,
		};
		struct buf b;

		buf_init(&b, 2000);
		assert_true(received_value(&b, &opts));
		assert_buf(&b, rows[i].expect);
		buf_clear(&b);
		envelope_free(e);
	}
}

static void
no_recipient_learns_of_another(void **state)
{
	struct envelope *e = envelope_of(&rows[0]);
	struct received_opts opts = { .env = e, .hostname = "h" };
	struct buf b;

	(void)state;
	envelope_add_rcpt(e, "second@example.org");
	buf_init(&b, 2000);
	assert_true(received_value(&b, &opts));
	assert_null(strstr(buf_str(&b), "for <"));
	buf_clear(&b);
	envelope_free(e);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_field_names_the_submitter_and_nothing_else),
		cmocka_unit_test(no_recipient_learns_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
