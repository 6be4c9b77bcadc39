/* SPDX-License-Identifier: GPL-3.0-or-later */
/* admission.h - decides whether a user may submit, and whether an account
 * accepts the message.
 *
 * It applies the rules of the configuration in force while the client still
 * waits.  It looks nothing up: the user has been looked up before
 * (net/people.h).
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

/* The setting that keeps this user out, or NULL.  Users are listed by name or
 * number; an unknown user (UID_UNKNOWN, UID_HIDDEN) is on no list.
 * Unsure: the user database does not answer, so neither allow_users and
 * allow_groups nor the users of an account can be applied. */
const char *admission_bars(
    const struct conf *c, const struct person *who, bool *ret_is_unsure);

/* What may be said in EHLO, before it is known which account a message has:
 * what the most generous one takes, by its setting and by what its provider
 * said last (RFC 1870).  accounts may be NULL: no provider has said
 * anything. */
uint64_t admission_max_size(
    const struct conf *c, const struct accounts *accounts);

/* True: no account takes this message, of e->size_bytes; *ret_why says it to
 * the client. */
bool admission_refuses(const struct conf *c, const struct accounts *accounts,
    const struct envelope *e, struct verdict *ret_why);

#endif
