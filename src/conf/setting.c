/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/setting.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "cred/argv.h"

const char *const setting_modes[] = { "safe", "verdict", "queue", "auto",
	NULL };
const char *const setting_tls_modes[] = { "auto", "starttls", "implicit", "off",
	NULL };
static const char *const identities[] = { "allow", "force", "keep", NULL };
static const char *const uncertain_words[] = { "retry", "hold", NULL };
static const char *const store_words[] = { "disk", "postgres", NULL };
static const char *const seccomp_words[] = { "on", "log", "off", NULL };
static const char *const auth_words[] = { "auto", "scram-sha-256-plus",
	"scram-sha-256", "scram-sha-1-plus", "scram-sha-1", "oauthbearer",
	"xoauth2", "plain", "login", "cram-md5", "external", NULL };
static const char *const flow_words[] = { "auto", "device", "browser", "client",
	"jwt", NULL };
/* In the order of enum log_format. */
static const char *const log_format_words[] = { "text", "json", "journal",
	NULL };
static const char *const log_words[] = { "auto", "stderr", "stdout", "syslog",
	NULL };

/* Where a value goes, and what it may be. */
#define R(member)       SETTING_RELAIS, offsetof(struct conf, member), false
#define R_ONCE(member)  SETTING_RELAIS, offsetof(struct conf, member), true
#define A(member)       SETTING_ACCOUNT, offsetof(struct conf_account, member), false
#define R_NONE          SETTING_RELAIS, SETTING_NO_FIELD, false
#define L_NONE          SETTING_LISTEN, SETTING_NO_FIELD, false
#define A_NONE          SETTING_ACCOUNT, SETTING_NO_FIELD, false
#define ANY             0, 0, NULL
#define RANGE(min, max) min, max, NULL
#define COUNT           RANGE(0, 1000000000)
#define WORDS(words)    0, 0, words

/* clang-format off */
const struct setting settings[] = {
	/* [relais] */
	{ "admin", R(admin), SETTING_ADDRESS, ANY, NULL,
	    "address that gets mail for root and other local names, and alerts" },
	{ "hostname", R(hostname), SETTING_WORD, ANY, NULL,
	    "full name of this machine, for the greeting to the provider" },
	{ "listen", R_NONE, SETTING_LIST, ANY, "localhost:25",
	    "addresses to listen on, as host:port; empty for none" },
	{ "socket", R(socket), SETTING_PATH, ANY, RELAIS_RUN_DIR "/smtp.sock",
	    "Unix socket on which sendmail submits messages" },
	{ "control", R_ONCE(control), SETTING_PATH, ANY, RELAIS_RUN_DIR "/control.sock",
	    "Unix socket on which the relais command talks to the daemon" },
	{ "spool", R_ONCE(spool), SETTING_PATH, ANY, RELAIS_SPOOL_DIR,
	    "folder that keeps accepted messages" },
	{ "store", R_ONCE(store), SETTING_ENUM, WORDS(store_words), "disk",
	    "what keeps accepted messages: disk, or postgres, which relays share" },
	{ "store_url", R_ONCE(store_url), SETTING_WORD, ANY, NULL,
	    "database of store = postgres, as postgres://USER@HOST/DATABASE" },
	{ "store_node", R_ONCE(store_node), SETTING_WORD, ANY, NULL,
	    "name of this relay among those that share the queue" },
	{ "user", R_ONCE(user), SETTING_WORD, ANY, "relais",
	    "user the daemon becomes when it is started as root" },
	{ "verdict_timeout", R(verdict_timeout_ms), SETTING_DURATION, ANY, "10s",
	    "how long a client in mode verdict waits for the provider's reply" },
	{ "max_size", R(max_size_bytes), SETTING_SIZE, ANY, "50M",
	    "largest message that is accepted" },
	{ "max_recipients", R(max_recipients), SETTING_INT, RANGE(100, 100000),
	    "1000", "most recipients one message may have" },
	{ "max_sessions", R(max_sessions), SETTING_INT, RANGE(1, 100000), "100",
	    "most clients at the same time" },
	{ "max_per_user", R(max_per_user), SETTING_INT, COUNT, "0",
	    "most recipients of one local user in any hour; 0 for no limit" },
	{ "max_equal", R(max_equal), SETTING_INT, COUNT, "100",
	    "equal messages within equal_time that are sent one by one; 0 for all" },
	{ "equal_time", R(equal_ms), SETTING_DURATION, ANY, "1h",
	    "how long further equal messages are folded into one, with a count" },
	{ "retry_after", R(retry_after_ms), SETTING_DURATION, ANY, "1m",
	    "wait before the second attempt; doubled each time, up to an hour" },
	{ "lifetime", R(lifetime_ms), SETTING_DURATION, ANY, "5d",
	    "how long a message is tried before it is given up" },
	{ "delay_notice", R(delay_notice_ms), SETTING_DURATION, ANY, "4h",
	    "when the sender is told that a message is late; 0 for never" },
	{ "uncertain", R(uncertain), SETTING_ENUM, WORDS(uncertain_words), "retry",
	    "what happens to a message whose answer was lost: retry or hold" },
	{ "sync_results", R(sync_results_ms), SETTING_DURATION, ANY, "1s",
	    "how often results of deliveries are synced; 0 for each, at once" },
	{ "alert_command", R(alert_command), SETTING_ARGV, ANY, NULL,
	    "program that receives on standard input what needs attention" },
	{ "allow_users", R(allow_users), SETTING_LIST, ANY, NULL,
	    "users who may submit; together with allow_groups; empty for all" },
	{ "allow_groups", R(allow_groups), SETTING_LIST, ANY, NULL,
	    "groups whose members may submit" },
	{ "aliases", R(aliases), SETTING_PATH, ANY, "/etc/aliases",
	    "file that says where mail for local names goes" },
	{ "received_hide", R(received_hide), SETTING_YESNO, ANY, "no",
	    "whether our Received fields leave out who submitted and where" },
	{ "history", R(history), SETTING_INT, RANGE(0, 1000000), "10000",
	    "how many results of deliveries relais log knows; 0 for none" },
	{ "history_life", R(history_life_ms), SETTING_DURATION, ANY, "30d",
	    "how long relais log knows the result of a delivery" },
	{ "history_subject", R(history_subject), SETTING_YESNO, ANY, "no",
	    "whether relais log shows subjects, which are kept for that" },
	{ "log", R(log), SETTING_PATH, WORDS(log_words), "auto",
	    "where the log goes: auto, stderr, stdout, syslog or a file" },
	{ "log_format", R(log_format), SETTING_ENUM, WORDS(log_format_words),
	    "text", "how a line of the log is written: text, json or journal" },
	{ "seccomp", R(seccomp), SETTING_ENUM, WORDS(seccomp_words), "on",
	    "filter of system calls: on, log (deny nothing) or off" },

	/* [listen NAME] */
	{ "address", L_NONE, SETTING_WORD, ANY, NULL,
	    "host:port, or the path of a Unix socket" },
	{ "mode", L_NONE, SETTING_ENUM, WORDS(setting_modes), "auto",
	    "what the answer to a message means: auto, verdict, safe or queue" },
	{ "allow_from", L_NONE, SETTING_LIST, ANY, NULL,
	    "addresses and networks that may connect; required beyond loopback" },

	/* [account NAME] */
	{ "provider", A(provider), SETTING_WORD, ANY, NULL,
	    "preset that fills in host, ports and limits" },
	{ "host", A(host), SETTING_WORD, ANY, NULL,
	    "name of the provider's submission server" },
	{ "port", A_NONE, SETTING_PORTS, ANY, "auto",
	    "port, several in order, or auto" },
	{ "tls", A_NONE, SETTING_ENUM, WORDS(setting_tls_modes), "auto",
	    "auto, implicit, starttls; off only for a server on this machine" },
	{ "tls_ca_file", A(tls_ca_file), SETTING_PATH, ANY, NULL,
	    "certificates to trust instead of the system's" },
	{ "tls_pin", A_NONE, SETTING_LIST, ANY, NULL,
	    "public keys to trust, up to two, as sha256:BASE64" },
	{ "tls_cert", A(tls_cert), SETTING_PATH, ANY, NULL,
	    "client certificate to present to the server" },
	{ "tls_key", A(tls_key), SETTING_PATH, ANY, NULL,
	    "private key of tls_cert" },
	{ "user", A(user), SETTING_WORD, ANY, NULL, "name to log in with" },
	{ "password", A_NONE, SETTING_SECRET, ANY, NULL,
	    "the secret itself: the rest of the line" },
	{ "password_file", A_NONE, SETTING_PATH, ANY, NULL,
	    "file whose first line is the secret" },
	{ "password_command", A_NONE, SETTING_ARGV, ANY, NULL,
	    "program whose first line of output is the secret" },
	{ "password_credential", A_NONE, SETTING_WORD, ANY, NULL,
	    "name of a systemd credential that holds the secret" },
	{ "password_keyring", A_NONE, SETTING_YESNO, ANY, "no",
	    "whether the secret is in the desktop keyring" },
	{ "oauth", A_NONE, SETTING_WORD, ANY, NULL,
	    "provider to sign in to with `relais login'; relais keeps the tokens" },
	{ "client_id", A_NONE, SETTING_WORD, ANY, NULL,
	    "name under which the provider knows this installation as a client" },
	{ "client_secret_file", A_NONE, SETTING_PATH, ANY, NULL,
	    "file whose first line is the client's secret, if it has one" },
	{ "client_secret_credential", A_NONE, SETTING_WORD, ANY, NULL,
	    "name of a systemd credential that holds the client's secret" },
	{ "oauth_flow", A_NONE, SETTING_ENUM, WORDS(flow_words), "auto",
	    "way to sign in: auto, device, browser; client or jwt for programs" },
	{ "jwt_key_file", A_NONE, SETTING_PATH, ANY, NULL,
	    "private key for oauth_flow = jwt: PEM, or a service account's JSON" },
	{ "jwt_key_credential", A_NONE, SETTING_WORD, ANY, NULL,
	    "name of a systemd credential that holds that key" },
	{ "auth", A_NONE, SETTING_LIST, WORDS(auth_words), "auto",
	    "mechanisms that may be used to log in, best first" },
	{ "address", A(address), SETTING_ADDRESS, ANY, NULL,
	    "the account's own email address; by default the login name" },
	{ "full_name", A(full_name), SETTING_TEXT, ANY, NULL,
	    "display name used where the account's address is inserted" },
	{ "identity", A(identity), SETTING_ENUM, WORDS(identities),
	    "allow", "which senders are kept: allow, force or keep" },
	{ "allowed_senders", A(allowed_senders), SETTING_LIST, ANY, NULL,
	    "addresses, also with *, that identity = allow leaves alone" },
	{ "null_sender", A(null_sender), SETTING_YESNO, ANY, "no",
	    "whether the provider accepts messages from the null sender, <>" },
	{ "senders", A(senders), SETTING_LIST, ANY, NULL,
	    "the account serves messages from these senders" },
	{ "recipients", A(recipients), SETTING_LIST, ANY, NULL,
	    "the account serves messages to these recipients only" },
	{ "users", A(users), SETTING_LIST, ANY, NULL,
	    "the account serves messages of these local users" },
	{ "default", A(is_default), SETTING_YESNO, ANY, "no",
	    "whether messages that no account claims go here" },
	{ "fallback", A_NONE, SETTING_WORD, ANY, NULL,
	    "account to use while this one is held or unreachable" },
	{ "max_connections", A(max_connections), SETTING_INT, RANGE(1, 100), "2",
	    "most connections at the same time" },
	{ "max_per_connection", A(max_per_connection), SETTING_INT, COUNT, "1000",
	    "most messages over one connection; 0 for no limit" },
	{ "max_per_minute", A(max_per_minute), SETTING_INT, COUNT, "0",
	    "most messages in any minute; 0 for no limit" },
	{ "max_per_hour", A(max_per_hour), SETTING_INT, COUNT, "0",
	    "most messages in any hour; 0 for no limit" },
	{ "max_per_day", A(max_per_day), SETTING_INT, COUNT, "0",
	    "most messages in any 24 hours; 0 for no limit" },
	{ "max_recipients", A(max_recipients), SETTING_INT, COUNT, "100",
	    "most recipients in one transaction; more are split" },
	{ "max_size", A(max_size_bytes), SETTING_SIZE, ANY, "0",
	    "largest message the provider accepts; 0: what the server announces" },
};
/* clang-format on */
const size_t nsettings = sizeof(settings) / sizeof(settings[0]);

/* --- finding -------------------------------------------------------------- */

const char *
setting_section_name(enum setting_section s)
{
	static const char *const names[] = { "relais", "listen", "account" };

	return names[s];
}

const struct setting *
setting_find(enum setting_section s, const char *name)
{
	for (size_t i = 0; i < nsettings; i++)
		if (settings[i].section == s &&
		    strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

/* The number of typing errors that is allowed: about a third of the word. */
static int
slip_limit(const char *word)
{
	size_t n = strlen(word);

	return n < 3 ? 1 : n < 9 ? 2 : 3;
}

const struct setting *
setting_nearest(enum setting_section s, const char *name)
{
	const struct setting *best = NULL;
	int limit = slip_limit(name);

	for (size_t i = 0; i < nsettings; i++)
		if (settings[i].section == s &&
		    str_is_nearer(name, settings[i].name, &limit))
			best = &settings[i];
	return best;
}

const char *
setting_nearest_word(const char *const *words, const char *word)
{
	const char *best = NULL;
	int limit = slip_limit(word);

	for (; *words != NULL; words++)
		if (str_is_nearer(word, *words, &limit))
			best = *words;
	return best;
}

int
setting_word_index(const char *const *words, const char *word)
{
	for (int i = 0; words[i] != NULL; i++)
		if (str_eq_nocase(words[i], word))
			return i;
	return -1;
}

bool
setting_is_source(const struct setting *st)
{
	return st->section == SETTING_ACCOUNT &&
	       (strncmp(st->name, "password", 8) == 0 ||
		   strcmp(st->name, "oauth") == 0);
}

bool
setting_has_comment(const struct setting *st)
{
	return st->type != SETTING_TEXT && st->type != SETTING_ARGV &&
	       st->type != SETTING_SECRET;
}

/* --- lists ---------------------------------------------------------------- */

void
conf_list_add(struct conf_list *l, const char *s, size_t n)
{
	l->v = xrealloc(l->v, l->n + 2, sizeof(*l->v));
	l->v[l->n++] = xstrndup(s, n);
	l->v[l->n] = NULL;
}

void
conf_list_clear(struct conf_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct conf_list) { NULL, 0 };
}

void
setting_split_list(const char *text, struct conf_list *to)
{
	static const char separators[] = " \t,";

	for (;;) {
		size_t n;

		text += strspn(text, separators);
		if ((n = strcspn(text, separators)) == 0)
			return;
		conf_list_add(to, text, n);
		text += n;
	}
}

/* --- checking ------------------------------------------------------------- */

/* Adds to the explanation and returns false; a full buffer cuts it. */
static bool
expected(struct buf *why, const char *what)
{
	IGNORE(buf_adds(why, what));
	return false;
}

static bool
expected_word(struct buf *why, const char *const *words, const char *got)
{
	const char *near = setting_nearest_word(words, got);

	IGNORE(buf_adds(why, "expected "));
	for (size_t i = 0; words[i] != NULL; i++) {
		if (i > 0)
			IGNORE(buf_adds(why, words[i + 1] ? ", " : " or "));
		IGNORE(buf_adds(why, words[i]));
	}
	if (near != NULL)
		IGNORE(buf_addf(why, "; did you mean \"%s\"?", near));
	return false;
}

static bool
is_one_word(const char *text)
{
	return text[0] != '\0' && strpbrk(text, " \t") == NULL;
}

static bool
check_text(const struct setting *st, const char *text, struct buf *why)
{
	(void)st;
	return text[0] != '\0' || expected(why, "expected a value");
}

static bool
check_word(const struct setting *st, const char *text, struct buf *why)
{
	(void)st;
	return is_one_word(text) ||
	       expected(why, "expected one word without blanks");
}

static bool
check_path(const struct setting *st, const char *text, struct buf *why)
{
	if (text[0] == '/' || strncmp(text, "~/", 2) == 0)
		return true;
	if (st->words == NULL)
		return expected(why, "expected a path that starts with /");
	if (setting_word_index(st->words, text) >= 0)
		return true;
	IGNORE(expected_word(why, st->words, text));
	return expected(why, ", or a path that starts with /");
}

/* Checks only what every address must have: mail/addr.h has the grammar, and
 * the provider decides about the rest. */
static bool
check_address(const struct setting *st, const char *text, struct buf *why)
{
	const char *at = strrchr(text, '@');

	(void)st;
	if (is_one_word(text) && at != NULL && at != text && at[1] != '\0' &&
	    strpbrk(text, "<>\"") == NULL)
		return true;
	return expected(
	    why, "expected an email address such as me@example.org");
}

static bool
check_int(const struct setting *st, const char *text, struct buf *why)
{
	uint64_t v;

	if (num_u64_max(bytes_str(text), (uint64_t)st->max, &v) &&
	    v >= (uint64_t)st->min)
		return true;
	IGNORE(buf_addf(
	    why, "expected a number from %ld to %ld", st->min, st->max));
	return false;
}

static bool
check_size(const struct setting *st, const char *text, struct buf *why)
{
	uint64_t v;

	(void)st;
	return num_size_bytes(bytes_str(text), &v) ||
	       expected(why, "expected a size such as 500K or 35M");
}

static bool
check_duration(const struct setting *st, const char *text, struct buf *why)
{
	int64_t v;

	(void)st;
	return num_duration_ms(bytes_str(text), &v) ||
	       expected(why, "expected a time such as 30s, 5m, 4h or 5d");
}

static const char *const yes_words[] = { "yes", "on", "true", "1", NULL };
static const char *const no_words[] = { "no", "off", "false", "0", NULL };

static bool
check_yesno(const struct setting *st, const char *text, struct buf *why)
{
	(void)st;
	return setting_word_index(yes_words, text) >= 0 ||
	       setting_word_index(no_words, text) >= 0 ||
	       expected(why, "expected yes or no");
}

static bool
check_enum(const struct setting *st, const char *text, struct buf *why)
{
	return setting_word_index(st->words, text) >= 0 ||
	       expected_word(why, st->words, text);
}

static bool
check_list(const struct setting *st, const char *text, struct buf *why)
{
	struct conf_list l = { NULL, 0 };
	bool is_good = true;

	if (st->words == NULL)
		return true;
	setting_split_list(text, &l);
	for (size_t i = 0; i < l.n && is_good; i++)
		is_good = check_enum(st, l.v[i], why);
	conf_list_clear(&l);
	return is_good;
}

static bool
check_ports(const struct setting *st, const char *text, struct buf *why)
{
	struct conf_list l = { NULL, 0 };
	bool is_good;
	uint64_t v;

	(void)st;
	if (str_eq_nocase(text, "auto"))
		return true;
	setting_split_list(text, &l);
	is_good = l.n > 0 && l.n <= CONF_PORTS_MAX;
	for (size_t i = 0; i < l.n && is_good; i++)
		is_good = num_u64_max(bytes_str(l.v[i]), 65535, &v) && v > 0;
	conf_list_clear(&l);
	return is_good ||
	       expected(why, "expected a port from 1 to 65535, or auto");
}

static bool
check_argv(const struct setting *st, const char *text, struct buf *why)
{
	char **argv = NULL;
	size_t n;
	enum argv_result r = argv_split(text, &argv, &n);

	(void)st;
	if (r == ARGV_OK)
		argv_free(argv);
	return r == ARGV_OK ||
	       expected(why, r == ARGV_QUOTE
				 ? "a closing quote is missing"
				 : "expected a program and its arguments");
}

typedef bool (*checker)(
    const struct setting *st, const char *text, struct buf *why);

/* In the order of enum setting_type. */
static const checker checkers[] = { check_text, check_word, check_path,
	check_address, check_int, check_size, check_duration, check_yesno,
	check_enum, check_list, check_ports, check_argv, check_text };

bool
setting_check(const struct setting *st, const char *text, struct buf *why)
{
	return checkers[st->type](st, text, why);
}

/* --- storing -------------------------------------------------------------- */

static char *
path_of(const char *text, const char *home)
{
	if (text[0] == '~' && home != NULL)
		return xasprintf("%s%s", home, text + 1);
	return xstrdup(text);
}

static void
store_text(void *field, char *text)
{
	char **to = field;

	free(*to);
	*to = text;
}

/* The number that a value means, in any notation of its type. */
static int64_t
number_of(const struct setting *st, const char *text)
{
	uint64_t v = 0;
	int64_t ms = 0;

	if (st->type == SETTING_ENUM)
		return setting_word_index(st->words, text);
	if (st->type == SETTING_YESNO)
		return setting_word_index(yes_words, text) >= 0;
	if (st->type == SETTING_DURATION)
		return num_duration_ms(bytes_str(text), &ms) ? ms : 0;
	if (st->type == SETTING_SIZE)
		return num_size_bytes(bytes_str(text), &v) ? (int64_t)v : 0;
	return num_u64(bytes_str(text), &v) ? (int64_t)v : 0;
}

static void
store_argv(const char *text, struct conf_list *to)
{
	char **argv;
	size_t n;

	if (argv_split(text, &argv, &n) == ARGV_OK)
		*to = (struct conf_list) { argv, n };
}

void
setting_store(
    const struct setting *st, const char *text, const char *home, void *base)
{
	void *field;

	if (st->field == SETTING_NO_FIELD)
		return;
	field = (char *)base + st->field;
	switch (st->type) {
	case SETTING_TEXT:
	case SETTING_WORD:
	case SETTING_ADDRESS:
		store_text(field, xstrdup(text));
		break;
	case SETTING_PATH:
		store_text(field, path_of(text, home));
		break;
	case SETTING_INT:
	case SETTING_ENUM:
		*(int *)field = (int)number_of(st, text);
		break;
	case SETTING_SIZE:
		*(uint64_t *)field = (uint64_t)number_of(st, text);
		break;
	case SETTING_DURATION:
		*(int64_t *)field = number_of(st, text);
		break;
	case SETTING_YESNO:
		*(bool *)field = number_of(st, text) != 0;
		break;
	case SETTING_LIST:
		conf_list_clear(field);
		setting_split_list(text, field);
		break;
	case SETTING_ARGV:
		conf_list_clear(field);
		store_argv(text, field);
		break;
	case SETTING_PORTS:
	case SETTING_SECRET:
		break;
	}
}

void
setting_defaults(enum setting_section s, void *base)
{
	for (size_t i = 0; i < nsettings; i++)
		if (settings[i].section == s && settings[i].dflt != NULL)
			setting_store(
			    &settings[i], settings[i].dflt, NULL, base);
}

void
setting_clear(enum setting_section s, void *base)
{
	for (size_t i = 0; i < nsettings; i++) {
		const struct setting *st = &settings[i];
		void *field;

		if (st->section != s || st->field == SETTING_NO_FIELD)
			continue;
		field = (char *)base + st->field;
		if (st->type <= SETTING_ADDRESS)
			store_text(field, NULL);
		else if (st->type == SETTING_LIST || st->type == SETTING_ARGV)
			conf_list_clear(field);
	}
}
