/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prog/era.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "conf/account.h"
#include "conf/conf.h"
#include "cred/cred.h"
#include "mail/addr.h"
#include "mail/envelope.h"
#include "outbound/outbound.h"
#include "queue/queue.h"
#include "sys/clock_sys.h"

/* What a worker thread needs to fetch one account's secret. */
struct era_fetch {
	const struct cred_env *env;
	const struct conf_account *account;
};

/* --- settings into options ------------------------------------------------ */

static struct tls_client_opts
tls_opts_from(const struct conf_account *a)
{
	struct tls_client_opts o = { .ca_file = a->tls_ca_file,
		.cert_file = a->tls_cert,
		.key_file = a->tls_key };

	for (size_t i = 0; i < TLS_PINS_MAX; i++)
		o.pins[i] = a->tls_pins[i];
	return o;
}

int
era_check_tls(const struct conf_account *a, struct err *err)
{
	struct tls_client_opts o = tls_opts_from(a);
	struct tls_ctx *ctx = NULL;
	int rc = tls_ctx_new_client(&o, &ctx, err);

	if (rc == 0)
		rc = tls_ctx_check(ctx, err);
	if (rc != 0)
		(void)err_ctx(err, "[account %s]", a->name);
	tls_ctx_free(ctx);
	return rc;
}

static int
fetch_secret(const void *ctx, struct secret **ret, struct err *err)
{
	const struct era_fetch *f = ctx;
	struct cred_request rq = {
		.source = &f->account->secret,
		.account = f->account->name,
		.host = f->account->host,
		.login = f->account->user,
	};

	return cred_fetch(&rq, f->env, ret, err) == CRED_OK ? 0 : -1;
}

/* What servers believe; others refuse "localhost", "pve1" and the ids of
 * containers, but take the address literal.  NULL: that one. */
static const char *
ehlo_name(const struct conf *conf)
{
	struct bytes name;

	if (conf->hostname == NULL)
		return NULL;
	name = bytes_of(conf->hostname, strlen(conf->hostname));
	return addr_domain_is_public(name) ? conf->hostname : NULL;
}

static void
pool_opts_from(const struct conf *conf, const struct era_fetch *f,
    const struct era_hooks *hooks, struct pool_opts *o)
{
	static const enum sc_tls tls[] = {
		[CONF_TLS_STARTTLS] = SC_TLS_STARTTLS,
		[CONF_TLS_IMPLICIT] = SC_TLS_IMPLICIT,
		[CONF_TLS_OFF] = SC_TLS_OFF,
	};
	const struct conf_account *a = f->account;

	*o = (struct pool_opts) {
		.name = a->name,
		.host = a->host,
		.nports = a->nports,
		.tls = tls_opts_from(a),
		.wants_auth = a->user != NULL,
		.user = a->user,
		.auth = a->auth,
		.is_token = a->is_token,
		.ehlo_name = ehlo_name(conf),
		.identity = conf_identity(conf, a),
		.max_connections = (size_t)a->max_connections,
		.max_per_connection = (size_t)a->max_per_connection,
		.max_rcpts = (size_t)a->max_recipients,
		.max_per_minute = (uint64_t)a->max_per_minute,
		.max_per_hour = (uint64_t)a->max_per_hour,
		.max_per_day = (uint64_t)a->max_per_day,
		.retry_after_ms = conf->retry_after_ms,
		.fetch_secret = fetch_secret,
		.fetch_ctx = f,
		.alert = hooks->alert,
		.relayed = hooks->relayed,
		.ctx = hooks->ctx,
	};
	for (size_t i = 0; i < a->nports; i++)
		o->ports[i] = (struct reach_port) { a->ports[i].port,
			tls[a->ports[i].tls] };
}

/* --- life ----------------------------------------------------------------- */

struct era *
era_new(struct conf *conf, const struct cred_env *env,
    const struct era_hooks *hooks)
{
	struct era *e = xcalloc(1, sizeof(*e));

	e->conf = conf;
	e->fetches = xcalloc(conf->naccounts, sizeof(*e->fetches));
	e->pools = xcalloc(conf->naccounts, sizeof(*e->pools));
	e->is_away = xcalloc(conf->naccounts, sizeof(*e->is_away));
	for (size_t i = 0; i < conf->naccounts; i++) {
		e->fetches[i] = (struct era_fetch) { env, &conf->accounts[i] };
		pool_opts_from(conf, &e->fetches[i], hooks, &e->pools[i]);
	}
	list_init(&e->link);
	return e;
}

void
era_begin(
    struct era *e, struct loop *loop, struct queue *queue, bool is_restart)
{
	e->outbound = outbound_new(
	    loop, queue, rng_sys(), e->pools, e->conf->naccounts, is_restart);
}

void
era_close(struct era *e)
{
	outbound_free(e->outbound);
	e->outbound = NULL;
}

void
era_free(struct era *e)
{
	if (e == NULL)
		return;
	list_remove(&e->link);
	era_close(e);
	if (!e->is_conf_lent)
		conf_free(e->conf);
	free(e->fetches);
	free(e->pools);
	free(e->is_away);
	free(e);
}

/* --- which account -------------------------------------------------------- */

int
era_route(const struct era *e, const struct envelope *env)
{
	int i = conf_route(e->conf, env, NULL);
	int spare = i >= 0 ? e->conf->accounts[i].fallback : -1;

	/* A provider that may have the message already must not be passed
	 * over: the spare would send it twice. */
	if (spare >= 0 && e->outbound != NULL && e->is_away[i] &&
	    !envelope_is_in_doubt(env))
		return spare;
	return i;
}

int64_t
era_watch_spares(struct era *e, struct queue *queue)
{
	int64_t next = INT64_MAX;
	struct pool_status st;
	bool has_changed = false;

	for (size_t i = 0; i < e->conf->naccounts; i++) {
		bool is_away = e->conf->accounts[i].fallback >= 0 &&
			       outbound_is_away(e->outbound, i);

		outbound_status(e->outbound, i, &st);
		if (is_away && st.until_ms < next)
			next = st.until_ms + 1;
		if (is_away == e->is_away[i])
			continue;
		e->is_away[i] = is_away;
		has_changed = true;
		log_text(LOG_LEVEL_WARNING,
		    is_away ? "account %s is away; its mail goes through %s"
			    : "account %s is tried again, %s takes no "
			      "more of its mail",
		    e->conf->accounts[i].name,
		    e->conf->accounts[e->conf->accounts[i].fallback].name);
	}
	if (has_changed)
		queue_reroute(queue, (int)e->conf->naccounts);
	return next;
}
