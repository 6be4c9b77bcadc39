/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The history: state/history, and state/history.old, which was it before.  Each
 * takes half of what is to be kept, so together they have between half of it
 * and all.  Nothing here is synced: after a power cut the newest lines are
 * missing, or are no lines. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/xalloc.h"
#include "store/history.h"
#include "store/spool_core.h"
#include "store/spool_word.h"

enum {
	BLOCK = 4 * HISTORY_LINE_MAX,
	/* A file with long lines is full before it has all its entries. */
	LINE_USUAL = 1024
};

static const char *const names[] = { "history.old", "history" };
enum { OLD, NEW, NFILES };

static int
state_dir(const struct spool *s)
{
	return s->dirs[PART_STATE].fd;
}

/* --- adding --------------------------------------------------------------- */

static void
close_new(struct spool *s)
{
	disk_close(s->fs, s->history.fd);
	s->history = (struct spool_history) { .fd = -1 };
}

void
spool_history_free(struct spool *s)
{
	close_new(s);
}

static bool
remove_file(struct spool *s, size_t i)
{
	return s->fs->unlink(s->fs->ctx, state_dir(s), names[i]) == 0 ||
	       errno == ENOENT;
}

/* Lines, and the time of the first that is one, of a file that another process
 * has left. */
static int
count_lines(struct spool *s)
{
	struct spool_history *h = &s->history;
	char *block = xmalloc(BLOCK);
	ssize_t n;

	for (; (n = disk_pread(s->fs, h->fd, block, BLOCK, h->size)) > 0;
	     h->size += (uint64_t)n) {
		struct bytes rest = bytes_of(block, (size_t)n), line;

		h->is_torn = block[n - 1] != '\n';
		while (spool_take_line(&rest, &line)) {
			struct history_entry *e = NULL;

			h->lines++;
			if (h->first_ms == 0)
				e = history_parse(line);
			if (e != NULL)
				h->first_ms = e->at_ms;
			history_entry_free(e);
		}
	}
	free(block);
	return n == 0 ? 0 : -1;
}

static int
open_new(struct spool *s)
{
	struct spool_history *h = &s->history;

	if (h->fd >= 0)
		return 0;
	h->fd = spool_open_at(
	    s, state_dir(s), names[NEW], O_RDWR | O_CREAT | O_APPEND);
	if (h->fd < 0)
		return -1;
	if (count_lines(s) == 0)
		return 0;
	close_new(s);
	return -1;
}

static uint64_t
entries_of_one(const struct store_history_limits *l)
{
	return l->entries > 1 ? l->entries / 2 : 1;
}

static bool
is_full(const struct spool_history *h, const struct store_history_limits *l,
    int64_t wall_ms)
{
	return h->lines > 0 && (h->lines >= entries_of_one(l) ||
				   h->size >= entries_of_one(l) * LINE_USUAL ||
				   (h->first_ms > 0 && wall_ms - h->first_ms >=
							   l->life_ms / 2));
}

static int
rotate(struct spool *s, const struct store_history_limits *l)
{
	if (s->fs->rename(s->fs->ctx, state_dir(s), names[NEW], state_dir(s),
		names[OLD]) != 0)
		return -1;
	close_new(s);
	if (l->entries == 1 && !remove_file(s, OLD))
		return -1;
	return open_new(s);
}

/* The newest entry of the older file is as old as the file. */
static bool
forget_old(
    struct spool *s, const struct store_history_limits *l, int64_t wall_ms)
{
	struct stat st;

	if (s->fs->stat(s->fs->ctx, state_dir(s), names[OLD], &st) != 0)
		return errno == ENOENT;
	return wall_ms - (int64_t)st.st_mtime * 1000 < l->life_ms ||
	       remove_file(s, OLD);
}

/* So many lines off the front as there is room for in the file. */
static struct bytes
take_lines(struct bytes *from, uint64_t room, uint64_t *ret_lines)
{
	struct bytes all = *from, line;

	for (*ret_lines = 0; *ret_lines < room; ++*ret_lines)
		if (!spool_take_line(from, &line))
			break;
	return bytes_of(all.p, all.n - from->n);
}

/* Half a line is cut off again, or the next one would be no line either. */
static int
write_lines(struct spool *s, struct bytes lines)
{
	struct spool_history *h = &s->history;
	int os;

	if ((!h->is_torn || disk_write(s->fs, h->fd, "\n", 1) == 0) &&
	    disk_write(s->fs, h->fd, lines.p, lines.n) == 0) {
		h->size += lines.n + h->is_torn;
		h->is_torn = false;
		return 0;
	}
	os = errno;
	if (s->fs->truncate(s->fs->ctx, h->fd, (off_t)h->size) != 0)
		close_new(s); /* and is looked at again */
	errno = os;
	return -1;
}

static int
add_lines(struct spool *s, struct bytes lines,
    const struct store_history_limits *l, int64_t wall_ms)
{
	struct spool_history *h = &s->history;
	uint64_t n;

	do {
		struct bytes some;

		if (is_full(h, l, wall_ms) && rotate(s, l) != 0)
			return -1;
		if (h->first_ms == 0)
			h->first_ms = wall_ms;
		some = take_lines(&lines, entries_of_one(l) - h->lines, &n);
		if (some.n > 0 && write_lines(s, some) != 0)
			return -1;
		h->lines += n;
	} while (n > 0 && lines.n > 0);
	return 0;
}

int
spool_history_add(struct store *st, struct bytes lines,
    const struct store_history_limits *l, int64_t wall_ms, struct err *err)
{
	struct spool *s = spool_of(st);
	bool ok;

	if (l->entries == 0) {
		close_new(s);
		ok = remove_file(s, OLD) && remove_file(s, NEW);
		return ok ? 0 : disk_err(err, "cannot remove", "the history");
	}
	if (lines.n > 0 && !st->ops->has_room(st, lines.n, err))
		return -1;
	ok = open_new(s) == 0 && add_lines(s, lines, l, wall_ms) == 0 &&
	     forget_old(s, l, wall_ms);
	return ok ? 0 : disk_err(err, "cannot write", "the history");
}

/* --- reading -------------------------------------------------------------- */

struct store_history {
	struct spool *s;
	int fds[NFILES];
	uint64_t sizes[NFILES];
	bool is_backward;
	int file; /* that is read, from here on or up to here */
	uint64_t at;
	char block[BLOCK];
};

static int
open_both(struct store_history *h)
{
	struct spool *s = h->s;
	struct stat st;

	for (int i = 0; i < NFILES; i++) {
		h->fds[i] = spool_open_at(
		    s, state_dir(s), names[i], O_RDONLY | O_NONBLOCK);
		if (h->fds[i] < 0 && errno == ENOENT)
			continue;
		if (h->fds[i] < 0 ||
		    s->fs->fstat(s->fs->ctx, h->fds[i], &st) != 0)
			return -1;
		h->sizes[i] = (uint64_t)st.st_size;
	}
	return 0;
}

static void
begin_file(struct store_history *h, int file)
{
	h->file = file;
	h->at = file >= 0 && file < NFILES && h->is_backward ? h->sizes[file]
							     : 0;
}

int
spool_history_open(struct store *st, bool is_backward,
    struct store_history **ret, struct err *err)
{
	struct store_history *h = xcalloc(1, sizeof(*h));

	h->s = spool_of(st);
	h->fds[OLD] = h->fds[NEW] = -1;
	h->is_backward = is_backward;
	if (open_both(h) != 0) {
		disk_err(err, "cannot open", "the history");
		spool_history_close(h);
		return -1;
	}
	begin_file(h, is_backward ? NEW : OLD);
	*ret = h;
	return 0;
}

void
spool_history_close(struct store_history *h)
{
	if (h == NULL)
		return;
	for (int i = 0; i < NFILES; i++)
		disk_close(h->s->fs, h->fds[i]);
	free(h);
}

/* Up to and with the last LF. */
static struct bytes
whole_lines(struct bytes b)
{
	const char *lf = b.n > 0 ? memrchr(b.p, '\n', b.n) : NULL;

	return bytes_of(b.p, lf != NULL ? (size_t)(lf - b.p) + 1 : 0);
}

/* The next block of the file; what has no line's end in so many bytes is no
 * line. */
static int
read_on(struct store_history *h, struct bytes *ret)
{
	uint64_t left = h->sizes[h->file] - h->at;
	ssize_t n = disk_pread(h->s->fs, h->fds[h->file], h->block,
	    left < BLOCK ? (size_t)left : BLOCK, h->at);

	if (n < 0)
		return -1;
	if (n == 0) /* shorter than it was */
		h->sizes[h->file] = h->at;
	*ret = whole_lines(bytes_of(h->block, (size_t)n));
	h->at += ret->n > 0 ? ret->n : (size_t)n;
	return 0;
}

static int
read_back(struct store_history *h, struct bytes *ret)
{
	size_t want = h->at < BLOCK ? (size_t)h->at : BLOCK;
	uint64_t from = h->at - want;
	ssize_t n = disk_pread(h->s->fs, h->fds[h->file], h->block, want, from);
	const char *lf;

	if (n < 0)
		return -1;
	*ret = whole_lines(bytes_of(h->block, (size_t)n));
	h->at = from;
	/* The first line begins in an earlier block. */
	if (from > 0 && ret->n > 0 &&
	    (lf = memchr(ret->p, '\n', ret->n - 1)) != NULL) {
		size_t skip = (size_t)(lf - ret->p) + 1;

		h->at += skip;
		*ret = bytes_of(ret->p + skip, ret->n - skip);
	} else if (from > 0) {
		ret->n = 0;
	}
	return 0;
}

static bool
is_at_end(const struct store_history *h)
{
	return h->fds[h->file] < 0 ||
	       h->at == (h->is_backward ? 0 : h->sizes[h->file]);
}

int
spool_history_read(struct store_history *h, struct bytes *ret,
    const char **ret_node, struct err *err)
{
	struct bytes lines = bytes_of("", 0);
	int rc = 0;

	while (rc == 0 && lines.n == 0 && h->file >= 0 && h->file < NFILES) {
		if (is_at_end(h))
			begin_file(h, h->file + (h->is_backward ? -1 : 1));
		else
			rc = h->is_backward ? read_back(h, &lines)
					    : read_on(h, &lines);
	}
	if (rc != 0)
		return disk_err(err, "cannot read", "the history");
	*ret = lines;
	*ret_node = NULL;
	return 0;
}
