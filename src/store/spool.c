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
#include "store/drop_folder.h"
#include "store/spool_core.h"

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

static bool
spool_is_free(struct store *st, const char *id)
{
	struct spool *s = spool_of(st);
	char path[SPOOL_PATH_SIZE];
	struct stat info;

	spool_path(STORE_QUEUE, id, path);
	return s->fs->stat(s->fs->ctx, s->fd, path, &info) != 0;
}

/* --- room, small files --------------------------------------------------- */

static int
ask_space(const struct spool *s, struct statvfs *ret, uint64_t *ret_left,
    struct err *err)
{
	if (s->fs->space(s->fs->ctx, s->fd, ret) != 0)
		return disk_err(
		    err, "cannot ask for the free space of", s->store.name);
	*ret_left = (uint64_t)ret->f_bavail * ret->f_frsize;
	return 0;
}

static int
spool_room(struct store *st, uint64_t *ret_bytes, struct err *err)
{
	struct statvfs v;

	return ask_space(spool_of(st), &v, ret_bytes, err);
}

static bool
spool_has_room(struct store *st, uint64_t size_bytes, struct err *err)
{
	struct spool *s = spool_of(st);
	char text[NUM_TEXT_SIZE];
	struct statvfs v;
	uint64_t left = 0;

	if (ask_space(s, &v, &left, err) != 0)
		return false;
	if (left < ROOM_LEFT_BYTES || left - ROOM_LEFT_BYTES < size_bytes) {
		err_set(err, ERR_DISK,
		    "the disk is full: %s is left for the spool %s",
		    num_size_text(left, text), s->store.name);
		return false;
	}
	/* File systems without a fixed number of files say 0 of 0. */
	if (v.f_files != 0 && v.f_favail < ROOM_LEFT_FILES) {
		err_set(err, ERR_DISK,
		    "the disk is full: it can take no more files in %s",
		    s->store.name);
		return false;
	}
	return true;
}

static int
spool_state_read(
    struct store *st, const char *name, struct buf *to, struct err *err)
{
	struct spool *s = spool_of(st);
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

static int
spool_state_write(
    struct store *st, const char *name, struct bytes content, struct err *err)
{
	struct spool *s = spool_of(st);
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

/* --- opening -------------------------------------------------------------- */

static int
open_failed(struct spool *s, const char *part, struct err *err)
{
	int os = errno;
	const char *slash = part[0] != '\0' ? "/" : "";

	if (os == ENOENT)
		err_sys(err,
		    "cannot create the spool %s%s%s; type: mkdir -p %s",
		    s->store.name, slash, part, s->store.name);
	else if (os == EACCES || os == EPERM)
		err_sys(err,
		    "the spool %s%s%s cannot be used by uid %u; as root type: "
		    "chown -R %u %s && chmod 711 %s",
		    s->store.name, slash, part, (unsigned)s->uid,
		    (unsigned)s->uid, s->store.name, s->store.name);
	else
		err_sys(err, "the spool %s%s%s", s->store.name, slash, part);
	if (err != NULL)
		err->class = ERR_DISK;
	return -1;
}

static bool
is_own_group(gid_t gid)
{
	return gid == getegid() || group_member(gid);
}

/* A volume as containers get it: root's, and all that is made in it belongs to
 * a group of ours, which may do everything there. */
static bool
is_volume(const struct spool *s, const struct stat *st)
{
	return st->st_uid == 0 && s->uid != 0 &&
	       (st->st_mode & (S_ISGID | 0072)) == (S_ISGID | 0070) &&
	       is_own_group(st->st_gid);
}

/* Kubernetes may have opened all files of a volume to our group before it gave
 * it to us once more. */
static bool
is_closed_again(
    struct spool *s, const char *part, mode_t mode, const struct stat *st)
{
	return s->is_volume && part[0] != '\0' &&
	       (st->st_mode & 007 & ~mode) == 0 && is_own_group(st->st_gid) &&
	       s->fs->chmod(s->fs->ctx, s->fd, part, mode) == 0;
}

static int
check_dir(
    struct spool *s, int fd, const char *part, mode_t mode, struct err *err)
{
	const char *slash = part[0] != '\0' ? "/" : "";
	struct stat st;

	if (s->fs->fstat(s->fs->ctx, fd, &st) != 0)
		return open_failed(s, part, err);
	if (part[0] == '\0' && is_volume(s, &st)) {
		s->is_volume = true;
		return 0;
	}
	if (st.st_uid != s->uid)
		return err_set(err, ERR_DISK,
		    "the spool %s%s%s belongs to uid %u, not to uid %u; as "
		    "root type: chown -R %u %s",
		    s->store.name, slash, part, (unsigned)st.st_uid,
		    (unsigned)s->uid, (unsigned)s->uid, s->store.name);
	/* Looking into the spool itself harms nobody. */
	if ((st.st_mode & (part[0] != '\0' ? 077 : 022) & ~mode) != 0 &&
	    !is_closed_again(s, part, mode, &st))
		return err_set(err, ERR_DISK,
		    "the spool %s%s%s is open to other users (mode %o); "
		    "type: chmod %o %s%s%s",
		    s->store.name, slash, part, (unsigned)(st.st_mode & 07777),
		    (unsigned)mode, s->store.name, slash, part);
	return 0;
}

/* drop/ has to be reached by all who submit, so the spool itself can be
 * passed through, but not listed. */
enum { ROOT_MODE = 0711 };

static int
open_root(struct spool *s, struct err *err)
{
	/* "/." follows a link: a spool on another disk is fine. */
	char *dot = xasprintf("%s/.", s->store.name);
	int rc = -1;

	if (s->fs->mkdir(s->fs->ctx, AT_FDCWD, s->store.name, ROOT_MODE) == 0) {
		/* the umask may have taken some of it */
		IGNORE(s->fs->chmod(
		    s->fs->ctx, AT_FDCWD, s->store.name, ROOT_MODE));
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
	    s->store.name);
}

static void
spool_free(struct store *st)
{
	struct spool *s = spool_of(st);

	drop_folder_free(s->store.drop);
	spool_history_free(s);
	list_foreach (it, &s->folders)
		folder_free(s, list_entry(it, struct folder, link));
	for (size_t i = 0; i < NPARTS; i++)
		disk_close(s->fs, s->dirs[i].fd);
	disk_close(s->fs, s->lock_fd);
	disk_close(s->fs, s->fd);
	(void)pthread_cond_destroy(&s->synced);
	(void)pthread_mutex_destroy(&s->mutex);
	free((char *)(uintptr_t)s->store.name);
	free(s);
}

static const struct store_ops ops = {
	.free = spool_free,
	.is_free = spool_is_free,
	.put = spool_put,
	.draft_new = spool_draft_new,
	.draft_write = spool_draft_write,
	.draft_read = spool_draft_read,
	.draft_end = spool_draft_end,
	.draft_commit = spool_draft_commit,
	.draft_free = spool_draft_free,
	.append = spool_append,
	.finish = spool_finish,
	.remove = spool_remove,
	.sync = spool_sync,
	.load = spool_load,
	.message_mend = spool_message_mend,
	.message_journal = spool_message_journal,
	.message_read = spool_message_read,
	.message_free = spool_message_free,
	.scan_new = spool_scan_new,
	.scan_next = spool_scan_next,
	.scan_free = spool_scan_free,
	.has_room = spool_has_room,
	.room = spool_room,
	.state_read = spool_state_read,
	.state_write = spool_state_write,
	.history_add = spool_history_add,
	.history_open = spool_history_open,
	.history_read = spool_history_read,
	.history_close = spool_history_close,
};

int
spool_open(
    const char *dir, const struct fs *fs, struct store **ret, struct err *err)
{
	struct spool *s = xcalloc(1, sizeof(*s));

	s->fs = fs;
	s->store.ops = &ops;
	s->store.name = xstrdup(dir);
	s->fd = s->lock_fd = s->history.fd = -1;
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
	s->store.drop = drop_folder_new(
	    fs, s->dirs[PART_DROP].fd, s->dirs[PART_CORRUPT].fd);
	*ret = &s->store;
	return 0;
fail:
	spool_free(&s->store);
	return -1;
}
