/* SPDX-License-Identifier: GPL-3.0-or-later */
/* login.h - the engine's questions about a login (smtp/smtp_client.h), answered
 * by src/sasl (sasl/sasl_login.h), which do not know each other.
 */
#ifndef OUTBOUND_LOGIN_H
#define OUTBOUND_LOGIN_H

#include "sasl/sasl_login.h"
#include "smtp/smtp_client.h"

/* SC_AUTH, SC_CHALLENGE, SC_ACCEPTED.  The result as below. */
enum sasl_act login_event(struct sasl_login *l, struct smtp_client *c,
    enum sc_event ev, const struct sc_info *info);

/* Says what l has come to.  SASL_FETCH and SASL_DERIVE are the caller's: once it
 * has told l of the secret or the key it calls this again. */
enum sasl_act login_go_on(struct sasl_login *l, struct smtp_client *c);

#endif
