/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both sides of SASL against each other, and the client against servers that
 * lie (R23, R27, R73, R74). */
#include "tests/lib/check.h"

#include <gnutls/crypto.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/base64.h"
#include "base/str.h"
#include "sasl/sasl.h"
#include "tests/lib/sasl_server.h"

/* The client's way to a salted password, watched on its way to GnuTLS.  The
 * servers of these tests have GNU SASL compute it, which knows no shortcut. */
static struct {
	unsigned calls;
	unsigned iterations;
	bool is_broken;
	bool is_spoiled; /* another key comes out */
} hi;

int __real_gnutls_pbkdf2(gnutls_mac_algorithm_t mac, const gnutls_datum_t *key,
    const gnutls_datum_t *salt, unsigned iterations, void *output,
    size_t length);
int __wrap_gnutls_pbkdf2(gnutls_mac_algorithm_t mac, const gnutls_datum_t *key,
    const gnutls_datum_t *salt, unsigned iterations, void *output,
    size_t length);

int
__wrap_gnutls_pbkdf2(gnutls_mac_algorithm_t mac, const gnutls_datum_t *key,
    const gnutls_datum_t *salt, unsigned iterations, void *output,
    size_t length)
{
	hi.calls++;
	hi.iterations = iterations;
	if (hi.is_broken)
		return GNUTLS_E_INVALID_REQUEST;
	return __real_gnutls_pbkdf2(mac, key, salt,
	    iterations + (hi.is_spoiled ? 1 : 0), output, length);
}

static const char binding_data[] = "0123456789abcdef0123456789abcdef";

static struct bytes
text(const char *s)
{
	return bytes_str(s);
}

static const struct sasl_mech *
mech(const char *name)
{
	return sasl_pick(
	    &(struct sasl_wish) {
		.allowed = name, .offered = name, .has_binding = true },
	    0);
}

/* --- choosing ------------------------------------------------------------- */

static const struct {
	const char *allowed, *offered;
	bool is_token, has_binding;
	const char *order; /* all that would be tried */
} choices[] = {
	{ NULL, "PLAIN LOGIN", false, true, "PLAIN LOGIN" },
	{ NULL, "LOGIN PLAIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
	    false, true,
	    "SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN" },
	{ NULL, "SCRAM-SHA-1-PLUS SCRAM-SHA-1 SCRAM-SHA-256", false, false,
	    "SCRAM-SHA-256 SCRAM-SHA-1" },
	/* A token is never sent as a password, nor a password as a token. */
	{ NULL, "PLAIN XOAUTH2 OAUTHBEARER SCRAM-SHA-1", true, true,
	    "OAUTHBEARER XOAUTH2" },
	{ NULL, "XOAUTH2 OAUTHBEARER", false, true, "" },
	/* R23, and what must be named. */
	{ NULL, "NTLM DIGEST-MD5 GSSAPI CRAM-MD5 EXTERNAL ANONYMOUS", false,
	    true, "" },
	{ "NTLM DIGEST-MD5 GSSAPI ANONYMOUS",
	    "NTLM DIGEST-MD5 GSSAPI ANONYMOUS", false, true, "" },
	{ "cram-md5 external plain", "PLAIN CRAM-MD5 EXTERNAL", false, true,
	    "CRAM-MD5 EXTERNAL PLAIN" },
	{ "LOGIN", "PLAIN", false, true, "" },
	{ "XOAUTH2", "XOAUTH2 PLAIN", false, true, "XOAUTH2" },
	{ NULL, "", false, true, "" },
	{ NULL, "PLAINX XPLAIN", false, true, "" },
};

static void
the_best_mechanism_of_both_sides_comes_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
		struct sasl_wish wish = { choices[i].allowed,
			choices[i].offered, choices[i].is_token,
			choices[i].has_binding };
		const struct sasl_mech *m;
		unsigned tried = 0;
		struct buf order;

		buf_init(&order, 1000);
		while ((m = sasl_pick(&wish, tried)) != NULL) {
			assert_true(buf_addf(&order, "%s%s",
			    buf_len(&order) > 0 ? " " : "", sasl_mech_name(m)));
			tried = sasl_mark_tried(tried, m);
		}
		assert_string_equal(buf_str(&order), choices[i].order);
		buf_clear(&order);
	}
}

/* --- one exchange --------------------------------------------------------- */

struct talk {
	const char *mech;
	const char *user, *secret;
	const char *client_binding, *server_binding;
	const char *iterations;
	int code; /* what the server says in the end; 0: the client gave up */
	bool no_initial; /* the initial response follows behind a 334 */
};

static const struct sasl_server_user users[] = {
	{ "other", "x", NULL },
	{ "jo=e,d@example.org", "p\xc3\xa4ss w0rd=,", "tok.en/+~_-" },
	{ "prepared", "IX a", NULL },
};

static struct sasl *
client_of(const struct talk *t, const struct secret *s)
{
	return sasl_new(mech(t->mech),
	    &(struct sasl_opts) { .user = t->user,
		.secret = s,
		.host = "mx.example",
		.port = 587,
		.binding_type = t->client_binding != NULL ? "tls-exporter"
							  : NULL,
		.binding = bytes_of(
		    t->client_binding, t->client_binding != NULL ? 32 : 0) });
}

static struct sasl_server *
server_of(const struct talk *t)
{
	static struct sasl_server_opts o;

	o = (struct sasl_server_opts) { .mechanisms = t->mech,
		.users = users,
		.nusers = ARRAY_LEN(users),
		.hostname = "mx.example",
		.scram_iterations = t->iterations,
		.binding_type = t->server_binding != NULL ? "tls-exporter"
							  : NULL,
		.binding = bytes_of(
		    t->server_binding, t->server_binding != NULL ? 32 : 0) };
	return sasl_server_new(&o);
}

/* The client's next line; false: it gave up. */
static bool
respond(struct sasl *c, struct bytes challenge, struct buf *line)
{
	struct buf raw;
	bool ok;

	buf_init(&raw, SASL_MESSAGE_MAX);
	ok = sasl_step(c, challenge, &raw) &&
	     base64_encode(line, buf_bytes(&raw));
	buf_wipe(&raw);
	return ok;
}

/* Returns the server's last code, 0 if the client gave up. */
static int
converse(const struct talk *t, struct sasl *c, struct sasl_server *s)
{
	struct buf line, reply, challenge;
	int code, rounds = 0;

	buf_init(&line, 65536);
	buf_init(&reply, 65536);
	buf_init(&challenge, 65536);
	assert_true(buf_adds(&line, t->mech));
	if (sasl_mech_is_client_first(mech(t->mech)) && !t->no_initial) {
		assert_true(buf_addc(&line, ' '));
		assert_true(respond(c, text(""), &line));
		if (buf_str(&line)[buf_len(&line) - 1] == ' ')
			assert_true(buf_addc(&line, '='));
	}
	while ((code = sasl_server_step(s, buf_bytes(&line), &reply)) == 334) {
		assert_true(++rounds < 10);
		buf_reset(&line);
		buf_reset(&challenge);
		assert_true(base64_decode(&challenge, buf_bytes(&reply)));
		if (!respond(c, buf_bytes(&challenge), &line)) {
			assert_true(strlen(sasl_trouble(c)) > 0);
			code = sasl_server_step(s, text("*"), &reply);
			assert_int_equal(code, 501);
			code = 0;
			break;
		}
	}
	buf_wipe(&line);
	buf_wipe(&reply);
	buf_wipe(&challenge);
	return code;
}

#define ME "jo=e,d@example.org"
#define PW "p\xc3\xa4ss w0rd=,"
#define TK "tok.en/+~_-"

static const struct talk talks[] = {
	{ "PLAIN", ME, PW, NULL, NULL, NULL, 235, false },
	{ "PLAIN", ME, PW, NULL, NULL, NULL, 235, true },
	{ "PLAIN", ME, "wrong", NULL, NULL, NULL, 535, false },
	{ "PLAIN", "nobody", PW, NULL, NULL, NULL, 535, false },
	{ "LOGIN", ME, PW, NULL, NULL, NULL, 235, false },
	{ "LOGIN", ME, "wrong", NULL, NULL, NULL, 535, false },
	{ "CRAM-MD5", ME, PW, NULL, NULL, NULL, 235, false },
	{ "CRAM-MD5", ME, "wrong", NULL, NULL, NULL, 535, false },
	{ "SCRAM-SHA-1", ME, PW, NULL, NULL, NULL, 235, false },
	{ "SCRAM-SHA-1", ME, PW, NULL, NULL, NULL, 235, true },
	{ "SCRAM-SHA-1", ME, "wrong", NULL, NULL, NULL, 535, false },
	{ "SCRAM-SHA-256", ME, PW, NULL, NULL, NULL, 235, false },
	{ "SCRAM-SHA-256", ME, PW, NULL, NULL, "10000", 235, true },
	{ "SCRAM-SHA-256", ME, "wrong", NULL, NULL, NULL, 535, false },
	/* SASLprep: a soft hyphen, a Roman nine, a blank of another width, a
	 * feminine ordinal */
	{ "SCRAM-SHA-256", "prepared",
	    "\xc2\xad\xe2\x85\xa8\xe3\x80\x80\xc2\xaa", NULL, NULL, NULL, 235,
	    false },
	{ "SCRAM-SHA-1", "prepared", "I\xc2\xadX a", NULL, NULL, NULL, 235,
	    false },
	/* R73: too cheap, too dear */
	{ "SCRAM-SHA-256", ME, PW, NULL, NULL, "4095", 0, false },
	{ "SCRAM-SHA-256", ME, PW, NULL, NULL, "1", 0, false },
	{ "SCRAM-SHA-256", ME, PW, NULL, NULL, "1000001", 0, false },
	{ "SCRAM-SHA-1-PLUS", ME, PW, binding_data, binding_data, NULL, 235,
	    false },
	{ "SCRAM-SHA-256-PLUS", ME, PW, binding_data, binding_data, NULL, 235,
	    false },
	/* Somebody sits in the middle: the two TLS sessions differ. */
	{ "SCRAM-SHA-256-PLUS", ME, PW, binding_data, binding_data + 1, NULL,
	    535, false },
	{ "XOAUTH2", ME, TK, NULL, NULL, NULL, 235, false },
	{ "XOAUTH2", ME, TK, NULL, NULL, NULL, 235, true },
	{ "XOAUTH2", ME, "expired", NULL, NULL, NULL, 535, false },
	{ "OAUTHBEARER", ME, TK, NULL, NULL, NULL, 235, false },
	{ "OAUTHBEARER", ME, TK, NULL, NULL, NULL, 235, true },
	{ "OAUTHBEARER", "other", TK, NULL, NULL, NULL, 535, false },
};

static void
both_sides_agree_on_every_mechanism(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(talks); i++) {
		const struct talk *t = &talks[i];
		struct secret *s = secret_new(text(t->secret));
		struct sasl *c = client_of(t, s);
		struct sasl_server *srv = server_of(t);
		int code = converse(t, c, srv);

		if (code != t->code)
			fail_msg("talk %zu, %s: %d instead of %d: %s", i,
			    t->mech, code, t->code, sasl_trouble(c));
		if (code == 235) {
			assert_string_equal(sasl_server_user(srv), t->user);
			assert_true(sasl_is_complete(c));
		} else {
			assert_null(sasl_server_user(srv));
		}
		sasl_free(c);
		sasl_server_free(srv);
		secret_free(s);
	}
}

static int
log_in(const struct talk *t)
{
	struct secret *s = secret_new(text(t->secret));
	struct sasl *c = client_of(t, s);
	struct sasl_server *srv = server_of(t);
	int code = converse(t, c, srv);

	sasl_free(c);
	sasl_server_free(srv);
	secret_free(s);
	return code;
}

/* GNU SASL would take several times as long; it is left to it only where
 * GnuTLS refuses to compute. */
static void
gnutls_salts_the_password_and_gnu_sasl_when_it_cannot(void **state)
{
	static const char *names[] = { "SCRAM-SHA-1", "SCRAM-SHA-256",
		"SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		for (int is_broken = 0; is_broken < 2; is_broken++) {
			struct talk t = { names[i], ME, PW, binding_data,
				binding_data, "5000", 0, false };

			hi.is_broken = is_broken != 0;
			hi.calls = 0;
			assert_int_equal(log_in(&t), 235);
			assert_int_equal(hi.calls, 1);
			assert_int_equal(hi.iterations, 5000);
			/* And nothing is derived a second time, in the step:
			 * this key counts. */
			hi.is_spoiled = is_broken == 0;
			assert_int_equal(log_in(&t), hi.is_spoiled ? 535 : 235);
			hi.is_spoiled = false;
			t.secret = "wrong";
			assert_int_equal(log_in(&t), 535);
		}
	hi.is_broken = false;
}

/* An exchange that was cut off leaves nothing for the next one (R27). */
static void
a_session_survives_failed_attempts(void **state)
{
	struct sasl_server *srv = server_of(&talks[0]);
	struct secret *s = secret_new(text(PW));
	struct sasl *c;
	struct buf reply;

	(void)state;
	buf_init(&reply, 4096);
	assert_int_equal(sasl_server_step(srv, text("NTLM"), &reply), 504);
	assert_int_equal(sasl_server_step(srv, text(""), &reply), 504);
	assert_int_equal(sasl_server_step(srv, text("PLAIN"), &reply), 334);
	assert_int_equal(sasl_server_step(srv, text("*"), &reply), 501);
	assert_int_equal(sasl_server_step(srv, text("PLAIN !!"), &reply), 501);
	assert_int_equal(
	    sasl_server_step(srv, text("PLAIN AAAA"), &reply), 535);
	c = client_of(&talks[0], s);
	assert_int_equal(converse(&talks[0], c, srv), 235);
	sasl_free(c);
	secret_free(s);
	buf_clear(&reply);
	sasl_server_free(srv);
}

/* --- the strings ---------------------------------------------------------- */

static void
expect_first(const char *name, const char *want)
{
	struct talk t = { .mech = name, .user = "jo=e,d@example.org" };
	struct secret *s = secret_new(text("tok"));
	struct sasl *c = client_of(&t, s);
	struct buf raw;

	buf_init(&raw, 4096);
	assert_true(sasl_step(c, text(""), &raw));
	assert_buf(&raw, want);
	buf_clear(&raw);
	sasl_free(c);
	secret_free(s);
}

static void
tokens_are_sent_as_the_providers_want_them(void **state)
{
	(void)state;
	expect_first(
	    "XOAUTH2", "user=jo=e,d@example.org\001auth=Bearer tok\001\001");
	expect_first("OAUTHBEARER",
	    "n,a=jo=3De=2Cd@example.org,\001host=mx.example\001port=587\001"
	    "auth=Bearer tok\001\001");
}

/* R74: the reason is kept, cut, and answered. */
static void
the_reason_of_a_refused_token_is_answered_and_kept(void **state)
{
	static const char *names[] = { "XOAUTH2", "OAUTHBEARER" };
	static const char *answers[] = { "", "\001" };
	static char reason[5000];

	(void)state;
	memset(reason, 'j', sizeof(reason) - 1);
	for (size_t i = 0; i < 2; i++) {
		struct talk t = { .mech = names[i], .user = "u" };
		struct secret *s = secret_new(text("tok"));
		struct sasl *c = client_of(&t, s);
		struct buf raw;

		buf_init(&raw, 4096);
		assert_true(sasl_step(c, text(""), &raw));
		assert_int_equal(sasl_server_reason(c).n, 0);
		buf_reset(&raw);
		assert_true(sasl_step(c, text(reason), &raw));
		assert_buf(&raw, answers[i]);
		assert_int_equal(sasl_server_reason(c).n, 256);
		assert_memory_equal(sasl_server_reason(c).p, reason, 256);
		assert_false(sasl_step(c, text("again"), &raw));
		buf_clear(&raw);
		sasl_free(c);
		secret_free(s);
	}
}

static void
a_token_of_the_greatest_length_fits(void **state)
{
	static char big[SECRET_MAX];
	struct secret *s;
	struct talk t = { .mech = "OAUTHBEARER", .user = "u" };
	struct sasl *c;
	struct buf raw;

	(void)state;
	memset(big, 't', sizeof(big));
	s = secret_new(bytes_of(big, sizeof(big)));
	c = client_of(&t, s);
	buf_init(&raw, SASL_MESSAGE_MAX);
	assert_true(sasl_step(c, text(""), &raw));
	assert_true(buf_len(&raw) > SECRET_MAX);
	buf_wipe(&raw);
	sasl_free(c);
	secret_free(s);
}

/* A control character, bytes that are not UTF-8: the trouble is not laid at the
 * server's door. */
static void
a_password_that_saslprep_forbids_is_named(void **state)
{
	static const char *passwords[] = { "IX a\x07", "IX \xff" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(passwords); i++) {
		struct talk t = { .mech = "SCRAM-SHA-256", .user = "prepared" };
		struct secret *s = secret_new(text(passwords[i]));
		struct sasl *c = client_of(&t, s);
		struct sasl_server *srv = server_of(&t);

		hi.calls = 0;
		assert_int_equal(converse(&t, c, srv), 0);
		assert_int_equal(hi.calls, 0);
		assert_non_null(
		    strstr(sasl_trouble(c), "the password has characters"));
		sasl_free(c);
		sasl_server_free(srv);
		secret_free(s);
	}
}

static void
a_password_with_a_nul_is_not_cut_but_refused(void **state)
{
	struct secret *s = secret_new(bytes_of("ab\0cd", 5));
	struct talk t = { .mech = "PLAIN", .user = "u" };

	(void)state;
	assert_null(client_of(&t, s));
	secret_free(s);
}

/* --- known exchanges ------------------------------------------------------ */

/* The nonce of the example in RFC 5802 5, base64 for 18 bytes; GNU SASL takes
 * its nonce from here while the test says so.  (The nonce of RFC 7677 3 has
 * another length: its row is computed from the RFC's password and salt.) */
static bool is_nonce_fixed;
ssize_t getrandom(void *p, size_t n, unsigned flags);

ssize_t
getrandom(void *p, size_t n, unsigned flags)
{
	static const unsigned char nonce[18] = { 127, 41, 40, 249, 221, 165,
		109, 177, 96, 56, 212, 111, 246, 169, 49, 117, 172, 11 };
	static unsigned char next;

	(void)flags;
	for (size_t i = 0; i < n; i++)
		((unsigned char *)p)[i] = next++;
	if (is_nonce_fixed && n == sizeof(nonce))
		memcpy(p, nonce, n);
	return (ssize_t)n;
}

static const struct {
	const char *mech, *challenge, *response, *final;
} known[] = {
	{ "SCRAM-SHA-1",
	    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	    "s=QSXCR+Q6sek8bf92,i=4096",
	    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	    "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	    "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	{ "SCRAM-SHA-256",
	    "r=fyko+d2lbbFgONRv9qkxdawL%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "p=2FUSN0pPcS7P8hBhsxBJOiUDbRoW4KVNGZT0LxVnSek=",
	    "v=zJZjsVp2g+W9jd01vgbsshippfH1sM0tLdBvs+e3DF4=" },
};

static void
scram_says_what_the_rfc_says(void **state)
{
	struct secret *s = secret_new(text("pencil"));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct talk t = { .mech = known[i].mech, .user = "user" };
		struct sasl *c;
		struct buf raw;

		is_nonce_fixed = true;
		c = client_of(&t, s);
		is_nonce_fixed = false;
		buf_init(&raw, 4096);
		assert_true(sasl_step(c, text(""), &raw));
		assert_buf(&raw, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
		buf_reset(&raw);
		assert_true(sasl_step(c, text(known[i].challenge), &raw));
		assert_buf(&raw, known[i].response);
		buf_reset(&raw);
		assert_true(sasl_step(c, text(known[i].final), &raw));
		assert_buf(&raw, "");
		assert_true(sasl_is_complete(c));
		buf_clear(&raw);
		sasl_free(c);
	}
	secret_free(s);
}

/* --- SCRAM servers that lie ----------------------------------------------- */

/* The client's nonce, from its first message. */
static void
first_message(struct sasl *c, struct buf *nonce)
{
	struct buf raw;
	const char *r;

	buf_init(&raw, 4096);
	assert_true(sasl_step(c, text(""), &raw));
	r = strstr(buf_str(&raw), "r=");
	assert_non_null(r);
	assert_true(strlen(r + 2) >= 18);
	assert_true(buf_adds(nonce, r + 2));
	buf_clear(&raw);
}

static const struct {
	const char *format; /* %s: the client's nonce */
	const char *trouble; /* NULL: a good challenge */
} challenges[] = {
	{ "r=%sserver,s=QSXCR+Q6sek8bf92,i=4096", NULL },
	{ "r=%sserver,s=QSXCR+Q6sek8bf92,i=4096,x=ignored", NULL },
	{ "m=must,r=%sserver,s=QSXCR+Q6sek8bf92,i=4096", "extension" },
	{ "r=%sserver,s=QSXCR+Q6sek8bf92,i=4095", "below 4096" },
	{ "r=%sserver,s=QSXCR+Q6sek8bf92,i=0", "below 4096" },
	{ "r=%sserver,s=QSXCR+Q6sek8bf92,i=1000001", "over 1000000" },
	{ "r=%sserver,s=QSXCR+Q6sek8bf92,i=99999999999999999999", "malformed" },
	{ "r=%sserver,s=QSXCR+Q6sek8bf92,i=-4096", "malformed" },
	{ "r=%sserver,s=QSXCR+Q6sek8bf92,i=", "malformed" },
	{ "r=%sserver,s=QSXCR+Q6sek8bf92", "malformed" },
	{ "r=%sserver", "malformed" },
	{ "", "nonce" },
	/* not ours, or ours and nothing of the server's */
	{ "r=stolen,s=QSXCR+Q6sek8bf92,i=4096", "nonce does not extend" },
	{ "r=%s,s=QSXCR+Q6sek8bf92,i=4096", "nonce does not extend" },
	{ "r=server%s,s=QSXCR+Q6sek8bf92,i=4096", "nonce does not extend" },
	{ "r=,s=QSXCR+Q6sek8bf92,i=4096", "nonce does not extend" },
	{ "s=QSXCR+Q6sek8bf92,r=%sserver,i=4096", "nonce does not extend" },
};

static void
scram_challenges_are_looked_at_before_any_work(void **state)
{
	struct secret *s = secret_new(text("pencil"));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(challenges); i++) {
		struct talk t = { .mech = "SCRAM-SHA-256", .user = "user" };
		struct sasl *c = client_of(&t, s);
		struct buf nonce, raw;
		char challenge[300];
		bool ok;

		buf_init(&nonce, 200);
		buf_init(&raw, 4096);
		first_message(c, &nonce);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(challenge, sizeof(challenge),
		    challenges[i].format, buf_str(&nonce));
#pragma GCC diagnostic pop
		hi.calls = 0;
		ok = sasl_step(c, text(challenge), &raw);
		assert_int_equal(ok, challenges[i].trouble == NULL);
		assert_int_equal(hi.calls, ok ? 1 : 0);
		if (!ok)
			assert_non_null(
			    strstr(sasl_trouble(c), challenges[i].trouble));
		assert_false(sasl_is_complete(c));
		buf_clear(&nonce);
		buf_clear(&raw);
		sasl_free(c);
	}
	secret_free(s);
}

/* R73: a server that does not know the password cannot sign; its 235 must not
 * be believed, with a wrong signature or without any. */
static void
a_server_without_the_password_is_not_believed(void **state)
{
	static const char *finals[] = { "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
					"AAAAAAAA=",
		"v=", "", "e=invalid-proof", "v=!!" };
	struct secret *s = secret_new(text("pencil"));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(finals); i++) {
		struct talk t = { .mech = "SCRAM-SHA-256", .user = "user" };
		struct sasl *c = client_of(&t, s);
		struct buf nonce, raw;
		char challenge[300];

		buf_init(&nonce, 200);
		buf_init(&raw, 4096);
		first_message(c, &nonce);
		(void)snprintf(challenge, sizeof(challenge),
		    "r=%ssrv,s=QSXCR+Q6sek8bf92,i=4096", buf_str(&nonce));
		assert_true(sasl_step(c, text(challenge), &raw));
		assert_false(sasl_is_complete(c));
		assert_false(sasl_step(c, text(finals[i]), &raw));
		assert_false(sasl_is_complete(c));
		buf_clear(&nonce);
		buf_clear(&raw);
		sasl_free(c);
	}
	secret_free(s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_mechanism_of_both_sides_comes_first),
		cmocka_unit_test(both_sides_agree_on_every_mechanism),
		cmocka_unit_test(
		    gnutls_salts_the_password_and_gnu_sasl_when_it_cannot),
		cmocka_unit_test(a_session_survives_failed_attempts),
		cmocka_unit_test(tokens_are_sent_as_the_providers_want_them),
		cmocka_unit_test(
		    the_reason_of_a_refused_token_is_answered_and_kept),
		cmocka_unit_test(a_token_of_the_greatest_length_fits),
		cmocka_unit_test(a_password_that_saslprep_forbids_is_named),
		cmocka_unit_test(a_password_with_a_nul_is_not_cut_but_refused),
		cmocka_unit_test(scram_says_what_the_rfc_says),
		cmocka_unit_test(
		    scram_challenges_are_looked_at_before_any_work),
		cmocka_unit_test(a_server_without_the_password_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
