/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/errand.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/must.h"
#include "base/str.h"
#include "check/check.h"
#include "conf/conf.h"
#include "cred/cred.h"
#include "cred/cred_helper.h"
#include "cred/cred_run.h"
#include "net/lookup.h"
#include "net/people.h"
#include "net/probe443.h"
#include "notice/alert.h"
#include "relaisd/alert_command.h"

/* --- is it one? ----------------------------------------------------------- */

static bool
has_account(const struct conf *conf, uint32_t index)
{
	return conf == NULL || index < conf->naccounts;
}

bool
errand_is_sound(const struct line_ask *ask, const struct conf *conf)
{
	switch (ask->kind) {
	case LINE_UP:
	case LINE_ALIVE:
	case LINE_RELOAD:
	case LINE_QUIT:
	case LINE_LISTENER:
	case LINE_KEEP:
		return true;
	case LINE_OPEN:
		return ask->index < LINE_FILES;
	case LINE_LOOKUP:
	case LINE_PROBE443:
		return has_account(conf, ask->index) ||
		       ask->index >= LINE_WITNESS;
	case LINE_SECRET:
		return has_account(conf, ask->index) &&
		       ask->wish.need <= CRED_LOOK;
	case LINE_SIGN_IN:
		return ask->flow < LINE_FLOWS &&
		       has_account(conf, ask->index) &&
		       (conf == NULL ||
			   conf->accounts[ask->index].secret.kind ==
			       CRED_OAUTH);
	case LINE_USER:
		return ask->count <= 1;
	case LINE_ALERT:
		return alert_event_name(ask->event) != NULL &&
		       (ask->index == LINE_NOBODY ||
			   has_account(conf, ask->index)) &&
		       line_is_text(ask->user, sizeof(ask->user)) &&
		       line_is_text(ask->text, sizeof(ask->text));
	default:
		return false;
	}
}

const char *
errand_path(const struct conf_paths *p, const struct conf *conf, unsigned file)
{
	switch ((enum line_file)file) {
	case LINE_FILE_ALIASES:
		return conf->aliases;
	case LINE_FILE_USERS:
		return "/etc/passwd";
	case LINE_FILE_REPLIES:
		return p->replies_own;
	case LINE_FILE_PROVIDERS:
		return p->providers_own;
	case LINE_FILE_OAUTH:
		return p->oauth_own;
	case LINE_FILE_LOG:
		return conf->log[0] == '/' ? conf->log : NULL;
	case LINE_FILES:
		break;
	}
	return NULL;
}

/* --- each of them --------------------------------------------------------- */

static const char *
host_of(const struct line_ask *ask, const struct conf *conf)
{
	return ask->index == LINE_WITNESS  ? check_witness("")
	       : ask->index > LINE_WITNESS ? check_witness(check_witness(""))
					   : conf->accounts[ask->index].host;
}

static void
look_up(const struct line_ask *ask, const struct conf *conf,
    struct line_answer *ret)
{
	struct lookup_answer r;

	lookup_system(NULL, host_of(ask, conf), &r);
	ret->result = r.rc;
	ret->code = r.os;
	ret->data_n = (uint32_t)(r.n * sizeof(r.addrs[0]));
	memcpy(ret->data, r.addrs, ret->data_n);
}

static void
fetch(const struct line_ask *ask, const struct conf *conf,
    const struct cred_env *env, struct line_answer *ret)
{
	const struct conf_account *a = &conf->accounts[ask->index];
	struct cred_request rq = { .source = &a->secret,
		.account = a->name,
		.host = a->host,
		.login = a->user,
		.wish = ask->wish,
		.ret_facts = &ret->facts };
	struct secret *secret = NULL;
	struct bytes b;
	struct err err;

	err_clear(&err);
	ret->result = (int32_t)cred_fetch(&rq, env, &secret, &err);
	if (secret != NULL) {
		b = secret_bytes(secret);
		ret->data_n = (uint32_t)b.n;
		memcpy(ret->data, b.p, b.n);
	} else if (ret->result != CRED_OK) {
		ret->code = err.os;
		IGNORE(!str_copy(
		    ret->text, sizeof(ret->text), bytes_str(err.text)));
	}
	secret_free(secret);
}

static void
sign_in(const struct line_ask *ask, const struct conf *conf,
    const struct cred_env *env, struct line_answer *ret)
{
	const struct conf_account *a = &conf->accounts[ask->index];
	struct cred_request rq = { .source = &a->secret,
		.account = a->name,
		.host = a->host,
		.login = a->user };
	struct err err;
	int ends[2];

	err_clear(&err);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		(void)err_sys(&err, "socketpair");
	} else {
		if (cred_helper_sign_in(
			&rq, env, line_flows[ask->flow], ends[1], &err) == 0)
			ret->passed = ends[0];
		else
			(void)close(ends[0]); /* nothing was said */
		(void)close(ends[1]); /* the helper's */
	}
	if (ret->passed < 0)
		IGNORE(!str_copy(
		    ret->text, sizeof(ret->text), bytes_str(err.text)));
}

static void
add_word(struct line_answer *ret, const char *word)
{
	size_t n = word != NULL ? strlen(word) : 0;

	if (ret->data_n + n + 1 > LINE_TEXT_MAX)
		n = 0; /* nobody is called that */
	memcpy(ret->data + ret->data_n, word != NULL ? word : "", n);
	ret->data_n += (uint32_t)n;
	ret->data[ret->data_n++] = '\0';
}

/* A group that lets him in; one is enough. */
static const char *
group_of(const struct conf *conf, const struct person *who)
{
	for (size_t i = 0; i < who->ngroups; i++)
		for (size_t k = 0; k < conf->allow_groups.n; k++)
			if (strcmp(who->groups[i], conf->allow_groups.v[k]) ==
			    0)
				return who->groups[i];
	return NULL;
}

static void
find_user(const struct line_ask *ask, const struct conf *conf,
    struct line_answer *ret)
{
	struct person *who = person_new(ask->index);

	people_look_up(NULL, who, ask->count != 0);
	ret->is_silent = who->is_silent;
	ret->result = who->has_groups;
	add_word(ret, who->name);
	add_word(ret, who->full_name);
	add_word(ret, group_of(conf, who));
	person_free(who);
}

static void
run_alert(const struct line_ask *ask, const struct conf *conf,
    struct line_answer *ret)
{
	struct alert a = { .event = alert_event_name(ask->event),
		.account = ask->index == LINE_NOBODY
			       ? ""
			       : conf->accounts[ask->index].name,
		.user = ask->user,
		.reason = ask->text };
	struct bytes said;
	struct cred_run run;

	cred_run_init(&run);
	ret->result = (int32_t)alert_command_run(
	    &conf->alert_command, &a, ask->count, &run);
	ret->code = run.code;
	said = buf_bytes(&run.err);
	ret->data_n = (uint32_t)(said.n < LINE_TEXT_MAX ? said.n
							: LINE_TEXT_MAX);
	memcpy(ret->data, said.p, ret->data_n);
	cred_run_clear(&run);
}

static void
answer_init(struct line_answer *ret, const struct line_ask *ask)
{
	memset(ret, 0, offsetof(struct line_answer, data));
	ret->word = LINE_ANSWER;
	ret->number = ask->number;
	ret->passed = -1;
}

void
errand_run(const struct line_ask *ask, const struct conf *conf,
    const struct cred_env *env, struct line_answer *ret)
{
	answer_init(ret, ask);
	switch (ask->kind) {
	case LINE_LOOKUP:
		look_up(ask, conf, ret);
		break;
	case LINE_PROBE443:
		ret->result = (int32_t)probe443_system(
		    NULL, host_of(ask, conf));
		break;
	case LINE_SECRET:
		fetch(ask, conf, env, ret);
		break;
	case LINE_SIGN_IN:
		sign_in(ask, conf, env, ret);
		break;
	case LINE_USER:
		find_user(ask, conf, ret);
		break;
	case LINE_ALERT:
		run_alert(ask, conf, ret);
		break;
	default:
		break; /* not asked, see errand.h */
	}
}

void
errand_refuse(
    const struct line_ask *ask, const char *why, struct line_answer *ret)
{
	answer_init(ret, ask);
	ret->is_silent = 1;
	ret->result = ask->kind == LINE_LOOKUP     ? EAI_AGAIN
		      : ask->kind == LINE_PROBE443 ? (int)PROBE443_SILENT
		      : ask->kind == LINE_SECRET   ? (int)CRED_LATER
						   : (int)CRED_RAN_NOT;
	(void)snprintf(ret->text, sizeof(ret->text), "%s", why);
}
