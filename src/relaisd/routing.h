/* SPDX-License-Identifier: GPL-3.0-or-later */
/* routing.h - the configuration in force, and the account that a message goes
 * through.
 *
 * Turns settings into the options of accounts, and decides which account a
 * message goes through: the one that the rules name, or its fallback while that
 * account is unavailable.
 *
 * A reload replaces the configuration.  Everything that was begun with the old
 * one, such as a message or the fetch of a secret, keeps a reference to it
 * until it is done.
 */
#ifndef RELAISD_ROUTING_H
#define RELAISD_ROUTING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct accounts;
struct bytes;
struct conf;
struct conf_account;
struct envelope;
struct link;
struct queue;
struct routing;

/* Borrows all arguments. */
struct routing *routing_new(
    struct accounts *accounts, struct queue *queue, struct link *link);
void routing_free(struct routing *r);

/* Puts a configuration in force: its accounts begin or continue.  Takes a
 * reference to conf.  Waiting mail is routed again if it might take another
 * account. */
void routing_set(struct routing *r, struct conf *conf);

/* The configuration in force; borrowed. */
struct conf *routing_conf(const struct routing *r);

/* -1: certificates or keys of this account cannot be read.  Reads files. */
int routing_check_tls(const struct conf_account *a, struct err *err);

/* True: both check certificates, and show a client certificate, in the same
 * way. */
bool routing_same_tls(
    const struct conf_account *a, const struct conf_account *b);

/* The handle of the account that the rules name, or of its fallback while it is
 * away (one step: the fallback's own fallback is not considered); -1: no rule
 * names one. */
int routing_account(const struct routing *r, const struct envelope *env);
/* Routes all waiting mail again when an account with a fallback goes away or
 * may try again.  Returns when to call again (boot clock). */
int64_t routing_watch_spares(struct routing *r);

#endif
