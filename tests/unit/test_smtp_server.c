/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server engine: R1, R4, R8, R10, R11, R28, R37, R51, R68, R77. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "smtp/smtp_limits.h"
#include "tests/lib/ss_driver.h"

#define HELLO   "220 h.example ESMTP ready\r\n"
#define OK      "250 2.0.0 fine\r\n"
#define GO      "354 send the message, end it by <CRLF>.<CRLF>\r\n"
#define BYE     "221 2.0.0 bye\r\n"
#define NO_HELO "503 5.5.1 say EHLO or HELO first\r\n"
#define NO_MAIL "503 5.5.1 MAIL comes first\r\n"

static const struct smtp_server_opts plain = { .hostname = "h.example" };
static const struct smtp_server_opts chunking = { .hostname = "h.example",
	.may_chunk = true };
static const struct smtp_server_opts small = { .hostname = "h.example",
	.max_size_bytes = 10,
	.max_rcpts = 2,
	.may_chunk = true };
static const struct ss_login_opts provider = { .may_starttls = true,
	.must_starttls = true,
	.must_auth = true,
	.mechanisms = "SCRAM-SHA-256 PLAIN" };

/* --- conversations ---------------------------------------------------------
 */

struct talk {
	const struct smtp_server_opts *opts;
	const char *in; /* no NUL in it */
	const char *out; /* all of it; NULL: not looked at */
	const char *events;
	const char *message; /* the newest; NULL: not looked at */
};

static void
check_talk(const void *arg, size_t chunk)
{
	const struct talk *t = arg;
	struct ss_driver d;

	ss_driver_init(&d, t->opts);
	(void)ss_driver_feed(&d, t->in, strlen(t->in), chunk);
	if (t->out != NULL)
		assert_string_equal(buf_str(&d.out), t->out);
	assert_string_equal(buf_str(&d.events), t->events);
	if (t->message != NULL)
		assert_string_equal(buf_str(&d.message), t->message);
	assert_false(d.is_broken);
	ss_driver_clear(&d);
}

static void
check_talks(const struct talk *talks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_chunks(check_talk, &talks[i], strlen(talks[i].in));
}

static void
a_message_is_handed_over_whole(void **state)
{
	static const struct talk talks[] = {
		{ &plain,
		    "EHLO me\r\nMAIL FROM:<a@b> SIZE=5 BODY=8BITMIME RET=HDRS "
		    "ENVID=q\r\nRCPT TO:<c@d> NOTIFY=NEVER ORCPT=rfc822;x\r\n"
		    "DATA\r\nx\r\n..y\r\n.\r\nQUIT\r\n",
		    HELLO
		    "250-h.example\r\n250-PIPELINING\r\n250-SIZE\r\n"
		    "250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"
		    "250-ENHANCEDSTATUSCODES\r\n250 HELP\r\n" OK OK GO OK BYE,
		    "MAIL <a@b> size=5 8bit hdrs envid=q\n"
		    "RCPT <c@d> notify=1 orcpt=rfc822;x\nEND\nCLOSE quit\n",
		    "x\r\n.y\r\n" },
		{ &plain,
		    "helo me\r\nmail from:root\r\nrcpt to: <>\r\n"
		    "rcpt to: root \r\ndata\r\n.\r\n",
		    HELLO "250 h.example\r\n" OK
			  "501 5.1.3 malformed recipient address\r\n" OK GO OK,
		    "MAIL <root> size=0\nRCPT <root> notify=0\nEND\n", "" },
		/* Two messages, the first refused at its end. */
		{ &plain,
		    "HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<a>\r\nDATA\r\n"
		    "never\r\n.\r\nRCPT TO:<b>\r\nDATA\r\n"
		    "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nx\n\r\n.\r\n",
		    HELLO "250 h.example\r\n" OK OK GO "550 no\r\n"
			  "503 5.5.1 MAIL comes first\r\n"
			  "503 5.5.1 MAIL comes first\r\n" OK OK GO OK,
		    "MAIL <> size=0\nRCPT <a> notify=0\nEND\n"
		    "MAIL <a> size=0\nRCPT <b> notify=0\nEND bare\n",
		    "x\r\n\r\n" },
	};

	(void)state;
	check_talks(talks, ARRAY_LEN(talks));
}

static void
commands_out_of_order_change_nothing(void **state)
{
	static const struct talk talks[] = {
		{ &chunking,
		    "STARTTLS\r\nRCPT TO:<a>\r\nDATA\r\nBDAT 3\r\nxyz"
		    "NOOP x\r\nRSET\r\nVRFY x\r\n",
		    HELLO NO_HELO NO_MAIL NO_MAIL NO_MAIL
		    "250 2.0.0 ok\r\n250 2.0.0 ok\r\n"
		    "252 2.5.2 send some mail, it will be tried\r\n",
		    "", NULL },
		{ &plain,
		    "HELO x\r\nMAIL FROM:<a>\r\nMAIL FROM:<b>\r\nDATA\r\n"
		    "RCPT TO:<c>\r\nMAIL FROM:<d>\r\nDATA\r\n.\r\n",
		    HELLO "250 h.example\r\n" OK
			  "503 5.5.1 a transaction is under way: end it or "
			  "RSET it first\r\n"
			  "503 5.5.1 RCPT comes first\r\n" OK
			  "503 5.5.1 a transaction is under way: end it or "
			  "RSET it first\r\n" GO OK,
		    "MAIL <a> size=0\nRCPT <c> notify=0\nEND\n", "" },
	};

	(void)state;
	check_talks(talks, ARRAY_LEN(talks));
}

static void
refused_recipients_end_in_554_and_a_reset(void **state)
{
	static const struct talk talks[] = {
		{ &plain,
		    "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<never>\r\n"
		    "RCPT TO:<later>\r\nDATA\r\nRCPT TO:<b>\r\n",
		    HELLO "250 h.example\r\n" OK "550 no\r\n451 no\r\n"
			  "554 5.5.1 no valid recipients\r\n"
			  "503 5.5.1 MAIL comes first\r\n",
		    "MAIL <a> size=0\nRCPT <never> notify=0\n"
		    "RCPT <later> notify=0\nABORT\n",
		    NULL },
		{ &plain, "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<>\r\nDATA\r\n",
		    HELLO "250 h.example\r\n" OK
			  "501 5.1.3 malformed recipient address\r\n"
			  "554 5.5.1 no valid recipients\r\n",
		    "MAIL <a> size=0\nABORT\n", NULL },
		{ &plain,
		    "HELO x\r\nMAIL FROM:<never>\r\nRCPT TO:<b>\r\nDATA\r\n",
		    HELLO "250 h.example\r\n550 no\r\n"
			  "503 5.5.1 MAIL comes first\r\n"
			  "503 5.5.1 MAIL comes first\r\n",
		    "MAIL <never> size=0\n", NULL },
	};

	(void)state;
	check_talks(talks, ARRAY_LEN(talks));
}

static void
rset_ehlo_and_quit_abort_the_transaction(void **state)
{
	static const struct talk talks[] = {
		{ &plain,
		    "HELO x\r\nMAIL FROM:<a>\r\nRSET\r\nMAIL FROM:<b>\r\n"
		    "HELO x\r\nMAIL FROM:<c>\r\nRCPT "
		    "TO:<d>\r\nQUIT\r\nNOOP\r\n",
		    NULL,
		    "MAIL <a> size=0\nABORT\nMAIL <b> size=0\nABORT\n"
		    "MAIL <c> size=0\nRCPT <d> notify=0\nABORT\nCLOSE quit\n",
		    NULL },
		/* A refused EHLO is no EHLO. */
		{ &plain, "HELO x\r\nMAIL FROM:<a>\r\nEHLO\r\nRCPT TO:<b>\r\n",
		    NULL, "MAIL <a> size=0\nRCPT <b> notify=0\n", NULL },
	};

	(void)state;
	check_talks(talks, ARRAY_LEN(talks));
}

/* R1: RELIABILITY 2.2, through the whole engine: one message, no command. */
static void
nothing_is_smuggled_behind_a_message(void **state)
{
	static const char *const ends[] = { "\n.\n", "\n.\r\n", "\r\n.\n",
		"\r.\n", "\n.\r", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n.\r\r\n",
		"\r\n. \r\n", "\r\n.\t\r\n" };
	static const char before[] = "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>"
				     "\r\nDATA\r\nx";
	static const char behind[] = "MAIL FROM:<evil>\r\nRCPT TO:<evil>\r\n"
				     "DATA\r\nevil\r\n.\r\n";
	char in[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct talk t = { &plain, in, NULL,
			"MAIL <a> size=0\nRCPT <b> notify=0\nEND bare\n",
			NULL };

		if (strchr(ends[i], ' ') != NULL || strchr(ends[i], '\t'))
			t.events = "MAIL <a> size=0\nRCPT <b> notify=0\nEND\n";
		(void)snprintf(
		    in, sizeof(in), "%s%s%s", before, ends[i], behind);
		check_chunks(check_talk, &t, strlen(in));
	}
}

static void
chunks_are_counted_and_may_end_empty(void **state)
{
	static const struct talk talks[] = {
		{ &chunking,
		    "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 3\r\nx\r\n"
		    "BDAT 7\r\n.\r\nQUIT"
		    "BDAT 0 LAST\r\nBDAT 1 LAST\r\nx",
		    HELLO "250 h.example\r\n" OK OK
			  "250 2.0.0 chunk received\r\n"
			  "250 2.0.0 chunk received\r\n" OK
			  "503 5.5.1 MAIL comes first\r\n",
		    "MAIL <a> size=0\nRCPT <b> notify=0\nEND\n",
		    "x\r\n.\r\nQUIT\r\n" },
		{ &chunking,
		    "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 0 LAST\r\n",
		    NULL, "MAIL <a> size=0\nRCPT <b> notify=0\nEND\n", "" },
		/* A CR LF cut by the border of a chunk is one. */
		{ &chunking,
		    "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 2\r\nx\r"
		    "BDAT 2 last\r\n\ny",
		    NULL, "MAIL <a> size=0\nRCPT <b> notify=0\nEND\n",
		    "x\r\ny\r\n" },
		/* No mixing, and a refused chunk is read, not run. */
		{ &chunking,
		    "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 1\r\nx"
		    "DATA\r\nRCPT TO:<c>\r\nMAIL FROM:<d>\r\n"
		    "BDAT 0 LAST\r\n",
		    HELLO "250 h.example\r\n" OK OK
			  "250 2.0.0 chunk received\r\n"
			  "503 5.5.1 BDAT has begun, only BDAT may follow\r\n"
			  "503 5.5.1 BDAT has begun, only BDAT may follow\r\n"
			  "503 5.5.1 a transaction is under way: end it or "
			  "RSET it first\r\n" OK,
		    "MAIL <a> size=0\nRCPT <b> notify=0\nEND\n", "x\r\n" },
		{ &chunking,
		    "HELO x\r\nMAIL FROM:<a>\r\nBDAT 6\r\nQUIT\r\nNOOP\r\n",
		    HELLO "250 h.example\r\n" OK
			  "503 5.5.1 RCPT comes first\r\n250 2.0.0 ok\r\n",
		    "MAIL <a> size=0\nABORT\n", NULL },
		{ &plain, "HELO x\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
		    HELLO "250 h.example\r\n"
			  "502 5.5.1 command not implemented\r\n"
			  "250 2.0.0 ok\r\n",
		    "", NULL },
		/* How much to skip is unknown here. */
		{ &chunking,
		    "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\n"
		    "BDAT 18446744073709551616\r\nQUIT\r\n",
		    NULL,
		    "MAIL <a> size=0\nRCPT <b> notify=0\nABORT\n"
		    "CLOSE malformed BDAT\n",
		    NULL },
		/* A sum that would wrap is too big, not small. */
		{ &small,
		    "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 1\r\nx"
		    "BDAT 18446744073709551615\r\nQUIT\r\n",
		    HELLO "250 h.example\r\n" OK OK
			  "250 2.0.0 chunk received\r\n",
		    "MAIL <a> size=0\nRCPT <b> notify=0\nABORT\n", NULL },
	};

	(void)state;
	check_talks(talks, ARRAY_LEN(talks));
}

static void
size_is_limited_before_during_and_per_chunk(void **state)
{
	static const struct talk talks[] = {
		{ &small,
		    "HELO x\r\nMAIL FROM:<a> SIZE=11\r\n"
		    "MAIL FROM:<a> SIZE=10\r\nRCPT TO:<b>\r\nDATA\r\n"
		    "12345678\r\n.\r\n",
		    HELLO
		    "250 h.example\r\n"
		    "552 5.3.4 no message larger than 10 bytes\r\n" OK OK GO OK,
		    "MAIL <a> size=10\nRCPT <b> notify=0\nEND\n",
		    "12345678\r\n" },
		{ &small,
		    "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"
		    "123456789\r\nQUIT\r\n.\r\nNOOP\r\n",
		    HELLO "250 h.example\r\n" OK OK GO
			  "552 5.3.4 no message larger than 10 bytes\r\n"
			  "250 2.0.0 ok\r\n",
		    "MAIL <a> size=0\nRCPT <b> notify=0\nABORT\n", NULL },
		{ &small,
		    "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 6\r\n123456"
		    "BDAT 6\r\nQUIT\r\nNOOP\r\n",
		    HELLO "250 h.example\r\n" OK OK
			  "250 2.0.0 chunk received\r\n"
			  "552 5.3.4 no message larger than 10 bytes\r\n"
			  "250 2.0.0 ok\r\n",
		    "MAIL <a> size=0\nRCPT <b> notify=0\nABORT\n", NULL },
		{ &small,
		    "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 11 LAST\r\n"
		    "1234567\r\n\r\nNOOP\r\n",
		    HELLO "250 h.example\r\n" OK OK
			  "552 5.3.4 no message larger than 10 bytes\r\n"
			  "250 2.0.0 ok\r\n",
		    "MAIL <a> size=0\nRCPT <b> notify=0\nABORT\n", NULL },
		/* Repair makes it grow. */
		{ &small,
		    "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\n"
		    "BDAT 8 LAST\r\n\n\n\n\n\n\n\n\nNOOP\r\n",
		    HELLO "250 h.example\r\n" OK OK
			  "552 5.3.4 no message larger than 10 bytes\r\n"
			  "250 2.0.0 ok\r\n",
		    "MAIL <a> size=0\nRCPT <b> notify=0\nABORT\n", NULL },
	};

	(void)state;
	check_talks(talks, ARRAY_LEN(talks));
}

static void
a_chunk_that_is_too_large_is_not_begun(void **state)
{
	static const char talk[] = "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\n"
				   "BDAT 1000000 LAST\r\n12345";
	struct ss_driver d;

	(void)state;
	ss_driver_init(&d, &small);
	(void)ss_driver_feed(&d, talk, sizeof(talk) - 1, 1);
	assert_false(d.has_mail);
	ss_driver_clear(&d);
}

static void
recipients_beyond_the_limit_wait_and_the_others_stay(void **state)
{
	static const struct talk talks[] = { { &small,
	    "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<never>\r\n"
	    "RCPT TO:<c>\r\nRCPT TO:<d>\r\nDATA\r\n.\r\n",
	    HELLO "250 h.example\r\n" OK OK "550 no\r\n" OK
		  "452 4.5.3 no more than 2 recipients\r\n" GO OK,
	    "MAIL <a> size=0\nRCPT <b> notify=0\nRCPT <never> notify=0\n"
	    "RCPT <c> notify=0\nEND\n",
	    "" } };

	(void)state;
	check_talks(talks, ARRAY_LEN(talks));
}

/* RFC 5321 4.1.4 wants HELO first; small scripts on the machine leave it
 * out. */
static void
mail_without_helo_is_taken(void **state)
{
	static const struct talk talks[] = {
		{ &plain,
		    "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nx\r\n.\r\n"
		    "MAIL FROM:<c> SIZE=3 BODY=8BITMIME\r\nRSET\r\n"
		    "RCPT TO:<b>\r\nQUIT\r\n",
		    HELLO OK OK GO OK OK "250 2.0.0 ok\r\n" NO_MAIL BYE,
		    "MAIL <a> size=0\nRCPT <b> notify=0\nEND\n"
		    "MAIL <c> size=3 8bit\nABORT\nCLOSE quit\n",
		    "" },
		/* A refused one leaves no transaction behind. */
		{ &plain,
		    "MAIL FROM:<never>\r\nRCPT TO:<b>\r\nMAIL FROM:<a>\r\n",
		    HELLO "550 no\r\n" NO_MAIL OK,
		    "MAIL <never> size=0\nMAIL <a> size=0\n", "" },
	};
	struct ss_driver d;

	(void)state;
	check_talks(talks, ARRAY_LEN(talks));
	ss_driver_init(&d, &plain);
	(void)ss_driver_feed(&d, "MAIL FROM:<a>\r\n", 15, 99);
	assert_null(smtp_server_helo(d.s));
	assert_string_equal(smtp_server_with(d.s), "SMTP");
	ss_driver_clear(&d);
}

/* Identity may replace the address, so that nothing of it is sent. */
static void
a_sender_over_127_without_smtputf8_is_for_the_driver_to_judge(void **state)
{
	static const struct talk talks[] = { { &plain,
	    "EHLO me\r\nMAIL FROM:<\xe9@kept>\r\nRCPT TO:<b>\r\n"
	    "MAIL FROM:<\xe9@x>\r\nRCPT TO:<\xc3\xa9@x>\r\n"
	    "RCPT TO:<\xe9@x>\r\nRCPT TO:<b>\r\nDATA\r\n.\r\n"
	    "MAIL FROM:<\xc3\xa9@kept> SMTPUTF8\r\n",
	    HELLO "250-h.example\r\n250-PIPELINING\r\n250-SIZE\r\n"
		  "250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"
		  "250-ENHANCEDSTATUSCODES\r\n250 HELP\r\n"
		  "553 no\r\n" NO_MAIL OK
		  "553 5.6.7 this address needs SMTPUTF8\r\n"
		  "501 5.1.3 malformed recipient address\r\n" OK GO OK OK,
	    "MAIL <\xe9@kept> size=0 lacks-utf8\n"
	    "MAIL <\xe9@x> size=0 lacks-utf8\nRCPT <b> notify=0\nEND\n"
	    "MAIL <\xc3\xa9@kept> size=0 utf8\n",
	    "" } };

	(void)state;
	check_talks(talks, ARRAY_LEN(talks));
}

static void
bad_arguments_have_their_own_codes(void **state)
{
	static const struct talk talks[] = {
		{ &plain,
		    "HELO x\r\nMAIL <a>\r\nMAIL FROM:<a@>\r\n"
		    "MAIL FROM:<\xe9@x> SMTPUTF8\r\nMAIL FROM:<a> FOO=1\r\n"
		    "MAIL FROM:Me <a@b>\r\n"
		    "MAIL FROM:<a> SIZE=x\r\nMAIL FROM:<\xc3\xa9@x> SMTPUTF8"
		    "\r\nRCPT <b>\r\nRCPT TO:<\xc3\xa9>\r\nDATA x\r\n"
		    "RCPT TO:<b> FOO\r\nDATA x\r\nEXPN x\r\nTURN\r\n",
		    HELLO "250 h.example\r\n"
			  "501 5.5.4 want MAIL FROM:<address>\r\n"
			  "501 5.1.7 malformed sender address\r\n"
			  "501 5.1.7 malformed sender address\r\n"
			  "555 5.5.4 parameter not recognized\r\n"
			  "501 5.5.4 malformed parameter\r\n"
			  "501 5.5.4 SIZE= wants a number of bytes\r\n" OK
			  "501 5.5.4 want RCPT TO:<address>\r\n" OK
			  "501 5.5.4 this command takes no argument\r\n"
			  "555 5.5.4 parameter not recognized\r\n"
			  "501 5.5.4 this command takes no argument\r\n"
			  "502 5.5.1 command not implemented\r\n"
			  "502 5.5.1 command not implemented\r\n",
		    "MAIL <\xc3\xa9@x> size=0 utf8\nRCPT <\xc3\xa9> notify=0\n",
		    NULL },
	};

	(void)state;
	check_talks(talks, ARRAY_LEN(talks));
}

/* --- TLS and AUTH ----------------------------------------------------------
 */

#define EHLO_TLS                                                               \
	"250-h.example\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n"      \
	"250-SMTPUTF8\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n"
#define WANT_AUTH "530 5.7.0 authentication required\r\n"

/* Like a client: what follows STARTTLS is sent when TLS is up. */
static void
feed_parts(struct ss_driver *d, const char *const *parts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)ss_driver_feed(d, parts[i], strlen(parts[i]), SIZE_MAX);
}

static void
starttls_forgets_what_was_said_in_clear(void **state)
{
	static const char *const parts[] = { "EHLO one\r\nMAIL FROM:<a>\r\n"
					     "AUTH PLAIN\r\nSTARTTLS x\r\n",
		"STARTTLS\r\n", "MAIL FROM:<a>\r\n",
		"EHLO two\r\nMAIL FROM:<a>\r\nSTARTTLS\r\n" };
	struct ss_driver d;

	(void)state;
	ss_driver_init_login(&d, &plain, &provider);
	feed_parts(&d, parts, 2);
	assert_null(smtp_server_helo(d.s));
	feed_parts(&d, parts + 2, 2);
	assert_string_equal(buf_str(&d.out), HELLO EHLO_TLS
	    "250-STARTTLS\r\n250 HELP\r\n"
	    "530 5.7.0 say STARTTLS first\r\n"
	    "502 5.5.1 command not implemented\r\n"
	    "501 5.5.4 this command takes no argument\r\n"
	    "220 2.0.0 go ahead\r\n" WANT_AUTH EHLO_TLS
	    "250-AUTH SCRAM-SHA-256 PLAIN\r\n250 HELP\r\n" WANT_AUTH
	    "503 5.5.1 TLS is on\r\n");
	assert_string_equal(smtp_server_helo(d.s), "two");
	assert_string_equal(ss_login_with(&d.login), "ESMTPS");
	ss_driver_clear(&d);
}

/* R4 */
static void
bytes_behind_starttls_end_the_session(void **state)
{
	static const char in[] = "EHLO x\r\nSTARTTLS\r\nMAIL FROM:<evil>\r\n";
	struct ss_driver d;

	(void)state;
	ss_driver_init_login(&d, &plain, &provider);
	(void)ss_driver_feed(&d, in, sizeof(in) - 1, SIZE_MAX);
	assert_string_equal(buf_str(&d.events), "CLOSE 421 said\n");
	assert_non_null(strstr(
	    buf_str(&d.out), "421 4.5.1 nothing may follow STARTTLS\r\n"));
	assert_int_equal(smtp_server_room(d.s), 0);
	ss_driver_clear(&d);
}

/* And what comes after the 220 is not read before TLS is up. */
static void
no_byte_is_taken_between_starttls_and_tls(void **state)
{
	struct smtp_server_opts opts = { .hostname = "h.example",
		.has_commands = true };
	struct smtp_server *s = smtp_server_new(&opts);
	struct ss_info info;

	(void)state;
	smtp_server_put(s, "EHLO x\r\nSTARTTLS\r\n", 18);
	assert_int_equal(smtp_server_next(s, &info), SS_COMMAND);
	assert_false(info.has_more);
	assert_int_equal(smtp_server_room(s), 0);
	smtp_server_command(s, 220, "2.0.0", "go ahead");
	assert_int_equal(smtp_server_room(s), 0);
	smtp_server_restart(s);
	assert_true(smtp_server_room(s) > 0);
	smtp_server_free(s);
}

static void
auth_is_a_dialogue_with_one_success(void **state)
{
	static const char *const parts[] = { "EHLO x\r\nSTARTTLS\r\n",
		"EHLO x\r\nAUTH LOGIN\r\nAUTH\r\nAUTH PLAIN wrong\r\n"
		"AUTH plain\r\n*\r\nAUTH PLAIN\r\nQUIT\r\nAUTH PLAIN\r\n"
		"AHUAcA==\r\nAUTH PLAIN AHUAcA==\r\nMAIL FROM:<a> AUTH=<>\r\n"
		"AUTH PLAIN\r\n" };
	struct ss_driver d;

	(void)state;
	ss_driver_init_login(&d, &plain, &provider);
	feed_parts(&d, parts, 2);
	assert_string_equal(strstr(buf_str(&d.out), "504"),
	    "504 5.5.4 mechanism not offered\r\n"
	    "504 5.5.4 mechanism not offered\r\n535 5.7.8 no\r\n"
	    "334 \r\n501 5.7.0 cancelled\r\n"
	    "334 \r\n535 5.7.8 no\r\n334 \r\n235 2.7.0 welcome\r\n"
	    "503 5.5.1 authenticated already\r\n" OK
	    "503 5.5.1 a transaction is under way: end it or RSET it first"
	    "\r\n");
	assert_string_equal(ss_login_with(&d.login), "ESMTPSA");
	ss_driver_clear(&d);
}

static void
the_asterisk_cancels_and_an_overlong_line_too(void **state)
{
	static const struct ss_login_opts login = { .mechanisms = "PLAIN" };
	static char line[SMTP_AUTH_LINE_MAX + 8];
	struct ss_driver d;

	(void)state;
	ss_driver_init_login(&d, &plain, &login);
	ss_login_tls_up(&d.login); /* TLS from the first byte */
	(void)ss_driver_feed(&d, "EHLO x\r\nAUTH PLAIN\r\n*\r\n", 23, 1);
	assert_non_null(
	    strstr(buf_str(&d.out), "334 \r\n501 5.7.0 cancelled\r\n"));
	buf_reset(&d.out);

	memset(line, 'A', sizeof(line));
	memcpy(line + SMTP_AUTH_LINE_MAX - 2, "\r\n", 2);
	(void)ss_driver_feed(&d, "AUTH PLAIN\r\n", 12, 1);
	(void)ss_driver_feed(&d, line, SMTP_AUTH_LINE_MAX, 1000);
	assert_buf(&d.out, "334 \r\n535 5.7.8 no\r\n");
	buf_reset(&d.out);

	memcpy(line + SMTP_AUTH_LINE_MAX - 2, "AA\r\nNOOP", 8);
	(void)ss_driver_feed(&d, "AUTH PLAIN\r\n", 12, 1);
	(void)ss_driver_feed(&d, line, sizeof(line) - 2, 1000);
	assert_buf(&d.out, "334 \r\n500 5.5.2 line too long\r\n");
	buf_reset(&d.out);

	/* The dialogue is over: this is a command again. */
	(void)ss_driver_feed(&d, "OP\r\n", 4, 1);
	assert_buf(&d.out, "500 5.5.2 command not recognized\r\n");
	assert_false(d.is_closed);
	ss_driver_clear(&d);
}

/* --- who is not a mail client, and how much rope ----------------------------
 */

/* R37 */
static void
other_protocols_end_the_session_at_once(void **state)
{
	static const struct talk talks[] = {
		{ &plain,
		    "REGISTER sip:x SIP/2.0\r\nEHLO x\r\nMAIL FROM:<a>\r\n",
		    HELLO "521 5.7.0 this is a mail server, speak SMTP\r\n",
		    "CLOSE not SMTP\n", NULL },
		{ &plain, "USER anonymous\r\n",
		    HELLO "521 5.7.0 this is a mail server, speak SMTP\r\n",
		    "CLOSE not SMTP\n", NULL },
		{ &plain, "CONFIG SET dir /tmp\r\nHELO x\r\n",
		    HELLO "521 5.7.0 this is a mail server, speak SMTP\r\n",
		    "CLOSE not SMTP\n", NULL },
		{ &plain, "*1\r\n$4\r\nPING\r\nHELO x\r\n",
		    HELLO "521 5.7.0 this is a mail server, speak SMTP\r\n",
		    "CLOSE not SMTP\n", NULL },
		{ &plain, "GET / HTTP/1.1\r\nHost: x\r\n\r\nHELO x\r\n",
		    HELLO "521 5.7.0 this is a mail server, speak SMTP\r\n",
		    "CLOSE not SMTP\n", NULL },
		{ &plain, "HELO / HTTP/1.0\r\nNOOP\r\n",
		    HELLO "521 5.7.0 this is a mail server, speak SMTP\r\n",
		    "CLOSE not SMTP\n", NULL },
		{ &plain, "PROPFIND / HTTP/1.1\r\nNOOP\r\n",
		    HELLO "521 5.7.0 this is a mail server, speak SMTP\r\n",
		    "CLOSE not SMTP\n", NULL },
		{ &plain, "HELO x\r\nPOST / x\r\nNOOP\r\n",
		    HELLO "250 h.example\r\n"
			  "521 5.7.0 this is a mail server, speak SMTP\r\n",
		    "CLOSE not SMTP\n", NULL },
		{ &plain, "\x16\x03\x01\x02", /* no line end will come */
		    HELLO "521 5.7.0 this is a mail server, speak SMTP\r\n",
		    "CLOSE not SMTP\n", NULL },
		{ &plain, "EHLO x\nMAIL FROM:<a>\n",
		    HELLO "521 5.5.2 end each line by CR LF\r\n",
		    "CLOSE lines end in LF\n", NULL },
		{ &plain, "HELO x\r\nfoo\r\nbar\r\nbaz\r\nNOOP\r\n",
		    HELLO "250 h.example\r\n"
			  "500 5.5.2 command not recognized\r\n"
			  "500 5.5.2 command not recognized\r\n"
			  "500 5.5.2 command not recognized\r\n"
			  "421 4.7.0 too many unknown commands\r\n",
		    "CLOSE unknown commands\n", NULL },
	};

	(void)state;
	check_talks(talks, ARRAY_LEN(talks));
}

/* The reply comes even if the message never ends. */
static void
what_is_refused_is_not_read_for_ever(void **state)
{
	static const struct smtp_server_opts tiny = {
		.hostname = "h.example", .max_size_bytes = 10, .may_chunk = true
	};
	static const char data[] = "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\n"
				   "DATA\r\n";
	static const char chunk[] = "HELO x\r\nBDAT 4000000000\r\n";
	static char lines[2 * SMTP_REFUSED_DISCARD_MIN];
	static const struct {
		const char *begin, *reply;
	} rows[] = { { data, "552 5.3.4 " }, { chunk, "503 5.5.1 " } };

	(void)state;
	memset(lines, 'x', sizeof(lines));
	for (size_t i = 2; i < sizeof(lines); i += 80)
		memcpy(lines + i - 2, "\r\n", 2);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ss_driver d;

		ss_driver_init(&d, &tiny);
		(void)ss_driver_feed(
		    &d, rows[i].begin, strlen(rows[i].begin), 1);
		(void)ss_driver_feed(
		    &d, lines, SMTP_REFUSED_DISCARD_MIN / 2, 1000);
		assert_false(d.is_closed);
		(void)ss_driver_feed(&d, lines, sizeof(lines), 1000);
		assert_true(d.is_closed);
		assert_non_null(strstr(buf_str(&d.out), rows[i].reply));
		ss_driver_clear(&d);
	}
}

static void
errors_are_counted_and_a_good_message_forgives_them(void **state)
{
	static const char good[] = "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"
				   ".\r\n";
	static const char bad[] = "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"
				  "later\r\n.\r\n";
	struct ss_driver d;

	(void)state;
	ss_driver_init(&d, &plain);
	(void)ss_driver_feed(&d, "HELO x\r\n", 8, 8);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < SMTP_ERRORS_MAX; i++)
			(void)ss_driver_feed(&d, "DATA\r\n", 6, 6);
		assert_false(d.is_closed);
		if (round == 0)
			(void)ss_driver_feed(&d, good, sizeof(good) - 1, 99);
		else
			(void)ss_driver_feed(&d, bad, sizeof(bad) - 1, 99);
	}
	(void)ss_driver_feed(&d, "DATA\r\n", 6, 6);
	assert_true(d.is_closed);
	assert_non_null(
	    strstr(buf_str(&d.out), "\r\n421 4.7.0 more than 20 errors\r\n"));
	ss_driver_clear(&d);
}

/* R77 */
static void
an_overlong_line_is_dropped_within_bounds(void **state)
{
	static char in[2 * SMTP_OVERLONG_DISCARD_MAX];
	static const size_t chunks[] = { 1, 7, 4095, 4096, 4097, 100000 };
	struct ss_driver d;
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
		ss_driver_init(&d, &plain);
		memset(in, 'a', sizeof(in));
		memcpy(in, "HELO x\r\nNOOP ", 13);
		n = 8 + SMTP_COMMAND_LINE_MAX; /* just fits */
		memcpy(in + n - 2, "\r\n", 2);
		memcpy(in + n, "NOOP ", 5);
		n += SMTP_COMMAND_LINE_MAX + 1; /* just does not */
		memcpy(in + n - 2, "\r\nNOOP ", 7);
		/* Nor does this, and a bare LF in it ends nothing. */
		n += SMTP_COMMAND_LINE_MAX + 100;
		memcpy(in + n - 60, "\nQUIT\n", 6);
		memcpy(in + n - 2, "\r\nQUIT\r\n", 8);
		n += 6;
		(void)ss_driver_feed(&d, in, n, chunks[i]);
		assert_string_equal(buf_str(&d.out),
		    HELLO "250 h.example\r\n250 2.0.0 ok\r\n"
			  "500 5.5.2 line too long\r\n"
			  "500 5.5.2 line too long\r\n" BYE);
		ss_driver_clear(&d);

		ss_driver_init(&d, &plain);
		memset(in, 'a', sizeof(in));
		n = ss_driver_feed(&d, in, sizeof(in), chunks[i]);
		assert_true(n < SMTP_OVERLONG_DISCARD_MAX + 100001);
		assert_string_equal(
		    buf_str(&d.out), HELLO "500 5.5.2 line too long\r\n");
		assert_string_equal(
		    buf_str(&d.events), "CLOSE line too long\n");
		ss_driver_clear(&d);
	}
}

/* --- R8 --------------------------------------------------------------------
 */

/* Puts every byte at every position of a command, at the end of a good
 * beginning.  Whatever happens, no address and no name with a control
 * character comes through, and no second command is run. */
static void
check_all_bytes(const char *before, const char *command)
{
	size_t n = strlen(command), nbefore = strlen(before);
	char in[400];

	for (size_t at = 0; at <= n; at++)
		for (int c = 0; c < 256; c++) {
			struct ss_driver d;
			const char *p;

			memcpy(in, before, nbefore);
			memcpy(in + nbefore, command, n);
			memmove(
			    in + nbefore + at + 1, in + nbefore + at, n - at);
			in[nbefore + at] = (char)c;
			memcpy(in + nbefore + n + 1, "\r\n", 2);

			ss_driver_init(&d, &plain);
			(void)ss_driver_feed(&d, before, nbefore, nbefore);
			buf_reset(&d.out);
			(void)ss_driver_feed(&d, in + nbefore, n + 3, 1000);
			for (p = buf_str(&d.events); *p != '\0'; p++)
				assert_true(
				    *p == '\n' ||
				    ((unsigned char)*p >= 0x20 && *p != 0x7f));
			if (c < 0x20 || c == 0x7f) {
				/* Exactly one reply, and it is a refusal; a
				 * CR in front of the final CR LF likewise. */
				assert_true(buf_str(&d.out)[0] == '5');
				assert_null(strstr(buf_str(&d.out), "\n2"));
			}
			if (smtp_server_helo(d.s) != NULL)
				for (p = smtp_server_helo(d.s); *p; p++)
					assert_true((unsigned char)*p > 0x20 &&
						    (unsigned char)*p < 0x7f);
			assert_false(d.is_broken);
			ss_driver_clear(&d);
		}
}

static void
no_control_character_passes_anywhere(void **state)
{
	static const char helo[] = "HELO x\r\n";
	static const char mail[] = "HELO x\r\nMAIL FROM:<a@b>\r\n";

	(void)state;
	check_all_bytes("", "EHLO a.b");
	check_all_bytes("", "HELO [::1]");
	check_all_bytes(helo, "MAIL FROM:<@r:a@b.c> SIZE=1 ENVID=x");
	check_all_bytes(helo, "MAIL FROM:<\"a b\"@[::1]> SMTPUTF8");
	check_all_bytes(mail, "RCPT TO:<a@b.c> ORCPT=rfc822;x NOTIFY=NEVER");
	check_all_bytes(mail, "RCPT TO:root");
}

/* A line feed in an address ends neither the line nor the session's order. */
static void
an_injected_command_is_not_run(void **state)
{
	static const struct talk talks[] = {
		{ &plain,
		    "HELO x\r\nMAIL FROM:<a\nRCPT TO:<evil>\nDATA\r\n"
		    "MAIL FROM:<a\rRSET>\r\nNOOP\r\n",
		    HELLO "250 h.example\r\n"
			  "501 5.5.2 control characters in a command\r\n"
			  "501 5.5.2 control characters in a command\r\n"
			  "250 2.0.0 ok\r\n",
		    "", NULL },
	};

	(void)state;
	check_talks(talks, ARRAY_LEN(talks));
}

/* R11 */
static void
a_nul_in_the_content_passes(void **state)
{
	static const char in[] = "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\n"
				 "DATA\r\na\0b\r\n.\r\n";

	(void)state;
	for (size_t chunk = 1; chunk < sizeof(in); chunk++) {
		struct ss_driver d;

		ss_driver_init(&d, &plain);
		(void)ss_driver_feed(&d, in, sizeof(in) - 1, chunk);
		assert_int_equal(buf_len(&d.message), 5);
		assert_memory_equal(buf_str(&d.message), "a\0b\r\n", 5);
		ss_driver_clear(&d);
	}
}

/* --- silence, time, ends ----------------------------------------------------
 */

/* 250 cannot be said before the driver said it. */
static void
the_engine_is_silent_until_it_is_told(void **state)
{
	static const char in[] = "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\n"
				 "DATA\r\nx\r\n.\r\nNOOP\r\nNOOP\r\n";
	static const enum ss_event want[] = { SS_MAIL, SS_RCPT, SS_END };
	struct ss_driver d;

	(void)state;
	ss_driver_init(&d, &plain);
	d.is_deaf = true;
	(void)ss_driver_feed(&d, in, sizeof(in) - 1, SIZE_MAX);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_int_equal(d.pending, want[i]);
		assert_int_equal(smtp_server_room(d.s), 0);
		assert_true(smtp_server_deadline(d.s) == INT64_MAX);
		buf_reset(&d.out);
		ss_driver_run(&d);
		smtp_server_tick(d.s, INT64_MAX / 2);
		ss_driver_run(&d);
		assert_int_equal(buf_len(&d.out), 0);
		ss_driver_answer(&d, want[i], 250);
		ss_driver_run(&d);
	}
	assert_buf(&d.out, OK "250 2.0.0 ok\r\n250 2.0.0 ok\r\n");
	ss_driver_clear(&d);
}

static void
an_answer_421_ends_the_session(void **state)
{
	static const struct talk talks[] = {
		{ &plain, "HELO x\r\nMAIL FROM:<bye>\r\nNOOP\r\n",
		    HELLO "250 h.example\r\n421 no\r\n",
		    "MAIL <bye> size=0\nCLOSE 421 said\n", NULL },
		{ &plain,
		    "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<bye>\r\nNOOP\r\n",
		    HELLO "250 h.example\r\n" OK "421 no\r\n",
		    "MAIL <a> size=0\nRCPT <bye> notify=0\nABORT\n"
		    "CLOSE 421 said\n",
		    NULL },
	};

	(void)state;
	check_talks(talks, ARRAY_LEN(talks));
}

/* R68 */
static void
an_idle_client_is_told_and_left(void **state)
{
	struct ss_driver d;

	(void)state;
	ss_driver_init(&d, &plain);
	assert_true(smtp_server_deadline(d.s) == 0); /* wants the time */
	smtp_server_tick(d.s, 1000);
	ss_driver_run(&d);
	smtp_server_tick(d.s, 1000);
	assert_true(smtp_server_deadline(d.s) == 1000 + SMTP_SERVER_IDLE_MS);
	smtp_server_tick(d.s, 1500);
	(void)ss_driver_feed(&d, "HELO x\r\nMAIL FROM:<a>\r\n", 23, 99);
	assert_true(smtp_server_deadline(d.s) == 1500 + SMTP_SERVER_IDLE_MS);
	smtp_server_tick(d.s, 2000);
	assert_true(smtp_server_deadline(d.s) == 2000 + SMTP_SERVER_IDLE_MS);
	/* Single bytes of a command do not keep it alive. */
	(void)ss_driver_feed(&d, "NO", 2, 1);
	smtp_server_tick(d.s, 3000);
	assert_true(smtp_server_deadline(d.s) == 2000 + SMTP_SERVER_IDLE_MS);
	smtp_server_tick(d.s, 2000 + SMTP_SERVER_IDLE_MS - 1);
	ss_driver_run(&d);
	assert_false(d.is_closed);
	smtp_server_tick(d.s, 2000 + SMTP_SERVER_IDLE_MS);
	ss_driver_run(&d);
	assert_string_equal(buf_str(&d.events),
	    "MAIL <a> size=0\nABORT\nCLOSE idle for too long\n");
	assert_non_null(strstr(
	    buf_str(&d.out), "421 4.4.2 nothing came for 300 seconds\r\n"));
	assert_true(smtp_server_deadline(d.s) == INT64_MAX);
	ss_driver_clear(&d);
}

/* Feeds piece after piece, pause_ms apart, until the engine hangs up or that
 * much time is over; the time it took. */
static int64_t
drip(struct ss_driver *d, size_t piece, int64_t pause_ms, int64_t end_ms)
{
	static const char hello[] =
	    "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n";
	char text[4096];
	int64_t now = 0;

	memset(text, 'x', sizeof(text));
	smtp_server_tick(d->s, now);
	(void)ss_driver_feed(d, hello, sizeof(hello) - 1, 99);
	while (!d->is_closed && now < end_ms) {
		now += pause_ms;
		smtp_server_tick(d->s, now);
		(void)ss_driver_feed(d, text, piece, piece);
		if (piece > 2)
			(void)ss_driver_feed(d, "\r\n", 2, 2);
		smtp_server_tick(d->s, now);
		ss_driver_run(d);
	}
	return now;
}

/* R68 */
static void
a_message_has_its_time_as_a_whole(void **state)
{
	enum { MINUTE = 60 * 1000 };
	struct ss_driver d;

	(void)state;
	/* One byte now and then, never idle for long. */
	ss_driver_init(&d, &plain);
	assert_int_equal(drip(&d, 1, MINUTE, 600 * MINUTE), 10 * MINUTE);
	assert_true(d.is_closed);
	assert_non_null(strstr(
	    buf_str(&d.out), "421 4.4.2 the message comes too slowly\r\n"));
	assert_non_null(strstr(buf_str(&d.events), "ABORT\nCLOSE too slow\n"));
	ss_driver_clear(&d);

	/* A modem of long ago. */
	ss_driver_init(&d, &plain);
	(void)drip(&d, 1000, 1000, 120 * MINUTE);
	assert_false(d.is_closed);
	ss_driver_clear(&d);

	/* Recipients that drip in, likewise. */
	ss_driver_init(&d, &plain);
	smtp_server_tick(d.s, 0);
	(void)ss_driver_feed(&d, "HELO x\r\nMAIL FROM:<a>\r\n", 23, 99);
	for (int i = 1; i <= 11; i++) {
		smtp_server_tick(d.s, i * MINUTE);
		if (!d.is_closed)
			(void)ss_driver_feed(&d, "RCPT TO:<b>\r\n", 13, 99);
		ss_driver_run(&d);
	}
	assert_true(d.is_closed);
	ss_driver_clear(&d);

	/* Between messages there is no such time. */
	ss_driver_init(&d, &plain);
	smtp_server_tick(d.s, 0);
	(void)ss_driver_feed(&d, "HELO x\r\n", 8, 99);
	for (int i = 1; i <= 60; i++) {
		smtp_server_tick(d.s, i * MINUTE);
		(void)ss_driver_feed(&d, "NOOP\r\n", 6, 99);
	}
	assert_false(d.is_closed);
	(void)ss_driver_feed(&d, "MAIL FROM:<a>\r\n", 15, 99);
	smtp_server_tick(d.s, 61 * MINUTE);
	ss_driver_run(&d);
	assert_false(d.is_closed);
	ss_driver_clear(&d);
}

static void
a_shutdown_says_421_and_aborts(void **state)
{
	static const char *const begins[] = { "HELO x\r\n",
		"HELO x\r\nMAIL FROM:<a>\r\n",
		"HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nx" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(begins); i++)
		for (int deaf = 0; deaf < 2; deaf++) {
			struct ss_driver d;

			ss_driver_init(&d, &plain);
			d.is_deaf = deaf;
			(void)ss_driver_feed(
			    &d, begins[i], strlen(begins[i]), SIZE_MAX);
			d.has_mail = i > 0; /* even if not yet answered */
			buf_reset(&d.events);
			buf_reset(&d.out);
			smtp_server_shutdown(d.s, "stopping");
			ss_driver_run(&d);
			assert_buf(&d.out, "421 4.3.2 stopping\r\n");
			assert_string_equal(buf_str(&d.events),
			    i > 0 ? "ABORT\nCLOSE shut down\n"
				  : "CLOSE shut down\n");
			if (d.pending != SS_IDLE)
				smtp_server_reply(d.s, 250, NULL, "too late");
			ss_driver_run(&d);
			assert_buf(&d.out, "421 4.3.2 stopping\r\n");
			assert_false(d.is_broken);
			ss_driver_clear(&d);
		}
}

static void
who_is_turned_away_hears_no_greeting(void **state)
{
	static const char hello[] = "EHLO x\r\nMAIL FROM:<a>\r\n";
	struct smtp_server *s = smtp_server_new(&plain);
	struct ss_info info;
	const void *p;
	size_t n;

	(void)state;
	smtp_server_turn_away(s, 550, "5.7.1", "not here");
	n = smtp_server_peek(s, &p);
	assert_int_equal(n, strlen("550 5.7.1 not here\r\n"));
	assert_memory_equal(p, "550 5.7.1 not here\r\n", n);
	smtp_server_sent(s, n);
	if (smtp_server_room(s) >= strlen(hello))
		smtp_server_put(s, hello, strlen(hello));
	assert_int_equal(smtp_server_next(s, &info), SS_CLOSE);
	assert_int_equal(smtp_server_next(s, &info), SS_IDLE);
	assert_int_equal(smtp_server_peek(s, &p), 0);
	smtp_server_free(s);
}

/* R51: the client goes away after each byte in turn. */
static void
a_lost_connection_leaves_no_half_message(void **state)
{
	static const char in[] = "EHLO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\n"
				 "DATA\r\nx\r\n.\r\nMAIL FROM:<a>\r\n"
				 "RCPT TO:<b>\r\nBDAT 3 LAST\r\nxyz";
	const char *first_end = strstr(in, "\r\n.\r\n") + 5;

	(void)state;
	for (size_t n = 0; n < sizeof(in); n++)
		for (size_t chunk = 1; chunk <= n + 1; chunk += n + 1) {
			struct ss_driver d;
			unsigned want = in + n >= first_end;

			want += n == sizeof(in) - 1;
			ss_driver_init(&d, &chunking);
			smtp_server_tick(d.s, 0);
			(void)ss_driver_feed(&d, in, n, chunk);
			smtp_server_eof(d.s);
			ss_driver_run(&d);
			assert_true(d.is_closed);
			assert_int_equal(d.delivered, want);
			assert_false(d.has_mail || d.is_broken);
			ss_driver_clear(&d);
		}
}

/* A client that sends everything and closes its side has its mail taken. */
static void
a_half_closed_client_is_served_to_the_end(void **state)
{
	static const char in[] = "HELO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\n"
				 "DATA\r\nx\r\n.\r\nQUIT\r\n";
	struct smtp_server *s = smtp_server_new(&plain);
	struct ss_driver d;

	(void)state;
	smtp_server_put(s, in, sizeof(in) - 1);
	smtp_server_eof(s);
	ss_driver_init(&d, &plain);
	smtp_server_free(d.s);
	d.s = s;
	ss_driver_run(&d);
	assert_int_equal(d.delivered, 1);
	assert_string_equal(
	    buf_str(&d.out), HELLO "250 h.example\r\n" OK OK GO OK BYE);
	ss_driver_clear(&d);
}

/* A client that never reads cannot make replies pile up. */
static void
unread_replies_stop_the_engine(void **state)
{
	struct smtp_server *s = smtp_server_new(&plain);
	struct ss_info info;
	const void *p;
	size_t replies = 0;

	(void)state;
	for (int i = 0; i < 100000 && smtp_server_room(s) >= 6; i++) {
		smtp_server_put(s, "HELP\r\n", 6);
		assert_int_equal(smtp_server_next(s, &info), SS_IDLE);
	}
	assert_true(smtp_server_room(s) < 6);
	assert_true(smtp_server_peek(s, &p) < SMTP_SERVER_OUT_MAX);
	/* Reading lets it go on, and nothing was lost. */
	while ((replies = smtp_server_peek(s, &p)) > 0) {
		smtp_server_sent(s, replies);
		assert_int_equal(smtp_server_next(s, &info), SS_IDLE);
	}
	assert_true(smtp_server_room(s) > 0);
	smtp_server_free(s);
}

static void
the_protocol_has_its_name_in_the_trace_field(void **state)
{
	struct ss_driver d;

	(void)state;
	ss_driver_init(&d, &plain);
	assert_null(smtp_server_helo(d.s));
	(void)ss_driver_feed(&d, "HELO caf\xc3\xa9 x\r\n", 14, 99);
	assert_string_equal(smtp_server_helo(d.s), "caf??");
	assert_string_equal(smtp_server_with(d.s), "SMTP");
	(void)ss_driver_feed(&d, "EHLO y\r\n", 8, 99);
	assert_string_equal(smtp_server_with(d.s), "ESMTP");
	assert_false(d.has_mail);
	(void)ss_driver_feed(&d, "MAIL FROM:<a> SMTPUTF8\r\n", 24, 99);
	assert_string_equal(smtp_server_with(d.s), "UTF8SMTP");
	assert_true(d.has_mail);
	ss_driver_clear(&d);
}

static void
a_greeting_with_xrelais_stands_for_the_whole_offer(void **state)
{
	struct smtp_server_opts o = {
		.hostname = "h.example", .may_xrelais = true, .may_chunk = true
	};
	bool *hidden[] = { &o.hide_pipelining, &o.hide_8bitmime,
		&o.hide_smtputf8, &o.hide_dsn, &o.hide_size };
	struct smtp_server *s = smtp_server_new(&o);
	const void *p;
	size_t n = smtp_server_peek(s, &p);

	(void)state;
	assert_int_equal(n, strlen("220 h.example ESMTP XRELAIS ready\r\n"));
	assert_memory_equal(p, "220 h.example ESMTP XRELAIS ready\r\n", n);
	smtp_server_free(s);
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
		*hidden[i] = true;
		s = smtp_server_new(&o);
		n = smtp_server_peek(s, &p);
		assert_null(memmem(p, n, "XRELAIS", 7));
		smtp_server_free(s);
		*hidden[i] = false;
	}
	o.may_chunk = false;
	s = smtp_server_new(&o);
	n = smtp_server_peek(s, &p);
	assert_null(memmem(p, n, "XRELAIS", 7));
	smtp_server_free(s);
}

static void
everything_can_be_hidden(void **state)
{
	static const struct smtp_server_opts bare = { .hostname = "h.example",
		.hide_pipelining = true,
		.hide_8bitmime = true,
		.hide_smtputf8 = true,
		.hide_dsn = true,
		.hide_size = true };
	static const struct smtp_server_opts full = { .hostname = "h.example",
		.max_size_bytes = 18446744073709551615u,
		.may_chunk = true,
		.may_xrelais = true,
		.limits = "RCPTMAX=20" };
	static const struct talk talks[] = {
		{ &bare, "EHLO x\r\nMAIL FROM:<a> SIZE=1\r\n",
		    HELLO "250-h.example\r\n250-ENHANCEDSTATUSCODES\r\n"
			  "250 HELP\r\n555 5.5.4 parameter not recognized\r\n",
		    "", NULL },
		{ &full, "EHLO x\r\n",
		    "220 h.example ESMTP XRELAIS ready\r\n"
		    "250-h.example\r\n250-PIPELINING\r\n"
		    "250-SIZE 18446744073709551615\r\n250-8BITMIME\r\n"
		    "250-SMTPUTF8\r\n250-DSN\r\n"
		    "250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n"
		    "250-LIMITS RCPTMAX=20\r\n250-XRELAIS\r\n250 HELP\r\n",
		    "", NULL },
	};

	(void)state;
	check_talks(talks, ARRAY_LEN(talks));
}

/* --- R10: random orders against a model --------------------------------------
 */

static uint32_t seed;

static size_t
random_below(size_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 10) % n;
}

/* The model knows of a transaction only what the replies said, as a client
 * does; the driver watches the events (is_broken). */
struct model {
	bool has_mail, is_chunked;
	unsigned rcpts, delivered;
};

struct move {
	const char *text;
	void (*apply)(struct model *m, int code);
};

static void
moved_helo(struct model *m, int code)
{
	if (code == 250)
		*m = (struct model) { .delivered = m->delivered };
}

static void
moved_mail(struct model *m, int code)
{
	if (code != 250)
		return;
	assert_false(m->has_mail);
	m->has_mail = true;
	m->rcpts = 0;
	m->is_chunked = false;
}

static void
moved_rcpt(struct model *m, int code)
{
	if (code != 250)
		return;
	assert_true(m->has_mail && !m->is_chunked);
	m->rcpts++;
}

static void
moved_rset(struct model *m, int code)
{
	assert_int_equal(code, 250);
	m->has_mail = false;
}

/* DATA up to the answer behind the dot; 354 has been seen in between. */
static void
moved_data(struct model *m, int code)
{
	if (code == 503)
		return;
	if (code != 554)
		assert_true(m->has_mail && m->rcpts > 0 && !m->is_chunked);
	m->delivered += code == 250;
	m->has_mail = false;
}

static void
moved_chunk(struct model *m, int code)
{
	if (code == 250) {
		assert_true(m->has_mail && m->rcpts > 0);
		m->is_chunked = true;
	} else
		m->has_mail = false; /* a refused chunk ends it */
}

static void
moved_last(struct model *m, int code)
{
	if (code == 250) {
		assert_true(m->has_mail && m->rcpts > 0);
		m->delivered++;
	}
	m->has_mail = false;
}

static void
moved_not(struct model *m, int code)
{
	(void)m;
	assert_true(code >= 200);
}

static const struct move moves[] = {
	{ "EHLO x\r\n", moved_helo },
	{ "HELO\r\n", moved_helo },
	{ "MAIL FROM:<a>\r\n", moved_mail },
	{ "MAIL FROM:<a>\r\n", moved_mail },
	{ "MAIL FROM:<a> SIZE=11\r\n", moved_mail },
	{ "MAIL FROM:<never>\r\n", moved_mail },
	{ "MAIL FROM:<a\x01>\r\n", moved_mail },
	{ "RCPT TO:<b>\r\n", moved_rcpt },
	{ "RCPT TO:<b>\r\n", moved_rcpt },
	{ "RCPT TO:<never>\r\n", moved_rcpt },
	{ "RCPT TO:<\xc3\xa9>\r\n", moved_rcpt },
	{ "DATA\r\n", moved_data },
	{ "DATA\r\n", moved_data },
	{ "BDAT 4\r\nRSET", moved_chunk },
	{ "BDAT 20\r\n01234567890123456789", moved_chunk },
	{ "BDAT 0\r\n", moved_chunk },
	{ "BDAT 0 LAST\r\n", moved_last },
	{ "BDAT 8 LAST\r\nMAIL FRO", moved_last },
	{ "BDAT 5 LAST\r\nnever", moved_last },
	{ "RSET\r\n", moved_rset },
	{ "NOOP\r\n", moved_not },
	{ "VRFY x\r\n", moved_not },
	{ "STARTTLS\r\n", moved_not },
	{ "AUTH PLAIN\r\n", moved_not },
};

/* The bodies that may follow a 354. */
static const char *const bodies[] = { ".\r\n", "x\r\n.\r\n", "never\r\n.\r\n",
	"0123456789\r\nMAIL FROM:<x>\r\n.\r\n" };

static int
last_code(const struct ss_driver *d)
{
	const char *p = buf_str(&d->out), *lf;

	while ((lf = strchr(p, '\n')) != NULL && lf[1] != '\0')
		p = lf + 1;
	assert_true(strlen(p) > 4 && p[3] == ' ');
	return (p[0] - '0') * 100 + (p[1] - '0') * 10 + p[2] - '0';
}

static int
say(struct ss_driver *d, const char *text)
{
	size_t chunk = 1 + random_below(9);

	buf_reset(&d->out);
	(void)ss_driver_feed(d, text, strlen(text), chunk);
	return last_code(d);
}

static void
play_randomly(int steps)
{
	struct ss_driver d;
	struct model m = { .has_mail = false };

	ss_driver_init(&d, &small);
	ss_driver_run(&d);
	while (steps-- > 0 && !d.is_closed) {
		const struct move *move =
		    &moves[random_below(ARRAY_LEN(moves))];
		int code = say(&d, move->text);

		if (code == 421)
			break;
		if (code == 354)
			code = say(&d, bodies[random_below(ARRAY_LEN(bodies))]);
		move->apply(&m, code);
		assert_int_equal(m.delivered, d.delivered);
		assert_int_equal(m.has_mail, d.has_mail);
		assert_false(d.is_broken);
	}
	ss_driver_clear(&d);
}

static void
no_order_of_commands_delivers_without_mail_and_rcpt(void **state)
{
	(void)state;
	for (uint32_t run = 0; run < 3000; run++) {
		seed = run * 2654435761u;
		play_randomly(40);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_handed_over_whole),
		cmocka_unit_test(commands_out_of_order_change_nothing),
		cmocka_unit_test(refused_recipients_end_in_554_and_a_reset),
		cmocka_unit_test(rset_ehlo_and_quit_abort_the_transaction),
		cmocka_unit_test(nothing_is_smuggled_behind_a_message),
		cmocka_unit_test(chunks_are_counted_and_may_end_empty),
		cmocka_unit_test(size_is_limited_before_during_and_per_chunk),
		cmocka_unit_test(a_chunk_that_is_too_large_is_not_begun),
		cmocka_unit_test(
		    recipients_beyond_the_limit_wait_and_the_others_stay),
		cmocka_unit_test(mail_without_helo_is_taken),
		cmocka_unit_test(
		    a_sender_over_127_without_smtputf8_is_for_the_driver_to_judge),
		cmocka_unit_test(bad_arguments_have_their_own_codes),
		cmocka_unit_test(starttls_forgets_what_was_said_in_clear),
		cmocka_unit_test(bytes_behind_starttls_end_the_session),
		cmocka_unit_test(no_byte_is_taken_between_starttls_and_tls),
		cmocka_unit_test(auth_is_a_dialogue_with_one_success),
		cmocka_unit_test(the_asterisk_cancels_and_an_overlong_line_too),
		cmocka_unit_test(other_protocols_end_the_session_at_once),
		cmocka_unit_test(
		    errors_are_counted_and_a_good_message_forgives_them),
		cmocka_unit_test(what_is_refused_is_not_read_for_ever),
		cmocka_unit_test(an_overlong_line_is_dropped_within_bounds),
		cmocka_unit_test(no_control_character_passes_anywhere),
		cmocka_unit_test(an_injected_command_is_not_run),
		cmocka_unit_test(a_nul_in_the_content_passes),
		cmocka_unit_test(the_engine_is_silent_until_it_is_told),
		cmocka_unit_test(an_answer_421_ends_the_session),
		cmocka_unit_test(an_idle_client_is_told_and_left),
		cmocka_unit_test(a_message_has_its_time_as_a_whole),
		cmocka_unit_test(a_shutdown_says_421_and_aborts),
		cmocka_unit_test(who_is_turned_away_hears_no_greeting),
		cmocka_unit_test(a_lost_connection_leaves_no_half_message),
		cmocka_unit_test(a_half_closed_client_is_served_to_the_end),
		cmocka_unit_test(unread_replies_stop_the_engine),
		cmocka_unit_test(the_protocol_has_its_name_in_the_trace_field),
		cmocka_unit_test(
		    a_greeting_with_xrelais_stands_for_the_whole_offer),
		cmocka_unit_test(everything_can_be_hidden),
		cmocka_unit_test(
		    no_order_of_commands_delivers_without_mail_and_rcpt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
