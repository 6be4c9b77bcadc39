/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file in which a domain names its submission server. */
#include "tests/lib/check.h"

#include "relais-setup/autoconfig.h"

#define IN "<outgoingServer type=\"smtp\"><hostname>"
#define OUT                                                                    \
	"<authentication>password-cleartext</authentication></outgoingServer>"
#define SSL(host)                                                              \
	IN host "</hostname><port>465</port><socketType>SSL</socketType>" OUT
#define STARTTLS(host)                                                         \
	IN host                                                                \
	    "</hostname><port>587</port><socketType>STARTTLS</socketType>" OUT
#define FILE_OF(body)                                                          \
	"<?xml version=\"1.0\"?>\n<clientConfig version=\"1.1\">"              \
	"<emailProvider id=\"x\">" body "</emailProvider></clientConfig>\n"

static const struct {
	const char *name, *xml, *host, *ports;
} good[] = {
	{ "one server", FILE_OF(SSL("smtp.example.org")), "smtp.example.org",
	    "465i" },
	{ "blanks and capitals", FILE_OF(SSL("\n\t SMTP.Example.org \n")),
	    "smtp.example.org", "465i" },
	{ "both kinds of TLS of one host",
	    FILE_OF(SSL("smtp.example.org") STARTTLS("smtp.example.org")),
	    "smtp.example.org", "465i 587s" },
	{ "another host does not add its port",
	    FILE_OF(STARTTLS("a.example.org") SSL("b.example.org")),
	    "a.example.org", "587s" },
	{ "clear text is passed over",
	    FILE_OF(
		IN "a.example.org</hostname><port>25</port>"
		   "<socketType>plain</socketType>" OUT SSL("b.example.org")),
	    "b.example.org", "465i" },
	{ "no kind of TLS is clear text",
	    FILE_OF(IN "a.example.org</hostname><port>465</port>" OUT SSL(
		"b.example.org")),
	    "b.example.org", "465i" },
	{ "no login is passed over",
	    FILE_OF(
		IN "a.example.org</hostname><port>465</port>"
		   "<socketType>SSL</socketType><authentication>none"
		   "</authentication></outgoingServer>" SSL("b.example.org")),
	    "b.example.org", "465i" },
	{ "incoming servers do not count",
	    FILE_OF(
		"<incomingServer type=\"imap\"><hostname>imap.example.org"
		"</hostname><port>993</port><socketType>SSL</socketType>"
		"<authentication>plain</authentication></incomingServer>" SSL(
		    "smtp.example.org")),
	    "smtp.example.org", "465i" },
	{ "comments and elements nobody knows",
	    FILE_OF("<!-- x --><new><er/></new>" SSL("smtp.example.org")),
	    "smtp.example.org", "465i" },
};

static void
the_first_server_with_tls_and_a_login_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct autoconfig a;
		struct err err = { 0 };
		struct buf ports;

		if (autoconfig_parse(bytes_str(good[i].xml), &a, &err) != 0)
			fail_msg("%s: %s", good[i].name, err.text);
		assert_string_equal(a.host, good[i].host);
		buf_init(&ports, 100);
		for (size_t k = 0; k < a.nports; k++)
			assert_true(buf_addf(&ports, "%s%d%c", k > 0 ? " " : "",
			    a.ports[k].port,
			    "si"[a.ports[k].tls == CONF_TLS_IMPLICIT]));
		assert_buf(&ports, good[i].ports);
		assert_true(a.takes_password);
		buf_clear(&ports);
		autoconfig_clear(&a);
	}
}

static const struct {
	const char *xml, *why;
} bad[] = {
	{ "", "no element found" },
	{ "hello", "syntax error" },
	{ "<html></html>", "it is no clientConfig" },
	{ FILE_OF(""), "it names no submission server" },
	{ FILE_OF(SSL("localhost")), "it names no submission server" },
	{ FILE_OF(SSL("a..example.org")), "it names no submission server" },
	{ FILE_OF(SSL("-a.example.org")), "it names no submission server" },
	{ FILE_OF(SSL("a.example.org/x")), "it names no submission server" },
	{ FILE_OF(SSL("a b.example.org")), "it names no submission server" },
	{ FILE_OF(IN "a.example.org</hostname><port>0</port>"
		     "<socketType>SSL</socketType>" OUT),
	    "it names no submission server" },
	{ FILE_OF(IN "a.example.org</hostname><port>65536</port>"
		     "<socketType>SSL</socketType>" OUT),
	    "it names no submission server" },
	{ "<!DOCTYPE x>" FILE_OF(SSL("a.example.org")), "it has a DOCTYPE" },
	{ "<!DOCTYPE clientConfig [<!ENTITY e \"x\">]><clientConfig/>",
	    "it has a DOCTYPE" },
	{ "<clientConfig><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>",
	    "it is nested too deeply" },
	{ "<clientConfig><emailProvider>" SSL("a.example.org"),
	    "no element found" },
};

static void
anything_else_is_refused_with_a_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct autoconfig a = { .nports = 0 };
		struct err err = { 0 };

		assert_int_equal(
		    autoconfig_parse(bytes_str(bad[i].xml), &a, &err), -1);
		if (strstr(err.text, bad[i].why) == NULL)
			fail_msg("%s: %s", bad[i].xml, err.text);
		assert_null(a.host);
	}
}

static void
names_and_pages_are_kept_if_they_are_safe(void **state)
{
	static const char xml[] = FILE_OF(
	    "<domain>Example.org</domain><domain>no host</domain>"
	    "<displayName> The Firm </displayName>"
	    "<documentation url=\"http://example.org/a\"/>"
	    "<documentation url=\"https://example.org/\x7f\"/>"
	    "<documentation url=\"https://example.org/b\"/>"
	    "<outgoingServer type=\"smtp\"><hostname>a.example.org</hostname>"
	    "<port>465</port><socketType>SSL</socketType><username>"
	    "%EMAILLOCALPART%.%EMAILDOMAIN%</username>"
	    "<authentication>OAuth2</authentication></outgoingServer>");
	struct autoconfig a;
	char *user;

	(void)state;
	assert_int_equal(autoconfig_parse(bytes_str(xml), &a, NULL), 0);
	assert_string_equal(a.name, "The Firm");
	assert_string_equal(a.page, "https://example.org/b");
	assert_int_equal(a.domains.n, 1);
	assert_string_equal(a.domains.v[0], "example.org");
	assert_true(a.takes_oauth && !a.takes_password);
	user = autoconfig_user(&a, "jane@example.org");
	assert_string_equal(user, "jane.example.org");
	free(user);
	autoconfig_clear(&a);
}

static void
without_a_word_the_login_is_the_address(void **state)
{
	struct autoconfig a;
	char *user;

	(void)state;
	assert_int_equal(
	    autoconfig_parse(
		bytes_str(FILE_OF(SSL("a.example.org"))), &a, NULL),
	    0);
	user = autoconfig_user(&a, "jane@example.org");
	assert_string_equal(user, "jane@example.org");
	free(user);
	autoconfig_clear(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_server_with_tls_and_a_login_counts),
		cmocka_unit_test(anything_else_is_refused_with_a_reason),
		cmocka_unit_test(names_and_pages_are_kept_if_they_are_safe),
		cmocka_unit_test(without_a_word_the_login_is_the_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
