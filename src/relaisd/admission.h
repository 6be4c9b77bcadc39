/* SPDX-License-Identifier: GPL-3.0-or-later */
/* admission.h - decides whether a user may submit, and whether an account
 * accepts the message.
 *
 * Applies the rules of the configuration in force while the client still waits.
 * Looks nothing up: the user has been looked up before (net/people.h).  Pure.
 */
#ifndef RELAISD_ADMISSION_H
#define RELAISD_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

struct accounts;
struct conf;
struct envelope;
struct person;
struct verdict;

/* The setting that forbids this user to submit, or NULL.  Users are listed by
 * name or number; an unknown user (UID_UNKNOWN, UID_HIDDEN) is on no list.
 * *ret_is_unsure: the user database does not answer, so allow_users,
 * allow_groups and the users of an account cannot be applied. */
const char *admission_bars(
    const struct conf *c, const struct person *who, bool *ret_is_unsure);

/* The maximum size to state in EHLO, before the account of a message is known:
 * that of the most generous account, by its setting and its provider's last
 * statement (RFC 1870).  accounts NULL: no provider has stated anything. */
uint64_t admission_max_size(
    const struct conf *c, const struct accounts *accounts);

/* True: no account accepts this message of e->size_bytes; *ret_why is for the
 * client. */
bool admission_refuses(const struct conf *c, const struct accounts *accounts,
    const struct envelope *e, struct verdict *ret_why);

#endif
