/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "store/spool_core.h"

enum { CORRUPT_TRIES = 10 };
#define ROOM_LEFT_BYTES (UINT64_C(4) * 1024 * 1024)
#define ROOM_LEFT_FILES UINT64_C(50)

/* Everybody may put something into drop/, and nobody list it or remove what
 * others put there.  The set-group-id bit gives the files our group, so that we
 * may read what their owners wrote. */
enum { DROP_MODE = 03733 };

static const struct {
	const char *name;
	mode_t mode;
} parts[NPARTS] = {
	[PART_QUEUE] = { "queue", 0700 },
	[PART_FAILED] = { "failed", 0700 },
	[PART_CORRUPT] = { "corrupt", 0700 },
	[PART_DROP] = { "drop", DROP_MODE },
	[PART_STATE] = { "state", 0700 },
};

/* --- names ---------------------------------------------------------------- */

int
spool_open_at(struct spool *s, int dirfd, const char *name, int flags)
{
	return s->fs->open(s->fs->ctx, dirfd, name, flags, 0600);
}

void
spool_path(enum spool_place place, const char *id, char ret[SPOOL_PATH_SIZE])
{
	static const char *const names[] = {
		[SPOOL_FAILED] = "failed", [SPOOL_CORRUPT] = "corrupt"
	};
	char folder[QID_FOLDER_SIZE];

	if (place == SPOOL_QUEUE) {
		qid_folder(id, folder);
		(void)snprintf(ret, SPOOL_PATH_SIZE, "queue/%s/%s", folder, id);
	} else {
		(void)snprintf(ret, SPOOL_PATH_SIZE, "%s/%s", names[place], id);
	}
}

int
spool_corrupt_path(struct spool *s, const char *id, char ret[SPOOL_PATH_SIZE])
{
	struct stat st;

	spool_path(SPOOL_CORRUPT, id, ret);
	for (int i = 1; i < CORRUPT_TRIES; i++) {
		if (s->fs->stat(s->fs->ctx, s->fd, ret, &st) != 0)
			return 0;
		(void)snprintf(ret, SPOOL_PATH_SIZE, "corrupt/%s.%d", id, i);
	}
	errno = EEXIST;
	return -1;
}

/* --- opening -------------------------------------------------------------- */

static int
open_failed(struct spool *s, const char *part, struct err *err)
{
	int os = errno;
	const char *slash = part[0] != '\0' ? "/" : "";

	if (os == ENOENT)
		err_sys(err,
		    "the spool %s%s%s cannot be made; type: mkdir -p %s",
		    s->path, slash, part, s->path);
	else if (os == EACCES || os == EPERM)
		err_sys(err,
		    "the spool %s%s%s cannot be used by uid %u; as root type: "
		    "chown -R %u %s && chmod 711 %s",
		    s->path, slash, part, (unsigned)s->uid, (unsigned)s->uid,
		    s->path, s->path);
	else
		err_sys(err, "the spool %s%s%s", s->path, slash, part);
	if (err != NULL)
		err->class = ERR_DISK;
	return -1;
}

static int
check_dir(
    struct spool *s, int fd, const char *part, mode_t mode, struct err *err)
{
	const char *slash = part[0] != '\0' ? "/" : "";
	struct stat st;

	if (s->fs->fstat(s->fs->ctx, fd, &st) != 0)
		return open_failed(s, part, err);
	if (st.st_uid != s->uid)
		return err_set(err, ERR_DISK,
		    "the spool %s%s%s belongs to uid %u, not to uid %u; as "
		    "root type: chown -R %u %s",
		    s->path, slash, part, (unsigned)st.st_uid, (unsigned)s->uid,
		    (unsigned)s->uid, s->path);
	/* Looking into the spool itself harms nobody. */
	if ((st.st_mode & (part[0] != '\0' ? 077 : 022) & ~mode) != 0)
		return err_set(err, ERR_DISK,
		    "the spool %s%s%s is open to other users (mode %o); "
		    "type: chmod %o %s%s%s",
		    s->path, slash, part, (unsigned)(st.st_mode & 07777),
		    (unsigned)mode, s->path, slash, part);
	return 0;
}

/* drop/ has to be reached by all who submit, so the spool itself can be
 * passed through, but not listed. */
enum { ROOT_MODE = 0711 };

static int
open_root(struct spool *s, struct err *err)
{
	/* "/." follows a link: a spool on another disk is fine. */
	char *dot = xasprintf("%s/.", s->path);
	int rc = -1;

	if (s->fs->mkdir(s->fs->ctx, AT_FDCWD, s->path, ROOT_MODE) == 0) {
		/* the umask may have taken some of it */
		IGNORE(s->fs->chmod(s->fs->ctx, AT_FDCWD, s->path, ROOT_MODE));
	} else if (errno != EEXIST && errno != EROFS && errno != EACCES) {
		open_failed(s, "", err);
		goto out;
	}
	s->fd = spool_open_at(s, AT_FDCWD, dot, O_RDONLY | O_DIRECTORY);
	if (s->fd < 0)
		open_failed(s, "", err);
	else
		rc = check_dir(s, s->fd, "", ROOT_MODE, err);
out:
	free(dot);
	return rc;
}

/* Neither the umask nor an installer's idea of it counts.  A sandbox may forbid
 * the set-group-id bit; then mail that others drop cannot be read, which is
 * told file by file, and everything else works. */
static void
open_drop(struct spool *s, int fd)
{
	const char *name = parts[PART_DROP].name;
	struct stat st;

	if (s->fs->fstat(s->fs->ctx, fd, &st) == 0 &&
	    (st.st_mode & 07777) == DROP_MODE)
		return;
	if (s->fs->chmod(s->fs->ctx, s->fd, name, DROP_MODE) != 0)
		IGNORE(
		    s->fs->chmod(s->fs->ctx, s->fd, name, DROP_MODE & 01777));
}

static int
open_part(struct spool *s, size_t i, struct err *err)
{
	const char *name = parts[i].name;
	int fd;

	if (s->fs->mkdir(s->fs->ctx, s->fd, name, 0700) != 0 && errno != EEXIST)
		return open_failed(s, name, err);
	fd = spool_open_at(s, s->fd, name, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return open_failed(s, name, err);
	s->dirs[i].fd = fd;
	if (check_dir(s, fd, name, parts[i].mode, err) != 0)
		return -1;
	if (i == PART_DROP)
		open_drop(s, fd);
	return 0;
}

static int
take_lock(struct spool *s, struct err *err)
{
	s->lock_fd = spool_open_at(s, s->fd, "lock", O_RDWR | O_CREAT);
	if (s->lock_fd < 0)
		return open_failed(s, "lock", err);
	if (s->fs->lock(s->fs->ctx, s->lock_fd) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return open_failed(s, "lock", err);
	return err_set(err, ERR_BUSY,
	    "the spool %s is in use by another relaisd; stop that one first, "
	    "or give this one a spool of its own",
	    s->path);
}

int
spool_open(
    const char *dir, const struct fs *fs, struct spool **ret, struct err *err)
{
	struct spool *s = xcalloc(1, sizeof(*s));

	s->fs = fs;
	s->path = xstrdup(dir);
	s->fd = s->lock_fd = -1;
	s->uid = geteuid();
	for (size_t i = 0; i < NPARTS; i++)
		s->dirs[i].fd = -1;
	(void)pthread_mutex_init(&s->mutex, NULL); /* cannot fail on Linux */
	(void)pthread_cond_init(&s->synced, NULL);
	list_init(&s->folders);

	if (open_root(s, err) != 0 || take_lock(s, err) != 0)
		goto fail;
	for (size_t i = 0; i < NPARTS; i++)
		if (open_part(s, i, err) != 0)
			goto fail;
	/* The parts may be new; what they will hold must be found. */
	if (s->fs->sync(s->fs->ctx, s->fd) != 0) {
		open_failed(s, "", err);
		goto fail;
	}
	*ret = s;
	return 0;
fail:
	spool_free(s);
	return -1;
}

void
spool_free(struct spool *s)
{
	if (s == NULL)
		return;
	list_foreach (it, &s->folders)
		folder_free(s, list_entry(it, struct folder, link));
	for (size_t i = 0; i < NPARTS; i++)
		disk_close(s->fs, s->dirs[i].fd);
	disk_close(s->fs, s->lock_fd);
	disk_close(s->fs, s->fd);
	(void)pthread_cond_destroy(&s->synced);
	(void)pthread_mutex_destroy(&s->mutex);
	free(s->path);
	free(s);
}

bool
spool_is_free(struct spool *s, const char *id)
{
	char path[SPOOL_PATH_SIZE];
	struct stat st;

	spool_path(SPOOL_QUEUE, id, path);
	return s->fs->stat(s->fs->ctx, s->fd, path, &st) != 0;
}

/* --- listing -------------------------------------------------------------- */

static bool
note_folder(void *arg, const char *name)
{
	bool *is_there = arg;
	int number = qid_folder_number(name);

	if (number >= 0)
		is_there[number] = true;
	return true;
}

int
spool_folders(struct spool *s, bool *ret_is_there, struct err *err)
{
	memset(ret_is_there, 0, QID_FOLDERS * sizeof(*ret_is_there));
	if (s->fs->list(s->fs->ctx, s->dirs[PART_QUEUE].fd, note_folder,
		ret_is_there) != 0)
		return disk_err(err, "cannot list", "queue");
	return 0;
}

struct each_id {
	bool (*each)(void *arg, const char *id);
	void *arg;
};

static bool
only_ids(void *arg, const char *name)
{
	struct each_id *e = arg;

	return !qid_is_valid(name) || e->each(e->arg, name);
}

int
spool_list(struct spool *s, enum spool_place place, unsigned folder,
    bool (*each)(void *arg, const char *id), void *arg, struct err *err)
{
	struct each_id e = { each, arg };
	char name[QID_FOLDER_SIZE];
	int fd = s->dirs[PART_FAILED].fd, rc;

	if (place == SPOOL_QUEUE) {
		qid_folder_name(folder, name);
		fd = spool_open_at(
		    s, s->dirs[PART_QUEUE].fd, name, O_RDONLY | O_DIRECTORY);
		if (fd < 0)
			return errno == ENOENT
				   ? 0
				   : disk_err(err, "cannot open folder", name);
	}
	rc = s->fs->list(s->fs->ctx, fd, only_ids, &e);
	if (rc != 0)
		disk_err(
		    err, "cannot list", place == SPOOL_QUEUE ? name : "failed");
	if (place == SPOOL_QUEUE)
		disk_close(s->fs, fd);
	return rc;
}

/* --- room, small files, drop ---------------------------------------------- */

bool
spool_has_room(struct spool *s, uint64_t size_bytes, struct err *err)
{
	char text[NUM_TEXT_SIZE];
	struct statvfs v;
	uint64_t left;

	if (s->fs->space(s->fs->ctx, s->fd, &v) != 0) {
		disk_err(err, "cannot ask for the free space of", s->path);
		return false;
	}
	left = (uint64_t)v.f_bavail * v.f_frsize;
	if (left < ROOM_LEFT_BYTES || left - ROOM_LEFT_BYTES < size_bytes) {
		err_set(err, ERR_DISK,
		    "the disk is full: %s is left for the spool %s",
		    num_size_text(left, text), s->path);
		return false;
	}
	/* File systems without a fixed number of files say 0 of 0. */
	if (v.f_files != 0 && v.f_favail < ROOM_LEFT_FILES) {
		err_set(err, ERR_DISK,
		    "the disk is full: it can take no more files in %s",
		    s->path);
		return false;
	}
	return true;
}

int
spool_state_read(
    struct spool *s, const char *name, struct buf *to, struct err *err)
{
	char chunk[SPOOL_FIRST_READ];
	int fd = spool_open_at(
	    s, s->dirs[PART_STATE].fd, name, O_RDONLY | O_NONBLOCK);
	ssize_t r;

	if (fd < 0)
		return errno == ENOENT
			   ? 0
			   : disk_err(err, "cannot open state", name);
	for (uint64_t at = 0;; at += (uint64_t)r) {
		r = disk_pread(s->fs, fd, chunk, sizeof(chunk), at);
		if (r <= 0 || !buf_add(to, chunk, (size_t)r))
			break;
	}
	if (r < 0)
		disk_err(err, "cannot read state", name);
	else if (r > 0)
		err_set(err, ERR_INPUT, "state %s is too long", name);
	disk_close(s->fs, fd);
	return r == 0 ? 0 : -1;
}

int
spool_state_write(
    struct spool *s, const char *name, struct bytes content, struct err *err)
{
	int dir = s->dirs[PART_STATE].fd, rc = -1;
	char *temp = xasprintf("%s.new", name);
	/* A leftover of a crash is overwritten: one process, one writer. */
	int fd = spool_open_at(s, dir, temp, O_WRONLY | O_CREAT | O_TRUNC);

	if (fd >= 0 && disk_write(s->fs, fd, content.p, content.n) != 0) {
		disk_close(s->fs, fd);
		fd = -1;
	}
	if (fd < 0 || disk_sync_close(s->fs, fd) != 0 ||
	    s->fs->rename(s->fs->ctx, dir, temp, dir, name) != 0 ||
	    dir_sync(s, &s->dirs[PART_STATE]) != 0)
		disk_err(err, "cannot write state", name);
	else
		rc = 0;
	free(temp);
	return rc;
}

int
spool_drop_dirfd(const struct spool *s)
{
	return s->dirs[PART_DROP].fd;
}

int
spool_corrupt_dirfd(const struct spool *s)
{
	return s->dirs[PART_CORRUPT].fd;
}

int
spool_drop_set_aside(struct spool *s, const char *name, struct err *err)
{
	char to[SPOOL_PATH_SIZE];

	if (spool_corrupt_path(s, name, to) != 0 ||
	    s->fs->rename(s->fs->ctx, s->dirs[PART_DROP].fd, name, s->fd, to) !=
		0)
		return disk_err(err, "cannot move aside", name);
	return 0;
}
