/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two pipes wired together in memory.  R4, R7, R69, R70, R71. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <gnutls/x509.h>

#include "base/xalloc.h"
#include "tests/lib/certs.h"
#include "tls/tls_ctx.h"
#include "tls/tls_pipe.h"

#define HOST "smtp.example.org"
#define DAY  86400

static struct certs *certs;
static int64_t made_s; /* when they were made */

static const struct cert_spec specs[] = {
	{ .file = "good", .dns = { HOST } },
	{ .file = "more", .dns = { "a.example", "b.example", HOST } },
	{ .file = "expired",
	    .dns = { HOST },
	    .from_s = -20 * DAY,
	    .until_s = -10 * DAY },
	{ .file = "future",
	    .dns = { HOST },
	    .from_s = 10 * DAY,
	    .until_s = 20 * DAY },
	{ .file = "wrong", .dns = { "mail.other.org" } },
	{ .file = "five",
	    .dns = { "a.org", "b.org", "c.org", "d.org", "e.org" } },
	{ .file = "self", .dns = { HOST }, .is_self_signed = true },
	{ .file = "nosan", .common_name = HOST },
	{ .file = "wild", .dns = { "*.example.org" } },
	{ .file = "wilder", .dns = { "*.org" } },
	{ .file = "address", .ip = "192.0.2.7" },
	{ .file = "lookalike", .dns = { "192.0.2.7" } },
	{ .file = "address6", .ip = "2001:db8::7" },
	{ .file = "purpose", .dns = { HOST }, .is_client = true },
	{ .file = "short", .dns = { HOST }, .rsa_bits = 1024 },
	{ .file = "rsa", .dns = { HOST }, .rsa_bits = 2048 },
	{ .file = "sha1", .dns = { HOST }, .is_sha1 = true },
	{ .file = "client", .common_name = "me", .is_client = true },
};

static int
set_up(void **state)
{
	(void)state;
	certs = certs_new();
	/* All of one day, which is in what is said about them. */
	do {
		made_s = (int64_t)time(NULL);
		for (size_t i = 0; i < ARRAY_LEN(specs); i++)
			certs_make(certs, &specs[i]);
	} while (made_s / DAY != (int64_t)time(NULL) / DAY);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	certs_free(certs);
	return 0;
}

/* --- two ends ----------------------------------------------------------- */

struct ends {
	struct tls_ctx *client_ctx, *server_ctx;
	struct tls_pipe *client, *server;
	size_t chunk;
	bool is_cut; /* one side failed */
	struct err client_err, server_err;
};

static struct tls_ctx *
server_ctx(const char *file, const char *client_ca, const char *priority)
{
	char *cert = xasprintf("%s.pem", file),
	     *key = xasprintf("%s.key", file);
	struct tls_server_opts opts = {
		.cert_file = certs_path(certs, cert),
		.key_file = certs_path(certs, key),
		.client_ca_file = client_ca,
		.priority = priority,
	};
	struct tls_ctx *c = NULL;
	struct err err;

	assert_int_equal(tls_ctx_new_server(&opts, &c, &err), 0);
	free(cert);
	free(key);
	return c;
}

static struct tls_ctx *
client_ctx(const struct tls_client_opts *opts)
{
	struct tls_client_opts ours = { .ca_file = certs_path(
					    certs, "ca.pem") };
	struct tls_ctx *c = NULL;
	struct err err;

	assert_int_equal(
	    tls_ctx_new_client(opts != NULL ? opts : &ours, &c, &err), 0);
	return c;
}

static void
connect_ends(struct ends *e, const char *name)
{
	e->is_cut = false;
	err_clear(&e->client_err);
	err_clear(&e->server_err);
	assert_int_equal(
	    tls_pipe_new(e->client_ctx, name, &e->client, &e->client_err), 0);
	assert_int_equal(
	    tls_pipe_new(e->server_ctx, NULL, &e->server, &e->server_err), 0);
}

/* Moves what one has for the other, a chunk at a time.  True: something. */
static bool
carry(
    struct ends *e, struct tls_pipe *from, struct tls_pipe *to, struct err *err)
{
	const void *p;
	size_t n = tls_pipe_peek(from, &p);
	char copy[2048];

	if (n == 0)
		return false;
	if (n > e->chunk)
		n = e->chunk;
	memcpy(copy, p, n);
	tls_pipe_sent(from, n);
	if (tls_pipe_put(to, copy, n, err) != 0)
		e->is_cut = true;
	return true;
}

static void
carry_all(struct ends *e)
{
	bool any;

	assert_true(e->chunk <= 2048);
	if (tls_pipe_run(e->client, &e->client_err) != 0)
		e->is_cut = true;
	do {
		any = carry(e, e->client, e->server, &e->server_err);
		any |= carry(e, e->server, e->client, &e->client_err);
	} while (any);
}

static void
disconnect(struct ends *e)
{
	tls_pipe_free(e->client);
	tls_pipe_free(e->server);
	e->client = e->server = NULL;
}

static void
say(struct ends *e, struct tls_pipe *from, struct tls_pipe *to, const char *s)
{
	char got[256] = "";
	size_t n = 0, more;
	struct err err;

	assert_int_equal(tls_pipe_write(from, s, strlen(s), &err), 0);
	carry_all(e);
	while ((more = tls_pipe_read(to, got + n, sizeof(got) - 1 - n)) > 0)
		n += more;
	assert_string_equal(got, s);
}

static void
free_ends(struct ends *e)
{
	disconnect(e);
	tls_ctx_free(e->client_ctx);
	tls_ctx_free(e->server_ctx);
}

/* --- what works --------------------------------------------------------- */

static void
hands_are_shaken_however_the_bytes_are_cut(void **state)
{
	static const size_t chunks[] = { 1, 2, 3, 7, 64, 1500 };
	static const char *const versions[] = { NULL,
		"NORMAL:-VERS-ALL:+VERS-TLS1.2" };

	(void)state;
	for (size_t v = 0; v < ARRAY_LEN(versions); v++)
		for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
			struct ends e = { .chunk = chunks[i],
				.client_ctx = client_ctx(NULL),
				.server_ctx = server_ctx(
				    "good", NULL, versions[v]) };

			connect_ends(&e, HOST);
			carry_all(&e);
			assert_true(tls_pipe_is_up(e.client));
			assert_true(tls_pipe_is_up(e.server));
			assert_string_equal(tls_pipe_version(e.client),
			    v == 0 ? "TLSv1.3" : "TLSv1.2");
			say(&e, e.client, e.server, "EHLO x\r\n");
			say(&e, e.server, e.client, "250 y\r\n");
			free_ends(&e);
		}
}

static void
a_large_transfer_arrives_whole(void **state)
{
	struct ends e = { .chunk = 1500,
		.client_ctx = client_ctx(NULL),
		.server_ctx = server_ctx("good", NULL, NULL) };
	enum { SIZE = 300000 };
	char *sent = xmalloc(SIZE), *got = xmalloc(SIZE);
	size_t have = 0, n;
	struct err err;

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		sent[i] = (char)(i * 7 + i / 251);
	connect_ends(&e, HOST);
	carry_all(&e);
	assert_int_equal(tls_pipe_write(e.client, sent, SIZE, &err), 0);
	while (carry(&e, e.client, e.server, &err))
		while (
		    (n = tls_pipe_read(e.server, got + have, SIZE - have)) > 0)
			have += n;
	assert_int_equal(have, SIZE);
	assert_memory_equal(sent, got, SIZE);
	free(sent);
	free(got);
	free_ends(&e);
}

static void
good_names_are_taken(void **state)
{
	static const char *const rows[][2] = { { "good", "SMTP.example.ORG" },
		{ "good", HOST "." }, { "more", HOST }, { "wild", HOST },
		{ "address", "192.0.2.7" }, { "address6", "2001:db8::7" },
		{ "rsa", HOST } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ends e = { .chunk = 1500,
			.client_ctx = client_ctx(NULL),
			.server_ctx = server_ctx(rows[i][0], NULL, NULL) };

		connect_ends(&e, rows[i][1]);
		carry_all(&e);
		if (!tls_pipe_is_up(e.client))
			print_error("%s %s: %s\n", rows[i][0], rows[i][1],
			    e.client_err.text);
		assert_true(tls_pipe_is_up(e.client));
		free_ends(&e);
	}
}

/* --- certificates that are refused (R69) -------------------------------- */

/* Of the moment at which the certificates were made. */
static const char *
day_text(int64_t after_s, char to[16])
{
	time_t t = (time_t)(made_s + after_s);
	struct tm tm;

	assert_non_null(gmtime_r(&t, &tm));
	assert_true(strftime(to, 16, "%Y-%m-%d", &tm) > 0);
	return to;
}

static void
refuse(const char *file, const char *name, const char *words)
{
	struct ends e = { .chunk = 1500,
		.client_ctx = client_ctx(NULL),
		.server_ctx = server_ctx(file, NULL, NULL) };
	struct err again;

	connect_ends(&e, name);
	carry_all(&e);
	assert_false(tls_pipe_is_up(e.client));
	assert_int_equal(e.client_err.class, ERR_CERTIFICATE);
	if (strstr(e.client_err.text, words) == NULL)
		print_error("%s: %s\n", file, e.client_err.text);
	assert_non_null(strstr(e.client_err.text, words));
	/* Every later call says the same, and the server heard an alert. */
	assert_int_equal(tls_pipe_put(e.client, "x", 1, &again), -1);
	assert_string_equal(again.text, e.client_err.text);
	assert_false(tls_pipe_is_up(e.server));
	assert_non_null(strstr(e.server_err.text, "alert"));
	free_ends(&e);
}

static void
every_bad_certificate_has_its_sentence(void **state)
{
	char day[16], words[128];

	(void)state;
	(void)snprintf(words, sizeof(words),
	    "the certificate of " HOST " expired on %s",
	    day_text(-10 * DAY, day));
	refuse("expired", HOST, words);
	(void)snprintf(words, sizeof(words), "is not valid before %s",
	    day_text(10 * DAY, day));
	refuse("future", HOST, words);
	refuse(
	    "wrong", HOST, "the certificate is for mail.other.org, not " HOST);
	refuse("five", HOST,
	    "the certificate is for a.org, b.org, c.org and 2 more, not "
	    "" HOST);
	refuse("self", HOST,
	    "an unknown authority (self-signed); if it is the right one, set "
	    "tls_ca_file or tls_pin");
	refuse("nosan", HOST, "names no host");
	refuse("wilder", "example.org", "is for *.org, not example.org");
	refuse("wild", "a.b.example.org", "is for *.example.org");
	refuse("wild", "example.org", "is for *.example.org");
	refuse("address", "192.0.2.8", "is for 192.0.2.7, not 192.0.2.8");
	refuse("lookalike", "192.0.2.7", "is for 192.0.2.7, not 192.0.2.7");
	refuse("good", "192.0.2.7", "is for " HOST ", not 192.0.2.7");
	refuse("purpose", HOST, "is not meant for servers");
	refuse("short", HOST, "RSA below 2048 bits");
	refuse("sha1", HOST, "SHA-1");
}

/* The linker puts this in the place of the library's. */
int __real_gnutls_certificate_verify_peers(gnutls_session_t session,
    gnutls_typed_vdata_st *data, unsigned n, unsigned *ret_status);
int __wrap_gnutls_certificate_verify_peers(gnutls_session_t session,
    gnutls_typed_vdata_st *data, unsigned n, unsigned *ret_status);

static bool cannot_judge;

int
__wrap_gnutls_certificate_verify_peers(gnutls_session_t session,
    gnutls_typed_vdata_st *data, unsigned n, unsigned *ret_status)
{
	if (!cannot_judge)
		return __real_gnutls_certificate_verify_peers(
		    session, data, n, ret_status);
	*ret_status = 0;
	return GNUTLS_E_MEMORY_ERROR;
}

/* No verdict is no yes. */
static void
what_the_library_cannot_judge_is_refused(void **state)
{
	(void)state;
	cannot_judge = true;
	refuse("good", HOST, "cannot be verified");
	cannot_judge = false;
}

static void
an_unknown_authority_is_named(void **state)
{
	struct certs *other = certs_new();
	struct tls_client_opts opts = { .ca_file = certs_path(
					    other, "ca.pem") };
	struct ends e = { .chunk = 1500,
		.client_ctx = client_ctx(&opts),
		.server_ctx = server_ctx("good", NULL, NULL) };

	(void)state;
	connect_ends(&e, HOST);
	carry_all(&e);
	assert_false(tls_pipe_is_up(e.client));
	/* The other authority has the same name, but another key. */
	assert_int_equal(e.client_err.class, ERR_CERTIFICATE);
	free_ends(&e);
	certs_free(other);
}

static void
a_self_signed_certificate_can_be_its_own_authority(void **state)
{
	struct tls_client_opts opts = { .ca_file = certs_path(
					    certs, "self.pem") };
	struct ends e = { .chunk = 1500,
		.client_ctx = client_ctx(&opts),
		.server_ctx = server_ctx("self", NULL, NULL) };

	(void)state;
	connect_ends(&e, HOST);
	carry_all(&e);
	assert_true(tls_pipe_is_up(e.client));
	free_ends(&e);
}

/* --- versions (R70) ----------------------------------------------------- */

static void
an_old_server_is_refused(void **state)
{
	struct ends e = { .chunk = 7,
		.client_ctx = client_ctx(NULL),
		.server_ctx = server_ctx("good", NULL,
		    "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0") };

	(void)state;
	connect_ends(&e, HOST);
	carry_all(&e);
	assert_false(tls_pipe_is_up(e.client));
	assert_non_null(strstr(e.client_err.text, "older than 1.2"));
	free_ends(&e);
}

static void
a_port_that_greets_in_clear_is_recognised(void **state)
{
	struct ends e = { .chunk = 1500,
		.client_ctx = client_ctx(NULL),
		.server_ctx = server_ctx("good", NULL, NULL) };

	(void)state;
	connect_ends(&e, HOST);
	assert_int_equal(
	    tls_pipe_put(e.client, "220 hello\r\n", 11, &e.client_err), -1);
	assert_non_null(strstr(e.client_err.text, "set tls = starttls"));
	disconnect(&e);

	/* After STARTTLS that advice would be nonsense. */
	connect_ends(&e, HOST);
	tls_pipe_upgraded(e.client);
	assert_int_equal(
	    tls_pipe_put(e.client, "250 hello\r\n", 11, &e.client_err), -1);
	assert_null(strstr(e.client_err.text, "starttls"));
	free_ends(&e);
}

/* --- resumption (R7) ----------------------------------------------------- */

static void
resume_with(const char *priority)
{
	struct ends e = { .chunk = 64,
		.client_ctx = client_ctx(NULL),
		.server_ctx = server_ctx("good", NULL, priority) };

	for (int round = 0; round < 3; round++) {
		connect_ends(&e, HOST);
		assert_int_equal(tls_pipe_offered_ticket(e.client), round > 0);
		carry_all(&e);
		say(&e, e.server, e.client, "220 hello\r\n");
		say(&e, e.client, e.server, "QUIT\r\n");
		assert_int_equal(tls_pipe_was_resumed(e.client), round > 0);
		assert_int_equal(tls_pipe_was_resumed(e.server), round > 0);
		disconnect(&e);
	}
	/* Another name was never verified, so it starts afresh. */
	connect_ends(&e, "other.example.org");
	assert_false(tls_pipe_offered_ticket(e.client));
	carry_all(&e);
	assert_false(tls_pipe_is_up(e.client));
	free_ends(&e);
}

static void
a_second_connection_is_resumed(void **state)
{
	(void)state;
	resume_with(NULL);
	resume_with("NORMAL:-VERS-ALL:+VERS-TLS1.2");
}

static void
trimming_and_failing_forget_the_ticket(void **state)
{
	struct ends e = { .chunk = 64,
		.client_ctx = client_ctx(NULL),
		.server_ctx = server_ctx("good", NULL, NULL) };

	(void)state;
	connect_ends(&e, HOST);
	carry_all(&e);
	say(&e, e.server, e.client, "x");
	disconnect(&e);
	tls_ctx_trim(e.client_ctx);
	connect_ends(&e, HOST); /* reads the trust store again */
	assert_false(tls_pipe_offered_ticket(e.client));
	carry_all(&e);
	say(&e, e.server, e.client, "x");
	disconnect(&e);

	connect_ends(&e, HOST);
	assert_true(tls_pipe_offered_ticket(e.client));
	assert_int_equal(tls_pipe_put(e.client, "junk", 4, &e.client_err), -1);
	disconnect(&e);
	connect_ends(&e, HOST);
	assert_false(tls_pipe_offered_ticket(e.client));
	free_ends(&e);
}

/* A server that has forgotten its keys shakes hands in full. */
static void
a_stale_ticket_does_no_harm(void **state)
{
	struct ends e = { .chunk = 64,
		.client_ctx = client_ctx(NULL),
		.server_ctx = server_ctx("good", NULL, NULL) };

	(void)state;
	connect_ends(&e, HOST);
	carry_all(&e);
	say(&e, e.server, e.client, "x");
	disconnect(&e);
	tls_ctx_free(e.server_ctx);
	e.server_ctx = server_ctx("good", NULL, NULL);
	connect_ends(&e, HOST);
	assert_true(tls_pipe_offered_ticket(e.client));
	carry_all(&e);
	assert_true(tls_pipe_is_up(e.client));
	assert_false(tls_pipe_was_resumed(e.client));
	free_ends(&e);
}

/* --- pins and client certificates --------------------------------------- */

static void
a_pin_replaces_the_authority_and_nothing_else_passes(void **state)
{
	char *self = certs_pin(certs, "self"), *good = certs_pin(certs, "good");
	struct tls_client_opts right = { .pins = { good, self } };
	struct tls_client_opts wrong = { .pins = { good } };
	struct ends e = { .chunk = 1500,
		.client_ctx = client_ctx(&right),
		.server_ctx = server_ctx("self", NULL, NULL) };

	(void)state;
	connect_ends(&e, "any.name.example");
	carry_all(&e);
	assert_true(tls_pipe_is_up(e.client));
	disconnect(&e);
	tls_ctx_free(e.client_ctx);

	e.client_ctx = client_ctx(&wrong);
	connect_ends(&e, HOST);
	carry_all(&e);
	assert_false(tls_pipe_is_up(e.client));
	/* The sentence has the pin to set, if it is the right server. */
	assert_non_null(strstr(e.client_err.text, self));
	assert_int_equal(e.client_err.class, ERR_CERTIFICATE);
	free_ends(&e);
	free(self);
	free(good);
}

static void
a_pin_must_look_like_one(void **state)
{
	static const char *const bad[] = { "", "sha256:", "sha1:AAAA",
		"sha256:AAAA", "sha256:!!!!",
		"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct tls_client_opts opts = { .pins = { bad[i] } };
		struct tls_ctx *c;
		struct err err;

		assert_int_equal(tls_ctx_new_client(&opts, &c, &err), -1);
		assert_int_equal(err.class, ERR_CONFIG);
	}
}

static void
a_client_certificate_is_shown(void **state)
{
	const char *ca = certs_path(certs, "ca.pem");
	struct tls_client_opts with = { .ca_file = ca,
		.cert_file = certs_path(certs, "client.pem"),
		.key_file = certs_path(certs, "client.key") };
	struct ends e = { .chunk = 1500,
		.client_ctx = client_ctx(&with),
		.server_ctx = server_ctx("good", ca, NULL) };

	(void)state;
	connect_ends(&e, HOST);
	carry_all(&e);
	assert_true(tls_pipe_is_up(e.server));
	say(&e, e.server, e.client, "220\r\n");
	disconnect(&e);
	tls_ctx_free(e.client_ctx);

	e.client_ctx = client_ctx(NULL);
	connect_ends(&e, HOST);
	carry_all(&e);
	assert_false(tls_pipe_is_up(e.server));
	free_ends(&e);
}

static void
files_that_are_missing_are_named(void **state)
{
	struct tls_client_opts no_ca = { .ca_file = "/nonexistent/ca" };
	struct tls_client_opts no_key = { .ca_file = certs_path(
					      certs, "ca.pem"),
		.cert_file = "/nonexistent/me" };
	struct tls_ctx *c = client_ctx(&no_ca);
	struct tls_pipe *t;
	struct err err;

	(void)state;
	assert_int_equal(tls_pipe_new(c, HOST, &t, &err), -1);
	assert_int_equal(err.class, ERR_CONFIG);
	assert_non_null(strstr(err.text, "/nonexistent/ca"));
	tls_ctx_free(c);
	c = client_ctx(&no_key);
	assert_int_equal(tls_pipe_new(c, HOST, &t, &err), -1);
	assert_int_equal(err.class, ERR_CONFIG);
	assert_non_null(strstr(err.text, "/nonexistent/me"));
	tls_ctx_free(c);
	c = client_ctx(&no_ca);
	assert_int_equal(tls_ctx_check(c, &err), -1);
	tls_ctx_free(c);
	c = client_ctx(NULL);
	assert_int_equal(tls_ctx_check(c, &err), 0);
	tls_ctx_free(c);
}

/* --- the end (R71) ------------------------------------------------------ */

static void
an_end_is_an_end_with_or_without_close_notify(void **state)
{
	char got[8];

	(void)state;
	for (int is_clean = 0; is_clean < 2; is_clean++) {
		struct ends e = { .chunk = 3,
			.client_ctx = client_ctx(NULL),
			.server_ctx = server_ctx("good", NULL, NULL) };

		connect_ends(&e, HOST);
		carry_all(&e);
		say(&e, e.server, e.client, "221 bye\r\n");
		assert_false(tls_pipe_at_eof(e.client));
		if (is_clean)
			tls_pipe_bye(e.server);
		carry_all(&e);
		tls_pipe_eof(e.client);
		assert_int_equal(tls_pipe_read(e.client, got, sizeof(got)), 0);
		assert_true(tls_pipe_at_eof(e.client));
		/* After close_notify we may still speak (RFC 8446 6.1). */
		assert_int_equal(
		    tls_pipe_write(e.client, "x", 1, &e.client_err),
		    is_clean ? 0 : -1);
		free_ends(&e);
	}
}

static void
an_end_within_the_handshake_is_a_failure(void **state)
{
	struct ends e = { .chunk = 64,
		.client_ctx = client_ctx(NULL),
		.server_ctx = server_ctx("good", NULL, NULL) };

	(void)state;
	connect_ends(&e, HOST);
	assert_int_equal(tls_pipe_run(e.client, &e.client_err), 0);
	assert_true(carry(&e, e.client, e.server, &e.server_err));
	tls_pipe_eof(e.client);
	assert_int_equal(tls_pipe_run(e.client, &e.client_err), -1);
	assert_non_null(strstr(e.client_err.text, "closed the connection"));
	free_ends(&e);
}

static void
who_sends_more_than_can_be_held_is_cut_off(void **state)
{
	struct ends e = { .chunk = 1500,
		.client_ctx = client_ctx(NULL),
		.server_ctx = server_ctx("good", NULL, NULL) };
	char piece[1500] = { 0 };
	struct err err;
	int rc = 0;

	(void)state;
	connect_ends(&e, HOST);
	carry_all(&e);
	/* Records that nobody reads. */
	for (int i = 0; i < 1000 && rc == 0; i++) {
		assert_int_equal(
		    tls_pipe_write(e.server, piece, sizeof(piece), &err), 0);
		while (rc == 0 && carry(&e, e.server, e.client, &err))
			rc = e.is_cut ? -1 : 0;
	}
	assert_int_equal(rc, -1);
	assert_non_null(
	    strstr(err.text, "sent more data than can be processed"));
	free_ends(&e);
}

static void
a_false_record_breaks_the_pipe(void **state)
{
	struct ends e = { .chunk = 1500,
		.client_ctx = client_ctx(NULL),
		.server_ctx = server_ctx("good", NULL, NULL) };
	char record[256], got[16];
	const void *p;
	size_t n;
	struct err err;

	(void)state;
	connect_ends(&e, HOST);
	carry_all(&e);
	assert_int_equal(tls_pipe_write(e.server, "250\r\n", 5, &err), 0);
	n = tls_pipe_peek(e.server, &p);
	assert_true(n > 0 && n <= sizeof(record));
	memcpy(record, p, n);
	record[n - 1] ^= 1;
	IGNORE(tls_pipe_put(e.client, record, n, &err));
	assert_int_equal(tls_pipe_read(e.client, got, sizeof(got)), 0);
	assert_int_equal(tls_pipe_run(e.client, &err), -1);
	assert_int_equal(err.class, ERR_TLS);
	free_ends(&e);
}

static void
both_ends_see_the_same_binding(void **state)
{
	struct ends e = { .chunk = 1500,
		.client_ctx = client_ctx(NULL),
		.server_ctx = server_ctx("good", NULL, NULL) };
	struct bytes a, b;

	(void)state;
	connect_ends(&e, HOST);
	assert_string_equal(tls_pipe_binding(e.client, &a), "");
	carry_all(&e);
	assert_string_equal(tls_pipe_binding(e.client, &a), "tls-exporter");
	assert_string_equal(tls_pipe_binding(e.server, &b), "tls-exporter");
	assert_int_equal(a.n, 32);
	assert_int_equal(b.n, 32);
	assert_memory_equal(a.p, b.p, 32);
	free_ends(&e);

	e = (struct ends) { .chunk = 1500,
		.client_ctx = client_ctx(NULL),
		.server_ctx = server_ctx(
		    "good", NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.2") };
	connect_ends(&e, HOST);
	carry_all(&e);
	assert_string_equal(tls_pipe_binding(e.client, &a), "");
	assert_int_equal(a.n, 0);
	free_ends(&e);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_are_shaken_however_the_bytes_are_cut),
		cmocka_unit_test(a_large_transfer_arrives_whole),
		cmocka_unit_test(good_names_are_taken),
		cmocka_unit_test(every_bad_certificate_has_its_sentence),
		cmocka_unit_test(what_the_library_cannot_judge_is_refused),
		cmocka_unit_test(an_unknown_authority_is_named),
		cmocka_unit_test(
		    a_self_signed_certificate_can_be_its_own_authority),
		cmocka_unit_test(an_old_server_is_refused),
		cmocka_unit_test(a_port_that_greets_in_clear_is_recognised),
		cmocka_unit_test(a_second_connection_is_resumed),
		cmocka_unit_test(trimming_and_failing_forget_the_ticket),
		cmocka_unit_test(a_stale_ticket_does_no_harm),
		cmocka_unit_test(
		    a_pin_replaces_the_authority_and_nothing_else_passes),
		cmocka_unit_test(a_pin_must_look_like_one),
		cmocka_unit_test(a_client_certificate_is_shown),
		cmocka_unit_test(files_that_are_missing_are_named),
		cmocka_unit_test(an_end_is_an_end_with_or_without_close_notify),
		cmocka_unit_test(an_end_within_the_handshake_is_a_failure),
		cmocka_unit_test(who_sends_more_than_can_be_held_is_cut_off),
		cmocka_unit_test(a_false_record_breaks_the_pipe),
		cmocka_unit_test(both_ends_see_the_same_binding),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
