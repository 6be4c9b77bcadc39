/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replies.h - reads the user's own rows about the meaning of replies.
 *
 * They are in a file beside relais.conf, in the format of src/mail/replies, and
 * come before the shipped rows (mail/diagnosis.h).
 *
 * Blocks on the disk.
 */
#ifndef CONF_REPLIES_H
#define CONF_REPLIES_H

#include "base/err.h"
#include "base/must.h"

struct replies;

/* *ret is NULL if there is no such file.  -1: it cannot be read, or has a
 * wrong line, which err names; then only the shipped rows are used. */
int replies_load(
    const char *file, struct replies **ret, struct err *err) MUST_CHECK;
void replies_free(struct replies *r);

/* From now on these are the user's rows; NULL: there are none. */
void replies_use(const struct replies *r);

#endif
