/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc32.h"
#include "base/xalloc.h"
#include "store/spool_core.h"

struct spool_message {
	struct store_message message;
	struct spool *s;
	enum store_place place;
	int fd;
	uint64_t body, size; /* where the message is */
	uint64_t journal, end; /* where that starts, and is sound up to */
	bool is_torn; /* something follows that end */
	uint32_t want_crc, crc;
	uint64_t crc_at; /* crc covers the message up to here */
};

static struct spool_message *
message_of(struct store_message *m)
{
	return (struct spool_message *)(void *)m;
}

static enum store_result
damaged(struct err *err, const char *path, const char *how)
{
	err_set(err, ERR_DISK, "%s is damaged: %s", path, how);
	return STORE_DAMAGED;
}

/* Reads on until the header is whole; it is almost always in the first. */
static enum store_result
load_header(struct spool_message *m, const char *path, const char *id,
    struct buf *file, struct err *err)
{
	enum store_text_result res = STORE_TEXT_SHORT;
	size_t body = 0, step = SPOOL_FIRST_READ;

	while (res == STORE_TEXT_SHORT) {
		char *p = buf_space(file, step);
		ssize_t r;

		if (p == NULL || buf_len(file) > STORE_HEADER_MAX)
			return damaged(err, path, "its header does not end");
		r = disk_pread(m->s->fs, m->fd, p, step, buf_len(file));
		if (r < 0) {
			disk_err(err, "cannot read", path);
			return STORE_ERROR;
		}
		if (r == 0)
			return STORE_UNFINISHED;
		buf_added(file, (size_t)r);
		if (strncmp(buf_str(file), STORE_DRAFT_MARK,
			strlen(STORE_DRAFT_MARK)) == 0)
			return STORE_UNFINISHED; /* however long it is */
		res = store_text_header_parse(STORE_TEXT_MESSAGE,
		    buf_bytes(file), &m->message.env, &body);
		step = buf_len(file);
	}
	if (res == STORE_TEXT_BAD)
		return damaged(err, path, "its header is damaged");
	if (strcmp(m->message.env->id, id) != 0)
		return damaged(err, path, "it names another id");
	m->body = body;
	m->size = m->message.env->size_bytes;
	return STORE_OK;
}

/* End record and journal, which may have been read already. */
static enum store_result
load_tail(struct spool_message *m, const char *path, uint64_t file_size,
    struct buf *file, struct err *err)
{
	uint64_t at = m->body + m->size, n = file_size - at;
	size_t end, good;
	struct bytes tail;

	if (file_size < at)
		return STORE_UNFINISHED;
	if (n > JOURNAL_MAX)
		return damaged(err, path, "its journal is too long");
	if (file_size <= buf_len(file)) {
		tail = bytes_of(buf_str(file) + at, (size_t)n);
	} else {
		char *p;
		ssize_t r;

		buf_reset(file);
		p = buf_space(file, (size_t)n);
		r = disk_pread(m->s->fs, m->fd, p, (size_t)n, at);
		if (r < 0) {
			disk_err(err, "cannot read", path);
			return STORE_ERROR;
		}
		buf_added(file, (size_t)r);
		tail = buf_bytes(file);
	}
	switch (store_text_end_parse(tail, m->size, &m->want_crc, &end)) {
	case STORE_TEXT_SHORT:
		return STORE_UNFINISHED;
	case STORE_TEXT_BAD:
		return damaged(err, path, "its end record is damaged");
	case STORE_TEXT_OK:
		break;
	}
	m->journal = at + end;
	tail = bytes_of(tail.p + end, tail.n - end);
	if (!journal_parse(tail, m->message.env, &m->message.state, &good))
		return damaged(err, path, "its journal is damaged");
	m->end = m->journal + good;
	m->is_torn = good < tail.n;
	return STORE_OK;
}

/* R29: a regular file of ours that has no second name. */
static enum store_result
check_file(struct spool *s, int fd, const char *path, uint64_t *ret_size,
    struct err *err)
{
	struct stat st;

	if (s->fs->fstat(s->fs->ctx, fd, &st) != 0) {
		disk_err(err, "cannot read", path);
		return STORE_ERROR;
	}
	if (!S_ISREG(st.st_mode))
		return damaged(err, path, "it is not a regular file");
	if (st.st_uid != s->uid)
		return damaged(err, path, "it belongs to another user");
	if (st.st_nlink != 1)
		return damaged(err, path, "it has a second link");
	*ret_size = (uint64_t)st.st_size;
	return STORE_OK;
}

enum store_result
spool_load(struct store *st, enum store_place place, const char *id,
    struct store_message **ret, struct err *err)
{
	struct spool *s = spool_of(st);
	char path[SPOOL_PATH_SIZE];
	struct spool_message *m;
	enum store_result res;
	struct buf file;
	uint64_t size;
	int fd;

	spool_path(place, id, path);
	fd = spool_open_at(s, s->fd, path, O_RDONLY | O_NONBLOCK);
	if (fd < 0) {
		if (errno == ENOENT)
			return STORE_GONE;
		if (errno == ELOOP)
			return damaged(err, path, "it is a symbolic link");
		disk_err(err, "cannot open", path);
		return STORE_ERROR;
	}
	m = xcalloc(1, sizeof(*m));
	m->s = s;
	m->place = place;
	m->fd = fd;
	buf_init(&file, JOURNAL_MAX + STORE_END_MAX);
	res = check_file(s, fd, path, &size, err);
	if (res == STORE_OK)
		res = load_header(m, path, id, &file, err);
	if (res == STORE_OK)
		res = load_tail(m, path, size, &file, err);
	buf_clear(&file);
	if (res == STORE_OK)
		*ret = &m->message;
	else
		spool_message_free(&m->message);
	return res;
}

void
spool_message_free(struct store_message *sm)
{
	struct spool_message *m = message_of(sm);

	if (m == NULL)
		return;
	disk_close(m->s->fs, m->fd);
	envelope_free(m->message.env);
	free(m);
}

void
spool_message_mend(struct store_message *sm)
{
	struct spool_message *m = message_of(sm);
	struct spool *s = m->s;
	char path[SPOOL_PATH_SIZE];
	int fd;

	if (!m->is_torn)
		return;
	spool_path(m->place, m->message.env->id, path);
	fd = spool_open_at(s, s->fd, path, O_RDWR);
	/* If it cannot be done, the next append will meet the same trouble,
	 * and say so. */
	if (fd >= 0)
		IGNORE(s->fs->truncate(s->fs->ctx, fd, (off_t)m->end));
	disk_close(s->fs, fd);
}

int
spool_message_journal(struct store_message *sm, struct buf *to, struct err *err)
{
	struct spool_message *m = message_of(sm);
	char chunk[SPOOL_FIRST_READ];
	ssize_t r;

	for (uint64_t at = m->journal;; at += (uint64_t)r) {
		r = disk_pread(m->s->fs, m->fd, chunk, sizeof(chunk), at);
		if (r < 0)
			return disk_err(err, "cannot read", "the journal");
		if (r == 0 || !buf_add(to, chunk, (size_t)r))
			return 0;
	}
}

static int
message_damaged(struct spool_message *m, struct err *err)
{
	m->message.is_damaged = true;
	return err_set(
	    err, ERR_DISK, "the message is damaged: its checksum is wrong");
}

static int
read_exactly(
    struct spool_message *m, uint64_t at, void *p, size_t n, struct err *err)
{
	ssize_t r = disk_pread(m->s->fs, m->fd, p, n, m->body + at);

	if (r < 0)
		return disk_err(err, "cannot read", "the message");
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
	char chunk[SPOOL_FIRST_READ];

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
spool_message_read(struct store_message *sm, uint64_t at, void *p, size_t n,
    size_t *ret_n, struct err *err)
{
	struct spool_message *m = message_of(sm);
	uint64_t left = at < m->size ? m->size - at : 0;
	size_t want = n < left ? n : (size_t)left;

	if (m->message.is_damaged || (m->size == 0 && m->crc != m->want_crc))
		return message_damaged(m, err);
	if (want > 0 && (verify_up_to(m, at, err) != 0 ||
			    read_exactly(m, at, p, want, err) != 0 ||
			    verify(m, at, p, want, err) != 0))
		return -1;
	*ret_n = want;
	return 0;
}
