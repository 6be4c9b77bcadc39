/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais_outcome.h - what became of a message, as relais log and relais show
 * present what the verb "log" gives (doc/formats/control).
 */
#ifndef RELAIS_RELAIS_OUTCOME_H
#define RELAIS_RELAIS_OUTCOME_H

#include "relais/relais.h"

/* True: the message failed or was refused. */
bool outcome_is_bad(const json_t *item);
/* Appends the provider's answer in one line, escaped: "550 5.1.1 No such user
 * (said by mx to RCPT)"; nothing if there was none. */
void outcome_reply(const json_t *item, struct buf *to);

#endif
