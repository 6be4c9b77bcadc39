/* SPDX-License-Identifier: GPL-3.0-or-later */
/* errand.h - what the keeper does for the worker: look-ups, secrets, alerts.
 *
 * An errand reads files, queries the machine's databases or starts a program;
 * the worker may do none of these.  The configuration decides what is done; the
 * request only names an account, event or user.
 *
 * Blocks.  The keeper runs each errand in a process of its own
 * (relaisd/keeper.c); with --one-process a worker thread runs it.
 */
#ifndef RELAISD_ERRAND_H
#define RELAISD_ERRAND_H

#include "relaisd/line.h"

struct conf;
struct cred_env;

/* False: no correct worker sends such a request.  conf may be NULL if its
 * generation is no longer known; then any account is accepted. */
bool errand_is_sound(const struct line_ask *ask, const struct conf *conf);

/* The path of an enum line_file; NULL: there is none (a log that is not a
 * file). */
struct conf_paths;
const char *errand_path(
    const struct conf_paths *p, const struct conf *conf, unsigned file);

/* Runs an errand.  ask must be sound for conf and of a kind that is
 * answered. */
void errand_run(const struct line_ask *ask, const struct conf *conf,
    const struct cred_env *env, struct line_answer *ret);
/* The answer if the errand cannot be run now. */
void errand_refuse(
    const struct line_ask *ask, const char *why, struct line_answer *ret);

#endif
