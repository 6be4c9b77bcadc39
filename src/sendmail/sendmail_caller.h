/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail_caller.h - finds the login and full name of the caller.
 *
 * It reads the password file.  Only a user who is not in it is looked up
 * through the name services, because starting them takes longer than the whole
 * rest of a submission.
 */
#ifndef SENDMAIL_SENDMAIL_CALLER_H
#define SENDMAIL_SENDMAIL_CALLER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

enum { CALLER_LOGIN_SIZE = 64, CALLER_GECOS_SIZE = 512 };

struct caller { /* longer texts are cut */
	char login[CALLER_LOGIN_SIZE]; /* "uid1000" if the user has no name */
	char gecos[CALLER_GECOS_SIZE]; /* "" if it is not known */
};

/* Blocks on the disk, or on a name service. */
void caller_find(struct caller *c, uid_t uid);

/* Fills in c from the first line of a password file that has this uid.  False:
 * there is none, and c is unchanged.  Pure. */
bool caller_from(struct caller *c, struct bytes file, uid_t uid);

#endif
