/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory_store.h - a store without a disk, for tests of what is above it.
 *
 * It keeps the very bytes that the spool does, header and journal, and reads
 * them with the same functions.  For one thread.
 */
#ifndef TESTS_LIB_MEMORY_STORE_H
#define TESTS_LIB_MEMORY_STORE_H

#include "store/store.h"

/* store_free() forgets all. */
struct store *memory_store_new(void);
/* Messages in a place, whole ones. */
size_t memory_store_count(const struct store *s, enum store_place place);

#endif
