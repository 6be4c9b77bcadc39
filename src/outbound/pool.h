/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pool.h - one account: its state, its couriers, what they share.
 *
 * It lives as long as its name stands in the configuration: what has been spent
 * of its limits, what was learnt about its provider, a hold or a pause are true
 * of the login and not of a file.  A reload gives it other options and nothing
 * else.
 *
 * States of an account: ready; paused until a time (the provider or the
 * network is in trouble: nothing is charged to any message); held (the login
 * was refused: a person must act, meanwhile few and slow tries, R56-R58).
 *
 * A pool opens a courier when something is due, more when the first is ready
 * and there is more, never more than max_connections, and one at a time, so
 * that a wrong password is tried once and not five times.  A courier that is
 * stalled does not count as one: what waits gets another.  When all there may
 * be are stalled, the one that has been silent for longest makes room.
 */
#ifndef OUTBOUND_POOL_H
#define OUTBOUND_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rng.h"
#include "base/secret.h"
#include "outbound/learnt.h"
#include "outbound/reach.h"
#include "rewrite/identity.h"
#include "tls/tls_ctx.h"

struct courier;
struct cred_source;
struct envelope;
struct loop;
struct pool;
struct queue;
struct verdict;

/* What one configuration says of the account.  Never changed: who works by it
 * keeps it until he is done, and a reload makes another. */
struct pool_opts {
	unsigned refs; /* besides the first one */
	/* The strings below belong to owner, who hears of the last one's
	 * going; gone may be NULL. */
	void (*gone)(void *owner);
	void *owner;
	const char *name; /* of the account */
	const char *host;
	struct reach_port ports[REACH_PORTS_MAX]; /* in order of preference */
	size_t nports;
	struct tls_client_opts tls;
	bool wants_auth;
	const char *user;
	const char *auth; /* mechanisms, or NULL */
	bool is_token;
	const char *ehlo_name; /* NULL: the address literal of the socket */
	struct identity_opts identity;
	size_t max_connections;
	size_t max_per_connection; /* messages; 0: no limit */
	uint64_t max_per_minute, max_per_hour, max_per_day; /* recipients */
	size_t max_rcpts; /* per transaction; 0: no limit */
	int64_t retry_after_ms;
	const struct cred_source *secret; /* to be compared; NULL: none */
	/* Blocks; called on a worker thread.  The caller owns *ret. */
	int (*fetch_secret)(
	    const void *ctx, struct secret **ret, struct err *err);
	const void *fetch_ctx;
	/* A person should know: "account-held", "account-paused" (for more than
	 * an hour), "quota", "message-held", "null-sender"; reason NULL: that is over.  May be
	 * asked again and again about the same.  Or NULL. */
	void (*alert)(void *ctx, const char *account, const char *event,
	    const char *reason);
	/* Recipients of this message, those that are RCPT_SENT, asked for a
	 * notice and the provider sends none; with its header.  Or NULL. */
	void (*relayed)(
	    void *ctx, const struct envelope *env, struct bytes header);
	void *ctx;
};

/* A copy of what stands in from, which has no owner yet but the caller. */
struct pool_opts *pool_opts_new(const struct pool_opts *from);
struct pool_opts *pool_opts_ref(struct pool_opts *o);
void pool_opts_free(struct pool_opts *o); /* one reference; NULL is allowed */

enum pool_state { POOL_READY, POOL_PAUSED, POOL_HELD };

struct pool_status { /* borrowed until the loop turns */
	const char *name, *host;
	enum pool_state state;
	const char *reason; /* "" when ready */
	int64_t until_ms; /* boot clock; when it tries again */
	size_t couriers;
	const char *ports; /* reach_text() */
	uint64_t sent; /* messages, since start */
	int64_t last_sent_s; /* wall clock, 0: never */
	uint64_t size_max_bytes; /* that the provider stated last; 0: none */
};

/* account: its handle in the queue, for life.  Takes over opts.  A hold or a
 * closed window that was kept is still in force, unless the login it was about
 * is another one by now. */
struct pool *pool_new(struct loop *l, struct queue *q, const struct rng *rng,
    int account, struct pool_opts *opts);
/* After a reload; takes over opts.  Another login (host, user, mechanisms, place
 * of the secret) has a clean sheet.  An account that is held or paused tries
 * once, because a person may have mended what is not written here; it does so
 * again only when a message has been taken since, for reloads may follow one
 * another quickly, and each refused login counts against us.  Connections that
 * the new options would not have made finish what they carry. */
void pool_set_opts(struct pool *p, struct pool_opts *opts);
/* Cuts what is under way; messages stay in the queue. */
void pool_cut(struct pool *p);
/* After pool_cut(), when the queue has said its last word, or when stopped. */
void pool_free(struct pool *p);

/* Held, or out of reach for longer than POOL_AWAY_MS: a spare may take over,
 * until the account is allowed its next try. */
enum { POOL_AWAY_MS = 10 * 60 * 1000 };
bool pool_is_away(const struct pool *p);

/* Something may be due. */
void pool_turn(struct pool *p);
/* Tries now, whatever the state; gently: not if it is held or its window is
 * closed, where each try may count against us. */
void pool_flush(struct pool *p, bool is_gentle);
/* As pool_flush() for a paused account, after a little jitter. */
void pool_network_changed(struct pool *p);
void pool_stop(struct pool *p);
/* No courier is left, and every result is durable. */
bool pool_has_stopped(const struct pool *p);
void pool_status(const struct pool *p, struct pool_status *ret);

/* --- for couriers --------------------------------------------------------- */

struct loop *pool_loop(const struct pool *p);
struct queue *pool_queue(const struct pool *p);
/* Those in force; to keep them: pool_opts_ref(). */
struct pool_opts *pool_opts_of(const struct pool *p);
/* These are the options of another login, server or port than the account has
 * by now: what is heard over a connection made by them says nothing of it. */
bool pool_is_past(const struct pool *p, const struct pool_opts *o);
int pool_account(const struct pool *p);
struct list *pool_couriers(struct pool *p);
struct list *pool_fetches(struct pool *p);
/* The TLS context, made when first asked for. */
int pool_tls(struct pool *p, struct tls_ctx **ret, struct err *err);
/* The port to try and how long to wait for each step on it. */
const struct reach_port *pool_port(const struct pool *p);
int64_t pool_patience_ms(const struct pool *p);
/* May this courier take another message now? */
bool pool_may_take(const struct pool *p);

/* How many messages one connection may carry, 0: any number.  What the account
 * is set to, or fewer where the server has ended two connections in a row after
 * so many: pool_spent(), or has said so.  A server that does that is in no
 * trouble. */
size_t pool_per_connection(const struct pool *p);
void pool_spent(struct pool *p, size_t answered);
/* The server has said that so many are its limit. */
void pool_limited(struct pool *p, size_t messages);

/* The provider said that a quota is used up, and has taken nothing since: one
 * courier with one message at a time finds out whether the window has reopened,
 * for each refusal may count against us. */
bool pool_is_on_trial(const struct pool *p);

/* A courier will soon have carried all it may: the next one logs in meanwhile,
 * so that nothing waits for that. */
void pool_relieve(struct pool *p);

/* Is there another courier that could take what waits?  Then what happens to
 * this one is no reason to stop them. */
bool pool_works_without(const struct pool *p, const struct courier *c);
/* Such a one has failed: for a while no further connection is opened beside
 * those that work. */
void pool_extra_failed(struct pool *p, const char *why);
/* It was silent for so long that it was closed for the sake of what waits.
 * Once that may be this connection; if nothing was taken since the last time,
 * it is the provider. */
void pool_given_up(struct pool *p, const char *why);
/* A courier has the whole window: the server is well. */
bool pool_vouches(const struct pool *p);
/* Another courier has to earn its window and is given what is due first, by
 * pool_turn(): so it has it by the time that it is needed. */
bool pool_favours_other(const struct pool *p, const struct courier *c);
/* A courier has become slow or stalled: another may be needed. */
void pool_look(struct pool *p);

/* The login succeeded on this port; the largest message the server says it
 * takes, 0 if it says nothing. */
void pool_reached(struct pool *p, uint64_t size_max_bytes);
/* A courier took a message from the queue: counts against the limits. */
void pool_took(struct pool *p, size_t nrcpts);
/* What was found out about the provider; a new fact is logged and kept. */
uint32_t pool_learnt(const struct pool *p, enum learnt_fact f);
void pool_learn(struct pool *p, enum learnt_fact f, uint32_t value);
/* The provider has refused mail from <> with this answer: the account's address
 * stands in from now on, and a person is told. */
void pool_no_null_sender(struct pool *p, const struct verdict *v);
/* A connection was lost behind a BDAT, on which none had gone well.  True: it was
 * not the first in a row, so that may be why. */
bool pool_lost_bdat(struct pool *p);
/* What the server stated and what cannot be meant; logged once. */
void pool_absurd(struct pool *p, const char *what);
/* The names it refuses in EHLO, one bit each: those that were learnt, or those
 * of the sessions that have just ended over it.  0 begins anew. */
unsigned pool_names_refused(const struct pool *p);
void pool_refuse_names(struct pool *p, unsigned refused);
/* As set for the account, after what was learnt of the provider. */
struct identity_opts pool_identity(const struct pool *p);
/* The server cannot be pipelined to; couriers speak plainly from now on. */
void pool_misbehaved(struct pool *p);
bool pool_speaks_plainly(const struct pool *p);
/* The provider takes the recipients of one domain per transaction (R61), and
 * couriers give them so from now on. */
void pool_split_domains(struct pool *p);
bool pool_splits_domains(const struct pool *p);
/* A message was taken by the provider, over a connection made by o. */
void pool_sent(struct pool *p, const struct pool_opts *o);
/* This port is not the way; another is tried at once, or the account pauses
 * with this sentence. */
void pool_port_failed(struct pool *p, enum reach_fault why, const char *text);
/* The provider or the network is in trouble. */
void pool_pause(struct pool *p, const char *why);
/* The login does not work, over a connection made by o.  If there has been a
 * reload since, another one finds out first whether that is still so. */
void pool_hold(struct pool *p, const struct pool_opts *o, const char *why);
/* The server did not take this secret: while the account is held for it, the
 * secret is looked at again, and a changed one is tried at once (R57).  NULL:
 * there was none. */
void pool_refused(struct pool *p, const struct secret *secret);
/* Does to the account what this answer calls for (mail/diagnosis.h), which may
 * be nothing; o: as pool_hold() has it.  True: nothing is
 * to be charged to the message. */
bool pool_heard(
    struct pool *p, const struct pool_opts *o, const struct verdict *v);
/* Likewise for the answer to a message, which may be the message's own fault
 * whatever the reply says: it is the last one to be tried when the account opens
 * again, and if it hears the like once more although others went well in
 * between, the account is not closed for it.  False, then: it is charged. */
bool pool_heard_of(struct pool *p, const struct pool_opts *o,
    const struct verdict *v, const char *id);
/* This answer has ended a session before its time (DIAGNOSIS_RECONNECT).  After
 * three in a row that took no message the account is held. */
void pool_broken(
    struct pool *p, const struct pool_opts *o, const struct verdict *v);
/* How long a connection may say nothing before it makes room for another.  A
 * provider that answers slowly, but does, must get there: the time grows with
 * each round of connections that were given up while no message was taken, and
 * is twice what an answer took of late. */
int64_t pool_silence_ms(const struct pool *p);
void pool_fell_silent(struct pool *p);
void pool_answered(struct pool *p, int64_t took_ms);
/* This message was being answered when a connection broke.  True: it was the
 * last time, too. */
bool pool_suspects(struct pool *p, const char *id);
/* This message waits for a person. */
void pool_message_held(struct pool *p, const char *id, const char *why);
/* A partial result is being synced: nobody takes a message until then. */
void pool_settling(struct pool *p);
void pool_settled(void *pool);
/* The courier frees itself right after this. */
void pool_courier_gone(struct pool *p);

#endif
