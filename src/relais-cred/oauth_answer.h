/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth_answer.h - what a token endpoint, a device endpoint and a browser say
 * (RFC 6749 section 5, RFC 8628 section 3, RFC 9207).
 *
 * Pure: bytes in, values out.
 */
#ifndef RELAIS_CRED_OAUTH_ANSWER_H
#define RELAIS_CRED_OAUTH_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

enum {
	OAUTH_BODY_MAX = 65536,
	OAUTH_DEPTH_MAX = 8, /* nesting of the JSON */
	OAUTH_EXPIRES_S = 600, /* if the server does not say */
	OAUTH_EXPIRES_MAX_S = 366 * 86400,
	OAUTH_INTERVAL_S = 5,
	OAUTH_INTERVAL_MAX_S = 300,
	OAUTH_CODE_S = 900
};

/* Owned strings; NULL if the answer has none or an invalid one.  A token must
 * be printable ASCII, an address for people must begin with https. */
struct oauth_answer {
	char *access_token, *refresh_token, *scope;
	int64_t expires_s; /* of the token or the device code, at least 1 */
	char *error, *description;
	char *user; /* the address in the id_token */
	char *device_code, *user_code, *verification_url;
	int64_t interval_s;
};

/* False: not a JSON object that could be an answer; *ret is empty. */
bool oauth_answer_parse(struct bytes body, struct oauth_answer *ret) MUST_CHECK;
/* Overwrites the tokens. */
void oauth_answer_clear(struct oauth_answer *a);

/* What to do after an answer.  Decided by `error' alone, as RFC 6749 and the
 * providers require. */
enum oauth_next {
	OAUTH_GRANTED,
	OAUTH_PENDING, /* the person has not decided yet */
	OAUTH_SLOWER, /* likewise, and we ask too often */
	OAUTH_DENIED, /* the person or a policy said no */
	OAUTH_CODE_ENDED, /* the device code or the authorisation code */
	OAUTH_NEEDS_LOGIN, /* a person must sign in again */
	/* client id, client secret or scope: a setting is wrong */
	OAUTH_WRONG_CLIENT,
	OAUTH_LATER
};
/* a NULL: the reply was no answer of a token endpoint. */
enum oauth_next oauth_next(int status, const struct oauth_answer *a);

/* Appends "error: description" for people, without details that only the
 * provider needs; for a reply that is no answer, its status. */
void oauth_answer_text(
    int status, const struct oauth_answer *a, struct buf *to);

/* The value of a name in "a=b&c=d", percent-decoded, for the caller to free.
 * NULL: there is none, or it is not printable ASCII. */
char *oauth_query_get(struct bytes query, const char *name);
/* Appends "name=value" in that form, with a "&" if necessary; value may be "".
 * False: the buffer is full. */
bool oauth_query_add(
    struct buf *to, const char *name, const char *value) MUST_CHECK;
/* Appends base64url (RFC 4648 section 5) without padding. */
bool oauth_base64url(struct buf *to, struct bytes from) MUST_CHECK;

#endif
