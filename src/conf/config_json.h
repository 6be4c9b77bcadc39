/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config_json.h - writes the configuration in force as JSON, for `relais
 * config`.
 *
 *	{ "file": PATH, "sections": [ { "kind": "account", "name": "work",
 *	  "settings": { NAME: TEXT, ... } }, ... ] }
 *
 * Names and order are those of the option table (conf/setting.h), values are
 * written as the file would have them, defaults and presets filled in.  A
 * setting without a value is left out.  For a secret the source is shown and
 * never the secret.
 */
#ifndef CONF_CONFIG_JSON_H
#define CONF_CONFIG_JSON_H

#include <jansson.h>

struct conf;

/* The caller frees it with json_decref(). */
json_t *config_json(const struct conf *c);

/* One value as it would be written; nothing if it is not set. */
struct buf;
struct setting;
void config_value(struct buf *to, const struct setting *st, const void *base,
    const struct conf *c);

#endif
