/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prog/daemon.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "conf/account.h"
#include "conf/alias.h"
#include "conf/conf.h"
#include "cred/cred.h"
#include "inbound/inbound.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/netwatch.h"
#include "outbound/outbound.h"
#include "prog/alert.h"
#include "prog/control.h"
#include "prog/notices.h"
#include "queue/queue.h"
#include "sys/clock_sys.h"
#include "sys/fs_sys.h"
#include "sys/log_sys.h"
#include "sys/privilege.h"

enum {
	STOP_MS = 20 * 1000,
	STOP_POLL_MS = 50,
	STOP_VERDICT_MS = 5 * 1000, /* clients wait no longer for a verdict */
	RETRY_MAX_MS = 3600 * 1000,
	HEAD_START_MS = 1000 /* of the provider over the disk */
};

struct daemon;

/* What a worker thread needs to fetch one account's secret. */
struct fetch_ctx {
	const struct cred_env *env;
	const struct conf_account *account;
};

/* One configuration and the couriers that still work by it.  A reload makes a
 * new one; the old one goes when its couriers have finished. */
struct era {
	struct list link;
	struct conf *conf;
	bool is_conf_lent; /* to the listeners, which outlive it */
	struct fetch_ctx *fetches;
	struct pool_opts *pools;
	bool *is_away; /* per account: its spare has taken over */
	struct outbound *outbound;
};

/* A socket that is bound and not yet served. */
struct opened {
	int fd;
	const struct conf_listen *conf;
};

struct daemon {
	const struct daemon_args *args;
	struct conf_env env;
	struct conf_paths paths;
	char hostname[256];
	const char *file;
	struct privilege_user user;
	struct cred_env cred;
	struct opened *opened;
	size_t nopened;
	int control_fd;
	struct loop *loop;
	struct loop_task turn;
	struct loop_timer *timer;
	struct queue *queue;
	struct inbound *inbound;
	struct control *control;
	struct alerts *alerts;
	struct notices *notices;
	struct netwatch *netwatch; /* NULL: the kernel has none for us */
	struct era *era;
	struct aliases *aliases; /* of the era */
	struct conf *listening; /* what the listeners were made from */
	struct list retired;
	bool is_stopping;
	int64_t stop_by_ms, no_verdict_ms;
};

/* --- the configuration ---------------------------------------------------- */

static void
find_surroundings(struct daemon *d)
{
	struct group *g = getgrnam("relais");

	if (gethostname(d->hostname, sizeof(d->hostname) - 1) != 0)
		d->hostname[0] = '\0';
	d->env = (struct conf_env) {
		.is_user = d->args->is_user,
		.home = getenv("HOME"),
		.config_home = getenv("XDG_CONFIG_HOME"),
		.state_home = getenv("XDG_STATE_HOME"),
		.runtime_dir = getenv("XDG_RUNTIME_DIR"),
		.uid = getuid(),
		.hostname = d->hostname,
		.group = g != NULL ? g->gr_gid : (gid_t)-1,
	};
	conf_paths_init(&d->paths, &d->env);
	d->file = d->args->conf_file != NULL ? d->args->conf_file
					     : d->paths.file;
	privilege_self(&d->user);
	d->cred = (struct cred_env) {
		.helper = RELAIS_LIBEXEC_DIR "/relais-cred",
		.credentials_dir = getenv("CREDENTIALS_DIRECTORY"),
		.group = d->env.group,
		.runtime_dir = d->args->is_user ? d->env.runtime_dir : NULL,
		.dbus_address = d->args->is_user
				    ? getenv("DBUS_SESSION_BUS_ADDRESS")
				    : NULL,
	};
	if (getenv("RELAIS_CRED_HELPER") != NULL && geteuid() == getuid())
		d->cred.helper = getenv("RELAIS_CRED_HELPER");
}

/* NULL: every problem has been told. */
static struct conf *
load_conf(struct daemon *d)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;

	if (conf_load(d->file, &d->env, &conf, &problems) != 0)
		for (size_t i = 0; i < problems.n; i++)
			log_text(LOG_LEVEL_ERROR, "%s", problems.v[i].text);
	conf_problems_clear(&problems);
	return conf;
}

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

/* Can certificates and keys of this account be read? */
static int
check_tls(const struct conf_account *a, struct err *err)
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

/* --check: EX_OK or EX_CONFIG. */
static int
check(const struct daemon *d, const struct conf *conf)
{
	struct conf_problems problems = { 0 };
	struct privilege_user user;
	struct err err;
	int status = EX_OK;

	alias_free(alias_load(conf->aliases, &problems));
	for (size_t i = 0; i < problems.n; i++) {
		log_text(LOG_LEVEL_ERROR, "%s", problems.v[i].text);
		status = EX_CONFIG;
	}
	conf_problems_clear(&problems);
	for (size_t i = 0; i < conf->naccounts; i++)
		if (check_tls(&conf->accounts[i], &err) != 0) {
			log_err(LOG_LEVEL_ERROR, &err);
			status = EX_CONFIG;
		}
	if (geteuid() == 0 && privilege_find(conf->user, &user, &err) != 0) {
		log_err(LOG_LEVEL_ERROR, &err);
		status = EX_CONFIG;
	}
	if (status == EX_OK)
		(void)printf("%s: good, %zu account%s\n", d->file,
		    conf->naccounts, conf->naccounts == 1 ? "" : "s");
	return status;
}

/* --- who may submit ------------------------------------------------------- */

static bool
list_has(const struct conf_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], name) == 0)
			return true;
	return false;
}

static bool
is_in_groups(const struct conf_list *groups, const struct passwd *pw)
{
	gid_t gids[256];
	int n = sizeof(gids) / sizeof(gids[0]);

	if (getgrouplist(pw->pw_name, pw->pw_gid, gids, &n) < 0)
		n = sizeof(gids) / sizeof(gids[0]);
	for (int i = 0; i < n; i++) {
		struct group *g = getgrgid(gids[i]);

		if (g != NULL && list_has(groups, g->gr_name))
			return true;
	}
	return false;
}

/* allow_users and allow_groups; a submitter without a name is nobody's. */
static bool
may_submit(void *ctx, uint32_t uid)
{
	const struct daemon *d = ctx;
	const struct conf *c = d->era->conf;
	struct passwd *pw;

	if (c->allow_users.n == 0 && c->allow_groups.n == 0)
		return true;
	if (uid == UID_UNKNOWN || (pw = getpwuid(uid)) == NULL)
		return false;
	return list_has(&c->allow_users, pw->pw_name) ||
	       (c->allow_groups.n > 0 && is_in_groups(&c->allow_groups, pw));
}

static uint64_t
smaller_limit(uint64_t a, uint64_t b) /* 0: none */
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* What this account takes: its setting, and what the provider said last. */
static uint64_t
account_limit(const struct daemon *d, size_t account)
{
	struct pool_status st = { .size_max_bytes = 0 };

	if (d->era->outbound != NULL)
		outbound_status(d->era->outbound, account, &st);
	return smaller_limit(
	    d->era->conf->accounts[account].max_size_bytes, st.size_max_bytes);
}

/* What may be said in EHLO, before it is known which account a message has:
 * what the most generous one takes. */
static uint64_t
max_size(void *ctx)
{
	const struct daemon *d = ctx;
	const struct conf *c = d->era->conf;
	uint64_t most = account_limit(d, 0);

	for (size_t i = 1; i < c->naccounts && most != 0; i++) {
		uint64_t limit = account_limit(d, i);

		most = limit == 0 || limit > most ? limit : most;
	}
	return smaller_limit(c->max_size_bytes, most);
}

static bool
is_too_large(const struct daemon *d, const struct envelope *e, struct buf *why)
{
	size_t i = (size_t)conf_route(d->era->conf, e, NULL);
	uint64_t limit = account_limit(d, i);

	if (limit == 0 || e->size_bytes <= limit)
		return false;
	IGNORE(buf_addf(why,
	    "the provider of account %s takes no message of more than %llu "
	    "bytes",
	    d->era->conf->accounts[i].name, (unsigned long long)limit));
	return true;
}

static bool
refuses(void *ctx, const struct envelope *e, struct verdict *ret_why)
{
	const struct daemon *d = ctx;
	bool is_so = true;
	struct buf why;

	buf_init(&why, VERDICT_TEXT_MAX);
	if (conf_route_refuses(d->era->conf, e, &why))
		verdict_local(ret_why, VERDICT_NEVER, STAGE_LOCAL, 550, "5.7.1",
		    buf_str(&why));
	else if (is_too_large(d, e, &why))
		verdict_local(ret_why, VERDICT_NEVER, STAGE_LOCAL, 552, "5.3.4",
		    buf_str(&why));
	else
		is_so = false;
	buf_clear(&why);
	return is_so;
}

/* --- names of this machine ------------------------------------------------ */

/* Problems are no reason to take no mail: what is right holds. */
static void
load_aliases(struct daemon *d)
{
	struct conf_problems problems = { 0 };

	alias_free(d->aliases);
	d->aliases = alias_load(d->era->conf->aliases, &problems);
	for (size_t i = 0; i < problems.n; i++)
		log_text(LOG_LEVEL_ERROR, "%s", problems.v[i].text);
	conf_problems_clear(&problems);
}

static bool
is_local(void *ctx, const char *addr)
{
	const struct daemon *d = ctx;
	struct alias_opts o = alias_opts_of(d->era->conf);

	return alias_is_local(&o, addr);
}

/* The file is looked at again whenever it matters, so that nobody has to tell
 * the daemon about a change. */
static bool
resolve(void *ctx, const char *addr, struct addr_list *to)
{
	struct daemon *d = ctx;
	struct alias_opts o = alias_opts_of(d->era->conf);

	if (alias_is_stale(d->aliases))
		load_aliases(d);
	return alias_resolve(d->aliases, &o, addr, to);
}

/* --- settings into options ------------------------------------------------ */

static int
fetch_secret(const void *ctx, struct secret **ret, struct err *err)
{
	const struct fetch_ctx *f = ctx;
	struct cred_request rq = {
		.source = &f->account->secret,
		.account = f->account->name,
		.host = f->account->host,
		.login = f->account->user,
	};

	return cred_fetch(&rq, f->env, ret, err) == CRED_OK ? 0 : -1;
}

/* --- telling people ------------------------------------------------------- */

static const struct conf *
conf_now(void *ctx)
{
	const struct daemon *d = ctx;

	return d->era->conf;
}

static const struct conf_list *
alert_command(void *ctx)
{
	const struct daemon *d = ctx;

	return &d->era->conf->alert_command;
}

static size_t
queue_waiting(void *ctx)
{
	const struct daemon *d = ctx;

	return queue_count(d->queue);
}

struct held {
	int account;
	size_t count;
};

static bool
count_held(void *ctx, const struct queue_item *it)
{
	struct held *h = ctx;

	h->count += it->state == QUEUE_STATE_HELD && it->account == h->account;
	return true;
}

/* Held messages are one cause until the last has been dealt with. */
static void
see_held_are_new(struct daemon *d, const char *account)
{
	struct held h = { conf_account_find(d->era->conf, account), 0 };

	queue_each(d->queue, count_held, &h);
	if (h.count <= 1)
		alert_over(d->alerts, "message-held", account);
}

static void
on_account_alert(
    void *ctx, const char *account, const char *event, const char *reason)
{
	struct daemon *d = ctx;

	if (reason == NULL) {
		alert_over(d->alerts, event, account);
		return;
	}
	if (strcmp(event, "message-held") == 0)
		see_held_are_new(d, account);
	alert_raise(d->alerts, event, account, reason);
}

/* Notices see to it themselves that these are few. */
static void
on_notices_alert(void *ctx, const char *event, const char *reason)
{
	struct daemon *d = ctx;

	alert_over(d->alerts, event, NULL);
	alert_raise(d->alerts, event, NULL, reason);
}

static void
on_relayed(void *ctx, const struct envelope *env, struct bytes header)
{
	struct daemon *d = ctx;

	notices_relayed(d->notices, env, header);
}

static void
start_telling(struct daemon *d)
{
	struct alert_opts alerts = { d->loop, alert_command, queue_waiting, d };
	struct notices_opts notices = {
		.loop = d->loop,
		.queue = d->queue,
		.rng = rng_sys(),
		.conf = conf_now,
		.alert = on_notices_alert,
		.ctx = d,
	};

	d->alerts = alert_new(&alerts);
	d->notices = notices_new(&notices);
}

static void
pool_opts_from(struct daemon *d, const struct conf *conf,
    const struct fetch_ctx *f, struct pool_opts *o)
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
		.ehlo_name = conf->hostname,
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
		.alert = on_account_alert,
		.relayed = on_relayed,
		.ctx = d,
	};
	for (size_t i = 0; i < a->nports; i++)
		o->ports[i] = (struct reach_port) { a->ports[i].port,
			tls[a->ports[i].tls] };
}

static struct inbound_opts
inbound_opts_from(struct daemon *d, const struct conf *c)
{
	return (struct inbound_opts) {
		.hostname = c->host_found,
		.max_size = max_size,
		.hide_submitter = c->received_hide,
		.max_rcpts = (size_t)c->max_recipients,
		.max_sessions = (size_t)c->max_sessions,
		.verdict_ms = c->verdict_timeout_ms,
		.may_submit = may_submit,
		.refuses = refuses,
		.locals = { is_local, resolve, d },
		.ctx = d,
	};
}

/* --- eras ----------------------------------------------------------------- */

static struct era *
era_new(struct daemon *d, struct conf *conf)
{
	struct era *e = xcalloc(1, sizeof(*e));

	e->conf = conf;
	e->fetches = xcalloc(conf->naccounts, sizeof(*e->fetches));
	e->pools = xcalloc(conf->naccounts, sizeof(*e->pools));
	e->is_away = xcalloc(conf->naccounts, sizeof(*e->is_away));
	for (size_t i = 0; i < conf->naccounts; i++) {
		e->fetches[i] = (struct fetch_ctx) { &d->cred,
			&conf->accounts[i] };
		pool_opts_from(d, conf, &e->fetches[i], &e->pools[i]);
	}
	list_init(&e->link);
	return e;
}

static void
era_begin(struct daemon *d, struct era *e)
{
	/* The first era of a process is what a restart finds. */
	e->outbound = outbound_new(d->loop, d->queue, rng_sys(), e->pools,
	    e->conf->naccounts, list_is_empty(&d->retired));
	d->era = e;
}

static void
era_close(struct era *e)
{
	outbound_free(e->outbound);
	e->outbound = NULL;
}

static void
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

/* --- what the queue asks -------------------------------------------------- */

/* A provider that may have the message already must not be passed over: the
 * spare would send it twice. */
static bool
may_have_been_taken(const struct envelope *e)
{
	for (size_t i = 0; i < e->nrcpts; i++)
		if (e->rcpts[i].state == RCPT_WAITING &&
		    e->rcpts[i].last != NULL && e->rcpts[i].last->is_uncertain)
			return true;
	return false;
}

/* The account by the rules, or its spare while it is away (one step: a spare's
 * own spare is not asked). */
static int
on_route(void *ctx, const struct envelope *e)
{
	const struct era *era = ((const struct daemon *)ctx)->era;
	int i = conf_route(era->conf, e, NULL);
	int spare = i >= 0 ? era->conf->accounts[i].fallback : -1;

	if (spare >= 0 && era->outbound != NULL && era->is_away[i] &&
	    !may_have_been_taken(e))
		return spare;
	return i;
}

/* When an account with a spare goes or may try again, all waiting mail is
 * routed anew.  Returns when to look again (boot clock). */
static int64_t
watch_spares(struct daemon *d)
{
	int64_t next = INT64_MAX;
	struct pool_status st;
	struct era *e = d->era;
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
		queue_reroute(d->queue, (int)e->conf->naccounts);
	return next;
}

static void
on_wake(void *ctx, int account)
{
	struct daemon *d = ctx;

	if (d->era != NULL && d->era->outbound != NULL)
		outbound_wake(d->era->outbound, account);
	loop_soon(d->loop, &d->turn);
}

/* ERR_NONE: only worth a line. */
static void
on_trouble(void *ctx, const char *id, const struct err *why)
{
	struct daemon *d = ctx;
	char text[600];

	(void)snprintf(text, sizeof(text), "%s: %s", id, why->text);
	log_text(why->class == ERR_NONE ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR,
	    "%s", text);
	if (why->class == ERR_DISK && d->alerts != NULL) {
		alert_raise(d->alerts, "disk", NULL, text);
		alert_over(d->alerts, "disk", NULL);
	}
}

static void
on_failed(void *ctx, const char *id)
{
	struct daemon *d = ctx;

	notices_failed(d->notices, id);
}

static void
on_delayed(void *ctx, const char *id)
{
	struct daemon *d = ctx;

	notices_delayed(d->notices, id);
}

static void
queue_submit(void *ctx, struct work *w)
{
	loop_submit(ctx, (struct loop_job *)w);
}

static bool
queue_cancel(void *ctx, struct work *w)
{
	return loop_cancel(ctx, (struct loop_job *)w);
}

/* struct work (queue) and struct loop_job (net) are the same thing on two
 * layers that do not know each other. */
_Static_assert(
    sizeof(struct work) == sizeof(struct loop_job) &&
	offsetof(struct work, run) == offsetof(struct loop_job, run) &&
	offsetof(struct work, done) == offsetof(struct loop_job, done) &&
	offsetof(struct work, priv) == offsetof(struct loop_job, priv),
    "a queue job is a loop job");

static int
open_queue(struct daemon *d, const struct conf *c, struct err *err)
{
	struct queue_opts opts = {
		.dir = c->spool,
		.fs = fs_sys(),
		.clock = clock_sys(),
		.rng = rng_sys(),
		.pool = { queue_submit, queue_cancel, d->loop },
		.hooks = { .route = on_route,
		    .wake = on_wake,
		    .trouble = on_trouble,
		    .failed = on_failed,
		    .delayed = on_delayed,
		    .ctx = d },
		.naccounts = (int)c->naccounts,
		.retry_after_ms = c->retry_after_ms,
		.retry_max_ms = RETRY_MAX_MS,
		.lifetime_ms = c->lifetime_ms,
		.delay_notice_ms = c->delay_notice_ms,
		.max_size_bytes = c->max_size_bytes,
		.head_start_ms = HEAD_START_MS,
	};

	return queue_open(&opts, &d->queue, err);
}

/* --- sockets -------------------------------------------------------------- */

static void
add_opened(struct daemon *d, int fd, const struct conf_listen *c)
{
	d->opened = xrealloc(d->opened, d->nopened + 1, sizeof(*d->opened));
	d->opened[d->nopened++] = (struct opened) { fd, c };
}

static int
open_listener(struct daemon *d, const struct conf_listen *c, struct err *err)
{
	int fd = c->path != NULL ? listen_unix(c->path, 0666, err)
				 : listen_tcp(c->host, c->port, err);

	if (fd >= 0) {
		add_opened(d, fd, c);
		return 0;
	}
	if (!c->is_optional)
		return -1;
	log_text(
	    LOG_LEVEL_INFO, "not listening on %s: %s", c->address, err->text);
	return 0;
}

/* The service manager opened the sockets: which of ours is each?  Unix or TCP
 * is all that matters; the addresses are the unit's business. */
static int
take_inherited(struct daemon *d, const struct conf *conf, int n)
{
	for (int fd = 3; fd < 3 + n; fd++) {
		bool is_unix = listen_port(fd) <= 0;
		const struct conf_listen *match = NULL;

		for (size_t i = 0; i < conf->nlistens; i++)
			if ((conf->listens[i].path != NULL) == is_unix &&
			    match == NULL)
				match = &conf->listens[i];
		if (match != NULL)
			add_opened(d, fd, match);
	}
	return 0;
}

static int
open_listeners(struct daemon *d, const struct conf *conf, struct err *err)
{
	int inherited = listen_inherited(err);

	if (inherited < 0)
		return -1;
	if (inherited > 0)
		return take_inherited(d, conf, inherited);
	for (size_t i = 0; i < conf->nlistens; i++)
		if (open_listener(d, &conf->listens[i], err) != 0)
			return -1;
	return 0;
}

static bool
listen_allows(const void *ctx, const char *client)
{
	return conf_listen_allows(ctx, client);
}

static int
serve_opened(struct daemon *d, struct err *err)
{
	static const enum queue_mode modes[] = {
		[CONF_MODE_SAFE] = QUEUE_MODE_SAFE,
		[CONF_MODE_VERDICT] = QUEUE_MODE_VERDICT,
		[CONF_MODE_QUEUE] = QUEUE_MODE_QUEUE,
	};

	for (size_t i = 0; i < d->nopened; i++) {
		const struct conf_listen *c = d->opened[i].conf;
		struct inbound_listener li = {
			.name = c->name,
			.mode = modes[c->mode],
			.is_unix = c->path != NULL,
			.allows = listen_allows,
			.ctx = c,
		};

		if (inbound_listen(d->inbound, d->opened[i].fd, &li, err) != 0)
			return -1;
		log_text(LOG_LEVEL_INFO, "listening on %s", c->address);
	}
	return 0;
}

/* --- as root -------------------------------------------------------------- */

static int
make_socket_dir(
    const char *socket, const struct privilege_user *u, struct err *err)
{
	char *copy = xstrdup(socket);
	int rc = privilege_make_dir(dirname(copy), 0755, u, err);

	free(copy);
	return rc;
}

/* Everything that needs root, done before the first byte is read. */
static int
prepare(struct daemon *d, const struct conf *conf, struct err *err)
{
	if (geteuid() == 0 && privilege_find(conf->user, &d->user, err) != 0)
		return -1;
	if (privilege_harden(err) != 0 ||
	    privilege_make_dir(conf->spool, 0711, &d->user, err) != 0 ||
	    make_socket_dir(conf->socket, &d->user, err) != 0 ||
	    make_socket_dir(conf->control, &d->user, err) != 0 ||
	    open_listeners(d, conf, err) != 0 ||
	    (d->control_fd = listen_unix(conf->control, 0666, err)) < 0 ||
	    privilege_drop(&d->user, err) != 0)
		return -1;
	d->cred.home = d->user.home;
	d->cred.user = d->user.name;
	return 0;
}

/* --- running -------------------------------------------------------------- */

static void
free_idle_eras(struct daemon *d)
{
	list_foreach (it, &d->retired) {
		struct era *e = list_entry(it, struct era, link);

		if (outbound_is_idle(e->outbound))
			era_free(e);
	}
}

static bool
has_stopped(const struct daemon *d)
{
	if (clock_boot_ms(clock_sys()) >= d->stop_by_ms)
		return true;
	list_foreach (it, &d->retired)
		if (!outbound_has_stopped(
			list_entry(it, struct era, link)->outbound))
			return false;
	return inbound_sessions(d->inbound) == 0 &&
	       outbound_has_stopped(d->era->outbound);
}

/* Does what is due and says when to be called again.  Runs after whatever
 * touched the queue, and at the time the queue named. */
static void
turn(struct daemon *d)
{
	int64_t next, look_again;

	next = queue_tick(d->queue);
	outbound_turn(d->era->outbound);
	look_again = watch_spares(d);
	if (look_again < next)
		next = look_again;
	free_idle_eras(d);
	if (d->is_stopping) {
		if (has_stopped(d))
			loop_stop(d->loop);
		if (clock_boot_ms(clock_sys()) >= d->no_verdict_ms)
			queue_give_up_waiting(d->queue, -1);
		next = clock_boot_ms(clock_sys()) + STOP_POLL_MS;
	}
	loop_timer_set(d->timer, next);
}

static void
on_turn(struct loop_task *t)
{
	turn(list_entry(t, struct daemon, turn));
}

static void
on_timer(void *ctx)
{
	turn(ctx);
}

static void
stop(struct daemon *d)
{
	if (d->is_stopping)
		return;
	log_text(LOG_LEVEL_NOTICE, "stopping");
	listen_notify("STOPPING=1");
	d->is_stopping = true;
	d->stop_by_ms = clock_boot_ms(clock_sys()) + STOP_MS;
	d->no_verdict_ms = clock_boot_ms(clock_sys()) + STOP_VERDICT_MS;
	inbound_stop(d->inbound);
	outbound_stop(d->era->outbound);
	for (size_t i = 0; i < d->era->conf->naccounts; i++)
		queue_give_up_waiting(d->queue, (int)i);
	loop_soon(d->loop, &d->turn);
}

static void
reload(struct daemon *d)
{
	struct conf *conf = load_conf(d);
	struct inbound_opts opts;
	struct err err;

	if (conf == NULL) {
		log_text(LOG_LEVEL_ERROR,
		    "reload refused; the configuration in force stays");
		return;
	}
	conf_keep_secrets(conf, d->era->conf);
	outbound_stop(d->era->outbound);
	list_append(&d->retired, &d->era->link);
	era_begin(d, era_new(d, conf));
	load_aliases(d);
	opts = inbound_opts_from(d, conf);
	inbound_set_opts(d->inbound, &opts);
	if (strcmp(conf->log, "auto") != 0 &&
	    log_sys_open(conf->log, LOG_LEVEL_INFO, &err) != 0)
		log_err(LOG_LEVEL_WARNING, &err);
	queue_reroute(d->queue, (int)conf->naccounts);
	log_text(LOG_LEVEL_NOTICE, "configuration read again: %s", d->file);
	loop_soon(d->loop, &d->turn);
}

static void
on_signal(void *ctx, int sig)
{
	if (sig == SIGHUP)
		reload(ctx);
	else
		stop(ctx);
}

static int
catch_signals(struct daemon *d, struct err *err)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP };

	(void)signal(SIGPIPE, SIG_IGN); /* cannot fail for this signal */
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		if (loop_on_signal(d->loop, sigs[i], on_signal, d, err) != 0)
			return -1;
	return 0;
}

static struct outbound *
outbound_now(void *ctx)
{
	const struct daemon *d = ctx;

	return d->era->outbound;
}

static size_t
sessions_now(void *ctx)
{
	const struct daemon *d = ctx;

	return inbound_sessions(d->inbound);
}

static void
on_network(void *ctx)
{
	struct daemon *d = ctx;

	outbound_network_changed(d->era->outbound);
}

/* A machine that does not tell about its network still delivers, only later. */
static void
watch_network(struct daemon *d)
{
	struct err err;

	if (netwatch_new(d->loop, on_network, d, &d->netwatch, &err) != 0)
		log_err(LOG_LEVEL_INFO, &err);
}

static int
serve_control(struct daemon *d, struct err *err)
{
	struct control_opts opts = {
		.loop = d->loop,
		.queue = d->queue,
		.conf = conf_now,
		.outbound = outbound_now,
		.sessions = sessions_now,
		.ctx = d,
	};

	return control_new(d->control_fd, &opts, &d->control, err);
}

static int
start(struct daemon *d, struct conf *conf, struct err *err)
{
	struct inbound_opts opts = inbound_opts_from(d, conf);
	struct era *e;

	if (loop_new(clock_sys(), &d->loop, err) != 0 ||
	    catch_signals(d, err) != 0)
		return -1;
	loop_task_init(&d->turn, on_turn);
	d->timer = loop_timer_new(d->loop, on_timer, d);
	e = era_new(d, conf);
	e->is_conf_lent = true;
	d->listening = conf;
	d->era = e;
	if (open_queue(d, conf, err) != 0)
		return -1;
	start_telling(d);
	era_begin(d, e);
	load_aliases(d);
	d->inbound = inbound_new(d->loop, d->queue, &opts);
	if (serve_opened(d, err) != 0)
		return -1;
	watch_network(d);
	return serve_control(d, err);
}

/* Deliveries go back to the queue, the queue writes down what became of them
 * and tells the couriers' pools, and only then can those go. */
static void
close_outbound(struct daemon *d)
{
	list_foreach (it, &d->retired)
		outbound_cut(list_entry(it, struct era, link)->outbound);
	if (d->era != NULL)
		outbound_cut(d->era->outbound);
	notices_free(d->notices);
	queue_free(d->queue);
	alert_free(d->alerts);
	list_foreach (it, &d->retired)
		era_close(list_entry(it, struct era, link));
	if (d->era != NULL)
		era_close(d->era);
}

/* False: a worker is stuck (a slow command for a secret, a name server that
 * does not answer) and still reads the configuration. */
static bool
finish(struct daemon *d)
{
	control_free(d->control);
	netwatch_free(d->netwatch);
	inbound_free(d->inbound);
	close_outbound(d);
	if (d->loop != NULL) {
		loop_soon_cancel(&d->turn);
		loop_timer_free(d->timer);
		if (!loop_free(d->loop))
			return false;
	}
	list_foreach (it, &d->retired)
		era_free(list_entry(it, struct era, link));
	era_free(d->era);
	alias_free(d->aliases);
	conf_free(d->listening);
	conf_paths_clear(&d->paths);
	free(d->opened);
	return true;
}

/* --- to the background ---------------------------------------------------- */

/* The child goes on; the parent waits until the child runs or has failed, so
 * that whoever typed the command sees what went wrong.  Returns the pipe to
 * report on, or -1. */
static int
go_to_background(void)
{
	int ends[2], status;
	char byte;
	pid_t pid;

	if (pipe(ends) != 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		(void)close(ends[0]); /* the parent's */
		(void)setsid(); /* cannot fail in a fresh child */
		return ends[1];
	}
	(void)close(ends[1]); /* the child's */
	if (read(ends[0], &byte, 1) == 1)
		_exit(EX_OK);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	_exit(EX_SOFTWARE);
}

static void
report_running(int fd)
{
	if (fd < 0)
		return;
	if (write(fd, "+", 1) != 1)
		log_text(LOG_LEVEL_WARNING, "nobody waits for the start");
	(void)close(fd); /* said or not */
}

static int
run(struct daemon *d, struct conf *conf)
{
	const char *log = conf->log;
	int report = -1;
	struct err err = { 0 };

	if (!d->args->is_foreground && (report = go_to_background()) < 0) {
		log_text(LOG_LEVEL_ERROR, "cannot go to the background: %s",
		    strerror(errno));
		return EX_OSERR;
	}
	if (prepare(d, conf, &err) != 0)
		goto failed;
	if (strcmp(log, "auto") == 0)
		log = d->args->is_foreground ? "stderr" : "syslog";
	if (start(d, conf, &err) != 0 ||
	    log_sys_open(log, LOG_LEVEL_INFO, &err) != 0)
		goto failed;
	log_text(LOG_LEVEL_NOTICE, "relaisd runs as %s with %zu account%s",
	    d->user.name, conf->naccounts, conf->naccounts == 1 ? "" : "s");
	if (conf->admin == NULL)
		log_text(LOG_LEVEL_WARNING,
		    "`admin' is not set in [relais]: mail for root and notices "
		    "have no reader");
	listen_notify("READY=1");
	report_running(report);
	loop_soon(d->loop, &d->turn);
	loop_run(d->loop);
	log_text(LOG_LEVEL_NOTICE, "stopped");
	return EX_OK;
failed:
	log_text(LOG_LEVEL_ERROR, "relaisd cannot start: %s", err.text);
	return err.class == ERR_CONFIG ? EX_CONFIG
	       : err.class == ERR_BUSY ? EX_UNAVAILABLE
				       : EX_OSERR;
}

int
daemon_main(const struct daemon_args *args)
{
	struct daemon d = { .args = args };
	struct conf *conf;
	struct err err;
	int status;

	list_init(&d.retired);
	if (log_sys_open("stderr", LOG_LEVEL_INFO, &err) != 0)
		return EX_OSERR;
	find_surroundings(&d);
	conf = load_conf(&d);
	if (conf == NULL) {
		status = EX_CONFIG;
	} else if (args->is_check) {
		status = check(&d, conf);
		conf_free(conf);
	} else {
		status = run(&d, conf);
		if (d.era == NULL)
			conf_free(conf);
	}
	if (!finish(&d)) {
		log_sys_close();
		_exit(status); /* exit() would wait for that worker */
	}
	log_sys_close();
	return status;
}
