/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What providers refuse because it stands twice. */
#include "tests/lib/check.h"

#include <stdio.h>

#include "rewrite/locals.h"
#include "rewrite/notes.h"
#include "rewrite/single_fields.h"

static const struct {
	const char *in, *out;
} rows[] = {
	/* PHP's mail(), told the recipient twice */
	{ "To: a@example.org\r\nSubject: x\r\nFrom: me\r\nTo: "
	  "b@example.org\r\n",
	    "To: a@example.org, b@example.org\r\nSubject: x\r\nFrom: me\r\n" },
	{ "Cc: A <a@example.org>,\r\ncc :\r\n b@example.org\r\nCC:\r\n",
	    "Cc: A <a@example.org>, b@example.org\r\n" },
	{ "Reply-To:\r\nReply-To: a@example.org\r\n",
	    "Reply-To: a@example.org\r\n" },
	/* a quote, a comment that is not closed takes nothing with it */
	{ "To: A <a@example.org>, \"b\r\nTo: c@example.org, (d\r\n"
	  "To: E <e@example.org>\r\n",
	    "To: A <a@example.org>, c@example.org, E <e@example.org>\r\n" },
	{ "To: team: a@example.org;\r\nTo: (x) ,\r\nTo: b@example.org\r\n",
	    "To: team: a@example.org;, (x), b@example.org\r\n" },
	/* the first that says something */
	{ "Subject: one\r\nSubject: two\r\n", "Subject: one\r\n" },
	{ "Subject:\r\nX: y\r\nSubject: two\r\nSubject: three\r\n",
	    "X: y\r\nSubject: two\r\n" },
	{ "Subject:\r\nSUBJECT:  \r\n", "Subject:\r\n" },
	{ "From: a\r\nfrom: b\r\n", "From: a\r\n" },
	{ "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
	  "MIME-Version: 1.0\r\nContent-Type: text/html\r\n"
	  "Content-Transfer-Encoding: 7bit\r\n"
	  "Content-Transfer-Encoding: 8bit\r\n",
	    "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n" },
	{ "Content-ID: <a@b>\r\nContent-Description: c\r\n"
	  "Content-Disposition: inline\r\nContent-disposition: attachment\r\n"
	  "Content-description: d\r\nContent-Id: <e@f>\r\n",
	    "Content-ID: <a@b>\r\nContent-Description: c\r\n"
	    "Content-Disposition: inline\r\n" },
	/* these may */
	{ "Received: a\r\nReceived: b\r\nComments: c\r\nComments: d\r\n"
	  "Resent-To: a\r\nResent-To: b\r\nTo :a,  b\r\n",
	    "Received: a\r\nReceived: b\r\nComments: c\r\nComments: d\r\n"
	    "Resent-To: a\r\nResent-To: b\r\nTo :a,  b\r\n" },
};

static void
what_may_stand_once_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct header *h = header_new();
		unsigned notes = 0;
		struct buf out;

		header_put(h, rows[i].in, strlen(rows[i].in));
		header_end(h);
		single_fields_repair(h, NULL, &notes);
		buf_init(&out, HEADER_MAX);
		assert_true(header_write(h, &out));
		assert_string_equal(buf_str(&out), rows[i].out);
		assert_int_equal(notes, 0);
		buf_clear(&out);
		header_free(h);
	}
}

static bool
is_local(void *ctx, const char *addr)
{
	(void)ctx;
	return strchr(addr, '@') == NULL;
}

static bool
resolve(void *ctx, const char *addr, struct addr_list *to)
{
	(void)ctx;
	(void)addr;
	addr_list_add(to, "me@example.org");
	return true;
}

static bool
is_name(void *ctx, const char *word)
{
	(void)ctx;
	return strcmp(word, "root") == 0;
}

/* Each list is read as it would be alone. */
static void
a_name_with_a_comma_survives_the_merge(void **state)
{
	static const struct locals_opts opts = { is_local, resolve, is_name,
		NULL };
	static const char name[] = "\"Jane Roe, Dr.\" <a@example.net>";
	static const struct {
		const char *values[3];
		const char *before, *after; /* her name, once */
	} lists[] = {
		{ { "Jane Roe, Dr. <a@example.net>", "b@example.net" }, "",
		    ", b@example.net" },
		{ { "b@example.net", "Jane Roe, Dr. <a@example.net>" },
		    "b@example.net, ", "" },
		{ { "b@example.net", "Jane Roe, Dr. <a@example.net>",
		      "C <c@example.net>" },
		    "b@example.net, ", ", C <c@example.net>" },
		{ { "Jane Roe, Dr. <a@example.net>",
		      "Jane Roe, Dr. <a@example.net>" },
		    "", ", \"Jane Roe, Dr.\" <a@example.net>" },
		/* with something beside it that is lost */
		{ { "Jane Roe, Dr. <a@example.net>, \"x", "b@example.net" }, "",
		    ", b@example.net" },
		/* a name of this machine is none of hers */
		{ { "root, Jane Roe, Dr. <a@example.net>", "b@example.net" },
		    "me@example.org, ", ", b@example.net" },
		{ { "x y, root, Jane Roe, Dr. <a@example.net>",
		      "b@example.net" },
		    "me@example.org, ", ", b@example.net" },
	};
	static const char *const fields[] = { "To", "Cc", "Reply-To" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists) * ARRAY_LEN(fields); i++) {
		const char *field = fields[i % ARRAY_LEN(fields)];
		const char *const *v = lists[i / ARRAY_LEN(fields)].values;
		struct header *h = header_new();
		char text[512], want[512];
		unsigned notes = 0;
		struct buf out;
		size_t n = 0;

		for (size_t k = 0; k < 3 && v[k] != NULL; k++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s: %s\r\n", field, v[k]);
		(void)snprintf(want, sizeof(want), "%s: %s%s%s\r\n", field,
		    lists[i / ARRAY_LEN(fields)].before, name,
		    lists[i / ARRAY_LEN(fields)].after);
		header_put(h, text, n);
		header_end(h);
		single_fields_repair(h, &opts, &notes);
		assert_true(locals_repair(h, &opts, &notes));
		buf_init(&out, HEADER_MAX);
		assert_true(header_write(h, &out));
		assert_string_equal(buf_str(&out), want);
		assert_int_equal(
		    notes & NOTE_BIT(NOTE_COMMA), NOTE_BIT(NOTE_COMMA));
		buf_clear(&out);
		header_free(h);
	}
}

/* As many addresses as a header may hold. */
static void
long_lists_become_one(void **state)
{
	struct header *h = header_new();
	unsigned notes = 0;
	struct buf in;
	size_t n = 0;

	(void)state;
	buf_init(&in, HEADER_MAX);
	for (size_t field = 1; field <= 3; field++) {
		assert_true(buf_adds(&in, "To: a@example.org"));
		while (buf_len(&in) < field * (HEADER_MAX / 3 - 100))
			assert_true(buf_adds(&in, ",\r\n b@example.org"));
		assert_true(buf_adds(&in, "\r\n"));
	}
	header_put(h, buf_str(&in), buf_len(&in));
	header_end(h);
	single_fields_repair(h, NULL, &notes);
	for (size_t i = header_find(h, "To", 0); i != HEADER_NONE;
	     i = header_find(h, "To", i + 1)) {
		n++;
		assert_true(header_at(h, i).raw.n > HEADER_MAX / 2);
	}
	assert_int_equal(n, 1);
	buf_clear(&in);
	header_free(h);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_stand_once_does),
		cmocka_unit_test(a_name_with_a_comma_survives_the_merge),
		cmocka_unit_test(long_lists_become_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
