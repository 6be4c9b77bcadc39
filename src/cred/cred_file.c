/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cred/cred_file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "cred/cred.h"
#include "sys/trust.h"

static bool
is_group(gid_t group)
{
	return group != (gid_t)-1 && group != 0;
}

/* "chmod 600 F" for a file that is the daemon's own, else what lets its group
 * read it: a file of root's with mode 600 would keep out the daemon, too. */
static void
advise(const char *path, const struct stat *st, gid_t group, struct err *err)
{
	char space[1024];
	struct group gr, *found = NULL;
	struct err before;

	if (err == NULL)
		return;
	before = *err;
	if (!is_group(group) || st->st_uid != 0 ||
	    getgrgid_r(group, &gr, space, sizeof(space), &found) != 0 ||
	    found == NULL)
		err_set(err, before.class, "%s; type: chmod 600 %s",
		    before.text, path);
	else
		err_set(err, before.class,
		    "%s; type: chgrp %s %s && chmod 640 %s", before.text,
		    found->gr_name, path, path);
	err->os = before.os;
}

void
cred_file_advise(const char *path, gid_t group, struct err *err)
{
	struct stat st;

	if (stat(path, &st) == 0)
		advise(path, &st, group, err);
}

/* A secret as containers get it: root's, and our group can only read it.  Root
 * itself would have to believe every group it is in. */
static bool
is_handed_in(const struct stat *st)
{
	return st->st_uid == 0 && geteuid() != 0 &&
	       (st->st_mode & 0070) == 0040 &&
	       (st->st_gid == getegid() || group_member(st->st_gid));
}

int
cred_file_mode(
    const char *path, const struct stat *st, gid_t group, struct err *err)
{
	unsigned mode = st->st_mode & 07777;
	bool is_ours = group != (gid_t)-1 && st->st_gid == group;

	if ((mode & 0007) == 0 &&
	    ((mode & 0070) == 0 || is_ours || is_handed_in(st)))
		return 0;
	err_set(err, ERR_SECRET,
	    "%s contains a secret, but other users can read or change it (mode "
	    "%04o)",
	    path, mode);
	advise(path, st, group, err);
	return -1;
}

static int
check_kind(const char *path, const struct stat *st, struct err *err)
{
	if (S_ISREG(st->st_mode))
		return 0;
	return err_set(err, ERR_SECRET, "%s is not a regular file", path);
}

static int
check_trust(const char *path, uid_t owner, struct err *err)
{
	struct err why;

	err_clear(&why);
	if (trust_file(path, owner, &why) == 0)
		return 0;
	return err_set(err, ERR_SECRET, "%s", why.text);
}

bool
cred_file_stamp(const char *path, struct cred_stamp *ret)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	*ret = (struct cred_stamp) { st.st_dev, st.st_ino, st.st_size,
		(int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec };
	return true;
}

bool
cred_file_is_same(const struct cred_source *s)
{
	struct cred_stamp now;

	if (!cred_file_stamp(s->value, &now))
		return errno == EACCES;
	return now.dev == s->stamp.dev && now.ino == s->stamp.ino &&
	       now.size == s->stamp.size &&
	       now.changed_ns == s->stamp.changed_ns;
}

int
cred_file_check(const char *path, gid_t group, uid_t owner, struct err *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno == EACCES
			   ? 0
			   : err_sys(err, "cannot read the secret in %s", path);
	if (check_kind(path, &st, err) != 0 ||
	    cred_file_mode(path, &st, group, err) != 0)
		return -1;
	return check_trust(path, owner, err);
}

int
cred_first_line(
    const char *what, const struct buf *b, struct secret **ret, struct err *err)
{
	const char *p = buf_str(b);
	const char *end = memchr(p, '\n', buf_len(b));
	size_t n = end != NULL ? (size_t)(end - p) : buf_len(b);

	if (n > 0 && p[n - 1] == '\r')
		n--;
	if (n == 0)
		return err_set(
		    err, ERR_SECRET, "the first line of %s is empty", what);
	/* No login method can carry one; RFC 4616 section 2. */
	if (memchr(p, '\0', n) != NULL)
		return err_set(err, ERR_SECRET,
		    "the first line of %s contains a NUL byte, so it is not a "
		    "password",
		    what);
	*ret = secret_new(bytes_of(p, n));
	if (*ret == NULL)
		return err_set(err, ERR_SECRET,
		    "the secret in %s is longer than %d bytes", what,
		    (int)SECRET_MAX);
	return 0;
}

/* What matters of the file: the longest secret and one line end more. */
static int
read_start(int fd, struct buf *b)
{
	while (buf_room(b) > 0) {
		ssize_t n = read(fd, buf_space(b, buf_room(b)), buf_room(b));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		buf_added(b, (size_t)n);
	}
	return 0;
}

/* group NULL: the mode does not matter. */
static int
read_open(int fd, const char *path, const gid_t *group, struct secret **ret,
    struct err *err)
{
	struct stat st;
	struct buf b;
	int rc;

	if (fstat(fd, &st) != 0)
		return err_sys(err, "cannot read the secret in %s", path);
	if (check_kind(path, &st, err) != 0 ||
	    (group != NULL && cred_file_mode(path, &st, *group, err) != 0))
		return -1;
	buf_init(&b, SECRET_MAX + 2);
	if (read_start(fd, &b) != 0)
		rc = err_sys(err, "cannot read the secret in %s", path);
	else
		rc = cred_first_line(path, &b, ret, err);
	buf_wipe(&b);
	return rc;
}

static int
open_and_read(
    const char *path, const gid_t *group, struct secret **ret, struct err *err)
{
	/* A FIFO or a terminal must not hang us; the check follows. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int rc;

	if (fd < 0) {
		bool is_shut = errno == EACCES;

		err_sys(err, "cannot read the secret in %s", path);
		if (is_shut && group != NULL)
			cred_file_advise(path, *group, err);
		return -1;
	}
	rc = read_open(fd, path, group, ret, err);
	IGNORE(close(fd)); /* only read */
	return rc;
}

int
cred_file_read(
    const char *path, gid_t group, struct secret **ret, struct err *err)
{
	struct secret *s = NULL;

	if (open_and_read(path, &group, &s, err) != 0)
		return -1;
	if (check_trust(path, geteuid(), err) != 0) {
		secret_free(s);
		return -1;
	}
	*ret = s;
	return 0;
}

int
cred_file_read_below(const char *path, const char *credentials, gid_t group,
    struct secret **ret, struct err *err)
{
	size_t n = strlen(credentials);

	return n > 0 && strncmp(path, credentials, n) == 0 && path[n] == '/'
		   ? open_and_read(path, NULL, ret, err)
		   : cred_file_read(path, group, ret, err);
}

int
cred_file_of_credential(
    const char *credentials, const char *name, char **ret, struct err *err)
{
	if (strchr(name, '/') != NULL || name[0] == '.')
		return err_set(err, ERR_SECRET,
		    "\"%s\" is not the name of a credential", name);
	if (credentials == NULL || credentials[0] == '\0')
		return err_set(err, ERR_SECRET,
		    "no credential \"%s\": the service manager passed no "
		    "credentials; see LoadCredential= in systemd.exec(5)",
		    name);
	*ret = xasprintf("%s/%s", credentials, name);
	return 0;
}
