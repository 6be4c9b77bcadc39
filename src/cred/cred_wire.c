/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cred/cred_wire.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/str.h"

static bool
put_pair(struct buf *to, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return true;
	return strchr(value, '\n') == NULL &&
	       buf_addf(to, "%s %s\n", key, value);
}

static bool
put_oauth(struct buf *to, const struct cred_wire *w)
{
	bool ok = buf_addf(to,
		      "need %d\nrefused %" PRIu64 "\ngroup %" PRIu32 "\n",
		      (int)w->need, w->refused, (uint32_t)w->group) &&
		  put_pair(to, "credentials", w->credentials);

	for (size_t i = 0; ok && i < CRED_OAUTH_KEYS; i++) {
		const char *v = w->oauth.v[i];

		ok = v == NULL || v[0] == '\0' ||
		     (strchr(v, '\n') == NULL &&
			 buf_addf(to, "oauth_%s %s\n", cred_oauth_names[i], v));
	}
	return ok;
}

bool
cred_wire_put(struct buf *to, const struct cred_wire *w)
{
	const char *want = w->kind == CRED_KEYRING   ? "keyring"
			   : w->kind == CRED_COMMAND ? "command"
			   : w->is_login             ? "login"
						     : "oauth";

	return put_pair(to, "want", want) &&
	       put_pair(to, "account", w->account) &&
	       put_pair(to, "command", w->command) &&
	       put_pair(to, "host", w->host) &&
	       put_pair(to, "login", w->login) &&
	       buf_addf(to, "timeout_ms %" PRId64 "\n", w->timeout_ms) &&
	       (w->kind != CRED_OAUTH || put_oauth(to, w)) &&
	       buf_addc(to, '\n');
}

static bool
set_number(struct cred_wire *w, const char *key, const char *value)
{
	uint64_t v;

	if (!num_u64(bytes_str(value), &v))
		return false;
	if (strcmp(key, "refused") == 0)
		w->refused = v;
	else if (strcmp(key, "group") == 0 && v <= UINT32_MAX)
		w->group = (gid_t)v;
	else if (strcmp(key, "need") == 0 && v <= CRED_LOOK)
		w->need = (enum cred_need)v;
	else if (strcmp(key, "timeout_ms") == 0 && v <= INT32_MAX)
		w->timeout_ms = (int64_t)v;
	else
		return false;
	return true;
}

static bool
set_want(struct cred_wire *w, const char *value)
{
	w->is_login = strcmp(value, "login") == 0;
	w->kind = strcmp(value, "keyring") == 0                ? CRED_KEYRING
		  : strcmp(value, "command") == 0              ? CRED_COMMAND
		  : w->is_login || strcmp(value, "oauth") == 0 ? CRED_OAUTH
							       : CRED_NONE;
	return w->kind != CRED_NONE;
}

static bool
set(struct cred_wire *w, const char *key, const char *value)
{
	const struct {
		const char *key;
		const char **to;
	} rows[] = { { "account", &w->account }, { "command", &w->command },
		{ "host", &w->host }, { "login", &w->login },
		{ "credentials", &w->credentials } };
	int oauth;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(key, rows[i].key) == 0) {
			*rows[i].to = value;
			return true;
		}
	if (strcmp(key, "want") == 0)
		return set_want(w, value);
	if (strncmp(key, "oauth_", 6) == 0) {
		oauth = cred_oauth_key(key + 6, CRED_OAUTH_KEYS);
		if (oauth >= 0)
			w->oauth.v[oauth] = (char *)(uintptr_t)value;
		return oauth >= 0;
	}
	return set_number(w, key, value);
}

bool
cred_wire_parse(char *text, struct cred_wire *ret)
{
	struct cred_wire w = { .account = "",
		.command = "",
		.host = "",
		.login = "",
		.credentials = "",
		.group = (gid_t)-1 };

	while (*text != '\0' && *text != '\n') {
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

bool
cred_facts_put(struct buf *to, const struct cred_facts *f)
{
	return buf_addf(to,
	    "serial %" PRIu64 "\nvalid_ms %" PRId64 "\nsigned_in %" PRId64
	    "\nrefreshed %" PRId64 "\nends %" PRId64 "\nuser %s\n\n",
	    f->serial, f->valid_ms, f->signed_in_s, f->refreshed_s, f->ends_s,
	    f->user);
}

bool
cred_facts_take(struct bytes *from, struct cred_facts *ret)
{
	struct cred_facts f = { .serial = 0 };

	for (;;) {
		const struct {
			const char *key;
			int64_t *to;
		} rows[] = { { "valid_ms", &f.valid_ms },
			{ "signed_in", &f.signed_in_s },
			{ "refreshed", &f.refreshed_s },
			{ "ends", &f.ends_s } };
		struct bytes line, key;
		uint64_t n = 0;

		if (memchr(from->p, '\n', from->n) == NULL)
			return false;
		line = bytes_cut(from, '\n');
		if (line.n == 0)
			break;
		key = bytes_cut(&line, ' ');
		if (bytes_eq(key, "user")) {
			if (!str_copy(f.user, sizeof(f.user), line))
				return false;
			continue;
		}
		if (!num_u64_max(line, INT64_MAX, &n))
			return false;
		if (bytes_eq(key, "serial"))
			f.serial = n;
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (bytes_eq(key, rows[i].key))
				*rows[i].to = (int64_t)n;
	}
	*ret = f;
	return true;
}
