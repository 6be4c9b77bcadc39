/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A job that fails every second must not send a mail every second.
 *
 * Messages are equal if submitter, envelope and every byte are, but for Date,
 * Message-ID and Received.  The first max_equal of them within equal_ms go as
 * they are.  The next one, the carrier, waits for equal_ms; those after it are
 * folded into it: each is one line in its journal, synced before its client
 * hears "accepted", and then it is gone.  The carrier goes out with the count.
 * While it waits for nothing else the next carrier follows, until a whole
 * equal_ms had no more than max_equal.
 *
 * What has been counted lives in memory: after a restart counting begins at 0,
 * while a carrier and what it carries are on the disk. */
#include "policy/fold.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/siphash.h"
#include "base/xalloc.h"
#include "mail/envelope.h"

enum {
	KINDS_MAX = 256, /* of messages that are counted */
	/* Lines of a journal; then the next carrier begins. */
	FOLDED_MAX = 10000
};

struct kind {
	uint64_t key;
	int64_t since_ms, used_ms;
	unsigned count; /* since then */
	bool is_storm; /* the window before was full */
	bool is_told; /* of this storm */
	char carrier[ENVELOPE_ID_SIZE]; /* the newest, or "" */
	unsigned folded; /* into it */
};

struct fold {
	const struct clock *clock;
	struct fold_opts opts;
	struct queue *q; /* NULL: none yet */
	unsigned char key[SIPHASH_KEY_BYTES];
	struct kind *kinds;
	size_t nkinds;
};

struct fold *
fold_new(const struct clock *clock, const struct rng *rng,
    const struct fold_opts *opts)
{
	struct fold *f = xcalloc(1, sizeof(*f));

	f->clock = clock;
	f->opts = *opts;
	rng_fill(rng, f->key, sizeof(f->key));
	return f;
}

void
fold_free(struct fold *f)
{
	if (f == NULL)
		return;
	free(f->kinds);
	free(f);
}

void
fold_set_opts(struct fold *f, const struct fold_opts *opts)
{
	f->opts = *opts;
}

void
fold_attach(struct fold *f, struct queue *q)
{
	f->q = q;
}

static const unsigned char *
fold_key(void *ctx)
{
	const struct fold *f = ctx;

	return f->opts.max_equal != 0 ? f->key : NULL;
}

/* --- which are equal ------------------------------------------------------ */

static void
put_text(struct siphash *s, const char *text)
{
	if (text != NULL)
		siphash_put(s, text, strlen(text));
	siphash_put(s, text != NULL ? "" : "-", 1);
}

/* The user, or the name of the other end. */
static void
put_submitter(struct siphash *s, const struct envelope *e)
{
	const char *port = strrchr(e->peer, ':');

	siphash_put(s, &e->uid, sizeof(e->uid));
	if (e->uid == UID_UNKNOWN)
		siphash_put(s, e->peer,
		    port != NULL ? (size_t)(port - e->peer) : strlen(e->peer));
	put_text(s, e->listener);
}

/* 0: it is like no other. */
static uint64_t
kind_of(const struct fold *f, const struct envelope *e)
{
	struct siphash s;

	/* A sender that gives envelope ids wants a report for each message. */
	if (f->opts.max_equal == 0 || e->fold_hash == 0 || e->envid != NULL)
		return 0;
	siphash_init(&s, f->key);
	siphash_put(&s, &e->fold_hash, sizeof(e->fold_hash));
	put_submitter(&s, e);
	put_text(&s, e->sender);
	put_text(&s, e->account);
	siphash_put(&s, &e->ret, sizeof(e->ret));
	for (size_t i = 0; i < e->nrcpts; i++) {
		put_text(&s, e->rcpts[i].addr);
		put_text(&s, e->rcpts[i].orcpt);
		siphash_put(
		    &s, &e->rcpts[i].notify, sizeof(e->rcpts[i].notify));
	}
	return siphash_end(&s) | 1; /* never 0 */
}

/* Known, or in the place of the one that is out of use the longest. */
static struct kind *
get_kind(struct fold *f, uint64_t key)
{
	struct kind *oldest = NULL;

	if (f->kinds == NULL)
		f->kinds = xcalloc(KINDS_MAX, sizeof(*f->kinds));
	for (size_t i = 0; i < f->nkinds; i++) {
		struct kind *k = &f->kinds[i];

		if (k->key == key)
			return k;
		if (oldest == NULL || k->used_ms < oldest->used_ms)
			oldest = k;
	}
	if (f->nkinds < KINDS_MAX)
		oldest = &f->kinds[f->nkinds++];
	*oldest = (struct kind) { .key = key,
		.since_ms = clock_boot_ms(f->clock) };
	return oldest;
}

/* One more.  True: that is too many. */
static bool
count(const struct fold *f, struct kind *k)
{
	const struct fold_opts *o = &f->opts;
	int64_t now = clock_boot_ms(f->clock), age = now - k->since_ms;

	k->used_ms = now;
	if (age >= o->equal_ms) {
		k->is_storm = k->count > o->max_equal && age < 2 * o->equal_ms;
		k->count = 0;
		k->since_ms = now;
	}
	k->count++;
	return k->is_storm || k->count > o->max_equal;
}

/* --- what becomes of one -------------------------------------------------- */

static bool
may_carry(const struct fold *f, const struct kind *k)
{
	return k->carrier[0] != '\0' && k->folded < FOLDED_MAX &&
	       queue_may_carry(f->q, k->carrier);
}

static void
report_folding(const struct fold *f, struct kind *k, const struct envelope *e)
{
	char every[NUM_TEXT_SIZE];
	struct err err;

	if (k->is_told)
		return;
	k->is_told = true;
	err_set(&err, ERR_NONE,
	    "more than %u equal messages of %s%s%.40s within %s: those that "
	    "follow are folded into this one",
	    f->opts.max_equal, e->user != NULL ? "user " : "",
	    e->user != NULL ? e->user : "", e->user != NULL ? "" : e->peer,
	    num_duration_text(f->opts.equal_ms, every));
	queue_trouble(f->q, e->id, &err);
}

static void
decide(void *ctx, const struct envelope *e, struct queue_arrival *ret)
{
	struct fold *f = ctx;
	uint64_t key = kind_of(f, e);
	struct kind *k;

	if (key == 0)
		return;
	k = get_kind(f, key);
	if (!count(f, k)) {
		k->is_told = false;
		return;
	}
	if (may_carry(f, k)) {
		ret->what = QUEUE_FOLDED;
		ret->nfolded = ++k->folded;
		memcpy(ret->carrier, k->carrier, sizeof(ret->carrier));
		return;
	}
	ret->what = QUEUE_CARRIER;
	ret->wait_ms = f->opts.equal_ms;
	memcpy(k->carrier, e->id, sizeof(k->carrier));
	k->folded = 0;
	report_folding(f, k, e);
}

struct queue_arrival_gate
fold_gate(struct fold *f)
{
	return (struct queue_arrival_gate) { fold_key, decide, f };
}

void
fold_totals(const struct fold *f, const uint32_t *uid, struct fold_totals *ret)
{
	struct queue_item it;

	*ret = (struct fold_totals) { 0 };
	for (size_t i = 0; i < f->nkinds; i++) {
		const struct kind *k = &f->kinds[i];

		if (!may_carry(f, k) || !queue_find(f->q, k->carrier, &it) ||
		    (uid != NULL && it.uid != *uid))
			continue;
		ret->carriers++;
		ret->folded += k->folded;
	}
}
