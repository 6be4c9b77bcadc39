/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fault_fs.h - a disk that fails when told to, over the real one.
 *
 * Counts the calls that change or may fail, fails the Nth with a chosen errno
 * (and, if asked, all after it), ends the process there, and writes down the
 * order of calls, one letter each: o open, c open that creates, w write, s sync
 * of a file, d sync of a directory, x close, t truncate, r rename, u unlink,
 * m mkdir.  Reading is neither counted nor written down.
 */
#ifndef TESTS_LIB_FAULT_FS_H
#define TESTS_LIB_FAULT_FS_H

#include <pthread.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/fs.h"

struct fault_fs {
	struct fs fs; /* give this to what is tested */
	int calls; /* counted so far */
	int nth; /* fails this one, 0: none */
	int os; /* with this errno; 0: _exit(0) instead, before the call */
	bool is_lasting; /* and every later one */
	bool dies_writing; /* _exit(0) in the middle of a write */
	const char *only; /* letters that count; NULL: all */
	bool fired;
	char fired_letter; /* the newest */
	struct buf order;
	pthread_mutex_t mutex;
};

void fault_fs_init(struct fault_fs *f);
void fault_fs_clear(struct fault_fs *f);

/* From now on: the nth call fails with os. */
void fault_fs_arm(struct fault_fs *f, int nth, int os);

#endif
