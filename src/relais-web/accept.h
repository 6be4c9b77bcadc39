/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accept.h - finds the language that a browser wants (Accept-Language, RFC 9110
 * 12.5.4).
 *
 * Pure.
 */
#ifndef RELAIS_WEB_ACCEPT_H
#define RELAIS_WEB_ACCEPT_H

#include <stddef.h>

/* The index of the language, of n offered ones ("en", "fr"), that is wanted
 * most; a region ("fr-CA") counts as its language.  0 if none of them is
 * wanted, or if field is NULL or invalid. */
size_t accept_language(const char *field, const char *const *offered, size_t n);

#endif
