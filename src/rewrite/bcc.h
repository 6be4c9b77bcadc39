/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bcc.h - removes fields that must not be sent: Bcc and every field that would
 * be read as Bcc (R15), because it names hidden recipients, and Return-Path,
 * which only the last hop may write (RFC 5321 4.4).
 */
#ifndef REWRITE_BCC_H
#define REWRITE_BCC_H

#include "mail/header.h"

/* Removes all such fields, however many there are and however they are
 * folded. */
void bcc_remove(struct header *h);

#endif
