/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Content-Type and Content-Transfer-Encoding, as programs really write them. */
#include "tests/lib/check.h"

#include "mime/content_type.h"

static const struct {
	const char *in, *type, *subtype, *boundary;
} rows[] = {
	{ "", "text", "plain", "" },
	{ "text/plain", "text", "plain", "" },
	{ "TEXT/HTML; charset=utf-8", "text", "html", "" },
	{ "multipart/mixed; boundary=abc", "multipart", "mixed", "abc" },
	{ "multipart/mixed;boundary=\"a b\"", "multipart", "mixed", "a b" },
	{ "Multipart / Mixed ; Boundary = \"x\\\"y\" ; z=1", "multipart",
	    "mixed", "x\"y" },
	{ "multipart/signed; protocol=\"application/pgp-signature\";\r\n"
	  "\tmicalg=pgp-sha512; boundary=\"=_1\"",
	    "multipart", "signed", "=_1" },
	{ "multipart/mixed; x=\"boundary=no; boundary=nor\"; boundary=yes",
	    "multipart", "mixed", "yes" },
	{ "(c;boundary=a) multipart/mixed; (b=\"\\)\") boundary=z (end)",
	    "multipart", "mixed", "z" },
	{ "multipart/mixed; novalue; boundary=b", "multipart", "mixed", "b" },
	{ "multipart/mixed; a,b=c; d =; =\"; boundary=no\"e; boundary=b",
	    "multipart", "mixed", "b" },
	{ "multipart/mixed charset=utf-8; boundary=b", "multipart", "mixed",
	    "b" },
	{ "multipart/mixed; boundary=\"unterminated", "multipart", "mixed",
	    "unterminated" },
	/* longer than RFC 2046 has it, as readers take them */
	{ "multipart/mixed; boundary=\"1234567890123456789012345678901234567890"
	  "1234567890123456789012345678901\"",
	    "multipart", "mixed",
	    "1234567890123456789012345678901234567890123456789012345678901234"
	    "5678901" },
	/* without the quotes it needs */
	{ "multipart/mixed; boundary=--=_a/b=c?d; x=y", "multipart", "mixed",
	    "--=_a/b=c?d" },
	/* Not understood: what a message without the field is. */
	{ "text", "text", "plain", "" },
	{ "/plain", "text", "plain", "" },
	{ "image/", "text", "plain", "" },
	{ "(unclosed", "text", "plain", "" },
};

static void
types_are_read_as_they_are_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct content_type ct;

		content_type_parse(&ct, bytes_str(rows[i].in));
		assert_string_equal(ct.type, rows[i].type);
		assert_string_equal(ct.subtype, rows[i].subtype);
		assert_string_equal(ct.boundary, rows[i].boundary);
	}
}

static void
encodings_are_known_in_any_case(void **state)
{
	static const struct {
		const char *in;
		enum content_encoding out;
	} cases[] = {
		{ "", CONTENT_7BIT },
		{ " 7Bit", CONTENT_7BIT },
		{ "8BIT", CONTENT_8BIT },
		{ "binary (really)", CONTENT_BINARY },
		{ "Quoted-Printable", CONTENT_QP },
		{ "(x) base64 ", CONTENT_BASE64 },
		{ "x-uuencode", CONTENT_OTHER },
		{ "8-bit", CONTENT_8BIT },
		{ "8 bits", CONTENT_8BIT },
		{ "\"8BIT\"", CONTENT_8BIT },
		{ "7_bit", CONTENT_7BIT },
		{ "UTF-8", CONTENT_8BIT },
		{ "base-64", CONTENT_OTHER },
		{ "quotedprintable", CONTENT_OTHER },
		{ "base64x", CONTENT_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(content_encoding_parse(bytes_str(cases[i].in)),
		    cases[i].out);
}

/* Where the message arrives it is "? 8bit", which is no encoding. */
static void
an_encoding_with_a_nul_is_none(void **state)
{
	(void)state;
	assert_int_equal(
	    content_encoding_parse(bytes_of("\0 8bit", 6)), CONTENT_OTHER);
	assert_int_equal(
	    content_encoding_parse(bytes_of("? 8bit", 6)), CONTENT_OTHER);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_read_as_they_are_written),
		cmocka_unit_test(encodings_are_known_in_any_case),
		cmocka_unit_test(an_encoding_with_a_nul_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
