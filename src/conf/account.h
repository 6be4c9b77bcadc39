/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account.h - through which account a message goes.
 *
 * The first account, in the order of the file, whose conditions `senders`,
 * `recipients` and `users` all hold; else the default.  A condition that is
 * not set holds; `recipients` holds when every recipient still waiting matches.
 * An account that sets none is reached as the default, as a
 * spare or by its name only, because otherwise it would hide all behind it.
 * Without a default, mail that meets no condition has no account: say so to
 * whoever submits it.
 *
 * Pure: no look-up of users, no disk, no clock.
 */
#ifndef CONF_ACCOUNT_H
#define CONF_ACCOUNT_H

struct conf;
struct envelope;

/* Index into conf->accounts, or -1: there is none for it, or the account the
 * envelope asks for by name does not exist.  ret_why (may be NULL) says in
 * words how it was chosen, or what is wrong; static text. */
int conf_route(
    const struct conf *conf, const struct envelope *e, const char **ret_why);

#endif
