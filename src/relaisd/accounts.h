/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accounts.h - the accounts of the configuration in force, at work.
 *
 * Here settings become the options of outbound's pools, and here it is decided
 * which account a message goes through: the one that the rules name, or its
 * spare while that one is away (DESIGN: fallback).
 *
 * A reload hands over another configuration.  Whatever is still done by an
 * older one, a message under way or a secret being fetched, holds on to that
 * one until it is done.
 */
#ifndef RELAISD_ACCOUNTS_H
#define RELAISD_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct accounts;
struct bytes;
struct conf;
struct conf_account;
struct cred_env;
struct envelope;
struct loop;
struct outbound;
struct queue;

/* As struct pool_opts has them; ctx goes with both. */
struct accounts_hooks {
	void (*alert)(void *ctx, const char *account, const char *event,
	    const char *reason);
	void (*relayed)(
	    void *ctx, const struct envelope *env, struct bytes header);
	void *ctx;
};

/* Borrows all but hooks. */
struct accounts *accounts_new(struct loop *loop, struct queue *queue,
    const struct cred_env *env, const struct accounts_hooks *hooks);
/* These go to work, or go on working.  Takes a reference to conf.  Mail is
 * routed anew if it might go elsewhere. */
void accounts_set(struct accounts *a, struct conf *conf);
/* After outbound_cut() and queue_free(). */
void accounts_free(struct accounts *a);

/* The configuration in force, and the accounts by their handles. */
const struct conf *accounts_conf(const struct accounts *a);
struct outbound *accounts_outbound(const struct accounts *a);

/* Can certificates and keys of this account be read?  Reads files. */
int accounts_check_tls(const struct conf_account *a, struct err *err);

/* Would a certificate be checked, and one of ours shown, in the same way? */
bool accounts_same_tls(
    const struct conf_account *a, const struct conf_account *b);

/* The handle of the account by the rules, or of its spare while it is away (one
 * step: a spare's own spare is not asked); -1: no rule names one. */
int accounts_route(const struct accounts *a, const struct envelope *env);
/* When an account with a spare goes or may try again, all waiting mail is
 * routed anew.  Returns when to look again (boot clock). */
int64_t accounts_watch_spares(struct accounts *a);

#endif
