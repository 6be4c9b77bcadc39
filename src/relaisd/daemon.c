/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/daemon.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "account/accounts.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "conf/alias.h"
#include "conf/conf.h"
#include "conf/replies.h"
#include "conf/route.h"
#include "cred/cred.h"
#include "inbound/inbound.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/netwatch.h"
#include "net/people.h"
#include "notice/notices.h"
#include "outbound/outbound.h"
#include "policy/fold.h"
#include "policy/user_limit.h"
#include "queue/queue.h"
#include "relaisd/admission.h"
#include "relaisd/background.h"
#include "relaisd/control.h"
#include "relaisd/offline.h"
#include "relaisd/routing.h"
#include "relaisd/sockets.h"
#include "relaisd/telling.h"
#include "relaisd/unapplied.h"
#include "store/spool.h"
#include "sys/clock_sys.h"
#include "sys/fs_sys.h"
#include "sys/log_limit.h"
#include "sys/log_sys.h"
#include "sys/privilege.h"

enum {
	STOP_MS = 20 * 1000,
	STOP_POLL_MS = 50,
	STOP_VERDICT_MS = 5 * 1000, /* clients wait no longer for a verdict */
	RETRY_MAX_MS = 3600 * 1000,
	HEAD_START_MS = 1000 /* of the provider over the disk */
};

struct daemon {
	const struct daemon_args *args;
	struct conf_env env;
	struct conf_paths paths;
	char hostname[256];
	char *file; /* absolute, for we leave the folder we start in */
	struct privilege_user user;
	struct cred_env cred;
	struct sockets sockets;
	int control_fd;
	struct loop *loop;
	struct loop_task turn;
	struct loop_timer *timer;
	struct loop_timer *watchdog;
	struct loop_timer *log_timer; /* lines that were withheld are counted */
	struct store *store;
	struct queue *queue;
	struct fold *fold;
	struct user_limit *user_limit;
	struct inbound *inbound;
	struct control *control;
	struct telling *telling;
	struct people *people;
	struct netwatch *netwatch; /* NULL: the kernel has none for us */
	struct accounts *accounts;
	struct outbound *outbound;
	struct routing *routing;
	struct aliases *aliases;
	struct replies *replies; /* the user's rows, NULL: none */
	struct conf *listening; /* what the listeners were made from */
	bool is_stopping;
	int64_t stop_by_ms, no_verdict_ms;
};

/* --- the configuration ---------------------------------------------------- */

static char *
absolute_path(const char *path)
{
	char *cwd = path[0] != '/' ? getcwd(NULL, 0) : NULL;
	char *full = cwd != NULL ? xasprintf("%s/%s", cwd, path)
				 : xstrdup(path);

	free(cwd);
	return full;
}

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
	d->file = absolute_path(
	    d->args->conf_file != NULL ? d->args->conf_file : d->paths.file);
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

/* NULL: every problem has been told; the first is also in err. */
static struct conf *
load_conf(struct daemon *d, struct err *err)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;

	if (conf_load(d->file, &d->env, &conf, &problems) != 0) {
		(void)err_set(err, ERR_CONFIG, "%s", problems.v[0].text);
		for (size_t i = 0; i < problems.n; i++)
			log_text(LOG_LEVEL_ERROR, "%s", problems.v[i].text);
	}
	conf_problems_clear(&problems);
	return conf;
}

/* --check: EX_OK or EX_CONFIG. */
static int
check(const struct daemon *d, const struct conf *conf)
{
	if (offline_check(conf, d->paths.replies_own, d->env.group) > 0)
		return EX_CONFIG;
	(void)printf("%s: good, %zu account%s\n", d->file, conf->naccounts,
	    conf->naccounts == 1 ? "" : "s");
	return EX_OK;
}

/* --- who may submit ------------------------------------------------------- */

static const char *
bars(void *ctx, const struct person *who, bool *ret_is_unsure)
{
	const struct daemon *d = ctx;

	return admission_bars(routing_conf(d->routing), who, ret_is_unsure);
}

static uint64_t
max_size(void *ctx)
{
	const struct daemon *d = ctx;

	return admission_max_size(routing_conf(d->routing), d->accounts);
}

static bool
refuses(void *ctx, const struct envelope *e, struct verdict *ret_why)
{
	const struct daemon *d = ctx;

	return admission_refuses(
	    routing_conf(d->routing), d->accounts, e, ret_why);
}

static bool
keeps_sender(void *ctx, const char *addr)
{
	const struct daemon *d = ctx;
	const struct conf *c = routing_conf(d->routing);

	for (size_t i = 0; i < c->naccounts; i++) {
		struct identity_opts o = conf_identity(c, &c->accounts[i]);

		if (identity_allows(&o, addr))
			return true;
	}
	return false;
}

/* --- names of this machine ------------------------------------------------ */

/* Problems are no reason to take no mail: what is right holds. */
static void
load_aliases(struct daemon *d)
{
	struct conf_problems problems = { 0 };

	alias_free(d->aliases);
	d->aliases = alias_load(routing_conf(d->routing)->aliases, &problems);
	for (size_t i = 0; i < problems.n; i++)
		log_text(LOG_LEVEL_ERROR, "%s", problems.v[i].text);
	conf_problems_clear(&problems);
}

/* Nor does a row of the user's that is wrong stop any mail: it is told, and the
 * shipped rows count alone. */
static void
load_replies(struct daemon *d)
{
	struct replies *was = d->replies;
	struct err err;

	if (replies_load(d->paths.replies_own, &d->replies, &err) != 0) {
		log_err(LOG_LEVEL_ERROR, &err);
		log_text(LOG_LEVEL_ERROR,
		    "%s is ignored until the error is corrected",
		    d->paths.replies_own);
	}
	replies_use(d->replies);
	replies_free(was);
}

static bool
is_local(void *ctx, const char *addr)
{
	const struct daemon *d = ctx;
	struct alias_opts o = alias_opts_of(routing_conf(d->routing));

	return alias_is_local(&o, addr);
}

/* The file is looked at again whenever it matters, so that nobody has to tell
 * the daemon about a change. */
static bool
resolve(void *ctx, const char *addr, struct addr_list *to)
{
	struct daemon *d = ctx;
	struct alias_opts o = alias_opts_of(routing_conf(d->routing));

	if (alias_is_stale(d->aliases))
		load_aliases(d);
	return alias_resolve(d->aliases, &o, addr, to);
}

static bool
is_name(void *ctx, const char *word)
{
	struct daemon *d = ctx;

	if (alias_is_stale(d->aliases))
		load_aliases(d);
	return alias_is_name(d->aliases, word);
}

/* --- telling people ------------------------------------------------------- */

static void
on_account_alert(
    void *ctx, const char *account, const char *event, const char *reason)
{
	const struct daemon *d = ctx;

	telling_account(d->telling, account, event, reason);
}

static void
on_relayed(void *ctx, const struct envelope *env, struct bytes header)
{
	const struct daemon *d = ctx;

	notices_relayed(telling_notices(d->telling), env, header);
}

static void
on_notices_wake(void *ctx)
{
	struct daemon *d = ctx;

	loop_soon(d->loop, &d->turn);
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
		.people = d->people,
		.bars = bars,
		.refuses = refuses,
		.keeps_sender = keeps_sender,
		.locals = { is_local, resolve, is_name, d },
		.ctx = d,
	};
}

/* --- what the queue asks -------------------------------------------------- */

static int
on_route(void *ctx, const struct envelope *e)
{
	const struct daemon *d = ctx;

	return routing_account(d->routing, e);
}

static void
on_wake(void *ctx, int account)
{
	struct daemon *d = ctx;

	if (d->outbound != NULL)
		outbound_wake(d->outbound, account);
	loop_soon(d->loop, &d->turn);
}

/* ERR_NONE: only worth a line. */
static void
on_trouble(void *ctx, const char *id, const struct err *why)
{
	const struct daemon *d = ctx;
	char text[600];

	(void)snprintf(text, sizeof(text), "%s: %s", id, why->text);
	log_text(why->class == ERR_NONE ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR,
	    "%s", text);
	if (why->class == ERR_DISK)
		telling_disk(d->telling, text);
}

static void
on_failed(void *ctx, const char *id)
{
	const struct daemon *d = ctx;

	notices_failed(telling_notices(d->telling), id);
}

static void
on_held(void *ctx, const char *id)
{
	const struct daemon *d = ctx;

	telling_held(d->telling, id);
}

static void
on_user_limit(void *ctx, uint32_t uid, bool is_over)
{
	const struct daemon *d = ctx;

	telling_user_limit(d->telling, uid, is_over);
}

static void
on_delayed(void *ctx, const char *id)
{
	const struct daemon *d = ctx;

	notices_delayed(telling_notices(d->telling), id);
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

static struct queue_policy
policy_of(const struct conf *c)
{
	return (struct queue_policy) {
		.holds_uncertain = c->uncertain == CONF_UNCERTAIN_HOLD,
		.sync_results_ms = c->sync_results_ms,
		.syncs_each = c->sync_results_ms == 0,
	};
}

static struct fold_opts
fold_opts_from(const struct conf *c)
{
	return (struct fold_opts) { .max_equal = (unsigned)c->max_equal,
		.equal_ms = c->equal_ms };
}

static struct queue_opts
queue_opts_from(struct daemon *d, const struct conf *c)
{
	return (struct queue_opts) {
		.store = d->store,
		.clock = clock_sys(),
		.rng = rng_sys(),
		.pool = { queue_submit, queue_cancel, d->loop },
		.hooks = { .route = on_route,
		    .wake = on_wake,
		    .trouble = on_trouble,
		    .failed = on_failed,
		    .held = on_held,
		    .delayed = on_delayed,
		    .ctx = d },
		.retry_after_ms = c->retry_after_ms,
		.retry_max_ms = RETRY_MAX_MS,
		.lifetime_ms = c->lifetime_ms,
		.delay_notice_ms = c->delay_notice_ms,
		.max_size_bytes = c->max_size_bytes,
		.head_start_ms = HEAD_START_MS,
		.policy = policy_of(c),
		.arrival = fold_gate(d->fold),
		.attempt = user_limit_gate(d->user_limit),
	};
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

/* A client and its draft on the disk, and all the rest. */
static size_t
descriptors(const struct conf *conf)
{
	return 2 * (size_t)conf->max_sessions + 1000;
}

/* Everything that needs root, done before the first byte is read. */
static int
prepare(struct daemon *d, const struct conf *conf, struct err *err)
{
	privilege_want_descriptors(descriptors(conf));
	if (geteuid() == 0 && privilege_find(conf->user, &d->user, err) != 0)
		return -1;
	if (privilege_harden(err) != 0 ||
	    privilege_make_dir(conf->spool, 0711, &d->user, err) != 0 ||
	    make_socket_dir(conf->socket, &d->user, err) != 0 ||
	    make_socket_dir(conf->control, &d->user, err) != 0 ||
	    sockets_open(&d->sockets, conf, err) != 0 ||
	    (d->control_fd = listen_unix(conf->control, 0666, err)) < 0 ||
	    privilege_drop(&d->user, err) != 0)
		return -1;
	d->cred.home = d->user.home;
	d->cred.user = d->user.name;
	return 0;
}

/* --- running -------------------------------------------------------------- */

static bool
has_stopped(const struct daemon *d)
{
	if (clock_boot_ms(clock_sys()) >= d->stop_by_ms)
		return true;
	return inbound_sessions(d->inbound) == 0 &&
	       outbound_has_stopped(d->outbound);
}

/* Does what is due and says when to be called again.  Runs after whatever
 * touched the queue, and at the time the queue named. */
static void
turn(struct daemon *d)
{
	int64_t next, look_again, notice;

	next = queue_tick(d->queue);
	notice = notices_tick(telling_notices(d->telling));
	if (notice < next)
		next = notice;
	outbound_turn(d->outbound);
	look_again = routing_watch_spares(d->routing);
	if (look_again < next)
		next = look_again;
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
on_log_timer(void *ctx)
{
	struct daemon *d = ctx;

	loop_timer_set(d->log_timer, log_sys_tell());
}

static void
on_withheld(void *ctx)
{
	struct daemon *d = ctx;

	loop_timer_set(d->log_timer, clock_boot_ms(clock_sys()) + LOG_LIMIT_MS);
}

/* The service manager hears from us when a whole turn has been made, so that a
 * loop that hangs in it is noticed (R48). */
static void
on_watchdog(void *ctx)
{
	struct daemon *d = ctx;

	turn(d);
	listen_notify("WATCHDOG=1");
	loop_timer_set(
	    d->watchdog, clock_boot_ms(clock_sys()) + listen_watchdog_ms());
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
	outbound_stop(d->outbound);
	accounts_stop(d->accounts);
	for (int i = 0; i < accounts_handles(d->accounts); i++)
		queue_give_up_waiting(d->queue, i);
	loop_soon(d->loop, &d->turn);
}

/* "auto": where the program was started says it. */
static int
open_log(const struct daemon *d, const struct conf *conf, struct err *err)
{
	const char *log = conf->log;

	if (strcmp(log, "auto") == 0)
		log = d->args->is_foreground ? "stderr" : "syslog";
	return log_sys_open(log, LOG_LEVEL_INFO, err);
}

/* What only shows beside the configuration in force. */
static int
check_change(const struct conf *c, const struct conf *in_force, struct err *err)
{
	for (size_t i = 0; i < c->naccounts; i++) {
		const struct conf_account *a = &c->accounts[i];
		const struct conf_listen *l = conf_loops_to(c, a);
		int old = conf_account_find(in_force, a->name);

		if (l != NULL)
			return err_set(err, ERR_CONFIG,
			    "[account %s]: %s port %d is relais itself until "
			    "it is restarted (listener %s), so messages would "
			    "loop",
			    a->name, a->host, l->port, l->name);
		/* One that was broken before stands in nobody's way. */
		if ((old < 0 ||
			!routing_same_tls(a, &in_force->accounts[old])) &&
		    routing_check_tls(a, err) != 0)
			return -1;
	}
	return 0;
}

/* NULL: it has been said what is wrong, and nothing has changed. */
static struct conf *
load_change(struct daemon *d, struct err *err)
{
	const struct conf *in_force = routing_conf(d->routing);
	struct conf *conf = load_conf(d, err);

	if (conf == NULL)
		return NULL;
	unapplied_log(in_force, conf);
	conf_keep_started(conf, in_force);
	conf_keep_secrets(conf, in_force);
	if (check_change(conf, in_force, err) == 0)
		return conf;
	log_err(LOG_LEVEL_ERROR, err);
	conf_free(conf);
	return NULL;
}

/* Secrets are fetched when a login needs them; but who asks for a reload may
 * have changed one, and should not have to wait for that to hear it. */
static void
look_at_secrets(const struct daemon *d, const struct conf *conf)
{
	struct secret *secret = NULL;
	struct err err;

	for (size_t i = 0; i < conf->naccounts; i++) {
		const struct conf_account *a = &conf->accounts[i];
		struct cred_request rq = { .source = &a->secret,
			.account = a->name };

		if (a->secret.kind != CRED_FILE)
			continue;
		if (cred_fetch(&rq, &d->cred, &secret, &err) == CRED_OK)
			secret_free(secret);
		else
			log_err(LOG_LEVEL_ERROR, &err);
	}
}

static int
reload(struct daemon *d, struct err *err)
{
	struct conf *conf;
	struct inbound_opts opts;
	struct queue_opts queue;
	struct fold_opts fold;

	if (d->is_stopping)
		return err_set(err, ERR_BUSY, "relaisd is stopping");
	if ((conf = load_change(d, err)) == NULL) {
		log_text(LOG_LEVEL_ERROR,
		    "reload refused; the current configuration stays in force");
		return -1;
	}
	look_at_secrets(d, conf);
	people_refresh(d->people, conf->allow_groups.n > 0);
	routing_set(d->routing, conf);
	load_aliases(d);
	load_replies(d);
	opts = inbound_opts_from(d, conf);
	queue = queue_opts_from(d, conf);
	queue_set_opts(d->queue, &queue);
	fold = fold_opts_from(conf);
	fold_set_opts(d->fold, &fold);
	user_limit_set(d->user_limit, (uint64_t)conf->max_per_user);
	inbound_set_opts(d->inbound, &opts);
	privilege_want_descriptors(descriptors(conf));
	if (open_log(d, conf, err) != 0)
		log_err(LOG_LEVEL_WARNING, err);
	conf_free(conf);
	log_text(LOG_LEVEL_NOTICE, "configuration reloaded: %s", d->file);
	loop_soon(d->loop, &d->turn);
	return 0;
}

static void
on_signal(void *ctx, int sig)
{
	struct err err;

	if (sig == SIGHUP)
		IGNORE(reload(ctx, &err) != 0); /* it has been logged */
	else
		stop(ctx);
}

/* SIGHUP ends a process that does not expect it.  One that comes while the
 * daemon starts waits, and is a reload once it is up. */
static void
let_reload(int how)
{
	sigset_t set;

	/* None of these can fail for this signal. */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(how, &set, NULL);
}

static int
catch_signals(struct daemon *d, struct err *err)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP };

	/* Both cannot fail.  A file that may not grow is an error like others. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		if (loop_on_signal(d->loop, sigs[i], on_signal, d, err) != 0)
			return -1;
	let_reload(SIG_UNBLOCK);
	return 0;
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

	accounts_network_changed(d->accounts);
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
on_reload(void *ctx, struct err *err)
{
	return reload(ctx, err);
}

static void
on_stop(void *ctx)
{
	stop(ctx);
}

static int
serve_control(struct daemon *d, struct err *err)
{
	struct control_opts opts = {
		.loop = d->loop,
		.queue = d->queue,
		.fold = d->fold,
		.routing = d->routing,
		.accounts = d->accounts,
		.outbound = d->outbound,
		.sessions = sessions_now,
		.reload = on_reload,
		.stop = on_stop,
		.ctx = d,
	};

	return control_new(d->control_fd, &opts, &d->control, err);
}

static char *
read_state(void *ctx, const char *name)
{
	const struct daemon *d = ctx;

	return queue_state_read(d->queue, name);
}

static int
write_state(void *ctx, const char *name, struct bytes text, struct err *err)
{
	const struct daemon *d = ctx;

	return queue_state_write(d->queue, name, text, err);
}

static void
open_accounts(struct daemon *d)
{
	struct account_hooks of_accounts = { .read = read_state,
		.write = write_state,
		.alert = on_account_alert,
		.ctx = d };
	struct outbound_hooks of_outbound = { on_relayed, d };

	d->accounts = accounts_new(d->loop, rng_sys(), &of_accounts);
	d->outbound = outbound_new(
	    d->loop, d->queue, d->accounts, &of_outbound);
	d->routing = routing_new(d->accounts, d->queue, &d->cred);
}

static int
start(struct daemon *d, struct conf *conf, struct err *err)
{
	struct inbound_opts opts;
	struct queue_opts queue;
	struct fold_opts fold;

	if (loop_new(clock_sys(), &d->loop, err) != 0 ||
	    catch_signals(d, err) != 0)
		return -1;
	loop_task_init(&d->turn, on_turn);
	d->timer = loop_timer_new(d->loop, on_timer, d);
	d->watchdog = loop_timer_new(d->loop, on_watchdog, d);
	d->log_timer = loop_timer_new(d->loop, on_log_timer, d);
	log_sys_on_withheld(on_withheld, d);
	d->people = people_new(d->loop, people_look_up);
	people_refresh(d->people, conf->allow_groups.n > 0);
	d->telling = telling_new(d->loop, d->people);
	if (spool_open(conf->spool, fs_sys(), &d->store, err) != 0)
		return -1;
	fold = fold_opts_from(conf);
	d->fold = fold_new(clock_sys(), rng_sys(), &fold);
	d->user_limit = user_limit_new(
	    clock_sys(), (uint64_t)conf->max_per_user, on_user_limit, d);
	queue = queue_opts_from(d, conf);
	d->queue = queue_new(&queue);
	fold_attach(d->fold, d->queue);
	user_limit_attach(d->user_limit, d->queue);
	load_replies(d);
	open_accounts(d);
	telling_start(
	    d->telling, d->queue, d->accounts, d->routing, on_notices_wake, d);
	routing_set(d->routing, conf);
	load_aliases(d);
	opts = inbound_opts_from(d, conf);
	d->inbound = inbound_new(d->loop, d->queue, &opts);
	if (sockets_serve(&d->sockets, d->inbound, err) != 0)
		return -1;
	watch_network(d);
	return serve_control(d, err);
}

/* Deliveries go back to the queue, the queue writes down what became of them
 * and tells the pools, and only then can those go. */
static void
close_outbound(struct daemon *d)
{
	outbound_cut(d->outbound);
	accounts_stop(d->accounts);
	telling_stop(d->telling);
	if (d->queue != NULL)
		user_limit_save(d->user_limit);
	queue_free(d->queue);
	user_limit_free(d->user_limit);
	fold_free(d->fold);
	store_free(d->store);
	people_free(d->people);
	telling_free(d->telling);
	outbound_free(d->outbound);
	routing_free(d->routing);
	accounts_free(d->accounts);
	d->accounts = NULL;
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
		loop_timer_free(d->watchdog);
		loop_timer_free(d->log_timer);
		log_sys_on_withheld(NULL, NULL);
		if (!loop_free(d->loop))
			return false;
	}
	alias_free(d->aliases);
	replies_use(NULL);
	replies_free(d->replies);
	conf_free(d->listening);
	conf_paths_clear(&d->paths);
	free(d->file);
	sockets_clear(&d->sockets);
	return true;
}

/* What relaisd(8) says.  A service manager may try again after all but a wrong
 * configuration. */
static int
status_of(const struct err *err)
{
	return err->class == ERR_CONFIG ? EX_CONFIG
	       : err->class == ERR_DISK ? EX_CANTCREAT
	       : err->class == ERR_BUSY ? EX_TEMPFAIL
					: EX_OSERR;
}

static int
run(struct daemon *d, struct conf *conf)
{
	int report = -1;
	struct err err = { 0 };

	if (!d->args->is_foreground && (report = background_go()) < 0) {
		log_text(LOG_LEVEL_ERROR, "cannot go to the background: %s",
		    strerror(errno));
		return EX_OSERR;
	}
	if (prepare(d, conf, &err) != 0)
		goto failed;
	if (start(d, conf, &err) != 0 || open_log(d, conf, &err) != 0)
		goto failed;
	log_text(LOG_LEVEL_NOTICE, "relaisd runs as %s with %zu account%s",
	    d->user.name, conf->naccounts, conf->naccounts == 1 ? "" : "s");
	if (conf->admin == NULL)
		log_text(LOG_LEVEL_WARNING,
		    "admin is not set in [relais]: no one "
		    "reads mail for root and notices");
	listen_notify("READY=1");
	if (listen_watchdog_ms() > 0)
		loop_timer_set(d->watchdog, clock_boot_ms(clock_sys()));
	background_report(report);
	loop_soon(d->loop, &d->turn);
	loop_run(d->loop);
	log_text(LOG_LEVEL_NOTICE, "stopped");
	return EX_OK;
failed:
	log_text(LOG_LEVEL_ERROR, "relaisd cannot start: %s", err.text);
	return status_of(&err);
}

int
daemon_main(const struct daemon_args *args)
{
	struct daemon d = { .args = args };
	struct conf *conf;
	struct err err;
	int status;

	if (!args->is_check)
		let_reload(SIG_BLOCK);
	if (log_sys_open("stderr", LOG_LEVEL_INFO, &err) != 0)
		return EX_OSERR;
	find_surroundings(&d);
	conf = load_conf(&d, &err);
	if (conf == NULL) {
		status = EX_CONFIG;
	} else if (args->is_check) {
		status = check(&d, conf);
		conf_free(conf);
	} else {
		d.listening = conf;
		status = run(&d, conf);
	}
	if (!finish(&d)) {
		log_sys_close();
		_exit(status); /* exit() would wait for that worker */
	}
	log_sys_close();
	return status;
}
