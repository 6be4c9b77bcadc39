/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/drop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc32.h"
#include "base/xalloc.h"
#include "store/disk.h"
#include "store/store_text.h"

/* Sixteen random digits; a dot in front while it is being written. */
enum { NAME_LEN = 16, NAME_SIZE = NAME_LEN + 1, HEADER_MAX = 1024 * 1024 };
enum { FIRST_READ = 4096 };

static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

/* --- writing -------------------------------------------------------------- */

struct writer {
	const struct fs *fs;
	const char *dir;
	int dirfd, fd;
	char (*temps)[NAME_SIZE + 1]; /* ".NAME", one for each file */
	size_t made; /* so many are there */
	size_t published; /* so many of them without the dot */
};

static int
err_drop(struct err *err, const struct writer *w, const char *what)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%s the drop folder", what);
	return disk_err(err, text, w->dir);
}

static void
make_name(const struct rng *rng, char ret[NAME_SIZE + 1])
{
	unsigned char r[NAME_LEN];

	rng_fill(rng, r, sizeof(r));
	ret[0] = '.';
	for (size_t i = 0; i < NAME_LEN; i++)
		ret[i + 1] = digits[r[i] & 31];
	ret[NAME_LEN + 1] = '\0';
}

static int
create_file(struct writer *w, const struct rng *rng)
{
	char *temp = w->temps[w->made];

	if (w->fd >= 0) /* of the file before, which is synced */
		IGNORE(w->fs->close(w->fs->ctx, w->fd));
	do {
		make_name(rng, temp);
		w->fd = w->fs->open(w->fs->ctx, w->dirfd, temp,
		    O_WRONLY | O_CREAT | O_EXCL, 0600);
	} while (w->fd < 0 && errno == EEXIST);
	if (w->fd < 0)
		return -1;
	w->made++;
	/* The folder gives the file its group, which is relaisd's; whatever the
	 * umask, that one must be able to read it.  Where the folder belongs
	 * to the caller this fails or is of no use, and does no harm. */
	IGNORE(w->fs->chmod(w->fs->ctx, w->dirfd, temp, 0640));
	return 0;
}

static int
write_message(struct writer *w, const struct buf *header,
    const struct bytes *pieces, size_t npieces)
{
	char end[STORE_END_MAX];
	uint64_t size = 0;
	uint32_t crc = 0;

	if (disk_write(w->fs, w->fd, buf_str(header), buf_len(header)) != 0)
		return -1;
	for (size_t i = 0; i < npieces; i++) {
		if (disk_write(w->fs, w->fd, pieces[i].p, pieces[i].n) != 0)
			return -1;
		crc = crc32_of(crc, pieces[i].p, pieces[i].n);
		size += pieces[i].n;
	}
	return disk_write(w->fs, w->fd, end, store_text_end(end, size, crc));
}

/* The new name must be durable too.  Those who may only write to the folder
 * cannot open it, and so cannot sync it: then the whole file system is. */
static int
sync_name(struct writer *w)
{
	int fd = w->fs->open(
	    w->fs->ctx, w->dirfd, ".", O_RDONLY | O_DIRECTORY, 0);
	int rc;

	if (fd < 0)
		return w->fs->sync_all(w->fs->ctx, w->fd);
	rc = w->fs->sync(w->fs->ctx, fd);
	IGNORE(w->fs->close(w->fs->ctx, fd)); /* only read from */
	return rc;
}

static int
publish(struct writer *w)
{
	for (; w->published < w->made; w->published++) {
		const char *temp = w->temps[w->published];

		if (w->fs->rename(
			w->fs->ctx, w->dirfd, temp, w->dirfd, temp + 1) != 0)
			return -1;
	}
	return sync_name(w);
}

/* Removes what is there, under whichever name. */
static void
take_back(struct writer *w)
{
	for (size_t i = 0; i < w->made; i++)
		IGNORE(w->fs->unlink(
		    w->fs->ctx, w->dirfd, w->temps[i] + (i < w->published)));
}

static int
open_folder(struct writer *w, struct err *err)
{
	char *dot = xasprintf("%s/.", w->dir);

	w->dirfd = w->fs->open(
	    w->fs->ctx, AT_FDCWD, dot, O_PATH | O_DIRECTORY, 0);
	free(dot);
	return w->dirfd >= 0 ? 0 : err_drop(err, w, "cannot open");
}

static void
writer_close(struct writer *w, bool is_good)
{
	int saved = errno;

	if (!is_good)
		take_back(w);
	/* The file was synced, or is gone. */
	if (w->fd >= 0)
		IGNORE(w->fs->close(w->fs->ctx, w->fd));
	if (w->dirfd >= 0)
		IGNORE(w->fs->close(w->fs->ctx, w->dirfd));
	free(w->temps);
	errno = saved;
}

/* The header of a file for some of the recipients of e; part is the rest of
 * e. */
static bool
make_header(struct buf *to, const struct envelope *e, size_t from,
    struct envelope *part)
{
	envelope_clear_rcpts(part);
	for (size_t i = from; i < e->nrcpts && i - from < DROP_RCPTS_MAX; i++) {
		struct rcpt *r = envelope_add_rcpt(part, e->rcpts[i].addr);

		envelope_set(&r->orcpt, e->rcpts[i].orcpt);
		r->notify = e->rcpts[i].notify;
	}
	buf_reset(to);
	return store_text_header(to, STORE_TEXT_DROP, part, 0);
}

/* All files under their temporary names. */
static int
write_files(struct writer *w, const struct rng *rng, const struct envelope *e,
    const struct bytes *pieces, size_t npieces, struct err *err)
{
	struct envelope *part = envelope_dup(e);
	struct buf header;
	int rc = 0;

	part->size_bytes = 0;
	for (size_t i = 0; i < npieces; i++)
		part->size_bytes += pieces[i].n;
	buf_init(&header, HEADER_MAX);
	for (size_t at = 0; rc == 0 && at < e->nrcpts; at += DROP_RCPTS_MAX)
		if (!make_header(&header, e, at, part))
			rc = err_set(
			    err, ERR_INPUT, "the addresses are too long");
		else if (create_file(w, rng) != 0 ||
			 write_message(w, &header, pieces, npieces) != 0 ||
			 w->fs->sync(w->fs->ctx, w->fd) != 0)
			rc = err_drop(err, w, "cannot write to");
	buf_clear(&header);
	envelope_free(part);
	return rc;
}

int
drop_write(const struct fs *fs, const struct rng *rng, const char *dir,
    const struct envelope *e, const struct bytes *pieces, size_t npieces,
    struct err *err)
{
	struct writer w = { .fs = fs, .dir = dir, .dirfd = -1, .fd = -1 };
	int rc;

	w.temps = xcalloc(e->nrcpts / DROP_RCPTS_MAX + 1, sizeof(*w.temps));
	rc = open_folder(&w, err);
	if (rc == 0)
		rc = write_files(&w, rng, e, pieces, npieces, err);
	if (rc == 0 && publish(&w) != 0)
		rc = err_drop(err, &w, "cannot write to");
	writer_close(&w, rc == 0);
	return rc;
}

/* --- reading -------------------------------------------------------------- */

struct drop_file {
	const struct fs *fs;
	int fd;
	uint32_t uid;
	struct envelope *env;
	uint64_t body, size, at;
	uint32_t crc;
};

bool
drop_is_name(const char *name)
{
	return strlen(name) == NAME_LEN &&
	       strspn(name, digits) == (size_t)NAME_LEN;
}

static enum drop_result
bad(struct err *err, const char *why)
{
	err_set(err, ERR_INPUT, "drop file %s", why);
	return DROP_BAD;
}

/* sendmail, which knows no limits of ours, has said yes to it. */
static enum drop_result
refused(struct err *err, const char *why)
{
	(void)bad(err, why);
	return DROP_REFUSED;
}

static enum drop_result
check_file(struct drop_file *f, int dirfd, struct err *err)
{
	struct stat st, dir;

	if (f->fs->fstat(f->fs->ctx, f->fd, &st) != 0) {
		err_sys(err, "drop file");
		return DROP_ERROR;
	}
	if (!S_ISREG(st.st_mode))
		return bad(err, "is not a regular file");
	/* A second name would let somebody submit what another one wrote. */
	if (st.st_nlink != 1)
		return bad(err, "has a second link");
	/* Nor may somebody move here what another one wrote elsewhere.  Where
	 * the folder lacks its bit, nobody can tell. */
	if (f->fs->fstat(f->fs->ctx, dirfd, &dir) == 0 &&
	    (dir.st_mode & S_ISGID) != 0 && dir.st_gid != st.st_gid)
		return bad(err, "was not created in the drop folder");
	f->uid = st.st_uid;
	return DROP_OK;
}

/* How many there will be, up to the end of the header. */
static size_t
count_rcpts(struct bytes b)
{
	static const char key[] = "\nrcpt: ", sum[] = "\nsum: ";
	const char *end = memmem(b.p, b.n, sum, sizeof(sum) - 1);
	const char *p = b.p, *stop = end != NULL ? end : b.p + b.n;
	size_t n = 0;

	while (
	    (p = memmem(p, (size_t)(stop - p), key, sizeof(key) - 1)) != NULL) {
		p += sizeof(key) - 1;
		n++;
	}
	return n;
}

static enum drop_result
read_header(struct drop_file *f, const struct drop_limits *max, struct err *err)
{
	enum store_text_result res = STORE_TEXT_SHORT;
	enum drop_result ret = DROP_OK;
	struct buf b;
	size_t step = FIRST_READ, body = 0;

	buf_init(&b, HEADER_MAX);
	while (ret == DROP_OK && res == STORE_TEXT_SHORT) {
		char *p = buf_space(&b, step);
		ssize_t r;

		if (p == NULL) {
			ret = bad(err, "has a header that does not end");
			break;
		}
		r = disk_pread(f->fs, f->fd, p, step, buf_len(&b));
		if (r <= 0) {
			if (r < 0)
				err_sys(err, "drop file");
			ret = r < 0 ? DROP_ERROR : DROP_UNFINISHED;
			break;
		}
		buf_added(&b, (size_t)r);
		if (count_rcpts(buf_bytes(&b)) > max->rcpts) {
			ret = refused(err, "has more than max_recipients");
			break;
		}
		res = store_text_header_parse(
		    STORE_TEXT_DROP, buf_bytes(&b), &f->env, &body);
		step = buf_len(&b);
	}
	buf_clear(&b);
	if (ret != DROP_OK)
		return ret;
	if (res == STORE_TEXT_BAD)
		return bad(err, "is not what sendmail writes");
	if (f->env->size_bytes > max->size_bytes)
		return refused(err, "is larger than max_size");
	f->body = body;
	f->size = f->env->size_bytes;
	return DROP_OK;
}

/* What a client may say of itself; the rest is not the user's to claim. */
static void
keep_wishes(struct drop_file *f)
{
	struct envelope *e = f->env;

	e->id[0] = '\0';
	e->arrived_s = 0;
	e->uid = UID_UNKNOWN;
	envelope_set(&e->user, NULL);
	envelope_set(&e->peer, "");
	envelope_set(&e->helo, NULL);
	envelope_set(&e->listener, NULL);
}

static enum drop_result
read_end(struct drop_file *f, uint32_t *ret_crc, struct err *err)
{
	char end[STORE_END_MAX];
	ssize_t r = disk_pread(
	    f->fs, f->fd, end, sizeof(end), f->body + f->size);
	size_t used;

	if (r < 0) {
		err_sys(err, "drop file");
		return DROP_ERROR;
	}
	switch (store_text_end_parse(
	    bytes_of(end, (size_t)r), f->size, ret_crc, &used)) {
	case STORE_TEXT_OK:
		return used == (size_t)r ? DROP_OK
					 : bad(err, "continues after its end");
	case STORE_TEXT_SHORT:
		return DROP_UNFINISHED;
	case STORE_TEXT_BAD:
		break;
	}
	return bad(err, "does not end where it says");
}

/* Are its files given our group?  sendmail lets that one read them. */
static bool
is_shared(const struct fs *fs, int dirfd)
{
	struct stat st;

	return fs->fstat(fs->ctx, dirfd, &st) == 0 &&
	       (st.st_mode & S_ISGID) != 0;
}

enum drop_result
drop_open(const struct fs *fs, int dirfd, const char *name,
    const struct drop_limits *max, struct drop_file **ret, struct err *err)
{
	/* A pipe must not make us wait for its other end. */
	int fd = fs->open(
	    fs->ctx, dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct drop_file *f;
	enum drop_result res;
	uint32_t crc;

	if (fd < 0) {
		if (errno == ENOENT)
			return DROP_GONE;
		if (errno == ELOOP)
			return bad(err, "is a symbolic link");
		if (errno == ENXIO)
			return bad(err, "is not a regular file");
		if (errno == EACCES && is_shared(fs, dirfd))
			return bad(err, "cannot be read by relaisd");
		err_sys(err, "drop file");
		return DROP_ERROR;
	}
	f = xcalloc(1, sizeof(*f));
	f->fs = fs;
	f->fd = fd;
	res = check_file(f, dirfd, err);
	if (res == DROP_OK)
		res = read_header(f, max, err);
	if (res == DROP_OK)
		res = read_end(f, &crc, err);
	if (res != DROP_OK) {
		drop_close(f);
		return res;
	}
	keep_wishes(f);
	*ret = f;
	return DROP_OK;
}

void
drop_close(struct drop_file *f)
{
	if (f == NULL)
		return;
	IGNORE(f->fs->close(f->fs->ctx, f->fd)); /* only read from */
	envelope_free(f->env);
	free(f);
}

uint32_t
drop_uid(const struct drop_file *f)
{
	return f->uid;
}

const struct envelope *
drop_envelope(const struct drop_file *f)
{
	return f->env;
}

int
drop_read(
    struct drop_file *f, void *p, size_t n, size_t *ret_n, struct err *err)
{
	uint64_t left = f->size - f->at;
	size_t want = n < left ? n : (size_t)left;
	uint32_t crc = 0;
	ssize_t r;

	if (want == 0) {
		if (read_end(f, &crc, err) != DROP_OK || crc != f->crc)
			return err_set(err, ERR_INPUT,
			    "drop file does not match its checksum");
		*ret_n = 0;
		return 0;
	}
	r = disk_pread(f->fs, f->fd, p, want, f->body + f->at);
	if (r < 0)
		return err_sys(err, "drop file");
	if ((size_t)r != want)
		return err_set(err, ERR_INPUT, "drop file became shorter");
	f->crc = crc32_of(f->crc, p, want);
	f->at += want;
	*ret_n = want;
	return 0;
}
