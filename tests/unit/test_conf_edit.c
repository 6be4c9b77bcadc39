/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changing settings in the text of a configuration. */
#include "tests/lib/check.h"

#include "conf/conf_edit.h"

#define OLD                                                                    \
	"# Our relay.\n[relais]\nadmin = a@example.org ; the boss\n"           \
	"# listen = localhost:2525\n\n"                                        \
	"# Fast, but dear.\n[account  work]\n\thost: one.example  # old\n"     \
	"port=465\nthis means nothing\nsenders = a@b.example\n"                \
	"senders = c@d.example\n\n# The end.\n"

static const struct {
	const char *name, *before, *section, *key, *value, *after;
} rows[] = {
	{ "an empty text", "", "relais", "admin", "me@example.org",
	    "[relais]\nadmin = me@example.org\n" },
	{ "a value is replaced, its comment stays",
	    "[relais]\n admin =  a@example.org ; the boss\n", "relais", "admin",
	    "b@example.org", "[relais]\n admin =  b@example.org ; the boss\n" },
	{ "the sign may be a colon",
	    "[account work]\n\thost: one.example\n# x\n", "account work",
	    "host", "two.example",
	    "[account work]\n\thost: two.example\n# x\n" },
	{ "a new key stands behind the last one",
	    "[relais]\nadmin = a@b.example\n\n# About work.\n[account work]\n",
	    "relais", "hostname", "h.example",
	    "[relais]\nadmin = a@b.example\nhostname = h.example\n\n"
	    "# About work.\n[account work]\n" },
	{ "a section without keys", "[account work]\n# host = x\n",
	    "account work", "host", "h.example",
	    "[account work]\nhost = h.example\n# host = x\n" },
	{ "a new section", "[relais]\nadmin = a@b.example\n", "account work",
	    "provider", "gmail",
	    "[relais]\nadmin = a@b.example\n\n[account work]\n"
	    "provider = gmail\n" },
	{ "blanks in the name of a section",
	    "[ account \t work ]\nport = 465\n", "account work", "port", "587",
	    "[ account \t work ]\nport = 587\n" },
	{ "another account is another section",
	    "[account work]\nport = 1\n[account work2]\nport = 2\n",
	    "account work2", "port", "587",
	    "[account work]\nport = 1\n[account work2]\nport = 587\n" },
	{ "a list of several lines becomes one",
	    "[account a]\nsenders = a@b.example\nport = 1\n"
	    "senders = c@d.example\n",
	    "account a", "senders", "x@y.example",
	    "[account a]\nsenders = x@y.example\nport = 1\n" },
	{ "a comment in place of a value", "[account a]\nport = # none yet\n",
	    "account a", "port", "587",
	    "[account a]\nport = 587 # none yet\n" },
	{ "a secret is the whole line",
	    "[account a]\npassword = a # b\nport = 1\n", "account a",
	    "password", "x # y; ",
	    "[account a]\npassword = x # y; \nport = 1\n" },
	{ "line ends of another system", "[account a]\r\nport = 1\r\n",
	    "account a", "host", "h.example",
	    "[account a]\r\nport = 1\r\nhost = h.example\r\n" },
	{ "a last line without its end", "[account a]\nport = 1", "account a",
	    "host", "h.example", "[account a]\nport = 1\nhost = h.example\n" },
	{ "a last line without its end is replaced", "[account a]\nport = 1",
	    "account a", "port", "2", "[account a]\nport = 2" },
	{ "a mark of Windows in front", "\xef\xbb\xbf[relais]\nlog = syslog\n",
	    "relais", "log", "stderr", "\xef\xbb\xbf[relais]\nlog = stderr\n" },
	{ "lines that mean nothing stay",
	    "oops\n[account a]\n[broken\n= x\nport = 1\n\n", "account a",
	    "host", "h.example",
	    "oops\n[account a]\n[broken\n= x\nport = 1\nhost = h.example\n"
	    "\n" },
	{ "taking out", "[account a]\nport = 1 # x\n# y\nhost = h\nport = 2\n",
	    "account a", "port", NULL, "[account a]\n# y\nhost = h\n" },
	{ "taking out what is not there", OLD, "account work", "user", NULL,
	    OLD },
};

static void
only_what_must_change_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };
		struct buf text;

		buf_init(&text, CONF_EDIT_MAX);
		assert_true(buf_adds(&text, rows[i].before));
		if (rows[i].value == NULL)
			conf_edit_unset(&text, rows[i].section, rows[i].key);
		else if (conf_edit_set(&text, rows[i].section, rows[i].key,
			     rows[i].value, &err) != 0)
			fail_msg("%s: %s", rows[i].name, err.text);
		if (strcmp(buf_str(&text), rows[i].after) != 0)
			fail_msg(
			    "%s: got \"%s\"", rows[i].name, buf_str(&text));
		buf_clear(&text);
	}
}

static const struct {
	const char *section, *key, *value, *why;
} refused[] = {
	{ "relais", "port", "1", "port: no such setting" },
	{ "nothing", "port", "1", "port: no such setting" },
	{ "account a", "port", "many", "port = \"many\": " },
	{ "account a", "user", "a\nhost = evil.example",
	    "user: this value cannot stand" },
	{ "account a", "host", "a #b", "host: this value cannot stand" },
	{ "account a", "host", "#b", "host: this value cannot stand" },
	{ "account a", "full_name", " Jane", "full_name: this value cannot" },
	{ "account a", "full_name", "Jane ", "full_name: this value cannot" },
	{ "account a", "password", " x", "password: this value cannot stand" },
};

static void
a_value_that_would_be_read_otherwise_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct err err = { 0 };
		struct buf text;

		buf_init(&text, CONF_EDIT_MAX);
		assert_true(buf_adds(&text, OLD));
		assert_int_equal(conf_edit_set(&text, refused[i].section,
				     refused[i].key, refused[i].value, &err),
		    -1);
		if (strncmp(err.text, refused[i].why, strlen(refused[i].why)) !=
		    0)
			fail_msg("%s: %s", refused[i].why, err.text);
		assert_null(strstr(err.text, "evil"));
		assert_buf(&text, OLD);
		buf_clear(&text);
	}
}

static void
a_full_text_is_left_alone(void **state)
{
	struct err err = { 0 };
	struct buf text;

	(void)state;
	buf_init(&text, sizeof(OLD) + 5);
	assert_true(buf_adds(&text, OLD));
	assert_int_equal(
	    conf_edit_set(&text, "account new", "port", "465", &err), -1);
	assert_string_equal(err.text, "the file is too large");
	assert_buf(&text, OLD);
	buf_clear(&text);
}

static void
sections_are_found_by_their_whole_name(void **state)
{
	struct bytes text = bytes_str(OLD);

	(void)state;
	assert_true(conf_edit_has_section(text, "relais"));
	assert_true(conf_edit_has_section(text, "account work"));
	assert_false(conf_edit_has_section(text, "account wor"));
	assert_false(conf_edit_has_section(text, "account workx"));
	assert_false(conf_edit_has_section(text, "account"));
	assert_false(conf_edit_has_section(bytes_str(""), "relais"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_must_change_does),
		cmocka_unit_test(
		    a_value_that_would_be_read_otherwise_is_refused),
		cmocka_unit_test(a_full_text_is_left_alone),
		cmocka_unit_test(sections_are_found_by_their_whole_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
