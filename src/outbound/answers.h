/* SPDX-License-Identifier: GPL-3.0-or-later */
/* answers.h - the newest answer to each recipient of a delivery.
 *
 * Recipients that got the same answer share one copy: an answer takes more than
 * a kilobyte, and a message may have a hundred recipients.
 */
#ifndef OUTBOUND_ANSWERS_H
#define OUTBOUND_ANSWERS_H

#include <stddef.h>

#include "mail/diagnosis.h"

struct answers {
	/* one per recipient, borrowed from heard; NULL: none yet */
	const struct answer **of;
	struct answer **heard;
	size_t nheard;
};

void answers_init(struct answers *s, size_t nrcpts);
void answers_clear(struct answers *s);

/* Stores a copy of a as the answer to recipient i. */
void answers_keep(struct answers *s, size_t i, const struct answer *a);
/* Class VERDICT_NONE: no answer yet.  Borrowed until the next
 * answers_keep(). */
const struct answer *answers_get(const struct answers *s, size_t i);
const struct verdict *answers_verdict(const struct answers *s, size_t i);

#endif
