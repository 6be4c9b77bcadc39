/* SPDX-License-Identifier: GPL-3.0-or-later */
/* intake.h - the filter that every message passes on its way in.
 *
 * Clean bytes in (CRLF line ends, as smtp_server's SS_BODY gives them), the
 * message as it will be stored out.  The header is collected (capped, R78),
 * repaired once it is complete, and the body then streams through unchanged:
 *
 *   - a Received field of ours in front (RFC 5321 4.4);
 *   - Date, Message-ID and From added where missing (RFC 6409 8);
 *   - fields that may stand once do (rewrite/single_fields.h);
 *   - names of this machine in To, Cc and Reply-To replaced by who gets their
 *     mail;
 *   - X-Relais-Account taken out and told;
 *   - every field that would be read as Bcc, and Return-Path, removed
 *     (rewrite/bcc.h, R15);
 *   - a leading mbox "From " line dropped;
 *   - NUL replaced: by U+FFFD in text that says it is UTF-8, else by "?";
 *   - header fields with overlong lines folded (rewrite/lines.h);
 *   - signatures over what was changed removed (rewrite/signature.h);
 *   - a line over 998 octets in a signed or encrypted part: refused, because
 *     what is signed cannot be repaired later (rewrite/repair.h);
 *   - more than 100 Received fields, or one that names a message which is still
 *     in the queue: refused as a loop (R42).
 *
 * A message that begins with something other than a field is all body: it
 * gets a header and the empty line between.
 *
 * It is the only way in, for the sendmail command and for SMTP.  Pure: no I/O,
 * no clock; facts come as parameters.
 */
#ifndef REWRITE_INTAKE_H
#define REWRITE_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/envelope.h"
#include "mail/verdict.h"
#include "rewrite/locals.h"

struct intake;

/* Borrowed until intake_free(). */
struct intake_facts {
	const struct envelope *env; /* id, sender, rcpts, user, uid, peer */
	const char *hostname; /* name of this machine, public if possible */
	const char *with; /* "ESMTP", "local", ... */
	int64_t wall_ms;
	int32_t utc_offset_s;
	const char *full_name; /* of the submitting user, or NULL */
	bool hide_submitter; /* keep local names out of Received */
	const struct locals_opts *locals; /* NULL: To and Cc stay */
	const unsigned char *fold_key; /* for seen.fold_hash, or NULL */
	/* True: a message with this id is in the queue.  NULL: not asked. */
	bool (*is_here)(void *ctx, const char *id);
	void *ctx; /* for is_here() */
};

struct intake *intake_new(const struct intake_facts *facts);
void intake_free(struct intake *in);

/* Takes all n bytes.  False: the message is refused (intake_verdict()), and
 * nothing is left to peek at.  The body is not copied unless it has a NUL: p
 * must stay valid until intake_peek() has returned 0, and only then may more be
 * put. */
bool intake_put(struct intake *in, const void *p, size_t n);
/* The message is complete.  Adds a missing final CRLF.  False: it is
 * refused. */
bool intake_end(struct intake *in);

/* Bytes to store, borrowed until the next call on in; 0: none left. */
size_t intake_peek(struct intake *in, const void **ret_p);
void intake_took(struct intake *in, size_t n);

/* After a false result: 5yz with the reason. */
const struct verdict *intake_verdict(const struct intake *in);

/* What was seen; complete after intake_end(). */
struct intake_seen {
	bool has_8bit_body;
	size_t longest_line; /* without CRLF, header and body */
	const char *message_id; /* borrowed, "" if none; for the log */
	/* The value of the field X-Relais-Account, cut; borrowed, "" if there
	 * was none.  Anybody can write this field. */
	const char *account;
	uint64_t fold_hash; /* see struct envelope; 0 without a key */
	unsigned notes; /* what was repaired by guessing (rewrite/notes.h) */
};
const struct intake_seen *intake_seen(const struct intake *in);
/* Stores in the envelope what the way out needs to know: account (unless it has
 * one), is_8bit, is_long, fold_hash. */
void intake_mark(const struct intake *in, struct envelope *env);

#endif
