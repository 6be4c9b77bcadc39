/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/property/mails.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/envelope.h"

enum { TEXT_MAX = 1 << 24, DEPTH_MAX = 4, DEEP = 36 };
#define LEN(a)        (sizeof(a) / sizeof((a)[0]))
#define PICK(m, list) (list)[random_below((m)->d, LEN(list))]

/* One mail in the making. */
struct making {
	struct random_source *d;
	struct buf *to;
	const char *eol; /* of this mail; NULL: another each time */
	unsigned long boundary;
};

uint32_t
random_below(struct random_source *d, uint32_t bound)
{
	uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) >> 32) % bound;
}

static bool
one_in(struct making *m, uint32_t n)
{
	return random_below(m->d, n) == 0;
}

static void
put(struct making *m, const char *p, size_t n)
{
	if (!buf_add(m->to, p, n))
		abort();
}

static void
puts_(struct making *m, const char *s)
{
	put(m, s, strlen(s));
}

static void
end(struct making *m)
{
	static const char *const odd[] = { "\r\n", "\n", "\r", "\r\r\n",
		"\r\r\r\n", "\n\r" };

	puts_(m, m->eol != NULL ? m->eol : PICK(m, odd));
}

/* --- words ---------------------------------------------------------------- */

static void
put_random(struct making *m, size_t n, const char *from)
{
	size_t len = strlen(from);

	for (; n > 0; n--)
		put(m, from + random_below(m->d, (uint32_t)len), 1);
}

static void
put_word(struct making *m)
{
	static const char *const words[] = { "hello", "a", ".", "..", "=20",
		"=", "=?utf-8?q?caf=C3=A9?=", "=?iso-8859-1?Q?na=EFve?=",
		"=?utf-8?b?w6k=?=", "=?broken?=", "caf\xc3\xa9",
		"\xe6\x97\xa5\xe6\x9c\xac", "na\xefve", "\xff\xfe", "From",
		"\"quoted\"", "--", "(comment)", "\x01\x7f", "\t", ":", "key=v",
		"0123456789" };

	puts_(m, one_in(m, 400) ? "=?iso-8859-1?q?na\xefve?=" : PICK(m, words));
	if (one_in(m, 300))
		put_random(m, 900 + random_below(m->d, 1500),
		    one_in(m, 3) ? "\xc3\xa9" : "abcdef=");
}

static void
put_words(struct making *m, uint32_t max, bool may_fold)
{
	uint32_t n = random_below(m->d, max + 1);

	for (uint32_t i = 0; i < n; i++) {
		if (may_fold && one_in(m, 8)) {
			end(m);
			puts_(m, one_in(m, 2) ? " " : "\t");
		} else if (i > 0) {
			puts_(m, one_in(m, 10) ? "  " : " ");
		}
		put_word(m);
	}
}

/* --- addresses ------------------------------------------------------------ */

static const char *const locals[] = { "user", "a.b", "root", "www-data",
	"user+tag", "o'hara", "\"quo ted\"", "\"a@b\"", "\"x\\\"y\"", "-dash",
	"j\xc3\xb6rg", "acct", "acct+x", "#!$%&*/=?^_`{|}~",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" };
static const char *const domains[] = { "example.net", "example.net",
	"example.org", "allowed.example",
	"b\xc3\xbc"
	"cher.example",
	"stra\xc3\x9f"
	"e.example",
	"\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
	"[192.0.2.1]", "[IPv6:2001:db8::1]", "localhost", "pve1.lan",
	"host.local", "pve1", "sub_domain.example.com" };

static void
address(struct making *m, char *to)
{
	const char *local = PICK(m, locals);

	if (one_in(m, 12))
		(void)snprintf(to, MAILS_ADDR_MAX, "%s", local);
	else
		(void)snprintf(
		    to, MAILS_ADDR_MAX, "%s@%s", local, PICK(m, domains));
}

/* As clients write it in MAIL and RCPT. */
static void
write_path(struct making *m, struct mails_addr *a)
{
	size_t n = sizeof(a->path);
	const char *c = a->canonical;
	bool is_name = strchr(c, '@') != NULL && c[0] != '"' &&
		       strchr(c, '[') == NULL;

	switch (random_below(m->d, 12)) {
	case 0:
		(void)snprintf(a->path, n, "< %s >", c);
		break;
	case 1:
		(void)snprintf(a->path, n, c[0] != '\0' ? "%s" : "<%s>", c);
		break;
	case 2:
		(void)snprintf(a->path, n,
		    c[0] != '\0' ? "<@relay.example,@b.example:%s>" : "<%s>",
		    c);
		break;
	case 3:
		(void)snprintf(a->path, n, is_name ? "<%s.>" : "<%s>", c);
		break;
	default:
		(void)snprintf(a->path, n, "<%s>", c);
	}
}

static void
put_mailbox(struct making *m)
{
	static const char *const names[] = { "Cron Daemon", "\"Doe, John\"",
		"J\xc3\xb6rg M\xc3\xbcller",
		"=?utf-8?q?J=C3=B6rg?= M\xc3\xbcller",
		"=?utf-8?q?J=C3=B6rg?=", "\"a \\\" b\"", "na\xefve", "A. B. C.",
		"\"J\xc3\xb6rg, x\"", "\xe6\x97\xa5\xe6\x9c\xac \xe8\xaa\x9e" };
	char addr[MAILS_ADDR_MAX];

	address(m, addr);
	switch (random_below(m->d, 8)) {
	case 0:
	case 1:
		puts_(m, addr);
		break;
	case 2:
		puts_(m, addr);
		puts_(m, " (Cron Daemon)");
		break;
	case 3:
		puts_(m, "<");
		puts_(m, addr);
		puts_(m, ">");
		break;
	default:
		puts_(m, PICK(m, names));
		if (one_in(m, 6)) {
			end(m);
			puts_(m, "\t");
		} else {
			puts_(m, " ");
		}
		puts_(m, "<");
		puts_(m, addr);
		puts_(m, ">");
	}
}

static void
put_mailboxes(struct making *m)
{
	static const char *const odd[] = { "undisclosed-recipients:;", "<>",
		"a@b@c", "group: a@example.net, b@example.net;", ",,",
		"<@x,@y:joe@example.net>", "x@", "\"open", "no comma <a@b> c" };
	size_t n = one_in(m, 200) ? 2000 : 1 + random_below(m->d, 3);

	if (one_in(m, 15)) {
		puts_(m, PICK(m, odd));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			puts_(m, one_in(m, 5) ? " , " : ", ");
		put_mailbox(m);
		if (i % 3 == 2) {
			end(m);
			puts_(m, " ");
		}
	}
}

/* --- fields --------------------------------------------------------------- */

static void
put_name(struct making *m, const char *name)
{
	static const char *const odd[] = { "\xc2\xa0: ", "\xc2\xa0 : ", "\t:",
		"\xe2\x80\x8b:", "\xef\xbc\x9a", "\xa0:", " joe@example.net " };

	if (one_in(m, 80))
		puts_(m, one_in(m, 2) ? "\xef\xbb\xbf" : "\xc2\xa0");
	puts_(m, name);
	if (one_in(m, 60))
		puts_(m, PICK(m, odd));
	else
		puts_(m, one_in(m, 30) ? " : " : one_in(m, 10) ? ":" : ": ");
}

/* A line in the header that is no field. */
static void
put_stray(struct making *m)
{
	static const char *const lines[] = { "no colon", "Bcc joe@example.net",
		"From a@b Fri Aug 21 2026", ">From a@b Fri Aug 21",
		"charset=utf-8", "a (comment): b", "\xff",
		"Bcc\r\n joe@example.net", "Bc\r\n c: joe@example.net",
		"B cc: joe@example.net", "Cc, Bcc: joe@example.net",
		"Blind copies to: joe@example.net",
		"\xef\xbc\xa2\xef\xbd\x83\xef\xbd\x83: joe@example.net" };

	puts_(m, PICK(m, lines));
	end(m);
}

static void
put_address_field(struct making *m)
{
	static const char *const names[] = { "From", "From", "From", "To", "To",
		"Cc", "Bcc", "Sender", "Reply-To", "Resent-From", "Resent-To",
		"Resent-Sender", "Resent-Bcc", "Bccs", "ResentBcc",
		"X-Mailer-Bcc-List", "Blind-Copies", "X-Blind-To", "FROM", "to",
		"Return-Path", "Disposition-Notification-To" };

	put_name(m, PICK(m, names));
	if (!one_in(m, 25))
		put_mailboxes(m);
	end(m);
}

static void
put_text_field(struct making *m)
{
	static const char *const names[] = {
		"Subject", "Subject", "Date", "Message-ID", "X-Foo", "Comments",
		"Received", "Keywords", "References", "X-Relais-Account",
		"Content-Length", "Lines", "DKIM-Signature", "MIME-Version",
		"Content-Disposition", "bcc",
		"X-A-Very-Long-Name-That-Nobody-Needs-But-Some-Program-Makes-"
		"All-The-Same-And-Then-Some-More-To-Be-Over-One-Hundred-Bytes"
	};

	put_name(m, PICK(m, names));
	put_words(m, 12, true);
	end(m);
}

static void
put_stamp(struct making *m)
{
	static const char *const values[] = { "Fri, 27 May 2022 00:42:02 +0200",
		"Fr, 27 Mai 2022 00:42:02 +0200", "2022-05-27T00:42:02+02:00",
		"27 M\xc3\xa4r 2022 10:00", "today", "<a@b.example>",
		"a@b.example", "<a b@c>", "<nobody>", "<x.1@y> (comment)",
		"Fri, 27 May 2022 00:42:02 GMT" };
	static const char *const names[] = { "Date", "date", "Message-ID",
		"Message-Id" };

	put_name(m, PICK(m, names));
	puts_(m, PICK(m, values));
	end(m);
}

static void
put_dkim(struct making *m)
{
	static const char *const signed_[] = { "from:to:subject", "To:Subject",
		"From : Sender", "Reply-To:Date" };

	puts_(m, "DKIM-Signature: v=1; a=rsa-sha256; d=example.net; h=");
	puts_(m, PICK(m, signed_));
	puts_(m, "; b=abc");
	end(m);
}

static void
put_fields(struct making *m)
{
	uint32_t n = random_below(m->d, 8);

	if (one_in(m, 15)) {
		puts_(m, one_in(m, 3) ? ">From me Fri Aug 21 00:00:00 2026"
				      : "From me@here Fri Aug 21 2026");
		end(m);
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t kind = random_below(m->d, 10);

		if (kind < 5)
			put_address_field(m);
		else if (kind < 9)
			put_text_field(m);
		else
			put_dkim(m);
		if (one_in(m, 40))
			put_stray(m);
		if (one_in(m, 10))
			put_stamp(m);
	}
	if (one_in(m, 400))
		for (uint32_t i = 95 + random_below(m->d, 12); i > 0; i--) {
			puts_(m, "Received: from a by b; today");
			end(m);
		}
	if (one_in(m, 3000)) {
		puts_(m, "X-Huge: ");
		put_random(m, one_in(m, 2) ? 90000 : 110000, "abc def\xc3\xa9");
		end(m);
	}
	if (one_in(m, 20000))
		for (int i = 0; i < 25000; i++) {
			puts_(m, "X: y");
			end(m);
		}
}

/* --- bodies --------------------------------------------------------------- */

static void
put_line(struct making *m)
{
	static const char *const lines[] = { ".", "..", ".a", "", " ", "\t",
		"From x", ">From y", "QUIT", "MAIL FROM:<x@y>", "--", "-- ",
		"--b0", "--b1--", "a.", "soft=", "=3D=", "= ", "=C3=A9",
		"caf\xc3\xa9", "\xff", "trailing \t ", "Subject: no" };

	if (one_in(m, 3))
		put_words(m, 8, false);
	else
		puts_(m, PICK(m, lines));
	if (one_in(m, 120))
		put_random(m, 980 + random_below(m->d, 60), "x");
	if (one_in(m, 300))
		put_random(m, 1200 + random_below(m->d, 4000),
		    one_in(m, 2) ? "abc =.\xc3\xa9" : "\x80\x90\xa0\xb0\xff=");
	end(m);
}

static void
put_lines(struct making *m)
{
	uint32_t n = random_below(m->d, one_in(m, 100) ? 3000 : 10);

	for (uint32_t i = 0; i < n; i++)
		put_line(m);
	if (one_in(m, 6))
		put_words(m, 4, false); /* no end */
}

static void
put_base64(struct making *m)
{
	size_t n = 4 * random_below(m->d, one_in(m, 10) ? 600 : 40);

	put_random(m, n, "ABCDEFGabcdefg0123456789+/");
	if (one_in(m, 3)) {
		end(m);
		puts_(m, "QQ==");
	}
	end(m);
}

static void put_part(struct making *m, int depth);

static void
put_type(struct making *m, const char *type, const char *boundary)
{
	puts_(m, one_in(m, 5) ? "content-type: " : "Content-Type: ");
	puts_(m, type);
	if (boundary != NULL) {
		bool is_quoted = one_in(m, 2);

		puts_(m, one_in(m, 4) ? ";" : "; ");
		if (one_in(m, 5)) {
			end(m);
			puts_(m, "\t");
		}
		puts_(m, is_quoted ? "boundary=\"" : "boundary=");
		puts_(m, boundary);
		puts_(m, is_quoted ? "\"" : "");
	}
	end(m);
}

static void
put_delimiter(struct making *m, const char *boundary, bool is_last)
{
	puts_(m, "--");
	puts_(m, boundary);
	puts_(m, is_last ? "--" : "");
	if (one_in(m, 12))
		puts_(m, one_in(m, 2) ? " " : "\t \t");
	end(m);
}

static void
put_multipart(struct making *m, int depth)
{
	static const char *const types[] = { "multipart/mixed",
		"multipart/mixed", "multipart/alternative", "multipart/signed",
		"multipart/encrypted", "multipart/digest", "Multipart/Related",
		"multipart/report" };
	char boundary[32];
	uint32_t n = random_below(m->d, 4);

	(void)snprintf(boundary, sizeof(boundary), "b%lu", m->boundary++);
	put_type(m, PICK(m, types), boundary);
	if (one_in(m, 8)) {
		puts_(m, "Content-Transfer-Encoding: 8bit");
		end(m);
	}
	end(m);
	if (one_in(m, 3))
		put_line(m);
	for (uint32_t i = 0; i < n; i++) {
		put_delimiter(m, boundary, false);
		put_part(m, depth + 1);
	}
	if (!one_in(m, 8))
		put_delimiter(m, boundary, true);
	if (one_in(m, 4))
		put_line(m);
}

static void
put_leaf(struct making *m)
{
	static const char *const types[] = { "text/plain",
		"text/plain; charset=utf-8",
		"text/html; charset=\"iso-8859-1\"",
		"application/octet-stream; name=\"\xc3\x9c ber.bin\"",
		"application/pgp-signature", "application/pkcs7-mime",
		"text/plain (comment)", "image/png" };
	static const char *const encodings[] = { "7bit", "8bit", "8BIT",
		"binary", "quoted-printable", "base64", "x-uuencode", "8-bit" };
	const char *encoding = NULL;

	if (!one_in(m, 3))
		put_type(m, PICK(m, types), NULL);
	if (one_in(m, 2)) {
		encoding = PICK(m, encodings);
		puts_(m, "Content-Transfer-Encoding: ");
		puts_(m, encoding);
		end(m);
	}
	if (one_in(m, 10))
		put_text_field(m);
	if (!one_in(m, 25))
		end(m);
	if (encoding != NULL && strcmp(encoding, "base64") == 0 &&
	    !one_in(m, 6))
		put_base64(m);
	else
		put_lines(m);
}

/* Header fields of its own, the empty line, a body. */
static void
put_part(struct making *m, int depth)
{
	uint32_t kind = random_below(m->d, depth < DEPTH_MAX ? 10 : 6);

	if (one_in(m, 20)) {
		puts_(m, "From the start of a part");
		end(m);
	}
	if (kind < 6) {
		put_leaf(m);
	} else if (kind < 9) {
		put_multipart(m, depth);
	} else {
		put_type(m, "message/rfc822", NULL);
		if (!one_in(m, 20))
			end(m);
		put_fields(m);
		put_part(m, depth + 1);
	}
}

static void
put_deep(struct making *m)
{
	char boundary[32];

	for (int i = 0; i < DEEP; i++) {
		(void)snprintf(boundary, sizeof(boundary), "d%d", i);
		put_type(m, "multipart/mixed", boundary);
		end(m);
		put_delimiter(m, boundary, false);
	}
	end(m);
	put_lines(m);
}

/* --- whole messages ------------------------------------------------------- */

static void
structured(struct making *m)
{
	put_fields(m);
	if (one_in(m, 500))
		put_deep(m);
	else
		put_part(m, 0);
	if (one_in(m, 8) && buf_len(m->to) > 0)
		buf_truncate(
		    m->to, random_below(m->d, (uint32_t)buf_len(m->to)));
}

static void
raw(struct making *m)
{
	static const char *const sets[] = { "\r\n.a",
		"\r\n.a: \t-=", "ab:\n\r\n \xc3\xa9", "From \n:" };
	size_t n = random_below(m->d, 300);

	if (one_in(m, 2)) {
		put_random(m, n, PICK(m, sets));
		return;
	}
	for (; n > 0; n--) {
		char c = (char)random_below(m->d, 256);

		if (c != '\0' || one_in(m, 10))
			put(m, &c, 1);
	}
}

/* A few bytes changed, added or taken away. */
static void
damage(struct making *m)
{
	static const char bytes[] = "\r\n.:-\"; \t\x80\xff=ab";
	struct buf old;
	uint32_t n = 1 + random_below(m->d, 4);

	for (; n > 0 && buf_len(m->to) > 0; n--) {
		uint32_t at = random_below(m->d, (uint32_t)buf_len(m->to));
		char c = one_in(m, 15)
			     ? '\0'
			     : bytes[random_below(m->d, sizeof(bytes) - 1)];

		buf_init(&old, TEXT_MAX);
		if (!buf_add(&old, buf_str(m->to), buf_len(m->to)))
			abort();
		buf_truncate(m->to, at);
		if (!one_in(m, 3))
			put(m, &c, 1);
		at += !one_in(m, 3);
		if (at < buf_len(&old))
			put(m, buf_str(&old) + at, buf_len(&old) - at);
		buf_clear(&old);
	}
}

static void
make_text(struct making *m)
{
	uint32_t kind = random_below(m->d, 20);

	m->eol = kind < 12 ? "\r\n" : kind < 17 ? "\n" : NULL;
	if (one_in(m, 10)) {
		raw(m);
		return;
	}
	structured(m);
	if (one_in(m, 4))
		damage(m);
}

/* --- envelopes ------------------------------------------------------------ */

static void
make_rcpt(struct making *m, struct mails_rcpt *r)
{
	static const char *const orcpts[] = { "rfc822;user@example.net",
		"rfc822;a+2Bb@example.net", "utf-8;user@example.net",
		"utf-8;j\xc3\xb6rg@example.net", "x400;C+3DDE" };
	static const unsigned notifies[] = { DSN_NOTIFY_NEVER,
		DSN_NOTIFY_SUCCESS, DSN_NOTIFY_FAILURE | DSN_NOTIFY_DELAY,
		DSN_NOTIFY_SUCCESS | DSN_NOTIFY_FAILURE };

	*r = (struct mails_rcpt) { .orcpt = "" };
	address(m, r->addr.canonical);
	write_path(m, &r->addr);
	if (one_in(m, 3))
		r->notify = PICK(m, notifies);
	if (one_in(m, 4))
		(void)snprintf(
		    r->orcpt, sizeof(r->orcpt), "%s", PICK(m, orcpts));
}

bool
mails_is_high(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return true;
	return false;
}

static void
make_envelope(struct making *m, struct mails_mail *mail)
{
	static const char *const envids[] = { "", "", "id-1", "QQ314159",
		"a+2Bb+3Dc",
		"0123456789012345678901234567890123456789012345678901234567890"
		"12345678901234567890123456789012345678" };

	mail->sender.canonical[0] = '\0';
	if (!one_in(m, 10))
		address(m, mail->sender.canonical);
	write_path(m, &mail->sender);
	mail->nrcpts = one_in(m, 20) ? 1 + random_below(m->d, MAILS_RCPTS_MAX)
				     : 1 + random_below(m->d, 3);
	mail->says_utf8 = one_in(m, 4) || mails_is_high(mail->sender.canonical);
	for (size_t i = 0; i < mail->nrcpts; i++) {
		make_rcpt(m, &mail->rcpts[i]);
		mail->says_utf8 |= mails_is_high(
				       mail->rcpts[i].addr.canonical) ||
				   mails_is_high(mail->rcpts[i].orcpt);
	}
	(void)snprintf(mail->envid, sizeof(mail->envid), "%s", PICK(m, envids));
	mail->ret = (int)random_below(m->d, 3);
	mail->says_8bit = one_in(m, 3);
}

void
mails_init(struct mails_mail *m)
{
	memset(m, 0, sizeof(*m));
	buf_init(&m->text, TEXT_MAX);
}

void
mails_clear(struct mails_mail *m)
{
	buf_clear(&m->text);
}

void
mails_make(struct mails_mail *mail, struct random_source *d)
{
	struct making m = { .d = d, .to = &mail->text };

	buf_reset(&mail->text);
	make_text(&m);
	make_envelope(&m, mail);
}
