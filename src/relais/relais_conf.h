/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais_conf.h - reads a configuration file in relais(1) itself, to find the
 * control socket and to show it while no daemon runs.
 */
#ifndef RELAIS_RELAIS_CONF_H
#define RELAIS_RELAIS_CONF_H

#include <stdbool.h>

#include "base/must.h"

struct conf;
struct providers;

/* Loads a configuration; file NULL: the machine's.  -1: it cannot be read or is
 * invalid; if is_loud, every problem is printed on stderr.  The caller gives
 * *ret to conf_free(). */
int relais_conf_load(
    const char *file, bool is_loud, struct conf **ret) MUST_CHECK;

/* The shipped providers and the user's own.  NULL: the problem was printed on
 * stderr. */
struct providers *relais_providers_load(void);

#endif
