/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fixup/trace.h"

enum { VALUE_MAX = 4096 };

bool
trace_is_loop(const struct header *h)
{
	size_t hops = 0;

	for (size_t i = header_find(h, "Received", 0); i != HEADER_NONE;
	     i = header_find(h, "Received", i + 1))
		hops++;
	return hops > TRACE_HOPS_MAX;
}

bool
trace_add(struct header *h, const struct received_opts *opts)
{
	struct buf value;
	bool ok;

	buf_init(&value, VALUE_MAX);
	ok = received_value(&value, opts) &&
	     header_prepend(h, "Received", buf_bytes(&value));
	buf_clear(&value);
	return ok;
}
