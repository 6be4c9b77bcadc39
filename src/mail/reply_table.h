/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reply_table.h - reads the table of replies and their meaning from a text
 * file.
 *
 * The shipped text is src/mail/replies, whose header describes the format.  The
 * user's own rows have the same format.  mail/diagnosis.h looks into both.
 *
 * Pure.
 */
#ifndef MAIL_REPLY_TABLE_H
#define MAIL_REPLY_TABLE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/must.h"
#include "mail/diagnosis.h"

struct reply_table;

/* Parses a table.  base: the table of providers that the text itself does not
 * define, or NULL.  text and base are borrowed.  -1: err has the line, counted
 * from 1, and what is wrong there; nothing of the text can be used. */
int reply_table_parse(struct bytes text, const struct reply_table *base,
    struct reply_table **ret, struct err *err) MUST_CHECK;
void reply_table_free(struct reply_table *t);

/* True: host belongs to a provider that the table knows. */
bool reply_table_knows(const struct reply_table *t, const char *host);

/* Finds the first row that fits; host as for diagnose().  False: none fits. */
bool reply_table_find(const struct reply_table *t, const struct verdict *v,
    const char *host, struct diagnosis *ret);

#endif
