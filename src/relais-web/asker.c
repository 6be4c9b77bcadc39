/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-web/asker.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "ctl/ctl_server.h"
#include "sys/own_daemon.h"

enum { PATIENCE_S = 5 };

_Static_assert(PLACES_MAX + 2 <= CTL_CONNECTIONS_PER_UID,
    "relais(1) of the same user needs some, too");

void
asker_init(struct asker *a, const char *control)
{
	char *own = own_daemon_socket("control.sock");

	a->control = control;
	a->is_own = geteuid() != 0 && str_eq(control, own);
	free(own);
	places_init(&a->places);
}

bool
asker_is_for(const struct asker *a, uint32_t uid)
{
	struct stat st;

	return geteuid() == 0 || uid == 0 || uid == geteuid() ||
	       (!a->is_own &&
		   (stat(a->control, &st) != 0 || st.st_uid != geteuid()));
}

int
asker_open(
    struct asker *a, uint32_t uid, struct ctl_client **ret, struct err *err)
{
	json_t *args;
	int rc;

	if (!places_take(&a->places, uid, PATIENCE_S))
		return err_set(
		    err, ERR_BUSY, "too many pages are being drawn: try again");
	if (ctl_client_open(a->control, PATIENCE_S * 1000, ret, err) != 0) {
		places_leave(&a->places, uid);
		return -1;
	}
	args = json_pack("{s:I}", "uid", (json_int_t)uid);
	rc = ctl_client_call(*ret, "as", args, NULL, NULL, NULL, err);
	json_decref(args);
	if (rc != 0)
		asker_close(a, uid, *ret);
	return rc;
}

void
asker_close(struct asker *a, uint32_t uid, struct ctl_client *c)
{
	if (c == NULL)
		return;
	ctl_client_free(c);
	places_leave(&a->places, uid);
}
