/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose files are believed: only those that nobody but root, the daemon's user
 * and this process can change or replace, however the path leads to them. */
#include "tests/lib/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "sys/trust.h"
#include "tests/lib/temp.h"
#include "tests/lib/userns.h"

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

/* That files of unknown owners get the same uid elsewhere makes no
 * difference. */
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
	make_link("conf", absolute, 0);
	check("conf", NULL);
	free(absolute);
}

static void
make_text(const char *name, const char *text)
{
	char *path = in_dir(name);
	int fd;

	make_file(name, 0644, 0);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
	free(path);
}

/* In a user namespace of our own root and a stranger look alike: only what must
 * be root's by its place is trusted.  dir becomes the root folder.  Exits with
 * the number of the row that is wrong, from 1 on. */
static void
look_from_own_userns(void)
{
	static const struct {
		const char *path, *refused;
	} rows[] = {
		{ "/home/d/file", NULL },
		{ "/etc/file", NULL },
		{ "/etc/below/link", NULL },
		{ "/run/user/own/file", NULL },
		{ "/home/file", "see who owns the file /home/file and" },
		{ "/run/user/file", "could change it" },
		{ "/other/file", "the folder /other and could replace" },
		{ "/other/own", "the folder /other" },
		{ "/home/d/link", "the link /home/d/link" },
		{ "/etc/open", "other users can change" },
		{ "/etcetera", "the file /etcetera" },
	};

	if (!enter_own_userns(DAEMON) || chroot(dir) != 0)
		_exit(77);
	userns_look();
	for (int i = 0; i < (int)(sizeof(rows) / sizeof(rows[0])); i++) {
		struct err err = { 0 };
		int rc = trust_file(rows[i].path, DAEMON, &err);

		if ((rc == 0) != (rows[i].refused == NULL) ||
		    (rc != 0 && strstr(err.text, rows[i].refused) == NULL))
			_exit(i + 1);
	}
	_exit(0);
}

static void
whom_a_user_namespace_hides_is_trusted_in_roots_places(void **state)
{
	pid_t child;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(dir, 0755), 0);
	make_folder("proc", 0755, 0);
	make_folder("proc/self", 0755, 0);
	make_text("proc/self/uid_map", "4711 4711 1\n");
	make_folder("proc/sys", 0755, 0);
	make_folder("proc/sys/kernel", 0755, 0);
	make_text("proc/sys/kernel/overflowuid", "65534\n");
	make_folder("etc", 0755, 0);
	make_text("etc/passwd", "d:x:4711:4711::/home/d:/bin/sh\n");
	make_file("etc/file", 0644, 0);
	make_file("etc/open", 0664, 0);
	make_folder("etc/below", 0755, 0);
	make_link("etc/below/link", "../file", 0);
	make_file("etcetera", 0644, STRANGER);
	make_folder("home", 0755, 0);
	make_file("home/file", 0644, STRANGER);
	make_folder("home/d", 0700, DAEMON);
	make_file("home/d/file", 0600, DAEMON);
	make_link("home/d/link", "file", STRANGER);
	make_folder("other", 0755, STRANGER);
	make_file("other/file", 0644, STRANGER);
	make_file("other/own", 0600, DAEMON);
	make_folder("run", 0755, 0);
	make_folder("run/user", 0755, 0);
	make_file("run/user/file", 0644, STRANGER);
	make_folder("run/user/own", 0700, DAEMON);
	make_file("run/user/own/file", 0600, DAEMON);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		look_from_own_userns();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
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
		cmocka_unit_test(
		    whom_a_user_namespace_hides_is_trusted_in_roots_places),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
