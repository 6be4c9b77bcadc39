/* SPDX-License-Identifier: GPL-3.0-or-later */
/* qid.h - queue ids: the names of messages, in files, logs and commands.
 *
 * Sixteen characters of base32 (0-9 a-v, lower case): eight from the wall
 * clock in milliseconds, so that names sort by age, eight from the random
 * source.  No process id is in them (R34): they stay unique across restarts,
 * in containers and after a clock that jumped back.
 *
 * The fourth and fifth character are the folder (`queue/XX/ID`).  They change
 * every 2^15 ms, about half a minute, and come round after nine hours: a burst
 * shares one folder, and one sync of it serves many messages.
 *
 * Pure.
 */
#ifndef STORE_QID_H
#define STORE_QID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

enum { QID_LEN = 16, QID_SIZE = QID_LEN + 1 };
enum { QID_FOLDER_LEN = 2, QID_FOLDER_SIZE = QID_FOLDER_LEN + 1 };
enum { QID_FOLDERS = 1024 };

/* Makes a new id. */
void qid_make(int64_t wall_ms, const struct rng *rng, char ret[QID_SIZE]);
/* True for exactly the texts that qid_make() can produce. */
bool qid_is_valid(const char *text);

/* The folder of a valid id. */
void qid_folder(const char *id, char ret[QID_FOLDER_SIZE]);
/* qid_folder_at(): the number of the folder for ids made at this time.
 * qid_folder_name(): the name of that folder.  qid_folder_number(): the number
 * of a name; -1: not a folder. */
unsigned qid_folder_at(int64_t wall_ms);
void qid_folder_name(unsigned number, char ret[QID_FOLDER_SIZE]);
int qid_folder_number(const char *name);

#endif
