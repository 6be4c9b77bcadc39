/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/outgoing.h"

#include <stdlib.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "mail/header.h"
#include "rewrite/eightbit.h"
#include "rewrite/fold_hash.h"
#include "rewrite/signature.h"

struct outgoing {
	struct header *header;
	size_t taken; /* stored bytes that the header has */
	struct identity_result identity;
	struct repair *repair; /* NULL: the body stays */
	struct buf head;
	size_t skip;
	bool needs_utf8;
};

struct outgoing *
outgoing_new(void)
{
	struct outgoing *o = xcalloc(1, sizeof(*o));

	o->header = header_new();
	header_widen(o->header);
	buf_init(&o->head, HEADER_WORK_MAX);
	return o;
}

void
outgoing_free(struct outgoing *o)
{
	if (o == NULL)
		return;
	repair_free(o->repair);
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

size_t
outgoing_body_at(const struct outgoing *o)
{
	return o->taken - header_rest(o->header).n;
}

struct repair *
outgoing_repair(struct outgoing *o, const struct repair_opts *r)
{
	o->repair = repair_new(o->header, r);
	return o->repair;
}

struct repair *
outgoing_mended(const struct outgoing *o)
{
	return o->repair != NULL && repair_changes(o->repair) ? o->repair
							      : NULL;
}

/* The stored header is well formed, so this fails only if the header has become
 * too long. */
static bool
write_head(struct outgoing *o)
{
	if (!header_write(o->header, &o->head) || !buf_adds(&o->head, "\r\n"))
		return false;
	o->skip = outgoing_body_at(o);
	return true;
}

bool
outgoing_finish(
    struct outgoing *o, const char *sender, const struct outgoing_opts *opts)
{
	struct header *h = o->header;
	bool is_changed;

	if (header_state(h) != HEADER_DONE ||
	    !identity_apply(h, sender, &opts->identity, &o->identity))
		return false;
	is_changed = (o->identity.changed &
			 ~(unsigned)IDENTITY_CHANGED_ENVELOPE) != 0;
	if (opts->nfolded > 0) {
		is_changed = true;
		fold_hash_tell(h, opts->nfolded, opts->last_folded_s);
	}
	if (outgoing_mended(o) != NULL) {
		is_changed = true;
		if (!repair_header(o->repair))
			return false;
	}
	if (eightbit_must(h, opts->may_utf8)) {
		is_changed = true;
		if (!eightbit_header(h, opts->may_utf8))
			return false;
		IGNORE(signature_remove_stale(h)); /* over 8-bit fields */
	}
	o->needs_utf8 = eightbit_has(h);
	return !is_changed || write_head(o);
}

bool
outgoing_needs_utf8(const struct outgoing *o)
{
	return o->needs_utf8;
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
