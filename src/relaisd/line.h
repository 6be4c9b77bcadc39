/* SPDX-License-Identifier: GPL-3.0-or-later */
/* line.h - the messages between the two processes of relaisd.
 *
 * The worker reads what strangers send, so the keeper believes nothing of it:
 * an ask has one size and names an account, an event or a user by number.  No
 * path, argument or environment ever goes this way.  Accounts are numbered as
 * they stand in the configuration of a generation, so a reload renumbers
 * nothing that is under way.  Asks are counted, so that one cannot be sent
 * twice.
 *
 * Over a socketpair(SOCK_SEQPACKET).  The structs go as they lie in memory:
 * both sides are one program.
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
	LINE_ALIVE, /* it has made a whole turn; for the service manager */
	LINE_LOOKUP, /* the addresses of an account's host */
	LINE_KNOCK, /* does the web's port of that host answer (net/knock.h) */
	LINE_SECRET, /* an account's secret */
	LINE_USER, /* what the user database says about a uid */
	LINE_SIGN_IN, /* a person signs an account in */
	LINE_ALERT, /* run alert_command */
	LINE_RELOAD, /* read the configuration again; then LINE_CONF comes */
	LINE_KEEP, /* the one of this generation: that of index cannot be had */
	LINE_OPEN, /* one of the files below, by its number as index */
	LINE_LISTENER, /* the socket that has this number as index */
	LINE_QUIT, /* a person wants relaisd to stop */
	LINE_KINDS
};

enum {
	LINE_NOBODY = UINT32_MAX, /* no account */
	/* LINE_LOOKUP, LINE_KNOCK: in place of an account's, the first of the
	 * hosts that tell whether names can be looked up at all
	 * (check/check.h), and the second. */
	LINE_WITNESS = UINT32_MAX - 1,
	LINE_USER_MAX = 64,
	LINE_TEXT_MAX = 1600,
	LINE_DATA_MAX = SECRET_MAX + 4096
};

/* How to sign in; NULL: as the account has it. */
enum { LINE_FLOWS = 3 };
extern const char *const line_flows[LINE_FLOWS];

struct line_ask {
	uint32_t kind;
	uint32_t number; /* one more than that of the ask before */
	uint32_t generation;
	uint32_t index; /* of the account, or LINE_NOBODY; LINE_USER: the uid */
	uint32_t event; /* LINE_ALERT: of notice/alert.h */
	uint32_t count; /* LINE_ALERT: messages that wait; LINE_USER: 1: the
			 * groups, too */
	uint32_t flow; /* LINE_SIGN_IN: of line_flows */
	struct cred_wish wish; /* LINE_SECRET */
	char user[LINE_USER_MAX]; /* LINE_ALERT: the user it is about, or "" */
	char text[LINE_TEXT_MAX]; /* LINE_ALERT: the reason */
};

/* Files that may be replaced at any time, so that no rule about a file that is
 * there now could name them. */
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
	LINE_CONF, /* a generation begins; its text comes as a descriptor */
	LINE_STOP
};

/* Only data_n bytes of data are sent. */
struct line_answer {
	uint32_t word;
	uint32_t number; /* of the ask; LINE_CONF: the generation */
	/* A value of the kind's own: cred_result, EAI_..., LINE_LISTENER: which
	 * of the configuration it is, LINE_KNOCK: a knock_answer. */
	int32_t result;
	int32_t code; /* errno, exit status */
	uint32_t is_silent; /* LINE_USER: the database has not answered */
	uint32_t data_n;
	/* LINE_SIGN_IN: the conversation, which comes along; -1: none. */
	int32_t passed;
	struct cred_facts facts; /* LINE_SECRET */
	char text[LINE_TEXT_MAX]; /* a sentence, ends with NUL */
	/* LINE_SECRET: the secret.  LINE_LOOKUP: addresses.  LINE_USER: the
	 * login name, the full name and a group of allow_groups, each ends with
	 * NUL, "": none.  LINE_ALERT: what the command said. */
	unsigned char data[LINE_DATA_MAX];
};

/* The keeper's end, which takes no descriptors where the kernel knows how to
 * refuse them, and the worker's.  -1: errno. */
int line_new(int ret_ends[2]) MUST_CHECK;

/* Waits while the other side is behind.  False: it is gone. */
bool line_send_ask(int fd, const struct line_ask *a) MUST_CHECK;
/* pass: a descriptor that goes along, or -1. */
bool line_send_answer(int fd, const struct line_answer *a, int pass) MUST_CHECK;
/* The same, but does not wait.  False with EAGAIN: the other side is behind. */
bool line_send_answer_now(
    int fd, const struct line_answer *a, int pass) MUST_CHECK;

enum line_got {
	LINE_GOT_NOTHING, /* now */
	LINE_GOT_ONE,
	LINE_GOT_BAD, /* not a message of this kind */
	LINE_GOT_END /* the other side is gone */
};
/* Neither waits. */
enum line_got line_take_ask(int fd, struct line_ask *ret) MUST_CHECK;
enum line_got line_take_answer(
    int fd, struct line_answer *ret, int *ret_pass) MUST_CHECK;

/* Text of the other side that will be shown or handed on: it ends within its
 * room, and has no control characters. */
bool line_is_text(const char *text, size_t room);

#endif
