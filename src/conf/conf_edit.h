/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conf_edit.h - changes settings in the text of a relais.conf.
 *
 * Only the lines that must change are changed: comments, order, indentation and
 * line ends stay as the administrator wrote them.  The text is read as
 * conf/conf_read.h describes; lines that mean nothing there are kept.
 *
 * A section is named without its brackets: "relais", "account work".
 *
 * Pure: text in, text out.
 */
#ifndef CONF_CONF_EDIT_H
#define CONF_CONF_EDIT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/must.h"

enum { CONF_EDIT_MAX = 1024 * 1024 };

/* Sets a value.  If the key is set already, its value is replaced and a comment
 * after it stays; a list on several lines becomes one line.  Otherwise the line
 * is added at the end of the section, and a missing section at the end of the
 * text.  -1 (ERR_CONFIG): the setting does not take this value, or the text is
 * full; the text is unchanged. */
int conf_edit_set(struct buf *text, const char *section, const char *key,
    const char *value, struct err *err) MUST_CHECK;

/* Removes every line of the section that sets the key. */
void conf_edit_unset(struct buf *text, const char *section, const char *key);

bool conf_edit_has_section(struct bytes text, const char *section);

#endif
