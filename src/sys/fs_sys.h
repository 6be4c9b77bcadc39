/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fs_sys.h - the real disk behind base/fs.h.
 *
 * Blocks; safe on any thread.  The table is constant and needs no freeing.
 */
#ifndef SYS_FS_SYS_H
#define SYS_FS_SYS_H

#include "base/fs.h"

const struct fs *fs_sys(void);

#endif
