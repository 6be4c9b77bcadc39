/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/crc32.h"
#include "base/list.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "queue/qid.h"

enum {
	/* Where the message of a draft starts: its header is written last and
	 * padded to this.  About a hundred recipients fit. */
	DRAFT_HEADER = 4096,
	PATH_SIZE = sizeof("corrupt/") + QID_LEN + 8,
	FOLDERS_KEPT = 2, /* open without being in use */
	FIRST_READ = 4096,
	COPY_CHUNK = 64 * 1024,
	CORRUPT_TRIES = 10
};
#define ROOM_LEFT_BYTES (UINT64_C(4) * 1024 * 1024)
#define ROOM_LEFT_FILES UINT64_C(50)

/* Everybody may put something into drop/, and nobody list it or remove what
 * others put there.  The set-group-id bit gives the files our group, so that we
 * may read what their owners wrote. */
enum { DROP_MODE = 03733 };

/* A directory whose sync is shared; see dir_sync(). */
struct dir {
	int fd;
	bool is_syncing;
	uint64_t started, done, failed; /* numbers of syncs */
};

/* One of queue/XX, open while messages are written to it. */
struct folder {
	struct list link;
	char name[QID_FOLDER_SIZE];
	struct dir dir;
	unsigned refs;
	bool is_anchored; /* its own name in queue/ is durable */
	bool is_lost; /* making it so has failed */
};

enum part { PART_QUEUE, PART_FAILED, PART_CORRUPT, PART_DROP, PART_STATE };
enum { NPARTS = PART_STATE + 1 };

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

struct spool {
	const struct fs *fs;
	char *path; /* for messages */
	int fd, lock_fd;
	uid_t uid;
	struct dir dirs[NPARTS];
	pthread_mutex_t mutex; /* folders, and the counters in struct dir */
	pthread_cond_t synced;
	struct list folders; /* the one used last in front */
};

struct spool_draft {
	struct spool *s;
	struct folder *folder;
	char id[QID_SIZE];
	int fd;
	uint64_t size;
	uint32_t crc; /* of the message alone */
	struct buf header;
	bool has_failed, is_committed;
};

struct spool_message {
	struct spool *s;
	enum spool_place place;
	int fd;
	struct envelope *env;
	struct spool_state st;
	uint64_t body, size; /* where the message is */
	uint64_t journal, end; /* where that starts, and is sound up to */
	bool is_torn; /* something follows that end */
	uint32_t want_crc, crc;
	uint64_t crc_at; /* crc covers the message up to here */
	bool is_damaged;
};

/* --- small helpers over the table ----------------------------------------- */

static int
err_disk(struct err *err, const char *what, const char *name)
{
	err_sys(err, "%s %s", what, name);
	if (err != NULL)
		err->class = ERR_DISK;
	return -1;
}

static int
fs_open(struct spool *s, int dirfd, const char *name, int flags)
{
	return s->fs->open(s->fs->ctx, dirfd, name, flags, 0600);
}

/* For descriptors that were only read from, or whose failure is reported
 * already; keeps errno. */
static void
fs_close(struct spool *s, int fd)
{
	int saved = errno;

	if (fd >= 0)
		IGNORE(s->fs->close(s->fs->ctx, fd));
	errno = saved;
}

static int
write_all(struct spool *s, int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t w = s->fs->write(s->fs->ctx, fd, at, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			if (w == 0)
				errno = ENOSPC;
			return -1;
		}
		at += w;
		n -= (size_t)w;
	}
	return 0;
}

static int
pwrite_all(struct spool *s, int fd, const void *p, size_t n, off_t to)
{
	const char *at = p;

	while (n > 0) {
		ssize_t w = s->fs->pwrite(s->fs->ctx, fd, at, n, to);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			if (w == 0)
				errno = ENOSPC;
			return -1;
		}
		at += w;
		to += w;
		n -= (size_t)w;
	}
	return 0;
}

/* As many bytes as there are, at most n; -1 and errno. */
static ssize_t
pread_all(struct spool *s, int fd, void *p, size_t n, uint64_t from)
{
	size_t have = 0;

	while (have < n) {
		ssize_t r = s->fs->pread(s->fs->ctx, fd, (char *)p + have,
		    n - have, (off_t)(from + have));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		have += (size_t)r;
	}
	return (ssize_t)have;
}

/* Relative to the spool. */
static void
path_of(enum spool_place place, const char *id, char ret[PATH_SIZE])
{
	static const char *const names[] = {
		[SPOOL_FAILED] = "failed", [SPOOL_CORRUPT] = "corrupt"
	};
	char folder[QID_FOLDER_SIZE];

	if (place == SPOOL_QUEUE) {
		qid_folder(id, folder);
		(void)snprintf(ret, PATH_SIZE, "queue/%s/%s", folder, id);
	} else {
		(void)snprintf(ret, PATH_SIZE, "%s/%s", names[place], id);
	}
}

/* --- syncing directories -------------------------------------------------- */

/* Returns when the directory is durable as it was at the time of the call; one
 * sync serves all who wait.
 *
 * A sync covers what was in the directory when it started.  So a caller wants
 * the next one to start, number started + 1, and not the one that may be under
 * way: that began before the caller's file was in its place, and may have read
 * the directory already.  Whoever finds nobody syncing starts the next one,
 * for itself and all who came meanwhile.
 *
 * A failed sync fails everybody it was to serve, and is never repeated for
 * them: the kernel may have dropped the dirty pages, and a second try could
 * succeed without having written them (R45).  One who wakes so late that a
 * later sync has failed too is also told of failure, which is safe. */
static int
dir_sync(struct spool *s, struct dir *d)
{
	uint64_t want;
	int rc;

	(void)pthread_mutex_lock(&s->mutex);
	want = d->started + 1;
	while (d->done < want) {
		uint64_t mine;

		if (d->is_syncing) {
			(void)pthread_cond_wait(&s->synced, &s->mutex);
			continue;
		}
		d->is_syncing = true;
		mine = ++d->started;
		(void)pthread_mutex_unlock(&s->mutex);
		rc = s->fs->sync(s->fs->ctx, d->fd);
		(void)pthread_mutex_lock(&s->mutex);
		d->is_syncing = false;
		d->done = mine;
		if (rc != 0)
			d->failed = mine;
		(void)pthread_cond_broadcast(&s->synced);
	}
	rc = d->failed >= want ? -1 : 0;
	(void)pthread_mutex_unlock(&s->mutex);
	if (rc != 0)
		errno = EIO; /* the thread that saw the true one is another */
	return rc;
}

/* --- folders -------------------------------------------------------------- */

static struct folder *
folder_find(struct spool *s, const char *name)
{
	list_foreach (it, &s->folders) {
		struct folder *f = list_entry(it, struct folder, link);

		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

static int
folder_open(struct spool *s, const char *name)
{
	int queue = s->dirs[PART_QUEUE].fd;
	int fd = fs_open(s, queue, name, O_RDONLY | O_DIRECTORY);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (s->fs->mkdir(s->fs->ctx, queue, name, 0700) != 0 && errno != EEXIST)
		return -1;
	return fs_open(s, queue, name, O_RDONLY | O_DIRECTORY);
}

/* The folder an id belongs to, made if need be; given back with _put. */
static struct folder *
folder_get(struct spool *s, const char *id, struct err *err)
{
	char name[QID_FOLDER_SIZE];
	struct folder *f;

	qid_folder(id, name);
	(void)pthread_mutex_lock(&s->mutex);
	f = folder_find(s, name);
	if (f == NULL) {
		int fd = folder_open(s, name);

		if (fd < 0) {
			err_disk(err, "cannot open folder", name);
			goto out;
		}
		f = xcalloc(1, sizeof(*f));
		memcpy(f->name, name, sizeof(name));
		f->dir.fd = fd;
		list_init(&f->link);
	}
	f->refs++;
	list_remove(&f->link);
	list_prepend(&s->folders, &f->link);
out:
	(void)pthread_mutex_unlock(&s->mutex);
	return f;
}

static void
folder_free(struct spool *s, struct folder *f)
{
	list_remove(&f->link);
	fs_close(s, f->dir.fd);
	free(f);
}

static void
folder_put(struct spool *s, struct folder *f)
{
	unsigned idle = 0;

	if (f == NULL)
		return;
	(void)pthread_mutex_lock(&s->mutex);
	f->refs--;
	list_foreach (it, &s->folders) {
		struct folder *g = list_entry(it, struct folder, link);

		if (g->refs == 0 && ++idle > FOLDERS_KEPT)
			folder_free(s, g);
	}
	(void)pthread_mutex_unlock(&s->mutex);
}

/* Makes what was put into the folder durable, and the folder itself.  Its own
 * name is synced once even if it was there before us: the process that made
 * it may have died before it could. */
static int
folder_sync(struct spool *s, struct folder *f)
{
	bool is_anchored;

	(void)pthread_mutex_lock(&s->mutex);
	is_anchored = f->is_anchored;
	if (f->is_lost) {
		(void)pthread_mutex_unlock(&s->mutex);
		errno = EIO;
		return -1;
	}
	(void)pthread_mutex_unlock(&s->mutex);
	if (!is_anchored) {
		int rc = dir_sync(s, &s->dirs[PART_QUEUE]);

		(void)pthread_mutex_lock(&s->mutex);
		f->is_anchored = rc == 0;
		f->is_lost = rc != 0;
		(void)pthread_mutex_unlock(&s->mutex);
		if (rc != 0)
			return -1;
	}
	return dir_sync(s, &f->dir);
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
		return err_set(err, ERR_CONFIG,
		    "the spool %s%s%s belongs to uid %u, not to uid %u; as "
		    "root type: chown -R %u %s",
		    s->path, slash, part, (unsigned)st.st_uid, (unsigned)s->uid,
		    (unsigned)s->uid, s->path);
	/* Looking into the spool itself harms nobody. */
	if ((st.st_mode & (part[0] != '\0' ? 077 : 022) & ~mode) != 0)
		return err_set(err, ERR_CONFIG,
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
	s->fd = fs_open(s, AT_FDCWD, dot, O_RDONLY | O_DIRECTORY);
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
	fd = fs_open(s, s->fd, name, O_RDONLY | O_DIRECTORY);
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
	s->lock_fd = fs_open(s, s->fd, "lock", O_RDWR | O_CREAT);
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
		fs_close(s, s->dirs[i].fd);
	fs_close(s, s->lock_fd);
	fs_close(s, s->fd);
	(void)pthread_cond_destroy(&s->synced);
	(void)pthread_mutex_destroy(&s->mutex);
	free(s->path);
	free(s);
}

bool
spool_is_free(struct spool *s, const char *id)
{
	char path[PATH_SIZE];
	struct stat st;

	path_of(SPOOL_QUEUE, id, path);
	return s->fs->stat(s->fs->ctx, s->fd, path, &st) != 0;
}

/* --- writing -------------------------------------------------------------- */

static int
create(struct spool *s, struct folder *f, const char *id, int access)
{
	return fs_open(s, f->dir.fd, id, access | O_CREAT | O_EXCL);
}

static void
uncreate(struct spool *s, struct folder *f, const char *id)
{
	int saved = errno;

	/* Should this fail too, the worst is that a message is delivered
	 * although its sender was told to try again. */
	IGNORE(s->fs->unlink(s->fs->ctx, f->dir.fd, id));
	errno = saved;
}

/* Syncs and closes; the descriptor is gone either way. */
static int
sync_close(struct spool *s, int fd)
{
	if (s->fs->sync(s->fs->ctx, fd) != 0) {
		fs_close(s, fd);
		return -1;
	}
	/* Some file systems report a failed write only here (R45). */
	return s->fs->close(s->fs->ctx, fd);
}

int
spool_store(struct spool *s, const char *id, struct bytes header,
    struct bytes message, struct err *err)
{
	struct folder *f = folder_get(s, id, err);
	char end[SPOOL_END_MAX];
	size_t end_len;
	int fd, rc = -1;

	if (f == NULL)
		return -1;
	fd = create(s, f, id, O_WRONLY);
	if (fd < 0) {
		err_disk(err, "cannot create", id);
		goto out;
	}
	end_len = spool_text_end(
	    end, message.n, crc32_of(0, message.p, message.n));
	/* The end record makes a torn file recognisable, so the file can be
	 * written under its final name and one flush publishes it. */
	if (write_all(s, fd, header.p, header.n) != 0 ||
	    write_all(s, fd, message.p, message.n) != 0 ||
	    write_all(s, fd, end, end_len) != 0) {
		fs_close(s, fd);
		err_disk(err, "cannot write", id);
	} else if (sync_close(s, fd) != 0) {
		err_disk(err, "cannot sync", id);
	} else if (folder_sync(s, f) != 0) {
		err_disk(err, "cannot sync the folder of", id);
	} else {
		rc = 0;
	}
	if (rc != 0)
		uncreate(s, f, id);
out:
	folder_put(s, f);
	return rc;
}

int
spool_draft_new(
    struct spool *s, const char *id, struct spool_draft **ret, struct err *err)
{
	struct spool_draft *d;
	char head[DRAFT_HEADER];
	struct folder *f = folder_get(s, id, err);
	int fd;

	if (f == NULL)
		return -1;
	fd = create(s, f, id, O_RDWR);
	if (fd < 0) {
		err_disk(err, "cannot create", id);
		folder_put(s, f);
		return -1;
	}
	d = xcalloc(1, sizeof(*d));
	d->s = s;
	d->folder = f;
	d->fd = fd;
	memcpy(d->id, id, QID_SIZE);
	buf_init(&d->header, SPOOL_HEADER_MAX);
	memset(head, ' ', sizeof(head));
	memcpy(head, SPOOL_DRAFT_MARK, strlen(SPOOL_DRAFT_MARK));
	if (write_all(s, fd, head, sizeof(head)) != 0) {
		err_disk(err, "cannot write", id);
		spool_draft_free(d);
		return -1;
	}
	*ret = d;
	return 0;
}

int
spool_draft_write(
    struct spool_draft *d, const void *p, size_t n, struct err *err)
{
	if (d->has_failed || write_all(d->s, d->fd, p, n) != 0) {
		if (d->has_failed)
			errno = EIO;
		d->has_failed = true;
		return err_disk(err, "cannot write", d->id);
	}
	d->crc = crc32_of(d->crc, p, n);
	d->size += n;
	return 0;
}

uint64_t
spool_draft_size(const struct spool_draft *d)
{
	return d->size;
}

int
spool_draft_read(struct spool_draft *d, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err)
{
	uint64_t left = at < d->size ? d->size - at : 0;
	size_t want = n < left ? n : (size_t)left;
	ssize_t r = pread_all(d->s, d->fd, p, want, DRAFT_HEADER + at);

	if (r < 0)
		return err_disk(err, "cannot read", d->id);
	if ((size_t)r != want)
		return err_set(err, ERR_DISK, "%s has become shorter", d->id);
	*ret_n = want;
	return 0;
}

int
spool_draft_end(
    struct spool_draft *d, const struct envelope *env, struct err *err)
{
	if (spool_text_header(
		&d->header, SPOOL_TEXT_MESSAGE, env, DRAFT_HEADER))
		return 0;
	/* More recipients than the place kept for them: the commit copies. */
	buf_reset(&d->header);
	if (spool_text_header(&d->header, SPOOL_TEXT_MESSAGE, env, 0))
		return 0;
	return err_set(err, ERR_INPUT, "the envelope of %s is too long", d->id);
}

static int
copy_message(struct spool_draft *d, int to)
{
	char *chunk = xmalloc(COPY_CHUNK);
	size_t n = 0;
	int rc = 0;

	for (uint64_t at = 0; rc == 0 && at < d->size; at += n)
		if (spool_draft_read(d, at, chunk, COPY_CHUNK, &n, NULL) != 0 ||
		    write_all(d->s, to, chunk, n) != 0)
			rc = -1;
	free(chunk);
	return rc;
}

/* The header does not fit: a second file takes the first one's name.  The
 * first stays open for those who read it. */
static int
rewrite(struct spool_draft *d, const char *end, size_t end_len)
{
	int fd;

	if (d->s->fs->unlink(d->s->fs->ctx, d->folder->dir.fd, d->id) != 0)
		return -1;
	fd = create(d->s, d->folder, d->id, O_WRONLY);
	if (fd < 0)
		return -1;
	if (write_all(d->s, fd, buf_str(&d->header), buf_len(&d->header)) !=
		0 ||
	    copy_message(d, fd) != 0 ||
	    write_all(d->s, fd, end, end_len) != 0) {
		fs_close(d->s, fd);
		return -1;
	}
	return sync_close(d->s, fd);
}

/* The first line last: until it is there, the file says that it is a draft,
 * wherever the work was interrupted. */
static int
fill_in(struct spool_draft *d, const char *end, size_t end_len)
{
	const char *header = buf_str(&d->header);
	const size_t first = strlen(SPOOL_DRAFT_MARK);

	if (pwrite_all(d->s, d->fd, header + first, DRAFT_HEADER - first,
		(off_t)first) != 0 ||
	    pwrite_all(d->s, d->fd, end, end_len,
		(off_t)(DRAFT_HEADER + d->size)) != 0 ||
	    pwrite_all(d->s, d->fd, header, first, 0) != 0)
		return -1;
	return d->s->fs->sync(d->s->fs->ctx, d->fd);
}

int
spool_draft_commit(struct spool_draft *d, struct err *err)
{
	char end[SPOOL_END_MAX];
	size_t end_len = spool_text_end(end, d->size, d->crc);
	bool fits = buf_len(&d->header) == DRAFT_HEADER;
	int rc;

	if (d->has_failed) {
		errno = EIO;
		return err_disk(err, "cannot write", d->id);
	}
	d->has_failed = true; /* whatever comes, there is no second commit */
	rc = fits ? fill_in(d, end, end_len) : rewrite(d, end, end_len);
	if (rc != 0)
		return err_disk(err, "cannot write and sync", d->id);
	if (folder_sync(d->s, d->folder) != 0)
		return err_disk(err, "cannot sync the folder of", d->id);
	d->is_committed = true;
	return 0;
}

void
spool_draft_free(struct spool_draft *d)
{
	if (d == NULL)
		return;
	if (!d->is_committed)
		uncreate(d->s, d->folder, d->id);
	/* Synced long since, or of no interest. */
	fs_close(d->s, d->fd);
	folder_put(d->s, d->folder);
	buf_clear(&d->header);
	free(d);
}

/* --- changing ------------------------------------------------------------- */

/* A crash may have left half a line: cuts behind the last whole one.  There
 * always is one, the end record. */
static int
cut_torn_line(struct spool *s, int fd, uint64_t *size)
{
	char tail[FIRST_READ];
	size_t n = *size < sizeof(tail) ? (size_t)*size : sizeof(tail);
	ssize_t r = pread_all(s, fd, tail, n, *size - n);
	size_t keep = n;

	if (r < 0)
		return -1;
	if ((size_t)r != n) {
		errno = EIO;
		return -1;
	}
	while (keep > 0 && tail[keep - 1] != '\n')
		keep--;
	if (keep == n)
		return 0;
	if (keep == 0) {
		errno = EIO; /* no journal line is that long */
		return -1;
	}
	*size -= n - keep;
	return s->fs->truncate(s->fs->ctx, fd, (off_t)*size);
}

int
spool_append(struct spool *s, enum spool_place place, const char *id,
    struct bytes lines, bool must_sync, struct err *err)
{
	char path[PATH_SIZE];
	struct stat st;
	uint64_t size;
	int fd;

	path_of(place, id, path);
	fd = fs_open(s, s->fd, path, O_RDWR);
	if (fd < 0)
		return err_disk(err, "cannot open", path);
	if (s->fs->fstat(s->fs->ctx, fd, &st) != 0)
		goto fail;
	size = (uint64_t)st.st_size;
	if (cut_torn_line(s, fd, &size) != 0)
		goto fail;
	if (pwrite_all(s, fd, lines.p, lines.n, (off_t)size) != 0) {
		int saved = errno;

		/* Half a line would be cut off later as well. */
		IGNORE(s->fs->truncate(s->fs->ctx, fd, (off_t)size));
		errno = saved;
		goto fail;
	}
	if (must_sync && s->fs->sync(s->fs->ctx, fd) != 0)
		goto fail;
	if (s->fs->close(s->fs->ctx, fd) != 0)
		return err_disk(err, "cannot write the journal of", path);
	return 0;
fail:
	err_disk(err, "cannot write the journal of", path);
	fs_close(s, fd);
	return -1;
}

/* A name in corrupt/ that is not taken. */
static int
corrupt_path(struct spool *s, const char *id, char ret[PATH_SIZE])
{
	struct stat st;

	path_of(SPOOL_CORRUPT, id, ret);
	for (int i = 1; i < CORRUPT_TRIES; i++) {
		if (s->fs->stat(s->fs->ctx, s->fd, ret, &st) != 0)
			return 0;
		(void)snprintf(ret, PATH_SIZE, "corrupt/%s.%d", id, i);
	}
	errno = EEXIST;
	return -1;
}

static int
sync_place(
    struct spool *s, enum spool_place place, const char *id, struct err *err)
{
	struct folder *f;
	int rc;

	if (place != SPOOL_QUEUE)
		return dir_sync(
		    s, &s->dirs[place == SPOOL_FAILED ? PART_FAILED
						      : PART_CORRUPT]);
	f = folder_get(s, id, err);
	if (f == NULL)
		return -1;
	rc = folder_sync(s, f);
	folder_put(s, f);
	return rc;
}

int
spool_move(struct spool *s, enum spool_place from, enum spool_place to,
    const char *id, enum spool_place *ret_place, struct err *err)
{
	char old[PATH_SIZE], new[PATH_SIZE];
	struct folder *f = NULL;
	int rc;

	path_of(from, id, old);
	path_of(to, id, new);
	if (to == SPOOL_CORRUPT && corrupt_path(s, id, new) != 0)
		return err_disk(err, "cannot move aside", old);
	if (to == SPOOL_QUEUE && (f = folder_get(s, id, err)) == NULL)
		return -1;
	rc = s->fs->rename(s->fs->ctx, s->fd, old, s->fd, new);
	folder_put(s, f);
	if (rc != 0)
		return err_disk(err, "cannot move", old);
	*ret_place = to;
	/* Where it is now first: without a journal, a file system could
	 * otherwise forget the old name before it knows the new one. */
	if (sync_place(s, to, id, err) != 0 ||
	    sync_place(s, from, id, err) != 0)
		return err_disk(err, "cannot sync the move of", old);
	return 0;
}

int
spool_remove(
    struct spool *s, enum spool_place place, const char *id, struct err *err)
{
	char path[PATH_SIZE];

	path_of(place, id, path);
	if (s->fs->unlink(s->fs->ctx, s->fd, path) != 0 && errno != ENOENT)
		return err_disk(err, "cannot remove", path);
	return 0;
}

/* --- reading -------------------------------------------------------------- */

static enum spool_result
damaged(struct err *err, const char *path, const char *how)
{
	err_set(err, ERR_DISK, "%s is damaged: %s", path, how);
	return SPOOL_DAMAGED;
}

/* Reads on until the header is whole; it is almost always in the first. */
static enum spool_result
load_header(struct spool_message *m, const char *path, const char *id,
    struct buf *file, struct err *err)
{
	enum spool_text_result res = SPOOL_TEXT_SHORT;
	size_t body = 0, step = FIRST_READ;

	while (res == SPOOL_TEXT_SHORT) {
		char *p = buf_space(file, step);
		ssize_t r;

		if (p == NULL || buf_len(file) > SPOOL_HEADER_MAX)
			return damaged(err, path, "its header does not end");
		r = pread_all(m->s, m->fd, p, step, buf_len(file));
		if (r < 0) {
			err_disk(err, "cannot read", path);
			return SPOOL_ERROR;
		}
		if (r == 0)
			return SPOOL_UNFINISHED;
		buf_added(file, (size_t)r);
		if (strncmp(buf_str(file), SPOOL_DRAFT_MARK,
			strlen(SPOOL_DRAFT_MARK)) == 0)
			return SPOOL_UNFINISHED; /* however long it is */
		res = spool_text_header_parse(
		    SPOOL_TEXT_MESSAGE, buf_bytes(file), &m->env, &body);
		step = buf_len(file);
	}
	if (res == SPOOL_TEXT_BAD)
		return damaged(err, path, "its header is not sound");
	if (strcmp(m->env->id, id) != 0)
		return damaged(err, path, "it names another id");
	m->body = body;
	m->size = m->env->size_bytes;
	return SPOOL_OK;
}

/* End record and journal, which may have been read already. */
static enum spool_result
load_tail(struct spool_message *m, const char *path, uint64_t file_size,
    struct buf *file, struct err *err)
{
	uint64_t at = m->body + m->size, n = file_size - at;
	size_t end, good;
	struct bytes tail;

	if (file_size < at)
		return SPOOL_UNFINISHED;
	if (n > SPOOL_JOURNAL_MAX)
		return damaged(err, path, "its journal is too long");
	if (file_size <= buf_len(file)) {
		tail = bytes_of(buf_str(file) + at, (size_t)n);
	} else {
		char *p;
		ssize_t r;

		buf_reset(file);
		p = buf_space(file, (size_t)n);
		r = pread_all(m->s, m->fd, p, (size_t)n, at);
		if (r < 0) {
			err_disk(err, "cannot read", path);
			return SPOOL_ERROR;
		}
		buf_added(file, (size_t)r);
		tail = buf_bytes(file);
	}
	switch (spool_text_end_parse(tail, m->size, &m->want_crc, &end)) {
	case SPOOL_TEXT_SHORT:
		return SPOOL_UNFINISHED;
	case SPOOL_TEXT_BAD:
		return damaged(err, path, "its end record is not sound");
	case SPOOL_TEXT_OK:
		break;
	}
	m->journal = at + end;
	tail = bytes_of(tail.p + end, tail.n - end);
	if (!spool_text_journal_parse(tail, m->env, &m->st, &good))
		return damaged(err, path, "its journal is not sound");
	m->end = m->journal + good;
	m->is_torn = good < tail.n;
	return SPOOL_OK;
}

/* R29: a regular file of ours that has no second name. */
static enum spool_result
check_file(struct spool *s, int fd, const char *path, uint64_t *ret_size,
    struct err *err)
{
	struct stat st;

	if (s->fs->fstat(s->fs->ctx, fd, &st) != 0) {
		err_disk(err, "cannot read", path);
		return SPOOL_ERROR;
	}
	if (!S_ISREG(st.st_mode))
		return damaged(err, path, "it is no regular file");
	if (st.st_uid != s->uid)
		return damaged(err, path, "it belongs to somebody else");
	if (st.st_nlink != 1)
		return damaged(err, path, "it has a second name");
	*ret_size = (uint64_t)st.st_size;
	return SPOOL_OK;
}

enum spool_result
spool_load(struct spool *s, enum spool_place place, const char *id,
    struct spool_message **ret, struct err *err)
{
	char path[PATH_SIZE];
	struct spool_message *m;
	enum spool_result res;
	struct buf file;
	uint64_t size;
	int fd;

	path_of(place, id, path);
	fd = fs_open(s, s->fd, path, O_RDONLY | O_NONBLOCK);
	if (fd < 0) {
		if (errno == ENOENT)
			return SPOOL_GONE;
		if (errno == ELOOP)
			return damaged(err, path, "it is a symbolic link");
		err_disk(err, "cannot open", path);
		return SPOOL_ERROR;
	}
	m = xcalloc(1, sizeof(*m));
	m->s = s;
	m->place = place;
	m->fd = fd;
	buf_init(&file, SPOOL_JOURNAL_MAX + SPOOL_END_MAX);
	res = check_file(s, fd, path, &size, err);
	if (res == SPOOL_OK)
		res = load_header(m, path, id, &file, err);
	if (res == SPOOL_OK)
		res = load_tail(m, path, size, &file, err);
	buf_clear(&file);
	if (res == SPOOL_OK)
		*ret = m;
	else
		spool_message_free(m);
	return res;
}

void
spool_message_free(struct spool_message *m)
{
	if (m == NULL)
		return;
	fs_close(m->s, m->fd);
	envelope_free(m->env);
	free(m);
}

void
spool_message_mend(struct spool_message *m)
{
	struct spool *s = m->s;
	char path[PATH_SIZE];
	int fd;

	if (!m->is_torn)
		return;
	path_of(m->place, m->env->id, path);
	fd = fs_open(s, s->fd, path, O_RDWR);
	/* If it cannot be done, the next append will meet the same trouble,
	 * and say so. */
	if (fd >= 0)
		IGNORE(s->fs->truncate(s->fs->ctx, fd, (off_t)m->end));
	fs_close(s, fd);
}

struct envelope *
spool_message_envelope(struct spool_message *m)
{
	return m->env;
}

const struct spool_state *
spool_message_state(const struct spool_message *m)
{
	return &m->st;
}

struct envelope *
spool_message_take_envelope(struct spool_message *m)
{
	struct envelope *e = m->env;

	m->env = NULL;
	return e;
}

int
spool_message_journal(struct spool_message *m, struct buf *to, struct err *err)
{
	char chunk[FIRST_READ];
	ssize_t r;

	for (uint64_t at = m->journal;; at += (uint64_t)r) {
		r = pread_all(m->s, m->fd, chunk, sizeof(chunk), at);
		if (r < 0)
			return err_disk(err, "cannot read", "the journal");
		if (r == 0 || !buf_add(to, chunk, (size_t)r))
			return 0;
	}
}

bool
spool_message_is_damaged(const struct spool_message *m)
{
	return m->is_damaged;
}

static int
message_damaged(struct spool_message *m, struct err *err)
{
	m->is_damaged = true;
	return err_set(
	    err, ERR_DISK, "the message is damaged: its checksum is wrong");
}

static int
read_exactly(
    struct spool_message *m, uint64_t at, void *p, size_t n, struct err *err)
{
	ssize_t r = pread_all(m->s, m->fd, p, n, m->body + at);

	if (r < 0)
		return err_disk(err, "cannot read", "the message");
	return (size_t)r == n ? 0 : message_damaged(m, err);
}

/* Takes these bytes into the checksum as far as they are new to it. */
static int
verify(struct spool_message *m, uint64_t at, const char *p, size_t n,
    struct err *err)
{
	size_t known = (size_t)(m->crc_at - at);

	if (at + n <= m->crc_at)
		return 0;
	m->crc = crc32_of(m->crc, p + known, n - known);
	m->crc_at = at + n;
	if (m->crc_at == m->size && m->crc != m->want_crc)
		return message_damaged(m, err);
	return 0;
}

/* For a reader that jumps ahead. */
static int
verify_up_to(struct spool_message *m, uint64_t at, struct err *err)
{
	char chunk[FIRST_READ];

	while (m->crc_at < at) {
		uint64_t from = m->crc_at, left = at - from;
		size_t n = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);

		if (read_exactly(m, from, chunk, n, err) != 0 ||
		    verify(m, from, chunk, n, err) != 0)
			return -1;
	}
	return 0;
}

int
spool_message_read(struct spool_message *m, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err)
{
	uint64_t left = at < m->size ? m->size - at : 0;
	size_t want = n < left ? n : (size_t)left;

	if (m->is_damaged || (m->size == 0 && m->crc != m->want_crc))
		return message_damaged(m, err);
	if (want > 0 && (verify_up_to(m, at, err) != 0 ||
			    read_exactly(m, at, p, want, err) != 0 ||
			    verify(m, at, p, want, err) != 0))
		return -1;
	*ret_n = want;
	return 0;
}

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
		return err_disk(err, "cannot list", "queue");
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
		fd = fs_open(
		    s, s->dirs[PART_QUEUE].fd, name, O_RDONLY | O_DIRECTORY);
		if (fd < 0)
			return errno == ENOENT
				   ? 0
				   : err_disk(err, "cannot open folder", name);
	}
	rc = s->fs->list(s->fs->ctx, fd, only_ids, &e);
	if (rc != 0)
		err_disk(
		    err, "cannot list", place == SPOOL_QUEUE ? name : "failed");
	if (place == SPOOL_QUEUE)
		fs_close(s, fd);
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
		err_disk(err, "cannot ask for the free space of", s->path);
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
	char chunk[FIRST_READ];
	int fd = fs_open(
	    s, s->dirs[PART_STATE].fd, name, O_RDONLY | O_NONBLOCK);
	ssize_t r;

	if (fd < 0)
		return errno == ENOENT
			   ? 0
			   : err_disk(err, "cannot open state", name);
	for (uint64_t at = 0;; at += (uint64_t)r) {
		r = pread_all(s, fd, chunk, sizeof(chunk), at);
		if (r <= 0 || !buf_add(to, chunk, (size_t)r))
			break;
	}
	if (r < 0)
		err_disk(err, "cannot read state", name);
	else if (r > 0)
		err_set(err, ERR_INPUT, "state %s is too long", name);
	fs_close(s, fd);
	return r == 0 ? 0 : -1;
}

int
spool_state_write(
    struct spool *s, const char *name, struct bytes content, struct err *err)
{
	int dir = s->dirs[PART_STATE].fd, rc = -1;
	char *temp = xasprintf("%s.new", name);
	/* A leftover of a crash is overwritten: one process, one writer. */
	int fd = fs_open(s, dir, temp, O_WRONLY | O_CREAT | O_TRUNC);

	if (fd >= 0 && write_all(s, fd, content.p, content.n) != 0) {
		fs_close(s, fd);
		fd = -1;
	}
	if (fd < 0 || sync_close(s, fd) != 0 ||
	    s->fs->rename(s->fs->ctx, dir, temp, dir, name) != 0 ||
	    dir_sync(s, &s->dirs[PART_STATE]) != 0)
		err_disk(err, "cannot write state", name);
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
spool_drop_set_aside(struct spool *s, const char *name, struct err *err)
{
	char to[PATH_SIZE];

	if (corrupt_path(s, name, to) != 0 ||
	    s->fs->rename(s->fs->ctx, s->dirs[PART_DROP].fd, name, s->fd, to) !=
		0)
		return err_disk(err, "cannot move aside", name);
	return 0;
}
