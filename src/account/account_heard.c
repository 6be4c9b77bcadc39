/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/account_impl.h"

#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "mail/diagnosis.h"

enum { BROKEN_MAX = 3 };

static void
warn_absurd(struct account *a, const char *what)
{
	if (what[0] == '\0' || strcmp(a->absurd, what) == 0)
		return;
	(void)snprintf(a->absurd, sizeof(a->absurd), "%s", what);
	log_text(LOG_LEVEL_WARNING,
	    "account %s: the provider states \"%s\", which is implausible and "
	    "ignored",
	    a->opts->name, what);
}

static void
logged_in(struct account *a, const struct account_news *n)
{
	struct standing *s = &a->standing;

	warn_absurd(a, n->absurd);
	if (n->cert_until_s != 0)
		a->cert_until_s = n->cert_until_s;
	if (n->size_max_bytes != a->size_max_bytes) {
		a->size_max_bytes = n->size_max_bytes;
		a->size_s = account_learnt_s(a);
		account_save_size(a);
		account_share_learnt(a);
	}
	s->refusals = 0;
	s->is_proven = true;
	s->mark = (struct login_mark) { .is_set = false };
	if (port_memory_worked(&a->ports, account_wall_s(a)))
		account_save_ports(a);
	/* Another connection has been refused meanwhile. */
	if (s->state != ACCOUNT_READY)
		return;
	if (s->reason[0] != '\0') {
		log_text(
		    LOG_LEVEL_NOTICE, "account %s works again", a->opts->name);
		standing_forget_reason(s);
		account_save_standing(a);
	}
	if (!a->shared.is_ready && !s->is_on_trial)
		account_share_standing(a, STANDING_WORKED, false);
	account_changed(a, ACCOUNT_MAY_WORK);
}

static void
mail_was_taken(struct account *a)
{
	struct standing *s = &a->standing;

	account_troubles_are_over(a);
	if (s->is_on_trial)
		account_share_standing(a, STANDING_WORKED, false);
	s->has_tried_again = s->is_on_trial = false;
	s->paused_since_ms = 0;
	/* Not earlier: a provider that accepts the login and nothing else is in
	 * trouble as well, and must not be tried again at once forever. */
	s->troubles = s->doubts = s->broken = 0;
	IGNORE(
	    learnt_set(&a->learnt, LEARNT_LOST_BDAT, 0, account_learnt_s(a)));
}

static bool
concerns_account(enum diagnosis_act act)
{
	return act == DIAGNOSIS_RECONNECT || act == DIAGNOSIS_NEXT_MECHANISM ||
	       act == DIAGNOSIS_PAUSE || act == DIAGNOSIS_QUOTA ||
	       act == DIAGNOSIS_HOLD_ACCOUNT;
}

/* An answer as the reason of a pause or a hold: in full, and for everybody. */
struct reasons {
	struct buf full, public_reason;
	struct standing_why why; /* borrows these */
};

static void
reasons_init(
    struct reasons *r, const struct verdict *v, const struct diagnosis *d)
{
	struct verdict public = verdict_public(v);

	buf_init(&r->full, DIAGNOSIS_REASON_MAX);
	buf_init(&r->public_reason, DIAGNOSIS_REASON_MAX);
	diagnosis_reason(v, d, &r->full);
	diagnosis_reason(&public, d, &r->public_reason);
	r->why.reason = buf_str(&r->full);
	r->why.public_reason = buf_str(&r->public_reason);
}

static void
reasons_clear(struct reasons *r)
{
	buf_clear(&r->full);
	buf_clear(&r->public_reason);
}

/* Does to the account what the answer calls for (mail/diagnosis.h). */
static void
act_on(struct account *a, const struct account_opts *o,
    const struct account_news *n)
{
	const struct answer *answer = n->answer;
	const struct diagnosis *d = &answer->meaning;
	struct diagnosis signed_in;
	struct reasons r;

	if (account_has_token(a) && answer->verdict.stage == STAGE_AUTH &&
	    d->act == DIAGNOSIS_HOLD_ACCOUNT &&
	    !token_is_beside_the_point(&answer->verdict)) {
		signed_in = *d;
		(void)snprintf(signed_in.remedy, sizeof(signed_in.remedy),
		    "Run: relais login %s", a->opts->name);
		d = &signed_in;
	}
	if (d->act == DIAGNOSIS_RECONNECT)
		return; /* the connection handles it */
	reasons_init(&r, &answer->verdict, d);
	if (d->act == DIAGNOSIS_PAUSE) {
		account_pause(a, &r.why, n->blame);
	} else if (d->act == DIAGNOSIS_QUOTA) {
		a->standing.is_on_trial = true;
		account_close_window(a, &r.why, d->pause_ms);
	} else {
		account_hold(a, o, &r.why);
	}
	reasons_clear(&r);
}

static void
broken_off(struct account *a, const struct account_opts *o,
    const struct answer *answer)
{
	static const struct diagnosis d = {
		.cause = "the last three sessions ended like this before a "
			 "message was accepted",
		.remedy = "check port, tls and user of this account, or ask "
			  "the provider; then: relais flush",
	};
	struct reasons r;

	if (++a->standing.broken < BROKEN_MAX)
		return;
	reasons_init(&r, &answer->verdict, &d);
	account_hold(a, o, &r.why);
	reasons_clear(&r);
}

/* Pauses because no port leads to the provider: the reason is the newest error
 * and, if there are several ports, the state of each. */
static void
pause_unreached(struct account *a, const char *text)
{
	char why[DIAGNOSIS_REASON_MAX];

	if (a->ports.n > 1)
		(void)snprintf(why, sizeof(why), "%s (ports of %s: %s)", text,
		    a->opts->host, a->ports_text);
	else
		(void)snprintf(why, sizeof(why), "%s", text);
	account_pause(
	    a, &(struct standing_why) { .reason = why }, BLAME_PROVIDER);
}

static void
port_failed(struct account *a, const struct account_news *n)
{
	bool has_next;

	/* If another connection has reported this already, the next port is
	 * being tried. */
	if (n->port.port != port_memory_current(&a->ports)->port)
		return;
	has_next = port_memory_failed(&a->ports, n->fault, account_wall_s(a));
	account_save_ports(a);
	if (!has_next) {
		pause_unreached(a, n->why);
		return;
	}
	/* The next connection is opened when the failed one is gone. */
	log_text(LOG_LEVEL_NOTICE,
	    "account %s: port %d does not lead to the provider (%s); trying "
	    "port %d next",
	    a->opts->name, n->port.port, n->why,
	    port_memory_current(&a->ports)->port);
}

static void
was_silent(struct account *a, const struct standing_why *why,
    enum standing_blame blame)
{
	if (a->standing.troubles > 0) {
		account_pause(a, why, blame);
		return;
	}
	a->standing.troubles++;
	log_text(LOG_LEVEL_NOTICE,
	    "account %s: %s; another connection is opened", a->opts->name,
	    why->reason);
}

bool
account_heard(struct account *a, const struct account_opts *o,
    const struct account_news *n)
{
	bool is_past = account_is_past(a, o);
	struct standing_why why = { n->why, n->public_reason };

	if (n->kind == ACCOUNT_ANSWERED) {
		if (!concerns_account(n->answer->meaning.act))
			return false;
		if (!is_past)
			act_on(a, o, n);
		return true;
	}
	if (n->kind == ACCOUNT_SENT) {
		a->sent++;
		a->last_sent_s = account_wall_s(a);
		a->are_counts_dirty = true;
	}
	if (is_past)
		return true;
	switch (n->kind) {
	case ACCOUNT_LOGGED_IN:
		logged_in(a, n);
		break;
	case ACCOUNT_SENT:
		mail_was_taken(a);
		break;
	case ACCOUNT_SECRET_REFUSED:
		account_secret_refused(a, n->secret);
		break;
	case ACCOUNT_BROKEN_OFF:
		broken_off(a, o, n->answer);
		break;
	case ACCOUNT_NO_WAY:
		port_failed(a, n);
		break;
	case ACCOUNT_TROUBLE:
		account_pause(a, &why, n->blame);
		break;
	case ACCOUNT_SILENT:
		was_silent(a, &why, n->blame);
		break;
	case ACCOUNT_NO_LOGIN:
		account_hold(a, o, &why);
		break;
	case ACCOUNT_ANSWERED:
		break;
	}
	return true;
}
