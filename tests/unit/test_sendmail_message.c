/* SPDX-License-Identifier: GPL-3.0-or-later */
/* -t, Bcc, Resent-, From: what sendmail makes of a header. */
#include "tests/lib/check.h"

#include <stdlib.h>

#include "sendmail/sendmail_message.h"

static const struct row {
	const char *in;
	const char *rcpts; /* with -t, comma behind each */
	const char *out; /* head and body */
} rows[] = {
	/* R15: folded Bcc in every place */
	{ "Bcc: c@x,\r\n d@x\r\nFrom: f@x\r\nTo: a@x\r\nBCC:\r\n\te@x\r\n"
	  "Cc: b@x\r\n\r\nBcc: body\r\n",
	    "c@x,d@x,a@x,e@x,b@x,",
	    "From: f@x\r\nTo: a@x\r\nCc: b@x\r\n\r\nBcc: body\r\n" },
	/* the newest block of Resent- fields only */
	{ "Resent-From: r@x\r\nResent-To: new@x\r\nResent-Bcc: hidden@x\r\n"
	  "Resent-From: old@x\r\nResent-To: old@x\r\nFrom: f@x\r\nTo: a@x\r\n"
	  "\r\n",
	    "new@x,hidden@x,",
	    "Resent-From: r@x\r\nResent-To: new@x\r\nResent-From: old@x\r\n"
	    "Resent-To: old@x\r\nFrom: f@x\r\nTo: a@x\r\n\r\n" },
	{ "Resent-To: new@x\r\nReceived: by x\r\nResent-Cc: old@x\r\n"
	  "From: f@x\r\n\r\n",
	    "new@x,",
	    "Resent-To: new@x\r\nReceived: by x\r\nResent-Cc: old@x\r\n"
	    "From: f@x\r\n\r\n" },
	/* no header at all, no body at all, nothing at all */
	{ "just text\r\n", "", "From: Me <me@host>\r\n\r\njust text\r\n" },
	{ "To: a@x\r\n", "a@x,", "To: a@x\r\nFrom: Me <me@host>\r\n\r\n" },
	{ "", "", "From: Me <me@host>\r\n\r\n" },
	/* a list without indent and comma, and a field without its colon */
	{ "To: a@x\r\n<b@x>, c@x\r\nFrom: f@x\r\n\r\n", "a@x,b@x,c@x,",
	    "To: a@x\r\n , <b@x>, c@x\r\nFrom: f@x\r\n\r\n" },
	{ "To: a@x\r\nb@x said\r\n\r\n", "a@x,",
	    "To: a@x\r\nFrom: Me <me@host>\r\n\r\nb@x said\r\n\r\n" },
	{ "To a@x\r\nCc: b@x\r\n\r\n", "a@x,b@x,",
	    "To: a@x\r\nCc: b@x\r\nFrom: Me <me@host>\r\n\r\n" },
	/* an mbox line */
	{ "From me Fri Aug 21 10:00:00 2026\r\nTo: a@x\r\nFrom: "
	  "f@x\r\n\r\nb\r\n",
	    "a@x,", "To: a@x\r\nFrom: f@x\r\n\r\nb\r\n" },
	/* names, groups, comments, bare names, doubles */
	{ "From: f@x\r\nTo: \"a, b\" <a@x>, G: b@x, c@x;, root (me)\r\n"
	  "Cc: A@x, a@X, root\r\n\r\n",
	    "a@x,b@x,c@x,root,A@x,",
	    "From: f@x\r\nTo: \"a, b\" <a@x>, G: b@x, c@x;, root (me)\r\n"
	    "Cc: A@x, a@X, root\r\n\r\n" },
	/* an address that looks like an option is not passed on */
	/* a comma in a name; hidden recipients; obsolete forms */
	{ "From: f@x\r\nTo: Smith, Joe <a@x>, ops, Al <b@x>\r\n\r\n",
	    "a@x,ops,b@x,",
	    "From: f@x\r\nTo: Smith, Joe <a@x>, ops, Al <b@x>\r\n\r\n" },
	{ "From: f@x\r\nTo: Undisclosed-Recipients\r\nBcc: a@x; b@x\r\n\r\n",
	    "a@x,b@x,", "From: f@x\r\nTo: Undisclosed-Recipients\r\n\r\n" },
	/* addresses in encoded words; an empty one is none */
	{ "From: f@x\r\nTo: a@x, =?utf-8?q?J=C3=B6_<b@x>?=,\r\n \"\", C "
	  "<=?utf-8?q?c=40x?=>\r\n\r\n",
	    "a@x,b@x,c@x,",
	    "From: f@x\r\nTo: a@x, =?utf-8?q?J=C3=B6_<b@x>?=,\r\n \"\", C "
	    "<=?utf-8?q?c=40x?=>\r\n\r\n" },
	/* a line of the list that is not indented */
	{ "From: f@x\r\nTo: a@x,\r\nb@x, c@x\r\nBcc=d@x\r\n\r\n",
	    "a@x,b@x,c@x,d@x,", "From: f@x\r\nTo: a@x,\r\n b@x, c@x\r\n\r\n" },
	{ "From: f@x\r\nTo: a.\"b\".c@x.\r\n\r\n", "a.b.c@x,",
	    "From: f@x\r\nTo: a.\"b\".c@x.\r\n\r\n" },
};

static void
list_rcpts(const struct sendmail_message *m, struct buf *to)
{
	for (size_t i = 0; i < m->nrcpts; i++)
		assert_true(buf_addf(to, "%s,", m->rcpts[i].addr));
}

static bool
is_small(void *ctx, const char *word)
{
	(void)ctx;
	return word[0] >= 'a' && word[0] <= 'z';
}

/* Whoever mends the entry and tries again must not send twice to the others. */
static void
a_damaged_list_is_refused_as_a_whole_and_the_entry_named(void **state)
{
	static const char *const bad[][2] = {
		{ "To: a@x, bob[@y.example, c@x", "To: \"bob[@y.example\"" },
		{ "To: a@x\n b@x, c@x", "To: \"a@x b@x\"" },
		{ "To: a@x, <mailto:b@x>, c@x", "To: \"<mailto:b@x>\"" },
		{ "To: a@x, <<b@x>>, c@x", "To: \"<<b@x>>\"" },
		{ "Cc: a@x, \"Joe <b@x>, c@x", "Cc: \"\"Joe <b@x>\"" },
		{ "Bcc: a@x, (b@x, c@x", "Bcc: \"(b@x\"" },
		{ "To: a@x b@x, c@x", "To: \"a@x b@x\"" },
		{ "To: <a@x> <b@x>, c@x", "To: \"<b@x>\"" },
		{ "To: a@x, <b@x", "To: \"<b@x\"" },
		{ "To: a@x\r\nCc: b@@x", "Cc: \"b@@x\"" },
		{ "To: a@x, b@y..z", "To: \"b@y..z\"" },
		{ "To: a@x, b@y!z", "To: \"b@y!z\"" },
		{ "To: a@x, b..\"c@x", "To: \"b..\"c@x\"" },
		{ "To: -oQ/tmp@x, a@x", "To: \"-oQ/tmp@x\"" },
		{ "Resent-To: a@x, b c@x", "Resent-To: \"b c@x\"" },
		{ "To: a@x, b@x <>, d@x", "To: \"b@x <>\"" },
		{ "To: a@x, b@x:c@x, d@x", "To: \"b@x:c@x\"" },
		{ "To: a@x\r\n Cc: b@x", "To: \"a@x Cc: b@x\"" },
		{ "To: a@x, =?utf-8?q?b=5B=40x?=",
		    "To: \"=?utf-8?q?b=5B=40x?=\"" },
	};
	const struct sendmail_wishes wishes = { .has_header_rcpts = true,
		.from = "x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct sendmail_message m;
		struct err err = { 0 };

		sendmail_message_init(&m);
		assert_int_equal(sendmail_message_set(
				     &m, bytes_str(bad[i][0]), &wishes, &err),
		    -1);
		assert_int_equal(err.class, ERR_INPUT);
		if (strstr(err.text, bad[i][1]) != err.text)
			fail_msg("%s: %s", bad[i][0], err.text);
		sendmail_message_clear(&m);
	}
}

static void
headers_become_envelopes(void **state)
{
	const struct sendmail_wishes wishes = { .has_header_rcpts = true,
		.from = "Me <me@host>",
		.is_name = is_small };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sendmail_message m;
		struct buf got;

		buf_init(&got, 4096);
		sendmail_message_init(&m);
		assert_int_equal(sendmail_message_set(
				     &m, bytes_str(rows[i].in), &wishes, NULL),
		    0);
		list_rcpts(&m, &got);
		assert_string_equal(buf_str(&got), rows[i].rcpts);
		buf_reset(&got);
		assert_true(buf_add(&got, buf_str(&m.head), buf_len(&m.head)));
		assert_true(buf_add(&got, m.body.p, m.body.n));
		assert_string_equal(buf_str(&got), rows[i].out);
		sendmail_message_clear(&m);
		buf_clear(&got);
	}
}

static void
without_t_only_the_words_count_and_bcc_still_goes(void **state)
{
	static const char text[] =
	    "To: a@x\r\nBcc: secret@x\r\nFrom: f@x\r\n\r\n";
	const struct sendmail_wishes wishes = { .from = "x" };
	struct sendmail_message m;

	(void)state;
	sendmail_message_init(&m);
	assert_int_equal(
	    sendmail_message_add_word(&m, "Joe <b@x>, c@x", NULL), 0);
	assert_int_equal(sendmail_message_add_word(&m, "b@x", NULL), 0);
	assert_int_equal(sendmail_message_set(&m,
			     bytes_of(text, sizeof(text) - 1), &wishes, NULL),
	    0);
	assert_int_equal(m.nrcpts, 2);
	assert_string_equal(m.rcpts[0].addr, "b@x");
	assert_string_equal(m.rcpts[1].addr, "c@x");
	assert_buf(&m.head, "To: a@x\r\nFrom: f@x\r\n\r\n");
	sendmail_message_clear(&m);
}

/* R8 */
static void
words_that_are_no_address_are_refused(void **state)
{
	static const char *const bad[] = { "", " ", ",", "a@x\nRCPT TO:<b@x>",
		"a@x\r", "-oQ", "-a@x", "<a@x", "a@x>", "a b@x", "\"a@x",
		"a@x\x7f", "a@x, -b", "a@\xff", "a@x, bob[@y", "a@b..c",
		"a@b!c", "a@x, \"b" };
	struct sendmail_message m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = { 0 };

		sendmail_message_init(&m);
		assert_int_equal(
		    sendmail_message_add_word(&m, bad[i], &err), -1);
		assert_int_equal(err.class, ERR_INPUT);
		for (const char *p = err.text; *p != '\0'; p++)
			assert_true(*p >= ' ' && *p <= '~');
		sendmail_message_clear(&m);
	}
}

static void
eight_bit_is_seen(void **state)
{
	static const char text[] = "From: f@x\r\n\r\nna\xc3\xafve\r\n";
	const struct sendmail_wishes wishes = { .from = "x" };
	struct sendmail_message m;

	(void)state;
	sendmail_message_init(&m);
	assert_int_equal(sendmail_message_set(&m,
			     bytes_of(text, sizeof(text) - 1), &wishes, NULL),
	    0);
	assert_true(m.is_8bit);
	sendmail_message_clear(&m);
}

static void
a_nul_is_left_to_the_daemon(void **state)
{
	static const char text[] = "From: f@x\r\n\r\na\0b\r\n";
	const struct sendmail_wishes wishes = { .from = "x" };
	struct sendmail_message m;
	struct err err = { 0 };

	(void)state;
	sendmail_message_init(&m);
	assert_int_equal(sendmail_message_set(&m,
			     bytes_of(text, sizeof(text) - 1), &wishes, &err),
	    0);
	assert_int_equal(m.body.n, 5);
	assert_memory_equal(m.body.p, "a\0b\r\n", 5);
	sendmail_message_clear(&m);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_damaged_list_is_refused_as_a_whole_and_the_entry_named),
		cmocka_unit_test(headers_become_envelopes),
		cmocka_unit_test(
		    without_t_only_the_words_count_and_bcc_still_goes),
		cmocka_unit_test(words_that_are_no_address_are_refused),
		cmocka_unit_test(eight_bit_is_seen),
		cmocka_unit_test(a_nul_is_left_to_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
