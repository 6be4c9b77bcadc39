/* SPDX-License-Identifier: GPL-3.0-or-later */
/* envelope.h - the envelope of a message: sender, recipients, options,
 * submitter and time.
 *
 * Addresses are RFC 5321 mailboxes without angle brackets, kept byte for byte
 * (the local part is case-sensitive, RFC 5321 2.4); the null sender is "".  No
 * address contains a control character (R8): the code that fills an envelope
 * checks it with addr_is_safe() (mail/addr.h).
 *
 * An envelope owns all its strings.
 */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uid.h"
#include "mail/verdict.h"

/* RFC 3461 4.1 */
enum dsn_notify {
	DSN_NOTIFY_UNSET = 0,
	DSN_NOTIFY_NEVER = 1,
	DSN_NOTIFY_SUCCESS = 2,
	DSN_NOTIFY_FAILURE = 4,
	DSN_NOTIFY_DELAY = 8
};

/* RFC 3461 4.3 */
enum dsn_ret { DSN_RET_UNSET = 0, DSN_RET_FULL, DSN_RET_HDRS };

enum rcpt_state {
	RCPT_WAITING = 0, /* not delivered yet */
	RCPT_SENT,
	RCPT_FAILED
};

struct rcpt {
	char *addr;
	char *orcpt; /* "rfc822;xtext" as given, or NULL */
	unsigned notify; /* enum dsn_notify, or-ed */
	enum rcpt_state state;
	struct verdict *last; /* the newest verdict, or NULL */
	bool is_told; /* RCPT_FAILED: no notice is needed any more */
	bool is_news; /* decided, but not yet in the history */
};

enum { ENVELOPE_ID_SIZE = 24 };

struct envelope {
	char id[ENVELOPE_ID_SIZE]; /* queue id, or "" before it has one */
	char *sender;
	struct rcpt *rcpts;
	size_t nrcpts;
	char *envid; /* xtext as given, or NULL */
	enum dsn_ret ret;
	bool is_8bit; /* the content has bytes over 127 */
	bool is_long; /* has a line over 998 octets, to be repaired */
	bool is_utf8; /* SMTPUTF8 was asked for or is needed */
	int64_t arrived_s; /* wall clock, seconds since 1970 */
	uint64_t size_bytes; /* of the stored message */
	/* A hash of all its bytes except Date, Message-ID and Received; 0: not
	 * known. */
	uint64_t fold_hash;
	/* How many equal messages it stands for besides itself, and when the
	 * last of them came (wall clock, seconds). */
	uint32_t nfolded;
	int64_t last_folded_s;

	/* The submitter. */
	uint32_t uid; /* or UID_UNKNOWN, UID_HIDDEN */
	char *user; /* login name, or NULL */
	char *peer; /* "127.0.0.1:40112", "unix", "drop": never NULL */
	char *helo; /* as the client gave it, or NULL */
	char *listener; /* name of the listener, or NULL */
	char *account; /* account requested by name; NULL: by routing */
};

struct envelope *envelope_new(void); /* sender "", peer "", no recipients */
struct envelope *envelope_dup(const struct envelope *e);
void envelope_free(struct envelope *e);

void envelope_set(char **field, const char *value); /* frees the old; copies */
/* The returned recipient is borrowed until the next envelope_add_rcpt(). */
struct rcpt *envelope_add_rcpt(struct envelope *e, const char *addr);
void envelope_clear_rcpts(struct envelope *e);
void rcpt_set_verdict(struct rcpt *r, const struct verdict *v);

/* The recipient to name where only one can be named: one that waits, else one
 * that has failed, else the first. */
const struct rcpt *envelope_rcpt_to_name(const struct envelope *e);

/* The number of recipients that are still RCPT_WAITING. */
size_t envelope_waiting(const struct envelope *e);

/* True: every recipient is RCPT_SENT. */
bool envelope_is_sent(const struct envelope *e);

/* True: the recipient still waits but may have got the message, because an
 * answer was lost.  For an envelope: true of one of its recipients. */
bool rcpt_is_in_doubt(const struct rcpt *r);
bool envelope_is_in_doubt(const struct envelope *e);

#endif
