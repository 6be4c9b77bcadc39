/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uid.h - the user id of a client that is not known.
 */
#ifndef BASE_UID_H
#define BASE_UID_H

#include <stdbool.h>
#include <stdint.h>

/* The client is on another machine. */
#define UID_UNKNOWN UINT32_MAX
/* The client is or may be on this machine, but the kernel does not tell its
 * user, or that user is hidden by our user namespace.  All of them count as one
 * user without name or rights. */
#define UID_HIDDEN  (UINT32_MAX - 1)

static inline bool
uid_is_known(uint32_t uid)
{
	return uid < UID_HIDDEN;
}

#endif
