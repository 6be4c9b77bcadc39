/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes on the wire for an account: its identity on the header, the body
 * untouched, whatever the pieces the header came in. */
#include "tests/lib/check.h"

#include <stdlib.h>

#include "fixup/outgoing.h"

static const struct identity_opts policy = {
	.mode = IDENTITY_ALLOW,
	.address = "me@example.org",
	.hostname = "pve1",
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

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_strange_sender_is_replaced_and_the_body_is_not_touched),
		cmocka_unit_test(what_is_right_already_goes_out_as_it_is),
		cmocka_unit_test(a_message_without_body_keeps_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
