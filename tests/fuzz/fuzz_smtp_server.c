/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first byte chooses options, the second how the rest, a client's side of
 * a session, is cut.  Properties: R10 as the driver sees it; the cut makes no
 * difference; the session ends when the client does; every line that the
 * server says is one. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "smtp/smtp_limits.h"
#include "tests/lib/ss_driver.h"

enum { OPT_SIZE = 1, OPT_CHUNK = 2, OPT_TLS = 4, OPT_AUTH = 8, OPT_HIDE = 16 };

static void
play(struct ss_driver *d, unsigned set, struct bytes in, size_t chunk)
{
	struct smtp_server_opts opts = { .hostname = "relay.example",
		.max_size_bytes = (set & OPT_SIZE) != 0 ? 50 : 0,
		.max_rcpts = 3,
		.may_chunk = (set & OPT_CHUNK) != 0,
		.hide_dsn = (set & OPT_HIDE) != 0,
		.hide_smtputf8 = (set & OPT_HIDE) != 0 };
	struct ss_login_opts login = { .may_starttls = (set & OPT_TLS) != 0,
		.mechanisms = (set & OPT_AUTH) != 0 ? "PLAIN" : NULL };

	if ((set & (OPT_AUTH | OPT_TLS)) != 0)
		ss_driver_init_login(d, &opts, &login);
	else
		ss_driver_init(d, &opts);
	if ((set & (OPT_AUTH | OPT_TLS)) == OPT_AUTH)
		ss_login_tls_up(&d->login);
	smtp_server_tick(d->s, 1);
	(void)ss_driver_feed(d, in.p, in.n, chunk);
	smtp_server_tick(d->s, 2);
	smtp_server_eof(d->s);
	ss_driver_run(d);
	FUZZ_REQUIRE(d->is_closed && !d->is_broken && !d->has_mail);
}

/* Printable lines of bounded length, each with a code. */
static void
require_replies(const struct buf *out)
{
	const char *p = buf_str(out), *lf;

	FUZZ_REQUIRE(strlen(p) == buf_len(out));
	for (; (lf = strchr(p, '\n')) != NULL; p = lf + 1) {
		FUZZ_REQUIRE(lf - p >= 4 && lf[-1] == '\r');
		FUZZ_REQUIRE(lf - p < SMTP_SAY_LINE_MAX);
		FUZZ_REQUIRE(*p >= '2' && *p <= '5');
		for (const char *q = p; q < lf - 1; q++)
			FUZZ_REQUIRE(*q >= ' ' && *q < 0x7f);
	}
	FUZZ_REQUIRE(*p == '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ss_driver whole, cut;
	struct bytes in;

	if (size < 2 || size > 200000)
		return 0;
	in = bytes_of(data + 2, size - 2);
	play(&whole, data[0], in, SIZE_MAX);
	play(&cut, data[0], in, 1 + (size_t)data[1]);
	require_replies(&whole.out);
	require_replies(&cut.out);
	/* What is buffered behind STARTTLS depends on the cut, and must. */
	if ((data[0] & OPT_TLS) == 0) {
		FUZZ_REQUIRE(
		    strcmp(buf_str(&whole.out), buf_str(&cut.out)) == 0);
		FUZZ_REQUIRE(
		    strcmp(buf_str(&whole.events), buf_str(&cut.events)) == 0);
		FUZZ_REQUIRE(whole.delivered == cut.delivered);
		FUZZ_REQUIRE(
		    buf_len(&whole.message) == buf_len(&cut.message) &&
		    memcmp(buf_str(&whole.message), buf_str(&cut.message),
			buf_len(&whole.message)) == 0);
	}
	ss_driver_clear(&whole);
	ss_driver_clear(&cut);
	return 0;
}
