/* SPDX-License-Identifier: GPL-3.0-or-later */
/* asker.h - connections to the control socket, each as the user who looks at a
 * page.
 *
 * The daemon allows one user only a few connections, and every page needs one
 * for a moment.  A page that finds none free waits for one, fairly between
 * users (places.h).  Each call blocks for at most some seconds; any thread may
 * call.
 */
#ifndef RELAIS_WEB_ASKER_H
#define RELAIS_WEB_ASKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ctl/ctl_client.h"
#include "relais-web/places.h"

struct asker {
	const char *control; /* path of the socket; borrowed */
	bool is_own; /* by its path, a user's own daemon, not the machine's */
	struct places places;
};

void asker_init(struct asker *a, const char *control);

/* True: the daemon serves this user.  A user's own daemon, which is recognised
 * by its path or by the owner of its socket, serves only that user and root. */
bool asker_is_for(const struct asker *a, uint32_t uid);

/* Opens a connection that is shown what that user may see.  -1: err has a
 * sentence for people. */
int asker_open(
    struct asker *a, uint32_t uid, struct ctl_client **ret, struct err *err);
/* uid: as given to asker_open().  c may be NULL. */
void asker_close(struct asker *a, uint32_t uid, struct ctl_client *c);

#endif
