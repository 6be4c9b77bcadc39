/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check/check_reach.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "net/dial.h"
#include "net/lookup.h"
#include "net/loop.h"
#include "net/probe443.h"
#include "net/stream.h"

enum {
	LOOKUP_MS = 15 * 1000,
	FAMILIES = 2,
	/* Ports of one host that are compared. */
	OTHERS_MAX = 6,
	PROBES_MAX = (ACCOUNT_PORTS_MAX + 2 * OTHERS_MAX) * FAMILIES
};

/* What is connected to, and why. */
enum side {
	SIDE_OWN, /* a port of the account */
	SIDE_OTHER, /* another port of its host */
	SIDE_WITNESS, /* a port of another provider */
	SIDES
};

struct probe {
	struct check_reach *r;
	enum side side;
	struct account_port port;
	int family;
	char first[INET6_ADDRSTRLEN]; /* of its addresses */
	struct dial *dial; /* under way */
	bool is_done;
	enum dial_fault fault;
	struct stream *stream;
	int64_t took_ms;
};

struct host {
	struct sockaddr_storage addrs[LOOKUP_MAX];
	size_t n;
};

struct check_reach {
	struct loop *loop;
	struct check_reach_opts opts;
	struct check_reach_hooks hooks;
	struct lookup *lookup;
	struct loop_timer *timer; /* of the look-up */
	int64_t began_ms;
	struct host own, witness;
	struct probe probes[PROBES_MAX];
	size_t nprobes;
	struct probe443 *webs[2]; /* under way: of the host, of the witness */
	bool is_web_open; /* of one of them */
	bool is_web_refused; /* by the host, which is up */
	bool is_comparing;
};

static const int other_ports[] = { 465, 587, 2525 };
enum { OTHER_PORTS = 3 };

static void say(struct check_reach *r, struct check_result *what,
    const char *advice, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void
say(struct check_reach *r, struct check_result *what, const char *advice,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what->seen, sizeof(what->seen), fmt, ap);
	va_end(ap);
	(void)snprintf(what->advice, sizeof(what->advice), "%s", advice);
	r->hooks.told(r->hooks.ctx, what);
}

static void
over(struct check_reach *r, struct check_way *ways, size_t n)
{
	loop_timer_set(r->timer, INT64_MAX);
	r->hooks.over(r->hooks.ctx, ways, n); /* which may free it */
}

/* --- probes --------------------------------------------------------------- */

static void on_probes_done(struct check_reach *r);

static bool
is_waiting(const struct check_reach *r)
{
	for (size_t i = 0; i < r->nprobes; i++)
		if (!r->probes[i].is_done)
			return true;
	return r->webs[0] != NULL || r->webs[1] != NULL;
}

static void
on_probed(struct check_reach *r, int which, enum probe443_answer answer)
{
	r->webs[which] = NULL;
	r->is_web_open = r->is_web_open || answer == PROBE443_OPEN;
	r->is_web_refused = r->is_web_refused ||
			    (which == 0 && answer == PROBE443_REFUSED);
	if (!is_waiting(r))
		on_probes_done(r);
}

static void
on_own_web(void *ctx, enum probe443_answer answer)
{
	on_probed(ctx, 0, answer);
}

static void
on_witness_web(void *ctx, enum probe443_answer answer)
{
	on_probed(ctx, 1, answer);
}

static void
on_dialled(void *ctx, const struct dial_result *res)
{
	struct probe *p = ctx;
	struct check_reach *r = p->r;

	dial_free(p->dial);
	p->dial = NULL;
	p->is_done = true;
	p->fault = res->fault;
	p->stream = res->stream;
	p->took_ms = loop_now_ms(r->loop) - r->began_ms;
	if (!is_waiting(r))
		on_probes_done(r);
}

static const char *
address_text(const struct sockaddr_storage *sa, char to[INET6_ADDRSTRLEN])
{
	const void *addr =
	    sa->ss_family == AF_INET
		? (const void *)&((const struct sockaddr_in *)(const void *)sa)
		      ->sin_addr
		: (const void *)&((const struct sockaddr_in6 *)(const void *)sa)
		      ->sin6_addr;

	if (inet_ntop(sa->ss_family, addr, to, INET6_ADDRSTRLEN) == NULL)
		to[0] = '\0';
	return to;
}

/* Over this family, if the host has it. */
static void
probe_start(
    struct check_reach *r, enum side side, struct account_port port, int family)
{
	const struct host *h = side == SIDE_WITNESS ? &r->witness : &r->own;
	struct sockaddr_storage addrs[LOOKUP_MAX];
	struct dial_target to = { .host = side == SIDE_WITNESS ? r->opts.witness
							       : r->opts.host,
		.port = port.port,
		.addrs = addrs };
	struct probe *p = &r->probes[r->nprobes];

	for (size_t i = 0; i < h->n; i++)
		if (h->addrs[i].ss_family == family) {
			addrs[to.n] = h->addrs[i];
			lookup_set_port(&addrs[to.n++], port.port);
		}
	if (to.n == 0 || r->nprobes == PROBES_MAX)
		return;
	r->nprobes++;
	*p = (struct probe) {
		.r = r, .side = side, .port = port, .family = family
	};
	(void)address_text(&addrs[0], p->first);
	p->dial = dial_new_to(r->loop, &to, r->opts.connect_ms, on_dialled, p);
}

static void
probe_both(struct check_reach *r, enum side side, struct account_port port)
{
	probe_start(r, side, port, AF_INET);
	probe_start(r, side, port, AF_INET6);
}

/* --- what a comparison says ----------------------------------------------- */

/* How many probes of this side came to this; port 0: any. */
static size_t
count(const struct check_reach *r, enum side side, enum dial_fault fault,
    int port)
{
	size_t n = 0;

	for (size_t i = 0; i < r->nprobes; i++)
		n += r->probes[i].side == side && r->probes[i].fault == fault &&
		     (port == 0 || r->probes[i].port.port == port);
	return n;
}

/* A submission port of this side that answers; 0: none. */
static int
open_submission(const struct check_reach *r, enum side side)
{
	for (size_t i = 0; i < OTHER_PORTS; i++)
		if (count(r, side, DIAL_OK, other_ports[i]) > 0)
			return other_ports[i];
	for (size_t i = 0; i < r->opts.nports; i++)
		if (count(r, side, DIAL_OK, r->opts.ports[i].port) > 0)
			return r->opts.ports[i].port;
	return 0;
}

static bool
is_up(const struct check_reach *r, enum side side)
{
	return count(r, side, DIAL_OK, 0) + count(r, side, DIAL_REFUSED, 0) > 0;
}

static bool
is_loopback(const struct sockaddr_storage *sa)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	return sa->ss_family == AF_INET
		   ? ntohl(in->sin_addr.s_addr) >> 24 == 127
		   : IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static void
ports_text(const struct check_reach *r, char *to, size_t max)
{
	size_t n = 0;

	to[0] = '\0';
	for (size_t i = 0; i < r->opts.nports && n < max; i++)
		n += (size_t)snprintf(to + n, max - n, "%s%d",
		    i > 0 ? " and " : "", r->opts.ports[i].port);
}

/* No port of the account answers: where does that come from? */
static void
conclude(struct check_reach *r)
{
	struct check_result what = { .stage = CHECK_TCP,
		.verdict = CHECK_LATER,
		.took_ms = loop_now_ms(r->loop) - r->began_ms };
	int other = open_submission(r, SIDE_OTHER);
	int witness = open_submission(r, SIDE_WITNESS);
	bool is_refused = count(r, SIDE_OWN, DIAL_REFUSED, 0) > 0;
	char ports[80], advice[200];

	ports_text(r, ports, sizeof(ports));
	if (is_loopback(&r->own.addrs[0])) {
		what.verdict = CHECK_PERSON;
		say(r, &what,
		    "start the program that should listen there, or correct "
		    "host and port",
		    "nothing listens on port %s of this machine", ports);
	} else if (other != 0) {
		what.verdict = CHECK_PERSON;
		(void)snprintf(advice, sizeof(advice),
		    "set port = %d, or port = auto", other);
		say(r, &what, advice,
		    "port %s is %s here; %s answers on port %d", ports,
		    is_refused ? "closed" : "filtered", r->opts.host, other);
	} else if (witness != 0) {
		say(r, &what,
		    "wait: messages stay in the queue until it answers; if it "
		    "never does, check host and port",
		    "the provider is down: %s does not answer on port %s, but "
		    "%s answers on port %d",
		    r->opts.host, ports, r->opts.witness, witness);
	} else if (r->is_web_open) {
		what.verdict = CHECK_PERSON;
		say(r, &what,
		    "ask those who run this network or the access provider to "
		    "open port 465 or 587; or use a provider that listens on "
		    "443 or 2525",
		    "SMTP is blocked here, whatever the port: the web (443) "
		    "can "
		    "be reached, no mail port can");
	} else if (is_up(r, SIDE_OWN) || is_up(r, SIDE_OTHER) ||
		   r->is_web_refused) {
		say(r, &what, "wait, or check host and port",
		    "%s is up and does not take mail on port %s", r->opts.host,
		    ports);
	} else {
		say(r, &what,
		    "the network of this machine is down, or a firewall stops "
		    "everything: is there a default route?",
		    "nothing outside this machine answers");
	}
	over(r, NULL, 0);
}

static bool
is_own_port(const struct check_reach *r, int port)
{
	for (size_t i = 0; i < r->opts.nports; i++)
		if (r->opts.ports[i].port == port)
			return true;
	return false;
}

static void
compare(struct check_reach *r)
{
	struct account_port port = { .tls = SC_TLS_STARTTLS };

	for (size_t i = 0; i < OTHER_PORTS; i++) {
		port.port = other_ports[i];
		if (!is_own_port(r, port.port))
			probe_both(r, SIDE_OTHER, port);
		probe_both(r, SIDE_WITNESS, port);
	}
	for (size_t i = 0; i < r->opts.nports; i++)
		if (r->opts.ports[i].port != 465 &&
		    r->opts.ports[i].port != 587)
			probe_both(r, SIDE_WITNESS, r->opts.ports[i]);
	/* Where mail is not wanted, the web mostly is. */
	if (!is_own_port(r, PROBE443_PORT))
		r->webs[0] = probe443_new(r->loop, r->opts.host, on_own_web, r);
	if (r->witness.n > 0)
		r->webs[1] = probe443_new(
		    r->loop, r->opts.witness, on_witness_web, r);
	if (!is_waiting(r))
		conclude(r); /* there is nothing to compare with */
}

static void
on_witness(void *ctx, const struct lookup_result *res)
{
	struct check_reach *r = ctx;

	loop_timer_set(r->timer, INT64_MAX);
	r->witness.n = res->n;
	memcpy(r->witness.addrs, res->addrs, res->n * sizeof(res->addrs[0]));
	r->lookup = NULL;
	compare(r);
}

static void
on_timeout(void *ctx)
{
	struct check_reach *r = ctx;
	struct check_result what = { .stage = CHECK_DNS,
		.verdict = CHECK_LATER,
		.took_ms = loop_now_ms(r->loop) - r->began_ms };

	lookup_forget(r->lookup);
	r->lookup = NULL;
	if (r->is_comparing) {
		compare(r);
		return;
	}
	say(r, &what,
	    "is the network up, and are the name servers in "
	    "/etc/resolv.conf the right ones?",
	    "no answer from the name servers");
	over(r, NULL, 0);
}

/* --- tcp ------------------------------------------------------------------ */

static const char *const fault_words[] = {
	[DIAL_OK] = "",
	[DIAL_LOOKUP] = "cannot connect",
	[DIAL_REFUSED] = "refused",
	[DIAL_SILENT] = "no answer: filtered, or nobody is there",
	[DIAL_UNREACHABLE] = "no route from here",
	[DIAL_OTHER] = "cannot connect",
};

static void
tell_probe(struct check_reach *r, const struct probe *p, bool is_any_open)
{
	struct check_result what = { .stage = CHECK_TCP,
		.verdict = CHECK_OK,
		.port = p->port.port,
		.family = p->family,
		.took_ms = p->took_ms };

	if (p->fault == DIAL_OK) {
		say(r, &what, "", "%s", p->first);
		return;
	}
	what.verdict = !is_any_open                   ? CHECK_LATER
		       : p->fault == DIAL_UNREACHABLE ? CHECK_SKIPPED
						      : CHECK_NOTE;
	say(r, &what, "", "%s: %s", p->first, fault_words[p->fault]);
}

/* The ports in their order; of two families the faster one. */
static void
give_ways(struct check_reach *r)
{
	struct check_way ways[ACCOUNT_PORTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < r->opts.nports; i++) {
		struct probe *best = NULL;

		for (size_t k = 0; k < r->nprobes; k++) {
			struct probe *p = &r->probes[k];

			if (p->fault == DIAL_OK &&
			    p->port.port == r->opts.ports[i].port &&
			    (best == NULL || p->took_ms < best->took_ms))
				best = p;
		}
		if (best == NULL)
			continue;
		ways[n] = (struct check_way) { r->opts.ports[i], best->family,
			n == 0 ? best->stream : NULL };
		if (n++ == 0)
			best->stream = NULL;
	}
	over(r, ways, n);
}

static void
on_probes_done(struct check_reach *r)
{
	bool is_any_open = count(r, SIDE_OWN, DIAL_OK, 0) > 0;

	if (r->is_comparing) {
		conclude(r);
		return;
	}
	for (size_t i = 0; i < r->nprobes; i++)
		tell_probe(r, &r->probes[i], is_any_open);
	if (is_any_open) {
		give_ways(r);
		return;
	}
	r->is_comparing = true;
	r->began_ms = loop_now_ms(r->loop);
	if (r->opts.witness == NULL || is_loopback(&r->own.addrs[0])) {
		compare(r);
		return;
	}
	loop_timer_set(r->timer, loop_now_ms(r->loop) + r->opts.connect_ms);
	r->lookup = lookup_new(r->loop, r->opts.witness, 0, on_witness, r);
}

/* --- dns ------------------------------------------------------------------ */

static void
tell_addresses(struct check_reach *r, bool is_literal)
{
	struct check_result what = { .stage = CHECK_DNS,
		.verdict = CHECK_OK,
		.took_ms = loop_now_ms(r->loop) - r->began_ms };
	char text[INET6_ADDRSTRLEN];
	struct buf b;

	if (is_literal) {
		what.verdict = CHECK_SKIPPED;
		what.took_ms = -1;
		say(r, &what, "", "%s is an address", r->opts.host);
		return;
	}
	buf_init(&b, CHECK_SEEN_MAX);
	for (size_t i = 0; i < r->own.n; i++)
		IGNORE(buf_addf(&b, "%s%s", i > 0 ? ", " : "",
		    address_text(&r->own.addrs[i], text))); /* or cut */
	say(r, &what, "", "%s", buf_str(&b));
	buf_clear(&b);
}

static bool
is_literal(const char *host)
{
	char *bare = lookup_without_brackets(host);
	unsigned char addr[16];
	bool is_one = inet_pton(AF_INET, bare, addr) == 1 ||
		      inet_pton(AF_INET6, bare, addr) == 1;

	free(bare);
	return is_one;
}

static void
on_lookup(void *ctx, const struct lookup_result *res)
{
	struct check_reach *r = ctx;
	struct check_result what = { .stage = CHECK_DNS,
		.verdict = res->is_unknown ? CHECK_PERSON : CHECK_LATER,
		.took_ms = loop_now_ms(r->loop) - r->began_ms };
	char text[CHECK_SEEN_MAX];

	loop_timer_set(r->timer, INT64_MAX);
	r->own.n = res->n;
	memcpy(r->own.addrs, res->addrs, res->n * sizeof(res->addrs[0]));
	(void)snprintf(text, sizeof(text), "%.*s",
	    (int)strcspn(res->err.text, ";"), res->err.text);
	r->lookup = NULL;
	if (r->own.n == 0) {
		say(r, &what,
		    what.verdict == CHECK_PERSON
			? "check the spelling of host"
			: "is the network up, and are the name servers in "
			  "/etc/resolv.conf the right ones?",
		    "%s", text);
		over(r, NULL, 0);
		return;
	}
	tell_addresses(r, is_literal(r->opts.host));
	r->began_ms = loop_now_ms(r->loop);
	for (size_t i = 0; i < r->opts.nports; i++)
		probe_both(r, SIDE_OWN, r->opts.ports[i]);
}

struct check_reach *
check_reach_new(struct loop *l, const struct check_reach_opts *opts,
    const struct check_reach_hooks *hooks)
{
	struct check_reach *r = xcalloc(1, sizeof(*r));

	r->loop = l;
	r->opts = *opts;
	r->hooks = *hooks;
	r->began_ms = loop_now_ms(r->loop);
	r->timer = loop_timer_new(l, on_timeout, r);
	loop_timer_set(r->timer, r->began_ms + LOOKUP_MS);
	r->lookup = lookup_new(l, opts->host, 0, on_lookup, r);
	return r;
}

void
check_reach_free(struct check_reach *r)
{
	if (r == NULL)
		return;
	lookup_forget(r->lookup);
	loop_timer_free(r->timer);
	probe443_forget(r->webs[0]);
	probe443_forget(r->webs[1]);
	for (size_t i = 0; i < r->nprobes; i++) {
		dial_free(r->probes[i].dial);
		stream_free(r->probes[i].stream);
	}
	free(r);
}
