/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl_json.h - what goes on a control line, over jansson.
 *
 * References: what a function returns or stores in *ret is the caller's to
 * json_decref(); arguments stay the caller's.
 */
#ifndef CTL_CTL_JSON_H
#define CTL_CTL_JSON_H

#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/must.h"

/* One line.  -1: ERR_INPUT, not one JSON object. */
int ctl_json_decode(
    struct bytes line, json_t **ret, struct err *err) MUST_CHECK;

/* Appends it with the line's end.  False: no room, nothing was added. */
bool ctl_json_encode(struct buf *to, const json_t *value) MUST_CHECK;

/* Foreign text as a JSON string: as it is if it is UTF-8, else with \xNN for
 * what is not (str_escape()).  NULL becomes "". */
json_t *ctl_json_text(const char *s);
json_t *ctl_json_bytes(struct bytes b);

/* Members of an object, written straight into a buffer: for listings of a
 * hundred thousand, which jansson takes ten times as long for.  Each adds
 * `"key":value` and, unless it is the first behind a bracket, a comma in front;
 * the caller adds the brackets.  key is ours and needs no escaping; NULL is "".
 * Cut short when the buffer is full. */
void ctl_json_add_text(struct buf *to, const char *key, const char *value);
void ctl_json_add_texts(
    struct buf *to, const char *key, const char *const *values, size_t n);
void ctl_json_add_number(struct buf *to, const char *key, int64_t value);
/* What value says is JSON already. */
void ctl_json_add_raw(struct buf *to, const char *key, const char *value);

/* A member of an object if it is a string, else NULL; borrowed. */
const char *ctl_json_string(const json_t *object, const char *key);

#endif
