/* SPDX-License-Identifier: GPL-3.0-or-later */
/* attack.h - attempts of an attacker who executes code in the worker.
 *
 * Compiled only with --enable-attack, for tests/fault/fortress.sh.
 */
#ifndef RELAISD_ATTACK_H
#define RELAISD_ATTACK_H

#include <stdint.h>

/* Makes one attempt.  target: a path, a port, or "".  next: the number that the
 * next struct line_ask must have.  0: it succeeded; else errno, or ENOENT for
 * an unknown name. */
int attack(const char *name, const char *target, uint32_t next);

#endif
