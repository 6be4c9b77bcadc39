/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trust.h - decides whether relais may trust the content of a file.
 *
 * A configuration, a secret or a key is believed only if nobody but root and
 * the user of the daemon can change or replace it.  The mode of the file is not
 * enough: a user who can write to a folder on its path can put another file in
 * its place.
 *
 * Blocks on the disk.
 */
#ifndef SYS_TRUST_H
#define SYS_TRUST_H

#include <sys/types.h>

#include "base/err.h"
#include "base/must.h"

/* Follows the path from the root as the kernel would, links included.  Every
 * folder, every link and the file itself must belong to root, to this process
 * or to uid; the file must not be writable by others, nor any folder unless it
 * is sticky.  Links are allowed if their owner is, because Kubernetes and NixOS
 * make them.
 *
 * In a user namespace with only its own user (userns.h), a hidden owner counts
 * as root only at the parents of the home folder, at /run/user, below /etc and
 * /usr and in the stores of Nix and Guix.  In a container, folders of a hidden
 * owner belong to the outside and are allowed.
 *
 * 0 also if the path ends early, because something does not exist or is closed
 * to us: the code that opens the file reports that.  -1 (ERR_CONFIG): the
 * sentence names what is wrong and what to type. */
int trust_file(const char *path, uid_t uid, struct err *err) MUST_CHECK;

#endif
