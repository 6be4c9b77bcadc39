/* SPDX-License-Identifier: GPL-3.0-or-later */
/* null_sender.h - recognises a provider that accepts no message from <>.
 *
 * Pure.
 */
#ifndef OUTBOUND_NULL_SENDER_H
#define OUTBOUND_NULL_SENDER_H

#include <stdbool.h>

#include "mail/diagnosis.h"
#include "mail/verdict.h"

/* True: this answer (which means act) to a message from <> refused its
 * sender. */
bool null_sender_is_refused(const struct verdict *v, enum diagnosis_act act);

#endif
