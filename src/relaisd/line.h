/* SPDX-License-Identifier: GPL-3.0-or-later */
/* line.h - the messages between the two processes of relaisd.
 *
 * The worker reads input of strangers, so the keeper trusts nothing it says: a
 * request has a fixed size and names an account, an event or a user by number.
 * No path, argument or environment is ever passed.  Accounts are numbered as in
 * the configuration of one generation, so a reload renumbers nothing that is in
 * progress.  Requests are counted, so that none can be sent twice.
 *
 * Messages are sent over a socketpair(SOCK_SEQPACKET), as the structs are in
 * memory: both sides are one program.
 */
#ifndef RELAISD_LINE_H
#define RELAISD_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "base/secret.h"
#include "cred/cred.h"

enum line_kind {
	LINE_UP = 1, /* the worker has started */
	LINE_ALIVE, /* the worker's loop turns; for the service manager */
	LINE_LOOKUP, /* the addresses of an account's host */
	/* whether that host answers on port 443 (net/probe443.h) */
	LINE_PROBE443,
	LINE_SECRET, /* an account's secret */
	LINE_USER, /* what the user database says about a uid */
	LINE_SIGN_IN, /* a person signs an account in */
	LINE_ALERT, /* run alert_command */
	LINE_RELOAD, /* reload the configuration; LINE_CONF follows */
	/* stay with this generation; index: the one that cannot be used */
	LINE_KEEP,
	LINE_OPEN, /* open a file; index: enum line_file */
	LINE_LISTENER, /* a listening socket; index: its number */
	LINE_QUIT, /* a person wants relaisd to stop */
	LINE_KINDS
};

enum {
	LINE_NOBODY = UINT32_MAX, /* no account */
	/* LINE_LOOKUP, LINE_PROBE443: instead of an account's host, the first
	 * of two hosts that tell whether names can be looked up at all
	 * (check/check.h); plus 1: the second. */
	LINE_WITNESS = UINT32_MAX - 1,
	LINE_USER_MAX = 64,
	LINE_TEXT_MAX = 1600,
	LINE_DATA_MAX = SECRET_MAX + 4096
};

/* The flows of a sign-in; NULL: that of the account. */
enum { LINE_FLOWS = 3 };
extern const char *const line_flows[LINE_FLOWS];

struct line_ask {
	uint32_t kind;
	uint32_t number; /* one more than in the previous request */
	uint32_t generation;
	uint32_t index; /* of the account, or LINE_NOBODY; LINE_USER: the uid */
	uint32_t event; /* LINE_ALERT: of notice/alert.h */
	/* LINE_ALERT: waiting messages; LINE_USER: 1: groups as well */
	uint32_t count;
	uint32_t flow; /* LINE_SIGN_IN: of line_flows */
	struct cred_wish wish; /* LINE_SECRET */
	char user[LINE_USER_MAX]; /* LINE_ALERT: the user it is about, or "" */
	char text[LINE_TEXT_MAX]; /* LINE_ALERT: the reason */
};

/* Files that may be replaced at any time, so that no Landlock rule for the
 * present file could allow them. */
enum line_file {
	LINE_FILE_ALIASES,
	LINE_FILE_USERS, /* /etc/passwd */
	LINE_FILE_REPLIES,
	LINE_FILE_PROVIDERS,
	LINE_FILE_OAUTH,
	LINE_FILE_LOG, /* to append to; the others are read */
	LINE_FILES
};

enum line_word {
	LINE_ANSWER = 1,
	LINE_CONF, /* a new generation; its text is passed as a descriptor */
	LINE_STOP
};

/* Only data_n bytes of data are sent. */
struct line_answer {
	uint32_t word;
	uint32_t number; /* of the request; LINE_CONF: the generation */
	/* Depends on the kind: cred_result, EAI_..., LINE_LISTENER: its number
	 * in the configuration, LINE_PROBE443: a probe443_answer. */
	int32_t result;
	int32_t code; /* errno, exit status */
	uint32_t is_silent; /* LINE_USER: the database has not answered */
	uint32_t data_n;
	/* LINE_SIGN_IN: the conversation, whose descriptor is passed; -1:
	 * none. */
	int32_t passed;
	struct cred_facts facts; /* LINE_SECRET */
	char text[LINE_TEXT_MAX]; /* one sentence, ends with NUL */
	/* LINE_SECRET: the secret.  LINE_LOOKUP: addresses.  LINE_USER: login
	 * name, full name and a group of allow_groups, each ending with NUL,
	 * "": none.  LINE_ALERT: the output of the command. */
	unsigned char data[LINE_DATA_MAX];
};

/* Makes the socket pair: the keeper's end, which refuses descriptors where the
 * kernel can do that, and the worker's.  -1: errno. */
int line_new(int ret_ends[2]) MUST_CHECK;

/* Sends a request; blocks while the other side is behind.  False: it is
 * gone. */
bool line_send_ask(int fd, const struct line_ask *a) MUST_CHECK;
/* Likewise; pass: a descriptor to pass along, or -1. */
bool line_send_answer(int fd, const struct line_answer *a, int pass) MUST_CHECK;
/* The same without blocking.  False with EAGAIN: the other side is behind. */
bool line_send_answer_now(
    int fd, const struct line_answer *a, int pass) MUST_CHECK;

enum line_got {
	LINE_GOT_NOTHING, /* now */
	LINE_GOT_ONE,
	LINE_GOT_BAD, /* not a message of this kind */
	LINE_GOT_END /* the other side is gone */
};
/* Neither blocks. */
enum line_got line_take_ask(int fd, struct line_ask *ret) MUST_CHECK;
enum line_got line_take_answer(
    int fd, struct line_answer *ret, int *ret_pass) MUST_CHECK;

/* True: a text of the other side may be shown or passed on, because it ends
 * within its room and has no control characters. */
bool line_is_text(const char *text, size_t room);

#endif
