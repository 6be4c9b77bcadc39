/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account_impl.h - the inside of an account, for account.c and account_shared.c
 * only.
 */
#ifndef ACCOUNT_ACCOUNT_IMPL_H
#define ACCOUNT_ACCOUNT_IMPL_H

#include "account/account.h"
#include "account/port_memory.h"
#include "account/portion.h"
#include "account/token.h"
#include "base/budget.h"
#include "base/log.h"
#include "net/loop.h"
#include "smtp/smtp_caps.h"

struct fetch;

/* All that is known about a login, for as long as its name exists: each part with
 * rules of its own is a struct of its own. */
struct account {
	struct loop *loop;
	const struct rng *rng;
	const struct account_hooks *hooks;
	int handle;
	bool is_stopped;
	struct account_opts *opts;
	struct standing standing;
	struct loop_timer *timer; /* the next try */
	struct loop_timer *watch; /* looks whether the secret has changed */
	struct fetch *watched; /* under way for that, or NULL */
	struct token token;
	struct loop_timer *keep; /* when to look after it */
	struct fetch *kept; /* under way for that, or NULL */
	struct port_memory ports;
	char *ports_text;
	struct tls_ctx *tls;
	struct learnt learnt;
	uint64_t size_max_bytes; /* of the last EHLO */
	int64_t size_s; /* when that was news; account_learnt_s() */
	char absurd[SMTP_CAPS_ABSURD_MAX]; /* that was logged */
	struct budget budget; /* on account_steady_s() */
	int64_t wall_ahead_ms; /* of the boot clock, at first */
	struct portion portion;
	struct account_shared {
		uint64_t version; /* of the standing that was heard last */
		bool is_ready; /* that: the login works, of any relay */
		bool has_news, must; /* about the standing */
		enum standing_cause cause;
		bool has_learnt; /* likewise about the provider */
		bool has_flush; /* likewise: somebody wants its mail tried */
		uint64_t flushes; /* that were heard of */
		bool is_speaker; /* as share.h has it */
		bool has_heard; /* a turn was taken */
	} shared;
	bool are_counts_dirty;
	int64_t counts_saved_ms;
	uint64_t sent;
	uint64_t deferred[ACCOUNT_DEFERRALS];
	int64_t cert_until_s;
	int64_t last_sent_s;
};

static inline int64_t
account_now_ms(const struct account *a)
{
	return clock_boot_ms(loop_clock(a->loop));
}

/* The wall clock as it was when the account was made, moved on by the boot
 * clock: a limit by the hour must neither reopen nor close because somebody sets
 * the clock (R47). */
static inline int64_t
account_steady_s(const struct account *a)
{
	return (account_now_ms(a) + a->wall_ahead_ms) / 1000;
}

/* Facts are compared with those of other relays. */
static inline int64_t
account_learnt_s(const struct account *a)
{
	return a->portion.is_shared ? account_steady_s(a)
				    : clock_wall_ms(loop_clock(a->loop)) / 1000;
}

/* --- account.c ------------------------------------------------------------ */

void account_changed(struct account *a, enum account_change what);
void account_save_standing(struct account *a);
void account_log_standing(
    const struct account *a, enum log_level level, const char *event);
void account_let_try(struct account *a);
void account_troubles_are_over(const struct account *a);
/* Our own limits close the window before the provider does. */
void account_check_budget(struct account *a);
void account_limits(const struct account *a, uint64_t ret[BUDGET_WINDOWS]);
void account_set_limits(struct account *a);
/* It is held because of its secret, which may change. */
bool account_is_watching(const struct account *a);

/* --- account_shared.c; nothing, if there is no other relay ----------------- */

/* Something has changed that may need a turn. */
void account_share(const struct account *a);
/* Other relays are told about the standing; must: whatever they know. */
void account_share_standing(
    struct account *a, enum standing_cause cause, bool must);
/* And about the provider. */
void account_share_learnt(struct account *a);
/* Their mail is to be tried now, too. */
void account_share_flush(struct account *a);

#endif
