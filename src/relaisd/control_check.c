/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/control_check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account/accounts.h"
#include "base/secret.h"
#include "base/xalloc.h"
#include "check/check.h"
#include "conf/conf.h"
#include "ctl/ctl_json.h"
#include "ctl/ctl_server.h"
#include "mail/addr.h"
#include "sys/clock_sys.h"

struct run {
	struct ctl_call *call;
	struct accounts *accounts;
	int handle;
	bool has_own_secret; /* not the configured one */
	struct check *check;
	json_t *results; /* those that were not given yet */
	bool is_over;
	enum check_verdict worst;
};

static void
run_free(void *state)
{
	struct run *r = state;

	check_free(r->check);
	json_decref(r->results);
	free(r);
}

static void
on_told(void *ctx, const struct check_result *res)
{
	struct run *r = ctx;

	(void)json_array_append_new(r->results, check_result_json(res));
	ctl_call_wake(r->call);
}

/* What a person has mended is used at once. */
static void
let_try_again(const struct run *r)
{
	struct account_status st;

	if (r->worst <= CHECK_NOTE && !r->has_own_secret &&
	    accounts_status(r->accounts, r->handle, &st) &&
	    st.state == ACCOUNT_HELD)
		accounts_flush(r->accounts, r->handle, false);
}

static void
on_over(void *ctx, enum check_verdict worst)
{
	struct run *r = ctx;

	r->is_over = true;
	r->worst = worst;
	let_try_again(r);
	ctl_call_wake(r->call);
}

/* --- another secret than the configured one ------------------------------- */

struct trial {
	struct account_opts *opts; /* with the configured one */
	struct cred_source source; /* the other one */
};

static void
trial_free(void *owner)
{
	struct trial *t = owner;

	account_opts_free(t->opts);
	cred_source_clear(&t->source);
	free(t);
}

static enum cred_result
fetch_trial(const void *ctx, const struct cred_wish *wish, struct secret **ret,
    struct cred_facts *facts, struct err *err)
{
	static const struct cred_env none = { .group = (gid_t)-1 };
	const struct trial *t = ctx;
	struct cred_request rq = { .source = &t->source,
		.account = t->opts->name,
		.host = t->opts->host,
		.login = t->opts->user,
		.wish = *wish,
		.ret_facts = facts };

	return cred_fetch(&rq, &none, ret, err);
}

/* The caller's. */
static struct account_opts *
opts_with(struct account_opts *opts, const struct cred_source *configured,
    const char *password)
{
	struct account_opts o = *opts;
	struct trial *t;

	if (password == NULL)
		return account_opts_ref(opts);
	t = xmalloc(sizeof(*t));
	t->opts = account_opts_ref(opts);
	t->source = (struct cred_source) { .kind = CRED_TEXT,
		.secret = secret_new(bytes_str(password)),
		.is_grouped = configured->is_grouped };
	o.gone = trial_free;
	o.owner = t;
	o.fetch_secret = fetch_trial;
	o.fetch_ctx = t;
	return account_opts_new(&o);
}

/* --- the beginning -------------------------------------------------------- */

/* The caller's; NULL: nothing is said. */
static char *
secret_from(const struct cred_source *s)
{
	switch (s->kind) {
	case CRED_NONE:
		return NULL;
	case CRED_TEXT:
		return xstrdup("password in the configuration");
	case CRED_FILE:
		return xasprintf("password_file %s", s->value);
	case CRED_SYSTEMD:
		return xasprintf("password_credential %s", s->value);
	case CRED_COMMAND:
		return xstrdup("password_command");
	case CRED_KEYRING:
		return xstrdup("password_keyring");
	case CRED_OAUTH:
		return xasprintf("token of oauth %s", s->value);
	}
	return NULL;
}

/* Another account's host is asked rather than a stranger's. */
static const char *
witness(const struct conf *c, const char *host)
{
	for (size_t i = 0; i < c->naccounts; i++)
		if (strcmp(c->accounts[i].host, host) != 0 &&
		    strchr(c->accounts[i].host, '.') != NULL)
			return c->accounts[i].host;
	return check_witness(host);
}

static int
account_of(const struct conf *conf, struct ctl_call *call)
{
	const char *name = ctl_json_string(ctl_call_args(call), "account");
	int i = name != NULL ? conf_account_find(conf, name)
			     : conf->default_account;

	if (i < 0 && name != NULL)
		ctl_call_refuse(call, "unknown account \"%.80s\"", name);
	else if (i < 0)
		ctl_call_refuse(call, "no account is the default: name one");
	return i;
}

static void
begin_check(struct ctl_call *call, struct loop *l, struct accounts *accounts,
    const struct conf *conf)
{
	const json_t *args = ctl_call_args(call);
	const char *password = ctl_json_string(args, "password");
	const char *send_to = json_is_true(json_object_get(args, "send"))
				  ? conf->admin
				  : ctl_json_string(args, "send");
	int i = account_of(conf, call);
	struct account_opts *opts;
	struct check_opts o;
	struct run *r;
	char *from;

	if (i < 0)
		return;
	if (send_to == NULL && json_object_get(args, "send") != NULL) {
		ctl_call_refuse(
		    call, "admin is not set in [relais]: name an address");
		return;
	}
	if (send_to != NULL && !addr_is_mailbox(bytes_str(send_to))) {
		ctl_call_refuse(call, "invalid address \"%.80s\"", send_to);
		return;
	}
	r = xcalloc(1, sizeof(*r));
	r->call = call;
	r->accounts = accounts;
	r->handle = accounts_handle(accounts, (size_t)i);
	r->has_own_secret = password != NULL;
	r->results = json_array();
	ctl_call_keep(call, r, run_free);
	ctl_call_wait(call);
	opts = opts_with(account_options(accounts_at(accounts, r->handle)),
	    &conf->accounts[i].secret, password);
	from = password != NULL ? xstrdup("as it was typed")
				: secret_from(&conf->accounts[i].secret);
	o = (struct check_opts) { .account = opts,
		.secret_from = from,
		.send_to = send_to,
		.witness = witness(conf, opts->host),
		.rng = rng_sys() };
	r->check = check_new(
	    l, &o, &(struct check_hooks) { on_told, on_over, r });
	account_opts_free(opts); /* the check has a reference */
	free(from);
}

void
control_check(struct ctl_call *call, struct loop *l, struct accounts *accounts,
    const struct conf *conf)
{
	struct run *r = ctl_call_state(call);
	json_t *result;

	if (r == NULL) {
		begin_check(call, l, accounts, conf);
		return;
	}
	for (size_t i = 0; i < json_array_size(r->results); i++)
		ctl_call_item(call, json_array_get(r->results, i));
	(void)json_array_clear(r->results);
	if (!r->is_over) {
		ctl_call_wait(call);
		return;
	}
	result = json_pack("{s:s, s:i, s:I}", "verdict",
	    r->worst <= CHECK_NOTE ? "ok" : check_verdict_name(r->worst),
	    "exit", check_exit_status(r->worst), "uid", (json_int_t)geteuid());
	ctl_call_done(call, result);
	json_decref(result);
}
