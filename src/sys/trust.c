/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/trust.h"

#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "sys/userns.h"

enum { LINKS_MAX = 40 }; /* as in the kernel */

struct walk {
	const char *path; /* that was asked for */
	uid_t uid; /* trusted beside root and us */
	const struct userns *here;
	int dir; /* of the next name */
	char *rest; /* what is still to be walked */
	struct buf seen; /* where we are, for people */
	int links;
};

/* The login of uid, or its number. */
static void
name_of(uid_t uid, char *to, size_t size)
{
	char space[1024];
	struct passwd pw, *found = NULL;

	if (getpwuid_r(uid, &pw, space, sizeof(space), &found) == 0 &&
	    found != NULL)
		(void)snprintf(to, size, "%s", pw.pw_name);
	else
		(void)snprintf(to, size, "uid %u", (unsigned)uid);
}

static bool
is_trusted(const struct walk *w, uid_t uid)
{
	return uid == 0 || uid == geteuid() || uid == w->uid;
}

/* Is path where, or below it? */
static bool
is_in(const char *path, const char *where)
{
	size_t n = strlen(where);

	return strncmp(path, where, n) == 0 &&
	       (path[n] == '/' || path[n] == '\0');
}

/* An owner of one of these owns the machine, or us: the programs and what they
 * read, the home folder and the one for sockets by their parents. */
static bool
is_of_the_system(const struct walk *w, const char *name)
{
	static const char *const systems[] = { "/etc", "/usr", "/nix/store",
		"/gnu/store" };

	if (strcmp(name, "/") == 0 || is_in("/run/user", name) ||
	    is_in(w->here->home, name) || is_in(w->here->real_home, name))
		return true;
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
		if (is_in(name, systems[i]) || is_in(systems[i], name))
			return true;
	return false;
}

/* A user namespace hides root, too.  Nobody in there can become whom it hides;
 * outside it may be another user of this machine. */
static bool
is_hidden(const struct walk *w, const struct stat *st)
{
	return st->st_uid == w->here->hidden &&
	       w->here->hidden != USERNS_SHOWS_ALL;
}

static bool
is_owner_trusted(const struct walk *w, const char *name, const struct stat *st)
{
	/* First: without any map that would be our own uid as well. */
	if (!is_hidden(w, st))
		return is_trusted(w, st->st_uid);
	return w->here->is_own ? is_of_the_system(w, name)
			       : S_ISDIR(st->st_mode);
}

static int
refuse_owner(const struct walk *w, const char *what, const char *object,
    const struct stat *st, struct err *err)
{
	/* Folders and links are root's business; a secret must stay readable
	 * for the daemon. */
	bool is_file = S_ISREG(st->st_mode);
	char owner[64], user[64];

	if (w->here->is_own && is_hidden(w, st))
		return err_set(err, ERR_CONFIG,
		    "cannot see who owns %s %s and could %s %s: this user "
		    "namespace (PrivateUsers=yes) hides the owner; keep it in "
		    "the home folder or in /etc",
		    what, object, is_file ? "change" : "replace",
		    is_file ? "it" : w->path);
	name_of(st->st_uid, owner, sizeof(owner));
	name_of(w->uid, user, sizeof(user));
	return err_set(err, ERR_CONFIG,
	    "%s %s belongs to %s, who could %s %s, but must belong to root or "
	    "%s; type: chown -h %s %s",
	    what, object, owner, is_file ? "change" : "replace",
	    is_file ? "it" : w->path, user, is_file ? user : "root", object);
}

/* The group of root or our own one is as good as its owner.  Hidden groups have
 * the number of hidden users. */
static bool
is_open_to_others(const struct walk *w, const struct stat *st)
{
	if ((st->st_mode & S_IWOTH) != 0)
		return true;
	return (st->st_mode & S_IWGRP) != 0 && st->st_gid != 0 &&
	       (st->st_gid != getegid() || st->st_gid == w->here->hidden);
}

static int
check_folder(struct walk *w, const struct stat *st, struct err *err)
{
	const char *name = buf_len(&w->seen) > 0 ? buf_str(&w->seen) : "/";

	if (!is_owner_trusted(w, name, st))
		return refuse_owner(w, "the folder", name, st, err);
	if ((st->st_mode & S_ISVTX) != 0 || !is_open_to_others(w, st))
		return 0;
	return err_set(err, ERR_CONFIG,
	    "other users can write to the folder %s (mode %04o) and so replace "
	    "%s; type: chmod go-w %s",
	    name, (unsigned)(st->st_mode & 07777), w->path, name);
}

static int
check_file(const struct walk *w, const struct stat *st, struct err *err)
{
	const char *name = buf_str(&w->seen);

	if (!is_owner_trusted(w, name, st))
		return refuse_owner(w, "the file", name, st, err);
	if (!S_ISREG(st->st_mode) || !is_open_to_others(w, st))
		return 0;
	return err_set(err, ERR_CONFIG,
	    "other users can change %s (mode %04o); type: chmod go-w %s", name,
	    (unsigned)(st->st_mode & 07777), name);
}

/* 1: the way goes on; 0: it ends here. */
static int
enter(struct walk *w, int from, const char *name, struct err *err)
{
	struct stat st;
	int fd = openat(
	    from, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (w->dir >= 0)
		IGNORE(close(w->dir)); /* only a place */
	w->dir = fd;
	if (fstat(fd, &st) != 0)
		return 0;
	return check_folder(w, &st, err) == 0 ? 1 : -1;
}

static int
enter_root(struct walk *w, struct err *err)
{
	buf_reset(&w->seen);
	return enter(w, AT_FDCWD, "/", err);
}

static int
follow(struct walk *w, const char *name, size_t seen, struct err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(w->dir, name, target, sizeof(target) - 1);
	char *rest;

	if (n < 0 || ++w->links > LINKS_MAX)
		return 0;
	target[n] = '\0';
	rest = xasprintf("%s/%s", target, w->rest);
	free(w->rest);
	w->rest = rest;
	buf_truncate(&w->seen, seen);
	return target[0] == '/' ? enter_root(w, err) : 1;
}

/* Takes one name off the rest; as enter(). */
static int
step(struct walk *w, struct err *err)
{
	char *at = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(at, "/"), seen = buf_len(&w->seen);
	char *name = xstrndup(at, n);
	bool is_last = at[n + strspn(at + n, "/")] == '\0';
	struct stat st;
	int rc = 0;

	memmove(w->rest, at + n, strlen(at + n) + 1);
	if (n == 0)
		goto out;
	IGNORE(buf_addf(&w->seen, "/%s", name)); /* cut if it is that long */
	if (fstatat(w->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		goto out;
	if (S_ISLNK(st.st_mode))
		rc = is_owner_trusted(w, buf_str(&w->seen), &st)
			 ? follow(w, name, seen, err)
			 : refuse_owner(
			       w, "the link", buf_str(&w->seen), &st, err);
	else if (is_last)
		rc = check_file(w, &st, err);
	else
		rc = enter(w, w->dir, name, err);
out:
	free(name);
	return rc;
}

int
trust_file(const char *path, uid_t uid, struct err *err)
{
	struct walk w = {
		.path = path, .uid = uid, .here = userns_here(), .dir = -1
	};
	char *cwd = path[0] != '/' ? getcwd(NULL, 0) : NULL;
	int rc;

	if (path[0] != '/' && cwd == NULL)
		return 0;
	w.rest = xasprintf("%s/%s", cwd != NULL ? cwd : "", path);
	free(cwd);
	buf_init(&w.seen, 4 * PATH_MAX);
	rc = enter_root(&w, err);
	while (rc == 1)
		rc = step(&w, err);
	if (w.dir >= 0)
		IGNORE(close(w.dir)); /* only a place */
	buf_clear(&w.seen);
	free(w.rest);
	return rc;
}
