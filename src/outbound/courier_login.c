/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/courier_login.h"

#include <string.h>

#include "account/account.h"
#include "base/secret.h"
#include "base/str.h"
#include "net/stream.h"
#include "outbound/derive.h"
#include "outbound/login.h"
#include "sasl/sasl_login.h"
#include "tls/tls_pipe.h"

/* --- names ---------------------------------------------------------------- */

static bool
is_full_name(const char *name)
{
	return name != NULL && strchr(name, '.') != NULL &&
	       !bytes_has_prefix_nocase(bytes_str(name), "localhost");
}

/* The configured name; the address literal, which Thunderbird uses and most
 * servers accept, while many refuse a bare local name; and the machine's own
 * name, if it is a full name.  If a server refuses one, the next is tried.  The
 * order is fixed, because the refused ones are remembered by number. */
void
courier_login_names(struct courier_login *l, const struct account_opts *o,
    struct smtp_client_opts *ret)
{
	const char *full = o->identity.hostname;
	size_t n = 0;

	if (!is_full_name(full) ||
	    (o->ehlo_name != NULL && str_eq_nocase(full, o->ehlo_name)))
		full = NULL;
	ret->ehlo_name = o->ehlo_name != NULL ? o->ehlo_name : l->literal;
	if (o->ehlo_name != NULL)
		ret->ehlo_others[n++] = l->literal;
	if (full != NULL)
		ret->ehlo_others[n++] = full;
	l->names = (2u << n) - 1;
	l->names_refused = ret->ehlo_refused;
}

bool
courier_login_may_say_another_name(
    const struct courier_login *l, const struct sc_info *info)
{
	unsigned refused = smtp_client_ehlo_refused(l->smtp);

	return refused != l->names_refused && (l->names & ~refused) != 0 &&
	       (info->trouble == SC_TROUBLE_NAME ||
		   (info->verdict.stage == STAGE_EHLO &&
		       (info->trouble == SC_TROUBLE_LOST ||
			   info->trouble == SC_TROUBLE_REFUSED)));
}

/* --- the login ------------------------------------------------------------ */

static void on_fetched(void *ctx, const struct fetched *got);
static void on_derived(void *ctx, const struct sasl_key *k);

/* Those in force for the account, or what a check logs in with. */
static struct account_opts *
options(const struct courier_login *l)
{
	return l->account != NULL ? account_options(l->account) : l->opts;
}

/* Fetches or derives what the login needs next. */
static void
help(struct courier_login *l, enum sasl_act act)
{
	if (act == SASL_FETCH)
		l->fetch = fetch_new(l->loop, options(l),
		    l->account != NULL ? account_wish(l->account)
				       : (struct cred_wish) { CRED_USE, 0 },
		    on_fetched, l);
	else if (act == SASL_DERIVE)
		l->derive = derive_new(
		    l->loop, sasl_login_take_key(l->sasl), on_derived, l);
}

/* A token server that is away comes back; with a password, a person may have to
 * unlock something, and should hear of it. */
static enum sc_trouble
trouble_of(const struct courier_login *l, const struct fetched *got)
{
	const struct cred_source *s = options(l)->secret;

	return got->result == CRED_LATER && s != NULL && s->kind == CRED_OAUTH
		   ? SC_TROUBLE_AUTH_LATER
		   : SC_TROUBLE_CRED;
}

static void
on_fetched(void *ctx, const struct fetched *got)
{
	struct courier_login *l = ctx;
	struct bytes binding = { "", 0 };
	const char *type = NULL;
	struct verdict v;

	l->fetch = NULL;
	if (stream_tls(l->stream) != NULL)
		type = tls_pipe_binding(stream_tls(l->stream), &binding);
	if (l->account != NULL)
		account_fetched(l->account, got);
	if (got->secret != NULL) {
		l->secret = secret_dup(got->secret);
		l->facts = got->facts;
		sasl_login_secret(l->sasl, got->secret, type, binding);
		help(l, login_go_on(l->sasl, l->smtp));
	} else {
		verdict_local(
		    &v, VERDICT_LATER, STAGE_LOCAL, 0, NULL, got->err.text);
		smtp_client_no_login(l->smtp, trouble_of(l, got), &v);
	}
	l->go_on(l->ctx);
}

static void
on_derived(void *ctx, const struct sasl_key *k)
{
	struct courier_login *l = ctx;

	l->derive = NULL;
	sasl_login_keyed(l->sasl, k);
	help(l, login_go_on(l->sasl, l->smtp));
	l->go_on(l->ctx);
}

void
courier_login_begin(struct courier_login *l, struct account_opts *o, int port)
{
	l->opts = o;
	if (o->wants_auth)
		l->sasl = sasl_login_new(
		    &(struct sasl_login_opts) { .user = o->user,
			.allowed = o->auth,
			.is_token = o->is_token,
			.host = o->host,
			.port = port });
}

void
courier_login_event(
    struct courier_login *l, enum sc_event ev, const struct sc_info *info)
{
	help(l, login_event(l->sasl, l->smtp, ev, info));
}

bool
courier_login_is_asking(const struct courier_login *l)
{
	return l->secret != NULL;
}

void
courier_login_forget(struct courier_login *l)
{
	sasl_login_free(l->sasl);
	l->sasl = NULL;
	secret_free(l->secret);
	l->secret = NULL;
}

void
courier_login_clear(struct courier_login *l)
{
	fetch_forget(l->fetch);
	derive_forget(l->derive);
	courier_login_forget(l);
}
