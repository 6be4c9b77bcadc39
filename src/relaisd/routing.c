/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/routing.h"

#include <stdlib.h>
#include <string.h>

#include "account/accounts.h"
#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/route.h"
#include "mail/addr.h"
#include "mail/envelope.h"
#include "queue/queue.h"
#include "relaisd/link.h"

/* What the options of one account are made of, and a worker thread needs to
 * fetch its secret; goes with them. */
struct basis {
	struct conf *conf;
	const struct conf_account *account;
	struct link *link;
};

struct routing {
	struct accounts *accounts;
	struct queue *queue;
	struct link *link;
	struct conf *conf;
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
routing_check_tls(const struct conf_account *a, struct err *err)
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
routing_same_tls(const struct conf_account *a, const struct conf_account *b)
{
	for (size_t i = 0; i < TLS_PINS_MAX; i++)
		if (!str_eq(a->tls_pins[i], b->tls_pins[i]))
			return false;
	return str_eq(a->tls_ca_file, b->tls_ca_file) &&
	       str_eq(a->tls_cert, b->tls_cert) &&
	       str_eq(a->tls_key, b->tls_key);
}

static enum cred_result
fetch_secret(const void *ctx, const struct cred_wish *wish, struct secret **ret,
    struct cred_facts *facts, struct err *err)
{
	const struct basis *b = ctx;

	return link_fetch(b->link, b->conf,
	    (size_t)(b->account - b->conf->accounts),
	    &(struct link_secret) { wish, ret, facts }, err);
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

static struct account_opts *
opts_from(const struct routing *r, size_t i)
{
	static const enum sc_tls tls[] = {
		[CONF_TLS_STARTTLS] = SC_TLS_STARTTLS,
		[CONF_TLS_IMPLICIT] = SC_TLS_IMPLICIT,
		[CONF_TLS_OFF] = SC_TLS_OFF,
	};
	struct conf *conf = r->conf;
	const struct conf_account *a = &conf->accounts[i];
	struct basis *b = xmalloc(sizeof(*b));
	struct account_opts o = {
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
	};

	*b = (struct basis) { conf_ref(conf), a, r->link };
	for (size_t k = 0; k < a->nports; k++)
		o.ports[k] = (struct account_port) { a->ports[k].port,
			tls[a->ports[k].tls] };
	return account_opts_new(&o);
}

/* --- life ----------------------------------------------------------------- */

struct routing *
routing_new(struct accounts *accounts, struct queue *queue, struct link *link)
{
	struct routing *r = xcalloc(1, sizeof(*r));

	r->accounts = accounts;
	r->queue = queue;
	r->link = link;
	return r;
}

/* The accounts that were away under the old configuration and still have a
 * spare. */
static bool *
keep_away(const struct routing *r, const struct conf *was)
{
	bool *is_away = xcalloc(r->conf->naccounts, sizeof(*is_away));

	for (size_t i = 0; was != NULL && i < r->conf->naccounts; i++) {
		int old = conf_account_find(was, r->conf->accounts[i].name);

		is_away[i] = old >= 0 && r->is_away[old] &&
			     r->conf->accounts[i].fallback >= 0;
	}
	return is_away;
}

static void
reroute(const struct routing *r)
{
	queue_reroute(r->queue, accounts_handles(r->accounts));
}

void
routing_set(struct routing *r, struct conf *conf)
{
	struct account_opts **opts = xcalloc(conf->naccounts, sizeof(*opts));
	struct conf *was = r->conf;
	bool *is_away;

	r->conf = conf_ref(conf);
	for (size_t i = 0; i < conf->naccounts; i++)
		opts[i] = opts_from(r, i);
	accounts_set(r->accounts, opts, conf->naccounts);
	free(opts);
	is_away = keep_away(r, was);
	free(r->is_away);
	r->is_away = is_away;
	if (was == NULL || !conf_routes_alike(was, conf))
		reroute(r);
	conf_free(was);
}

void
routing_free(struct routing *r)
{
	if (r == NULL)
		return;
	conf_free(r->conf);
	free(r->is_away);
	free(r);
}

struct conf *
routing_conf(const struct routing *r)
{
	return r->conf;
}

/* --- which account -------------------------------------------------------- */

int
routing_account(const struct routing *r, const struct envelope *env)
{
	int i = conf_route(r->conf, env, NULL);
	int spare = i >= 0 ? r->conf->accounts[i].fallback : -1;

	if (i < 0)
		return -1;
	/* A provider that may have the message already must not be passed
	 * over: the spare would send it twice. */
	if (spare >= 0 && r->is_away[i] && !envelope_is_in_doubt(env))
		i = spare;
	return accounts_handle(r->accounts, (size_t)i);
}

int64_t
routing_watch_spares(struct routing *r)
{
	const struct conf *c = r->conf;
	int64_t next = INT64_MAX;
	bool has_changed = false;

	for (size_t i = 0; i < c->naccounts; i++) {
		const struct account *a = accounts_at(
		    r->accounts, accounts_handle(r->accounts, i));
		bool is_away = c->accounts[i].fallback >= 0 &&
			       account_is_away(a);
		struct account_status st;

		account_status(a, &st);
		if (is_away && st.until_ms < next)
			next = st.until_ms + 1;
		if (is_away == r->is_away[i])
			continue;
		r->is_away[i] = is_away;
		has_changed = true;
		log_text(LOG_LEVEL_WARNING,
		    is_away ? "account %s is unavailable; its messages go "
			      "through %s"
			    : "account %s is used again; its messages no "
			      "longer go through %s",
		    c->accounts[i].name,
		    c->accounts[c->accounts[i].fallback].name);
	}
	if (has_changed)
		reroute(r);
	return next;
}
