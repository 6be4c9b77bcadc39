/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probe443.h - finds out whether a host answers on port 443, without sending
 * anything.
 *
 * It distinguishes a line on which SMTP is blocked from a line without any
 * connection.  A process that may not connect to that port gives its loop
 * another way, as for look-ups (net/lookup.h).
 *
 * Nothing blocks on the loop.  The answer is reported once, never from within
 * probe443_new(), at the latest after PROBE443_MS plus the time of a look-up;
 * then the probe is freed.
 */
#ifndef NET_PROBE443_H
#define NET_PROBE443_H

enum { PROBE443_PORT = 443, PROBE443_MS = 5000 };

enum probe443_answer {
	PROBE443_SILENT,
	PROBE443_REFUSED, /* refused by the host, which is reachable */
	PROBE443_OPEN
};

struct probe443;
struct loop;

/* How to find out.  Blocks; runs on a worker thread. */
typedef enum probe443_answer probe443_way(void *ctx, const char *host);
probe443_way probe443_system; /* the default; ctx is not used */
void probe443_by(struct loop *l, probe443_way *way, void *ctx);

/* host is copied. */
struct probe443 *probe443_new(struct loop *l, const char *host,
    void (*told)(void *ctx, enum probe443_answer answer), void *ctx);
/* told() will not be called; NULL is allowed */
void probe443_forget(struct probe443 *k);

#endif
