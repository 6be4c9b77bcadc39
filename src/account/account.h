/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account.h - the state of one provider login, for as long as its name is
 * configured.
 *
 * Spent limits, facts learnt about the provider, and a hold or pause belong to
 * the login, so they survive a reload, which changes only the options.
 *
 * An account opens no connection and knows no queue.  The owner of the
 * connections asks whether one may be opened, and to which port
 * (account_trust(), account_way()), and reports what the provider said
 * (account_heard()).  Reports from a connection that was made with the options
 * of another login, server or port are ignored.
 *
 * Nothing blocks, except that account_tls() may read files.  Times are
 * milliseconds of the boot clock unless the name says otherwise.
 */
#ifndef ACCOUNT_ACCOUNT_H
#define ACCOUNT_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account/account_opts.h"
#include "account/learnt.h"
#include "account/standing.h"
#include "base/err.h"
#include "base/secret.h"

struct account;
struct loop;
struct reservation;
struct share_answer;
struct share_ask;
struct tls_ctx;

/* --- what it asks of those around it -------------------------------------- */

enum account_change {
	ACCOUNT_CAME, /* new, or back before it was removed */
	ACCOUNT_MAY_TRY, /* an attempt is allowed again */
	/* A person asked another relay to try the mail of this account now. */
	ACCOUNT_FLUSHED,
	ACCOUNT_MAY_WORK, /* the login works: more connections are allowed */
	ACCOUNT_STANDS_DOWN, /* paused or held */
	/* It has more connections than account_may_connect() allows, and other
	 * relays need some. */
	ACCOUNT_GIVES_WAY,
	/* The new options lead to another server, port or login: existing
	 * connections finish what they carry. */
	ACCOUNT_GOES_ELSEWHERE,
	ACCOUNT_LEFT /* finish what is in progress, then accounts_remove() */
};

struct account_hooks {
	/* Small texts that are kept across restarts.  read() may return NULL;
	 * the account frees what it returns. */
	char *(*read)(void *ctx, const char *name);
	int (*write)(
	    void *ctx, const char *name, struct bytes text, struct err *err);
	/* Tells a person: "account-held", "account-paused" (for more than an
	 * hour), "quota", "message-held", "null-sender"; reason NULL: the
	 * problem is resolved.  May be called repeatedly for the same problem.
	 * Or NULL. */
	void (*alert)(void *ctx, const char *account, const char *event,
	    const char *reason);
	void *ctx;
	/* An account may need a turn at what the relays share
	 * (account_turn_at()); NULL: nothing is shared. */
	void (*share)(void *ctx);
	/* Called by the function that made the change; or NULL. */
	void (*changed)(
	    void *listener, struct account *a, enum account_change what);
	void *listener;
};

/* --- life (for accounts.c) ------------------------------------------------ */

/* Takes over opts, borrows hooks.  A saved hold or closed window is still in
 * force unless the login has changed since. */
struct account *account_new(struct loop *l, const struct rng *rng, int handle,
    const struct account_hooks *hooks, struct account_opts *opts);
/* After a reload; takes over opts.  If the login (host, user, mechanisms, place
 * of the secret) has changed, everything known about it is forgotten.  A held
 * or paused account tries once, because a person may have corrected something
 * outside the file; after further reloads only if a message has been accepted
 * since, because each refused login counts against us. */
void account_set_opts(struct account *a, struct account_opts *opts);
/* Makes no further attempts, and saves the counts. */
void account_stop(struct account *a);
void account_free(struct account *a);

/* Tries now, whatever the state.  is_gentle: not if the account is held or its
 * window is closed, because each attempt may count against us. */
void account_flush(struct account *a, bool is_gentle);
/* As account_flush() if the account is paused, after a random short delay. */
void account_network_changed(struct account *a);

/* --- facts ---------------------------------------------------------------- */

/* Why recipients of a message wait for another attempt. */
enum account_deferral {
	ACCOUNT_DEFERRED_MESSAGE, /* the reply was about the message */
	/* the connection broke, or the server is in trouble */
	ACCOUNT_DEFERRED_CONNECTION,
	ACCOUNT_DEFERRED_LIMIT, /* a quota of the provider */
	ACCOUNT_DEFERRED_LOGIN, /* the login of the account failed */
	ACCOUNT_DEFERRED_HELD, /* a person must look at the message */
	ACCOUNT_DEFERRALS
};
extern const char *const account_deferrals[ACCOUNT_DEFERRALS]; /* "message" */

struct cred_facts;
struct account_status { /* borrowed until the next turn of the loop */
	const char *name, *host;
	enum account_state state;
	const char *reason; /* "" when ready */
	/* the reason that every user may read (standing.h) */
	const char *public_reason;
	int64_t until_ms; /* when it tries again */
	const char *ports; /* port_memory_text() */
	uint64_t sent; /* messages; kept across restarts */
	/* recipients, by enum account_deferral, since the start */
	const uint64_t *deferred;
	/* When the first certificate of the server's chain expires, as seen by
	 * the newest connection, in seconds since 1970; 0: not known. */
	int64_t cert_until_s;
	int64_t last_sent_s; /* wall clock, 0: never */
	/* the limit that the provider stated last; 0: none */
	uint64_t size_max_bytes;
	/* NULL: the account does not use OAuth2 */
	const struct cred_facts *token;
	const struct reservation
	    *reservation; /* NULL: not shared with other relays */
};
void account_status(const struct account *a, struct account_status *ret);
struct budget_use;
/* Fills in how much of each limit is used; ret has room for BUDGET_WINDOWS.
 * Returns the number of limits. */
size_t account_budget(const struct account *a, struct budget_use *ret);

/* True: held, or unreachable for longer than ACCOUNT_AWAY_MS, so that a
 * fallback account may take over until this one may try again. */
enum { ACCOUNT_AWAY_MS = 10 * 60 * 1000 };
bool account_is_away(const struct account *a);

/* The number of the account in the queue.  No other account gets the same
 * number while this one exists. */
int account_handle(const struct account *a);
/* The options in force, borrowed; account_opts_ref() to keep them. */
struct account_opts *account_options(const struct account *a);
/* True: o belongs to another login, server or port than the options in
 * force. */
bool account_is_past(const struct account *a, const struct account_opts *o);

/* account_fact() is what is known of the provider; 0: nothing.  account_learn()
 * records what a connection made with o has found out; a new fact is logged,
 * and saved if f < LEARNT_KEPT. */
uint32_t account_fact(const struct account *a, enum learnt_fact f);
void account_learn(struct account *a, const struct account_opts *o,
    enum learnt_fact f, uint32_t value);

/* --- permission and port -------------------------------------------------- */

enum account_trust {
	ACCOUNT_NOT_NOW, /* no attempt is allowed */
	/* The provider said that a quota is used up, and has accepted nothing
	 * since.  One connection with one message at a time finds out whether
	 * the window has reopened, because each refusal may count against
	 * us. */
	ACCOUNT_ON_TRIAL,
	/* It is not known whether the login works; one connection finds out. */
	ACCOUNT_UNPROVEN,
	ACCOUNT_PROVEN
};
enum account_trust account_trust(const struct account *a);

struct account_way {
	struct account_opts *opts; /* account_options(), borrowed */
	struct account_port port;
	int64_t patience_ms; /* how long each step on this port may take */
};
void account_way(const struct account *a, struct account_way *ret);
/* The TLS context, borrowed; made on the first call, which reads files. */
int account_tls(struct account *a, struct tls_ctx **ret, struct err *err);
/* No connection is left: frees memory that only connections need. */
void account_trim(struct account *a);

/* nrcpts recipients are about to be sent to; counts them against the limits. */
void account_spend(struct account *a, size_t nrcpts);

/* --- shared with other relays (reservation.h) ---------------------------- */

/* True: one more recipient may be sent to.  If not, account_want() asks for
 * more, because something is due, and ACCOUNT_MAY_WORK tells when there is
 * more. */
bool account_may_send(const struct account *a);
void account_want(struct account *a);
/* True: one more connection may be opened besides the existing n. */
bool account_may_connect(const struct account *a, size_t n);
/* Reports that n connections exist and how many would be useful. */
void account_connections(struct account *a, size_t n, size_t wanted);

/* For the code that takes the turns.  account_turn_at() is when the account
 * needs one (INT64_MAX: not soon).  account_ask() begins a turn; one of the
 * others ends it: the answer, the turn was not taken after all, the store did
 * not answer. */
int64_t account_turn_at(const struct account *a);
/* initialises *ret */
void account_ask(struct account *a, struct share_ask *ret);
void account_told(struct account *a, const struct share_ask *ask,
    const struct share_answer *answer, int64_t asked_ms);
void account_skipped(struct account *a, const struct share_ask *ask);
void account_failed(struct account *a, const struct share_ask *ask);

/* --- the token ------------------------------------------------------------ */

struct cred_wish;
struct fetched;
/* Which token the next login needs; the result of fetching one. */
struct cred_wish account_wish(const struct account *a);
void account_fetched(struct account *a, const struct fetched *got);
/* A person has signed in: the new token is fetched and used at once. */
void account_signed_in(struct account *a);
/* v refused the token of a connection made with o.  True: the token is being
 * replaced, so the refusal need not be reported to anyone (token.h). */
bool account_renews(
    struct account *a, const struct account_opts *o, const struct verdict *v);

/* --- this is what I heard ------------------------------------------------- */

enum account_news_kind {
	/* The login succeeded.  Uses size_max_bytes, absurd, cert_until_s. */
	ACCOUNT_LOGGED_IN,
	/* A message was accepted. */
	ACCOUNT_SENT,
	/* An answer came that may be about the account.  Uses answer. */
	ACCOUNT_ANSWERED,
	/* The server refused this secret, or there was none.  Uses secret.
	 * While the account is held for this reason the secret is watched, and
	 * a changed secret is tried at once (R57). */
	ACCOUNT_SECRET_REFUSED,
	/* This answer ended a session early.  Uses answer.  After three such
	 * sessions in a row without an accepted message, the account is
	 * held. */
	ACCOUNT_BROKEN_OFF,
	/* This port does not lead to the provider.  Uses port, fault, why.
	 * Another port is tried at once, or the account pauses. */
	ACCOUNT_NO_WAY,
	/* The provider or the network is in trouble.  Uses why. */
	ACCOUNT_TROUBLE,
	/* The server was silent for so long that the connection was closed to
	 * make room.  Uses why.  The first time, the connection may be the
	 * cause; if it happens again before a message is accepted, the provider
	 * is. */
	ACCOUNT_SILENT,
	/* The login does not work.  Uses why.  If there was a reload since the
	 * connection was made, another connection checks first whether this is
	 * still true. */
	ACCOUNT_NO_LOGIN
};

struct account_news {
	enum account_news_kind kind;
	/* whose trouble it is, if the account pauses */
	enum standing_blame blame;
	const struct answer *answer;
	const char *why; /* one sentence */
	/* the reason that every user may read; NULL: why */
	const char *public_reason;
	struct account_port port;
	enum port_fault fault;
	const struct secret *secret;
	/* the largest message that the server accepts, or 0 */
	uint64_t size_max_bytes;
	int64_t cert_until_s; /* as in account_status; 0: not seen */
	const char *absurd; /* an implausible statement; "": none */
};

/* A connection made with o reports n.  True: the event was about the account,
 * so no message is charged for it. */
bool account_heard(struct account *a, const struct account_opts *o,
    const struct account_news *n);

/* Counts nrcpts recipients of a message for which an attempt ended like
 * this. */
void account_deferred(
    struct account *a, enum account_deferral why, size_t nrcpts);

/* See alert in struct account_hooks. */
void account_alert(
    const struct account *a, const char *event, const char *reason);

#endif
