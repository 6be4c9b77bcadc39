/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Secrets from every source that needs no desktop: files and their modes
 * (R31), commands that answer, fail, hang or want a person, and that nothing
 * shows a secret (R32).  The commands run in the real helper. */
#include "tests/lib/files.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/str.h"
#include "cred/cred.h"
#include "cred/cred_command.h"
#include "cred/cred_file.h"
#include "cred/cred_wire.h"

struct asked {
	enum cred_result result;
	struct secret *secret;
	struct err err;
};

static char *
helper(void)
{
	const char *top = getenv("top_builddir");

	return xasprintf("%s/relais-cred", top != NULL ? top : ".");
}

enum { PATIENCE_MS = 60 * 1000 };

static struct asked
ask_both(enum cred_kind kind, const char *value, const char *credentials_dir,
    int64_t timeout_ms)
{
	struct cred_source source = { .kind = kind, .value = xstrdup(value) };
	struct cred_request rq = { .source = &source,
		.account = "work",
		.host = "mail.example",
		.login = "me" };
	char *path = helper();
	struct cred_env env = { .helper = path,
		.credentials_dir = credentials_dir,
		.home = "/nonexistent",
		.user = "somebody",
		.group = (gid_t)-1,
		.timeout_ms = timeout_ms };
	struct asked a = { .secret = NULL };

	err_clear(&a.err);
	a.result = cred_fetch(&rq, &env, &a.secret, &a.err);
	free(path);
	cred_source_clear(&source);
	return a;
}

static struct asked
ask_with(enum cred_kind kind, const char *value, const char *credentials_dir)
{
	return ask_both(kind, value, credentials_dir, PATIENCE_MS);
}

static struct asked
ask_for(enum cred_kind kind, const char *value, int64_t timeout_ms)
{
	return ask_both(kind, value, NULL, timeout_ms);
}

static struct asked
ask(enum cred_kind kind, const char *value)
{
	return ask_with(kind, value, NULL);
}

#define assert_secret(asked_, want_)                                           \
	do {                                                                   \
		if ((asked_).result != CRED_OK)                                \
			fail_msg("%s", (asked_).err.text);                     \
		assert_true(bytes_eq(secret_bytes((asked_).secret), want_));   \
		secret_free((asked_).secret);                                  \
	} while (0)

#define assert_refused(asked_, how_, part_)                                    \
	do {                                                                   \
		assert_int_equal((asked_).result, how_);                       \
		assert_int_equal((asked_).err.class, ERR_SECRET);              \
		if (strstr((asked_).err.text, part_) == NULL ||                \
		    strncmp((asked_).err.text, "account work: ", 14) != 0)     \
			fail_msg("%s", (asked_).err.text);                     \
	} while (0)

static void
the_first_line_of_a_file_is_the_secret(void **state)
{
	static const struct {
		const char *file, *secret;
	} rows[] = {
		{ "s3cret", "s3cret" },
		{ "s3cret\n", "s3cret" },
		{ "s3cret\r\n", "s3cret" },
		{ "s3cret\nnote: bank\n", "s3cret" },
		{ " #p;a\"s\\s='w\xc3\xb6rd \n", " #p;a\"s\\s='w\xc3\xb6rd " },
		{ "a\tb\n", "a\tb" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct files f;
		struct asked a;

		files_init(&f);
		a = ask(CRED_FILE, files_put(&f, "s", rows[i].file, 0600));
		assert_secret(a, rows[i].secret);
		files_clear(&f);
	}
}

static void
a_file_others_may_read_is_refused_with_what_to_type(void **state)
{
	static const mode_t modes[] = { 0640, 0620, 0604, 0602, 0601 };
	struct files f;
	struct asked a;
	const char *path;
	char *advice;

	(void)state;
	files_init(&f);
	path = files_put(&f, "s", "x\n", 0644);
	advice = xasprintf("(mode 0644); type: chmod 600 %s", path);
	a = ask(CRED_FILE, path);
	assert_refused(a, CRED_NEVER, advice);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		a = ask(CRED_FILE, files_put(&f, "s", "x\n", modes[i]));
		assert_refused(a, CRED_NEVER, "can read or change it");
	}
	free(advice);
	files_clear(&f);
}

static void
bad_files_are_explained(void **state)
{
	struct files f;
	struct asked a;
	char *fifo, *big;

	(void)state;
	files_init(&f);
	a = ask(CRED_FILE, "/nonexistent/s");
	assert_refused(a, CRED_NEVER, "No such file");
	a = ask(CRED_FILE, f.dir);
	assert_refused(a, CRED_NEVER, "not a regular file");
	a = ask(CRED_FILE, files_put(&f, "s", "\nx", 0600));
	assert_refused(a, CRED_NEVER, "is empty");
	fifo = xasprintf("%s/fifo", f.dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	a = ask(CRED_FILE, fifo);
	assert_refused(a, CRED_NEVER, "not a regular file");
	assert_int_equal(unlink(fifo), 0);
	big = xasprintf("%0*d", (int)SECRET_MAX + 1, 0);
	a = ask(CRED_FILE, files_put(&f, "s", big, 0600));
	assert_refused(a, CRED_NEVER, "longer than");
	a = ask(CRED_FILE, files_put(&f, "s", big + 1, 0600));
	assert_secret(a, big + 1);
	free(big);
	free(fifo);
	files_clear(&f);
}

/* As another user: 0 if the secret was had, 1 if not and chmod was advised. */
static int
fetch_as_nobody(const char *path, const struct cred_stamp *read_before)
{
	struct cred_source s = { .kind = CRED_FILE, .value = xstrdup(path) };
	struct cred_request rq = {
		.source = &s, .account = "work", .host = "h", .login = "u"
	};
	struct cred_env env = { .helper = "", .group = 65534 };
	struct asked a = { .secret = NULL };

	if (read_before != NULL) {
		s.secret = secret_new(bytes_of("s3cret", 6));
		s.stamp = *read_before;
	}
	err_clear(&a.err);
	a.result = cred_fetch(&rq, &env, &a.secret, &a.err);
	if (a.result == CRED_OK)
		return bytes_eq(secret_bytes(a.secret), "s3cret") ? 0 : 2;
	return strstr(a.err.text, "Permission denied; type: chgrp ") ? 1 : 2;
}

static void
what_root_read_is_kept_for_the_user_he_becomes(void **state)
{
	enum { NEVER, BEFORE, CHANGED };
	struct files f;

	(void)state;
	if (geteuid() != 0)
		skip();
	files_init(&f);
	assert_int_equal(chmod(f.dir, 0711), 0);
	for (int read = NEVER; read <= CHANGED; read++) {
		const char *path = files_put(&f, "s", "s3cret\n", 0600);
		struct cred_stamp stamp;
		int status;
		pid_t pid;

		assert_true(cred_file_stamp(path, &stamp));
		if (read == CHANGED)
			path = files_put(&f, "s", "another\n", 0600);
		pid = fork();
		if (pid == 0)
			_exit(setgid(65534) != 0 || setuid(65534) != 0
				  ? 3
				  : fetch_as_nobody(
					path, read == NEVER ? NULL : &stamp));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(WEXITSTATUS(status), read == BEFORE ? 0 : 1);
	}
	files_clear(&f);
}

/* systemd's access list makes a credential look readable by a group. */
static void
credentials_are_found_by_name(void **state)
{
	struct files f;
	struct asked a;

	(void)state;
	files_init(&f);
	IGNORE(!files_put(&f, "mail", "s3cret\n", 0440));
	a = ask_with(CRED_SYSTEMD, "mail", f.dir);
	assert_secret(a, "s3cret");
	a = ask_with(CRED_SYSTEMD, "other", f.dir);
	assert_refused(a, CRED_NEVER, "No such file");
	a = ask_with(CRED_SYSTEMD, "../mail", f.dir);
	assert_refused(a, CRED_NEVER, "not the name of a credential");
	a = ask(CRED_SYSTEMD, "mail");
	assert_refused(a, CRED_NEVER, "LoadCredential=");
	files_clear(&f);
}

static void
blanks_that_only_show_groups_are_taken_out(void **state)
{
	static const struct {
		const char *shown, *secret;
	} rows[] = {
		{ "abcd efgh ijkl mnop", "abcdefghijklmnop" },
		{ "abcdefghijklmnop", "abcdefghijklmnop" },
		{ "abcd efgh ijkl mno", "abcd efgh ijkl mno" },
		{ "ab cd", "ab cd" },
		{ "abcd efg! ijkl mnop", "abcd efg! ijkl mnop" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int grouped = 0; grouped < 2; grouped++) {
			struct cred_source s = { .kind = CRED_TEXT,
				.is_grouped = grouped == 1,
				.secret = secret_new(
				    bytes_str(rows[i].shown)) };
			struct cred_request rq = { .source = &s,
				.account = "a",
				.host = "h",
				.login = "u" };
			struct cred_env env = { .helper = "" };
			struct asked a = { .secret = NULL };

			a.result = cred_fetch(&rq, &env, &a.secret, &a.err);
			assert_secret(
			    a, grouped ? rows[i].secret : rows[i].shown);
			cred_source_clear(&s);
		}
}

static void
a_command_answers_with_its_first_line(void **state)
{
	struct asked a;

	(void)state;
	a = ask(CRED_COMMAND, "printf 's3 #;\\\\ cret \\nsecond\\n'");
	assert_secret(a, "s3 #;\\ cret ");
	a = ask(CRED_COMMAND, "echo '$HOME' ';' '|' x");
	assert_secret(a, "$HOME ; | x");
	a = ask(CRED_COMMAND, "/bin/sh -c 'echo noise >&2; echo s3cret'");
	assert_secret(a, "s3cret");
	/* A token of 12 KiB (R67). */
	a = ask(CRED_COMMAND, "/bin/sh -c 'printf %012288d 7'");
	assert_int_equal(a.result, CRED_OK);
	assert_int_equal(secret_bytes(a.secret).n, 12288);
	secret_free(a.secret);
}

static void
a_command_that_says_too_much_is_heard_to_its_end(void **state)
{
	struct asked a;

	(void)state;
	a = ask(
	    CRED_COMMAND, "/bin/sh -c 'echo s3cret; head -c 300000 /dev/zero'");
	assert_secret(a, "s3cret");
}

static void
a_command_sees_a_small_environment_and_no_terminal(void **state)
{
	struct asked a;

	(void)state;
	assert_int_equal(setenv("CANARY", "1", 1), 0);
	a = ask(CRED_COMMAND,
	    "/bin/sh -c 'env | sed s/=.*// | grep -v -e PWD -e _ -e SHLVL | "
	    "sort | tr \"\\n\" +'");
	assert_secret(a, "HOME+LOGNAME+PATH+USER+");
	a = ask(CRED_COMMAND, "/bin/sh -c 'cat; (: </dev/tty) 2>/dev/null || "
			      "echo none'");
	assert_secret(a, "none");
	/* Its three descriptors, the one ls reads with, and nothing of ours. */
	a = ask(CRED_COMMAND, "/bin/sh -c 'ls /proc/self/fd | tr \"\\n\" +'");
	assert_secret(a, "0+1+2+3+");
}

static void
a_command_that_fails_is_explained(void **state)
{
	struct asked a;

	(void)state;
	a = ask(CRED_COMMAND, "/nonexistent/pass show mail");
	assert_refused(a, CRED_NEVER, "cannot run /nonexistent/pass");
	a = ask(CRED_COMMAND, "'cat x | head -1'");
	assert_refused(a, CRED_NEVER, "run without a shell");
	a = ask(
	    CRED_COMMAND, "/bin/sh -c 'echo \"no such entry\" >&2; exit 3'");
	assert_refused(
	    a, CRED_LATER, "failed with exit status 3: no such entry");
	a = ask(CRED_COMMAND, "true");
	assert_refused(a, CRED_NEVER,
	    "true: the first line of its output is "
	    "empty");
	a = ask(CRED_COMMAND, "printf 'a\\0b'");
	assert_refused(a, CRED_NEVER, "NUL byte");
	a = ask(CRED_COMMAND, "/bin/sh -c 'kill -9 $$'");
	assert_refused(a, CRED_LATER, "killed by signal 9");
}

static void
a_command_that_wants_a_person_is_explained(void **state)
{
	struct asked a;

	(void)state;
	a = ask(CRED_COMMAND,
	    "/bin/sh -c 'echo \"gpg: cannot open /dev/tty: No such device or "
	    "address\" >&2; exit 2'");
	assert_refused(a, CRED_NEVER, "asks for a passphrase");
	assert_non_null(strstr(a.err.text, "/dev/tty"));
	a = ask_for(CRED_COMMAND, "sleep 60", 1000);
	assert_refused(a, CRED_LATER,
	    "printed nothing within 1 s; it may be asking for a "
	    "passphrase");
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
a_command_that_hangs_is_ended_with_its_children(void **state)
{
	struct files f;
	struct asked a;
	char *command, *mark;
	struct stat then, now;
	int64_t began, limit_ms;

	(void)state;
	files_init(&f);
	mark = xasprintf("%s/mark", f.dir);
	command = xasprintf(
	    "/bin/sh -c 'echo s3cret; (i=0; while [ $i -lt 300 ]; do "
	    "i=$((i + 1)); echo; sleep 0.1; done >%s) & wait'",
	    mark);
	/* Once more where a busy machine has not started it by then. */
	for (limit_ms = 1000; limit_ms < 30000; limit_ms *= 3) {
		began = now_ms();
		a = ask_for(CRED_COMMAND, command, limit_ms);
		assert_true(now_ms() - began < limit_ms + 15000);
		if (strstr(a.err.text, "printed nothing") == NULL &&
		    stat(mark, &then) == 0)
			break;
	}
	assert_refused(a, CRED_LATER, "did not exit within ");
	assert_null(strstr(a.err.text, "s3cret"));
	assert_int_equal(stat(mark, &then), 0);
	assert_int_equal(
	    nanosleep(&(struct timespec) { .tv_nsec = 400000000 }, NULL), 0);
	assert_int_equal(stat(mark, &now), 0);
	assert_int_equal(now.st_size, then.st_size);
	free(command);
	free(mark);
	files_clear(&f);
}

/* gpg-agent and the like stay behind with our pipes. */
static void
a_grandchild_that_lives_on_delays_nothing(void **state)
{
	int64_t began = now_ms();
	struct asked a = ask(
	    CRED_COMMAND, "/bin/sh -c 'echo s3cret; sleep 20 &'");

	(void)state;
	assert_secret(a, "s3cret");
	assert_true(now_ms() - began < 15000);
}

/* R32 */
static void
what_a_command_says_is_not_passed_on_with_the_secret_in_it(void **state)
{
	struct asked a = ask(CRED_COMMAND,
	    "/bin/sh -c 'echo s3cret; echo \"bad: s3cret\" >&2; exit 1'");

	(void)state;
	assert_refused(a, CRED_LATER, "failed with exit status 1");
	assert_null(strstr(a.err.text, "s3cret"));
}

static void
a_missing_helper_is_told(void **state)
{
	struct cred_source s = { .kind = CRED_COMMAND,
		.value = xstrdup("true") };
	struct cred_request rq = {
		.source = &s, .account = "work", .host = "h", .login = "u"
	};
	struct cred_env env = { .helper = "/nonexistent/relais-cred" };
	struct asked a = { .secret = NULL };

	(void)state;
	err_clear(&a.err);
	a.result = cred_fetch(&rq, &env, &a.secret, &a.err);
	assert_refused(a, CRED_NEVER, "cannot run /nonexistent/relais-cred");
	cred_source_clear(&s);
}

/* The keyring's helper is a package of its own. */
static void
a_missing_keyring_helper_names_its_package(void **state)
{
	struct cred_source s = { .kind = CRED_KEYRING };
	struct cred_request rq = {
		.source = &s, .account = "work", .host = "h", .login = "u"
	};
	struct cred_env env = { .helper = "/nonexistent/relais-cred" };
	struct asked a = { .secret = NULL };

	(void)state;
	err_clear(&a.err);
	a.result = cred_fetch(&rq, &env, &a.secret, &a.err);
	assert_refused(a, CRED_NEVER, "install the package relais-keyring");
}

static void
requests_come_out_as_they_went_in(void **state)
{
	struct cred_wire in = { .kind = CRED_COMMAND,
		.account = "a b",
		.command = "x 'y z' \\",
		.host = "",
		.login = "me@x",
		.timeout_ms = 77 };
	struct cred_wire out;
	struct buf b;
	char *text;

	(void)state;
	buf_init(&b, CRED_WIRE_MAX);
	assert_true(cred_wire_put(&b, &in));
	text = buf_steal(&b);
	assert_true(cred_wire_parse(text, &out));
	assert_int_equal(out.kind, CRED_COMMAND);
	assert_string_equal(out.account, in.account);
	assert_string_equal(out.command, in.command);
	assert_string_equal(out.host, "");
	assert_string_equal(out.login, in.login);
	assert_int_equal(out.timeout_ms, 77);
	free(text);
	in.command = "two\nlines";
	assert_false(cred_wire_put(&b, &in));
	buf_clear(&b);
}

static void
requests_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = { "", "want", "want x\n",
		"want keyring", "account a\n", "want keyring\nx y\n",
		"want keyring\ntimeout_ms -1\n", "\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *text = xstrdup(bad[i]);
		struct cred_wire w;

		assert_false(cred_wire_parse(text, &w));
		free(text);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_line_of_a_file_is_the_secret),
		cmocka_unit_test(
		    a_file_others_may_read_is_refused_with_what_to_type),
		cmocka_unit_test(bad_files_are_explained),
		cmocka_unit_test(
		    what_root_read_is_kept_for_the_user_he_becomes),
		cmocka_unit_test(credentials_are_found_by_name),
		cmocka_unit_test(blanks_that_only_show_groups_are_taken_out),
		cmocka_unit_test(a_command_answers_with_its_first_line),
		cmocka_unit_test(
		    a_command_that_says_too_much_is_heard_to_its_end),
		cmocka_unit_test(
		    a_command_sees_a_small_environment_and_no_terminal),
		cmocka_unit_test(a_command_that_fails_is_explained),
		cmocka_unit_test(a_command_that_wants_a_person_is_explained),
		cmocka_unit_test(
		    a_command_that_hangs_is_ended_with_its_children),
		cmocka_unit_test(a_grandchild_that_lives_on_delays_nothing),
		cmocka_unit_test(
		    what_a_command_says_is_not_passed_on_with_the_secret_in_it),
		cmocka_unit_test(a_missing_helper_is_told),
		cmocka_unit_test(a_missing_keyring_helper_names_its_package),
		cmocka_unit_test(requests_come_out_as_they_went_in),
		cmocka_unit_test(requests_that_are_none_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
