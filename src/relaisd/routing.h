/* SPDX-License-Identifier: GPL-3.0-or-later */
/* routing.h - the configuration in force, and the account that a message goes
 * through.
 *
 * It turns settings into the options of the accounts, and decides which account
 * a message goes through: the one that the rules name, or its fallback while
 * that account is unavailable.
 *
 * A reload hands over another configuration.  Whatever is still done by an
 * older one, a message under way or a secret being fetched, holds on to that
 * one until it is done.
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

/* Borrows all. */
struct routing *routing_new(
    struct accounts *accounts, struct queue *queue, struct link *link);
void routing_free(struct routing *r);

/* These accounts go to work, or go on working.  Takes a reference to conf.
 * Mail is routed anew if it might go elsewhere. */
void routing_set(struct routing *r, struct conf *conf);

/* The configuration in force. */
struct conf *routing_conf(const struct routing *r);

/* Can certificates and keys of this account be read?  Reads files. */
int routing_check_tls(const struct conf_account *a, struct err *err);

/* Would a certificate be checked, and one of ours shown, in the same way? */
bool routing_same_tls(
    const struct conf_account *a, const struct conf_account *b);

/* The handle of the account by the rules, or of its spare while it is away (one
 * step: a spare's own spare is not asked); -1: no rule names one. */
int routing_account(const struct routing *r, const struct envelope *env);
/* When an account with a spare goes or may try again, all waiting mail is
 * routed anew.  Returns when to look again (boot clock). */
int64_t routing_watch_spares(struct routing *r);

#endif
