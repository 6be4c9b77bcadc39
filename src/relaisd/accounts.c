/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/accounts.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/account.h"
#include "conf/conf.h"
#include "cred/cred.h"
#include "mail/addr.h"
#include "mail/envelope.h"
#include "outbound/outbound.h"
#include "queue/queue.h"
#include "sys/clock_sys.h"

/* What the options of one account are made of, and a worker thread needs to
 * fetch its secret; goes with them. */
struct basis {
	struct conf *conf;
	const struct conf_account *account;
	const struct cred_env *env;
};

struct accounts {
	struct loop *loop;
	struct queue *queue;
	const struct cred_env *env;
	struct accounts_hooks hooks;
	struct conf *conf;
	struct outbound *outbound;
	bool *is_away; /* by place in conf: its spare has taken over */
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
accounts_check_tls(const struct conf_account *a, struct err *err)
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

bool
accounts_same_tls(const struct conf_account *a, const struct conf_account *b)
{
	for (size_t i = 0; i < TLS_PINS_MAX; i++)
		if (!str_eq(a->tls_pins[i], b->tls_pins[i]))
			return false;
	return str_eq(a->tls_ca_file, b->tls_ca_file) &&
	       str_eq(a->tls_cert, b->tls_cert) &&
	       str_eq(a->tls_key, b->tls_key);
}

static int
fetch_secret(const void *ctx, struct secret **ret, struct err *err)
{
	const struct basis *b = ctx;
	struct cred_request rq = {
		.source = &b->account->secret,
		.account = b->account->name,
		.host = b->account->host,
		.login = b->account->user,
	};

	return cred_fetch(&rq, b->env, ret, err) == CRED_OK ? 0 : -1;
}

static void
basis_free(void *owner)
{
	struct basis *b = owner;

	conf_free(b->conf);
	free(b);
}

/* What servers believe; others refuse "localhost", "pve1" and the ids of
 * containers, but take the address literal.  NULL: that one. */
static const char *
ehlo_name(const struct conf *conf)
{
	struct bytes name;

	if (conf->hostname == NULL)
		return NULL;
	name = bytes_str(conf->hostname);
	return addr_domain_is_public(name) ? conf->hostname : NULL;
}

static struct pool_opts *
opts_from(const struct accounts *accounts, size_t i)
{
	static const enum sc_tls tls[] = {
		[CONF_TLS_STARTTLS] = SC_TLS_STARTTLS,
		[CONF_TLS_IMPLICIT] = SC_TLS_IMPLICIT,
		[CONF_TLS_OFF] = SC_TLS_OFF,
	};
	const struct accounts_hooks *hooks = &accounts->hooks;
	struct conf *conf = accounts->conf;
	const struct conf_account *a = &conf->accounts[i];
	struct basis *b = xmalloc(sizeof(*b));
	struct pool_opts o = {
		.gone = basis_free,
		.owner = b,
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
		.secret = &a->secret,
		.fetch_secret = fetch_secret,
		.fetch_ctx = b,
		.alert = hooks->alert,
		.relayed = hooks->relayed,
		.ctx = hooks->ctx,
	};

	*b = (struct basis) { conf_ref(conf), a, accounts->env };
	for (size_t k = 0; k < a->nports; k++)
		o.ports[k] = (struct reach_port) { a->ports[k].port,
			tls[a->ports[k].tls] };
	return pool_opts_new(&o);
}

/* --- life ----------------------------------------------------------------- */

struct accounts *
accounts_new(struct loop *loop, struct queue *queue, const struct cred_env *env,
    const struct accounts_hooks *hooks)
{
	struct accounts *a = xcalloc(1, sizeof(*a));

	a->loop = loop;
	a->queue = queue;
	a->env = env;
	a->hooks = *hooks;
	a->outbound = outbound_new(loop, queue, rng_sys());
	return a;
}

/* Who was away under the old configuration, and has a spare still. */
static bool *
keep_away(const struct accounts *a, const struct conf *was)
{
	bool *is_away = xcalloc(a->conf->naccounts, sizeof(*is_away));

	for (size_t i = 0; was != NULL && i < a->conf->naccounts; i++) {
		int old = conf_account_find(was, a->conf->accounts[i].name);

		is_away[i] = old >= 0 && a->is_away[old] &&
			     a->conf->accounts[i].fallback >= 0;
	}
	return is_away;
}

void
accounts_set(struct accounts *a, struct conf *conf)
{
	struct pool_opts **opts = xcalloc(conf->naccounts, sizeof(*opts));
	struct conf *was = a->conf;
	bool *is_away;

	a->conf = conf_ref(conf);
	for (size_t i = 0; i < conf->naccounts; i++)
		opts[i] = opts_from(a, i);
	outbound_set(a->outbound, opts, conf->naccounts);
	free(opts);
	is_away = keep_away(a, was);
	free(a->is_away);
	a->is_away = is_away;
	if (was == NULL || !conf_routes_alike(was, conf))
		queue_reroute(a->queue, outbound_handles(a->outbound));
	conf_free(was);
}

void
accounts_free(struct accounts *a)
{
	if (a == NULL)
		return;
	outbound_free(a->outbound);
	conf_free(a->conf);
	free(a->is_away);
	free(a);
}

const struct conf *
accounts_conf(const struct accounts *a)
{
	return a->conf;
}

struct outbound *
accounts_outbound(const struct accounts *a)
{
	return a->outbound;
}

/* --- which account -------------------------------------------------------- */

int
accounts_route(const struct accounts *a, const struct envelope *env)
{
	int i = conf_route(a->conf, env, NULL);
	int spare = i >= 0 ? a->conf->accounts[i].fallback : -1;

	if (i < 0)
		return -1;
	/* A provider that may have the message already must not be passed
	 * over: the spare would send it twice. */
	if (spare >= 0 && a->is_away[i] && !envelope_is_in_doubt(env))
		i = spare;
	return outbound_handle(a->outbound, (size_t)i);
}

int64_t
accounts_watch_spares(struct accounts *a)
{
	const struct conf *c = a->conf;
	int64_t next = INT64_MAX;
	struct pool_status st;
	bool has_changed = false;

	for (size_t i = 0; i < c->naccounts; i++) {
		int handle = outbound_handle(a->outbound, i);
		bool is_away = c->accounts[i].fallback >= 0 &&
			       outbound_is_away(a->outbound, handle);

		if (is_away && outbound_status(a->outbound, handle, &st) &&
		    st.until_ms < next)
			next = st.until_ms + 1;
		if (is_away == a->is_away[i])
			continue;
		a->is_away[i] = is_away;
		has_changed = true;
		log_text(LOG_LEVEL_WARNING,
		    is_away ? "account %s is away; its mail goes through %s"
			    : "account %s is tried again, %s takes no "
			      "more of its mail",
		    c->accounts[i].name,
		    c->accounts[c->accounts[i].fallback].name);
	}
	if (has_changed)
		queue_reroute(a->queue, outbound_handles(a->outbound));
	return next;
}
