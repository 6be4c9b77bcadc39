/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cred.h - fetches the secret of an account when a login needs it.
 *
 * The secret may come from the configuration itself, a file, a credential of
 * the service manager, a command, the desktop keyring, or an OAuth2 sign-in.
 * The last three run in the helper relais-cred, a process that does nothing
 * else, so that GLib, D-Bus, HTTP and foreign programs never run in the daemon.
 *
 * A file that other users can read is refused (R31).  The secret is the first
 * line of the file: every byte counts, only the line end is removed.
 *
 * Blocks, up to cred_env.timeout_ms: call it on a worker thread.  Nothing is
 * logged, and no error text, argument or environment ever contains the secret
 * (R32).
 */
#ifndef CRED_CRED_H
#define CRED_CRED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/must.h"
#include "base/secret.h"

enum cred_kind {
	CRED_NONE = 0, /* the account logs in without a secret, or not at all */
	CRED_TEXT, /* `password`: in the configuration */
	/* `password_file`: value is the path.  secret, if set, is what root
	 * read before it became the daemon's user, for a file that this user
	 * cannot open */
	CRED_FILE,
	CRED_SYSTEMD, /* `password_credential`: value is its name */
	CRED_COMMAND, /* `password_command`: value is the command line */
	CRED_KEYRING, /* `password_keyring`: value is "yes" */
	CRED_OAUTH /* `oauth`: value is the key, oauth has the rest */
};

/* Where a secret comes from.  Owned strings. */
struct cred_source {
	enum cred_kind kind;
	char *value;
	struct secret *secret; /* CRED_TEXT, and perhaps CRED_FILE */
	struct cred_oauth *oauth; /* CRED_OAUTH (cred_oauth.h) */
	struct cred_stamp { /* identifies the file that secret was read from */
		dev_t dev;
		ino_t ino;
		int64_t size, changed_ns; /* st_ctim */
	} stamp;
	/* The provider shows the secret in groups of four with blanks that do
	 * not belong to it; such blanks are removed. */
	bool is_grouped;
};
void cred_source_clear(struct cred_source *s);
/* True: the secret is in the same place or, for CRED_TEXT, the same. */
bool cred_source_eq(const struct cred_source *a, const struct cred_source *b);

/* Facts about the program that may not be looked up here.  Borrowed; everything
 * but helper may be NULL. */
struct cred_env {
	const char
	    *helper; /* path of relais-cred; relais-keyring is beside it */
	const char *credentials_dir; /* $CREDENTIALS_DIRECTORY */
	const char *home, *user; /* of the daemon, for the command */
	const char *runtime_dir; /* $XDG_RUNTIME_DIR */
	const char *dbus_address; /* $DBUS_SESSION_BUS_ADDRESS */
	/* may read secret files besides their owner; or (gid_t)-1 */
	gid_t group;
	int64_t timeout_ms; /* 0: CRED_TIMEOUT_MS */
};
enum { CRED_TIMEOUT_MS = 30000 };

/* What is known about a token; CRED_OAUTH only. */
struct cred_facts {
	uint64_t serial; /* grows with each token; 0: nothing is known */
	int64_t valid_ms; /* remaining lifetime */
	int64_t signed_in_s, refreshed_s; /* wall clock; 0: never */
	int64_t ends_s; /* when an unused sign-in expires; 0: never */
	char user[256]; /* who signed in, "" if the provider did not say */
};

/* What a token is needed for. */
enum cred_need {
	CRED_USE, /* a login: a valid token */
	CRED_FRESH, /* a login: a valid token other than `refused` */
	CRED_KEEP, /* to keep the sign-in from expiring by disuse */
	CRED_LOOK /* to see whether it has changed; asks no server */
};

struct cred_wish {
	enum cred_need need;
	uint64_t refused; /* CRED_FRESH: the serial of the refused token */
};

/* One request; borrowed. */
struct cred_request {
	const struct cred_source *source;
	const char *account; /* its name, for sentences and the keyring */
	const char *host, *login; /* attributes of the keyring entry */
	struct cred_wish wish; /* CRED_OAUTH */
	struct cred_facts *ret_facts; /* or NULL */
};

enum cred_result {
	CRED_OK = 0, /* the caller frees *ret_secret */
	/* locked keyring, timeout, file system missing: try again */
	CRED_LATER,
	CRED_NEVER /* a person must change something first */
};

/* Fetches the secret.  err (class ERR_SECRET) is one sentence that says what to
 * do. */
enum cred_result cred_fetch(const struct cred_request *rq,
    const struct cred_env *env, struct secret **ret_secret,
    struct err *err) MUST_CHECK;

#endif
