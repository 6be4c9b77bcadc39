/* SPDX-License-Identifier: GPL-3.0-or-later */
/* derive.h - derives a key that a login needs, on a worker thread.
 *
 * The server says how many rounds that takes (sasl/sasl.h).  It may outlive the
 * caller, because a worker cannot be stopped half-way.
 */
#ifndef OUTBOUND_DERIVE_H
#define OUTBOUND_DERIVE_H

struct derive;
struct loop;
struct sasl_key;

/* Takes k over.  told() is called once, from the loop, unless derive_forget()
 * came first; k is borrowed during the call. */
struct derive *derive_new(struct loop *l, struct sasl_key *k,
    void (*told)(void *ctx, const struct sasl_key *k), void *ctx);
void derive_forget(struct derive *d); /* NULL is allowed */

#endif
