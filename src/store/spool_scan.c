/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the spool holds, folder by folder.  The last step is failed/. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "store/spool_core.h"

struct store_scan {
	struct spool *s;
	bool has_begun;
	unsigned step; /* folders done */
	unsigned first; /* folder to start at */
	bool is_there[QID_FOLDERS];
	char (*ids)[QID_SIZE]; /* of the folder at hand */
	size_t count, cap, at;
};

/* The folders' names come round every nine hours; the one after the newest is
 * the oldest, if no message is older than that. */
struct store_scan *
spool_scan_new(struct store *st, int64_t wall_ms)
{
	struct store_scan *c = xcalloc(1, sizeof(*c));

	c->s = spool_of(st);
	c->first = (qid_folder_at(wall_ms) + 1) % QID_FOLDERS;
	return c;
}

void
spool_scan_free(struct store_scan *c)
{
	if (c == NULL)
		return;
	free(c->ids);
	free(c);
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

static enum store_found
find_folders(struct store_scan *c, struct err *err)
{
	const struct fs *fs = c->s->fs;

	c->has_begun = true;
	if (fs->list(fs->ctx, c->s->dirs[PART_QUEUE].fd, note_folder,
		c->is_there) == 0)
		return STORE_FOUND_NONE;
	disk_err(err, "cannot list", "queue");
	return STORE_FOUND_ERROR;
}

static bool
note_id(void *arg, const char *name)
{
	struct store_scan *c = arg;

	if (!qid_is_valid(name))
		return true;
	if (c->count == c->cap) {
		c->cap = c->cap == 0 ? 64 : c->cap * 2;
		c->ids = xrealloc(c->ids, c->cap, QID_SIZE);
	}
	memcpy(c->ids[c->count++], name, QID_SIZE);
	return true;
}

static int
by_name(const void *a, const void *b)
{
	return memcmp(a, b, QID_SIZE);
}

static int
list_folder(struct store_scan *c, unsigned folder, struct err *err)
{
	struct spool *s = c->s;
	char name[QID_FOLDER_SIZE];
	int fd, rc;

	if (!c->is_there[folder])
		return 0;
	qid_folder_name(folder, name);
	fd = spool_open_at(
	    s, s->dirs[PART_QUEUE].fd, name, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return errno == ENOENT
			   ? 0
			   : disk_err(err, "cannot open folder", name);
	rc = s->fs->list(s->fs->ctx, fd, note_id, c);
	if (rc != 0)
		disk_err(err, "cannot list", name);
	disk_close(s->fs, fd);
	return rc;
}

static int
list_failed(struct store_scan *c, struct err *err)
{
	const struct fs *fs = c->s->fs;

	return fs->list(fs->ctx, c->s->dirs[PART_FAILED].fd, note_id, c) == 0
		   ? 0
		   : disk_err(err, "cannot list", "failed");
}

enum store_found
spool_scan_next(struct store_scan *c, enum store_place *ret_place,
    char ret_id[QID_SIZE], struct err *err)
{
	int rc;

	if (!c->has_begun)
		return find_folders(c, err);
	if (c->at < c->count) {
		*ret_place = c->step <= QID_FOLDERS ? STORE_QUEUE
						    : STORE_FAILED;
		memcpy(ret_id, c->ids[c->at++], QID_SIZE);
		return STORE_FOUND_ONE;
	}
	if (c->step > QID_FOLDERS)
		return STORE_FOUND_END;
	c->count = c->at = 0;
	rc = c->step < QID_FOLDERS
		 ? list_folder(c, (c->first + c->step) % QID_FOLDERS, err)
		 : list_failed(c, err);
	c->step++;
	if (c->count > 0)
		qsort(c->ids, c->count, QID_SIZE, by_name);
	return rc == 0 ? STORE_FOUND_NONE : STORE_FOUND_ERROR;
}
