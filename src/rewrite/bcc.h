/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bcc.h - fields that must not travel: Bcc and all that is read so (R15), which
 * would tell everybody whom nobody was to know of, and Return-Path, which only
 * the last hop may write (RFC 5321 4.4).
 */
#ifndef REWRITE_BCC_H
#define REWRITE_BCC_H

#include "mail/header.h"

/* Removes all of them, however often and however folded. */
void bcc_remove(struct header *h);

#endif
