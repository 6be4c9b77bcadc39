/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/alert_command.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "base/must.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "cred/cred_run.h"
#include "ctl/ctl_json.h"
#include "net/loop.h"
#include "notice/alert.h"

enum {
	TIMEOUT_MS = 30 * 1000,
	WAITING_MAX = 64, /* commands that have not run yet */
	INPUT_MAX = 8192,
	ENV_COUNT = 8
};

/* One run of the command; the worker thread reads and writes this alone. */
struct run {
	struct loop_job job;
	struct list link; /* in waiting */
	struct alert_command *of; /* NULL: nobody wants to know any more */
	char *event;
	char **argv, *envp[ENV_COUNT + 1];
	struct buf input;
	struct cred_run cred;
	enum cred_ran ran;
};

struct alert_command {
	struct loop *loop;
	struct list waiting; /* runs; in order */
	size_t nwaiting;
	struct run *running;
};

struct alert_command *
alert_command_new(struct loop *l)
{
	struct alert_command *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	list_init(&c->waiting);
	return c;
}

static void
run_free(struct run *r)
{
	list_remove(&r->link);
	free(r->event);
	for (char **s = r->argv; *s != NULL; s++)
		free(*s);
	free(r->argv);
	for (size_t i = 0; i < ENV_COUNT; i++)
		free(r->envp[i]);
	cred_run_clear(&r->cred);
	buf_clear(&r->input);
	free(r);
}

void
alert_command_free(struct alert_command *c)
{
	if (c == NULL)
		return;
	list_foreach (it, &c->waiting)
		run_free(list_entry(it, struct run, link));
	if (c->running != NULL) {
		c->running->of = NULL;
		if (loop_cancel(c->loop, &c->running->job))
			run_free(c->running);
	}
	free(c);
}

static void
on_worker(struct loop_job *j)
{
	struct run *r = (struct run *)(void *)j;

	r->ran = cred_run(&r->cred);
}

static void
log_run(const struct run *r)
{
	static const char *const words[] = {
		[CRED_RAN_EXITED] = "exit",
		[CRED_RAN_KILLED] = "killed",
		[CRED_RAN_TIMEOUT] = "timeout",
		[CRED_RAN_NOT] = "not-started",
	};
	bool ok = r->ran == CRED_RAN_EXITED && r->cred.code == 0;
	struct log_line l;

	log_begin(&l, ok ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "alert-command");
	log_str(&l, "event", r->event);
	log_str(&l, "command", r->argv[0]);
	log_str(&l, "ended", words[r->ran]);
	if (r->ran != CRED_RAN_TIMEOUT)
		log_num(&l, "code", r->cred.code);
	if (!ok && buf_len(&r->cred.err) > 0)
		log_bytes(&l, "said", buf_bytes(&r->cred.err));
	log_end(&l);
}

static void run_next(struct alert_command *c);

static void
on_done(struct loop_job *j)
{
	struct run *r = (struct run *)(void *)j;
	struct alert_command *c = r->of;

	log_run(r);
	run_free(r);
	if (c == NULL)
		return;
	c->running = NULL;
	run_next(c);
}

/* One at a time: a command that hangs takes one worker thread and no more. */
static void
run_next(struct alert_command *c)
{
	struct run *r;

	if (c->running != NULL || list_is_empty(&c->waiting))
		return;
	r = list_entry(c->waiting.next, struct run, link);
	list_remove(&r->link);
	c->nwaiting--;
	c->running = r;
	r->job = (struct loop_job) { .run = on_worker, .done = on_done };
	loop_submit(c->loop, &r->job);
}

static char *
variable(const char *name, const char *value)
{
	struct buf b;

	buf_init(&b, INPUT_MAX);
	IGNORE(buf_addf(&b, "%s=%s", name, value)); /* a name and a reason */
	return buf_steal(&b);
}

static void
set_input(
    struct run *r, const struct alert *a, const char *reason, size_t waiting)
{
	json_t *o = json_pack("{s:s, s:o, s:o, s:o, s:I}", "event", a->event,
	    "account", ctl_json_text(a->account), "user",
	    ctl_json_text(a->user), "reason", ctl_json_text(reason), "queue",
	    (json_int_t)waiting);

	buf_init(&r->input, INPUT_MAX);
	IGNORE(ctl_json_encode(&r->input, o)); /* fits */
	json_decref(o);
}

static struct run *
run_new(struct alert_command *c, const struct conf_list *command,
    const struct alert *a, size_t waiting)
{
	struct run *r = xcalloc(1, sizeof(*r));
	struct buf shown;
	char number[24];

	list_init(&r->link);
	r->of = c;
	r->event = xstrdup(a->event);
	r->argv = xcalloc(command->n + 1, sizeof(char *));
	for (size_t i = 0; i < command->n; i++)
		r->argv[i] = xstrdup(command->v[i]);
	(void)snprintf(number, sizeof(number), "%zu", waiting);
	/* Foreign words, on the way to a mail or a terminal. */
	buf_init(&shown, 4 * ALERT_REASON_MAX);
	IGNORE(str_escape(&shown, bytes_str(a->reason), ALERT_REASON_MAX));
	r->envp[0] = xstrdup("PATH=/usr/local/bin:/usr/bin:/bin");
	r->envp[1] = xstrdup("LC_ALL=C.UTF-8");
	r->envp[2] = xstrdup("HOME=/");
	r->envp[3] = variable("RELAIS_EVENT", a->event);
	r->envp[4] = variable("RELAIS_ACCOUNT", a->account);
	r->envp[5] = variable("RELAIS_USER", a->user);
	r->envp[6] = variable("RELAIS_REASON", buf_str(&shown));
	r->envp[7] = variable("RELAIS_QUEUE", number);
	set_input(r, a, buf_str(&shown), waiting);
	buf_clear(&shown);
	cred_run_init(&r->cred);
	r->cred.argv = r->argv;
	r->cred.envp = r->envp;
	r->cred.input = buf_bytes(&r->input);
	r->cred.timeout_ms = TIMEOUT_MS;
	return r;
}

void
alert_command_run(struct alert_command *c, const struct conf_list *command,
    const struct alert *a, size_t waiting)
{
	struct run *r;

	if (command->n == 0 || c->nwaiting >= WAITING_MAX)
		return;
	if (command->v[0][0] != '/') {
		log_text(LOG_LEVEL_ERROR,
		    "alert_command: %s is not an absolute path, so no alert is "
		    "sent",
		    command->v[0]);
		return;
	}
	r = run_new(c, command, a, waiting);
	list_append(&c->waiting, &r->link);
	c->nwaiting++;
	run_next(c);
}
