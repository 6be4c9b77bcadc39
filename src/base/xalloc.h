/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xalloc.h - allocation that cannot fail.
 *
 * On exhaustion the process aborts.  That is safe here, and only here: nothing
 * is promised before the provider or the disk has it, so a restart loses
 * nothing.  No peer may cause a large allocation: what a peer fills is a
 * struct buf (base/buf.h) with a maximum.
 *
 * The caller owns the result and gives it to free().
 */
#ifndef BASE_XALLOC_H
#define BASE_XALLOC_H

#include <stddef.h>

void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t count, size_t size); /* checks the product */
char *xstrdup(const char *s); /* NULL for NULL */
char *xstrndup(const char *s, size_t n);
/* Returns to the system what a process at rest does not need: freed memory
 * between allocations, which the C library keeps until asked (glibc), and pages
 * of the program and its libraries, which come again from the system's cache of
 * their files.  Takes milliseconds. */
void xtrim(void);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
