/* SPDX-License-Identifier: GPL-3.0-or-later */
/* userns.h - whom the user namespace of this process does not show.
 *
 * In a user namespace (a container, PrivateUsers=yes of systemd) the files and
 * clients of all users whom its map lacks have one uid in common, and so has
 * root, if the map lacks root.
 */
#ifndef SYS_USERNS_H
#define SYS_USERNS_H

#include <stdbool.h>
#include <stdint.h>

#define USERNS_SHOWS_ALL UINT32_MAX

struct userns {
	/* The uid that stands for all who are not shown.  USERNS_SHOWS_ALL:
	 * everybody is shown; or that uid is a user of this namespace as well,
	 * often "nobody", and is taken for that user. */
	uint32_t hidden;
	/* The map has nobody but root and the user of this process.  Then the
	 * others whom it hides may be users of this machine like us.  A
	 * container has a map of its own users, and whom that hides is outside
	 * of the container. */
	bool is_own;
	/* If so, the home folder of our user, and where links in it lead. */
	char home[256], real_home[256];
};

/* Looks once, and remembers, because a sandbox closes /proc and the user
 * database.  Ask before that, and before there is a second thread.  Blocks on
 * the user database. */
const struct userns *userns_here(void);
/* Again: this process has entered another one. */
void userns_look(void);

#endif
