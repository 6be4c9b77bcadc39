/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account_impl.h - the inside of an account, for its own files only.
 *
 * Each calls only those above it: account_record.c writes down,
 * account_standing.c decides whether it may be tried, account_shared.c takes
 * part in turns with other relays, account.c has its life, token and facts,
 * account_heard.c draws the conclusions from what a connection heard.
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

/* All that is known about a login, for as long as its name exists: each part
 * with rules of its own is a struct of its own. */
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
 * clock: a limit by the hour must neither reopen nor close because somebody
 * sets the clock (R47). */
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

/* For the next start, in small texts of the hooks; a text that cannot be
 * written is logged. */
void account_load(struct account *a);
void account_save_ports(struct account *a);
void account_save_size(struct account *a);
void account_save_learnt(struct account *a);
void account_save_standing(struct account *a);
/* Not for every message: a crash forgets less than a minute.  is_last: now. */
void account_save_counts(struct account *a, bool is_last);

/* For the other relays; nothing, if there are none.  Something has changed that
 * may need a turn. */
void account_share(const struct account *a);
/* Other relays are told about the standing; must: whatever they know. */
void account_share_standing(
    struct account *a, enum standing_cause cause, bool must);
/* And about the provider. */
void account_share_learnt(struct account *a);
/* Their mail is to be tried now, too. */
void account_share_flush(struct account *a);

/* --- account_standing.c: may it be tried, and when ------------------------ */

/* What was loaded is in force, unless the login has changed since. */
void account_standing_begin(struct account *a);
void account_standing_end(struct account *a);
/* From ready only. */
void account_pause(struct account *a, const struct standing_why *why,
    enum standing_blame blame);
/* The window is closed: no attempt until it reopens, because with some
 * providers each attempt extends the wait. */
void account_close_window(
    struct account *a, const struct standing_why *why, int64_t wait_ms);
/* o: as account_heard() has it. */
void account_hold(struct account *a, const struct account_opts *o,
    const struct standing_why *why);
void account_let_try(struct account *a);
/* After a reload that left the login as it was. */
void account_look_again(struct account *a);
/* A new login: nothing is held against it. */
void account_clear_trouble(struct account *a);
void account_troubles_are_over(const struct account *a);
void account_log_standing(
    const struct account *a, enum log_level level, const char *event);
/* Our own limits close the window before the provider does. */
void account_check_budget(struct account *a);
void account_limits(const struct account *a, uint64_t ret[BUDGET_WINDOWS]);
void account_set_limits(struct account *a);
/* It is held because of its secret, which may change. */
bool account_is_watching(const struct account *a);
/* The server did not take this one, or NULL: there was none. */
void account_secret_refused(struct account *a, const struct secret *secret);

#endif
