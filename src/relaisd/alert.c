/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/alert.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

#define HOURS(n) ((n)*INT64_C(3600) * 1000)

enum {
	TIMEOUT_MS = 30 * 1000,
	WAITING_MAX = 64, /* commands that have not run yet */
	REASON_MAX = 1500, /* more than DIAGNOSIS_REASON_MAX and an id */
	INPUT_MAX = 8192,
	ENV_COUNT = 8
};

/* What comes and goes by itself is told again only after a while. */
static const struct event {
	const char *name;
	int64_t again_ms;
	bool is_about_user; /* and not about an account */
} events[] = {
	{ "account-held", 0, false },
	{ "account-paused", HOURS(6), false },
	{ "quota", HOURS(6), false },
	{ "message-held", 0, false },
	{ "disk", HOURS(6), false },
	{ "mail-failed", 0, false },
	{ "null-sender", 0, false },
	{ "user-limit", HOURS(6), true },
};

static const struct event *
find_event(const char *name)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (strcmp(events[i].name, name) == 0)
			return &events[i];
	abort(); /* the program raises what is in the table */
}

struct cause {
	struct list link;
	char *event, *about;
	int64_t raised_ms;
	bool is_over;
};

/* One run of the command; the worker thread reads and writes this alone. */
struct run {
	struct loop_job job;
	struct list link; /* in waiting */
	struct alerts *alerts; /* NULL: nobody wants to know any more */
	char *event;
	char **argv, *envp[ENV_COUNT + 1];
	struct buf input;
	struct cred_run cred;
	enum cred_ran ran;
};

struct alerts {
	struct alert_opts o;
	struct list causes;
	struct list waiting; /* runs; in order */
	size_t nwaiting;
	struct run *running;
};

/* --- life ----------------------------------------------------------------- */

struct alerts *
alert_new(const struct alert_opts *opts)
{
	struct alerts *a = xcalloc(1, sizeof(*a));

	a->o = *opts;
	list_init(&a->causes);
	list_init(&a->waiting);
	return a;
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

static void
cause_free(struct cause *c)
{
	list_remove(&c->link);
	free(c->event);
	free(c->about);
	free(c);
}

void
alert_free(struct alerts *a)
{
	if (a == NULL)
		return;
	list_foreach (it, &a->causes)
		cause_free(list_entry(it, struct cause, link));
	list_foreach (it, &a->waiting)
		run_free(list_entry(it, struct run, link));
	if (a->running != NULL) {
		a->running->alerts = NULL;
		if (loop_cancel(a->o.loop, &a->running->job))
			run_free(a->running);
	}
	free(a);
}

/* --- the command ---------------------------------------------------------- */

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

static void run_next(struct alerts *a);

static void
on_done(struct loop_job *j)
{
	struct run *r = (struct run *)(void *)j;
	struct alerts *a = r->alerts;

	log_run(r);
	run_free(r);
	if (a == NULL)
		return;
	a->running = NULL;
	run_next(a);
}

/* One at a time: a command that hangs takes one worker thread and no more. */
static void
run_next(struct alerts *a)
{
	struct run *r;

	if (a->running != NULL || list_is_empty(&a->waiting))
		return;
	r = list_entry(a->waiting.next, struct run, link);
	list_remove(&r->link);
	a->nwaiting--;
	a->running = r;
	r->job = (struct loop_job) { .run = on_worker, .done = on_done };
	loop_submit(a->o.loop, &r->job);
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
set_input(struct run *r, const char *account, const char *user,
    const char *reason, size_t queue)
{
	json_t *o = json_pack("{s:s, s:o, s:o, s:o, s:I}", "event", r->event,
	    "account", ctl_json_text(account), "user", ctl_json_text(user),
	    "reason", ctl_json_text(reason), "queue", (json_int_t)queue);

	buf_init(&r->input, INPUT_MAX);
	IGNORE(ctl_json_encode(&r->input, o)); /* fits */
	json_decref(o);
}

static struct run *
run_new(struct alerts *a, const struct conf_list *command, const char *event,
    const char *about, const char *reason)
{
	struct run *r = xcalloc(1, sizeof(*r));
	bool is_user = find_event(event)->is_about_user;
	const char *user = is_user ? about : "";
	const char *account = is_user ? "" : about;
	size_t queue = a->o.waiting(a->o.ctx);
	struct buf shown;
	char number[24];

	list_init(&r->link);
	r->alerts = a;
	r->event = xstrdup(event);
	r->argv = xcalloc(command->n + 1, sizeof(char *));
	for (size_t i = 0; i < command->n; i++)
		r->argv[i] = xstrdup(command->v[i]);
	(void)snprintf(number, sizeof(number), "%zu", queue);
	/* Foreign words, on the way to a mail or a terminal. */
	buf_init(&shown, 4 * REASON_MAX);
	IGNORE(
	    str_escape(&shown, bytes_of(reason, strlen(reason)), REASON_MAX));
	r->envp[0] = xstrdup("PATH=/usr/local/bin:/usr/bin:/bin");
	r->envp[1] = xstrdup("LC_ALL=C.UTF-8");
	r->envp[2] = xstrdup("HOME=/");
	r->envp[3] = variable("RELAIS_EVENT", event);
	r->envp[4] = variable("RELAIS_ACCOUNT", account);
	r->envp[5] = variable("RELAIS_USER", user);
	r->envp[6] = variable("RELAIS_REASON", buf_str(&shown));
	r->envp[7] = variable("RELAIS_QUEUE", number);
	set_input(r, account, user, buf_str(&shown), queue);
	buf_clear(&shown);
	cred_run_init(&r->cred);
	r->cred.argv = r->argv;
	r->cred.envp = r->envp;
	r->cred.input = buf_bytes(&r->input);
	r->cred.timeout_ms = TIMEOUT_MS;
	return r;
}

static void
run_command(
    struct alerts *a, const char *event, const char *about, const char *reason)
{
	const struct conf_list *c = a->o.command(a->o.ctx);
	struct run *r;

	if (c->n == 0 || a->nwaiting >= WAITING_MAX)
		return;
	if (c->v[0][0] != '/') {
		log_text(LOG_LEVEL_ERROR,
		    "alert_command: %s is not an absolute path, so no alert is "
		    "sent",
		    c->v[0]);
		return;
	}
	r = run_new(a, c, event, about, reason);
	list_append(&a->waiting, &r->link);
	a->nwaiting++;
	run_next(a);
}

/* --- causes --------------------------------------------------------------- */

static struct cause *
find(struct alerts *a, const char *event, const char *about)
{
	list_foreach (it, &a->causes) {
		struct cause *c = list_entry(it, struct cause, link);

		if (strcmp(c->event, event) == 0 &&
		    strcmp(c->about, about) == 0)
			return c;
	}
	return NULL;
}

/* True: it is news. */
static bool
note(struct alerts *a, const char *event, const char *about)
{
	int64_t now = clock_boot_ms(loop_clock(a->o.loop));
	struct cause *c = find(a, event, about);

	if (c == NULL) {
		c = xcalloc(1, sizeof(*c));
		c->event = xstrdup(event);
		c->about = xstrdup(about);
		list_append(&a->causes, &c->link);
	} else if (!c->is_over ||
		   now - c->raised_ms < find_event(event)->again_ms) {
		c->is_over = false;
		return false;
	}
	c->is_over = false;
	c->raised_ms = now;
	return true;
}

/* One line: what came from a server must not look like another variable. */
static void
tidy(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

void
alert_raise(
    struct alerts *a, const char *event, const char *about, const char *reason)
{
	char text[REASON_MAX];
	struct log_line l;

	if (about == NULL)
		about = "";
	if (!note(a, event, about))
		return;
	(void)snprintf(text, sizeof(text), "%s", reason);
	tidy(text);
	log_begin(&l, LOG_LEVEL_ERROR, "alert");
	log_str(&l, "event", event);
	if (*about != '\0')
		log_str(&l,
		    find_event(event)->is_about_user ? "user" : "account",
		    about);
	log_sentence(&l, "reason", text);
	log_end(&l);
	run_command(a, event, about, text);
}

void
alert_over(struct alerts *a, const char *event, const char *about)
{
	struct cause *c = find(a, event, about != NULL ? about : "");

	if (c != NULL)
		c->is_over = true;
}
