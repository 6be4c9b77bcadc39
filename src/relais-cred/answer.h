/* SPDX-License-Identifier: GPL-3.0-or-later */
/* answer.h - how one of the helpers gets the secret.
 *
 * helper.c is the main() of each; what it is linked with answers: command.c in
 * relais-cred, keyring.c in relais-keyring, a program and a Debian package of
 * its own, so that no server gets GLib and D-Bus.
 */
#ifndef RELAIS_CRED_ANSWER_H
#define RELAIS_CRED_ANSWER_H

#include "base/must.h"
#include "cred/cred.h"

struct cred_wire;

/* CRED_OK: *ret is the caller's.  Otherwise err says why.  Blocks; timeout_ms
 * of the request ends it. */
enum cred_result answer(
    const struct cred_wire *w, struct secret **ret, struct err *err) MUST_CHECK;

#endif
