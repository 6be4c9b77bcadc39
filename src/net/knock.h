/* SPDX-License-Identifier: GPL-3.0-or-later */
/* knock.h - does anything answer at the port of the web, 443, of a host?
 * Nothing is said there.
 *
 * By it a line without mail is told from one without anything.  A process that
 * may not connect to that port gives its loop another way, as for look-ups
 * (net/lookup.h).
 *
 * Nothing blocks, on worker threads apart.  The answer is told once, and then
 * the knock is gone; never from within knock_new(), after KNOCK_MS at the
 * latest and the time of a look-up.
 */
#ifndef NET_KNOCK_H
#define NET_KNOCK_H

enum { KNOCK_PORT = 443, KNOCK_MS = 5000 };

enum knock_answer {
	KNOCK_SILENT,
	KNOCK_REFUSED, /* by the host itself, which is there */
	KNOCK_OPEN
};

struct knock;
struct loop;

/* Blocks; runs on a worker thread. */
typedef enum knock_answer knock_way(void *ctx, const char *host);
knock_way knock_system; /* the default; ctx is not used */
void knock_by(struct loop *l, knock_way *way, void *ctx);

/* host is copied. */
struct knock *knock_new(struct loop *l, const char *host,
    void (*told)(void *ctx, enum knock_answer answer), void *ctx);
void knock_forget(struct knock *k); /* no callback comes; NULL is allowed */

#endif
