/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_caps.h - what a server offers, from its reply to EHLO.
 *
 * A plain value.  Each EHLO replaces it entirely: nothing learnt in clear
 * counts inside TLS (RFC 3207 4.2, R5).  Unknown keywords and malformed values
 * are passed over (RFC 5321 4.1.1.1, RFC 9422 3), and so are limits that no
 * server may have: a client that believed them could send nothing.
 */
#ifndef SMTP_SMTP_CAPS_H
#define SMTP_SMTP_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "smtp/smtp_limits.h"

/* Extensions that a server may offer without supporting them: a middlebox lists
 * what the server behind it can do, or supports less than that server. */
enum smtp_distrust {
	SMTP_DISTRUST_CHUNKING = 1, /* BDAT */
	SMTP_DISTRUST_PARAMS = 2 /* SIZE=, BODY=, and those of DSN */
};

struct smtp_caps {
	bool has_pipelining; /* RFC 2920 */
	bool has_chunking; /* RFC 3030 */
	bool has_8bitmime; /* RFC 6152 */
	bool has_smtputf8; /* RFC 6531 */
	bool has_dsn; /* RFC 3461 */
	bool has_starttls; /* RFC 3207 */
	bool has_size; /* RFC 1870: SIZE= may be said */
	bool has_auth; /* RFC 4954 */
	bool has_xrelais; /* of relaisd: XMODE= and XACCOUNT= */
	uint64_t size_max_bytes; /* 0: no limit stated */
	/* RFC 9422; 0: not stated */
	uint64_t rcpt_max; /* recipients in one transaction */
	uint64_t rcpt_domain_max; /* domains of those */
	uint64_t mail_max; /* transactions in one session */
	/* Mechanism names in capitals, blank separated, each once; names that
	 * do not fit are left out whole. */
	char auth[SMTP_CAPS_AUTH_MAX];
	/* The first implausible statement, for example "SIZE 1". */
	char absurd[SMTP_CAPS_ABSURD_MAX];
};

/* text: the lines of the reply without code and separator, joined by LF; the
 * first is the server's name. */
void smtp_caps_parse(struct smtp_caps *caps, struct bytes text);

/* Removes the extensions that this server does not support (enum
 * smtp_distrust). */
void smtp_caps_distrust(struct smtp_caps *caps, unsigned distrust);

/* True if the blank-separated list holds this word; ASCII case is ignored. */
bool smtp_caps_has_word(const char *list, const char *word);

#endif
