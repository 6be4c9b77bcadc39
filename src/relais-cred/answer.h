/* SPDX-License-Identifier: GPL-3.0-or-later */
/* answer.h - how one of the helpers gets the secret.
 *
 * helper.c is the main() of each; what it is linked with answers: tokens.c in
 * relais-cred, keyring.c in relais-keyring, a program and a Debian package of
 * its own, so that no server gets GLib and D-Bus.
 */
#ifndef RELAIS_CRED_ANSWER_H
#define RELAIS_CRED_ANSWER_H

#include "base/must.h"
#include "cred/cred.h"

struct cred_wire;

/* CRED_OK: *ret is the caller's, and facts are of it if it is a token; NULL
 * after a conversation.  Otherwise err says why, unless that was said there.
 * Blocks; timeout_ms of the request ends it, but for a conversation. */
enum cred_result answer(const struct cred_wire *w, struct secret **ret,
    struct cred_facts *facts, struct err *err) MUST_CHECK;

#endif
