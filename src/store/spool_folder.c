/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "store/spool_core.h"

enum { FOLDERS_KEPT = 2 }; /* open without being in use */

/* --- syncing directories -------------------------------------------------- */

/* A sync covers what was in the directory when it started.  So a caller wants
 * the next one to start, number started + 1, and not the one that may be under
 * way: that began before the caller's file was in its place, and may have read
 * the directory already.  A caller that finds no sync running starts the next
 * one, for itself and all that came meanwhile.
 *
 * A failed sync fails everybody it was to serve, and is never repeated for
 * them: the kernel may have dropped the dirty pages, and a second try could
 * succeed without having written them (R45).  One who wakes so late that a
 * later sync has failed too is also told of failure, which is safe. */
int
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
	int fd = spool_open_at(s, queue, name, O_RDONLY | O_DIRECTORY);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (s->fs->mkdir(s->fs->ctx, queue, name, 0700) != 0 && errno != EEXIST)
		return -1;
	return spool_open_at(s, queue, name, O_RDONLY | O_DIRECTORY);
}

struct folder *
folder_get(struct spool *s, const char *id, struct err *err)
{
	char name[QID_FOLDER_SIZE];

	qid_folder(id, name);
	return folder_get_named(s, name, err);
}

struct folder *
folder_get_named(struct spool *s, const char *name, struct err *err)
{
	struct folder *f;

	(void)pthread_mutex_lock(&s->mutex);
	f = folder_find(s, name);
	if (f == NULL) {
		int fd = folder_open(s, name);

		if (fd < 0) {
			disk_err(err, "cannot open folder", name);
			goto out;
		}
		f = xcalloc(1, sizeof(*f));
		memcpy(f->name, name, sizeof(f->name));
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

void
folder_free(struct spool *s, struct folder *f)
{
	list_remove(&f->link);
	disk_close(s->fs, f->dir.fd);
	free(f);
}

void
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

/* Its own name is synced once even if it was there before us: the process that
 * made it may have died before it could. */
int
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
