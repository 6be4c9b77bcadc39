/* SPDX-License-Identifier: GPL-3.0-or-later */
/* era.h - one configuration and the couriers that still work by it.
 *
 * A reload begins a new era; the old one is retired and goes when its couriers
 * have finished.  Here settings become the options of outbound's pools, and
 * here it is decided which account a message goes through: the one that the
 * rules name, or its spare while that one is away (DESIGN: fallback).
 */
#ifndef PROG_ERA_H
#define PROG_ERA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

struct bytes;
struct conf;
struct conf_account;
struct cred_env;
struct envelope;
struct loop;
struct outbound;
struct queue;

struct era {
	struct list link; /* for the owner */
	struct conf *conf;
	struct outbound *outbound; /* NULL before era_begin() */
	bool is_conf_lent; /* to the listeners, which outlive it */
	struct era_fetch *fetches; /* all three: one per account */
	struct pool_opts *pools;
	bool *is_away; /* its spare has taken over */
};

/* As struct pool_opts has them; ctx goes with both. */
struct era_hooks {
	void (*alert)(void *ctx, const char *account, const char *event,
	    const char *reason);
	void (*relayed)(
	    void *ctx, const struct envelope *env, struct bytes header);
	void *ctx;
};

/* Owns conf from now on, unless is_conf_lent is set.  Borrows env. */
struct era *era_new(struct conf *conf, const struct cred_env *env,
    const struct era_hooks *hooks);
/* Its accounts go to work.  is_restart: as pool_new() has it. */
void era_begin(
    struct era *e, struct loop *loop, struct queue *queue, bool is_restart);
/* After outbound_cut() and queue_free(): frees what outbound is. */
void era_close(struct era *e);
void era_free(struct era *e);

/* Can certificates and keys of this account be read?  Reads files. */
int era_check_tls(const struct conf_account *a, struct err *err);

/* The account by the rules, or its spare while it is away (one step: a spare's
 * own spare is not asked); -1: no rule names one. */
int era_route(const struct era *e, const struct envelope *env);
/* When an account with a spare goes or may try again, all waiting mail is
 * routed anew.  Returns when to look again (boot clock). */
int64_t era_watch_spares(struct era *e, struct queue *queue);

#endif
