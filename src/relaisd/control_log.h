/* SPDX-License-Identifier: GPL-3.0-or-later */
/* control_log.h - the control verb "log": what became of messages.
 *
 * An ordinary user is shown their own.  Arguments and items:
 * doc/formats/control.
 */
#ifndef RELAISD_CONTROL_LOG_H
#define RELAISD_CONTROL_LOG_H

struct ctl_call;
struct fars;
struct loop;
struct recorder;
struct store;

/* Each time that the verb is run. */
void control_log(struct ctl_call *call, struct loop *l,
    struct recorder *recorder, struct store *store, struct fars *fars);

#endif
