/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "relaisd/link.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "base/must.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "check/check.h"
#include "conf/conf.h"
#include "cred/cred.h"
#include "net/loop.h"
#include "relaisd/errand.h"
#include "relaisd/line.h"

enum { COPY_MAX = 16 * 1024 * 1024, KEEPER_LOOK_MS = 500 };

/* A thread that waits. */
struct waiter {
	struct list link;
	uint32_t number;
	bool is_over;
	bool is_answered;
	struct line_answer *answer;
};

struct link {
	int fd; /* -1: one process */
	pid_t keeper;
	const struct cred_env *env; /* with one process */
	struct loop_watch *watch;
	const struct conf_paths *paths; /* of link_allow_files() */
	struct link_hooks hooks;
	struct line_answer *heard; /* on the loop's thread, as is this: */
	struct loop *loop;
	struct {
		struct loop_task task;
		int conf_fd; /* -1: none */
		unsigned generation;
		bool stop, lost;
	} due; /* what the hooks will be called for */

	pthread_mutex_t mutex; /* of all below */
	pthread_cond_t over;
	struct list waiters;
	uint32_t number; /* of the last ask */
	bool is_closed;
	/* The one in force.  With one process all that ever were: an errand may
	 * still read an older one. */
	struct conf **confs;
	size_t nconfs;
};

/* --- asking --------------------------------------------------------------- */

static bool
ask_keeper(struct link *k, struct line_ask *ask, struct line_answer *ret)
{
	struct waiter w = { .answer = ret };

	(void)pthread_mutex_lock(&k->mutex); /* cannot fail, as below */
	ask->number = ++k->number;
	w.number = ask->number;
	w.is_over = k->is_closed || !line_send_ask(k->fd, ask);
	list_init(&w.link);
	if (!w.is_over)
		list_append(&k->waiters, &w.link);
	while (!w.is_over)
		(void)pthread_cond_wait(&k->over, &k->mutex);
	list_remove(&w.link);
	(void)pthread_mutex_unlock(&k->mutex);
	return w.is_answered;
}

/* The caller frees the answer with answer_free(). */
static struct line_answer *
ask_for(struct link *k, struct line_ask *ask, const struct conf *conf)
{
	struct line_answer *ret = xmalloc(sizeof(*ret));

	if (k->fd < 0)
		errand_run(ask, conf, k->env, ret);
	else if (!ask_keeper(k, ask, ret))
		errand_refuse(ask, "relaisd is being restarted", ret);
	return ret;
}

static void
answer_free(struct line_answer *a)
{
	explicit_bzero(a->data, a->data_n); /* it may have been a secret */
	free(a);
}

/* --- what is asked -------------------------------------------------------- */

/* False: no account has this host any more. */
static bool
find_host(struct link *k, const char *host, struct line_ask *ret,
    const struct conf **ret_conf)
{
	const struct conf *c;
	bool is_known;
	size_t i = 0;

	(void)pthread_mutex_lock(&k->mutex);
	c = k->confs[k->nconfs - 1];
	while (i < c->naccounts && !str_eq(c->accounts[i].host, host))
		i++;
	is_known = i < c->naccounts;
	if (!is_known) {
		const char *witness = check_witness("");

		is_known = str_eq(host, witness) ||
			   str_eq(host, check_witness(witness));
		i = str_eq(host, witness) ? LINE_WITNESS : LINE_WITNESS + 1;
	}
	*ret = (struct line_ask) { .kind = LINE_LOOKUP,
		.generation = c->generation,
		.index = (uint32_t)i };
	*ret_conf = c;
	(void)pthread_mutex_unlock(&k->mutex);
	return is_known;
}

static void
look_up(void *ctx, const char *host, struct lookup_answer *ret)
{
	struct link *k = ctx;
	const struct conf *conf;
	struct line_answer *a;
	struct line_ask q;

	memset(ret, 0, sizeof(*ret));
	ret->rc = EAI_AGAIN;
	if (!find_host(k, host, &q, &conf))
		return;
	a = ask_for(k, &q, conf);
	ret->rc = a->result;
	ret->os = a->code;
	ret->n = a->data_n / sizeof(ret->addrs[0]);
	if (ret->n > LOOKUP_MAX)
		ret->n = LOOKUP_MAX;
	memcpy(ret->addrs, a->data, ret->n * sizeof(ret->addrs[0]));
	answer_free(a);
}

static enum probe443_answer
probe443(void *ctx, const char *host)
{
	struct link *k = ctx;
	const struct conf *conf;
	struct line_answer *a;
	struct line_ask q;
	int32_t result;

	if (!find_host(k, host, &q, &conf))
		return PROBE443_SILENT;
	q.kind = LINE_PROBE443;
	a = ask_for(k, &q, conf);
	result = a->result;
	answer_free(a);
	return result == PROBE443_OPEN || result == PROBE443_REFUSED
		   ? (enum probe443_answer)result
		   : PROBE443_SILENT;
}

/* The next of the words in an answer; NULL: "". */
static char *
word(const struct line_answer *a, size_t *at)
{
	const char *p = (const char *)a->data + *at;
	size_t n = strnlen(p, a->data_n - *at);

	*at += n < a->data_n - *at ? n + 1 : n;
	return n > 0 ? xstrndup(p, n) : NULL;
}

void
link_find_user(void *ctx, struct person *who, bool wants_groups)
{
	struct link *k = ctx;
	struct line_ask q = {
		.kind = LINE_USER, .index = who->uid, .count = wants_groups
	};
	const struct conf *conf;
	struct line_answer *a;
	size_t at = 0;
	char *group;

	(void)pthread_mutex_lock(&k->mutex);
	conf = k->confs[k->nconfs - 1];
	q.generation = conf->generation;
	(void)pthread_mutex_unlock(&k->mutex);
	a = ask_for(k, &q, conf);
	who->is_silent = a->is_silent != 0;
	if (a->data_n > 0) {
		who->has_groups = a->result > 0;
		who->name = word(a, &at);
		who->full_name = word(a, &at);
		group = word(a, &at);
		if (group != NULL) {
			who->groups = xcalloc(1, sizeof(*who->groups));
			who->groups[who->ngroups++] = group;
		}
	}
	answer_free(a);
}

enum cred_result
link_fetch(struct link *k, const struct conf *conf, size_t account,
    const struct link_secret *to, struct err *err)
{
	struct line_ask q = { .kind = LINE_SECRET,
		.generation = conf->generation,
		.index = (uint32_t)account,
		.wish = *to->wish };
	struct line_answer *a = ask_for(k, &q, conf);
	enum cred_result result = (enum cred_result)a->result;

	*to->ret_facts = a->facts;
	if (result == CRED_OK) {
		*to->ret = a->data_n > 0
			       ? secret_new(bytes_of(a->data, a->data_n))
			       : NULL;
	} else {
		(void)err_set(err, ERR_SECRET, "%s", a->text);
		err->os = a->code;
	}
	answer_free(a);
	return result;
}

int
link_sign_in(struct link *k, const struct conf *conf, size_t account,
    const char *flow, struct err *err)
{
	struct line_ask q = { .kind = LINE_SIGN_IN,
		.generation = conf->generation,
		.index = (uint32_t)account };
	struct line_answer *a;
	int fd;

	while (q.flow < LINE_FLOWS && !str_eq(line_flows[q.flow], flow))
		q.flow++;
	if (q.flow == LINE_FLOWS)
		return err_set(err, ERR_INPUT, "unknown flow \"%.20s\"", flow);
	a = ask_for(k, &q, conf);
	fd = a->passed;
	if (fd < 0)
		(void)err_set(err, ERR_SECRET, "%s", a->text);
	answer_free(a);
	return fd;
}

void
link_tell(struct link *k, const struct conf *conf, const struct alert *a,
    size_t waiting, struct link_told *ret)
{
	struct line_ask q = { .kind = LINE_ALERT,
		.generation = conf->generation,
		.event = (uint32_t)alert_event_number(a->event),
		.count = (uint32_t)waiting };
	int account = conf_account_find(conf, a->account);
	struct line_answer *r;

	q.index = account >= 0 ? (uint32_t)account : LINE_NOBODY;
	IGNORE(!str_copy(q.user, sizeof(q.user), bytes_str(a->user)));
	IGNORE(!str_copy(q.text, sizeof(q.text), bytes_str(a->reason)));
	r = ask_for(k, &q, conf);
	ret->ran = (enum cred_ran)r->result;
	ret->code = r->code;
	IGNORE(buf_add(&ret->said, r->data, r->data_n)); /* it fits */
	answer_free(r);
}

static void
tell_keeper(struct link *k, struct line_ask *q)
{
	if (k->fd < 0)
		return;
	(void)pthread_mutex_lock(&k->mutex);
	q->number = ++k->number;
	/* If the keeper is gone, its end of the line tells. */
	if (!k->is_closed)
		IGNORE(line_send_ask(k->fd, q));
	(void)pthread_mutex_unlock(&k->mutex);
}

void
link_say(struct link *k, int kind)
{
	struct line_ask q = { .kind = (uint32_t)kind };

	tell_keeper(k, &q);
}

/* --- hearing -------------------------------------------------------------- */

/* passed is the waiter's, if it still waits. */
static void
on_answer(struct link *k, int passed)
{
	k->heard->passed = passed;
	(void)pthread_mutex_lock(&k->mutex);
	list_foreach (it, &k->waiters) {
		struct waiter *w = list_entry(it, struct waiter, link);

		if (w->number != k->heard->number)
			continue;
		memcpy(w->answer, k->heard,
		    offsetof(struct line_answer, data) + k->heard->data_n);
		w->is_over = w->is_answered = true;
		list_remove(it);
		(void)pthread_cond_broadcast(&k->over);
		passed = -1;
		break;
	}
	(void)pthread_mutex_unlock(&k->mutex);
	if (passed >= 0)
		(void)close(passed); /* nothing was said */
	explicit_bzero(k->heard->data, k->heard->data_n);
}

static int
take_conf(struct link *k, struct err *err)
{
	struct line_ask keep = { .kind = LINE_KEEP,
		.index = k->due.generation };
	int rc, fd = k->due.conf_fd;
	struct buf text;
	ssize_t n = 1;
	char *to;

	if (fd < 0)
		return 0;
	k->due.conf_fd = -1;
	buf_init(&text, COPY_MAX);
	while (n > 0 && (to = buf_space(&text, 4096)) != NULL &&
	       (n = pread(fd, to, 4096, (off_t)buf_len(&text))) > 0)
		buf_added(&text, (size_t)n);
	(void)close(fd); /* only read from */
	rc = k->hooks.conf(
	    k->hooks.ctx, k->due.generation, buf_bytes(&text), err);
	buf_clear(&text);
	if (rc != 0) {
		keep.generation = k->confs[k->nconfs - 1]->generation;
		tell_keeper(k, &keep);
	}
	return rc;
}

/* Not from within a call that waits for an answer: its caller may be in the
 * middle of what would be changed. */
static void
on_due(struct loop_task *t)
{
	struct link *k = list_entry(t, struct link, due.task);
	bool stop = k->due.stop, lost = k->due.lost;
	struct err err;

	k->due.stop = k->due.lost = false;
	IGNORE(take_conf(k, &err) != 0); /* it has been logged */
	if (stop)
		k->hooks.stop(k->hooks.ctx);
	if (lost)
		k->hooks.lost(k->hooks.ctx);
}

static void
on_message(struct link *k, int passed)
{
	switch ((enum line_word)k->heard->word) {
	case LINE_ANSWER:
		on_answer(k, passed);
		return;
	case LINE_CONF:
		if (k->due.conf_fd >= 0)
			(void)close(k->due.conf_fd); /* there is a newer one */
		k->due.conf_fd = passed;
		k->due.generation = k->heard->number;
		passed = -1;
		loop_soon(k->loop, &k->due.task);
		break;
	case LINE_STOP:
		k->due.stop = true;
		loop_soon(k->loop, &k->due.task);
		break;
	}
	if (passed >= 0)
		(void)close(passed); /* nobody wants it */
}

static void
on_line(void *ctx)
{
	struct link *k = ctx;
	enum line_got got = LINE_GOT_ONE;
	int passed = -1;

	while (!k->is_closed && (got = line_take_answer(
				     k->fd, k->heard, &passed)) == LINE_GOT_ONE)
		on_message(k, passed);
	/* An errand holds the line as long as it takes. */
	if (got == LINE_GOT_END || got == LINE_GOT_BAD ||
	    getppid() != k->keeper) {
		link_close(k);
		k->due.lost = true;
		loop_soon(k->loop, &k->due.task);
	}
}

/* On the loop's thread, which alone reads, so it reads until it has the answer.
 * NULL: the keeper is gone.  ret_passed: the caller's, or -1. */
static struct line_answer *
ask_and_read(struct link *k, struct line_ask *q, int *ret_passed)
{
	struct line_answer *a = xmalloc(sizeof(*a));
	struct waiter w = { .answer = a };
	struct pollfd p = { .fd = k->fd, .events = POLLIN };

	(void)pthread_mutex_lock(&k->mutex); /* cannot fail */
	q->number = w.number = ++k->number;
	w.is_over = k->is_closed || !line_send_ask(k->fd, q);
	list_init(&w.link);
	if (!w.is_over)
		list_append(&k->waiters, &w.link);
	(void)pthread_mutex_unlock(&k->mutex);
	while (
	    !w.is_over && (poll(&p, 1, KEEPER_LOOK_MS) >= 0 || errno == EINTR))
		on_line(k);
	*ret_passed = w.is_answered ? a->passed : -1;
	if (w.is_answered)
		return a;
	free(a);
	return NULL;
}

int
link_reload(struct link *k, struct err *err)
{
	struct line_ask q = { .kind = LINE_RELOAD };
	int passed, rc = 0;
	struct line_answer *a = ask_and_read(k, &q, &passed);

	if (a == NULL)
		return err_set(err, ERR_SYSTEM, "relaisd is being restarted");
	if (a->result != 0)
		rc = err_set(err, ERR_CONFIG, "%s", a->text);
	else
		rc = take_conf(k, err);
	free(a);
	return rc;
}

void
link_allow_files(struct link *k, const struct conf_paths *paths)
{
	k->paths = paths;
}

int
link_open(void *ctx, const char *path)
{
	struct link *k = ctx;
	const struct conf *conf = k->confs[k->nconfs - 1];
	struct line_ask q = { .kind = LINE_OPEN,
		.generation = conf->generation };
	struct line_answer *a;
	int fd;

	while (q.index < LINE_FILES &&
	       !str_eq(errand_path(k->paths, conf, q.index), path))
		q.index++;
	if (q.index == LINE_FILES) {
		errno = ENOSYS;
		return -1;
	}
	a = ask_and_read(k, &q, &fd);
	errno = a != NULL ? a->code : EIO;
	free(a);
	return fd;
}

int
link_listener(struct link *k, size_t n, size_t *ret_listen)
{
	const struct conf *conf = k->confs[k->nconfs - 1];
	struct line_ask q = { .kind = LINE_LISTENER,
		.generation = conf->generation,
		.index = (uint32_t)n };
	int fd;
	struct line_answer *a = ask_and_read(k, &q, &fd);

	if (fd >= 0)
		*ret_listen = (size_t)a->result;
	/* It was sent, and there was no room for it here. */
	errno = a == NULL ? EIO : a->code != 0 ? a->code : EMFILE;
	free(a);
	return fd;
}

#ifdef WITH_ATTACK
uint32_t
link_next(struct link *k)
{
	uint32_t next;

	(void)pthread_mutex_lock(&k->mutex); /* cannot fail */
	next = k->number + 1;
	(void)pthread_mutex_unlock(&k->mutex);
	return next;
}
#endif

/* --- life ----------------------------------------------------------------- */

struct link *
link_new(int fd, const struct cred_env *env)
{
	struct link *k = xcalloc(1, sizeof(*k));

	k->fd = fd;
	k->keeper = getppid();
	k->env = env;
	k->heard = fd >= 0 ? xmalloc(sizeof(*k->heard)) : NULL;
	k->due.conf_fd = -1;
	loop_task_init(&k->due.task, on_due);
	list_init(&k->waiters);
	(void)pthread_mutex_init(&k->mutex, NULL); /* these cannot fail */
	(void)pthread_cond_init(&k->over, NULL);
	return k;
}

int
link_attend(struct link *k, struct loop *l, const struct link_hooks *hooks,
    struct err *err)
{
	k->hooks = *hooks;
	k->loop = l;
	lookup_by(l, look_up, k);
	probe443_by(l, probe443, k);
	if (k->fd < 0)
		return 0;
	return loop_watch_new(l, k->fd, on_line, k, &k->watch, err);
}

void
link_set_conf(struct link *k, struct conf *conf)
{
	struct conf *was = NULL;

	(void)pthread_mutex_lock(&k->mutex);
	if (k->fd < 0 || k->nconfs == 0)
		k->confs = xrealloc(k->confs, ++k->nconfs, sizeof(*k->confs));
	else
		was = k->confs[0];
	k->confs[k->nconfs - 1] = conf_ref(conf);
	(void)pthread_mutex_unlock(&k->mutex);
	conf_free(was);
}

void
link_close(struct link *k)
{
	if (k == NULL)
		return;
	loop_soon_cancel(&k->due.task);
	loop_watch_free(k->watch);
	k->watch = NULL;
	(void)pthread_mutex_lock(&k->mutex);
	k->is_closed = true;
	list_foreach (it, &k->waiters) {
		list_entry(it, struct waiter, link)->is_over = true;
		list_remove(it);
	}
	(void)pthread_cond_broadcast(&k->over);
	(void)pthread_mutex_unlock(&k->mutex);
}

void
link_free(struct link *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->nconfs; i++)
		conf_free(k->confs[i]);
	free(k->confs);
	loop_soon_cancel(&k->due.task);
	if (k->due.conf_fd >= 0)
		(void)close(k->due.conf_fd); /* nobody reads it */
	if (k->fd >= 0)
		(void)close(k->fd); /* nobody hears */
	free(k->heard);
	(void)pthread_mutex_destroy(&k->mutex);
	(void)pthread_cond_destroy(&k->over);
	free(k);
}
