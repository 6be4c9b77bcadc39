/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "notice/notice_cap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"

struct one {
	char *sender;
	int64_t since_s; /* begin of its hour */
	uint64_t count; /* since then */
	int64_t digest_s; /* the newest; 0: none */
};

struct notice_cap {
	struct one *v;
	size_t count;
};

struct notice_cap *
notice_cap_new(void)
{
	struct notice_cap *c = xcalloc(1, sizeof(*c));

	c->v = xcalloc(NOTICE_CAP_SENDERS, sizeof(*c->v));
	return c;
}

void
notice_cap_free(struct notice_cap *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->count; i++)
		free(c->v[i].sender);
	free(c->v);
	free(c);
}

static bool
is_over(int64_t since_s, int64_t now_s)
{
	return now_s < since_s || now_s - since_s >= NOTICE_CAP_S;
}

static struct one *
find_sender(const struct notice_cap *c, const char *sender)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcasecmp(c->v[i].sender, sender) == 0)
			return &c->v[i];
	return NULL;
}

static struct one *
get_sender(struct notice_cap *c, const char *sender)
{
	struct one *o = find_sender(c, sender);

	if (o != NULL)
		return o;
	if (c->count < NOTICE_CAP_SENDERS) {
		o = &c->v[c->count++];
	} else {
		o = &c->v[0];
		for (size_t i = 1; i < c->count; i++)
			if (c->v[i].since_s < o->since_s)
				o = &c->v[i];
		free(o->sender);
	}
	*o = (struct one) { .sender = xstrdup(sender) };
	return o;
}

bool
notice_cap_take(struct notice_cap *c, const char *sender, int64_t now_s)
{
	struct one *o = get_sender(c, sender);

	if (is_over(o->since_s, now_s)) {
		o->since_s = now_s;
		o->count = 0;
	}
	if (o->count >= NOTICE_CAP_MAX)
		return false;
	o->count++;
	return true;
}

int64_t
notice_cap_digest_s(
    const struct notice_cap *c, const char *sender, int64_t now_s)
{
	const struct one *o = find_sender(c, sender);

	return o == NULL || o->digest_s == 0 || is_over(o->digest_s, now_s)
		   ? now_s
		   : o->digest_s + NOTICE_CAP_S;
}

void
notice_cap_digested(struct notice_cap *c, const char *sender, int64_t now_s)
{
	get_sender(c, sender)->digest_s = now_s;
}

/* An address has no blank outside quotes, and stands at the end of the line. */
void
notice_cap_save(const struct notice_cap *c, int64_t now_s, struct buf *to)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct one *o = &c->v[i];

		if (!is_over(o->since_s, now_s) ||
		    (o->digest_s != 0 && !is_over(o->digest_s, now_s)))
			IGNORE(buf_addf(to,
			    "%" PRId64 " %" PRIu64 " %" PRId64 " %s\n",
			    o->since_s, o->count, o->digest_s, o->sender));
	}
}

static void
load_line(struct notice_cap *c, struct bytes line)
{
	uint64_t since, count, digest;
	struct one *o;
	char *sender;

	if (!num_u64_max(bytes_cut(&line, ' '), INT64_MAX, &since) ||
	    !num_u64_max(bytes_cut(&line, ' '), NOTICE_CAP_MAX, &count) ||
	    !num_u64_max(bytes_cut(&line, ' '), INT64_MAX, &digest) ||
	    line.n == 0 || c->count == NOTICE_CAP_SENDERS)
		return;
	sender = xstrndup(line.p, line.n);
	o = get_sender(c, sender);
	o->since_s = (int64_t)since;
	o->count = count;
	o->digest_s = (int64_t)digest;
	free(sender);
}

void
notice_cap_load(struct notice_cap *c, struct bytes text)
{
	while (text.n > 0)
		load_line(c, bytes_cut(&text, '\n'));
}
