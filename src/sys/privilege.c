/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int
privilege_find(const char *name, struct privilege_user *ret, struct err *err)
{
	struct passwd pw, *found = NULL;
	char room[4096];
	int rc = getpwnam_r(name, &pw, room, sizeof(room), &found);

	if (found == NULL) {
		if (rc != 0) {
			errno = rc;
			return err_sys(err, "cannot look up user %s", name);
		}
		return err_set(err, ERR_CONFIG,
		    "user %s does not exist; set another with user in "
		    "[relais], or type: useradd --system --home-dir "
		    "/nonexistent --shell /usr/sbin/nologin %s",
		    name, name);
	}
	ret->uid = pw.pw_uid;
	ret->gid = pw.pw_gid;
	(void)snprintf(ret->home, sizeof(ret->home), "%s", pw.pw_dir);
	(void)snprintf(ret->name, sizeof(ret->name), "%s", pw.pw_name);
	return 0;
}

void
privilege_self(struct privilege_user *ret)
{
	struct passwd pw, *found = NULL;
	char room[4096];

	ret->uid = geteuid();
	ret->gid = getegid();
	(void)snprintf(
	    ret->name, sizeof(ret->name), "uid %u", (unsigned)ret->uid);
	(void)snprintf(ret->home, sizeof(ret->home), "/");
	if (getpwuid_r(ret->uid, &pw, room, sizeof(room), &found) != 0 ||
	    found == NULL)
		return; /* a container user: the number will do */
	(void)snprintf(ret->home, sizeof(ret->home), "%s", pw.pw_dir);
	(void)snprintf(ret->name, sizeof(ret->name), "%s", pw.pw_name);
}

/* Later descriptors must not become 0, 1 or 2 by accident: something would
 * print into them. */
static int
fill_standard_descriptors(struct err *err)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return err_sys(err, "cannot open /dev/null");
	} while (fd <= 2);
	(void)close(fd); /* one too many; nothing was written */
	return 0;
}

int
privilege_hide_memory(struct err *err)
{
	static const struct rlimit no_core = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_sys(err, "cannot disable core dumps (prctl)");
	if (setrlimit(RLIMIT_CORE, &no_core) != 0)
		return err_sys(err, "cannot disable core dumps (setrlimit)");
	return 0;
}

void
privilege_bind_calls(char *const *argv)
{
	static const char name[] = "LD_BIND_NOW";
	char self[4096];
	ssize_t n;

	if (getenv(name) == NULL &&
	    (n = readlink("/proc/self/exe", self, sizeof(self) - 1)) > 0 &&
	    setenv(name, "1", 1) == 0) {
		self[n] = '\0';
		(void)execv(self, argv);
	}
	/* Not for the programs that we start. */
	(void)unsetenv(name);
}

int
privilege_harden(struct err *err)
{
	if (privilege_hide_memory(err) != 0)
		return -1;
	(void)umask(077);
	if (chdir("/") != 0)
		return err_sys(err, "cannot change to the folder /");
	return fill_standard_descriptors(err);
}

void
privilege_want_descriptors(size_t n)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur >= n)
		return;
	l.rlim_cur = n < l.rlim_max ? n : l.rlim_max;
	/* With the old limit clients wait for one another, and that is all. */
	IGNORE(setrlimit(RLIMIT_NOFILE, &l));
}

int
privilege_drop(const struct privilege_user *u, struct err *err)
{
	uid_t r, e, s;

	if (geteuid() != 0 || u->uid == 0)
		return 0;
	if (initgroups(u->name, u->gid) != 0)
		return err_sys(
		    err, "cannot take the groups of user %s", u->name);
	if (setresgid(u->gid, u->gid, u->gid) != 0 ||
	    setresuid(u->uid, u->uid, u->uid) != 0)
		return err_sys(err, "cannot become user %s", u->name);
	/* Checked, not believed: once a kernel said yes and meant no. */
	if (getresuid(&r, &e, &s) != 0 || r != u->uid || e != u->uid ||
	    s != u->uid || setuid(0) == 0 || seteuid(0) == 0)
		return err_set(err, ERR_SYSTEM,
		    "user %s: root privileges could not be dropped", u->name);
	/* Changing the user made the process dumpable again. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_sys(err, "cannot disable core dumps (prctl)");
	return 0;
}

/* mkdir -p for everything before the last component.  Through those that root
 * makes other users pass, the daemon's among these, so our umask does not
 * count; those of a user's own are private (XDG). */
static void
make_parents(const char *path)
{
	mode_t was = umask(0), mode = geteuid() == 0 ? 0755 : 0700;
	char part[4096];

	for (const char *p = strchr(path + 1, '/'); p != NULL;
	     p = strchr(p + 1, '/')) {
		(void)snprintf(
		    part, sizeof(part), "%.*s", (int)(p - path), path);
		(void)mkdir(part, mode); /* the last mkdir tells */
	}
	(void)umask(was); /* returns what we set */
}

static int
cannot_make(int rc, struct err *err)
{
	if (err != NULL)
		err->class = ERR_DISK;
	return rc;
}

int
privilege_make_dir(const char *path, mode_t mode,
    const struct privilege_user *owner, struct err *err)
{
	struct stat st;

	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		return err_set(
		    err, ERR_DISK, "%s is not a folder; move it away", path);
	}
	make_parents(path);
	if (mkdir(path, mode) != 0)
		return cannot_make(
		    err_sys(err, "cannot create the folder %s", path), err);
	if (geteuid() == 0 && chown(path, owner->uid, owner->gid) != 0)
		return cannot_make(err_sys(err, "cannot give %s to user %s",
				       path, owner->name),
		    err);
	if (chmod(path, mode) != 0)
		return cannot_make(
		    err_sys(err, "cannot set the mode of %s", path), err);
	return 0;
}
