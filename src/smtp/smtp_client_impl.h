/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_client_impl.h - the inside of the client engine, shared by its three
 * files: smtp_client.c (bytes, time, events, replies), smtp_client_auth.c
 * (AUTH) and smtp_client_impl.c (what both do).  No other file includes it.
 */
#ifndef SMTP_SMTP_CLIENT_IMPL_H
#define SMTP_SMTP_CLIENT_IMPL_H

#include "base/buf.h"
#include "smtp/smtp_caps.h"
#include "smtp/smtp_client.h"
#include "smtp/smtp_limits.h"
#include "smtp/smtp_out.h"
#include "smtp/smtp_pipeline.h"
#include "smtp/smtp_reply.h"

enum { SC_WHY_MAX = 256 };

enum state {
	ST_GREETING,
	ST_EHLO,
	ST_HELO,
	ST_STARTTLS,
	ST_TLS, /* the driver wraps the transport */
	ST_LOGIN, /* waits for the driver's answer to login.asked */
	ST_AUTH,
	ST_READY,
	ST_AHEAD, /* as READY, before the answer to EHLO */
	ST_QUIT,
	ST_CLOSED,
	ST_COUNT
};

/* AUTH, as far as it is SMTP's (RFC 4954). */
struct login {
	enum sc_event asked; /* the event that the driver must answer */
	char mechanism[SMTP_MECHANISM_MAX + 1];
	struct buf initial; /* base64, to be sent after the 334 */
	struct buf challenge; /* lent by SC_CHALLENGE */
	/* of the previous mechanism; NONE: there was none */
	struct verdict refusal;
	bool has_initial; /* in the AUTH that is unanswered */
	bool is_bare; /* no initial response in the AUTH line */
};

/* Why the conversation is over. */
struct ending {
	enum sc_trouble trouble;
	struct verdict why;
	bool is_told;
};

/* Set while there is something to send without a break. */
struct sending {
	bool is_on;
	int64_t since_ms;
	uint64_t from_bytes; /* bytes sent by then */
};

struct progress {
	bool has_now;
	int64_t now_ms;
	int64_t since_ms; /* of the last progress */
	int64_t heard_ms; /* of the last answer */
	int64_t round_trip_ms; /* of the quickest reply; 0: there was none */
};

struct smtp_client {
	struct smtp_client_opts opts;
	enum state state;
	struct smtp_caps caps;
	size_t ehlo; /* the name said last */
	unsigned ehlo_refused;
	struct buf in;
	struct smtp_out out;
	struct smtp_reply reply;
	struct smtp_pipeline *pipeline;
	struct login login;
	enum sc_event pending; /* to be told next; SC_IDLE: none */
	bool is_tls;
	bool is_eof;
	bool wants_quit;
	bool is_body_told; /* SC_WANT_BODY is out and unanswered */
	char eof_why[SC_WHY_MAX];
	char body_why[SC_WHY_MAX]; /* why the body failed; "" if it did not */
	struct ending ending;
	struct sending sending;
	struct progress time;
};

/* The reply that each state waits for, and what a 421 means there. */
struct sc_state {
	enum smtp_step step;
	enum sc_trouble on_421;
};
extern const struct sc_state sc_states[ST_COUNT];

/* --- smtp_client_impl.c --------------------------------------------------- */

/* Sends a command, and waits in that state for its reply; arg may be NULL. */
void sc_say(
    struct smtp_client *c, enum state state, const char *verb, const char *arg);
/* Says goodbye; the reply does not matter. */
void sc_say_quit(struct smtp_client *c);
/* Becomes ready for jobs. */
void sc_become_ready(struct smtp_client *c);
void sc_forget_login(struct smtp_client *c);
/* The step whose reply is awaited. */
enum smtp_step sc_step_now(const struct smtp_client *c);

/* Ends the conversation for the reason in c->ending.why.  may_be_taken: the
 * server may have acted on what it got. */
void sc_over(struct smtp_client *c, enum sc_trouble trouble, bool may_be_taken);
/* The same for a reason of ours. */
void sc_over_local(struct smtp_client *c, enum sc_trouble trouble,
    enum verdict_stage stage, const char *text);
/* The same because of a refusal before the login, in the server's words. */
void sc_over_reply(struct smtp_client *c, enum sc_trouble trouble);
/* The same because this is not SMTP, or because a reply answers no command. */
void sc_over_protocol(struct smtp_client *c, const char *text);
void sc_over_misfit(struct smtp_client *c);

/* --- smtp_client_auth.c --------------------------------------------------- */

void sc_begin_login(struct smtp_client *c);
void sc_on_auth_reply(struct smtp_client *c);
/* Fills in what the driver needs after this event. */
void sc_lend_login(
    const struct smtp_client *c, enum sc_event ev, struct sc_info *ret);

#endif
