/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A loaded configuration: defaults, presets, listeners, and what is refused
 * (R31, R35, R43). */
#include "tests/lib/files.h"

#include "base/str.h"
#include "conf/conf.h"
#include "conf/config_json.h"
#include "cred/cred_oauth.h"

struct loaded {
	struct files files;
	struct conf *conf; /* NULL: refused */
	struct conf_problems problems;
};

/* SECRET and DIR in the text stand for a good secret file and its folder. */
static char *
fill_in(const char *text, const struct files *f)
{
	struct buf b;

	buf_init(&b, 100000);
	while (*text != '\0') {
		size_t n = strcspn(text, "@");

		assert_true(buf_add(&b, text, n));
		text += n;
		if (strncmp(text, "@SECRET@", 8) == 0) {
			assert_true(buf_addf(&b, "%s/secret", f->dir));
			text += 8;
		} else if (*text == '@') {
			assert_true(buf_addc(&b, *text++));
		}
	}
	return buf_steal(&b);
}

static void
load_env(struct loaded *l, const char *text, struct conf_env env)
{
	const char *srcdir = getenv("srcdir");
	char *providers = xasprintf(
	    "%s/src/conf/providers", srcdir ? srcdir : ".");
	char *filled;

	*l = (struct loaded) { .conf = NULL };
	files_init(&l->files);
	IGNORE(!files_put(&l->files, "secret", "s3cret\n", 0600));
	filled = fill_in(text, &l->files);
	env.providers = providers;
	env.providers_own = "/nonexistent";
	env.oauth_own = "/nonexistent";
	env.hostname = "box.example";
	env.group = (gid_t)-1;
	if (conf_load(files_put(&l->files, "relais.conf", filled, 0600), &env,
		&l->conf, &l->problems) != 0)
		l->conf = NULL;
	free(filled);
	free(providers);
}

static void
load(struct loaded *l, const char *text)
{
	load_env(l, text, (struct conf_env) { .is_user = false });
}

static void
load_good(struct loaded *l, const char *text)
{
	load(l, text);
	if (l->conf == NULL)
		fail_msg("%s", l->problems.v[0].text);
	assert_int_equal(l->problems.n, 0);
}

static void
unload(struct loaded *l)
{
	conf_free(l->conf);
	conf_problems_clear(&l->problems);
	files_clear(&l->files);
}

static void
the_shortest_useful_file_is_enough(void **state)
{
	struct loaded l;
	const struct conf_account *a;

	(void)state;
	load_good(&l, "[relais]\nadmin = me@example.org\n\n"
		      "[account mail]\nprovider = fastmail\n"
		      "user = me@example.org\npassword_file = @SECRET@\n");
	assert_string_equal(l.conf->admin, "me@example.org");
	assert_string_equal(l.conf->user, "relais");
	assert_string_equal(l.conf->spool, RELAIS_SPOOL_DIR);
	assert_string_equal(l.conf->log, "auto");
	assert_string_equal(l.conf->host_found, "box.example");
	assert_null(l.conf->hostname);
	assert_int_equal(l.conf->verdict_timeout_ms, 10000);
	assert_int_equal(l.conf->retry_after_ms, 60000);
	assert_int_equal(l.conf->lifetime_ms, 5 * 86400000);
	assert_int_equal(l.conf->delay_notice_ms, 4 * 3600000);
	assert_int_equal(l.conf->max_size_bytes, 50 << 20);
	assert_int_equal(l.conf->naccounts, 1);
	assert_int_equal(l.conf->default_account, 0);
	a = &l.conf->accounts[0];
	assert_true(a->is_default);
	assert_string_equal(a->host, "smtp.fastmail.com");
	assert_int_equal(a->nports, 1);
	assert_int_equal(a->ports[0].port, 465);
	assert_int_equal(a->ports[0].tls, CONF_TLS_IMPLICIT);
	assert_string_equal(a->address, "me@example.org");
	assert_int_equal(a->secret.kind, CRED_FILE);
	assert_true(a->secret.is_grouped);
	assert_null(a->auth);
	assert_false(a->is_token);
	assert_int_equal(a->fallback, -1);
	assert_int_equal(a->max_connections, 2);
	/* A preset allow-domain. */
	assert_int_equal(a->identity, CONF_IDENTITY_ALLOW);
	assert_string_equal(a->allowed_senders.v[0], "*@example.org");
	unload(&l);
}

static void
listeners_are_the_socket_and_localhost(void **state)
{
	struct loaded l;

	(void)state;
	load_good(&l, "[account a]\nhost = h\n");
	assert_int_equal(l.conf->nlistens, 3);
	assert_string_equal(
	    l.conf->listens[0].path, RELAIS_RUN_DIR "/smtp.sock");
	assert_int_equal(l.conf->listens[0].mode, CONF_MODE_SAFE);
	assert_string_equal(l.conf->listens[1].host, "127.0.0.1");
	assert_int_equal(l.conf->listens[1].port, 25);
	assert_int_equal(l.conf->listens[1].mode, CONF_MODE_AUTO);
	assert_false(l.conf->listens[1].is_optional);
	assert_string_equal(l.conf->listens[2].host, "::1");
	assert_true(l.conf->listens[2].is_optional);
	unload(&l);
}

static void
a_section_takes_over_an_address_of_listen(void **state)
{
	struct loaded l;

	(void)state;
	load_good(&l, "[relais]\nlisten = 127.0.0.1:25, [::1]:26\n"
		      "[listen bulk]\naddress = 127.0.0.1:25\nmode = safe\n"
		      "[listen lan]\naddress = *:587\n"
		      "allow_from = 192.168.1.0/24 fd00::/8\n"
		      "[account a]\nhost = h\n");
	assert_int_equal(l.conf->nlistens, 5);
	assert_string_equal(l.conf->listens[0].name, "bulk");
	assert_int_equal(l.conf->listens[0].mode, CONF_MODE_SAFE);
	assert_false(l.conf->listens[1].is_loopback);
	assert_int_equal(l.conf->listens[1].nnets, 2);
	assert_int_equal(l.conf->listens[4].port, 26);
	unload(&l);
	load_good(&l, "[relais]\nlisten =\n[account a]\nhost = h\n");
	assert_int_equal(l.conf->nlistens, 1);
	unload(&l);
}

/* A socket of IPv6 takes no IPv4 here (net/listen.c). */
static void
a_star_is_both_families(void **state)
{
	struct loaded l;
	json_t *j;

	(void)state;
	load_good(&l, "[relais]\nlisten =\n[listen lan]\naddress = *:25\n"
		      "allow_from = 192.168.1.0/24 fd00::/8\n"
		      "[account a]\nhost = h\n");
	assert_string_equal(l.conf->listens[0].host, "0.0.0.0");
	assert_false(l.conf->listens[0].is_optional);
	assert_string_equal(l.conf->listens[1].host, "::");
	assert_true(l.conf->listens[1].is_optional);
	assert_int_equal(l.conf->listens[1].nnets, 2);
	j = config_json(l.conf);
	/* [relais], [listen lan], [account a] */
	assert_int_equal(json_array_size(json_object_get(j, "sections")), 3);
	json_decref(j);
	unload(&l);
}

/* R36: trust is by listener; a private range is not local. */
static void
clients_are_allowed_by_listener(void **state)
{
	static const struct {
		const char *allow, *client;
		bool may;
	} rows[] = {
		{ "192.168.1.0/24", "192.168.1.77", true },
		{ "192.168.1.0/24", "::ffff:192.168.1.77", true },
		{ "192.168.1.0/24", "192.168.2.1", false },
		{ "192.168.1.0/24", "127.0.0.1", false },
		{ "10.0.0.0/9", "10.127.0.1", true },
		{ "10.0.0.0/9", "10.128.0.1", false },
		{ "10.0.0.7", "10.0.0.7", true },
		{ "10.0.0.7", "10.0.0.8", false },
		{ "0.0.0.0/0", "8.8.8.8", true },
		{ "0.0.0.0/0", "::1", false },
		{ "fd00::/8", "fd12::1", true },
		{ "fd00::/8", "fe80::1%eth0", false },
		{ "fe80::/10", "fe80::1%eth0", true },
		{ "::/0", "::1", true },
		{ "::/0", "nonsense", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = xasprintf("[listen lan]\naddress = *:25\n"
				       "allow_from = %s\n"
				       "[account a]\nhost = h\n",
		    rows[i].allow);
		struct loaded l;

		load_good(&l, text);
		if (conf_listen_allows(&l.conf->listens[0], rows[i].client) !=
		    rows[i].may)
			fail_msg("%s in %s", rows[i].client, rows[i].allow);
		unload(&l);
		free(text);
	}
}

static void
without_a_list_only_loopback_may_talk(void **state)
{
	struct loaded l;

	(void)state;
	load_good(&l, "[account a]\nhost = h\n");
	assert_true(conf_listen_allows(&l.conf->listens[1], "127.0.0.5"));
	assert_true(conf_listen_allows(&l.conf->listens[1], "::1"));
	assert_false(conf_listen_allows(&l.conf->listens[1], "192.168.0.1"));
	assert_false(conf_listen_allows(&l.conf->listens[1], "172.17.0.1"));
	unload(&l);
}

static const struct {
	const char *text;
	const char *ports; /* "465i 587s" */
} ports[] = {
	{ "host = h", "465i 587s 2525s" },
	{ "host = h\nport = 587", "587s" },
	{ "host = h\nport = 465", "465i" },
	{ "host = h\nport = 2465 8465 443 8025", "2465i 8465i 443i 8025s" },
	{ "host = h\nport = 587\ntls = implicit", "587i" },
	{ "host = h\nport = auto\ntls = starttls", "587s 2525s" },
	{ "host = h\ntls = implicit", "465i" },
	{ "host = 127.0.0.1\ntls = off\nport = 1025", "1025o" },
	{ "host = localhost\ntls = off", "587o 2525o" },
	{ "provider = gmail\naddress = a@b", "465i 587s" },
	{ "provider = gmail\naddress = a@b\nport = 587", "587s" },
	{ "provider = gmail\naddress = a@b\ntls = starttls", "587s" },
	{ "provider = fastmail\naddress = a@b\ntls = starttls", "465s" },
	{ "provider = postmark\nuser = x\naddress = a@b", "587s 2525s" },
};

static void
ports_and_tls_follow_preset_and_number(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		bool has_login = strstr(ports[i].text, "provider") != NULL;
		char *text = xasprintf("[account a]\n%s\n%s", ports[i].text,
		    has_login ? "password_file = @SECRET@\n" : "");
		char got[100] = "";
		struct loaded l;
		size_t used = 0;

		load_good(&l, text);
		for (size_t k = 0; k < l.conf->accounts[0].nports; k++)
			used += (size_t)snprintf(got + used, sizeof(got) - used,
			    "%s%d%c", k > 0 ? " " : "",
			    l.conf->accounts[0].ports[k].port,
			    "sio"[l.conf->accounts[0].ports[k].tls]);
		assert_string_equal(got, ports[i].ports);
		unload(&l);
		free(text);
	}
}

static void
settings_for_all_accounts_are_defaults(void **state)
{
	struct loaded l;

	(void)state;
	load_good(&l, "[account *]\nprovider = gmail\nmax_per_hour = 7\n"
		      "max_recipients = 3\npassword_file = @SECRET@\n"
		      "fallback = b\n"
		      "[account a]\nuser = a@x\ndefault = yes\n"
		      "[account b]\nuser = b@x\nmax_per_hour = 8\n"
		      "password_command = pass x\n"
		      "[account c]\nhost = other.example\nuser = c@x\n"
		      "[account d]\nprovider = infomaniak\nuser = d@x\n"
		      "max_recipients = 5\n");
	assert_string_equal(l.conf->accounts[0].host, "smtp.gmail.com");
	assert_int_equal(l.conf->accounts[0].max_per_hour, 7);
	assert_int_equal(l.conf->accounts[0].max_recipients, 3);
	assert_int_equal(l.conf->accounts[0].secret.kind, CRED_FILE);
	assert_int_equal(l.conf->accounts[0].fallback, 1);
	assert_int_equal(l.conf->accounts[1].fallback, -1);
	assert_int_equal(l.conf->accounts[1].max_per_hour, 8);
	assert_int_equal(l.conf->accounts[1].secret.kind, CRED_COMMAND);
	/* An own host is not gmail with another name. */
	assert_string_equal(l.conf->accounts[2].host, "other.example");
	assert_null(l.conf->accounts[2].provider);
	assert_int_equal(l.conf->accounts[2].nports, 3);
	assert_int_equal(l.conf->accounts[3].max_recipients, 5);
	assert_string_equal(l.conf->accounts[3].host, "mail.infomaniak.com");
	unload(&l);
}

static const struct {
	const char *text, *user, *address;
	enum conf_identity identity;
	const char *allowed;
} logins[] = {
	{ "provider = gmail\nuser = me@gmail.com", "me@gmail.com",
	    "me@gmail.com", CONF_IDENTITY_ALLOW, NULL },
	{ "provider = gmx\naddress = me@gmx.net", "me@gmx.net", "me@gmx.net",
	    CONF_IDENTITY_FORCE, NULL },
	{ "provider = webde\nuser = me@web.de", "me", "me@web.de",
	    CONF_IDENTITY_FORCE, NULL },
	{ "provider = sendgrid\naddress = me@own.example", "apikey",
	    "me@own.example", CONF_IDENTITY_ALLOW, "*@own.example" },
	{ "provider = brevo\nuser = me@x\naddress = me@own.example", "me@x",
	    "me@own.example", CONF_IDENTITY_ALLOW, "*@own.example" },
	{ "provider = gmx\nuser = me@gmx.net\nallowed_senders = a@b",
	    "me@gmx.net", "me@gmx.net", CONF_IDENTITY_ALLOW, "a@b" },
	{ "provider = gmx\nuser = me@gmx.net\nidentity = keep", "me@gmx.net",
	    "me@gmx.net", CONF_IDENTITY_KEEP, NULL },
	{ "host = h\nuser = joe\naddress = joe@x", "joe", "joe@x",
	    CONF_IDENTITY_ALLOW, NULL },
	{ "host = h\nuser = joe\nidentity = keep", "joe", NULL,
	    CONF_IDENTITY_KEEP, NULL },
};

static void
login_address_and_identity_follow_the_preset(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(logins); i++) {
		char *text = xasprintf(
		    "[account a]\n%s\npassword_file = @SECRET@\n",
		    logins[i].text);
		const struct conf_account *a;
		struct loaded l;

		load_good(&l, text);
		a = &l.conf->accounts[0];
		assert_string_equal(a->user, logins[i].user);
		if (logins[i].address != NULL)
			assert_string_equal(a->address, logins[i].address);
		else
			assert_null(a->address);
		assert_int_equal(a->identity, logins[i].identity);
		if (logins[i].allowed != NULL)
			assert_string_equal(
			    a->allowed_senders.v[0], logins[i].allowed);
		else
			assert_int_equal(a->allowed_senders.n, 0);
		unload(&l);
		free(text);
	}
}

static void
a_relay_without_login_keeps_senders(void **state)
{
	struct loaded l;

	(void)state;
	load_good(&l, "[account a]\nhost = relay.isp.example\n");
	assert_null(l.conf->accounts[0].user);
	assert_int_equal(l.conf->accounts[0].identity, CONF_IDENTITY_KEEP);
	assert_int_equal(l.conf->accounts[0].secret.kind, CRED_NONE);
	unload(&l);
}

static void
mechanisms_are_spelt_as_sasl_spells_them(void **state)
{
	static const struct {
		const char *provider, *auth, *want;
		bool is_token;
	} rows[] = {
		{ "gmail", "auth = plain, login", "PLAIN LOGIN", false },
		{ "gmail", "auth = auto", NULL, false },
		{ "gmail", "", NULL, false },
		{ "gmail", "auth = XOAUTH2 OAuthBearer", "XOAUTH2 OAUTHBEARER",
		    true },
		{ "gmail", "auth = xoauth2 plain", "XOAUTH2 PLAIN", false },
		{ "outlook", "", NULL, true },
		{ "office365", "", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = xasprintf("[account a]\nprovider = %s\n"
				       "user = a@b\n%s\n"
				       "password_command = token\n",
		    rows[i].provider, rows[i].auth);
		struct loaded l;

		load_good(&l, text);
		if (rows[i].want != NULL)
			assert_string_equal(
			    l.conf->accounts[0].auth, rows[i].want);
		else
			assert_null(l.conf->accounts[0].auth);
		assert_int_equal(
		    l.conf->accounts[0].is_token, rows[i].is_token);
		unload(&l);
		free(text);
	}
}

static void
the_default_is_marked_or_clear(void **state)
{
	static const struct {
		const char *a, *b;
		int index;
	} rows[] = {
		{ "default = yes", "", 0 },
		{ "", "default = yes", 1 },
		{ "senders = *@x", "", 1 },
		{ "", "users = me", 0 },
		{ "senders = *@x", "recipients = *@y", -1 },
		{ "senders = *@x\ndefault = yes", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = xasprintf("[account a]\nhost = h\n%s\n"
				       "[account b]\nhost = h\n%s\n",
		    rows[i].a, rows[i].b);
		struct loaded l;

		load_good(&l, text);
		assert_int_equal(l.conf->default_account, rows[i].index);
		unload(&l);
		free(text);
	}
}

static void
a_password_in_the_file_arrives(void **state)
{
	struct loaded l;

	(void)state;
	load_good(&l, "[account a]\nhost = h\nuser = a@b\n"
		      "password = a#b ; \"c\" \\ \n");
	assert_int_equal(l.conf->accounts[0].secret.kind, CRED_TEXT);
	assert_true(bytes_eq(secret_bytes(l.conf->accounts[0].secret.secret),
	    "a#b ; \"c\" \\ "));
	unload(&l);
}

static void
user_mode_has_its_own_places(void **state)
{
	struct loaded l;
	struct conf_paths p;
	struct conf_env env = {
		.is_user = true, .home = "/home/me", .uid = 1000
	};

	(void)state;
	conf_paths_init(&p, &env);
	assert_string_equal(p.file, "/home/me/.config/relais/relais.conf");
	assert_string_equal(p.spool, "/home/me/.local/state/relais/spool");
	assert_string_equal(p.socket, "/run/user/1000/relais/smtp.sock");
	conf_paths_clear(&p);
	env.config_home = "/c";
	env.state_home = "relative";
	env.runtime_dir = "/r";
	load_env(
	    &l, "[relais]\naliases = ~/aliases\n[account a]\nhost = h\n", env);
	assert_non_null(l.conf);
	assert_string_equal(
	    l.conf->spool, "/home/me/.local/state/relais/spool");
	assert_string_equal(l.conf->control, "/r/relais/control.sock");
	assert_string_equal(l.conf->aliases, "/home/me/aliases");
	assert_int_equal(l.conf->listens[1].port, 2525);
	unload(&l);
}

/* Each a whole file with exactly one thing wrong. */
#define ACCOUNT "[account a]\nhost = h\n"
#define LOGIN   "[account a]\nhost = h\nuser = a@b\npassword_file = @SECRET@\n"
static const struct {
	const char *text;
	int line;
	const char *why;
} refused[] = {
	{ "", 0, "no account is configured: add [account NAME]" },
	{ "[relais]\n[account *]\nhost = h\n", 0, "no account is configured" },
	{ "\n[account a]\n", 2,
	    "no server is set: add provider = KEY, or host = NAME" },
	{ "[account a]\nprovider = gmial\n", 2, "[account a], line 2 of " },
	{ "[account a]\nprovider = gmial\n", 2, "did you mean \"gmail\"?" },
	{ "[account a]\nprovider = gmail\npassword_file = @SECRET@\n", 1,
	    "no login name is set: add user = your email address there" },
	{ "[account a]\nprovider = brevo\npassword_file = @SECRET@\n", 1,
	    "no login name is set: add user; brevo calls it login" },
	{ "[account a]\nprovider = gmail\nuser = a@b\n", 1,
	    "a user is set but no secret: add password_file" },
	{ "[account a]\nprovider = gmail\nuser = a@b\n", 1, "app-password" },
	{ "[account a]\nhost = h\nuser = joe\npassword_file = @SECRET@\n", 3,
	    "no address is set: add address" },
	{ "[account a]\nhost = h\nidentity = force\n", 1,
	    "no address is set: add address" },
	{ "[account a]\nhost = h\npassword_file = @SECRET@\n", 1,
	    "a secret is set but no user" },
	{ LOGIN "password_command = x\n", 5,
	    "two secrets are set, password_file on line 4 and "
	    "password_command: keep one" },
	{ ACCOUNT "user = a@b\noauth = gogle\n", 4,
	    "did you mean \"google\"?" },
	{ ACCOUNT "user = a@b\noauth = google\n", 4, "oauth needs client_id" },
	{ ACCOUNT "user = a@b\noauth = google\nclient_id = c\n"
		  "oauth_flow = device\n",
	    6, "google has no device flow for mail" },
	{ ACCOUNT "user = a@b\noauth = google\noauth_flow = jwt\n", 5,
	    "needs jwt_key_file" },
	{ ACCOUNT "user = a@b\noauth = microsoft\nclient_id = c\n"
		  "oauth_flow = client\n",
	    6, "needs client_secret_file" },
	{ ACCOUNT "user = a@b\noauth = microsoft\nclient_id = c\n"
		  "oauth_flow = client\nclient_secret_file = /x\n"
		  "client_secret_credential = x\n",
	    8, "client_secret_file and client_secret_credential are both set" },
	{ LOGIN "oauth = google\n", 5, "two secrets are set" },
	{ "[account a]\nhost = h\nuser = a@b\n"
	  "password_file = /nonexistent/x\n",
	    4, "/nonexistent/x: No such file" },
	{ "[account a]\nhost = smtps://h.example:465\n", 2,
	    "write the name alone: host = h.example" },
	{ "[account a]\nhost = h.example:465\n", 2,
	    "host = h.example, port = 465" },
	{ "[account a]\nhost = \"h.example\"\n", 2, "without quotes" },
	{ "[account a]\nhost = me@h.example\n", 2, "not the name of a server" },
	{ ACCOUNT "tls = off\n", 3,
	    "tls = off is allowed only for a host on this machine" },
	{ ACCOUNT "tls_cert = /x\n", 3,
	    "tls_cert and tls_key must be set together" },
	{ ACCOUNT "tls_key = /x\n", 3,
	    "tls_cert and tls_key must be set together" },
	{ ACCOUNT "tls_pin = sha256:abc\n", 3, "is not sha256: followed by" },
	{ ACCOUNT "tls_pin = sha1:abc\n", 3, "is not sha256: followed by" },
	{ ACCOUNT "fallback = a\n", 3,
	    "an account cannot be its own fallback" },
	{ ACCOUNT "default = yes\n[account work]\nhost = h\n"
		  "fallback = wrk\n",
	    6, "fallback \"wrk\" is not an account: did you mean \"work\"?" },
	{ ACCOUNT "[account b]\nhost = h\n", 1,
	    "none of the 2 accounts is the default" },
	{ ACCOUNT "default = yes\n[account b]\nhost = h\ndefault = yes\n", 4,
	    "both [account a] and [account b] are the default" },
	/* R35 */
	{ "[relais]\nlisten = 0.0.0.0:25\n" ACCOUNT, 2,
	    "can be reached from other machines" },
	{ "[relais]\nlisten = *:25\n" ACCOUNT, 2,
	    "can be reached from other machines" },
	{ "[relais]\nlisten = [::]:25\n" ACCOUNT, 2,
	    "give it a section [listen NAME]" },
	{ "[listen lan]\naddress = 192.168.1.2:25\n" ACCOUNT, 1,
	    "so allow_from must list who may send" },
	{ "[listen lan]\naddress = 192.168.1.2:25\nallow_from =\n" ACCOUNT, 1,
	    "so allow_from must list who may send" },
	{ "[listen lan]\naddress = *:25\nallow_from = lan\n" ACCOUNT, 3,
	    "\"lan\" in [listen lan] is not an address or a network" },
	{ "[listen lan]\naddress = *:25\nallow_from = 10.0.0.0/33\n" ACCOUNT, 3,
	    "is not an address or a network" },
	{ "[listen lan]\nmode = safe\n" ACCOUNT, 1, "no address is set" },
	{ "[listen a]\naddress = [::1]:25\n[listen b]\naddress = "
	  "[::1]:25\n" ACCOUNT,
	    3, "[::1]:25 is already used in [listen a]" },
	{ "[relais]\nlisten = 25\n" ACCOUNT, 2, "\"25\" is neither host:port" },
	{ "[relais]\nlisten = ::1:25\n" ACCOUNT, 2, "is neither host:port" },
	{ "[relais]\nlisten = mail.example:25\n" ACCOUNT, 2,
	    "is not an address of this machine" },
	{ "[relais]\nlisten = localhost:99999\n" ACCOUNT, 2,
	    "is neither host:port" },
	/* R43 */
	{ "[account a]\nhost = localhost\nport = 25\n", 2,
	    "localhost port 25 is relais itself (listener listen)" },
	{ "[account a]\nhost = 127.0.0.1\nport = 587 25\n", 2,
	    "is relais itself" },
	{ "[listen l]\naddress = *:587\nallow_from = ::/0\n"
	  "[account a]\nhost = box.example\nport = 587\n",
	    5, "is relais itself (listener l)" },
	{ "[listen l]\naddress = 10.0.0.1:587\nallow_from = ::/0\n"
	  "[account a]\nhost = 10.0.0.1\nport = 587\n",
	    5, "is relais itself" },
	{ "[relais]\nretry_after = 0\n" ACCOUNT, 2, "at least 1s" },
	{ "[relais]\nlifetime = 30\n" ACCOUNT, 2, "shorter than retry_after" },
};

static void
what_cannot_work_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct loaded l;

		load(&l, refused[i].text);
		if (l.conf != NULL || l.problems.n != 1 ||
		    l.problems.v[0].line != refused[i].line ||
		    strstr(l.problems.v[0].text, refused[i].why) == NULL)
			fail_msg("row %zu, %zu problems, line %d: %s", i,
			    l.problems.n,
			    l.problems.n ? l.problems.v[0].line : -1,
			    l.problems.n ? l.problems.v[0].text : "");
		unload(&l);
	}
}

static void
another_address_of_this_machine_is_not_ourselves(void **state)
{
	struct loaded l;

	(void)state;
	/* A proxy on this machine, with the port that the house has on another
	 * address. */
	load_good(&l, "[listen lan]\naddress = 192.168.1.2:587\n"
		      "allow_from = 192.168.1.0/24\n"
		      "[account a]\nhost = localhost\nport = 587\n");
	unload(&l);
	load_good(&l, "[relais]\nlisten = 127.0.0.1:25\n"
		      "[account a]\nhost = 127.0.0.2\nport = 25\n");
	unload(&l);
	load_good(&l, "[account a]\nhost = 127.0.0.1\nport = 2525\n");
	unload(&l);
}

/* R31 */
static void
a_secret_file_others_may_read_is_refused(void **state)
{
	struct loaded l;
	struct conf_env env = { .is_user = false };
	struct files f;
	char *text;

	(void)state;
	files_init(&f);
	text = xasprintf("[account a]\nhost = h\nuser = a@b\n"
			 "password_file = %s\n",
	    files_put(&f, "open", "x\n", 0644));
	load_env(&l, text, env);
	assert_null(l.conf);
	assert_int_equal(l.problems.n, 1);
	assert_int_equal(l.problems.v[0].line, 4);
	assert_non_null(strstr(l.problems.v[0].text, "type: chmod 600 "));
	unload(&l);
	files_clear(&f);
	free(text);
}

/* A client's id is enough where the preset knows the provider's sign-in. */
static void
an_account_may_sign_in(void **state)
{
	static const char *const texts[] = {
		"[account a]\nprovider = outlook\nuser = a@b\nclient_id = c\n",
		"[account a]\nhost = h\nuser = a@b\noauth = microsoft\n"
		"client_id = c\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct loaded l;
		const struct conf_account *a;

		load_good(&l, texts[i]);
		a = &l.conf->accounts[0];
		assert_int_equal(a->secret.kind, CRED_OAUTH);
		assert_true(a->is_token);
		assert_string_equal(
		    a->secret.oauth->v[CRED_OAUTH_CLIENT_ID], "c");
		assert_string_equal(a->secret.oauth->v[CRED_OAUTH_FOLDER],
		    RELAIS_SPOOL_DIR "/oauth");
		unload(&l);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shortest_useful_file_is_enough),
		cmocka_unit_test(listeners_are_the_socket_and_localhost),
		cmocka_unit_test(a_section_takes_over_an_address_of_listen),
		cmocka_unit_test(a_star_is_both_families),
		cmocka_unit_test(clients_are_allowed_by_listener),
		cmocka_unit_test(without_a_list_only_loopback_may_talk),
		cmocka_unit_test(ports_and_tls_follow_preset_and_number),
		cmocka_unit_test(settings_for_all_accounts_are_defaults),
		cmocka_unit_test(login_address_and_identity_follow_the_preset),
		cmocka_unit_test(a_relay_without_login_keeps_senders),
		cmocka_unit_test(mechanisms_are_spelt_as_sasl_spells_them),
		cmocka_unit_test(the_default_is_marked_or_clear),
		cmocka_unit_test(a_password_in_the_file_arrives),
		cmocka_unit_test(an_account_may_sign_in),
		cmocka_unit_test(user_mode_has_its_own_places),
		cmocka_unit_test(what_cannot_work_is_refused),
		cmocka_unit_test(
		    another_address_of_this_machine_is_not_ourselves),
		cmocka_unit_test(a_secret_file_others_may_read_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
