/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The answers of the user's own password command, and of a sign-in. */
#include "cred/cred_command.h"
#include "cred/cred_wire.h"
#include "relais-cred/answer.h"
#include "relais-cred/oauth.h"
#include "relais-cred/oauth_login.h"

enum cred_result
answer(const struct cred_wire *w, struct secret **ret, struct cred_facts *facts,
    struct err *err)
{
	if (w->kind == CRED_COMMAND)
		return cred_command(w->command, w->timeout_ms, ret, err);
	return w->is_login ? oauth_login(w) : oauth_fetch(w, ret, facts, err);
}
