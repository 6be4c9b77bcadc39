/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "net/loop.h"
#include "net/loop_inside.h"
#include "net/race.h"
#include "net/stream.h"

/* The request belongs to a worker thread until the look-up ends, which may be
 * long after the dial was given up. */
struct lookup {
	uv_getaddrinfo_t uv;
	struct dial *d; /* NULL: given up */
};

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
	struct loop_task soon;
	struct dial_result early; /* told by soon */
};

/* told() may free the dial. */
static void
tell(struct dial *d, const struct dial_result *r)
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
	tell(d, &r);
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
	tell(d, &r);
}

/* --- the look-up -------------------------------------------------------- */

static const char *
lookup_words(int rc)
{
	switch (rc) {
	case UV_EAI_NONAME:
	case UV_EAI_NODATA:
		return "no such name";
	case UV_EAI_AGAIN:
		return "no answer from the name servers";
	case UV_EAI_FAIL:
		return "the name servers failed";
	default:
		return uv_strerror(rc);
	}
}

static void
lookup_failed(struct dial *d, int rc, struct dial_result *ret)
{
	ret->fault = DIAL_LOOKUP;
	(void)err_set(&ret->err, ERR_NETWORK,
	    "no address for %s: %s; check the name, the network and "
	    "/etc/resolv.conf",
	    d->host, lookup_words(rc));
}

static void
start_race(struct dial *d, const struct addrinfo *ai)
{
	struct sockaddr_storage addrs[2 * RACE_MAX];
	size_t n = 0;

	memset(addrs, 0, sizeof(addrs));
	for (; ai != NULL && n < 2 * RACE_MAX; ai = ai->ai_next)
		if (ai->ai_addrlen <= sizeof(addrs[0]) &&
		    (ai->ai_family == AF_INET || ai->ai_family == AF_INET6))
			memcpy(&addrs[n++], ai->ai_addr, ai->ai_addrlen);
	d->race = race_new(d->l, addrs, n, on_race, d);
}

static bool
has_address(const struct addrinfo *ai)
{
	for (; ai != NULL; ai = ai->ai_next)
		if (ai->ai_family == AF_INET || ai->ai_family == AF_INET6)
			return true;
	return false;
}

static void
on_lookup(uv_getaddrinfo_t *req, int rc, struct addrinfo *ai)
{
	struct lookup *q = req->data;
	struct dial *d = q->d;
	struct dial_result r = { .fault = DIAL_LOOKUP };

	free(q);
	if (d != NULL) {
		d->lookup = NULL;
		if (rc == 0 && has_address(ai))
			start_race(d, ai);
		else {
			lookup_failed(d, rc != 0 ? rc : UV_EAI_NONAME, &r);
			tell(d, &r);
		}
	}
	uv_freeaddrinfo(ai);
}

/* AI_ADDRCONFIG is left out: it hides addresses from a machine that has only
 * loopback, and the race finds out by itself which family works. */
static struct addrinfo
hints_with(int flags)
{
	return (struct addrinfo) { .ai_flags = flags | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
}

/* An address needs no look-up, so it must not wait for a worker thread. */
static bool
start_literal(struct dial *d, const char *host, const char *port)
{
	struct addrinfo hints = hints_with(AI_NUMERICHOST), *ai = NULL;

	if (getaddrinfo(host, port, &hints, &ai) != 0)
		return false;
	start_race(d, ai);
	freeaddrinfo(ai);
	return true;
}

static void
on_soon(struct loop_task *t)
{
	struct dial *d = list_entry(t, struct dial, soon);
	struct dial_result r = d->early;

	tell(d, &r);
}

static void
start_lookup(struct dial *d, const char *host, const char *port)
{
	struct addrinfo hints = hints_with(0);
	struct lookup *q = xcalloc(1, sizeof(*q));
	int rc;

	q->d = d;
	q->uv.data = q;
	rc = uv_getaddrinfo(
	    loop_uv(d->l), &q->uv, on_lookup, host, port, &hints);
	if (rc == 0) {
		d->lookup = q;
		return;
	}
	free(q); /* not even a possible name */
	lookup_failed(d, rc, &d->early);
	loop_soon(d->l, &d->soon);
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
	lookup_failed(d, UV_EAI_AGAIN, &r);
	tell(d, &r);
}

/* --- life --------------------------------------------------------------- */

/* "[::1]" -> "::1"; the caller frees. */
static char *
without_brackets(const char *host)
{
	size_t n = strlen(host);

	if (n >= 2 && host[0] == '[' && host[n - 1] == ']')
		return xstrndup(host + 1, n - 2);
	return xstrdup(host);
}

struct dial *
dial_new(struct loop *l, const char *host, int port, int64_t timeout_ms,
    void (*told)(void *ctx, const struct dial_result *r), void *ctx)
{
	struct dial *d = xcalloc(1, sizeof(*d));
	char service[16];

	d->l = l;
	d->host = without_brackets(host);
	d->port = port;
	d->timeout_ms = timeout_ms;
	d->told = told;
	d->ctx = ctx;
	loop_task_init(&d->soon, on_soon);
	d->deadline = loop_timer_new(l, on_deadline, d);
	loop_timer_set(d->deadline, clock_boot_ms(loop_clock(l)) + timeout_ms);
	(void)snprintf(service, sizeof(service), "%d", port);
	if (!start_literal(d, d->host, service))
		start_lookup(d, d->host, service);
	return d;
}

void
dial_free(struct dial *d)
{
	if (d == NULL)
		return;
	if (d->lookup != NULL) {
		d->lookup->d = NULL;
		/* Too late is fine: on_lookup() sees that nobody waits. */
		IGNORE(uv_cancel((uv_req_t *)&d->lookup->uv));
	}
	race_free(d->race);
	loop_timer_free(d->deadline);
	loop_soon_cancel(&d->soon);
	free(d->host);
	free(d);
}
