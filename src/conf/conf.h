/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conf.h - reads and checks the whole configuration.
 *
 * conf_load() reads one INI file (inih), fills in defaults and provider
 * presets, and checks what can be checked without the network.  It reports
 * every problem it finds, not only the first, each with file and line.  The
 * options are defined in one table, conf/setting.h.
 *
 * The result is plain data that is made once and then only read; it owns all
 * its strings.  A reload makes a new one, and the old one is freed when nothing
 * uses it any more.  Blocks on the disk while loading; it reads no environment
 * variables: the caller passes in their values, and settings among them if they
 * count (conf/conf_vars.h).
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

/* Borrowed while a call runs; strings may be NULL. */
struct conf_env {
	bool is_user; /* relaisd --user: XDG folders, high ports */
	const char *home; /* $HOME */
	const char *config_home, *state_home; /* $XDG_CONFIG_HOME, ... */
	const char *runtime_dir; /* $XDG_RUNTIME_DIR */
	uid_t uid; /* for /run/user/UID where runtime_dir is NULL */
	const char *hostname; /* what gethostname(2) says */
	/* Preset files, NULL for the installed one (if it is not there, the
	 * built-in copy of it) and for the user's; both have the same form, a
	 * row in the second replaces one with the same key in the first. */
	const char *providers, *providers_own;
	const char *oauth_own; /* more OAuth2 endpoints, NULL: the user's */
	/* The group that may read configuration and secrets when they belong
	 * to root: the daemon's; (gid_t)-1: none. */
	gid_t group;
	/* Settings in variables, which replace those of the file; NULL: they
	 * do not count. */
	const struct conf_vars *vars;
	bool is_file_optional; /* it may be missing */
	/* Files of secrets may be missing or open to others: they are about to
	 * be written. */
	bool lacks_secrets;
	struct conf_copy *copy; /* NULL, or to be filled in */
	/* The text of such a copy: it is read in place of the file, which was
	 * checked when the copy was made. */
	const struct bytes *text;
};
/* What the process that asks has around it; the name of the host goes into
 * hostname, "" if it has none. */
struct conf_env conf_env_self(bool is_user, char *hostname, size_t size);

/* The configuration for a process that may know no secret: what was understood
 * of file and variables, and for each password a word that is another one
 * whenever the password is another one. */
struct conf_copy {
	unsigned char key[SIPHASH_KEY_BYTES]; /* set by the caller */
	struct buf text; /* conf_copy_init() first */
};
void conf_copy_init(struct conf_copy *c);

/* `listen` in user mode, where port 25 cannot be had. */
#define CONF_USER_LISTEN "localhost:2525"

/* The default paths, in either mode.  Owned strings. */
struct conf_paths {
	char *file; /* relais.conf */
	char *providers_own; /* the user's additions to the presets */
	char *replies_own; /* and to what is known of replies */
	char *oauth_own; /* and to the OAuth2 endpoints */
	char *spool, *socket, *control;
};
void conf_paths_init(struct conf_paths *p, const struct conf_env *env);
void conf_paths_clear(struct conf_paths *p);

/* --- problems ------------------------------------------------------------- */

struct conf_problem {
	char *file;
	int line; /* 0: about the file as a whole; below: about a variable */
	char *text; /* one sentence, no full stop, no secret; names line and
		     * file itself */
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

/* How a listener answers the end of DATA; the values are queue_mode's. */
enum conf_mode {
	CONF_MODE_SAFE = 0,
	CONF_MODE_VERDICT,
	CONF_MODE_QUEUE,
	CONF_MODE_AUTO
};

/* What becomes of a message whose answer was lost. */
/* The filter of system calls (sys/sandbox.h). */
enum conf_store { CONF_STORE_DISK = 0, CONF_STORE_POSTGRES };
enum conf_seccomp { CONF_SECCOMP_ON = 0, CONF_SECCOMP_LOG, CONF_SECCOMP_OFF };

enum conf_uncertain { CONF_UNCERTAIN_RETRY = 0, CONF_UNCERTAIN_HOLD };

/* An address range. */
struct conf_net {
	int family; /* AF_INET (4 bytes) or AF_INET6 */
	unsigned char addr[16];
	unsigned prefix_bits;
};

/* One per socket to open: what `listen` and `socket` name, and each section
 * [listen NAME].  "localhost" makes two, 127.0.0.1 and ::1; so does "*",
 * 0.0.0.0 and ::. */
struct conf_listen {
	char *name; /* of the section; "listen" or "socket" else */
	char *address; /* as it was written, for people */
	char *path; /* Unix socket, or NULL and then: */
	char *host; /* an address literal */
	int port;
	bool is_loopback; /* always true for a Unix socket */
	/* The second half of "localhost" or "*": a machine without IPv6 has
	 * none, so failing to bind it is only worth a log line. */
	bool is_optional;
	enum conf_mode mode;
	struct conf_net *nets; /* allow_from; none: all clients (loopback and
				* Unix sockets only, R35) */
	size_t nnets;
	int line; /* of the file; 0: by default */
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

/* A member for each setting of the section.  Presets are already applied.
 * Counts: 0 means no limit. */
struct conf_account {
	char *name;
	int line;
	char *provider; /* key of the preset, or NULL */
	char *host;
	struct conf_port ports[CONF_PORTS_MAX]; /* to be tried in this order */
	size_t nports; /* at least 1 */

	char *tls_ca_file, *tls_cert, *tls_key; /* or NULL */
	char *tls_pins[CONF_PINS_MAX]; /* "sha256:BASE64", or NULL */

	char *user; /* the login; NULL: this account does not log in */
	struct cred_source secret;
	char *auth; /* mechanisms, best first, blank separated; NULL: any */
	bool is_token; /* the secret is an OAuth2 token */
	char *secret_hint; /* what the provider calls it ("app-password"), or
			    * NULL; for advice */

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

/* Likewise of [relais]. */
struct conf {
	unsigned refs; /* besides the first one, see conf_ref() */
	unsigned generation; /* the caller's: which one of several this is */
	char *file; /* what it was read from */

	/* [relais] */
	char *admin; /* where mail for root and our own alerts go, or NULL */
	char *hostname; /* as set, or NULL: not set; for EHLO */
	char *host_found; /* hostname, else what the machine calls itself */
	char *host_machine; /* what the machine calls itself, or NULL */
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
	char *store_node; /* of this relay, or NULL: host_machine */
	int64_t sync_results_ms; /* 0: each at once */
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
	size_t naccounts; /* at least 1 */
	int default_account; /* index, or -1: all have conditions */
};

/* 0: *ret is the caller's.  -1: problems holds at least one, all of them
 * errors.  problems must be zeroed before; the caller clears it. */
int conf_load(const char *file, const struct conf_env *env, struct conf **ret,
    struct conf_problems *problems) MUST_CHECK;
/* One more owner, which calls conf_free() as well.  On the loop's thread. */
struct conf *conf_ref(struct conf *c);
void conf_free(struct conf *c);

/* After a reload: the daemon may not be able to read the secret files that root
 * read at the start, so their content is taken from the old configuration, if
 * the file has not changed.  Looks at the files. */
void conf_keep_secrets(struct conf *to, const struct conf *from);

/* After a reload: settings that need a restart keep their values of from, so
 * that to describes what is in force. */
void conf_keep_started(struct conf *to, const struct conf *from);

/* May a client with this address ("127.0.0.1", "fe80::1%eth0") talk to this
 * listener?  Pure. */
bool conf_listen_allows(const struct conf_listen *l, const char *client);

/* A socket bound for a is one for b. */
bool conf_listen_is_at(
    const struct conf_listen *a, const struct conf_listen *b);
/* Of a section [listen NAME], not of `listen' or `socket'. */
bool conf_listen_is_section(const struct conf_listen *l);
void conf_listen_copy(struct conf_listen *to, const struct conf_listen *from);
void conf_listen_clear(struct conf_listen *l);

/* Does it set `senders', `recipients' or `users'? */
bool conf_account_has_condition(const struct conf_account *a);

/* Of this relay among those that share a store; not the name it has for
 * providers, which may be the same for all. */
const char *conf_node_name(const struct conf *c);

/* Index of the account with this name, or -1. */
int conf_account_find(const struct conf *c, const char *name);

#endif
