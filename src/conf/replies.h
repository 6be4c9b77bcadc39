/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replies.h - reads the user's own rows about the meaning of replies.
 *
 * The file is beside relais.conf and has the format of src/mail/replies.  Its
 * rows come before the shipped ones (mail/diagnosis.h).
 *
 * Blocks on the disk.
 */
#ifndef CONF_REPLIES_H
#define CONF_REPLIES_H

#include "base/err.h"
#include "base/must.h"

struct replies;

/* *ret is NULL if the file does not exist.  -1: it cannot be read or has an
 * invalid line, which err names; only the shipped rows are used. */
int replies_load(
    const char *file, struct replies **ret, struct err *err) MUST_CHECK;
void replies_free(struct replies *r);

/* Uses these rows from now on; NULL: none.  r must stay until the next call. */
void replies_use(const struct replies *r);

#endif
