/* SPDX-License-Identifier: GPL-3.0-or-later */
/* derive.h - derives the key of a SCRAM login on a worker thread.
 *
 * The server chooses how many rounds that takes (sasl/sasl.h).  A derivation
 * may outlive its caller, because a worker thread cannot be stopped half-way.
 */
#ifndef OUTBOUND_DERIVE_H
#define OUTBOUND_DERIVE_H

struct derive;
struct loop;
struct sasl_key;

/* Takes over k.  told() is called once, from the loop, unless derive_forget()
 * came first; its k is borrowed for the call. */
struct derive *derive_new(struct loop *l, struct sasl_key *k,
    void (*told)(void *ctx, const struct sasl_key *k), void *ctx);
/* told() will not be called; NULL is allowed */
void derive_forget(struct derive *d);

#endif
