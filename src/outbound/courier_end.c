/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/courier_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/must.h"
#include "base/str.h"
#include "net/dial.h"
#include "net/stream.h"
#include "smtp/smtp_caps.h"
#include "tls/tls_pipe.h"

enum { LINGER_MS = 5000 };

/* --- what the account is told --------------------------------------------- */

void
courier_tell_trouble(
    const struct courier *c, enum account_news_kind kind, const char *why)
{
	struct account_news n = { .kind = kind, .why = why };

	(void)courier_tell_account(c, &n); /* it is always about the account */
}

static bool
is_another_at_work(const struct courier *c)
{
	for (struct list *it = c->pool->couriers.next; it != &c->pool->couriers;
	     it = it->next) {
		const struct courier *other = list_entry(
		    it, struct courier, link);

		if (other != c && other->is_ready && !courier_is_past(other) &&
		    !courier_is_stalled(other))
			return true;
	}
	return false;
}

/* Another connection could take what waits: then the failure of this one does
 * not stop the account and is only logged, but for a while no further
 * connection is opened. */
static bool
works_without(const struct courier *c, const char *why)
{
	if (account_trust(c->pool->account) == ACCOUNT_NOT_NOW ||
	    !is_another_at_work(c))
		return false;
	log_text(LOG_LEVEL_NOTICE, "account %s: one connection of several: %s",
	    account_options(c->pool->account)->name, why);
	if (!c->is_explained)
		pool_wait_with_extra(c->pool);
	return true;
}

/* --- the end of a connection ---------------------------------------------- */

void
courier_end(struct courier *c, const struct verdict *v)
{
	struct pool *p = c->pool;

	c->is_gone = true;
	list_foreach (it, &c->deliveries)
		delivery_end(delivery_of_link(it), v);
	courier_free(c);
	pool_courier_gone(p);
}

void
courier_free(struct courier *c)
{
	if (c == NULL)
		return;
	list_foreach (it, &c->deliveries)
		delivery_end(delivery_of_link(it), NULL);
	dial_free(c->dial);
	wire_clear(&c->wire, LINGER_MS);
	loop_timer_free(c->timer);
	list_remove(&c->link);
	account_opts_free(c->opts);
	free(c);
}

/* The error of the TLS layer says what is wrong with this port. */
static enum port_fault
fault_of_stream(const struct courier *c)
{
	const struct err *e = stream_error(c->wire.stream);

	if (e != NULL && e->class == ERR_CERTIFICATE)
		return PORT_CERTIFICATE;
	if (e != NULL && e->class == ERR_TLS)
		return PORT_NO_TLS;
	return PORT_RESET;
}

static void
port_failed(struct courier *c, enum port_fault fault, const char *why)
{
	struct account_news n = { .kind = ACCOUNT_NO_WAY,
		.port = c->port,
		.fault = fault,
		.why = why };

	if (!works_without(c, why))
		(void)courier_tell_account(c, &n); /* it is about the account */
}

void
courier_transport_failed(struct courier *c)
{
	const struct err *e = stream_error(c->wire.stream);
	enum port_fault fault = fault_of_stream(c);
	char why[600];

	if (tls_pipe_offered_ticket(stream_tls(c->wire.stream))) {
		/* The ticket has been forgotten; a handshake without it may
		 * work and is tried at once. */
		courier_end(c, NULL);
		return;
	}
	(void)snprintf(why, sizeof(why), "%s: %s", c->wire.who,
	    e != NULL ? e->text
		      : "the connection was closed during the TLS handshake");
	port_failed(c, fault, why);
	courier_end(c, NULL);
}

void
courier_handshake_timed_out(struct courier *c)
{
	char why[300];

	(void)snprintf(why, sizeof(why),
	    "%s: no answer to the TLS handshake; if the port wants clear text "
	    "first, set tls = starttls",
	    c->wire.who);
	port_failed(c, PORT_NO_GREETING, why);
	courier_end(c, NULL);
}

static const enum port_fault dial_reach[] = {
	[DIAL_OK] = PORT_UNTRIED,
	[DIAL_LOOKUP] = PORT_UNTRIED, /* not the port's fault */
	[DIAL_REFUSED] = PORT_REFUSED,
	[DIAL_SILENT] = PORT_SILENT,
	[DIAL_UNREACHABLE] = PORT_UNTRIED, /* nor here */
	[DIAL_OTHER] = PORT_RESET,
};

void
courier_dial_failed(struct courier *c, const struct dial_result *r)
{
	enum port_fault fault = dial_reach[r->fault];

	if (fault != PORT_UNTRIED)
		port_failed(c, fault, r->err.text);
	else if (!works_without(c, r->err.text))
		courier_tell_trouble(c, ACCOUNT_TROUBLE, r->err.text);
	courier_end(c, NULL);
}

/* --- why the engine gave up ----------------------------------------------- */

enum trouble_act {
	ACT_NOTHING,
	ACT_PAUSE,
	ACT_HOLD,
	ACT_PORT,
	ACT_AGAIN /* at once; nothing is left to report */
};

/* What each kind of trouble means for the account when no reply says more
 * (mail/diagnosis.h knows the replies). */
static const struct {
	enum trouble_act act;
	enum port_fault fault; /* for ACT_PORT */
	/* Where the engine knows more than the last reply says; added to the
	 * reply. */
	const char *advice;
} troubles[] = {
	[SC_TROUBLE_NONE] = { ACT_NOTHING, PORT_UNTRIED, NULL },
	[SC_TROUBLE_LOST] = { ACT_PAUSE, PORT_NO_GREETING, NULL },
	[SC_TROUBLE_PROTOCOL] = { ACT_PORT, PORT_NOT_SMTP, NULL },
	[SC_TROUBLE_REFUSED] = { ACT_PAUSE, PORT_UNTRIED, NULL },
	[SC_TROUBLE_NO_TLS] = { ACT_PORT, PORT_NO_TLS, NULL },
	[SC_TROUBLE_NO_AUTH] = { ACT_HOLD, PORT_UNTRIED,
	    "the provider accepts no login method that it offers and the "
	    "account may use; check auth, port and tls of this account" },
	[SC_TROUBLE_AUTH] = { ACT_HOLD, PORT_UNTRIED, NULL },
	[SC_TROUBLE_AUTH_LATER] = { ACT_PAUSE, PORT_UNTRIED, NULL },
	[SC_TROUBLE_CRED] = { ACT_HOLD, PORT_UNTRIED, NULL },
	[SC_TROUBLE_NAME] = { ACT_HOLD, PORT_UNTRIED,
	    "the provider accepts none of the names that relais gives in EHLO; "
	    "set hostname in [relais] to the full name of this machine" },
	[SC_TROUBLE_BROKEN] = { ACT_AGAIN, PORT_UNTRIED, NULL },
	[SC_TROUBLE_OFFER] = { ACT_AGAIN, PORT_UNTRIED, NULL },
};

static enum trouble_act
act_on(const struct courier *c, const struct sc_info *info)
{
	if (courier_login_may_say_another_name(&c->wire.login, info))
		return ACT_AGAIN;
	if (info->trouble != SC_TROUBLE_LOST) {
		/* A protocol error after the login says nothing about the port:
		 * the server is the provider's, and is out of step. */
		if (c->is_ready && troubles[info->trouble].act == ACT_PORT) {
			courier_learn(c, LEARNT_PLAIN, 1);
			return ACT_PAUSE;
		}
		return troubles[info->trouble].act;
	}
	if (!c->is_ready && info->verdict.stage <= STAGE_GREETING)
		return c->timing.is_given_up ? ACT_PAUSE : ACT_PORT;
	/* A server may close an idle connection, even if our next MAIL is on
	 * its way. */
	if (!c->is_ready)
		return ACT_PAUSE;
	return c->reuse.was_idle || !c->reuse.has_broken ? ACT_NOTHING
							 : ACT_PAUSE;
}

/* A single loss may have been chance. */
static bool
lost_bdat_again(const struct courier *c)
{
	bool is_again = courier_fact(c, LEARNT_LOST_BDAT) != 0;

	courier_learn(c, LEARNT_LOST_BDAT, 1);
	return is_again;
}

static void
learn_at_end(struct courier *c, const struct sc_info *info)
{
	unsigned distrust = smtp_client_distrust(c->wire.smtp);

	if (smtp_client_lost_bdat(c->wire.smtp) && lost_bdat_again(c))
		distrust |= SMTP_DISTRUST_CHUNKING;
	courier_learn(
	    c, LEARNT_DISTRUST, courier_fact(c, LEARNT_DISTRUST) | distrust);
	if (courier_login_may_say_another_name(&c->wire.login, info)) {
		courier_learn(c, LEARNT_NAMES_TRIED,
		    smtp_client_ehlo_refused(c->wire.smtp));
	} else if (info->trouble == SC_TROUBLE_NAME) {
		courier_learn(
		    c, LEARNT_NAMES_TRIED, 0); /* the next try starts over */
		courier_learn(c, LEARNT_EHLO, 0);
	}
}

/* For the end of the connection. */
static enum standing_blame
blame(const struct courier *c)
{
	return c->is_explained       ? BLAME_MESSAGE
	       : c->reuse.has_broken ? BLAME_OPEN
				     : BLAME_PROVIDER;
}

bool
courier_tell_answer(const struct courier *c, enum account_news_kind kind)
{
	struct account_news n = { .kind = kind,
		.blame = blame(c),
		.answer = &c->heard,
		.secret = c->wire.login.secret };

	return courier_tell_account(c, &n);
}

static void
explain(const struct courier *c, enum sc_trouble trouble,
    const struct verdict *v, struct buf *why)
{
	const char *advice = troubles[trouble].advice;
	struct diagnosis d = { 0 };

	if (v->code != 0 && (advice != NULL || v->text[0] == '\0')) {
		if (advice != NULL) /* fits */
			IGNORE(str_copy(
			    d.remedy, sizeof(d.remedy), bytes_str(advice)));
		diagnosis_reason(v, &d, why);
	} else { /* cut when full */
		IGNORE(buf_addf(why, "%s: %s", c->wire.who, v->text));
	}
}

/* Of the end of a connection that no reply explains better. */
static void
tell_trouble_at_end(const struct courier *c, enum account_news_kind kind,
    const struct sc_info *info)
{
	struct verdict public = verdict_public(&info->verdict);
	struct buf why, public_why;
	struct account_news n = { .kind = kind, .blame = blame(c) };

	buf_init(&why, DIAGNOSIS_REASON_MAX);
	buf_init(&public_why, DIAGNOSIS_REASON_MAX);
	explain(c, info->trouble, &info->verdict, &why);
	explain(c, info->trouble, &public, &public_why);
	n.why = buf_str(&why);
	n.public_reason = buf_str(&public_why);
	(void)courier_tell_account(c, &n); /* it is always about the account */
	buf_clear(&why);
	buf_clear(&public_why);
}

static void
tell_end(struct courier *c, const struct sc_info *info)
{
	enum trouble_act act = act_on(c, info);
	struct buf why;

	if (info->trouble == SC_TROUBLE_AUTH &&
	    account_renews(c->pool->account, c->opts, &info->verdict))
		return; /* another connection tries with another token */
	if (info->trouble == SC_TROUBLE_AUTH ||
	    info->trouble == SC_TROUBLE_CRED)
		(void)courier_tell_answer(c, ACCOUNT_SECRET_REFUSED);
	if (info->trouble == SC_TROUBLE_BROKEN && !c->is_explained)
		(void)courier_tell_answer(c, ACCOUNT_BROKEN_OFF);
	if (act == ACT_NOTHING || act == ACT_AGAIN || c->remote.is_spent)
		return;
	/* The meaning of the reply comes before the kind of trouble, unless the
	 * engine knows more. */
	if (act != ACT_PORT && blame(c) != BLAME_MESSAGE &&
	    info->verdict.code != 0 && troubles[info->trouble].advice == NULL &&
	    courier_tell_answer(c, ACCOUNT_ANSWERED))
		return;
	buf_init(&why, DIAGNOSIS_REASON_MAX);
	explain(c, info->trouble, &info->verdict, &why);
	if (act == ACT_PORT)
		port_failed(c, troubles[info->trouble].fault, buf_str(&why));
	else if (info->trouble == SC_TROUBLE_LOST &&
		 works_without(c, buf_str(&why)))
		; /* the others go on */
	else if (act == ACT_HOLD)
		tell_trouble_at_end(c, ACCOUNT_NO_LOGIN, info);
	else
		tell_trouble_at_end(c,
		    c->timing.was_stalled && blame(c) != BLAME_MESSAGE
			? ACCOUNT_SILENT
			: ACCOUNT_TROUBLE,
		    info);
	buf_clear(&why);
}

void
courier_closed(struct courier *c, const struct sc_info *info)
{
	struct verdict v = info->verdict;

	if (!courier_is_past(c)) {
		tell_end(c, info);
		learn_at_end(c, info);
	}
	courier_end(c, v.class != VERDICT_NONE ? &v : NULL);
}
