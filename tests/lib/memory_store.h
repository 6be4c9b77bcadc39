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
/* From now on the queue takes it for one behind a network (store.h): it writes
 * and reads by jobs only. */
static inline void
memory_store_is_remote(struct store *s)
{
	s->is_remote = true;
}
/* What asks for a message, or changes one, fails with this class; ERR_LOST: all
 * are another's; ERR_NONE: nothing fails. */
void memory_store_fail(struct store *s, enum err_class class);
/* Whose turn at shared facts comes next, and when; live is borrowed. */
void memory_store_turn(struct store *s, const struct share_turn *turn);
/* Another relay asks for that; what became of the n-th that was asked. */
void memory_store_ask(struct store *s, const char *id, enum store_wish what);
enum store_answer memory_store_answer(const struct store *s, size_t n);
/* What the queue said of itself at its last heartbeat. */
const struct store_counts *memory_store_counts(const struct store *s);
/* The journal of this message has the text. */
bool memory_store_has(struct store *s, const char *id, const char *text);
/* Messages in a place, whole ones. */
size_t memory_store_count(const struct store *s, enum store_place place);

#endif
