/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pace.h - knows which clients have sent many messages within the last minute.
 *
 * On a listener with mode = auto a person gets the provider's answer, while a
 * program that sends many messages need not wait a round trip for each: the
 * first PACE_MAX messages of a client within PACE_MS get the provider's answer,
 * the others get 250 when they are safe.  A client is a user of this machine
 * or, if the user is not known, an address.
 *
 * PACE_CLIENTS clients are remembered.  A new client replaces the one that has
 * been quiet for longest, which then gets the provider's answer again; this
 * costs only that client time.
 */
#ifndef INBOUND_PACE_H
#define INBOUND_PACE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum { PACE_MAX = 10, PACE_MS = 60 * 1000, PACE_CLIENTS = 64 };

struct pace_client {
	int64_t at_ms[PACE_MAX]; /* times of its newest messages; a ring */
	uint64_t count; /* number of its messages; 0: this place is free */
	uint32_t uid;
	char host[INET6_ADDRSTRLEN];
};

/* All zero: empty. */
struct pace {
	struct pace_client clients[PACE_CLIENTS];
};

/* Counts one more message.  True: it is beyond the first PACE_MAX.  host is
 * used only if uid is UID_UNKNOWN. */
bool pace_is_beyond(
    struct pace *p, uint32_t uid, const char *host, int64_t now_ms);

#endif
