/* SPDX-License-Identifier: GPL-3.0-or-later */
/* digest.h - one mail about many messages.
 *
 * To the administrator, about messages of programs that failed; or to a sender
 * who has had many notices lately, about further messages of theirs.
 *
 * Lines end with CRLF; printable ASCII only, or UTF-8 if it is in another
 * language.  Only text; reads no disk.
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
	size_t nmessages; /* that failed, in all */
	size_t ndelayed; /* to a sender: that are late, in the list as well, */
	size_t nrelayed; /* or were handed on to a server without DSN */
	int64_t wall_ms;
	int32_t utc_offset_s;
	const struct rng *rng;
	/* The language of a digest for the administrator, as struct page has
	 * it; NULL: English. */
	char *(*say)(const char *english);
};

/* Appends what a person needs to know of one message that failed or is late:
 * when, from whom, to whom, what the server said, cause and remedy where they
 * are known (mail/diagnosis.h).  False: no room; nothing was appended. */
bool digest_list_add(struct buf *list, const struct envelope *env,
    enum dsn_action action, int32_t utc_offset_s,
    char *(*say)(const char *english)) MUST_CHECK;
/* Appends the whole mail.  Likewise. */
bool digest_build(struct buf *to, const struct digest_opts *d) MUST_CHECK;

#endif
