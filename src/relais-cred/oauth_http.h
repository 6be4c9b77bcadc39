/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth_http.h - one POST of a form to a token or device endpoint, with
 * libcurl.
 *
 * Only https with a verified certificate and TLS 1.2 or newer; no redirect, and
 * no proxy or password file of the environment; at most OAUTH_BODY_MAX bytes
 * and OAUTH_HTTP_MS.  Bodies are never logged.
 *
 * Blocks.
 */
#ifndef RELAIS_CRED_OAUTH_HTTP_H
#define RELAIS_CRED_OAUTH_HTTP_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/must.h"
#include "relais-cred/oauth_answer.h"

enum { OAUTH_HTTP_MS = 15000 };

struct oauth_reply {
	int status;
	struct oauth_answer answer;
	bool is_answer; /* answer holds something */
	int64_t retry_after_s; /* 0: not said */
	/* how far its clock is ahead of ours (Date); 0: not said */
	int64_t server_ahead_s;
};

/* 0: the server replied; oauth_reply_clear() in any case.  -1: the server could
 * not be reached or trusted. */
int oauth_post(const char *url, const struct buf *form, struct oauth_reply *ret,
    struct err *err) MUST_CHECK;
void oauth_reply_clear(struct oauth_reply *r);
enum oauth_next oauth_reply_next(const struct oauth_reply *r);
void oauth_reply_text(const struct oauth_reply *r, struct buf *to);

#endif
