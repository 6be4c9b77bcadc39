/* SPDX-License-Identifier: GPL-3.0-or-later */
/* intl.h - texts for people, in their language.
 *
 * For programs that a person runs.  Replies, logs, JSON and everything that the
 * daemon says are English; see "A language" in doc/HACKING.
 */
#ifndef BASE_INTL_H
#define BASE_INTL_H

#include <libintl.h>

#define _(text)  gettext(text)
/* Marks a text that is translated where it is shown. */
#define N_(text) text

#endif
