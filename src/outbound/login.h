/* SPDX-License-Identifier: GPL-3.0-or-later */
/* login.h - answers the engine's questions about a login (smtp/smtp_client.h)
 * by src/sasl (sasl/sasl_login.h); the two do not know each other.
 */
#ifndef OUTBOUND_LOGIN_H
#define OUTBOUND_LOGIN_H

#include "sasl/sasl_login.h"
#include "smtp/smtp_client.h"

/* SC_AUTH, SC_CHALLENGE, SC_ACCEPTED.  The result as below. */
enum sasl_act login_event(struct sasl_login *l, struct smtp_client *c,
    enum sc_event ev, const struct sc_info *info);

/* Acts on the state of l.  SASL_FETCH and SASL_DERIVE are the caller's: it
 * gives l the secret or the key and then calls this again. */
enum sasl_act login_go_on(struct sasl_login *l, struct smtp_client *c);

#endif
