/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais_outcome.h - what became of a message, as the verb "log" gives it
 * (doc/formats/control): what relais log and relais show say of it.
 */
#ifndef RELAIS_RELAIS_OUTCOME_H
#define RELAIS_RELAIS_OUTCOME_H

#include "relais/relais.h"

/* It failed or was refused. */
bool outcome_is_bad(const json_t *item);
/* Adds the provider's answer in one line, escaped: "550 5.1.1 No such user
 * (said by mx to RCPT)"; nothing if there was none. */
void outcome_reply(const json_t *item, struct buf *to);

#endif
