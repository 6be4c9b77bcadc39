/* SPDX-License-Identifier: GPL-3.0-or-later */
/* courier_impl.h - the inside of a courier, for its own files only.
 *
 * courier.c drives the connection, courier_silence.c decides how long the
 * server may be silent, and courier_end.c decides what the end of a connection
 * means for the account.  The last two call nothing in courier.c.
 */
#ifndef OUTBOUND_COURIER_IMPL_H
#define OUTBOUND_COURIER_IMPL_H

#include "account/account.h"
#include "mail/diagnosis.h"
#include "net/loop.h"
#include "outbound/courier.h"
#include "outbound/delivery.h"
#include "outbound/pool.h"
#include "outbound/reuse.h"
#include "outbound/wire.h"
#include "smtp/smtp_client.h"

struct dial;
struct dial_result;

/* Times and durations of a connection; boot clock. */
struct courier_timing {
	int64_t patience_ms; /* for each step up to the greeting */
	/* last byte from the server; at first, when the courier was made */
	int64_t heard_ms;
	/* when the connection was opened; how long dialling took */
	int64_t opened_ms, dialled_ms;
	bool has_greeted;
	/* closed because the server was silent for too long */
	bool is_given_up;
	bool was_stalled; /* at the last courier_note_stall() */
	int64_t keep_until; /* when an idle connection says QUIT */
};

struct courier {
	struct list link;
	struct pool *pool;
	struct account_opts *opts; /* the options it was opened with */
	struct account_port port;
	struct dial *dial;
	struct wire wire;
	struct loop_timer *timer;
	struct list deliveries; /* messages in progress */
	/* the delivery whose body the engine wants, or NULL */
	struct delivery *body;
	bool is_ready, is_quitting, is_gone;
	struct delivery_remote remote;
	/* it broke because of a message known to cause that */
	bool is_explained;
	struct answer heard; /* the newest answer */
	struct courier_timing timing;
	struct reuse reuse;
};

static inline int64_t
courier_now_ms(const struct courier *c)
{
	return clock_boot_ms(loop_clock(c->pool->loop));
}

/* True: the account now uses another server, port or login, so this connection
 * only finishes what it carries. */
static inline bool
courier_is_past(const struct courier *c)
{
	return account_is_past(c->pool->account, c->opts);
}

static inline bool
courier_tell_account(const struct courier *c, const struct account_news *n)
{
	return account_heard(c->pool->account, c->opts, n);
}

static inline uint32_t
courier_fact(const struct courier *c, enum learnt_fact f)
{
	return account_fact(c->pool->account, f);
}

static inline void
courier_learn(const struct courier *c, enum learnt_fact f, uint32_t value)
{
	account_learn(c->pool->account, c->opts, f, value);
}

/* --- courier_silence.c ---------------------------------------------------- */

/* The server has answered: tells the pool how long that took. */
void courier_note_answer(struct courier *c);
/* Checks whether the connection has become stalled.  If so, the message whose
 * answer is missing is suspected at once (pool.h). */
void courier_note_stall(struct courier *c);
/* When the pool should look at this connection next. */
int64_t courier_look_at(const struct courier *c);

/* --- courier_end.c -------------------------------------------------------- */

/* Gives every message back to the queue and frees the courier.  v: the verdict
 * of messages whose transaction the engine did not finish; or NULL. */
void courier_end(struct courier *c, const struct verdict *v);
/* Like courier_end(), after reporting to the account: the server was not
 * reached; the transport failed before the engine started, or during STARTTLS;
 * the TLS handshake got no answer; the engine has given up (SC_CLOSE). */
void courier_dial_failed(struct courier *c, const struct dial_result *r);
void courier_transport_failed(struct courier *c);
void courier_handshake_timed_out(struct courier *c);
void courier_closed(struct courier *c, const struct sc_info *info);
/* Reports the newest answer to the account as news of this kind.  Returns the
 * result of account_heard(). */
bool courier_tell_answer(const struct courier *c, enum account_news_kind kind);
/* why: one sentence. */
void courier_tell_trouble(
    const struct courier *c, enum account_news_kind kind, const char *why);

#endif
