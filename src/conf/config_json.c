/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/config_json.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/setting.h"
#include "cred/cred_oauth.h"
#include "ctl/ctl_json.h"

enum { VALUE_MAX = 65536 };

/* --- values as they would be written -------------------------------------- */

/* The largest unit that says it exactly. */
static void
put_scaled(struct buf *to, uint64_t n, const uint64_t *steps, const char *units)
{
	size_t i = strlen(units);

	while (i > 0 && (n == 0 || n % steps[i - 1] != 0))
		i--;
	if (i == 0)
		IGNORE(buf_addf(to, "%" PRIu64, n));
	else
		IGNORE(buf_addf(
		    to, "%" PRIu64 "%c", n / steps[i - 1], units[i - 1]));
}

static void
put_duration(struct buf *to, int64_t ms)
{
	static const uint64_t steps[] = { 1, 60, 3600, 86400 };

	put_scaled(to, (uint64_t)ms / 1000, steps, "smhd");
}

static void
put_size(struct buf *to, uint64_t bytes)
{
	static const uint64_t steps[] = { 1u << 10, 1u << 20, 1u << 30 };

	put_scaled(to, bytes, steps, "KMG");
}

static void
put_list(struct buf *to, const struct conf_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		IGNORE(buf_addf(to, "%s%s", i > 0 ? " " : "", l->v[i]));
}

/* Nothing is added for what is not set. */
static void
put_field(struct buf *to, const struct setting *st, const void *base)
{
	const void *field = (const char *)base + st->field;

	switch (st->type) {
	case SETTING_TEXT:
	case SETTING_WORD:
	case SETTING_PATH:
	case SETTING_ADDRESS: {
		const char *s = *(char *const *)field;

		IGNORE(s == NULL || buf_adds(to, s));
		break;
	}
	case SETTING_INT:
		IGNORE(buf_addf(to, "%d", *(const int *)field));
		break;
	case SETTING_SIZE:
		put_size(to, *(const uint64_t *)field);
		break;
	case SETTING_DURATION:
		put_duration(to, *(const int64_t *)field);
		break;
	case SETTING_YESNO:
		IGNORE(buf_adds(to, *(const bool *)field ? "yes" : "no"));
		break;
	case SETTING_ENUM:
		IGNORE(buf_adds(to, st->words[*(const int *)field]));
		break;
	case SETTING_LIST:
	case SETTING_ARGV:
		put_list(to, field);
		break;
	case SETTING_PORTS:
	case SETTING_SECRET:
		break; /* have no field */
	}
}

/* --- settings whose value takes more than storing it ---------------------- */

static void
put_port(struct buf *to, const void *base, const struct conf *c)
{
	const struct conf_account *a = base;

	(void)c;
	for (size_t i = 0; i < a->nports; i++)
		IGNORE(
		    buf_addf(to, "%s%d", i > 0 ? " " : "", a->ports[i].port));
}

static void
put_tls(struct buf *to, const void *base, const struct conf *c)
{
	const struct conf_account *a = base;

	(void)c;
	for (size_t i = 1; i < a->nports; i++)
		if (a->ports[i].tls != a->ports[0].tls) {
			IGNORE(buf_adds(to, "auto"));
			return;
		}
	IGNORE(buf_adds(to, setting_tls_modes[1 + (int)a->ports[0].tls]));
}

static void
put_pins(struct buf *to, const void *base, const struct conf *c)
{
	const struct conf_account *a = base;

	(void)c;
	for (size_t i = 0; i < CONF_PINS_MAX && a->tls_pins[i] != NULL; i++)
		IGNORE(buf_addf(to, "%s%s", i > 0 ? " " : "", a->tls_pins[i]));
}

static void
put_auth(struct buf *to, const void *base, const struct conf *c)
{
	const struct conf_account *a = base;

	(void)c;
	IGNORE(buf_adds(to, a->auth != NULL ? a->auth : "auto"));
}

static void
put_fallback(struct buf *to, const void *base, const struct conf *c)
{
	const struct conf_account *a = base;

	if (a->fallback >= 0)
		IGNORE(buf_adds(to, c->accounts[a->fallback].name));
}

/* Where a secret comes from; the one in the file itself is only mentioned. */
static void
put_source(struct buf *to, const struct conf_account *a, enum cred_kind kind)
{
	if (a->secret.kind != kind)
		return;
	if (kind == CRED_TEXT)
		IGNORE(buf_adds(to, "(set, not shown)"));
	else if (a->secret.value != NULL)
		IGNORE(buf_adds(to, a->secret.value));
}

static void
put_password(struct buf *to, const void *base, const struct conf *c)
{
	(void)c;
	put_source(to, base, CRED_TEXT);
}

static void
put_password_file(struct buf *to, const void *base, const struct conf *c)
{
	(void)c;
	put_source(to, base, CRED_FILE);
}

/* A command may contain a secret, so only its name is shown. */
static void
put_password_command(struct buf *to, const void *base, const struct conf *c)
{
	const struct conf_account *a = base;
	const char *s = a->secret.value;

	(void)c;
	if (a->secret.kind != CRED_COMMAND || s == NULL)
		return;
	IGNORE(buf_add(to, s, strcspn(s, " \t")));
	if (strpbrk(s, " \t") != NULL)
		IGNORE(buf_adds(to, " ..."));
}

static void
put_password_credential(struct buf *to, const void *base, const struct conf *c)
{
	(void)c;
	put_source(to, base, CRED_SYSTEMD);
}

static void
put_password_keyring(struct buf *to, const void *base, const struct conf *c)
{
	(void)c;
	put_source(to, base, CRED_KEYRING);
}

static void
put_oauth(struct buf *to, const void *base, const struct conf *c)
{
	(void)c;
	put_source(to, base, CRED_OAUTH);
}

static void
put_oauth_text(struct buf *to, const void *base, enum cred_oauth_key key)
{
	const struct conf_account *a = base;

	if (a->secret.oauth != NULL)
		IGNORE(buf_adds(to, cred_oauth_get(a->secret.oauth, key)));
}

static void
put_client_id(struct buf *to, const void *base, const struct conf *c)
{
	(void)c;
	put_oauth_text(to, base, CRED_OAUTH_CLIENT_ID);
}

static void
put_client_secret_file(struct buf *to, const void *base, const struct conf *c)
{
	(void)c;
	put_oauth_text(to, base, CRED_OAUTH_CLIENT_SECRET_FILE);
}

static void
put_oauth_flow(struct buf *to, const void *base, const struct conf *c)
{
	(void)c;
	put_oauth_text(to, base, CRED_OAUTH_FLOW);
}

static void
put_jwt_key_file(struct buf *to, const void *base, const struct conf *c)
{
	(void)c;
	put_oauth_text(to, base, CRED_OAUTH_JWT_KEY_FILE);
}

/* The listeners that come from the plain `listen`. */
static void
put_listen(struct buf *to, const void *base, const struct conf *c)
{
	const char *between = "";

	(void)base;
	for (size_t i = 0; i < c->nlistens; i++) {
		const struct conf_listen *l = &c->listens[i];

		if (strcmp(l->name, "listen") != 0 || l->is_optional)
			continue;
		IGNORE(buf_addf(to, "%s%s", between, l->address));
		between = " ";
	}
}

static void
put_listen_address(struct buf *to, const void *base, const struct conf *c)
{
	const struct conf_listen *l = base;

	(void)c;
	IGNORE(buf_adds(to, l->address));
}

static void
put_listen_mode(struct buf *to, const void *base, const struct conf *c)
{
	const struct conf_listen *l = base;

	(void)c;
	IGNORE(buf_adds(to, setting_modes[l->mode]));
}

static void
put_listen_allow(struct buf *to, const void *base, const struct conf *c)
{
	const struct conf_listen *l = base;
	char text[INET6_ADDRSTRLEN];

	(void)c;
	for (size_t i = 0; i < l->nnets; i++) {
		const struct conf_net *n = &l->nets[i];

		if (inet_ntop(n->family, n->addr, text, sizeof(text)) != NULL)
			IGNORE(buf_addf(to, "%s%s/%u", i > 0 ? " " : "", text,
			    n->prefix_bits));
	}
}

static const struct {
	enum setting_section section;
	const char *name;
	void (*put)(struct buf *to, const void *base, const struct conf *c);
} specials[] = {
	{ SETTING_RELAIS, "listen", put_listen },
	{ SETTING_LISTEN, "address", put_listen_address },
	{ SETTING_LISTEN, "mode", put_listen_mode },
	{ SETTING_LISTEN, "allow_from", put_listen_allow },
	{ SETTING_ACCOUNT, "port", put_port },
	{ SETTING_ACCOUNT, "tls", put_tls },
	{ SETTING_ACCOUNT, "tls_pin", put_pins },
	{ SETTING_ACCOUNT, "auth", put_auth },
	{ SETTING_ACCOUNT, "fallback", put_fallback },
	{ SETTING_ACCOUNT, "password", put_password },
	{ SETTING_ACCOUNT, "password_file", put_password_file },
	{ SETTING_ACCOUNT, "password_command", put_password_command },
	{ SETTING_ACCOUNT, "password_credential", put_password_credential },
	{ SETTING_ACCOUNT, "password_keyring", put_password_keyring },
	{ SETTING_ACCOUNT, "oauth", put_oauth },
	{ SETTING_ACCOUNT, "client_id", put_client_id },
	{ SETTING_ACCOUNT, "client_secret_file", put_client_secret_file },
	{ SETTING_ACCOUNT, "oauth_flow", put_oauth_flow },
	{ SETTING_ACCOUNT, "jwt_key_file", put_jwt_key_file },
};

static void
put_special(struct buf *to, const struct setting *st, const void *base,
    const struct conf *c)
{
	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
		if (specials[i].section == st->section &&
		    strcmp(specials[i].name, st->name) == 0)
			specials[i].put(to, base, c);
}

void
config_value(struct buf *to, const struct setting *st, const void *base,
    const struct conf *c)
{
	if (st->field == SETTING_NO_FIELD)
		put_special(to, st, base, c);
	else
		put_field(to, st, base);
}

/* --- sections ------------------------------------------------------------- */

static void
add_section(json_t *to, enum setting_section kind, const char *name,
    const void *base, const struct conf *c)
{
	json_t *values = json_object();
	json_t *text = ctl_json_text(name);
	struct buf value;

	buf_init(&value, VALUE_MAX);
	for (size_t i = 0; i < nsettings; i++) {
		const struct setting *st = &settings[i];

		if (st->section != kind)
			continue;
		buf_reset(&value);
		config_value(&value, st, base, c);
		if (buf_len(&value) > 0)
			(void)json_object_set_new(values, st->name,
			    ctl_json_bytes(buf_bytes(&value)));
	}
	(void)json_array_append_new(
	    to, json_pack("{s:s, s:o, s:o}", "kind", setting_section_name(kind),
		    "name", text, "settings", values));
	buf_clear(&value);
}

json_t *
config_json(const struct conf *c)
{
	json_t *sections = json_array();

	add_section(sections, SETTING_RELAIS, "", c, c);
	for (size_t i = 0; i < c->nlistens; i++)
		if (strcmp(c->listens[i].name, "listen") != 0 &&
		    strcmp(c->listens[i].name, "socket") != 0)
			add_section(sections, SETTING_LISTEN,
			    c->listens[i].name, &c->listens[i], c);
	for (size_t i = 0; i < c->naccounts; i++)
		add_section(sections, SETTING_ACCOUNT, c->accounts[i].name,
		    &c->accounts[i], c);
	return json_pack(
	    "{s:o, s:o}", "file", ctl_json_text(c->file), "sections", sections);
}
