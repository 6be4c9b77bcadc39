/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "account/account_opts.h"
#include "base/str.h"
#include "check/check.h"
#include "cred/cred.h"
#include "net/loop.h"
#include "relais-setup/dialogue.h"
#include "relais-setup/setup.h"
#include "sys/clock_sys.h"
#include "sys/said.h"

/* A server that stands for the rest of the world: if it cannot be reached
 * either, it is this line. */
#define WITNESS "smtp.gmail.com"

struct trial {
	struct setup *s;
	struct loop *loop;
	enum check_verdict worst;
	bool is_refused;
	json_t *results;
};

static enum cred_result
give_secret(const void *ctx, const struct cred_wish *wish, struct secret **ret,
    struct cred_facts *facts, struct err *err)
{
	const struct setup *s = ctx;

	(void)wish;
	(void)facts;
	(void)err;
	*ret = secret_dup(s->secret);
	return CRED_OK;
}

/* What was told before is not told again. */
static void
show_result(const struct setup *s, const struct check_result *r)
{
	struct buf line;
	char *advice;

	if (r->verdict == CHECK_SKIPPED ||
	    (s->has_tried && r->stage < CHECK_SECRET &&
		r->verdict <= CHECK_NOTE))
		return;
	buf_init(&line, 2000);
	check_result_line(r, &line);
	dialogue_say("  %s", buf_str(&line));
	if (r->advice[0] != '\0') {
		advice = said(r->advice);
		dialogue_say("    %s", advice);
		free(advice);
	}
	buf_clear(&line);
}

static void
on_result(void *ctx, const struct check_result *r)
{
	struct trial *t = ctx;

	(void)json_array_append_new(t->results, check_result_json(r));
	t->worst = check_worse(t->worst, r->verdict);
	if (r->stage == CHECK_AUTH && r->verdict == CHECK_PERSON)
		t->is_refused = true;
	show_result(t->s, r);
	/* Without a login the rest has nothing to say. */
	if (t->s->secret == NULL && t->s->args.send_to == NULL &&
	    r->stage == CHECK_EHLO)
		loop_stop(t->loop);
}

static void
on_over(void *ctx, enum check_verdict worst)
{
	struct trial *t = ctx;

	t->worst = worst;
	loop_stop(t->loop);
}

static struct account_opts *
make_opts(struct setup *s)
{
	static const enum sc_tls tls[] = {
		[CONF_TLS_STARTTLS] = SC_TLS_STARTTLS,
		[CONF_TLS_IMPLICIT] = SC_TLS_IMPLICIT,
		[CONF_TLS_OFF] = SC_TLS_OFF,
	};
	size_t n;
	const struct conf_port *ports = setup_ports(s, &n);
	struct account_opts o = {
		.name = s->account,
		.host = setup_host(s),
		.nports = n,
		.tls = { .ca_file = s->args.tls_ca_file },
		.wants_auth = s->secret != NULL,
		.user = s->secret != NULL ? s->user : NULL,
		.identity = { .mode = IDENTITY_FORCE,
		    .address = s->address,
		    .hostname = s->hostname },
		.max_connections = 1,
		.fetch_secret = give_secret,
		.fetch_ctx = s,
	};

	for (size_t i = 0; i < n; i++)
		o.ports[i] = (struct account_port) { ports[i].port,
			tls[ports[i].tls] };
	return account_opts_new(&o);
}

static int
run_check(struct trial *t, struct err *err)
{
	struct account_opts *account = make_opts(t->s);
	struct check_opts opts = {
		.account = account,
		.secret_from = t->s->secret_from,
		.send_to = t->s->args.send_to,
		.witness = str_eq_nocase(account->host, WITNESS) ? NULL
								 : WITNESS,
		.rng = rng_sys(),
	};
	struct check_hooks hooks = { on_result, on_over, t };
	struct check *c;
	int rc = loop_new(clock_sys(), &t->loop, err);

	if (rc == 0) {
		c = check_new(t->loop, &opts, &hooks);
		loop_run(t->loop);
		check_free(c);
		IGNORE(!loop_free(t->loop)); /* we end soon */
	}
	account_opts_free(account);
	return rc;
}

enum setup_status
setup_try(struct setup *s, bool *ret_is_refused)
{
	struct trial t = { .s = s, .results = json_array() };
	struct err err = { 0 };

	if (run_check(&t, &err) != 0) {
		json_decref(t.results);
		return setup_stop(s->report, SETUP_LATER, "%s", err.text);
	}
	(void)json_object_set_new(s->report, "checks", t.results);
	*ret_is_refused = t.is_refused;
	s->has_tried = true;
	return (enum setup_status)check_exit_status(t.worst);
}
