/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/drop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc32.h"
#include "base/xalloc.h"
#include "mail/addr.h"
#include "mail/xtext.h"
#include "queue/disk.h"
#include "queue/spool_text.h"

/* Sixteen random digits; a dot in front while it is being written. */
enum { NAME_LEN = 16, NAME_SIZE = NAME_LEN + 1, HEADER_MAX = 1024 * 1024 };
enum { FIRST_READ = 4096 };

static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

/* --- writing -------------------------------------------------------------- */

struct writer {
	const struct fs *fs;
	const char *dir;
	int dirfd, fd;
	char temp[NAME_SIZE + 1]; /* ".NAME" */
	bool is_made; /* temp is there */
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
	do {
		make_name(rng, w->temp);
		w->fd = w->fs->open(w->fs->ctx, w->dirfd, w->temp,
		    O_WRONLY | O_CREAT | O_EXCL, 0600);
	} while (w->fd < 0 && errno == EEXIST);
	w->is_made = w->fd >= 0;
	/* The folder gives the file its group, which is relaisd's; whatever the
	 * umask, that one must be able to read it.  Where the folder belongs
	 * to the caller this fails or is of no use, and does no harm. */
	if (w->is_made)
		IGNORE(w->fs->chmod(w->fs->ctx, w->dirfd, w->temp, 0640));
	return w->fd < 0 ? -1 : 0;
}

static int
write_message(struct writer *w, const struct buf *header,
    const struct bytes *pieces, size_t npieces)
{
	char end[SPOOL_END_MAX];
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
	return disk_write(w->fs, w->fd, end, spool_text_end(end, size, crc));
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
	const char *name = w->temp + 1;

	if (w->fs->rename(w->fs->ctx, w->dirfd, w->temp, w->dirfd, name) != 0)
		return -1;
	w->is_made = false;
	if (sync_name(w) == 0)
		return 0;
	IGNORE(w->fs->unlink(w->fs->ctx, w->dirfd, name));
	return -1;
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
writer_close(struct writer *w)
{
	int saved = errno;

	if (w->is_made)
		IGNORE(w->fs->unlink(w->fs->ctx, w->dirfd, w->temp));
	/* The file was synced, or is gone. */
	if (w->fd >= 0)
		IGNORE(w->fs->close(w->fs->ctx, w->fd));
	if (w->dirfd >= 0)
		IGNORE(w->fs->close(w->fs->ctx, w->dirfd));
	errno = saved;
}

int
drop_write(const struct fs *fs, const struct rng *rng, const char *dir,
    const struct envelope *e, const struct bytes *pieces, size_t npieces,
    struct err *err)
{
	struct writer w = { .fs = fs, .dir = dir, .dirfd = -1, .fd = -1 };
	struct envelope *copy = envelope_dup(e);
	struct buf header;
	int rc = -1;

	buf_init(&header, HEADER_MAX);
	copy->size_bytes = 0;
	for (size_t i = 0; i < npieces; i++)
		copy->size_bytes += pieces[i].n;
	if (!spool_text_header(&header, SPOOL_TEXT_DROP, copy, 0)) {
		err_set(err, ERR_INPUT, "there are too many recipients");
		goto out;
	}
	if (open_folder(&w, err) != 0)
		goto out;
	if (create_file(&w, rng) != 0 ||
	    write_message(&w, &header, pieces, npieces) != 0 ||
	    fs->sync(fs->ctx, w.fd) != 0 || publish(&w) != 0)
		err_drop(err, &w, "cannot write to");
	else
		rc = 0;
out:
	writer_close(&w);
	buf_clear(&header);
	envelope_free(copy);
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

static enum drop_result
check_file(struct drop_file *f, struct err *err)
{
	struct stat st;

	if (f->fs->fstat(f->fs->ctx, f->fd, &st) != 0) {
		err_sys(err, "drop file");
		return DROP_ERROR;
	}
	if (!S_ISREG(st.st_mode))
		return bad(err, "is no regular file");
	/* A second name would let somebody submit what another one wrote. */
	if (st.st_nlink != 1)
		return bad(err, "has a second name");
	f->uid = st.st_uid;
	return DROP_OK;
}

static bool
is_safe(const char *addr)
{
	return addr_is_safe(bytes_of(addr, strlen(addr)));
}

static bool
is_xtext(const char *text, size_t n)
{
	return n > 0 && xtext_is_valid(bytes_of(text, n));
}

static bool
is_sound_orcpt(const char *orcpt)
{
	size_t type = strcspn(orcpt, ";");

	return orcpt[type] == ';' && is_xtext(orcpt, type) &&
	       is_xtext(orcpt + type + 1, strlen(orcpt + type + 1));
}

/* Anybody can write such a file, so what stands in it is held to what a client
 * would be held to (R8): no address or parameter that could mean more than
 * itself in a command. */
static bool
is_sound_envelope(const struct envelope *e)
{
	bool ok = is_safe(e->sender) &&
		  (e->envid == NULL || is_xtext(e->envid, strlen(e->envid)));

	for (size_t i = 0; ok && i < e->nrcpts; i++) {
		const struct rcpt *r = &e->rcpts[i];

		ok = r->addr[0] != '\0' && is_safe(r->addr) &&
		     (r->orcpt == NULL || is_sound_orcpt(r->orcpt));
	}
	return ok;
}

static enum drop_result
read_header(struct drop_file *f, uint64_t max, struct err *err)
{
	enum spool_text_result res = SPOOL_TEXT_SHORT;
	enum drop_result ret = DROP_OK;
	struct buf b;
	size_t step = FIRST_READ, body = 0;

	buf_init(&b, HEADER_MAX);
	while (ret == DROP_OK && res == SPOOL_TEXT_SHORT) {
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
		res = spool_text_header_parse(
		    SPOOL_TEXT_DROP, buf_bytes(&b), &f->env, &body);
		step = buf_len(&b);
	}
	buf_clear(&b);
	if (ret != DROP_OK)
		return ret;
	if (res == SPOOL_TEXT_BAD)
		return bad(err, "is not what sendmail writes");
	if (!is_sound_envelope(f->env))
		return bad(err, "holds an address or a parameter that is none");
	if (f->env->size_bytes > max)
		return bad(err, "is larger than max_size");
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
	char end[SPOOL_END_MAX];
	ssize_t r = disk_pread(
	    f->fs, f->fd, end, sizeof(end), f->body + f->size);
	size_t used;

	if (r < 0) {
		err_sys(err, "drop file");
		return DROP_ERROR;
	}
	switch (spool_text_end_parse(
	    bytes_of(end, (size_t)r), f->size, ret_crc, &used)) {
	case SPOOL_TEXT_OK:
		return used == (size_t)r ? DROP_OK
					 : bad(err, "goes on behind its end");
	case SPOOL_TEXT_SHORT:
		return DROP_UNFINISHED;
	case SPOOL_TEXT_BAD:
		break;
	}
	return bad(err, "does not end where it says");
}

enum drop_result
drop_open(const struct fs *fs, int dirfd, const char *name,
    uint64_t max_size_bytes, struct drop_file **ret, struct err *err)
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
			return bad(err, "is no regular file");
		err_sys(err, "drop file");
		return DROP_ERROR;
	}
	f = xcalloc(1, sizeof(*f));
	f->fs = fs;
	f->fd = fd;
	res = check_file(f, err);
	if (res == DROP_OK)
		res = read_header(f, max_size_bytes, err);
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
