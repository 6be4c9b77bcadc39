/* SPDX-License-Identifier: GPL-3.0-or-later */
/* asker.h - connections to the control socket, each with the eyes of the person
 * who sits behind a page.
 *
 * The daemon allows a user few connections, and every page needs one for a
 * moment: who finds none free waits for it, which is fair between users
 * (places.h).  Each call blocks, for some seconds at most; any thread may call.
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
	bool is_own; /* the user's daemon by its path, not the machine's */
	struct places places;
};

void asker_init(struct asker *a, const char *control);

/* Is it one user's own daemon, which tells nobody else but root?  It counts who
 * has made the socket as well. */
bool asker_is_for(const struct asker *a, uint32_t uid);

/* What is shown on it is what that user may see.  -1: err has a sentence for
 * people. */
int asker_open(
    struct asker *a, uint32_t uid, struct ctl_client **ret, struct err *err);
/* uid: as it was opened.  c may be NULL. */
void asker_close(struct asker *a, uint32_t uid, struct ctl_client *c);

#endif
