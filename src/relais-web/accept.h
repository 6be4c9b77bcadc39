/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accept.h - which language a browser wants (Accept-Language, RFC 9110
 * 12.5.4).
 */
#ifndef RELAIS_WEB_ACCEPT_H
#define RELAIS_WEB_ACCEPT_H

#include <stddef.h>

/* The index of the one of n languages ("en", "fr") that is wanted most; a
 * region ("fr-CA") means its language.  0 if none of them is wanted, or field
 * is NULL or makes no sense. */
size_t accept_language(const char *field, const char *const *offered, size_t n);

#endif
