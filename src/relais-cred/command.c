/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The answer of the user's own password command. */
#include "cred/cred_command.h"
#include "cred/cred_wire.h"
#include "relais-cred/answer.h"

enum cred_result
answer(const struct cred_wire *w, struct secret **ret, struct err *err)
{
	return cred_command(w->command, w->timeout_ms, ret, err);
}
