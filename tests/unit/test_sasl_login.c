/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A login without SMTP around it.  What servers answer in full dialogues, and
 * what becomes of that, is in test_smtp_client. */
#include "tests/lib/check.h"

#include "sasl/sasl_login.h"

static struct sasl_login *
login(const char *allowed, bool is_token, const char *offered)
{
	struct sasl_login *l = sasl_login_new(
	    &(struct sasl_login_opts) { .user = "u",
		.allowed = allowed,
		.is_token = is_token,
		.host = "mx",
		.port = 587 });

	sasl_login_offered(l, bytes_str(offered));
	return l;
}

static void
give_secret(struct sasl_login *l, const char *type, struct bytes binding)
{
	struct secret *s = secret_new(bytes_of("pw", 2));

	assert_int_equal(sasl_login_act(l), SASL_FETCH);
	sasl_login_secret(l, s, type, binding);
	secret_free(s);
}

static void
refuse(struct sasl_login *l, int code, const char *text)
{
	struct verdict v;

	verdict_from_reply(
	    &v, STAGE_AUTH, code, bytes_of("", 0), bytes_str(text));
	sasl_login_refused(l, &v, false);
}

static void
the_secret_is_asked_for_once_and_only_where_one_is_needed(void **state)
{
	struct sasl_login *l = login(NULL, false, "PLAIN LOGIN");

	(void)state;
	give_secret(l, NULL, bytes_of("", 0));
	assert_int_equal(sasl_login_act(l), SASL_BEGIN);
	assert_string_equal(sasl_login_mechanism(l), "PLAIN");
	assert_int_equal(sasl_login_initial(l)->n, 5);
	assert_memory_equal(sasl_login_initial(l)->p, "\0u\0pw", 5);
	refuse(l, 504, "no");
	assert_int_equal(sasl_login_act(l), SASL_BEGIN);
	assert_string_equal(sasl_login_mechanism(l), "LOGIN");
	assert_null(sasl_login_initial(l));
	sasl_login_free(l);

	l = login("EXTERNAL", false, "PLAIN EXTERNAL");
	assert_int_equal(sasl_login_act(l), SASL_BEGIN);
	assert_int_equal(sasl_login_initial(l)->n, 0);
	sasl_login_free(l);
}

static void
plus_is_for_who_has_channel_binding(void **state)
{
	static const char offered[] = "SCRAM-SHA-256-PLUS PLAIN";
	static const char data[32] = "0123456789abcdef0123456789abcde";
	struct sasl_login *l = login(NULL, false, offered);

	(void)state;
	give_secret(l, "tls-exporter", bytes_of(data, sizeof(data)));
	assert_string_equal(sasl_login_mechanism(l), "SCRAM-SHA-256-PLUS");
	sasl_login_free(l);
	l = login(NULL, false, offered);
	give_secret(l, "tls-exporter", bytes_of("", 0));
	assert_string_equal(sasl_login_mechanism(l), "PLAIN");
	sasl_login_free(l);
}

static void
a_challenge_beyond_all_bounds_ends_the_login(void **state)
{
	static char challenge[65537];
	struct sasl_login *l = login("CRAM-MD5", false, "CRAM-MD5");

	(void)state;
	memset(challenge, 'x', sizeof(challenge));
	give_secret(l, NULL, bytes_of("", 0));
	sasl_login_challenge(l, bytes_of(challenge, sizeof(challenge)));
	assert_int_equal(sasl_login_act(l), SASL_REFUSED);
	assert_int_equal(sasl_login_why(l)->class, VERDICT_LATER);
	sasl_login_free(l);
}

/* R74: the server's reason, without JSON; and a reason is a refusal, whatever
 * the code. */
static void
why_a_token_was_refused_is_told_in_a_word(void **state)
{
	struct sasl_login *l = login(NULL, true, "XOAUTH2 OAUTHBEARER PLAIN");

	(void)state;
	give_secret(l, NULL, bytes_of("", 0));
	assert_string_equal(sasl_login_mechanism(l), "OAUTHBEARER");
	sasl_login_challenge(l, bytes_str("{\"status\":\"invalid_token\"}"));
	assert_int_equal(sasl_login_act(l), SASL_RESPOND);
	refuse(l, 550, "no");
	assert_int_equal(sasl_login_act(l), SASL_REFUSED);
	assert_string_equal(
	    sasl_login_why(l)->text, "no (status invalid_token)");
	sasl_login_free(l);
}

static void
with_nothing_in_common_both_lists_are_told(void **state)
{
	struct sasl_login *l = login("LOGIN", false, "GSSAPI PLAIN");

	(void)state;
	assert_int_equal(sasl_login_act(l), SASL_NO_MECHANISM);
	assert_non_null(strstr(sasl_login_why(l)->text, "\"GSSAPI PLAIN\""));
	assert_non_null(strstr(sasl_login_why(l)->text, "use LOGIN"));
	sasl_login_free(l);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_secret_is_asked_for_once_and_only_where_one_is_needed),
		cmocka_unit_test(plus_is_for_who_has_channel_binding),
		cmocka_unit_test(a_challenge_beyond_all_bounds_ends_the_login),
		cmocka_unit_test(why_a_token_was_refused_is_told_in_a_word),
		cmocka_unit_test(with_nothing_in_common_both_lists_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
