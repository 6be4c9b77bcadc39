/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/account_opts.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "cred/cred.h"

struct account_opts *
account_opts_new(const struct account_opts *from)
{
	struct account_opts *o = xmalloc(sizeof(*o));

	*o = *from;
	o->refs = 0;
	return o;
}

struct account_opts *
account_opts_ref(struct account_opts *o)
{
	o->refs++;
	return o;
}

void
account_opts_free(struct account_opts *o)
{
	if (o == NULL || o->refs-- > 0)
		return;
	if (o->gone != NULL)
		o->gone(o->owner);
	free(o);
}

bool
account_opts_same_user(
    const struct account_opts *a, const struct account_opts *b)
{
	return strcmp(a->host, b->host) == 0 && str_eq(a->user, b->user);
}

bool
account_opts_same_login(
    const struct account_opts *a, const struct account_opts *b)
{
	return account_opts_same_user(a, b) && a->wants_auth == b->wants_auth &&
	       a->is_token == b->is_token && str_eq(a->auth, b->auth) &&
	       (a->secret == b->secret ||
		   (a->secret != NULL && b->secret != NULL &&
		       cred_source_eq(a->secret, b->secret)));
}

bool
account_opts_same_ports(
    const struct account_opts *a, const struct account_opts *b)
{
	if (a->nports != b->nports)
		return false;
	for (size_t i = 0; i < a->nports; i++)
		if (a->ports[i].port != b->ports[i].port ||
		    a->ports[i].tls != b->ports[i].tls)
			return false;
	return true;
}

bool
account_opts_same_tls(
    const struct account_opts *a, const struct account_opts *b)
{
	for (size_t i = 0; i < TLS_PINS_MAX; i++)
		if (!str_eq(a->tls.pins[i], b->tls.pins[i]))
			return false;
	return strcmp(a->host, b->host) == 0 &&
	       str_eq(a->tls.ca_file, b->tls.ca_file) &&
	       str_eq(a->tls.cert_file, b->tls.cert_file) &&
	       str_eq(a->tls.key_file, b->tls.key_file);
}

bool
account_opts_same_way(
    const struct account_opts *a, const struct account_opts *b)
{
	return account_opts_same_login(a, b) && account_opts_same_ports(a, b) &&
	       account_opts_same_tls(a, b) &&
	       str_eq(a->ehlo_name, b->ehlo_name);
}
