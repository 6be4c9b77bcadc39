/* SPDX-License-Identifier: GPL-3.0-or-later */
/* route.h - chooses the account that sends a message.
 *
 * The message goes to the first account, in the order of the file, whose
 * conditions `senders`, `recipients` and `users` all match, or else to the
 * default account.  A condition that is not set matches; `recipients` matches
 * if every recipient that still waits does.  In senders and recipients,
 * user+tag also counts as user.  An account without conditions is used only as
 * the default, as a fallback or by name, because otherwise it would hide all
 * accounts after it.  Without a default account, a message that matches no
 * account is refused on submission.
 *
 * An account that is requested by name is used if its `users` match, whatever
 * its other conditions are.
 *
 * Pure: looks up no users, reads no disk or clock.
 */
#ifndef CONF_ROUTE_H
#define CONF_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#include "rewrite/identity.h"

struct conf;
struct conf_account;
struct envelope;
struct verdict;

/* The index of the account, or -1: no account matches, or the account that the
 * envelope names does not exist.  *ret_why (ret_why may be NULL) says how it
 * was chosen, or what is wrong; static text. */
int conf_route(
    const struct conf *conf, const struct envelope *e, const char **ret_why);

/* True: no account matches; why gets one sentence for the submitter, which
 * names the nearest account if one was requested by name. */
bool conf_route_refuses(
    const struct conf *conf, const struct envelope *e, struct buf *why);

/* True: no account takes this message of e->size_bytes; *ret_why is for the
 * client.  limit: the largest message that an account takes, 0: any; NULL: as
 * its settings say. */
bool conf_refuses(const struct conf *conf, const struct envelope *e,
    uint64_t (*limit)(void *ctx, size_t account), void *ctx,
    struct verdict *ret_why);

/* True: both choose the account of the same name, and the same fallback, for
 * every message. */
bool conf_routes_alike(const struct conf *a, const struct conf *b);

/* The identity options of an account; borrows from both. */
struct identity_opts conf_identity(
    const struct conf *conf, const struct conf_account *a);

#endif
