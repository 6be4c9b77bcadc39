/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages taken apart at every chunk size, and nothing lost. */
#include "tests/lib/check.h"

#include <stdlib.h>

#include "rewrite/mime_stream.h"

/* What came out: H header, B body, E leaf end, F frame; neighbours of one kind
 * are one.  "~" in front: sealed.  A part's kind and encoding follow H. */
static const struct row {
	const char *type, *in, *out;
} rows[] = {
	{ "", "hello\r\nworld\r\n", "B{hello^world^}E" },
	{ "", "", "E" },
	{ "multipart/mixed", "--b is text\r\n", "B{--b is text^}E" },
	{ "multipart/mixed; boundary=b",
	    "pre\r\n--b\r\nA: 1\r\n\r\none\r\n--b\r\n\r\ntwo\r\n\r\n--b--\r\n"
	    "post\r\n",
	    "F{pre^--b^}H0/0{A: 1^}B{one}EF{^--b^}H0/0{}B{two^}EF{^--b--^post^"
	    "}" },
	/* Delimiters with blanks behind, and lines that only look like one. */
	{ "multipart/mixed; boundary=b",
	    "--b \t\r\n\r\n--\r\n--bb\r\n --b\r\n-\r\n--b-\r\n--b--x\r\n--b--",
	    "F{--b \t^}H0/0{}B{--^--bb^ --b^-^--b-^--b--x}EF{^--b--}" },
	/* No empty line behind the header. */
	{ "multipart/mixed; boundary=b", "--b\r\nA: 1\r\n--b--\r\n",
	    "F{--b^}H0/0{A: 1^}EF{--b--^}" },
	{ "multipart/mixed; boundary=b", "--b\r\n--b--\r\n",
	    "F{--b^}H0/0{}EF{--b--^}" },
	/* No header and no empty line. */
	{ "multipart/mixed; boundary=b", "--b\r\nno field\r\n--b--\r\n",
	    "F{--b^}H0/0{}B{no field}EF{^--b--^}" },
	{ "multipart/mixed; boundary=b", "--b\r\n--text\r\nx\r\n--b--\r\n",
	    "F{--b^}H0/0{}B{--text^x}EF{^--b--^}" },
	/* Nested, with the inner delimiter forgotten. */
	{ "multipart/mixed; boundary=a",
	    "--a\r\nContent-Type: multipart/alternative;\r\n boundary=\"a2\""
	    "\r\n\r\n--a2\r\n\r\nx\r\n--a2\r\nContent-Transfer-Encoding: "
	    "base64\r\n\r\neA==\r\n--a--\r\n",
	    "F{--a^}H1/0{Content-Type: multipart/alternative;^ boundary=\"a2\""
	    "^}F{--a2^}H0/0{}B{x}EF{^--a2^}H0/4{Content-Transfer-Encoding: "
	    "base64^}B{eA==}EF{^--a--^}" },
	/* A message inside a message, and a digest. */
	{ "message/rfc822", "Subject: in\r\n\r\nbody\r\n",
	    "H0/0{Subject: in^}B{body^}E" },
	{ "multipart/digest; boundary=d",
	    "--d\r\n\r\nSubject: in\r\n\r\nbody\r\n--d--\r\n",
	    "F{--d^}H2/0{}H0/0{Subject: in^}B{body}EF{^--d--^}" },
	/* Encodings that a multipart cannot have, and readers do not look
	 * at. */
	{ "multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64",
	    "LS1i\r\n--b\r\n", "F{LS1i^--b^}H0/0{}E" },
	/* What is signed is sealed, header and all; what follows is not. */
	{ "multipart/mixed; boundary=o",
	    "--o\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n"
	    "Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nx\r\n"
	    "--i--\r\n--s\r\n\r\nsig\r\n--s--\r\n--o\r\n\r\nfree\r\n--o--\r\n",
	    "F{--o^}H1/0{Content-Type: multipart/signed; boundary=s^}~F{--s^}"
	    "~H1/0{Content-Type: multipart/mixed; boundary=i^}~F{--i^}~H0/0{}"
	    "~B{x}~E~F{^--i--^--s^}~H0/0{}~B{sig}~E~F{^--s--^}F{--o^}H0/0{}"
	    "B{free}EF{^--o--^}" },
	/* An mbox line is kept; by itself it is a body.  The line that ends a
	 * header may be a delimiter of the level it opens. */
	{ "multipart/mixed; boundary=b",
	    "--b\r\nFrom x\r\nA: 1\r\n\r\nt\r\n--b\r\nFrom y\r\n--b--\r\n",
	    "F{--b^}H0/0{From x^A: 1^}B{t}EF{^--b^}H0/0{}B{From "
	    "y}EF{^--b--^}" },
	{ "multipart/mixed; boundary=b",
	    "--b\r\nContent-Type: multipart/signed; boundary=c\r\n--c\r\n\r\nt"
	    "\r\n--c--\r\n--b--\r\n",
	    "F{--b^}H1/0{Content-Type: multipart/signed; boundary=c^}~F{--c^}"
	    "~H0/0{}~B{t}~E~F{^--c--^}F{--b--^}" },
	/* The end comes early. */
	{ "multipart/mixed; boundary=b", "--b\r\n\r\nx\r\n--b",
	    "F{--b^}H0/0{}B{x}EF{^--b}H0/0{}E" },
	{ "multipart/mixed; boundary=b", "--b\r\n\r\nx\r\n",
	    "F{--b^}H0/0{}B{x^}E" },
	{ "multipart/mixed; boundary=b", "--b\r\nA: 1", "F{--b^}H0/0{A: 1^}E" },
	{ "multipart/mixed; boundary=b", "", "" },
	/* Bare CR and LF are nobody's line ends but keep their place. */
	{ "multipart/mixed; boundary=b", "--b\r\n\r\na\rb\r\r\n--b--\r\n",
	    "F{--b^}H0/0{}B{a%b%}EF{^--b--^}" },
	{ "multipart/mixed; boundary=b", "--b\r\n\r\na\n--b--\r\n",
	    "F{--b^}H0/0{}B{a}EF{|--b--^}" },
};

static struct header *
header_of(const char *type)
{
	struct header *h = header_new();
	struct buf text;

	buf_init(&text, 4096);
	if (type[0] != '\0')
		assert_true(buf_addf(&text, "Content-Type: %s\r\n", type));
	assert_true(buf_adds(&text, "\r\n"));
	header_put(h, buf_str(&text), buf_len(&text));
	buf_clear(&text);
	return h;
}

/* Line ends as one letter each. */
static void
show(struct buf *to, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++) {
		char c = b.p[i];

		assert_true(
		    buf_addc(to, c == '\r' ? '%' : (c == '\n' ? '|' : c)));
	}
}

struct run {
	struct buf shown, bytes;
	char last[4]; /* the kind of the last event */
};

static void
on_event(struct run *r, enum mime_event ev, const struct mime_part *info)
{
	char kind[4] = { info->is_sealed ? '~' : ' ', "?HBEF"[ev], '\0' };
	const char *shown = kind + !info->is_sealed;
	struct buf head;

	if (ev == MIME_HEADER) {
		buf_init(&head, HEADER_MAX);
		assert_true(header_write(info->header, &head));
		assert_true(buf_addf(&r->shown, "%s%d/%d{", shown,
		    (int)info->part->kind, (int)info->part->encoding));
		show(&r->shown, buf_bytes(&head));
		assert_true(buf_addc(&r->shown, '}'));
		if (header_has_blank(info->header))
			assert_true(buf_adds(&head, "\r\n"));
		assert_true(buf_add(&r->bytes, buf_str(&head), buf_len(&head)));
		buf_clear(&head);
	} else if (ev == MIME_LEAF_END) {
		assert_true(buf_adds(&r->shown, shown));
	} else {
		assert_true(info->bytes.n > 0);
		if (strcmp(kind, r->last) == 0)
			buf_truncate(&r->shown, buf_len(&r->shown) - 1);
		else
			assert_true(buf_addf(&r->shown, "%s{", shown));
		show(&r->shown, info->bytes);
		assert_true(buf_addc(&r->shown, '}'));
		assert_true(buf_add(&r->bytes, info->bytes.p, info->bytes.n));
	}
	memcpy(r->last, kind, sizeof(kind));
}

static void
play(const char *type, struct bytes in, size_t chunk, struct run *r)
{
	struct header *h = header_of(type);
	struct mime_stream *p = mime_stream_new(h);
	struct mime_part info;
	enum mime_event ev;

	buf_init(&r->shown, 1 << 20);
	buf_init(&r->bytes, 1 << 20);
	r->last[0] = '\0';
	header_free(h);
	for (size_t at = 0, n; at < in.n; at += n) {
		char *copy;

		n = in.n - at < chunk ? in.n - at : chunk;
		copy = malloc(n);
		memcpy(copy, in.p + at, n);
		mime_stream_put(p, copy, n);
		while ((ev = mime_stream_next(p, &info)) != MIME_MORE)
			on_event(r, ev, &info);
		free(copy);
	}
	mime_stream_end(p);
	while ((ev = mime_stream_next(p, &info)) != MIME_MORE)
		on_event(r, ev, &info);
	assert_int_equal(mime_stream_next(p, &info), MIME_MORE);
	assert_false(mime_stream_is_beyond(p));
	mime_stream_free(p);
}

/* "%|" is written "^" in the table. */
static char *
folded(const struct buf *shown)
{
	char *s = strdup(buf_str(shown)), *to = s;

	for (const char *at = s; *at != '\0'; at++)
		if (at[0] == '%' && at[1] == '|') {
			*to++ = '^';
			at++;
		} else {
			*to++ = *at;
		}
	*to = '\0';
	return s;
}

static void
check_row(const void *ctx, size_t chunk)
{
	const struct row *row = ctx;
	struct bytes in = bytes_str(row->in);
	struct run r;
	char *got;

	play(row->type, in, chunk, &r);
	got = folded(&r.shown);
	if (strcmp(got, row->out) != 0)
		print_message("%s at %zu\n", row->in, chunk);
	assert_string_equal(got, row->out);
	free(got);
	buf_clear(&r.shown);
	buf_clear(&r.bytes);
}

static void
messages_are_taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_chunks(check_row, &rows[i], strlen(rows[i].in));
}

/* Bodies put together at random from what means something. */
static void
every_byte_comes_out_once_and_in_order(void **state)
{
	static const char *const pieces[] = { "--b\r\n", "--b--\r\n", "--c\r\n",
		"--c--\r\n", "\r\n", "A: 1\r\n", "x", "\r", "-", "--",
		"From x\r\n", " y\r\n",
		"Content-Type: multipart/signed; boundary=c\r\n\r\n",
		"Content-Type: message/rfc822\r\n\r\n", "text\r\n" };
	uint64_t seed = 42;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct buf in;
		struct run r;
		size_t n = 1 + (size_t)(round % 24);

		buf_init(&in, 1 << 16);
		while (n-- > 0) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			assert_true(buf_adds(
			    &in, pieces[(seed >> 33) % ARRAY_LEN(pieces)]));
		}
		play("multipart/mixed; boundary=b", buf_bytes(&in),
		    1 + (size_t)(seed >> 60), &r);
		/* A header ends its last line. */
		if (buf_str(&in)[buf_len(&in) - 1] == '\n') {
			assert_int_equal(buf_len(&r.bytes), buf_len(&in));
			assert_memory_equal(
			    buf_str(&r.bytes), buf_str(&in), buf_len(&in));
		}
		buf_clear(&in);
		buf_clear(&r.shown);
		buf_clear(&r.bytes);
	}
}

static void
the_longest_sealed_line_is_known(void **state)
{
	static const char in[] =
	    "--s\r\nX: 123456789\r\n\r\n12345\r\n--s\r\n\r\n1234\r\n--s--\r\n"
	    "1234567890123456789\r\n";

	(void)state;
	for (size_t chunk = 1; chunk < sizeof(in); chunk++) {
		struct header *h = header_of("multipart/signed; boundary=s");
		struct mime_stream *p = mime_stream_new(h);
		struct mime_part info;

		header_free(h);
		for (size_t at = 0, n; at < sizeof(in) - 1; at += n) {
			n = sizeof(in) - 1 - at;
			n = n < chunk ? n : chunk;
			mime_stream_put(p, in + at, n);
			while (mime_stream_next(p, &info) != MIME_MORE)
				;
		}
		mime_stream_end(p);
		while (mime_stream_next(p, &info) != MIME_MORE)
			;
		assert_int_equal(mime_stream_longest_sealed(p), 12);
		mime_stream_free(p);
	}
}

static void
what_is_nested_too_deep_is_said(void **state)
{
	struct header *h = header_of("multipart/mixed; boundary=b");
	struct mime_stream *p = mime_stream_new(h);
	struct mime_part info;
	struct buf in;

	(void)state;
	header_free(h);
	buf_init(&in, 1 << 20);
	assert_true(buf_adds(&in, "--b\r\n"));
	for (int i = 0; i < 100; i++)
		assert_true(buf_addf(&in,
		    "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n"
		    "--b%d\r\n",
		    i, i));
	mime_stream_put(p, buf_str(&in), buf_len(&in));
	while (mime_stream_next(p, &info) != MIME_MORE)
		;
	assert_true(mime_stream_is_beyond(p));
	mime_stream_free(p);
	buf_clear(&in);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_taken_apart),
		cmocka_unit_test(every_byte_comes_out_once_and_in_order),
		cmocka_unit_test(the_longest_sealed_line_is_known),
		cmocka_unit_test(what_is_nested_too_deep_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
