/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which messages are equal, and what one says that stands for many. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/siphash.h"
#include "mail/header.h"
#include "rewrite/fold_hash.h"
#include "rewrite/intake.h"

static const unsigned char key[SIPHASH_KEY_BYTES] = "sixteen bytes...";

/* Of a message on its way in, in pieces of that size. */
static uint64_t
fold_hash_of(const char *text, size_t chunk, int64_t wall_ms)
{
	struct envelope *e = envelope_new();
	struct intake_facts facts = { .env = e,
		.hostname = "mx.example.org",
		.with = "ESMTP",
		.wall_ms = wall_ms,
		.fold_key = key };
	size_t n = strlen(text);
	struct intake *in;
	uint64_t result;
	const void *p;

	envelope_set(&e->sender, "a@example.org");
	(void)snprintf(e->id, sizeof(e->id), "ID%ld", (long)(wall_ms % 1000));
	(void)envelope_add_rcpt(e, "b@example.net");
	in = intake_new(&facts);
	for (size_t at = 0; at < n; at += chunk) {
		assert_true(
		    intake_put(in, text + at, n - at < chunk ? n - at : chunk));
		while (intake_peek(in, &p) > 0)
			intake_took(in, intake_peek(in, &p));
	}
	assert_true(intake_end(in));
	result = intake_seen(in)->fold_hash;
	intake_free(in);
	envelope_free(e);
	return result;
}

#define HEAD "From: a@example.org\r\nSubject: hello\r\n"
#define BODY "\r\nIt has failed.\r\n"

static void
time_and_names_of_a_message_make_no_difference(void **state)
{
	static const char *const equal[] = {
		HEAD BODY,
		HEAD "Date: Mon, 2 Nov 2026 00:00:00 +0000\r\n" BODY,
		"Date: Tue, 3 Nov 2026 00:00:00 +0000\r\n" HEAD BODY,
		HEAD "Message-ID: <1@x>\r\n" BODY,
		"message-id:\r\n <2@x>\r\n" HEAD BODY,
		"Received: from a by b; Mon, 2 Nov 2026 00:00:00 +0000\r\n" HEAD
		    BODY,
	};
	uint64_t want = fold_hash_of(equal[0], 1000, 1000);

	(void)state;
	assert_int_not_equal(want, 0);
	for (size_t i = 0; i < ARRAY_LEN(equal); i++)
		for (size_t chunk = 1; chunk < 80; chunk++)
			assert_int_equal(fold_hash_of(equal[i], chunk,
					     1234567 + (int64_t)chunk),
			    want);
}

static void
anything_else_does(void **state)
{
	static const char *const all[] = {
		HEAD BODY,
		"From: a@example.org\r\nSubject: hallo\r\n" BODY,
		"From: b@example.org\r\nSubject: hello\r\n" BODY,
		HEAD "\r\nIt has failed!\r\n",
		HEAD "\r\nIt has failed.\r\n\r\n",
		HEAD "\r\n\r\nIt has failed.\r\n",
		HEAD "X-Host: 1\r\n" BODY,
		HEAD "X-Host: 2\r\n" BODY,
		/* The same bytes, on the other side of the empty line. */
		HEAD "\r\nX-Host: 1\r\n" BODY,
		"Subject: hello\r\nFrom: a@example.org\r\n" BODY,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(fold_hash_of(all[i], 1000, 1000),
			    fold_hash_of(all[k], 1000, 1000));
}

static void
check_told(const char *head, uint32_t n, const char *want)
{
	struct header *h = header_new();
	struct buf b;

	(void)header_put(h, head, strlen(head));
	header_end(h);
	fold_hash_tell(h, n, 1795654800);
	buf_init(&b, 300000);
	assert_true(header_write(h, &b));
	assert_buf(&b, want);
	buf_clear(&b);
	header_free(h);
}

#define TOLD(n)                                                                \
	"X-Relais-Equal: " n " others, not sent; the last: "                   \
	"Thu, 26 Nov 2026 01:00:00 +0000\r\n"

static void
who_stands_for_others_says_so(void **state)
{
	(void)state;
	check_told("Subject: it failed\r\nTo: x\r\n\r\n", 57,
	    "Subject: [58 times] it failed\r\nTo: x\r\n" TOLD("57"));
	check_told("subject:\r\n =?utf-8?q?=C3=A4?=\r\n\r\n", 1,
	    "Subject: [2 times] =?utf-8?q?=C3=A4?=\r\n" TOLD("1"));
	check_told("To: x\r\n\r\n", 99,
	    "To: x\r\nSubject: [100 times]\r\n" TOLD("99"));
	/* A signature over another subject helps nobody. */
	check_told("DKIM-Signature: v=1; h=subject\r\nSubject: a\r\n\r\n", 1,
	    "Subject: [2 times] a\r\n" TOLD("1"));
}

/* A word that no line can hold. */
static void
a_subject_without_room_stays(void **state)
{
	char *head = malloc(2000), *want = malloc(3000);

	(void)state;
	(void)snprintf(head, 2000, "Subject: %01000d\r\n\r\n", 0);
	(void)snprintf(want, 3000, "Subject: %01000d\r\n%s", 0, TOLD("3"));
	check_told(head, 3, want);
	free(head);
	free(want);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    time_and_names_of_a_message_make_no_difference),
		cmocka_unit_test(anything_else_does),
		cmocka_unit_test(who_stands_for_others_says_so),
		cmocka_unit_test(a_subject_without_room_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
