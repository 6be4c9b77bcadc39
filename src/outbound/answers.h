/* SPDX-License-Identifier: GPL-3.0-or-later */
/* answers.h - what each recipient of a delivery has heard.
 *
 * Those who heard the same share one copy: an answer has a kilobyte, and a
 * message may have a hundred recipients.
 */
#ifndef OUTBOUND_ANSWERS_H
#define OUTBOUND_ANSWERS_H

#include <stddef.h>

#include "mail/diagnosis.h"

struct answers {
	const struct answer **of; /* one per recipient; NULL: nothing yet */
	struct answer **heard;
	size_t nheard;
};

void answers_init(struct answers *s, size_t nrcpts);
void answers_clear(struct answers *s);

/* A copy of a is the answer to recipient i from now on. */
void answers_keep(struct answers *s, size_t i, const struct answer *a);
/* Class VERDICT_NONE: nothing was said yet. */
const struct answer *answers_get(const struct answers *s, size_t i);
const struct verdict *answers_verdict(const struct answers *s, size_t i);

#endif
