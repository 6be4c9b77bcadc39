/* SPDX-License-Identifier: GPL-3.0-or-later */
/* receiving.h - takes mail in: what inbound (src/inbound) needs of the
 * configuration and of other parts of the daemon.
 *
 * It answers the questions of struct inbound_opts by the configuration in force
 * (routing.h), and has the aliases, which it reads again whenever their file
 * has changed.
 */
#ifndef RELAISD_RECEIVING_H
#define RELAISD_RECEIVING_H

#include "inbound/inbound.h"

struct accounts;
struct people;
struct receiving;
struct routing;

/* Borrows all. */
struct receiving *receiving_new(const struct routing *routing,
    const struct accounts *accounts, struct people *people);
void receiving_free(struct receiving *r);

/* Another configuration is in force.  What is wrong with the aliases is logged;
 * the others hold. */
void receiving_reload(struct receiving *r);

/* By the configuration in force; borrows r. */
struct inbound_opts receiving_opts(struct receiving *r);

#endif
