/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of relais.conf: sections, keys, secrets byte for byte, lines of any
 * length, and every problem of a file in one go. */
#include "tests/lib/files.h"

#include "base/str.h"
#include "conf/conf_read.h"

struct read {
	struct files files;
	struct conf_raw *raw;
	struct conf_problems problems;
};

static void
read_bytes(struct read *r, struct bytes text)
{
	struct conf_env env = { .group = (gid_t)-1 };

	r->problems = (struct conf_problems) { NULL, 0 };
	files_init(&r->files);
	r->raw = conf_read(
	    files_put_bytes(&r->files, "conf", text, 0600), &env, &r->problems);
}

static void
read_text(struct read *r, const char *text)
{
	read_bytes(r, bytes_str(text));
}

static void
read_clear(struct read *r)
{
	conf_raw_free(r->raw);
	conf_problems_clear(&r->problems);
	files_clear(&r->files);
}

static const struct conf_value *
value(const struct read *r, const char *account, const char *name)
{
	const struct conf_value *v = conf_section_get(
	    conf_raw_find(r->raw, SETTING_ACCOUNT, account), name);

	if (v == NULL)
		fail_msg("%s is not set", name);
	return v;
}

static void
keys_are_found_with_their_lines(void **state)
{
	struct read r;

	(void)state;
	read_text(&r, "\xef\xbb\xbf# comment\n; comment\n[relais]\r\n"
		      "admin = me@example.org   # boss\r\n"
		      "\n"
		      "  [ account  a ]\n"
		      "\thost=mail.example;not a comment\n"
		      "    user : me@example.org ; a comment\n"
		      "full_name = Me; and # you\n"
		      "senders = a@x\n"
		      "senders = b@x, c@x\n"
		      "password_command = sh -c 'x; y # z'");
	assert_int_equal(r.problems.n, 1);
	assert_non_null(strstr(r.problems.v[0].text, "one word"));
	assert_int_equal(r.problems.v[0].line, 7);
	assert_int_equal(r.raw->n, 2);
	assert_int_equal(conf_section_get(&r.raw->v[0], "admin")->line, 4);
	assert_string_equal(
	    conf_section_get(&r.raw->v[0], "admin")->text, "me@example.org");
	assert_string_equal(r.raw->v[1].title, "[account a]");
	assert_string_equal(value(&r, "a", "user")->text, "me@example.org");
	assert_string_equal(value(&r, "a", "full_name")->text, "Me; and # you");
	assert_string_equal(value(&r, "a", "senders")->text, "a@x b@x, c@x");
	assert_string_equal(
	    value(&r, "a", "password_command")->text, "sh -c 'x; y # z'");
	assert_int_equal(value(&r, "a", "password_command")->line, 12);
	read_clear(&r);
}

static void
secrets_survive_byte_for_byte(void **state)
{
	static const char *const secrets[] = { "plain", "a#b", "a # b", "a;b",
		"a ; b", "#start", ";start", "[x]", "=", "a=b", ":",
		"\"quoted\"", "'", "\\", "a\\", "a/b+c=", "a b  c", "trail ",
		"trail\t", "caf\xc3\xa9", "\xff\xfe", "%s%n", "$HOME",
		"\x01\x7f" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		char *text = xasprintf("[account a]\npassword = %s\r\n"
				       "host = x\n",
		    secrets[i]);
		struct read r;

		read_text(&r, text);
		assert_int_equal(r.problems.n, 0);
		assert_true(
		    bytes_eq(secret_bytes(value(&r, "a", "password")->secret),
			secrets[i]));
		assert_null(value(&r, "a", "password")->text);
		assert_string_equal(value(&r, "a", "host")->text, "x");
		read_clear(&r);
		free(text);
	}
}

/* R67: tokens reach 12 KiB; inih's line buffer is 200 bytes. */
static void
lines_may_be_of_any_length(void **state)
{
	static const size_t sizes[] = { 1, 150, 190, 195, 196, 197, 198, 199,
		200, 201, 202, 203, 400, 4096, 12288, SECRET_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char *token = xcalloc(sizes[i] + 1, 1);
		char *text;
		struct read r;

		for (size_t k = 0; k < sizes[i]; k++)
			token[k] = (char)('0' + k % 60);
		text = xasprintf("[account a]\n"
				 "# %s\n"
				 "full_name = %s\n"
				 "password = %s\n"
				 "host = x\n",
		    token, token, token);
		read_text(&r, text);
		assert_int_equal(r.problems.n, 0);
		assert_true(bytes_eq(
		    secret_bytes(value(&r, "a", "password")->secret), token));
		assert_string_equal(value(&r, "a", "full_name")->text, token);
		assert_int_equal(value(&r, "a", "host")->line, 5);
		read_clear(&r);
		free(text);
		free(token);
	}
}

static void
a_secret_that_is_too_long_is_refused_not_cut(void **state)
{
	char *text = xasprintf(
	    "[account a]\npassword = %0*d\n", (int)SECRET_MAX + 1, 0);
	struct read r;

	(void)state;
	read_text(&r, text);
	assert_int_equal(r.problems.n, 1);
	assert_non_null(
	    strstr(r.problems.v[0].text, "longer than 16384 bytes"));
	read_clear(&r);
	free(text);
}

/* Every sentence a wrong text can get, with the line it names. */
static const struct {
	const char *text;
	int line;
	const char *sentence; /* up to ", line" */
	const char *why;
} wrong[] = {
	{ "[account work]\n\nprot = 5\n", 3,
	    "unknown key \"prot\" in [account work]",
	    "did you mean \"port\"?" },
	{ "[account work]\nxyzzy = 5\n", 2,
	    "unknown key \"xyzzy\" in [account work]", "no such setting" },
	{ "[relais]\nport = 5\n", 2, "unknown key \"port\" in [relais]",
	    "this key belongs in a section [account NAME]" },
	{ "[account a]\nadmin = a@b\n", 2,
	    "unknown key \"admin\" in [account a]",
	    "this key belongs in a section [relais]" },
	{ "[account a]\n\x1b[2J = 5\n", 2,
	    "unknown key \"\\x1b[2J\" in [account a]", "no such setting" },
	{ "[account a]\nport = many\n", 2, "port = \"many\" in [account a]",
	    "expected a port from 1 to 65535, or auto" },
	{ "[account a]\nhost = a\x01z\n", 2,
	    "host = \"a\\x01z\" in [account a]", "a control character" },
	{ "[account a]\npassword =\n", 2, "password in [account a]",
	    "expected a value" },
	{ "[account a]\nport = 5\nport = 6\n", 3, "port in [account a]",
	    "already set on line 2" },
	{ "[account a]\npassword = 5\npassword = 6\n", 3,
	    "password in [account a]", "already set on line 2" },
	{ "[acount work]\n", 1, "unknown section [acount work]",
	    "did you mean [account work]?" },
	{ "[acount \x1b[2J]\n", 1, "unknown section [acount \\x1b[2J]",
	    "did you mean [account NAME]?" },
	{ "[server]\n", 1, "unknown section [server]",
	    "expected [relais], [listen NAME] or [account NAME]" },
	{ "[relais x]\n", 1, "unknown section [relais x]",
	    "did you mean [relais]?" },
	{ "[account]\n", 1, "[account]", "expected a name" },
	{ "[account a b]\n", 1, "[account a b]", "expected a name" },
	{ "[account a/b]\n", 1, "[account a/b]", "expected a name" },
	{ "[account a]\n[account a]\n", 2, "duplicate section [account a]",
	    "first defined on line 1" },
	{ "[account a\n", 1, "section \"[account a\"",
	    "the closing ] is missing" },
	{ "[account a;]\n", 1, "section \"[account a;]\"",
	    "the closing ] is missing" },
	{ "[account "
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n",
	    1, "section \"[account aaaaaaaaaaaaaaaa", "too long" },
	{ "admin = a@b\n", 1, "\"admin\"", "key before the first section" },
	{ "[account a]\nhunter2\n", 2, "unrecognized line",
	    "expected \"key = value\"" },
	{ "[account a]\n= x\n", 2, "unrecognized line", "expected" },
};

static void
what_is_wrong_is_named_with_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct read r;
		char *place;
		const char *got;

		read_text(&r, wrong[i].text);
		if (r.problems.n != 1)
			fail_msg("%s: %zu problems", wrong[i].sentence,
			    r.problems.n);
		got = r.problems.v[0].text;
		place = xasprintf(
		    ", line %d of %s: ", wrong[i].line, r.raw->file);
		if (strncmp(got, wrong[i].sentence,
			strlen(wrong[i].sentence)) != 0 ||
		    strstr(got, place) == NULL ||
		    strstr(got, wrong[i].why) == NULL)
			fail_msg("%s", got);
		free(place);
		read_clear(&r);
	}
}

static void
all_problems_of_a_file_are_told_at_once(void **state)
{
	struct read r;

	(void)state;
	read_text(&r,
	    "[relais]\nadmn = x\nmax_size = big\n[acount x]\nhost = a\n"
	    "[account y]\nprot = 1\njunk\ntls = of\n");
	assert_int_equal(r.problems.n, 6);
	for (size_t i = 0; i < 6; i++) {
		static const int lines[] = { 2, 3, 4, 7, 8, 9 };

		assert_int_equal(r.problems.v[i].line, lines[i]);
	}
	read_clear(&r);
}

/* It may be a password that slipped onto a line of its own (R32). */
static void
a_line_without_meaning_is_not_shown(void **state)
{
	struct read r;

	(void)state;
	read_text(&r, "[account a]\nhunter2\n[account a]\npassword = x\n");
	for (size_t i = 0; i < r.problems.n; i++)
		assert_null(strstr(r.problems.v[i].text, "hunter2"));
	read_clear(&r);
}

static void
a_file_that_is_no_text_is_refused(void **state)
{
	struct read r;

	(void)state;
	read_bytes(&r, bytes_of("[account a]\nhost = a\0b\n", 23));
	assert_int_equal(r.problems.n, 1);
	assert_non_null(strstr(r.problems.v[0].text, "NUL byte"));
	read_clear(&r);
}

static void
a_missing_file_is_told(void **state)
{
	struct conf_problems p = { NULL, 0 };
	struct conf_env env = { .group = (gid_t)-1 };
	struct conf_raw *raw = conf_read("/nonexistent/x", &env, &p);

	(void)state;
	assert_int_equal(p.n, 1);
	assert_string_equal(p.v[0].text,
	    "/nonexistent/x: cannot be read: No such file or directory; to "
	    "make it, type: relais setup");
	conf_raw_free(raw);
	conf_problems_clear(&p);
}

/* Or a reload would wait for ever, and the end of relaisd with it. */
static void
a_fifo_that_nobody_writes_to_is_an_empty_file(void **state)
{
	struct conf_problems p = { NULL, 0 };
	struct conf_env env = { .group = (gid_t)-1 };
	struct conf_raw *raw;
	struct files f;
	const char *path;

	(void)state;
	files_init(&f);
	path = files_put(&f, "fifo", "", 0600);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	raw = conf_read(path, &env, &p);
	assert_int_equal(p.n, 0);
	conf_raw_free(raw);
	conf_problems_clear(&p);
	files_clear(&f);
}

/* R31 */
static void
a_file_with_a_password_is_for_its_owner_only(void **state)
{
	static const struct {
		mode_t mode;
		bool has_password, is_group_ours, is_good;
	} rows[] = { { 0600, true, false, true }, { 0400, true, false, true },
		{ 0644, true, false, false }, { 0640, true, false, false },
		{ 0640, true, true, true }, { 0644, true, true, false },
		{ 0602, true, true, false }, { 0644, false, false, true } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf_problems p = { NULL, 0 };
		struct files f;
		struct conf_raw *raw;
		struct conf_env env = {
			.group = rows[i].is_group_ours ? getegid() : (gid_t)-1
		};
		const char *path;

		files_init(&f);
		path = files_put(&f, "conf",
		    rows[i].has_password ? "[account a]\npassword = x\n"
					 : "[account a]\nhost = x\n",
		    rows[i].mode);
		raw = conf_read(path, &env, &p);
		assert_int_equal(p.n == 0, rows[i].is_good);
		if (p.n > 0) {
			assert_non_null(
			    strstr(p.v[0].text, "; type: chmod 600"));
			assert_int_equal(p.v[0].line, 2);
		}
		conf_raw_free(raw);
		conf_problems_clear(&p);
		files_clear(&f);
	}
}

/* What a process gets that may know no secret. */
static void
a_copy_has_everything_but_the_passwords(void **state)
{
	static const char text[] =
	    "[relais]\nadmin = a@example.org # me\n[account a]\nhost = h\n"
	    "password = a secret;#x \n";
	struct conf_copy copies[3] = { { .key = { 1 } }, { .key = { 1 } },
		{ .key = { 2 } } };
	struct conf_env env = { .group = (gid_t)-1 };
	struct conf_problems p = { NULL, 0 };
	struct conf_raw *raw;
	struct bytes again;
	struct files f;
	const char *path;

	(void)state;
	files_init(&f);
	path = files_put(&f, "conf", text, 0600);
	for (size_t i = 0; i < ARRAY_LEN(copies); i++) {
		conf_copy_init(&copies[i]);
		env.copy = &copies[i];
		conf_raw_free(conf_read(path, &env, &p));
		assert_null(strstr(buf_str(&copies[i].text), "secret"));
	}
	assert_string_equal(buf_str(&copies[0].text), buf_str(&copies[1].text));
	assert_string_not_equal(
	    buf_str(&copies[0].text), buf_str(&copies[2].text));
	again = buf_bytes(&copies[0].text);
	env = (struct conf_env) { .group = (gid_t)-1, .text = &again };
	raw = conf_read("/nonexistent/x", &env, &p);
	assert_int_equal(p.n, 0);
	assert_string_equal(
	    conf_section_get(conf_raw_find(raw, SETTING_RELAIS, NULL), "admin")
		->text,
	    "a@example.org");
	assert_int_equal(
	    secret_bytes(
		conf_section_get(
		    conf_raw_find(raw, SETTING_ACCOUNT, "a"), "password")
		    ->secret)
		.n,
	    16);
	conf_raw_free(raw);
	for (size_t i = 0; i < ARRAY_LEN(copies); i++)
		buf_clear(&copies[i].text);
	files_clear(&f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_has_everything_but_the_passwords),
		cmocka_unit_test(keys_are_found_with_their_lines),
		cmocka_unit_test(secrets_survive_byte_for_byte),
		cmocka_unit_test(lines_may_be_of_any_length),
		cmocka_unit_test(a_secret_that_is_too_long_is_refused_not_cut),
		cmocka_unit_test(what_is_wrong_is_named_with_its_line),
		cmocka_unit_test(all_problems_of_a_file_are_told_at_once),
		cmocka_unit_test(a_line_without_meaning_is_not_shown),
		cmocka_unit_test(a_file_that_is_no_text_is_refused),
		cmocka_unit_test(a_missing_file_is_told),
		cmocka_unit_test(a_fifo_that_nobody_writes_to_is_an_empty_file),
		cmocka_unit_test(a_file_with_a_password_is_for_its_owner_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
