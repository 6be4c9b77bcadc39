/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth_none.c - stands for the sign-in where it was not built. */
#include <stdio.h>

#include "relais-cred/oauth.h"
#include "relais-cred/oauth_login.h"

static const char sentence[] =
    "this relais was built without OAuth2 (libcurl); use password_command with "
    "a program that prints a token";

enum cred_result
oauth_fetch(const struct cred_wire *w, struct secret **ret,
    struct cred_facts *facts, struct err *err)
{
	(void)w;
	(void)ret;
	(void)facts;
	err_set(err, ERR_SECRET, "%s", sentence);
	return CRED_NEVER;
}

enum cred_result
oauth_login(const struct cred_wire *w)
{
	(void)w;
	(void)printf("fail %s\n", sentence);
	return CRED_NEVER;
}
