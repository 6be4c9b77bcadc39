/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R14: no signature leaves that would only prove a forgery. */
#include "tests/lib/check.h"

#include "rewrite/signature.h"

static const char text[] =
    "DKIM-Signature: v=1; h = From:\r\n To : Date; b=1\r\n"
    "DKIM-Signature: a=x; bh=h=Cc; h=from:x-a\r\n"
    "dkim-signature: no tags at all\r\n"
    "From: a\r\nTo: b\r\nCc: c\r\nX-A: d\r\n";

/* Bits: which of the three signatures are left. */
static const struct {
	const char *change; /* the field; with "+" in front appended */
	unsigned left;
} rows[] = {
	{ NULL, 7 },
	{ "To", 6 },
	{ "Cc", 7 },
	{ "X-A", 5 },
	{ "+Date", 6 },
	{ "From", 0 },
	{ "+from", 0 },
	{ "+Subject", 7 },
};

static struct header *
read_text(void)
{
	struct header *h = header_new();

	header_put(h, text, strlen(text));
	header_end(h);
	return h;
}

/* How it is changed: 0 replaced, 1 removed. */
static void
change(struct header *h, const char *name, int how)
{
	size_t i;

	if (name == NULL)
		return;
	if (name[0] == '+') {
		assert_true(header_append(h, name + 1, bytes_of("x", 1)));
		return;
	}
	i = header_find(h, name, 0);
	if (how == 0)
		assert_true(header_replace(h, i, name, bytes_of("x", 1)));
	else
		header_remove(h, i);
}

static void
what_was_signed_and_has_changed_loses_its_signature(void **state)
{
	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++)
		for (int how = 0; how < 2; how++) {
			struct header *h = read_text();
			unsigned left = 0;

			change(h, rows[r].change, how);
			assert_int_equal(
			    signature_remove_stale(h), rows[r].left != 7);
			for (size_t i = 0; i < 3; i++)
				if (header_find(h, "DKIM-Signature", i) == i)
					left |= 1u << i;
			assert_int_equal(left, rows[r].left);
			header_free(h);
		}
}

/* Ours on top is not what was signed. */
static void
a_field_above_does_not_count(void **state)
{
	struct header *h = read_text();

	(void)state;
	assert_true(header_prepend(h, "X-A", bytes_of("y", 1)));
	assert_false(signature_remove_stale(h));
	header_free(h);
}

static void
a_field_made_as_it_was_does_not_count(void **state)
{
	struct header *h = read_text();
	size_t to = header_find(h, "To", 0);

	(void)state;
	assert_true(header_replace(h, to, "To", bytes_of("b", 1)));
	assert_false(signature_remove_stale(h));
	assert_true(header_replace(h, to, "To", bytes_of("x", 1)));
	assert_true(header_replace(h, to, "To", bytes_of("x", 1)));
	assert_true(signature_remove_stale(h));
	header_free(h);
}

static void
a_signature_that_has_changed_itself_goes(void **state)
{
	struct header *h = read_text();

	(void)state;
	assert_true(header_replace(h, 1, "DKIM-Signature", bytes_of("h=x", 3)));
	assert_true(signature_remove_stale(h));
	assert_int_equal(header_find(h, "DKIM-Signature", 1), 2);
	header_free(h);
}

/* R78: as many fields and signatures as there may be, all of them changed. */
static void
many_signatures_take_linear_time(void **state)
{
	struct header *h = header_new();
	struct buf b;
	size_t n = 0;

	(void)state;
	buf_init(&b, HEADER_MAX);
	for (int i = 0; i < 9000; i++) {
		assert_true(buf_addf(&b, "X-%d: y\r\n", i));
		assert_true(buf_adds(
		    &b, "DKIM-Signature: h=a:b:c:d:e:f:g:h:i:j:k:l:m:n\r\n"));
	}
	header_put(h, buf_str(&b), buf_len(&b));
	header_end(h);
	for (size_t i = 0; i < header_count(h); i += 2)
		header_remove(h, i);
	assert_true(signature_remove_stale(h));
	for (size_t i = header_find(h, NULL, 0); i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1))
		n++;
	assert_int_equal(n, 0);
	buf_clear(&b);
	header_free(h);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_was_signed_and_has_changed_loses_its_signature),
		cmocka_unit_test(a_field_above_does_not_count),
		cmocka_unit_test(a_field_made_as_it_was_does_not_count),
		cmocka_unit_test(a_signature_that_has_changed_itself_goes),
		cmocka_unit_test(many_signatures_take_linear_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
