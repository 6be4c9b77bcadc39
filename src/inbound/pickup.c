/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inbound/pickup.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "inbound/reception.h"
#include "net/loop.h"
#include "smtp/smtp_dot.h"

enum { PIECE_BYTES = 65536 };

struct pickup {
	struct inbound_shared *shared;
	struct loop_timer *timer;
	struct list parcels; /* on their way into the queue */
	size_t nparcels;
};

/* One file of the drop folder. */
struct parcel {
	struct list link;
	struct pickup *pickup;
	struct queue_drop *drop;
	struct submitter by;
	struct envelope *env;
	struct reception *reception;
};

static void
parcel_end(struct parcel *x, enum queue_drop_end how)
{
	queue_drop_end(x->drop, how);
	reception_free(x->reception);
	envelope_free(x->env);
	submitter_clear(&x->by);
	list_remove(&x->link);
	x->pickup->nparcels--;
	free(x);
}

static void
on_told(void *ctx, const struct queue_told *t)
{
	struct parcel *x = ctx;
	struct pickup *p = x->pickup;

	switch (t->outcome) {
	case QUEUE_SAFE:
		reception_log(x->reception, "picked-up", t->folded_into);
		parcel_end(x, QUEUE_DROP_TAKEN);
		break;
	case QUEUE_REFUSED:
		/* Never in QUEUE_MODE_ACCEPTED: nobody waits for an answer. */
		parcel_end(x, QUEUE_DROP_BAD);
		break;
	case QUEUE_FAILED:
		log_err(LOG_LEVEL_ERROR, &t->err);
		parcel_end(x, QUEUE_DROP_LATER);
		break;
	}
	loop_timer_set(p->timer, clock_boot_ms(loop_clock(p->shared->loop)));
}

/* The user's words, with the kernel's word about who he is.  Not whole: for one
 * of the recipients there is nobody. */
static struct envelope *
envelope_of(const struct parcel *x, bool *ret_is_whole)
{
	const struct envelope *was = queue_drop_envelope(x->drop);
	struct envelope *e = envelope_dup(was);
	struct addr_list known = { 0 };

	envelope_clear_rcpts(e);
	for (size_t i = 0; i < was->nrcpts; i++) {
		const struct rcpt *r = &was->rcpts[i];
		struct reception_rcpt given = { r->addr, r->orcpt, r->notify };

		if (!reception_add_rcpt(x->pickup->shared, e, &known, &given))
			*ret_is_whole = false;
	}
	addr_list_clear(&known);
	e->uid = x->by.uid;
	envelope_set(&e->user, x->by.user);
	envelope_set(&e->peer, "drop");
	e->size_bytes = 0;
	return e;
}

/* Line ends as they must be, whoever wrote the file (R3); to is empty again. */
static void
put_piece(
    struct parcel *x, struct smtp_dot *dot, struct bytes b, struct buf *to)
{
	size_t used = smtp_dot_put(dot, b.p, b.n, to);

	assert(used == b.n); /* to has SMTP_DOT_SPACE */
	reception_put(x->reception, buf_bytes(to));
	buf_reset(to);
}

static bool
read_all(struct parcel *x, struct err *err)
{
	char *piece = xmalloc(PIECE_BYTES);
	struct smtp_dot dot;
	struct buf clean;
	size_t n;
	int rc;

	buf_init(&clean, SMTP_DOT_SPACE(PIECE_BYTES));
	smtp_dot_init(&dot, SMTP_DOT_CHUNK);
	while (
	    (rc = queue_drop_read(x->drop, piece, PIECE_BYTES, &n, err)) == 0 &&
	    n > 0)
		put_piece(x, &dot, bytes_of(piece, n), &clean);
	if (rc == 0) {
		IGNORE(smtp_dot_finish(&dot, &clean)); /* there is room */
		reception_put(x->reception, buf_bytes(&clean));
	}
	if (dot.had_nul)
		reception_refuse(x->reception, 554, "5.6.0",
		    "the message contains a NUL byte, which no mail may");
	buf_clear(&clean);
	free(piece);
	return rc == 0;
}

/* A refusal for good sets the file aside, where a person finds it; the log
 * says why. */
static void
turn_down(struct parcel *x)
{
	const struct verdict *v = reception_refusal(x->reception);

	reception_log_refused(x->reception, v);
	parcel_end(
	    x, v->class == VERDICT_LATER ? QUEUE_DROP_LATER : QUEUE_DROP_BAD);
}

static void
take(struct pickup *p, struct queue_drop *drop)
{
	const struct inbound_opts *o = &p->shared->opts;
	struct parcel *x = xcalloc(1, sizeof(*x));
	bool is_whole = true;
	const char *rule;
	char text[160];
	struct err err;

	x->pickup = p;
	x->drop = drop;
	submitter_find(p->shared, &x->by, queue_drop_uid(drop));
	rule = o->bars(o->ctx, x->by.uid);
	list_append(&p->parcels, &x->link);
	p->nparcels++;
	x->env = envelope_of(x, &is_whole);
	x->reception = reception_new(p->shared, x->env, &x->by, "local");
	if (!is_whole)
		reception_refuse(x->reception, 550, "5.1.1", RECEPTION_NOBODY);
	if (rule != NULL) {
		(void)snprintf(text, sizeof(text),
		    "this user may not submit mail (%s)", rule);
		reception_refuse(x->reception, 550, "5.7.1", text);
	}
	if (!read_all(x, &err)) {
		log_err(LOG_LEVEL_ERROR, &err);
		parcel_end(x, QUEUE_DROP_LATER);
	} else if (!reception_offer(
		       x->reception, QUEUE_MODE_ACCEPTED, on_told, x)) {
		turn_down(x);
	}
}

static void
on_timer(void *ctx)
{
	struct pickup *p = ctx;
	struct queue_drop *drop;

	queue_drop_scan(p->shared->queue);
	while (p->nparcels < PICKUP_AT_ONCE_MAX &&
	       (drop = queue_drop_next(p->shared->queue)) != NULL)
		take(p, drop);
	loop_timer_set(
	    p->timer, clock_boot_ms(loop_clock(p->shared->loop)) + PICKUP_MS);
}

struct pickup *
pickup_new(struct inbound_shared *sh)
{
	struct pickup *p = xcalloc(1, sizeof(*p));

	p->shared = sh;
	list_init(&p->parcels);
	p->timer = loop_timer_new(sh->loop, on_timer, p);
	loop_timer_set(p->timer, clock_boot_ms(loop_clock(sh->loop)));
	return p;
}

void
pickup_stop(struct pickup *p)
{
	loop_timer_set(p->timer, INT64_MAX);
}

void
pickup_free(struct pickup *p)
{
	if (p == NULL)
		return;
	list_foreach (it, &p->parcels)
		parcel_end(
		    list_entry(it, struct parcel, link), QUEUE_DROP_LATER);
	loop_timer_free(p->timer);
	free(p);
}
