/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config_json.h - the configuration in force as JSON, for `relais config`.
 *
 *	{ "file": PATH, "sections": [ { "kind": "account", "name": "work",
 *	  "settings": { NAME: TEXT, ... } }, ... ] }
 *
 * Names and order are those of the table in conf/setting.h.  Values are written
 * as in the file, with defaults and presets filled in; a setting without a
 * value is left out.  For a secret its source is shown, never the secret.
 */
#ifndef CONF_CONFIG_JSON_H
#define CONF_CONFIG_JSON_H

#include <jansson.h>

struct conf;

/* For the caller to json_decref(). */
json_t *config_json(const struct conf *c);

/* Appends one value as it would be written in the file; nothing if it is not
 * set. */
struct buf;
struct setting;
void config_value(struct buf *to, const struct setting *st, const void *base,
    const struct conf *c);

#endif
