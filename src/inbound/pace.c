/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inbound/pace.h"

#include <stdio.h>
#include <string.h>

#include "mail/envelope.h"

static bool
is_it(const struct pace_client *c, uint32_t uid, const char *host)
{
	return c->count > 0 && c->uid == uid &&
	       (uid != UID_UNKNOWN || strcmp(c->host, host) == 0);
}

static int64_t
newest_ms(const struct pace_client *c)
{
	return c->count > 0 ? c->at_ms[(c->count - 1) % PACE_MAX] : INT64_MIN;
}

/* The entry of this client, or a free one. */
static struct pace_client *
find(struct pace *p, uint32_t uid, const char *host)
{
	struct pace_client *oldest = &p->clients[0];

	for (size_t i = 0; i < PACE_CLIENTS; i++) {
		struct pace_client *c = &p->clients[i];

		if (is_it(c, uid, host))
			return c;
		if (newest_ms(c) < newest_ms(oldest))
			oldest = c;
	}
	*oldest = (struct pace_client) { .uid = uid };
	(void)snprintf(oldest->host, sizeof(oldest->host), "%s", host);
	return oldest;
}

bool
pace_is_beyond(struct pace *p, uint32_t uid, const char *host, int64_t now_ms)
{
	struct pace_client *c = find(p, uid, host);
	int64_t *slot = &c->at_ms[c->count % PACE_MAX];
	/* The one that came PACE_MAX messages ago. */
	bool is_beyond = c->count >= PACE_MAX && now_ms - *slot < PACE_MS;

	*slot = now_ms;
	c->count++;
	return is_beyond;
}
