/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes on the wire for an account: its identity on the header, the body
 * untouched, whatever the pieces the header came in. */
#include "tests/lib/check.h"

#include <stdlib.h>

#include "rewrite/intake.h"
#include "rewrite/outgoing.h"

static struct outgoing_opts policy = {
	.identity = { .mode = IDENTITY_ALLOW,
	    .address = "me@example.org",
	    .hostname = "pve1" },
};

static const char stranger[] = "Received: from x by y; date\r\n"
			       "From: root <root@pve1>\r\n"
			       "Subject: s\r\n"
			       "\r\n"
			       "body\r\n.\r\n\r\nmore\r\n";

/* Feeds in pieces of chunk bytes, then an empty one; returns what would go on
 * the wire. */
static char *
sent(const char *message, const char *sender, size_t chunk,
    struct outgoing **ret)
{
	struct outgoing *o = outgoing_new();
	size_t n = strlen(message), at = 0;
	struct bytes head;
	char *wire;
	bool more = true;

	while (more) {
		size_t len = n - at < chunk ? n - at : chunk;

		more = outgoing_put(o, message + at, len);
		at += len;
	}
	assert_true(outgoing_finish(o, sender, &policy));
	head = outgoing_head(o);
	assert_true(outgoing_skip(o) <= n);
	wire = calloc(1, head.n + n + 1);
	memcpy(wire, head.p, head.n);
	strcpy(wire + head.n, message + outgoing_skip(o));
	*ret = o;
	return wire;
}

static void
stranger_row(const void *row, size_t chunk)
{
	struct outgoing *o;
	char *wire = sent(stranger, "root", chunk, &o);

	(void)row;
	assert_non_null(strstr(wire, "me@example.org"));
	assert_null(strstr(wire, "<root@pve1>"));
	assert_non_null(strstr(wire, "\r\n\r\nbody\r\n.\r\n\r\nmore\r\n"));
	assert_int_equal(
	    strncmp(wire, "Received: from x by y; date\r\n", 29), 0);
	assert_string_equal(outgoing_identity(o)->sender, "me@example.org");
	outgoing_free(o);
	free(wire);
}

static void
a_strange_sender_is_replaced_and_the_body_is_not_touched(void **state)
{
	(void)state;
	check_chunks(stranger_row, NULL, strlen(stranger));
}

static void
what_is_right_already_goes_out_as_it_is(void **state)
{
	static const char mine[] = "From: Me <me@example.org>\r\n\r\nbody\r\n";
	struct outgoing *o;
	char *wire = sent(mine, "me@example.org", 7, &o);

	(void)state;
	assert_string_equal(wire, mine);
	assert_int_equal(outgoing_skip(o), 0);
	assert_int_equal(outgoing_head(o).n, 0);
	outgoing_free(o);
	free(wire);
}

static void
a_message_without_body_keeps_none(void **state)
{
	struct outgoing *o;
	char *wire = sent("From: a@b\r\n\r\n", "a@b", 3, &o);

	(void)state;
	assert_string_equal(wire + strlen(wire) - 4, "\r\n\r\n");
	outgoing_free(o);
	free(wire);
}

static void
header_bytes_over_127_stay_only_where_they_may(void **state)
{
	static const char text[] =
	    "From: J\xc3\xb6rg <me@example.org>\r\n\r\nbody\r\n";
	static const char utf8[] =
	    "From: me@example.org\r\nTo: j\xc3\xb6rg@example.org\r\n\r\n";
	struct outgoing *o;
	char *wire;

	(void)state;
	wire = sent(text, "me@example.org", 5, &o);
	assert_string_equal(wire, "From: =?utf-8?q?J=C3=B6rg?= "
				  "<me@example.org>\r\n\r\nbody\r\n");
	assert_false(outgoing_needs_utf8(o));
	outgoing_free(o);
	free(wire);

	wire = sent(utf8, "me@example.org", 5, &o);
	assert_true(outgoing_needs_utf8(o));
	outgoing_free(o);
	free(wire);

	policy.may_utf8 = true;
	wire = sent(text, "me@example.org", 5, &o);
	assert_string_equal(wire, text);
	assert_true(outgoing_needs_utf8(o));
	policy.may_utf8 = false;
	outgoing_free(o);
	free(wire);
}

static void
a_repaired_body_is_said_in_the_header(void **state)
{
	static const char text[] = "From: me@example.org\r\n\r\n"
				   "na\xc3\xafve body of text\r\n";
	static const struct repair_opts mend = { .is_7bit = true };
	size_t body_at = sizeof("From: me@example.org\r\n\r\n") - 1;

	(void)state;
	for (size_t chunk = 1; chunk < sizeof(text); chunk++) {
		struct outgoing *o = outgoing_new();
		struct repair *r;
		size_t at = 0, n;

		do {
			n = sizeof(text) - 1 - at;
			n = n < chunk ? n : chunk;
			at += n;
		} while (outgoing_put(o, text + at - n, n));
		assert_int_equal(outgoing_body_at(o), body_at);
		r = outgoing_repair(o, &mend);
		repair_look(
		    r, bytes_of(text + body_at, sizeof(text) - 1 - body_at));
		repair_looked(r);
		assert_true(outgoing_finish(o, "me@example.org", &policy));
		assert_ptr_equal(outgoing_mended(o), r);
		assert_int_equal(outgoing_skip(o), body_at);
		assert_non_null(strstr(outgoing_head(o).p,
		    "\r\nContent-Transfer-Encoding: quoted-printable\r\n"
		    "\r\n"));
		outgoing_free(o);
	}
}

/* What the intake takes of this, stored, must find its way out (R13). */
static void
assert_deliverable(const struct buf *text)
{
	struct envelope *e = envelope_new();
	struct intake_facts facts = { .env = e, .hostname = "pve1" };
	struct intake *in = intake_new(&facts);
	struct outgoing *o = outgoing_new();
	struct buf stored;
	const void *p;
	size_t n;

	envelope_set(&e->sender, "root@pve1");
	buf_init(&stored, 4 * HEADER_MAX);
	assert_true(intake_put(in, buf_str(text), buf_len(text)));
	while ((n = intake_peek(in, &p)) > 0) {
		assert_true(buf_add(&stored, p, n));
		intake_took(in, n);
	}
	assert_true(intake_end(in));
	assert_true(buf_len(&stored) > buf_len(text));
	assert_false(outgoing_put(o, buf_str(&stored), buf_len(&stored)));
	assert_true(outgoing_finish(o, "root@pve1", &policy));
	assert_true(outgoing_head(o).n > buf_len(text));
	outgoing_free(o);
	intake_free(in);
	envelope_free(e);
	buf_clear(&stored);
}

static void
a_header_that_was_full_when_it_came_still_goes(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 2 * HEADER_MAX);
	while (buf_len(&text) < HEADER_MAX - 81)
		assert_true(buf_addf(&text, "X: %075d\r\n", 0));
	assert_true(buf_adds(&text, "\r\n"));
	assert_deliverable(&text);
	buf_reset(&text);
	for (int i = 0; i < HEADER_FIELDS_MAX; i++)
		assert_true(buf_adds(&text, "X: y\r\n"));
	assert_true(buf_adds(&text, "\r\n"));
	assert_deliverable(&text);
	/* A field that is longer when it is folded. */
	buf_reset(&text);
	assert_true(buf_adds(&text, "X:"));
	while (buf_len(&text) < HEADER_MAX - 20)
		assert_true(buf_adds(&text, " 0123456789"));
	assert_true(buf_adds(&text, "\r\n\r\n"));
	assert_deliverable(&text);
	buf_clear(&text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_header_that_was_full_when_it_came_still_goes),
		cmocka_unit_test(
		    a_strange_sender_is_replaced_and_the_body_is_not_touched),
		cmocka_unit_test(what_is_right_already_goes_out_as_it_is),
		cmocka_unit_test(a_message_without_body_keeps_none),
		cmocka_unit_test(
		    header_bytes_over_127_stay_only_where_they_may),
		cmocka_unit_test(a_repaired_body_is_said_in_the_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
