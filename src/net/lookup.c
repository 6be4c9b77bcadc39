/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/lookup.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "net/loop.h"
#include "net/loop_inside.h"

/* The request belongs to a worker thread until the look-up ends, which may be
 * long after it was given up. */
struct request {
	uv_getaddrinfo_t uv;
	struct lookup *q; /* NULL: given up */
};

struct lookup {
	struct loop *l;
	char *host;
	void (*told)(void *ctx, const struct lookup_result *r);
	void *ctx;
	struct request *request; /* under way */
	struct addrinfo *literal; /* told by soon */
	int rc; /* likewise, if there is none */
	struct loop_task soon;
};

static const char *
words_of(int rc)
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
say_why(const char *host, int rc, struct err *ret)
{
	(void)err_set(ret, ERR_NETWORK,
	    "no address for %s: %s; check the name, the network and "
	    "/etc/resolv.conf",
	    host, words_of(rc));
}

void
lookup_timed_out(const char *host, struct err *ret)
{
	say_why(host, UV_EAI_AGAIN, ret);
}

/* told() may free q. */
static void
tell(struct lookup *q, int rc, const struct addrinfo *ai)
{
	struct sockaddr_storage addrs[LOOKUP_MAX];
	struct lookup_result r = { .addrs = addrs };

	memset(addrs, 0, sizeof(addrs));
	for (; rc == 0 && ai != NULL && r.n < LOOKUP_MAX; ai = ai->ai_next)
		if (ai->ai_addrlen <= sizeof(addrs[0]) &&
		    (ai->ai_family == AF_INET || ai->ai_family == AF_INET6))
			memcpy(&addrs[r.n++], ai->ai_addr, ai->ai_addrlen);
	if (r.n == 0) {
		if (rc == 0)
			rc = UV_EAI_NONAME;
		r.is_unknown = rc == UV_EAI_NONAME || rc == UV_EAI_NODATA;
		say_why(q->host, rc, &r.err);
	}
	q->told(q->ctx, &r);
}

static void
on_lookup(uv_getaddrinfo_t *req, int rc, struct addrinfo *ai)
{
	struct request *request = req->data;
	struct lookup *q = request->q;

	free(request);
	if (q != NULL) {
		q->request = NULL;
		tell(q, rc, ai);
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

static void
on_soon(struct loop_task *t)
{
	struct lookup *q = list_entry(t, struct lookup, soon);
	struct addrinfo *ai = q->literal;

	q->literal = NULL;
	tell(q, q->rc, ai);
	if (ai != NULL)
		freeaddrinfo(ai);
}

static void
start(struct lookup *q, const char *port)
{
	struct addrinfo hints = hints_with(AI_NUMERICHOST);

	/* An address must not wait for a worker thread. */
	if (getaddrinfo(q->host, port, &hints, &q->literal) == 0) {
		loop_soon(q->l, &q->soon);
		return;
	}
	q->literal = NULL;
	hints = hints_with(0);
	q->request = xcalloc(1, sizeof(*q->request));
	q->request->q = q;
	q->request->uv.data = q->request;
	q->rc = uv_getaddrinfo(
	    loop_uv(q->l), &q->request->uv, on_lookup, q->host, port, &hints);
	if (q->rc == 0)
		return;
	free(q->request); /* not even a possible name */
	q->request = NULL;
	loop_soon(q->l, &q->soon);
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
	struct lookup *q = xcalloc(1, sizeof(*q));
	char service[16];

	q->l = l;
	q->host = lookup_without_brackets(host);
	q->told = told;
	q->ctx = ctx;
	loop_task_init(&q->soon, on_soon);
	(void)snprintf(service, sizeof(service), "%d", port);
	start(q, service);
	return q;
}

void
lookup_free(struct lookup *q)
{
	if (q == NULL)
		return;
	if (q->request != NULL) {
		q->request->q = NULL;
		/* Too late is fine: on_lookup() sees that nobody waits. */
		IGNORE(uv_cancel((uv_req_t *)&q->request->uv));
	}
	loop_soon_cancel(&q->soon);
	if (q->literal != NULL)
		freeaddrinfo(q->literal);
	free(q->host);
	free(q);
}
