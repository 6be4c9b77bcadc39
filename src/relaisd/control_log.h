/* SPDX-License-Identifier: GPL-3.0-or-later */
/* control_log.h - the control verb "log": what became of messages.
 *
 * An ordinary user sees only their own.  doc/formats/control has arguments and
 * items.
 */
#ifndef RELAISD_CONTROL_LOG_H
#define RELAISD_CONTROL_LOG_H

struct ctl_call;
struct store_queries;
struct loop;
struct recorder;
struct store;

/* Runs one step of the call. */
void control_log(struct ctl_call *call, struct loop *l,
    struct recorder *recorder, struct store *store,
    struct store_queries *queries);

#endif
