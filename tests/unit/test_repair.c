/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bodies no provider would take, in a form that every provider takes. */
#include "tests/lib/check.h"

#include <stdlib.h>

#include "rewrite/mime_stream.h"
#include "rewrite/repair.h"
#include "tests/lib/decode.h"

#define L100                                                                   \
	"0123456789012345678901234567890123456789012345678901234567890"        \
	"123456789012345678901234567890123456789"
#define L1000 L100 L100 L100 L100 L100 L100 L100 L100 L100 L100
#define L75                                                                    \
	"012345678901234567890123456789012345678901234567890123456789012345"   \
	"678901234"

/* A message in pieces of a size, with what the header became in front. */
static struct repair_seen
repair(struct bytes in, size_t chunk, bool is_7bit, struct buf *out,
    const char **ret_why)
{
	struct repair_opts o = { .is_7bit = is_7bit };
	struct header *h = header_new();
	size_t at = header_put(h, in.p, in.n), total = 0;
	struct repair *r = repair_new(h, &o);
	struct repair_seen seen;
	struct bytes b;

	for (size_t i = at, n; i < in.n; i += n) {
		n = in.n - i < chunk ? in.n - i : chunk;
		repair_look(r, bytes_of(in.p + i, n));
	}
	repair_looked(r);
	seen = *repair_seen(r);
	*ret_why = repair_refuses(r);
	if (*ret_why != NULL || !repair_changes(r)) {
		assert_true(buf_add(out, in.p, in.n));
		goto out;
	}
	assert_true(repair_header(r));
	/* Twice, and it is the same size: what is counted is what is sent. */
	for (int pass = 0; pass < 2; pass++) {
		buf_reset(out);
		assert_true(header_write(h, out));
		assert_true(buf_adds(out, "\r\n"));
		repair_begin(r);
		for (size_t i = at, n; i < in.n; i += n) {
			char *copy;

			n = in.n - i < chunk ? in.n - i : chunk;
			copy = malloc(n);
			memcpy(copy, in.p + i, n);
			repair_put(r, bytes_of(copy, n));
			while ((b = repair_pull(r)).n > 0)
				assert_true(buf_add(out, b.p, b.n));
			free(copy);
		}
		repair_end(r);
		while ((b = repair_pull(r)).n > 0)
			assert_true(buf_add(out, b.p, b.n));
		if (pass == 0)
			total = buf_len(out);
		assert_int_equal(buf_len(out), total);
	}
out:
	repair_free(r);
	header_free(h);
	return seen;
}

/* What becomes of it for a server of 7 bits; *ret is the caller's to clear. */
static void
repair_to_7bit(const char *in, struct buf *ret)
{
	const char *why;

	buf_init(ret, 1 << 20);
	(void)repair(bytes_str(in), 7, true, ret, &why);
	assert_null(why);
}

static const struct row {
	bool is_7bit;
	const char *in, *out;
} rows[] = {
	/* Nothing to do. */
	{ true, "A: 1\r\n\r\nbody\r\n", "A: 1\r\n\r\nbody\r\n" },
	{ false, "A: 1\r\n\r\nna\xc3\xafve\r\n",
	    "A: 1\r\n\r\nna\xc3\xafve\r\n" },
	/* What says nothing of itself. */
	{ true, "A: 1\r\nDKIM-Signature: v=1\r\n\r\nna\xc3\xafve \r\n",
	    "A: 1\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "na=C3=AFve=20\r\n" },
	{ true, "A: 1\r\n\r\nna\xefve is it, or so they say\r\n",
	    "A: 1\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=unknown-8bit\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "na=EFve is it, or so they say\r\n" },
	{ false, "A: 1\r\n\r\n" L1000 "\r\n",
	    "A: 1\r\nMIME-Version: 1.0\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n" },
	/* The type stays, the encoding is replaced, header words too. */
	{ true,
	    "Subject: \xc3\xa4\r\nMIME-Version: 1.0\r\nContent-Type: "
	    "text/html; "
	    "charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
	    "<p>caf\xe9</p>\r\n",
	    "Subject: =?utf-8?q?=C3=A4?=\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/html; charset=iso-8859-1\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "<p>caf=E9</p>\r\n" },
	/* A multipart that nobody can take apart must not be given an
	 * encoding. */
	{ true,
	    "A: 1\r\nContent-Type: "
	    "multipart/mixed\r\n\r\n--b\r\n\r\nna\xc3\xafve it "
	    "is\r\n",
	    "A: 1\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "MIME-Version: 1.0\r\nX-Original-Content-Type: multipart/mixed\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "--b\r\n\r\nna=C3=AFve it is\r\n" },
	/* Nor one whose boundary occurs nowhere, or only closes it. */
	{ true,
	    "A: 1\r\nContent-Type: multipart/mixed; boundary=XX\r\n\r\n"
	    "--BB\r\n\r\nna\xc3\xafve it is\r\n--BB--\r\n",
	    "A: 1\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "MIME-Version: 1.0\r\nX-Original-Content-Type: multipart/mixed; "
	    "boundary=XX\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "--BB\r\n\r\nna=C3=AFve it is\r\n--BB--\r\n" },
	{ true,
	    "A: 1\r\nContent-Type: multipart/mixed; boundary=XX\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n"
	    "caf\xe9\r\n--XX--\r\n",
	    "A: 1\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
	    "Content-Transfer-Encoding: base64\r\nMIME-Version: 1.0\r\n"
	    "X-Original-Content-Transfer-Encoding: base64\r\n"
	    "X-Original-Content-Type: multipart/mixed; boundary=XX\r\n\r\n"
	    "Y2Fm6Q0KLS1YWC0tDQo=\r\n" },
	/* One that claims an encoding is taken apart all the same. */
	{ true,
	    "A: 1\r\nContent-Type: multipart/mixed; boundary=b\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n--b\r\n\r\nna\xc3\xafve "
	    "it "
	    "is\r\n--b--\r\n",
	    "A: 1\r\nContent-Type: multipart/mixed; boundary=b\r\n"
	    "Content-Transfer-Encoding: base64\r\nMIME-Version: "
	    "1.0\r\n\r\n--b\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "na=C3=AFve it is\r\n--b--\r\n" },
	/* An encoding that nobody knows, or that is only misspelt. */
	{ true,
	    "A: 1\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n"
	    "begin 644 caf\xc3\xa9\r\n",
	    "A: 1\r\nContent-Transfer-Encoding: base64\r\n"
	    "MIME-Version: 1.0\r\n"
	    "X-Original-Content-Transfer-Encoding: x-uuencode\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\n"
	    "YmVnaW4gNjQ0IGNhZsOpDQo=\r\n" },
	{ true,
	    "A: 1\r\nContent-Transfer-Encoding: 8-bit\r\n\r\nna\xc3\xafve it "
	    "is\r\n",
	    "A: 1\r\nContent-Transfer-Encoding: quoted-printable\r\n"
	    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "\r\nna=C3=AFve it is\r\n" },
	/* Mostly bytes over 127: base64, which ends its line. */
	{ true, "A: 1\r\n\r\n\xc3\xa4\xc3\xb6\xc3\xbc\r\n",
	    "A: 1\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\nw6TDtsO8DQo=\r\n" },
	/* One part of several; labels of the others follow suit. */
	{ true,
	    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa4\r\n--b\r\n\r\n"
	    "na\xc3\xafve text of some length\r\n--b\r\nContent-Disposition: "
	    "inline; filename=\"\xc3\xa4\"\r\nContent-Transfer-Encoding: 8bit"
	    "\r\n\r\nplain \r\n--b--\r\n",
	    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n\r\n\?\?\r\n--b\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "na=C3=AFve text of some length\r\n--b\r\nContent-Disposition: "
	    "inline; filename=\"=?utf-8?q?=C3=A4?=\"\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n\r\nplain \r\n--b--\r\n" },
	/* Encoded badly: mended, not encoded twice. */
	{ true,
	    "MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable"
	    "\r\n\r\nna\xc3\xafve =3D=\r\n\r\n",
	    "MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable"
	    "\r\n\r\nna=C3=AFve =3D=\r\n\r\n" },
	/* A message inside: its header says so too. */
	{ true,
	    "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\nSubject: in\r\n\r\n"
	    "na\xc3\xafve text\r\n",
	    "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n\r\nSubject: in\r\n"
	    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "na=C3=AFve text\r\n" },
	/* An mbox line in front of a part stays, unless it would be refused;
	 * the line that ends a header may be a delimiter already. */
	{ true,
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nFrom x\r\n"
	    "Content-Type: multipart/mixed; boundary=c\r\n--c\r\nFrom y\r\n"
	    "--c\r\nFrom \xc3\xa4\r\nA: 1\r\n\r\nna\xc3\xafve text\r\n"
	    "--c--\r\n--b--\r\n",
	    "Content-Type: multipart/mixed; boundary=b\r\nMIME-Version: 1.0\r\n"
	    "\r\n--b\r\nFrom x\r\n"
	    "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nFrom y\r\n"
	    "--c\r\nA: 1\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "na=C3=AFve text\r\n--c--\r\n--b--\r\n" },
	/* Signed: left alone, with what is beside it repaired. */
	{ true,
	    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n"
	    "\r\n--o\r\n\r\nna\xc3\xafve text\r\n--o\r\nContent-Type: "
	    "multipart/signed; boundary=s\r\n\r\n--s\r\nSubject: \xc3\xa4\r\n"
	    "\r\n\xc3\xa4\r\n--s--\r\n--o--\r\n",
	    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n"
	    "\r\n--o\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "na=C3=AFve text\r\n--o\r\nContent-Type: "
	    "multipart/signed; boundary=s\r\n\r\n--s\r\nSubject: \xc3\xa4\r\n"
	    "\r\n\xc3\xa4\r\n--s--\r\n--o--\r\n" },
};

static void
check_row(const void *ctx, size_t chunk)
{
	const struct row *row = ctx;
	struct buf out;
	const char *why;

	buf_init(&out, 1 << 20);
	repair(bytes_str(row->in), chunk, row->is_7bit, &out, &why);
	assert_null(why);
	if (strstr(row->in, L1000) != NULL) {
		buf_truncate(&out, strlen(row->out));
		assert_string_equal(buf_str(&out), row->out);
	} else {
		assert_string_equal(buf_str(&out), row->out);
	}
	buf_clear(&out);
}

static void
bodies_are_repaired(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_chunks(check_row, &rows[i], strlen(rows[i].in));
}

static void
a_long_line_in_a_signed_part_is_refused(void **state)
{
	static const char *const in[] = { "MIME-Version: 1.0\r\nContent-Type: "
					  "multipart/signed; boundary=s"
					  "\r\n\r\n--s\r\n\r\n" L1000
					  "\r\n--s--\r\n",
		"Content-Type: message/partial; id=x; number=2\r\n\r\n" L1000
		"\r\n",
		"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n"
		"Content-Type: message/partial; id=x; number=2\r\n\r\n" L1000
		"\r\n--m--\r\n",
		/* the first line behind a header without an empty one */
		"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n"
		"Content-Type: multipart/signed; boundary=s\r\n" L1000
		"\r\n--s\r\n\r\nx\r\n--s--\r\n--m--\r\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		const char *why;
		struct buf out;

		buf_init(&out, 1 << 20);
		repair(bytes_str(in[i]), 100, false, &out, &why);
		assert_non_null(why);
		assert_non_null(strstr(why, "signed"));
		buf_clear(&out);
	}
}

static void
what_stays_8bit_is_said(void **state)
{
	static const char *const stuck[] = {
		/* sealed: a body, a header, what is between */
		"Content-Type: multipart/signed; boundary=s\r\n"
		"\r\n--s\r\n\r\n\xc3\xa4\r\n--s--\r\n",
		"Content-Type: multipart/signed; boundary=s\r\n"
		"\r\n--s\r\nA: \xc3\xa4\r\n\r\na\r\n--s--\r\n",
		"Content-Type: multipart/signed; boundary=s\r\n"
		"\r\n\xc3\xa4\r\n--s--\r\n",
		"Content-Type: multipart/signed; boundary=s\r\n"
		"\r\n--s\r\nFrom \xc3\xa4\r\nA: b\r\n\r\na\r\n--s--\r\n",
		/* what must not be encoded */
		"Content-Type: message/partial; id=x; number=1\r\n"
		"\r\n\xc3\xa4\r\n",
		"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
		"Content-Type: message/external-body; access-type=x\r\n\r\n"
		"Content-Type: text/plain\r\n\r\n\xc3\xa4\r\n--o--\r\n",
		/* a multipart in a part, without a part */
		"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
		"Content-Type: multipart/mixed; boundary=XX\r\n\r\n"
		"--BB\r\n\r\n\xc3\xa4\r\n--o--\r\n",
		"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
		"Content-Type: multipart/mixed; boundary=XX\r\n\r\n"
		"\xc3\xa4\r\n--XX--\r\n--o\r\n\r\nx\r\n--o--\r\n",
		"Content-Type: message/rfc822\r\n\r\n"
		"Content-Type: multipart/mixed; boundary=XX\r\n\r\n"
		"\xc3\xa4\r\n",
		/* an address in an attached message */
		"Content-Type: message/rfc822\r\n"
		"\r\nTo: j\xc3\xb6rg@example.net\r\n\r\na\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stuck); i++) {
		struct bytes in = bytes_str(stuck[i]);
		const char *why;
		struct buf out;

		buf_init(&out, 1 << 20);
		assert_true(repair(in, 7, true, &out, &why).has_stuck_8bit);
		buf_clear(&out);
	}
}

/* Without its only field, which no line can hold, a part's header must not grow
 * into the text. */
static void
text_behind_a_lost_field_is_no_header(void **state)
{
	static const char *const in[] = {
		"Content-Type: message/rfc822\r\n\r\n"
		"X-" L100 ": \xc3\xa4\r\n"
		"From the start\r\nContent-Type: text/html\r\n\r\nx\r\n",
		"Content-Type: multipart/digest; boundary=b\r\n\r\n"
		"--b\r\nX-" L100 ": \xc3\xa4\r\n"
		"From the start\r\nContent-Type: text/html\r\n\r\nx\r\n"
		"--b--\r\n"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		struct buf out;

		repair_to_7bit(in[i], &out);
		assert_null(strstr(buf_str(&out), "X-"));
		assert_non_null(strstr(buf_str(&out),
		    "Content-Type: text/plain\r\n\r\nFrom the start\r\n"));
		buf_clear(&out);
	}
}

/* What is encoded must be told, whatever stood there before. */
static void
an_encoding_that_no_line_can_hold_is_replaced(void **state)
{
#define NO_ENCODING                                                            \
	"Content-Transfer-Encoding: x-a\r\n\t" L1000 L100 "\r\n\r\n"           \
	"caf\xc3\xa9 " L100 "\r\n"
	static const char *const in[] = { "A: 1\r\n" NO_ENCODING,
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
		"--b\r\n" NO_ENCODING "--b--\r\n" };
#undef NO_ENCODING

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		struct buf out;

		repair_to_7bit(in[i], &out);
		assert_non_null(strstr(buf_str(&out),
		    "\r\nContent-Transfer-Encoding: base64\r\n"));
		assert_non_null(strstr(buf_str(&out),
		    "\r\nX-Original-Content-Transfer-Encoding: x-a"));
		assert_null(strstr(buf_str(&out), L1000));
		buf_clear(&out);
	}
}

/* What the header says when the body is written may be another thing than what
 * the body was read by. */
static void
a_header_that_changes_meanwhile_changes_nothing(void **state)
{
	static const char head[] = "Content-Type: multipart/mixed; boundary=b"
				   "\r\n\r\n",
			  body[] = "--b\r\n\r\nna\xc3\xafve text\r\n--b\r\n"
				   "\r\nplain\r\n--b--\r\n";
	struct repair_opts o = { .is_7bit = true };
	struct header *h = header_new();
	struct repair *r;
	struct bytes b;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	header_put(h, head, sizeof(head) - 1);
	r = repair_new(h, &o);
	repair_look(r, bytes_of(body, sizeof(body) - 1));
	repair_looked(r);
	assert_true(repair_header(r));
	assert_true(header_replace(h, 0, "Content-Type", bytes_of("x", 1)));
	repair_begin(r);
	repair_put(r, bytes_of(body, sizeof(body) - 1));
	repair_end(r);
	while ((b = repair_pull(r)).n > 0)
		assert_true(buf_add(&out, b.p, b.n));
	assert_string_equal(buf_str(&out),
	    "--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "na=C3=AFve text\r\n--b\r\n\r\nplain\r\n--b--\r\n");
	repair_free(r);
	header_free(h);
	buf_clear(&out);
}

/* --- the property --------------------------------------------------------- */

struct rng {
	uint64_t x;
};

static size_t
pick(struct rng *r, size_t n)
{
	r->x = r->x * UINT64_C(6364136223846793005) +
	       UINT64_C(1442695040888963407);
	return (size_t)((r->x >> 33) % n);
}

/* Text as it arrives: any bytes but NUL, CRLF line ends, none at the end. */
static void
add_text(struct rng *r, struct buf *to)
{
	size_t lines = pick(r, 5);

	for (size_t i = 0; i <= lines; i++) {
		size_t n = pick(r, 20) == 0 ? pick(r, 2500) : pick(r, 90);
		int kind = (int)pick(r, 4);

		if (i > 0)
			assert_true(buf_adds(to, "\r\n"));
		while (n-- > 0) {
			char c = kind == 0   ? (char)(1 + pick(r, 255))
				 : kind == 1 ? "\xc3\xa4 =\t"[pick(r, 5)]
					     : (char)(' ' + pick(r, 95));

			assert_true(buf_addc(
			    to, c == '\r' || c == '\n' || c == '-' ? 'x' : c));
		}
	}
}

static void
add_base64(struct rng *r, struct buf *to)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	add_text(r, &text);
	assert_true(base64_encode(to, buf_bytes(&text)));
	buf_clear(&text);
}

enum { LEAVES_MAX = 64 };

struct message {
	struct buf text;
	size_t nleaves;
	int boundary;
};

static void
add_part(struct rng *r, struct message *m, int depth)
{
	size_t children = depth < 3 ? pick(r, 4) : 0;
	int boundary = m->boundary++;

	if (children == 0) {
		static const char *const heads[] = { "",
			"Content-Type: text/plain; charset=iso-8859-1\r\n",
			"Content-Transfer-Encoding: 8bit\r\n",
			"Content-Transfer-Encoding: binary\r\nX: \xc3\xa4\r\n",
			"Content-Transfer-Encoding: base64\r\n" };
		/* The message's own header is treated elsewhere. */
		size_t head = depth == 0 ? pick(r, 3)
					 : pick(r, ARRAY_LEN(heads));

		m->nleaves++;
		assert_true(buf_addf(&m->text, "%s\r\n", heads[head]));
		if (head == 4)
			add_base64(r, &m->text);
		else
			add_text(r, &m->text);
		return;
	}
	assert_true(buf_addf(&m->text,
	    "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n", boundary));
	if (pick(r, 4) == 0)
		add_text(r, &m->text);
	else
		assert_true(buf_adds(&m->text, "pre"));
	while (children-- > 0) {
		assert_true(buf_addf(&m->text, "\r\n--b%d\r\n", boundary));
		add_part(r, m, depth + 1);
	}
	assert_true(buf_addf(&m->text, "\r\n--b%d--", boundary));
}

/* The leaves of a message, decoded, each ended by a mark. */
static void
leaves_of(struct bytes in, struct buf *to)
{
	struct header *h = header_new();
	size_t at = header_put(h, in.p, in.n);
	struct mime_stream *p = mime_stream_new(h);
	struct mime_part info;
	enum mime_event ev;
	struct buf leaf;
	bool has_end = false;

	header_free(h);
	buf_init(&leaf, 1 << 22);
	mime_stream_put(p, in.p + at, in.n - at);
	for (;;) {
		ev = mime_stream_next(p, &info);
		if (ev == MIME_MORE) {
			if (has_end)
				break;
			has_end = true;
			mime_stream_end(p);
		} else if (ev == MIME_BODY) {
			assert_true(buf_add(&leaf, info.bytes.p, info.bytes.n));
		} else if (ev == MIME_LEAF_END) {
			if (info.part->encoding == CONTENT_QP)
				decode_qp(buf_bytes(&leaf), to);
			else if (info.part->encoding == CONTENT_BASE64)
				decode_base64(buf_bytes(&leaf), to);
			else
				assert_true(buf_add(
				    to, buf_str(&leaf), buf_len(&leaf)));
			assert_true(buf_adds(to, "\n|\n"));
			buf_reset(&leaf);
		}
	}
	mime_stream_free(p);
	buf_clear(&leaf);
}

static void
every_part_decodes_to_what_it_was(void **state)
{
	struct rng r = { 20 };
	size_t changed = 0;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct message m = { .nleaves = 0 };
		bool is_7bit = pick(&r, 2) == 0;
		struct buf out, before, after;
		const char *why;

		buf_init(&m.text, 1 << 22);
		buf_init(&out, 1 << 23);
		buf_init(&before, 1 << 22);
		buf_init(&after, 1 << 22);
		assert_true(buf_adds(&m.text, "MIME-Version: 1.0\r\n"));
		add_part(&r, &m, 0);
		assert_true(buf_adds(&m.text, "\r\n"));
		repair(buf_bytes(&m.text), 1 + pick(&r, 3000), is_7bit, &out,
		    &why);
		assert_null(why);
		changed += buf_len(&out) != buf_len(&m.text);
		assert_true(decode_longest(buf_bytes(&out)) <= 998);
		assert_true(decode_is_clean(buf_bytes(&out), is_7bit));
		leaves_of(buf_bytes(&m.text), &before);
		leaves_of(buf_bytes(&out), &after);
		if (m.nleaves == 1 && buf_len(&after) != buf_len(&before))
			/* A top part in base64 got its line end. */
			assert_int_equal(buf_len(&after), buf_len(&before) + 2);
		else {
			assert_int_equal(buf_len(&after), buf_len(&before));
			assert_memory_equal(buf_str(&after), buf_str(&before),
			    buf_len(&before));
		}
		buf_clear(&m.text);
		buf_clear(&out);
		buf_clear(&before);
		buf_clear(&after);
	}
	assert_true(changed > 1000);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_repaired),
		cmocka_unit_test(a_long_line_in_a_signed_part_is_refused),
		cmocka_unit_test(what_stays_8bit_is_said),
		cmocka_unit_test(text_behind_a_lost_field_is_no_header),
		cmocka_unit_test(an_encoding_that_no_line_can_hold_is_replaced),
		cmocka_unit_test(
		    a_header_that_changes_meanwhile_changes_nothing),
		cmocka_unit_test(every_part_decodes_to_what_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
