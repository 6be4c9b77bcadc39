/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cred_command.h - `password_command`: runs a program whose first line of
 * output is the secret.
 *
 * Used by the helper relais-cred, never by the daemon.  The program gets the
 * helper's small environment, no terminal and no input.
 *
 * Blocks up to timeout_ms.
 */
#ifndef CRED_CRED_COMMAND_H
#define CRED_CRED_COMMAND_H

#include "base/must.h"
#include "cred/cred.h"

enum cred_result cred_command(const char *line, int64_t timeout_ms,
    struct secret **ret, struct err *err) MUST_CHECK;

#endif
