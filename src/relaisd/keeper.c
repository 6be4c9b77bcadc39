/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "relaisd/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/must.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "net/listen.h"
#include "relaisd/daemon.h"
#include "relaisd/errand.h"
#include "relaisd/line.h"
#include "relaisd/startup.h"
#include "relaisd/worker.h"
#include "sys/clock_sys.h"

enum {
	GENERATIONS = 8, /* configurations that asks may still be about */
	ERRANDS_MAX = 32,
	SIGN_INS_MAX = 4, /* of those: a person may take a quarter of an hour */
	ASKS_A_TURN = 64,
	STOP_MS = 25 * 1000, /* longer than a worker takes by itself */
	HANG_UP_MS = 5 * 1000, /* and, after its last word, to exit */
	RESTART_MS = 500
};

struct keeper {
	struct startup *startup;
	struct startup_bound *bound;
	struct generation {
		struct conf *conf;
		struct buf text; /* for a worker (conf_copy) */
	} gens[GENERATIONS]; /* the newest first */
	unsigned last; /* of all that there were */
	int signal_fd;
	int report_fd; /* -1: nobody waits for the start any more */
	bool has_been_up, is_stopping;
	int64_t leave_by_ms;
	struct {
		pid_t pid; /* 0: none */
		uint32_t kind, number; /* of the ask; 0: nobody waits */
		bool is_token; /* that may just have been replaced */
	} errands[ERRANDS_MAX];
	struct worker_process {
		pid_t pid; /* 0: there is none */
		int line;
		uint32_t last_ask;
		bool is_up;
		unsigned generation; /* that it began with */
		int64_t next_ms; /* when to start one, if there is none */
		int64_t end_by_ms; /* else it is ended; INT64_MAX: never */
	} worker;
	unsigned proven; /* the configuration that a worker had in force last */
	int status; /* to exit with, once has_ended */
	bool has_ended;
};

static int64_t
now_ms(void)
{
	return clock_boot_ms(clock_sys());
}

/* --- other processes ------------------------------------------------------ */

static void
signals_of_keeper(sigset_t *set)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };

	(void)sigemptyset(set); /* neither can fail */
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		(void)sigaddset(set, sigs[i]);
}

static void
take_signals_as_usual(void)
{
	sigset_t set;

	signals_of_keeper(&set);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL); /* cannot fail */
}

/* The newest n. */
static void
drop(struct keeper *k, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		conf_free(k->gens[i].conf);
		buf_clear(&k->gens[i].text);
	}
	memmove(
	    &k->gens[0], &k->gens[n], (GENERATIONS - n) * sizeof(k->gens[0]));
	memset(&k->gens[GENERATIONS - n], 0, n * sizeof(k->gens[0]));
}

/* What the keeper knows and a worker must not: the secrets above all. */
static void
forget(struct keeper *k)
{
	drop(k, GENERATIONS);
	startup_forget(k->startup);
}

static int
work(struct keeper *k, int line, pid_t keeper)
{
	struct bytes text = buf_bytes(&k->gens[0].text);
	struct worker_opts o = {
		.startup = k->startup,
		.bound = k->bound,
		.line_fd = line,
		.report_fd = -1,
	};
	struct err err;

	k->startup->keeper = keeper;
	/* Until it is up nothing is under way, and whatever starts relaisd
	 * again must find neither its sockets nor the spool taken. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != keeper)
		return EX_OSERR;
	k->startup->env.copy = NULL;
	k->startup->env.text = &text;
	o.conf = startup_load(k->startup, &err);
	k->startup->env.text = NULL;
	if (o.conf != NULL) {
		conf_keep_started(o.conf, k->gens[0].conf);
		o.conf->generation = k->gens[0].conf->generation;
	}
	forget(k);
	return o.conf != NULL ? worker_main(&o) : EX_CONFIG;
}

static void
start_worker(struct keeper *k)
{
	struct worker_process *w = &k->worker;
	pid_t keeper = getpid();
	int ends[2];

	w->next_ms = now_ms() + RESTART_MS; /* for the next one */
	if (line_new(ends) != 0) {
		log_text(LOG_LEVEL_ERROR, "cannot start a worker: %s",
		    strerror(errno));
		return;
	}
	w->pid = fork();
	if (w->pid == 0) {
		int status;

		(void)close(ends[0]); /* the keeper's, as is the next */
		(void)close(k->signal_fd);
		if (k->bound->spool_fd >= 0)
			(void)close(k->bound->spool_fd); /* a lock of its */
		sockets_clear(&k->bound->sockets); /* it asks for them */
		(void)signal(SIGTERM, SIG_IGN); /* until the loop has it */
		(void)signal(SIGINT, SIG_IGN);
		(void)signal(SIGHUP, SIG_IGN); /* cannot fail */
		take_signals_as_usual();
		status = work(k, ends[1], keeper);
		startup_clear(k->startup);
		exit(status);
	}
	(void)close(ends[1]); /* the worker's */
	if (w->pid < 0) {
		log_text(LOG_LEVEL_ERROR, "cannot start a worker: %s",
		    strerror(errno));
		(void)close(ends[0]); /* unused */
		w->pid = 0;
		return;
	}
	w->line = ends[0];
	w->last_ask = 0;
	w->is_up = false;
	w->end_by_ms = INT64_MAX;
	w->generation = k->gens[0].conf->generation;
}

/* Its end will be heard of in a moment. */
static void
end_worker(struct keeper *k, const char *why)
{
	log_text(LOG_LEVEL_ERROR,
	    "the worker, process %ld, %s; it is ended, for somebody else may "
	    "have taken it over",
	    (long)k->worker.pid, why);
	(void)kill(k->worker.pid, SIGKILL); /* our child */
	(void)close(k->worker.line);
	k->worker.line = -1;
}

/* A worker has no more threads that ask than it has room for answers. */
static void
answer(struct keeper *k, const struct line_answer *a, int pass)
{
	if (k->worker.line >= 0 &&
	    !line_send_answer_now(k->worker.line, a, pass) && errno == EAGAIN)
		end_worker(k, "does not read what it asked for");
}

/* A password command may run for half a minute and must not keep a port. */
static void
close_all_but(int fd)
{
#ifdef HAVE_CLOSE_RANGE
	if (close_range(3, (unsigned)fd - 1, 0) == 0 &&
	    close_range((unsigned)fd + 1, ~0U, 0) == 0)
		return;
#endif
	for (int i = 3; i < (int)sysconf(_SC_OPEN_MAX); i++)
		if (i != fd)
			(void)close(i); /* it may not be open */
}

/* The helper goes on by itself when it has been started; as long as it does,
 * the errand counts. */
static void
await_sign_in(int line, int passed)
{
	(void)close(line); /* all has been said */
	if (passed >= 0)
		(void)close(passed); /* the worker's */
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static void
run_errand(
    struct keeper *k, const struct line_ask *ask, const struct conf *conf)
{
	struct line_answer *a = xmalloc(sizeof(*a));
	bool is_sign_in = ask->kind == LINE_SIGN_IN;
	size_t i = 0, sign_ins = 0;
	pid_t pid = -1;

	for (size_t n = 0; n < ERRANDS_MAX; n++)
		sign_ins += k->errands[n].pid != 0 &&
			    k->errands[n].kind == LINE_SIGN_IN;
	while (i < ERRANDS_MAX && k->errands[i].pid != 0)
		i++;
	if (conf != NULL && i < ERRANDS_MAX &&
	    (!is_sign_in || sign_ins < SIGN_INS_MAX))
		pid = fork();
	if (pid == 0) {
		close_all_but(k->worker.line);
		take_signals_as_usual();
		if (is_sign_in)
			IGNORE(prctl(PR_SET_CHILD_SUBREAPER, 1) != 0);
		errand_run(ask, conf, &k->startup->cred, a);
		if (!line_send_answer(k->worker.line, a, a->passed))
			_exit(EX_OSERR); /* on_errand_end() */
		if (is_sign_in)
			await_sign_in(k->worker.line, a->passed);
		_exit(0);
	}
	if (pid > 0) {
		k->errands[i].pid = pid;
		k->errands[i].kind = ask->kind;
		k->errands[i].number = ask->number;
		k->errands[i].is_token =
		    ask->kind == LINE_SECRET &&
		    conf->accounts[ask->index].secret.kind == CRED_OAUTH;
	} else {
		errand_refuse(ask,
		    conf == NULL ? "the configuration has changed since"
				 : "too many requests are under way",
		    a);
		answer(k, a, -1);
	}
	free(a);
}

/* --- reload and stop ----------------------------------------------------- */

static void
begin_generation(struct keeper *k, struct conf *conf)
{
	conf->generation = ++k->last;
	conf_free(k->gens[GENERATIONS - 1].conf);
	buf_clear(&k->gens[GENERATIONS - 1].text);
	memmove(
	    &k->gens[1], &k->gens[0], (GENERATIONS - 1) * sizeof(k->gens[0]));
	k->gens[0].conf = conf;
	k->gens[0].text = k->startup->copy.text;
	conf_copy_init(&k->startup->copy);
}

static void
send_conf(struct keeper *k)
{
	struct line_answer *a = xcalloc(1, sizeof(*a));
	struct bytes text = buf_bytes(&k->gens[0].text);
	int fd = memfd_create("relais.conf", MFD_CLOEXEC);

	a->word = LINE_CONF;
	a->number = k->gens[0].conf->generation;
	if (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n)
		log_text(LOG_LEVEL_ERROR,
		    "the configuration cannot be handed to the worker: %s",
		    strerror(errno));
	else
		/* One that is gone is followed by one that knows. */
		answer(k, a, fd);
	if (fd >= 0)
		(void)close(fd); /* the worker has it */
	free(a);
}

static int
reload(struct keeper *k, struct err *err)
{
	struct conf *conf;

	if (k->is_stopping)
		return err_set(err, ERR_BUSY, "relaisd is stopping");
	buf_clear(&k->startup->copy.text); /* of one that was refused */
	conf_copy_init(&k->startup->copy);
	conf = startup_reload(k->startup, k->bound, k->gens[0].conf, err);
	if (conf == NULL)
		return -1;
	begin_generation(k, conf);
	if (k->has_been_up && startup_open_log(k->startup, conf, err) != 0)
		log_err(LOG_LEVEL_WARNING, err);
	if (k->worker.is_up)
		send_conf(k); /* else as soon as it is */
	return 0;
}

/* The worker could not do what seemed right here. */
static void
go_back(struct keeper *k, size_t n)
{
	struct err err;

	log_text(LOG_LEVEL_ERROR,
	    "reload refused by the worker; the current configuration stays in "
	    "force");
	drop(k, n);
	if (sockets_open(&k->bound->sockets, k->gens[0].conf, &err) != 0)
		log_err(LOG_LEVEL_ERROR, &err);
	sockets_settle(&k->bound->sockets);
	if (startup_open_log(k->startup, k->gens[0].conf, &err) != 0)
		log_err(LOG_LEVEL_WARNING, &err);
}

static void
stop(struct keeper *k)
{
	struct line_answer *a;

	if (k->is_stopping)
		return;
	listen_notify("STOPPING=1");
	k->is_stopping = true;
	k->worker.end_by_ms = k->leave_by_ms = now_ms() + STOP_MS;
	if (k->worker.pid == 0) {
		k->has_ended = true;
		return;
	}
	if (!k->worker.is_up) { /* it has nothing to finish */
		(void)kill(k->worker.pid, SIGKILL); /* our child */
		return;
	}
	a = xcalloc(1, sizeof(*a));
	a->word = LINE_STOP;
	answer(k, a, -1);
	free(a);
}

/* --- what the worker says ------------------------------------------------- */

/* NULL: it is too old. */
static const struct conf *
conf_of(const struct keeper *k, unsigned generation)
{
	for (size_t i = 0; i < GENERATIONS && k->gens[i].conf != NULL; i++)
		if (k->gens[i].conf->generation == generation)
			return k->gens[i].conf;
	return NULL;
}

static void
on_up(struct keeper *k)
{
	struct err err;

	k->worker.is_up = true;
	k->proven = k->worker.generation;
	if (k->worker.generation != k->gens[0].conf->generation)
		send_conf(k);
	if (k->has_been_up) {
		log_text(LOG_LEVEL_NOTICE, "a new worker runs, process %ld",
		    (long)k->worker.pid);
		return;
	}
	k->has_been_up = true;
	if (startup_open_log(k->startup, k->gens[0].conf, &err) != 0)
		log_err(LOG_LEVEL_WARNING, &err);
	startup_tell(k->startup, k->gens[0].conf, k->report_fd);
	k->report_fd = -1;
	xtrim();
}

static void
on_reload(struct keeper *k, const struct line_ask *ask)
{
	struct line_answer *a = xcalloc(1, sizeof(*a));
	struct err err = { 0 };

	a->word = LINE_ANSWER;
	a->number = ask->number;
	a->result = reload(k, &err);
	if (a->result != 0)
		IGNORE(
		    !str_copy(a->text, sizeof(a->text), bytes_str(err.text)));
	answer(k, a, -1);
	free(a);
}

/* Hands over fd and closes it; -1: errno says why there is none. */
static void
answer_with(struct keeper *k, const struct line_ask *ask, int fd, int result)
{
	int code = fd < 0 ? errno : 0;
	struct line_answer *a = xcalloc(1, sizeof(*a));

	a->word = LINE_ANSWER;
	a->number = ask->number;
	a->result = (int32_t)result;
	a->code = code;
	answer(k, a, fd);
	if (fd >= 0)
		(void)close(fd); /* the worker has it */
	free(a);
}

/* What the worker then reads or writes is nothing to the keeper. */
static void
on_open(struct keeper *k, const struct line_ask *ask, const struct conf *conf)
{
	const char *path = errand_path(&k->startup->paths, conf, ask->index);
	bool is_log = ask->index == LINE_FILE_LOG;
	int fd = -1;

	errno = ENOENT;
	if (path != NULL)
		fd = open(path,
		    is_log ? O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC
			   : O_RDONLY | O_NONBLOCK | O_CLOEXEC,
		    0640);
	answer_with(k, ask, fd, 0);
}

/* A configuration that is not the newest is followed by that one. */
static void
on_listener(struct keeper *k, const struct line_ask *ask)
{
	size_t listen = 0;
	int fd = -1;

	errno = ENOENT;
	if (ask->generation == k->gens[0].conf->generation) {
		if (k->worker.is_up) /* else it has only begun */
			k->proven = ask->generation;
		sockets_settle(&k->bound->sockets); /* it has loaded it */
		fd = sockets_copy(&k->bound->sockets, ask->index, &listen);
	}
	answer_with(k, ask, fd, (int)listen);
}

static void
on_keep(struct keeper *k, const struct line_ask *ask)
{
	size_t n = 1;

	if (ask->index != k->gens[0].conf->generation)
		return; /* one that is newer comes to it */
	while (n < GENERATIONS && k->gens[n].conf != NULL &&
	       k->gens[n].conf->generation != ask->generation)
		n++;
	if (n < GENERATIONS && k->gens[n].conf != NULL)
		go_back(k, n);
}

/* False: no worker of this program sends that. */
static bool
on_ask(struct keeper *k, const struct line_ask *ask)
{
	const struct conf *conf = conf_of(k, ask->generation);

	if (ask->number != k->worker.last_ask + 1 ||
	    ask->generation > k->last || !errand_is_sound(ask, conf))
		return false;
	k->worker.last_ask = ask->number;
	if (ask->kind == LINE_UP)
		on_up(k);
	else if (ask->kind == LINE_ALIVE)
		listen_notify("WATCHDOG=1");
	else if (ask->kind == LINE_QUIT)
		stop(k);
	else if (ask->kind == LINE_OPEN)
		on_open(k, ask, conf != NULL ? conf : k->gens[0].conf);
	else if (ask->kind == LINE_KEEP)
		on_keep(k, ask);
	else if (ask->kind == LINE_LISTENER)
		on_listener(k, ask);
	else if (ask->kind == LINE_RELOAD)
		on_reload(k, ask);
	else
		run_errand(k, ask, conf);
	return true;
}

static void
on_line(struct keeper *k)
{
	struct line_ask ask;

	/* Not for ever: signals want to be heard, whatever it does. */
	for (int i = 0; i < ASKS_A_TURN && k->worker.line >= 0; i++) {
		switch (line_take_ask(k->worker.line, &ask)) {
		case LINE_GOT_NOTHING:
			return;
		case LINE_GOT_END:
			/* Its end will be heard of in a moment, or else. */
			(void)close(k->worker.line);
			k->worker.line = -1;
			if (!k->is_stopping)
				k->worker.end_by_ms = now_ms() + HANG_UP_MS;
			return;
		case LINE_GOT_ONE:
			if (on_ask(k, &ask))
				break;
			/* fall through */
		case LINE_GOT_BAD:
			end_worker(k, "asks for what relaisd never asks for");
			return;
		}
	}
}

/* --- signals -------------------------------------------------------------- */

static void
on_worker_end(struct keeper *k, int how)
{
	struct worker_process *w = &k->worker;
	int status = WIFEXITED(how) ? WEXITSTATUS(how) : EX_SOFTWARE;

	if (k->is_stopping || !k->has_been_up) {
		k->has_ended = true;
		k->status = k->is_stopping && !w->is_up ? EX_OK : status;
		if (WIFSIGNALED(how) && k->status != EX_OK)
			log_text(LOG_LEVEL_ERROR,
			    "the worker, process %ld, was ended by signal %d",
			    (long)w->pid, WTERMSIG(how));
	} else if (WIFSIGNALED(how)) {
		log_text(LOG_LEVEL_ERROR,
		    "the worker, process %ld, was ended by signal %d; a new "
		    "one is started",
		    (long)w->pid, WTERMSIG(how));
	} else if (status == EX_CONFIG && !w->is_up &&
		   w->generation == k->gens[0].conf->generation &&
		   w->generation != k->proven && k->gens[1].conf != NULL) {
		go_back(k, 1); /* it has said what is wrong */
	} else if (status != EX_OK) { /* else it wants to be another */
		log_text(LOG_LEVEL_ERROR,
		    "the worker, process %ld, exited with status %d; a new one "
		    "is started",
		    (long)w->pid, status);
	}
	w->pid = 0;
	w->is_up = false;
	for (size_t i = 0; i < ERRANDS_MAX; i++)
		k->errands[i].number = 0; /* the next one counts from 0 */
	if (w->line >= 0)
		(void)close(w->line); /* nobody hears */
	w->line = -1;
}

/* Whatever ended one, somebody waits for its answer. */
static void
on_errand_end(struct keeper *k, pid_t pid, int how)
{
	struct line_ask ask = { 0 };
	struct line_answer *a;
	size_t i = 0;

	while (i < ERRANDS_MAX && k->errands[i].pid != pid)
		i++;
	if (i == ERRANDS_MAX)
		return; /* it was nobody's errand */
	k->errands[i].pid = 0;
	ask.kind = k->errands[i].kind;
	ask.number = k->errands[i].number;
	if (how == 0 || ask.number == 0)
		return;
	a = xmalloc(sizeof(*a));
	errand_refuse(&ask, "the process that was to find it out has died", a);
	answer(k, a, -1);
	free(a);
}

static void
on_child(struct keeper *k)
{
	pid_t pid;
	int how;

	while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
		if (pid == k->worker.pid)
			on_worker_end(k, how);
		else
			on_errand_end(k, pid, how);
	}
}

static void
on_signal(struct keeper *k)
{
	struct signalfd_siginfo info;
	struct err err;

	while (read(k->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			on_child(k);
		else if (info.ssi_signo == SIGHUP)
			IGNORE(reload(k, &err) != 0); /* it was logged */
		else
			stop(k);
	}
}

/* --- life ----------------------------------------------------------------- */

/* A refresh token that was replaced, and not yet written down, would be lost if
 * this process were the first of a container and took all others along. */
static bool
awaits_token(const struct keeper *k)
{
	if (!k->is_stopping || now_ms() >= k->leave_by_ms)
		return false;
	for (size_t i = 0; i < ERRANDS_MAX; i++)
		if (k->errands[i].pid != 0 && k->errands[i].is_token)
			return true;
	return false;
}

static int
wait_ms(const struct keeper *k)
{
	int64_t until = INT64_MAX, left;

	if (k->has_ended)
		until = k->leave_by_ms;
	else if (k->worker.pid == 0)
		until = k->worker.next_ms;
	else
		until = k->worker.end_by_ms;
	if (until == INT64_MAX)
		return -1;
	left = until - now_ms();
	return left < 0 ? 0 : (int)left;
}

static void
run_keeper(struct keeper *k)
{
	struct pollfd fds[2] = { { k->signal_fd, POLLIN, 0 },
		{ -1, POLLIN, 0 } };

	while (!k->has_ended || awaits_token(k)) {
		if (k->worker.pid == 0 && !k->has_ended &&
		    now_ms() >= k->worker.next_ms)
			start_worker(k);
		if (k->worker.pid != 0 && now_ms() >= k->worker.end_by_ms) {
			log_text(LOG_LEVEL_ERROR,
			    "the worker does not stop; it is ended");
			(void)kill(k->worker.pid, SIGKILL); /* our child */
			k->worker.end_by_ms = INT64_MAX;
		}
		fds[1].fd = k->worker.line;
		if (poll(fds, 2, wait_ms(k)) < 0)
			continue; /* EINTR */
		if (fds[1].revents != 0)
			on_line(k);
		if (fds[0].revents != 0)
			on_signal(k);
	}
}

int
keeper_main(struct startup *s, struct startup_bound *bound, struct conf *conf,
    int report_fd)
{
	struct keeper k = { .startup = s,
		.bound = bound,
		.report_fd = report_fd,
		.worker = { .line = -1 } };
	sigset_t set;

	signals_of_keeper(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL); /* cannot fail */
	(void)signal(SIGPIPE, SIG_IGN);
	k.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (k.signal_fd < 0) {
		log_text(LOG_LEVEL_ERROR, "relaisd cannot start: signalfd: %s",
		    strerror(errno));
		conf_free(conf);
		return EX_OSERR;
	}
	begin_generation(&k, conf);
	run_keeper(&k);
	forget(&k);
	(void)close(k.signal_fd); /* read from, that is all */
	return k.status;
}
