/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail_args.h - parses the command line of sendmail(8), mailq(1) and
 * newaliases(1).
 *
 * One table knows every letter: whether a value follows, joined ("-fme") or as
 * the next word ("-f me"), and what it does.  Letters that take no value may
 * stand together ("-ti").  Options end at "--" or at the first word that is not
 * an option; nothing after an address is an option.
 *
 * Historical letters without a meaning here are ignored together with their
 * value, unknown letters together with the rest of their word.  No option names
 * a file that would be opened (R17), and every value has a maximum length
 * (R19).
 *
 * Reads nothing but its arguments; allocates nothing.
 */
#ifndef SENDMAIL_SENDMAIL_ARGS_H
#define SENDMAIL_SENDMAIL_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "mail/envelope.h"

enum {
	SENDMAIL_VALUE_MAX = 1024, /* of one option */
	SENDMAIL_ADDR_MAX = 65536, /* of one word of addresses: a comma list */
	SENDMAIL_ARGV_MAX = 8 * 1024 * 1024 /* of everything */
};

enum sendmail_action {
	SENDMAIL_SEND = 0, /* -bm: a message on stdin */
	SENDMAIL_SMTP, /* -bs: SMTP on stdin and stdout */
	SENDMAIL_VERIFY, /* -bv: would these addresses be taken */
	SENDMAIL_MAILQ, /* -bp, mailq */
	SENDMAIL_ALIASES, /* -bi, -I, newaliases */
	SENDMAIL_FLUSH, /* -q */
	SENDMAIL_HELP,
	SENDMAIL_VERSION
};

/* When sendmail returns; unset: the daemon decides. */
enum sendmail_delivery {
	SENDMAIL_DELIVERY_UNSET = 0,
	SENDMAIL_DELIVERY_SAFE, /* -odb */
	SENDMAIL_DELIVERY_VERDICT, /* -odi */
	SENDMAIL_DELIVERY_QUEUE /* -odq, -odd */
};

/* Strings are borrowed from argv. */
struct sendmail_args {
	enum sendmail_action action;
	enum sendmail_delivery delivery;
	const char *sender; /* -f, -r: as given; NULL: none */
	const char *full_name; /* -F */
	const char *account; /* -a: printable, no blank, "+" or "=" */
	const char *envid; /* -V, not yet xtext */
	unsigned notify; /* -N: enum dsn_notify */
	enum dsn_ret ret; /* -R */
	bool has_header_rcpts; /* -t */
	bool ignores_dots; /* -i, -oi */
	bool is_verbose; /* -v */
	char ignored[64]; /* letters that were ignored */
	char *const *addrs; /* the words after the options */
	size_t naddrs;
};

/* argv[0] chooses mailq and newaliases.  -1: ERR_INPUT, exit EX_USAGE. */
int sendmail_args_parse(
    int argc, char *const *argv, struct sendmail_args *ret, struct err *err);

#endif
