/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fixup/outgoing.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mail/header.h"

struct outgoing {
	struct header *header;
	size_t taken; /* stored bytes that the header has */
	struct identity_result identity;
	struct buf head;
	size_t skip;
};

struct outgoing *
outgoing_new(void)
{
	struct outgoing *o = xcalloc(1, sizeof(*o));

	o->header = header_new();
	buf_init(&o->head, HEADER_MAX + HEADER_OWN_MAX);
	return o;
}

void
outgoing_free(struct outgoing *o)
{
	if (o == NULL)
		return;
	header_free(o->header);
	buf_clear(&o->head);
	free(o);
}

bool
outgoing_put(struct outgoing *o, const void *p, size_t n)
{
	if (n == 0)
		header_end(o->header);
	else
		o->taken += header_put(o->header, p, n);
	return header_state(o->header) == HEADER_MORE;
}

/* What the intake stored is well formed, so only a header that grew over its
 * limit can make this fail. */
static bool
write_head(struct outgoing *o)
{
	struct bytes rest = header_rest(o->header);

	if (!header_write(o->header, &o->head) || !buf_adds(&o->head, "\r\n") ||
	    !buf_add(&o->head, rest.p, rest.n))
		return false;
	o->skip = o->taken;
	return true;
}

bool
outgoing_finish(
    struct outgoing *o, const char *sender, const struct identity_opts *opts)
{
	if (header_state(o->header) != HEADER_DONE ||
	    !identity_apply(o->header, sender, opts, &o->identity))
		return false;
	if ((o->identity.changed & ~(unsigned)IDENTITY_CHANGED_ENVELOPE) == 0)
		return true;
	return write_head(o);
}

struct bytes
outgoing_head(const struct outgoing *o)
{
	return buf_bytes(&o->head);
}

size_t
outgoing_skip(const struct outgoing *o)
{
	return o->skip;
}

const struct identity_result *
outgoing_identity(const struct outgoing *o)
{
	return &o->identity;
}
