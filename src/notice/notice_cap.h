/* SPDX-License-Identifier: GPL-3.0-or-later */
/* notice_cap.h - limits how many notices one sender gets.
 *
 * A sender gets ten in an hour.  Further events are gathered and reported in
 * one digest, at most once an hour.  The counts are kept as text across
 * restarts.  Beyond NOTICE_CAP_SENDERS senders, the one that was counted
 * longest ago is dropped.
 *
 * Pure; times are wall clock seconds.  If the clock was set back, the hour
 * counts as over.
 */
#ifndef NOTICE_NOTICE_CAP_H
#define NOTICE_NOTICE_CAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { NOTICE_CAP_MAX = 10, NOTICE_CAP_S = 3600, NOTICE_CAP_SENDERS = 1000 };

struct notice_cap;

struct notice_cap *notice_cap_new(void);
void notice_cap_free(struct notice_cap *c);

/* True: this sender may get one more notice, which is counted. */
bool notice_cap_take(struct notice_cap *c, const char *sender, int64_t now_s);
/* When the digest for this sender may be sent: now_s or later. */
int64_t notice_cap_digest_s(
    const struct notice_cap *c, const char *sender, int64_t now_s);
/* The digest was sent. */
void notice_cap_digested(
    struct notice_cap *c, const char *sender, int64_t now_s);

/* One line per sender that is still counted.  Loading ignores what it does not
 * understand. */
void notice_cap_save(const struct notice_cap *c, int64_t now_s, struct buf *to);
void notice_cap_load(struct notice_cap *c, struct bytes text);

#endif
