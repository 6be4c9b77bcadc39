/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sasl/sasl.h"

#include <gnutls/crypto.h>
#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"

enum {
	IS_DEFAULT = 1, /* used by default, with a password */
	IS_TOKEN = 2, /* speaks tokens */
	IS_SHA1 = 4, /* SCRAM with that hash */
	IS_SHA256 = 8,
	IS_SCRAM = IS_SHA1 | IS_SHA256,
	NEEDS_BINDING = 16,
	NEEDS_SECRET = 32,
	CLIENT_FIRST = 64
};

struct sasl_mech {
	const char *name;
	unsigned flags;
};

/* Best first: the default order of `auth`. */
static const struct sasl_mech mechs[] = {
	{ "SCRAM-SHA-256-PLUS", IS_DEFAULT | IS_SHA256 | NEEDS_BINDING |
				    NEEDS_SECRET | CLIENT_FIRST },
	{ "SCRAM-SHA-1-PLUS", IS_DEFAULT | IS_SHA1 | NEEDS_BINDING |
				  NEEDS_SECRET | CLIENT_FIRST },
	{ "SCRAM-SHA-256",
	    IS_DEFAULT | IS_SHA256 | NEEDS_SECRET | CLIENT_FIRST },
	{ "SCRAM-SHA-1", IS_DEFAULT | IS_SHA1 | NEEDS_SECRET | CLIENT_FIRST },
	{ "OAUTHBEARER", IS_TOKEN | NEEDS_SECRET | CLIENT_FIRST },
	{ "XOAUTH2", IS_TOKEN | NEEDS_SECRET | CLIENT_FIRST },
	{ "PLAIN", IS_DEFAULT | NEEDS_SECRET | CLIENT_FIRST },
	/* Servers differ over an initial response to LOGIN; all of them ask
	 * for the name when none comes. */
	{ "LOGIN", IS_DEFAULT | NEEDS_SECRET },
	{ "CRAM-MD5", NEEDS_SECRET },
	{ "EXTERNAL", CLIENT_FIRST },
};

enum {
	NMECHS = sizeof(mechs) / sizeof(mechs[0]),
	REASON_MAX = 256,
	NONCE_MAX = 128
};

/* --- choosing ------------------------------------------------------------- */

const char *
sasl_mech_name(const struct sasl_mech *m)
{
	return m->name;
}

bool
sasl_mech_needs_secret(const struct sasl_mech *m)
{
	return (m->flags & NEEDS_SECRET) != 0;
}

bool
sasl_mech_is_client_first(const struct sasl_mech *m)
{
	return (m->flags & CLIENT_FIRST) != 0;
}

unsigned
sasl_mark_tried(unsigned tried, const struct sasl_mech *m)
{
	return tried | 1u << (m - mechs);
}

/* The next word of a blank-separated list; empty at the end. */
static struct bytes
next_word(const char **list)
{
	const char *p = *list + strspn(*list, " ,\t");
	size_t n = strcspn(p, " ,\t");

	*list = p + n;
	return bytes_of(p, n);
}

static bool
has_word(const char *list, const char *word)
{
	struct bytes w;

	while ((w = next_word(&list)).n > 0)
		if (bytes_eq_nocase(w, word))
			return true;
	return false;
}

static bool
is_usable(
    const struct sasl_mech *m, const struct sasl_wish *wish, unsigned tried)
{
	if ((tried & 1u << (m - mechs)) != 0 ||
	    ((m->flags & NEEDS_BINDING) != 0 && !wish->has_binding))
		return false;
	return has_word(wish->offered, m->name);
}

static const struct sasl_mech *
mech_named(struct bytes name)
{
	for (size_t i = 0; i < NMECHS; i++)
		if (bytes_eq_nocase(name, mechs[i].name))
			return &mechs[i];
	return NULL;
}

const struct sasl_mech *
sasl_pick(const struct sasl_wish *wish, unsigned tried)
{
	unsigned want = wish->is_token ? IS_TOKEN : IS_DEFAULT;

	if (wish->allowed != NULL) {
		const char *list = wish->allowed;
		struct bytes word;

		while ((word = next_word(&list)).n > 0) {
			const struct sasl_mech *m = mech_named(word);

			if (m != NULL && is_usable(m, wish, tried))
				return m;
		}
		return NULL;
	}
	for (size_t i = 0; i < NMECHS; i++)
		if ((mechs[i].flags & want) != 0 &&
		    is_usable(&mechs[i], wish, tried))
			return &mechs[i];
	return NULL;
}

/* --- one attempt ---------------------------------------------------------- */

struct sasl {
	const struct sasl_mech *mech;
	struct sasl_opts opts;
	Gsasl *lib; /* NULL for the mechanisms of our own */
	Gsasl_session *session;
	unsigned steps;
	/* SCRAM: our nonce, which the server must extend; after the challenge,
	 * the server's parameters. */
	char nonce[NONCE_MAX];
	unsigned iterations;
	char *prepared; /* the password by SASLprep; the library's memory */
	unsigned char salted[GSASL_HASH_MAX_SIZE];
	size_t nsalted; /* 0: not derived */
	bool is_complete;
	const char *trouble;
	char reason[REASON_MAX];
	size_t reason_len;
};

/* GNU SASL frees its copies without overwriting them. */
static void
wipe_property(Gsasl_session *session, Gsasl_property prop)
{
	const char *held = gsasl_property_fast(session, prop);
	char *p;

	if (held == NULL)
		return;
	/* The library owns this memory and declares it const; it is about to
	 * free it. */
	memcpy(&p, &held, sizeof(p));
	explicit_bzero(p, strlen(p));
}

void
sasl_free(struct sasl *s)
{
	if (s == NULL)
		return;
	if (s->session != NULL) {
		wipe_property(s->session, GSASL_PASSWORD);
		wipe_property(s->session, GSASL_SCRAM_SALTED_PASSWORD);
		gsasl_finish(s->session);
	}
	if (s->lib != NULL)
		gsasl_done(s->lib);
	if (s->prepared != NULL)
		explicit_bzero(s->prepared, strlen(s->prepared));
	gsasl_free(s->prepared);
	explicit_bzero(s->salted, sizeof(s->salted));
	free(s);
}

static bool
set_binding(struct sasl *s)
{
	Gsasl_property prop;
	struct buf code;
	bool ok;

	if (s->opts.binding_type == NULL)
		return false;
	if (strcmp(s->opts.binding_type, "tls-exporter") == 0)
		prop = GSASL_CB_TLS_EXPORTER;
	else if (strcmp(s->opts.binding_type, "tls-unique") == 0)
		prop = GSASL_CB_TLS_UNIQUE;
	else
		return false;
	buf_init(&code, 1024);
	ok = base64_encode(&code, s->opts.binding) &&
	     gsasl_property_set(s->session, prop, buf_str(&code)) == GSASL_OK;
	buf_clear(&code);
	return ok;
}

static void
to_hex(char *to, const unsigned char *from, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*to++ = digits[from[i] >> 4];
		*to++ = digits[from[i] & 15];
	}
	*to = '\0';
}

/* The library asks for the salted password before it computes it itself, which
 * takes several times as long as with GnuTLS.  Without an answer it uses
 * GSASL_PASSWORD, and reports a bad salt itself. */
static int
on_ask(Gsasl *lib, Gsasl_session *session, Gsasl_property prop)
{
	const struct sasl *s = gsasl_callback_hook_get(lib);
	char hex[2 * sizeof(s->salted) + 1];
	int rc;

	if (prop != GSASL_SCRAM_SALTED_PASSWORD || s->nsalted == 0)
		return GSASL_NO_CALLBACK;
	to_hex(hex, s->salted, s->nsalted);
	rc = gsasl_property_set(session, prop, hex);
	explicit_bzero(hex, sizeof(hex));
	return rc;
}

static bool
start_session(struct sasl *s)
{
	if (gsasl_init(&s->lib) != GSASL_OK) {
		s->lib = NULL;
		return false;
	}
	gsasl_callback_hook_set(s->lib, s);
	gsasl_callback_set(s->lib, on_ask);
	if (gsasl_client_start(s->lib, s->mech->name, &s->session) !=
	    GSASL_OK) {
		s->session = NULL;
		return false;
	}
	if ((s->mech->flags & NEEDS_SECRET) == 0)
		return true;
	if (gsasl_property_set(s->session, GSASL_AUTHID, s->opts.user) !=
		GSASL_OK ||
	    gsasl_property_set(s->session, GSASL_PASSWORD,
		secret_bytes(s->opts.secret).p) != GSASL_OK)
		return false;
	/* Without -PLUS the library takes no binding data at all. */
	return (s->mech->flags & NEEDS_BINDING) == 0 || set_binding(s);
}

struct sasl *
sasl_new(const struct sasl_mech *m, const struct sasl_opts *opts)
{
	struct sasl *s;

	if ((m->flags & NEEDS_SECRET) != 0) {
		struct bytes secret = secret_bytes(opts->secret);

		/* It travels as a C string inside the library. */
		if (memchr(secret.p, '\0', secret.n) != NULL)
			return NULL;
	}
	s = xcalloc(1, sizeof(*s));
	s->mech = m;
	s->opts = *opts;
	s->trouble = "";
	if ((m->flags & IS_TOKEN) == 0 && !start_session(s)) {
		sasl_free(s);
		return NULL;
	}
	return s;
}

static bool
give_up(struct sasl *s, const char *why)
{
	s->trouble = why;
	return false;
}

/*	client-first = gs2-header "n=" saslname ",r=" nonce	RFC 5802 7
 *	False: the library has said something else. */
static bool
note_nonce(struct sasl *s, struct bytes m)
{
	for (size_t i = m.n; i-- > 3;)
		if (memcmp(m.p + i - 3, ",r=", 3) == 0)
			return i < m.n && str_copy(s->nonce, sizeof(s->nonce),
					      bytes_of(m.p + i, m.n - i));
	return false;
}

/* RFC 5802 5.1: the server's nonce begins with ours and is longer.  The library
 * also accepts ours alone, which means a replay or a server without
 * randomness. */
static bool
extends_nonce(const struct sasl *s, struct bytes m)
{
	size_t n = strlen(s->nonce);

	return m.n > n + 3 && memcmp(m.p, "r=", 2) == 0 &&
	       memcmp(m.p + 2, s->nonce, n) == 0 && m.p[n + 2] != ',';
}

/*	server-first = nonce "," salt "," "i=" 1*DIGIT *( "," extension )
 *	RFC 5802 7; "m=" in front is an extension that must be understood */
static bool
check_server_first(struct sasl *s, struct bytes m)
{
	uint64_t iterations;
	size_t from = 0, to;

	if (m.n >= 2 && memcmp(m.p, "m=", 2) == 0)
		return give_up(s, "the server demands a SCRAM extension that "
				  "relais does not know");
	if (!extends_nonce(s, m))
		return give_up(s, "the server's SCRAM nonce does not extend "
				  "ours: the challenge may be a replay");
	for (int comma = 0; comma < 2; comma++) {
		const char *p = from < m.n ? memchr(m.p + from, ',', m.n - from)
					   : NULL;

		if (p == NULL)
			return give_up(
			    s, "the server's SCRAM challenge is malformed");
		from = (size_t)(p - m.p) + 1;
	}
	for (to = from; to < m.n && m.p[to] != ','; to++)
		continue;
	if (to - from < 3 || memcmp(m.p + from, "i=", 2) != 0 ||
	    !num_u64(bytes_of(m.p + from + 2, to - from - 2), &iterations))
		return give_up(s, "the server's SCRAM challenge is malformed");
	/* Too few iterations make a recorded exchange cheap to crack; too many
	 * let the server waste our time (R73). */
	if (iterations < SASL_SCRAM_ITER_MIN)
		return give_up(s, "the server's SCRAM iteration count is below "
				  "4096, which would expose the password");
	if (iterations > SASL_SCRAM_ITER_MAX)
		return give_up(
		    s, "the server's SCRAM iteration count is over 1000000");
	s->iterations = (unsigned)iterations;
	return true;
}

/* RFC 5802 2.2: Normalize().  The library would do it as well, but report a bad
 * password as a bad challenge, and leak memory.  Code points that Unicode 3.2
 * had not assigned should be refused; 2.2.0 accepts them here (its flag works
 * the other way round), and the server decides. */
static bool
prepare_password(struct sasl *s)
{
	const char *password = secret_bytes(s->opts.secret).p;
	char *prepared = NULL;

	if (s->prepared != NULL)
		return true;
	if (gsasl_saslprep(password, 0, &prepared, NULL) != GSASL_OK)
		return give_up(s, "the password has characters that SCRAM does "
				  "not allow");
	s->prepared = prepared;
	return true;
}

static bool
check_scram(struct sasl *s, struct bytes challenge)
{
	if (memchr(challenge.p, '\0', challenge.n) != NULL)
		return give_up(s, "the server's SCRAM challenge is malformed");
	if (s->steps == 1)
		return check_server_first(s, challenge) && prepare_password(s);
	if (s->steps == 2 && challenge.n >= 2 &&
	    memcmp(challenge.p, "e=", 2) == 0)
		return give_up(s, "the server refused the SCRAM proof");
	return true;
}

/* --- the key -------------------------------------------------------------- */

struct sasl_key {
	bool is_sha1;
	unsigned iterations;
	struct buf salt;
	char *password; /* prepared */
	unsigned char salted[GSASL_HASH_MAX_SIZE];
	size_t nsalted; /* 0: not derived, or it cannot be */
};

/* After check_server_first(), which has found both commas. */
static bool
take_salt(struct bytes challenge, struct buf *to)
{
	const char *p = memchr(challenge.p, ',', challenge.n);
	size_t n = challenge.n - (size_t)(p + 1 - challenge.p);
	const char *end = memchr(p + 1, ',', n);

	return end - p > 3 && memcmp(p + 1, "s=", 2) == 0 &&
	       base64_decode(to, bytes_of(p + 3, (size_t)(end - p - 3)));
}

struct sasl_key *
sasl_key_new(struct sasl *s, struct bytes challenge)
{
	struct sasl_key *k;

	if ((s->mech->flags & IS_SCRAM) == 0 || s->steps != 1 ||
	    s->nsalted > 0 || !check_scram(s, challenge))
		return NULL;
	k = xcalloc(1, sizeof(*k));
	k->is_sha1 = (s->mech->flags & IS_SHA1) != 0;
	k->iterations = s->iterations;
	k->password = xstrdup(s->prepared);
	buf_init(&k->salt, SASL_MESSAGE_MAX);
	if (take_salt(challenge, &k->salt))
		return k;
	sasl_key_free(k);
	return NULL;
}

/* As many bytes as the hash has. */
static bool
salt_password(const struct sasl_key *k, void *ret, size_t n)
{
	gnutls_mac_algorithm_t mac = k->is_sha1 ? GNUTLS_MAC_SHA1
						: GNUTLS_MAC_SHA256;
	struct bytes salt = buf_bytes(&k->salt);
	const unsigned char *salt_p = (const unsigned char *)salt.p;
	gnutls_datum_t salt_datum = { .size = (unsigned)salt.n };
	gnutls_datum_t key = { (unsigned char *)k->password,
		(unsigned)strlen(k->password) };

	/* It is only read, but not declared so. */
	memcpy(&salt_datum.data, &salt_p, sizeof(salt_p));
	return gnutls_pbkdf2(mac, &key, &salt_datum, k->iterations, ret, n) ==
	       0;
}

/* If GnuTLS refuses this (FIPS 140), GNU SASL does it, slowly. */
static bool
salt_slowly(const struct sasl_key *k, char *ret)
{
	char unused[3][GSASL_HASH_MAX_SIZE];
	struct bytes salt = buf_bytes(&k->salt);
	int rc = gsasl_scram_secrets_from_password(
	    k->is_sha1 ? GSASL_HASH_SHA1 : GSASL_HASH_SHA256, k->password,
	    k->iterations, salt.p, salt.n, ret, unused[0], unused[1],
	    unused[2]);

	explicit_bzero(unused, sizeof(unused));
	return rc == GSASL_OK;
}

void
sasl_key_derive(struct sasl_key *k)
{
	size_t n = k->is_sha1 ? GSASL_HASH_SHA1_SIZE : GSASL_HASH_SHA256_SIZE;

	if (salt_password(k, k->salted, n) || salt_slowly(k, (char *)k->salted))
		k->nsalted = n;
}

void
sasl_key_use(struct sasl *s, const struct sasl_key *k)
{
	memcpy(s->salted, k->salted, sizeof(s->salted));
	s->nsalted = k->nsalted;
}

void
sasl_key_free(struct sasl_key *k)
{
	if (k == NULL)
		return;
	buf_clear(&k->salt);
	str_wipe(k->password);
	explicit_bzero(k->salted, sizeof(k->salted));
	free(k);
}

static void
derive_here(struct sasl *s, struct bytes challenge)
{
	struct sasl_key *k = sasl_key_new(s, challenge);

	if (k == NULL)
		return;
	sasl_key_derive(k);
	sasl_key_use(s, k);
	sasl_key_free(k);
}

/* --- steps ---------------------------------------------------------------- */

static bool
step_library(struct sasl *s, struct bytes challenge, struct buf *to)
{
	bool is_scram = (s->mech->flags & IS_SCRAM) != 0, ok;
	char *out = NULL;
	size_t n = 0;
	int rc;

	/* The library would say the password of PLAIN again. */
	if (s->is_complete)
		return give_up(
		    s, "the server asks again after the end of the login");
	if (challenge.n == 0)
		challenge.p = "";
	if (is_scram && s->steps > 0 && !check_scram(s, challenge))
		return false;
	if (is_scram && s->steps == 1)
		derive_here(s, challenge);
	rc = gsasl_step(s->session, challenge.p, challenge.n, &out, &n);
	if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE) {
		if (is_scram && s->steps == 2)
			return give_up(s, "the server did not prove that it "
					  "knows the password");
		return give_up(s, "the server's challenge does not fit the "
				  "mechanism");
	}
	if (rc == GSASL_OK)
		s->is_complete = true;
	ok = (!is_scram || s->steps > 0 || note_nonce(s, bytes_of(out, n))) &&
	     buf_add(to, out, n);
	if (out != NULL)
		explicit_bzero(out, n);
	gsasl_free(out);
	return ok || give_up(s, "the response is too long");
}

/* RFC 5801 4: "," and "=" in a name of the GS2 header. */
static bool
add_saslname(struct buf *to, const char *name)
{
	for (; *name != '\0'; name++) {
		if (*name == ',' || *name == '=') {
			if (!buf_adds(to, *name == ',' ? "=2C" : "=3D"))
				return false;
		} else if (!buf_addc(to, *name)) {
			return false;
		}
	}
	return true;
}

static bool
add_token(struct sasl *s, struct buf *to)
{
	struct bytes token = secret_bytes(s->opts.secret);
	bool ok;

	if (strcmp(s->mech->name, "XOAUTH2") == 0)
		ok = buf_addf(to, "user=%s", s->opts.user);
	else
		ok = buf_adds(to, "n,a=") && add_saslname(to, s->opts.user) &&
		     buf_addf(to, ",\001host=%s\001port=%d", s->opts.host,
			 s->opts.port);
	return ok && buf_adds(to, "\001auth=Bearer ") &&
	       buf_add(to, token.p, token.n) && buf_adds(to, "\001\001");
}

/* The token; then at most one challenge, which contains the reason for the
 * refusal that follows, and must be answered or the server waits (R74). */
static bool
step_token(struct sasl *s, struct bytes challenge, struct buf *to)
{
	switch (s->steps) {
	case 0:
		s->is_complete = true;
		return add_token(s, to) || give_up(s, "the token is too long");
	case 1:
		s->reason_len = challenge.n < REASON_MAX ? challenge.n
							 : REASON_MAX;
		if (s->reason_len > 0)
			memcpy(s->reason, challenge.p, s->reason_len);
		/* XOAUTH2 wants an empty line, RFC 7628 3.2.3 a single 01. */
		return strcmp(s->mech->name, "XOAUTH2") == 0 ||
		       buf_addc(to, '\001');
	default:
		return give_up(s, "the server asks again after its refusal");
	}
}

bool
sasl_step(struct sasl *s, struct bytes challenge, struct buf *to)
{
	bool ok = s->session != NULL ? step_library(s, challenge, to)
				     : step_token(s, challenge, to);

	s->steps++;
	return ok;
}

bool
sasl_is_complete(const struct sasl *s)
{
	/* Only SCRAM proves that the server knows the password; with the others
	 * its 235 is accepted as it is. */
	return (s->mech->flags & IS_SCRAM) == 0 || s->is_complete;
}

const char *
sasl_trouble(const struct sasl *s)
{
	return s->trouble;
}

struct bytes
sasl_server_reason(const struct sasl *s)
{
	return bytes_of(s->reason, s->reason_len);
}
