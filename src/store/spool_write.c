/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc32.h"
#include "base/xalloc.h"
#include "store/spool_core.h"

enum {
	/* Where the message of a draft starts: its header is written last and
	 * padded to this.  About a hundred recipients fit. */
	DRAFT_HEADER = 4096,
	COPY_CHUNK = 64 * 1024
};

struct spool_draft {
	struct store_draft draft;
	struct spool *s;
	struct folder *folder;
	char id[QID_SIZE];
	int fd;
	uint32_t crc; /* of the message alone */
	struct buf header;
	bool has_failed, is_committed;
};

/* --- a new message -------------------------------------------------------- */

static int
create(struct spool *s, struct folder *f, const char *id, int access)
{
	return spool_open_at(s, f->dir.fd, id, access | O_CREAT | O_EXCL);
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

/* The last that is written: the end record and what the journal begins with.
 * It makes a torn file recognisable, so the file can be written under its final
 * name and one flush publishes it. */
static void
take_end(struct buf *to, uint64_t size, uint32_t crc,
    const struct store_notes *notes)
{
	char *end;

	buf_init(to, STORE_END_MAX + STORE_HEADER_MAX);
	end = buf_space(to, STORE_END_MAX);
	buf_added(to, store_text_end(end, (size_t)size, crc));
	if (notes != NULL) {
		struct bytes lines = notes->take(notes->ctx);

		IGNORE(buf_add(to, lines.p, lines.n)); /* no more than fits */
	}
}

static void
end_written(struct buf *end, const struct store_notes *notes)
{
	if (notes != NULL)
		notes->written(notes->ctx);
	buf_clear(end);
}

static int
write_end(struct spool *s, int fd, uint64_t size, uint32_t crc,
    const struct store_notes *notes)
{
	struct buf end;
	int rc;

	take_end(&end, size, crc, notes);
	rc = disk_write(s->fs, fd, buf_str(&end), buf_len(&end));
	end_written(&end, notes);
	return rc;
}

int
spool_put(struct store *st, const char *id, struct bytes header,
    struct bytes message, const struct store_notes *notes, struct err *err)
{
	struct spool *s = spool_of(st);
	struct folder *f = folder_get(s, id, err);
	int fd, rc = -1;

	if (f == NULL)
		return -1;
	fd = create(s, f, id, O_WRONLY);
	if (fd < 0) {
		disk_err(err, "cannot create", id);
		goto out;
	}
	if (disk_write(s->fs, fd, header.p, header.n) != 0 ||
	    disk_write(s->fs, fd, message.p, message.n) != 0 ||
	    write_end(s, fd, message.n, crc32_of(0, message.p, message.n),
		notes) != 0) {
		disk_close(s->fs, fd);
		disk_err(err, "cannot write", id);
	} else if (disk_sync_close(s->fs, fd) != 0) {
		disk_err(err, "cannot sync", id);
	} else if (folder_sync(s, f) != 0) {
		disk_err(err, "cannot sync the folder of", id);
	} else {
		rc = 0;
	}
	if (rc != 0)
		uncreate(s, f, id);
out:
	folder_put(s, f);
	return rc;
}

static struct spool_draft *
draft_of(struct store_draft *d)
{
	return (struct spool_draft *)(void *)d;
}

int
spool_draft_new(
    struct store *st, const char *id, struct store_draft **ret, struct err *err)
{
	struct spool *s = spool_of(st);
	struct spool_draft *d;
	char head[DRAFT_HEADER];
	struct folder *f = folder_get(s, id, err);
	int fd;

	if (f == NULL)
		return -1;
	fd = create(s, f, id, O_RDWR);
	if (fd < 0) {
		disk_err(err, "cannot create", id);
		folder_put(s, f);
		return -1;
	}
	d = xcalloc(1, sizeof(*d));
	d->s = s;
	d->folder = f;
	d->fd = fd;
	memcpy(d->id, id, QID_SIZE);
	buf_init(&d->header, STORE_HEADER_MAX);
	memset(head, ' ', sizeof(head));
	memcpy(head, STORE_DRAFT_MARK, strlen(STORE_DRAFT_MARK));
	if (disk_write(s->fs, fd, head, sizeof(head)) != 0) {
		disk_err(err, "cannot write", id);
		spool_draft_free(&d->draft);
		return -1;
	}
	*ret = &d->draft;
	return 0;
}

int
spool_draft_write(
    struct store_draft *sd, const void *p, size_t n, struct err *err)
{
	struct spool_draft *d = draft_of(sd);

	if (d->has_failed || disk_write(d->s->fs, d->fd, p, n) != 0) {
		if (d->has_failed)
			errno = EIO;
		d->has_failed = true;
		return disk_err(err, "cannot write", d->id);
	}
	d->crc = crc32_of(d->crc, p, n);
	d->draft.size_bytes += n;
	return 0;
}

int
spool_draft_read(struct store_draft *sd, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err)
{
	struct spool_draft *d = draft_of(sd);
	uint64_t left = at < d->draft.size_bytes ? d->draft.size_bytes - at : 0;
	size_t want = n < left ? n : (size_t)left;
	ssize_t r = disk_pread(d->s->fs, d->fd, p, want, DRAFT_HEADER + at);

	if (r < 0)
		return disk_err(err, "cannot read", d->id);
	if ((size_t)r != want)
		return err_set(err, ERR_DISK, "%s has become shorter", d->id);
	*ret_n = want;
	return 0;
}

int
spool_draft_end(
    struct store_draft *sd, const struct envelope *env, struct err *err)
{
	struct spool_draft *d = draft_of(sd);

	if (store_text_header(
		&d->header, STORE_TEXT_MESSAGE, env, DRAFT_HEADER))
		return 0;
	/* More recipients than the place kept for them: the commit copies. */
	buf_reset(&d->header);
	if (store_text_header(&d->header, STORE_TEXT_MESSAGE, env, 0))
		return 0;
	return err_set(err, ERR_INPUT, "the envelope of %s is too long", d->id);
}

static int
copy_message(struct spool_draft *d, int to)
{
	char *chunk = xmalloc(COPY_CHUNK);
	size_t n = 0;
	int rc = 0;

	for (uint64_t at = 0; rc == 0 && at < d->draft.size_bytes; at += n)
		if (spool_draft_read(
			&d->draft, at, chunk, COPY_CHUNK, &n, NULL) != 0 ||
		    disk_write(d->s->fs, to, chunk, n) != 0)
			rc = -1;
	free(chunk);
	return rc;
}

/* The header does not fit: a second file takes the first one's name.  The
 * first stays open for those who read it. */
static int
rewrite(struct spool_draft *d, const struct store_notes *notes)
{
	int fd;

	if (d->s->fs->unlink(d->s->fs->ctx, d->folder->dir.fd, d->id) != 0)
		return -1;
	fd = create(d->s, d->folder, d->id, O_WRONLY);
	if (fd < 0)
		return -1;
	if (disk_write(
		d->s->fs, fd, buf_str(&d->header), buf_len(&d->header)) != 0 ||
	    copy_message(d, fd) != 0 ||
	    write_end(d->s, fd, d->draft.size_bytes, d->crc, notes) != 0) {
		disk_close(d->s->fs, fd);
		return -1;
	}
	return disk_sync_close(d->s->fs, fd);
}

/* The first line last: until it is there, the file says that it is a draft,
 * wherever the work was interrupted. */
static int
fill_in(struct spool_draft *d, const struct store_notes *notes)
{
	const struct fs *fs = d->s->fs;
	const char *header = buf_str(&d->header);
	const size_t first = strlen(STORE_DRAFT_MARK);
	struct buf end;
	int rc;

	if (disk_pwrite(fs, d->fd, header + first, DRAFT_HEADER - first,
		(off_t)first) != 0)
		return -1;
	take_end(&end, d->draft.size_bytes, d->crc, notes);
	rc = disk_pwrite(fs, d->fd, buf_str(&end), buf_len(&end),
	    (off_t)(DRAFT_HEADER + d->draft.size_bytes));
	if (rc == 0)
		rc = disk_pwrite(fs, d->fd, header, first, 0);
	end_written(&end, notes);
	return rc == 0 ? fs->sync(fs->ctx, d->fd) : -1;
}

int
spool_draft_commit(
    struct store_draft *sd, const struct store_notes *notes, struct err *err)
{
	struct spool_draft *d = draft_of(sd);
	bool fits = buf_len(&d->header) == DRAFT_HEADER;
	int rc;

	if (d->has_failed) {
		errno = EIO;
		return disk_err(err, "cannot write", d->id);
	}
	d->has_failed = true; /* whatever comes, there is no second commit */
	rc = fits ? fill_in(d, notes) : rewrite(d, notes);
	if (rc != 0)
		return disk_err(err, "cannot write and sync", d->id);
	if (folder_sync(d->s, d->folder) != 0)
		return disk_err(err, "cannot sync the folder of", d->id);
	d->is_committed = true;
	return 0;
}

void
spool_draft_free(struct store_draft *sd)
{
	struct spool_draft *d = draft_of(sd);

	if (d == NULL)
		return;
	if (!d->is_committed)
		uncreate(d->s, d->folder, d->id);
	/* Synced long since, or of no interest. */
	disk_close(d->s->fs, d->fd);
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
	char tail[SPOOL_FIRST_READ];
	size_t n = *size < sizeof(tail) ? (size_t)*size : sizeof(tail);
	ssize_t r = disk_pread(s->fs, fd, tail, n, *size - n);
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
spool_append(struct store *st, enum store_place place, const char *id,
    struct bytes lines, bool must_sync, struct err *err)
{
	struct spool *s = spool_of(st);
	char path[SPOOL_PATH_SIZE];
	struct stat info;
	uint64_t size;
	int fd;

	spool_path(place, id, path);
	fd = spool_open_at(s, s->fd, path, O_RDWR);
	if (fd < 0)
		return disk_err(err, "cannot open", path);
	if (s->fs->fstat(s->fs->ctx, fd, &info) != 0)
		goto fail;
	size = (uint64_t)info.st_size;
	if (cut_torn_line(s, fd, &size) != 0)
		goto fail;
	if (disk_pwrite(s->fs, fd, lines.p, lines.n, (off_t)size) != 0) {
		int saved = errno;

		/* Half a line would be cut off later as well. */
		IGNORE(s->fs->truncate(s->fs->ctx, fd, (off_t)size));
		errno = saved;
		goto fail;
	}
	if (must_sync && s->fs->sync(s->fs->ctx, fd) != 0)
		goto fail;
	if (s->fs->close(s->fs->ctx, fd) != 0)
		return disk_err(err, "cannot write the journal of", path);
	return 0;
fail:
	disk_err(err, "cannot write the journal of", path);
	disk_close(s->fs, fd);
	return -1;
}

static int
sync_place(
    struct spool *s, enum store_place place, const char *id, struct err *err)
{
	struct folder *f;
	int rc;

	if (place != STORE_QUEUE)
		return dir_sync(
		    s, &s->dirs[place == STORE_FAILED ? PART_FAILED
						      : PART_CORRUPT]);
	f = folder_get(s, id, err);
	if (f == NULL)
		return -1;
	rc = folder_sync(s, f);
	folder_put(s, f);
	return rc;
}

static int
move(struct spool *s, enum store_place *place, enum store_place to,
    const char *id, struct err *err)
{
	char old[SPOOL_PATH_SIZE], new[SPOOL_PATH_SIZE];
	enum store_place from = *place;
	struct folder *f = NULL;
	int rc;

	spool_path(from, id, old);
	spool_path(to, id, new);
	if (to == STORE_QUEUE && (f = folder_get(s, id, err)) == NULL)
		return -1;
	rc = to == STORE_CORRUPT
		 ? disk_set_aside(
		       s->fs, s->fd, old, s->dirs[PART_CORRUPT].fd, id)
		 : s->fs->rename(s->fs->ctx, s->fd, old, s->fd, new);
	folder_put(s, f);
	if (rc != 0)
		return disk_err(err, "cannot move", old);
	*place = to;
	/* Where it is now first: without a journal, a file system could
	 * otherwise forget the old name before it knows the new one. */
	if (sync_place(s, to, id, err) != 0 ||
	    sync_place(s, from, id, err) != 0)
		return disk_err(err, "cannot sync the move of", old);
	return 0;
}

int
spool_finish(struct store *st, enum store_place *place, enum store_place to,
    const char *id, struct bytes lines, struct err *err)
{
	int rc = lines.n == 0 ? 0
			      : spool_append(st, *place, id, lines, true, err);

	if (*place == to || (rc != 0 && to == STORE_QUEUE))
		return rc;
	return move(spool_of(st), place, to, id, err) == 0 ? rc : -1;
}

int
spool_remove(
    struct store *st, enum store_place place, const char *id, struct err *err)
{
	struct spool *s = spool_of(st);
	char path[SPOOL_PATH_SIZE];
	char folder[QID_FOLDER_SIZE];
	unsigned i;

	spool_path(place, id, path);
	if (s->fs->unlink(s->fs->ctx, s->fd, path) != 0 && errno != ENOENT)
		return disk_err(err, "cannot remove", path);
	qid_folder(id, folder);
	i = (unsigned)qid_folder_number(folder);
	(void)pthread_mutex_lock(&s->mutex);
	if (place == STORE_QUEUE)
		s->lost.folders[i / 64] |= UINT64_C(1) << i % 64;
	else
		s->lost.has_failed |= place == STORE_FAILED;
	(void)pthread_mutex_unlock(&s->mutex);
	return 0;
}

static int
sync_folder(struct spool *s, unsigned number, struct err *err)
{
	char name[QID_FOLDER_SIZE];
	struct folder *f;
	int rc;

	qid_folder_name(number, name);
	f = folder_get_named(s, name, err);
	rc = f != NULL ? folder_sync(s, f) : -1;
	if (f != NULL && rc != 0)
		disk_err(err, "cannot sync folder", name);
	folder_put(s, f);
	return rc;
}

/* The error of the first that fails is told. */
int
spool_sync(struct store *st, struct err *err)
{
	struct spool *s = spool_of(st);
	struct spool_lost lost;
	int rc = 0;

	(void)pthread_mutex_lock(&s->mutex);
	lost = s->lost;
	memset(&s->lost, 0, sizeof(s->lost));
	(void)pthread_mutex_unlock(&s->mutex);
	for (unsigned i = 0; i < QID_FOLDERS; i++)
		if ((lost.folders[i / 64] >> i % 64 & 1) != 0 &&
		    sync_folder(s, i, rc == 0 ? err : NULL) != 0)
			rc = -1;
	if (lost.has_failed && dir_sync(s, &s->dirs[PART_FAILED]) != 0)
		rc = rc == 0 ? disk_err(err, "cannot sync folder", "failed")
			     : -1;
	return rc;
}
