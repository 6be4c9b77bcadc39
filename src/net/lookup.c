/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/xalloc.h"
#include "net/loop.h"
#include "net/loop_inside.h"

/* Belongs to a worker thread until the look-up ends, which may be long after it
 * was given up. */
struct lookup {
	struct work work;
	lookup_way *way;
	void *way_ctx;
	char *host;
	int port;
	struct lookup_answer answer;
	struct loop_task soon; /* tells of an address literal, without a job */
	/* NULL: given up */
	void (*told)(void *ctx, const struct lookup_result *r);
	void *ctx;
};

static const char *
words_of(int rc, int os)
{
	switch (rc) {
	case EAI_NONAME:
	case EAI_NODATA:
		return "no such name";
	case EAI_AGAIN:
		return "no answer from the name servers";
	case EAI_FAIL:
		return "the name servers failed";
	case EAI_SYSTEM:
		return strerror(os);
	default:
		return gai_strerror(rc);
	}
}

static void
say_why(const char *host, int rc, int os, struct err *ret)
{
	(void)err_set(ret, ERR_NETWORK,
	    "no address for %s: %s; check the name, the network and "
	    "/etc/resolv.conf",
	    host, words_of(rc, os));
}

void
lookup_timed_out(const char *host, struct err *ret)
{
	say_why(host, EAI_AGAIN, 0, ret);
}

void
lookup_set_port(struct sockaddr_storage *to, int port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)to;

	if (to->ss_family == AF_INET)
		v4->sin_port = htons((uint16_t)port);
	else
		v6->sin6_port = htons((uint16_t)port);
}

static void
lookup_free(struct lookup *q)
{
	free(q->host);
	free(q);
}

static void
give_answer(struct lookup *q)
{
	struct lookup_answer *a = &q->answer;
	struct lookup_result r = { .addrs = a->addrs };

	if (a->rc == 0) {
		r.n = a->n;
		for (size_t i = 0; i < a->n; i++)
			lookup_set_port(&a->addrs[i], q->port);
	} else {
		r.is_unknown = a->rc == EAI_NONAME || a->rc == EAI_NODATA;
		say_why(q->host, a->rc, a->os, &r.err);
	}
	if (q->told != NULL)
		q->told(q->ctx, &r);
	lookup_free(q);
}

/* AI_ADDRCONFIG is left out: it hides addresses from a machine that has only
 * loopback, and the race finds out by itself which family works. */
static void
ask_resolver(const char *host, int flags, struct lookup_answer *ret)
{
	struct addrinfo hints = { .ai_flags = flags,
		.ai_socktype = SOCK_STREAM },
			*ai = NULL;

	memset(ret, 0, sizeof(*ret));
	ret->rc = getaddrinfo(host, NULL, &hints, &ai);
	ret->os = ret->rc == EAI_SYSTEM ? errno : 0;
	if (ret->rc != 0)
		return;
	for (const struct addrinfo *i = ai; i != NULL && ret->n < LOOKUP_MAX;
	     i = i->ai_next)
		if (i->ai_addrlen <= sizeof(ret->addrs[0]) &&
		    (i->ai_family == AF_INET || i->ai_family == AF_INET6))
			memcpy(
			    &ret->addrs[ret->n++], i->ai_addr, i->ai_addrlen);
	freeaddrinfo(ai);
	if (ret->n == 0)
		ret->rc = EAI_NONAME;
}

void
lookup_system(void *ctx, const char *host, struct lookup_answer *ret)
{
	(void)ctx;
	ask_resolver(host, AI_IDN, ret);
}

static void
run_lookup(struct work *w)
{
	struct lookup *q = list_entry(w, struct lookup, work);

	q->way(q->way_ctx, q->host, &q->answer);
}

static void
end_lookup(struct work *w)
{
	give_answer(list_entry(w, struct lookup, work));
}

static void
on_soon(struct loop_task *t)
{
	give_answer(list_entry(t, struct lookup, soon));
}

char *
lookup_without_brackets(const char *host)
{
	size_t n = strlen(host);

	if (n >= 2 && host[0] == '[' && host[n - 1] == ']')
		return xstrndup(host + 1, n - 2);
	return xstrdup(host);
}

struct lookup *
lookup_new(struct loop *l, const char *host, int port,
    void (*told)(void *ctx, const struct lookup_result *r), void *ctx)
{
	const struct loop_memory *m = loop_memory(l);
	struct lookup *q = xcalloc(1, sizeof(*q));

	q->work = (struct work) { .run = run_lookup, .done = end_lookup };
	q->way = m->lookup != NULL ? m->lookup : lookup_system;
	q->way_ctx = m->lookup_ctx;
	q->host = lookup_without_brackets(host);
	q->port = port;
	q->told = told;
	q->ctx = ctx;
	loop_task_init(&q->soon, on_soon);
	/* An address must not wait for a worker thread. */
	ask_resolver(q->host, AI_NUMERICHOST, &q->answer);
	if (q->answer.rc == 0)
		loop_soon(l, &q->soon);
	else
		loop_submit_slow(l, LOOP_LANE_NAMES, &q->work);
	return q;
}

void
lookup_by(struct loop *l, lookup_way *way, void *ctx)
{
	struct loop_memory *m = loop_memory(l);

	m->lookup = way;
	m->lookup_ctx = ctx;
}

void
lookup_forget(struct lookup *q)
{
	if (q == NULL)
		return;
	q->told = NULL;
	if (!list_is_empty(&q->soon.link)) {
		loop_soon_cancel(&q->soon);
		lookup_free(q);
	}
}
