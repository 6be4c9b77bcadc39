/* SPDX-License-Identifier: GPL-3.0-or-later */
/* courier_login.h - the way in of a courier: the names for EHLO, and the login.
 *
 * Fetches the secret and derives keys on worker threads; what is said in
 * between is login.h's.
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
	/* Its newest options say where the secret is; NULL: those of
	 * courier_login_begin(). */
	struct account *account;
	struct account_opts *opts;
	struct smtp_client *smtp;
	struct stream *stream;
	struct sasl_login *sasl; /* while the login goes on */
	struct fetch *fetch; /* the secret is being fetched */
	struct derive *derive; /* a key is being derived */
	struct secret *secret; /* until the server has taken or refused it */
	struct cred_facts facts; /* of a token; all 0 for any other secret */
	void (*go_on)(void *ctx); /* the engine has something to say */
	void *ctx;
	char literal[80]; /* our address, for EHLO */
	unsigned names; /* those that may be said, one bit each */
	unsigned names_refused; /* when it began */
};

/* Puts the names into the options of the engine to be.  o: of the
 * connection. */
void courier_login_names(struct courier_login *l, const struct account_opts *o,
    struct smtp_client_opts *ret);
/* The server has refused a name in EHLO that it was not known to refuse, and
 * has ended the session for that or may accept another name in a new one. */
bool courier_login_may_say_another_name(
    const struct courier_login *l, const struct sc_info *info);

/* smtp and stream are set, and borrowed, as o is. */
void courier_login_begin(
    struct courier_login *l, struct account_opts *o, int port);
/* SC_AUTH, SC_CHALLENGE, SC_ACCEPTED. */
void courier_login_event(
    struct courier_login *l, enum sc_event ev, const struct sc_info *info);
/* The server has been given the secret and has not answered yet. */
bool courier_login_is_asking(const struct courier_login *l);
/* The login is over: wipes the secret. */
void courier_login_forget(struct courier_login *l);
/* Likewise, whatever is under way. */
void courier_login_clear(struct courier_login *l);

#endif
