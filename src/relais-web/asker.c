/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-web/asker.h"

#include <errno.h>
#include <time.h>

#include "ctl/ctl_server.h"

enum {
	PLACES = CTL_CONNECTIONS_PER_UID - 2, /* relais(1) of the same user */
	PATIENCE_S = 5
};

void
asker_init(struct asker *a, const char *control)
{
	a->control = control;
	(void)sem_init(&a->places, 0, PLACES); /* a small number is valid */
}

static int
take_place(struct asker *a, struct err *err)
{
	struct timespec until;
	int rc;

	(void)clock_gettime(CLOCK_REALTIME, &until); /* is always there */
	until.tv_sec += PATIENCE_S;
	do
		rc = sem_timedwait(&a->places, &until);
	while (rc != 0 && errno == EINTR);
	return rc == 0 ? 0
		       : err_set(err, ERR_BUSY,
			     "too many pages are being drawn: try again");
}

int
asker_open(
    struct asker *a, uint32_t uid, struct ctl_client **ret, struct err *err)
{
	json_t *args;
	int rc;

	if (take_place(a, err) != 0)
		return -1;
	if (ctl_client_open(a->control, PATIENCE_S * 1000, ret, err) != 0) {
		(void)sem_post(&a->places); /* it was taken above */
		return -1;
	}
	args = json_pack("{s:I}", "uid", (json_int_t)uid);
	rc = ctl_client_call(*ret, "as", args, NULL, NULL, NULL, err);
	json_decref(args);
	if (rc != 0)
		asker_close(a, *ret);
	return rc;
}

void
asker_close(struct asker *a, struct ctl_client *c)
{
	if (c == NULL)
		return;
	ctl_client_free(c);
	(void)sem_post(&a->places); /* it was taken in asker_open() */
}
