/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names by RFC 9525 and the words for every fault.  R47, R69. */
#include "tests/lib/check.h"

#include "tls/tls_verify.h"

#define DAY   INT64_C(86400)
#define Y2026 INT64_C(1767225600) /* 2026-01-01 */

static void
names_match_as_rfc_9525_says(void **state)
{
	static const struct {
		const char *presented, *host;
		bool is_match;
	} rows[] = {
		{ "smtp.example.org", "smtp.example.org", true },
		{ "SMTP.Example.ORG", "smtp.example.org", true },
		{ "smtp.example.org.", "smtp.example.org", true },
		{ "smtp.example.org", "smtp.example.org.", true },
		{ "*.example.org", "smtp.example.org", true },
		{ "*.example.org", "example.org", false },
		{ "*.example.org", ".example.org", false },
		{ "*.example.org", "a.smtp.example.org", false },
		{ "*.org", "example.org", false },
		{ "*", "localhost", false },
		{ "*.", "localhost", false },
		{ "s*.example.org", "smtp.example.org", false },
		{ "*p.example.org", "smtp.example.org", false },
		{ "smtp.*.org", "smtp.example.org", false },
		{ "smtp.example.org", "smtp.example.com", false },
		{ "example.org", "smtp.example.org", false },
		{ "smtp.example.orgx", "smtp.example.org", false },
		{ "", "smtp.example.org", false },
		{ "", "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes b = bytes_str(rows[i].presented);

		if (tls_verify_name_matches(b, rows[i].host) !=
		    rows[i].is_match)
			fail_msg("%s %s", rows[i].presented, rows[i].host);
	}
	/* CVE-2009-2408 and its like: a NUL in the name. */
	assert_false(tls_verify_name_matches(
	    bytes_of("smtp.example.org\0.evil.org", 26), "smtp.example.org"));
}

static struct tls_facts
good(void)
{
	return (struct tls_facts) { .name = "smtp.example.org",
		.is_for_name = true,
		.names = "smtp.example.org",
		.issuer = "CN=Some CA",
		.from_s = Y2026,
		.until_s = Y2026 + 90 * DAY,
		.now_s = Y2026 + 10 * DAY };
}

static void
check(const struct tls_facts *f, const char *words)
{
	struct err err = { .class = ERR_NONE };

	assert_int_equal(tls_verify_decide(f, &err), -1);
	assert_int_equal(err.class, ERR_CERTIFICATE);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, err.text);
}

static void
a_good_certificate_is_taken(void **state)
{
	struct tls_facts f = good();
	struct err err;

	(void)state;
	assert_int_equal(tls_verify_decide(&f, &err), 0);
}

static void
dates_are_told_with_the_clock(void **state)
{
	struct tls_facts f = good();

	(void)state;
	f.status = GNUTLS_CERT_INVALID | GNUTLS_CERT_EXPIRED;
	f.until_s = Y2026 + DAY;
	check(&f,
	    "the certificate of smtp.example.org expired on 2026-01-02; the "
	    "clock of this machine says 2026-01-11");
	f.is_authority = true;
	check(&f, "an authority in the certificate chain of smtp.example.org "
		  "expired on 2026-01-02");
	f.until_s = 0;
	check(&f, "in the store of this machine, is out of date");

	/* R47: no battery behind the clock, so it is 1970. */
	f = good();
	f.status = GNUTLS_CERT_INVALID | GNUTLS_CERT_NOT_ACTIVATED;
	f.now_s = 3600;
	check(&f, "the clock of this machine says 1970-01-01, which cannot be "
		  "right; set the clock");
	f.from_s = Y2026 + 1000 * DAY;
	f.until_s = f.from_s + DAY;
	f.now_s = Y2026 + 999 * DAY;
	check(&f, "is not valid before 2028-09-27");
}

static void
every_other_fault_has_its_words(void **state)
{
	static const struct {
		unsigned status;
		const char *words;
	} rows[] = {
		{ GNUTLS_CERT_SIGNER_NOT_FOUND,
		    "an unknown authority (CN=Some CA); if it is the right "
		    "one, set tls_ca_file or tls_pin" },
		{ GNUTLS_CERT_REVOKED, "has been revoked" },
		{ GNUTLS_CERT_SIGNATURE_FAILURE, "has an invalid signature" },
		{ GNUTLS_CERT_SIGNER_NOT_CA, "is signed by an issuer that is "
					     "not a certificate authority" },
		{ GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE,
		    "may not sign for this name" },
		{ GNUTLS_CERT_INSECURE_ALGORITHM, "no longer safe" },
		{ GNUTLS_CERT_PURPOSE_MISMATCH, "is not meant for servers" },
		{ 0, "cannot be verified" }, /* invalid, and no reason */
		{ GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED,
		    "cannot be verified" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_facts f = good();

		f.status = rows[i].status | GNUTLS_CERT_INVALID;
		check(&f, rows[i].words);
		f.status = rows[i].status;
		if (f.status != 0) /* any bit refuses, even alone */
			check(&f, rows[i].words);
	}
}

static void
the_wrong_name_is_told(void **state)
{
	struct tls_facts f = good();

	(void)state;
	f.is_for_name = false;
	f.names = "mail.other.org";
	check(
	    &f, "the certificate is for mail.other.org, not smtp.example.org");
	f.names = "";
	check(&f, "names no host");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_match_as_rfc_9525_says),
		cmocka_unit_test(a_good_certificate_is_taken),
		cmocka_unit_test(dates_are_told_with_the_clock),
		cmocka_unit_test(every_other_fault_has_its_words),
		cmocka_unit_test(the_wrong_name_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
