/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/queue_core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/xalloc.h"
#include "queue/drop.h"

enum {
	TOLD_MAX = 256,
	QUIET_MS = 24 * 60 * 60 * 1000,
	/* Nobody needs that long to write a file; then it was given up. */
	UNFINISHED_S = 24 * 60 * 60
};

struct queue_drop {
	struct list link;
	struct queue *q;
	char name[QID_SIZE];
	struct drop_file *file;
};

void
drops_init(struct queue *q)
{
	list_init(&q->drops.taken);
}

static void
drop_free(struct queue_drop *d)
{
	list_remove(&d->link);
	drop_close(d->file);
	free(d);
}

void
drops_clear(struct queue *q)
{
	list_foreach (it, &q->drops.taken)
		drop_free(list_entry(it, struct queue_drop, link));
	free(q->drops.names);
	free(q->drops.told);
}

/* --- looking -------------------------------------------------------------- */

/* Left behind by a sendmail that was killed. */
static void
remove_stale(struct queue *q, const char *name)
{
	const struct fs *fs = q->o.fs;
	int dir = spool_drop_dirfd(q->spool);
	struct stat st;

	if (fs->stat(fs->ctx, dir, name, &st) == 0 && S_ISREG(st.st_mode) &&
	    queue_wall(q) / 1000 - st.st_mtime > UNFINISHED_S)
		IGNORE(fs->unlink(fs->ctx, dir, name)); /* next time, then */
}

static bool
see_name(void *arg, const char *name)
{
	struct queue *q = arg;
	struct drops *s = &q->drops;

	if (name[0] == '.' && drop_is_name(name + 1))
		remove_stale(q, name);
	else if (drop_is_name(name) && s->passed++ >= s->skip)
		memcpy(s->names[s->count++], name, QID_SIZE);
	return s->count < QUEUE_DROPS_MAX;
}

/* So many names per scan, and the next scan goes on behind them: or somebody
 * with a thousand folders that cannot be moved away would be all that is ever
 * seen. */
void
queue_drop_scan(struct queue *q)
{
	const struct fs *fs = q->o.fs;
	struct drops *s = &q->drops;
	struct err err;

	if (s->at == s->count)
		s->skip = s->count == QUEUE_DROPS_MAX ? s->skip + s->count : 0;
	if (s->names == NULL)
		s->names = xcalloc(QUEUE_DROPS_MAX, QID_SIZE);
	s->count = s->at = s->passed = 0;
	if (fs->list(fs->ctx, spool_drop_dirfd(q->spool), see_name, q) != 0) {
		err_sys(&err, "cannot list drop/");
		queue_trouble(q, "-", &err);
	}
	if (s->count == 0) {
		free(s->names);
		s->names = NULL;
	}
}

/* Nobody is helped by a line for each of ten thousand. */
static void
tell_no_more(struct queue *q)
{
	struct err err;

	q->drops.quiet_until_ms = queue_now(q) + QUIET_MS;
	err_set(&err, ERR_INPUT,
	    "drop/ holds more that is no mail and cannot be moved away; no "
	    "more is said of it for a day");
	queue_trouble(q, "-", &err);
}

/* Tells once of each file that stays where it is. */
static void
tell_once(struct queue *q, const char *name, const struct err *err)
{
	struct drops *s = &q->drops;

	if (s->ntold == TOLD_MAX && queue_now(q) >= s->quiet_until_ms)
		s->ntold = 0;
	for (size_t i = 0; i < s->ntold; i++)
		if (strcmp(s->told[i], name) == 0)
			return;
	if (s->ntold == TOLD_MAX)
		return;
	if (s->told == NULL)
		s->told = xcalloc(TOLD_MAX, QID_SIZE);
	memcpy(s->told[s->ntold++], name, QID_SIZE);
	queue_trouble(q, name, err);
	if (s->ntold == TOLD_MAX)
		tell_no_more(q);
}

static void
set_aside(struct queue *q, const char *name, struct err *why)
{
	struct err err = *why;

	if (spool_drop_set_aside(q->spool, name, NULL) != 0) {
		err_ctx(&err, "ignored");
		tell_once(q, name, &err);
		return;
	}
	err_ctx(&err, "moved to corrupt/");
	queue_trouble(q, name, &err);
}

/* --- taking --------------------------------------------------------------- */

static bool
is_taken(const struct queue *q, const char *name)
{
	list_foreach (it, &q->drops.taken)
		if (strcmp(list_entry(it, struct queue_drop, link)->name,
			name) == 0)
			return true;
	return false;
}

static struct drop_file *
try_open(struct queue *q, const char *name)
{
	struct drop_file *f = NULL;
	struct err err;

	switch (drop_open(q->o.fs, spool_drop_dirfd(q->spool), name,
	    q->o.max_size_bytes, &f, &err)) {
	case DROP_OK:
		return f;
	case DROP_GONE:
		break;
	case DROP_UNFINISHED:
		remove_stale(q, name);
		break;
	case DROP_BAD:
		set_aside(q, name, &err);
		break;
	case DROP_ERROR:
		tell_once(q, name, &err);
		break;
	}
	return NULL;
}

struct queue_drop *
queue_drop_next(struct queue *q)
{
	struct drops *s = &q->drops;

	while (s->at < s->count) {
		const char *name = s->names[s->at++];
		struct drop_file *f;
		struct queue_drop *d;

		if (is_taken(q, name) || (f = try_open(q, name)) == NULL)
			continue;
		d = xcalloc(1, sizeof(*d));
		d->q = q;
		d->file = f;
		memcpy(d->name, name, QID_SIZE);
		list_append(&s->taken, &d->link);
		return d;
	}
	return NULL;
}

const char *
queue_drop_name(const struct queue_drop *d)
{
	return d->name;
}

uint32_t
queue_drop_uid(const struct queue_drop *d)
{
	return drop_uid(d->file);
}

const struct envelope *
queue_drop_envelope(const struct queue_drop *d)
{
	return drop_envelope(d->file);
}

int
queue_drop_read(
    struct queue_drop *d, void *p, size_t n, size_t *ret_n, struct err *err)
{
	return drop_read(d->file, p, n, ret_n, err);
}

void
queue_drop_end(struct queue_drop *d, enum queue_drop_end how)
{
	struct queue *q = d->q;
	const struct fs *fs = q->o.fs;
	struct err err;

	switch (how) {
	case QUEUE_DROP_TAKEN:
		if (fs->unlink(fs->ctx, spool_drop_dirfd(q->spool), d->name) ==
			0 ||
		    errno == ENOENT)
			break;
		/* It would be taken in again and again: better not at all. */
		err_sys(&err, "drop file, already taken, cannot be removed");
		set_aside(q, d->name, &err);
		break;
	case QUEUE_DROP_BAD:
		err_set(&err, ERR_INPUT, "drop file was refused");
		set_aside(q, d->name, &err);
		break;
	case QUEUE_DROP_LATER:
		break;
	}
	drop_free(d);
}
