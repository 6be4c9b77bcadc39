/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "net/lookup.h"
#include "net/loop.h"
#include "net/race.h"
#include "net/stream.h"

struct dial {
	struct loop *l;
	char *host;
	int port;
	int64_t timeout_ms;
	void (*told)(void *ctx, const struct dial_result *r);
	void *ctx;
	struct lookup *lookup;
	struct race *race;
	struct loop_timer *deadline;
};

/* told() may free the dial. */
static void
give_result(struct dial *d, const struct dial_result *r)
{
	loop_timer_set(d->deadline, INT64_MAX);
	d->told(d->ctx, r);
}

/* --- the outcome of the race -------------------------------------------- */

static enum dial_fault
fault_of(int os)
{
	switch (os) {
	case ECONNREFUSED:
	case ECONNRESET:
		return DIAL_REFUSED;
	case ETIMEDOUT:
		return DIAL_SILENT;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return DIAL_UNREACHABLE;
	default:
		return DIAL_OTHER;
	}
}

static void
tell_fault(struct dial *d, enum dial_fault fault, int os)
{
	struct dial_result r = { .fault = fault };
	char took[NUM_TEXT_SIZE];

	switch (fault) {
	case DIAL_SILENT:
		(void)err_set(&r.err, ERR_NETWORK,
		    "%s port %d: no answer within %s; the port is probably "
		    "filtered by a firewall or the access provider",
		    d->host, d->port, num_duration_text(d->timeout_ms, took));
		break;
	case DIAL_REFUSED:
		(void)err_set(&r.err, ERR_NETWORK,
		    "%s port %d: connection refused; nothing listens there, or "
		    "a firewall rejects it",
		    d->host, d->port);
		break;
	case DIAL_UNREACHABLE:
		(void)err_set(&r.err, ERR_NETWORK,
		    "%s port %d cannot be reached: %s; is the network up?",
		    d->host, d->port, strerror(os));
		break;
	case DIAL_OK:
	case DIAL_LOOKUP:
	case DIAL_OTHER:
		(void)err_set(&r.err, ERR_NETWORK, "%s port %d: %s", d->host,
		    d->port, strerror(os));
		break;
	}
	r.err.os = os;
	give_result(d, &r);
}

static void
on_race(void *ctx, int fd, int os)
{
	struct dial *d = ctx;
	struct dial_result r = { .fault = DIAL_OK };

	if (fd < 0) {
		tell_fault(d, fault_of(os), os);
		return;
	}
	r.stream = stream_new(d->l, fd, NULL, NULL);
	give_result(d, &r);
}

/* --- the look-up -------------------------------------------------------- */

static void
on_lookup(void *ctx, const struct lookup_result *found)
{
	struct dial *d = ctx;
	struct dial_result r = { .fault = DIAL_LOOKUP, .err = found->err };

	d->lookup = NULL;
	if (found->n > 0)
		d->race = race_new(d->l, found->addrs, found->n, on_race, d);
	else
		give_result(d, &r);
}

static void
on_deadline(void *ctx)
{
	struct dial *d = ctx;
	struct dial_result r = { .fault = DIAL_LOOKUP };

	if (d->race != NULL) {
		race_free(d->race);
		d->race = NULL;
		tell_fault(d, DIAL_SILENT, ETIMEDOUT);
		return;
	}
	lookup_timed_out(d->host, &r.err);
	give_result(d, &r);
}

/* --- life --------------------------------------------------------------- */

static struct dial *
new_without_way(struct loop *l, const char *host, int port, int64_t timeout_ms,
    void (*told)(void *ctx, const struct dial_result *r), void *ctx)
{
	struct dial *d = xcalloc(1, sizeof(*d));

	d->l = l;
	d->host = lookup_without_brackets(host);
	d->port = port;
	d->timeout_ms = timeout_ms;
	d->told = told;
	d->ctx = ctx;
	d->deadline = loop_timer_new(l, on_deadline, d);
	loop_timer_set(d->deadline, loop_now_ms(l) + timeout_ms);
	return d;
}

struct dial *
dial_new(struct loop *l, const char *host, int port, int64_t timeout_ms,
    void (*told)(void *ctx, const struct dial_result *r), void *ctx)
{
	struct dial *d = new_without_way(l, host, port, timeout_ms, told, ctx);

	d->lookup = lookup_new(l, host, port, on_lookup, d);
	return d;
}

struct dial *
dial_new_to(struct loop *l, const struct dial_target *to, int64_t timeout_ms,
    void (*told)(void *ctx, const struct dial_result *r), void *ctx)
{
	struct dial *d = new_without_way(
	    l, to->host, to->port, timeout_ms, told, ctx);

	d->race = race_new(l, to->addrs, to->n, on_race, d);
	return d;
}

void
dial_free(struct dial *d)
{
	if (d == NULL)
		return;
	lookup_forget(d->lookup);
	race_free(d->race);
	loop_timer_free(d->deadline);
	free(d->host);
	free(d);
}
