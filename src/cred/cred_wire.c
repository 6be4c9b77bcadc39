/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cred/cred_wire.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"

static bool
put(struct buf *to, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return true;
	return strchr(value, '\n') == NULL &&
	       buf_addf(to, "%s %s\n", key, value);
}

bool
cred_wire_put(struct buf *to, const struct cred_wire *w)
{
	return put(to, "want",
		   w->kind == CRED_KEYRING ? "keyring" : "command") &&
	       put(to, "account", w->account) &&
	       put(to, "command", w->command) && put(to, "host", w->host) &&
	       put(to, "login", w->login) &&
	       buf_addf(to, "timeout_ms %" PRId64 "\n", w->timeout_ms);
}

static bool
set(struct cred_wire *w, const char *key, const char *value)
{
	const struct {
		const char *key;
		const char **to;
	} rows[] = { { "account", &w->account }, { "command", &w->command },
		{ "host", &w->host }, { "login", &w->login } };
	uint64_t v;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(key, rows[i].key) == 0) {
			*rows[i].to = value;
			return true;
		}
	if (strcmp(key, "want") == 0) {
		w->kind = strcmp(value, "keyring") == 0   ? CRED_KEYRING
			  : strcmp(value, "command") == 0 ? CRED_COMMAND
							  : CRED_NONE;
		return w->kind != CRED_NONE;
	}
	if (strcmp(key, "timeout_ms") == 0 &&
	    num_u64_max(bytes_str(value), INT32_MAX, &v)) {
		w->timeout_ms = (int64_t)v;
		return true;
	}
	return false;
}

bool
cred_wire_parse(char *text, struct cred_wire *ret)
{
	struct cred_wire w = {
		.account = "", .command = "", .host = "", .login = ""
	};

	while (*text != '\0') {
		char *end = strchr(text, '\n');
		char *blank = strchr(text, ' ');

		if (end == NULL || blank == NULL || blank > end)
			return false;
		*end = *blank = '\0';
		if (!set(&w, text, blank + 1))
			return false;
		text = end + 1;
	}
	if (w.kind == CRED_NONE)
		return false;
	*ret = w;
	return true;
}
