/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inbound_hooks.h - answers the questions of inbound (struct inbound_opts) from
 * the configuration in force (routing.h) and other parts of the daemon.
 *
 * Has the aliases, and reads them again whenever their file has changed.
 */
#ifndef RELAISD_INBOUND_HOOKS_H
#define RELAISD_INBOUND_HOOKS_H

#include "inbound/inbound.h"

struct accounts;
struct people;
struct inbound_hooks;
struct routing;

/* Borrows all arguments. */
struct inbound_hooks *inbound_hooks_new(const struct routing *routing,
    const struct accounts *accounts, struct people *people);
void inbound_hooks_free(struct inbound_hooks *r);

/* Another configuration is in force.  Invalid aliases are logged; the others
 * are used. */
void inbound_hooks_reload(struct inbound_hooks *r);

/* The options by the configuration in force; borrows r. */
struct inbound_opts inbound_hooks_opts(struct inbound_hooks *r);

#endif
