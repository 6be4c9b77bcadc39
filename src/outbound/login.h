/* SPDX-License-Identifier: GPL-3.0-or-later */
/* login.h - answers the client engine's questions about a login
 * (smtp/smtp_client.h) with the help of sasl/sasl_login.h.  These two do not
 * know each other.
 */
#ifndef OUTBOUND_LOGIN_H
#define OUTBOUND_LOGIN_H

#include "sasl/sasl_login.h"
#include "smtp/smtp_client.h"

/* Handles SC_AUTH, SC_CHALLENGE and SC_ACCEPTED.  Returns what login_go_on()
 * does. */
enum sasl_act login_event(struct sasl_login *l, struct smtp_client *c,
    enum sc_event ev, const struct sc_info *info);

/* Acts on the state of l and returns it.  SASL_FETCH and SASL_DERIVE are for
 * the caller, which gives l the secret or the key and then calls this again. */
enum sasl_act login_go_on(struct sasl_login *l, struct smtp_client *c);

#endif
