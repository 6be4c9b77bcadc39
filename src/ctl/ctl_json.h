/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl_json.h - encodes and decodes the JSON of a control line, with jansson.
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

/* From now on, in this process, jansson overwrites memory that it frees,
 * because a JSON value may hold a password. */
void ctl_json_wipe_freed(void);

/* Decodes one line.  -1: ERR_INPUT, not one JSON object. */
int ctl_json_decode(
    struct bytes line, json_t **ret, struct err *err) MUST_CHECK;

/* Appends the value and the end of the line.  False: no room, nothing was
 * added. */
bool ctl_json_encode(struct buf *to, const json_t *value) MUST_CHECK;

/* Text from elsewhere as a JSON string: unchanged if it is UTF-8, else with
 * \xNN for invalid bytes (str_escape()).  NULL becomes "". */
json_t *ctl_json_text(const char *s);
json_t *ctl_json_bytes(struct bytes b);

/* A message of the queue as listings present it (doc/formats/control).  Texts
 * are borrowed; account may be NULL. */
struct ctl_message {
	const char *id, *state, *sender, *rcpt, *account, *reason;
	const char *node; /* the relay that owns it; NULL: nothing is shared */
	size_t nrcpts;
	uint64_t size_bytes;
	int64_t arrived_s, now_s; /* since 1970 */
	int64_t next_s; /* seconds from now; -1: it waits for a person */
	int attempts;
	uint32_t uid;
	bool is_uncertain;
};
json_t *ctl_json_message(const struct ctl_message *m);

/* A member of an object if it is a string, else NULL; borrowed. */
const char *ctl_json_string(const json_t *object, const char *key);

#endif
