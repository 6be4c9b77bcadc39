/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R33: root is given up for good, or relaisd does not start.  The linker puts
 * the functions below in the place of the kernel's, so that this needs no root
 * and the kernel can be one that says yes and means no. */
#include "tests/lib/check.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/privilege.h"

enum { ROOT = 0, US = 4711, GROUP = 815 };

static struct kernel {
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;
	gid_t groups; /* of initgroups(); 0: root's */
	bool ignores_users, keeps_saved, gives_back, refuses_groups;
	bool is_dumpable;
} k;

uid_t __wrap_geteuid(void);
int __wrap_initgroups(const char *user, gid_t group);
int __wrap_setresgid(gid_t r, gid_t e, gid_t s);
int __wrap_setresuid(uid_t r, uid_t e, uid_t s);
int __wrap_getresuid(uid_t *r, uid_t *e, uid_t *s);
int __wrap_setuid(uid_t uid);
int __wrap_seteuid(uid_t uid);
int __wrap_prctl(int option, ...);

uid_t
__wrap_geteuid(void)
{
	return k.euid;
}

int
__wrap_initgroups(const char *user, gid_t group)
{
	assert_string_equal(user, "relais");
	assert_int_equal(k.euid, ROOT); /* later it may not */
	if (k.refuses_groups) {
		errno = EPERM;
		return -1;
	}
	k.groups = group;
	return 0;
}

int
__wrap_setresgid(gid_t r, gid_t e, gid_t s)
{
	assert_int_equal(k.euid, ROOT);
	k.rgid = r;
	k.egid = e;
	k.sgid = s;
	return 0;
}

int
__wrap_setresuid(uid_t r, uid_t e, uid_t s)
{
	k.is_dumpable = true;
	if (k.ignores_users)
		return 0;
	k.ruid = r;
	k.euid = e;
	if (!k.keeps_saved)
		k.suid = s;
	return 0;
}

int
__wrap_getresuid(uid_t *r, uid_t *e, uid_t *s)
{
	*r = k.ruid;
	*e = k.euid;
	*s = k.suid;
	return 0;
}

int
__wrap_setuid(uid_t uid)
{
	assert_int_equal(uid, ROOT);
	return k.gives_back ? 0 : -1;
}

int
__wrap_seteuid(uid_t uid)
{
	assert_int_equal(uid, ROOT);
	return k.gives_back ? 0 : -1;
}

int
__wrap_prctl(int option, ...)
{
	assert_int_equal(option, PR_SET_DUMPABLE);
	k.is_dumpable = false; /* nobody here asks for anything else */
	return 0;
}

static int
drop(void)
{
	struct privilege_user u = { .name = "relais", .uid = US, .gid = GROUP };
	struct err err;

	return privilege_drop(&u, &err);
}

static void
root_is_given_up_with_all_its_groups(void **state)
{
	(void)state;
	k = (struct kernel) { .is_dumpable = true };
	assert_int_equal(drop(), 0);
	assert_int_equal(k.ruid, US);
	assert_int_equal(k.euid, US);
	assert_int_equal(k.suid, US);
	assert_int_equal(k.rgid, GROUP);
	assert_int_equal(k.egid, GROUP);
	assert_int_equal(k.sgid, GROUP);
	assert_int_equal(k.groups, GROUP);
	assert_false(k.is_dumpable);
}

static void
a_kernel_that_says_yes_and_means_no_is_not_believed(void **state)
{
	static const struct kernel kernels[] = {
		{ .ignores_users = true },
		{ .keeps_saved = true },
		{ .gives_back = true },
		{ .refuses_groups = true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kernels); i++) {
		k = kernels[i];
		assert_int_equal(drop(), -1);
	}
}

static void
who_is_not_root_stays_who_he_is(void **state)
{
	(void)state;
	k = (struct kernel) { .euid = 1000 };
	assert_int_equal(drop(), 0);
	assert_int_equal(k.euid, 1000);
	assert_int_equal(k.groups, 0);
}

/* What privilege_harden() leaves, seen from within a process of its own; a
 * number says which of it is not so. */
static int
hardened(void)
{
	struct rlimit core;
	struct err err;

	k = (struct kernel) { .is_dumpable = true };
	(void)close(0);
	(void)close(2);
	(void)umask(0);
	if (privilege_harden(&err) != 0)
		return 1;
	if (k.is_dumpable)
		return 2;
	if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 ||
	    core.rlim_max != 0)
		return 3;
	if (umask(0) != 077)
		return 4;
	if (fcntl(0, F_GETFD) < 0 || fcntl(1, F_GETFD) < 0 ||
	    fcntl(2, F_GETFD) < 0)
		return 5;
	return 0;
}

static void
R32_nothing_leaks_into_files(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(hardened());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* R52: a thousand clients are not kept waiting by a limit made for
 * select(2). */
static void
the_soft_limit_of_descriptors_is_raised_as_far_as_the_hard_one(void **state)
{
	struct rlimit was, l;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	l = (struct rlimit) { 64, was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
	privilege_want_descriptors(100);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
	assert_int_equal(l.rlim_cur, 100);
	privilege_want_descriptors(90);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
	assert_int_equal(l.rlim_cur, 100);
	privilege_want_descriptors(SIZE_MAX);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
	assert_int_equal(l.rlim_cur, was.rlim_max);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

/* A daemon whose user is not root goes through them to its spool, and every
 * client to the socket. */
/* mode: of the parents. */
static void
makes_parents(uid_t euid, mode_t mode)
{
	static const struct privilege_user self = { .name = "relais" };
	struct stat st;
	char base[] = "/tmp/privilege.XXXXXX";
	char outer[64], inner[64], dir[64];
	mode_t was = umask(077);

	k.euid = euid;
	assert_non_null(mkdtemp(base));
	(void)snprintf(outer, sizeof(outer), "%s/outer", base);
	(void)snprintf(inner, sizeof(inner), "%s/outer/inner", base);
	(void)snprintf(dir, sizeof(dir), "%s/outer/inner/dir", base);
	assert_int_equal(privilege_make_dir(dir, 0711, &self, NULL), 0);
	assert_int_equal(stat(outer, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	assert_int_equal(stat(inner, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_int_equal(umask(was), 077);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rmdir(inner), 0);
	assert_int_equal(rmdir(outer), 0);
	assert_int_equal(rmdir(base), 0);
}

static void
parents_that_are_made_let_other_users_through_if_they_are_roots(void **state)
{
	(void)state;
	makes_parents(0, 0755);
	makes_parents(US, 0700);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_soft_limit_of_descriptors_is_raised_as_far_as_the_hard_one),
		cmocka_unit_test(root_is_given_up_with_all_its_groups),
		cmocka_unit_test(
		    a_kernel_that_says_yes_and_means_no_is_not_believed),
		cmocka_unit_test(who_is_not_root_stays_who_he_is),
		cmocka_unit_test(R32_nothing_leaks_into_files),
		cmocka_unit_test(
		    parents_that_are_made_let_other_users_through_if_they_are_roots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
