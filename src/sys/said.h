/* SPDX-License-Identifier: GPL-3.0-or-later */
/* said.h - translates a sentence that was made in English elsewhere: by a
 * library of ours, or by the daemon, which always speaks English.
 *
 * Such a sentence has its arguments filled in already, so it is compared with
 * the formats in the catalogue (po/relais.pot, built in).  The text in place of
 * a "%s" is translated in the same way, and so are parts joined by "; " or ":
 * ".  A sentence that is not recognised stays as it is.
 *
 * Does not block.  language_choose() must be called first.
 */
#ifndef SYS_SAID_H
#define SYS_SAID_H

/* Returns the translation, for the caller to free. */
char *said(const char *english);

/* For a daemon: said() in the language of language_learn(), whatever the thread
 * speaks; NULL if no language was learnt. */
char *(*said_to_person(void))(const char *english);

#endif
