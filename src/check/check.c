/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account/account_opts.h"
#include "account/fetch.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "check/check_reach.h"
#include "check/check_talk.h"
#include "net/dial.h"
#include "net/loop.h"
#include "net/stream.h"

enum { TALKS_MAX = 2 * ACCOUNT_PORTS_MAX };

struct check {
	struct loop *loop;
	struct account_opts *account;
	char *secret_from, *send_to, *witness;
	const struct rng *rng;
	int64_t connect_ms, step_ms;
	struct check_hooks hooks;

	struct check_reach *reach;
	struct check_way ways[ACCOUNT_PORTS_MAX];
	size_t nways, at; /* the way that is tried */
	struct dial *dial;
	struct check_talk *talk;
	size_t talks; /* so many: no loop can go on for ever */
	unsigned names_refused;
	struct check_talk_end silent; /* what is_probing is about */
	bool is_probing; /* does the silent port speak TLS? */
	struct fetch *fetch; /* the secret, where nobody else asked for it */
	int64_t fetch_ms;
	enum check_stage next; /* the first stage that nothing is told of */
	enum check_verdict worst;
	struct loop_task soon; /* does what comes next */
	void (*todo)(struct check *c);
};

/* --- telling -------------------------------------------------------------- */

static void
report_result(struct check *c, const struct check_result *r)
{
	c->worst = check_worse(c->worst, r->verdict);
	if (r->stage >= c->next)
		c->next = r->stage + 1;
	c->hooks.told(c->hooks.ctx, r);
}

static void
skip(struct check *c, enum check_stage stage, const char *why)
{
	struct check_result r = {
		.stage = stage, .verdict = CHECK_SKIPPED, .took_ms = -1
	};

	(void)snprintf(r.seen, sizeof(r.seen), "%s", why);
	report_result(c, &r);
}

static void
on_told(void *ctx, const struct check_result *r)
{
	struct check *c = ctx;

	if (r->stage > CHECK_SECRET && c->next == CHECK_SECRET)
		skip(c, CHECK_SECRET,
		    c->account->wants_auth ? "this login needs none"
					   : "the account does not log in");
	if (r->stage > CHECK_AUTH && c->next == CHECK_AUTH)
		skip(c, CHECK_AUTH, "the account does not log in");
	report_result(c, r);
}

static void
later(struct check *c, void (*todo)(struct check *c))
{
	c->todo = todo;
	loop_soon(c->loop, &c->soon);
}

static void
on_soon(struct loop_task *t)
{
	struct check *c = list_entry(t, struct check, soon);

	c->todo(c);
}

/* --- the end -------------------------------------------------------------- */

static void
finish_check(struct check *c)
{
	for (enum check_stage s = c->next; s < CHECK_STAGES; s++)
		if (s != CHECK_SEND || c->send_to != NULL)
			skip(c, s,
			    s == CHECK_MAIL && c->worst <= CHECK_NOTE
				? "the account has no address of its own"
				: "not tried");
	c->hooks.over(c->hooks.ctx, c->worst); /* which may free it */
}

static void
on_fetched(void *ctx, const struct fetched *got)
{
	struct check *c = ctx;
	struct check_result r = { .stage = CHECK_SECRET,
		.verdict = got->secret != NULL         ? CHECK_OK
			   : got->result == CRED_LATER ? CHECK_LATER
						       : CHECK_PERSON,
		.took_ms = loop_now_ms(c->loop) - c->fetch_ms };

	c->fetch = NULL;
	if (got->secret != NULL)
		check_result_secret(&r, c->secret_from, &got->facts,
		    clock_wall_ms(loop_clock(c->loop)) / 1000);
	else
		(void)snprintf(r.seen, sizeof(r.seen), "%s", got->err.text);
	report_result(c, &r);
	later(c, finish_check);
}

/* Whether the secret can be had does not depend on the network. */
static void
end(struct check *c)
{
	if (c->next > CHECK_SECRET || !c->account->wants_auth ||
	    str_eq(c->account->auth, "EXTERNAL")) {
		finish_check(c);
		return;
	}
	for (enum check_stage s = c->next; s < CHECK_SECRET; s++)
		skip(c, s, "not tried");
	c->fetch_ms = loop_now_ms(c->loop);
	c->fetch = fetch_new(c->loop, c->account,
	    (struct cred_wish) { CRED_USE, 0 }, on_fetched, c);
}

/* --- one way after the other ---------------------------------------------- */

static void connect_way(struct check *c);

/* Nothing works on this port; another one may be left. */
static void
way_failed(struct check *c, const struct check_talk_end *e)
{
	struct check_result r = e->failure;
	bool has_next = c->at + 1 < c->nways && c->talks < TALKS_MAX;

	if (has_next && e->fault != CHECK_TALK_FAILED) {
		enum check_stage next = c->next;

		r.verdict = CHECK_NOTE;
		report_result(c, &r);
		c->next = next < CHECK_TLS ? next : CHECK_TLS;
		c->at++;
		later(c, connect_way);
		return;
	}
	on_told(c, &r);
	if (e->has_secret && c->next <= CHECK_SECRET)
		c->next = CHECK_SECRET + 1;
	later(c, end);
}

/* TLS bytes where a greeting was due: the port works, with another setting. */
static void
probed(struct check *c, const struct check_talk_end *e)
{
	c->is_probing = false;
	if (e->has_spoken_tls) {
		struct check_result *r = &c->silent.failure;

		r->stage = CHECK_TLS;
		r->verdict = CHECK_PERSON;
		(void)snprintf(r->seen, sizeof(r->seen),
		    "the port speaks TLS at once instead of a greeting in "
		    "clear text");
		(void)snprintf(r->advice, sizeof(r->advice),
		    "set tls = implicit; if the provider says that this port "
		    "wants STARTTLS, the connection is intercepted");
	}
	way_failed(c, &c->silent);
}

static void
on_talk_over(void *ctx, const struct check_talk_end *e)
{
	struct check *c = ctx;
	struct check_talk_end got = *e;

	check_talk_free(c->talk);
	c->talk = NULL;
	if (c->is_probing) {
		probed(c, &got);
		return;
	}
	switch (got.fault) {
	case CHECK_TALK_FINE:
		later(c, end);
		break;
	case CHECK_TALK_ANOTHER_NAME:
		c->names_refused = got.names_refused;
		later(c, connect_way);
		break;
	case CHECK_TALK_SILENT:
		if (c->ways[c->at].port.tls == SC_TLS_STARTTLS) {
			c->silent = got;
			c->is_probing = true;
			later(c, connect_way);
			break;
		}
		/* fallthrough */
	case CHECK_TALK_FAILED:
	case CHECK_TALK_WRONG_PORT:
		way_failed(c, &got);
		break;
	}
}

static void
talk(struct check *c, struct stream *stream)
{
	const struct check_way *way = &c->ways[c->at];
	struct check_talk_opts opts = { .account = c->account,
		.secret_from = c->secret_from,
		.send_to = c->send_to,
		.rng = c->rng,
		.port = way->port,
		.family = way->family,
		.stream = stream,
		.names_refused = c->names_refused,
		.is_tls_probe = c->is_probing,
		.step_ms = c->step_ms };
	struct check_talk_hooks hooks = { on_told, on_talk_over, c };

	if (c->is_probing) {
		opts.port.tls = SC_TLS_IMPLICIT;
		opts.step_ms = c->connect_ms;
	}
	c->talks++;
	c->talk = check_talk_new(c->loop, &opts, &hooks);
}

static void
on_dialled(void *ctx, const struct dial_result *res)
{
	struct check *c = ctx;
	struct check_talk_end lost = { .fault = CHECK_TALK_WRONG_PORT,
		.failure = { .stage = CHECK_TCP,
		    .verdict = CHECK_LATER,
		    .port = c->ways[c->at].port.port } };

	dial_free(c->dial);
	c->dial = NULL;
	if (res->fault == DIAL_OK) {
		talk(c, res->stream);
		return;
	}
	if (c->is_probing) {
		c->is_probing = false;
		way_failed(c, &c->silent);
		return;
	}
	(void)snprintf(
	    lost.failure.seen, sizeof(lost.failure.seen), "%s", res->err.text);
	way_failed(c, &lost);
}

static void
connect_way(struct check *c)
{
	c->dial = dial_new(c->loop, c->account->host, c->ways[c->at].port.port,
	    c->connect_ms, on_dialled, c);
}

static void
on_reach_over(void *ctx, struct check_way *ways, size_t n)
{
	struct check *c = ctx;

	for (; c->nways < n; c->nways++)
		c->ways[c->nways] = ways[c->nways];
	check_reach_free(c->reach);
	c->reach = NULL;
	if (n == 0)
		later(c, end);
	else
		talk(c, c->ways[0].stream);
}

/* --- life ----------------------------------------------------------------- */

static char *
copy_string(const char *s)
{
	return s != NULL ? xstrdup(s) : NULL;
}

struct check *
check_new(struct loop *l, const struct check_opts *opts,
    const struct check_hooks *hooks)
{
	struct check *c = xcalloc(1, sizeof(*c));
	struct check_reach_hooks of_reach = { on_told, on_reach_over, c };
	struct check_reach_opts reach;

	c->loop = l;
	c->account = account_opts_ref(opts->account);
	c->secret_from = copy_string(opts->secret_from);
	c->send_to = copy_string(opts->send_to);
	c->witness = copy_string(opts->witness);
	c->rng = opts->rng;
	c->connect_ms = opts->connect_ms != 0 ? opts->connect_ms
					      : CHECK_CONNECT_MS;
	c->step_ms = opts->step_ms != 0 ? opts->step_ms : CHECK_STEP_MS;
	c->hooks = *hooks;
	loop_task_init(&c->soon, on_soon);
	reach = (struct check_reach_opts) { .host = c->account->host,
		.ports = c->account->ports,
		.nports = c->account->nports,
		.witness = c->witness,
		.connect_ms = c->connect_ms };
	c->reach = check_reach_new(l, &reach, &of_reach);
	return c;
}

void
check_free(struct check *c)
{
	if (c == NULL)
		return;
	check_reach_free(c->reach);
	check_talk_free(c->talk);
	dial_free(c->dial);
	fetch_forget(c->fetch);
	loop_soon_cancel(&c->soon);
	account_opts_free(c->account);
	free(c->secret_from);
	free(c->send_to);
	free(c->witness);
	free(c);
}

const char *
check_witness(const char *host)
{
	return strcmp(host, "smtp.gmail.com") == 0 ? "smtp.fastmail.com"
						   : "smtp.gmail.com";
}
