/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/replies.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "mail/reply_table.h"
#include "sys/files.h"
#include "sys/trust.h"

enum { FILE_MAX_BYTES = 1024 * 1024 };

struct replies {
	struct buf text; /* of which the table borrows */
	struct reply_table *table;
};

static int
read_all(FILE *f, const char *file, struct buf *to, struct err *err)
{
	char piece[4096];
	size_t n;

	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		if (!buf_add(to, piece, n))
			return err_set(err, ERR_CONFIG,
			    "%s is larger than %d bytes", file, FILE_MAX_BYTES);
	return ferror(f) ? err_sys(err, "cannot read %s", file) : 0;
}

static int
parse_rows(struct replies *r, FILE *f, const char *file, struct err *err)
{
	if (read_all(f, file, &r->text, err) != 0)
		return -1;
	if (reply_table_parse(
		buf_bytes(&r->text), diagnosis_shipped(), &r->table, err) != 0)
		return err_ctx(err, "%s", file);
	return 0;
}

int
replies_load(const char *file, struct replies **ret, struct err *err)
{
	struct replies *r;
	FILE *f;
	int rc;

	*ret = NULL;
	if (trust_file(file, geteuid(), err) != 0)
		return -1;
	f = files_read(file);
	if (f == NULL && errno == ENOENT)
		return 0;
	if (f == NULL)
		return err_sys(err, "cannot read %s", file);
	r = xcalloc(1, sizeof(*r));
	buf_init(&r->text, FILE_MAX_BYTES);
	rc = parse_rows(r, f, file, err);
	IGNORE(fclose(f)); /* only read */
	if (rc == 0)
		*ret = r;
	else
		replies_free(r);
	return rc;
}

void
replies_free(struct replies *r)
{
	if (r == NULL)
		return;
	reply_table_free(r->table);
	buf_clear(&r->text);
	free(r);
}

void
replies_use(const struct replies *r)
{
	diagnosis_use(r != NULL ? r->table : NULL);
}
