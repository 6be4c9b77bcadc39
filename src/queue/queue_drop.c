/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/queue_core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/xalloc.h"
#include "store/drop.h"

enum {
	NAMES_PER_USER = 100, /* in one scan, before others had theirs */
	TOLD_MAX = 20, /* lines in TOLD_MS */
	TOLD_MS = 60 * 1000,
	STUCK_TOLD_MS = 24 * 60 * 60 * 1000
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
	q->drops.again_ms = INT64_MAX;
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
	free(q->drops.aside.v);
}

/* --- who has how much ----------------------------------------------------- */

/* A user's, made if need be.  Borrowed until the next call. */
static struct charge *
charge_of(struct charges *c, uint32_t uid)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->v[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < c->n && c->v[low].uid == uid)
		return &c->v[low];
	if ((c->n & (c->n - 1)) == 0)
		c->v = xrealloc(c->v, c->n == 0 ? 1 : c->n * 2, sizeof(*c->v));
	memmove(&c->v[low + 1], &c->v[low], (c->n - low) * sizeof(*c->v));
	c->v[low] = (struct charge) { .uid = uid };
	c->n++;
	return &c->v[low];
}

/* What it takes on the disk, and not what a hole pretends. */
static uint64_t
bytes_of_file(const struct stat *st)
{
	return (uint64_t)st->st_blocks * 512;
}

/* --- looking, on a worker ------------------------------------------------- */

struct drop_scan {
	const struct fs *fs;
	int drop, corrupt;
	int64_t wall_s;
	char (*names)[QID_SIZE];
	size_t count;
	char (*spare)[QID_SIZE]; /* of those who have more, */
	size_t nspare; /* if there is room at the end */
	int64_t again_s; /* from now; INT64_MAX: nothing to wait for */
	struct charges waiting, aside;
	size_t removed, stuck; /* names that are no mail */
	uint32_t removed_uid, stuck_uid; /* whose one of them was */
	struct err err;
	int rc;
};

static void
look_again(struct drop_scan *s, int64_t in_s)
{
	if (in_s < s->again_s)
		s->again_s = in_s;
}

/* Into a list that holds QUEUE_DROPS_MAX; else the next look finds it. */
static void
keep_name(struct drop_scan *s, char (*list)[QID_SIZE], size_t *count,
    const char *name)
{
	if (*count == QUEUE_DROPS_MAX)
		look_again(s, 0);
	else
		memcpy(list[(*count)++], name, QID_SIZE);
}

static void
see_file(struct drop_scan *s, const char *name, const struct stat *st)
{
	if (++charge_of(&s->waiting, st->st_uid)->names <= NAMES_PER_USER)
		keep_name(s, s->names, &s->count, name);
	else
		keep_name(s, s->spare, &s->nspare, name);
}

static void
use_spare(struct drop_scan *s)
{
	for (size_t i = 0; i < s->nspare; i++)
		keep_name(s, s->names, &s->count, s->spare[i]);
}

/* A draft, or no mail at all. */
static void
see_other(
    struct drop_scan *s, const char *name, const struct stat *st, bool is_draft)
{
	struct charge *c = charge_of(&s->waiting, st->st_uid);
	int64_t left = (is_draft ? QUEUE_DRAFT_S : QUEUE_FOREIGN_S) -
		       (s->wall_s - st->st_ctime);
	bool is_over = c->files >= QUEUE_DROP_FILES ||
		       c->bytes + bytes_of_file(st) > QUEUE_DROP_BYTES;
	int rc;

	if (left >= 0 && !is_over) {
		c->files++;
		c->bytes += bytes_of_file(st);
		look_again(
		    s, left < QUEUE_FOREIGN_S ? left + 1 : QUEUE_FOREIGN_S + 1);
		return;
	}
	rc = S_ISDIR(st->st_mode) ? s->fs->rmdir(s->fs->ctx, s->drop, name)
				  : s->fs->unlink(s->fs->ctx, s->drop, name);
	if (rc == 0) {
		s->removed++;
		s->removed_uid = st->st_uid;
	} else if (errno != ENOENT) {
		s->stuck++;
		s->stuck_uid = st->st_uid;
	}
}

static bool
see_name(void *arg, const char *name)
{
	struct drop_scan *s = arg;
	bool is_draft = name[0] == '.' && drop_is_name(name + 1);
	struct stat st;

	if (s->fs->stat(s->fs->ctx, s->drop, name, &st) != 0)
		return true; /* gone */
	if (S_ISREG(st.st_mode) && drop_is_name(name))
		see_file(s, name, &st);
	else
		see_other(s, name, &st, is_draft && S_ISREG(st.st_mode));
	return true;
}

static bool
see_aside(void *arg, const char *name)
{
	struct drop_scan *s = arg;
	struct charge *c;
	struct stat st;

	if (s->fs->stat(s->fs->ctx, s->corrupt, name, &st) != 0)
		return true;
	c = charge_of(&s->aside, st.st_uid);
	c->files++;
	c->bytes += bytes_of_file(&st);
	return true;
}

void
drop_scan_run(struct drop_scan *s)
{
	s->names = xcalloc(QUEUE_DROPS_MAX, QID_SIZE);
	s->spare = xcalloc(QUEUE_DROPS_MAX, QID_SIZE);
	s->rc = s->fs->list(s->fs->ctx, s->drop, see_name, s);
	if (s->rc != 0)
		err_sys(&s->err, "cannot list drop/");
	use_spare(s);
	/* What cannot be counted is not limited, and does no harm. */
	IGNORE(s->fs->list(s->fs->ctx, s->corrupt, see_aside, s));
}

void
drop_scan_free(struct drop_scan *s)
{
	if (s == NULL)
		return;
	free(s->names);
	free(s->spare);
	free(s->waiting.v);
	free(s->aside.v);
	free(s);
}

/* --- telling -------------------------------------------------------------- */

static void
tell_rest(struct queue *q)
{
	struct drops *s = &q->drops;
	struct err err;

	if (s->nuntold > 0) {
		err_set(&err, ERR_INPUT,
		    "%u more files in drop/ were no mail that can be taken",
		    s->nuntold);
		queue_trouble(q, "-", &err);
	}
	s->ntold = s->nuntold = 0;
	s->told_ms = queue_now(q);
}

static void
tell(struct queue *q, const char *name, const struct err *err)
{
	struct drops *s = &q->drops;

	if (queue_now(q) - s->told_ms >= TOLD_MS)
		tell_rest(q);
	if (s->ntold++ < TOLD_MAX)
		queue_trouble(q, name, err);
	else
		s->nuntold++;
}

static void
tell_names(struct queue *q, const struct drop_scan *scan)
{
	struct err err;

	if (scan->rc != 0)
		queue_trouble(q, "-", &scan->err);
	if (scan->removed > 0) {
		err_set(&err, ERR_INPUT,
		    "removed %zu names from drop/ that were no mail, one of "
		    "them of uid %u",
		    scan->removed, (unsigned)scan->removed_uid);
		tell(q, "-", &err);
	}
	if (scan->stuck > 0 && queue_now(q) >= q->drops.stuck_told_ms) {
		q->drops.stuck_told_ms = queue_now(q) + STUCK_TOLD_MS;
		err_set(&err, ERR_INPUT,
		    "drop/ holds %zu folders that are no mail and cannot be "
		    "removed, one of them of uid %u",
		    scan->stuck, (unsigned)scan->stuck_uid);
		queue_trouble(q, "-", &err);
	}
}

/* --- the scan ------------------------------------------------------------- */

void
drop_scan_done(struct queue *q, struct drop_scan *scan)
{
	struct drops *s = &q->drops;
	struct charges swap = s->aside;

	s->is_scanning = false;
	free(s->names);
	s->names = NULL;
	s->at = 0;
	s->count = scan->count;
	if (s->count > 0) {
		s->names = scan->names;
		scan->names = NULL;
	}
	s->aside = scan->aside;
	scan->aside = swap;
	s->again_ms = scan->again_s == INT64_MAX
			  ? INT64_MAX
			  : queue_now(q) + scan->again_s * 1000;
	if (q->is_closing)
		return;
	tell_names(q, scan);
	if (s->done != NULL)
		s->done(s->ctx);
}

static bool
note_name(void *arg, const char *name)
{
	bool *has_one = arg;

	(void)name;
	*has_one = true;
	return false;
}

bool
queue_drop_is_empty(struct queue *q)
{
	bool has_one = false;

	if (q->o.fs->list(q->o.fs->ctx, spool_drop_dirfd(q->spool), note_name,
		&has_one) != 0 ||
	    has_one)
		return false;
	q->drops.again_ms = INT64_MAX;
	return true;
}

void
queue_drop_scan(struct queue *q, void (*done)(void *ctx), void *ctx)
{
	struct job *j;

	q->drops.done = done;
	q->drops.ctx = ctx;
	if (q->drops.is_scanning || done == NULL)
		return;
	q->drops.is_scanning = true;
	j = job_new(q, JOB_DROPS, NULL);
	j->scan = xcalloc(1, sizeof(*j->scan));
	j->scan->fs = q->o.fs;
	j->scan->drop = spool_drop_dirfd(q->spool);
	j->scan->corrupt = spool_corrupt_dirfd(q->spool);
	j->scan->wall_s = queue_wall(q) / 1000;
	j->scan->again_s = INT64_MAX;
	job_submit(j);
}

int64_t
queue_drop_again_ms(const struct queue *q)
{
	return q->drops.again_ms;
}

int
queue_drop_dirfd(const struct queue *q)
{
	return spool_drop_dirfd(q->spool);
}

/* --- setting aside -------------------------------------------------------- */

/* True: its user has no room left in corrupt/. */
static bool
is_too_much(struct queue *q, const struct stat *st)
{
	struct charge *c = charge_of(&q->drops.aside, st->st_uid);

	if (c->files >= QUEUE_ASIDE_FILES ||
	    c->bytes + bytes_of_file(st) > QUEUE_ASIDE_BYTES)
		return true;
	c->files++;
	c->bytes += bytes_of_file(st);
	return false;
}

static void
set_aside(struct queue *q, const char *name, bool must_keep, struct err *why)
{
	const struct fs *fs = q->o.fs;
	int dir = spool_drop_dirfd(q->spool);
	struct stat st;
	struct err err;

	if (fs->stat(fs->ctx, dir, name, &st) != 0)
		return; /* gone */
	if ((!is_too_much(q, &st) || must_keep) &&
	    spool_drop_set_aside(q->spool, name, &err) == 0)
		err_ctx(why, "moved to corrupt/");
	else if (!must_keep && fs->unlink(fs->ctx, dir, name) == 0)
		err_ctx(why, "removed");
	else
		err_ctx(why, "ignored");
	tell(q, name, why);
}

/* Shorter than it says: somebody still writes it, or has given it up. */
static void
on_unfinished(struct queue *q, const char *name)
{
	const struct fs *fs = q->o.fs;
	int64_t again_ms = queue_now(q) + QUEUE_FOREIGN_S * 1000;
	struct stat st;
	struct err err;

	if (fs->stat(fs->ctx, spool_drop_dirfd(q->spool), name, &st) != 0)
		return;
	if (queue_wall(q) / 1000 - st.st_ctime > QUEUE_FOREIGN_S) {
		err_set(&err, ERR_INPUT, "drop file is shorter than it says");
		set_aside(q, name, false, &err);
	} else if (again_ms < q->drops.again_ms) {
		q->drops.again_ms = again_ms;
	}
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
try_open(struct queue *q, const char *name, size_t max_rcpts)
{
	const struct drop_limits max = { q->o.max_size_bytes, max_rcpts };
	struct drop_file *f = NULL;
	struct err err;

	switch (drop_open(
	    q->o.fs, spool_drop_dirfd(q->spool), name, &max, &f, &err)) {
	case DROP_OK:
		return f;
	case DROP_GONE:
		break;
	case DROP_UNFINISHED:
		on_unfinished(q, name);
		break;
	case DROP_BAD:
		set_aside(q, name, false, &err);
		break;
	case DROP_REFUSED:
		set_aside(q, name, true, &err);
		break;
	case DROP_ERROR:
		tell(q, name, &err);
		break;
	}
	return NULL;
}

bool
queue_drop_next(struct queue *q, size_t max_rcpts, struct queue_drop **ret)
{
	struct drops *s = &q->drops;
	struct drop_file *f;
	struct queue_drop *d;
	const char *name;

	*ret = NULL;
	if (s->at == s->count)
		return false;
	name = s->names[s->at++];
	if (is_taken(q, name) || (f = try_open(q, name, max_rcpts)) == NULL)
		return true;
	d = xcalloc(1, sizeof(*d));
	d->q = q;
	d->file = f;
	memcpy(d->name, name, QID_SIZE);
	list_append(&s->taken, &d->link);
	*ret = d;
	return true;
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
queue_drop_end(struct queue_drop *d, enum queue_drop_end how, const char *why)
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
		set_aside(q, d->name, false, &err);
		break;
	case QUEUE_DROP_REFUSED:
	case QUEUE_DROP_BAD:
		err_set(&err, ERR_INPUT, "drop file of uid %u: %s",
		    (unsigned)drop_uid(d->file), why != NULL ? why : "refused");
		set_aside(q, d->name, how == QUEUE_DROP_REFUSED, &err);
		break;
	case QUEUE_DROP_LATER:
		break;
	}
	drop_free(d);
}
