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

/* Where such a value comes from, and goes. */
struct special {
	struct buf *to;
	const struct conf *conf;
	const void *base; /* conf_listen, conf_account */
	int which; /* for the functions that serve several settings */
};

static void
put_port(const struct special *sp)
{
	const struct conf_account *a = sp->base;

	for (size_t i = 0; i < a->nports; i++)
		IGNORE(buf_addf(
		    sp->to, "%s%d", i > 0 ? " " : "", a->ports[i].port));
}

static void
put_tls(const struct special *sp)
{
	const struct conf_account *a = sp->base;

	for (size_t i = 1; i < a->nports; i++)
		if (a->ports[i].tls != a->ports[0].tls) {
			IGNORE(buf_adds(sp->to, "auto"));
			return;
		}
	IGNORE(buf_adds(sp->to, setting_tls_modes[1 + (int)a->ports[0].tls]));
}

static void
put_pins(const struct special *sp)
{
	const struct conf_account *a = sp->base;

	for (size_t i = 0; i < CONF_PINS_MAX && a->tls_pins[i] != NULL; i++)
		IGNORE(
		    buf_addf(sp->to, "%s%s", i > 0 ? " " : "", a->tls_pins[i]));
}

static void
put_auth(const struct special *sp)
{
	const struct conf_account *a = sp->base;

	IGNORE(buf_adds(sp->to, a->auth != NULL ? a->auth : "auto"));
}

static void
put_fallback(const struct special *sp)
{
	const struct conf_account *a = sp->base;

	if (a->fallback >= 0)
		IGNORE(buf_adds(sp->to, sp->conf->accounts[a->fallback].name));
}

/* Where a secret comes from; the one in the file itself is only mentioned. */
static void
put_source(const struct special *sp)
{
	const struct conf_account *a = sp->base;

	if (a->secret.kind != (enum cred_kind)sp->which)
		return;
	if (a->secret.kind == CRED_TEXT)
		IGNORE(buf_adds(sp->to, "(set, not shown)"));
	else if (a->secret.value != NULL)
		IGNORE(buf_adds(sp->to, a->secret.value));
}

/* A command may contain a secret, so only its name is shown. */
static void
put_password_command(const struct special *sp)
{
	const struct conf_account *a = sp->base;
	const char *s = a->secret.value;

	if (a->secret.kind != CRED_COMMAND || s == NULL)
		return;
	IGNORE(buf_add(sp->to, s, strcspn(s, " \t")));
	if (strpbrk(s, " \t") != NULL)
		IGNORE(buf_adds(sp->to, " ..."));
}

static void
put_oauth_text(const struct special *sp)
{
	const struct conf_account *a = sp->base;

	if (a->secret.oauth != NULL)
		IGNORE(buf_adds(sp->to, cred_oauth_get(a->secret.oauth,
					    (enum cred_oauth_key)sp->which)));
}

/* The listeners that come from the plain `listen`. */
static void
put_listen(const struct special *sp)
{
	const char *between = "";

	for (size_t i = 0; i < sp->conf->nlistens; i++) {
		const struct conf_listen *l = &sp->conf->listens[i];

		if (strcmp(l->name, "listen") != 0 || l->is_optional)
			continue;
		IGNORE(buf_addf(sp->to, "%s%s", between, l->address));
		between = " ";
	}
}

static void
put_listen_address(const struct special *sp)
{
	const struct conf_listen *l = sp->base;

	IGNORE(buf_adds(sp->to, l->address));
}

static void
put_listen_mode(const struct special *sp)
{
	const struct conf_listen *l = sp->base;

	IGNORE(buf_adds(sp->to, setting_modes[l->mode]));
}

static void
put_listen_allow(const struct special *sp)
{
	const struct conf_listen *l = sp->base;
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < l->nnets; i++) {
		const struct conf_net *n = &l->nets[i];

		if (inet_ntop(n->family, n->addr, text, sizeof(text)) != NULL)
			IGNORE(buf_addf(sp->to, "%s%s/%u", i > 0 ? " " : "",
			    text, n->prefix_bits));
	}
}

static const struct {
	enum setting_section section;
	const char *name;
	void (*put)(const struct special *sp);
	int which;
} specials[] = {
	{ SETTING_RELAIS, "listen", put_listen, 0 },
	{ SETTING_LISTEN, "address", put_listen_address, 0 },
	{ SETTING_LISTEN, "mode", put_listen_mode, 0 },
	{ SETTING_LISTEN, "allow_from", put_listen_allow, 0 },
	{ SETTING_ACCOUNT, "port", put_port, 0 },
	{ SETTING_ACCOUNT, "tls", put_tls, 0 },
	{ SETTING_ACCOUNT, "tls_pin", put_pins, 0 },
	{ SETTING_ACCOUNT, "auth", put_auth, 0 },
	{ SETTING_ACCOUNT, "fallback", put_fallback, 0 },
	{ SETTING_ACCOUNT, "password", put_source, CRED_TEXT },
	{ SETTING_ACCOUNT, "password_file", put_source, CRED_FILE },
	{ SETTING_ACCOUNT, "password_command", put_password_command, 0 },
	{ SETTING_ACCOUNT, "password_credential", put_source, CRED_SYSTEMD },
	{ SETTING_ACCOUNT, "password_keyring", put_source, CRED_KEYRING },
	{ SETTING_ACCOUNT, "oauth", put_source, CRED_OAUTH },
	{ SETTING_ACCOUNT, "client_id", put_oauth_text, CRED_OAUTH_CLIENT_ID },
	{ SETTING_ACCOUNT, "client_secret_file", put_oauth_text,
	    CRED_OAUTH_CLIENT_SECRET_FILE },
	{ SETTING_ACCOUNT, "client_secret_credential", put_oauth_text,
	    CRED_OAUTH_CLIENT_SECRET_CREDENTIAL },
	{ SETTING_ACCOUNT, "oauth_flow", put_oauth_text, CRED_OAUTH_FLOW },
	{ SETTING_ACCOUNT, "jwt_key_file", put_oauth_text,
	    CRED_OAUTH_JWT_KEY_FILE },
	{ SETTING_ACCOUNT, "jwt_key_credential", put_oauth_text,
	    CRED_OAUTH_JWT_KEY_CREDENTIAL },
};

static void
put_special(struct buf *to, const struct setting *st, const void *base,
    const struct conf *c)
{
	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
		if (specials[i].section == st->section &&
		    strcmp(specials[i].name, st->name) == 0)
			specials[i].put(&(struct special) { .to = to,
			    .conf = c,
			    .base = base,
			    .which = specials[i].which });
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
		    strcmp(c->listens[i].name, "socket") != 0 &&
		    !c->listens[i].is_optional)
			add_section(sections, SETTING_LISTEN,
			    c->listens[i].name, &c->listens[i], c);
	for (size_t i = 0; i < c->naccounts; i++)
		add_section(sections, SETTING_ACCOUNT, c->accounts[i].name,
		    &c->accounts[i], c);
	return json_pack(
	    "{s:o, s:o}", "file", ctl_json_text(c->file), "sections", sections);
}
