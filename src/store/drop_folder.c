/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/drop_folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "store/disk.h"

enum {
	NAMES_MAX = 1000, /* files of mail found by one look, */
	NAMES_PER_USER = 100, /* of one user before others had theirs */
	REMOVED_MAX = 100 * 1000 /* by one look: some make them as quickly */
};

struct drop_folder {
	const struct fs *fs;
	int drop, corrupt;
	struct drop_charges aside; /* in corrupt/ */
};

struct drop_folder *
drop_folder_new(const struct fs *fs, int drop, int corrupt)
{
	struct drop_folder *f = xcalloc(1, sizeof(*f));

	f->fs = fs;
	f->drop = drop;
	f->corrupt = corrupt;
	return f;
}

void
drop_folder_free(struct drop_folder *f)
{
	if (f == NULL)
		return;
	free(f->aside.v);
	free(f);
}

int
drop_folder_dirfd(const struct drop_folder *f)
{
	return f->drop;
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
drop_folder_is_empty(const struct drop_folder *f)
{
	bool has_one = false;

	return f->fs->list(f->fs->ctx, f->drop, note_name, &has_one) == 0 &&
	       !has_one;
}

/* --- who has how much ----------------------------------------------------- */

/* A user's, made if need be.  Borrowed until the next call. */
static struct drop_charge *
charge_of(struct drop_charges *c, uint32_t uid)
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
	c->v[low] = (struct drop_charge) { .uid = uid };
	c->n++;
	return &c->v[low];
}

/* What it takes on the disk, and not what a hole pretends. */
static uint64_t
bytes_of_file(const struct stat *st)
{
	return (uint64_t)st->st_blocks * 512;
}

/* --- looking, on a worker thread ------------------------------------------ */

struct look {
	const struct drop_folder *f;
	int64_t wall_s;
	struct drop_found *found;
	char (*spare)[QID_SIZE]; /* of those who have more, */
	size_t nspare; /* if there is room at the end */
	struct drop_charges waiting;
};

static void
look_again(struct look *s, int64_t in_s)
{
	if (in_s < s->found->again_s)
		s->found->again_s = in_s;
}

/* Into a list that holds NAMES_MAX; else the next look finds it. */
static void
keep_name(
    struct look *s, char (*list)[QID_SIZE], size_t *count, const char *name)
{
	if (*count == NAMES_MAX)
		look_again(s, 0);
	else
		memcpy(list[(*count)++], name, QID_SIZE);
}

/* A draft, or no mail at all. */
static void
see_other(
    struct look *s, const char *name, const struct stat *st, bool is_draft)
{
	struct drop_charge *c = charge_of(&s->waiting, st->st_uid);
	int64_t left = (is_draft ? DROP_DRAFT_S : DROP_FOREIGN_S) -
		       (s->wall_s - st->st_ctime);
	bool is_over = c->files >= DROP_FILES ||
		       c->bytes + bytes_of_file(st) > DROP_BYTES;
	int rc;

	if (left >= 0 && !is_over) {
		c->files++;
		c->bytes += bytes_of_file(st);
		look_again(
		    s, left < DROP_FOREIGN_S ? left + 1 : DROP_FOREIGN_S + 1);
		return;
	}
	rc = S_ISDIR(st->st_mode)
		 ? s->f->fs->rmdir(s->f->fs->ctx, s->f->drop, name)
		 : s->f->fs->unlink(s->f->fs->ctx, s->f->drop, name);
	if (rc == 0) {
		s->found->removed++;
		s->found->removed_uid = st->st_uid;
	} else if (errno != ENOENT) {
		s->found->stuck++;
		s->found->stuck_uid = st->st_uid;
	}
}

/* There are more names of this user than one look hands out, so what is no mail
 * goes at once: taken one by one, a million of them would last for hours. */
static void
weed(struct look *s, const char *name, const struct stat *st)
{
	const struct drop_limits none = { UINT64_MAX, SIZE_MAX };
	struct drop_file *f = NULL;
	struct err err;

	switch (drop_open(s->f->fs, s->f->drop, name, &none, &f, &err)) {
	case DROP_BAD:
	case DROP_UNFINISHED:
		see_other(s, name, st, false);
		break;
	case DROP_OK:
		drop_close(f);
		look_again(s, 0);
		break;
	case DROP_GONE:
	case DROP_REFUSED:
	case DROP_ERROR:
		look_again(s, 0);
		break;
	}
}

static void
see_file(struct look *s, const char *name, const struct stat *st)
{
	if (++charge_of(&s->waiting, st->st_uid)->names <= NAMES_PER_USER)
		keep_name(s, s->found->names, &s->found->count, name);
	else if (s->nspare < NAMES_MAX)
		keep_name(s, s->spare, &s->nspare, name);
	else
		weed(s, name, st);
}

static void
use_spare(struct look *s)
{
	for (size_t i = 0; i < s->nspare; i++)
		keep_name(s, s->found->names, &s->found->count, s->spare[i]);
}

static bool
see_name(void *arg, const char *name)
{
	struct look *s = arg;
	bool is_draft = name[0] == '.' && drop_is_name(name + 1);
	struct stat st;

	if (s->f->fs->stat(s->f->fs->ctx, s->f->drop, name, &st) != 0)
		return true; /* gone */
	if (S_ISREG(st.st_mode) && drop_is_name(name))
		see_file(s, name, &st);
	else
		see_other(s, name, &st, is_draft && S_ISREG(st.st_mode));
	if (s->found->removed < REMOVED_MAX)
		return true;
	look_again(s, 0);
	return false;
}

static bool
see_aside(void *arg, const char *name)
{
	struct look *s = arg;
	struct drop_charge *c;
	struct stat st;

	if (s->f->fs->stat(s->f->fs->ctx, s->f->corrupt, name, &st) != 0)
		return true;
	c = charge_of(&s->found->aside, st.st_uid);
	c->files++;
	c->bytes += bytes_of_file(&st);
	return true;
}

void
drop_folder_look(
    const struct drop_folder *f, int64_t wall_s, struct drop_found *ret)
{
	struct look s = { .f = f, .wall_s = wall_s, .found = ret };

	*ret = (struct drop_found) { .again_s = INT64_MAX };
	ret->names = xcalloc(NAMES_MAX, QID_SIZE);
	s.spare = xcalloc(NAMES_MAX, QID_SIZE);
	ret->rc = f->fs->list(f->fs->ctx, f->drop, see_name, &s);
	if (ret->rc != 0)
		err_sys(&ret->err, "cannot list drop/");
	use_spare(&s);
	free(s.spare);
	free(s.waiting.v);
	/* What cannot be counted is not limited, and does no harm. */
	IGNORE(f->fs->list(f->fs->ctx, f->corrupt, see_aside, &s));
}

void
drop_folder_looked(struct drop_folder *f, struct drop_found *found)
{
	struct drop_charges swap = f->aside;

	f->aside = found->aside;
	found->aside = swap;
}

void
drop_found_clear(struct drop_found *found)
{
	free(found->names);
	free(found->aside.v);
}

/* --- setting aside -------------------------------------------------------- */

/* True: its user has no room left in corrupt/. */
static bool
is_too_much(struct drop_folder *f, const struct stat *st, bool was_accepted)
{
	struct drop_charge *c = charge_of(&f->aside, st->st_uid);

	if (c->files >= (was_accepted ? DROP_FILES : DROP_ASIDE_FILES) ||
	    c->bytes + bytes_of_file(st) >
		(was_accepted ? DROP_BYTES : DROP_ASIDE_BYTES))
		return true;
	c->files++;
	c->bytes += bytes_of_file(st);
	return false;
}

bool
drop_folder_set_aside(
    struct drop_folder *f, const char *name, bool was_accepted, struct err *why)
{
	const struct fs *fs = f->fs;
	bool is_full;
	struct stat st;

	if (fs->stat(fs->ctx, f->drop, name, &st) != 0)
		return false;
	is_full = is_too_much(f, &st, was_accepted);
	if (!is_full &&
	    disk_set_aside(fs, f->drop, name, f->corrupt, name) == 0)
		err_ctx(why, "moved to corrupt/");
	else if ((is_full || !was_accepted) &&
		 fs->unlink(fs->ctx, f->drop, name) == 0)
		err_ctx(why,
		    is_full ? "removed, because corrupt/ has enough of this "
			      "user's"
			    : "removed, because it cannot be moved to "
			      "corrupt/");
	else
		err_ctx(why, "ignored");
	return true;
}

/* --- taking --------------------------------------------------------------- */

static enum drop_opened
set_aside(
    struct drop_folder *f, const char *name, bool was_accepted, struct err *why)
{
	return drop_folder_set_aside(f, name, was_accepted, why) ? DROP_TELL
								 : DROP_NOT_NOW;
}

/* Shorter than it says: somebody still writes it, or has given it up. */
static enum drop_opened
on_unfinished(struct drop_folder *f, const char *name, int64_t wall_s,
    int64_t *ret_again_s, struct err *err)
{
	struct stat st;

	if (f->fs->stat(f->fs->ctx, f->drop, name, &st) != 0)
		return DROP_NOT_NOW;
	if (wall_s - st.st_ctime > DROP_FOREIGN_S) {
		err_set(err, ERR_INPUT, "drop file is shorter than it says");
		return set_aside(f, name, false, err);
	}
	*ret_again_s = DROP_FOREIGN_S;
	return DROP_NOT_NOW;
}

enum drop_opened
drop_folder_open(struct drop_folder *f, const char *name,
    const struct drop_limits *max, int64_t wall_s, struct drop_file **ret,
    int64_t *ret_again_s, struct err *err)
{
	*ret_again_s = INT64_MAX;
	switch (drop_open(f->fs, f->drop, name, max, ret, err)) {
	case DROP_OK:
		return DROP_OPENED;
	case DROP_GONE:
		break;
	case DROP_UNFINISHED:
		return on_unfinished(f, name, wall_s, ret_again_s, err);
	case DROP_BAD:
		return set_aside(f, name, false, err);
	case DROP_REFUSED:
		return set_aside(f, name, true, err);
	case DROP_ERROR:
		return DROP_TELL;
	}
	return DROP_NOT_NOW;
}

int
drop_folder_remove(struct drop_folder *f, const char *name, struct err *err)
{
	if (f->fs->unlink(f->fs->ctx, f->drop, name) == 0 || errno == ENOENT)
		return 0;
	/* It would be taken in again and again: better not at all. */
	err_sys(err, "cannot remove a drop file that was already taken");
	return drop_folder_set_aside(f, name, false, err) ? -1 : 0;
}
