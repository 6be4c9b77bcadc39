/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keyring.h - the desktop's Secret Service, asked without a word to the user.
 *
 * Looks for {service: relais, account: NAME}, then for what msmtp stores:
 * {service: smtp, host: HOST, user: LOGIN}.  Never unlocks and never prompts:
 * a locked keyring is told apart from a missing entry (R53).
 *
 * Linked into relais-cred only.  Blocks; timeout_ms of the request ends it.
 */
#ifndef RELAIS_CRED_KEYRING_H
#define RELAIS_CRED_KEYRING_H

#include "base/must.h"
#include "cred/cred.h"

struct cred_wire;

enum cred_result keyring_lookup(
    const struct cred_wire *w, struct secret **ret, struct err *err) MUST_CHECK;

#endif
