/* SPDX-License-Identifier: GPL-3.0-or-later */
/* courier_login.h - the names that a courier says in EHLO, and its login.
 *
 * Worker threads fetch the secret and derive keys; login.h passes challenges
 * and responses.  Nothing blocks.
 */
#ifndef OUTBOUND_COURIER_LOGIN_H
#define OUTBOUND_COURIER_LOGIN_H

#include <stdbool.h>

#include "account/fetch.h"
#include "smtp/smtp_client.h"

struct account;
struct account_opts;
struct derive;
struct loop;
struct sasl_login;
struct secret;
struct stream;

struct courier_login {
	struct loop *loop;
	/* Its newest options say where the secret is; NULL: the options given
	 * to courier_login_begin(). */
	struct account *account;
	struct account_opts *opts;
	struct smtp_client *smtp;
	struct stream *stream;
	struct sasl_login *sasl; /* while the login is in progress */
	struct fetch *fetch; /* the fetch in progress, or NULL */
	struct derive *derive; /* the derivation in progress, or NULL */
	struct secret *secret; /* until the server has accepted or refused it */
	/* of a token; all 0 if the secret is no token */
	struct cred_facts facts;
	/* called when the engine has something to say */
	void (*go_on)(void *ctx);
	void *ctx;
	char literal[80]; /* our address as an EHLO literal */
	unsigned names; /* names that may be said, one bit each */
	unsigned names_refused; /* names known to be refused when it began */
};

/* Puts the EHLO names into *ret, the options of the engine.  o: the options of
 * the connection. */
void courier_login_names(struct courier_login *l, const struct account_opts *o,
    struct smtp_client_opts *ret);
/* True: the server has refused a name in EHLO that it was not known to refuse,
 * and either ended the session for that or may accept another name in a new
 * session. */
bool courier_login_may_say_another_name(
    const struct courier_login *l, const struct sc_info *info);

/* Begins the login.  smtp and stream must be set; they and o are borrowed. */
void courier_login_begin(
    struct courier_login *l, struct account_opts *o, int port);
/* Handles SC_AUTH, SC_CHALLENGE and SC_ACCEPTED. */
void courier_login_event(
    struct courier_login *l, enum sc_event ev, const struct sc_info *info);
/* True: the server has got the secret and has not answered yet. */
bool courier_login_is_asking(const struct courier_login *l);
/* The login is over: wipes the secret. */
void courier_login_forget(struct courier_login *l);
/* Ends the login at any stage, and wipes the secret. */
void courier_login_clear(struct courier_login *l);

#endif
