/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais_shared.h - lets relais(1) use the database of a shared queue
 * itself.
 */
#ifndef RELAIS_RELAIS_SHARED_H
#define RELAIS_RELAIS_SHARED_H

#include "base/err.h"
#include "base/must.h"

struct conf;
struct store_module;

/* Loads the module of the configuration.  Root becomes the daemon's user for
 * good first, so that what works here works for the daemon. */
int relais_shared(const struct conf *c, const struct store_module **ret,
    struct err *err) MUST_CHECK;

#endif
