/* SPDX-License-Identifier: GPL-3.0-or-later */
/* knock.h - finds out whether a host answers on port 443, without sending
 * anything.
 *
 * It distinguishes a line on which SMTP is blocked from a line without any
 * connection.  A process that may not connect to that port gives its loop
 * another way, as for look-ups (net/lookup.h).
 *
 * Nothing blocks on the loop.  The answer is reported once, never from within
 * knock_new(), at the latest after KNOCK_MS plus the time of a look-up; then
 * the knock is freed.
 */
#ifndef NET_KNOCK_H
#define NET_KNOCK_H

enum { KNOCK_PORT = 443, KNOCK_MS = 5000 };

enum knock_answer {
	KNOCK_SILENT,
	KNOCK_REFUSED, /* refused by the host, which is reachable */
	KNOCK_OPEN
};

struct knock;
struct loop;

/* How to find out.  Blocks; runs on a worker thread. */
typedef enum knock_answer knock_way(void *ctx, const char *host);
knock_way knock_system; /* the default; ctx is not used */
void knock_by(struct loop *l, knock_way *way, void *ctx);

/* host is copied. */
struct knock *knock_new(struct loop *l, const char *host,
    void (*told)(void *ctx, enum knock_answer answer), void *ctx);
/* told() will not be called; NULL is allowed */
void knock_forget(struct knock *k);

#endif
