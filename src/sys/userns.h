/* SPDX-License-Identifier: GPL-3.0-or-later */
/* userns.h - which users the user namespace of this process hides.
 *
 * In a user namespace (a container, PrivateUsers=yes of systemd) all users that
 * its map lacks appear as one uid, on files and on sockets; so does root if the
 * map lacks root.
 */
#ifndef SYS_USERNS_H
#define SYS_USERNS_H

#include <stdbool.h>
#include <stdint.h>

#define USERNS_SHOWS_ALL UINT32_MAX

struct userns {
	/* The uid that stands for every hidden user.  USERNS_SHOWS_ALL: no user
	 * is hidden; or that uid is also a user of this namespace, often
	 * "nobody", and is taken for that user. */
	uint32_t hidden;
	/* The map has only root and the user of this process.  Then hidden
	 * users may be other users of this machine.  A container has a map of
	 * its own users, and hidden users are outside the container. */
	bool is_own;
	/* If is_own, the home folder of our user, and the folder that links in
	 * it lead to. */
	char home[256], real_home[256];
};

/* Looks once and remembers the result, because a sandbox closes /proc and the
 * user database.  Call it before that, and before there is a second thread.
 * Blocks on the user database. */
const struct userns *userns_here(void);
/* Looks again, because this process has entered another namespace. */
void userns_look(void);

#endif
