/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cred.h - fetches the secret of an account when a login needs it.
 *
 * It may come from the configuration itself, a file, a credential of the
 * service manager, a command, the desktop keyring, or a sign-in by OAuth2.  The
 * last three run in the helper relais-cred, a process that does nothing else,
 * so that GLib, D-Bus, HTTP and programs of others never run in the daemon.
 *
 * A file is refused while other users can read it (R31).  The secret is its
 * first line: every byte counts, only the line end is cut.
 *
 * Blocks, up to cred_env.timeout_ms: call it on a worker thread.  Nothing is
 * logged, and no sentence, argument or environment ever holds the secret (R32).
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
	CRED_TEXT, /* `password`: it stands in the configuration */
	CRED_FILE, /* `password_file`: value is the path; secret, if any, is
		    * what root read before he became the daemon's user, for
		    * a file that user cannot open */
	CRED_SYSTEMD, /* `password_credential`: value is its name */
	CRED_COMMAND, /* `password_command`: value is the command line */
	CRED_KEYRING, /* `password_keyring`: value is "yes" */
	CRED_OAUTH /* `oauth`: value is the key; oauth the rest */
};

/* Owned strings; as it stands in struct conf_account. */
struct cred_source {
	enum cred_kind kind;
	char *value;
	struct secret *secret; /* CRED_TEXT; CRED_FILE perhaps */
	struct cred_oauth *oauth; /* CRED_OAUTH (cred_oauth.h) */
	struct cred_stamp { /* of the file at that time */
		dev_t dev;
		ino_t ino;
		int64_t size, changed_ns; /* st_ctim */
	} stamp;
	/* The provider shows it in groups of four with blanks that do not
	 * belong to it; such blanks are taken out. */
	bool is_grouped;
};
void cred_source_clear(struct cred_source *s);
/* Is the secret looked for in the same place, or, for CRED_TEXT, the same? */
bool cred_source_eq(const struct cred_source *a, const struct cred_source *b);

/* What the program around us knows and we may not look up ourselves.  All
 * borrowed; every one may be NULL but helper. */
struct cred_env {
	const char
	    *helper; /* path of relais-cred; relais-keyring is beside it */
	const char *credentials_dir; /* $CREDENTIALS_DIRECTORY */
	const char *home, *user; /* of the daemon, for the command */
	const char *runtime_dir; /* $XDG_RUNTIME_DIR */
	const char *dbus_address; /* $DBUS_SESSION_BUS_ADDRESS */
	gid_t group; /* may read secret files besides their owner; or -1 */
	int64_t timeout_ms; /* 0: CRED_TIMEOUT_MS */
};
enum { CRED_TIMEOUT_MS = 30000 };

/* What is known of a token besides it; CRED_OAUTH only. */
struct cred_facts {
	uint64_t serial; /* grows with each token; 0: nothing is known */
	int64_t valid_ms; /* how long it lives */
	int64_t signed_in_s, refreshed_s; /* wall clock; 0: never */
	int64_t ends_s; /* when the sign-in ends if it is not used; 0: never */
	char user[256]; /* who signed in, "" if the provider did not say */
};

/* What a token is asked for. */
enum cred_need {
	CRED_USE, /* for a login: one that lives */
	CRED_FRESH, /* likewise, but not the one with the serial `refused` */
	CRED_KEEP, /* for nothing: so that the sign-in does not end by disuse */
	CRED_LOOK /* has it changed?  Asks nobody */
};

struct cred_wish {
	enum cred_need need;
	uint64_t
	    refused; /* CRED_FRESH: the serial of the one that will not do */
};

/* The user who asks; borrowed. */
struct cred_request {
	const struct cred_source *source;
	const char *account; /* its name, for sentences and the keyring */
	const char *host, *login; /* attributes of the keyring entry */
	struct cred_wish wish; /* CRED_OAUTH */
	struct cred_facts *ret_facts; /* or NULL */
};

enum cred_result {
	CRED_OK = 0, /* *ret_secret is the caller's */
	CRED_LATER, /* locked keyring, timeout, file system away: try again */
	CRED_NEVER /* a person must change something first */
};

/* err (class ERR_SECRET) is one sentence that says what to do. */
enum cred_result cred_fetch(const struct cred_request *rq,
    const struct cred_env *env, struct secret **ret_secret,
    struct err *err) MUST_CHECK;

#endif
