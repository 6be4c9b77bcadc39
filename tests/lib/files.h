/* SPDX-License-Identifier: GPL-3.0-or-later */
/* files.h - a folder of a test's own, with small files in it.
 *
 *	struct files f;
 *	files_init(&f);
 *	const char *path = files_put(&f, "relais.conf", text, 0600);
 *	files_clear(&f);
 */
#ifndef TESTS_LIB_FILES_H
#define TESTS_LIB_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "tests/lib/check.h"
#include "tests/lib/temp.h"

enum { FILES_MAX = 32 };

struct files {
	char dir[64];
	char *path[FILES_MAX];
	size_t n;
};

static inline void
files_init(struct files *f)
{
	*f = (struct files) { .n = 0 };
	temp_dir(f->dir, sizeof(f->dir), "relais-test");
}

/* Written anew if it is there; the path is borrowed until files_clear(). */
static inline const char *
files_put_bytes(
    struct files *f, const char *name, struct bytes content, mode_t mode)
{
	char *path = xasprintf("%s/%s", f->dir, name);
	FILE *to = fopen(path, "w");

	assert_non_null(to);
	assert_true(f->n < FILES_MAX);
	assert_int_equal(fwrite(content.p, 1, content.n, to), content.n);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(chmod(path, mode), 0);
	f->path[f->n++] = path;
	return path;
}

static inline const char *
files_put(struct files *f, const char *name, const char *text, mode_t mode)
{
	return files_put_bytes(f, name, bytes_str(text), mode);
}

static inline void
files_clear(struct files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		(void)unlink(f->path[i]); /* it may be listed twice */
		free(f->path[i]);
	}
	(void)rmdir(f->dir);
}

#endif
