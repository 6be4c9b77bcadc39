/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where in the spool a message is. */
#include <stdio.h>

#include "store/spool_core.h"

int
spool_open_at(struct spool *s, int dirfd, const char *name, int flags)
{
	return s->fs->open(s->fs->ctx, dirfd, name, flags, 0600);
}

void
spool_path(enum store_place place, const char *id, char ret[SPOOL_PATH_SIZE])
{
	static const char *const names[] = {
		[STORE_FAILED] = "failed", [STORE_CORRUPT] = "corrupt"
	};
	char folder[QID_FOLDER_SIZE];

	if (place == STORE_QUEUE) {
		qid_folder(id, folder);
		(void)snprintf(ret, SPOOL_PATH_SIZE, "queue/%s/%s", folder, id);
	} else {
		(void)snprintf(ret, SPOOL_PATH_SIZE, "%s/%s", names[place], id);
	}
}
