/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account_impl.h - the inside of an account, for its own files only.
 *
 * Each file calls only those named before it here: account_record.c saves and
 * loads, and notes what other relays are to be told; account_standing.c decides
 * whether the account may be tried; account_shared.c takes turns with other
 * relays; account.c has the life, token and facts of the account;
 * account_heard.c draws conclusions from what a connection reports.
 */
#ifndef ACCOUNT_ACCOUNT_IMPL_H
#define ACCOUNT_ACCOUNT_IMPL_H

#include "account/account.h"
#include "account/port_memory.h"
#include "account/reservation.h"
#include "account/token.h"
#include "base/budget.h"
#include "base/log.h"
#include "net/loop.h"
#include "smtp/smtp_caps.h"

struct fetch;

/* Everything known about a login.  A part with rules of its own is a struct of
 * its own. */
struct account {
	struct loop *loop;
	const struct rng *rng;
	const struct account_hooks *hooks;
	int handle;
	bool is_stopped;
	struct account_opts *opts;
	struct standing standing;
	struct loop_timer *timer; /* the next try */
	/* looks whether a refused secret has changed */
	struct loop_timer *watch;
	struct fetch *watched; /* the fetch in progress for watch, or NULL */
	struct token token;
	/* when to keep the sign-in from ending by disuse */
	struct loop_timer *keep;
	struct fetch *kept; /* the fetch in progress for keep, or NULL */
	struct port_memory ports;
	char *ports_text;
	struct tls_ctx *tls;
	struct learnt learnt;
	uint64_t size_max_bytes; /* stated in the last EHLO reply */
	int64_t size_s; /* when that changed, by account_learnt_s() */
	/* the statement that was logged last */
	char absurd[SMTP_CAPS_ABSURD_MAX];
	struct budget budget; /* counts by account_steady_s() */
	/* wall clock minus boot clock when the account was made */
	int64_t wall_ahead_ms;
	struct reservation reservation;
	struct account_shared {
		/* version of the standing that was heard last */
		uint64_t version;
		bool is_ready; /* in that standing: the login works */
		/* something to say about the standing; must: see below */
		bool has_news, must;
		enum standing_cause cause;
		bool has_learnt; /* something to say about the provider */
		/* a person wants the mail of all relays tried */
		bool has_flush;
		uint64_t flushes; /* how many such wishes were heard of */
		bool is_speaker; /* as share.h has it */
		bool has_heard; /* at least one turn was taken */
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
 * clock: a limit by the hour must neither reopen nor close because somebody
 * sets the clock (R47). */
static inline int64_t
account_steady_s(const struct account *a)
{
	return (account_now_ms(a) + a->wall_ahead_ms) / 1000;
}

/* The clock for learnt facts, which are compared with those of other relays. */
static inline int64_t
account_learnt_s(const struct account *a)
{
	return a->reservation.is_shared
		   ? account_steady_s(a)
		   : clock_wall_ms(loop_clock(a->loop)) / 1000;
}

static inline int64_t
account_wall_s(const struct account *a)
{
	return clock_wall_ms(loop_clock(a->loop)) / 1000;
}

static inline bool
account_has_token(const struct account *a)
{
	const struct cred_source *s = a->opts->secret;

	return s != NULL && s->kind == CRED_OAUTH;
}

static inline void
account_changed(struct account *a, enum account_change what)
{
	if (a->hooks->changed != NULL)
		a->hooks->changed(a->hooks->listener, a, what);
}

/* --- account_record.c: what is written down ------------------------------- */

enum { ACCOUNT_KEPT_MAX = 8192 };

/* Loads and saves what the next start needs, by the hooks.  A text that cannot
 * be written is logged. */
void account_load(struct account *a);
void account_save_ports(struct account *a);
void account_save_size(struct account *a);
void account_save_learnt(struct account *a);
void account_save_standing(struct account *a);
/* Saves at most once a minute, so a crash forgets less than a minute.  is_last:
 * saves now. */
void account_save_counts(struct account *a, bool is_last);

/* Something has changed that may need a turn at what the relays share.  Does
 * nothing if nothing is shared. */
void account_share(const struct account *a);
/* Tells the other relays about the standing.  must: also if another relay has
 * said something else meanwhile. */
void account_share_standing(
    struct account *a, enum standing_cause cause, bool must);
/* Tells them what was learnt of the provider. */
void account_share_learnt(struct account *a);
/* Asks them to try their mail now, too. */
void account_share_flush(struct account *a);

/* --- account_standing.c: may it be tried, and when ------------------------ */

/* Puts the loaded standing in force unless the login has changed since it was
 * saved. */
void account_standing_begin(struct account *a);
void account_standing_end(struct account *a);
/* Pauses an account that is ready; in other states does nothing. */
void account_pause(struct account *a, const struct standing_why *why,
    enum standing_blame blame);
/* Closes the window: no attempt until wait_ms have passed, because with some
 * providers each attempt extends the wait. */
void account_close_window(
    struct account *a, const struct standing_why *why, int64_t wait_ms);
/* o: as account_heard() has it. */
void account_hold(struct account *a, const struct account_opts *o,
    const struct standing_why *why);
void account_let_try(struct account *a);
/* After a reload that did not change the login. */
void account_look_again(struct account *a);
/* A new login: forgets all trouble. */
void account_clear_trouble(struct account *a);
void account_troubles_are_over(const struct account *a);
void account_log_standing(
    const struct account *a, enum log_level level, const char *event);
/* Closes the window if a limit of ours is used up, before the provider does. */
void account_check_budget(struct account *a);
void account_limits(const struct account *a, uint64_t ret[BUDGET_WINDOWS]);
void account_set_limits(struct account *a);
/* True: the account is held because of its secret, and the secret is being
 * watched. */
bool account_is_watching(const struct account *a);
/* The server refused this secret; NULL: there was none. */
void account_secret_refused(struct account *a, const struct secret *secret);

#endif
