/* SPDX-License-Identifier: GPL-3.0-or-later */
/* strict.h - the server that forgives nothing, for tests of what we send.
 *
 * Reads the bytes of a client by its own grammar (RFC 5321 4.1.2, 2920, 3030,
 * 3461, 6531), shares no code with src/smtp, counts the commands, and keeps
 * what it was handed.  The first byte that no careful client would send ends
 * it: strict_trouble() then says why.  It takes every transaction that is well
 * formed.
 */
#ifndef TESTS_PROPERTY_STRICT_H
#define TESTS_PROPERTY_STRICT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct strict_opts {
	bool has_pipelining, has_chunking, has_8bitmime, has_smtputf8, has_dsn,
	    has_size;
	bool takes_names; /* without a domain: no identity stood before them */
};

/* One transaction.  Paths without brackets, parameters as they stood. */
struct strict_mail {
	char *sender, *params;
	size_t nrcpts;
	char **rcpts, **rcpt_params;
	struct buf content; /* dots taken off */
};

struct strict {
	struct strict_opts opts;
	void (*on_mail)(void *ctx, const struct strict_mail *m);
	void *ctx;
	struct buf in, out; /* not yet understood; replies */
	struct strict_mail mail;
	bool has_hello, has_mail, is_data, is_over;
	unsigned long chunk_left;
	bool is_chunk, is_last_chunk;
	unsigned long ncommands, nmails;
	char trouble[256];
};

void strict_init(struct strict *s, const struct strict_opts *opts,
    void (*on_mail)(void *ctx, const struct strict_mail *m), void *ctx);
void strict_clear(struct strict *s);

/* False: see trouble, from now on. */
bool strict_put(struct strict *s, const void *p, size_t n);
/* The value of a parameter ("" for one without), NULL: it is not there.
 * Borrowed; *ret_n is its length. */
const char *strict_param(const char *params, const char *key, size_t *ret_n);

#endif
