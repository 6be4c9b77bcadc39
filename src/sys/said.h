/* SPDX-License-Identifier: GPL-3.0-or-later */
/* said.h - translates a sentence that was made in English elsewhere: by a
 * library of ours, or by the daemon, which speaks English to everybody.
 *
 * Such a sentence has its words filled in already, so it is compared with the
 * formats that the catalogue has (po/relais.pot, built in); what stood in place
 * of a "%s" is translated in the same way, and so are parts that "; " or ": "
 * join.  What is not recognised stays as it is.
 *
 * Does not block.  language_choose() comes first.
 */
#ifndef SYS_SAID_H
#define SYS_SAID_H

/* The caller frees it. */
char *said(const char *english);

/* For a daemon: said() in the language of language_learn(), whatever the thread
 * speaks; NULL where nothing was learnt. */
char *(*said_to_person(void))(const char *english);

#endif
