/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/alert_queue.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "net/loop.h"
#include "relaisd/link.h"

enum {
	WAITING_MAX = 64, /* alerts whose command has not run yet */
	SAID_MAX = 8192
};

/* One run of the command; a worker thread reads and writes this alone. */
struct run {
	struct work work;
	struct list link; /* in waiting */
	struct alert_queue *of; /* NULL: nobody wants to know any more */
	struct link *keeper;
	struct conf *conf;
	struct alert alert; /* its strings are ours */
	size_t waiting;
	struct link_told told;
};

struct alert_queue {
	struct loop *loop;
	struct link *keeper;
	struct list waiting; /* runs; in order */
	size_t nwaiting;
	struct run *running;
};

struct alert_queue *
alert_queue_new(struct loop *l, struct link *link)
{
	struct alert_queue *q = xcalloc(1, sizeof(*q));

	q->loop = l;
	q->keeper = link;
	list_init(&q->waiting);
	return q;
}

static void
run_free(struct run *r)
{
	list_remove(&r->link);
	conf_free(r->conf);
	free((char *)(uintptr_t)r->alert.event);
	free((char *)(uintptr_t)r->alert.account);
	free((char *)(uintptr_t)r->alert.user);
	free((char *)(uintptr_t)r->alert.reason);
	buf_clear(&r->told.said);
	free(r);
}

void
alert_queue_free(struct alert_queue *q)
{
	if (q == NULL)
		return;
	list_foreach (it, &q->waiting)
		run_free(list_entry(it, struct run, link));
	if (q->running != NULL) {
		q->running->of = NULL;
		if (loop_cancel(q->loop, &q->running->work))
			run_free(q->running);
	}
	free(q);
}

static void
on_worker(struct work *w)
{
	struct run *r = list_entry(w, struct run, work);

	link_tell(r->keeper, r->conf, &r->alert, r->waiting, &r->told);
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
	bool ok = r->told.ran == CRED_RAN_EXITED && r->told.code == 0;
	struct log_line l;

	log_begin(&l, ok ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "alert-command");
	log_str(&l, "event", r->alert.event);
	log_str(&l, "command", r->conf->alert_command.v[0]);
	log_str(&l, "ended", words[r->told.ran]);
	if (r->told.ran != CRED_RAN_TIMEOUT)
		log_num(&l, "code", r->told.code);
	if (!ok && buf_len(&r->told.said) > 0)
		log_bytes(&l, "said", buf_bytes(&r->told.said));
	log_end(&l);
}

static void run_next(struct alert_queue *q);

static void
on_done(struct work *w)
{
	struct run *r = list_entry(w, struct run, work);
	struct alert_queue *q = r->of;

	log_run(r);
	run_free(r);
	if (q == NULL)
		return;
	q->running = NULL;
	run_next(q);
}

/* One at a time: a command that hangs takes one worker thread and no more. */
static void
run_next(struct alert_queue *q)
{
	struct run *r;

	if (q->running != NULL || list_is_empty(&q->waiting))
		return;
	r = list_entry(q->waiting.next, struct run, link);
	list_remove(&r->link);
	q->nwaiting--;
	q->running = r;
	r->work = (struct work) { .run = on_worker, .done = on_done };
	loop_submit(q->loop, &r->work);
}

void
alert_queue_add(struct alert_queue *q, struct conf *conf, const struct alert *a,
    size_t waiting)
{
	const struct conf_list *command = &conf->alert_command;
	struct run *r;

	if (command->n == 0 || q->nwaiting >= WAITING_MAX)
		return;
	if (command->v[0][0] != '/') {
		log_text(LOG_LEVEL_ERROR,
		    "alert_command: %s is not an absolute path, so no alert is "
		    "sent",
		    command->v[0]);
		return;
	}
	r = xcalloc(1, sizeof(*r));
	list_init(&r->link);
	r->of = q;
	r->keeper = q->keeper;
	r->conf = conf_ref(conf);
	r->alert = (struct alert) { xstrdup(a->event), xstrdup(a->account),
		xstrdup(a->user), xstrdup(a->reason) };
	r->waiting = waiting;
	buf_init(&r->told.said, SAID_MAX);
	list_append(&q->waiting, &r->link);
	q->nwaiting++;
	run_next(q);
}
