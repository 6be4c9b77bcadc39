/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mails.h - mail as nobody in their right mind would write it.
 *
 * From a seed: a message (structured, structured and then damaged, or raw
 * bytes) and an envelope, with everything in them that has ever broken a mail
 * system.  The same seed gives the same mail everywhere.
 */
#ifndef TESTS_PROPERTY_MAILS_H
#define TESTS_PROPERTY_MAILS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { MAILS_RCPTS_MAX = 40, MAILS_ADDR_MAX = 400, MAILS_WORD_MAX = 160 };

struct mails_addr {
	char canonical[MAILS_ADDR_MAX]; /* what it is */
	char path[MAILS_ADDR_MAX + 64]; /* how the client writes it */
};

struct mails_rcpt {
	struct mails_addr addr;
	char orcpt[MAILS_WORD_MAX]; /* "": none */
	unsigned notify;
};

struct mails_mail {
	struct buf text; /* bytes as the program has them */
	struct mails_addr sender; /* "" is the null sender */
	struct mails_rcpt rcpts[MAILS_RCPTS_MAX];
	size_t nrcpts;
	char envid[MAILS_WORD_MAX];
	int ret; /* enum dsn_ret */
	bool says_8bit, says_utf8; /* parameters of MAIL */
};

struct random_source {
	uint64_t state;
};
uint32_t random_below(
    struct random_source *d, uint32_t bound); /* 0 .. bound - 1 */

bool mails_is_high(const char *s); /* has a byte over 127 */

void mails_init(struct mails_mail *m);
void mails_clear(struct mails_mail *m);
/* Replaces what is in m. */
void mails_make(struct mails_mail *m, struct random_source *d);

#endif
