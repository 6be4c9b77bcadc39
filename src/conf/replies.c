/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/replies.h"

#include <errno.h>
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
parse_rows(struct replies *r, int fd, const char *file, struct err *err)
{
	if (files_read_all(fd, &r->text) != 0)
		return errno == EFBIG ? err_set(err, ERR_CONFIG,
					    "%s is larger than %d bytes", file,
					    FILE_MAX_BYTES)
				      : err_sys(err, "cannot read %s", file);
	if (reply_table_parse(
		buf_bytes(&r->text), diagnosis_shipped(), &r->table, err) != 0)
		return err_ctx(err, "%s", file);
	return 0;
}

int
replies_load(const char *file, struct replies **ret, struct err *err)
{
	struct replies *r;
	int fd, rc;

	*ret = NULL;
	if (trust_file(file, geteuid(), err) != 0)
		return -1;
	fd = files_open_regular(file);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return files_err(err, "cannot read", file);
	r = xcalloc(1, sizeof(*r));
	buf_init(&r->text, FILE_MAX_BYTES);
	rc = parse_rows(r, fd, file, err);
	(void)close(fd); /* only read */
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
