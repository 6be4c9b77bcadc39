/* SPDX-License-Identifier: GPL-3.0-or-later */
/* digest.h - one notice about many messages.
 *
 * It goes to the administrator, about failed messages of programs, or to a
 * sender who has had many notices lately, about further messages of theirs.
 *
 * Lines end with CRLF; the text is printable ASCII, or UTF-8 if it is in
 * another language.  Pure.
 */
#ifndef NOTICE_DIGEST_H
#define NOTICE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "base/rng.h"
#include "mail/envelope.h"
#include "notice/dsn.h"

enum { DIGEST_MAX = 256 * 1024, DIGEST_LISTED_MAX = 50 };

struct digest_opts {
	const char *hostname, *from, *to;
	bool is_for_sender;
	struct bytes list; /* from digest_list_add() */
	size_t nmessages; /* messages that failed */
	/* for a sender: messages in the list that are delayed, */
	size_t ndelayed;
	size_t nrelayed; /* or were passed to a server without DSN */
	int64_t wall_ms;
	int32_t utc_offset_s;
	const struct rng *rng;
	/* Translates, as in struct page; NULL: English. */
	char *(*say)(const char *english);
};

/* Appends what a person needs to know of one failed or delayed message: when,
 * from whom, to whom, the server's reply, and cause and remedy if they are
 * known (mail/diagnosis.h).  False: no room, and nothing was appended. */
bool digest_list_add(struct buf *list, const struct envelope *env,
    enum dsn_action action, int32_t utc_offset_s,
    char *(*say)(const char *english)) MUST_CHECK;
/* Appends the whole notice.  False: no room, and nothing was appended. */
bool digest_build(struct buf *to, const struct digest_opts *d) MUST_CHECK;

#endif
