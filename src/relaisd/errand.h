/* SPDX-License-Identifier: GPL-3.0-or-later */
/* errand.h - what the keeper does for the worker: look-ups, secrets, alerts.
 *
 * An errand reads files, asks the machine's databases or starts a program, all
 * of which the worker may not do.  What is done follows from the configuration;
 * the ask only says for which account, event or user.
 *
 * Blocks.  The keeper runs each errand in a process of its own
 * (relaisd/keeper.c); with --one-process a worker thread runs it.
 */
#ifndef RELAISD_ERRAND_H
#define RELAISD_ERRAND_H

#include "relaisd/line.h"

struct conf;
struct cred_env;

/* False: the worker of this program does not send such an ask.  conf may be
 * NULL, if its generation is no longer known: then any account may have
 * been. */
bool errand_is_sound(const struct line_ask *ask, const struct conf *conf);

/* The path of an enum line_file; NULL: there is none, as of a log that is no
 * file. */
struct conf_paths;
const char *errand_path(
    const struct conf_paths *p, const struct conf *conf, unsigned file);

/* ask is sound for conf, and of a kind that is answered. */
void errand_run(const struct line_ask *ask, const struct conf *conf,
    const struct cred_env *env, struct line_answer *ret);
/* The answer when it cannot be run now. */
void errand_refuse(
    const struct line_ask *ask, const char *why, struct line_answer *ret);

#endif
