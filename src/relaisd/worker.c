/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "relaisd/worker.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "account/accounts.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/replies.h"
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
#include "relaisd/confine.h"
#include "relaisd/control.h"
#include "relaisd/inbound_hooks.h"
#include "relaisd/line.h"
#include "relaisd/link.h"
#include "relaisd/notifier.h"
#include "relaisd/recorder.h"
#include "relaisd/routing.h"
#include "relaisd/sharing.h"
#include "relaisd/sockets.h"
#include "relaisd/startup.h"
#include "relaisd/worker_impl.h"
#include "store/store_module.h"
#include "sys/clock_sys.h"
#include "sys/files.h"
#include "sys/log_limit.h"
#include "sys/log_sys.h"
#include "sys/privilege.h"

enum {
	STOP_MS = 20 * 1000,
	STOP_POLL_MS = 50,
	/* Clients finish a message that they have begun. */
	STOP_CLIENTS_MS = 2 * 1000,
	STOP_VERDICT_MS = 5 * 1000 /* clients wait no longer for a verdict */
};

/* --- telling people ------------------------------------------------------- */

static void
on_account_alert(
    void *ctx, const char *account, const char *event, const char *reason)
{
	const struct worker *d = ctx;

	notifier_account(d->notifier, account, event, reason);
}

static void
on_relayed(void *ctx, const struct envelope *env, struct bytes header)
{
	const struct worker *d = ctx;

	notices_relayed(notifier_notices(d->notifier), env, header);
}

static void
on_notices_wake(void *ctx)
{
	struct worker *d = ctx;

	loop_soon(d->loop, &d->turn);
}

/* --- running -------------------------------------------------------------- */

static bool
has_stopped(const struct worker *d)
{
	if (loop_now_ms(d->loop) >= d->stop_by_ms)
		return true;
	return inbound_sessions(d->inbound) == 0 &&
	       outbound_has_stopped(d->outbound);
}

/* No attempt begins any more: what a client hands in now waits for none. */
static void
wind_up(struct worker *d)
{
	int64_t now = loop_now_ms(d->loop);

	for (int i = 0; i < accounts_handles(d->accounts); i++)
		queue_give_up_waiting(d->queue, i);
	if (now >= d->no_verdict_ms)
		queue_give_up_waiting(d->queue, -1);
	if (now >= d->hurry_ms)
		inbound_hurry(d->inbound);
}

static void stop(struct worker *d);

/* Does what is due and says when to be called again.  Runs after whatever
 * touched the queue, and at the time the queue named. */
static void
turn(struct worker *d)
{
	int64_t next, look_again, notice;

	next = queue_tick(d->queue);
	notice = notices_tick(notifier_notices(d->notifier));
	if (notice < next)
		next = notice;
	outbound_turn(d->outbound);
	look_again = routing_watch_spares(d->routing);
	if (look_again < next)
		next = look_again;
	if (d->is_store_lost)
		stop(d); /* the keeper starts another worker */
	if (d->is_stopping) {
		if (has_stopped(d))
			loop_stop(d->loop);
		wind_up(d);
		next = loop_now_ms(d->loop) + STOP_POLL_MS;
	}
	loop_timer_set(d->timer, next);
}

static void
on_turn(struct loop_task *t)
{
	turn(list_entry(t, struct worker, turn));
}

static void
on_timer(void *ctx)
{
	turn(ctx);
}

static void
on_log_timer(void *ctx)
{
	struct worker *d = ctx;

	loop_timer_set(d->log_timer, log_sys_tell());
}

static void
on_withheld(void *ctx)
{
	struct worker *d = ctx;

	loop_timer_set(d->log_timer, loop_now_ms(d->loop) + LOG_LIMIT_MS);
}

/* The service manager hears from us when a whole turn has been made, so that a
 * loop that hangs in it is noticed (R48). */
static void
on_watchdog(void *ctx)
{
	struct worker *d = ctx;

	turn(d);
	if (d->is_alone)
		listen_notify("WATCHDOG=1");
	link_say(d->link, LINE_ALIVE);
	loop_timer_set(
	    d->watchdog, loop_now_ms(d->loop) + d->startup->watchdog_ms);
}

static void
stop(struct worker *d)
{
	if (d->is_stopping)
		return;
	log_text(LOG_LEVEL_NOTICE, "stopping");
	if (d->is_alone)
		listen_notify("STOPPING=1");
	d->is_stopping = true;
	d->stop_by_ms = loop_now_ms(d->loop) + STOP_MS;
	d->hurry_ms = loop_now_ms(d->loop) + STOP_CLIENTS_MS;
	d->no_verdict_ms = loop_now_ms(d->loop) + STOP_VERDICT_MS;
	inbound_stop(d->inbound);
	outbound_stop(d->outbound);
	accounts_stop(d->accounts);
	loop_soon(d->loop, &d->turn);
}

/* Replaces all listeners.  Inbound holds copies, so pending connections stay in
 * the socket's backlog. */
static int
listen_for(struct worker *d, struct conf *conf, struct err *err)
{
	struct conf *was = d->listening;
	size_t listen = 0;
	int fd, rc = 0;

	inbound_close(d->inbound);
	if (d->is_alone)
		sockets_settle(&d->bound->sockets);
	for (size_t i = 0; rc == 0; i++) {
		fd = d->is_alone ? sockets_copy(&d->bound->sockets, i, &listen)
				 : link_listener(d->link, i, &listen);
		if (fd < 0) {
			if (errno != ENOENT)
				rc = err_sys(err, "cannot take a listener");
			break;
		}
		if (conf == was) /* at the start */
			log_text(LOG_LEVEL_INFO, "listening on %s",
			    conf->listens[listen].address);
		rc = sockets_serve(fd, &conf->listens[listen], d->inbound, err);
	}
	d->listening = conf_ref(conf);
	conf_free(was);
	return rc;
}

/* An error in the administrator's own rows stops no mail: it is reported, and
 * only the rows that relais brings are used. */
static void
load_replies(struct worker *d)
{
	struct replies *was = d->replies;
	struct err err;

	if (replies_load(d->startup->paths.replies_own, &d->replies, &err) !=
	    0) {
		log_err(LOG_LEVEL_ERROR, &err);
		log_text(LOG_LEVEL_ERROR,
		    "%s is ignored until the error is corrected",
		    d->startup->paths.replies_own);
	}
	replies_use(d->replies);
	replies_free(was);
}

/* A rule of the kernel is for good, so a configuration that needs more needs
 * another worker: this one finishes what is under way and ends, and the keeper
 * starts one. */
static void
renew(struct worker *d)
{
	if (!confine_is_outgrown(&d->confine, routing_conf(d->routing)))
		return;
	log_text(LOG_LEVEL_NOTICE,
	    "a new worker is started, because the configuration names other "
	    "ports or files");
	stop(d);
}

/* From now on this configuration is in force; takes over conf. */
static void
apply(struct worker *d, struct conf *conf)
{
	struct inbound_opts opts;
	struct err err;

	link_set_conf(d->link, conf);
	people_refresh(d->people, conf->allow_groups.n > 0);
	routing_set(d->routing, conf);
	inbound_hooks_reload(d->inbound_hooks);
	load_replies(d);
	opts = inbound_hooks_opts(d->inbound_hooks);
	worker_set_queue(d, conf);
	inbound_set_opts(d->inbound, &opts);
	if (listen_for(d, conf, &err) != 0)
		log_err(LOG_LEVEL_ERROR, &err);
	privilege_want_descriptors(startup_descriptors(conf));
	if (startup_open_log(d->startup, conf, &err) != 0)
		log_err(LOG_LEVEL_WARNING, &err);
	conf_free(conf);
	log_text(
	    LOG_LEVEL_NOTICE, "configuration reloaded: %s", d->startup->file);
	loop_soon(d->loop, &d->turn);
	renew(d);
}

/* The keeper has checked it. */
static int
on_conf(void *ctx, unsigned generation, struct bytes text, struct err *err)
{
	struct worker *d = ctx;
	struct conf *conf;

	if (d->is_stopping)
		return 0; /* the next worker will have it */
	d->startup->env.text = &text;
	conf = startup_load(d->startup, err);
	d->startup->env.text = NULL;
	if (conf == NULL)
		return -1;
	conf->generation = generation;
	conf_keep_started(conf, routing_conf(d->routing));
	apply(d, conf);
	return 0;
}

static int
reload(struct worker *d, struct err *err)
{
	struct conf *conf;

	if (d->is_stopping)
		return err_set(err, ERR_BUSY, "relaisd is stopping");
	if (!d->is_alone)
		return link_reload(d->link, err);
	conf = startup_reload(
	    d->startup, d->bound, routing_conf(d->routing), err);
	if (conf == NULL)
		return -1;
	apply(d, conf);
	return 0;
}

static void
on_stop(void *ctx)
{
	stop(ctx);
}

/* What is under way is finished, and nothing else begun: another relaisd may
 * want the sockets. */
static void
on_lost(void *ctx)
{
	struct worker *d = ctx;

	if (d->is_orphan)
		return;
	d->is_orphan = true;
	log_text(LOG_LEVEL_ERROR, "the keeper, relaisd's other process, is "
				  "gone; what is under way is "
				  "finished");
	link_close(d->link);
	stop(d);
	inbound_close(d->inbound);
	control_free(d->control);
	d->control = NULL;
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

/* Of the kernel, because the keeper died (PR_SET_PDEATHSIG), or of a service
 * manager that ends every process: the keeper will say what to do. */
static void
on_term(void *ctx, int sig)
{
	const struct worker *d = ctx;

	(void)sig;
	if (getppid() != d->startup->keeper)
		on_lost(ctx);
}

static int
catch_signals(struct worker *d, struct err *err)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP };

	/* Neither call can fail.  A file that may not grow is an error like
	 * others. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	if (!d->is_alone) {
		(void)signal(SIGINT, SIG_IGN); /* nor these */
		(void)signal(SIGHUP, SIG_IGN);
		return loop_on_signal(d->loop, SIGTERM, on_term, d, err);
	}
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		if (loop_on_signal(d->loop, sigs[i], on_signal, d, err) != 0)
			return -1;
	startup_let_reload(SIG_UNBLOCK);
	return 0;
}

static size_t
sessions_now(void *ctx)
{
	const struct worker *d = ctx;

	return inbound_sessions(d->inbound);
}

static uint64_t
accepted_so_far(void *ctx)
{
	const struct worker *d = ctx;

	return inbound_accepted(d->inbound);
}

static void
on_network(void *ctx)
{
	struct worker *d = ctx;

	accounts_network_changed(d->accounts);
}

/* A machine that does not tell about its network still delivers, only later. */
static void
watch_network(struct worker *d)
{
	struct err err;

	if (netwatch_new(d->loop, on_network, d, &d->netwatch, &err) != 0)
		log_err(LOG_LEVEL_INFO, &err);
}

static int
on_control_reload(void *ctx, struct err *err)
{
	return reload(ctx, err);
}

static void
on_control_stop(void *ctx)
{
	const struct worker *d = ctx;

	if (d->is_alone)
		stop(ctx);
	else
		link_say(d->link, LINE_QUIT);
}

static int
on_control_sign_in(void *ctx, const struct conf *conf, size_t account,
    const char *flow, struct err *err)
{
	const struct worker *d = ctx;

	return link_sign_in(d->link, conf, account, flow, err);
}

static int
serve_control(struct worker *d, int fd, struct err *err)
{
	struct control_opts opts = {
		.loop = d->loop,
		.queue = d->queue,
		.people = d->people,
		.recorder = d->recorder,
		.store = d->store,
		.fold = d->fold,
		.routing = d->routing,
		.accounts = d->accounts,
		.outbound = d->outbound,
		.sessions = sessions_now,
		.accepted = accepted_so_far,
		.reload = on_control_reload,
		.stop = on_control_stop,
		.sign_in = on_control_sign_in,
		.confine = &d->confine,
#ifdef WITH_ATTACK
		.link = d->link,
#endif
		.pid = d->is_alone ? getpid() : d->startup->keeper,
		.ctx = d,
	};

	return control_new(fd, &opts, &d->control, err);
}

static char *
read_state(void *ctx, const char *name)
{
	const struct worker *d = ctx;

	return queue_state_read(d->queue, name);
}

static int
write_state(void *ctx, const char *name, struct bytes text, struct err *err)
{
	const struct worker *d = ctx;

	return queue_state_write(d->queue, name, text, err);
}

static void
on_share(void *ctx)
{
	const struct worker *d = ctx;

	sharing_due(d->sharing);
}

static void
open_accounts(struct worker *d)
{
	struct account_hooks of_accounts = { .read = read_state,
		.write = write_state,
		.alert = on_account_alert,
		.ctx = d,
		.share = d->store->is_remote ? on_share : NULL };
	struct outbound_hooks of_outbound = { on_relayed, d };

	if (d->store->is_remote)
		d->sharing = sharing_new(d->loop, d->queue);
	d->accounts = accounts_new(d->loop, rng_sys(), &of_accounts);
	d->outbound = outbound_new(
	    d->loop, d->queue, d->accounts, &of_outbound);
	d->routing = routing_new(d->accounts, d->queue, d->link);
}

/* Before there is a second thread. */
static void
give_up_files(struct worker *d, const struct conf *conf)
{
	if (confine_is_wanted(&d->confine)) {
		link_allow_files(d->link, &d->startup->paths);
		files_open_by(link_open, d->link);
	}
	confine_files(&d->confine, conf);
}

static void
do_nothing(struct work *w)
{
	(void)w;
}

static void
free_work(struct work *w)
{
	free(w);
}

/* No thread is started afterwards: the first job starts all worker threads. */
static void
give_up_calls(struct worker *d, const struct conf *conf)
{
	struct work *w;

	if (!confine_is_wanted(&d->confine))
		return;
#ifdef __GLIBC__
	/* A heap of its own for each thread that waits for the disk costs more
	 * than they ever allocate. */
	(void)mallopt(M_ARENA_MAX, 2);
#endif
	w = xcalloc(1, sizeof(*w));
	*w = (struct work) { .run = do_nothing, .done = free_work };
	loop_submit(d->loop, w);
	confine_calls(&d->confine, conf);
	confine_complain(&d->confine);
}

static int
start_parts(struct worker *d, struct conf *conf, struct err *err)
{
	const struct link_hooks hooks = { on_conf, on_stop, on_lost, d };
	struct inbound_opts opts;

	confine_init(&d->confine, d->is_alone);
	confine_loop(&d->confine, conf);
	if (loop_new(clock_sys(), &d->loop, err) != 0 ||
	    catch_signals(d, err) != 0 ||
	    link_attend(d->link, d->loop, &hooks, err) != 0)
		return -1;
	link_set_conf(d->link, conf);
	loop_task_init(&d->turn, on_turn);
	d->timer = loop_timer_new(d->loop, on_timer, d);
	d->watchdog = loop_timer_new(d->loop, on_watchdog, d);
	d->log_timer = loop_timer_new(d->loop, on_log_timer, d);
	log_sys_on_withheld(on_withheld, d);
	d->people = people_new(d->loop, link_find_user, d->link);
	people_refresh(d->people, conf->allow_groups.n > 0);
	d->notifier = notifier_new(d->loop, d->link, d->people);
	if (worker_open_store(d, conf, err) != 0)
		return -1;
	give_up_files(d, conf);
	worker_open_queue(d, conf);
	load_replies(d);
	open_accounts(d);
	notifier_start(
	    d->notifier, d->queue, d->accounts, d->routing, on_notices_wake, d);
	routing_set(d->routing, conf);
	if (d->sharing != NULL)
		sharing_start(d->sharing, d->accounts);
	d->inbound_hooks = inbound_hooks_new(
	    d->routing, d->accounts, d->people);
	inbound_hooks_reload(d->inbound_hooks);
	opts = inbound_hooks_opts(d->inbound_hooks);
	d->inbound = inbound_new(d->loop, d->queue, &opts);
	if (listen_for(d, conf, err) != 0)
		return -1;
	watch_network(d);
	return serve_control(d, d->bound->control_fd, err);
}

/* Deliveries go back to the queue, the queue writes down what became of them
 * and tells the pools, and only then can those go. */
static void
close_outbound(struct worker *d)
{
	outbound_cut(d->outbound);
	accounts_stop(d->accounts);
	sharing_stop(d->sharing);
	notifier_stop(d->notifier);
	if (d->queue != NULL)
		user_limit_save(d->user_limit);
	queue_free(d->queue);
	sharing_free(d->sharing);
	user_limit_free(d->user_limit);
	fold_free(d->fold);
	recorder_free(d->recorder);
	store_free(d->store);
	people_free(d->people);
	notifier_free(d->notifier);
	outbound_free(d->outbound);
	routing_free(d->routing);
	accounts_free(d->accounts);
	d->accounts = NULL;
}

/* False: a worker thread is stuck (a slow command for a secret, a name server
 * that does not answer) and still reads the configuration. */
static bool
close_all(struct worker *d)
{
	link_close(d->link);
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
	inbound_hooks_free(d->inbound_hooks);
	replies_use(NULL);
	replies_free(d->replies);
	conf_free(d->listening);
	files_open_by(NULL, NULL);
	link_free(d->link);
	confine_clear(&d->confine);
	return true;
}

/* Once, by who tells the service manager. */
static void
tell_start(struct worker *d, const struct conf *conf, int report_fd)
{
	if (d->is_alone)
		startup_tell(d->startup, conf, report_fd);
	link_say(d->link, LINE_UP);
	xtrim(); /* also of the filter while it was made */
	if (d->startup->watchdog_ms > 0)
		loop_timer_set(d->watchdog, loop_now_ms(d->loop));
}

static int
run_worker(struct worker *d, const struct worker_opts *o)
{
	struct err err = { 0 };

	if (start_parts(d, o->conf, &err) != 0 ||
	    startup_open_log(d->startup, o->conf, &err) != 0) {
		log_text(LOG_LEVEL_ERROR, "relaisd cannot start: %s", err.text);
		return startup_status(&err);
	}
	/* There may be something to finish now (on_term). */
	if (!d->is_alone && prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		return EX_OSERR;
	give_up_calls(d, o->conf);
	if (d->module != NULL)
		d->module->start(d->store);
	tell_start(d, o->conf, o->report_fd);
	loop_soon(d->loop, &d->turn);
	loop_run(d->loop);
	log_text(LOG_LEVEL_NOTICE, "stopped");
	return EX_OK;
}

int
worker_main(const struct worker_opts *o)
{
	struct worker d = { .startup = o->startup,
		.bound = o->bound,
		.is_alone = o->line_fd < 0,
		.listening = o->conf,
		.link = link_new(o->line_fd, &o->startup->cred) };
	int status = run_worker(&d, o);

	if (!close_all(&d)) {
		log_sys_close();
		_exit(status); /* exit() would wait for that thread */
	}
	return status;
}
