/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The token file: what is in it, how long a token lives, sealing, the lock. */
#include "tests/lib/files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/str.h"
#include "cred/cred_wire.h"
#include "relais-cred/oauth.h"
#include "relais-cred/oauth_http.h"
#include "relais-cred/oauth_store.h"

static char *
folder_of(const struct files *f)
{
	return xasprintf("%s/oauth", f->dir);
}

static void
remove_folder(const char *folder)
{
	char *command = xasprintf("rm -rf '%s'", folder);

	assert_int_equal(system(command), 0);
	free(command);
}

static struct oauth_token
token(void)
{
	return (struct oauth_token) { .serial = 7,
		.client_id = xstrdup("client"),
		.access = xstrdup("ACCESS-TOKEN"),
		.refresh = xstrdup("REFRESH \"TOKEN\""),
		.boot_id = xstrdup("boot"),
		.obtained_s = 1000,
		.obtained_boot_ms = 50000,
		.expires_s = 3600 };
}

static void
write_one(const char *folder, const char *key)
{
	struct oauth_token t = token();
	struct oauth_store *s;
	struct err err;

	if (oauth_store_open(folder, "work", key, 1000, &s, &err) != 0)
		fail_msg("%s", err.text);
	if (oauth_store_write(s, &t, &err) != 0)
		fail_msg("%s", err.text);
	oauth_store_close(s);
	oauth_token_clear(&t);
}

static int
read_one(const char *folder, const char *name, const char *key,
    struct oauth_token *ret, struct err *err)
{
	struct oauth_store *s;
	int rc;

	assert_int_equal(oauth_store_open(folder, name, key, 1000, &s, err), 0);
	rc = oauth_store_read(s, ret, err);
	oauth_store_close(s);
	return rc;
}

static void
a_token_comes_back_as_it_was(void **state)
{
	struct oauth_token t;
	struct files f;
	struct stat st;
	struct err err;
	char *folder, *file;

	(void)state;
	files_init(&f);
	folder = folder_of(&f);
	file = xasprintf("%s/work.json", folder);
	assert_int_equal(read_one(folder, "work", "", &t, &err), 0);
	assert_int_equal(t.serial, 0);
	write_one(folder, "");
	assert_int_equal(read_one(folder, "work", "", &t, &err), 0);
	assert_int_equal(t.serial, 7);
	assert_string_equal(t.access, "ACCESS-TOKEN");
	assert_string_equal(t.refresh, "REFRESH \"TOKEN\"");
	assert_null(t.user);
	assert_int_equal(t.expires_s, 3600);
	oauth_token_clear(&t);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	remove_folder(folder);
	free(folder);
	free(file);
	files_clear(&f);
}

static void
a_folder_open_to_others_is_refused(void **state)
{
	struct oauth_store *s;
	struct files f;
	struct err err;
	char *folder;

	(void)state;
	files_init(&f);
	folder = folder_of(&f);
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(
	    oauth_store_open(folder, "work", "", 1000, &s, &err), -1);
	assert_non_null(strstr(err.text, "chmod 700"));
	assert_int_equal(
	    oauth_store_open(folder, "../x", "", 1000, &s, &err), -1);
	remove_folder(folder);
	free(folder);
	files_clear(&f);
}

static void
a_sealed_token_opens_with_its_key_and_name_only(void **state)
{
	struct oauth_token t;
	struct files f;
	struct err err;
	char *folder, *command;
	const char *key, *other;

	(void)state;
	files_init(&f);
	folder = folder_of(&f);
	key = files_put(&f, "key", "one key\n", 0600);
	other = files_put(&f, "other", "another key\n", 0600);
	write_one(folder, key);
	command = xasprintf(
	    "! grep -q TOKEN '%s/work.json' && cp '%s/work.json' "
	    "'%s/home.json'",
	    folder, folder, folder);
	assert_int_equal(system(command), 0);
	assert_int_equal(read_one(folder, "work", key, &t, &err), 0);
	assert_string_equal(t.access, "ACCESS-TOKEN");
	oauth_token_clear(&t);
	assert_int_equal(read_one(folder, "work", other, &t, &err), -1);
	assert_non_null(strstr(err.text, "relais login work"));
	assert_int_equal(read_one(folder, "work", "", &t, &err), -1);
	assert_non_null(strstr(err.text, "relais-oauth-key"));
	assert_int_equal(read_one(folder, "home", key, &t, &err), -1);
	/* One that was written before there was a key is still read. */
	write_one(folder, "");
	assert_int_equal(read_one(folder, "work", key, &t, &err), 0);
	oauth_token_clear(&t);
	free(command);
	remove_folder(folder);
	free(folder);
	files_clear(&f);
}

static void
only_one_has_the_file_at_a_time(void **state)
{
	struct oauth_store *s, *again;
	struct files f;
	struct err err;
	char *folder;

	(void)state;
	files_init(&f);
	folder = folder_of(&f);
	assert_int_equal(
	    oauth_store_open(folder, "work", "", 1000, &s, &err), 0);
	assert_int_equal(
	    oauth_store_open(folder, "work", "", 100, &again, &err), -1);
	assert_int_equal(err.class, ERR_BUSY);
	/* Another account's is another. */
	assert_int_equal(
	    oauth_store_open(folder, "home", "", 100, &again, &err), 0);
	oauth_store_close(again);
	oauth_store_close(s);
	assert_int_equal(
	    oauth_store_open(folder, "work", "", 100, &s, &err), 0);
	oauth_store_close(s);
	remove_folder(folder);
	free(folder);
	files_clear(&f);
}

/* Or it would be killed while it waits for the server's answer, which holds the
 * only refresh token that is still good. */
static void
who_waits_for_the_lock_leaves_time_for_the_server(void **state)
{
	struct cred_wire w = { .kind = CRED_OAUTH,
		.account = "work",
		.credentials = "",
		.timeout_ms = OAUTH_HTTP_MS };
	struct timespec before, after;
	struct cred_facts facts;
	struct secret *secret = NULL;
	struct oauth_store *s;
	struct files f;
	struct err err;
	char *folder;

	(void)state;
	files_init(&f);
	folder = folder_of(&f);
	w.oauth.v[CRED_OAUTH_FOLDER] = folder;
	assert_int_equal(
	    oauth_store_open(folder, "work", "", 1000, &s, &err), 0);
	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &before), 0);
	assert_int_equal(oauth_fetch(&w, &secret, &facts, &err), CRED_LATER);
	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &after), 0);
	assert_int_equal(err.class, ERR_BUSY);
	/* There was no time to wait at all; half of it is for slow machines. */
	assert_true(after.tv_sec - before.tv_sec < OAUTH_HTTP_MS / 2000);
	oauth_store_close(s);
	remove_folder(folder);
	free(folder);
	files_clear(&f);
}

static _Noreturn void
write_and_be_stopped(const char *folder, int sig)
{
	struct oauth_token t = token();
	struct oauth_store *s;

	(void)signal(sig, SIG_DFL);
	if (oauth_store_open(folder, "work", "", 1000, &s, NULL) != 0 ||
	    oauth_store_reserve(s, NULL) != 0 || raise(sig) != 0 ||
	    oauth_store_write(s, &t, NULL) != 0)
		_exit(1);
	oauth_store_close(s);
	_exit(0);
}

static void
a_signal_to_stop_waits_until_the_token_is_stored(void **state)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sigs); i++) {
		struct oauth_token t;
		struct files f;
		struct err err;
		char *folder;
		int status;
		pid_t pid;

		files_init(&f);
		folder = folder_of(&f);
		if ((pid = fork()) == 0)
			write_and_be_stopped(folder, sigs[i]);
		assert_true(pid > 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), sigs[i]);
		assert_int_equal(read_one(folder, "work", "", &t, &err), 0);
		assert_int_equal(t.serial, 7);
		oauth_token_clear(&t);
		remove_folder(folder);
		free(folder);
		files_clear(&f);
	}
}

static void
no_clock_makes_a_dead_token_live(void **state)
{
	static const struct {
		const char *boot_id;
		int64_t boot_ms, wall_s, left_ms;
	} cases[] = {
		/* Within one boot the wall clock does not matter. */
		{ "boot", 50000, 9, 3600000 },
		{ "boot", 60000, 1000000000, 3590000 },
		{ "boot", 3650000, 1000, 0 },
		{ "boot", 40000, 1000, 0 },
		/* After a restart it is all there is. */
		{ "later", 1, 1000, 3600000 },
		{ "later", 1, 2000, 2600000 },
		{ "later", 1, 4600, 0 },
		{ "later", 1, 999, 0 },
		{ "", 50000, 1000000000, 0 },
	};
	struct oauth_token t = token();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct oauth_now now = { .wall_s = cases[i].wall_s,
			.boot_ms = cases[i].boot_ms };

		assert_true(str_copy(now.boot_id, sizeof(now.boot_id),
		    bytes_str(cases[i].boot_id)));
		assert_int_equal(
		    oauth_token_left_ms(&t, &now), cases[i].left_ms);
	}
	oauth_token_clear(&t);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_comes_back_as_it_was),
		cmocka_unit_test(a_folder_open_to_others_is_refused),
		cmocka_unit_test(
		    a_sealed_token_opens_with_its_key_and_name_only),
		cmocka_unit_test(only_one_has_the_file_at_a_time),
		cmocka_unit_test(
		    who_waits_for_the_lock_leaves_time_for_the_server),
		cmocka_unit_test(
		    a_signal_to_stop_waits_until_the_token_is_stored),
		cmocka_unit_test(no_clock_makes_a_dead_token_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
