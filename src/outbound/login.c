/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/login.h"

enum sasl_act
login_go_on(struct sasl_login *l, struct smtp_client *c)
{
	enum sasl_act act = sasl_login_act(l);

	switch (act) {
	case SASL_FETCH:
	case SASL_DERIVE:
		break;
	case SASL_BEGIN:
		smtp_client_auth(
		    c, sasl_login_mechanism(l), sasl_login_initial(l));
		break;
	case SASL_RESPOND:
		smtp_client_respond(c, sasl_login_response(l));
		break;
	case SASL_LOGGED_IN:
		smtp_client_logged_in(c);
		break;
	case SASL_NO_MECHANISM:
		smtp_client_no_login(c, SC_TROUBLE_NO_AUTH, sasl_login_why(l));
		break;
	case SASL_REFUSED:
		smtp_client_no_login(c, SC_TROUBLE_AUTH, sasl_login_why(l));
		break;
	case SASL_LATER:
		smtp_client_no_login(
		    c, SC_TROUBLE_AUTH_LATER, sasl_login_why(l));
		break;
	}
	return act;
}

enum sasl_act
login_event(struct sasl_login *l, struct smtp_client *c, enum sc_event ev,
    const struct sc_info *info)
{
	if (ev == SC_CHALLENGE)
		sasl_login_challenge(l, info->text);
	else if (ev == SC_ACCEPTED)
		sasl_login_accepted(l);
	else if (info->verdict.class == VERDICT_NONE)
		sasl_login_offered(l, info->text);
	else
		sasl_login_refused(
		    l, &info->verdict, smtp_client_is_bare_auth(c));
	return login_go_on(l, c);
}
