/* SPDX-License-Identifier: GPL-3.0-or-later */
/* answer.h - how a helper gets the secret.
 *
 * helper.c has the main() of both helpers.  relais-cred is linked with
 * tokens.c; relais-keyring, a program and a Debian package of its own so that
 * no server gets GLib and D-Bus, with keyring.c.
 */
#ifndef RELAIS_CRED_ANSWER_H
#define RELAIS_CRED_ANSWER_H

#include "base/must.h"
#include "cred/cred.h"

struct cred_wire;

/* Answers a request.  CRED_OK: the caller owns *ret, which is NULL after a
 * conversation; *facts is filled if the secret is a token.  Otherwise err says
 * why, unless the conversation said it.  Blocks for at most w->timeout_ms,
 * except in a conversation. */
enum cred_result answer(const struct cred_wire *w, struct secret **ret,
    struct cred_facts *facts, struct err *err) MUST_CHECK;

#endif
