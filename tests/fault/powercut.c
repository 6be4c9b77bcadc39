/* SPDX-License-Identifier: GPL-3.0-or-later */
/* powercut SPOOL accept|accept-nosync N
 * powercut SPOOL count N
 *
 * The queue's half of powercut.sh.  "accept" puts N messages into a queue, says
 * "safe" when all of them were promised, and does not end before its input
 * does; the other leaves out all syncs, to prove that the test can fail.
 * "count" prints how many of the messages 1 ... N a queue has, each whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "queue/queue.h"
#include "store/spool.h"
#include "sys/clock_sys.h"
#include "sys/fs_sys.h"

enum { SMALL = 1000, LARGE = 150000, EVERY = 7 }; /* one in seven is large */

static struct fs disk;
static bool leaves_out;
static struct queue *q;

static int
sync_or_not(void *ctx, int fd)
{
	return leaves_out ? 0 : fs_sys()->sync(ctx, fd);
}

static void
submit(void *ctx, struct work *w)
{
	(void)ctx;
	w->run(w);
	w->done(w);
}

static bool
cancel(void *ctx, struct work *w)
{
	(void)ctx;
	(void)w;
	return false;
}

static int
route(void *ctx, const struct envelope *e)
{
	(void)ctx;
	(void)e;
	return 0;
}

static void
wake(void *ctx, int account)
{
	(void)ctx;
	(void)account;
}

static void
trouble(void *ctx, const char *id, const struct err *why)
{
	(void)ctx;
	fprintf(stderr, "%s: %s\n", id, why->text);
}

static void
open_queue(const char *dir)
{
	struct queue_opts o = {
		.clock = clock_sys(),
		.rng = rng_sys(),
		.pool = { submit, cancel, NULL },
		.hooks = { .route = route, .wake = wake, .trouble = trouble },
		.naccounts = 1,
		.retry_after_ms = 60000,
		.retry_max_ms = 3600000,
		.lifetime_ms = INT64_MAX,
		.max_size_bytes = LARGE,
	};
	struct err err;

	if (spool_open(dir, &disk, &o.store, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	q = queue_new(&o);
	while (queue_tick(q) <= clock_boot_ms(clock_sys()))
		;
}

/* --- accept --------------------------------------------------------------- */

static size_t
make_text(unsigned long i, char *to)
{
	size_t n = i % EVERY == 0 ? LARGE : SMALL;

	memset(to, 'a' + (int)(i % 26), n);
	return n;
}

static void
told(void *ctx, const struct queue_told *t)
{
	*(bool *)ctx = t->outcome == QUEUE_SAFE;
}

static void
accept_one(unsigned long i)
{
	static char text[LARGE];
	struct envelope *e = envelope_new();
	struct queue_draft *d = queue_draft_new(q);
	bool is_safe = false;
	struct err err;
	char from[32];

	(void)snprintf(from, sizeof(from), "%lu", i);
	envelope_set(&e->sender, from);
	(void)envelope_add_rcpt(e, "me@example.org");
	if (queue_draft_write(d, text, make_text(i, text), &err) == 0)
		queue_draft_end(d, e, QUEUE_MODE_QUEUE, 0, told, &is_safe);
	(void)queue_tick(q);
	if (!is_safe)
		exit(1);
	queue_draft_free(d);
	envelope_free(e);
}

/* --- count ---------------------------------------------------------------- */

static bool
is_whole(struct queue_claim *d, unsigned long i)
{
	static char want[LARGE], got[LARGE + 1];
	size_t n = make_text(i, want), have;

	return queue_claim_read(d, 0, got, sizeof(got), &have, NULL) == 0 &&
	       have == n && memcmp(want, got, n) == 0;
}

static unsigned long
count(unsigned long most)
{
	bool *seen = calloc(most + 1, sizeof(bool));
	struct queue_claim *d;
	unsigned long whole = 0;

	queue_flush(q, -1);
	while ((d = queue_take(q, 0)) != NULL) {
		const char *from = queue_claim_envelope(d)->sender;
		uint64_t i;

		if (num_u64_max(bytes_str(from), most, &i) && !seen[i] &&
		    is_whole(d, (unsigned long)i)) {
			seen[i] = true;
			whole++;
		}
		queue_claim_end(
		    d, QUEUE_END_UNTRIED, NULL, INT64_MAX, NULL, NULL);
	}
	free(seen);
	return whole;
}

int
main(int argc, char **argv)
{
	uint64_t n;

	if (argc != 4 || !num_u64_max(bytes_str(argv[3]), 100000, &n))
		return 2;
	disk = *fs_sys();
	disk.sync = sync_or_not;
	leaves_out = strcmp(argv[2], "accept-nosync") == 0;
	open_queue(argv[1]);
	if (strcmp(argv[2], "count") == 0) {
		printf("%lu\n", count((unsigned long)n));
	} else {
		for (uint64_t i = 1; i <= n; i++)
			accept_one((unsigned long)i);
		puts("safe");
		(void)fflush(stdout);
		(void)getchar();
	}
	return 0;
}
