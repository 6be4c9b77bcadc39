/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/probe443.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/xalloc.h"
#include "net/lookup.h"
#include "net/loop.h"
#include "net/loop_inside.h"

/* Belongs to a worker thread until it has the answer, which may be long after
 * it was given up. */
struct probe443 {
	struct work work;
	probe443_way *way;
	void *way_ctx;
	char *host;
	enum probe443_answer answer;
	void (*told)(
	    void *ctx, enum probe443_answer answer); /* NULL: given up */
	void *ctx;
};

/* All addresses at once: one that is open is enough. */
static enum probe443_answer
probe443_at(const struct lookup_answer *a)
{
	struct pollfd fds[LOOKUP_MAX];
	enum probe443_answer best = PROBE443_SILENT;
	int left_ms = PROBE443_MS, n = 0, status;
	socklen_t size;

	for (size_t i = 0; i < a->n; i++) {
		struct sockaddr_storage to = a->addrs[i];

		lookup_set_port(&to, PROBE443_PORT);
		fds[n] = (struct pollfd) { .events = POLLOUT };
		fds[n].fd = socket(to.ss_family,
		    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fds[n].fd < 0)
			continue;
		size = to.ss_family == AF_INET ? sizeof(struct sockaddr_in)
					       : sizeof(struct sockaddr_in6);
		if (connect(fds[n].fd, (struct sockaddr *)&to, size) == 0 ||
		    errno == EINPROGRESS)
			n++;
		else {
			if (errno == ECONNREFUSED)
				best = PROBE443_REFUSED;
			(void)close(fds[n].fd); /* nothing was said */
		}
	}
	for (int waiting = n;
	     waiting > 0 && best != PROBE443_OPEN && left_ms > 0;
	     left_ms -= 100) {
		if (poll(fds, (nfds_t)n, 100) <= 0)
			continue;
		for (int i = 0; i < n; i++) {
			size = sizeof(status);
			if (fds[i].fd < 0 || fds[i].revents == 0)
				continue;
			if (getsockopt(fds[i].fd, SOL_SOCKET, SO_ERROR, &status,
				&size) != 0)
				status = EIO; /* of no kind */
			if (status == 0)
				best = PROBE443_OPEN;
			else if (status == ECONNREFUSED &&
				 best == PROBE443_SILENT)
				best = PROBE443_REFUSED;
			(void)close(fds[i].fd); /* likewise */
			fds[i].fd = -1;
			waiting--;
		}
	}
	for (int i = 0; i < n; i++)
		if (fds[i].fd >= 0)
			(void)close(fds[i].fd); /* likewise */
	return best;
}

enum probe443_answer
probe443_system(void *ctx, const char *host)
{
	char *bare = lookup_without_brackets(host);
	struct lookup_answer a;

	lookup_system(ctx, bare, &a);
	free(bare);
	return a.rc == 0 ? probe443_at(&a) : PROBE443_SILENT;
}

static void
run_probe(struct work *w)
{
	struct probe443 *k = list_entry(w, struct probe443, work);

	k->answer = k->way(k->way_ctx, k->host);
}

static void
end_probe(struct work *w)
{
	struct probe443 *k = list_entry(w, struct probe443, work);

	if (k->told != NULL)
		k->told(k->ctx, k->answer);
	free(k->host);
	free(k);
}

void
probe443_by(struct loop *l, probe443_way *way, void *ctx)
{
	struct loop_memory *m = loop_memory(l);

	m->probe443 = way;
	m->probe443_ctx = ctx;
}

struct probe443 *
probe443_new(struct loop *l, const char *host,
    void (*told)(void *ctx, enum probe443_answer answer), void *ctx)
{
	const struct loop_memory *m = loop_memory(l);
	struct probe443 *k = xcalloc(1, sizeof(*k));

	k->work = (struct work) { .run = run_probe, .done = end_probe };
	k->way = m->probe443 != NULL ? m->probe443 : probe443_system;
	k->way_ctx = m->probe443_ctx;
	k->host = xstrdup(host);
	k->told = told;
	k->ctx = ctx;
	loop_submit_slow(l, LOOP_LANE_NAMES, &k->work);
	return k;
}

void
probe443_forget(struct probe443 *k)
{
	if (k != NULL)
		k->told = NULL;
}
