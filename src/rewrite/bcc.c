/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/bcc.h"

void
bcc_remove(struct header *h)
{
	static const char *const names[] = { "Bcc", "Resent-Bcc",
		"Return-Path" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		IGNORE(header_remove_all(h, names[i])); /* none is fine */
}
