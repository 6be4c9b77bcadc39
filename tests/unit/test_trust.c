/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose files are believed: only those that nobody but root, the daemon's user
 * and this process can change or replace, however the path leads to them. */
#include "tests/lib/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "sys/trust.h"
#include "tests/lib/temp.h"

enum { DAEMON = 4711, STRANGER = 4712 };

static char dir[64];

static char *
in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void
make_folder(const char *name, mode_t mode, uid_t owner)
{
	char *path = in_dir(name);

	assert_int_equal(mkdir(path, 0700), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, owner, 4711), 0);
	assert_int_equal(chmod(path, mode), 0);
	free(path);
}

static void
make_file(const char *name, mode_t mode, uid_t owner)
{
	char *path = in_dir(name);
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);

	assert_true(fd >= 0);
	if (geteuid() == 0)
		assert_int_equal(fchown(fd, owner, 4711), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
	free(path);
}

static void
make_link(const char *name, const char *target, uid_t owner)
{
	char *path = in_dir(name);

	assert_int_equal(symlink(target, path), 0);
	if (geteuid() == 0)
		assert_int_equal(lchown(path, owner, 4711), 0);
	free(path);
}

static int
set_up(void **state)
{
	(void)state;
	temp_dir(dir, sizeof(dir), "relais-trust");
	return 0;
}

static int
tear_down(void **state)
{
	char *command = xasprintf("rm -rf '%s'", dir);
	int rc = system(command);

	(void)state;
	free(command);
	return rc;
}

/* words NULL: trusted. */
static void
check(const char *name, const char *words)
{
	char *path = in_dir(name);
	struct err err = { 0 };
	int rc = trust_file(path, DAEMON, &err);

	if (words == NULL && rc != 0)
		fail_msg("%s: %s", name, err.text);
	if (words != NULL && rc == 0)
		fail_msg("%s is trusted", name);
	if (words != NULL && strstr(err.text, words) == NULL)
		fail_msg("%s: \"%s\" is not in \"%s\"", name, words, err.text);
	if (words != NULL && strstr(err.text, "; type: ch") == NULL)
		fail_msg("%s: no command in \"%s\"", name, err.text);
	free(path);
}

static void
what_others_may_write_to_is_refused(void **state)
{
	(void)state;
	make_folder("good", 0755, 0);
	make_file("good/file", 0600, 0);
	make_file("good/open", 0666, 0);
	make_folder("open", 0777, 0);
	make_file("open/file", 0600, 0);
	make_folder("open/below", 0700, 0);
	make_file("open/below/file", 0600, 0);
	make_folder("sticky", 01777, 0);
	make_file("sticky/file", 0600, 0);
	make_link("good/link", "../open/file", 0);
	check("good/file", NULL);
	check("good/open", "other users can change");
	check("open/file", "write to the folder");
	check("open/below/file", "write to the folder");
	check("sticky/file", NULL);
	/* A link of ours into a place of others is a place of others. */
	check("good/link", "write to the folder");
}

static void
what_is_not_there_is_for_who_opens_it(void **state)
{
	(void)state;
	make_folder("here", 0755, 0);
	make_link("here/loop", "loop", 0);
	make_link("here/nowhere", "/nonexistent/file", 0);
	check("here/none", NULL);
	check("here/none/none", NULL);
	check("here/loop", NULL);
	check("here/nowhere", NULL);
}

static void
what_belongs_to_a_stranger_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	make_folder("root", 0755, 0);
	make_file("root/daemon", 0600, DAEMON);
	make_file("root/stranger", 0600, STRANGER);
	make_folder("root/daemons", 0700, DAEMON);
	make_file("root/daemons/file", 0600, 0);
	make_folder("root/strangers", 0755, STRANGER);
	make_file("root/strangers/file", 0600, 0);
	make_folder("root/sticky", 01777, 0);
	make_link("root/sticky/stranger", "../daemon", STRANGER);
	make_link("root/sticky/root", "../daemon", 0);
	make_file("root/group", 0660, 0);
	check("root/daemon", NULL);
	check("root/stranger", "the file");
	check("root/daemons/file", NULL);
	check("root/strangers/file", "the folder");
	check("root/sticky/root", NULL);
	check("root/sticky/stranger", "the link");
	check("root/group", "other users can change");
}

/* That files of unknown owners get the same uid elsewhere makes no difference. */
static void
nobody_is_a_stranger_like_others(void **state)
{
	char *path = in_dir("nobodys");
	bool has_nobody;

	(void)state;
	make_folder("nobodys", 0755, 0);
	make_file("nobodys/file", 0600, 0);
	has_nobody = geteuid() == 0 && chown(path, 65534, 0) == 0;
	free(path);
	if (!has_nobody)
		skip();
	check("nobodys/file", "the folder");
}

/* ..data is a link of root's that is replaced as a whole, the folder is sticky
 * and open to the group; NixOS has links of root's into its store. */
static void
links_of_roots_are_followed(void **state)
{
	char *absolute = in_dir("store/x/relais.conf");

	(void)state;
	make_folder("volume", 01777, 0);
	make_folder("volume/..2026", 0755, 0);
	make_file("volume/..2026/password", 0640, 0);
	make_link("volume/..data", "..2026", 0);
	make_link("volume/password", "..data/password", 0);
	check("volume/password", NULL);
	make_folder("store", 0755, 0);
	make_folder("store/x", 0755, 0);
	make_file("store/x/relais.conf", 0444, 0);
	make_link("etc", absolute, 0);
	check("etc", NULL);
	free(absolute);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_others_may_write_to_is_refused),
		cmocka_unit_test(what_is_not_there_is_for_who_opens_it),
		cmocka_unit_test(what_belongs_to_a_stranger_is_refused),
		cmocka_unit_test(nobody_is_a_stranger_like_others),
		cmocka_unit_test(links_of_roots_are_followed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
