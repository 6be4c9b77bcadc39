/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small files are replaced as a whole. */
#include "tests/lib/check.h"

#include <dirent.h>
#include <errno.h>

#include "sys/file_replace.h"
#include "tests/lib/files.h"

static int
replace(const char *path, const char *text, mode_t mode, struct err *err)
{
	return file_replace(
	    path, bytes_str(text), mode, (uid_t)-1, (gid_t)-1, err);
}

static void
check_content(const char *path, const char *want)
{
	FILE *f = fopen(path, "r");
	char got[64] = "";

	assert_non_null(f);
	assert_int_equal(fread(got, 1, sizeof(got) - 1, f), strlen(want));
	assert_string_equal(got, want);
	assert_int_equal(fclose(f), 0);
}

static size_t
count_files(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	assert_int_equal(closedir(d), 0);
	return n - 2;
}

static void
the_new_file_has_its_content_and_mode(void **state)
{
	struct err err = { 0 };
	struct files f;
	struct stat st;

	(void)state;
	files_init(&f);
	const char *path = files_put(&f, "x", "old and long", 0644);
	mode_t old = umask(0777); /* does not matter */
	assert_int_equal(replace(path, "new", 0640, &err), 0);
	(void)umask(old);
	check_content(path, "new");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(count_files(f.dir), 1);
	files_clear(&f);
}

/* A device, as /dev/null, or a folder. */
static void
what_is_no_file_is_not_replaced(void **state)
{
	struct err err = { 0 };
	struct files f;
	struct stat st;

	(void)state;
	files_init(&f);
	char *pipe = xasprintf("%s/pipe", f.dir);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_int_equal(replace(pipe, "new", 0600, &err), -1);
	assert_non_null(strstr(err.text, "pipe: not a regular file"));
	assert_int_equal(stat(pipe, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(replace(f.dir, "new", 0600, &err), -1);
	assert_int_equal(count_files(f.dir), 1);
	assert_int_equal(unlink(pipe), 0);
	free(pipe);
	files_clear(&f);
}

static void
a_link_stays_and_its_file_is_replaced(void **state)
{
	struct err err = { 0 };
	struct files f;
	struct stat st;

	(void)state;
	files_init(&f);
	const char *path = files_put(&f, "real", "old", 0600);
	char *to = xasprintf("%s/link", f.dir);
	assert_int_equal(symlink("real", to), 0);
	assert_int_equal(replace(to, "new", 0600, &err), 0);
	check_content(path, "new");
	assert_int_equal(lstat(to, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(unlink(to), 0);
	free(to);
	files_clear(&f);
}

static void
what_cannot_be_written_leaves_nothing(void **state)
{
	struct err err = { 0 };
	struct files f;

	(void)state;
	files_init(&f);
	char *path = xasprintf("%s/folder", f.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(replace(path, "new", 0600, &err), -1);
	assert_non_null(strstr(err.text, "cannot write "));
	assert_int_equal(count_files(f.dir), 1);
	assert_int_equal(rmdir(path), 0);
	free(path);
	path = xasprintf("%s/none/x", f.dir);
	assert_int_equal(replace(path, "new", 0600, &err), -1);
	assert_int_equal(err.os, ENOENT);
	free(path);
	files_clear(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_new_file_has_its_content_and_mode),
		cmocka_unit_test(what_is_no_file_is_not_replaced),
		cmocka_unit_test(a_link_stays_and_its_file_is_replaced),
		cmocka_unit_test(what_cannot_be_written_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
