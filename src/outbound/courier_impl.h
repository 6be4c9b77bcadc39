/* SPDX-License-Identifier: GPL-3.0-or-later */
/* courier_impl.h - the inside of a courier, for its own files only.
 *
 * courier.c drives the connection; courier_silence.c knows how long the server
 * may say nothing, courier_end.c what the end of a connection means for the
 * account.  Those two call nothing of courier.c.
 */
#ifndef OUTBOUND_COURIER_IMPL_H
#define OUTBOUND_COURIER_IMPL_H

#include "account/account.h"
#include "mail/diagnosis.h"
#include "net/loop.h"
#include "outbound/courier.h"
#include "outbound/delivery.h"
#include "outbound/pool.h"
#include "outbound/service.h"
#include "outbound/wire.h"
#include "smtp/smtp_client.h"

struct dial;
struct dial_result;

/* Since when, until when, for how long. */
struct courier_timing {
	int64_t patience_ms; /* with each step up to the greeting */
	int64_t heard_ms; /* the last byte from the server; at first, when
			   * this was made */
	int64_t opened_ms, dialled_ms; /* when; and how long that took */
	bool has_greeted;
	bool is_given_up; /* silent for too long */
	bool was_stalled; /* when last looked at */
	int64_t keep_until; /* idle until then, then QUIT */
};

struct courier {
	struct list link;
	struct pool *pool;
	struct account_opts *opts; /* by which it was opened */
	struct account_port port;
	struct dial *dial;
	struct wire wire;
	struct loop_timer *timer;
	struct list deliveries; /* messages under way */
	struct delivery *body; /* whose body the engine wants now, or NULL */
	bool is_ready, is_quitting, is_gone;
	struct delivery_remote remote;
	struct answer heard; /* the newest, and what it means */
	struct courier_timing timing;
	struct service service;
};

static inline int64_t
courier_now_ms(const struct courier *c)
{
	return clock_boot_ms(loop_clock(c->pool->loop));
}

/* The account goes to another server now: this connection finishes what it
 * carries. */
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

/* The server has answered after all: the pool learns how long that took. */
void courier_note_silence(struct courier *c);
/* Looks whether it is stalled; the message whose answer is missing is suspected
 * at once. */
void courier_note_stall(struct courier *c);
/* When the pool should look at this connection next. */
int64_t courier_look_at(const struct courier *c);

/* --- courier_end.c -------------------------------------------------------- */

/* Gives every message back and frees the courier.  v: what is known of the
 * messages whose transaction the engine did not finish; or NULL. */
void courier_end(struct courier *c, const struct verdict *v);
/* Likewise, after telling the account why: the server was not reached; the
 * transport failed before the engine could start, or during STARTTLS; there is
 * no answer to the TLS handshake; the engine has given up (SC_CLOSE). */
void courier_dial_failed(struct courier *c, const struct dial_result *r);
void courier_transport_failed(struct courier *c);
void courier_handshake_timed_out(struct courier *c);
void courier_closed(struct courier *c, const struct sc_info *info);
/* What was heard last, as news of that kind; returns as account_heard()
 * does. */
bool courier_tell_answer(const struct courier *c, enum account_news_kind kind);
/* why: one sentence. */
void courier_tell_trouble(
    const struct courier *c, enum account_news_kind kind, const char *why);

#endif
