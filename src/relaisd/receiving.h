/* SPDX-License-Identifier: GPL-3.0-or-later */
/* receiving.h - answers the questions of inbound (struct inbound_opts) from the
 * configuration in force (routing.h) and other parts of the daemon.
 *
 * Has the aliases, and reads them again whenever their file has changed.
 */
#ifndef RELAISD_RECEIVING_H
#define RELAISD_RECEIVING_H

#include "inbound/inbound.h"

struct accounts;
struct people;
struct receiving;
struct routing;

/* Borrows all arguments. */
struct receiving *receiving_new(const struct routing *routing,
    const struct accounts *accounts, struct people *people);
void receiving_free(struct receiving *r);

/* Another configuration is in force.  Invalid aliases are logged; the others
 * are used. */
void receiving_reload(struct receiving *r);

/* The options by the configuration in force; borrows r. */
struct inbound_opts receiving_opts(struct receiving *r);

#endif
