/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account.h - the state of one provider login, for as long as its name is
 * configured.
 *
 * It lives as long as its name is in the configuration: spent limits, facts
 * learnt about the provider, a hold or a pause belong to the login.  A reload
 * changes only its options.
 *
 * It opens no connection and knows no queue.  The owner of the connections asks
 * whether it may open one, and to which port (account_trust(), account_way()),
 * and reports what the provider said (account_heard()).  Reports from a
 * connection that was made with the options of another login, server or port
 * are ignored.
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
struct portion;
struct share_answer;
struct share_ask;
struct tls_ctx;

/* --- what it asks of those around it -------------------------------------- */

enum account_change {
	ACCOUNT_CAME, /* it is new, or has returned before it was removed */
	ACCOUNT_MAY_TRY, /* again */
	/* Somebody wants its mail tried now, and has said so to another
	 * relay. */
	ACCOUNT_FLUSHED,
	ACCOUNT_MAY_WORK, /* the login works: more connections are allowed */
	ACCOUNT_STANDS_DOWN, /* paused or held */
	/* Others need connections: it has more than account_may_connect()
	 * allows. */
	ACCOUNT_GIVES_WAY,
	/* The new options would lead to other connections: the existing ones
	 * finish what they carry. */
	ACCOUNT_GOES_ELSEWHERE,
	ACCOUNT_LEFT /* finish what is under way, then accounts_remove() */
};

struct account_hooks {
	/* Small texts that outlast a restart; read() may return NULL, what it
	 * returns is freed here. */
	char *(*read)(void *ctx, const char *name);
	int (*write)(
	    void *ctx, const char *name, struct bytes text, struct err *err);
	/* A person should know: "account-held", "account-paused" (for more than
	 * an hour), "quota", "message-held", "null-sender"; reason NULL: the
	 * problem is resolved.  May be called repeatedly for the same problem.
	 * Or NULL. */
	void (*alert)(void *ctx, const char *account, const char *event,
	    const char *reason);
	void *ctx;
	/* One of them may need a turn now at what it shares with other relays
	 * (account_turn_at()); NULL: there are none. */
	void (*share)(void *ctx);
	/* Called by the function that made the change; or NULL. */
	void (*changed)(
	    void *listener, struct account *a, enum account_change what);
	void *listener;
};

/* --- life (for accounts.c) ------------------------------------------------ */

/* Takes over opts, borrows hooks.  A hold or a closed window that was kept is
 * still in force, unless the login has changed since. */
struct account *account_new(struct loop *l, const struct rng *rng, int handle,
    const struct account_hooks *hooks, struct account_opts *opts);
/* After a reload; takes over opts.  Another login (host, user, mechanisms,
 * place of the secret) starts afresh.  An account that is held or paused tries
 * once, because a person may have corrected something outside the file; after
 * further reloads only if a message has been accepted since, because reloads
 * may follow each other quickly and each refused login counts against us. */
void account_set_opts(struct account *a, struct account_opts *opts);
/* Makes no further attempts; what was counted is saved. */
void account_stop(struct account *a);
void account_free(struct account *a);

/* Tries now, whatever the state.  is_gentle: not if it is held or its window is
 * closed, because each attempt may count against us. */
void account_flush(struct account *a, bool is_gentle);
/* As account_flush() for a paused account, after a little jitter. */
void account_network_changed(struct account *a);

/* --- facts ---------------------------------------------------------------- */

/* Why a recipient of a message has to wait for another attempt. */
enum account_deferral {
	ACCOUNT_DEFERRED_MESSAGE, /* what was said is about the message */
	ACCOUNT_DEFERRED_CONNECTION, /* it broke, or the server is in trouble */
	ACCOUNT_DEFERRED_LIMIT, /* a quota of the provider's */
	ACCOUNT_DEFERRED_LOGIN, /* the account must be put right */
	ACCOUNT_DEFERRED_HELD, /* a person must look at the message */
	ACCOUNT_DEFERRALS
};
extern const char *const account_deferrals[ACCOUNT_DEFERRALS]; /* "message" */

struct cred_facts;
struct account_status { /* borrowed until the loop turns */
	const char *name, *host;
	enum account_state state;
	const char *reason; /* "" when ready */
	const char *told; /* the same for everybody (struct standing_why) */
	int64_t until_ms; /* boot clock; when it tries again */
	const char *ports; /* port_memory_text() */
	uint64_t sent; /* messages; outlasts a restart */
	const uint64_t *deferred; /* recipients, by deferral, since start */
	/* When the first certificate of the server's chain expires, by the
	 * newest connection; 0: not known. */
	int64_t cert_until_s;
	int64_t last_sent_s; /* wall clock, 0: never */
	uint64_t size_max_bytes; /* that the provider stated last; 0: none */
	const struct cred_facts *token; /* NULL: it does not sign in */
	const struct portion *portion; /* NULL: no other relay has it */
};
void account_status(const struct account *a, struct account_status *ret);
struct budget_use;
/* What of its limits is used, and how many there are; ret has room for
 * BUDGET_WINDOWS (base/budget.h). */
size_t account_budget(const struct account *a, struct budget_use *ret);

/* Held, or unreachable for longer than ACCOUNT_AWAY_MS: a fallback may take
 * over until the account may try again. */
enum { ACCOUNT_AWAY_MS = 10 * 60 * 1000 };
bool account_is_away(const struct account *a);

/* Its number in the queue, which no other account gets while this one lives. */
int account_handle(const struct account *a);
/* The options in force; to keep them: account_opts_ref(). */
struct account_opts *account_options(const struct account *a);
/* Are these the options of another login, server or port? */
bool account_is_past(const struct account *a, const struct account_opts *o);

/* What is known of the provider, 0: nothing.  And what a connection made with o
 * has found out; a new fact is logged and, if f < LEARNT_KEPT, saved. */
uint32_t account_fact(const struct account *a, enum learnt_fact f);
void account_learn(struct account *a, const struct account_opts *o,
    enum learnt_fact f, uint32_t value);

/* --- may I, and whereto --------------------------------------------------- */

enum account_trust {
	ACCOUNT_NOT_NOW, /* nothing may be tried */
	/* The provider said that a quota is used up, and has accepted nothing
	 * since: one connection with one message at a time finds out whether
	 * the window has reopened, because each refusal may count against
	 * us. */
	ACCOUNT_ON_TRIAL,
	/* Whether the login works is not known: one connection finds out. */
	ACCOUNT_UNPROVEN,
	ACCOUNT_PROVEN
};
enum account_trust account_trust(const struct account *a);

struct account_way {
	struct account_opts *opts; /* account_options() */
	struct account_port port;
	int64_t patience_ms; /* for each step on this port */
};
void account_way(const struct account *a, struct account_way *ret);
/* The TLS context, made on the first call. */
int account_tls(struct account *a, struct tls_ctx **ret, struct err *err);
/* No connection is left: frees the memory that they shared. */
void account_rest(struct account *a);

/* nrcpts recipients are about to be sent; they count against the limits. */
void account_spend(struct account *a, size_t nrcpts);

/* --- shared with other relays (portion.h) -------------------------------- */

/* A recipient may be sent; if not, account_want() asks for more, because
 * something is due.  ACCOUNT_MAY_WORK says that there is. */
bool account_may_send(const struct account *a);
void account_want(struct account *a);
/* One more connection beside n. */
bool account_may_connect(const struct account *a, size_t n);
/* There are n, and so many would be useful. */
void account_connections(struct account *a, size_t n, size_t wanted);

/* For who takes the turns: when (boot clock), INT64_MAX: not soon; one begins;
 * it is over, it was not taken after all, or the store did not answer. */
int64_t account_turn_at(const struct account *a);
void account_ask(struct account *a, struct share_ask *ret); /* inits it */
void account_told(struct account *a, const struct share_ask *ask,
    const struct share_answer *answer, int64_t asked_ms);
void account_skipped(struct account *a, const struct share_ask *ask);
void account_failed(struct account *a, const struct share_ask *ask);

/* --- the token ------------------------------------------------------------ */

struct cred_wish;
struct fetched;
/* Which token the next login wants; what came of it. */
struct cred_wish account_wish(const struct account *a);
void account_fetched(struct account *a, const struct fetched *got);
/* Somebody has signed in: it is looked at and used at once. */
void account_signed_in(struct account *a);
/* v refused the token of a connection made by o.  True: it is being replaced,
 * so nothing has happened yet that others should know (token.h). */
bool account_renews(
    struct account *a, const struct account_opts *o, const struct verdict *v);

/* --- this is what I heard ------------------------------------------------- */

enum account_news_kind {
	/* The login succeeded: size_max_bytes, absurd, cert_until_s. */
	ACCOUNT_LOGGED_IN,
	/* A message was accepted. */
	ACCOUNT_SENT,
	/* An answer that may be about the account: answer. */
	ACCOUNT_ANSWERED,
	/* The server refused this secret, or there was none: secret.  While the
	 * account is held for it, the secret is watched, and a changed one is
	 * tried at once (R57). */
	ACCOUNT_SECRET_REFUSED,
	/* This answer has ended a session early: answer.  After three such
	 * sessions in a row without an accepted message, the account is
	 * held. */
	ACCOUNT_BROKEN_OFF,
	/* This port does not lead to the provider: port, fault, why.  Another
	 * is tried at once, or the account pauses. */
	ACCOUNT_NO_WAY,
	/* The provider or the network is in trouble: why. */
	ACCOUNT_TROUBLE,
	/* The server was silent for so long that the connection was closed to
	 * make room: why.  The first time the connection may be the cause; the
	 * second time without an accepted message in between, the provider
	 * is. */
	ACCOUNT_SILENT,
	/* The login does not work: why.  If there has been a reload since the
	 * connection was made, another connection checks first whether this is
	 * still true. */
	ACCOUNT_NO_LOGIN
};

struct account_news {
	enum account_news_kind kind;
	enum standing_blame blame; /* if the account pauses for this */
	const struct answer *answer;
	const char *why; /* one sentence */
	const char *told; /* the same for everybody; NULL: why itself */
	struct account_port port;
	enum port_fault fault;
	const struct secret *secret;
	uint64_t
	    size_max_bytes; /* the largest message it says it takes, or 0 */
	int64_t cert_until_s; /* as account_status has it; 0: not seen */
	const char *absurd; /* an implausible statement; "": none */
};

/* From a connection made with o.  True: this was about the account, and nothing
 * is charged to a message. */
bool account_heard(struct account *a, const struct account_opts *o,
    const struct account_news *n);

/* An attempt has ended so for nrcpts recipients of a message; only counted. */
void account_deferred(
    struct account *a, enum account_deferral why, size_t nrcpts);

/* See alert in struct account_hooks. */
void account_alert(
    const struct account *a, const char *event, const char *reason);

#endif
