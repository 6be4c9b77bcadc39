/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-web/events.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "relais-web/asker.h"

enum {
	LOOK_MS = 500, /* costs the daemon a tenth of a millisecond */
	QUIET_MS = 15000 /* then a word, to see that the browser is there */
};

static const char begin[] = "retry: 2000\n\n";
static const char change[] = "event: change\ndata: 1\n\n";
static const char quiet[] = ": nothing new\n\n";

struct events {
	struct asker *asker;
	uint32_t uid;
	int fd;
	const atomic_bool *is_ending;
	char *seen; /* NULL: nothing was said yet */
	int quiet_ms;
};

struct events *
events_new(struct asker *a, uint32_t uid, int fd, const atomic_bool *is_ending)
{
	struct events *e = xcalloc(1, sizeof(*e));

	e->asker = a;
	e->uid = uid;
	e->fd = fd;
	e->is_ending = is_ending;
	return e;
}

void
events_free(struct events *e)
{
	if (e == NULL)
		return;
	free(e->seen);
	free(e);
}

/* Of what changes by itself as time passes a page shows the old state until it
 * fetches itself again. */
static char *
state_of(const json_t *status)
{
	json_t *queue = json_object_get(status, "queue");
	json_t *accounts = json_object_get(status, "accounts"), *a, *all;
	char *text;
	size_t i;

	(void)json_object_del(queue, "oldest_age");
	json_array_foreach(accounts, i, a)
	{
		(void)json_object_del(a, "next_try");
		(void)json_object_del(a, "connections");
	}
	/* What was refused while its client waited is in neither. */
	all = json_pack("[O?, O?, O?]", queue, accounts,
	    json_object_get(status, "outcomes"));
	text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(all);
	return text != NULL ? text : xstrdup("");
}

static char *
read_state(struct events *e)
{
	struct ctl_client *c = NULL;
	struct err err = { 0 };
	json_t *status = NULL;
	char *state;

	if (asker_open(e->asker, e->uid, &c, &err) != 0)
		return xstrdup("away");
	if (ctl_client_call(c, "status", NULL, NULL, NULL, &status, &err) != 0)
		state = xstrdup("away");
	else
		state = state_of(status);
	json_decref(status);
	asker_close(e->asker, e->uid, c);
	return state;
}

static size_t
say(struct events *e, const char *text, char *to, size_t max)
{
	size_t n = strlen(text);

	e->quiet_ms = 0;
	if (n > max)
		return 0;
	memcpy(to, text, n);
	return n;
}

/* For LOOK_MS.  False: the browser has hung up. */
static bool
wait_a_little(const struct events *e)
{
	struct pollfd pfd = { .fd = e->fd, .events = POLLRDHUP };

	return poll(&pfd, 1, LOOK_MS) <= 0;
}

size_t
events_next(struct events *e, char *to, size_t max)
{
	if (e->seen == NULL) {
		e->seen = read_state(e);
		return say(e, begin, to, max);
	}
	while (!atomic_load(e->is_ending) && wait_a_little(e)) {
		char *now = read_state(e);
		bool is_new = !str_eq(now, e->seen);

		free(e->seen);
		e->seen = now;
		if (is_new)
			return say(e, change, to, max);
		e->quiet_ms += LOOK_MS;
		if (e->quiet_ms >= QUIET_MS)
			return say(e, quiet, to, max);
	}
	return 0;
}
