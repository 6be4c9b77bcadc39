/* SPDX-License-Identifier: GPL-3.0-or-later */
/* route.h - chooses the account that sends a message.
 *
 * The first account, in the order of the file, whose conditions `senders`,
 * `recipients` and `users` all match; else the default.  A condition that is
 * not set matches; `recipients` matches if every recipient still waiting does.
 * In both user+tag counts as user, too.  An account that sets none is used only
 * as the default, as a fallback or by name, because otherwise it would hide all
 * accounts after it.  Without a default, a message that matches no account is
 * refused on submission.
 *
 * An account that is requested by name is used if its `users` match, whatever
 * its other conditions say.
 *
 * Pure: no look-up of users, no disk, no clock.
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

/* Index into conf->accounts, or -1: there is none for it, or the account the
 * envelope asks for by name does not exist.  ret_why (may be NULL) says in
 * words how it was chosen, or what is wrong; static text. */
int conf_route(
    const struct conf *conf, const struct envelope *e, const char **ret_why);

/* The same for the submitter: why there is none, in one sentence, with the
 * nearest name if one was asked for.  False: there is one. */
bool conf_route_refuses(
    const struct conf *conf, const struct envelope *e, struct buf *why);

/* Would no account take this message, of e->size_bytes?  limit: how large a
 * message this account takes, 0: any; NULL: as its settings say.  *ret_why says
 * it to the client. */
bool conf_refuses(const struct conf *conf, const struct envelope *e,
    uint64_t (*limit)(void *ctx, size_t account), void *ctx,
    struct verdict *ret_why);

/* Would both choose the account of the same name, and the same spare, for every
 * message? */
bool conf_routes_alike(const struct conf *a, const struct conf *b);

/* As whom the account sends; borrows from both. */
struct identity_opts conf_identity(
    const struct conf *conf, const struct conf_account *a);

#endif
