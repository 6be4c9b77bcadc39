/* SPDX-License-Identifier: GPL-3.0-or-later */
/* attack.h - what somebody would try who runs code of theirs in the worker.
 *
 * Compiled only with --enable-attack, for tests/fault/fortress.sh.
 */
#ifndef RELAISD_ATTACK_H
#define RELAISD_ATTACK_H

#include <stdint.h>

/* Tries it.  target: a path or a port, or "".  next: the number that an ask
 * must have now.  0: it worked; else errno, or ENOENT for a name that no attack
 * has. */
int attack(const char *name, const char *target, uint32_t next);

#endif
