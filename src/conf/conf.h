/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conf.h - reads and checks the whole configuration.
 *
 * conf_load() reads one INI file (inih), fills in defaults and provider
 * presets, and checks everything that can be checked without the network.  It
 * reports every problem, not only the first, each with file and line.  The
 * table in conf/setting.h defines the options.
 *
 * The result is plain data that is never changed; it owns all its strings.  A
 * reload makes a new one, and the old one is freed when nothing uses it any
 * more.  Loading blocks on the disk.  Environment variables are not read here:
 * the caller passes in their values, and settings in variables if they count
 * (conf/conf_vars.h).
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/must.h"
#include "base/siphash.h"
#include "cred/cred.h"

/* --- what the caller found in its surroundings ---------------------------- */

struct conf_vars;

/* Borrowed for the call; strings may be NULL. */
struct conf_env {
	bool is_user; /* relaisd --user: XDG folders, high ports */
	const char *home; /* $HOME */
	const char *config_home, *state_home; /* $XDG_CONFIG_HOME, ... */
	const char *runtime_dir; /* $XDG_RUNTIME_DIR */
	uid_t uid; /* for /run/user/UID where runtime_dir is NULL */
	const char *hostname; /* from gethostname(2) */
	/* Preset files.  NULL: the installed one (or the built-in copy of it),
	 * and the user's.  Both have the same form; a row in the second
	 * replaces a row with the same key in the first. */
	const char *providers, *providers_own;
	const char *oauth_own; /* more OAuth2 endpoints, NULL: the user's */
	/* The daemon's group, which may read configuration and secrets that
	 * belong to root; (gid_t)-1: none. */
	gid_t group;
	/* Settings in variables, which replace those of the file; NULL: not
	 * used. */
	const struct conf_vars *vars;
	bool is_file_optional; /* the file may be missing */
	/* Secret files may be missing or readable by others, because they are
	 * about to be written. */
	bool lacks_secrets;
	bool lacks_accounts; /* there may be none: one is about to be added */
	struct conf_copy *copy; /* filled in unless NULL */
	/* The text of such a copy, which is read instead of the file.  The file
	 * was checked when the copy was made. */
	const struct bytes *text;
};
/* The surroundings of this process.  The host name is stored in hostname, "" if
 * there is none. */
struct conf_env conf_env_self(bool is_user, char *hostname, size_t size);

/* The configuration as text for a process that must not know a secret:
 * everything read from file and variables, with each password replaced by a
 * word that changes whenever the password does. */
struct conf_copy {
	unsigned char key[SIPHASH_KEY_BYTES]; /* set by the caller */
	struct buf text; /* conf_copy_init() first */
};
void conf_copy_init(struct conf_copy *c);

/* The default of `listen` in user mode, in which port 25 cannot be bound. */
#define CONF_USER_LISTEN "localhost:2525"

/* The default paths, in either mode.  Owned strings. */
struct conf_paths {
	char *file; /* relais.conf */
	char *providers_own; /* the user's additions to the presets */
	char *replies_own; /* the user's additions to the table of replies */
	char *oauth_own; /* the user's additions to the OAuth2 endpoints */
	char *spool, *socket, *control;
};
void conf_paths_init(struct conf_paths *p, const struct conf_env *env);
void conf_paths_clear(struct conf_paths *p);

/* --- problems ------------------------------------------------------------- */

struct conf_problem {
	char *file;
	int line; /* 0: about the whole file; below 0: about a variable */
	/* one sentence without full stop or secret; names line and file */
	char *text;
};
struct conf_problems {
	struct conf_problem *v;
	size_t n;
};
void conf_problems_clear(struct conf_problems *p);

/* --- the settings --------------------------------------------------------- */

struct conf_list {
	char **v;
	size_t n;
};

/* How a listener answers the end of DATA; the values are those of
 * queue_mode. */
enum conf_mode {
	CONF_MODE_SAFE = 0,
	CONF_MODE_VERDICT,
	CONF_MODE_QUEUE,
	CONF_MODE_AUTO
};

/* In the order of store_words (setting.c). */
enum conf_store { CONF_STORE_DISK = 0, CONF_STORE_POSTGRES };
/* The filter of system calls (sys/sandbox.h). */
enum conf_seccomp { CONF_SECCOMP_ON = 0, CONF_SECCOMP_LOG, CONF_SECCOMP_OFF };

/* What happens to a message whose answer was lost. */
enum conf_uncertain { CONF_UNCERTAIN_RETRY = 0, CONF_UNCERTAIN_HOLD };

/* An address range. */
struct conf_net {
	int family; /* AF_INET (4 bytes) or AF_INET6 */
	unsigned char addr[16];
	unsigned prefix_bits;
};

/* One for each socket to open: for `listen` and `socket`, and for each section
 * [listen NAME].  "localhost" makes two, 127.0.0.1 and ::1; "*" makes two,
 * 0.0.0.0 and ::. */
struct conf_listen {
	char *name; /* of the section; otherwise "listen" or "socket" */
	char *address; /* as written in the file, for people */
	char *path; /* Unix socket, or NULL and then: */
	char *host; /* an address literal */
	int port;
	bool is_loopback; /* always true for a Unix socket */
	/* The second one of "localhost" or "*".  A machine without IPv6 cannot
	 * bind it, so a failure is only logged. */
	bool is_optional;
	enum conf_mode mode;
	/* allow_from; none: every client (only on loopback and Unix sockets,
	 * R35) */
	struct conf_net *nets;
	size_t nnets;
	int line; /* of the file; 0: a default */
};

enum conf_tls { CONF_TLS_STARTTLS = 0, CONF_TLS_IMPLICIT, CONF_TLS_OFF };
enum conf_identity {
	CONF_IDENTITY_ALLOW = 0,
	CONF_IDENTITY_FORCE,
	CONF_IDENTITY_KEEP
};

enum { CONF_PORTS_MAX = 8, CONF_PINS_MAX = 2 };

struct conf_port {
	int port;
	enum conf_tls tls;
};

/* A section [account NAME], with presets applied.  Counts: 0 means no limit. */
struct conf_account {
	char *name;
	int line;
	char *provider; /* key of the preset, or NULL */
	char *host;
	struct conf_port ports[CONF_PORTS_MAX]; /* in order of preference */
	size_t nports; /* at least 1 */

	char *tls_ca_file, *tls_cert, *tls_key; /* or NULL */
	char *tls_pins[CONF_PINS_MAX]; /* "sha256:BASE64", or NULL */

	char *user; /* the login; NULL: this account does not log in */
	struct cred_source secret;
	char *auth; /* mechanisms, best first, blank separated; NULL: any */
	bool is_token; /* the secret is an OAuth2 token */
	/* what the provider calls the secret ("app-password"), or NULL; for
	 * advice */
	char *secret_hint;

	char *address; /* the account's own; NULL only with identity KEEP */
	char *full_name; /* or NULL */
	enum conf_identity identity;
	struct conf_list allowed_senders; /* patterns for str_match() */
	bool null_sender; /* the provider takes mail from <> */

	struct conf_list senders, recipients,
	    users; /* conditions; empty: any */
	bool is_default;
	int fallback; /* index of the spare account, or -1 */

	int max_connections; /* at least 1 */
	int max_per_connection;
	int max_per_minute, max_per_hour, max_per_day;
	int max_recipients; /* per message */
	uint64_t max_size_bytes;
};

/* The whole configuration: the settings of [relais], listeners and accounts. */
struct conf {
	unsigned refs; /* besides the first one, see conf_ref() */
	/* set by the caller: tells reloaded configurations apart */
	unsigned generation;
	char *file; /* the file it was read from */

	/* [relais] */
	/* recipient of mail for root and of our notices, or NULL */
	char *admin;
	char *hostname; /* the setting, for EHLO; NULL: not set */
	char *host_found; /* hostname, or else host_machine */
	char *host_machine; /* the machine's own name, or NULL */
	char *socket, *control, *spool;
	char *user; /* the daemon's user when started as root */
	char *aliases; /* path */
	char *log; /* "auto", "stderr", "stdout", "syslog" or a path */
	int log_format; /* enum log_format of sys/log_format.h */
	int64_t verdict_timeout_ms;
	int64_t retry_after_ms, lifetime_ms, delay_notice_ms;
	enum conf_uncertain uncertain;
	enum conf_seccomp seccomp;
	enum conf_store store;
	char *store_url; /* or NULL */
	char *store_node; /* name of this relay; NULL: host_machine */
	int64_t sync_results_ms; /* 0: each result at once */
	uint64_t max_size_bytes;
	int max_recipients, max_sessions, max_per_user, max_equal;
	int64_t equal_ms;
	int history; /* entries; 0: none */
	int64_t history_life_ms;
	bool history_subject;
	bool received_hide; /* our Received fields do not name the submitter */
	struct conf_list alert_command; /* argv, or empty */
	struct conf_list allow_users, allow_groups; /* empty: everybody */

	struct conf_listen *listens;
	size_t nlistens;
	struct conf_account *accounts; /* in the order of the file */
	size_t naccounts; /* at least 1 but for lacks_accounts */
	int default_account; /* index; -1: none, or each has conditions */
};

/* 0: the caller gives *ret to conf_free().  -1: problems has at least one
 * entry, all of them errors.  The caller zeroes problems before, and clears it
 * afterwards. */
int conf_load(const char *file, const struct conf_env *env, struct conf **ret,
    struct conf_problems *problems) MUST_CHECK;
/* Adds a reference, which conf_free() drops.  On the loop's thread. */
struct conf *conf_ref(struct conf *c);
void conf_free(struct conf *c);

/* After a reload.  The daemon may not be able to read secret files that root
 * read at the start, so the contents are taken from the old configuration if
 * the file has not changed.  Checks the files. */
void conf_keep_secrets(struct conf *to, const struct conf *from);

/* After a reload: settings that need a restart keep the values of from, so that
 * to describes what is in force. */
void conf_keep_started(struct conf *to, const struct conf *from);

/* True: a client with this address ("127.0.0.1", "fe80::1%eth0") may use this
 * listener.  Pure. */
bool conf_listen_allows(const struct conf_listen *l, const char *client);

/* True: a socket that is bound for a serves b as well. */
bool conf_listen_is_at(
    const struct conf_listen *a, const struct conf_listen *b);
/* True: from a section [listen NAME], not from `listen' or `socket'. */
bool conf_listen_is_section(const struct conf_listen *l);
void conf_listen_copy(struct conf_listen *to, const struct conf_listen *from);
void conf_listen_clear(struct conf_listen *l);

/* True: the account sets `senders', `recipients' or `users'. */
bool conf_account_has_condition(const struct conf_account *a);

/* The name of this relay among those that share a store.  Not its host name for
 * providers, which may be the same for all. */
const char *conf_node_name(const struct conf *c);

/* The index of the account with this name, or -1. */
int conf_account_find(const struct conf *c, const char *name);

#endif
