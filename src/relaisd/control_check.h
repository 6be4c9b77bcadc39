/* SPDX-License-Identifier: GPL-3.0-or-later */
/* control_check.h - the verb "check" of the control socket: tries an account as
 * the running daemon, with its user, its sandbox and its secrets.
 *
 * args: account; send, an address or true for admin's, if a real message is
 * wanted; password, to try another secret than the configured one.  The reply
 * has one item for each stage as soon as its result is known, then the result:
 * verdict and exit, as for `relais check'.
 *
 * An account that was held and passes is tried again at once.
 */
#ifndef RELAISD_CONTROL_CHECK_H
#define RELAISD_CONTROL_CHECK_H

struct accounts;
struct conf;
struct ctl_call;
struct loop;

/* Runs one step of the call. */
void control_check(struct ctl_call *call, struct loop *l,
    struct accounts *accounts, const struct conf *conf);

#endif
