/* SPDX-License-Identifier: GPL-3.0-or-later */
/* database.h - a PostgreSQL server of the tests' own, which TEST_STORE in the
 * environment names as its superuser (tests/e2e/stores.sh); it has the tables
 * of relais.  Any failure to speak with it aborts.
 */
#ifndef TESTS_LIB_DATABASE_H
#define TESTS_LIB_DATABASE_H

#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"

struct store;

/* The number that these statements answer with, 0 if there is none; over a
 * connection of its own.  The text has no quotation marks ("). */
size_t database_ask(const char *sql);
void database_empty(void);
/* A relay of this name enters, with its spool in dir. */
int database_open(const char *node, const char *dir, const struct fs *fs,
    const struct clock *clock, struct store **ret, struct err *err);

#endif
