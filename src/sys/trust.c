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

enum { LINKS_MAX = 40 }; /* as in the kernel */

struct walk {
	const char *path; /* that was asked for */
	uid_t uid; /* trusted beside root and us */
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

/* Is there a user with this uid in our user namespace? */
static bool
is_mapped(uid_t uid)
{
	unsigned long first, outside, count;
	FILE *f = fopen("/proc/self/uid_map", "re");
	bool ret = f == NULL;

	while (!ret && fscanf(f, "%lu %lu %lu", &first, &outside, &count) == 3)
		ret = uid >= first && uid - first < count;
	if (f != NULL)
		IGNORE(fclose(f)); /* only read */
	return ret;
}

/* In a user namespace whose map lacks their owner files belong to this uid;
 * nobody in there can become it, unless the map has it as well: then it is a user
 * like others, often "nobody". */
static bool
is_unmapped(uid_t uid)
{
	char text[32] = "";
	int fd = open("/proc/sys/kernel/overflowuid", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	IGNORE(close(fd)); /* only read */
	return n > 0 && strtoul(text, NULL, 10) == uid && !is_mapped(uid);
}

static int
refuse_owner(const struct walk *w, const char *what, const char *object,
    const struct stat *st, struct err *err)
{
	/* Folders and links are root's business; a secret must stay readable
	 * for the daemon. */
	bool is_file = S_ISREG(st->st_mode);
	char owner[64], user[64];

	name_of(st->st_uid, owner, sizeof(owner));
	name_of(w->uid, user, sizeof(user));
	return err_set(err, ERR_CONFIG,
	    "%s %s belongs to %s, who could %s %s, but must belong to root or "
	    "%s; type: chown -h %s %s",
	    what, object, owner, is_file ? "change" : "replace",
	    is_file ? "it" : w->path, user, is_file ? user : "root", object);
}

/* The group of root or our own one is as good as its owner. */
static bool
is_open_to_others(const struct stat *st)
{
	if ((st->st_mode & S_IWOTH) != 0)
		return true;
	return (st->st_mode & S_IWGRP) != 0 && st->st_gid != 0 &&
	       st->st_gid != getegid();
}

static int
check_folder(struct walk *w, const struct stat *st, struct err *err)
{
	const char *name = buf_len(&w->seen) > 0 ? buf_str(&w->seen) : "/";

	if (!is_trusted(w, st->st_uid) && !is_unmapped(st->st_uid))
		return refuse_owner(w, "the folder", name, st, err);
	if ((st->st_mode & S_ISVTX) != 0 || !is_open_to_others(st))
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

	if (!is_trusted(w, st->st_uid))
		return refuse_owner(w, "the file", name, st, err);
	if (!S_ISREG(st->st_mode) || !is_open_to_others(st))
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
		rc = is_trusted(w, st.st_uid)
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
	struct walk w = { .path = path, .uid = uid, .dir = -1 };
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
