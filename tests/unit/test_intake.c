/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R14, R15, R42, R78: what is done to every message on its way in. */
#include "tests/lib/check.h"

#include <stdlib.h>

#include "mail/header.h"
#include "rewrite/intake.h"
#include "rewrite/notes.h"
#include "rewrite/trace.h"

#define RECEIVED                                                               \
	"Received: from alice by mx.example.org (relais, userid 1000) with "   \
	"ESMTP id X1\r\n for <b@example.net>; Fri, 21 Aug 2026 14:03:05 "      \
	"+0200\r\n"
#define FROM  "From: Alice <alice@example.org>\r\n"
#define DATE  "Date: Fri, 21 Aug 2026 14:03:05 +0200\r\n"
#define MSGID "Message-ID: <20260821120305.X1@mx.example.org>\r\n"
#define RFROM "Resent-From: Alice <alice@example.org>\r\n"
#define RDATE "Resent-Date: Fri, 21 Aug 2026 14:03:05 +0200\r\n"
#define RID   "Resent-Message-ID: <20260821120305.X1r@mx.example.org>\r\n"
#define ALL                                                                    \
	"From: a@b\r\nDate: Fri, 27 May 2022 00:42:02 +0200\r\nMessage-ID: "   \
	"<x@y>\r\n"

static struct envelope *
the_envelope(void)
{
	struct envelope *e = envelope_new();

	memcpy(e->id, "X1", 3);
	envelope_set(&e->sender, "alice@example.org");
	envelope_set(&e->peer, "unix");
	envelope_set(&e->user, "alice");
	e->uid = 1000;
	envelope_add_rcpt(e, "b@example.net");
	return e;
}

static bool
is_here(void *ctx, const char *id)
{
	(void)ctx;
	return strcmp(id, "6v5q3b0c1d2e4f7g") == 0;
}

static struct intake_facts
the_facts(const struct envelope *e)
{
	return (struct intake_facts) {
		.is_here = is_here,
		.env = e,
		.hostname = "mx.example.org",
		.with = "ESMTP",
		.wall_ms = INT64_C(1787313785000),
		.utc_offset_s = 7200,
		.full_name = "Alice",
	};
}

static void
drain(struct intake *in, struct buf *out, size_t most)
{
	const void *p;
	size_t n;

	while ((n = intake_peek(in, &p)) > 0) {
		n = n < most ? n : most;
		assert_true(buf_add(out, p, n));
		intake_took(in, n);
	}
}

/* Puts text through in chunks, each in memory of its exact size. */
static bool
run(struct intake *in, struct bytes text, size_t chunk, struct buf *out)
{
	for (size_t at = 0, n; at < text.n; at += n) {
		char *copy;
		bool ok;

		n = text.n - at < chunk ? text.n - at : chunk;
		copy = malloc(n);
		memcpy(copy, text.p + at, n);
		ok = intake_put(in, copy, n);
		drain(in, out, chunk);
		free(copy);
		if (!ok)
			return false;
	}
	if (!intake_end(in))
		return false;
	drain(in, out, chunk);
	return true;
}

static const struct row {
	const char *in, *out;
} rows[] = {
	{ ALL "\r\nbody\r\n", RECEIVED ALL "\r\nbody\r\n" },
	{ ALL "\r\nbody", RECEIVED ALL "\r\nbody\r\n" },
	{ ALL "\r\nbody\r", RECEIVED ALL "\r\nbody\r\n" },
	{ ALL "\r\n\r\n\r\n.\r\n", RECEIVED ALL "\r\n\r\n\r\n.\r\n" },
	{ ALL "\r\n", RECEIVED ALL "\r\n" },
	{ ALL, RECEIVED ALL "\r\n" },
	/* what is missing is made; what is there stays in its place */
	{ "Subject: x\r\n\r\ny\r\n",
	    RECEIVED "Subject: x\r\n" FROM DATE MSGID "\r\ny\r\n" },
	{ "date: 27 May 2022 00:42 +0200\r\nFROM :a\r\n\r\ny\r\n", RECEIVED
	    "date: 27 May 2022 00:42 +0200\r\nFROM:a\r\n" MSGID "\r\ny\r\n" },
	{ "From:\r\nDate: \r\n \r\nMessage-ID:\r\nTo: b\r\n\r\n",
	    RECEIVED "To: b\r\n" FROM DATE MSGID "\r\n" },
	/* no header at all */
	{ "", RECEIVED FROM DATE MSGID "\r\n" },
	{ "hello\r\nyou\r\n", RECEIVED FROM DATE MSGID "\r\nhello\r\nyou\r\n" },
	{ "hello", RECEIVED FROM DATE MSGID "\r\nhello\r\n" },
	{ "\r\nhello\r\n", RECEIVED FROM DATE MSGID "\r\nhello\r\n" },
	{ ALL "hello you\r\n", RECEIVED ALL "\r\nhello you\r\n" },
	/* R15 */
	{ ALL "Bcc: s@x\r\nTo: t@x\r\n\r\n", RECEIVED ALL "To: t@x\r\n\r\n" },
	{ "Bcc: a\r\nbcc:b,\r\n c,\r\n\td\r\nBCC : e\r\nResent-Bcc: f\r\n"
	  "Resent-bcc:\r\n g\r\nReturn-Path: <h>\r\n" ALL "Bcc: i",
	    RECEIVED ALL "\r\n" },
	{ ALL "Bcc-X: a\r\nBccs: a\r\nX-Web-Cc: b\r\nBcc,Cc: s@h\r\n"
	      "Blind-Copies: s@h\r\nCc, Bcc: s@h\r\n\r\nBcc: c\r\n",
	    RECEIVED ALL "X-Web-Cc: b\r\n\r\nBcc: c\r\n" },
	{ ALL "Bcc: a@h\r\n\"S, \\\"T\" <s@h>\r\nBccs: b@h,\r\nc@h\r\n"
	      "X-Bcc: d@h\r\ne@h\r\n\r\nx\r\n",
	    RECEIVED ALL "\r\nx\r\n" },
	/* what people read as Bcc is one, with signs and letters of others */
	{ ALL
	    "X-Bcc: s@h\r\n\"Bcc\": s@h,\r\n t@h\r\nB-cc: s@h\r\nBcc?: s@h\r\n"
	    "Blind-Carbon-Copy: s@h\r\nX-BlindCopy: s@h\r\n"
	    "B?cc: s@h\r\nX: 1\r\n\r\n",
	    RECEIVED ALL "X: 1\r\n\r\n" },
	{ ALL "Bc\xd1\x81: s@h\r\n\xd0\x92\xd1\x81\xd1\x81: s@h\r\n\xce\x92"
	      "\xcf\xb2\xcf\xb2: s@h\r\nX-\xd0\xac\xe2\x85\xbd\xe1\xb4\x84: "
	      "s@h\r\nX: 1\r\n\r\n",
	    RECEIVED ALL "X: 1\r\n\r\n" },
	/* any letter of others stands for one of "bcc" */
	{ ALL "Bc\xe1\x91\x95: s@h\r\n\xd0\x91"
	      "cc: s@h\r\nX: 1\r\n\r\n",
	    RECEIVED ALL "X: 1\r\n\r\n" },
	{ ALL "\xd0\x92\xd1\x81\xd0\xb5\xd0\xbc: s@h\r\n\r\n",
	    RECEIVED ALL "\r\n\xd0\x92\xd1\x81\xd0\xb5\xd0\xbc: s@h\r\n\r\n" },
	/* a hidden list that goes on without a blank in front */
	{ ALL "Bcc: x@h\r\nSue Miller <s@h>\r\nT. <t@h>, u@h (U)\r\nv@h, W "
	      "<w@h>,\r\n\r\nx\r\n",
	    RECEIVED ALL "\r\nx\r\n" },
	{ ALL "Bcc: x@h\r\nSue, s@h is hidden\r\n\r\nx\r\n",
	    RECEIVED ALL "\r\nSue, s@h is hidden\r\n\r\nx\r\n" },
	{ ALL "To: x@h\r\nSue Miller <s@h>\r\n\r\nx\r\n",
	    RECEIVED ALL "To: x@h\r\n\r\nSue Miller <s@h>\r\n\r\nx\r\n" },
	/* a first line that is text although there is a colon in it */
	{ "{\"a\": 1}\r\n", RECEIVED FROM DATE MSGID "\r\n{\"a\": 1}\r\n" },
	{ "10:15 done\r\n\r\nx\r\n",
	    RECEIVED FROM DATE MSGID "\r\n10:15 done\r\n\r\nx\r\n" },
	{ "http://x/\r\nC:\\x\r\n",
	    RECEIVED FROM DATE MSGID "\r\nhttp://x/\r\nC:\\x\r\n" },
	{ "{\"a\": 1}\r\nBcc: s@h\r\nbye\r\n",
	    RECEIVED FROM DATE MSGID "\r\n{\"a\": 1}\r\nbye\r\n" },
	{ "My/Own:x\r\nSubject: s\r\nTo: t@x\r\n\r\nx\r\n",
	    RECEIVED "My/Own:x\r\nSubject: s\r\nTo: t@x\r\n" FROM DATE MSGID
		     "\r\nx\r\n" },
	{ ALL "Bcc\x0b: s@h\r\n\x01"
	      "Bcc: s@h,\r\n t@h\r\nBcc\xcd\x8f: s@h\r\n"
	      "\xd0\x92"
	      "cc: s@h\r\nX: 1\r\n\r\n",
	    RECEIVED ALL "X: 1\r\n\r\n" },
	{ ALL "\xef\xbc\xa2\xef\xbd\x83\xef\xbd\x83: s@h\r\n"
	      "\xf0\x9d\x90\x81\xf0\x9d\x90\x9c\xf0\x9d\x90\x9c: s@h\r\n"
	      "\xe2\x92\xb7\xe2\x93\x92\xe2\x93\x92\xef\xbc\x9a s@h\r\n"
	      "B cc: s@h\r\nb c c : s@h\r\nResent- Bcc: s@h\r\n"
	      "Bcc\r\n : s@h\r\nBc\r\n c: s@h\r\nBcc\r\n s@h,\r\n t@h\r\n"
	      "X: 1\r\nX: 2\r\n\r\n",
	    RECEIVED ALL "X: 1\r\nX: 2\r\n\r\n" },
	{ ALL "A bcc: s@h\r\nBcc me: s@h\r\nBcc\r\n of s: s@h\r\n\r\n",
	    RECEIVED ALL "\r\nA bcc: s@h\r\n" },
	/* mbox */
	{ "From me Fri Aug 21\r\n" ALL "\r\nFrom x\r\n",
	    RECEIVED ALL "\r\nFrom x\r\n" },
	/* RFC 5322 3.6.6: the newest block, and nothing else */
	{ "Resent-To: x@y\r\n" ALL "\r\n",
	    RECEIVED RFROM RDATE RID "Resent-To: x@y\r\n" ALL "\r\n" },
	{ ALL "Resent-Bcc: x@y\r\n\r\n", RECEIVED ALL "\r\n" },
	/* bytes that are no text are signs, too */
	{ ALL "Resent\x80"
	      "Bcc: s@h,\r\n t@h\r\nX\x01"
	      "Bcc: s@h\r\n\r\n",
	    RECEIVED ALL "\r\n" },
	{ "Resent-To: x@y\r\nResent-From: b@c\r\nX-Y: z\r\n" ALL "\r\n",
	    RECEIVED RDATE RID
	    "Resent-To: x@y\r\nResent-From: b@c\r\nX-Y: z\r\n" ALL "\r\n" },
	{ "Resent-To: x@y\r\nResent-Message-ID: <a@b>\r\nResent-Date: 27 Mai "
	  "2022 10:00\r\n"
	  "Resent-To: o@p\r\nResent-From: q@r\r\n" ALL "\r\n",
	    RECEIVED RFROM
	    "Resent-To: x@y\r\nResent-Message-ID: <a@b>\r\n"
	    "Resent-Date: Fri, 27 May 2022 10:00:00 +0200\r\nResent-To: "
	    "o@p\r\nResent-From: q@r\r\n" ALL
	    "X-Original-Resent-Date: 27 Mai 2022 10:00\r\n\r\n" },
	{ "Resent-Message-ID: a@b\r\n" RFROM RDATE "Resent-To: x@y\r\n" ALL
	  "\r\n",
	    RECEIVED "Resent-Message-ID: <a@b>\r\n" RFROM RDATE
		     "Resent-To: x@y\r\n" ALL
		     "X-Original-Resent-Message-ID: a@b\r\n\r\n" },
	{ "Resent-To: x@y\r\n\r\n", RECEIVED RFROM RDATE RID
	    "Resent-To: x@y\r\n" FROM DATE MSGID "\r\n" },
	/* fields for addresses without any */
	{ ALL "To: \r\nCc:\r\n ,\r\nReply-To: (nobody \\) (here)), "
	      "<>\r\nResent-To:\r\n"
	      "Sender: \r\nReferences:\r\nSubject:\r\nX-Y:\r\n\r\n",
	    RECEIVED ALL "Subject:\r\nX-Y:\r\n\r\n" },
	{ "From: (me)\r\nFrom: ,\r\n" DATE MSGID "\r\n",
	    RECEIVED DATE MSGID FROM "\r\n" },
	{ ALL "To: \xa0\r\nCc: \xc2\xa0\r\nReply-To: \xe2\x80\x8b,\r\n\r\n",
	    RECEIVED ALL "\r\n" },
	/* encoded words with bytes over 127 */
	{ ALL "Subject: =?iso-8859-1?Q?Fr\xfche?=\r\n\r\n",
	    RECEIVED ALL "Subject: =?iso-8859-1?q?Fr=FChe?=\r\n\r\n" },
	{ ALL
	    "Subject: a =?utf-8*de?Q?Fr\xc3\xbche Zeit=2E?= b\xc3\xb6\r\n\r\n",
	    RECEIVED ALL
	    "Subject: a =?utf-8?q?Fr=C3=BChe_Zeit=2E?= b\xc3\xb6\r\n\r\n" },
	{ ALL "Subject: =?utf-8?B?w6\xffk=?=\r\nX: "
	      "=?iso-8859-15?B?\xe9t\xe9?=\r\n\r\n",
	    RECEIVED ALL "Subject: =?utf-8?q?=C3=A9?=\r\nX: "
			 "=?iso-8859-15?q?=E9t=E9?=\r\n\r\n" },
	{ ALL "Subject: =?iso-8859-1?Q?Fr\xfche =?x? \xfc\r\n\r\n",
	    RECEIVED ALL "Subject: =?iso-8859-1?Q?Fr\xfche =?x? \xfc\r\n\r\n" },
	/* addresses in encoded words */
	{ "From: =?utf-8?q?J=C3=B6rg_<j@x.example>?=\r\n" DATE MSGID "\r\n",
	    RECEIVED "From: =?utf-8?q?J=C3=B6rg?= <j@x.example>\r\n" DATE MSGID
		     "\r\n" },
	{ "From: =?ISO-8859-1?B?SvZyZyA8akB4LmV4YW1wbGU+?=\r\n" DATE MSGID
	  "\r\n",
	    RECEIVED
	    "From: =?ISO-8859-1?q?J=F6rg?= <j@x.example>\r\n" DATE MSGID
	    "\r\n" },
	{ "From: =?utf-8?q?J_?=\r\n =?utf-8?q?=3Cj=40x=2Eexample=3E?=\r\n" DATE
		MSGID "To: =?utf-8?q?a=40b=2Eexample=2C?= "
	  "=?utf-8?q?=22M=C3=BC=2C_X=22_<c@d.example>?=\r\n\r\n",
	    RECEIVED
	    "From: J <j@x.example>\r\n" DATE MSGID
	    "To: a@b.example, =?utf-8?q?M=C3=BC=2C_X?= <c@d.example>\r\n\r\n" },
	/* in quotes, in brackets at the start, with a comma in the name */
	{ "From: \"=?utf-8?q?J=C3=B6rg_<j@x.example>?=\"\r\n" DATE MSGID
	  "Reply-To: <=?utf-8?q?j=40x.example?=>\r\nTo: "
	  "=?utf-8?q?M=C3=BC=2C_X_<c@d.example>?=\r\n\r\n",
	    RECEIVED "From: =?utf-8?q?J=C3=B6rg?= <j@x.example>\r\n" DATE MSGID
		     "Reply-To: <j@x.example>\r\nTo: =?utf-8?q?M=C3=BC=2C_X?= "
		     "<c@d.example>\r\n\r\n" },
	/* also as a member of a list, and in any field of addresses */
	{ ALL "To: a@x.example, =?utf-8?q?J=C3=B6_<j@x.example>?=, \"B, "
	      "=?utf-8?q?c=40x.example?=\" <b@x.example>\r\n"
	      "Errors-To: J <=?utf-8?q?j=40x.example?=>\r\n\r\n",
	    RECEIVED ALL
	    "To: a@x.example, =?utf-8?q?J=C3=B6?= <j@x.example>, \"B,\r\n "
	    "=?utf-8?q?c=40x.example?=\" <b@x.example>\r\n"
	    "Errors-To: J <j@x.example>\r\n\r\n" },
	/* nothing is said, in more ways */
	{ ALL "To: \"\"\r\nCc: :;\r\nReply-To: =?utf-8?q?\?=\r\n"
	      "Return-Receipt-To: \"\" <>\r\nX-Reply-To: ;\r\n\r\n",
	    RECEIVED ALL "\r\n" },
	{ "From: =?utf-8?q?J=C3=B6rg?= <j@x.example>\r\n" DATE MSGID
	  "To: =?utf-8?q?friends?=\r\n\r\n",
	    RECEIVED "From: =?utf-8?q?J=C3=B6rg?= <j@x.example>\r\n" DATE MSGID
		     "To: =?utf-8?q?friends?=\r\n\r\n" },
	/* dates that servers refuse: read if they can be, and kept */
	{ "From: a@b\r\nMessage-ID: <x@y>\r\nDate: Fr, 27 Mai 2022 00:42:02 "
	  "+0200\r\n\r\n",
	    RECEIVED
	    "From: a@b\r\nMessage-ID: <x@y>\r\nDate: Fri, 27 May 2022 00:42:02 "
	    "+0200\r\n"
	    "X-Original-Date: Fr, 27 Mai 2022 00:42:02 +0200\r\n\r\n" },
	{ "From: a@b\r\nMessage-ID: <x@y>\r\nDate: 3 M\xc3\xa4rz 2022\r\n "
	  "10:00:00\r\n\r\n",
	    RECEIVED "From: a@b\r\nMessage-ID: <x@y>\r\nDate: Thu, 03 Mar 2022 "
		     "10:00:00 +0200\r\n"
		     "X-Original-Date: "
		     "3 =?utf-8?q?M=C3=A4rz?= 2022 10:00:00\r\n\r\n" },
	{ "From: a@b\r\nMessage-ID: <x@y>\r\nDate: today\r\n\r\n",
	    RECEIVED "From: a@b\r\nMessage-ID: <x@y>\r\n" DATE
		     "X-Original-Date: today\r\n\r\n" },
	{ "From: a@b\r\nMessage-ID: <x@y>\r\nDate: "
	  "=?utf-8?q?3_M=C3=A4rz_2022_10=3A00?=\r\n\r\n",
	    RECEIVED "From: a@b\r\nMessage-ID: <x@y>\r\nDate: Thu, 03 Mar 2022 "
		     "10:00:00 +0200\r\nX-Original-Date: "
		     "=?utf-8?q?3_M=C3=A4rz_2022_10=3A00?=\r\n\r\n" },
	/* the best of several */
	{ "From: a@b\r\nMessage-ID: <x@y>\r\nDate: today\r\nDate:\r\nDate: "
	  "2022-05-27\r\n" DATE DATE "\r\n",
	    RECEIVED
	    "From: a@b\r\nMessage-ID: <x@y>\r\n" DATE
	    "X-Original-Date: today\r\nX-Original-Date: 2022-05-27\r\n\r\n" },
	{ "From: a@b\r\nMessage-ID: <x@y>\r\nDate: today\r\nDate: "
	  "2022-05-27\r\n\r\n",
	    RECEIVED
	    "From: a@b\r\nMessage-ID: <x@y>\r\nDate: Fri, 27 May 2022 00:00:00 "
	    "+0200\r\n"
	    "X-Original-Date: today\r\nX-Original-Date: 2022-05-27\r\n\r\n" },
	/* ids */
	{ "From: a@b\r\n" DATE "Message-ID: [job@app.example]\r\n\r\n",
	    RECEIVED "From: a@b\r\n" DATE "Message-ID: <job@app.example>\r\n"
		     "X-Original-Message-ID: [job@app.example]\r\n\r\n" },
	{ "From: a@b\r\n" DATE "Message-ID: job-1@app.example\r\n\r\n",
	    RECEIVED "From: a@b\r\n" DATE "Message-ID: <job-1@app.example>\r\n"
		     "X-Original-Message-ID: job-1@app.example\r\n\r\n" },
	{ "From: a@b\r\n" DATE "Message-ID: < <job-1@app.example> >,\r\n\r\n",
	    RECEIVED
	    "From: a@b\r\n" DATE "Message-ID: <job-1@app.example>\r\n"
	    "X-Original-Message-ID: < <job-1@app.example> >,\r\n\r\n" },
	{ "From: a@b\r\n" DATE "Message-ID: <job-1>\r\n\r\n",
	    RECEIVED "From: a@b\r\n" DATE MSGID
		     "X-Original-Message-ID: <job-1>\r\n\r\n" },
	{ "From: a@b\r\n" DATE "Message-ID: <a b@c>\r\n\r\n",
	    RECEIVED "From: a@b\r\n" DATE MSGID
		     "X-Original-Message-ID: <a b@c>\r\n\r\n" },
	{ "From: a@b\r\n" DATE "Message-ID: <j\xc3\xb6rg@c>\r\n\r\n", RECEIVED
	    "From: a@b\r\n" DATE MSGID
	    "X-Original-Message-ID: =?utf-8?q?=3Cj=C3=B6rg=40c=3E?=\r\n\r\n" },
	{ "From: a@b\r\n" DATE
	  "Message-ID: job\r\nMessage-ID: <x@y>\r\nmessage-id: <z@y>\r\n\r\n",
	    RECEIVED "From: a@b\r\n" DATE "Message-ID: <x@y>\r\n"
		     "X-Original-Message-ID: job\r\nX-Original-Message-ID: "
		     "<z@y>\r\n\r\n" },
	{ "From: a@b\r\n" DATE "Message-ID:\r\n <x@y>\r\n (as it was)\r\n\r\n",
	    RECEIVED "From: a@b\r\n" DATE
		     "Message-ID:\r\n <x@y>\r\n (as it was)\r\n\r\n" },
	/* names with what does not belong there */
	{ "From : a@b\r\nTO\t:\r\n t@x\r\nX-Y \t : z\r\n" DATE MSGID
	  "\r\nFrom : x\r\n",
	    RECEIVED "From: a@b\r\nTO:\r\n t@x\r\nX-Y: z\r\n" DATE MSGID
		     "\r\nFrom : x\r\n" },
	{ ALL "Bcc\xc2\xa0 : s@h\r\nSubject: 1\r\n\r\nx\r\n",
	    RECEIVED ALL "Subject: 1\r\n\r\nx\r\n" },
	{ ALL "Bcc\xa0: s@h\r\n\xe2\x80\x8b"
	      "bcc:\r\n s@h\r\nB\xc2\xad"
	      "cc: s@h\r\nBcc\xef\xbc\x9as@h\r\nResent-Bcc\xe3\x80\x80: s@h\r\n"
	      "Bcc s@h\r\nResent-Bcc; s@h\r\nSubject: 1\r\n\r\nx\r\n",
	    RECEIVED ALL "Subject: 1\r\n\r\nx\r\n" },
	{ "\xef\xbb\xbf" ALL "\r\nx\r\n", RECEIVED ALL "\r\nx\r\n" },
	{ " " ALL "\r\nx\r\n", RECEIVED ALL "\r\nx\r\n" },
	{ ALL
	    "To: a@b\r\n Bcc: s@h,\r\n\ts2@h\r\n \tResent-Bcc\xc2\xa0: s@h\r\n"
	    "Subject: 1\r\n Bcc: none\r\n\r\nx\r\n",
	    RECEIVED ALL "To: a@b\r\nSubject: 1\r\n Bcc: none\r\n\r\nx\r\n" },
	{ ALL "To: a@b\r\n   bcc : s@h\r\nSubject: 1\r\n Bcc\xc2\xa0: t@h\r\n"
	      "\r\nx\r\n",
	    RECEIVED ALL "To: a@b\r\nSubject: 1\r\n\r\nx\r\n" },
	{ ALL "To: a@b\r\n Bcc: Sue\r\n Miller\r\n <s@h>,\r\n t@h\r\n"
	      "Subject: 1\r\n bcc: none\r\n more\r\n\r\nx\r\n",
	    RECEIVED ALL "To: a@b\r\nSubject: 1\r\n bcc: none\r\n more\r\n\r\n"
			 "x\r\n" },
	/* two lists that nobody can read are no empty one */
	{ ALL "To: a@\"b\r\nTo: a@\"b\r\nSubject: 1\r\n\r\n",
	    RECEIVED ALL "Subject: 1\r\n\r\n" },
	/* lines that are no fields: text is not lost and hides no Bcc */
	{ ALL
	    "no colon here\r\n and more\r\nBcc: s@h\r\nSubject: 1\r\n\r\nx\r\n",
	    RECEIVED ALL
	    "Subject: 1\r\n\r\nno colon here\r\n and more\r\nx\r\n" },
	{ ALL "no colon here\r\nBlind-Copy: s@h\r\nSubject: 1\r\n\r\nx\r\n",
	    RECEIVED ALL "Subject: 1\r\n\r\nno colon here\r\nx\r\n" },
	{ ALL "Bcc\r: s@h\r\n- Bcc: s@h\r\nBlind copy: s@h\r\nX-Y: 1\r\n"
	      "\r\nx\r\n",
	    RECEIVED ALL "X-Y: 1\r\n\r\nx\r\n" },
	/* a line of a list that is not indented */
	{ ALL "To: a@b,\r\nc@d,\r\n e@f,\r\ng@h\r\nx\r\nBcc: s@h,\r\n"
	      "t@h\r\nSubject: b,\r\n\r\nx\r\n",
	    RECEIVED ALL "To: a@b,\r\n c@d,\r\n e@f,\r\n g@h\r\nSubject: b,"
			 "\r\n\r\nx\r\nx\r\n" },
	{ ALL "To: a@b\r\n<c@d>\r\nBcc:\r\ns@h\r\nt@h;\r\nu@h\r\n\r\nx\r\n",
	    RECEIVED ALL "To: a@b\r\n , <c@d>\r\n\r\nx\r\n" },
	{ ALL "Subject: b,\r\nc@d\r\n\r\nx\r\n",
	    RECEIVED ALL "Subject: b,\r\n\r\nc@d\r\n\r\nx\r\n" },
	{ ALL "hello\r\nBcc: s@h\r\nthis is text\r\nNote: so\r\n\r\nx\r\n",
	    RECEIVED ALL "\r\nhello\r\nthis is text\r\nNote: so\r\n\r\nx\r\n" },
	{ ALL "hello\r\nBcc:\r\n s@h,\r\n t@h\r\nBcc: u@h",
	    RECEIVED ALL "\r\nhello\r\n" },
	{ "hello\r\nSubject: is this\r\nBcc: s@h\r\nyou\r\n",
	    RECEIVED FROM DATE MSGID
	    "\r\nhello\r\nSubject: is this\r\nyou\r\n" },
	{ "junk\r\n" ALL "Bcc: s@h\r\n\r\nx\r\n",
	    RECEIVED ALL "\r\njunk\r\nx\r\n" },
	{ ALL "From me Fri Aug 21\r\n>From me\r\nBcc: s@h\r\nSubject: "
	      "1\r\nX-Y: z\r\n\r\nx\r\n",
	    RECEIVED ALL "Subject: 1\r\nX-Y: z\r\n\r\nx\r\n" },
	{ "From me Fri Aug 21\r\nFrom you Fri Aug 22\r\n" ALL "\r\nx\r\n",
	    RECEIVED ALL "\r\nx\r\n" },
	{ ALL "Content-Transfer-Encoding: base64\r\nn\xc3\xb6 colon\r\n"
	      "Subject: 1\r\n\r\nYQ==\r\n",
	    RECEIVED ALL "Content-Transfer-Encoding: base64\r\nSubject: 1\r\n"
			 "X-Original-Line: =?utf-8?q?n=C3=B6_colon?=\r\n"
			 "\r\nYQ==\r\n" },
};

static void
check_row(const void *arg, size_t chunk)
{
	const struct row *row = arg;
	struct envelope *e = the_envelope();
	struct intake_facts facts = the_facts(e);
	struct intake *in = intake_new(&facts);
	struct buf out;

	buf_init(&out, 10000);
	assert_true(run(in, bytes_str(row->in), chunk, &out));
	assert_string_equal(buf_str(&out), row->out);
	buf_clear(&out);
	intake_free(in);
	envelope_free(e);
}

static void
messages_come_out_mended_and_otherwise_as_they_were(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_chunks(check_row, &rows[i], strlen(rows[i].in));
}

static void
the_body_is_the_callers_own_bytes(void **state)
{
	static const char head[] = ALL "\r\n", body[] = "some body\r\n";
	struct envelope *e = the_envelope();
	struct intake_facts facts = the_facts(e);
	struct intake *in = intake_new(&facts);
	struct buf out;
	const void *p;

	(void)state;
	buf_init(&out, 10000);
	assert_true(intake_put(in, head, strlen(head)));
	drain(in, &out, 10000);
	assert_true(intake_put(in, body, strlen(body)));
	assert_int_equal(intake_peek(in, &p), strlen(body));
	assert_ptr_equal(p, body);
	intake_took(in, 5);
	assert_int_equal(intake_peek(in, &p), strlen(body) - 5);
	assert_ptr_equal(p, body + 5);
	buf_clear(&out);
	intake_free(in);
	envelope_free(e);
}

static void
what_was_seen_is_true_at_every_chunk_size(void **state)
{
	static const char text[] = ALL "X: \xc3\xb6\r\n\r\nab\r\n"
				       "abcdefghijklmnopqrstuvwxyz"
				       "abcdefghijklmnopqrstuvwxyz"
				       "abcdefghijklmnopqrstuvwxyz"
				       "abcdefghijklmnopqrstuvwxyz\r\nab";
	struct envelope *e = the_envelope();
	struct intake_facts facts = the_facts(e);

	(void)state;
	for (size_t chunk = 1; chunk < sizeof(text); chunk++) {
		struct intake *in = intake_new(&facts);
		struct buf out;

		buf_init(&out, 10000);
		assert_true(
		    run(in, bytes_of(text, sizeof(text) - 1), chunk, &out));
		assert_int_equal(intake_seen(in)->longest_line, 104);
		assert_false(intake_seen(in)->has_8bit_body);
		assert_string_equal(intake_seen(in)->message_id, "<x@y>");
		buf_clear(&out);
		intake_free(in);
	}
	envelope_free(e);
}

static void
one_byte_over_127_anywhere_in_the_body_is_seen(void **state)
{
	struct envelope *e = the_envelope();
	struct intake_facts facts = the_facts(e);

	(void)state;
	for (size_t at = 0; at < 30; at++) {
		struct intake *in = intake_new(&facts);
		char text[sizeof(ALL) + 12] = ALL;
		size_t head = strlen(ALL);
		struct buf out;

		memset(text + head, 'x', 12);
		memcpy(text + head, "\r\n", 2);
		buf_init(&out, 10000);
		if (at < 10)
			text[head + 2 + at] = (char)0x80;
		assert_true(run(in, bytes_of(text, head + 12),
		    at % 3 == 0 ? 100 : at, &out));
		assert_int_equal(intake_seen(in)->has_8bit_body, at < 10);
		buf_clear(&out);
		intake_free(in);
	}
	envelope_free(e);
}

/* --- Message-ID ----------------------------------------------------------- */

static void
a_message_id_takes_the_authors_domain_where_the_sender_is_local(void **state)
{
	static const struct {
		const char *sender, *from, *domain;
	} cases[] = {
		{ "root", "From: Me <me@example.org>\r\n", "@example.org>" },
		{ "root@pve1", "From: me@example.org\r\n", "@example.org>" },
		{ "a@example.net", "From: me@example.org\r\n",
		    "@example.net>" },
		{ "root@pve1", "From: root\r\n", "@pve1.invalid>" },
		{ "root@pve1", "From: nonsense,,<\r\n", "@pve1.invalid>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct envelope *e = the_envelope();
		struct intake_facts facts = the_facts(e);
		struct intake *in;
		struct buf out;

		buf_init(&out, 10000);
		envelope_set(&e->sender, cases[i].sender);
		facts.hostname = "pve1";
		in = intake_new(&facts);
		assert_true(run(in, bytes_str(cases[i].from), 3, &out));
		assert_non_null(
		    strstr(intake_seen(in)->message_id, cases[i].domain));
		buf_clear(&out);
		intake_free(in);
		envelope_free(e);
	}
}

/* --- From ----------------------------------------------------------------- */

static void
a_from_is_made_of_whatever_is_known(void **state)
{
	static const struct {
		const char *sender, *user, *name, *host, *from;
	} cases[] = {
		{ "a@b.org", "u", NULL, "h.org", "From: a@b.org\r\n" },
		{ "root", "u", "", "h.org", "From: root@h.org\r\n" },
		{ "", "www-data", "W", "h.org",
		    "From: W <www-data@h.org>\r\n" },
		{ "", NULL, NULL, "h.org", "From: postmaster@h.org\r\n" },
		{ "", "bad user", NULL, "h.org", "From: postmaster@h.org\r\n" },
		{ "", NULL, NULL, "no host", "From: postmaster@localhost\r\n" },
		{ "a@b.org", "u", "J\xc3\xb6", "h.org",
		    "From: =?utf-8?q?J=C3=B6?= <a@b.org>\r\n" },
		{ "a@b.org", "u", "x\r\nBcc: v@x", "h.org",
		    "From: \"x  Bcc: v@x\" <a@b.org>\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct envelope *e = the_envelope();
		struct intake_facts facts = the_facts(e);
		struct intake *in;
		struct buf out;

		envelope_set(&e->sender, cases[i].sender);
		envelope_set(&e->user, cases[i].user);
		facts.full_name = cases[i].name;
		facts.hostname = cases[i].host;
		in = intake_new(&facts);
		buf_init(&out, 10000);
		assert_true(run(in, bytes_of("\r\n", 2), 2, &out));
		if (strstr(buf_str(&out), cases[i].from) == NULL)
			fail_msg("no %s in %s", cases[i].from, buf_str(&out));
		buf_clear(&out);
		intake_free(in);
		envelope_free(e);
	}
}

/* Cron must not lose its output for a NUL in it. */
static void
a_nul_is_replaced_and_noted(void **state)
{
#define UTF8      "Content-Type: text/plain; charset=UTF-8\r\n"
#define PART      "Content-Type: multipart/mixed; boundary=b\r\n"
#define SIGNED    "Content-Type: multipart/signed; boundary=b\r\n"
#define NUL(text) text, sizeof(text) - 1
	static const struct {
		const char *in;
		size_t n;
		const char *out;
	} nuls[] = {
		{ NUL(ALL "\r\none\r\n\0\r\n\0\0two\0"),
		    ALL "\r\none\r\n?\r\n??two?\r\n" },
		{ NUL(ALL "Subject: a\0b\r\n\0: c\r\n\r\n\r\n"),
		    ALL "Subject: a?b\r\n?: c\r\n\r\n\r\n" },
		{ NUL(ALL UTF8 "\r\na\0b\r\n"), ALL UTF8 "\r\na\xef\xbf\xbd"
							 "b\r\n" },
		{ NUL(ALL UTF8 "Content-Transfer-Encoding: quoted-printable\r\n"
			       "\r\na\0b\r\n"),
		    ALL UTF8 "Content-Transfer-Encoding: quoted-printable\r\n"
			     "\r\na=EF=BF=BDb\r\n" },
		{ NUL(ALL PART "\r\n\0\r\n--b\r\n" UTF8 "\r\n\0\r\n--b\r\n"
			       "X: \0\r\n\r\n-\0\r\n--b--\r\n\0"),
		    ALL PART "\r\n?\r\n--b\r\n" UTF8
			     "\r\n\xef\xbf\xbd\r\n--b\r\n"
			     "X: ?\r\n\r\n-?\r\n--b--\r\n?\r\n" },
		/* Nobody may encode it later. */
		{ NUL(ALL SIGNED "\r\n--b\r\n" UTF8 "\r\na\0b\r\n--b--\r\n"),
		    ALL SIGNED "\r\n--b\r\n" UTF8 "\r\na?b\r\n--b--\r\n" },
	};
	struct envelope *e = the_envelope();
	struct intake_facts facts = the_facts(e);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nuls); i++)
		for (size_t chunk = 1; chunk <= nuls[i].n; chunk++) {
			struct intake *in = intake_new(&facts);
			struct buf out;

			buf_init(&out, 10000);
			assert_true(run(
			    in, bytes_of(nuls[i].in, nuls[i].n), chunk, &out));
			assert_string_equal(
			    buf_str(&out) + strlen(RECEIVED), nuls[i].out);
			assert_int_equal(
			    intake_seen(in)->notes & NOTE_BIT(NOTE_NUL),
			    NOTE_BIT(NOTE_NUL));
			buf_clear(&out);
			intake_free(in);
		}
	envelope_free(e);
}

/* --- refusals ------------------------------------------------------------- */

static void
check_refused(struct bytes text, size_t chunk, int code, const char *enhanced,
    const char *word)
{
	struct envelope *e = the_envelope();
	struct intake_facts facts = the_facts(e);
	struct intake *in = intake_new(&facts);
	const struct verdict *v;
	const void *p;
	struct buf out;

	buf_init(&out, 4 * HEADER_MAX);
	assert_false(run(in, text, chunk, &out));
	assert_int_equal(buf_len(&out), 0);
	v = intake_verdict(in);
	assert_int_equal(v->class, VERDICT_NEVER);
	assert_int_equal(v->code, code);
	assert_string_equal(v->enhanced, enhanced);
	assert_non_null(strstr(v->text, word));
	/* and it stays so */
	assert_false(intake_put(in, "x", 1));
	assert_false(intake_end(in));
	assert_int_equal(intake_peek(in, &p), 0);
	buf_clear(&out);
	intake_free(in);
	envelope_free(e);
}

static void
R13_what_cannot_be_repaired_later_is_refused_now(void **state)
{
	struct envelope *e = the_envelope();
	struct intake_facts facts = the_facts(e);
	struct intake *in = intake_new(&facts);
	struct buf text, out;

	(void)state;
	buf_init(&text, 100000);
	buf_init(&out, 100000);
	for (int i = 0; i < 40; i++)
		assert_true(buf_addf(&text,
		    "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n"
		    "--b%d\r\n",
		    i, i));
	assert_true(buf_addf(&text, "\r\n%01000d\r\n", 0));
	assert_false(run(in, buf_bytes(&text), 100, &out));
	assert_int_equal(intake_verdict(in)->code, 554);
	assert_non_null(strstr(intake_verdict(in)->text, "nested too deep"));
	intake_free(in);
	envelope_free(e);
	buf_clear(&text);
	buf_clear(&out);
}

static void
R42_a_message_that_comes_back_is_refused(void **state)
{
	static const struct {
		const char *received;
		bool is_loop;
	} traces[] = {
		{ "from a by b (relais) with ESMTP id 6v5q3b0c1d2e4f7g; x",
		    true },
		{ "by b with ESMTP\r\n\tID\r\n 6v5q3b0c1d2e4f7g", true },
		{ "from id by b id a id 6v5q3b0c1d2e4f7g for <x@y>", true },
		{ "by b id 6v5q3b0c1d2e4f7h; x", false }, /* long gone */
		{ "by b id 6v5q3b0c1d2e4f7g6v5q3b0c1d2e4f7g; x", false },
		{ "by b with id; 6v5q3b0c1d2e4f7", false },
		{ "by 6v5q3b0c1d2e4f7g; x", false },
		{ "id", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(traces); i++) {
		struct buf text, out;

		buf_init(&text, 1000);
		buf_init(&out, 10000);
		assert_true(buf_addf(&text,
		    "Received: other\r\nReceived: %s\r\nTo: x@y\r\n\r\nb\r\n",
		    traces[i].received));
		if (traces[i].is_loop) {
			check_refused(
			    buf_bytes(&text), 3, 554, "5.4.6", "come back");
		} else {
			struct envelope *e = the_envelope();
			struct intake_facts facts = the_facts(e);
			struct intake *in = intake_new(&facts);

			assert_true(run(in, buf_bytes(&text), 3, &out));
			intake_free(in);
			envelope_free(e);
		}
		buf_clear(&text);
		buf_clear(&out);
	}
}

static void
a_loop_is_refused_after_a_hundred_systems(void **state)
{
	struct envelope *e = the_envelope();
	struct intake_facts facts = the_facts(e);
	struct intake *in = intake_new(&facts);
	struct buf text, out;

	(void)state;
	buf_init(&text, 100000);
	buf_init(&out, 100000);
	for (int i = 0; i < TRACE_HOPS_MAX; i++)
		assert_true(buf_adds(&text, "received: from x\r\n\tby y\r\n"));
	assert_true(run(in, buf_bytes(&text), 1000, &out));
	assert_true(buf_adds(&text, "Received: one more\r\n\r\nbody\r\n"));
	check_refused(buf_bytes(&text), 1, 554, "5.4.6", "loop");
	check_refused(buf_bytes(&text), 100000, 554, "5.4.6", "loop");
	buf_clear(&text);
	buf_clear(&out);
	intake_free(in);
	envelope_free(e);
}

static void
a_header_over_the_cap_is_refused(void **state)
{
	char *big = malloc(2 * HEADER_MAX);

	(void)state;
	memset(big, 'x', 2 * HEADER_MAX);
	memcpy(big, "A: ", 3);
	check_refused(
	    bytes_of(big, 2 * HEADER_MAX), 65536, 552, "5.3.4", "1 MiB");
	for (size_t at = 0; at + 1000 <= 2 * HEADER_MAX; at += 1000) {
		memcpy(big + at, "A: ", 3);
		memcpy(big + at + 998, "\r\n", 2);
	}
	check_refused(
	    bytes_of(big, 2 * HEADER_MAX), 65536, 552, "5.3.4", "1 MiB");
	check_refused(
	    bytes_of(big, 2 * HEADER_MAX), 4000, 552, "5.3.4", "1 MiB");
	free(big);
}

static void
a_header_at_the_cap_is_taken_with_what_we_add(void **state)
{
	struct envelope *e = the_envelope();
	struct intake_facts facts = the_facts(e);
	struct intake *in = intake_new(&facts);
	struct buf text, out;
	char line[512];

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "X: ", 3);
	memcpy(line + 510, "\r\n", 2);
	buf_init(&text, 2 * HEADER_MAX);
	buf_init(&out, 4 * HEADER_MAX);
	for (int i = 0; i < 2048; i++)
		assert_true(buf_add(&text, line, sizeof(line)));
	assert_true(buf_adds(&text, "\r\nbody\r\n"));
	assert_true(run(in, buf_bytes(&text), 65536, &out));
	assert_memory_equal(
	    buf_str(&out) + buf_len(&out) - 8, "\r\nbody\r\n", 8);
	assert_true(buf_len(&out) > buf_len(&text));
	buf_clear(&text);
	buf_clear(&out);
	intake_free(in);
	envelope_free(e);
}

static void
any_bytes_are_survived(void **state)
{
	uint32_t seed = 7;
	struct envelope *e = the_envelope();
	struct intake_facts facts = the_facts(e);

	(void)state;
	for (int i = 0; i < 2000; i++) {
		static const char set[] = "aFrom: \r\n\t\0\xff\x7f:";
		struct intake *in = intake_new(&facts);
		char text[60];
		struct buf out;

		for (size_t k = 0; k < sizeof(text); k++) {
			seed = seed * 1664525u + 1013904223u;
			text[k] = set[(seed >> 16) % (sizeof(set) - 1)];
		}
		buf_init(&out, 10000);
		assert_true(run(in, bytes_of(text, sizeof(text)),
		    1 + (seed >> 20) % 60, &out));
		assert_memory_equal(buf_str(&out) + buf_len(&out) - 1, "\n", 1);
		buf_clear(&out);
		intake_free(in);
	}
	envelope_free(e);
}

static void
a_signed_part_with_a_long_line_is_refused(void **state)
{
	static const struct {
		const char *type;
		size_t line;
		bool is_taken;
	} cases[] = {
		{ "multipart/signed", 998, true },
		{ "multipart/signed", 999, false },
		{ "multipart/encrypted", 5000, false },
		{ "message/partial", 998, true },
		{ "message/partial", 999, false },
		{ "multipart/mixed", 5000, true },
	};
	struct envelope *e = the_envelope();
	struct intake_facts f = the_facts(e);

	(void)state;
	for (size_t i = 0; i < 3 * ARRAY_LEN(cases); i++) {
		size_t k = i % ARRAY_LEN(cases);
		struct intake *in = intake_new(&f);
		struct buf text, out;

		buf_init(&text, 1 << 16);
		buf_init(&out, 1 << 16);
		assert_true(buf_addf(&text,
		    "Content-Type: %s; boundary=s\r\n\r\n--s\r\n\r\n",
		    cases[k].type));
		for (size_t n = cases[k].line; n > 0; n--)
			assert_true(buf_addc(&text, 'x'));
		/* Also where the end of the message ends the line. */
		assert_true(buf_adds(&text, i % 2 ? "\r\n--s--\r\n" : ""));
		assert_int_equal(run(in, buf_bytes(&text), 1 + 499 * i, &out),
		    cases[k].is_taken);
		assert_int_equal(
		    intake_verdict(in)->code, cases[k].is_taken ? 0 : 554);
		assert_int_equal(intake_seen(in)->longest_line, cases[k].line);
		buf_clear(&text);
		buf_clear(&out);
		intake_free(in);
	}
	envelope_free(e);
}

static void
a_long_header_field_is_folded(void **state)
{
	struct envelope *e = the_envelope();
	struct intake_facts f = the_facts(e);
	struct intake *in = intake_new(&f);
	struct buf text, out;

	(void)state;
	buf_init(&text, 1 << 16);
	buf_init(&out, 1 << 16);
	assert_true(buf_adds(&text, ALL "References:"));
	for (int i = 0; i < 300; i++)
		assert_true(buf_addf(&text, " <%d@example.org>", i));
	assert_true(buf_adds(&text, "\r\n\r\n"));
	assert_true(run(in, buf_bytes(&text), 100, &out));
	assert_true(intake_seen(in)->longest_line <= 100);
	assert_non_null(strstr(buf_str(&out), " <299@example.org>\r\n"));
	buf_clear(&text);
	buf_clear(&out);
	intake_free(in);
	envelope_free(e);
}

static void
the_account_asked_for_is_told_and_taken_out(void **state)
{
	static const char text[] = "X-Relais-Account:  work \r\n" ALL
				   "x-relais-account: other\r\n\r\nbody\r\n";
	struct envelope *e = the_envelope();
	struct intake_facts f = the_facts(e);

	(void)state;
	for (size_t chunk = 1; chunk <= sizeof(text); chunk++) {
		struct intake *in = intake_new(&f);
		struct buf out;

		buf_init(&out, 4096);
		assert_string_equal(intake_seen(in)->account, "");
		assert_true(
		    run(in, bytes_of(text, sizeof(text) - 1), chunk, &out));
		assert_string_equal(intake_seen(in)->account, "work");
		assert_buf(&out, RECEIVED ALL "\r\nbody\r\n");
		buf_clear(&out);
		intake_free(in);
	}
	envelope_free(e);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    messages_come_out_mended_and_otherwise_as_they_were),
		cmocka_unit_test(the_body_is_the_callers_own_bytes),
		cmocka_unit_test(a_nul_is_replaced_and_noted),
		cmocka_unit_test(what_was_seen_is_true_at_every_chunk_size),
		cmocka_unit_test(
		    one_byte_over_127_anywhere_in_the_body_is_seen),
		cmocka_unit_test(
		    a_message_id_takes_the_authors_domain_where_the_sender_is_local),
		cmocka_unit_test(a_from_is_made_of_whatever_is_known),
		cmocka_unit_test(
		    R13_what_cannot_be_repaired_later_is_refused_now),
		cmocka_unit_test(R42_a_message_that_comes_back_is_refused),
		cmocka_unit_test(a_loop_is_refused_after_a_hundred_systems),
		cmocka_unit_test(a_header_over_the_cap_is_refused),
		cmocka_unit_test(a_header_at_the_cap_is_taken_with_what_we_add),
		cmocka_unit_test(the_account_asked_for_is_told_and_taken_out),
		cmocka_unit_test(a_signed_part_with_a_long_line_is_refused),
		cmocka_unit_test(a_long_header_field_is_folded),
		cmocka_unit_test(any_bytes_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
